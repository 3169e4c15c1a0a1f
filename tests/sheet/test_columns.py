"""Every member of the columns shelf keeps the shelf's contract: what is cleared quickly is really right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from _pytest.mark.structures import ParameterSet
from hypothesis import given, settings
from hypothesis import strategies as st

from douane.errors import BadTemplate
from douane.model.template import Column, Template, Validation
from douane.sheet import columns
from douane.sheet.check import Checker
from douane.sheet.columns.contract import FILLED, SPACE, Judge, noticing, trim
from douane.sheet.formats import KIND_DATE, KIND_DATETIME, KIND_TEXT
from douane.sheet.mapping import Layout
from douane.sheet.rule import js_number

SAMPLES = {
    "String": [
        Column("a", "A"),
        Column("a", "A", validations=(Validation("length", min=1, max=4),)),
        Column("a", "A", validations=(Validation("length", min=3), Validation("length", max=5.5))),
        Column("a", "A", settings=(("normalize", ("collapse", "lower")),)),
        Column("a", "A", settings=(("normalize", ("upper",)),), validations=(Validation("length", max=3),)),
        Column(
            "a",
            "A",
            settings=(("normalize", ("collapse",)),),
            validations=(Validation("length", min=3),),
            notes=(("normalized", "off"),),
        ),
    ],
    "Number": [
        Column("a", "A", "Number"),
        Column("a", "A", "Number", validations=(Validation("range", min=-3, max=120), Validation("digits", max=2))),
        Column("a", "A", "Number", validations=(Validation("digits", min=1, max=1),)),
        Column("a", "A", "Number", unique=True, settings=(("decimal", ","), ("group", "."))),
        Column("a", "A", "Number", settings=(("group", "'"),), validations=(Validation("range", max=1000),)),
        Column("a", "A", "Number", settings=(("decimal", ","), ("group", " ")), notes=(("mixed_decimal", "off"),)),
    ],
    "Double": [Column("a", "A", "Double", validations=(Validation("range", min=0.5), Validation("digits", min=9)))],
    "Date": [
        Column("a", "A", "Date"),
        Column("a", "A", "Date", date_formats=("YYYY-MM-DD", "D MMM YY", "[at ]YYYY[ ]")),
        Column("a", "A", "Date", date_formats=("DD/MM/YYYY", "MM/DD/YYYY", "D/M/YY"), settings=(("output", "iso"),)),
        Column(
            "a", "A", "Date", date_formats=("YYYY-MM-DD HH:mm:ss", "D.M.YY h:mm a"), settings=(("output", "first"),)
        ),
        Column("a", "A", "Date", date_formats=("D. MMMM YYYY",), settings=(("languages", ("de", "ar")),)),
    ],
    "Email": [Column("a", "A", "Email")],
    "Regex": [
        Column("a", "A", "Regex", pattern=r"^\w+-\d+$"),
        Column("a", "A", "Regex", pattern=r"^.{3}$"),
        Column("a", "A", "Regex", pattern=r"/\s|é/i"),
        Column("a", "A", "Regex", pattern=r"^(?!0)\d+$"),
        Column("a", "A", "Regex", pattern=r"/^b$/m"),
    ],
    "Select": [
        Column("a", "A", "Select", options=("red", " red", "blue", "blue", "")),
        Column("a", "A", "Select", options=()),
        Column("a", "A", "Select", multi=True, delimiter=";", options=("red", "blue", "a.b", " red", "red", "a\tb#")),
        Column("a", "A", "Select", multi=True, options=()),
        Column("a", "A", "Select", multi=True, options=tuple(f"option {n:04}" for n in range(2000))),
    ],
    "Any": [Column("a", "A", "Any")],
    "Image": [Column("a", "A", "Image", options=("a.png", "b.png"))],
    "DateTime": [
        Column("a", "A", "DateTime"),
        Column("a", "A", "DateTime", date_formats=("DD.MM.YYYY HH:mm",), settings=(("output", "iso"),)),
    ],
    "Time": [Column("a", "A", "Time"), Column("a", "A", "Time", date_formats=("h:mm a",))],
    "Url": [Column("a", "A", "Url")],
    "Iban": [Column("a", "A", "Iban")],
    "Phone": [Column("a", "A", "Phone"), Column("a", "A", "Phone", settings=(("country", "DE"),))],
    "Boolean": [
        Column("a", "A", "Boolean"),
        Column("a", "A", "Boolean", settings=(("trueValues", ("Ja", " É")), ("falseValues", ("red",)))),
    ],
}
# Texts that are near to being right for some member, and the ways a cell goes wrong.
NEAR = [
    *["", " ", "red", "red;blue", ";red;;blue;", "red; blue", "red,blue", "blue\ufeff", "a.b", "axb", "option 0007"],
    *["1", "12", "120", "121", "-3", "0", "-0", "0.5", "1e2", "0x1F", "1e400", "nan", "inf", "Infinity", "1.", "1,5"],
    *["29/02/2020", "29/02/2021", "2020-01-31", "1 Jan 20", "at 2020 ", "a@b.co", "A.b+c@d-e.f", "a@b", "b", "x\nb"],
    *[
        "1.000",
        "12,50",
        "1.234,5",
        "1 234",
        "1'000",
        "1.5",
        "-1.000.000",
        "5.51E+12",
        "03/08/2026",
        "13/08/2026",
        "3/8/26",
    ],
    *[
        "2024-02-29 23:59:59",
        "2024-02-29 24:00:00",
        "1.2.24 12:05 PM",
        "2024-02-29T23:59:59",
        "29.02.2024 23:59",
        "23:59",
        "https://example.com",
        "http://a",
        "https://bücher.example/x y",
        "de89 3704 0044 0532 0130 00",
        "DE88370400440532013000",
        "29. Februar 2024",
        "30. märz 2024",
        "1. مارس 2024",
    ],
    *["abc-12", "ab-", "a b", "yes", "NO", "True", "ja", "é", "É", "10", "01", "ab ", "abc", "😀😀", "a.png"],
]
EDGES = ["", "", "", " ", "\t", "\n", "\u00a0", "\ufeff", "\u0085", "\u2028", "\x1c"]
cell = st.builds(
    "{}{}{}".format, st.sampled_from(EDGES), st.sampled_from(NEAR) | st.text(max_size=6), st.sampled_from(EDGES)
)


def cases() -> Iterator[ParameterSet]:
    for name, samples in SAMPLES.items():
        for number, sample in enumerate(samples):
            yield pytest.param(sample, id=f"{name}-{number}")


def exact(judge: Judge, cells: pl.Series, kinds: pl.Series | None = None) -> pl.DataFrame:
    kind = kinds if kinds is not None else pl.repeat(KIND_TEXT, len(cells), dtype=pl.UInt8, eager=True)
    frame = pl.DataFrame({"text": cells, "kind": kind}).with_columns(trim(pl.col("text")).alias("typed"))
    stored = judge.stored(pl.col("typed"), None if kinds is None else pl.col("kind"))
    frame = frame.with_columns(stored.alias("text"))
    return judge.prepare(frame) if judge.prepare is not None else frame


def test_every_member_has_a_sample() -> None:
    assert set(SAMPLES) == set(columns.SHELF)
    assert set(columns.names()) == set(columns.SHELF)


@pytest.mark.parametrize("column", list(cases()))
@settings(max_examples=40, deadline=None)
@given(texts=st.lists(st.none() | cell, min_size=1, max_size=30), dates=st.booleans())
def test_what_is_cleared_quickly_passes_every_test(column: Column, texts: list[str | None], dates: bool) -> None:
    hold_quick_against_exact(column, texts, dates)


@pytest.mark.parametrize("column", list(cases()))
def test_what_is_cleared_quickly_among_near_misses_passes_every_test(column: Column) -> None:
    hold_quick_against_exact(column, [a + text + b for text in NEAR for a in set(EDGES) for b in set(EDGES)], False)


def hold_quick_against_exact(column: Column, texts: list[str | None], dates: bool) -> None:
    cells = pl.Series("cell", texts, dtype=pl.String)
    kinds = pl.Series([KIND_DATE if dates else KIND_TEXT] * (len(texts) - 1) + [KIND_TEXT], dtype=pl.UInt8)
    judge = columns.judge(column)
    judge = noticing(judge, [notice for notice in judge.notices if notice.seen(cells, kinds)])
    frame = exact(judge, cells, kinds)
    failed = frame.select(
        pl.any_horizontal(pl.lit(False), *(test.fails.fill_null(False) for test in judge.tests)).alias("failed")
    )["failed"]
    quick = pl.DataFrame({"cell": cells, "kind": kinds})
    clean = pl.repeat(False, len(texts), eager=True)
    if judge.clean is not None:
        clean = quick.select(judge.clean(pl.col("cell"), pl.col("kind")).fill_null(False).alias("x")).to_series()
        assert not (clean & failed).any(), texts
    plain = (
        quick.select(judge.plain(pl.col("cell")).fill_null(False).alias("x")).to_series()
        if judge.plain is not None
        else clean & (cells != "").fill_null(False)
    )
    key = frame.select(judge.key.alias("key"))["key"]
    assert cells.filter(plain).to_list() == key.filter(plain).to_list()
    assert not cells.filter(plain).str.strip_chars(SPACE).eq("").any()


@pytest.mark.parametrize("column", list(cases()))
def test_messages_are_sentences_about_the_cell(column: Column) -> None:
    for test in columns.judge(column).tests:
        assert test.rule
        for text in ("", "1", "wrong"):
            assert test.message(text).strip()


@pytest.mark.parametrize("column", list(cases()))
def test_an_empty_optional_cell_fails_only_for_its_length(column: Column) -> None:
    judge = columns.judge(column)
    frame = exact(judge, pl.Series(["", None, " \ufeff"], dtype=pl.String))
    failed = {test.rule for test in judge.tests if frame.select(test.fails.fill_null(False).alias("x"))["x"].any()}
    assert failed <= {"length_min"}


def test_the_page_about_columns_tells_of_every_type_and_rule() -> None:
    page = (Path(__file__).parents[2] / "docs" / "columns.md").read_text()
    sections = set(re.findall(r"^## (\w+)$", page, re.MULTILINE))
    assert sections == set(columns.SHELF)
    rules = {test.rule for samples in SAMPLES.values() for sample in samples for test in columns.judge(sample).tests}
    checker = Checker(Template("t", (Column("a", "A", required=True, unique=True),)), Layout(("a",), (0,), 1, 1))
    rules |= {rule.name for rule in checker.rules} | {"unique_with"}
    assert {rule for rule in rules if f"`{rule}`" not in page} == set()


def test_trimming_is_javascripts() -> None:
    cells = pl.Series("cell", ["\ufeffa\u00a0", "\u2028a\u2029", "\u3000a\v", "\u0085a", "\x1ca", "\u180ea", "\u200ba"])
    trimmed = cells.to_frame().select(trim(pl.col("cell")))["cell"].to_list()
    assert trimmed == ["a", "a", "a", "\u0085a", "\x1ca", "\u180ea", "\u200ba"]


def test_a_workbook_date_is_a_date_whatever_the_format() -> None:
    column = Column("a", "A", "Date", date_formats=("DD/MM/YYYY",))
    judge = columns.judge(column)
    kinds = pl.Series([KIND_DATE, KIND_DATETIME, KIND_TEXT], dtype=pl.UInt8)
    frame = exact(judge, pl.Series(["2024-02-29", "2024-02-29T10:00:00", "2024-02-29"]), kinds)
    assert frame.select(judge.tests[0].fails.alias("x"))["x"].to_list() == [False, False, True]


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(BadTemplate, match="no column type Nonsense"):
        columns.judge(Column("a", "A", "Nonsense"))


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (5.0, "5"),
        (0.1, "0.1"),
        (-0.0, "0"),
        (1e21, "1e+21"),
        (123456789012345680000.0, "123456789012345680000"),
        (1e-6, "0.000001"),
        (1.5e-7, "1.5e-7"),
        (-1234.5, "-1234.5"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
    ],
)
def test_numbers_are_printed_as_javascript_does(number: float, text: str) -> None:
    assert js_number(number) == text


def test_filled_means_not_absent_and_not_empty() -> None:
    assert pl.DataFrame({"text": ["a", "", None]}).select(FILLED.alias("x"))["x"].to_list() == [True, False, False]
