"""Bodies of requests, read within limits: JSON and form bodies whole, multipart forms as a stream.

Nothing here is read before the endpoint asks for it: who may not ask is answered first.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, MutableMapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, BinaryIO
from urllib.parse import parse_qsl, quote
from weakref import WeakKeyDictionary, WeakValueDictionary

import msgspec
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from douane.errors import BadRequest, OverLimit
from douane.settings import Settings
from douane.store.objects import Upload

_FILE_NAME_MAX = 255


class NotJson(BadRequest):
    """A body that says it is JSON and is not."""


async def read_body(request: Request, bytes_max: int, setting: str = "body_bytes_max") -> bytes:
    """The whole body. OverLimit (`setting`) when it is longer than `bytes_max`."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > bytes_max:
        raise _too_large(bytes_max, setting)
    body = bytearray()
    async for chunk in _pieces(request):
        body += chunk
        if len(body) > bytes_max:
            raise _too_large(bytes_max, setting)
    return bytes(body)


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    """The body as it comes in; of a large one the next piece when it is its turn.

    Twenty that come in at once would all be worked on at each round of the event loop, and a page takes a dozen rounds:
    so it is a piece of one of them at every other round, one after the other. What is not asked for stays with its
    sender."""
    free = _LARGE_BYTES
    async for piece in request.stream():
        free -= len(piece)
        if free < 0:
            free = _TURN_BYTES
            async with _turn():
                await asyncio.sleep(0)
        yield piece


def _turn() -> asyncio.Lock:
    """Of the event loop; who has waited longest is next."""
    loop = asyncio.get_running_loop()
    turn = _turns.get(loop)
    if turn is None:
        turn = _turns[loop] = asyncio.Lock()
    return turn


def _too_large(bytes_max: int, setting: str) -> OverLimit:
    return OverLimit(f"The body is larger than {bytes_max} bytes.", setting=setting)


async def read_value(request: Request, settings: Settings, judge: Callable[[Any], Any] | None = None) -> Any:
    """A JSON or form-encoded body as plain data; nothing, and what is neither, counts as `{}`. `judge` refuses what
    holds a NUL, and is asked only where one may be.

    Values are made of a large body in a thread, and of each caller's one at a time (`Lanes`): of millions that is work
    that all other requests would wait for."""
    kind = media_type(request)
    body = await read_body(request, settings.body_bytes_max)
    if len(body) <= _LARGE_BYTES:
        return _value(kind, body, judge)
    await lanes.enter(request)
    return await run_in_threadpool(_value_of_large, kind, body, judge)


def _value_of_large(kind: str, body: bytes, judge: Callable[[Any], Any] | None) -> Any:
    """Nothing of it can be garbage while it is made, and looking for some among so many values holds up everybody for
    twice as long as making them."""
    gc.disable()
    try:
        return _value(kind, body, judge)
    finally:
        gc.enable()


def _value(kind: str, body: bytes, judge: Callable[[Any], Any] | None) -> Any:
    found = _plain(kind, body)
    if judge is not None and any(sign in body for sign in _NUL_SIGNS):
        judge(found)
    return found


def _plain(kind: str, body: bytes) -> Any:
    if kind == "application/x-www-form-urlencoded":
        return dict(form_fields(body))
    if kind != "application/json" or not body.strip():
        return {}
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise NotJson(f"The body is not valid JSON: {error}") from error


