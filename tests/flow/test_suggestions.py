"""Proposals over the live table of an import, and accepting them: one revision that can be undone."""

from __future__ import annotations

import pytest

from douane.errors import BadRequest
from douane.flow import changing, live, suggestions
from douane.flow.changing import How
from douane.flow.house import House
from douane.flow.live import Filter
from douane.sheet.suggesting import Proposal
from tests.flow.test_changing import checked

# `n` is a number; German and other spellings of it.
ROWS = [["a", "a@b.co", '"1,5"'], ["b", "b@b.co", '"1,5"'], ["c", "c@b.co", "7"], ["d", "d@b.co", "1.234"]]
ROWS += [["e", "e@b.co", "forty"], ["f", "f@b.co", '"1.234,5"']]


def invalid(house: House, operation: object) -> int:
    with live.standing(house, operation) as now:  # type: ignore[arg-type]
        return now.live.counts()[1]


def test_a_cell_gets_what_the_column_proves_and_how_many_are_alike(house: House) -> None:
    operation = checked(house, ROWS)
    found = suggestions.of_cell(house, operation, 1, "n")
    assert (found.text, found.cells, found.proposals) == ("1,5", 2, (Proposal("1.5", "number"),))
    assert suggestions.of_cell(house, operation, 3, "n").proposals == ()  # a good cell
    assert suggestions.of_cell(house, operation, 5, "n").proposals == ()  # nobody can say
    for index, key in ((99, "n"), (1, "nothing")):
        with pytest.raises(BadRequest):
            suggestions.of_cell(house, operation, index, key)


def test_a_column_s_are_listed_and_accepted_as_one_revision(house: House) -> None:
    operation = checked(house, ROWS)
    found = suggestions.of_column(house, operation, "n")
    assert [(one.text, one.cells, one.proposals[0].text) for one in found] == [
        ("1,5", 2, "1.5"),
        ("1.234,5", 1, "1234.5"),
    ]
    before = invalid(house, operation)
    instead = {one.text: one.proposals[0].text for one in found}
    seen = suggestions.accept(house, operation, "n", instead, Filter(), How(dry_run=True))
    assert (seen.cells, invalid(house, operation)) == (3, before)
    made = suggestions.accept(house, operation, "n", instead, Filter(), How())
    assert (made.cells, made.records, invalid(house, operation)) == (3, 3, before - 3)
    assert changing.undo(house, operation, made.revision, How()).cells == 3
    assert invalid(house, operation) == before


def test_good_cells_are_left_alone(house: House) -> None:
    operation = checked(house, ROWS)
    assert suggestions.accept(house, operation, "n", {"7": "8"}, Filter(), How()).cells == 0
