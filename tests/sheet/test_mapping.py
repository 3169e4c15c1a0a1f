"""Which heading is which column."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from douane.errors import BadRequest
from douane.model.template import Column, Template
from douane.sheet import mapping
from douane.sheet.mapping import automatic, layout, propose


def template(*keys: str | Column) -> Template:
    return Template("t", tuple(key if isinstance(key, Column) else Column(key, "") for key in keys))


@pytest.mark.parametrize(
    ("columns", "headings", "chosen"),
    [
        (["id", "name"], ["id", "name"], (0, 1)),
        (["id", "name"], [" NAME ", "ID"], (1, 0)),
        # `id` must not take `paid` from a column of that name, nor take it at all.
        (["id", "paid"], ["paid", "id"], (1, 0)),
        (["id"], ["paid"], (None,)),
        (["id", "paid"], ["Customer ID", "paid"], (0, 1)),
        # Exact name before alternates before containment.
        ([Column("a", "Full name"), Column("b", "Other", alternate_keys=("full name",))], ["full name"], (0, None)),
        ([Column("a", "A", alternate_keys=("mail", "e-mail"))], ["e-mail", "mail"], (1,)),
        ([Column("a", "Alpha"), Column("alpha", "B")], ["alpha"], (None, 0)),
        # Containment either way; the closest in length wins.
        (["email"], ["email address of customer", "email address"], (1,)),
        (["first_name"], ["First Name"], (0,)),
        (["customer_name"], ["name"], (0,)),
        (["telephone"], ["phone"], (0,)),
        # An empty heading fits nothing, nor does the one that is skipped; each heading is used once.
        (["id"], ["", "id"], (1,)),
        (["_"], ["_"], (None,)),
        (["name", "surname"], ["name"], (0, None)),
        (["id"], [None, "", "id"], (2,)),
        # Our own samples.
        (["tags", "tag"], ["tags#MULTI#;"], (0, None)),
        (["tags"], ["TAGS#multi#", "tags#MULTI#,"], (1,)),
        # Accents left out decide last: they are there where one heading has them and the other has not.
        (["été"], ["ete"], (0,)),
        (["été", "ete"], ["ete", "été"], (1, 0)),
        ([], ["a"], ()),
        (["a"], [], (None,)),
    ],
)
def test_propose(columns: list[str | Column], headings: list[str | None], chosen: tuple[int | None, ...]) -> None:
    assert propose(template(*columns), headings) == chosen


words = st.sampled_from(["id", "paid", "name", "first name", "e-mail", "mail", "", "_", "x", "ID", "Name#MULTI#;"])


@given(st.lists(words, unique=True, max_size=6), st.lists(st.none() | words, max_size=8))
def test_each_heading_is_proposed_once(keys: list[str], headings: list[str | None]) -> None:
    given_template = template(*(key for key in keys if key))
    chosen = propose(given_template, headings)
    used = [at for at in chosen if at is not None]
    assert len(set(used)) == len(used)
    assert all((headings[at] or "").strip() not in ("", "_") for at in used)
    found = layout(given_template, headings, chosen)
    named = [field for field in found.fields if field]
    assert len(set(named)) == len(named)
    assert [found.fields[at] for at in found.columns] == [column.key for column in given_template.columns]


def test_only_what_is_sure_is_taken_by_itself() -> None:
    assert propose(template("unit price", "email"), ["price", "E-Mail"]) == (0, 1)
    assert automatic(template("unit price", "email"), ["price", "E-Mail"]) == (None, 1)


def test_many_equal_headings_are_numbered() -> None:
    found = layout(template("b"), ["a"] * 5_000 + ["b"], (5_000,))
    assert found.fields[:3] == ("a", "a (2)", "a (3)")
    assert found.fields[4_999] == "a (5000)"


def test_fields_are_renamed_by_position_and_at_once() -> None:
    """Contract 6, FAULT: renaming one after the other loses columns."""
    shifted = layout(template("B", "C"), ("A", "B"), (0, 1))
    assert shifted.fields == ("B", "C")
    swapped = layout(template("A", "B"), ("A", "B"), (1, 0))
    assert swapped.fields == ("B", "A")
    assert swapped.columns == (1, 0)


def test_an_unmapped_heading_with_a_columns_key_is_renamed() -> None:
    found = layout(template("name", "age"), ("name", "full name", "name", "name (2)"), (1, None))
    assert found.fields == ("name (2)", "name", "name (3)", "name (2) (2)", "age")
    assert found.columns == (1, 4)
    assert found.width == 4
    assert (found.position("name"), found.position("age"), found.position("none"), found.position("")) == (
        1,
        4,
        None,
        None,
    )


def test_nameless_skipped_and_surplus_columns() -> None:
    found = layout(template("a"), ("_", "", "a", " ", "b", "", None), (2,))
    assert found.fields == ("", "column 2", "a", "column 4", "b", "", "")
    assert (found.headings, found.width) == (5, 7)


def test_a_column_may_be_fed_by_a_nameless_heading() -> None:
    found = layout(template("a"), ("x", ""), (1,))
    assert found.fields == ("x", "a")
    assert found.headings == 2


@pytest.mark.parametrize("chosen", [(0, 0), (0,), (2, None), (-1, None), (0, 1, None)])
def test_a_mapping_that_makes_no_sense_is_refused(chosen: tuple[int | None, ...]) -> None:
    with pytest.raises(BadRequest):
        layout(template("a", "b"), ("x", "y"), chosen)


@pytest.mark.parametrize(
    ("headings", "automatic", "choices", "chosen", "faults"),
    [
        # The same text over two columns of the file feeds two columns, the automatic one first.
        (["n", "n"], (0, None, None), {"a": "n", "b": "n"}, (0, 1, None), []),
        (["n", "n"], (1, None, None), {"a": "n", "b": "n"}, (1, 0, None), []),
        (["n", "n"], (0, 1, None), {"b": "n"}, (0, 1, None), []),
        (["n", "n"], (None, None, None), {"a": "n", "b": "n", "c": "n"}, (0, 1, None), [("taken", "c", "n", "a")]),
        (["n"], (None, None, None), {"a": "n", "b": "n"}, (0, None, None), [("taken", "b", "n", "a")]),
        # Who is not named keeps its heading, unless a named one takes it; None and "" are nothing.
        (["x", "y"], (0, 1, None), {"c": "x"}, (None, 1, 0), []),
        (["x", "y"], (0, 1, None), {"a": None, "b": ""}, (None, None, None), []),
        (["x", "y"], (0, 1, None), {}, (0, 1, None), []),
        (["x"], (0, None, None), {"b": "z", "q": "x"}, (0, None, None), [("unknown_column", "q", "x", ""),
                                                                        ("unknown_heading", "b", "z", "")]),
    ],
)  # fmt: skip
def test_a_persons_choice(
    headings: list[str],
    automatic: tuple[int | None, ...],
    choices: dict[str, str | None],
    chosen: tuple[int | None, ...],
    faults: list[tuple[str, str, str, str]],
) -> None:
    found, wrong = mapping.choose(template("a", "b", "c"), headings, automatic, choices)
    assert (found, [(fault.kind, fault.key, fault.heading, fault.by) for fault in wrong]) == (chosen, faults)


def test_equal_headings_are_chosen_in_linear_time() -> None:
    keys = [f"k{at}" for at in range(1000)]
    found, wrong = mapping.choose(template(*keys), ["n"] * 16_384, [None] * 1000, dict.fromkeys(keys, "n"))
    assert (found, wrong) == (tuple(range(1000)), ())


def test_headings_by_position() -> None:
    assert mapping.headings(["a", "b", "c"], 2) == ("a", "b")
    assert mapping.headings(["a"], 3) == ("a", "", "")
    assert mapping.headings(None, 2) == ("column 1", "column 2")
    assert mapping.named(["a"], 3) == ("a", "column 2", "column 3")
