"""How a kept process tells its supervisor that it is ready, and after that again and again that it is alive.

A pipe, whose number is in the environment: it needs no database, which may be locked, and no disk, which may be full.
Without a supervisor all of this does nothing.
"""

from __future__ import annotations

import contextlib
import os
import threading

VARIABLE = "READY_FD"
PULSE_S = 1.0
_ready = threading.Event()


def ready() -> None:
    """This process does from now on what it is there for. A thread of its own goes on to say that it is alive: one that
    is frozen says nothing, one that waits for a database does."""
    number = os.environ.pop(VARIABLE, "")
    if not number.isdigit() or _ready.is_set():
        return
    _ready.set()
    pipe = int(number)
    # A supervisor that does not read must not hold us up.
    os.set_blocking(pipe, False)
    threading.Thread(target=_pulse, args=(pipe,), daemon=True, name="pulse").start()


def _pulse(pipe: int) -> None:
    waiting = threading.Event()
    while True:
        try:
            os.write(pipe, b".")
        except BlockingIOError:
            pass
        except OSError:
            with contextlib.suppress(OSError):
                os.close(pipe)
            return
        waiting.wait(PULSE_S)
