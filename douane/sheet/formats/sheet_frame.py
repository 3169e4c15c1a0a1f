"""Cells in long form -> the frame of a batch. Shared by the readers of workbooks, whatever the file's format.

Empty cells are no cells: trailing ones are absent (null), those before the last value of their record are "". So a
record of a workbook is never FLAG_SHORT.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.errors import BadFile, OverLimit
from douane.model.reading import Note
from douane.sheet import native
from douane.sheet.formats import FLAG_OVERLONG, KIND_NUMBER, KIND_TEXT, Batch, First, Limits, Position
from douane.sheet.formats.cell_text import formatted_texts, number_texts
from douane.sheet.formats.facts import HIDDEN_ROWS, NO_RESULT, UNDER_MERGED, fact
from douane.sheet.formats.number_formats import NumberFormat
from douane.sheet.native import frames as native_frames
from douane.sheet.noticed import note
from douane.values import dataclass

RECORDS_SAMPLED = 1000  # the width is theirs
RECORDS_JUDGED, COLUMNS_JUDGED = 500, 16_384  # the heading record is found among these
PIECE_ROWS = 20_480
CELL_BYTES = 17  # what a cell of a frame takes beside its text
_ROW_BYTES = 64
_SPARSE_FROM = 1024
FORMATTED = 16  # from this kind on, a cell is a number under one of its reader's number formats


@dataclass(frozen=True, slots=True)
class Values:
    """The cells of a run of whole rows with their final texts. Per row: `lines` uint32, `hidden` bool. Per cell, in
    file order: `row` uint32 (position in `lines`), `column` uint32 (hidden columns not counted), `at` uint32 (which of
    `texts` it has), `kind` uint8; none has an empty text, and none of `texts` is null. `under`: the lines of cells left
    out because they lie under merged ones; `unresolved`: those of formulas without a stored result."""

    lines: npt.NDArray[np.uint32]
    hidden: npt.NDArray[np.bool_]
    row: npt.NDArray[np.uint32]
    column: npt.NDArray[np.uint32]
    at: npt.NDArray[np.uint32]
    kind: npt.NDArray[np.uint8]
    texts: pl.Series
    under: npt.NDArray[np.uint32] = field(default_factory=lambda: np.zeros(0, np.uint32))
    unresolved: npt.NDArray[np.uint32] = field(default_factory=lambda: np.zeros(0, np.uint32))


class Pool:
    """Texts of so many cells as they are found, some at a time. `at`, `kind`: as in `Values`."""

    def __init__(self, cells: int) -> None:
        self.at, self.kind = np.zeros(cells, np.uint32), np.zeros(cells, np.uint8)
        self._texts: list[pl.Series] = []
        self._count = 0

    def add(self, cells: npt.NDArray[np.int64], texts: pl.Series, kind: npt.NDArray[np.uint8] | int) -> None:
        """The text of each of these cells."""
        self.add_some(cells, [texts], np.arange(len(texts)), kind)

    def add_some(
        self,
        cells: npt.NDArray[np.int64],
        texts: list[pl.Series],
        places: npt.NDArray[np.int64],
        kind: npt.NDArray[np.uint8] | int,
    ) -> None:
        """`places`: where among these texts that of each of these cells is."""
        self.at[cells] = self._count + places
        self.kind[cells] = kind
        self._texts += texts
        self._count += sum(map(len, texts))

    def texts(self) -> pl.Series:
        return pl.concat([*self._texts, pl.Series([], dtype=pl.String)])


def chosen_sheet(names: tuple[str, ...], offered: tuple[str, ...], wanted: str | int | None) -> str:
    """The name of the sheet to read. `wanted` is a name, a number from 0 among the offered ones (a sheet whose name is
    that number goes first), or None for the first. BadFile `sheet_unknown`."""
    if wanted is None:
        if not offered:
            raise BadFile("The workbook has no sheet with cells.", code="sheet_unknown")
        return offered[0]
    if isinstance(wanted, int):
        if str(wanted) in names:
            return str(wanted)
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


@dataclass(frozen=True, slots=True)
class Row:
    """One row as a reader that goes cell by cell gives it. `cells`: (column, text, kind); numbers in any spelling. A
    kind of FORMATTED + n is a number under the reader's number format n. `under`, `unresolved`: how many cells lie
    under merged ones, how many formulas have no result."""

    line: int
    hidden: bool
    cells: list[tuple[int, str, int]]
    under: int = 0
    unresolved: int = 0


def values_of(rows: list[Row], formats: Sequence[NumberFormat] = (), *, from_1904: bool = False) -> Values:
    """Rows in long form, numbers brought to their shortest text or to what their number format makes of them."""
    cells = [(i, *cell) for i, row in enumerate(rows) for cell in row.cells if cell[1]]
    at, column, texts, kinds = zip(*cells, strict=True) if cells else ((), (), (), ())
    text, kind = pl.Series(texts, dtype=pl.String), np.array(kinds, np.uint8)
    numbers = np.flatnonzero(kind == KIND_NUMBER)
    if len(numbers):
        shortest, kind[numbers] = number_texts(text.gather(numbers))
        text = text.scatter(numbers, shortest)
    for number, form in enumerate(formats):
        at_form = np.flatnonzero(kind == FORMATTED + number)
        shown, kind[at_form] = formatted_texts(text.gather(at_form), form, from_1904=from_1904)
        text = text.scatter(at_form, shown)
    lines = np.array([row.line for row in rows], np.uint32)
    hidden = np.array([row.hidden for row in rows], np.bool_)
    under = np.repeat(lines, [row.under for row in rows])
    unresolved = np.repeat(lines, [row.unresolved for row in rows])
    place = np.arange(len(text), dtype=np.uint32)
    columns = np.array(at, np.uint32), np.array(column, np.uint32), place, kind
    return Values(lines, hidden, *columns, text, under, unresolved)


def row_runs(rows: Iterable[Row], bytes_max: int, rows_max: int = PIECE_ROWS) -> Iterator[list[Row]]:
    """Rows in runs of at most `rows_max` rows and about `bytes_max` of texts and cells."""
    run: list[Row] = []
    size = 0
    for row in rows:
        here = _ROW_BYTES + sum(CELL_BYTES + len(text) for _, text, _ in row.cells)
        if run and (len(run) >= rows_max or size + here > bytes_max):
            yield run
            run, size = [], 0
        run.append(row)
        size += here
    if run:
        yield run


@dataclass(frozen=True, slots=True)
class RowsPiece:
    """A run of rows; `line` is the number of the row before it."""

    number: int
    rows: list[Row]
    line: int
    width: int
    limits: Limits
    next: Position
    bytes_done: int
    formats: Sequence[NumberFormat] = ()

    def parse(self) -> Batch:
        values = values_of(self.rows, self.formats)
        return batch_of(values, self.width, self.line, self.limits, self.next, self.bytes_done)


@dataclass(frozen=True, slots=True)
class Sample:
    """What the first records of a sheet tell; `first`: they themselves, for the heading record to be judged by."""

    width: int
    first: First


def sample_of(runs: Iterable[Values], name: str) -> Sample:
    """From the first 1,000 records of sheet `name`. BadFile `file_empty` when it has none."""
    extent, count = np.zeros(0, np.int64), np.zeros(0, np.int64)
    hidden = False
    rows: list[list[str]] = []
    lines: list[int] = []
    for values in runs:
        here, counts = extents(values)
        hidden = hidden or bool(values.hidden.any())
        _add_records(values, here, rows, lines)
        extent, count = np.append(extent, here[here > 0]), np.append(count, counts[here > 0])
        if len(extent) >= RECORDS_SAMPLED:
            break
    if not len(extent):
        if hidden:
            reason = "has hidden rows only, which are left out. Show them (or clear the filter) and save it again."
            raise BadFile(f"The sheet “{name}” {reason}", code="file_empty")
        raise BadFile(f"The sheet “{name}” is empty.", code="file_empty")
    return Sample(width_of(extent[:RECORDS_SAMPLED], count[:RECORDS_SAMPLED]), First(rows, lines))


def _add_records(values: Values, extent: npt.NDArray[np.int64], rows: list[list[str]], lines: list[int]) -> None:
    """The texts of further records, as long as there are few; the cells of a giant are not all wanted."""
    numbers = np.flatnonzero(extent)[: RECORDS_JUDGED - len(rows)]
    if not len(numbers):
        return
    place = {int(number): len(rows) + at for at, number in enumerate(numbers)}
    rows.extend([""] * min(int(extent[number]), COLUMNS_JUDGED) for number in numbers)
    lines.extend(int(values.lines[number]) for number in numbers)
    chosen = np.flatnonzero((values.row <= numbers[-1]) & (values.column < COLUMNS_JUDGED))
    texts = values.texts.gather(values.at[chosen])
    for row, column, text in zip(values.row[chosen].tolist(), values.column[chosen].tolist(), texts, strict=True):
        if (at := place.get(row)) is not None:
            rows[at][column] = text


def shown_cells(cells: list[tuple[int, str, int]], hidden: Sequence[tuple[int, int]]) -> list[tuple[int, str, int]]:
    """A row's cells without those of hidden columns, which do not count. `hidden`: ranges that do not overlap."""
    if not hidden:
        return cells
    shown = []
    for column, text, kind in cells:
        if not any(first <= column < end for first, end in hidden):
            shown.append((column - sum(end - first for first, end in hidden if end <= column), text, kind))
    return shown


