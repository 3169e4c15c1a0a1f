"""How an older database becomes today's: Alembic's steps, shipped in the package and run by `store.database.migrate`.

`python -m douane.store.migrations "What changes"` writes the next step from the difference between the steps so far and
`store/schema.py`; read it before you keep it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from douane import errors
from douane.store.database import VERSION_TABLE
from douane.store.schema import Time, metadata

FOLDER = Path(__file__).parent


def config(connection: Connection) -> Config:
    """Alembic without its file: the connection is the caller's, and so is its transaction."""
    options = Config()
    options.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    options.set_main_option("path_separator", "os")
    options.attributes["connection"] = connection
    return options


def upgrade(connection: Connection) -> None:
    """Runs the missing steps in the caller's transaction."""
    options = config(connection)
    script = ScriptDirectory.from_config(options)
    current = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()
    if current == script.get_current_head():
        return
    known = {step.revision for step in script.walk_revisions()}
    if current is not None and current not in known:
        raise errors.Unavailable("This database was made by a newer Douane; run that version, or restore a backup.")
    command.upgrade(options, "head")


def ours(_object: object, name: str | None, kind: str, _reflected: bool, _compare_to: object) -> bool:
    """Whether Alembic should look at this: on SQLite the tables of the job engine share the file."""
    return kind != "table" or name in metadata.tables


def rendered(kind: str, item: object, _context: object) -> str | Literal[False]:
    """How a column type is written in a step: by what it is in the database, for our own classes may change."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Time) else False


def comparison() -> dict[str, Any]:
    """How the schema is compared with a database; the steps and the test share it."""
    return {
        "target_metadata": metadata,
        "include_object": ours,
        "version_table": VERSION_TABLE,
        "compare_type": True,
        "render_item": rendered,
    }
