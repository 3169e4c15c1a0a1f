"""A package of somebody else's, installed for one test: a module and its entry points, found as any other's are."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from textwrap import dedent

import pytest

from douane import encodings
from douane.sheet import columns, validations

_number = iter(range(1_000_000))


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, source: str, points: Mapping[str, Mapping[str, str]]) -> str:
    """`points`: group -> name -> what stands for it in the module, e.g. {"douane.columns": {"Colour": "MEMBER"}}. The
    module's name, which is a new one each time."""
    module = f"somebodys_{next(_number)}"
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / f"{module}.py").write_text(dedent(source))
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    lines = [
        line
        for group, names in points.items()
        for line in (f"[{group}]", *(f"{name} = {module}:{attribute}" for name, attribute in names.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    monkeypatch.syspath_prepend(str(folder))
    for shelf in (columns, validations):
        # Looked up once a process: for this test anew, and the old list is back behind it.
        monkeypatch.setattr(shelf, "names", cache(shelf.names.__wrapped__))
    for cached in (columns.member, validations.member, encodings.shelf):
        cached.cache_clear()
    assert module not in sys.modules
    return module
