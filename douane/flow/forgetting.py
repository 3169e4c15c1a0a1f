"""Forgetting: a whole upload, or the rows of one person, at once and for good; and what remains, said.

Parts are immutable, so rows go by way of new ones: a part without their texts is stored, and one transaction names it
in place of the old one, with the verdicts that follow; then the old object is deleted, and so is the original file,
which nobody could take rows out of. An accepted row keeps its place in the feed, as a tombstone. Counts stay, contents
don't.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
from msgspec.structs import replace
from sqlalchemy import Connection

from douane.errors import BadRequest, NotFound
from douane.flow import learned, live, revisions
from douane.flow.forms import form_of
from douane.flow.house import House
from douane.flow.work import TABLE
from douane.model.operation import OPEN, Operation
from douane.model.sheet_import import SheetDetail, Summary, sheet_detail
from douane.staging import masks, pages
from douane.staging.masks import FORGOTTEN, GONE, INVALID, VALID, Mask
from douane.staging.parts import Rows, read_part, write_part
from douane.staging.revisions import DELETED, RECORD, SCHEMA, Cells, overlay, read_cells
from douane.store import deliveries, feeds, manifest, operations, templates
from douane.store import revisions as stored_revisions
from douane.store.database import read, write
from douane.store.manifest import MaskRow, PartRow
from douane.store.revisions import Cell, Deed, Revision

DIFFERENCES = "workbooks"  # below an import's id: what mended workbooks would change
_TRIES = 3
_FAMILY = "sheet"
_DELIVERED = "What was sent to the template's destination is there still."
_AUDIT = "The audit keeps who did what with the upload and when, and where the file was downloaded or removed its name."
_BACKUPS = "Copies that were made outside of Douane, such as backups of its database and objects, still have them."
_CACHES = (
    "Other machines of this installation may hold copies of parts in their caches until other parts need the room."
)


@dataclass(slots=True)
class Forgotten:
    """What was forgotten: the rows of which uploads (id -> rows). `waiting`: uploads that are being worked on, or are
    not checked yet, and have to be asked for again. `remains`: sentences about what is still somewhere. `readers` have
    pulled some of the rows, `sent`: some went to a destination."""

    uploads: dict[str, int] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    remains: list[str] = field(default_factory=list)
    readers: set[str] = field(default_factory=set)
    sent: bool = False

    @property
    def rows(self) -> int:
        return sum(self.uploads.values())


def upload(house: House, operation: Operation) -> Forgotten:
    """An upload with its file, rows and everything that was changed in it; one that is still open ends. Its counts
    stay, so that the history adds up. Forgetting it again is no fault."""
    with write(house.engine) as connection:
        now = operations.get(connection, operation.id, operation.project_id, lock=True)
        if now.family != _FAMILY:
            raise NotFound("There is no such upload.")
        found = Forgotten({now.id: now.total})
        found.remains.append(_AUDIT)
        _say_what_remains(house, found, feeds_read(house, now))
        if now.stage in OPEN or now.stage in ("processing", "failed"):
            operations.finish(connection, now.id, "terminated")
        detail = sheet_detail(now)
        if now.total and not detail.forgotten_whole:
            added = detail.forgotten_added + len(revisions.standing(house, connection, now.id).added())
            detail = replace(detail, forgotten_added=added, forgotten=detail.forgotten + now.total)
        detail = replace(_without_content(detail), forgotten_whole=True, stale=())
        if deliveries.forget_replies(connection, now.id):
            found.remains.insert(0, _DELIVERED)
        manifest.forget(connection, now.id)
        stored_revisions.forget_all(connection, now.id)
        operations.forget_content(connection, now.id, msgspec.to_builtins(detail))
    house.objects.delete_prefix(f"{operation.id}/")
    drop_remembered(operation.id)
    return found


def drop_remembered(operation_id: str) -> None:
    """In this process; others let go of what they have with the next part that they read, or when they are asked."""
    live.drop(operation_id)
    pages.drop_deleted()


def _without_content(detail: SheetDetail) -> SheetDetail:
    """What is known of an import without a word of its file."""
    kept = {"columnIds", "customRecordFormat", "customChunkFormat", "fileId"}
    return replace(
        _without_samples(detail),
        wire={name: value for name, value in detail.wire.items() if name in kept},
        headings=None if detail.headings is None else ("",) * len(detail.headings),
        detected=None,
        reading=None,
    )


def _without_samples(detail: SheetDetail) -> SheetDetail:
    """Without the first records and the sentences that quote cells."""
    return replace(detail, records=(), summary=_silent(detail.summary), facts=())


def _silent(summary: Summary | None) -> Summary | None:
    if summary is None:
        return None
    return replace(
        summary,
        problems=tuple(replace(one, message="", explanation="") for one in summary.problems),
        warnings=tuple(replace(one, message="", explanation="") for one in summary.warnings),
        facts=(),
    )


def feeds_read(house: House, operation: Operation) -> list[str]:
    """The consumers that have pulled rows of an import."""
    with read(house.engine) as connection:
        entry = feeds.of_operation(connection, operation.id)
        if entry is None or not entry.rows:
            return []
        return [
            one.name
            for one in feeds.consumers(connection, entry.template_id)
            if one.number > entry.number or (one.number == entry.number and one.position > 0)
        ]


def _say_what_remains(house: House, found: Forgotten, readers: Sequence[str]) -> None:
    if readers:
        found.remains.append(
            f"Programs that have pulled rows already keep theirs; by their acknowledgements: {', '.join(readers)}."
        )
    if house.objects.keeps_copies:
        found.remains.append(_CACHES)
    found.remains.append(_BACKUPS)


# One person's rows


def person(
    house: House,
    project_id: str,
    template_id: str,
    column: str,
    value: str,
    said: Callable[[int, int], None] = lambda looked, total: None,
) -> Forgotten:
    """The rows of all uploads of a template whose cell of `column` is `value` (trimmed, in any case), as it stands now.
    Where a cell only once was it, that text alone goes. Each upload is done whole or not at all; the original files of
    those that have such rows go too. `said` is told how many of how many uploads were looked through."""
    folded(value)
    uploads = uploads_of(house, project_id, template_id, column)
    found = Forgotten()
    for looked, operation in enumerate(uploads):
        said(looked, len(uploads))
        look_through(house, operation, column, value, found)
    say_the_rest(house, template_id, column, value, found)
    return found


def uploads_of(house: House, project_id: str, template_id: str, column: str | None = None) -> list[Operation]:
    """Those that are to be looked through for a person's rows, oldest first. NotFound for a template that is
    another project's or none, BadRequest for a column that nobody has."""
    with read(house.engine) as connection:
        if templates.get(connection, template_id, project_id) is None:
            raise NotFound(f"Template with id {template_id} does not exist")
        all_of_them = operations.of_template(connection, project_id, template_id)
        keys = [one.key for one in templates.columns(connection, template_id)]
    if column is not None:
        _refuse_unknown(column, keys, all_of_them)
    return [one for one in reversed(all_of_them) if one.family == _FAMILY and one.stage not in ("terminated", "failed")]


