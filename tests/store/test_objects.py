from __future__ import annotations

import asyncio
import errno
import hashlib
import itertools
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from douane import errors
from douane.settings import Settings
from douane.store import objects as module
from douane.store.objects import PART_BYTES, Objects
from tests.store.flaky import failing


def incoming(storage: Settings) -> list[str]:
    """What is half-written: in the folder, or as multipart uploads of the bucket."""
    if storage.storage_url.startswith("s3://"):
        bucket = storage.storage_url.removeprefix("s3://").split("/")[0]
        listing = httpx.get(f"{storage.s3_endpoint}/{bucket}?uploads").text
        return listing.split("<Upload>")[1:]
    return [path.name for path in (Path(storage.storage_url) / ".incoming").iterdir()]


def test_what_is_put_can_be_read(objects: Objects, storage: Settings, tmp_path: Path) -> None:
    objects.put_bytes("a/b/one", b"hello")
    (tmp_path / "file").write_bytes(b"0123456789" * 1_000_000)
    objects.put_file("a/two.part", tmp_path / "file")
    assert objects.size("a/b/one") == 5
    assert objects.size("a/two.part") == 10_000_000
    assert objects.read("a/two.part", 9_999_995, 100) == b"56789"
    assert objects.read("a/two.part", 10_000_000, 5) == b""
    assert objects.read("a/b/one", 0, 0) == b""
    assert objects.read_all("a/b/one") == b"hello"
    assert b"".join(objects.stream("a/two.part", 1 << 16)) == b"0123456789" * 1_000_000
    assert objects.local_path("a/b/one").read_bytes() == b"hello"
    assert sorted(objects.list()) == ["a/b/one", "a/two.part"]
    assert list(objects.list("a/b/")) == ["a/b/one"]
    assert incoming(storage) == []


def test_an_object_is_a_copy(objects: Objects, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"first")
    objects.put_file("x/file", tmp_path / "file")
    with (tmp_path / "file").open("r+b") as file:
        file.write(b"other")
    assert objects.read_all("x/file") == b"first"


def test_a_file_that_nobody_changes_any_more_is_the_object_itself(
    objects: Objects, storage: Settings, tmp_path: Path
) -> None:
    for text in (b"first", b"second"):
        (tmp_path / "file").write_bytes(text)
        objects.put_file("x/file", tmp_path / "file", final=True)
        (tmp_path / "file").unlink()
        assert objects.read_all("x/file") == text
    if not storage.storage_url.startswith("s3://"):
        assert (Path(storage.storage_url) / "x/file").stat().st_mode & 0o777 == 0o600
    assert incoming(storage) == []


