"""Batches: what one piece of a chat export brought to every table, named together, so that reading goes on after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from douane.store.schema import batch, chat_outcome


@dataclass(frozen=True, slots=True)
class BatchRow:
    """`rows`: table -> rows; `next`: the importer's own state after it."""

    number: int
    rows: Mapping[str, int]
    next: Mapping[str, Any]
    attempt: int


def add(connection: Connection, operation_id: str, row: BatchRow) -> None:
    connection.execute(
        insert(batch).values(
            operation_id=operation_id,
            number=row.number,
            rows=dict(row.rows),
            next=dict(row.next),
            attempt=row.attempt,
        )
    )


def last(connection: Connection, operation_id: str) -> BatchRow | None:
    query = select(batch).where(batch.c.operation_id == operation_id).order_by(batch.c.number.desc()).limit(1)
    row = connection.execute(query).first()
    return None if row is None else BatchRow(row.number, row.rows, row.next, row.attempt)


def totals(connection: Connection, operation_id: str) -> Counter[str]:
    """Rows of every table so far."""
    found: Counter[str] = Counter()
    for rows in connection.execute(select(batch.c.rows).where(batch.c.operation_id == operation_id)).scalars():
        found.update(rows)
    return found


def forget(connection: Connection, operation_id: str) -> None:
    """Drops what is known of the staged records one by one: their batches, and what a run made of them."""
    for names in (batch, chat_outcome):
        connection.execute(delete(names).where(names.c.operation_id == operation_id))
