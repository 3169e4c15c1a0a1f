"""Parts: the staged records of one piece of a file, as an Arrow IPC file (LZ4, record batches of 4,096 rows).

IPC and not Parquet because pages are read far more often than files are written (design 4). Python's view of a part is
a Polars frame; the columns are those of `sheet/formats` (or of a chat table).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

BATCH_ROWS = 4096

Rows = npt.NDArray[np.int64]
Number = TypeVar("Number", np.int64, np.uint64)


def distinct(numbers: npt.NDArray[Number]) -> npt.NDArray[Number]:
    """Ascending, each once. Costs next to nothing where they are so already (`np.unique` would hash them all)."""
    steps = numbers[1:] > numbers[:-1]
    if steps.all():
        return numbers
    ordered = np.sort(numbers)
    found: npt.NDArray[Number] = ordered[np.concatenate([[True], ordered[1:] != ordered[:-1]])]
    return found


def write_part(frame: pl.DataFrame, path: Path) -> None:
    """Writes the frame, in order. The caller makes it durable (the object store syncs before it names)."""
    frame.write_ipc(path, compression="lz4", compat_level=pl.CompatLevel.oldest(), record_batch_size=BATCH_ROWS)


def read_part(path: Path, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """The whole part, or only those of `columns` that it has."""
    scan = pl.scan_ipc(path)
    if columns is not None:
        present = set(pl.read_ipc_schema(path))
        scan = scan.select([column for column in columns if column in present])
    return scan.collect()


def read_rows(path: Path, offsets: Rows) -> pl.DataFrame:
    """The rows at ascending `offsets` within the part. Costs the record batches that they touch, runs of near ones
    read at once."""
    if len(offsets) == 0:
        return pl.scan_ipc(path).slice(0, 0).collect()
    scan = pl.scan_ipc(path)
    frames: list[pl.DataFrame] = []
    breaks = np.flatnonzero(np.diff(offsets) > BATCH_ROWS) + 1
    for run in np.split(offsets, breaks):
        first = int(run[0])
        frame = scan.slice(first, int(run[-1]) - first + 1).collect()
        frames.append(frame if len(frame) == len(run) else frame[run - first])
    return frames[0] if len(frames) == 1 else pl.concat(frames)
