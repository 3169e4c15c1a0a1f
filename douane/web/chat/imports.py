"""Imports: the contract's endpoints (section 3), from the upload to the end of the run."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from douane.chat.importers import menu
from douane.chat.selection import Group, Selection
from douane.errors import OverLimit, WrongStage
from douane.flow.chat import files, imports, preview
from douane.flow.chat.imports import NewChat
from douane.flow.imports import StoredSource
from douane.model.chat_import import chat_detail
from douane.model.identity import RUN_IMPORT, VIEW_IMPORT_OPERATIONS
from douane.model.operation import Operation
from douane.store.ids import new_id
from douane.web import waiting
from douane.web.auth import Web, noted
from douane.web.bodies import form_fields, media_type, read_form, safe_file_name
from douane.web.chat import answers, callers, schemas, shapes, upload_body, wire
from douane.web.chat.answers import says
from douane.web.chat.callers import Asker, may
from douane.web.streams import streamed

router = APIRouter(prefix="/api/v1", tags=["Chat: imports"])

FORM = "application/x-www-form-urlencoded"
_OWN_FIELDS = {"importerKey": "string", "fileName": "string", "contentType": "string", "strict": "boolean"}
_DEFAULT_ROLES = ("user",)


def name_of(operation: Operation) -> str:
    """The importer's public name."""
    key = chat_detail(operation).importer
    member = menu().get(key)
    return member.name if member is not None else key


async def current(asker: Asker, where: str | None = None) -> Operation:
    """The current operation; `where`: the contract's word for who misses it."""
    found = await run_in_threadpool(imports.current, asker.web.house, asker.project_id)
    if found is None:
        raise wire.no_operation(where) if where else wire.plain("error-operation-not-found")
    return found


# Files


@router.post("/uploadImportFile", **says(400, 413, 507, body=schemas.UPLOAD))
async def upload(request: Request, asker: Asker = Depends(may(RUN_IMPORT))) -> Response:
    """Takes an export as base64 in JSON, of any size, and makes it the current operation."""
    web = asker.web
    folder = await run_in_threadpool(_work_folder, web)
    try:
        path = folder / "body"
        settings, kind = web.house.settings, media_type(request)
        # A form is decoded in memory.
        setting = "chat_body_bytes_max" if kind == FORM else "chat_upload_bytes_max"
        await _spool(request, path, getattr(settings, setting), setting)
        fields, text = await run_in_threadpool(_upload_fields, path, kind)
        await callers.limited(request, asker)
        key = fields["importerKey"]
        if key not in menu():
            raise wire.no_importer(key, "uploadImportFile")
        operation_id = new_id()
        source = await run_in_threadpool(
            _store, web, operation_id, text, folder / "file", fields["fileName"], fields["contentType"]
        )
        await run_in_threadpool(_begin, asker, key, source)
    finally:
        await run_in_threadpool(shutil.rmtree, folder, True)
    return callers.with_rate(request, answers.success())


@router.post(
    "/douane.upload", **says(400, 413, 507, query=_OWN_FIELDS, required=("importerKey",)), tags=["Chat: beyond"]
)
async def upload_raw(request: Request, asker: Asker = Depends(may(RUN_IMPORT))) -> Response:
    """The same with the file as it is: as the body, or as the part `file` of a form. Answers the operation. With
    `strict=true` a file of which something that seems to hold messages is not read is refused."""
    web = asker.web
    query = request.query_params
    key = query.get("importerKey", "")
    if key not in menu():
        raise wire.no_importer(key, "douane.upload")
    settings = web.house.settings
    operation_id = new_id()
    name = f"{operation_id}/source"
    file_name, kind = query.get("fileName", ""), query.get("contentType", "")
    if media_type(request) == "multipart/form-data":
        async with AsyncExitStack() as stack:
            form = await read_form(request, settings, lambda _fields: web.house.objects.upload(name), stack)
        if form.upload is None:
            raise wire.bad_body("must have required property 'file'")
        stored = form.upload
        file_name, kind = file_name or form.file_name, kind or form.file_type
    else:
        async with web.house.objects.upload(name) as stored:
            async for chunk in request.stream():
                if stored.size + len(chunk) > settings.upload_bytes_max:
                    raise OverLimit(
                        f"The file is larger than {settings.upload_bytes_max} bytes.", setting="upload_bytes_max"
                    )
                await stored.write(chunk)
        kind = kind or media_type(request)
    source = StoredSource(name, stored.size, stored.sha256, safe_file_name(file_name or "file"), kind)
    strict = query.get("strict", "").lower() in ("true", "1")
    operation = await run_in_threadpool(_begin, asker, key, source, strict)
    if strict:
        # Whether all of it is read shows when it was: a file that takes longer fails later, and says so then.
        await run_in_threadpool(imports.ask_read, web.house, operation)
        operation = await waiting.until(web, operation.id, _was_read, settings.chat_wait_s) or operation
        if operation.stage == "failed" and operation.work_error is not None:
            raise wire.plain(operation.work_error[1])
    return answers.success({"operation": wire.document(operation, name_of(operation))})


