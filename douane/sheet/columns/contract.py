"""What a member of the columns shelf gives: a column definition turned into expressions over a whole column of cells.

A member is a `Member`; its heart is one function, `judge(column) -> Judge`. Nothing here runs per cell. Two sorts of
expressions are made:

- **Quick** ones take the cells as staged (untrimmed, null where absent) and must be *sufficient*: a row they call clean
  or plain really is. Nearly all cells of a nearly clean file pay for these only.
- **Exact** ones decide, and run only over the rows that the quick ones could not clear. They read columns of a frame:
  `text` String, the cell trimmed and put in its stored form, null = no cell; `kind` UInt8, KIND_* of the cell; and the
  columns that the member's own `prepare` adds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Literal

import polars as pl

from douane.sheet.pattern import Pattern
from douane.sheet.rule import Test
from douane.values import dataclass

# ECMA-262 WhiteSpace and LineTerminator: what JavaScript's trim() removes. Not Python's nor Unicode's set: U+FEFF is
# in, U+0085 is out.
SPACE = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f"
    "\u3000\ufeff"
)

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


def unchanged(text: pl.Expr, kind: pl.Expr | None = None) -> pl.Expr:
    """`stored` of a type that keeps the trimmed text."""
    return text


def _as_is(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Sure:
    """What the kernel may clear a cell by, as staged, before anything else looks at it (`sheet/native`): all of it must
    hold, and then none of the column's tests fails, whatever kind of cell it is, errors apart. Sufficient, as `clean`
    is; the empty cell is right where `empty`.

    `pattern` is found in it; it is one of `options`; it is a decimal from `low` to `high` (`number`). `edges`: neither
    end is white space; `begins`: nor is the first sign. At most `bytes_max` bytes, at least `signs_min` code points.

    `kinds`: none of the tests fails of a cell of these kinds, whatever its text, unless it is empty. What validations
    add is not looked at for that either.

    `decides`: the test that surely fails, and no other of the type's does, where a cell of text is not empty, neither
    of its ends is white space, and the pattern or the list says no. What validations add is not looked at then, so a
    judge with any has none."""

    decides: str = ""
    pattern: Pattern | None = None
    options: tuple[str, ...] | None = None
    number: bool = False
    low: float = -math.inf
    high: float = math.inf
    empty: bool = True
    begins: bool = False
    edges: bool = False
    bytes_max: int | None = None
    signs_min: int = 0
    kinds: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """When the test `rule` of a judge is looked for: in batches of which `seen(cells, kinds)` says so (a comma among
    numbers, a date cell among texts), so that all others don't pay for it. `fails`: exact. `suspect(cell, kind)`:
    quick, true for every cell that may fail. `late`: only those cells of a batch are asked that are not clean.
    `across`: what `seen` looks for makes cells of the whole table fail, wherever it stands: it is a "kind" of cell, or
    a "text" that is not clean (the notice is late then). `trace`: what the kernel meets in a batch of which `seen` may
    be true (`native.EXPONENT`, `native.COMMA`); without it, `seen` need not be asked."""

    rule: str
    seen: Callable[[pl.Series, pl.Series | None], bool]
    fails: pl.Expr
    suspect: Callable[[pl.Expr, pl.Expr | None], pl.Expr]
    late: bool = False
    across: Literal["", "kind", "text"] = ""
    trace: int = 0


@dataclass(frozen=True, slots=True)
class Judge:
    """How one column is judged and given out.

    `tests`: all rules of the type (required, unique and error cells are the checker's own, for every type alike).
    `clean(cell, kind)`: quick, sufficient: no test fails. `kind` is None where the format knows no kinds. None =
    nothing is known to be clean without looking. `sure`: the same for the kernel, where it can be said so.
    `plain(cell)`: quick, sufficient: the cell is not empty and its `key` is the very text of the cell. None = so is
    every clean cell that is not "" (and there is a `clean`).
    `stored(text, kind)`: trimmed text -> text as stored; `kind` is None where there are no kinds or they don't matter.
    A type that has one reads in the exact frame also `typed`, the trimmed text before. `prepare` adds columns to the
    exact frame for the other expressions. `notices`: tests that are looked for only where a batch gives a reason.
    `key`: exact String by which uniqueness compares, "" or null = takes no part. `joined`: exact String, the value's
    part in a `unique_with` group. `shown`: stored text -> `<v>` of messages.
    `form`: what a value leaves as: `text`, `number` (a JSON number where it is one) or `list`.
    `order`: exact, what its values are compared by where that is neither the number nor the text: for dates, ISO 8601.
    `value`, `quick_value(cell)`: of a type whose cells are numbers, so that validations can measure them. The first is
    exact, Float64, null or NaN where a cell is no number; the second takes the cell as staged and may be null where the
    number is not seen at once.
    """

    tests: tuple[Test, ...] = ()
    clean: Callable[[pl.Expr, pl.Expr | None], pl.Expr] | None = None
    plain: Callable[[pl.Expr], pl.Expr] | None = edges_visible
    stored: Callable[..., pl.Expr] = unchanged
    prepare: Callable[[pl.DataFrame], pl.DataFrame] | None = None
    key: pl.Expr = TEXT
    joined: pl.Expr = TEXT
    shown: Callable[[str], str] = _as_is
    form: Literal["text", "number", "list"] = "text"
    notices: tuple[Notice, ...] = ()
    order: pl.Expr | None = None
    value: pl.Expr | None = None
    quick_value: Callable[[pl.Expr], pl.Expr] | None = None
    sure: Sure | None = None

    @property
    def keeps_typed(self) -> bool:
        """Whether `stored` leaves every text as it is where there are no kinds, so that nobody has to ask it."""
        return self.stored is unchanged or self.stored(TEXT, None) is TEXT


def noticing(judge: Judge, noticed: Collection[Notice]) -> Judge:
    """The judge for a batch in which these of its notices were seen; the tests of the others fall away."""
    fails = {notice.rule: notice.fails for notice in noticed}
    asleep = {notice.rule for notice in judge.notices} - set(fails)
    tests = tuple(
        replace(test, fails=fails[test.rule]) if test.rule in fails else test
        for test in judge.tests
        if test.rule not in asleep
    )
    if not noticed or (judge.clean is None and len(tests) > len(fails)):
        return replace(judge, tests=tests)
    own = judge.clean

    def clean(cell: pl.Expr, kind: pl.Expr | None) -> pl.Expr:
        suspect = pl.any_horizontal(*(notice.suspect(cell, kind) for notice in noticed))
        return ~suspect if own is None else own(cell, kind) & ~suspect

    return replace(judge, tests=tests, clean=clean, sure=None)


def literally(text: str) -> str:
    """A pattern that matches this text and nothing else, in Polars' engine."""
    return "".join(char if char.isalnum() else f"\\x{{{ord(char):X}}}" for char in text)
