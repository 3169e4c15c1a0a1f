"""What people chose for headings is proposed first the next time: in the same template surely, in others as a hint."""

from __future__ import annotations

import pytest

from douane.flow import imports, learned, remapping
from douane.flow.house import House
from douane.flow.imports import Choice
from douane.flow.remapping import Wanted
from douane.model.operation import Operation
from douane.model.sheet_import import sheet_detail
from douane.sheet.matching import Known, matches
from douane.store import learned as stored
from douane.store import templates
from douane.store.database import read, write
from tests.flow.test_remapping import TEMPLATE, project, read_file

once = pytest.mark.parametrize("storage", ["sqlite"], indirect=True)
LINES = ["", "Kunde,Kontakt,n", "Ada,a@x,1"]


def mapped_by(house: House, operation: Operation, *pairs: tuple[str, str]) -> None:
    operation = imports.mapping(house, operation)
    imports.finalize(house, operation, [Choice(key, heading) for key, heading in pairs])


def proposals(house: House, operation: Operation) -> dict[str, tuple[int, str, bool]]:
    found = remapping.mapped(house, imports.get(house, operation.id))
    return {
        one.column.key: (one.proposed.at, one.proposed.reason, one.proposed.sure)
        for one in found.columns
        if one.proposed is not None
    }


def test_a_choice_is_proposed_again(house: House) -> None:
    project_id = project(house)
    with write(house.engine) as connection:
        ours, other = (
            templates.add(connection, project_id=project_id, name=name, document={}).id for name in ("Ours", "Other")
        )
    first = read_file(house, LINES, auto=False, project_id=project_id, template_id=ours)
    assert "mail" not in proposals(house, first)
    mapped_by(house, first, ("name", "Kunde"), ("mail", "Kontakt"), ("n", "n"))
    again = read_file(house, LINES, auto=False, project_id=project_id, template_id=ours)
    found = proposals(house, again)
    assert (found["mail"], found["n"]) == ((1, "learned", True), (2, "key", True))
    # Taken where nobody looks, too; in another template it is a hint, in another project nothing.
    auto = read_file(house, LINES, project_id=project_id, template_id=ours)
    assert sheet_detail(auto).chosen == (0, 1, 2, None)
    assert proposals(house, read_file(house, LINES, auto=False, project_id=project_id, template_id=other))["mail"] == (
        1,
        "learned",
        False,
    )
    assert "mail" not in proposals(house, read_file(house, LINES, auto=False))
    with read(house.engine) as connection:
        kept = stored.of_template(connection, ours)
    assert [(one.text, one.chosen, one.times) for one in kept if one.chosen == "mail"] == [("Kontakt", "mail", 1)]
    # The last choice holds, and a choice of nothing is one.
    remapping.change(house, again, Wanted({"note": 1, "mail": None}))
    assert proposals(house, read_file(house, LINES, auto=False, project_id=project_id, template_id=ours))["note"][
        1
    ] == ("learned")
    assert learned.forget(house, project_id, ours) >= 1
    assert learned.listed(house, project_id, ours) == []


@once
def test_no_more_is_kept_than_a_template_may_have(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "KEPT_MAX", 3)
    project_id = project(house)
    with write(house.engine) as connection:
        template_id = templates.add(connection, project_id=project_id, name="T", document={}).id
    for number in range(5):
        with write(house.engine) as connection:
            stored.remember(
                connection,
                project_id=project_id,
                template_id=template_id,
                kind="heading",
                choices=[("", f"h{number}", f"H{number}", "name")],
                person_id=None,
            )
    assert [one.text for one, _ in learned.listed(house, project_id, template_id)] == ["H4", "H3", "H2"]


def test_what_was_learned_goes_before_what_it_looks_like() -> None:
    columns = TEMPLATE.columns
    found = matches(columns, ["name", "mail", "foo"], Known({"foo": "n"}))
    assert [one and (one.at, one.reason, one.sure) for one in found] == [
        (0, "key", True),
        (1, "key", True),
        (2, "learned", True),
        None,
    ]
    # The heading that bears the column's own name is there too: a person decides.
    found = matches(columns, ["mail", "foo"], Known({"foo": "mail"}))
    assert found[1] is not None
    assert (found[1].at, found[1].also, found[1].sure) == (1, (0,), False)
    # For another column than it looks like.
    found = matches(columns, ["name", "mail"], Known({"name": "note"}))
    assert [one and one.at for one in found] == [None, 1, None, 0]
    assert [one and one.at for one in matches(columns, ["x"], Known({}, {"x": "gone"}))] == [None] * 4
