"""What a project imported, over all its templates: for lists and sums a person looks at."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, select

from douane.model.operation import Operation
from douane.model.template import StoredTemplate
from douane.store import operations, templates
from douane.store.schema import operation, template


def history(
    connection: Connection,
    project_id: str,
    family: str,
    *,
    name: str = "",
    between: tuple[datetime, datetime] | None = None,
    offset: int,
    limit: int,
) -> tuple[list[tuple[Operation, StoredTemplate | None]], int]:
    """(import, its template if it still stands), newest first, and how many there are in all. `name`: of templates
    whose name holds this text in any case; `between`: begun from the first moment, before the second."""
    which: list[ColumnElement[bool]] = [operation.c.project_id == project_id, operation.c.family == family]
    joined = operation.outerjoin(template, template.c.id == operation.c.template_id)
    if name:
        which.append(func.lower(template.c.name).contains(name.lower(), autoescape=True))
    if between is not None:
        which += [operation.c.created_at >= between[0], operation.c.created_at < between[1]]
    total = int(connection.execute(select(func.count()).select_from(joined).where(*which)).scalar_one())
    ids = connection.execute(
        select(operation.c.id)
        .select_from(joined)
        .where(*which)
        .order_by(operation.c.created_at.desc(), operation.c.id.desc())
        .offset(offset)
        .limit(limit)
    ).scalars()
    found = [operations.get(connection, operation_id) for operation_id in ids]
    known = {one: templates.get(connection, one) for one in {import_.template_id or "" for import_ in found} if one}
    return [(one, known.get(one.template_id or "")) for one in found], total


def begun(connection: Connection, project_id: str, family: str, since: datetime) -> list[datetime]:
    """When each import since a moment began."""
    query = select(operation.c.created_at).where(
        operation.c.project_id == project_id, operation.c.family == family, operation.c.created_at >= since
    )
    return list(connection.execute(query).scalars())
