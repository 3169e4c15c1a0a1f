from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from douane.chat.importers import Limits, Options, hipchatenterprise, recognise
from douane.chat.importers.hipchatenterprise import time_us
from douane.errors import BadFile, OverLimit
from tests.chat.importers.exports import (
    MemorySource,
    counted,
    issues,
    joined,
    ledger,
    opened,
    read,
    resumed_everywhere,
    uploaded,
    zipped,
)

KEY = "hipchatenterprise"
SAMPLES = Path(__file__).parent / "data"


def message(
    id: str, sender: object, said: str, at: str = "2018-08-08T14:23:54Z 626267", **more: object
) -> dict[str, Any]:
    return {"id": id, "sender": sender, "message": said, "timestamp": at, **more}


def person(number: int, name: str = "") -> dict[str, Any]:
    return {"id": number, "name": name, "mention_name": name}


def private(id: str, sender: int, receiver: int, said: str) -> dict[str, Any]:
    return {"PrivateUserMessage": message(id, person(sender), said, receiver=person(receiver))}


def user(number: int, name: str, **more: object) -> dict[str, Any]:
    return {
        "User": {"id": number, "name": name, "mention_name": name.split()[0], "email": f"{number}@example.com", **more}
    }


def room(number: int, name: str, **more: object) -> dict[str, Any]:
    return {"Room": {"id": number, "name": name, "privacy": "public", "owner": 1, "members": [1, 2], **more}}


def tar(files: Mapping[str, object], before: str = "", pack: bool = True) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
            info = tarfile.TarInfo(before + name)
            if name.endswith("/"):
                info.type, data = tarfile.DIRTYPE, b""
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return gzip.compress(out.getvalue(), mtime=0) if pack else out.getvalue()


# The histories come before the lists, as they may.
EXPORT: dict[str, object] = {
    "metadata.json": {"version": 1},
    "rooms/": b"",
    "rooms/10/history.json": [
        {"UserMessage": message("m1", person(1), "hello @Bo and @all", mentions=[2, 2])},
        {"UserMessage": message("m2", person(2), "/me waves", "2018-08-08T14:23:55Z 000001")},
        {
            "UserMessage": message(
                "m3",
                person(2),
                "see",
                attachment={"name": "a b.png", "path": "10/x/a b.png", "size": 12, "url": "https://example.com/a"},
            )
        },
        {
            "NotificationMessage": message(
                "n1", "Build bot", "<strong>red</strong><br>again", message_format="html", color="red"
            )
        },
        {"NotificationMessage": message("n2", {"id": 7, "name": "Deploys"}, "done", message_format="text")},
        {"UserMessage": message("m4", {"id": 0, "name": "Old hook"}, "ping")},
        {"TopicRoomMessage": message("t1", person(1), "changed the topic", topic="New topic")},
        {"ArchiveRoomMessage": message("a1", person(1), "archived")},
        {"GuestAccessMessage": message("g1", person(1), "open")},
        {"UserMessage": message("m1", person(1), "hello again")},
        {"SomethingNew": message("x1", person(1), "?")},
        {"UserMessage": message("m5", person(99), "who am I", "yesterday")},
        {"UserMessage": {"sender": person(1), "message": "no id", "timestamp": "2018-08-08T14:23:54Z 1"}},
        {"UserMessage": {"sender": person(1), "message": "no id", "timestamp": "2018-08-08T14:23:54Z 1"}},
        17,
    ],
    "rooms/10/files/x/users.json": b"not a list of users",
    "rooms/11/history.json": [{"UserMessage": message("m1", person(2), "unlisted")}],
    "users/1/history.json": [private("p1", 1, 2, "psst"), private("p2", 2, 1, "yes"), private("p3", 1, 1, "note")],
    "users/2/history.json": [
        private("p2", 2, 1, "yes"),
        private("p1", 1, 2, "psst"),
        {"PrivateUserMessage": message("p4", person(1), "for the owner")},
        {"PrivateUserMessage": message("p5", None, "lost")},
    ],
    "emoticons.json": [{"Emoticon": {"id": 1, "path": "a.png", "shortcut": "a"}}],
    "users.json": [
        user(1, "Al One", title="Boss", account_type="admin", timezone="Europe/Berlin", avatar="aGVs\nbG8="),
        user(2, "Bo Two", account_type="user"),
        user(3, "Guest", account_type="guest", is_deleted=True, email=""),
        user(2, "Bo again"),
        {"User": {"name": "Nobody"}},
    ],
    "rooms.json": [
        room(10, "General", topic="all", created="2018-01-01T00:00:00+00:00", participants=[3]),
        room(12, "Secret", privacy="private", is_archived=True, members=[]),
        {"Room": {"name": "no id"}},
    ],
    "__MACOSX/._users.json": b"\0",
    "notes.txt": b"hello",
}


