"""What is met while a file is read and told with its count: the codes, their sentences, and how those of many pieces
become those of a file. A fact makes no row invalid; what concerns a row that is there is a flag or a warning."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from douane.model.reading import Fact

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

# code -> (one, many); {n} is the count
_SENTENCES: dict[str, tuple[str, str]] = {
    HIDDEN_ROWS: ("1 hidden row is left out.", "{n} hidden rows are left out."),
    UNDER_MERGED: (
        "1 cell under a merged one is left out: it shows nowhere.",
        "{n} cells under merged ones are left out: they show nowhere.",
    ),
    NO_RESULT: (
        "1 formula has no stored result and is read as an empty cell. Open the workbook and save it again.",
        "{n} formulas have no stored results and are read as empty cells. Open the workbook and save it again.",
    ),
    JOINING_QUOTES: (
        "1 cell goes over several lines though text follows its closing quote: the quote may be a stray one.",
        "{n} cells go over several lines though text follows their closing quotes: the quotes may be stray ones.",
    ),
    END_SIGN: ("The end-of-file sign of DOS (0x1A) behind the last record is left out.",) * 2,
    JOINED_CELLS: (
        "1 record has a value that holds the delimiter without quotes: it is read as one cell.",
        "{n} records have values that hold the delimiter without quotes: they are read as one cell each.",
    ),
    WIDER: (
        "1 record has more cells than there are headings: a value may hold the delimiter without quotes.",
        "{n} records have more cells than there are headings: values may hold the delimiter without quotes.",
    ),
    UNKNOWN_VALUES: (
        "1 column must be among accepted values of another template, which only the server knows: not checked here.",
        "{n} columns must be among accepted values of other templates, which only the server knows: not checked here.",
    ),
    LIMIT_ROWS: ("The file has exactly {n} records, as many as a program could keep: some may be missing.",) * 2,
}


def fact(code: str, lines: Sequence[int], count: int | None = None) -> tuple[Fact, ...]:
    """The fact that something stands on these lines, in their order; none where it stands nowhere."""
    count = len(lines) if count is None else count
    return (Fact(code, count, tuple(lines[:LINES_MAX])),) if count else ()


def cut_off(records: int, blank: int) -> tuple[Fact, ...]:
    """The fact that a file ends exactly where old or new Excel could hold no more rows."""
    most = next((most for most in _ROWS_MAX if most in (records, records + blank)), None)
    return () if most is None else (Fact(LIMIT_ROWS, most),)


def sentence(fact: Fact) -> str:
    """What a person is told, with the first lines."""
    one, many = _SENTENCES.get(fact.code, (f"{fact.code}: {{n}}",) * 2)
    text = (one if fact.count == 1 else many).replace("{n}", f"{fact.count:,}")
    if not fact.lines:
        return text
    shown = ", ".join(f"{line:,}" for line in fact.lines[:5])
    more = " …" if fact.count > 5 else "."
    word = "Line" if fact.count == 1 else "Lines"
    return f"{text} {word} {shown}{more}"


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
