"""Carrying what people changed over to another mapping, heading record or reading of their file.

A changed cell belongs to a cell of the file, by its row and position; where that is still there under some field, the
change goes with it. A record that people added belongs to the template's columns. All revisions are carried, those that
are undone too, so that undo, redo and history go on; what has no place any more is left out, and said before.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from sqlalchemy import Connection

from douane.flow import revisions
from douane.flow.house import House
from douane.model.operation import Operation
from douane.sheet.mapping import Layout
from douane.staging.parts import Rows, distinct
from douane.staging.revisions import DELETED, RECORD, SCHEMA, Held, Layer, frame_of
from douane.store import revisions as stored
from douane.store.revisions import Columnar

LOST_SHOWN = 100  # of the cells that would be lost
ROWS_AT_ONCE = 200_000  # looked at in one go


@dataclass(frozen=True, slots=True)
class Lost:
    """A changed cell that has no place any more: what people made of it."""

    row: int
    key: str
    text: str | None


@dataclass(frozen=True, slots=True)
class Way:
    """From one table to another. `keys`, `added_keys`: field of a record of the file, or of an added one, to its field
    there; what is not named is lost. `first`, `end`: the numbers of the file's records here, and `there_first`,
    `there_end` there. `rows`: (numbers here, ascending; their numbers there, -1 = none) of those that may be asked for;
    None: the same number, where it is one of the file's there."""

    keys: Mapping[str, str]
    added_keys: Mapping[str, str]
    first: int
    end: int
    there_first: int
    there_end: int
    rows: tuple[Rows, Rows] | None = None

    def of_file(self, rows: Rows) -> Rows:
        """The numbers there of records of the file, -1 = none."""
        found = rows
        if self.rows is not None:
            here, there = self.rows
            found = there[np.searchsorted(here, rows)] if len(rows) else rows
        kept: Rows = np.where((found >= self.there_first) & (found < self.there_end), found, -1)
        return kept

    @property
    def same(self) -> bool:
        """Whether nothing changes its place."""
        ours = self.rows is None and (self.first, self.end) == (self.there_first, self.there_end)
        return ours and all(key == there for keys in (self.keys, self.added_keys) for key, there in keys.items())


def way(
    before: Layout,
    after: Layout,
    columns: frozenset[str],
    *,
    file: tuple[int, int],
    there: tuple[int, int],
    places: Mapping[int, int] | None = None,
    rows: tuple[Rows, Rows] | None = None,
) -> Way:
    """By position. `columns`: the template's keys; `file`, `there`: the number of the first record below the headings
    and the one after the last, before and after. `places`: position before to position after, None = the same; `rows`:
    as of `Way`."""
    keys: dict[str, str] = {}
    added = {key: key for key in columns}
    for at, key in enumerate(before.fields):
        if not key:
            continue
        if at >= before.width:
            # The file had no cell for the column. Where it has one now, that is what counts.
            position = after.position(key)
            if position is not None and position >= after.width:
                keys[key] = key
            continue
        place = at if places is None else places.get(at, -1)
        there_key = after.fields[place] if 0 <= place < after.width else ""
        if there_key:
            keys[key] = there_key
            if key not in columns and there_key not in columns:
                added[key] = there_key
    return Way(keys, added, *file, *there, rows)


@dataclass(frozen=True, slots=True)
class Carried:
    """What the revisions are there: `small`: those cells that are rows in SQL; `bulk`: the columnar ones by number,
    stored already. `lost`: cells that stand and have no place there, the first of them; `kept`, `gone`: how many have
    one, and have none."""

    last: int
    small: tuple[stored.Cell, ...]
    bulk: Mapping[int, Columnar | None]
    columns: Mapping[int, list[str]]
    kept: int
    gone: int
    lost: tuple[Lost, ...]
    same: bool


def look(house: House, connection: Connection, operation: Operation, way: Way, last: int) -> Carried:
    """Only what would be kept and lost."""
    stands = revisions.standing(house, connection, operation.id)
    touched = stands.touched()
    renumbered = _renumbered(way, touched)
    kept = gone = 0
    lost: list[Lost] = []
    for start in range(0, len(touched), ROWS_AT_ONCE):
        cells = _standing(stands.of_rows(touched[start : start + ROWS_AT_ONCE]))
        there = _there(cells, way, renumbered)
        missing = cells.filter(there["to_row"].is_null()).sort("row", maintain_order=True)
        kept, gone = kept + len(cells) - len(missing), gone + len(missing)
        lost += [Lost(*cell) for cell in missing.head(LOST_SHOWN - len(lost)).iter_rows()]
    return Carried(last, (), {}, {}, kept, gone, tuple(lost), way.same)


