"""The records of an import: pages, edits, deletions, whole results.

A request reads the operation's version once; everything else it touches has an immutable name, so the caches here only
age. What `/v1` shows as verdict, counters and positions stands at the last review; cells are shown as they stand now.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl
from sqlalchemy import Connection

from douane import encodings
from douane.errors import WrongStage
from douane.flow import revisions
from douane.flow.forms import Form, chosen_of, form_of, headings_of
from douane.flow.house import House
from douane.flow.work import TABLE
from douane.jobs.children import Seat, stream_child
from douane.line.sheet import Encode, Feeding
from douane.line.staged import Part
from douane.model.operation import Operation
from douane.model.problem import Problem
from douane.model.sheet_import import Judging, sheet_detail
from douane.sheet.output import Some, Whole
from douane.sheet.report import Faults, todays_words
from douane.staging import masks
from douane.staging.masks import GONE, VALID, Placed, View, Wider
from douane.staging.pages import Directories, Directory, Entry, PackedEntry, Page
from douane.staging.parts import Rows
from douane.staging.revisions import ADDED, DELETED, RECORD, Cells, Piece, frame_of, laid_over, overlay
from douane.store import manifest, operations
from douane.store import revisions as stored_revisions
from douane.store.database import read, write
from douane.store.revisions import Deed

WORK_WAIT_S = 60.0

T = TypeVar("T")


class Record(msgspec.Struct, frozen=True, gc=False):
    """One record of a page. `record` maps field key to text or exact number (`msgspec.Raw`): encode with msgspec.json;
    where it is shown and no more, that is all it is good for (`Output.shown`). `problems` in the contract's order (the
    last one of a column is the one `/v1` shows); `line` the physical line, 0 for a row that a person added."""

    id: str
    index: int
    line: int
    valid: bool
    record: Any
    problems: tuple[Problem, ...]
    updated: dict[str, bool]


@dataclass(frozen=True, slots=True)
class RecordPage:
    """`total` is the size of the view at the last review."""

    records: tuple[Record, ...]
    total: int


_kept = Directories()
# Where what is shown at a version is through, and nothing of it was dropped.
_STANDS = ("reviewing", "processing", "completed")


def directory_of(connection: Connection, operation: Operation) -> Directory:
    """That of the version that is shown."""
    if operation.stage in ("terminated", "failed"):
        return Directory([], [], 1)  # its records are dropped (contract 2.4), whenever the sweeper comes
    if operation.stage == "mapped" and operation.work == "check":
        return _directory(connection, operation, operation.version + 1)
    return _kept.get((operation.id, operation.version), lambda: _directory(connection, operation, operation.version))


def _directory(connection: Connection, operation: Operation, version: int) -> Directory:
    """The parts that have a verdict at a version, in row order (while a first check runs: those checked so far)."""
    found = manifest.masks(connection, operation.id, TABLE, version)
    entries = [
        Entry(
            row.number,
            row.first_row,
            row.rows,
            row.object,
            found[row.number].object,
            found[row.number].valid,
            found[row.number].invalid,
            added=row.first_row < 0,
            forgotten=found[row.number].forgotten,
        )
        for row in manifest.parts(connection, operation.id, TABLE)
        if row.number in found
    ]
    packed = [
        PackedEntry(row.view, row.first_row, row.last_row, row.rows, row.object)
        for row in manifest.packed_rows(connection, operation.id, TABLE, version)
    ]
    return Directory(entries, packed, made.words if (made := sheet_detail(operation).check) else 1)


def page(house: House, operation: Operation, view: View, page: int, limit: int) -> RecordPage:
    """Records of a view, sorted by index, `page` from 1. Cost does not depend on depth."""
    total, pieces = page_in_pieces(house, operation, view, page, limit)
    return RecordPage(tuple(record for piece in pieces for record in piece), total)


def page_in_pieces(
    house: House, operation: Operation, view: View, page: int, limit: int
) -> tuple[int, Iterator[Sequence[Record]]]:
    """The size of the view, and the page's records some thousand at a time: a page may be as large as a person asks,
    and is never held whole."""
    return _in_pieces(house, operation, view, page, limit, _records)


def shown_in_pieces(
    house: House, operation: Operation, view: View, page: int, limit: int
) -> tuple[int, Iterator[Sequence[Record]]]:
    """The same for who does nothing but encode the records."""
    return _in_pieces(house, operation, view, page, limit, _shown)


def plain_in_pieces(
    house: House, operation: Operation, view: View, page: int, limit: int
) -> tuple[int, Iterator[Sequence[Any]]]:
    """The `record` of each of these, and nothing of what stands beside it."""
    return _in_pieces(house, operation, view, page, limit, _plain)


def _in_pieces(
    house: House,
    operation: Operation,
    view: View,
    page: int,
    limit: int,
    made: Callable[[Operation, Form, Page, _Changes], Sequence[T]],
) -> tuple[int, Iterator[Sequence[T]]]:
    directory = _directory_at(house, operation)
    total = directory.total(view)

    def pieces() -> Iterator[Sequence[T]]:
        form, most = form_of(operation), house.settings.page_rows_max
        begin = (page - 1) * limit
        end = min(total, begin + limit)
        for offset in range(begin, end, most):
            found = directory.page(view, offset, min(end - offset, most), house.objects.local_path)
            yield made(operation, form, found, _changes(house, operation, found))

    return total, pieces()


def _directory_at(house: House, operation: Operation) -> Directory:
    """That of the version that is shown; the database is asked only where it is not remembered."""
    if (held := _kept.held((operation.id, operation.version))) is not None and operation.stage in _STANDS:
        return held
    with read(house.engine) as connection:
        return directory_of(connection, operation)


@dataclass(frozen=True, slots=True)
class _Changes:
    """The cells that people changed on a page: as they stand now, and as they stood at the last review (what
    `Cells.pieces` found for the page's rows)."""

    now: Sequence[Piece]
    reviewed: Sequence[Piece]


_UNCHANGED = _Changes(*[()] * 2)
_UNTOUCHED: dict[str, bool] = {}  # of nearly all records; nobody changes it


def _changes(house: House, operation: Operation, page: Page) -> _Changes:
    if operation.revision_last == 0:
        return _UNCHANGED
    rows, reviewed = page.rows.tolist(), operation.revision_reviewed
    with read(house.engine) as connection:
        now = list(revisions.standing(house, connection, operation.id, rows).pieces(page.rows))
        if operation.revision_last == reviewed:
            return _Changes(now, now)
        if reviewed == 0:  # the first revision is 1
            return _Changes(now, ())
        then = revisions.standing(house, connection, operation.id, rows, upto=reviewed)
        return _Changes(now, list(then.pieces(page.rows)))


def standing_frame(house: House, operation: Operation, page: Page) -> pl.DataFrame:
    """The page's cells with what people changed."""
    return laid_over(page.frame, _changes(house, operation, page).now, form_of(operation).keys)


def _plain(operation: Operation, form: Form, page: Page, changes: _Changes) -> Sequence[Any]:
    return form.output.shown(laid_over(page.frame, changes.now, form.keys))


def _records(operation: Operation, form: Form, page: Page, changes: _Changes) -> list[Record]:
    now = laid_over(page.frame, changes.now, form.keys)
    return _with_what_is_known(operation, form, page, changes, now, form.output.records(now))


def _shown(operation: Operation, form: Form, page: Page, changes: _Changes) -> list[Record]:
    now = laid_over(page.frame, changes.now, form.keys)
    return _with_what_is_known(operation, form, page, changes, now, form.output.shown(now))


def _with_what_is_known(
    operation: Operation, form: Form, page: Page, changes: _Changes, now: pl.DataFrame, records: Sequence[Any]
) -> list[Record]:
    """The page's records, made of the frame `now`, with their numbers, verdicts, problems and what was changed."""
    if not len(page.rows):
        return []
    then = now if changes.reviewed is changes.now else laid_over(page.frame, changes.reviewed, form.keys)
    changed: dict[int, dict[str, bool]] = {}
    for key, places, _ in changes.now:
        for at in places.tolist() if key != RECORD else ():
            changed.setdefault(at, {})[key] = True
    rows = page.rows.tolist()
    problems: Sequence[tuple[Problem, ...]] = [()] * len(rows)
    if page.words.any():
        problems = list(map(tuple, form.checker.problems(then, _todays(operation, form, page))))
    ids, lines, valid = map(record_ids(operation.id), rows), page.frame["_line"].to_list(), page.states == VALID
    updated = [changed.get(at, _UNTOUCHED) for at in range(len(rows))] if changed else [_UNTOUCHED] * len(rows)
    return list(starmap(Record, zip(ids, rows, lines, valid.tolist(), records, problems, updated, strict=True)))


def _todays(operation: Operation, form: Form, page: Page) -> masks.Words:
    """The masks with today's bits."""
    made = _made_otherwise(operation, form)
    return page.words if made is None else todays_words(page.words, made.rules, form.checker)


def _made_otherwise(operation: Operation, form: Form) -> Judging | None:
    """What the masks were made with, where that is not today's rules."""
    made = sheet_detail(operation).check
    return None if made is None or made.stamp == form.checker.stamp or not made.rules else made


def record_id(operation_id: str, row: int) -> str:
    """A record's own id: 24 hex characters, the same in every answer."""
    return record_ids(operation_id)(row)


def record_ids(operation_id: str) -> Callable[[int], str]:
    """The same for many rows of one operation."""
    begun = hashlib.sha256(f"{operation_id}:".encode())

    def of(row: int) -> str:
        digest = begun.copy()
        digest.update(b"%d" % row)
        return digest.hexdigest()[:24]

    return of


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive records of a view as they stand: their rows, their cells, and their states (`staging.masks`). Those
    that were forgotten since keep their places, and no cells that may leave."""

    rows: Rows
    frame: pl.DataFrame
    states: npt.NDArray[np.uint8]


def stretch(house: House, operation: Operation, view: Placed, offset: int, count: int) -> Stretch:
    """Those from `offset` on; for who hands over an accepted import, piece by piece."""
    with read(house.engine) as connection:
        now = operations.get(connection, operation.id)
        directory = directory_of(connection, now)
    found = directory.page(view, offset, count, house.objects.local_path)
    return Stretch(found.rows, standing_frame(house, now, found), found.states)


# Changing


def edit(
    house: House,
    operation: Operation,
    index: int,
    record: Mapping[str, Any],
    updated: Mapping[str, Any],
    person_id: str | None = None,
    seen: int | None = None,
) -> Record:
    """Stores a whole record as a revision; adds the row if `index` is new. Not judged again until the next review.
    WrongStage unless reviewing."""
    edit_many(house, operation, [(index, record, updated)], person_id, seen)
    with read(house.engine) as connection:
        now = operations.get(connection, operation.id, operation.project_id)
        directory = directory_of(connection, now)
    found = directory.rows([index], house.objects.local_path)
    # A number at or above the headings is in the file, gone, and may stand for a row that was added as well.
    shown = np.flatnonzero(found.states != GONE)
    if len(shown):
        return _records(now, form_of(now), found, _changes(house, now, found))[int(shown[-1])]
    with read(house.engine) as connection:
        cells = revisions.standing(house, connection, now.id, [index])
    return _unreviewed(now, form_of(now), index, cells)


def _unreviewed(operation: Operation, form: Form, index: int, cells: Cells) -> Record:
    """A row that was added after the last review: it has no verdict yet and counts as invalid."""
    rows = np.array([index], np.int64)
    base = pl.DataFrame({"_line": np.zeros(1, np.uint32), "_flags": np.zeros(1, np.uint8)})
    record = form.output.records(overlay(base, rows, cells, form.keys))[0]
    keys = {key: True for key in cells.changes(rows).get(index, {}) if key != RECORD}
    return Record(record_id(operation.id, index), index, 0, False, record, (), keys)


def edit_many(
    house: House,
    operation: Operation,
    records: Sequence[tuple[int, Mapping[str, Any], Mapping[str, Any]]],
    person_id: str | None = None,
    seen: int | None = None,
) -> None:
    """The same for several, as one revision. ChangedMeanwhile where a revision after `seen` changed the same cells."""
    if not records:
        return
    for last_try in (False, False, False, True):
        # What it comes to is found before the transaction, which reads no file while others wait to write; but where
        # somebody was faster every time, within it.
        with read(house.engine) as connection:
            draft = _draft(house, connection, operation, records)
        kept = revisions.kept(house, operation.id, draft.frame)
        with write(house.engine) as connection:
            now = _in_review(connection, operation)
            if draft.basis != _basis(connection, now):
                if not last_try:
                    continue
                draft = _draft(house, connection, operation, records)
                kept = revisions.kept(house, operation.id, draft.frame)
            if len(draft.frame) == 0:
                return
            if seen is not None:
                revisions.refuse_overtaken(house, connection, now, draft.frame, seen, draft.basis[1])
            touched = {"columns": sorted(draft.frame["key"].unique().to_list())}
            deed = Deed("add" if draft.added else "edit", touched)
            stored_revisions.add(connection, now.id, deed, person_id, kept)
            if draft.added:
                operations.change(connection, now.id, total=now.total + draft.added, invalid=now.invalid + draft.added)
            return


@dataclass(frozen=True, slots=True)
class _Draft:
    """The cells that whole records which were sent back really change, and how many records are new. `basis`: the
    version and the last revision that it was found from."""

    basis: tuple[int, int]
    frame: pl.DataFrame
    added: int


def _basis(connection: Connection, operation: Operation) -> tuple[int, int]:
    return operation.version, operations.revision_numbers(connection, operation.id)[0]


def _draft(
    house: House,
    connection: Connection,
    operation: Operation,
    records: Sequence[tuple[int, Mapping[str, Any], Mapping[str, Any]]],
) -> _Draft:
    now = operations.get(connection, operation.id, operation.project_id)
    form = form_of(now)
    indexes = sorted({index for index, _, _ in records})
    found = directory_of(connection, now).rows(indexes, house.objects.local_path)
    cells_now = revisions.standing(house, connection, now.id, indexes)
    standing = cells_now.changes(indexes)
    older = _older(house, connection, now, form, found, indexes)
    there = {int(row): at for at, row in enumerate(found.rows)}
    texts = overlay(found.frame, found.rows, cells_now, form.keys) if there else found.frame
    added = 0
    cells: dict[tuple[int, str], str | None] = {}
    for index, record, updated in records:
        at = there.get(index)
        mark = standing.get(index, {}).get(RECORD)
        if _exists(now, index, mark, RECORD in standing.get(index, {})):
            current = _texts(form, texts, at, standing.get(index, {}))
            past = older.get(index, {})
            cells.update({(index, key): text for key, text in _edits(form, record, updated, current, past)})
            continue
        # A new row, or one that was deleted before: all its cells are given.
        restored = at is not None and mark == DELETED and _was_in_file(now, index)
        cells[index, RECORD] = None if restored else ADDED
        # What the row once held does not come back with its number.
        held = form.keys if restored else standing.get(index, {})
        cells.update({(index, key): None for key in held if key != RECORD})
        cells.update({(index, key): cell_text(form, key, value) for key, value in record.items() if key in form.keys})
        added += 1
    frame = frame_of((row, key, text) for (row, key), text in cells.items())
    return _Draft(_basis(connection, now), frame, added)


def _exists(operation: Operation, index: int, mark: str | None, marked: bool) -> bool:
    """Whether there is such a record now, reviewed or not: one of the file that nobody deleted, or one that was
    added."""
    if _was_in_file(operation, index):
        return mark != DELETED
    return marked and mark != DELETED


def _was_in_file(operation: Operation, index: int) -> bool:
    return sheet_detail(operation).first_data_row <= index < operation.rows_read


def _in_review(connection: Connection, operation: Operation) -> Operation:
    """The stage is tested in the transaction that takes the revision's number."""
    now = operations.get(connection, operation.id, operation.project_id, lock=True)
    if now.stage != "reviewing" or now.work == "confirm":
        raise WrongStage("The data of this import cannot be changed now.", stage=now.stage)
    return now


def _texts(form: Form, frame: pl.DataFrame, at: int | None, standing: Mapping[str, str | None]) -> dict[str, Any]:
    """The cells of one row as text by key; of a row added since the last review only what its revisions hold."""
    texts = {key: text for key, text in standing.items() if key != RECORD}
    if at is not None:
        for key, position in form.keys.items():
            if key not in texts and f"c{position}" in frame.columns:
                texts[key] = frame[f"c{position}"][at]
    return texts


def _older(
    house: House, connection: Connection, operation: Operation, form: Form, page: Page, indexes: Sequence[int]
) -> dict[int, dict[str, set[str]]]:
    """Row -> key -> every text that the cell has had: a program that sends one of them back unmarked holds a stale
    copy."""
    found: dict[int, dict[str, set[str]]] = {}
    for layer in revisions.ever(house, connection, operation.id, indexes).every(np.array(indexes, np.int64)):
        for row, key, text in layer.iter_rows():
            found.setdefault(row, {}).setdefault(key, set()).add((text or "").strip())
    present = set(page.frame.columns)
    for key, position in form.keys.items():
        if f"c{position}" in present:
            for row, text in zip(page.rows.tolist(), page.frame[f"c{position}"].to_list(), strict=True):
                found.setdefault(row, {}).setdefault(key, set()).add((text or "").strip())
    return found


def _edits(
    form: Form,
    record: Mapping[str, Any],
    updated: Mapping[str, Any],
    current: Mapping[str, str | None],
    older: Mapping[str, set[str]],
) -> Iterator[tuple[str, str | None]]:
    """What a whole record that was sent back really changes. Keys that were left out stay as they are."""
    for key, value in record.items():
        if key not in form.keys:
            continue
        text = cell_text(form, key, value)
        before = current.get(key)
        if _same(form, key, text, before):
            continue
        stale = not updated.get(key) and any(_same(form, key, text, old) for old in older.get(key, ()))
        if not stale:
            yield key, text


def _same(form: Form, key: str, one: str | None, other: str | None) -> bool:
    """Whether two texts are the same cell: trimmed as the record shows them, numbers by value."""
    a, b = (one or "").strip(), (other or "").strip()
    if a == b:
        return True
    column = next((c for c in form.template.columns if c.key == key), None)
    if column is None or column.type not in ("Number", "Double"):
        return False
    frame = pl.DataFrame({f"c{form.keys[key]}": [a, b], "_line": [0, 0], "_flags": [0, 0]})
    pair = [row.get(key) for row in form.output.records(frame)]
    return bool(pair[0] == pair[1])


def cell_text(form: Form, key: str, value: Any) -> str | None:
    """The text of a cell for a value that came as JSON."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        column = next((c for c in form.template.columns if c.key == key), None)
        return (column.delimiter if column else ",").join(str(item) for item in value)
    return msgspec.json.encode(value).decode()


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Which records are to leave, and how: those of a `view` in a form of the encodings shelf, all or (`page` from 1,
    `limit`) some, after the first `skip`. `faults`: with what is wrong with each; `feeding`: as a feed has them, and
    then `pages_of`: so many in one answer after the other."""

    view: Wider
    format: str
    faults: bool = False
    page: int = 1
    limit: int | None = None
    skip: int = 0
    feeding: Feeding | None = None
    pages_of: int | None = None

    @property
    def offset(self) -> int:
        return self.skip + (0 if self.limit is None else (self.page - 1) * self.limit)


def encoded(house: House, operation: Operation, wanted: Excerpt) -> Iterator[bytes]:
    """The records as a file. In Arrow and Parquet a number column is float64 where every number of the excerpt is exact
    as that, else text: ask for the whole to have one schema. What is larger than a page is encoded by a helper process
    and streamed; if that fails midway the iterator raises: a result that was cut off must never look complete."""
    encodings.member(wanted.format)
    if wanted.limit is not None and wanted.limit <= house.settings.page_rows_max:
        return iter([_encoded_page(house, operation, wanted, wanted.limit)])
    with read(house.engine) as connection:
        now = operations.get(connection, operation.id, operation.project_id)
        directory = directory_of(connection, now)
        last, _ = operations.revision_numbers(connection, now.id)
    return encoded_apart(house, now, directory, last, wanted)


def _encoded_page(house: House, operation: Operation, wanted: Excerpt, limit: int) -> bytes:
    form, directory = form_of(operation), _directory_at(house, operation)
    frame = form.output.empty()
    if wanted.offset < directory.total(wanted.view):
        found = directory.page(wanted.view, wanted.offset, limit, house.objects.local_path)
        frame = laid_over(found.frame, _changes(house, operation, found).now, form.keys)
        if wanted.faults:
            frame = Faults.with_words(frame, _todays(operation, form, found))
    beside = Faults(form.checker, form.output.fields) if wanted.faults else None
    data = io.BytesIO()
    with tempfile.TemporaryDirectory(prefix="page-", dir=house.settings.work_folder) as folder:
        table = Whole(form.output, lambda only: iter([Some(frame)]), beside)
        encodings.member(wanted.format).encode(table, Path(folder), data)
    return data.getvalue()


def encoded_apart(
    house: House, operation: Operation, directory: Directory, last: int, wanted: Excerpt, seat: Seat | None = None
) -> Iterator[bytes]:
    """By a helper process. `last`: the revision up to which changes are shown. `seat`: its place, if there is one."""
    if seat is None:
        seat = house.seats.take()
    try:
        inputs = seat.inputs
        entries = [entry for entry in directory.entries if entry.mask_object is not None]
        with read(house.engine) as connection:
            cells = revisions.lay_out(house, connection, operation.id, inputs, upto=last)
        spec = Encode(
            parts=tuple(
                Part(entry.number, entry.first_row, entry.rows, house.objects.link_into(entry.object, inputs))
                for entry in entries
            ),
            masks=tuple(house.objects.link_into(entry.mask_object or "", inputs) for entry in entries),
            made=_made_otherwise(operation, form_of(operation)),
            template=sheet_detail(operation).template,
            headings=headings_of(operation),
            chosen=chosen_of(operation),
            cells=cells,
            view=wanted.view,
            format=wanted.format,
            faults=wanted.faults,
            offset=wanted.offset,
            count=wanted.limit,
            feeding=wanted.feeding,
            page=wanted.pages_of,
        )
        yield from stream_child(spec, seat)
    finally:
        seat.clear()
