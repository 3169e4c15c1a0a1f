"""Beside the contract, under `/v1/review`: what would make bad cells good, and accepting it
(docs/wire-spreadsheet.md)."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from douane.flow import suggestions
from douane.model.identity import RUN_IMPORT, VIEW_IMPORT_OPERATIONS, Caller
from douane.web.auth import web_of
from douane.web.spreadsheet import answers, wire
from douane.web.spreadsheet.answers import says, schema_of
from douane.web.spreadsheet.callers import body, checked, may
from douane.web.spreadsheet.live import how, open_for_changes
from douane.web.spreadsheet.uploads import find
from douane.web.spreadsheet.wire import live as live_words
from douane.web.spreadsheet.wire import suggestions as words

router = APIRouter(prefix="/v1/review", tags=["Live"])

_TEXTS = 100


@router.get(
    "/{upload_id}/suggestions",
    **says(
        None,
        400,
        401,
        403,
        media={"application/json": {"schema": {"anyOf": [*map(schema_of, words.DOCUMENTS)]}}},
        query={"column": "string", "index": "integer", "limit": "integer", "all": "boolean"},
    ),
)
async def read_suggestions(
    request: Request, upload_id: str, caller: Caller = Depends(may(VIEW_IMPORT_OPERATIONS))
) -> Response:
    """With an `index`: of one cell. Without: of the distinct bad texts of a whole column, most frequent first;
    with `all=true` also those that nothing is proposed for."""
    web, upload_id = web_of(request), checked(upload_id)
    column = request.query_params.get("column", "")
    index = live_words.position(request.query_params.get("index"))
    limit = max(1, wire.number_or(request.query_params.get("limit"), _TEXTS))
    hopeless = request.query_params.get("all", "").lower() in ("true", "1")

    def work() -> words.CellSuggestions | words.ColumnSuggestions:
        operation = find(web, caller, upload_id)
        if index is None:
            return words.of_column(
                column, suggestions.of_column(web.house, operation, column, hopeless=hopeless), limit
            )
        return words.of_cell(index, column, suggestions.of_cell(web.house, operation, index, column))

    return answers.json(await run_in_threadpool(work))


@router.post(
    "/{upload_id}/suggestions",
    **says(live_words.ReplacedDocument, 400, 401, 403, 409, 412, 413, 507, body=wire.SUGGESTIONS_BODY),
)
async def accept_suggestions(request: Request, upload_id: str, caller: Caller = Depends(may(RUN_IMPORT))) -> Response:
    """Puts good texts in place of bad ones in all bad cells of a column: one revision."""
    web, upload_id = web_of(request), checked(upload_id)
    value = await body(request)

    def work() -> live_words.ReplacedDocument:
        operation = open_for_changes(request, caller, upload_id)
        column, instead, chosen, dry_run = words.accepted(value)
        asked = how(request, caller, dry_run=dry_run)
        done = suggestions.accept(web.house, operation, column, instead, chosen, asked)
        return live_words.replaced(done, dry_run=dry_run)

    return answers.json(await run_in_threadpool(work))
