"""How a process takes turns at the processor with the others of its machine."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import struct
import sys

# Of the C library's headers: no Python has these calls.
_SET_ATTRIBUTES = {"x86_64": 314, "aarch64": 274}
_ATTRIBUTES = struct.Struct("=IIQiIQQQ")  # size, policy, flags, nice, priority, runtime, deadline, period
_SHORT_NS = 100_000  # the least that Linux gives

# How far behind the process that answers people others stand, in steps of niceness. A worker that woke up beside a page
# took its place for a turn of some milliseconds; a file can wait.
WORKER, CHILD = 5, 10

_stood_back = 0


def stand_back(steps: int, already: int = 0) -> None:
    """Lets others go first: this process, and those it starts, stand so many steps behind where whoever runs Douane put
    it. A process that was forked knows what its parent did; another has to be told (`already`)."""
    global _stood_back
    _stood_back = max(_stood_back, already)
    if steps > _stood_back:
        # Where a system refuses it, all go on in one line.
        with contextlib.suppress(OSError):
            os.nice(steps - _stood_back)
        _stood_back = steps


def stood_back() -> int:
    return _stood_back


def wake_quietly() -> None:
    """For a process whose threads wake often and compute little: it gets as much of the processor as before, but who
    wakes there takes nobody's place; it waits for a turn to end. Of this thread, and those that it starts."""
    _be("SCHED_BATCH")


def take_what_is_left() -> None:
    """Where nobody else wants the processor, and only there: who wakes finds a processor with such work as good as
    free. Beside other programs that never rest it gets next to nothing, so somebody has to ask for it."""
    _be("SCHED_IDLE")


def _be(policy: str) -> None:
    if sys.platform == "linux":
        # Where a system refuses it, all go on as they did.
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, getattr(os, policy), os.sched_param(0))


def short_turns() -> bool:
    """Asks for short turns, for this thread and those that it starts; False where there are none. It gets no more of
    the processor than before, but sooner: Linux lets whoever runs have a turn of some milliseconds to its end, however
    nice it is, and who wakes up waits for that; but not who asked for less (since 6.12; before that it is ignored)."""
    return _ask(_SHORT_NS)


def usual_turns() -> bool:
    """Takes it back, for a process that inherited it."""
    return _ask(0)


def _ask(turn_ns: int) -> bool:
    number = _SET_ATTRIBUTES.get(platform.machine())
    if sys.platform != "linux" or number is None or os.sched_getscheduler(0) != os.SCHED_OTHER:
        return False
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    wanted = _ATTRIBUTES.pack(_ATTRIBUTES.size, os.SCHED_OTHER, 0, nice, 0, turn_ns, 0, 0)
    return bool(ctypes.CDLL(None).syscall(number, 0, wanted, 0) == 0)