def _refuse_unknown(column: str, keys: Sequence[str], of_template: Sequence[Operation]) -> None:
    """A slip in the column's key must not look like a person of whom nothing is left. Uploads may have columns of their
    own, or some that the template has no more."""
    if column not in keys and not any(
        column in form_of(one).keys for one in of_template if one.family == _FAMILY and sheet_detail(one).headings
    ):
        raise BadRequest(f"Neither the template nor an upload has a column {column}; there are: {', '.join(keys)}.")


def look_through(house: House, operation: Operation, column: str, value: str, found: Forgotten) -> None:
    """Forgets the person's rows in one upload, whole or not at all. A second time is no fault."""
    wanted = folded(value)
    for _ in range(_TRIES):
        done = _in_upload(house, operation.id, column, wanted)
        if done is not None:
            break
    if done is None:
        found.waiting.append(operation.id)
    elif done:
        found.uploads[operation.id] = found.uploads.get(operation.id, 0) + done
        found.readers |= set(feeds_read(house, operation))
        with read(house.engine) as connection:
            found.sent |= any(one.sent_rows for one in deliveries.of_operation(connection, operation.id))


def say_the_rest(house: House, template_id: str, column: str, value: str, found: Forgotten) -> None:
    """After the last upload: what was learned of the value goes, and what remains is said."""
    learned.forget_text(house, template_id, column, value)
    if found.waiting:
        found.remains.append(
            f"{len(found.waiting)} uploads are not read and checked yet, or are being worked on: ask again when they "
            "are through, or forget them whole."
        )
    if found.sent:
        found.remains.append(_DELIVERED)
    _say_what_remains(house, found, sorted(found.readers))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be forgotten: the folded text of a cell in one column, which stands at that position in parts."""

    column: str
    position: int
    text: str


@dataclass(slots=True)
class _Rewritten:
    """A part without the texts of some rows, stored already. `offsets`: the rows that are forgotten whole."""

    part: PartRow
    name: str
    size: int
    offsets: Rows
    mask: MaskRow | None = None
    before: tuple[int, int] = (0, 0)  # of the forgotten rows the valid and the invalid ones


def _in_upload(house: House, operation_id: str, column: str, text: str) -> int | None:
    """How many rows of an upload were forgotten; None where it was changed meanwhile, or can't be touched now."""
    _drop_stale(house, operation_id)  # what a killed predecessor let go of and did not come to delete
    with read(house.engine) as connection:
        seen = operations.get(connection, operation_id)
        if seen.stage in ("terminated", "failed") or (seen.stage == "completed" and not seen.total):
            return 0
        # What is being delivered goes out page by page, and a page is so many rows.
        if seen.work or not seen.read_done or seen.stage not in ("reviewing", "completed"):
            return None
        if sheet_detail(seen).reading is not None:
            return None  # a second reading of the file waits to be taken
        position = form_of(seen).keys.get(column)
        if position is None:
            return 0
        basis = (seen.version, seen.attempt, operations.revision_numbers(connection, seen.id))
        parts = manifest.every_part(connection, seen.id, TABLE)
        # Of parts with added rows the newest alone has a verdict that counts.
        current = {part.number for part in manifest.parts(connection, seen.id, TABLE)}
        found = manifest.masks(connection, seen.id, TABLE, seen.version)
        made = {number: mask for number, mask in found.items() if number in current}
        cells = revisions.standing(house, connection, seen.id)
        layers = stored_revisions.columnar(connection, seen.id)
        left = _left_over(house, connection, seen)
        differences = list(house.objects.list(f"{seen.id}/{DIFFERENCES}/"))
        small = list(stored_revisions.cells(connection, seen.id))
    wanted = _Wanted(column, position, text)
    rows = _rows_of(house, seen, parts, cells, wanted)
    traces = any(_is_cell(wanted, key, its_text) for _, _, key, its_text in small)
    rewritten = [
        new for part in parts if (new := _rewrite(house, seen, part, made.get(part.number), rows, wanted)) is not None
    ]
    bulk = {one.number: name for one in layers if (name := _rewrite_cells(house, seen, one, rows, wanted))}
    # What a workbook would change is sent again where it holds anything of it.
    left |= {
        name for name in differences if _blanked(read_part(house.objects.local_path(name)), rows, wanted) is not None
    }
    if not len(rows) and not rewritten and not bulk and not traces and not left:
        return 0
    with write(house.engine) as connection:
        now = operations.get(connection, seen.id, lock=True)
        still = not now.work and now.stage == seen.stage
        still = still and basis == (now.version, now.attempt, operations.revision_numbers(connection, now.id))
        if still:
            stale = _swap(connection, now, rewritten, rows)
            deliveries.forget_replies(connection, now.id)
            _forget_changes(connection, now, bulk, small, rows, wanted)
            stale |= {str(one.object) for one in layers if one.number in bulk} | left
            with operations.changing(connection, now.id, SheetDetail) as detail:
                detail.stale = tuple(sorted(stale))
        else:
            stale = {one.name for one in rewritten} | {one.mask.object for one in rewritten if one.mask is not None}
            stale |= set(bulk.values())
    if still:
        _drop_stale(house, operation_id)
    else:
        for name in stale:
            house.objects.delete(name)
    drop_remembered(operation_id)
    return len(rows) if still else None


