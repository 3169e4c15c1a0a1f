"""Records as lines of CSV or NDJSON by the kernel (`lines.c`), byte for byte as `sheet/output.py` makes them; and which
columns are as they leave already."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from enum import IntEnum
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from douane.sheet.native import Kernel, pointer_of

_U32 = ctypes.c_uint32
_U64 = ctypes.c_uint64
_POINTER = ctypes.c_void_p


class Kind(IntEnum):
    """A number leaves an object as a number. A list is a text that loses delimiters which part nothing, an array one
    that leaves an object as its elements. JSON leaves it as it is."""

    TEXT = 0
    NUMBER = 1
    LIST = 2
    ARRAY = 3
    JSON = 4


class Column(NamedTuple):
    """`trims`: the texts are as they were staged. `delimiter`: of a list, or array, one sign of ASCII. `named`:
    the texts are members of an object already, names and all."""

    key: str
    texts: pl.Series
    kind: Kind
    trims: bool
    delimiter: str = ""
    named: bool = False


class _Column(ctypes.Structure):
    _fields_ = (
        ("stream", _POINTER),
        ("name", ctypes.c_char_p),
        ("name_size", _U64),
        ("kind", _U32),
        ("trims", _U32),
        ("delimiter", ctypes.c_uint8),
    )


class _Lines(ctypes.Structure):
    _fields_ = (("data", _POINTER), ("size", _U64))


Rows = npt.NDArray[np.int64]  # those of a frame that leave; None: all


def csv(kernel: Kernel, columns: Sequence[Column], rows: Rows | None = None) -> bytes | None:
    """One record a row, without a heading line; None where the columns are not for the kernel."""
    return _made(kernel, columns, rows, json=False)


def ndjson(kernel: Kernel, columns: Sequence[Column], rows: Rows | None = None) -> bytes | None:
    """One object a row; None too where a number column holds anything but plain decimals and empty texts."""
    return _made(kernel, columns, rows, json=True)


def leaves_as_it_came(kernel: Kernel, column: Column) -> bool:
    """Whether every text of a column is trimmed, and of lists none has delimiters that part nothing."""
    given, streams = _given([column])
    found = _declared(kernel.library).douane_leaves_as_it_came(given, len(column.texts))
    del streams
    return bool(found)


def doubles(kernel: Kernel, texts: pl.Series) -> pl.Series | None:
    """Float64, null where no text or an empty one is; None where anything but plain decimals of at most 15 digits is
    among them, each of which a double holds exactly."""
    given, streams = _given([Column("", texts, Kind.NUMBER, True)])
    found, present = np.empty(len(texts), np.float64), np.empty(len(texts), np.bool_)
    failed = _declared(kernel.library).douane_doubles(given, len(texts), found.ctypes.data, present.ctypes.data)
    del streams
    if failed:
        return None
    made = pl.Series(texts.name, found)
    if present.all():
        return made
    return made.zip_with(pl.Series(present), pl.Series([None], dtype=pl.Float64).new_from_index(0, len(texts)))


def _given(columns: Sequence[Column]) -> tuple[Any, list[object]]:
    """What the kernel is given, and what must live as long."""
    given, held = (_Column * len(columns))(), []
    for at, column in enumerate(columns):
        # Without its name: Polars ends the process over one with a zero byte, which a key may have.
        stream = column.texts.rechunk().alias("").__arrow_c_stream__()
        name = b"" if column.named else msgspec.json.encode(column.key) + b":"
        held += [stream, name]
        sign = ord(column.delimiter) if column.delimiter else 0
        pointer = pointer_of(stream, b"arrow_array_stream")
        given[at] = _Column(pointer, name, len(name), column.kind, column.trims, sign)
    return given, held


def _made(kernel: Kernel, columns: Sequence[Column], rows: Rows | None, *, json: bool) -> bytes | None:
    library = _declared(kernel.library)
    given, streams = _given(columns)
    lines = _Lines()
    at = None if rows is None else np.ascontiguousarray(rows, np.int64)
    those = (None, 0) if at is None else (at.ctypes.data, len(at))
    failed = library.douane_lines(given, len(columns), len(columns[0].texts), *those, json, ctypes.byref(lines))
    del streams
    if failed:
        return None
    try:
        return ctypes.string_at(lines.data, lines.size) if lines.size else b""
    finally:
        library.douane_lines_free(ctypes.byref(lines))


def _declared(library: Any) -> Any:
    if library.douane_lines_free.argtypes is None:
        library.douane_lines.restype = ctypes.c_int
        library.douane_lines.argtypes = (_POINTER, _U64, _U64, _POINTER, _U64, _U32, _POINTER)
        library.douane_leaves_as_it_came.restype = ctypes.c_int
        library.douane_leaves_as_it_came.argtypes = (_POINTER, _U64)
        library.douane_doubles.restype = ctypes.c_int
        library.douane_doubles.argtypes = (_POINTER, _U64, _POINTER, _POINTER)
        library.douane_lines_free.restype = None
        library.douane_lines_free.argtypes = (_POINTER,)
    return library
