"""Bulk revisions, undo and redo against a plain model in Python: what stands, what is valid, what is counted."""

from __future__ import annotations

import dataclasses
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from douane.errors import BadFile, BadRequest, DouaneError, NotFound, OverLimit, StorageFull, WrongStage
from douane.flow import changing, imports, live, records, replacing, revisions, work
from douane.flow.changing import How
from douane.flow.house import House
from douane.flow.imports import NewImport, StoredSource
from douane.flow.live import Filter, Order
from douane.flow.revisions import ChangedMeanwhile
from douane.line import Event
from douane.line import sheet as line
from douane.model.operation import Operation
from douane.model.template import Column, Template
from douane.sheet.searching import Search
from douane.sheet.template_file import read_template
from douane.staging import live as live_table
from douane.staging import revisions as layers
from douane.store import people, projects
from douane.store.database import write
from douane.store.ids import new_id

once = pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
KEYS = ("name", "mail", "n")
TEMPLATE = Template(
    "Changing",
    (Column("name", "Name", required=True), Column("mail", "Mail", unique=True), Column("n", "N", "Number")),
)


def checked(house: House, rows: list[list[str]], template: Template = TEMPLATE) -> Operation:
    with write(house.engine) as connection:
        person = people.add(
            connection, email=f"{new_id()}@b.co", username=new_id(), first_name="", last_name="", password_hash="x"
        )
        project_id = projects.add(connection, name="Project", owner_id=person.id).id
    keys = [column.key for column in template.columns]
    data = "\n".join(",".join(row) for row in [keys, *rows]).encode()
    operation_id = new_id()
    house.objects.put_bytes(f"{operation_id}/source", data)
    source = StoredSource(f"{operation_id}/source", len(data), "", "a.csv", "text/csv")
    operation = imports.begin(house, NewImport(operation_id, project_id, new_id(), template, source, auto=True))
    work.read(house, operation.id)
    work.check(house, operation.id)
    return imports.get(house, operation.id)


def reviewed(house: House, operation: Operation) -> Operation:
    if imports.ask_review(house, imports.get(house, operation.id)).work == "check":
        work.check(house, operation.id)
    return imports.get(house, operation.id)


@dataclass
class Model:
    """Rows by number; a revision is the cells it gave, and whether it is out."""

    file: dict[int, dict[str, str]]
    revisions: list[tuple[bool, dict[tuple[int, str], str | None]]] = field(default_factory=list)

    def rows(self) -> dict[int, dict[str, str]]:
        rows = {row: dict(cells) for row, cells in self.file.items()}
        here = dict.fromkeys(rows, True)
        for out, cells in self.revisions:
            if out:
                continue
            for (row, key), text in cells.items():
                if key == "":
                    here[row] = text != "deleted"
                else:
                    rows.setdefault(row, {})[key] = text or ""
        return {row: cells for row, cells in rows.items() if here.get(row)}

    def invalid(self) -> set[int]:
        rows, seen, wrong = self.rows(), set(), set()
        for row in sorted(rows, key=lambda row: (row not in self.file, row)):
            cells = rows[row]
            mail, number = cells.get("mail", "").strip(), cells.get("n", "").strip()
            if not cells.get("name", "").strip() or (mail and mail in seen) or (number and not number.isdigit()):
                wrong.add(row)
            if mail:
                seen.add(mail)
        return wrong


def listed(house: House, operation: Operation, chosen: Filter, order: Order | None = None) -> list[int]:
    with live.standing(house, operation) as now:
        places, whole = live.places_of(now, chosen, order)
        assert whole
        return [int(row) for row in now.live.numbers[places]]


