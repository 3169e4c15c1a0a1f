"""Asking for work, in the transaction of the state change that causes it.

A port over DBOS Transact: who asks names a kind and a work item, never a function. DBOS takes a second or two to
import, so nothing here does before the first `open`; the command line never pays for it.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection, Engine

from douane.errors import Unavailable
from douane.jobs import bells
from douane.jobs.troubles import troubles
from douane.settings import Settings
from douane.store.database import afterwards, database_url, migrating

if TYPE_CHECKING:
    from dbos import DBOSClient

# `delivery` is for work that waits for other servers: it takes no child's seat, and no place from who does.
Size = Literal["interactive", "small", "large", "delivery"]
SIZES: tuple[Size, ...] = ("interactive", "small", "large", "delivery")

APPLICATION = "douane"
# Constant, or an upgrade would leave the work of the day before where it stands, holding its project's slots.
VERSION = "1"
WORKFLOW = "job"
# Its one argument is a job as a document (`Job`), with its "turn" and "tries". Jobs of before there were other items
# than operations have "operation_id" in place of "item".


@dataclass(frozen=True, slots=True)
class WorkItem:
    """What a job is about: an `operation`, a `delivery`, a `schedule` ..., and which."""

    type: str
    id: str


def item_of(job: dict[str, Any]) -> WorkItem:
    if "item" in job:
        return WorkItem(job["item"]["type"], job["item"]["id"])
    return WorkItem("operation", job["operation_id"])


@dataclass(frozen=True, slots=True)
class Job:
    """One run of the handler `kind`. A `key` is asked for once: the same key again does nothing, whether that job
    waits, runs or is long done. So a key holds whatever makes an ask a new one, e.g. f"read:{operation_id}:{attempt}".
    `share`: of whose jobs only so many run at once (`slots_project`), where that is not the project."""

    kind: str
    item: WorkItem
    project_id: str
    key: str
    size: Size = "small"
    share: str | None = None

    def document(self) -> dict[str, Any]:
        whole = asdict(self)
        if self.share is None:
            del whole["share"]
        return whole


def following_ids(job: dict[str, Any]) -> list[str]:
    """Of the runs that this one of a job may have been put back as: for another turn, or another try."""
    return [_run_id(job["key"], job["turn"] + 1, 0), _run_id(job["key"], job["turn"], job["tries"] + 1)]


def _run_id(key: str, turn: int, tries: int) -> str:
    return f"{key}~{turn}.{tries}"


class Jobs:
    """The way in to the queues. Cheap to make; safe to use from several threads."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._settings = settings
        self._engine = engine
        self._bells = bells.path_of(settings)
        self._lock = threading.Lock()
        self._client: DBOSClient | None = None
        self._today = False  # whether its tables are

    def open(self) -> None:
        """Loads DBOS and brings its tables up to date. A process that asks for work or does it calls this when it
        starts, after `store.database.migrate`: inside the transaction of an `enqueue` it would be too late."""
        client = self._opened()
        if not self._today:
            with migrating(self._engine):
                client._sys_db.run_migrations()
            self._today = True

    def enqueue(self, connection: Connection, job: Job, delay_s: float = 0) -> None:
        """Asks for it, if and when the caller's transaction commits."""
        self.put(connection, job.document() | {"turn": 0, "tries": 0}, delay_s)

    def put(self, connection: Connection, job: dict[str, Any], delay_s: float) -> None:
        """Enqueues a job as it is; for the worker, which puts jobs back."""
        options: Any = {
            "workflow_name": WORKFLOW,
            "workflow_id": _run_id(job["key"], job["turn"], job["tries"]),
            "queue_name": job["size"],
            "queue_partition_key": job.get("share", job["project_id"]),
            "app_version": VERSION,
        }
        if delay_s > 0:
            options["delay_seconds"] = delay_s
        self._opened().enqueue_in_transaction(connection, options, job)
        if delay_s <= 0:
            afterwards(connection, lambda: bells.ring(self._bells, job["size"]))

    def close(self) -> None:
        with self._lock:
            if self._client is not None:
                self._client.destroy()
                self._client = None

    def _opened(self) -> DBOSClient:
        with self._lock:
            if self._client is None:
                self._client = self._open()
            return self._client

    def _open(self) -> DBOSClient:
        from dbos import DBOSClient

        quiet()
        # It writes through the caller's connection; its own few are for bringing the tables up to date.
        return DBOSClient(
            system_database_url=engine_url(self._settings),
            system_database_pool_size=3,
            serializer=serializer(),
            application_name=APPLICATION,
            lazy=True,
        )


def engine_url(settings: Settings) -> str:
    return database_url(settings.database_url).render_as_string(hide_password=False)


def serializer() -> Any:
    """JSON. With the default, pickle, whoever can write to the database could run code here."""
    from dbos import DBOSPortableJSONSerializer

    return DBOSPortableJSONSerializer()


def quiet() -> None:
    """Leaves DBOS its warnings only, in the lines that all others have: it brings a handler of its own."""
    logger = logging.getLogger("dbos")
    logger.setLevel(logging.WARNING)
    logger.handlers.clear()
    logger.propagate = True
    if _once not in logger.filters:
        logger.addFilter(_once)


class _Once(logging.Filter):
    """Lets a trouble through once a minute, as its first line. A database that is away is told of by each of a dozen
    threads every second, with SQL and an address to read more at."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        whole = record.getMessage()
        first, _, rest = whole.partition("\n")
        if first.endswith(_TRACE):  # whose last line says what it was
            first = first.removesuffix(_TRACE) + rest.rstrip().rpartition("\n")[2]
        away = any(name in whole for name in _AWAY)
        about = _AWAY[0] if away else first.partition("(")[0]
        if away and not troubles.met_by_library(Unavailable.code):
            return False
        now = time.monotonic()
        if now - self._said.get(about, -_SAID_S) < _SAID_S:
            return False
        if len(self._said) > _SAID_MAX:
            self._said.clear()
        self._said[about] = now
        record.msg, record.args = first, ()
        return True


_TRACE = "Traceback (most recent call last):"
_AWAY = ("OperationalError", "AdminShutdown")
_SAID_S = 60.0
_SAID_MAX = 100
_once = _Once()
