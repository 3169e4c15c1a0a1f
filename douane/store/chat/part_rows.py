"""The parts that a workspace's messages stand in, and the rows of them that newer ones replaced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, func, insert, select

from douane.store.schema import (
    chat_confirmed,
    chat_file,
    chat_gone,
    chat_part,
    chat_user,
)


@dataclass(frozen=True, slots=True)
class PartRow:
    """One part of the workspace's messages. `objects`: messages, keys, rooms, and the sub-tables that have rows."""

    number: int
    operation_id: str
    version: int
    staged_number: int
    rows: int
    objects: dict[str, str]
    first_us: int | None = None
    last_us: int | None = None
    as_of_us: int | None = None


@dataclass(frozen=True, slots=True)
class ConfirmedRow:
    """Rows of part `number` that a staged part of a run has just so, and that run's export is newer."""

    number: int
    operation_id: str
    version: int
    staged_number: int
    as_of_us: int
    rows: int
    object: str


@dataclass(frozen=True, slots=True)
class GoneRow:
    """Rows of part `number` that part `by_number` replaces."""

    number: int
    by_number: int
    rows: int
    object: str


def parts(connection: Connection, project_id: str, operation_id: str | None = None) -> list[PartRow]:
    query = select(chat_part).where(chat_part.c.project_id == project_id).order_by(chat_part.c.number)
    if operation_id is not None:
        query = query.where(chat_part.c.operation_id == operation_id)
    names = PartRow.__dataclass_fields__
    return [PartRow(**{name: row[name] for name in names}) for row in connection.execute(query).mappings()]


def gone(connection: Connection, project_id: str) -> list[GoneRow]:
    query = (
        select(chat_gone)
        .where(chat_gone.c.project_id == project_id)
        .order_by(chat_gone.c.number, chat_gone.c.by_number)
    )
    return [GoneRow(r.number, r.by_number, r.rows, r.object) for r in connection.execute(query)]


def confirmed(connection: Connection, project_id: str) -> list[ConfirmedRow]:
    query = select(chat_confirmed).where(chat_confirmed.c.project_id == project_id)
    query = query.order_by(chat_confirmed.c.number)
    return [
        ConfirmedRow(r.number, r.operation_id, r.version, r.staged_number, r.as_of_us, r.rows, r.object)
        for r in connection.execute(query)
    ]


def add_confirmed(connection: Connection, project_id: str, rows: Sequence[ConfirmedRow]) -> None:
    if rows:
        connection.execute(insert(chat_confirmed), [{"project_id": project_id, **asdict(row)} for row in rows])


def next_part(connection: Connection, project_id: str) -> int:
    query = select(func.max(chat_part.c.number)).where(chat_part.c.project_id == project_id)
    last = connection.execute(query).scalar()
    return 0 if last is None else int(last) + 1


def add_part(connection: Connection, project_id: str, row: PartRow) -> None:
    connection.execute(
        insert(chat_part).values(
            project_id=project_id,
            number=row.number,
            operation_id=row.operation_id,
            version=row.version,
            staged_number=row.staged_number,
            rows=row.rows,
            objects=row.objects,
            first_us=row.first_us,
            last_us=row.last_us,
            as_of_us=row.as_of_us,
        )
    )


def add_gone(connection: Connection, project_id: str, rows: Sequence[GoneRow]) -> None:
    values = [
        {
            "project_id": project_id,
            "number": row.number,
            "by_number": row.by_number,
            "rows": row.rows,
            "object": row.object,
        }
        for row in rows
    ]
    if values:
        connection.execute(insert(chat_gone), values)


def objects(connection: Connection, project_id: str) -> set[str]:
    """Every object that the workspace names."""
    named = {name for row in parts(connection, project_id) for name in row.objects.values()}
    named |= {row.object for row in gone(connection, project_id)}
    named |= {row.object for row in confirmed(connection, project_id)}
    for column in (chat_user.c.avatar_object, chat_file.c.object):
        query = select(column).where(column.table.c.project_id == project_id, column.is_not(None))
        named |= set(connection.execute(query).scalars())
    return named
