"""Cells of binary workbooks in long form, and the reader that makes pieces of them. Shared by `xls.py` and `xlsb.py`.

The records of both kinds of file hold the same few values: doubles, numbers of shared texts, texts, truths, errors.
What differs, how records are found and laid out, is theirs; what a value becomes is decided here, by `cell_text.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field, replace

import numpy as np
import numpy.typing as npt
import polars as pl
from msgspec import structs

from douane.sheet import native
from douane.sheet.formats import (
    KIND_BOOLEAN,
    KIND_ERROR,
    KIND_TEXT,
    Batch,
    Detected,
    First,
    Limits,
    Options,
    Piece,
    Position,
    Source,
)
from douane.sheet.formats.cell_text import formatted_floats
from douane.sheet.formats.merged_cells import Ranges, covered, spans
from douane.sheet.formats.number_formats import DATE, DATETIME, TIME, NumberFormat
from douane.sheet.formats.number_formats import NUMBER as PLAIN
from douane.sheet.formats.shared_texts import SharedTexts
from douane.sheet.formats.sheet_frame import (
    CELL_BYTES,
    PIECE_ROWS,
    RECORDS_SAMPLED,
    Pool,
    Values,
    batch_of,
    batch_of_frame,
    check_handed_out,
    hidden_notes,
    sample_of,
    without,
)
from douane.sheet.native import cells as native_cells
from douane.sheet.native import frames
from douane.values import dataclass

NUMBER, SHARED, TEXT, BOOLEAN, ERROR, UNRESOLVED = range(6)

_MOMENTS = (DATE, DATETIME, TIME)  # those that the kernel can write
_NUMBER_BYTES = 8  # the text of one, more or less
_LONG_FORM_BYTES = 24  # what a cell takes before it stands in a frame

ERRORS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}
_OTHER_ERROR = "#N/A"
_BAD_REFERENCE = "#REF!"


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of a run of rows, in the order of rows and columns.

    Per row: `lines` uint32, the sheet's row number from 1; `hidden` bool. Per cell that has a value: `row` uint32,
    position in `lines`; `column` uint32 from 0; `type` uint8, NUMBER ... UNRESOLVED (a formula without a stored
    result, which is told of and shows nothing); `style` int32, the position among the workbook's cell formats; `value`
    float64: the number, the number of the shared text, the position in `texts`, the truth or the code of the error.
    """

    lines: npt.NDArray[np.uint32]
    hidden: npt.NDArray[np.bool_]
    row: npt.NDArray[np.uint32]
    column: npt.NDArray[np.uint32]
    type: npt.NDArray[np.uint8]
    style: npt.NDArray[np.int32]
    value: npt.NDArray[np.float64]
    texts: list[str]

    def rows(self, first: int, end: int) -> Cells:
        """Rows `first` up to and not with `end`."""
        a, b = np.searchsorted(self.row, (first, end))
        rows, at = slice(first, end), slice(int(a), int(b))
        row = self.row[at] - np.uint32(first)
        columns = self.column[at], self.type[at], self.style[at], self.value[at]
        return Cells(self.lines[rows], self.hidden[rows], row, *columns, self.texts)

    def some(self, cells: npt.NDArray[np.uint32]) -> Cells:
        """The same rows with these cells alone."""
        held = self.row[cells], self.column[cells], self.type[cells], self.style[cells], self.value[cells]
        return Cells(self.lines, self.hidden, *held, self.texts)


@dataclass(frozen=True, slots=True)
class Book:
    """What the cells of every sheet refer to. `formats`: per cell format its number format."""

    formats: tuple[NumberFormat, ...]
    shared: SharedTexts
    from_1904: bool


@dataclass(frozen=True, slots=True)
class SheetFacts:
    """What a sheet says beside its cells. `hidden_columns` as ranges from 0 up to and not with the end; `merged`:
    int64, a row per range: first row, last row, first column, last column, all from 0, in order."""

    hidden_columns: tuple[tuple[int, int], ...] = ()
    merged: Ranges = field(default_factory=lambda: np.zeros((0, 4), np.int64))


