"""One Arrow IPC stream out of many: each frame is written as a stream of its own, of which the schema message (all but
the first time) and the end mark (8 bytes) are left out."""

from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO

import polars as pl

from douane.encodings.contract import Table

MEDIA_TYPE = "application/vnd.apache.arrow.stream"
_END = b"\xff\xff\xff\xff\0\0\0\0"


def encode(table: Table, folder: Path, out: BinaryIO) -> None:
    for number, frame in enumerate(table.frames()):
        block = io.BytesIO()
        frame.write_ipc_stream(block, compat_level=pl.CompatLevel.oldest())
        data = block.getbuffer()[: -len(_END)]
        out.write(data if number == 0 else data[8 + int.from_bytes(data[4:8], "little") :])
    out.write(_END)
