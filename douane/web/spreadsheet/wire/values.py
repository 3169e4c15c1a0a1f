"""The words of a column's values: those of the file beside the template's (docs/wire-spreadsheet.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from msgspec import Struct

from douane.flow.live import Filter
from douane.flow.values import Values
from douane.web.spreadsheet.wire.bodies import object_body
from douane.web.spreadsheet.wire.live import filter_of_body
from douane.web.spreadsheet.wire.suggestions import REASONS, replaced_texts


class ValueProposal(Struct):
    value: str
    code: str
    reason: str


class FileValueDocument(Struct):
    """`cells` hold it; in `problems` of them the column has a problem."""

    value: str
    cells: int
    problems: int
    proposal: ValueProposal | None


class ValuesDocument(Struct):
    """The wrong values first, then the most frequent. `allowed`: the template's, empty where the column has no list."""

    column: str
    data: list[FileValueDocument]
    allowed: list[str]
    totalValues: int
    problemValues: int
    blankCells: int
    revision: int


def values(found: Values, limit: int) -> ValuesDocument:
    data = [
        FileValueDocument(
            one.text,
            one.cells,
            one.bad,
            None
            if one.proposal is None
            else ValueProposal(one.proposal.text, one.proposal.reason, REASONS[one.proposal.reason]),
        )
        for one in found.found[:limit]
    ]
    return ValuesDocument(
        found.column.key, data, list(found.allowed), found.texts, found.bad, found.blank, found.revision
    )


@dataclass(frozen=True, slots=True)
class Mapped:
    column: str
    instead: dict[str, str]
    chosen: Filter
    dry_run: bool
    remember: bool


def mapped(value: Any) -> Mapped:
    body = object_body(value)
    column, instead = replaced_texts(body)
    chosen = filter_of_body(body)
    dry_run, remember = bool(body.flag("dryRun")), body.flag("remember")
    body.done()
    return Mapped(column, instead, chosen, dry_run, remember is not False)
