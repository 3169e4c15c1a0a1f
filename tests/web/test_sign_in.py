"""Signing in and who is let in (contract 2.2, 2.13)."""

from __future__ import annotations

import os
from urllib.parse import unquote

import jwt
import pytest
import sqlalchemy as sa

from douane.flow import audit, identity
from douane.store import projects, schema, sessions
from douane.store.database import write
from tests.web.conftest import Site, message


def test_signing_in_gives_a_token_and_its_cookie(site: Site) -> None:
    client = site.anyone()
    answer = client.post("/v1/auth/login", json={"email": site.made.email, "password": site.made.password})
    assert answer.status_code == 201
    assert answer.json() == {"screen": "home", "token": answer.json()["token"]}
    cookie, device = answer.headers.get_list("set-cookie")
    assert {part.strip() for part in cookie.split(";")[1:]} == {"HttpOnly", "Max-Age=86400", "Path=/", "SameSite=lax"}
    assert "Path=/v1/auth" in device
    # The answer has the project's key, as the contract says; the cookie, which goes everywhere, has not.
    said, kept = (
        jwt.decode(token, options={"verify_signature": False})
        for token in (answer.json()["token"], unquote(cookie.split("=")[1].split(";")[0]).removeprefix("Bearer "))
    )
    assert said.pop("accessToken") == site.made.access_key
    assert said == kept
    assert site.made.access_key not in cookie
    claims = client.get("/v1/auth/me").json()
    assert claims["accessToken"] == site.made.access_key
    assert (claims["_projectId"], claims["role"], claims["email"]) == (site.made.project_id, "Admin", site.made.email)
    assert claims["exp"] - claims["iat"] == 86400


def test_the_cookie_is_secure_under_https(site: Site) -> None:
    answer = site.anyone().post(
        "https://testserver/v1/auth/login", json={"email": site.made.username, "password": site.made.password}
    )
    for cookie in answer.headers.get_list("set-cookie"):
        assert {"Secure", "SameSite=none"} <= {part.strip() for part in cookie.split(";")}
    assert answer.headers["strict-transport-security"]


def test_a_form_signs_in_too(site: Site) -> None:
    data = {"email": site.made.email, "password": site.made.password}
    assert site.anyone().post("/v1/auth/login", data=data).status_code == 201


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"email": "nobody@example.com", "password": "x"}, (401, "Incorrect email or password provided.")),
        ({"email": "x"}, (400, ["password should not be empty", "password must be a string"])),
        ({"email": {"$ne": 1}, "password": ["x"]}, (400, ["email must be a string", "password must be a string"])),
        (None, None),
    ],
)
def test_a_wrong_sign_in_says_little(site: Site, body: object, expected: object) -> None:
    answer = site.anyone().post("/v1/auth/login", json=body)
    if expected is None:
        assert answer.status_code == 400
    else:
        assert message(answer) == expected


def test_the_eleventh_wrong_try_in_a_minute_waits(site: Site) -> None:
    client = site.anyone()
    account = f"{os.urandom(4).hex()}@example.com"
    tries = [client.post("/v1/auth/login", json={"email": account, "password": "x"}) for _ in range(11)]
    # Other tests' wrong tries come from the same address.
    statuses = [one.status_code for one in tries]
    assert set(statuses[:-1]) <= {401, 429}
    assert statuses[-1] == 429
    assert 1 <= int(tries[-1].headers["retry-after"]) <= 60
    with write(site.app.state.web.house.engine) as connection:
        connection.execute(sa.delete(schema.sign_in_try))


def test_signing_out_ends_the_session_at_once_also_for_a_copied_cookie(site: Site) -> None:
    client = site.signed_in()
    copy = site.anyone(cookie=f"authentication={client.cookies['authentication']}")
    assert copy.get("/v1/auth/me").status_code == 200
    answer = client.get("/v1/auth/logout")
    assert (answer.status_code, answer.content) == (200, b"")
    assert "authentication=" in answer.headers["set-cookie"]
    assert message(copy.get("/v1/auth/me")) == (401, "bad_token")
    assert message(copy.get("/v1/project")) == (401, "Unauthorized")
    assert client.get("/v1/auth/logout").status_code == 200


