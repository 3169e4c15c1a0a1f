"""`/v1/review`: checking, reading and mending records, and confirming them (contract 2.10, 7).

The peer leaves two of these routes open to anyone; here all want the key or the cookie, which its clients send anyway.
"""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from douane.flow import changing, images, imports, records, templates
from douane.flow.forms import delivery_of, leaving
from douane.model.identity import RUN_IMPORT, VIEW_IMPORT_OPERATIONS, Caller
from douane.model.operation import READABLE, Operation
from douane.web import waiting
from douane.web.auth import Web, noted, web_of
from douane.web.spreadsheet import answers, wire
from douane.web.spreadsheet.answers import says
from douane.web.spreadsheet.callers import body, checked, may, page_of
from douane.web.spreadsheet.live import how
from douane.web.spreadsheet.rows import JSON, listed, listed_after
from douane.web.spreadsheet.uploads import document, find
from douane.web.streams import answer, streamed

router = APIRouter(prefix="/v1/review", tags=["Review"])

_BUSY = "The data is still being checked. Please ask again in a moment."


@router.get(
    "/{upload_id}",
    **says(
        wire.ReviewPage,
        400,
        401,
        403,
        query={"page": "integer", "limit": "integer", "type": "string", "lines": "boolean"},
    ),
)
async def read_page(
    request: Request, upload_id: str, caller: Caller = Depends(may(VIEW_IMPORT_OPERATIONS))
) -> Response:
    """One page of the records: `type` is `all`, `valid` or `invalid`; with `lines=true` each has its `line` in the
    file."""
    web, upload_id = web_of(request), checked(upload_id)
    page, limit = page_of(request)
    view = wire.view(request.query_params.get("type"))
    with_line = request.query_params.get("lines", "").lower() in ("true", "1")

    def begin() -> Iterator[bytes]:
        total, pieces = records.shown_in_pieces(web.house, find(web, caller, upload_id), view, page, limit)
        shown = wire.ReviewPage([], limit, page, total, wire.pages(total, limit))
        return listed(shown, ([wire.record(one, with_line=with_line) for one in piece] for piece in pieces))

    return await answer(begin, JSON)


@router.post(
    "/{upload_id}",
    **says(None, 400, 401, 403, 507, status=201, also=wire.REVIEW_BEGUN),
)
async def review(request: Request, upload_id: str, caller: Caller = Depends(may(RUN_IMPORT))) -> Response:
    """Checks all rows, or again those that changed, and answers when it is done; with `Prefer: respond-async` at once,
    and progress is at `Location`."""
    web, upload_id = web_of(request), checked(upload_id)
    before = await run_in_threadpool(find, web, caller, upload_id)
    if before.stage not in ("mapped", "reviewing"):
        return answers.empty(201)
    operation = await run_in_threadpool(imports.ask_review, web.house, before)
    if "respond-async" in request.headers.get("prefer", "").lower():
        headers = {"Location": f"/v1/upload/{upload_id}/events", "Preference-Applied": "respond-async"}
        return answers.json(wire.progress(operation), 202, headers)
    await _done(web, operation)
    # A check that was under way already may have begun before the latest changes; these are then asked for again.
    await _done(web, await run_in_threadpool(imports.ask_review, web.house, operation))
    return answers.empty(201)


@router.post(
    "/{upload_id}/confirm",
    **says(wire.Confirmed, 400, 401, 403, 413, 507, status=201, body=wire.CONFIRM_BODY),
)
async def confirm(request: Request, upload_id: str, caller: Caller = Depends(may(RUN_IMPORT))) -> Response:
    """Closes the import to changes. Invalid rows hinder it only where the template's `confirmPolicy` is `clean`."""
    web, upload_id = web_of(request), checked(upload_id)
    rows_max = wire.confirm_body(await body(request))

    def work() -> Operation:
        operation = find(web, caller, upload_id)
        wire.guard(operation, "reviewing")
        return imports.confirm(web.house, operation, rows_max)

    operation = await _done(web, await run_in_threadpool(work))
    if operation.stage == "reviewing" and (hindrance := imports.hindered(operation)) is not None:
        raise wire.WireError(400, hindrance)
    if operation.stage not in READABLE:
        # Somebody ended it while it was reviewed: who confirmed must not believe in it.
        raise wire.WireError(400, wire.ENDED_MEANWHILE)
    await noted(request, "import.confirm", operation=operation.id, rows=operation.total)
    confirmed = wire.Confirmed(document(operation))
    if not await run_in_threadpool(templates.hands_over, web.house, operation):
        return answers.json(confirmed, 201)

    def handed_over() -> Iterator[bytes]:
        """All records, valid and not unless the policy is `valid`, with their defaults (8.6); a piece at a time."""
        delivery = delivery_of(operation, images.root(web.house, operation.id))
        _, pieces = records.page_in_pieces(web.house, operation, leaving(operation), 1, operation.total)
        head = answers.encode(confirmed)[:-1]
        return listed_after(
            head + b',"importedData":[',
            ([delivery.of(one.record, one.index) for one in piece] for piece in pieces),
            b"]}",
        )

    return StreamingResponse(streamed(handed_over()), 201, media_type="application/json")