def _work_folder(web: Web) -> Path:
    web.house.settings.work_folder.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="upload-", dir=web.house.settings.work_folder))


async def _spool(request: Request, path: Path, bytes_max: int, setting: str) -> None:
    declared = request.headers.get("content-length", "")
    size = int(declared) if declared.isdigit() else 0
    with await run_in_threadpool(path.open, "wb") as file:
        if size <= bytes_max:
            size, kept = 0, bytearray()
            async for chunk in request.stream():
                size += len(chunk)
                if size > bytes_max:
                    break
                kept += chunk
                if len(kept) >= 1 << 20:
                    await run_in_threadpool(file.write, bytes(kept))
                    kept.clear()
            await run_in_threadpool(file.write, bytes(kept))
    if size > bytes_max:
        raise OverLimit(f"The body is larger than {bytes_max} bytes.", setting=setting)


def _upload_fields(path: Path, kind: str) -> tuple[dict[str, str], Iterator[bytes]]:
    """The judged fields, and the file's bytes as they are decoded."""
    data = upload_body.mapped(path)
    if kind == FORM:
        given: Any = dict(form_fields(bytes(data)))
    else:
        given = upload_body.members(data, "binaryContent")
        if given is None:
            given = [] if bytes(data[:64]).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"[" else {}
    place = given.get("binaryContent") if isinstance(given, dict) else None
    if isinstance(place, upload_body.Text):
        given = {**given, "binaryContent": ""}
    fields: dict[str, str] = callers.judged(schemas.UPLOAD, given)
    if isinstance(place, upload_body.Text):
        return fields, upload_body.decoded(data, place)
    return fields, upload_body.text_of(fields["binaryContent"])


def _store(web: Web, operation_id: str, blocks: Iterable[bytes], path: Path, file_name: str, kind: str) -> StoredSource:
    digest, size = hashlib.sha256(), 0
    most = web.house.settings.upload_bytes_max
    with path.open("wb") as file:
        for block in blocks:
            size += len(block)
            if size > most:
                raise OverLimit(f"The file is larger than {most} bytes.", setting="upload_bytes_max")
            digest.update(block)
            file.write(block)
    name = f"{operation_id}/source"
    web.house.objects.put_file(name, path)
    return StoredSource(name, size, digest.hexdigest(), safe_file_name(file_name), kind.replace("\0", ""))


def _begin(asker: Asker, key: str, source: StoredSource, strict: bool = False) -> Operation:
    new = _new(asker, key, source.media_type, source.file_name, source)
    return imports.begin(asker.web.house, replace(new, strict=strict))


def _new(asker: Asker, key: str, kind: str, file_name: str, source: StoredSource | None) -> NewChat:
    stamp = datetime.now(UTC).strftime("%Y%m%d%H%M%S")
    stored = f"{stamp}_{asker.person_id}_{file_name}" if file_name else ""
    return NewChat(
        project_id=asker.project_id,
        person_id=asker.person_id,
        importer=key,
        source=source,
        content_type=kind,
        stored_name=stored,
    )


