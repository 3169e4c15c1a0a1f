"""What people of a project chose before: for a heading the column it feeds, for a text the value that stands for it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from douane.store.database import database_now
from douane.store.ids import new_id
from douane.store.schema import learned_choice
from douane.store.times import utc

KEPT_MAX = 5000  # choices of one template; the longest unused go first
Kind = Literal["heading", "value"]


@dataclass(frozen=True, slots=True)
class Remembered:
    """`within`: of a value the key of its column, of a heading "". `text`: as it stood when it was chosen first;
    `chosen`: the column's key, or the value that stands for it. `times`: how often it was chosen."""

    id: str
    template_id: str
    kind: Kind
    within: str
    text: str
    chosen: str
    times: int
    person_id: str | None
    updated_at: datetime


def hash_of(kind: Kind, within: str, compared: str) -> str:
    """`compared`: the text as texts are compared."""
    return hashlib.sha256(f"{kind}\0{within}\0{compared}".encode()).hexdigest()


def of_template(connection: Connection, template_id: str, kind: Kind | None = None) -> list[Remembered]:
    """Newest first."""
    query = select(learned_choice).where(learned_choice.c.template_id == template_id)
    if kind is not None:
        query = query.where(learned_choice.c.kind == kind)
    order = query.order_by(learned_choice.c.updated_at.desc(), learned_choice.c.id.desc())
    return [_remembered(row) for row in connection.execute(order)]


def headings_elsewhere(connection: Connection, project_id: str, template_id: str) -> list[Remembered]:
    """Those of the project's other templates, the last ones, newest first."""
    query = (
        select(learned_choice)
        .where(
            learned_choice.c.project_id == project_id,
            learned_choice.c.template_id != template_id,
            learned_choice.c.kind == "heading",
        )
        .order_by(learned_choice.c.updated_at.desc(), learned_choice.c.id.desc())
        .limit(KEPT_MAX)
    )
    return [_remembered(row) for row in connection.execute(query)]


def remember(
    connection: Connection,
    *,
    project_id: str,
    template_id: str,
    kind: Kind,
    choices: Sequence[tuple[str, str, str, str]],
    person_id: str | None,
) -> None:
    """`choices`: (within, text as compared, text as it stood, chosen). The last choice for a text holds."""
    now = database_now(connection)
    for within, compared, text, chosen in choices:
        key = hash_of(kind, within, compared)
        same = (learned_choice.c.template_id == template_id, learned_choice.c.text_hash == key)
        before = connection.execute(select(learned_choice.c.chosen).where(*same)).scalar()
        if before is None:
            connection.execute(
                insert(learned_choice).values(
                    id=new_id(),
                    project_id=project_id,
                    template_id=template_id,
                    kind=kind,
                    within=within,
                    text_hash=key,
                    text=text,
                    chosen=chosen,
                    times=1,
                    person_id=person_id,
                    created_at=now,
                    updated_at=now,
                )
            )
        else:
            times = learned_choice.c.times + 1 if before == chosen else 1
            values = {"chosen": chosen, "times": times, "person_id": person_id, "updated_at": now}
            connection.execute(update(learned_choice).where(*same).values(values))
    _forget_oldest(connection, template_id)


def _forget_oldest(connection: Connection, template_id: str) -> None:
    own = learned_choice.c.template_id == template_id
    count = int(connection.execute(select(func.count()).select_from(learned_choice).where(own)).scalar_one())
    if count > KEPT_MAX:
        old = select(learned_choice.c.id).where(own).order_by(learned_choice.c.updated_at, learned_choice.c.id)
        _delete(connection, connection.execute(old.limit(count - KEPT_MAX)).scalars().all())


def unlearn(connection: Connection, template_id: str, kind: Kind, texts: Iterable[tuple[str, str]]) -> None:
    """Forgets (within, text as compared): something else was chosen."""
    hashes = [hash_of(kind, within, compared) for within, compared in texts]
    for start in range(0, len(hashes), 500):
        which = learned_choice.c.text_hash.in_(hashes[start : start + 500])
        connection.execute(delete(learned_choice).where(learned_choice.c.template_id == template_id, which))


def forget(connection: Connection, project_id: str, template_id: str, learned_id: str | None = None) -> int:
    """One choice, or all of a template (None); how many there were."""
    which = [learned_choice.c.project_id == project_id, learned_choice.c.template_id == template_id]
    if learned_id is not None:
        which.append(learned_choice.c.id == learned_id)
    return connection.execute(delete(learned_choice).where(*which)).rowcount


def _delete(connection: Connection, ids: Sequence[str]) -> None:
    for start in range(0, len(ids), 500):
        connection.execute(delete(learned_choice).where(learned_choice.c.id.in_(ids[start : start + 500])))


def _remembered(row: Row[tuple[object, ...]]) -> Remembered:
    return Remembered(
        row.id,
        row.template_id,
        row.kind,
        row.within,
        row.text,
        row.chosen,
        row.times,
        row.person_id,
        utc(row.updated_at),
    )
