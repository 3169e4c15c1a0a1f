"""What machines do to a server: a bucket that fails now and then, a disk that is full or takes nothing, a clock that is
set. Each is survived, and said where people look."""

from __future__ import annotations

import ctypes
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from douane.errors import DouaneError, StorageFull
from douane.flow import changing, forgetting, imports, records, work
from douane.flow.health import Readiness
from douane.flow.house import House, house_of
from douane.flow.imports import NewImport, StoredSource
from douane.flow.records import Excerpt
from douane.model.operation import Operation
from douane.model.template import Column, Template
from douane.settings import Settings
from douane.store import leases, people, projects
from douane.store.database import open_database, read, write
from douane.store.ids import new_id
from douane.store.objects import Objects
from tests.store.flaky import failing

pytestmark = pytest.mark.walled

ROWS = 3_000
TEMPLATE = Template("Hardship", (Column("name", "Name", required=True), Column("mail", "Mail", unique=True)))
_MS_RDONLY, _MS_REMOUNT = 1, 32


def begun(house: House, rows: int = ROWS) -> Operation:
    with write(house.engine) as connection:
        person = people.add(
            connection, email=f"{new_id()}@b.co", username=new_id(), first_name="", last_name="", password_hash="x"
        )
        project_id = projects.add(connection, name="Project", owner_id=person.id).id
    data = ("name,mail\n" + "".join(f"n{row},m{row}@example.com\n" for row in range(rows))).encode()
    operation_id = new_id()
    house.objects.put_bytes(f"{operation_id}/source", data)
    source = StoredSource(f"{operation_id}/source", len(data), "", "a.csv", "text/csv")
    return imports.begin(house, NewImport(operation_id, project_id, new_id(), TEMPLATE, source, auto=True))


def through(house: House, operation: Operation) -> Operation:
    work.read(house, operation.id)
    work.check(house, operation.id)
    return imports.get(house, operation.id)


def test_an_import_comes_through_a_bucket_that_fails(postgres_storage: Settings) -> None:
    with failing(postgres_storage.s3_endpoint, frozenset({1, 4, 7})) as (endpoint, refused):
        settings = postgres_storage.model_copy(update={"s3_endpoint": endpoint})
        house = house_of(settings, open_database(settings), Objects(settings))
        operation = through(house, begun(house))
        assert (operation.stage, operation.valid, operation.work_error) == ("reviewing", ROWS, None)
        assert records.page(house, operation, "valid", 30, 100).records[-1].record["name"] == "n2999"
        whole = b"".join(records.encoded(house, operation, Excerpt("valid", "ndjson")))
        assert whole.count(b"\n") == ROWS
        assert Readiness(house).parts()["storage"].good
        house.engine.dispose()
    assert len(refused) >= 3


@contextmanager
def _disk(folder: Path, size_bytes: int) -> Iterator[Callable[[int], None]]:
    """A file system of its own at `folder`, in memory; the function mounts it anew with other flags. Skipped where this
    process may not do that."""
    libc = ctypes.CDLL(None, use_errno=True)

    def mount(flags: int) -> int:
        return int(libc.mount(b"douane", os.fsencode(folder), b"tmpfs", flags, b"size=%d" % size_bytes))

    folder.mkdir(parents=True, exist_ok=True)
    if mount(0):
        pytest.skip(f"a file system of one's own is not to be had here: {os.strerror(ctypes.get_errno())}")

    def again(flags: int) -> None:
        until = time.monotonic() + 20
        while mount(_MS_REMOUNT | flags):
            # Somebody still has a file open to write.
            assert time.monotonic() < until, os.strerror(ctypes.get_errno())
            time.sleep(0.1)

    try:
        yield again
    finally:
        libc.umount2(os.fsencode(folder), 2)


@pytest.fixture
def small_disk(new_storage: Callable[[str], Settings], tmp_path: Path) -> Iterator[tuple[House, Callable[[int], None]]]:
    """An installation whose objects, caches and work lie on a disk of 24 MiB; the database lies elsewhere."""
    settings = new_storage("sqlite")
    folder = tmp_path / "small"
    with _disk(folder, 24 << 20) as again:
        settings = settings.model_copy(
            update={
                "data": folder,
                "database_url": f"sqlite:///{settings.data / 'douane.db'}",
                "storage_url": str(folder / "objects"),
                "disk_free_bytes_min": 1 << 20,
                "disk_reserve_bytes": 1 << 20,
            }
        )
        engine = open_database(settings)
        house = house_of(settings, engine, Objects(settings))
        yield house, again
        engine.dispose()


