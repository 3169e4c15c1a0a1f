"""Numbers of workbooks as text by the kernel (`numbers.c`): plain ones, and days, moments and times.

It makes those of which it is sure. What it leaves, and all without it, `sheet/formats/cell_text.py` makes; tests hold
the two together.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.sheet.native import ArrowTable, Kernel

_POINTER = ctypes.c_void_p
_U64 = ctypes.c_uint64


def texts(
    kernel: Kernel, numbers: npt.NDArray[np.float64], meaning: int = 0, *, from_1904: bool = False
) -> tuple[pl.Series, npt.NDArray[np.uint8], npt.NDArray[np.uint32]] | None:
    """(their texts, what kind each is where a meaning was given, which of them are left to others). `meaning`: 0, or
    DATE, DATETIME, TIME of `sheet/formats/number_formats.py`. None: they are too many at once."""
    numbers = np.ascontiguousarray(numbers)
    kinds, others = np.empty(len(numbers), np.uint8), np.empty(len(numbers), np.uint32)
    table, left = ArrowTable(), _U64()
    failed = _declared(kernel.library).douane_number_texts(
        numbers.ctypes.data,
        len(numbers),
        meaning,
        from_1904,
        kinds.ctypes.data,
        others.ctypes.data,
        ctypes.byref(left),
        ctypes.byref(table.array),
        ctypes.byref(table.schema),
    )
    return None if failed else (pl.DataFrame(table)["c0"].alias(""), kinds, others[: left.value])


def _declared(library: Any) -> Any:
    if library.douane_number_texts.argtypes is None:
        library.douane_number_texts.restype = ctypes.c_int
        library.douane_number_texts.argtypes = (_POINTER, _U64, *[ctypes.c_int] * 2, *[_POINTER] * 5)
    return library
