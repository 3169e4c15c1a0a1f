"""Parts: the staged records of one piece of a file, as an Arrow IPC file (LZ4, record batches of 1,024 rows).

IPC and not Parquet because pages are read far more often than files are written (design 4). Python's view of a part is
a Polars frame; the columns are those of `sheet/formats` (or of a chat table). Where the kernel is loaded, the child
lets it write them (`child/parts.py`): texts have 32-bit offsets then, which readers of Arrow files take as they come.
"""

from __future__ import annotations

import io
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.staging.blocks import read_run, read_scattered, taken

BATCH_ROWS = 1024  # a row costs the batch it stands in; twice as many would save a file 3 % of its room
_RUN_MAX = 4 * BATCH_ROWS  # rows that are read at once rather than by several threads
_SCATTERED_MAX = 1 << 20  # rows from first to last of all runs of near ones that are read at once
_NEAR = 4  # batches that a page of near rows lies in at most

_LOOK_S = 1.0  # between two looks whether the files of what is remembered are there still

Rows = npt.NDArray[np.int64]
Number = TypeVar("Number", np.int64, np.uint64)


def distinct(numbers: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """Ascending, each once. Costs next to nothing where they are so already (`np.unique` would hash them all)."""
    steps = numbers[1:] > numbers[:-1]
    if steps.all():
        return numbers
    low, high = numbers.min(), numbers.max()
    if numbers.dtype == np.int64 and high - low < 8 * len(numbers):  # dense: flags cost a tenth of sorting
        flags = np.zeros(int(high - low) + 1, np.bool_)
        flags[numbers - low] = True
        dense: npt.NDArray[Number] = (np.flatnonzero(flags) + low).astype(numbers.dtype)
        return dense
    ordered = np.sort(numbers)
    found: npt.NDArray[Number] = ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])]
    return found


def write_part(frame: pl.DataFrame, path: Path | io.BytesIO, batch_rows: int = BATCH_ROWS) -> None:
    """Writes the frame, in order. The caller makes it durable (the object store syncs before it names)."""
    frame.write_ipc(path, compression="lz4", compat_level=pl.CompatLevel.oldest(), record_batch_size=batch_rows)


def read_part(path: Path, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """The whole part, or only those of `columns` that it has."""
    scan = pl.scan_ipc(path)
    if columns is not None:
        present = set(pl.read_ipc_schema(path))
        scan = scan.select([column for column in columns if column in present])
    return scan.collect()


def read_rows(path: Path, offsets: Rows, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """The rows at ascending `offsets` within the part, with those of `columns` that it has (None = all). Costs the
    record batches that they touch."""
    if columns is not None:
        present = set(pl.read_ipc_schema(path))
        columns = [column for column in columns if column in present]
    if len(offsets) and (span := int(offsets[-1]) - int(offsets[0]) + 1) <= _RUN_MAX:
        frame = read_run(path, int(offsets[0]), span, columns)
        return frame if span == len(offsets) else taken(frame, offsets - int(offsets[0]))
    scan = pl.scan_ipc(path) if columns is None else pl.scan_ipc(path).select(columns)
    if len(offsets) == 0:
        return scan.slice(0, 0).collect()
    breaks = np.flatnonzero(np.diff(offsets) > BATCH_ROWS) + 1
    runs = np.split(offsets, breaks)
    if len(runs) > 1 and sum(int(run[-1]) - int(run[0]) for run in runs) < _SCATTERED_MAX:
        return read_scattered(path, offsets, columns)
    frames: list[pl.DataFrame] = []
    for run in runs:
        first = int(run[0])
        frame = scan.slice(first, int(run[-1]) - first + 1).collect()
        frames.append(frame if len(frame) == len(run) else taken(frame, run - first))
    return frames[0] if len(frames) == 1 else pl.concat(frames)


class Batches:
    """Record batches of parts as they were read last, up to `bytes_max` in all: the pages beside a page lie in the same
    batch, and unpacking it costs more than all else of a page. Parts never change, so only the room is bounded."""

    def __init__(self, bytes_max: int) -> None:
        self._lock = threading.Lock()
        self._left = bytes_max
        self._one_max = bytes_max // 4
        self._kept: OrderedDict[tuple[Path, int], tuple[pl.DataFrame, int]] = OrderedDict()
        self._looked_at = 0.0

    def rows(self, path: Path, offsets: Rows) -> pl.DataFrame:
        """As `read_rows`. Batches are kept where a page lies in a few, as any page of near rows does."""
        if len(offsets) == 0:
            return read_rows(path, offsets)
        first, last = int(offsets[0]) // BATCH_ROWS, int(offsets[-1]) // BATCH_ROWS
        if first == last:
            return _at(self._batch(path, first), offsets - first * BATCH_ROWS)
        if last - first >= _NEAR:
            return read_rows(path, offsets)
        of = offsets // BATCH_ROWS
        # A batch without a row of the page has none to give.
        return pl.concat(
            [_at(self._batch(path, at), offsets[of == at] - at * BATCH_ROWS) for at in np.unique(of).tolist()]
        )

    def drop_deleted(self) -> None:
        """Lets go of what was read of files that are no more."""
        with self._lock:
            for key in [key for key in self._kept if not key[0].exists()]:
                _, size = self._kept.pop(key)
                self._left += size

    def _batch(self, path: Path, batch: int) -> pl.DataFrame:
        key = path, batch
        with self._lock:
            if (held := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return held[0]
        frame = read_run(path, batch * BATCH_ROWS, BATCH_ROWS)
        size = int(frame.estimated_size())
        if time.monotonic() - self._looked_at > _LOOK_S:  # another process may have deleted them
            self._looked_at = time.monotonic()
            self.drop_deleted()
        if size > self._one_max:
            return frame
        with self._lock:
            if key not in self._kept:
                self._kept[key] = frame, size
                self._left -= size
            while self._left < 0:
                _, (_, freed) = self._kept.popitem(last=False)
                self._left += freed
        return frame


def _at(frame: pl.DataFrame, offsets: Rows) -> pl.DataFrame:
    """The rows at ascending offsets; neighbours are not copied."""
    first = int(offsets[0])
    near = int(offsets[-1]) - first == len(offsets) - 1
    return frame.slice(first, len(offsets)) if near else taken(frame, offsets)
