"""A child process that runs the patterns which no linear-time engine takes, 50 ms of processor time for each cell.

It is forked and not started anew, for behind the walls of the sandboxed child (`jobs/sandbox.py`) no program can be
started. That is safe here, though Polars has threads, because the child touches nothing but `re` and its two pipes.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import re
import select
import signal
import struct
import threading
import warnings
import weakref
from collections.abc import Sequence
from types import FrameType

NOT_FOUND, FOUND, GIVEN_UP = b"012"
CELL_S = 0.05
# Once so many cells of one call were given up, the rest is given up unread: at 50 ms each, a hostile file could
# otherwise hold a worker for hours.
GIVEN_UP_MAX = 40
# The child ends every cell by itself; this is for a child that does not answer at all.
SILENCE_MAX_S = 10.0
_CHUNK = 2_000
_LENGTH = struct.Struct("<I")
_forking = threading.Lock()


class Engine:
    """One pattern, spelled for `re` with its flag ASCII. The child starts with the first cell, serves all threads, and
    ends with its owner, however that ends."""

    def __init__(self, spelled: str) -> None:
        self._spelled = spelled
        self._lock = threading.Lock()
        self._child: _Child | None = None

    def verdicts(self, texts: Sequence[str]) -> bytes:
        """One of NOT_FOUND, FOUND, GIVEN_UP for each text. Ends soon, whatever the pattern and the texts are."""
        verdicts = bytearray()
        with self._lock:
            while len(verdicts) < len(texts) and verdicts.count(GIVEN_UP) < GIVEN_UP_MAX:
                chunk = texts[len(verdicts) : len(verdicts) + _CHUNK]
                answered = self._ask(chunk, GIVEN_UP_MAX - verdicts.count(GIVEN_UP))
                verdicts += answered
                if len(answered) < len(chunk):  # it died or fell silent: the cell it stood at is given up
                    self._end()
                    verdicts.append(GIVEN_UP)
        return bytes(verdicts) + bytes([GIVEN_UP]) * (len(texts) - len(verdicts))

    def _ask(self, texts: Sequence[str], given_up_max: int) -> bytes:
        """The verdicts on the first of these texts; fewer than texts where the child failed or gave up too often."""
        answers = bytearray()
        with contextlib.suppress(OSError):
            if self._child is None:
                self._child = _Child(self._spelled)
                self._finalizer = weakref.finalize(self, self._child.end)
            _write(self._child.questions, json.dumps(texts).encode())
            while len(answers) < len(texts) and answers.count(GIVEN_UP) < given_up_max:
                if not select.select([self._child.answers], [], [], SILENCE_MAX_S)[0]:
                    break
                part = os.read(self._child.answers, len(texts) - len(answers))
                if not part:
                    break
                answers += part
        return bytes(answers)

    def _end(self) -> None:
        if self._child is not None:
            self._finalizer()
            self._child = None


class _Child:
    """The process and the parent's ends of its pipes."""

    def __init__(self, spelled: str) -> None:
        with _forking, warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of every fork beside threads
            asked, self.questions = os.pipe()
            self.answers, answer = os.pipe()
            try:
                self.pid = os.fork()
                if self.pid == 0:
                    _serve(spelled, asked, answer)
            except OSError:
                os.close(self.questions)
                os.close(self.answers)
                raise
            finally:
                os.close(asked)
                os.close(answer)

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)
        os.close(self.questions)
        os.close(self.answers)


class _GivenUp(Exception):
    pass


def _give_up(number: int, frame: FrameType | None) -> None:
    raise _GivenUp


def _serve(spelled: str, asked: int, answer: int) -> None:
    """The child's whole life. Nothing of the parent's may be freed, flushed or closed on the way: its locks may be
    held by threads that are not here."""
    try:
        gc.disable()
        low, high = sorted((asked, answer))
        for first, last in ((0, low), (low + 1, high), (high + 1, os.sysconf("SC_OPEN_MAX"))):
            os.closerange(first, last)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        # `re` looks for signals every few thousand steps, so the alarm ends a match that explodes.
        signal.signal(signal.SIGVTALRM, _give_up)
        pattern = re.compile(spelled, re.ASCII)
        while question := _read(asked):
            for text in json.loads(question):
                os.write(answer, bytes([_verdict(pattern, text)]))
    finally:
        os._exit(0)


def _verdict(pattern: re.Pattern[str], text: str) -> int:
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, CELL_S)
        try:
            return FOUND if pattern.search(text) else NOT_FOUND
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    except (_GivenUp, RecursionError, MemoryError):
        return GIVEN_UP


def _write(descriptor: int, data: bytes) -> None:
    """A length and the data. The child reads a question whole before it answers, so neither waits for the other."""
    rest = memoryview(_LENGTH.pack(len(data)) + data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _read(descriptor: int) -> bytes:
    """What `_write` wrote; empty at the end."""
    head = _read_exactly(descriptor, _LENGTH.size)
    return _read_exactly(descriptor, _LENGTH.unpack(head)[0]) if head else b""


def _read_exactly(descriptor: int, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        part = os.read(descriptor, size - len(data))
        if not part:
            return b""
        data += part
    return bytes(data)
