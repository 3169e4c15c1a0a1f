"""Chat run state

A run that is under way, or was stopped, keeps where it is: it goes on from there.
"""

from __future__ import annotations

import base64
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_KEYS = ("doing", "running", "members_done", "run_version")

_operation = sa.table("operation", sa.column("id", sa.String), sa.column("detail", sa.JSON), sa.column("family"))
_state = sa.table(
    "chat_run_state",
    sa.column("operation_id", sa.String),
    sa.column("version", sa.Integer),
    sa.column("running", sa.Boolean),
    sa.column("table_name", sa.String),
    sa.column("number", sa.Integer),
    sa.column("start", sa.Integer),
    sa.column("codes", sa.LargeBinary),
    sa.column("members_done", sa.JSON),
)


def upgrade() -> None:
    op.create_table(
        "chat_run_state",
        sa.Column("operation_id", sa.String(length=24), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("running", sa.Boolean(), nullable=False),
        sa.Column("table_name", sa.String(length=40), nullable=True),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("start", sa.Integer(), nullable=True),
        sa.Column("codes", sa.LargeBinary(), nullable=True),
        sa.Column("members_done", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["operation.id"], name=op.f("fk_chat_run_state_operation_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("operation_id", name=op.f("pk_chat_run_state")),
    )
    connection = op.get_bind()
    chat = sa.select(_operation.c.id, _operation.c.detail).where(_operation.c.family == "chat")
    for row in connection.execute(chat).all():
        detail: dict[str, Any] = row.detail or {}
        if not any(key in detail for key in _KEYS):
            continue
        connection.execute(sa.insert(_state).values(operation_id=row.id, **_row(detail)))
        kept = {key: value for key, value in detail.items() if key not in _KEYS}
        connection.execute(sa.update(_operation).where(_operation.c.id == row.id).values(detail=kept))


def _row(detail: dict[str, Any]) -> dict[str, Any]:
    doing = detail.get("doing") or {}
    return {
        "version": detail.get("run_version"),
        "running": bool(detail.get("running")),
        "table_name": doing.get("table"),
        "number": doing.get("number"),
        "start": doing.get("start"),
        "codes": base64.b85decode(doing["codes"]) if doing else None,
        "members_done": detail.get("members_done") or [],
    }
