"""CSV by RFC 4180: UTF-8, commas, CRLF, a heading line, quotes where needed; a cell that is not there is empty."""

from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO

from douane.encodings.contract import Table

MEDIA_TYPE = "text/csv"


def encode(table: Table, folder: Path, out: BinaryIO) -> None:
    for number, frame in enumerate(table.texts()):
        block = io.BytesIO()
        frame.write_csv(block, include_header=number == 0, line_terminator="\r\n", quote_style="necessary")
        out.write(block.getbuffer())
