"""`/v1/activity`: what a project imported (contract 2.11)."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from douane.flow import activity
from douane.model.identity import VIEW_IMPORT_OPERATIONS, Caller
from douane.web.auth import web_of
from douane.web.spreadsheet import answers, callers, wire
from douane.web.spreadsheet.answers import says
from douane.web.spreadsheet.callers import in_project, page_of
from douane.web.spreadsheet.wire import activity as words

router = APIRouter(prefix="/v1/activity", tags=["Activity"])


@router.get("/{project_id}/summary", **says(words.SummaryDocument, 400, 401, 403, 404))
async def read_summary(request: Request, project_id: str, caller: Caller = Depends(callers.anyone)) -> Response:
    """How many imports there were in the last year, month and week, and on each of seven days."""
    caller = await in_project(request, caller, project_id, VIEW_IMPORT_OPERATIONS)
    found = await run_in_threadpool(activity.summary, web_of(request).house, callers.own_project(caller))
    return answers.json(words.summary(found))


@router.get(
    "/{project_id}/history",
    **says(
        words.HistoryPage,
        400,
        401,
        403,
        404,
        query={"name": "string", "date": "string", "page": "integer", "limit": "integer"},
    ),
)
async def read_history(request: Request, project_id: str, caller: Caller = Depends(callers.anyone)) -> Response:
    """The project's imports, newest first; of templates whose name holds `name`, and of the day `date`."""
    caller = await in_project(request, caller, project_id, VIEW_IMPORT_OPERATIONS)
    page, limit = page_of(request)
    name, day = wire.clean(request.query_params.get("name", "")), words.day(request.query_params.get("date"))

    def work() -> words.HistoryPage:
        project = callers.own_project(caller)
        found, total = activity.history(web_of(request).house, project, name=name, day=day, page=page, limit=limit)
        return words.HistoryPage([words.entry(*one) for one in found], limit, page, wire.pages(total, limit), total)

    return answers.json(await run_in_threadpool(work))
