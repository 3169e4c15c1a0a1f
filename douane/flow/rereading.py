"""Another reading of a file whose import is under way: another sheet, encoding, delimiter, quote or heading line.

The file is staged beside what stands, by a job of its own, and takes its place in one transaction: whoever is killed
in between leaves the import as it was. What people changed goes along where its line and its column are there again;
where something has no place, the reading waits until a person agrees.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from msgspec.structs import asdict, replace
from sqlalchemy import Connection

from douane import errors
from douane.errors import BadRequest, Conflict, WrongStage
from douane.flow import attempts, carrying, imports, remapping
from douane.flow.attempts import Attempt, attempting
from douane.flow.carrying import Carried, Way
from douane.flow.forms import chosen_of, template_of
from douane.flow.house import House
from douane.flow.remapping import TRIES, Changed, EditsLost, Line
from douane.flow.work import TABLE, Keeping, read_file, refuse_empty, stored_part
from douane.line import sheet as line
from douane.model.operation import Operation
from douane.model.sheet_import import Asked, Reading, SheetDetail, sheet_detail
from douane.model.template import Template
from douane.sheet import mapping as sheet_mapping
from douane.sheet.formats.facts import Facts, cut_off
from douane.sheet.matching import Match
from douane.staging.parts import Rows, distinct, read_part
from douane.store import manifest, operations
from douane.store.database import read, write
from douane.store.manifest import PartRow

WORK = "reread"
NEXT = "rows.next"  # the table that it is staged in


# Asking for it


def ask(
    house: House, operation: Operation, asked: Asked, *, hold: bool, agreed: bool, person_id: str | None = None
) -> Operation:
    """Asks for the reading; `settled` says when it is through. `hold`: it waits to be taken whatever it comes to. What
    is at work on the import stops for it, and is begun again if the reading is not taken."""
    with write(house.engine) as connection:
        now = operations.get(connection, operation.id, operation.project_id, lock=True)
        detail = sheet_detail(now)
        if now.source_object is None:
            raise BadRequest("An import without a file cannot be read anew.")
        if now.stage not in remapping.STAGES or now.work == "confirm":
            raise WrongStage("The file of this import cannot be read anew now.", stage=now.stage)
        if hold and not now.read_done:
            raise BadRequest("The file is still being read; what another reading would change is known after that.")
        before = now.work
        if before == WORK and detail.reading is not None:
            before = detail.reading.before
        manifest.forget_table(connection, now.id, NEXT)
        with operations.changing(connection, now.id, SheetDetail) as changing:
            changing.reading = Reading(asked, hold, agreed, person_id, before)
            changing.reading_failed = None
        operations.change(connection, now.id, attempt=now.attempt + 1)
        imports.ask(house, connection, now, WORK)
        return operations.get(connection, now.id)


def settled(operation: Operation) -> bool:
    """Whether a reading that was asked for was taken, waits, or failed."""
    return operation.work != WORK


def waits(operation: Operation) -> bool:
    """Whether a reading waits to be taken."""
    reading = sheet_detail(operation).reading
    return reading is not None and reading.done and operation.work != WORK


def drop(house: House, operation: Operation) -> Operation:
    """Leaves what stands. BadRequest where no reading waits or is under way."""
    with write(house.engine) as connection:
        now = operations.get(connection, operation.id, operation.project_id, lock=True)
        if sheet_detail(now).reading is None:
            raise BadRequest("No other reading of this file waits.")
        if now.work == WORK:
            operations.release(connection, now.id, attempt=now.attempt + 1)
        _leave(house, connection, now)
        return operations.get(connection, now.id)


def _leave(house: House, connection: Connection, now: Operation) -> None:
    """Nothing of the reading is kept, and what was left for it is begun again."""
    reading = sheet_detail(now).reading
    manifest.forget_table(connection, now.id, NEXT)
    with operations.changing(connection, now.id, SheetDetail) as detail:
        detail.reading = None
    if reading is not None:
        _begin_again(house, connection, now, reading)


def _begin_again(house: House, connection: Connection, now: Operation, reading: Reading) -> None:
    if reading.before and now.stage in remapping.STAGES:
        imports.ask(house, connection, now, reading.before)


def _failed(house: House, connection: Connection, now: Operation) -> None:
    """What stands is whole: the failure is the reading's, and nobody's who reviews or confirms."""
    failure = operations.get(connection, now.id).work_error
    operations.change(connection, now.id, work_error=None)
    _leave(house, connection, now)
    with operations.changing(connection, now.id, SheetDetail) as detail:
        detail.reading_failed = failure


attempts.LEFT_BEHIND[WORK] = _failed


# The job


def reread(house: House, operation_id: str) -> bool:
    with attempting(house, operation_id, WORK) as attempt:
        if attempt is None:
            return False
        asked, piece_bytes = _reading(attempt.held).options, house.settings.piece_bytes
        return not read_file(attempt, asked, piece_bytes, Keeping(NEXT, _keep_part, _keep_detected, _finish))
    return False


HANDLERS: dict[str, Callable[[House, str], bool]] = {WORK: reread}


def _reading(operation: Operation) -> Reading:
    found = sheet_detail(operation).reading
    if found is None:
        raise errors.Superseded("The reading was dropped meanwhile.")
    return found


def _keep_part(attempt: Attempt, event: line.Staged) -> None:
    row = stored_part(attempt, event.part, blank=event.blank, next=event.next)
    event.part.path.unlink()
    with write(attempt.house.engine) as connection:
        now = operations.fenced(connection, attempt.held)
        manifest.add_part(connection, now.id, NEXT, row)
        operations.change(connection, now.id, tries=1)
        with operations.changing(connection, now.id, SheetDetail) as detail:
            facts = Facts(_reading(now).facts)
            facts.add(event.facts)
            assert detail.reading is not None
            blank = detail.reading.blank + row.blank
            detail.reading = replace(detail.reading, facts=facts.all(), rows=row.first_row + row.rows, blank=blank)


def _keep_detected(attempt: Attempt, event: line.Opened) -> None:
    records, header, width = event.records, event.detected.header_row, event.detected.width
    if header is None and records:
        header = 0  # as at the first reading
    with write(attempt.house.engine) as connection:
        now = operations.fenced(connection, attempt.held)
        with operations.changing(connection, now.id, SheetDetail) as detail:
            record = None if header is None else event.detected.headings or records[header]
            if _keeps_header(detail, event):
                header = remapping.header_of(detail.header_row)
                record = detail.headings if header is None else records[header]
            detail.reading = replace(
                _reading(now),
                detected=event.detected,
                records=records,
                width=width,
                headings=sheet_mapping.headings(record, width),
                header_row=-1 if header is None else header,
            )


def _keeps_header(detail: SheetDetail, event: line.Opened) -> bool:
    """Whether the heading record that stands was chosen by a person and still is where it was: the same table, cut into
    the same records, of which nothing was said about headings this time."""
    before, found, chosen = detail.detected, event.detected, remapping.header_of(detail.header_row)
    if before is None or detail.reading is None or detail.reading.options.header is not None:
        return False
    same = (before.format, before.sheet, before.delimiter, before.quote, before.width)
    if (found.format, found.sheet, found.delimiter, found.quote, found.width) != same:
        return False
    # Where none was found the first record stands for it.
    proposed = 0 if before.header_row is None and event.records else before.header_row
    return chosen != proposed and (chosen is None or chosen < len(event.records))


def _finish(attempt: Attempt, rows: int) -> None:
    house, held = attempt.house, attempt.held
    with write(house.engine) as connection:
        now = operations.fenced(connection, held)
        reading = _reading(now)
        facts = (*reading.facts, *cut_off(rows, reading.blank))
        refuse_empty(rows, reading.header_row + 1, sheet_detail(now).rows_max)
        with operations.changing(connection, now.id, SheetDetail) as detail:
            detail.reading = replace(reading, done=True, rows=rows, facts=facts)
    for _ in range(TRIES):
        with read(house.engine) as connection:
            now = operations.get(connection, held.id)
            draft = _draft(house, connection, now)
        if now.attempt != held.attempt:
            raise errors.Superseded("Another attempt has taken over, or the import was ended.")
        reading = _reading(now)
        if reading.hold or (draft.seen.gone and not reading.agreed):
            with write(house.engine) as connection:
                now = operations.fenced(connection, held)
                operations.release(connection, now.id, progress={})
                _begin_again(house, connection, now, reading)
            return
        if _take(house, now, draft, reading.person_id, held) is not None:
            return
    raise Conflict("Others are changing this import; please try again in a moment.")


# Taking it


@dataclass(frozen=True, slots=True)
class _Draft:
    """What the import becomes by the reading that is done, worked out as of `basis`."""

    basis: tuple[object, ...]
    chosen: tuple[int | None, ...]
    stage: str
    way: Way
    seen: Carried


def pending(house: House, operation: Operation) -> Changed | None:
    """What the reading that waits would change; None where none waits."""
    if not waits(operation):
        return None
    with read(house.engine) as connection:
        now = operations.get(connection, operation.id, operation.project_id)
        draft = _draft(house, connection, now)
    return _changed(house, now, draft)


def take(house: House, operation: Operation, *, agreed: bool, person_id: str | None = None) -> Changed:
    """The reading that waits takes the place of what stands. EditsLost where changed cells would go and nobody has
    agreed; BadRequest where none waits."""
    for _ in range(TRIES):
        with read(house.engine) as connection:
            now = operations.get(connection, operation.id, operation.project_id)
            if not waits(now):
                raise BadRequest("No other reading of this file waits.")
            if now.stage not in remapping.STAGES or now.work == "confirm":
                raise WrongStage("The file of this import cannot be read anew now.", stage=now.stage)
            draft = _draft(house, connection, now)
        changed = _changed(house, now, draft)
        if changed.gone and not agreed:
            raise EditsLost(changed)
        after = _take(house, now, draft, person_id)
        if after is not None:
            return remapping.applied(changed, after)
    raise Conflict("Others are changing this import; please try again in a moment.")


def _basis(connection: Connection, now: Operation) -> tuple[object, ...]:
    detail = sheet_detail(now)
    last, _ = operations.revision_numbers(connection, now.id)
    return (now.stage, now.work == "confirm", detail.reading, detail.readings, detail.headings, detail.chosen, last)


def _draft(house: House, connection: Connection, now: Operation) -> _Draft:
    reading, detail, template = _reading(now), sheet_detail(now), template_of(now)
    matches = imports.matches_of(house, now, reading.headings)
    places = _places(detail, reading)
    chosen, stage = _chosen(now, template, reading, matches, places)
    last, _ = operations.revision_numbers(connection, now.id)
    way = carrying.way(
        sheet_mapping.layout(template, detail.headings or (), chosen_of(now)),
        sheet_mapping.layout(template, reading.headings, chosen),
        frozenset(column.key for column in template.columns),
        file=(detail.first_data_row, now.rows_read),
        there=(reading.header_row + 1, reading.rows),
        places=places,
        rows=_rows(house, connection, now, reading, last),
    )
    return _Draft(_basis(connection, now), chosen, stage, way, carrying.look(house, connection, now, way, last))


def _chosen(
    now: Operation,
    template: Template,
    reading: Reading,
    matches: Sequence[Match | None],
    places: dict[int, int],
) -> tuple[tuple[int | None, ...], str]:
    """Per column its heading there, and the stage to go on from. What was settled stays so where the heading is there
    again; else what is sure is taken, and where that is not enough a person is asked."""
    proposed = sheet_mapping.proposed(matches)
    if now.stage in ("uploaded", "mapping"):
        return proposed, now.stage
    stays = [None if at is None else places.get(at) for at in chosen_of(now)]
    taken = {at for at in stays if at is not None}
    chosen: list[int | None] = []
    for at, match in zip(stays, matches, strict=True):
        if at is None and match is not None and match.sure and match.at not in taken:
            at = match.at
            taken.add(at)
        chosen.append(at)
    missing = any(column.required and at is None for column, at in zip(template.columns, chosen, strict=True))
    if not missing and (not template.columns or any(at is not None for at in chosen)):
        return tuple(chosen), "mapped"
    for number, at in enumerate(proposed):
        if chosen[number] is None and at is not None and at not in taken:
            chosen[number] = at
            taken.add(at)
    return tuple(chosen), "mapping"


def _places(detail: SheetDetail, reading: Reading) -> dict[int, int]:
    """Position to position: of the heading with the same text, or, where the cells are cut as before, the same."""
    before, after = detail.headings or (), reading.headings
    there: dict[str, list[int]] = {}
    for at, text in enumerate(after):
        if text.strip():
            there.setdefault(text, []).append(at)
    found: dict[int, int] = {}
    for at, text in enumerate(before):
        if there.get(text):
            found[at] = there[text].pop(0)
    if _cut_alike(detail, reading):
        taken = set(found.values())
        for at in range(len(before)):
            if at not in found and at not in taken:
                found[at] = at
    return found


def _cut_alike(detail: SheetDetail, reading: Reading) -> bool:
    """Whether the same cells stand in the same places, though they may say something else: in another encoding."""
    was, is_ = detail.detected, reading.detected
    return (
        was is not None
        and is_ is not None
        and (was.format, was.delimiter, was.quote, was.sheet) == (is_.format, is_.delimiter, is_.quote, is_.sheet)
        and detail.width == reading.width
    )


def _rows(
    house: House, connection: Connection, now: Operation, reading: Reading, last: int
) -> tuple[Rows, Rows] | None:
    """Of the records that were changed, those that begin on the same line there."""
    if last == 0:
        return None
    detected = sheet_detail(now).detected
    touched = distinct(
        np.concatenate([layer.touched for layer in carrying.every(house, connection, now.id)] or [_NONE])
    )
    touched = touched[(touched >= 0) & (touched < now.rows_read)]
    there = np.full(len(touched), -1, np.int64)
    if detected is not None and reading.detected is not None and detected.sheet != reading.detected.sheet:
        return touched, there
    wanted: dict[tuple[int, int], int] = {}
    for first_row, keys in _lines(house, manifest.parts(connection, now.id, TABLE)):
        for place in range(*np.searchsorted(touched, (first_row, first_row + len(keys[0])))):
            offset = int(touched[place]) - first_row
            wanted[int(keys[0][offset]), int(keys[1][offset])] = place
    for first_row, (lines, nth) in _lines(house, manifest.parts(connection, now.id, NEXT)):
        for offset in np.flatnonzero(np.isin(lines, [key[0] for key in wanted])).tolist():
            place = wanted.get((int(lines[offset]), int(nth[offset])), -1)
            if place >= 0:
                there[place] = first_row + offset
    return touched, there


_NONE: Rows = np.zeros(0, np.int64)


def _lines(house: House, parts: Sequence[PartRow]) -> list[tuple[int, tuple[Rows, Rows]]]:
    """(number of the first record, (line of each record, the how manieth of its line)) a part."""
    found = []
    before_line, before_count = -1, 0
    for part in parts:
        if part.first_row < 0 or part.rows == 0:
            continue
        lines = read_part(house.objects.local_path(part.object), ["_line"])["_line"].to_numpy().astype(np.int64)
        nth = np.arange(len(lines)) - np.searchsorted(lines, lines, "left")
        nth[lines == before_line] += before_count
        before_line, before_count = int(lines[-1]), int(nth[-1]) + 1
        found.append((part.first_row, (lines, nth)))
    return found


def _changed(house: House, now: Operation, draft: _Draft) -> Changed:
    detail, reading, template = sheet_detail(now), _reading(now), template_of(now)
    before = detail.headings or ()
    lines = []
    for column, was, at in zip(template.columns, chosen_of(now), draft.chosen, strict=True):
        texts = (None if was is None else before[was], None if at is None else reading.headings[at])
        if texts[0] != texts[1]:
            lines.append(Line(column.key, *texts))
    missing = tuple(
        column for column, at in zip(template.columns, draft.chosen, strict=True) if column.required and at is None
    )
    header = (remapping.header_of(detail.header_row), remapping.header_of(reading.header_row))
    lost = remapping.with_lines(house, now, draft.seen.lost)
    return Changed(now, False, tuple(lines), header, draft.seen.kept, draft.seen.gone, lost, missing)


def _take(
    house: House, before: Operation, draft: _Draft, person_id: str | None, held: Operation | None = None
) -> Operation | None:
    """None where somebody was faster. `held`: the attempt that takes it."""
    changed = _changed(house, before, draft)
    with read(house.engine) as connection:
        carried = carrying.carry(house, connection, before, draft.way, draft.seen.last)
    with write(house.engine) as connection:
        now = operations.get(connection, before.id, before.project_id, lock=True)
        if held is not None:
            operations.hold(connection, held)
        if _basis(connection, now) != draft.basis:
            return None
        reading = _reading(now)
        manifest.forget_table(connection, now.id, TABLE)
        manifest.rename_table(connection, now.id, NEXT, TABLE)
        with operations.changing(connection, now.id, SheetDetail) as detail:
            detail.options, detail.detected, detail.records = reading.options, reading.detected, reading.records
            detail.width, detail.headings, detail.header_row = reading.width, reading.headings, reading.header_row
            detail.facts, detail.readings, detail.reading = reading.facts, detail.readings + 1, None
            detail.chosen = None if draft.stage == "uploaded" else draft.chosen
            wanted = detail.check_wanted
            detail.check_wanted = False
            detail.finalized = draft.stage == "mapped"
        operations.change(connection, now.id, read_done=True, rows_read=reading.rows, blank=reading.blank)
        if draft.seen.last:
            carrying.put(connection, now, carried)
            document = {"asked": {name: one for name, one in asdict(reading.options).items() if one is not None}}
            remapping.note_change(connection, now, "reading", person_id, {**remapping.document_of(changed), **document})
        waiting = now.stage == "reviewing" or wanted or reading.before == "check"
        checks = draft.stage == "mapped" and waiting
        remapping.check_anew(house, connection, now, draft.stage, check=checks)
        return operations.get(connection, now.id)
