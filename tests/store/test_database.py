from __future__ import annotations

import _sqlite3
import ctypes
import gc
import json
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from douane import errors
from douane.settings import Settings
from douane.store import database, schema
from douane.store.database import (
    database_now,
    mark,
    migrate,
    migrating,
    open_database,
    read,
    remembered,
    translate,
    write,
)
from douane.store.migrations import comparison, config


def test_the_steps_lead_to_the_schema(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=comparison())
        assert compare_metadata(context, schema.metadata) == []


def test_migrating_again_changes_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with write(engine) as connection:
        connection.execute(schema.installation.insert().values(name="a", value="b"))
    # What is today's already is found out without what makes it so, which would stay in memory.
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "douane.store.migrations", None)
        migrate(engine)
    with read(engine) as connection:
        assert connection.execute(sa.select(schema.installation.c.value)).scalars().all() == ["b"]
        assert database.newest_step() == ScriptDirectory.from_config(config(connection)).get_current_head()


def test_who_starts_does_not_wait_for_who_writes(engine: Engine) -> None:
    """Nor for who migrates, where nothing is to be done: one that hangs is for `doctor` and `/readyz` to tell."""
    other, done = open_database(engine.url.render_as_string(hide_password=False)), threading.Event()

    def start() -> None:
        migrate(other)
        done.set()

    with ThreadPoolExecutor(1) as threads, migrating(engine), write(engine) as connection:
        connection.execute(schema.installation.insert().values(name="a", value="b"))
        starting = threads.submit(start)
        # Let go in any case: a migration would wait for ten minutes.
        assert done.wait(60)
        starting.result()
    other.dispose()


def test_connections_keep_few_statements(tmp_path: Path) -> None:
    """Ours, and those of an engine that is opened elsewhere: what each keeps of its own is gained over hours."""
    settings = Settings(database_url=f"sqlite:///{tmp_path}/few.db")
    ours, theirs = (
        open_database(settings),
        sa.create_engine(settings.database_url, **database.keeping_little(settings, 8)),
    )
    for engine in (ours, theirs):
        with engine.connect() as connection:
            for number in range(200):
                connection.exec_driver_sql(f"SELECT {number}")
            # Where a Python shows what a connection holds.
            held = gc.get_referents(connection.connection.dbapi_connection)
            assert {one.cache_info().currsize for one in held if hasattr(one, "cache_info")} <= {database._STATEMENTS}
        engine.dispose()


def test_connections_of_a_busy_moment_are_closed_again(tmp_path: Path) -> None:
    """Of SQLite: eight at once, and then those of a quiet hour. Their logs are counted: a database that others of the
    process have locked stays open for the next to take."""
    settings = Settings(database_url=f"sqlite:///{tmp_path}/busy.db")
    with read(open_database(settings)) as connection:
        connection.exec_driver_sql("CREATE TABLE some (thing)")
    theirs = sa.create_engine(settings.database_url, **database.keeping_little(settings, 8))
    for engine in (open_database(settings), theirs):
        before = _open_logs(tmp_path)
        with ExitStack() as busy:
            for _ in range(8):
                busy.enter_context(engine.connect()).exec_driver_sql("SELECT * FROM some")
            assert _open_logs(tmp_path) - before >= 8
        with engine.connect():
            assert _open_logs(tmp_path) - before <= database._KEPT
        engine.dispose()


def _open_logs(folder: Path) -> int:
    log = (folder / "busy.db-wal").resolve()
    return sum(one.resolve() == log for one in Path("/proc/self/fd").iterdir())


def test_several_processes_may_migrate_at_once(tmp_path: Path) -> None:
    program = "import sys; from douane.store.database import *; migrate(open_database(sys.argv[1]))"
    url = f"sqlite:///{tmp_path}/new.db"
    running = [subprocess.Popen([sys.executable, "-c", program, url]) for _ in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    with read(open_database(url)) as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(schema.operation)).scalar() == 0


def test_who_waits_to_migrate_does_not_hold_up_who_does(postgres_storage: Settings) -> None:
    # DBOS makes indexes so, when several processes start at once on an empty database.
    engine, other = open_database(postgres_storage), open_database(postgres_storage)
    waits, entered = threading.Event(), threading.Event()

    def wait() -> None:
        waits.set()
        with migrating(other):
            entered.set()

    with ThreadPoolExecutor(1) as threads, engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql("SET statement_timeout = 10000")
        connection.exec_driver_sql("CREATE TABLE plain (a integer)")
        with migrating(engine):
            waiting = threads.submit(wait)
            waits.wait()
            time.sleep(0.5)  # until it stands before the lock
            connection.exec_driver_sql("CREATE INDEX CONCURRENTLY plain_a ON plain (a)")
            assert not entered.is_set()
        waiting.result(10)
    assert entered.is_set()
    engine.dispose()
    other.dispose()


