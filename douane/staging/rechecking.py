"""The check of what a review changed: only the changed rows are judged again, and only the rows that share a unique
value with them, before or after the change, are compared again. Everything else keeps its verdict, but for the notes
whose reason was changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.line.staged import Checked, Part
from douane.staging import masks, noting, uniqueness
from douane.staging.checking import Checker, as_it_stands
from douane.staging.masks import GONE, Words
from douane.staging.parts import Rows, distinct, read_part, read_rows
from douane.staging.revisions import Cells, overlay
from douane.values import dataclass

MANY = 50_000  # touched keys from which on all rows are compared anew


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Parts in row order, with their verdicts of the last review (`checked[i]` belongs to `parts[i]`); `cells` = every
    revision that stands; `positions`: column key -> where it stands in a part. Rows that people added are parts too,
    with `first_row` -1, whose frames carry `_row`: their cells are staged with them, and they come judged."""

    parts: Sequence[Part]
    checked: Sequence[Checked]
    cells: Cells
    positions: Mapping[str, int]


def recheck(
    checker: Checker, reviewed: Reviewed, changed: Rows, folder: Path, dropped: Sequence[Words] = ()
) -> Iterator[Checked]:
    """`changed` = rows touched since the last review; `dropped`: key hashes u64[rules, rows] of rows that are in no
    part any more. Yields the parts whose verdict changed."""
    table = _Table(checker, reviewed)
    hashes = [*dropped, *table.judge(changed)]
    for rule in checker.unique:
        touched = distinct(np.concatenate([h[rule.number] for h in hashes] or [np.zeros(0, np.uint64)]))
        touched = touched[touched != 0]
        if len(touched) > MANY:
            table.forget(rule)
            table.compare(rule, None)
        elif len(touched):
            table.compare(rule, iter([touched]))
    table.settle_notes(changed)
    yield from table.write(folder)


