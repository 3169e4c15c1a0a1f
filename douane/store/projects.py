"""Projects and their members."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, insert, select, update

from douane.model.identity import Member, Project
from douane.store.ids import new_id
from douane.store.schema import member, operation, project
from douane.store.times import utc


def add(connection: Connection, *, name: str, owner_id: str, auth_header_name: str | None = None) -> Project:
    """A project whose owner is its first Admin."""
    now = datetime.now(UTC)
    made = Project(
        id=new_id(),
        name=name,
        owner_id=owner_id,
        environment_id=new_id(),
        created_at=now,
        updated_at=now,
        auth_header_name=auth_header_name,
    )
    connection.execute(
        insert(project).values(
            id=made.id,
            name=name,
            owner_id=owner_id,
            environment_id=made.environment_id,
            auth_header_name=auth_header_name,
            allowed_domains=[],
            created_at=now,
            updated_at=now,
        )
    )
    add_member(connection, project_id=made.id, person_id=owner_id, role="Admin")
    return made


def add_member(connection: Connection, *, project_id: str, person_id: str, role: str) -> Member:
    made = Member(id=new_id(), project_id=project_id, person_id=person_id, role=role, joined_at=datetime.now(UTC))
    connection.execute(
        insert(member).values(
            id=made.id, project_id=project_id, person_id=person_id, role=role, joined_at=made.joined_at
        )
    )
    return made


def set_role(connection: Connection, *, project_id: str, person_id: str, role: str | None) -> None:
    """None takes the person out."""
    which = (member.c.project_id == project_id, member.c.person_id == person_id)
    if role is None:
        connection.execute(delete(member).where(*which))
    elif not connection.execute(update(member).where(*which).values(role=role)).rowcount:
        add_member(connection, project_id=project_id, person_id=person_id, role=role)


def get(connection: Connection, project_id: str) -> Project | None:
    row = connection.execute(select(project).where(project.c.id == project_id)).first()
    return None if row is None else _project(row)


def allowed_domains(connection: Connection) -> list[frozenset[str]]:
    """Those of each project."""
    return [frozenset(found) for found in connection.execute(select(project.c.allowed_domains)).scalars()]


def lock(connection: Connection, project_id: str) -> None:
    """No other transaction that asks the same gets on before this one ends. Rows that refer to the project can be added
    meanwhile: a run that does so holds its import, which whoever has this lock may wait for."""
    connection.execute(select(project.c.id).where(project.c.id == project_id).with_for_update(key_share=True))


def everything(connection: Connection) -> list[Project]:
    """All projects, oldest first."""
    return [_project(row) for row in connection.execute(select(project).order_by(project.c.id)).all()]


def of_person(connection: Connection, person_id: str) -> list[tuple[Project, str]]:
    """(project, the person's role in it), in the order the person joined."""
    joined = and_(member.c.project_id == project.c.id, member.c.person_id == person_id)
    rows = connection.execute(
        select(project, member.c.role).join(member, joined).order_by(member.c.joined_at, member.c.id)
    ).all()
    return [(_project(row), row.role) for row in rows]


def role_of(connection: Connection, project_id: str, person_id: str) -> str | None:
    which = (member.c.project_id == project_id, member.c.person_id == person_id)
    return connection.execute(select(member.c.role).where(*which)).scalar_one_or_none()


def members(connection: Connection, project_id: str) -> list[Member]:
    rows = connection.execute(
        select(member).where(member.c.project_id == project_id).order_by(member.c.joined_at, member.c.id)
    ).all()
    return [
        Member(
            id=row.id,
            project_id=row.project_id,
            person_id=row.person_id,
            role=row.role,
            joined_at=utc(row.joined_at),
        )
        for row in rows
    ]


def change(connection: Connection, project_id: str, **values: Any) -> None:
    """Any of `name`, `auth_header_name`, `allowed_domains` (list of origins)."""
    connection.execute(update(project).where(project.c.id == project_id).values(**values, updated_at=datetime.now(UTC)))


def operation_ids(connection: Connection, project_id: str) -> Sequence[str]:
    """Of every operation of the project: their objects have to go when it goes."""
    return connection.execute(select(operation.c.id).where(operation.c.project_id == project_id)).scalars().all()


def remove(connection: Connection, project_id: str) -> None:
    """With all that belongs to it, by the database's cascades."""
    connection.execute(delete(project).where(project.c.id == project_id))


def _project(row: Row[Any]) -> Project:
    return Project(
        id=row.id,
        name=row.name,
        owner_id=row.owner_id,
        environment_id=row.environment_id,
        created_at=utc(row.created_at),
        updated_at=utc(row.updated_at),
        auth_header_name=row.auth_header_name,
        allowed_domains=tuple(row.allowed_domains),
    )


def first_ids(connection: Connection, count: int) -> list[str]:
    """The ids of the oldest projects."""
    return list(connection.execute(select(project.c.id).order_by(project.c.id).limit(count)).scalars())