def test_a_disabled_person_is_out_at_once(site: Site) -> None:
    web = site.app.state.web
    name = os.urandom(4).hex()
    identity.add_person(web.house, email=f"{name}@example.com", username=name, password="x")
    client = site.anyone()
    assert client.post("/v1/auth/login", json={"email": name, "password": "x"}).json()["screen"] == "onboard"
    assert client.get("/v1/project").json() == []
    identity.set_disabled(web.house, name, True)
    assert client.get("/v1/project").status_code == 401


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "x",
        "Bearer",
        "Bearer x.y.z",
        "Bearer%20eyJhbGciOiJub25lIn0.eyJqdGkiOiJ4In0.",
        "Basic eyJ",
        "%00",
        "Bearer%20%FF",
    ],
)
def test_a_cookie_that_is_not_ours_is_no_sign_in(site: Site, cookie: str) -> None:
    client = site.anyone(cookie=f"authentication={cookie}")
    assert message(client.get("/v1/project")) == (401, "Unauthorized")
    assert message(client.get("/v1/auth/me")) == (401, "bad_token")


def test_the_key_comes_before_the_cookie_and_an_unknown_one_is_final(site: Site) -> None:
    client = site.signed_in()
    for key in ("x", "", "0" * 32, site.made.access_key.upper() + "0"):
        assert message(client.get("/v1/project", headers={"accesskey": key})) == (401, "API Key not found!")
    bearer = {"authorization": f"Bearer {site.made.access_key}"}
    assert message(site.anyone(**bearer).get("/v1/project")) == (401, "Unauthorized")
    by_query = site.anyone().get("/v1/project", params={"accesskey": site.made.access_key})
    assert message(by_query) == (401, "Unauthorized")


def test_a_key_is_bound_to_the_domains_of_its_project(site: Site) -> None:
    client, address = site.signed_in(), f"/v1/project/{site.made.project_id}/allowed-domains"
    changed = client.put(address, json={"allowedDomains": ["https://app.example.com", "http://localhost:3000/"]})
    assert changed.json()["allowedDomains"] == ["https://app.example.com", "http://localhost:3000/"]
    try:
        cases = {
            "https://app.example.com": 200,
            "https://app.example.com:443": 200,
            "http://localhost:3000": 200,
            "http://app.example.com": 401,
            "https://app.example.com.evil.test": 401,
            "https://evil.test/https://app.example.com": 401,
            "null": 401,
            "https://[bad": 401,
        }
        for origin, status in cases.items():
            assert site.client.get("/v1/project", headers={"origin": origin}).status_code == status, origin
        by_referer = site.client.get("/v1/project", headers={"referer": "https://app.example.com/page?x=1"})
        assert by_referer.status_code == 200
        assert message(site.client.get("/v1/project")) == (401, "Invalid Origin")
        elsewhere = site.client.get("/v1/project", headers={"origin": "https://evil.test"})
        assert message(elsewhere) == (401, "Domain not allowed")
    finally:
        client.put(address, json={"allowedDomains": []})
    assert site.client.get("/v1/project").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.test"},
        {"origin": "null"},
        {"origin": "http://testserver.evil.test"},
        {"sec-fetch-site": "cross-site"},
    ],
)
def test_another_site_cannot_use_the_cookie_for_changes(site: Site, headers: dict[str, str]) -> None:
    client = site.signed_in()
    for method, path in (
        ("POST", "/v1/project"),
        ("POST", "/v1/template"),
        ("GET", "/v1/environment/api-keys/regenerate"),
        ("GET", "/v1/auth/logout"),
        ("PUT", f"/v1/project/switch/{site.made.project_id}"),
    ):
        answer = client.request(method, path, headers=headers, **({"json": {}} if method == "POST" else {}))
        assert message(answer) == (403, "Forbidden"), path
    assert client.get("/v1/auth/me", headers={"sec-fetch-site": "cross-site"}).status_code == 200
    login = site.anyone(**headers).post("/v1/auth/login", json={"email": "x", "password": "y"})
    assert message(login) == (403, "Forbidden")
    own = client.post("/v1/project", headers={"origin": "http://testserver"}, json={})
    assert own.status_code == 400, "our own page may"


