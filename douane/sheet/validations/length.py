"""`length`: how many Unicode code points the text of a `String` has, both bounds included (contract 4.2, 4.5)."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from douane.model.template import Validation
from douane.sheet.rule import FORMAT, Test, always, js_number
from douane.sheet.validations.contract import Cell, Member, Rules, between, crossed

if TYPE_CHECKING:
    import polars as pl

    from douane.sheet.columns.contract import Sure


def rules(validation: Validation, cell: Cell) -> Rules | None:
    """An empty cell of an optional column is measured too, as in the original (contract 4.2, kept for compatibility);
    an absent one is not."""
    low, high = validation.min, validation.max
    if cell.column.type != "String" or (low is None and high is None):
        return None
    tests = []
    if low is not None:
        message = validation.error_message or f"Length must be greater than or equal to {js_number(low)}"
        tests.append(Test("length_min", FORMAT, cell.text.str.len_chars() < low, always(message)))
    if high is not None:
        message = validation.error_message or f"Length must be less than or equal to {js_number(high)}"
        tests.append(Test("length_max", FORMAT, cell.text.str.len_chars() > high, always(message)))
    return Rules(tuple(tests), partial(_clean, least=low or 0, most=high), partial(_sure, least=low or 0, most=high))


def _sure(sure: Sure, *, least: float, most: float | None) -> Sure:
    """As `_clean`."""
    return replace(
        sure,
        empty=sure.empty and least <= 0,
        edges=sure.edges or least > 0,
        signs_min=max(0, math.ceil(least)),
        bytes_max=None if most is None else max(0, math.floor(most)),
    )


def _clean(cell: pl.Expr, value: pl.Expr | None, *, least: float, most: float | None) -> pl.Expr:
    """Untrimmed lengths decide only where they are on the safe side: bytes for the maximum, and a minimum only where
    nothing can be trimmed. Comparing texts costs 2 ns a cell, a pattern 20: between `!` and `~` no character is white
    space, and Unicode has none between the other bounds either."""
    if least > 1:
        clean = cell.str.contains(r"\A[^\s\x{FEFF}](?s:.*[^\s\x{FEFF}])?\z") & (cell.str.len_chars() >= least)
    elif least > 0:
        clean = ((cell >= "!") & (cell < "\x7f")) | ((cell >= "\u00a1") & (cell < "\u1680"))
        clean = clean | ((cell >= "\u3001") & (cell < "\ufb00"))
    else:
        clean = cell.is_not_null()
    return clean if most is None else clean & (cell.str.len_bytes() <= most)


MEMBER = Member(rules, says=partial(between, unit=" characters"), hopeless=crossed)
