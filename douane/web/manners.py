"""What every answer has in common: security headers, a body of ours for a fault of ours, and paths without a slash at
the end meaning the same as with one.
"""

from __future__ import annotations

import re
import secrets
import time
import traceback
from collections.abc import Sequence

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, reset_contextvars

from douane.errors import DouaneError
from douane.flow import audit
from douane.web import headers
from douane.web.auth import Web
from douane.web.bodies import lanes
from douane.web.surface import Surface, of_path

_log = structlog.get_logger()

_ALWAYS = headers.encoded(
    {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
)
# Pages load from here only; answers of the interface load nothing, whatever a browser takes them for.
_PAGE_POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors {frames}; "
    "img-src 'self' data:"
)
_DATA_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
_OF_DATA = headers.encoded({"Content-Security-Policy": _DATA_POLICY, "Cache-Control": "no-store"})
_BY_HTTPS = (b"strict-transport-security", b"max-age=31536000")
# A proxy's own, which is used where it is one: so its log and ours can be read together.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,40}")
# Data that is no surface's.
_DATA = ("/openapi.json", "/metrics", "/healthz", "/readyz")


class Said(Exception):
    """Of an answer that was cut off, once the log has why, with the request's id. Who logs what applications raise
    leaves it out (`server.py`)."""


def _why(fault: Exception) -> dict[str, str]:
    """A failure of our own tree has a sentence, any other a trace. As text: a renderer that shows local variables would
    put people's cells into the log."""
    if isinstance(fault, DouaneError):
        return {"code": fault.code, "message": fault.message}
    return {"trace": traceback.format_exc()}


class _Answer:
    """What goes out. `added`: headers that every answer has which does not say otherwise. `status`: 500 until one is
    known."""

    def __init__(self, send: Send, added: headers.Raw) -> None:
        self._send, self._added = send, added
        self.started, self.status = False, 500

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started, self.status = True, message["status"]
            headers.add_missing(message, self._added)
        await self._send(message)


class Manners:
    """The outermost layer of the application. The first of the surfaces also says what happens on no surface's path."""

    def __init__(self, app: ASGIApp, web: Web, surfaces: Sequence[Surface]) -> None:
        self.app, self._web, self._surfaces = app, web, surfaces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path: str = scope["path"]
        surface = of_path(self._surfaces, path)
        if len(path) > 1 and path.endswith("/") and (surface or path.startswith("/docs")):
            scope = {**scope, "path": path.rstrip("/"), "raw_path": scope.get("raw_path", b"").rstrip(b"/")}
        by_head = surface is not None and surface.head_as_get and not path.endswith(surface.not_by_head)
        if scope["method"] == "HEAD" and by_head:
            # The same answer without its body, which the server leaves out: it still sees the first method.
            scope = {**scope, "method": "GET"}
        asked = headers.first(scope, b"x-request-id") or ""
        request_id = asked if _REQUEST_ID.fullmatch(asked) else secrets.token_hex(8)
        client = scope.get("client")
        begun_at = time.monotonic()
        data = path.startswith(_DATA) or (surface is not None and surface.frames is None)
        frames = "'self'" if surface is None or surface.frames is None else await surface.frames(self._web, scope)
        added = [(b"x-request-id", request_id.encode()), *_ALWAYS]
        added += _OF_DATA if data else headers.encoded({"Content-Security-Policy": _PAGE_POLICY.format(frames=frames)})
        if scope.get("scheme") == "https":
            added.append(_BY_HTTPS)
        answer = _Answer(send, added)
        try:
            said = bind_contextvars(request=request_id)
            try:
                with audit.asking(client[0] if client else "", request_id), lanes.around(scope):
                    await self.app(scope, receive, answer.send)
            finally:
                reset_contextvars(**said)
        except ClientDisconnect:
            # Whoever left in the middle of a body hears nothing any more.
            answer.status = 499
            _log.info("client left", method=scope["method"], path=path)
        except Exception as fault:
            where = {"request": request_id, "method": scope["method"], "path": path}
            if answer.started:
                # Nothing can be said any more: the server cuts the connection, so that nobody takes it for the end.
                _log.error("cut off", **where, **_why(fault))
                raise Said from fault
            _log.error("fault", **where, trace=traceback.format_exc())
            body = (surface or self._surfaces[0]).fault
            await answer.send(
                {
                    "type": "http.response.start",
                    "status": 500,
                    "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))],
                }
            )
            await answer.send({"type": "http.response.body", "body": body})
        finally:
            route = getattr(scope.get("route"), "path", "other")
            self._web.metrics.note(scope["method"], route, answer.status, time.monotonic() - begun_at)
