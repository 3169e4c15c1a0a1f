"""Every table, as it stands today. `migrations/` brings an older database here; a test compares the two.

Ids are 24 hex characters, time-ordered, unique over all kinds. Times are UTC. Documents are JSON. Staged records are
not here: they are columnar parts in the object store, and `part` names them.

Long on purpose: one table after the other, each as short as it can be.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Signed 64-bit on PostgreSQL; SQLite's INTEGER is that already.
Big = BigInteger().with_variant(Integer(), "sqlite")


class Time(TypeDecorator[datetime]):
    """An aware time in UTC, on both sides; SQLite itself would forget the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


installation = Table(
    "installation",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

person = Table(
    "person",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("email", String(320), nullable=False, unique=True),  # lower case
    Column("username", String(200), nullable=False, unique=True),
    Column("first_name", String(200), nullable=False, default=""),
    Column("last_name", String(200), nullable=False, default=""),
    # argon2 over the SHA-256 hex of the password: the chat contract lets clients send that digest (design 7).
    Column("password_hash", Text, nullable=False),
    Column("disabled", Boolean, nullable=False, default=False),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
)

project = Table(
    "project",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("name", String(300), nullable=False),
    Column("owner_id", String(24), ForeignKey("person.id"), nullable=False, index=True),
    Column("environment_id", String(24), nullable=False, unique=True),
    Column("auth_header_name", String(300)),
    Column("allowed_domains", JSON, nullable=False, default=list),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
)

# Roles carry permissions by name (see model/identity.py): Admin, Tech, Finance as `/v1` says.
member = Table(
    "member",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("project_id", String(24), ForeignKey("project.id", ondelete="CASCADE"), nullable=False),
    Column("person_id", String(24), ForeignKey("person.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("role", String(40), nullable=False),
    Column("joined_at", Time, nullable=False),
    UniqueConstraint("project_id", "person_id"),
)

# A browser session (`kind` = session) or a personal token of the chat contract (`token`). Only the hash is kept.
session = Table(
    "session",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("kind", String(20), nullable=False),
    Column("name", String(200)),
    Column("person_id", String(24), ForeignKey("person.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("project_id", String(24), ForeignKey("project.id", ondelete="CASCADE")),
    Column("created_at", Time, nullable=False),
    Column("used_at", Time, nullable=False),
    Column("expires_at", Time),
)

# Hash for lookup, a copy encrypted under the installation's secret: the contract lets a signed-in person read it back.
access_key = Table(
    "access_key",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("project_id", String(24), ForeignKey("project.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("key_hash", String(64), nullable=False, unique=True),
    Column("key_encrypted", LargeBinary, nullable=False),
    Column("name", String(200), nullable=False, default=""),
    Column("created_at", Time, nullable=False),
    Column("revoked_at", Time),
)

template = Table(
    "template",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("project_id", String(24), ForeignKey("project.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", String(300), nullable=False),
    Column("document", JSON, nullable=False, default=dict),  # mode, integration, expectedDateFormat, destination ...
    Column("total_uploads", Big, nullable=False, default=0),
    Column("total_records", Big, nullable=False, default=0),
    Column("total_invalid", Big, nullable=False, default=0),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
)

template_column = Table(
    "template_column",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("template_id", String(24), ForeignKey("template.id", ondelete="CASCADE"), nullable=False),
    Column("key", Text, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("document", JSON, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
    Index("ix_template_column_template_id_sequence", "template_id", "sequence"),
)

# What lets a person import into one template without the project's key: a link to be handed out, and the short-lived
# token of one page. Only hashes of both are kept. `fields`: of an upload, in its surface's words, fixed by the maker.
import_link = Table(
    "import_link",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("project_id", String(24), ForeignKey("project.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("template_id", String(24), ForeignKey("template.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("link_hash", String(64), nullable=False, unique=True),
    Column("name", String(200), nullable=False, default=""),
    Column("uses_max", Integer),  # imports made through it; null: any number
    Column("fields", JSON, nullable=False, default=dict),
    Column("created_at", Time, nullable=False),
    Column("expires_at", Time, nullable=False, index=True),
    Column("revoked_at", Time),
)

import_token = Table(
    "import_token",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("project_id", String(24), ForeignKey("project.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("template_id", String(24), ForeignKey("template.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    Column("link_id", String(24), ForeignKey("import_link.id", ondelete="CASCADE"), index=True),
    Column("operation_id", String(24)),  # the import that it goes on with; null: it makes its own
    Column("fields", JSON, nullable=False, default=dict),
    Column("created_at", Time, nullable=False),
    Column("expires_at", Time, nullable=False, index=True),
)

# What people of a project chose, to be proposed again: for a heading the column it feeds (`within` "", `chosen` a key),
# for a text of the column `within` the value that stands for it. `text_hash`: of kind, column and the compared text.
learned_choice = Table(
    "learned_choice",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("project_id", String(24), ForeignKey("project.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("template_id", String(24), ForeignKey("template.id", ondelete="CASCADE"), nullable=False),
    Column("kind", String(10), nullable=False),  # heading, value
    Column("within", Text, nullable=False, default=""),
    Column("text_hash", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("chosen", Text, nullable=False),
    Column("times", Integer, nullable=False, default=1),
    Column("person_id", String(24)),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
    UniqueConstraint("template_id", "text_hash"),
)

# One import on its way, of either family (model/operation.py says what each field means).
operation = Table(
    "operation",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("project_id", String(24), ForeignKey("project.id", ondelete="CASCADE"), nullable=False),
    Column("family", String(20), nullable=False),
    Column("template_id", String(24), index=True),  # no foreign key: an operation outlives its template
    Column("person_id", String(24)),
    Column("stage", String(20), nullable=False),
    Column("version", Integer, nullable=False, default=0),
    Column("attempt", Integer, nullable=False, default=0),
    Column("tries", Integer, nullable=False, default=0),
    Column("work", String(20), nullable=False, default=""),
    Column("work_asked", Integer, nullable=False, default=0),
    Column("work_error", JSON),
    Column("progress", JSON, nullable=False, default=dict),
    Column("read_done", Boolean, nullable=False, default=False),
    Column("rows_read", Big, nullable=False, default=0),
    Column("blank", Big, nullable=False, default=0),
    Column("total", Big, nullable=False, default=0),
    Column("valid", Big, nullable=False, default=0),
    Column("invalid", Big, nullable=False, default=0),
    Column("seed", Big, nullable=False, default=0),
    Column("source_object", Text),
    Column("source_size", Big, nullable=False, default=0),
    Column("source_sha256", String(64)),
    Column("file_name", Text),
    Column("media_type", Text),
    Column("detail", JSON, nullable=False, default=dict),
    Column("revision_last", Big, nullable=False, default=0),
    Column("revision_reviewed", Big, nullable=False, default=0),
    Column("kept", Boolean, nullable=False, default=True),  # its objects are still there
    Column("swept", Boolean, nullable=False, default=False),  # nothing of it is left over
    Column("token_id", String(24)),  # the import token that made it, and the link that token came from
    Column("link_id", String(24), index=True),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
    Index("ix_operation_project_id_created_at", "project_id", "created_at"),
)

# What ended, in the transaction that ended it; `taken_at`: a delivery was made of it.
outbox = Table(
    "outbox",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("operation_id", String(24), ForeignKey("operation.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("project_id", String(24), nullable=False),
    Column("stage", String(20), nullable=False),
    Column("document", JSON, nullable=False, default=dict),
    Column("created_at", Time, nullable=False),
    Column("taken_at", Time),
    Index("ix_outbox_taken_at_created_at", "taken_at", "created_at"),
)

# The feed of a template: the imports that were accepted, in that order. `number` is given while the template is locked,
# in the transaction of the acceptance (store/feeds.py). `rows`: the accepted ones; `rows_before`: those of all before
# it.
feed_entry = Table(
    "feed_entry",
    metadata,
    Column("template_id", String(24), ForeignKey("template.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Big, primary_key=True),
    Column("operation_id", String(24), ForeignKey("operation.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("rows", Big, nullable=False),
    Column("rows_before", Big, nullable=False),
    # The number columns whose every value a double holds exactly; null until somebody asks for typed rows.
    Column("exact", JSON(none_as_null=True)),
    Column("accepted_at", Time, nullable=False),
)

# Who reads a feed under a name, and how far: `position` rows of the import `number`.
feed_consumer = Table(
    "feed_consumer",
    metadata,
    Column("template_id", String(24), ForeignKey("template.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(100), primary_key=True),
    Column("number", Big, nullable=False),
    Column("position", Big, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("acked_at", Time, nullable=False),
)

# Where a template's accepted records go. `settings` are the member's own, `secrets` its secret ones (JSON, encrypted).
# No foreign key to the template: what was begun goes on when that is deleted. The rest is the breaker's: failures in a
# row, until when nobody is sent to, since when it has been down, when that was told.
destination = Table(
    "destination",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("project_id", String(24), ForeignKey("project.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("template_id", String(24), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("settings", JSON, nullable=False, default=dict),
    Column("secrets", LargeBinary),
    Column("failures", Integer, nullable=False, default=0),
    Column("closed_until", Time),
    Column("down_since", Time),
    Column("told_at", Time),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
    UniqueConstraint("template_id", "kind"),
)

# One handing over of an import's records, or of a notice of it, to one destination: in pages, one after the other
# (model/delivery.py says what each field means).
delivery = Table(
    "delivery",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("operation_id", String(24), ForeignKey("operation.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("project_id", String(24), nullable=False),
    Column("destination_id", String(24), nullable=False, index=True),
    Column("root_id", String(24), nullable=False),
    Column("event", String(40), nullable=False),
    Column("state", String(20), nullable=False),
    Column("again", Boolean, nullable=False, default=False),
    Column("asked", Integer, nullable=False, default=0),
    Column("attempt", Integer, nullable=False, default=0),
    Column("view", String(20), nullable=False),
    Column("chunk_rows", Integer, nullable=False),
    Column("total_rows", Big, nullable=False),
    Column("total_pages", Integer, nullable=False),
    Column("pages", JSON, nullable=False, default=list),  # [[first, last], ...] of those to be handed over, in order
    Column("next_page", Integer, nullable=False, default=1),
    Column("tries", Integer, nullable=False, default=0),
    Column("spent", Boolean, nullable=False, default=False),
    Column("down_since", Time),
    Column("due_at", Time),
    Column("sent_pages", Integer, nullable=False, default=0),
    Column("sent_rows", Big, nullable=False, default=0),
    Column("failed_pages", Integer, nullable=False, default=0),
    Column("failed_rows", Big, nullable=False, default=0),
    Column("error", Text),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
    Column("ended_at", Time),
)

# Every try of a page: what it came to (`delivered`, `failed`, `again`), and how the destination answered.
delivery_try = Table(
    "delivery_try",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("delivery_id", String(24), ForeignKey("delivery.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("operation_id", String(24), nullable=False),
    Column("page", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("outcome", String(20), nullable=False),
    Column("again", Boolean, nullable=False),
    Column("at", Time, nullable=False),
    Column("seconds", Float, nullable=False, default=0.0),
    Column("sent_bytes", Big, nullable=False, default=0),
    Column("address", Text, nullable=False, default=""),
    Column("status", Integer),
    Column("reason", Text),
    Column("reply", Text),
    Index("ix_delivery_try_operation_id_id", "operation_id", "id"),
)

# The manifest: an object counts only once a row here names it. `masks` of a part change by version, its records never:
# a new review writes new mask objects and new `part_mask` rows.
part = Table(
    "part",
    metadata,
    Column("operation_id", String(24), ForeignKey("operation.id", ondelete="CASCADE"), primary_key=True),
    Column("table_name", String(40), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("first_row", Big, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("blank", Integer, nullable=False, default=0),
    Column("object", Text, nullable=False),
    Column("size_bytes", Big, nullable=False, default=0),
    Column("next", JSON, nullable=False),  # where reading goes on (formats.Position)
    Column("attempt", Integer, nullable=False),
)

part_mask = Table(
    "part_mask",
    metadata,
    Column("operation_id", String(24), ForeignKey("operation.id", ondelete="CASCADE"), primary_key=True),
    Column("table_name", String(40), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("valid", Integer, nullable=False),
    Column("invalid", Integer, nullable=False),
    Column("forgotten", Integer, nullable=False, default=0),  # accepted rows that were forgotten since
    Column("object", Text, nullable=False),
    Column("hash_object", Text),
    Column("attempt", Integer, nullable=False),
)

# The rows of a sparse view, packed in list order, so that a page of it costs one read.
packed = Table(
    "packed",
    metadata,
    Column("operation_id", String(24), ForeignKey("operation.id", ondelete="CASCADE"), primary_key=True),
    Column("table_name", String(40), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("view", String(20), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("first_row", Big, nullable=False),
    Column("last_row", Big, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("object", Text, nullable=False),
)

# One change a person made during review; shown whole when it commits, undone by a revision that names it.
revision = Table(
    "revision",
    metadata,
    Column("operation_id", String(24), ForeignKey("operation.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Big, primary_key=True),
    Column("kind", String(20), nullable=False),  # edit, add, delete, replace, change, undo, redo
    Column("person_id", String(24)),
    Column("undoes", Big),
    Column("object", Text),  # its cells, where they are many
    Column("cells", Big, nullable=False, default=0),
    Column("rows", Big, nullable=False, default=0),
    Column("first_row", Big, nullable=False, default=0),
    Column("last_row", Big, nullable=False, default=-1),
    Column("document", JSON, nullable=False, default=dict),
    Column("created_at", Time, nullable=False),
)

# The cells of a small revision. `key` "" is the record itself: value "deleted" or "added".
revision_cell = Table(
    "revision_cell",
    metadata,
    Column("operation_id", String(24), ForeignKey("operation.id", ondelete="CASCADE"), primary_key=True),
    Column("row", Big, primary_key=True),
    Column("key", String(700), primary_key=True),
    Column("number", Big, primary_key=True),
    Column("value", Text),
    Index("ix_revision_cell_operation_id_number", "operation_id", "number"),
)

# What one batch of a chat export brought, named in the same transaction as its parts: the resume point of reading.
batch = Table(
    "batch",
    metadata,
    Column("operation_id", String(24), ForeignKey("operation.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("rows", JSON, nullable=False),  # table -> rows
    Column("next", JSON, nullable=False),  # importers.Position.state
    Column("attempt", Integer, nullable=False),
)

# How far a chat run is, between its commits: what it will publish, whether it has its turn in the workspace, and what
# the batches of the staged part that it is in came to. Goes with the end of the run.
chat_run_state = Table(
    "chat_run_state",
    metadata,
    Column("operation_id", String(24), ForeignKey("operation.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer),  # the operation's version that the run publishes; null before it began
    Column("running", Boolean, nullable=False, default=False),
    Column("table_name", String(40)),
    Column("number", Integer),  # the staged part
    Column("start", Integer),  # records of it that were decided
    Column("codes", LargeBinary),  # zlib of u8[rows]: places in chat.check.OUTCOMES, 255: not decided yet
    Column("members_done", JSON, nullable=False, default=list),  # parts of members that are in
)

# The chat workspace of a project. Its users are records: they never sign in to Douane. `person_id`: one of the
# project's own people, mirrored here and protected from every import. `placeholder`: an author nobody imported.
chat_user = Table(
    "chat_user",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("project_id", String(24), ForeignKey("project.id", ondelete="CASCADE"), nullable=False),
    Column("username", String(300), nullable=False),
    Column("username_key", String(300), nullable=False),  # lower case
    Column("name", Text, nullable=False, default=""),
    Column("type", String(20), nullable=False, default="user"),
    Column("roles", JSON, nullable=False, default=list),
    Column("emails", JSON, nullable=False, default=list),  # [{address, verified}]
    Column("active", Boolean, nullable=False, default=True),
    Column("placeholder", Boolean, nullable=False, default=False),
    Column("person_id", String(24)),
    Column("operation_id", String(24)),  # the import that made it
    Column("pending_avatar", Text),  # address or data: URI still to be fetched
    Column("avatar_object", Text),
    Column("avatar_type", String(100)),
    # Of what age its facts are (the newest message of the export that told them), and of which foreign id.
    Column("as_of_us", Big),
    Column("account", String(700)),
    Column("document", JSON, nullable=False, default=dict),  # utcOffset, statusText, bio, customFields, zone, phone ...
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
    UniqueConstraint("project_id", "username_key"),
)

# Whose e-mail address this is, lower case; one owner in a workspace.
chat_email = Table(
    "chat_email",
    metadata,
    Column("project_id", String(24), ForeignKey("project.id", ondelete="CASCADE"), primary_key=True),
    Column("address", String(320), primary_key=True),
    Column("user_id", String(24), ForeignKey("chat_user.id", ondelete="CASCADE"), nullable=False, index=True),
)

# The foreign systems' ids of users, rooms and contacts.
chat_import_id = Table(
    "chat_import_id",
    metadata,
    Column("project_id", String(24), ForeignKey("project.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", String(10), primary_key=True),  # user, room, contact
    Column("import_id", String(700), primary_key=True),
    Column("target_id", String(24), nullable=False, index=True),
)

chat_room = Table(
    "chat_room",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("project_id", String(24), ForeignKey("project.id", ondelete="CASCADE"), nullable=False),
    Column("type", String(1), nullable=False),  # c, p, d
    Column("name", Text, nullable=False, default=""),
    # What makes it this room: "n:" + the slugged name, or "d:" + a hash of the sorted member ids.
    Column("room_key", String(700), nullable=False),
    Column("creator_id", String(24)),
    Column("topic", Text, nullable=False, default=""),
    Column("description", Text, nullable=False, default=""),
    Column("archived", Boolean, nullable=False, default=False),
    Column("general", Boolean, nullable=False, default=False),
    Column("operation_id", String(24)),
    Column("messages", Big, nullable=False, default=0),
    Column("last_message_at", Time),
    Column("as_of_us", Big),  # as of users
    Column("account", String(700)),
    Column("document", JSON, nullable=False, default=dict),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
    UniqueConstraint("project_id", "room_key"),
)

chat_member = Table(
    "chat_member",
    metadata,
    Column("room_id", String(24), ForeignKey("chat_room.id", ondelete="CASCADE"), primary_key=True),
    Column("user_id", String(24), ForeignKey("chat_user.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("operation_id", String(24)),
    Column("as_of_us", Big),  # the newest export that lists them there
)

chat_contact = Table(
    "chat_contact",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("project_id", String(24), ForeignKey("project.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("name", Text, nullable=False, default=""),
    Column("emails", JSON, nullable=False, default=list),
    Column("phones", JSON, nullable=False, default=list),
    Column("manager_id", String(24)),
    Column("custom", JSON, nullable=False, default=dict),
    Column("operation_id", String(24)),
    Column("as_of_us", Big),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
)

# The workspace's messages: parts of their own, so that they outlive the operation that brought them. `staged_number` is
# the part in that operation's staging; one row a (run, staged part). `objects`: table -> object (messages, reactions,
# files, mentions, edits, keys).
chat_part = Table(
    "chat_part",
    metadata,
    Column("project_id", String(24), ForeignKey("project.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("operation_id", String(24), nullable=False, index=True),
    Column("version", Integer, nullable=False),  # the operation's version that the run publishes
    Column("staged_number", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("objects", JSON, nullable=False),
    Column("first_us", Big),
    Column("last_us", Big),
    Column("as_of_us", Big),  # the age of the export that brought it
)

# Rows of a workspace part that a newer export has just so: their state is as of that one. An object with u32 offsets.
chat_confirmed = Table(
    "chat_confirmed",
    metadata,
    Column("project_id", String(24), ForeignKey("project.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),  # the part whose rows they are
    Column("operation_id", String(24), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("staged_number", Integer, primary_key=True),
    Column("as_of_us", Big, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("object", Text, nullable=False),
)

# Rows of a workspace part that a later run replaced with a newer state of the same message: an object with u32 offsets.
chat_gone = Table(
    "chat_gone",
    metadata,
    Column("project_id", String(24), ForeignKey("project.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),  # the part whose rows are gone
    Column("by_number", Integer, primary_key=True),  # the part that replaces them
    Column("rows", Integer, nullable=False),
    Column("object", Text, nullable=False),
)

# What happened to the records of one staged part in a run, in numbers: reason -> records, and per archive entry.
chat_outcome = Table(
    "chat_outcome",
    metadata,
    Column("operation_id", String(24), ForeignKey("operation.id", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("table_name", String(40), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("imported", Integer, nullable=False),
    Column("skipped", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("reasons", JSON, nullable=False),  # code -> records: created, updated, unchanged, not_selected, ...
    Column("entries_object", Text),  # frame (entry, outcome, reason, count)
)

# A file that messages of the workspace name; `state`: pending, downloaded, failed, external, deleted, hidden.
chat_file = Table(
    "chat_file",
    metadata,
    Column("project_id", String(24), ForeignKey("project.id", ondelete="CASCADE"), primary_key=True),
    Column("id", String(700), primary_key=True),  # the export's own id, or one derived from its message and place
    Column("state", String(20), nullable=False),
    Column("url", Text),
    Column("name", Text, nullable=False, default=""),
    Column("size_bytes", Big),
    Column("media_type", Text),
    Column("operation_id", String(24), nullable=False, index=True),
    Column("body_entry", Big),  # the entry of that operation's archive that holds its bytes
    Column("object", Text),
    Column("error", Text),
    Column("tries", Integer, nullable=False, default=0),
    Column("updated_at", Time, nullable=False),
    Index("ix_chat_file_project_id_state", "project_id", "state"),
)

# A worker process that is alive beats its row by the database's clock; the reaper takes over what a silent one held.
worker_lease = Table(
    "worker_lease",
    metadata,
    Column("executor_id", String(120), primary_key=True),
    Column("host", String(255), nullable=False, default=""),
    Column("pid", Integer, nullable=False, default=0),
    Column("beaten_at", Time, nullable=False),
    Column("started_at", Time, nullable=False),
    # As of the last beat: {"running": n, "ended": {"ok": n, code: n}}.
    Column("children", JSON, nullable=True),
)

# Who did what, from where: never what a cell holds. `action` as flow/audit.py lists them; `who` is a name as it was
# then, because people and keys go, and what they did stays.
audit = Table(
    "audit",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("at", Time, nullable=False, index=True),
    Column("action", String(40), nullable=False),
    Column("refused", Boolean, nullable=False, default=False),
    Column("who", String(320), nullable=False, default=""),
    Column("person_id", String(24), index=True),
    Column("key_id", String(24)),
    Column("project_id", String(24), index=True),
    Column("address", String(64), nullable=False, default=""),
    Column("request_id", String(40), nullable=False, default=""),
    Column("about", JSON, nullable=False, default=dict),
)

# Sign-ins that were tried and not found right, each under the names it counts for: an address, an account, or both.
sign_in_try = Table(
    "sign_in_try",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("name", String(64), nullable=False),  # a keyed hash
    Column("at", Time, nullable=False),
    Index("ix_sign_in_try_name_at", "name", "at"),
)

# One person's rows that somebody wants forgotten in all imports of a template: how many of them were looked through, up
# to which, and what was found. `value` is encrypted, and goes when nobody needs it any more.
forgetting = Table(
    "forgetting",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("project_id", String(24), ForeignKey("project.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("template_id", String(24), nullable=False),
    Column("field", Text, nullable=False),
    Column("value", LargeBinary),
    Column("state", String(10), nullable=False),  # working, done, failed
    Column("looked", Integer, nullable=False, default=0),
    Column("total", Integer, nullable=False, default=0),
    Column("last", String(24)),
    Column("found", JSON, nullable=False, default=dict),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
)

# From where an account has signed in before: a keyed hash of both.
sign_in_place = Table(
    "sign_in_place",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("used_at", Time, nullable=False, index=True),
)
