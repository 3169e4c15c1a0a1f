"""What every surface needs to know who asks: the open house, remembered access keys, and origins of pages.

How a protocol carries its keys and cookies is the surface's (`spreadsheet/callers.py`).
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from douane.flow import audit, identity, tokens
from douane.flow.health import Readiness
from douane.flow.house import House
from douane.flow.identity import Secrets
from douane.flow.sign_in_limit import SignInLimit
from douane.model.identity import Caller
from douane.web.metrics import Metrics

_KEY_LIFE_S = 3.0

Origin = tuple[str, str, int]
# How far a page of another origin is trusted: with nothing, with answers it has a key for, or as our own pages are.
Trust = Literal["none", "keys", "cookies"]


class Keys:
    """What access keys and import tokens stand for, each remembered for three seconds: a revoked one is refused
    everywhere by then."""

    def __init__(self, house: House, secrets: Secrets) -> None:
        self._house = house
        self._secrets = secrets
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, tuple[Caller, tuple[str, ...]]]] = {}

    async def find(self, key: str) -> tuple[Caller, tuple[str, ...]] | None:
        found = self._known.get(key)
        if found is not None and found[0] > time.monotonic():
            return found[1]
        ask = tokens.of_token if key.startswith(tokens.PREFIX) else identity.of_key
        fresh = await run_in_threadpool(ask, self._house, self._secrets, key)
        with self._lock:
            self._known.pop(key, None)
            if fresh is not None:
                self._known[key] = (time.monotonic() + _KEY_LIFE_S, fresh)
            if len(self._known) > 1000:
                del self._known[next(iter(self._known))]
        return fresh

    def forget(self) -> None:
        with self._lock:
            self._known.clear()


class Domains:
    """The origins that projects allow, remembered as long as keys are."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._known: tuple[float, frozenset[Origin], bool] = (0.0, frozenset(), False)

    async def allowed(self, asked: Origin) -> bool:
        return asked in (await self._fresh())[1]

    async def framing(self) -> str:
        """Who may frame the widget, as the words of `frame-ancestors`: the pages of all projects, anybody where a
        project names none. Which of them may use which key is judged with each call."""
        _, found, open_to_all = await self._fresh()
        if open_to_all:
            return "*"
        return " ".join(["'self'", *sorted(f"{scheme}://{host}:{port}" for scheme, host, port in found)])

    async def _fresh(self) -> tuple[float, frozenset[Origin], bool]:
        if self._known[0] < time.monotonic():
            lists = await run_in_threadpool(identity.allowed_domains, self._house)
            found = frozenset(origin for one in lists for name in one if (origin := origin_of(name)) is not None)
            self._known = (time.monotonic() + _KEY_LIFE_S, found, not all(lists) or not lists)
        return self._known

    def forget(self) -> None:
        self._known = (0.0, frozenset(), False)


@dataclass(slots=True)
class Web:
    """What the endpoints share. `addresses`: those that answer, as routers spell them. `closing` is set when the
    process is told to stop: streams and waits end then."""

    house: House
    secrets: Secrets
    keys: Keys
    domains: Domains
    sign_in_limit: SignInLimit
    readiness: Readiness
    metrics: Metrics = field(default_factory=Metrics)
    addresses: set[str] = field(default_factory=set)
    closing: bool = False

    def forget(self) -> None:
        """After a key or a project changed here."""
        self.keys.forget()
        self.domains.forget()


def web_of(request: Request) -> Web:
    web: Web = request.app.state.web
    return web


async def noted(request: Request, action: str, **about: Any) -> None:
    """Notes what the caller of this request did (`flow/audit.py`)."""
    house = web_of(request).house
    await run_in_threadpool(lambda: audit.note(house, action, **about))


def address_of(request: Request) -> str:
    """Where the request comes from; behind a trusted proxy, where the proxy says."""
    return request.client.host if request.client else ""


def origin_of(address: str) -> Origin | None:
    """(protocol, host, port), the usual port left in; None if it is no web address."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, port or {"http": 80, "https": 443}[parts.scheme]


def origins(text: str) -> list[str]:
    """The setting `web_origins` as a list."""
    return [one.strip().rstrip("/") for one in text.split(",") if one.strip()]


async def own_pages(web: Web, origin: str) -> Trust:
    """Our own pages and those of `web_origins` are trusted, and no others."""
    settings = web.house.settings
    asked = origin_of(origin)
    own = {origin_of(one) for one in (settings.address, *origins(settings.web_origins))}
    return "cookies" if asked is not None and asked in own else "none"


async def pages_of_projects(web: Web, origin: str) -> Trust:
    """Besides, a page that some project allows gets answers it has a key for: whose key, the key says. Never with
    cookies: they would let it act as whoever is signed in."""
    trust, asked = await own_pages(web, origin), origin_of(origin)
    if trust == "none" and asked is not None and await web.domains.allowed(asked):
        return "keys"
    return trust


def from_own_pages(request: Request) -> bool:
    """Whether a request that carries a cookie comes from our own pages, those of `web_origins`, or a program (which
    sends no origin). A browser adds the cookie also to what other sites make it send."""
    given = request.headers.get("origin")
    if given is None:
        return request.headers.get("sec-fetch-site") not in ("cross-site", "same-site")
    asked = origin_of(given)
    return asked is not None and asked in own_origins(request)


def own_origins(request: Request) -> set[Origin | None]:
    """The origins of our own pages as this request names us, and those of `web_origins`."""
    settings = web_of(request).house.settings
    own = [f"{request.url.scheme}://{request.headers.get('host', '')}", settings.address]
    return {origin_of(one) for one in (*own, *origins(settings.web_origins))}
