"""What a member of the columns shelf gives: a column definition turned into expressions over a whole column of cells.

A member is one function, `judge(column) -> Judge`. Nothing here runs per cell. Two sorts of expressions are made:

- **Quick** ones take the cells as staged (untrimmed, null where absent) and must be *sufficient*: a row they call clean
  or plain really is. Nearly all cells of a nearly clean file pay for these only.
- **Exact** ones decide, and run only over the rows that the quick ones could not clear. They read columns of a frame:
  `text` String, the cell trimmed and put in its stored form, null = no cell; `kind` UInt8, KIND_* of the cell; and the
  columns that the member's own `prepare` adds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import polars as pl

from douane.model.template import Column

# ECMA-262 WhiteSpace and LineTerminator: what JavaScript's trim() removes. Not Python's nor Unicode's set: U+FEFF is
# in, U+0085 is out.
SPACE = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f"
    "\u3000\ufeff"
)

# Who is shown where several rules of one column fail: the highest (contract 4.6). `required` stands above the list and
# date rules and below the others; `unique` above list and date, below length, range, email and pattern.
SURPLUS, ERROR_CELL, LIST, DATE, REQUIRED, UNIQUE, FORMAT, DIGITS, NUMBER, UNIQUE_WITH = range(10, 110, 10)

TEXT = pl.col("text")
KIND = pl.col("kind")
FILLED = TEXT.is_not_null() & (TEXT != "")


def trim(cell: pl.Expr) -> pl.Expr:
    """As JavaScript's trim()."""
    return cell.str.strip_chars(SPACE)


def begins_visible(cell: pl.Expr) -> pl.Expr:
    """Quick: the first character is surely no white space, so the cell is neither empty nor blank. Comparing texts
    costs 2 ns a cell, a pattern 20. The gaps are where Unicode has its white space."""
    latin = (cell >= "!") & (cell < "\x7f")
    return latin | ((cell >= "\u00a1") & (cell < "\u1680")) | ((cell >= "\u3001") & (cell < "\ufb00"))


def edges_visible(cell: pl.Expr) -> pl.Expr:
    """Quick: neither end is white space, so trimming changes nothing and the cell is not empty."""
    return begins_visible(cell) & cell.str.contains(r"[^\s\x{FEFF}]\z")


@dataclass(frozen=True, slots=True)
class Test:
    """One thing that can be wrong with a cell of this column.

    `fails`: exact Boolean, null = passed. `message` takes the cell's stored text ("" where there is no cell)."""

    __test__ = False  # no test of pytest's

    rule: str
    precedence: int
    fails: pl.Expr
    message: Callable[[str], str]


def unchanged(text: pl.Expr) -> pl.Expr:
    """`stored` of a type that keeps the trimmed text."""
    return text


def _as_is(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Judge:
    """How one column is judged and given out.

    `tests`: all rules of the type (required, unique and error cells are the checker's own, for every type alike).
    `clean(cell, kind)`: quick, sufficient: no test fails. `kind` is None where the format knows no kinds. None =
    nothing is known to be clean without looking.
    `plain(cell)`: quick, sufficient: the cell is not empty and its `key` is the very text of the cell. None = so is
    every clean cell that is not "" (and there is a `clean`).
    `stored(text)`: trimmed text -> text as stored. `prepare` adds columns to the exact frame for the other expressions.
    `key`: exact String by which uniqueness compares, "" or null = takes no part. `joined`: exact String, the value's
    part in a `unique_with` group. `shown`: stored text -> `<v>` of messages.
    `form`: what a value leaves as: `text`, `number` (a JSON number where it is one) or `list`.
    """

    tests: tuple[Test, ...] = ()
    clean: Callable[[pl.Expr, pl.Expr | None], pl.Expr] | None = None
    plain: Callable[[pl.Expr], pl.Expr] | None = edges_visible
    stored: Callable[[pl.Expr], pl.Expr] = unchanged
    prepare: Callable[[pl.DataFrame], pl.DataFrame] | None = None
    key: pl.Expr = TEXT
    joined: pl.Expr = TEXT
    shown: Callable[[str], str] = _as_is
    form: Literal["text", "number", "list"] = "text"


Member = Callable[[Column], Judge]


def literally(text: str) -> str:
    """A pattern that matches this text and nothing else, in Polars' engine."""
    return "".join(char if char.isalnum() else f"\\x{{{ord(char):X}}}" for char in text)


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
