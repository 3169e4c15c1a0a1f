"""What a run made of each staged part: sums and reasons."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from douane.store.schema import (
    chat_outcome,
)


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    """What a run made of one staged part. `reasons`: code -> records."""

    table: str
    number: int
    imported: int
    skipped: int
    failed: int
    reasons: dict[str, int]
    entries_object: str | None = None
    version: int = 0


def add_outcome(connection: Connection, operation_id: str, version: int, row: OutcomeRow) -> None:
    connection.execute(
        insert(chat_outcome).values(
            operation_id=operation_id,
            version=version,
            table_name=row.table,
            number=row.number,
            imported=row.imported,
            skipped=row.skipped,
            failed=row.failed,
            reasons=row.reasons,
            entries_object=row.entries_object,
        )
    )


def outcomes(connection: Connection, operation_id: str, version: int, table: str | None = None) -> list[OutcomeRow]:
    """Of each staged part the newest up to a version, in order of table and part."""
    query = select(chat_outcome).where(chat_outcome.c.operation_id == operation_id, chat_outcome.c.version <= version)
    if table is not None:
        query = query.where(chat_outcome.c.table_name == table)
    newest: dict[tuple[str, int], OutcomeRow] = {}
    for r in connection.execute(query.order_by(chat_outcome.c.version)):
        newest[r.table_name, r.number] = OutcomeRow(
            r.table_name, r.number, r.imported, r.skipped, r.failed, r.reasons, r.entries_object, r.version
        )
    return [newest[key] for key in sorted(newest)]


def settled(connection: Connection, operation_id: str, version: int, table: str) -> set[int]:
    """The staged parts that have an outcome under that very version."""
    query = select(chat_outcome.c.number).where(
        chat_outcome.c.operation_id == operation_id,
        chat_outcome.c.version == version,
        chat_outcome.c.table_name == table,
    )
    return set(connection.execute(query).scalars())


def outcome_objects(connection: Connection, operation_id: str) -> set[str]:
    query = select(chat_outcome.c.entries_object).where(
        chat_outcome.c.operation_id == operation_id, chat_outcome.c.entries_object.is_not(None)
    )
    return set(connection.execute(query).scalars())


def forget_outcome_objects(connection: Connection, operation_id: str) -> None:
    """Only the sums stay."""
    connection.execute(
        update(chat_outcome).where(chat_outcome.c.operation_id == operation_id).values(entries_object=None)
    )
