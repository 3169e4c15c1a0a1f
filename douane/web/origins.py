"""Which pages elsewhere may read an answer: each surface says how far it trusts an origin, for every request anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from douane.web import headers
from douane.web.auth import Trust, Web, own_pages
from douane.web.surface import Surface, of_path

_METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
# Those of the peer, and what our own additions read (contract 2.1).
_HEADERS = [
    "accesskey",
    "Content-Type",
    "x-openreplay-session-token",
    "sentry-trace",
    "baggage",
    "Prefer",
    "If-Match",
    "Last-Event-ID",
    "X-User-Id",
    "X-Auth-Token",
]
_EXPOSED = [
    *("Location", "Retry-After", "Content-Disposition", "ETag"),
    *("Douane-Cursor", "Douane-Upload", "Douane-First", "Douane-Rows", "Douane-Behind"),
]


class Origins:
    def __init__(self, app: ASGIApp, web: Web, surfaces: Sequence[Surface]) -> None:
        usual: dict[str, Any] = {"allow_methods": _METHODS, "allow_headers": _HEADERS, "expose_headers": _EXPOSED}
        self._app, self._web, self._surfaces = app, web, surfaces
        self._trusted: dict[Trust, ASGIApp] = {
            "none": CORSMiddleware(app, allow_origins=[], **usual),
            "keys": CORSMiddleware(app, allow_origin_regex=".*", **usual),
            "cookies": CORSMiddleware(app, allow_origin_regex=".*", allow_credentials=True, **usual),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origin = headers.first(scope, b"origin") if scope["type"] == "http" else None
        if origin is None:
            await self._app(scope, receive, send)
            return
        surface = of_path(self._surfaces, scope["path"])
        trust = await (own_pages if surface is None else surface.origins)(self._web, origin)
        await self._trusted[trust](scope, receive, send)
