"""Live tables of imports in review: kept in memory while they are looked at, brought up to the last revision at each
call, and searched, sorted and counted. What is kept here is made anew from the store whenever it is not here."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from douane.errors import BadRequest, WrongStage
from douane.flow import among, imports, revisions
from douane.flow.forms import Form, chosen_of, form_of, headings_of
from douane.flow.house import House
from douane.flow.records import Record, record_id
from douane.flow.work import TABLE
from douane.jobs.children import stream_child
from douane.line.sheet import Encode
from douane.line.staged import Part
from douane.model.operation import Operation
from douane.model.sheet_import import sheet_detail
from douane.sheet.ordering import order_of, ranked
from douane.sheet.searching import Search
from douane.staging.live import Flags, Foreseen, Live, LivePart, Remembered
from douane.staging.masks import GONE, INVALID, VALID, Mask, write_mask
from douane.staging.parts import Rows, distinct, read_part, write_part
from douane.staging.revisions import RECORD, Cells
from douane.staging.turns import in_order
from douane.store import manifest, operations
from douane.store import revisions as stored
from douane.store.database import read

TABLES_KEPT = 64
ROWS_KEPT = 8_000_000  # records of all tables that are kept in memory
SELECTIONS_KEPT = 4  # of a table
TURNED_ROWS = 10_000  # that a change touches from which on the verdicts before it are remembered until the next one
PREPARED_ROWS = 50_000  # of a table from which on a change may be a child's, and is not to wait for what those load
_LOOKED_AT_FIRST = 2  # parts that are searched one by one
SORTED_ROWS = 50_000  # of a sorted download that are held at once


@dataclass(frozen=True, slots=True)
class Filter:
    """What a record must be to be in a list; all that is given holds together. `find`: see `sheet/searching.py`."""

    type: Literal["all", "valid", "invalid"] = "all"
    problem_column: str | None = None
    rule: str | None = None
    changed: bool | None = None
    find: str | None = None
    find_in: str | None = None
    case_sensitive: bool = False
    whole: bool = False

    @property
    def search(self) -> Search | None:
        return None if self.find is None else Search(self.find, self.case_sensitive, self.whole)


@dataclass(frozen=True, slots=True)
class Order:
    """`column`: a field's key; None = as in the file."""

    column: str | None = None
    down: bool = False


Spec = tuple[Search, str | None]


@dataclass(frozen=True, slots=True)
class _Turn:
    """The verdicts on the other side of a large change, which is the last one as of revision `at`: whoever takes
    revision `turned` out, or in again, need not judge a million records anew."""

    turned: int
    at: int
    other: Remembered


@dataclass
class Standing:
    """A live table as of `revision`; to be used within `standing` only."""

    operation: Operation
    form: Form
    live: Live
    revision: int
    hits: dict[Spec, dict[int, Flags]] = field(default_factory=dict)  # search -> start of a part -> its rows
    orders: dict[tuple[str, bool], Rows] = field(default_factory=dict)
    selections: OrderedDict[tuple[Filter, Order], Rows] = field(default_factory=OrderedDict)
    turn: _Turn | None = None
    coming: tuple[int, Sequence[Foreseen]] | None = None  # a revision, and what was judged while it was worked out


@dataclass
class _Kept:
    lock: threading.RLock = field(default_factory=threading.RLock)
    base: tuple[object, ...] = ()
    standing: Standing | None = None


