"""The words of what stands beside the contract: live pages, bulk revisions, history (docs/wire-spreadsheet.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from douane.flow.changing import Change, Entry, Past, Undone
from douane.flow.live import Counts, Filter, LivePage, Next, Order
from douane.flow.records import Record
from douane.flow.revisions import ChangedMeanwhile
from douane.sheet.searching import Search
from douane.web.spreadsheet.wire.bodies import Body, array_body, object_body
from douane.web.spreadsheet.wire.documents import RecordDocument, pages, record
from douane.web.spreadsheet.wire.errors import WireError

CELLS_MAX = 10_000  # of one `POST cells`
FIND_CHARS_MAX = 1_000_000
_TYPES = ("all", "valid", "invalid")
_FIELDS = ("type", "problemColumn", "rule", "changed", "find", "findIn", "caseSensitive", "matchEntireCell")
FILTER_QUERY = {
    "type": "string",
    "problemColumn": "string",
    "rule": "string",
    "changed": "boolean",
    "find": "string",
    "findIn": "string",
    "caseSensitive": "boolean",
    "matchEntireCell": "boolean",
}


# Documents


class LiveDocument(Struct):
    data: list[RecordDocument]
    page: int
    limit: int
    totalRecords: int | None
    totalPages: int | None
    revision: int


class RuleCount(Struct):
    column: str | None
    rule: str
    warning: bool
    records: int


class CountsDocument(Struct):
    """All but `matchedRecords` are of the whole import."""

    totalRecords: int
    validRecords: int
    invalidRecords: int
    changedRecords: int
    matchedRecords: int
    columns: dict[str, int]
    rules: list[RuleCount]
    revision: int


class NextDocument(Struct):
    index: int | None
    position: int | None
    columns: list[str]
    revision: int


class SampleDocument(Struct):
    index: int
    column: str
    before: str | None
    after: str | None


class ReplacedDocument(Struct):
    """The contract's five counters (7.4), and ours. `sample` only where nothing was changed (`dryRun`)."""

    acknowledged: bool
    modifiedCount: int
    upsertedId: None
    upsertedCount: int
    matchedCount: int
    revision: int
    cells: int
    sample: list[SampleDocument] | UnsetType = UNSET


class CellsDocument(Struct):
    revision: int
    cells: int
    records: list[RecordDocument]
    counts: CountsDocument


class DeletedDocument(Struct):
    revision: int
    records: int


class UndoneDocument(Struct):
    revision: int
    cells: int
    kept: int


class ByDocument(Struct, rename={"id_": "_id"}):
    id_: str
    name: str


class RevisionDocument(Struct):
    revision: int
    kind: str
    at: str
    by: ByDocument | None
    cells: int
    records: int
    undone: bool
    undoes: int | None
    detail: dict[str, Any]


class RevisionsDocument(Struct):
    data: list[RevisionDocument]
    page: int
    limit: int
    totalRecords: int
    totalPages: int
    revision: int


class PastChange(Struct):
    revision: int
    kind: str
    at: str
    by: ByDocument | None
    value: str | None
    undone: bool


class HistoryDocument(Struct):
    index: int
    column: str
    line: int
    original: str | None
    value: str | None
    changes: list[PastChange]
    revision: int


class ConflictCell(Struct):
    index: int
    column: str
    value: str | None
    revision: int
    at: str
    by: str | None


class ConflictDocument(Struct):
    message: str
    error: str
    statusCode: int
    revision: int
    conflicts: list[ConflictCell]


def moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def live_page(found: LivePage, page: int, limit: int) -> LiveDocument:
    shown = [record(one, with_line=True, with_rules=True) for one in found.records]
    total = found.total
    return LiveDocument(shown, page, limit, total, None if total is None else pages(total, limit), found.revision)


