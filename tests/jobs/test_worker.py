"""The queue and the worker as real processes, killed at bad moments; on both storage modes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from douane import errors
from douane.jobs import worker as worker_module
from douane.jobs.queue import Job, Jobs, Size, WorkItem
from douane.jobs.worker import _every as every
from douane.jobs.worker import _Lease as Lease
from douane.settings import Settings
from douane.store import leases
from douane.store.database import migrate, open_database, read, write
from douane.store.ids import new_id
from douane.store.schema import worker_lease

pytestmark = pytest.mark.long

WAIT_S = 60


class Workers:
    """Starts workers on one installation and reads what they noted."""

    def __init__(self, settings: Settings, notes: Path) -> None:
        self.settings = settings
        self.notes = notes
        self.running: list[subprocess.Popen[bytes]] = []
        (notes / "runs").touch()
        self.take(0.0)

    def take(self, seconds: float) -> None:
        """How long a `count` job takes from now on."""
        (self.notes / "seconds").write_text(str(seconds))

    def start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.jobs.worker_program", str(self.notes)],
            env={**os.environ, **self.settings.environment()},
            cwd=Path(__file__).parents[2],
            stderr=subprocess.PIPE,
        )
        self.running.append(process)
        return process

    def runs(self, kind: str, what: str = "begin") -> list[tuple[str, int]]:
        """(operation, process) of each noted run, in order."""
        lines = [line.split() for line in (self.notes / "runs").read_text().splitlines()]
        return [(operation, int(pid)) for its_kind, operation, pid, noted in lines if (its_kind, noted) == (kind, what)]

    def wait(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < deadline, (self.notes / "runs").read_text()
            time.sleep(0.02)

    def end(self) -> None:
        for process in self.running:
            process.kill()
            process.wait()
            assert process.stderr is not None
            process.stderr.close()


@pytest.fixture
def workers(storage: Settings, tmp_path: Path) -> Iterator[Workers]:
    workers = Workers(storage, tmp_path)
    yield workers
    workers.end()


@pytest.fixture
def sqlite_workers(sqlite_storage: Settings, tmp_path: Path) -> Iterator[Workers]:
    workers = Workers(sqlite_storage, tmp_path)
    yield workers
    workers.end()


@pytest.fixture
def postgres_workers(postgres_storage: Settings, tmp_path: Path) -> Iterator[Workers]:
    workers = Workers(postgres_storage, tmp_path)
    yield workers
    workers.end()


@pytest.fixture
def jobs_of() -> Callable[[Settings], tuple[Jobs, Engine]]:
    def opened(settings: Settings) -> tuple[Jobs, Engine]:
        engine = open_database(settings)
        return Jobs(settings, engine), engine

    return opened


@pytest.fixture
def jobs(storage: Settings, engine: Engine) -> Iterator[Jobs]:
    jobs = Jobs(storage, engine)
    yield jobs
    jobs.close()


def ask(jobs: Jobs, engine: Engine, kind: str, *, key: str = "", project: str = "p", size: Size = "small") -> str:
    operation = new_id()
    with write(engine) as connection:
        item = WorkItem("operation", operation)
        jobs.enqueue(connection, Job(kind, item, project, key or f"{kind}:{operation}", size))
    return operation


def ask_as_before(jobs: Jobs, engine: Engine, kind: str) -> str:
    """A job as the Douane of before there were work items wrote it."""
    operation = new_id()
    job = {"kind": kind, "operation_id": operation, "project_id": "p", "key": f"{kind}:{operation}", "size": "small"}
    with write(engine) as connection:
        jobs.put(connection, job | {"turn": 0, "tries": 0}, 0)
    return operation


def waiting(engine: Engine) -> list[str]:
    table = "workflow_status" if engine.dialect.name == "sqlite" else "dbos.workflow_status"
    with read(engine) as connection:
        query = f"SELECT workflow_uuid FROM {table} WHERE status NOT IN ('SUCCESS', 'ERROR')"
        return list(connection.exec_driver_sql(query).scalars())


def test_work_is_begun_when_it_is_asked_for(jobs: Jobs, engine: Engine, workers: Workers) -> None:
    workers.settings = workers.settings.model_copy(update={"queue_poll_s": 10 * WAIT_S})
    ask(jobs, engine, "count")  # nobody hears of it but who looks
    process = workers.start()
    assert process.stderr is not None
    while b"takes jobs" not in process.stderr.readline():
        assert process.poll() is None
    heard: list[str] = []

    def begun() -> bool:
        # The thread of a queue comes to be a moment after the queue.
        heard.append(ask(jobs, engine, "count"))
        time.sleep(0.2)
        return bool(workers.runs("count"))

    workers.wait(begun)


def test_asking_is_part_of_the_transaction(jobs: Jobs, engine: Engine) -> None:
    def ask_and_fail() -> None:
        with write(engine) as connection:
            jobs.enqueue(connection, Job("count", WorkItem("delivery", new_id()), "p", "lost"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask_and_fail()
    assert waiting(engine) == []
    ask(jobs, engine, "count", key="kept")
    ask(jobs, engine, "count", key="kept")
    assert len(waiting(engine)) == 1


def test_idle_workers_take_over_what_a_killed_one_held(
    postgres_workers: Workers, jobs_of: Callable[[Settings], tuple[Jobs, Engine]]
) -> None:
    workers = postgres_workers
    jobs, engine = jobs_of(workers.settings)
    workers.take(600)
    operations = {ask(jobs, engine, "count", project=f"p{number}") for number in range(2)}
    first = workers.start()
    workers.wait(lambda: {pid for _, pid in workers.runs("count")} == {first.pid} and len(workers.runs("count")) == 2)
    second = workers.start()
    workers.wait(lambda: len(workers.runs("ready")) == 2)
    workers.take(0.05)
    first.kill()
    first.wait()
    workers.wait(lambda: waiting(engine) == [])
    assert sorted(workers.runs("count", "end")) == sorted((operation, second.pid) for operation in operations)


def test_who_looks_for_dead_workers_is_none(engine: Engine, storage: Settings) -> None:
    """Its lease lapses with it where it gets no processor for long, or the machine sleeps."""
    put_back: list[str] = []
    running = [SimpleNamespace(executor_id=name) for name in ("this one", "another", "another", None)]
    dbos = SimpleNamespace(list_workflows=lambda **_: running, _recover_pending_workflows=put_back.extend)
    worker_module.take_over(dbos, storage, engine, "this one")  # type: ignore[arg-type]
    assert put_back == ["another"]


def test_a_storm_of_kills_loses_nothing(workers: Workers, jobs: Jobs, engine: Engine) -> None:
    workers.take(0.1)
    operations = {ask(jobs, engine, "count", project=f"p{number % 4}") for number in range(16)}

    def ended() -> set[str]:
        return {operation for operation, _ in workers.runs("count", "end")}

    for _ in range(2):
        victim = workers.start()
        begun = len(workers.runs("count"))
        workers.wait(lambda begun=begun: len(workers.runs("count")) > begun or ended() == operations)
        victim.kill()
        victim.wait()
    begun = len(workers.runs("count"))
    workers.start()
    if not workers.settings.on_sqlite:
        # The database breaks off in the middle, too.
        workers.wait(lambda: len(workers.runs("count")) > begun or ended() == operations)
        with engine.connect() as connection:
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
    workers.wait(lambda: ended() == operations and waiting(engine) == [])


def test_the_life_of_a_worker(workers: Workers, jobs: Jobs, engine: Engine) -> None:
    again = ask_as_before(jobs, engine, "turns")
    broken = ask_as_before(jobs, engine, "breaks")
    strange = ask(jobs, engine, "strange")
    workers.settings = workers.settings.model_copy(update={"tries_max": 2})
    first = workers.start()
    workers.wait(lambda: waiting(engine) == [])
    assert [name for name, _ in workers.runs("turns")] == [again] * 3
    assert [name for name, _ in workers.runs("breaks")] == [broken] * 2
    assert workers.runs("breaks", "failed-RuntimeError") == [(broken, first.pid)]
    assert [name for name, _ in workers.runs("strange", "failed-BadRequest")] == [strange]
    assert len(workers.runs("tick")) >= 1
    # Told to stop, it hands over what it was doing.
    workers.take(600)
    operation = ask(jobs, engine, "count")
    workers.wait(lambda: workers.runs("count") == [(operation, first.pid)])
    first.send_signal(signal.SIGTERM)
    assert first.wait(WAIT_S) == 0
    assert workers.runs("count", "end") == []
    with read(engine) as connection:
        assert connection.execute(sa.select(worker_lease)).all() == []
    workers.take(0)
    second = workers.start()
    workers.wait(lambda: waiting(engine) == [])
    assert workers.runs("count", "end") == [(operation, second.pid)]


def test_a_handler_that_does_not_stop_is_cut_off(
    sqlite_workers: Workers, jobs_of: Callable[[Settings], tuple[Jobs, Engine]]
) -> None:
    workers = sqlite_workers
    workers.settings = workers.settings.model_copy(update={"stop_wait_s": 0.5})
    jobs, engine = jobs_of(workers.settings)
    ask(jobs, engine, "deaf", key="deaf")
    worker = workers.start()
    workers.wait(lambda: len(workers.runs("deaf")) == 1)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(WAIT_S) == 0
    with read(engine) as connection:
        query = "SELECT workflow_uuid FROM workflow_status WHERE status = 'ENQUEUED'"
        assert connection.exec_driver_sql(query).scalars().all() == ["deaf~0.0"]


def test_sqlite_has_one_worker_and_projects_share_its_slots(
    sqlite_workers: Workers, jobs_of: Callable[[Settings], tuple[Jobs, Engine]]
) -> None:
    workers = sqlite_workers
    workers.settings = workers.settings.model_copy(update={"slots_small": 3, "slots_project": 2})
    jobs, engine = jobs_of(workers.settings)
    workers.take(600)
    greedy = {ask(jobs, engine, "count", project="greedy") for _ in range(5)}
    modest = ask(jobs, engine, "count", project="modest")
    workers.start()
    workers.wait(lambda: len(workers.runs("count")) == 3)
    begun = {name for name, _ in workers.runs("count")}
    assert modest in begun
    assert len(begun & greedy) == 2
    second = workers.start()
    _, said = second.communicate(timeout=WAIT_S)
    assert second.returncode == 1
    assert b"A worker already runs" in said


def test_a_worker_that_froze_and_wakes_does_no_harm(
    postgres_workers: Workers, jobs_of: Callable[[Settings], tuple[Jobs, Engine]]
) -> None:
    """On SQLite the supervisor kills it; see test_supervisor.py."""
    workers = postgres_workers
    jobs, engine = jobs_of(workers.settings)
    workers.take(600)
    operation = ask(jobs, engine, "count")
    frozen = workers.start()
    workers.wait(lambda: len(workers.runs("count")) == 1)
    frozen.send_signal(signal.SIGSTOP)
    workers.take(0)
    other = workers.start()
    workers.wait(lambda: (operation, other.pid) in workers.runs("count", "end"))
    workers.wait(lambda: waiting(engine) == [])
    frozen.send_signal(signal.SIGCONT)
    # It is alive again, and takes new work.
    other.kill()
    later = ask(jobs, engine, "count")
    workers.wait(lambda: (later, frozen.pid) in workers.runs("count", "end"))
    workers.wait(lambda: waiting(engine) == [])
    assert len(workers.runs("count")) == 3


def test_a_run_that_was_put_back_is_not_begun_again(jobs: Jobs, engine: Engine, workers: Workers) -> None:
    """As a worker leaves them that dies between the two, or is told to stop: the run, and the one that follows it."""
    operation = ask(jobs, engine, "count", key="a")
    other = ask(jobs, engine, "count", key="b")
    for key, turn, tries in (("a", 1, 0), ("b", 0, 1)):
        job = {"kind": "count", "item": {"type": "operation", "id": operation if key == "a" else other}}
        with write(engine) as connection:
            jobs.put(
                connection,
                {**job, "project_id": "p", "key": key, "size": "small", "turn": turn, "tries": tries},
                0,
            )
    workers.take(0)
    workers.start()
    workers.wait(lambda: waiting(engine) == [])
    assert sorted(one for one, _ in workers.runs("count")) == sorted([operation, other])


def test_what_fails_again_and_again_is_said_when_it_begins_and_when_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    stopping = threading.Event()
    outcomes = iter([errors.StorageFull("Full."), errors.StorageFull("Full."), errors.Unavailable("Away."), None, None])

    def call() -> None:
        outcome = next(outcomes, stopping)
        if outcome is stopping:
            stopping.set()
        elif isinstance(outcome, Exception):
            raise outcome

    every(0.0, "Beating", call, stopping).join(WAIT_S)
    assert [record.getMessage() for record in caplog.records] == [
        "Beating is not possible; it is tried every 0 s. Full.",
        "Beating is not possible; it is tried every 0 s. Away.",
        "All is possible again.",
    ]


def test_a_clock_that_was_put_is_said_once(
    sqlite_storage: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_database(sqlite_storage)
    migrate(engine)
    lease = Lease(engine, "worker")
    lease.beat()
    lease.beat()
    assert not caplog.records
    real = worker_module.time.monotonic
    monkeypatch.setattr(worker_module.time, "monotonic", lambda: real() + 3600)
    lease.beat()
    lease.beat()
    assert [record.getMessage() for record in caplog.records] == ["The database's clock was put by -3600 seconds."]
    engine.dispose()


def test_a_lease_that_was_waited_for_is_no_clock_that_was_put(
    sqlite_storage: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that gets no processor for long asks the database when it does, and hears the answer later still."""
    engine = open_database(sqlite_storage)
    migrate(engine)
    lease = Lease(engine, "worker")
    clock, waits = worker_module.time.monotonic, iter([0, 0, 0, 3600, 3600, 3600])
    # Each beat looks before and after: the second one took an hour between the two.
    monkeypatch.setattr(worker_module, "time", SimpleNamespace(monotonic=lambda: clock() + next(waits)))
    monkeypatch.setattr(leases, "beat", ahead_by(leases.beat, iter([0, 1800, 3600])))
    for _ in range(3):
        lease.beat()
    assert not caplog.records
    engine.dispose()


def ahead_by(beat: Callable[..., datetime], seconds: Iterator[int]) -> Callable[..., datetime]:
    return lambda *given: beat(*given) + timedelta(seconds=next(seconds))
