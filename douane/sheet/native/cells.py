"""The cells of binary workbooks by the kernel, straight from their records (`cells.c`, and `cells_8.c` for old ones).

It gives up what is damaged, not plain or not in the order of rows and columns, for `sheet/formats/xlsb.py` and `xls.py`
to take apart; tests hold the two together.
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


class _Block(ctypes.Structure):
    _fields_ = (
        ("table", _POINTER),
        ("shortest", _POINTER),
        ("starts", _POINTER),
        ("lengths", _POINTER),
        ("kinds", _POINTER),
        ("classes", _POINTER),
        ("stop", _U64),
        ("turns", _U64),
        ("odd", _U64),
    )


class Records8(NamedTuple):
    """Whole records of BIFF2 to 8: as in `biff.Block`, and where the first one begins that is not whole. `turns`: how
    many begin or end a sheet; `odd`: how many are too short, or laid out as in BIFF2, or may be."""

    starts: npt.NDArray[np.int64]
    kinds: npt.NDArray[np.uint16]
    classes: npt.NDArray[np.uint8]
    lengths: npt.NDArray[np.int64]
    stop: int
    turns: int
    odd: int


class Room8:
    """Room for the records of one block after the other: what was found of one is there until the next is asked for."""

    def __init__(self) -> None:
        self._arrays = _room_8(0)

    def arrays(self, records: int) -> _Room:
        if len(self._arrays[0]) < records:
            self._arrays = _room_8(records)
        return self._arrays


_Room = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.uint16], npt.NDArray[np.uint8]]


def _room_8(records: int) -> _Room:
    return (
        np.empty(records, np.int64),
        np.empty(records, np.int64),
        np.empty(records, np.uint16),
        np.empty(records, np.uint8),
    )


def records_8(
    kernel: Kernel, data: bytes, table: npt.NDArray[np.uint8], shortest: npt.NDArray[np.int64], room: Room8
) -> Records8:
    """`table`: the class of each kind, one of 16; `shortest`: how long a record of each class must be."""
    starts, lengths, kinds, classes = arrays = room.arrays(len(data) // 4 + 1)
    out = _Block(*(array.ctypes.data for array in (table, shortest, *arrays)))
    count = _declared(kernel.library).douane_block_8(data, len(data), ctypes.byref(out))
    return Records8(starts[:count], kinds[:count], classes[:count], lengths[:count], out.stop, out.turns, out.odd)


class _Cells8(ctypes.Structure):
    _fields_ = (
        ("records", _U64),
        ("starts", _POINTER),
        ("lengths", _POINTER),
        ("classes", _POINTER),
        ("first_row", ctypes.c_int64),
        ("end_row", ctypes.c_int64),
        ("room", _U64),
        ("row", _POINTER),
        ("column", _POINTER),
        ("type", _POINTER),
        ("style", _POINTER),
        ("value", _POINTER),
        ("cells", _U64),
    )


class Plain8(NamedTuple):
    """As `xls._Found`."""

    row: npt.NDArray[np.int64]
    column: npt.NDArray[np.int64]
    type: npt.NDArray[np.uint8]
    style: npt.NDArray[np.int32]
    value: npt.NDArray[np.float64]


Records = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.uint8]]


def cells_8(kernel: Kernel, data: bytes, records: Records, room: int, rows: tuple[int, int]) -> Plain8 | None:
    """The cells of these records (where they begin, how long their bodies are, their classes) that stand in `rows`, in
    file order; None where one is not plain, or there are more than `room`."""
    starts, lengths, classes = (np.ascontiguousarray(one) for one in records)
    row, column, style = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.int32)
    types, value = np.empty(room, np.uint8), np.empty(room)
    held = (one.ctypes.data for one in (row, column, types, style, value))
    of = (one.ctypes.data for one in (starts, lengths, classes))
    out = _Cells8(len(starts), *of, *rows, room, *held)
    if _declared(kernel.library).douane_cells_8(data, len(data), ctypes.byref(out)):
        return None
    count = out.cells
    return Plain8(row[:count], column[:count], types[:count], style[:count], value[:count])


class _Scan8(ctypes.Structure):
    _fields_ = (
        ("records", _U64),
        ("starts", _POINTER),
        ("lengths", _POINTER),
        ("classes", _POINTER),
        ("last", ctypes.c_int64),
        ("ordered", _U64),
        ("bytes_of_row", _POINTER),
        ("hidden", _POINTER),
    )


def scan_8(
    kernel: Kernel,
    data: bytes,
    records: Records,
    last: int,
    bytes_of_row: npt.NDArray[np.int64],
    hidden: npt.NDArray[np.bool_],
) -> tuple[bool, int]:
    """(whether no cell stands in a row above the one before, the last one's row). `last`: the row of the cell before
    these. Learns which rows are hidden, and adds what the cells of each row take; both have a place for every row."""
    starts, lengths, classes = (np.ascontiguousarray(one) for one in records)
    of = (one.ctypes.data for one in (starts, lengths, classes))
    out = _Scan8(len(starts), *of, last, 1, bytes_of_row.ctypes.data, hidden.ctypes.data)
    if _declared(kernel.library).douane_scan_8(data, len(data), ctypes.byref(out)):
        raise ValueError("a record is too short")
    return bool(out.ordered), int(out.last)


class _Rows(ctypes.Structure):
    _fields_ = (
        ("cells", _U64),
        ("room", _U64),
        ("row", _POINTER),
        ("column", _POINTER),
        ("place", _POINTER),
        ("columns", _POINTER),
        ("lines", _POINTER),
        ("rows", _U64),
    )


class InRows(NamedTuple):
    """Per row its number from 1; per cell its row's place and its column."""

    lines: npt.NDArray[np.uint32]
    row: npt.NDArray[np.uint32]
    column: npt.NDArray[np.uint32]


def in_rows(kernel: Kernel, row: npt.NDArray[np.int64], column: npt.NDArray[np.int64]) -> InRows | None:
    """None where the cells are not in the order of rows and columns, each place once."""
    row, column = np.ascontiguousarray(row), np.ascontiguousarray(column)
    count = len(row)
    room = max(0, min(count, int(row[-1]) - int(row[0]) + 1)) if count else 0
    place, columns, lines = np.empty(count, np.uint32), np.empty(count, np.uint32), np.empty(room, np.uint32)
    out = _Rows(count, room, *(one.ctypes.data for one in (row, column, place, columns, lines)))
    if _declared(kernel.library).douane_in_rows(ctypes.byref(out)):
        return None
    return InRows(lines[: out.rows], place, columns)


def _declared(library: Any) -> Any:
    if library.douane_cells_12.argtypes is None:
        library.douane_in_rows.restype = ctypes.c_int
        library.douane_in_rows.argtypes = (_POINTER,)
        library.douane_block_8.restype = _U64
        library.douane_block_8.argtypes = (ctypes.c_char_p, _U64, _POINTER)
        library.douane_cells_8.restype = library.douane_scan_8.restype = ctypes.c_int
        library.douane_cells_8.argtypes = library.douane_scan_8.argtypes = (ctypes.c_char_p, _U64, _POINTER)
        library.douane_cells_12.restype = ctypes.c_int
        library.douane_cells_12.argtypes = (ctypes.c_char_p, _U64, _POINTER)
    return library
