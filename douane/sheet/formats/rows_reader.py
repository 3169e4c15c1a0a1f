"""The reader of formats that are read row by row from the top, such as tables of web pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from douane.sheet.formats import Detected, First, Options, Piece, Position
from douane.sheet.formats.number_formats import NumberFormat
from douane.sheet.formats.sheet_frame import (
    RECORDS_SAMPLED,
    Row,
    RowsPiece,
    hidden_notes,
    merged_ranges,
    row_runs,
    sample_of,
    shown_cells,
    values_of,
)

# A row, and how many bytes of the file are used with it.
Rows = Callable[[], Iterator[tuple[Row, int]]]


class RowsReader:
    """`rows` begins anew each time it is called and gives the same rows. `named`: what is known of the table without
    them; how wide it is, they tell. `hidden_columns`: ranges from 0 up to and not with the end."""

    def __init__(
        self,
        rows: Rows,
        options: Options,
        size: int,
        named: Detected,
        *,
        formats: Sequence[NumberFormat] = (),
        hidden_columns: Sequence[tuple[int, int]] = (),
    ) -> None:
        self._source, self._options, self._size, self._formats = rows, options, size, formats
        self._hidden = () if options.hidden else merged_ranges(hidden_columns)
        self._done = 0
        runs = row_runs(self._rows(), 1 << 24, RECORDS_SAMPLED)
        sample = sample_of((values_of(run, formats) for run in runs), named.sheet or named.format)
        self.first: First | None = sample.first
        notes = (*hidden_notes(self._hidden, options.limits.columns), *named.notes)
        self.detected = replace(named, width=sample.width, notes=notes)

    def _rows(self) -> Iterator[Row]:
        for row, done in self._source():
            self._done = done
            cells = shown_cells(row.cells, self._hidden)
            hidden = row.hidden and not self._options.hidden
            yield Row(row.line, hidden, cells, row.under, row.unresolved)

    def pieces(self, start: Position = Position()) -> Iterator[Piece]:
        line = 0
        limits, width = self._options.limits, self.detected.width
        for number, rows in enumerate(row_runs(self._rows(), self._options.piece_bytes)):
            after = Position(number + 1, 0, rows[-1].line + 1)
            if number >= start.piece:
                done = min(self._done, self._size)
                yield RowsPiece(number, rows, line, width, limits, after, done, self._formats)
            line = rows[-1].line
