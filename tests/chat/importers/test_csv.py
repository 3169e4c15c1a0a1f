from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from douane.chat.importers import Limits, Options, recognise
from douane.chat.importers.csv_dialect import Fault, Notes, Record, moment_us, read_records
from douane.chat.tables import RECORDS
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

SHARED = Path(os.environ.get("DOUANE_SHARED") or Path(__file__).parents[4] / "shared")

# The example of Rocket.Chat's documentation in form: no headings, a room a folder.
EXAMPLE = {
    "users.csv": "billy.bob, billy.bob@example.com, Billy Bob Jr.\njohn.doe,john.doe@example.com,John Doe\nann,,Ann\n",
    "channels.csv": (
        '"general","billy.bob","public","john.doe;billy.bob"\n"staff","billy.bob","PRIVATE",""\n'
        '"Café","ann","public"," ann ; ;billy.bob"\nother,ann,,ann\n'
    ),
    "general/2020.csv": 'billy.bob,1479162481336,"hello, ""world"""\njohn.doe,1479162481,\n',
    "staff/a.b.csv": '"billy.bob","2020-01-02T03:04:05.678901Z"," two\nlines "\n',
    "DirectMessages/1.csv": (
        "john.doe,billy.bob,1479162481336,psst\nbilly.bob,john.doe,1479162481654,yes\nann,ann,0,self\n"
    ),
}


def records(text: str | bytes, limit: int = 1000) -> list[Record | Fault]:
    data = text.encode() if isinstance(text, str) else text
    return list(read_records([data], lambda fields: len(fields) > 1, record_bytes=limit, notes=Notes()))


def fields(text: str | bytes) -> list[list[str]]:
    found = records(text)
    assert all(isinstance(record, Record) for record in found), found
    return [record.fields for record in found if isinstance(record, Record)]


# The dialect


@pytest.mark.parametrize(
    "text",
    [
        "a,b\r\nc,d\r\n",
        "a,b\rc,d\r",
        "\ufeffa,b\nc,d",
        "\n\n a,b\n\nc,d\n\n".replace(" ", ""),
        "a;b\nc;d\n",
        "a\tb\nc\td\n",
        '"a","b"\n"c","d"\n',
    ],
)
def test_one_table_in_many_dialects(text: str) -> None:
    assert fields(text) == [["a", "b"], ["c", "d"]]
    assert fields(text.removeprefix("\ufeff").encode("utf-16")) == [["a", "b"], ["c", "d"]]


def test_blocks_may_end_anywhere() -> None:
    data = '\ufeffé,"a\nb"\r\nü,"c ""d"""\n'.encode()
    whole = records(data)
    for at in range(1, len(data)):
        parts = [data[:at], data[at:]]
        assert list(read_records(parts, lambda f: True, record_bytes=1000, notes=Notes())) == whole
    assert whole == [Record(1, ["é", "a\nb"]), Record(3, ["ü", 'c "d"'])]


def test_a_bad_line_costs_that_line_alone() -> None:
    found = records('a,b\nc,"d"e\nf,"g\nh,i\nj,k\n')
    assert [(f.line, f.code) for f in found if isinstance(f, Fault)] == [
        (2, "importer-csv-quotes"),
        (3, "importer-csv-quotes"),
    ]
    assert [(r.line, r.fields) for r in found if isinstance(r, Record)] == [
        (1, ["a", "b"]),
        (4, ["h", "i"]),
        (5, ["j", "k"]),
    ]


@pytest.mark.parametrize("blocks", [1, 7, 100_000])
def test_lines_longer_than_a_record_may_be(blocks: int) -> None:
    data = b"a,b\n" + b"x" * 3000 + b',y\nc,d\ne,"' + b"z\n" * 600 + b"f,g\n"
    pieces = [data[at : at + blocks] for at in range(0, len(data), blocks)]
    found = list(read_records(pieces, lambda f: len(f) > 1, record_bytes=1000, notes=Notes()))
    assert [(f.line, f.code) for f in found if isinstance(f, Fault)] == [
        (2, "importer-record-too-long"),
        (4, "importer-csv-quotes"),
    ]
    assert found[0] == Record(1, ["a", "b"])
    assert found[2] == Record(3, ["c", "d"])
    assert found[-1] == Record(604, ["f", "g"])


