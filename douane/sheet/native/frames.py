"""Cells in long form as the columns of a frame, by the kernel (`frame.c`). `sheet/formats/sheet_frame.py` gathers the
same without it; tests hold the two together.
"""

from __future__ import annotations

import ctypes
from typing import Any

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


def _declared(library: Any) -> Any:
    if library.douane_frame.argtypes is None:
        library.douane_frame.restype = ctypes.c_int
        library.douane_frame.argtypes = (_POINTER,) * 4
    return library