def agrees(house: House, operation: Operation, model: Model) -> None:
    rows, wrong = model.rows(), model.invalid()
    in_order = sorted(rows, key=lambda row: (row not in model.file, row))
    assert listed(house, operation, Filter()) == in_order
    assert listed(house, operation, Filter("invalid")) == [row for row in in_order if row in wrong]
    with live.standing(house, operation) as now:
        places, _ = live.places_of(now, Filter())
        frame = now.live.read(places)
        for key in KEYS:
            name = f"c{now.form.keys[key]}"
            texts = frame[name].to_list() if name in frame.columns else [None] * len(rows)
            assert [text or "" for text in texts] == [rows[row].get(key, "") for row in in_order], key
        valid, invalid, _ = now.live.counts()
        assert (valid, invalid) == (len(rows) - len(wrong), len(wrong))
        counted = np.zeros_like(now.live.rule_counts)
        for bit in range(len(counted)):
            counted[bit] = np.count_nonzero((now.live.words[:, bit // 64] >> np.uint64(bit % 64)) & np.uint64(1))
        assert now.live.rule_counts.tolist() == counted.tolist()
    stands = imports.get(house, operation.id)
    assert stands.total == len(rows)


KINDS = ["cell", "cell", "replace", "replace", "change", "delete", "add", "undo", "undo", "redo", "review", "forget"]
KINDS += ["about", "about"]


@pytest.mark.parametrize("large", [False, True])
def test_random_changes_agree_with_a_plain_model_and_with_a_fresh_check(
    house: House, monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    if large:
        monkeypatch.setattr(replacing, "LARGE_CELLS", 20)  # and a child works many of them out
    monkeypatch.setattr(revisions, "CELLS_IN_SQL", 8)  # so that some are columnar
    monkeypatch.setattr(layers, "_HELD_MAX", 12)  # and of several pieces
    monkeypatch.setattr(live_table, "MANY", 6)  # and some compare all rows anew
    monkeypatch.setattr(live, "TURNED_ROWS", 3)  # and are turned about
    for number in range(int(os.environ.get("DOUANE_TORTURE_ROUNDS", "1"))):
        random_changes_agree(house, int(os.environ.get("DOUANE_TORTURE_SEED", "20261129")) + number)


def random_changes_agree(house: House, seed: int) -> None:
    chance = random.Random(seed)
    given = [
        [chance.choice(["Ada", "Bob", "", "ann"]), chance.choice(["", "a@x", "b@x", "c@x"]), chance.choice("12x ")]
        for _ in range(40)
    ]
    operation = checked(house, given)
    model = Model({at: dict(zip(KEYS, row, strict=True)) for at, row in enumerate(given, 1)})
    agrees(house, operation, model)
    for step in range(60):
        kind = chance.choice(KINDS)
        rows = model.rows()
        made: dict[tuple[int, str], str | None] = {}
        if kind == "cell" and rows:
            for _ in range(chance.randint(1, 3)):
                made[chance.choice(sorted(rows)), chance.choice(KEYS)] = chance.choice(["Eve", "a@x", "7", "x", ""])
            changing.set_cells(house, operation, [(row, key, text) for (row, key), text in made.items()], How())
            made = {(row, key): text for (row, key), text in made.items() if rows[row].get(key) != text}
        elif kind == "replace":
            column, find = chance.choice([None, *KEYS]), chance.choice(["a", "A", "x", "1", ""])
            text = chance.choice(["b", "", "$1"])
            chosen = chance.choice([Filter(), Filter("invalid"), Filter(changed=False)])
            touched = {row for out, cells in model.revisions if not out for row, key in cells if key}
            picked = [
                row
                for row in rows
                if (chosen.type == "all" or row in model.invalid())
                and (chosen.changed is None or (row not in touched and row in model.file))
            ]
            for row in picked:
                for key in KEYS if column is None else [column]:
                    old = rows[row].get(key, "")
                    new = (text if not old.strip() else old) if find == "" else old.replace(find, text)
                    if new != old:
                        made[row, key] = new
            change = changing.replace(house, operation, Search(find, case_sensitive=True), text, column, chosen, How())
            assert (change.records, change.matched) == (len({row for row, _ in made}), len(picked)), (seed, step)
        elif kind == "change":
            wrong = model.invalid()
            made = {(row, "n"): "5" for row in wrong if rows[row].get("n") != "5"}
            changing.change(house, operation, "n", 5, Filter("invalid"), How())
        elif kind == "delete" and len(rows) > 5:
            gone = chance.sample(sorted(rows), chance.randint(1, 3))
            made = {(row, ""): "deleted" for row in gone}
            changing.delete(house, operation, [*gone, 999])
        elif kind == "add":
            row = chance.choice([chance.randint(41, 60), *model.file])
            if row in rows:
                continue
            made = {(row, ""): "added" if row not in model.file else None}
            # What it held once does not come back with it.
            held = {key for out, cells in model.revisions if not out for at, key in cells if at == row and key}
            made |= {(row, key): None for key in (KEYS if row in model.file else held)}
            made |= {(row, "name"): "New", (row, "mail"): chance.choice(["a@x", "d@x"])}
            records.edit(house, operation, row, {"name": "New", "mail": made[row, "mail"]}, {})
        elif kind == "about" and model.revisions and not model.revisions[-1][0]:
            # The last one out and in again, nothing between.
            real = real_number(house, operation, len(model.revisions))
            for out in (True, False):
                (changing.undo if out else changing.redo)(house, operation, real, How())
                model.revisions[-1] = (out, model.revisions[-1][1])
                agrees(house, operation, model)
            continue
        elif kind in ("undo", "redo"):
            turn = changing.undo if kind == "undo" else changing.redo
            able = [at for at, (out, _) in enumerate(model.revisions, 1) if out == (kind == "redo")]
            if not able:
                continue
            number = chance.choice(able)
            real = real_number(house, operation, number)
            out, cells = model.revisions[number - 1]
            later = {cell for was_out, more in model.revisions[number:] if not was_out for cell in more}
            done = turn(house, operation, real, How())
            assert (done.cells + done.kept, done.kept) == (len(cells), len(set(cells) & later)), (seed, step)
            model.revisions[number - 1] = (not out, cells)
            agrees(house, operation, model)
            continue
        elif kind == "forget":
            live._tables._kept.clear()
        elif kind == "review":
            operation = reviewed(house, operation)
        if made:
            model.revisions.append((False, made))
        agrees(house, operation, model)
    # The live verdicts are those of a review, and those of a check from the ground.
    alive = {kind: listed(house, operation, Filter(kind)) for kind in ("valid", "invalid")}
    operation = reviewed(house, operation)
    for kind, expected in alive.items():
        assert [one.index for one in records.page(house, operation, kind, 1, 1000).records] == expected
    assert (operation.valid, operation.invalid) == (len(alive["valid"]), len(alive["invalid"]))
    live._tables._kept.clear()
    agrees(house, operation, model)


# Notes that other records give reason for, keys over two columns, a comparison beside it.
TELLING = read_template(
    {
        "name": "Telling",
        "columns": [
            {"key": "id", "name": "id", "isUnique": True},
            {"key": "price", "name": "price", "type": "Double", "validations": [{"validate": "range", "max": 50}]},
            {"key": "day", "name": "day", "type": "Date", "dateFormats": ["YYYY-MM-DD", "DD.MM.YYYY"]},
            {
                "key": "end",
                "name": "end",
                "type": "Date",
                "dateFormats": ["YYYY-MM-DD"],
                "validations": [{"validate": "compare", "is": "after", "column": "day"}],
            },
            {"key": "a", "name": "a", "validations": [{"validate": "unique_with", "uniqueKey": "pair"}]},
            {"key": "b", "name": "b", "validations": [{"validate": "unique_with", "uniqueKey": "pair"}]},
        ],
    }
)


@once
@pytest.mark.parametrize("large", [False, True])
def test_what_is_judged_while_it_is_replaced_is_what_a_check_from_the_ground_says(
    house: House, monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    if large:
        monkeypatch.setattr(replacing, "LARGE_CELLS", 1)
    monkeypatch.setattr(revisions, "CELLS_IN_SQL", 8)
    monkeypatch.setattr(live_table, "MANY", 6)
    taken: list[int] = []
    take = live_table.Live._take
    monkeypatch.setattr(live_table.Live, "_take", lambda self, *of: (taken.append(1), take(self, *of)))
    chance = random.Random(int(os.environ.get("DOUANE_TORTURE_SEED", "20261130")))
    prices, days = ["1.5", "1,5", "12", "1.234,5", "x"], ["2024-05-06", "06.05.2024", "2025-01-02", "05/06/24", ""]
    operation = checked(
        house,
        [
            [
                str(row),
                f'"{chance.choice(prices)}"',
                chance.choice(days),
                chance.choice(days),
                *chance.choices("pqr", k=2),
            ]
            for row in range(60)
        ],
        TELLING,
    )
    for _ in range(16):
        if chance.random() < 0.3:
            chosen = chance.choice([Filter("invalid"), Filter(find="2024"), Filter(changed=True)])
            column, value = chance.choice([("price", "1,5"), ("day", "2024-05-06"), ("a", "p"), ("end", None)])
            changing.change(house, operation, column, value, chosen, How())
        else:
            find, text = chance.sample(["1", "2", ",", ".", "-", "p", "q", "2024", "2025", "5"], 2)
            column = chance.choice([None, None, "price", "day", "b"])
            changing.replace(house, operation, Search(find, case_sensitive=True), text, column, Filter(), How())
        with live.standing(house, operation) as now:
            anew = live_table.Live(
                now.live.checker, now.live.parts, now.live.positions, now.live.first_data_row, now.live.locate
            )
            anew.judge_all(now.live.cells)
            assert now.live.words.tolist() == anew.words.tolist()
            assert now.live.state.tolist() == anew.state.tolist()
            assert now.live.rule_counts.tolist() == anew.rule_counts.tolist()
            assert np.array(now.live.hashes).tolist() == np.array(anew.hashes).tolist()
    assert len(taken) > 6


@once
@pytest.mark.walled
@pytest.mark.parametrize(("rows", "case_sensitive"), [(65, True), (65, False), (1, True)])
def test_a_replacement_that_outgrows_its_child_is_refused_and_changes_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch, rows: int, case_sensitive: bool
) -> None:
    monkeypatch.setattr(house.seats, "_limits", dataclasses.replace(house.seats._limits, memory_bytes=512 << 20))
    operation = checked(house, [["a" * 1000, f"{row}@b.co", "1"] for row in range(rows)])
    search, text = Search("a", case_sensitive), "b" * (1 << 20)
    with pytest.raises(
        BadRequest, match=r"takes more memory than it may \(setting child_memory_bytes\); do it in fewer"
    ):
        changing.replace(house, operation, search, text, "name", Filter(), How())
    assert changing.listed(house, operation, 1, 10)[0] == []
    assert not list(house.settings.work_folder.glob("s*-*")), "nothing is left in the folder for work"
    done = changing.replace(house, operation, search, text[:1000], "name", Filter(), How())
    assert (done.revision, done.cells) == (1, rows)


@once
@pytest.mark.parametrize("case_sensitive", [True, False])
def test_a_replacement_that_no_child_can_work_out_and_that_outgrows_us_is_refused(
    house: House, monkeypatch: pytest.MonkeyPatch, case_sensitive: bool
) -> None:
    monkeypatch.setattr(replacing, "LARGE_CHARS", 1000)
    operation = checked(house, [["a" * 40, "a@b.co", "1"]])
    records.edit(house, operation, 9, {"name": "a" * 40, "mail": "c@d.co"}, {})  # which stands in no file
    before = changing.listed(house, operation, 1, 10)
    with pytest.raises(BadRequest, match="may bring too much text; do it in fewer records or columns at once"):
        changing.replace(house, operation, Search("a", case_sensitive), "b" * 100, "name", Filter(), How())
    assert changing.listed(house, operation, 1, 10) == before
    done = changing.replace(house, operation, Search("a", case_sensitive), "b", "name", Filter(), How())
    assert done.cells == 2


@once
def test_what_ends_the_child_of_a_replacement_is_told_as_that(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replacing, "LARGE_CELLS", 1)
    operation = checked(house, [["a", "a@b.co", "1"]])
    ends: list[tuple[DouaneError, type[DouaneError], str]] = [
        (
            OverLimit("Reading took long.", setting="child_cpu_s"),
            BadRequest,
            r"more time than it may \(setting child_cpu_s",
        ),
        (BadFile("The file could not be read."), DouaneError, "^Something went wrong while the cells were replaced"),
        (StorageFull("No room."), StorageFull, "No room."),
    ]
    for end, kind, sentence in ends:

        def ended(*_: object, end: DouaneError = end, **__: object) -> None:
            raise end

        monkeypatch.setattr(replacing, "run_child", ended)
        with pytest.raises(DouaneError, match=sentence) as raised:
            changing.replace(house, operation, Search("a", True), "b", None, Filter(), How())
        assert type(raised.value) is kind
        assert not list(house.settings.work_folder.glob("s*-*"))


@once
@pytest.mark.parametrize("rows", [(1, 0, 2), (0, 0, 1), (-1, 0, 1), (0, 1, 9)])
def test_a_child_that_names_other_records_is_not_believed(
    house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rows: tuple[int, ...]
) -> None:
    monkeypatch.setattr(replacing, "LARGE_CELLS", 1)
    operation = checked(house, [["a", "a@b.co", str(number)] for number in range(3)])

    def said(*_: object, on_event: Callable[[Event], None], **__: object) -> None:
        found = tmp_path / "found"
        np.array([*rows, 1, 1, 1], np.int64).tofile(found)
        on_event(line.Replaced(0, len(rows), tmp_path / "cells", found, False, {}, ()))

    monkeypatch.setattr(replacing, "run_child", said)
    with pytest.raises(ValueError, match="records that it was not asked for"):
        changing.replace(house, operation, Search("a", True), "b", None, Filter(), How())


def real_number(house: House, operation: Operation, number: int) -> int:
    """Of the model's revision: undo and redo take numbers too."""
    entries, _, _ = changing.listed(house, operation, 1, 1000)
    return [entry.revision.number for entry in reversed(entries) if entry.revision.undoes is None][number - 1]


def test_a_change_that_is_killed_is_whole_or_not_at_all(house: House) -> None:
    chance = random.Random(20261129)
    operation = checked(house, [["Ada", f"m{at}@x", "1"] for at in range(200)])
    revisions_seen = 0
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.flow.changing_program", operation.id],
            env={**os.environ, **house.settings.environment()},
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        for _ in range(chance.randint(1, 4)):
            assert process.stdout.readline() == b"changed\n"
        threading.Event().wait(chance.uniform(0, 0.05))
        process.kill()
        process.wait()
        process.stdout.close()
        entries, _, last = changing.listed(house, operation, 1, 1000)
        assert [entry.revision.number for entry in entries] == list(range(last, 0, -1))
        assert last > revisions_seen
        revisions_seen = last
        standing = [e for e in entries if not e.undone and e.revision.undoes is None]
        wanted = standing[0].revision.document["value"] if standing else "Ada"
        page = live.page(house, operation, Filter(), Order(), 1, 1000)
        assert {record.record["name"] for record in page.records} == {wanted}
        assert len(page.records) == 200


def test_two_bulk_changes_at_once_both_stand_or_one_is_refused(house: House) -> None:
    operation = checked(house, [["Ada", f"m{at}@x", "1"] for at in range(50)])

    def change(text: str, column: str, seen: int | None) -> int | str:
        try:
            return changing.change(house, operation, column, text, Filter(), How(seen=seen)).revision
        except ChangedMeanwhile as refused:
            return refused.code

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(change, "x", "name", None), pool.submit(change, "7", "n", None)]
        asked += [pool.submit(change, "y", "name", None), pool.submit(change, "9", "n", None)]
        assert sorted(one.result() for one in asked) == [1, 2, 3, 4]  # type: ignore[type-var]
    with ThreadPoolExecutor(4) as pool:
        results = [one.result() for one in [pool.submit(change, str(at), "n", 4) for at in range(4)]]
    assert sorted(map(str, results)) == ["5", *["changed_meanwhile"] * 3]
    page = live.page(house, operation, Filter(), Order(), 1, 100)
    assert len({(record.record["name"], bytes(record.record["n"])) for record in page.records}) == 1


@once
def test_what_cannot_be_undone_is_refused(house: House) -> None:
    operation = checked(house, [["Ada", "a@x", "1"], ["Bob", "b@x", "2"]])
    with pytest.raises(NotFound):
        changing.undo(house, operation, 1, How())
    changing.set_cells(house, operation, [(1, "name", "Eve")], How())
    changing.set_cells(house, operation, [(1, "n", "5")], How(seen=0))
    with pytest.raises(ChangedMeanwhile) as refused:
        changing.set_cells(house, operation, [(1, "name", "Zoe"), (2, "name", "Zoe")], How(seen=0))
    (cell,) = refused.value.cells
    assert (cell.row, cell.key, cell.text, cell.revision, refused.value.revision) == (1, "name", "Eve", 1, 2)
    with pytest.raises(BadRequest, match="not undone"):
        changing.redo(house, operation, 1, How())
    imports.confirm(house, operation)
    work.confirm(house, operation.id)
    for call in (changing.undo, changing.redo):
        with pytest.raises(WrongStage):
            call(house, operation, 1, How())
    with pytest.raises(WrongStage):
        changing.delete(house, operation, [1])
    past = changing.history(house, operation, 1, "name")
    assert (past.original, past.value, past.line) == ("Ada", "Eve", 2)


@once
def test_few_live_tables_are_kept(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "TABLES_KEPT", 2)
    made = []
    for _ in range(4):
        with write(house.engine) as connection:
            person = people.add(
                connection, email=f"{new_id()}@b.co", username=new_id(), first_name="", last_name="", password_hash="x"
            )
            project_id = projects.add(connection, name="Project", owner_id=person.id).id
        made.append(imports.begin(house, NewImport(new_id(), project_id, new_id(), TEMPLATE, None)))
        records.edit(house, made[-1], 1, {"name": "Ada"}, {})
        assert live.counts(house, made[-1]).valid == 1
    assert set(live._tables._kept) == {operation.id for operation in made[-2:]}
    # One that is no longer kept is made anew.
    assert [record.index for record in live.page(house, made[0], Filter(), Order(), 1, 10).records] == [1]
