"""The kernel's part in judging (`sheet/native`): which cells of a batch are surely right, which are surely wrong, and
what the exact rules said of the others.

Texts that are wrong come back: `n/a`, `-`, a name that is empty. What a column's exact rules say depends on the cell's
text and kind alone, so it is asked once a text and kept, as far as there is room.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.sheet import native
from douane.sheet.columns.contract import Notice, begins_visible, edges_visible, unchanged
from douane.sheet.formats import KIND_ERROR, KIND_TEXT
from douane.sheet.native.known import Known, mark
from douane.sheet.native.program import Ready, compiled
from douane.sheet.plans import Plan, asked, clean_of, failures, noticed_in, with_notices
from douane.values import dataclass

# A batch of fewer rows does not pay for making programs of a template's patterns.
PROGRAM_ROWS = 4_096

KNOWN_TEXTS = 8_192  # per column
KNOWN_IN_ALL = 65_536
KNOWN_CHARS = 100  # a longer text is asked again
TRIES = 4  # batches in which less than half of the texts were known before nothing is kept any more


@dataclass(frozen=True, slots=True)
class Cleared:
    """What is known of a column's cells in one batch. `plan`: with what was noticed in it. `unsure`: ascending rows
    that the exact rules are to judge; `wrong`: those in which what the type `decides` fails, and nothing else. `kinds`:
    of the batch, None where all cells are text."""

    plan: Plan
    unsure: npt.NDArray[np.uint32]
    wrong: npt.NDArray[np.uint32]
    not_plain: npt.NDArray[np.uint32] | None
    kernel: native.Kernel
    kinds: pl.Series | None = None


@dataclass(slots=True)
class _Known:
    """What is known of a column's texts of one kind, and in how many batches too few were."""

    texts: Known
    tries: int = 0


