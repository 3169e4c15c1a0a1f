"""What the worker does to a chat export before a run: reads it batch by batch, then judges every record.

Handlers as in `flow/work.py`: each claims its work, may be killed at any moment, and goes on after the last batch that
was named. The check is short beside the reading and is done at once, or again from its start.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence

import structlog
from msgspec import structs
from msgspec.structs import fields

from douane import errors
from douane.flow.attempts import Attempt, attempting, run
from douane.flow.house import House
from douane.line import Event, Progress, Sandbox
from douane.line.chat import (
    Batch,
    ChatCheck,
    ChatRead,
    Checked,
    Made,
    Mask,
    Overview,
    ReadOptions,
    Records,
    Table,
    Through,
)
from douane.line.staged import Part
from douane.model.chat_import import ChatDetail, Directory, Unread, chat_detail, kept
from douane.model.operation import Operation
from douane.model.source import Limits
from douane.settings import Settings
from douane.store import batches, manifest, operations
from douane.store.batches import BatchRow
from douane.store.chat.known import known
from douane.store.database import read as reading
from douane.store.database import write
from douane.store.manifest import MaskRow, PartRow

RECORDS: tuple[Records, ...] = ("users", "channels", "contacts", "messages")
CHECKED: tuple[Table, ...] = (*RECORDS, "members", "entries", "issues")  # what a check reads
NOTHING = "The file holds no users, channels, messages or contacts."

log = structlog.get_logger()


def read(house: House, operation_id: str) -> bool:
    """`chat_read`: uploaded -> reviewing."""
    with attempting(house, operation_id, "chat_read") as attempt:
        if attempt is None:
            return False
        if not attempt.held.read_done:
            if not _read(attempt):
                return True
            attempt.leave_seat()
        _check(attempt)
    return False


def _read(attempt: Attempt) -> bool:
    """False when the turn was over before it was done."""
    house, held = attempt.house, attempt.held
    with reading(house.engine) as connection:
        last = batches.last(connection, held.id)
        rows = batches.totals(connection, held.id)
    spec = ChatRead(
        importer=chat_detail(held).importer,
        options=read_options(house.settings, held),
        source=house.objects.link_into(_source(held), attempt.seat.inputs),
        batch=0 if last is None else last.number + 1,
        state={} if last is None else dict(last.next),
    )

    def event(event: Event) -> None:
        match event:
            case Overview():
                _keep_overview(attempt, event)
            case Batch():
                _keep_batch(attempt, event, rows)
            case Progress():
                attempt.progress(event)
            case Through():
                with write(house.engine) as connection:
                    operations.hold(connection, held)
                    operations.change(connection, held.id, read_done=True)
            case Sandbox():
                log.warning("child.sandbox", missing=event.missing)

    return run(attempt, spec, event)


def read_options(settings: Settings, operation: Operation) -> ReadOptions:
    """Where an export does not name its team, the project stands for it: the same export comes to the same ids in a
    project, and to others in another."""
    return ReadOptions(
        team=operation.project_id,
        members_max=settings.chat_members_max,
        batch_records=settings.chat_batch_records,
        limits=limits_of(settings),
    )


def limits_of(settings: Settings) -> Limits:
    return Limits(**{field.name: getattr(settings, field.name) for field in fields(Limits)})


def _source(held: Operation) -> str:
    if held.source_object is None:
        raise errors.BadFile("The file of this import is no longer there.", code="file_gone")
    return held.source_object


def _keep_overview(attempt: Attempt, event: Overview) -> None:
    with write(attempt.house.engine) as connection:
        operations.hold(connection, attempt.held)
        with operations.changing(connection, attempt.held.id, ChatDetail) as detail:
            detail.overview = Directory(event.importer, event.layout, event.counts, event.notes)
            detail.notes = event.notes


def _keep_batch(attempt: Attempt, event: Batch, rows: Counter[str]) -> None:
    """`rows`: of every table before this batch; they are counted on."""
    held = attempt.held
    parts: dict[str, PartRow] = {}
    for table, found in event.tables.items():
        name = attempt.store(table, found.path)
        size = found.path.stat().st_size
        found.path.unlink()
        parts[table] = PartRow(event.number, rows[table], found.rows, 0, name, size, {}, held.attempt)
    brought = {name: row.rows for name, row in parts.items()}
    with write(attempt.house.engine) as connection:
        now = operations.fenced(connection, held)
        for table_name, row in parts.items():
            manifest.add_part(connection, now.id, table_name, row)
        batches.add(connection, now.id, BatchRow(event.number, brought, event.state, held.attempt))
        rows.update(brought)
        detail = chat_detail(now)
        detail.label, detail.counts = event.label, _counts(rows)
        operations.change(
            connection,
            now.id,
            rows_read=sum(rows[table] for table in RECORDS),
            tries=1,
            progress={
                "step": event.step,
                "done": event.bytes_done,
                "total": event.bytes_total,
                "unit": "bytes",
                "rows": sum(rows[table] for table in RECORDS),
            },
            detail=kept(detail),
        )


def _counts(rows: Mapping[str, int]) -> dict[str, int]:
    counts: dict[str, int] = {table: rows[table] for table in RECORDS if rows.get(table)}
    return {**counts, "total": sum(counts.values())}


# Checking


def _check(attempt: Attempt) -> None:
    """Everything it finds becomes visible in one transaction."""
    house, held = attempt.house, attempt.held
    attempt.ends_at = float("inf")  # it can't go on where it was, so it gets no turns
    inputs = attempt.seat.inputs
    with reading(house.engine) as connection:
        parts = {table: manifest.parts(connection, held.id, table) for table in CHECKED}
        workspace = known(connection, held.project_id)
        bytes_read = operations.get(connection, held.id).progress.total
    (inputs / "known").write_text(json.dumps(workspace))
    spec = ChatCheck(
        known=inputs / "known",
        parts={
            table: tuple(
                Part(row.number, row.first_row, row.rows, house.objects.link_into(row.object, inputs)) for row in found
            )
            for table, found in parts.items()
        },
    )
    masks: dict[str, list[MaskRow]] = {table: [] for table in RECORDS}
    made: dict[str, PartRow] = {}
    staged: dict[str, int] = {str(table): sum(row.rows for row in found) for table, found in parts.items()}

    def event(event: Event) -> None:
        match event:
            case Mask():
                name = attempt.store("masks", event.path)
                row = MaskRow(event.number, event.valid, event.invalid, name, None, held.attempt)
                masks[event.table].append(row)
                event.path.unlink()
            case Made():
                name = attempt.store(event.table, event.path)
                size, first_row = event.path.stat().st_size, staged.get(event.table, 0)
                made[event.table] = PartRow(event.number, first_row, event.rows, 0, name, size, {}, held.attempt)
            case Progress():
                # Whoever watches has seen all bytes read; that does not go back.
                attempt.progress(structs.replace(event, done=bytes_read, total=bytes_read, unit="bytes"))
            case Checked():
                _publish(attempt, masks, made, event)

    run(attempt, spec, event)


def _publish(attempt: Attempt, masks: Mapping[str, list[MaskRow]], made: Mapping[str, PartRow], event: Checked) -> None:
    if event.nothing:
        # Contract 3.4: said by the reading, not found out by an empty list.
        raise errors.BadFile(event.first_issue or NOTHING, code="nothing_found")
    house, held = attempt.house, attempt.held
    unread = unread_sentence(event.unread_count, event.unread)
    if unread and chat_detail(held).strict_file:
        raise errors.BadFile(unread, code="entries_unread")
    version = held.version + 1
    with write(house.engine) as connection:
        now = operations.fenced(connection, held)
        for table, row in made.items():
            manifest.add_part(connection, now.id, table, row)
        for table, rows in masks.items():
            manifest.add_masks(connection, now.id, table, version, rows)
        valid = sum(row.valid for rows in masks.values() for row in rows)
        invalid = sum(row.invalid for rows in masks.values() for row in rows)
        detail = chat_detail(now)
        detail.label = None
        detail.counts = _counts({str(table): count for table, count in event.counts.items()})
        detail.problems = {str(table): found for table, found in event.problems.items()}
        detail.unread = Unread(event.unread_count, unread) if unread else None
        operations.release(
            connection,
            now.id,
            stage="reviewing",
            version=version,
            valid=valid,
            invalid=invalid,
            total=valid + invalid,
            detail=kept(detail),
            progress={},
        )
    attempt.done = True


def unread_sentence(count: int, names: Sequence[str]) -> str:
    """What a person is told of entries that seem to hold messages and were not read; nothing where there are none."""
    if not count:
        return ""
    named = ", ".join(f"“{name}”" for name in names) + (" and others" if count > len(names) else "")
    if count == 1:
        return f"One entry of the file seems to hold messages and was not read: {named}."
    return f"{count} entries of the file seem to hold messages and were not read: {named}."


HANDLERS = {"chat_read": read}
