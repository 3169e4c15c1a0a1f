"""Whole chat workspaces written down so that two can be compared: every row and message once, by what names it.

Ids are ours and differ from run to run, so each stands here as what it means: a user by name, a room by its key, an
import by its number. Times of today are `now`.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise, zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sqlalchemy import Connection, Table, select

from douane.flow.chat import imports, records
from douane.flow.chat.imports import NewChat
from douane.flow.house import House
from douane.flow.imports import StoredSource
from douane.model.operation import Operation
from douane.staging.parts import read_part
from douane.store import chat, people, projects
from douane.store.database import read, write
from douane.store.ids import new_id
from douane.store.schema import (
    chat_contact,
    chat_email,
    chat_file,
    chat_import_id,
    chat_member,
    chat_room,
    chat_user,
    operation,
)

Workspace = dict[str, list[str]]  # table -> its rows as JSON, sorted

TABLES = (chat_user, chat_email, chat_room, chat_member, chat_import_id, chat_contact, chat_file)
SUB_TABLES = ("reactions", "files", "mentions", "edits")
# Where a message stood in its export differs between two exports that both hold it.
PLACE = ("entry", "position")
_ID = re.compile(r"[0-9a-f]{24}")


def new_project(house: House) -> tuple[str, str]:
    """(project, person), with the same name and address every time but for the first time's: those are unique."""
    number = new_id()
    with write(house.engine) as connection:
        person = people.add(
            connection,
            email=f"own-{number}@example.com",
            username=f"own-{number}",
            first_name="Own",
            last_name="Person",
            password_hash="x",
        )
        return projects.add(connection, name="Project", owner_id=person.id).id, person.id


def upload(house: House, project_id: str, person_id: str, path: Path, importer: str = "slack") -> Operation:
    name = f"{new_id()}/source"
    house.objects.put_file(name, path)
    source = StoredSource(name, path.stat().st_size, "", path.name, "application/zip")
    return imports.begin(house, NewChat(project_id, person_id, importer, source, "application/zip", path.name))


# Writing down


def written_down(house: House, project_id: str, without: Collection[str] = ()) -> Workspace:
    """`without`: columns of messages to leave out."""
    with read(house.engine) as connection:
        names = _names(connection, project_id)
        found = {table.name: _rows(connection, table, project_id, names) for table in TABLES}
    shown = _renamed(names)
    return found | {"messages": [shown(line) for line in _messages(house, project_id, without)]}


def _names(connection: Connection, project_id: str) -> dict[str, str]:
    """Our id -> what it means."""
    users = connection.execute(select(chat_user).where(chat_user.c.project_id == project_id)).all()
    ids = chat.import_ids_of(connection, project_id, "user", [row.id for row in users])
    names = {}
    for row in users:
        # A placeholder may be called by our own id.
        name = f"placeholder {ids[row.id]}" if row.placeholder else f"user {row.username_key}"
        names[row.id] = "own" if row.person_id else name
    members = defaultdict(list)
    rooms = connection.execute(select(chat_room).where(chat_room.c.project_id == project_id)).all()
    for row in connection.execute(select(chat_member).where(chat_member.c.room_id.in_([room.id for room in rooms]))):
        members[row.room_id].append(names[row.user_id])
    for room in rooms:
        # The key of a direct room is made of ids.
        key = room.room_key if room.type != "d" else f"d:{sorted(members[room.id])}"
        names[room.id] = f"room {key}"
    query = select(operation.c.id).where(operation.c.project_id == project_id).order_by(operation.c.created_at)
    names |= {id: f"import {number}" for number, id in enumerate(connection.execute(query).scalars(), 1)}
    contacts = chat.import_ids_of(
        connection,
        project_id,
        "contact",
        connection.execute(select(chat_contact.c.id).where(chat_contact.c.project_id == project_id)).scalars(),
    )
    names |= {row.person_id: "own person" for row in users if row.person_id}
    return names | {id: f"contact {ids}" for id, ids in contacts.items()} | {project_id: "project"}


def _rows(connection: Connection, table: Table, project_id: str, names: Mapping[str, str]) -> list[str]:
    query = select(table)
    if "project_id" in table.c:
        query = query.where(table.c.project_id == project_id)
    else:
        query = query.join(chat_room, chat_room.c.id == table.c.room_id).where(chat_room.c.project_id == project_id)
    today = datetime.now(UTC) - timedelta(days=1)
    shown = _renamed(names)

    def plain(name: str, value: Any) -> Any:
        if isinstance(value, datetime):
            return "now" if value > today else value.isoformat()
        if name == "room_key" and str(value).startswith("d:"):
            return "d:"
        return value

    found = connection.execute(query).mappings()
    lines = ({name: plain(name, value) for name, value in row.items() if name != "seq"} for row in found)
    return sorted(shown(json.dumps(line, ensure_ascii=False, sort_keys=True)) for line in lines)


