"""What a person is told beside a message."""

from __future__ import annotations

import pytest

from douane.model.problem import Problem
from douane.model.template import Column
from douane.sheet.explaining import explainer, for_person, unseen


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("12\u00a0500", "It holds a no-break space (U+00A0) after “12”."),
        ("\u200bAnn", "It holds a zero-width space (U+200B) at the beginning."),
        ("\u22125", "It holds a minus sign, which is no hyphen (U+2212) at the beginning."),
        ("p\u0430ris", "It holds a Cyrillic letter that looks like a Latin one (U+0430) after “p”."),
        ("ＡＢ", "It holds a full-width sign (U+FF21) at the beginning."),
        ("a\nb", "It holds a line break (U+000A) after “a”."),
        ("٣", "It holds a digit of another script (U+0663) at the beginning."),
        *[(text, "") for text in ("Größe", "Москва", "日本", "a b", "naïve", "Αθήνα", "مرحبا", "😀")],
    ],
)
def test_what_cannot_be_seen_is_named(text: str, said: str) -> None:
    assert unseen(text) == said


def test_many_such_signs_are_not_all_listed() -> None:
    said = unseen("a\u00a0b\u200bc\u200ed\u2212e\ufefff")
    assert said.endswith("and 2 other signs like that.")


@pytest.mark.parametrize(
    ("column", "rule", "text", "said"),
    [
        (
            Column("a", "A", "Number"),
            "number",
            "12,50",
            "It has a decimal comma, and this column takes a decimal point.",
        ),
        (Column("a", "A", "Number"), "number", "1,000", "thousands are set apart by commas"),
        (Column("a", "A", "Number", settings=(("decimal", ","),)), "number", "1.5", "takes a decimal comma"),
        (Column("a", "A", "Number"), "number", "€ 5", "a sign for money"),
        (Column("a", "A", "Regex", pattern="^x$"), "pattern", "5.51E+12", "the other digits are lost"),
        (Column("a", "A", "Regex", pattern="^x$", pattern_description="an x"), "pattern", "y", "It should be: an x."),
        (Column("a", "A", "Date"), "date_format", "31/02/2024", "There is no such day in the calendar."),
        (Column("a", "A", "Date"), "date_format", "03/25/2024", "the other way round"),
        (Column("a", "A", "Date"), "date_format", "2024-02-29", "It is written like YYYY-MM-DD."),
        (Column("a", "A", "Date"), "date_format", "45351", "a bare number"),
        (Column("a", "A", "Email"), "email", "ann.example.com", "It has no @."),
        (Column("a", "A", "Email"), "email", "a@b.co, c@d.co", "more than one address"),
        (Column("a", "A", "Email"), "email", "a@b", "has no dot"),
        (Column("a", "A", "Select", options=("France", "Spain")), "list", "FRANCE", "The value is written “France”."),
        (Column("a", "A", "Select", options=("France", "Spain")), "list", "Frnace", "Nearest: France."),
        (Column("a", "A", "Select", options=()), "list", "x", "The list of values is empty."),
        (Column("a", "A", "Select", options=("a", "b"), multi=True), "list", "a,B", "The value is written “b”."),
    ],
)
def test_the_way_out_is_said(column: Column, rule: str, text: str, said: str) -> None:
    assert said in explainer(column)(rule, text)


def test_long_lists_are_told_by_their_nearest_values() -> None:
    column = Column("a", "A", "Select", options=tuple(f"value {number:03}" for number in range(200)))
    said = explainer(column)("list", "valeu 017")
    assert said.startswith("It is none of the 200 values. Nearest: value 017")
    problem = Problem("a", "list", "valeu 017 must be from list [...]", "valeu 017", explanation=said)
    assert for_person(problem) == f"valeu 017: {said}"


def test_what_the_message_says_already_is_not_said_twice() -> None:
    explain = explainer(Column("a", "A"))
    assert explain("required", "") == ""
    assert explain("length_max", "plain") == ""
    assert for_person(Problem("a", "required", "This field is required")) == "This field is required"


def test_a_file_of_strange_values_is_not_searched_for_each() -> None:
    column = Column("a", "A", "Select", options=tuple(f"option {number}" for number in range(4_000)))
    explain = explainer(column)
    told = [explain("list", f"optoin {number}") for number in range(700)]
    assert "Nearest" in told[0]
    assert told[-1] == "It is none of the 4,000 values."
