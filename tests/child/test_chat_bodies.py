"""Files whose bytes stand in the export, of any packing; a page in place of one is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from douane.child import chat_bodies
from douane.line.chat import ChatBodies
from douane.model.source import Limits
from tests.archives import deflated64, tarred
from tests.chat.importers.exports import zipped

PAGE = b"<!DOCTYPE html><title>Sign in</title>"
FILES = {
    "users.json": b"[]",
    "__uploads/F1/song.mp3": PAGE,
    "__uploads/F2/a.png": b"\x89PNG",
    "__uploads/F3/p.html": PAGE,
}


class Said:
    def __init__(self) -> None:
        self.events: list[Any] = []

    def send(self, event: Any) -> None:
        self.events.append(event)

    def progress(self, *given: Any, **more: Any) -> None:
        pass


@pytest.mark.parametrize(
    "data", [zipped(FILES), deflated64(FILES), *(tarred(FILES, packing) for packing in ("", "gz", "bz2", "xz"))]
)
def test_bodies_of_any_packing(data: bytes, tmp_path: Path) -> None:
    export = tmp_path / "export"
    export.write_bytes(data)
    wire: Any = Said()
    with export.open("rb") as file:
        limits = Limits()
        spec = ChatBodies(source_fd=file.fileno(), limits=limits, entries=(1, 2, 3), bytes_max=1 << 20)
        chat_bodies.bodies(spec, tmp_path, wire)
    assert [one.entry for one in wire.events] == [1, 2, 3]
    page, picture, html = wire.events
    assert (page.path, page.message) == (None, "The export holds a web page in place of the file.")
    assert picture.path.read_bytes() == b"\x89PNG"
    assert html.path.read_bytes() == PAGE
    assert not (tmp_path / "body-1").exists()
