"""The worker process: the handlers of every family on the durable queues, and the sweeper on its tick."""

from __future__ import annotations

import compileall
import shutil
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import structlog

import douane
from douane.flow import (
    attempts,
    audit,
    chat,
    deliveries,
    destinations,
    forgettings,
    outages,
    rereading,
    sign_in_limit,
    sweeping,
    tokens,
    work,
)
from douane.flow.house import House, open_house
from douane.jobs import memory
from douane.jobs.children import clear_abandoned
from douane.jobs.queue import WorkItem
from douane.jobs.worker import run_worker
from douane.settings import Settings

ORPHANS_EVERY_S = 24 * 3600
# Of the C library: the threads that work are many, and mostly wait for each other.
ARENAS = 2

log = structlog.get_logger()


def run(settings: Settings) -> None:
    """Works until it is told to stop."""
    memory.share_arenas(ARENAS)
    house = open_house(settings)
    settings.work_folder.mkdir(parents=True, exist_ok=True)
    # Children may write nothing but what they stage: what is not compiled now each of them would compile for itself.
    compileall.compile_dir(str(Path(douane.__file__).parent), quiet=2)
    run_worker(
        settings,
        house.engine,
        {kind: partial(handler, house) for kind, handler in HANDLERS.items()},
        failed=partial(_failed, house),
        tick=_Tick(house),
        tell=partial(_tell, house),
        ready=house.seats.prepare,
    )


HANDLERS = {
    **work.HANDLERS,
    **rereading.HANDLERS,
    **chat.HANDLERS,
    **deliveries.HANDLERS,
    **outages.HANDLERS,
    **forgettings.HANDLERS,
}
# Type of work item -> what a job of that kind leaves behind when it cannot be done.
FAILED = {
    "operation": attempts.give_up,
    "delivery": deliveries.give_up,
    "destination": outages.give_up,
    "forgetting": forgettings.give_up,
}


def _tell(house: House) -> None:
    while destinations.tell(house):
        pass


def _failed(house: House, kind: str, item: WorkItem, error: Exception) -> None:
    FAILED[item.type](house, kind, item, error)


class _Tick:
    def __init__(self, house: House) -> None:
        self._house = house
        self._orphans_at = time.monotonic() + 60

    def __call__(self) -> None:
        memory.give_back()
        clear_abandoned(self._house.settings.work_folder)
        while sweeping.sweep(self._house):
            pass
        if time.monotonic() >= self._orphans_at:
            self._orphans_at = time.monotonic() + ORPHANS_EVERY_S
            sweeping.drop_orphans(self._house)
            audit.forget_old(self._house)
            sign_in_limit.forget_old(self._house)
            tokens.forget_old(self._house)
            self._house.objects.clean()
            _clear(self._house.settings.work_folder)


def _clear(folder: Path) -> None:
    """Removes the folders of requests that were killed; no living one is as old. Seats have their own rule."""
    for path in folder.iterdir():
        if path.name.startswith("seat-"):
            continue
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > ORPHANS_EVERY_S:
                shutil.rmtree(path, ignore_errors=True)
