"""The audit log: who did what, when, from where. Lines are added and, when they are old, forgotten; never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from douane.store.database import database_now
from douane.store.ids import new_id
from douane.store.schema import audit
from douane.store.times import utc


@dataclass(frozen=True, slots=True)
class AuditLine:
    """`action` is one of `flow.audit.ACTIONS`; `refused` where it was tried and not let; `who` a name as it was then;
    `about` what it was done to (ids, names, counts), never what a cell holds."""

    action: str
    refused: bool = False
    who: str = ""
    person_id: str | None = None
    key_id: str | None = None
    project_id: str | None = None
    address: str = ""
    request_id: str = ""
    about: dict[str, Any] = field(default_factory=dict)
    id: str = ""
    at: datetime | None = None


def add(connection: Connection, line: AuditLine) -> None:
    connection.execute(
        insert(audit).values(
            id=new_id(),
            at=database_now(connection),
            action=line.action,
            refused=line.refused,
            who=line.who[:320],
            person_id=line.person_id,
            key_id=line.key_id,
            project_id=line.project_id,
            address=line.address[:64],
            request_id=line.request_id[:40],
            about=line.about,
        )
    )


def latest(
    connection: Connection,
    count: int,
    *,
    since: datetime | None = None,
    actions: Sequence[str] = (),
    who: str | None = None,
    project_id: str | None = None,
    refused: bool = False,
) -> list[AuditLine]:
    """The newest that fit, newest first."""
    wanted = select(audit).order_by(audit.c.at.desc(), audit.c.id.desc()).limit(count)
    if since is not None:
        wanted = wanted.where(audit.c.at >= since)
    if actions:
        wanted = wanted.where(audit.c.action.in_(actions))
    if who is not None:
        wanted = wanted.where(audit.c.who == who)
    if project_id is not None:
        wanted = wanted.where(audit.c.project_id == project_id)
    if refused:
        wanted = wanted.where(audit.c.refused.is_(True))
    return [AuditLine(**{**row._mapping, "at": utc(row.at)}) for row in connection.execute(wanted)]


def count_since(connection: Connection, action: str, now: datetime, seconds: float, *, refused: bool) -> int:
    which = (audit.c.action == action, audit.c.refused.is_(refused), audit.c.at >= now - timedelta(seconds=seconds))
    return int(connection.execute(select(func.count()).select_from(audit).where(*which)).scalar_one())


def forget_before(connection: Connection, moment: datetime) -> int:
    return connection.execute(delete(audit).where(audit.c.at < moment)).rowcount
