"""The worker process: which handler does which job, what is done now and then, what a hopeless job leaves."""

from __future__ import annotations

import shutil
import time
from functools import partial

import structlog

from douane import errors
from douane.flow import sweeping, work
from douane.flow.house import House, open_house
from douane.jobs.worker import run_worker
from douane.settings import Settings
from douane.store import operations
from douane.store.database import read, write

ORPHANS_EVERY_S = 3600.0

log = structlog.get_logger()


def run(settings: Settings) -> None:
    """Works until SIGTERM or SIGINT; call it from the main thread."""
    house = open_house(settings)
    handlers = {kind: partial(handler, house) for kind, handler in work.HANDLERS.items()}
    run_worker(settings, house.engine, handlers, failed=partial(give_up, house), tick=Tick(house))


def give_up(house: House, kind: str, operation_id: str, error: Exception) -> None:
    """A job that failed for the last time ends its operation's work with a sentence, so that nobody waits for ever."""
    if not isinstance(error, errors.DouaneError):
        error = errors.DouaneError("Something went wrong while the file was worked on.", code="internal")
    try:
        with write(house.engine) as connection:
            held = operations.claim(connection, operation_id, kind)
    except errors.NotFound:
        return
    if held is not None:
        work.fail(house, held, error)


class Tick:
    """What is done every `tick_s`: sweeping, and the folders that children of killed workers left."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._orphans_at = time.monotonic()

    def __call__(self) -> None:
        clean_work_folder(self._house)
        sweeping.sweep(self._house)
        if time.monotonic() - self._orphans_at > ORPHANS_EVERY_S:
            self._orphans_at = time.monotonic()
            sweeping.drop_orphans(self._house)


def clean_work_folder(house: House) -> None:
    """Removes the folders of attempts that do not hold their work any more; safe beside other workers of the host."""
    for folder in house.settings.work_folder.glob("*-*"):
        operation_id, _, attempt = folder.name.rpartition("-")
        try:
            with read(house.engine) as connection:
                now = operations.get(connection, operation_id)
        except errors.NotFound:
            now = None
        if now is None or not now.work or str(now.attempt) != attempt:
            shutil.rmtree(folder, ignore_errors=True)
            log.info("work.cleaned", folder=folder.name)
