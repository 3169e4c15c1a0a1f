"""`range`: a number between two bounds, both included (contract 4.5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from douane.model.template import Validation
from douane.sheet.rule import FORMAT, Test, always, js_number
from douane.sheet.validations.contract import Cell, Member, Rules, between, crossed

if TYPE_CHECKING:
    import polars as pl

    from douane.sheet.columns.contract import Sure


def rules(validation: Validation, cell: Cell) -> Rules | None:
    low, high, value = validation.min, validation.max, cell.value
    if value is None or (low is None and high is None):
        return None
    tests = []
    if low is not None:
        says = _message(validation, cell, f"must be greater than or equal to {js_number(low)}")
        tests.append(Test("range_min", FORMAT, value.is_finite() & value.lt(float(low)), says))
    if high is not None:
        says = _message(validation, cell, f"must be less than or equal to {js_number(high)}")
        tests.append(Test("range_max", FORMAT, value.is_finite() & value.gt(float(high)), says))

    def clean(cell: pl.Expr, value: pl.Expr | None) -> pl.Expr:
        assert value is not None
        inside = value >= float(low) if low is not None else value.is_not_null()
        return (inside & (value <= float(high)) if high is not None else inside) | (cell == "")

    def sure(before: Sure) -> Sure:
        return replace(before, low=before.low if low is None else low, high=before.high if high is None else high)

    return Rules(tuple(tests), clean, sure)


def _message(validation: Validation, cell: Cell, says: str) -> Callable[[str], str]:
    if validation.error_message:
        return always(validation.error_message)
    return lambda text: f"{cell.shown(text)} {says}"


MEMBER = Member(rules, says=between, hopeless=crossed)
