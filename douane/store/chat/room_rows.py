"""Rooms and who is in them: looked up, written, listed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, delete, func, insert, or_, select, true, update
from sqlalchemy.dialects import postgresql, sqlite

from douane.store.chat.foreign_ids import targets
from douane.store.chat.rows import AT_ONCE, WHOLE, Row, Stretch, by_id, chunks, insert_new, listed, update_each
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


def has_room_key(connection: Connection, project_id: str, key: str) -> bool:
    query = select(chat_room.c.id).where(chat_room.c.project_id == project_id, chat_room.c.room_key == key)
    return connection.execute(query).first() is not None


def newer_rooms(connection: Connection, project_id: str, as_of_us: int) -> list[str]:
    """Rooms of which a newer export than that tells."""
    query = select(chat_room.c.id).where(chat_room.c.project_id == project_id, chat_room.c.as_of_us > as_of_us)
    return list(connection.execute(query).scalars())


def add_members(
    connection: Connection, operation_id: str, pairs: Iterable[tuple[str, str]], as_of_us: int | None = None
) -> None:
    """(room id, user id), as an export of that age has them; who is a member stays one."""
    rows = [
        {"room_id": room, "user_id": user, "operation_id": operation_id, "as_of_us": as_of_us} for room, user in pairs
    ]
    if as_of_us is None:
        insert_new(connection, chat_member, rows)
        return
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = make(chat_member)
    statement = statement.on_conflict_do_update(
        index_elements=[chat_member.c.room_id, chat_member.c.user_id],
        set_={"as_of_us": as_of_us},
        where=func.coalesce(chat_member.c.as_of_us, 0) < as_of_us,
    )
    for start in range(0, len(rows), AT_ONCE):
        connection.execute(statement, rows[start : start + AT_ONCE])


def members_of(connection: Connection, room_ids: Iterable[str]) -> list[tuple[str, str]]:
    """(room id, user id)."""
    return _members(connection, room_ids, true())


def member_counts(connection: Connection, room_ids: Iterable[str]) -> dict[str, int]:
    """Room id -> how many are in it; rooms with nobody are left out."""
    found: dict[str, int] = {}
    for chunk in chunks(room_ids):
        query = select(chat_member.c.room_id, func.count().label("members")).where(chat_member.c.room_id.in_(chunk))
        found |= {row.room_id: row.members for row in connection.execute(query.group_by(chat_member.c.room_id))}
    return found


def rooms_of(connection: Connection, project_id: str, user_id: str) -> list[Row]:
    """The rooms that a user is in, in the order they were made."""
    query = select(chat_room).join(chat_member, chat_member.c.room_id == chat_room.c.id)
    which = (chat_room.c.project_id == project_id, chat_member.c.user_id == user_id)
    ordered = query.where(*which).order_by(chat_room.c.created_at, chat_room.c.id)
    return [dict(row) for row in connection.execute(ordered).mappings()]


def older_members(connection: Connection, room_ids: Iterable[str], as_of_us: int) -> list[tuple[str, str]]:
    """(room id, user id) of those whom no export of that age, or a newer one, lists."""
    return _members(connection, room_ids, func.coalesce(chat_member.c.as_of_us, 0) < as_of_us)


def _members(connection: Connection, room_ids: Iterable[str], which: ColumnElement[bool]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for chunk in chunks(room_ids):
        query = select(chat_member.c.room_id, chat_member.c.user_id).where(chat_member.c.room_id.in_(chunk), which)
        found += [(row.room_id, row.user_id) for row in connection.execute(query)]
    return found


def remove_members(connection: Connection, pairs: Iterable[tuple[str, str]], as_of_us: int) -> None:
    """Those of them that nothing as new as that has listed meanwhile."""
    statement = delete(chat_member).where(
        chat_member.c.room_id == bindparam("_room"),
        chat_member.c.user_id == bindparam("_user"),
        func.coalesce(chat_member.c.as_of_us, 0) < as_of_us,
    )
    rows = [{"_room": room, "_user": user} for room, user in pairs]
    if rows:
        connection.execute(statement, rows)


def add_room_counts(connection: Connection, counts: Sequence[tuple[str, int, datetime | None]]) -> None:
    """(room id, messages that came in less those that went, time of the last that came in)."""
    last = chat_room.c.last_message_at
    statement = update(chat_room).where(chat_room.c.id == bindparam("_room"))
    statement = statement.values(
        messages=chat_room.c.messages + bindparam("_messages", type_=chat_room.c.messages.type),
        last_message_at=case(
            (or_(last.is_(None), last < bindparam("_last", type_=last.type)), bindparam("_last", type_=last.type)),
            else_=last,
        ),
    )
    rows = [{"_room": id, "_messages": messages, "_last": at} for id, messages, at in sorted(counts, key=itemgetter(0))]
    if rows:
        connection.execute(statement, rows)


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
    ids: Sequence[str] | None = None,
    stretch: Stretch = WHOLE,
) -> list[Row]:
    query = select(chat_room).where(*_which_rooms(project_id, operation_id, types, ids))
    return listed(connection, query, chat_room.c.id, stretch)


def count_rooms(
    connection: Connection,
    project_id: str,
    *,
    operation_id: str | None = None,
    types: Sequence[str] = ("c", "p", "d"),
    ids: Sequence[str] | None = None,
) -> int:
    which = _which_rooms(project_id, operation_id, types, ids)
    return int(connection.execute(select(func.count()).select_from(chat_room).where(*which)).scalar_one())


def _which_rooms(
    project_id: str, operation_id: str | None, types: Sequence[str], ids: Sequence[str] | None
) -> list[Any]:
    which: list[Any] = [chat_room.c.project_id == project_id, chat_room.c.type.in_(types)]
    if operation_id is not None:
        which.append(chat_room.c.operation_id == operation_id)
    if ids is not None:
        which.append(chat_room.c.id.in_(ids))
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
    ids: Sequence[str] | None = None,
    stretch: Stretch = WHOLE,
) -> list[tuple[str, str]]:
    """(room id, user id), by room and user, which are its key."""
    key = (chat_member.c.room_id, chat_member.c.user_id)
    query = select(*key).where(*_which_members(project_id, room_id, operation_id, ids)).order_by(*key)
    if stretch.after is not None:
        room, user = stretch.after
        query = query.where(or_(key[0] > room, and_(key[0] == room, key[1] > user)))
    query = query.offset(stretch.offset).limit(stretch.limit) if stretch.limit is not None else query
    return [(row.room_id, row.user_id) for row in connection.execute(query)]


def count_members(
    connection: Connection,
    project_id: str,
    *,
    room_id: str | None = None,
    operation_id: str | None = None,
    ids: Sequence[str] | None = None,
) -> int:
    which = _which_members(project_id, room_id, operation_id, ids)
    return int(connection.execute(select(func.count()).select_from(chat_member).where(*which)).scalar_one())


def _which_members(
    project_id: str, room_id: str | None, operation_id: str | None, ids: Sequence[str] | None
) -> list[Any]:
    of_project = select(chat_room.c.id).where(chat_room.c.project_id == project_id)
    which: list[Any] = [chat_member.c.room_id.in_(of_project)]
    if room_id is not None:
        which.append(chat_member.c.room_id == room_id)
    if operation_id is not None:
        which.append(chat_member.c.operation_id == operation_id)
    if ids is not None:
        which.append(chat_member.c.user_id.in_(ids))
    return which


def room_names(connection: Connection, room_ids: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for chunk in chunks(room_ids):
        query = select(chat_room.c.id, chat_room.c.name).where(chat_room.c.id.in_(chunk))
        found.update((row.id, row.name) for row in connection.execute(query))
    return found
