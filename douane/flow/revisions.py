"""The revisions of an import as layers over its parts: few cells from SQL, many from objects, in their order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from sqlalchemy import Connection

from douane.flow.house import House
from douane.staging.parts import Rows, read_part, write_part
from douane.staging.revisions import Cells, Held, Stored, frame_of, write_cells
from douane.store import revisions
from douane.store.revisions import Columnar, Revision

CELLS_IN_SQL = 1000  # a revision of more cells is a columnar part


def standing(
    house: House, connection: Connection, operation_id: str, rows: Sequence[int] | None = None, upto: int | None = None
) -> Cells:
    """What stands of the given rows (None = all), after revision `upto` (None = now)."""
    out = revisions.undone(connection, operation_id, upto)
    return _opened(house, _layers(connection, operation_id, rows, upto, out))


def ever(house: House, connection: Connection, operation_id: str, rows: Sequence[int]) -> Cells:
    """All that was ever said of the rows, undone or not: ask it for `every` layer."""
    return _opened(house, _layers(connection, operation_id, rows, None, frozenset()))


def _opened(house: House, layers: Iterator[str | pl.DataFrame]) -> Cells:
    return Cells(
        [Stored(house.objects.local_path(layer)) if isinstance(layer, str) else Held(layer) for layer in layers]
    )


def _layers(
    connection: Connection,
    operation_id: str,
    rows: Sequence[int] | None,
    upto: int | None,
    out: frozenset[int],
) -> Iterator[str | pl.DataFrame]:
    """The lowest first: the object of a bulk revision, or the cells of neighbours that are rows in SQL."""
    bulk = [one for one in revisions.columnar(connection, operation_id, upto) if one.number not in out]
    few = sorted(revisions.cells(connection, operation_id, rows, upto=upto), key=lambda cell: cell[0])
    few = [cell for cell in few if cell[0] not in out]
    at = 0
    for one in bulk:
        end = at
        while end < len(few) and few[end][0] < one.number:
            end += 1
        if end > at:
            yield frame_of(cell[1:] for cell in few[at:end])
        at = end
        if rows is None or (len(rows) and one.last_row >= min(rows) and one.first_row <= max(rows)):
            assert one.object is not None
            yield one.object
    if at < len(few):
        yield frame_of(cell[1:] for cell in few[at:])


def cells_of(house: House, connection: Connection, operation_id: str, one: Revision) -> pl.DataFrame:
    """What one revision changed: `row`, `key`, `text`, by row."""
    if one.object is not None:
        return read_part(house.objects.local_path(one.object))
    return frame_of(cell[1:] for cell in revisions.cells(connection, operation_id, numbers=[one.number]))


def touched(house: House, connection: Connection, operation_id: str, after: int, upto: int) -> Rows:
    """The rows that revisions with `after` < number <= `upto` touched, and what those undid or redid, ascending."""
    found = revisions.between(connection, operation_id, after, upto)
    numbers = {one.number if one.undoes is None else one.undoes for one in found}
    few = [cell[1] for cell in revisions.cells(connection, operation_id, numbers=sorted(numbers))]
    bulk = [
        Stored(house.objects.local_path(one.object)).rows
        for one in revisions.columnar(connection, operation_id, upto)
        if one.number in numbers and one.object is not None
    ]
    rows: Rows = np.unique(np.concatenate([*bulk, np.array(few, np.int64)]))
    return rows


def lay_out(
    house: House, connection: Connection, operation_id: str, inputs: Path, upto: int | None = None
) -> tuple[Path, ...]:
    """What stands, as files for a child, the lowest layer first."""
    out = revisions.undone(connection, operation_id, upto)
    paths: list[Path] = []
    for number, layer in enumerate(_layers(connection, operation_id, None, upto, out)):
        if isinstance(layer, str):
            paths.append(house.objects.link_into(layer, inputs))
        else:
            paths.append(inputs / f"cells-{number:06}")
            write_cells(layer, paths[-1])
    return tuple(paths)


def lay_out_rows(rows: Rows, path: Path) -> Path:
    write_part(pl.DataFrame({"row": rows}, schema={"row": pl.Int64}), path)
    return path


def store(house: House, operation_id: str, frame: pl.DataFrame, token: str) -> Columnar:
    """Puts the cells of a bulk revision (by row, each cell once, not empty) into the object store, before the
    transaction that names them."""
    name = f"{operation_id}/revisions/{token}"
    house.settings.work_folder.mkdir(parents=True, exist_ok=True)
    path = house.settings.work_folder / f"revision-{token}"
    try:
        write_cells(frame, path)
        house.objects.put_file(name, path)
    finally:
        path.unlink(missing_ok=True)
    rows = frame["row"]
    return Columnar(name, len(frame), rows.n_unique(), int(rows[0]), int(rows[-1]))
