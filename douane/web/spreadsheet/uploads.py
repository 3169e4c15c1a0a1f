"""`/v1/upload`: an import's file, headings and progress (contract 2.4). Its rows are in `rows.py`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from douane.errors import BadTemplate, Conflict, NotFound
from douane.flow import customizing, forgetting, images, imports, learned, ledger, remapping, templates, tokens
from douane.flow.forms import headings_of
from douane.flow.imports import NewImport, StoredSource
from douane.flow.remapping import Wanted
from douane.model.identity import MANAGE_TEMPLATES, RUN_IMPORT, VIEW_IMPORT_OPERATIONS, Caller
from douane.model.operation import OPEN, Operation
from douane.model.sheet_import import Formats
from douane.model.template import StoredColumn, StoredTemplate
from douane.store.ids import new_id
from douane.store.objects import Objects, Upload
from douane.web import waiting
from douane.web.auth import Web, noted, web_of
from douane.web.bodies import Form, attachment, media_type, read_form, read_value
from douane.web.spreadsheet import answers, wire
from douane.web.spreadsheet.answers import says
from douane.web.spreadsheet.callers import body, checked, may, own_project
from douane.web.spreadsheet.templates import uploads_of
from douane.web.spreadsheet.wire import forgetting as forgetting_words
from douane.web.spreadsheet.wire.customizations import bad_format
from douane.web.streams import streamed

router = APIRouter(prefix="/v1/upload", tags=["Uploads"])

# Often at first, so that the end of small work is told at once.
_EVENT_PAUSE_FIRST_S, _EVENT_PAUSE_S = 0.02, 0.4
_HEARTBEAT_S = 15.0


@router.post(
    "/{template_id}",
    **says(
        wire.UploadDocument,
        400,
        401,
        403,
        413,
        422,
        507,
        status=201,
        body=wire.UPLOAD_BODY,
        query={"auto": "boolean"},
    ),
)
async def create_upload(
    request: Request, template_id: str, caller: Caller = Depends(may(RUN_IMPORT, by_token=True))
) -> Response:
    """Takes a file (or, without one, begins a typed-in import) and answers when its headings are known; with
    `auto=true` it is mapped by its headings and checked, and the answer comes when that is done."""
    web = web_of(request)
    template_id = checked(template_id)
    if caller.token is not None and caller.token.operation_id is not None:
        raise wire.WireError(403, wire.ONE_IMPORT)
    try:
        stored, columns = await run_in_threadpool(templates.with_columns, web.house, template_id, own_project(caller))
    except NotFound as error:
        raise wire.WireError(400, f"{template_id} is not valid TemplateId or CODE.") from error
    place = _Place()
    # Left without an error only when all fields are right: else nothing of the file is kept.
    async with AsyncExitStack() as stack:
        form = await _form(request, web, place, stack)
        given = form.fields
        fields = await run_in_threadpool(lambda: wire.upload_fields(wire.clean(wire.fixed_fields(given, caller.token))))
        new = await run_in_threadpool(_new_import, web, caller, place.id, stored, columns, fields)
    if form.upload is not None:
        await run_in_threadpool(place.move, web.house.objects, new.operation_id)
        new = replace(new, auto=request.query_params.get("auto", "").lower() in ("true", "1"))
        new = _with_file(new, place.object, form, form.upload)
    operation = await run_in_threadpool(_begin, web, new)
    if form.upload is not None:
        operation = await (_checked(web, operation) if new.auto else _headings_known(web, operation))
    return answers.encoded(await run_in_threadpool(lambda: answers.encode(document(operation))), 201)


class _Place:
    """Where the file goes. All objects of an import stand under its id, and the fields may name that id (`importId`)
    before the file or after it. The name ends in an id of its own: nothing that is there is ever written over."""

    def __init__(self) -> None:
        self.id = new_id()
        self.object = ""

    def at(self, import_id: object) -> str:
        owner = str(import_id).lower() if wire.is_mongo_id(import_id) else self.id
        return f"{owner}/source-{self.id}"

    def move(self, objects: Objects, operation_id: str) -> None:
        wanted = self.at(operation_id)
        if wanted != self.object:
            objects.put_file(wanted, objects.local_path(self.object))
            self.object = wanted


async def _form(request: Request, web: Web, place: _Place, stack: AsyncExitStack) -> Form:
    if media_type(request) == "multipart/form-data":

        def store(fields: Mapping[str, str]) -> AbstractAsyncContextManager[Upload]:
            place.object = place.at(fields.get("importId"))
            return web.house.objects.upload(place.object)

        return await read_form(request, web.house.settings, store, stack)
    value = await read_value(request, web.house.settings)
    return Form(fields=value if isinstance(value, dict) else {})


def _new_import(
    web: Web,
    caller: Caller,
    operation_id: str,
    stored: StoredTemplate,
    columns: list[StoredColumn],
    fields: wire.UploadFields,
) -> NewImport:
    """Without its file. BadTemplate for a runtime schema that cannot work."""
    token = caller.token
    if fields.import_id is not None:
        _refuse_taken(web, fields.import_id)
        operation_id = fields.import_id
    documents = templates.documents(columns) if fields.schema is None else fields.schema
    kept = dict(fields.kept)
    if fields.schema is None:
        kept["columnIds"] = {column.key: column.id for column in columns}
    return NewImport(
        operation_id=operation_id,
        project_id=own_project(caller),
        template_id=stored.id,
        template=templates.definition(stored.name, wire.with_images(documents, fields.images), stored.document),
        source=None,
        person_id=caller.person_id,
        token_id=None if token is None else token.id,
        link_id=None if token is None else token.link_id,
        sheet=fields.sheet,
        encoding=fields.encoding,
        delimiter=fields.delimiter,
        header=fields.header,
        quote=fields.quote,
        rows_max=fields.rows_max,
        formats=_formats(web, stored, fields),
        confirm=stored.document.get("confirmPolicy", "all"),
        wire=kept,
    )


def _formats(web: Web, stored: StoredTemplate, fields: wire.UploadFields) -> Formats | None:
    """The template's; with a runtime schema what came beside it (5.6)."""
    if fields.schema is None:
        return customizing.formats_of(stored)
    if fields.output is None:
        return None
    try:
        return customizing.formats_of_output(fields.output, web.house.settings.format_bytes_max)
    except BadTemplate as error:
        raise bad_format(error) from error


