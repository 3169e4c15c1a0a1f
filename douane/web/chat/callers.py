"""Who asks on `/api/v1`: `X-User-Id` and `X-Auth-Token` (contract 2.2 to 2.4), and how often (2.8).

The order of checks is the contract's (2.7): who, may they, the query, the body, how often; then the work.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from douane.flow import audit, identity
from douane.flow.identity import SignIn
from douane.flow.sign_in_limit import network
from douane.model.identity import BYPASS_RATE_LIMIT, Caller
from douane.web.auth import Web, address_of, web_of
from douane.web.bodies import form_fields, media_type, read_body
from douane.web.chat import schemas, wire

_SMALL_BYTES = 256 << 10  # what is read at once, without another thread


@dataclass(frozen=True, slots=True)
class Asker:
    """A signed-in person in a project, with the right to do what the endpoint does."""

    web: Web
    sign_in: SignIn
    caller: Caller
    project_id: str

    @property
    def person_id(self) -> str:
        return self.sign_in.person.id


async def signed_in(request: Request) -> SignIn:
    """The person whose token is sent, with its own id. 401 for anything else."""
    web = web_of(request)
    user_id, token = request.headers.get("x-user-id", ""), request.headers.get("x-auth-token", "")
    found = None
    if user_id and token:
        found = await run_in_threadpool(identity.of_token, web.house, web.secrets, token)
    if found is None or found.person.id != user_id:
        raise wire.unauthorized(modern=web.house.settings.chat_401_modern)
    audit.asked_by(found.person.email, person_id=found.person.id, project_id=found.session.project_id)
    return found


def may(permission: str) -> Callable[[Request], Awaitable[Asker]]:
    """A dependency: who asks, if permitted. People in no project may nothing."""

    async def asker(request: Request) -> Asker:
        found = await signed_in(request)
        caller = identity.caller_of(found)
        if caller.project_id is None or not caller.may(permission):
            raise wire.forbidden()
        if any("\0" in text for text in request.query_params.values()):
            raise wire.bad_query("a query must not hold a NUL")  # no database takes one
        return Asker(web_of(request), found, caller, caller.project_id)

    return asker


def no_query(request: Request) -> None:
    """The contract's GETs take no parameters; that of older programs is let pass (2.5)."""
    if set(request.query_params) - {"importerKey", ""}:
        raise wire.bad_query("must NOT have additional properties")


async def body(request: Request, schema: schemas.Schema) -> Any:
    """The body, judged. Nothing, broken JSON and other kinds count as `{}` (2.1)."""
    return await run_in_threadpool(judged, schema, await value(request))


def judged(schema: schemas.Schema, given: Any) -> Any:
    try:
        return schemas.coerced(schema, given)
    except schemas.Fault as fault:
        raise wire.bad_body(str(fault)) from fault


async def value(request: Request, bytes_max: int | None = None) -> Any:
    """At most `bytes_max` of it, else what the setting allows."""
    kind = media_type(request)
    most = web_of(request).house.settings.chat_body_bytes_max
    data = await read_body(request, min(most, bytes_max or most), "chat_body_bytes_max")
    if kind == "application/x-www-form-urlencoded":
        return dict(form_fields(data))
    if kind not in ("", "application/json") or not data.strip():
        return {}
    return _decoded(data) if len(data) < _SMALL_BYTES else await run_in_threadpool(_decoded, data)


def _decoded(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return {}


class Rate:
    """How often an address has asked for a path in the window. In memory, per process."""

    def __init__(self, calls: int, window_s: float, clock: Callable[[], float] = time.time) -> None:
        self._calls, self._window_s, self._clock = calls, window_s, clock
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str, str], deque[float]] = {}

    def note(self, address: str, method: str, path: str) -> tuple[bool, int, int]:
        """(let pass, calls left, end of the window in epoch milliseconds)."""
        now = self._clock()
        with self._lock:
            seen = self._seen.setdefault((address, method, path), deque())
            while seen and seen[0] <= now - self._window_s:
                seen.popleft()
            passes = len(seen) < self._calls
            if passes:
                seen.append(now)
            reset = (seen[0] if seen else now) + self._window_s
            if len(self._seen) > 10_000:
                self._seen = {key: kept for key, kept in self._seen.items() if kept and kept[-1] > now - self._window_s}
            return passes, self._calls - len(seen), math.ceil(reset * 1000)


async def limited(request: Request, asker: Asker) -> None:
    """Counts one call that is no polling (design 7); 429 beyond the limit. What the headers say goes to `with_rate`.
    People with `api-bypass-rate-limit` are not counted and get no headers."""
    settings = asker.web.house.settings
    if not settings.chat_rate_calls or asker.caller.may(BYPASS_RATE_LIMIT):
        return
    rate: Rate = request.app.state.chat_rate
    passes, left, reset = rate.note(network(address_of(request)), request.method, request.url.path)
    headers = {
        "X-RateLimit-Limit": str(settings.chat_rate_calls),
        "X-RateLimit-Remaining": str(left),
        "X-RateLimit-Reset": str(reset),
    }
    if not passes:
        raise wire.too_many(max(1, math.ceil(reset / 1000 - time.time())), headers)
    request.state.rate_headers = headers


def with_rate(request: Request, response: Response) -> Response:
    response.headers.update(getattr(request.state, "rate_headers", {}))
    return response