def merged_ranges(ranges: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Ranges in order, those that touch made one, so that no column counts twice."""
    merged: list[tuple[int, int]] = []
    for first, end in sorted(r for r in ranges if r[1] > r[0]):
        if merged and first <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((first, end))
    return tuple(merged)


def hidden_notes(ranges: tuple[tuple[int, int], ...], columns_max: int) -> tuple[Note, ...]:
    """What a person is told about hidden columns, given as ranges (first, end)."""
    columns = sum(max(0, min(end, columns_max) - first) for first, end in ranges)
    return (note("hidden_columns", count=columns),) if columns else ()


def check_handed_out(size: int, source_size: int, limits: Limits) -> None:
    """A shared text stands in the file once and is handed out each time it is used: that counts like unpacking. `size`:
    bytes of text so far. OverLimit `unpacked_bytes`, `unpacked_ratio`."""
    if size > limits.unpacked_bytes:
        longest = f"{limits.unpacked_bytes:,} bytes"
        raise OverLimit(f"The texts of the sheet are longer than {longest}.", setting="unpacked_bytes")
    if size > max(limits.unpacked_free_bytes, limits.unpacked_ratio * source_size):
        raise OverLimit("Texts used many times make the sheet much longer than its file.", setting="unpacked_ratio")


def without(values: Values, drop: npt.NDArray[np.bool_]) -> Values:
    """The same rows without some of their cells."""
    if not drop.any():
        return values
    keep = ~drop
    row, column, at, kind = values.row[keep], values.column[keep], values.at[keep], values.kind[keep]
    return replace(values, row=row, column=column, at=at, kind=kind)


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


def batch_of(values: Values, width: int, line: int, limits: Limits, next: Position, bytes_done: int) -> Batch:
    """The batch of these rows. `line` is the number of the row before the first one. Rows that the sheet passes over
    are blank; hidden ones that hold something are left out and are a fact."""
    if len(values.column) and int(values.column.max()) >= limits.columns:
        raise OverLimit(f"A cell stands beyond column {limits.columns:,}.", setting="columns")
    values, size, overlong = _within(values, limits)
    extent, _ = extents(values)
    kept = np.flatnonzero(extent)
    steps = np.diff(values.lines.astype(np.int64), prepend=line)
    hidden = np.flatnonzero(values.hidden & (np.bincount(values.row, minlength=len(values.lines)) > 0))
    blank = int(np.maximum(steps - 1, 0).sum()) + len(values.lines) - len(kept) - len(hidden)
    place = np.zeros(len(values.lines), np.int64)
    place[kept] = np.arange(len(kept))
    shown = extent[values.row] > 0
    surplus = shown & (values.column >= width)
    inside = shown & ~surplus
    cells = place[values.row], values.column, values.at, values.kind
    if not inside.all():
        cells = cells[0][inside], cells[1][inside], cells[2][inside], cells[3][inside]
    frame = _frame(values.texts, cells, extent[kept], width, int(size[inside].sum()))
    columns = frame.get_columns()
    columns.append(pl.Series("_line", values.lines[kept], dtype=pl.UInt32))
    columns.append(pl.Series("_flags", np.where(overlong[kept], FLAG_OVERLONG, 0).astype(np.uint8)))
    if surplus.any():
        extra: list[list[str]] = [[] for _ in kept]
        for at in np.flatnonzero(surplus):
            extra[place[values.row[at]]].append(values.texts[int(values.at[at])])
        lists = [json.dumps(e, ensure_ascii=False) if e else None for e in extra]
        columns.append(pl.Series("_extra", lists, dtype=pl.String))
    facts = (
        *fact(HIDDEN_ROWS, values.lines[hidden].tolist()),
        *fact(UNDER_MERGED, _distinct(values.under), len(values.under)),
        *fact(NO_RESULT, _distinct(values.unresolved), len(values.unresolved)),
    )
    return Batch(pl.DataFrame(columns), blank, next, bytes_done, facts)


def batch_of_frame(
    frame: pl.DataFrame,
    kinds: npt.NDArray[np.uint8],
    lines: npt.NDArray[np.uint32],
    unresolved: npt.NDArray[np.uint32],
    line: int,
    next: Position,
    bytes_done: int,
) -> Batch:
    """The batch of rows that all hold something and are shown, as columns already. `unresolved`: as in `Values`."""
    columns = [*frame.get_columns(), *(pl.Series(f"k{i}", kinds[i]) for i in range(len(kinds)))]
    columns.append(pl.Series("_line", lines, dtype=pl.UInt32))
    columns.append(pl.Series("_flags", np.zeros(len(lines), np.uint8)))
    blank = int(np.maximum(np.diff(lines.astype(np.int64), prepend=line) - 1, 0).sum())
    facts = fact(NO_RESULT, _distinct(unresolved), len(unresolved))
    return Batch(pl.DataFrame(columns), blank, next, bytes_done, facts)


def _distinct(lines: npt.NDArray[np.uint32]) -> list[int]:
    """In order. `np.unique` loads all of numpy's masked arrays, which costs more than a small file."""
    ordered = np.sort(lines)
    distinct: list[int] = ordered[np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]].tolist()
    return distinct


