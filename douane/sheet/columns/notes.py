"""What is no fault by itself but may be one: noted in each row, a warning unless the template says otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import polars as pl

from douane.model.template import Column
from douane.sheet.columns.contract import FILLED, Judge
from douane.sheet.rule import NOTE, Test

# As spreadsheet programs show a number that their cell is too narrow for, and save it so in CSV.
_CUT = r"\A[+-]?[1-9](?:[.,][0-9]{1,5})?E\+[0-9]{2,3}\z"


def noted(column: Column, name: str, says: Callable[[str], str]) -> Test | None:
    """The test of a note, which nothing fails yet; None where the template does not want it."""
    level = dict(column.notes).get(name, "warning")
    if level == "off":
        return None
    return Test(name, NOTE, pl.lit(False), says, warning=level != "problem")


def with_cut_digits(column: Column, judge: Judge) -> Judge:
    """Also notes cells such as `5.51E+12`: where they stand for ids, their digits are gone and only the sender has
    them."""
    test = noted(column, "cut_digits", _cut_says)
    if test is None:
        return judge
    own = judge.clean

    def clean(cell: pl.Expr, kind: pl.Expr | None) -> pl.Expr:
        whole = ~cell.str.contains("E+", literal=True)
        return whole if own is None else own(cell, kind) & whole

    text = pl.col("text")
    return replace(judge, tests=(*judge.tests, replace(test, fails=FILLED & text.str.contains(_CUT))), clean=clean)


def _cut_says(text: str) -> str:
    return f"{text} is how a spreadsheet program shows a long number: its other digits are lost"