def _refuse_taken(web: Web, operation_id: str) -> None:
    try:
        imports.get(web.house, operation_id)
    except NotFound:
        return
    raise wire.import_id_taken()


def _begin(web: Web, new: NewImport) -> Operation:
    try:
        return imports.begin(web.house, new)
    except Conflict as error:
        # Two uploads named the same `importId` at once.
        raise wire.import_id_taken() from error


def _with_file(new: NewImport, object_name: str, form: Form, upload: Upload) -> NewImport:
    source = StoredSource(
        object=object_name,
        size=upload.size,
        sha256=upload.sha256,
        file_name=form.file_name,
        media_type=form.file_type or "application/octet-stream",
    )
    kept = {**new.wire, "fileId": new_id(), "originalFileName": wire.shown_file_name(form.file_name)}
    return replace(new, source=source, wire=kept)


async def _headings_known(web: Web, begun: Operation) -> Operation:
    """Waits for the worker. A file that cannot be read, or not in time, leaves no import to go on with."""

    def ready(operation: Operation) -> bool:
        return operation.stage not in OPEN or operation.work_error is not None or imports.headings_ready(operation)

    operation = await waiting.until(web, begun.id, ready, web.house.settings.headings_wait_s)
    return await _usable(web, begun, operation)


async def _checked(web: Web, begun: Operation) -> Operation:
    """The same for a file that is mapped and checked without being asked."""

    def ready(operation: Operation) -> bool:
        return operation.stage not in ("uploaded", "mapping", "mapped") or operation.work_error is not None

    return await _usable(web, begun, await waiting.until(web, begun.id, ready, web.house.settings.review_wait_s))


async def _usable(web: Web, begun: Operation, operation: Operation | None) -> Operation:
    if operation is None:
        await run_in_threadpool(imports.terminate, web.house, begun)
        raise wire.WireError(
            503, "The file could not be read in time. Please try again later.", headers={"Retry-After": "30"}
        )
    if operation.work_error is not None:
        if operation.work_error[0] == imports.UNMAPPED:
            raise await run_in_threadpool(_not_mapped, web, operation, operation.work_error[1])
        if operation.stage in OPEN:
            await run_in_threadpool(imports.terminate, web.house, operation)
        raise wire.file_error(operation, *operation.work_error)
    return operation


def _not_mapped(web: Web, operation: Operation, sentence: str) -> wire.WireError:
    """The import stays whatever is found now: since the worker looked, another import may have taught what its headings
    mean, and then nothing would be missing any more."""
    found = imports.unmapped(operation, known=learned.known_headings(web.house, operation))
    if found is None:
        found = imports.unmapped(operation) or imports.Unmapped(list(headings_of(operation)), [], [])
    noticed = wire.noticed(imports.noticed(operation), found.ignored)
    return wire.not_mapped(operation, sentence, found.headings, found.missing, noticed)


