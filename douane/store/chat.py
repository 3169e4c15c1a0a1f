"""The chat workspace of a project: users, rooms, members, contacts, foreign ids, and the parts its messages stand in.

Rows come and go as plain mappings with the columns' names; what a run decides about them is `chat/plan.py`. Uniqueness
(usernames, addresses, foreign ids, room keys) is the database's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, Connection, Select, Table, and_, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from douane.store import projects
from douane.store.ids import new_id
from douane.store.schema import (
    chat_contact,
    chat_email,
    chat_file,
    chat_gone,
    chat_import_id,
    chat_member,
    chat_outcome,
    chat_part,
    chat_room,
    chat_user,
    member,
    operation,
    person,
)

GENERAL_NAME, BOT_NAME = "general", "rocket.cat"
# Slack's own account, and the name under which any export may let the built-in bot write (contract 6.4).
BOT_IMPORT_IDS = ("USLACKBOT", BOT_NAME)
_AT_ONCE = 5_000  # values in one query

Row = dict[str, Any]


def _chunks(values: Iterable[str]) -> Iterator[list[str]]:
    held = list(dict.fromkeys(values))
    for start in range(0, len(held), _AT_ONCE):
        yield held[start : start + _AT_ONCE]


def _insert_new(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Those that are there already stay as they are."""
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    for start in range(0, len(rows), _AT_ONCE):
        connection.execute(make(table).on_conflict_do_nothing(), list(rows[start : start + _AT_ONCE]))


# The workspace itself


def ensure_workspace(connection: Connection, project_id: str, now: datetime) -> None:
    """The built-in bot, the built-in room, and a mirror of each of the project's people. A person whose address a user
    has already becomes that user; one whose username is taken gets another. Nothing is done twice,
    also by two at once."""
    projects.lock(connection, project_id)
    users = {
        row.person_id: row
        for row in connection.execute(
            select(chat_user.c.person_id, chat_user.c.id).where(
                chat_user.c.project_id == project_id, chat_user.c.person_id.is_not(None)
            )
        )
    }
    bot_id = user_id_by(connection, project_id, username_key=BOT_NAME)
    if bot_id is None:
        bot = _user(project_id, BOT_NAME, "Rocket.Cat", now) | {
            "type": "bot",
            "roles": ["bot"],
            "document": {"builtin": True},
        }
        connection.execute(insert(chat_user), [bot])
        bot_id = str(bot["id"])
        ids = [_import_id(project_id, "user", import_id, bot_id) for import_id in BOT_IMPORT_IDS]
        _insert_new(connection, chat_import_id, ids)
    query = (
        select(person.c.id, person.c.email, person.c.username, person.c.first_name, person.c.last_name, member.c.role)
        .join(member, member.c.person_id == person.c.id)
        .where(member.c.project_id == project_id)
        .order_by(member.c.joined_at, member.c.id)
    )
    for who in connection.execute(query).all():
        if who.id not in users:
            _mirror(connection, project_id, who, now)
    general = connection.execute(
        select(chat_room.c.id).where(chat_room.c.project_id == project_id, chat_room.c.general.is_(True))
    ).first()
    if general is None:
        room = {
            "id": new_id(),
            "project_id": project_id,
            "type": "c",
            "name": GENERAL_NAME,
            "room_key": "n:" + GENERAL_NAME,
            "creator_id": bot_id,
            "general": True,
            "created_at": now,
            "updated_at": now,
        }
        _insert_new(connection, chat_room, [room])


def has_workspace(connection: Connection, project_id: str) -> bool:
    """Whether there is nothing for `ensure_workspace` to do."""
    general = select(chat_room.c.id).where(chat_room.c.project_id == project_id, chat_room.c.general.is_(True))
    mirrored = select(chat_user.c.id).where(
        chat_user.c.project_id == project_id, chat_user.c.person_id == member.c.person_id
    )
    missing = select(member.c.id).where(member.c.project_id == project_id, ~mirrored.exists()).limit(1)
    return connection.execute(general).first() is not None and connection.execute(missing).first() is None


