"""Records as lines of CSV or NDJSON by the kernel (`lines.c`), byte for byte as `sheet/output.py` makes them; and which
columns are as they leave already."""

from __future__ import annotations

import ctypes
from collections.abc import Generator, Sequence
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
    that leaves an object as its elements. JSON leaves it as it is. A place is the number of the line."""

    TEXT = 0
    NUMBER = 1
    LIST = 2
    ARRAY = 3
    JSON = 4
    PLACE = 5


Numbers = npt.NDArray[np.int64]
Rows = Numbers  # those of a frame that leave; None: all


class Column(NamedTuple):
    """`trims`: the texts are as they were staged. `delimiter`: of a list, or array, one sign of ASCII. `name`: what
    stands before a value in an object where that is not the key's; empty if the texts are members already. `places`: of
    a place, which has no texts, one for each line."""

    key: str
    texts: pl.Series
    kind: Kind
    trims: bool
    delimiter: str = ""
    name: bytes | None = None
    places: Numbers | None = None


class _Column(ctypes.Structure):
    _fields_ = (
        ("stream", _POINTER),
        ("name", ctypes.c_char_p),
        ("name_size", _U64),
        ("kind", _U32),
        ("trims", _U32),
        ("places", _POINTER),
        ("delimiter", ctypes.c_uint8),
    )


def csv(
    kernel: Kernel, columns: Sequence[Column], length: int, rows: Rows | None = None
) -> Generator[memoryview, None, int]:
    """One record a row of columns that have so many, without a heading line: some at a time, each gone when the next is
    asked for. Returns how many lines that were: where the kernel gives up, fewer than there are rows."""
    return _made(kernel, columns, length, rows, json=False)


def ndjson(
    kernel: Kernel, columns: Sequence[Column], length: int, rows: Rows | None = None
) -> Generator[memoryview, None, int]:
    """The same with an object a row; it gives up too where a number column holds anything but plain decimals and empty
    texts."""
    return _made(kernel, columns, length, rows, json=True)


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
        name = msgspec.json.encode(column.key) + b":" if column.name is None else column.name
        if column.places is not None:
            places = np.ascontiguousarray(column.places, np.int64)
            held += [places, name]
            given[at] = _Column(None, name, len(name), column.kind, False, places.ctypes.data, 0)
            continue
        # Without its name: Polars ends the process over one with a zero byte, which a key may have.
        stream = column.texts.rechunk().alias("").__arrow_c_stream__()
        held += [stream, name]
        sign = ord(column.delimiter) if column.delimiter else 0
        pointer = pointer_of(stream, b"arrow_array_stream")
        given[at] = _Column(pointer, name, len(name), column.kind, column.trims, None, sign)
    return given, held


def _made(
    kernel: Kernel, columns: Sequence[Column], length: int, rows: Rows | None, *, json: bool
) -> Generator[memoryview, None, int]:
    library = _declared(kernel.library)
    given, held = _given(columns)
    at = None if rows is None else np.ascontiguousarray(rows, np.int64)
    those = (None, 0) if at is None else (at.ctypes.data, len(at))
    lines = library.douane_lines_open(given, len(columns), length, *those, json)
    data, size, line = _POINTER(), _U64(), _U64()
    try:
        while lines:
            failed = library.douane_lines_next(lines, ctypes.byref(data), ctypes.byref(size), ctypes.byref(line))
            if size.value:
                assert data.value is not None
                yield memoryview((ctypes.c_uint8 * size.value).from_address(data.value)).cast("B")
            if failed or not size.value:
                break
        return line.value
    finally:
        library.douane_lines_close(lines)
        del held


def _declared(library: Any) -> Any:
    if library.douane_lines_close.argtypes is None:
        library.douane_lines_open.restype = _POINTER
        library.douane_lines_open.argtypes = (_POINTER, _U64, _U64, _POINTER, _U64, _U32)
        library.douane_lines_next.restype = ctypes.c_int
        library.douane_lines_next.argtypes = (_POINTER, _POINTER, _POINTER, _POINTER)
        library.douane_leaves_as_it_came.restype = ctypes.c_int
        library.douane_leaves_as_it_came.argtypes = (_POINTER, _U64)
        library.douane_doubles.restype = ctypes.c_int
        library.douane_doubles.argtypes = (_POINTER, _U64, _POINTER, _POINTER)
        library.douane_lines_close.restype = None
        library.douane_lines_close.argtypes = (_POINTER,)
    return library