def _renamed(names: Mapping[str, str]) -> Callable[[str], str]:
    """Ids in a line of JSON as what they mean; an id that nothing has shows, and differs from any other's. The
    project's own person is called something else every time."""
    own = re.compile(r"own-[0-9a-f]{24}")

    def renamed(line: str) -> str:
        line = own.sub("own", line)
        return _ID.sub(lambda found: json.dumps(names.get(found[0], found[0]), ensure_ascii=False)[1:-1], line)

    return renamed


def _messages(house: House, project_id: str, without: Collection[str]) -> Iterator[str]:
    """Every message that is there, by its key, each with all that belongs to it; ids as they are."""
    lines: list[tuple[int, int, str]] = []
    for tables in message_parts(house, project_id):
        belongings = {name: _by_message(tables.get(name)) for name in SUB_TABLES}
        for at, row in enumerate(tables["messages"].drop(*without).iter_rows(named=True)):
            whole = {**row, **{f"{name}_": found.get(at, []) for name, found in belongings.items()}}
            lines.append((row["key_hi"], row["key_lo"], json.dumps(whole, ensure_ascii=False)))
    lines.sort()
    keys = [line[:2] for line in lines]
    assert all(one != other for one, other in pairwise(keys)), "a message is there twice"
    return (line for _, _, line in lines)


def message_parts(house: House, project_id: str) -> Iterator[dict[str, pl.DataFrame]]:
    """The workspace's messages part by part, straight from what is stored, without those that were replaced."""
    with read(house.engine) as connection:
        parts = chat.parts(connection, project_id)
        gone = chat.gone(connection, project_id)
    for part in parts:
        tables = {
            name: read_part(house.objects.local_path(part.objects[name]))
            for name in ("messages", *SUB_TABLES)
            if name in part.objects
        }
        assert len(tables["messages"]) == part.rows
        here = np.ones(part.rows, np.bool_)
        for row in gone:
            if row.number == part.number:
                at = pl.read_ipc(house.objects.local_path(row.object), columns=["at"])["at"].to_numpy()
                assert len(at) == row.rows
                assert here[at].all(), "a message is gone twice"
                here[at] = False
        kept = pl.Series(here)
        places = np.cumsum(here) - 1
        for name in tables.keys() - {"messages"}:
            at = tables[name]["at"].to_numpy()
            tables[name] = tables[name].with_columns(at=pl.Series(places[at])).filter(pl.Series(here[at]))
        yield {**tables, "messages": tables["messages"].filter(kept)}


def _by_message(frame: pl.DataFrame | None) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    if frame is not None:
        for row in frame.iter_rows(named=True):
            found[row.pop("at")].append(row)
    return {at: sorted(rows, key=json.dumps) for at, rows in found.items()}


def counters_hold(house: House, project_id: str) -> None:
    """Rooms say how many messages they hold."""
    held: Counter[str] = Counter()
    for tables in message_parts(house, project_id):
        held.update(tables["messages"]["room"].to_list())
    with read(house.engine) as connection:
        rooms = {row["id"]: row["messages"] for row in chat.rooms(connection, project_id)}
    assert +Counter(rooms) == held


def accounted(house: House, operation: Operation) -> list[str]:
    """What an import that is completed says of itself: numbers in all and of every entry, having seen that they add up,
    and that its rooms say how many messages they hold."""
    counters_hold(house, operation.project_id)
    whole = records.ledger(house, operation)
    assert whole.found == whole.imported + whole.skipped + whole.failed
    assert whole.staged == 0
    lines = [f"{operation.stage} {operation.total} {operation.valid} {operation.invalid}"]
    for name in ("counts", "problems", "done"):
        lines.append(f"{name} {json.dumps(operation.detail.get(name), sort_keys=True)}")
    sums = [0, 0, 0, 0]
    number = 1
    while entries := records.ledger_entries(house, operation, number, 1000):
        number += 1
        for line in entries:
            numbers = (line.found, line.imported, line.skipped, line.failed)
            assert line.found == line.imported + line.skipped + line.failed, line
            assert line.staged == 0, line
            sums = [a + b for a, b in zip(sums, numbers, strict=True)]
            lines.append(f"{line.name} {numbers} {line.reason} {json.dumps(line.reasons, sort_keys=True)}")
    assert sums == [whole.found, whole.imported, whole.skipped, whole.failed]
    reasons = {outcome: dict(codes) for outcome, codes in whole.reasons.items()}
    for outcome, count in (("imported", whole.imported), ("skipped", whole.skipped), ("failed", whole.failed)):
        assert sum(reasons.get(outcome, {}).values()) == count, (outcome, reasons)
    return [*lines, f"in all {sums} {json.dumps(reasons, sort_keys=True)}"]


def difference(found: Workspace, wanted: Workspace) -> str:
    """The first line of each table that differs; "" for none."""
    told = []
    for table in sorted(found.keys() | wanted.keys()):
        pairs = zip_longest(found.get(table, ()), wanted.get(table, ()))
        differing = [(one, other) for one, other in pairs if one != other]
        if differing:
            counts = f"{len(found.get(table, ()))} and {len(wanted.get(table, ()))} rows, {len(differing)} differ"
            told.append(f"{table}: {counts}, first\n  {differing[0][0]}\n  {differing[0][1]}")
    return "\n".join(told)
