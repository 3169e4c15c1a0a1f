"""Pages that go on where the last one ended come of one process; whoever asks otherwise has them made at once."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator

import pytest

from douane.errors import DouaneError, Unavailable
from douane.flow import read_ahead
from douane.flow.read_ahead import Mark, ReadAhead
from douane.line import paged as line_paged
from douane.line.paged import Blocks, Pages

ROWS = 100


def text(first: int, count: int) -> bytes:
    return b"".join(b'{"n":%d}\n' % at for at in range(first, first + count))


class Maker:
    """Gives pages from a place on in odd chunks, and notes what becomes of it."""

    def __init__(self, fails_at: int = ROWS) -> None:
        self.begun = self.open = 0
        self._fails_at = fails_at

    def at(self, first: int, count: int) -> Callable[[], Pages]:
        def chunks() -> Iterator[bytes]:
            self.begun += 1
            self.open += 1
            try:
                data = paged(first, count, min(ROWS, self._fails_at))
                for start in range(0, len(data), 37):
                    yield data[start : start + 37]
                if self._fails_at < ROWS:
                    raise Unavailable("It was killed.")
            finally:
                self.open -= 1

        return lambda: Pages(chunks())


def paged(first: int, count: int, end: int) -> bytes:
    out = io.BytesIO()
    blocks = Blocks(out)
    for start in range(first, end, count):
        whole = text(start, min(count, end - start))
        for cut in range(0, len(whole), 50):
            blocks.write(memoryview(whole)[cut : cut + 50])
        if end == ROWS or start + count <= end:
            blocks.end()
    return out.getvalue()


def mark(first: int, count: int, version: int = 1) -> Mark:
    return Mark("an import", version, first, count, "ndjson")


def asked(ahead: ReadAhead, maker: Maker, first: int, count: int, version: int = 1) -> bytes | None:
    pieces = ahead.page(mark(first, count, version), ROWS, maker.at(first, count))
    return None if pieces is None else b"".join(pieces)


@pytest.mark.parametrize("piece_bytes", [1, 50, 1 << 20])
def test_pages_come_in_pieces(piece_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_paged, "_PIECE_BYTES", piece_bytes)
    pages = Maker().at(0, 7)()
    for first in range(0, ROWS, 7):
        assert b"".join(pages.next()) == text(first, min(7, ROWS - first))
    with pytest.raises(DouaneError):
        list(pages.next())


def test_large_pieces_are_given_as_they_came(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_paged, "_PIECE_BYTES", 10)
    lengths = [b"\x03\0\0\0", b"\x14\0\0\0", b"\0\0\0\0"]
    large = b"x" * 20
    chunks = [lengths[0] + b"abc", lengths[1], large, lengths[0] + b"def" + lengths[2]]
    pieces = list(Pages(iter(chunks)).next())
    assert [bytes(one) for one in pieces] == [b"abc", large, b"def"]
    assert isinstance(pieces[1], memoryview)
    assert pieces[1].obj is large


def test_who_goes_on_is_read_ahead_for() -> None:
    ahead, maker = ReadAhead(), Maker()
    assert asked(ahead, maker, 0, 10) is None
    assert asked(ahead, maker, 50, 10) is None  # from somewhere
    assert asked(ahead, maker, 10, 10) == text(10, 10)
    assert asked(ahead, maker, 20, 10) == text(20, 10)
    assert maker.begun == 1
    # The same again, and the next as they are at another version or of another size, is made at once.
    assert asked(ahead, maker, 20, 10) is None
    assert asked(ahead, maker, 30, 10, version=2) is None
    assert asked(ahead, maker, 30, 20) is None
    for first in range(30, ROWS, 10):
        assert asked(ahead, maker, first, 10) == text(first, 10)
    assert (maker.begun, maker.open) == (1, 0)
    # What is left would not pay.
    assert asked(ahead, maker, 60, 20) is None
    assert asked(ahead, maker, 80, 10) is None


def test_nobody_waits_for_a_place() -> None:
    ahead, maker = ReadAhead(most=1), Maker()
    for first in (0, 1):
        assert asked(ahead, maker, first, 10) is None
    assert asked(ahead, maker, 10, 10) == text(10, 10)
    assert asked(ahead, maker, 11, 10) is None
    for first in range(20, ROWS, 10):
        assert asked(ahead, maker, first, 10) == text(first, 10)
    # The place is free again, also after one that fails, cannot be begun, or is left by who asked.
    at_once, later = Maker(fails_at=10), Maker(fails_at=25)
    assert asked(ahead, at_once, 0, 10) is None
    assert asked(ahead, at_once, 10, 10) is None
    assert asked(ahead, later, 0, 10) is None
    assert asked(ahead, later, 10, 10) == text(10, 10)
    assert asked(ahead, later, 20, 10) is None
    assert (at_once.begun, later.begun, at_once.open, later.open) == (1, 1, 0, 0)

    def none_free() -> Pages:
        raise Unavailable("Too many files.")

    assert asked(ahead, maker, 0, 10) is None
    assert ahead.page(mark(10, 10), ROWS, none_free) is None
    assert asked(ahead, maker, 0, 10) is None
    left = ahead.page(mark(10, 10), ROWS, maker.at(10, 10))
    assert left is not None
    left.close()  # type: ignore[attr-defined]
    assert maker.open == 0
    assert asked(ahead, maker, 0, 10) is None
    assert asked(ahead, maker, 10, 10) == text(10, 10)


def test_what_nobody_goes_on_with_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_ahead, "IDLE_S", 0.05)
    ahead, maker = ReadAhead(), Maker()
    assert asked(ahead, maker, 0, 10) is None
    assert asked(ahead, maker, 10, 10) == text(10, 10)
    until = time.monotonic() + 30
    while maker.open and time.monotonic() < until:
        time.sleep(0.01)
    assert maker.open == 0
    assert asked(ahead, maker, 20, 10) is None
