"""A client of Douane's `/v1` in one file: copy it into your project, or `from douane.client import Client`. It needs
httpx.

    with Client("https://douane.example.com", os.environ["DOUANE_KEY"]) as douane:
        upload = douane.upload(template_id, "people.csv")
        for record in douane.records(upload.id, "invalid"):
            print(record.line, record.errors)
        douane.confirm(upload.id)

`Client` is for plain programs, `AsyncClient` has the same methods to be awaited (and `async for`). What only reads is
tried again where that may help; an upload is, too, under an id that it chose, so that it never arrives twice. `pull`
hands over the feed of a template exactly once: see `Bookmark`. Everything raises `Refusal`, whose text is a sentence
for a person.

Long on purpose: it is one file, so that it can be copied.
"""

from __future__ import annotations

import asyncio
import inspect
import io
import json
import secrets
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar

import httpx

TRIES = 5
_PAUSE_S, _PAUSE_MAX_S = 0.4, 20.0
_SETTLED = ("Reviewing", "Confirmed", "Processing", "Completed", "Terminated")
FORMS = {
    "csv": "text/csv",
    "ndjson": "application/x-ndjson",
    "arrow": "application/vnd.apache.arrow.stream",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

T = TypeVar("T")
Cell = tuple[int, str, str]  # index of the record, column's key, new text


class Refusal(Exception):
    """The server said no, or nothing. `status` is 0 where no answer came; `body` the answer, where it was JSON."""

    def __init__(self, message: str, status: int, body: Any = None, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.status, self.body, self.retry_after_s = status, body, retry_after_s

    @property
    def passing(self) -> bool:
        """Whether the same call may succeed later."""
        return self.status in (0, 408, 429) or self.status >= 500


@dataclass(frozen=True)
class Upload:
    """One import. `document` is all that the server says of it."""

    id: str
    status: str
    total: int
    valid: int
    invalid: int
    headings: list[str]
    notes: list[str]
    document: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Record:
    """One row in review: `record` by column key, `errors` column key -> sentence, `line` in the file."""

    index: int
    line: int
    valid: bool
    record: dict[str, Any]
    errors: dict[str, str]


@dataclass(frozen=True)
class Batch:
    """Rows of a feed, all of one `upload`. `rows`: (index in the upload, record). `forgotten`: indexes of rows whose
    content is gone for good; `upload_forgotten`: all rows of the upload are. `cursor` is the place after them; `behind`
    rows wait after it."""

    upload: str
    rows: list[tuple[int, dict[str, Any]]]
    forgotten: list[int]
    upload_forgotten: bool
    cursor: str
    behind: int

    @property
    def records(self) -> list[dict[str, Any]]:
        return [record for _, record in self.rows]


class Bookmark(Protocol):
    """Where a feed was read to, kept with the rows: `keep` stores the batch and `batch.cursor` in ONE transaction. Then
    every row is there once, whenever the program is killed. `SqlBookmark` is one for a database."""

    def cursor(self) -> str | None:
        """The cursor kept last; None at first."""

    def keep(self, batch: Batch) -> None: ...


class AsyncBookmark(Protocol):
    async def cursor(self) -> str | None: ...
    async def keep(self, batch: Batch) -> None: ...


async def _waited(given: T | Awaitable[T]) -> T:
    return await given if inspect.isawaitable(given) else given


class Overtaken(Exception):
    """Another program reads under the same bookmark and was faster; nothing was kept. Run one at a time."""


class SqlBookmark:
    """A bookmark in the database that the rows go to: any DB-API connection (sqlite3, psycopg, ...) that is not in
    autocommit. `write(cursor, batch)` puts the rows in by the DB-API cursor it gets, and must not commit."""

    def __init__(
        self, connection: Any, name: str, write: Callable[[Any, Batch], object], table: str = "douane_bookmark"
    ) -> None:
        self._connection, self._name, self._write, self._table = connection, name, write, table
        module = sys.modules.get(type(connection).__module__.partition(".")[0])
        self._mark = "?" if getattr(module, "paramstyle", "qmark") == "qmark" else "%s"
        cursor = connection.cursor()
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {table} (name VARCHAR(200) PRIMARY KEY, place VARCHAR(200))")
        connection.commit()

    def cursor(self) -> str | None:
        cursor = self._connection.cursor()
        cursor.execute(f"SELECT place FROM {self._table} WHERE name = {self._mark}", (self._name,))
        row = cursor.fetchone()
        self._connection.rollback()
        self._seen: str | None = None if row is None else str(row[0])
        return self._seen

    def keep(self, batch: Batch) -> None:
        cursor, mark = self._connection.cursor(), self._mark
        try:
            # First of all: another one that reads along waits here, and finds that the place has moved.
            if self._seen is None:
                cursor.execute(f"INSERT INTO {self._table} (name, place) VALUES ({mark}, {mark})", (self._name, ""))
            cursor.execute(
                f"UPDATE {self._table} SET place = {mark} WHERE name = {mark} AND place = {mark}",
                (batch.cursor, self._name, self._seen or ""),
            )
            if cursor.rowcount != 1:
                raise Overtaken(f"Another program reads under the bookmark {self._name!r}.")
            self._write(cursor, batch)
            self._connection.commit()
        except BaseException:
            self._connection.rollback()
            raise
        self._seen = batch.cursor


# One way for both: a step says what to send and is sent the answer; who drives it does the waiting.


@dataclass
class _Ask:
    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    json: Any = None
    data: Mapping[str, str] | None = None
    file: tuple[str, IO[bytes]] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    again: bool = True  # whether sending it twice does no harm
    wait_s: float = 0.0  # how long the server may take beside the time limit


@dataclass
class _Pause:
    seconds: float


_Steps = Generator[_Ask | _Pause, Any, T]


class _Calls:
    """What both clients do, step by step."""

    def __init__(self, decimal: bool) -> None:
        self._decimal = decimal

    def loads(self, data: bytes | str) -> Any:
        return json.loads(data, parse_float=Decimal) if self._decimal else json.loads(data)

    def upload(
        self,
        template_id: str,
        file: str | Path | IO[bytes] | bytes,
        name: str | None,
        auto: bool,
        fields: Mapping[str, str],
    ) -> _Steps[Upload]:
        stream = _opened(file)
        name = name or Path(str(getattr(stream, "name", "file.csv"))).name
        upload_id = f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(6)}"
        start = stream.tell() if stream.seekable() else None
        try:
            return (yield from self._sent(template_id, name, stream, start, upload_id, auto, fields))
        finally:
            if stream is not file:
                stream.close()

    def _sent(
        self,
        template_id: str,
        name: str,
        stream: IO[bytes],
        start: int | None,
        upload_id: str,
        auto: bool,
        fields: Mapping[str, str],
    ) -> _Steps[Upload]:
        data = {**fields, "importId": upload_id}
        query = {"auto": "true"} if auto else {}
        for left in reversed(range(TRIES)):
            try:
                ask = _Ask("POST", f"/v1/upload/{template_id}", query, data=data, file=(name, stream), again=False)
                ask.wait_s = 3600.0
                return _upload_of(self.loads((yield ask).content))
            except Refusal as error:
                if not error.passing or left == 0:
                    raise
                found = yield from self._arrived(upload_id, auto)
                if found is not None:
                    return found
                if start is None:
                    raise
                yield _Pause(error.retry_after_s or _PAUSE_S * 2 ** (TRIES - 1 - left))
                stream.seek(start)
        raise AssertionError

    def _arrived(self, upload_id: str, auto: bool) -> _Steps[Upload | None]:
        """The upload whose answer was lost, once it is as far as the answer would have said; None: it never came."""
        while True:
            try:
                found = yield from self.find(upload_id)
            except Refusal as error:
                if error.status == 404:
                    return None
                raise
            if found.document.get("failure"):
                raise Refusal(str(found.document["failure"].get("message")), 400, found.document)
            if found.status in _SETTLED or (not auto and found.headings):
                return found
            yield _Pause(1.0)

    def find(self, upload_id: str) -> _Steps[Upload]:
        return _upload_of(self.loads((yield _Ask("GET", f"/v1/upload/{upload_id}")).content))

    def review(self, upload_id: str) -> _Steps[Upload]:
        yield _Ask("POST", f"/v1/review/{upload_id}", wait_s=3600.0)
        return (yield from self.find(upload_id))

    def page(self, upload_id: str, view: str, page: int, limit: int) -> _Steps[list[Record]]:
        query = {"type": view, "page": page, "limit": limit, "lines": "true"}
        answer = self.loads((yield _Ask("GET", f"/v1/review/{upload_id}", query)).content)
        return [
            Record(one["index"], one["line"], one["isValid"], one["record"], one.get("errors") or {})
            for one in answer["data"]
        ]

    def change(self, upload_id: str, cells: Iterable[Cell]) -> _Steps[int]:
        body = {"cells": [{"index": index, "column": key, "value": text} for index, key, text in cells]}
        answer = self.loads((yield _Ask("POST", f"/v1/review/{upload_id}/cells", json=body)).content)
        return int(answer["revision"])

    def confirm(self, upload_id: str) -> _Steps[Upload]:
        try:
            answer = yield _Ask("POST", f"/v1/review/{upload_id}/confirm", json={}, again=False, wait_s=3600.0)
            return _upload_of(self.loads(answer.content)["uploadInfo"])
        except Refusal as error:
            # Said before, perhaps by us: the answer was lost.
            if error.status != 400 and not error.passing:
                raise
            found = yield from self.find(upload_id)
            if found.status not in ("Confirmed", "Processing", "Completed"):
                raise
            return found

    def fetch(
        self, template_id: str, cursor: str | None, consumer: str | None, limit: int | None, wait_s: float
    ) -> _Steps[Batch | None]:
        given = {"cursor": cursor, "consumer": consumer, "limit": limit, "wait": wait_s or None}
        query = {name: value for name, value in given.items() if value is not None}
        headers = {"Accept": FORMS["ndjson"]}
        answer = yield _Ask("GET", f"/v1/template/{template_id}/feed", query, headers=headers, wait_s=wait_s)
        if answer.status_code == 204:
            return None
        rows: list[tuple[int, dict[str, Any]]] = []
        forgotten: list[int] = []
        whole = False
        for line in answer.content.splitlines():
            record = self.loads(line)
            names = list(record)
            # Ours come first, whatever a file's own headings are called.
            row = record.pop(names[1])
            del record[names[0]]
            if names[1].endswith("_forgotten"):
                whole = True
            elif len(names) == 3 and names[2].endswith("_forgotten") and record[names[2]] is True:
                forgotten.append(row)
            else:
                rows.append((row, record))
        said = answer.headers
        return Batch(said["Douane-Upload"], rows, forgotten, whole, said["Douane-Cursor"], int(said["Douane-Behind"]))

    def ack(self, template_id: str, consumer: str, cursor: str) -> _Steps[dict[str, Any]]:
        body = {"consumer": consumer, "cursor": cursor}
        answer: dict[str, Any] = self.loads(
            (yield _Ask("POST", f"/v1/template/{template_id}/feed/ack", json=body)).content
        )
        return answer


def _upload_of(document: dict[str, Any]) -> Upload:
    return Upload(
        document["_id"],
        document["status"],
        document["totalRecords"],
        document["validRecords"],
        document["invalidRecords"],
        document.get("headings") or [],
        document.get("notes") or [],
        document,
    )


def _opened(file: str | Path | IO[bytes] | bytes) -> IO[bytes]:
    if isinstance(file, bytes):
        return io.BytesIO(file)
    return Path(file).open("rb") if isinstance(file, str | Path) else file


def _refusal(status: int, content: bytes, retry_after: str | None) -> Refusal:
    try:
        body = json.loads(content)
    except ValueError:
        body = None
    said = body.get("message") if isinstance(body, dict) else None
    message = ". ".join(map(str, said)) if isinstance(said, list) else str(said or f"The server answered {status}.")
    after = float(retry_after) if retry_after and retry_after.isdigit() else None
    return Refusal(message, status, body, after)


def _no_answer(error: httpx.TransportError) -> Refusal:
    return Refusal(f"The server does not answer: {error or type(error).__name__}", 0)


class _Lines:
    """The lines of pieces: at line feeds alone, for other separators of lines may stand within a text of JSON."""

    def __init__(self) -> None:
        self._rest = b""

    def of(self, piece: bytes) -> list[bytes]:
        *whole, self._rest = (self._rest + piece).split(b"\n")
        return whole


class _Base:
    def __init__(
        self, address: str, key: str, *, timeout_s: float = 60.0, tries: int = TRIES, decimal: bool = False
    ) -> None:
        """`key`: the project's access key. `decimal`: numbers that are no whole ones as exact `Decimal`, else float."""
        self._address = address.rstrip("/")
        self._headers = {"accesskey": key, "Accept": "application/json"}
        self._timeout_s, self._tries = timeout_s, tries
        self._calls = _Calls(decimal)

    def _request(self, ask: _Ask) -> dict[str, Any]:
        given: dict[str, Any] = {"params": dict(ask.query), "headers": {**self._headers, **ask.headers}}
        if ask.json is not None:
            given["json"] = ask.json
        if ask.file is not None:
            given["files"] = {"file": ask.file}
            given["data"] = dict(ask.data or {})
        given["timeout"] = httpx.Timeout(self._timeout_s, read=self._timeout_s + ask.wait_s)
        return given

    def _failed(self, ask: _Ask, error: Refusal, tried: int) -> float:
        """How long to wait before the same call is made again; raises where that is of no use."""
        if not ask.again or not error.passing or tried >= self._tries:
            raise error
        return min(_PAUSE_MAX_S, error.retry_after_s or _PAUSE_S * 2 ** (tried - 1))


class Client(_Base):
    """For plain programs; close it, or use it in a `with` block. One thread at a time."""

    def __init__(
        self,
        address: str,
        key: str,
        *,
        timeout_s: float = 60.0,
        tries: int = TRIES,
        decimal: bool = False,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        super().__init__(address, key, timeout_s=timeout_s, tries=tries, decimal=decimal)
        self._http = httpx.Client(base_url=self._address, transport=transport)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def upload(
        self,
        template_id: str,
        file: str | Path | IO[bytes] | bytes,
        *,
        name: str | None = None,
        auto: bool = True,
        **fields: str,
    ) -> Upload:
        """Sends a file. `auto`: mapped by its headings and checked when this returns; else only read. `fields`: those
        of `POST /v1/upload` (`extra`, `schema`, `selectedSheetName`, `encoding`, ...)."""
        return self._run(self._calls.upload(template_id, file, name, auto, fields))

    def find(self, upload_id: str) -> Upload:
        return self._run(self._calls.find(upload_id))

    def review(self, upload_id: str) -> Upload:
        """Checks again what was changed; returns when that is done."""
        return self._run(self._calls.review(upload_id))

    def records(self, upload_id: str, view: str = "all", *, at_once: int = 1000) -> Iterator[Record]:
        """The rows of an import in review: `all`, `valid` or `invalid` ones."""
        page = 1
        while found := self._run(self._calls.page(upload_id, view, page, at_once)):
            yield from found
            page += 1

    def change(self, upload_id: str, cells: Iterable[Cell]) -> int:
        """New texts for cells, as one revision; its number."""
        return self._run(self._calls.change(upload_id, cells))

    def confirm(self, upload_id: str) -> Upload:
        """Closes the import; returns when its rows can be pulled. Confirming again is no fault."""
        return self._run(self._calls.confirm(upload_id))

    def rows(self, upload_id: str, view: str = "valid") -> Iterator[dict[str, Any]]:
        """All accepted (or `invalid`) rows of a confirmed import, as they come: none is held. Refusal where they end
        too early."""
        lines = _Lines()
        try:
            with self._stream(upload_id, view, "ndjson") as answer:
                for piece in answer.iter_bytes():
                    yield from map(self._calls.loads, lines.of(piece))
        except httpx.TransportError as error:
            raise _no_answer(error) from error

    def save(self, upload_id: str, path: str | Path, form: str = "csv", view: str = "valid") -> None:
        """The rows as a file: csv, ndjson, arrow, parquet or xlsx. It is there whole or not at all."""
        target = Path(path)
        arriving = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            with arriving.open("wb") as file, self._stream(upload_id, view, form) as answer:
                for piece in answer.iter_bytes():
                    file.write(piece)
            arriving.replace(target)
        except httpx.TransportError as error:
            raise _no_answer(error) from error
        finally:
            arriving.unlink(missing_ok=True)

    def fetch(
        self,
        template_id: str,
        cursor: str | None = None,
        *,
        consumer: str | None = None,
        limit: int | None = None,
        wait_s: float = 0.0,
    ) -> Batch | None:
        """The rows of the template's feed after a cursor; None where there are none, even after `wait_s` seconds."""
        return self._run(self._calls.fetch(template_id, cursor, consumer, limit, wait_s))

    def ack(self, template_id: str, consumer: str, cursor: str) -> dict[str, Any]:
        """The consumer has all rows before the cursor."""
        return self._run(self._calls.ack(template_id, consumer, cursor))

    def pull(
        self,
        template_id: str,
        bookmark: Bookmark,
        *,
        limit: int | None = None,
        wait_s: float = 0.0,
        consumer: str | None = None,
    ) -> int:
        """Hands all rows of the feed that the bookmark has not seen to it, batch by batch, each exactly once; how many.
        `wait_s`: goes on until none came for so long. `consumer`: a name under which the server is told how far this
        is, for people who watch."""
        count = 0
        cursor = bookmark.cursor()
        while (batch := self.fetch(template_id, cursor, limit=limit, wait_s=wait_s)) is not None:
            bookmark.keep(batch)
            cursor = batch.cursor
            count += len(batch.rows)
            if consumer is not None:
                self.ack(template_id, consumer, cursor)
        return count

    def _stream(self, upload_id: str, view: str, form: str) -> _Streamed:
        headers = {**self._headers, "Accept": FORMS[form]}
        asked = self._http.build_request(
            "GET", f"/v1/upload/{upload_id}/rows/{view}", headers=headers, timeout=self._timeout_s
        )
        return _Streamed(self._http.send(asked, stream=True))

    def _run(self, steps: _Steps[T]) -> T:
        given: Any = None
        step = steps.send
        while True:
            try:
                asked = step(given)
            except StopIteration as end:
                value: T = end.value
                return value
            given, step = None, steps.send
            if isinstance(asked, _Pause):
                time.sleep(asked.seconds)
                continue
            try:
                given = self._send(asked)
            except Refusal as error:
                given, step = error, steps.throw

    def _send(self, ask: _Ask) -> httpx.Response:
        tried = 0
        while True:
            tried += 1
            try:
                answer = self._http.request(ask.method, ask.path, **self._request(ask))
                if answer.is_success:
                    return answer
                error = _refusal(answer.status_code, answer.content, answer.headers.get("Retry-After"))
            except httpx.TransportError as lost:
                error = _no_answer(lost)
            time.sleep(self._failed(ask, error, tried))


class _Streamed:
    """An answer that is read as it comes; a Refusal where it is none."""

    def __init__(self, answer: httpx.Response) -> None:
        self._answer = answer

    def __enter__(self) -> httpx.Response:
        if not self._answer.is_success:
            try:
                content = self._answer.read()
            finally:
                self._answer.close()
            raise _refusal(self._answer.status_code, content, self._answer.headers.get("Retry-After"))
        return self._answer

    def __exit__(self, *_: object) -> None:
        self._answer.close()


class AsyncClient(_Base):
    """The same, to be awaited; for what each method does see `Client`."""

    def __init__(
        self,
        address: str,
        key: str,
        *,
        timeout_s: float = 60.0,
        tries: int = TRIES,
        decimal: bool = False,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(address, key, timeout_s=timeout_s, tries=tries, decimal=decimal)
        self._http = httpx.AsyncClient(base_url=self._address, transport=transport)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def upload(
        self,
        template_id: str,
        file: str | Path | IO[bytes] | bytes,
        *,
        name: str | None = None,
        auto: bool = True,
        **fields: str,
    ) -> Upload:
        return await self._run(self._calls.upload(template_id, file, name, auto, fields))

    async def find(self, upload_id: str) -> Upload:
        return await self._run(self._calls.find(upload_id))

    async def review(self, upload_id: str) -> Upload:
        return await self._run(self._calls.review(upload_id))

    async def records(self, upload_id: str, view: str = "all", *, at_once: int = 1000) -> AsyncIterator[Record]:
        page = 1
        while found := await self._run(self._calls.page(upload_id, view, page, at_once)):
            for record in found:
                yield record
            page += 1

    async def change(self, upload_id: str, cells: Iterable[Cell]) -> int:
        return await self._run(self._calls.change(upload_id, cells))

    async def confirm(self, upload_id: str) -> Upload:
        return await self._run(self._calls.confirm(upload_id))

    async def rows(self, upload_id: str, view: str = "valid") -> AsyncIterator[dict[str, Any]]:
        lines = _Lines()
        async for piece in self._stream(upload_id, view, "ndjson"):
            for line in lines.of(piece):
                yield self._calls.loads(line)

    async def save(self, upload_id: str, path: str | Path, form: str = "csv", view: str = "valid") -> None:
        target = Path(path)
        arriving = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            with await asyncio.to_thread(arriving.open, "wb") as file:
                async for piece in self._stream(upload_id, view, form):
                    await asyncio.to_thread(file.write, piece)
            arriving.replace(target)
        finally:
            arriving.unlink(missing_ok=True)

    async def _stream(self, upload_id: str, view: str, form: str) -> AsyncIterator[bytes]:
        headers = {**self._headers, "Accept": FORMS[form]}
        path = f"/v1/upload/{upload_id}/rows/{view}"
        try:
            async with self._http.stream("GET", path, headers=headers, timeout=self._timeout_s) as answer:
                if not answer.is_success:
                    content = await answer.aread()
                    raise _refusal(answer.status_code, content, answer.headers.get("Retry-After"))
                async for piece in answer.aiter_bytes():
                    yield piece
        except httpx.TransportError as error:
            raise _no_answer(error) from error

    async def fetch(
        self,
        template_id: str,
        cursor: str | None = None,
        *,
        consumer: str | None = None,
        limit: int | None = None,
        wait_s: float = 0.0,
    ) -> Batch | None:
        return await self._run(self._calls.fetch(template_id, cursor, consumer, limit, wait_s))

    async def ack(self, template_id: str, consumer: str, cursor: str) -> dict[str, Any]:
        return await self._run(self._calls.ack(template_id, consumer, cursor))

    async def pull(
        self,
        template_id: str,
        bookmark: AsyncBookmark | Bookmark,
        *,
        limit: int | None = None,
        wait_s: float = 0.0,
        consumer: str | None = None,
    ) -> int:
        """A bookmark that is not asynchronous, as `SqlBookmark`, is called in the thread of the event loop."""
        count = 0
        cursor = await _waited(bookmark.cursor())
        while (batch := await self.fetch(template_id, cursor, limit=limit, wait_s=wait_s)) is not None:
            await _waited(bookmark.keep(batch))
            cursor = batch.cursor
            count += len(batch.rows)
            if consumer is not None:
                await self.ack(template_id, consumer, cursor)
        return count

    async def _run(self, steps: _Steps[T]) -> T:
        given: Any = None
        step = steps.send
        while True:
            try:
                asked = step(given)
            except StopIteration as end:
                value: T = end.value
                return value
            given, step = None, steps.send
            if isinstance(asked, _Pause):
                await asyncio.sleep(asked.seconds)
                continue
            try:
                given = await self._send(asked)
            except Refusal as error:
                given, step = error, steps.throw

    async def _send(self, ask: _Ask) -> httpx.Response:
        tried = 0
        while True:
            tried += 1
            try:
                answer = await self._http.request(ask.method, ask.path, **self._request(ask))
                if answer.is_success:
                    return answer
                error = _refusal(answer.status_code, answer.content, answer.headers.get("Retry-After"))
            except httpx.TransportError as lost:
                error = _no_answer(lost)
            await asyncio.sleep(self._failed(ask, error, tried))
