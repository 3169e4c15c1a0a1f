"""What came before, in bounded memory: for exports that repeat themselves, or number nothing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


class Recent:
    """How often a key came before, for keys that come again soon: after some 100,000 others it may be forgotten."""

    def __init__(self, kept: int = 1 << 17) -> None:
        self._kept = kept
        self._new: dict[int, int] = {}
        self._old: dict[int, int] = {}

    def number(self, key: int) -> int:
        count = self._new.get(key)
        if count is None:
            count = self._old.get(key, 0)
            if len(self._new) >= self._kept:
                self._old, self._new = self._new, {}
        self._new[key] = count + 1
        return count


class Seen:
    """Messages that were staged, as 64-bit numbers: eight bytes each for all but the newest."""

    def __init__(self, newest_max: int = 1 << 18) -> None:
        self._newest_max = newest_max
        self._newest: set[int] = set()
        self._older: npt.NDArray[np.uint64] = np.empty(0, dtype=np.uint64)

    def add(self, key: int) -> bool:
        """Whether it is new."""
        if key in self._newest:
            return False
        at = int(np.searchsorted(self._older, np.uint64(key))) if len(self._older) else 0
        if at < len(self._older) and int(self._older[at]) == key:
            return False
        self._newest.add(key)
        if len(self._newest) >= self._newest_max:
            newest = np.fromiter(self._newest, dtype=np.uint64, count=len(self._newest))
            self._older = np.sort(np.concatenate([self._older, newest]))
            self._newest = set()
        return True
