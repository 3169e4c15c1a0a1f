"""Delimited text in the spellings that `csv` does not know, rewritten into the one it does while it is read.

    records behind 0x1E, cells behind 0x1F ("ASCII delimited text"; SQLite's `.mode ascii`)
    a blank between the delimiter and the quote     1, "Ann, Dr."
    quotes escaped with a backslash                 "say \\"hi\\""

Whether a file is in one of them is `dialect.py`'s to tell. Nothing but quoting changes: the cells are those that were
meant. A stretch that cannot be told stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from douane.sheet.formats import Source
from douane.sheet.formats.stream import Forward, uploaded_bytes

BLOCK_BYTES = 1 << 20
END_SIGN = b"\x1a"
RECORD, CELL = b"\x1e", b"\x1f"
_END_SIGNS_MAX = 128  # CP/M filled its blocks with them


class Shorter:
    """A source without its last bytes."""

    def __init__(self, source: Source, size: int) -> None:
        self._source = source
        self.size = size

    def read(self, offset: int, length: int) -> bytes:
        return self._source.read(offset, max(0, min(length, self.size - offset)))


class Trimmed(Forward):
    """What can only be read forward, without the end-of-file signs of DOS. `trimmed`: there are some, as is known once
    it was read to its end."""

    def __init__(self, source: Forward) -> None:
        super().__init__(self._held_back, source.uploaded)
        self._source = source
        self.trimmed = False

    def _held_back(self) -> Iterator[bytes]:
        """The source's blocks; signs at the end of one wait for what comes behind them."""
        held = b""
        for block in blocks_of(self._source, 0):
            data = held + block
            kept = data.rstrip(END_SIGN)
            held = data[len(kept) :]
            yield kept
        self.trimmed = bool(held)


def without_end_sign(source: Source) -> Source:
    """The source without the end-of-file signs of DOS at its very end; itself if there are none."""
    if isinstance(source, Forward):
        return Trimmed(source)
    tail = source.read(max(0, source.size - _END_SIGNS_MAX), _END_SIGNS_MAX)
    signs = len(tail) - len(tail.rstrip(END_SIGN))
    return Shorter(source, source.size - signs) if signs else source


def ascii_records(source: Source, top: int) -> Forward:
    """Records that end with 0x1E as lines. A cell with a line end or a quote in it is quoted; a line end right behind
    the sign belongs to it."""

    def chunks() -> Iterator[bytes]:
        rest = b""
        for block in blocks_of(source, top):
            data = rest + block
            cut = data.rfind(RECORD) + 1
            rest = data[cut:]
            if cut:
                yield _as_lines(data[:cut])
        if rest.strip(b"\r\n"):
            yield _as_lines(rest + RECORD)

    return Forward(chunks, lambda: uploaded_bytes(source, source.size))


def _as_lines(data: bytes) -> bytes:
    data = data.replace(RECORD + b"\r\n", RECORD).replace(RECORD + b"\n", RECORD).removeprefix(b"\n")
    if not any(sign in data for sign in (b"\n", b"\r", b'"')):
        return data.replace(RECORD, b"\n")
    lines: list[bytes] = []
    for record in data.split(RECORD)[:-1]:
        cells = record.split(CELL)
        lines.append(CELL.join(_quoted(cell) for cell in cells))
    return b"\n".join(lines) + b"\n" if lines else b""


def _quoted(cell: bytes) -> bytes:
    if b'"' in cell or b"\n" in cell or b"\r" in cell:
        return b'"' + cell.replace(b'"', b'""') + b'"'
    return cell


def requoted(source: Source, top: int, delimiter: bytes, *, escapes: bool, record_bytes: int) -> Forward:
    """Quoted cells without the blanks before them and, with `escapes`, with doubled quotes for escaped ones."""
    pattern = quoted_cells(delimiter, escapes)

    def chunks() -> Iterator[bytes]:
        rest = b""
        for block in blocks_of(source, top):
            data = rest + block
            cut = _last_line_outside(data, pattern)
            if not cut and len(data) <= record_bytes:
                rest = data
                continue
            cut = cut or len(data)
            rest = data[cut:]
            yield rewrite(data[:cut], pattern, escapes)
        if rest:
            yield rewrite(rest, pattern, escapes)

    return Forward(chunks, lambda: uploaded_bytes(source, source.size))


@lru_cache(maxsize=16)
def quoted_cells(delimiter: bytes, escapes: bool) -> re.Pattern[bytes]:
    """Cells that begin with a quote, blanks before it or not: the blanks, what is within the quotes, and the closing
    quote; where the cell is open to the end, what is left of an escape there."""
    inner = rb'[^"\\]|\\.|""' if escapes else rb'[^"]|""'
    before = rb"(?:(?<=[%s\r\n])|\A)" % re.escape(delimiter)
    return re.compile(before + rb'([ \t]*+)"((?:' + inner + rb')*+)("|\\?\Z)', re.DOTALL)


def rewrite(data: bytes, pattern: re.Pattern[bytes], escapes: bool) -> bytes:
    def cell(found: re.Match[bytes]) -> bytes:
        inner = found[2]
        if escapes and b"\\" in inner:
            inner = _ESCAPED.sub(lambda pair: b'""' if pair[1] == b'"' else pair[1], inner)
        return b'"' + inner + found[3]

    return pattern.sub(cell, data)


_ESCAPED = re.compile(rb'\\(["\\])', re.DOTALL)


def _last_line_outside(data: bytes, pattern: re.Pattern[bytes]) -> int:
    """Behind the last line end that is in no quoted cell; 0 if there is none."""
    cut = begin = 0
    for found in pattern.finditer(data):
        cut = max(cut, data.rfind(b"\n", begin, found.start()) + 1)
        begin = found.end()
        if found[3] != b'"':
            return cut
    return max(cut, data.rfind(b"\n", begin) + 1)


def blocks_of(source: Source, top: int) -> Iterator[bytes]:
    offset = top
    while block := source.read(offset, BLOCK_BYTES):
        offset += len(block)
        yield block
