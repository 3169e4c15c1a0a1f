"""Long answers: what breaks off never looks complete, and what they hold is let go when the client leaves."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Iterator

import pytest
from starlette.responses import StreamingResponse
from starlette.types import Message
from structlog.testing import capture_logs

from douane.errors import StorageFull
from douane.web import server
from douane.web.manners import Said
from douane.web.streams import Piece, answer, begun_answer, first_pieces, streamed
from tests.web.conftest import Site, message


class Held:
    """An iterator that holds something, as an export holds its child process."""

    def __init__(self, pieces: list[bytes | Exception]) -> None:
        self.pieces = pieces
        self.closed = False

    def run(self) -> Iterator[bytes]:
        try:
            for piece in self.pieces:
                if isinstance(piece, Exception):
                    raise piece
                yield piece
        finally:
            self.closed = True


def test_all_pieces_come_in_order() -> None:
    async def read() -> list[Piece]:
        return [piece async for piece in streamed(Held([b"b", b"c"]).run(), [b"a"])]

    assert asyncio.run(read()) == [b"a", b"b", b"c"]


def test_what_is_short_comes_at_once_and_what_fails_early_as_an_error() -> None:
    short, long = Held([b"a", b"b"]), Held([b"a", b"b", b"c", b"d"])
    at_once = asyncio.run(answer(short.run, "text/csv", {"x": "y"}))
    assert (at_once.body, at_once.headers["content-length"], at_once.headers["x"], short.closed) == (
        b"ab",
        "2",
        "y",
        True,
    )
    streaming = asyncio.run(answer(long.run, "text/csv"))
    assert isinstance(streaming, StreamingResponse)
    assert not long.closed

    async def rest() -> list[bytes]:
        return [bytes(piece) async for piece in streaming.body_iterator]  # type: ignore[arg-type]

    assert asyncio.run(rest()) == [b"a", b"b", b"c", b"d"]
    with pytest.raises(StorageFull):
        asyncio.run(answer(Held([b"a", StorageFull("No room.")]).run, "text/csv"))


def test_what_is_whole_leaves_in_its_pieces_with_its_length() -> None:
    pieces: list[Piece] = [b"a" * 40_000, memoryview(b"b" * 40_000), b"c" * 20_000]

    def sent(at_once_bytes: int) -> list[Message]:
        chunks = iter(pieces)
        made = begun_answer(chunks, first_pieces(chunks, at_once_bytes), "text/csv", {"x": "y"})
        messages: list[Message] = []

        async def send(one: Message) -> None:
            messages.append(one)

        async def receive() -> Message:
            await asyncio.sleep(60)
            raise AssertionError

        asyncio.run(made({"type": "http", "method": "GET", "asgi": {"spec_version": "2.4"}}, receive, send))
        return messages

    start, *bodies = sent(100_000)
    headers = dict(start["headers"])
    assert (headers[b"content-length"], headers[b"x"], headers[b"content-type"]) == (
        b"100000",
        b"y",
        b"text/csv; charset=utf-8",
    )
    assert [(len(one["body"]), one["more_body"]) for one in bodies] == [(40_000, True), (40_000, True), (20_000, False)]
    assert b"".join(one["body"] for one in bodies) == b"".join(pieces)
    # What is not wholly there goes as it comes.
    start, *bodies = sent(0)
    assert b"content-length" not in dict(start["headers"])
    assert b"".join(one["body"] for one in bodies) == b"".join(pieces)


def test_a_client_that_leaves_ends_what_it_asked_for() -> None:
    held = Held([b"a", b"b", b"c"])

    async def leave() -> None:
        pieces = streamed(held.run())
        assert await anext(pieces) == b"a"
        assert not held.closed
        await pieces.aclose()

    asyncio.run(leave())
    assert held.closed


def test_a_result_that_breaks_off_cuts_the_connection(sqlite_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    client = sqlite_site.client
    upload_id = client.post(f"/v1/upload/{sqlite_site.made.template_id}", json={}).json()["_id"]
    address, wanted = f"/v1/upload/{upload_id}/rows/valid", {"accept": "text/csv"}
    held = Held([b"id\r\n", b"C001\r\n", b"C002\r\n", RuntimeError("the child died")])
    monkeypatch.setattr("douane.flow.records.encoded", lambda *_: held.run())
    # The server under test hands on what the application raises; a real one closes the connection without an end.
    with capture_logs() as logged, pytest.raises(Said) as cut:
        client.get(address, headers={**wanted, "x-request-id": "of-this-one"})
    assert held.closed
    assert str(cut.value.__cause__) == "the child died"
    [line] = [line for line in logged if line["event"] == "cut off"]
    assert (line["request"], line["path"]) == ("of-this-one", address)
    assert "RuntimeError: the child died" in line["trace"]
    # It has been said: the server's own log has no second, without the request.
    record = logging.LogRecord("uvicorn.error", 40, "", 0, "Exception", (), (Said, cut.value, None))
    assert not server._unsaid(record)
    assert server._unsaid(logging.LogRecord("uvicorn.error", 40, "", 0, "Exception", (), (None, None, None)))

    failing = Held([StorageFull("No room.")])
    monkeypatch.setattr("douane.flow.records.encoded", lambda *_: failing.run())
    assert message(client.get(address, headers=wanted)) == (507, "No room.")
    nowhere = Held([OSError(errno.ENOSPC, "No space left on device")])
    monkeypatch.setattr("douane.flow.records.encoded", lambda *_: nowhere.run())
    assert message(client.get(address, headers=wanted)) == (507, "The disk is full; nothing was kept.")
