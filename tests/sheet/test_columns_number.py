"""Numbers as JavaScript takes them, and given out without losing a digit."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from douane.sheet.columns.number import canonical, canonical_number, number, shown, values
from douane.sheet.rule import js_number
from tests.sheet.recorded import JAVASCRIPT

RECORDED: dict[str, str] = JAVASCRIPT["numbers"]


def test_number_accepts_what_javascript_accepts() -> None:
    assert len(RECORDED) > 400
    numbers = dict(zip(RECORDED, values(pl.Series(list(RECORDED))).to_list(), strict=True))
    for text, printed in RECORDED.items():
        value, finite = numbers[text], printed not in ("NaN", "Infinity", "-Infinity")
        assert (value is not None and math.isfinite(value)) == finite, text
        assert (number(text) is not None) == finite, text
        if finite:
            assert js_number(value) == shown(text) == printed, text


def exactly(text: str) -> Fraction:
    if text[:2].lower() in ("0x", "0o", "0b"):
        return Fraction(int(text, 0))
    mantissa, _, exponent = text.lower().partition("e")
    return Fraction(mantissa.removesuffix(".") or "0") * Fraction(10) ** int(exponent or 0)


def test_the_exact_spelling_has_the_same_value_and_is_json() -> None:
    texts = [text for text, printed in RECORDED.items() if printed not in ("NaN", "Infinity", "-Infinity")]
    spelled = canonical(pl.Series(texts)).to_list()
    for text, exact in zip(texts, spelled, strict=True):
        assert exact == canonical_number(text)
        assert Fraction(exact) == exactly(text), text
        json.loads(exact)


decimals = st.from_regex(r"\A[+-]?([0-9]{1,25}(\.[0-9]{0,25})?|\.[0-9]{1,25})([eE][+-]?[0-9]{1,2})?\Z")


@settings(max_examples=80, deadline=None)
@given(st.lists(decimals, min_size=1, max_size=20))
def test_columns_and_single_cells_are_spelled_alike(texts: list[str]) -> None:
    spelled = canonical(pl.Series(texts)).to_list()
    assert spelled == [canonical_number(text) for text in texts]
    assert [Fraction(text) for text in spelled] == [exactly(text) for text in texts]


@pytest.mark.parametrize("digits", ["1", "12", "120", "9007199254740993"])
@pytest.mark.parametrize("places", [3, 6, 7, 8, 18, 19, 20, 22, 30])
def test_a_small_number_is_spelled_alike_however_it_is_written(digits: str, places: int) -> None:
    fraction = digits.zfill(places) if len(digits) <= places else digits[:places]
    texts = [f"0.{fraction}", f".{fraction}", f"00.{fraction}0", f"+0.{fraction}00", f"{int(fraction)}e-{places}"]
    spelled = {*canonical(pl.Series(texts)).to_list(), *map(canonical_number, texts)}
    assert len(spelled) == 1
    assert exactly(spelled.pop() or "") == exactly(texts[0])


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        ("12.50", "12.5"),
        ("007", "7"),
        ("+1", "1"),
        ("-0", "0"),
        ("-0.00", "0"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1e3", "1000"),
        ("1.5E-3", "0.0015"),
        ("0x10", "16"),
        ("0b11", "3"),
        ("0O17", "15"),
        ("9007199254740993", "9007199254740993"),
        ("1e100", "1e+100"),
        ("1e-7", "0.0000001"),
        (".00000010", "0.0000001"),
        ("-12e-19", "-0.0000000000000000012"),
        ("12e-20", "1.2e-19"),
        ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
        ("1,000", None),
        ("abc", None),
        (".", None),
        ("", None),
    ],
)
def test_the_one_spelling_of_a_number(text: str, exact: str | None) -> None:
    assert canonical_number(text) == exact


def test_a_long_number_costs_no_time() -> None:
    text = "0x" + "f" * 200_000
    assert number(text) is None
    assert values(pl.Series([text, "9" * 200_000])).is_infinite().all()
