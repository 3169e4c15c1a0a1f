"""Where the records of a template go: one row a kind of destination, of which the template names one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from douane.model.delivery import OPEN_STATES, Destination
from douane.store.database import database_now
from douane.store.ids import new_id
from douane.store.schema import delivery, destination, template
from douane.store.times import utc


def of_template(connection: Connection, template_id: str) -> list[Destination]:
    """By kind."""
    query = select(destination).where(destination.c.template_id == template_id).order_by(destination.c.kind)
    return [_destination(row) for row in connection.execute(query)]


def get(connection: Connection, destination_id: str, *, lock: bool = False) -> Destination | None:
    query = select(destination).where(destination.c.id == destination_id)
    row = connection.execute(query.with_for_update() if lock else query).first()
    return None if row is None else _destination(row)


def put(
    connection: Connection,
    project_id: str,
    template_id: str,
    kind: str,
    settings: Mapping[str, Any],
    new: str | None = None,
) -> Destination:
    """Sets it up, or changes its settings; its secrets stay, and what it failed at is forgotten. `new`: the id of one
    that is not there yet. The template is locked by the caller."""
    now = database_now(connection)
    which = (destination.c.template_id == template_id) & (destination.c.kind == kind)
    fresh: dict[str, Any] = {"failures": 0, "closed_until": None, "down_since": None, "told_at": None}
    changed = connection.execute(
        update(destination).where(which).values(settings=dict(settings), updated_at=now, **fresh)
    )
    if changed.rowcount == 0:
        connection.execute(
            insert(destination).values(
                id=new or new_id(),
                project_id=project_id,
                template_id=template_id,
                kind=kind,
                settings=dict(settings),
                created_at=now,
                updated_at=now,
                **fresh,
            )
        )
    return _destination(connection.execute(select(destination).where(which)).one())


def change(connection: Connection, destination_id: str, **values: Any) -> None:
    """Any of `secrets`, `failures`, `closed_until`, `down_since`, `told_at`."""
    connection.execute(update(destination).where(destination.c.id == destination_id).values(**values))


def count_down(connection: Connection) -> int:
    """How many are down."""
    query = select(destination.c.id).where(destination.c.down_since.is_not(None), destination.c.told_at.is_not(None))
    return len(connection.execute(query).all())


def forget_orphans(connection: Connection, before: datetime) -> None:
    """Drops those whose template is gone, once nothing of theirs is under way."""
    busy = select(delivery.c.destination_id).where(delivery.c.state.in_(OPEN_STATES))
    connection.execute(
        delete(destination).where(
            destination.c.created_at < before,
            destination.c.template_id.not_in(select(template.c.id)),
            destination.c.id.not_in(busy),
        )
    )


def _destination(row: Any) -> Destination:
    return Destination(
        id=row.id,
        project_id=row.project_id,
        template_id=row.template_id,
        kind=row.kind,
        settings=dict(row.settings),
        secrets=row.secrets,
        failures=row.failures,
        closed_until=row.closed_until,
        down_since=row.down_since,
        told_at=row.told_at,
        created_at=utc(row.created_at),
        updated_at=utc(row.updated_at),
    )