@router.post("/downloadPublicImportFile", **says(400, body=schemas.DOWNLOAD))
async def download(request: Request, asker: Asker = Depends(may(RUN_IMPORT))) -> Response:
    """Fetches an export from a public address, or from a folder of the server that a setting names."""
    fields = await callers.body(request, schemas.DOWNLOAD)
    await callers.limited(request, asker)
    key, address = fields["importerKey"], fields["fileUrl"]
    if key not in menu():
        raise wire.no_importer(key, "downloadImportFile")
    house = asker.web.house
    if not address.startswith("http") and await run_in_threadpool(files.server_file, house, address) is None:
        raise wire.file_missing(address)
    file_name = safe_file_name(address.partition("?")[0].rpartition("/")[2] or "file")
    new = _new(asker, key, "", file_name, None)
    operation = await run_in_threadpool(imports.begin_download, house, new, address)
    begun = await waiting.until(asker.web, operation.id, files.answered, house.settings.chat_wait_s)
    if begun is not None and begun.stage == "failed" and begun.work_error is not None:
        raise wire.download_failed(*begun.work_error)
    return callers.with_rate(request, answers.success())


@router.post("/downloadPendingFiles", **says(400, body=schemas.NOTHING))
async def download_files(request: Request, asker: Asker = Depends(may(RUN_IMPORT))) -> Response:
    """Fetches the files that imported messages name; answers how many there are."""
    return await _pending(request, asker, "files")


@router.post("/downloadPendingAvatars", **says(400, body=schemas.NOTHING))
async def download_avatars(request: Request, asker: Asker = Depends(may(RUN_IMPORT))) -> Response:
    """Fetches the pictures of imported users; answers how many there are."""
    return await _pending(request, asker, "avatars")


async def _pending(request: Request, asker: Asker, kind: Literal["files", "avatars"]) -> Response:
    await callers.body(request, schemas.NOTHING)
    await callers.limited(request, asker)
    _, count = await run_in_threadpool(imports.begin_pending, asker.web.house, asker.project_id, asker.person_id, kind)
    return callers.with_rate(request, answers.success({"count": count}))


# Looking


@router.get("/getImportFileData", **says(400))
async def file_data(request: Request, asker: Asker = Depends(may(RUN_IMPORT))) -> Response:
    """What there is to choose from. Reads the file first, and says `waiting` when that takes long."""
    callers.no_query(request)
    web, house = asker.web, asker.web.house
    operation = await current(asker, "getImportFileData")
    if operation.stage == "uploaded" and operation.work == "chat_download":
        return answers.success({"waiting": True})
    if operation.stage == "uploaded" and operation.source_object is not None:
        await run_in_threadpool(imports.ask_read, house, operation)
        ready = await waiting.until(web, operation.id, _was_read, house.settings.chat_wait_s)
        if ready is None:
            return answers.success({"waiting": True})
        operation = ready
    if wire.stopped_reading(operation):
        raise wire.invalid_operation("getImportFileData")
    if operation.stage == "failed" and operation.work_error is not None and chat_detail(operation).run is None:
        code, sentence = operation.work_error
        if code == "no_importer":
            raise wire.no_importer(chat_detail(operation).importer, "getImportFileData")
        raise wire.plain(sentence)
    return StreamingResponse(
        streamed(_selection(web, operation)), media_type="application/json", headers={"Pragma": "no-cache"}
    )


def _was_read(operation: Operation) -> bool:
    return operation.stage != "uploaded"


def _selection(web: Web, operation: Operation) -> Iterator[bytes]:
    """The reply of section 4, piece by piece: a hundred thousand users make one big object."""
    found = preview.preview(web.house, operation)
    yield b'{"name":' + msgspec.json.encode(name_of(operation)) + b',"users":['
    yield from _joined(found.users, wire.preview_user)
    yield b'],"channels":['
    rooms = (wire.preview_channel(channel) for channel in found.channels)
    yield from _joined(_with_direct(rooms, lambda: found.has_direct), lambda channel: channel)
    yield b'],"message_count":%d,"contacts":[' % found.message_count
    yield from _joined(found.contacts, wire.preview_contact)
    yield b'],"success":true}'


def _with_direct(rooms: Iterable[Mapping[str, Any]], has_direct: Callable[[], bool]) -> Iterator[Mapping[str, Any]]:
    yield from rooms
    if has_direct():
        yield wire.direct_channel()


def _joined(records: Iterable[Any], shape: Callable[[Any], Mapping[str, Any]]) -> Iterator[bytes]:
    encode = msgspec.json.Encoder().encode
    block: list[bytes] = []
    first = True
    for record in records:
        block.append(encode(shape(record)))
        if len(block) == 1000:
            yield (b"" if first else b",") + b",".join(block)
            first, block = False, []
    if block:
        yield (b"" if first else b",") + b",".join(block)


