"""A supervisor and what it keeps up, for `test_supervisor.py`.

    python -m tests.jobs.supervisor_program supervise PROGRAM NOTES NAME...     settings from DOUANE_*
    python -m tests.jobs.supervisor_program NAME NOTES

A kept process notes its start in NOTES; the one named `broken` can't start.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from douane.jobs.supervisor import supervise
from douane.settings import Settings


def main() -> int:
    if sys.argv[1] == "supervise":
        program, notes, *names = sys.argv[2:]
        processes = [(notes,)] if program.endswith("worker_program") else [(name, notes) for name in names]
        return supervise(Settings(), processes, (sys.executable, "-m", program))
    name, notes = sys.argv[1:]
    with (Path(notes) / "starts").open("a") as file:
        file.write(f"{name} {os.getpid()}\n")
    if name == "broken":
        return 3
    time.sleep(600)
    return 0


if __name__ == "__main__":
    sys.exit(main())