def rows(tables: Mapping[str, Any], name: str, *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in tables[name].select(*columns).rows()]


@pytest.mark.parametrize("before", ["", "./", "hipchat/", "./hipchat/"])
@pytest.mark.parametrize("pack", [True, False])
def test_messages(before: str, pack: bool) -> None:
    tables = read(KEY, tar(EXPORT, before, pack))
    found = rows(tables, "messages", "id", "channel", "author", "alias", "kind", "subtype", "text", "format")
    made = [row[0] for row in found[8:10]]
    assert len(set(made)) == 2
    assert all(len(id) == len("hipchatenterprise-10-user-") + 16 for id in made)
    at = "hipchatenterprise-10-"
    assert found == [
        (f"{at}user-m1", "10", "1", None, "text", None, "hello @Bo and @all", "plain"),
        (f"{at}user-m2", "10", "2", None, "me", None, "waves", "plain"),
        (f"{at}user-m3", "10", "2", None, "text", None, "see", "plain"),
        *(
            (f"{at}notif-{id}", "10", "rocket.cat", alias, "bot", "NotificationMessage", said, form)
            for id, alias, said, form in (
                ("n1", "Build bot", "<strong>red</strong><br>again", "html"),
                ("n2", "Deploys", "done", "plain"),
            )
        ),
        (f"{at}user-m4", "10", "rocket.cat", "Old hook", "bot", "UserMessage", "ping", "plain"),
        (f"{at}topic-t1", "10", "1", None, "topic", "TopicRoomMessage", "New topic", "plain"),
        (f"{at}user-m5", "10", "99", None, "text", None, "who am I", "plain"),
        *((id, "10", "1", None, "text", None, "no id", "plain") for id in made),
        ("hipchatenterprise-11-user-m1", "11", "2", None, "text", None, "unlisted", "plain"),
        ("hipchatenterprise-private-p1", "1-2", "1", None, "text", None, "psst", "plain"),
        ("hipchatenterprise-private-p2", "1-2", "2", None, "text", None, "yes", "plain"),
        ("hipchatenterprise-private-p3", "1-1", "1", None, "text", None, "note", "plain"),
        ("hipchatenterprise-private-p4", "1-2", "1", None, "text", None, "for the owner", "plain"),
    ]
    times = tables["messages"]["ts_us"].to_list()
    assert times[:2] == [1533738234_626267, 1533738235_000001]
    assert times[7] is None
    assert tables["messages"].select("key_hi", "key_lo").n_unique() == len(found)
    assert rows(tables, "mentions", "at", "kind", "target") == [(0, "user", "2"), (0, "everyone", "")]
    assert rows(tables, "files", "at", "number", "id", "name", "size", "state", "url", "uploader") == [
        (2, 1, f"{at}user-m3-a b.png", "a b.png", 12, "hosted", "https://example.com/a", "2")
    ]
    assert tables["messages"]["files"].to_list()[:4] == [0, 0, 1, 0]


