"""The web application: `create_app(settings)` opens the house and puts the surfaces, the pages and the common manners
together. One process, any number of threads; nothing here runs a job.
"""

from __future__ import annotations

import contextlib
import hmac
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from douane import __version__
from douane.errors import DouaneError
from douane.flow.health import Readiness
from douane.flow.house import open_house
from douane.flow.identity import unlock
from douane.flow.sign_in_limit import SignInLimit
from douane.settings import Settings
from douane.web import ui, widget
from douane.web.auth import Domains, Keys, Web, web_of
from douane.web.chat import surface as chat
from douane.web.compressed import Compressed
from douane.web.direct import Direct
from douane.web.linger import Linger
from douane.web.manners import Manners
from douane.web.metrics import MEDIA_TYPE
from douane.web.origins import Origins
from douane.web.spreadsheet import surface as spreadsheet
from douane.web.surface import Answer, Answers, Surface, of_path

_DOCS = Path(__file__).parent
_DOCS_FILES = {"docs.js": "text/javascript", "docs.css": "text/css"}
# What is answered, in this order: the words of the first are used where a path is nobody's.
SURFACES = (spreadsheet.SURFACE, chat.SURFACE, widget.SURFACE)


def create_app(settings: Settings, surfaces: Sequence[Surface] = SURFACES) -> FastAPI:
    """Opens the database (and brings it to today's schema) and the object store at once: what is wrong with them shows
    when the process starts."""
    house = open_house(settings)
    secrets = unlock(house)
    web = Web(
        house=house,
        secrets=secrets,
        keys=Keys(house, secrets),
        domains=Domains(house),
        sign_in_limit=SignInLimit(house, secrets),
        readiness=Readiness(house),
    )

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(house.jobs.open)
        yield
        web.closing = True
        await run_in_threadpool(house.jobs.close)
        house.engine.dispose()

    handlers: dict[Any, Any] = {
        **{surface.refusal: surface.answers.wire_error for surface in surfaces},
        DouaneError: _by_surface(surfaces, lambda answers: answers.core_error),
        OSError: _by_surface(surfaces, lambda answers: answers.system_error),
        HTTPException: _by_surface(surfaces, lambda answers: answers.http_error),
    }
    # The outermost first, so that also errors of the layers within get headers and a body of ours.
    layers = [
        Middleware(Linger),
        Middleware(Manners, web=web, surfaces=surfaces),
        Middleware(Origins, web=web, surfaces=surfaces),
        Middleware(Compressed),
    ]
    app = _Application(
        direct=Direct(surfaces, handlers),
        layers=layers,
        title="Douane",
        version=__version__,
        summary="Check other people's files, mend them, and pull clean data.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
        lifespan=lifespan,
        middleware=layers,
        exception_handlers=handlers,
    )
    app.state.web = web
    # First of all addresses: a page asks for some dozen files.
    app.mount("/ui", ui.FILES)
    for surface in surfaces:
        if surface.prepare is not None:
            surface.prepare(app, web)
        for router in surface.routers:
            app.include_router(router)
            web.addresses.update(getattr(route, "path", "") for route in router.routes)
    _add_pages(app)
    app.openapi = lambda: _openapi(app, surfaces)  # type: ignore[method-assign]
    return app


class _Application(FastAPI):
    """What has a way of its own gets there through our layers alone, all else through those and the framework's."""

    def __init__(self, direct: Direct, layers: Sequence[Middleware], **given: Any) -> None:
        super().__init__(**given)
        self._direct = direct
        self._short: ASGIApp = direct
        for layer in reversed(layers):
            self._short = layer.cls(self._short, *layer.args, **layer.kwargs)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._direct.knows(scope):
            scope["app"] = self
            await self._short(scope, receive, send)
            return
        await super().__call__(scope, receive, send)


def _by_surface(surfaces: Sequence[Surface], choose: Callable[[Answers], Answer]) -> Answer:
    """A failure in the words of the surface it happened on."""

    async def answer(request: Request, problem: Exception) -> Response:
        surface = of_path(surfaces, request.url.path) or surfaces[0]
        return await choose(surface.answers)(request, problem)

    return answer


def _add_pages(app: FastAPI) -> None:
    async def first_page(request: Request) -> Response:
        return ui.FILES.page(request, "index.html")

    async def metrics(request: Request) -> Response:
        web = web_of(request)
        token = web.house.settings.metrics_token.get_secret_value()
        if token == "off":
            raise HTTPException(404)
        if token and not hmac.compare_digest(
            request.headers.get("authorization", "").encode(), f"Bearer {token}".encode()
        ):
            return PlainTextResponse("Unauthorized", 401, {"WWW-Authenticate": "Bearer"})
        return Response(await run_in_threadpool(web.metrics.text, web.house, web.readiness), media_type=MEDIA_TYPE)

    async def healthz(_request: Request) -> Response:
        """This process answers; whether the house is well is for `readyz`, or a supervisor would end it for others'
        faults."""
        return JSONResponse({"status": "ok"})

    async def readyz(request: Request) -> Response:
        """200 where an upload would get its headings."""
        parts = await run_in_threadpool(web_of(request).readiness.parts)
        good = all(part.good for part in parts.values()) and not web_of(request).closing
        shown = {name: {"status": "up" if part.good else "down", "says": part.says} for name, part in parts.items()}
        return JSONResponse({"status": "ok" if good else "error", "parts": shown}, 200 if good else 503)

    async def docs(_request: Request) -> Response:
        return FileResponse(_DOCS / "docs.html", media_type="text/html")

    async def docs_file(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _DOCS_FILES:
            raise HTTPException(404)
        return FileResponse(_DOCS / name, media_type=_DOCS_FILES[name])

    app.add_route("/", first_page, include_in_schema=False)
    app.add_route("/metrics", metrics, include_in_schema=False)
    app.add_route("/healthz", healthz, include_in_schema=False)
    app.add_route("/readyz", readyz, include_in_schema=False)
    app.add_route("/docs", docs, include_in_schema=False)
    app.add_route("/docs/{name}", docs_file, include_in_schema=False)


def _openapi(app: FastAPI, surfaces: Sequence[Surface]) -> dict[str, Any]:
    """What every route answers, with the documents' schemas and the ways to say who asks."""
    if app.openapi_schema:
        return app.openapi_schema
    document = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    document["components"]["securitySchemes"] = {}
    for surface in surfaces:
        schemas.update(surface.components())
        document["components"]["securitySchemes"].update(surface.schemes)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            # The framework's own validation never answers: endpoints judge what they read.
            if "HTTPValidationError" in str(operation["responses"].get("422", "")):
                del operation["responses"]["422"]
            surface_of = of_path(surfaces, path)
            if surface_of is not None and surface_of.security and path not in surface_of.open_paths:
                operation["security"] = list(surface_of.security)
    app.openapi_schema = document
    return document
