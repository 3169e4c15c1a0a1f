"""The kernel: what costs most in the large, in C. Delimited text becomes records and cells in one pass over its bytes,
JSON objects do too (`objects.py`), nearly all cells of a column are cleared of its rules (`program.py`), and a frame
becomes a file (`part.c`).

It decides nothing that Python does not decide too: `sheet/formats/csv.py` and `json.py` read the same cells without it,
slower, and tests hold the two together. What it is not sure of (bytes that are no text, records beyond a limit) it
leaves to them.

Built from the C files beside this one where there is a compiler (`hatch_build.py`); it knows no Python and is called by
`ctypes`, so one build serves every version. Loaded where strangers' files are opened, and nowhere else: the child calls
`load`, and to all others `kernel()` is None.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

FOLDER = Path(__file__).parent
LIBRARY = FOLDER / ("kernel.dll" if sys.platform == "win32" else "kernel.so")

ODD, MAYBE_BLANK = 1, 2
EXPONENT, COMMA = 1, 2  # traces: a cell that may be cut off (`E+`, `###`); one that is not cleared and has a comma

_U8 = ctypes.c_uint8
_U32 = ctypes.c_uint32
_U64 = ctypes.c_uint64
_POINTER = ctypes.c_void_p


def source_stamp() -> int:
    """Of the C files as they stand here: a library that was built from others is not loaded."""
    stamp = 0
    for path in sorted((*FOLDER.glob("*.c"), *FOLDER.glob("*.h"))):
        stamp = zlib.crc32(path.read_bytes(), stamp)
    return stamp


class Dialect(ctypes.Structure):
    """How text is delimited, and what a cell and a record may hold; more is left to others."""

    _fields_ = (
        ("delimiter", _U8),
        ("quote", _U8),
        ("quoted", _U8),
        ("width", _U32),
        ("headings", _U32),
        ("cell_bytes", _U64),
        ("record_bytes", _U64),
        ("columns", _U64),
    )


class _Records(ctypes.Structure):
    _fields_ = (
        ("room", _U64),
        ("stops", _POINTER),
        ("lines", _POINTER),
        ("flags", _POINTER),
        ("marks", _POINTER),
        ("joins", _POINTER),
        ("records", _U64),
        ("odd", _U64),
        ("blank", _U64),
        ("joined", _U64),
    )


class Cut(ctypes.Structure):
    """The last record end: behind how many bytes, line ends and records. All 0 where no record ends."""

    _fields_ = (("size", _U64), ("lines", _U64), ("records", _U64))
    size: int
    lines: int
    records: int


class _ArrowArray(ctypes.Structure):
    _fields_ = (
        ("length", ctypes.c_int64),
        ("null_count", ctypes.c_int64),
        ("offset", ctypes.c_int64),
        ("n_buffers", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("buffers", _POINTER),
        ("children", _POINTER),
        ("dictionary", _POINTER),
        ("release", _POINTER),
        ("private_data", _POINTER),
    )


class _ArrowSchema(ctypes.Structure):
    _fields_ = (
        ("format", _POINTER),
        ("name", _POINTER),
        ("metadata", _POINTER),
        ("flags", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("children", _POINTER),
        ("dictionary", _POINTER),
        ("release", _POINTER),
        ("private_data", _POINTER),
    )


class Program(ctypes.Structure):
    """What clears a cell (`judge.c`); made by `program.py`."""

    _fields_ = (
        ("kind", _U32),
        ("asked", _U32),
        ("bytes_max", _U64),
        ("signs_min", _U64),
        ("low", ctypes.c_double),
        ("high", ctypes.c_double),
        ("next", _POINTER),
        ("accepts", _POINTER),
        ("slots", _POINTER),
        ("texts", _POINTER),
        ("slots_mask", _U32),
    )


class _Verdict(ctypes.Structure):
    _fields_ = (
        ("unsure", _POINTER),
        ("wrong", _POINTER),
        ("not_plain", _POINTER),
        ("unsures", _U64),
        ("wrongs", _U64),
        ("not_plains", _U64),
        ("rows", _U64),
        ("seen", _U64),
    )


class ArrowTable:
    """What the kernel handed out, as Polars takes it (Arrow's PyCapsule interface)."""

    def __init__(self) -> None:
        self.array, self.schema = _ArrowArray(), _ArrowSchema()

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]:
        return (
            _new_capsule(ctypes.addressof(self.schema), b"arrow_schema", None),
            _new_capsule(ctypes.addressof(self.array), b"arrow_array", None),
        )


