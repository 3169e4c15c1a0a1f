"""Headings in two rows: which record is the other one of the two, and what they are joined to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from douane.sheet.first_records import HEADING_AMONG, YEAR, Table, is_measured, mean_length
from douane.sheet.white_space import WHITE


def second_row(table: Table, at: int) -> int | None:
    """The record below the headings, if it is their second row: text over all that is measured, and there to say what
    the first one leaves open (places that stand empty, one text over several columns)."""
    after = at + 1
    if after + 1 >= len(table) or after >= HEADING_AMONG:
        return None
    measured = table.measured(after)
    filled, above = table.filled(after), table.filled(at)
    kinds, row, upper = table.kinds(after), table.rows[after], table.rows[at]
    if not measured or any(is_measured(kinds, column) for column in filled):
        return None
    if not all(column in filled or column in above for column in measured):
        return None
    if _answers(table, after, filled, above) and mean_length(row) <= 40:
        return after
    if len(set(measured) & filled) * 2 < len(measured) or len(set(measured) & filled) < min(2, len(measured)):
        return None
    texts = [upper[column].strip(WHITE) for column in sorted(above)]
    open_places = filled - above
    doubled = len(set(texts)) < len(texts) and len({row[column].strip(WHITE) for column in filled}) > 1
    if not open_places and not (doubled and filled):
        return None
    if mean_length(row) > 40:
        return None
    return after


def _answers(table: Table, after: int, filled: set[int], above: set[int]) -> bool:
    """Whether a record names what the headings leave open, and nothing that they name but where that goes on: a
    question over one column an answer. Where something is measured it has none, or a text, so it is no record."""
    gaps, measured = filled - above, set(table.measured(after))
    if (
        len(gaps) < 2
        or len(measured - filled) < 2
        or (measured & filled and not _always(table, after, measured - filled))
    ):
        return False
    return bool(gaps & table.columns(after)) and len(filled - gaps) <= len(gaps)


def _always(table: Table, after: int, columns: set[int]) -> bool:
    """Whether every record below has something in these columns."""
    return all(columns <= table.filled(later) for later in range(after + 1, min(len(table), after + 40)))


def groups_above(table: Table, at: int) -> bool:
    """Whether the record above the headings groups them: several texts with gaps between, over headings that are
    filled throughout and repeat."""
    above, own = table.filled(at - 1), table.filled(at)
    upper, lower = table.rows[at - 1], [cell.strip(WHITE).casefold() for cell in table.rows[at]]
    kinds = table.kinds(at - 1)
    if any(is_measured(kinds, column) and not YEAR.fullmatch(upper[column].strip(WHITE)) for column in above):
        return False
    if not own - above or len(above - own) > 2 or mean_length(upper) > 40 or len(above) < 2:
        return False
    texts = [lower[column] for column in sorted(own)]
    repeated = {text for text, count in Counter(texts).items() if count > 1}
    if not repeated:
        return False
    # Spread to the right, the groups must tell the repeated headings apart.
    groups = spread(upper, table.rows[at], [])
    pairs = [(groups[column], lower[column]) for column in sorted(own)]
    return len(set(pairs)) > len(set(texts))


def spread(upper: Sequence[str], lower: Sequence[str], spans: Sequence[tuple[int, int, int]]) -> list[str]:
    """The texts of the upper row, each over the columns it stands for: its merged cells where they are known, else all
    up to the next one."""
    width = max(len(upper), len(lower))
    texts = [upper[column].strip(WHITE) if column < len(upper) else "" for column in range(width)]
    merged = {first: end for _, first, end in spans}
    if merged:
        for first, end in merged.items():
            for column in range(first, min(end, width)):
                texts[column] = texts[column] or texts[first]
        return texts
    last = ""
    for column in range(width):
        has_lower = column < len(lower) and lower[column].strip(WHITE)
        if texts[column]:
            last = texts[column] if has_lower else ""
        elif has_lower:
            texts[column] = last
    return texts


def joined(upper: Sequence[str], lower: Sequence[str]) -> tuple[str, ...]:
    """Each group, as `spread` gave it, with what stands below; once where both say the same."""
    found: list[str] = []
    for column, group in enumerate(upper):
        own = lower[column].strip(WHITE) if column < len(lower) else ""
        found.append(own if not group or group == own else f"{group} {own}".strip())
    return tuple(found)
