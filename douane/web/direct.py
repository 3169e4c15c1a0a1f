"""Requests on their way straight to their endpoints. All of ours read the request themselves and answer with a whole
response; so a path can be looked up, and who asks be found, in a tenth of the time that the framework's router, its
dependencies and its layers take. Those that want more of the framework, and paths that are nobody's, go its way, and
what is answered is the same on either.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_type_hints

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import Message, Receive, Scope, Send

from douane.web.surface import Surface

Handler = Callable[[Request, Exception], Awaitable[Response]]

_PARAMETER = re.compile(r"\{(\w+)\}")
_FOUND = "douane.direct"


@dataclass(frozen=True, slots=True)
class _Route:
    """`literals`: (place, text) of a path's segments; `parameters`: (place, name). `plan`: how it is called; None = by
    the framework."""

    literals: tuple[tuple[int, str], ...]
    parameters: tuple[tuple[int, str], ...]
    route: BaseRoute
    plan: _Plan | None


@dataclass(frozen=True, slots=True)
class _Plan:
    """`request`: the name under which the endpoint takes the request. `given`: by name what gives the other arguments,
    each of the request alone."""

    endpoint: Callable[..., Awaitable[Response]]
    request: str | None
    given: tuple[tuple[str, str, Callable[..., Awaitable[Any]]], ...]


class Direct:
    """The routes of all surfaces, looked through in their order as the framework does. `handlers`: by the class of an
    exception, what answers it."""

    def __init__(self, surfaces: Sequence[Surface], handlers: Mapping[Any, Any]) -> None:
        self._handlers: dict[type[Exception], Handler] = dict(handlers)
        self._by_shape: dict[tuple[str, int], list[_Route]] = {}
        self._other: list[re.Pattern[str]] = []
        for surface in surfaces:
            for router in surface.routers:
                for route in router.routes:
                    self._add(route)

    def _add(self, route: BaseRoute) -> None:
        path, pattern = getattr(route, "path", ""), getattr(route, "path_regex", None)
        if not isinstance(route, APIRoute):
            if getattr(route, "methods", None) and pattern is not None:
                self._other.append(pattern)
            return  # a socket is no request
        literals, parameters = [], []
        for place, segment in enumerate(path.split("/")):
            if (found := _PARAMETER.fullmatch(segment)) is not None:
                parameters.append((place, found[1]))
            elif "{" in segment:
                self._other.append(route.path_regex)
                return
            else:
                literals.append((place, segment))
        made = _Route(tuple(literals), tuple(parameters), route, _plan(route))
        for method in route.methods or ():
            self._by_shape.setdefault((method, path.count("/")), []).append(made)

    def knows(self, scope: Scope) -> bool:
        """Whether it has a way for this request; it is noted there."""
        path: str = scope["path"]
        shape = self._by_shape.get((scope["method"], path.count("/")))
        if shape is None or scope.get("root_path") or any(other.match(path) for other in self._other):
            return False
        segments = path.split("/")
        for one in shape:
            if all(segments[place] == text for place, text in one.literals) and all(
                segments[place] for place, _ in one.parameters
            ):
                if one.plan is None:
                    return False
                scope[_FOUND] = one
                scope["path_params"] = {name: segments[place] for place, name in one.parameters}
                scope["route"] = one.route
                return True
        return False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers what `knows` found a way for."""
        found: _Route = scope[_FOUND]
        request, answer, started = Request(scope, receive, send), None, False

        async def sent(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            assert found.plan is not None
            answer = await _called(found.plan, request)
            await answer(scope, receive, sent)
        except Exception as problem:
            handler = next((self._handlers[one] for one in type(problem).__mro__ if one in self._handlers), None)
            if handler is None:
                raise
            if started:
                raise RuntimeError("The answer was begun when it failed.") from problem
            answer = await handler(request, problem)
            # An exception that is raised again and again would gather what was called each time.
            problem.__traceback__ = None
            await answer(scope, receive, sent)


async def _called(plan: _Plan, request: Request) -> Response:
    arguments: dict[str, Any] = dict(request.path_params)
    if plan.request is not None:
        arguments[plan.request] = request
    for name, its_request, ask in plan.given:
        arguments[name] = await ask(**{its_request: request})
    return await plan.endpoint(**arguments)


def _plan(route: APIRoute) -> _Plan | None:
    """None for an endpoint that wants of the framework more than the request, texts of the path, and what is found of
    the request alone."""
    wanted = route.dependant
    alone = not (
        route.dependencies
        or route.max_body_size is not None
        or wanted.query_params
        or wanted.header_params
        or wanted.cookie_params
        or wanted.body_params
        or wanted.websocket_param_name
        or wanted.http_connection_param_name
        or wanted.response_param_name
        or wanted.background_tasks_param_name
        or wanted.security_scopes_param_name
    )
    if not alone or not _answers_whole(route.endpoint):
        return None
    hints = get_type_hints(route.endpoint)
    if any(hints.get(one.name) is not str for one in wanted.path_params):
        return None
    if {one.name for one in wanted.path_params} != set(_PARAMETER.findall(route.path)):
        return None  # a part of the path that the endpoint does not ask for
    given = []
    for one in wanted.dependencies:
        if one.name is None or one.call is None or one.request_param_name is None or not _of_request_alone(one):
            return None
        given.append((one.name, one.request_param_name, one.call))
    if len({call for _, _, call in given}) < len(given):
        return None  # the framework would ask once
    return _Plan(route.endpoint, wanted.request_param_name, tuple(given))


def _answers_whole(endpoint: Callable[..., Any]) -> bool:
    kind = get_type_hints(endpoint).get("return")
    return inspect.iscoroutinefunction(endpoint) and isinstance(kind, type) and issubclass(kind, Response)


def _of_request_alone(dependency: Any) -> bool:
    call = dependency.call
    return (
        inspect.iscoroutinefunction(call)
        and list(inspect.signature(call).parameters) == [dependency.request_param_name]
        and not dependency.dependencies
    )
