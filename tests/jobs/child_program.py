"""Stands in for `douane.child` in `test_children.py`: does what the spec's `probe` names, behind the real walls."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any

from douane.jobs import sandbox


def send(what: str, **fields: Any) -> None:
    print(json.dumps({"event": "handed" if what == "part" else "said", "what": what, "fields": fields}), flush=True)


def attempt(act: Any) -> str:
    try:
        return f"done: {act()!r}"
    except OSError as error:
        return type(error).__name__


def walls(spec: dict[str, Any]) -> None:
    missing = sandbox.enter(Path(spec["folder"]), [Path(path) for path in spec["readable"]], spec["limits"])
    folder, secret = Path(spec["folder"]), Path(spec["secret"])
    outside = secret.parent
    (folder / "made").mkdir()
    (folder / "made" / "file").write_text("x")
    (folder / "made" / "file").rename(folder / "moved")
    os.truncate(folder / "moved", 0)
    send(
        "walls",
        missing=missing,
        given=attempt(lambda: Path(spec["given"]).read_text()),
        given_written=attempt(lambda: Path(spec["given"]).write_text("y")),
        source=attempt(lambda: os.pread(spec["source_fd"], 5, 0).decode()),
        secret=attempt(secret.read_text),
        listed=attempt(lambda: os.listdir(outside)),
        written=attempt(lambda: (outside / "new").write_text("x")),
        linked=attempt(lambda: os.link(secret, folder / "link") or (folder / "link").read_text()),
        parent_environment=attempt(lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes()),
        passwords=attempt(lambda: Path("/etc/shadow").read_text()),
        tcp=attempt(lambda: socket.create_connection(("127.0.0.1", spec["port"]), 2)),
        unix=attempt(lambda: socket.socket(socket.AF_UNIX).connect("\0" + spec["abstract"])),
        signal=attempt(lambda: os.kill(spec["neighbour"], 0)),
        program=attempt(lambda: os.execv("/bin/true", ["true"])),
        nice=os.nice(0),
        policy=os.sched_getscheduler(0),
        secrets=[name for name in os.environ if name.startswith(("DOUANE", "AWS"))],
        polars=_polars(),
    )


def _polars() -> int:
    import polars as pl

    frame = pl.DataFrame({"a": ["1", "2", None]}).lazy().select(pl.col("a").cast(pl.Int64).sum())
    return int(frame.collect(engine="streaming").item())


def memory(spec: dict[str, Any]) -> None:
    held = []
    while True:
        held.append(bytearray(16 << 20))
        send("progress", mebibytes=16 * len(held))


def abort(spec: dict[str, Any]) -> None:
    os.kill(os.getpid(), signal.SIGABRT)


def crash(spec: dict[str, Any]) -> None:
    ctypes.string_at(0)


def spin(spec: dict[str, Any]) -> None:
    while True:
        pass


def sleep(spec: dict[str, Any]) -> None:
    send("begun", pid=os.getpid())
    time.sleep(600)


def chatter(spec: dict[str, Any]) -> None:
    while True:
        send("progress")
        time.sleep(0.05)


def parts(spec: dict[str, Any]) -> None:
    """Counts how far ahead of the parent it was ever allowed to be."""
    waiting = 0
    for number in range(spec["count"]):
        (Path(spec["folder"]) / f"part-{number}").write_text("x")
        send("part", file=f"part-{number}", held=len(list(Path(spec["folder"]).glob("part-*"))))
        waiting += 1
        while waiting > spec["window"]:
            assert sys.stdin.readline()
            waiting -= 1
    send("done")


def error(spec: dict[str, Any]) -> None:
    send("progress")
    print("What the child saw", file=sys.stderr, flush=True)
    print(json.dumps({"event": "error", **spec["error"]}), flush=True)
    sys.exit(1)


def mistake(spec: dict[str, Any]) -> None:
    raise RuntimeError("a mistake of ours")


def noise(spec: dict[str, Any]) -> None:
    sys.stderr.write("x" * 1_000_000)
    print(spec["line"], flush=True)


def endless_line(spec: dict[str, Any]) -> None:
    while True:
        sys.stdout.write("x" * 1_000_000)


def payload(spec: dict[str, Any]) -> None:
    for number in range(spec["blocks"]):
        sys.stdout.buffer.write(bytes([number % 256]) * 100_000)
    sys.stdout.flush()
    if spec.get("fail"):
        sys.stderr.write("y" * 100_000 + "\n")
        print(
            json.dumps({"event": "error", "code": "storage_full", "message": "No room."}, separators=(",", ":")),
            file=sys.stderr,
        )
        sys.exit(1)


if __name__ == "__main__":
    order = json.loads(sys.stdin.readline())
    work = order.pop("work")
    spec = {**order, **work, **work.pop("given", {})}
    globals()[spec["probe"]](spec)
