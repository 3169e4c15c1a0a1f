"""What somebody wants forgotten in all imports of a template, and how far that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, insert, select, update

from douane.store.database import database_now
from douane.store.ids import new_id
from douane.store.schema import forgetting


@dataclass(frozen=True, slots=True)
class Forgetting:
    """`value` is encrypted for this id; None once nobody needs it. `looked` of the `total` imports were looked through,
    `last` is the one after which it goes on. `found` is the flow's own."""

    id: str
    project_id: str
    template_id: str
    field: str
    value: bytes | None
    state: Literal["working", "done", "failed"]
    looked: int
    total: int
    last: str | None
    found: dict[str, Any]


def new() -> str:
    """An id for `add`: what is encrypted is so for its row."""
    return new_id()


def add(
    connection: Connection, made: str, *, project_id: str, template_id: str, field: str, value: bytes, total: int
) -> None:
    now = database_now(connection)
    connection.execute(
        insert(forgetting).values(
            id=made,
            project_id=project_id,
            template_id=template_id,
            field=field,
            value=value,
            state="working",
            total=total,
            created_at=now,
            updated_at=now,
        )
    )


def get(connection: Connection, forgetting_id: str) -> Forgetting | None:
    row = connection.execute(select(forgetting).where(forgetting.c.id == forgetting_id)).first()
    if row is None:
        return None
    return Forgetting(
        row.id,
        row.project_id,
        row.template_id,
        row.field,
        row.value,
        row.state,
        row.looked,
        row.total,
        row.last,
        row.found,
    )


def change(connection: Connection, forgetting_id: str, **values: Any) -> None:
    values["updated_at"] = database_now(connection)
    connection.execute(update(forgetting).where(forgetting.c.id == forgetting_id).values(**values))
