"""`douane chat` as a person runs it; the sandboxed child is a real one."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import polars as pl
import pytest
from msgspec import to_builtins

from douane.chat.importers import Limits, open_export
from douane.chat.tables import TABLES
from douane.cli import chat
from douane.settings import Settings
from douane.staging.parts import read_part
from tests.chat.importers.exports import MemorySource, zipped
from tests.chat.samples import make_export
from tests.test_cli import douane, process, refused

EXPORT = {
    "users.csv": "ann,ann@example.com,Ann Lee\nbob,bob@example.com,Bob\nbad line\n",
    "channels.csv": "General,ann,public,ann;bob\nStaff room,ann,private,ann\n",
    "General/2020.csv": "ann,1577836800000,hello\nbob,1577836801000,\x1b[31mred\nann\n",
    "Staff room/2020.csv": "ann,1609459200000,a secret\n",
    "directmessages/1.csv": "ann,bob,1609459200000,psst\nann,,1609459200000,nobody\n",
    "notes.txt": "not ours",
}


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("chat") / "export.zip"
    path.write_bytes(zipped(EXPORT))
    return path


def test_inspect_says_what_an_export_holds(export: Path) -> None:
    done = process("chat", "inspect", export)
    assert (done.returncode, done.stderr) == (1, "")
    assert "CSV files in a zip" in done.stdout.splitlines()[1]
    for line in ("Users            2", "Messages         4", "General                2", "2021    2"):
        assert line.split() in [shown.split() for shown in done.stdout.splitlines()], line
    assert "11 records found = 8 read + 1 skipped + 2 failed" in done.stdout
    assert "importer-csv-field-count" in done.stdout


def test_inspect_for_programs_has_the_counts_of_the_reader(export: Path) -> None:
    done = douane("chat", "inspect", export, "--json")
    assert (done.returncode, done.stderr) == (1, "")
    printed = json.loads(done.stdout)
    counts = open_export("csv", MemorySource(export.read_bytes())).counts()
    assert printed.pop("overview")["importer"] == "csv"
    assert printed == asdict(counts)
    told = [(one["name"], one["message"]) for one in counts.issues if one["severity"] == "failed"]
    assert ("users.csv", "Line 3 has 1 field where 3 are expected.") in told
    assert counts.people == {"ann/bob": "Ann Lee, Bob"}


def test_inspect_keeps_the_staged_tables(export: Path, tmp_path: Path) -> None:
    stage = tmp_path / "stage"
    done = douane("chat", "inspect", export, "--json", "--stage", stage)
    assert done.returncode == 1
    manifest = json.loads((stage / "manifest.json").read_text())
    printed = json.loads(done.stdout)
    assert {**manifest["counts"], "overview": manifest["overview"]} == printed
    assert printed == json.loads(douane("chat", "inspect", export, "--json").stdout)
    for table, parts in manifest["tables"].items():
        frame = pl.concat([read_part(stage / part["file"]) for part in parts])
        assert len(frame) == sum(part["rows"] for part in parts)
        assert len(frame) == printed["tables"].get(table, len(frame))
        assert frame.columns == list(TABLES[table])
    assert "not empty" in refused(douane("chat", "inspect", export, "--stage", stage))


def test_inspect_ends_well_where_all_could_be_read(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    path.write_bytes(zipped({"users.csv": "ann,ann@example.com,Ann\n"}))
    assert douane("chat", "inspect", path).returncode == 0
    assert douane("chat", "inspect", "-", stdin=path.read_bytes()).returncode == 0


def test_what_is_no_export_is_refused_in_a_sentence(tmp_path: Path, export: Path) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    assert "no export that Douane recognises" in refused(douane("chat", "inspect", path))
    assert "zip" in refused(douane("chat", "inspect", path, "--importer", "csv"))
    assert "no importer “teletext”" in refused(douane("chat", "inspect", export, "--importer", "teletext"))
    assert "No such file" in refused(douane("chat", "inspect", tmp_path / "missing.zip"))


def test_nothing_of_a_stranger_reaches_the_terminal_as_it_came(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    path.write_bytes(zipped({"\x1b]0;owned\x07/1.csv": "ann,1577836800000,hi\n", "a/1.csv": "ann,1577836800000,hi\n"}))
    done = douane("chat", "inspect", path)
    assert done.returncode == 0
    assert "owned" in done.stdout
    assert "\x1b" not in done.stdout
    assert "\x07" not in done.stdout


@pytest.mark.parametrize("form", ["ndjson", "parquet"])
def test_convert_writes_a_file_a_table(export: Path, tmp_path: Path, form: str) -> None:
    out = tmp_path / "out"
    done = douane("chat", "convert", export, "--to", form, "--out", out, "--json")
    assert (done.returncode, done.stderr) == (1, "")
    report = json.loads((out / "report.json").read_text())
    assert json.loads(done.stdout) == report
    assert {path.name for path in out.iterdir()} == {*(f"{name}.{form}" for name in TABLES), "report.json"}
    scan = pl.read_ndjson if form == "ndjson" else pl.read_parquet
    whole = {name: scan(out / f"{name}.{form}") for name, rows in report["kept"].items() if rows}
    assert {name: len(frame) for name, frame in whole.items()} == {k: n for k, n in report["kept"].items() if n}
    found = report["found"]["tables"]
    assert {name: report["kept"][name] for name in found} == found
    staged = open_export("csv", MemorySource(export.read_bytes())).batches()
    assert whole["messages"]["text"].to_list() == next(staged).tables["messages"]["text"].to_list()


def test_convert_of_some_people_and_channels(export: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = douane(
        *("chat", "convert", export, "--to", "ndjson", "--out", out),
        *("--channels", "#general", "--channels", "Staff room", "--users", "ANN"),
    )
    assert done.returncode == 1
    messages = pl.read_ndjson(out / "messages.ndjson")
    assert messages.select("author", "text").rows() == [("ann", "hello"), ("ann", "a secret")]
    assert pl.read_ndjson(out / "channels.ndjson")["name"].to_list() == ["General", "Staff room"]
    assert pl.read_ndjson(out / "users.ndjson")["username"].to_list() == ["ann"]
    assert set(pl.read_ndjson(out / "members.ndjson")["user"]) == {"ann"}
    missing = douane("chat", "convert", export, "--to", "ndjson", "--out", tmp_path / "no", "--users", "zoe")
    assert "no user 'zoe'" in refused(missing)


def test_convert_to_mattermost(export: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = douane("chat", "convert", export, "--to", "mattermost", "--out", out, "--team", "Ours")
    assert done.returncode == 1
    lines = [json.loads(line) for line in (out / "import.jsonl").read_text().splitlines()]
    assert [line["type"] for line in lines] == [
        *("version", "team", "channel", "channel", "user", "user", "post", "post", "post"),
        *("direct_channel", "direct_post"),
    ]
    posts = [line["post"] for line in lines if line["type"] == "post"]
    assert [(post["channel"], post["user"], post["create_at"]) for post in posts] == [
        ("general", "ann", 1577836800000),
        ("general", "bob", 1577836801000),
        ("staff-room", "ann", 1609459200000),
    ]
    assert {post["team"] for post in posts} == {"ours"}
    report = json.loads((out / "report.json").read_text())
    assert report["kept"]["posts"] == 4
    assert {one["code"] for one in report["changed"]} == {"channel_name"}
    assert "Posts" in done.stdout
    assert "not empty" in refused(douane("chat", "convert", export, "--to", "mattermost", "--out", out))


def test_convert_takes_files_and_reactions_of_a_slack_export_along(tmp_path: Path) -> None:
    path, out = tmp_path / "slack.zip", tmp_path / "out"
    file = {"id": "F0123456", "name": "../../a b.txt", "mode": "hosted", "url_private": "https://files.slack.com/f"}
    day = [
        {"type": "message", "user": "U1", "ts": "1577836800.000100", "text": "see <@U2>", "files": [file]},
        {
            "type": "message",
            "user": "U2",
            "ts": "1577836801.000100",
            "text": "thanks",
            "thread_ts": "1577836800.000100",
            "reactions": [{"name": "wave", "users": ["U1", "U9"], "count": 3}],
        },
    ]
    path.write_bytes(
        zipped(
            {
                "channels.json": json.dumps([{"id": "C1", "name": "general", "members": ["U1", "U2"]}]),
                "users.json": json.dumps([{"id": "U1", "name": "ann"}, {"id": "U2", "name": "bob", "profile": {}}]),
                "general/2020-01-01.json": json.dumps(day),
                "__uploads/F0123456/a b.txt": "the body",
            }
        )
    )
    done = douane("chat", "convert", path, "--to", "mattermost", "--out", out)
    assert done.returncode == 0, done.stderr
    (post,) = [json.loads(line)["post"] for line in (out / "import.jsonl").open() if '"type":"post"' in line]
    assert post["message"] == "see @bob"
    (attached,) = post["attachments"]
    body = out / "data" / attached["path"]
    assert body.read_text() == "the body"
    assert body.resolve().is_relative_to(out.resolve() / "data")
    (reply,) = post["replies"]
    assert [(one["user"], one["emoji_name"]) for one in reply["reactions"]] == [("ann", "wave")]
    report = json.loads((out / "report.json").read_text())
    assert {one["code"]: one["count"] for one in report["lost"]} == {"reaction_user": 2}


def test_staging_by_several_children_gives_what_one_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, alone, shared = tmp_path / "export.zip", tmp_path / "alone", tmp_path / "shared"
    make_export(path, damage=0.02)
    one = douane("chat", "inspect", path, "--json", "--stage", alone)
    monkeypatch.setattr(chat, "SHARED_FROM_BYTES", 0)
    monkeypatch.setattr(chat.os, "sched_getaffinity", lambda _: {0, 1})
    several = douane("chat", "inspect", path, "--json", "--stage", shared)
    assert (several.returncode, json.loads(several.stdout)) == (1, json.loads(one.stdout))
    manifests = [json.loads((folder / "manifest.json").read_text()) for folder in (shared, alone)]
    assert manifests[0] == manifests[1]
    files = [{file.relative_to(folder) for file in folder.rglob("*")} for folder in (shared, alone)]
    assert files[0] == files[1]


def test_a_share_that_fails_ends_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat, "SHARED_FROM_BYTES", 0)
    path = tmp_path / "export.zip"
    path.write_bytes(b"PK\3\4 is no zip")
    refused(douane("chat", "inspect", path, "--importer", "slack", "--stage", tmp_path / "stage"))


def test_inspect_says_why_and_where_and_names_conversations_by_their_people(export: Path) -> None:
    shown = " ".join(douane("chat", "inspect", export).stdout.split())
    assert "users.csv: Line 3 has 1 field where 3 are expected." in shown
    assert "Ann Lee, Bob 1" in shown


def test_an_unpacked_export_is_read_from_its_folder(tmp_path: Path) -> None:
    for name, text in EXPORT.items():
        path = tmp_path / "in" / "wrapped" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "in" / "outside").symlink_to("/etc/passwd")
    (tmp_path / "in" / ".DS_Store").write_bytes(b"x")
    done = douane("chat", "inspect", tmp_path / "in", "--json")
    assert done.returncode == 1
    printed = json.loads(done.stdout)
    assert printed["tables"]["messages"] == 4
    assert printed["overview"]["counts"]["entries"] == len(EXPORT) + 1
    empty = tmp_path / "empty"
    empty.mkdir()
    refused(douane("chat", "inspect", empty))


def test_the_parent_imports_nothing_heavy_and_hands_over_every_limit() -> None:
    code = (
        "import sys, douane.cli.chat\n"
        "heavy = {'polars', 'numpy', 'sqlalchemy', 'dbos', 'fastapi', 'uvicorn', 'obstore'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    given = {name: 100 - number for number, name in enumerate(Limits.__struct_fields__)}
    assert to_builtins(chat._limits(Settings(**given, cell_bytes=1))) == given
