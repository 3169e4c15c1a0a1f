"""Waiting for the worker without holding a thread: looks at the operation now and then until it is ready."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool

from douane.flow import imports
from douane.model.operation import Operation
from douane.web.auth import Web

_FIRST_S, _LAST_S, _GROWS = 0.005, 0.25, 1.15


async def until(web: Web, operation_id: str, ready: Callable[[Operation], bool], seconds: float) -> Operation | None:
    """The operation once it is ready; None if the time is over or the process is told to stop. Looks often at first, so
    that small work is answered at once, and four times a second in the end. NotFound if the operation goes away."""
    deadline = time.monotonic() + seconds
    pause = _FIRST_S
    while True:
        operation = await run_in_threadpool(imports.get, web.house, operation_id)
        if ready(operation):
            return operation
        if web.closing or time.monotonic() >= deadline:
            return None
        await asyncio.sleep(pause)
        pause = min(pause * _GROWS, _LAST_S)
