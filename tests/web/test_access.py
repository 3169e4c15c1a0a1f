"""Every operation that OpenAPI lists: who is let in, and that nothing a client sends makes the server stumble.

The list comes from the application itself, so a new operation is asked the same questions. `make torture` asks many
more of them (DOUANE_TORTURE_CALLS) from other seeds (DOUANE_TORTURE_SEED)."""

from __future__ import annotations

import os
import random
import re
from typing import Any

import httpx
import pytest

from douane.flow import identity
from tests.web.conftest import UNKNOWN_ID, Site, TestClient, message

OPEN = {
    ("POST", "/v1/auth/login"),
    ("GET", "/v1/auth/logout"),
    ("GET", "/v1/health-check"),
    ("POST", "/v1/link/open"),
}
# Answered before the person is known to be one of this project.
PERSON = {
    ("GET", "/v1/auth/me"),
    ("PUT", "/v1/project/switch/{project_id}"),
    ("DELETE", "/v1/project/{project_id}"),
    ("PUT", "/v1/project/{project_id}/allowed-domains"),
    ("GET", "/v1/environment/api-keys/regenerate"),
}
BODIES: list[dict[str, Any]] = [
    {},
    {"content": b""},
    {"content": b"", "headers": {"content-type": "application/json"}},
    {"content": b"null", "headers": {"content-type": "application/json"}},
    {"content": b"[]", "headers": {"content-type": "application/json"}},
    {"content": b"[null, 1, {}, []]", "headers": {"content-type": "application/json"}},
    {"content": b'"text"', "headers": {"content-type": "application/json"}},
    {"content": b"{", "headers": {"content-type": "application/json"}},
    {"content": b'{"name": "\\u0000"}', "headers": {"content-type": "application/json"}},
    {"content": b"\xff\xfe\x00", "headers": {"content-type": "application/json"}},
    {"content": b"[" * 100_000, "headers": {"content-type": "application/json"}},
    {"content": b"a=%ff&b", "headers": {"content-type": "application/x-www-form-urlencoded"}},
    {"content": b"--x", "headers": {"content-type": "multipart/form-data; boundary=x"}},
    {"content": b"<a/>", "headers": {"content-type": "text/xml"}},
    {"json": {"name": {"$ne": 1}, "key": [], "index": {}, "record": [], "updated": 1, "headings": {}, "projectId": 1}},
    {"json": {"indexes": [None, "1", 1e300, -1], "valid": "x", "invalid": None, "columns": [[]], "maxRecords": "x"}},
    {"json": [{"index": 1, "record": None, "updated": [], "key": 5, "columnHeading": {}, "validations": [None]}]},
]
CALLS = int(os.environ.get("DOUANE_TORTURE_CALLS", "40"))
SEED = int(os.environ.get("DOUANE_TORTURE_SEED", "20261130"))
# These end the identity that asks, wait for what never comes here, or belong to whoever asks.
NOT_ASKED = ("/logout", "/regenerate", "/login", "/douane.events", "/link/open", "/switch/{project_id}")


def operations(site: Site, surface: str = "/v1/") -> list[tuple[str, str]]:
    paths = site.client.get("/openapi.json").json()["paths"]
    found = [
        (method.upper(), path) for path, methods in paths.items() if path.startswith(surface) for method in methods
    ]
    assert len(found) > 40
    return found


def at(path: str, id_: str) -> str:
    for name in (
        "project_id",
        "template_id",
        "column_id",
        "upload_id",
        "token_id",
        "link_id",
        "learned_id",
        "forgetting_id",
    ):
        path = path.replace("{" + name + "}", id_)
    path = path.replace("{number}", "1").replace("{name}", "nightly").replace("{difference}", UNKNOWN_ID)
    assert "{" not in path
    return path


