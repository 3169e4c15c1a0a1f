"""Answers one after the other on one stream: each in blocks, with their length before them and none behind the last."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, BinaryIO

from douane.errors import DouaneError

Piece = bytes | memoryview

_LENGTH = 4
_PIECE_BYTES = 64 << 10  # what is as large is given as it came; to join pages costs as much as to send them


class Pages:
    """Answers as they come in chunks of any size."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._chunk, self._at = memoryview(b""), 0  # the last one, and how far it was read

    def next(self) -> Iterator[Piece]:
        """The next one, in pieces. DouaneError where there is none, or as the chunks raise it."""
        small: list[memoryview] = []
        size = 0
        while left := int.from_bytes(b"".join(self._some(_LENGTH)), "little"):
            for piece in self._some(left):
                large = len(piece) >= _PIECE_BYTES
                if not large:
                    small.append(piece)
                    size += len(piece)
                if small and (large or size >= _PIECE_BYTES):
                    yield b"".join(small)
                    small, size = [], 0
                if large:
                    yield piece
        if small:
            yield b"".join(small)

    def _some(self, count: int) -> Iterator[memoryview]:
        while count:
            if self._at == len(self._chunk):
                self._chunk, self._at = memoryview(next(self._chunks, b"")), 0
                if not len(self._chunk):
                    raise DouaneError("Rows that were counted are not there.")
            piece = self._chunk[self._at : self._at + count]
            self._at += len(piece)
            count -= len(piece)
            yield piece

    def close(self) -> None:
        """Ends who makes them."""
        close = getattr(self._chunks, "close", None)
        if close is not None:
            close()


class Blocks(io.RawIOBase):
    """Where an answer is written, which becomes blocks on `out`."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out

    def writable(self) -> bool:
        return True

    def write(self, block: Any) -> int:
        size = memoryview(block).nbytes
        if size:
            self._out.write(size.to_bytes(_LENGTH, "little"))
            self._out.write(block)
        return size

    def end(self) -> None:
        self._out.write(bytes(_LENGTH))
        self._out.flush()
