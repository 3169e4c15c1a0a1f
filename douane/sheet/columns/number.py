"""`Number` and `Double`: what JavaScript's `Number()` takes for a finite number.

Values are judged as doubles, as the original does, and given out and compared as exact decimals: no digit is lost to a
double (contract 4.1.4, 4.4, 4.5)."""

from __future__ import annotations

import math
import re

import polars as pl

from douane.model.template import Column
from douane.sheet import native
from douane.sheet.columns.contract import FILLED, KIND, TEXT, Judge, Notice, Sure, literally, unchanged
from douane.sheet.columns.member import Member
from douane.sheet.columns.notes import noted, with_cut_digits, with_note
from douane.sheet.fields import Field, choice
from douane.sheet.formats import KIND_NUMBER
from douane.sheet.rule import NUMBER, Test, js_number
from douane.values import dataclass

_LARGEST = 1.7976931348623157e308
_RADIX = re.compile(r"0(?:[xX]([0-9a-fA-F]+)|[oO]([0-7]+)|[bB]([01]+))")
_DECIMAL = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?")
# A decimal that is its own canonical text. (`-0` is not: it is 0.)
_CANONICAL = r"\A(?:0|-?[1-9][0-9]{0,38}|-?(?:0|[1-9][0-9]{0,18})\.[0-9]{0,18}[1-9])\z"
_SIMPLE = r"\A[+-]?(?:[0-9]{1,19}(?:\.[0-9]{0,19})?|\.[0-9]{1,19})\z"
# Numbers whose plain spelling is longer than this many digits are given out with an exponent.
_PLAIN_DIGITS_MAX = 40
_PLAIN_PLACES_MAX = 19  # and of one that begins behind the sixth place, as many as `_SIMPLE` has
_VALUE = pl.col("value")
_IS_NUMBER = _VALUE.is_finite()


def judge(column: Column) -> Judge:
    signs = _Signs(column.setting("decimal", "."), column.setting("group", ""))
    judge = _judge(signs)
    if signs.plain:
        judge = with_note(judge, noted(column, "mixed_decimal", _mixed_says), _MIXED)
    named = column.unique or any(validation.validate == "digits" for validation in column.validations)
    return with_cut_digits(column, judge) if named else judge


def _judge(signs: _Signs) -> Judge:
    fails = FILLED & ~_IS_NUMBER.fill_null(False)
    if not signs.plain:
        fails = fails | (FILLED & signs.refuses(pl.col("typed"), KIND))
    test = Test("number", NUMBER, fails, lambda text: f"{shown(text)} must be a number or empty")

    def clean(cell: pl.Expr, kind: pl.Expr | None) -> pl.Expr:
        # A decimal that casts holds no white space; the other spellings (0x10) are left to the exact rules.
        inside = signs.quick_value(cell).is_between(-_LARGEST, _LARGEST)
        return inside | (cell == "")

    return Judge(
        (test,),
        clean=clean,
        plain=lambda cell: cell.str.contains(r"\A[1-9][0-9]{0,38}\z"),
        stored=unchanged if signs.plain else signs.stored,
        prepare=lambda frame: frame.with_columns(value=values(frame["text"])),
        key=pl.when(_IS_NUMBER)
        .then(pl.col("text").map_batches(canonical, return_dtype=pl.String).replace("0", ""))
        .otherwise(TEXT),
        joined=pl.when(_IS_NUMBER).then(pl.col("text").map_batches(canonical, return_dtype=pl.String)).otherwise(TEXT),
        shown=shown,
        form="number",
        value=_VALUE,
        quick_value=signs.quick_value,
        sure=Sure(number=True, low=-_LARGEST, high=_LARGEST) if signs.plain else None,
    )


