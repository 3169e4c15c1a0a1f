"""What the worker does to an import: read the file, check it, check what a review changed.

Each handler claims the work for a new attempt, runs the sandboxed child, and names what the child made in the
manifest, piece by piece, each write fenced by the attempt. It may be killed at any moment: the next attempt goes on
after the last piece that was named. Answers True when it should be called again behind other people's work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import structlog
from msgspec.structs import asdict, replace

from douane import errors
from douane.flow import among, imports, learned, revisions
from douane.flow.attempts import Attempt, attempting, run
from douane.flow.forms import TABLE as TABLE
from douane.flow.forms import chosen_of, headings_of, template_of
from douane.flow.house import House, file_limits
from douane.line import Event, Progress, Sandbox
from douane.line import sheet as line
from douane.line.staged import Checked, Packed, Part
from douane.model.reading import Options, Position
from douane.model.sheet_import import Asked, Judging, SheetDetail, TemplateDocument, sheet_detail
from douane.model.template import heading_names
from douane.sheet import mapping as sheet_mapping
from douane.sheet.formats.facts import Facts, cut_off
from douane.store import manifest, operations
from douane.store.database import read as reading
from douane.store.database import write
from douane.store.manifest import MaskRow, PackedRow, PartRow

PIECES_MIN, PIECE_BYTES_MIN = 8, 1 << 20
ADDED_NUMBER = 1_000_000_000  # parts with rows that people added are numbered from here, one for each review

log = structlog.get_logger()


# Reading


def read(house: House, operation_id: str) -> bool:
    with attempting(house, operation_id, "read") as attempt:
        if attempt is None:
            return False
        # The pieces of a small file are small enough for people to see that it moves.
        most = attempt.house.settings.piece_bytes
        piece_bytes = min(most, max(PIECE_BYTES_MIN, attempt.held.source_size // PIECES_MIN))
        keeping = Keeping(TABLE, _keep_part, _keep_detected, _finish_reading)
        return not read_file(attempt, sheet_detail(attempt.held).options, piece_bytes, keeping)
    return False


class Keeping(NamedTuple):
    """What becomes of a reading: the table of the manifest that its parts stand in, and what is done with each part,
    with what the file turned out to be, and at its end (the number of records)."""

    table: str
    part: Callable[[Attempt, line.Staged], None]
    detected: Callable[[Attempt, line.Opened], None]
    end: Callable[[Attempt, int], None]


def read_file(attempt: Attempt, asked: Asked, piece_bytes: int, keeping: Keeping) -> bool:
    """Reads the import's file from where an earlier attempt ended; False when the turn was over before it was done. The
    pieces of a file depend on nothing but its size and the settings, so that reading may go on where it ended."""
    house, held = attempt.house, attempt.held
    assert held.source_object is not None
    with reading(house.engine) as connection:
        parts = manifest.parts(connection, held.id, keeping.table)
    wanted = heading_names(template_of(held))
    spec = line.Read(
        options=Options(**asdict(asked), wanted=wanted, piece_bytes=piece_bytes, limits=file_limits(house.settings)),
        source=house.objects.link_into(held.source_object, attempt.seat.inputs),
        start=Position(**parts[-1].next) if parts else Position(),
        row=parts[-1].first_row + parts[-1].rows if parts else 0,
    )

    def event(event: Event) -> None:
        match event:
            case line.Staged():
                keeping.part(attempt, event)
            case line.Opened():
                keeping.detected(attempt, event)
            case Progress():
                attempt.progress(event)
            case line.Through():
                keeping.end(attempt, event.rows)
                attempt.done = True
            case Sandbox():
                log.warning("child.sandbox", missing=event.missing)

    return run(attempt, spec, event)


def _keep_part(attempt: Attempt, event: line.Staged) -> None:
    row = stored_part(attempt, event.part, blank=event.blank, next=event.next)
    event.part.path.unlink()
    with write(attempt.house.engine) as connection:
        operations.hold(connection, attempt.held)
        manifest.add_part(connection, attempt.held.id, TABLE, row)
        operations.count_read(connection, attempt.held.id, row.first_row + row.rows, row.blank)
        if event.facts:
            with operations.changing(connection, attempt.held.id, SheetDetail) as detail:
                facts = Facts(detail.facts)
                facts.add(event.facts)
                detail.facts = facts.all()
    rows_max = sheet_detail(attempt.held).rows_max
    if rows_max is not None and row.first_row + row.rows - 1000 > rows_max:
        raise _too_many(rows_max)


def stored_part(attempt: Attempt, part: Part, *, blank: int = 0, next: Position | None = None) -> PartRow:
    """The line of the manifest that names the part, whose bytes are stored."""
    size = part.path.stat().st_size
    name = attempt.store("parts", part.path)
    going_on = {} if next is None else asdict(next)
    return PartRow(part.number, part.first_row, part.rows, blank, name, size, going_on, attempt.held.attempt)


def refuse_empty(rows: int, first_data_row: int, rows_max: int | None) -> None:
    """BadFile for a file without records, or with more than the call allows."""
    if rows == 0 or (rows < 2 and first_data_row > 0):
        raise errors.BadFile("File is empty", code="file_empty")
    if rows_max is not None and rows - first_data_row > rows_max:
        raise _too_many(rows_max)


def _too_many(rows_max: int) -> errors.DouaneError:
    return errors.BadFile(f"You can not import more than {imports.short_number(rows_max)} records.", code="rows_max")


def _keep_detected(attempt: Attempt, event: line.Opened) -> None:
    records, header, width = event.records, event.detected.header_row, event.detected.width
    if header is None and records and not sheet_detail(attempt.held).auto:
        # The first record holds the headings until a person says that there are none (contract 5.2, 5.5): programs map
        # by what stands there, be it all numbers.
        header = 0
    record = None if header is None else event.detected.headings or records[header]
    headings = sheet_mapping.headings(record, width)
    with write(attempt.house.engine) as connection:
        operations.hold(connection, attempt.held)
        with operations.changing(connection, attempt.held.id, SheetDetail) as detail:
            detail.detected, detail.records, detail.width = event.detected, records, width
            detail.headings, detail.header_row = headings, -1 if header is None else header


def _finish_reading(attempt: Attempt, rows: int) -> None:
    house = attempt.house
    # Found before the transaction: others wait to write, and there may be thousands of headings.
    with reading(house.engine) as connection:
        seen = operations.get(connection, attempt.held.id)
    known = learned.known_headings(house, seen) if sheet_detail(seen).auto else None
    sure = sheet_mapping.automatic(template_of(seen), headings_of(seen), known) if known is not None else ()
    with write(house.engine) as connection:
        now = operations.fenced(connection, attempt.held)
        detail = sheet_detail(now)
        if full := cut_off(rows, now.blank):
            with operations.changing(connection, now.id, SheetDetail) as changed:
                changed.facts = (*changed.facts, *full)
        refuse_empty(rows, detail.first_data_row, detail.rows_max)
        operations.release(connection, now.id, read_done=True, rows_read=rows, progress={})
        if detail.auto:
            same = headings_of(now) == headings_of(seen)
            chosen = sure if same else sheet_mapping.automatic(template_of(now), headings_of(now), known)
            unmapped = imports.unmapped(now, chosen)
            if unmapped is not None:
                # It stays, so that a person can map it.
                said = {"code": imports.UNMAPPED, "message": unmapped.sentence}
                operations.change(connection, now.id, work_error=said)
                return
            with operations.changing(connection, now.id, SheetDetail) as changed:
                changed.chosen, changed.finalized = chosen, True
            operations.change(connection, now.id, stage="mapping")
            operations.change(connection, now.id, stage="mapped")
            imports.ask(house, connection, now, "check")
        elif detail.check_wanted:
            with operations.changing(connection, now.id, SheetDetail) as changed:
                changed.check_wanted = False
            imports.ask(house, connection, now, "check")


# Checking


def check(house: House, operation_id: str) -> bool:
    with attempting(house, operation_id, "check") as attempt:
        if attempt is None:
            return False
        return not _judge(attempt)
    return False


def confirm(house: House, operation_id: str) -> bool:
    """Reviews what is not reviewed yet, then completes."""
    with attempting(house, operation_id, "confirm") as attempt:
        if attempt is None:
            return False
        return not _judge(attempt, complete=True)
    return False


def _judge(attempt: Attempt, *, complete: bool = False) -> bool:
    """A whole check the first time, and again when verdicts are another Douane's (its rules may differ); else only of
    what was changed. False when the turn was over before it was done."""
    held = attempt.held = among.refreshed(attempt.house, attempt.held)
    # The file may be forgotten by now; that there was one is what counts.
    if held.stage == "mapped" or (held.read_done and held.source_size and not imports.current(held)):
        return _check(attempt, complete=complete)
    _recheck(attempt, complete=complete)
    return True


def _check(attempt: Attempt, *, complete: bool) -> bool:
    """A check of the whole table. Masks are named under the version to come as they are made, so that pages can be read
    early; they are published together at the end."""
    house, held = attempt.house, attempt.held
    version = held.version + 1
    with reading(house.engine) as connection:
        parts = manifest.parts(connection, held.id, TABLE)
        done = manifest.masks_made(connection, held.id, TABLE, version)
        last, _ = operations.revision_numbers(connection, held.id)
        cells = revisions.lay_out(house, connection, held.id, attempt.seat.inputs, upto=last)
    spec = line.Check(
        **_table(attempt, parts, cells),
        data_start=sheet_detail(held).first_data_row,
        stamp=sheet_detail(held).going,
        added_number=ADDED_NUMBER + version,
        held=_verdicts(attempt, parts, done),
    )
    packed: list[PackedRow] = []
    added: list[PartRow] = []

    def event(event: Event) -> None:
        match event:
            case line.Begun():
                _begin_check(attempt, version, event)
            case line.Added():
                added.append(stored_part(attempt, event.part))
            case line.Judged():
                row = _keep_mask(attempt, event.verdict)
                with write(house.engine) as connection:
                    operations.hold(connection, held)
                    manifest.add_masks(connection, held.id, TABLE, version, [row])
                    # It came forward: only attempts that do not are counted against the file.
                    operations.change(connection, held.id, tries=1)
            case line.PackedRows():
                packed.append(_keep_packed(attempt, event.packed))
            case Progress():
                attempt.progress(event)
            case line.Settled():
                _publish(attempt, _Found(version, event, [], packed, added, reviewed=last), complete=complete)

    return run(attempt, spec, event)


def _begin_check(attempt: Attempt, version: int, event: line.Begun) -> None:
    """Masks of another Douane's rules that were named for this version are dropped."""
    held = attempt.held
    if sheet_detail(held).going == event.stamp:
        return
    with write(attempt.house.engine) as connection:
        operations.hold(connection, held)
        manifest.drop_masks(connection, held.id, TABLE, version)
        with operations.changing(connection, held.id, SheetDetail) as detail:
            detail.going = event.stamp
            detail.check = detail.check or Judging(event.stamp, event.words)


