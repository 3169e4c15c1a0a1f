"""Import links and import tokens: what lets a person import into one template without the project's key. Only keyed
hashes of both are kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from douane.model.identity import ImportLink, ImportToken
from douane.store.database import database_now
from douane.store.schema import import_link, import_token, operation, project
from douane.store.times import utc

# Links


def add_link(connection: Connection, made: ImportLink, link_hash: str) -> None:
    connection.execute(
        insert(import_link).values(
            id=made.id,
            project_id=made.project_id,
            template_id=made.template_id,
            link_hash=link_hash,
            name=made.name,
            uses_max=made.uses_max,
            fields=made.fields,
            created_at=made.created_at,
            expires_at=made.expires_at,
            revoked_at=None,
        )
    )


def _uses() -> Any:
    used = (operation.c.link_id == import_link.c.id, operation.c.stage.not_in(("terminated", "failed")))
    return select(func.count()).select_from(operation).where(*used).scalar_subquery().label("uses")


def link(connection: Connection, link_hash: str) -> ImportLink | None:
    """Revoked and expired ones too."""
    row = connection.execute(select(import_link, _uses()).where(import_link.c.link_hash == link_hash)).first()
    return None if row is None else _link(row)


def lock_link(connection: Connection, link_id: str) -> ImportLink | None:
    """Held until the transaction ends: two people who use it at once must not both get the last use."""
    locked = connection.execute(select(import_link.c.id).where(import_link.c.id == link_id).with_for_update()).first()
    if locked is None:
        return None
    return _link(connection.execute(select(import_link, _uses()).where(import_link.c.id == link_id)).one())


def links(connection: Connection, project_id: str, template_id: str | None = None) -> list[ImportLink]:
    """Oldest first; revoked and expired ones too, until they are swept."""
    query = select(import_link, _uses()).where(import_link.c.project_id == project_id).order_by(import_link.c.id)
    if template_id is not None:
        query = query.where(import_link.c.template_id == template_id)
    return [_link(row) for row in connection.execute(query)]


def revoke_link(connection: Connection, project_id: str, link_id: str) -> ImportLink | None:
    """With all tokens that came from it. None if the project has no such link, or it was revoked before."""
    now = database_now(connection)
    which = (import_link.c.project_id == project_id, import_link.c.id == link_id, import_link.c.revoked_at.is_(None))
    if connection.execute(update(import_link).where(*which).values(revoked_at=now)).rowcount == 0:
        return None
    connection.execute(delete(import_token).where(import_token.c.link_id == link_id))
    return _link(connection.execute(select(import_link, _uses()).where(import_link.c.id == link_id)).one())


# Tokens


def add_token(connection: Connection, made: ImportToken, token_hash: str) -> None:
    connection.execute(
        insert(import_token).values(
            id=made.id,
            project_id=made.project_id,
            template_id=made.template_id,
            token_hash=token_hash,
            link_id=made.link_id,
            operation_id=made.operation_id,
            fields=made.fields,
            created_at=made.created_at,
            expires_at=made.expires_at,
        )
    )


def token(connection: Connection, token_hash: str) -> tuple[ImportToken, tuple[str, ...], bool] | None:
    """(the token, its project's allowed domains, whether it has expired)."""
    row = connection.execute(
        select(import_token, project.c.allowed_domains)
        .join(project, project.c.id == import_token.c.project_id)
        .where(import_token.c.token_hash == token_hash)
    ).first()
    if row is None:
        return None
    found = _token(row)
    return found, tuple(row.allowed_domains), found.expires_at <= database_now(connection)


def revoke_token(connection: Connection, project_id: str, token_id: str) -> bool:
    """False if the project has no such token."""
    which = (import_token.c.project_id == project_id, import_token.c.id == token_id)
    return connection.execute(delete(import_token).where(*which)).rowcount > 0


def forget_oldest(connection: Connection, link_id: str, left: int) -> None:
    """Of a link's tokens that made no import only the `left` newest stay."""
    made = select(operation.c.token_id).where(operation.c.link_id == link_id, operation.c.token_id.is_not(None))
    idle = (
        select(import_token.c.id)
        .where(import_token.c.link_id == link_id, import_token.c.operation_id.is_(None), import_token.c.id.not_in(made))
        .order_by(import_token.c.id.desc())
    )
    over = list(connection.execute(idle.offset(left)).scalars())
    for start in range(0, len(over), 500):
        connection.execute(delete(import_token).where(import_token.c.id.in_(over[start : start + 500])))


def forget_expired(connection: Connection, tokens_before: datetime, links_before: datetime) -> None:
    """Tokens that expired before a moment, and links that did."""
    connection.execute(delete(import_token).where(import_token.c.expires_at < tokens_before))
    connection.execute(delete(import_link).where(import_link.c.expires_at < links_before))


def _link(row: Row[Any]) -> ImportLink:
    return ImportLink(
        id=row.id,
        project_id=row.project_id,
        template_id=row.template_id,
        name=row.name,
        created_at=utc(row.created_at),
        expires_at=utc(row.expires_at),
        uses_max=row.uses_max,
        uses=int(row.uses),
        revoked_at=None if row.revoked_at is None else utc(row.revoked_at),
        fields=row.fields,
    )


def _token(row: Row[Any]) -> ImportToken:
    return ImportToken(
        id=row.id,
        project_id=row.project_id,
        template_id=row.template_id,
        created_at=utc(row.created_at),
        expires_at=utc(row.expires_at),
        link_id=row.link_id,
        operation_id=row.operation_id,
        fields=row.fields,
    )
