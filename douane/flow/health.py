"""Whether the parts a house stands on do what they are there for, each with a sentence for whoever has to mend it."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from douane.errors import DouaneError
from douane.flow.house import House
from douane.jobs import children
from douane.model.children import ChildCounts, together
from douane.store import audit, deliveries, destinations, installation, leases, operations, queue_state
from douane.store.database import database_now, read, try_write

_KEPT_S = 2.0
_STORAGE_KEPT_S = 30.0
_WRITE_WAIT_S = 2.0


@dataclass(frozen=True, slots=True)
class Part:
    """`says` is a sentence, of what is wrong where it is not `good`. `numbers` are for the metrics."""

    good: bool
    says: str
    numbers: dict[str, float] = field(default_factory=dict)


def check(house: House) -> dict[str, bool]:
    """`database` and `storage` by name; True = it answers. For the contract's health check, which asks no more."""
    return {"database": _answers(house).good, "storage": _storage(house).good}


class Readiness:
    """Whether an upload would get its headings. Asked by anybody and often, so an answer holds for a moment."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._lock = threading.Lock()
        self._parts: dict[str, tuple[float, Part]] = {}

    def parts(self) -> dict[str, Part]:
        """`database`, `storage`, `disk`, `worker` and `queue`."""
        with self._lock:
            found = {
                "database": self._kept("database", _KEPT_S, _writes),
                "storage": self._kept("storage", _STORAGE_KEPT_S, _stores),
                "disk": self._kept("disk", _KEPT_S, _disk),
                "worker": self._kept("worker", _KEPT_S, _worker),
                "queue": self._kept("queue", _KEPT_S, _queue),
            }
        worker = found["worker"]
        if not found["database"].good and not worker.good and worker.numbers:
            # It is not to be started anew for what is another's fault.
            says = f"Whether a worker is alive cannot be told: it says so in the database.{_heard(worker.numbers)}"
            found["worker"] = replace(worker, says=says)
        return found

    def _kept(self, name: str, seconds: float, look: Any) -> Part:
        asked_at, part = self._parts.get(name, (0.0, None))
        # What failed is looked at anew sooner, but not more often than anything.
        holds_s = seconds if part is not None and part.good else _KEPT_S
        if part is None or time.monotonic() - asked_at > holds_s:
            part = look(self._house)
            self._parts[name] = (time.monotonic(), part)
        return part


def _answers(house: House) -> Part:
    try:
        with read(house.engine) as connection:
            installation.value(connection, "")
    except DouaneError as error:
        return Part(False, error.message)
    return Part(True, "The database answers.")


def _writes(house: House) -> Part:
    try:
        try_write(house.engine, _WRITE_WAIT_S)
    except DouaneError as error:
        return Part(False, f"Nothing can be written: {error.message}")
    return Part(True, "The database can be written.")


def _storage(house: House) -> Part:
    try:
        next(iter(house.objects.list("health/")), None)
    except DouaneError as error:
        return Part(False, error.message)
    return Part(True, "The object store answers.")


def _stores(house: House) -> Part:
    name = f"health/{socket.gethostname()[:40].replace('.', '-')}-{os.getpid()}"
    try:
        house.objects.leave_room(1)
        house.objects.put_bytes(name, b"1")
        house.objects.delete(name)
    except DouaneError as error:
        return Part(False, f"Nothing can be stored: {error.message}")
    except OSError as error:
        return Part(False, f"Nothing can be stored: {error.strerror or error}.")
    return Part(True, "Objects can be stored.")


def _disk(house: House) -> Part:
    """Of the data folder: SQLite, objects in a folder, caches and the files children write are there."""
    least = house.settings.disk_free_bytes_min
    try:
        usage = shutil.disk_usage(house.settings.data)
    except OSError as error:
        return Part(False, f"The data folder cannot be looked at: {error.strerror or error}.")
    numbers = {"free_bytes": float(usage.free), "total_bytes": float(usage.total)}
    try:
        house.settings.work_folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=house.settings.work_folder):
            pass
    except OSError as error:
        return Part(False, f"The folder for work cannot be written: {error.strerror or error}.", numbers)
    if usage.free < least:
        says = f"{usage.free:,} bytes are free for the data folder, less than {least:,} (setting disk_free_bytes_min)."
        return Part(False, says, numbers)
    return Part(True, f"{usage.free:,} bytes are free for the data folder.", numbers)


def _worker(house: House) -> Part:
    try:
        with read(house.engine) as connection:
            ages = leases.ages_s(connection)
    except DouaneError as error:
        return Part(False, error.message)
    alive = [age for age in ages if age <= house.settings.lease_s]
    numbers = {"alive": float(len(alive)), "known": float(len(ages)), "lease_age_s": min(ages, default=0.0)}
    if not alive:
        return Part(False, f"No worker is alive, so nothing is read or checked.{_heard(numbers)}", numbers)
    return Part(True, f"{len(alive)} at work; heard of {min(alive):.0f} seconds ago.", numbers)


def _heard(numbers: Mapping[str, float]) -> str:
    return f" The last one was heard of {numbers['lease_age_s']:.0f} seconds ago." if numbers["known"] else ""


def _queue(house: House) -> Part:
    try:
        with read(house.engine) as connection:
            states = queue_state.of_all(connection)
    except DouaneError as error:
        return Part(False, error.message)
    numbers = {"waiting": 0.0, "running": 0.0, "oldest_s": 0.0}
    for name, state in states.items():
        numbers |= {
            f"{name}_waiting": state.waiting,
            f"{name}_running": state.running,
            f"{name}_oldest_s": state.oldest_s,
        }
        numbers["waiting"] += state.waiting
        numbers["running"] += state.running
        numbers["oldest_s"] = max(numbers["oldest_s"], state.oldest_s)
    # Short jobs, which an upload's headings are: that large ones wait is no fault.
    oldest = numbers.get("interactive_oldest_s", 0.0)
    waiting, running, longest = (numbers[name] for name in ("waiting", "running", "oldest_s"))
    says = f"{waiting:.0f} jobs wait, {running:.0f} run; the oldest waits {longest:.0f} seconds."
    return Part(oldest <= house.settings.headings_wait_s, says, numbers)


def counts(house: House) -> dict[str, dict[str, float]]:
    """For the metrics: imports by stage, failures of work by code, sign-ins refused within the hour, deliveries that
    have not ended by where they stand, destinations that are down, children that run and how those ended that did."""
    with read(house.engine) as connection:
        now = database_now(connection)
        return {
            "stages": {stage: float(count) for stage, count in operations.count_by_stage(connection).items()},
            "failures": {code: float(count) for code, count in operations.count_failures(connection).items()},
            "sign_ins": {
                name: float(audit.count_since(connection, "sign_in", now, 3600, refused=refused))
                for name, refused in (("refused", True), ("let_in", False))
            },
            "deliveries": {state: float(count) for state, count in deliveries.count_open(connection).items()},
            "destinations": {"down": float(destinations.count_down(connection))},
            **_of_children(leases.children(connection, house.settings.lease_s)),
        }


def _of_children(workers: ChildCounts) -> dict[str, dict[str, float]]:
    """Of the workers, and of this process, which starts some to hand out tables."""
    mine = children.tally.now()
    return {
        "children": {"worker": float(workers.running), "web": float(mine.running)},
        "children_ended": {code: float(count) for code, count in together([workers, mine]).ended.items()},
    }
