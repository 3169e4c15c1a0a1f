"""How far a chat run is: what stands between two of its commits, so that whoever goes on with it tells the same."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from douane.store.schema import chat_run_state, operation


@dataclass(frozen=True, slots=True)
class Doing:
    """The staged part that a run is in: `start` of its records were decided, `codes` u8[rows] says how."""

    table: str
    number: int
    start: int
    codes: bytes


@dataclass(frozen=True, slots=True)
class RunState:
    """`version`: the one that the run publishes, None before it began. `members_done`: staged parts of members."""

    version: int | None = None
    running: bool = False
    doing: Doing | None = None
    members_done: frozenset[int] = frozenset()


def get(connection: Connection, operation_id: str) -> RunState:
    """That of a run which did not begin, where there is none."""
    query = select(chat_run_state).where(chat_run_state.c.operation_id == operation_id)
    row = connection.execute(query).first()
    if row is None:
        return RunState()
    doing = None
    if row.table_name is not None:
        doing = Doing(row.table_name, row.number, row.start, zlib.decompress(row.codes))
    return RunState(row.version, row.running, doing, frozenset(row.members_done))


def other_run(connection: Connection, project_id: str, operation_id: str) -> str | None:
    """Another import of this project whose run has begun and goes on."""
    query = (
        select(operation.c.id)
        .join(chat_run_state)
        .where(
            operation.c.project_id == project_id,
            operation.c.work == "chat_run",
            operation.c.stage == "processing",
            operation.c.id != operation_id,
            chat_run_state.c.running.is_(True),
        )
        .limit(1)
    )
    return connection.execute(query).scalar_one_or_none()


def keep_turn(connection: Connection, operation_id: str, running: bool) -> None:
    """Whether the run has its turn in the workspace."""
    if get(connection, operation_id).running != running:
        _set(connection, operation_id, running=running)


def begin(connection: Connection, operation_id: str, version: int) -> None:
    """A run from its start: nothing is left of another one."""
    _set(connection, operation_id, version=version, members_done=[], **_columns(None))


def keep_doing(connection: Connection, operation_id: str, doing: Doing | None) -> None:
    _set(connection, operation_id, **_columns(doing))


def keep_members(connection: Connection, operation_id: str, number: int) -> None:
    """One more staged part of members is in."""
    done = get(connection, operation_id).members_done | {number}
    _set(connection, operation_id, members_done=sorted(done))


def forget(connection: Connection, operation_id: str) -> None:
    connection.execute(delete(chat_run_state).where(chat_run_state.c.operation_id == operation_id))


def _columns(doing: Doing | None) -> dict[str, Any]:
    if doing is None:
        return dict.fromkeys(("table_name", "number", "start", "codes"))
    packed = zlib.compress(doing.codes, 1)
    return {"table_name": doing.table, "number": doing.number, "start": doing.start, "codes": packed}


def _set(connection: Connection, operation_id: str, **values: Any) -> None:
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = make(chat_run_state).values(operation_id=operation_id, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=[chat_run_state.c.operation_id], set_=values))
