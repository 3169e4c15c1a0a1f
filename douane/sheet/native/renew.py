"""One text in the place of another, in whole columns of a part, by the kernel (`renew.c`): read, changed and written at
once.

`child/sheet_replace.py` does the same without it, and where this one cannot; tests hold the two together.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.sheet.native import ArrowTable, Kernel
from douane.values import dataclass

_NO_COLUMN = 0xFFFFFFFF
_COLUMNS_MAX = 64
_NO_MEMORY, _NOT_WRITTEN = 2, 3


class _Renewal(ctypes.Structure):
    _fields_ = (
        ("part", ctypes.c_void_p),
        ("size", ctypes.c_uint64),
        ("wanted", ctypes.c_void_p),
        ("names", ctypes.POINTER(ctypes.c_char_p)),
        ("width", ctypes.c_uint64),
        ("find", ctypes.c_char_p),
        ("text", ctypes.c_char_p),
        ("find_size", ctypes.c_uint64),
        ("text_size", ctypes.c_uint64),
        ("first_row", ctypes.c_uint64),
        ("rows", ctypes.c_uint64),
        ("file", ctypes.c_int32),
        ("why", ctypes.c_int32),
        ("picked", ctypes.c_void_p),
        ("hits", ctypes.c_void_p),
    )


@dataclass(frozen=True, slots=True)
class Renewed:
    """`hits`: a row of the part, in bits of the columns where the text stood, 0 of those not picked; `cells`: per
    column all cells as they are afterwards, null where there is none, of no meaning where the row is not picked."""

    hits: npt.NDArray[np.uint64]
    cells: pl.DataFrame


def renewed(
    kernel: Kernel,
    part: tuple[Path, int, int],
    columns: Mapping[str, str],
    exchange: tuple[str, str],
    target: Path,
    picked: npt.NDArray[np.bool_] | None = None,
) -> Renewed | None:
    """`part`: its file, its first row and how many it has; `columns`: what each of its columns is called in what is
    written; `exchange`: what is looked for, not empty, and what takes its place; `picked`: a row, whether it may be
    changed (None = all may). What is changed goes to `target`, as `staging/spread.py` has it. None: it is not for the
    kernel, and what stands at `target` means nothing. MemoryError, OSError."""
    path, first_row, rows = part
    if not 0 < len(columns) <= _COLUMNS_MAX or rows == 0:
        return None
    there = {name: at for at, name in enumerate(pl.read_ipc_schema(path))}
    wanted = np.array([there.get(name, _NO_COLUMN) for name in columns], np.uint32)
    names = (ctypes.c_char_p * len(columns))(*(name.encode() for name in columns.values()))
    find, text = (one.encode() for one in exchange)
    hits, table = np.empty(rows, np.uint64), ArrowTable()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        held = np.frombuffer(mapped, np.uint8)
        out = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_CLOEXEC", 0), 0o666)
        order = _Renewal(
            held.ctypes.data,
            len(held),
            wanted.ctypes.data,
            names,
            len(columns),
            find,
            text,
            len(find),
            len(text),
            first_row,
            rows,
            out,
            0,
            None if picked is None else picked.ctypes.data,
            hits.ctypes.data,
        )
        try:
            failed = _declared(kernel.library).douane_renew(
                ctypes.byref(order), ctypes.byref(table.array), ctypes.byref(table.schema)
            )
        finally:
            os.close(out)
            del held
    if failed == _NO_MEMORY:
        raise MemoryError
    if failed == _NOT_WRITTEN:
        raise OSError(order.why, os.strerror(order.why), str(target))
    return (
        None if failed else Renewed(hits, pl.DataFrame(table).rename(dict(zip(_made(columns), columns, strict=True))))
    )


def _made(columns: Mapping[str, str]) -> list[str]:
    return [f"c{number}" for number in range(len(columns))]


def _declared(library: Any) -> Any:
    if library.douane_renew.argtypes is None:
        library.douane_renew.restype = ctypes.c_int
        library.douane_renew.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
    return library
