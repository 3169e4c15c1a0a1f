"""An import from upload to confirmation, on both storage modes, with the worker's handlers called in this process."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import openpyxl
import polars as pl
import pyarrow as pa
import pytest

from douane import encodings, errors
from douane.flow import attempts, changing, imports, records, work
from douane.flow.forms import form_of
from douane.flow.house import House
from douane.flow.imports import Choice, NewImport, StoredSource
from douane.flow.records import Excerpt
from douane.jobs.children import Seat
from douane.jobs.queue import WorkItem
from douane.model.operation import Operation
from douane.model.template import Column, Template
from douane.staging.pages import Page
from douane.store import manifest, operations, people, projects
from douane.store.database import read, write
from douane.store.ids import new_id

# Where the storage makes no difference, once is enough: every import starts processes.
once = pytest.mark.parametrize("storage", ["sqlite"], indirect=True)

TEMPLATE = Template(
    "People",
    (
        Column(key="name", name="Name", required=True),
        Column(key="mail", name="E-mail", type="Email", unique=True),
        Column(key="age", name="Age", type="Number"),
    ),
)
CSV = "Name,Mail,Age,Note\n" + "".join(
    [
        "Ada,ada@example.com,36,first\n",
        ",bob@example.com,40,no name\n",
        "Cy,ada@example.com,41,taken\n",
        "\n",
        "Di,di@example,x,two faults\n",
        'Eve,eve@example.com,12345678901234567890,"a\nb"\n',
    ]
)


@pytest.fixture
def project_id(house: House) -> str:
    with write(house.engine) as connection:
        person = people.add(
            connection,
            email="a@b.co",
            username="a",
            first_name="A",
            last_name="B",
            password_hash="x",
        )
        return projects.add(connection, name="Project", owner_id=person.id).id


@pytest.fixture
def begin(house: House, project_id: str) -> Callable[..., Operation]:
    def begin(text: str | bytes | None = CSV, **more: Any) -> Operation:
        operation_id = new_id()
        source = None
        if text is not None:
            data = text.encode() if isinstance(text, str) else text
            name = f"{operation_id}/source"
            house.objects.put_bytes(name, data)
            source = StoredSource(name, len(data), "", "people.csv", "text/csv")
        new = NewImport(operation_id, project_id, new_id(), more.pop("template", TEMPLATE), source, **more)
        return imports.begin(house, new)

    return begin


def checked(house: House, operation: Operation, choices: list[Choice] | None = None) -> Operation:
    """Through reading, mapping and the first check."""
    work.read(house, operation.id)
    operation = imports.mapping(house, imports.get(house, operation.id))
    if choices is None:
        choices = [Choice("name", "Name"), Choice("mail", "Mail"), Choice("age", "Age")]
    operation = imports.finalize(house, operation, choices)
    imports.ask_review(house, operation)
    work.check(house, operation.id)
    return imports.get(house, operation.id)


def shown(house: House, operation: Operation, view: str = "all") -> list[tuple[int, bool, dict[str, str]]]:
    """(index, valid, the message of each column that `/v1` would show)."""
    page = records.page(house, operation, view, 1, 100)  # type: ignore[arg-type]
    return [(r.index, r.valid, {p.column or "": p.message for p in r.problems}) for r in page.records]


def test_the_whole_way(house: House, begin: Callable[..., Operation]) -> None:
    operation = begin()
    assert (operation.stage, operation.work) == ("uploaded", "read")
    work.read(house, operation.id)
    operation = imports.get(house, operation.id)
    assert operation.read_done
    assert imports.headings(operation) == ["Name", "Mail", "Age", "Note"]
    assert imports.preview(operation)[1] == ["Ada", "ada@example.com", "36", "first"]
    assert operation.blank == 1

    operation = imports.mapping(house, operation)
    assert [d.get("columnHeading") for d in imports.columns(operation)] == ["Name", "Mail", "Age"]
    operation = imports.finalize(
        house, operation, [Choice("name", "Name"), Choice("mail", "Mail"), Choice("age", "Age")]
    )
    assert (operation.stage, imports.headings(operation)) == ("mapped", ["name", "mail", "age", "Note"])

    asked = imports.ask_review(house, operation)
    assert (asked.work, imports.reviewed(asked)) == ("check", False)
    work.check(house, operation.id)
    operation = imports.get(house, operation.id)
    assert (operation.stage, operation.work, operation.work_error) == ("reviewing", "", None)
    assert (operation.total, operation.valid, operation.invalid) == (5, 2, 3)
    assert operation.detail["summary"]["found"] == 6

    assert shown(house, operation) == [
        (1, True, {}),
        (2, False, {"name": "This field is required"}),
        (3, False, {"mail": "ada@example.com already taken! Please enter unique value"}),
        (4, False, {"mail": "di@example must be a valid email", "age": "x must be a number or empty"}),
        (5, True, {}),
    ]
    last = records.page(house, operation, "all", 5, 1).records[0]
    assert (last.line, last.record["Note"]) == (7, "a\nb")

    records.edit(house, operation, 2, {"name": "Bob"}, {"name": True})
    records.edit(house, operation, 1, {"mail": "new@example.com"}, {"mail": True})
    # Judged at the next review, and shown as changed at once.
    page = records.page(house, imports.get(house, operation.id), "invalid", 1, 100)
    first = page.records[0]
    assert (first.index, first.record["name"], first.updated) == (2, "Bob", {"name": True})
    imports.ask_review(house, operation)
    work.check(house, operation.id)
    operation = imports.get(house, operation.id)
    assert (operation.valid, operation.invalid, operation.version) == (4, 1, 2)
    # Row 3 held the later copy of a value that row 1 gave up.
    assert [index for index, valid, _ in shown(house, operation) if valid] == [1, 2, 3, 5]

    operation = imports.confirm(house, operation)
    assert operation.stage == "completed"
    lines = b"".join(records.encoded(house, operation, Excerpt("valid", "ndjson"))).splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["Ada", "Bob", "Cy", "Eve"]
    assert b"12345678901234567890" in lines[3]
    with pytest.raises(errors.WrongStage):
        records.edit(house, operation, 2, {"name": "Late"}, {"name": True})


@once
def test_rejected_rows_leave_with_their_lines_and_what_is_wrong(house: House, begin: Callable[..., Operation]) -> None:
    operation = checked(house, begin())
    page = records.page(house, operation, "invalid", 1, 100)
    wrong = [[one for one in record.problems if not one.warning] for record in page.records]
    expected = [
        {"_line": record.line, "_errors": [{"column": p.column, "rule": p.rule, "message": p.message} for p in found]}
        for record, found in zip(page.records, wrong, strict=True)
    ]
    assert len(expected) > 1
    assert all(one["_errors"] for one in expected)

    def leave(**how: Any) -> dict[str, bytes]:
        return {
            name: b"".join(records.encoded(house, operation, Excerpt("invalid", name, **how)))
            for name in encodings.MENU
        }

    # Whole, by a helper process; and a page, in this one.
    for how in ({"faults": True}, {"faults": True, "limit": 100}):
        found = leave(**how)
        beside = [{key: json.loads(line)[key] for key in ("_line", "_errors")} for line in found["ndjson"].splitlines()]
        assert beside == expected
        arrow = pl.from_arrow(pa.ipc.open_stream(found["arrow"]).read_all())
        assert isinstance(arrow, pl.DataFrame)
        assert arrow.select("_line", "_errors").to_dicts() == expected
        assert pl.read_parquet(io.BytesIO(found["parquet"])).equals(arrow)
        csv = pl.read_csv(io.BytesIO(found["csv"]), infer_schema=False)
        assert csv["_line"].to_list() == [str(one["_line"]) for one in expected]
        said = ["; ".join(f"{p.column}: {p.message}" for p in problems) for problems in wrong]
        assert csv["_errors"].to_list() == said
        sheet = list(openpyxl.load_workbook(io.BytesIO(found["xlsx"])).worksheets[0].iter_rows(values_only=True))
        assert [row[-2:] for row in sheet][1:] == [
            (one["_line"], text) for one, text in zip(expected, said, strict=True)
        ]
    bare = leave()
    assert all(b"_errors" not in bare[name] for name in ("csv", "ndjson"))


@once
def test_a_page_may_be_of_any_length_and_is_made_in_pieces(house: House, begin: Callable[..., Operation]) -> None:
    operation = checked(house, begin())
    small = replace(house, settings=house.settings.model_copy(update={"page_rows_max": 2}))
    total, pieces = records.page_in_pieces(small, operation, "all", 1, 1_000_000)
    found = list(pieces)
    assert [len(piece) for piece in found] == [2, 2, 1]
    assert [one for piece in found for one in piece] == list(records.page(house, operation, "all", 1, 100).records)
    assert (total, list(records.page_in_pieces(small, operation, "all", 2, 3)[1])) == (5, [found[1][1:] + found[2]])
    # And what is longer than is held at once is encoded by a helper process, at the same places.
    lines = b"".join(records.encoded(house, operation, Excerpt("all", "ndjson"))).splitlines(keepends=True)
    for page, limit in ((1, 3), (2, 3), (2, 4), (3, 3), (1, 1_000_000)):
        part = b"".join(records.encoded(small, operation, Excerpt("all", "ndjson", page=page, limit=limit)))
        assert part == b"".join(lines[(page - 1) * limit : page * limit])


@once
def test_every_format_gives_the_same_rows(house: House, begin: Callable[..., Operation]) -> None:
    operation = checked(house, begin())
    found = {name: b"".join(records.encoded(house, operation, Excerpt("all", name))) for name in encodings.MENU}
    names = [json.loads(line)["name"] for line in found["ndjson"].splitlines()]
    assert names == ["Ada", "", "Cy", "Di", "Eve"]
    assert pl.read_csv(io.BytesIO(found["csv"]), infer_schema=False)["name"].fill_null("").to_list() == names
    assert pa.ipc.open_stream(found["arrow"]).read_all()["name"].to_pylist() == names
    assert pl.read_parquet(io.BytesIO(found["parquet"]))["name"].to_list() == names
    book = openpyxl.load_workbook(io.BytesIO(found["xlsx"])).worksheets[0]
    assert [cell.value or "" for cell in book["A"]] == ["name", *names]


class Killed(BaseException):
    """Not an Exception: nothing of ours may catch it, as nothing catches SIGKILL."""


@pytest.mark.parametrize("at", [0, 2])
def test_reading_goes_on_after_the_last_part_that_was_named(
    house: House, begin: Callable[..., Operation], at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = replace(house, settings=house.settings.model_copy(update={"piece_bytes": 2000}))
    text = "Name,Mail,Age\n" + "".join(f"N{i},m{i}@example.com,{i}\n" for i in range(500))
    undisturbed = checked(house, begin(text))
    operation = begin(text)
    kept = work._keep_part
    seen: list[int] = []

    def keep(attempt: Any, event: Any) -> None:
        if len(seen) == at:
            seen.append(-1)
            raise Killed
        seen.append(event.part.number)
        kept(attempt, event)

    monkeypatch.setattr(work, "_keep_part", keep)
    with pytest.raises(Killed):
        work.read(house, operation.id)
    operation = checked(house, operation)
    again = seen[seen.index(-1) + 1 :]
    assert again[0] == at
    assert len(again) == len(set(again))
    assert (operation.total, operation.valid) == (undisturbed.total, undisturbed.valid) == (500, 500)
    rows = [
        json.loads(line)["name"]
        for line in b"".join(records.encoded(house, operation, Excerpt("all", "ndjson"))).split()
    ]
    assert rows == [f"N{i}" for i in range(500)]


def test_a_small_file_is_read_in_pieces_that_people_see(house: House, begin: Callable[..., Operation]) -> None:
    operation = begin("Name,Mail,Age\n" + f"{'N' * 900},m@example.com,1\n" * 3000)
    work.read(house, operation.id)
    with read(house.engine) as connection:
        parts = manifest.parts(connection, operation.id, work.TABLE)
    assert [part.rows for part in parts] == sorted([part.rows for part in parts], reverse=True)
    assert len(parts) == 3


def test_a_check_goes_on_with_the_masks_that_were_named(
    house: House, begin: Callable[..., Operation], monkeypatch: pytest.MonkeyPatch
) -> None:
    house = replace(house, settings=house.settings.model_copy(update={"piece_bytes": 2000}))
    text = "Name,Mail,Age\n" + "".join(f"N{i % 400},m{i % 450}@example.com,{i}\n" for i in range(500))
    operation = begin(text)
    work.read(house, operation.id)
    operation = imports.mapping(house, imports.get(house, operation.id))
    choices = [Choice("name", "Name"), Choice("mail", "Mail"), Choice("age", "Age")]
    operation = imports.ask_review(house, imports.finalize(house, operation, choices))
    kept = work._keep_mask
    seen: list[int] = []

    def keep(attempt: Any, verdict: Any) -> Any:
        if len(seen) == 3:
            seen.append(-1)
            raise Killed
        seen.append(verdict.number)
        return kept(attempt, verdict)

    monkeypatch.setattr(work, "_keep_mask", keep)
    with pytest.raises(Killed):
        work.check(house, operation.id)
    # What is checked so far can be read already, and an attempt that came forward is not held against the file.
    operation = imports.get(house, operation.id)
    assert operation.stage == "mapped"
    with read(house.engine) as connection:
        assert operations.tries(connection, operation.id) == 1
    assert records.page(house, operation, "all", 1, 10).records[0].record["name"] == "N0"
    work.check(house, operation.id)
    operation = imports.get(house, operation.id)
    assert (operation.total, operation.valid, operation.invalid) == (500, 450, 50)
    assert {r.index for r in records.page(house, operation, "invalid", 1, 100).records} == set(range(451, 501))
    with read(house.engine) as connection:
        assert len(manifest.masks(connection, operation.id, work.TABLE, 1)) == len(
            manifest.parts(connection, operation.id, work.TABLE)
        )


def test_a_frozen_worker_that_wakes_changes_nothing(
    house: House, begin: Callable[..., Operation], monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = begin()
    kept = work._keep_part
    woken: list[bool] = []

    def keep(attempt: Any, event: Any) -> None:
        if not woken:
            woken.append(True)
            # While this worker sleeps, another one claims the work and finishes it.
            work.read(house, operation.id)
        kept(attempt, event)

    monkeypatch.setattr(work, "_keep_part", keep)
    assert work.read(house, operation.id) is False
    done = imports.get(house, operation.id)
    assert (done.work, done.read_done, done.rows_read, done.work_error) == ("", True, 6, None)
    with read(house.engine) as connection:
        assert [part.attempt for part in manifest.parts(connection, operation.id, work.TABLE)] == [2]


@once
def test_an_import_that_was_ended_stops_its_work(
    house: House, begin: Callable[..., Operation], monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = begin()
    monkeypatch.setattr(work, "_keep_detected", lambda attempt, event: imports.terminate(house, operation))
    assert work.read(house, operation.id) is False
    ended = imports.get(house, operation.id)
    assert (ended.stage, ended.work, ended.read_done) == ("terminated", "", False)


@once
def test_a_worker_that_stops_is_no_failed_try(
    house: House, begin: Callable[..., Operation], monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = begin()

    def stop(attempt: Any, event: Any) -> None:
        raise errors.Superseded("This process is stopping.", code="stopping")

    monkeypatch.setattr(work, "_keep_part", stop)
    for _ in range(house.settings.tries_max + 1):
        work.read(house, operation.id)
    monkeypatch.undo()
    work.read(house, operation.id)
    assert imports.get(house, operation.id).read_done


@once
def test_work_that_ends_every_attempt_is_set_aside(house: House, begin: Callable[..., Operation]) -> None:
    operation = begin()
    for _ in range(house.settings.tries_max):
        with write(house.engine) as connection:
            operations.claim(connection, operation.id, "read")
    work.read(house, operation.id)
    failed = imports.get(house, operation.id)
    assert failed.stage == "failed"
    assert failed.work_error is not None
    assert failed.work_error[0] == "file_broken"


@once
def test_a_full_disk_is_written_down_in_the_room_that_the_child_left(
    house: House, begin: Callable[..., Operation], monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = begin()
    full, fail = errors.StorageFull("No room."), attempts.fail
    seats: list[Seat] = []

    def fill(_spec: object, seat: Seat, **_more: object) -> None:
        (seat.folder / "part").write_bytes(b"all there was")
        seats.append(seat)
        raise full

    def fail_where_there_is_room(*given: Any) -> None:
        if seats[-1].folder.exists():
            raise errors.StorageFull("The database has none either.")
        fail(*given)

    monkeypatch.setattr(attempts, "run_child", fill)
    monkeypatch.setattr(attempts, "fail", fail_where_there_is_room)
    work.read(house, operation.id)
    assert imports.get(house, operation.id).work_error == ("storage_full", "No room.")


@once
def test_work_that_is_given_up_for_a_full_disk_says_so(house: House, begin: Callable[..., Operation]) -> None:
    for error, code in ((errors.StorageFull("No room."), "storage_full"), (ValueError("a slip"), "error")):
        operation = begin()
        attempts.give_up(house, "read", WorkItem("operation", operation.id), error)
        found = imports.get(house, operation.id).work_error
        assert found is not None
        assert found[0] == code
        assert "slip" not in found[1]


@once
@pytest.mark.parametrize(
    ("data", "code", "message"),
    [
        (b"", "file_empty", "File is empty"),
        (b"Name,Mail,Age\n", "file_empty", "File is empty"),
        (b"\x7fELF\0\0\0\0" * 100, "file_type", "File type is not supported."),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_a_sentence(
    house: House, begin: Callable[..., Operation], data: bytes, code: str, message: str
) -> None:
    operation = begin(data)
    work.read(house, operation.id)
    failed = imports.get(house, operation.id)
    assert (failed.stage, failed.work_error) == ("failed", (code, message))


@once
def test_a_limit_on_rows_counts_data_rows(house: House, begin: Callable[..., Operation]) -> None:
    at, beyond = begin(rows_max=5), begin(rows_max=4)
    assert not imports.headings_ready(beyond)
    work.read(house, at.id)
    work.read(house, beyond.id)
    assert imports.get(house, at.id).stage == "uploaded"
    assert imports.get(house, beyond.id).work_error == ("rows_max", "You can not import more than 4 records.")


def test_rows_that_are_deleted_are_gone_at_once_and_free_their_values(
    house: House, begin: Callable[..., Operation]
) -> None:
    operation = checked(house, begin())
    changing.delete(house, operation, [1, 4, 99])
    operation = imports.get(house, operation.id)
    assert (operation.total, operation.valid, operation.invalid) == (3, 1, 2)
    assert [index for index, _, _ in shown(house, operation)] == [2, 3, 5]
    imports.ask_review(house, operation)
    work.check(house, operation.id)
    operation = imports.get(house, operation.id)
    assert [(index, valid) for index, valid, _ in shown(house, operation)] == [(2, False), (3, True), (5, True)]
    assert (operation.total, operation.valid, operation.invalid) == (3, 2, 1)


@once
def test_a_row_that_comes_back_holds_nothing_of_what_it_was(house: House, begin: Callable[..., Operation]) -> None:
    operation = checked(house, begin())
    records.edit(house, operation, 9, {"name": "Gus", "age": 7}, {})
    for _ in range(2):  # before and after a review knew of the row that was added
        changing.delete(house, operation, [1, 9])
        back = records.edit(house, operation, 1, {"name": "Flo"}, {})
        assert (back.index, back.record) == (1, {"name": "Flo"})
        assert records.edit(house, operation, 9, {"name": "Hal"}, {}).record == {"name": "Hal"}
        imports.ask_review(house, operation)
        work.check(house, operation.id)
        operation = imports.get(house, operation.id)
        page = records.page(house, operation, "all", 1, 100)
        assert {r.index: r.record for r in page.records if r.index in (1, 9)} == {
            1: {"name": "Flo"},
            9: {"name": "Hal"},
        }
        assert (operation.total, operation.valid + operation.invalid) == (6, 6)


@once
def test_a_row_that_came_back_is_a_row_like_others_before_any_review(
    house: House, begin: Callable[..., Operation]
) -> None:
    operation = checked(house, begin())
    changing.delete(house, operation, [1, 2, 3])
    records.edit_many(house, operation, [(1, {"name": "Flo"}, {}), (2, {"name": "Gus"}, {}), (3, {"name": "Hal"}, {})])
    records.edit(house, operation, 1, {"name": "Flo", "mail": "eve@example.com"}, {"mail": True})
    changing.delete(house, operation, [2])
    operation = imports.get(house, operation.id)
    assert (operation.total, operation.invalid) == (4, 3)
    imports.ask_review(house, operation)
    work.check(house, operation.id)
    operation = imports.get(house, operation.id)
    assert (operation.total, operation.valid, operation.invalid) == (4, 2, 2)
    # Its number says that row 1 is the first holder.
    assert [(index, valid) for index, valid, _ in shown(house, operation)] == [
        (1, True),
        (3, True),
        (4, False),
        (5, False),
    ]
    assert shown(house, operation)[-1][2] == {"mail": "eve@example.com already taken! Please enter unique value"}


@once
def test_an_import_that_was_ended_shows_no_records(house: House, begin: Callable[..., Operation]) -> None:
    operation = checked(house, begin())
    assert len(shown(house, operation)) == 5
    operation = imports.terminate(house, operation)
    assert shown(house, operation) == []
    assert b"".join(records.encoded(house, operation, Excerpt("valid", "ndjson"))) == b""
    assert b"".join(records.encoded(house, operation, Excerpt("valid", "csv", limit=100))) == b"name,mail,age,Note\r\n"


@once
def test_the_first_record_holds_the_headings_until_a_person_says_otherwise(
    house: House, begin: Callable[..., Operation]
) -> None:
    operation = begin("2019,2020\n1,2\n3,4\n")
    work.read(house, operation.id)
    operation = imports.get(house, operation.id)
    assert (operation.detail["detected"]["headerRow"], operation.detail["header_row"]) == (None, 0)
    assert imports.headings(operation) == ["2019", "2020"]
    imports.set_header(house, operation, None, ["a", "b"])
    assert imports.headings(imports.get(house, operation.id)) == ["a", "b"]


def test_rows_that_are_added_take_part_in_everything(house: House, begin: Callable[..., Operation]) -> None:
    operation = checked(house, begin())
    new = {"name": "Flo", "mail": "eve@example.com", "age": 7}
    made = records.edit(house, operation, 10, new, {})
    assert (made.index, made.valid, made.record["name"]) == (10, False, "Flo")
    operation = imports.get(house, operation.id)
    assert (operation.total, operation.invalid) == (6, 4)
    imports.ask_review(house, operation)
    work.check(house, operation.id)
    operation = imports.get(house, operation.id)
    index, valid, messages = shown(house, operation)[-1]
    assert (index, valid, messages) == (10, False, {"mail": "eve@example.com already taken! Please enter unique value"})
    records.edit(house, operation, 10, {"mail": "flo@example.com"}, {"mail": True})
    imports.ask_review(house, operation)
    work.check(house, operation.id)
    operation = imports.get(house, operation.id)
    assert shown(house, operation)[-1] == (10, True, {})
    assert records.page(house, operation, "valid", 1, 100).records[-1].record["age"] is not None
    lines = b"".join(records.encoded(house, operation, Excerpt("valid", "ndjson"))).splitlines()
    assert json.loads(lines[-1]) == {"name": "Flo", "mail": "flo@example.com", "age": 7}


@once
def test_typed_in_data_needs_no_file(house: House, begin: Callable[..., Operation]) -> None:
    operation = begin(None)
    assert operation.stage == "reviewing"
    rows = [(1, {"name": "Ada", "mail": "a@example.com", "age": "36"}, {}), (2, {"name": "", "mail": ""}, {})]
    records.edit_many(house, operation, rows)
    imports.ask_review(house, operation)
    work.check(house, operation.id)
    operation = imports.get(house, operation.id)
    assert (operation.total, operation.valid, operation.invalid) == (2, 1, 1)
    assert shown(house, operation) == [(1, True, {}), (2, False, {"name": "This field is required"})]
    assert imports.confirm(house, operation).stage == "completed"


@once
def test_a_row_may_be_added_with_the_number_of_the_headings(house: House, begin: Callable[..., Operation]) -> None:
    operation = checked(house, begin())
    assert records.edit(house, operation, 0, {"name": "Flo", "mail": "x"}, {}).problems == ()
    imports.ask_review(house, operation)
    work.check(house, operation.id)
    operation = imports.get(house, operation.id)
    assert (operation.total, operation.invalid) == (6, 4)
    # The verdict stands at the last review.
    made = records.edit(house, operation, 0, {"mail": "flo@example.com"}, {"mail": True})
    assert (made.index, made.record) == (0, {"name": "Flo", "mail": "flo@example.com"})
    assert [problem.rule for problem in made.problems] == ["email"]


@once
def test_a_whole_result_shows_the_cells_of_its_pages(house: House, begin: Callable[..., Operation]) -> None:
    operation = checked(house, begin())
    records.edit(house, operation, 10, {"name": "Flo", "mail": "flo@example.com", "age": 7}, {})
    imports.ask_review(house, operation)
    work.check(house, operation.id)
    for index in (1, 10):  # a row of the file and one that was added: changed, and not reviewed since
        records.edit(house, operation, index, {"age": 50 + index}, {"age": True})
    operation = imports.get(house, operation.id)
    lines = b"".join(records.encoded(house, operation, Excerpt("valid", "ndjson")))
    assert lines == b"".join(records.encoded(house, operation, Excerpt("valid", "ndjson", limit=100)))
    assert [json.loads(line)["age"] for line in lines.splitlines()] == [51, 12345678901234567890, 60]


@once
def test_a_stale_copy_that_is_sent_back_is_no_edit(house: House, begin: Callable[..., Operation]) -> None:
    operation = checked(house, begin())
    records.edit(house, operation, 1, {"name": "Grace", "age": 36}, {"name": True})
    # Another person's page still shows the old name, and changes the age only.
    records.edit(house, operation, 1, {"name": "Ada", "mail": "ada@example.com", "age": 37}, {"age": True})
    record = records.page(house, imports.get(house, operation.id), "all", 1, 1).records[0]
    assert (record.record["name"], record.updated) == ("Grace", {"name": True, "age": True})


@once
def test_a_record_that_could_not_be_read_can_be_mended(house: House, begin: Callable[..., Operation]) -> None:
    data = (
        b"Name,Mail,Age\nAda,ada@example.com,36\nJ\xe9,je@example.com,1\nBo,bo@example.com,2,3,4\n"
        b"Zo\xc3\xab,zoe@example.com,5\n"
    )
    operation = checked(house, begin(data, encoding="utf-8"))
    wrong = {r.index: {p.rule for p in r.problems} for r in records.page(house, operation, "invalid", 1, 9).records}
    assert wrong == {2: {"undecodable"}, 3: {"surplus"}}
    assert records.page(house, operation, "invalid", 1, 9).records[0].record["name"] == "J\\xe9"
    records.edit(house, operation, 2, {"mail": "j@example.com"}, {"mail": True})
    records.edit(house, operation, 3, {"age": "234"}, {"age": True})
    imports.ask_review(house, operation)
    work.check(house, operation.id)
    operation = imports.get(house, operation.id)
    # The bytes still stand in the name; the surplus cells were seen to.
    assert [index for index, valid, _ in shown(house, operation) if not valid] == [2]
    records.edit(house, operation, 2, {"name": "Jé"}, {"name": True})
    imports.ask_review(house, operation)
    work.check(house, operation.id)
    assert imports.get(house, operation.id).invalid == 0


@once
def test_verdicts_of_another_douane_are_read_by_name_and_made_anew(
    house: House, begin: Callable[..., Operation]
) -> None:
    operation = checked(house, begin())
    records.edit(house, operation, 2, {"name": "Bob"}, {"name": True})
    records.edit(house, operation, 10, {"name": "Flo", "mail": "eve@example.com"}, {})
    changing.delete(house, imports.get(house, operation.id), [1])
    imports.ask_review(house, operation)
    work.check(house, operation.id)
    before = shown(house, imports.get(house, operation.id))
    assert [index for index, valid, _ in before if not valid] == [4, 10]

    operation = imports.get(house, operation.id)
    form, rules = form_of(operation), operation.detail["check"]["rules"]
    old = replace(
        operation, detail={**operation.detail, "check": {"stamp": "old", "words": 1, "rules": [[None, "gone"], *rules]}}
    )
    words = np.array([[0b101], [0b011]], np.uint64)
    page = Page(np.zeros(2, np.int64), pl.DataFrame(), words, np.zeros(2, np.uint8))
    assert records._todays(old, form, page).tolist() == [[0b10], [0b01]]

    with write(house.engine) as connection:
        operations.change(connection, operation.id, detail={**operation.detail, "check": old.detail["check"]})
    assert imports.ask_review(house, operation).work == "check"
    work.check(house, operation.id)
    operation = imports.get(house, operation.id)
    assert operation.detail["check"]["rules"] == rules
    assert shown(house, operation) == before
    assert imports.ask_review(house, operation).work == ""


def test_confirming_reviews_what_nobody_reviewed(house: House, begin: Callable[..., Operation]) -> None:
    operation = checked(house, begin())
    records.edit(house, operation, 2, {"name": "Bob"}, {"name": True})
    operation = imports.confirm(house, operation)
    assert (operation.stage, operation.work) == ("reviewing", "confirm")
    with pytest.raises(errors.WrongStage):
        records.edit(house, operation, 2, {"name": "Late"}, {"name": True})
    work.confirm(house, operation.id)
    operation = imports.get(house, operation.id)
    assert (operation.stage, operation.valid) == ("completed", 3)


@once
def test_the_contracts_sentences_on_a_mapping(house: House, begin: Callable[..., Operation]) -> None:
    operation = begin()
    work.read(house, operation.id)
    operation = imports.mapping(house, imports.get(house, operation.id))
    for choices, message in (
        ([Choice("name", "Name"), Choice("name", "Age")], "Mapping data contains duplicates"),
        ([Choice("name", "Nope")], "Mapping data contains invalid columnHeading values"),
        ([Choice("mail", "Mail")], "Name is required"),
        ([Choice("name", "Name"), Choice("mail", "Name")], "Name is already mapped to Name"),
    ):
        with pytest.raises(errors.BadRequest, match=message):
            imports.finalize(house, operation, choices)
    # A column that is not listed keeps its heading, unless another one takes it.
    operation = imports.finalize(house, operation, [Choice("name", "Mail")])
    assert imports.headings(operation) == ["Name", "name", "age", "Note"]


@once
def test_another_projects_import_is_unknown(house: House, begin: Callable[..., Operation]) -> None:
    operation = begin()
    with pytest.raises(errors.NotFound):
        imports.get(house, operation.id, new_id())


@once
def test_an_automatic_import_maps_and_checks_itself(house: House, begin: Callable[..., Operation]) -> None:
    operation = begin(auto=True)
    work.read(house, operation.id)
    operation = imports.get(house, operation.id)
    assert (operation.stage, operation.work) == ("mapped", "check")
    work.check(house, operation.id)
    assert imports.get(house, operation.id).stage == "reviewing"
    missing = begin("Mail,Age\na@example.com,3\n", auto=True)
    work.read(house, missing.id)
    missing = imports.get(house, missing.id)
    assert (missing.stage, missing.work_error) == ("uploaded", ("bad_mapping", "Name is required"))
    why = imports.unmapped(missing)
    assert why is not None
    assert (why.headings, [column.key for column in why.missing], why.ignored) == (["Mail", "Age"], ["name"], [])
    # It stays, to be mapped by hand.
    missing = imports.mapping(house, missing)
    missing = imports.finalize(house, missing, [Choice("name", "Mail"), Choice("age", "Age")])
    assert imports.ask_review(house, missing).work == "check"
    assert imports.get(house, missing.id).work_error is None
