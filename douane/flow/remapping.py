"""The mapping as it can be seen and changed until an import is confirmed: which record holds the headings, and which
heading feeds which column. Positions are staged, so a change costs a check and no reading; what people changed in the
data goes with its cell (`carrying.py`). Another reading of the file is in `rereading.py`.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl
from sqlalchemy import Connection

from douane.errors import BadRequest, Conflict, WrongStage
from douane.flow import carrying, imports, learned
from douane.flow.carrying import Carried, Lost, Way
from douane.flow.forms import chosen_of, headings_of, template_of
from douane.flow.house import House
from douane.flow.imports import Choice
from douane.flow.learned import Lessons
from douane.flow.work import TABLE
from douane.model.operation import Operation
from douane.model.sheet_import import SheetDetail, sheet_detail
from douane.model.template import Column, Template
from douane.sheet import mapping as sheet_mapping
from douane.sheet.matching import Match
from douane.sheet.record_texts import shown, texts_of
from douane.staging.parts import read_part, read_rows
from douane.store import manifest, operations, revisions
from douane.store.database import read, write
from douane.store.revisions import Deed

TRIES = 5
HEADER_MAX = 1000  # the heading record is among so many first ones
SAMPLES = 3  # values shown of a heading
SAMPLE_ROWS = 1000  # first records that they are looked for in
SAMPLE_CHARS = 100
STAGES = ("uploaded", "mapping", "mapped", "reviewing")


# What it is now


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading by its position, the first values below it, and the key of the column that it feeds (None: it is
    ignored)."""

    text: str
    values: tuple[str, ...]
    key: str | None


@dataclass(frozen=True, slots=True)
class Fed:
    """A column, the heading that feeds it (None = none), and what is proposed for it."""

    column: Column
    at: int | None
    proposed: Match | None


@dataclass(frozen=True, slots=True)
class Mapped:
    """How an import is mapped now; in stage `uploaded` as it would be proposed. `lines`: of the first records, those in
    the file, where blank ones count too."""

    operation: Operation
    headings: tuple[Heading, ...]
    columns: tuple[Fed, ...]
    lines: tuple[int, ...]

    @property
    def missing(self) -> tuple[Column, ...]:
        return tuple(one.column for one in self.columns if one.column.required and one.at is None)


def mapped(house: House, operation: Operation) -> Mapped:
    """BadRequest for an import without a file; WrongStage before its headings are read."""
    detail = _mappable(operation)
    template, headings = template_of(operation), headings_of(operation)
    matches = imports.matches_of(house, operation, headings)
    chosen = chosen_of(operation)
    if operation.stage == "uploaded":
        chosen = sheet_mapping.proposed(matches)
    feeds = {at: column.key for column, at in zip(template.columns, chosen, strict=True) if at is not None}
    samples = _samples(house, operation, len(headings), detail.first_data_row)
    shown = tuple(Heading(text, samples[at], feeds.get(at)) for at, text in enumerate(headings))
    fed = tuple(Fed(*one) for one in zip(template.columns, chosen, matches, strict=True))
    return Mapped(operation, shown, fed, tuple(_lines(house, operation, range(len(detail.records)))))


def _mappable(operation: Operation) -> SheetDetail:
    detail = sheet_detail(operation)
    if not operation.source_size:  # of one whose file was forgotten the staged rows are there
        raise BadRequest("An import without a file has no headings to be mapped.")
    if operation.stage not in STAGES:
        raise WrongStage("The mapping of this import cannot be changed now.", stage=operation.stage)
    if detail.headings is None:
        raise WrongStage("The headings of this file are not read yet.", stage=operation.stage)
    return detail


def _samples(house: House, operation: Operation, width: int, first: int) -> list[tuple[str, ...]]:
    """Per position the first different values below the headings."""
    found: list[tuple[str, ...]] = [()] * width
    frame = _first_rows(house, operation, first, SAMPLE_ROWS)
    if frame is None:
        return found
    # A frame makes its list of names anew each time it is asked, and a sheet has up to 16,384 of them.
    names = set(frame.columns)
    for at in range(width):
        if (name := f"c{at}") in names:
            texts = dict.fromkeys(text for text in frame[name].to_list() if text and text.strip())
            found[at] = tuple(_short(text) for text in itertools.islice(texts, SAMPLES))
    return found


