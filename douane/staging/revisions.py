"""Revisions laid over parts: what people changed, seen through; nothing staged is ever overwritten.

A small revision is cells: (row, key) -> text, the highest revision number wins. The key "" is the record itself, with
value `deleted` or `added`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from douane.staging.parts import Rows

RECORD = ""  # the key that stands for the record itself
DELETED, ADDED = "deleted", "added"

Cells = Mapping[int, Mapping[str, str | None]]  # row -> key -> text (None = the cell is absent)


def overlay(frame: pl.DataFrame, rows: Rows, cells: Cells, positions: Mapping[str, int]) -> pl.DataFrame:
    """The frame with the changed cells in place; `positions` says which `c` column a key is. A changed cell is text,
    whatever kind the file's cell had."""
    changed: dict[str, dict[int, str | None]] = {}
    for at, row in enumerate(rows):
        for key, text in cells.get(int(row), {}).items():
            if key != RECORD and key in positions:
                changed.setdefault(f"c{positions[key]}", {})[at] = text
    if not changed:
        return frame
    columns: list[pl.Series] = []
    for name, values in changed.items():
        old: list[str | None] = frame[name].to_list() if name in frame.columns else [None] * len(frame)
        for at, text in values.items():
            old[at] = text
        columns.append(pl.Series(name, old, dtype=pl.String))
        kind = "k" + name[1:]
        if kind in frame.columns:
            kinds = frame[kind].to_numpy().copy()
            kinds[list(values)] = 0
            columns.append(pl.Series(kind, kinds, dtype=pl.UInt8))
    return frame.with_columns(columns)


def added_frame(rows: Sequence[int], cells: Cells, positions: Mapping[str, int]) -> pl.DataFrame:
    """A frame of rows that people added, ascending by row number in `_row`; they have no line in any file (0)."""
    numbers = np.array(sorted(rows), np.int64)
    base = pl.DataFrame(
        {
            "_row": numbers,
            "_line": np.zeros(len(numbers), np.uint32),
            "_flags": np.zeros(len(numbers), np.uint8),
        }
    )
    return overlay(base, numbers, cells, positions)
