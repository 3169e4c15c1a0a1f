"""The recipe of docs/formats.md, followed: a format of another package."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from douane.errors import BadFile
from douane.sheet import formats
from tests.package import install
from tests.sheet.formats.reading import MemorySource, rows_of
from tests.sheet.formats.workbooks import zipped

PAGE = (Path(__file__).parents[3] / "docs" / "formats.md").read_text()
CARDS = b"%cards\nid = 1\nname = Ann\n---\nid = 2\ncity = Oslo\n"


@pytest.fixture(autouse=True)
def cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    found = re.search(r"^## Adding a format$.*?^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None
    install(tmp_path, monkeypatch, found[1], {formats.ENTRY_POINTS: {"cards": "open"}})
    formats.menu.cache_clear()
    yield
    formats.menu.cache_clear()


def test_a_format_of_another_package_is_read() -> None:
    assert rows_of(CARDS) == [["id", "name", "city"], ["1", "Ann"], ["2", "", "Oslo"]]
    found = formats.open_file(MemorySource(CARDS)).detected
    assert (found.format, found.header_row, found.headings) == ("cards", 0, ("id", "name", "city"))
    assert formats.sheet_names(MemorySource(CARDS)) == ()
    assert rows_of(b"a,b\n1,2\n") == [["a", "b"], ["1", "2"]]
    with pytest.raises(BadFile):
        rows_of(zipped({"a.bin": b"\0\1\2" * 100, "b.bin": b""}))
