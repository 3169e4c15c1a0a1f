"""The first records of a file with the kinds of their cells: numbers, days, times, addresses, truths, texts. What they
mean for the headings is `heading.py`'s."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from douane.sheet.white_space import WHITE

HEADING_AMONG = 60  # of the first records
_RECORDS = 400  # that are looked at
_CELLS = 40_000
_COLUMNS = 400
BELOW = 120  # records below a candidate that it is weighed against
_KIND_SHARE = 0.7
_NUMBER = re.compile(
    r"[-+(]?\s?(?:[$€£¥₽]|R\$|CHF|EUR|USD|GBP)?\s?[-+]?"
    r"(?:\d{1,3}(?:[.,'’ \u00a0\u202f]\d{3})+|\d+|(?=[.,]\d))(?:[.,]\d*)?(?:[eE][-+]?\d+)?"
    r"\s?\)?(?:%|‰|[$€£¥₽]|kr|zł|Kč|CHF|EUR|USD|GBP)?-?",
)
_NO_NUMBER = frozenset({"nan", "inf", "-inf", "+inf", "infinity", "-infinity", "1.#inf", "-1.#inf", "1.#qnan"})
_NOTHING = frozenset({"na", "n/a", "#n/a", "null", "none", "nil", "\\n", "-", "--", "–", "—", ".", "..", "?", "*"})
_TRUTH = frozenset({"true", "false"})
_TIME = re.compile(r"\d{1,4}:\d\d(?::\d\d(?:[.,]\d+)?)?\s?(?:[AaPp]\.?[Mm]\.?)?(?:Z|[-+]\d\d:?\d\d)?")
_DATE = re.compile(
    r"(?:\d{1,4}[-/.]\s?\d{1,2}[-/.]\s?\d{1,4}\.?|\d{4}年\d{1,2}月\d{1,2}日?"
    r"|\d{1,2}[-. /]\s?[^\W\d]{3,12}\.?[-. /,]\s?\d{2,4}"
    r"|[^\W\d]{3,12}\.? \d{1,2},? \d{4})(?:[T ,]\s?\d{1,2}[:.]\d\d.*)?"
)
_ADDRESS = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+|\w+://\S+|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
YEAR = re.compile(r"(?:19|20)\d\d")
NUMBER_SIGNS = frozenset("0123456789")
MEASURED = frozenset({"number", "date", "time", "boolean", "address"})


class Table:
    """The first records with the kinds of their cells, found when they are asked for."""

    def __init__(self, rows: Sequence[Sequence[str]]) -> None:
        width = max(1, min(_COLUMNS, max((len(row) for row in rows[:_RECORDS]), default=1)))
        self.rows = rows[: max(HEADING_AMONG + 2, min(_RECORDS, _CELLS // width))]
        self.width = width
        self._kinds: dict[int, list[str]] = {}
        self._below: dict[int, list[Counter[str]]] = {}
        self._measured: dict[int, dict[int, set[str]]] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def kinds(self, index: int) -> list[str]:
        """Of each cell: "" for one that holds nothing."""
        found = self._kinds.get(index)
        if found is None:
            found = self._kinds[index] = [kind_of(cell) for cell in self.rows[index][: self.width]]
        return found

    def below(self, index: int) -> list[Counter[str]]:
        """Per column the kinds of the cells below record `index`."""
        found = self._below.get(index)
        if found is None:
            found = self._below[index] = [Counter() for _ in range(self.width)]
            for later in range(index + 1, min(len(self), index + 1 + BELOW)):
                for column, kind in enumerate(self.kinds(later)):
                    if kind:
                        found[column][kind] += 1
        return found

    def filled(self, index: int) -> set[int]:
        return {column for column, cell in enumerate(self.rows[index][: self.width]) if cell.strip(WHITE)}

    def columns(self, index: int) -> set[int]:
        """The columns of the table below: those filled often, or more than once where the records are few."""
        counts = [sum(kinds.values()) for kinds in self.below(index)]
        least = max(2 if max(counts, default=0) > 2 else 1, 0.05 * min(len(self) - index - 1, BELOW))
        return {column for column, count in enumerate(counts) if count >= least}

    def measured(self, index: int) -> dict[int, set[str]]:
        """The columns that hold mostly numbers, days or the like below, with the kinds they hold."""
        found = self._measured.get(index)
        if found is None:
            found = self._measured[index] = {}
            for column, kinds in enumerate(self.below(index)):
                total = sum(kinds.values())
                if total and kinds["text"] <= (1 - _KIND_SHARE) * total:
                    found[column] = {kind for kind, count in kinds.items() if count * 10 >= total and kind != "text"}
        return found

    def texts_below(self, index: int, column: int) -> list[str]:
        later = self.rows[index + 1 : index + 1 + BELOW]
        return [text for row in later if column < len(row) and (text := row[column].strip(WHITE))]


def kind_of(cell: str) -> str:
    cell = cell.strip(WHITE)
    if len(cell) > 1 and cell[0] == cell[-1] and cell[0] in "'\"":
        cell = cell[1:-1]
    if not cell:
        return ""
    if len(cell) > 100:
        return "text"
    low = cell.lower()
    if low in _NOTHING:
        return ""
    if low in _NO_NUMBER:
        return "number"
    if low in _TRUTH:
        return "boolean"
    if not NUMBER_SIGNS.isdisjoint(cell):
        if _NUMBER.fullmatch(cell):
            return "number"
        if _DATE.fullmatch(cell):
            return "date"
        if _TIME.fullmatch(cell):
            return "time"
    if ("@" in cell or "://" in cell or "-" in cell) and _ADDRESS.fullmatch(cell):
        return "address"
    return "text"


def is_measured(kinds: Sequence[str], column: int) -> bool:
    """Whether a record's cell, by the kinds of its cells, is a number, a day and the like."""
    return column < len(kinds) and kinds[column] in MEASURED


def mean_length(row: Sequence[str]) -> float:
    """Of the cells that are filled, in characters."""
    texts = [cell.strip(WHITE) for cell in row if cell.strip(WHITE)]
    return sum(map(len, texts)) / max(1, len(texts))
