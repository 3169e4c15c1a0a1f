"""Whole imports under `kill -9`: real worker processes, killed at random moments, on both storage modes.

`make torture` runs many more rounds (DOUANE_TORTURE_ROUNDS) from other seeds (DOUANE_TORTURE_SEED)."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from douane.flow import imports, records
from douane.flow.house import House
from douane.flow.imports import NewImport, StoredSource
from douane.flow.records import Excerpt
from douane.model.operation import Operation
from douane.model.template import Column, Template
from douane.store import manifest, people, projects
from douane.store.database import read, write
from douane.store.ids import new_id

pytestmark = [pytest.mark.long, pytest.mark.walled]

ROUNDS = int(os.environ.get("DOUANE_TORTURE_ROUNDS", "1"))
SEED = int(os.environ.get("DOUANE_TORTURE_SEED", "20261121"))
ROWS = 30_000
# A torture is run beside other work, or on a slower machine.
WAIT_S = 600 if "DOUANE_TORTURE_ROUNDS" in os.environ else 120
TEMPLATE = Template(
    "Torture",
    (Column("name", "Name", required=True), Column("mail", "Mail", "Email", unique=True), Column("n", "N", "Number")),
)


def text(seed: int) -> tuple[bytes, list[int]]:
    """A file and the indexes of its invalid rows."""
    chance = random.Random(seed)
    lines, wrong, seen = ["name,mail,n"], [], set()
    for row in range(1, ROWS + 1):
        mail = f"m{chance.randrange(ROWS * 20)}@example.com"
        number = "x" if chance.random() < 0.01 else str(row)
        lines.append(f"N{row},{mail},{number}")
        if mail in seen or number == "x":
            wrong.append(row)
        seen.add(mail)
    return "\n".join(lines).encode(), wrong


def begin(house: House, data: bytes) -> Operation:
    with write(house.engine) as connection:
        person = people.add(
            connection, email=f"{new_id()}@b.co", username=new_id(), first_name="", last_name="", password_hash="x"
        )
        project_id = projects.add(connection, name="Project", owner_id=person.id).id
    operation_id = new_id()
    house.objects.put_bytes(f"{operation_id}/source", data)
    source = StoredSource(f"{operation_id}/source", len(data), "", "torture.csv", "text/csv")
    return imports.begin(house, NewImport(operation_id, project_id, new_id(), TEMPLATE, source, auto=True))


def worker(house: House, log: Path) -> subprocess.Popen[bytes]:
    # Small pieces make many moments to be killed at; a spare child would only cost time here.
    environment = house.settings.environment() | {"DOUANE_PIECE_BYTES": "20000", "DOUANE_CHILD_SPARES": "0"}
    environment["DOUANE_TRIES_MAX"] = "100"
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "douane", "worker", "--data", str(house.settings.data)],
            env={**os.environ, **environment},
            cwd=Path(__file__).parents[2],
            stdout=output,
            stderr=output,
        )


def test_killed_workers_leave_the_same_result_and_nothing_twice(house: House, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    for _ in range(ROUNDS):
        seed = chance.randrange(1 << 30)
        data, wrong = text(seed)
        operation = begin(house, data)
        log = tmp_path / f"worker-{seed}"
        # Two on PostgreSQL, where the other takes over; on SQLite there is one at a time.
        count = 1 if house.settings.on_sqlite else 2
        workers = [worker(house, log) for _ in range(count)]
        kills = 0
        deadline = time.monotonic() + WAIT_S
        next_kill = time.monotonic() + chance.uniform(2, 4)
        try:
            while (now := imports.get(house, operation.id)).stage != "reviewing":
                assert time.monotonic() < deadline, (seed, now, log.read_text()[-3000:])
                assert now.work_error is None, (seed, now.work_error)
                if kills < 3 and time.monotonic() > next_kill and now.progress.done != 0:
                    kills += 1
                    at = chance.randrange(count)
                    workers[at].send_signal(signal.SIGKILL)
                    workers[at].wait()
                    workers[at] = worker(house, log)
                    next_kill = time.monotonic() + chance.uniform(1, 4)
                time.sleep(0.05)
        finally:
            for process in workers:
                process.kill()
                process.wait()
        assert kills, "nothing was killed; the work was done too soon"
        assert (now.total, now.valid, now.invalid) == (ROWS, ROWS - len(wrong), len(wrong)), seed
        lines = b"".join(records.encoded(house, now, Excerpt("all", "csv"))).decode().splitlines()
        assert [line.split(",")[0] for line in lines[1:]] == [f"N{row}" for row in range(1, ROWS + 1)], seed
        found = [r.index for at in (1, 2, 3, 4) for r in records.page(house, now, "invalid", at, 1000).records]
        assert found == wrong[:4000], seed
        with read(house.engine) as connection:
            parts = manifest.parts(connection, operation.id, "rows")
        assert [part.number for part in parts] == list(range(len(parts)))
        assert sum(part.rows for part in parts) == ROWS + 1
