from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from douane.sheet.formats import KIND_DATE, KIND_DATETIME, KIND_NUMBER, KIND_TEXT, KIND_TIME
from douane.sheet.formats.cell_text import float_texts, formatted_texts, iso_text, moment_texts, number_texts, unescaped
from douane.sheet.formats.number_formats import DATE, DATETIME, ELAPSED, PADDED, TIME, NumberFormat, number_format
from tests.sheet.kernel import with_and_without  # noqa: F401


def numbers(*texts: str) -> list[str]:
    return number_texts(pl.Series(texts))[0].to_list()


def moments(meaning: int, *serials: float, from_1904: bool = False) -> list[tuple[str, int]]:
    texts, kinds = moment_texts(pl.Series(serials, dtype=pl.Float64), meaning, from_1904=from_1904)
    return list(zip(texts.to_list(), kinds.tolist(), strict=True))


def test_numbers_are_the_shortest_that_read_back_the_same() -> None:
    assert numbers("42", "42.0", "1.1000000000000001", "0.30000000000000004", "1E+2", "-0", "0.10", "007", " 5 ") == [
        *("42", "42", "1.1", "0.30000000000000004", "100", "0", "0.1", "7", "5")
    ]
    assert numbers("1e20", "1e21", "123456789012345678", "1e-6", "1.5e-7", "-2.5E-10", "5e-324") == [
        *("100000000000000000000", "1e+21", "123456789012345680", "0.000001", "1.5e-7", "-2.5e-10", "5e-324")
    ]


def test_doubles_are_the_shortest_that_read_back_the_same() -> None:
    values = [0.0, -0.0, 42.0, -7.5, 0.1, 0.07, 1234.5678, 1e-6, 1e-7, 0.1 + 0.2, 1e15, 1e21, 123456789012345.6, -0.25]
    texts, kinds = float_texts(pl.Series([*values, float("inf"), float("nan")]))
    assert texts.to_list() == [
        *("0", "0", "42", "-7.5", "0.1", "0.07", "1234.5678", "0.000001", "1e-7", "0.30000000000000004"),
        *("1000000000000000", "1e+21", "123456789012345.6", "-0.25", "inf", "NaN"),
    ]
    assert kinds.tolist() == [KIND_NUMBER] * 14 + [KIND_TEXT] * 2


def test_what_is_no_number_stays_as_text() -> None:
    texts, kinds = number_texts(pl.Series(["1", "abc", "NaN", "inf", "1_0", "2.50"]))
    assert texts.to_list() == ["1", "abc", "NaN", "inf", "1_0", "2.5"]
    assert kinds.tolist() == [KIND_NUMBER, KIND_TEXT, KIND_TEXT, KIND_TEXT, KIND_TEXT, KIND_NUMBER]


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(1e16)
@example(123456789.12345678)
def test_a_number_reads_back_as_the_same_double(value: float) -> None:
    for written in (repr(value), f"{value:.17g}"):
        text = numbers(written)[0]
        assert float(text) == value
        assert len(text.lstrip("-").replace(".", "").strip("0")) <= 17 or "e" in text or abs(value) < 1e21


def test_moments_in_the_1900_calendar() -> None:
    assert moments(DATE, 1, 59, 60, 61, 45351, 2958465, 45351.5, 0.5, 0) == [
        ("1900-01-01", KIND_DATE),
        ("1900-02-28", KIND_DATE),
        ("1900-02-29", KIND_DATE),
        ("1900-03-01", KIND_DATE),
        ("2024-02-29", KIND_DATE),
        ("9999-12-31", KIND_DATE),
        ("2024-02-29T12:00:00", KIND_DATETIME),
        ("12:00:00", KIND_TIME),
        ("00:00:00", KIND_TIME),
    ]
    assert moments(DATETIME, 45351, 60.25) == [
        ("2024-02-29T00:00:00", KIND_DATETIME),
        ("1900-02-29T06:00:00", KIND_DATETIME),
    ]
    assert moments(TIME, 0.354166666666667, 1.25, 0.0000115740740740741) == [
        ("08:30:00", KIND_TIME),
        ("1900-01-01T06:00:00", KIND_DATETIME),
        ("00:00:01", KIND_TIME),
    ]


def test_moments_in_the_1904_calendar() -> None:
    assert moments(DATE, 0, 1.5, 43889, from_1904=True) == [
        ("1904-01-01", KIND_DATE),
        ("1904-01-02T12:00:00", KIND_DATETIME),
        ("2024-02-29", KIND_DATE),
    ]
    assert moments(TIME, 0.5, from_1904=True) == [("12:00:00", KIND_TIME)]


def test_durations_keep_the_fraction_of_their_seconds() -> None:
    assert moments(ELAPSED, 754.56 / 86400, 754.98 / 86400, 86399.999 / 86400) == [
        ("00:12:34.560", KIND_TIME),
        ("00:12:34.980", KIND_TIME),
        ("23:59:59.999", KIND_TIME),
    ]


def test_durations_go_on_after_24_hours() -> None:
    assert moments(ELAPSED, 1.25, 0.5, 100) == [
        ("30:00:00", KIND_TIME),
        ("12:00:00", KIND_TIME),
        ("2400:00:00", KIND_TIME),
    ]


@pytest.mark.parametrize("meaning", [DATE, DATETIME, TIME, ELAPSED])
def test_days_that_no_calendar_has_stay_numbers(meaning: int) -> None:
    assert moments(meaning, -1.5, 2958466, 1e300) == [
        ("-1.5", KIND_NUMBER),
        ("2958466", KIND_NUMBER),
        ("1e+300", KIND_NUMBER),
    ]


