"""The ledger of an upload whose records are handed over: each page counts by its last try."""

from __future__ import annotations

from typing import Any

from douane.flow import ledger
from douane.flow.house import House
from douane.model.delivery import ROWS, Delivery, Handover, Plan, Try
from douane.model.operation import Operation
from douane.store import deliveries, operations
from douane.store.database import database_now, write
from tests.store.test_feeds import template_of, typed_in


def accepted(house: House, valid: int, invalid: int) -> Operation:
    made = typed_in(house, *template_of(house))
    with write(house.engine) as connection:
        counts = {"valid": valid, "invalid": invalid, "total": valid + invalid, "rows_read": valid + invalid}
        operations.change(connection, made.id, version=1, source_size=1, stage="processing", **counts)
        return operations.get(connection, made.id)


def sent(house: House, operation: Operation, view: str, root: Delivery | None = None) -> Delivery:
    with write(house.engine) as connection:
        plan = Plan(ROWS, view, 100, operation.valid if view == "valid" else operation.total, 3)
        what = Handover(plan, ((1, 3),), None if root is None else root.id, again=root is not None)
        return deliveries.add(connection, operation, "d", what, "sending")


def tried(house: House, held: Delivery, *outcomes: tuple[int, Any]) -> None:
    with write(house.engine) as connection:
        now = database_now(connection)
        for page, outcome in outcomes:
            one = Try(held.id, held.operation_id, page, held.rows_of(page), outcome, False, now, reply="said")
            deliveries.add_tries(connection, [one])


def counts(house: House, operation: Operation) -> tuple[int, int, int, int, int]:
    found = ledger.of_upload(house, operation)
    assert found.agrees, found
    return found.found, found.delivered, found.waiting, found.failed, found.left_out


def test_pages_count_by_their_last_try(house: House) -> None:
    operation = accepted(house, 250, 10)
    assert counts(house, operation) == (260, 250, 0, 0, 10)
    first = sent(house, operation, "valid")
    assert counts(house, operation) == (260, 0, 250, 0, 10)
    tried(house, first, (1, "again"), (1, "delivered"), (2, "failed"))
    assert counts(house, operation) == (260, 100, 50, 100, 10)
    tried(house, first, (3, "delivered"))
    again = sent(house, operation, "valid", first)
    tried(house, again, (2, "delivered"))
    assert counts(house, operation) == (260, 250, 0, 0, 10)


def test_where_all_records_are_sent_none_is_left_out(house: House) -> None:
    operation = accepted(house, 200, 60)
    tried(house, sent(house, operation, "all"), (1, "delivered"), (3, "failed"))
    assert counts(house, operation) == (260, 100, 100, 60, 0)
