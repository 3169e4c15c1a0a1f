"""A worker process whose handlers only write down what they did; `test_worker.py` starts and kills it.

    python -m tests.jobs.worker_program NOTES        settings from DOUANE_*

NOTES is a folder. Every run of a handler appends a line "kind operation pid begin|end" to the file `runs` in it.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from pathlib import Path

from douane import errors
from douane.jobs import children
from douane.jobs.queue import WorkItem
from douane.jobs.worker import run_worker
from douane.settings import Settings
from douane.store.database import open_database

notes = Path(sys.argv[1])


def note(kind: str, operation_id: str, what: str) -> None:
    # One short write to a file opened for appending is whole, whoever else writes.
    with (notes / "runs").open("a") as file:
        file.write(f"{kind} {operation_id} {os.getpid()} {what}\n")


def count(operation_id: str) -> bool:
    """Done when it ran to its end once; slow enough to be killed in the middle."""
    note("count", operation_id, "begin")
    deadline = time.monotonic() + float((notes / "seconds").read_text())
    while time.monotonic() < deadline:
        if children.stopping.is_set():
            raise errors.Superseded("stopping")
        time.sleep(0.01)
    note("count", operation_id, "end")
    return False


def deaf(operation_id: str) -> bool:
    """Does not hear that it should stop."""
    note("deaf", operation_id, "begin")
    time.sleep(600)
    return False


def turns(operation_id: str) -> bool:
    note("turns", operation_id, "begin")
    return (notes / "runs").read_text().count(f"turns {operation_id} ") < 3


def breaks(operation_id: str) -> bool:
    note("breaks", operation_id, "begin")
    raise RuntimeError("as asked")


def failed(kind: str, item: WorkItem, error: Exception) -> None:
    note(kind, item.id, f"failed-{type(error).__name__}")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    settings = Settings()
    try:
        run_worker(
            settings,
            open_database(settings),
            {"count": count, "deaf": deaf, "turns": turns, "breaks": breaks},
            failed=failed,
            tick=lambda: note("tick", "-", "begin"),
            ready=lambda: note("ready", "-", "begin"),
        )
    except errors.Conflict as error:
        sys.exit(str(error))
