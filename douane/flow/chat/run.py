"""The run of a chat import: what was staged and selected becomes the project's workspace.

One handler, `chat_run`. It goes table by table: users, the accounts that stand for unknown authors, contacts, rooms,
their members, messages. Every commit is fenced and counts itself, so that the run may be killed, stopped or put back
between any two and goes on there; whoever is there already is found by foreign id, so that nothing is made twice. In a
workspace one run goes on at a time; the others are put back.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl
from msgspec import UnsetType

from douane import errors
from douane.chat import check
from douane.chat.plan import Options
from douane.chat.selection import Selection
from douane.flow.attempts import Attempt, attempting
from douane.flow.chat.run_batches import progress
from douane.flow.chat.run_job import Job, selected_work
from douane.flow.chat.run_messages import messages_step
from douane.flow.chat.run_people import contacts_step, placeholders_step, users_step
from douane.flow.chat.run_rooms import members_step, rooms_step
from douane.flow.house import House
from douane.model.chat_import import ChatDetail, chat_detail
from douane.model.operation import Operation
from douane.staging.parts import read_part
from douane.store import chat, manifest, operations, projects
from douane.store.chat import moment, run_state
from douane.store.database import database_now, write
from douane.store.database import read as reading

WORK = "chat_run"


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WAIT_S = 0.5  # before asking again whether the workspace is free


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
        other = run_state.other_run(connection, held.project_id, held.id) is not None
        run_state.keep_turn(connection, held.id, not other)
        return other


def _run(attempt: Attempt) -> bool:
    """False when the turn was over before it was done."""
    job = _begin(attempt)
    steps: list[Callable[[Job], bool]] = [users_step]
    if not job.options.users_only:
        steps += [placeholders_step, contacts_step, rooms_step, members_step]
    else:
        steps += [contacts_step, rooms_step]  # counted as not selected
    if not all(step(job) for step in [*steps, messages_step]):
        return False
    _finish(job)
    return True


def _begin(attempt: Attempt) -> Job:
    house, held = attempt.house, attempt.held
    detail = chat_detail(held)
    asked = detail.run
    if asked is None:
        raise errors.DouaneError("Nothing was asked for.", code="internal")
    selection = Selection.from_json(house.objects.read_all(asked.selection_object))
    version = held.version + 1
    with write(house.engine) as connection:
        # Whoever supersedes an import locks the project first, then the import; so no import is locked here.
        chat.ensure_workspace(connection, held.project_id, database_now(connection))
        options = Options(
            held.id,
            users_only=asked.mode == "users",
            update_existing=asked.update_existing,
            admins=asked.admins,
            starter_id=chat.user_id_of_person(connection, held.project_id, held.person_id)
            or chat.user_id_by(connection, held.project_id, username_key=chat.BOT_NAME),
            age_us=_age(house, held) if isinstance(detail.age_us, UnsetType) else detail.age_us,
            markup=_markup(house, held),
        )
    job = Job(attempt, selection, options, version, asked.retry, asked.strict)
    with reading(house.engine) as connection:
        begun = run_state.get(connection, held.id).version == version
    if not begun:
        total = selected_work(job)
        with write(house.engine) as connection:
            operations.hold(connection, held)
            run_state.begin(connection, held.id, version)
            with operations.changing(connection, held.id, ChatDetail) as now:
                if not (job.retry and now.done is not None):
                    now.done, now.run_total = dict.fromkeys(("imported", "skipped", "failed"), 0), total
                now.age_us = job.options.age_us
    return job


def _age(house: House, held: Operation) -> int | None:
    """The time of the newest message that the export may hold; what is later than its upload has no true time."""
    with reading(house.engine) as connection:
        parts = manifest.parts(connection, held.id, "messages")
    made = held.created_at or datetime.now(UTC)
    latest = (made + timedelta(days=1) - _EPOCH) // timedelta(microseconds=1)
    newest: int | None = None
    for part in parts:
        times = read_part(house.objects.local_path(part.object), ("ts_us",))["ts_us"]
        found = times.filter(times <= latest).max()
        if isinstance(found, int) and (newest is None or found > newest):
            newest = found
    return newest


def _markup(house: House, held: Operation) -> str | None:
    """How the texts of the export are marked up: one product writes them all."""
    with reading(house.engine) as connection:
        parts = manifest.parts(connection, held.id, "messages")
    for part in parts[:1]:
        found = read_part(house.objects.local_path(part.object), ("format",))["format"].drop_nulls().head(1).to_list()
        return str(found[0]) if found else None
    return None


def _finish(job: Job) -> None:
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
        run_state.forget(connection, now.id)
        operations.finish(
            connection,
            now.id,
            "completed",
            version=job.version,
            swept=False,
            valid=valid,
            invalid=invalid,
            progress=progress(now, "finishing", chat_detail(now).done or {}),
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