def test_attached_files_are_found_in_the_archive_where_they_belong() -> None:
    def posted(id: str, path: str, **more: object) -> dict[str, Any]:
        return {"UserMessage": message(id, person(1), "", attachment={"name": id, "path": path, **more})}

    said = [
        posted("own", "x/a.png"),
        posted("own with url", "x/a.png", url="https://example.com/a"),
        posted("whole path", "rooms/10/files/x/a.png"),
        posted("slashes", "./x/a.png"),
        posted("none", "x/none.png"),
        posted("none with url", "x/none.png", url="https://example.com/a"),
        posted("of another room", "rooms/11/files/b.png"),
        posted("outside", "../../11/files/b.png"),
        posted("a list", "../../../users.json"),
    ]
    mail = private("p", 1, 2, "")
    mail["PrivateUserMessage"]["attachment"] = {"name": "c", "path": "c.png"}
    files: dict[str, object] = {
        "rooms/10/history.json": said,
        "users/1/history.json": [mail],
        "rooms/10/files/x/a.png": b"a",
        "rooms/11/files/b.png": b"b",
        "users/files/c.png": b"c",
        "users.json": [],
    }
    found = [
        *((("in_archive", 2),) * 4),
        *(("denied", None), ("hosted", None)),
        *((("denied", None),) * 3),
        ("in_archive", 4),
    ]
    for data in (
        tar(files),
        tar(files, "./export/"),
        zipped({k: v if isinstance(v, bytes) else json.dumps(v) for k, v in files.items()}),
    ):
        assert rows(read(KEY, data), "files", "state", "body_entry") == found


def test_lists() -> None:
    tables = read(KEY, tar(EXPORT), Options(team="T"))
    columns = ("id", "ids", "team", "username", "name", "emails", "role", "roles", "deleted", "zone", "title", "avatar")
    assert rows(tables, "users", *columns) == [
        ("1", ["1"], "T", "Al", "Al One", ["1@example.com"], "admin", [], False, "Europe/Berlin", "Boss")
        + ("data:image/png;base64,aGVsbG8=",),
        ("2", ["2"], "T", "Bo", "Bo Two", ["2@example.com"], "member", [], False, None, None, None),
        ("3", ["3"], "T", "Guest", "Guest", [], "guest", [], True, None, None, None),
    ]
    assert rows(tables, "channels", "id", "kind", "type", "name", "topic", "creator", "archived", "created_us") == [
        ("1-2", "dm", "d", None, None, "1", False, None),
        ("1-1", "self_dm", "d", None, None, "1", False, None),
        ("10", "public", "c", "General", "all", "1", False, 1514764800_000000),
        ("12", "private", "p", "Secret", None, "1", True, None),
        ("11", "unlisted", "p", "11", None, None, False, None),
    ]
    members = [("1-2", "1"), ("1-2", "2"), ("1-1", "1"), ("10", "1"), ("10", "2")]
    assert rows(tables, "members", "channel", "user") == members


