"""What is fetched from elsewhere, here a small server on this machine; with the handlers in this process."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import threading
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from douane import errors
from douane.flow import attempts
from douane.flow.chat import fetching, files, imports
from douane.flow.chat.imports import NewChat
from douane.flow.house import House
from douane.flow.imports import StoredSource
from douane.jobs import children
from douane.model.operation import Operation
from douane.store import operations, people, projects
from douane.store.database import database_now, read, write
from douane.store.ids import new_id
from douane.store.schema import chat_file, chat_user

# Where the storage makes no difference, once is enough.
once = pytest.mark.parametrize("storage", ["sqlite"], indirect=True)

PNG = b"\x89PNG\r\n\x1a\n" + b"picture" * 20
TOKEN = "xoxe-secret"

Reply = tuple[int, dict[str, str], bytes]


@dataclass
class Server:
    """`replies`: path -> what it answers, each in turn and the last one for ever; `asked` counts."""

    address: str
    replies: dict[str, list[Reply]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    seen: Callable[[str], None] = lambda path: None

    def put(self, path: str, *replies: Reply | bytes) -> str:
        """The path's address, with a token."""
        self.replies[path] = [(200, {}, one) if isinstance(one, bytes) else one for one in replies]
        return f"{self.address}{path}?t={TOKEN}"