def _short(text: str) -> str:
    return text if len(text) <= SAMPLE_CHARS else text[: SAMPLE_CHARS - 1] + "…"


def _first_rows(house: House, operation: Operation, first: int, count: int) -> pl.DataFrame | None:
    """The records of the file from `first` on, as many as stand in one part."""
    with read(house.engine) as connection:
        parts = manifest.parts(connection, operation.id, TABLE)
    for part in parts:
        if part.first_row <= first < part.first_row + part.rows:
            offset = first - part.first_row
            return read_part(house.objects.local_path(part.object)).slice(offset, count)
    return None


# Changing it


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be changed. `columns`: key -> position of the heading that is to feed it, None = none. `header`: where
    `new_header`, the index of the heading record, None = the file has none, and its columns are called `names`.
    `agreed`: changed cells that have no place any more may go."""

    columns: Mapping[str, int | None] = field(default_factory=dict)
    new_header: bool = False
    header: int | None = None
    names: Sequence[str] = ()
    agreed: bool = False
    dry_run: bool = False
    person_id: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A column that is fed otherwise: the texts of the headings before and after, None = none."""

    key: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Changed:
    """`applied`: it is so now (else it was only asked what would be). `kept`, `gone`: changed cells that go along, and
    that are lost (`lost`: the first of them, each with its line in the file)."""

    operation: Operation
    applied: bool
    columns: tuple[Line, ...]
    header: tuple[int | None, int | None]
    kept: int
    gone: int
    lost: tuple[tuple[Lost, int], ...]
    missing: tuple[Column, ...] = ()


class EditsLost(Conflict):
    """Changed cells would be lost, and nobody has agreed to that yet."""

    code = "edits_lost"

    def __init__(self, changed: Changed) -> None:
        super().__init__(f"{changed.gone:,} changed cells have no place any more; nothing was changed.")
        self.changed = changed


@dataclass(frozen=True, slots=True)
class _Draft:
    """The mapping to come, worked out as of `basis`. `seen`: what of the changed cells goes along."""

    basis: tuple[object, ...]
    header_row: int
    headings: tuple[str, ...]
    chosen: tuple[int | None, ...]
    missing: tuple[Column, ...]
    way: Way
    seen: Carried
    taught: Lessons | None


def change(house: House, operation: Operation, wanted: Wanted) -> Changed:
    """Whole or not at all. After the first check the data is judged anew (ask `imports.get` until `reviewed`).
    EditsLost where changed cells would go and nobody has agreed; BadRequest for headings or columns that are not there,
    and, once the mapping is settled, where a required column would have none."""
    for _ in range(TRIES):
        with read(house.engine) as connection:
            now = operations.get(connection, operation.id, operation.project_id)
            draft = _draft(house, connection, now, wanted)
        changed = _changed(house, now, draft)
        if wanted.dry_run:
            return changed
        if draft.missing and now.stage in ("mapped", "reviewing"):
            raise BadRequest(f"{draft.missing[0].name} is required")
        if changed.gone and not wanted.agreed:
            raise EditsLost(changed)
        with read(house.engine) as connection:
            carried = carrying.carry(house, connection, now, draft.way, draft.seen.last)
        after = _commit(house, now, draft, carried, changed, wanted.person_id)
        if after is not None:
            return applied(changed, after)
    raise Conflict("Others are changing this import; please try again in a moment.")


def applied(changed: Changed, after: Operation) -> Changed:
    return replace(changed, operation=after, applied=True)


def finalize(house: House, operation: Operation, choices: Sequence[Choice], person_id: str | None = None) -> Operation:
    """As `imports.finalize`, of an import that was reviewed before it was mapped anew: what people changed goes along
    as far as it has a place."""
    for _ in range(TRIES):
        with read(house.engine) as connection:
            now = operations.get(connection, operation.id, operation.project_id)
            if now.stage != "mapping":
                raise WrongStage("The columns of this import cannot be mapped now.", stage=now.stage)
            chosen = imports.choose(template_of(now), headings_of(now), chosen_of(now), choices)
            wanted = dict(zip((column.key for column in template_of(now).columns), chosen, strict=True))
            draft = _draft(house, connection, now, Wanted(columns=wanted))
            carried = carrying.carry(house, connection, now, draft.way, draft.seen.last)
        changed = _changed(house, now, draft)
        after = _commit(house, now, draft, carried, changed, person_id, stage="mapped")
        if after is not None:
            return after
    raise Conflict("Others are changing this import; please try again in a moment.")


