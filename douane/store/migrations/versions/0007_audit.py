"""Audit"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("refused", sa.Boolean(), nullable=False),
        sa.Column("who", sa.String(length=320), nullable=False),
        sa.Column("person_id", sa.String(length=24), nullable=True),
        sa.Column("key_id", sa.String(length=24), nullable=True),
        sa.Column("project_id", sa.String(length=24), nullable=True),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("about", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        for column in ("at", "person_id", "project_id"):
            batch_op.create_index(batch_op.f(f"ix_audit_{column}"), [column], unique=False)
    op.create_table(
        "sign_in_try",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_try")),
    )
    with op.batch_alter_table("sign_in_try", schema=None) as batch_op:
        batch_op.create_index("ix_sign_in_try_name_at", ["name", "at"], unique=False)
    op.create_table(
        "sign_in_place",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sign_in_place")),
    )
    with op.batch_alter_table("sign_in_place", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sign_in_place_used_at"), ["used_at"], unique=False)