@router.get(
    "/{upload_id}",
    **says(
        (wire.UploadDocument, list[wire.UploadDocument], wire.UploadPage),
        400,
        401,
        403,
        404,
        query={"page": "integer", "limit": "integer"},
    ),
)
async def read_upload(
    request: Request, upload_id: str, caller: Caller = Depends(may(VIEW_IMPORT_OPERATIONS))
) -> Response:
    """One upload; or, where the id is a template's, the list of its uploads (the two meanings the peer's code and
    documentation give this address, 2.4)."""
    web, upload_id = web_of(request), checked(upload_id)
    try:
        operation = await run_in_threadpool(find, web, caller, upload_id)
    except wire.WireError:
        if caller.token is not None:
            raise wire.not_existing("Upload", upload_id) from None
        try:
            await run_in_threadpool(templates.get, web.house, upload_id, own_project(caller))
        except NotFound as error:
            raise wire.not_existing("Upload", upload_id) from error
        return await uploads_of(request, upload_id, own_project(caller))
    return answers.json(document(operation))


@router.get("/{upload_id}/headings", **says(list[str], 400, 401, 403))
async def read_headings(
    request: Request, upload_id: str, caller: Caller = Depends(may(VIEW_IMPORT_OPERATIONS))
) -> Response:
    operation = await run_in_threadpool(find, web_of(request), caller, checked(upload_id))
    return answers.json(imports.headings(operation))


@router.get("/{upload_id}/columns", **says(list[wire.ColumnDocument], 400, 401, 403))
async def read_columns(
    request: Request, upload_id: str, caller: Caller = Depends(may(VIEW_IMPORT_OPERATIONS))
) -> Response:
    """The upload's own schema, frozen columns first."""
    operation = await run_in_threadpool(find, web_of(request), caller, checked(upload_id))
    return answers.json(wire.frozen_first(wire.upload_columns(operation, imports.columns(operation))))


@router.get("/{upload_id}/preview", **says(list[list[str]], 400, 401, 403))
async def read_preview(
    request: Request, upload_id: str, caller: Caller = Depends(may(VIEW_IMPORT_OPERATIONS))
) -> Response:
    """The first 15 rows of the file that are not blank."""
    operation = await run_in_threadpool(find, web_of(request), caller, checked(upload_id))
    return answers.json(imports.preview(operation))


@router.put("/{upload_id}/header", **says(None, 400, 401, 403, 413, body=wire.HEADER_BODY))
async def choose_header(request: Request, upload_id: str, caller: Caller = Depends(may(RUN_IMPORT))) -> Response:
    """Which row holds the headings; without `index` the file has none, and `headings` are names for its columns."""
    web, upload_id = web_of(request), checked(upload_id)
    index, headings = wire.header_choice(await body(request))

    def work() -> None:
        operation = find(web, caller, upload_id)
        if operation.version and operation.stage == "mapping":
            # It was reviewed before: what people changed goes along.
            wanted = Wanted(new_header=True, header=index, names=headings, agreed=True, person_id=caller.person_id)
            remapping.change(web.house, operation, wanted)
        else:
            imports.set_header(web.house, operation, index, headings)

    await run_in_threadpool(work)
    return answers.empty()


@router.delete(
    "/{upload_id}",
    **says((wire.TerminatedDocument, forgetting_words.ForgottenDocument), 400, 401, 403, query={"forget": "boolean"}),
)
async def terminate_upload(request: Request, upload_id: str, caller: Caller = Depends(may(RUN_IMPORT))) -> Response:
    """Ends the import. What is completed stays as it is; an unknown id answers nothing (2.4). With `forget=true` (ours)
    its file and rows are deleted at once, whatever became of it, and the answer says what remains."""
    web, upload_id = web_of(request), checked(upload_id)
    if request.query_params.get("forget", "").lower() in ("true", "1"):
        if not caller.may(MANAGE_TEMPLATES):
            raise wire.forbidden()
        operation = await run_in_threadpool(find, web, caller, upload_id)
        found = await run_in_threadpool(forgetting.upload, web.house, operation)
        await noted(request, "import.forget", operation=operation.id, rows=found.rows)
        return answers.json(forgetting_words.forgotten(found))
    try:
        operation = await run_in_threadpool(find, web, caller, upload_id)
    except wire.WireError:
        return answers.empty()
    wire.guard(operation, "uploaded", "mapped")
    operation = await run_in_threadpool(imports.terminate, web.house, operation)
    wire.guard(operation)
    await noted(request, "import.remove", operation=operation.id, file=operation.file_name)
    return answers.json(wire.TerminatedDocument(operation.id, wire.STATUS[operation.stage], operation.id))


@router.get("/{upload_id}/ledger", **says(forgetting_words.LedgerDocument, 400, 401, 403))
async def read_ledger(
    request: Request, upload_id: str, caller: Caller = Depends(may(VIEW_IMPORT_OPERATIONS))
) -> Response:
    """Where every record of the upload went."""
    web = web_of(request)
    operation = await run_in_threadpool(find, web, caller, checked(upload_id))
    found = await run_in_threadpool(ledger.of_upload, web.house, operation)
    return answers.json(forgetting_words.ledger(operation.id, found))


