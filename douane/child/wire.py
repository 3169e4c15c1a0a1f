"""What every verb of the child stands on: the uploaded bytes, and the line to the parent."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import BinaryIO

from douane import errors, line
from douane.line import Event, OfFile, Progress
from douane.values import dataclass

PROGRESS_S = 0.2


@dataclass(frozen=True, slots=True)
class FileSource:
    """The uploaded bytes behind an inherited descriptor."""

    descriptor: int
    size: int

    def read(self, offset: int, length: int) -> bytes:
        first = os.pread(self.descriptor, length, offset)
        if len(first) == length:
            return first
        chunks = [first] if first else []
        offset, length = offset + len(first), length - len(first)
        while length > 0:
            chunk = os.pread(self.descriptor, length, offset)
            if not chunk:
                break
            chunks.append(chunk)
            offset += len(chunk)
            length -= len(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)


class Wire:
    """The line to the parent: events out, acknowledgements in. `window` files may be under way at once, so that a slow
    store cannot make the child fill the disk. Files that events name stand in `folder`."""

    def __init__(self, out: BinaryIO, answers: BinaryIO, window: int, folder: Path) -> None:
        self._out, self._answers, self._window, self._folder = out, answers, window, folder
        self._waiting = 0
        self._last_progress = 0.0

    def send(self, event: Event) -> None:
        """An event; the parent answers one that hands over files when they are stored."""
        self._out.write(line.encode(event, self._folder) + b"\n")
        self._out.flush()
        if event.hands_over:
            self._await_answer()

    def progress(self, step: str, done: int, total: int, unit: str, rows: int, *, now: bool = False) -> None:
        """At most five a second, unless it is the last."""
        moment = time.monotonic()
        if now or moment - self._last_progress >= PROGRESS_S:
            self._last_progress = moment
            self.send(Progress(step=step, done=done, total=total, unit=unit, rows=rows))

    def _await_answer(self) -> None:
        if not self._window:
            return
        self._waiting += 1
        while self._waiting > self._window:
            if not self._answers.readline():
                raise errors.Cancelled("The parent has gone.")
            self._waiting -= 1


def source_of(spec: OfFile) -> FileSource:
    """The file as an inherited descriptor, or by its name among what may be read here."""
    descriptor = spec.source_fd
    if descriptor is None:
        assert spec.source is not None, "a verb of a file without one"
        descriptor = os.open(spec.source, os.O_RDONLY)
    return FileSource(descriptor, os.fstat(descriptor).st_size)
