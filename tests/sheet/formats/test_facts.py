from __future__ import annotations

import pytest

from douane.model.reading import Fact
from douane.sheet.formats.facts import Facts, cut_off, fact, sentence


def test_facts_of_pieces_become_those_of_the_file() -> None:
    facts = Facts()
    facts.add(fact("hidden_rows", [2, 5]))
    facts.add(fact("hidden_rows", range(100, 300)))
    facts.add(fact("under_merged", []))
    [one] = facts.all()
    assert (one.code, one.count, len(one.lines), one.lines[:3]) == ("hidden_rows", 202, 100, (2, 5, 100))
    assert facts.count("hidden_rows") == 202


def test_sentences_say_how_many_and_where() -> None:
    assert sentence(Fact("hidden_rows", 1, (7,))) == "1 hidden row is left out. Line 7."
    assert sentence(Fact("hidden_rows", 1200, tuple(range(2, 102)))) == (
        "1,200 hidden rows are left out. Lines 2, 3, 4, 5, 6 …"
    )
    assert sentence(Fact("of_another_package", 3)) == "of_another_package: 3"


@pytest.mark.parametrize(
    ("records", "blank", "told"),
    [(65_536, 0, True), (65_535, 1, True), (1_048_576, 0, True), (65_535, 0, False), (65_537, 0, False), (0, 0, False)],
)
def test_a_file_that_ends_where_a_program_could_hold_no_more_is_told(records: int, blank: int, told: bool) -> None:
    assert bool(cut_off(records, blank)) is told