def test_a_database_of_a_newer_douane_is_refused(engine: Engine) -> None:
    with write(engine) as connection:
        connection.exec_driver_sql("UPDATE schema_version SET version_num = '9999'")
    with pytest.raises(errors.Unavailable, match="newer Douane"):
        migrate(engine)


def test_a_block_that_raises_leaves_nothing(engine: Engine) -> None:
    row = schema.installation.insert().values(name="a", value="b")
    with pytest.raises(ZeroDivisionError), write(engine) as connection:
        connection.execute(row).rowcount // 0
    with read(engine) as connection:
        assert connection.execute(sa.select(schema.installation)).all() == []


def test_a_reader_sees_one_moment(engine: Engine) -> None:
    count = sa.select(sa.func.count()).select_from(schema.installation)
    with read(engine) as reading:
        assert reading.execute(count).scalar() == 0
        with write(engine) as connection:
            connection.execute(schema.installation.insert().values(name="a", value="b"))
        assert reading.execute(count).scalar() == 0
    with read(engine) as reading:
        assert reading.execute(count).scalar() == 1


def test_what_is_remembered_is_what_stands_there(engine: Engine) -> None:
    asked: list[str] = []

    def value(connection: sa.Connection) -> str:
        asked.append("")
        found = connection.execute(sa.select(schema.installation.c.value)).scalars().first()
        if found is None:
            raise errors.NotFound("nothing")
        return str(found)

    def look(key: str = "a") -> str:
        return remembered(engine, key, value)

    for _ in range(2):  # that there is nothing is not remembered
        with pytest.raises(errors.NotFound):
            look()
    with write(engine) as connection:
        connection.execute(schema.installation.insert().values(name="n", value="0"))
    assert [look(), look(), look("b")] == ["0"] * 3
    # SQLite can tell that nothing was changed; PostgreSQL is read each time.
    assert len(asked) == (4 if engine.dialect.name == "sqlite" else 5)
    with ThreadPoolExecutor(4) as threads:
        for turn in range(1, 20):
            with write(engine) as connection:
                connection.execute(schema.installation.update().values(value=str(turn)))
                held = threads.submit(look).result()  # what is not committed is not there yet
                assert held == str(turn - 1)
            assert set(threads.map(lambda _: look(), range(8))) == {str(turn)}


def test_what_remembers_holds_no_file_of_a_database_that_was_let_go(sqlite_storage: Settings) -> None:
    engine = open_database(sqlite_storage)
    with read(engine) as connection:
        connection.exec_driver_sql("SELECT 1")
    assert mark(engine) is not None
    path = Path(engine.url.database or "")
    assert path.with_name(f"{path.name}-wal").exists()
    engine.dispose()
    assert not path.with_name(f"{path.name}-wal").exists(), "the last connection to close puts it in its place"
    assert mark(engine) is not None, "it is opened anew"
    engine.dispose()


def test_another_process_is_noticed_before_what_is_remembered(sqlite_storage: Settings) -> None:
    engine = open_database(sqlite_storage)
    migrate(engine)
    with write(engine) as connection:
        connection.execute(schema.installation.insert().values(name="n", value="0"))

    def value(connection: sa.Connection) -> str:
        return str(connection.execute(sa.select(schema.installation.c.value)).scalar_one())

    assert remembered(engine, "a", value) == "0"
    path = engine.url.database or ""
    program = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()"
    for number, statement in enumerate(("UPDATE installation SET value = '1'", "PRAGMA wal_checkpoint(TRUNCATE)")):
        subprocess.run([sys.executable, "-c", program, path, statement], check=True)
        assert remembered(engine, "a", value) == "1", number


def test_read_then_write_loses_no_update(engine: Engine) -> None:
    with write(engine) as connection:
        connection.execute(schema.installation.insert().values(name="n", value="0"))

    def add_one(_: int) -> None:
        with write(engine) as connection:
            query = sa.select(schema.installation.c.value).with_for_update()
            value = int(connection.execute(query).scalar_one())
            connection.execute(schema.installation.update().values(value=str(value + 1)))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add_one, range(40)))
    with read(engine) as connection:
        assert connection.execute(sa.select(schema.installation.c.value)).scalar() == "40"