class _Tables:
    """Those that were asked for last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def of(self, operation_id: str) -> _Kept:
        with self._lock:
            kept = self._kept.setdefault(operation_id, _Kept())
            self._kept.move_to_end(operation_id)
            sizes = [len(one.standing.live.state) if one.standing else 0 for one in self._kept.values()]
            while len(self._kept) > 1 and (sum(sizes) > ROWS_KEPT or len(sizes) > TABLES_KEPT):
                self._kept.popitem(last=False)
                sizes.pop(0)
            return kept

    def drop(self, operation_id: str) -> None:
        with self._lock:
            self._kept.pop(operation_id, None)


_tables = _Tables()


@contextmanager
def standing(house: House, operation: Operation) -> Iterator[Standing]:
    """The live table as of now; calls for the same import wait for each other. WrongStage unless it was checked."""
    kept = _tables.of(operation.id)
    with kept.lock:
        # What fails half way is good for nothing.
        old, kept.standing = kept.standing, None
        now = _brought_up(house, operation, kept, old)
        kept.standing = now
        yield now


def drop(operation_id: str) -> None:
    """Nothing of an import is kept in memory: what people added to it are texts."""
    _tables.drop(operation_id)


def expect(now: Standing, number: int, foreseen: Sequence[Foreseen]) -> None:
    """What revision `number` makes of the verdicts, worked out on this table as it stands before it."""
    kept = _tables.of(now.operation.id)
    with kept.lock:
        if kept.standing is now and now.revision == number - 1:
            now.coming = number, foreseen


def _brought_up(house: House, operation: Operation, kept: _Kept, old: Standing | None) -> Standing:
    with read(house.engine) as connection:
        now = operations.get(connection, operation.id, operation.project_id)
        if now.stage not in ("reviewing", "processing", "completed") or (now.version == 0 and now.source_object):
            raise WrongStage("The data of this import is not checked.", stage=now.stage)
        last, reviewed = operations.revision_numbers(connection, now.id)
        form = form_of(now)
        # A deletion publishes a version too, and is a revision like all others.
        detail = sheet_detail(now)
        made = None if detail.check is None else detail.check.stamp
        read_as = (detail.header_row, detail.readings, detail.forgotten)
        base = (reviewed, form.checker.stamp, imports.current(now), made, read_as)
        if old is not None and kept.base == base and old.revision <= last:
            old.operation = now
            if old.revision == last:
                return old
            news = stored.between(connection, now.id, old.revision, last)
            rows, keys = revisions.touched(house, connection, now.id, old.revision, last)
            cells = revisions.standing(house, connection, now.id)
            parts = []
        else:
            news = None
            rows, keys = revisions.touched(house, connection, now.id, reviewed, last)
            cells = revisions.standing(house, connection, now.id)
            masks = manifest.masks(connection, now.id, TABLE, now.version)
            parts = [
                LivePart(row.first_row, row.rows, row.object, masks[row.number].object, masks[row.number].hash_object)
                for row in manifest.parts(connection, now.id, TABLE)
                if row.first_row >= 0 and row.number in masks
            ]
    if old is not None and news is not None:
        _advance(old, cells, rows, keys, news)
        _forget(old, rows, keys)
        old.revision = last
        return old
    first_data_row = int(now.detail.get("header_row", -1)) + 1
    live = Live(among.knowing(house, now, form.checker), parts, form.keys, first_data_row, house.objects.local_path)
    if imports.current(now) or not parts:
        live.load(cells, rows, keys)
    else:
        live.judge_all(cells)
    kept.base = base
    if live.rows_of_file >= PREPARED_ROWS:
        house.seats.prepare()
    return Standing(now, form, live, last)


def _advance(old: Standing, cells: Cells, rows: Rows, keys: frozenset[str], news: Sequence[stored.Revision]) -> None:
    """To what stands after the revisions `news`, which touched these rows and columns."""
    turn, old.turn = old.turn, None
    coming, old.coming = old.coming, None
    one = news[0] if len(news) == 1 else None
    foreseen = coming[1] if coming is not None and one is not None and coming[0] == one.number else None
    if one is None or len(rows) < TURNED_ROWS or RECORD in keys or rows[-1] >= old.live.rows_of_file:
        old.live.advance(cells, rows, keys, foreseen)
    elif turn is not None and one.undoes == turn.turned and turn.at == old.revision:
        old.turn = _Turn(turn.turned, one.number, old.live.turn(cells, turn.other))
    else:
        other = old.live.remembered()
        old.live.advance(cells, rows, keys, foreseen)
        old.turn = _Turn(one.undoes or one.number, one.number, other)


def _forget(old: Standing, rows: Rows, keys: frozenset[str]) -> None:
    """What the changed cells make untrue."""
    old.selections.clear()
    outside = bool(len(rows)) and (rows[-1] >= old.live.rows_of_file or rows[0] < old.live.first_data_row)
    if outside or RECORD in keys:
        old.orders.clear()
    for column, down in list(old.orders):
        if column in keys:
            del old.orders[column, down]
    starts = [part.first_row for part in old.live.parts]
    ends = np.searchsorted(rows, [*starts, old.live.rows_of_file])
    touched = {start for start, low, high in zip(starts, ends, ends[1:], strict=False) if low < high}
    for found in old.hits.values():
        for start in [*touched, old.live.rows_of_file]:
            found.pop(start, None)


# Showing


@dataclass(frozen=True, slots=True)
class LivePage:
    """`total` and `pages` are None where a text was not looked for to the end."""

    records: tuple[Record, ...]
    total: int | None
    revision: int


def page(house: House, operation: Operation, wanted: Filter, order: Order, number: int, limit: int) -> LivePage:
    """Records of a filter, `number` from 1, as they stand now."""
    with standing(house, operation) as now:
        first = (number - 1) * limit
        places, whole = places_of(now, wanted, order, first + limit + 1)
        shown = tuple(records_at(now, places[first : first + limit]))
        return LivePage(shown, len(places) if whole else None, now.revision)


def records_of(house: House, operation: Operation, rows: Sequence[int]) -> list[Record]:
    """The records with these numbers, ascending, those that are none left out."""
    with standing(house, operation) as now:
        places = distinct(now.live.places(np.array(rows, np.int64)))
        places = places[places >= 0]
        return list(records_at(now, places[now.live.state[places] != GONE]))


def records_at(now: Standing, places: Rows) -> Iterator[Record]:
    live, form = now.live, now.form
    if len(places) == 0:
        return
    frame = live.read(places)
    rows = live.numbers_at(places)
    problems = form.checker.problems(frame, live.words[places])
    changed: dict[int, dict[str, bool]] = {}
    for key, places_changed, _ in live.cells.pieces(rows):
        for at in places_changed.tolist() if key != RECORD else ():
            changed.setdefault(at, {})[key] = True
    lines = frame["_line"].to_list()
    for at, (row, record, found) in enumerate(zip(rows.tolist(), form.output.records(frame), problems, strict=True)):
        valid = bool(live.state[places[at]] == VALID)
        updated = changed.get(at, {})
        yield Record(record_id(now.operation.id, row), row, lines[at], valid, record, tuple(found), updated)


@dataclass(frozen=True, slots=True)
class Counts:
    """Of the whole import, but `matched`, which is of a filter (None where there was none to count). `columns`: records
    with a problem in it; `rules`: (column, rule, is it a warning, records)."""

    total: int
    valid: int
    invalid: int
    changed: int
    matched: int | None
    columns: dict[str, int]
    rules: tuple[tuple[str | None, str, bool, int], ...]
    revision: int


def counts(house: House, operation: Operation, wanted: Filter | None = None) -> Counts:
    with standing(house, operation) as now:
        live = now.live
        valid, invalid, changed = live.counts()
        matched = None if wanted is None else len(places_of(now, wanted)[0])
        rules = tuple(
            (rule.column, rule.name, rule.warning, int(count))
            for rule in now.form.checker.rules
            if (count := live.rule_counts[rule.bit])
        )
        columns = dict(zip(live.columns, live.column_counts.tolist(), strict=True))
        return Counts(valid + invalid, valid, invalid, changed, matched, columns, rules, now.revision)


@dataclass(frozen=True, slots=True)
class Next:
    """`position`: the record's place in the list of the filter, from 0; `columns`: those with a problem."""

    index: int
    position: int
    columns: tuple[str, ...]


