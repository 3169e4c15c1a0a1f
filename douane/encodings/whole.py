"""A file that is written whole before its first byte leaves."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import polars as pl

from douane.errors import no_room

_COPY_BYTES = 1 << 20


def sent_whole(write: Callable[[BinaryIO], None], folder: Path, out: BinaryIO) -> None:
    """`write` fills a file in `folder`, which goes to `out` when it is whole. Where the disk is full it begins anew in
    memory, within what this process may take: what was accepted can be fetched, whoever filled the disk."""
    path = folder / "whole"
    try:
        with path.open("w+b") as file:
            write(file)
            file.flush()
            file.seek(0)
            shutil.copyfileobj(file, out, _COPY_BYTES)
            return
    except (OSError, pl.exceptions.PolarsError) as error:
        if not no_room(error):
            raise
    # What was written so far may be the room that others need.
    path.unlink(missing_ok=True)
    memory = io.BytesIO()
    write(memory)
    out.write(memory.getbuffer())