_new_capsule: Any = ctypes.pythonapi.PyCapsule_New
_new_capsule.restype = ctypes.py_object
_new_capsule.argtypes = (_POINTER, ctypes.c_char_p, _POINTER)
pointer_of: Any = ctypes.pythonapi.PyCapsule_GetPointer
pointer_of.restype = _POINTER
pointer_of.argtypes = (ctypes.py_object, ctypes.c_char_p)


class Cells(NamedTuple):
    """A text's records. `frame`: their cells by position, null where a record has none; those of records marked ODD are
    there to be replaced. `stops`: behind their line ends. `lines`: on which they begin, from 0. `joins`: numbers of
    records that have text behind a quoted stretch over several lines, as often as they have it. `odd`, `maybe_blank`:
    how many are so marked."""

    frame: pl.DataFrame
    stops: npt.NDArray[np.int64]
    lines: npt.NDArray[np.uint32]
    flags: npt.NDArray[np.uint8]
    marks: npt.NDArray[np.uint8]
    joins: npt.NDArray[np.uint32]
    odd: int
    maybe_blank: int


class Cleared(NamedTuple):
    """Of one column, by ascending rows: those neither surely clean nor surely wrong; those that are wrong; those
    whose text as it stands may not be the cell's key (None = not asked). And the traces that were met."""

    unsure: npt.NDArray[np.uint32]
    wrong: npt.NDArray[np.uint32]
    not_plain: npt.NDArray[np.uint32] | None
    traces: int


