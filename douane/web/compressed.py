"""Answers that are packed for who can unpack them. The framework's layer does it; who asks for none, as programs on the
same machine do, is told that others get them packed, and passes by.
"""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from douane.web import headers

_MINIMUM_BYTES = 1000
# Streams that are as small as they get, or that must not wait for a block to fill.
_NOT_COMPRESSED = (
    *DEFAULT_EXCLUDED_CONTENT_TYPES,
    "text/csv",
    "application/x-ndjson",
    "application/vnd.apache.arrow.stream",
    "application/vnd.apache.parquet",
    "application/octet-stream",
    "application/vnd.ms-excel",
    "application/vnd.ms-excel.sheet.macroenabled.12",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)


class Compressed(GZipMiddleware):
    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app, _MINIMUM_BYTES, 1, exclude_content_types=_NOT_COMPRESSED)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and "gzip" not in (headers.first(scope, b"accept-encoding") or ""):
            await self.app(scope, receive, _AsItIs(send).send)
            return
        await super().__call__(scope, receive, send)


class _AsItIs:
    """Waits with the beginning of an answer that could be packed for its first piece: what is short never is."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._begun: Message | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _would_be_packed(message):
            self._begun = message
            return
        if (begun := self._begun) is not None:
            self._begun = None
            packed = len(message.get("body", b"")) >= _MINIMUM_BYTES or message.get("more_body", False)
            if message["type"] == "http.response.body" and packed:
                MutableHeaders(raw=begun["headers"]).add_vary_header("Accept-Encoding")
            await self._send(begun)
        await self._send(message)


def _would_be_packed(begun: Message) -> bool:
    if begun["status"] == 206:
        return False
    kind = ""
    for name, value in begun.setdefault("headers", []):
        if name == b"content-encoding":
            return False
        if name == b"content-type" and not kind:
            kind = str(value, "latin-1").partition(";")[0].strip().lower()
    family = kind.partition("/")[0]
    return not (kind in _NOT_COMPRESSED or f"{family}/*" in _NOT_COMPRESSED or kind.startswith("application/grpc+"))
