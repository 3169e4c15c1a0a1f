"""A template learned from a file: per heading the type that the contract's rule names, and what else its cells show.

The contract's own rule (2.5) looks at the first ten records only: all numeric -> `Double` if any has a point, else
`Number`; an `@` -> `Email`; dates -> `Date`; at most five distinct values, fewer than 30 % of all -> `Select`; else
`String`. What is learned besides goes by all records that were looked at, each with how many spoke for it and against.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from douane.model.learned import Evidence, Learned
from douane.sheet.columns.contract import SPACE
from douane.sheet.columns.date import pattern as date_pattern

FIRST = 10  # records that the contract's rule goes by
RECORDS_MAX = 200_000  # that are looked at besides
DISTINCT_MAX = 50_000  # values of a column that are told apart
LIST_MAX = 20  # values of a list that is proposed
_AGREE = 0.95  # of the cells that are not empty, for what is learned besides

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]{2,}")
_FORMATS = (
    *("YYYY-MM-DD", "DD/MM/YYYY", "MM/DD/YYYY", "DD.MM.YYYY", "DD-MM-YYYY", "YYYY/MM/DD"),
    *("D/M/YYYY", "M/D/YYYY", "D.M.YYYY", "DD MMM YYYY"),
)
_WORDS = re.compile(r"[^\W_]+")


def key_of(name: str, taken: Iterable[str] = ()) -> str:
    """A key that programs like: words in lower case with `_` between them; numbered where it is taken already."""
    plain = "_".join(_WORDS.findall(name.casefold())) or "column"
    key, at = plain, 1
    while key in taken:
        at += 1
        key = f"{plain}_{at}"
    return key


@dataclass(slots=True)
class _Column:
    first: list[str] = field(default_factory=list)
    filled: int = 0
    emails: int = 0
    numbers: int = 0
    dates: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_FORMATS, 0))
    values: dict[str, int] = field(default_factory=dict)
    repeated: int = 0
    too_many: bool = False


class Learner:
    """Takes the records of a file in turn: `add(cells)`, one text per heading; then `learned()`."""

    def __init__(self, headings: Sequence[str]) -> None:
        self._headings = list(headings)
        self._columns = [_Column() for _ in headings]
        self._records = self._surplus = 0
        named = [at for at, heading in enumerate(headings, 1) if heading.strip(SPACE)]
        self._end = named[-1] if named else len(headings)
        self._shapes = [(form, re.compile(_python(date_pattern((form,))))) for form in _FORMATS]

    @property
    def full(self) -> bool:
        return self._records >= RECORDS_MAX

    def add(self, cells: Sequence[str]) -> None:
        self._records += 1
        self._surplus += any(text.strip(SPACE) for text in cells[self._end :])
        for at, column in enumerate(self._columns):
            text = cells[at].strip() if at < len(cells) else ""
            if len(column.first) < FIRST:
                column.first.append(text)
            if not text:
                continue
            column.filled += 1
            if column.too_many:
                pass
            elif text in column.values:
                column.values[text] += 1
                column.repeated += 1
            elif len(column.values) < DISTINCT_MAX:
                column.values[text] = 1
            else:
                column.too_many = True
            column.numbers += _NUMBER.fullmatch(text) is not None
            column.emails += _EMAIL.fullmatch(text) is not None
            if 6 <= len(text) <= 20 and any(sign.isdigit() for sign in text):
                for form, shape in self._shapes:
                    column.dates[form] += shape.fullmatch(text) is not None

    @property
    def unnamed(self) -> list[int]:
        """Positions, from 1, of columns with cells but without a heading."""
        both = zip(self._headings, self._columns, strict=True)
        return [at for at, (heading, column) in enumerate(both, 1) if column.filled and not heading.strip()]

    def learned(self) -> list[Learned]:
        """Of what has a heading: nothing else of a file can be matched, and a column that must be filled and never is
        would have the template refuse the very file."""
        found: list[Learned] = []
        taken: list[str] = []
        for heading, column in zip(self._headings, self._columns, strict=True):
            if not heading.strip():
                continue
            key = key_of(heading, taken)
            taken.append(key)
            found.append(self._of(heading, key, column))
        if found and self._surplus:
            seen = Evidence(self._surplus, self._records - self._surplus)
            found[-1] = replace(found[-1], surplus=True, evidence={**found[-1].evidence, "notes": seen})
        return found

    def _of(self, heading: str, key: str, column: _Column) -> Learned:
        kind = contract_type(column.first)
        filled, evidence = column.filled, {}
        formats = tuple(form for form, count in column.dates.items() if filled and count >= _AGREE * filled)
        if formats:
            evidence["dateFormats"] = Evidence(column.dates[formats[0]], filled - column.dates[formats[0]])
        if kind in ("Number", "Double"):
            evidence["type"] = Evidence(column.numbers, filled - column.numbers)
        elif kind == "Email":
            evidence["type"] = Evidence(column.emails, filled - column.emails)
        required = self._records > 0 and filled == self._records
        evidence["isRequired"] = Evidence(filled, self._records - filled)
        unique = filled > 1 and not column.repeated and not column.too_many
        if not column.too_many:
            evidence["isUnique"] = Evidence(len(column.values), column.repeated)
        options: tuple[str, ...] = ()
        several = 1 < len(column.values) <= LIST_MAX and filled >= 3 * len(column.values)
        if several and not column.too_many and kind in ("String", "Select"):
            options = tuple(sorted(column.values, key=lambda value: (-column.values[value], value)))
            evidence["selectValues"] = Evidence(filled, 0)
        return Learned(heading, key, kind, self._records, formats, options, required, unique, evidence)


def contract_type(first: Sequence[str]) -> str:
    """By the contract's rule, from the first records' cells."""
    texts = [text for text in first if text]
    if not texts:
        return "String"
    if all(_NUMBER.fullmatch(text) for text in texts):
        return "Double" if any("." in text for text in texts) else "Number"
    if any("@" in text for text in texts):
        return "Email"
    shapes = [re.compile(_python(date_pattern((form,)))) for form in _FORMATS]
    if all(any(shape.fullmatch(text) for shape in shapes) for text in texts):
        return "Date"
    distinct = set(texts)
    if len(distinct) <= 5 and len(distinct) < 0.3 * len(texts):
        return "Select"
    return "String"


def _python(shape: str) -> str:
    """A pattern of Polars' engine as Python writes it: code points in braces."""
    written = re.sub(r"\\x\{([0-9A-Fa-f]+)\}", lambda code: re.escape(chr(int(code[1], 16))), shape)
    return written.replace(r"\A", "").replace(r"\z", "")


def document(name: str, found: Sequence[Learned]) -> dict[str, object]:
    """A template file's document that holds what was learned, and accepts the records that were looked at: where the
    first ten say a type and others don't agree, it is text."""
    columns = []
    for one in found:
        column: dict[str, object] = {"key": one.key, "name": one.name or one.key, "type": agreed_type(one)}
        if one.required:
            column["isRequired"] = True
        if one.unique and one.required:
            column["isUnique"] = True
        if column["type"] == "Date":
            column["dateFormats"] = list(one.date_formats)
        if column["type"] == "Select":
            column["selectValues"] = list(one.options)
        if one.surplus:
            column["notes"] = {"surplus": "warning"}
        columns.append(column)
    return {"name": name, "columns": columns}


def agreed_type(one: Learned) -> str:
    """The contract's type where every cell is of it, else `String`."""
    if one.type == "Select":
        return one.type if one.options else "String"
    seen = one.evidence.get("dateFormats" if one.type == "Date" else "type")
    if one.type != "String" and (seen is None or seen.spoke_against):
        return "String"
    return one.type