def _mirror(connection: Connection, project_id: str, who: Any, now: datetime) -> None:
    roles = ["admin", "user"] if who.role == "Admin" else ["user"]
    owner = connection.execute(
        select(chat_user)
        .join(chat_email, chat_email.c.user_id == chat_user.c.id)
        .where(chat_email.c.project_id == project_id, chat_email.c.address == who.email)
    ).first()
    if owner is not None and owner.person_id is None:
        connection.execute(
            update(chat_user)
            .where(chat_user.c.id == owner.id)
            .values(person_id=who.id, roles=roles, active=True, placeholder=False, updated_at=now)
        )
        return
    username, number = who.username, 1
    while user_id_by(connection, project_id, username_key=username.lower()) is not None:
        number += 1
        username = f"{who.username}-{number}"
    name = f"{who.first_name} {who.last_name}".strip() or who.username
    made = _user(project_id, username, name, now) | {
        "roles": roles,
        "emails": [{"address": who.email, "verified": True}] if owner is None else [],
        "person_id": who.id,
    }
    connection.execute(insert(chat_user), [made])
    if owner is None:
        row = {"project_id": project_id, "address": who.email, "user_id": made["id"]}
        _insert_new(connection, chat_email, [row])


def _user(project_id: str, username: str, name: str, now: datetime) -> Row:
    return {
        "id": new_id(),
        "project_id": project_id,
        "username": username,
        "username_key": username.lower(),
        "name": name,
        "created_at": now,
        "updated_at": now,
    }


def other_run(connection: Connection, project_id: str, operation_id: str) -> str | None:
    """Another import of this project whose run has begun and goes on."""
    query = select(operation.c.id, operation.c.detail).where(
        operation.c.project_id == project_id,
        operation.c.work == "chat_run",
        operation.c.stage == "processing",
        operation.c.id != operation_id,
    )
    return next((row.id for row in connection.execute(query) if (row.detail or {}).get("running")), None)


# Foreign ids


def _import_id(project_id: str, kind: str, import_id: str, target_id: str) -> Row:
    return {"project_id": project_id, "kind": kind, "import_id": import_id, "target_id": target_id}


def targets(connection: Connection, project_id: str, kind: str, import_ids: Iterable[str]) -> dict[str, str]:
    """Import id -> our id."""
    found: dict[str, str] = {}
    for chunk in _chunks(import_ids):
        query = select(chat_import_id.c.import_id, chat_import_id.c.target_id).where(
            chat_import_id.c.project_id == project_id,
            chat_import_id.c.kind == kind,
            chat_import_id.c.import_id.in_(chunk),
        )
        found.update((row.import_id, row.target_id) for row in connection.execute(query))
    return found


def all_targets(connection: Connection, project_id: str, kind: str) -> dict[str, str]:
    query = select(chat_import_id.c.import_id, chat_import_id.c.target_id).where(
        chat_import_id.c.project_id == project_id, chat_import_id.c.kind == kind
    )
    return {row.import_id: row.target_id for row in connection.execute(query)}


def import_ids_of(connection: Connection, project_id: str, kind: str, ids: Iterable[str]) -> dict[str, list[str]]:
    """Our id -> its import ids."""
    found: dict[str, list[str]] = {}
    for chunk in _chunks(ids):
        query = (
            select(chat_import_id.c.target_id, chat_import_id.c.import_id)
            .where(
                chat_import_id.c.project_id == project_id,
                chat_import_id.c.kind == kind,
                chat_import_id.c.target_id.in_(chunk),
            )
            .order_by(chat_import_id.c.import_id)
        )
        for row in connection.execute(query):
            found.setdefault(row.target_id, []).append(row.import_id)
    return found


def add_import_ids(connection: Connection, project_id: str, kind: str, ids: Mapping[str, str]) -> None:
    """Import id -> our id; one that stood for a placeholder is moved."""
    rows = [_import_id(project_id, kind, import_id, target) for import_id, target in ids.items()]
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = make(chat_import_id)
    moved = statement.on_conflict_do_update(
        index_elements=[chat_import_id.c.project_id, chat_import_id.c.kind, chat_import_id.c.import_id],
        set_={"target_id": statement.excluded.target_id},
    )
    for start in range(0, len(rows), _AT_ONCE):
        connection.execute(moved, rows[start : start + _AT_ONCE])


