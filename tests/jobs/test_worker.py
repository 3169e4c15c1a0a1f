"""The queue and the worker as real processes, killed at bad moments; on both storage modes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from douane.jobs.queue import Jobs, Size
from douane.settings import Settings
from douane.store.database import read, write
from douane.store.ids import new_id
from douane.store.schema import worker_lease

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
def jobs(storage: Settings, engine: Engine) -> Iterator[Jobs]:
    jobs = Jobs(storage, engine)
    yield jobs
    jobs.close()


def ask(jobs: Jobs, engine: Engine, kind: str, *, key: str = "", project: str = "p", size: Size = "small") -> str:
    operation = new_id()
    with write(engine) as connection:
        jobs.enqueue(connection, kind, operation, project_id=project, key=key or f"{kind}:{operation}", size=size)
    return operation


def waiting(engine: Engine) -> list[str]:
    table = "workflow_status" if engine.dialect.name == "sqlite" else "dbos.workflow_status"
    with read(engine) as connection:
        query = f"SELECT workflow_uuid FROM {table} WHERE status NOT IN ('SUCCESS', 'ERROR')"
        return list(connection.exec_driver_sql(query).scalars())


def test_asking_is_part_of_the_transaction(jobs: Jobs, engine: Engine) -> None:
    def ask_and_fail() -> None:
        with write(engine) as connection:
            jobs.enqueue(connection, "count", new_id(), project_id="p", key="lost")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask_and_fail()
    assert waiting(engine) == []
    ask(jobs, engine, "count", key="kept")
    ask(jobs, engine, "count", key="kept")
    assert len(waiting(engine)) == 1


def test_work_survives_kill_9_and_is_finished_by_the_next_worker(workers: Workers, jobs: Jobs, engine: Engine) -> None:
    workers.take(600)
    operations = {ask(jobs, engine, "count", project=f"p{number}") for number in range(3)}
    first = workers.start()
    workers.wait(lambda: len(workers.runs("count")) >= 2)
    if not workers.settings.on_sqlite:
        # A second one is idle beside it, and must notice by itself.
        workers.start()
        workers.wait(lambda: len(workers.runs("ready")) == 2)
    workers.take(0.05)
    first.kill()
    first.wait()
    if workers.settings.on_sqlite:
        workers.start()
    workers.wait(lambda: {operation for operation, _ in workers.runs("count", "end")} == operations)
    workers.wait(lambda: waiting(engine) == [])
    ends = Counter(operation for operation, _ in workers.runs("count", "end"))
    assert set(ends.values()) == {1}
    assert first.pid not in {pid for _, pid in workers.runs("count", "end")}


def test_a_storm_of_kills_loses_nothing(workers: Workers, jobs: Jobs, engine: Engine) -> None:
    workers.take(0.1)
    operations = {ask(jobs, engine, "count", project=f"p{number % 4}") for number in range(24)}

    def ended() -> set[str]:
        return {operation for operation, _ in workers.runs("count", "end")}

    for _ in range(4):
        victim = workers.start()
        begun = len(workers.runs("count"))
        workers.wait(lambda begun=begun: len(workers.runs("count")) > begun or ended() == operations)
        time.sleep(0.15)
        victim.kill()
        victim.wait()
    workers.start()
    workers.wait(lambda: ended() == operations and waiting(engine) == [])


def test_a_worker_told_to_stop_hands_its_work_over(workers: Workers, jobs: Jobs, engine: Engine) -> None:
    workers.take(600)
    operation = ask(jobs, engine, "count")
    first = workers.start()
    workers.wait(lambda: len(workers.runs("count")) == 1)
    first.send_signal(signal.SIGTERM)
    assert first.wait(WAIT_S) == 0
    with read(engine) as connection:
        assert connection.execute(sa.select(worker_lease)).all() == []
    workers.take(0)
    workers.start()
    workers.wait(lambda: workers.runs("count", "end") != [])
    assert workers.runs("count", "end")[0][0] == operation
    workers.wait(lambda: waiting(engine) == [])


def test_a_handler_that_does_not_stop_is_cut_off(sqlite_storage: Settings, tmp_path: Path) -> None:
    workers = Workers(sqlite_storage.model_copy(update={"stop_wait_s": 1.0}), tmp_path)
    try:
        engine = sa.create_engine(sqlite_storage.database_url)
        from douane.store.database import open_database

        engine = open_database(sqlite_storage)
        operation = ask(Jobs(sqlite_storage, engine), engine, "deaf")
        first = workers.start()
        workers.wait(lambda: len(workers.runs("deaf")) == 1)
        first.send_signal(signal.SIGTERM)
        assert first.wait(WAIT_S) == 0
        workers.start()
        workers.wait(lambda: len(workers.runs("deaf")) == 2)
        assert {name for name, _ in workers.runs("deaf")} == {operation}
    finally:
        workers.end()


def test_again_failed_and_unknown_jobs(workers: Workers, jobs: Jobs, engine: Engine) -> None:
    again = ask(jobs, engine, "turns")
    broken = ask(jobs, engine, "breaks")
    strange = ask(jobs, engine, "strange")
    workers.settings = workers.settings.model_copy(update={"tries_max": 2})
    workers.start()
    workers.wait(lambda: waiting(engine) == [])
    assert [name for name, _ in workers.runs("turns")] == [again] * 3
    assert [name for name, _ in workers.runs("breaks")] == [broken] * 2
    assert workers.runs("breaks", "failed-RuntimeError")[0][0] == broken
    assert workers.runs("strange", "failed-BadRequest")[0][0] == strange
    assert len(workers.runs("tick")) >= 1


def test_one_project_does_not_hold_up_another(sqlite_storage: Settings, tmp_path: Path) -> None:
    from douane.store.database import open_database

    settings = sqlite_storage.model_copy(update={"slots_small": 3, "slots_project": 2})
    engine = open_database(settings)
    jobs = Jobs(settings, engine)
    workers = Workers(settings, tmp_path)
    try:
        workers.take(600)
        greedy = [ask(jobs, engine, "count", project="greedy") for _ in range(5)]
        modest = ask(jobs, engine, "count", project="modest")
        workers.start()
        workers.wait(lambda: len(workers.runs("count")) == 3)
        begun = {name for name, _ in workers.runs("count")}
        assert modest in begun
        assert len(begun & set(greedy)) == 2
    finally:
        workers.end()


def test_sqlite_has_one_worker(sqlite_storage: Settings, tmp_path: Path) -> None:
    workers = Workers(sqlite_storage, tmp_path)
    try:
        workers.start()
        workers.wait(lambda: len(workers.runs("ready")) == 1)
        second = workers.start()
        _, said = second.communicate(timeout=WAIT_S)
        assert second.returncode == 1
        assert b"A worker already runs" in said
    finally:
        workers.end()


def test_a_worker_that_froze_and_wakes_does_no_harm(workers: Workers, jobs: Jobs, engine: Engine) -> None:
    if workers.settings.on_sqlite:
        pytest.skip("On SQLite the supervisor kills a frozen worker; see test_supervisor.py.")
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
    other.send_signal(signal.SIGTERM)
    other.wait(WAIT_S)
    later = ask(jobs, engine, "count")
    workers.wait(lambda: (later, frozen.pid) in workers.runs("count", "end"))
    workers.wait(lambda: waiting(engine) == [])
    assert len(workers.runs("count")) == 3