_Cells = tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[np.uint8]]


def _frame(texts: pl.Series, cells: _Cells, extent: npt.NDArray[np.int64], width: int, size_bytes: int) -> pl.DataFrame:
    """The frame of c0 ..., k0 ... of rows that have so many cells each. `cells`: their rows, columns, which of `texts`
    they have, and kinds; of two for one place the later one stays. `size_bytes`: of all their texts."""
    kernel = native.kernel()
    if kernel is not None and len(extent):
        found = native_frames.columns(kernel, texts, cells, extent, width, size_bytes)
        if found is not None:
            frame, kinds = found
            return frame.with_columns(pl.Series(f"k{i}", kinds[i]) for i in range(width))
    return _gathered(texts, cells, extent, width)


def _gathered(texts: pl.Series, cells: _Cells, extent: npt.NDArray[np.int64], width: int) -> pl.DataFrame:
    row, column, at, kind = cells
    # Where each cell of the frame is to be found among the texts; the last two stand for "" and null.
    source = np.full((width, len(extent)), len(texts), np.uint32)
    source[np.arange(width)[:, None] >= extent[None, :]] = len(texts) + 1
    source[column, row] = at
    kinds = np.full((width, len(extent)), KIND_TEXT, np.uint8)
    kinds[column, row] = kind
    every = pl.concat([texts, pl.Series(["", None], dtype=pl.String)], rechunk=True)
    columns = [every.gather(source[i]).alias(f"c{i}") for i in range(width)]
    return pl.DataFrame([*columns, *(pl.Series(f"k{i}", kinds[i]) for i in range(width))])