# Users


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
    for chunk in _chunks(addresses):
        query = select(chat_email.c.address, chat_email.c.user_id).where(
            chat_email.c.project_id == project_id, chat_email.c.address.in_(chunk)
        )
        by_address.update((row.address, row.user_id) for row in connection.execute(query))
    by_username: dict[str, str] = {}
    for chunk in _chunks(username_keys):
        query = select(chat_user.c.username_key, chat_user.c.id).where(
            chat_user.c.project_id == project_id, chat_user.c.username_key.in_(chunk)
        )
        by_username.update((row.username_key, row.id) for row in connection.execute(query))
    ids = {*by_import_id.values(), *by_address.values(), *by_username.values()}
    return users_by_id(connection, ids), by_import_id, by_address, by_username


def users_by_id(connection: Connection, ids: Iterable[str]) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for chunk in _chunks(ids):
        query = select(chat_user).where(chat_user.c.id.in_(chunk))
        found.update((row["id"], dict(row)) for row in connection.execute(query).mappings())
    return found


def user_id_by(connection: Connection, project_id: str, *, username_key: str) -> str | None:
    query = select(chat_user.c.id).where(chat_user.c.project_id == project_id, chat_user.c.username_key == username_key)
    return connection.execute(query).scalar_one_or_none()


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
    _update_each(connection, chat_user, changed)
    made = {row["id"] for row in new}
    for chunk in _chunks(user for user in addresses if user not in made):
        connection.execute(
            delete(chat_email).where(chat_email.c.project_id == project_id, chat_email.c.user_id.in_(chunk))
        )
    rows = [
        {"project_id": project_id, "address": address, "user_id": user_id}
        for user_id, all_of_it in addresses.items()
        for address in all_of_it
    ]
    for start in range(0, len(rows), _AT_ONCE):
        connection.execute(insert(chat_email), rows[start : start + _AT_ONCE])


