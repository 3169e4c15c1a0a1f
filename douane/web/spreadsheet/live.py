"""Beside the contract, under `/v1/review`: the live view, changes of many records, undo, history
(docs/wire-spreadsheet.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from douane import encodings
from douane.flow import changing, live
from douane.flow.changing import How
from douane.flow.live import Filter
from douane.model.identity import RUN_IMPORT, VIEW_IMPORT_OPERATIONS, Caller
from douane.model.operation import Operation
from douane.web.auth import noted, web_of
from douane.web.bodies import attachment
from douane.web.spreadsheet import answers, wire
from douane.web.spreadsheet.answers import says
from douane.web.spreadsheet.callers import body, checked, may, short_page_of
from douane.web.spreadsheet.uploads import find
from douane.web.spreadsheet.wire import live as words
from douane.web.streams import answer

router = APIRouter(prefix="/v1/review", tags=["Live"])


class _Numbered(Protocol):
    @property
    def revision(self) -> int: ...


async def _answer(work: Callable[[], _Numbered], status: int = 200) -> Response:
    """The document as JSON, and its revision as ETag."""

    def encoded() -> tuple[bytes, int]:
        document = work()
        return answers.encode(document), document.revision

    data, revision = await run_in_threadpool(encoded)
    return Response(data, status, {"ETag": f'"{revision}"'}, media_type="application/json")


def how(request: Request, caller: Caller, *, dry_run: bool = False) -> How:
    return How(caller.person_id, words.seen(request.headers.get("if-match")), dry_run)


def open_for_changes(request: Request, caller: Caller, upload_id: str) -> Operation:
    """The upload, in review."""
    operation = find(web_of(request), caller, upload_id)
    wire.guard(operation, "reviewing")
    if operation.stage != "reviewing":
        raise wire.WireError(400, wire.NOT_IN_REVIEW)
    return operation


# The live view


@router.get(
    "/{upload_id}/live",
    **says(
        words.LiveDocument,
        400,
        401,
        403,
        query={**words.FILTER_QUERY, "sort": "string", "order": "string", "page": "integer", "limit": "integer"},
    ),
)
async def read_live(
    request: Request, upload_id: str, caller: Caller = Depends(may(VIEW_IMPORT_OPERATIONS))
) -> Response:
    """A page of the records of a filter as they stand now, each judged."""
    web, upload_id = web_of(request), checked(upload_id)
    page, limit = short_page_of(request)
    wanted = words.filter_of_query(request.query_params)
    order = words.order_of_query(request.query_params)

    def work() -> words.LiveDocument:
        operation = find(web, caller, upload_id)
        return words.live_page(live.page(web.house, operation, wanted, order, page, limit), page, limit)

    return await _answer(work)


@router.get("/{upload_id}/live/counts", **says(words.CountsDocument, 400, 401, 403, query=words.FILTER_QUERY))
async def read_counts(
    request: Request, upload_id: str, caller: Caller = Depends(may(VIEW_IMPORT_OPERATIONS))
) -> Response:
    """How many records there are, have problems, have which, and how many a filter finds."""
    web, upload_id = web_of(request), checked(upload_id)
    wanted = words.filter_of_query(request.query_params)

    def work() -> words.CountsDocument:
        operation = find(web, caller, upload_id)
        return words.counts(live.counts(web.house, operation, None if wanted == Filter() else wanted))

    return await _answer(work)


@router.get(
    "/{upload_id}/live/next",
    **says(words.NextDocument, 400, 401, 403, query={**words.FILTER_QUERY, "from": "integer", "direction": "string"}),
)
async def read_next(
    request: Request, upload_id: str, caller: Caller = Depends(may(VIEW_IMPORT_OPERATIONS))
) -> Response:
    """The next record of a filter from a record, in either direction."""
    web, upload_id = web_of(request), checked(upload_id)
    query = request.query_params
    wanted = words.filter_of_query(query)
    after, direction = words.position(query.get("from")), query.get("direction", "down")
    if direction not in ("down", "up"):
        raise wire.WireError(400, ["direction must be one of down, up"])
    if wanted == Filter() and "type" not in query:
        wanted = Filter("invalid")

    def work() -> words.NextDocument:
        operation = find(web, caller, upload_id)
        return words.next_record(*live.next_record(web.house, operation, wanted, after, up=direction == "up"))

    return await _answer(work)


@router.get(
    "/{upload_id}/live/download",
    **says(
        None,
        400,
        401,
        403,
        507,
        media={kind: {"schema": wire.BINARY} for kind in encodings.media_types().values()},
        query={**words.FILTER_QUERY, "sort": "string", "order": "string", "format": "string"},
    ),
)
async def download_live(
    request: Request, upload_id: str, caller: Caller = Depends(may(VIEW_IMPORT_OPERATIONS))
) -> Response:
    """All records of a filter as they stand now, as one file, sorted if asked for."""
    web, upload_id = web_of(request), checked(upload_id)
    wanted, order = words.filter_of_query(request.query_params), words.order_of_query(request.query_params)
    format = request.query_params.get("format", "csv")
    kinds = encodings.media_types()
    if format not in kinds:
        raise wire.WireError(400, [f"format must be one of {', '.join(kinds)}"])

    def begin() -> Iterator[bytes]:
        return live.export(web.house, find(web, caller, upload_id), wanted, format, order)

    rows = await answer(begin, kinds[format], attachment(f"records.{format}"))
    await noted(request, "rows.export", operation=upload_id, view="live", media_type=kinds[format])
    return rows


# Changes


@router.post("/{upload_id}/cells", **says(words.CellsDocument, 400, 401, 403, 409, 412, 413, body=wire.CELLS_BODY))
async def change_cells(request: Request, upload_id: str, caller: Caller = Depends(may(RUN_IMPORT))) -> Response:
    """Changes cells, judges them, and answers their records and the counts."""
    web, upload_id = web_of(request), checked(upload_id)
    value = await body(request)

    def work() -> words.CellsDocument:
        operation = open_for_changes(request, caller, upload_id)
        cells = words.cells(value)
        change = changing.set_cells(web.house, operation, cells, how(request, caller))
        shown = live.records_of(web.house, operation, [row for row, _, _ in cells])
        return words.changed_cells(change, shown, live.counts(web.house, operation))

    return await _answer(work)


@router.put(
    "/{upload_id}/replace", **says(words.ReplacedDocument, 400, 401, 403, 409, 412, 413, 507, body=wire.REPLACE_BODY)
)
async def replace(request: Request, upload_id: str, caller: Caller = Depends(may(RUN_IMPORT))) -> Response:
    """Find and replace (contract 7.4), in all records or in those of a filter."""
    web, upload_id = web_of(request), checked(upload_id)
    value = await body(request)

    def work() -> words.ReplacedDocument:
        operation = open_for_changes(request, caller, upload_id)
        asked = words.replacement(value)
        change = changing.replace(
            web.house,
            operation,
            asked.search,
            asked.text,
            asked.column,
            asked.chosen,
            how(request, caller, dry_run=asked.dry_run),
        )
        return words.replaced(change, dry_run=asked.dry_run)

    return await _answer(work)


@router.post(
    "/{upload_id}/change", **says(words.ReplacedDocument, 400, 401, 403, 409, 412, 413, 507, body=wire.CHANGE_BODY)
)
async def change_all(request: Request, upload_id: str, caller: Caller = Depends(may(RUN_IMPORT))) -> Response:
    """Gives a column one value in all records of a filter."""
    web, upload_id = web_of(request), checked(upload_id)
    value = await body(request)

    def work() -> words.ReplacedDocument:
        operation = open_for_changes(request, caller, upload_id)
        column, given, chosen, dry_run = words.one_value(value)
        done = changing.change(web.house, operation, column, given, chosen, how(request, caller, dry_run=dry_run))
        return words.replaced(done, dry_run=dry_run)

    return await _answer(work)


# Revisions


@router.get(
    "/{upload_id}/revisions",
    **says(words.RevisionsDocument, 400, 401, 403, query={"page": "integer", "limit": "integer"}),
)
async def read_revisions(
    request: Request, upload_id: str, caller: Caller = Depends(may(VIEW_IMPORT_OPERATIONS))
) -> Response:
    """What people changed, newest first."""
    web, upload_id = web_of(request), checked(upload_id)
    page, limit = short_page_of(request)

    def work() -> words.RevisionsDocument:
        return words.revisions(*changing.listed(web.house, find(web, caller, upload_id), page, limit), page, limit)

    return await _answer(work)


@router.post("/{upload_id}/revisions/{number}/undo", **says(words.UndoneDocument, 400, 401, 403, 404, 409, 412, 507))
async def undo(request: Request, upload_id: str, number: str, caller: Caller = Depends(may(RUN_IMPORT))) -> Response:
    """Takes a revision back. Cells that were changed again later stay as they are, and are counted."""
    return await _turned(request, checked(upload_id), number, caller, changing.undo)


@router.post("/{upload_id}/revisions/{number}/redo", **says(words.UndoneDocument, 400, 401, 403, 404, 409, 412, 507))
async def redo(request: Request, upload_id: str, number: str, caller: Caller = Depends(may(RUN_IMPORT))) -> Response:
    """Puts a revision back that was undone."""
    return await _turned(request, checked(upload_id), number, caller, changing.redo)


async def _turned(
    request: Request, upload_id: str, number: str, caller: Caller, turn: Callable[..., changing.Undone]
) -> Response:
    web = web_of(request)

    def work() -> words.UndoneDocument:
        operation = open_for_changes(request, caller, upload_id)
        if not number.isascii() or not number.isdigit() or len(number) > 18:
            raise wire.WireError(404, f"There is no revision {number}.")
        return words.undone(turn(web.house, operation, int(number), how(request, caller)))

    return await _answer(work)


@router.get(
    "/{upload_id}/history",
    **says(words.HistoryDocument, 400, 401, 403, query={"index": "integer", "column": "string"}),
)
async def read_history(
    request: Request, upload_id: str, caller: Caller = Depends(may(VIEW_IMPORT_OPERATIONS))
) -> Response:
    """All that a cell has held: what the file says, and every change."""
    web, upload_id = web_of(request), checked(upload_id)
    index, column = words.position(request.query_params.get("index")), request.query_params.get("column")
    if index is None or column is None:
        raise wire.WireError(400, ["index and column name a cell"])

    def work() -> words.HistoryDocument:
        return words.history(index, column, changing.history(web.house, find(web, caller, upload_id), index, column))

    return await _answer(work)
