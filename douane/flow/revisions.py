"""The revisions of an import as layers over its parts: few cells from SQL, many from objects, in their order."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from sqlalchemy import Connection

from douane.errors import Conflict
from douane.flow.house import House
from douane.model.operation import Operation
from douane.staging.parts import Rows, distinct, write_part
from douane.staging.revisions import RECORD, Across, Cells, Heap, Held, Layer, Stored, frame_of, read_cells, write_cells
from douane.staging.spread import Spread
from douane.store import operations, revisions
from douane.store.revisions import Columnar, Revision

CONFLICTS_SHOWN = 100
MAPPINGS = ("mapping", "reading")  # kinds of revisions that change no cell, but what the cells' keys mean
CELLS_KEPT = 10_000_000  # whose row numbers are kept in memory
CELLS_IN_SQL = 1000  # a revision of more cells is a columnar part


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell that a change would overwrite though somebody changed it since: what it holds now, who changed it when."""

    row: int
    key: str
    text: str | None
    revision: int
    at: datetime
    by: str | None


class ChangedMeanwhile(Conflict):
    """Somebody else changed the same cells after the revision that the caller knows. `cells`: the first of them."""

    code = "changed_meanwhile"

    def __init__(self, cells: Sequence[Cell], revision: int) -> None:
        super().__init__("Somebody else has changed this meanwhile; nothing was changed.")
        self.cells = tuple(cells)
        self.revision = revision


def standing(
    house: House,
    connection: Connection,
    operation_id: str,
    rows: Sequence[int] | None = None,
    *,
    upto: int | None = None,
    after: int = 0,
    out: frozenset[int] | None = None,
) -> Cells:
    """What stands of the given rows (None = all), after revision `upto` (None = now); `after`: only what later
    revisions than this say; `out`: as if these were the undone ones."""
    if out is None:
        out = revisions.undone(connection, operation_id, upto)
    return _opened(house, _layers(connection, operation_id, rows, upto, out, after))


def ever(house: House, connection: Connection, operation_id: str, rows: Sequence[int]) -> Cells:
    """All that was ever said of the rows, undone or not: ask it for `every` layer."""
    return _opened(house, _layers(connection, operation_id, rows, None, frozenset()))


def _opened(house: House, layers: Iterator[Revision | pl.DataFrame]) -> Cells:
    return Cells([Held(layer) if isinstance(layer, pl.DataFrame) else _stored(house, layer) for layer in layers])


