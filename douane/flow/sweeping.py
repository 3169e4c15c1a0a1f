"""The sweeper: the only one that deletes objects, and only a grace period after the manifest let them go.

Called by every worker's tick. What it deletes can be deleted twice; two workers sweeping at once harm nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import structlog

from douane.flow import images
from douane.flow.destinations import LOG_DAYS
from douane.flow.house import House
from douane.model.operation import Operation
from douane.store import batches, chat, deliveries, destinations, manifest, operations, outbox, projects, revisions
from douane.store.database import database_now, read, write

BATCH = 20
ORPHANS_EVERY = timedelta(hours=24)
_FIRST_IDS = datetime(2015, 1, 1, tzinfo=UTC)

log = structlog.get_logger()


def sweep(house: House) -> int:
    """Drops what ended imports no longer need; how many imports were swept.

    Terminated and failed ones lose everything after the grace period; completed ones, and failed runs that can be
    resumed, lose what no version names; and whatever has not changed for the retention time loses its files and records
    (its document stays, contract 11)."""
    with read(house.engine) as connection:
        now = database_now(connection)
        grace = now - timedelta(seconds=house.settings.sweep_grace_s)
        expired = now - timedelta(days=house.settings.retention_days)
        ended = operations.unswept(connection, ("terminated", "failed"), grace, BATCH)
        done = operations.unswept(connection, ("completed",), grace, BATCH)
        old = operations.with_objects(connection, expired, BATCH)
    # A run that failed can go on: what it had stays as long as that of a completed one.
    resumable = [operation for operation in ended if operation.stage == "failed" and "run" in operation.detail]
    for operation in ended + old:
        if operation not in resumable:
            _drop_all(house, operation)
    for operation in done + resumable:
        _drop_unnamed(house, operation)
    return len(ended) + len(old) + len(done)


def _drop_all(house: House, operation: Operation) -> None:
    """First the names, then the objects: a reader that comes between finds nothing and not half."""
    with write(house.engine) as connection:
        now = operations.get(connection, operation.id, lock=True)
        if now.stage not in ("terminated", "failed") and now.updated_at != operation.updated_at:
            return
        manifest.forget(connection, now.id)
        revisions.forget_objects(connection, now.id)
        batches.forget(connection, now.id)
        chat.forget_outcome_objects(connection, now.id)
        operations.forget_objects(connection, now.id)
    count = house.objects.delete_prefix(f"{operation.id}/")
    log.info("sweep.dropped", operation=operation.id, objects=count)


def _drop_unnamed(house: House, operation: Operation) -> None:
    # Listed before it is asked what is named: what somebody who goes on with it stores from now on is not among these.
    stored = list(house.objects.list(f"{operation.id}/"))
    with read(house.engine) as connection:
        now = operations.get(connection, operation.id)
        if now.stage != operation.stage:
            return
        named: set[str | None] = {now.source_object, now.detail.get("run", {}).get("selection_object")}
        named |= manifest.objects(connection, operation.id) | chat.outcome_objects(connection, operation.id)
        named |= revisions.objects(connection, operation.id) | {one["object"] for one in now.detail.get("known", ())}
    kept = f"{operation.id}/{images.FOLDER}/"  # read by name as long as the records are
    for name in stored:
        if name not in named and not name.startswith(kept):
            house.objects.delete(name)
    with write(house.engine) as connection:
        operations.mark_swept(connection, operation.id)


def drop_orphans(house: House) -> int:
    """Deletes objects that belong to no operation: what a web process stored and died before it could say so. An id
    carries its time, so uploads that are still arriving are left alone. And lines of the outbox that nobody wants, the
    log of what was sent long ago, and destinations of templates that are gone."""
    with write(house.engine) as connection:
        now = database_now(connection)
        outbox.forget(connection, now - timedelta(days=house.settings.retention_days))
        deliveries.forget_tries(connection, now - timedelta(days=LOG_DAYS))
        destinations.forget_orphans(connection, now - ORPHANS_EVERY)
    day_ago = now - ORPHANS_EVERY
    prefixes = {name.split("/", 1)[0] for name in house.objects.list()}
    old = sorted(prefix for prefix in prefixes if _made_at(prefix) < day_ago)
    count = 0
    for start in range(0, len(old), 500):
        with read(house.engine) as connection:
            known = operations.known(connection, old[start : start + 500])
        for prefix in old[start : start + 500]:
            if prefix not in known:
                count += house.objects.delete_prefix(f"{prefix}/")
    return count + _drop_chat_orphans(house, day_ago)


def _drop_chat_orphans(house: House, day_ago: datetime) -> int:
    """The same for chat workspaces, whose objects are `chat/<project>/<kind>/<name>` and outlive the imports that
    brought them: all of a project that is gone, and parts that no workspace names."""
    count = 0
    by_project: dict[str, list[str]] = {}
    for name in house.objects.list("chat/"):
        by_project.setdefault(name.split("/")[1], []).append(name)
    for project_id, names in by_project.items():
        with read(house.engine) as connection:
            gone = projects.get(connection, project_id) is None
            named = set() if gone else chat.objects(connection, project_id)
        for name in names:
            _, _, kind, own = name.split("/", 3)
            if gone or (kind == "parts" and name not in named and _made_at(own) < day_ago):
                house.objects.delete(name)
                count += 1
    return count


def _made_at(operation_id: str) -> datetime:
    """When an id was made: one of ours says it in milliseconds, one that a program made for its import and its images
    (contract 5.7: an ObjectId) in seconds. Now, where neither can be meant."""
    now = datetime.now().astimezone()
    for digits, unit_s in ((12, 0.001), (8, 1.0)):
        try:
            made = datetime.fromtimestamp(int(operation_id[:digits], 16) * unit_s).astimezone()
        except (ValueError, OverflowError, OSError):
            continue
        if _FIRST_IDS < made < now + ORPHANS_EVERY:
            return made
    return now
