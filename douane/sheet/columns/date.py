"""`Date`: text in one of the column's formats (`date_format.py`), a real day of the calendar, or a date cell.

A date *cell* of a workbook is a date whatever the formats, and leaves in one of them; typed text leaves as it was typed
unless the column's `output` says otherwise. Where one text can be a day of two formats, or stands as text among date
cells, a note says so: nothing is guessed in silence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import polars as pl

from douane.errors import BadTemplate
from douane.model.template import Column
from douane.sheet import pattern as patterns
from douane.sheet.columns import date_format as formats_of
from douane.sheet.columns.contract import FILLED, KIND, TEXT, Judge, Notice, Sure
from douane.sheet.columns.date_format import NOTHING, PIVOT, spellings
from douane.sheet.columns.member import Member
from douane.sheet.columns.notes import noted, with_note
from douane.sheet.date_tokens import Format, normal, parsed
from douane.sheet.fields import TEXT as TEXT_KIND
from douane.sheet.fields import Field, Given, Kind, choice
from douane.sheet.formats import KIND_DATE, KIND_DATETIME
from douane.sheet.month_names import LANGUAGES
from douane.sheet.rule import DATE, Test

_SHAPE_MAX = 200_000  # characters: some 400 plain formats, or 6 in which both day and month stand twice
_PAIRS_MAX = 10  # pairs of formats that may be taken for each other
_WORKBOOK_DATES = (KIND_DATE, KIND_DATETIME)
_TYPED = pl.col("typed")


def _languages(given: Given) -> tuple[str, ...]:
    if not isinstance(given.value, list) or not all(one in LANGUAGES for one in given.value):
        raise given.fault(f"'{given.name}' must be an array of {', '.join(LANGUAGES)}")
    return tuple(given.value)


def _pivot(given: Given) -> int:
    if isinstance(given.value, bool) or not isinstance(given.value, int) or not 0 <= given.value <= 99:
        raise given.fault(f"'{given.name}' must be a whole number from 0 to 99")
    return given.value


_OUTPUT = Field("output", choice("as_typed", "first", "iso"), default="as_typed", says="How typed text leaves.")
_CELL_FORMAT = Field(
    "cellFormat",
    TEXT_KIND,
    default="",
    says="The format in which a date cell of a workbook leaves. Default: the first of dateFormats.",
)
_LANGUAGES = Field(
    "languages",
    Kind("languages", _languages, {"type": "array", "items": {"enum": list(LANGUAGES)}}, list),
    default=(),
    says="Whose names of months are read beside the English ones, in any case.",
)
_PIVOT = Field(
    "yearPivot",
    Kind("pivot", _pivot, {"type": "integer", "minimum": 0, "maximum": 99}),
    default=PIVOT,
    says="Years of two digits up to this are 20.., the others 19...",
)


def judge(column: Column) -> Judge:
    """BadTemplate where the formats are more than one pattern can hold."""
    formats = _formats(column)
    shape = _pattern(formats)
    if len(shape) > _SHAPE_MAX:
        raise BadTemplate("These are too many date formats, or too long ones.", place="dateFormats")
    listed = ",".join(column.date_formats or ("DD/MM/YYYY",))
    says = f"must match date format from [{listed}]"
    stored = _stored(column, formats)
    typed = TEXT if column.setting("output", "as_typed") == "as_typed" else _TYPED
    test = Test(
        "date_format", DATE, FILLED & ~typed.str.contains(shape) & ~KIND.is_in(_WORKBOOK_DATES), lambda t: f"{t} {says}"
    )
    twofold = _twofold(formats, int(column.setting("yearPivot", PIVOT)))
    tests = [test]
    if twofold and (note := noted(column, "ambiguous_day", _ambiguous_says(twofold))) is not None:
        differs = pl.any_horizontal(*(pair.differs(typed) for pair in twofold))
        tests.append(replace(note, fails=FILLED & ~KIND.is_in(_WORKBOOK_DATES) & differs))
    else:
        twofold = []

    def clean(cell: pl.Expr, kind: pl.Expr | None) -> pl.Expr:
        found = cell.str.contains(shape)
        for pair in twofold:
            found = found & ~pair.matches(cell)
        found = found | (cell == "")
        return found if kind is None else found | kind.is_in(_WORKBOOK_DATES)

    def never(cell: pl.Expr) -> pl.Expr:
        return pl.lit(False)

    judge = Judge(tuple(tests), clean=clean, plain=never, stored=stored, order=_order(column, formats))
    if not twofold and (said := patterns.from_rust(shape)) is not None:
        judge = replace(judge, sure=Sure(pattern=said, decides="date_format", kinds=_WORKBOOK_DATES))
    return with_note(judge, noted(column, "mixed_date", _mixed_says), _MIXED)


def _formats(column: Column) -> list[Format]:
    languages = tuple(column.setting("languages", ()))
    return [parsed(one, languages) for one in dict.fromkeys(column.date_formats or ("DD/MM/YYYY",))]


def _pattern(formats: list[Format]) -> str:
    """One pattern for all formats, anchored at both ends. It begins and ends with no white space."""
    spelled = [spelling for one in formats for spelling in spellings(one)]
    return r"\A(?:" + "|".join(spelled or [NOTHING]) + r")\z"


# What leaves


def _stored(column: Column, formats: list[Format]) -> Callable[..., pl.Expr]:
    """Date cells in `cellFormat` or the first format, else ISO as they came; typed text as `output` says."""
    output, pivot = column.setting("output", "as_typed"), int(column.setting("yearPivot", PIVOT))
    wanted = column.setting("cellFormat", "")
    whole = [one for one in (*([parsed(normal(wanted))] if wanted else []), formats[0]) if _says_the_day(one)]

    def stored(text: pl.Expr, kind: pl.Expr | None = None) -> pl.Expr:
        typed = text
        if output != "as_typed":
            typed = pl.coalesce(*(_written(text, one, formats[0], output, pivot) for one in formats), text)
        if kind is None or not whole:
            return typed
        # As SheetJS writes a day into .ods, and into .xlsx where it is asked for dates.
        timed = any(whole[0].has(place) for place in "Hh")
        day = text if timed else text.str.strip_suffix("T00:00:00Z")
        cell = formats_of.written(formats_of.read_cell(day), whole[0]).fill_null(text)
        return pl.when(kind.is_in(_WORKBOOK_DATES)).then(cell).otherwise(typed)

    return stored


def _order(column: Column, formats: list[Format]) -> pl.Expr:
    """ISO 8601 of cells and of typed text, by the first format that takes it; null of what is no date."""
    pivot = int(column.setting("yearPivot", PIVOT))
    typed = [_written(_TYPED, one, one, "iso", pivot) for one in formats]
    return pl.when(KIND.is_in(_WORKBOOK_DATES)).then(_TYPED).otherwise(pl.coalesce(*typed))


def _says_the_day(one: Format) -> bool:
    """A format that leaves out the year or the day would drop what a date cell says."""
    return all(one.has(part) for part in "YMD") and next(spellings(one), None) is not None


def _written(text: pl.Expr, one: Format, first: Format, output: str, pivot: int) -> pl.Expr:
    parts = formats_of.read(text, one, pivot)
    said = formats_of.written_iso(parts) if output == "iso" else formats_of.written(parts, first)
    return pl.when(text.str.contains(formats_of.shape(one))).then(said)


# Days that two formats read differently


class _Pair:
    def __init__(self, one: Format, other: Format, pivot: int) -> None:
        self.texts = (one.text, other.text)
        self._shapes = (formats_of.shape(one), formats_of.shape(other))
        self._formats, self._pivot = (one, other), pivot

    def matches(self, text: pl.Expr) -> pl.Expr:
        return text.str.contains(self._shapes[0]) & text.str.contains(self._shapes[1])

    def differs(self, text: pl.Expr) -> pl.Expr:
        one, other = (formats_of.read(text, each, self._pivot) for each in self._formats)
        return self.matches(text) & pl.any_horizontal(*(one[part] != other[part] for part in "YMD" if part in one))


def _twofold(formats: list[Format], pivot: int) -> list[_Pair]:
    return [
        _Pair(one, other, pivot)
        for one, other in combinations(formats, 2)
        if one.skeleton == other.skeleton and one.order != other.order and sorted(one.order) == sorted(other.order)
    ][:_PAIRS_MAX]


def _ambiguous_says(twofold: list[_Pair]) -> Callable[[str], str]:
    def says(text: str) -> str:
        """Names the formats that take this text, and not all that may take one text."""
        each = pl.select(*(pair.differs(pl.lit(text)).alias(str(at)) for at, pair in enumerate(twofold))).row(0)
        pairs = [pair for pair, differs in zip(twofold, each, strict=True) if differs] or twofold
        return f"{text} may be a day of {' or '.join(dict.fromkeys(one for pair in pairs for one in pair.texts))}"

    return says


def _with_dates(cells: pl.Series, kinds: pl.Series | None) -> bool:
    return kinds is not None and bool(kinds.is_in(_WORKBOOK_DATES).any())


_MIXED = Notice(
    "mixed_date",
    _with_dates,
    FILLED & ~KIND.is_in(_WORKBOOK_DATES),
    lambda cell, kind: cell != "" if kind is None else ~kind.is_in(_WORKBOOK_DATES) & (cell != ""),
    across="kind",
)


def _mixed_says(text: str) -> str:
    return f"{text} is text, and other cells of this column are dates"


# The template


def _hopeless(column: Column, strict: bool) -> str | None:
    """A file that a person wrote may hold no format that is of no use; of other definitions one has to be of use."""
    formats = _formats(column)
    useless = [one for one in formats if next(spellings(one), None) is None]
    if strict:
        useless += [one for one in formats if _minutes_as_months(one)]
    if not useless or (len(useless) < len(formats) and not strict):
        return None
    return f"The date format {useless[0].text} can never match a cell{_hint(useless[0].text)}"


def _minutes_as_months(one: Format) -> bool:
    names = [name for name in one.names if name[0].isalpha()]
    hours = [at for at, name in enumerate(names) if name in ("HH", "H")]
    return bool(hours) and names[hours[0] + 1 : hours[0] + 2] in (["MM"], ["M"])


def _hint(text: str) -> str:
    if "%" in text:
        return ". A format is written like YYYY-MM-DD HH:mm:ss."
    if "H" in text and ("S" in text or "MM" in text.partition("H")[2]):
        day, _, clock = text.partition("H")
        return f": minutes and seconds are written small, as in {day}H{clock.replace('M', 'm').replace('S', 's')}."
    if any(name in ("Y", "YYY") for name in parsed(text).names):
        return ": a year is YYYY or YY."
    return ". Known are YYYY YY MMMM MMM MM M DD D HH H hh h mm ss SSS A Z and [text]."


def _says(column: Column) -> str:
    return " or ".join(column.date_formats or ("DD/MM/YYYY",))


def pattern(formats: tuple[str, ...]) -> str:
    """One pattern for all formats, as the column type judges by."""
    return _pattern([parsed(one) for one in dict.fromkeys(formats)])


MEMBER = Member(judge, _says, (_OUTPUT, _CELL_FORMAT, _LANGUAGES, _PIVOT), _hopeless)
