"""`douane serve`: one web and one worker process, kept up.

A process that dies is started again, with growing pauses; one that ends before it was ever ready ends the whole,
however long that took, so that a person sees why. One that is frozen, and has not said for `lease_s` that it is alive,
is killed; one that only waits for a locked database or a full disk says so all the while (`readiness.py`) and is left
alone, for killing mends neither. Both processes end with this one, also if it is killed. None of this asks the
database, which may be what is wrong.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from douane.jobs import readiness
from douane.settings import Settings

log = logging.getLogger(__name__)

_WATCH_S = 0.2
_KILLED_MAX = 5  # so often may a process be killed before it was ever ready
_PAUSE_S, _PAUSE_MAX_S = 0.5, 30.0  # before a process is started again: at first, and in the end
_ASLEEP_S = 2.0  # who has not looked for so long was frozen itself, perhaps together with what it keeps up
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def supervise(
    settings: Settings,
    processes: Sequence[Sequence[str]] = (("web",), ("worker",)),
    program: Sequence[str] = (sys.executable, "-m", "douane"),
    ready: Callable[[], None] | None = None,
) -> int:
    """Runs until SIGTERM or SIGINT; the exit code. `processes` are the arguments of `program` for each, which finds the
    settings in its environment and says when it is ready (`readiness.py`); `ready` is called once all are. Call it from
    the main thread, with the schema in place."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    kept = [_Kept(arguments[0], (*program, *arguments)) for arguments in processes]
    try:
        for one in kept:
            one.start(settings)
        while not stopping.wait(_WATCH_S):
            for one in kept:
                if not one.watch(settings):
                    log.error("douane %s could not start.", one.name)
                    return 1
            if ready is not None and all(one.ever_ready for one in kept):
                ready()
                ready = None
        return 0
    finally:
        _end(kept, settings.stop_wait_s + 5)


@dataclass
class _Kept:
    """One process that is kept up."""

    name: str
    command: tuple[str, ...]
    process: subprocess.Popen[bytes] | None = None
    pipe: int | None = None
    heard_at: float | None = None  # since this start
    watched_at: float = 0.0
    failures: int = 0
    ever_ready: bool = False
    pause_until: float = 0.0
    killed: bool = False  # by us, who have said so

    def start(self, settings: Settings) -> None:
        parent = os.getpid()
        self._close()
        self.pipe, its = os.pipe()
        os.set_blocking(self.pipe, False)
        self.process = subprocess.Popen(
            self.command,
            env={**os.environ, **settings.environment(), readiness.VARIABLE: str(its)},
            pass_fds=(its,),
            # Ctrl-C reaches this process alone, which tells the others once.
            start_new_session=True,
            preexec_fn=lambda: _end_with_parent(parent),
        )
        os.close(its)
        self.heard_at, self.killed = None, False

    def _listen(self) -> None:
        """Takes what the process has said since the last time."""
        with suppress(BlockingIOError):
            if self.pipe is not None and os.read(self.pipe, 1 << 16):
                self.heard_at, self.ever_ready, self.failures = time.monotonic(), True, 0

    def _close(self) -> None:
        if self.pipe is not None:
            os.close(self.pipe)
            self.pipe = None

    def watch(self, settings: Settings) -> bool:
        """Starts the process again when it is due; False if it never came up at all."""
        now, before = time.monotonic(), self.watched_at
        self.watched_at = now
        if self.process is None:
            if now >= self.pause_until:
                self.start(settings)
            return True
        self._listen()
        code = self.process.poll()
        if code is None:
            if self.heard_at is not None and now - before > _ASLEEP_S:
                self.heard_at = now
            self._kill_if_frozen(now, settings.lease_s)
            return True
        self.process = None
        if not self.ever_ready and (code >= 0 or self.failures >= _KILLED_MAX):
            return False
        self.pause_until = now + min(_PAUSE_MAX_S, _PAUSE_S * 2**self.failures)
        self.failures += 1
        if not self.killed:
            log.warning("douane %s ended with %s; it is started again.", self.name, code)
        return True

    def _kill_if_frozen(self, now: float, silent_s: float) -> None:
        if self.process is not None and self.heard_at is not None and now - self.heard_at > silent_s:
            log.warning("douane %s has been silent for %g s: it is killed and started again.", self.name, silent_s)
            self.heard_at, self.killed = None, True
            self.process.kill()


def _end(kept: list[_Kept], wait_s: float) -> None:
    running = [one.process for one in kept if one.process is not None and one.process.poll() is None]
    for process in running:
        process.terminate()
    deadline = time.monotonic() + wait_s
    for process in running:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _end_with_parent(parent: int) -> None:
    """Runs in the new process: killed with the supervisor, whose port and lock would stay taken otherwise."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
