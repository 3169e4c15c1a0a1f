"""The worker process: takes jobs from the queues, keeps its lease, takes over what dead workers held.

DBOS runs the jobs; three things it leaves to us are here. A worker beats a lease by the database's clock; every worker
looks for work whose executor holds none and puts it back; and a worker that is told to stop puts its own work back
before it goes. Handlers may therefore run twice, also at the same time: the manifest's fence makes that harmless.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine
from structlog.contextvars import bound_contextvars

from douane import errors
from douane.jobs import bells, children, processor, readiness
from douane.jobs.queue import (
    APPLICATION,
    SIZES,
    VERSION,
    WORKFLOW,
    Jobs,
    WorkItem,
    engine_url,
    following_ids,
    item_of,
    quiet,
    serializer,
)
from douane.jobs.troubles import LEASE, troubles
from douane.settings import Settings
from douane.store import leases, queue_state
from douane.store.database import keeping_little, private, read, write
from douane.store.ids import new_id

if TYPE_CHECKING:
    from dbos import DBOS

log = logging.getLogger(__name__)

# `handler(id)` of the work item that its kind is about; True = there is more to do, behind whoever waits in the queue.
Handler = Callable[[str], bool]
# What a job that cannot be done leaves behind: `failed(kind, item, error)`.
Failed = Callable[[str, WorkItem, Exception], None]

_POLL_FACTOR = {"interactive": 1.0, "small": 2.0, "large": 5.0, "delivery": 2.0}
_RETRY_S = 0.5
_RETRY_MAX_S = 60.0
_FINISHED_KEPT_S = 24 * 3600
_TELL_S = 1.0
_PUTTING = "Putting jobs back"
_STEP_S = 5.0  # a clock that is put right runs a little faster or slower; one that is put jumps


def run_worker(
    settings: Settings,
    engine: Engine,
    handlers: Mapping[str, Handler],
    *,
    failed: Failed,
    tick: Callable[[], None] | None = None,
    tell: Callable[[], None] | None = None,
    ready: Callable[[], None] | None = None,
) -> None:
    """Works until SIGTERM or SIGINT; call it from the main thread. `tick` is called every `tick_s` seconds and once at
    the start, `tell` likewise about every second, `ready` when jobs are being taken. `Conflict` if SQLite already has a
    worker."""
    processor.stand_back(processor.WORKER)  # first: threads stand where the one stood that began them
    processor.wake_quietly()
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    with _only_worker_of_sqlite(settings):
        jobs = Jobs(settings, engine)
        jobs.open()
        # A new one at every start: whoever comes after must be able to tell that this process is gone.
        executor_id = f"{socket.gethostname()}-{os.getpid()}-{new_id()}"
        lease = _Lease(engine, executor_id)
        lease.beat()
        if settings.on_sqlite:
            # Whoever else holds a lease is dead: the lock says so, no need to wait.
            with write(engine) as connection:
                leases.remove_others(connection, executor_id)
        dbos = _launch(settings, engine, jobs, handlers, failed, executor_id, stopping)
        threads = [
            _every(settings.lease_s / 4, LEASE, lease.beat, stopping),
            _every(
                settings.lease_s / 2,
                "Looking for dead workers",
                lambda: take_over(dbos, settings, engine, executor_id),
                stopping,
            ),
            _every(3600, "Forgetting what was done long ago", lambda: _forget_finished(dbos), stopping),
        ]
        if tick is not None:
            threads.append(_every(settings.tick_s, "Sweeping", tick, stopping))
        if tell is not None:
            threads.append(_every(min(_TELL_S, settings.tick_s), "Telling what ended", tell, stopping))
        if ready is not None:
            ready()
        readiness.ready()
        log.info("The worker takes jobs.")
        stopping.wait()
        log.info("The worker stops; its work goes on at the next start.")
        _stop(dbos, settings, engine, executor_id, threads)


def take_over(dbos: DBOS, settings: Settings, engine: Engine, own: str) -> None:
    """Puts back the work of every executor that holds no living lease. Called again and again: what was missed, or
    failed in the middle, is found the next time.

    `own` is who looks: it lives, whatever its lease says. Where it got no processor for so long that this lapsed, or
    the machine slept, it may look before it beats, and would begin a second time what it is at."""
    # In this order: a worker beats its lease before it takes work, so none that is new can look dead.
    holders = {status.executor_id for status in _running(dbos)}
    with read(engine) as connection:
        living = leases.alive(connection, settings.lease_s)
    dead = holders - living - {None, own}
    for executor_id in dead:
        # Of one on this machine its supervisor has said so.
        level = logging.INFO if str(executor_id).startswith(f"{socket.gethostname()}-") else logging.WARNING
        log.log(level, "Worker %s is gone; its work goes on here.", executor_id)
        # Marked internal in DBOS 3.4, and the reason why its version is pinned: the public call (`resume_workflows`)
        # would revive cancelled work.
        dbos._recover_pending_workflows([str(executor_id)])
    if not dead:
        with write(engine) as connection:
            leases.remove_lapsed(connection, settings.lease_s * 10)


def _launch(
    settings: Settings,
    engine: Engine,
    jobs: Jobs,
    handlers: Mapping[str, Handler],
    failed: Failed,
    executor_id: str,
    stopping: threading.Event,
) -> DBOS:
    # One to two seconds; nothing but a worker needs it.
    from dbos import DBOS

    quiet()
    dbos = DBOS(
        config={
            "name": APPLICATION,
            "system_database_url": engine_url(settings),
            "application_version": VERSION,
            "executor_id": executor_id,
            "serializer": serializer(),
            "use_listen_notify": False,
            "run_migrations": False,
            "enable_otlp": False,
            "log_level": "WARNING",
            "db_engine_kwargs": keeping_little(settings, 8),
            # Not its schedules, we have none.
            "scheduler_polling_interval_sec": 3600.0,
        }
    )

    quiet()

    # A job that always takes its worker with it is ended by the flow, which counts the tries of each operation.
    @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=1_000_000)
    def job(asked: dict[str, Any]) -> None:
        item = item_of(asked)
        # Whatever is logged on the way, also by what did not hear of it, names what it is about.
        with bound_contextvars(**{item.type: item.id}):
            _do(asked, engine, jobs, handlers, failed, settings, stopping)

    DBOS.launch()
    heard = bells.Bells(bells.path_of(settings), SIZES)
    heard.listen()
    heard.wake(dbos)
    most = (settings.slots_interactive, settings.slots_small, settings.slots_large, settings.slots_delivery)
    slots = dict(zip(SIZES, most, strict=True))
    for size in SIZES:
        DBOS.register_queue(
            size,
            worker_concurrency=slots[size],
            partition_concurrency=settings.slots_project,
            polling_interval_sec=settings.queue_poll_s * _POLL_FACTOR[size],
            on_conflict="always_update",
        )
    return dbos


def _do(
    asked: dict[str, Any],
    engine: Engine,
    jobs: Jobs,
    handlers: Mapping[str, Handler],
    failed: Failed,
    settings: Settings,
    stopping: threading.Event,
) -> None:
    """Runs one job and puts it back where it has to come again, under the next number, so that doing so twice is the
    same as once."""
    kind, item = asked["kind"], item_of(asked)
    tries, delay_s, again = 0, 0.0, False
    try:
        if _was_put_back(engine, asked):
            return
        handler = handlers.get(kind)
        if handler is None:
            raise errors.BadRequest(f"This Douane knows no jobs of the kind {kind}.")
        again = handler(item.id)
        _say_over(item.id)
    except Exception as error:
        if not stopping.is_set():
            tries = asked["tries"] + 1
            transient = isinstance(error, errors.Unavailable)
            if transient or tries < settings.tries_max:
                again, delay_s = True, min(_RETRY_MAX_S, _RETRY_S * 2 ** min(tries, 10))
                if not transient or troubles.met(errors.Unavailable.code, item.id):
                    log.warning("Job %s of %s %s failed and is tried again: %r", kind, item.type, item.id, error)
            else:
                log.exception("Job %s of %s %s failed.", kind, item.type, item.id)
                again, delay_s = not _told(failed, kind, item, error), _RETRY_MAX_S
    if stopping.is_set():
        # Whether the handler ended by itself or was cut short can't be told; one run more finds nothing to do.
        again = True
    if again:
        following = asked | {"turn": asked["turn"] + (tries == 0), "tries": tries}
        while not _put_back(jobs, engine, following, delay_s):
            # Ending now would lose the job. A worker that is stopped meanwhile ends all the same, and the job goes on
            # elsewhere.
            time.sleep(1)


def _was_put_back(engine: Engine, asked: dict[str, Any]) -> bool:
    """Whether the run that follows this one is there: its worker died, or was told to stop, after that and before this
    one counted as done. To begin both would let them take the work from each other, and the one that is left over would
    be put back as one that was done already: as nothing."""
    with read(engine) as connection:
        return queue_state.asked_for(connection, following_ids(asked))


def _told(failed: Failed, kind: str, item: WorkItem, error: Exception) -> bool:
    try:
        failed(kind, item, error)
    except Exception:
        log.exception("That job %s of %s failed could not be written down; it is tried again.", kind, item.id)
        return False
    return True


def _put_back(jobs: Jobs, engine: Engine, job: dict[str, Any], delay_s: float) -> bool:
    try:
        with write(engine) as connection:
            jobs.put(connection, job, delay_s)
    except (errors.Unavailable, errors.StorageFull) as error:
        if troubles.met(error.code, _PUTTING):
            log.warning("%s is not possible; it is tried again. %s", _PUTTING, error.message)
        return False
    _say_over(_PUTTING)
    return True


def _stop(dbos: DBOS, settings: Settings, engine: Engine, executor_id: str, threads: list[threading.Thread]) -> None:
    """Ends in `stop_wait_s` at most, whatever the handlers do."""
    deadline = time.monotonic() + settings.stop_wait_s
    for event in dbos.background_thread_stop_events:
        event.set()
    children.stopping.set()
    while _busy(dbos) and time.monotonic() < deadline:
        time.sleep(0.05)
    for thread in threads:
        thread.join(max(0.1, deadline - time.monotonic()))
    try:
        # What still runs, and what was taken in the last moment: from here on nothing of it counts any more.
        dbos._recover_pending_workflows([executor_id])
        with write(engine) as connection:
            leases.remove(connection, executor_id)
    except (errors.Unavailable, errors.StorageFull) as error:
        log.warning("The work is not put back; the next worker finds it when the lease has lapsed. %s", error.message)
    except Exception:
        log.exception("The work could not be put back; the next worker finds it when the lease has lapsed.")
    if _busy(dbos):
        log.warning("Some jobs did not stop in time; they are cut off.")
        # Their threads would keep the process alive.
        logging.shutdown()
        os._exit(0)
    dbos._destroy(workflow_completion_timeout_sec=0)


class _Lease:
    def __init__(self, engine: Engine, executor_id: str) -> None:
        self._engine = engine
        self._executor_id = executor_id
        self._host = socket.gethostname()
        # By how much the database's clock is ahead of the one that only runs: between these two.
        self._ran: tuple[float, float] | None = None

    def beat(self) -> None:
        before = time.monotonic()
        with write(self._engine) as connection:
            now = leases.beat(connection, self._executor_id, self._host, os.getpid(), children.tally.now()).timestamp()
            # The database may have been waited for, and a worker for a processor: when it was asked is known no better.
            least, most = now - time.monotonic(), now - before
        if self._ran is not None:
            # What it was put by at least, either way.
            put = max(0.0, least - self._ran[1]) + min(0.0, most - self._ran[0])
            if abs(put) > _STEP_S:
                log.warning("The database's clock was put by %+.0f seconds.", put)
        self._ran = least, most


def _busy(dbos: DBOS) -> bool:
    return bool(dbos._active_workflows_set.activeList())


def _running(dbos: DBOS) -> list[Any]:
    return dbos.list_workflows(status="PENDING", load_input=False, load_output=False)


def _forget_finished(dbos: DBOS) -> None:
    """DBOS keeps what is done for ever; a day is enough to make a repeated ask harmless."""
    before = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - _FINISHED_KEPT_S))
    done = dbos.list_workflows(
        status=["SUCCESS", "ERROR", "CANCELLED"],
        completed_before=before,
        limit=1000,
        load_input=False,
        load_output=False,
    )
    if done:
        dbos.delete_workflows([status.workflow_id for status in done])


def _every(seconds: float, what: str, call: Callable[[], None], stopping: threading.Event) -> threading.Thread:
    """A thread that calls at once and then every so often. `what` it does is logged where that begins to fail, with the
    reason, and where all is done again: a disk that is full for a night is two lines, however many threads meet it."""

    def loop() -> None:
        while True:
            try:
                call()
            except errors.DouaneError as error:
                if troubles.met(error.code, what):
                    log.warning("%s is not possible; it is tried every %g s. %s", what, seconds, error.message)
            except Exception:
                if not stopping.is_set():
                    log.exception("%s failed.", what)
            else:
                _say_over(what)
            if stopping.wait(seconds):
                return

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    return thread


def _say_over(what: str) -> None:
    if troubles.over(what):
        log.info("All is possible again.")


@contextmanager
def _only_worker_of_sqlite(settings: Settings) -> Iterator[None]:
    """Limits would overshoot with two, and there is one writer anyway. The lock ends with the process."""
    if not settings.on_sqlite:
        yield
        return
    path = Path(f"{engine_url(settings).removeprefix('sqlite:///')}.worker")
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", opener=private) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise errors.Conflict(
                "A worker already runs on this SQLite database. Several workers need PostgreSQL (setting database_url)."
            ) from None
        yield
