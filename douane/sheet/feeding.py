"""The accepted rows of an import as a feed has them: what they are delivered with, and beside it where they come from.

Each row is `_upload` (the import's id), `_row` (its index there) and what `delivering` makes of it. A row that was
forgotten leaves its place: `_upload`, `_row` and `_forgotten`, true, and nothing else. The same rows give the same
bytes, in whatever process: all of it is a function of the import's own frozen schema, forms, texts and revisions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from copy import copy
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from douane.model.template import Column, Template
from douane.sheet.delivering import Delivery
from douane.sheet.native.lines import Rows
from douane.sheet.output import Leaving, Output, Some, csv_blocks
from douane.sheet.report import free_name

UPLOAD, ROW, FORGOTTEN = "_upload", "_row", "_forgotten"
RECORD = "_record"  # holds what is delivered, where that is no object
_UUID = "<<uuid>>"  # the one default that is another for each row


class Placed(NamedTuple):
    """Some rows: those of `some`, their indexes in the import, and which of them were forgotten, if any were."""

    some: Some
    indexes: Rows
    forgotten: npt.NDArray[np.bool_] | None = None

    @property
    def gone(self) -> npt.NDArray[np.bool_]:
        """Which were forgotten."""
        return np.zeros(len(self.indexes), np.bool_) if self.forgotten is None else self.forgotten


def placed(some: Some, indexes: Rows, forgotten: npt.NDArray[np.bool_]) -> Placed:
    return Placed(some, indexes, forgotten if forgotten.any() else None)


def in_pages(pieces: Iterable[Placed], rows: int) -> Iterator[Sequence[Placed]]:
    """The same rows, so many in all pieces of a page but the last."""
    held: list[Placed] = []
    left = rows
    for piece in pieces:
        start, count = 0, len(piece.indexes)
        while start < count:
            taken = min(left, count - start)
            held.append(_cut(piece, start, start + taken))
            start, left = start + taken, left - taken
            if not left:
                yield held
                held, left = [], rows
    if held:
        yield held


def _cut(piece: Placed, start: int, stop: int) -> Placed:
    """Looks at no more of a frame than the rows stand in."""
    (frame, at), indexes, _ = piece
    if at is None:
        some = Some(frame[start:stop])
    else:
        at = at[start:stop]
        first = int(at[0])
        some = Some(frame[first : int(at[-1]) + 1], at - first)
    return placed(some, indexes[start:stop], piece.gone[start:stop])


def _joined(pieces: Sequence[Placed]) -> Placed:
    if len(pieces) == 1:
        return pieces[0]
    frame = pl.concat([one.some.rows() for one in pieces], how="diagonal", rechunk=True)
    indexes, gone = (np.concatenate(each) for each in zip(*((one.indexes, one.gone) for one in pieces), strict=True))
    return placed(Some(frame), indexes, gone)


class Fed:
    """Rows of one import as a table for `encodings` (its `contract.Table`). `pieces` gives them anew each time.
    Typed columns have the fields; the form that a template gives its records is one of JSON. `exact`:
    the number columns that leave as doubles, the others are text; in JSON numbers are exact anyway."""

    numbers: frozenset[str] = frozenset()
    _joins = False

    def __init__(
        self,
        output: Output,
        template: Template,
        operation_id: str,
        pieces: Callable[[], Iterator[Placed]],
        *,
        record_format: Any = None,
        only: Sequence[str] | None = None,
        exact: Collection[str] = (),
    ) -> None:
        """`record_format` as `Delivery` takes it; `only`: the keys of the fields that leave, None: all."""
        self._output, self._operation_id, self._pieces = output, operation_id, pieces
        self._only, self._exact = only, frozenset(exact)
        self._defaults = {column.key: column for column in template.columns if column.default is not None}
        self._plain = Delivery(template, operation_id, lists=output.lists)
        self._formatted = None
        if record_format is not None:
            self._formatted = Delivery(
                template, operation_id, fields=output.fields, record_format=record_format, lists=output.lists
            )
        taken = set(output.fields) | (set(record_format) if isinstance(record_format, dict) else set())
        self._names = [free_name(name, taken) for name in (UPLOAD, ROW, FORGOTTEN)]
        self._empty: list[pl.DataFrame] = []  # the frame without rows, once one was made

    def page(self, pieces: Sequence[Placed]) -> Fed:
        """The same of the rows of a page alone. They are one frame, wherever parts end; lines are made of each piece by
        itself, for to join them costs as much as to write them."""
        other = copy(self)
        other._pieces = lambda: iter(pieces)
        other._joins = True
        return other

    def frames(self) -> Iterator[pl.DataFrame]:
        if not self._empty:
            nothing = Placed(Some(self._output.empty()), np.zeros(0, np.int64))
            self._empty += self._frames([nothing])
        yield self._empty[0]
        yield from self._frames([_joined(list(self._pieces()))] if self._joins else self._pieces())

    def _frames(self, pieces: Iterable[Placed]) -> Iterator[pl.DataFrame]:
        upload, row, forgotten = self._names
        for piece in pieces:
            frame = piece.some.rows()
            absent = {key: self._texts(column, piece.indexes) for key, column in self._defaults.items()}
            table = self._output.table(frame, self._exact, absent)
            if piece.forgotten is not None:
                table = table.select(pl.when(pl.Series(~piece.forgotten)).then(pl.all()))
            before = [
                pl.repeat(self._operation_id, len(frame), dtype=pl.String, eager=True).alias(upload),
                pl.Series(row, piece.indexes),
                pl.Series(forgotten, piece.gone),
            ]
            yield pl.DataFrame([*before, *map(_in_one_way, table.get_columns())]).rechunk()

    def texts(self) -> Iterator[pl.DataFrame]:
        return self.frames()

    def cells(self) -> Iterator[pl.DataFrame]:
        return self.frames()

    def delimited(self) -> Iterator[bytes]:
        return csv_blocks(self.texts())

    def records(self) -> Iterator[bytes | memoryview]:
        for piece in self._pieces():
            if self._formatted is None:
                yield from self._lines(piece)
            else:
                yield self._lines_in_form(piece)

    def _lines(self, piece: Placed) -> Iterator[bytes | memoryview]:
        upload, row, forgotten = self._names
        some, indexes, gone = piece
        differs = gone is not None or any(column.default == _UUID for column in self._defaults.values())
        frame, rows = (some.rows(), None) if differs else some
        instead = None if gone is None else (pl.Series(gone), f",{_json(forgotten)}:true")
        absent: dict[str, pl.Series] = {}
        for key, column in self._defaults.items():
            values = [None if one is _NOTHING else _json(one) for one in self._values(column, indexes)]
            absent[key] = pl.Series(values, dtype=pl.String)
        lead: dict[str, str | Rows] = {upload: self._operation_id, row: indexes}
        return self._output.ndjson_blocks(frame, Leaving(lead, absent, self._only, instead), rows)

    def _lines_in_form(self, piece: Placed) -> bytes:
        assert self._formatted is not None
        upload, row, forgotten = self._names
        lines = []
        numbers, gone = piece.indexes.tolist(), piece.gone.tolist()
        for number, is_gone, record in zip(numbers, gone, self._output.records(piece.some.rows()), strict=True):
            line = {upload: self._operation_id, row: number}
            if is_gone:
                lines.append({**line, forgotten: True})
                continue
            made = self._formatted.of(record, number)
            lines.append({**line, **made} if isinstance(made, dict) else {**line, RECORD: made})
        return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)

    def _values(self, column: Column, indexes: Rows) -> list[Any]:
        """What is delivered of a row that has no field of the column, `_NOTHING` where that is nothing: for each row
        where it differs, else one for all."""
        rows = indexes.tolist() if column.default == _UUID else [0]
        return [self._plain.of({}, row).get(column.key, _NOTHING) for row in rows]

    def _texts(self, column: Column, indexes: Rows) -> pl.Series:
        """The same as stored text, row by row."""
        texts = pl.Series([_text(one, column.delimiter) for one in self._values(column, indexes)], dtype=pl.String)
        if column.default != _UUID:
            texts = texts.new_from_index(0, len(indexes))
        return texts


_NOTHING = object()
_FILLED: dict[Any, Any] = {pl.String: "", pl.Float64: 0.0}


def exact_default(column: Column) -> bool:
    """Whether a double holds what stands for an absent cell of a number column."""
    value = column.default
    if isinstance(value, str):
        return value in ("<<null>>", "<<undefined>>")
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and float(value) == value)


def _in_one_way(column: pl.Series) -> pl.Series:
    """The same, however it was made: of what is absent Arrow's files show what was there before, and whether somebody
    asked for it."""
    absent = column.null_count()
    if not absent:
        return column.slice(0, len(column))  # which forgets that something might have been absent
    nothing = pl.Series(column.name, [None], dtype=column.dtype).new_from_index(0, len(column))
    if absent == len(column):
        return nothing
    if column.dtype not in _FILLED:
        return pl.Series(column.name, column.to_list(), dtype=column.dtype)
    return column.fill_null(_FILLED[column.dtype]).zip_with(column.is_not_null(), nothing)


def _text(value: Any, delimiter: str) -> str | None:
    if value is _NOTHING or value is None:
        return None
    if isinstance(value, list):
        return delimiter.join(map(str, value))
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
