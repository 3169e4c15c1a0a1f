"""Leases: which worker processes are alive, by the database's clock."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import Connection

from douane.model.children import ChildCounts, together
from douane.store.database import database_now
from douane.store.schema import worker_lease
from douane.store.times import utc


def beat(
    connection: Connection, executor_id: str, host: str, pid: int, children: ChildCounts = ChildCounts()
) -> datetime:
    """Says that this worker is alive and how its children do; also when its lease had lapsed and was taken away. When
    that was, by the database."""
    now = database_now(connection)
    said = {"beaten_at": now, "children": {"running": children.running, "ended": dict(children.ended)}}
    renewed = connection.execute(worker_lease.update().where(worker_lease.c.executor_id == executor_id).values(**said))
    if renewed.rowcount == 0:
        first = {"executor_id": executor_id, "host": host, "pid": pid, "started_at": now}
        connection.execute(worker_lease.insert().values(**said, **first))
    return now


def alive(connection: Connection, lease_s: float) -> set[str]:
    """Executors that beat their lease within the last `lease_s` seconds."""
    return set(connection.execute(sa.select(worker_lease.c.executor_id).where(_living(connection, lease_s))).scalars())


def _living(connection: Connection, lease_s: float) -> sa.ColumnElement[bool]:
    """A beat from long after now is from before the clock was put back, and says as little as an old one."""
    now, lease = database_now(connection), timedelta(seconds=lease_s)
    return worker_lease.c.beaten_at.between(now - lease, now + lease)


def ages_s(connection: Connection) -> list[float]:
    """Seconds since each worker was heard of, or until then where the clock was put back, of those that are still
    listed."""
    now = database_now(connection)
    return [
        abs((now - utc(beaten)).total_seconds())
        for beaten in connection.execute(sa.select(worker_lease.c.beaten_at)).scalars()
    ]


def children(connection: Connection, lease_s: float) -> ChildCounts:
    """Of all workers that are alive, as of their last beats."""
    told = connection.execute(sa.select(worker_lease.c.children).where(_living(connection, lease_s))).scalars()
    return together(ChildCounts(one["running"], one["ended"]) for one in told if one)


def remove(connection: Connection, executor_id: str) -> None:
    connection.execute(worker_lease.delete().where(worker_lease.c.executor_id == executor_id))


def remove_others(connection: Connection, executor_id: str) -> None:
    """For a worker that knows to be the only one."""
    connection.execute(worker_lease.delete().where(worker_lease.c.executor_id != executor_id))


def remove_lapsed(connection: Connection, older_s: float) -> None:
    """Forgets leases that lapsed long ago; call it when their work is taken over."""
    since = database_now(connection) - timedelta(seconds=older_s)
    connection.execute(worker_lease.delete().where(worker_lease.c.beaten_at < since))
