"""What was imported, as programs pull it: users, rooms, members, contacts and messages of a workspace, of one import,
or of one room; by page or whole.

Answers are neutral documents; a surface gives them its names. Messages come in the order they were imported, each as
its newest state; a page costs the same at any depth.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl
from sqlalchemy import Connection

from douane.chat import markup
from douane.errors import BadRequest, Conflict, NotFound
from douane.flow.house import House
from douane.jobs.children import stream_child
from douane.staging.parts import read_part, read_rows, write_part
from douane.store import chat
from douane.store.chat import PartRow
from douane.store.database import database_now, read, write

FORMATS = ("ndjson", "csv", "arrow", "parquet")
KINDS = ("users", "rooms", "members", "contacts", "messages")
_AT_ONCE = 5_000
_KEPT = 500_000  # counts and replaced rows that are remembered
_NO_ROWS = np.zeros(0, np.int64)

Offsets = npt.NDArray[np.int64]
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """`total` is the size of the whole list."""

    items: list[Document]
    total: int


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
        total = chat.count_users(connection, project_id, operation_id=operation_id, placeholders=placeholders)
        rows = chat.users(
            connection,
            project_id,
            operation_id=operation_id,
            placeholders=placeholders,
            offset=(page - 1) * limit,
            limit=limit,
        )
        return Page(_user_documents(connection, project_id, rows), total)


def user(house: House, project_id: str, **by: str) -> Document:
    """By `id`, `username`, `email` or `import_id`. NotFound."""
    ((column, value),) = by.items()
    if column not in ("id", "username", "email", "import_id"):
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
    operation_id: str | None = None,
    types: Sequence[str] = ("c", "p", "d"),
    page: int = 1,
    limit: int = 50,
) -> Page:
    """{id, type, name, creator_id, topic, description, archived, general, messages, last_message_at, import_ids,
    document, created_at, updated_at}. `operation_id`: those that it made."""
    with read(house.engine) as connection:
        total = chat.count_rooms(connection, project_id, operation_id=operation_id, types=types)
        rows = chat.rooms(
            connection, project_id, operation_id=operation_id, types=types, offset=(page - 1) * limit, limit=limit
        )
        return Page(_room_documents(connection, project_id, rows), total)


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
    left_out = {"project_id", "room_key", "operation_id"}
    return [
        {name: value for name, value in row.items() if name not in left_out} | {"import_ids": ids.get(row["id"], [])}
        for row in rows
    ]


def members(
    house: House,
    project_id: str,
    *,
    room_id: str | None = None,
    operation_id: str | None = None,
    page: int = 1,
    limit: int = 50,
) -> Page:
    """{room_id, user_id, username, name}."""
    with read(house.engine) as connection:
        total = chat.count_members(connection, project_id, room_id=room_id, operation_id=operation_id)
        pairs = chat.members(
            connection,
            project_id,
            room_id=room_id,
            operation_id=operation_id,
            offset=(page - 1) * limit,
            limit=limit,
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


def contacts(house: House, project_id: str, *, operation_id: str | None = None, page: int = 1, limit: int = 50) -> Page:
    """{id, name, emails, phones, manager_id, custom, import_ids, created_at, updated_at}."""
    with read(house.engine) as connection:
        total = chat.count_contacts(connection, project_id, operation_id=operation_id)
        rows = chat.contacts(connection, project_id, operation_id=operation_id, offset=(page - 1) * limit, limit=limit)
        return Page(_contact_documents(connection, project_id, rows), total)


def _contact_documents(connection: Connection, project_id: str, rows: Sequence[Mapping[str, Any]]) -> list[Document]:
    ids = chat.import_ids_of(connection, project_id, "contact", [row["id"] for row in rows])
    left_out = {"project_id", "operation_id"}
    return [
        {name: value for name, value in row.items() if name not in left_out} | {"import_ids": ids.get(row["id"], [])}
        for row in rows
    ]


# Messages


class _Kept:
    """What parts hold by room, and which of their rows were replaced: objects never change, so only how much is kept is
    bounded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: OrderedDict[str, Any] = OrderedDict()
        self._entries = 0

    def get(self, name: str, make: Callable[[], Any]) -> Any:
        with self._lock:
            if name in self._held:
                self._held.move_to_end(name)
                return self._held[name]
        made = make()
        with self._lock:
            if name not in self._held:
                self._held[name] = made
                self._entries += 1 + len(made)
            while self._entries > _KEPT:
                self._entries -= 1 + len(self._held.popitem(last=False)[1])
        return made


