"""Messages: the child settles them part by part, and each part that comes in is one commit."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path

import polars as pl
import structlog

from douane.chat import settle
from douane.flow.attempts import run as run_child
from douane.flow.chat.run_batches import outcome_row, progress, totals
from douane.flow.chat.run_job import Job
from douane.line import Event, Sandbox
from douane.line.chat import ChatSettle, Confirmed, Settled, StagedMessages, WorkspaceKeys
from douane.model.chat_import import chat_detail, kept
from douane.staging.parts import read_part
from douane.store import chat, manifest, operations
from douane.store.chat import ConfirmedRow, GoneRow, moment
from douane.store.database import database_now, write
from douane.store.database import read as reading
from douane.store.ids import new_id
from douane.store.manifest import MaskRow, PartRow

log = structlog.get_logger()


def messages_step(job: Job) -> bool:
    spec = _settle_spec(job, job.attempt.seat.inputs)
    if all(part.settled for part in spec.parts):
        return True

    def event(event: Event) -> None:
        match event:
            case Settled():
                keep_settled(job, event)
            case Sandbox():
                log.warning("child.sandbox", missing=event.missing)

    return run_child(job.attempt, spec, event)


def _settle_spec(job: Job, inputs: Path) -> ChatSettle:
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
        confirmed = chat.confirmed(connection, job.project_id)
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
    mine = (held.id, job.version)
    own = {part.number for part in workspace if (part.operation_id, part.version) == mine}

    def linked(name: str) -> Path:
        return house.objects.link_into(name, inputs)

    def kept(part: chat.PartRow) -> WorkspaceKeys:
        return WorkspaceKeys(
            part.number,
            part.rows,
            linked(part.objects["keys"]),
            tuple(linked(row.object) for row in gone if row.number == part.number and row.by_number not in own),
            part.as_of_us or 0,
            tuple(
                Confirmed(row.as_of_us, linked(row.object))
                for row in confirmed
                if row.number == part.number and (row.operation_id, row.version) != mine
            ),
        )

    def waiting(number: int, part: PartRow) -> StagedMessages:
        return StagedMessages(
            number,
            part.rows,
            {table: linked(rows[number].object) for table, rows in staged.items() if number in rows},  # type: ignore[misc]
            linked(before[number].object) if number in before else None,
            linked(this[number].object) if number in settled else None,
        )

    return ChatSettle(
        users=inputs / "users",
        rooms=inputs / "rooms",
        bot=bot or "",
        everything_skipped=job.options.users_only,
        retry=job.retry,
        age_us=job.options.age_us,
        workspace=tuple(kept(part) for part in workspace if part.number not in own),
        parts=tuple(waiting(number, part) for number, part in sorted(staged["messages"].items())),
    )


def keep_settled(job: Job, event: Settled) -> None:
    """One staged part, whole: its rows, what they replace, and what became of each."""
    house, attempt, number = job.house, job.attempt, event.number
    counts = _room_counts(job, event)
    objects = {str(table): _store(job, table, path) for table, path in event.tables.items()}
    gone = [(one.number, one.rows, _store(job, "gone", one.path)) for one in event.gone]
    confirmed = [(one.number, one.rows, _store(job, "confirmed", one.path)) for one in event.confirmed]
    documents = pl.read_ipc(event.documents) if event.documents else None
    mask_object = attempt.store("masks", event.mask)
    entries_object = attempt.store("outcomes", event.entries)
    reasons = event.reasons
    with write(house.engine) as connection:
        now = operations.fenced(connection, job.held)
        project_id, age = now.project_id, job.options.age_us
        if event.rows:
            own = chat.next_part(connection, project_id)
            row = chat.PartRow(
                own, now.id, job.version, number, event.rows, objects, event.first_us, event.last_us, age
            )
            chat.add_part(connection, project_id, row)
            chat.add_gone(connection, project_id, [GoneRow(part, own, rows, name) for part, rows, name in gone])
            chat.add_room_counts(connection, counts)
        if age is not None:
            rows_of = [
                ConfirmedRow(part, now.id, job.version, number, age, rows, name) for part, rows, name in confirmed
            ]
            chat.add_confirmed(connection, project_id, rows_of)
        if documents is not None:
            common = {"project_id": project_id, "operation_id": now.id, "updated_at": database_now(connection)}
            chat.add_files(connection, [record | common for record in documents.to_dicts()])
        was: Counter[str] = Counter()
        if job.retry:
            previous = chat.outcomes(connection, now.id, job.version - 1, "messages")
            was = Counter(next((row.reasons for row in previous if row.number == number), {}))
        mask = MaskRow(number, event.valid, event.invalid, mask_object, None, job.held.attempt)
        manifest.add_masks(connection, now.id, "messages", job.version, [mask])
        chat.add_outcome(connection, now.id, job.version, outcome_row("messages", number, reasons, entries_object))
        taken_back = totals({}, "messages", was, {})
        detail = chat_detail(now)
        detail.done = done = totals(detail.done or {}, "messages", reasons, taken_back)
        operations.change(
            connection,
            now.id,
            tries=1,
            detail=kept(detail),
            progress=progress(now, "messages", done),
        )
    for path in (event.mask, event.entries):
        path.unlink()


def _room_counts(job: Job, event: Settled) -> list[tuple[str, int, datetime | None]]:
    """What a staged part adds to each room's messages: a run that is stopped behind it leaves no counter behind."""
    if not event.rows:
        return []
    rooms = pl.read_ipc(event.tables["rooms"]).select("room", "rows", "last_us")
    added = {room: (rows, moment(last_us)) for room, rows, last_us in rooms.iter_rows()}
    if event.gone:
        with reading(job.house.engine) as connection:
            parts = {part.number: part for part in chat.parts(connection, job.project_id)}
        for one in event.gone:
            path = job.house.objects.local_path(parts[one.number].objects["messages"])
            replaced = read_part(path, ("room",))["room"].gather(pl.read_ipc(one.path)["at"])
            for room, rows in Counter(replaced.to_list()).items():
                before, last = added.get(room, (0, None))
                added[room] = (before - rows, last)
    return [(room, rows, last) for room, (rows, last) in added.items()]


def _store(job: Job, table: str, path: Path) -> str:
    name = f"chat/{job.project_id}/parts/{new_id()}-{table}"
    job.house.objects.put_file(name, path)
    path.unlink()
    return name
