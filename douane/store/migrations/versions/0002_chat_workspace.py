"""Chat workspace"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "chat_contact",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("project_id", sa.String(length=24), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("emails", sa.JSON(), nullable=False),
        sa.Column("phones", sa.JSON(), nullable=False),
        sa.Column("manager_id", sa.String(length=24), nullable=True),
        sa.Column("custom", sa.JSON(), nullable=False),
        sa.Column("operation_id", sa.String(length=24), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_chat_contact_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_contact")),
    )
    with op.batch_alter_table("chat_contact", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_chat_contact_project_id"), ["project_id"], unique=False)

    op.create_table(
        "chat_file",
        sa.Column("project_id", sa.String(length=24), nullable=False),
        sa.Column("id", sa.String(length=700), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("media_type", sa.Text(), nullable=True),
        sa.Column("operation_id", sa.String(length=24), nullable=False),
        sa.Column("body_entry", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("object", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_chat_file_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project_id", "id", name=op.f("pk_chat_file")),
    )
    with op.batch_alter_table("chat_file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_chat_file_operation_id"), ["operation_id"], unique=False)
        batch_op.create_index("ix_chat_file_project_id_state", ["project_id", "state"], unique=False)

    op.create_table(
        "chat_gone",
        sa.Column("project_id", sa.String(length=24), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("by_number", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_chat_gone_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project_id", "number", "by_number", name=op.f("pk_chat_gone")),
    )
    op.create_table(
        "chat_import_id",
        sa.Column("project_id", sa.String(length=24), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("import_id", sa.String(length=700), nullable=False),
        sa.Column("target_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_chat_import_id_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project_id", "kind", "import_id", name=op.f("pk_chat_import_id")),
    )
    with op.batch_alter_table("chat_import_id", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_chat_import_id_target_id"), ["target_id"], unique=False)

    op.create_table(
        "chat_part",
        sa.Column("project_id", sa.String(length=24), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("operation_id", sa.String(length=24), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("staged_number", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("objects", sa.JSON(), nullable=False),
        sa.Column("first_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("last_us", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_chat_part_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project_id", "number", name=op.f("pk_chat_part")),
    )
    with op.batch_alter_table("chat_part", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_chat_part_operation_id"), ["operation_id"], unique=False)

    op.create_table(
        "chat_room",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("project_id", sa.String(length=24), nullable=False),
        sa.Column("type", sa.String(length=1), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("room_key", sa.String(length=700), nullable=False),
        sa.Column("creator_id", sa.String(length=24), nullable=True),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("general", sa.Boolean(), nullable=False),
        sa.Column("operation_id", sa.String(length=24), nullable=True),
        sa.Column("messages", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("last_message_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_chat_room_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_room")),
        sa.UniqueConstraint("project_id", "room_key", name=op.f("uq_chat_room_project_id_room_key")),
    )
    op.create_table(
        "chat_user",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("project_id", sa.String(length=24), nullable=False),
        sa.Column("username", sa.String(length=300), nullable=False),
        sa.Column("username_key", sa.String(length=300), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.String(length=20), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("emails", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("placeholder", sa.Boolean(), nullable=False),
        sa.Column("person_id", sa.String(length=24), nullable=True),
        sa.Column("operation_id", sa.String(length=24), nullable=True),
        sa.Column("pending_avatar", sa.Text(), nullable=True),
        sa.Column("avatar_object", sa.Text(), nullable=True),
        sa.Column("avatar_type", sa.String(length=100), nullable=True),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_chat_user_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_user")),
        sa.UniqueConstraint("project_id", "username_key", name=op.f("uq_chat_user_project_id_username_key")),
    )
    op.create_table(
        "batch",
        sa.Column("operation_id", sa.String(length=24), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("rows", sa.JSON(), nullable=False),
        sa.Column("next", sa.JSON(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["operation.id"], name=op.f("fk_batch_operation_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("operation_id", "number", name=op.f("pk_batch")),
    )
    op.create_table(
        "chat_email",
        sa.Column("project_id", sa.String(length=24), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("user_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_chat_email_project_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["chat_user.id"], name=op.f("fk_chat_email_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("project_id", "address", name=op.f("pk_chat_email")),
    )
    with op.batch_alter_table("chat_email", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_chat_email_user_id"), ["user_id"], unique=False)

    op.create_table(
        "chat_member",
        sa.Column("room_id", sa.String(length=24), nullable=False),
        sa.Column("user_id", sa.String(length=24), nullable=False),
        sa.Column("operation_id", sa.String(length=24), nullable=True),
        sa.ForeignKeyConstraint(["room_id"], ["chat_room.id"], name=op.f("fk_chat_member_room_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["chat_user.id"], name=op.f("fk_chat_member_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("room_id", "user_id", name=op.f("pk_chat_member")),
    )
    with op.batch_alter_table("chat_member", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_chat_member_user_id"), ["user_id"], unique=False)

    op.create_table(
        "chat_outcome",
        sa.Column("operation_id", sa.String(length=24), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("table_name", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("imported", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("entries_object", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["operation_id"], ["operation.id"], name=op.f("fk_chat_outcome_operation_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("operation_id", "version", "table_name", "number", name=op.f("pk_chat_outcome")),
    )
