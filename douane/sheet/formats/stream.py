"""Bytes that can only be read forward (inflated, transcoded), behind the face of a `Source`.

Reading on is cheap, reading back starts again from the top: the readers read strictly forward but when a killed read
is continued.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from douane.sheet.formats import Source

UNKNOWN_SIZE = sys.maxsize
WORKBOOK_MAGIC = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
WORKBOOK_BYTES = 256 << 20  # of a packed workbook: it is held in memory


class Forward:
    """A `Source` over the chunks that `start` gives anew each time. `size` is not known: `UNKNOWN_SIZE`.

    `uploaded()` = how many bytes of the file as uploaded were used so far."""

    size = UNKNOWN_SIZE

    def __init__(self, start: Callable[[], Iterator[bytes]], uploaded: Callable[[], int]) -> None:
        self._start = start
        self.uploaded = uploaded
        self._chunks: Iterator[bytes] = iter(())
        self._started = False
        self._chunk = b""  # what was read last; it ends at offset `_end`
        self._end = 0
        self._last = (0, b"")  # what was answered last, for readers that step back a little

    def read(self, offset: int, length: int) -> bytes:
        parts: list[bytes] = []
        asked = offset
        last_offset, last = self._last
        if last_offset <= offset < last_offset + len(last):
            parts.append(last[offset - last_offset : offset - last_offset + length])
            offset += len(parts[0])
            length -= len(parts[0])
        if length and (not self._started or offset < self._end - len(self._chunk)):
            self._chunks, self._chunk, self._end = self._start(), b"", 0
            self._started = True
        while length > 0:
            if offset < self._end:
                begin = len(self._chunk) - (self._end - offset)
                part = self._chunk[begin : begin + length]
                parts.append(part)
                offset += len(part)
                length -= len(part)
                continue
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._chunk = chunk
            self._end += len(chunk)
        data = b"".join(parts)
        self._last = (asked, data)
        return data


class Held:
    """A `Source` in memory: an unpacked workbook, which is read from its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def read(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]


def uploaded_bytes(source: Source, offset: int) -> int:
    """How many bytes of the uploaded file are used once `source` was read up to `offset`."""
    return source.uploaded() if isinstance(source, Forward) else min(offset, source.size)