@given(st.datetimes(datetime(1900, 3, 1), datetime(9999, 12, 30)))
def test_every_moment_comes_back_to_the_millisecond(moment: datetime) -> None:
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    serial = (moment - datetime(1899, 12, 30)) / timedelta(days=1)
    text, _ = moments(DATETIME, serial)[0]
    assert abs(datetime.fromisoformat(text) - moment) <= timedelta(milliseconds=1)


def test_padded_numbers_show_their_zeros() -> None:
    texts, kinds = formatted_texts(
        pl.Series(["123", "1234567", "-5", "1.5", "12.0", "x"]), NumberFormat(PADDED, 5), from_1904=False
    )
    assert texts.to_list() == ["00123", "1234567", "-00005", "1.5", "00012", "x"]
    assert kinds.tolist() == [KIND_NUMBER] * 5 + [KIND_TEXT]


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        ("00000", ["00123", "1234567", "00000"]),
        ('"SKU-"00000', ["SKU-00123", "SKU-1234567", "SKU-00000"]),
        ('00000"-x"', ["00123-x", "1234567-x", "00000-x"]),
        ("000-00-0000", ["000-00-0123", "001-23-4567", "000-00-0000"]),
        ('"W"00', ["W123", "W1234567", "W00"]),
    ],
)
def test_padded_numbers_show_what_stands_around_them(code: str, texts: list[str]) -> None:
    shown, kinds = formatted_texts(pl.Series(["123", "1234567", "0"]), number_format(code), from_1904=False)
    assert shown.to_list() == texts
    assert set(kinds.tolist()) == {KIND_NUMBER if code == "00000" else KIND_TEXT}


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("[<=99999]00000;00000-0000", {"1234": "01234", "123456": "00012-3456", "-7": "-00007", "1.5": "1.5"}),
        ("[>99999]00000-0000;00000", {"1234": "01234", "123456": "00012-3456"}),
        (
            r"[<=999]000;[<=9999]000\-00;000\-0000",
            {"12": "012", "1234": "012-34", "123456": "012-3456", "x": "x"},
        ),
        ("[<1]h:mm;[h]:mm", {"0.5": "12:00:00", "1.5": "36:00:00"}),
        ("[Red][=7]000;General", {"7": "007", "8": "8"}),
        ("[>=100]0;00", {"100": "100", "7": "07"}),
        ("[>100]000;00000;0", {"101": "101", "-7": "-00007", "7": "7"}),
        ("[>=10000000]##\\,##\\,##\\,##0;[>=100000]##\\,##\\,##0;##,##0", {"123456": "123456", "7": "7"}),
        ('0#" "##" "##" "##" "##', {"123456789": "01 23 45 67 89", "612345678": "06 12 34 56 78"}),
        ("0##", {"5": "005", "12345": "12345"}),
        ("#000", {"5": "005", "12345": "12345"}),
        ("#-000", {"5": "5"}),
    ],
)
def test_formats_that_go_by_the_value(code: str, shown: dict[str, str]) -> None:
    texts = formatted_texts(pl.Series(list(shown)), number_format(code), from_1904=False)[0]
    assert texts.to_list() == list(shown.values())


@given(
    st.integers(0, 10**15 - 1), st.lists(st.sampled_from(["0", "00", "-", '"No. "', "\\ ", "/", "(", ")"]), max_size=9)
)
def test_padded_numbers_keep_every_digit_in_order(number: int, pieces: list[str]) -> None:
    form = number_format("".join(pieces))
    shown = formatted_texts(pl.Series([str(number)]), form, from_1904=False)[0][0]
    places = form.digits if form.meaning == PADDED else 0
    assert "".join(sign for sign in shown if sign.isdigit()) == str(number).zfill(places)


def test_a_date_format_over_text_leaves_the_text() -> None:
    texts, kinds = formatted_texts(pl.Series(["45351", "soon", "nan"]), NumberFormat(DATE), from_1904=False)
    assert texts.to_list() == ["2024-02-29", "soon", "nan"]
    assert kinds.tolist() == [KIND_DATE, KIND_TEXT, KIND_TEXT]


def test_iso_cells() -> None:
    assert iso_text("2015-06-03T13:21:58Z") == ("2015-06-03T13:21:58Z", KIND_DATETIME)
    assert iso_text("2015-06-03T13:21:58.500Z") == ("2015-06-03T13:21:58.500Z", KIND_DATETIME)
    assert iso_text("08:30:15.12") == ("08:30:15.120", KIND_TIME)
    assert iso_text("08:30:15.123456") == ("08:30:15.123456", KIND_TIME)
    assert iso_text("2015-06-03T13:21:58.000+02:00") == ("2015-06-03T13:21:58+02:00", KIND_DATETIME)
    assert iso_text("2015-06-01") == ("2015-06-01", KIND_DATE)
    assert iso_text("08:30") == ("08:30:00", KIND_TIME)
    assert iso_text("invalid::date") == ("invalid::date", KIND_TEXT)
    assert iso_text("") == ("", KIND_TEXT)


def test_escapes() -> None:
    texts = pl.Series(["a_x000D_b", "_x005F_x000D_", "_x00_", "_xD83D__xDE00_", "_xDE00_", "plain"])
    assert unescaped(texts).to_list() == ["a\rb", "_x000D_", "_x00_", "\U0001f600", "_xDE00_", "plain"]
