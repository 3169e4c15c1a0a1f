"""The widget's pages and scripts, and whom they may be shown by."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.web.conftest import Site

HERE = "http://testserver"
SHOP = "https://shop.example"


@pytest.fixture
def domains(sqlite_site: Site) -> Iterator[Site]:
    """A site whose project names one page."""
    site = sqlite_site
    address = f"/v1/project/{site.made.project_id}/allowed-domains"
    client = site.signed_in()
    assert client.put(address, json={"allowedDomains": [SHOP]}).status_code == 200
    yield site
    assert client.put(address, json={"allowedDomains": []}).status_code == 200


def frames(site: Site, path: str) -> str:
    policy = site.anyone().get(path).headers["content-security-policy"]
    return next(part.strip() for part in policy.split(";") if part.strip().startswith("frame-ancestors"))


@pytest.mark.parametrize("path", ["/embed.umd.min.js", "/douane.js", "/douane.d.ts"])
def test_scripts_load_from_pages_elsewhere(sqlite_site: Site, path: str) -> None:
    answer = sqlite_site.anyone().get(path, headers={"Origin": SHOP})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "douane" in answer.text


@pytest.mark.parametrize("path", ["/widget", "/widget?id=1"])
def test_the_page_is_there(sqlite_site: Site, path: str) -> None:
    answer = sqlite_site.anyone().get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in answer.headers["content-security-policy"]


def test_who_may_frame_it_is_the_union_of_all_lists(domains: Site) -> None:
    assert frames(domains, "/widget") == f"frame-ancestors 'self' {SHOP}:443"
    # Another project that names no page opens it; which key is good where is judged with each call.
    domains.stranger()
    domains.app.state.web.forget()
    assert frames(domains, "/widget") == "frame-ancestors *"
    assert frames(domains, "/") == "frame-ancestors 'self'"


@pytest.mark.parametrize(
    ("origin", "host", "status"),
    [
        (HERE, None, 200),  # our own pages
        (HERE, SHOP, 200),  # the widget, shown by the page that is named
        (HERE, "https://elsewhere.example", 401),
        (HERE, "null", 401),
        (HERE, "", 401),
        (SHOP, None, 200),  # that page itself
        ("https://elsewhere.example", SHOP, 401),  # only our own pages say who shows them
        (None, SHOP, 401),
    ],
)
def test_a_key_is_judged_by_the_page_that_shows_the_widget(
    domains: Site, origin: str | None, host: str | None, status: int
) -> None:
    headers = {"accesskey": domains.made.access_key}
    headers |= {"Origin": origin} if origin is not None else {}
    headers |= {"X-Host-Origin": host} if host is not None else {}
    answer = domains.anyone(**headers).get(f"/v1/project/{domains.made.project_id}/templates")
    assert answer.status_code == status, answer.text
