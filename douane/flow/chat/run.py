"""The run of a chat import: what was staged and selected becomes the project's workspace.

One handler, `chat_run`. It goes table by table: users, the accounts that stand for unknown authors, contacts, rooms,
their members, messages. Every commit is fenced and counts itself, so that the run may be killed, stopped or put back
between any two and goes on there; whoever is there already is found by foreign id, so that nothing is made twice. In a
workspace one run goes on at a time; the others are put back.
"""

from __future__ import annotations

import base64
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import InternalError, OperationalError, StatementError

from douane import errors
from douane.chat import check, plan, settle
from douane.chat.plan import Contact, Contacts, Options, People, Room, Rooms, User
from douane.chat.selection import Selection
from douane.flow.attempts import Attempt, attempting
from douane.flow.attempts import run as run_child
from douane.flow.house import House
from douane.model.operation import Operation
from douane.staging import masks
from douane.staging.parts import read_part
from douane.store import chat, manifest, operations, projects
from douane.store.chat import GoneRow, OutcomeRow, moment
from douane.store.database import database_now, write
from douane.store.database import read as reading
from douane.store.ids import new_id
from douane.store.manifest import MaskRow, PartRow

WORK = "chat_run"
BATCH = 1000  # records in one transaction
MEMBERS = 20_000
_PARTS = ("messages", *settle.SUB_TABLES, "rooms", "keys")  # what a part of the workspace may hold
WAIT_S = 0.5  # before asking again whether the workspace is free
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

log = structlog.get_logger()

Codes = np.ndarray[Any, np.dtype[np.uint8]]
Record = dict[str, Any]


def run(house: House, operation_id: str) -> bool:
    """Answers True when it is to be called again, behind whoever waits."""
    if _must_wait(house, operation_id):
        time.sleep(WAIT_S)
        return True
    with attempting(house, operation_id, WORK) as attempt:
        if attempt is None:
            return False
        return not _run(attempt)
    return False


def _must_wait(house: House, operation_id: str) -> bool:
    """Whether another run of this workspace has begun; else this one has, from now on."""
    with write(house.engine) as connection:
        held = operations.get(connection, operation_id)
        if held.work != WORK:
            return False
        projects.lock(connection, held.project_id)
        other = chat.other_run(connection, held.project_id, held.id) is not None
        if bool(held.detail.get("running")) == other:
            operations.change_detail(connection, held.id, {"running": not other})
        return other


