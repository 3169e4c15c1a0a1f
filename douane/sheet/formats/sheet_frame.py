"""Cells in long form -> the frame of a batch. Shared by the readers of workbooks, whatever the file's format.

Empty cells are no cells: trailing ones are absent (null), those before the last value of their record are "". So a
record of a workbook is never FLAG_SHORT.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.errors import BadFile, OverLimit
from douane.sheet.formats import FLAG_OVERLONG, KIND_TEXT, Limits

RECORDS_SAMPLED = 1000  # the width is theirs
PIECE_ROWS = 32_768
_SPARSE_FROM = 1024


@dataclass(frozen=True, slots=True)
class Values:
    """The cells of a run of whole rows with their final texts. Per row: `lines` uint32, `hidden` bool. Per cell, in
    file order: `row` uint32 (position in `lines`), `column` uint32 (hidden columns not counted), `text` String, `kind`
    uint8. No text is empty."""

    lines: npt.NDArray[np.uint32]
    hidden: npt.NDArray[np.bool_]
    row: npt.NDArray[np.uint32]
    column: npt.NDArray[np.uint32]
    text: pl.Series
    kind: npt.NDArray[np.uint8]


def chosen_sheet(names: tuple[str, ...], offered: tuple[str, ...], wanted: str | int | None) -> str:
    """The name of the sheet to read. `wanted` is a name, a number from 0 among the offered ones, or None for the first.
    BadFile `sheet_unknown`."""
    if wanted is None:
        if not offered:
            raise BadFile("The workbook has no sheet with cells.", code="sheet_unknown")
        return offered[0]
    if isinstance(wanted, int):
        if 0 <= wanted < len(offered):
            return offered[wanted]
    elif wanted in names:
        return wanted
    else:
        alike = [n for n in offered if n.strip().casefold() == wanted.strip().casefold()]
        if len(alike) == 1:
            return alike[0]
    listed = ", ".join(f"“{n}”" for n in offered[:10]) or "none"
    raise BadFile(f"The workbook has no sheet “{wanted}”. Its sheets are: {listed}.", code="sheet_unknown")


def without(values: Values, drop: npt.NDArray[np.bool_]) -> Values:
    """The same rows without some of their cells."""
    if not drop.any():
        return values
    keep = ~drop
    return Values(
        values.lines,
        values.hidden,
        values.row[keep],
        values.column[keep],
        values.text.filter(keep),
        values.kind[keep],
    )


def extents(values: Values) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Per row of `lines`: (1 + its last cell's column, how many cells it has); 0 where it has none or is hidden."""
    count = np.bincount(values.row, minlength=len(values.lines)).astype(np.int64)
    extent = np.zeros(len(values.lines), np.int64)
    np.maximum.at(extent, values.row, values.column.astype(np.int64) + 1)
    count[values.hidden] = extent[values.hidden] = 0
    return extent, count


def width_of(extent: npt.NDArray[np.int64], count: npt.NDArray[np.int64]) -> int:
    """The width of a frame from a sample's rows: the widest, but for far cells standing alone. A single cell in column
    XFD would make every batch 16,384 columns wide; such a cell is surplus instead."""
    ordinary = extent[(extent <= _SPARSE_FROM) | (count * 16 >= extent)]
    return max(1, int(ordinary.max(initial=0)))


def frame_of(values: Values, width: int, line: int, limits: Limits) -> tuple[pl.DataFrame, int]:
    """(the batch's frame, blank rows left out). `line` is the number of the row before the first one. Rows that the
    sheet passes over are blank; hidden ones are left out and counted with them."""
    if len(values.column) and int(values.column.max()) >= limits.columns:
        raise OverLimit(f"A cell stands beyond column {limits.columns:,}.", setting="columns")
    values, overlong = _within(values, limits)
    extent, _ = extents(values)
    kept = np.flatnonzero(extent)
    steps = np.diff(values.lines.astype(np.int64), prepend=line)
    blank = int(np.maximum(steps - 1, 0).sum()) + len(values.lines) - len(kept)
    place = np.zeros(len(values.lines), np.int64)
    place[kept] = np.arange(len(kept))
    shown = extent[values.row] > 0
    surplus = shown & (values.column >= width)
    inside = np.flatnonzero(shown & ~surplus)
    empty, absent = len(values.text), len(values.text) + 1
    # Where each cell of the frame is to be found among the values; the last two stand for "" and null.
    source = np.full((width, len(kept)), empty, np.uint32)
    source[np.arange(width)[:, None] >= extent[kept][None, :]] = absent
    source[values.column[inside], place[values.row[inside]]] = inside
    texts = pl.concat([values.text, pl.Series(["", None], dtype=pl.String)])
    kinds = np.append(values.kind, np.array([KIND_TEXT, KIND_TEXT], np.uint8))
    columns = [texts.gather(source[i]).alias(f"c{i}") for i in range(width)]
    columns += [pl.Series(f"k{i}", kinds[source[i]]) for i in range(width)]
    columns.append(pl.Series("_line", values.lines[kept], dtype=pl.UInt32))
    columns.append(pl.Series("_flags", np.where(overlong[kept], FLAG_OVERLONG, 0).astype(np.uint8)))
    if surplus.any():
        extra: list[list[str]] = [[] for _ in kept]
        for at in np.flatnonzero(surplus):
            extra[place[values.row[at]]].append(values.text[int(at)])
        lists = [json.dumps(e, ensure_ascii=False) if e else None for e in extra]
        columns.append(pl.Series("_extra", lists, dtype=pl.String))
    return pl.DataFrame(columns), blank


def _within(values: Values, limits: Limits) -> tuple[Values, npt.NDArray[np.bool_]]:
    """Cells cut to the cell limit, records to the record limit; and which rows that happened to."""
    rows = np.zeros(len(values.lines), np.bool_)
    size = values.text.str.len_bytes().to_numpy().astype(np.int64)
    long = np.flatnonzero(size > limits.cell_bytes)
    text = values.text
    if len(long):
        cut = [text[int(i)].encode()[: limits.cell_bytes].decode(errors="ignore") for i in long]
        text = text.clone().scatter(long, cut)
        size[long] = limits.cell_bytes
        rows[values.row[long]] = True
    values = Values(values.lines, values.hidden, values.row, values.column, text, values.kind)
    total = np.bincount(values.row, weights=size, minlength=len(rows))
    heavy = np.flatnonzero(total > limits.record_bytes)
    if not len(heavy):
        return values, rows
    drop = np.zeros(len(values.row), np.bool_)
    for row in heavy:
        cells = np.flatnonzero(values.row == row)
        drop[cells[np.cumsum(size[cells]) > limits.record_bytes]] = True
    rows[heavy] = True
    return without(values, drop), rows
