"""What is no fault by itself but may be one: noted in each row, a warning unless the template says otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import polars as pl

from douane.model.template import Column
from douane.sheet import native
from douane.sheet.columns.contract import FILLED, TEXT, Judge, Notice
from douane.sheet.rule import NOTE, Test

# As spreadsheet programs show a number that their cell is too narrow for, and save it so in CSV: with some of its
# digits, or with none where that is no way either, as of a day.
_CUT = r"\A(?:[+-]?[1-9](?:[.,][0-9]{1,5})?E\+[0-9]{2,3}|#{3,})\z"


_TRACE = r"E\+|\A\s*###"


def noted(column: Column, name: str, says: Callable[[str], str]) -> Test | None:
    """The test of a note, which nothing fails yet; None where the template does not want it."""
    level = dict(column.notes).get(name, "warning")
    if level == "off":
        return None
    return Test(name, NOTE, pl.lit(False), says, warning=level != "problem")


def with_note(judge: Judge, test: Test | None, notice: Notice) -> Judge:
    """The judge, with a note that is looked for where the notice is seen."""
    if test is None:
        return judge
    return replace(judge, tests=(*judge.tests, test), notices=(*judge.notices, notice))


def with_cut_digits(column: Column, judge: Judge) -> Judge:
    """Also notes cells such as `5.51E+12` and `########`: where they stand for ids, their digits are gone and only the
    sender has them."""
    notice = Notice("cut_digits", _seen, FILLED & TEXT.str.contains(_CUT), _suspect, trace=native.EXPONENT)
    return with_note(judge, noted(column, "cut_digits", _says), notice)


def _seen(cells: pl.Series, kinds: pl.Series | None) -> bool:
    # Comparing texts costs a tenth of looking into them: most columns of words hold nothing that begins with a digit.
    numeric = cells < ":"
    return bool(numeric.any()) and bool(cells.filter(numeric).str.contains(_TRACE).any())


def _suspect(cell: pl.Expr, kind: pl.Expr | None) -> pl.Expr:
    return cell.str.contains(_TRACE)


def _says(text: str) -> str:
    if text.startswith("#"):
        return f"{text} is how a spreadsheet program shows what its cell is too narrow for: the value is lost"
    return f"{text} is how a spreadsheet program shows a long number: its other digits are lost"
