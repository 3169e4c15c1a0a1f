"""The words of the mapping as it can be seen and changed until confirm (docs/wire-spreadsheet.md, "The mapping")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from douane.flow.remapping import Changed, EditsLost, Fed, Mapped, Wanted
from douane.model.reading import Detected
from douane.model.sheet_import import Asked, sheet_detail
from douane.sheet.matching import Match
from douane.web.spreadsheet.wire.bodies import Body, object_body
from douane.web.spreadsheet.wire.stages import STATUS
from douane.web.spreadsheet.wire.uploads import header_line, is_header_line

COLUMNS_MAX = 10_000  # of one change
NAMES_MAX = 16_384


class ProposalDocument(Struct):
    """`heading`: its position; `sure`: it would be taken where nobody looks; `alike`: positions that fit as well."""

    heading: int
    columnHeading: str
    certainty: float
    reason: str
    sure: bool
    alike: list[int]


class MappedColumn(Struct):
    key: str
    name: str
    isRequired: bool
    heading: int | None
    columnHeading: str | None
    proposal: ProposalDocument | None


class MappedHeading(Struct):
    """`values`: the first different ones below it, at most three; `column`: the key that it feeds, null: ignored."""

    index: int
    heading: str
    values: list[str]
    column: str | None


class ReadingDocument(Struct):
    """How the file was read; `sheet` null: not a workbook, or not asked yet."""

    format: str | None
    encoding: str | None
    delimiter: str | None
    quote: str | None
    sheet: str | None
    sheets: list[str]


class ColumnChange(Struct):
    key: str
    before: str | None
    after: str | None


class HeaderChange(Struct):
    before: int | None
    after: int | None


class LostCell(Struct):
    index: int
    line: int
    column: str
    value: str | None


class ChangeDocument(Struct):
    applied: bool
    status: str
    columns: list[ColumnChange]
    headerRow: HeaderChange
    kept: int
    lost: int
    lostCells: list[LostCell]
    missing: list[str]


class PendingDocument(Struct):
    """Another reading, that waits to be taken: what it found, and what it would change."""

    reading: ReadingDocument
    headings: list[str]
    headerRow: int | None
    records: list[list[str]]
    change: ChangeDocument


class MappingDocument(Struct):
    uploadId: str
    status: str
    headerRow: int | None
    reading: ReadingDocument
    records: list[list[str]]
    lines: list[int]
    headings: list[MappedHeading]
    columns: list[MappedColumn]
    missing: list[str]
    pending: PendingDocument | None


class LostDocument(ChangeDocument):
    message: str
    error: str
    statusCode: int


def mapped(found: Mapped, pending: Changed | None) -> MappingDocument:
    detail = sheet_detail(found.operation)
    texts = [one.text for one in found.headings]
    return MappingDocument(
        uploadId=found.operation.id,
        status=STATUS[found.operation.stage],
        headerRow=_row(detail.header_row),
        reading=_reading(detail.detected),
        records=[list(record) for record in detail.records],
        lines=list(found.lines),
        headings=[MappedHeading(at, one.text, list(one.values), one.key) for at, one in enumerate(found.headings)],
        columns=[_column(one, texts) for one in found.columns],
        missing=[column.key for column in found.missing],
        pending=None if pending is None else _pending(pending),
    )


def _pending(found: Changed) -> PendingDocument | None:
    reading = sheet_detail(found.operation).reading
    if reading is None:
        return None
    records = [list(record) for record in reading.records]
    how = _reading(reading.detected)
    return PendingDocument(how, list(reading.headings), _row(reading.header_row), records, changed(found))


def _row(header: int | None) -> int | None:
    return None if header in (None, -1) else header


def _reading(detected: Detected | None) -> ReadingDocument:
    if detected is None:
        return ReadingDocument(None, None, None, None, None, [])
    return ReadingDocument(
        detected.format, detected.encoding, detected.delimiter, detected.quote, detected.sheet, list(detected.sheets)
    )


def _column(fed: Fed, texts: list[str]) -> MappedColumn:
    heading = None if fed.at is None else texts[fed.at]
    proposal = None if fed.proposed is None else _proposal(fed.proposed, texts)
    return MappedColumn(fed.column.key, fed.column.name, fed.column.required, fed.at, heading, proposal)


def _proposal(match: Match, texts: list[str]) -> ProposalDocument:
    certainty = round(match.certainty, 4)
    return ProposalDocument(match.at, texts[match.at], certainty, match.reason, match.sure, list(match.also))


def wanted(value: Any, person_id: str | None) -> Wanted:
    """The body of a change: unknown fields are ignored, as everywhere (2.1)."""
    body = object_body(value)
    new_header = "headerRow" in body.fields
    header = body.fields.get("headerRow")
    index = None if header is None else body.index("headerRow", header)
    names = body.texts("headings") or []
    if len(names) > NAMES_MAX:
        body.wrong("headings", f"must not hold more than {NAMES_MAX} texts")
    columns = _columns(body)
    agreed, dry_run = bool(body.flag("agree")), bool(body.flag("dryRun"))
    if not new_header and not columns:
        body.messages.append("headerRow or columns says what is to be changed")
    body.done()
    return Wanted(columns, new_header, index, names, agreed, dry_run, person_id)


@dataclass(frozen=True, slots=True)
class Reread:
    asked: Asked
    hold: bool
    agreed: bool


_READ_BY = ("sheet", "encoding", "delimiter", "quote", "headerLine")
_SHORT_MAX = 300


def reread(value: Any, before: Asked) -> Reread:
    """The body of another reading: what is named is read so from now on, null = detected; what is not named stays as it
    was asked for before. Another sheet has its own heading line."""
    body = object_body(value)
    given = {name: body.text(name) or None for name in _READ_BY if name in body.fields}
    for name, text in given.items():
        if text is not None and len(text) > _SHORT_MAX:
            body.wrong(name, f"must be shorter than or equal to {_SHORT_MAX} characters")
    header, quote = given.get("headerLine"), given.get("quote")
    if header and not is_header_line(header):
        body.wrong("headerLine", "must be a line number or none")
    if quote and quote.lower() != "none" and len(quote) != 1:
        body.wrong("quote", "must be one character or none")
    if not given:
        body.messages.append(f"one of {', '.join(_READ_BY)} says how the file is read")
    hold, agreed = bool(body.flag("dryRun")), bool(body.flag("agree"))
    body.done()
    values: dict[str, Any] = {name: given[name] for name in ("sheet", "encoding", "delimiter") if name in given}
    if "quote" in given:
        values["quote"] = "" if quote and quote.lower() == "none" else quote
    if "headerLine" in given or "sheet" in given:
        values["header"] = header_line(header)
    return Reread(replace(before, **values), hold, agreed)


def taken(value: Any) -> bool:
    """Whether the body agrees that changed cells go."""
    body = object_body(value)
    agreed = bool(body.flag("agree"))
    body.done()
    return agreed


def _columns(body: Body) -> dict[str, int | None]:
    given = body.fields.get("columns")
    if given is None:
        return {}
    if not isinstance(given, list):
        body.wrong("columns", "must be an array")
        return {}
    if len(given) > COLUMNS_MAX:
        body.wrong("columns", f"must not hold more than {COLUMNS_MAX} columns")
        return {}
    found: dict[str, int | None] = {}
    for number, item in enumerate(given):
        one = Body(item if isinstance(item, dict) else {}, f"columns.{number}.", body.messages)
        key = one.text("key", required=True)
        if "heading" not in one.fields:
            one.wrong("heading", "must be a position or null")
        at = one.fields.get("heading")
        if key is not None:
            if key in found:
                one.wrong("key", "is named twice")
            found[key] = None if at is None else one.index("heading", at)
    return found


def changed(found: Changed) -> ChangeDocument:
    return ChangeDocument(**_change_fields(found))


def lost(refused: EditsLost) -> LostDocument:
    """The answer of a change that would lose what people changed, and that nobody has agreed to."""
    fields = _change_fields(refused.changed)
    return LostDocument(**fields, message=refused.message, error="Conflict", statusCode=409)


def _change_fields(found: Changed) -> dict[str, Any]:
    return {
        "applied": found.applied,
        "status": STATUS[found.operation.stage],
        "columns": [ColumnChange(line.key, line.before, line.after) for line in found.columns],
        "headerRow": HeaderChange(*found.header),
        "kept": found.kept,
        "lost": found.gone,
        "lostCells": [LostCell(one.row, line, one.key, one.text) for one, line in found.lost],
        "missing": [column.key for column in found.missing],
    }
