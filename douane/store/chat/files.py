"""What is still to be fetched for a chat workspace: files that messages name, and pictures of users."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from douane.errors import NotFound
from douane.store.chat.rows import AT_ONCE, Row
from douane.store.database import database_now
from douane.store.schema import chat_file, chat_user


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file as the workspace knows it. `media_type` and `size_bytes` are the export's words until it is downloaded."""

    id: str
    state: str
    url: str | None
    name: str
    size_bytes: int | None
    media_type: str | None
    operation_id: str
    body_entry: int | None
    object: str | None
    error: str | None
    tries: int


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a file: stored in `object`, or not for `error`; `tries` are those made now."""

    id: str
    tries: int
    object: str | None = None
    size_bytes: int | None = None
    media_type: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class AvatarRow:
    """`url` is an http(s) address or a data: URI."""

    user_id: str
    url: str


_HAS_URL = or_(func.lower(chat_file.c.url).like("http://%"), func.lower(chat_file.c.url).like("https://%"))
_HAS_BODY = chat_file.c.body_entry.is_not(None)


def _pending(project_id: str) -> ColumnElement[bool]:
    return and_(chat_file.c.project_id == project_id, chat_file.c.state == "pending", or_(_HAS_URL, _HAS_BODY))


def add_files(connection: Connection, rows: Sequence[Row]) -> None:
    """Files that messages name. One that was not fetched yet is looked for where a newer export has it, if that is
    elsewhere; one that was fetched stays as it is."""
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = make(chat_file)
    newer = statement.excluded
    statement = statement.on_conflict_do_update(
        index_elements=[chat_file.c.project_id, chat_file.c.id],
        set_={
            "state": newer.state,
            "url": newer.url,
            "body_entry": newer.body_entry,
            "operation_id": newer.operation_id,
            "error": None,
            "updated_at": newer.updated_at,
        },
        where=(chat_file.c.state != "downloaded")
        & (newer.state == "pending")
        & (chat_file.c.url.is_distinct_from(newer.url) | newer.body_entry.is_not(None)),
    )
    for start in range(0, len(rows), AT_ONCE):
        connection.execute(statement, list(rows[start : start + AT_ONCE]))


def begin(connection: Connection, project_id: str) -> int:
    """Lets what failed before be tried again; how many files there are to fetch."""
    connection.execute(
        update(chat_file)
        .where(chat_file.c.project_id == project_id, chat_file.c.state == "failed", or_(_HAS_URL, _HAS_BODY))
        .values(state="pending")
    )
    return int(connection.execute(select(func.count()).select_from(chat_file).where(_pending(project_id))).scalar_one())


def with_url(connection: Connection, project_id: str, after: str, limit: int) -> list[FileRow]:
    """Pending files to be fetched from their address, by id, beginning after one."""
    query = (
        select(chat_file)
        .where(_pending(project_id), _HAS_URL, chat_file.c.body_entry.is_(None), chat_file.c.id > after)
        .order_by(chat_file.c.id)
        .limit(limit)
    )
    return [_file(row) for row in connection.execute(query).mappings()]


def with_body(connection: Connection, project_id: str, limit: int) -> list[FileRow]:
    """Pending files whose bytes stand in an export, those of one operation and in the order of its entries."""
    first = select(func.min(chat_file.c.operation_id)).where(_pending(project_id), _HAS_BODY).scalar_subquery()
    query = (
        select(chat_file)
        .where(_pending(project_id), _HAS_BODY, chat_file.c.operation_id == first)
        .order_by(chat_file.c.body_entry, chat_file.c.id)
        .limit(limit)
    )
    return [_file(row) for row in connection.execute(query).mappings()]


def without_body(connection: Connection, project_id: str, file_ids: Iterable[str]) -> None:
    """The export does not give the bytes of these files after all: their addresses are what is left."""
    for file_id in file_ids:
        connection.execute(
            update(chat_file)
            .where(chat_file.c.project_id == project_id, chat_file.c.id == file_id)
            .values(body_entry=None)
        )


def settle(connection: Connection, project_id: str, settled: Iterable[Settled]) -> None:
    now = database_now(connection)
    for one in settled:
        values: dict[str, Any] = {"state": "failed", "error": one.error}
        if one.object is not None:
            values = {
                "state": "downloaded",
                "error": None,
                "object": one.object,
                "size_bytes": one.size_bytes,
                "media_type": one.media_type,
            }
        connection.execute(
            update(chat_file)
            .where(chat_file.c.project_id == project_id, chat_file.c.id == one.id)
            .values(tries=chat_file.c.tries + one.tries, updated_at=now, **values)
        )


def get(connection: Connection, project_id: str, file_id: str) -> FileRow:
    """NotFound for another project's too."""
    row = (
        connection.execute(select(chat_file).where(chat_file.c.project_id == project_id, chat_file.c.id == file_id))
        .mappings()
        .first()
    )
    if row is None:
        raise NotFound("There is no such file.")
    return _file(row)


def count_avatars(connection: Connection, project_id: str) -> int:
    query = select(func.count()).select_from(chat_user).where(_wants_avatar(project_id))
    return int(connection.execute(query).scalar_one())


def avatars(connection: Connection, project_id: str, after: str, limit: int) -> list[AvatarRow]:
    """Users whose picture is to be fetched, by id, beginning after one."""
    query = (
        select(chat_user.c.id, chat_user.c.pending_avatar)
        .where(_wants_avatar(project_id), chat_user.c.id > after)
        .order_by(chat_user.c.id)
        .limit(limit)
    )
    return [AvatarRow(row.id, row.pending_avatar) for row in connection.execute(query)]


def set_avatar(connection: Connection, project_id: str, user_id: str, url: str, name: str, media_type: str) -> None:
    """Takes the mark away with which the picture was fetched; another that came meanwhile stays."""
    connection.execute(
        update(chat_user)
        .where(
            chat_user.c.project_id == project_id,
            chat_user.c.id == user_id,
            chat_user.c.pending_avatar == url,
        )
        .values(pending_avatar=None, avatar_object=name, avatar_type=media_type, updated_at=database_now(connection))
    )


def avatar(connection: Connection, project_id: str, user_id: str) -> tuple[str, str]:
    """(object, media type). NotFound where there is none."""
    row = connection.execute(
        select(chat_user.c.avatar_object, chat_user.c.avatar_type).where(
            chat_user.c.project_id == project_id, chat_user.c.id == user_id
        )
    ).first()
    if row is None or row.avatar_object is None:
        raise NotFound("There is no such picture.")
    return row.avatar_object, row.avatar_type or "application/octet-stream"


def _wants_avatar(project_id: str) -> ColumnElement[bool]:
    return and_(
        chat_user.c.project_id == project_id,
        chat_user.c.pending_avatar.is_not(None),
        chat_user.c.pending_avatar != "",
    )


def _file(row: RowMapping) -> FileRow:
    return FileRow(**{name: row[name] for name in FileRow.__dataclass_fields__})