def rk_numbers(packed: npt.NDArray[np.uint32]) -> npt.NDArray[np.float64]:
    """Numbers of 30 bits: the upper part of a double or an integer, either of them as it is or times a hundred."""
    packed = packed.astype(np.uint32)
    upper = (packed & np.uint32(0xFFFFFFFC)).astype(np.uint64) << np.uint64(32)
    number = np.where(packed & 2, packed.view(np.int32) >> 2, upper.view(np.float64))
    return np.where(packed & 1, number / 100, number)


def joined(runs: list[Cells]) -> Cells:
    if len(runs) == 1:
        return runs[0]
    rows = np.cumsum([0, *(len(r.lines) for r in runs[:-1])]).astype(np.uint32)
    texts: list[str] = []
    values = []
    for run in runs:
        values.append(np.where(run.type == TEXT, run.value + len(texts), run.value))
        texts += run.texts
    return Cells(
        np.concatenate([r.lines for r in runs]),
        np.concatenate([r.hidden for r in runs]),
        np.concatenate([r.row + o for r, o in zip(runs, rows, strict=True)]),
        np.concatenate([r.column for r in runs]),
        np.concatenate([r.type for r in runs]),
        np.concatenate([r.style for r in runs]),
        np.concatenate(values),
        texts,
    )


def in_rows(
    row: npt.NDArray[np.int64],
    column: npt.NDArray[np.int64],
    type: npt.NDArray[np.uint8],
    style: npt.NDArray[np.int32],
    value: npt.NDArray[np.float64],
    texts: list[str],
    hidden: npt.NDArray[np.bool_],
) -> Cells:
    """Cells in file order, `row` from 0, brought into the order of rows and columns; of two for one place the later
    one. `hidden`: per row of the sheet."""
    kernel = native.kernel()
    if kernel is not None and (placed := native_cells.in_rows(kernel, row, column)) is not None:
        lines = placed.lines
        return Cells(lines, hidden[lines - np.uint32(1)], placed.row, placed.column, type, style, value, texts)
    key = row << 20 | column
    if len(key) and not (key[1:] > key[:-1]).all():
        order = np.argsort(key, kind="stable")
        key = key[order]
        last = np.append(key[1:] != key[:-1], True)
        order = order[last]
        row, column, type, style, value = row[order], column[order], type[order], style[order], value[order]
    new = np.append(True, row[1:] != row[:-1]) if len(row) else np.zeros(0, np.bool_)
    rows = row[new]
    place = (np.cumsum(new) - 1).astype(np.uint32)
    lines = (rows + 1).astype(np.uint32)
    return Cells(lines, hidden[rows], place, column.astype(np.uint32), type, style, value, texts)


def values_of(cells: Cells, book: Book, facts: SheetFacts) -> Values:
    """Cells with their final texts and kinds; hidden columns, empty texts and what merged cells cover left out."""
    pool = Pool(len(cells.row))
    add = pool.add

    # One number for the way a cell is read: its number format if it is a number, else its type.
    others = sorted(set(book.formats) - {NumberFormat()})
    ways = [NumberFormat(), *others]
    way_of_style = np.array([ways.index(f) for f in book.formats] + [0], np.int64)
    style = np.where((cells.style >= 0) & (cells.style < len(book.formats)), cells.style, len(book.formats))
    way = np.where(cells.type == NUMBER, way_of_style[style], len(ways) + cells.type)
    for this_way in np.flatnonzero(np.bincount(way, minlength=0)):
        at = np.flatnonzero(way == this_way)
        value = cells.value[at] if len(at) < len(way) else cells.value
        if this_way < len(ways):
            add(at, *formatted_floats(pl.Series(value), ways[this_way], from_1904=book.from_1904))
            continue
        match this_way - len(ways):
            case t if t == SHARED:
                number = value.astype(np.int64)
                good = book.shared.known(number)
                if good.any():
                    pool.add_some(at[good], *book.shared.among(number[good]), KIND_TEXT)
                if not good.all():
                    add(at[~good], pl.Series([_BAD_REFERENCE] * int((~good).sum()), dtype=pl.String), KIND_ERROR)
            case t if t == TEXT:
                held = [cells.texts[i] for i in value.astype(np.int64).tolist()]
                add(at, pl.Series(held, dtype=pl.String), KIND_TEXT)
            case t if t == BOOLEAN:
                truths = ["TRUE" if v else "FALSE" for v in value.tolist()]
                add(at, pl.Series(truths, dtype=pl.String), KIND_BOOLEAN)
            case t if t == UNRESOLVED:
                add(at, pl.Series([""] * len(at), dtype=pl.String), KIND_TEXT)
            case _:
                codes = [ERRORS.get(int(v), _OTHER_ERROR) for v in value.tolist()]
                add(at, pl.Series(codes, dtype=pl.String), KIND_ERROR)
    column = cells.column.astype(np.int64)
    texts = pool.texts()
    drop = texts.str.len_bytes().to_numpy()[pool.at] == 0
    for first, end in facts.hidden_columns:
        drop |= (cells.column >= first) & (cells.column < end)
        column -= np.clip(cells.column.astype(np.int64) - first, 0, end - first)
    under = covered(cells.lines, cells.row, cells.column, facts.merged)
    under_lines = cells.lines[cells.row[under & ~drop]]
    unresolved = cells.lines[cells.row[(cells.type == UNRESOLVED) & ~under]]
    shown = column.astype(np.uint32)
    values = Values(cells.lines, cells.hidden, cells.row, shown, pool.at, pool.kind, texts, under_lines, unresolved)
    return without(values, drop | under)


