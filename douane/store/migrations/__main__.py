"""Writes the next migration; see the package."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from alembic import command

from douane.store.database import migrate, open_database, write
from douane.store.migrations import FOLDER, config


def main(message: str) -> None:
    number = f"{len(list((FOLDER / 'versions').glob('[0-9]*.py'))) + 1:04}"
    with tempfile.TemporaryDirectory() as folder:
        engine = open_database(f"sqlite:///{folder}/empty.db")
        if number != "0001":
            migrate(engine)
        with write(engine) as connection:
            step = command.revision(config(connection), message, autogenerate=True, rev_id=number)
    path = Path(step.path)  # type: ignore[union-attr]
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.strip().startswith("# ###")))
    subprocess.run(["ruff", "format", str(path)], check=True)


if __name__ == "__main__":
    main(sys.argv[1])