def test_the_first_line_too_long() -> None:
    found = records("x" * 5000 + "\na,b\n")
    assert [getattr(f, "code", "") for f in found] == ["importer-record-too-long", ""]


def test_lines_that_keep_opening_quotes_are_given_up() -> None:
    data = b'a","b\n' * 400_000
    found = list(read_records([data], lambda f: True, record_bytes=1 << 20, notes=Notes()))
    assert len(found) < 200
    assert isinstance(found[-1], Fault)
    assert "From line" in found[-1].message


def test_bytes_that_are_not_utf_8_and_nul_are_mended_and_noted() -> None:
    notes = Notes()
    found = list(read_records([b"a,\xffb\nc,d\0e\n\xfe,x\n"], lambda f: True, record_bytes=100, notes=notes))
    assert [r.fields for r in found if isinstance(r, Record)] == [["a", "�b"], ["c", "de"], ["�", "x"]]
    assert notes.lines == {"importer-text-replaced": [1, 2], "importer-text-nul-dropped": [2, 1]}


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("1479162481336", 1479162481336000),
        (" 1479162481336 ", 1479162481336000),
        ("1479162481", 1479162481000000),
        ("1479162481.000123", 1479162481000123),
        ("1479162481336.5", 1479162481336500),
        ("1479162481336789", 1479162481336789),
        ("0", 0),
        ("-1000", -1000000),
        ("2020-01-01", 1577836800000000),
        ("2020-01-01T00:00:00Z", 1577836800000000),
        ("2020-01-01 01:00:00.000001+01:00", 1577836800000001),
        ("2020-01-01 00:00:00 UTC", 1577836800000000),
        ("", None),
        ("soon", None),
        ("1.47916E+12", None),
        ("99999999999999999999", None),
        ("999999999999999", None),
        ("2020-13-01", None),
        ("²³", None),
        ("-", None),
    ],
)
def test_times(text: str, us: int | None) -> None:
    assert moment_us(text) == us


# The zip


def test_the_example() -> None:
    tables = read("csv", zipped(EXAMPLE))
    users = tables["users"]
    assert users["ids"].to_list() == [["billy.bob"], ["john.doe"], ["ann"]]
    assert users["emails"].to_list() == [["billy.bob@example.com"], ["john.doe@example.com"], []]
    assert users["name"].to_list() == ["Billy Bob Jr.", "John Doe", "Ann"]
    assert set(users["origin"]) == {"list"}
    rooms = tables["channels"].filter(pl.col("type") != "d")
    assert rooms.select("name", "kind", "type", "creator").rows() == [
        ("general", "public", "c", "billy.bob"),
        ("staff", "private", "p", "billy.bob"),
        ("Café", "public", "c", "ann"),
        ("other", "public", "c", "ann"),
    ]
    ids = dict(rooms.select("name", "id").rows())
    pairs = tables["channels"].filter(pl.col("type") == "d")
    assert pairs.select("id", "kind", "name").rows() == [
        ("billy.bob/john.doe", "dm", None),
        ("ann/ann", "self_dm", None),
    ]
    members = tables["members"].select("channel", "user").rows()
    assert members == [
        (ids["general"], "john.doe"),
        (ids["general"], "billy.bob"),
        (ids["Café"], "ann"),
        (ids["Café"], "billy.bob"),
        (ids["other"], "ann"),
        ("billy.bob/john.doe", "billy.bob"),
        ("billy.bob/john.doe", "john.doe"),
        ("ann/ann", "ann"),
    ]
    messages = tables["messages"].select("channel", "ts_us", "author", "text", "position")
    assert messages.rows() == [
        (ids["general"], 1479162481336000, "billy.bob", 'hello, "world"', 1),
        (ids["general"], 1479162481000000, "john.doe", "", 2),
        (ids["staff"], 1577934245678901, "billy.bob", " two\nlines ", 1),
        ("billy.bob/john.doe", 1479162481336000, "john.doe", "psst", 1),
        ("billy.bob/john.doe", 1479162481654000, "billy.bob", "yes", 2),
        ("ann/ann", 0, "ann", "self", 3),
    ]
    assert ledger(tables) == (13, 13, 0, 0)
    assert "issues" not in tables


