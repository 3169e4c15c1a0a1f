"""The map's table of shelves is true: each is where it says, takes members by the entry point it names, and has a
recipe that names what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOUSE = (ROOT / "docs" / "house.md").read_text()
SHELVES = re.findall(r"\| ([a-z ]+) \| `([a-z/]+)` \| `(douane\.[a-z]+)` \| \[recipe\]\(([a-z]+\.md)\) \|", HOUSE)


def test_every_folder_that_takes_members_is_listed() -> None:
    menus = {path.parent for path in (ROOT / "douane").rglob("__init__.py") if "entry_points(" in path.read_text()}
    assert {str(folder.relative_to(ROOT / "douane")) for folder in menus} == {folder for _, folder, _, _ in SHELVES}


@pytest.mark.parametrize(("name", "folder", "group", "page"), SHELVES, ids=[one[0] for one in SHELVES])
def test_a_shelf_is_as_its_recipe_says(name: str, folder: str, group: str, page: str) -> None:
    menu = (ROOT / "douane" / folder / "__init__.py").read_text()
    assert f'"{group}"' in menu
    one = {"file formats": "format", "column types": "type"}.get(name, name.removesuffix("s"))
    recipe = re.search(rf"(?ms)^## Adding an? {one}\n(.*?)(?=^## |\Z)", (ROOT / "docs" / page).read_text())
    assert recipe, f"{page} has no recipe for a {one}"
    assert group in recipe[1], "it says how others add theirs"
    assert f"douane/{folder}/" in recipe[1] or f"{folder}/" in recipe[1]
    # Every path it names is there, but those of the member that is to be made.
    for path in re.findall(r"`((?:douane|tests)/[\w/.]+)`", recipe[1]):
        placeholder = re.search(r"[A-Z]{3,}|phone|mine|member|discord", path)
        assert placeholder or (ROOT / path.rstrip("/")).exists() or (ROOT / path).parent.exists(), path
