"""Rooms and who is in them: looked up, written, listed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, func, insert, or_, select

from douane.store.chat.foreign_ids import targets
from douane.store.chat.rows import Row, by_id, chunks, insert_new, listed, update_each
from douane.store.schema import (
    chat_member,
    chat_room,
)


def rooms_known(
    connection: Connection, project_id: str, import_ids: Iterable[str], keys: Iterable[str]
) -> tuple[dict[str, Row], dict[str, str], dict[str, str]]:
    """(id -> room, import id -> id, key -> id); the built-in room is always among the first."""
    by_import_id = targets(connection, project_id, "room", import_ids)
    rooms: dict[str, Row] = {}
    mine = chat_room.c.project_id == project_id
    for chunk in chunks(by_import_id.values()):
        rooms |= by_id(connection, select(chat_room).where(mine, chat_room.c.id.in_(chunk)))
    for chunk in chunks(keys):
        rooms |= by_id(connection, select(chat_room).where(mine, chat_room.c.room_key.in_(chunk)))
    rooms |= by_id(connection, select(chat_room).where(mine, chat_room.c.general.is_(True)))
    return rooms, by_import_id, {row["room_key"]: id for id, row in rooms.items()}


def write_rooms(connection: Connection, new: Sequence[Row], changed: Sequence[Row]) -> None:
    if new:
        connection.execute(insert(chat_room), list(new))
    update_each(connection, chat_room, changed)


def add_members(connection: Connection, operation_id: str, pairs: Iterable[tuple[str, str]]) -> None:
    """(room id, user id); who is a member stays one."""
    rows = [{"room_id": room, "user_id": user, "operation_id": operation_id} for room, user in pairs]
    insert_new(connection, chat_member, rows)


def set_room_counts(connection: Connection, counts: Sequence[tuple[str, int, datetime | None]]) -> None:
    """(room id, messages, time of the last)."""
    update_each(
        connection,
        chat_room,
        [{"id": id, "messages": messages, "last_message_at": last} for id, messages, last in counts],
    )


def rooms(
    connection: Connection,
    project_id: str,
    *,
    operation_id: str | None = None,
    types: Sequence[str] = ("c", "p", "d"),
    offset: int = 0,
    limit: int | None = None,
    after: str | None = None,
) -> list[Row]:
    query = select(chat_room).where(*_which_rooms(project_id, operation_id, types))
    return listed(connection, query, chat_room.c.id, offset, limit, after)


def count_rooms(
    connection: Connection,
    project_id: str,
    *,
    operation_id: str | None = None,
    types: Sequence[str] = ("c", "p", "d"),
) -> int:
    which = _which_rooms(project_id, operation_id, types)
    return int(connection.execute(select(func.count()).select_from(chat_room).where(*which)).scalar_one())


def _which_rooms(project_id: str, operation_id: str | None, types: Sequence[str]) -> list[Any]:
    which: list[Any] = [chat_room.c.project_id == project_id, chat_room.c.type.in_(types)]
    if operation_id is not None:
        which.append(chat_room.c.operation_id == operation_id)
    return which


def one_room(connection: Connection, project_id: str, column: str, value: str) -> Row | None:
    """By `id`, `name` or `import_id`."""
    if column == "import_id":
        found = targets(connection, project_id, "room", [value])
        column, value = "id", found.get(value, "")
    which = chat_room.c.room_key == f"n:{value}" if column == "name" else chat_room.c[column] == value
    row = connection.execute(select(chat_room).where(chat_room.c.project_id == project_id, which)).mappings().first()
    return None if row is None else dict(row)


def members(
    connection: Connection,
    project_id: str,
    *,
    room_id: str | None = None,
    operation_id: str | None = None,
    offset: int = 0,
    limit: int | None = None,
    after: tuple[str, str] | None = None,
) -> list[tuple[str, str]]:
    """(room id, user id), by room and user."""
    key = (chat_member.c.room_id, chat_member.c.user_id)
    query = select(*key).where(*_which_members(project_id, room_id, operation_id)).order_by(*key)
    if after is not None:
        query = query.where(or_(key[0] > after[0], and_(key[0] == after[0], key[1] > after[1])))
    query = query.offset(offset).limit(limit) if limit is not None else query
    return [(row.room_id, row.user_id) for row in connection.execute(query)]


def count_members(
    connection: Connection, project_id: str, *, room_id: str | None = None, operation_id: str | None = None
) -> int:
    which = _which_members(project_id, room_id, operation_id)
    return int(connection.execute(select(func.count()).select_from(chat_member).where(*which)).scalar_one())


def _which_members(project_id: str, room_id: str | None, operation_id: str | None) -> list[Any]:
    of_project = select(chat_room.c.id).where(chat_room.c.project_id == project_id)
    which: list[Any] = [chat_member.c.room_id.in_(of_project)]
    if room_id is not None:
        which.append(chat_member.c.room_id == room_id)
    if operation_id is not None:
        which.append(chat_member.c.operation_id == operation_id)
    return which


def room_names(connection: Connection, room_ids: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for chunk in chunks(room_ids):
        query = select(chat_room.c.id, chat_room.c.name).where(chat_room.c.id.in_(chunk))
        found.update((row.id, row.name) for row in connection.execute(query))
    return found
