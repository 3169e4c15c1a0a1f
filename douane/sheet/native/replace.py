"""One text in the place of another, in all cells of a column, by the kernel (`replace.c`).

`sheet/searching.py` does the same without it; tests hold the two together.
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


def replaced(
    kernel: Kernel, cells: pl.Series, find: str, replace: str
) -> tuple[npt.NDArray[np.bool_], pl.Series] | None:
    """Where `find`, which is not empty, stands in a cell, and all of the cells with `replace` in its place. None: it is
    not for the kernel."""
    if len(cells) == 0 or cells.dtype != pl.String:
        return None
    hits, table = np.empty(len(cells), np.uint8), ArrowTable()
    sought, text = find.encode(), replace.encode()
    stream = cells.__arrow_c_stream__()
    failed = _declared(kernel.library).douane_replace(
        pointer_of(stream, b"arrow_array_stream"),
        sought,
        len(sought),
        text,
        len(text),
        len(cells),
        hits.ctypes.data,
        ctypes.byref(table.array),
        ctypes.byref(table.schema),
    )
    return None if failed else (hits.view(np.bool_), pl.DataFrame(table)["c0"].alias(cells.name))


def _declared(library: Any) -> Any:
    if library.douane_replace.argtypes is None:
        library.douane_replace.restype = ctypes.c_int
        text = ctypes.c_char_p, _U64
        library.douane_replace.argtypes = (_POINTER, *text, *text, _U64, *[_POINTER] * 3)
    return library