def test_nobody_is_let_in_without_saying_who(sqlite_site: Site) -> None:
    site = sqlite_site
    for method, path in operations(site):
        if (method, path) in OPEN:
            continue
        for client in (site.anyone(), site.anyone(accesskey="0" * 32), site.anyone(cookie="authentication=Bearer%20x")):
            answer = client.request(method, at(path, UNKNOWN_ID), json={})
            assert answer.status_code == 401, (method, path)
            assert message(answer)[0] == 401
        if (method, path) in PERSON:
            assert message(site.client.request(method, at(path, UNKNOWN_ID), json={})) == (401, "bad_token")


def test_nobody_is_let_in_on_the_chat_surface_either(sqlite_site: Site) -> None:
    site = sqlite_site
    for method, path in operations(site, "/api/v1/"):
        if path in ("/api/v1/login", "/api/v1/info"):
            continue
        # An access key and a cookie are the other surface's.
        for client in (site.anyone(), site.client, site.signed_in(), site.anyone(**{"X-User-Id": UNKNOWN_ID})):
            answer = client.request(method, path, json={})
            assert answer.status_code == 401, (method, path)
            assert answer.json()["error"] == "unauthorized"


@pytest.mark.parametrize(
    "id_", ["x", "0" * 23, "0" * 25, "z" * 24, "%00", "a%2F..%2Fb", "twelve bytes", "%F0%9F%98%80"]
)
def test_a_malformed_id_is_a_bare_bad_request(sqlite_site: Site, id_: str) -> None:
    for method, path in operations(sqlite_site):
        if "{" not in path or (method, path) in PERSON:
            continue
        answer = sqlite_site.client.request(method, at(path, id_), json={})
        if "%2F" in id_:
            assert answer.status_code in (400, 404, 405), (method, path)
        else:
            assert message(answer) == (400, "Bad Request"), (method, path)
            assert "error" not in answer.json()


def check(answer: httpx.Response, what: object) -> None:
    assert answer.status_code < 500, (what, answer.text)
    assert answer.headers["x-content-type-options"] == "nosniff", what
    assert "default-src 'none'" in answer.headers["content-security-policy"], what
    if answer.status_code >= 400 and "/common/valid" not in str(answer.request.url):
        message(answer)


def test_no_body_makes_it_stumble(site: Site) -> None:
    made = site.made
    client = site.signed_in()
    upload_id = site.client.post(f"/v1/upload/{made.template_id}", json={}).json()["_id"]
    column_id = site.client.get(f"/v1/template/{made.template_id}/columns").json()[0]["_id"]
    ids = {"project_id": made.project_id, "template_id": made.template_id, "upload_id": upload_id}
    ids["column_id"] = column_id
    for number, (method, path) in enumerate(operations(site)):
        # These would take away what the others are asked about.
        if method == "DELETE" or path.endswith(("/logout", "/regenerate", "/login")) or "/switch/" in path:
            continue
        whole = path
        for name, value in ids.items():
            whole = whole.replace("{" + name + "}", value)
        # Nobody reads the body of a GET, and many of them make a whole table: each gets another two.
        bodies = BODIES if method != "GET" else [BODIES[(number + more) % len(BODIES)] for more in (0, 1)]
        for body in bodies:
            check(client.request(method, whole, **body), (method, path, body))
        for query in ("page=-1&limit=0&type=%00&search=%00&format=x", "page=1e9&limit=abc", "limit=99999999999"):
            if method == "GET":
                check(client.get(f"{whole}?{query}"), (path, query))
    # The template survived being sent nonsense, but its columns may have been replaced by an empty list.
    assert client.get(f"/v1/template/{made.template_id}").status_code == 200