@pytest.fixture
def server() -> Iterator[Server]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            served.seen(path)
            with lock:
                served.asked[path] += 1
                waiting = served.replies.get(path, [(404, {}, b"")])
                status, headers, body = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            self.send_response(status)
            for name, value in ({"Content-Type": "image/png", "Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    served = Server(f"http://127.0.0.1:{running.server_address[1]}")
    threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
    yield served
    running.shutdown()
    running.server_close()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "BACK_OFF_S", 0.01)


def changed(house: House, **settings: Any) -> House:
    return replace(house, settings=house.settings.model_copy(update=settings))


@pytest.fixture
def project_id(house: House) -> str:
    with write(house.engine) as connection:
        person = people.add(
            connection, email="a@example.com", username="a", first_name="A", last_name="B", password_hash="x"
        )
        return projects.add(connection, name="Project", owner_id=person.id).id


@pytest.fixture
def near(house: House) -> House:
    """The house that may open addresses of this machine."""
    return changed(house, outbound_allow="127.0.0.1")


def now(house: House, operation: Operation) -> Operation:
    return imports.get(house, operation.id, operation.project_id)


def bytes_of(chunks: Iterator[bytes]) -> bytes:
    return b"".join(chunks)


# An export from its address


@pytest.fixture
def fetched(near: House, project_id: str) -> Callable[..., Operation]:
    def fetched(url: str, house: House = near) -> Operation:
        operation = imports.begin_download(house, NewChat(project_id, None, "slack"), url)
        assert (operation.work, files.answered(operation)) == ("chat_download", False)
        assert not files.download(house, operation.id)
        operation = now(house, operation)
        assert files.answered(operation)
        return operation

    return fetched


def test_an_export_is_fetched(near: House, server: Server, fetched: Callable[..., Operation]) -> None:
    data = zipped({"users.json": b"[]"}) * 1000
    target = server.put("/real", (200, {"Content-Type": "application/zip"}, data))
    operation = fetched(server.put("/export.zip", (302, {"Location": target}, b"")))
    assert (operation.stage, operation.work, operation.work_error) == ("uploaded", "", None)
    assert operation.source_object is not None
    assert operation.source_object.startswith(f"{operation.id}/")
    assert (operation.source_size, operation.media_type) == (len(data), "application/zip")
    assert near.objects.read_all(operation.source_object) == data
    assert TOKEN not in str(operation.detail)


@once
def test_what_keeps_an_export_from_being_fetched(
    house: House, near: House, server: Server, fetched: Callable[..., Operation]
) -> None:
    refused = fetched(server.put("/private", b"x"), house)
    assert (refused.stage, refused.work_error and refused.work_error[0]) == ("failed", "outbound_refused")
    assert server.asked["/private"] == 0
    hidden = fetched(server.put("/hidden", (302, {"Location": "http://127.0.0.2/"}, b"")))
    assert hidden.work_error
    assert hidden.work_error[0] == "outbound_refused"
    missing = fetched(f"{server.address}/missing?t={TOKEN}")
    assert (missing.stage, missing.work_error) == ("failed", ("outbound_status", "Unexpected response status 404"))
    over = fetched(server.put("/long", b"x" * 1001), changed(near, upload_bytes_max=1000))
    assert over.work_error
    assert over.work_error[0] == "over_limit"
    assert "upload_bytes_max" in over.work_error[1]
    at = fetched(server.put("/at", b"x" * 1000), changed(near, upload_bytes_max=1000))
    assert at.source_size == 1000
    broken = fetched(server.put("/broken", (200, {"Content-Length": "99999"}, b"x")))
    assert (broken.stage, broken.work_error and broken.work_error[0]) == ("failed", "outbound_unreachable")
    for operation in (refused, hidden, missing, over, broken):
        assert TOKEN not in str(operation.work_error)
        assert operation.source_object is None


@once
def test_a_caller_is_answered_by_the_head_alone(near: House, server: Server, project_id: str) -> None:
    go_on, opened = threading.Event(), threading.Event()

    class Slow(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"he")
            self.wfile.flush()
            opened.set()
            go_on.wait(30)
            self.wfile.write(b"llo")

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as slow:
        threading.Thread(target=slow.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{slow.server_address[1]}/"
        operation = imports.begin_download(near, NewChat(project_id, None, "slack"), url)
        worker = threading.Thread(target=files.download, args=(near, operation.id))
        worker.start()
        assert opened.wait(30)
        while not files.answered(current := now(near, operation)):
            assert worker.is_alive()
        assert (current.stage, current.work) == ("uploaded", "chat_download")
        go_on.set()
        worker.join(30)
        slow.shutdown()
    done = now(near, operation)
    assert (done.work, done.source_size) == ("", 5)


def test_a_download_that_lost_its_claim_leaves_nothing(near: House, server: Server, project_id: str) -> None:
    url = server.put("/export.zip", b"first")
    operation = imports.begin_download(near, NewChat(project_id, None, "slack"), url)
    server.seen = lambda path: imports.clear(near, project_id)
    files.download(near, operation.id)
    ended = now(near, operation)
    assert (ended.stage, ended.source_object, ended.work_error) == ("terminated", None, None)
    assert list(near.objects.list(f"{operation.id}/")) == []


@once
def test_a_worker_that_stops_puts_the_download_back(
    near: House, server: Server, project_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = imports.begin_download(near, NewChat(project_id, None, "slack"), server.put("/e", b"bytes"))
    stopping = threading.Event()
    stopping.set()
    with monkeypatch.context() as stopped:
        stopped.setattr(children, "stopping", stopping)
        files.download(near, operation.id)
    assert now(near, operation).work == "chat_download"
    files.download(near, operation.id)
    assert now(near, operation).source_size == 5


# A file of the server


@once
def test_files_of_the_server(house: House, tmp_path: Path, fetched: Callable[..., Operation]) -> None:
    (inside := tmp_path / "exports").mkdir()
    (inside / "a.zip").write_bytes(b"export")
    (inside / "folder").mkdir()
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "exports-not").mkdir()
    (tmp_path / "exports-not" / "b").write_bytes(b"b")
    (inside / "out").symlink_to(tmp_path / "secret")
    (inside / "in").symlink_to(inside / "a.zip")
    assert files.server_file(house, str(inside / "a.zip")) is None
    open_house = changed(house, chat_server_folders=f"{tmp_path / 'none'}, {inside}")
    assert files.server_file(open_house, str(inside / "a.zip")) == inside / "a.zip"
    assert files.server_file(open_house, str(inside / "in")) == inside / "a.zip"
    for path in ("out", "../secret", "../exports-not/b", "folder", "", "missing", "a.zip/x", "x\0y"):
        assert files.server_file(open_house, f"{inside}/{path}") is None, path
    assert files.server_file(open_house, "a.zip") is None

    operation = fetched(str(inside / "a.zip"), open_house)
    assert (operation.stage, operation.source_size) == ("uploaded", 6)
    assert house.objects.read_all(str(operation.source_object)) == b"export"
    assert fetched(str(inside / "out"), open_house).stage == "failed"
    assert fetched(str(inside / "a.zip"), changed(open_house, upload_bytes_max=5)).stage == "failed"
    assert fetched(str(inside / "a.zip"), changed(open_house, upload_bytes_max=6)).stage == "uploaded"


# Files that messages name


@pytest.fixture
def add(house: House, project_id: str) -> Callable[..., None]:
    """Adds a file of a message to the workspace."""

    def add(file_id: str, url: str | None = None, state: str = "pending", **more: Any) -> None:
        with write(house.engine) as connection:
            row = {"name": file_id, "media_type": "image/png", "operation_id": new_id(), **more}
            moment = database_now(connection)
            connection.execute(
                insert(chat_file).values(
                    project_id=project_id, id=file_id, state=state, url=url, updated_at=moment, **row
                )
            )

    return add


@pytest.fixture
def fetch_all(near: House, project_id: str) -> Callable[..., Operation]:
    def fetch_all(house: House = near, count: int | None = None) -> Operation:
        operation, found = imports.begin_pending(house, project_id, None, "files")
        assert count is None or found == count
        while files.fetch_files(house, operation.id):
            pass
        return now(house, operation)

    return fetch_all


def rows(house: House, project_id: str) -> dict[str, Any]:
    with read(house.engine) as connection:
        found = connection.execute(select(chat_file).where(chat_file.c.project_id == project_id))
        return {row.id: row for row in found}


def done(operation: Operation) -> tuple[int, int]:
    return operation.detail["done"]["imported"], operation.detail["done"]["failed"]


def test_files_are_fetched_and_what_failed_is_tried_by_the_next_call(
    near: House, project_id: str, server: Server, add: Callable[..., None], fetch_all: Callable[..., Operation]
) -> None:
    add("F1", server.put("/1", PNG), name="a.png")
    add("F2", server.put("/2", PNG))
    add("F3", server.put("/3", (302, {"Location": "/1"}, b"")))
    add("F4", f"{server.address}/missing?t={TOKEN}")
    add("F5", server.put("/5", (200, {"Content-Type": "text/html"}, b"<html>please sign in</html>")))
    add("F6", server.put("/6", (429, {"Retry-After": "0"}, b""), (503, {}, b""), b"at last"), media_type=None)
    add("F7", "javascript:alert(1)")
    add("F8", server.put("/8", b"never asked"), state="external")
    add("F9", None)
    operation = fetch_all(count=6)
    assert (operation.stage, operation.work, operation.work_error) == ("completed", "", None)
    assert done(operation) == (4, 2)
    found = rows(near, project_id)
    states = {one: found[one].state for one in sorted(found)}
    assert states == {
        "F1": "downloaded",
        "F2": "downloaded",
        "F3": "downloaded",
        "F4": "failed",
        "F5": "failed",
        "F6": "downloaded",
        "F7": "pending",
        "F8": "external",
        "F9": "pending",
    }
    assert found["F6"].tries == 3
    assert "404" in found["F4"].error
    assert "web page" in found["F5"].error
    assert TOKEN not in str([row.error for row in found.values()]) + str(operation.detail)
    # The same bytes are kept once.
    assert {found[one].object for one in ("F1", "F2", "F3")} == {
        f"chat/{project_id}/files/{hashlib.sha256(PNG).hexdigest()}"
    }
    assert len(list(near.objects.list(f"chat/{project_id}/"))) == 2
    chunks, media_type, name = files.body(near, project_id, "F1")
    assert (bytes_of(chunks), media_type, name) == (PNG, "image/png", "a.png")
    for missing in ("F4", "nobody"):
        with pytest.raises(errors.NotFound):
            files.body(near, project_id, missing)
    with pytest.raises(errors.NotFound):
        files.body(near, new_id(), "F1")

    before = server.asked.copy()
    server.put("/missing", PNG)
    again = fetch_all(count=2)
    assert done(again) == (1, 1)
    assert now(near, operation).detail["superseded"]
    assert server.asked - before == Counter({"/missing": 1, "/5": 1})
    assert rows(near, project_id)["F4"].state == "downloaded"


@once
def test_nothing_to_fetch_is_done_at_once(near: House, project_id: str) -> None:
    for kind in ("files", "avatars"):
        operation, count = imports.begin_pending(near, project_id, None, kind)
        assert (operation.stage, operation.work, count) == ("completed", "", 0)


@once
def test_what_is_taken_for_a_page(
    near: House, project_id: str, server: Server, add: Callable[..., None], fetch_all: Callable[..., Operation]
) -> None:
    page = b"\n<!DOCTYPE html>\n<title>Sign in</title>"
    html, plain = {"Content-Type": "text/html; charset=utf-8"}, {"Content-Type": "application/octet-stream"}
    add("called-so", server.put("/1", (200, html, PNG)))
    add("looks-so", server.put("/2", (200, plain, page)))
    add("is-one", server.put("/3", (200, html, page)), media_type="text/html")
    add("named-so.HTML", server.put("/4", (200, html, page)), media_type=None)
    add("canvas", server.put("/5", (200, html, page)), media_type="application/vnd.slack-docs")
    add("source", server.put("/6", (200, {"Content-Type": "text/plain"}, page)), media_type="text/plain")
    add("unknown", server.put("/7", (200, html, page)), media_type=None)
    add("unsaid", server.put("/8", (200, plain, b"%PDF")), media_type="application/pdf")
    assert done(fetch_all()) == (5, 3)
    found = rows(near, project_id)
    failed = {one for one, row in found.items() if row.state == "failed"}
    assert failed == {"called-so", "looks-so", "unknown"}
    assert found["unsaid"].media_type == "application/pdf"
    assert found["canvas"].media_type == "text/html"


@once
def test_private_addresses_and_long_files_fail_alone(
    house: House,
    near: House,
    project_id: str,
    server: Server,
    add: Callable[..., None],
    fetch_all: Callable[..., Operation],
) -> None:
    add("F1", server.put("/1", b"x" * 100))
    assert done(fetch_all(house)) == (0, 1)
    assert "not a public address" in rows(house, project_id)["F1"].error
    add("F2", server.put("/2", b"x" * 101))
    assert done(fetch_all(changed(near, chat_file_bytes_max=100))) == (1, 1)
    assert "chat_file_bytes_max" in rows(house, project_id)["F2"].error
    assert server.asked == Counter({"/1": 1, "/2": 1})


@once
def test_a_host_that_is_down_is_given_up(
    near: House,
    project_id: str,
    server: Server,
    add: Callable[..., None],
    fetch_all: Callable[..., Operation],
) -> None:
    for number in range(100):
        add(f"F{number:03}", server.put(f"/{number}", (500, {}, b"")))
    for number in range(20):
        # Nobody listens there.
        add(f"L{number:03}", f"{server.address.replace('127.0.0.1', '127.0.0.3')}/{number}")
    operation = fetch_all(changed(near, outbound_allow="127.0.0.0/8"), 120)
    assert (operation.stage, done(operation)) == ("completed", (0, 120))
    assert sum(server.asked.values()) < 100
    assert {row.state for row in rows(near, project_id).values()} == {"failed"}


@once
def test_a_host_that_asks_to_wait_long_is_left_alone(
    near: House, project_id: str, server: Server, add: Callable[..., None], fetch_all: Callable[..., Operation]
) -> None:
    for number in range(20):
        add(f"F{number:03}", server.put(f"/{number}", (429, {"Retry-After": "86400"}, b"")))
    assert done(fetch_all()) == (0, 20)
    assert sum(server.asked.values()) <= fetching.HOST_THREADS
    assert "86400 seconds" in rows(near, project_id)["F019"].error


@once
def test_one_host_is_asked_for_few_files_at_once(
    near: House, server: Server, add: Callable[..., None], fetch_all: Callable[..., Operation]
) -> None:
    lock, at_once, most = threading.Lock(), 0, 0
    full = threading.Event()

    def seen(path: str) -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
            if at_once >= fetching.HOST_THREADS:
                full.set()
        # Each waits until as many as may be there are there, so that one more would show.
        assert full.wait(30)
        with lock:
            at_once -= 1

    server.seen = seen
    for number in range(20):
        add(f"F{number:03}", server.put(f"/{number}", PNG + bytes([number])))
    assert done(fetch_all()) == (20, 0)
    assert most == fetching.HOST_THREADS


def test_a_killed_run_goes_on_and_asks_nothing_twice(
    near: House,
    project_id: str,
    server: Server,
    add: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(12):
        add(f"F{number:03}", server.put(f"/{number}", PNG + bytes([number]) if number % 3 else (404, {}, b"")))
    operation, _ = imports.begin_pending(near, project_id, None, "files")
    monkeypatch.setattr(fetching, "HOST_THREADS", 1)

    class Killed(BaseException):
        pass

    def settle(attempt: Any, settled: Any, real: Any = files._settle) -> None:
        real(attempt, settled)
        if done(now(near, operation)) != (0, 0) and sum(done(now(near, operation))) >= 5:
            raise Killed

    with monkeypatch.context() as killed:
        killed.setattr(files, "_settle", settle)
        with pytest.raises(Killed):
            files.fetch_files(near, operation.id)
    half = now(near, operation)
    assert (half.stage, half.work, half.progress.step) == ("processing", "chat_files", "files")
    assert 0 < half.progress.done < half.progress.total == 12
    written = {one for one, row in rows(near, project_id).items() if row.state != "pending"}
    asked = {path: count for path, count in server.asked.items() if f"F{int(path[1:]):03}" in written}
    files.fetch_files(near, operation.id)
    ended = now(near, operation)
    assert (ended.stage, done(ended)) == ("completed", (8, 4))
    assert {path: server.asked[path] for path in asked} == asked
    for number in (1, 2, 11):
        chunks, *_ = files.body(near, project_id, f"F{number:03}")
        assert bytes_of(chunks) == PNG + bytes([number])


@once
def test_an_attempt_that_lost_its_claim_writes_nothing(
    near: House, project_id: str, server: Server, add: Callable[..., None]
) -> None:
    add("F1", server.put("/1", PNG))
    operation, _ = imports.begin_pending(near, project_id, None, "files")

    def claim(path: str) -> None:
        with write(near.engine) as connection:
            operations.claim(connection, operation.id, "chat_files")

    server.seen = claim
    files.fetch_files(near, operation.id)
    assert rows(near, project_id)["F1"].state == "pending"
    assert now(near, operation).work == "chat_files"
    server.seen = lambda path: None
    files.fetch_files(near, operation.id)
    assert done(now(near, operation)) == (1, 0)


@once
def test_a_stopped_run_can_be_resumed(near: House, project_id: str, server: Server, add: Callable[..., None]) -> None:
    for number in range(5):
        add(f"F{number}", server.put(f"/{number}", PNG))
    operation, _ = imports.begin_pending(near, project_id, None, "files")
    server.seen = lambda path: imports.stop(near, operation) and None
    files.fetch_files(near, operation.id)
    stopped = now(near, operation)
    assert (stopped.stage, stopped.work) == ("processing", "")
    server.seen = lambda path: None
    resumed = imports.resume(near, stopped)
    files.fetch_files(near, resumed.id)
    assert (now(near, operation).stage, done(now(near, operation))) == ("completed", (5, 0))


@once
def test_a_turn_ends_between_files(
    near: House, project_id: str, server: Server, add: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(10):
        add(f"F{number}", server.put(f"/{number}", (503, {}, b""), PNG))
    monkeypatch.setattr(files, "PAGE", 4)
    monkeypatch.setattr(fetching, "_WAITING_MIN", 1)
    operation, _ = imports.begin_pending(near, project_id, None, "files")
    short = changed(near, turn_s=1e-9)
    turns = 0
    while files.fetch_files(short, operation.id):
        turns += 1
        short = changed(near, turn_s=[1e-9, 0.05][turns % 2])
        assert turns < 1000
    assert turns
    assert done(now(near, operation)) == (10, 0)


@once
def test_a_full_disk_ends_the_run_and_not_the_files(
    near: House,
    project_id: str,
    server: Server,
    add: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add("F1", server.put("/1", PNG))
    operation, _ = imports.begin_pending(near, project_id, None, "files")

    def full(*_: Any) -> None:
        raise errors.StorageFull("The disk is full; nothing was kept.")

    with monkeypatch.context() as patched:
        patched.setattr(near.objects, "put_file", full)
        files.fetch_files(near, operation.id)
    failed = now(near, operation)
    assert (failed.stage, failed.work_error and failed.work_error[0]) == ("failed", "storage_full")
    assert rows(near, project_id)["F1"].state == "pending"


# Files that the export holds


def zipped(entries: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in entries.items():
            archive.writestr(name, body)
    return data.getvalue()


def tarred(entries: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, body in entries.items():
            member = tarfile.TarInfo(name)
            member.size = len(body)
            archive.addfile(member, io.BytesIO(body))
    return data.getvalue()


@pytest.fixture
def begin(house: House, project_id: str) -> Callable[[bytes, str], str]:
    """Makes an operation of the bytes for an importer; its id."""

    def begin(data: bytes, importer: str) -> str:
        name = f"{new_id()}/source"
        house.objects.put_bytes(name, data)
        source = StoredSource(name, len(data), "", "export", "")
        return imports.begin(house, NewChat(project_id, None, importer, source)).id

    return begin


def test_bytes_are_taken_from_the_export(
    near: House,
    project_id: str,
    server: Server,
    begin: Callable[[bytes, str], str],
    add: Callable[..., None],
    fetch_all: Callable[..., Operation],
) -> None:
    names = {
        "users.json": b"[]",
        "__uploads/F1/a.png": PNG,
        "__uploads/F2/b.txt": b"text",
        "long": b"x" * 1001,
        "just": b"x" * 1000,
    }
    export = begin(zipped(names), "slack")
    other = begin(tarred(names), "hipchatenterprise")
    gone = begin(b"no archive at all", "slack")
    held = {"operation_id": export}
    add("F1", server.put("/1", b"not asked"), body_entry=1, name="a.png", **held)
    add("F2", None, body_entry=2, media_type=None, **held)
    add("F3", None, body_entry=2, media_type="text/plain", **held)
    add("F4", None, body_entry=99, **held)
    add("F5", server.put("/5", PNG), body_entry=3, **held)
    add("F6", None, body_entry=3, **held)
    add("F7", None, body_entry=4, **held)
    add("T1", None, body_entry=1, operation_id=other)
    add("G1", None, body_entry=0, operation_id=gone)
    operation = fetch_all(changed(near, chat_file_bytes_max=1000), 9)
    assert done(operation) == (6, 3)
    found = rows(near, project_id)
    failed = {one: row.error for one, row in found.items() if row.state == "failed"}
    assert failed["F4"] == "The export does not hold it."
    assert "chat_file_bytes_max" in failed["F6"]
    assert set(failed) == {"F4", "F6", "G1"}
    assert server.asked == Counter({"/5": 1})
    assert found["F1"].object == found["T1"].object
    chunks, media_type, _ = files.body(near, project_id, "F2")
    assert (bytes_of(chunks), media_type) == (b"text", "application/octet-stream")
    assert found["F3"].media_type == "text/plain"
    # Tried once more, also where the first choice is no more.
    assert done(fetch_all(count=3)) == (1, 2)


@once
def test_exports_that_are_not_kept(
    near: House,
    project_id: str,
    server: Server,
    begin: Callable[[bytes, str], str],
    add: Callable[..., None],
    fetch_all: Callable[..., Operation],
) -> None:
    export = begin(zipped({"a": b"a"}), "slack")
    with write(near.engine) as connection:
        operations.forget_objects(connection, export)
    add("F1", server.put("/1", PNG), body_entry=0, operation_id=export)
    add("F2", None, body_entry=0, operation_id=export)
    assert done(fetch_all()) == (1, 1)
    assert "not kept" in rows(near, project_id)["F2"].error


# Pictures of users


@pytest.fixture
def add_user(house: House, project_id: str) -> Callable[[str, str | None], str]:
    def add_user(name: str, avatar: str | None) -> str:
        user_id = new_id()
        with write(house.engine) as connection:
            moment = database_now(connection)
            connection.execute(
                insert(chat_user).values(
                    id=user_id,
                    project_id=project_id,
                    username=name,
                    username_key=name,
                    pending_avatar=avatar,
                    created_at=moment,
                    updated_at=moment,
                )
            )
        return user_id

    return add_user


def users(house: House, project_id: str) -> dict[str, Any]:
    with read(house.engine) as connection:
        found = connection.execute(select(chat_user).where(chat_user.c.project_id == project_id))
        return {row.username: row for row in found}


def data_uri(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def test_pictures_are_fetched(
    near: House, project_id: str, server: Server, add_user: Callable[[str, str | None], str]
) -> None:
    ada = add_user("ada", server.put("/ada", (200, {"Content-Type": "text/plain"}, PNG)))
    add_user("bob", data_uri(b"GIF89a..."))
    add_user("url-safe", data_uri(b"\xff\xd8\xff\xfb\xff\xfe").replace("+", "-").replace("/", "_", 3).rstrip("="))
    add_user("just", data_uri(PNG + b"x" * 999))
    add_user("percent", "data:image/webp,RIFF%00%00%00%00WEBP!")
    bad = {
        "svg": data_uri(b"<svg onload='alert(1)'/>", "image/svg+xml"),
        "called-so": server.put("/html", (200, {"Content-Type": "image/png"}, b"<html>")),
        "missing": f"{server.address}/missing?t={TOKEN}",
        "no-data": "data:image/png;base64",
        "wrong-base64": "data:image/png;base64,abcde",
        "file": "file:///etc/passwd",
        "long": data_uri(PNG + b"x" * 1000),
    }
    for name, url in bad.items():
        add_user(name, url)
    add_user("none", None)
    operation, count = imports.begin_pending(near, project_id, None, "avatars")
    assert count == 5 + len(bad)
    house = changed(near, chat_avatar_bytes_max=len(PNG) + 999)
    while files.fetch_avatars(house, operation.id):
        pass
    ended = now(near, operation)
    assert (ended.stage, ended.work, ended.work_error) == ("completed", "", None)
    assert done(ended) == (5, len(bad))
    assert TOKEN not in str(ended.detail)
    found = users(near, project_id)
    assert {name for name, row in found.items() if row.pending_avatar} == set(bad)
    types = {name: found[name].avatar_type for name in ("ada", "bob", "url-safe", "percent")}
    assert types == {"ada": "image/png", "bob": "image/gif", "url-safe": "image/jpeg", "percent": "image/webp"}
    chunks, media_type = files.avatar(near, project_id, ada)
    assert (bytes_of(chunks), media_type) == (PNG, "image/png")
    with pytest.raises(errors.NotFound):
        files.avatar(near, project_id, found["svg"].id)
    with pytest.raises(errors.NotFound):
        files.avatar(near, new_id(), ada)


@once
def test_a_killed_run_of_pictures_counts_each_once(
    near: House,
    project_id: str,
    server: Server,
    add_user: Callable[[str, str | None], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(10):
        add_user(f"u{number}", server.put(f"/{number}", PNG if number % 2 else (404, {}, b"")))
    monkeypatch.setattr(files, "AVATARS_PAGE", 4)
    operation, _ = imports.begin_pending(near, project_id, None, "avatars")
    kills = iter([2, 3, 5])

    class Killed(BaseException):
        pass

    def keep(*given: Any, real: Any = files._keep_avatars) -> None:
        real(*given)
        left[0] -= 1
        if not left[0]:
            raise Killed

    killed = 0
    with monkeypatch.context() as patched:
        patched.setattr(files, "_keep_avatars", keep)
        for after in kills:
            left = [after]
            try:
                files.fetch_avatars(near, operation.id)
            except Killed:
                killed += 1
    assert killed
    while now(near, operation).work:
        files.fetch_avatars(near, operation.id)
    assert (now(near, operation).stage, done(now(near, operation))) == ("completed", (5, 5))


def test_every_piece_of_work_ends_the_import_when_it_fails() -> None:
    assert set(files.HANDLERS) <= attempts.ENDS_THE_IMPORT
