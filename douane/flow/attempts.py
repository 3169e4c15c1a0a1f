"""Attempts at durable work: claiming it for one worker, running the child, and ending in the operation's own words.

Every handler of either family stands on this: it claims the work for a new attempt, runs the sandboxed child, and names
what the child made piece by piece, each write fenced by the attempt.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Connection

from douane import errors, line
from douane.flow.house import House
from douane.jobs.children import Seat, run_child
from douane.jobs.queue import WorkItem
from douane.line import Event, Spec
from douane.model.operation import Operation, Progress
from douane.store import operations
from douane.store.database import read as reading
from douane.store.database import write

PROGRESS_WRITE_S = 0.5
WINDOW = 6  # files of the child that may wait to be stored
# Work whose failure ends the import; any other leaves it where it stood, to be asked for again.
ENDS_THE_IMPORT = frozenset({"read", "chat_read", "chat_run", "chat_files", "chat_avatars", "chat_download"})

# Work that is done beside what stands, and what its failure leaves behind: called in the transaction that says so.
LEFT_BEHIND: dict[str, Callable[[House, Connection, Operation], None]] = {}

log = structlog.get_logger()


class Attempt:
    """One attempt at a piece of work: what it holds, where its child sits, and whether it may go on. A seat is taken
    when it is first asked for: work that opens no file keeps no child waiting. `kept`: the attempt brought the work
    forward. Its turn is never over before that, or work whose beginning takes long would begin for ever."""

    def __init__(self, house: House, held: Operation) -> None:
        self.house, self.held = house, held
        self._seat: Seat | None = None
        self._scratch: Path | None = None
        self._lock = threading.Lock()
        self.token = f"{held.attempt}-{secrets.token_hex(4)}"
        self.ends_at = time.monotonic() + house.settings.turn_s
        self.turn_over = False
        self.done = self.kept = False
        self._progress_at = 0.0

    @property
    def seat(self) -> Seat:
        with self._lock:
            if self._seat is None:
                self._seat = self.house.seats.take()
            return self._seat

    @property
    def folder(self) -> Path:
        """The child's own folder."""
        return self.seat.folder

    @property
    def scratch(self) -> Path:
        """A folder for what is fetched, which no child sees; gone with the attempt."""
        with self._lock:
            if self._scratch is None:
                self.house.settings.work_folder.mkdir(parents=True, exist_ok=True)
                self._scratch = Path(tempfile.mkdtemp(prefix="attempt-", dir=self.house.settings.work_folder))
            return self._scratch

    def leave_seat(self) -> None:
        """Clears the seat, if one was taken; who asks for it after this gets a fresh one, warm if there is one. So no
        more places are taken than there are slots."""
        with self._lock:
            if self._seat is not None:
                self._seat.clear()
                self._seat = None

    def leave(self) -> None:
        """Clears all that was written on the way."""
        self.leave_seat()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def cancelled(self) -> bool:
        if self.done:
            # What was claimed is let go already; the child is only ending.
            return False
        with reading(self.house.engine) as connection:
            return not operations.owns(connection, self.held)

    def cancelled_or_turn_over(self) -> bool:
        self.turn_over = self.kept and not self.done and time.monotonic() > self.ends_at
        return self.turn_over or self.cancelled()

    def progress(self, said: line.Progress) -> None:
        now = time.monotonic()
        if now - self._progress_at < PROGRESS_WRITE_S:
            return
        self._progress_at = now
        progress = Progress(said.step, said.done, said.total, said.unit, said.rows)
        with write(self.house.engine) as connection:
            operations.set_progress(connection, self.held, progress)

    def store(self, kind: str, file: str | Path, folder: Path | None = None) -> str:
        """Puts a file of the child (or one in another `folder`) into the object store; its name ends in the attempt's
        token, so that a file of an attempt that lost its claim is never mistaken for another's."""
        path = file if isinstance(file, Path) else (folder or self.folder) / Path(file).name
        name = f"{self.held.id}/{kind}/{file.name if isinstance(file, Path) else file}-{self.token}"
        self.house.objects.put_file(name, path)
        self.kept = True
        return name


@contextmanager
def attempting(house: House, operation_id: str, work: str) -> Iterator[Attempt | None]:
    """Claims the work and cleans up; turns failures into the operation's own words. None: there is nothing to do."""
    with write(house.engine) as connection:
        held = operations.claim(connection, operation_id, work)
    if held is None:
        yield None
        return
    with reading(house.engine) as connection:
        tries = operations.tries(connection, operation_id)
    if tries > house.settings.tries_max:
        fail(house, held, errors.BadFile("The file ended the work on it several times; it is set aside."))
        yield None
        return
    attempt = Attempt(house, held)
    try:
        yield attempt
    except (errors.Superseded, errors.Cancelled) as error:
        if error.code == "stopping":
            # A worker that is told to stop says nothing about the file: that was no failed try.
            with suppress(errors.Superseded), write(house.engine) as connection:
                operations.hold(connection, held)
                operations.change(connection, held.id, tries=0)
        log.info("work.superseded", operation=operation_id, work=work)
    except errors.Unavailable:
        raise
    except errors.DouaneError as error:
        # First, for a full disk: what the child wrote may be the room that the database needs to say so.
        attempt.leave()
        fail(house, held, error)
    finally:
        attempt.leave()


def fail(house: House, held: Operation, error: errors.DouaneError) -> None:
    """The work ends with a sentence. A file that cannot be read ends the import; a check that found no room leaves it
    where it stood, to be asked for again."""
    log.warning("work.failed", operation=held.id, work=held.work, code=error.code, message=error.message)
    with suppress(errors.Superseded), write(house.engine) as connection:
        now = operations.fenced(connection, held)
        values: dict[str, Any] = {"work_error": {"code": error.code, "message": error.message}}
        if "download" in now.detail:
            # The address may hold a token, and is needed no more.
            values["detail"] = {key: value for key, value in now.detail.items() if key != "download"}
        if now.work in ENDS_THE_IMPORT:
            # A second try of failed records takes nothing away from the import that was completed before.
            stage = "completed" if now.detail.get("run", {}).get("retry") else "failed"
            operations.finish(connection, now.id, stage, **values)
        else:
            operations.release(connection, now.id, **values)
        if now.work in LEFT_BEHIND:
            LEFT_BEHIND[now.work](house, connection, now)


def give_up(house: House, kind: str, item: WorkItem, error: Exception) -> None:
    """A handler failed again and again for a reason of ours: the operation says so instead of waiting for ever."""
    with reading(house.engine) as connection:
        held = operations.get(connection, item.id)
    if not isinstance(error, errors.StorageFull):
        error = errors.DouaneError("Something went wrong on our side; nothing was lost. Please try again.")
    if held.work == kind:
        fail(house, held, error)


def run(attempt: Attempt, spec: Spec, on_event: Callable[[Event], None]) -> bool:
    """Runs the child; False when its turn was over before it was done."""
    try:
        run_child(spec, attempt.seat, window=WINDOW, on_event=on_event, cancelled=attempt.cancelled_or_turn_over)
    except errors.Cancelled:
        if not attempt.turn_over or attempt.cancelled():
            raise
        # A turn that ended is no failed try.
        with write(attempt.house.engine) as connection:
            operations.hold(connection, attempt.held)
            operations.change(connection, attempt.held.id, tries=0)
        return False
    return True
