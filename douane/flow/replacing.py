"""A large replacement, worked out by a child: it has the kernel, and its memory is not ours. What it finds is taken
piece by piece while it works on the next one. `flow/changing.py` makes a revision of it, and does small ones itself."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from douane.errors import BadFile, BadRequest, DouaneError, OverLimit
from douane.flow import revisions
from douane.flow.forms import chosen_of, headings_of
from douane.flow.house import House
from douane.flow.live import Standing, view_of
from douane.jobs.children import Seat, run_child
from douane.line import Event
from douane.line import sheet as line
from douane.line.staged import Part
from douane.model.sheet_import import sheet_detail
from douane.sheet.searching import Search
from douane.staging.live import Flags, Foreseen
from douane.staging.spread import KEYS_MAX, Spread
from douane.store.database import read

LARGE_CELLS = 200_000  # that are looked at, from which on to start a child takes less than it saves
LARGE_CHARS = 64 << 20  # that a hit in each cell would bring
_WINDOW = 4

Sample = tuple[tuple[int, str, str | None, str | None], ...]


@dataclass(frozen=True, slots=True)
class What:
    """`sample`: of so many cells it is said what they were and will be."""

    search: Search
    text: str
    sample: int


class Outgrown(Exception):
    """What a small replacement brings may be more than this process is to hold."""


class Growth:
    """Of a replacement that is worked out here: how much text it may bring yet. Cells may be hit many times each."""

    def __init__(self, search: Search, text: str) -> None:
        once = search.whole or search.find == ""
        self._hit, self._text = 0 if once else len(search.find), len(text.encode())
        self._left = LARGE_CHARS

    def take(self, cells: pl.Series) -> None:
        """Outgrown, where it may be too much with these."""
        if self._hit:
            self._left -= int(cells.str.len_bytes().sum() or 0) // self._hit * self._text
        if self._left < 0:
            raise Outgrown


def is_possible(now: Standing, picked: Flags, keys: Collection[str]) -> bool:
    """For a child. Rows that people added stand in no file, and are few."""
    return len(keys) <= KEYS_MAX and not picked[now.live.rows_of_file :].any()


def is_large(picked: Flags, keys: Collection[str], text: str) -> bool:
    cells = int(np.count_nonzero(picked)) * len(keys)
    return cells >= LARGE_CELLS or (cells > 1 and cells * len(text) >= LARGE_CHARS)


def worked_out(
    house: House, now: Standing, picked: Flags, cells: Spread, what: What
) -> tuple[Sample, tuple[Foreseen, ...] | None]:
    """The first cells, and what becomes of the verdicts (None = not judged); `cells`, of the columns that are looked
    at, gets all of them."""
    seat = house.seats.take()
    try:
        spec = _spec(house, now, picked, cells, what, seat)
        taking = _Taking(now, spec, cells)
        try:
            run_child(spec, seat, window=_WINDOW, on_event=taking.event)
        except BadFile as error:
            raise _told(error) from error
    finally:
        seat.clear()
    sample = tuple((one.row, one.column, one.before, one.after) for one in taking.sample[: what.sample])
    return sample, tuple(taking.foreseen) if taking.judged else None


def _told(error: BadFile) -> DouaneError:
    """A child's sentences are of files, and no file is at fault here: what was asked for is, if it takes too much."""
    if not isinstance(error, OverLimit):
        return DouaneError("Something went wrong while the cells were replaced.", code="internal")
    what = {"child_memory_bytes": "memory", "child_open_files": "open files"}.get(error.setting, "time")
    return BadRequest(
        f"This replacement takes more {what} than it may (setting {error.setting}); "
        "do it in fewer records or columns at once, or with a shorter text."
    )


def _spec(house: House, now: Standing, picked: Flags, cells: Spread, what: What, seat: Seat) -> line.Replace:
    operation, parts, masks = now.operation, [], []
    for number, part in enumerate(now.live.parts):
        inside = picked[part.first_row : part.first_row + part.rows]
        if not inside.any():
            continue
        path = house.objects.link_into(part.object, seat.inputs)
        parts.append(Part(number, part.first_row, part.rows, path))
        masks.append(None if inside.all() else view_of(inside, seat.inputs / f"picked-{number:07}"))
    with read(house.engine) as connection:
        layers = revisions.lay_out(house, connection, operation.id, seat.inputs, upto=now.revision)
    detail = sheet_detail(operation)
    return line.Replace(
        parts=tuple(parts),
        template=detail.template,
        headings=headings_of(operation),
        chosen=chosen_of(operation),
        seed=operation.seed,
        cells=layers,
        values=tuple(
            line.Values(one.template, one.column, one.mark, house.objects.link_into(one.object, seat.inputs))
            for one in detail.known
        ),
        picked=tuple(masks),
        keys=cells.looked_at,
        find=what.search.find,
        replace=what.text,
        case_sensitive=what.search.case_sensitive,
        whole=what.search.whole,
        sample=what.sample,
    )


class _Taking:
    """What the child said, so far."""

    def __init__(self, now: Standing, spec: line.Replace, cells: Spread) -> None:
        self._checker, self._spec, self._cells = now.live.checker, spec, cells
        self.sample: list[line.Met] = []
        self.foreseen: list[Foreseen] = []
        self.judged = True

    def event(self, event: Event) -> None:
        if not isinstance(event, line.Replaced):
            return
        part, count = self._spec.parts[event.at], event.rows
        found = np.fromfile(event.found, np.uint64)
        rows, hits = found[:count].astype(np.int64), found[count : 2 * count]
        inside = len(rows) > 0 and part.first_row <= rows[0] and rows[-1] < part.first_row + part.rows
        if not inside or (np.diff(rows) <= 0).any():
            raise ValueError("the child changed records that it was not asked for")
        self._cells.add(event.cells, rows, hits)
        event.cells.unlink()
        event.found.unlink()
        if len(self.sample) < self._spec.sample:
            self.sample += event.sample
        if not event.judged:
            self.judged = False
            return
        words, rules = self._checker.words, len(self._checker.unique)
        verdicts = found[2 * count :]
        self.foreseen.append(
            Foreseen(
                rows,
                self._checker.share(_keys(self._spec.keys, hits)),
                verdicts[: count * words].reshape(count, words),
                verdicts[count * words :].reshape(count, rules),
                event.seen,
            )
        )


def _keys(keys: Sequence[str], hits: np.ndarray[tuple[int], np.dtype[np.uint64]]) -> frozenset[str]:
    met = int(np.bitwise_or.reduce(hits))
    return frozenset(key for bit, key in enumerate(keys) if met >> bit & 1)
