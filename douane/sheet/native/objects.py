"""JSON by the kernel (`json.c`): where values end, and objects as records of cells.

It reads strict JSON that needs no word of explanation. What is odd is told by its place, for `sheet/formats/json.py` to
read; tests hold the two together.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.sheet.native import ArrowTable, Kernel

_U32 = ctypes.c_uint32
_U64 = ctypes.c_uint64
_I64 = ctypes.c_int64
_POINTER = ctypes.c_void_p


class Ends(ctypes.Structure):
    """Of a text between whose brackets values stand: how many `brackets` are outside of strings, how many are open
    behind the last one and at most; where what is around the values ends (`closed`; 0 = nowhere); how many `values`
    end, and where: the one that was asked for and the last one."""

    _fields_ = (
        ("brackets", _U64),
        ("depth", _I64),
        ("depth_max", _I64),
        ("closed", _U64),
        ("values", _U64),
        ("most_end", _U64),
        ("end", _U64),
    )
    brackets: int
    depth: int
    depth_max: int
    closed: int
    values: int
    most_end: int
    end: int


class Form(NamedTuple):
    """How values stand: `lines`, one a line; else `depth` brackets around all of them, and `first` where no comma
    stands before the first. And what a value may hold."""

    lines: bool
    depth: int
    first: bool
    json_depth: int
    json_digits: int
    cell_bytes: int


class _Objects(ctypes.Structure):
    _fields_ = (
        ("lines", _U32),
        ("depth", _U32),
        ("first", _U32),
        ("json_depth", _U32),
        ("json_digits", _U64),
        ("cell_bytes", _U64),
        ("begin", _U64),
        ("line", _U64),
        ("room", _U64),
        ("most_odd", _U64),
        ("line_of", _POINTER),
        ("odds", _POINTER),
        ("records", _U64),
        ("odd", _U64),
        ("last", _U64),
        ("last_line", _U64),
    )


class Objects(NamedTuple):
    """`odds`: the values that were left out, as rows of where they begin and stop, their line, and how many records
    stand before them. `stop`, `line`: where reading stopped; `given_up`: it could not go on there. `last`: where the
    last value begins, and its line; None where there is none. `records`: how many objects were read, and in `frame`
    their cells, a column a key."""

    odds: npt.NDArray[np.uint64]
    stop: int
    line: int
    given_up: bool
    last: tuple[int, int] | None
    records: int
    frame: pl.DataFrame | None = None
    lines: npt.NDArray[np.uint32] | None = None


class Keys:
    """The keys of a file's objects, by number. Adding is for one thread."""

    def __init__(self, kernel: Kernel, names: Iterable[str] = ()) -> None:
        self._library = _declared(kernel.library)
        self.handle = self._library.douane_keys()
        if not self.handle:
            raise MemoryError
        weakref.finalize(self, self._library.douane_keys_let_go, self.handle)
        self.add(names)

    def add(self, names: Iterable[str]) -> None:
        """Such as are not among them yet."""
        for name in names:
            data = name.encode()
            if self._library.douane_keys_add(self.handle, data, len(data)):
                raise MemoryError


def ends(kernel: Kernel, text: bytes, depth: int, most: int) -> Ends:
    """Where values end in `text`, which begins between values within `depth` brackets; the `most`th among them."""
    found = Ends()
    _declared(kernel.library).douane_json_ends(text, len(text), depth, most, ctypes.byref(found))
    return found


def survey(kernel: Kernel, text: bytes, form: Form, keys: Keys, begin: int, line: int, most_odd: int) -> Objects:
    """Looks at the values from `begin` on until so many odd ones; objects with keys that are not known are odd."""
    return _read(kernel, text, form, keys, (begin, line, 0, most_odd), None)


def read(kernel: Kernel, text: bytes, form: Form, keys: Keys, line: int, room: int) -> Objects | None:
    """All of `text`, which has at most `room` values; None where it is not for the kernel."""
    table = ArrowTable()
    found = _read(kernel, text, form, keys, (0, line, room, room), table)
    return None if found.given_up else found


def _read(
    kernel: Kernel, text: bytes, form: Form, keys: Keys, where: tuple[int, int, int, int], table: ArrowTable | None
) -> Objects:
    begin, line, room, most_odd = where
    lines = np.empty(room, np.uint32)
    odds = np.empty((most_odd, 4), np.uint64)
    out = _Objects(*form, begin, line, room, most_odd, lines.ctypes.data, odds.ctypes.data)
    failed = _declared(kernel.library).douane_json_read(
        text,
        len(text),
        keys.handle,
        ctypes.byref(out),
        None if table is None else ctypes.byref(table.array),
        None if table is None else ctypes.byref(table.schema),
    )
    kept = None if table is None or failed else pl.DataFrame(table)
    last = (out.last, out.last_line) if out.records or out.odd else None
    return Objects(odds[: out.odd], out.begin, out.line, bool(failed), last, out.records, kept, lines[: out.records])


def _declared(library: Any) -> Any:
    if library.douane_json_read.argtypes is None:
        library.douane_keys.argtypes = ()
        library.douane_keys.restype = _POINTER
        library.douane_keys_let_go.argtypes = (_POINTER,)
        library.douane_keys_let_go.restype = None
        library.douane_keys_add.argtypes = (_POINTER, ctypes.c_char_p, _U64)
        library.douane_keys_add.restype = ctypes.c_int
        library.douane_json_ends.argtypes = (ctypes.c_char_p, _U64, _I64, _U64, _POINTER)
        library.douane_json_ends.restype = None
        library.douane_json_read.restype = ctypes.c_int
        library.douane_json_read.argtypes = (ctypes.c_char_p, _U64, _POINTER, _POINTER, _POINTER, _POINTER)
    return library
