"""What every surface needs to know who asks: the open house, remembered access keys, and origins of pages.

How a protocol carries its keys and cookies is the surface's (`spreadsheet/callers.py`).
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from douane.flow import identity
from douane.flow.house import House
from douane.flow.identity import Secrets, SignInLimit
from douane.model.identity import Caller
from douane.web.metrics import Metrics

_KEY_LIFE_S = 3.0

Origin = tuple[str, str, int]


class Keys:
    """What access keys stand for, each remembered for three seconds: a revoked one is refused everywhere by then."""

    def __init__(self, house: House, secrets: Secrets) -> None:
        self._house = house
        self._secrets = secrets
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, tuple[Caller, tuple[str, ...]]]] = {}

    async def find(self, key: str) -> tuple[Caller, tuple[str, ...]] | None:
        found = self._known.get(key)
        if found is not None and found[0] > time.monotonic():
            return found[1]
        fresh = await run_in_threadpool(identity.of_key, self._house, self._secrets, key)
        with self._lock:
            self._known.pop(key, None)
            if fresh is not None:
                self._known[key] = (time.monotonic() + _KEY_LIFE_S, fresh)
            if len(self._known) > 1000:
                del self._known[next(iter(self._known))]
        return fresh

    def forget(self) -> None:
        """After a key or a project changed here."""
        with self._lock:
            self._known.clear()


@dataclass(slots=True)
class Web:
    """What the endpoints share. `closing` is set when the process is told to stop: streams and waits end then."""

    house: House
    secrets: Secrets
    keys: Keys
    sign_in_limit: SignInLimit
    metrics: Metrics = field(default_factory=Metrics)
    closing: bool = False


def web_of(request: Request) -> Web:
    web: Web = request.app.state.web
    return web


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


def from_own_pages(request: Request) -> bool:
    """Whether a request that carries a cookie comes from our own pages, those of `web_origins`, or a program (which
    sends no origin). A browser adds the cookie also to what other sites make it send."""
    given = request.headers.get("origin")
    if given is None:
        return request.headers.get("sec-fetch-site") not in ("cross-site", "same-site")
    settings = web_of(request).house.settings
    own = [f"{request.url.scheme}://{request.headers.get('host', '')}", settings.address]
    asked = origin_of(given)
    return asked is not None and asked in {origin_of(one) for one in (*own, *origins(settings.web_origins))}
