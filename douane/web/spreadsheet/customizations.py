"""`/v1/template/:id/customizations`: the form in which a template's records leave (contract 2.5, 8.3)."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from douane.errors import BadTemplate
from douane.flow import customizing
from douane.flow.customizing import Customized
from douane.model.identity import MANAGE_TEMPLATES, VIEW_TEMPLATES, Caller
from douane.web.auth import web_of
from douane.web.spreadsheet import answers, wire
from douane.web.spreadsheet.answers import says
from douane.web.spreadsheet.callers import body, checked, may, own_project
from douane.web.spreadsheet.wire import customizations as words
from douane.web.spreadsheet.wire.customizations import CustomizationDocument

router = APIRouter(prefix="/v1/template", tags=["Templates"])


@router.get("/{template_id}/customizations", **says(CustomizationDocument, 400, 401, 403, 404))
async def read_customization(
    request: Request, template_id: str, caller: Caller = Depends(may(VIEW_TEMPLATES))
) -> Response:
    """The output formats; only empty arrays where nobody gave the template one, or a destination."""
    house, template_id = web_of(request).house, checked(template_id)
    found = await run_in_threadpool(customizing.get, house, template_id, own_project(caller))
    return answers.json(words.customization(template_id, found))


@router.put(
    "/{template_id}/customizations",
    **says(CustomizationDocument, 400, 401, 403, 404, 413, body=wire.CUSTOMIZATION_BODY),
)
async def change_customization(
    request: Request, template_id: str, caller: Caller = Depends(may(MANAGE_TEMPLATES))
) -> Response:
    """Sets the combined format, or the record's and the call's; imports that begin afterwards leave in it."""
    house, template_id = web_of(request).house, checked(template_id)
    formats = words.formats(await body(request))

    def work() -> Customized | None:
        try:
            return customizing.change(house, template_id, own_project(caller), **formats)
        except BadTemplate as error:
            raise words.bad_format(error) from error

    return answers.json(words.customization(template_id, await run_in_threadpool(work)))


@router.put("/{template_id}/customizations/sync", **says(CustomizationDocument, 400, 401, 403, 404))
async def sync_customization(
    request: Request, template_id: str, caller: Caller = Depends(may(MANAGE_TEMPLATES))
) -> Response:
    """Back to what the columns make of it."""
    house, template_id = web_of(request).house, checked(template_id)
    found = await run_in_threadpool(customizing.sync, house, template_id, own_project(caller))
    return answers.json(words.customization(template_id, found))
