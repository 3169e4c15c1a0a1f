"""Import tokens and links, and what people chose before"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    for column in ("token_id", "link_id"):
        op.add_column("operation", sa.Column(column, sa.String(length=24), nullable=True))
    _indexes("operation", "link_id")
    op.create_table(
        "import_link",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("project_id", sa.String(length=24), nullable=False),
        sa.Column("template_id", sa.String(length=24), nullable=False),
        sa.Column("link_hash", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("uses_max", sa.Integer(), nullable=True),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        *_owners("import_link"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_link")),
        sa.UniqueConstraint("link_hash", name=op.f("uq_import_link_link_hash")),
    )
    _indexes("import_link", "project_id", "template_id", "expires_at")
    op.create_table(
        "import_token",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("project_id", sa.String(length=24), nullable=False),
        sa.Column("template_id", sa.String(length=24), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("link_id", sa.String(length=24), nullable=True),
        sa.Column("operation_id", sa.String(length=24), nullable=True),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        *_owners("import_token"),
        sa.ForeignKeyConstraint(
            ["link_id"], ["import_link.id"], name=op.f("fk_import_token_link_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_import_token_token_hash")),
    )
    _indexes("import_token", "project_id", "template_id", "link_id", "expires_at")
    op.create_table(
        "learned_choice",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("project_id", sa.String(length=24), nullable=False),
        sa.Column("template_id", sa.String(length=24), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("within", sa.Text(), nullable=False),
        sa.Column("text_hash", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("chosen", sa.Text(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.String(length=24), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        *_owners("learned_choice"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learned_choice")),
        sa.UniqueConstraint("template_id", "text_hash", name=op.f("uq_learned_choice_template_id_text_hash")),
    )
    _indexes("learned_choice", "project_id")


def _owners(table: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint([f"{one}_id"], [f"{one}.id"], name=op.f(f"fk_{table}_{one}_id"), ondelete="CASCADE")
        for one in ("project", "template")
    ]


def _indexes(table: str, *columns: str) -> None:
    with op.batch_alter_table(table, schema=None) as batch_op:
        for column in columns:
            batch_op.create_index(batch_op.f(f"ix_{table}_{column}"), [column], unique=False)
