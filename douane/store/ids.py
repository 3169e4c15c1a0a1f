"""Ids: 24 hex characters that grow with time, unique over all kinds and processes.

Twelve characters are milliseconds since 1970, twelve are random. Within a process the ids of one millisecond grow by a
random stride, so that they sort in the order they were made and the next one still can't be computed from the last.
"""

from __future__ import annotations

import re
import secrets
import threading
import time

_RANDOM_BITS = 48
_STRIDE_BITS = 32
_SHAPE = re.compile(r"[0-9a-f]{24}")

_lock = threading.Lock()
_last_ms = 0
_last_random = 0


def new_id() -> str:
    """An id greater than every one this process made before, also when the clock is set back."""
    global _last_ms, _last_random
    with _lock:
        now_ms = time.time_ns() // 1_000_000
        if now_ms > _last_ms:
            # The top bit stays free, so that a busy millisecond has room to grow.
            _last_ms, _last_random = now_ms, secrets.randbits(_RANDOM_BITS - 1)
        else:
            _last_random += 1 + secrets.randbits(_STRIDE_BITS)
            if _last_random >> _RANDOM_BITS:
                _last_ms, _last_random = _last_ms + 1, secrets.randbits(_RANDOM_BITS - 1)
        return f"{_last_ms:012x}{_last_random:012x}"


def is_id(text: str) -> bool:
    """Whether this could be an id at all; anything else needs no look into the database."""
    return _SHAPE.fullmatch(text) is not None
