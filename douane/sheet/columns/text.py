"""`String`: any text; how long it may be, counted in Unicode code points (contract 4.2, 4.5)."""

from __future__ import annotations

from functools import partial

import polars as pl

from douane.model.template import Column, Validation
from douane.sheet.columns.contract import FORMAT, TEXT, Judge, Test, always, begins_visible, edges_visible, js_number


def judge(column: Column) -> Judge:
    lengths = [v for v in column.validations if v.validate == "length" and (v.min is not None or v.max is not None)]
    if not lengths:
        return Judge(clean=None)
    tests = tuple(test for validation in lengths for test in _length_tests(validation))
    least = max((v.min for v in lengths if v.min is not None), default=0)
    most = min((v.max for v in lengths if v.max is not None), default=None)
    return Judge(tests, clean=partial(_clean, least=least, most=most))


def _clean(cell: pl.Expr, kind: pl.Expr | None, *, least: float, most: float | None) -> pl.Expr:
    """Untrimmed lengths decide only where they are on the safe side: bytes for the maximum, and a minimum above 1 only
    where nothing can be trimmed."""
    clean = pl.lit(True) if least <= 0 else begins_visible(cell) if least <= 1 else edges_visible(cell)
    if least > 1:
        clean = clean & (cell.str.len_chars() >= least)
    return clean if most is None else clean & (cell.str.len_bytes() <= most)


def _length_tests(validation: Validation) -> list[Test]:
    """An empty cell of an optional column is measured too, as in the original (contract 4.2, kept for compatibility);
    an absent one is not."""
    tests = []
    if validation.min is not None:
        message = validation.error_message or f"Length must be greater than or equal to {js_number(validation.min)}"
        tests.append(Test("length_min", FORMAT, TEXT.str.len_chars() < validation.min, always(message)))
    if validation.max is not None:
        message = validation.error_message or f"Length must be less than or equal to {js_number(validation.max)}"
        tests.append(Test("length_max", FORMAT, TEXT.str.len_chars() > validation.max, always(message)))
    return tests
