"""What would make bad cells good, asked of the live table; accepted by a person only, as one revision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from douane.errors import BadRequest
from douane.flow import changing, learned, live
from douane.flow.changing import Change, How
from douane.flow.house import House
from douane.flow.live import Filter, Standing
from douane.model.operation import Operation
from douane.model.template import Column
from douane.sheet import suggesting
from douane.sheet.suggesting import Hints, Proposal
from douane.staging.live import Flags
from douane.store.revisions import Deed

TEXTS_MAX = 20_000  # distinct bad texts of a column that are looked at, the most frequent first
SHOWN_CHARS = 1_000  # a longer text that nothing is proposed for is not shown in a list
HINT_TEXTS = 2_000  # of them that say how the column is written


@dataclass(frozen=True, slots=True)
class OfText:
    """`cells`: how many cells of the column hold this bad text."""

    text: str
    cells: int
    proposals: tuple[Proposal, ...]


def of_cell(house: House, operation: Operation, index: int, key: str) -> OfText:
    """For one bad cell; without proposals where it is good. BadRequest where there is no such record or column."""
    with live.standing(house, operation) as now:
        column = column_of(now, key)
        place = int(now.live.places(np.array([index], np.int64))[0])
        if place < 0:
            raise BadRequest(f"There is no record {index}.")
        bad = _bad(now, key)
        name = f"c{now.form.keys[key]}"
        frame = now.live.read(np.array([place]), [name])
        text = frame[name][0] if name in frame.columns else None
        if text is None or not bad[place]:
            return OfText(text or "", 0, ())
        counts = _counted(now, bad, name)
    known = learned.known_values(house, operation, key)
    found = suggesting.proposals(column, [text], _hints(counts), known)
    return OfText(text, dict(counts).get(text, 1), found[0])


def of_column(house: House, operation: Operation, key: str, *, hopeless: bool = False) -> list[OfText]:
    """For all distinct bad texts of a column that something is proposed for, the most frequent first; `hopeless`: those
    that nothing is proposed for, too, unless they are too long for a person to look at."""
    with live.standing(house, operation) as now:
        column = column_of(now, key)
        counts = _counted(now, _bad(now, key), f"c{now.form.keys[key]}")
    texts = [text for text, _ in counts]
    known = learned.known_values(house, operation, key)
    found = suggesting.proposals(column, texts, _hints(counts), known)
    return [
        OfText(text, cells, ways)
        for (text, cells), ways in zip(counts, found, strict=True)
        if ways or (hopeless and len(text) <= SHOWN_CHARS)
    ]


def accept(
    house: House, operation: Operation, key: str, instead: Mapping[str, str], chosen: Filter, how: How
) -> Change:
    """Bad text -> what is to stand in its place, in all bad cells of a column within the filter: one revision."""
    bad = pl.Series("bad", list(instead), dtype=pl.String)
    good = pl.Series("good", list(instead.values()), dtype=pl.String)

    def changed(frame: pl.DataFrame, name: str) -> tuple[pl.Series, pl.Series]:
        cells = frame[name] if name in frame.columns else pl.Series(name, [None] * len(frame), dtype=pl.String)
        hits = cells.is_in(bad.implode()).fill_null(False)
        return hits, cells.filter(hits).replace_strict(bad, good, return_dtype=pl.String)

    def picked(now: Standing) -> Flags:
        return live.flags_of(now, chosen) & _bad(now, key)

    deed = Deed("suggestions", {"texts": len(instead)})
    return changing.change_texts(house, operation, deed, key, picked, changed, how)


def column_of(now: Standing, key: str) -> Column:
    live.column(now, key)
    found = next((column for column in now.form.template.columns if column.key == key), None)
    if found is None:
        raise BadRequest(f"The column {key!r} has no rules.")
    return found


def _bad(now: Standing, key: str) -> Flags:
    """Where the column has a problem."""
    return live.flags(now, Filter(problem_column=key))


def _counted(now: Standing, bad: Flags, name: str) -> list[tuple[str, int]]:
    """The distinct texts of a column where it is bad, with their numbers, most frequent first."""
    parts = [frame[name] for _, frame in now.live.stream(bad, [name]) if name in frame.columns]
    if not parts:
        return []
    counts = pl.concat(parts).drop_nulls().value_counts(sort=True).head(TEXTS_MAX)
    return [(text, count) for text, count in counts.iter_rows() if text]


def _hints(counts: Sequence[tuple[str, int]]) -> Hints:
    return suggesting.hints_of([text for text, _ in counts[:HINT_TEXTS]])