def test_unknown_paths_and_methods(sqlite_site: Site) -> None:
    client = sqlite_site.client
    assert message(client.get("/v1/nothing")) == (404, "Cannot GET /v1/nothing")
    assert message(client.post("/v1")) == (404, "Cannot POST /v1")
    assert client.get("/v2/x").status_code == 404
    for method, path in (("PATCH", "/v1/project"), ("TRACE", "/v1/project"), ("POST", "/v1/auth/me")):
        answer = client.request(method, path)
        assert answer.status_code == 405
        assert answer.headers["allow"]
    assert client.get("/v1/project/").status_code == 200
    head = client.head("/v1/health-check")
    assert head.status_code == 200
    assert head.headers["content-type"] == "application/json"
    assert message(sqlite_site.anyone().get("/v1/project")) == (401, "Unauthorized")
    assert sqlite_site.anyone().head("/v1/project").status_code == 401
    for path in ("/v1/auth/logout", "/v1/environment/api-keys/regenerate"):
        assert client.head(path).status_code == 405
    for path in ("/ui/../web/app.py", "/ui/%2e%2e/settings.py", "/docs/../app.py", "/docs/app.py", "/ui/"):
        assert client.get(path).status_code == 404, path


def test_pre_flight_requests_are_answered(sqlite_site: Site) -> None:
    asked = {
        "origin": sqlite_site.settings.address,
        "access-control-request-method": "POST",
        "access-control-request-headers": "accesskey,content-type",
    }
    answer = sqlite_site.anyone().options(f"/v1/upload/{UNKNOWN_ID}", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == sqlite_site.settings.address
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "accesskey" in answer.headers["access-control-allow-headers"].lower()
    assert "DELETE" in answer.headers["access-control-allow-methods"]
    for origin in ("https://evil.test", "null", f"{sqlite_site.settings.address}.evil.test"):
        other = sqlite_site.anyone().options(f"/v1/upload/{UNKNOWN_ID}", headers={**asked, "origin": origin})
        assert "access-control-allow-origin" not in other.headers
        simple = sqlite_site.client.get("/v1/project", headers={"origin": origin})
        assert "access-control-allow-origin" not in simple.headers


def test_numbers_for_who_watches(sqlite_site: Site) -> None:
    for _ in range(3):
        sqlite_site.client.get(f"/v1/template/{UNKNOWN_ID}")
    text = sqlite_site.anyone().get("/metrics").text
    line = 'douane_request_seconds_count{method="GET",route="/v1/template/{template_id}",status="404"} '
    assert float(text.split(line)[1].split()[0]) >= 3
    assert UNKNOWN_ID not in text
    assert "# TYPE douane_operations gauge" in text


def test_answers_are_compressed_for_who_asks(sqlite_site: Site) -> None:
    address = f"/v1/template/{sqlite_site.made.template_id}/columns"
    packed = sqlite_site.client.get(address, headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    plain = sqlite_site.client.get(address, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.json() == packed.json()


def test_the_pages_come_from_here_alone(sqlite_site: Site) -> None:
    client = sqlite_site.anyone()
    kinds = {
        "/": "text/html",
        "/ui/app.js": "text/javascript",
        "/docs": "text/html",
        "/docs/docs.js": "text/javascript",
    }
    for path, kind in kinds.items():
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["content-type"].startswith(kind)
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert "unsafe-inline" not in answer.headers["content-security-policy"]
        # A script may show one as text, to be copied into a page; a page of ours has none of its own.
        assert kind != "text/html" or "<script>" not in answer.text
        assert "https://" not in answer.text.replace("http://www.w3.org", "")


def test_a_fault_of_ours_is_said_in_one_form(sqlite_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr("douane.flow.identity.projects_of", broken)
    answer = sqlite_site.signed_in().get("/v1/project")
    assert answer.status_code == 500
    assert answer.content == b'{"statusCode":500,"message":"Internal server error"}'
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_strangers_cannot_tell_a_project_s_things_from_nothing(sqlite_site: Site) -> None:
    """Random operations by random strangers, each asked for what there is and for what there is not: both answers are
    the same, and afterwards everything is as it was."""
    site, chance = sqlite_site, random.Random(SEED)
    made = site.made
    upload_id = site.client.post(f"/v1/upload/{made.template_id}", json={}).json()["_id"]
    row = {"index": 1, "record": {"id": "C001", "name": "Ann"}, "updated": {}}
    assert site.client.put(f"/v1/review/{upload_id}/records", json=[row]).status_code == 200
    column_id = site.client.get(f"/v1/template/{made.template_id}/columns").json()[0]["_id"]
    ids = {"project_id": made.project_id, "template_id": made.template_id, "upload_id": upload_id}
    ids |= {"column_id": column_id}
    for kind in ("token", "link"):
        ids[f"{kind}_id"] = site.client.post(f"/v1/{kind}", json={"templateId": made.template_id}).json()["_id"]
    before = everything(site, upload_id)
    who = strangers(site)
    asked = [*operations(site), *operations(site, "/api/v1/")]
    asked = [(method, path) for method, path in asked if not path.endswith(NOT_ASKED)]
    for number in range(CALLS):
        name, client = chance.choice(who)
        method, path = chance.choice(asked)
        body = chance.choice(BODIES)
        answers = []
        for there in (ids, {}):
            whole = re.sub(r"{(\w+)}", lambda found, there=there: there.get(found[1], UNKNOWN_ID), path)
            query = {"importId": there.get("upload_id", UNKNOWN_ID)} if path.startswith("/api/v1/") else {}
            answer = client.request(method, whole, params=query, **body)
            text = answer.text
            for one in (*ids.values(), UNKNOWN_ID):
                text = text.replace(one, "ID")
            answers.append((answer.status_code, re.sub(r'"[0-9a-f]{24}"|\d{4}-\d\d-\d\dT[^"]+', "", text)))
        what = (f"{SEED}/{number}", name, method, path, body)
        assert answers[0] == answers[1], what
        assert answers[0][0] < 500, what
    assert everything(site, upload_id) == before


def strangers(site: Site) -> list[tuple[str, TestClient]]:
    """Who may do nothing here: most of them may elsewhere."""
    house, secrets, key = site.app.state.web.house, site.app.state.web.secrets, site.made.access_key
    elsewhere, project_id = site.stranger()
    found = [
        ("another project's key", elsewhere),
        ("nobody", site.anyone()),
        ("a key that is cut", site.anyone(accesskey=key[:-1])),
        ("a key and a bit", site.anyone(accesskey=f"{key}0")),
        ("a key in capitals", site.anyone(accesskey=key.upper())),
        ("a key as a bearer", site.anyone(authorization=f"Bearer {key}")),
        ("a key as a cookie", site.anyone(cookie=f"authentication=Bearer%20{key}")),
    ]
    revoked = identity.new_access_key(house, secrets, site.made.project_id, "left")
    [its] = [one.id for one in identity.access_keys(house, site.made.project_id) if one.name == "left"]
    identity.revoke_access_key(house, site.made.project_id, its)
    found.append(("a revoked key", site.anyone(accesskey=revoked)))
    for role in ("Admin", "Observer", "Finance"):
        email = f"{os.urandom(4).hex()}@example.com"
        identity.add_person(house, email=email, username=email.partition("@")[0], password="password")
        identity.set_role(house, email, project_id, role)
        client = site.anyone()
        assert client.post("/v1/auth/login", json={"email": email, "password": "password"}).status_code == 201
        found.append((f"{role} elsewhere", client))
    identity.set_disabled(house, email, True)
    found[-1] = ("who was disabled", found[-1][1])
    return found


def everything(site: Site, upload_id: str) -> list[str]:
    """What the project has, as its own key sees it."""
    template_id = site.made.template_id
    paths = (f"/template/{template_id}", f"/template/{template_id}/columns", f"/upload/{upload_id}")
    paths += (f"/review/{upload_id}?type=all", f"/template/{template_id}/customizations", "/project", "/token", "/link")
    return [site.client.get(f"/v1{path}").text for path in paths]
