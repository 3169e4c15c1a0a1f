"""Waiting for the worker without holding a thread: looks at the operation now and then until it is ready, and sooner
where the database tells that something was changed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool

from douane.flow import imports
from douane.flow.house import House
from douane.model.operation import Operation, Trace
from douane.web.auth import Web

_FIRST_S, _LAST_S, _GROWS = 0.005, 0.25, 1.15
# Between two looks, where it can be told that there is something to see.
_TICK_S, _TICKS = 0.002, 4
# So often a look is at the whole operation, though nothing small has changed: two changes of one moment look the same.
_WHOLE_EVERY = 8


async def until(web: Web, operation_id: str, ready: Callable[[Operation], bool], seconds: float) -> Operation | None:
    """The operation once it is ready; None if the time is over or the process is told to stop. Looks often at first, so
    that small work is answered at once, and four times a second in the end. NotFound if the operation goes away."""
    deadline = time.monotonic() + seconds
    pause = _FIRST_S
    looks = _Looks(web.house, operation_id)
    while True:
        mark = imports.mark(web.house)  # before the look: what comes during it is seen at the next
        operation = await run_in_threadpool(looks.next)
        if operation is not None and ready(operation):
            return operation
        if web.closing or time.monotonic() >= deadline:
            return None
        await _rest(web.house, mark, pause)
        pause = min(pause * _GROWS, _LAST_S)


async def _rest(house: House, mark: int | None, pause_s: float) -> None:
    """For so long, or until something was changed since the mark. Others change things all the time: so it ends a few
    times sooner at most."""
    until, tick_s = time.monotonic() + pause_s, max(_TICK_S, pause_s / _TICKS)
    while (left_s := until - time.monotonic()) > 0:
        await asyncio.sleep(left_s if mark is None else min(tick_s, left_s))
        if mark is not None and imports.mark(house) != mark:
            return


class _Looks:
    """One after the other at an operation that somebody waits for."""

    def __init__(self, house: House, operation_id: str) -> None:
        self._house, self._operation_id = house, operation_id
        self._before: Trace | None = None
        self._left = _WHOLE_EVERY

    def next(self) -> Operation | None:
        """The operation; None where it stands as it did at the look before."""
        self._left -= 1
        before = self._before if self._left else None
        self._before, operation = imports.seen(self._house, self._operation_id, before)
        if operation is not None:
            self._left = _WHOLE_EVERY
        return operation