@dataclass(slots=True)
class _Job:
    """What a run knows throughout. `version` is the one it publishes at its end."""

    attempt: Attempt
    selection: Selection
    options: Options
    version: int
    retry: bool
    strict: bool
    numbers: dict[str, int] = field(default_factory=dict)  # of generated usernames

    @property
    def house(self) -> House:
        return self.attempt.house

    @property
    def held(self) -> Operation:
        return self.attempt.held

    @property
    def project_id(self) -> str:
        return self.attempt.held.project_id

    def over(self) -> bool:
        """Whether to let the next one have its turn. Superseded by whoever ended the run shows at the next commit."""
        if not self.attempt.kept or time.monotonic() < self.attempt.ends_at:
            return False
        with write(self.house.engine) as connection:
            operations.fenced(connection, self.held)
            operations.change(connection, self.held.id, tries=0)
        return True

    def parts(self, table: str) -> list[PartRow]:
        with reading(self.house.engine) as connection:
            return manifest.parts(connection, self.held.id, table)

    def frame(self, part: PartRow, columns: Sequence[str] | None = None) -> pl.DataFrame:
        return read_part(self.house.objects.local_path(part.object), columns)

    def column(self, table: str, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        for part in self.parts(table):
            yield self.frame(part, columns)


def _run(attempt: Attempt) -> bool:
    """False when the turn was over before it was done."""
    job = _begin(attempt)
    steps: list[Callable[[_Job], bool]] = [_users]
    if not job.options.users_only:
        steps += [_placeholders, _contacts, _rooms, _members]
    else:
        steps += [_contacts, _rooms]  # counted as not selected
    if not all(step(job) for step in [*steps, _messages]):
        return False
    _finish(job)
    return True


def _begin(attempt: Attempt) -> _Job:
    house, held = attempt.house, attempt.held
    asked = held.detail["run"]
    selection = Selection.from_json(house.objects.read_all(asked["selection_object"]))
    version = held.version + 1
    with write(house.engine) as connection:
        # Whoever supersedes an import locks the project first, then the import; so no import is locked here.
        chat.ensure_workspace(connection, held.project_id, database_now(connection))
        options = Options(
            held.id,
            users_only=asked["mode"] == "users",
            update_existing=bool(asked.get("update_existing", True)),
            admins=bool(asked.get("admins")),
            starter_id=chat.user_id_of_person(connection, held.project_id, held.person_id)
            or chat.user_id_by(connection, held.project_id, username_key=chat.BOT_NAME),
        )
    job = _Job(attempt, selection, options, version, bool(asked.get("retry")), bool(asked.get("strict")))
    if held.detail.get("run_version") != version:
        changes: dict[str, Any] = {"run_version": version, "doing": None, "members_done": []}
        if not job.retry or "done" not in held.detail:
            changes |= {"done": dict.fromkeys(("imported", "skipped", "failed"), 0), "run_total": _total(job)}
        with write(house.engine) as connection:
            operations.fenced(connection, held)
            operations.change_detail(connection, held.id, changes)
    return job


def _total(job: _Job) -> int:
    """The selected work (contract 6.7, DO)."""
    total = 0
    for frame in job.column("users", ("id", "origin")):
        known = frame.filter(pl.col("origin") != "inferred")["id"].to_list()
        total += sum(job.selection.user(one) for one in known)
    if job.options.users_only:
        return total
    for frame in job.column("channels", ("id", "type", "position")):
        listed = frame.filter((pl.col("type") != "d") | pl.col("position").is_not_null())
        total += sum(job.selection.channel(one, kind) for one, kind in listed.select("id", "type").iter_rows())
    for frame in job.column("contacts", ("id",)):
        total += sum(job.selection.contact(one) for one in frame["id"].to_list())
    return total + sum(part.rows for part in job.parts("messages"))


# Tables of which every record is decided by itself

Decide = Callable[[Connection, list[Record]], list[str]]


def _decide_table(job: _Job, table: str, step: str, decide: Decide) -> bool:
    """Staged part by part, batch by batch; what a batch came to is kept in `detail["doing"]` until its part is whole,
    so that a run that was killed between two tells the same of it. False when the turn was over."""
    places = {outcome.code: at for at, outcome in enumerate(check.OUTCOMES[table])}
    for part, before in _open_parts(job, table):
        frame = job.frame(part)
        codes, start = _resumed(job, table, part)
        was = settle.codes_of_words(before, table) if before is not None and job.retry else None
        pending = np.arange(part.rows) if was is None else np.flatnonzero(settle.failed_codes(table)[was])
        if was is not None and len(pending) == 0:
            continue
        if was is not None and start == 0:
            codes[:] = was
        while start < len(pending):
            if job.over():
                return False
            rows = pending[start : start + BATCH]
            records = frame[rows].to_dicts()
            commit = partial(_commit_batch, job, table, step, part, codes, rows, start, decide, places)
            _split(records, 0, commit)
            start += len(records)
        _close_part(job, table, part, codes, before, frame["entry"] if "entry" in frame.columns else None)
    return True


def _split(records: list[Record], at: int, commit: Callable[[list[Record], int], None]) -> None:
    """Commits a batch; where the database refuses it, smaller ones, down to the one record that it refuses."""
    try:
        commit(records, at)
    except StatementError as error:
        if isinstance(error, (OperationalError, InternalError)):
            raise  # the database is away or busy: that says nothing about a record
        if len(records) == 1:
            commit([{"_refused": True, **records[0]}], at)
            return
        half = len(records) // 2
        _split(records[:half], at, commit)
        _split(records[half:], at + half, commit)


def _commit_batch(
    job: _Job,
    table: str,
    step: str,
    part: PartRow,
    codes: Codes,
    rows: Any,
    start: int,
    decide: Decide,
    places: Mapping[str, int],
    records: list[Record],
    at: int,
) -> None:
    """`records` are those at `rows[at:]`; before them `start + at` of the part were decided."""
    rows = rows[at : at + len(records)]
    with write(job.house.engine) as connection:
        now = operations.fenced(connection, job.held)
        refused = "_refused" in records[0]
        found = ["storing"] * len(records) if refused else decide(connection, records)
        made = np.array([places[code] for code in found], np.uint8)
        fresh = codes.copy()
        fresh[rows] = made
        counted = Counter(_counts_of(records, found))
        was = Counter({"failed": counted.total()}) if job.retry else Counter()
        done = _counted(now.detail["done"], table, counted, was)
        detail = {
            **now.detail,
            "done": done,
            "doing": {"table": table, "number": part.number, "start": start + at + len(rows), "codes": _packed(fresh)},
        }
        operations.change(connection, now.id, tries=1, detail=detail, progress=_progress(now, step, done))
    codes[rows] = made
    job.attempt.kept = True


def _counts_of(records: Sequence[Record], found: Sequence[str]) -> Iterator[str]:
    """Authors whom only messages name, and direct conversations that no list names, are no records of the export."""
    for record, code in zip(records, found, strict=True):
        made = record.get("type") == "d" and record.get("position") is None
        if record.get("origin") != "inferred" and not made:
            yield code


def _counted(done: Mapping[str, int], table: str, codes: Mapping[str, int], was: Mapping[str, int]) -> dict[str, int]:
    """The totals with some records more. What was not selected is no work and counts in none of the three sums."""
    sums = Counter(done)
    for code, count in codes.items():
        if code != "not_selected":
            sums[check.outcome(table, code).outcome] += count
        if code in ("created", "updated", "unchanged", "not_selected"):
            sums[code] += count
    sums.subtract(was)
    return {name: max(0, count) for name, count in sums.items()}


def _progress(now: Operation, step: str, done: Mapping[str, int]) -> dict[str, Any]:
    completed = sum(done.get(name, 0) for name in ("imported", "skipped", "failed"))
    total = max(int(now.detail.get("run_total", 0)), completed)
    return {
        "step": step,
        "done": max(completed, now.progress.done if now.progress.unit == "records" else 0),
        "total": total,
        "unit": "records",
        "rows": completed,
    }


def _open_parts(job: _Job, table: str) -> list[tuple[PartRow, masks.Words | None]]:
    """The parts without an outcome of this run, with what was said of their rows before it."""
    with reading(job.house.engine) as connection:
        parts = manifest.parts(connection, job.held.id, table)
        settled = chat.settled(connection, job.held.id, job.version, table)
        before = manifest.masks(connection, job.held.id, table, job.version - 1)
    found: list[tuple[PartRow, masks.Words | None]] = []
    for part in parts:
        if part.number not in settled:
            mask = before.get(part.number)
            words = masks.read_mask(job.house.objects.local_path(mask.object)).words if mask else None
            found.append((part, words))
    return found


def _packed(codes: Codes) -> str:
    return base64.b85encode(zlib.compress(codes.tobytes(), 1)).decode()


def _resumed(job: _Job, table: str, part: PartRow) -> tuple[Codes, int]:
    doing = job.held.detail.get("doing")
    if doing and (doing["table"], doing["number"]) == (table, part.number):
        codes = np.frombuffer(zlib.decompress(base64.b85decode(doing["codes"])), np.uint8).copy()
        return codes, int(doing["start"])
    return np.full(part.rows, settle.OPEN, np.uint8), 0


def _close_part(
    job: _Job, table: str, part: PartRow, codes: Codes, before: masks.Words | None, entries: pl.Series | None
) -> None:
    mask = masks.judge_state(check.outcome_words(table, codes, before), check.failed_words(table))
    named = f"{table}-{part.number}-{job.version}-{job.attempt.token}"
    mask_object = f"{job.held.id}/masks/{named}"
    job.house.objects.put_bytes(mask_object, masks.mask_bytes(mask))
    entries_object = None
    if entries is not None:
        path = job.attempt.folder / f"entries-{table}-{part.number}"
        settle.ledger(entries, codes, table).write_ipc(path)
        entries_object = f"{job.held.id}/outcomes/{named}"
        job.house.objects.put_file(entries_object, path)
        path.unlink()
    reasons = settle.reasons(codes, table)
    with write(job.house.engine) as connection:
        now = operations.fenced(connection, job.held)
        row = MaskRow(part.number, mask.valid, mask.invalid, mask_object, None, job.held.attempt)
        manifest.add_masks(connection, now.id, table, job.version, [row])
        chat.add_outcome(connection, now.id, job.version, _outcome_row(table, part.number, reasons, entries_object))
        operations.change_detail(connection, now.id, {"doing": None})


def _outcome_row(table: str, number: int, reasons: dict[str, int], entries_object: str | None) -> OutcomeRow:
    sums: Counter[str] = Counter()
    for code, count in reasons.items():
        sums[check.outcome(table, code).outcome] += count
    return OutcomeRow(table, number, sums["imported"], sums["skipped"], sums["failed"], reasons, entries_object)


# Users


def _users(job: _Job) -> bool:
    needed = frozenset() if job.options.users_only or job.strict else _needed_authors(job)

    def decide(connection: Connection, records: list[Record]) -> list[str]:
        found: list[str] = []
        people = _people(job, connection, records)
        for record in records:
            if record.get("origin") == "inferred":
                wanted = record["id"] in needed
                code = plan.plan_inferred(record, people, wanted, job.strict, job.options, new_id)
            elif not job.selection.user(record["id"]):
                code = "not_selected"
            else:
                code = plan.plan_user(record, people, job.options, new_id)
            found.append(code)
        _write_people(job, connection, people)
        return found

    return _decide_table(job, "users", "users", decide)


def _people(job: _Job, connection: Connection, records: Sequence[Record]) -> People:
    """Everybody that the records may be about."""
    ids, addresses, keys = [], [], []
    for record in records:
        ids += plan.ids_of(record)
        addresses += plan.addresses_of(record)
        username = plan.username_of(record)
        if username is not None:
            keys.append(username.lower())
    project_id = job.project_id
    rows, by_import_id, by_address, by_username = chat.users_known(connection, project_id, ids, addresses, keys)
    users = {id: _user(row) for id, row in rows.items()}

    def of(found: Mapping[str, str]) -> dict[str, User]:
        return {key: users[id] for key, id in found.items() if id in users}

    return People(
        of(by_import_id),
        of(by_address),
        of(by_username),
        lambda key: chat.user_id_by(connection, project_id, username_key=key) is not None,
        job.numbers,
    )


def _user(row: Mapping[str, Any]) -> User:
    return User(
        row["id"],
        row["username"],
        row["name"],
        row["type"],
        list(row["roles"] or ()),
        {one["address"]: bool(one.get("verified")) for one in row["emails"] or ()},
        row["active"],
        row["placeholder"],
        row["person_id"],
        row["operation_id"],
        row["pending_avatar"],
        dict(row["document"] or {}),
    )


def _write_people(job: _Job, connection: Connection, people: People) -> None:
    now = database_now(connection)
    new, changed = [], []
    addresses: dict[str, list[str]] = {}
    for user in people.touched.values():
        if not user.changed:
            continue
        row: dict[str, Any] = {
            "id": user.id,
            "name": user.name,
            "type": user.type if user.type in ("user", "bot") else "user",
            "roles": user.roles,
            "emails": [{"address": address, "verified": verified} for address, verified in user.emails.items()],
            "active": user.active,
            "placeholder": user.placeholder,
            "operation_id": user.operation_id,
            "pending_avatar": user.pending_avatar,
            "document": user.document,
            "username": user.username,
            # A placeholder takes nobody's name away.
            "username_key": f"@{user.id}" if user.placeholder else user.username.lower(),
            "updated_at": now,
        }
        if user.new:
            new.append(row | {"project_id": job.project_id, "created_at": now})
        else:
            changed.append(row)
        if user.addresses_changed:
            addresses[user.id] = list(user.emails)
    chat.write_users(connection, job.project_id, new, changed, addresses)
    if people.import_ids:
        chat.add_import_ids(connection, job.project_id, "user", people.import_ids)


def _needed_authors(job: _Job) -> frozenset[str]:
    """Authors of messages that will come in, as far as it can be told before the rooms are made; and who takes part in
    direct conversations that were selected."""
    chosen, direct = _chosen_channels(job)
    with reading(job.house.engine) as connection:
        rooms = chosen | set(chat.all_targets(connection, job.project_id, "room"))
    wanted = pl.Series("id", list(rooms), dtype=pl.String).implode()
    authors: set[str] = set()
    for frame in job.column("pairs", ("channel", "author")):
        found = frame.filter(pl.col("channel").is_in(wanted))["author"].unique()
        authors.update(author for author in found.to_list() if author)
    if direct:
        for members in _direct_members(job).values():
            authors.update(members)
    return frozenset(authors)


def _chosen_channels(job: _Job) -> tuple[set[str], set[str]]:
    """First ids of the channels that were selected, and of those the direct ones."""
    chosen: set[str] = set()
    direct: set[str] = set()
    for frame in job.column("channels", ("id", "type")):
        for one, kind in frame.iter_rows():
            if one and job.selection.channel(one, kind):
                chosen.add(one)
                if kind == "d":
                    direct.add(one)
    return chosen, direct


def _direct_members(job: _Job) -> dict[str, list[str]]:
    """Of each direct conversation that was selected, who takes part."""
    _, direct = _chosen_channels(job)
    wanted = pl.Series("id", list(direct), dtype=pl.String).implode()
    found: dict[str, list[str]] = {}
    for frame in job.column("members", ("channel", "user")):
        for channel, user in frame.filter(pl.col("channel").is_in(wanted)).iter_rows():
            if user:
                found.setdefault(channel, []).append(user)
    return {channel: list(dict.fromkeys(users)) for channel, users in found.items()}


def _placeholders(job: _Job) -> bool:
    """An account for each author whom nobody imported: left out of the selection, or refused. Those that no list names
    were made with the users."""
    if job.strict:
        return True
    needed = _needed_authors(job)
    with reading(job.house.engine) as connection:
        known = chat.all_targets(connection, job.project_id, "user")
    missing = sorted(needed - known.keys())
    if not missing:
        return True
    named: dict[str, Record] = {}
    wanted = pl.Series("id", missing, dtype=pl.String).implode()
    for frame in job.column("users", ("id", "ids", "username", "name", "display_name")):
        found = frame.filter(
            pl.col("id").is_in(wanted) | pl.col("ids").list.eval(pl.element().is_in(wanted)).list.any()
        )
        for record in found.to_dicts():
            for import_id in plan.ids_of(record):
                named.setdefault(import_id, record)
    for start in range(0, len(missing), BATCH):
        if job.over():
            return False
        with write(job.house.engine) as connection:
            operations.fenced(connection, job.held)
            some = missing[start : start + BATCH]
            people = _people(job, connection, [{"id": one} for one in some])
            for one in some:
                record = {**named.get(one, {}), "id": one, "ids": [one]}
                plan.plan_inferred(record, people, True, False, job.options, new_id)
            _write_people(job, connection, people)
            operations.change(connection, job.held.id, tries=1)
        job.attempt.kept = True
    return True


# Contacts


def _contacts(job: _Job) -> bool:
    def decide(connection: Connection, records: list[Record]) -> list[str]:
        chosen = [record for record in records if _contact_chosen(job, record)]
        ids = [one for record in chosen for one in plan.ids_of(record)]
        rows, by_import_id = chat.contacts_known(connection, job.project_id, ids)
        held = {id: _contact(row) for id, row in rows.items()}
        contacts = Contacts({key: held[id] for key, id in by_import_id.items() if id in held})
        managers = [plan.clean(record.get("manager")) for record in chosen if record.get("manager")]
        _, by_id, _, by_name = chat.users_known(
            connection, job.project_id, managers, [], [name.lower() for name in managers]
        )
        found = [
            plan.plan_contact(record, contacts, {**by_id, **by_name}, job.options, new_id)
            if _contact_chosen(job, record)
            else "not_selected"
            for record in records
        ]
        _write_contacts(job, connection, contacts)
        return found

    return _decide_table(job, "contacts", "contacts", decide)


def _contact_chosen(job: _Job, record: Record) -> bool:
    return not job.options.users_only and job.selection.contact(record["id"])


def _contact(row: Mapping[str, Any]) -> Contact:
    return Contact(
        row["id"],
        row["name"],
        list(row["emails"] or ()),
        list(row["phones"] or ()),
        row["manager_id"],
        dict(row["custom"] or {}),
        row["operation_id"],
    )


def _write_contacts(job: _Job, connection: Connection, contacts: Contacts) -> None:
    now = database_now(connection)
    new, changed = [], []
    for contact in contacts.touched.values():
        row = {
            "id": contact.id,
            "name": contact.name,
            "emails": contact.emails,
            "phones": contact.phones,
            "manager_id": contact.manager_id,
            "custom": contact.custom,
            "operation_id": contact.operation_id,
            "updated_at": now,
        }
        if contact.new:
            new.append(row | {"project_id": job.project_id, "created_at": now})
        else:
            changed.append(row)
    chat.write_contacts(connection, new, changed)
    if contacts.import_ids:
        chat.add_import_ids(connection, job.project_id, "contact", contacts.import_ids)


# Rooms


def _rooms(job: _Job) -> bool:
    direct = {} if job.options.users_only else _direct_members(job)

    def decide(connection: Connection, records: list[Record]) -> list[str]:
        chosen = [record for record in records if _channel_chosen(job, record)]
        people = [plan.clean(record.get("creator")) for record in chosen if record.get("creator")]
        people += [member for record in chosen for member in direct.get(record["id"], ())]
        users = chat.targets(connection, job.project_id, "user", people)
        rooms = _known_rooms(job, connection, chosen, users, direct)
        found = [
            plan.plan_room(record, rooms, users, direct.get(record["id"], ()), job.options, new_id)
            if _channel_chosen(job, record)
            else "not_selected"
            for record in records
        ]
        _write_rooms(job, connection, rooms)
        return found

    return _decide_table(job, "channels", "channels", decide)


def _channel_chosen(job: _Job, record: Record) -> bool:
    return not job.options.users_only and job.selection.channel(record["id"], record.get("type"))


def _known_rooms(
    job: _Job,
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


def _write_rooms(job: _Job, connection: Connection, rooms: Rooms) -> None:
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


def _members(job: _Job) -> bool:
    """Who is in the rooms that were selected; unknown ones are left out (the check has warned of them)."""
    chosen, _ = _chosen_channels(job)
    with reading(job.house.engine) as connection:
        rooms = chat.all_targets(connection, job.project_id, "room")
        users = settle.users_map(chat.all_targets(connection, job.project_id, "user"))
        done = set(operations.get(connection, job.held.id).detail.get("members_done") or ())
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
                    done.add(part.number)
                    operations.change(connection, now.id, tries=1, detail={**now.detail, "members_done": sorted(done)})
        job.attempt.kept = True
    return True


# Messages


def _messages(job: _Job) -> bool:
    spec = _settle_spec(job, job.attempt.seat.inputs)
    if not spec["parts"] or all(part["settled"] for part in spec["parts"]):
        return True

    def event(event: dict[str, Any]) -> None:
        match event["event"]:
            case "settled":
                _keep_settled(job, event)
            case "sandbox":
                log.warning("child.sandbox", missing=event["missing"])

    return run_child(job.attempt, spec, event)


def _settle_spec(job: _Job, inputs: Path) -> dict[str, Any]:
    house, held = job.house, job.held
    with reading(house.engine) as connection:
        staged = {
            table: {part.number: part for part in manifest.parts(connection, held.id, table)}
            for table in ("messages", *settle.SUB_TABLES)
        }
        before = manifest.masks(connection, held.id, "messages", job.version - 1)
        this = manifest.masks_made(connection, held.id, "messages", job.version)
        settled = chat.settled(connection, held.id, job.version, "messages")
        workspace = chat.parts(connection, job.project_id)
        gone = chat.gone(connection, job.project_id)
        users = chat.all_targets(connection, job.project_id, "user")
        rooms: dict[str, str | None] = dict(chat.all_targets(connection, job.project_id, "room"))
        bot = chat.user_id_by(connection, job.project_id, username_key=chat.BOT_NAME)
    skipped: set[str] = set()
    for frame in job.column("channels", ("id", "ids", "type")):
        for one, others, kind in frame.iter_rows():
            if not job.selection.channel(one, kind):
                skipped.update(id for id in (one, *(others or ())) if id and id not in rooms)
    rooms |= dict.fromkeys(skipped)
    settle.users_map(users).write_ipc(inputs / "users")
    settle.rooms_map(rooms, frozenset(skipped)).write_ipc(inputs / "rooms")
    # The workspace as it stood before this run, whatever of it is committed by now.
    own = {part.number for part in workspace if (part.operation_id, part.version) == (held.id, job.version)}

    def linked(name: str) -> str:
        return str(house.objects.link_into(name, inputs))

    return {
        "do": "chat_settle",
        "users": str(inputs / "users"),
        "rooms": str(inputs / "rooms"),
        "bot": bot,
        "everything_skipped": job.options.users_only,
        "retry": job.retry,
        "workspace": [
            {
                "number": part.number,
                "rows": part.rows,
                "keys": linked(part.objects["keys"]),
                "gone": [linked(row.object) for row in gone if row.number == part.number and row.by_number not in own],
            }
            for part in workspace
            if part.number not in own
        ],
        "parts": [
            {
                "number": number,
                "rows": part.rows,
                "tables": {table: linked(rows[number].object) for table, rows in staged.items() if number in rows},
                "before": linked(before[number].object) if number in before else None,
                "settled": linked(this[number].object) if number in settled else None,
            }
            for number, part in sorted(staged["messages"].items())
        ],
    }


def _keep_settled(job: _Job, event: Mapping[str, Any]) -> None:
    """One staged part, whole: its rows, what they replace, and what became of each."""
    house, attempt, number = job.house, job.attempt, int(event["number"])
    objects: dict[str, str] = {}
    for table, file in event["tables"].items():
        if table not in _PARTS:
            raise errors.DouaneError("The program that judged the messages gave no sensible answer.", code="internal")
        objects[table] = _store(job, table, file)
    gone = [(one["number"], one["rows"], _store(job, "gone", one["file"])) for one in event["gone"]]
    documents = pl.read_ipc(attempt.folder / Path(event["documents"]).name) if event["documents"] else None
    mask_object = attempt.store("masks", event["mask"])
    entries_object = attempt.store("outcomes", event["entries"])
    reasons: dict[str, int] = event["reasons"]
    with write(house.engine) as connection:
        now = operations.fenced(connection, job.held)
        project_id = now.project_id
        if event["rows"]:
            own = chat.next_part(connection, project_id)
            row = chat.PartRow(
                own, now.id, job.version, number, event["rows"], objects, event["first_us"], event["last_us"]
            )
            chat.add_part(connection, project_id, row)
            chat.add_gone(connection, project_id, [GoneRow(part, own, rows, name) for part, rows, name in gone])
        if documents is not None:
            common = {"project_id": project_id, "operation_id": now.id, "updated_at": database_now(connection)}
            chat.add_files(connection, [record | common for record in documents.to_dicts()])
        was: Counter[str] = Counter()
        if job.retry:
            previous = chat.outcomes(connection, now.id, job.version - 1, "messages")
            was = Counter(next((row.reasons for row in previous if row.number == number), {}))
        mask = MaskRow(number, event["valid"], event["invalid"], mask_object, None, job.held.attempt)
        manifest.add_masks(connection, now.id, "messages", job.version, [mask])
        chat.add_outcome(connection, now.id, job.version, _outcome_row("messages", number, reasons, entries_object))
        taken_back = _counted({}, "messages", was, {})
        done = _counted(now.detail["done"], "messages", reasons, taken_back)
        operations.change(
            connection,
            now.id,
            tries=1,
            detail={**now.detail, "done": done},
            progress=_progress(now, "messages", done),
        )
    for file in (event["mask"], event["entries"]):
        (attempt.folder / Path(file).name).unlink()


def _store(job: _Job, table: str, file: str) -> str:
    name = f"chat/{job.project_id}/parts/{new_id()}-{table}"
    path = job.attempt.folder / Path(file).name
    job.house.objects.put_file(name, path)
    path.unlink()
    return name


# The end


def _finish(job: _Job) -> None:
    """The rooms' counters, and the version that everybody sees."""
    counts = room_counts(job.house, job.project_id)
    with write(job.house.engine) as connection:
        now = operations.fenced(connection, job.held)
        held = {row["id"]: row for row in chat.rooms(connection, now.project_id)}
        changed = []
        for room_id, (messages, last_us) in counts.items():
            row = held.get(room_id)
            if row is not None and (row["messages"], row["last_message_at"]) != (messages, moment(last_us)):
                changed.append((room_id, messages, moment(last_us)))
        chat.set_room_counts(connection, changed)
        valid = invalid = 0
        for table in check.RULES:
            for mask in manifest.masks(connection, now.id, table, job.version).values():
                valid, invalid = valid + mask.valid, invalid + mask.invalid
        gone = ("doing", "running", "members_done", "run_version")
        detail = {key: value for key, value in now.detail.items() if key not in gone}
        operations.release(
            connection,
            now.id,
            stage="completed",
            version=job.version,
            swept=False,
            valid=valid,
            invalid=invalid,
            detail=detail,
            progress=_progress(now, "finishing", now.detail["done"]),
        )
    job.attempt.done = True


def room_counts(house: House, project_id: str) -> dict[str, tuple[int, int | None]]:
    """Room id -> (messages, time of the last in microseconds), of all that was ever imported and not replaced."""
    with reading(house.engine) as connection:
        parts = chat.parts(connection, project_id)
        gone = chat.gone(connection, project_id)
    frames = [
        pl.read_ipc(house.objects.local_path(part.objects["rooms"])).select("room", "rows", "last_us") for part in parts
    ]
    by_number = {part.number: part for part in parts}
    for row in gone:
        offsets = pl.read_ipc(house.objects.local_path(row.object))["at"]
        rooms = read_part(house.objects.local_path(by_number[row.number].objects["messages"]), ("room",))["room"]
        taken = rooms.gather(offsets).value_counts(name="rows").with_columns(-pl.col("rows").cast(pl.Int64))
        frames.append(taken.with_columns(pl.lit(None, pl.Int64).alias("last_us")))
    if not frames:
        return {}
    whole = pl.concat(frames).group_by("room").agg(pl.col("rows").sum(), pl.col("last_us").max())
    return {room: (rows, last) for room, rows, last in whole.iter_rows()}


HANDLERS = {WORK: run}
