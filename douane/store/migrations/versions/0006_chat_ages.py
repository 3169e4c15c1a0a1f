"""Chat ages: how new what a workspace knows is"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_AGED = ("chat_user", "chat_room", "chat_member", "chat_contact", "chat_part")


def upgrade() -> None:
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    for table in _AGED:
        op.add_column(table, sa.Column("as_of_us", big, nullable=True))
    for table in ("chat_user", "chat_room"):
        op.add_column(table, sa.Column("account", sa.String(length=700), nullable=True))
    op.create_table(
        "chat_confirmed",
        sa.Column("project_id", sa.String(length=24), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("operation_id", sa.String(length=24), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("staged_number", sa.Integer(), nullable=False),
        sa.Column("as_of_us", big, nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_chat_confirmed_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(
            "project_id", "number", "operation_id", "version", "staged_number", name=op.f("pk_chat_confirmed")
        ),
    )