def sizes_of(values: Values) -> npt.NDArray[np.int64]:
    """How many bytes each cell's text has."""
    sizes: npt.NDArray[np.int64] = values.texts.str.len_bytes().to_numpy()[values.at].astype(np.int64)
    return sizes


def _within(values: Values, limits: Limits) -> tuple[Values, npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Cells cut to the cell limit, records to the record limit; how many bytes each cell has; and which rows that
    happened to."""
    rows = np.zeros(len(values.lines), np.bool_)
    size = sizes_of(values)
    long = np.flatnonzero(size > limits.cell_bytes)
    if len(long):
        cut = [
            values.texts[int(i)].encode()[: limits.cell_bytes].decode(errors="ignore") for i in values.at[long].tolist()
        ]
        at = values.at.copy()
        at[long] = len(values.texts) + np.arange(len(long))
        values = replace(values, at=at, texts=pl.concat([values.texts, pl.Series(cut, dtype=pl.String)]))
        size[long] = limits.cell_bytes
        rows[values.row[long]] = True
    total = np.bincount(values.row, weights=size, minlength=len(rows))
    heavy = np.flatnonzero(total > limits.record_bytes)
    if not len(heavy):
        return values, size, rows
    drop = np.zeros(len(values.row), np.bool_)
    for row in heavy:
        cells = np.flatnonzero(values.row == row)
        drop[cells[np.cumsum(size[cells]) > limits.record_bytes]] = True
    rows[heavy] = True
    return without(values, drop), size[~drop], rows
