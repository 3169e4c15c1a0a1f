"""Changing many records at once: find and replace, a change of all records of a filter, deletion; undo and redo of any
revision, and the history of a cell.

Each is one revision, whole or not at all. What it changes is worked out on the live table and stored before the
transaction that names it; that transaction only looks whether somebody was faster, and then it is worked out again.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import polars as pl
from sqlalchemy import Connection

from douane.errors import BadRequest, Conflict, NotFound, WrongStage
from douane.flow import live, replacing, revisions
from douane.flow.forms import form_of
from douane.flow.house import House
from douane.flow.live import Filter, Standing
from douane.flow.records import cell_text, directory_of
from douane.flow.work import TABLE
from douane.model.operation import Operation
from douane.sheet.columns.contract import SPACE
from douane.sheet.searching import Search
from douane.staging import masks
from douane.staging.live import Flags, Foreseen
from douane.staging.masks import GONE, INVALID, VALID
from douane.staging.parts import Rows, distinct
from douane.staging.revisions import ADDED, DELETED, RECORD, Cells, Heap, Piece, frame_of
from douane.staging.spread import Spread
from douane.staging.turns import in_order
from douane.store import manifest, operations, people
from douane.store import revisions as stored
from douane.store.database import read, write
from douane.store.manifest import MaskRow
from douane.store.revisions import Deed

WAIT_S = 60.0
TRIES = 5  # of a change that somebody else was faster than, before it gives up
SAMPLE = 10


@dataclass(frozen=True, slots=True)
class Change:
    """`revision`: the import's last one, which is this change's own unless it changed nothing. `matched`: the records
    that were looked at. `sample`: (row, key, before, after) of the first cells."""

    revision: int
    cells: int
    records: int
    matched: int = 0
    sample: tuple[tuple[int, str, str | None, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Undone:
    """`cells` are changed by it; `kept` were changed again later and stay."""

    revision: int
    cells: int
    kept: int


@dataclass(frozen=True, slots=True)
class How:
    """Who changes, from what the person saw (the number of a revision; None = whatever stands), and whether only to
    say what would be changed."""

    person_id: str | None = None
    seen: int | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class _Draft:
    """Worked out as of `revision`; the cells that it changes, only what is new, are on the heap. `foreseen`: what
    becomes of the verdicts; None = they were not judged."""

    revision: int
    matched: int = 0
    sample: tuple[tuple[int, str, str | None, str | None], ...] = ()
    foreseen: tuple[Foreseen, ...] | None = None
    cells: Spread | None = None  # in place of the heap


class _Faster(Exception):
    """Somebody changed the same cells while a change was worked out."""


# Changes of cells


def replace(
    house: House, operation: Operation, search: Search, text: str, column: str | None, chosen: Filter, how: How
) -> Change:
    """Find and replace (contract 7.4) in one column, or in all (None), of the records of a filter."""
    deed = Deed("replace", {"find": search.find, "replace": text, "column": column or ""})

    def draft(now: Standing, heap: Heap) -> _Draft:
        fields = live.columns_of(now.form, live.column(now, column))
        picked = live.flags_of(now, chosen)

        def changed(frame: pl.DataFrame, key: str) -> tuple[pl.Series, pl.Series]:
            cells = _column(frame, f"c{fields[key]}")
            growth.take(cells)
            return search.changed(cells, text)

        growth, possible = replacing.Growth(search, text), replacing.is_possible(now, picked, fields)
        if not possible or not replacing.is_large(picked, fields, text):
            try:
                return _draft(now, heap, picked, fields, changed)
            except replacing.Outgrown as error:
                if not possible:
                    raise BadRequest(
                        "This replacement may bring too much text; do it in fewer records or columns at once."
                    ) from error
        made = closing.enter_context(Spread(house.settings.work_folder, tuple(fields)))
        sample, foreseen = replacing.worked_out(house, now, picked, made, replacing.What(search, text, SAMPLE))
        return _Draft(now.revision, int(np.count_nonzero(picked)), sample, foreseen, made)

    with ExitStack() as closing:
        return _made(house, operation, deed, draft, how)


def change(house: House, operation: Operation, column: str, value: Any, chosen: Filter, how: How) -> Change:
    """One value for a column of all records of a filter."""

    def draft(now: Standing, heap: Heap) -> _Draft:
        fields = live.columns_of(now.form, live.column(now, column))
        text = cell_text(now.form, column, value)

        def changed(frame: pl.DataFrame, key: str) -> tuple[pl.Series, pl.Series]:
            everywhere = pl.repeat(True, len(frame), dtype=pl.Boolean, eager=True)
            return everywhere, pl.repeat(text, len(frame), dtype=pl.String, eager=True)

        return _draft(now, heap, live.flags_of(now, chosen), fields, changed)

    return _made(house, operation, Deed("change", {"column": column, "value": value}), draft, how)


def change_texts(
    house: House,
    operation: Operation,
    deed: Deed,
    column: str,
    picked: Callable[[Standing], Flags],
    changed: Callable[[pl.DataFrame, str], tuple[pl.Series, pl.Series]],
    how: How,
) -> Change:
    """Other texts in one column of the picked records. `changed(frame, name of its column)`: where, and to what."""

    def draft(now: Standing, heap: Heap) -> _Draft:
        fields = live.columns_of(now.form, live.column(now, column))
        return _draft(now, heap, picked(now), fields, lambda frame, key: changed(frame, f"c{fields[key]}"))

    return _made(house, operation, deed.saying(column=column), draft, how)


def set_cells(house: House, operation: Operation, cells: Sequence[tuple[int, str, Any]], how: How) -> Change:
    """(index, key, value) of single cells. BadRequest where there is no such record or column."""

    def draft(now: Standing, heap: Heap) -> _Draft:
        rows = np.array([row for row, _, _ in cells], np.int64)
        places = now.live.places(rows)
        for (row, key, _), place in zip(cells, places, strict=True):
            live.column(now, key)
            if place < 0 or now.live.state[place] == GONE:
                raise BadRequest(f"There is no record {row}.")
        frame = frame_of((row, key, cell_text(now.form, key, value)) for row, key, value in cells)
        before = _texts(now, frame)
        heap.add(frame.filter(before.ne_missing(frame["text"])))
        return _Draft(now.revision, len(set(rows.tolist())))

    return _made(house, operation, Deed("edit"), draft, how)


def _texts(now: Standing, frame: pl.DataFrame) -> pl.Series:
    """What stands in the cells of (row, key) now."""
    wanted = frame["row"].to_numpy()
    rows = distinct(wanted)
    whole = now.live.read(now.live.places(rows))
    at = np.searchsorted(rows, wanted)
    texts = pl.Series("text", [None], dtype=pl.String).new_from_index(0, len(frame))
    keys = frame["key"]
    for key in keys.unique():
        here = (keys == key).arg_true()
        cells = _column(whole, f"c{now.form.keys[key]}")
        texts = texts.scatter(here, cells.gather(at[here.to_numpy()]))
    return texts


def _column(frame: pl.DataFrame, name: str) -> pl.Series:
    if name in frame.columns:
        return frame[name]
    return pl.repeat(None, len(frame), dtype=pl.String, eager=True)


def _draft(
    now: Standing,
    heap: Heap,
    picked: Flags,
    fields: Mapping[str, int],
    changed: Callable[[pl.DataFrame, str], tuple[pl.Series, pl.Series]],
) -> _Draft:
    """`changed(frame, key)`: where the column is changed, and to what there. What is changed is judged while it is at
    hand: to read back what was just written costs more than all else."""
    sample: list[tuple[int, str, str | None, str | None]] = []
    foreseen: list[Foreseen | None] = []
    numbers = now.live.numbers

    def work(part: tuple[Rows, pl.DataFrame]) -> tuple[list[pl.DataFrame], Foreseen | None]:
        places, frame = part
        rows = pl.DataFrame([pl.Series("row", numbers[places]), pl.Series("at", np.arange(len(places)))])
        found, pieces = [], []
        for key, at in fields.items():
            hits, texts = changed(frame, key)
            if len(texts) == 0:
                continue
            cells = rows.with_columns(_column(frame, f"c{at}").alias("before"))
            cells = cells if len(texts) == len(cells) else cells.filter(hits)
            differ = texts.ne_missing(cells["before"])
            if not differ.all():
                cells, texts = cells.filter(differ), texts.filter(differ)
            if len(cells):
                pieces.append(Piece(key, cells["at"].to_numpy(), texts))
                found.append(cells.select("row", pl.lit(key).alias("key"), texts.alias("text"), "before"))
        return found, now.live.foresee(places, frame, pieces) if pieces else None

    columns = [*(f"c{at}" for at in fields.values()), *now.live.share_columns(set(fields))]
    for found, seen in in_order(now.live.stream(picked, columns), work):
        if found and len(sample) < SAMPLE:
            shown = pl.concat([cells.head(SAMPLE) for cells in found]).sort("row", maintain_order=True)
            for row, key, text, before_text in shown.head(SAMPLE - len(sample)).iter_rows():
                sample.append((row, key, before_text, text))
        for cells in found:
            heap.add(cells, cells["key"][0])
        if found:
            foreseen.append(seen)
    judged = tuple(one for one in foreseen if one is not None)
    whole = len(judged) == len(foreseen)
    return _Draft(now.revision, int(np.count_nonzero(picked)), tuple(sample), judged if whole else None)


def _made(
    house: House, operation: Operation, deed: Deed, draft: Callable[[Standing, Heap], _Draft], how: How
) -> Change:
    for _ in range(TRIES):
        with revisions.heap(house) as heap:
            with live.standing(house, operation) as now:
                _open(now.operation)
                made = draft(now, heap)
            cells = heap if made.cells is None else made.cells
            records = len(cells.rows)
            if records == 0 or how.dry_run:
                return Change(made.revision, len(cells), records, made.matched, made.sample)
            try:
                number = _commit(house, operation, deed, made.revision, cells, how)
            except _Faster:
                continue
            if made.foreseen is not None:
                live.expect(now, number, made.foreseen)
            return Change(number, len(cells), records, made.matched, made.sample)
    raise Conflict("Others are changing the same cells; please try again in a moment.")


def _commit(house: House, operation: Operation, deed: Deed, worked_out: int, cells: Heap | Spread, how: How) -> int:
    """`worked_out`: the revision that the cells were worked out as of."""

    def frame(last: int, seen: int) -> pl.DataFrame:
        return cells.frame(("row", "key")) if last > seen else frame_of(())

    if how.seen is not None:
        with read(house.engine) as connection:
            mine = frame(worked_out, how.seen)
            revisions.refuse_overtaken(house, connection, operation, mine, how.seen, worked_out)
    deed = deed.saying(columns=sorted(cells.keys))
    kept = revisions.kept(house, operation.id, cells)
    with write(house.engine) as connection:
        now = operations.get(connection, operation.id, operation.project_id, lock=True)
        _open(now)
        last, _ = operations.revision_numbers(connection, now.id)
        mine = frame(last, worked_out)
        if revisions.overtaken(house, connection, now, mine, worked_out, last):
            if how.seen is not None:
                revisions.refuse_overtaken(house, connection, now, mine, how.seen, last)
            raise _Faster
        return stored.add(connection, now.id, deed, how.person_id, kept)


def _open(operation: Operation) -> None:
    if operation.stage != "reviewing" or operation.work == "confirm":
        raise WrongStage("The data of this import cannot be changed now.", stage=operation.stage)


# A layer that was worked out elsewhere


@dataclass(frozen=True, slots=True)
class Put:
    """`kept`: cells and records that somebody else changed meanwhile, and that stay as they are."""

    revision: int
    cells: int
    records: int
    deleted: int
    kept: int


def put(
    house: House,
    operation: Operation,
    deed: Deed,
    layer: pl.DataFrame,
    how: How,
    overtaken: Literal["refuse", "keep", "overwrite"],
) -> Put:
    """Changes cells and deletes records as one revision. `layer`: `row`, `key`, `text` by row, worked out of what was
    seen; what stands so already, and records that are gone, are passed over. What somebody changed since is refused
    (`ChangedMeanwhile`), kept or overwritten."""
    made: Put = _published(lambda: _put(house, operation, deed, layer, how, overtaken))
    return made


def _put(
    house: House,
    operation: Operation,
    deed: Deed,
    layer: pl.DataFrame,
    how: How,
    overtaken: Literal["refuse", "keep", "overwrite"],
) -> Put:
    with live.standing(house, operation) as current:
        now, last = current.operation, current.revision
        _open(now)
        places = current.live.places(layer["row"].to_numpy())
        there = places >= 0
        there[there] = current.live.state[places[there]] != GONE
        layer = layer.filter(pl.Series(there))
        cells, gone = layer.filter(pl.col("key") != RECORD), layer.filter(pl.col("key") == RECORD)
        cells = cells.filter(pl.col("key").is_in(list(current.form.keys)))
        same = _trimmed(_texts(current, cells)) == _trimmed(cells["text"])
        cells = cells.filter(~same)
        keys = pl.DataFrame({"key": list(current.form.keys)}, schema={"key": pl.String})
    kept, seen = 0, last if how.seen is None else how.seen
    if overtaken != "overwrite" and seen < last and len(cells) + len(gone):
        shown = pl.concat([cells.select("row", "key"), gone.select("row").join(keys, how="cross")]).sort("row")
        with read(house.engine) as connection:
            if overtaken == "refuse":
                revisions.refuse_overtaken(house, connection, now, shown, seen, last)
            found = [both for _, both in revisions.changed_by(house, connection, now, shown, seen, last)]
        theirs = pl.concat([*found, shown.head(0)]).unique()
        before = len(cells) + len(gone)
        cells = cells.join(theirs, on=["row", "key"], how="anti", maintain_order="left")
        gone = gone.join(theirs, on="row", how="anti", maintain_order="left")
        kept = before - len(cells) - len(gone)
    frame = pl.concat([cells, gone]).sort("row", maintain_order=True)
    if len(frame) == 0 or how.dry_run:
        return Put(last, len(cells), cells["row"].n_unique(), len(gone), kept)
    taken = _Taken()
    if len(gone):
        with read(house.engine) as connection:
            taken = _taken(house, connection, now, gone["row"].to_numpy())
    stored_cells = revisions.kept(house, now.id, frame)
    deed = deed.saying(columns=sorted(frame["key"].unique().to_list()))
    with write(house.engine) as connection:
        held = _still(connection, now, last) if len(gone) else _unchanged(connection, now, last)
        number = stored.add(connection, now.id, deed, how.person_id, stored_cells)
        if len(gone):
            taken.publish(connection, held, removed=len(gone) - taken.rows)
    return Put(number, len(cells), cells["row"].n_unique(), len(gone), kept)


def _trimmed(texts: pl.Series) -> pl.Series:
    return texts.fill_null("").str.strip_chars(SPACE)


def _unchanged(connection: Connection, before: Operation, last: int) -> Operation:
    """The operation, locked, with the revisions that the work began with; _Faster if there are more."""
    now = operations.get(connection, before.id, before.project_id, lock=True)
    _open(now)
    if operations.revision_numbers(connection, now.id)[0] != last:
        raise _Faster
    return now


def refuse_closed(operation: Operation) -> None:
    """WrongStage where its data cannot be changed."""
    _open(operation)


# Deleting


def delete(house: House, operation: Operation, indexes: Sequence[int] | Rows, how: How | None = None) -> Change:
    """Deletes rows as one revision; pages and counters follow at once (contract 2.10). A review that runs meanwhile is
    waited for, because both would publish the next version."""
    how = how or How()
    wanted = distinct(np.array(indexes, np.int64))
    made: Change = _published(lambda: _delete(house, operation, wanted, how))
    return made


def delete_chosen(house: House, operation: Operation, chosen: Filter, how: How) -> Change:
    """The same for all records of a filter."""

    def attempt() -> Change:
        with live.standing(house, operation) as now:
            wanted = np.sort(now.live.numbers[live.flags_of(now, chosen)])
        return _delete(house, operation, wanted, how)

    made: Change = _published(attempt)
    return made


def _published(attempt: Callable[[], Any]) -> Any:
    """Tries again while a review runs, or somebody else was faster."""
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            return attempt()
        except _Faster:
            if time.monotonic() > deadline:
                raise Conflict("The data is being reviewed. Please try again when that is done.") from None
            time.sleep(0.05)


def _delete(house: House, operation: Operation, wanted: Rows, how: How) -> Change:
    with read(house.engine) as connection:
        now = operations.get(connection, operation.id, operation.project_id)
        _open(now)
        last, _ = operations.revision_numbers(connection, now.id)
        there = wanted[existing(now, wanted, revisions.standing(house, connection, now.id, wanted.tolist()))]
        taken = _taken(house, connection, now, there)
    if len(there) == 0 or how.dry_run:
        return Change(last, len(there), len(there), len(wanted))
    frame = pl.DataFrame({"row": there}, schema={"row": pl.Int64}).select(
        "row", pl.lit(RECORD).alias("key"), pl.lit(DELETED).alias("text")
    )
    if how.seen is not None:
        with read(house.engine) as connection:
            touched, _ = revisions.touched(house, connection, now.id, how.seen, last)
            both = np.intersect1d(touched, there)
            if len(both):
                shown = frame_of(
                    (int(row), key, None) for row in both[: revisions.CONFLICTS_SHOWN] for key in form_of(now).keys
                )
                revisions.refuse_overtaken(house, connection, now, shown, how.seen, last)
    with revisions.heap(house) as heap:
        heap.add(frame)
        cells = revisions.kept(house, operation.id, heap)
    with write(house.engine) as connection:
        held = _still(connection, now, last)
        number = stored.add(connection, now.id, Deed("delete", {"columns": [RECORD]}), how.person_id, cells)
        taken.publish(connection, held, removed=len(there) - taken.rows)
    return Change(number, len(there), len(there), len(wanted))


def existing(operation: Operation, rows: Rows, cells: Cells) -> Flags:
    """Which of these rows are records now, reviewed or not: those of the file that nobody deleted, and those that
    people added."""
    first = int(operation.detail.get("header_row", -1)) + 1
    found: Flags = (rows >= first) & (rows < operation.rows_read)
    marks = cells.at(rows).filter(pl.col("key") == RECORD)
    texts = marks["text"]
    found[marks.filter(texts == DELETED)["at"].to_numpy()] = False
    found[marks.filter(texts == ADDED)["at"].to_numpy()] = True
    return found


def _still(connection: Connection, before: Operation, last: int) -> Operation:
    """The operation, locked, as it was when the work began; _Faster if it is not."""
    now = operations.get(connection, before.id, before.project_id, lock=True)
    _open(now)
    if now.work or now.version != before.version or operations.revision_numbers(connection, now.id)[0] != last:
        raise _Faster
    return now


@dataclass
class _Taken:
    """Rows taken out of the published masks: new ones for their parts, stored already."""

    masks: list[MaskRow] = field(default_factory=list)
    valid: int = 0
    invalid: int = 0

    @property
    def rows(self) -> int:
        return self.valid + self.invalid

    def publish(self, connection: Connection, now: Operation, *, removed: int = 0, returned: int = 0) -> None:
        """`removed`, `returned`: rows that wait for their first verdict, and counted or count as invalid."""
        values: dict[str, Any] = {}
        if self.masks:
            manifest.add_masks(connection, now.id, TABLE, now.version + 1, self.masks)
            values["version"] = now.version + 1
        elif removed:
            values["version"] = now.version + 1
        waiting = returned - removed
        operations.change(
            connection,
            now.id,
            valid=now.valid - self.valid,
            invalid=max(0, now.invalid - self.invalid + waiting),
            total=max(0, now.total - self.rows + waiting),
            **values,
        )


def _taken(house: House, connection: Connection, now: Operation, rows: Rows) -> _Taken:
    """Takes the rows out of the masks that show them."""
    found = _Taken()
    directory = directory_of(connection, now)
    for entry, offsets in directory.find(rows.tolist(), house.objects.local_path):
        assert entry.mask_object is not None
        held = masks.read_mask(house.objects.local_path(entry.mask_object))
        offsets = offsets[held.state[offsets] != GONE]
        if len(offsets) == 0:
            continue
        mask = masks.Mask(np.array(held.state), np.array(held.words))
        found.valid += int(np.count_nonzero(mask.state[offsets] == VALID))
        found.invalid += int(np.count_nonzero(mask.state[offsets] == INVALID))
        mask.state[offsets] = GONE
        mask.words[offsets] = 0
        name = f"{now.id}/masks/{entry.number:07}-deleted-{secrets.token_hex(8)}"
        house.objects.put_bytes(name, masks.mask_bytes(mask))
        found.masks.append(MaskRow(entry.number, mask.valid, mask.invalid, name, None, now.attempt))
    return found


# Undo and redo


def undo(house: House, operation: Operation, number: int, how: How) -> Undone:
    """Takes a revision out of the stack; an undo is undone by taking its revision back in. NotFound, or BadRequest
    where it is out already."""
    return _turned(house, operation, number, stored.UNDO, how)


def redo(house: House, operation: Operation, number: int, how: How) -> Undone:
    return _turned(house, operation, number, stored.REDO, how)


def _turned(house: House, operation: Operation, number: int, kind: str, how: How) -> Undone:
    made: Undone = _published(lambda: _turn(house, operation, number, kind, how))
    return made


def _turn(house: House, operation: Operation, number: int, kind: str, how: How) -> Undone:
    with read(house.engine) as connection:
        now = operations.get(connection, operation.id, operation.project_id)
        _open(now)
        last, _ = operations.revision_numbers(connection, now.id)
        target, kind = _target(connection, now, number, kind)
        out = stored.undone(connection, now.id)
        if (target.number in out) == (kind == stored.UNDO):
            said = "is undone already" if kind == stored.UNDO else "is not undone"
            raise BadRequest(f"Revision {number} {said}.")
        later = revisions.standing(house, connection, now.id, after=target.number)
        turned, kept, marked = target.cells, 0, revisions.layer_of(house, connection, now.id, target).marks()["row"]
        if later or (how.seen is not None and how.seen < last):
            frame = revisions.cells_of(house, connection, now.id, target)
            over = later.of_rows(distinct(frame["row"].to_numpy())).select("row", "key")
            frame = frame.join(over, on=["row", "key"], how="anti", maintain_order="left")
            turned, kept = len(frame), target.cells - len(frame)
            marked = frame.filter(pl.col("key") == RECORD)["row"]
            if how.seen is not None:
                revisions.refuse_overtaken(house, connection, now, frame, how.seen, last)
        # Records that it makes, or takes away.
        rows = marked.to_numpy()
        before = existing(now, rows, revisions.standing(house, connection, now.id, rows.tolist()))
        turned_out = out ^ {target.number}
        after = existing(now, rows, revisions.standing(house, connection, now.id, rows.tolist(), out=turned_out))
        gone = rows[before & ~after]
        taken = _taken(house, connection, now, gone) if len(gone) and not how.dry_run else _Taken()
    if how.dry_run:
        return Undone(last, turned, kept)
    with write(house.engine) as connection:
        held = _still(connection, now, last)
        own = stored.add(connection, now.id, Deed(kind, undoes=target.number), how.person_id, {})
        returned = int(np.count_nonzero(~before & after))
        if len(gone) or returned:
            taken.publish(connection, held, removed=len(gone) - taken.rows, returned=returned)
    return Undone(own, turned, kept)


def _target(connection: Connection, operation: Operation, number: int, kind: str) -> tuple[stored.Revision, str]:
    """The revision that is to be turned, and how: to undo an undo is to redo what it undid."""
    named = stored.get(connection, operation.id, number)
    if named is None:
        raise NotFound(f"There is no revision {number}.")
    if named.kind in revisions.MAPPINGS:
        raise BadRequest("A changed mapping is taken back by choosing the former one.")
    if named.undoes is None:
        return named, kind
    target = stored.get(connection, operation.id, named.undoes)
    assert target is not None
    if named.kind == stored.UNDO:
        kind = stored.REDO if kind == stored.UNDO else stored.UNDO
    return target, kind


# What happened


@dataclass(frozen=True, slots=True)
class Entry:
    """One revision of the list; `by` is (id, name) of the person, None where a program did it by key."""

    revision: stored.Revision
    by: tuple[str, str] | None
    undone: bool


def listed(house: House, operation: Operation, page: int, limit: int) -> tuple[list[Entry], int, int]:
    """(revisions, newest first; how many there are; the number of the last)."""
    with read(house.engine) as connection:
        found = stored.listed(connection, operation.id, (page - 1) * limit, limit)
        out = stored.undone(connection, operation.id)
        names = _names(connection, [one.person_id for one in found])
        last, _ = operations.revision_numbers(connection, operation.id)
        entries = [Entry(one, names.get(one.person_id or ""), one.number in out) for one in found]
        return entries, stored.count(connection, operation.id), last


@dataclass(frozen=True, slots=True)
class Past:
    """Of one cell: what the file says, what stands, and (revision, text) of each change, oldest first. `line` is 0
    where a person added the record."""

    line: int
    original: str | None
    value: str | None
    changes: tuple[tuple[Entry, str | None], ...]
    revision: int


def history(house: House, operation: Operation, index: int, key: str) -> Past:
    """BadRequest where there is no such record or column."""
    with live.standing(house, operation) as now, read(house.engine) as connection:
        live.column(now, key)
        place = now.live.places(np.array([index]))[0]
        found = []
        out = stored.undone(connection, operation.id)
        for one in stored.between(connection, operation.id, 0, now.revision):
            if one.undoes is None and one.first_row <= index <= one.last_row:
                for row, its_key, text in _cells_of_row(house, connection, operation, one, index):
                    if row == index and its_key == key:
                        found.append((one, text))
        if place < 0 and not found:
            raise BadRequest(f"There is no record {index}.")
        names = _names(connection, [one.person_id for one, _ in found])
        changes = tuple((Entry(one, names.get(one.person_id or ""), one.number in out), text) for one, text in found)
        original = now.live.original(index, key)
        standing = [text for entry, text in changes if not entry.undone]
        line = now.live.line_of(int(place)) if place >= 0 else 0
        return Past(line, original, standing[-1] if standing else original, changes, now.revision)


def _cells_of_row(
    house: House, connection: Connection, operation: Operation, one: stored.Revision, row: int
) -> Iterator[tuple[int, str, str | None]]:
    if one.object is None:
        for _, its_row, key, text in stored.cells(connection, operation.id, [row], numbers=[one.number]):
            yield its_row, key, text
        return
    layer = Cells.open([house.objects.local_path(one.object)])
    yield from layer.of_rows(np.array([row])).iter_rows()


def _names(connection: Connection, person_ids: Sequence[str | None]) -> dict[str, tuple[str, str]]:
    found = {}
    for person_id in {one for one in person_ids if one is not None}:
        person = people.get(connection, person_id)
        if person is not None:
            found[person_id] = (person.id, f"{person.first_name} {person.last_name}".strip() or person.email)
    return found
