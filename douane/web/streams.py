"""Long answers, a piece at a time; short ones at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from itertools import islice

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

# A list of one piece comes as that and its end.
_AT_ONCE = 2


async def answer(begin: Callable[[], Iterator[bytes]], media_type: str, headers: Mapping[str, str] = {}) -> Response:
    """The pieces of the iterator that `begin`, which may block, gives. The first ones are waited for: what fails before
    them is answered as an error, what fails later cuts the connection, so that a result never looks complete and is
    not. Who needs no more than they are costs one turn in a thread."""

    def begun() -> tuple[Iterator[bytes], list[bytes]]:
        chunks = begin()
        return chunks, first_pieces(chunks)

    chunks, first = await run_in_threadpool(begun)
    return begun_answer(chunks, first, media_type, headers)


def first_pieces(chunks: Iterator[bytes]) -> list[bytes]:
    """What `begun_answer` wants to have at once; blocks until it is there."""
    return list(islice(chunks, _AT_ONCE + 1))


def begun_answer(
    chunks: Iterator[bytes], first: Sequence[bytes], media_type: str, headers: Mapping[str, str] = {}
) -> Response:
    """What `answer` gives, of an iterator whose first pieces were taken."""
    if len(first) <= _AT_ONCE:
        return Response(b"".join(first), headers=headers, media_type=media_type)
    return StreamingResponse(streamed(chunks, first), headers=headers, media_type=media_type)


async def streamed(chunks: Iterator[bytes], first: Sequence[bytes] = ()) -> AsyncIterator[bytes]:
    """The pieces of a blocking iterator, each waited for in a thread. What the iterator holds (a child process, a
    folder) is let go as soon as the client leaves."""
    try:
        for chunk in first:
            yield chunk
        while more := await run_in_threadpool(_next, chunks):
            yield more[0]
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            with anyio.CancelScope(shield=True):
                await run_in_threadpool(close)


def _next(chunks: Iterator[bytes]) -> list[bytes]:
    """None in the end."""
    return list(islice(chunks, 1))
