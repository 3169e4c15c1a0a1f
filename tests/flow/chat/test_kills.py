"""Whole chat imports under `kill -9`: real workers, killed while they read, check and run, on both storage modes. What
is in the workspace afterwards, to the last reaction, is what an undisturbed import leaves.

`make torture` does it with more messages (DOUANE_TORTURE_MESSAGES) and more moments (DOUANE_TORTURE_KILLS), from other
seeds (DOUANE_TORTURE_SEED)."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest
from sqlalchemy import func, select

from douane.chat.selection import EVERYTHING
from douane.flow import sweeping
from douane.flow.chat import imports, run, work
from douane.flow.house import House, house_of
from douane.model.operation import Operation
from douane.settings import Settings
from douane.store.database import open_database, read
from douane.store.objects import Objects
from douane.store.schema import batch, chat_outcome
from tests.chat.samples import make_export
from tests.flow.chat.workspaces import (
    Workspace,
    accounted,
    difference,
    new_project,
    upload,
    written_down,
)

pytestmark = [pytest.mark.long, pytest.mark.walled]

SEED = int(os.environ.get("DOUANE_TORTURE_SEED", "20261121"))
MESSAGES = int(os.environ.get("DOUANE_TORTURE_MESSAGES", "2000"))
FEW = 3
KILLS = int(os.environ.get("DOUANE_TORTURE_KILLS", str(FEW)))
WAIT_S = 120 + KILLS * 30
# Many small batches make many moments to be killed at.
BATCHES = max(10, 5 * KILLS)


@dataclass(frozen=True)
class Undisturbed:
    """An export and what importing it twice in a row, in one go each, leaves behind."""

    path: Path
    workspace: Workspace
    accounts: list[str]
    units: tuple[int, int]  # commits of reading and of running


def small_batches(settings: Settings) -> Settings:
    return settings.model_copy(update={"chat_batch_records": MESSAGES // BATCHES, "tries_max": 1000, "turn_s": 5.0})


@pytest.fixture(scope="module")
def undisturbed(
    new_storage: Callable[[str], Settings], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Undisturbed]:
    path = tmp_path_factory.mktemp("export") / "slack.zip"
    make_export(path, messages=MESSAGES, seed=SEED, layout="corporate", damage=0.01, users=MESSAGES // 20 + 40)
    settings = small_batches(new_storage("sqlite"))
    engine = open_database(settings)
    house = house_of(settings, engine, Objects(settings))
    project_id, person_id = new_project(house)
    operation = imports.ask_read(house, upload(house, project_id, person_id, path))
    while work.read(house, operation.id):
        pass
    operation = imports.start(house, imports.get(house, operation.id, project_id), EVERYTHING)
    while run.run(house, operation.id):
        pass
    operation = imports.get(house, operation.id, project_id)
    assert operation.stage == "completed", operation.work_error
    yield Undisturbed(path, written_down(house, project_id), accounted(house, operation), commits(house, operation.id))
    engine.dispose()


def commits(house: House, operation_id: str) -> tuple[int, int]:
    """What was kept of reading and of running."""
    with read(house.engine) as connection:
        counts = [
            connection.execute(select(func.count()).where(table.c.operation_id == operation_id)).scalar_one()
            for table in (batch, chat_outcome)
        ]
    return counts[0], counts[1]


class Workers:
    """Worker processes of one installation; on SQLite one at a time, on PostgreSQL two, of which one takes over."""

    def __init__(self, house: House, log: Path, chance: random.Random) -> None:
        self.settings, self.log, self.chance = house.settings, log, chance
        self.processes = [self._start() for _ in range(1 if house.settings.on_sqlite else 2)]
        self.wake_at: dict[subprocess.Popen[bytes], float] = {}

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "douane", "worker", "--data", str(self.settings.data)],
                env={**os.environ, **self.settings.environment()},
                cwd=Path(__file__).parents[3],
                stdout=output,
                stderr=output,
            )

    def disturb(self) -> str:
        """Kills whoever is at work; or lets it sleep until it is taken for dead, so that two are at it when it wakes.
        The last one is replaced, in a long test each."""
        process = self._busy()
        if len(self.processes) > 1 and not self.wake_at and self.chance.random() < 0.3:
            process.send_signal(signal.SIGSTOP)
            self.wake_at[process] = time.monotonic() + self.settings.lease_s * 2
            return "suspended"
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.processes.remove(process)
        self.wake_at.pop(process, None)
        if KILLS > FEW or not self.processes:
            self.processes.append(self._start())
        return "killed"

    def _busy(self) -> subprocess.Popen[bytes]:
        """Who has a child at work, if anybody."""
        busy = [process for process in self.processes if psutil.Process(process.pid).children()]
        return self.chance.choice(busy or self.processes)

    def wake(self) -> None:
        for process, at in list(self.wake_at.items()):
            if time.monotonic() > at:
                process.send_signal(signal.SIGCONT)
                del self.wake_at[process]

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


def test_killed_workers_leave_what_an_undisturbed_import_leaves(
    storage: Settings, undisturbed: Undisturbed, tmp_path: Path
) -> None:
    settings = small_batches(storage)
    engine = open_database(settings)
    house = house_of(settings, engine, Objects(settings))
    chance = random.Random(f"{SEED} {settings.on_sqlite}")
    print(f"seed {SEED}, {MESSAGES} messages")
    project_id, person_id = new_project(house)
    operation = imports.ask_read(house, upload(house, project_id, person_id, undisturbed.path))
    workers = Workers(house, tmp_path / "log", chance)
    try:
        follow(house, operation, "reviewing", workers, moments(chance, undisturbed.units[0], KILLS - KILLS // 2))
        imports.start(house, imports.get(house, operation.id, project_id), EVERYTHING)
        follow(house, operation, "completed", workers, moments(chance, undisturbed.units[1], KILLS // 2))
    finally:
        workers.end()
    operation = imports.get(house, operation.id, project_id)
    for _ in range(2):
        assert accounted(house, operation) == undisturbed.accounts
        assert not difference(written_down(house, project_id), undisturbed.workspace)
        # Nothing of it goes with what is swept.
        sweeping.sweep(replace(house, settings=settings.model_copy(update={"sweep_grace_s": 0})))
    engine.dispose()


def moments(chance: random.Random, units: int, count: int) -> list[tuple[int, float]]:
    """When to disturb: so many seconds after so many commits. Once when all are made: then it checks, or finishes."""
    after = [*chance.sample(range(units), min(units, count - 1)), units] if count > 1 else [chance.randrange(units)]
    return [(commits, chance.uniform(0, 0.5)) for commits in sorted(after)]


def follow(house: House, operation: Operation, stage: str, workers: Workers, moments: list[tuple[int, float]]) -> None:
    """Waits for a stage and disturbs on the way."""
    deadline = time.monotonic() + WAIT_S
    begun, disturbed = time.monotonic(), 0
    while (now := imports.get(house, operation.id, operation.project_id)).stage != stage:
        assert time.monotonic() < deadline, (now, workers.log.read_text()[-3000:])
        assert now.work_error is None, (now.work_error, workers.log.read_text()[-3000:])
        done = commits(house, operation.id)[0 if stage == "reviewing" else 1]
        if moments and done >= moments[0][0]:
            time.sleep(moments.pop(0)[1])
            print(f"{time.monotonic() - begun:6.1f} s {now.progress.step}, {done} commits: {workers.disturb()}")
            disturbed += 1
        workers.wake()
        time.sleep(0.03)
    print(f"{time.monotonic() - begun:6.1f} s {stage}")
    assert disturbed, "the work was done too soon"
