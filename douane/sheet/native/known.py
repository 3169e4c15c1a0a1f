"""What the kernel keeps of texts that were judged, and bits it sets in masks (`known.c`)."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.sheet.native import Kernel, pointer_of

_U32 = ctypes.c_uint32
_U64 = ctypes.c_uint64
_POINTER = ctypes.c_void_p

Mask = npt.NDArray[np.uint64]  # (rows, words), in one piece
Rows = npt.NDArray[np.uint32]  # ascending


class Known:
    """Of one column the texts that were judged, None for an absent one, and the bits of what failed. On any thread."""

    def __init__(self, kernel: Kernel, words: int) -> None:
        self.count = 0
        self._library = _declared(kernel.library)
        self._words = words
        self._lock = threading.Lock()
        self._held = self._library.douane_known(words)
        if not self._held:
            raise MemoryError

    def __del__(self) -> None:
        held, self._held = getattr(self, "_held", None), None
        if held:
            self._library.douane_known_free(held)

    def add(self, texts: Sequence[str | None], bits: npt.NDArray[np.uint64]) -> None:
        """Texts, of which some may be known by now: another thread can have been as quick; `bits`: (texts, words)."""
        encoded = [None if text is None else text.encode() for text in texts]
        count = len(encoded)
        held = (ctypes.c_char_p * count)(*encoded)
        sizes = np.array([0 if text is None else len(text) for text in encoded], np.uint64)
        bits = np.ascontiguousarray(bits, np.uint64)
        with self._lock:
            self._library.douane_known_add_all(self._held, held, sizes.ctypes.data, bits.ctypes.data, count)
            self.count += count

    def recall(self, cells: pl.Series, rows: Rows, mask: Mask) -> Rows:
        """Sets the bits of those of these rows whose text is known. The others, ascending."""
        rows = np.ascontiguousarray(rows, np.uint32)
        missing = np.empty(len(rows), np.uint32)
        stream = cells.__arrow_c_stream__()
        pointer = pointer_of(stream, b"arrow_array_stream")
        with self._lock:
            count = self._library.douane_known_recall(
                self._held, pointer, rows.ctypes.data, len(rows), mask.ctypes.data, missing.ctypes.data
            )
        return rows if count < 0 else missing[:count]


def mark(kernel: Kernel, rows: Rows, mask: Mask, bit: int) -> None:
    """Sets a bit of these rows."""
    rows = np.ascontiguousarray(rows, np.uint32)
    _declared(kernel.library).douane_mark(rows.ctypes.data, len(rows), mask.ctypes.data, mask.shape[1], bit)


def _declared(library: Any) -> Any:
    if library.douane_mark.argtypes is None:
        library.douane_known.restype = _POINTER
        library.douane_known.argtypes = (_U64,)
        library.douane_known_free.restype = None
        library.douane_known_free.argtypes = (_POINTER,)
        library.douane_known_add_all.restype = None
        library.douane_known_add_all.argtypes = (_POINTER, ctypes.POINTER(ctypes.c_char_p), _POINTER, _POINTER, _U64)
        library.douane_known_recall.restype = ctypes.c_int64
        library.douane_known_recall.argtypes = (_POINTER, _POINTER, _POINTER, _U64, _POINTER, _POINTER)
        library.douane_mark.restype = None
        library.douane_mark.argtypes = (_POINTER, _U64, _POINTER, _U64, _U32)
    return library
