from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from douane.settings import Settings

WAIT_S = 60


class Supervised:
    def __init__(self, settings: Settings, notes: Path) -> None:
        self.settings = settings
        self.notes = notes
        (notes / "starts").touch()
        (notes / "runs").touch()
        (notes / "seconds").write_text("0")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *names: str, program: str = "tests.jobs.supervisor_program") -> subprocess.Popen[bytes]:
        with (self.notes / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.jobs.supervisor_program", "supervise", program, str(self.notes), *names],
                env={**os.environ, **self.settings.environment()},
                cwd=Path(__file__).parents[2],
                stderr=log,
            )
        return self.process

    def starts(self, name: str) -> list[int]:
        lines = [line.split() for line in (self.notes / "starts").read_text().splitlines()]
        return [int(pid) for its_name, pid in lines if its_name == name]

    def workers(self) -> list[int]:
        lines = [line.split() for line in (self.notes / "runs").read_text().splitlines()]
        return [int(pid) for kind, _, pid, _ in lines if kind == "ready"]


@pytest.fixture
def supervised(sqlite_storage: Settings, tmp_path: Path) -> Iterator[Supervised]:
    supervised = Supervised(sqlite_storage, tmp_path)
    yield supervised
    if supervised.process is not None and supervised.process.poll() is None:
        supervised.process.kill()
        supervised.process.wait()


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_process_that_dies_is_started_again_and_all_end_together(supervised: Supervised) -> None:
    process = supervised.start("one", "two")
    wait(lambda: bool(supervised.starts("one") and supervised.starts("two")))
    os.kill(supervised.starts("one")[0], signal.SIGKILL)
    wait(lambda: len(supervised.starts("one")) == 2)
    assert len(supervised.starts("two")) == 1
    process.send_signal(signal.SIGTERM)
    assert process.wait(WAIT_S) == 0
    assert all(gone(pid) for name in ("one", "two") for pid in supervised.starts(name))


def test_a_process_that_cannot_start_ends_the_whole(supervised: Supervised) -> None:
    process = supervised.start("one", "broken")
    assert process.wait(WAIT_S) == 1
    assert len(supervised.starts("broken")) == 1
    assert all(gone(pid) for pid in supervised.starts("one"))


@pytest.mark.parametrize("name", ["slow-broken", "killed"])
def test_a_start_that_cannot_succeed_ends_however_long_it_takes(supervised: Supervised, name: str) -> None:
    process = supervised.start("one", name)
    assert process.wait(WAIT_S) == 1
    assert not (supervised.notes / "ready").exists()


def test_it_is_told_when_all_are_ready(supervised: Supervised) -> None:
    supervised.start("one", "two")
    wait(lambda: (supervised.notes / "ready").exists())
    assert supervised.starts("one")
    assert supervised.starts("two")


def test_a_worker_that_waits_for_a_locked_database_is_left_alone(supervised: Supervised) -> None:
    supervised.start(program="tests.jobs.worker_program")
    wait(lambda: len(supervised.workers()) == 1)
    with closing(sqlite3.connect(supervised.settings.data / "douane.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        time.sleep(supervised.settings.lease_s * 2.5)
        other.execute("ROLLBACK")
    assert supervised.workers() == supervised.workers()[:1]
    assert not gone(supervised.workers()[0])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has gone")
def test_a_killed_supervisor_takes_its_processes_along(supervised: Supervised) -> None:
    process = supervised.start("one", "two")
    wait(lambda: bool(supervised.starts("one") and supervised.starts("two")))
    process.kill()
    process.wait()
    wait(lambda: all(gone(pid) for name in ("one", "two") for pid in supervised.starts(name)))


def test_a_frozen_process_is_replaced(supervised: Supervised) -> None:
    process = supervised.start("one", "two")
    wait(lambda: (supervised.notes / "ready").exists())
    [frozen] = supervised.starts("one")
    os.kill(frozen, signal.SIGSTOP)
    wait(lambda: len(supervised.starts("one")) == 2)
    assert gone(frozen)
    assert len(supervised.starts("two")) == 1
    lines = (supervised.notes / "log").read_text().splitlines()
    assert [line for line in lines if "douane one" in line] == [
        f"douane one has been silent for {supervised.settings.lease_s:g} s: it is killed and started again."
    ]
    process.send_signal(signal.SIGTERM)
    assert process.wait(WAIT_S) == 0


def test_who_was_frozen_together_with_its_supervisor_is_not_killed(supervised: Supervised) -> None:
    """As a container is that is paused: the supervisor has not heard for long of who could not say anything."""
    process = supervised.start("one")
    wait(lambda: (supervised.notes / "ready").exists())
    both = (supervised.starts("one")[0], process.pid)
    for pid in both:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(supervised.settings.lease_s * 1.2)
    # What it keeps up comes back a little later: the supervisor has looked by then.
    os.kill(process.pid, signal.SIGCONT)
    time.sleep(0.5)
    os.kill(both[0], signal.SIGCONT)
    time.sleep(0.5)
    assert not gone(both[0])
    assert len(supervised.starts("one")) == 1
