"""Bytes that come from elsewhere: an export fetched from its address, files that messages name, pictures of users.

What was written down is never fetched again by a run that was killed, and is counted once; what failed waits for the
next call (contract 5.7, 5.8). Bytes of files and pictures are named by what they are, so the same file is kept once,
and an attempt that lost its claim writes nothing but what another would.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import stat
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit

import structlog
from msgspec import structs
from sqlalchemy import Connection

from douane import errors
from douane.flow.attempts import Attempt, attempting, run
from douane.flow.chat.fetching import POLL_S, Arriving, Ended, Fetches, Got, Judge, Lanes, Wanted, go_on
from douane.flow.chat.work import limits_of
from douane.flow.house import House
from douane.line import Event, Progress, Sandbox
from douane.line.chat import Body, ChatBodies
from douane.model.chat_import import ChatDetail, Download, chat_detail, kept
from douane.model.operation import Operation
from douane.outbound import Outbound
from douane.store import operations
from douane.store.chat import files as chat_files
from douane.store.chat.files import FileRow, Settled
from douane.store.database import read as reading
from douane.store.database import write

PAGE = 200
AVATARS_PAGE = 50
BODIES = 1000
REASONS_MAX = 20

_UNSAID = "application/octet-stream"
_PAGE_TYPES = frozenset({"text/html", "application/xhtml+xml"})
# What Slack calls posts and canvases, whose address gives a web page (formats 2.9).
_HELD_AS_PAGES = _PAGE_TYPES | {"application/vnd.slack-docs"}
_PAGE_BEGINS = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE)
_NOT_KEPT = "The export that holds it is not kept any more."

log = structlog.get_logger()


# An export from its address


def answered(operation: Operation) -> bool:
    """Whether a caller that waits for a download has its answer: the other server said 2xx, or it is over."""
    if operation.stage != "uploaded" or operation.work != "chat_download":
        return True
    download = chat_detail(operation).download
    return download is not None and download.answered


def server_file(house: House, path: str) -> Path | None:
    """The regular file that `path` leads to, links followed, if it is in one of `chat_server_folders`; else None, be it
    missing or not allowed."""
    folders = [Path(folder.strip()) for folder in house.settings.chat_server_folders.split(",") if folder.strip()]
    try:
        found = Path(path)
        if not folders or not found.is_absolute():
            return None
        found = found.resolve(strict=True)
        inside = any(found.is_relative_to(folder.resolve()) for folder in folders if folder.is_absolute())
        return found if inside and found.is_file() else None
    except (OSError, ValueError, RuntimeError):
        return None


def download(house: House, operation_id: str) -> bool:
    """`chat_download`: the address in `ChatDetail.download`, or a path of this server, becomes the operation's
    source. A killed one begins anew. Fails with `outbound_refused`, or with `outbound_status` and the sentence of
    contract 3.2."""
    with attempting(house, operation_id, "chat_download") as attempt:
        if attempt is not None:
            _download(attempt)
    return False


def _download(attempt: Attempt) -> None:
    house, held = attempt.house, attempt.held
    download = chat_detail(held).download
    address = "" if download is None else download.url
    arriving = Arriving(attempt.scratch / "source")

    def fetch(fetches: Fetches) -> None:
        if address.startswith("/"):
            _copy(house, address, arriving, fetches)
        else:
            arriving.receive(Outbound(house.settings), address, "upload_bytes_max", fetches)

    with Fetches() as fetches:
        fetches.start(None, fetch)
        told = False
        while True:
            ended = [result for _, result in fetches.wait(POLL_S if told else POLL_S / 10)]
            go_on(attempt)
            if arriving.answered and not told:
                told = True
                with write(house.engine) as connection:
                    operations.hold(connection, held)
                    with operations.changing(connection, held.id, ChatDetail) as detail:
                        detail.download = Download(address, answered=True)
            if ended:
                break
            done, total = arriving.size_bytes, arriving.declared_bytes
            attempt.progress(Progress(step="downloading", done=done, total=total, unit="bytes", rows=0))
    if isinstance(ended[0], errors.UnexpectedStatus):
        raise errors.DouaneError(f"Unexpected response status {ended[0].status}", code=ended[0].code)
    if ended[0] is not None:
        raise ended[0]
    name = attempt.store("source", "source", attempt.scratch)
    with write(house.engine) as connection:
        now = operations.fenced(connection, held)
        operations.release(
            connection,
            now.id,
            source_object=name,
            source_size=arriving.size_bytes,
            source_sha256=arriving.sha256,
            media_type=arriving.media_type,
            progress={},
            # The address may hold a token, and is needed no more.
            detail=kept(structs.replace(chat_detail(now), download=None)),
        )
    attempt.done = True


def _copy(house: House, path: str, arriving: Arriving, fetches: Fetches) -> None:
    found = server_file(house, path)
    if found is None:
        raise errors.BadFile("The file is not there, or not in a folder that chat_server_folders names.")
    bytes_max = house.settings.upload_bytes_max
    descriptor = os.open(found, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as source:
        # What was opened is what was judged: a folder on the way may have become a link meanwhile.
        again, opened = server_file(house, path), os.fstat(descriptor)
        if again is None or not os.path.samestat(opened, again.stat()) or not stat.S_ISREG(opened.st_mode):
            raise errors.BadFile("The file was changed while it was opened.")

        def blocks() -> Iterator[bytes]:
            left = bytes_max
            while block := source.read(1 << 20):
                left -= len(block)
                if left < 0:
                    raise errors.OverLimit(f"The file is larger than {bytes_max} bytes.", setting="upload_bytes_max")
                yield block

        arriving.declared_bytes, arriving.answered = opened.st_size, True
        arriving.take(blocks(), fetches)


# Files that messages name


def fetch_files(house: House, operation_id: str) -> bool:
    """`chat_files`: all pending files of the project, from the exports that hold them and from their addresses."""
    with attempting(house, operation_id, "chat_files") as attempt:
        if attempt is None:
            return False
        _take_bodies(attempt)
        if not _fetch_files(attempt):
            return True
        _complete(attempt)
    return False


def _take_bodies(attempt: Attempt) -> None:
    """What exports hold themselves. Gets no turns: a tar is read from its beginning each time."""
    house, project_id = attempt.house, attempt.held.project_id
    while True:
        with reading(house.engine) as connection:
            rows = chat_files.with_body(connection, project_id, BODIES)
            if not rows:
                return
            source = operations.get(connection, rows[0].operation_id, project_id).source_object
        try:
            if source is None:
                raise errors.NotFound(_NOT_KEPT)
            linked = house.objects.link_into(source, attempt.seat.inputs)
        except errors.NotFound:
            _not_in_export(attempt, rows, _NOT_KEPT)
        else:
            attempt.ends_at = float("inf")
            _take_bodies_of(attempt, linked, rows)
            attempt.leave_seat()


def _take_bodies_of(attempt: Attempt, source: Path, rows: Sequence[FileRow]) -> None:
    house = attempt.house
    waiting: dict[int, list[FileRow]] = {}
    for row in rows:
        assert row.body_entry is not None
        waiting.setdefault(row.body_entry, []).append(row)

    def event(event: Event) -> None:
        if isinstance(event, Sandbox):
            log.warning("child.sandbox", missing=event.missing)
        if not isinstance(event, Body):
            return
        found, path = waiting.pop(event.entry, []), event.path
        if path is None:
            _not_in_export(attempt, found, event.message)
            return
        with path.open("rb") as file:
            # Not the child's word for it: the name says that the bytes are the same as another's.
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        size = path.stat().st_size
        name = _keep(house, attempt.held.project_id, "files", path, size, sha256)
        _settle(attempt, [Settled(row.id, 1, name, size, row.media_type or _UNSAID) for row in found])

    spec = ChatBodies(
        source=source,
        entries=tuple(waiting),
        bytes_max=house.settings.chat_file_bytes_max,
        limits=limits_of(house.settings),
    )
    reason = "The export does not hold it."
    try:
        run(attempt, spec, event)
    except errors.BadFile as error:
        reason = error.message
    _not_in_export(attempt, [row for found in waiting.values() for row in found], reason)


def _not_in_export(attempt: Attempt, rows: Sequence[FileRow], reason: str) -> None:
    """The address of a file is the second choice."""
    addressed = [row.id for row in rows if _is_web(row.url or "")]
    if addressed:
        with write(attempt.house.engine) as connection:
            operations.hold(connection, attempt.held)
            chat_files.without_body(connection, attempt.held.project_id, addressed)
    _settle(attempt, [Settled(row.id, 1, error=reason) for row in rows if not _is_web(row.url or "")])


def _fetch_files(attempt: Attempt) -> bool:
    """False when the turn was over before all had ended."""
    house, project_id = attempt.house, attempt.held.project_id
    attempt.ends_at = time.monotonic() + house.settings.turn_s
    door = Outbound(house.settings)
    after = ""

    def more() -> list[Wanted]:
        nonlocal after
        with reading(house.engine) as connection:
            rows = chat_files.with_url(connection, project_id, after, PAGE)
        if rows:
            after = rows[-1].id
        return [wanted(row, row.url or "") for row in rows]

    def wanted(row: FileRow, url: str) -> Wanted:
        return Wanted(row, url, lambda fetches: _receive(attempt, door, url, "file", _no_page_for(row), fetches))

    def settled(one: Ended) -> Settled:
        row: FileRow = one.wanted.row
        if one.got is None:
            return Settled(row.id, one.wanted.tries, error=one.error)
        said = one.got.media_type
        kind = row.media_type if said == _UNSAID and row.media_type else said
        return Settled(row.id, one.wanted.tries, one.got.object, one.got.size_bytes, kind)

    return Lanes(attempt).run(more, lambda ended: _settle(attempt, [settled(one) for one in ended]))


def _no_page_for(row: FileRow) -> Judge:
    """Refuses a web page where the export speaks of something else: services answer a dead link with a page to sign in,
    and status 200."""
    expected = (row.media_type or "").partition(";")[0].strip().lower()
    a_page = expected in _HELD_AS_PAGES or (not expected and row.name.lower().endswith((".html", ".htm")))

    def judge(said: str, begins: bytes) -> str:
        # The text of a page is a text too: there only the server's word counts.
        looks = said in _PAGE_TYPES or (not expected.startswith("text/") and _PAGE_BEGINS.match(begins))
        if looks and not a_page:
            raise errors.Unreachable(f"{_host(row.url)} answers with a web page instead of the file.", again=False)
        return said

    return judge


def _settle(attempt: Attempt, settled: Sequence[Settled]) -> None:
    if not settled:
        return
    with write(attempt.house.engine) as connection:
        now = operations.fenced(connection, attempt.held)
        chat_files.settle(connection, now.project_id, settled)
        reasons = [one.error for one in settled if one.error is not None]
        _count(connection, now, len(settled) - len(reasons), reasons)


# Pictures of users


def fetch_avatars(house: House, operation_id: str) -> bool:
    """`chat_avatars`: the pictures of all users that wait for one."""
    with attempting(house, operation_id, "chat_avatars") as attempt:
        if attempt is None:
            return False
        if not _fetch_avatars(attempt):
            return True
        _complete(attempt)
    return False


def _fetch_avatars(attempt: Attempt) -> bool:
    """Page by page: users whose picture failed keep their mark, so only the end of a page can say which were tried.
    False when the turn was over before the last page."""
    house, project_id = attempt.house, attempt.held.project_id
    turn_ends_at, attempt.ends_at = attempt.ends_at, float("inf")
    door, lanes = Outbound(house.settings), Lanes(attempt)
    after = chat_detail(attempt.held).after
    while True:
        with reading(house.engine) as connection:
            rows = chat_files.avatars(connection, project_id, after, AVATARS_PAGE)
        if not rows:
            return True
        if time.monotonic() > turn_ends_at:
            return False
        failed: list[str] = []
        page = [_wanted_avatar(attempt, door, row.user_id, row.url) for row in rows]
        lanes.run(_once(page), lambda ended, failed=failed: _keep_avatars(attempt, ended, failed))  # type: ignore[misc]
        after = rows[-1].user_id
        with write(house.engine) as connection:
            operations.hold(connection, attempt.held)
            with operations.changing(connection, attempt.held.id, ChatDetail) as detail:
                detail.after = after
            _count(connection, operations.get(connection, attempt.held.id), 0, failed)


def _once(page: list[Wanted]) -> Callable[[], list[Wanted]]:
    pages = iter([page])
    return lambda: next(pages, [])


def _wanted_avatar(attempt: Attempt, door: Outbound, user_id: str, url: str) -> Wanted:
    if url[:5].lower() == "data:":
        return Wanted((user_id, url), "", lambda fetches: _decode(attempt, url))
    return Wanted((user_id, url), url, lambda fetches: _receive(attempt, door, url, "avatar", _picture, fetches))


def _keep_avatars(attempt: Attempt, ended: Sequence[Ended], failed: list[str]) -> None:
    failed += [one.error for one in ended if one.got is None]
    got = [(one.wanted.row, one.got) for one in ended if one.got is not None]
    if not got:
        return
    with write(attempt.house.engine) as connection:
        now = operations.fenced(connection, attempt.held)
        for (user_id, url), picture in got:
            chat_files.set_avatar(connection, now.project_id, user_id, url, picture.object, picture.media_type)
        _count(connection, now, len(got), [])


def _picture(said: str, begins: bytes) -> str:
    """The type of a picture by its first bytes, whatever it is called."""
    if begins.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if begins.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if begins.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if begins[:4] == b"RIFF" and begins[8:12] == b"WEBP":
        return "image/webp"
    raise errors.Unreachable("What came is no PNG, JPEG, GIF or WebP picture.", again=False)


def _decode(attempt: Attempt, uri: str) -> Got:
    """Keeps the picture of a `data:` URI (RFC 2397)."""
    bytes_max = attempt.house.settings.chat_avatar_bytes_max
    head, comma, body = uri[5:].partition(",")
    malformed = errors.Unreachable("The data: address of the picture is not well formed.", again=False)
    if not comma:
        raise malformed
    data = unquote_to_bytes(body)
    if head.lower().replace(" ", "").endswith(";base64"):
        text = data.translate(bytes.maketrans(b"-_", b"+/"), b" \t\r\n").rstrip(b"=")
        try:
            data = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
        except binascii.Error:
            raise malformed from None
    if len(data) > bytes_max:
        raise errors.OverLimit(f"The picture has more than {bytes_max} bytes.", setting="chat_avatar_bytes_max")
    kind = _picture("", data[:512])
    sha256 = hashlib.sha256(data).hexdigest()
    path = attempt.scratch / f"data-{sha256}"
    path.write_bytes(data)
    return Got(_keep(attempt.house, attempt.held.project_id, "avatars", path, len(data), sha256), len(data), kind)


# Giving back


def body(house: House, project_id: str, file_id: str) -> tuple[Iterator[bytes], str, str]:
    """(bytes, media type, name as the export has it) of a fetched file: a stranger's, to be served as a download and
    never shown in a page. NotFound where there is none."""
    with reading(house.engine) as connection:
        row = chat_files.get(connection, project_id, file_id)
    if row.object is None:
        raise errors.NotFound("That file has not been fetched.")
    return house.objects.stream(row.object), row.media_type or _UNSAID, row.name


def avatar(house: House, project_id: str, user_id: str) -> tuple[Iterator[bytes], str]:
    """(bytes, image type) of a fetched picture. NotFound where there is none."""
    with reading(house.engine) as connection:
        name, media_type = chat_files.avatar(connection, project_id, user_id)
    return house.objects.stream(name), media_type


# What they share


def _receive(attempt: Attempt, door: Outbound, url: str, kind: str, judge: Judge, fetches: Fetches) -> Got:
    """Fetches one file ("file" or "avatar") and keeps it."""
    arriving = Arriving(attempt.scratch / f"{kind}-{os.urandom(8).hex()}")
    try:
        arriving.receive(door, url, f"chat_{kind}_bytes_max", fetches, judge)
        fetches.go_on()
        size, sha256 = arriving.size_bytes, arriving.sha256
        name = _keep(attempt.house, attempt.held.project_id, f"{kind}s", arriving.path, size, sha256)
        return Got(name, size, arriving.media_type)
    finally:
        arriving.path.unlink(missing_ok=True)


def _keep(house: House, project_id: str, kind: str, path: Path, size_bytes: int, sha256: str) -> str:
    """Moves a file into the store under the name that its bytes give it; the object's name."""
    name = f"chat/{project_id}/{kind}/{sha256}"
    try:
        known = house.objects.size(name) == size_bytes
    except errors.NotFound:
        known = False
    if not known:
        house.objects.put_file(name, path)
    path.unlink()
    return name


