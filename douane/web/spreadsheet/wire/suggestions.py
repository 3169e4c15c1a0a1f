"""The words of suggestions: what would make bad cells good (docs/wire-spreadsheet.md, "Beside the contract")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from douane.flow.live import Filter
from douane.flow.suggestions import OfText
from douane.web.spreadsheet.wire.bodies import Body, object_body
from douane.web.spreadsheet.wire.live import filter_of_body

TEXTS_MAX = 20_000  # of one acceptance
# What a proposal changes, in words for a person.
REASONS = {
    "learned": "what was chosen for it before",
    "invisible": "without signs that cannot be seen",
    "width": "written in ordinary signs",
    "case": "in upper or lower case",
    "other_name": "another name of it",
    "nearest": "the nearest value of the list",
    "number": "the number as it is written here",
    "date": "the date as it is written here",
    "time": "the time as it is written here",
    "email": "without a usual slip",
    "word": "a word for yes or no",
    "phone": "the number with its country's code",
    "url": "with what an address begins with",
    "iban": "the account number alone",
}


class Suggestion(Struct):
    value: str
    code: str
    reason: str
    alike: int


class CellSuggestions(Struct):
    """`alike`: how many cells of the column hold the same bad text."""

    index: int
    column: str
    value: str
    alike: int
    suggestions: list[Suggestion]


class TextSuggestions(Struct):
    value: str
    cells: int
    suggestions: list[Suggestion]


class ColumnSuggestions(Struct):
    """The distinct bad texts of a column that something is proposed for, most frequent first."""

    column: str
    data: list[TextSuggestions]
    totalTexts: int
    totalCells: int


DOCUMENTS = (CellSuggestions, ColumnSuggestions)


def of_cell(index: int, key: str, found: OfText) -> CellSuggestions:
    return CellSuggestions(index, key, found.text, found.cells, _suggestions(found))


def of_column(key: str, found: Sequence[OfText], limit: int) -> ColumnSuggestions:
    shown = [TextSuggestions(one.text, one.cells, _suggestions(one)) for one in found[:limit]]
    return ColumnSuggestions(key, shown, len(found), sum(one.cells for one in found))


def _suggestions(found: OfText) -> list[Suggestion]:
    return [Suggestion(one.text, one.reason, REASONS[one.reason], found.cells) for one in found.proposals]


def replaced_texts(body: Body) -> tuple[str, dict[str, str]]:
    """(column, text -> what is to stand in its place)."""
    column = body.text("column", required=True) or ""
    instead = body.mapping("instead")
    if not instead or not all(isinstance(text, str) for text in instead.values()):
        body.wrong("instead", "must be an object of texts")
    elif len(instead) > TEXTS_MAX:
        body.wrong("instead", f"must not hold more than {TEXTS_MAX} texts")
    return column, instead


def accepted(value: Any) -> tuple[str, dict[str, str], Filter, bool]:
    """(column, bad text -> good one, filter, dry run)."""
    body = object_body(value)
    column, instead = replaced_texts(body)
    chosen = filter_of_body(body)
    dry_run = bool(body.flag("dryRun"))
    body.done()
    return column, instead, chosen, dry_run
