"""Deliveries and their tries: how far each is, what came of each page, and when it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from douane.errors import NotFound, Superseded
from douane.model.delivery import OPEN_STATES, ROWS, Delivery, Handover, State, Try
from douane.model.operation import Operation
from douane.store.database import database_now
from douane.store.ids import new_id
from douane.store.schema import delivery, delivery_try


def add(
    connection: Connection, operation: Operation, destination_id: str, what: Handover, state: State = "waiting"
) -> Delivery:
    """Of an import's records, or of a notice, to a destination."""
    plan, made, now = what.plan, new_id(), database_now(connection)
    connection.execute(
        insert(delivery).values(
            id=made,
            operation_id=operation.id,
            project_id=operation.project_id,
            destination_id=destination_id,
            root_id=what.root_id or made,
            event=plan.event,
            state=state,
            again=what.again,
            view=plan.view,
            chunk_rows=plan.chunk_rows,
            total_rows=plan.total_rows,
            total_pages=plan.total_pages,
            pages=[list(one) for one in what.pages],
            next_page=what.pages[0][0],
            due_at=now,
            created_at=now,
            updated_at=now,
        )
    )
    return get(connection, made)


def get(connection: Connection, delivery_id: str, *, lock: bool = False) -> Delivery:
    query = select(delivery).where(delivery.c.id == delivery_id)
    row = connection.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound(f"Delivery with id {delivery_id} does not exist")
    return _delivery(row)


def of_operation(connection: Connection, operation_id: str) -> list[Delivery]:
    """Oldest first."""
    query = select(delivery).where(delivery.c.operation_id == operation_id)
    return [_delivery(row) for row in connection.execute(query.order_by(delivery.c.created_at, delivery.c.id))]


def first(connection: Connection, operation_id: str, destination_id: str, event: str = ROWS) -> Delivery | None:
    """The first one of an import's records to a destination: what is sent again keeps its cut and ids."""
    query = select(delivery).where(
        delivery.c.operation_id == operation_id,
        delivery.c.destination_id == destination_id,
        delivery.c.event == event,
    )
    row = connection.execute(query.order_by(delivery.c.created_at, delivery.c.id).limit(1)).first()
    return None if row is None else _delivery(row)


def open_of(connection: Connection, operation_id: str) -> list[Delivery]:
    """Those of an import that have not ended, oldest first."""
    query = select(delivery).where(delivery.c.operation_id == operation_id, delivery.c.state.in_(OPEN_STATES))
    return [_delivery(row) for row in connection.execute(query.order_by(delivery.c.created_at, delivery.c.id))]


def waiting_for(connection: Connection, destination_id: str) -> list[Delivery]:
    """Those that wait for their next try at a destination."""
    query = select(delivery).where(delivery.c.destination_id == destination_id, delivery.c.state == "waiting")
    return [_delivery(row) for row in connection.execute(query.order_by(delivery.c.created_at, delivery.c.id))]


def next_queued(connection: Connection, operation_id: str) -> Delivery | None:
    """The one that waits for its turn the longest."""
    query = select(delivery).where(delivery.c.operation_id == operation_id, delivery.c.state == "queued")
    row = connection.execute(query.order_by(delivery.c.created_at, delivery.c.id).limit(1)).first()
    return None if row is None else _delivery(row)


def ask(connection: Connection, delivery_id: str, due_at: datetime | None = None) -> int:
    """It waits for a job, at once or later; the number that makes this asking the one that counts."""
    due = database_now(connection) if due_at is None else due_at
    return int(
        connection.execute(
            update(delivery)
            .where(delivery.c.id == delivery_id)
            .values(asked=delivery.c.asked + 1, state="waiting", due_at=due, updated_at=database_now(connection))
            .returning(delivery.c.asked)
        ).scalar_one()
    )


def claim(connection: Connection, delivery_id: str, asked: int) -> Delivery | None:
    """Takes it for a new attempt. None where that job is not the last one asked for, or it has ended."""
    held = get(connection, delivery_id, lock=True)
    if held.asked != asked or held.state not in ("waiting", "sending"):
        return None
    connection.execute(
        update(delivery).where(delivery.c.id == delivery_id).values(attempt=delivery.c.attempt + 1, state="sending")
    )
    return get(connection, delivery_id)


def fenced(connection: Connection, held: Delivery) -> Delivery:
    """The delivery, locked, if `held`'s attempt still has it; else Superseded."""
    now = get(connection, held.id, lock=True)
    if now.attempt != held.attempt or now.state != "sending":
        raise Superseded("Another attempt has taken over.")
    return now


def change(connection: Connection, delivery_id: str, **values: Any) -> None:
    connection.execute(
        update(delivery).where(delivery.c.id == delivery_id).values(updated_at=database_now(connection), **values)
    )


def add_tries(connection: Connection, tries: Sequence[Try]) -> None:
    if tries:
        connection.execute(
            insert(delivery_try),
            [
                {
                    "id": new_id(),
                    "delivery_id": one.delivery_id,
                    "operation_id": one.operation_id,
                    "page": one.page,
                    "rows": one.rows,
                    "outcome": one.outcome,
                    "again": one.again,
                    "at": one.at,
                    "seconds": one.seconds,
                    "sent_bytes": one.sent_bytes,
                    "address": one.address,
                    "status": one.status,
                    "reason": one.reason,
                    "reply": one.reply,
                }
                for one in tries
            ],
        )


def tries(
    connection: Connection, operation_id: str, *, again: bool | None, since: datetime, offset: int, limit: int
) -> tuple[list[Try], int]:
    """(a page of an import's tries since a moment, newest first; how many there are)."""
    which = [delivery_try.c.operation_id == operation_id, delivery_try.c.at >= since]
    if again is not None:
        which.append(delivery_try.c.again.is_(again))
    total = connection.execute(select(func.count()).select_from(delivery_try).where(*which)).scalar_one()
    query = select(delivery_try).where(*which).order_by(delivery_try.c.id.desc()).offset(offset).limit(limit)
    return [Try(**row) for row in connection.execute(query).mappings()], int(total)


def outcomes(connection: Connection, root_id: str) -> dict[int, tuple[str, int]]:
    """Page -> (what its last try that decided came to: `delivered` or `failed`, how many records it has)."""
    query = (
        select(delivery_try.c.page, delivery_try.c.outcome, delivery_try.c.rows)
        .join(delivery, delivery.c.id == delivery_try.c.delivery_id)
        .where(delivery.c.root_id == root_id, delivery_try.c.outcome != "again")
        .order_by(delivery_try.c.id)
    )
    return {page: (outcome, rows) for page, outcome, rows in connection.execute(query)}


def count_open(connection: Connection) -> dict[str, int]:
    """State -> how many of those that have not ended."""
    query = select(delivery.c.state, func.count()).where(delivery.c.state.in_(OPEN_STATES)).group_by(delivery.c.state)
    return {state: int(count) for state, count in connection.execute(query)}


def forget_replies(connection: Connection, operation_id: str) -> int:
    """What was answered to the records of an import, for an answer may repeat them; how many tries had been made."""
    mine = delivery_try.c.operation_id == operation_id
    return connection.execute(update(delivery_try).where(mine).values(reply=None)).rowcount


def forget_tries(connection: Connection, before: datetime) -> None:
    """The log of what was sent before a moment."""
    connection.execute(delete(delivery_try).where(delivery_try.c.at < before))


def _delivery(row: Any) -> Delivery:
    values = dict(row._mapping)
    return Delivery(**{**values, "pages": tuple((int(one[0]), int(one[1])) for one in values["pages"])})
