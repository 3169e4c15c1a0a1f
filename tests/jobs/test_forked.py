"""A fork of the command line takes over nothing that a new child would not have."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from douane.jobs import forked

PROGRAM = """
import json, os, sys, threading
from pathlib import Path
from douane.jobs import forked

folder, given = Path(sys.argv[1]), open(__file__)
other = open(__file__)
print("not yet written", end="")

def work():
    text = sys.stdin.readline()
    print(json.dumps({
        "said": text,
        "environment": dict(os.environ),
        "begun": Path("/proc/self/environ").read_text().strip("\\0"),
        "descriptors": [int(one) for one in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{one}")],
        "folder": os.getcwd(),
        "path": sys.path,
        "session": os.getsid(0) == os.getpid(),
    }))
    print("complaint", file=sys.stderr)
    raise SystemError("at last")

assert forked.possible()
child = forked.fork(work, folder, {"LANG": "C.UTF-8"}, given.fileno())
child.stdin.write(b"hello\\n")
child.stdin.close()
found = json.loads(child.stdout.read())
errors = child.stderr.read().decode()
status = child.wait(20)
waiting = threading.Event()
threading.Thread(target=waiting.wait).start()
with_thread = forked.possible()
waiting.set()
print(json.dumps({
    **found, "errors": errors, "status": [status, child.poll()], "given": given.fileno(), "with_thread": with_thread,
}), file=sys.stderr)
"""


def test_what_a_fork_has_is_what_it_is_given(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    folder = tmp_path / "own"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, str(program), str(folder)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONUTF8": "1", "DOUANE_SECRET": "do not tell"},
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    found = json.loads(done.stderr)
    assert done.stdout == "not yet written", "once"
    errors = found.pop("errors")
    assert errors.startswith("complaint\n")
    assert errors.endswith("SystemError: at last\n")
    root = str(Path(forked.__file__).parents[2])
    path = found.pop("path")
    assert path[0] == root
    assert str(tmp_path) not in path
    given = found.pop("given")
    assert found == {
        "said": "hello\n",
        "environment": {"LANG": "C.UTF-8"},
        "begun": "",
        "descriptors": [0, 1, 2, given],
        "folder": str(folder),
        "session": True,
        "status": [1, 1],
        "with_thread": False,
    }


def test_a_process_that_holds_more_is_not_forked() -> None:
    __import__("polars")
    assert not forked.possible()
