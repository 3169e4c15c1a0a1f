"""Slack's times: text of `seconds.microseconds`, which names a message in its conversation."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Whole = npt.NDArray[np.int64]

TIME = re.compile(r"[0-9]{1,11}\.[0-9]{6}", re.ASCII)
_TIME_PARTS = re.compile(r"\s*([0-9]{1,11})(?:\.([0-9]{0,9}))?\s*", re.ASCII)
NO_TIME = "0000000000.000000"
TIME_BYTES = 17  # of a time since September 2001

_POWERS = np.array([0 if i == 10 else 10 ** (15 - i if i < 10 else 16 - i) for i in range(TIME_BYTES)], dtype=np.int64)


def time_us(ts: str | None) -> int | None:
    """Slack's `seconds.microseconds` in microseconds, by whole numbers only. None for what is no time, and for
    `0000000000.000000`, which stands for none."""
    match = _TIME_PARTS.fullmatch(ts or "")
    if not match:
        return None
    return int(match[1]) * 1_000_000 + int((match[2] or "").ljust(6, "0")[:6]) or None


def canonical(ts: str | None) -> str | None:
    """A time as Slack writes it, with six digits."""
    us = time_us(ts)
    if us is None or ts is None:
        return None
    return ts if TIME.fullmatch(ts) else f"{us // 1_000_000}.{us % 1_000_000:06}"


def times_us(texts: Sequence[str | None]) -> Whole | None:
    """`time_us` of all at once; None when one of them needs a closer look."""
    try:
        joined = "".join(texts)  # type: ignore[arg-type]  # TypeError where one is None
    except TypeError:
        return None
    return joined_us(joined) if len(joined) == TIME_BYTES * len(texts) else None


def joined_us(times: str) -> Whole | None:
    """The same for times of seventeen characters each, one after the other."""
    if not times.isascii():
        return None
    signs = np.frombuffer(times.encode("ascii"), dtype=np.uint8).reshape(-1, TIME_BYTES)
    if not (signs[:, 10] == ord(".")).all():
        return None
    digits = signs - np.uint8(ord("0"))
    if (digits[:, :10] > 9).any() or (digits[:, 11:] > 9).any():
        return None
    found: Whole = digits @ _POWERS
    return found if (found > 0).all() else None
