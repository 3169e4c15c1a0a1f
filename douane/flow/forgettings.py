"""Forgetting one person's rows as a job: a template may have many uploads, and each is read through. The worker goes
from upload to upload, oldest first, and writes down how far it is; whoever asked looks at that.

Each upload is done whole or not at all, and doing it twice is no fault: so a worker that is killed is followed by one
that goes on with the upload it was at. The value that is looked for is encrypted while it is needed, and then goes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from douane.errors import DouaneError, NotFound
from douane.flow import forgetting, identity
from douane.flow.forgetting import Forgotten
from douane.flow.house import House
from douane.flow.identity import Secrets
from douane.jobs import children
from douane.jobs.queue import Job, WorkItem
from douane.store import forgettings
from douane.store.database import read, write
from douane.store.forgettings import Forgetting

FORGET = "forget"
_NOTED_S = 0.5  # so often is written down how far it is

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Asked:
    """`state`: working, done, failed. `looked` of `total` uploads were looked through; `error`: why it failed."""

    id: str
    state: str
    looked: int
    total: int
    found: Forgotten
    error: str | None


def ask(house: House, secrets: Secrets, project_id: str, template_id: str, column: str, value: str) -> str:
    """Its id. NotFound for another project's template, BadRequest for an empty value or a column that nobody has."""
    forgetting.folded(value)
    total = len(forgetting.uploads_of(house, project_id, template_id, column))
    made = forgettings.new()
    with write(house.engine) as connection:
        forgettings.add(
            connection,
            made,
            project_id=project_id,
            template_id=template_id,
            field=column,
            value=secrets.encrypt(value, made),
            total=total,
        )
        house.jobs.enqueue(connection, Job(FORGET, WorkItem("forgetting", made), project_id, f"{FORGET}:{made}"))
    return made


def of(house: House, project_id: str, template_id: str, forgetting_id: str) -> Asked:
    """NotFound where the template has none of that id."""
    with read(house.engine) as connection:
        held = forgettings.get(connection, forgetting_id)
    if held is None or (held.project_id, held.template_id) != (project_id, template_id):
        raise NotFound(f"Nothing is being forgotten under the id {forgetting_id}.")
    found = _forgotten(held)
    for operation_id in found.uploads:
        forgetting.drop_remembered(operation_id)  # the worker did it; whoever asks has looked at them, maybe
    return Asked(held.id, held.state, held.looked, held.total, found, held.found.get("error"))


def _forgotten(held: Forgetting) -> Forgotten:
    found = held.found
    return Forgotten(
        dict(found.get("uploads", {})),
        list(found.get("waiting", ())),
        list(found.get("remains", ())),
        set(found.get("readers", ())),
        bool(found.get("sent")),
    )


def run(house: House, forgetting_id: str) -> bool:
    """Goes on with it; True when its turn is over before it is done."""
    with read(house.engine) as connection:
        held = forgettings.get(connection, forgetting_id)
    if held is None or held.value is None:
        return False  # its project is gone, or it has ended
    value = identity.unlock(house).decrypt(held.value, held.id)
    found, ends_at = _forgotten(held), time.monotonic() + house.settings.turn_s
    try:
        uploads = forgetting.uploads_of(house, held.project_id, held.template_id)
    except NotFound:
        uploads = []  # the template was deleted, and its uploads have nobody to ask for them by it
    ids = [one.id for one in uploads]
    start = ids.index(held.last) + 1 if held.last in ids else 0
    noted_at = time.monotonic()
    for at, operation in enumerate(uploads[start:], start):
        before = len(found.uploads) + len(found.waiting)
        forgetting.look_through(house, operation, held.field, value, found)
        over = children.stopping.is_set() or time.monotonic() > ends_at
        if over or len(found.uploads) + len(found.waiting) > before or time.monotonic() - noted_at > _NOTED_S:
            noted_at = time.monotonic()
            _note(house, held.id, found, looked=at + 1, total=len(ids), last=operation.id)
        if over and at + 1 < len(ids):
            return True
    forgetting.say_the_rest(house, held.template_id, held.field, value, found)
    _note(house, held.id, found, state="done", value=None, looked=len(ids), total=len(ids))
    log.info("forgetting.done", forgetting=held.id, rows=found.rows, uploads=len(found.uploads))
    return False


def _note(house: House, forgetting_id: str, found: Forgotten, **values: object) -> None:
    document = {
        "uploads": found.uploads,
        "waiting": found.waiting,
        "remains": found.remains,
        "readers": sorted(found.readers),
        "sent": found.sent,
    }
    with write(house.engine) as connection:
        forgettings.change(connection, forgetting_id, found=document, **values)


def give_up(house: House, kind: str, item: WorkItem, error: Exception) -> None:
    """It failed again and again: what was forgotten is, and the rest has to be asked for again."""
    sentence = error.message if isinstance(error, DouaneError) else "Something went wrong on our side."
    with write(house.engine) as connection:
        held = forgettings.get(connection, item.id)
        if held is not None and held.state == "working":
            forgettings.change(
                connection, item.id, state="failed", value=None, found={**held.found, "error": f"Not done: {sentence}"}
            )


HANDLERS: Mapping[str, Callable[[House, str], bool]] = {FORGET: run}
