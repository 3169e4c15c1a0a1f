"""Revisions laid over parts: what people changed, seen through; nothing staged is ever overwritten.

A small revision is cells: (row, key) -> text, the highest revision number wins. The key "" is the record itself, with
value `deleted` or `added`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.staging.parts import Rows

RECORD = ""  # the key that stands for the record itself
DELETED, ADDED = "deleted", "added"

Cells = Mapping[int, Mapping[str, str | None]]  # row -> key -> text (None = the cell is absent)


def overlay(frame: pl.DataFrame, rows: Rows, cells: Cells, positions: Mapping[str, int]) -> pl.DataFrame:
    """The frame with the changed cells in place; `positions` says which `c` column a key is. A changed cell is text,
    whatever kind the file's cell had. Costs what was changed, not what the frame holds."""
    if not cells:
        return frame
    changed: dict[str, dict[int, str | None]] = {}
    for at in touched(rows, cells):
        for key, text in cells[int(rows[at])].items():
            if key != RECORD and key in positions:
                changed.setdefault(f"c{positions[key]}", {})[int(at)] = text
    columns: list[pl.Series] = []
    for name, values in changed.items():
        old = frame[name] if name in frame.columns else pl.Series(name, [None] * len(frame), dtype=pl.String)
        at, texts = list(values), pl.Series(list(values.values()), dtype=pl.String)
        columns.append(old.scatter(at, texts))
        kind = "k" + name[1:]
        if kind in frame.columns:
            columns.append(frame[kind].scatter(at, 0))
    return frame.with_columns(columns) if columns else frame


def touched(rows: Rows, cells: Cells) -> Rows:
    """Where in `rows` those stand that a revision touches."""
    if len(cells) < len(rows):
        return np.flatnonzero(np.isin(rows, np.fromiter(cells, np.int64, len(cells))))
    return np.flatnonzero([int(row) in cells for row in rows])


def deleted_rows(rows: Rows, cells: Cells) -> npt.NDArray[np.bool_]:
    """Per row whether it was deleted."""
    gone = np.zeros(len(rows), np.bool_)
    for at in touched(rows, cells):
        gone[at] = cells[int(rows[at])].get(RECORD) == DELETED
    return gone


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
