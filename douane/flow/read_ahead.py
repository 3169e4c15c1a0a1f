"""What who pulls a feed page after page is given next, made in one go: a helper process that makes a page costs more to
start than the page, and one that goes on costs a third of what this process needs for it.

Such a process gives all lines from a place on, and waits while nobody reads them. It is known by the place of its next
line, so it serves whoever asks for exactly that, and lives for seconds after the last page. What it gives is what any
other process would give; who finds none, asks elsewhere, or comes when all are taken, has the page made at once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

import numpy as np

from douane.errors import DouaneError

log = logging.getLogger(__name__)

IDLE_S = 5.0  # that lines are kept for who asked last
SOON_S = 2.0  # after a page, in which who asks for the next is one who goes on
MOST = 2  # processes at once: exports and lists of sheets have the other places of children
_PIECE_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the rows of one import as they stand at a version."""

    operation_id: str
    version: int
    position: int


class Lines:
    """Lines that come in chunks, cut anew."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, b""

    def next(self, count: int) -> Iterator[bytes]:
        """The next `count`, in pieces of some MiB. DouaneError where there are less, or as the chunks raise it."""
        pieces: list[bytes] = []
        size = 0
        while count:
            chunk, self._rest = self._rest or next(self._chunks, b""), b""
            if not chunk:
                raise DouaneError("Rows that were counted are not there.")
            found = chunk.count(b"\n")
            if found >= count:
                end = int(np.flatnonzero(np.frombuffer(chunk, np.uint8) == 10)[count - 1]) + 1
                chunk, self._rest = chunk[:end], chunk[end:]
            count -= min(found, count)
            pieces.append(chunk)
            size += len(chunk)
            if size >= _PIECE_BYTES or not count:
                yield b"".join(pieces)
                pieces, size = [], 0

    def close(self) -> None:
        """Ends the process that makes them."""
        close = getattr(self._chunks, "close", None)
        if close is not None:
            close()


class ReadAhead:
    """The lines that somebody may go on with, and where pages ended a moment ago that were made without any."""

    def __init__(self, most: int = MOST) -> None:
        self._lock = threading.Lock()
        self._left = most
        self._kept: dict[Mark, tuple[Lines, float]] = {}
        self._ended: dict[Mark, float] = {}
        self._timer: threading.Timer | None = None

    def page(self, mark: Mark, count: int, rows: int, begin: Callable[[], Lines]) -> Iterator[bytes] | None:
        """`count` lines from `mark` on, of `rows` that the import has; None where they are better made here. `begin`
        gives all lines from `mark` on, or raises DouaneError where that cannot be had now."""
        now = time.monotonic()
        after = Mark(mark.operation_id, mark.version, mark.position + count)
        with self._lock:
            held = self._kept.pop(mark, None)
            goes_on = self._ended.pop(mark, 0.0) > now - SOON_S and rows - mark.position > 2 * count
            begins = held is None and goes_on and self._left > 0
            if begins:
                self._left -= 1
            elif held is None:
                self._ended = {one: at for one, at in self._ended.items() if at > now - SOON_S}
                self._ended[after] = now
        if held is None and not begins:
            return None
        # What fails before the first piece is no loss: the page is made here.
        try:
            pieces = self._read(begin if held is None else lambda: held[0], after, count, rows)
            return _begun(next(pieces), pieces)
        except DouaneError as error:
            log.warning("A page of a feed is made without a process of its own: %s", error.message)
            return None

    def _read(self, begin: Callable[[], Lines], after: Mark, count: int, rows: int) -> Generator[bytes]:
        lines: Lines | None = None
        goes_on = False
        try:
            lines = begin()
            yield from lines.next(count)
            goes_on = after.position < rows
        finally:
            if goes_on and lines is not None:
                self._keep(after, lines)
            else:
                self._end(lines)

    def _keep(self, mark: Mark, lines: Lines) -> None:
        with self._lock:
            twin = self._kept.pop(mark, None)
            self._kept[mark] = lines, time.monotonic()
            self._wait()
        if twin is not None:
            self._end(twin[0])

    def _end(self, lines: Lines | None) -> None:
        try:
            if lines is not None:
                lines.close()
        finally:
            with self._lock:
                self._left += 1

    def _wait(self) -> None:
        """Looks again later; with the lock held."""
        if self._timer is None and self._kept:
            self._timer = threading.Timer(IDLE_S / 2, self._drop)
            self._timer.daemon = True
            self._timer.start()

    def _drop(self) -> None:
        """Ends those that nobody goes on with."""
        old = time.monotonic() - IDLE_S
        with self._lock:
            gone = [mark for mark, (_, at) in self._kept.items() if at < old]
            left = [self._kept.pop(mark)[0] for mark in gone]
            self._timer = None
            self._wait()
        for lines in left:
            self._end(lines)


def _begun(first: bytes, pieces: Generator[bytes]) -> Iterator[bytes]:
    try:
        yield first
        yield from pieces
    finally:
        pieces.close()
