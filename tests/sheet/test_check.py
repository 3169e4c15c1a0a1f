"""The checker: contract section 4 as literals, and whole-record rules."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from douane.errors import BadTemplate
from douane.model.problem import Problem
from douane.model.template import Column, Template, Validation
from douane.sheet.check import Checker
from douane.sheet.formats import (
    FLAG_BROKEN,
    FLAG_OVERLONG,
    FLAG_SHORT,
    FLAG_UNDECODABLE,
    KIND_DATE,
    KIND_ERROR,
    KIND_NUMBER,
    KIND_TEXT,
)
from douane.sheet.mapping import Layout, layout

ABSENT: Any = None


def checker_of(*columns: Column, headings: tuple[str | None, ...] | None = None, seed: int = 7) -> Checker:
    given_headings = headings if headings is not None else tuple(column.key for column in columns)
    chosen = tuple(given_headings.index(c.key) if c.key in given_headings else None for c in columns)
    template = Template("t", columns)
    return Checker(template, layout(template, given_headings, chosen), seed=seed)


def frame_of(*rows: tuple[str | None, ...], flags: list[int] | None = None, **more: Any) -> pl.DataFrame:
    width = max(len(row) for row in rows)
    cells = {
        f"c{at}": pl.Series([r[at] if at < len(r) else None for r in rows], dtype=pl.String) for at in range(width)
    }
    lines = pl.Series(range(2, len(rows) + 2), dtype=pl.UInt32)
    return pl.DataFrame(
        {**cells, "_line": lines, "_flags": pl.Series(flags or [0] * len(rows), dtype=pl.UInt8), **more}
    )


def problems_of(checker: Checker, frame: pl.DataFrame) -> list[list[Problem]]:
    """With uniqueness settled the way a reader would: over this frame alone."""
    judgement = checker.judge(frame)
    mask = judgement.mask.copy()
    for rule in checker.unique:
        texts = checker.unique_texts(frame, rule).to_list()
        hashes = judgement.hashes[:, rule.number].tolist()
        assert [text is None for text in texts] == [value == 0 for value in hashes]
        assert len({(t, h) for t, h in zip(texts, hashes, strict=True)}) == len(set(hashes))
        seen: set[str] = set()
        for row, text in enumerate(texts):
            if text is not None and text in seen:
                for bit in rule.bits:
                    mask[row, bit // 64] |= np.uint64(1 << bit % 64)
            seen.add(text)
    return checker.problems(frame, mask)


def shown(found: list[Problem]) -> dict[str | None, str]:
    """What `/v1` shows: the last message of each column."""
    return {problem.column: problem.message for problem in found}


def judge_cells(column: Column, *cells: str | None, kinds: list[int] | None = None) -> list[str | None]:
    """The message shown for each cell of the column `k`; None = valid."""
    more = {"k0": pl.Series(kinds, dtype=pl.UInt8)} if kinds else {}
    found = problems_of(checker_of(column), frame_of(*((cell,) for cell in cells), **more))
    return [shown(each).get("k") for each in found]


def column(kind: str = "String", **more: Any) -> Column:
    return Column("k", "K", kind, **more)


def v(validate: str, **more: Any) -> Validation:
    return Validation(validate, **more)


REQUIRED = "This field is required"
TAKEN = "already taken! Please enter unique value"

# Contract 4.1 to 4.5, [RUN] facts and the DO side of its faults: column, then cell -> message shown, None = valid.
FACTS: list[tuple[str, Column, dict[str | None, str | None]]] = [
    (
        "number",
        column("Number"),
        {"1": None, "1.5": None, " 7 ": None, "0x10": None, "1e3": None, "": None, ABSENT: None},
    ),
    (
        "number, not accepted",
        column("Number"),
        {
            "1,000": "1,000 must be a number or empty",
            "true": "true must be a number or empty",
            "12abc": "12abc must be a number or empty",
            "Infinity": "Infinity must be a number or empty",
            "1e400": "1e400 must be a number or empty",
            "NaN": "NaN must be a number or empty",
        },
    ),
    ("number of white space is empty", column("Number", required=True), {"   ": REQUIRED, "0": None}),
    ("double", column("Double"), {"1.5": None, "x": "x must be a number or empty"}),
    (
        "required",
        column(required=True),
        {"a": None, "": REQUIRED, " \u00a0\ufeff": REQUIRED, ABSENT: REQUIRED, "0": None},
    ),
    (
        "date",
        column("Date", date_formats=("DD/MM/YYYY", "YYYY-MM-DD")),
        {
            "29/02/2020": None,
            " 2020-01-01 ": None,
            "": None,
            "31/02/2020": "31/02/2020 must match date format from [DD/MM/YYYY,YYYY-MM-DD]",
            "1/2/2020": "1/2/2020 must match date format from [DD/MM/YYYY,YYYY-MM-DD]",
        },
    ),
    (
        "no date format",
        column("Date", date_formats=()),
        {"01/02/2020": None, "2020-02-01": "2020-02-01 must match date format from [DD/MM/YYYY]"},
    ),
    (
        "e-mail",
        column("Email"),
        {
            "a@b.co": None,
            "A.B+c@Example.ORG": None,
            " a@b.co ": None,
            "a@b": "a@b must be a valid email",
            "a b@c.co": "a b@c.co must be a valid email",
            "a..b@c.co": "a..b@c.co must be a valid email",
            "é@b.co": "é@b.co must be a valid email",
            "a@-b.co": "a@-b.co must be a valid email",
        },
    ),
    (
        "pattern, a search",
        column("Regex", pattern="b+"),
        {"abba": None, "": None, "a": "a must match the pattern /b+/"},
    ),
    ("pattern with flags", column("Regex", pattern="/^b+$/i"), {"BB": None, "ab": "ab must match the pattern /^b+$/i"}),
    (
        "list, optional",
        column("Select", options=("A", "B")),
        {"A": None, " B ": None, "": None, "a": "a must be from list [A,B,]", "A,B": "A,B must be from list [A,B,]"},
    ),
    (
        "list, required",
        column("Select", options=("A", "B"), required=True),
        {"C": "C must be from list [A,B]", "": REQUIRED},
    ),
    ("list of nothing", column("Select"), {"Red": "Red must be from list []", "": None}),
    ("list with repetitions", column("Select", options=("A", "A")), {"A": None, "C": "C must be from list [A,]"}),
    (
        "several",
        column("Select", multi=True, delimiter=";", options=("x", "y", "x")),
        {
            "x": None,
            "x;y": None,
            ";x;;y;": None,
            "": None,
            ";;": None,
            "x; y": " y must be from list [x,y,]",
            "a;x;b": "b must be from list [x,y,]",
        },
    ),
    ("several, required", column("Select", multi=True, options=("x",), required=True), {",": REQUIRED, "x,": None}),
    ("image", column("Image", options=("a.png",)), {"a.png": None, "b.png": "b.png must be from list [a.png,]"}),
    ("any", column("Any"), {"\u0000": None, "x": None}),
    (
        "range",
        column("Number", validations=(v("range", min=1, max=5.5),)),
        {
            "1": None,
            "5.5": None,
            "": None,
            "0.5": "0.5 must be greater than or equal to 1",
            "1e2": "100 must be less than or equal to 5.5",
            "0x10": "16 must be less than or equal to 5.5",
            "-007": "-7 must be greater than or equal to 1",
        },
    ),
    (
        "range with its own message",
        column("Double", validations=(v("range", min=1, error_message="too small"), v("range", max=2.0))),
        {"0": "too small", "3": "3 must be less than or equal to 2"},
    ),
    ("range of a text column says nothing", column(validations=(v("range", min=5),)), {"1": None}),
    (
        "length in code points",
        column(validations=(v("length", min=2, max=3),)),
        {
            "😀😀😀": None,
            "ab": None,
            " abc ": None,
            "a": "Length must be greater than or equal to 2",
            " a ": "Length must be greater than or equal to 2",
            "abcd": "Length must be less than or equal to 3",
            "": "Length must be greater than or equal to 2",
            ABSENT: None,
        },
    ),
    (
        "length with its own message",
        column(validations=(v("length", min=2, error_message="two at least"),), required=True),
        {"a": "two at least", "": "two at least", ABSENT: REQUIRED},
    ),
    (
        "digits, exactly",
        column("Number", validations=(v("digits", min=2, max=2),)),
        {
            "10": None,
            "-99": None,
            "12.345": None,
            "9": "Must have exactly 2 digits",
            "100": "Must have exactly 2 digits",
        },
    ),
    (
        "digits, between",
        column("Number", validations=(v("digits", min=1, max=3),)),
        {"0": None, "999.9": None, "1000": "Must have between 1 and 3 digits"},
    ),
    (
        "digits, at least",
        column("Number", validations=(v("digits", min=2),)),
        {"0": "Must have at least 2 digits", "10": None},
    ),
    (
        "digits, at most",
        column("Number", validations=(v("digits", max=2),)),
        {"100": "Must have at most 2 digits", "0.01": None},
    ),
    ("digits without bounds", column("Number", validations=(v("digits"),)), {"100": None}),
    ("digits of a double say nothing", column("Double", validations=(v("digits", max=1),)), {"100": None}),
    (
        "required and length",
        column(required=True, validations=(v("length", min=1),)),
        {"": "Length must be greater than or equal to 1"},
    ),
    (
        "range and digits",
        column("Number", validations=(v("range", max=9), v("digits", max=1))),
        {"10": "Must have at most 1 digits"},
    ),
    (
        "wrong text, required and range",
        column("Number", required=True, validations=(v("range", min=1),)),
        {"x": "x must be a number or empty", "": REQUIRED},
    ),
    ("required e-mail", column("Email", required=True), {"": REQUIRED, ABSENT: REQUIRED}),
    ("required pattern", column("Regex", pattern="a", required=True), {" ": REQUIRED}),
    ("required date", column("Date", required=True), {"": REQUIRED}),
]


@pytest.mark.parametrize(("judged", "facts"), [fact[1:] for fact in FACTS], ids=[fact[0] for fact in FACTS])
def test_contract_facts(judged: Column, facts: dict[str | None, str | None]) -> None:
    assert dict(zip(facts, judge_cells(judged, *facts), strict=True)) == facts


# Contract 4.4 and 4.6: the messages shown down a unique column.
@pytest.mark.parametrize(
    ("judged", "cells", "messages"),
    [
        (column(unique=True), ["a", "A", " a ", "a"], [None, None, f"a {TAKEN}", f"a {TAKEN}"]),
        (column(unique=True), ["", "", ABSENT, ABSENT, "0", "0"], [None] * 5 + [f"0 {TAKEN}"]),
        (column("Number", unique=True), ["1", "1.0", "01", "0", "0.0"], [None, f"1 {TAKEN}", f"1 {TAKEN}", None, None]),
        (column("Number", unique=True), ["9007199254740993", "9007199254740992"], [None, None]),
        (column("Number", unique=True), ["x", "x"], ["x must be a number or empty"] * 2),
        (
            column("Select", multi=True, options=("a", "b"), unique=True),
            ["a,b", ",a,,b", "b,a", ",", ""],
            [None, f"a,b {TAKEN}", None, None, None],
        ),
        (
            column(unique=True, validations=(v("length", max=1),)),
            ["ab", "ab"],
            ["Length must be less than or equal to 1"] * 2,
        ),
        (column("Email", unique=True), ["x", "x"], ["x must be a valid email"] * 2),
        (column("Regex", pattern="a", unique=True), ["x", "x"], ["x must match the pattern /a/"] * 2),
        (
            column("Number", unique=True, validations=(v("range", max=1),)),
            ["2", "2"],
            ["2 must be less than or equal to 1"] * 2,
        ),
        (
            column("Date", unique=True),
            ["x", "x"],
            ["x must match date format from [DD/MM/YYYY]", f"x {TAKEN}"],
        ),
        (column("Select", options=("A",), unique=True), ["x", "x"], ["x must be from list [A,]", f"x {TAKEN}"]),
        (column("Number", unique=True), ["0x10", "16", "1.6e1"], [None, f"16 {TAKEN}", f"16 {TAKEN}"]),
    ],
)
def test_unique(judged: Column, cells: list[str | None], messages: list[str | None]) -> None:
    assert judge_cells(judged, *cells) == messages


def group(key: str, kind: str = "String", message: str = "", unique_key: str = "g") -> Column:
    return Column(key, key, kind, validations=(v("unique_with", unique_key=unique_key, error_message=message),))


def test_unique_with_stands_on_every_column_of_the_group_and_counts_empties() -> None:
    checker = checker_of(group("a"), group("b", "Number", message="twice!", unique_key=" g "), Column("c", "C"))
    frame = frame_of(("x", "1", ""), ("x", "1.0", ""), ("", "", ""), ("", "", ""), ("x", "", ""), ("x", ABSENT, "q"))
    default = "Value should be unique for combination of a,b"
    assert [shown(found) for found in problems_of(checker, frame)] == [
        {},
        {"a": default, "b": "twice!"},
        {},
        {"a": default, "b": "twice!"},
        {},
        {"a": default, "b": "twice!"},
    ]


def test_unique_with_outranks_every_other_message() -> None:
    bad = Column("a", "a", "Number", validations=(v("unique_with", unique_key="g"), v("range", max=1)))
    found = problems_of(checker_of(bad, group("b")), frame_of(("5", "x"), ("5", "x")))
    assert shown(found[0]) == {"a": "5 must be less than or equal to 1"}
    assert shown(found[1])["a"] == "Value should be unique for combination of a,b"
    assert [p.rule for p in found[1]] == ["range_max", "unique_with", "unique_with"]


def test_a_group_of_one_column_means_nothing() -> None:
    assert checker_of(group("a"), group("b", unique_key="other")).unique == ()


def test_unique_texts_are_what_is_compared() -> None:
    checker = checker_of(column("Number", unique=True), group("a"), group("b"))
    frame = frame_of((" 1.50", "x ", ""), ("0", "", ABSENT), ("", "a, b", "c"))
    own, grouped = checker.unique
    assert checker.unique_texts(frame, own).to_list() == ["1.5", None, None]
    assert checker.unique_texts(frame, grouped).to_list() == ["x, ", ", ", "a, b, c"]
    assert checker.columns_of(own) == ["_line", "c0"]
    assert checker.columns_of(grouped) == ["_line", "c1", "c2"]


def test_hashes_are_the_operations_own_and_do_not_depend_on_how_the_cell_is_written() -> None:
    frame = frame_of(("a",), (" a\t",), ("b",))
    one, other = (checker_of(column(unique=True), seed=seed).judge(frame).hashes[:, 0] for seed in (1, 2))
    first = checker_of(column(unique=True), seed=1)
    assert np.array_equal(first.seeded(2).judge(frame).hashes[:, 0], other)
    assert np.array_equal(first.judge(frame).hashes[:, 0], one)
    assert one[0] == one[1] != one[2]
    assert not set(one.tolist()) & set(other.tolist())


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from(["1", "1.0", " 1", "2", "02", "", " ", "0", "-0", "x", "x ", "1e0", "0x1"]), min_size=2)
)
def test_equal_keys_have_equal_hashes(cells: list[str]) -> None:
    for kind in ("String", "Number"):
        checker = checker_of(column(kind, unique=True))
        frame = frame_of(*((cell,) for cell in cells))
        hashes = checker.judge(frame).hashes[:, 0].tolist()
        keys = checker.unique_texts(frame, checker.unique[0]).to_list()
        assert [key is None for key in keys] == [value == 0 for value in hashes]
        assert len(set(zip(keys, hashes, strict=True))) == len(set(keys)) == len(set(hashes))


# Whole records


def test_flags_are_problems_of_the_record() -> None:
    checker = checker_of(column())
    flags = [0, FLAG_BROKEN, FLAG_UNDECODABLE, FLAG_OVERLONG | FLAG_BROKEN]
    found = problems_of(checker, frame_of(("a",), ("b",), ("c",), ("d",), flags=flags))
    assert [[(p.column, p.rule, p.warning, p.value) for p in each] for each in found] == [
        [],
        [(None, "broken", False, None)],
        [(None, "undecodable", False, None)],
        [(None, "broken", False, None), (None, "overlong", False, None)],
    ]


def test_a_short_record_is_a_warning_and_valid() -> None:
    checker = checker_of(Column("a", "A"), Column("b", "B"))
    frame = frame_of(("x", "y"), ("x",), flags=[0, FLAG_SHORT])
    judgement = checker.judge(frame)
    assert judgement.mask[1].any()
    assert not (judgement.mask & checker.invalid_words).any()
    (problem,) = checker.problems(frame, judgement.mask)[1]
    assert (problem.rule, problem.warning, problem.column) == ("short", True, None)


def test_short_is_meant_by_the_headings_chosen() -> None:
    """The file's own first record is wider than the heading record that a person chose."""
    checker = checker_of(Column("a", "A"), headings=("a", None))
    assert not checker.judge(frame_of(("x",), flags=[FLAG_SHORT])).mask.any()


