"""Long answers, a piece at a time; short ones at once."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

Piece = bytes | memoryview

# A list of one piece comes as that and its end.
_AT_ONCE = 2
_JOINED_BYTES = 64 << 10  # more than that is cheaper sent in pieces than joined


class First(NamedTuple):
    """What was taken of an iterator, and whether that is all of it."""

    pieces: Sequence[Piece]
    whole: bool


async def answer(begin: Callable[[], Iterator[bytes]], media_type: str, headers: Mapping[str, str] = {}) -> Response:
    """The pieces of the iterator that `begin`, which may block, gives. The first ones are waited for: what fails before
    them is answered as an error, what fails later cuts the connection, so that a result never looks complete and is
    not. Who needs no more than they are costs one turn in a thread."""

    def begun() -> tuple[Iterator[bytes], First]:
        chunks = begin()
        return chunks, first_pieces(chunks)

    chunks, first = await run_in_threadpool(begun)
    return begun_answer(chunks, first, media_type, headers)


def first_pieces(chunks: Iterator[Piece], at_once_bytes: int = 0) -> First:
    """What `begun_answer` wants to have at once; blocks until it is there. Of what has more than a few pieces,
    `at_once_bytes` at least."""
    pieces: list[Piece] = []
    size = 0
    for piece in chunks:
        pieces.append(piece)
        size += len(piece)
        if len(pieces) > _AT_ONCE and size > at_once_bytes:
            return First(pieces, whole=False)
    return First(pieces, whole=True)


def begun_answer(chunks: Iterator[Piece], first: First, media_type: str, headers: Mapping[str, str] = {}) -> Response:
    """What `answer` gives, of an iterator whose first pieces were taken."""
    if not first.whole:
        return StreamingResponse(streamed(chunks, first.pieces), headers=headers, media_type=media_type)
    if len(first.pieces) > 1 and sum(map(len, first.pieces)) > _JOINED_BYTES:
        return _Pieces(first.pieces, headers, media_type)
    return Response(b"".join(first.pieces), headers=headers, media_type=media_type)


class _Pieces(Response):
    """A whole answer, of known length, whose pieces nobody joins."""

    def __init__(self, pieces: Sequence[Piece], headers: Mapping[str, str], media_type: str) -> None:
        self._pieces = pieces
        length = {"Content-Length": str(sum(map(len, pieces)))}
        super().__init__(None, headers={**headers, **length}, media_type=media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        last = len(self._pieces) - 1
        for at, piece in enumerate(self._pieces):
            await send({"type": "http.response.body", "body": piece, "more_body": at < last})


async def streamed(chunks: Iterator[Piece], first: Sequence[Piece] = ()) -> AsyncGenerator[Piece]:
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


def _next(chunks: Iterator[Piece]) -> list[Piece]:
    """None in the end."""
    return list(islice(chunks, 1))
