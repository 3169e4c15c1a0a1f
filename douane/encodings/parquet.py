"""Parquet: written to a file, for its directory stands at the end, and sent when it is whole."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import BinaryIO

import polars as pl

from douane.encodings.contract import Table

MEDIA_TYPE = "application/vnd.apache.parquet"
_COPY_BYTES = 1 << 20


def encode(table: Table, folder: Path, out: BinaryIO) -> None:
    paths: list[Path] = []
    for number, frame in enumerate(table.frames()):
        paths.append(folder / f"table-{number:06}.arrow")
        frame.write_ipc(paths[-1], compression="lz4")
    whole = folder / "table.parquet"
    pl.scan_ipc(paths).sink_parquet(whole)
    with whole.open("rb") as file:
        shutil.copyfileobj(file, out, _COPY_BYTES)
