"""Our cells of the shared corpus against those of two peers, value by value, hidden and merged ones too: xlrd reads old
workbooks, pyxlsb binary ones. Formats are left aside: what they make of a value is ours to judge."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyxlsb
import xlrd

from douane.errors import DouaneError
from douane.sheet.formats import Options, xls, xlsb
from douane.sheet.formats.binary_cells import BOOLEAN, ERROR, SHARED, TEXT, UNRESOLVED
from tests.sheet.formats.reading import MemorySource

ROOT = Path(__file__).parents[3]
EXCEL = Path(os.environ.get("DOUANE_SHARED") or ROOT.parent / "shared") / "corpus" / "excel"

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not EXCEL.exists() and not os.environ.get("CI"), reason="the shared corpus is not here"),
]

Cells = dict[tuple[int, int], Any]


def ours(member: Any, data: bytes, sheet: str) -> Cells | None:
    """(row, column) from 0 -> text, number, truth or ("error", code); None where the sheet is empty."""
    try:
        reader = member.open(MemorySource(data), Options(sheet=sheet))
    except DouaneError as error:
        if error.code != "file_empty":
            raise
        return None
    shared = reader.book.shared
    found: Cells = {}
    for cells, _ in reader._runs():
        numbers = np.unique(cells.value[cells.type == SHARED]).astype(np.int64)
        texts = dict(zip(numbers.tolist(), shared.take(numbers).to_list(), strict=True)) if len(numbers) else {}
        for row, column, kind, value in zip(cells.row, cells.column, cells.type, cells.value.tolist(), strict=True):
            place = int(cells.lines[row]) - 1, int(column)
            if kind == SHARED:
                found[place] = texts[int(value)]
            elif kind == TEXT:
                found[place] = cells.texts[int(value)]
            elif kind == ERROR:
                found[place] = "error", int(value)
            elif kind != UNRESOLVED:
                found[place] = bool(value) if kind == BOOLEAN else value
    return {place: value for place, value in found.items() if value != ""}


def of_xlrd(book: xlrd.Book, name: str) -> Cells:
    sheet = book.sheet_by_name(name)
    found: Cells = {}
    for row in range(sheet.nrows):
        for column, cell in enumerate(sheet.row(row)):
            if cell.ctype == xlrd.XL_CELL_BOOLEAN:
                found[row, column] = bool(cell.value)
            elif cell.ctype == xlrd.XL_CELL_ERROR:
                found[row, column] = "error", cell.value
            elif cell.ctype not in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK) and cell.value != "":
                found[row, column] = cell.value
    return found


def of_pyxlsb(data: bytes, name: str) -> Cells:
    found: Cells = {}
    with pyxlsb.open_workbook(io.BytesIO(data)) as book, book.get_sheet(name) as sheet:
        for row in sheet.rows():
            for cell in row:
                if isinstance(cell.v, str) and cell.v.startswith("0x") and len(cell.v) <= 4:
                    found[cell.r, cell.c] = "error", int(cell.v, 16)
                elif cell.v is not None and cell.v != "":
                    found[cell.r, cell.c] = cell.v
    return found


def files(ending: str) -> Iterator[tuple[Path, bytes]]:
    for path in sorted(EXCEL.rglob(f"*{ending}")):
        yield path, path.read_bytes()


def test_old_workbooks_read_as_xlrd_reads_them() -> None:
    count = 0
    for path, data in files(".xls"):
        try:
            names = xls.sheet_names(MemorySource(data))
            book = xlrd.open_workbook(file_contents=data, logfile=io.StringIO(), ragged_rows=True)
        except Exception:  # xlrd raises whatever it meets; what we refuse is `test_excel_corpus.py`'s
            continue
        for name in names:
            if name not in book.sheet_names():
                continue
            mine, theirs = ours(xls, data, name) or {}, of_xlrd(book, name)
            assert mine == theirs, (path, name)
            count += len(mine)
    assert count > 6000


def test_binary_workbooks_read_as_pyxlsb_reads_them() -> None:
    count = 0
    for path, data in files(".xlsb"):
        if path.name == "issue_419.xlsb":
            continue  # its parts have names in another case, so that pyxlsb finds no shared texts
        try:
            names = xlsb.sheet_names(MemorySource(data))
        except DouaneError:
            continue
        for name in names:
            mine, theirs = ours(xlsb, data, name) or {}, of_pyxlsb(data, name)
            assert mine == theirs, (path, name)
            count += len(mine)
    assert count > 2000