def test_every_record_is_accounted_for() -> None:
    tables = read(KEY, tar(EXPORT))
    assert ledger(tables) == (31, 20, 7, 4)
    columns = ("name", "kind", "found", "staged", "skipped", "failed", "reason")
    assert rows(tables, "entries", *columns) == [
        ("metadata.json", "ignored", 0, 0, 0, 0, "not_imported"),
        ("rooms/", "folder", 0, 0, 0, 0, "folder"),
        ("rooms/10/history.json", "messages", 15, 10, 4, 1, None),
        ("rooms/10/files/x/users.json", "body", 0, 0, 0, 0, "body"),
        ("rooms/11/history.json", "messages", 1, 1, 0, 0, None),
        ("users/1/history.json", "messages", 3, 3, 0, 0, None),
        ("users/2/history.json", "messages", 4, 1, 2, 1, None),
        ("emoticons.json", "ignored", 0, 0, 0, 0, "not_imported"),
        ("users.json", "users", 5, 3, 1, 1, None),
        ("rooms.json", "channels", 3, 2, 0, 1, None),
        ("__MACOSX/._users.json", "ignored", 0, 0, 0, 0, "rubbish"),
        ("notes.txt", "ignored", 0, 0, 0, 0, "unknown_file"),
    ]
    assert issues(tables) == [
        ("skipped", "room_notice", 7),
        ("skipped", "room_notice", 8),
        ("skipped", "duplicate", 9),
        ("skipped", "unknown_record", 10),
        ("failed", "importer-record-no-object", 14),
        ("warning", "no_time", None),
        ("skipped", "duplicate", 0),
        ("skipped", "duplicate", 1),
        ("failed", "no_partner", 3),
        ("skipped", "duplicate", 3),
        ("failed", "no_id", 4),
        ("failed", "no_id", 2),
        ("warning", "unlisted_room", None),
    ]
    assert tables["issues"]["entry"].to_list() == [2] * 6 + [6] * 3 + [8] * 2 + [9, 4]


def test_the_sample_gives_its_expected_tables() -> None:
    tables = read(KEY, (SAMPLES / "hipchatenterprise.tar.gz").read_bytes())
    expected = json.loads((SAMPLES / "hipchatenterprise.expected.json").read_text())
    assert {name: json.loads(table.write_json()) for name, table in tables.items()} == expected


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 7])
def test_batches_are_the_same_wherever_reading_goes_on(order: int, size: int) -> None:
    files = dict(list(EXPORT.items())[::order])
    for data in (tar(files), tar(files, pack=False), zipped(CLOUD)):
        reader = opened(KEY, data, Options(batch_records=size))
        batches = resumed_everywhere(reader)
        assert len(batches) > 1
        assert batches[-1].bytes_done <= reader.bytes_total
        tables = joined(batches)
        whole = joined(list(opened(KEY, data).batches()))
        for name in ("messages", "users", "channels", "entries", "issues"):
            assert tables[name].equals(whole[name])


def test_the_order_of_the_entries_changes_nothing_but_the_order() -> None:
    there, back = read(KEY, tar(EXPORT)), read(KEY, tar(dict(reversed(EXPORT.items()))))
    for name, columns in (("messages", ("key_hi", "key_lo", "id", "channel", "ts_us", "author", "text")),):
        assert sorted(map(str, rows(there, name, *columns))) == sorted(map(str, rows(back, name, *columns)))
    assert sorted(there["channels"]["id"]) == sorted(back["channels"]["id"])
    assert ledger(there) == ledger(back)


def test_counts_are_those_of_the_tables() -> None:
    reader = opened(KEY, tar(EXPORT))
    counts, expected = reader.counts(), counted(list(reader.batches()))
    assert counts.tables == expected.tables
    assert counts.channels == {"General": 10, "11": 1, "1-2": 3, "1-1": 1}
    assert counts.years == {"2018": 14, "": 1}
    assert (counts.entries, counts.reasons) == (expected.entries, expected.reasons)
    assert counts.subtypes == {"": 11, "NotificationMessage": 2, "UserMessage": 1, "TopicRoomMessage": 1}


def test_what_the_archive_tells_at_once() -> None:
    overview = opened(KEY, tar(EXPORT, "export/")).overview
    assert overview.importer == KEY
    assert overview.counts["entries"] == 12
    assert overview.counts["conversations"] == 2
    assert overview.counts["days"] == 4
    assert "export" in overview.notes[0]


