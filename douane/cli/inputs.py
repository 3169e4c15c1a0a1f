"""What all verbs that read a file share: the file as the child is given it, and what the child said of it.

Apart from the verbs, so that neither family loads what only the other needs.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

from douane.errors import BadFile, DouaneError
from douane.line import Event

COPY_BYTES = 1 << 20

E = TypeVar("E", bound=Event)


class Events:
    """The last event of each kind that a child said."""

    def __init__(self) -> None:
        self._last: dict[type[Event], Event] = {}

    def keep(self, event: Event) -> None:
        self._last[type(event)] = event

    def one(self, kind: type[E]) -> E:
        event = self._last.get(kind)
        if not isinstance(event, kind):
            raise DouaneError("The program that read the file said too little.", code="internal")
        return event


@contextmanager
def opened(name: str) -> Iterator[BinaryIO]:
    """The file, or standard input for `-`. A pipe is first copied to a file without a name: workbooks are read
    from their end, and a second pass may be needed."""
    if name == "-":
        with _spooled(sys.stdin.buffer) as copy:
            yield copy
        return
    if Path(name).is_dir():
        raise BadFile(f"{name} is a folder, not a file.")
    with Path(name).open("rb") as file:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            yield file
        else:
            with _spooled(file) as copy:
                yield copy


@contextmanager
def _spooled(stream: BinaryIO) -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile(prefix="douane-") as copy:
        shutil.copyfileobj(stream, copy, COPY_BYTES)
        copy.flush()
        copy.seek(0)
        yield cast(BinaryIO, copy)