class Clearing:
    """Of all columns of a checker, on any thread."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        self._plans = plans
        self._programs: dict[int, Ready | None] = {}
        self._known: dict[tuple[str | int, ...], _Known] = {}
        self._room = KNOWN_IN_ALL

    def of(self, frame: pl.DataFrame, only: Collection[int] | None = None) -> dict[int, Cleared]:
        """By the numbers of the columns (`only`: of these) that the kernel is sure of anything in, where it is loaded.
        Not of columns in which something is noticed that the rules must look for in every cell."""
        kernel = native.kernel()
        return {} if kernel is None else dict(self._of(kernel, frame, only))

    def _of(
        self, kernel: native.Kernel, frame: pl.DataFrame, only: Collection[int] | None
    ) -> Iterator[tuple[int, Cleared]]:
        present = set(frame.columns)
        for number, plan in enumerate(self._plans):
            if only is not None and number not in only:
                continue
            if plan.cell not in present or not (plan.tests or plan.whole.notices):
                continue
            if number not in self._programs:
                if len(frame) < PROGRAM_ROWS:
                    continue
                self._programs[number] = _program(kernel, plan)
            ready = self._programs[number]
            if ready is None:
                continue
            kinds = frame[plan.kind] if plan.kind in present else None
            if kinds is not None and not kinds.max():
                kinds = None
            if kinds is not None and plan.whole.stored is not unchanged and plan.column.validations:
                continue  # which measure what a cell of its kind is stored as
            cells = frame[plan.cell]
            keyed = plan.unique >= 0 and plan.judge.plain is edges_visible
            decides = decided(plan) != ""
            said = kernel.judge(cells, ready.program, decides=decides, keyed=keyed)
            if said is None:
                continue
            noticed = noticed_in(frame, plan, late=False, traces=said.traces)
            if noticed and kinds is None:
                continue
            unsure, wrong = said.unsure, said.wrong
            if noticed:
                plan = with_notices(plan, noticed)
            if kinds is not None:
                unsure, wrong = _by_kinds(plan, cells, kinds, unsure, wrong)
            if len(unsure) and any(notice.late for notice in plan.whole.notices):
                late = noticed_in(_cells(plan, cells, kinds, unsure), plan, late=True, traces=said.traces)
                if late and decides:
                    continue
                if late:
                    plan = with_notices(plan, [*noticed, *late])
                    asked_too = np.zeros(len(cells), np.bool_)
                    asked_too[unsure] = asked_too[_suspects(late, cells, kinds)] = True
                    unsure = np.flatnonzero(asked_too).astype(np.uint32)
            yield number, Cleared(plan, unsure, wrong, said.not_plain, kernel, kinds)

    def judge(self, cells: pl.Series, cleared: Cleared, mask: npt.NDArray[np.uint64]) -> None:
        """Sets the bits of what fails. `cells`: the column's, of all rows of `mask`."""
        plan, unsure = cleared.plan, cleared.unsure
        if len(cleared.wrong):
            bit = next(bit for test, bit in zip(plan.tests, plan.bits, strict=True) if test.rule == decided(plan))
            mark(cleared.kernel, cleared.wrong, mask, bit)
        if not len(unsure):
            return
        kinds = None if cleared.kinds is None else cleared.kinds.gather(unsure).fill_null(KIND_TEXT).to_numpy()
        if kinds is None:
            self._judge_kind(cells, cleared, KIND_TEXT, unsure, mask)
            return
        for kind in np.flatnonzero(np.bincount(kinds)).tolist():
            self._judge_kind(cells, cleared, kind, unsure[kinds == kind], mask)

    def _judge_kind(
        self, cells: pl.Series, cleared: Cleared, kind: int, rows: npt.NDArray[np.uint32], mask: npt.NDArray[np.uint64]
    ) -> None:
        """The cells of these rows, all of one kind."""
        plan = cleared.plan
        key: tuple[str | int, ...] = (plan.cell, kind, *(notice.rule for notice in plan.noticed))
        if key not in self._known:
            self._known[key] = _Known(Known(cleared.kernel, mask.shape[1]))
        known = self._known[key]
        keeps = known.tries < TRIES and len(rows) <= 2 * KNOWN_TEXTS
        every = len(rows)
        if keeps:
            rows = known.texts.recall(cells, rows, mask)
            if not len(rows):
                return
        frame = _of_kind(plan, cells.gather(rows), kind)
        tests = asked(plan, frame)
        if not tests:
            return
        if keeps:
            texts: list[str | None] = frame[plan.cell].to_list()
            place = {text: at for at, text in enumerate(dict.fromkeys(texts))}
            bits = np.zeros((len(place), mask.shape[1]), np.uint64)
            for bit, fails in failures(_of_kind(plan, pl.Series(list(place), dtype=pl.String), kind), plan, tests):
                bits[fails.to_numpy(), bit // 64] |= np.uint64(1 << bit % 64)
            mask[rows] |= bits[[place[text] for text in texts]]
            self._keep(known.texts, list(place), bits)
            known.tries += 2 * len(place) > every
            return
        for bit, fails in failures(frame, plan, tests):
            if fails.any():
                mask[rows[fails.to_numpy()], bit // 64] |= np.uint64(1 << bit % 64)

    def _keep(self, known: Known, texts: Sequence[str | None], bits: npt.NDArray[np.uint64]) -> None:
        """As many texts as there is room for are known from now on, with the bits of what fails."""
        room = max(0, min(KNOWN_TEXTS - known.count, self._room))
        kept = [at for at, text in enumerate(texts) if text is None or len(text) <= KNOWN_CHARS][:room]
        if kept:
            known.add([texts[at] for at in kept], bits[kept])
        self._room -= len(kept)


def decided(plan: Plan) -> str:
    """The test that surely fails where the kernel says so; "" = it never does."""
    return "" if plan.whole.sure is None else plan.whole.sure.decides


def _cells(plan: Plan, cells: pl.Series, kinds: pl.Series | None, rows: npt.NDArray[np.uint32]) -> pl.DataFrame:
    """What a column's exact rules read of these rows."""
    held = [cells.alias(plan.cell)]
    return pl.DataFrame(held if kinds is None else [*held, kinds.alias(plan.kind)])[rows]


def _of_kind(plan: Plan, cells: pl.Series, kind: int) -> pl.DataFrame:
    """The same of cells that are all of one kind."""
    held = [cells.alias(plan.cell)]
    return pl.DataFrame(
        held if kind == KIND_TEXT else [*held, pl.Series(plan.kind, np.full(len(cells), kind, np.uint8))]
    )


def _by_kinds(
    plan: Plan, cells: pl.Series, kinds: pl.Series, unsure: npt.NDArray[np.uint32], wrong: npt.NDArray[np.uint32]
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """(unsure rows, wrong ones) where cells have kinds: the kernel looked at texts alone. What is cleared by its text
    is so whatever its kind, but for errors; what is not may be right by its kind."""
    codes = kinds.fill_null(KIND_TEXT).to_numpy()
    asked = codes == KIND_ERROR
    asked[unsure] = True
    if plan.whole.sure is not None and plan.whole.sure.kinds:
        right = np.isin(np.arange(256), plan.whole.sure.kinds)[codes]
        if plan.column.required:
            right &= (
                cells.alias("cell")
                .to_frame()
                .select(begins_visible(pl.col("cell")).fill_null(False))
                .to_series()
                .to_numpy()
            )
        asked &= ~right
    if plan.noticed:
        asked[wrong] = True
        asked[_suspects(plan.noticed, cells, kinds)] = True
        wrong = wrong[:0]
    elif len(wrong):
        typed = codes[wrong] == KIND_TEXT
        asked[wrong[~typed]] = True
        wrong = wrong[typed]
    other = np.flatnonzero(asked & (codes != KIND_TEXT)).astype(np.uint32)
    if len(other):
        clean = clean_of(plan, pl.col(plan.cell), pl.col(plan.kind))
        if clean is not None:
            known = _cells(plan, cells, kinds, other).select(clean.fill_null(False)).to_series().to_numpy()
            asked[other[known]] = False
    return np.flatnonzero(asked).astype(np.uint32), wrong


def _suspects(notices: Sequence[Notice], cells: pl.Series, kinds: pl.Series | None) -> npt.NDArray[np.uint32]:
    """Of which rows any of the notices may be true."""
    held = pl.DataFrame([cells.alias("cell"), *([] if kinds is None else [kinds.alias("kind")])])
    kind = None if kinds is None else pl.col("kind")
    suspect = pl.any_horizontal(*(notice.suspect(pl.col("cell"), kind) for notice in notices))
    return held.select(suspect.fill_null(True).arg_true()).to_series().to_numpy().astype(np.uint32)


def _program(kernel: native.Kernel, plan: Plan) -> Ready | None:
    """How the kernel clears this column's cells by their texts; see `plans.clean_of`."""
    sure = plan.whole.sure
    if sure is None:
        return None
    if plan.column.required:
        sure = replace(sure, empty=False, begins=sure.begins or plan.whole.plain is not None)
    traces = 0
    for notice in plan.whole.notices:
        traces |= notice.trace
    return compiled(kernel, sure, traces)
