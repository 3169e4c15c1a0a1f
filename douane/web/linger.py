"""An answer that is given before the whole body came: reading goes on for a while, and what comes is thrown away.

Else the server closes a connection that still holds what it has not read, the system resets it, and whoever is still
sending may lose the answer (RFC 9112, 9.6): behind a proxy a 401 or 413 becomes a 502. Who sends `Expect: 100-continue`
gets the answer before sending anything; nothing of its body is asked for then.
"""

from __future__ import annotations

import asyncio
import contextlib
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from douane.web import headers

LINGER_S = 10.0
LINGER_BYTES = 256 << 20


class Linger:
    """Around everything else of the application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _has_body(scope):
            await self._app(scope, receive, send)
            return
        expects = "100-continue" in (headers.first(scope, b"expect") or "").lower()
        exchange = _Exchange(receive, send, expects=expects)
        await self._app(scope, exchange.receive, exchange.send)


class _Exchange:
    """A request with a body, and its answer. `expects`: the client sends its body when it is asked for it."""

    def __init__(self, receive: Receive, send: Send, *, expects: bool) -> None:
        self._receive, self._send, self._expects = receive, send, expects
        self._whole = self._asked = False

    async def receive(self) -> Message:
        self._asked = True
        message = await self._receive()
        self._whole = message["type"] == "http.disconnect" or not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        ends = message["type"] == "http.response.body" and not message.get("more_body", False)
        if not ends or self._whole or (self._expects and not self._asked):
            await self._send(message)
            return
        # The answer is on its way with this; its end is said when the body is through, or for too long was not.
        await self._send({**message, "more_body": True})
        await _discard(self.receive)
        with contextlib.suppress(OSError):
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})


def _has_body(scope: Scope) -> bool:
    length = headers.first(scope, b"content-length")
    return length not in (None, "", "0") or headers.first(scope, b"transfer-encoding") is not None


async def _discard(receive: Receive) -> None:
    until, left = time.monotonic() + LINGER_S, LINGER_BYTES
    while left > 0 and (wait_s := until - time.monotonic()) > 0:
        try:
            message = await asyncio.wait_for(receive(), wait_s)
        except TimeoutError:
            return
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return
        left -= len(message["body"])
