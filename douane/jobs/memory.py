"""What the C library keeps of memory that was let go. Where it is not glibc nothing here does anything.

Each thread may get an arena of its own, and what is free in one cannot be used in another; so a process with twenty
threads that work for seconds holds more with every hour, though it uses no more.
"""

from __future__ import annotations

import ctypes

_M_ARENA_MAX = -8


def share_arenas(most: int) -> None:
    """All threads that are begun from now on share so many: what the memory of a new process is told by
    MALLOC_ARENA_MAX."""
    if (mallopt := _glibc("mallopt")) is not None:
        mallopt(_M_ARENA_MAX, most)


def give_back() -> None:
    """Lets the system have what is free, in whole pages of all arenas; some milliseconds."""
    if (trim := _glibc("malloc_trim")) is not None:
        trim(ctypes.c_size_t(0))


def _glibc(name: str) -> ctypes._NamedFuncPointer | None:
    libc = ctypes.CDLL(None)
    return getattr(libc, name, None) if hasattr(libc, "gnu_get_libc_version") else None
