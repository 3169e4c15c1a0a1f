"""How `/api/v1` answers: the success wrapper, errors, and the description of it all for OpenAPI (contract 2.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from douane.errors import DouaneError, StorageFull, no_room
from douane.web.chat import wire

_log = structlog.get_logger()
_HEADERS = {"Cache-Control": "no-store", "Pragma": "no-cache"}


def json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`value` as it is."""
    body = msgspec.json.encode(value)
    return Response(body, status, {**_HEADERS, **(headers or {})}, media_type="application/json")


def success(value: Mapping[str, Any] | None = None) -> Response:
    """An object with `"success": true` as its last key."""
    return json({**(value or {}), "success": True})


def refusal(problem: wire.WireError) -> Response:
    return json(problem.body, problem.status, problem.headers)


async def wire_error(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, wire.WireError)
    answer = refusal(problem)
    answer.headers.update(getattr(request.state, "rate_headers", {}))
    return answer


async def core_error(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, DouaneError)
    shown = wire.from_error(problem)
    if shown.status >= 500:
        _log.warning("refused", path=request.url.path, code=problem.code, message=problem.message)
    return refusal(shown)


async def system_error(request: Request, problem: Exception) -> Response:
    if no_room(problem):
        return await core_error(request, StorageFull("The disk is full; nothing was kept."))
    raise problem


async def http_error(request: Request, problem: Exception) -> Response:
    """Unknown paths and methods. OPTIONS on any path is answered OK (2.1)."""
    assert isinstance(problem, HTTPException)
    if request.method == "OPTIONS":
        return Response("OK", 200, _HEADERS, media_type="text/plain")
    text = "API endpoint not found" if problem.status_code == 404 else str(problem.detail)
    return json({"success": False, "error": text}, problem.status_code, problem.headers)


_BYTES = {"type": "string", "format": "binary"}
_OBJECT = {"type": "object", "properties": {"success": {"type": "boolean"}}, "additionalProperties": True}
_MEANINGS = {
    200: "Done",
    400: "The request makes no sense, or not at this stage",
    401: "Not signed in",
    403: "Not allowed in this project",
    404: "No such thing in this project",
    413: "Larger than a setting allows",
    429: "Too many requests",
    500: "A fault of the server",
    503: "Try again in a moment",
    507: "No room left",
}


def says(
    *errors: int,
    body: Mapping[str, Any] | None = None,
    bare: bool = False,
    media: tuple[str, ...] = (),
    query: Mapping[str, str] | None = None,
    required: tuple[str, ...] = (),
    open_to_all: bool = False,
) -> dict[str, Any]:
    """Arguments of a route that describe it: statuses of bad answers, the schema of its body, whether a bare array is
    answered, other media types of the good answer, and what it reads of the query."""
    good: dict[str, Any] = {
        "application/json": {"schema": {"type": "array", "items": {"type": "object"}} if bare else _OBJECT}
    }
    # Events are no one document that a schema could describe.
    good.update({kind: {} if kind == "text/event-stream" else {"schema": _BYTES} for kind in media})
    responses: dict[int | str, Any] = {200: {"description": _MEANINGS[200], "content": good}}
    usual = {500, 503} if open_to_all else {401, 403, 429, 500, 503}
    for code in sorted({*errors, *usual}):
        responses[code] = {"description": _MEANINGS[code], "content": {"application/json": {"schema": _OBJECT}}}
    extra: dict[str, Any] = {"security": [] if open_to_all else [{"userId": [], "authToken": []}]}
    if body is not None:
        extra["requestBody"] = {
            "content": {
                "application/json": {"schema": body},
                "application/x-www-form-urlencoded": {"schema": body},
            }
        }
    if query:
        extra["parameters"] = [
            {"name": name, "in": "query", "required": name in required, "schema": {"type": kind}}
            for name, kind in query.items()
        ]
    return {
        "responses": responses,
        "response_model": None,
        "response_class": Response,
        "openapi_extra": extra,
    }
