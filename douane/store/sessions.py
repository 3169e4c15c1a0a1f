"""Browser sessions and personal tokens. The token itself is never stored, only its keyed hash."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Connection, and_, delete, insert, or_, select, update

from douane.model.identity import Person, Session
from douane.store.ids import new_id
from douane.store.schema import member, person, session
from douane.store.times import utc


def add(
    connection: Connection,
    *,
    token_hash: str,
    person_id: str,
    project_id: str | None,
    expires_at: datetime | None,
    name: str | None = None,
) -> Session:
    """One with a name is a personal token."""
    now = datetime.now(UTC)
    kind: Literal["session", "token"] = "session" if name is None else "token"
    made = Session(
        id=new_id(),
        kind=kind,
        person_id=person_id,
        project_id=project_id,
        created_at=now,
        used_at=now,
        expires_at=expires_at,
        name=name,
    )
    connection.execute(
        insert(session).values(
            id=made.id,
            token_hash=token_hash,
            kind=kind,
            name=name,
            person_id=person_id,
            project_id=project_id,
            created_at=now,
            used_at=now,
            expires_at=expires_at,
        )
    )
    return made


def find(connection: Connection, token_hash: str) -> tuple[Session, Person, str | None] | None:
    """The live session of a token with its person and the person's role in the session's project (None: no member).

    None for an unknown or expired token and for a disabled person: one query, asked on every signed-in request, so that
    signing out and disabling hold at once."""
    role = and_(member.c.person_id == session.c.person_id, member.c.project_id == session.c.project_id)
    row = connection.execute(
        select(
            session,
            person.c.email,
            person.c.username,
            person.c.password_hash,
            person.c.first_name,
            person.c.last_name,
            member.c.role,
        )
        .join(person, person.c.id == session.c.person_id)
        .outerjoin(member, role)
        .where(
            session.c.token_hash == token_hash,
            person.c.disabled.is_(False),
            or_(session.c.expires_at.is_(None), session.c.expires_at > datetime.now(UTC)),
        )
    ).first()
    if row is None:
        return None
    found = Session(
        id=row.id,
        kind=row.kind,
        person_id=row.person_id,
        project_id=row.project_id,
        created_at=utc(row.created_at),
        used_at=utc(row.used_at),
        expires_at=None if row.expires_at is None else utc(row.expires_at),
        name=row.name,
    )
    someone = Person(
        id=row.person_id,
        email=row.email,
        username=row.username,
        password_hash=row.password_hash,
        first_name=row.first_name,
        last_name=row.last_name,
    )
    return found, someone, row.role


def touch(connection: Connection, session_id: str) -> None:
    connection.execute(update(session).where(session.c.id == session_id).values(used_at=datetime.now(UTC)))


def move(connection: Connection, session_id: str, project_id: str) -> None:
    """The session acts in this project from now on."""
    connection.execute(update(session).where(session.c.id == session_id).values(project_id=project_id))


def end(connection: Connection, session_id: str) -> None:
    connection.execute(delete(session).where(session.c.id == session_id))


def end_all(connection: Connection, person_id: str) -> None:
    connection.execute(delete(session).where(session.c.person_id == person_id))


def end_expired(connection: Connection) -> None:
    connection.execute(delete(session).where(session.c.expires_at < datetime.now(UTC)))


def tokens_of(connection: Connection, person_id: str) -> list[Session]:
    """A person's valid personal tokens, oldest first."""
    query = (
        select(session)
        .where(
            session.c.person_id == person_id,
            session.c.kind == "token",
            or_(session.c.expires_at.is_(None), session.c.expires_at > datetime.now(UTC)),
        )
        .order_by(session.c.created_at)
    )
    return [
        Session(
            id=row.id,
            kind="token",
            person_id=row.person_id,
            project_id=row.project_id,
            created_at=utc(row.created_at),
            used_at=utc(row.used_at),
            expires_at=None if row.expires_at is None else utc(row.expires_at),
            name=row.name,
        )
        for row in connection.execute(query)
    ]