def test_ids_are_the_same_every_time_and_tell_equal_messages_apart() -> None:
    twice = {**EXAMPLE, "general/2020.csv": "ann,1000,hi\nann,1000,hi\nann,1001,hi\nbob,1000,hi\n"}
    tables = read("csv", zipped(twice))
    keys = tables["messages"].select("key_hi", "key_lo").rows()
    assert len(set(keys)) == len(keys)
    assert tables["messages"]["id"].n_unique() == len(keys)
    assert len({hi for hi, _ in keys}) == 4
    again = read("csv", zipped(dict(reversed(list(twice.items())))))
    assert sorted(again["messages"]["id"]) == sorted(tables["messages"]["id"])
    assert set(again["channels"]["id"]) == set(tables["channels"]["id"])
    elsewhere = read("csv", zipped(twice), Options(team="another project"))
    assert not set(elsewhere["messages"]["id"]) & set(tables["messages"]["id"])


def test_more_of_an_export_keeps_the_ids_of_what_was_there() -> None:
    before = read("csv", zipped({"general/1.csv": "ann,1000,hi\nann,1000,hi\n"}))["messages"]
    after = read("csv", zipped({"general/all.csv": "bob,900,yo\nann,1000,hi\nann,1000,hi\nann,2000,hi\n"}))["messages"]
    assert set(before["id"]) < set(after["id"])


def test_a_folder_that_no_list_names_becomes_a_room() -> None:
    tables = read("csv", zipped({"lost/1.csv": "ann,1000,hi\n", "lost/2.csv": "ann,1001,hi\n"}))
    assert tables["channels"].select("name", "kind", "type", "creator").rows() == [("lost", "unlisted", "p", None)]
    assert issues(tables) == [("warning", "importer-channel-unlisted", None)]
    assert set(tables["messages"]["channel"]) == set(tables["channels"]["id"])


def test_a_room_is_found_in_the_list_however_its_name_is_composed() -> None:
    tables = read("csv", zipped({"channels.csv": "Café,ann,public,\n", "Cafe\u0301/1.csv": "ann,1000,hi\n"}))
    assert len(tables["channels"]) == 1
    assert tables["messages"]["channel"].to_list() == tables["channels"]["id"].to_list()


def test_headings_are_told_from_records() -> None:
    tables = read(
        "csv",
        zipped(
            {
                "Users.CSV": "\ufeffusername,name,email\nann,Ann A,ann@example.com\n",
                "channels.csv": "Name,Creator,Type,Members\ngeneral,ann,private,ann\n",
                "general/1.csv": "username,timestamp,text\nann,1000,hi\n",
                "directmessages/1.csv": "from,to,timestamp,text\nann,bob,1000,hi\n",
            }
        ),
    )
    assert tables["users"].select("username", "name", "emails").rows() == [("ann", "Ann A", ["ann@example.com"])]
    assert tables["channels"]["name"].to_list() == ["general", None]
    assert ledger(tables) == (4, 4, 0, 0)


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters(delimiter: str) -> None:
    comma = {
        "users.csv": "ann,ann@example.com,Ann\nbob,,Bob\n",
        "general/1.csv": 'ann,1479162481336,"a, b; c"\nbob,1479162481337,hello\n',
        "directmessages/1.csv": 'ann,bob,1479162481336,"a, b; c"\n',
    }
    other = {
        "users.csv": "ann|ann@example.com|Ann\nbob||Bob\n",
        "general/1.csv": 'ann|1479162481336|"a, b; c"\nbob|1479162481337|hello\n',
        "directmessages/1.csv": 'ann|bob|1479162481336|"a, b; c"\n',
    }
    wanted = read("csv", zipped({**comma, "channels.csv": "general,ann,private,ann;bob\n"}))
    got = read(
        "csv",
        zipped(
            {
                **{name: text.replace("|", delimiter) for name, text in other.items()},
                "channels.csv": delimiter.join(("general", "ann", "private", "ann;bob")) + "\n",
            }
        ),
    )
    for name in ("users", "channels", "members", "messages"):
        assert got[name].equals(wanted[name]), name


