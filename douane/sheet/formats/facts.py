"""What is met while a file is read and told with its count: the codes, and how those of many pieces become those of a
file; their sentences stand in `sheet/noticed.py`. A fact makes no row invalid; what concerns a row that is there is a
flag or a warning."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from douane.model.reading import Fact, Note
from douane.sheet.noticed import KEYS, note

LINES_MAX = 100

HIDDEN_ROWS = "hidden_rows"
UNDER_MERGED = "under_merged"
NO_RESULT = "formula_without_result"
JOINING_QUOTES = "quote_joins_lines"
END_SIGN = "end_sign"
JOINED_CELLS = "delimiter_in_cells"
WIDER = "wider_than_headings"
LIMIT_ROWS = "rows_of_a_limit"
UNKNOWN_VALUES = "values_unknown"

_ROWS_MAX = (65_536, 1_048_576)  # of a sheet of Excel until 2003, and since


def fact(code: str, lines: Sequence[int], count: int | None = None) -> tuple[Fact, ...]:
    """The fact that something stands on these lines, in their order; none where it stands nowhere."""
    count = len(lines) if count is None else count
    return (Fact(code, count, tuple(lines[:LINES_MAX])),) if count else ()


def cut_off(records: int, blank: int) -> tuple[Fact, ...]:
    """The fact that a file ends exactly where old or new Excel could hold no more rows."""
    most = next((most for most in _ROWS_MAX if most in (records, records + blank)), None)
    return () if most is None else (Fact(LIMIT_ROWS, most),)


def sentence(fact: Fact) -> Note:
    """What a person is told, with the first lines."""
    if fact.code not in KEYS:
        return Note(f"{fact.code}: {fact.count:,}")
    return note(fact.code, count=fact.count, lines=fact.lines)


class Facts:
    """Those of a file, gathered piece by piece in order."""

    def __init__(self, so_far: Iterable[Fact] = ()) -> None:
        self._found: dict[str, Fact] = {}
        self.add(so_far)

    def add(self, facts: Iterable[Fact]) -> None:
        for one in facts:
            held = self._found.get(one.code, Fact(one.code, 0))
            lines = (*held.lines, *one.lines)[:LINES_MAX]
            self._found[one.code] = Fact(one.code, held.count + one.count, lines)

    def count(self, code: str) -> int:
        return self._found[code].count if code in self._found else 0

    def all(self) -> tuple[Fact, ...]:
        return tuple(self._found.values())
