"""The outbox: what has happened to imports and is still to be told to somebody (deliveries, notices).

A line is written in the transaction of the end that it tells of, by `operations.finish`; who delivers takes it in the
transaction that makes the delivery. So an end is told once, whatever is killed in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from douane.model.operation import Operation
from douane.store.database import database_now
from douane.store.ids import new_id
from douane.store.schema import outbox
from douane.store.times import utc


@dataclass(frozen=True, slots=True)
class OutboxLine:
    """`stage` is how the import ended; `document` its version and counters at that moment."""

    id: str
    operation_id: str
    project_id: str
    stage: str
    document: dict[str, Any]
    created_at: datetime


def add(connection: Connection, ended: Operation) -> None:
    connection.execute(
        insert(outbox).values(
            id=new_id(),
            operation_id=ended.id,
            project_id=ended.project_id,
            stage=ended.stage,
            document={
                "version": ended.version,
                "total": ended.total,
                "valid": ended.valid,
                "invalid": ended.invalid,
            },
            created_at=database_now(connection),
        )
    )


def any_waiting(connection: Connection) -> bool:
    return connection.execute(select(outbox.c.id).where(outbox.c.taken_at.is_(None)).limit(1)).first() is not None


def waiting(connection: Connection, limit: int) -> list[OutboxLine]:
    """Lines that nobody has taken, oldest first, locked: two that ask at once wait for each other."""
    query = (
        select(outbox)
        .where(outbox.c.taken_at.is_(None))
        .order_by(outbox.c.created_at, outbox.c.id)
        .limit(limit)
        .with_for_update()
    )
    return [
        OutboxLine(r.id, r.operation_id, r.project_id, r.stage, r.document, utc(r.created_at))
        for r in connection.execute(query)
    ]


def of_operation(connection: Connection, operation_id: str) -> list[str]:
    """The ends of one import, oldest first, taken or not."""
    query = select(outbox.c.stage).where(outbox.c.operation_id == operation_id)
    return list(connection.execute(query.order_by(outbox.c.created_at, outbox.c.id)).scalars())


def take(connection: Connection, ids: Sequence[str]) -> None:
    """They are somebody's now, who has written that down in the same transaction."""
    connection.execute(update(outbox).where(outbox.c.id.in_(ids)).values(taken_at=database_now(connection)))


def forget(connection: Connection, before: datetime) -> None:
    """Drops lines older than a moment: by then the import itself is gone."""
    connection.execute(delete(outbox).where(outbox.c.created_at < before))