class Lanes:
    """One large body at a time of each caller, from when it is here until it is answered: who sends twenty at once
    takes as much of this process as who sends one. While it comes in nobody waits: many people may share a key, and one
    of them have a slow line."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def enter(self, request: Request) -> None:
        """Waits for the caller's turn. Whoever made the request's scope lets go of it (`leave`)."""
        held = request.scope.get(_HELD)
        if held is None or held:
            return
        who = "\0".join(request.headers.get(name, "") for name in _CREDENTIALS)
        lock = self._locks.get(who)
        if lock is None:
            lock = self._locks[who] = asyncio.Lock()
        await lock.acquire()
        held.append(lock)

    @contextmanager
    def around(self, scope: MutableMapping[str, Any]) -> Iterator[None]:
        """What is entered within is left at the end."""
        held: list[asyncio.Lock] = []
        scope[_HELD] = held
        try:
            yield
        finally:
            for lock in held:
                lock.release()


_HELD = "douane.lanes"
_CREDENTIALS = ("accesskey", "cookie", "x-auth-token")
_LARGE_BYTES = 256 << 10
# As much as the server holds of a body before it stops reading: usually one piece.
_TURN_BYTES = 64 << 10
_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
# JSON, a form, and what should be neither.
_NUL_SIGNS = (b"\\u0000", b"%00", b"\0")
lanes = Lanes()


def form_fields(body: bytes) -> list[tuple[str, str]]:
    """The fields of a form-encoded body. BadRequest if it is none."""
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=1000)
    except ValueError as error:
        raise BadRequest("The form cannot be read.") from error


def media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(slots=True)
class Form:
    """A multipart form: `fields` as texts, and what became of its file (`upload` is None without one)."""

    fields: dict[str, Any] = field(default_factory=dict)
    upload: Upload | None = None
    file_name: str = ""
    file_type: str = ""


async def read_form(
    request: Request,
    settings: Settings,
    store: Callable[[Mapping[str, str]], AbstractAsyncContextManager[Upload]],
    stack: AsyncExitStack,
) -> Form:
    """Reads a multipart form; the part named `file` goes straight to what `store` opens, as it comes in. It is
    given the fields that came before the file.

    What is stored is whole once `stack` is left without an error, and leaves nothing behind otherwise. BadRequest for a
    form that is broken or cut off; OverLimit for a file, field or number of fields beyond its setting."""
    declared = request.headers.get("content-length", "")
    slack = settings.fields_max * settings.field_bytes_max
    if declared.isdigit() and int(declared) > settings.upload_bytes_max + slack:
        raise _file_too_large(settings)
    form = Form()
    part: _Part | None = None
    count = 0
    async for event in _events(request):
        if isinstance(event, _Part):
            part = event
            count += 1
            if count > settings.fields_max:
                raise OverLimit(f"The form has more than {settings.fields_max} fields.", setting="fields_max")
            if part.is_file and (part.name != "file" or form.upload is not None):
                raise BadRequest("Unexpected field")
        elif part is not None and event is None:
            if not part.is_file:
                form.fields[part.name] = _text(part.value)
            elif form.upload is None and part.file_name:
                # A file without a byte is a file, too.
                form.upload = await stack.enter_async_context(store(form.fields))
            part = None
        elif part is not None and event is not None:
            if not part.is_file:
                part.value += event
                if len(part.value) > settings.field_bytes_max:
                    raise OverLimit(
                        f"The field is larger than {settings.field_bytes_max} bytes.", setting="field_bytes_max"
                    )
                continue
            if form.upload is None:
                form.upload = await stack.enter_async_context(store(form.fields))
            form.file_name, form.file_type = part.file_name or "file", part.media_type
            if form.upload.size + len(event) > settings.upload_bytes_max:
                raise _file_too_large(settings)
            await form.upload.write(event)
    return form


def _file_too_large(settings: Settings) -> OverLimit:
    return OverLimit(f"The file is larger than {settings.upload_bytes_max} bytes.", setting="upload_bytes_max")


def _text(value: bytearray) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise BadRequest("A field is not valid UTF-8 text.") from error


@dataclass(slots=True)
class _Part:
    name: str
    is_file: bool
    file_name: str
    media_type: str
    value: bytearray


async def _events(request: Request) -> AsyncIterator[_Part | bytes | None]:
    """The form as it arrives: a part begins, some of its bytes, None at its end."""
    _, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary")
    if not boundary:
        raise BadRequest("Multipart: Boundary not found")
    collected = _Collected()
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": collected.begin,
                "on_part_data": collected.data,
                "on_part_end": collected.end,
                "on_header_field": collected.header_field,
                "on_header_value": collected.header_value,
                "on_header_end": collected.header_end,
                "on_headers_finished": collected.headers_finished,
                "on_end": collected.finish,
            },
        )
        async for chunk in _pieces(request):
            if not chunk:
                continue
            parser.write(chunk)
            for event in collected.take():
                yield event
    except FormParserError as error:
        raise BadRequest("The form cannot be read.") from error
    if not collected.finished:
        raise BadRequest("Unexpected end of form")


class _Collected:
    """Turns the parser's callbacks into a list of events per chunk."""

    def __init__(self) -> None:
        self.finished = False
        self._events: list[_Part | bytes | None] = []
        self._headers: dict[str, bytes] = {}
        self._field = b""
        self._value = b""

    def take(self) -> list[_Part | bytes | None]:
        events, self._events = self._events, []
        return events

    def begin(self) -> None:
        self._headers = {}

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        self._headers[self._field.decode("latin-1").lower()] = self._value
        self._field, self._value = b"", b""

    def headers_finished(self) -> None:
        kind, options = parse_options_header(self._headers.get("content-disposition", b""))
        if kind != b"form-data" or b"name" not in options:
            raise FormParserError("A part has no name.")
        name = options[b"name"].decode("utf-8", "replace")
        file_name = options.get(b"filename")
        declared = self._headers.get("content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
        self._events.append(
            _Part(
                name=name,
                is_file=file_name is not None,
                file_name=safe_file_name(file_name.decode("utf-8", "replace")) if file_name else "",
                media_type=declared[:200] if declared.isprintable() else "",
                value=bytearray(),
            )
        )

    def data(self, data: bytes, start: int, end: int) -> None:
        self._events.append(data[start:end])

    def end(self) -> None:
        self._events.append(None)

    def finish(self) -> None:
        self.finished = True


def safe_file_name(name: str) -> str:
    """A name to show and to send in a header: no folders, no control characters, at most 255 characters. It is never
    used as a path."""
    last = PureWindowsPath(PurePosixPath(name).name).name
    shown = "".join(letter for letter in last if letter.isprintable()).strip()
    if len(shown) > _FILE_NAME_MAX:
        shown = shown[: _FILE_NAME_MAX - 16] + shown[-16:]
    return shown or "file"


def attachment(name: str) -> Mapping[str, str]:
    """`Content-Disposition` of a download; the name as the person has it goes in the encoded form (RFC 6266)."""
    plain = "".join(letter if (letter.isascii() and letter.isalnum()) or letter in "-_. " else "_" for letter in name)
    if plain == name and " " not in name:
        return {"Content-Disposition": f"attachment; filename={name}"}
    return {"Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"}


class TemporaryUpload:
    """The part of a form that is only looked into, as a file that goes away with its folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._file: BinaryIO | None = None

    @property
    def sha256(self) -> str:
        raise NotImplementedError("Nobody asks for the hash of what is not kept.")

    async def __aenter__(self) -> Upload:
        self._file = await run_in_threadpool(self.path.open, "wb")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._file is not None
        await run_in_threadpool(self._file.close)

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        assert self._file is not None
        self.size += len(data)
        await run_in_threadpool(self._file.write, data)
