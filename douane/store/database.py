"""The database: one engine per process, transactions, migrations, and driver errors in our words.

SQLite (WAL) and PostgreSQL through the same calls. Functions that hold SQL live beside this module, one module a
subject, and take a `Connection`: `read` and `write` are the two ways to get one.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
import sqlite3
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, Engine, RootTransaction, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from douane import errors
from douane.settings import Settings

log = logging.getLogger(__name__)

T = TypeVar("T")

# Any number that no other program is likely to lock in the same database.
_MIGRATION_LOCK = 0x446F7561
_MIGRATION_POLL_S = 0.1
_MIGRATION_SAID_S = 2.0

VERSION_TABLE = "schema_version"  # Alembic's

_WRITE = "douane_write_wait_s"
_AFTER = "douane_afterwards"
# `pool_use_lifo`, of both engines: the connection that was given back last is the next to be taken. In turns each that
# a busy moment opened would go on preparing and keeping for itself what the others have.
# What all connections of a process together keep of an SQLite file, DBOS' among them. By itself each keeps 2 MB, which
# a growing file fills one after the other; the system keeps the file as well, and asking it costs next to nothing.
_HELD_BYTES = 4 << 20
# Of each connection of SQLite; the driver keeps 128, of some 6 KB each, which a bound on pages does not let go. A
# worker has near twenty connections, and those that are seldom taken would fill them over hours; an import takes 50.
_STATEMENTS = 48
# Connections to SQLite that a pool keeps; what a busy moment needs beyond them is closed again when it is given back.
# Each has files open and statements of its own, and another is opened in a millisecond.
_KEPT = 5
_NOTHING = object()
_KEPT_MAX = 512  # answers that are remembered while nothing changes
_ASK_FIRST_S, _ASK_LAST_S = 0.0005, 0.005  # pauses of who waits for another process to have written
WRITERS_WAITING_MAX = 30  # threads of a process that wait to write; the others are for who reads
# More may wait as long as turns pass: a crowd is no reason to refuse anybody, a writer that hangs is.
_STANDSTILL_S = 1.0
_TRIED_BYTES = 64 << 10  # as much as a small change needs of a disk


def open_database(settings: Settings | str) -> Engine:
    """An engine for the settings' database, or for an address. Connects on first use: a server that does not answer
    shows as `Unavailable` there. Call `migrate` once before anything else uses the tables."""
    if isinstance(settings, str):
        settings = Settings(database_url=settings)
    url = database_url(settings.database_url)
    return _open_sqlite(url, settings) if url.get_backend_name() == "sqlite" else _open_postgres(url, settings)


def database_url(text: str) -> URL:
    """The address with its driver: `postgres://` and `postgresql://` mean psycopg 3 here."""
    url = make_url(text)
    if url.drivername in {"postgres", "postgresql"}:
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername not in {"sqlite", "postgresql+psycopg"}:
        raise errors.BadRequest(f"Douane works on SQLite and PostgreSQL, not on {url.drivername}.")
    return url


def _open_sqlite(url: URL, settings: Settings) -> Engine:
    if not url.database or url.database == ":memory:":
        raise errors.BadRequest("SQLite needs a file: several processes share it.")
    _make_private(Path(url.database))
    most = 2 * settings.database_pool  # as of PostgreSQL
    engine = sa.create_engine(
        url,
        json_serializer=_encoded,
        json_deserializer=_decoded,
        connect_args={
            "timeout": settings.database_wait_s,
            "check_same_thread": False,
            "cached_statements": _STATEMENTS,
        },
        pool_size=min(_KEPT, most),
        max_overflow=most - min(_KEPT, most),
        pool_timeout=settings.database_wait_s,
        pool_use_lifo=True,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        # The driver's own idea of when to begin is off: a read would see no snapshot, and a read that turns into a
        # write fails at once whatever the busy time is.
        connection.isolation_level = None
        # FULL: what was acknowledged survives a power cut too.
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            f"soft_heap_limit = {_HELD_BYTES}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        left_s = connection.get_execution_options().get(_WRITE)
        if left_s is None:
            connection.exec_driver_sql("BEGIN")
        else:
            _begin_to_write(connection, left_s, settings.database_wait_s)

    _queues[engine] = _Queue(1, settings.database_wait_s)
    _memories[engine] = memory = _Memory(url.database)
    # The last of a file's connections to close puts what was written ahead in its place; so none may stay open.
    event.listen(engine, "engine_disposed", lambda _: memory.close())
    return engine


def _begin_to_write(connection: Connection, left_s: float, usual_s: float) -> None:
    """Begins the one transaction that may write, once no other process has it. SQLite itself would ask again in pauses
    that soon are a tenth of a second, and an edit wait so long for a worker that wrote for some milliseconds. One
    thread of a process asks (`_Queue`), and asking costs microseconds. `usual_s`: what the connection waits else."""
    raw = connection.connection.dbapi_connection
    assert isinstance(raw, sqlite3.Connection)
    end, pause_s = time.monotonic() + left_s, _ASK_FIRST_S
    raw.execute("PRAGMA busy_timeout = 0")
    try:
        while time.monotonic() < end:
            try:
                raw.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.Error as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    break
            time.sleep(pause_s)
            pause_s = min(pause_s * 1.5, _ASK_LAST_S)
        # Once more, so that what is wrong comes in SQLAlchemy's words as everything does.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        raw.execute(f"PRAGMA busy_timeout = {int(usual_s * 1000)}")


def keeping_little(settings: Settings, connections: int) -> dict[str, Any]:
    """For an engine that is opened elsewhere (DBOS'), so that its connections hold no more than ours do; at most so
    many `connections`."""
    if not settings.on_sqlite:
        return {"pool_size": connections, "max_overflow": 0, "pool_use_lifo": True}
    kept = min(_KEPT, connections)
    statements = {"cached_statements": _STATEMENTS}
    return {"pool_size": kept, "max_overflow": connections - kept, "pool_use_lifo": True, "connect_args": statements}


def _make_private(path: Path) -> None:
    """A new database may be read by its owner alone, and so may what SQLite puts beside it: it has e-mail addresses,
    hashes of passwords and edited cells. What exists keeps the rights that somebody gave it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _open_postgres(url: URL, settings: Settings) -> Engine:
    wait_ms, query_ms = int(settings.database_wait_s * 1000), int(settings.database_query_s * 1000)
    engine = sa.create_engine(
        url,
        json_serializer=_encoded,
        json_deserializer=_decoded,
        connect_args={
            "connect_timeout": max(2, int(settings.database_wait_s)),
            "application_name": "douane",
            "options": f"-c timezone=UTC -c lock_timeout={wait_ms} -c statement_timeout={query_ms} "
            f"-c idle_in_transaction_session_timeout={query_ms}",
        },
        pool_size=settings.database_pool,
        max_overflow=settings.database_pool,
        pool_timeout=settings.database_wait_s,
        pool_use_lifo=True,
        pool_pre_ping=True,
    )
    # As many again may overflow: those are for who reads.
    _queues[engine] = _Queue(settings.database_pool, settings.database_wait_s)
    return engine


def _decoded(document: str | bytes) -> Any:
    """A document as the standard library reads it, in a fifth of the time: an import's is read with every request. What
    the quick reader refuses (NaN, half a surrogate) was written all the same."""
    try:
        return msgspec.json.decode(document)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return json.loads(document)


def _encoded(document: Any) -> str:
    """A document as the standard library writes it, in a fifth of the time: that of a wide file is some megabytes, and
    is written while all others wait to write. The quick writer makes a null of what is no number, so whatever holds a
    null, and what it refuses (half a surrogate), is left to the slow one."""
    try:
        text = msgspec.json.encode(document)
    except (msgspec.MsgspecError, TypeError, UnicodeError, RecursionError):
        return json.dumps(document)
    return json.dumps(document) if b"null" in text else text.decode()


@contextmanager
def read(engine: Engine) -> Iterator[Connection]:
    """A connection that sees the database as it was at its first statement, and may only read."""
    with _in_our_words():
        if engine.dialect.name == "sqlite":
            options: dict[str, Any] = {}
        else:
            options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection


def mark(engine: Engine) -> int | None:
    """A number that moves with every change of anything in the database, whoever commits it; None where only looking
    can tell, as on PostgreSQL. Costs some microseconds."""
    memory = _memories.get(engine)
    return None if memory is None else memory.mark()


def remembered(engine: Engine, key: Hashable, ask: Callable[[Connection], T]) -> T:
    """What `ask` reads, or what it read under this key before, if nothing whatever was changed in the database since:
    SQLite tells that in a hundredth of what asking for a row costs. PostgreSQL is always asked. For what every request
    begins with; nobody may change what comes back, for others get the same."""
    memory = _memories.get(engine)
    mark = None if memory is None else memory.mark()
    if memory is None or mark is None:
        with read(engine) as connection:
            return ask(connection)
    if (held := memory.held(mark, key)) is not _NOTHING:
        return cast(T, held)
    # What changes between the mark and the look makes the next mark another one.
    with read(engine) as connection:
        found = ask(connection)
    memory.keep(mark, key, found)
    return found


class _Memory:
    """What was read of one SQLite file while it stayed as it was. The mark is of a connection of its own, which never
    writes: its number moves with every change that another one commits, in whichever process."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._process = 0
        self._at: int | None = None
        self._kept: dict[Hashable, object] = {}

    def mark(self) -> int | None:
        """None where it cannot be told."""
        with self._lock:
            try:
                if self._connection is None or self._process != os.getpid():
                    # One that came along with a fork is its parent's.
                    self._at, self._process = None, os.getpid()
                    self._connection = sqlite3.connect(
                        f"{Path(self._path).absolute().as_uri()}?mode=rw",
                        uri=True, timeout=0, isolation_level=None, check_same_thread=False,
                    )  # fmt: skip
                (number,) = self._connection.execute("PRAGMA data_version").fetchone()
            except sqlite3.Error:
                return None
            return int(number)

    def close(self) -> None:
        with self._lock:
            connection, self._connection = self._connection, None
            self._at, self._kept = None, {}
        if connection is not None and self._process == os.getpid():
            connection.close()

    def held(self, mark: int, key: Hashable) -> object:
        with self._lock:
            return self._kept.get(key, _NOTHING) if self._at == mark else _NOTHING

    def keep(self, mark: int, key: Hashable, found: object) -> None:
        with self._lock:
            if self._at != mark or len(self._kept) >= _KEPT_MAX:
                self._at, self._kept = mark, {}
            self._kept[key] = found


_memories: weakref.WeakKeyDictionary[Engine, _Memory] = weakref.WeakKeyDictionary()


@contextmanager
def write(engine: Engine) -> Iterator[Connection]:
    """A transaction that commits at the end of the block, and rolls back if the block raises. On SQLite it is the only
    one that writes from its first moment on, so reading before writing is safe; on PostgreSQL lock the rows you read
    (`with_for_update()`, which SQLite ignores). Keep it short, and never open a second one inside.

    Writers wait for each other outside the pool, so that those who only read find a connection however long a writer
    takes. Unavailable after `database_wait_s`, or at once where very many wait already."""
    after: list[Callable[[], None]] = []
    with (
        _in_our_words(),
        _queue_of(engine).turn() as left_s,
        engine.connect().execution_options(**{_WRITE: left_s, _AFTER: after}) as connection,
        connection.begin(),
    ):
        yield connection
    for call in after:
        call()


def afterwards(connection: Connection, call: Callable[[], None]) -> None:
    """Calls it once the transaction of a `write` is committed, if it is. It must not fail: what was done is done."""
    calls: list[Callable[[], None]] = connection.get_execution_options().get(_AFTER, [])
    calls.append(call)


class _Queue:
    """Where the writers of one engine wait. `places`: how many may write at once; SQLite lets one."""

    def __init__(self, places: int, wait_s: float) -> None:
        self._places = threading.Semaphore(places)
        self._wait_s = wait_s
        self._lock = threading.Lock()
        self._waiting = self._turns = 0

    @contextmanager
    def turn(self) -> Iterator[float]:
        """Yields the seconds that are left to wait for the database itself."""
        end = time.monotonic() + self._wait_s
        if not self._places.acquire(blocking=False):
            self._wait(end)
        self._turns += 1
        try:
            yield max(0.1, end - time.monotonic())
        finally:
            self._places.release()

    def _wait(self, end: float) -> None:
        """Until there is a place; Unavailable where there is none in time, or too many wait and nobody gets one."""
        with self._lock:
            self._waiting += 1
            longest = self._wait_s if self._waiting <= WRITERS_WAITING_MAX else _STANDSTILL_S
        try:
            passed = self._turns
            while not self._places.acquire(timeout=max(0.0, min(longest, end - time.monotonic()))):
                if time.monotonic() >= end:
                    raise errors.Unavailable("The database is busy; try again in a moment.")
                if passed == self._turns:
                    raise errors.Unavailable("Very many changes wait for the database; try again in a moment.")
                passed = self._turns
        finally:
            with self._lock:
                self._waiting -= 1


_queues: weakref.WeakKeyDictionary[Engine, _Queue] = weakref.WeakKeyDictionary()


def _queue_of(engine: Engine) -> _Queue:
    """Made with the engine; one that was not opened here has a place for each writer."""
    return _queues.get(engine) or _queues.setdefault(engine, _Queue(1_000, 60))


def try_write(engine: Engine, wait_s: float) -> None:
    """Begins a transaction that could write and takes it back. Unavailable or StorageFull where that is not to be had
    within `wait_s`, or where the database takes no changes."""
    with _in_our_words(), engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        if isinstance(raw, sqlite3.Connection):
            wait_ms = raw.execute("PRAGMA busy_timeout").fetchone()[0]
            raw.execute(f"PRAGMA busy_timeout = {int(wait_s * 1000)}")
            try:
                raw.execute("BEGIN IMMEDIATE")
                try:
                    # A change, so that a full disk is met.
                    raw.execute("CREATE TABLE douane_try_write (a)")
                finally:
                    raw.execute("ROLLBACK")
                # What is not committed may never have come to the disk.
                _try_disk(Path(str(engine.url.database)).parent)
            except sqlite3.Error as error:
                translated = _translate_sqlite(getattr(error, "sqlite_errorcode", None))
                if translated is None:
                    raise
                raise translated from error
            finally:
                raw.execute(f"PRAGMA busy_timeout = {wait_ms}")
            return
        with connection.begin():
            if connection.exec_driver_sql("SHOW transaction_read_only").scalar_one() == "on":
                raise errors.Unavailable("The database server takes no changes; it is a copy or was closed to them.")


def _try_disk(folder: Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(_TRIED_BYTES))
            file.flush()
    except OSError as error:
        if errors.no_room(error):
            raise errors.StorageFull("The disk of the database is full; nothing was changed.") from error
        raise errors.Unavailable("The database file cannot be opened or written.") from error


def database_now(connection: Connection) -> datetime:
    """The database's clock, in UTC: the only one that leases, schedules and expiries are measured by."""
    if connection.dialect.name == "sqlite":
        text = connection.execute(sa.text("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')")).scalar_one()
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    moment: datetime = connection.execute(sa.text("SELECT clock_timestamp()")).scalar_one()
    return moment.astimezone(UTC)


def migrate(engine: Engine) -> None:
    """Brings the schema to today's. Safe when several processes start at once, and instant when nothing is to do."""
    if engine.dialect.name == "postgresql":
        _refuse_what_stands_between(engine)
    # A look waits for no writer, so that who only starts does not either: one that hangs is no reason to hang with it.
    stands_at, newest = schema_step(engine)
    if stands_at == newest:
        return
    with (
        _in_our_words(),
        migrating(engine),
        engine.connect().execution_options(**{_WRITE: 600}) as connection,
        connection.begin(),
    ):
        if engine.dialect.name == "postgresql":
            # Of this transaction alone: a connection goes back to be used by others.
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        if _version(connection) == newest_step():
            return
        # Costs a tenth of a second and 8 MiB, which what serves would hold to its end.
        from douane.store.migrations import upgrade

        upgrade(connection)


def schema_step(engine: Engine) -> tuple[str | None, str]:
    """Where the database stands, None at none, and where this Douane wants it to."""
    with _in_our_words(), engine.connect() as connection, connection.begin():
        return _version(connection), newest_step()


def newest_step() -> str:
    """The revision of the last step of `migrations/versions`, whose files begin with theirs."""
    folder = Path(__file__).parent / "migrations" / "versions"
    return max(path.name.partition("_")[0] for path in folder.glob("[0-9]*.py"))


def _version(connection: Connection) -> str | None:
    """The step that the database stands at; None where it stands at none."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar()
    return found


def _refuse_what_stands_between(engine: Engine) -> None:
    """BadRequest with the server's own sentence where it refuses us for good, and where a pooler stands between that
    gives each transaction another session or drops our settings: prepared statements, time limits and the time zone are
    a session's, and would be lost or another client's."""
    try:
        with engine.connect() as one, engine.connect() as other:
            mine = _session(one)
            # While this one is in a transaction, a pooler cannot give its session to the other.
            with other.begin():
                others = other.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
                again = _session(one)
            zone = one.exec_driver_sql("SHOW timezone").scalar_one()
    except OperationalError as error:
        said = _server_said(error)
        if said is None:
            with _in_our_words():
                raise
        raise errors.BadRequest(f"The database server refuses Douane: {said}{_ADVICE.get(said, '')}") from error
    if mine != again or mine == others or zone != "UTC":
        raise errors.BadRequest(
            "Between Douane and PostgreSQL stands a pooler in transaction mode, or one that drops the settings of a "
            "session. Connect straight to PostgreSQL, or through a pool in session mode that passes `options`."
        )


def _session(connection: Connection) -> int:
    """Who serves a transaction of this connection."""
    with connection.begin():
        return int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())


_ADVICE = {
    "unsupported startup parameter: options": ". That is a pooler's word: connect straight to PostgreSQL, or through a "
    "pool in session mode that passes `options`."
}
# What a server says that will take us a moment later.
_PASSING = ("starting up", "shutting down", "too many", "remaining connection slots", "recovery", "not yet accepting")


def _server_said(error: OperationalError) -> str | None:
    """The sentence of a server that answered and said no for good; None where nobody answered, or for the moment."""
    found = re.search(r"FATAL:\s+(.*)", str(error.orig))
    if found is None or any(words in found[1] for words in _PASSING):
        return None
    return found[1].strip()


@contextmanager
def migrating(engine: Engine) -> Iterator[None]:
    """Held by one process of all that use this database."""
    if engine.dialect.name == "sqlite":
        # Foreign to SQLite's own locks, so that waiting has no time limit.
        with file_lock(Path(f"{engine.url.database}.migrating")):
            yield
        return
    with engine.connect() as connection:
        # The lock of a transaction, which is one session's whatever stands between. It is asked for again and again: a
        # statement that waits keeps its snapshot, and the holder's CREATE INDEX CONCURRENTLY (DBOS has some) would wait
        # for that snapshot's end, each for the other for ever. Between statements this transaction has none.
        asked = 0
        while not (held := _migration_lock(connection)):
            asked += 1
            if asked == round(_MIGRATION_SAID_S / _MIGRATION_POLL_S):
                log.info("Another process brings the database up to date; waiting for it.")
            time.sleep(_MIGRATION_POLL_S)
        try:
            yield
        finally:
            held.rollback()


def _migration_lock(connection: Connection) -> RootTransaction | None:
    """The transaction that holds it; None if another one does."""
    transaction = connection.begin()
    taken = connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(_MIGRATION_LOCK))).scalar_one()
    if not taken:
        transaction.rollback()
        return None
    # While it is held this connection is idle, for as long as the changes take. And it must be the last statement: a
    # SELECT with parameters leaves its portal open, with a snapshot that CREATE INDEX CONCURRENTLY would wait for.
    connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
    return transaction


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Waits until no other process (or thread) of this machine holds the file locked; lets go even after kill -9."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", opener=private) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def private(path: str, flags: int) -> int:
    """For `open`: what is made is nobody else's, as all of the data folder."""
    return os.open(path, flags, 0o600)


@contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except PoolTimeout as error:
        raise errors.Unavailable("All connections to the database are busy; try again in a moment.") from error
    except StatementError as error:
        translated = translate(error)
        if translated is None:
            raise
        raise translated from error


def translate(error: StatementError) -> errors.DouaneError | None:
    """What a driver's error means for the caller; None where it is a mistake of ours."""
    original = error.orig
    if isinstance(error, IntegrityError):
        return _translate_broken_rule(error)
    if not isinstance(error, DBAPIError) or isinstance(error, DataError):
        return errors.Unstorable("The database cannot hold one of the values; nothing was changed.")
    if isinstance(original, sqlite3.Error):
        return _translate_sqlite(getattr(original, "sqlite_errorcode", None))
    state = getattr(original, "sqlstate", None) or ""
    if state == "53100":
        return errors.StorageFull("The database has no room left; nothing was changed.")
    if state in {"55P03", "57014"}:
        return errors.Unavailable("The database took too long; try again in a moment.")
    if state in {"40001", "40P01"}:
        return errors.Unavailable("Two changes got in each other's way; try again.")
    lost = error.connection_invalidated or (not state and isinstance(error, OperationalError | InterfaceError))
    if lost or state.startswith(("08", "57P", "53")):
        return errors.Unavailable("The database does not answer; try again in a moment.")
    return None


# Unique, primary key, row id; and a reference to what is gone.
_SQLITE_TAKEN = {2067, 1555, 2579, 787}
_POSTGRES_TAKEN = {"23505", "23503"}


def _translate_broken_rule(error: IntegrityError) -> errors.DouaneError:
    original = error.orig
    taken = (
        getattr(original, "sqlite_errorcode", None) in _SQLITE_TAKEN
        or getattr(original, "sqlstate", None) in _POSTGRES_TAKEN
    )
    if taken:
        return errors.Conflict("It is there already, or what it belongs to is gone; nothing was changed.")
    return errors.Unstorable("The database cannot hold one of the values; nothing was changed.")


def _translate_sqlite(code: int | None) -> errors.DouaneError | None:
    # Extended codes carry the primary one in their low byte.
    primary = None if code is None else code & 0xFF
    if primary == sqlite3.SQLITE_FULL:
        return errors.StorageFull("The disk of the database is full; nothing was changed.")
    if primary in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return errors.Unavailable("The database is busy; try again in a moment.")
    if primary in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_NOTADB}:
        return errors.Unavailable("The database file cannot be opened or written.")
    return None
