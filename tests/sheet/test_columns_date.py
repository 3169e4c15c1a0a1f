"""Dates as dayjs reads them strictly, decided by one pattern per column."""

from __future__ import annotations

import datetime
import re
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from douane.errors import BadTemplate
from douane.model.template import Column
from douane.sheet import columns
from douane.sheet.columns.date import pattern
from douane.sheet.date_tokens import normal
from douane.sheet.formats import KIND_TEXT
from douane.sheet.template_file import column_from_document
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


# Ours: a time of day, months in other languages, the pivot


def judged(document: dict[str, Any], text: str) -> str | None:
    """ISO of a text that the column takes, None of one it refuses."""
    column = column_from_document({"key": "a", "type": "Date", "output": "iso", "notes": OFF, **document}, strict=True)
    judge = columns.judge(column)
    frame = pl.DataFrame({"typed": [text], "kind": [KIND_TEXT]}, schema_overrides={"kind": pl.UInt8})
    frame = frame.with_columns(judge.stored(pl.col("typed"), None).alias("text"))
    failed, out = frame.select(judge.tests[0].fails.alias("failed"), "text").row(0)
    return None if failed else str(out)


OFF = {"ambiguous_day": "off", "mixed_date": "off"}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("dd/mm/yyyy", "DD/MM/YYYY"),
        ("yyyy-mm-dd hh:mm:ss", "YYYY-MM-DD HH:mm:ss"),
        ("YYYY-MM-DD HH:mm", "YYYY-MM-DD HH:mm"),
        ("YYYY-MM-DDTHH:mm:ss.SSSZ", "YYYY-MM-DDTHH:mm:ss.SSSZ"),
        ("DD.MM.YYYY HH.mm", "DD.MM.YYYY HH.mm"),
        ("D/M/YYYY h:mm a", "D/M/YYYY h:mm a"),
        ("YYYYMMDDHHmmss", "YYYYMMDDHHmmss"),
        ("D MMM YYYY HH[h]mm", "D MMM YYYY HH[h]mm"),
        ("D MMM YYYY HHhmm", "D MMM YYYY HH[h]mm"),
        # The contract's: small or not, without small minutes there are none.
        ("YYYY-MM-DD HH:MM:SS", "YYYY-MM-DD HH:MM:SS"),
        ("mmm d, yyyy", "MMM D, YYYY"),
    ],
)
def test_a_format_is_upper_cased_but_for_a_time_of_day(given: str, kept: str) -> None:
    assert normal(given) == kept
    assert normal(kept) == kept


@pytest.mark.parametrize(
    ("date_format", "text", "iso"),
    [
        ("YYYY-MM-DD HH:mm:ss", "2024-02-29 13:05:10", "2024-02-29T13:05:10"),
        ("YYYY-MM-DD HH:mm:ss", "2024-02-29 24:00:00", None),
        ("YYYY-MM-DD HH:mm:ss", "2023-02-29 13:05:10", None),
        ("YYYY-MM-DD HH:mm:ss", "2024-02-29 13:60:10", None),
        ("YYYY-MM-DD HH:mm:ss", "2024-02-29 3:05:10", None),
        ("YYYY-MM-DDTHH:mm:ss.SSSZ", "2024-02-29T13:05:10.250Z", "2024-02-29T13:05:10.250Z"),
        ("YYYY-MM-DDTHH:mm:ssZ", "2024-02-29T13:05:10+05:30", "2024-02-29T13:05:10+05:30"),
        ("YYYY-MM-DDTHH:mm:ssZ", "2024-02-29T13:05:10", None),
        ("YYYY-MM-DD HH:mm:ss.S", "2024-02-29 13:05:10.5", "2024-02-29T13:05:10.5"),
        ("D/M/YYYY h:mm a", "1/3/2024 12:05 AM", "2024-03-01T00:05"),
        ("D/M/YYYY h:mm a", "1/3/2024 12:05 pm", "2024-03-01T12:05"),
        ("D/M/YYYY h:mm a", "1/3/2024 11:05 pm", "2024-03-01T23:05"),
        ("D/M/YYYY h:mm a", "1/3/2024 13:05 pm", None),
        ("YYYYMMDDHHmm", "202402291305", "2024-02-29T13:05"),
        ("D MMM YYYY HH[h]mm", "1 Mar 2024 09h30", "2024-03-01T09:30"),
        ("YYMMDD", "240115", "2024-01-15"),
    ],
)
def test_a_time_of_day(date_format: str, text: str, iso: str | None) -> None:
    assert judged({"dateFormats": [date_format]}, text) == iso