def test_a_file_of_another_file_system_is_copied(
    sqlite_storage: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"0123456789" * 300_000)

    def apart(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", apart)
    objects = Objects(sqlite_storage)
    objects.put_file("x/final", tmp_path / "file", final=True)
    assert objects.read_all("x/final") == b"0123456789" * 300_000
    copy_file_range = os.copy_file_range
    calls = []

    def breaks(source: int, target: int, count: int) -> int:
        calls.append(count)
        if len(calls) > 1:
            raise OSError(18, "Invalid cross-device link")
        return copy_file_range(source, target, 1000)

    monkeypatch.setattr(os, "copy_file_range", breaks)
    objects.put_file("x/file", tmp_path / "file")
    assert objects.read_all("x/file") == b"0123456789" * 300_000


def test_empty_objects(objects: Objects, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    objects.put_file("x/empty", tmp_path / "empty")
    objects.put_bytes("x/none", b"")
    assert objects.size("x/empty") == objects.size("x/none") == 0
    assert list(objects.stream("x/empty")) == []
    assert objects.local_path("x/none").read_bytes() == b""


def test_deleting(objects: Objects) -> None:
    for name in ("a/1", "a/2", "a/b/3", "ab/4"):
        objects.put_bytes(name, b"x")
    objects.delete("a/1")
    objects.delete("a/1")
    assert objects.delete_prefix("a/") == 2
    assert list(objects.list()) == ["ab/4"]
    assert objects.delete_prefix("nothing/") == 0


@pytest.mark.parametrize("call", ["size", "read_all", "local_path", "stream"])
def test_what_is_not_there(objects: Objects, call: str) -> None:
    with pytest.raises(errors.NotFound):
        getattr(objects, call)("a/none")
    with pytest.raises(errors.NotFound):
        objects.read("a/none", 0, 1)


@pytest.mark.parametrize("name", ["", "/a", "a/", "a//b", "../a", "a/../b", "a/.b", "a b", "a\x00", "é", "a\n"])
def test_names_are_ours(sqlite_storage: Settings, name: str) -> None:
    with pytest.raises(errors.BadRequest):
        Objects(sqlite_storage).put_bytes(name, b"x")


async def _upload(objects: Objects, name: str, pieces: list[bytes]) -> tuple[int, str]:
    async with objects.upload(name) as upload:
        for piece in pieces:
            await upload.write(piece)
    return upload.size, upload.sha256


@pytest.mark.parametrize("size", [0, 1, PART_BYTES - 1, PART_BYTES, 3 * PART_BYTES + 17])
def test_an_upload_is_kept_and_counted(objects: Objects, size: int) -> None:
    data = os.urandom(size)
    pieces = [data[start : start + 700_001] for start in range(0, size, 700_001)]
    assert asyncio.run(_upload(objects, "u/x", pieces)) == (size, hashlib.sha256(data).hexdigest())
    assert objects.read_all("u/x") == data


def test_an_upload_shows_only_when_whole(objects: Objects) -> None:
    async def half() -> None:
        async with objects.upload("u/x") as upload:
            await upload.write(b"x" * (2 * PART_BYTES))
            assert list(objects.list()) == []
            await upload.write(b"y")

    asyncio.run(half())
    assert list(objects.list()) == ["u/x"]


@pytest.mark.parametrize("stop", [ConnectionError, asyncio.CancelledError])
def test_an_upload_that_breaks_off_leaves_nothing(
    objects: Objects, storage: Settings, stop: type[BaseException]
) -> None:
    async def breaks() -> None:
        async with objects.upload("u/x") as upload:
            await upload.write(b"x" * (3 * PART_BYTES))
            raise stop

    with pytest.raises(stop):
        asyncio.run(breaks())
    assert list(objects.list()) == []
    assert incoming(storage) == []


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """No room beyond `size`, as the kernel says it (EFBIG; its signal is ignored by Python)."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, old[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)


def test_a_full_disk_says_so_and_leaves_nothing(sqlite_storage: Settings, tmp_path: Path) -> None:
    objects = Objects(sqlite_storage)
    (tmp_path / "big").write_bytes(b"x" * (2 * PART_BYTES))
    with file_size_limit(PART_BYTES):
        with pytest.raises(errors.StorageFull):
            objects.put_bytes("a/x", b"x" * (2 * PART_BYTES))
        with pytest.raises(errors.StorageFull):
            objects.put_file("a/x", tmp_path / "big")
        with pytest.raises(errors.StorageFull):
            asyncio.run(_upload(objects, "a/x", [b"x" * PART_BYTES] * 3))
    assert list(objects.list()) == []
    assert incoming(sqlite_storage) == []
    objects.put_bytes("a/x", b"fine")


def test_a_failed_fsync_is_not_tried_again(sqlite_storage: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = Objects(sqlite_storage)
    calls = []

    def fails(descriptor: int) -> None:
        calls.append(descriptor)
        raise OSError(5, "input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fails)
        with pytest.raises(errors.Unavailable):
            objects.put_bytes("a/x", b"x")
    assert len(calls) == 1
    assert list(objects.list()) == []


def test_file_and_folders_are_synced_before_it_is_said(
    sqlite_storage: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = Objects(sqlite_storage)
    root = Path(sqlite_storage.storage_url)
    synced: list[str] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        synced.append("file" if ".incoming" in path.parts else str(path.relative_to(root)))
        assert ("a/b/c" in list(objects.list())) == (synced[-1] != "file")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    objects.put_bytes("a/b/c", b"x")
    assert synced[0] == "file"
    assert set(synced[1:]) == {".", "a", "a/b"}


def test_what_killed_processes_left_is_cleaned(sqlite_storage: Settings) -> None:
    objects = Objects(sqlite_storage)
    left = Path(sqlite_storage.storage_url) / ".incoming" / "0123"
    left.write_bytes(b"half")
    objects.clean()
    assert left.exists()
    os.utime(left, (0, 0))
    objects.clean()
    assert not left.exists()


def test_writers_and_deleters_of_one_folder_get_along(sqlite_storage: Settings) -> None:
    objects = Objects(sqlite_storage)

    def busy(worker: int) -> None:
        for _ in range(60):
            objects.put_bytes(f"a/b/{worker}", b"x")
            objects.delete(f"a/b/{worker}")
        objects.put_bytes(f"a/b/{worker}", b"x")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(busy, range(4)))
    assert sorted(objects.list()) == [f"a/b/{worker}" for worker in range(4)]


def test_copies_of_a_bucket_are_bounded(postgres_storage: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CACHE_YOUNG_S", 0.0)
    objects = Objects(postgres_storage.model_copy(update={"cache_bytes_max": 1_000_000}))
    for number in range(12):
        objects.put_bytes(f"a/{number}", bytes([number]) * 200_000)
    for number in range(12):
        assert objects.local_path(f"a/{number}").read_bytes()[:1] == bytes([number])
        assert objects.local_path("a/0").read_bytes()[:1] == b"\0"
    kept = list((postgres_storage.data / "cache").iterdir())
    assert sum(path.stat().st_size for path in kept) <= 1_000_000
    assert len(kept) >= 4


def test_a_copy_is_fetched_once_for_all_who_wait(postgres_storage: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = Objects(postgres_storage)
    objects.put_bytes("a/x", b"x" * 1_000_000)
    downloads = []
    together = threading.Barrier(6)
    download = objects._download

    def counted(name: str, path: Path) -> None:
        downloads.append(name)
        download(name, path)

    monkeypatch.setattr(objects, "_download", counted)

    def ask(_: int) -> bytes:
        together.wait()
        return objects.local_path("a/x").read_bytes()

    with ThreadPoolExecutor(6) as threads:
        assert set(threads.map(ask, range(6))) == {b"x" * 1_000_000}
    assert downloads == ["a/x"]


def test_a_link_outlives_the_cache_and_the_object(objects: Objects, storage: Settings, tmp_path: Path) -> None:
    objects.put_bytes("a/b/x", b"hello")
    linked = objects.link_into("a/b/x", storage.work_folder / "1")
    assert objects.link_into("a/b/x", storage.work_folder / "1") == linked
    objects.delete("a/b/x")
    for path in (storage.data / "cache").glob("*"):
        path.unlink()
    assert linked.read_bytes() == b"hello"


def test_a_bucket_that_does_not_answer_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = Objects(Settings(
        data=tmp_path, storage_url="s3://bucket/x", s3_endpoint="http://127.0.0.1:1", s3_region="none",
        s3_access_key_id="a", s3_secret_access_key="b", s3_wait_s=1,
    ))  # fmt: skip
    with pytest.raises(errors.Unavailable):
        objects.size("a/x")


_UPLOAD_PROGRAM = """
import asyncio, sys, time
from douane.settings import Settings
from douane.store.objects import Objects
async def main():
    async with Objects(Settings()).upload("u/big") as upload:
        piece = bytes(64 * 1024)
        for _ in range(int(sys.argv[1]) // len(piece)):
            await upload.write(piece)
    # Not getrusage: its peak is inherited from the process that started this one.
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(upload.size, peak.split()[1])
    # obstore's threads still let go of Python objects; an interpreter that ends in that moment aborts.
    time.sleep(0.5)
asyncio.run(main())
"""


def test_a_large_upload_takes_little_memory(storage: Settings) -> None:
    # Peak of a fresh process, in KiB; 200 MiB are allowed for the whole web process.
    size = 256 << 20 if storage.on_sqlite else 64 << 20
    environment: dict[str, Any] = {**os.environ, **storage.environment()}
    program = [sys.executable, "-c", _UPLOAD_PROGRAM, str(size)]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=True, timeout=120)
    stored, peak_kib = map(int, done.stdout.split())
    assert stored == size
    assert peak_kib < 120 * 1024


@contextmanager
def relay(endpoint: str, bytes_a_second: int, cut_every: int = 0) -> Iterator[str]:
    """An endpoint that passes requests on and lets answers through slowly; `cut_every` so many answers one is cut off
    in its middle."""
    host, port = endpoint.removeprefix("http://").split(":")
    listener = socket.create_server(("127.0.0.1", 0))
    answers = itertools.count(1)

    def serve(near: socket.socket) -> None:
        with near, socket.create_connection((host, int(port))) as far:
            threading.Thread(target=pump, args=(near, far), daemon=True).start()
            number, passed = next(answers), 0
            with suppress(OSError):
                while block := far.recv(1 << 16):
                    near.sendall(block)
                    passed += len(block)
                    time.sleep(len(block) / bytes_a_second)
                    if cut_every and number % cut_every == 0 and passed > 1 << 20:
                        break
            with suppress(OSError):
                # Closing alone would wait for the thread that reads from it.
                near.shutdown(socket.SHUT_RDWR)

    def pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while block := source.recv(1 << 16):
                target.sendall(block)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()


def test_an_object_takes_longer_than_one_request_may(postgres_storage: Settings) -> None:
    data = os.urandom(1 << 20) * 20
    Objects(postgres_storage).put_bytes("a/large", data)
    # 8 MiB take 1.3 s this way, the whole object 3.3.
    with relay(postgres_storage.s3_endpoint, 6 << 20) as endpoint:
        objects = Objects(postgres_storage.model_copy(update={"s3_endpoint": endpoint, "s3_wait_s": 3}))
        assert objects.local_path("a/large").read_bytes() == data


def test_a_slow_reader_is_not_cut_off(postgres_storage: Settings) -> None:
    data = os.urandom(1 << 20) * 10
    objects = Objects(postgres_storage.model_copy(update={"s3_wait_s": 1}))
    objects.put_bytes("a/large", data)
    found = bytearray()
    for number, chunk in enumerate(objects.stream("a/large")):
        assert len(chunk) <= 1 << 20
        if number % 3 == 0:
            time.sleep(0.4)
        found += chunk
    assert found == data


def test_an_answer_that_is_cut_off_is_asked_for_again(postgres_storage: Settings) -> None:
    data = os.urandom(1 << 20) * 20
    Objects(postgres_storage).put_bytes("a/large", data)
    with relay(postgres_storage.s3_endpoint, 1 << 30, cut_every=2) as endpoint:
        objects = Objects(postgres_storage.model_copy(update={"s3_endpoint": endpoint}))
        assert objects.local_path("a/large").read_bytes() == data
        assert b"".join(objects.stream("a/large")) == data


def test_a_bucket_that_fails_three_requests_in_ten_loses_nothing(postgres_storage: Settings, tmp_path: Path) -> None:
    data = os.urandom(1 << 20) * 20
    (tmp_path / "file").write_bytes(data)
    with failing(postgres_storage.s3_endpoint, frozenset({2, 5, 8})) as (endpoint, refused):
        objects = Objects(postgres_storage.model_copy(update={"s3_endpoint": endpoint}))
        objects.put_file("a/large", tmp_path / "file")
        for number in range(8):
            objects.put_bytes(f"b/{number:02}", b"%d" % number)
        assert objects.local_path("a/large").read_bytes() == data
        assert b"".join(objects.stream("a/large")) == data
        assert [objects.read_all(f"b/{number:02}") for number in range(8)] == [b"%d" % n for n in range(8)]
        assert sorted(objects.list("b/")) == [f"b/{number:02}" for number in range(8)]
        assert objects.delete_prefix("b/") == 8
        assert sorted(objects.list()) == ["a/large"]
    assert len(refused) > 8
    assert incoming(postgres_storage) == []


@pytest.mark.parametrize("number", [errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM], ids=errno.errorcode.get)
def test_a_folder_that_takes_nothing_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """One without rights, on a disk that was mounted anew to be read only, or that somebody locked."""
    objects = Objects(Settings(data=tmp_path))

    def refuse(path: object, *_: object) -> int:
        raise OSError(number, os.strerror(number), str(path))

    async def upload() -> None:
        async with objects.upload("a/b"):
            pass

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(errors.Unavailable, match="cannot be written"):
        objects.put_bytes("a/b", b"1")
    with pytest.raises(errors.Unavailable, match="cannot be written"):
        asyncio.run(upload())
