"""A surface is one value: prefix, routers, its words for what goes wrong, who may read its answers and frame it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from douane.errors import NotFound
from douane.settings import Settings
from douane.web.app import SURFACES, create_app
from douane.web.auth import Trust, Web
from douane.web.surface import Surface
from tests.web.conftest import Site, TestClient

ELSEWHERE = "https://app.example.com"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "accesskey"}
router = APIRouter(prefix="/third")


class No(Exception):
    pass


@router.get("/page")
async def page() -> Response:
    return Response("<p>here</p>", media_type="text/html")


@router.get("/fails/{how}")
async def fails(how: str) -> Response:
    raise {"no": No(), "core": NotFound("It is gone."), "fault": ZeroDivisionError()}[how]


class Words:
    @staticmethod
    async def wire_error(request: Request, problem: Exception) -> Response:
        return PlainTextResponse("third says no", 418)

    @staticmethod
    async def core_error(request: Request, problem: Exception) -> Response:
        return PlainTextResponse(f"third: {problem}", 404)

    @staticmethod
    async def system_error(request: Request, problem: Exception) -> Response:
        raise problem

    @staticmethod
    async def http_error(request: Request, problem: Exception) -> Response:
        return PlainTextResponse("third knows no such path", 404)


async def trusted(web: Web, origin: str) -> Trust:
    return "keys" if origin == ELSEWHERE else "none"


async def frames(web: Web, scope: Mapping[str, Any]) -> str:
    return ELSEWHERE


THIRD = Surface("/third/", [router], No, Words, b'{"third":"fault"}', origins=trusted, frames=frames)


@pytest.fixture(scope="module")
def client(new_storage: Callable[[str], Settings]) -> TestClient:
    return TestClient(create_app(new_storage("sqlite"), (*SURFACES, THIRD)), raise_server_exceptions=False)


def test_a_third_surface_is_one_value(client: TestClient) -> None:
    shown = client.get("/third/page", headers={"Origin": ELSEWHERE})
    assert shown.headers["Access-Control-Allow-Origin"] == ELSEWHERE
    assert f"frame-ancestors {ELSEWHERE};" in shown.headers["Content-Security-Policy"]
    assert "Access-Control-Allow-Origin" not in client.get("/third/page", headers={"Origin": "https://x.y"}).headers
    for path, answer in {
        "/third/fails/no": (418, "third says no"),
        "/third/fails/core": (404, "third: It is gone."),
        "/third/fails/fault": (500, '{"third":"fault"}'),
        "/third/nothing": (404, "third knows no such path"),
        "/v1/nothing": (404, '{"message":"Cannot GET /v1/nothing","error":"Not Found","statusCode":404}'),
        "/api/nothing": (404, '{"success":false,"error":"API endpoint not found"}'),
    }.items():
        found = client.get(path)
        assert (found.status_code, found.text) == answer
    assert client.get("/v1/nothing").headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "frame-ancestors 'self'" in client.get("/").headers["Content-Security-Policy"]


def test_a_page_that_a_project_allows_reads_answers_for_its_key_and_never_by_cookie(site: Site) -> None:
    anyone, owner = site.anyone(), site.signed_in()

    def preflight(path: str = "/v1/project") -> httpx.Response:
        return anyone.options(path, headers={"Origin": ELSEWHERE, **PREFLIGHT})

    assert preflight().status_code == 400
    domains = f"/v1/project/{site.made.project_id}/allowed-domains"
    assert owner.put(domains, json={"allowedDomains": [ELSEWHERE]}).status_code == 200
    try:
        answer = preflight()
        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, ELSEWHERE)
        assert "Access-Control-Allow-Credentials" not in answer.headers
        shown = site.client.get("/v1/project", headers={"Origin": ELSEWHERE})
        assert (shown.status_code, shown.headers["Access-Control-Allow-Origin"]) == (200, ELSEWHERE)
        assert "Access-Control-Allow-Credentials" not in shown.headers
        assert preflight("/api/v1/login").status_code == 400
        for other in ("http://app.example.com", "https://app.example.com:8443", "https://example.com", "null"):
            assert "Access-Control-Allow-Origin" not in site.client.get("/", headers={"Origin": other}).headers
            assert "Access-Control-Allow-Origin" not in anyone.get("/v1/project", headers={"Origin": other}).headers
    finally:
        assert owner.put(domains, json={"allowedDomains": []}).status_code == 200
    assert preflight().status_code == 400


def test_our_own_pages_are_trusted_with_cookies(site: Site) -> None:
    own = {"Origin": site.settings.address}
    answer = site.anyone().options("/v1/project", headers={**own, **PREFLIGHT})
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert answer.headers["Access-Control-Allow-Origin"] == site.settings.address
    assert site.client.get("/v1/project", headers=own).headers["Access-Control-Allow-Credentials"] == "true"
