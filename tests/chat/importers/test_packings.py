"""Exports of people who unpacked, merged and packed them again: read, or refused by the name of what they are."""

from __future__ import annotations

import gzip
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from douane.chat.importers import Counts, Options, open_export, recognise, unknown, uploaded
from douane.chat.settle import contents
from douane.chat.tally import Tally
from douane.errors import BadFile
from tests.archives import deflated64, tarred
from tests.chat.importers.exports import MemorySource, joined, ledger, read, resumed_everywhere, zipped
from tests.chat.samples import make_export

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
    merged = {name.replace("/", "\\") if "ops" in name else name: data for name, data in encoded(SLACK).items()}
    assert counted(zipped(merged)) == EXPECTED


def test_a_csv_export_as_tar() -> None:
    files = {"users.csv": b"ann,ann@example.com,Ann\n", "general/1.csv": b"ann,1500000000000,hi\n"}
    assert counted(tarred(files, "gz")) == ("csv", {"general": 1})


def test_a_hipchat_export_as_zip_is_no_slack_export() -> None:
    said = {"UserMessage": {"id": "1", "sender": {"id": 1}, "message": "hi", "timestamp": "2018-08-08T14:23:54Z 1"}}
    files = {"users.json": [{"User": {"id": 1}}], "rooms.json": [{"Room": {"id": 1, "name": "r"}}]}
    data = zipped(encoded({**files, "rooms/1/history.json": [said]}))
    assert counted(data) == ("hipchatenterprise", {"r": 1})


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
    ("Matrix", {"messages.html": b'<html><div class="mx_RoomView">', "css/style.css": b""}),
    ("Telegram", {"messages.html": b"<html>", "css/style.css": b""}),
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
        ("Matrix", "12/25/2023, 9:05:33 PM - Ada: text"),
        ("Matrix", '<!DOCTYPE html><html lang="en"><div class="mx_RoomView_messageListWrapper">'),
        ("Discord", '<!DOCTYPE html><html lang="en"><div class="preamble__guild-icon-container">'),
        ("Discord", "AuthorID,Author,Date,Content,Attachments,Reactions\n1,Ada,2020-01-01T00:00:00,hi,,"),
        ("Discord", "=" * 62 + "\nGuild: Made up\nChannel: general\n"),
        ("Mattermost", "Post Creation Time,Team Id,Team Name,Channel Id\n1,2,3,4"),
        ("Facebook Messenger", '{"participants":["A","B"],"threadName":"A_1","messages":[{"senderName":"A"}]}'),
        ("Signal", '{"version":"1","backupTimeMs":"1577836800000"}'),
    ],
)
@pytest.mark.parametrize("key", ["slack", "slack-users", "omnichannel_contact"])
def test_files_of_others_are_refused_by_name(name: str, text: str, key: str) -> None:
    with pytest.raises(BadFile, match=f"This is a {name} export"):
        open_export(key, MemorySource(text.encode()))


def test_pages_and_packings_that_nobody_opens_are_called_what_they_are() -> None:
    for data, said in ((b"<!DOCTYPE html><p>Sign in", "This is a web page"), (b"7z\xbc\xaf\x27\x1c", "7-Zip")):
        assert recognise(MemorySource(data)) is None
        assert said in unknown(uploaded(MemorySource(data), Options())).message
        with pytest.raises(BadFile, match=said):
            open_export("slack", MemorySource(data))


@pytest.mark.parametrize("key", ["csv", "hipchatenterprise", "slack-users"])
def test_an_export_for_another_importer_is_said_to_be_that(key: str) -> None:
    with pytest.raises(BadFile, match="This is an export for the importer “slack”"):
        open_export(key, MemorySource(zipped(encoded(SLACK))))


# --- Slack's files in other places -----------------------------------------------------------------------------------

DAYS = {name: data for name, data in SLACK.items() if "/" in name}
LISTS = {name: data for name, data in SLACK.items() if "/" not in name}


def inside(folder: str, files: dict[str, Any]) -> dict[str, Any]:
    return {f"{folder}/{name}": data for name, data in files.items()}


