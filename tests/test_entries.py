from __future__ import annotations

import importlib.metadata
import sys
import zipfile
from pathlib import Path

import pytest

from douane.entries import entry_points
from tests.package import install

POINTS = {"douane.columns": {"Colour": "MEMBER", "Shade": "MEMBER"}}


def test_nothing_is_asked_of_packages_that_declare_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "entry_points", None)
    assert entry_points(group="douane.nothing") == ()


def test_what_a_package_declares_is_found_by_group_and_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = install(tmp_path, monkeypatch, "MEMBER = 1", POINTS)
    assert {one.name for one in entry_points(group="douane.columns")} == {"Colour", "Shade"}
    assert [one.value for one in entry_points(group="douane.columns", name="Shade")] == [f"{module}:MEMBER"]


def test_so_is_what_an_archive_of_packages_declares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path / "loose", monkeypatch, "MEMBER = 1", POINTS)
    monkeypatch.syspath_prepend(str(tmp_path / "packed.zip"))
    monkeypatch.setattr(sys, "path", [one for one in sys.path if one != str(tmp_path / "loose")])
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as packed:
        for path in (tmp_path / "loose").rglob("*"):
            if path.is_file():
                packed.write(path, path.relative_to(tmp_path / "loose"))
    assert {one.name for one in entry_points(group="douane.columns")} == {"Colour", "Shade"}
