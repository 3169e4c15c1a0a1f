"""Merged cells: the top left one of a range has the value, whatever else programs keep below it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from douane.errors import BadFile

Ranges = npt.NDArray[np.int64]
_COVERED_MAX = 1 << 24  # rows of ranges in one block: more only where ranges overlap


def ranges_of(found: Iterable[tuple[int, int, int, int]]) -> Ranges:
    """(first row, last row, first column, last column), all from 0 -> `sorted_ranges`."""
    return sorted_ranges(np.array(list(found), np.int64).reshape(-1, 4))


def sorted_ranges(ranges: Ranges) -> Ranges:
    """Ranges of more than one cell, in the order of their first cells."""
    real = ranges[(ranges[:, 0] <= ranges[:, 1]) & (ranges[:, 2] <= ranges[:, 3])]
    real = real[(real[:, 0] < real[:, 1]) | (real[:, 2] < real[:, 3])]
    ordered: Ranges = real[np.lexsort((real[:, 2], real[:, 0]))]
    return ordered


def covered(
    lines: npt.NDArray[np.uint32], row: npt.NDArray[np.uint32], column: npt.NDArray[np.uint32], merged: Ranges
) -> npt.NDArray[np.bool_]:
    """Which cells lie under a range and are not its top left one. `lines`: the row numbers from 1, ascending; `row`:
    per cell the position among them."""
    under = np.zeros(len(row), np.bool_)
    if not len(merged) or not len(row):
        return under
    key = row.astype(np.int64) << 20 | column
    if not (key[1:] >= key[:-1]).all():
        order = np.argsort(key, kind="stable")
        under[order] = covered(lines, row[order], column[order], merged)
        return under
    numbers = lines.astype(np.int64) - 1
    first = np.searchsorted(numbers, merged[:, 0])
    end = np.searchsorted(numbers, merged[:, 1], side="right")
    near = np.flatnonzero(end > first)
    if not len(near):
        return under
    counts = end[near] - first[near]
    if counts.sum() > _COVERED_MAX:
        raise BadFile("The file is damaged: its merged cells overlap.")
    # Every row of every range that has cells here, as a span of keys.
    of = np.repeat(near, counts)
    at_row = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts) + first[of]
    depth = np.zeros(len(key) + 1, np.int64)
    np.add.at(depth, np.searchsorted(key, at_row << 20 | merged[of, 2]), 1)
    np.add.at(depth, np.searchsorted(key, at_row << 20 | merged[of, 3], side="right"), -1)
    under = np.cumsum(depth)[:-1] > 0
    starts = near[numbers[np.minimum(first[near], len(numbers) - 1)] == merged[near, 0]]
    corner = first[starts] << 20 | merged[starts, 2]
    at = np.searchsorted(key, corner)
    under[at[(at < len(key)) & (key[np.minimum(at, len(key) - 1)] == corner)]] = False
    return under


def spans(merged: Ranges, lines: Sequence[int], hidden: Sequence[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """The ranges over several columns that begin among records on these lines, as `First.spans`; hidden columns do not
    count."""
    places = {line - 1: index for index, line in enumerate(lines)}
    found: list[tuple[int, int, int]] = []
    for top, _, left, right in merged.tolist():
        if top in places and right > left:
            before = sum(min(end, left) - first for first, end in hidden if first < left)
            within = sum(max(0, min(end, right + 1) - max(first, left)) for first, end in hidden)
            found.append((places[top], left - before, right + 1 - before - within))
    return found