@pytest.mark.parametrize(
    "files",
    [
        inside("export", SLACK),
        inside("Downloads/acme export", SLACK),
        inside("a/b/c/d", SLACK),
        inside("a/b", SLACK) | {"__MACOSX/a/b/._users.json": b"", "a/.DS_Store": b"", "a/": b""},
        inside("part 1", {**LISTS, "general/2017-07-14.json": SLACK["general/2017-07-14.json"]})
        | inside("part 2", {**LISTS, "ops/2017-07-14.json": SLACK["ops/2017-07-14.json"]}),
        inside("lists", LISTS) | inside("days", DAYS),
        LISTS | inside("channels", DAYS),
        LISTS | inside("channels/2017", DAYS),
        LISTS | {"general/general.json": DAYS["general/2017-07-14.json"], "ops/all.json": DAYS["ops/2017-07-14.json"]},
        LISTS | {"general.json": DAYS["general/2017-07-14.json"], "ops.json": DAYS["ops/2017-07-14.json"]},
        LISTS
        | {"C1.json": {"channel_id": "C1", "messages": DAYS["general/2017-07-14.json"]}}
        | {"ops/x.jsonl": b""}
        | {"C2.json": {"channel_id": "C2", "name": "ops", "messages": DAYS["ops/2017-07-14.json"]}},
        LISTS | {f"channels/{name.partition('/')[0]}.json": day for name, day in DAYS.items()},
        LISTS | {f"{name.partition('/')[0]}/2017/07/14.json": day for name, day in DAYS.items()},
        LISTS | {f"{name.partition('/')[0]}/2017/{name.rpartition('/')[2]}": day for name, day in DAYS.items()},
        {name.upper(): data for name, data in SLACK.items()},
        inside("teams/alpha", SLACK) | {"org_users.json": LISTS["users.json"]},
        inside("x/teams/alpha", SLACK) | inside("x", {"org_users.json": LISTS["users.json"]}),
    ],
)
def test_a_slack_export_is_read_wherever_its_files_stand(files: dict[str, Any]) -> None:
    for data in (zipped(encoded(files)), tarred(encoded(dict(reversed(files.items()))), "gz")):
        assert counted(data) == EXPECTED
        tables = read("slack", data)
        assert set(tables["channels"]["id"]) == {"C1", "C2"}
        assert ledger(tables)[3] == 0


def test_one_conversation_alone_is_read() -> None:
    day = DAYS["general/2017-07-14.json"]
    assert counted(zipped(encoded({"general/2017-07-14.json": day}))) == ("slack", {"general": 1})
    assert counted(zipped(encoded({"2017-07-14.json": day}))) == ("slack", {"messages": 1})
    assert counted(zipped(encoded({"general.json": day}))) == ("slack", {"general": 1})
    parts = {f"{folder}/part{n}.json": day for folder in ("general", "channels") for n in (1, 2)}
    assert counted(zipped(encoded(parts))) == ("slack", {"general": 2, "channels/part1": 1, "channels/part2": 1})


@pytest.mark.parametrize("form", ["lines", "commas", "joined", "cut"])
@pytest.mark.parametrize("many", [3, 9_000])
def test_one_message_a_line(form: str, many: int) -> None:
    lines = [json.dumps({"type": "message", "ts": f"{1500000000 + n}.000100", "text": "x" * 100}) for n in range(many)]
    text = {"lines": "\n", "commas": ",\r\n", "joined": " ", "cut": "\n"}[form].join(lines)
    text = text[:-5] if form == "cut" else text
    files = encoded(LISTS) | {"general/2017-07-14.json": text.encode()}
    tables = read("slack", zipped(files))
    failed = form == "cut"
    assert len(tables["messages"]) == many - failed
    assert ledger(tables)[3] == failed
    if not failed:
        assert "issues" not in tables
    assert open_export("slack", MemorySource(zipped(files))).counts().tables["messages"] == many - failed


def test_a_long_conversation_in_one_object() -> None:
    messages = [{"type": "message", "ts": f"{1500000000 + n}.000100", "text": "x" * 100} for n in range(9_000)]
    for indent in (None, 1):
        whole = json.dumps({"channel_id": "C1", "name": "general", "messages": messages, "x": 1}, indent=indent)
        tables = read("slack", zipped(encoded(LISTS) | {"C1.json": whole.encode()}))
        assert (len(tables["messages"]), set(tables["messages"]["channel"])) == (9_000, {"C1"})
        assert ledger(tables)[3] == 0


def test_one_record_with_half_a_pair_is_one_warning() -> None:
    day = [{"type": "message", "ts": f"{1500000000 + n}.000100", "text": "fine \ud83d\ude00"} for n in range(20)]
    text = json.dumps(day).replace("fine", "broken \\ud83d then", 1)
    for data in (text.encode(), text.encode().replace(b"fine", b"caf\xe9", 1)):
        tables = read("slack", zipped(encoded(LISTS) | {"general/2017-07-14.json": data}))
        assert len(tables["messages"]) == 20
        warned = [row for row in tables["issues"].select("code", "position").rows() if "replaced" in row[0]]
        assert warned == [("importer-text-replaced", 0)] + [("importer-text-replaced", 1)] * (data != text.encode())


