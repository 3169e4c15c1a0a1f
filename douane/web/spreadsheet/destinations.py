"""Where a template's records go, and what came of sending them (contract 2.5, 2.11)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from douane.destinations.contract import BadSettings
from douane.errors import NotFound
from douane.flow import deliveries, destinations, imports
from douane.flow.destinations import NOT_SET_UP
from douane.model.identity import MANAGE_TEMPLATES, RUN_IMPORT, VIEW_IMPORT_OPERATIONS, VIEW_TEMPLATES, Caller
from douane.model.operation import Operation
from douane.web.auth import noted, web_of
from douane.web.spreadsheet import answers, wire
from douane.web.spreadsheet.answers import says
from douane.web.spreadsheet.callers import body, checked, may, own_project, page_of
from douane.web.spreadsheet.rows import listed_after
from douane.web.spreadsheet.uploads import document, find
from douane.web.spreadsheet.wire import destinations as words
from douane.web.streams import streamed

router = APIRouter(prefix="/v1", tags=["Destinations"])


@router.get("/template/{template_id}/destination", **says(words.DestinationsDocument, 400, 401, 403, 404))
async def read_destination(
    request: Request, template_id: str, caller: Caller = Depends(may(VIEW_TEMPLATES))
) -> Response:
    """Where accepted records go, and how that is set up; empty where they wait to be pulled."""
    web, template_id = web_of(request), checked(template_id)
    found = await run_in_threadpool(destinations.of_template, web.house, web.secrets, template_id, own_project(caller))
    return answers.json(words.chosen(found))


@router.put(
    "/template/{template_id}/destination",
    **says(words.DestinationsDocument, 400, 401, 403, 404, 413, body=wire.DESTINATION_BODY),
)
async def change_destination(
    request: Request, template_id: str, caller: Caller = Depends(may(MANAGE_TEMPLATES))
) -> Response:
    """Without one it is cleared, and the answer empty. Secrets are shown whole this once."""
    web, template_id = web_of(request), checked(template_id)
    kind, given = words.chosen_body(await body(request))

    def work() -> destinations.Chosen:
        try:
            return destinations.choose(web.house, web.secrets, template_id, own_project(caller), kind, given)
        except BadSettings as error:
            raise words.bad_settings(kind or "", error) from error

    found = await run_in_threadpool(work)
    await noted(request, "destination.set", template=template_id, destination=kind)
    return answers.empty() if kind is None else answers.json(words.chosen(found, only=kind))


@router.post(
    "/template/{template_id}/send-sample",
    **says(words.SampleDocument, 400, 401, 403, 404, 413, status=201, body=wire.SEND_SAMPLE_BODY),
)
async def send_sample(request: Request, template_id: str, caller: Caller = Depends(may(MANAGE_TEMPLATES))) -> Response:
    """Sends 15 made-up records to the destination, and answers with what it said."""
    web, template_id = web_of(request), checked(template_id)
    extra, auth = words.sample_body(await body(request))

    def work() -> words.SampleDocument:
        try:
            found = destinations.send_sample(
                web.house, web.secrets, template_id, own_project(caller), extra=extra, auth=auth
            )
        except NotFound as error:
            if error.code == NOT_SET_UP:
                raise wire.WireError(404, words.NO_WEBHOOK) from error
            raise
        return words.sampled(found)

    return answers.json(await run_in_threadpool(work), 201)


@router.get("/upload/{upload_id}/deliveries", **says(list[words.DeliveryDocument], 400, 401, 403, 404))
async def list_deliveries(
    request: Request, upload_id: str, caller: Caller = Depends(may(VIEW_IMPORT_OPERATIONS))
) -> Response:
    """How far the import's records have got, oldest delivery first."""
    web, upload_id = web_of(request), checked(upload_id)

    def work() -> list[words.DeliveryDocument]:
        operation = find(web, caller, upload_id)
        return [words.delivery(one) for one in destinations.of_operation(web.house, operation)]

    return answers.json(await run_in_threadpool(work))


@router.post(
    "/activity/{upload_id}/retry",
    **says(words.RetryDocument, 400, 401, 403, 413, status=201, body=wire.RETRY_BODY),
)
async def send_again(request: Request, upload_id: str, caller: Caller = Depends(may(RUN_IMPORT))) -> Response:
    """Sends all pages again, or some, or those that were given up; each under the id it had."""
    web, upload_id = web_of(request), checked(upload_id)
    pages, failed = words.retry_body(await body(request))

    def work() -> tuple[Operation, int]:
        operation = find(web, caller, upload_id)
        count = destinations.again(web.house, operation, pages, failed=failed)
        return imports.get(web.house, operation.id), count

    operation, count = await run_in_threadpool(work)
    await noted(request, "import.send_again", operation=operation.id, pages=count)
    return answers.json(words.RetryDocument(words.RETRY_QUEUED, document(operation), count), 201)


@router.get(
    "/activity/upload/{upload_id}/webhook-logs",
    **says(
        words.LogPage,
        400,
        401,
        403,
        404,
        query={"page": "integer", "limit": "integer", "isRetry": "boolean", "data": "boolean"},
    ),
)
async def read_log(request: Request, upload_id: str, caller: Caller = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
    """Every try of the last 30 days, newest first, with what was sent: that is made again of the import's records.
    `data=false` leaves it out."""
    web, upload_id = web_of(request), checked(upload_id)
    page, limit = page_of(request)
    again = words.flag(request.query_params.get("isRetry"))
    with_data = words.flag(request.query_params.get("data")) is not False

    def work() -> Iterator[bytes]:
        operation = find(web, caller, upload_id)
        found = destinations.log_of(web.house, operation, again=again, page=page, limit=limit)

        def entries() -> Iterator[list[Any]]:
            for line in found.lines:
                sent = None
                if with_data and line.calls:
                    sent = deliveries.body_of(web.house, operation, line.delivery, line.one.page)
                header = words.auth_header_of(line.settings, operation)
                yield [words.log_entry(line.one, line.delivery, sent, header)]

        head = answers.encode(
            {
                "limit": limit,
                "page": page,
                "totalPages": wire.pages(found.total, limit),
                "totalRecords": found.total,
            }
        )
        return listed_after(head[:-1] + b',"data":[', entries(), b"]}")

    return StreamingResponse(streamed(await run_in_threadpool(work)), media_type="application/json")
