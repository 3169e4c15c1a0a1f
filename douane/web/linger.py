"""An answer that is given before the whole body came: reading goes on for a while, and what comes is thrown away.

Else the server closes a connection that still holds what it has not read, the system resets it, and whoever is still
sending may lose the answer (RFC 9112, 9.6): behind a proxy a 401 or 413 becomes a 502. Who sends `Expect: 100-continue`
gets the answer before sending anything; nothing of its body is asked for then.
"""

from __future__ import annotations

import asyncio
import contextlib
import time

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LINGER_S = 10.0
LINGER_BYTES = 256 << 20


class Linger:
    """Around everything else of the application."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _has_body(headers := Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        whole = asked = False

        async def noting() -> Message:
            nonlocal whole, asked
            asked = True
            message = await receive()
            whole = message["type"] == "http.disconnect" or not message.get("more_body", False)
            return message

        async def lingering(message: Message) -> None:
            ends = message["type"] == "http.response.body" and not message.get("more_body", False)
            waits = "100-continue" in headers.get("expect", "").lower() and not asked
            if not ends or whole or waits:
                await send(message)
                return
            # The answer is on its way with this; its end is said when the body is through, or for too long was not.
            await send({**message, "more_body": True})
            await _discard(noting)
            with contextlib.suppress(OSError):
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        await self._app(scope, noting, lingering)


def _has_body(headers: Headers) -> bool:
    return "transfer-encoding" in headers or headers.get("content-length", "0") not in ("", "0")


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