@dataclass(slots=True)
class Kernel:
    """A loaded library. Its functions may run on any thread."""

    library: Any
    _held: dict[int, bytes]
    _lock: Any
    _next: int = 0

    def cut(self, text: bytes, dialect: Dialect, records_max: int) -> Cut:
        """The last record end in `text`, which begins with a record, with at most `records_max` records before it."""
        found = Cut()
        self.library.douane_cut(text, len(text), ctypes.byref(dialect), max(1, records_max), ctypes.byref(found))
        return found

    def read(self, text: bytes, dialect: Dialect, records: int, size: int | None = None) -> Cells | None:
        """All of `text`, or its first `size` bytes, which begin with a record and have at most `records`; None where it
        is not for the kernel."""
        room = max(1, records)
        stops, lines = np.empty(room, np.int64), np.empty(room, np.uint32)
        flags, marks, joins = np.empty(room, np.uint8), np.empty(room, np.uint8), np.empty(room, np.uint32)
        out = _Records(room, *(array.ctypes.data for array in (stops, lines, flags, marks, joins)))
        table = ArrowTable()
        ticket = self._hold(text)
        failed = self.library.douane_read(
            text,
            len(text) if size is None else min(size, len(text)),
            ctypes.byref(dialect),
            ticket,
            ctypes.byref(out),
            ctypes.byref(table.array),
            ctypes.byref(table.schema),
        )
        if failed:
            return None
        count = out.records
        return Cells(
            pl.DataFrame(table),
            stops[:count],
            lines[:count],
            flags[:count],
            marks[:count],
            joins[: out.joined],
            out.odd,
            out.blank,
        )

    def judge(self, cells: pl.Series, program: Program, *, decides: bool, keyed: bool) -> Cleared | None:
        """Clears a column's cells. `decides`: what the program says no to is wrong (`columns/contract.Sure`); `keyed`:
        says too whose text is its own key. None where the cells are no string views."""
        room = max(1, len(cells))
        unsure = np.empty(room, np.uint32)
        wrong = np.empty(room if decides else 0, np.uint32)
        not_plain = np.empty(room, np.uint32) if keyed else None
        out = _Verdict(
            unsure.ctypes.data,
            wrong.ctypes.data if decides else None,
            None if not_plain is None else not_plain.ctypes.data,
        )
        stream = cells.__arrow_c_stream__()
        pointer = pointer_of(stream, b"arrow_array_stream")
        if self.library.douane_judge(pointer, ctypes.byref(program), len(cells), ctypes.byref(out)):
            return None
        return Cleared(
            unsure[: out.unsures],
            wrong[: out.wrongs],
            None if not_plain is None else not_plain[: out.not_plains],
            int(out.seen),
        )

    def write_part(self, frame: pl.DataFrame, path: Path, batch_rows: int) -> bool:
        """Writes the frame to an Arrow IPC file, in batches of so many rows, packed by LZ4. False where it has columns
        of other kinds than text, bytes, numbers and truths; what stands at `path` means nothing then. OSError."""
        stream = (frame.rechunk() if frame.n_chunks() > 1 else frame).__arrow_c_stream__()
        why = ctypes.c_int()
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_CLOEXEC", 0), 0o666)
        try:
            pointer = pointer_of(stream, b"arrow_array_stream")
            failed = self.library.douane_write_part(pointer, file, batch_rows, ctypes.byref(why))
        finally:
            os.close(file)
        if why.value:
            raise OSError(why.value, os.strerror(why.value), str(path))
        return not failed

    def list_hash(self, text: bytes) -> int:
        """By which texts stand in a list's slots."""
        return int(self.library.douane_list_hash(text, len(text)))

    def _hold(self, text: bytes) -> int:
        """The frames' cells are views into the text: it is held until the last of them is gone. That is told by
        threads of Polars, which must not wait for Python, so it is asked for here."""
        gone = (_U64 * 64)()
        count = self.library.douane_gone(gone, len(gone))
        with self._lock:
            for number in gone[:count]:
                self._held.pop(number, None)
            self._next += 1
            self._held[self._next] = text
            return self._next


_kernel: Kernel | None = None


def load() -> Kernel | None:
    """Loads the library if it is here and built from these very sources."""
    global _kernel
    if _kernel is None:
        _kernel = _loaded(LIBRARY)
    return _kernel


def use(kernel: Kernel | None) -> None:
    """This one from now on, or none; what was read stays."""
    global _kernel
    _kernel = kernel


def unload() -> None:
    use(None)


def kernel() -> Kernel | None:
    """The one that `load` found."""
    return _kernel


def _loaded(path: Path) -> Kernel | None:
    if sys.byteorder != "little":
        return None
    try:
        library = ctypes.CDLL(str(path))
        library.douane_source.restype = _U32
        if library.douane_source() != source_stamp():
            return None
    except (OSError, AttributeError):
        return None
    library.douane_cut.argtypes = (ctypes.c_char_p, _U64, _POINTER, _U64, _POINTER)
    library.douane_cut.restype = None
    library.douane_read.argtypes = (ctypes.c_char_p, _U64, _POINTER, _U64, _POINTER, _POINTER, _POINTER)
    library.douane_read.restype = ctypes.c_int
    library.douane_judge.argtypes = (_POINTER, _POINTER, _U64, _POINTER)
    library.douane_judge.restype = ctypes.c_int
    library.douane_write_part.argtypes = (_POINTER, ctypes.c_int, _U64, _POINTER)
    library.douane_write_part.restype = ctypes.c_int
    library.douane_list_hash.argtypes = (ctypes.c_char_p, _U64)
    library.douane_list_hash.restype = _U64
    library.douane_gone.argtypes = (_POINTER, _U64)
    library.douane_gone.restype = _U64
    return Kernel(library, {}, threading.Lock())