_kept = _Kept()


@dataclass(frozen=True, slots=True)
class _Listed:
    """The parts that a list of messages is made of, and how many of its messages come before each."""

    parts: list[PartRow]
    gone: dict[int, list[str]]  # part -> objects
    before: Offsets


def _listed(
    house: House, connection: Connection, project_id: str, operation_id: str | None, room_id: str | None
) -> _Listed:
    parts = chat.parts(connection, project_id, operation_id)
    gone: dict[int, list[str]] = {}
    counts = {part.number: part.rows for part in parts}
    for row in chat.gone(connection, project_id):
        if row.number in counts:
            gone.setdefault(row.number, []).append(row.object)
            counts[row.number] -= row.rows
    if room_id is not None:
        counts = {part.number: _in_room(house, part, gone.get(part.number, []), room_id) for part in parts}
        parts = [part for part in parts if counts[part.number]]
    return _Listed(parts, gone, np.cumsum([0, *(counts[part.number] for part in parts)], dtype=np.int64))


def _in_room(house: House, part: PartRow, gone: Sequence[str], room_id: str) -> int:
    def rooms() -> dict[str, int]:
        frame = pl.read_ipc(house.objects.local_path(part.objects["rooms"]))
        return dict(frame.select("room", "rows").iter_rows())

    count = int(_kept.get(part.objects["rooms"], rooms).get(room_id, 0))
    if count and gone:
        column = read_part(house.objects.local_path(part.objects["messages"]), ("room",))["room"]
        count -= int((column.gather(_gone_rows(house, gone)) == room_id).sum())
    return count


def _gone_rows(house: House, objects: Sequence[str]) -> Offsets:
    def offsets(name: str) -> Offsets:
        found: Offsets = pl.read_ipc(house.objects.local_path(name))["at"].to_numpy().astype(np.int64)
        return found

    return np.concatenate([_NO_ROWS, *(_kept.get(name, partial(offsets, name)) for name in objects)])


def messages(
    house: House,
    project_id: str,
    *,
    operation_id: str | None = None,
    room_id: str | None = None,
    page: int = 1,
    limit: int = 50,
    render: str | None = None,
) -> Page:
    """The columns of `tables.TABLES["messages"]` without keys and places, and `room_id`, `user_id`, `username`, `name`,
    `reactions`, `files`, `mentions` as lists of documents. `operation_id`: those that it brought and nobody replaced.
    `render`: a dialect of `markup.render` (rocketchat, markdown ...), in which `rendered` is given too."""
    with read(house.engine) as connection:
        listed = _listed(house, connection, project_id, operation_id, room_id)
        total = int(listed.before[-1])
        documents: list[Document] = []
        for part, first, count in _places(listed, (page - 1) * limit, limit):
            documents += _part_messages(house, part, listed.gone.get(part.number, []), room_id, first, count)
        names = chat.names(connection, [document["user_id"] for document in documents])
        for document in documents:
            document["username"], document["name"] = names.get(document["user_id"], ("", ""))
        if render is not None:
            _render(connection, project_id, documents, render)
    return Page(documents, total)


def _places(listed: _Listed, offset: int, limit: int) -> Iterator[tuple[PartRow, int, int]]:
    """(part, the first message of it that is wanted, how many)."""
    end = min(offset + limit, int(listed.before[-1]))
    at = int(np.searchsorted(listed.before, offset, side="right")) - 1
    while offset < end:
        count = min(end, int(listed.before[at + 1])) - offset
        if count > 0:
            yield listed.parts[at], offset - int(listed.before[at]), count
            offset += count
        at += 1


