"""The XML of workbooks by the kernel (`sheet.c`): cells of a sheet, and shared texts.

It reads what is of ordinary shape, as the common writers make it, and gives up a block of any other, for
`sheet/formats/sheet_xml.py` to read, into the same `Cells`; tests hold the two together.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.sheet.native import ArrowTable, Kernel
from douane.values import dataclass

_U32 = ctypes.c_uint32
_U64 = ctypes.c_uint64
_POINTER = ctypes.c_void_p
# The shortest row, cell that holds something, and shared text; the shortest formula without a result is longer.
_ROW_BYTES, _CELL_BYTES, _TEXT_BYTES = len("<row/>"), len("<c><f/></c>"), len("<si><t/></si>")


class _Sheet(ctypes.Structure):
    _fields_ = (
        ("rows_room", _U64),
        ("cells_room", _U64),
        ("line", _U32),
        ("escapes", _U32),
        ("lines", _POINTER),
        ("hidden", _POINTER),
        ("row", _POINTER),
        ("column", _POINTER),
        ("type", _POINTER),
        ("style", _POINTER),
        ("unresolved", _POINTER),
        ("rows", _U64),
        ("cells", _U64),
        ("unresolveds", _U64),
    )


class _Texts(ctypes.Structure):
    _fields_ = (("room", _U64), ("texts", _U64), ("escapes", _U32))


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of a run of whole rows, in file order.

    Per row: `lines` uint32, the sheet's row number; `hidden` bool. Per cell that has a value: `row` uint32, position in
    `lines`, ascending; `column` uint32 from 0; `type` uint8, an index into `sheet_xml.TYPES`; `style` int32, the
    position among the workbook's cell formats; `text` String, unescaped. `unresolved` uint32, ascending: the rows'
    positions of the formulas that have no stored result, one for each.
    """

    lines: npt.NDArray[np.uint32]
    hidden: npt.NDArray[np.bool_]
    row: npt.NDArray[np.uint32]
    column: npt.NDArray[np.uint32]
    type: npt.NDArray[np.uint8]
    style: npt.NDArray[np.int32]
    text: pl.Series
    unresolved: npt.NDArray[np.uint32]


def cells(kernel: Kernel, block: bytes, prefix: str, line: int) -> tuple[Cells, bool] | None:
    """The cells of a block of whole rows behind row `line`, their texts as they stand, and whether one holds `_x`, as
    some characters are spelt; None where it is not of ordinary shape."""
    rows_room, cells_room = len(block) // _ROW_BYTES + 1, len(block) // _CELL_BYTES + 1
    lines, hidden = np.empty(rows_room, np.uint32), np.empty(rows_room, np.bool_)
    row, column, unresolved = (np.empty(cells_room, np.uint32) for _ in range(3))
    types, style = np.empty(cells_room, np.uint8), np.empty(cells_room, np.int32)
    arrays = (lines, hidden, row, column, types, style, unresolved)
    out = _Sheet(rows_room, cells_room, line, 0, *(array.ctypes.data for array in arrays))
    text = _texts_of(_declared(kernel.library).douane_sheet_cells, block, prefix, out)
    if text is None:
        return None
    # Copies: the room is many times as large.
    count = out.cells
    found = Cells(
        lines[: out.rows].copy(),
        hidden[: out.rows].copy(),
        row[:count].copy(),
        column[:count].copy(),
        types[:count].copy(),
        style[:count].copy(),
        text,
        unresolved[: out.unresolveds].copy(),
    )
    return found, bool(out.escapes)


def texts(kernel: Kernel, block: bytes, prefix: str) -> tuple[pl.Series, bool] | None:
    """The texts of a block of whole `<si>`, and whether one holds `_x`; None where it is not of ordinary shape."""
    out = _Texts(len(block) // _TEXT_BYTES + 1)
    found = _texts_of(_declared(kernel.library).douane_sheet_texts, block, prefix, out)
    return None if found is None else (found, bool(out.escapes))


def marked(kernel: Kernel, text: bytearray) -> bool:
    """Whether a comment, CDATA or an instruction may begin in it."""
    held = (ctypes.c_char * len(text)).from_buffer(text)
    return bool(_declared(kernel.library).douane_sheet_marked(held, len(text)))


def _texts_of(read: Any, block: bytes, prefix: str, out: ctypes.Structure) -> pl.Series | None:
    table, before = ArrowTable(), prefix.encode()
    failed = read(
        block,
        len(block),
        before,
        len(before),
        ctypes.byref(out),
        ctypes.byref(table.array),
        ctypes.byref(table.schema),
    )
    return None if failed else pl.DataFrame(table)["c0"].alias("")


def _declared(library: Any) -> Any:
    if library.douane_sheet_marked.argtypes is None:
        for read in (library.douane_sheet_cells, library.douane_sheet_texts):
            read.restype = ctypes.c_int
            read.argtypes = (ctypes.c_char_p, _U64, ctypes.c_char_p, _U64, _POINTER, _POINTER, _POINTER)
        library.douane_sheet_marked.restype = ctypes.c_int
        library.douane_sheet_marked.argtypes = (_POINTER, _U64)
    return library
