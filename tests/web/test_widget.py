"""The widget's pages and scripts, and whom they may be shown by."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.requests import Request

from douane.web.ui import Ui
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


def test_what_a_page_loads_is_kept_for_good_and_asked_for_anew_where_it_changed(sqlite_site: Site) -> None:
    client = sqlite_site.anyone()
    page = client.get("/widget")
    assert page.headers["cache-control"] == "no-cache"
    named = re.findall(r'"(/ui/[^"]+)"', page.text)
    assert len(named) > 20
    for path in named:
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    kept = client.get(named[-1], headers={"Accept-Encoding": "gzip"})
    assert kept.headers["content-encoding"] == "gzip"
    assert kept.headers["vary"] == "Accept-Encoding"
    assert kept.content == client.get(named[-1], headers={"Accept-Encoding": "identity"}).content
    # The page of an older version finds what there is now, and asks each time; so does who names no version.
    plain = re.sub("/v-[0-9a-f]+/", "/", named[-1])
    for path in (re.sub("/v-[0-9a-f]+/", "/v-0123456789abcdef/", named[-1]), plain, "/embed.umd.min.js", "/widget"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache"), path
        again = client.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b""), path
    assert client.head(plain).headers["content-length"]
    assert client.post(plain).status_code == 405
    for path in ("/ui/v-0123456789abcdef/", "/ui/v-0123456789abcdef/../web/app.py", "/ui/__init__.py", "/ui/none.js"):
        assert client.get(path).status_code == 404, path


def test_files_that_were_changed_are_read_again(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text('<script src="/ui/one.js"></script>')
    (tmp_path / "one.js").write_text("first")
    files = Ui(tmp_path)
    asked = Request({"type": "http", "method": "GET", "path": "/", "headers": []})
    before = files.page(asked, "page.html").body
    (tmp_path / "one.js").write_text("second, longer")
    assert files.page(asked, "page.html").body != before
    assert files.file(asked, "one.js").body == b"second, longer"


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