def _count(connection: Connection, now: Operation, fetched: int, reasons: Sequence[str]) -> None:
    """Adds to what the run did so far, in the transaction that writes it down."""
    detail = chat_detail(now)
    before = detail.done or {}
    imported, failed = before.get("imported", 0) + fetched, before.get("failed", 0) + len(reasons)
    said = Counter(detail.reasons)
    for reason in reasons:
        if reason in said or len(said) < REASONS_MAX:
            said[reason] += 1
    detail.done = {**before, "imported": imported, "failed": failed}
    detail.reasons = dict(said)
    total = detail.counts.get("total", 0)
    operations.change(
        connection,
        now.id,
        # It came forward: only attempts that do not are counted.
        tries=1,
        detail=kept(detail),
        progress={
            "step": "files",
            "done": imported + failed,
            "total": max(total, imported + failed),
            "unit": "files",
            "rows": 0,
        },
    )


def _complete(attempt: Attempt) -> None:
    with write(attempt.house.engine) as connection:
        now = operations.fenced(connection, attempt.held)
        operations.finish(connection, now.id, "completed", progress={})
    attempt.done = True


def _is_web(address: str) -> bool:
    return address[:8].lower().startswith(("http://", "https://"))


def _host(url: str | None) -> str:
    try:
        return urlsplit(url or "").hostname or "The server"
    except ValueError:
        return "The server"


HANDLERS: dict[str, Callable[[House, str], bool]] = {
    "chat_download": download,
    "chat_files": fetch_files,
    "chat_avatars": fetch_avatars,
}