def _recheck(attempt: Attempt, *, complete: bool = False) -> None:
    """The check of what a review changed, published as one step."""
    house, held = attempt.house, attempt.held
    version = held.version + 1
    with reading(house.engine) as connection:
        parts = manifest.parts(connection, held.id, TABLE)
        before = manifest.masks(connection, held.id, TABLE, held.version)
        last, reviewed = operations.revision_numbers(connection, held.id)
        changed, _ = revisions.touched(house, connection, held.id, reviewed, last)
        cells = revisions.lay_out(house, connection, held.id, attempt.seat.inputs, upto=last)
    # Of a number that the headings or a preamble bear, only an added row can have been changed.
    changed = changed[changed > int(held.detail["header_row"])]
    spec = line.Recheck(
        **_table(attempt, parts, cells),
        previous=_verdicts(attempt, parts, before),
        changed=revisions.lay_out_rows(changed, attempt.seat.inputs / "changed"),
        added_number=ADDED_NUMBER + version,
    )
    rows: list[MaskRow] = []
    added: list[PartRow] = []

    def event(event: Event) -> None:
        match event:
            case line.Added():
                added.append(stored_part(attempt, event.part))
            case line.Judged():
                rows.append(_keep_mask(attempt, event.verdict))
            case Progress():
                attempt.progress(event)
            case line.Settled():
                _publish(attempt, _Found(version, event, rows, [], added, reviewed=last), complete=complete)

    # A recheck is short: it gets no turns.
    attempt.ends_at = float("inf")
    run(attempt, spec, event)


