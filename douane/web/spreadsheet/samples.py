"""Samples of templates (contract 2.5, 2.8, 5.7): made when they are asked for, so that none is old."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jwt
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse
from starlette.concurrency import run_in_threadpool

from douane.errors import Conflict
from douane.flow import images, samples, templates
from douane.model.identity import RUN_IMPORT, VIEW_TEMPLATES, Caller
from douane.web.auth import Web, web_of
from douane.web.bodies import TemporaryUpload, attachment, media_type, read_form, read_value
from douane.web.spreadsheet import wire
from douane.web.spreadsheet.answers import says
from douane.web.spreadsheet.callers import beside, body, checked, may, own_project
from douane.workbook import MEDIA_TYPE

router = APIRouter(prefix="/v1", tags=["Samples"])

_ISSUER = "douane-sample"
_SIGNED_S = 3600
_WORKBOOK: dict[str, Any] = {MEDIA_TYPE: {"schema": wire.BINARY}}

_may_view = may(VIEW_TEMPLATES, by_token=True)


@router.post(
    "/template/{template_id}/sample",
    **says(None, 400, 401, 403, 404, 413, status=201, body=wire.SAMPLE_BODY, media=_WORKBOOK),
)
async def make_sample(request: Request, template_id: str, caller: Caller = Depends(_may_view)) -> Response:
    """A workbook to fill in: headings, lists to choose from, and the rows that are given. A zip of images is kept for
    the import that will have the id `importId`."""
    web, template_id = web_of(request), checked(template_id)

    def work(fields: wire.SampleFields, zipped: Path | None) -> bytes:
        project_id = own_project(caller)
        stored, columns = templates.with_columns(web.house, template_id, project_id)
        documents = templates.documents(columns) if fields.schema is None else fields.schema
        documents = wire.with_images(documents, fields.images)
        data = samples.made(templates.definition(stored.name, documents, stored.document), fields.rows)
        if zipped is not None:
            if not caller.may(RUN_IMPORT):
                raise wire.forbidden()
            if fields.import_id is None:
                raise wire.WireError(400, ["importId should not be empty"])
            try:
                images.store(web.house, fields.import_id, project_id, zipped)
            except Conflict as error:
                raise wire.import_id_taken() from error
        return data

    async with _form(request, web) as (given, zipped):
        fields = await run_in_threadpool(lambda: wire.sample_fields(wire.clean(given)))
        data = await run_in_threadpool(work, fields, zipped)
    return _workbook(data, "sample.xlsx", 201)


@asynccontextmanager
async def _form(request: Request, web: Web) -> AsyncIterator[tuple[dict[str, Any], Path | None]]:
    """The fields, and the zip of images if there is one."""
    if media_type(request) != "multipart/form-data":
        value = await read_value(request, web.house.settings)
        yield value if isinstance(value, dict) else {}, None
        return
    with await run_in_threadpool(_folder, web) as folder:
        path = Path(folder) / "file"
        async with AsyncExitStack() as stack:
            form = await read_form(request, web.house.settings, lambda _fields: TemporaryUpload(path), stack)
        yield form.fields, None if form.upload is None else path


def _folder(web: Web) -> TemporaryDirectory[str]:
    web.house.settings.work_folder.mkdir(parents=True, exist_ok=True)
    return TemporaryDirectory(prefix="sample-", dir=web.house.settings.work_folder)


@router.get(
    "/template/{template_id}/sample.xlsx",
    **says(None, 400, 401, 403, 404, media=_WORKBOOK, query={"token": "string"}),
)
async def read_sample(request: Request, template_id: str) -> Response:
    """The template's own sample; with the `token` of a signed address for whoever has that, for an hour."""
    web, template_id = web_of(request), checked(template_id)
    token = request.query_params.get("token")
    project_id = own_project(await _may_view(request)) if token is None else _signed_project(web, token, template_id)

    def work() -> tuple[str, bytes]:
        stored, columns = templates.with_columns(web.house, template_id, project_id)
        template = templates.definition(stored.name, templates.documents(columns), stored.document)
        return stored.name, samples.made(template)

    name, data = await run_in_threadpool(work)
    return _workbook(data, f"{name}.xlsx")


@router.post(
    "/common/signed-url",
    **says(
        None,
        400,
        401,
        403,
        404,
        413,
        status=201,
        body=wire.SIGNED_URL_BODY,
        media={"text/plain": {"schema": {"type": "string"}}},
    ),
)
async def sign_address(request: Request, caller: Caller = Depends(_may_view)) -> Response:
    """An address of a template's sample that needs no key and holds for an hour, as plain text."""
    web = web_of(request)
    template_id = wire.template_of_key(await body(request))
    if beside(caller, template_id):
        raise wire.not_existing("Template", template_id)
    project_id = own_project(caller)
    await run_in_threadpool(templates.get, web.house, template_id, project_id)
    claims = {"iss": _ISSUER, "sub": template_id, "project": project_id, "exp": int(time.time()) + _SIGNED_S}
    token = jwt.encode(claims, web.secrets.signing_key, algorithm="HS256")
    return PlainTextResponse(f"{web.house.settings.address}/v1/template/{template_id}/sample.xlsx?token={token}", 201)


def _signed_project(web: Web, token: str, template_id: str) -> str:
    """The project whose template an address was signed for."""
    try:
        claims = jwt.decode(
            token,
            web.secrets.signing_key,
            algorithms=["HS256"],
            issuer=_ISSUER,
            subject=template_id,
            options={"require": ["exp", "sub", "project"]},
        )
    except jwt.InvalidTokenError as error:
        raise wire.unauthorized("This address is not valid any more.") from error
    return str(claims["project"])


def _workbook(data: bytes, name: str, status: int = 200) -> Response:
    return Response(data, status, attachment(name), media_type=MEDIA_TYPE)
