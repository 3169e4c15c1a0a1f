"""Parquet: written to a file, for its directory stands at the end, and sent when it is whole."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import polars as pl
from polars.io.plugins import register_io_source

from douane.encodings.contract import Table

MEDIA_TYPE = "application/vnd.apache.parquet"
_COPY_BYTES = 1 << 20
_ZSTD_LEVEL = 1  # 3 is a fifth dearer, for one per cent


def encode(table: Table, folder: Path, out: BinaryIO) -> None:
    whole = folder / "table.parquet"
    _sink(table.frames(), whole)
    with whole.open("rb") as file:
        shutil.copyfileobj(file, out, _COPY_BYTES)


def _sink(frames: Iterator[pl.DataFrame], path: Path) -> None:
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
        register_io_source(source, schema=first.schema).sink_parquet(path, compression_level=_ZSTD_LEVEL)
    except pl.exceptions.PolarsError:
        if faults:
            raise faults[0] from None
        raise
