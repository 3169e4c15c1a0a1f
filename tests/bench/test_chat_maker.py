"""The maker's keys against a second reading of its exports, with `zipfile` and `json` and without Douane."""

import json
import re
import time
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bench import chat_maker
from bench.chat_maker import LAYOUTS, Options, make, slack_id

pytestmark = pytest.mark.long

DAY_FILE = re.compile(r"(?P<folder>.+)/\d{4}-\d\d-\d\d\.json")
STATES = {"hosted": "hosted", "quip": "document", "tombstone": "deleted", "hidden_by_limit": "hidden",
          "file_access": "denied", "external": "external"}  # fmt: skip
NOTICE = re.compile(r"(channel|group)_(?!me)|pinned_item|huddle|bot_add|reminder|quantum|aurora|file_|tombstone")


def options(**more: Any) -> Options:
    return Options(**{"messages": 6_000, "entries": 400, "seed": 11} | more)


def name_of(info: zipfile.ZipInfo) -> str:
    """What stands in the archive, which says cp437 of everything without a flag."""
    raw = info.filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp437")


def entries(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name_of(info): archive.read(info) for info in archive.infolist()}


def records(path: Path) -> dict[str, list[Any]]:
    """Folder -> the elements of its day files."""
    found: dict[str, list[Any]] = {}
    for name, data in entries(path).items():
        if said := DAY_FILE.fullmatch(name):
            found.setdefault(said["folder"], []).extend(json.loads(data))
    return found


def mentions(text: str) -> Counter[str]:
    kinds = {"@": "user", "#": "channel", "!subteam": "group", "!here": "here", "!channel": "channel_all"}
    kinds["!everyone"] = "everyone"
    return Counter(kinds[kind] for kind in re.findall(r"<(@(?=[UW])|#|!\w+)", text))


def recount(path: Path, bodies: bool) -> dict[str, Any]:
    """The countable part of the key, read from the export."""
    per: dict[str, Counter[str]] = {
        name: Counter()
        for name in ("per_subtype", "per_reaction", "files", "mentions", "mentions_in_notices", "per_year", "folders")
    }
    total: Counter[str] = Counter()
    authors, bots = set(), set()
    everything = records(path)
    for folder, messages in everything.items():
        roots = {message["ts"] for message in messages}
        assert len(roots) == len(messages), "a time is a message's identity in its conversation"
        for message in messages:
            subtype = message.get("subtype", "")
            total["messages"] += 1
            per["folders"][folder] += 1
            per["per_subtype"][subtype] += 1
            per["per_year"][str(time.gmtime(int(message["ts"][:10])).tm_year)] += 1
            if user := message.get("user"):
                authors.add(user)
            elif bot := message.get("bot_id"):
                bots.add(bot)
            for reaction in message.get("reactions", ()):
                assert len(set(reaction["users"])) == len(reaction["users"])
                per["per_reaction"][reaction["name"]] += len(reaction["users"])
                total["reactions"] += len(reaction["users"])
                total["reactions_cut"] += reaction["count"] > len(reaction["users"])
                total["reactions_unnamed"] += reaction["count"] - len(reaction["users"])
            for file in [*message.get("files", ()), *([message["file"]] if "file" in message else ())]:
                state = STATES[file["mode"]] if file else "null"
                per["files"]["in_archive" if state == "hosted" and bodies else state] += 1
            where = "mentions_in_notices" if NOTICE.match(subtype) else "mentions"
            per[where] += mentions(message["text"] or "")
            root = message.get("thread_ts")
            total["threads"] += message.get("reply_count", 0) > 0
            total["replies"] += root not in (None, message["ts"])
            total["orphan_replies"] += root is not None and root not in roots
            total["edits"] += "edited" in message
            total["pinned"] += "pinned_to" in message
    return {
        **{name: dict(sorted(counts.items())) for name, counts in per.items()},
        **{
            name: total[name]
            for name in (
                "messages", "reactions", "reactions_cut", "reactions_unnamed",
                "threads", "replies", "orphan_replies", "edits", "pinned"
            )
        },
        "authors": len(authors),
        "bot_authors": sorted(bots),
    }  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_key_counts_what_is_in_the_export(tmp_path: Path, layout: str) -> None:
    path = tmp_path / "export.zip"
    key = make(path, options(layout=layout))
    found = recount(path, layout.startswith("slackdump"))
    folders = {one["folder"]: one["messages"] for one in key["per_conversation"].values() if one["messages"]}
    assert found.pop("folders") == folders
    for name, counted in found.items():
        assert key[name] == counted, name
    assert key["messages"] == 6_000
    assert min(key["threads"], key["replies"], key["edits"], key["pinned"], key["broadcasts"], key["reactions"]) > 0
    assert len(entries(path)) == key["entries"]