@dataclass(frozen=True, slots=True)
class _Signs:
    """How people write decimals here, and groups of three digits ("" = not in groups). A number cell of a workbook is
    plain whatever they are. What a sign of another country would make of a text is a problem, never a guess: with a
    decimal comma `1.5` is none, nor is `1.000` unless the point groups."""

    decimal: str
    group: str

    @property
    def plain(self) -> bool:
        return self.decimal == "." and not self.group

    @property
    def _shape(self) -> str:
        group, decimal = _GROUPS.get(self.group, literally(self.group)), literally(self.decimal)
        grouped = rf"[0-9]{{1,3}}(?:{group}[0-9]{{3}})+|" if self.group else ""
        if self.group == ",":
            grouped += r"[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}|"  # 12,34,567: lakhs and crores
        return rf"\A[+-]?(?:(?:{grouped}[0-9]+)(?:{decimal}[0-9]*)?|{decimal}[0-9]+)\z"

    def stored(self, text: pl.Expr, kind: pl.Expr | None = None) -> pl.Expr:
        """What is written here as a number, with a decimal point and without groups; any other text as it is."""
        bare = text.str.replace_all(_GROUPS.get(self.group, literally(self.group)), "") if self.group else text
        if self.decimal != ".":
            bare = bare.str.replace(self.decimal, ".", literal=True)
        here = text.str.contains(self._shape)
        return pl.when(here if kind is None else here & (kind != KIND_NUMBER)).then(bare).otherwise(text)

    def refuses(self, typed: pl.Expr, kind: pl.Expr) -> pl.Expr:
        """Texts that are numbers elsewhere and would be read wrongly here."""
        if self.decimal == ".":
            return pl.lit(False)
        return typed.str.contains(".", literal=True) & ~typed.str.contains(self._shape) & (kind != KIND_NUMBER)

    def quick_value(self, cell: pl.Expr) -> pl.Expr:
        if self.decimal == ".":
            return cell.cast(pl.Float64, strict=False)
        bare = cell.str.replace(self.decimal, ".", literal=True).cast(pl.Float64, strict=False)
        return pl.when(~cell.str.contains(".", literal=True)).then(bare)


# A thousand is set apart by any narrow or unbreakable space, and by either apostrophe.
_GROUPS = {" ": r"[ \x{A0}\x{2009}\x{202F}]", "'": r"['\x{2019}]", ".": r"\.", ",": ","}


# Points among decimal commas

_POINT = r"\A[+-]?[0-9]{1,3}(?:\.[0-9]{3})+\z"
_COMMA = r"\A[+-]?(?:[0-9]{1,3}(?:[. ][0-9]{3})+|[0-9]+),(?:[0-9]{1,2}|[0-9]{4,})\z"


def _with_commas(cells: pl.Series, kinds: pl.Series | None) -> bool:
    commas = cells.filter(cells.str.contains(",", literal=True))
    return len(commas) > 0 and bool(commas.str.contains(_COMMA).any())


# `1.000` where other cells of the column have decimal commas is one here and a thousand there. Such a comma is no
# number, so a batch that is clean has none.
_MIXED = Notice(
    "mixed_decimal",
    _with_commas,
    FILLED & TEXT.str.contains(_POINT) & (KIND != KIND_NUMBER),
    lambda cell, kind: cell.str.contains(_POINT),
    late=True,
    across="text",
    trace=native.COMMA,
)


def _mixed_says(text: str) -> str:
    return f"{text} may be a thousand: other cells of this column have decimal commas"


def values(texts: pl.Series) -> pl.Series:
    """Float64: `Number(text)` of trimmed texts; null or NaN where it is not a number, infinite where it overflows.

    Polars' cast takes the very decimals that JavaScript does (tests/sheet/test_columns_number.py holds them together),
    words of infinity apart, which no rule lets through anyway."""
    numbers = texts.cast(pl.Float64, strict=False)
    other = texts.str.contains(r"\A0[xXoObB][0-9a-fA-F]+\z").fill_null(False)
    if other.any():
        rows = other.arg_true()
        numbers = numbers.scatter(rows, [_radix_value(text) for text in texts.gather(rows).to_list()])
    return numbers


def number(text: str) -> float | None:
    """`Number(text)` of one trimmed text; None where it is not a number or not a finite one."""
    if _RADIX.fullmatch(text):
        value = _radix_value(text)
    else:
        found = _DECIMAL.fullmatch(text)
        value = float(text) if found and (found[2] or found[3]) else None
    return value if value is not None and math.isfinite(value) else None