@router.get("/getImportProgress", **says(400))
async def progress(request: Request, asker: Asker = Depends(may(RUN_IMPORT))) -> Response:
    """How far the current operation is."""
    callers.no_query(request)
    operation = await current(asker, "getImportProgress")
    return answers.success(wire.progress(operation, name_of(operation)))


@router.get("/getLatestImportOperations", **says(400, bare=True))
async def latest(request: Request, asker: Asker = Depends(may(VIEW_IMPORT_OPERATIONS))) -> Response:
    """The last twenty operations, newest change first."""
    callers.no_query(request)
    found = await run_in_threadpool(imports.latest, asker.web.house, asker.project_id, 20)
    return answers.json([wire.document(one, name_of(one)) for one in found])


@router.get("/getCurrentImportOperation", **says(400))
async def current_operation(request: Request, asker: Asker = Depends(may(RUN_IMPORT))) -> Response:
    """The current operation, if there is one."""
    callers.no_query(request)
    found = await run_in_threadpool(imports.current, asker.web.house, asker.project_id)
    return answers.success({} if found is None else {"operation": wire.document(found, name_of(found))})


@router.get("/importers.list", **says(400, bare=True))
async def importers(request: Request, asker: Asker = Depends(may(RUN_IMPORT))) -> Response:
    """The products whose exports can be read."""
    callers.no_query(request)
    return answers.json([{"key": one.key, "name": one.name} for one in menu().values() if one.visible])


@router.get("/import.status", **says(400))
async def status(request: Request, asker: Asker = Depends(may(RUN_IMPORT))) -> Response:
    """The coarse state of the current operation."""
    callers.no_query(request)
    found = await run_in_threadpool(imports.current, asker.web.house, asker.project_id)
    if found is None:
        return answers.success({"state": "none"})
    return answers.success({"state": wire.state(found), "operation": wire.document(found, name_of(found))})


# Records by REST


@router.post("/import.clear", **says(400))
async def clear(request: Request, asker: Asker = Depends(may(RUN_IMPORT))) -> Response:
    """Ends whatever is under way and forgets what was staged."""
    await callers.limited(request, asker)
    await run_in_threadpool(imports.clear, asker.web.house, asker.project_id)
    await noted(request, "import.remove", project_id=asker.project_id)
    return callers.with_rate(request, answers.success())


@router.post("/import.new", **says(400))
async def new(request: Request, asker: Asker = Depends(may(RUN_IMPORT))) -> Response:
    """An empty operation, for users that are sent record by record."""
    await callers.limited(request, asker)
    made = await run_in_threadpool(imports.begin, asker.web.house, _new(asker, "api", "", "", None))
    return callers.with_rate(request, answers.success({"operation": wire.document(made, name_of(made))}))


@router.post("/import.addUsers", **says(400, 413, body=schemas.ADD_USERS))
async def add_users(request: Request, asker: Asker = Depends(may(RUN_IMPORT))) -> Response:
    """Adds users to the current operation: all or none of them."""
    users: list[dict[str, Any]] = (await callers.body(request, schemas.ADD_USERS))["users"]
    await callers.limited(request, asker)
    if users:
        found = await run_in_threadpool(imports.current, asker.web.house, asker.project_id)
        if found is None or not wire.is_valid(found):
            raise wire.plain("Import operation not initialized.")
        state = wire.state(found)
        if state in ("loading", "importing"):
            raise wire.plain("The current import operation can not receive new data.")
        if state not in ("new", "ready"):
            raise wire.plain("The current import operation is already finished.")
        for user in users:
            if not any(one.strip() for one in user["emails"]) or not any(one.strip() for one in user["importIds"]):
                raise wire.plain("Users are missing required data.")
            if any(role not in shapes.ROLES for role in user.get("roles") or ()):
                raise wire.plain("One or more of the users have been assigned invalid roles.")
            user["roles"] = list(dict.fromkeys([*(user.get("roles") or ()), *_DEFAULT_ROLES]))
        try:
            await run_in_threadpool(imports.add_users, asker.web.house, found, users)
        except WrongStage as error:
            raise wire.plain("The current import operation can not receive new data.") from error
    return callers.with_rate(request, answers.success())


