"""A column's type and its validations -> one `Judge`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import polars as pl

from douane.model.template import Column
from douane.sheet import columns, validations
from douane.sheet.columns.contract import TEXT, Judge, Sure, unchanged
from douane.sheet.validations.contract import Cell, Rules


def judge(column: Column) -> Judge:
    own = columns.member(column.type).judge(column)
    cell = Cell(column, TEXT, own.value, own.shown)
    found = [
        rules
        for validation in column.validations
        if (make := validations.member(validation.validate).rules) is not None
        and (rules := make(validation, cell)) is not None
    ]
    if not found:
        return own
    return replace(
        own,
        tests=(*own.tests, *(test for rules in found for test in rules.tests)),
        clean=_clean(own, found),
        sure=_sure(own, found),
    )


def _sure(own: Judge, found: Sequence[Rules]) -> Sure | None:
    """What the kernel can clear a cell by: the type's and every validation's."""
    sure = own.sure if own.sure is None else replace(own.sure, decides="", kinds=())
    for rules in found:
        sure = None if sure is None or rules.sure is None else rules.sure(sure)
    return sure


def _clean(own: Judge, found: Sequence[Rules]) -> Callable[[pl.Expr, pl.Expr | None], pl.Expr] | None:
    """Quick: the type and every validation say so. None as soon as one of them has to look."""
    type_clean = own.clean
    # What is only looked for where there is a reason is added to it then.
    asleep = {notice.rule for notice in own.notices}
    # And validations measure what is stored: a cell as staged tells only where the type knows it to be the same.
    has_tests = own.stored is not unchanged or any(test.rule not in asleep for test in own.tests)
    if (has_tests and type_clean is None) or any(rules.clean is None for rules in found):
        return None

    def clean(cell: pl.Expr, kind: pl.Expr | None) -> pl.Expr:
        value = None if own.quick_value is None else own.quick_value(cell)
        parts = [type_clean(cell, kind)] if has_tests and type_clean is not None else []
        parts += [rules.clean(cell, value) for rules in found if rules.clean is not None]
        whole = parts[0]
        for part in parts[1:]:
            whole = whole & part
        return whole

    return clean
