"""Feeds"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "feed_entry",
        sa.Column("template_id", sa.String(length=24), nullable=False),
        sa.Column("number", _BIG, nullable=False),
        sa.Column("operation_id", sa.String(length=24), nullable=False),
        sa.Column("rows", _BIG, nullable=False),
        sa.Column("rows_before", _BIG, nullable=False),
        sa.Column("exact", sa.JSON(), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["operation.id"], name=op.f("fk_feed_entry_operation_id_operation"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["template_id"], ["template.id"], name=op.f("fk_feed_entry_template_id_template"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("template_id", "number", name=op.f("pk_feed_entry")),
        sa.UniqueConstraint("operation_id", name=op.f("uq_feed_entry_operation_id")),
    )
    op.create_table(
        "feed_consumer",
        sa.Column("template_id", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("number", _BIG, nullable=False),
        sa.Column("position", _BIG, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["template_id"], ["template.id"], name=op.f("fk_feed_consumer_template_id_template"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("template_id", "name", name=op.f("pk_feed_consumer")),
    )
    with op.batch_alter_table("part_mask", schema=None) as batch_op:
        batch_op.add_column(sa.Column("forgotten", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("part_mask", schema=None) as batch_op:
        batch_op.alter_column("forgotten", server_default=None)
    # What was accepted before there were feeds, in the order it was, as far as its rows are still there.
    op.execute(
        """
        INSERT INTO feed_entry (template_id, number, operation_id, rows, rows_before, accepted_at)
        SELECT o.template_id,
               row_number() OVER (PARTITION BY o.template_id ORDER BY o.updated_at, o.id),
               o.id, o.valid,
               sum(o.valid) OVER (PARTITION BY o.template_id ORDER BY o.updated_at, o.id
                                  ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) - o.valid,
               o.updated_at
        FROM operation o JOIN template t ON t.id = o.template_id
        WHERE o.family = 'sheet' AND o.stage = 'completed' AND o.kept
        """
    )