# Running


@router.post("/startImport", **says(400, body=schemas.START))
async def start(request: Request, asker: Asker = Depends(may(RUN_IMPORT))) -> Response:
    """Imports what was chosen, in the background."""
    given = await callers.value(request)
    marked = _is_marked(given)
    selected = callers.judged(schemas.START_BY_MARKS if marked else schemas.START, given)["input"]
    await callers.limited(request, asker)
    operation = await current(asker, "startImport")
    if chat_detail(operation).importer not in menu():
        raise wire.no_importer(chat_detail(operation).importer, "startImport")
    options = _run_options(request)
    await _run(asker, operation, _selected_by_marks(selected) if marked else _selected(selected), "start", options)
    return callers.with_rate(request, answers.success())


@router.post("/import.run", **says(400))
async def run(request: Request, asker: Asker = Depends(may(RUN_IMPORT))) -> Response:
    """Imports all users of the current operation, and nothing else."""
    await callers.limited(request, asker)
    operation = await current(asker)
    await _run(asker, operation, Selection(users=Group(all=True)), "users", _run_options(request))
    return callers.with_rate(request, answers.success())


async def _run(
    asker: Asker, operation: Operation, selection: Selection, mode: imports.Mode, options: Mapping[str, bool]
) -> None:
    if not wire.is_valid(operation) or operation.stage != "reviewing":
        raise wire.plain("error-invalid-operation-status")
    try:
        await run_in_threadpool(imports.start, asker.web.house, operation, selection, mode, **options)
    except WrongStage as error:
        raise wire.plain("error-invalid-operation-status") from error


def _run_options(request: Request) -> dict[str, bool]:
    """Beyond the contract, in the query: `strict` (unknown authors fail their messages), `keepExisting` (users that are
    there stay as they are), `admins` (roles the export gives are given)."""

    def given(name: str) -> bool:
        return request.query_params.get(name, "").lower() in ("true", "1")

    return {"strict": given("strict"), "update_existing": not given("keepExisting"), "admins": given("admins")}


def _is_marked(given: Any) -> bool:
    """Whether the lists themselves were sent, each record with its mark, as up to 6.x."""
    inner = given.get("input") if isinstance(given, dict) else None
    return isinstance(inner, dict) and any(isinstance(inner.get(name), list) for name in ("users", "channels"))


def _selected(chosen: Mapping[str, Any]) -> Selection:
    def group(name: str) -> Group:
        given = chosen.get(name) or {}
        return Group(bool(given.get("all")), frozenset(given.get("list") or ()))

    return Selection(group("users"), group("channels"), group("contacts"))


def _selected_by_marks(chosen: Mapping[str, Any]) -> Selection:
    users = frozenset(one["user_id"] for one in chosen["users"] if one["do_import"])
    rooms = frozenset(one["channel_id"] for one in chosen["channels"] if one["do_import"])
    return Selection(Group(ids=users), Group(ids=rooms))


# Progress as it happens


@router.get("/douane.events", **says(404, media=("text/event-stream",)), tags=["Chat: beyond"])
async def events(request: Request, asker: Asker = Depends(may(RUN_IMPORT))) -> Response:
    """Progress of the current operation as server-sent events, until it rests."""
    operation = await current(asker, "douane.events")
    return StreamingResponse(
        _events(request, asker, operation.id), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


async def _events(request: Request, asker: Asker, operation_id: str) -> AsyncIterator[bytes]:
    said: dict[str, Any] | None = None
    spoke_at = time.monotonic()
    while not asker.web.closing:
        operation = await run_in_threadpool(imports.get, asker.web.house, operation_id, asker.project_id)
        now = wire.event(operation, name_of(operation))
        if now != said:
            said, spoke_at = now, time.monotonic()
            yield b"event: progress\ndata: " + msgspec.json.encode(now) + b"\n\n"
        if not operation.work and (operation.stage != "processing" or chat_detail(operation).cancelled):
            yield b"event: end\ndata: " + msgspec.json.encode({"step": now["step"]}) + b"\n\n"
            return
        if time.monotonic() - spoke_at > 15:
            spoke_at = time.monotonic()
            yield b": still here\n\n"
        await asyncio.sleep(0.3)
