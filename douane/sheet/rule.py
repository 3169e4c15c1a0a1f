"""What a rule is, for columns and validations alike: what fails, what it says, and which of several is shown.

Nothing here loads the engine that judges cells: the command line reads templates, and so their validations, without it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from douane.values import dataclass

if TYPE_CHECKING:
    import polars as pl

# What is no fault by itself but may be one; each is noted in the rows where it is met (docs/columns.md).
# `surplus` alone is a problem unless the template says otherwise.
NOTE_NAMES = ("ambiguous_day", "mixed_date", "mixed_decimal", "cut_digits", "normalized", "surplus")
NOTE_LEVELS = ("warning", "problem", "off")

# Who is shown where several rules of one column fail: the highest (contract 4.6). `required` stands above the list and
# date rules and below the others; `unique` above list and date, below length, range, email and pattern.
NOTE, SURPLUS, ERROR_CELL, LIST, DATE, REQUIRED, UNIQUE, FORMAT, DIGITS, NUMBER, UNIQUE_WITH = range(0, 110, 10)


@dataclass(frozen=True, slots=True)
class Test:
    """One thing that can be wrong with a cell of this column.

    `fails`: exact Boolean, null = passed. `message` takes the cell's stored text ("" where there is no cell). A
    `warning` makes no row invalid."""

    __test__ = False  # no test of pytest's

    rule: str
    precedence: int
    fails: pl.Expr
    message: Callable[[str], str]
    warning: bool = False


def always(message: str) -> Callable[[str], str]:
    """A message that does not name the value."""
    return lambda text: message


def js_number(number: float) -> str:
    """ECMA-262 Number::toString: shortest digits, plain from 1e-6 up to below 1e21."""
    if number != number:
        return "NaN"
    if number in (float("inf"), float("-inf")):
        return "Infinity" if number > 0 else "-Infinity"
    if number == 0:
        return "0"
    mantissa, _, exponent_text = f"{number!r}".partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    whole, _, fraction = mantissa.lstrip("-").partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    # The value is 0.digits * 10^point.
    leading = len(whole + fraction) - len(digits)
    point = len(whole) - leading + int(exponent_text or 0)
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{tail}e{'+' if point > 0 else '-'}{abs(point - 1)}"