@router.get("/{upload_id}/files/original", **says(None, 400, 401, 403, 404, media={"*/*": {"schema": wire.BINARY}}))
async def download_original(
    request: Request, upload_id: str, caller: Caller = Depends(may(VIEW_IMPORT_OPERATIONS))
) -> Response:
    """The file as it was uploaded, byte for byte."""
    web = web_of(request)
    operation = await run_in_threadpool(find, web, caller, checked(upload_id))
    if operation.source_object is None:
        raise wire.WireError(404, wire.FILE_GONE)
    try:
        chunks = await run_in_threadpool(web.house.objects.stream, operation.source_object)
    except NotFound as error:
        raise wire.WireError(404, wire.FILE_GONE) from error
    name = wire.original_name(operation)
    headers = {
        **attachment(name),
        "Content-Length": str(operation.source_size),
        "Content-Type": operation.media_type or "application/octet-stream",
    }
    await noted(request, "file.export", operation=operation.id, file=name)
    return StreamingResponse(streamed(chunks), headers=headers)


@router.get(
    "/{upload_id}/asset/{name}",
    **says(
        None,
        400,
        401,
        403,
        404,
        media={kind: {"schema": wire.BINARY} for kind in ("image/png", "image/jpeg", "image/webp")},
    ),
)
async def read_image(
    request: Request, upload_id: str, name: str, caller: Caller = Depends(may(VIEW_IMPORT_OPERATIONS))
) -> Response:
    """An image that was uploaded with the file, by its name."""
    web, upload_id = web_of(request), checked(upload_id)

    def work() -> tuple[str, int, Iterator[bytes]]:
        operation = find(web, caller, upload_id)
        return images.stream(web.house, operation.id, operation.project_id, name)

    try:
        kind, size, chunks = await run_in_threadpool(work)
    except NotFound as error:
        raise wire.WireError(404, wire.FILE_GONE) from error
    headers = {"Content-Length": str(size), "Content-Disposition": "inline", "Cache-Control": "private, max-age=3600"}
    return StreamingResponse(streamed(chunks), headers=headers, media_type=kind)


# Progress


@router.get(
    "/{upload_id}/events",
    **says(
        None,
        400,
        401,
        403,
        also={204: {"description": "Nothing is under way, and the client has seen the end"}},
        media={"text/event-stream": {}},  # events are no one document that a schema could describe
    ),
)
async def follow(request: Request, upload_id: str, caller: Caller = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
    """Server-sent events: `progress` as the work goes on, and `end` when nothing is under way any more."""
    web, upload_id = web_of(request), checked(upload_id)
    operation = await run_in_threadpool(find, web, caller, upload_id)
    if imports.reviewed(operation) and request.headers.get("last-event-id") == f"end-{operation.version}":
        # 204 tells a browser's EventSource not to come again.
        return answers.empty(204)
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(web, operation), headers=headers, media_type="text/event-stream")


async def _events(web: Web, operation: Operation) -> AsyncIterator[bytes]:
    number, shown, said_at, pause = 0, b"", time.monotonic(), _EVENT_PAUSE_FIRST_S
    yield b"retry: 3000\n\n"
    while True:
        data = msgspec.json.encode(wire.progress(operation))
        if data != shown:
            number, shown, said_at = number + 1, data, time.monotonic()
            yield b"id: %d\nevent: progress\ndata: %b\n\n" % (number, data)
        elif time.monotonic() - said_at > _HEARTBEAT_S:
            said_at = time.monotonic()
            yield b": still here\n\n"
        if imports.reviewed(operation):
            yield b"id: end-%d\nevent: end\ndata: %b\n\n" % (operation.version, data)
            return
        await asyncio.sleep(pause)
        pause = min(pause * 1.3, _EVENT_PAUSE_S)
        if web.closing:
            return
        try:
            operation = await run_in_threadpool(imports.get, web.house, operation.id)
        except NotFound:
            return


def find(web: Web, caller: Caller, upload_id: str) -> Operation:
    """The upload in the caller's project, or of the caller's token; the guarded routes' 400 for any other id (2.3)."""
    try:
        operation = imports.get(web.house, upload_id, own_project(caller))
    except NotFound as error:
        raise wire.no_upload() from error
    if operation.family != imports.FAMILY or not tokens.sees(caller, operation):
        raise wire.no_upload()
    return operation


def document(operation: Operation) -> wire.UploadDocument:
    return wire.upload(
        operation,
        imports.columns(operation),
        imports.headings(operation),
        noticed=wire.noticed(imports.noticed(operation), imports.ignored_headings(operation)),
    )
