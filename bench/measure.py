"""Weighs a command as a tree of processes: wall seconds, CPU seconds, and the peak of the tree's summed PSS.

PSS (proportional set size) shares a page that several processes map among them, so a sum over a tree counts no page
twice; mapped files count as far as they are resident. CPU seconds are those of the command and of all its descendants,
also of grandchildren that were orphaned on the way: we ask the kernel to hand orphans to us. Linux only.

    python -m bench.measure -- COMMAND ARGUMENTS ...
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType

INTERVAL_S = 0.05
_TICKS = os.sysconf("SC_CLK_TCK")
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one command. `pss_peak_bytes` of the whole tree, `rss_peak_bytes` of its largest process; `stdout` is
    what it printed."""

    status: int
    wall_s: float
    cpu_s: float
    pss_peak_bytes: int
    rss_peak_bytes: int
    stdout: str
    stderr: str


@dataclass(slots=True)
class Peak:
    """The most a process ever held, as sampled."""

    command: str
    pss_bytes: int = 0
    rss_bytes: int = 0


@dataclass(slots=True)
class Watch:
    """Samples a running tree until left. `pss_peak_bytes`: of the sum; `processes`: each one's own, by id."""

    root: int
    interval_s: float = INTERVAL_S
    memory: bool = True
    pss_peak_bytes: int = 0
    processes: dict[int, Peak] = field(default_factory=dict)
    cpu_s: dict[int, float] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Watch:
        self._thread = threading.Thread(target=self._sample_until_stopped, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join()

    def sample(self) -> None:
        total = 0
        for pid in tree(self.root):
            memory = _memory(pid) if self.memory else (0, 0)
            if memory is None:
                continue
            pss, rss = memory
            total += pss
            peak = self.processes.setdefault(pid, Peak(_command(pid)))
            peak.command = _command(pid) or peak.command  # an exec may follow the fork
            peak.pss_bytes, peak.rss_bytes = max(peak.pss_bytes, pss), max(peak.rss_bytes, rss)
            self.cpu_s[pid] = own_cpu_s(pid) or self.cpu_s.get(pid, 0.0)
        self.pss_peak_bytes = max(self.pss_peak_bytes, total)

    def _sample_until_stopped(self) -> None:
        while not self._stop.is_set():
            self.sample()
            self._stop.wait(self.interval_s)


def run(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    makes: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Run:
    """Runs the command to its end, twice: once for its seconds, once for its memory, because adding up PSS stops a
    process again and again and costs it processor time of its own. What it `makes` is removed in between. Raises
    nothing for a failing command: look at `status`."""
    weighed = _run(command, cwd, environment, memory=True)
    if makes is not None:
        shutil.rmtree(makes, ignore_errors=True)
    timed = _run(command, cwd, environment, memory=False)
    if timed.status != weighed.status:
        raise SystemExit(f"{command[0]} ended with {weighed.status} first and with {timed.status} then")
    return replace(timed, pss_peak_bytes=weighed.pss_peak_bytes, rss_peak_bytes=weighed.rss_peak_bytes)


def _run(command: Sequence[str], cwd: Path | None, environment: Mapping[str, str] | None, *, memory: bool) -> Run:
    ours = _children(os.getpid())
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, _adopting_orphans():
        started = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=cwd, env=environment)
        with Watch(process.pid, memory=memory) as watch:
            _, raw_status, usage = os.wait4(process.pid, 0)
            wall_s = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(raw_status)
        cpu_s = usage.ru_utime + usage.ru_stime
        while orphans := _children(os.getpid()) - ours:
            cpu_s += sum(map(_reap, orphans))
        out.seek(0)
        err.seek(0)
        return Run(
            process.returncode,
            wall_s,
            # What was seen of each process is a lower bound, should a parent have left its children uncounted.
            max(cpu_s, sum(watch.cpu_s.values())),
            watch.pss_peak_bytes,
            max((process.rss_bytes for process in watch.processes.values()), default=0),
            out.read().decode(errors="replace"),
            err.read().decode(errors="replace"),
        )


def median(runs: Iterable[Run]) -> Run:
    """The medians of each figure; texts and status are the last run's."""
    all_runs = list(runs)
    last = all_runs[-1]
    return Run(
        last.status,
        statistics.median(one.wall_s for one in all_runs),
        statistics.median(one.cpu_s for one in all_runs),
        int(statistics.median(one.pss_peak_bytes for one in all_runs)),
        int(statistics.median(one.rss_peak_bytes for one in all_runs)),
        last.stdout,
        last.stderr,
    )


def tree(root: int) -> list[int]:
    """`root` and all its living descendants."""
    children = _parents()
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def own_cpu_s(pid: int) -> float:
    """User and system seconds of one living process without its children; 0 if it is gone."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS if fields else 0.0


def tree_cpu_s(root: int) -> float:
    """Seconds of the living tree and of the children it has reaped."""
    total = 0
    for pid in tree(root):
        if fields := _stat(pid):
            total += sum(int(value) for value in fields[11:15])
    return total / _TICKS


@contextmanager
def _adopting_orphans() -> Iterator[None]:
    """Descendants whose parent ends become our children meanwhile, so that their seconds can be counted."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def _children(pid: int) -> set[int]:
    return set(_parents().get(pid, ()))


def _parents() -> dict[int, list[int]]:
    """Process -> its children, ended ones that nobody has waited for among them."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (fields := _stat(int(entry))):
            children.setdefault(int(fields[1]), []).append(int(entry))
    return children


def _reap(pid: int) -> float:
    """Seconds of an orphan that came to us. One still running is waited for, for a moment."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        ended, _, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            return usage.ru_utime + usage.ru_stime
        time.sleep(0.01)
    raise SystemExit(f"process {pid} ({_command(pid)}) was left running by the measured command")


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/PID/stat from the state on: [0] state, [1] parent, [11] user ticks, [12] system ticks, [13..14]
    those of reaped children."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text[text.rindex(")") + 2 :].split()


def pss_bytes(pid: int) -> int:
    """What a process holds now; 0 where it is gone."""
    memory = _memory(pid)
    return 0 if memory is None else memory[0]


def own_bytes(pid: int) -> int:
    """What a process has written and shares with nobody; 0 where it is gone. For a process over time: PSS of one that
    does nothing changes with how many others load the same libraries, or are forks of it."""
    return _held(pid).get("Private_Dirty", 0)


def _memory(pid: int) -> tuple[int, int] | None:
    """(PSS, RSS) in bytes."""
    held = _held(pid)
    return (held["Pss"], held["Rss"]) if "Pss" in held else None


def _held(pid: int) -> dict[str, int]:
    """Bytes of each kind that the system counts; none where the process is gone."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return {}
    return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in text.splitlines()[1:] if line.endswith(" kB")}


def _command(pid: int) -> str:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    return ""


def main() -> None:
    command = sys.argv[2:] if sys.argv[1:2] == ["--"] else sys.argv[1:]
    if not command:
        raise SystemExit(__doc__)
    result = run(command)
    sys.stdout.write(result.stdout)
    sys.stderr.write(result.stderr)
    figures = {
        "wall_s": round(result.wall_s, 3),
        "cpu_s": round(result.cpu_s, 3),
        "pss_peak_mib": round(result.pss_peak_bytes / 2**20, 1),
        "rss_peak_process_mib": round(result.rss_peak_bytes / 2**20, 1),
        "status": result.status,
    }
    sys.stderr.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
