"""`/v1/common`, what the widget asks first (contract 2.8), and `/v1/health-check`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from douane.errors import BadFile, BadTemplate, NotFound
from douane.flow import health, templates
from douane.flow.house import House
from douane.flow.sheets import learn, sheet_names
from douane.model.identity import MANAGE_TEMPLATES, RUN_IMPORT, VIEW_TEMPLATES, Caller
from douane.web.auth import web_of
from douane.web.bodies import TemporaryUpload, media_type, read_form
from douane.web.spreadsheet import answers, callers, wire
from douane.web.spreadsheet.answers import says
from douane.web.spreadsheet.callers import body, in_project, may
from douane.web.spreadsheet.wire import learned

router = APIRouter(prefix="/v1", tags=["Common"])

T = TypeVar("T")

_INVALID_KEYS = "Invalid keys found! Please check and correct them from web"


class _Invalid(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@router.post(
    "/common/valid",
    **says(wire.Success, 401, 403, 413, status=201, body=wire.VALID_BODY, also=wire.COMMON_ERRORS),
)
async def check_keys(request: Request, caller: Caller = Depends(callers.anyone_or_token)) -> Response:
    """Whether project, template and runtime schema can be used together."""
    value = await body(request)
    try:
        await _check(request, caller, value if isinstance(value, dict) else {})
    except _Invalid as invalid:
        return answers.json(wire.CommonErrorBody(invalid.message, invalid.status), invalid.status)
    return answers.json(wire.Success(), 201)


async def _check(request: Request, caller: Caller, value: dict[str, object]) -> None:
    project_id, template_id, schema = value.get("projectId"), value.get("templateId"), value.get("schema")
    if not wire.is_mongo_id(project_id):
        raise _Invalid(400, "Invalid project id")
    if template_id is not None and template_id != "" and not wire.is_mongo_id(template_id):
        raise _Invalid(400, "Invalid template id")
    try:
        caller = await in_project(request, caller, str(project_id), VIEW_TEMPLATES)
        if template_id and callers.beside(caller, str(template_id).lower()):
            raise _Invalid(404, _INVALID_KEYS)
        if template_id:
            await run_in_threadpool(
                templates.get, web_of(request).house, str(template_id).lower(), callers.own_project(caller)
            )
    except (wire.WireError, NotFound) as error:
        if isinstance(error, wire.WireError) and error.status != 404:
            raise
        raise _Invalid(404, _INVALID_KEYS) from error
    if schema is not None and schema != "":
        _check_schema(schema)


def _check_schema(schema: object) -> None:
    try:
        columns = msgspec.json.decode(schema) if isinstance(schema, str) else schema
    except (msgspec.DecodeError, RecursionError):
        columns = None
    if (fault := wire.schema_faults(columns)) is not None:
        raise _Invalid(404, fault)
    assert isinstance(columns, list)
    if repeated := wire.repeated_keys(columns):
        raise _Invalid(422, f"{wire.COLUMN_KEY_TAKEN} Duplicate Keys Found for {', '.join(repeated)}")


@router.get(
    "/common/import-config",
    **says(wire.ImportConfig, 400, 401, 403, query={"projectId": "string", "templateId": "string"}),
)
async def read_import_config(request: Request, caller: Caller = Depends(callers.anyone_or_token)) -> Response:
    """What the widget may show: all that is here. With an import token for one import, which that is."""
    project_id, template_id = request.query_params.get("projectId"), request.query_params.get("templateId")
    if not wire.is_mongo_id(project_id):
        raise wire.WireError(400, "Invalid project id")
    addresses = web_of(request).addresses
    try:
        caller = await in_project(request, caller, str(project_id), VIEW_TEMPLATES)
        if template_id is None or template_id == "":
            return answers.json(wire.import_config(None, addresses))
        if callers.beside(caller, callers.checked(template_id)):
            raise wire.no_template_of_upload()
        stored = await run_in_threadpool(
            templates.get, web_of(request).house, callers.checked(template_id), callers.own_project(caller)
        )
    except (wire.WireError, NotFound) as error:
        if isinstance(error, wire.WireError) and error.status != 404:
            raise
        raise wire.no_template_of_upload() from error
    config = wire.import_config(stored, addresses)
    if caller.token is not None and caller.token.operation_id is not None:
        config.uploadId = caller.token.operation_id
    return answers.json(config)


@router.post("/common/sheet-names", **says(list[str], 400, 401, 403, 413, 422, 507, status=201, body=wire.FILE_BODY))
async def list_sheets(request: Request, _: Caller = Depends(may(RUN_IMPORT, by_token=True))) -> Response:
    """The sheets of a workbook, but those that a sample keeps its lists in; none for a file of another kind."""
    house = web_of(request).house
    async with _one_file(request) as (path, file_name):
        names = await _asked(file_name, lambda: sheet_names(house, path))
    return answers.json([name for name in names if not name.startswith("imp_")], 201)


@router.post(
    "/template/schema",
    **says(list[learned.LearnedDocument], 400, 401, 403, 413, 422, 507, status=201, body=wire.FILE_BODY),
)
async def learn_template(request: Request, _: Caller = Depends(may(MANAGE_TEMPLATES))) -> Response:
    """What a template for files like this one would say: a column a heading (2.5). A Table Schema or a JSON Schema is
    one already, in other words."""
    house = web_of(request).house
    async with _one_file(request) as (path, file_name):
        if path.stat().st_size > learned.BYTES_MAX:
            raise wire.WireError(400, learned.TOO_LARGE)
        try:
            taught = await _asked(file_name, lambda: learn(house, path))
        except BadTemplate as error:
            raise wire.WireError(400, error.reason) from error
    if taught.described is not None:
        return answers.json(list(taught.described), 201)
    if not taught.columns or not taught.columns[0].records:
        raise wire.WireError(400, learned.EMPTY)
    return answers.json(learned.documents(taught.columns), 201)


@asynccontextmanager
async def _one_file(request: Request) -> AsyncIterator[tuple[Path, str]]:
    """The file of a form, and its name; gone at the end."""
    house = web_of(request).house
    with await run_in_threadpool(_work_folder, house) as folder:
        path = Path(folder) / "file"
        async with AsyncExitStack() as stack:
            if media_type(request) != "multipart/form-data":
                raise wire.WireError(400, wire.NO_FILE)
            form = await read_form(request, house.settings, lambda _fields: TemporaryUpload(path), stack)
        if form.upload is None:
            raise wire.WireError(400, wire.NO_FILE)
        yield path, form.file_name


async def _asked(file_name: str, ask: Callable[[], T]) -> T:
    """What the file says of itself, in a process of its own."""
    try:
        return await run_in_threadpool(ask)
    except BadFile as error:
        raise wire.bad_file(file_name, error.code, error.message) from error


def _work_folder(house: House) -> TemporaryDirectory[str]:
    house.settings.work_folder.mkdir(parents=True, exist_ok=True)
    return TemporaryDirectory(prefix="look-", dir=house.settings.work_folder)


@router.get("/health-check", **says(wire.Health, also=wire.UNHEALTHY))
async def check_health(request: Request) -> Response:
    """Open to all; says nothing about anybody's data."""
    house: House = web_of(request).house
    parts = await run_in_threadpool(health.check, house)
    good = all(parts.values())
    return answers.json(wire.health(parts), 200 if good else 503)
