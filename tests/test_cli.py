"""`douane` as a person or a pipeline runs it: real processes, real files, what is printed and how it ends."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import jsonschema
import psutil
import pytest
import structlog
import xlsxwriter
import yaml
from msgspec import to_builtins

from douane import __version__
from douane.cli import answer, files
from douane.settings import Settings
from douane.sheet.formats import Limits

DATA = Path(__file__).parent / "data"
PEOPLE, TEMPLATE = DATA / "people.csv", DATA / "people.yaml"

# One fault a line, by hand: (column, rule) -> the line of people.csv it stands on.
FAULTS = {
    ("name", "required"): 4,
    ("email", "email"): 7,
    ("joined", "date_format"): 8,
    ("age", "number"): 9,
    ("age", "range_max"): 12,
    ("country", "list"): 14,
    ("phone", "pattern"): 15,
    ("interests", "list"): 16,
    ("id", "unique"): 18,
    ("interests", "surplus"): 19,
}


@dataclass(frozen=True)
class Ended:
    returncode: int
    stdout: str
    stderr: str


def douane(*arguments: str | Path, stdin: str | bytes = b"", **environment: str) -> Ended:
    """Runs a verb in this process, which spares its start; the sandboxed child is a real one."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    given = io.TextIOWrapper(io.BytesIO(stdin.encode() if isinstance(stdin, str) else stdin), "utf-8")
    on_term, logging = signal.getsignal(signal.SIGTERM), structlog.get_config()
    try:
        with (
            mock.patch.multiple(sys, stdin=given, stdout=out, stderr=err, argv=["douane", *map(str, arguments)]),
            mock.patch.dict(os.environ, environment),
            pytest.raises(SystemExit) as ended,
        ):
            answer()
    finally:
        signal.signal(signal.SIGTERM, on_term)
        structlog.configure(**logging)  # a verb has it write to a stream that ends here
    return Ended(ended.value.code or 0, *(stream.buffer.getvalue().decode() for stream in (out, err)))