def test_daily_logs_of_a_program_are_nobodys() -> None:
    logs = {f"app/2020-09-{n}.json": [{"level": "info", "message": "started", "time": 1600000000}] for n in (14, 15)}
    data = zipped(encoded(logs))
    assert recognise(MemorySource(data)) is None
    with pytest.raises(BadFile, match="no export of Slack"):
        open_export("slack", MemorySource(data))


def test_two_conversations_of_one_name_are_told() -> None:
    channels = [
        {"id": "C1", "name": "ops", "is_archived": True},
        {"id": "C2", "name": "ops"},
        {"id": "C3", "name": "general"},
    ]
    tables = read("slack", zipped(encoded(SLACK | {"channels.json": channels})))
    assert sorted(tables["messages"]["channel"]) == ["C2", "C3"]
    (message,) = tables["issues"].filter(code="importer-folder-ambiguous")["message"]
    assert "ops" in message
    assert "C1" in message


def test_of_conversations_of_one_name_the_spelt_one_has_the_folder_and_a_private_one_before_a_public_one() -> None:
    lists = {
        "channels.json": [{"id": "C1", "name": "ops"}, {"id": "C2", "name": "team"}, {"id": "C3", "name": "OPS"}],
        "groups.json": [{"id": "G1", "name": "team", "is_archived": True}],
    }
    said = {"type": "message", "user": "U1", "ts": "1500000000.000100"}
    days = {f"{name}/2017-07-14.json": [said | {"text": name}] for name in ("ops", "OPS", "team")}
    tables = read("slack", zipped(encoded(LISTS | lists | days)))
    found = dict(tables["messages"].select("text", "channel").rows())
    assert found == {"ops": "C1", "OPS": "C3", "team": "G1"}


@pytest.mark.parametrize("mark", [" (1)", " 2", " copy", " - Copy (2)", " Kopie", "_2", "-2"])
def test_lists_that_a_file_manager_put_beside_others_are_read(mark: str) -> None:
    """What two hands packed into one folder is all there, and the list under its own name comes first."""
    more = {
        f"users{mark}.json": [{"id": "U1", "name": "other"}, {"id": "U9", "name": "nina"}],
        f"Channels{mark}.json": [{"id": "C9", "name": "third", "members": ["U9"]}],
        "third/2017-07-14.json": [{"type": "message", "user": "U9", "text": "x", "ts": "1500000000.000100"}],
    }
    tables = read("slack", zipped(encoded({**more, **SLACK})))
    names = dict(tables["users"].select("id", "username").rows())
    assert (names["U1"], names["U9"]) == (SLACK["users.json"][0]["name"], "nina")
    assert ("C9", "U9") in tables["members"].select("channel", "user").rows()
    assert "C9" in tables["messages"]["channel"].to_list()
    assert sorted(tables["entries"]["name"]) == sorted([*more, *SLACK])


UNREAD = {
    "old/chat.log": b"2019-01-01 10:00 <ann> hi there\n2019-01-01 10:01 <bob> hello\n",
    "irc/a.txt": b"[01.02.2019 10:00:01] ann: hi there\n[01.02.2019 10:00:07] bob: hello\n",
    "other/x.json": [{"sender": "ann", "timestamp": 1500000000, "message": "hi"}] * 2,
}


@pytest.mark.parametrize("name", UNREAD)
def test_entries_that_seem_to_hold_messages_and_are_not_read_are_failed(name: str) -> None:
    other = {"logo.png": b"\x89PNG", "integration_logs.json": [{"user_name": "ann", "date": "1500000000"}]}
    data = zipped(encoded(SLACK | other | {name: UNREAD[name]}))
    reader = open_export("slack", MemorySource(data), Options(batch_records=1))
    tables = joined(resumed_everywhere(reader))
    failed = tables["entries"].filter(failed=1)
    assert failed.select("name", "found", "reason").rows() == [(name, 1, "importer-entry-unread")]
    (issue,) = tables["issues"].to_dicts()
    assert issue["message"].startswith(f"“{name}” seems to hold messages")
    assert reader.counts() == counted_of(tables)
    assert reader.counts().entries["failed"] == 1


