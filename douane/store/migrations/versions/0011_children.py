"""How the children of a worker do"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("worker_lease", sa.Column("children", sa.JSON(), nullable=True))
