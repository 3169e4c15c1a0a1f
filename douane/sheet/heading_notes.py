"""What is said of the records around the headings: those left out above, two rows joined, what says more below. Which
record the headings are is told in `heading.py`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from douane.sheet.first_records import MEASURED, Table
from douane.sheet.white_space import WHITE


def left_out(count: int, lines: Sequence[int]) -> tuple[str, ...]:
    where = f" on line {lines[count]:,}" if count < len(lines) else ""
    above = "The record above it is" if count == 1 else f"The {count:,} records above it are"
    return (f"The table begins{where}. {above} left out.",)


def two_rows(upper: int, lower: int, lines: Sequence[int]) -> str:
    where = f", on lines {lines[upper]:,} and {lines[lower]:,}, are" if lower < len(lines) else " are"
    return f"Two rows of headings{where} joined."


def described(table: Table, at: int, lines: Sequence[int]) -> Iterator[str]:
    """Records right below the headings that are none: they say units, questions or types, or count the columns."""
    last = next((at + count for count in (3, 2, 1) if at + count + 2 < len(table) and _describe(table, at, count)), at)
    if last == at:
        return
    first = at + 1
    where = [lines[row] if row < len(lines) else row + 1 for row in (first, last)]
    what = "line" if last < len(lines) else "record"
    if last == first:
        yield f"What {what} {where[0]:,} says of the columns (units, types, questions) is read as data."
    else:
        yield f"What {what}s {where[0]:,} to {where[1]:,} say of the columns (units, types, questions) is read as data."


def _describe(table: Table, at: int, count: int) -> bool:
    """Whether each of `count` records behind the headings is text where all below them is measured, in two columns or
    more; or counts the columns."""
    end = at + count
    measured, below = table.measured(end), table.below(end)
    plainly = {column for column in measured if not below[column]["text"]}
    for index in range(at + 1, end + 1):
        row, kinds, filled = table.rows[index], table.kinds(index), table.filled(index)
        texts = [row[column].strip(WHITE) for column in sorted(filled)]
        if len(texts) > 2 and texts == [str(number) for number in range(1, len(texts) + 1)]:
            if filled <= set(measured) or not filled >= table.columns(end):
                return False
            continue
        own = plainly & filled
        if any(kinds[column] in MEASURED for column in filled) or len(own) < 2 or len(own) * 2 < len(measured):
            return False
    return True
