"""`required_with`, `required_without`, `compare`: what a column asks of the others of its record. The contract has none
of them.

    {validate: required_with, columns: [street, city]}   filled where one of them is
    {validate: required_without, columns: [phone]}       filled where none of them is
    {validate: compare, is: after, column: start}        is: after, not_before, before, not_after, equal, different

A comparison needs both values and says nothing where one is missing or is none of its type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import TYPE_CHECKING, Any

from douane.model.template import Validation
from douane.sheet.fields import TEXT, TEXTS, Field, choice
from douane.sheet.rule import REQUIRED, UNIQUE_WITH, Test, always
from douane.sheet.validations.contract import Across, Member, Other

if TYPE_CHECKING:
    import polars as pl

_COMPARE: dict[str, tuple[Callable[[pl.Expr, pl.Expr], pl.Expr], str]] = {
    "after": (lambda own, other: own > other, "after"),
    "not_before": (lambda own, other: own >= other, "not before"),
    "before": (lambda own, other: own < other, "before"),
    "not_after": (lambda own, other: own <= other, "not after"),
    "equal": (lambda own, other: own == other, "the same as"),
    "different": (lambda own, other: own != other, "different from"),
}
_COLUMNS = Field("columns", TEXTS, default=(), says="Keys of the other columns.")
_COLUMN = Field("column", TEXT, default="", says="The key of the other column.")
_IS = Field("is", choice(*_COMPARE), default="", says="How the value stands to that of the other column.")


def _filled(other: Other) -> pl.Expr:
    return (other.text.is_not_null() & (other.text != "")).fill_null(False)


def _required(validation: Validation, own: Other, others: Mapping[str, Other]) -> Test:
    any_filled = reduce(lambda one, another: one | another, (_filled(other) for other in others.values()))
    names = ", ".join(other.column.title for other in others.values())
    if validation.validate == "required_with":
        fails, says = any_filled & ~_filled(own), f"This field is required together with {names}"
    else:
        fails, says = ~any_filled & ~_filled(own), f"This field is required without {names}"
    return Test(validation.validate, REQUIRED, fails, always(validation.error_message or says))


def _compare(validation: Validation, own: Other, others: Mapping[str, Other]) -> Test | None:
    (other,) = others.values()
    if own.ordered_as != other.ordered_as:
        return None
    holds, words = _COMPARE[validation.setting("is")]
    says = f"must be {words} {other.column.title}"
    message = always(validation.error_message) if validation.error_message else lambda text: f"{text} {says}"
    return Test("compare", UNIQUE_WITH, _filled(own) & _filled(other) & ~holds(own.order, other.order), message)


def _several(validation: Validation) -> tuple[str, ...]:
    return tuple(validation.setting("columns", ()))


def _one(validation: Validation) -> tuple[str, ...]:
    return (validation.setting("column", ""),)


def _names_some(document: Mapping[Any, Any]) -> tuple[str, str] | None:
    given = document.get("columns")
    named = isinstance(given, list) and given and all(isinstance(one, str) and one for one in given)
    return None if named else ("columns", "columns must be keys of other columns")


def _names_one(document: Mapping[Any, Any]) -> tuple[str, str] | None:
    if not isinstance(document.get("column"), str) or not document["column"]:
        return "column", "column must be the key of another column"
    return None if document.get("is") in _COMPARE else ("is", f"is must be one of {', '.join(_COMPARE)}")


WITH = Member(
    across=Across(_several, _required),
    says=lambda validation: f"required where one of {', '.join(_several(validation))} is filled",
    fault=_names_some,
    fields=(_COLUMNS,),
)
WITHOUT = Member(
    across=Across(_several, _required),
    says=lambda validation: f"required where none of {', '.join(_several(validation))} is filled",
    fault=_names_some,
    fields=(_COLUMNS,),
)
COMPARE = Member(
    across=Across(_one, _compare),
    says=lambda validation: f"{_COMPARE[validation.setting('is')][1]} {validation.setting('column')}",
    fault=_names_one,
    fields=(_COLUMN, _IS),
)