def shown(text: str) -> str:
    """A number as JavaScript prints it, any other text as it is: the `<v>` of messages."""
    value = number(text)
    return text if value is None else js_number(value)


def _radix(text: str) -> int | None:
    found = _RADIX.fullmatch(text)
    if found is None:
        return None
    return int(found[1], 16) if found[1] else int(found[2], 8) if found[2] else int(found[3], 2)


def _radix_value(text: str) -> float | None:
    value = _radix(text)
    if value is None:
        return None
    return math.inf if value.bit_length() > 1024 else _as_float(value)


def _as_float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def canonical(texts: pl.Series) -> pl.Series:
    """String: the exact decimal of each number text, spelled one way only and valid as a JSON number. Texts must be
    finite numbers for `values`; for any other the answer means nothing (null or the text)."""
    done = texts.str.contains(_CANONICAL) | texts.is_null()
    if done.all():
        return texts
    rows = (~done).arg_true()
    rest = texts.gather(rows)
    simple = rest.str.contains(_SIMPLE)
    bare = rest.str.replace(r"\A[+-]?0*([0-9]*)(?:\.([0-9]*?)0*)?\z", "${1}.${2}").str.strip_chars_end(".")
    column = pl.col("bare")
    spelled = (
        pl.DataFrame({"bare": bare, "minus": rest.str.starts_with("-")})
        .with_columns(
            bare=pl.when(column == "")
            .then(pl.lit("0"))
            .when(column.str.starts_with("."))
            .then("0" + column)
            .otherwise(column)
        )
        .select(pl.when(pl.col("minus") & (column != "0")).then("-" + column).otherwise(column))
        .to_series()
    )
    if not simple.all():
        odd = (~simple).arg_true()
        spelled = spelled.scatter(odd, [canonical_number(text) for text in rest.gather(odd).to_list()])
    return texts.scatter(rows, spelled)


def canonical_number(text: str) -> str | None:
    """As `canonical`, for one trimmed text; None where it is no number."""
    value = _radix(text)
    if value is not None:
        sign, digits, exponent = "", _decimal_digits(value), 0
    else:
        found = _DECIMAL.fullmatch(text)
        if found is None or not (found[2] or found[3]):
            return None
        sign, whole, fraction = found[1], found[2], found[3] or ""
        digits, exponent = whole + fraction, int(found[4] or 0) - len(fraction)
    stripped = digits.rstrip("0")
    exponent += len(digits) - len(stripped)
    digits = stripped.lstrip("0")
    if not digits:
        return "0"
    minus = "-" if sign == "-" else ""
    point = len(digits) + exponent  # the value is 0.digits * 10^point
    if 0 < point <= _PLAIN_DIGITS_MAX and exponent >= 0:
        return minus + digits + "0" * exponent
    if 0 < point <= _PLAIN_DIGITS_MAX and len(digits) <= _PLAIN_DIGITS_MAX:
        return f"{minus}{digits[:point]}.{digits[point:]}"
    small = -6 < point <= 0 and len(digits) <= _PLAIN_DIGITS_MAX
    if small or (point <= 0 and len(digits) - point <= _PLAIN_PLACES_MAX):
        return f"{minus}0.{'0' * -point}{digits}"
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{minus}{digits[0]}{tail}e{'+' if point > 0 else '-'}{abs(point - 1)}"


def _decimal_digits(value: int) -> str:
    """Python refuses to print integers beyond 4,300 digits; finite ones have at most 309."""
    return str(value) if value.bit_length() <= 1024 else "0"


def _hopeless(column: Column, strict: bool) -> str | None:
    decimal, group = column.setting("decimal", "."), column.setting("group", "")
    return f"The same sign {group!r} cannot part decimals and groups." if decimal == group else None


_FIELDS = (
    Field("decimal", choice(".", ","), default=".", says="What stands before the decimals."),
    Field("group", choice(".", ",", " ", "'", "_"), default="", says="What stands between groups of three digits."),
)


def _says(column: Column) -> str:
    decimal, group = column.setting("decimal", "."), column.setting("group", "")
    return "a number" if (decimal, group) == (".", "") else f"a number such as 1{group}234{decimal}5"


MEMBER = Member(judge, _says, _FIELDS, _hopeless)
