"""Work is begun when it is asked for, not when the queue is looked at next.

DBOS looks at a queue ten times a second at most, and who waits for a small file waits for that look twice. So whoever
asked for work rings: a letter a queue, through a named pipe in the data folder, once its transaction is through. A bell
that nobody hears, because the worker is on another machine or is not there yet, costs nobody anything: the look stays.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import stat
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from douane.settings import Settings

if TYPE_CHECKING:
    from dbos import DBOS

log = logging.getLogger(__name__)

_THREAD = "queue-worker-"  # what DBOS calls the thread that looks at a queue, before the queue's name


def path_of(settings: Settings) -> Path:
    return settings.data / "bells"


def ring(path: Path, queue: str) -> None:
    """There is work in this queue; no two begin with the same letter."""
    with contextlib.suppress(OSError):
        # Without waiting: a pipe that nobody has open for reading is refused.
        pipe = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        try:
            if stat.S_ISFIFO(os.fstat(pipe).st_mode):
                os.write(pipe, queue[:1].encode())
        finally:
            os.close(pipe)


class Bells:
    """Hears what is rung at `path`, and ends the waits of the threads that look at those queues."""

    def __init__(self, path: Path, queues: Sequence[str]) -> None:
        self._path = path
        self._rung = {queue: threading.Event() for queue in queues}

    def listen(self) -> None:
        """In a thread of its own, to the end of the process. Where no pipe can be made the log says so, and nothing is
        heard."""
        try:
            pipe = _pipe(self._path)
        except OSError as error:
            log.info("No pipe can be made at %s: queues are looked at and not rung. %s", self._path, error.strerror)
            return
        threading.Thread(target=self._hear, args=(pipe,), name="bells", daemon=True).start()

    def wake(self, dbos: DBOS) -> None:
        """From now on its threads wait for the bells too. They wait for the event that tells them to stop, each for as
        long as its queue is left alone; DBOS has no other way to say that there is work."""
        for event in dbos.background_thread_stop_events:
            event.wait = self._waiting(event)  # type: ignore[method-assign, assignment]

    def _waiting(self, stop: threading.Event) -> Callable[[float | None], bool]:
        plain = stop.wait

        def wait(timeout: float | None = None) -> bool:
            rung = self._rung.get(threading.current_thread().name.removeprefix(_THREAD))
            if rung is None or stop.is_set():
                return plain(timeout)
            rung.wait(timeout)
            # Before the look, so that what is asked for during it is heard after it.
            rung.clear()
            return stop.is_set()

        return wait

    def _hear(self, pipe: int) -> None:
        while True:
            letters = os.read(pipe, 4096).decode(errors="replace")
            for queue, rung in self._rung.items():
                if queue[:1] in letters:
                    rung.set()


def _pipe(path: Path) -> int:
    """Opened for writing too, or reading would end with every ring. OSError where something else stands there."""
    with contextlib.suppress(FileExistsError):
        os.mkfifo(path, 0o600)
    pipe = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    if not stat.S_ISFIFO(os.fstat(pipe).st_mode):
        os.close(pipe)
        raise FileExistsError(errno.EEXIST, "something else stands there")
    return pipe
