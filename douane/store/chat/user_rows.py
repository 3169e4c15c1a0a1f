"""Users: looked up by whatever names them, written, listed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from douane.store.chat.foreign_ids import targets
from douane.store.chat.rows import AT_ONCE, WHOLE, Row, Stretch, chunks, listed, update_each
from douane.store.schema import (
    chat_email,
    chat_user,
)


def users_known(
    connection: Connection,
    project_id: str,
    import_ids: Iterable[str],
    addresses: Iterable[str],
    username_keys: Iterable[str],
) -> tuple[dict[str, Row], dict[str, str], dict[str, str], dict[str, str]]:
    """Everybody that has any of these: (id -> user, import id -> id, address -> id, username key -> id)."""
    by_import_id = targets(connection, project_id, "user", import_ids)
    by_address: dict[str, str] = {}
    for chunk in chunks(addresses):
        query = select(chat_email.c.address, chat_email.c.user_id).where(
            chat_email.c.project_id == project_id, chat_email.c.address.in_(chunk)
        )
        by_address.update((row.address, row.user_id) for row in connection.execute(query))
    by_username: dict[str, str] = {}
    for chunk in chunks(username_keys):
        query = select(chat_user.c.username_key, chat_user.c.id).where(
            chat_user.c.project_id == project_id, chat_user.c.username_key.in_(chunk)
        )
        by_username.update((row.username_key, row.id) for row in connection.execute(query))
    ids = {*by_import_id.values(), *by_address.values(), *by_username.values()}
    return users_by_id(connection, ids), by_import_id, by_address, by_username


def users_by_id(connection: Connection, ids: Iterable[str]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for chunk in chunks(ids):
        query = select(chat_user).where(chat_user.c.id.in_(chunk))
        found.update((row["id"], dict(row)) for row in connection.execute(query).mappings())
    return found


def user_id_by(connection: Connection, project_id: str, *, username_key: str) -> str | None:
    query = select(chat_user.c.id).where(chat_user.c.project_id == project_id, chat_user.c.username_key == username_key)
    return connection.execute(query).scalar_one_or_none()


def newer_users(connection: Connection, project_id: str, as_of_us: int) -> list[str]:
    """Users of whom a newer export than that tells."""
    query = select(chat_user.c.id).where(chat_user.c.project_id == project_id, chat_user.c.as_of_us > as_of_us)
    return list(connection.execute(query).scalars())


def user_id_of_person(connection: Connection, project_id: str, person_id: str | None) -> str | None:
    if person_id is None:
        return None
    query = select(chat_user.c.id).where(chat_user.c.project_id == project_id, chat_user.c.person_id == person_id)
    return connection.execute(query).scalars().first()


def write_users(
    connection: Connection,
    project_id: str,
    new: Sequence[Row],
    changed: Sequence[Row],
    addresses: Mapping[str, Sequence[str]],
) -> None:
    """`new` whole rows; `changed` rows with `id` and what is set; `addresses`: user id -> all it has now."""
    if new:
        connection.execute(insert(chat_user), list(new))
    update_each(connection, chat_user, changed)
    made = {row["id"] for row in new}
    for chunk in chunks(user for user in addresses if user not in made):
        connection.execute(
            delete(chat_email).where(chat_email.c.project_id == project_id, chat_email.c.user_id.in_(chunk))
        )
    rows = [
        {"project_id": project_id, "address": address, "user_id": user_id}
        for user_id, all_of_it in addresses.items()
        for address in all_of_it
    ]
    for start in range(0, len(rows), AT_ONCE):
        connection.execute(insert(chat_email), rows[start : start + AT_ONCE])


def users(
    connection: Connection,
    project_id: str,
    *,
    operation_id: str | None = None,
    placeholders: bool = False,
    ids: Sequence[str] | None = None,
    stretch: Stretch = WHOLE,
) -> list[Row]:
    """In the order they were made."""
    query = select(chat_user).where(*_which_users(project_id, operation_id, placeholders, ids))
    return listed(connection, query, chat_user.c.id, stretch)


def count_users(
    connection: Connection,
    project_id: str,
    *,
    operation_id: str | None = None,
    placeholders: bool = False,
    ids: Sequence[str] | None = None,
) -> int:
    which = _which_users(project_id, operation_id, placeholders, ids)
    return int(connection.execute(select(func.count()).select_from(chat_user).where(*which)).scalar_one())


def _which_users(project_id: str, operation_id: str | None, placeholders: bool, ids: Sequence[str] | None) -> list[Any]:
    which: list[Any] = [chat_user.c.project_id == project_id]
    if operation_id is not None:
        which.append(chat_user.c.operation_id == operation_id)
    if not placeholders:
        which.append(chat_user.c.placeholder.is_(False))
    if ids is not None:
        which.append(chat_user.c.id.in_(ids))
    return which


def one_user(connection: Connection, project_id: str, column: str, value: str) -> Row | None:
    """By `id`, `username`, `person_id`, `email` or `import_id`."""
    match column:
        case "email" | "import_id":
            known, by_import_id, by_address, _ = users_known(
                connection,
                project_id,
                [value] if column == "import_id" else [],
                [value.lower()] if column == "email" else [],
                [],
            )
            target = by_import_id.get(value) or by_address.get(value.lower())
            return known.get(target) if target else None
        case "username":
            which = chat_user.c.username_key == value.lower()
        case _:
            which = chat_user.c[column] == value
    row = connection.execute(select(chat_user).where(chat_user.c.project_id == project_id, which)).mappings().first()
    return None if row is None else dict(row)


def names(connection: Connection, user_ids: Iterable[str]) -> dict[str, tuple[str, str]]:
    """User id -> (username, name)."""
    found: dict[str, tuple[str, str]] = {}
    for chunk in chunks(user_ids):
        query = select(chat_user.c.id, chat_user.c.username, chat_user.c.name).where(chat_user.c.id.in_(chunk))
        found.update((row.id, (row.username, row.name)) for row in connection.execute(query))
    return found


def all_names(connection: Connection, project_id: str) -> list[tuple[str, str, str]]:
    """(user id, username, name) of everybody, placeholders too."""
    query = select(chat_user.c.id, chat_user.c.username, chat_user.c.name).where(chat_user.c.project_id == project_id)
    return [(row.id, row.username, row.name) for row in connection.execute(query)]
