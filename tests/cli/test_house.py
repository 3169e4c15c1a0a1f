"""Verbs that go on for long."""

from __future__ import annotations

import gc
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from douane.cli import house
from douane.settings import Settings


@pytest.mark.parametrize(
    ("verb", "works"),
    [
        ("web", "douane.web.server.run"),
        ("worker", "douane.flow.worker.run"),
        ("serve", "douane.jobs.supervisor.supervise"),
    ],
)
def test_what_serves_looks_for_garbage(verb: str, works: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The program begins without, for most verbs end at once."""
    looked: list[bool] = []

    def run(*_: Any, **__: Any) -> int:
        looked.append(gc.isenabled())
        return 0

    monkeypatch.setattr(works, run)
    monkeypatch.setattr(house, "_leave", lambda: None)
    monkeypatch.setattr(house, "_listening", lambda config: config)
    monkeypatch.setattr(house.log, "set_up", lambda config: None)
    monkeypatch.setattr(house, "open_house", lambda config: None)
    monkeypatch.setattr(house, "initialise", lambda house: None)
    gc.disable()
    try:
        with suppress(SystemExit):
            getattr(house, verb)(Settings(data=tmp_path))
        assert looked == [True]
    finally:
        gc.enable()
