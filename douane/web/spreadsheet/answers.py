"""How `/v1` answers: encoding, error answers, and the description of it all for OpenAPI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from douane.errors import DouaneError, StorageFull, no_room
from douane.flow.revisions import ChangedMeanwhile
from douane.web.bodies import NotJson
from douane.web.spreadsheet import wire

_log = structlog.get_logger()

_COMPONENTS = "#/components/schemas/{name}"


def json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer of documents, plain data, or both."""
    return Response(encode(value), status, headers, media_type="application/json")


def encode(value: Any) -> bytes:
    return msgspec.json.encode(value)


def encoded(body: bytes, status: int = 200) -> Response:
    """JSON that was encoded in another thread already."""
    return Response(body, status, media_type="application/json")


def empty(status: int = 200) -> Response:
    """What a handler of the peer answers that returns nothing (2.1)."""
    return Response(None, status)


def error(problem: wire.WireError) -> Response:
    return json(problem.body(), problem.status, problem.headers)


async def wire_error(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, wire.WireError)
    return error(problem)


async def core_error(request: Request, problem: Exception) -> Response:
    assert isinstance(problem, DouaneError)
    if isinstance(problem, ChangedMeanwhile):
        return json(wire.overtaken(problem), 412, {"ETag": f'"{problem.revision}"'})
    shown = wire.from_error(problem)
    if shown.status >= 500:
        _log.warning("refused", path=request.url.path, code=problem.code, message=problem.message)
    if isinstance(problem, NotJson):
        shown = wire.WireError(400, problem.message)
    return error(shown)


async def system_error(request: Request, problem: Exception) -> Response:
    """A full disk that nobody has put into words yet; any other is a fault of ours."""
    if no_room(problem):
        return await core_error(request, StorageFull("The disk is full; nothing was kept."))
    raise problem


async def http_error(request: Request, problem: Exception) -> Response:
    """Unknown paths and methods, in the peer's words."""
    assert isinstance(problem, HTTPException)
    headers = dict(problem.headers or {})
    if problem.status_code == 404:
        return error(wire.WireError(404, f"Cannot {request.method} {request.url.path}", headers=headers))
    return error(wire.WireError(problem.status_code, str(problem.detail), None, headers=headers))


# Descriptions


_MEANINGS = {
    200: "Done",
    201: "Done",
    202: "Begun; the work goes on",
    204: "Nothing more to say",
    400: "The request makes no sense, or not at this stage",
    401: "Not signed in, or the access key is unknown",
    403: "Not allowed in this project",
    404: "No such thing in this project",
    406: "It leaves in none of the forms that Accept names",
    409: "It exists already, or something would be lost that nobody agreed to lose",
    412: "Somebody else changed the same cells since the revision that If-Match names",
    413: "Larger than a setting allows",
    422: "Cannot be worked with",
    429: "Too many tries",
    500: "A fault of the server",
    503: "Try again in a moment",
    507: "No room left",
}
_described: dict[str, Any] = {}


def says(
    answer: Any = None,
    *errors: int,
    status: int = 200,
    body: Mapping[str, Any] | None = None,
    also: Mapping[int, Any] | None = None,
    media: Mapping[str, Any] | None = None,
    query: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Arguments of a route that describe it: the type of a good answer (None: empty), the statuses of bad ones, the
    schema of the body it reads, further answers, other media types of the good one, and what it reads of the query."""
    good: dict[str, Any] = {"description": _MEANINGS[status]}
    content = dict(media or {})
    if answer is not None:
        content["application/json"] = {"schema": schema_of(answer)}
    if content:
        good["content"] = content
    responses: dict[int | str, Any] = {status: good}
    responses.update((code, given) for code, given in (also or {}).items())
    # Any answer may also be that the database is away, or a fault of ours.
    for code in sorted({*errors, 500, 503} - responses.keys()):
        responses[code] = {
            "description": _MEANINGS[code],
            "content": {"application/json": {"schema": schema_of(wire.ErrorBody)}},
        }
    extra: dict[str, Any] = {}
    if body is not None:
        extra["requestBody"] = {"content": {kind: {"schema": schema} for kind, schema in body.items()}}
    if query:
        extra["parameters"] = [
            {"name": name, "in": "query", "required": False, "schema": {"type": kind}} for name, kind in query.items()
        ]
    return {
        "status_code": status,
        "responses": responses,
        "response_model": None,
        "response_class": Response,
        "openapi_extra": extra or None,
    }


def described(code: int, answer: Any) -> dict[str, Any]:
    """A bad answer that says more than an error does."""
    return {"description": _MEANINGS[code], "content": {"application/json": {"schema": schema_of(answer)}}}


def schema_of(kind: Any) -> dict[str, Any]:
    """Of a type, or of several in a tuple, any of which may be answered."""
    if isinstance(kind, tuple):
        return {"anyOf": [schema_of(one) for one in kind]}
    (schema,), components = msgspec.json.schema_components([kind], ref_template=_COMPONENTS)
    _described.update(components)
    return schema


def components() -> dict[str, Any]:
    """The schemas of all documents that routes answer."""
    return dict(sorted(_described.items()))
