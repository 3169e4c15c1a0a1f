"""Beside the contract, under `/v1/review`: the file's values of a column beside the template's, and which stands for
which (docs/wire-spreadsheet.md)."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from douane.flow import values
from douane.model.identity import RUN_IMPORT, VIEW_IMPORT_OPERATIONS, Caller
from douane.web.auth import web_of
from douane.web.spreadsheet import answers, wire
from douane.web.spreadsheet.answers import says
from douane.web.spreadsheet.callers import body, checked, may
from douane.web.spreadsheet.live import how, open_for_changes
from douane.web.spreadsheet.uploads import find
from douane.web.spreadsheet.wire import live as live_words
from douane.web.spreadsheet.wire import values as words

router = APIRouter(prefix="/v1/review", tags=["Live"])

_VALUES = 1000


@router.get(
    "/{upload_id}/values",
    **says(words.ValuesDocument, 400, 401, 403, query={"column": "string", "limit": "integer"}),
)
async def read_values(
    request: Request, upload_id: str, caller: Caller = Depends(may(VIEW_IMPORT_OPERATIONS))
) -> Response:
    """The different values of a column as they stand, with their numbers, beside those that the template allows."""
    web, upload_id = web_of(request), checked(upload_id)
    column = request.query_params.get("column", "")
    limit = max(1, wire.number_or(request.query_params.get("limit"), _VALUES))

    def work() -> tuple[bytes, int]:
        found = values.of_column(web.house, find(web, caller, upload_id), column)
        return answers.encode(words.values(found, limit)), found.revision

    data, revision = await run_in_threadpool(work)
    return Response(data, 200, {"ETag": f'"{revision}"'}, media_type="application/json")


@router.post(
    "/{upload_id}/values",
    **says(live_words.ReplacedDocument, 400, 401, 403, 409, 412, 413, 507, body=wire.VALUES_BODY),
)
async def map_values(request: Request, upload_id: str, caller: Caller = Depends(may(RUN_IMPORT))) -> Response:
    """Puts one value in place of another in all cells of a column, any number of pairs at once: one revision. Which
    stands for which is remembered for the template, unless `remember` is false."""
    web, upload_id = web_of(request), checked(upload_id)
    value = await body(request)

    def work() -> live_words.ReplacedDocument:
        operation = open_for_changes(request, caller, upload_id)
        asked = words.mapped(value)
        done = values.apply(
            web.house,
            operation,
            asked.column,
            asked.instead,
            asked.chosen,
            how(request, caller, dry_run=asked.dry_run),
            remember=asked.remember,
        )
        return live_words.replaced(done, dry_run=asked.dry_run)

    return answers.json(await run_in_threadpool(work))