Runs = Callable[[], Iterator[tuple[Cells, int]]]


class BinaryReader:
    """One sheet. `runs` gives its rows from the top, in order: (cells, bytes of the source used so far). `named`: what
    is known of the sheet without them; how wide it is, they tell."""

    def __init__(
        self, source: Source, options: Options, named: Detected, book: Book, facts: SheetFacts, runs: Runs
    ) -> None:
        self.limits: Limits = options.limits
        if options.hidden:
            facts, runs = replace(facts, hidden_columns=()), _all_shown(runs)
        self.book, self.facts = book, facts
        self.hidden_columns = facts.hidden_columns
        self._source_size, self._piece_bytes, self._runs = source.size, options.piece_bytes, runs
        first = (some for cells, _ in runs() for some in _in_steps(cells))
        sample = sample_of((values_of(some, book, facts) for some in first), named.sheet or named.format)
        wide = spans(facts.merged, sample.first.lines, facts.hidden_columns)
        self.first: First | None = replace(sample.first, spans=wide)
        notes = (*hidden_notes(facts.hidden_columns, options.limits.columns), *named.notes)
        self.detected = structs.replace(named, width=sample.width, notes=notes)

    def pieces(self, start: Position = Position()) -> Iterator[Piece]:
        """Pieces of at most 20,480 rows and about `piece_bytes` of texts and cells: a shared text counts each time it
        is used, for that is what its batch becomes."""
        pending: list[Cells] = []
        rows = cost = line = number = 0
        done = handed_out = 0
        for cells, done in self._runs():
            costs, shared_bytes = self._costs(cells)
            handed_out += shared_bytes
            check_handed_out(handed_out, self._source_size, self.limits)
            first = 0
            while first < len(cells.lines):
                before = int(costs[first - 1]) if first else 0
                fits = int(np.searchsorted(costs, before + self._piece_bytes - cost, side="right"))
                end = min(max(fits, first + (not rows)), first + PIECE_ROWS - rows, len(cells.lines))
                if end > first:
                    pending.append(cells.rows(first, end))
                    rows += end - first
                    cost += int(costs[end - 1]) - before
                    first = end
                if first < len(cells.lines) or rows >= PIECE_ROWS:
                    piece = self._piece(pending, number, line, done)
                    if number >= start.piece:
                        yield piece
                    pending, rows, cost, line, number = [], 0, 0, piece.next.line - 1, number + 1
        if pending and number >= start.piece:
            yield self._piece(pending, number, line, self._source_size)
        len(self.book.shared)  # to their end: a part of the file that is damaged is told of, needed or not

    def _piece(self, pending: list[Cells], number: int, line: int, done: int) -> _SheetPiece:
        after = Position(number + 1, done, int(pending[-1].lines[-1]) + 1)
        return _SheetPiece(number, pending, line, self, after, min(done, self._source_size))

    def _costs(self, cells: Cells) -> tuple[npt.NDArray[np.int64], int]:
        """(what the rows up to each will take on their way into a frame, the bytes of their shared texts)"""
        shared = np.flatnonzero(cells.type == SHARED)
        # Here the texts of these cells are read, in the order of the file: not when a piece is parsed.
        number = cells.value[shared].astype(np.int64)
        self.book.shared.known(number)
        if (kernel := native.kernel()) is not None:
            costs = _NUMBER_BYTES, _LONG_FORM_BYTES, CELL_BYTES * self.detected.width
            own_bytes = [len(text) for text in cells.texts]
            held = cells.row, cells.type, cells.value
            found = frames.row_costs(kernel, held, len(cells.lines), self.book.shared.sizes, own_bytes, costs)
            if found is not None:
                return found
        size = np.full(len(cells.row), _NUMBER_BYTES, np.int64)
        size[shared] = self.book.shared.sizes_of(number)
        shared_bytes = int(size[shared].sum())
        own = np.flatnonzero(cells.type == TEXT)
        size[own] = [len(cells.texts[i]) for i in cells.value[own].astype(np.int64).tolist()]
        size += _LONG_FORM_BYTES
        total = np.bincount(cells.row, weights=size, minlength=len(cells.lines)).astype(np.int64)
        return np.cumsum(total + CELL_BYTES * self.detected.width), shared_bytes


