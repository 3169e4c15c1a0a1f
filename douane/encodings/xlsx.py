"""A workbook of one sheet for spreadsheet programs, by expressions over whole columns (`douane/workbook.py`).

The file is written whole before the first byte leaves, so that a table the form cannot hold is refused in a sentence.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import polars as pl

from douane import workbook
from douane.encodings.contract import Table
from douane.encodings.whole import sent_whole
from douane.errors import BadRequest
from douane.workbook import COLUMNS_MAX, MEDIA_TYPE, OTHERWISE, ROWS_MAX, Book, Sheet

__all__ = ["MEDIA_TYPE", "encode"]


def encode(table: Table, folder: Path, out: BinaryIO) -> None:
    def write(file: BinaryIO) -> None:
        with Book(file) as book, book.sheet("rows") as sheet:
            _write_sheet(table, sheet)

    sent_whole(write, folder, out)


def _write_sheet(table: Table, sheet: Sheet) -> None:
    rows = 0
    for number, frame in enumerate(table.cells()):
        if number == 0:
            sheet.row(0, _heading(frame.columns))
        rows += len(frame)
        if rows > ROWS_MAX:
            raise BadRequest(f"A workbook holds at most {ROWS_MAX:,} rows, and these are more: {OTHERWISE}.")
        if len(frame):
            workbook.refuse_long(frame)
            sheet.write(workbook.lines(frame, rows - len(frame) + 2, table.numbers))


def _heading(names: list[str]) -> list[str]:
    if len(names) > COLUMNS_MAX:
        raise BadRequest(f"A workbook holds at most {COLUMNS_MAX:,} columns, and these are {len(names):,}.")
    workbook.refuse_long(pl.DataFrame({"heading": names}))
    return [workbook.cell(0, at, name) for at, name in enumerate(names)]
