"""The cells of binary workbooks by the kernel (`cells.c`), straight from their records. It gives up what is damaged or
not in the order of rows and columns, for `sheet/formats/xlsb.py` to take apart; tests hold the two together.
"""

from __future__ import annotations

import ctypes
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from douane.sheet.native import Kernel

_POINTER = ctypes.c_void_p
_U64 = ctypes.c_uint64
_ROW_BYTES, _CELL_BYTES = 6, 7  # of the shortest row and the shortest cell that holds something


class _Cells(ctypes.Structure):
    _fields_ = (
        ("rows_room", _U64),
        ("cells_room", _U64),
        ("last", ctypes.c_int64),
        ("begun", _U64),
        ("ended", _U64),
        ("lines", _POINTER),
        ("hidden", _POINTER),
        ("row", _POINTER),
        ("column", _POINTER),
        ("type", _POINTER),
        ("style", _POINTER),
        ("value", _POINTER),
        ("begins", _POINTER),
        ("ends", _POINTER),
        ("rows", _U64),
        ("cells", _U64),
        ("texts", _U64),
        ("stop", _U64),
    )


class Found(NamedTuple):
    """`lines` to `value` as in `binary_cells.Cells`. `begins`, `ends`: where each of the cells' own texts stands, with
    its length before it. `last`: the last row that was whole; `begun`, `ended`: whether the cells have begun, and
    whether they have ended; `stop`: where what is left begins."""

    lines: npt.NDArray[np.uint32]
    hidden: npt.NDArray[np.bool_]
    row: npt.NDArray[np.uint32]
    column: npt.NDArray[np.uint32]
    type: npt.NDArray[np.uint8]
    style: npt.NDArray[np.int32]
    value: npt.NDArray[np.float64]
    begins: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    last: int
    begun: bool
    ended: bool
    stop: int


def cells_12(kernel: Kernel, data: bytes, last: int, *, begun: bool) -> Found | None:
    """The cells of the whole rows at the beginning of `data`, which are behind row `last` (from 0) of a sheet whose
    cells have begun before, or not."""
    rows_room, cells_room = len(data) // _ROW_BYTES + 1, len(data) // _CELL_BYTES + 1
    lines, hidden = np.empty(rows_room, np.uint32), np.empty(rows_room, np.bool_)
    row, column = np.empty(cells_room, np.uint32), np.empty(cells_room, np.uint32)
    types, style, value = np.empty(cells_room, np.uint8), np.empty(cells_room, np.int32), np.empty(cells_room)
    begins, ends = np.empty(cells_room, np.int64), np.empty(cells_room, np.int64)
    arrays = (lines, hidden, row, column, types, style, value, begins, ends)
    out = _Cells(rows_room, cells_room, last, begun, 0, *(array.ctypes.data for array in arrays))
    if _declared(kernel.library).douane_cells_12(data, len(data), ctypes.byref(out)):
        return None
    # Copies: the room is many times as large.
    count = out.cells
    return Found(
        lines[: out.rows].copy(),
        hidden[: out.rows].copy(),
        row[:count].copy(),
        column[:count].copy(),
        types[:count].copy(),
        style[:count].copy(),
        value[:count].copy(),
        begins[: out.texts].copy(),
        ends[: out.texts].copy(),
        out.last,
        bool(out.begun),
        bool(out.ended),
        out.stop,
    )


def _declared(library: Any) -> Any:
    if library.douane_cells_12.argtypes is None:
        library.douane_cells_12.restype = ctypes.c_int
        library.douane_cells_12.argtypes = (ctypes.c_char_p, _U64, _POINTER)
    return library