def test_surplus_cells_are_a_problem_under_the_last_column() -> None:
    checker = checker_of(Column("a", "A"), Column("b", "B", "Number"), headings=("a", "b", None, ""))
    rows = [("x", "1", "", None), ("x", "1", "lost", None), ("x", "q", "p", "q"), ("x", "1", "\ufeff ", "")]
    found = problems_of(checker, frame_of(*rows))
    assert [shown(each) for each in found] == [
        {},
        {"b": "This record has more cells than there are headings: lost"},
        {"b": "q must be a number or empty"},
        {},
    ]
    assert found[2][0].value == "p q"


@pytest.mark.parametrize(("level", "valid", "told"), [("warning", True, 1), ("off", True, 0), ("problem", False, 1)])
def test_a_template_says_what_surplus_cells_are(level: str, valid: bool, told: int) -> None:
    first = Column("a", "A", notes=(("surplus", level),))
    checker = checker_of(first, Column("b", "B"), headings=("a", "b", None))
    frame = frame_of(("x", "1", "lost"), ("x", "1", None))
    judged = checker.judge(frame).mask
    assert [not (words & checker.invalid_words).any() for words in judged] == [valid, True]
    found = checker.problems(frame, judged)
    assert [(problem.column, problem.rule, problem.warning) for problem in found[0]] == (
        [("b", "surplus", valid)] * told
    )
    assert found[1] == []