def _update_each(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    by_columns: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        by_columns.setdefault(tuple(sorted(row)), []).append(row)
    for names, same in by_columns.items():
        statement = update(table).where(table.c.id == bindparam("_id"))
        statement = statement.values({name: bindparam(f"_{name}") for name in names if name != "id"})
        connection.execute(statement, [{f"_{name}": value for name, value in row.items()} for row in same])


# Rooms


def rooms_known(
    connection: Connection, project_id: str, import_ids: Iterable[str], keys: Iterable[str]
) -> tuple[dict[str, Row], dict[str, str], dict[str, str]]:
    """(id -> room, import id -> id, key -> id); the built-in room is always among the first."""
    by_import_id = targets(connection, project_id, "room", import_ids)
    rooms: dict[str, Row] = {}
    mine = chat_room.c.project_id == project_id
    for chunk in _chunks(by_import_id.values()):
        rooms |= _by_id(connection, select(chat_room).where(mine, chat_room.c.id.in_(chunk)))
    for chunk in _chunks(keys):
        rooms |= _by_id(connection, select(chat_room).where(mine, chat_room.c.room_key.in_(chunk)))
    rooms |= _by_id(connection, select(chat_room).where(mine, chat_room.c.general.is_(True)))
    return rooms, by_import_id, {row["room_key"]: id for id, row in rooms.items()}


def _by_id(connection: Connection, query: Select[Any]) -> dict[str, Row]:
    return {row["id"]: dict(row) for row in connection.execute(query).mappings()}


def write_rooms(connection: Connection, new: Sequence[Row], changed: Sequence[Row]) -> None:
    if new:
        connection.execute(insert(chat_room), list(new))
    _update_each(connection, chat_room, changed)


def add_members(connection: Connection, operation_id: str, pairs: Iterable[tuple[str, str]]) -> None:
    """(room id, user id); who is a member stays one."""
    rows = [{"room_id": room, "user_id": user, "operation_id": operation_id} for room, user in pairs]
    _insert_new(connection, chat_member, rows)


def set_room_counts(connection: Connection, counts: Sequence[tuple[str, int, datetime | None]]) -> None:
    """(room id, messages, time of the last)."""
    _update_each(
        connection,
        chat_room,
        [{"id": id, "messages": messages, "last_message_at": last} for id, messages, last in counts],
    )


# Contacts


def contacts_known(
    connection: Connection, project_id: str, import_ids: Iterable[str]
) -> tuple[dict[str, Row], dict[str, str]]:
    by_import_id = targets(connection, project_id, "contact", import_ids)
    found: dict[str, Row] = {}
    for chunk in _chunks(by_import_id.values()):
        query = select(chat_contact).where(chat_contact.c.project_id == project_id, chat_contact.c.id.in_(chunk))
        found |= _by_id(connection, query)
    return found, by_import_id


def write_contacts(connection: Connection, new: Sequence[Row], changed: Sequence[Row]) -> None:
    if new:
        connection.execute(insert(chat_contact), list(new))
    _update_each(connection, chat_contact, changed)


# Outcomes


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """What a run made of one staged part. `reasons`: code -> records."""

    table: str
    number: int
    imported: int
    skipped: int
    failed: int
    reasons: dict[str, int]
    entries_object: str | None = None
    version: int = 0


def add_outcome(connection: Connection, operation_id: str, version: int, row: OutcomeRow) -> None:
    connection.execute(
        insert(chat_outcome).values(
            operation_id=operation_id,
            version=version,
            table_name=row.table,
            number=row.number,
            imported=row.imported,
            skipped=row.skipped,
            failed=row.failed,
            reasons=row.reasons,
            entries_object=row.entries_object,
        )
    )


def outcomes(connection: Connection, operation_id: str, version: int, table: str | None = None) -> list[OutcomeRow]:
    """Of each staged part the newest up to a version, in order of table and part."""
    query = select(chat_outcome).where(chat_outcome.c.operation_id == operation_id, chat_outcome.c.version <= version)
    if table is not None:
        query = query.where(chat_outcome.c.table_name == table)
    newest: dict[tuple[str, int], OutcomeRow] = {}
    for r in connection.execute(query.order_by(chat_outcome.c.version)):
        newest[r.table_name, r.number] = OutcomeRow(
            r.table_name, r.number, r.imported, r.skipped, r.failed, r.reasons, r.entries_object, r.version
        )
    return [newest[key] for key in sorted(newest)]


def settled(connection: Connection, operation_id: str, version: int, table: str) -> set[int]:
    """The staged parts that have an outcome under that very version."""
    query = select(chat_outcome.c.number).where(
        chat_outcome.c.operation_id == operation_id,
        chat_outcome.c.version == version,
        chat_outcome.c.table_name == table,
    )
    return set(connection.execute(query).scalars())


def outcome_objects(connection: Connection, operation_id: str) -> set[str]:
    query = select(chat_outcome.c.entries_object).where(
        chat_outcome.c.operation_id == operation_id, chat_outcome.c.entries_object.is_not(None)
    )
    return set(connection.execute(query).scalars())


def forget_outcome_objects(connection: Connection, operation_id: str) -> None:
    """Only the sums stay."""
    connection.execute(
        update(chat_outcome).where(chat_outcome.c.operation_id == operation_id).values(entries_object=None)
    )


# Messages


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
    return [
        PartRow(r.number, r.operation_id, r.version, r.staged_number, r.rows, r.objects, r.first_us, r.last_us)
        for r in connection.execute(query)
    ]


def gone(connection: Connection, project_id: str) -> list[GoneRow]:
    query = (
        select(chat_gone)
        .where(chat_gone.c.project_id == project_id)
        .order_by(chat_gone.c.number, chat_gone.c.by_number)
    )
    return [GoneRow(r.number, r.by_number, r.rows, r.object) for r in connection.execute(query)]


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
    for column in (chat_user.c.avatar_object, chat_file.c.object):
        query = select(column).where(column.table.c.project_id == project_id, column.is_not(None))
        named |= set(connection.execute(query).scalars())
    return named


def add_files(connection: Connection, rows: Sequence[Row]) -> None:
    """Files that messages name. One that was not fetched yet is looked for where a newer export has it, if that is
    elsewhere; one that was fetched stays as it is."""
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = make(chat_file)
    newer = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=[chat_file.c.project_id, chat_file.c.id],
        set_={
            "state": newer.state,
            "url": newer.url,
            "body_entry": newer.body_entry,
            "operation_id": newer.operation_id,
            "error": None,
            "updated_at": newer.updated_at,
        },
        where=(chat_file.c.state != "downloaded")
        & (newer.state == "pending")
        & (chat_file.c.url.is_distinct_from(newer.url) | newer.body_entry.is_not(None)),
    )
    for start in range(0, len(rows), _AT_ONCE):
        connection.execute(statement, list(rows[start : start + _AT_ONCE]))


