"""Templates learned from files: the contract's rule by the first ten records, and what all of them show."""

from __future__ import annotations

import pytest

from douane.model.learned import Evidence
from douane.sheet import template_file
from douane.sheet.learning import Learner, contract_type, document, key_of


@pytest.mark.parametrize(
    ("first", "kind"),
    [
        (["1", "2", ""], "Number"),
        (["1", "2.5"], "Double"),
        (["-3", "+4"], "Number"),
        (["a@b.co", "none"], "Email"),
        (["2026-01-31", "2026-02-28"], "Date"),
        (["31/01/2026", "28/02/2026"], "Date"),
        (["2026-02-31", "2026-02-28"], "String"),
        (["a"] * 6 + ["b"] * 4, "Select"),
        (["a", "b", "c"], "String"),
        (["", ""], "String"),
        ([], "String"),
        (["00123", "1e5"], "String"),
    ],
)
def test_the_contract_s_rule(first: list[str], kind: str) -> None:
    assert contract_type(first) == kind


def test_keys_are_words_and_differ() -> None:
    assert key_of("E-Mail Address") == "e_mail_address"
    assert key_of("Größe (cm)") == "grösse_cm"
    assert key_of("***") == "column"
    assert key_of("Name", ["name", "name_2"]) == "name_3"


def learned(rows: list[list[str]], headings: list[str]) -> Learner:
    learner = Learner(headings)
    for row in rows:
        learner.add(row)
    return learner


def test_all_records_say_what_is_required_unique_and_in_a_list() -> None:
    rows = [[str(at), ["red", "blue"][at % 2], f"{1 + at % 28:02}.01.2026", "" if at == 7 else "x"] for at in range(60)]
    number, colour, day, rest = learned(rows, ["No", "Colour", "Day", "Rest"]).learned()
    assert (number.type, number.required, number.unique) == ("Number", True, True)
    assert (colour.type, colour.options, colour.unique) == ("Select", ("blue", "red"), False)
    assert (day.type, day.date_formats) == ("Date", ("DD.MM.YYYY",))
    assert (rest.required, rest.evidence["isRequired"].spoke_against) == (False, 1)


def test_a_document_of_it_is_a_template() -> None:
    rows = [[str(at), "a@b.co", "x", "2026-01-01", "", "y"] for at in range(12)]
    learner = learned(rows, ["No", "Mail", " ", "Day", "", ""])
    # What has no heading can't be matched, and would be required of every file.
    assert learner.unnamed == [3, 6]
    made = document("People", learner.learned())
    template = template_file.read_template(made, strict=True)
    assert [(column.key, column.type) for column in template.columns] == [
        ("no", "Number"),
        ("mail", "Email"),
        ("day", "Date"),
    ]


def test_odd_records_end() -> None:
    odd = [[], ["x" * 100_000], ["\x00", "1", "2", "3"], ["1" * 5000]]
    assert len(learned(odd, ["a", "b"]).learned()) == 2


def test_a_document_accepts_the_file_it_is_of() -> None:
    head = [[str(at), f"a{at}@b.co", "2026-01-01", "red"] for at in range(12)]
    rows = [*head, ["n/a", "none", "01.02.2026", "blue", " ", "lost"], ["14", "c@d.co", "2026-01-02", "red", "\ufeff "]]
    found = learned(rows, ["No", "Mail", "Day", "Colour", ""]).learned()
    # The contract's rule names types by the first ten records; cells that are no such thing make it text.
    assert [one.type for one in found] == ["Number", "Email", "Date", "Select"]
    assert [one.surplus for one in found] == [False, False, False, True]
    assert found[-1].evidence["notes"] == Evidence(1, 13)
    made = template_file.read_template(document("People", found), strict=True)
    assert [column.type for column in made.columns] == ["String"] * 3 + ["Select"]
    assert dict(made.columns[-1].notes) == {"surplus": "warning"}
    clean = learned(head, ["No", "Mail", "Day", "Colour"]).learned()
    made = template_file.read_template(document("People", clean), strict=True)
    assert [column.type for column in made.columns] == ["Number", "Email", "Date", "String"]
    assert not any(column.notes for column in made.columns)
