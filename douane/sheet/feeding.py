"""The accepted rows of an import as a feed has them: what they are delivered with, and beside it where they come from.

Each row is `_upload` (the import's id), `_row` (its index there) and what `delivering` makes of it. A row that was
forgotten leaves its place: `_upload`, `_row` and `_forgotten`, true, and nothing else. The same rows give the same
bytes, in whatever process: all of it is a function of the import's own frozen schema, forms, texts and revisions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import chain
from typing import Any

import msgspec
import polars as pl

from douane.model.template import Column, Template
from douane.sheet.delivering import Delivery
from douane.sheet.output import Leaving, Output, csv_blocks
from douane.sheet.report import free_name

UPLOAD, ROW, FORGOTTEN = "_upload", "_row", "_forgotten"
RECORD = "_record"  # holds what is delivered, where that is no object
# What the frames bring along.
ROW_NUMBER, IS_FORGOTTEN = "\0row", "\0forgotten"
_UUID = "<<uuid>>"  # the one default that is another for each row


def with_places(frame: pl.DataFrame, rows: pl.Series, forgotten: pl.Series) -> pl.DataFrame:
    """The frame of some rows with their indexes and which of them were forgotten."""
    return frame.with_columns(rows.alias(ROW_NUMBER), forgotten.alias(IS_FORGOTTEN))


class Fed:
    """Rows of one import as a table for `encodings` (its `contract.Table`). `frames` gives them anew each time, each
    `with_places`. Typed columns have the fields; the form that a template gives its records is one of JSON. `exact`:
    the number columns that leave as doubles, the others are text; in JSON numbers are exact anyway."""

    numbers: frozenset[str] = frozenset()

    def __init__(
        self,
        output: Output,
        template: Template,
        operation_id: str,
        frames: Callable[[], Iterator[pl.DataFrame]],
        *,
        record_format: Any = None,
        only: Sequence[str] | None = None,
        exact: Collection[str] = (),
    ) -> None:
        """`record_format` as `Delivery` takes it; `only`: the keys of the fields that leave, None: all."""
        self._output, self._operation_id, self._frames = output, operation_id, frames
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

    def frames(self) -> Iterator[pl.DataFrame]:
        upload, row, forgotten = self._names
        empty = with_places(self._output.empty(), pl.Series([], dtype=pl.Int64), pl.Series([], dtype=pl.Boolean))
        for frame in chain([empty], self._frames()):
            absent = {key: self._texts(column, frame) for key, column in self._defaults.items()}
            table = self._output.table(frame, self._exact, absent)
            if frame[IS_FORGOTTEN].any():
                table = table.select(pl.when(~pl.lit(frame[IS_FORGOTTEN])).then(pl.all()))
            before = [
                pl.repeat(self._operation_id, len(frame), dtype=pl.String, eager=True).alias(upload),
                frame[ROW_NUMBER].alias(row),
                frame[IS_FORGOTTEN].alias(forgotten),
            ]
            yield pl.DataFrame([*before, *table.get_columns()])

    def texts(self) -> Iterator[pl.DataFrame]:
        return self.frames()

    def cells(self) -> Iterator[pl.DataFrame]:
        return self.frames()

    def delimited(self) -> Iterator[bytes]:
        return csv_blocks(self.texts())

    def records(self) -> Iterator[bytes]:
        return map(self._lines if self._formatted is None else self._lines_in_form, self._frames())

    def _lines(self, frame: pl.DataFrame) -> bytes:
        upload, row, forgotten = self._names
        lead: dict[str, str | pl.Series] = {upload: self._operation_id, row: frame[ROW_NUMBER]}
        gone = frame[IS_FORGOTTEN]
        instead = (gone, f",{_json(forgotten)}:true") if gone.any() else None
        absent: dict[str, pl.Series] = {}
        for key, column in self._defaults.items():
            values = [None if one is _NOTHING else _json(one) for one in self._values(column, frame)]
            absent[key] = pl.Series(values, dtype=pl.String)
        return self._output.ndjson(frame, Leaving(lead, absent, self._only, instead))

    def _lines_in_form(self, frame: pl.DataFrame) -> bytes:
        assert self._formatted is not None
        upload, row, forgotten = self._names
        lines = []
        places = zip(frame[ROW_NUMBER].to_list(), frame[IS_FORGOTTEN].to_list(), strict=True)
        for (number, gone), record in zip(places, self._output.records(frame), strict=True):
            line = {upload: self._operation_id, row: number}
            if gone:
                lines.append({**line, forgotten: True})
                continue
            made = self._formatted.of(record, number)
            lines.append({**line, **made} if isinstance(made, dict) else {**line, RECORD: made})
        return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)

    def _values(self, column: Column, frame: pl.DataFrame) -> list[Any]:
        """What is delivered of a row that has no field of the column, `_NOTHING` where that is nothing: for each row
        where it differs, else one for all."""
        rows = frame[ROW_NUMBER].to_list() if column.default == _UUID else [0]
        return [self._plain.of({}, row).get(column.key, _NOTHING) for row in rows]

    def _texts(self, column: Column, frame: pl.DataFrame) -> pl.Series:
        """The same as stored text, row by row."""
        texts = pl.Series([_text(one, column.delimiter) for one in self._values(column, frame)], dtype=pl.String)
        if column.default != _UUID:
            texts = texts.new_from_index(0, len(frame))
        return texts


_NOTHING = object()


def exact_default(column: Column) -> bool:
    """Whether a double holds what stands for an absent cell of a number column."""
    value = column.default
    if isinstance(value, str):
        return value in ("<<null>>", "<<undefined>>")
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool) and float(value) == value)


def _text(value: Any, delimiter: str) -> str | None:
    if value is _NOTHING or value is None:
        return None
    if isinstance(value, list):
        return delimiter.join(map(str, value))
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
