"""A supervisor and what it keeps up, for `test_supervisor.py`.

    python -m tests.jobs.supervisor_program supervise PROGRAM NOTES NAME...     settings from DOUANE_*
    python -m tests.jobs.supervisor_program NAME NOTES

A kept process notes its start in NOTES; those named `broken`, `slow-broken` and `killed` can't start. That all are
ready is noted as well.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from douane.jobs import readiness, supervisor
from douane.settings import Settings


def main() -> int:
    if sys.argv[1] == "supervise":
        program, notes, *names = sys.argv[2:]
        processes = [(notes,)] if program.endswith("worker_program") else [(name, notes) for name in names]
        told = Path(notes) / "ready"
        # Each pause is twice as long as the one before; five of them are sat out.
        supervisor._PAUSE_S = 0.05
        return supervisor.supervise(Settings(), processes, (sys.executable, "-m", program), ready=told.touch)
    name, notes = sys.argv[1:]
    with (Path(notes) / "starts").open("a") as file:
        file.write(f"{name} {os.getpid()}\n")
    if name == "broken":
        return 3
    if name == "slow-broken":
        time.sleep(2)
        return 4
    if name == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    readiness.ready()
    time.sleep(600)
    return 0


if __name__ == "__main__":
    sys.exit(main())