def _in_steps(cells: Cells) -> Iterator[Cells]:
    """A run holds many times the rows that a sample is taken of."""
    for first in range(0, len(cells.lines), RECORDS_SAMPLED):
        yield cells.rows(first, min(first + RECORDS_SAMPLED, len(cells.lines)))


def _all_shown(runs: Runs) -> Runs:
    def shown() -> Iterator[tuple[Cells, int]]:
        for cells, done in runs():
            yield replace(cells, hidden=np.zeros(len(cells.lines), np.bool_)), done

    return shown


@dataclass(frozen=True, slots=True)
class _SheetPiece:
    """A run of whole rows as cells in long form; `line` is the row before it."""

    number: int
    runs: list[Cells]
    line: int
    reader: BinaryReader
    next: Position
    bytes_done: int

    def parse(self) -> Batch:
        reader, cells = self.reader, joined(self.runs)
        kernel = native.kernel()
        batch = None if kernel is None else self._typeset(kernel, cells)
        if batch is not None:
            return batch
        values = values_of(cells, reader.book, reader.facts)
        return batch_of(values, reader.detected.width, self.line, reader.limits, self.next, self.bytes_done)

    def _typeset(self, kernel: native.Kernel, cells: Cells) -> Batch | None:
        """The same at once, of rows of which nothing is left out, cut off or beyond the width."""
        book, facts, limits = self.reader.book, self.reader.facts, self.reader.limits
        rows, width = len(cells.lines), self.reader.detected.width
        ordinary = rows and len(cells.row) and not cells.hidden.any() and not facts.hidden_columns
        if not ordinary or int(cells.column.max()) >= min(width, limits.columns) or _merges(cells.lines, facts.merged):
            return None
        number = cells.value[cells.type == SHARED].astype(np.int64)
        known = book.shared.known(number)
        texts, places = book.shared.among(number[known], copied=True)
        place = np.full(len(number), frames.NOWHERE, np.uint32)
        place[known] = places
        ways = np.array(
            [f.meaning if f.meaning in _MOMENTS else frames.LEFT * (f.meaning != PLAIN) for f in book.formats]
        )
        typed = frames.Typed(
            *(cells.row, cells.column, cells.type, cells.style, cells.value, place, ways.astype(np.uint8))
        )
        rest: list[Values] = []

        def others(left: npt.NDArray[np.uint32]) -> frames.Others:
            rest.append(values := values_of(cells.some(left), book, facts))
            return frames.Others(values.row, values.column, values.at, values.kind, values.texts)

        found = frames.typeset(
            kernel,
            pl.concat([*texts, pl.Series([], dtype=pl.String)]),
            typed,
            (rows, width),
            others,
            from_1904=book.from_1904,
            beside_bytes=4 * sum(map(len, cells.texts)),
        )
        if found is None or found.longest > limits.cell_bytes or int(found.row_bytes.max()) > limits.record_bytes:
            return None
        return batch_of_frame(
            found.frame, found.kinds, cells.lines, rest[0].unresolved, self.line, self.next, self.bytes_done
        )


def _merges(lines: npt.NDArray[np.uint32], merged: Ranges) -> bool:
    """Whether any of the ranges may lie in these rows."""
    first, last = int(lines[0]) - 1, int(lines[-1]) - 1
    return bool(((merged[:, 0] <= last) & (merged[:, 1] >= first)).any())
