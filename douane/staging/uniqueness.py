"""Which rows hold a value that an earlier row holds already, in bounded memory at any size.

Each row has a 64-bit key hash per rule (0 = takes no part), seeded per operation, so that nobody can craft a file full
of collisions. Equal hashes only make candidates: before a row is blamed, the texts themselves are compared. The hashes
are sorted in buckets by their top bits, so memory does not grow with the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.staging.parts import distinct

BUCKET_ROWS = 4_000_000  # hashes sorted at once: 32 MB
CANDIDATE_VALUES = 250_000  # distinct repeated values whose texts are held at once
CANDIDATE_ROWS = 50_000  # rows whose texts are read at once

_FEW = 8

Hashes = npt.NDArray[np.uint64]
Offsets = npt.NDArray[np.int64]


def repeated_hashes(parts: Sequence[Hashes]) -> Iterator[Hashes]:
    """The hashes that occur more than once over all parts, sorted, in batches of about CANDIDATE_VALUES."""
    total = sum(len(part) for part in parts)
    bits = max(0, (-(-total // BUCKET_ROWS) - 1).bit_length())
    waiting: list[Hashes] = []
    for bucket in range(1 << bits):
        for again in _repeated(parts, bits, bucket):
            waiting.append(again)
            if sum(len(batch) for batch in waiting) >= CANDIDATE_VALUES:
                yield np.concatenate(waiting)
                waiting = []
    if waiting:
        yield np.concatenate(waiting)


def _repeated(parts: Sequence[Hashes], bits: int, bucket: int) -> Iterator[Hashes]:
    """Those with the given top bits."""
    if bits:
        shift = np.uint64(64 - bits)
        gathered = np.concatenate([part[(part >> shift) == np.uint64(bucket)] for part in parts])
    else:
        gathered = np.concatenate([*parts, np.zeros(0, np.uint64)])
    gathered.sort()
    again = gathered[1:][gathered[1:] == gathered[:-1]]
    again = distinct(again[again != 0])
    for start in range(0, len(again), CANDIDATE_VALUES):
        yield again[start : start + CANDIDATE_VALUES]


def members(hashes: Hashes, wanted: Hashes) -> Offsets:
    """Offsets of the rows whose hash is in `wanted` (sorted, not empty). A table of the top 22 bits turns away almost
    every other row before the search; it takes longer to make than a few hashes to look for."""
    if len(wanted) <= _FEW:
        one_of = hashes == wanted[0]
        for other in wanted[1:]:
            one_of |= hashes == other
        return np.flatnonzero(one_of)
    table = np.zeros(1 << 22, np.bool_)
    table[wanted >> np.uint64(42)] = True
    near = np.flatnonzero(table[hashes >> np.uint64(42)])
    found = hashes[near]
    at = np.minimum(np.searchsorted(wanted, found), len(wanted) - 1)
    held: Offsets = near[wanted[at] == found]
    return held


# (part, ascending offsets) of several parts, in row order -> what the rule compares, null where a row takes no part
Texts = Callable[[Sequence[tuple[int, Offsets]]], pl.Series]


def later_copies(
    parts: Sequence[Hashes], texts: Texts, batches: Iterator[Hashes] | None = None
) -> Iterator[tuple[int, Offsets, npt.NDArray[np.bool_]]]:
    """For every row that holds a repeated candidate: (part number, offsets, is it a later copy), part by part in row
    order, batch by batch. `batches` limits the question to given hashes (a re-check of what changed)."""
    for wanted in repeated_hashes(parts) if batches is None else batches:
        seen = pl.Series("text", [], dtype=pl.String)
        for places in _together(parts, wanted):
            text = texts(places).alias("text")
            known = text.is_in(seen.implode()) if len(seen) else pl.repeat(False, len(text), eager=True)
            first = text.is_first_distinct()
            later = ((known | ~first) & text.is_not_null()).fill_null(False).to_numpy()
            seen = pl.concat([seen, text.filter(first & ~known.fill_null(True) & text.is_not_null())])
            start = 0
            for number, offsets in places:
                yield number, offsets, later[start : start + len(offsets)]
                start += len(offsets)


def _together(parts: Sequence[Hashes], wanted: Hashes) -> Iterator[list[tuple[int, Offsets]]]:
    """The candidates of a batch, as many parts at once as makes a good handful of rows: a query costs what it costs."""
    waiting: list[tuple[int, Offsets]] = []
    rows = 0
    for number, hashes in enumerate(parts):
        offsets = members(hashes, wanted)
        if len(offsets) == 0:
            continue
        waiting.append((number, offsets))
        rows += len(offsets)
        if rows >= CANDIDATE_ROWS:
            yield waiting
            waiting, rows = [], 0
    if waiting:
        yield waiting
