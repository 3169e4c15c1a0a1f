"""What who pulls a feed page after page is given next, made in one go: a helper process that makes a page costs more to
start than the page, and one that goes on costs a third of what this process needs for it.

Such a process gives all pages from a place on, and waits while nobody reads them. It is begun for who has asked for two
pages that follow one another, and at once where much is left. It is known by the place of the next
one and the rows of each, so it serves whoever asks for exactly that, and lives for seconds after the last page. What it
gives is what any other process would give; who finds none, asks elsewhere, or comes when all are taken, has the page
made at once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace

from douane.errors import DouaneError
from douane.line.paged import Pages, Piece

log = logging.getLogger(__name__)

IDLE_S = 5.0  # that pages are kept for who asked last
SOON_S = IDLE_S  # after a page, in which who asks for the next is one who goes on
FAR = 16  # pages that are left, from which on who asks for one is taken for one who goes on
_SURE_BYTES = 4 << 20  # of a page that are there before it is begun
MOST = 2  # processes at once: exports and lists of sheets have the other places of children


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the rows of one import as they stand at a version, and how they are asked for: `page` at a time."""

    operation_id: str
    version: int
    position: int
    page: int
    form: str

    @property
    def next(self) -> Mark:
        return replace(self, position=self.position + self.page)


class ReadAhead:
    """The pages that somebody may go on with, and where pages ended a moment ago that were made without any."""

    def __init__(self, most: int = MOST) -> None:
        self._lock = threading.Lock()
        self._left = most
        self._kept: dict[Mark, tuple[Pages, float]] = {}
        self._ended: dict[Mark, float] = {}
        self._timer: threading.Timer | None = None

    def page(self, mark: Mark, rows: int, begin: Callable[[], Pages]) -> Iterator[Piece] | None:
        """The page at `mark`, of an import that has `rows`; None where it is better made here. `begin` gives all pages
        from `mark` on, or raises DouaneError where that cannot be had now."""
        now = time.monotonic()
        with self._lock:
            held = self._kept.pop(mark, None)
            left = rows - mark.position
            goes_on = (self._ended.pop(mark, 0.0) > now - SOON_S and left > 2 * mark.page) or left > FAR * mark.page
            begins = held is None and goes_on and self._left > 0
            if begins:
                self._left -= 1
            elif held is None:
                self._ended = {one: at for one, at in self._ended.items() if at > now - SOON_S}
                self._ended[mark.next] = now
        if held is None and not begins:
            return None
        # What fails before so much is there is no loss: the page is made here.
        try:
            pieces = self._read(begin if held is None else lambda: held[0], mark.next, rows)
            return _begun(next(pieces), pieces)
        except DouaneError as error:
            log.warning("A page of a feed is made without a process of its own: %s", error.message)
            return None

    def _read(self, begin: Callable[[], Pages], after: Mark, rows: int) -> Generator[list[Piece]]:
        pages: Pages | None = None
        goes_on = False
        try:
            pages = begin()
            first, size = list[Piece](), 0
            page = pages.next()
            for piece in page:
                first.append(piece)
                size += len(piece)
                if size >= _SURE_BYTES:
                    break
            yield first
            yield from ([piece] for piece in page)
            goes_on = after.position < rows
        finally:
            if goes_on and pages is not None:
                self._keep(after, pages)
            else:
                self._end(pages)

    def _keep(self, mark: Mark, pages: Pages) -> None:
        with self._lock:
            twin = self._kept.pop(mark, None)
            self._kept[mark] = pages, time.monotonic()
            self._wait()
        if twin is not None:
            self._end(twin[0])

    def _end(self, pages: Pages | None) -> None:
        try:
            if pages is not None:
                pages.close()
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
        for pages in left:
            self._end(pages)


def _begun(first: list[Piece], more: Generator[list[Piece]]) -> Iterator[Piece]:
    try:
        yield from first
        for pieces in more:
            yield from pieces
    finally:
        more.close()
