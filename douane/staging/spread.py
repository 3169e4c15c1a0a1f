"""A change of many cells, a line a record: `row`, `hits` (a bit a column, in their order) and of each column the texts,
under `=` and its key, null where the record's cell is not changed.

A line a cell says of each its row and its key once more, which for a change of whole columns is more than the texts
themselves. The file is written piece by piece, as a child makes them; `staging/revisions.py` reads it as a layer.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Self

import numpy as np
import polars as pl

from douane.errors import BadRequest
from douane.staging.blocks import Joined
from douane.staging.masks import Words
from douane.staging.parts import Rows, read_part

KEYS_MAX = 64  # as many bits as `hits` has
CELL_MAX = (1 << 31) - 1  # bytes: offsets have 32 bits
MARK = "="


def piece_of(rows: Rows, hits: Words, texts: Mapping[str, pl.Series | None]) -> pl.DataFrame:
    """`texts`: of every key that the change looks at, in their order, a text a row; None = none is changed."""
    nothing = pl.repeat(None, len(rows), dtype=pl.String, eager=True)
    columns = [(nothing if text is None else text).alias(MARK + key) for key, text in texts.items()]
    return pl.DataFrame([pl.Series("row", rows), pl.Series("hits", hits), *columns])


def batch_rows(piece: pl.DataFrame, rows_max: int, bytes_max: int) -> int:
    """How many rows at once at most, `rows_max` halved, so that no batch of the piece holds more text than `bytes_max`,
    unless a single row does. BadRequest where a cell is longer than a file says."""
    sizes = np.zeros(len(piece), np.int64)
    for text in piece.get_columns()[2:]:
        own = text.str.len_bytes().fill_null(0).to_numpy()
        if own.max(initial=0) > CELL_MAX:
            raise BadRequest(f"A cell would hold more than the {CELL_MAX:,} bytes that one may.")
        sizes += own
    rows = rows_max
    while rows > 1 and int(np.add.reduceat(sizes, np.arange(0, len(sizes), rows)).max()) > bytes_max:
        rows //= 2
    return rows


def keys_of(columns: Iterable[str]) -> tuple[str, ...] | None:
    """Those of a file with these columns; None: it has a line a cell."""
    return None if "key" in columns else tuple(name[1:] for name in columns if name.startswith(MARK))


def lines_of(frame: pl.DataFrame) -> pl.DataFrame:
    """A line a cell: `row`, `key`, `text`, a column after the other."""
    bits = frame["hits"].to_numpy()
    made = [
        pl.DataFrame([frame["row"], frame[MARK + key].alias("text")])
        .filter(pl.Series(bits >> np.uint64(bit) & np.uint64(1) != 0))
        .select("row", pl.lit(key).alias("key"), "text")
        for bit, key in enumerate(keys_of(frame.columns) or ())
    ]
    return pl.concat(made)


class Spread:
    """The cells that a change collects in this form, in a file below `folder`, until it is closed."""

    def __init__(self, folder: Path, keys: Sequence[str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, path = tempfile.mkstemp(prefix="spread-", dir=folder)
        os.close(descriptor)
        self._path, self._keys = Path(path), tuple(keys)
        self._file = Joined(self._path)
        self._rows: list[Rows] = []
        self._hits: list[Words] = []
        self._whole: tuple[Rows, Words] | None = None
        self._syncing: Future[None] | None = None
        self._syncer = ThreadPoolExecutor(1)
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._path.unlink(missing_ok=True)

    def __len__(self) -> int:
        return self._count

    def add(self, piece: Path, rows: Rows, hits: Words) -> None:
        """A file of `piece_of`, whose `rows`, not none, come after all before. What is there goes to the disk while the
        next one is made."""
        self._file.add_file(piece)
        self._rows.append(rows)
        self._hits.append(hits)
        self._count += int(np.bitwise_count(hits).sum())
        if self._syncing is None or self._syncing.done():
            self._syncing = self._syncer.submit(self._file.sync)

    def _joined(self) -> tuple[Rows, Words]:
        if self._whole is None:
            none = np.zeros(0, np.int64), np.zeros(0, np.uint64)
            self._whole = np.concatenate([*self._rows, none[0]]), np.concatenate([*self._hits, none[1]])
            self._rows, self._hits = [], []
        return self._whole

    @property
    def rows(self) -> Rows:
        return self._joined()[0]

    @property
    def hits(self) -> Words:
        return self._joined()[1]

    @property
    def looked_at(self) -> tuple[str, ...]:
        return self._keys

    @property
    def keys(self) -> set[str]:
        met = int(np.bitwise_or.reduce(self.hits, initial=np.uint64(0)))
        return {key for bit, key in enumerate(self._keys) if met >> bit & 1}

    def frame(self, columns: Sequence[str] = ("row", "key", "text")) -> pl.DataFrame:
        """A line a cell; none can be added then."""
        if len(self) == 0:
            return pl.DataFrame(schema={"row": pl.Int64, "key": pl.String, "text": pl.String}).select(list(columns))
        return lines_of(read_part(self.file())).select(list(columns))

    def file(self) -> Path:
        """All of them, at least one, as a file that is not written to any more."""
        self._end()
        return self._path

    def _end(self) -> None:
        if self._syncing is not None:
            self._syncer.shutdown()
            self._syncing = None
        self._file.close()