def test_a_role_may_only_what_its_permissions_say(site: Site) -> None:
    web = site.app.state.web
    name = os.urandom(4).hex()
    person = identity.add_person(web.house, email=f"{name}@example.com", username=name, password="x")
    with write(web.house.engine) as connection:
        projects.add_member(connection, project_id=site.made.project_id, person_id=person.id, role="Finance")
    client = site.anyone()
    client.post("/v1/auth/login", json={"email": name, "password": "x"})
    assert client.get("/v1/project").json()[0]["role"] == "Finance"
    assert "accessToken" not in client.get("/v1/auth/me").json()
    for method, path in (
        ("GET", f"/v1/template/{site.made.template_id}"),
        ("DELETE", f"/v1/template/{site.made.template_id}"),
        ("POST", f"/v1/upload/{site.made.template_id}"),
        ("GET", f"/v1/project/{site.made.project_id}/environment"),
        ("PUT", f"/v1/project/{site.made.project_id}"),
        ("GET", "/v1/environment/api-keys/regenerate"),
    ):
        assert message(client.request(method, path)) == (403, "Forbidden"), path
    assert client.get(f"/v1/project/{site.made.project_id}/allowed-domains").status_code == 200
    assert client.delete(f"/v1/project/{site.made.project_id}").status_code == 404, "not the owner"


def test_who_left_a_project_finds_it_gone(site: Site) -> None:
    client = site.signed_in()
    made = client.post("/v1/project", json={"name": "Short"}).json()["project"]
    with write(site.app.state.web.house.engine) as connection:
        connection.exec_driver_sql(f"DELETE FROM member WHERE project_id = '{made['_id']}'")
    assert message(client.get(f"/v1/project/{made['_id']}/templates"))[0] == 404
    assert client.get("/v1/auth/me").status_code == 200


def test_expired_sessions_are_swept_when_someone_signs_in(site: Site) -> None:
    site.signed_in()
    engine = site.app.state.web.house.engine
    with write(engine) as connection:
        connection.exec_driver_sql("UPDATE session SET expires_at = '2020-01-01 00:00:00'")
    fresh = site.signed_in()
    with write(engine) as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM session").scalar_one() == 1
        sessions.end_expired(connection)
    assert fresh.get("/v1/auth/me").status_code == 200


def test_what_was_asked_for_is_noted_with_who_and_from_where(site: Site) -> None:
    house = site.app.state.web.house
    client = site.signed_in()
    client.get(f"/v1/project/{site.made.project_id}/environment", headers={"X-Request-Id": "proxy-12345678"})
    shown = audit.lines(house, 1)[0]
    assert (shown.action, shown.who, shown.address) == ("key.show", site.made.email, "testclient")
    assert (shown.request_id, shown.project_id) == ("proxy-12345678", site.made.project_id)
    refused = site.anyone().post("/v1/auth/login", json={"email": "nobody@example.com", "password": "x"})
    line = audit.lines(house, 1, audit.Sought(refused=True))[0]
    assert (line.who, line.request_id) == ("nobody@example.com", refused.headers["X-Request-Id"])
    odd = site.anyone().get("/v1/health-check", headers={"X-Request-Id": "a b\tc"})
    assert odd.headers["X-Request-Id"] != "a b\tc"
    site.client.delete(f"/v1/upload/{'0' * 24}")
    made = site.client.post("/v1/template", json={"name": "Gone", "_projectId": site.made.project_id}).json()
    site.client.delete(f"/v1/template/{made['_id']}")
    removed = audit.lines(house, 1, audit.Sought(action="template.remove"))[0]
    assert (removed.who, removed.about["name"], removed.project_id) == ("an access key", "Gone", site.made.project_id)
    assert removed.key_id


def test_a_browser_that_was_signed_in_gets_in_while_strangers_guess(site: Site) -> None:
    web = site.app.state.web
    name = os.urandom(4).hex()
    identity.add_person(web.house, email=f"{name}@example.com", username=name, password="right")
    owner, right = site.anyone(), {"email": name, "password": "right"}
    assert owner.post("/v1/auth/login", json=right).status_code == 201
    assert owner.get("/v1/auth/logout").status_code == 200
    with write(web.house.engine) as connection:
        connection.execute(sa.delete(schema.sign_in_place))
    strangers = site.anyone()
    tries = [strangers.post("/v1/auth/login", json={"email": name, "password": "x"}) for _ in range(11)]
    assert tries[-1].status_code == 429
    assert strangers.post("/v1/auth/login", json=right).status_code == 429
    assert owner.post("/v1/auth/login", json=right).status_code == 201
    with write(web.house.engine) as connection:
        connection.execute(sa.delete(schema.sign_in_try))
