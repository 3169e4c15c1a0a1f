"""Cells in long form as the columns of a frame, by the kernel (`frame.c`): with their texts, or those of binary
workbooks by their values. `sheet/formats/sheet_frame.py` and `binary_cells.py` make the same without it; tests hold
them together.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.sheet.native import ArrowTable, Kernel, pointer_of

_POINTER = ctypes.c_void_p
_U64 = ctypes.c_uint64


class _Frame(ctypes.Structure):
    _fields_ = (
        ("cells", _U64),
        ("rows", _U64),
        ("width", _U64),
        ("row", _POINTER),
        ("column", _POINTER),
        ("at", _POINTER),
        ("kind", _POINTER),
        ("extent", _POINTER),
        ("data_bytes", _U64),
        ("kinds", _POINTER),
    )


def columns(
    kernel: Kernel,
    texts: pl.Series,
    cells: tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[np.uint8]],
    extent: npt.NDArray[np.int64],
    width: int,
    data_bytes: int,
) -> tuple[pl.DataFrame, npt.NDArray[np.uint8]] | None:
    """(the frame of c0, c1 ..., the kinds by column and row). `cells`: their rows, their columns, which of `texts` each
    has, their kinds; of two for one place the later one stays. `extent`: of each row, how many of its cells are there,
    empty if nothing else; `data_bytes`: of all cells' texts. None where there is too much of it."""
    rows = len(extent)
    row, column, at = (np.ascontiguousarray(one, np.uint32) for one in cells[:3])
    kind, extent = np.ascontiguousarray(cells[3], np.uint8), np.ascontiguousarray(extent, np.int64)
    kinds = np.zeros((width, rows), np.uint8)
    held = (one.ctypes.data for one in (row, column, at, kind, extent))
    frame, table = _Frame(len(row), rows, width, *held, data_bytes, kinds.ctypes.data), ArrowTable()
    stream = texts.__arrow_c_stream__()
    failed = _declared(kernel.library).douane_frame(
        pointer_of(stream, b"arrow_array_stream"),
        ctypes.byref(frame),
        ctypes.byref(table.array),
        ctypes.byref(table.schema),
    )
    return None if failed else (pl.DataFrame(table), kinds)


class _Book(ctypes.Structure):
    _fields_ = (
        ("cells", _U64),
        ("rows", _U64),
        ("width", _U64),
        ("row", _POINTER),
        ("column", _POINTER),
        ("type", _POINTER),
        ("style", _POINTER),
        ("value", _POINTER),
        ("place", _POINTER),
        ("shared", _U64),
        ("ways", _POINTER),
        ("formats", _U64),
        ("from_1904", _U64),
        ("beside_bytes", _U64),
        ("kinds", _POINTER),
        ("extent", _POINTER),
        ("row_bytes", _POINTER),
        ("left", _POINTER),
        ("lefts", _U64),
        ("longest", _U64),
    )


NOWHERE, LEFT = 0xFFFFFFFF, 0xFF


class Typed(NamedTuple):
    """Cells as `binary_cells.Cells` has them. `place`: of the shared texts in turn, which of the texts it is, or
    NOWHERE. `ways`: of each cell format 0 for plain numbers, DATE, DATETIME, TIME, or LEFT."""

    row: npt.NDArray[np.uint32]
    column: npt.NDArray[np.uint32]
    type: npt.NDArray[np.uint8]
    style: npt.NDArray[np.int32]
    value: npt.NDArray[np.float64]
    place: npt.NDArray[np.uint32]
    ways: npt.NDArray[np.uint8]


class Others(NamedTuple):
    """What became of the cells that were left: as in `Values`."""

    row: npt.NDArray[np.uint32]
    column: npt.NDArray[np.uint32]
    at: npt.NDArray[np.uint32]
    kind: npt.NDArray[np.uint8]
    texts: pl.Series


class Typeset(NamedTuple):
    """The frame of c0, c1 ..., the kinds by column and row, the bytes of each row's texts and of the longest one."""

    frame: pl.DataFrame
    kinds: npt.NDArray[np.uint8]
    row_bytes: npt.NDArray[np.int64]
    longest: int