@pytest.mark.parametrize(
    ("extra", "lost"),
    [
        (None, None),
        ("[]", None),
        ('["", " ", "\\t\\u00a0"]', None),
        ('["", "x"]', "x"),
        ('["\\"", ", "]', '" , '),
        ("[null]", None),
    ],
)
def test_surplus_cells_beyond_the_frame(extra: str | None, lost: str | None) -> None:
    more = {"_extra": pl.Series([extra, '["y"]'], dtype=pl.String)}
    found = problems_of(checker_of(column()), frame_of(("a",), ("b",), **more))
    assert [p.value for p in found[0]] == ([] if lost is None else [lost])
    assert [p.rule for p in found[1]] == ["surplus"]


@pytest.mark.parametrize("kind", ["String", "Number", "Double", "Date", "Email", "Any", "Select", "Image"])
def test_error_cells_are_problems_of_every_type(kind: str) -> None:
    more = {"k0": pl.Series([KIND_ERROR, KIND_TEXT], dtype=pl.UInt8)}
    found = problems_of(checker_of(column(kind, options=("#N/A",))), frame_of(("#N/A",), ("",), **more))
    assert found[0][0].rule == "error_cell"
    assert found[0][0].message == "#N/A is an error of the workbook, not a value"
    assert found[1] == []


