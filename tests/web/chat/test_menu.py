"""Which importers the server lists."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chat.recipes import installed
from tests.web.chat.conftest import administrator
from tests.web.conftest import Site


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from installed(tmp_path, monkeypatch)


def test_an_importer_by_entry_point_is_in_the_list(theirs: None, sqlite_site: Site) -> None:
    listed = administrator(sqlite_site).get("/api/v1/importers.list").json()
    assert {"key": "talk", "name": "talk"} in listed