def test_a_first_line_that_makes_no_sense_still_shows_the_delimiter() -> None:
    tables = read(
        "csv", zipped({"general/1.csv": "ann;soon;hi\nbob;1600000000000;a, b\n", "users.csv": "ann;none;Ann\n"})
    )
    assert tables["messages"].select("author", "text").rows() == [("ann", "hi"), ("bob", "a, b")]
    assert tables["users"].select("username", "name").rows() == [("ann", "Ann")]


def test_bad_lines_are_named_and_the_good_ones_kept() -> None:
    tables = read(
        "csv",
        zipped(
            {
                "users.csv": (
                    "ann,ann@example.com,Ann\n\nbob,bob@example.com\n,,Nobody\nann,x@example.com,Ann 2\ncy,,Cy,4\n"
                ),
                "channels.csv": "general,ann,public,ann\nhalf,ann\n,ann,public,\ngeneral,bob,private,\n",
                "general/1.csv": 'ann,1000,hi\nann,1000\nann,1000,hi, there\nann,1000,"hi\nann,1001,good\n',
                "general/2.csv": "ann,yesterday,hi\nann,1002,\xff\n".encode("latin-1"),
                "directmessages/1.csv": "ann,,1000,hi\nann,bob,1000,hi\nann,bob\n",
            }
        ),
    )
    assert tables["users"]["username"].to_list() == ["ann", "cy"]
    assert ledger(tables) == (19, 8, 3, 8)
    assert sorted(issues(tables), key=str) == sorted(
        [
            ("failed", "importer-csv-field-count", 3),
            ("failed", "importer-user-missing-email-and-username", 4),
            ("skipped", "duplicate", 5),
            ("failed", "importer-csv-field-count", 2),
            ("failed", "importer-channel-missing-name", 3),
            ("skipped", "duplicate", 4),
            ("failed", "importer-csv-field-count", 2),
            ("failed", "importer-csv-field-count", 3),
            ("failed", "importer-csv-quotes", 4),
            ("warning", "importer-message-invalid-timestamp", 1),
            ("warning", "importer-text-replaced", 2),
            ("skipped", "importer-message-missing-recipient", 1),
            ("failed", "importer-csv-field-count", 3),
        ],
        key=str,
    )
    told = tables["issues"].filter(pl.col("code") == "importer-csv-field-count")
    assert "Line 3 has 2 fields where 3 are expected." in told["message"].to_list()
    assert "ann,1000,hi, there" in told["excerpt"].to_list()
    assert tables["messages"].filter(pl.col("ts_us").is_null())["text"].to_list() == ["hi"]


def test_columns_that_all_lines_have_too_many_are_ignored() -> None:
    wide = read("csv", zipped({"general/1.csv": "ann,1000,hi,x,y\nbob,1001,ho,x,y\nann,1002,no\nann,1003,hm,,\n"}))
    assert wide["messages"]["text"].to_list() == ["hi", "ho", "no", "hm"]


def test_a_wrapping_folder_is_left_out_and_named() -> None:
    inner = read("csv", zipped(EXAMPLE))
    rubbish = {"__MACOSX/._users.csv": b"\0\1", "export 2020/.DS_Store": b"\0"}
    reader = opened(
        "csv", zipped({"export 2020/": "", **{f"export 2020/{n}": t for n, t in EXAMPLE.items()}, **rubbish})
    )
    outer = joined(list(reader.batches()))
    assert "“export 2020”" in reader.overview.notes[0]
    for name in ("users", "channels", "members", "messages"):
        drop = [column for column in ("entry",) if column in inner[name].columns]
        assert outer[name].drop(drop).equals(inner[name].drop(drop)), name
    reasons = dict(outer["entries"].filter(pl.col("reason").is_not_null()).select("name", "reason").rows())
    assert reasons == {
        "export 2020/": "folder",
        "__MACOSX/._users.csv": "system-rubbish",
        "export 2020/.DS_Store": "system-rubbish",
    }


