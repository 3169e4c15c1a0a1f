"""Sign-ins that failed, counted under names, and the places accounts have signed in from. Names are keyed hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select, update

from douane.store.database import database_now
from douane.store.ids import new_id
from douane.store.schema import sign_in_place, sign_in_try
from douane.store.times import utc


def hold(connection: Connection, names: Sequence[str]) -> None:
    """Until the end of the transaction nobody else counts under these names: of many tries at once each would find the
    others not counted yet. SQLite lets one write anyway."""
    if connection.dialect.name == "sqlite":
        return
    # In one order, or two that hold one name each would wait for each other.
    for number in sorted(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True) for name in names):
        connection.execute(select(func.pg_advisory_xact_lock(number)))


def wait_s(connection: Connection, name: str, tries: int, window_s: float) -> float:
    """Seconds until one of the last `tries` under this name leaves the window; 0 where there are fewer."""
    now = database_now(connection)
    recent = (
        select(sign_in_try.c.at)
        .where(sign_in_try.c.name == name, sign_in_try.c.at > now - timedelta(seconds=window_s))
        .order_by(sign_in_try.c.at.desc())
        .limit(tries)
    )
    found = [utc(row.at) for row in connection.execute(recent)]
    if len(found) < tries:
        return 0.0
    return max(1.0, (found[-1] - now).total_seconds() + window_s)


def add_tries(connection: Connection, names: Sequence[str]) -> list[str]:
    """Their ids, to take them back with."""
    now = database_now(connection)
    made = {new_id(): name for name in names}
    connection.execute(insert(sign_in_try), [{"id": id, "name": name, "at": now} for id, name in made.items()])
    return list(made)


def forget_tries(connection: Connection, ids: Sequence[str]) -> None:
    connection.execute(delete(sign_in_try).where(sign_in_try.c.id.in_(ids)))


def forget_before(connection: Connection, tries: datetime, places: datetime) -> None:
    connection.execute(delete(sign_in_try).where(sign_in_try.c.at < tries))
    connection.execute(delete(sign_in_place).where(sign_in_place.c.used_at < places))


def count_since(connection: Connection, moment: datetime) -> int:
    return len(connection.execute(select(sign_in_try.c.id).where(sign_in_try.c.at >= moment)).all())


def is_known(connection: Connection, place: str) -> bool:
    return connection.execute(select(sign_in_place.c.name).where(sign_in_place.c.name == place)).first() is not None


def know(connection: Connection, place: str) -> None:
    now = database_now(connection)
    which = sign_in_place.c.name == place
    if not connection.execute(update(sign_in_place).where(which).values(used_at=now)).rowcount:
        connection.execute(insert(sign_in_place).values(name=place, used_at=now))
