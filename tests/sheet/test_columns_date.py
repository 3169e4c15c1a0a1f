"""Dates as dayjs reads them strictly, decided by one pattern per column."""

from __future__ import annotations

import datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from douane.errors import BadTemplate
from douane.model.template import Column
from douane.sheet import columns
from douane.sheet.columns.date import pattern
from tests.sheet.recorded import JAVASCRIPT


def matching(formats: tuple[str, ...], texts: list[str]) -> list[bool]:
    return pl.Series(texts, dtype=pl.String).str.contains(pattern(formats)).to_list()


@pytest.mark.parametrize("date_format", JAVASCRIPT["dates"])
def test_a_format_accepts_what_dayjs_accepts(date_format: str) -> None:
    recorded = JAVASCRIPT["dates"][date_format]
    assert matching((date_format,), recorded["yes"]) == [True] * len(recorded["yes"])
    assert matching((date_format,), recorded["no"]) == [False] * len(recorded["no"])


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 9999), st.integers(0, 13), st.integers(0, 32))
def test_only_days_of_the_calendar(year: int, month: int, day: int) -> None:
    try:
        real = datetime.date(year, month, day).year >= 100
    except ValueError:
        real = False
    spelled = [f"{day:02}/{month:02}/{year:04}", f"{year:04}-{month:02}-{day:02}", f"{year:04}{month:02}{day:02}"]
    formats = ("DD/MM/YYYY", "YYYY-MM-DD", "YYYYMMDD")
    assert [matching((f,), [t])[0] for f, t in zip(formats, spelled, strict=True)] == [real] * 3


@pytest.mark.parametrize(
    ("formats", "text", "accepted"),
    [
        (("DD/MM/YYYY",), "1/2/2020", False),
        (("DD/MM/YYYY",), "01/02/20", False),
        (("YYYY-MM-DD",), "2020-1-01", False),
        (("DD-MMM-YYYY",), "01-Jan-2020", True),
        (("DD-MMM-YYYY",), "01-JAN-2020", False),
        (("YYYY-MM-DD", "DD/MM/YYYY"), "29/02/2024", True),
        (("YYYY-MM-DD", "DD/MM/YYYY"), "29/02/2023", False),
        (("YYYY-MM-DD",), "٢٠٢٠-٠١-٠١", False),
        (("YYYY-MM-DD",), "2020-01-01\n", False),
        (("MM/DD",), "02/29", True),
        ((" YYYY",), "2020", False),
        (("",), "", False),
        (("DMYYYY",), "2922020", False),
        (("YYYY.MM.DD",), "2020x01x01", False),
    ],
)
def test_what_a_format_accepts(formats: tuple[str, ...], text: str, accepted: bool) -> None:
    assert matching(formats, [text]) == [accepted]


def test_formats_beyond_one_pattern_are_a_fault_of_the_template() -> None:
    many = tuple(f"MM DD MM DD {n} YYYY" for n in range(20))
    with pytest.raises(BadTemplate) as caught:
        columns.judge(Column("a", "A", "Date", date_formats=many))
    assert caught.value.place == "dateFormats"
