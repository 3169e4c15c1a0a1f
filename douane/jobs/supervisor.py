"""`douane serve`: one web and one worker process, kept up.

A process that dies is started again, with growing pauses; one that can't start at all ends the whole, so that a person
sees why. On SQLite a worker whose lease lapsed is killed, for nobody else could take its work. Both processes end with
this one, also if it is killed.
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
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from douane import errors
from douane.settings import Settings
from douane.store import leases
from douane.store.database import database_now, open_database, read

log = logging.getLogger(__name__)

_WATCH_S = 0.2
_STARTED_S = 10.0  # who lives so long has started
_PAUSE_MAX_S = 30.0
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def supervise(
    settings: Settings,
    processes: Sequence[Sequence[str]] = (("web",), ("worker",)),
    program: Sequence[str] = (sys.executable, "-m", "douane"),
) -> int:
    """Runs until SIGTERM or SIGINT; the exit code. `processes` are the arguments of `program` for each, which finds the
    settings in its environment. Call it from the main thread, with the schema in place."""
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
    started_at: float = 0.0
    started_by_database: datetime | None = None
    failures: int = 0
    ever_started: bool = False
    pause_until: float = 0.0

    def start(self, settings: Settings, engine: Engine) -> None:
        with read(engine) as connection:
            self.started_by_database = database_now(connection)
        parent = os.getpid()
        self.process = subprocess.Popen(
            self.command,
            env={**os.environ, **settings.environment()},
            # Ctrl-C reaches this process alone, which tells the others once.
            start_new_session=True,
            preexec_fn=lambda: _end_with_parent(parent),
        )
        self.started_at = time.monotonic()

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
        code = self.process.poll()
        if code is None:
            if now - self.started_at > _STARTED_S:
                self.ever_started, self.failures = True, 0
            return True
        self.process = None
        if not self.ever_started and code > 0:
            return False
        self.pause_until = now + min(_PAUSE_MAX_S, 0.5 * 2**self.failures)
        self.failures += 1
        log.warning("douane %s ended with %s; it is started again.", self.name, code)
        return True

    def kill_if_lapsed(self, settings: Settings, engine: Engine) -> None:
        if self.process is None or self.started_by_database is None:
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
