"""`/api/v1` as one value."""

from __future__ import annotations

from fastapi import FastAPI

from douane.web.auth import Web
from douane.web.chat import answers, imports, messages, pulling, records, sign_in, socket, wire, workspace
from douane.web.chat.callers import Rate
from douane.web.surface import Surface


def _prepare(app: FastAPI, web: Web) -> None:
    settings = web.house.settings
    app.state.chat_rate = Rate(settings.chat_rate_calls, settings.chat_rate_window_s)


SURFACE = Surface(
    prefix="/api/",
    routers=[one.router for one in (sign_in, imports, records, workspace, messages, pulling, socket)],
    refusal=wire.WireError,
    answers=answers,
    fault=b'{"success":false,"error":"Internal server error"}',
    prepare=_prepare,
    schemes={
        "userId": {"type": "apiKey", "in": "header", "name": "X-User-Id"},
        "authToken": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"},
    },
)
