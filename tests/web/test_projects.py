"""Projects, environments and keys (contract 2.7)."""

from __future__ import annotations

import pytest

from tests.web.conftest import UNKNOWN_ID, Site, message


def test_a_person_s_projects(site: Site) -> None:
    entry = {"name": "Sample project", "_id": site.made.project_id, "isOwner": True, "role": "Admin"}
    assert entry in site.signed_in().get("/v1/project").json()
    assert site.client.get("/v1/project/").json() == [{**entry, "isOwner": False}]


def test_a_new_project_comes_with_its_environment_and_the_session_goes_on_in_it(site: Site) -> None:
    client = site.signed_in()
    answer = client.post("/v1/project", json={"name": "Second", "authHeaderName": "X-Auth", "onboarding": True})
    assert answer.status_code == 201
    project, environment = answer.json()["project"], answer.json()["environment"]
    assert project["name"] == "Second"
    assert project["authHeaderName"] == "X-Auth"
    assert project["id"] == project["_id"]
    assert (project["showBranding"], project["allowedDomains"], project["__v"]) == (True, [], 0)
    assert environment["_projectId"] == project["_id"]
    assert len(environment["key"]) == 32
    assert [(one["role"], one["isOwner"], one["_userId"]) for one in environment["apiKeys"]] == [
        ("Admin", True, project["_userId"])
    ]
    assert client.get("/v1/auth/me").json()["_projectId"] == project["_id"]
    assert client.get("/v1/auth/me").json()["accessToken"] == environment["key"]
    assert message(client.get(f"/v1/template/{site.made.template_id}"))[0] == 404, "another project now"

    switched = client.put(f"/v1/project/switch/{site.made.project_id}")
    assert switched.json() == {}
    assert client.get("/v1/auth/me").json()["_projectId"] == site.made.project_id
    assert client.get(f"/v1/template/{site.made.template_id}").status_code == 200

    deleted = client.delete(f"/v1/project/{project['_id']}")
    assert deleted.json()["_id"] == project["_id"]
    assert message(site.anyone(accesskey=environment["key"]).get("/v1/project")) == (401, "API Key not found!")


def test_a_key_makes_projects_too(site: Site) -> None:
    made = site.client.post("/v1/project", json={"name": "By key"})
    assert made.status_code == 201
    assert "set-cookie" not in made.headers
    own = site.anyone(accesskey=made.json()["environment"]["key"])
    assert [one["name"] for one in own.get("/v1/project").json()] == ["By key"]


@pytest.mark.parametrize(
    ("body", "messages"),
    [
        ({}, ["name should not be empty", "name must be a string"]),
        ({"name": ""}, ["name should not be empty"]),
        ({"name": 5}, ["name must be a string"]),
        ({"name": "x" * 301}, ["name must be shorter than or equal to 300 characters"]),
        ({"name": "x", "authHeaderName": []}, ["authHeaderName must be a string"]),
        ([], ["name should not be empty", "name must be a string"]),
    ],
)
def test_a_project_needs_a_name(site: Site, body: object, messages: list[str]) -> None:
    assert message(site.client.post("/v1/project", json=body)) == (400, messages)


def test_a_project_s_name_can_be_changed(site: Site) -> None:
    project_id = site.client.post("/v1/project", json={"name": "Before"}).json()["project"]["_id"]
    address = f"/v1/project/{project_id}"
    assert message(site.client.put(address, json={"name": "x"}))[0] == 404, "another project's key"
    client = site.signed_in()
    assert client.put(address, json={"name": "After"}).json()["name"] == "After"
    assert client.put(address, json={}).json()["name"] == "After"
    assert message(client.put(address, json={"name": ""})) == (400, ["name should not be empty"])


def test_the_environment_shows_the_key_and_rotation_really_changes_it(site: Site) -> None:
    address = f"/v1/project/{site.made.project_id}/environment"
    client = site.signed_in()
    before = client.get(address).json()
    assert before["key"] == site.made.access_key
    assert site.client.get(address).json() == before
    rotated = client.get("/v1/environment/api-keys/regenerate")
    fresh = rotated.json()["accessToken"]
    assert "set-cookie" in rotated.headers
    try:
        assert fresh != site.made.access_key
        assert client.get(address).json()["key"] == fresh
        assert message(site.client.get("/v1/project")) == (401, "API Key not found!")
        assert site.anyone(accesskey=fresh).get("/v1/project").status_code == 200
    finally:
        site.made = type(site.made)(**{**_fields(site), "access_key": fresh})
        site.client.headers["accesskey"] = fresh


def _fields(site: Site) -> dict[str, str]:
    return {name: getattr(site.made, name) for name in type(site.made).__slots__}


def test_some_things_want_a_person(site: Site) -> None:
    for method, path in (
        ("GET", "/v1/auth/me"),
        ("GET", "/v1/environment/api-keys/regenerate"),
        ("PUT", f"/v1/project/switch/{site.made.project_id}"),
        ("DELETE", f"/v1/project/{site.made.project_id}"),
        ("PUT", f"/v1/project/{site.made.project_id}/allowed-domains"),
    ):
        assert message(site.client.request(method, path)) == (401, "bad_token"), path


def test_another_project_is_like_an_unknown_one(site: Site) -> None:
    stranger, elsewhere = site.stranger()
    for path in ("templates", "imports", "environment", "allowed-domains"):
        foreign = stranger.get(f"/v1/project/{site.made.project_id}/{path}")
        unknown = stranger.get(f"/v1/project/{UNKNOWN_ID}/{path}")
        assert foreign.text == unknown.text.replace(UNKNOWN_ID, site.made.project_id)
        assert foreign.status_code == unknown.status_code == 404
    person = site.signed_in()
    for method, path in (("PUT", "/allowed-domains"), ("DELETE", "")):
        foreign = person.request(method, f"/v1/project/{elsewhere}{path}", json=[])
        unknown = person.request(method, f"/v1/project/{UNKNOWN_ID}{path}", json=[])
        assert foreign.text == unknown.text.replace(UNKNOWN_ID, elsewhere)
        assert foreign.status_code == unknown.status_code == 404
    assert message(site.signed_in().put(f"/v1/project/switch/{elsewhere}"))[0] == 404
    assert stranger.get(f"/v1/project/{elsewhere}/templates").json() == []


def test_lists_of_a_project(site: Site) -> None:
    made = site.made
    entries = site.client.get(f"/v1/project/{made.project_id}/templates").json()
    sample = f"{made.template_id}/sample.xlsx"
    known = {"_id": made.template_id, "name": "People", "imageColumns": [], "totalColumns": 9, "sampleFileUrl": sample}
    assert known in entries
    site.client.post("/v1/template", json={"name": "100 % _sure_", "_projectId": made.project_id})
    page = site.client.get(f"/v1/project/{made.project_id}/imports", params={"search": "% _S", "limit": "5"}).json()
    assert [one["name"] for one in page["data"]] == ["100 % _sure_"]
    assert (page["page"], page["limit"], page["totalPages"], page["totalRecords"]) == (1, 5, 1, 1)
    nothing = site.client.get(f"/v1/project/{made.project_id}/imports", params={"page": "9", "limit": "x"}).json()
    assert (nothing["page"], nothing["limit"], nothing["data"]) == (9, 1, [])
    all_of_them = site.client.get(f"/v1/project/{made.project_id}/imports", params={"limit": "10000000000"}).json()
    assert len(all_of_them["data"]) == all_of_them["totalRecords"]
    nul = site.client.get(f"/v1/project/{made.project_id}/imports", params={"search": "\0"})
    assert nul.status_code == 400
