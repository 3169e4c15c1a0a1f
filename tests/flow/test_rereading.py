"""Another reading of a file under way: what stands stays until the new one takes its place, and changed cells go with
their line and column."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import xlsxwriter

from douane.errors import BadRequest
from douane.flow import changing, imports, live, records, remapping, rereading, work
from douane.flow.changing import How
from douane.flow.house import House
from douane.flow.imports import NewImport, StoredSource
from douane.flow.live import Filter, Order
from douane.flow.remapping import EditsLost, Wanted
from douane.flow.work import TABLE
from douane.model.operation import Operation
from douane.model.sheet_import import Asked, sheet_detail
from douane.model.template import Column, Template
from douane.store import manifest
from douane.store.database import read
from douane.store.ids import new_id
from tests.flow.test_remapping import project

once = pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
TEMPLATE = Template(
    "Rereading",
    (Column("name", "Name", required=True), Column("mail", "Mail", unique=True), Column("n", "N", "Number")),
)


def begun(
    house: House, data: bytes, name: str = "a.csv", *, auto: bool = True, asked: Asked | None = None
) -> Operation:
    operation_id = new_id()
    house.objects.put_bytes(f"{operation_id}/source", data)
    source = StoredSource(f"{operation_id}/source", len(data), "", name, "text/csv")
    asked = asked or Asked()
    new = NewImport(
        operation_id,
        project(house),
        new_id(),
        TEMPLATE,
        source,
        auto=auto,
        encoding=asked.encoding,
        delimiter=asked.delimiter,
        sheet=asked.sheet,
    )
    operation = imports.begin(house, new)
    work.read(house, operation.id)
    return imports.get(house, operation.id)


def checked(house: House, data: bytes, **how: Asked) -> Operation:
    operation = begun(house, data, **how)
    assert operation.work_error is None
    work.check(house, operation.id)
    return imports.get(house, operation.id)


def reread(house: House, operation: Operation, asked: Asked, *, hold: bool = False, agreed: bool = False) -> Operation:
    rereading.ask(house, operation, asked, hold=hold, agreed=agreed)
    assert not rereading.settled(imports.get(house, operation.id))
    rereading.reread(house, operation.id)
    operation = imports.get(house, operation.id)
    assert rereading.settled(operation)
    if operation.work == "check":
        work.check(house, operation.id)
    return imports.get(house, operation.id)


def shown(house: House, operation: Operation) -> dict[int, dict[str, object]]:
    found = live.page(house, operation, Filter(), Order(), 1, 1000).records
    published = records.page(house, operation, "all", 1, 1000).records
    assert [one.index for one in published] == [one.index for one in found]
    return {one.index: dict(one.record) for one in found}


def test_another_encoding_keeps_what_was_changed(house: House) -> None:
    data = "näme,mail,n\nÄda,a@x,1\nBøb,b@x,2\n".replace("näme", "name").encode("cp1252")
    operation = checked(house, data, asked=Asked(encoding="cp1251"))
    assert shown(house, operation)[1]["name"] != "Äda"
    changing.set_cells(house, operation, [(2, "mail", "bob@x")], How())
    records.edit(house, operation, 7, {"name": "New"}, {})
    counted = operation.total
    operation = reread(house, operation, Asked(encoding="cp1252"))
    assert (operation.stage, operation.work_error, operation.total) == ("reviewing", None, counted + 1)
    found = shown(house, operation)
    assert [found[1]["name"], found[2]["name"], found[2]["mail"], found[7]["name"]] == ["Äda", "Bøb", "bob@x", "New"]
    assert sheet_detail(operation).readings == 1
    kinds = [entry.revision.kind for entry in changing.listed(house, operation, 1, 9)[0]]
    assert kinds == ["reading", "add", "edit"]
    changing.undo(house, operation, 1, How())
    assert live.page(house, operation, Filter(), Order(), 1, 9).records[1].record["mail"] == "b@x"


@once
@pytest.mark.parametrize("header", [1, None])
def test_headings_that_a_person_chose_stay_where_they_are(house: House, header: int | None) -> None:
    data = "name,mail,n\nNäme,Mail,N\nÄda,a@x,1\nBøb,b@x,2\n".encode("cp1252")
    operation = checked(house, data, asked=Asked(encoding="cp1251"))
    columns = {"name": 0, "mail": 1, "n": 2}
    names = () if header else ("Wer", "Wo", "Wieviel")
    remapping.change(house, operation, Wanted(columns, new_header=True, header=header, names=names, agreed=True))
    operation = reread(house, operation, Asked(encoding="cp1252"))
    assert sheet_detail(operation).headings == (("Näme", "Mail", "N") if header else names)
    assert remapping.header_of(sheet_detail(operation).header_row) == header
    assert [row["name"] for row in shown(house, operation).values()][-2:] == ["Äda", "Bøb"]
    assert operation.total == (2 if header else 4)
    operation = reread(house, operation, Asked(encoding="cp1252", header=1))
    assert sheet_detail(operation).headings == ("name", "mail", "n")


def test_what_has_no_place_is_said_before_it_goes(house: House) -> None:
    data = b'name;mail,n\nAda;a@x,1\n"Bob\nB";b@x,2\nEve;e@x,3\n'
    operation = checked(house, data, asked=Asked(delimiter=";"))
    changing.set_cells(house, operation, [(2, "name", "Bob"), (3, "name", "Eva"), (3, "mail,n", "e@x,5")], How())
    before = shown(house, operation)
    operation = reread(house, operation, Asked(delimiter=","))
    # It waits: nothing is changed, and work goes on.
    assert rereading.waits(operation)
    assert operation.stage == "reviewing"
    assert shown(house, operation) == before
    changing.set_cells(house, operation, [(1, "name", "Ada L.")], How())
    change = rereading.pending(house, operation)
    assert change is not None
    assert (change.kept, change.gone, change.applied) == (0, 4, False)
    assert [(one.key, line) for one, line in change.lost][:2] == [("name", 2), ("name", 3)]
    with pytest.raises(EditsLost):
        rereading.take(house, operation, agreed=False)
    assert rereading.take(house, operation, agreed=True).applied
    operation = imports.get(house, operation.id)
    # The only required heading is not there any more: a person is asked.
    assert operation.stage == "mapping"
    assert imports.headings(operation) == ["name;mail", "n"]
    done = remapping.finalize(
        house, operation, [imports.Choice("name", "name;mail"), imports.Choice("mail", None), imports.Choice("n", "n")]
    )
    assert done.stage == "mapped"
    imports.ask_review(house, done)
    work.check(house, done.id)
    found = shown(house, imports.get(house, done.id))
    assert next(iter(found.values()))["name"] == "Ada;a@x"
    with pytest.raises(BadRequest, match="No other reading"):
        rereading.take(house, operation, agreed=True)


def book() -> bytes:
    data = io.BytesIO()
    with xlsxwriter.Workbook(data) as made:
        for name, rows in (
            ("One", [["name", "mail"], ["Ada", "a@x"]]),
            ("Two", [["name", "n"], ["Bob", 2], ["Eve", 3]]),
        ):
            sheet = made.add_worksheet(name)
            for at, row in enumerate(rows):
                sheet.write_row(at, 0, row)
    return data.getvalue()


def test_another_sheet(house: House) -> None:
    operation = checked(house, book())
    assert [one["name"] for one in shown(house, operation).values()] == ["Ada"]
    operation = reread(house, operation, Asked(sheet="Two"), hold=True)
    assert rereading.waits(operation)
    state = rereading.pending(house, operation)
    assert state is not None
    assert state.gone == 0
    operation = rereading.drop(house, operation)
    assert not rereading.waits(operation)
    assert [one["name"] for one in shown(house, operation).values()] == ["Ada"]
    operation = reread(house, operation, Asked(sheet="Two"))
    assert [one["name"] for one in shown(house, operation).values()] == ["Bob", "Eve"]
    changing.set_cells(house, operation, [(1, "name", "Bobby")], How())
    # Line 2 of another sheet is another line.
    operation = reread(house, operation, Asked(sheet="One"))
    assert rereading.waits(operation)
    operation = reread(house, operation, Asked(sheet="One"), agreed=True)
    assert [one["name"] for one in shown(house, operation).values()] == ["Ada"]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (Asked(sheet="Nine"), "sheet_unknown"),
        (Asked(encoding="klingon"), "encoding_unknown"),
        (Asked(header=500), "header_unknown"),
    ],
    ids=str,
)
@once
def test_a_reading_that_fails_leaves_all_as_it_was(house: House, asked: Asked, code: str) -> None:
    data = book() if asked.sheet else b"name,mail\nAda,a@x\n"
    operation = checked(house, data)
    before = shown(house, operation)
    operation = reread(house, operation, asked)
    failed = sheet_detail(operation).reading_failed
    assert failed is not None
    assert failed[0] == code
    # Nothing of it is in the way of a review.
    assert (operation.stage, operation.work_error, sheet_detail(operation).reading) == ("reviewing", None, None)
    assert shown(house, operation) == before
    # Before the mapping too, and a reading that was under way goes on.
    early = imports.begin(
        house,
        NewImport(
            new_id(),
            project(house),
            new_id(),
            TEMPLATE,
            StoredSource(operation.source_object or "", len(data), "", "a", ""),
        ),
    )
    with pytest.raises(BadRequest, match="still being read"):
        rereading.ask(house, early, asked, hold=True, agreed=False)
    rereading.ask(house, early, asked, hold=False, agreed=False)
    rereading.reread(house, early.id)
    now = imports.get(house, early.id)
    failed = sheet_detail(now).reading_failed
    assert (now.stage, now.work, now.work_error, failed and failed[0]) == ("uploaded", "read", None, code)
    work.read(house, early.id)
    assert imports.get(house, early.id).read_done


@once
def test_what_is_asked_anew_takes_the_place_of_what_was_asked(house: House) -> None:
    operation = begun(house, b"name;mail\nAda;a@x\n", auto=False)
    rereading.ask(house, operation, Asked(delimiter=","), hold=False, agreed=False)
    held = imports.get(house, operation.id)
    rereading.ask(house, operation, Asked(delimiter=";"), hold=False, agreed=False)
    assert imports.get(house, operation.id).attempt > held.attempt
    rereading.reread(house, operation.id)
    now = imports.get(house, operation.id)
    assert (now.stage, imports.headings(now)) == ("uploaded", ["name", "mail"])
    rereading.ask(house, operation, Asked(delimiter=","), hold=False, agreed=False)
    rereading.drop(house, operation)
    rereading.reread(house, operation.id)
    assert imports.headings(imports.get(house, operation.id)) == ["name", "mail"]
    with pytest.raises(BadRequest, match="No other reading"):
        rereading.drop(house, operation)


def test_a_reading_that_is_killed_is_whole_or_not_at_all(house: House) -> None:
    lines = ["name;mail;n"] + [f"N{at};m{at}@x;{at}" for at in range(4000)]
    operation = checked(house, "\n".join(lines).encode())
    changing.set_cells(house, operation, [(7, "mail", "mine@x")], How())
    for pause in (0.9, 1.6):
        rereading.ask(house, operation, Asked(quote=""), hold=False, agreed=False)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.flow.rereading_program", operation.id],
            env={**os.environ, **house.settings.environment(), "DOUANE_PIECE_BYTES": "4000"},
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        threading.Event().wait(pause)
        process.kill()
        process.wait()
        process.stdout.close()
        now = imports.get(house, operation.id)
        with read(house.engine) as connection:
            parts = manifest.parts(connection, operation.id, TABLE)
        assert sum(part.rows for part in parts) == 4001
        if now.work == rereading.WORK:
            rereading.reread(house, operation.id)
        if imports.get(house, operation.id).work == "check":
            work.check(house, operation.id)
        now = imports.get(house, operation.id)
        assert (now.stage, now.total, now.work_error) == ("reviewing", 4000, None)
        assert live.page(house, now, Filter(), Order(), 1, 10).records[6].record["mail"] == "mine@x"
        operation = now
    assert sheet_detail(operation).readings == 2