def _basis(connection: Connection, operation: Operation) -> tuple[object, ...]:
    """What must be as it was when a change is made that was worked out before."""
    detail = sheet_detail(operation)
    last, _ = operations.revision_numbers(connection, operation.id)
    reading = (operation.source_object, detail.readings, detail.header_row, detail.headings, detail.chosen)
    return (*reading, operation.stage, operation.work == "confirm", operation.read_done and operation.rows_read, last)


def _draft(house: House, connection: Connection, now: Operation, wanted: Wanted) -> _Draft:
    detail = _mappable(now)
    if now.work == "confirm":
        raise WrongStage("The mapping of this import cannot be changed now.", stage=now.stage)
    template = template_of(now)
    header_row, headings = detail.header_row, detail.headings or ()
    if wanted.new_header:
        header_row = wanted.header
        headings = _texts(house, connection, now, wanted)
    header_row = -1 if header_row is None else header_row
    chosen = chosen_of(now)
    if wanted.new_header or now.stage == "uploaded":
        chosen = sheet_mapping.proposed(imports.matches_of(house, now, headings))
    chosen = _with(template, headings, chosen, wanted.columns)
    pairs = zip(template.columns, chosen, strict=True)
    missing = tuple(column for column, at in pairs if column.required and at is None)
    way = carrying.way(
        sheet_mapping.layout(template, detail.headings or (), chosen_of(now)),
        sheet_mapping.layout(template, headings, chosen),
        frozenset(column.key for column in template.columns),
        file=(detail.first_data_row, now.rows_read),
        there=(header_row + 1, now.rows_read),
    )
    last, _ = operations.revision_numbers(connection, now.id)
    seen = carrying.look(house, connection, now, way, last)
    # What a person says of columns, or agrees to by saying nothing of them; another heading record alone says nothing.
    taught = None
    if wanted.columns and not wanted.dry_run:
        taught = learned.lessons(template, headings, chosen, learned.known_headings(house, now))
    return _Draft(_basis(connection, now), header_row, headings, chosen, missing, way, seen, taught)


def _texts(house: House, connection: Connection, now: Operation, wanted: Wanted) -> tuple[str, ...]:
    """The headings of another record, or the names that a person gives where there are none."""
    detail = sheet_detail(now)
    width = detail.width
    if wanted.header is None:
        return sheet_mapping.named([str(name) for name in wanted.names], width)
    if not 0 <= wanted.header < min(HEADER_MAX, max(now.rows_read, 1)):
        raise BadRequest(f"The heading row must be among the first {HEADER_MAX:,} rows of the file.")
    detected = detail.detected
    if detected is not None and detected.header_row == wanted.header and detected.headings:
        return sheet_mapping.headings(detected.headings, width)
    if wanted.header < len(detail.records):
        return sheet_mapping.headings(detail.records[wanted.header], width)
    for part in manifest.parts(connection, now.id, TABLE):
        if part.first_row <= wanted.header < part.first_row + part.rows:
            offset = np.array([wanted.header - part.first_row], np.int64)
            frame = read_rows(house.objects.local_path(part.object), offset)
            return sheet_mapping.headings(shown(list(texts_of(frame, width)))[0], width)
    raise BadRequest("The file is not read that far yet; please try again in a moment.")


def _with(
    template: Template, headings: Sequence[str], chosen: Sequence[int | None], columns: Mapping[str, int | None]
) -> tuple[int | None, ...]:
    """`chosen`, with what a person says of some columns. Who is not named gives its heading up where it is taken."""
    names = {column.key: column.name for column in template.columns}
    taken: dict[int, str] = {}
    for key, at in columns.items():
        if key not in names:
            raise BadRequest(f"There is no column {key!r}.")
        if at is None:
            continue
        if not 0 <= at < len(headings):
            raise BadRequest(f"There is no heading {at}; the file has {len(headings):,}.")
        if at in taken:
            raise BadRequest(f"{headings[at]} is already mapped to {names[taken[at]]}")
        taken[at] = key
    return tuple(
        columns.get(column.key, None if at in taken else at)
        for column, at in zip(template.columns, chosen, strict=True)
    )