async def _done(web: Web, asked: Operation) -> Operation:
    """Waits for the end of what was asked for. The work goes on if the waiting is given up."""
    operation = await waiting.until(web, asked.id, imports.reviewed, web.house.settings.review_wait_s)
    if operation is None:
        raise wire.WireError(503, _BUSY, headers={"Retry-After": "5"})
    if operation.work_error is not None:
        raise wire.work_error(*operation.work_error)
    return operation


@router.put(
    "/{upload_id}/record",
    **says(wire.RecordDocument, 400, 401, 403, 412, 413, body=wire.RECORD_BODY),
)
async def change_record(request: Request, upload_id: str, caller: Caller = Depends(may(RUN_IMPORT))) -> Response:
    """Stores a whole record. Verdicts, counters and pages stand at the last review until the next one."""
    web, upload_id = web_of(request), checked(upload_id)
    value = await body(request)

    def work() -> wire.RecordDocument:
        operation = find(web, caller, upload_id)
        index, record, updated = wire.changed_record(value)
        _in_review(operation)
        return wire.record(records.edit(web.house, operation, index, record, updated, *_who(request, caller)))

    return answers.json(await run_in_threadpool(work))


@router.put("/{upload_id}/records", **says(None, 400, 401, 403, 412, 413, body=wire.RECORDS_BODY))
async def change_records(request: Request, upload_id: str, caller: Caller = Depends(may(RUN_IMPORT))) -> Response:
    """Stores several records as one change; new indexes are new rows."""
    web, upload_id = web_of(request), checked(upload_id)
    value = await body(request)

    def work() -> None:
        operation = find(web, caller, upload_id)
        changes = wire.changed_records(value)
        _in_review(operation)
        records.edit_many(web.house, operation, changes, *_who(request, caller))

    await run_in_threadpool(work)
    return answers.empty()


@router.post(
    "/{upload_id}/delete-records",
    **says(wire.DeletedDocument, 400, 401, 403, 409, 412, 413, status=201, body=wire.DELETE_RECORDS_BODY),
)
async def delete_records(request: Request, upload_id: str, caller: Caller = Depends(may(RUN_IMPORT))) -> Response:
    """Deletes rows; the indexes of the others stay, the counters follow at once. By their indexes, and then the answer
    is empty, or with `filter` (ours) all that it finds."""
    web, upload_id = web_of(request), checked(upload_id)
    value = await body(request)

    def work() -> tuple[wire.DeletedDocument, bool]:
        operation = find(web, caller, upload_id)
        chosen, indexes = wire.deleted_of_filter(value), []
        if chosen is None:
            indexes = wire.deleted_indexes(value)
        _in_review(operation)
        asked = how(request, caller)
        if chosen is None:
            done = changing.delete(web.house, operation, indexes, asked)
        else:
            done = changing.delete_chosen(web.house, operation, chosen, asked)
        return wire.DeletedDocument(done.revision, done.records), chosen is not None

    deleted, shown = await run_in_threadpool(work)
    await noted(request, "records.remove", operation=upload_id, records=deleted.records)
    if not shown:
        return answers.empty(201)
    return answers.json(deleted, 201, {"ETag": f'"{deleted.revision}"'})


def _who(request: Request, caller: Caller) -> tuple[str | None, int | None]:
    """Who changes, and the revision that `If-Match` names."""
    asked = how(request, caller)
    return asked.person_id, asked.seen


def _in_review(operation: Operation) -> None:
    wire.guard(operation, "reviewing")
    if operation.stage != "reviewing":
        raise wire.WireError(400, wire.NOT_IN_REVIEW)