def test_an_archive_in_an_archive_is_refused_by_its_name() -> None:
    export = zipped(encoded(SLACK))
    for data, name in (
        (zipped({"export.zip": export}), "“export.zip”"),
        (zipped({"read me.txt": b"two parts", "parts/1.tar.gz": tarred({"a.json": b"[]"}, "gz")}), "“parts/1.tar.gz”"),
        (tarred({"Slack export.zip": export}, "gz"), "“Slack export.zip”"),
        (gzip.compress(export), "a zip in a gzip"),
    ):
        assert recognise(MemorySource(data)) is None
        for key in ("slack", "csv", "hipchatenterprise"):
            with pytest.raises(BadFile, match=re.escape(f"around another one, {name}. Unpack it")):
                open_export(key, MemorySource(data))
    # A name alone is none.
    with pytest.raises(BadFile, match="no export of Slack"):
        open_export("slack", MemorySource(zipped({"export.zip": b"nothing"})))


def test_a_message_is_the_same_in_every_packing(tmp_path: Path) -> None:
    make_export(tmp_path / "a.zip", messages=200, seed=3)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        files = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    days = {
        name: json.loads(data) for name, data in files.items() if re.fullmatch(r"[^/]+/\d{4}-\d\d-\d\d\.json", name)
    }
    lists: dict[str, Any] = {name: data for name, data in files.items() if name not in days}
    whole: dict[str, list[Any]] = {}
    for name, day in sorted(days.items()):
        whole.setdefault(f"{name.partition('/')[0]}/all.json", []).extend(day)
    odd = {"type": "message", "ts": "1.5", "text": 5, "reactions": 7}
    packings: list[dict[str, Any]] = [
        days,
        whole,
        {name: "\n".join(map(json.dumps, day)).encode() for name, day in days.items()},
        {name: json.dumps(day, indent=2, ensure_ascii=False).encode() for name, day in days.items()},
        {name: [*day, odd] for name, day in days.items()},
    ]

    def marks(packed: dict[str, Any]) -> dict[str, int]:
        tables = read("slack", zipped(encoded(lists | packed)))
        return dict(zip(tables["messages"]["id"], contents(tables, np.arange(len(tables["messages"]))), strict=True))

    wanted, *others = map(marks, packings)
    assert len(wanted) == 200
    for found in others:
        assert {id: found.get(id) for id in wanted} == wanted


def test_packed_day_files_are_told_of() -> None:
    days = {f"{name}.gz": gzip.compress(json.dumps(day).encode()) for name, day in DAYS.items()}
    assert ledger(read("slack", zipped(encoded(LISTS) | days))) == (5, 3, 0, 2)


@pytest.mark.parametrize("key", ["slack", "csv", "hipchatenterprise"])
def test_an_archive_in_an_export_is_told_of(key: str) -> None:
    exports: dict[str, Any] = {
        "slack": {**SLACK, "__uploads/F1/photos.zip": zipped({"a.txt": b"a"})},
        "csv": {"users.csv": b"ann,ann@example.com,Ann\n", "general/1.csv": b"ann,1500000000000,hi\n"},
        "hipchatenterprise": {"users.json": [{"User": {"id": 1}}], "rooms.json": [{"Room": {"id": 1}}]},
    }
    data = zipped(encoded({**exports[key], "older export.zip": zipped(encoded(SLACK)), "empty.zip": b""}))
    reader = open_export(key, MemorySource(data), Options(batch_records=1))
    tables = joined(resumed_everywhere(reader))
    failed = tables["entries"].filter(failed=1)
    assert failed.select("name", "reason").rows() == [("older export.zip", "importer-entry-unread")]
    (issue,) = tables["issues"].filter(code="importer-entry-unread").to_dicts()
    assert issue["message"] == "“older export.zip” is packed once more inside the archive; what it holds is not read."
    assert reader.counts() == counted_of(tables)


@pytest.mark.parametrize("key", ["csv", "hipchatenterprise"])
@pytest.mark.parametrize("name", UNREAD)
def test_the_other_importers_tell_of_them_too(key: str, name: str) -> None:
    csv = {"users.csv": b"ann,ann@example.com,Ann\n", "general/1.csv": b"ann,1500000000000,hi\n"}
    lists = {"users.json": [{"User": {"id": 1}}], "rooms.json": [{"Room": {"id": 1}}]}
    files: dict[str, Any] = {"logo.txt": b"nothing", name.replace(".txt", ".log"): UNREAD[name]}
    data = zipped(encoded({**(csv if key == "csv" else lists), **files}))
    reader = open_export(key, MemorySource(data), Options(batch_records=1))
    tables = joined(resumed_everywhere(reader))
    assert tables["entries"].filter(failed=1)["reason"].to_list() == ["importer-entry-unread"]
    assert reader.counts() == counted_of(tables)


def counted_of(tables: dict[str, pl.DataFrame]) -> Counts:
    tally = Tally()
    tally.add(tables)
    return tally.counts()