@pytest.mark.parametrize(
    ("language", "text", "iso"),
    [
        ("de", "29. Februar 2024", "2024-02-29"),
        ("de", "1. MÄRZ 2024", "2024-03-01"),
        ("fr", "1. août 2024", "2024-08-01"),
        ("es", "1. diciembre 2024", "2024-12-01"),
        ("ar", "1. مارس 2024", "2024-03-01"),
        ("de", "1. March 2024", "2024-03-01"),
        ("de", "1. Mrz. 2024", "2024-03-01"),
        ("fr", "1. janv. 2024", "2024-01-01"),
        ("fr", "1. sept 2024", "2024-09-01"),
        ("es", "1. setiembre 2024", "2024-09-01"),
        ("ar", "1. كانون الثاني 2024", "2024-01-01"),
        ("ar", "1. جويلية 2024", "2024-07-01"),
        ("fr", "1. janv.. 2024", None),
        ("de", "30. Februar 2024", None),
        ("fr", "1. Februar 2024", None),
    ],
)
def test_months_in_other_languages(language: str, text: str, iso: str | None) -> None:
    assert judged({"dateFormats": ["D. MMMM YYYY"], "languages": [language]}, text) == iso
    if text.isascii() and "March" not in text:
        assert judged({"dateFormats": ["D. MMMM YYYY"]}, text) is None


def test_words_between_are_taken_in_any_case() -> None:
    """Formats are kept in capitals, so nobody could ask for a small word."""
    of = {"dateFormats": ["D [de] MMMM [de] YYYY"], "languages": ["es"]}
    for text in ("5 de mayo de 2026", "5 DE MAYO DE 2026"):
        assert judged(of, text) == "2026-05-05"
    assert judged(of, "5 del mayo de 2026") is None
    assert judged({"dateFormats": ["YYYY-MM-DD[T]HH:mm"]}, "2026-05-05t10:00") is None


def test_years_of_two_digits_go_by_the_pivot() -> None:
    assert judged({"dateFormats": ["DD.MM.YY"]}, "01.02.68") == "2068-02-01"
    assert judged({"dateFormats": ["DD.MM.YY"]}, "01.02.69") == "1969-02-01"
    assert judged({"dateFormats": ["DD.MM.YY"], "yearPivot": 30}, "01.02.31") == "1931-02-01"


@pytest.mark.parametrize(
    ("formats", "hint"),
    [
        (["YYYY-MM-DD HH:MM:SS"], "written small, as in YYYY-MM-DD HH:mm:ss"),
        (["%Y-%m-%d"], "written like YYYY-MM-DD"),
        (["DD/MM/YYY"], "a year is YYYY or YY"),
        (["YYYY-MM-DD [] "], "can never match"),
    ],
)
def test_formats_that_never_match_are_refused_with_a_hint(formats: list[str], hint: str) -> None:
    column = column_from_document({"key": "a", "type": "Date", "dateFormats": formats})
    with pytest.raises(BadTemplate, match=re.escape(hint)):
        columns.refuse_hopeless(column)


def test_one_useless_format_among_others_is_a_fault_of_a_file_only() -> None:
    column = column_from_document({"key": "a", "type": "Date", "dateFormats": ["DD/MM/YYYY", "YYYY-MM-DD HH:MM:SS"]})
    columns.refuse_hopeless(column)
    with pytest.raises(BadTemplate, match="can never match"):
        columns.refuse_hopeless(column, strict=True)
    months = column_from_document({"key": "a", "type": "Date", "dateFormats": ["YYYY-MM-DD HH:MM"]})
    columns.refuse_hopeless(months)
    with pytest.raises(BadTemplate, match="as in YYYY-MM-DD HH:mm"):
        columns.refuse_hopeless(months, strict=True)
