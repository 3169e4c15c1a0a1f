"""The tree of errors is what `errors.py` draws, and every code that is raised stands in the docstring of its class."""

from __future__ import annotations

import ast
import errno
import re
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from douane import errors

DOUANE = Path(__file__).parents[1] / "douane"
# Functions that make an error of that class of what they are given.
MAKERS = {"fault": "BadTemplate"}


def kinds() -> dict[str, type[errors.DouaneError]]:
    found = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type)}
    return {name: kind for name, kind in found.items() if issubclass(kind, errors.DouaneError)}


def raised(trees: list[ast.Module]) -> Iterator[tuple[str, str]]:
    """(class, code) wherever an error of ours is made with a code of its own; a name stands for its constant."""
    constants = {
        target.id: node.value.value
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    ours = kinds()
    for tree in trees:
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            name = MAKERS.get(name, name)
            if name not in ours:
                continue
            for value in (keyword.value for keyword in call.keywords if keyword.arg == "code"):
                if isinstance(value, ast.Constant):
                    yield name, str(value.value)
                elif isinstance(value, ast.Name) and value.id in constants:
                    yield name, str(constants[value.id])


def listed(kind: type[errors.DouaneError]) -> set[str]:
    _, _, codes = (kind.__doc__ or "").partition("Codes in use:")
    return set(re.findall(r"`([^`]+)`", codes)) if "__doc__" in vars(kind) else set()


def test_every_code_that_is_raised_is_listed_and_no_other() -> None:
    used: dict[str, set[str]] = {}
    for name, code in raised([ast.parse(path.read_text()) for path in DOUANE.rglob("*.py")]):
        used.setdefault(name, set()).add(code)
    for name, kind in kinds().items():
        assert listed(kind) - {kind.code} == used.get(name, set()) - {kind.code}, name


def test_a_code_that_is_not_listed_is_noticed() -> None:
    source = (
        "from douane.errors import BadFile\nNEW = 'new'\nraise BadFile('x', code='odd')\nraise BadFile('y', code=NEW)"
    )
    assert set(raised([ast.parse(source)])) == {("BadFile", "odd"), ("BadFile", "new")}


def test_the_tree_is_the_one_that_is_drawn() -> None:
    drawn = re.findall(r"(?m)^    ([│ ]*)[├└]── (\w+)", errors.__doc__ or "")
    above = {0: "DouaneError"}
    for indent, name in drawn:
        depth = len(indent) // 4 + 1
        assert kinds()[name].__bases__ == (kinds()[above[depth - 1]],), name
        above[depth] = name
    assert {name for _, name in drawn} == kinds().keys() - {"DouaneError"}


def test_an_error_knows_its_code_and_the_wider_ones() -> None:
    assert errors.OverLimit("x", setting="columns").codes == ["over_limit", "file_broken", "error"]
    assert errors.Conflict("x", code="key_taken").codes == ["key_taken", "conflict", "error"]


@pytest.mark.parametrize(
    ("error", "full"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), True),
        (OSError(errno.EFBIG, "File too large"), True),
        (OSError(errno.EACCES, "Permission denied"), False),
        (pl.exceptions.ComputeError("No space left on device (os error 28)"), True),
        (pl.exceptions.ComputeError("No such column"), False),
    ],
    ids=["disk", "share", "file", "not-allowed", "in-words", "other-words"],
)
def test_a_full_disk_is_known_by_whatever_says_so(error: Exception, full: bool) -> None:
    assert errors.no_room(error) is full
