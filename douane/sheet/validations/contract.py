"""What a member of the validations shelf gives: one advanced validation of a column -> tests like those of its type.

A member is a `Member`. A validation never asks which type a column has if it can help it: it takes what the type says
of itself (`Cell`), so that one of another package's types can be measured too. The modules of our own members load no
Polars: they build on the expressions they are handed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from douane.model.template import Column, Validation
from douane.sheet.fields import Field
from douane.sheet.rule import Test
from douane.values import dataclass

if TYPE_CHECKING:
    import polars as pl

    from douane.sheet.columns.contract import Sure


@dataclass(frozen=True, slots=True)
class Cell:
    """What a column's type says of its cells. `text`: exact, trimmed text in its stored form, null = no cell. `value`:
    exact Float64 of a type whose cells are numbers, null or NaN where a cell is none; None of any other type. `shown`:
    stored text -> `<v>` of messages."""

    column: Column
    text: pl.Expr
    value: pl.Expr | None
    shown: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Rules:
    """`clean(cell, value)`: quick and sufficient, as `Judge.clean`: none of `tests` fails. `cell` is as staged; `value`
    is its number, null where there is none or it is not known at once, and None where the type has no numbers. None =
    nothing is known without looking. `sure`: what the kernel may clear a cell by, narrowed to cells that these tests
    let through too; None = it cannot be told so."""

    tests: tuple[Test, ...] = ()
    clean: Callable[[pl.Expr, pl.Expr | None], pl.Expr] | None = None
    sure: Callable[[Sure], Sure] | None = None


@dataclass(frozen=True, slots=True)
class Together:
    """A rule over the whole table: the columns that give the same `group` must not hold the same values in two records;
    it does nothing with fewer than two. `message`: the keys of those columns -> what each of them says."""

    group: Callable[[Validation], str]
    message: Callable[[Sequence[str]], str]


@dataclass(frozen=True, slots=True)
class Other:
    """A column of the record as a rule across columns sees it. `text`: exact, trimmed, in its stored form, null = no
    cell. `order`: exact, what its values are compared by (Float64 of numbers, ISO 8601 of dates, else the text), null
    where a cell has none. `ordered_as`: only columns of one kind can be compared."""

    column: Column
    text: pl.Expr
    order: pl.Expr
    ordered_as: str


@dataclass(frozen=True, slots=True)
class Across:
    """A rule of a record that looks at other columns too; it is its column's. `columns`: the keys it names. `test`:
    (validation, its own column, the others by key) -> the test, whose expressions read all of them, or None where it
    means nothing. A key that no column has is a fault of the template (`sheet/check.py`)."""

    columns: Callable[[Validation], Sequence[str]]
    test: Callable[[Validation, Other, Mapping[str, Other]], Test | None]


class Reference(NamedTuple):
    """A column of another template, by its id and key, whose accepted values a cell must be among."""

    template: str
    column: str


def _nothing(validation: Validation) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Member:
    """One of `rules`, `together`, `across` and `reference`. `rules`: None where the validation means nothing for that
    column, and is ignored (contract 4.5). `reference`: which accepted values of others the cells must be among.
    `says`: what it asks for in a few words, "" = nothing. `fault`: what is wrong with its document, or None.
    `hopeless`: why no cell could ever pass it, with the way out, or None. `fields`: what it knows beside min, max,
    uniqueKey, errorMessage."""

    rules: Callable[[Validation, Cell], Rules | None] | None = None
    together: Together | None = None
    across: Across | None = None
    reference: Callable[[Validation], Reference] | None = None
    says: Callable[[Validation], str] = _nothing
    fault: Callable[[Mapping[Any, Any]], tuple[str, str] | None] | None = None
    hopeless: Callable[[Validation], str | None] | None = None
    fields: tuple[Field, ...] = ()


def between(validation: Validation, unit: str = "") -> str:
    """The bounds in words."""
    low, high = validation.min, validation.max
    if low is not None and high is not None:
        return f"exactly {low}{unit}" if low == high else f"{low} to {high}{unit}"
    if low is not None:
        return f"at least {low}{unit}"
    return "" if high is None else f"at most {high}{unit}"


def crossed(validation: Validation) -> str | None:
    """Bounds that leave nothing between them."""
    low, high = validation.min, validation.max
    if low is None or high is None or low <= high:
        return None
    return f"No value lies between min {low} and max {high}: min must not be above max."
