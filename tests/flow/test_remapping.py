"""A mapping changed after the check: what people changed goes with its cell, and the verdicts are those of a fresh
import."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from douane.errors import BadRequest, WrongStage
from douane.flow import changing, imports, live, records, remapping, revisions, work
from douane.flow.changing import How
from douane.flow.house import House
from douane.flow.imports import Choice, NewImport, StoredSource
from douane.flow.live import Filter, Order
from douane.flow.remapping import EditsLost, Wanted
from douane.flow.revisions import ChangedMeanwhile
from douane.model.operation import Operation
from douane.model.sheet_import import sheet_detail
from douane.model.template import Column, Template
from douane.sheet.searching import Search
from douane.store import people, projects, templates
from douane.store.database import write
from douane.store.ids import new_id

once = pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
TEMPLATE = Template(
    "Remapping",
    (
        Column("name", "Name", required=True),
        Column("mail", "Mail", unique=True),
        Column("n", "N", "Number"),
        Column("note", "Note"),
    ),
)
LINES = ["Old list,,,", "name,mail,n,extra", "Ada,a@x,1,p", "Bob,b@x,2,q", "Eve,b@x,x,", "Kim,k@x,4,s"]


def project(house: House) -> str:
    with write(house.engine) as connection:
        person = people.add(
            connection, email=f"{new_id()}@b.co", username=new_id(), first_name="", last_name="", password_hash="x"
        )
        return projects.add(connection, name="Project", owner_id=person.id).id


def read_file(
    house: House, lines: list[str], *, auto: bool = True, project_id: str = "", template_id: str = ""
) -> Operation:
    operation_id = new_id()
    data = "\n".join(lines).encode()
    house.objects.put_bytes(f"{operation_id}/source", data)
    source = StoredSource(f"{operation_id}/source", len(data), "", "a.csv", "text/csv")
    new = NewImport(
        operation_id, project_id or project(house), template_id or new_id(), TEMPLATE, source, auto=auto, header=2
    )
    operation = imports.begin(house, new)
    work.read(house, operation.id)
    return imports.get(house, operation.id)


def checked(house: House, lines: list[str] = LINES) -> Operation:
    operation = read_file(house, lines)
    work.check(house, operation.id)
    operation = imports.get(house, operation.id)
    assert operation.stage == "reviewing"
    return operation


def again(house: House, operation: Operation) -> Operation:
    """The check that a changed mapping asks for."""
    operation = imports.get(house, operation.id)
    assert (operation.stage, operation.work) == ("mapped", "check")
    work.check(house, operation.id)
    operation = imports.get(house, operation.id)
    assert (operation.stage, operation.work, operation.work_error) == ("reviewing", "", None)
    return operation


def rows(house: House, operation: Operation, kind: str = "all") -> dict[int, dict[str, object]]:
    found = live.page(house, operation, Filter(kind), Order(), 1, 1000)  # type: ignore[arg-type]
    shown = {record.index: dict(record.record) for record in found.records}
    # The published verdicts are the live ones.
    published = records.page(house, operation, kind, 1, 1000)  # type: ignore[arg-type]
    assert [record.index for record in published.records] == list(shown)
    assert {record.index: dict(record.record) for record in published.records} == shown
    return shown


def cells(house: House, operation: Operation) -> dict[tuple[int, int], str | None]:
    """What stands at each (row, position) of the file."""
    width = sheet_detail(operation).width
    with live.standing(house, operation) as now:
        places, _ = live.places_of(now, Filter())
        frame = now.live.read(places)
        numbers = now.live.numbers_at(places).tolist()
        return {
            (row, at): frame[f"c{at}"][place]
            for place, row in enumerate(numbers)
            if row < now.live.rows_of_file
            for at in range(width)
            if f"c{at}" in frame.columns
        }


def test_the_mapping_is_shown_with_values_and_reasons(house: House) -> None:
    operation = checked(house)
    found = remapping.mapped(house, operation)
    assert [(one.text, one.values, one.key) for one in found.headings] == [
        ("name", ("Ada", "Bob", "Eve"), "name"),
        ("mail", ("a@x", "b@x", "k@x"), "mail"),
        ("n", ("1", "2", "x"), "n"),
        ("extra", ("p", "q", "s"), None),
    ]
    assert [(one.column.key, one.at, one.proposed and one.proposed.reason) for one in found.columns] == [
        ("name", 0, "key"),
        ("mail", 1, "key"),
        ("n", 2, "key"),
        ("note", None, None),
    ]
    assert found.missing == ()
    asked = read_file(house, LINES, auto=False)
    assert [one.at for one in remapping.mapped(house, asked).columns] == [0, 1, 2, None]
    with pytest.raises(BadRequest, match="without a file"):
        remapping.mapped(house, imports.begin(house, NewImport(new_id(), project(house), new_id(), TEMPLATE, None)))


def test_changed_cells_go_with_their_cell(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for cells_in_sql in (1000, 0):
        monkeypatch.setattr(revisions, "CELLS_IN_SQL", cells_in_sql)
        operation = checked(house)
        changing.set_cells(house, operation, [(2, "name", "Ada L."), (4, "n", "3"), (4, "extra", "r")], How())
        changing.set_cells(house, operation, [(3, "mail", "bob@x")], How())
        changing.delete(house, operation, [5])
        records.edit(house, operation, 9, {"name": "New", "mail": "new@x", "extra": "e"}, {})
        changing.undo(house, operation, 2, How())
        dry = Wanted({"name": 1, "mail": 0, "note": 3}, dry_run=True)
        seen = remapping.change(house, operation, dry)
        assert [(line.key, line.before, line.after) for line in seen.columns] == [
            ("name", "name", "mail"),
            ("mail", "mail", "name"),
            ("note", None, "extra"),
        ]
        # Of the added record its own column "extra" is another one's now; the file's cells all have a place.
        assert (seen.applied, seen.gone, [(one.row, one.key) for one, _ in seen.lost]) == (False, 1, [(9, "extra")])
        with pytest.raises(EditsLost) as refused:
            remapping.change(house, operation, Wanted(dry.columns))
        assert refused.value.changed.gone == 1
        assert imports.get(house, operation.id).stage == "reviewing"
        before = cells(house, operation)
        done = remapping.change(house, operation, Wanted(dry.columns, agreed=True))
        assert done.applied
        operation = again(house, operation)
        assert cells(house, operation) == before
        shown = rows(house, operation)
        assert list(shown) == [2, 3, 4, 9]
        assert (shown[2]["name"], shown[2]["mail"], shown[4]["note"]) == ("a@x", "Ada L.", "r")
        assert (shown[9]["name"], shown[9]["mail"], shown[9].get("note")) == ("New", "new@x", None)
        # Undo and redo go on, on the cells where they stand now.
        assert changing.redo(house, operation, 2, How()).cells == 1
        changing.undo(house, operation, 1, How())
        shown = {record.index: record.record for record in live.page(house, operation, Filter(), Order(), 1, 9).records}
        assert (shown[3]["name"], shown[2]["mail"], shown[4]["note"]) == ("bob@x", "Ada", "")
        kinds = [entry.revision.kind for entry in changing.listed(house, operation, 1, 99)[0]]
        assert kinds == ["undo", "redo", "mapping", "undo", "add", "delete", "edit", "edit"]
        with pytest.raises(BadRequest, match="choosing the former"):
            changing.undo(house, operation, 6, How())
        # Who saw the data before knows other columns by these names.
        with pytest.raises(ChangedMeanwhile):
            changing.set_cells(house, operation, [(3, "name", "x")], How(seen=5))


def test_another_heading_record(house: House) -> None:
    operation = checked(house)
    changing.set_cells(house, operation, [(2, "name", "Ada L.")], How())
    records.edit(house, operation, 1, {"name": "Added"}, {})
    with pytest.raises(BadRequest, match="Name is required"):
        remapping.change(house, operation, Wanted(new_header=True, header=0))
    columns = {"name": 0, "mail": 1}
    done = remapping.change(house, operation, Wanted(columns, new_header=True, header=0, agreed=True))
    assert done.header == (1, 0)
    operation = again(house, operation)
    shown = rows(house, operation)
    # The headings of before are a record now, and the added one, which bore its number, has another.
    assert [(row, one["name"]) for row, one in shown.items()] == [
        (1, "name"),
        (2, "Ada L."),
        (3, "Bob"),
        (4, "Eve"),
        (5, "Kim"),
        (6, "Added"),
    ]
    # Down: what becomes a heading or stands above it takes its changes along.
    with pytest.raises(EditsLost) as refused:
        remapping.change(house, operation, Wanted(columns, new_header=True, header=3))
    (lost,) = refused.value.changed.lost
    assert (lost[0].row, lost[0].key, lost[0].text, lost[1]) == (2, "name", "Ada L.", 3)
    remapping.change(house, operation, Wanted(columns, new_header=True, header=3, agreed=True))
    operation = again(house, operation)
    assert {row: one["name"] for row, one in rows(house, operation).items()} == {4: "Eve", 5: "Kim", 6: "Added"}
    assert imports.headings(operation)[2:] == ["2", "q"]
    # And a file without headings.
    named = Wanted({"name": 0}, new_header=True, header=None, names=["first"], agreed=True)
    remapping.change(house, operation, named)
    operation = again(house, operation)
    assert imports.headings(operation) == ["name", "column 2", "column 3", "column 4"]
    assert len(rows(house, operation)) == 7


@once
def test_random_changes_of_mapping_and_data_lose_nothing_unsaid(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revisions, "CELLS_IN_SQL", 3)
    chance = random.Random(20261130)
    lines = ["name,mail,n,extra,more"] + [f"N{at},m{at % 9}@x,{at},e{at % 3},z" for at in range(12)]
    operation = read_file(house, ["title", *lines])
    work.check(house, operation.id)
    operation = imports.get(house, operation.id)
    for step in range(14):
        shown = live.page(house, operation, Filter(), Order(), 1, 1000).records
        kind = chance.choice(["cell", "cell", "replace", "undo", "delete", "map", "map", "header"])
        some = chance.choice(shown).index
        fields = list(shown[0].record)
        if kind == "cell":
            changing.set_cells(house, operation, [(some, chance.choice(fields), f"t{step}")], How())
        elif kind == "replace":
            changing.replace(house, operation, Search("e", False, False), f"E{step}", None, Filter(), How())
        elif kind == "delete" and len(shown) > 4:
            changing.delete(house, operation, [some])
        elif kind == "undo":
            able = [
                entry.revision.number
                for entry in changing.listed(house, operation, 1, 1000)[0]
                if not entry.undone and entry.revision.undoes is None and entry.revision.kind != "mapping"
            ]
            if able:
                changing.undo(house, operation, chance.choice(able), How())
        elif kind in ("map", "header"):
            before = cells(house, operation)
            at = chance.sample(range(5), 3)
            columns: dict[str, int | None] = {"name": at[0], "mail": at[1], "n": chance.choice([None, at[2]])}
            header = chance.choice([0, 1, 2]) if kind == "header" else None
            wanted = Wanted(columns, kind == "header", header, agreed=True)
            seen = remapping.change(house, operation, Wanted(columns, kind == "header", header, dry_run=True))
            assert remapping.change(house, operation, wanted).gone == seen.gone
            operation = again(house, operation)
            after = cells(house, operation)
            first = sheet_detail(operation).first_data_row
            # All but what was said to be lost: what stands above the headings, or beyond the last one.
            other = {cell for cell, text in before.items() if cell[0] >= first and after.get(cell) != text}
            said = {one.row for one, _ in seen.lost}
            assert {row for row, _ in other} <= said, step
            assert len(other) <= seen.gone, step
            stands = {
                kind: [record.index for record in records.page(house, operation, kind, 1, 1000).records]
                for kind in ("valid", "invalid")
            }
            # From the ground.
            live._tables._kept.clear()
            for view, expected in stands.items():
                found = live.page(house, operation, Filter(view), Order(), 1, 1000)  # type: ignore[arg-type]
                assert [record.index for record in found.records] == expected, step
            assert operation.total == len(rows(house, operation))


@once
def test_a_check_that_runs_is_superseded(house: House) -> None:
    operation = checked(house)
    counted = {"uploads": 0}

    def count(_connection: object, _id: str, **values: int) -> None:
        counted["uploads"] += values["uploads"]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(templates, "count", count)
        remapping.change(house, operation, Wanted({"n": 3}))
        held = imports.get(house, operation.id)
        remapping.change(house, operation, Wanted({"n": None, "note": 2}))
        now = imports.get(house, operation.id)
        assert now.attempt > held.attempt
        operation = again(house, operation)
    assert counted == {"uploads": 0}
    assert (operation.valid, operation.invalid) == (3, 1)
    assert rows(house, operation)[4]["note"] == "x"
    imports.confirm(house, operation)
    with pytest.raises(WrongStage):
        remapping.change(house, operation, Wanted({"n": 2}))


@once
def test_what_cannot_be_chosen_is_refused(house: House) -> None:
    operation = checked(house)
    for columns, said in (
        ({"nothing": 0}, "no column"),
        ({"name": 4}, "no heading 4"),
        ({"name": -1}, "no heading"),
        ({"name": 1, "mail": 1}, "already mapped"),
        ({"name": None}, "Name is required"),
        ({"mail": 0}, "Name is required"),
    ):
        with pytest.raises(BadRequest, match=said):
            remapping.change(house, operation, Wanted(columns))
    for header in (6, 1000, 10**12, -1):
        with pytest.raises(BadRequest, match="among the first"):
            remapping.change(house, operation, Wanted(new_header=True, header=header))
    assert imports.get(house, operation.id) == operation


@once
def test_before_the_check_only_the_choice_is_changed(house: House) -> None:
    operation = read_file(house, LINES, auto=False)
    assert remapping.change(house, operation, Wanted({"name": None})).missing
    operation = imports.get(house, operation.id)
    assert (operation.stage, sheet_detail(operation).chosen) == ("mapping", (None, 1, 2, None))
    remapping.change(house, operation, Wanted({"name": 0, "note": 3}))
    operation = imports.get(house, operation.id)
    choices = [Choice("name", "name"), Choice("mail", "mail"), Choice("n", "n"), Choice("note", "extra")]
    operation = imports.finalize(house, operation, choices)
    remapping.change(house, operation, Wanted({"note": None}))
    operation = imports.ask_review(house, imports.get(house, operation.id))
    work.check(house, operation.id)
    assert rows(house, imports.get(house, operation.id))[2]["extra"] == "p"


def test_a_changed_mapping_that_is_killed_is_whole_or_not_at_all(house: House) -> None:
    chance = random.Random(20261131)
    lines = ["", "name,mail,n,extra"] + [f"N{at},m{at}@x,{at},e{at}" for at in range(60)]
    operation = read_file(house, lines)
    work.check(house, operation.id)
    operation = imports.get(house, operation.id)
    changing.change(house, operation, "name", "changed", Filter(), How())
    changing.set_cells(house, operation, [(5, "mail", "mine@x")], How())
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.flow.remapping_program", operation.id],
            env={**os.environ, **house.settings.environment()},
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        for _ in range(chance.randint(1, 3)):
            assert process.stdout.readline() == b"changed\n"
        threading.Event().wait(chance.uniform(0, 0.3))
        process.kill()
        process.wait()
        process.stdout.close()
        now = imports.get(house, operation.id)
        if now.stage == "mapped":
            work.check(house, now.id)
        now = imports.get(house, operation.id)
        assert (now.stage, now.total) == ("reviewing", 60)
        chosen = sheet_detail(now).chosen
        name, mail = ("name", "mail") if chosen == (0, 1, 2, None) else ("mail", "name")
        assert chosen in ((0, 1, 2, None), (1, 0, 2, None))
        found = rows(house, now)
        assert {one[name] for one in found.values()} == {"changed"}
        assert [row for row, one in found.items() if one[mail] == "mine@x"] == [5]
        operation = now