def process(*arguments: str | Path, stdin: bytes = b"", **environment: str) -> Ended:
    """The same as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "douane", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        timeout=120,
        env={**os.environ, **environment},
        check=False,
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


def refused(done: Ended) -> str:
    """The one sentence of a verb that could not be done."""
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith("douane: ")
    return done.stderr


# rows


def records(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return [record for record in csv.reader(file) if record]


def test_rows_prints_every_record_as_text() -> None:
    done = process("rows", PEOPLE)
    assert (done.returncode, done.stderr) == (0, "")
    assert [json.loads(line) for line in done.stdout.splitlines()] == records(PEOPLE)


def test_rows_as_csv_reads_back_the_same() -> None:
    done = douane("rows", PEOPLE, "--format", "csv")
    assert [record for record in csv.reader(io.StringIO(done.stdout)) if record] == records(PEOPLE)


def test_rows_reads_standard_input_packed_or_not() -> None:
    whole = [json.loads(line) for line in douane("rows", "-", stdin=PEOPLE.read_bytes()).stdout.splitlines()]
    packed = douane("rows", "-", stdin=gzip.compress(PEOPLE.read_bytes())).stdout.splitlines()
    assert whole == records(PEOPLE)
    assert [json.loads(line) for line in packed] == whole


def test_rows_does_what_it_is_told(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("näme|x\ta\nb|c\td\n".encode("cp1252"))
    done = douane("rows", path, "--delimiter", "tab", "--encoding", "cp1252")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [["näme|x", "a"], ["b|c", "d"]]


@pytest.mark.parametrize(
    ("wanted", "first"),
    [(None, "one"), ("Costs", "two"), ("1", "two"), ("2024", "three"), ("02", "four"), ("3", "four")],
)
def test_a_sheet_is_chosen_by_name_or_number(tmp_path: Path, wanted: str | None, first: str) -> None:
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path) as book:
        for name, cell in (("People", "one"), ("Costs", "two"), ("2024", "three"), ("02", "four")):
            book.add_worksheet(name).write_column(0, 0, [cell, "1"])
    done = douane("rows", path, *([] if wanted is None else ["--sheet", wanted]))
    assert json.loads(done.stdout.splitlines()[0]) == [first]


def test_a_sheet_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("People").write(0, 0, "x")
    assert "“People”" in refused(douane("rows", path, "--sheet", "Nobody"))


def test_explain_says_what_was_detected_as_the_page_shows() -> None:
    page = (Path(__file__).parents[1] / "docs" / "cli.md").read_text().split("## Reading")[1]
    shown = json.loads(page.split("```json\n")[1].split("```")[0])
    assert json.loads(douane("rows", PEOPLE, "--explain", "--json").stdout) == shown


def test_explain_in_words() -> None:
    done = douane("rows", PEOPLE, "--explain")
    assert (done.returncode, done.stderr) == (0, "")
    text = " ".join(done.stdout.split())
    assert "Format CSV" in text
    assert "Delimiter comma" in text
    assert "Ada Lovela" in text


def test_a_reader_that_had_enough_is_no_failure(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_text("id,text\n" + "".join(f"{i},{'x' * 100}\n" for i in range(50_000)))
    running = subprocess.Popen(
        [sys.executable, "-m", "douane", "rows", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert running.stdout is not None
    assert running.stderr is not None
    assert running.stdout.readline() == b'["id", "text"]\n'
    running.stdout.close()
    assert running.stderr.read() == b""
    assert running.wait(60) == 128 + 13
    running.stderr.close()


# check


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ended, Path, Path]:
    """The sample with its ten faults, checked once with everything that is kept of it."""
    folder = tmp_path_factory.mktemp("check")
    out, stage = folder / "report", folder / "stage"
    done = douane("check", PEOPLE, "--template", TEMPLATE, "--json", "--out", out, "--stage", stage)
    assert done.returncode == 1, done.stderr
    return done, out, stage


def test_check_finds_the_ten_faults_of_the_sample(checked) -> None:
    done, _, _ = checked
    assert done.stderr == ""
    summary = json.loads(done.stdout)
    counts = {name: summary[name] for name in ("rows", "valid", "invalid", "blank", "unreadable")}
    assert counts == {"rows": 19, "valid": 9, "invalid": 10, "blank": 1, "unreadable": 0}
    found = {(problem["column"], problem["rule"]): problem["lines"] for problem in summary["problems"]}
    assert found == {name: [line] for name, line in FAULTS.items()}
    assert all(problem["count"] == 1 and problem["message"] for problem in summary["problems"])


def test_every_record_is_accounted_for(checked) -> None:
    summary = json.loads(checked[0].stdout)
    parts = [summary[name] for name in ("valid", "invalid", "blank", "unreadable")]
    assert (
        summary["found"] == sum(parts) == len(PEOPLE.read_text().splitlines()) - 1 - 1
    )  # headings; a cell of two lines


def test_check_says_what_was_detected_and_mapped(checked) -> None:
    summary = json.loads(checked[0].stdout)
    assert summary["detected"]["format"] == "csv"
    assert summary["detected"]["headerRow"] == 0
    assert summary["mapping"]["name"] == "Full name"
    assert summary["mapping"]["id"] == "Customer ID"
    assert summary["unmapped"] == ["Notes"]


def test_valid_csv_is_exact(checked) -> None:
    _, out, _ = checked
    valid = list(csv.DictReader(io.StringIO((out / "valid.csv").read_text(encoding="utf-8"), newline="")))
    source = {row["Customer ID"]: row for row in csv.DictReader(io.StringIO(PEOPLE.read_text(), newline=""))}
    assert [row["id"] for row in valid] == ["C001", "C002", "C004", "C008", "C010", "C014", "C016", "C017", "C018"]
    for row in valid:
        if row["id"] != "C002":  # twice in the source
            assert row["name"] == source[row["id"]]["Full name"]
            assert float(row["balance"] or "nan") == pytest.approx(
                float(source[row["id"]]["Balance"] or "nan"), nan_ok=True
            )
            assert row["Notes"] == source[row["id"]]["Notes"]


def test_invalid_csv_is_for_people(checked) -> None:
    _, out, _ = checked
    rows = list(csv.reader(io.StringIO((out / "invalid.csv").read_text(encoding="utf-8-sig"), newline="")))
    assert rows[0][:2] == ["line", "messages"]
    assert [int(row[0]) for row in rows[1:]] == sorted(FAULTS.values())
    assert "This field is required" in rows[1][1]


def test_problems_ndjson_has_one_object_a_problem(checked) -> None:
    _, out, _ = checked
    found = [json.loads(line) for line in (out / "problems.ndjson").read_text().splitlines()]
    assert {(one["column"], one["rule"]): one["line"] for one in found} == FAULTS
    assert len(found) == 10
    number = next(one for one in found if one["rule"] == "number")
    # Blank records take no row: the one on line 11 stands after this one.
    assert (number["row"], number["value"]) == (7, "forty")
    assert number["message"] == "forty must be a number or empty"
    assert next(one for one in found if one["rule"] == "range_max")["row"] == 9


def test_stage_keeps_the_staged_table(checked) -> None:
    _, _, stage = checked
    files = [path for path in stage.rglob("*") if path.is_file()]
    assert any(path.read_bytes()[:6] == b"ARROW1" for path in files)
    assert not [path for path in stage.rglob("*") if path.name in ("valid.csv", "problems.ndjson")]


def test_check_in_words(tmp_path: Path) -> None:
    done = douane("check", PEOPLE, "-t", TEMPLATE, "--out", tmp_path / "r")
    assert (done.returncode, done.stderr) == (1, "")
    text = " ".join(done.stdout.split())
    assert "19 rows: 9 valid, 10 invalid; 1 blank record skipped." in text
    assert "969 must be less than or equal to 130" in text
    assert "valid.csv, invalid.csv, problems.ndjson" in text
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_all_valid_is_0(tmp_path: Path) -> None:
    path = tmp_path / "good.csv"
    path.write_text("id,name,email,country\nC001,Ada,ada@example.com,France\n")
    done = douane("check", path, "-t", TEMPLATE, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    summary = json.loads(done.stdout)
    assert (summary["rows"], summary["valid"], summary["problems"]) == (1, 1, [])
    assert summary["mapping"]["age"] is None


def test_check_reads_standard_input() -> None:
    done = douane("check", "-", "-t", TEMPLATE, "--json", stdin=PEOPLE.read_bytes())
    assert (done.returncode, json.loads(done.stdout)["invalid"]) == (1, 10)


def test_a_mapping_file_is_followed(tmp_path: Path) -> None:
    mapping = tmp_path / "m.yaml"
    mapping.write_text("name: Notes\nage: null\n")
    done = douane("check", PEOPLE, "-t", TEMPLATE, "-m", mapping, "--json")
    summary = json.loads(done.stdout)
    assert summary["mapping"]["name"] == "Notes"
    assert summary["mapping"]["age"] is None
    assert summary["mapping"]["email"] == "E-mail"
    assert "Full name" in summary["unmapped"]
    rules = {(problem["column"], problem["rule"]): problem["count"] for problem in summary["problems"]}
    assert rules["name", "required"] == 16  # three of the nineteen notes say something
    assert ("age", "number") not in rules


def test_formulas_are_escaped_only_where_people_open_them(tmp_path: Path) -> None:
    path = tmp_path / "evil.csv"
    path.write_text(
        'id,name,email,country\nC001,"=HYPERLINK(""http://x"",""y"")",a@example.com,France\nC002,"=1+1",nobody,France\n'
    )
    done = douane("check", path, "-t", TEMPLATE, "--out", tmp_path / "r", "--json")
    assert done.returncode == 1
    valid = list(csv.DictReader(io.StringIO((tmp_path / "r/valid.csv").read_text(), newline="")))
    invalid = list(csv.DictReader(io.StringIO((tmp_path / "r/invalid.csv").read_text("utf-8-sig"), newline="")))
    assert valid[0]["name"] == '=HYPERLINK("http://x","y")'
    assert [row["name"] for row in invalid] == ["'=1+1"]


def test_undecodable_records_are_invalid_rows_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "broken.csv"
    lines = [f"C{i:03},Zoë {i},z{i}@example.com,France\n".encode() for i in range(1, 200)]
    lines[99] = b"C100,Zo\xff\xfe,z100@example.com,France\n"
    path.write_bytes(b"id,name,email,country\n" + b"".join(lines))
    done = douane("check", path, "-t", TEMPLATE, "--json", "--out", tmp_path / "r")
    summary = json.loads(done.stdout)
    assert (summary["rows"], summary["invalid"], summary["found"]) == (199, 1, 199)
    (problem,) = [json.loads(line) for line in (tmp_path / "r/problems.ndjson").read_text().splitlines()]
    assert (problem["line"], problem["column"], problem["rule"]) == (101, None, "undecodable")


# What cannot be done


def test_a_faulty_template_is_answered_with_place_and_reason(tmp_path: Path) -> None:
    template = tmp_path / "t.yaml"
    template.write_text("name: T\ncolumns:\n  - {key: a, name: A}\n  - {key: b, name: B, type: Numbr}\n")
    assert "t.yaml: columns[1].type: " in refused(douane("check", PEOPLE, "-t", template))
    template.write_text("name: T\ncolumns:\n  - {key: a, naem: A}\n")
    assert "columns[0].naem" in refused(douane("check", PEOPLE, "-t", template))
    template.write_text("name: T\ncolumns: [\n")
    assert "t.yaml, line 3" in refused(douane("check", PEOPLE, "-t", template))


def test_a_mapping_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    mapping = tmp_path / "m.yaml"
    mapping.write_text("nobody: E-mail\n")
    assert "no column 'nobody'" in refused(douane("check", PEOPLE, "-t", TEMPLATE, "-m", mapping))
    mapping.write_text("email: Fax\n")
    assert "Fax" in refused(douane("check", PEOPLE, "-t", TEMPLATE, "-m", mapping))
    mapping.write_text("- email\n")
    assert "A mapping holds" in refused(douane("check", PEOPLE, "-t", TEMPLATE, "-m", mapping))


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert "none.csv" in refused(douane("rows", tmp_path / "none.csv"))
    assert "is a folder" in refused(douane("rows", tmp_path))
    empty = tmp_path / "empty.csv"
    empty.write_bytes(b"")
    assert "empty" in refused(douane("check", empty, "-t", TEMPLATE)).lower()
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(b"PK\x03\x04" + b"\0" * 200)
    refused(douane("check", broken, "-t", TEMPLATE))


def test_options_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    assert "one character" in refused(douane("rows", PEOPLE, "--delimiter", "ab"))
    assert "klingon" in refused(douane("rows", PEOPLE, "--encoding", "klingon"))
    (tmp_path / "stage").mkdir()
    (tmp_path / "stage/mine").write_text("x")
    assert "not empty" in refused(douane("check", PEOPLE, "-t", TEMPLATE, "--stage", tmp_path / "stage"))
    assert "port" in refused(douane("rows", PEOPLE, DOUANE_PORT="many"))


def test_a_limit_is_named_in_the_sentence() -> None:
    assert "columns" in refused(douane("check", PEOPLE, "-t", TEMPLATE, DOUANE_COLUMNS="5"))


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    for done in (
        process("check", PEOPLE, "-t", TEMPLATE, "--out", tmp_path / "r", TMPDIR=str(temporary)),
        process("rows", "-", stdin=PEOPLE.read_bytes(), TMPDIR=str(temporary)),
        process("check", PEOPLE, "-t", TEMPLATE, "--encoding", "klingon", TMPDIR=str(temporary)),
    ):
        assert done.returncode in (0, 1, 2)
    assert list(temporary.iterdir()) == []
    assert sorted(path.name for path in (tmp_path / "r").iterdir()) == ["invalid.csv", "problems.ndjson", "valid.csv"]


# What it costs


def test_the_parent_imports_nothing_heavy() -> None:
    code = (
        "import sys, douane.cli.files\n"
        "heavy = {'polars', 'numpy', 'sqlalchemy', 'dbos', 'fastapi', 'uvicorn', 'python_calamine', 'obstore',\n"
        "'pydantic', 'rich', 'click', 'phonenumbers', 'rapidfuzz', 'email'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_limit_of_the_readers_is_handed_over() -> None:
    given = {name: 100 - number for number, name in enumerate(Limits.__struct_fields__)}
    options = files._whole({"sheet": 1}, Settings(**given, piece_bytes=7))
    assert (to_builtins(options.limits), options.piece_bytes, options.sheet) == (given, 7, 1)


def test_a_terminal_gets_a_bar_with_rows_per_second(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    row = "C{:05},Ada,a{}@example.com,2020-01-01,30,1.5,France,+4915112345678,books\n"
    path.write_text(
        "id,name,email,joined,age,balance,country,phone,interests\n" + "".join(row.format(i, i) for i in range(90_000))
    )
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "douane", "check", str(path), "-t", str(TEMPLATE), "--json"],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80", "DOUANE_PIECE_BYTES": str(1 << 20)},
    )
    os.close(theirs)
    said = bytearray()
    while True:
        try:
            chunk = os.read(ours, 1 << 16)
        except OSError:  # how a terminal ends
            break
        if not chunk:
            break
        said += chunk
    os.close(ours)
    assert running.stdout is not None
    summary = json.load(running.stdout)
    running.stdout.close()
    assert running.wait(60) == 0
    assert summary["rows"] == 90_000
    assert re.search(rb"[\d,]+ rows/s", said)


def test_ctrl_c_ends_the_child_and_leaves_nothing(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    running = subprocess.Popen(
        [sys.executable, "-m", "douane", "rows", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    assert running.stdin is not None
    assert running.stdout is not None
    running.stdin.write(b"id,text\n" + b"".join(b"%d,%s\n" % (i, b"x" * 100) for i in range(100_000)))
    running.stdin.close()
    running.stdout.readline()  # the child is there, and its pipe is full soon
    children = psutil.Process(running.pid).children()
    assert children
    running.terminate()
    assert running.wait(60) != 0
    running.stdout.close()
    deadline = time.monotonic() + 30
    while any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert running.stderr is not None
    assert b"Traceback" not in running.stderr.read()
    running.stderr.close()
    assert list(temporary.iterdir()) == []


# The template file


def test_the_published_schema_accepts_the_sample_and_refuses_a_fault() -> None:
    schema: dict[str, Any] = json.loads(douane("template", "schema").stdout)
    document = yaml.safe_load(TEMPLATE.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema)
    document["columns"][0]["isRequired"] = "yes"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema)


# The house


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    data = tmp_path_factory.mktemp("house") / "data"
    done = douane("init", "--data", data, "--json")
    assert done.returncode == 0, done.stderr
    return data, json.loads(done.stdout)


def test_init_says_what_was_made(installation) -> None:
    data, made = installation
    assert list(made) == ["projectId", "accessKey", "templateId", "user", "email", "password"]
    assert all(made.values())
    assert (data / "douane.db").exists()


def test_init_refuses_a_folder_that_is_not_empty(installation) -> None:
    data, _ = installation
    assert "not empty" in refused(douane("init", "--data", data))


def test_init_in_words_prints_the_three_lines(tmp_path: Path) -> None:
    done = douane("init", "--data", tmp_path / "data")
    assert done.returncode == 0
    assert done.stdout.count("\ncurl -s ") + done.stdout.count("\nid=$(curl -s ") == 3


def test_keys_are_made_listed_and_revoked(installation) -> None:
    data, made = installation
    new = json.loads(douane("key", "new", "nightly", "--data", data, "--json").stdout)
    assert new["projectId"] == made["projectId"]
    assert re.fullmatch(r"[0-9a-f]{32}", new["accessKey"])
    listed = json.loads(douane("key", "list", "--data", data, "--json").stdout)
    assert [(key["name"], key["revokedAt"]) for key in listed] == [("", None), ("nightly", None)]
    assert new["accessKey"] not in json.dumps(listed)
    assert listed[1]["id"] in douane("key", "list", "--data", data).stdout
    assert douane("key", "revoke", listed[1]["id"], "--data", data).returncode == 0
    again = json.loads(douane("key", "list", "--data", data, "--json").stdout)
    assert again[1]["revokedAt"]
    assert listed[1]["id"] in douane("key", "list", "--data", data).stdout
    assert "does not exist" in refused(douane("key", "revoke", listed[1]["id"], "--data", data))


def test_a_password_is_set_from_standard_input(installation) -> None:
    data, made = installation
    done = douane("user", "password", made["email"], "--data", data, stdin="correct horse\n")
    assert done.returncode == 0, done.stderr
    assert "correct horse" not in done.stdout
    assert "at least 8" in refused(douane("user", "password", made["email"], "--data", data, stdin="short\n"))
    assert "Nobody" in refused(douane("user", "password", "nobody", "--data", data, stdin="correct horse\n"))


def test_people_are_added_given_roles_and_disabled(installation) -> None:
    data, made = installation
    added = douane("user", "add", "eve@example.com", "--generate", "--role", "Importer", "--data", data, "--json")
    person = json.loads(added.stdout)
    assert (person["email"], person["username"], person["role"]) == ("eve@example.com", "eve", "Importer")
    assert (person["projectId"], len(person["password"])) == (made["projectId"], 16)
    assert "exists" in refused(douane("user", "add", "eve@example.com", "--generate", "--data", data))
    assert "no role King" in refused(douane("user", "add", "x@example.com", "--role", "King", "--data", data))
    assert "eve@example.com is Observer" in douane("user", "role", "eve", "Observer", "--data", data).stdout
    assert douane("user", "disable", "eve", "--data", data).returncode == 0
    listed = {one["email"]: one for one in json.loads(douane("user", "list", "--data", data, "--json").stdout)}
    assert listed["eve@example.com"]["disabled"] is True
    assert [one["role"] for one in listed["eve@example.com"]["projects"]] == ["Observer"]
    assert listed[made["email"]]["disabled"] is False
    assert "eve@example.com (disabled)" in douane("user", "list", "--data", data).stdout
    assert douane("user", "enable", "eve", "--data", data).returncode == 0
    assert douane("user", "role", "eve", "none", "--data", data).returncode == 0
    assert "in no project" in douane("user", "list", "--data", data).stdout
    assert "without an Admin" in refused(douane("user", "role", made["email"], "Tech", "--data", data))
    assert "x@example.com" not in listed


def test_who_did_what_is_told(installation, monkeypatch: pytest.MonkeyPatch) -> None:
    data, made = installation
    monkeypatch.delenv("COLUMNS", raising=False)  # which processes that share out tests set
    lines = [json.loads(line) for line in douane("audit", "--data", data, "--json").stdout.splitlines()]
    assert [line["action"] for line in lines][:2] == ["person.add", "project.add"]
    assert {line["who"] for line in lines} == {"the command line"}
    assert lines[1]["projectId"] == made["projectId"]
    shown = douane("audit", "--action", "person", "--last", "1", "--data", data).stdout
    assert "person." in shown
    # A pipe has no width: whatever is searched for stands on one line.
    added = douane("audit", "--action", "person.add", "--data", data).stdout.splitlines()[1:]
    assert any("the command line" in line and f"person {made['email']}" in line for line in added)
    assert "project.add" not in shown
    assert "no action" in refused(douane("audit", "--action", "nonsense", "--data", data))


def test_an_installation_is_looked_over(installation) -> None:
    data, _ = installation
    done = douane("doctor", "--data", data, "--json")
    assert done.returncode == 1
    found = {one["about"]: one for one in json.loads(done.stdout)}
    assert found["worker"]["good"] is False, "nothing runs"
    well = ("settings", "secret", "rights", "clock", "database", "storage", "objects")
    assert [found[name]["good"] for name in well] == [True] * len(well)
    shown = douane("doctor", "--data", data).stdout
    assert "BAD  worker: No worker is alive" in shown
    assert "ok   database: " in shown


def test_a_new_installation_is_its_owners_alone(installation) -> None:
    data, _ = installation
    assert data.stat().st_mode & 0o077 == 0
    for path in (data / "douane.db", data / "douane.db.migrating", data / "secret"):
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize("verb", [("key", "list"), ("key", "new"), ("user", "password", "admin", "--generate")])
def test_a_slip_in_the_folder_makes_no_installation(tmp_path: Path, verb: tuple[str, ...]) -> None:
    assert "no installation" in refused(douane(*verb, "--data", tmp_path / "slip"))
    assert not (tmp_path / "slip").exists()


def test_a_port_that_is_taken_is_told_before_anything_is_made(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        sentence = refused(process("serve", "--data", tmp_path / "data", "--port", str(port)))
    assert f"127.0.0.1:{port}" in sentence
    assert not (tmp_path / "data/douane.db").exists()


def test_settings_lists_every_setting() -> None:
    listed = json.loads(douane("settings", "--json").stdout)
    assert [one["name"] for one in listed] == list(Settings.model_fields)
    assert {one["variable"] for one in listed} >= {"DOUANE_DATA", "DOUANE_PORT"}
    assert "DOUANE_PORT" in douane("settings").stdout


def test_settings_say_what_is_set_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setenv("DOUANE_TURN_S", "30")
    monkeypatch.setenv("DOUANE_SECRET", "s" * 40)
    monkeypatch.setenv("DOUANE_DATABASE_URL", "postgresql://douane:pass-word@db/douane")
    listed = {one["name"]: one["setTo"] for one in json.loads(douane("settings", "--json").stdout)}
    given = {"turn_s": "30.0", "secret": "(hidden)", "database_url": "postgresql://douane:***@db/douane"}
    assert {name: listed[name] for name in given} == given
    assert listed["port"] is None
    # A pipe has no width: one setting a line, nothing broken in two.
    shown = douane("settings").stdout
    assert "pass-word" not in shown
    assert len(shown.splitlines()) == len(Settings.model_fields) + 3
    assert "outbound_redirects_max " in shown


def test_version() -> None:
    assert process("version").stdout.strip() == __version__


def test_the_line_of_the_headings_and_the_quote_can_be_named(tmp_path: Path) -> None:
    file = tmp_path / "in.csv"
    file.write_bytes(b'x,y\na,b\n1,"2\n3,4\n')
    found = json.loads(douane("rows", file, "--explain", "--json", "--header", "2", "--quote", "none").stdout)
    assert (found["headerRow"], found["rows"], found["quote"]) == (1, 2, None)
    assert json.loads(douane("rows", file, "--explain", "--json", "--header", "none").stdout)["headerRow"] is None
    assert "not on '0'" in refused(douane("rows", file, "--header", "0"))
    assert "one character" in refused(douane("rows", file, "--quote", "ab"))
    assert "line 9" in refused(douane("rows", file, "--header", "9"))


def test_the_version_is_an_option_too() -> None:
    assert douane("--version").stdout == douane("version").stdout


def test_a_file_none_of_whose_headings_is_a_column_is_not_all_valid(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("Foo,Bar\n1,2\n")
    (tmp_path / "t.yaml").write_text("name: t\ncolumns:\n  - {key: a, name: Alpha}\n")
    done = douane("check", str(tmp_path / "in.csv"), "--template", str(tmp_path / "t.yaml"), "--json")
    said = refused(done)
    assert "Foo, Bar" in said
    assert "Alpha" in said
    (tmp_path / "m.yaml").write_text("a: Foo\n")
    mapped = douane(
        "check", str(tmp_path / "in.csv"), "--template", str(tmp_path / "t.yaml"), "--mapping", str(tmp_path / "m.yaml")
    )
    assert mapped.returncode == 0
