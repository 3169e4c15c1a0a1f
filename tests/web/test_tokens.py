"""Import tokens and links: what they reach (every operation that OpenAPI lists is asked), when they end, how often a
link may be used."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from douane.flow import audit, tokens
from douane.store.database import read, write
from douane.store.schema import import_link, import_token
from tests.web.conftest import PEOPLE, UNKNOWN_ID, Site, message
from tests.web.test_access import at, check, operations

# What an import token opens, with the ids it is for; all that stands under an upload besides.
OPEN_TO_TOKENS = {
    ("GET", "/v1/project"),
    ("GET", "/v1/project/{project_id}/templates"),
    ("GET", "/v1/template/{template_id}"),
    ("GET", "/v1/template/{template_id}/columns"),
    ("POST", "/v1/upload/{template_id}"),
    ("POST", "/v1/common/valid"),
    ("GET", "/v1/common/import-config"),
    ("POST", "/v1/common/sheet-names"),
    ("POST", "/v1/template/{template_id}/sample"),
    ("GET", "/v1/template/{template_id}/sample.xlsx"),
    ("POST", "/v1/common/signed-url"),
}
TO_ALL = {
    ("POST", "/v1/auth/login"),
    ("GET", "/v1/auth/logout"),
    ("GET", "/v1/health-check"),
    ("POST", "/v1/link/open"),
}


@pytest.fixture(autouse=True)
def _fresh(sqlite_site: Site) -> Iterator[None]:
    yield
    sqlite_site.app.state.web.forget()


def token(site: Site, **asked: Any) -> dict[str, Any]:
    answer = site.client.post("/v1/token", json={"templateId": site.made.template_id, **asked})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def other_template(site: Site) -> str:
    body = {
        "name": "Other",
        "_projectId": site.made.project_id,
        "columns": [{"name": "A", "key": "a", "type": "String"}],
    }
    return str(site.client.post("/v1/template", json=body).json()["_id"])


def test_a_token_reaches_its_template_and_its_imports_alone(sqlite_site: Site) -> None:
    site = sqlite_site
    held = token(site)
    page = site.anyone(accesskey=held["token"])
    own = page.post(f"/v1/upload/{site.made.template_id}", json={}).json()["_id"]
    theirs = site.client.post(f"/v1/upload/{site.made.template_id}", json={}).json()["_id"]
    other = other_template(site)
    elsewhere = site.client.post(f"/v1/upload/{other}", json={}).json()["_id"]
    beside = site.anyone(accesskey=token(site)["token"])
    assert beside.get(f"/v1/upload/{own}").status_code == 404
    before = site.client.get(f"/v1/upload/{theirs}").json()
    seen = set()
    for method, path in operations(site):
        if (method, path) in TO_ALL:
            continue
        # What is not for it: another template, imports that others made, another project.
        for upload_id, template_id in ((theirs, other), (elsewhere, other), (UNKNOWN_ID, UNKNOWN_ID)):
            ids = {"upload_id": upload_id, "template_id": template_id, "project_id": UNKNOWN_ID}
            whole = path
            for name, value in ids.items():
                whole = whole.replace("{" + name + "}", value)
            answer = page.request(method, at(whole, UNKNOWN_ID), json={})
            check(answer, (method, whole))
            if (method, path) == ("DELETE", "/v1/upload/{upload_id}"):
                assert (answer.status_code, answer.content) == (200, b"")  # as an unknown one (2.4)
            elif "{" in path:
                assert answer.status_code in (400, 401, 403, 404), (method, whole, answer.text)
        # What is for it.
        ids = {"upload_id": own, "template_id": site.made.template_id, "project_id": site.made.project_id}
        whole = path
        for name, value in ids.items():
            whole = whole.replace("{" + name + "}", value)
        if method == "DELETE" or path.endswith(("/events", "/confirm")):
            continue
        answer = page.request(method, at(whole, UNKNOWN_ID), json={})
        check(answer, (method, whole))
        if (method, path) in OPEN_TO_TOKENS or "{upload_id}" in path:
            assert answer.status_code not in (401, 403), (method, whole, answer.text)
            seen.add((method, path))
        else:
            assert answer.status_code in (401, 403), (method, whole, answer.text)
    assert seen >= OPEN_TO_TOKENS
    assert site.client.get(f"/v1/upload/{theirs}").json() == before
    assert [one["_id"] for one in page.get(f"/v1/project/{site.made.project_id}/templates").json()] == [
        site.made.template_id
    ]
    config = page.get("/v1/common/import-config", params={"projectId": site.made.project_id, "templateId": other})
    assert config.status_code == 400
    signed = page.post("/v1/common/signed-url", json={"key": f"{other}/sample.xlsx"})
    assert signed.status_code in (400, 404)
    valid = page.post("/v1/common/valid", json={"projectId": site.made.project_id, "templateId": other})
    assert valid.status_code == 404
    # Its own import to the end, and no list of the others.
    assert page.get(f"/v1/upload/{site.made.template_id}").status_code == 404
    assert page.delete(f"/v1/upload/{own}").status_code == 200
    assert page.delete(f"/v1/upload/{theirs}").content == b""
    assert site.client.get(f"/v1/upload/{theirs}").json()["status"] == "Reviewing"


def test_a_token_ends_by_itself_and_when_it_is_revoked(sqlite_site: Site) -> None:
    site = sqlite_site
    web = site.app.state.web
    held = token(site, minutes=5)
    page = site.anyone(accesskey=held["token"])
    address = f"/v1/template/{site.made.template_id}"
    assert page.get(address).status_code == 200
    with read(web.house.engine) as connection:
        kept = str(connection.execute(sa.select(import_token)).all())
    assert held["token"] not in kept
    with write(web.house.engine) as connection:
        connection.execute(sa.update(import_token).values(expires_at=import_token.c.created_at))
    web.forget()
    assert message(page.get(address)) == (401, "This import token has expired; please open the import again.")
    tokens.forget_old(web.house)
    assert page.get(address).status_code == 401
    with write(web.house.engine) as connection:
        day = timedelta(days=2)
        for id_, at_ in connection.execute(sa.select(import_token.c.id, import_token.c.expires_at)).all():
            connection.execute(sa.update(import_token).where(import_token.c.id == id_).values(expires_at=at_ - day))
    tokens.forget_old(web.house)
    web.forget()
    assert message(page.get(address)) == (401, "API Key not found!")
    held = token(site)
    page = site.anyone(accesskey=held["token"])
    assert page.get(address).status_code == 200
    stranger, _ = site.stranger()
    assert stranger.delete(f"/v1/token/{held['_id']}").status_code == 404
    assert site.client.delete(f"/v1/token/{held['_id']}").json() == {"_id": held["_id"]}
    assert page.get(address).status_code == 401
    actions = [one.action for one in audit.lines(web.house, 50, audit.Sought(action="import_token"))]
    assert actions[:2] == ["import_token.revoke", "import_token.add"]


def test_a_token_for_one_import_goes_on_with_that_one(sqlite_site: Site) -> None:
    site = sqlite_site
    upload_id = site.client.post(f"/v1/upload/{site.made.template_id}", json={}).json()["_id"]
    held = token(site, uploadId=upload_id)
    assert held["uploadId"] == upload_id
    page = site.anyone(accesskey=held["token"])
    assert page.get(f"/v1/upload/{upload_id}").status_code == 200
    assert page.post(f"/v1/upload/{site.made.template_id}", json={}).status_code == 403
    asked = {"projectId": site.made.project_id, "templateId": site.made.template_id}
    assert page.get("/v1/common/import-config", params=asked).json()["uploadId"] == upload_id
    assert "uploadId" not in site.client.get("/v1/common/import-config", params=asked).json()
    assert site.client.delete(f"/v1/upload/{upload_id}").status_code == 200
    gone = {"templateId": site.made.template_id, "uploadId": upload_id}
    assert site.client.post("/v1/token", json=gone).status_code == 404
    assert site.client.post("/v1/token", json={**gone, "uploadId": UNKNOWN_ID}).status_code == 404


def test_the_rules_are_for_who_asks_for_the_token(sqlite_site: Site) -> None:
    site = sqlite_site
    page = site.anyone(accesskey=token(site)["token"])
    schema = '[{"key": "x", "name": "X", "type": "Number"}]'
    for name, value in (("schema", schema), ("output", "{}"), ("imageSchema", '{"name": ["a"]}')):
        answer = page.post(f"/v1/upload/{site.made.template_id}", json={name: value})
        assert message(answer) == (403, f"With an import token, {name} is given by who asks for the token.")
    fixed = token(site, schema=[{"key": "x", "name": "X", "type": "Number"}], extra={"user": 7}, authHeaderValue="s")
    page = site.anyone(accesskey=fixed["token"])
    assert [one["key"] for one in page.get(f"/v1/template/{site.made.template_id}/columns").json()] == ["x"]
    made = page.post(f"/v1/upload/{site.made.template_id}", json={"extra": "forged", "schema": "[]"}).json()
    assert (made["extra"], made["authHeaderValue"], made["headings"]) == ('{"user":7}', "s", ["x"])


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"templateId": "x"},
        {"templateId": None},
        {"minutes": 0},
        {"minutes": -1},
        {"minutes": 1441},
        {"minutes": 1e300},
        {"minutes": "5"},
        {"minutes": 1.5},
        {"uploadId": "x"},
        {"uploadId": 5},
        {"schema": "x"},
        {"schema": True},
        {"schema": [{"key": 1}]},
        {"extra": "\0"},
        {"maxRecords": {}},
    ],
    ids=repr,
)
def test_what_makes_no_token(sqlite_site: Site, asked: dict[str, Any]) -> None:
    body = asked if "templateId" in asked or not asked else {"templateId": sqlite_site.made.template_id, **asked}
    answer = sqlite_site.client.post("/v1/token", json=body)
    assert message(answer)[0] == 400, answer.text  # type: ignore[index]


def test_strangers_make_no_tokens_or_links(sqlite_site: Site) -> None:
    site = sqlite_site
    stranger, _ = site.stranger()
    for path in ("/v1/token", "/v1/link"):
        assert stranger.post(path, json={"templateId": site.made.template_id}).status_code == 404
        assert site.client.post(path, json={"templateId": UNKNOWN_ID}).status_code == 404
    made = link(site)
    assert stranger.delete(f"/v1/link/{made['_id']}").status_code == 404
    assert stranger.get("/v1/link").json() == []


# Links


def link(site: Site, **asked: Any) -> dict[str, Any]:
    answer = site.client.post("/v1/link", json={"templateId": site.made.template_id, **asked})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def opened(site: Site, made: dict[str, Any]) -> Any:
    return site.anyone().post("/v1/link/open", json={"link": made["url"].rsplit("/", 1)[1]})


def test_a_link_for_one_import_goes_on_with_it_and_ends_with_it(sqlite_site: Site) -> None:
    site = sqlite_site
    made = link(site, name="Ann", extra={"order": 5})
    assert (made["uses"], made["usesMax"], made["url"].startswith(f"{site.settings.address}/i/")) == (0, 1, True)
    first, second = (site.anyone(accesskey=opened(site, made).json()["token"]) for _ in range(2))
    begun = first.post(f"/v1/upload/{site.made.template_id}", json={})
    assert (begun.status_code, begun.json()["extra"]) == (201, '{"order":5}')
    # The other tab has no use left; whoever opens the link again goes on with what was begun.
    assert message(second.post(f"/v1/upload/{site.made.template_id}", json={})) == (
        401,
        "This import link was used already.",
    )
    again = opened(site, made).json()
    assert again["uploadId"] == begun.json()["_id"]
    page = site.anyone(accesskey=again["token"])
    assert page.get(f"/v1/upload/{again['uploadId']}").status_code == 200
    # What is ended before its end gives the use back.
    assert page.delete(f"/v1/upload/{again['uploadId']}").status_code == 200
    third = opened(site, made).json()
    assert third["uploadId"] is None
    page = site.anyone(accesskey=third["token"])
    upload_id = page.post(f"/v1/upload/{site.made.template_id}", json={}).json()["_id"]
    assert page.post(f"/v1/review/{upload_id}/confirm").status_code == 201
    assert opened(site, made).status_code == 401
    assert site.client.get("/v1/link", params={"templateId": site.made.template_id}).json()[-1]["uses"] == 1


def test_a_link_for_many_keeps_people_apart(sqlite_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site = sqlite_site
    made = link(site, uses=2)
    pages = [site.anyone(accesskey=opened(site, made).json()["token"]) for _ in range(3)]
    uploads = [page.post(f"/v1/upload/{site.made.template_id}", json={}) for page in pages]
    assert [one.status_code for one in uploads] == [201, 201, 401]
    assert pages[1].get(f"/v1/upload/{uploads[0].json()['_id']}").status_code == 404
    assert "as often as it may be" in opened(site, made).json()["message"]
    assert link(site, uses=None)["usesMax"] is None
    # However often somebody opens it, few idle tokens are kept, and none of a person's who has begun.
    monkeypatch.setattr(tokens, "IDLE_MAX", 3)
    many = link(site, uses=None)
    first = opened(site, many).json()
    page = site.anyone(accesskey=first["token"])
    upload_id = page.post(f"/v1/upload/{site.made.template_id}", json={}).json()["_id"]
    for _ in range(5):
        assert opened(site, many).status_code == 201
    with read(site.app.state.web.house.engine) as connection:
        kept = connection.execute(sa.select(import_token.c.id).where(import_token.c.link_id == many["_id"])).all()
    assert len(kept) == 4
    site.app.state.web.forget()
    assert page.get(f"/v1/upload/{upload_id}").status_code == 200


def test_a_link_that_is_over_opens_nothing(sqlite_site: Site) -> None:
    site = sqlite_site
    web = site.app.state.web
    made = link(site)
    page = site.anyone(accesskey=opened(site, made).json()["token"])
    assert page.get(f"/v1/template/{site.made.template_id}").status_code == 200
    assert site.client.delete(f"/v1/link/{made['_id']}").json()["revokedAt"]
    assert page.get(f"/v1/template/{site.made.template_id}").status_code == 401
    assert message(opened(site, made)) == (401, "This import link was revoked.")
    assert site.client.delete(f"/v1/link/{made['_id']}").status_code == 404
    late = link(site)
    with write(web.house.engine) as connection:
        connection.execute(
            sa.update(import_link).where(import_link.c.id == late["_id"]).values(expires_at=import_link.c.created_at)
        )
    assert message(opened(site, late)) == (401, "This import link has expired; please ask for a new one.")
    for link_text in ("", "x", "x" * 100_000, None, 5):
        answer = site.anyone().post("/v1/link/open", json={"link": link_text})
        assert answer.status_code in (400, 404), answer.text
    lines = audit.lines(web.house, 50, audit.Sought(action="link.open", refused=True))
    assert lines[0].about["link"] == late["_id"]
    for asked in ({"days": 0}, {"days": 367}, {"uses": 0}, {"uses": "many"}, {"uses": 1.5}, {"name": "x" * 201}):
        answer = site.client.post("/v1/link", json={"templateId": site.made.template_id, **asked})
        assert answer.status_code == 400, (asked, answer.text)


def test_the_page_behind_a_link(sqlite_site: Site) -> None:
    answer = sqlite_site.anyone().get("/i/whatever")
    assert answer.status_code == 200
    # Our own calls say where they come from, where a project allows some pages only; nobody else hears the address.
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]


def test_a_token_brings_a_file_from_upload_to_rows(site: Site, worker: None) -> None:
    held = token(site)
    page = site.anyone(accesskey=held["token"])
    with PEOPLE.open("rb") as file:
        made = page.post(
            f"/v1/upload/{site.made.template_id}",
            params={"auto": "true"},
            files={"file": ("people.csv", file, "text/csv")},
        )
    assert made.status_code == 201, made.text
    upload_id = made.json()["_id"]
    assert page.get(f"/v1/review/{upload_id}").json()["totalRecords"] > 0
    assert page.post(f"/v1/review/{upload_id}/confirm").status_code == 201
    assert page.get(f"/v1/upload/{upload_id}/rows/valid").json()["data"]
