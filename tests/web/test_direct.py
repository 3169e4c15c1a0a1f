"""Requests that go straight to their endpoints are answered as by the framework's way, to the byte."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from douane.errors import NotFound
from douane.web.app import SURFACES
from douane.web.direct import Direct
from douane.web.surface import Surface
from tests.web.conftest import PEOPLE, UNKNOWN_ID, Site, TestClient, working

GZIP = {"accept-encoding": "gzip"}
PLAIN = {"accept-encoding": "identity"}
# `{upload}` is one that was checked, and `{done}` one that was confirmed.
PATHS = (
    "/v1/review/{upload}",
    "/v1/review/{upload}?page=2&limit=3&type=invalid&lines=true",
    "/v1/review/{upload}?type=none",
    "/v1/review/{upload}/",
    "/v1/review/{upload}/live?limit=5&sort=age",
    "/v1/review/{upload}/live?limit=100000000",
    "/v1/review/{upload}/live/counts",
    "/v1/review/{upload}/revisions/x/undo",
    f"/v1/review/{UNKNOWN_ID}",
    "/v1/review/x",
    "/v1/review/%2F",
    "/v1/review/",
    "/v1/review",
    "/v1/nothing/here",
    "/v1/upload/{done}/rows/valid",
    "/v1/upload/{done}/rows/valid?format=full",
    "/v1/upload/{upload}/rows/invalid",
    "/v1/upload/{upload}/events/none",
    "/v1/common/import-config",
    "/v1/auth/me",
    "/v1/health-check",
    "/api/v1/info",
    "/api/v1/users.list",
    "/widget/",
    "/i/any-token",
    "/embed.js",
    "/",
    "/nothing",
)
HEADERS = (
    PLAIN,
    GZIP,
    {**PLAIN, "accesskey": "wrong"},
    {**PLAIN, "accesskey": ""},
    {**PLAIN, "origin": "https://elsewhere.example"},
    {**GZIP, "origin": "null"},
    {**PLAIN, "x-request-id": "given-by-a-proxy"},
    {**PLAIN, "accept": "text/csv"},
    {**PLAIN, "cookie": "authentication=nonsense"},
)


@pytest.fixture(scope="module")
def uploads(site: Site) -> Iterator[dict[str, str]]:
    with working(site.settings):
        made = {}
        for name in ("upload", "done"):
            answer = site.client.post(
                f"/v1/upload/{site.made.template_id}?auto=true", files={"file": ("people.csv", PEOPLE.read_bytes())}
            )
            made[name] = answer.json()["_id"]
            assert site.client.post(f"/v1/review/{made[name]}").status_code == 201
        assert site.client.post(f"/v1/review/{made['done']}/confirm", json={}).status_code == 201
        yield made


def answers(client: TestClient, method: str, path: str, headers: dict[str, str]) -> Any:
    found = client.request(method, path, headers=headers)
    shown = dict(found.headers)
    if "x-request-id" not in headers:
        assert len(shown.pop("x-request-id")) == 16
    return found.status_code, list(shown.items()), found.content


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PATCH"])
def test_both_ways_answer_the_same(
    site: Site, uploads: dict[str, str], method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [
        (path.format(**uploads), headers) for path in PATHS for headers in HEADERS[: None if method == "GET" else 2]
    ]
    short = [answers(site.client, method, *one) for one in asked]
    monkeypatch.setattr(Direct, "knows", lambda self, scope: False)
    long = [answers(site.client, method, *one) for one in asked]
    for one, mine, theirs in zip(asked, short, long, strict=True):
        assert mine == theirs, one


def test_the_ways_that_programs_ask_for_most_are_known(site: Site) -> None:
    known = Direct(SURFACES, {})
    for path in (f"/v1/review/{UNKNOWN_ID}", f"/v1/upload/{UNKNOWN_ID}/rows/valid", f"/v1/review/{UNKNOWN_ID}/live"):
        scope: dict[str, Any] = {"type": "http", "method": "GET", "path": path}
        assert known.knows(scope)
        assert scope["path_params"] == {"upload_id": UNKNOWN_ID}
        assert scope["route"].path == path.replace(UNKNOWN_ID, "{upload_id}")
        assert not known.knows({"type": "http", "method": "PATCH", "path": path})
        assert not known.knows({"type": "http", "method": "GET", "path": path, "root_path": "/under"})


def test_every_endpoint_takes_what_it_is_given() -> None:
    known = Direct(SURFACES, {})
    plans = 0
    for one in (one for shape in known._by_shape.values() for one in shape if one.plan is not None):
        assert one.plan is not None
        names = {name for _, name in one.parameters} | {name for name, _, _ in one.plan.given}
        if one.plan.request is not None:
            names.add(one.plan.request)
        inspect.signature(one.plan.endpoint).bind(**dict.fromkeys(names))
        plans += 1
    assert plans > 150


router = APIRouter()


async def asked_by(request: Request) -> str:
    return request.headers["who"]


async def deeper(who: str = Depends(asked_by)) -> str:
    return who


@router.get("/a/{one}")
async def first(one: str, request: Request, who: str = Depends(asked_by)) -> Response:
    return PlainTextResponse(f"{one} {who} {request.url.path}")


@router.get("/a/fixed")
async def never(request: Request) -> Response:
    return PlainTextResponse("the first route that fits is taken")


@router.get("/b/{number}")
async def judged(number: int) -> Response:
    return PlainTextResponse("the framework reads the number")


@router.get("/c")
async def of_others(who: str = Depends(deeper)) -> Response:
    return PlainTextResponse("the framework knows who that is")


@router.get("/d")
async def data() -> dict[str, str]:
    return {"the framework": "makes an answer of it"}


@router.get("/e/{rest:path}")
async def anything(rest: str) -> Response:
    return PlainTextResponse("deeper than the router cuts")


@router.get("/g/{unread}")
async def never_asks(request: Request) -> Response:
    return PlainTextResponse("not asked for")


@router.get("/f/{how}")
async def fails(how: str) -> Response:
    async def pieces() -> Any:
        yield b"begun"
        raise NotFound("gone on the way")

    if how == "late":
        return StreamingResponse(pieces())
    raise {"known": NotFound("It is gone."), "fault": ZeroDivisionError()}[how]


async def says(request: Request, problem: Exception) -> Response:
    return PlainTextResponse(f"said: {problem}", 404)


ROUTES = Direct([Surface("/", [router], ValueError, None, b"")], {NotFound: says})  # type: ignore[arg-type]


def called(path: str) -> list[Any]:
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.Event().wait()  # a client that stays

    async def send(message: Any) -> None:
        sent.append(message)

    scope: dict[str, Any] = {
        "type": "http", "method": "GET", "path": path, "query_string": b"", "headers": [(b"who", b"me")],
        "server": ("here", 80), "scheme": "http",
    }  # fmt: skip
    assert ROUTES.knows(scope)
    asyncio.run(ROUTES(scope, receive, send))
    return [sent[0]["status"], b"".join(message.get("body", b"") for message in sent)]


def test_an_endpoint_gets_the_request_its_path_and_who_asks() -> None:
    assert called("/a/x") == [200, b"x me /a/x"]
    assert called("/a/fixed") == [200, b"fixed me /a/fixed"]


@pytest.mark.parametrize("path", ["/b/1", "/c", "/d", "/e/1/2", "/g/1", "/a", "/a/", "/a/b/c", "/"])
def test_who_wants_more_goes_the_frameworks_way(path: str) -> None:
    assert not ROUTES.knows({"type": "http", "method": "GET", "path": path})


def test_what_fails_is_answered_once() -> None:
    assert called("/f/known") == [404, b"said: It is gone."]
    with pytest.raises(ZeroDivisionError):
        called("/f/fault")
    with pytest.raises(RuntimeError):
        called("/f/late")
