"""A page that lists things is compared with the code."""

from __future__ import annotations

import re
from pathlib import Path

import typer

from douane import settings
from douane.cli import app
from douane.model.template import COLUMN_TYPES

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text()


def rows_after(text: str, heading: str) -> list[list[str]]:
    """The cells of the first table whose head begins with `heading`."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(f"| {heading} |"):
            break
    next(lines)
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return rows


def names(text: str, heading: str) -> list[str]:
    return [row[0].strip("`") for row in rows_after(text, heading)]


def verbs(group: typer.Typer, path: str) -> list[str]:
    found = []
    for command in group.registered_commands:
        name = command.name or (command.callback.__name__ if command.callback else "")
        found.append(f"{path} {name}")
    for inner in group.registered_groups:
        assert inner.typer_instance is not None
        found += verbs(inner.typer_instance, f"{path} {inner.name}")
    return found


def test_every_setting_is_listed_with_its_unit_default_and_sentence() -> None:
    listed = [tuple(cell.strip("`") for cell in row) for row in rows_after(page("operations.md"), "setting")]
    assert listed == settings.describe()


def test_every_verb_is_listed() -> None:
    assert sorted(names(page("cli.md"), "verb")) == sorted(verbs(app, "douane"))


def test_every_column_type_is_listed() -> None:
    assert names(page("cli.md"), "type") == list(COLUMN_TYPES)
