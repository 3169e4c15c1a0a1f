"""Rooms and their members, as a run writes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
from sqlalchemy import Connection

from douane.chat import plan, settle
from douane.chat.plan import Room, Rooms, Said
from douane.flow.chat.run_batches import StagedTable, decide_table
from douane.flow.chat.run_job import Job, Record, channel_chosen, chosen_channels, direct_members
from douane.store import chat, operations
from douane.store.chat import moment, run_state
from douane.store.database import database_now, write
from douane.store.database import read as reading
from douane.store.ids import new_id

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


MEMBERS = 20_000
_PAIRS = {"room": pl.String(), "user": pl.String()}


def rooms_step(job: Job) -> bool:
    direct = {} if job.options.users_only else direct_members(job)

    def decide(connection: Connection, records: list[Record], said: Said) -> list[str]:
        chosen = [record for record in records if channel_chosen(job, record)]
        people = [plan.clean(record.get("creator")) for record in chosen if record.get("creator")]
        people += [member for record in chosen for member in direct.get(record["id"], ())]
        users = chat.targets(connection, job.project_id, "user", people)
        members = {record["id"]: direct.get(record["id"], []) for record in chosen}
        rooms = _known_rooms(job, connection, chosen, users, members)
        rooms.said |= said
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
    ids_of = chat.import_ids_of(connection, job.project_id, "room", rows)
    held = {id: _room(row, ids_of.get(id, ())) for id, row in rows.items()}
    general = next(room for room in held.values() if room.general)
    return Rooms(
        {key: held[id] for key, id in by_import_id.items() if id in held},
        {key: held[id] for key, id in by_key.items()},
        general,
        lambda key: chat.has_room_key(connection, job.project_id, key),
        lambda one: one in job.ids("channels"),
    )


def _room(row: Mapping[str, Any], ids: Iterable[str]) -> Room:
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
        row["as_of_us"] or 0,
        row["account"],
        set(ids),
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
            "as_of_us": room.as_of_us,
            "account": room.account,
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
    """Who is in the rooms that were selected; unknown ones are left out (the check has warned of them). What a newer
    export says of who is in a room stands: an older one lets nobody in again, and a newer one lets go whom it knows
    and no longer lists."""
    chosen, direct = chosen_channels(job)
    with reading(job.house.engine) as connection:
        rooms = chat.all_targets(connection, job.project_id, "room")
        users = settle.users_map(chat.all_targets(connection, job.project_id, "user"))
        done = run_state.get(connection, job.held.id).members_done
        newer = _newer(job, connection)
    wanted = settle.rooms_map({one: room for one, room in rooms.items() if one in chosen}, frozenset())
    listed: set[str] = set()
    for part in job.parts("members"):
        frame = job.frame(part, ("channel", "user"))
        found = frame.join(wanted, left_on="channel", right_on="import_id").rename({"user": "import_id"})
        pairs = found.join(users, on="import_id").select("room", "user").unique(maintain_order=True)
        listed |= set(found.filter(~pl.col("channel").is_in(list(direct)))["room"].unique().to_list())
        if part.number in done:
            continue
        if newer is not None:
            pairs = newer.without_left(pairs)
        for start in range(0, max(1, len(pairs)), MEMBERS):
            if job.over():
                return False
            with write(job.house.engine) as connection:
                now = operations.fenced(connection, job.held)
                some = pairs[start : start + MEMBERS].iter_rows()
                chat.add_members(connection, now.id, some, job.options.age_us)
                if start + MEMBERS >= len(pairs):
                    run_state.keep_members(connection, now.id, part.number)
                    operations.change(connection, now.id, tries=1)
        job.attempt.kept = True
    if job.options.age_us is not None:
        _let_go(job, sorted(listed), job.options.age_us)
    return True


@dataclass(frozen=True, slots=True)
class _Newer:
    """What newer exports than this one tell of: rooms, users, and who of them is in which."""

    rooms: pl.Series
    users: pl.Series
    pairs: pl.DataFrame

    def without_left(self, pairs: pl.DataFrame) -> pl.DataFrame:
        """(room, user) but for those whom a newer export knows and does not list there."""
        told = pl.col("room").is_in(self.rooms.implode()) & pl.col("user").is_in(self.users.implode())
        return pairs.filter(~told).vstack(pairs.filter(told).join(self.pairs, on=["room", "user"], how="semi"))


def _newer(job: Job, connection: Connection) -> _Newer | None:
    age = job.options.age_us
    if age is None or not (rooms := chat.newer_rooms(connection, job.project_id, age)):
        return None
    pairs = pl.DataFrame(chat.members_of(connection, rooms), _PAIRS, orient="row")
    users = pl.Series(chat.newer_users(connection, job.project_id, age), dtype=pl.String)
    return _Newer(pl.Series(rooms, dtype=pl.String), users, pairs)


def _let_go(job: Job, rooms: Sequence[str], age: int) -> None:
    """Members of rooms whose members this export lists, users of it, and not listed: they have left since."""
    with reading(job.house.engine) as connection:
        older = chat.older_members(connection, rooms, age)
        users = chat.all_targets(connection, job.project_id, "user") if older else {}
    if not older:
        return
    mine: set[str | None] = set()
    for frame in job.column("users", ("ids", "origin")):
        ids = frame.filter(pl.col("origin") != "inferred")["ids"].explode().drop_nulls()
        mine.update(users.get(one) for one in ids.to_list())
    gone = [(room, user) for room, user in older if user in mine]
    with write(job.house.engine) as connection:
        operations.hold(connection, job.held)
        chat.remove_members(connection, gone, age)