class _Table:
    """The verdicts while they change: masks and hashes are copied when first written to."""

    def __init__(self, checker: Checker, reviewed: Reviewed) -> None:
        self.checker, self.parts, checked = checker, reviewed.parts, reviewed.checked
        self.cells, self.positions = reviewed.cells, reviewed.positions
        self.masks = [masks.read_mask(c.mask) for c in checked]
        self.hashes = [
            masks.read_hashes(c.hashes, len(checker.unique)) if c.hashes else np.zeros((0, c.rows), np.uint64)
            for c in checked
        ]
        self.changed: set[int] = set()

    def judge(self, rows: Rows) -> list[Words]:
        """Judges the rows as they stand now; the key hashes they had and have, u64[rules, rows] each."""
        seen: list[Words] = []
        numbers = np.sort(rows)
        for at, part in enumerate(self.parts):
            if part.first_row < 0:
                self._own(at)
                seen.append(self.hashes[at])
                continue
            offsets = _offsets(part, numbers)
            if len(offsets) == 0:
                continue
            frame, deleted = self._stands(at, offsets)
            judgement = self.checker.judge(frame)
            words = np.where(deleted[:, None], np.uint64(0), judgement.mask)
            hashes = np.where(deleted[:, None], np.uint64(0), judgement.hashes).T
            mask, held = self._own(at)
            seen += [np.array(held[:, offsets]), hashes]
            mask.words[offsets] = words
            mask.state[offsets] = masks.judge_state(words, self.checker.invalid_words, deleted).state
            held[:, offsets] = hashes
        return seen

    def forget(self, rule: Any) -> None:
        """Takes the rule's bits off every row: all are compared anew."""
        for at in range(len(self.parts)):
            words = np.array(self.masks[at].words)
            for bit in rule.bits:
                words[:, bit // 64] &= ~np.uint64(1 << (bit % 64))
            if not np.array_equal(words, self.masks[at].words):
                mask, _ = self._own(at)
                gone = np.array(mask.state == GONE)
                mask.words[:] = words
                mask.state[:] = masks.judge_state(words, self.checker.invalid_words, gone).state

    def compare(self, rule: Any, batches: Iterator[Words] | None) -> None:
        """Sets the rule's bits anew on every row whose key is among `batches` (None: on those that share a key)."""

        def texts(places: Sequence[tuple[int, Rows]]) -> pl.Series:
            frames = [self.frame(at, offsets) for at, offsets in places]
            return self.checker.unique_texts(pl.concat(frames, how="diagonal"), rule)

        for at, offsets, later in uniqueness.later_copies([h[rule.number] for h in self.hashes], texts, batches):
            mask, _ = self._own(at)
            for bit in rule.bits:
                flag = np.uint64(1 << (bit % 64))
                word = mask.words[offsets, bit // 64] & ~flag
                word[later] |= flag
                mask.words[offsets, bit // 64] = word
            gone = np.array(mask.state[offsets] == GONE)
            mask.state[offsets] = masks.judge_state(mask.words[offsets], self.checker.invalid_words, gone).state

    def settle_notes(self, rows: Rows) -> None:
        ascending = np.sort(rows)
        notes = noting.Notes(self.checker, self, [_offsets(part, ascending) for part in self.parts])
        for at in range(len(self)) if notes else ():
            words = notes.marked(at)
            if words is None:
                continue
            mask, _ = self._own(at)
            gone = np.array(mask.state == GONE)
            mask.words[:] = words
            mask.state[:] = masks.judge_state(words, self.checker.invalid_words, gone).state

    def __len__(self) -> int:
        return len(self.parts)

    def verdict(self, at: int) -> tuple[npt.NDArray[np.uint8], Words]:
        return self.masks[at].state, self.masks[at].words

    def holds(self, bit: int) -> bool:
        return any(bool((mask.words[:, bit // 64] & np.uint64(1 << bit % 64)).any()) for mask in self.masks)

    def reason(self, at: int, bit: int) -> bool | None:
        return None

    def seen(self, at: int, bit: int) -> tuple[bool, bool] | None:
        return None

    def columns(self, at: int) -> Collection[str]:
        return {*pl.read_ipc_schema(self.parts[at].path), *(f"c{position}" for position in self.positions.values())}

    def read(self, at: int, offsets: Rows, columns: Sequence[str]) -> pl.DataFrame:
        if len(offsets) * 4 < self.parts[at].rows:
            return self.frame(at, offsets)
        # `_line` is in every part: one that has none of the columns, of rows that people added, has rows all the same.
        frame, first = read_part(self.parts[at].path, ["_line", *columns])[offsets], self.parts[at].first_row
        return overlay(frame, offsets + first, self.cells, self.positions) if self.cells and first >= 0 else frame

    def frame(self, at: int, offsets: Rows) -> pl.DataFrame:
        return self._stands(at, offsets)[0]

    def _stands(self, at: int, offsets: Rows) -> tuple[pl.DataFrame, npt.NDArray[np.bool_]]:
        part = self.parts[at]
        frame = read_rows(part.path, offsets)
        if "_row" in frame.columns:
            return frame, np.zeros(len(offsets), np.bool_)
        return as_it_stands(self.checker, frame, offsets + part.first_row, self.cells, self.positions)

    def write(self, folder: Path) -> Iterator[Checked]:
        for at in sorted(self.changed):
            part, mask = self.parts[at], self.masks[at]
            mask_path, hash_path = folder / f"mask-{part.number:07}", None
            masks.write_mask(mask, mask_path)
            if self.checker.unique:
                hash_path = folder / f"hash-{part.number:07}"
                masks.write_hashes(self.hashes[at].T, hash_path)
            yield Checked(part.number, part.rows, mask.valid, mask.invalid, mask_path, hash_path)

    def _own(self, at: int) -> tuple[masks.Mask, Words]:
        if at not in self.changed:
            self.changed.add(at)
            held = self.masks[at]
            self.masks[at] = masks.Mask(np.array(held.state), np.array(held.words))
            self.hashes[at] = np.array(self.hashes[at])
        return self.masks[at], self.hashes[at]


def _offsets(part: Part, ascending: Rows) -> Rows:
    """Of these rows those of a part, by a search: a look at all of them for each part would cost parts times rows."""
    if part.first_row < 0:
        return np.arange(part.rows)
    low, high = np.searchsorted(ascending, [part.first_row, part.first_row + part.rows])
    inside: Rows = ascending[low:high] - part.first_row
    return inside
