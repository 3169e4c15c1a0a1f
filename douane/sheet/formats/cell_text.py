"""A workbook's typed values as text: the shortest that is exact, with its kind beside it.

    number    42, 0.3, 0.30000000000000004: the shortest decimal that reads back as the same double; without exponent
              from 1e-6 up to 1e21, as JavaScript writes numbers, so that no client sees two spellings of one number
    date      2024-02-29 (KIND_DATE); 29 February 1900, which Excel knows and the calendar does not, stays as it is
    datetime  2024-02-29T08:30:00, with milliseconds only where there are any (KIND_DATETIME)
    time      08:30:00 (KIND_TIME), as is a duration, whose hours go on counting: 30:00:00

The value decides, not only its format: a day with a fraction is a datetime even where only the date is shown, so that
nothing is lost; a day number that no calendar has (negative, beyond the year 9999) stays a number.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.sheet import native
from douane.sheet.formats import KIND_DATE, KIND_DATETIME, KIND_NUMBER, KIND_TEXT, KIND_TIME
from douane.sheet.formats.number_formats import (
    BY_VALUE,
    DATE,
    DATETIME,
    DIGIT,
    ELAPSED,
    NUMBER,
    PADDED,
    TIME,
    Choice,
    NumberFormat,
)
from douane.sheet.native import numbers as native_numbers

_DAY_MS = 86_400_000
_SHORTEST = r"^-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]*[1-9])?$"
_ESCAPED = re.compile(r"(?:_x[0-9A-Fa-f]{4}_)+")
_UNIX_DAY_1900, _UNIX_DAY_1904 = 25_569, 24_107
_DAYS_1900, _DAYS_1904 = 2_958_466, 2_957_004  # the first day of the year 10000

_COMPARED: dict[str, Callable[[npt.NDArray[np.float64], float], npt.NDArray[np.bool_]]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "=": np.equal,
    "<>": np.not_equal,
}
Kinds = npt.NDArray[np.uint8]


def number_texts(texts: pl.Series) -> tuple[pl.Series, Kinds]:
    """Numbers as a workbook holds them ("1.1000000000000001", "1E+2", "42.0") -> their shortest exact text. What is no
    number stays as it is and is KIND_TEXT."""
    kinds = np.full(len(texts), KIND_NUMBER, dtype=np.uint8)
    # With at most 15 significant digits and no zero at the end, a decimal is the shortest of its double already.
    odd = (~texts.str.contains(_SHORTEST) | (texts.str.len_bytes() > 17) | (texts == "-0")).arg_true()
    if not len(odd):
        return texts, kinds
    raw = texts.gather(odd)
    value = raw.str.strip_chars().cast(pl.Float64, strict=False)
    finite = value.is_finite().fill_null(False)
    short = pl.select(
        pl.when(~finite)
        .then(raw)
        .when(value == 0)
        .then(pl.lit("0"))
        .otherwise(value.cast(pl.String).str.strip_suffix(".0"))
    ).to_series()
    # Polars writes exponents where JavaScript does not; such numbers are rare.
    far = (finite & short.str.contains("e", literal=True)).arg_true()
    if len(far):
        short = short.scatter(far, [_positional(t) for t in short.gather(far)])
    kinds[odd.to_numpy()[~finite.to_numpy()]] = KIND_TEXT
    return texts.clone().scatter(odd, short), kinds


def _positional(text: str) -> str:
    """1e+20 -> 100000000000000000000, 1.5e+300 -> 1.5e+300"""
    number = Decimal(text)
    if 1e-6 <= abs(number) < 1e21:
        return format(number, "f")
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent):+d}"


def moment_texts(serials: pl.Series, meaning: int, *, from_1904: bool) -> tuple[pl.Series, Kinds]:
    """Float64 day numbers -> ISO text. `meaning` is DATE, DATETIME, TIME or ELAPSED. Null serials give null."""
    kernel = native.kernel()
    if kernel is not None and meaning != ELAPSED and not serials.null_count():
        found = native_numbers.texts(kernel, serials.to_numpy(), meaning, from_1904=from_1904)
        if found is not None:
            texts, kinds, others = found
            if len(others):
                rest, kinds[others] = _moment_texts(serials.gather(others), meaning, from_1904=from_1904)
                texts = texts.scatter(others, rest)
            return texts, kinds
    return _moment_texts(serials, meaning, from_1904=from_1904)


def _moment_texts(serials: pl.Series, meaning: int, *, from_1904: bool) -> tuple[pl.Series, Kinds]:
    days_end = _DAYS_1904 if from_1904 else _DAYS_1900
    usable = (serials >= 0) & (serials < days_end)
    ms = (pl.when(usable).then(serials).otherwise(0.0) * _DAY_MS + 0.5).floor().cast(pl.Int64)
    frame = pl.select(ms=ms, usable=usable)
    ms = pl.col("ms")
    if meaning == ELAPSED:
        seconds = ms // 1000
        parts = [(seconds // 60 % 60), (seconds % 60)]
        text = pl.concat_str(
            (seconds // 3600).cast(pl.String).str.zfill(2),
            *(p.cast(pl.String).str.zfill(2) for p in parts),
            separator=":",
        )
        fraction = pl.lit(".") + (ms % 1000).cast(pl.String).str.zfill(3)
        text = text + pl.when(ms % 1000 > 0).then(fraction).otherwise(pl.lit(""))
        kind = pl.lit(KIND_TIME)
    else:
        if from_1904:
            unix_ms = ms - _UNIX_DAY_1904 * _DAY_MS
        else:
            # Excel's calendar has a 29 February 1900 (day 60): the days before it are one off.
            unix_ms = ms - _UNIX_DAY_1900 * _DAY_MS + pl.when(ms < 60 * _DAY_MS).then(_DAY_MS).otherwise(0)
        moment = unix_ms.cast(pl.Datetime("ms"))
        day = moment.dt.date().cast(pl.String)
        clock = moment.dt.to_string("iso:strict").str.slice(11).str.strip_suffix(".000")
        if not from_1904:
            day = pl.when(ms // _DAY_MS == 60).then(pl.lit("1900-02-29")).otherwise(day)
        # Day 0 of the 1900 calendar is no day; of the 1904 one it is 1 January, unless a time is meant.
        only_time = ms < _DAY_MS if not from_1904 or meaning == TIME else pl.lit(False)
        only_day = (ms % _DAY_MS == 0) if meaning == DATE else pl.lit(False)
        text = pl.when(only_time).then(clock).when(only_day).then(day).otherwise(day + "T" + clock)
        kind = pl.when(only_time).then(KIND_TIME).when(only_day).then(KIND_DATE).otherwise(KIND_DATETIME)
    out = frame.select(text=text, kind=kind.cast(pl.UInt8), usable="usable")
    texts, kinds = out["text"], out["kind"].to_numpy().copy()
    outside = (~out["usable"]).fill_null(False).arg_true()
    if len(outside):
        numbers, number_kinds = number_texts(serials.gather(outside).cast(pl.String))
        texts = texts.scatter(outside, numbers)
        kinds[outside.to_numpy()] = number_kinds
    return texts, kinds


def formatted_texts(texts: pl.Series, form: NumberFormat, *, from_1904: bool) -> tuple[pl.Series, Kinds]:
    """Numbers as a workbook holds them, all under one number format -> text and kind. Every reader of workbooks gets
    its padded numbers and moments here, so that one workbook reads alike whatever it was saved as."""
    meaning = form.meaning
    if meaning == NUMBER:
        return number_texts(texts)
    if meaning == PADDED:
        return _padded_texts(texts, form)
    if meaning == BY_VALUE:
        return _chosen_texts(texts, form.choices, from_1904=from_1904)
    assert meaning in (DATE, DATETIME, TIME, ELAPSED)
    serials = texts.str.strip_chars().cast(pl.Float64, strict=False)
    serials = pl.select(pl.when(serials.is_finite()).then(serials)).to_series()
    result, kinds = moment_texts(serials, meaning, from_1904=from_1904)
    lost = serials.is_null().arg_true()
    if len(lost):
        result = result.scatter(lost, texts.gather(lost))
        kinds[lost.to_numpy()] = KIND_TEXT
    return result, kinds


def _chosen_texts(texts: pl.Series, choices: tuple[Choice, ...], *, from_1904: bool) -> tuple[pl.Series, Kinds]:
    """Numbers under a format that is another one by their value."""
    values = texts.str.strip_chars().cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()
    result, kinds = number_texts(texts)
    left = np.isfinite(values)
    for choice in choices:
        here = left & _COMPARED[choice.sign](values, choice.bound)
        left &= ~here
        at = np.flatnonzero(here)
        if len(at) and choice.form.meaning != NUMBER:
            shown, kinds[at] = formatted_texts(texts.gather(at), choice.form, from_1904=from_1904)
            result = result.scatter(at, shown)
    return result, kinds


def _padded_texts(texts: pl.Series, form: NumberFormat) -> tuple[pl.Series, Kinds]:
    """Whole numbers as a person sees them: `00123`, `-00012`, and those from 0 on as text where more than digits is
    shown (`SKU-00123`). Others stay numbers: the code would hide what they are."""
    shortest, kinds = number_texts(texts)
    whole = shortest.str.contains(r"^[0-9]+$" if form.picture else r"^-?[0-9]+$")
    below = shortest.str.starts_with("-")
    shown = pl.select(
        pl.when(below)
        .then(pl.lit("-") + shortest.str.slice(1).str.zfill(form.digits))
        .otherwise(shortest.str.zfill(form.digits))
    ).to_series()
    if form.picture:
        before, *between = form.picture.split(DIGIT)
        # The first place takes all digits that are too many, the others one each, counted from the end.
        parts: list[pl.Expr] = [pl.lit(before), pl.col("shown").str.head(-(form.digits - 1))]
        for number, text in enumerate(between):
            if number:
                parts.append(pl.col("shown").str.tail(form.digits - number).str.head(1))
            parts.append(pl.lit(text))
        shown = shown.alias("shown").to_frame().select(pl.concat_str(parts)).to_series()
        kinds[whole.fill_null(False).to_numpy()] = KIND_TEXT
    return pl.select(pl.when(whole).then(shown).otherwise(shortest)).to_series(), kinds


def float_texts(values: pl.Series) -> tuple[pl.Series, Kinds]:
    """Float64, none null -> their shortest exact text, as `number_texts`. What is not finite is KIND_TEXT."""
    kernel = native.kernel()
    if kernel is not None and (found := native_numbers.texts(kernel, values.to_numpy())) is not None:
        texts, _, others = found
        kinds = np.full(len(values), KIND_NUMBER, np.uint8)
        if len(others):
            rest, kinds[others] = _float_texts(values.gather(others))
            texts = texts.scatter(others, rest)
        return texts, kinds
    return _float_texts(values)


def _float_texts(values: pl.Series) -> tuple[pl.Series, Kinds]:
    whole = values.cast(pl.Int64, strict=False)
    if ((whole.cast(pl.Float64) == values).fill_null(False) & (values.abs() < 1e15)).all():
        return whole.cast(pl.String), np.full(len(values), KIND_NUMBER, np.uint8)
    texts = values.cast(pl.String).str.strip_suffix(".0")
    far = (texts.str.contains("e", literal=True) | (values == 0)).arg_true()
    if len(far):
        texts = texts.scatter(far, [_positional(t) if t not in ("0", "-0") else "0" for t in texts.gather(far)])
    return texts, np.where(values.is_finite().to_numpy(), np.uint8(KIND_NUMBER), np.uint8(KIND_TEXT))


def formatted_floats(values: pl.Series, form: NumberFormat, *, from_1904: bool) -> tuple[pl.Series, Kinds]:
    """Float64, none null, all under one number format -> text and kind."""
    if form.meaning in (DATE, DATETIME, TIME, ELAPSED) and values.is_finite().all():
        return moment_texts(values, form.meaning, from_1904=from_1904)
    texts, kinds = float_texts(values)
    if form.meaning == NUMBER:
        return texts, kinds
    return formatted_texts(texts, form, from_1904=from_1904)


def unescaped(texts: pl.Series) -> pl.Series:
    """`_x000D_` -> the character, as ECMA-376 part 1, 22.4.2.4 escapes what XML cannot hold. Halves of a pair that do
    not make a character stay as written."""
    if not len(texts):
        return texts
    found = texts.str.contains("_x", literal=True).fill_null(False).arg_true()
    if not len(found):
        return texts
    return texts.clone().scatter(found, [_ESCAPED.sub(_characters, t) for t in texts.gather(found)])


def _characters(match: re.Match[str]) -> str:
    units = b"".join(int(code[2:6], 16).to_bytes(2, "little") for code in re.findall("_x[0-9A-Fa-f]{4}_", match[0]))
    try:
        return units.decode("utf-16-le")
    except UnicodeDecodeError:
        return match[0]


_ISO = re.compile(
    r"\s*(?P<day>\d{4}-\d\d-\d\d)?(?:T?(?P<clock>\d\d:\d\d(?::\d\d)?)(?P<fraction>\.\d+)?)?(?P<zone>Z|[+-]\d\d:?\d\d)?\s*"
)


def iso_text(text: str) -> tuple[str, int]:
    """A cell of type `d`: ISO 8601 already. Seconds are added, empty fractions dropped, others have three digits at
    least; a zone stays as it is, `Z` too. Any other text stays."""
    match = _ISO.fullmatch(text)
    if not match or not (match["day"] or match["clock"]):
        return text, KIND_TEXT
    clock = match["clock"] or ""
    if clock and len(clock) == 5:
        clock += ":00"
    fraction = (match["fraction"] or "").rstrip("0").rstrip(".")
    clock += fraction and fraction.ljust(4, "0")
    zone = match["zone"] or ""
    if not match["day"]:
        return clock + zone, KIND_TIME
    return (f"{match['day']}T{clock}{zone}", KIND_DATETIME) if clock else (match["day"], KIND_DATE)
