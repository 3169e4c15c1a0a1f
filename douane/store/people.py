"""People: who can sign in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from douane.model.identity import Person
from douane.store.ids import new_id
from douane.store.schema import person


def add(
    connection: Connection,
    *,
    email: str,
    username: str,
    password_hash: str,
    first_name: str = "",
    last_name: str = "",
) -> Person:
    """`email` is stored in lower case. The database refuses a taken e-mail or username (Conflict)."""
    now = datetime.now(UTC)
    made = Person(
        id=new_id(),
        email=email.strip().lower(),
        username=username.strip(),
        password_hash=password_hash,
        first_name=first_name,
        last_name=last_name,
    )
    connection.execute(
        insert(person).values(
            id=made.id,
            email=made.email,
            username=made.username,
            password_hash=password_hash,
            first_name=first_name,
            last_name=last_name,
            disabled=False,
            created_at=now,
            updated_at=now,
        )
    )
    return made


def get(connection: Connection, person_id: str) -> Person | None:
    return _person(connection.execute(select(person).where(person.c.id == person_id)).first())


def everybody(connection: Connection) -> list[Person]:
    """By e-mail."""
    found = [_person(row) for row in connection.execute(select(person).order_by(person.c.email))]
    return [one for one in found if one is not None]


def by_login(connection: Connection, login: str) -> Person | None:
    """By e-mail if there is an `@` in it, else by username: no username contains one."""
    login = login.strip()
    which = person.c.email == login.lower() if "@" in login else person.c.username == login
    return _person(connection.execute(select(person).where(which)).first())


def count(connection: Connection) -> int:
    return int(connection.execute(select(func.count()).select_from(person)).scalar_one())


def change(connection: Connection, person_id: str, **values: Any) -> None:
    """Any of `email`, `first_name`, `last_name`, `password_hash`, `disabled`."""
    connection.execute(update(person).where(person.c.id == person_id).values(**values, updated_at=datetime.now(UTC)))


def _person(row: Row[Any] | None) -> Person | None:
    if row is None:
        return None
    return Person(
        id=row.id,
        email=row.email,
        username=row.username,
        password_hash=row.password_hash,
        first_name=row.first_name,
        last_name=row.last_name,
        disabled=row.disabled,
    )