def _drop_stale(house: House, operation_id: str) -> None:
    """Deletes what is named no more for what it holds. It is written down until that is done: whoever is killed before
    is followed by one who finds nothing else to do."""
    with read(house.engine) as connection:
        stale = sheet_detail(operations.get(connection, operation_id)).stale
    if not stale:
        return
    for name in stale:
        house.objects.delete(name)
    with write(house.engine) as connection, operations.changing(connection, operation_id, SheetDetail) as detail:
        detail.stale = tuple(name for name in detail.stale if name not in stale)


def _left_over(house: House, connection: Connection, operation: Operation) -> set[str]:
    """Records of former readings of the file, which the sweeper would take later. Nobody else is to name them: who
    stores parts now does so for what the import was, and finds it changed."""
    if not sheet_detail(operation).readings:
        return set()
    named = manifest.objects(connection, operation.id)
    found = {name for kind in ("parts", "packed") for name in house.objects.list(f"{operation.id}/{kind}/")}
    return found - named


def _rows_of(house: House, operation: Operation, parts: Sequence[PartRow], cells: Cells, wanted: _Wanted) -> Rows:
    """The numbers of the rows whose cell is the value now."""
    first = sheet_detail(operation).first_data_row
    # Rows that people added since the last review are in no part yet.
    standing = cells.of_rows(cells.added(), [wanted.column])
    found: list[Rows] = [standing.filter(_is("text", wanted.text))["row"].to_numpy()]
    name = f"c{wanted.position}"
    for part in parts:
        path = house.objects.local_path(part.object)
        frame = read_part(path, ["_line", "_row", name])
        numbers = _numbers(part, frame)
        frame = overlay(frame, numbers, cells, {wanted.column: wanted.position}) if cells else frame
        if name in frame.columns:
            same = frame.select(_is(name, wanted.text)).to_series().to_numpy()
            found.append(numbers[same & (numbers >= (first if part.first_row >= 0 else 0))])
    return np.unique(np.concatenate(found))