class _Judging(TypedDict):
    """What a check of any kind is given (`line.OfTable`)."""

    parts: tuple[Part, ...]
    template: TemplateDocument
    headings: tuple[str, ...]
    chosen: tuple[int | None, ...]
    seed: int
    cells: tuple[Path, ...]
    values: tuple[line.Values, ...]


def _table(attempt: Attempt, parts: list[PartRow], cells: tuple[Path, ...]) -> _Judging:
    held, inputs = attempt.held, attempt.seat.inputs
    return {
        "parts": tuple(
            Part(row.number, row.first_row, row.rows, attempt.house.objects.link_into(row.object, inputs))
            for row in parts
        ),
        "template": sheet_detail(held).template,
        "headings": headings_of(held),
        "chosen": chosen_of(held),
        "seed": held.seed,
        "cells": cells,
        "values": tuple(
            line.Values(one.template, one.column, one.mark, attempt.house.objects.link_into(one.object, inputs))
            for one in sheet_detail(held).known
        ),
    }


def _verdicts(attempt: Attempt, parts: list[PartRow], found: Mapping[int, MaskRow]) -> tuple[Checked, ...]:
    def linked(name: str) -> Path:
        return attempt.house.objects.link_into(name, attempt.seat.inputs)

    return tuple(
        Checked(
            mask.number,
            row.rows,
            mask.valid,
            mask.invalid,
            linked(mask.object),
            linked(mask.hash_object) if mask.hash_object else None,
        )
        for row in parts
        if (mask := found.get(row.number)) is not None
    )


