"""The records of binary workbooks by the kernel (`records.c`), and texts of 16-bit units.

`sheet/formats/xlsb.py` and `biff.py` find the same one by one; tests hold the two together.
"""

from __future__ import annotations

import ctypes
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.sheet.native import ArrowTable, Kernel

_U64 = ctypes.c_uint64
_POINTER = ctypes.c_void_p
_SHARED_BYTES = 3  # of the shortest shared text


class _Places(ctypes.Structure):
    _fields_ = (("kinds", _POINTER), ("starts", _POINTER), ("bodies", _POINTER), ("ends", _POINTER), ("stop", _U64))


class _SharedTexts(ctypes.Structure):
    _fields_ = (("room", _U64), ("at", _U64), ("body_end", _U64), ("texts", _U64))


class Records(NamedTuple):
    """Whole records. `stop`: where the first one that is not whole begins."""

    kinds: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    bodies: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    stop: int


def records_12(kernel: Kernel, data: bytes, most: int) -> Records:
    """Records of BIFF12, at most so many."""
    find, places = _declared(kernel.library).douane_records_12, _Places()
    count = find(data, len(data), most, ctypes.byref(places))
    arrays = [np.empty(count, np.int64) for _ in range(4)]
    places.kinds, places.starts, places.bodies, places.ends = (array.ctypes.data for array in arrays)
    find(data, len(data), count, ctypes.byref(places))
    return Records(arrays[0], arrays[1], arrays[2], arrays[3], places.stop)


def texts_16(
    kernel: Kernel, data: bytes, starts: npt.NDArray[np.int64], stops: npt.NDArray[np.int64]
) -> pl.Series | None:
    """The texts in UTF-16 that stand there; None where half of a pair stands alone in one, or there is too much."""
    if not len(starts):
        return pl.Series([], dtype=pl.String)
    table = ArrowTable()
    begins, ends = np.ascontiguousarray(starts, np.int64), np.ascontiguousarray(stops, np.int64)
    failed = _declared(kernel.library).douane_texts_16(
        data,
        len(data),
        begins.ctypes.data,
        ends.ctypes.data,
        len(begins),
        ctypes.byref(table.array),
        ctypes.byref(table.schema),
    )
    return None if failed else pl.DataFrame(table)["c0"].alias("")


def texts_8(kernel: Kernel, data: bytes, body_end: int) -> tuple[pl.Series, int, int] | None:
    """The shared texts of BIFF8 at the beginning of `data`, whose record's body ends at `body_end`: (the texts, where
    the next one begins, where its record's body ends). Those that follow are not whole here, or need a closer look."""
    table, out = ArrowTable(), _SharedTexts(len(data) // _SHARED_BYTES + 1, 0, body_end)
    failed = _declared(kernel.library).douane_texts_8(
        data, len(data), ctypes.byref(out), ctypes.byref(table.array), ctypes.byref(table.schema)
    )
    return None if failed else (pl.DataFrame(table)["c0"].alias(""), out.at, out.body_end)


def _declared(library: Any) -> Any:
    if library.douane_texts_16.argtypes is None:
        places = ctypes.POINTER(_Places)
        library.douane_records_12.restype = _U64
        library.douane_records_12.argtypes = (ctypes.c_char_p, _U64, _U64, places)
        library.douane_texts_16.restype = ctypes.c_int
        library.douane_texts_16.argtypes = (ctypes.c_char_p, _U64, *[_POINTER] * 2, _U64, *[_POINTER] * 2)
        library.douane_texts_8.restype = ctypes.c_int
        library.douane_texts_8.argtypes = (ctypes.c_char_p, _U64, *[_POINTER] * 3)
    return library