def counts(found: Counts) -> CountsDocument:
    return CountsDocument(
        found.total,
        found.valid,
        found.invalid,
        found.changed,
        found.total if found.matched is None else found.matched,
        found.columns,
        [RuleCount(*rule) for rule in found.rules],
        found.revision,
    )


def next_record(found: Next | None, revision: int) -> NextDocument:
    if found is None:
        return NextDocument(None, None, [], revision)
    return NextDocument(found.index, found.position, list(found.columns), revision)


def replaced(change: Change, *, dry_run: bool) -> ReplacedDocument:
    sample = [SampleDocument(*one) for one in change.sample] if dry_run else UNSET
    return ReplacedDocument(True, change.records, None, 0, change.matched, change.revision, change.cells, sample)


def changed_cells(change: Change, shown: list[Record], counted: Counts) -> CellsDocument:
    records = [record(one, with_line=True, with_rules=True) for one in shown]
    return CellsDocument(change.revision, change.cells, records, counts(counted))


def undone(change: Undone) -> UndoneDocument:
    return UndoneDocument(change.revision, change.cells, change.kept)


def revisions(entries: list[Entry], total: int, last: int, page: int, limit: int) -> RevisionsDocument:
    shown = [
        RevisionDocument(
            entry.revision.number,
            entry.revision.kind,
            moment(entry.revision.created_at),
            _by(entry),
            entry.revision.cells,
            entry.revision.rows,
            entry.undone,
            entry.revision.undoes,
            {name: value for name, value in entry.revision.document.items() if name != "columns"},
        )
        for entry in entries
    ]
    return RevisionsDocument(shown, page, limit, total, pages(total, limit), last)


def history(index: int, column: str, past: Past) -> HistoryDocument:
    changes = [
        PastChange(
            entry.revision.number,
            entry.revision.kind,
            moment(entry.revision.created_at),
            _by(entry),
            text,
            entry.undone,
        )
        for entry, text in past.changes
    ]
    return HistoryDocument(index, column, past.line, past.original, past.value, changes, past.revision)


def _by(entry: Entry) -> ByDocument | None:
    return None if entry.by is None else ByDocument(*entry.by)


def overtaken(error: ChangedMeanwhile) -> ConflictDocument:
    cells = [
        ConflictCell(cell.row, cell.key, cell.text, cell.revision, moment(cell.at), cell.by) for cell in error.cells
    ]
    return ConflictDocument(error.message, "Precondition Failed", 412, error.revision, cells)


# What is asked


def seen(header: str | None) -> int | None:
    """The revision that `If-Match` names; None where it is absent or `*`."""
    if header is None or header.strip() == "*":
        return None
    found = re.fullmatch(r'(?:W/)?"?(\d{1,18})"?', header.strip())
    if found is None:
        raise WireError(400, "If-Match must be the number of a revision, as ETag gives it.")
    return int(found.group(1))


def filter_of_query(query: Mapping[str, str]) -> Filter:
    body = Body(query)
    for name in ("changed", "caseSensitive", "matchEntireCell"):
        if query.get(name, "true").lower() not in ("true", "false"):
            body.wrong(name, "must be a boolean value")
    fields: dict[str, Any] = {name: query[name] for name in _FIELDS if name in query}
    for name in ("changed", "caseSensitive", "matchEntireCell"):
        if name in fields:
            fields[name] = fields[name].lower() == "true"
    body.done()
    return _filter(Body(fields))


def filter_of_body(body: Body, *, required: bool = False) -> Filter:
    """The object `filter` of a body. A field that is none is refused: misspelt, it would mean all records."""
    value = body.fields.get("filter")
    if value is None and not required:
        return Filter()
    if not isinstance(value, dict):
        body.wrong("filter", "must be an object")
        return Filter()
    fields = Body(value, "filter.")
    for name in value:
        if name not in _FIELDS:
            fields.wrong(name, "should not exist")
    if required and not value:
        body.wrong("filter", "should not be empty")
    return _filter(fields)