def test_a_full_disk_is_said_and_what_was_there_goes_on(small_disk: tuple[House, Callable[[int], None]]) -> None:
    house, _ = small_disk
    done = through(house, begun(house))
    assert (done.stage, done.valid) == ("reviewing", ROWS)
    waiting = begun(house)
    filler = house.settings.data / "filler"
    with filler.open("wb") as file:
        while True:
            try:
                os.write(file.fileno(), bytes(1 << 16))
            except OSError:
                break
    disk = Readiness(house).parts()["disk"]
    assert not disk.good
    assert "disk_free_bytes_min" in disk.says
    with pytest.raises((StorageFull, OSError)):
        house.objects.put_bytes("a/b", bytes(1 << 20))
    # The work is not lost for it: what failed says why or stays to be done, and pages are read on.
    with suppress(DouaneError):
        work.read(house, waiting.id)
    assert not imports.get(house, waiting.id).read_done
    assert records.page(house, done, "all", 2, 100).records[0].record["name"] == "n100"
    filler.unlink()
    operation = imports.get(house, waiting.id)
    if operation.work == "read":
        assert through(house, operation).valid == ROWS
    else:
        assert operation.work_error is not None
        assert "room" in operation.work_error[1] or "full" in operation.work_error[1]


def test_on_a_disk_that_is_full_of_files_one_of_them_can_be_deleted(
    new_storage: Callable[[str], Settings], tmp_path: Path
) -> None:
    """The database lies on that disk too, and a deletion is written there first."""
    folder = tmp_path / "small"
    with _disk(folder, 16 << 20):
        elsewhere = new_storage("sqlite")
        shutil.copy(elsewhere.data / "douane.db", folder)
        settings = elsewhere.model_copy(
            update={
                "data": folder,
                "database_url": f"sqlite:///{folder / 'douane.db'}",
                "storage_url": str(folder / "objects"),
                "disk_reserve_bytes": 2 << 20,
            }
        )
        engine = open_database(settings)
        house = house_of(settings, engine, Objects(settings))
        done = through(house, begun(house))
        piece = tmp_path / "piece"
        piece.write_bytes(bytes(1 << 20))

        def fill() -> None:
            for number in range(16):
                house.objects.put_file(f"{done.id}/filler-{number}", piece)

        with pytest.raises(StorageFull, match="kept for changes and deletions"):
            fill()
        (folder / "of-another-program").write_bytes(bytes(1 << 20))
        assert "kept for changes" in Readiness(house).parts()["storage"].says
        assert Readiness(house).parts()["database"].good
        assert changing.set_cells(house, done, [(1, "name", "mended")], changing.How()).cells == 1
        forgetting.upload(house, done)
        assert not list(house.objects.list(f"{done.id}/"))
        # Nothing at all is left: no worker can say that it lives, and none is to be started anew for it.
        with (folder / "filler").open("wb", buffering=0) as filler, suppress(OSError):
            while filler.write(bytes(1 << 16)):
                pass
        parts = Readiness(house).parts()
        assert (
            parts["database"].says == "Nothing can be written: The disk of the database is full; nothing was changed."
        )
        assert "cannot be told" in parts["worker"].says
        engine.dispose()


def test_a_disk_that_takes_nothing_is_said_and_pages_are_read_on(
    small_disk: tuple[House, Callable[[int], None]],
) -> None:
    house, again = small_disk
    done = through(house, begun(house))
    again(_MS_RDONLY)
    try:
        parts = Readiness(house).parts()
        assert not parts["storage"].good
        assert "Nothing can be stored" in parts["storage"].says
        assert records.page(house, done, "all", 1, 100).records[0].record["name"] == "n0"
    finally:
        again(0)
    assert Readiness(house).parts()["storage"].good
    assert through(house, begun(house)).valid == ROWS


@pytest.mark.parametrize("hours", [-30, 30], ids=["back", "on"])
def test_a_clock_that_is_set_ends_no_work(house: House, monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    with write(house.engine) as connection:
        leases.beat(connection, "worker-1", "here", 1)
    operation = begun(house)
    work.read(house, operation.id)
    _set_clock(monkeypatch, hours)
    work.check(house, operation.id)
    operation = imports.get(house, operation.id)
    assert (operation.stage, operation.valid) == ("reviewing", ROWS)
    confirmed = imports.confirm(house, operation, None)
    assert confirmed.stage in ("processing", "completed")
    with read(house.engine) as connection:
        # Leases are of the database's clock: who goes on beating is not taken for dead.
        assert all(abs(age) < 60 for age in leases.ages_s(connection))


def _set_clock(monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    now, shift = time.time, hours * 3600
    monkeypatch.setattr(time, "time", lambda: now() + shift)