@pytest.mark.parametrize("name", ["general/1.csv", "directmessages/1.csv"])
def test_a_folder_of_messages_alone_is_no_wrapper(name: str) -> None:
    reader = opened("csv", zipped({name: "ann,bob,1000,hi\nann,bob,1001,ho\n"}))
    assert reader.overview.notes == ()
    assert reader.overview.counts["conversations"] == 1


def test_what_is_no_csv_export_is_said() -> None:
    for data, words in (
        (b"username,email\n", "zip file"),
        (zipped({"readme.md": "x", "photos/cat.png": b"\x89PNG"}), "no users.csv"),
        (b"", "zip file"),
    ):
        with pytest.raises(BadFile, match=words) as refused:
            opened("csv", data)
        assert refused.value.code == "file_type"


def test_entries_that_nobody_may_follow_are_not_read() -> None:
    reader = opened(
        "csv", zipped({**EXAMPLE, "../evil/1.csv": "a,1,b\n", "/etc/users.csv": "a,b,c\n", "notes.txt": "x"})
    )
    tables = joined(list(reader.batches()))
    assert ledger(tables)[0] == 13
    reasons = dict(tables["entries"].filter(pl.col("reason").is_not_null()).select("name", "reason").rows())
    assert reasons == {
        "../evil/1.csv": "name-unsafe",
        "/etc/users.csv": "name-unsafe",
        "notes.txt": "document-unparsed",
    }
    assert len(reader.overview.notes) == 2


def test_a_damaged_entry_is_a_failed_record_and_the_others_are_read() -> None:
    data = bytearray(zipped({"general/1.csv": "ann,1000,hi\n" * 500, "general/2.csv": "bob,1000,ho\n"}))
    data[data.index(b"general/1.csv") + len("general/1.csv") + 4] ^= 0xFF
    tables = read("csv", bytes(data))
    assert tables["messages"].filter(pl.col("author") == "bob").height == 1
    first = tables["entries"].row(0, named=True)
    assert (first["failed"], first["reason"]) == (1, "file_broken")
    assert ledger(tables)[3] == 1


def test_limits_of_an_entry_fail_it_and_limits_of_the_archive_end_the_import() -> None:
    data = zipped({"general/1.csv": "ann,1000,hi\n" * 1000, "general/2.csv": "bob,1000,ho\n"})
    tables = read("csv", data, Options(limits=Limits(entry_bytes=5000)))
    assert tables["entries"]["reason"].to_list() == ["over_limit", None]
    assert tables["messages"]["author"].to_list() == ["bob"]
    with pytest.raises(OverLimit):
        read("csv", data, Options(limits=Limits(unpacked_bytes=5000)))


def test_reading_goes_on_after_any_batch() -> None:
    whole = read("csv", zipped(EXAMPLE))
    for size in (1, 2, 3, 7):
        files = {**EXAMPLE, "lost/1.csv": "ann,1000,hi\nann,1000,hi\n", "lost/x.png": "?"}
        reader = opened("csv", zipped(files), Options(batch_records=size))
        batches = resumed_everywhere(reader)
        assert len(batches) > 3
        tables = joined(batches)
        assert tables["entries"]["entry"].n_unique() == len(tables["entries"]) == 7
        for batch in batches:  # an entry's row comes with its last record
            for entry in batch.tables.get("entries", pl.DataFrame({"entry": []}))["entry"]:
                later = [b for b in batches if b.number > batch.number]
                assert all(entry not in b.tables["messages"]["entry"] for b in later if "messages" in b.tables)
        assert tables["messages"].head(6)["id"].to_list() == whole["messages"]["id"].to_list()
        assert [b.bytes_done for b in batches] == sorted(b.bytes_done for b in batches)
        assert batches[-1].bytes_done == reader.bytes_total


