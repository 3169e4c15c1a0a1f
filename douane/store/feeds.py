"""Feeds: which imports of a template were accepted, in what order, and how far whoever reads them is.

An import takes the next number of its template in the transaction that accepts it, while it holds the template locked.
So numbers become visible in their order and without gaps, whatever is rolled back, and a reader that has seen one has
seen all below it. (A sequence of the database gives numbers that commit in any order: who read up to 8 would never see
7.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update

from douane.model.operation import Operation
from douane.store.database import database_now
from douane.store.schema import feed_consumer, feed_entry, template
from douane.store.schema import operation as import_
from douane.store.times import utc


@dataclass(frozen=True, slots=True)
class Entry:
    """An accepted import: the `number` it has in its template's feed, from 1; its accepted `rows`, and those of all
    before it. `exact`: which number columns leave as doubles, None where nobody asked yet."""

    template_id: str
    number: int
    operation_id: str
    rows: int
    rows_before: int
    exact: tuple[str, ...] | None
    accepted_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """An accepted import within its feed at one glance: `there` rows has the feed in all, and `stamp` is another one
    after each change of what the import's rows are."""

    entry: Entry
    there: int
    stamp: tuple[int, str, int, int]


@dataclass(frozen=True, slots=True)
class Consumer:
    """Who reads a feed under a name, and how far: `position` rows of the import `number` (0, 0: nothing)."""

    template_id: str
    name: str
    number: int
    position: int
    created_at: datetime
    acked_at: datetime


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a consumer is behind: rows it has not acknowledged, and for how long the oldest of them waits."""

    template_id: str
    name: str
    rows: int
    seconds: float


def accept(connection: Connection, operation: Operation) -> int | None:
    """The number that an import takes in its template's feed; None where the template is gone. An import that has one
    keeps it."""
    # Others may refer to the template meanwhile (`key_share`), but nobody else takes a number.
    locked = select(template.c.id).where(template.c.id == operation.template_id).with_for_update(key_share=True)
    if connection.execute(locked).first() is None:
        return None
    held = of_operation(connection, operation.id)
    if held is not None:
        return held.number
    last = newest(connection, str(operation.template_id))
    number, before = (1, 0) if last is None else (last.number + 1, last.rows_before + last.rows)
    connection.execute(
        insert(feed_entry).values(
            template_id=operation.template_id,
            number=number,
            operation_id=operation.id,
            rows=operation.valid,
            rows_before=before,
            accepted_at=database_now(connection),
        )
    )
    return number


def newest(connection: Connection, template_id: str) -> Entry | None:
    row = connection.execute(_NEWEST, {"template": template_id}).first()
    return None if row is None else _entry(row)


def entry(connection: Connection, template_id: str, number: int) -> Entry | None:
    row = connection.execute(_ENTRY, {"template": template_id, "at": number}).first()
    return None if row is None else _entry(row)


# Asked for with each page, and to put a query together costs more than to run it.
_OF_TEMPLATE = select(feed_entry).where(feed_entry.c.template_id == bindparam("template"))
_NEWEST = _OF_TEMPLATE.order_by(feed_entry.c.number.desc()).limit(1)
_ENTRY = _OF_TEMPLATE.where(feed_entry.c.number == bindparam("at"))


def standing(connection: Connection, template_id: str, project_id: str, number: int) -> Standing | None:
    """The import with this number in the feed of a template of this project, if there is one: all that a page asks the
    database, in one question."""
    row = connection.execute(_STANDING, {"template": template_id, "at": number, "project": project_id}).first()
    if row is None:
        return None
    stamp = row.version, row.stage, row.revision_last, row.revision_reviewed
    return Standing(_entry(row), int(row.there), stamp)


_last = feed_entry.alias("last")
_STANDING = (
    select(
        feed_entry,
        select(_last.c.rows_before + _last.c.rows)
        .where(_last.c.template_id == bindparam("template"))
        .order_by(_last.c.number.desc())
        .limit(1)
        .scalar_subquery()
        .label("there"),
        import_.c.version,
        import_.c.stage,
        import_.c.revision_last,
        import_.c.revision_reviewed,
    )
    .join(template, template.c.id == feed_entry.c.template_id)
    .join(import_, import_.c.id == feed_entry.c.operation_id)
    .where(
        feed_entry.c.template_id == bindparam("template"),
        feed_entry.c.number == bindparam("at"),
        template.c.project_id == bindparam("project"),
    )
)


def of_operation(connection: Connection, operation_id: str) -> Entry | None:
    row = connection.execute(select(feed_entry).where(feed_entry.c.operation_id == operation_id)).first()
    return None if row is None else _entry(row)


def following(connection: Connection, template_id: str, number: int) -> Entry | None:
    """The first import after a number that has accepted rows."""
    query = (
        select(feed_entry)
        .where(feed_entry.c.template_id == template_id, feed_entry.c.number > number, feed_entry.c.rows > 0)
        .order_by(feed_entry.c.number)
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else _entry(row)


def accepted(connection: Connection, template_id: str) -> list[tuple[str, int, int]]:
    """The imports with accepted rows in their order: (id, its version, its valid rows); the latter two change when rows
    are forgotten."""
    query = (
        select(import_.c.id, import_.c.version, import_.c.valid)
        .join(feed_entry, feed_entry.c.operation_id == import_.c.id)
        .where(feed_entry.c.template_id == template_id, feed_entry.c.rows > 0)
        .order_by(feed_entry.c.number)
    )
    return [(one, version, valid) for one, version, valid in connection.execute(query)]


def last_numbers(connection: Connection, template_ids: Sequence[str]) -> dict[str, int]:
    """Of each of these templates that has accepted imports the number of the newest."""
    query = (
        select(feed_entry.c.template_id, func.max(feed_entry.c.number))
        .where(feed_entry.c.template_id.in_(template_ids))
        .group_by(feed_entry.c.template_id)
    )
    return {template_id: int(number) for template_id, number in connection.execute(query)}


def keep_exact(connection: Connection, found: Entry, keys: Sequence[str]) -> None:
    """Notes which number columns leave as doubles: once, so that an import has one schema for ever."""
    connection.execute(
        update(feed_entry)
        .where(feed_entry.c.operation_id == found.operation_id, feed_entry.c.exact.is_(None))
        .values(exact=list(keys))
    )


# Consumers


def consumer(connection: Connection, template_id: str, name: str, *, lock: bool = False) -> Consumer | None:
    query = select(feed_consumer).where(feed_consumer.c.template_id == template_id, feed_consumer.c.name == name)
    row = connection.execute(query.with_for_update() if lock else query).first()
    return None if row is None else _consumer(row)


def consumers(connection: Connection, template_id: str) -> list[Consumer]:
    """By name."""
    query = select(feed_consumer).where(feed_consumer.c.template_id == template_id).order_by(feed_consumer.c.name)
    return [_consumer(row) for row in connection.execute(query)]


def add_consumer(connection: Connection, template_id: str, name: str, number: int, position: int) -> None:
    now = database_now(connection)
    connection.execute(
        insert(feed_consumer).values(
            template_id=template_id, name=name, number=number, position=position, created_at=now, acked_at=now
        )
    )


def move_consumer(connection: Connection, found: Consumer, number: int, position: int) -> None:
    connection.execute(
        update(feed_consumer)
        .where(feed_consumer.c.template_id == found.template_id, feed_consumer.c.name == found.name)
        .values(number=number, position=position, acked_at=database_now(connection))
    )


def remove_consumer(connection: Connection, template_id: str, name: str) -> bool:
    """Whether there was one."""
    named = (feed_consumer.c.template_id == template_id, feed_consumer.c.name == name)
    return connection.execute(delete(feed_consumer).where(*named)).rowcount > 0


def lags(connection: Connection, template_id: str | None = None, name: str | None = None) -> list[Lag]:
    """Of every consumer, of those of one template, or of that one alone."""
    mine, after = feed_entry.alias("mine"), feed_entry.alias("after")
    same = (after.c.template_id == feed_consumer.c.template_id) & (after.c.number >= feed_consumer.c.number)
    # The import a consumer stands in may have rows left itself.
    waits = after.c.rows_before + after.c.rows > func.coalesce(mine.c.rows_before, 0) + feed_consumer.c.position
    oldest = (
        select(after.c.accepted_at).where(same, waits, after.c.rows > 0).order_by(after.c.number).limit(1)
    ).correlate(feed_consumer, mine)
    accepted = (
        select(after.c.rows_before + after.c.rows).where(same).order_by(after.c.number.desc()).limit(1)
    ).correlate(feed_consumer)
    query = (
        select(
            feed_consumer.c.template_id,
            feed_consumer.c.name,
            (func.coalesce(mine.c.rows_before, 0) + feed_consumer.c.position).label("read"),
            accepted.scalar_subquery().label("accepted"),
            oldest.scalar_subquery().label("oldest"),
        )
        .select_from(feed_consumer)
        .outerjoin(
            mine,
            (mine.c.template_id == feed_consumer.c.template_id) & (mine.c.number == feed_consumer.c.number),
        )
        .order_by(feed_consumer.c.template_id, feed_consumer.c.name)
    )
    if template_id is not None:
        query = query.where(feed_consumer.c.template_id == template_id)
    if name is not None:
        query = query.where(feed_consumer.c.name == name)
    now = database_now(connection)
    return [
        Lag(
            row.template_id,
            row.name,
            max(0, int(row.accepted or 0) - int(row.read)),
            0.0 if row.oldest is None else max(0.0, (now - utc(row.oldest)).total_seconds()),
        )
        for row in connection.execute(query)
    ]


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        row.template_id,
        row.number,
        row.operation_id,
        row.rows,
        row.rows_before,
        None if row.exact is None else tuple(row.exact),
        utc(row.accepted_at),
    )


def _consumer(row: Row[Any]) -> Consumer:
    return Consumer(row.template_id, row.name, row.number, row.position, utc(row.created_at), utc(row.acked_at))
