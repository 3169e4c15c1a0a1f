r"""`Date`: text in one of the column's formats, a real day of the calendar, written the way the format writes it.

Tokens are those of the dayjs library in strict mode (contract 4.2; version 1.11 with its plugin customParseFormat was
run): `YYYY YY MMMM MMM MM M DD D HH H A SSS Z ZZ` and `[text as it is]`; every other character stands for itself. What
a format accepts is exactly what it prints for some real day, and that is a regular language: leap years and the
lengths of months included. So one pattern decides all formats of a column at about 30 ns a cell.

Formats are upper-cased when saved, so `mm` arrives as `MM`, a second month, and only matches where it repeats the
month; `SS`, `S`, `Q`, `X`, `Y` and `YYY` never match, as in the original. Years below 100 never match, as in dayjs.
Where a format has no year, 29 February is accepted, for there is no clock here; times are taken as UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import polars as pl

from douane.errors import BadTemplate
from douane.model.template import Column
from douane.sheet.columns.contract import FILLED, KIND, SPACE, TEXT, Judge, literally
from douane.sheet.columns.member import Member
from douane.sheet.formats import KIND_DATE, KIND_DATETIME
from douane.sheet.rule import DATE, Test

_TOKEN = re.compile(r"\[([^\]]+)\]|Y{1,4}|M{1,4}|D{1,2}|H{1,2}|A|Z{1,2}|SSS|SS?|Q|X|.", re.DOTALL)
_NEVER = {"Y", "YYY", "S", "SS", "Q", "X"}
_NUMERIC = {"YYYY", "YY", "MM", "M", "DD", "D", "HH", "H", "SSS"}
# dayjs' English locale, case-sensitive.
_MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September"]
_MONTHS += ["October", "November", "December"]
_LONG_MONTHS = (1, 3, 5, 7, 8, 10, 12)
_ALL_MONTHS = tuple(range(1, 13))
_FOURTH = "0[48]|[2468][048]|[13579][26]"  # two digits divisible by four, 00 apart
_YEARS = {"YYYY": "(?:0[1-9]|[1-9][0-9])[0-9]{2}", "YY": "[0-9]{2}"}
_LEAP_YEARS = {
    "YYYY": f"(?:(?:0[1-9]|[1-9][0-9])(?:{_FOURTH})|(?:{_FOURTH})00)",
    "YY": f"(?:00|{_FOURTH})",
}
_SHAPE_MAX = 200_000  # characters: some 400 plain formats, or 6 in which both day and month stand twice
_NOTHING = r"[^\x00-\x{10FFFF}]"  # a set of no characters: never found
_WORKBOOK_DATES = (KIND_DATE, KIND_DATETIME)


def judge(column: Column) -> Judge:
    """BadTemplate where the formats are more than one pattern can hold."""
    formats = column.date_formats or ("DD/MM/YYYY",)
    shape = pattern(formats)
    if len(shape) > _SHAPE_MAX:
        raise BadTemplate("These are too many date formats, or too long ones.", place="dateFormats")
    listed = ",".join(formats)
    fails = FILLED & ~TEXT.str.contains(shape) & ~KIND.is_in(_WORKBOOK_DATES)
    test = Test("date_format", DATE, fails, lambda text: f"{text} must match date format from [{listed}]")

    def clean(cell: pl.Expr, kind: pl.Expr | None) -> pl.Expr:
        found = cell.str.contains(shape) | (cell == "")
        return found if kind is None else found | kind.is_in(_WORKBOOK_DATES)

    return Judge((test,), clean=clean)


def pattern(formats: tuple[str, ...]) -> str:
    """One pattern for all formats, anchored at both ends. It begins and ends with no white space."""
    spelled = [spelling for date_format in dict.fromkeys(formats) for spelling in _spellings(date_format)]
    return r"\A(?:" + "|".join(spelled or [_NOTHING]) + r")\z"


def _spellings(date_format: str) -> Iterator[str]:
    """The texts that the format prints, as alternatives; none where it can never match."""
    tokens = [(found[0], found[1]) for found in _TOKEN.finditer(date_format)]
    printed = "".join(literal or token for token, literal in tokens)
    if not printed or printed != printed.strip(SPACE):  # a trimmed cell never looks like that
        return
    names = [token for token, literal in tokens if literal is None]
    years = [name for name in names if name[0] == "Y"]
    hours = [name for name in names if name[0] == "H"]
    if _NEVER.intersection(names) or len(years) > 1 or len(hours) > 1:
        return
    months_repeat = sum(name[0] == "M" for name in names) > 1
    days_repeat = sum(name[0] == "D" for name in names) > 1
    halves = (range(12), range(12, 24)) if hours and "A" in names else (range(24),)
    for days, months, leap in _calendar(names):
        # A token that stands twice must say the same both times, so its values are spelled out one by one.
        for month_set in [(month,) for month in months] if months_repeat else [months]:
            for day_set in [(day,) for day in days] if days_repeat else [days]:
                for half in halves:
                    yield _spelling(tokens, day_set, month_set, leap, half)


def _calendar(names: list[str]) -> Iterator[tuple[tuple[int, ...], tuple[int, ...], bool]]:
    """(days, months, only leap years): together all days there are."""
    has_day = any(name[0] == "D" for name in names)
    has_month = any(name[0] == "M" for name in names)
    if not has_day or not has_month:
        yield tuple(range(1, 32)), _ALL_MONTHS, False
        return
    yield tuple(range(1, 29)), _ALL_MONTHS, False
    yield (29, 30), tuple(month for month in _ALL_MONTHS if month != 2), False
    yield (31,), _LONG_MONTHS, False
    yield (29,), (2,), True


def _spelling(
    tokens: list[tuple[str, str | None]], days: tuple[int, ...], months: tuple[int, ...], leap: bool, hours: range
) -> str:
    text = ""
    for place, (token, literal) in enumerate(tokens):
        following = tokens[place + 1] if place + 1 < len(tokens) else ("", None)
        # dayjs reads one or two digits greedily, so before another digit a short token needs two of them.
        two_digits = following[1] is None and following[0] in _NUMERIC
        if literal is not None:
            text += literally(literal)
        elif token in _YEARS:
            text += (_LEAP_YEARS if leap else _YEARS)[token]
        elif token in ("MMM", "MMMM"):
            text += _any_of(_MONTHS[month - 1][: 3 if token == "MMM" else None] for month in months)
        elif token in ("MM", "M"):
            text += _numbers(months, token, two_digits)
        elif token in ("DD", "D"):
            text += _numbers(days, token, two_digits)
        elif token in ("HH", "H"):
            text += _numbers(tuple(hours), token, two_digits)
        elif token == "A":
            text += "AM" if hours.start == 0 else "PM"
        elif token == "SSS":
            text += "[0-9]{3}"
        elif token in ("Z", "ZZ"):
            text += r"\+00:00" if token == "Z" else r"\+0000"
        else:
            text += literally(token)
    return text


def _numbers(values: tuple[int, ...], token: str, two_digits: bool) -> str:
    if len(token) == 2:
        return _any_of(f"{value:02d}" for value in values)
    return _any_of(str(value) for value in values if value > 9 or not two_digits)


def _any_of(texts: Iterable[str]) -> str:
    return "(?:" + ("|".join(texts) or _NOTHING) + ")"


MEMBER = Member(judge, lambda column: " or ".join(column.date_formats or ("DD/MM/YYYY",)))
