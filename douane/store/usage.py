"""What a project holds: its uploads, their bytes and their records, as long as they are kept."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from douane.store.schema import operation


@dataclass(frozen=True, slots=True)
class Usage:
    uploads: int
    bytes: int
    rows: int


def of_project(connection: Connection, project_id: str) -> Usage:
    """Of imports whose files and records are still there; those that were ended wait for the sweeper and count no
    more."""
    query = select(
        func.count(), func.coalesce(func.sum(operation.c.source_size), 0), func.coalesce(func.sum(operation.c.total), 0)
    ).where(
        operation.c.project_id == project_id,
        operation.c.kept.is_(True),
        operation.c.stage.not_in(("terminated", "failed")),
    )
    uploads, size, rows = connection.execute(query).one()
    return Usage(int(uploads), int(size), int(rows))
