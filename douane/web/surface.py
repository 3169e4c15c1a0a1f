"""What a surface hands to the application: one value, so that a further wire protocol is one line in `app.py`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import Response

from douane.web.auth import Trust, Web, own_pages

Answer = Callable[[Request, Exception], Coroutine[Any, Any, Response]]


class Answers(Protocol):
    """Its answers to what goes wrong, each in its own words: to a refusal that an endpoint raised, an error of the
    core, one of the system (a full disk; others are raised again), and unknown paths and methods."""

    @property
    def wire_error(self) -> Answer: ...
    @property
    def core_error(self) -> Answer: ...
    @property
    def system_error(self) -> Answer: ...
    @property
    def http_error(self) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Surface:
    """`prefix`: of the paths that are its own, with a slash at the end. `refusal`: what its endpoints raise to say no.
    `fault`: the JSON of an answer to a fault of ours. `head_as_get`: whether HEAD is answered as GET, and of which
    endings of paths not. `origins`: how far pages of an origin are trusted with its answers. `frames`: which pages may
    frame its own, as the words of `frame-ancestors`; None for a surface that answers data alone, which nobody frames.
    `prepare`: what its endpoints share, put into the application. `schemes`, `security` and `open_paths` are OpenAPI's:
    ways to say who asks, those that its paths take unless they say so themselves, and the paths that take none."""

    prefix: str
    routers: Sequence[APIRouter]
    refusal: type[Exception]
    answers: Answers
    fault: bytes
    head_as_get: bool = False
    not_by_head: tuple[str, ...] = ()
    origins: Callable[[Web, str], Awaitable[Trust]] = own_pages
    frames: Callable[[Web, Mapping[str, Any]], Awaitable[str]] | None = None
    prepare: Callable[[FastAPI, Web], None] | None = None
    components: Callable[[], dict[str, Any]] = dict
    schemes: Mapping[str, Any] = field(default_factory=dict)
    security: Sequence[Mapping[str, Any]] = ()
    open_paths: frozenset[str] = frozenset()


def of_path(surfaces: Sequence[Surface], path: str) -> Surface | None:
    return next((one for one in surfaces if path.startswith(one.prefix)), None)
