"""Tests of the flow work with near children, unless a module or a test is marked `walled`."""

from __future__ import annotations

import pytest

from douane.jobs import children
from tests.near import Near


@pytest.fixture(autouse=True)
def _near_children(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("walled") is None:
        monkeypatch.setattr(children, "_start", Near)
