"""Parts by their record batches: joined to one file without unpacking them, and read here and there at once.

An Arrow IPC file is a head with the schema, the batches one behind the other, and a footer that says where each stands;
of a batch, its own head says how many rows it holds. What is in a batch is Polars' business."""

from __future__ import annotations

import io
import os
import struct
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.values import dataclass

_MAGIC = b"ARROW1"
_BLOCK = struct.Struct("<qi4xq")
_MESSAGE = b"\xff\xff\xff\xff"
_END = _MESSAGE + b"\0\0\0\0"  # of a stream
_BATCHES = 3  # the footer's field that lists them
_RUN_ROWS = 1024  # from which on a run of rows is no dearer as a piece of its own than row by row
_KEPT = 512  # files of which it is remembered where their batches stand


class _Block(NamedTuple):
    """Where a batch stands: bytes, of them its head's, and of what follows."""

    offset: int
    head: int
    body: int


@dataclass(frozen=True, slots=True)
class _Index:
    """`starts`: the first row of each batch, and behind the last one. `schema`: what a stream begins with."""

    blocks: tuple[_Block, ...]
    starts: npt.NDArray[np.int64]
    schema: bytes


class _Kept:
    """Of the files that were read last: parts never change."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[Path, int, int, int], _Index] = OrderedDict()

    def of(self, path: Path, file: BinaryIO) -> _Index:
        stat = os.fstat(file.fileno())
        key = path, stat.st_ino, stat.st_size, stat.st_mtime_ns
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = _index(file)
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return made


_kept = _Kept()


def read_scattered(path: Path, offsets: npt.NDArray[np.int64], columns: Sequence[str] | None = None) -> pl.DataFrame:
    """The rows at ascending `offsets` of a part, not empty; `columns`: only these, which it has. The batches that hold
    them are read at once: to ask for one costs as much again as to unpack it."""
    with path.open("rb") as file:
        index = _kept.of(path, file)
        of = np.searchsorted(index.starts, offsets, side="right") - 1
        wanted = np.flatnonzero(np.bincount(of, minlength=len(index.blocks)))
        frame = _unpacked(file, index, wanted.tolist(), columns)
    # Where the first row of each batch stands in what was read.
    sizes = np.diff(index.starts)[wanted]
    first = np.cumsum(sizes) - sizes
    return _picked(frame, first[np.searchsorted(wanted, of)] + offsets - index.starts[of])


def read_run(path: Path, first: int, count: int, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """The rows of a part from `first` on, `count` or as many as it has. In the thread that asks: a scan hands each
    batch to others and waits for them, which on a busy machine takes longer than the work."""
    with path.open("rb") as file:
        index = _kept.of(path, file)
        begin = max(0, int(np.searchsorted(index.starts, first, side="right")) - 1)
        end = min(int(np.searchsorted(index.starts, first + count)), len(index.blocks))
        frame = _unpacked(file, index, range(min(begin, end), end), columns)
    return frame.slice(first - int(index.starts[begin]), count)


def _unpacked(file: BinaryIO, index: _Index, wanted: Sequence[int], columns: Sequence[str] | None) -> pl.DataFrame:
    """These batches, one behind the other."""
    blocks = [index.blocks[at] for at in wanted]
    pieces = [os.pread(file.fileno(), block.head + block.body, block.offset) for block in blocks]
    stream = io.BytesIO(b"".join([index.schema, *pieces, _END]))
    return pl.read_ipc_stream(stream, columns=None if columns is None else list(columns))


def _picked(frame: pl.DataFrame, at: npt.NDArray[np.int64]) -> pl.DataFrame:
    """The rows at these ascending places. Of few long runs, as a change of whole columns has, none is copied."""
    breaks = np.flatnonzero(np.diff(at) != 1) + 1
    if len(breaks) * _RUN_ROWS > len(at):
        return taken(frame, at)
    edges = [0, *breaks.tolist(), len(at)]
    runs = [frame.slice(int(at[start]), stop - start) for start, stop in pairwise(edges)]
    return runs[0] if len(runs) == 1 else pl.concat(runs, rechunk=False)


def taken(frame: pl.DataFrame, at: npt.NDArray[np.int64]) -> pl.DataFrame:
    """The rows at these places, as numbers of the kind that Polars counts rows by: it looks through any other first, at
    ten times the price of a page of rows."""
    return frame[pl.Series(at.astype(np.uint32))] if len(frame) < 1 << 32 else frame[at]


class Joined:
    """One part of several of the same columns, in their order, written as they come. The caller makes it durable."""

    def __init__(self, target: Path) -> None:
        self._out = target.open("wb")
        self._blocks: list[_Block] = []
        self._footer = self._head = b""

    def add(self, part: bytes | memoryview) -> None:
        """A whole part, with rows."""
        its_footer = _footer(io.BytesIO(part))
        begin, size = self._take(its_footer, lambda size: bytes(part[:size]))
        self._out.write(part[begin : begin + size])

    def add_file(self, path: Path) -> None:
        """The same of a file. ValueError where its columns are others."""
        with path.open("rb") as file:
            begin, size = self._take(_footer(file), lambda size: os.pread(file.fileno(), size, 0))
            self._out.flush()
            _copy(file.fileno(), self._out.fileno(), begin, size)
            self._out.seek(0, os.SEEK_END)

    def _take(self, footer: bytes, head: Callable[[int], bytes]) -> tuple[int, int]:
        """Where its batches stand, which come next, and how many bytes they are."""
        its_blocks = list(_blocks(footer))
        # They stand one behind the other, so all of them are one piece.
        first, last = its_blocks[0], its_blocks[-1]
        begins = head(first.offset)
        if not self._blocks:
            self._footer, self._head = footer, begins
            self._out.write(begins)
        elif begins != self._head:
            raise ValueError("this part has other columns")
        moved = self._out.tell() - first.offset
        self._blocks += [_Block(block.offset + moved, block.head, block.body) for block in its_blocks]
        return first.offset, last.offset + last.head + last.body - first.offset

    def sync(self) -> None:
        """What was written so far goes to the disk now; on any thread."""
        os.fdatasync(self._out.fileno())

    def close(self) -> None:
        if self._out.closed:
            return
        if self._blocks:
            self._out.write(_END)
            listed = _listing(self._footer, self._blocks)
            self._out.write(listed + struct.pack("<i", len(listed)) + _MAGIC)
        self._out.close()


def _copy(source: int, target: int, begin: int, size: int) -> None:
    """To where the target stands."""
    while size:
        done = os.sendfile(target, source, begin, size)
        if done == 0:
            raise ValueError("this part is cut off")
        begin += done
        size -= done


def _footer(file: BinaryIO) -> bytes:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 10))
    tail = file.read(10)
    if tail[4:] != _MAGIC:
        raise ValueError("this is no part")
    (length,) = struct.unpack_from("<i", tail)
    file.seek(size - 10 - length)
    return file.read(length)


def _field(table: bytes, root: int, number: int) -> int | None:
    """Where a field of a FlatBuffers table stands; None = it has its default."""
    shape = root - int(struct.unpack_from("<i", table, root)[0])
    at = 4 + 2 * number
    if at >= int(struct.unpack_from("<H", table, shape)[0]):
        return None
    offset = int(struct.unpack_from("<H", table, shape + at)[0])
    return root + offset if offset else None


def _pointed(table: bytes, at: int) -> int:
    return at + int(struct.unpack_from("<I", table, at)[0])


def _blocks(footer: bytes) -> Iterator[_Block]:
    at = _field(footer, _pointed(footer, 0), _BATCHES)
    if at is not None:
        listed = _pointed(footer, at)
        for number in range(int(struct.unpack_from("<I", footer, listed)[0])):
            yield _Block(*_BLOCK.unpack_from(footer, listed + 4 + number * _BLOCK.size))


def _listing(footer: bytes, blocks: Sequence[_Block]) -> bytes:
    """The footer with these batches: their list stands behind all else of it, and its field points there."""
    at = _field(footer, _pointed(footer, 0), _BATCHES)
    assert at is not None
    whole = bytearray(footer)
    whole += b"\0" * ((4 - len(whole)) % 8)  # the blocks themselves stand at a multiple of 8
    struct.pack_into("<I", whole, at, len(whole) - at)
    whole += struct.pack("<I", len(blocks))
    for block in blocks:
        whole += _BLOCK.pack(*block)
    return bytes(whole)


def _index(file: BinaryIO) -> _Index:
    blocks = tuple(_blocks(_footer(file)))
    rows = [0]
    for block in blocks:
        file.seek(block.offset)
        rows.append(rows[-1] + _rows_of(file.read(block.head)))
    file.seek(8)
    schema = file.read(blocks[0].offset - 8)
    if schema[:4] == _MESSAGE:
        schema = schema[: 8 + int(struct.unpack_from("<i", schema, 4)[0])]
    else:  # Polars leaves out how long it is
        schema = _MESSAGE + struct.pack("<i", len(schema)) + schema
    return _Index(blocks, np.array(rows, np.int64), schema)


def _rows_of(head: bytes) -> int:
    message = head[8:]
    at = _field(message, _pointed(message, 0), 2)
    if at is None:
        raise ValueError("a batch without a head")
    batch = _pointed(message, at)
    rows = _field(message, batch, 0)
    return 0 if rows is None else int(struct.unpack_from("<q", message, rows)[0])
