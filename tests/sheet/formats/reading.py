"""Reading in tests: bytes in memory as a source, and the frames of a reader as lists of cells."""

from __future__ import annotations

import json
from collections.abc import Iterator

import polars as pl

from douane.sheet.formats import Batch, Options, Position, Reader, open_file


class MemorySource:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)

    def read(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


def batches(reader: Reader, start: Position = Position()) -> Iterator[Batch]:
    for piece in reader.pieces(start):
        yield piece.parse()


def cells(frame: pl.DataFrame, width: int) -> list[list[str]]:
    """The cells each record has, surplus ones included: absent cells are left out."""
    rows = [[cell for cell in row if cell is not None] for row in frame.select(f"c{i}" for i in range(width)).rows()]
    if "_extra" in frame.columns:
        for row, extra in zip(rows, frame["_extra"].to_list(), strict=True):
            row.extend(json.loads(extra) if extra is not None else ())
    return rows


def frame_of(data: bytes, options: Options = Options()) -> pl.DataFrame:
    """All records of a file in one frame."""
    return pl.concat([batch.frame for batch in batches(open_file(MemorySource(data), options))], how="diagonal")


def rows_of(data: bytes, options: Options = Options()) -> list[list[str]]:
    reader = open_file(MemorySource(data), options)
    return [row for batch in batches(reader) for row in cells(batch.frame, reader.detected.width)]