def test_the_lists_are_as_the_key_says(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    key = make(path, options())
    everything = entries(path)
    users = json.loads(everything["users.json"])
    assert len(users) == key["users"]["all"] == 61
    assert sum(user["is_bot"] for user in users) == key["users"]["bots"]
    assert sum(user["deleted"] for user in users) == key["users"]["deleted"]
    assert sum("email" in user["profile"] for user in users) == key["users"]["with_email"]
    assert len({user["id"] for user in users}) == len(users)
    channels = {
        kind: json.loads(everything[f"{name}.json"])
        for kind, name in (("public", "channels"), ("private", "groups"), ("group", "mpims"), ("direct", "dms"))
    }
    assert {kind: len(those) for kind, those in channels.items()} == key["conversations"]
    every = [one for those in channels.values() for one in those]
    assert key["memberships"] == sum(len(set(one.get("members") or ())) for one in every)
    assert key["pins_listed"] == sum(len(one.get("pins", ())) for one in every) > 0
    posted = {message["user"] for messages in records(path).values() for message in messages if "user" in message}
    assert set(key["unlisted_authors"]) == posted - {user["id"] for user in users} != set()
    assert "café-日本語" in {one.get("name") for one in every}
    assert None in {one.get("creator", "absent") for one in every}


def test_one_seed_gives_one_export(tmp_path: Path) -> None:
    same, again, other = (tmp_path / name for name in ("same.zip", "again.zip", "other.zip"))
    small = {"messages": 500, "entries": 100}
    key = make(same, options(**small))
    assert make(again, options(**small), processes=2) == key
    assert make(other, options(**small, seed=12)) != key
    assert same.read_bytes() == again.read_bytes() != other.read_bytes()


def test_exports_that_overlap_agree_on_the_days_they_share(tmp_path: Path) -> None:
    first, second, whole = (tmp_path / name for name in ("first.zip", "second.zip", "whole.zip"))
    one = make(first, options(end="2021-03-31"))
    other = make(second, options(start="2021-03-01"))
    every = make(whole, options())
    old, new, both = entries(first), entries(second), entries(whole)
    shared = {name for name in old.keys() & new.keys() if DAY_FILE.fullmatch(name)}
    assert shared
    assert {name[-15:-8] for name in shared} == {"2021-03"}
    days = {name: data for name, data in (old | new).items() if DAY_FILE.fullmatch(name)}
    assert days == {name: data for name, data in both.items() if DAY_FILE.fullmatch(name)}
    assert all(old[name] == new[name] for name in shared)
    in_both = sum(len(json.loads(old[name])) for name in shared)
    assert one["messages"] + other["messages"] - in_both == every["messages"] == 6_000
    assert other["orphan_replies"] > 0 == every["orphan_replies"]


def test_damage_is_counted_apart(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    key = make(path, options(damage=0.05))
    whole, broken, taken = Counter[str](), Counter[str](), 0
    for name, data in entries(path).items():
        if not DAY_FILE.fullmatch(name):
            continue
        try:
            elements = json.loads(data)
        except ValueError:
            broken["empty" if not data else "cut off" if data.startswith(b"[") else "no JSON"] += 1
            taken += data.startswith(b"[")  # its first message is whole
            continue
        if isinstance(elements, dict):
            broken["no array"] += 1
            continue
        for element in elements:
            if isinstance(element, dict) and re.fullmatch(r"\d+\.\d{6}", element.get("ts", "")):
                taken += 1
            else:
                whole[type(element).__name__] += 1
    assert key["messages"] == taken < 6_000
    assert key["broken_entries"] == broken
    assert set(broken) == {"empty", "cut off", "no JSON", "no array"}
    assert sum(key["broken_records"].values()) == sum(whole.values()) > 0
    assert json.loads(entries(path)["users.json"])[-1] is None


@pytest.mark.parametrize("names", ["utf-8", "utf-8-unflagged", "cp437"])
def test_names_stand_as_asked(tmp_path: Path, names: str) -> None:
    path = tmp_path / "export.zip"
    make(path, options(messages=400, entries=60, names=names, folder="Exporté/"))
    with zipfile.ZipFile(path) as archive:
        flags = {bool(info.flag_bits & 0x800) for info in archive.infolist() if not info.filename.isascii()}
    assert flags == {names == "utf-8"}
    strange = "café-größe" if names == "cp437" else "café-日本語"
    found = entries(path)
    assert any(name.startswith(f"Exporté/{strange}/") for name in found)
    assert {name.split("/")[0] for name in found} == {"Exporté", "__MACOSX"}


def test_many_entries_take_zip64(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library counts by the record that 65,535 entries and more need, wherever there is one."""
    monkeypatch.setattr(chat_maker, "ZIP64_ENTRIES", 100)
    path = tmp_path / "export.zip"
    key = make(path, options(messages=400, entries=300, level=1))
    assert b"PK\x06\x06" in path.read_bytes()[-200:]
    assert len(zipfile.ZipFile(path).infolist()) == key["entries"] > 100


def test_ids_differ() -> None:
    assert len({slack_id("U", number, 3) for number in range(10_000)}) == 10_000
