"""What keeps a worker from its work, said once: a database that is locked is met by each of a dozen threads, in its own
time, and what they say of it would bury all else. `/readyz` says what it is as long as it lasts."""

from __future__ import annotations

import threading
import time

LEASE = "Beating the lease"
LIBRARIES = "What libraries do"  # they do not say when all is well again; it is once the lease was beaten
_HELD_S = 180.0  # longer than whatever is tried again waits; a job may have gone on elsewhere
_PAST_S = 60.0  # stragglers tell of what is over


class Troubles:
    """Those that stand, by the code of their error, with what of the work each keeps from being done."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, dict[str, float]] = {}
        self._over_at: dict[str, float] = {}

    def met(self, code: str, what: str) -> bool:
        """Whether it is new, so that it is to be said."""
        now = time.monotonic()
        with self._lock:
            self._forget(now)
            new = code not in self._kept
            self._kept.setdefault(code, {})[what] = now
            return new

    def met_by_library(self, code: str) -> bool:
        """The same, of who tells late: what is over since a moment is not new."""
        past = time.monotonic() - self._over_at.get(code, -_PAST_S) < _PAST_S
        return not past and self.met(code, LIBRARIES)

    def over(self, what: str) -> bool:
        """That it was done; whether the last trouble ends with it."""
        now = time.monotonic()
        done = (what, LIBRARIES) if what == LEASE else (what,)
        ended = False
        with self._lock:
            self._forget(now)
            for code, kept in list(self._kept.items()):
                known = [one for one in done if one in kept]
                for one in known:
                    del kept[one]
                if known and not kept:
                    ended = True
                    self._over_at[code] = now
                    del self._kept[code]
            return ended and not self._kept

    def _forget(self, now: float) -> None:
        for code, kept in list(self._kept.items()):
            left = {what: at for what, at in kept.items() if now - at < _HELD_S}
            if left:
                self._kept[code] = left
            else:
                del self._kept[code]


troubles = Troubles()