def next_record(
    house: House, operation: Operation, wanted: Filter, after: int | None, *, up: bool = False
) -> tuple[Next | None, int]:
    """The record of a filter that comes after (`up`: before) the one with the index `after`, in the order of the file;
    None = the first (last). And the revision."""
    with standing(house, operation) as now:
        live = now.live
        places, _ = places_of(now, wanted)
        if after is None:
            start = len(live.state) if up else -1
        else:
            start = int(live.places(np.array([after]))[0])
            if start < 0:  # no record of the table: where it would stand
                beyond = after >= live.rows_of_file
                start = live.rows_of_file + int(np.searchsorted(live.added, after)) if beyond else after
                start -= 0 if up else 1
        at = int(np.searchsorted(places, start, "left")) - 1 if up else int(np.searchsorted(places, start, "right"))
        if not 0 <= at < len(places):
            return None, now.revision
        place = places[at]
        wrong = [
            rule.column
            for rule in now.form.checker.rules
            if not rule.warning
            and rule.column is not None
            and int(live.words[place, rule.bit // 64]) >> (rule.bit % 64) & 1
        ]
        found = Next(int(live.numbers_at(places[at : at + 1])[0]), at, tuple(dict.fromkeys(wrong)))
        return found, now.revision


def export(
    house: House, operation: Operation, wanted: Filter, format: str, order: Order | None = None
) -> Iterator[bytes]:
    """All records of a filter as one file, encoded by a helper process and streamed, as `records.export`. Nobody waits
    for who takes it slowly: what is chosen is laid out for the helper first."""
    if order is not None and order != Order():
        return _export_in_order(house, operation, wanted, format, order)
    with standing(house, operation) as now:
        chosen = flags_of(now, wanted)
        live, operation, revision = now.live, now.operation, now.revision
        added = live.added_frame[np.flatnonzero(chosen[live.rows_of_file :])]
    return _encoded(house, operation, live.parts, chosen, added, revision, format)


def _export_in_order(house: House, operation: Operation, wanted: Filter, format: str, order: Order) -> Iterator[bytes]:
    with standing(house, operation) as now:
        places, _ = places_of(now, wanted, order)
        # What is read of it does not change: an advance puts other cells in their place.
        live, operation = copy(now.live), now.operation
    seat = house.seats.take()
    try:
        parts, verdicts = [], []
        for number, frame in enumerate(_in_order(live, places, seat.inputs)):
            path = seat.inputs / f"sorted-{number:07}"
            write_part(frame, path)
            parts.append(Part(number, number * SORTED_ROWS, len(frame), path))
            verdicts.append(view_of(np.ones(len(frame), np.bool_), seat.inputs / f"chosen-{number:07}"))
        yield from stream_child(_spec(operation, parts, verdicts, (), format), seat)
    finally:
        seat.clear()


def _in_order(live: Live, places: Rows, folder: Path) -> Iterator[pl.DataFrame]:
    """The records at these places in this order, SORTED_ROWS at a time. Each part is read once: its records go to the
    pieces that they are of, and each piece is put in order by itself."""
    if len(places) <= SORTED_ROWS:
        if len(places):
            yield live.read(places)
        return
    ranks = np.full(len(live.state), -1, np.int64)
    ranks[places] = np.arange(len(places))
    pieces: dict[int, list[Path]] = {}
    for number, (inside, frame) in enumerate(live.stream(ranks >= 0)):
        own = ranks[inside]
        for piece in np.unique(own // SORTED_ROWS).tolist():
            path = folder / f"piece-{piece:07}-{number:07}"
            held = own // SORTED_ROWS == piece
            write_part(frame.filter(pl.Series(held)).with_columns(pl.Series("_rank", own[held])), path)
            pieces.setdefault(piece, []).append(path)
    for piece in sorted(pieces):
        whole = pl.concat([read_part(path) for path in pieces[piece]], how="diagonal")
        for path in pieces[piece]:
            path.unlink()
        yield whole[np.argsort(whole["_rank"].to_numpy())].drop("_rank")


def _encoded(
    house: House,
    operation: Operation,
    live_parts: tuple[LivePart, ...],
    chosen: Flags,
    added: pl.DataFrame,
    revision: int,
    format: str,
) -> Iterator[bytes]:
    seat = house.seats.take()
    try:
        parts: list[Part] = []
        verdicts: list[Path] = []
        for number, part in enumerate(live_parts):
            inside = chosen[part.first_row : part.first_row + part.rows]
            if inside.any():
                path = house.objects.link_into(part.object, seat.inputs)
                parts.append(Part(number, part.first_row, part.rows, path))
                verdicts.append(view_of(inside, seat.inputs / f"chosen-{number:07}"))
        if len(added):
            path = seat.inputs / "added"
            write_part(added, path)
            parts.append(Part(len(live_parts), -1, len(added), path))
            verdicts.append(view_of(np.ones(len(added), np.bool_), seat.inputs / "chosen-added"))
        with read(house.engine) as connection:
            cells = revisions.lay_out(house, connection, operation.id, seat.inputs, upto=revision)
        yield from stream_child(_spec(operation, parts, verdicts, cells, format), seat)
    finally:
        seat.clear()


def _spec(
    operation: Operation, parts: Sequence[Part], verdicts: Sequence[Path], cells: Sequence[Path], format: str
) -> Encode:
    return Encode(
        parts=tuple(parts),
        masks=tuple(verdicts),
        template=sheet_detail(operation).template,
        headings=headings_of(operation),
        chosen=chosen_of(operation),
        cells=tuple(cells),
        view="all",
        format=format,
    )


def view_of(chosen: Flags, path: Path) -> Path:
    state = np.where(chosen, np.uint8(VALID), np.uint8(GONE))
    write_mask(Mask(state, np.zeros((len(state), 1), np.uint64)), path)
    return path


# Choosing


def flags(now: Standing, wanted: Filter) -> Flags:
    """Where all of the filter but its text holds. BadRequest for a column or rule that is none."""
    live = now.live
    chosen = live.standing()
    if wanted.type != "all":
        chosen = chosen & (live.state == (VALID if wanted.type == "valid" else INVALID))
    if wanted.changed is not None:
        chosen = chosen & (live.changed if wanted.changed else ~live.changed)
    if wanted.problem_column is not None or wanted.rule is not None:
        rules = now.form.checker.rules
        if wanted.problem_column is not None and wanted.problem_column not in now.form.keys:
            raise BadRequest(f"There is no column {wanted.problem_column!r}.")
        if wanted.rule is not None and wanted.rule not in {rule.name for rule in rules}:
            raise BadRequest(f"There is no rule {wanted.rule!r} in this import.")
        bits = [
            rule.bit
            for rule in rules
            if wanted.problem_column in (None, rule.column)
            and (rule.name == wanted.rule if wanted.rule is not None else not rule.warning)
        ]
        chosen = chosen & live.with_bits(bits)
    return chosen


def flags_of(now: Standing, wanted: Filter) -> Flags:
    """Where all of a filter holds."""
    chosen = flags(now, wanted)
    if wanted.search is not None:
        for start, hits in _hits(now, (wanted.search, column(now, wanted.find_in))):
            chosen[start : start + len(hits)] &= hits
    return chosen


def places_of(now: Standing, wanted: Filter, order: Order | None = None, need: int | None = None) -> tuple[Rows, bool]:
    """The places of a list's records, in its order; with `need` at least so many, and whether these are all."""
    order = order or Order()
    held = now.selections.get((wanted, order))
    if held is not None:
        now.selections.move_to_end((wanted, order))
        return held, True
    chosen = flags(now, wanted)
    if wanted.search is not None:
        spec = (wanted.search, column(now, wanted.find_in))
        found = 0
        reached = 0
        for start, hits in _hits(now, spec):
            chosen[start : start + len(hits)] &= hits
            reached = start + len(hits)
            found += int(np.count_nonzero(chosen[start:reached])) if need is not None else 0
            if need is not None and order.column is None and found >= need and reached < len(chosen):
                return np.flatnonzero(chosen[:reached]), False
    if order.column is None:
        places = np.flatnonzero(chosen)
        if order.down:
            places = places[::-1]
    else:
        ordered = _ordered(now, order)
        places = ordered[chosen[ordered]]
    now.selections[wanted, order] = places
    while len(now.selections) > SELECTIONS_KEPT:
        now.selections.popitem(last=False)
    return places, True


def column(now: Standing, key: str | None) -> str | None:
    """BadRequest where it is none."""
    if key is not None and key not in now.form.keys:
        raise BadRequest(f"There is no column {key!r}.")
    return key


def columns_of(form: Form, key: str | None) -> Mapping[str, int]:
    """The fields that a search looks into: their `c` columns."""
    return dict(form.keys) if key is None else {key: form.keys[key]}


def _hits(now: Standing, spec: Spec) -> Iterator[tuple[int, Flags]]:
    """Part by part where a text is found: (place of the first record, one flag a record)."""
    search, key = spec
    names = [f"c{at}" for at in columns_of(now.form, key).values()]
    known = now.hits.setdefault(spec, {})
    if len(now.hits) > SELECTIONS_KEPT:
        now.hits.pop(next(iter(now.hits)))
    live = now.live
    spans = [(part.first_row, part.first_row + part.rows) for part in live.parts]
    if len(live.state) > live.rows_of_file:
        spans.append((live.rows_of_file, len(live.state)))

    def found(span: tuple[int, int]) -> tuple[int, Flags]:
        start, end = span
        if start not in known:
            known[start] = found_in(live.read(np.arange(start, end), names), names, search)
        return start, known[start]

    # Who wants a page has it with the first parts, most often, and is not to wait for others that were begun ahead.
    yield from map(found, spans[:_LOOKED_AT_FIRST])
    yield from in_order(spans[_LOOKED_AT_FIRST:], found)


def found_in(frame: pl.DataFrame, names: list[str], search: Search) -> Flags:
    """One flag a row: whether any of the columns holds the text. A column that no row has is of empty cells."""
    present = set(frame.columns)
    found = np.zeros(len(frame), np.bool_)
    for name in names:
        if name in present:
            found |= search.hits(frame[name]).to_numpy()
        elif search.find == "":
            found[:] = True
    return found


def _ordered(now: Standing, order: Order) -> Rows:
    """Every place of the table in the order of a column."""
    key = order.column
    assert key is not None
    if (key, order.down) not in now.orders:
        column(now, key)
        name = f"c{now.form.keys[key]}"
        known = next((one for one in now.form.template.columns if one.key == key), None)
        live = now.live
        spans = [(part.first_row, part.first_row + part.rows) for part in live.parts]
        spans.append((live.rows_of_file, len(live.state)))
        made = []
        for start, end in spans:
            frame = live.read(np.arange(start, end), [name])
            nothing = pl.repeat(None, end - start, dtype=pl.String, eager=True)
            made.append(ranked(frame[name] if name in frame.columns else nothing, known))
        if len(now.orders) >= SELECTIONS_KEPT:
            now.orders.pop(next(iter(now.orders)))
        now.orders[key, order.down] = order_of(pl.concat(made), down=order.down).to_numpy().astype(np.int64)
    return now.orders[key, order.down]
