r"""A date format: what it accepts, how a text of it is read, how a moment is written in it.

Tokens are those of the dayjs library in strict mode (contract 4.2; version 1.11 with its plugin customParseFormat was
run): `YYYY YY MMMM MMM MM M DD D HH H A SSS Z ZZ` and `[text as it is]`; every other character stands for itself. What
a format accepts is exactly what it prints for some real day, and that is a regular language: leap years and the
lengths of months included. So one pattern decides all formats of a column at about 30 ns a cell.

Formats are upper-cased when saved (contract 2.6), so `MM` behind the hour is a second month, which only matches where
it repeats the first, and `SS`, `S`, `Q`, `X`, `Y` and `YYY` never match, as in the original. Ours: what stands in small
letters at a time of day stays (`date_tokens.normal`): `mm`, `ss`, fractions `S`, `hh` with `a`, and with them a zone of
any offset. Years below 100 never match, as in dayjs. Where a format has no year, 29 February is accepted, for there is
no clock here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

from douane.sheet.columns.contract import SPACE, literally
from douane.sheet.date_tokens import NUMERIC, Format
from douane.sheet.month_names import ENGLISH

_NEVER = {"Y", "YYY", "Q", "X"}
_LONG_MONTHS = (1, 3, 5, 7, 8, 10, 12)
_ALL_MONTHS = tuple(range(1, 13))
_FOURTH = "0[48]|[2468][048]|[13579][26]"  # two digits divisible by four, 00 apart
_YEARS = {"YYYY": "(?:0[1-9]|[1-9][0-9])[0-9]{2}", "YY": "[0-9]{2}"}
_LEAP_YEARS = {
    "YYYY": f"(?:(?:0[1-9]|[1-9][0-9])(?:{_FOURTH})|(?:{_FOURTH})00)",
    "YY": f"(?:00|{_FOURTH})",
}
NOTHING = r"[^\x00-\x{10FFFF}]"  # a set of no characters: never found
PIVOT = 68  # two digits up to this are years of 20.., as in dayjs

# A cell that a workbook says is a date, as the readers spell it.
_CLOCK = r"(?:T(?<h>[0-9]{2}):(?<m>[0-9]{2})(?::(?<s>[0-9]{2})(?:\.(?<f>[0-9]+))?)?)?"
_CELL = rf"\A(?<Y>[0-9]{{4}})-(?<M>[0-9]{{2}})-(?<D>[0-9]{{2}}){_CLOCK}\z"

Parts = dict[str, pl.Expr]  # Y M D h m s f z -> digits as text, null where a text does not say


def spellings(date_format: Format) -> Iterator[str]:
    """The texts that the format prints, as alternatives; none where it can never match."""
    tokens, names = date_format.tokens, date_format.names
    printed = "".join(literal or token for token, literal in tokens)
    if not printed or printed != printed.strip(SPACE):  # a trimmed cell never looks like that
        return
    years = [name for name in names if name[0] == "Y"]
    hours = [name for name in names if name[0] in "Hh"]
    if _NEVER.intersection(names) or len(years) > 1 or len(hours) > 1:
        return
    if any(name[0] == "S" and name != "SSS" for name in names) and not date_format.timed:
        return
    months_repeat = sum(name[0] == "M" for name in names) > 1
    days_repeat = sum(name[0] == "D" for name in names) > 1
    halves = (range(12), range(12, 24)) if hours and "A" in names else (range(24),)
    for days, months, leap in _calendar(names):
        # A token that stands twice must say the same both times, so its values are spelled out one by one.
        for month_set in [(month,) for month in months] if months_repeat else [months]:
            for day_set in [(day,) for day in days] if days_repeat else [days]:
                for half in halves:
                    yield _spelling(date_format, day_set, month_set, leap, half)


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


def _spelling(date_format: Format, days: tuple[int, ...], months: tuple[int, ...], leap: bool, hours: range) -> str:
    text = ""
    tokens, timed = date_format.tokens, date_format.timed
    for place, (token, literal) in enumerate(tokens):
        following = tokens[place + 1] if place + 1 < len(tokens) else ("", None)
        # dayjs reads one or two digits greedily, so before another digit a short token needs two of them.
        two_digits = following[1] is None and following[0] in NUMERIC
        if literal is not None:
            text += _words(literal)
        elif token in _YEARS:
            text += (_LEAP_YEARS if leap else _YEARS)[token]
        elif token in ("MMM", "MMMM"):
            text += _month_names(date_format, token, months)
        elif token in ("MM", "M"):
            text += _numbers(months, token, two_digits)
        elif token in ("DD", "D"):
            text += _numbers(days, token, two_digits)
        elif token in ("HH", "H"):
            text += _numbers(tuple(hours), token, two_digits)
        elif token in ("hh", "h"):
            text += _numbers(tuple(range(1, 13)), token, two_digits)
        elif token in ("mm", "m", "ss", "s"):
            text += _numbers(tuple(range(60)), token, two_digits)
        elif token == "A" and not timed:
            text += "AM" if hours.start == 0 else "PM"
        elif token in ("A", "a"):
            text += "(?i-u:[ap]m)"
        elif token[0] == "S" and timed:
            text += f"[0-9]{{{len(token)}}}"
        elif token == "SSS":
            text += "[0-9]{3}"
        elif token in ("Z", "ZZ"):
            text += _ZONES[token] if timed else (r"\+00:00" if token == "Z" else r"\+0000")
        else:
            text += literally(token)
    return text


_ZONES = {"Z": "(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])", "ZZ": "(?:Z|[+-](?:0[0-9]|1[0-4])[0-5][0-9])"}


def _month_names(date_format: Format, token: str, months: tuple[int, ...]) -> str:
    """The English ones to the letter, as in dayjs; those of other languages in any case, long or short, and with a
    point behind (`janv.`), as short ones are written."""
    english = [ENGLISH[month - 1][: 3 if token == "MMM" else None] for month in months]
    others = [name for name, month in date_format.months if month in months]
    named = "|".join(literally(name) for name in sorted(others, key=len, reverse=True))
    foreign = [rf"(?i:(?:{named})\.?)"] if others else []
    return "(?:" + "|".join([*english, *foreign] or [NOTHING]) + ")"


def _words(literal: str) -> str:
    """Text in brackets. Formats are kept in capitals, so words of it (`D [DE] MMMM`) are taken in any case."""
    return f"(?i:{literally(literal)})" if sum(map(str.isalpha, literal)) > 1 else literally(literal)


def _numbers(values: tuple[int, ...], token: str, two_digits: bool) -> str:
    if len(token) == 2:
        return _any_of(f"{value:02d}" for value in values)
    return _any_of(str(value) for value in values if value > 9 or not two_digits)


def _any_of(texts: Iterable[str]) -> str:
    return "(?:" + ("|".join(texts) or NOTHING) + ")"


# Reading and writing


def shape(date_format: Format) -> str:
    """One pattern of all that the format accepts, anchored."""
    return r"\A(?:" + ("|".join(spellings(date_format)) or NOTHING) + r")\z"


def read(text: pl.Expr, date_format: Format, pivot: int) -> Parts:
    """The parts of texts that the format accepts; of any other the answer means nothing."""
    pattern, seen = "", set()
    for token, literal in date_format.tokens:
        letter = _GROUPS.get(token) if literal is None else None
        if token == "MMMM":
            token = "MMM"
        if letter is None or letter in seen:
            pattern += ".*?" if letter is not None else literally(token) if literal is None else _words(literal)
            continue
        seen.add(letter)
        pattern += f"(?<{letter}>{_GROUP_SHAPES[letter] if letter in _GROUP_SHAPES else _DIGITS[len(token)]})"
    groups = text.str.extract_groups(rf"(?s)\A{pattern}\z") if seen else None

    def part(letter: str) -> pl.Expr | None:
        return None if groups is None or letter not in seen else groups.struct.field(letter)

    parts: Parts = {}
    for letter in ("D", "m", "s"):
        if (found := part(letter)) is not None:
            parts[letter] = found.str.zfill(2)
    if (year := part("Y")) is not None:
        parts["Y"] = year if "YYYY" in date_format.names else _whole_year(year, pivot)
    if (month := part("M")) is not None:
        numbers = _month_numbers(date_format)
        lowered = month.str.to_lowercase().str.strip_suffix(".")
        parts["M"] = (
            pl.when(month.str.contains(r"\A[0-9]"))
            .then(month.str.zfill(2))
            .otherwise(lowered.replace_strict(numbers, default=None, return_dtype=pl.String))
        )
    if (hour := part("h")) is not None:
        hour = hour.str.zfill(2)
        half = part("a")
        if half is not None and ("hh" in date_format.names or "h" in date_format.names):
            number = hour.cast(pl.Int32, strict=False) % 12
            late = half.str.to_lowercase().str.starts_with("p")
            hour = pl.when(late).then(number + 12).otherwise(number).cast(pl.String).str.zfill(2)
        parts["h"] = hour
    for letter in ("f", "z"):
        if (found := part(letter)) is not None:
            parts[letter] = found
    return parts


_GROUPS = {
    **dict.fromkeys(("YYYY", "YY"), "Y"),
    **dict.fromkeys(("MMMM", "MMM", "MM", "M"), "M"),
    **dict.fromkeys(("DD", "D"), "D"),
    **dict.fromkeys(("HH", "H", "hh", "h"), "h"),
    **dict.fromkeys(("mm", "m"), "m"),
    **dict.fromkeys(("ss", "s"), "s"),
    **dict.fromkeys(("A", "a"), "a"),
    **dict.fromkeys(("Z", "ZZ"), "z"),
    **{"S" * size: "f" for size in range(1, 10)},
}
# By the length of the token: `M` takes one digit or two, `MM` two, `MMM` and `MMMM` are names.
_DIGITS = {1: "[0-9]{1,2}", 2: "[0-9]{2}", 3: "[^0-9]+?", 4: "[0-9]{4}"}
_GROUP_SHAPES = {"a": "[AaPp][Mm]", "z": "Z|[+-][0-9:]+", "f": "[0-9]+"}


def _whole_year(year: pl.Expr, pivot: int) -> pl.Expr:
    return pl.when(year.cast(pl.Int32, strict=False) <= pivot).then("20" + year).otherwise("19" + year)


def _month_numbers(date_format: Format) -> dict[str, str]:
    numbers: dict[str, str] = {}
    for month, name in enumerate(ENGLISH, 1):
        numbers |= {name.lower(): f"{month:02d}", name[:3].lower(): f"{month:02d}"}
    return {**{name.lower(): f"{month:02d}" for name, month in date_format.months}, **numbers}


def read_cell(text: pl.Expr) -> Parts:
    """The parts of a date cell of a workbook."""
    groups = text.str.extract_groups(_CELL)
    return {letter: groups.struct.field(letter) for letter in "YMDhmsf"}


def written(parts: Parts, date_format: Format) -> pl.Expr:
    """A moment in a format; null where it needs what the parts don't say. A time of day that the format has no place
    for is not dropped: null too."""
    said: list[pl.Expr] = []
    nothing, zero = pl.lit(None, dtype=pl.String), pl.lit("00")

    def part(letter: str) -> pl.Expr:
        return parts.get(letter, nothing)

    for token, literal in date_format.tokens:
        if literal is not None:
            said.append(pl.lit(literal))
        elif token == "YYYY":
            said.append(part("Y"))
        elif token == "YY":
            said.append(part("Y").str.slice(2))
        elif token in ("MMM", "MMMM"):
            names = {f"{month:02d}": name[: 3 if token == "MMM" else None] for month, name in enumerate(ENGLISH, 1)}
            said.append(part("M").replace_strict(names, default=None, return_dtype=pl.String))
        elif token in ("MM", "DD"):
            said.append(part(token[0]))
        elif token in ("M", "D"):
            said.append(part(token).str.strip_prefix("0"))
        elif token in ("HH", "mm", "ss"):
            said.append(part(token[0].lower()).fill_null(zero))
        elif token in ("H", "m", "s"):
            said.append(part(token.lower()).fill_null(zero).cast(pl.Int32, strict=False).cast(pl.String))
        elif token in ("hh", "h"):
            hour = (part("h").fill_null(zero).cast(pl.Int32, strict=False) + 11) % 12 + 1
            said.append(hour.cast(pl.String).str.zfill(len(token)))
        elif token in ("A", "a"):
            late = part("h").fill_null(zero) >= "12"
            am, pm = ("AM", "PM") if token == "A" else ("am", "pm")
            said.append(pl.when(late).then(pl.lit(pm)).otherwise(pl.lit(am)))
        elif token[0] == "S":
            said.append(part("f").fill_null("").str.pad_end(len(token), "0").str.slice(0, len(token)))
        elif token in ("Z", "ZZ"):
            said.append(part("z").fill_null("+00:00" if token == "Z" else "+0000"))
        else:
            said.append(pl.lit(token))
    text = pl.concat_str(said) if said else nothing
    for letter, places in (("h", "Hh"), ("m", "m"), ("s", "s"), ("f", "S")):
        if letter in parts and not any(date_format.has(place) for place in places):
            text = pl.when(part(letter).fill_null("").str.strip_chars("0") == "").then(text)
    return text


def written_iso(parts: Parts) -> pl.Expr:
    """ISO 8601, with as much of a time of day as the parts say; null where they say no whole day."""
    nothing = pl.lit(None, dtype=pl.String)
    text = pl.concat_str(
        [parts.get("Y", nothing), pl.lit("-"), parts.get("M", nothing), pl.lit("-"), parts.get("D", nothing)]
    )
    if "h" in parts:
        clock = [pl.lit("T"), parts["h"], pl.lit(":"), parts.get("m", pl.lit("00"))]
        clock += [pl.lit(":"), parts["s"]] if "s" in parts else []
        clock += [pl.lit("."), parts["f"]] if "f" in parts else []
        clock += [parts["z"]] if "z" in parts else []
        text = pl.concat_str([text, *clock])
    return text