def test_damaged_records_end_nothing() -> None:
    good = [{"UserMessage": message(f"m{i}", person(1), f"text {i}")} for i in range(50)]
    lines = json.dumps(good)
    cut = lines[: len(lines) // 2]
    broken = lines.replace('"text 20"', '"text 20')
    surrogate = lines.replace("text 7", "\\ud83d \\u0000")
    tables = read(
        KEY,
        tar(
            {
                "rooms/1/history.json": cut.encode(),
                "rooms/2/history.json": broken.encode(),
                "rooms/3/history.json": surrogate.encode(),
                "rooms/4/history.json": b"{}",
                "rooms/5/history.json": b"",
                "rooms/6/history.json": b"[]",
                "rooms/7/history.json": b"\xef\xbb\xbf" + lines.encode(),
                "rooms/8/history.json": b"[" * 100_000,
                "users.json": b'[{"User": {"id": 1, "name": "caf\xe9"}}, {"User": {"id": 2, "name": 5, "email": []}}]',
            }
        ),
    )
    entries = {row[0]: row[1:] for row in rows(tables, "entries", "name", "staged", "failed")}
    staged, failed = entries["rooms/1/history.json"]
    assert (staged > 20, failed) == (True, 1)
    staged, failed = entries["rooms/2/history.json"]
    assert staged >= 40
    assert failed >= 1
    assert entries["rooms/3/history.json"] == (50, 0)
    assert entries["rooms/4/history.json"] == (0, 1)
    assert entries["rooms/5/history.json"] == (0, 1)
    assert entries["rooms/6/history.json"] == (0, 0)
    assert entries["rooms/7/history.json"] == (50, 0)
    assert entries["rooms/8/history.json"] == (0, 1)
    assert entries["users.json"] == (2, 0)
    assert rows(tables, "users", "id", "name") == [("1", "caf\ufffd"), ("2", "5")]
    assert "\ufffd " in tables["messages"]["text"].to_list()
    ledger(tables)


def test_a_damaged_archive_is_refused_as_the_contract_says() -> None:
    data = tar(EXPORT)
    for end in range(0, len(data), 97):
        with pytest.raises(BadFile) as caught:
            list(opened(KEY, data[:end]).batches())
        assert caught.value.code in ("error-import-file-extract-error", "file_empty")
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 1
    for other in (bytes(flipped), b"no archive at all " * 100, data + b"x"):
        with pytest.raises(BadFile) as caught:
            list(opened(KEY, other).batches())
        assert caught.value.code == "error-import-file-extract-error"


def test_what_is_no_export_is_refused() -> None:
    slack = zipped({"users.json": '[{"id": "U1"}]', "channels.json": "[]", "general/2020-01-01.json": "[]"})
    inside = tar({"rooms/1/files/users.json": [user(1, "A")]})
    for data in (tar({"a.txt": b"x"}), zipped({"a.txt": "x"}), inside, slack):
        with pytest.raises(BadFile, match=r"no HipChat export|importer “slack”, not for") as caught:
            opened(KEY, data)
        assert caught.value.code == "file_type"
        assert recognise(MemorySource(data)) != KEY
    assert hipchatenterprise.recognise(uploaded(tar(EXPORT)))
    assert hipchatenterprise.recognise(uploaded(zipped(CLOUD)))


def test_limits() -> None:
    with pytest.raises(OverLimit) as caught:
        read(KEY, tar(EXPORT), Options(limits=Limits(archive_entries=3)))
    assert caught.value.setting == "archive_entries"
    tables = read(KEY, tar(EXPORT), Options(limits=Limits(entry_bytes=1000)))
    failed = dict(rows(tables, "entries", "name", "reason"))
    assert failed["rooms/10/history.json"] == "over_limit"
    assert failed["rooms/11/history.json"] is None
    ledger(tables)


CLOUD = {
    "hipchat_export/rooms/General/2013-09-05.json": json.dumps(
        [
            {"date": "2013-09-05T12:37:04-0700", "from": {"name": "Al", "user_id": 1}, "message": "hi @all"},
            {"date": "2013-09-05T12:37:04-0700", "from": {"name": "Al", "user_id": 1}, "message": "hi @all"},
            {"date": "2013-09-05T12:37:05-0700", "from": {"name": "Jira", "user_id": "api"}, "message": "<b>x</b>"},
        ]
    ),
    "hipchat_export/rooms/Lost/2013-09-05.json": json.dumps(
        [{"date": 1378409824, "from": {"user_id": 2}, "message": "?"}]
    ),
    "hipchat_export/rooms/list.json": json.dumps(
        {"rooms": [{"room_id": 70, "name": "General", "owner_user_id": 1, "is_private": True, "created": 1378409824}]}
    ),
    "hipchat_export/users/list.json": json.dumps(
        {
            "users": [
                {"user_id": 1, "name": "Al", "mention_name": "al", "email": "al@example.com", "photo_url": "https://x"}
            ]
        }
    ),
}


def test_the_zip_of_hipchat_cloud() -> None:
    tables = read(KEY, zipped(CLOUD))
    assert rows(tables, "users", "id", "username", "avatar") == [("1", "al", "https://x")]
    assert rows(tables, "channels", "id", "kind", "type", "name", "created_us") == [
        ("70", "private", "p", "General", 1378409824_000000),
        ("Lost", "unlisted", "p", "Lost", None),
    ]
    assert rows(tables, "messages", "channel", "ts_us", "author", "alias") == [
        ("70", 1378409824_000000, "1", None),
        ("70", 1378409824_000000, "1", None),
        ("70", 1378409825_000000, "rocket.cat", "Jira"),
        ("Lost", 1378409824_000000, "2", None),
    ]
    assert tables["messages"]["id"].n_unique() == 4
    assert ledger(tables) == (6, 6, 0, 0)


@pytest.mark.parametrize(
    ("given", "us"),
    [
        ("2018-08-08T14:23:54Z 626267", 1533738234_626267),
        ("2018-08-08T14:23:54Z 5", 1533738234_000005),
        ("2018-08-08T14:23:54Z", 1533738234_000000),
        ("2018-08-08T14:23:54.5Z 626267", 1533738234_626267),
        ("2018-08-08T14:23:54.5+02:00", 1533731034_500000),
        ("2018-08-08 14:23:54", 1533738234_000000),
        ("1969-12-31T23:59:59Z 999999", -1),
        (1533738234, 1533738234_000000),
        ("", None),
        ("soon", None),
        ("9999-99-99T00:00:00Z 1", None),
        (None, None),
        (True, None),
        (1e300, None),
        (float("nan"), None),
        ([], None),
    ],
)
def test_times(given: object, us: int | None) -> None:
    assert time_us(given) == us


def test_a_long_history_in_pieces() -> None:
    said = "word " * 30
    history = [{"UserMessage": message(f"m{i}", person(i % 7), said + str(i))} for i in range(12_000)]
    for indent in (None, 2):
        data = tar({"rooms/1/history.json": json.dumps(history, indent=indent).encode(), "rooms.json": [room(1, "R")]})
        tables = read(KEY, data)
        assert tables["messages"]["text"].to_list() == [said + str(i) for i in range(12_000)]
        assert tables["messages"]["position"].to_list() == list(range(12_000))


@pytest.mark.parametrize("bomb", ["entries", "ratio"])
def test_bombs_end_at_their_limit(bomb: str) -> None:
    if bomb == "ratio":
        data = tar({"users.json": [], "rooms/1/files/a": bytes(8 << 20)})
        limits = Limits(unpacked_free_bytes=1 << 20, unpacked_ratio=50)
    else:
        data = tar({f"rooms/{i}/history.json": [] for i in range(50)})
        limits = Limits(archive_entries=49)
    with pytest.raises(OverLimit):
        read(KEY, data, Options(limits=limits))


def write_sample() -> None:
    data = tar(EXPORT, "./")
    (SAMPLES / "hipchatenterprise.tar.gz").write_bytes(data)
    tables = {name: json.loads(table.write_json()) for name, table in read(KEY, data).items()}
    (SAMPLES / "hipchatenterprise.expected.json").write_text(json.dumps(tables, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    write_sample()
