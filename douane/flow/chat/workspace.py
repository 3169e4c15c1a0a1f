"""What was imported, as programs pull it: users, rooms, members, contacts and messages of a workspace, of one import,
or of one room; by page or whole.

Answers are neutral documents; a surface gives them its names. Messages come in the order they were imported, each as
its newest state; a page costs the same at any depth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
from sqlalchemy import Connection

from douane import encodings
from douane.chat.markup import render
from douane.errors import BadRequest, Conflict, NotFound
from douane.flow.chat.messages import Document, Page, edits, names_for, parts_of
from douane.flow.chat.messages import messages as messages
from douane.flow.house import House
from douane.jobs.children import stream_child
from douane.line.chat import ChatEncode, ListedPart
from douane.staging.parts import write_part
from douane.store import chat
from douane.store.chat import PartRow, Stretch
from douane.store.database import database_now, read, write

KINDS = ("users", "rooms", "members", "contacts", "messages", "edits")
_AT_ONCE = 5_000


def ensure(house: House, project_id: str) -> None:
    """The built-in room and bot, and the project's people, are there before anything is imported. A run does this
    itself."""
    with read(house.engine) as connection:
        if chat.has_workspace(connection, project_id):
            return
    # A run that just made a user of the same name: that one is who a next call finds.
    with suppress(Conflict), write(house.engine) as connection:
        chat.ensure_workspace(connection, project_id, database_now(connection))


# Users, rooms, members, contacts


def users(
    house: House,
    project_id: str,
    *,
    ids: Sequence[str] | None = None,
    operation_id: str | None = None,
    page: int = 1,
    limit: int = 50,
    placeholders: bool = False,
) -> Page:
    """In the order they were made: {id, username, name, type, roles, emails: [{address, verified}], active,
    placeholder, import_ids, own (one of the project's people), pending_avatar, has_avatar, document, created_at,
    updated_at}.
    `operation_id`: those that it made."""
    with read(house.engine) as connection:
        total = chat.count_users(connection, project_id, ids=ids, operation_id=operation_id, placeholders=placeholders)
        rows = chat.users(
            connection,
            project_id,
            ids=ids,
            operation_id=operation_id,
            placeholders=placeholders,
            stretch=Stretch.of_page(page, limit),
        )
        return Page(_user_documents(connection, project_id, rows), total)


def user(house: House, project_id: str, **by: str) -> Document:
    """By `id`, `username`, `email`, `import_id`, or `person_id`: whom one of the project's people is. NotFound."""
    ((column, value),) = by.items()
    if column not in ("id", "username", "email", "import_id", "person_id"):
        raise BadRequest(f"Users cannot be asked for by {column}.")
    with read(house.engine) as connection:
        row = chat.one_user(connection, project_id, column, value)
        if row is None:
            raise NotFound("There is no such user.")
        return _user_documents(connection, project_id, [row])[0]


def _user_documents(connection: Connection, project_id: str, rows: Sequence[Mapping[str, Any]]) -> list[Document]:
    ids = chat.import_ids_of(connection, project_id, "user", [row["id"] for row in rows])
    same = ("id", "username", "name", "type", "active", "placeholder", "created_at", "updated_at", "pending_avatar")
    return [
        {
            **{name: row[name] for name in same},
            "roles": row["roles"] or [],
            "emails": row["emails"] or [],
            "import_ids": ids.get(row["id"], []),
            "own": row["person_id"] is not None,
            "has_avatar": row["avatar_object"] is not None,
            "document": row["document"] or {},
        }
        for row in rows
    ]


def rooms(
    house: House,
    project_id: str,
    *,
    ids: Sequence[str] | None = None,
    operation_id: str | None = None,
    types: Sequence[str] = ("c", "p", "d"),
    page: int = 1,
    limit: int = 50,
) -> Page:
    """{id, type, name, creator_id, topic, description, archived, general, messages, last_message_at, import_ids,
    members (how many), people (of a direct conversation: [(user id, username)]), document, created_at, updated_at}.
    `operation_id`: those that it made."""
    with read(house.engine) as connection:
        total = chat.count_rooms(connection, project_id, ids=ids, operation_id=operation_id, types=types)
        rows = chat.rooms(
            connection,
            project_id,
            ids=ids,
            operation_id=operation_id,
            types=types,
            stretch=Stretch.of_page(page, limit),
        )
        return Page(_room_documents(connection, project_id, rows), total)


def every_room(house: House, project_id: str) -> list[Document]:
    """All of them, of whatever type."""
    with read(house.engine) as connection:
        return _room_documents(connection, project_id, chat.rooms(connection, project_id))


def rooms_of(house: House, project_id: str, user_id: str) -> list[Document]:
    """Those that a user is in."""
    with read(house.engine) as connection:
        return _room_documents(connection, project_id, chat.rooms_of(connection, project_id, user_id))


def users_with_role(house: House, project_id: str, role: str) -> list[Document]:
    """All of them, in the order they were made."""
    found: list[Document] = []
    with read(house.engine) as connection:
        for page in range(1, 1 + -(-chat.count_users(connection, project_id) // _AT_ONCE)):
            rows = chat.users(connection, project_id, stretch=Stretch.of_page(page, _AT_ONCE))
            found += _user_documents(connection, project_id, [row for row in rows if role in (row["roles"] or ())])
    return found


def room(house: House, project_id: str, **by: str) -> Document:
    """By `id`, `name` or `import_id`. NotFound."""
    ((column, value),) = by.items()
    if column not in ("id", "name", "import_id"):
        raise BadRequest(f"Rooms cannot be asked for by {column}.")
    with read(house.engine) as connection:
        row = chat.one_room(connection, project_id, column, value)
        if row is None:
            raise NotFound("There is no such room.")
        return _room_documents(connection, project_id, [row])[0]


def _room_documents(connection: Connection, project_id: str, rows: Sequence[Mapping[str, Any]]) -> list[Document]:
    ids = chat.import_ids_of(connection, project_id, "room", [row["id"] for row in rows])
    left_out = {"project_id", "room_key", "operation_id", "as_of_us", "account"}
    counts = chat.member_counts(connection, [row["id"] for row in rows])
    pairs = chat.members_of(connection, [row["id"] for row in rows if row["type"] == "d"])
    names = chat.names(connection, [user for _, user in pairs])
    people: dict[str, list[tuple[str, str]]] = {}
    for room, user in sorted(pairs):
        people.setdefault(room, []).append((user, names.get(user, ("", ""))[0]))
    return [
        {name: value for name, value in row.items() if name not in left_out}
        | {"import_ids": ids.get(row["id"], []), "rendered": rendered}
        | {"members": counts.get(row["id"], 0), "people": people.get(row["id"], [])}
        for row, rendered in zip(rows, _rendered(connection, project_id, rows), strict=True)
    ]


def _rendered(connection: Connection, project_id: str, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Topic and description of each room, rendered where it is known how they are marked up."""
    marked: list[tuple[Mapping[str, Any], str]] = [(row, (row["document"] or {}).get("markup") or "") for row in rows]
    texts = [(row[name], markup) for row, markup in marked if markup for name in ("topic", "description") if row[name]]
    names = names_for(connection, project_id, texts)
    found: list[dict[str, str]] = [{} for _ in rows]
    for own, (row, markup) in zip(found, marked, strict=True):
        for name in ("topic", "description") if markup else ():
            with suppress(ValueError):
                own[name] = render(row[name] or "", markup, "rocketchat", names)
    return found


def members(
    house: House,
    project_id: str,
    *,
    ids: Sequence[str] | None = None,
    room_id: str | None = None,
    operation_id: str | None = None,
    page: int = 1,
    limit: int = 50,
) -> Page:
    """{room_id, user_id, username, name}."""
    with read(house.engine) as connection:
        total = chat.count_members(connection, project_id, ids=ids, room_id=room_id, operation_id=operation_id)
        pairs = chat.members(
            connection,
            project_id,
            ids=ids,
            room_id=room_id,
            operation_id=operation_id,
            stretch=Stretch.of_page(page, limit),
        )
        return Page(_member_documents(connection, pairs), total)


def _member_documents(connection: Connection, pairs: Sequence[tuple[str, str]]) -> list[Document]:
    names = chat.names(connection, [user_id for _, user_id in pairs])
    return [
        {
            "room_id": room_id,
            "user_id": user_id,
            "username": names.get(user_id, ("", ""))[0],
            "name": names.get(user_id, ("", ""))[1],
        }
        for room_id, user_id in pairs
    ]


def contacts(
    house: House,
    project_id: str,
    *,
    ids: Sequence[str] | None = None,
    operation_id: str | None = None,
    page: int = 1,
    limit: int = 50,
) -> Page:
    """{id, name, emails, phones, manager_id, custom, import_ids, created_at, updated_at}."""
    with read(house.engine) as connection:
        total = chat.count_contacts(connection, project_id, ids=ids, operation_id=operation_id)
        stretch = Stretch.of_page(page, limit)
        rows = chat.contacts(connection, project_id, ids=ids, operation_id=operation_id, stretch=stretch)
        return Page(_contact_documents(connection, project_id, rows), total)


def _contact_documents(connection: Connection, project_id: str, rows: Sequence[Mapping[str, Any]]) -> list[Document]:
    ids = chat.import_ids_of(connection, project_id, "contact", [row["id"] for row in rows])
    left_out = {"project_id", "operation_id", "as_of_us"}
    return [
        {name: value for name, value in row.items() if name not in left_out} | {"import_ids": ids.get(row["id"], [])}
        for row in rows
    ]


# Whole results


def encoded(
    house: House,
    project_id: str,
    table: str,
    format: str,
    *,
    operation_id: str | None = None,
    room_id: str | None = None,
    placeholders: bool = False,
) -> Iterator[bytes]:
    """A whole list as a form of the encodings shelf, encoded by a helper process and streamed. If it fails
    midway the iterator raises: a result that was cut off must never look complete. In CSV lists are JSON; in all but
    NDJSON documents are JSON texts."""
    encodings.member(format)
    if table not in KINDS:
        raise BadRequest(f"There is no table {table}; there are {', '.join(KINDS)}.")
    return _encoded(house, project_id, table, format, operation_id, room_id, placeholders)


def _encoded(
    house: House,
    project_id: str,
    table: str,
    format: str,
    operation_id: str | None,
    room_id: str | None,
    placeholders: bool,
) -> Iterator[bytes]:
    seat = house.seats.take()
    try:
        if table == "messages":
            spec = _message_parts(house, project_id, format, operation_id, room_id, seat.inputs)
        else:
            parts = []
            frames = (
                _edit_frames(house, project_id, operation_id, room_id)
                if table == "edits"
                else _frames(house, project_id, table, operation_id, room_id, placeholders)
            )
            for number, frame in enumerate(frames):
                path = seat.inputs / f"{table}-{number}"
                write_part(frame, path)
                parts.append(ListedPart({table: path}))  # type: ignore[dict-item]
            spec = ChatEncode(table=table, format=format, parts=tuple(parts))  # type: ignore[arg-type]
        yield from stream_child(spec, seat)
    finally:
        seat.clear()


def _message_parts(
    house: House, project_id: str, format: str, operation_id: str | None, room_id: str | None, inputs: Path
) -> ChatEncode:
    with read(house.engine) as connection:
        listed = parts_of(house, connection, project_id, operation_id, room_id)
        names = chat.all_names(connection, project_id)

    def part(found: PartRow) -> ListedPart:
        wanted = ("messages", "reactions", "files", "mentions", "edits")
        tables = {
            name: house.objects.link_into(found.objects[name], inputs) for name in wanted if name in found.objects
        }
        gone = tuple(house.objects.link_into(name, inputs) for name in listed.gone.get(found.number, []))
        return ListedPart(tables, gone)  # type: ignore[arg-type]

    pl.DataFrame(names, schema={"user": pl.String, "username": pl.String, "name": pl.String}, orient="row").write_ipc(
        inputs / "names"
    )
    return ChatEncode(
        table="messages",
        format=format,
        parts=tuple(part(found) for found in listed.parts),
        names=inputs / "names",
        room=room_id,
    )


_TIME = pl.Datetime("us", "UTC")
_TEXTS = pl.List(pl.String())
SCHEMAS: dict[str, dict[str, Any]] = {
    "users": {
        "id": pl.String,
        "username": pl.String,
        "name": pl.String,
        "type": pl.String,
        "roles": _TEXTS,
        "emails": pl.List(pl.Struct({"address": pl.String, "verified": pl.Boolean})),
        "active": pl.Boolean,
        "placeholder": pl.Boolean,
        "own": pl.Boolean,
        "import_ids": _TEXTS,
        "pending_avatar": pl.String,
        "has_avatar": pl.Boolean,
        "document": pl.String,
        "created_at": _TIME,
        "updated_at": _TIME,
    },
    "rooms": {
        "id": pl.String,
        "type": pl.String,
        "name": pl.String,
        "creator_id": pl.String,
        "topic": pl.String,
        "description": pl.String,
        "archived": pl.Boolean,
        "general": pl.Boolean,
        "messages": pl.Int64,
        "last_message_at": _TIME,
        "import_ids": _TEXTS,
        "document": pl.String,
        "created_at": _TIME,
        "updated_at": _TIME,
    },
    "members": {"room_id": pl.String, "user_id": pl.String, "username": pl.String, "name": pl.String},
    "contacts": {
        "id": pl.String,
        "name": pl.String,
        "emails": _TEXTS,
        "phones": _TEXTS,
        "manager_id": pl.String,
        "custom": pl.String,
        "import_ids": _TEXTS,
        "created_at": _TIME,
        "updated_at": _TIME,
    },
    "edits": {
        "message_id": pl.String,
        "room_id": pl.String,
        "kind": pl.String,
        "at": _TIME,
        "user_id": pl.String,
        "username": pl.String,
        "text": pl.String,
    },
}


def _frames(
    house: House, project_id: str, table: str, operation_id: str | None, room_id: str | None, placeholders: bool
) -> Iterator[pl.DataFrame]:
    """The whole of a small table, a few thousand rows at a time, the first one empty."""
    yield pl.DataFrame(schema=SCHEMAS[table])
    after: Any = None
    with read(house.engine) as connection:
        while True:
            documents, after = _some(connection, project_id, table, operation_id, room_id, placeholders, after)
            if not documents:
                return
            yield _framed(table, documents)


def _edit_frames(
    house: House, project_id: str, operation_id: str | None, room_id: str | None
) -> Iterator[pl.DataFrame]:
    """What retained edits and deletions say that messages were before, in the order they were imported, each once."""
    yield pl.DataFrame(schema=SCHEMAS["edits"])
    for frame in edits(house, project_id, operation_id, room_id):
        known = people(house, project_id, frame["user"].drop_nulls().unique().to_list())
        users = [known.get(user or "", (None, None)) for user in frame["user"]]
        yield frame.select(
            pl.col("target").alias("message_id"),
            pl.col("room").alias("room_id"),
            "kind",
            pl.col("at_us").cast(_TIME).alias("at"),
            pl.Series("user_id", [user[0] for user in users], pl.String),
            pl.Series("username", [user[1] for user in users], pl.String),
            "text",
        )


def _some(
    connection: Connection,
    project_id: str,
    table: str,
    operation_id: str | None,
    room_id: str | None,
    placeholders: bool,
    after: Any,
) -> tuple[list[Document], Any]:
    given: dict[str, Any] = {"operation_id": operation_id, "stretch": Stretch(_AT_ONCE, after=after)}
    if table == "members":
        pairs = chat.members(connection, project_id, room_id=room_id, **given)
        return _member_documents(connection, pairs), pairs[-1] if pairs else None
    if table == "users":
        rows = chat.users(connection, project_id, placeholders=placeholders, **given)
        documents = _user_documents(connection, project_id, rows)
    elif table == "rooms":
        rows = chat.rooms(connection, project_id, **given)
        documents = _room_documents(connection, project_id, rows)
    else:
        rows = chat.contacts(connection, project_id, **given)
        documents = _contact_documents(connection, project_id, rows)
    return documents, rows[-1]["id"] if rows else None


def _framed(table: str, documents: Sequence[Document]) -> pl.DataFrame:
    columns = []
    for name, kind in SCHEMAS[table].items():
        values = [document[name] for document in documents]
        if kind == pl.String:
            values = [_text(value) for value in values]
        elif kind == _TIME:
            values = [value.replace(tzinfo=None) if isinstance(value, datetime) else None for value in values]
            columns.append(pl.Series(name, values, pl.Datetime("us")).dt.replace_time_zone("UTC"))
            continue
        columns.append(pl.Series(name, values, kind))
    return pl.DataFrame(columns)


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else msgspec.json.encode(value).decode()


def people(house: House, project_id: str, import_ids: Sequence[str]) -> dict[str, tuple[str, str, str]]:
    """Import id -> (id, username, name) of those that the workspace knows, placeholders included."""
    with read(house.engine) as connection:
        ids = chat.targets(connection, project_id, "user", import_ids)
        names = chat.names(connection, ids.values())
    return {one: (id, *names[id]) for one, id in ids.items() if id in names}


def room_ids(house: House, project_id: str, import_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Import id -> (id, name) of the rooms that the workspace knows."""
    with read(house.engine) as connection:
        ids = chat.targets(connection, project_id, "room", import_ids)
        names = chat.room_names(connection, ids.values())
    return {one: (id, names[id]) for one, id in ids.items() if id in names}