def test_counts_are_those_of_the_tables() -> None:
    reader = opened("csv", zipped({**EXAMPLE, "lost/1.csv": "ann,x,hi\nann\n"}), Options(batch_records=3))
    counts = reader.counts()
    assert counts == counted(list(reader.batches()))
    assert {table: count for table, count in counts.tables.items() if count} == {
        "users": 3,
        "channels": 7,
        "members": 8,
        "messages": 7,
    }
    assert counts.entries == {"found": 15, "staged": 14, "skipped": 0, "failed": 1}
    assert counts.reasons == {
        "failed:importer-csv-field-count": 1,
        "warning:importer-channel-unlisted": 1,
        "warning:importer-message-invalid-timestamp": 1,
    }
    assert counts.channels == {"general": 2, "staff": 1, "billy.bob/john.doe": 2, "ann/ann": 1, "lost": 1}
    assert counts.years == {"2016": 4, "2020": 1, "1970": 1, "": 1}


def test_many_faults_of_one_kind_are_folded() -> None:
    tables = read("csv", zipped({"general/1.csv": "ann,1000,hi\n" + "bad\n" * 2500}))
    assert ledger(tables) == (2501, 1, 0, 2500)
    failed = tables["issues"].filter(pl.col("severity") == "failed")
    assert failed["count"].sum() == 2500
    assert len(failed) == 1001


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (EXAMPLE, "csv"),
        ({f"wrapped/{name}": text for name, text in EXAMPLE.items()}, "csv"),
        ({"general/1.csv": "ann,1000,hi\n"}, "csv"),
        ({"a.csv": "x", "photo.png": b"x"}, None),
    ],
)
def test_recognised_by_names(files: dict[str, str], expected: str | None) -> None:
    from douane.chat.importers import csv

    assert csv.recognise(uploaded(zipped(files))) is (expected == "csv")


def test_a_slack_export_with_a_csv_in_it_is_none_of_ours() -> None:
    from douane.chat.importers import csv

    slack = {"channels.json": "[]", "users.json": "[]", "general/2020-01-01.json": "[]", "__uploads/F1/users.csv": "a"}
    assert not csv.recognise(uploaded(zipped(slack)))
    assert not csv.recognise(uploaded(zipped(dict(reversed(list(slack.items()))))))


@pytest.mark.corpus
@pytest.mark.skipif(not SHARED.exists() and not os.environ.get("CI"), reason="the shared corpus is not here")
def test_the_export_of_rocket_chats_own_tests() -> None:
    """files.tsv: 2 users, 4 rooms (2 private, 2 public), 2 direct messages."""
    data = (SHARED / "corpus/chat/rocketchat-csv/assembled_csv_import.zip").read_bytes()
    assert recognise(MemorySource(data)) == "csv"
    tables = read("csv", data)
    assert len(tables["users"]) == 2
    assert sorted(tables["channels"]["kind"]) == ["dm", "private", "private", "public", "public"]
    assert set(tables["messages"]["channel"]) == {"billy.bob/billy.joe"}
    assert ledger(tables) == (8, 8, 0, 0)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(['"', ",", "\n", "\r\n", "a", "1600000000000", ";", "\t", "\0", " ", "é"]), max_size=40)
)
def test_whatever_a_file_says_every_line_is_accounted_for(pieces: list[str]) -> None:
    text = "".join(pieces)
    tables = read("csv", zipped(dict.fromkeys(("users.csv", "channels.csv", "r/1.csv", "directmessages/1.csv"), text)))
    rows = (tables[name].filter(pl.col("position").is_not_null()) for name in RECORDS if name in tables)
    assert sum(map(len, rows)) == ledger(tables)[1]


@settings(deadline=None)
@given(st.binary(max_size=200), st.integers(1, 7))
def test_any_bytes_are_read_alike_however_they_come(data: bytes, size: int) -> None:
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    whole, parts = (
        list(read_records(blocks, lambda f: len(f) > 1, record_bytes=50, notes=Notes())) for blocks in ([data], pieces)
    )
    # Lines that end in CR alone are told by the first block, which is a megabyte where it matters.
    assert whole == parts or (b"\r" in data and b"\n" not in pieces[0])
