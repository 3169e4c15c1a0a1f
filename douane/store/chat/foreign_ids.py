"""Foreign ids: which of our users, rooms and contacts an id of an export means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from douane.store.chat.rows import AT_ONCE, Row, chunks
from douane.store.schema import (
    chat_import_id,
)


def import_id_row(project_id: str, kind: str, import_id: str, target_id: str) -> Row:
    return {"project_id": project_id, "kind": kind, "import_id": import_id, "target_id": target_id}


def targets(connection: Connection, project_id: str, kind: str, import_ids: Iterable[str]) -> dict[str, str]:
    """Import id -> our id."""
    found: dict[str, str] = {}
    for chunk in chunks(import_ids):
        query = select(chat_import_id.c.import_id, chat_import_id.c.target_id).where(
            chat_import_id.c.project_id == project_id,
            chat_import_id.c.kind == kind,
            chat_import_id.c.import_id.in_(chunk),
        )
        found.update((row.import_id, row.target_id) for row in connection.execute(query))
    return found


def all_targets(connection: Connection, project_id: str, kind: str) -> dict[str, str]:
    query = select(chat_import_id.c.import_id, chat_import_id.c.target_id).where(
        chat_import_id.c.project_id == project_id, chat_import_id.c.kind == kind
    )
    return {row.import_id: row.target_id for row in connection.execute(query)}


def import_ids_of(connection: Connection, project_id: str, kind: str, ids: Iterable[str]) -> dict[str, list[str]]:
    """Our id -> its import ids."""
    found: dict[str, list[str]] = {}
    for chunk in chunks(ids):
        query = (
            select(chat_import_id.c.target_id, chat_import_id.c.import_id)
            .where(
                chat_import_id.c.project_id == project_id,
                chat_import_id.c.kind == kind,
                chat_import_id.c.target_id.in_(chunk),
            )
            .order_by(chat_import_id.c.import_id)
        )
        for row in connection.execute(query):
            found.setdefault(row.target_id, []).append(row.import_id)
    return found


def add_import_ids(connection: Connection, project_id: str, kind: str, ids: Mapping[str, str]) -> None:
    """Import id -> our id; one that stood for a placeholder is moved."""
    rows = [import_id_row(project_id, kind, import_id, target) for import_id, target in ids.items()]
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = make(chat_import_id)
    moved = statement.on_conflict_do_update(
        index_elements=[chat_import_id.c.project_id, chat_import_id.c.kind, chat_import_id.c.import_id],
        set_={"target_id": statement.excluded.target_id},
    )
    for start in range(0, len(rows), AT_ONCE):
        connection.execute(moved, rows[start : start + AT_ONCE])
