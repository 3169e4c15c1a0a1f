"""Columnar revisions"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("revision", schema=None) as batch_op:
        batch_op.add_column(sa.Column("object", sa.Text(), nullable=True))
        for name, value in (("cells", "0"), ("rows", "0"), ("first_row", "0"), ("last_row", "-1")):
            batch_op.add_column(sa.Column(name, _BIG, nullable=False, server_default=value))
    # Those of before: counted once.
    op.execute(
        """
        UPDATE revision SET
          cells = (SELECT count(*) FROM revision_cell c
                   WHERE c.operation_id = revision.operation_id AND c.number = revision.number),
          rows = (SELECT count(DISTINCT c.row) FROM revision_cell c
                  WHERE c.operation_id = revision.operation_id AND c.number = revision.number),
          first_row = coalesce((SELECT min(c.row) FROM revision_cell c
                       WHERE c.operation_id = revision.operation_id AND c.number = revision.number), 0),
          last_row = coalesce((SELECT max(c.row) FROM revision_cell c
                      WHERE c.operation_id = revision.operation_id AND c.number = revision.number), -1)
        """
    )
    with op.batch_alter_table("revision", schema=None) as batch_op:
        for name in ("cells", "rows", "first_row", "last_row"):
            batch_op.alter_column(name, server_default=None)
    # A revision's own cells are looked up when it is undone, and by everyone who follows what changed.
    with op.batch_alter_table("revision_cell", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_revision_cell_operation_id_number"), ["operation_id", "number"], unique=False
        )
