"""`douane chat` as a person runs it; the sandboxed child is a real one."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from douane.chat.importers import open_export
from douane.chat.tables import TABLES
from douane.staging.parts import read_part
from tests.chat.importers.exports import MemorySource, zipped
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
    assert printed == {
        "tables": counts.tables,
        "channels": counts.channels,
        "years": counts.years,
        "subtypes": counts.subtypes,
        "entries": counts.entries,
        "reasons": counts.reasons,
    }


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
        assert len(frame) == printed["tables"][table] == sum(part["rows"] for part in parts)
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
