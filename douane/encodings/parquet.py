"""Parquet: written to a file, for its directory stands at the end, and sent when it is whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import polars as pl
from polars.io.plugins import register_io_source

from douane.encodings.contract import Table
from douane.encodings.whole import sent_whole

MEDIA_TYPE = "application/vnd.apache.parquet"
_ZSTD_LEVEL = 1  # 3 is a fifth dearer, for one per cent


def encode(table: Table, folder: Path, out: BinaryIO) -> None:
    sent_whole(lambda file: _sink(table.frames(), file), folder, out)


def _sink(frames: Iterator[pl.DataFrame], file: BinaryIO) -> None:
    """Frame by frame, none of which is put down on the way. What fails in making one is raised as it is."""
    first = next(frames)
    faults: list[Exception] = []

    def source(*asked: object) -> Iterator[pl.DataFrame]:
        try:
            yield first
            yield from frames
        except Exception as fault:
            faults.append(fault)
            raise

    try:
        register_io_source(source, schema=first.schema).sink_parquet(file, compression_level=_ZSTD_LEVEL)
    except pl.exceptions.PolarsError:
        if faults:
            raise faults[0] from None
        raise
