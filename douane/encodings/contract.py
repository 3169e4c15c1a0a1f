"""What a member of the encodings shelf is, and what it is given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

import polars as pl


class Table(Protocol):
    """A table that leaves, as a series of frames in order. It may be gone through as often as a member likes; every
    frame of one way has the same schema, and the first may have no rows. A table without rows has one frame.

    `frames`   typed columns, for programs that have types.
    `texts`    text columns as a person wrote them; null = nothing is there.
    `cells`    text columns where a number is spelled in its one exact way. Those of `numbers` hold numbers, and may
               hold other text too.
    `delimited`  these texts as CSV: UTF-8, commas, CRLF, quotes where needed; the heading line comes first. A block of
               it is gone when the next one is asked for.
    `records`  JSON objects, one a line; the same holds for their blocks.
    """

    numbers: frozenset[str]

    def frames(self) -> Iterator[pl.DataFrame]: ...
    def texts(self) -> Iterator[pl.DataFrame]: ...
    def cells(self) -> Iterator[pl.DataFrame]: ...
    def delimited(self) -> Iterator[bytes | memoryview]: ...
    def records(self) -> Iterator[bytes | memoryview]: ...


class Member(Protocol):
    MEDIA_TYPE: str

    def encode(self, table: Table, folder: Path, out: BinaryIO) -> None:
        """Writes the whole table to `out`, which cannot seek. `folder` is for files on the way. BadRequest, before the
        first byte, where this form cannot hold the table."""
        ...
