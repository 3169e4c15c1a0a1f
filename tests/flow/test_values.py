"""The file's values of a column beside the template's: many spellings mapped to few values at once, and remembered."""

from __future__ import annotations

import pytest

from douane.errors import BadRequest
from douane.flow import changing, forgetting, imports, learned, live, remapping, suggestions, values, work
from douane.flow.changing import How
from douane.flow.house import House
from douane.flow.imports import NewImport, StoredSource
from douane.flow.live import Filter, Order
from douane.flow.remapping import Wanted
from douane.model.operation import Operation
from douane.model.template import Column, Template
from douane.store import templates
from douane.store.database import write
from douane.store.ids import new_id
from tests.flow.test_remapping import project

once = pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
SPELLINGS = [
    "DE",
    "Germany",
    "germany",
    "Deutschland",
    "BRD",
    "D",
    "AT",
    "Österreich",
    "oesterreich",
    "A",
    "CH",
    "Schweiz",
    "",
]
TEMPLATE = Template(
    "Values",
    (
        Column("land", "Land", "Select", required=True, options=("DE", "AT", "CH")),
        Column("tags", "Tags", "Select", options=("red", "blue"), multi=True),
        Column("free", "Free"),
    ),
)


def checked(house: House, lines: list[str], project_id: str, template_id: str) -> Operation:
    operation_id = new_id()
    data = "\n".join(["land;tags;free", *lines]).encode()
    house.objects.put_bytes(f"{operation_id}/source", data)
    source = StoredSource(f"{operation_id}/source", len(data), "", "a.csv", "text/csv")
    operation = imports.begin(house, NewImport(operation_id, project_id, template_id, TEMPLATE, source, auto=True))
    work.read(house, operation.id)
    work.check(house, operation.id)
    return imports.get(house, operation.id)


def kept(house: House) -> tuple[str, str]:
    project_id = project(house)
    with write(house.engine) as connection:
        return project_id, templates.add(connection, project_id=project_id, name="T", document={}).id


def column(house: House, operation: Operation, key: str) -> list[str]:
    shown = live.page(house, operation, Filter(), Order(), 1, 1000).records
    return [str(one.record.get(key) or "") for one in shown]


def test_twelve_spellings_become_three_values_once(house: House) -> None:
    project_id, template_id = kept(house)
    lines = [f"{text};;{at % 3}" for at, text in enumerate(SPELLINGS * 3)]
    operation = checked(house, lines, project_id, template_id)
    found = values.of_column(house, operation, "land")
    assert found.allowed == ("DE", "AT", "CH")
    assert (found.texts, found.bad, found.blank) == (12, 9, 3)
    shown = {one.text: (one.cells, one.bad, one.proposal and one.proposal.text) for one in found.found}
    assert shown["DE"] == (3, 0, None)
    assert shown["Deutschland"] == (3, 3, None)
    assert [one.bad for one in found.found] == [3] * 9 + [0] * 3
    instead = dict.fromkeys(["Germany", "germany", "Deutschland", "BRD", "D"], "DE")
    instead |= dict.fromkeys(["Österreich", "oesterreich", "A"], "AT") | {"Schweiz": "CH", "": "DE"}
    dry = values.apply(house, operation, "land", instead, Filter(), How(dry_run=True))
    assert (dry.cells, dry.revision, len(dry.sample)) == (30, 0, 10)
    assert learned.listed(house, project_id, template_id) == []
    done = values.apply(house, operation, "land", instead, Filter(), How())
    assert (done.cells, done.records, done.revision) == (30, 30, 1)
    assert set(column(house, operation, "land")) == {"DE", "AT", "CH"}
    assert values.of_column(house, operation, "land").bad == 0
    # One revision, which is taken back as one.
    changing.undo(house, operation, 1, How())
    assert column(house, operation, "land") == SPELLINGS * 3
    # The next file has them proposed, in any case; what is wrong is never changed by itself.
    again = checked(house, ["DEUTSCHLAND;;", "brd;;", "Elbonia;;"], project_id, template_id)
    proposed = {one.text: one.proposal for one in values.of_column(house, again, "land").found}
    assert {text: one and (one.text, one.reason) for text, one in proposed.items()} == {
        "DEUTSCHLAND": ("DE", "learned"),
        "brd": ("DE", "learned"),
        "Elbonia": None,
    }
    assert suggestions.of_cell(house, again, 1, "land").proposals[0].reason == "learned"
    assert column(house, again, "land") == ["DEUTSCHLAND", "brd", "Elbonia"]
    values.apply(house, again, "land", {"Elbonia": "CH"}, Filter(), How(), remember=False)
    remembered = [one for one, _ in learned.listed(house, project_id, template_id)]
    # Written alike but for the case is one.
    assert {one.text for one in remembered} == {*SPELLINGS} - {"", "DE", "AT", "CH", "germany"}
    assert {(one.kind, one.within) for one in remembered} == {("value", "land")}
    # Who is forgotten is remembered nowhere.
    forgetting.person(house, project_id, template_id, "land", " brd ")
    assert "BRD" not in {one.text for one, _ in learned.listed(house, project_id, template_id)}
    assert column(house, again, "land") == ["DEUTSCHLAND", "CH"]
    # Without its file, which went with the person, it can be mapped otherwise all the same.
    assert remapping.change(house, again, Wanted({"free": 1, "tags": None})).applied


@once
def test_each_of_several_choices_is_mapped_by_itself(house: House) -> None:
    operation = checked(house, ["DE;red,bleu;", "DE;rot,red;", "DE; bleu ;", "DE;;"], *kept(house))
    found = values.of_column(house, operation, "tags")
    assert {one.text: (one.cells, one.bad) for one in found.found} == {"red": (2, 0), "bleu": (2, 2), "rot": (1, 1)}
    assert found.blank == 1
    values.apply(house, operation, "tags", {"rot": "red", "bleu": "blue", "": "red"}, Filter(), How())
    assert column(house, operation, "tags") == ["red,blue", "red", "blue", "red"]


@once
def test_a_column_without_a_list_and_what_is_refused(house: House) -> None:
    operation = checked(house, ["DE;;a", "AT;;b", "CH;;a"], *kept(house))
    found = values.of_column(house, operation, "free")
    assert ([one.text for one in found.found], found.allowed, found.bad) == (["a", "b"], (), 0)
    done = values.apply(house, operation, "free", {"a": "x", "b": "a"}, Filter(find="D", find_in="land"), How())
    assert done.cells == 1
    assert column(house, operation, "free") == ["x", "b", "a"]
    with pytest.raises(BadRequest, match="not one of the values"):
        values.apply(house, operation, "land", {"DE": "Elbonia"}, Filter(), How())
    for key in ("nothing", ""):
        with pytest.raises(BadRequest):
            values.of_column(house, operation, key)
        with pytest.raises(BadRequest):
            values.apply(house, operation, key, {"a": "b"}, Filter(), How())
    assert values.apply(house, operation, "land", {"DE": "", "XX": "AT"}, Filter(), How()).cells == 1