def _part_messages(
    house: House, part: PartRow, gone: Sequence[str], room_id: str | None, first: int, count: int
) -> list[Document]:
    path = house.objects.local_path(part.objects["messages"])
    live = np.ones(part.rows, np.bool_)
    live[_gone_rows(house, gone)] = False
    if room_id is not None:
        live &= (read_part(path, ("room",))["room"] == room_id).to_numpy()
    rows = np.flatnonzero(live)[first : first + count]
    frame = read_rows(path, rows)
    documents = frame.drop("key_hi", "key_lo", "entry", "position").rename({"room": "room_id", "user": "user_id"})
    found = documents.to_dicts()
    for name in ("reactions", "files", "mentions"):
        lists: list[list[Document]] = [[] for _ in found]
        if name in part.objects:
            for record in _belonging(house.objects.local_path(part.objects[name]), rows):
                at = int(np.searchsorted(rows, record.pop("at")))
                record.pop("original", None)
                lists[at].append(record)
        for document, own in zip(found, lists, strict=True):
            document[name] = own
    return found


def _belonging(path: Path, rows: Offsets) -> list[Document]:
    """The rows of a sub-table that belong to these messages."""
    at = read_part(path, ("at",))["at"].to_numpy().astype(np.int64)
    return read_rows(path, np.flatnonzero(np.isin(at, rows))).to_dicts()


def _render(connection: Connection, project_id: str, documents: Sequence[Document], to: str) -> None:
    users: set[str] = set()
    channels: set[str] = set()
    for document in documents:
        for kind, target in markup.mentions(document["text"] or "", document["format"] or "plain"):
            (users if kind == "user" else channels).add(target)
    by_id = chat.targets(connection, project_id, "user", users)
    shown = chat.names(connection, by_id.values())
    rooms_by_id = chat.targets(connection, project_id, "room", channels)
    room_names = chat.room_names(connection, rooms_by_id.values())
    names = markup.Names(
        {one: shown[id][0] for one, id in by_id.items() if id in shown},
        {one: room_names[id] for one, id in rooms_by_id.items() if room_names.get(id)},
    )
    for document in documents:
        with suppress(ValueError):  # a kind of text that this destination cannot be written from
            document["rendered"] = markup.render(document["text"] or "", document["format"] or "plain", to, names)


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
    """A whole list as `ndjson`, `csv`, `arrow` or `parquet`, encoded by a helper process and streamed. If it fails
    midway the iterator raises: a result that was cut off must never look complete. In CSV lists are JSON; in all but
    NDJSON documents are JSON texts."""
    if format not in FORMATS:
        raise BadRequest(f"There is no format {format}; there are {', '.join(FORMATS)}.")
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
        spec: dict[str, Any] = {"do": "chat_encode", "table": table, "format": format}
        if table == "messages":
            spec |= _message_parts(house, project_id, operation_id, room_id, seat.inputs)
        else:
            frames = _frames(house, project_id, table, operation_id, room_id, placeholders)
            spec["parts"] = []
            for number, frame in enumerate(frames):
                path = seat.inputs / f"{table}-{number}"
                write_part(frame, path)
                spec["parts"].append({"tables": {table: str(path)}})
        yield from stream_child(spec, folder=seat.folder, readable=(seat.inputs,), limits=seat.limits)
    finally:
        seat.clear()


def _message_parts(
    house: House, project_id: str, operation_id: str | None, room_id: str | None, inputs: Path
) -> dict[str, Any]:
    with read(house.engine) as connection:
        listed = _listed(house, connection, project_id, operation_id, room_id)
        names = chat.all_names(connection, project_id)

    def linked(name: str) -> str:
        return str(house.objects.link_into(name, inputs))

    pl.DataFrame(names, schema={"user": pl.String, "username": pl.String, "name": pl.String}, orient="row").write_ipc(
        inputs / "names"
    )
    wanted = ("messages", "reactions", "files", "mentions")
    return {
        "names": str(inputs / "names"),
        "room": room_id,
        "parts": [
            {
                "tables": {name: linked(part.objects[name]) for name in wanted if name in part.objects},
                "gone": [linked(name) for name in listed.gone.get(part.number, [])],
            }
            for part in listed.parts
        ],
    }


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


def _some(
    connection: Connection,
    project_id: str,
    table: str,
    operation_id: str | None,
    room_id: str | None,
    placeholders: bool,
    after: Any,
) -> tuple[list[Document], Any]:
    given: dict[str, Any] = {"operation_id": operation_id, "limit": _AT_ONCE, "after": after}
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
