"""Beside the contract: what people chose for a template's headings and values, to be looked over and forgotten
(docs/wire-spreadsheet.md)."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from douane.flow import learned
from douane.model.identity import MANAGE_TEMPLATES, VIEW_TEMPLATES, Caller
from douane.web.auth import web_of
from douane.web.spreadsheet import answers
from douane.web.spreadsheet.answers import says
from douane.web.spreadsheet.callers import checked, may, own_project
from douane.web.spreadsheet.wire import remembered as words

router = APIRouter(prefix="/v1/template", tags=["Templates"])


@router.get("/{template_id}/learned", **says(words.LearnedChoices, 400, 401, 403, 404))
async def list_learned(request: Request, template_id: str, caller: Caller = Depends(may(VIEW_TEMPLATES))) -> Response:
    """Newest first."""
    house, template_id = web_of(request).house, checked(template_id)
    found = await run_in_threadpool(learned.listed, house, own_project(caller), template_id)
    return answers.json(words.listed(found))


@router.delete("/{template_id}/learned", **says(words.ForgottenChoices, 400, 401, 403, 404))
async def forget_all(request: Request, template_id: str, caller: Caller = Depends(may(MANAGE_TEMPLATES))) -> Response:
    house, template_id = web_of(request).house, checked(template_id)
    count = await run_in_threadpool(learned.forget, house, own_project(caller), template_id)
    return answers.json(words.ForgottenChoices(count))


@router.delete("/{template_id}/learned/{learned_id}", **says(words.ForgottenChoices, 400, 401, 403, 404))
async def forget_one(
    request: Request, template_id: str, learned_id: str, caller: Caller = Depends(may(MANAGE_TEMPLATES))
) -> Response:
    house, template_id, learned_id = web_of(request).house, checked(template_id), checked(learned_id)
    count = await run_in_threadpool(learned.forget, house, own_project(caller), template_id, learned_id)
    return answers.json(words.ForgottenChoices(count))