def _numbers(part: PartRow, frame: pl.DataFrame) -> Rows:
    numbers: Rows = (
        frame["_row"].to_numpy() if part.first_row < 0 else np.arange(part.first_row, part.first_row + part.rows)
    )
    return numbers


def _is(name: str, text: str) -> pl.Expr:
    return (pl.col(name).str.strip_chars().str.to_lowercase() == text).fill_null(False)


def _is_cell(wanted: _Wanted, key: str, text: str | None) -> bool:
    return key == wanted.column and text is not None and _folded(text) == wanted.text


def folded(text: str) -> str:
    """As values are compared. BadRequest for one that is empty."""
    found = _folded(text)
    if not found:
        raise BadRequest("Rows are forgotten by a value, and this one is empty.")
    return found


def _folded(text: str) -> str:
    return str(pl.select(pl.lit(text).str.strip_chars().str.to_lowercase()).item())


def _rewrite(
    house: House, operation: Operation, part: PartRow, made: MaskRow | None, rows: Rows, wanted: _Wanted
) -> _Rewritten | None:
    """None where the part holds nothing of it."""
    path = house.objects.local_path(part.object)
    frame = read_part(path)
    gone = np.isin(_numbers(part, frame), rows)
    trace, column = np.zeros(len(frame), np.bool_), f"c{wanted.position}"
    if column in frame.columns:
        trace = frame.select(_is(column, wanted.text)).to_series().to_numpy()
        if part.first_row >= 0:
            trace &= _numbers(part, frame) >= sheet_detail(operation).first_data_row
    if not gone.any() and not trace.any():
        return None
    empty = pl.Series(gone)
    blanked = []
    for name, kind in frame.schema.items():
        which = empty | pl.Series(trace) if name == column else empty
        if name[0] == "c":
            blanked.append(frame[name].zip_with(~which, pl.Series([None], dtype=kind).new_from_index(0, len(frame))))
        elif name[0] == "k" or name == "_flags":
            blanked.append(frame[name].zip_with(~which, pl.Series([0], dtype=kind).new_from_index(0, len(frame))))
    token = secrets.token_hex(12)
    name, size = _stored(house, f"{operation.id}/parts/part-{part.number:07}-{token}", frame.with_columns(blanked))
    done = _Rewritten(part, name, size, np.flatnonzero(gone))
    if made is None or not len(done.offsets):
        return done
    old = masks.read_mask(house.objects.local_path(made.object))
    state, words = np.array(old.state), np.array(old.words)
    here = state[done.offsets]
    done.before = (int((here == VALID).sum()), int((here == INVALID).sum()))
    if operation.stage != "reviewing":  # else they are only deleted, as the next review finds
        state[done.offsets] = np.where((here == VALID) | (here == FORGOTTEN), FORGOTTEN, GONE)
        words[done.offsets] = 0
        mask = Mask(state, words)
        name = f"{operation.id}/masks/mask-{part.number:07}-{token}"
        house.objects.put_bytes(name, masks.mask_bytes(mask))
        left = int((state == FORGOTTEN).sum())
        # Uniqueness is settled: of an accepted import nobody asks for the hashes of keys again.
        done.mask = MaskRow(part.number, mask.valid, mask.invalid, name, None, made.attempt, forgotten=left)
    return done