def test_times_come_back_in_utc(engine: Engine) -> None:
    moment = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    lease = schema.worker_lease
    with write(engine) as connection:
        connection.execute(lease.insert().values(executor_id="a", beaten_at=moment, started_at=moment))
    with read(engine) as connection:
        assert connection.execute(sa.select(lease.c.beaten_at)).scalar_one() == moment
        assert abs(database_now(connection) - datetime.now(UTC)) < timedelta(minutes=5)
        late = sa.select(lease.c.executor_id).where(lease.c.beaten_at < moment + timedelta(seconds=1))
        assert connection.execute(late).scalars().all() == ["a"]


def test_a_full_disk_says_so(sqlite_storage: Settings) -> None:
    engine = open_database(sqlite_storage)
    big = schema.installation.insert().values(name="a", value="x" * 1_000_000)

    def fill(connection: sa.Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        connection.execute(big)

    with pytest.raises(errors.StorageFull), write(engine) as connection:
        fill(connection)


def test_no_room_in_postgres_says_so(postgres_storage: Settings) -> None:
    raised = "DO $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'; END $$"
    with pytest.raises(errors.StorageFull), write(open_database(postgres_storage)) as connection:
        connection.exec_driver_sql(raised)


def test_a_server_that_is_gone_is_unavailable() -> None:
    engine = open_database("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(errors.Unavailable), read(engine):
        pass


def test_a_server_that_breaks_off_is_unavailable(postgres_storage: Settings) -> None:
    engine = open_database(postgres_storage)
    with pytest.raises(errors.Unavailable), read(engine) as connection:
        connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
    with read(engine) as connection:
        assert database_now(connection)


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(errors.Unavailable), read(open_database(f"sqlite:///{tmp_path}/x.db")):
        pass


def test_other_databases_are_refused() -> None:
    with pytest.raises(errors.BadRequest, match="mysql"):
        open_database("mysql://localhost/x")


def test_what_is_taken_and_what_cannot_be_held_is_said_in_our_words(engine: Engine) -> None:
    row = schema.installation.insert().values(name="a", value="b")
    with write(engine) as connection:
        connection.execute(row)
    with pytest.raises(errors.Conflict), write(engine) as connection:
        connection.execute(row)
    orphan = schema.outbox.insert().values(
        id="1", operation_id="nobody", project_id="", stage="failed", document={}, created_at=datetime.now(UTC)
    )
    with pytest.raises(errors.Conflict), write(engine) as connection:
        connection.execute(orphan)
    nothing = schema.installation.insert().values(name="b", value=None)
    with pytest.raises(errors.Unstorable), write(engine) as connection:
        connection.execute(nothing)
    away = sa.exc.OperationalError("insert", {}, Exception("the server closed the connection"))
    assert isinstance(translate(away), errors.Unavailable)
    assert isinstance(translate(sa.exc.DataError("insert", {}, Exception("no such character"))), errors.Unstorable)
    with pytest.raises(sa.exc.ProgrammingError if engine.dialect.name == "postgresql" else sa.exc.OperationalError):
        ask_nonsense(engine)


def test_documents_come_back_as_they_were_written(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    table = sa.Table("odd", sa.MetaData(), sa.Column("document", sa.JSON))
    odd = {"half": "\ud800", "whole": "\U0001f600", "big": 10**30, "zero": -0.0, "list": [1.5, "\u2028", None, True]}
    with write(engine) as connection:
        table.create(connection)
        connection.execute(table.insert().values(document=odd))
    with read(engine) as connection:
        back = connection.execute(sa.select(table)).scalar_one()
    assert json.dumps(back) == json.dumps(odd)
    # What only the standard library reads is read by it, and nothing else is.
    with monkeypatch.context() as patch:
        patch.setattr(database, "json", None)
        assert database._decoded(b'{"a": [1, "\xc3\xa9"]}') == {"a": [1, "é"]}
        assert database._encoded({"a": [1, "é", "\0"]}) == '{"a":[1,"é","\\u0000"]}'
    for kept in (odd, {"a": [float("nan"), float("inf")]}, {"b": "\ud800"}, {None: 1}):
        assert json.dumps(json.loads(database._encoded(kept))) == json.dumps(kept)
    assert json.dumps(database._decoded('[NaN, 1e999, "\\ud800"]')) == '[NaN, Infinity, "\\ud800"]'


def ask_nonsense(engine: Engine) -> None:
    with read(engine) as connection:
        connection.exec_driver_sql("SELECT nothing FROM nowhere")


def test_the_file_survives_power_cuts(sqlite_storage: Settings) -> None:
    with read(open_database(sqlite_storage)) as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    assert sqlite3.sqlite_version_info >= (3, 35)


def test_what_a_busy_moment_opened_is_left_alone_afterwards(engine: Engine) -> None:
    with read(engine), read(engine), read(engine):
        pass
    taken = set()
    for _ in range(6):
        with read(engine) as connection:
            taken.add(id(connection.connection.dbapi_connection))
    assert len(taken) == 1


def test_many_connections_hold_no_more_of_a_file_than_one(sqlite_storage: Settings) -> None:
    engine = open_database(sqlite_storage)
    held = ctypes.CDLL(_sqlite3.__file__).sqlite3_memory_used
    held.restype = ctypes.c_int64
    with write(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE large (b BLOB)")
        for _ in range(3000):
            connection.exec_driver_sql("INSERT INTO large VALUES (randomblob(3000))")
    before = held()
    # DBOS makes its own.
    others = [sqlite3.connect(str(engine.url.database)) for _ in range(8)]
    for other in others:
        assert other.execute("SELECT sum(length(b)) FROM large").fetchone() == (9_000_000,)
    assert held() - before < database._HELD_BYTES
    for other in others:
        other.close()
    engine.dispose()


def test_blocked_writers_leave_readers_alone(sqlite_storage: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "WRITERS_WAITING_MAX", 4)
    monkeypatch.setattr(database, "_STANDSTILL_S", 0.2)
    engine = open_database(sqlite_storage.model_copy(update={"database_pool": 1, "database_wait_s": 30}))
    path = sqlite_storage.database_url.removeprefix("sqlite:///")
    blocker = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    blocker.execute("BEGIN IMMEDIATE")

    def add(number: int) -> None:
        with write(engine) as connection:
            connection.execute(schema.installation.insert().values(name=f"w{number}", value="x"))

    with ThreadPoolExecutor(8) as threads:
        # One waits for the database, four for their turn; there is no place for the others.
        writers = [threads.submit(add, number) for number in range(8)]
        while sum(writer.done() for writer in writers) < 3:
            time.sleep(0.01)
        for _ in range(3):
            with read(engine) as connection:
                assert connection.execute(sa.select(sa.func.count()).select_from(schema.installation)).scalar() == 0
        assert sum(writer.done() for writer in writers) == 3
        refused = [writer for writer in writers if writer.done()]
        blocker.execute("ROLLBACK")
        for writer in writers:
            if writer not in refused:
                writer.result(60)
    for writer in refused:
        with pytest.raises(errors.Unavailable, match="Very many changes"):
            writer.result()
    blocker.close()
    with read(engine) as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(schema.installation)).scalar() == 5


def test_a_crowd_that_gets_its_turns_is_not_refused(sqlite_storage: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "WRITERS_WAITING_MAX", 2)
    engine = open_database(sqlite_storage)
    migrate(engine)
    all_there = threading.Barrier(12)

    def add(number: int) -> None:
        all_there.wait()
        with write(engine) as connection:
            time.sleep(0.02)
            connection.execute(schema.installation.insert().values(name=f"w{number}", value="x"))

    with ThreadPoolExecutor(12) as threads:
        for writer in [threads.submit(add, number) for number in range(12)]:
            writer.result(60)
    with read(engine) as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(schema.installation)).scalar() == 12


def test_who_waits_too_long_for_a_turn_is_told(sqlite_storage: Settings) -> None:
    engine = open_database(sqlite_storage.model_copy(update={"database_wait_s": 0.05}))
    with write(engine), pytest.raises(errors.Unavailable, match="busy"), write(engine):
        pass


def test_who_waits_for_another_process_writes_soon_after_it(
    sqlite_storage: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite asks again after 1, 2, 5, 10, 15, 20, 25 ... 100 ms: who waited for five moments would wait for 50 ms."""
    other = sqlite3.connect(sqlite_storage.data / "douane.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 5:
            other.execute("COMMIT")

    engine = open_database(sqlite_storage)
    with monkeypatch.context() as patch:
        patch.setattr(database.time, "sleep", pause)
        with write(engine) as connection:
            connection.execute(schema.installation.insert().values(name="a", value="b"))
            # What is asked of it otherwise waits as it is set.
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == sqlite_storage.database_wait_s * 1000
    assert len(pauses) == 5
    assert sum(pauses) < 0.01
    other.execute("BEGIN IMMEDIATE")
    soon = open_database(sqlite_storage.model_copy(update={"database_wait_s": 0.05}))
    with pytest.raises(errors.Unavailable, match="busy"), write(soon):
        pass
    other.close()
