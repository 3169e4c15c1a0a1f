"""Revisions: what people changed during review, by number. Few cells are rows here; many are one columnar part in the
object store, which the revision's row names. Per cell the highest number that is not undone wins: undoing and redoing
are revisions too, and take the named one out of the stack and back in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, func, insert, select, update

from douane.store import operations
from douane.store.database import database_now
from douane.store.schema import revision, revision_cell
from douane.store.times import utc

UNDO, REDO = "undo", "redo"
_LAST = 2**31 - 1  # no revision has a higher number

# Made once, as every page of a changed import asks them: making them costs more than asking.
_ADD = insert(revision)
_OF, _UPTO = revision.c.operation_id == bindparam("id"), revision.c.number <= bindparam("upto")
_COLUMNAR = select(revision).where(_OF, revision.c.object.is_not(None), _UPTO).order_by(revision.c.number)
_UNDONE = (
    select(revision.c.kind, revision.c.undoes)
    .where(_OF, revision.c.undoes.is_not(None), _UPTO)
    .order_by(revision.c.number)
)


def _cells_of(*, rows: bool, numbers: bool) -> Select[Any]:
    cell = revision_cell.c
    query = select(cell.number, cell.row, cell.key, cell.value).where(
        cell.operation_id == bindparam("id"), cell.number <= bindparam("upto")
    )
    if rows:
        query = query.where(cell.row.in_(bindparam("rows", expanding=True)))
    if numbers:
        query = query.where(cell.number.in_(bindparam("numbers", expanding=True)))
    return query.order_by(cell.number)


_CELLS = {(rows, numbers): _cells_of(rows=rows, numbers=numbers) for rows in (True, False) for numbers in (True, False)}


@dataclass(frozen=True, slots=True)
class Deed:
    """What was done: a revision's kind, what else the list of changes says of it (`columns`: keys of what it touched),
    and of an undo or redo the revision that it takes out or back in."""

    kind: str
    document: Mapping[str, Any] = field(default_factory=dict)
    undoes: int | None = None

    def saying(self, **more: Any) -> Deed:
        return replace(self, document={**self.document, **more})


@dataclass(frozen=True, slots=True)
class Revision:
    """`undoes`: of an undo or redo, the revision that it takes out or back in. `object`: where its cells are columnar.
    `cells`, `rows`: how many it changed; `first_row` to `last_row` holds them all."""

    number: int
    kind: str
    person_id: str | None
    created_at: datetime
    undoes: int | None = None
    object: str | None = None
    cells: int = 0
    rows: int = 0
    first_row: int = 0
    last_row: int = -1
    document: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Columnar:
    """The cells of a bulk revision, stored already."""

    object: str
    cells: int
    rows: int
    first_row: int
    last_row: int


Cell = tuple[int, int, str, str | None]  # number, row, key, text


def add(
    connection: Connection,
    operation_id: str,
    deed: Deed,
    person_id: str | None,
    cells: Mapping[tuple[int, str], str | None] | Columnar,
) -> int:
    """The number it takes. `cells`: (row, key) -> text; the key "" is the record itself (`staging/revisions.py`)."""
    number = operations.next_revision(connection, operation_id)
    values: dict[str, Any] = {
        "operation_id": operation_id,
        "number": number,
        "kind": deed.kind,
        "person_id": person_id,
        "undoes": deed.undoes,
        "document": dict(deed.document),
        "created_at": database_now(connection),
    }
    if isinstance(cells, Columnar):
        values |= {
            "object": cells.object,
            "cells": cells.cells,
            "rows": cells.rows,
            "first_row": cells.first_row,
            "last_row": cells.last_row,
        }
        connection.execute(_ADD, values)
        return number
    numbers = {row for row, _ in cells}
    values |= {"cells": len(cells), "rows": len(numbers)}
    values |= {"first_row": min(numbers, default=0), "last_row": max(numbers, default=-1)}
    connection.execute(_ADD, values)
    _add_cells(connection, operation_id, ((number, row, key, value) for (row, key), value in cells.items()))
    return number


def rewrite(
    connection: Connection,
    operation_id: str,
    small: Sequence[Cell],
    bulk: Mapping[int, Columnar | None],
    columns: Mapping[int, Sequence[str]],
) -> None:
    """Puts the cells of all revisions anew: the mapping under them was changed. `bulk`: of each columnar revision its
    new part, stored already (None: no cell of it is left); `columns`: number -> the keys it has now."""
    same = revision.c.operation_id == operation_id
    spans: dict[int, list[int]] = {}
    counts: dict[int, int] = {}
    for number, row, _, _ in small:
        spans.setdefault(number, []).append(row)
        counts[number] = counts.get(number, 0) + 1
    for number, document in connection.execute(select(revision.c.number, revision.c.document).where(same)).all():
        rows = spans.get(number, [])
        values: dict[str, Any] = {
            "object": None,
            "cells": counts.get(number, 0),
            "rows": len(set(rows)),
            "first_row": min(rows, default=0),
            "last_row": max(rows, default=-1),
            "document": {**document, "columns": list(columns.get(number, ()))},
        }
        part = bulk.get(number)
        if part is not None:
            values |= {"object": part.object, "cells": part.cells, "rows": part.rows}
            values |= {"first_row": part.first_row, "last_row": part.last_row}
        connection.execute(update(revision).where(same, revision.c.number == number).values(values))
    connection.execute(delete(revision_cell).where(revision_cell.c.operation_id == operation_id))
    _add_cells(connection, operation_id, small)


def _add_cells(connection: Connection, operation_id: str, cells: Iterable[Cell]) -> None:
    rows = [
        {"operation_id": operation_id, "row": row, "key": key, "number": number, "value": value}
        for number, row, key, value in cells
    ]
    for start in range(0, len(rows), 500):
        connection.execute(insert(revision_cell), rows[start : start + 500])


def get(connection: Connection, operation_id: str, number: int) -> Revision | None:
    query = select(revision).where(revision.c.operation_id == operation_id, revision.c.number == number)
    row = connection.execute(query).first()
    return None if row is None else _revision(row)


def listed(connection: Connection, operation_id: str, offset: int, limit: int) -> list[Revision]:
    """Newest first."""
    query = (
        select(revision)
        .where(revision.c.operation_id == operation_id)
        .order_by(revision.c.number.desc())
        .offset(offset)
        .limit(limit)
    )
    return [_revision(row) for row in connection.execute(query)]


def count(connection: Connection, operation_id: str) -> int:
    query = select(func.count()).select_from(revision).where(revision.c.operation_id == operation_id)
    return int(connection.execute(query).scalar_one())


def between(connection: Connection, operation_id: str, after: int, upto: int) -> list[Revision]:
    """Those with `after` < number <= `upto`, in order."""
    query = (
        select(revision)
        .where(revision.c.operation_id == operation_id, revision.c.number > after, revision.c.number <= upto)
        .order_by(revision.c.number)
    )
    return [_revision(row) for row in connection.execute(query)]


def columnar(connection: Connection, operation_id: str, upto: int | None = None) -> list[Revision]:
    """The bulk revisions, in order."""
    given = {"id": operation_id, "upto": _LAST if upto is None else upto}
    return [_revision(row) for row in connection.execute(_COLUMNAR, given)]


def undone(connection: Connection, operation_id: str, upto: int | None = None) -> frozenset[int]:
    """The numbers that were out of the stack after revision `upto` (None = now)."""
    given = {"id": operation_id, "upto": _LAST if upto is None else upto}
    out: set[int] = set()
    for kind, number in connection.execute(_UNDONE, given):
        if kind == UNDO:
            out.add(number)
        else:
            out.discard(number)
    return frozenset(out)


def cells(
    connection: Connection,
    operation_id: str,
    rows: Sequence[int] | None = None,
    *,
    upto: int | None = None,
    numbers: Sequence[int] | None = None,
) -> Iterator[Cell]:
    """The cells that are rows here, of the given rows and revisions (None = all), undone or not, lowest number
    first."""
    given: dict[str, Any] = {"id": operation_id, "upto": _LAST if upto is None else upto}
    for chunk in _chunks(rows):
        for some in _chunks(numbers):
            only = {name: chosen for name, chosen in (("rows", chunk), ("numbers", some)) if chosen is not None}
            found = connection.execute(_CELLS["rows" in only, "numbers" in only], given | only)
            yield from ((number, row, key, value) for number, row, key, value in found)


def objects(connection: Connection, operation_id: str) -> set[str]:
    query = select(revision.c.object).where(revision.c.operation_id == operation_id, revision.c.object.is_not(None))
    return set(connection.execute(query).scalars())


def forget_objects(connection: Connection, operation_id: str) -> None:
    """The columnar parts are gone; who changed what, when and how much stays."""
    connection.execute(update(revision).where(revision.c.operation_id == operation_id).values(object=None))


def forget_all(connection: Connection, operation_id: str) -> None:
    """What was changed is no more: who changed how much when stays."""
    connection.execute(delete(revision_cell).where(revision_cell.c.operation_id == operation_id))
    connection.execute(update(revision).where(revision.c.operation_id == operation_id).values(object=None, document={}))


def forget_cells(connection: Connection, operation_id: str, cells: Iterable[tuple[int, str, int]]) -> None:
    """Takes the texts out of cells that are rows here: (row, key, number) each."""
    for row, key, number in cells:
        connection.execute(
            update(revision_cell)
            .where(
                revision_cell.c.operation_id == operation_id,
                revision_cell.c.row == row,
                revision_cell.c.key == key,
                revision_cell.c.number == number,
            )
            .values(value=None)
        )


def change(connection: Connection, operation_id: str, number: int, **values: Any) -> None:
    """Another object in place of a revision's, or another document: for what is forgotten."""
    connection.execute(
        update(revision).where(revision.c.operation_id == operation_id, revision.c.number == number).values(**values)
    )


def _chunks(values: Sequence[int] | None) -> Iterable[list[int] | None]:
    if values is None:
        return [None]
    return [list(values[start : start + 500]) for start in range(0, len(values), 500)]


def _revision(row: Row[Any]) -> Revision:
    return Revision(
        row.number,
        row.kind,
        row.person_id,
        utc(row.created_at),
        row.undoes,
        row.object,
        row.cells,
        row.rows,
        row.first_row,
        row.last_row,
        row.document,
    )
