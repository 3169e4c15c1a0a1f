"""The recipes of docs/chat.md, followed word by word as somebody else's package, through every door."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from douane.chat import writers
from douane.chat.importers import Options, open_export, recognise
from douane.child import chat_convert, chat_inspect
from douane.errors import BadFile, BadRequest
from douane.line.chat_export import ChatConvert, ChatInspect
from douane.model.source import Limits
from tests.chat.importers.exports import MemorySource, joined, ledger, resumed_everywhere
from tests.chat.recipes import installed

TALK = [
    {"who": "ann", "when": 1500000000, "said": "hi"},
    {"who": "bob", "when": "later", "said": "?"},
    {"who": "bob", "when": 1500000001, "said": "see https://files.slack.com/a?t=xoxe-1-secret"},
]


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    yield from installed(tmp_path, monkeypatch)


class Said:
    """Takes the child's events."""

    def __init__(self) -> None:
        self.events: dict[str, Any] = {}

    def send(self, event: Any) -> None:
        self.events[type(event).__name__] = event

    def progress(self, *given: Any, **more: Any) -> None:
        pass


def test_an_importer_by_entry_point_keeps_the_contract_of_the_shelf(theirs: None) -> None:
    source = MemorySource(json.dumps(TALK).encode())
    assert recognise(source) == "talk"
    reader = open_export("talk", source, Options(batch_records=1))
    batches = resumed_everywhere(reader)
    assert len(batches) > 1
    tables = joined(batches)
    assert ledger(tables) == (3, 2, 0, 1)
    assert tables["messages"]["text"].to_list() == [one["said"] for one in TALK if one["when"] != "later"]
    with pytest.raises(BadFile, match="no list of messages"):
        open_export("talk", MemorySource(b"[1]"))


def test_members_by_entry_point_come_through_inspect_and_convert(theirs: None, tmp_path: Path) -> None:
    export = tmp_path / "talk.json"
    export.write_text(json.dumps(TALK))
    with export.open("rb") as file:
        given: dict[str, Any] = {"source_fd": file.fileno(), "importer": None, "limits": Limits()}
        wire: Any = Said()
        chat_inspect.inspect(ChatInspect(**given), tmp_path, wire)
        assert wire.events["Counted"].entries == {"found": 3, "staged": 2, "skipped": 0, "failed": 1}
        out = tmp_path / "out"
        out.mkdir()
        chat_convert.convert(ChatConvert(**given, to="texts"), out, wire)
    assert (out / "talk.txt").read_text() == "ann: hi\nbob: see https://files.slack.com/a\n"
    assert json.loads((out / "report.json").read_text())["kept"] == {"messages": 2}


def test_a_form_that_nobody_writes_is_refused_by_name() -> None:
    with pytest.raises(BadRequest, match="it writes mattermost, ndjson, parquet"):
        writers.writer("docx")
