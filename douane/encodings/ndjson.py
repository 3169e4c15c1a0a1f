"""NDJSON: one JSON object a line."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from douane.encodings.contract import Table

MEDIA_TYPE = "application/x-ndjson"


def encode(table: Table, folder: Path, out: BinaryIO) -> None:
    for block in table.records():
        out.write(block)
