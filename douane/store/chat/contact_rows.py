"""Contacts: looked up, written, listed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select

from douane.store.chat.foreign_ids import targets
from douane.store.chat.rows import WHOLE, Row, Stretch, by_id, chunks, listed, update_each
from douane.store.schema import (
    chat_contact,
)


def contacts_known(
    connection: Connection, project_id: str, import_ids: Iterable[str]
) -> tuple[dict[str, Row], dict[str, str]]:
    by_import_id = targets(connection, project_id, "contact", import_ids)
    found: dict[str, Row] = {}
    for chunk in chunks(by_import_id.values()):
        query = select(chat_contact).where(chat_contact.c.project_id == project_id, chat_contact.c.id.in_(chunk))
        found |= by_id(connection, query)
    return found, by_import_id


def write_contacts(connection: Connection, new: Sequence[Row], changed: Sequence[Row]) -> None:
    if new:
        connection.execute(insert(chat_contact), list(new))
    update_each(connection, chat_contact, changed)


def contacts(
    connection: Connection,
    project_id: str,
    *,
    operation_id: str | None = None,
    ids: Sequence[str] | None = None,
    stretch: Stretch = WHOLE,
) -> list[Row]:
    query = select(chat_contact).where(*_which_contacts(project_id, operation_id, ids))
    return listed(connection, query, chat_contact.c.id, stretch)


def count_contacts(
    connection: Connection, project_id: str, *, operation_id: str | None = None, ids: Sequence[str] | None = None
) -> int:
    which = _which_contacts(project_id, operation_id, ids)
    return int(connection.execute(select(func.count()).select_from(chat_contact).where(*which)).scalar_one())


def _which_contacts(project_id: str, operation_id: str | None, ids: Sequence[str] | None) -> list[Any]:
    which: list[Any] = [chat_contact.c.project_id == project_id]
    if operation_id is not None:
        which.append(chat_contact.c.operation_id == operation_id)
    if ids is not None:
        which.append(chat_contact.c.id.in_(ids))
    return which
