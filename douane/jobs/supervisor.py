"""`douane serve`: one web and one worker process, kept up.

A process that dies is started again, with growing pauses; one that ends before it was ever ready ends the whole,
however long that took, so that a person sees why. On SQLite a worker that is frozen is killed, for nobody else could
take its work; one that only waits for a locked database or a full disk is left alone, for killing mends neither. Both
processes end with this one, also if it is killed.
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
from datetime import datetime

from sqlalchemy import Engine

from douane import errors
from douane.jobs import readiness
from douane.settings import Settings
from douane.store import leases
from douane.store.database import database_now, open_database, read

log = logging.getLogger(__name__)

_WATCH_S = 0.2
_KILLED_MAX = 5  # so often may a process be killed before it was ever ready
_PAUSE_MAX_S = 30.0
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
    engine = open_database(settings)
    kept = [_Kept(arguments[0], (*program, *arguments)) for arguments in processes]
    try:
        for one in kept:
            one.start(settings, engine)
        checked_at = time.monotonic()
        while not stopping.wait(_WATCH_S):
            for one in kept:
                if not one.watch(settings, engine):
                    log.error("douane %s could not start.", one.name)
                    return 1
            if ready is not None and all(one.ever_ready for one in kept):
                ready()
                ready = None
            if settings.on_sqlite and time.monotonic() - checked_at > settings.lease_s / 2:
                checked_at = time.monotonic()
                for one in kept:
                    one.kill_if_lapsed(settings, engine)
        return 0
    finally:
        _end(kept, settings.stop_wait_s + 5)
        engine.dispose()


@dataclass
class _Kept:
    """One process that is kept up."""

    name: str
    command: tuple[str, ...]
    process: subprocess.Popen[bytes] | None = None
    pipe: int | None = None
    heard_at: float = 0.0
    started_by_database: datetime | None = None
    failures: int = 0
    ever_ready: bool = False
    pause_until: float = 0.0

    def start(self, settings: Settings, engine: Engine) -> None:
        with read(engine) as connection:
            self.started_by_database = database_now(connection)
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
        self.heard_at = time.monotonic()

    def _listen(self) -> None:
        """Takes what the process has said since the last time."""
        with suppress(BlockingIOError):
            if self.pipe is not None and os.read(self.pipe, 1 << 16):
                self.heard_at, self.ever_ready, self.failures = time.monotonic(), True, 0

    def _close(self) -> None:
        if self.pipe is not None:
            os.close(self.pipe)
            self.pipe = None

    def watch(self, settings: Settings, engine: Engine) -> bool:
        """Starts the process again when it is due; False if it never came up at all."""
        now = time.monotonic()
        if self.process is None:
            if now >= self.pause_until:
                try:
                    self.start(settings, engine)
                except errors.Unavailable:
                    self.pause_until = now + _PAUSE_MAX_S
            return True
        self._listen()
        code = self.process.poll()
        if code is None:
            return True
        self.process = None
        if not self.ever_ready and (code >= 0 or self.failures >= _KILLED_MAX):
            return False
        self.pause_until = now + min(_PAUSE_MAX_S, 0.5 * 2**self.failures)
        self.failures += 1
        log.warning("douane %s ended with %s; it is started again.", self.name, code)
        return True

    def kill_if_lapsed(self, settings: Settings, engine: Engine) -> None:
        # A process that was never ready has no lease yet.
        if (
            self.process is None
            or self.started_by_database is None
            or self.heard_at > time.monotonic() - settings.lease_s
        ):
            return
        try:
            with read(engine) as connection:
                lapsed = leases.lapsed(connection, self.process.pid, self.started_by_database, settings.lease_s)
        except errors.Unavailable:
            return
        if lapsed:
            log.warning("douane %s has been silent for too long and is killed.", self.name)
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
