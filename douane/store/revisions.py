"""Revisions: what people changed during review. Cells of a small revision are rows here; per cell the highest number
that is not undone wins (undoing is a revision too, and takes the named one out of the stack)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select

from douane.store.database import database_now
from douane.store.schema import revision, revision_cell


def add(
    connection: Connection,
    operation_id: str,
    number: int,
    kind: str,
    person_id: str | None,
    cells: Mapping[tuple[int, str], str | None],
    document: Mapping[str, Any] | None = None,
) -> None:
    """`cells`: (row, key) -> text; the key "" is the record itself (`staging/revisions.py`)."""
    connection.execute(
        insert(revision).values(
            operation_id=operation_id,
            number=number,
            kind=kind,
            person_id=person_id,
            document=dict(document or {}),
            created_at=database_now(connection),
        )
    )
    rows = [
        {"operation_id": operation_id, "row": row, "key": key, "number": number, "value": value}
        for (row, key), value in cells.items()
    ]
    for start in range(0, len(rows), 500):
        connection.execute(insert(revision_cell), rows[start : start + 500])


def cells(
    connection: Connection, operation_id: str, rows: Sequence[int] | None = None, upto: int | None = None
) -> dict[int, dict[str, str | None]]:
    """Row -> key -> the text that stands, for the given rows (None = all), of revisions up to number `upto`."""
    found: dict[int, dict[str, str | None]] = {}
    for chunk in _chunks(rows):
        query = select(revision_cell).where(revision_cell.c.operation_id == operation_id)
        if chunk is not None:
            query = query.where(revision_cell.c.row.in_(chunk))
        if upto is not None:
            query = query.where(revision_cell.c.number <= upto)
        for r in connection.execute(query.order_by(revision_cell.c.number)):
            found.setdefault(r.row, {})[r.key] = r.value
    return found


def changed_rows(connection: Connection, operation_id: str, after: int, upto: int) -> list[int]:
    """Rows touched by revisions with `after` < number <= `upto`, ascending."""
    query = (
        select(revision_cell.c.row)
        .where(
            revision_cell.c.operation_id == operation_id,
            revision_cell.c.number > after,
            revision_cell.c.number <= upto,
        )
        .distinct()
        .order_by(revision_cell.c.row)
    )
    return [int(row) for row in connection.execute(query).scalars()]


def history(connection: Connection, operation_id: str, row: int) -> list[tuple[str, str | None]]:
    """(key, text) of every change to a row, oldest first."""
    query = (
        select(revision_cell.c.key, revision_cell.c.value)
        .where(revision_cell.c.operation_id == operation_id, revision_cell.c.row == row)
        .order_by(revision_cell.c.number)
    )
    return [(key, value) for key, value in connection.execute(query)]


def _chunks(rows: Sequence[int] | None) -> Iterable[list[int] | None]:
    if rows is None:
        return [None]
    return [list(rows[start : start + 500]) for start in range(0, len(rows), 500)]
