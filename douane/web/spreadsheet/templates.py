"""`/v1/template` and `/v1/column` (contract 2.5, 2.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from douane.errors import BadTemplate, Conflict
from douane.flow import destinations, imports, templates
from douane.flow.templates import Copy
from douane.model.identity import MANAGE_TEMPLATES, VIEW_IMPORT_OPERATIONS, VIEW_TEMPLATES, Caller
from douane.web.auth import noted, web_of
from douane.web.spreadsheet import answers, callers, wire
from douane.web.spreadsheet.answers import says
from douane.web.spreadsheet.callers import body, checked, in_project, may, own_project, page_of

router = APIRouter(prefix="/v1", tags=["Templates"])


@router.post(
    "/template", **says(wire.TemplateDocument, 400, 401, 403, 404, 413, 422, status=201, body=wire.TEMPLATE_BODY)
)
async def create_template(request: Request, caller: Caller = Depends(callers.anyone)) -> Response:
    new = await run_in_threadpool(wire.new_template, await body(request))
    caller = await in_project(request, caller, new.project_id, MANAGE_TEMPLATES)
    stored = await run_in_threadpool(
        _answered,
        wire.COLUMN_KEYS_TAKEN,
        lambda: templates.add(web_of(request).house, own_project(caller), new.name, new.document, new.columns),
    )
    return answers.json(wire.template(stored), 201)


@router.get("/template/{template_id}", **says(wire.TemplateDocument, 400, 401, 403, 404))
async def read_template(
    request: Request, template_id: str, caller: Caller = Depends(may(VIEW_TEMPLATES, by_token=True))
) -> Response:
    stored = await run_in_threadpool(templates.get, web_of(request).house, checked(template_id), own_project(caller))
    return answers.json(wire.template(stored))


@router.put(
    "/template/{template_id}",
    **says(wire.TemplateDocument, 400, 401, 403, 404, 413, body=wire.CHANGED_TEMPLATE_BODY),
)
async def change_template(
    request: Request, template_id: str, caller: Caller = Depends(may(MANAGE_TEMPLATES))
) -> Response:
    template_id = checked(template_id)
    name, changes = wire.changed_template(await body(request))
    stored = await run_in_threadpool(
        _answered,
        wire.COLUMN_KEYS_TAKEN,
        lambda: templates.change(web_of(request).house, template_id, own_project(caller), name, changes),
    )
    return answers.json(wire.template(stored))


@router.delete("/template/{template_id}", **says(wire.TemplateDocument, 400, 401, 403, 404))
async def delete_template(
    request: Request, template_id: str, caller: Caller = Depends(may(MANAGE_TEMPLATES))
) -> Response:
    stored = await run_in_threadpool(templates.remove, web_of(request).house, checked(template_id), own_project(caller))
    await noted(request, "template.remove", template=stored.id, name=stored.name)
    return answers.json(wire.template(stored))


@router.post(
    "/template/{template_id}/duplicate",
    **says(wire.TemplateDocument, 400, 401, 403, 404, 413, status=201, body=wire.DUPLICATE_BODY),
)
async def duplicate_template(
    request: Request, template_id: str, caller: Caller = Depends(may(MANAGE_TEMPLATES))
) -> Response:
    template_id = checked(template_id)
    name, into_id, columns, output, destination = wire.duplicated_template(await body(request))
    into = await in_project(request, caller, into_id, MANAGE_TEMPLATES)
    web = web_of(request)

    def copied(connection: Any, copy_id: str) -> None:
        destinations.copy(connection, web.secrets, template_id, copy_id, own_project(into))

    wanted, also = Copy(name, own_project(into), columns, output), copied if destination else None
    stored = await run_in_threadpool(templates.duplicate, web.house, template_id, own_project(caller), wanted, also)
    return answers.json(wire.template(stored), 201)


@router.get(
    "/template/{template_id}/uploads",
    **says(
        (list[wire.UploadDocument], wire.UploadPage),
        400,
        401,
        403,
        404,
        query={"page": "integer", "limit": "integer"},
    ),
)
async def list_uploads(
    request: Request, template_id: str, caller: Caller = Depends(may(VIEW_IMPORT_OPERATIONS))
) -> Response:
    """All uploads of the template, newest first; one page of them only where `page` or `limit` is given."""
    template_id = checked(template_id)
    await run_in_threadpool(templates.get, web_of(request).house, template_id, own_project(caller))
    return await uploads_of(request, template_id, own_project(caller))


async def uploads_of(request: Request, template_id: str, project_id: str) -> Response:
    paged = "page" in request.query_params or "limit" in request.query_params
    page, limit = page_of(request) if paged else (1, 0)

    def work() -> list[wire.UploadDocument] | wire.UploadPage:
        found = imports.of_template(web_of(request).house, project_id, template_id)
        shown = found[(page - 1) * limit : page * limit] if paged else found
        data = [wire.upload(one, imports.columns(one), imports.headings(one), listed=True) for one in shown]
        return wire.UploadPage(page, data, limit, wire.pages(len(found), limit), len(found)) if paged else data

    return answers.json(await run_in_threadpool(work))


# Columns


@router.get("/template/{template_id}/columns", **says(list[wire.ColumnDocument], 400, 401, 403, 404))
async def list_columns(
    request: Request, template_id: str, caller: Caller = Depends(may(VIEW_TEMPLATES, by_token=True))
) -> Response:
    """Frozen ones first, then by sequence. An import token that brings a schema has its columns."""
    if (fixed := wire.fixed_columns(caller.token)) is not None:
        return answers.json(wire.frozen_first(fixed))
    template_id = checked(template_id)

    def work() -> bytes:
        _, columns = templates.with_columns(web_of(request).house, template_id, own_project(caller))
        return answers.encode(wire.frozen_first(wire.stored_column(one) for one in columns))

    return answers.encoded(await run_in_threadpool(work))


@router.put(
    "/template/{template_id}/columns",
    **says(list[wire.ColumnDocument], 400, 401, 403, 404, 413, 422, body=wire.COLUMNS_BODY),
)
async def replace_columns(
    request: Request, template_id: str, caller: Caller = Depends(may(MANAGE_TEMPLATES))
) -> Response:
    """Replaces all columns; the position in the array is the sequence."""
    template_id = checked(template_id)
    value = await body(request)

    def work() -> bytes:
        columns = wire.column_bodies(value)
        stored = _answered(
            wire.COLUMN_KEYS_TAKEN,
            lambda: templates.replace_columns(web_of(request).house, template_id, own_project(caller), columns),
        )
        return answers.encode([wire.stored_column(one, whole=True) for one in stored])

    return answers.encoded(await run_in_threadpool(work))


@router.post(
    "/column/{template_id}",
    **says(wire.ColumnDocument, 400, 401, 403, 404, 413, 422, status=201, body=wire.COLUMN_BODY),
)
async def add_column(request: Request, template_id: str, caller: Caller = Depends(may(MANAGE_TEMPLATES))) -> Response:
    template_id = checked(template_id)
    document = {"defaultValue": wire.NEW_COLUMN_DEFAULT, **wire.column_body(_fields(await body(request)))}
    stored = await run_in_threadpool(
        _answered,
        wire.COLUMN_KEY_TAKEN,
        lambda: templates.add_column(web_of(request).house, template_id, own_project(caller), document),
    )
    return answers.json(wire.stored_column(stored, whole=True), 201)


@router.put(
    "/column/{column_id}",
    **says(wire.ColumnDocument, 400, 401, 403, 404, 413, 422, body=wire.COLUMN_BODY),
)
async def change_column(request: Request, column_id: str, caller: Caller = Depends(may(MANAGE_TEMPLATES))) -> Response:
    """Fields that the body does not name stay as they are."""
    web, column_id = web_of(request), checked(column_id)
    value = _fields(await body(request))
    before = await run_in_threadpool(templates.column, web.house, column_id, own_project(caller))
    document = wire.column_body(value, stored={**before.document, "key": before.key, "sequence": before.sequence})
    stored = await run_in_threadpool(
        _answered,
        wire.COLUMN_KEY_TAKEN,
        lambda: templates.change_column(web.house, column_id, own_project(caller), document),
    )
    return answers.json(wire.stored_column(stored, whole=True))


@router.delete("/column/{column_id}", **says(wire.ColumnDocument, 400, 401, 403, 404))
async def delete_column(request: Request, column_id: str, caller: Caller = Depends(may(MANAGE_TEMPLATES))) -> Response:
    stored = await run_in_threadpool(
        templates.remove_column, web_of(request).house, checked(column_id), own_project(caller)
    )
    return answers.json(wire.stored_column(stored, whole=True))


def _fields(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _answered(taken: str, work: Any) -> Any:
    """The peer's words for a key that is taken and for a definition that cannot work."""
    try:
        return work()
    except Conflict as error:
        raise wire.WireError(422, taken) from error
    except BadTemplate as error:
        raise wire.WireError(400, [error.reason]) from error
