"""How far a chat run is: kept between its commits, and taken over from where older versions kept it."""

from __future__ import annotations

import base64
import zlib
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import command
from sqlalchemy import Connection, Engine

from douane.store import schema
from douane.store.chat import run_state
from douane.store.chat.run_state import Doing, RunState
from douane.store.database import VERSION_TABLE, migrate, read, write
from douane.store.migrations import config


def add(connection: Connection, table: str, **values: Any) -> None:
    """A row of a table as it is now; what must not be null and isn't given becomes nothing of its type."""
    found = sa.Table(table, sa.MetaData(), autoload_with=connection)
    row = dict(values)
    for column in found.columns:
        if column.name in row or column.nullable:
            continue
        row[column.name] = datetime.now(UTC) if isinstance(column.type, sa.DateTime) else _nothing(column.type)
    connection.execute(found.insert().values(row))


def _nothing(kind: sa.types.TypeEngine[Any]) -> Any:
    if isinstance(kind, sa.JSON):
        return {}
    return False if isinstance(kind, sa.Boolean) else 0 if isinstance(kind, sa.Integer) else ""


def test_a_run_that_an_older_version_left_goes_on_where_it_was(engine: Engine) -> None:
    codes = bytes([0, 0, 4, 255, 255])
    doing = {"table": "users", "number": 7, "start": 3, "codes": base64.b85encode(zlib.compress(codes, 1)).decode()}
    details: dict[str, dict[str, Any]] = {
        "half": {"importer": "slack", "done": {"imported": 3}, "doing": doing, "running": True, "run_version": 2},
        "late": {"importer": "csv", "doing": None, "running": True, "members_done": [0, 2], "run_version": 4},
        "done": {"importer": "csv", "done": {"imported": 3}},
        "none": {},
    }
    with write(engine) as connection:
        schema.metadata.drop_all(connection)
        connection.exec_driver_sql(f"DROP TABLE {VERSION_TABLE}")
        command.upgrade(config(connection), "0003")
        add(connection, "person", id="p" * 24)
        add(connection, "project", id="j" * 24, owner_id="p" * 24)
        for name, detail in details.items():
            add(connection, "operation", id=name, project_id="j" * 24, family="chat", stage="processing", detail=detail)
    migrate(engine)
    with read(engine) as connection:
        found = {name: run_state.get(connection, name) for name in details}
        left = dict(connection.execute(sa.select(schema.operation.c.id, schema.operation.c.detail)).all())
    assert found["half"] == RunState(2, True, Doing("users", 7, 3, codes))
    assert found["late"] == RunState(4, True, None, frozenset({0, 2}))
    assert found["done"] == found["none"] == RunState()
    assert left == {
        "half": {"importer": "slack", "done": {"imported": 3}},
        "late": {"importer": "csv"},
        "done": details["done"],
        "none": {},
    }