def _filter(body: Body) -> Filter:
    kind = body.choice("type", _TYPES)
    find = body.text("find")
    found = Filter(
        type="valid" if kind == "valid" else "invalid" if kind == "invalid" else "all",
        problem_column=body.text("problemColumn"),
        rule=body.text("rule"),
        changed=body.flag("changed"),
        find=find,
        find_in=body.text("findIn"),
        case_sensitive=bool(body.flag("caseSensitive")),
        whole=bool(body.flag("matchEntireCell")),
    )
    if find is not None and "\0" in find:
        body.wrong("find", "must not hold the NUL character")
    if find is not None and len(find) > FIND_CHARS_MAX:
        body.wrong("find", f"must be shorter than or equal to {FIND_CHARS_MAX} characters")
    body.done()
    return found


def order_of_query(query: Mapping[str, str]) -> Order:
    body = Body(query)
    order = body.choice("order", ("up", "down"))
    body.done()
    sort = query.get("sort")
    return Order(sort or None, order == "down")


@dataclass(frozen=True, slots=True)
class Replacement:
    search: Search
    text: str
    column: str | None
    chosen: Filter
    dry_run: bool


def replacement(value: Any) -> Replacement:
    """The body of `PUT replace` (7.4); `column` "" means all."""
    body = object_body(value)
    column = body.fields.get("column")
    if not isinstance(column, str):
        body.wrong("column", "must be a string")
    find, text = body.text("find") or "", body.text("replace") or ""
    if len(find) > FIND_CHARS_MAX:
        body.wrong("find", f"must be shorter than or equal to {FIND_CHARS_MAX} characters")
    search = Search(find, bool(body.flag("caseSensitive")), bool(body.flag("matchEntireCell")))
    dry_run = bool(body.flag("dryRun"))
    chosen = filter_of_body(body)
    body.done()
    return Replacement(search, text, column or None, chosen, dry_run)


def one_value(value: Any) -> tuple[str, Any, Filter, bool]:
    """(column, value, filter, dryRun) of `POST change`."""
    body = object_body(value)
    column = body.text("column", required=True) or ""
    given = _cell_value(body)
    dry_run = bool(body.flag("dryRun"))
    chosen = filter_of_body(body, required=True)
    body.done()
    return column, given, chosen, dry_run


def cells(value: Any) -> list[tuple[int, str, Any]]:
    """(index, column, value) of `POST cells`."""
    body = object_body(value)
    given = body.fields.get("cells")
    if not isinstance(given, list) or not given:
        body.wrong("cells", "must be an array that is not empty")
        given = []
    if len(given) > CELLS_MAX:
        body.wrong("cells", f"must contain no more than {CELLS_MAX} elements")
    found = []
    for item in array_body(given[:CELLS_MAX]):
        one = Body(item, "each value in cells: ", body.messages)
        index = one.index("index", one.fields.get("index"))
        found.append((index, one.text("column", required=True) or "", _cell_value(one)))
    body.messages = list(dict.fromkeys(body.messages))
    body.done()
    return found


def _cell_value(body: Body) -> Any:
    value = body.fields.get("value")
    if "value" not in body.fields:
        body.wrong("value", "should be given")
    elif not isinstance(value, str | int | float | bool | list | None):
        body.wrong("value", "must be a text, a number, a boolean, a list or null")
    return value


def deleted_of_filter(value: Any) -> Filter | None:
    """The filter of `delete-records`, where one stands in place of the contract's indexes."""
    body = object_body(value)
    if "filter" not in body.fields:
        return None
    if "indexes" in body.fields:
        body.wrong("filter", "should not stand beside indexes")
    chosen = filter_of_body(body, required=True)
    body.done()
    return chosen


def position(text: str | None) -> int | None:
    """`from` of `next`."""
    if text is None or text == "":
        return None
    if not re.fullmatch(r"\d{1,10}", text):
        raise WireError(400, ["from must be the index of a record"])
    return int(text)