def test_workbook_dates_satisfy_a_date_column() -> None:
    cells = ["2024-02-29", "2024-02-29", "45000"]
    assert judge_cells(column("Date"), *cells, kinds=[KIND_DATE, KIND_TEXT, KIND_NUMBER]) == [
        None,
        "2024-02-29 must match date format from [DD/MM/YYYY]",
        "45000 must match date format from [DD/MM/YYYY]",
    ]


def test_a_column_without_heading_fails_where_required_and_can_be_edited() -> None:
    columns = (Column("a", "A"), Column("b", "B", "Number", required=True, unique=True))
    checker = checker_of(*columns, headings=("a",))
    frame = frame_of(("x",), ("y",))
    judgement = checker.judge(frame)
    assert judgement.hashes.tolist() == [[0], [0]]
    assert [shown(found) for found in checker.problems(frame, judgement.mask)] == [{"b": REQUIRED}] * 2
    edited = checker.judge(frame.with_columns(c1=pl.Series(["5", "x"])))
    assert [bool(row.any()) for row in edited.mask] == [False, True]


# The mask


def test_rules_have_their_bits_and_words_enough() -> None:
    columns = tuple(Column(f"c{n}", "C", "Number", required=True, validations=(v("range", max=1),)) for n in range(34))
    checker = checker_of(*columns)
    assert [rule.bit for rule in checker.rules] == list(range(len(checker.rules)))
    assert checker.words == -(-len(checker.rules) // 64) == 3
    frame = frame_of(("2",) * 34, ("",) * 34, ("1",) * 34)
    judgement = checker.judge(frame)
    assert judgement.mask.shape == (3, 3)
    assert [len(found) for found in checker.problems(frame, judgement.mask)] == [34, 34, 0]
    warnings = [rule.bit for rule in checker.rules if rule.warning]
    words = checker.invalid_words.tolist()
    assert [bit for bit in range(len(checker.rules)) if not words[bit // 64] >> bit % 64 & 1] == warnings
    first = checker.rules[0]
    assert (first.bit, first.column, first.name, first.warning) == (0, "c0", "error_cell", False)


def test_problems_come_by_column_then_the_record_and_keep_the_cells_text() -> None:
    checker = checker_of(
        Column("b", "B", "Email"), Column("a", "A", "Number", validations=(v("digits", max=1), v("range", max=9)))
    )
    found = problems_of(checker, frame_of((" x ", "10"), flags=[FLAG_BROKEN]))[0]
    assert [(p.column, p.rule) for p in found] == [
        ("b", "email"),
        ("a", "range_max"),
        ("a", "digits"),
        (None, "broken"),
    ]
    assert found[0].value == " x "
    assert found[0].message == "x must be a valid email"


def test_no_rows_and_no_columns() -> None:
    checker = checker_of(column(unique=True))
    judgement = checker.judge(frame_of(("a",)).head(0))
    assert judgement.mask.shape == (0, 1)
    assert judgement.hashes.shape == (0, 1)
    nothing = Checker(Template("t", ()), Layout((), (), 0, 0))
    assert nothing.judge(frame_of(("a",))).mask.tolist() == [[0]]


def test_the_stamp_names_everything_a_verdict_depends_on() -> None:
    base = checker_of(column(), headings=("k", "x")).stamp
    assert base == checker_of(column(), headings=("k", "x"), seed=99).stamp
    assert base != checker_of(column(required=True), headings=("k", "x")).stamp
    assert base != checker_of(column(), headings=("x", "k")).stamp
    assert len(base) == 64


def test_a_column_that_cannot_be_judged_says_where() -> None:
    with pytest.raises(BadTemplate) as caught:
        checker_of(Column("a", "A"), Column("b", "B", "Regex", pattern="("))
    assert caught.value.place == "columns[1].regex"
    assert caught.value.reason == "Text (() is not valid Regular expression!"


CELLS = st.none() | st.sampled_from(["", " ", "a", " a", "1", "1.0", "x;y", "#N/A", "a@b.co", "01/01/2020", "\ufeff"])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(*[CELLS] * 9), min_size=1, max_size=8))
def test_a_row_is_judged_alike_alone_and_among_others(rows: list[tuple[str | None, ...]]) -> None:
    kinds = ("String", "Number", "Double", "Date", "Email", "Select", "Select", "Any", "Image")
    columns = tuple(
        Column(
            f"c{n}", "C", kind, required=n % 2 == 0, unique=n < 7, multi=n == 6, delimiter=";", options=("a", "x", "y")
        )
        for n, kind in enumerate(kinds)
    )
    checker = checker_of(*columns)
    frame = frame_of(*rows)
    together = checker.judge(frame)
    for row in range(len(rows)):
        alone = checker.judge(frame[row : row + 1])
        assert (alone.mask[0] == together.mask[row]).all()
        assert (alone.hashes[0] == together.hashes[row]).all()


AFTER_D = (("column", "d"), ("is", "after"))
CHANGING = (
    Column("a", "a", "String", required=True, unique=True),
    Column("b", "b", "Number", validations=(v("range", min=2),)),
    Column("c", "c", "Date", date_formats=("YYYY-MM-DD",), validations=(v("compare", settings=AFTER_D),)),
    Column("d", "d", "Date", date_formats=("YYYY-MM-DD",)),
    group("e"),
    group("f"),
)
CELLS = st.sampled_from(["", "x", "1", "3", "2020-01-01", "2021-01-01"])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(*[CELLS] * 6, *[CELLS] * 6), min_size=1, max_size=12), st.sets(st.sampled_from("abcdef")))
def test_what_a_change_of_some_columns_decides_is_judged_by_them_alone(
    rows: list[tuple[str, ...]], changed: set[str]
) -> None:
    checker = checker_of(*CHANGING)
    before = frame_of(*(row[:6] for row in rows))
    places = {f"c{'abcdef'.index(key)}" for key in changed}
    other = frame_of(*(row[6:] for row in rows))
    after = before.with_columns(other[name] for name in sorted(places))
    share = checker.share(changed)
    partly = after.select(name for name in after.columns if name in share.columns)
    old, new, whole = checker.judge(before), checker.judge(partly, share), checker.judge(after)
    assert ((old.mask & ~share.bits | new.mask) == whole.mask).all()
    assert not (new.mask & ~share.bits).any()
    for rule in checker.unique:
        held = new if rule in share.unique else old
        assert (held.hashes[:, rule.number] == whole.hashes[:, rule.number]).all()
