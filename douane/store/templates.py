"""Templates and their columns as they are kept: definitions are documents in the published template form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, select, update

from douane.model.template import StoredColumn, StoredTemplate
from douane.store.ids import new_id
from douane.store.schema import template, template_column
from douane.store.times import utc

IMAGE = "Image"  # the type of a column of images
IDS_AT_ONCE = 500


def add(connection: Connection, *, project_id: str, name: str, document: Mapping[str, Any]) -> StoredTemplate:
    now = datetime.now(UTC)
    made = StoredTemplate(
        id=new_id(), project_id=project_id, name=name, created_at=now, updated_at=now, document=dict(document)
    )
    connection.execute(
        insert(template).values(
            id=made.id,
            project_id=project_id,
            name=name,
            document=made.document,
            total_uploads=0,
            total_records=0,
            total_invalid=0,
            created_at=now,
            updated_at=now,
        )
    )
    return made


def get(connection: Connection, template_id: str, project_id: str | None = None) -> StoredTemplate | None:
    """`project_id` None: of any project."""
    query = select(template).where(template.c.id == template_id)
    if project_id is not None:
        query = query.where(template.c.project_id == project_id)
    row = connection.execute(query).first()
    return None if row is None else _with_images(connection, [_template(row)])[0]


def exists(connection: Connection, template_id: str, project_id: str) -> bool:
    """Whether the project has it; costs less than to read it."""
    return connection.execute(_EXISTS, {"id": template_id, "project": project_id}).first() is not None


_EXISTS = select(template.c.id).where(template.c.id == bindparam("id"), template.c.project_id == bindparam("project"))


def lock(connection: Connection, template_id: str, project_id: str) -> StoredTemplate | None:
    """The template, held until the transaction ends: two people adding the same key must not both succeed."""
    row = connection.execute(
        select(template).where(template.c.id == template_id, template.c.project_id == project_id).with_for_update()
    ).first()
    return None if row is None else _template(row)


def of_project(connection: Connection, project_id: str) -> list[tuple[StoredTemplate, int]]:
    """(template, how many columns it has), oldest first."""
    columns = (
        select(func.count())
        .select_from(template_column)
        .where(template_column.c.template_id == template.c.id)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(template, columns.label("columns")).where(template.c.project_id == project_id).order_by(template.c.id)
    ).all()
    found = _with_images(connection, [_template(row) for row in rows])
    return [(one, row.columns) for one, row in zip(found, rows, strict=True)]


def search(
    connection: Connection, project_id: str, text: str, *, limit: int, offset: int
) -> tuple[list[StoredTemplate], int]:
    """(templates whose name contains the text in any case, newest change first; how many there are in all)."""
    which = [template.c.project_id == project_id]
    if text:
        which.append(func.lower(template.c.name).contains(text.lower(), autoescape=True))
    total = connection.execute(select(func.count()).select_from(template).where(*which)).scalar_one()
    rows = connection.execute(
        select(template)
        .where(*which)
        .order_by(template.c.updated_at.desc(), template.c.id.desc())
        .limit(limit)
        .offset(offset)
    ).all()
    return _with_images(connection, [_template(row) for row in rows]), total


def change(connection: Connection, template_id: str, **values: Any) -> None:
    """Any of `name`, `document`."""
    connection.execute(
        update(template).where(template.c.id == template_id).values(**values, updated_at=datetime.now(UTC))
    )


def count(connection: Connection, template_id: str, *, uploads: int, records: int, invalid: int) -> None:
    """Adds to the template's counters (contract 7.1). A template deleted meanwhile counts nothing."""
    connection.execute(
        update(template)
        .where(template.c.id == template_id)
        .values(
            total_uploads=template.c.total_uploads + uploads,
            total_records=template.c.total_records + records,
            total_invalid=template.c.total_invalid + invalid,
        )
    )


def remove(connection: Connection, template_id: str) -> None:
    """With its columns; its operations stay."""
    connection.execute(delete(template).where(template.c.id == template_id))


def columns(connection: Connection, template_id: str) -> list[StoredColumn]:
    """In sequence."""
    rows = connection.execute(
        select(template_column)
        .where(template_column.c.template_id == template_id)
        .order_by(template_column.c.sequence, template_column.c.id)
    ).all()
    return [_column(row) for row in rows]


def column(connection: Connection, column_id: str, project_id: str) -> StoredColumn | None:
    row = connection.execute(
        select(template_column)
        .join(template, template.c.id == template_column.c.template_id)
        .where(template_column.c.id == column_id, template.c.project_id == project_id)
    ).first()
    return None if row is None else _column(row)


def add_columns(
    connection: Connection, template_id: str, items: Sequence[tuple[str | None, str, int, Mapping[str, Any]]]
) -> list[StoredColumn]:
    """Each item is (id or None for a new one, key, sequence, document)."""
    now = datetime.now(UTC)
    made = [
        StoredColumn(
            id=column_id or new_id(),
            template_id=template_id,
            key=key,
            sequence=sequence,
            document=dict(document),
            created_at=now,
            updated_at=now,
        )
        for column_id, key, sequence, document in items
    ]
    if made:
        connection.execute(
            insert(template_column),
            [
                {
                    "id": one.id,
                    "template_id": template_id,
                    "key": one.key,
                    "sequence": one.sequence,
                    "document": one.document,
                    "created_at": now,
                    "updated_at": now,
                }
                for one in made
            ],
        )
    return made


def change_column(connection: Connection, column_id: str, **values: Any) -> None:
    """Any of `key`, `sequence`, `document`."""
    connection.execute(
        update(template_column).where(template_column.c.id == column_id).values(**values, updated_at=datetime.now(UTC))
    )


def remove_column(connection: Connection, column_id: str) -> None:
    connection.execute(delete(template_column).where(template_column.c.id == column_id))


def remove_columns(connection: Connection, template_id: str) -> None:
    connection.execute(delete(template_column).where(template_column.c.template_id == template_id))


def _with_images(connection: Connection, found: list[StoredTemplate]) -> list[StoredTemplate]:
    """The same, each with the keys of its columns of images: a program shows its step for images by them."""
    keys: dict[str, list[str]] = {}
    for at in range(0, len(found), IDS_AT_ONCE):
        ids = [one.id for one in found[at : at + IDS_AT_ONCE]]
        rows = connection.execute(
            select(template_column.c.template_id, template_column.c.key, template_column.c.document)
            .where(template_column.c.template_id.in_(ids))
            .order_by(template_column.c.sequence, template_column.c.id)
        )
        for template_id, key, document in rows:
            if document.get("type") == IMAGE:
                keys.setdefault(template_id, []).append(key)
    return [replace(one, image_columns=tuple(keys[one.id])) if one.id in keys else one for one in found]


def _template(row: Row[Any]) -> StoredTemplate:
    return StoredTemplate(
        id=row.id,
        project_id=row.project_id,
        name=row.name,
        created_at=utc(row.created_at),
        updated_at=utc(row.updated_at),
        document=dict(row.document),
        total_uploads=row.total_uploads,
        total_records=row.total_records,
        total_invalid=row.total_invalid,
    )


def _column(row: Row[Any]) -> StoredColumn:
    return StoredColumn(
        id=row.id,
        template_id=row.template_id,
        key=row.key,
        sequence=row.sequence,
        document=dict(row.document),
        created_at=utc(row.created_at),
        updated_at=utc(row.updated_at),
    )
