"""What is said of the records around the headings: those left out above, two rows joined, what says more below. Which
record the headings are is told in `heading.py`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from douane.model.reading import Note
from douane.sheet.first_records import MEASURED, Table
from douane.sheet.noticed import note
from douane.sheet.white_space import WHITE


def left_out(count: int, lines: Sequence[int]) -> tuple[Note, ...]:
    return (note("table_begins", line=lines[count], count=count),)


def two_rows(upper: int, lower: int, lines: Sequence[int]) -> Note:
    return note("headings_joined", line=lines[upper], lower_line=lines[lower])


def described(table: Table, at: int, lines: Sequence[int]) -> Iterator[Note]:
    """Records right below the headings that are none: they say units, questions or types, or count the columns."""
    last = next((at + count for count in (3, 2, 1) if at + count + 2 < len(table) and _describe(table, at, count)), at)
    if last == at + 1:
        yield note("line_of_columns", line=lines[last])
    elif last > at:
        yield note("lines_of_columns", line=lines[at + 1], last_line=lines[last])


def _describe(table: Table, at: int, count: int) -> bool:
    """Whether each of `count` records behind the headings is text where all below them is measured, in two columns or
    more; or counts the columns, or is a ruler under the headings."""
    end = at + count
    measured, below = table.measured(end), table.below(end)
    plainly = {column for column in measured if not below[column]["text"]}
    for index in range(at + 1, end + 1):
        row, kinds, filled = table.rows[index], table.kinds(index), table.filled(index)
        texts = [row[column].strip(WHITE) for column in sorted(filled)]
        if texts and all(len(text) > 1 and not text.strip("-=+|:_ ") for text in texts):
            continue  # a ruler
        if len(texts) > 2 and texts == [str(number) for number in range(1, len(texts) + 1)]:
            worded = any(below[column].keys() == {"text"} for column in filled)
            if not worded or not filled >= table.columns(end):
                return False
            continue
        own = plainly & filled
        if any(kinds[column] in MEASURED for column in filled) or len(own) < 2 or len(own) * 2 < len(measured):
            return False
    return True
