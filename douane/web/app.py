"""The web application: `create_app(settings)` opens the house and puts the surfaces, the pages and the common manners
together. One process, any number of threads; nothing here runs a job.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

from douane import __version__
from douane.errors import DouaneError
from douane.flow.house import open_house
from douane.flow.identity import SignInLimit, unlock
from douane.settings import Settings
from douane.web.auth import Keys, Web, origins, web_of
from douane.web.chat import answers as chat_answers
from douane.web.chat import imports as chat_imports
from douane.web.chat import records as chat_records
from douane.web.chat import sign_in as chat_sign_in
from douane.web.chat import socket as chat_socket
from douane.web.chat import wire as chat_wire
from douane.web.chat import workspace as chat_workspace
from douane.web.chat.callers import Rate
from douane.web.manners import Manners
from douane.web.metrics import MEDIA_TYPE
from douane.web.spreadsheet import answers, common, mapping, projects, review, rows, sign_in, templates, uploads, wire

UI = Path(__file__).parent.parent / "ui"
_DOCS = Path(__file__).parent
_DOCS_FILES = {"docs.js": "text/javascript", "docs.css": "text/css"}
_METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
# Those of the peer, and what our own additions read (contract 2.1).
_HEADERS = [
    "accesskey",
    "Content-Type",
    "x-openreplay-session-token",
    "sentry-trace",
    "baggage",
    "Prefer",
    "Last-Event-ID",
    "X-User-Id",
    "X-Auth-Token",
]
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


def create_app(settings: Settings) -> FastAPI:
    """Opens the database (and brings it to today's schema) and the object store at once: what is wrong with them shows
    when the process starts."""
    house = open_house(settings)
    secrets = unlock(house)
    web = Web(
        house=house,
        secrets=secrets,
        keys=Keys(house, secrets),
        sign_in_limit=SignInLimit(settings.login_tries_max, settings.login_window_s),
    )

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(house.jobs.open)
        yield
        web.closing = True
        await run_in_threadpool(house.jobs.close)
        house.engine.dispose()

    app = FastAPI(
        title="Douane",
        version=__version__,
        summary="Check other people's files, mend them, and pull clean data.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
        lifespan=lifespan,
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origins=[settings.address, *origins(settings.web_origins)],
                allow_credentials=True,
                allow_methods=_METHODS,
                allow_headers=_HEADERS,
                expose_headers=["Location", "Retry-After", "Content-Disposition"],
            ),
            Middleware(GZipMiddleware, minimum_size=1000, compresslevel=1, exclude_content_types=_NOT_COMPRESSED),
        ],
        exception_handlers={
            wire.WireError: answers.wire_error,
            chat_wire.WireError: chat_answers.wire_error,
            DouaneError: _by_surface(answers.core_error, chat_answers.core_error),
            OSError: _by_surface(answers.system_error, chat_answers.system_error),
            HTTPException: _by_surface(answers.http_error, chat_answers.http_error),
        },
    )
    app.state.web = web
    app.state.chat_rate = Rate(settings.chat_rate_calls, settings.chat_rate_window_s)
    for surface in (sign_in, projects, templates, uploads, rows, mapping, review, common):
        app.include_router(surface.router)
    for surface in (chat_sign_in, chat_imports, chat_records, chat_workspace, chat_socket):
        app.include_router(surface.router)
    _add_pages(app)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    # Outermost of all, so that also errors of the layers within get headers and a body of ours.
    app.add_middleware(Manners)
    return app


Answer = Callable[[Request, Exception], Coroutine[Any, Any, Response]]


def _by_surface(spreadsheet: Answer, chat: Answer) -> Answer:
    """A failure in the words of the surface it happened on."""

    async def answer(request: Request, problem: Exception) -> Response:
        return await (chat if request.url.path.startswith("/api/") else spreadsheet)(request, problem)

    return answer


def _add_pages(app: FastAPI) -> None:
    async def first_page(_request: Request) -> Response:
        return FileResponse(UI / "index.html", media_type="text/html")

    async def metrics(request: Request) -> Response:
        web = web_of(request)
        return Response(await run_in_threadpool(web.metrics.text, web.house), media_type=MEDIA_TYPE)

    async def docs(_request: Request) -> Response:
        return FileResponse(_DOCS / "docs.html", media_type="text/html")

    async def docs_file(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _DOCS_FILES:
            raise HTTPException(404)
        return FileResponse(_DOCS / name, media_type=_DOCS_FILES[name])

    app.add_route("/", first_page, include_in_schema=False)
    app.add_route("/metrics", metrics, include_in_schema=False)
    app.add_route("/docs", docs, include_in_schema=False)
    app.add_route("/docs/{name}", docs_file, include_in_schema=False)
    app.mount("/ui", StaticFiles(directory=UI, check_dir=False))


def _openapi(app: FastAPI) -> dict[str, Any]:
    """What every route answers, with the documents' schemas and the two ways to say who asks."""
    if app.openapi_schema:
        return app.openapi_schema
    document = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas.update(answers.components())
    document["components"]["securitySchemes"] = {
        "accessKey": {"type": "apiKey", "in": "header", "name": "accesskey"},
        "signIn": {"type": "apiKey", "in": "cookie", "name": "authentication"},
        "userId": {"type": "apiKey", "in": "header", "name": "X-User-Id"},
        "authToken": {"type": "apiKey", "in": "header", "name": "X-Auth-Token"},
    }
    for path, operations in document["paths"].items():
        for operation in operations.values():
            # The framework's own validation never answers: endpoints judge what they read.
            if "HTTPValidationError" in str(operation["responses"].get("422", "")):
                del operation["responses"]["422"]
            if path.startswith("/v1/") and path not in ("/v1/auth/login", "/v1/health-check"):
                operation["security"] = [{"accessKey": []}, {"signIn": []}]
    app.openapi_schema = document
    return document
