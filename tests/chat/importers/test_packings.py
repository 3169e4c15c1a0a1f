"""Exports of people who unpacked, merged and packed them again: read, or refused by the name of what they are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from douane.chat.importers import open_export, recognise
from douane.errors import BadFile
from tests.archives import deflated64, tarred
from tests.chat.importers.exports import MemorySource, zipped

SLACK: dict[str, Any] = {
    "channels.json": [{"id": "C1", "name": "general", "members": ["U1"]}, {"id": "C2", "name": "ops"}],
    "users.json": [{"id": "U1", "name": "ann"}],
    "general/2017-07-14.json": [{"type": "message", "user": "U1", "ts": "1500000000.000100", "text": "one"}],
    "ops/2017-07-14.json": [{"type": "message", "user": "U1", "ts": "1500000001.000100", "text": "two"}],
}


def encoded(files: dict[str, Any]) -> dict[str, bytes]:
    return {name: data if isinstance(data, bytes) else json.dumps(data).encode() for name, data in files.items()}


def counted(data: bytes) -> tuple[str | None, dict[str, int]]:
    key = recognise(MemorySource(data))
    return key, open_export(key, MemorySource(data)).counts().channels if key else {}


EXPECTED = ("slack", {"general": 1, "ops": 1})


@pytest.mark.parametrize("packing", ["", "gz", "bz2", "xz"])
@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("before", ["", "./", "export/"])
def test_a_slack_export_as_tar(packing: str, order: int, before: str) -> None:
    files = dict(list(encoded(SLACK).items())[::order])
    assert counted(tarred(files, packing, before)) == EXPECTED


def test_a_slack_export_by_deflate64_and_with_backslashes() -> None:
    assert counted(deflated64(encoded(SLACK))) == EXPECTED
    assert counted(deflated64({name.replace("/", "\\"): data for name, data in encoded(SLACK).items()})) == EXPECTED


def test_a_csv_export_as_tar() -> None:
    files = {"users.csv": b"ann,ann@example.com,Ann\n", "general/1.csv": b"ann,1500000000000,hi\n"}
    assert counted(tarred(files, "gz")) == ("csv", {"general": 1})


FOREIGN: list[tuple[str, dict[str, Any]]] = [
    ("Discord", {"README.txt": b"Hi", "messages/index.json": {}, "messages/c123456789012345678/channel.json": {}}),
    ("Discord", {"general.json": {"guild": {"id": "1"}, "channel": {"id": "2"}, "messages": []}}),
    ("Zulip", {"realm.json": {"zerver_realm": []}, "messages-000001.json": {}}),
    ("Microsoft Teams", {"x/teams/teamsList.json": [], "x/users/usersList.json": []}),
    ("Mattermost", {"import.jsonl": b'{"type":"version","version":1}\n', "data/a.png": b"x"}),
    ("Telegram", {"result.json": {"about": "x", "chats": {"list": []}}, "photos/a.jpg": b"x"}),
    ("WhatsApp", {"WhatsApp Chat with Ann.txt": b"hello"}),
    ("WhatsApp", {"chat.txt": b"[25/12/2023, 21:05:33] Ada: text\n"}),
    ("Rocket.Chat database", {"dump/rocketchat_message.bson": b"\0"}),
    ("Google Chat", {"Takeout/Google Chat/Groups/Space A/messages.json": {"messages": []}}),
]


@pytest.mark.parametrize(("name", "files"), FOREIGN)
@pytest.mark.parametrize("key", ["slack", "csv", "hipchatenterprise"])
def test_exports_of_others_are_refused_by_name(name: str, files: dict[str, Any], key: str) -> None:
    for data in (zipped(encoded(files)), tarred(encoded(files), "gz")):
        assert recognise(MemorySource(data)) is None
        with pytest.raises(BadFile, match=f"This is a {name} export; Douane cannot read those yet."):
            open_export(key, MemorySource(data))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Mattermost", '{"type": "version", "version": 1}\n{"type":"team"}'),
        ("Discord", '{"guild": {"id": "1"}, "channel": {"id": "2", "name": "a"}, "messages": []}'),
        ("Telegram", '{\n "name": "Ann",\n "type": "personal_chat",\n "id": 1,\n "messages": []}'),
        ("WhatsApp", "\u200e[25/12/2023, 21:05:33] Ada: text\nmore"),
        ("WhatsApp", "12/25/23, 9:05\u202fPM - Ada: text"),
    ],
)
@pytest.mark.parametrize("key", ["slack", "slack-users", "omnichannel_contact"])
def test_files_of_others_are_refused_by_name(name: str, text: str, key: str) -> None:
    with pytest.raises(BadFile, match=f"This is a {name} export"):
        open_export(key, MemorySource(text.encode()))


@pytest.mark.parametrize("key", ["csv", "hipchatenterprise", "slack-users"])
def test_an_export_for_another_importer_is_said_to_be_that(key: str) -> None:
    with pytest.raises(BadFile, match="This is an export for the importer “slack”"):
        open_export(key, MemorySource(zipped(encoded(SLACK))))