# Reading


def users(
    connection: Connection,
    project_id: str,
    *,
    operation_id: str | None = None,
    placeholders: bool = False,
    offset: int = 0,
    limit: int | None = None,
    after: str | None = None,
) -> list[Row]:
    """In the order they were made. `after`: those behind this id, which costs the same at any depth."""
    query = select(chat_user).where(*_which_users(project_id, operation_id, placeholders))
    return _listed(connection, query, chat_user.c.id, offset, limit, after)


def count_users(
    connection: Connection, project_id: str, *, operation_id: str | None = None, placeholders: bool = False
) -> int:
    which = _which_users(project_id, operation_id, placeholders)
    return int(connection.execute(select(func.count()).select_from(chat_user).where(*which)).scalar_one())


def _which_users(project_id: str, operation_id: str | None, placeholders: bool) -> list[Any]:
    which: list[Any] = [chat_user.c.project_id == project_id]
    if operation_id is not None:
        which.append(chat_user.c.operation_id == operation_id)
    if not placeholders:
        which.append(chat_user.c.placeholder.is_(False))
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
    return _listed(connection, query, chat_room.c.id, offset, limit, after)


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


def contacts(
    connection: Connection,
    project_id: str,
    *,
    operation_id: str | None = None,
    offset: int = 0,
    limit: int | None = None,
    after: str | None = None,
) -> list[Row]:
    query = select(chat_contact).where(*_which_contacts(project_id, operation_id))
    return _listed(connection, query, chat_contact.c.id, offset, limit, after)


def count_contacts(connection: Connection, project_id: str, *, operation_id: str | None = None) -> int:
    which = _which_contacts(project_id, operation_id)
    return int(connection.execute(select(func.count()).select_from(chat_contact).where(*which)).scalar_one())


def _which_contacts(project_id: str, operation_id: str | None) -> list[Any]:
    which: list[Any] = [chat_contact.c.project_id == project_id]
    if operation_id is not None:
        which.append(chat_contact.c.operation_id == operation_id)
    return which


def _listed(
    connection: Connection, query: Select[Any], id: Column[Any], offset: int, limit: int | None, after: str | None
) -> list[Row]:
    if after is not None:
        query = query.where(id > after)
    query = query.order_by(id)
    if limit is not None:
        query = query.offset(offset).limit(limit)
    return [dict(row) for row in connection.execute(query).mappings()]


def names(connection: Connection, user_ids: Iterable[str]) -> dict[str, tuple[str, str]]:
    """User id -> (username, name)."""
    found: dict[str, tuple[str, str]] = {}
    for chunk in _chunks(user_ids):
        query = select(chat_user.c.id, chat_user.c.username, chat_user.c.name).where(chat_user.c.id.in_(chunk))
        found.update((row.id, (row.username, row.name)) for row in connection.execute(query))
    return found


def all_names(connection: Connection, project_id: str) -> list[tuple[str, str, str]]:
    """(user id, username, name) of everybody, placeholders too."""
    query = select(chat_user.c.id, chat_user.c.username, chat_user.c.name).where(chat_user.c.project_id == project_id)
    return [(row.id, row.username, row.name) for row in connection.execute(query)]


def room_names(connection: Connection, room_ids: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for chunk in _chunks(room_ids):
        query = select(chat_room.c.id, chat_room.c.name).where(chat_room.c.id.in_(chunk))
        found.update((row.id, row.name) for row in connection.execute(query))
    return found


def moment(microseconds: int | None) -> datetime | None:
    """None also for what no calendar has."""
    if microseconds is None:
        return None
    try:
        return datetime.fromtimestamp(microseconds // 1_000_000, UTC).replace(microsecond=microseconds % 1_000_000)
    except (ValueError, OverflowError, OSError):
        return None