class _Layers:
    """Columnar revisions that were used last: their files never change, so only their size is bounded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[Stored, int]] = OrderedDict()

    def get(self, house: House, one: Revision) -> Stored:
        name = one.object
        assert name is not None
        marked = RECORD in one.document.get("columns", (RECORD,))
        return self._keep(name, Stored(partial(house.objects.local_path, name), marked=marked), one.cells)

    def put(self, house: House, name: str, cells: Heap | Spread) -> None:
        """One that was just written: what is known of it need not be read again."""
        path = partial(house.objects.local_path, name)
        if isinstance(cells, Spread):
            across = Across(cells.looked_at, cells.rows, cells.hits)
            self._keep(name, Stored(path, marked=False, spread=across), len(cells))
        elif cells.runs is not None:
            self._keep(name, Stored(path, marked=RECORD in cells.keys, runs=cells.runs), len(cells))

    def _keep(self, name: str, layer: Stored, cells: int) -> Stored:
        with self._lock:
            if name not in self._kept:
                self._kept[name] = layer, cells
            self._kept.move_to_end(name)
            while len(self._kept) > 1 and sum(cells for _, cells in self._kept.values()) > CELLS_KEPT:
                self._kept.popitem(last=False)
            return self._kept[name][0]


_kept_layers = _Layers()


def _stored(house: House, one: Revision) -> Stored:
    return _kept_layers.get(house, one)


def _layers(
    connection: Connection,
    operation_id: str,
    rows: Sequence[int] | None,
    upto: int | None,
    out: frozenset[int],
    after: int = 0,
) -> Iterator[Revision | pl.DataFrame]:
    """The lowest first: a bulk revision, or the cells of neighbours that are rows in SQL."""
    bulk = [
        one
        for one in revisions.columnar(connection, operation_id, upto)
        if one.number > after and one.number not in out
    ]
    few = sorted(revisions.cells(connection, operation_id, rows, upto=upto), key=lambda cell: cell[0])
    few = [cell for cell in few if cell[0] > after and cell[0] not in out]
    at = 0
    for one in bulk:
        end = at
        while end < len(few) and few[end][0] < one.number:
            end += 1
        if end > at:
            yield frame_of(cell[1:] for cell in few[at:end])
        at = end
        if rows is None or (len(rows) and one.last_row >= min(rows) and one.first_row <= max(rows)):
            yield one
    if at < len(few):
        yield frame_of(cell[1:] for cell in few[at:])


def layer_of(house: House, connection: Connection, operation_id: str, one: Revision) -> Layer:
    return Held(cells_of(house, connection, operation_id, one)) if one.object is None else _stored(house, one)


def cells_of(house: House, connection: Connection, operation_id: str, one: Revision) -> pl.DataFrame:
    """What one revision changed: `row`, `key`, `text`, by row."""
    if one.object is not None:
        return read_cells(house.objects.local_path(one.object))
    return frame_of(cell[1:] for cell in revisions.cells(connection, operation_id, numbers=[one.number]))


def touched(
    house: House, connection: Connection, operation_id: str, after: int, upto: int
) -> tuple[Rows, frozenset[str]]:
    """The rows that revisions with `after` < number <= `upto` touched, and what those undid or redid, ascending; and
    the keys of their cells."""
    found = revisions.between(connection, operation_id, after, upto)
    numbers = {one.number if one.undoes is None else one.undoes for one in found}
    few = list(revisions.cells(connection, operation_id, numbers=sorted(numbers)))
    bulk = [one for one in revisions.columnar(connection, operation_id, upto) if one.number in numbers]
    stored = [_stored(house, one).touched for one in bulk]
    rows = distinct(np.concatenate([*stored, np.array([cell[1] for cell in few], np.int64)]))
    keys = {cell[2] for cell in few}.union(*(one.document.get("columns", ()) for one in bulk))
    return rows, frozenset(keys)


def lay_out(
    house: House, connection: Connection, operation_id: str, inputs: Path, upto: int | None = None
) -> tuple[Path, ...]:
    """What stands, as files for a child, the lowest layer first."""
    out = revisions.undone(connection, operation_id, upto)
    paths: list[Path] = []
    for number, layer in enumerate(_layers(connection, operation_id, None, upto, out)):
        if isinstance(layer, Revision):
            assert layer.object is not None
            paths.append(house.objects.link_into(layer.object, inputs))
        else:
            paths.append(inputs / f"cells-{number:06}")
            write_cells(layer, paths[-1])
    return tuple(paths)


def lay_out_rows(rows: Rows, path: Path) -> Path:
    write_part(pl.DataFrame({"row": rows}, schema={"row": pl.Int64}), path)
    return path


def heap(house: House) -> Heap:
    return Heap(house.settings.work_folder)


def kept(
    house: House, operation_id: str, cells: Heap | Spread | pl.DataFrame
) -> dict[tuple[int, str], str | None] | Columnar:
    """The cells of a revision as `store.revisions.add` takes them; many are in the object store after this."""
    if len(cells) > CELLS_IN_SQL:
        return store(house, operation_id, cells, secrets.token_hex(12))
    few = cells if isinstance(cells, pl.DataFrame) else cells.frame()
    return {(row, key): text for row, key, text in few.iter_rows()}


def store(house: House, operation_id: str, cells: Heap | Spread | pl.DataFrame, token: str) -> Columnar:
    """Puts the cells of a bulk revision (as `write_cells` takes them, not empty) into the object store, before the
    transaction that names them."""
    if isinstance(cells, pl.DataFrame):
        with heap(house) as held:
            held.add(cells)
            return store(house, operation_id, held, token)
    name = f"{operation_id}/revisions/{token}"
    house.objects.put_file(name, cells.file(), final=True)
    _kept_layers.put(house, name, cells)
    rows = cells.rows
    return Columnar(name, len(cells), len(rows), int(rows[0]), int(rows[-1]))


def store_layer(house: House, name: str, frame: pl.DataFrame) -> None:
    """Puts cells (as `write_cells` takes them) into the object store under this name."""
    house.settings.work_folder.mkdir(parents=True, exist_ok=True)
    path = house.settings.work_folder / f"layer-{secrets.token_hex(12)}"
    try:
        write_cells(frame, path)
        house.objects.put_file(name, path)
    finally:
        path.unlink(missing_ok=True)


# Who was faster


def refuse_overtaken(
    house: House, connection: Connection, operation: Operation, frame: pl.DataFrame, seen: int, upto: int
) -> None:
    found = overtaken(house, connection, operation, frame, seen, upto)
    if found:
        raise ChangedMeanwhile(found, operations.revision_numbers(connection, operation.id)[0])


def overtaken(
    house: House, connection: Connection, operation: Operation, frame: pl.DataFrame, seen: int, upto: int
) -> list[Cell]:
    """The cells of `frame` that revisions with `seen` < number <= `upto` changed, the first of them, as they stand. A
    record that was deleted or came back counts for all its cells, a changed mapping for all cells there are."""
    if seen >= upto or len(frame) == 0:
        return []
    found: dict[tuple[int, str], Revision] = {}
    for one, both in changed_by(house, connection, operation, frame, seen, upto):
        for row, key in both.head(CONFLICTS_SHOWN).iter_rows():
            found[row, key] = one
    some = sorted(found)[:CONFLICTS_SHOWN]
    stands = standing(house, connection, operation.id, [row for row, _ in some]).changes([r for r, _ in some])
    return [
        Cell(row, key, stands.get(row, {}).get(key), one.number, one.created_at, one.person_id)
        for row, key in some
        for one in (found[row, key],)
    ]


def refuse_mapped_anew(connection: Connection, operation: Operation, seen: int) -> None:
    """Conflict where the columns, or the file's rows, are not those of revision `seen` any more."""
    if any(one.kind in MAPPINGS for one in revisions.between(connection, operation.id, seen, _EVERY)):
        raise Conflict(
            "The columns were mapped, or the file was read, anew since this workbook was made. Take a new one.",
            code="mapped_anew",
        )


_EVERY = 2**53


def changed_by(
    house: House, connection: Connection, operation: Operation, frame: pl.DataFrame, seen: int, upto: int
) -> Iterator[tuple[Revision, pl.DataFrame]]:
    """Each revision with `seen` < number <= `upto`, and the cells of `frame` (`row`, `key`; not empty) that it changed.
    A record that was deleted or came back counts for all its cells, a changed mapping for all cells there are."""
    rows = frame["row"].to_numpy()
    first, last = int(rows.min()), int(rows.max())
    marked = frame.filter(pl.col("key") != RECORD).select("row", pl.lit(RECORD).alias("mark"), "key")
    for one in revisions.between(connection, operation.id, seen, upto):
        if one.kind in MAPPINGS:
            yield one, frame.select("row", "key")
            continue
        source = one if one.undoes is None else revisions.get(connection, operation.id, one.undoes)
        if source is None or source.last_row < first or source.first_row > last:
            continue
        theirs = cells_of(house, connection, operation.id, source).select("row", "key")
        same = frame.join(theirs, on=["row", "key"], how="semi").select("row", "key")
        whole = marked.join(theirs, left_on=["row", "mark"], right_on=["row", "key"], how="semi").select("row", "key")
        yield one, pl.concat([same, whole])
