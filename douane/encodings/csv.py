"""CSV by RFC 4180: UTF-8, commas, CRLF, a heading line, quotes where needed; a cell that is not there is empty."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import polars as pl

from douane.encodings.contract import Table

MEDIA_TYPE = "text/csv"


def encode(table: Table, folder: Path, out: BinaryIO) -> None:
    for block in table.delimited():
        out.write(block)


def blocks(frames: Iterator[pl.DataFrame]) -> Iterator[bytes]:
    """A table's texts as its `delimited`."""
    for number, frame in enumerate(frames):
        block = io.BytesIO()
        frame.write_csv(block, include_header=number == 0, line_terminator="\r\n", quote_style="necessary")
        yield block.getvalue()
