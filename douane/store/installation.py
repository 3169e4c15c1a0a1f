"""What is true of the whole installation: a few named texts that are written once."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from douane.store.schema import installation


def value(connection: Connection, name: str) -> str | None:
    return connection.execute(select(installation.c.value).where(installation.c.name == name)).scalar_one_or_none()


def add(connection: Connection, name: str, text: str) -> None:
    """Conflict if somebody was first."""
    connection.execute(insert(installation).values(name=name, value=text))
