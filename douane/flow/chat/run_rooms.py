"""Rooms and their members, as a run writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from douane.chat import plan, settle
from douane.chat.plan import Room, Rooms
from douane.flow.chat.run_batches import StagedTable, decide_table
from douane.flow.chat.run_job import Job, Record, channel_chosen, chosen_channels, direct_members
from douane.store import chat, operations
from douane.store.chat import moment, run_state
from douane.store.database import database_now, write
from douane.store.database import read as reading
from douane.store.ids import new_id

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


MEMBERS = 20_000


def rooms_step(job: Job) -> bool:
    direct = {} if job.options.users_only else direct_members(job)

    def decide(connection: Connection, records: list[Record]) -> list[str]:
        chosen = [record for record in records if channel_chosen(job, record)]
        people = [plan.clean(record.get("creator")) for record in chosen if record.get("creator")]
        people += [member for record in chosen for member in direct.get(record["id"], ())]
        users = chat.targets(connection, job.project_id, "user", people)
        rooms = _known_rooms(job, connection, chosen, users, direct)
        found = [
            plan.plan_room(record, rooms, users, direct.get(record["id"], ()), job.options, new_id)
            if channel_chosen(job, record)
            else "not_selected"
            for record in records
        ]
        _write_rooms(job, connection, rooms)
        return found

    return decide_table(job, StagedTable("channels", "channels", decide))


def _known_rooms(
    job: Job,
    connection: Connection,
    records: Sequence[Record],
    users: Mapping[str, str],
    direct: Mapping[str, Sequence[str]],
) -> Rooms:
    ids: list[str] = []
    keys: list[str] = []
    for record in records:
        ids += plan.ids_of(record)
        members = [users[one] for one in direct.get(record["id"], ()) if one in users]
        keys += plan.room_keys(record, members)
    rows, by_import_id, by_key = chat.rooms_known(connection, job.project_id, ids, keys)
    held = {id: _room(row) for id, row in rows.items()}
    general = next(room for room in held.values() if room.general)
    return Rooms(
        {key: held[id] for key, id in by_import_id.items() if id in held},
        {key: held[id] for key, id in by_key.items()},
        general,
    )


def _room(row: Mapping[str, Any]) -> Room:
    return Room(
        row["id"],
        row["type"],
        row["name"],
        row["room_key"],
        row["creator_id"],
        row["topic"],
        row["description"],
        row["archived"],
        row["general"],
        row["operation_id"],
        (row["created_at"] - _EPOCH) // timedelta(microseconds=1),
        dict(row["document"] or {}),
    )


def _write_rooms(job: Job, connection: Connection, rooms: Rooms) -> None:
    now = database_now(connection)
    new, changed = [], []
    for room in rooms.touched.values():
        row: dict[str, Any] = {
            "id": room.id,
            "type": room.type,
            "name": room.name,
            "room_key": room.key,
            "creator_id": room.creator_id,
            "topic": room.topic,
            "description": room.description,
            "archived": room.archived,
            "document": room.document,
            "updated_at": now,
            "created_at": moment(room.created_us) or now,
        }
        if room.new:
            new.append(row | {"project_id": job.project_id, "operation_id": room.operation_id})
        else:
            changed.append(row)
    chat.write_rooms(connection, new, changed)
    if rooms.import_ids:
        chat.add_import_ids(connection, job.project_id, "room", rooms.import_ids)


def members_step(job: Job) -> bool:
    """Who is in the rooms that were selected; unknown ones are left out (the check has warned of them)."""
    chosen, _ = chosen_channels(job)
    with reading(job.house.engine) as connection:
        rooms = chat.all_targets(connection, job.project_id, "room")
        users = settle.users_map(chat.all_targets(connection, job.project_id, "user"))
        done = run_state.get(connection, job.held.id).members_done
    wanted = settle.rooms_map({one: room for one, room in rooms.items() if one in chosen}, frozenset())
    for part in job.parts("members"):
        if part.number in done:
            continue
        frame = job.frame(part, ("channel", "user"))
        found = frame.join(wanted, left_on="channel", right_on="import_id").rename({"user": "import_id"})
        pairs = found.join(users, on="import_id").select("room", "user").unique(maintain_order=True)
        for start in range(0, max(1, len(pairs)), MEMBERS):
            if job.over():
                return False
            with write(job.house.engine) as connection:
                now = operations.fenced(connection, job.held)
                chat.add_members(connection, now.id, pairs[start : start + MEMBERS].iter_rows())
                if start + MEMBERS >= len(pairs):
                    run_state.keep_members(connection, now.id, part.number)
                    operations.change(connection, now.id, tries=1)
        job.attempt.kept = True
    return True