def _changed(house: House, now: Operation, draft: _Draft) -> Changed:
    detail, template = sheet_detail(now), template_of(now)
    before = detail.headings or ()
    lines = []
    for column, was, at in zip(template.columns, chosen_of(now), draft.chosen, strict=True):
        texts = (None if was is None else before[was], None if at is None else draft.headings[at])
        if was != at or texts[0] != texts[1]:
            lines.append(Line(column.key, *texts))
    header = (header_of(detail.header_row), header_of(draft.header_row))
    lost = with_lines(house, now, draft.seen.lost)
    return Changed(now, False, tuple(lines), header, draft.seen.kept, draft.seen.gone, lost, draft.missing)


def header_of(row: int | None) -> int | None:
    """The index of the heading record as people know it; None = there is none."""
    return None if row in (None, -1) else row


def with_lines(house: House, now: Operation, lost: Sequence[Lost]) -> tuple[tuple[Lost, int], ...]:
    """Each cell with its line in the file."""
    return tuple(zip(lost, _lines(house, now, [one.row for one in lost]), strict=True))


def _lines(house: House, now: Operation, rows: Sequence[int]) -> list[int]:
    """Of each record its line in the file; 0 where people added it."""
    found = dict.fromkeys(rows, 0)
    if rows:
        with read(house.engine) as connection:
            parts = manifest.parts(connection, now.id, TABLE)
        for part in parts:
            here = sorted({row for row in rows if part.first_row <= row < part.first_row + part.rows})
            if here and part.first_row >= 0:
                frame = read_rows(house.objects.local_path(part.object), np.array(here, np.int64) - part.first_row)
                found.update(zip(here, frame["_line"].to_list(), strict=True))
    return [found[row] for row in rows]


def _commit(
    house: House,
    before: Operation,
    draft: _Draft,
    carried: Carried,
    changed: Changed,
    person_id: str | None,
    stage: str | None = None,
) -> Operation | None:
    """None where somebody was faster."""
    with write(house.engine) as connection:
        now = operations.get(connection, before.id, before.project_id, lock=True)
        if _basis(connection, now) != draft.basis:
            return None
        with operations.changing(connection, now.id, SheetDetail) as detail:
            detail.header_row, detail.headings, detail.chosen = draft.header_row, draft.headings, draft.chosen
            detail.finalized = detail.finalized or stage is not None
        last = draft.seen.last
        if last:
            carrying.put(connection, now, carried)
            note_change(connection, now, "mapping", person_id, document_of(changed))
        if now.stage == "uploaded":
            operations.change(connection, now.id, stage="mapping")
        elif stage is not None:
            operations.change(connection, now.id, stage=stage)
        elif now.stage == "reviewing" or now.work == "check":
            check_anew(house, connection, now)
        if draft.taught is not None:
            learned.keep_headings(connection, now, draft.taught, person_id)
        return operations.get(connection, now.id)


def document_of(changed: Changed) -> dict[str, Any]:
    """What a revision says of a changed mapping: column key -> its heading before and after."""
    return {
        "mapping": {line.key: [line.before, line.after] for line in changed.columns},
        "header": list(changed.header),
        "lost": changed.gone,
    }


def note_change(
    connection: Connection, now: Operation, kind: str, person_id: str | None, document: Mapping[str, Any]
) -> None:
    """A changed mapping or reading among the revisions: so that each has its place in their order."""
    revisions.add(connection, now.id, Deed(kind, {"columns": [], **document}), person_id, {})


def check_anew(
    house: House, connection: Connection, now: Operation, stage: str = "mapped", *, check: bool = True
) -> None:
    """Nothing is judged any more, and whoever is at it stops: the import stands at `stage`, and is checked, as at
    first, if it was (`check`)."""
    manifest.forget_verdicts(connection, now.id, TABLE)
    with operations.changing(connection, now.id, SheetDetail) as detail:
        detail.check = detail.summary = detail.going = None
    values: dict[str, Any] = {"progress": {}, "valid": 0, "invalid": 0, "total": 0, "work_error": None}
    if now.version:
        # Pages of the version before are remembered by its number.
        values["version"] = now.version + 1
    operations.release(connection, now.id, stage=stage, attempt=now.attempt + 1, **values)
    if check:
        imports.ask(house, connection, operations.get(connection, now.id), "check")
