"""`digits`: how many digits a `Number` has before the decimal point (contract 4.5)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from douane.model.template import Validation
from douane.sheet.fields import number_or_none
from douane.sheet.rule import DIGITS, Test, always, js_number
from douane.sheet.validations.contract import Cell, Member, Rules, between, crossed

if TYPE_CHECKING:
    import polars as pl


def rules(validation: Validation, cell: Cell) -> Rules | None:
    """0 counts one digit: in the original it has minus infinity of them and fails any minimum (contract 4.5, FAULT)."""
    least, most, value = validation.min, validation.max, cell.value
    if cell.column.type != "Number" or value is None or (least is None and most is None):
        return None
    if least is not None and most is not None:
        says = (
            f"Must have exactly {js_number(least)} digits"
            if least == most
            else f"Must have between {js_number(least)} and {js_number(most)} digits"
        )
    elif least is not None:
        says = f"Must have at least {js_number(least)} digits"
    else:
        assert most is not None
        says = f"Must have at most {js_number(most)} digits"
    low, high = _sizes(validation)
    zero_fails = not low <= 1 < high
    size = value.abs()
    fails = value.is_finite() & ((value == 0) & zero_fails | (value != 0) & ((size < low) | (size >= high)))

    def clean(cell: pl.Expr, value: pl.Expr | None) -> pl.Expr:
        assert value is not None
        inside = (value.abs() >= low) & (value.abs() < high)
        return (inside & (value != 0) if zero_fails else inside | (value == 0)) | (cell == "")

    return Rules((Test("digits", DIGITS, fails, always(validation.error_message or says)),), clean)


def _sizes(validation: Validation) -> tuple[float, float]:
    """Absolute values in [low, high) have an allowed number of digits: floor(log10(v)) + 1 of them."""

    def power(exponent: float) -> float:
        return math.inf if exponent > 308 else 10.0 ** max(exponent, -400)

    low = 0.0 if validation.min is None else power(math.ceil(validation.min) - 1)
    high = math.inf if validation.max is None else power(math.floor(validation.max))
    return low, high


def is_numeric(value: object) -> bool:
    """A number, or text of one."""
    if isinstance(value, str):
        try:
            return math.isfinite(float(value))
        except ValueError:
            return False
    return number_or_none(value) is not None


def _fault(document: Mapping[Any, Any]) -> tuple[str, str] | None:
    for bound in ("min", "max"):
        if document.get(bound) is not None and not is_numeric(document[bound]):
            return bound, "Invalid number of digits"
    return None


MEMBER = Member(rules, says=partial(between, unit=" digits"), fault=_fault, hopeless=crossed)