def _keep_mask(attempt: Attempt, verdict: Checked) -> MaskRow:
    return MaskRow(
        verdict.number,
        verdict.valid,
        verdict.invalid,
        attempt.store("masks", verdict.mask),
        attempt.store("hashes", verdict.hashes) if verdict.hashes else None,
        attempt.held.attempt,
    )


def _keep_packed(attempt: Attempt, packed: Packed) -> PackedRow:
    name = attempt.store("packed", packed.path)
    return PackedRow(packed.view, packed.number, packed.first_row, packed.last_row, packed.rows, name)


@dataclass(frozen=True, slots=True)
class _Found:
    """All that a check found: what its last event says, and what is stored of it and not named yet."""

    version: int
    settled: line.Settled
    masks: list[MaskRow]
    packed: list[PackedRow]
    added: list[PartRow]
    reviewed: int


def _publish(attempt: Attempt, found: _Found, *, complete: bool = False) -> None:
    """Everything the check found becomes visible in one transaction."""
    house, settled, version = attempt.house, found.settled, found.version
    with write(house.engine) as connection:
        now = operations.fenced(connection, attempt.held)
        for part in found.added:
            manifest.add_part(connection, now.id, TABLE, part)
        manifest.add_masks(connection, now.id, TABLE, version, found.masks)
        manifest.add_packed(connection, now.id, TABLE, version, found.packed)
        parts = manifest.parts(connection, now.id, TABLE)
        masks = manifest.masks(connection, now.id, TABLE, version)
        valid = sum(masks[row.number].valid for row in parts)
        invalid = sum(masks[row.number].invalid for row in parts)
        with operations.changing(connection, now.id, SheetDetail) as detail:
            detail.going = None
            detail.check = Judging(settled.stamp, settled.words, settled.rules)
            detail.summary = replace(settled.summary, blank=now.blank, found=valid + invalid + now.blank)
        values: dict[str, Any] = {
            "version": version,
            "valid": valid,
            "invalid": invalid,
            "total": valid + invalid,
            "progress": {},
            "revision_reviewed": found.reviewed,
        }
        first = now.stage == "mapped"
        if first:
            values["stage"] = "reviewing"
        operations.release(connection, now.id, **values)
        done = operations.get(connection, now.id)
        if first and now.version == 0:
            imports.count_review(connection, done)
        if complete and imports.hindered(done) is None:
            imports.complete(house, connection, done)
    attempt.done = True


HANDLERS: dict[str, Callable[[House, str], bool]] = {"read": read, "check": check, "confirm": confirm}
