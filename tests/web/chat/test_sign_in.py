"""Signing in on `/api/v1`, and what every endpoint says to those who may not (contract 2.2 to 2.4; acceptance 1, 2)."""

from __future__ import annotations

import hashlib

import pytest
from starlette.testclient import TestClient

from douane.flow import identity
from douane.store import projects
from douane.store.database import write
from tests.web.chat.conftest import chat_client
from tests.web.conftest import Site

RUN_IMPORT = [
    ("POST", "uploadImportFile"),
    ("POST", "downloadPublicImportFile"),
    ("POST", "startImport"),
    ("GET", "getImportFileData"),
    ("GET", "getImportProgress"),
    ("POST", "downloadPendingFiles"),
    ("POST", "downloadPendingAvatars"),
    ("GET", "getCurrentImportOperation"),
    ("GET", "importers.list"),
    ("POST", "import.clear"),
    ("POST", "import.new"),
    ("POST", "import.addUsers"),
    ("POST", "import.run"),
    ("GET", "import.status"),
]
ALL = [*RUN_IMPORT, ("GET", "getLatestImportOperations")]


def test_every_form_of_login(site: Site) -> None:
    email, password = site.made.email, site.made.password
    digest = {"digest": hashlib.sha256(password.encode()).hexdigest(), "algorithm": "sha-256"}
    person = site.anyone().post("/api/v1/login", json={"user": email, "password": password}).json()["data"]["me"]
    username = person["username"]
    bodies = [
        {"user": username, "password": password},
        {"user": email, "password": digest},
        {"username": username, "password": password, "code": "123456"},
        {"email": email, "password": password},
    ]
    for body in bodies:
        answer = site.anyone().post("/api/v1/login", json=body)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert found["status"] == "success"
        assert found["success"] is True
        assert found["data"]["userId"] == found["data"]["me"]["_id"]
        assert found["data"]["me"]["emails"] == [{"address": email, "verified": True}]
        assert found["data"]["me"]["roles"] == ["admin"]
    form = site.anyone().post("/api/v1/login", data={"user": email, "password": password})
    assert form.status_code == 200
    token = form.json()["data"]["authToken"]
    assert site.anyone().post("/api/v1/login", json={"resume": token}).json()["data"]["authToken"] == token


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"user": "nobody", "password": "x"},
        {"user": "nobody"},
        {"resume": "x" * 40},
        {"user": {"$ne": None}, "password": {"$ne": None}},
        {"user": "nobody", "password": {"digest": "0" * 64, "algorithm": "md5"}},
    ],
)
def test_a_refused_login_does_not_say_what_was_wrong(site: Site, body: object) -> None:
    answer = site.anyone().post("/api/v1/login", json=body)
    assert answer.status_code == 401
    assert answer.json() == {
        "success": False,
        "status": "error",
        "error": "Unauthorized",
        "message": "Unauthorized",
    }


@pytest.mark.parametrize(("method", "path"), ALL)
def test_1_without_a_valid_token_401(site: Site, method: str, path: str) -> None:
    whose = chat_client(site, site.made.email, site.made.password)
    strangers = [
        {},
        {"X-User-Id": whose.headers["X-User-Id"]},
        {"X-User-Id": whose.headers["X-User-Id"], "X-Auth-Token": "wrong"},
        {"X-User-Id": "wrong", "X-Auth-Token": whose.headers["X-Auth-Token"]},
    ]
    for headers in strangers:
        answer = site.anyone(**headers).request(method, f"/api/v1/{path}")
        assert answer.status_code == 401
        assert answer.json() == {
            "success": False,
            "error": "unauthorized",
            "status": "error",
            "message": "You must be logged in to do this.",
        }
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["pragma"] == "no-cache"


@pytest.fixture(scope="module")
def looker(site: Site) -> TestClient:
    """Somebody in the project who may run nothing."""
    house = site.app.state.web.house
    person = identity.add_person(house, email="looker@example.com", username="looker", password="pass word")
    with write(house.engine) as connection:
        projects.add_member(connection, project_id=site.made.project_id, person_id=person.id, role="Finance")
    return chat_client(site, "looker", "pass word")


@pytest.mark.parametrize(("method", "path"), ALL)
def test_2_without_the_permission_403(looker: TestClient, method: str, path: str) -> None:
    answer = looker.request(method, f"/api/v1/{path}")
    assert answer.status_code == 403
    assert answer.json() == {
        "success": False,
        "error": "User does not have the permissions required for this action [error-unauthorized]",
    }


def test_logging_out_ends_the_presented_token_only(site: Site) -> None:
    one, other = (chat_client(site, site.made.email, site.made.password) for _ in range(2))
    answer = one.post("/api/v1/logout")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "success",
        "data": {"message": "You've been logged out!"},
        "success": True,
    }
    assert one.get("/api/v1/me").status_code == 401
    found = other.get("/api/v1/me").json()
    assert found["success"] is True
    assert found["_id"] == other.headers["X-User-Id"]


def test_info_is_open(site: Site) -> None:
    for path in ("/api/info", "/api/v1/info"):
        assert site.anyone().get(path).json()["version"]


def test_personal_tokens_live_beside_the_session(site: Site) -> None:
    client = chat_client(site, site.made.email, site.made.password)
    made = client.post("/api/v1/users.generatePersonalAccessToken", json={"tokenName": "robot"}).json()
    headers = {"X-User-Id": client.headers["X-User-Id"]}
    robot = site.anyone(**headers, **{"X-Auth-Token": made["token"]})
    assert robot.get("/api/v1/importers.list").status_code == 200
    twice = client.post("/api/v1/users.generatePersonalAccessToken", json={"tokenName": "robot"})
    assert twice.json()["errorType"] == "error-token-already-exists"
    assert [one["name"] for one in client.get("/api/v1/users.getPersonalAccessTokens").json()["tokens"]] == ["robot"]
    again = client.post("/api/v1/users.regeneratePersonalAccessToken", json={"tokenName": "robot"}).json()["token"]
    assert robot.get("/api/v1/me").status_code == 401
    robot = site.anyone(**headers, **{"X-Auth-Token": again})
    client.post("/api/v1/logout")
    assert robot.get("/api/v1/me").status_code == 200
    assert robot.post("/api/v1/users.removePersonalAccessToken", json={"tokenName": "robot"}).json()["success"]
    assert robot.get("/api/v1/me").status_code == 401


def test_manners(site: Site) -> None:
    client = chat_client(site, site.made.email, site.made.password)
    assert client.get("/api/v1/import.status?").status_code == 200
    assert client.get("/api/v1/import.status?importerKey=slack").status_code == 200
    odd = client.get("/api/v1/import.status?x=1")
    assert odd.status_code == 400
    assert odd.json() == {
        "success": False,
        "errorType": "error-invalid-params",
        "error": "must NOT have additional properties",
    }
    missing = client.get("/api/v1/nothing.here")
    assert missing.status_code == 404
    assert missing.json()["success"] is False
    options = site.anyone().options("/api/v1/uploadImportFile")
    assert (options.status_code, options.text) == (200, "OK")
    assert client.post("/api/v1/import.status").json()["success"] is False
