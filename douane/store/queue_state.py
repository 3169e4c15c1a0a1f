"""How the queues stand: read from the table that DBOS keeps in the same database (`jobs/queue.py` writes it)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from douane.store.database import database_now

_COLUMNS = ("workflow_uuid", "status", "queue_name", "created_at")


@dataclass(frozen=True, slots=True)
class QueueState:
    """Of one queue: jobs that wait, jobs that run, and since when the oldest waits (seconds; 0 where none does)."""

    waiting: int = 0
    running: int = 0
    oldest_s: float = 0.0


def of_all(connection: Connection) -> dict[str, QueueState]:
    """By the queue's name; those without jobs are left out."""
    table = _table(connection)
    if not sa.inspect(connection).has_table(table.name, schema=table.schema):
        return {}  # nothing was ever asked for
    wanted = (
        sa.select(table.c.queue_name, table.c.status, sa.func.count(), sa.func.min(table.c.created_at))
        .where(table.c.status.in_(("ENQUEUED", "PENDING")), table.c.queue_name.is_not(None))
        .group_by(table.c.queue_name, table.c.status)
    )
    now_ms = database_now(connection).timestamp() * 1000
    found: dict[str, QueueState] = {}
    for name, status, count, oldest_ms in connection.execute(wanted):
        state = found.get(name, QueueState())
        if status == "PENDING":
            found[name] = QueueState(state.waiting, count, state.oldest_s)
        else:
            found[name] = QueueState(count, state.running, max(0.0, (now_ms - oldest_ms) / 1000))
    return found


def asked_for(connection: Connection, ids: Sequence[str]) -> bool:
    """Whether one of these runs of a job was ever asked for, wherever it stands."""
    table = _table(connection)
    wanted = sa.select(table.c.workflow_uuid).where(table.c.workflow_uuid.in_(ids)).limit(1)
    return connection.execute(wanted).first() is not None


def _table(connection: Connection) -> sa.TableClause:
    schema = "dbos" if connection.dialect.name == "postgresql" else None
    return sa.table("workflow_status", *(sa.column(name) for name in _COLUMNS), schema=schema)
