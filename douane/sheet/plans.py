"""How one column of a checker is judged: its tests and their bits, what is quickly seen of a cell, and what decides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import polars as pl

from douane.model.template import Column
from douane.sheet.columns.contract import (
    FILLED,
    KIND,
    TEXT,
    Judge,
    Notice,
    begins_visible,
    noticing,
    trim,
    unchanged,
)
from douane.sheet.formats import KIND_ERROR, KIND_TEXT
from douane.sheet.rule import ERROR_CELL, REQUIRED, Test, always
from douane.values import dataclass

_ERROR = "error_cell"


@dataclass(frozen=True, slots=True)
class Plan:
    """How one template column is judged: cell `c`, kind `k`, its tests and the bit of each, its unique rule or -1. What
    the column's judge looks for only where there is a reason is in `whole` and `every_bit`, and in the others as far as
    it was `noticed`."""

    column: Column
    whole: Judge
    every_bit: tuple[int, ...]
    cell: str
    kind: str
    unique: int
    judge: Judge
    tests: tuple[Test, ...] = ()
    bits: tuple[int, ...] = ()
    noticed: tuple[Notice, ...] = ()


def common_tests(column: Column) -> list[Test]:
    """What every type has. A cell is empty where its text is absent or, once trimmed and cleaned, has no character."""
    tests = [
        Test(
            "error_cell",
            ERROR_CELL,
            KIND == KIND_ERROR,
            lambda text: f"{text} is an error of the workbook, not a value",
        )
    ]
    if column.required:
        tests.append(Test("required", REQUIRED, ~FILLED, always("This field is required")))
    return tests


def clean_of(plan: Plan, cell: pl.Expr, kind: pl.Expr | None) -> pl.Expr | None:
    """Quick and sufficient: no test of this column fails. None = unknown without looking."""
    if plan.judge.tests and plan.judge.clean is None:
        return None
    clean = plan.judge.clean(cell, kind) if plan.judge.tests and plan.judge.clean is not None else None
    if plan.column.required:
        # A clean cell may be empty, or blank where its type says nothing about white space.
        filled = begins_visible(cell) if plan.judge.plain is not None else cell != ""
        clean = filled if clean is None else clean & filled
    if kind is not None:
        sound = kind.fill_null(KIND_TEXT) != KIND_ERROR
        clean = sound if clean is None else clean & sound
    return clean


def asked(plan: Plan, frame: pl.DataFrame) -> list[tuple[Test, int]]:
    """The tests with their bits. Without kinds there are no error cells, and nothing to judge where that is a column's
    only rule."""
    known = plan.kind in frame
    return [(test, bit) for test, bit in zip(plan.tests, plan.bits, strict=True) if known or test.rule != _ERROR]


def noticed_in(frame: pl.DataFrame, plan: Plan, *, late: bool, traces: int = -1) -> list[Notice]:
    """What this batch gives reason to look for. `traces`: what the kernel met in it; -1 = it was not asked."""
    if plan.cell not in frame.columns:
        return []
    wanted = [
        notice for notice in plan.whole.notices if notice.late is late and (not notice.trace or notice.trace & traces)
    ]
    if not wanted:
        return []
    cells, kinds = frame[plan.cell], frame[plan.kind] if plan.kind in frame.columns else None
    return [notice for notice in wanted if notice.seen(cells, kinds)]


def as_seen(plan: Plan, noticed: Sequence[Notice]) -> Plan:
    return with_notices(plan, noticed) if noticed else plan


def with_notices(plan: Plan, noticed: Sequence[Notice]) -> Plan:
    judge, common = noticing(plan.whole, noticed), common_tests(plan.column)
    asleep = {notice.rule for notice in plan.whole.notices} - {notice.rule for notice in noticed}
    every = zip((*common, *plan.whole.tests), plan.every_bit, strict=True)
    bits = tuple(bit for test, bit in every if test.rule not in asleep)
    return replace(plan, judge=judge, tests=(*common, *judge.tests), bits=bits, noticed=tuple(noticed))


def picked(frame: pl.DataFrame, plan: Plan, wanted: pl.Series) -> pl.DataFrame:
    """What this column's exact rules read, of the rows wanted."""
    names = [name for name in (plan.cell, plan.kind) if name in frame.columns]
    return pl.DataFrame([frame[name].filter(wanted) for name in names])


def exact_frame(frame: pl.DataFrame, plan: Plan, *, prepare: bool = True) -> pl.DataFrame:
    """The frame that exact expressions read (`columns/contract.py`)."""
    nothing = pl.repeat(None, len(frame), dtype=pl.String, eager=True)
    text = frame[plan.cell] if plan.cell in frame.columns else nothing
    exact = pl.DataFrame([text.alias("text")]).with_columns_seq(
        trim(TEXT).alias("text"), pl.lit(KIND_TEXT, dtype=pl.UInt8).alias("kind")
    )
    kind: pl.Expr | None = None
    if plan.kind in frame.columns:
        exact = exact.with_columns(frame[plan.kind].fill_null(KIND_TEXT).alias("kind"))
        kind = KIND
    if plan.judge.stored is not unchanged:
        exact = exact.with_columns(plan.judge.stored(TEXT, kind).alias("text"), TEXT.alias("typed"))
    return plan.judge.prepare(exact) if prepare and plan.judge.prepare is not None else exact


def failures(frame: pl.DataFrame, plan: Plan, tests: list[tuple[Test, int]]) -> Iterator[tuple[int, pl.Series]]:
    """The bit of each test and, per row, whether it fails."""
    failed = exact_frame(frame, plan).select_seq(test.fails.fill_null(False).alias(str(bit)) for test, bit in tests)
    return zip((bit for _, bit in tests), failed.get_columns(), strict=True)
