"""The widget's pages: the embed script that a host page loads, and the page in its frame.

They are files as they stand in `ui/`. What the widget does it does over `/v1`, as any client could.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from douane.web import ui
from douane.web.auth import Web
from douane.web.spreadsheet import answers, wire
from douane.web.surface import Surface

_EMBED = ("embed.umd.min.js", "douane.js", "douane.d.ts")

router = APIRouter(include_in_schema=False)


@router.get("/widget")
async def read_widget(request: Request) -> Response:
    return _page(request)


@router.get("/i/{token}")
async def read_link(request: Request) -> Response:
    """The page behind an import link: it asks by itself what the link is good for, so that whoever only looks at the
    address (a mail program does) uses nothing up."""
    answer = _page(request)
    # The address is the secret.
    answer.headers["Referrer-Policy"] = "same-origin"
    answer.headers["X-Robots-Tag"] = "noindex"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _page(request: Request) -> Response:
    answer = ui.FILES.page(request, "widget/index.html")
    # A page that has to be isolated (`Cross-Origin-Embedder-Policy`) shows frames only that are so themselves.
    answer.headers["Cross-Origin-Embedder-Policy"] = "require-corp"
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer


def _script(name: str) -> None:
    async def read_script(request: Request) -> Response:
        # Loaded by pages of other origins, as a module too; it is the same for everybody.
        answer = ui.FILES.file(request, name)
        answer.headers["Access-Control-Allow-Origin"] = "*"
        answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return answer

    router.add_api_route(f"/{name}", read_script, methods=["GET"])


for _name in _EMBED:
    _script(_name)


async def _frames(web: Web, _scope: Mapping[str, Any]) -> str:
    return await web.domains.framing()


SURFACE = Surface(
    prefix="/widget",
    routers=[router],
    refusal=wire.WireError,
    answers=answers,
    fault=b'{"statusCode":500,"message":"Internal server error"}',
    frames=_frames,
)
