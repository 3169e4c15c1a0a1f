"""What every answer has in common: security headers, a body of ours for a fault of ours, and paths without a slash at
the end meaning the same as with one.
"""

from __future__ import annotations

import time
import traceback

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = structlog.get_logger()

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
# Pages load from here only; answers of the interface load nothing, whatever a browser takes them for.
_PAGE_POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'; "
    "img-src 'self' data:"
)
_DATA_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
# Without an end, or not to be done by looking.
_NOT_BY_HEAD = ("/events", "/regenerate", "/logout")
_FAULT = b'{"statusCode":500,"message":"Internal server error"}'
_CHAT_FAULT = b'{"success":false,"error":"Internal server error"}'


class Manners:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path: str = scope["path"]
        if len(path) > 1 and path.endswith("/") and path.startswith(("/v1/", "/api/", "/docs")):
            scope = {**scope, "path": path.rstrip("/"), "raw_path": scope.get("raw_path", b"").rstrip(b"/")}
        if scope["method"] == "HEAD" and path.startswith("/v1/") and not path.endswith(_NOT_BY_HEAD):
            # The same answer without its body, which the server leaves out: it still sees the first method.
            scope = {**scope, "method": "GET"}
        started = False
        status, begun_at = 500, time.monotonic()

        async def polite(message: Message) -> None:
            nonlocal started, status
            if message["type"] == "http.response.start":
                started, status = True, message["status"]
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                for name, value in _ALWAYS.items():
                    headers.setdefault(name, value)
                data = path.startswith(("/v1/", "/api/", "/openapi.json", "/metrics"))
                headers.setdefault("Content-Security-Policy", _DATA_POLICY if data else _PAGE_POLICY)
                if data:
                    headers.setdefault("Cache-Control", "no-store")
                if scope.get("scheme") == "https":
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
            await send(message)

        try:
            await self.app(scope, receive, polite)
        except ClientDisconnect:
            # Whoever left in the middle of a body hears nothing any more.
            status = 499
            _log.info("client left", method=scope["method"], path=path)
        except Exception:
            if started:
                # Nothing can be said any more: the server cuts the connection, so that nobody takes it for the end.
                raise
            # As text: a renderer that shows local variables would put people's cells into the log.
            _log.error("fault", method=scope["method"], path=path, trace=traceback.format_exc())
            body = _CHAT_FAULT if path.startswith("/api/") else _FAULT
            await polite(
                {
                    "type": "http.response.start",
                    "status": 500,
                    "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))],
                }
            )
            await polite({"type": "http.response.body", "body": body})
        finally:
            route = getattr(scope.get("route"), "path", "other")
            scope["app"].state.web.metrics.note(scope["method"], route, status, time.monotonic() - begun_at)
