"""Long answers, a piece at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import anyio
from starlette.concurrency import run_in_threadpool


async def streamed(chunks: Iterator[bytes], first: bytes = b"") -> AsyncIterator[bytes]:
    """The pieces of a blocking iterator, each waited for in a thread. What the iterator holds (a child process, a
    folder) is let go as soon as the client leaves."""
    try:
        if first:
            yield first
        while (chunk := await run_in_threadpool(next, chunks, None)) is not None:
            yield chunk
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            with anyio.CancelScope(shield=True):
                await run_in_threadpool(close)