def _rewrite_cells(house: House, operation: Operation, one: Revision, rows: Rows, wanted: _Wanted) -> str | None:
    """The object of a bulk revision without the texts; None where it has none of them."""
    assert one.object is not None
    frame = _blanked(read_cells(house.objects.local_path(one.object)), rows, wanted)
    if frame is None:
        return None
    return _stored(house, f"{operation.id}/revisions/{secrets.token_hex(12)}", frame.select(list(SCHEMA)))[0]


def _blanked(frame: pl.DataFrame, rows: Rows, wanted: _Wanted) -> pl.DataFrame | None:
    """The cells of a revision without the texts; None where none of them is there."""
    of_rows = pl.Series(np.isin(frame["row"].to_numpy(), rows)) & (frame["key"] != RECORD)
    traces = frame.select(_is("text", wanted.text) & (pl.col("key") == wanted.column)).to_series()
    gone = (of_rows | traces) & frame["text"].is_not_null()
    if not gone.any():
        return None
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, len(frame))
    return frame.with_columns(frame["text"].zip_with(~gone, nothing).alias("text"))


# Within the transaction


def _swap(connection: Connection, now: Operation, rewritten: Sequence[_Rewritten], rows: Rows) -> set[str]:
    """Names the new parts and verdicts; the objects that are named no more."""
    stale = {one.part.object for one in rewritten} | manifest.drop_packed(connection, now.id, TABLE)
    for one in rewritten:
        manifest.rewrite_part(connection, now.id, TABLE, one.part.number, one.name, one.size)
    made = [one.mask for one in rewritten if one.mask is not None]
    if made:
        stale |= manifest.drop_masks_of(connection, now.id, TABLE, [mask.number for mask in made])
        manifest.add_masks(connection, now.id, TABLE, now.version + 1, made)
    if now.source_object is not None:
        stale.add(now.source_object)
    with operations.changing(connection, now.id, SheetDetail) as detail:
        detail.records, detail.facts, detail.summary = (), (), _silent(detail.summary)
        detail.forgotten += len(rows)
        detail.forgotten_added += int((rows >= now.rows_read).sum())
        if now.stage == "reviewing" and detail.check is not None:
            # The next review is one of the whole table.
            detail.check = replace(detail.check, stamp="")
    valid, invalid = (sum(one.before[at] for one in rewritten) for at in (0, 1))
    operations.change(
        connection,
        now.id,
        version=now.version + 1,
        source_object=None,
        valid=max(0, now.valid - valid),
        invalid=max(0, now.invalid - invalid),
        total=max(0, now.total - valid - invalid),
    )
    if len(rows):
        cells = {(int(row), RECORD): DELETED for row in rows}
        number = stored_revisions.add(connection, now.id, Deed("delete"), None, cells)
        if now.stage != "reviewing":
            operations.change(connection, now.id, revision_reviewed=number)
    return stale


def _forget_changes(
    connection: Connection,
    now: Operation,
    bulk: Mapping[int, str],
    small: Sequence[Cell],
    rows: Rows,
    wanted: _Wanted,
) -> None:
    """Takes the texts out of what people changed. `bulk`: of columnar revisions the parts that take their place."""
    gone = set(map(int, rows))
    cells = [
        (row, key, number)
        for number, row, key, text in small
        if key != RECORD and text is not None and (row in gone or _is_cell(wanted, key, text))
    ]
    stored_revisions.forget_cells(connection, now.id, cells)
    touched = {number for _, _, number in cells} | set(bulk)
    for one in stored_revisions.between(connection, now.id, 0, operations.revision_numbers(connection, now.id)[0]):
        said = msgspec.json.encode(one.document).decode().lower()
        if one.number in touched or msgspec.json.encode(wanted.text).decode()[1:-1] in said:
            kept = {name: value for name, value in one.document.items() if name in ("columns", "column")}
            stored_revisions.change(connection, now.id, one.number, document=kept)
    for number, name in bulk.items():
        stored_revisions.change(connection, now.id, number, object=name)


# Files


def _stored(house: House, name: str, frame: pl.DataFrame) -> tuple[str, int]:
    house.settings.work_folder.mkdir(parents=True, exist_ok=True)
    path: Path = house.settings.work_folder / f"forget-{secrets.token_hex(8)}"
    try:
        write_part(frame, path)
        house.objects.put_file(name, path)
        return name, path.stat().st_size
    finally:
        path.unlink(missing_ok=True)