def typeset(
    kernel: Kernel,
    texts: pl.Series,
    cells: Typed,
    shape: tuple[int, int],
    others: Callable[[npt.NDArray[np.uint32]], Others],
    *,
    from_1904: bool,
    beside_bytes: int,
) -> Typeset | None:
    """`shape`: rows and width of the frame. `others`: given the positions of the cells that were left, what they are;
    their texts have at most `beside_bytes` bytes more than 32 each. None where there is too much, or a row of nothing.
    """
    rows, width = shape
    held = tuple(np.ascontiguousarray(one) for one in cells)
    kinds, left = np.zeros((width, rows), np.uint8), np.empty(len(cells.row), np.uint32)
    extent, row_bytes = np.zeros(rows, np.int64), np.zeros(rows, np.int64)
    row, column, types, style, value, place, ways = (one.ctypes.data for one in held)
    book = _Book(
        *(len(cells.row), rows, width, row, column, types, style, value, place, len(cells.place)),
        *(ways, len(cells.ways), from_1904, beside_bytes, kinds.ctypes.data, extent.ctypes.data),
        *(row_bytes.ctypes.data, left.ctypes.data),
    )
    library = _declared(kernel.library)
    stream = texts.__arrow_c_stream__()
    begun = library.douane_book_begin(pointer_of(stream, b"arrow_array_stream"), ctypes.byref(book))
    if not begun:
        return None
    rest = others(left[: book.lefts])
    lists = [np.ascontiguousarray(one, np.uint32) for one in (rest.row, rest.column, rest.at)]
    kind, table = np.ascontiguousarray(rest.kind, np.uint8), ArrowTable()
    places = (one.ctypes.data for one in lists)
    frame = _Frame(len(rest.row), rows, width, *places, kind.ctypes.data, 0, 0, 0)
    stream = rest.texts.__arrow_c_stream__()
    failed = library.douane_book_end(
        begun,
        pointer_of(stream, b"arrow_array_stream"),
        ctypes.byref(book),
        ctypes.byref(frame),
        ctypes.byref(table.array),
        ctypes.byref(table.schema),
    )
    return None if failed else Typeset(pl.DataFrame(table), kinds, row_bytes, book.longest)


class _Costs(ctypes.Structure):
    _fields_ = (
        ("cells", _U64),
        ("rows", _U64),
        ("row", _POINTER),
        ("type", _POINTER),
        ("value", _POINTER),
        ("sizes", _POINTER),
        ("size_bytes", _U64),
        ("known", _U64),
        ("own", _POINTER),
        ("owns", _U64),
        ("number_bytes", ctypes.c_int64),
        ("cell_bytes", ctypes.c_int64),
        ("row_bytes", ctypes.c_int64),
        ("costs", _POINTER),
        ("shared_bytes", ctypes.c_int64),
    )


def row_costs(
    kernel: Kernel,
    cells: tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint8], npt.NDArray[np.float64]],
    rows: int,
    sizes: npt.NDArray[Any],
    own: Sequence[int],
    costs: tuple[int, int, int],
) -> tuple[npt.NDArray[np.int64], int] | None:
    """(what the rows up to each take, the bytes of their shared texts). `cells`: their rows, types and values; `sizes`:
    of the shared texts that are known, uint16 or uint32; `own`: the lengths of the cells' own texts; `costs`: of a
    number, of a cell beside its text, of a row."""
    row, types, value = (np.ascontiguousarray(one) for one in cells)
    lengths, total = np.array(own, np.int64), np.zeros(rows, np.int64)
    out = _Costs(
        *(len(row), rows, row.ctypes.data, types.ctypes.data, value.ctypes.data, sizes.ctypes.data, sizes.itemsize),
        *(len(sizes), lengths.ctypes.data, len(lengths), *costs, total.ctypes.data),
    )
    return None if _declared(kernel.library).douane_row_costs(ctypes.byref(out)) else (total, int(out.shared_bytes))


def _declared(library: Any) -> Any:
    if library.douane_frame.argtypes is None:
        library.douane_book_begin.restype = _POINTER
        library.douane_book_begin.argtypes = (_POINTER,) * 2
        library.douane_book_end.restype = library.douane_row_costs.restype = ctypes.c_int
        library.douane_book_end.argtypes = (_POINTER,) * 6
        library.douane_row_costs.argtypes = (_POINTER,)
        library.douane_frame.restype = ctypes.c_int
        library.douane_frame.argtypes = (_POINTER,) * 4
    return library
