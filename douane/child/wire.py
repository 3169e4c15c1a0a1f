"""What every verb of the child stands on: the uploaded bytes, and the line to the parent."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from typing import Any, BinaryIO

from douane import errors

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
    """The line to the parent: events out, acknowledgements in. `window` parts may be under way at once, so that a slow
    store cannot make the child fill the disk."""

    def __init__(self, out: BinaryIO, answers: BinaryIO, window: int) -> None:
        self._out, self._answers, self._window = out, answers, window
        self._waiting = 0
        self._last_progress = 0.0

    def send(self, event: str, **fields: Any) -> None:
        self._out.write(json.dumps({"event": event, **fields}, ensure_ascii=False).encode() + b"\n")
        self._out.flush()

    def send_file(self, event: str, **fields: Any) -> None:
        """An event that hands over files: the parent answers it when they are stored."""
        self.send(event, **fields)
        if not self._window:
            return
        self._waiting += 1
        while self._waiting > self._window:
            if not self._answers.readline():
                raise errors.Cancelled("The parent has gone.")
            self._waiting -= 1

    def progress(self, step: str, done: int, total: int, unit: str, rows: int, *, now: bool = False) -> None:
        """At most five a second, unless it is the last."""
        moment = time.monotonic()
        if now or moment - self._last_progress >= PROGRESS_S:
            self._last_progress = moment
            self.send("progress", step=step, done=done, total=total, unit=unit, rows=rows)


def source_of(spec: dict[str, Any]) -> FileSource:
    """The file as an inherited descriptor, or (`source`) by its name among what may be read here."""
    descriptor = int(spec["source_fd"]) if "source_fd" in spec else os.open(spec["source"], os.O_RDONLY)
    return FileSource(descriptor, os.fstat(descriptor).st_size)