def _standing(frame: pl.DataFrame) -> pl.DataFrame:
    """The changed cells of records that are not deleted."""
    deleted = frame.filter((pl.col("key") == RECORD) & (pl.col("text") == DELETED)).select("row")
    return frame.filter(pl.col("key") != RECORD).join(deleted, on="row", how="anti", maintain_order="left")


def carry(house: House, connection: Connection, operation: Operation, way: Way, last: int) -> Carried:
    """All of it, new columnar parts stored; `put` names them."""
    seen = look(house, connection, operation, way, last)
    if way.same or last == 0:
        return seen
    few = list(stored.cells(connection, operation.id))
    bulk = stored.columnar(connection, operation.id)
    layers = every(house, connection, operation.id)
    renumbered = _renumbered(way, distinct(np.concatenate([layer.touched for layer in layers])))
    made: dict[int, Columnar | None] = {}
    columns: dict[int, list[str]] = {}
    for one in bulk:
        moved = _moved(revisions.cells_of(house, connection, operation.id, one), way, renumbered)
        columns[one.number] = sorted(moved["key"].unique().to_list())
        made[one.number] = revisions.store(house, operation.id, moved, secrets.token_hex(12)) if len(moved) else None
    small = list(_small(few, way, renumbered))
    for cell in small:
        named = columns.setdefault(cell[0], [])
        if cell[2] not in named:
            named.append(cell[2])
    return Carried(last, tuple(small), made, columns, seen.kept, seen.gone, seen.lost, same=False)


def put(connection: Connection, operation: Operation, carried: Carried) -> None:
    """In the transaction that changes the mapping: the revisions are as they were carried."""
    if not carried.same and carried.last:
        stored.rewrite(connection, operation.id, carried.small, carried.bulk, carried.columns)


def every(house: House, connection: Connection, operation_id: str) -> list[Layer]:
    """All that any revision says, undone or not."""
    found: list[Layer] = [Held(frame_of(cell[1:] for cell in stored.cells(connection, operation_id)))]
    found += [
        revisions.layer_of(house, connection, operation_id, one) for one in stored.columnar(connection, operation_id)
    ]
    return found


def _small(few: list[stored.Cell], way: Way, renumbered: Mapping[int, int]) -> Iterator[stored.Cell]:
    frame = pl.DataFrame(few, schema={"number": pl.Int64, **SCHEMA}, orient="row")
    there = _there(frame, way, renumbered)
    moved = pl.concat([frame, there], how="horizontal").filter(pl.col("to_row").is_not_null())
    yield from moved.select("number", "to_row", "to_key", "text").iter_rows()


def _moved(frame: pl.DataFrame, way: Way, renumbered: Mapping[int, int]) -> pl.DataFrame:
    there = _there(frame, way, renumbered)
    moved = pl.concat([frame, there], how="horizontal").filter(pl.col("to_row").is_not_null())
    return moved.select(pl.col("to_row").alias("row"), pl.col("to_key").alias("key"), "text").sort(
        "row", maintain_order=True
    )


def _there(frame: pl.DataFrame, way: Way, renumbered: Mapping[int, int]) -> pl.DataFrame:
    """`to_row`, `to_key` of each cell; both null where it has no place there."""
    rows = frame["row"].to_numpy()
    of_file = (rows >= way.first) & (rows < way.end)
    to_row = np.full(len(rows), -1, np.int64)
    to_row[of_file] = way.of_file(rows[of_file])
    to_row[~of_file] = [renumbered.get(row, row) for row in rows[~of_file].tolist()]
    keys = frame["key"]
    found = []
    for names in (way.keys, way.added_keys):
        known = {RECORD: RECORD, **names}
        found.append(keys.replace_strict(list(known), list(known.values()), default=None, return_dtype=pl.String))
    marks = pl.Series("of_file", of_file, dtype=pl.Boolean)
    to_key = found[0].zip_with(marks, found[1])
    there = pl.DataFrame({"to_row": to_row, "to_key": to_key}, schema={"to_row": pl.Int64, "to_key": pl.String})
    good = (pl.col("to_row") >= 0) & pl.col("to_key").is_not_null()
    return there.select(
        pl.when(good).then(pl.col("to_row")).alias("to_row"), pl.when(good).then(pl.col("to_key")).alias("to_key")
    )


def _renumbered(way: Way, touched: Rows) -> dict[int, int]:
    """Added records whose numbers are those of the file's records there: they get the next that are free."""
    added = touched[(touched < way.first) | (touched >= way.end)]
    meets = added[(added >= way.there_first) & (added < way.there_end)]
    taken = set(added.tolist())
    found: dict[int, int] = {}
    free = max(way.there_end, 1)
    for row in meets.tolist():
        while free in taken:
            free += 1
        found[row] = free
        free += 1
    return found
