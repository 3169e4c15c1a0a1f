"""The recipes of docs/chat.md as packages of somebody else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from douane.chat import importers, writers
from tests.package import install

DOCS = Path(__file__).parents[2] / "docs" / "chat.md"


def recipe(title: str) -> str:
    found = re.search(rf"^## {title}\n.*?^```python\n(.*?)^```", DOCS.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Both recipes, installed."""
    for number, (title, group, key) in enumerate(
        (("Adding an importer", importers.ENTRY_POINTS, "talk"), ("Adding a writer", writers.ENTRY_POINTS, "texts"))
    ):
        what = "open" if key == "talk" else "write"
        install(tmp_path / str(number), monkeypatch, recipe(title), {group: {key: what}})
    for menu in (importers.menu, writers.menu):
        menu.cache_clear()
    yield
    for menu in (importers.menu, writers.menu):
        menu.cache_clear()
