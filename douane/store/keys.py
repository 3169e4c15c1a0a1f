"""Access keys of projects: a keyed hash to look them up, an encrypted copy to show them again (contract 2.7)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from douane.model.identity import AccessKey
from douane.store.ids import new_id
from douane.store.schema import access_key, project
from douane.store.times import utc


def add(connection: Connection, *, project_id: str, key_hash: str, key_encrypted: bytes, name: str = "") -> AccessKey:
    made = AccessKey(id=new_id(), project_id=project_id, name=name, created_at=datetime.now(UTC))
    connection.execute(
        insert(access_key).values(
            id=made.id,
            project_id=project_id,
            key_hash=key_hash,
            key_encrypted=key_encrypted,
            name=name,
            created_at=made.created_at,
            revoked_at=None,
        )
    )
    return made


def find(connection: Connection, key_hash: str) -> tuple[str, str, tuple[str, ...]] | None:
    """(its id, project id, the project's allowed domains) of a key that is not revoked."""
    row = connection.execute(
        select(access_key.c.id, access_key.c.project_id, project.c.allowed_domains)
        .join(project, project.c.id == access_key.c.project_id)
        .where(access_key.c.key_hash == key_hash, access_key.c.revoked_at.is_(None))
    ).first()
    return None if row is None else (row.id, row.project_id, tuple(row.allowed_domains))


def of_project(connection: Connection, project_id: str) -> list[AccessKey]:
    """Oldest first, revoked ones too."""
    rows = connection.execute(
        select(access_key).where(access_key.c.project_id == project_id).order_by(access_key.c.id)
    ).all()
    return [_key(row) for row in rows]


def current(connection: Connection, project_id: str) -> tuple[AccessKey, bytes] | None:
    """The environment's key with its encrypted copy: the newest unnamed one that is not revoked."""
    row = connection.execute(
        select(access_key)
        .where(access_key.c.project_id == project_id, access_key.c.name == "", access_key.c.revoked_at.is_(None))
        .order_by(access_key.c.id.desc())
        .limit(1)
    ).first()
    return None if row is None else (_key(row), bytes(row.key_encrypted))


def revoke(connection: Connection, project_id: str, key_id: str) -> bool:
    """False if the project has no such key, or it was revoked before."""
    which = (access_key.c.project_id == project_id, access_key.c.id == key_id, access_key.c.revoked_at.is_(None))
    return connection.execute(update(access_key).where(*which).values(revoked_at=datetime.now(UTC))).rowcount > 0


def revoke_unnamed(connection: Connection, project_id: str) -> None:
    which = (access_key.c.project_id == project_id, access_key.c.name == "", access_key.c.revoked_at.is_(None))
    connection.execute(update(access_key).where(*which).values(revoked_at=datetime.now(UTC)))


def _key(row: Row[Any]) -> AccessKey:
    return AccessKey(
        id=row.id,
        project_id=row.project_id,
        name=row.name,
        created_at=utc(row.created_at),
        revoked_at=None if row.revoked_at is None else utc(row.revoked_at),
    )
