"""What comes from careless and hostile clients and files ends, with a sentence, and changes nobody it should not."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

from douane.flow import identity
from douane.store import projects
from douane.store.database import write
from tests.web.chat.conftest import EXAMPLE, administrator, chat_client, done, file_data, step_when, upload, zipped
from tests.web.conftest import Site

API = "/api/v1"
ALL = {"input": {"users": {"all": True}, "channels": {"all": True}}}
MEMBERS = (
    "username,email,status,billing-active,has-2fa,has-sso,userid,fullname,displayname,expiration-timestamp\n"
    "ann,ann@example.com,Admin,1,0,0,U1,Ann A,annie,\n"
)


def test_keys_that_the_contract_does_not_list_may_hold_anything(admin: TestClient) -> None:
    admin.post(f"{API}/import.new")
    users = [
        {"emails": [f"u{at}@example.com"], "importIds": [f"U{at}"], "customFields": given, "services": [given]}
        for at, given in enumerate(("x", [1], 5, None, {"a": {"b": "\0"}}))
    ]
    assert admin.post(f"{API}/import.addUsers", json={"users": users}).json() == {"success": True}
    assert admin.post(f"{API}/import.run").json() == {"success": True}
    assert done(admin)["count"] == {"completed": 5, "total": 5, "error": 0}


def test_a_file_for_an_importer_that_reads_none_is_refused_when_it_is_read(admin: TestClient) -> None:
    upload(admin, b"x", "pending-files")
    for _ in range(2):
        answer = admin.get(f"{API}/getImportFileData")
        assert (answer.status_code, answer.json()["errorType"]) == (400, "error-importer-not-defined")
        assert answer.json()["details"] == "getImportFileData"
        assert admin.get(f"{API}/import.status").json()["state"] == "error"
        assert admin.get(f"{API}/getImportProgress").json()["step"] == "importer_import_failed"


@pytest.mark.parametrize(
    ("key", "data"),
    [
        ("slack", b"%PDF-1.7 nothing"),
        ("slack", zipped({"general/2020-01-01.json": b"\0" * 1000})),
        ("csv", zipped({"general/01.csv": ""})),
        ("slack-users", b"[05.05.23, 15:48:11] James: Hi here\n[05.05.23, 15:48:12] User: Hello\n"),
        ("hipchatenterprise", zipped({"users.json": '[{"id": "U1"}]', "channels.json": "[]"})),
        ("omnichannel_contact", b"\x89PNG\r\n\x1a\n"),
    ],
)
def test_a_file_with_nothing_to_import_is_refused(admin: TestClient, key: str, data: bytes) -> None:
    upload(admin, data, key)
    answer = admin.get(f"{API}/getImportFileData")
    assert answer.status_code == 400, answer.text
    assert answer.json()["success"] is False
    assert answer.json()["error"].endswith(".")
    assert admin.get(f"{API}/getImportProgress").json()["step"] == "importer_import_failed"


@pytest.mark.parametrize(
    "supersede", [lambda client: client.post(f"{API}/import.clear"), lambda client: client.post(f"{API}/import.new")]
)
def test_who_waits_for_a_file_that_is_given_up_is_told(
    sqlite_site: Site, supersede: Callable[[TestClient], Any]
) -> None:
    """Without a worker, so that the reading does not end before it is given up."""
    client = administrator(sqlite_site)
    upload(client, zipped(EXAMPLE))
    with ThreadPoolExecutor(1) as other:
        waiting = other.submit(sqlite_site.anyone(**dict(client.headers)).get, f"{API}/getImportFileData")
        step_when(client, lambda step: step.startswith("importer_preparing"))
        assert supersede(client).status_code == 200
        answer = waiting.result()
    assert (answer.status_code, answer.json()) == (
        400,
        {
            "success": False,
            "error": "Invalid Import Operation [error-import-operation-invalid]",
            "errorType": "error-import-operation-invalid",
            "details": "getImportFileData",
        },
    )
    found = client.get(f"{API}/getLatestImportOperations").json()
    before = next(one for one in found if one["importerKey"] == "csv")
    assert (before["status"], before["valid"]) == ("importer_import_cancelled", False)


def test_of_two_starts_at_once_one_runs(admin: TestClient, site: Site) -> None:
    upload(admin, zipped(EXAMPLE))
    file_data(admin)
    clients = [site.anyone(**dict(admin.headers)) for _ in range(4)]
    with ThreadPoolExecutor(4) as others:
        answers = list(others.map(lambda client: client.post(f"{API}/startImport", json=ALL), clients))
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
    refused = {"success": False, "error": "error-invalid-operation-status"}
    assert [answer.json() for answer in answers if answer.status_code == 400] == [refused] * 3
    found = done(admin)
    assert (found["step"], found["count"]["error"]) == ("importer_done", 0)
    assert [len(admin.get(f"{API}/douane.messages").json()["messages"])] == [5]


@pytest.mark.parametrize("asked", [False, True])
def test_a_file_makes_administrators_only_when_asked_to(admin: TestClient, asked: bool) -> None:
    upload(admin, MEMBERS.encode(), "slack-users", "members.csv")
    file_data(admin)
    admin.post(f"{API}/startImport", json=ALL, params={"admins": "true"} if asked else {})
    done(admin)
    ann = admin.get(f"{API}/users.info", params={"importId": "U1"}).json()["user"]
    assert ann["roles"] == (["admin"] if asked else ["user"])


def test_the_limit_of_calls_is_told_with_refusals_too(sqlite_site: Site) -> None:
    house = sqlite_site.app.state.web.house
    person = identity.add_person(house, email="tech@example.com", username="tech", password="pass word")
    with write(house.engine) as connection:
        projects.add_member(connection, project_id=sqlite_site.made.project_id, person_id=person.id, role="Tech")
    tech = chat_client(sqlite_site, "tech", "pass word")
    for left in range(9, -1, -1):
        answer = tech.post(f"{API}/startImport", json={"input": {}})
        assert (answer.status_code, answer.headers["X-RateLimit-Remaining"]) == (400, str(left))
    assert tech.post(f"{API}/startImport", json={"input": {}}).status_code == 429
    assert tech.post(f"{API}/startImport", json={}).status_code == 400


@pytest.mark.parametrize("path", ["uploadImportFile", "import.addUsers"])
def test_a_body_that_is_too_long_is_refused_before_it_comes(sqlite_site: Site, path: str) -> None:
    client = administrator(sqlite_site)
    headers = {"Content-Type": "application/json", "Content-Length": str(1 << 50)}
    answer = client.post(f"{API}/{path}", content=b"{", headers=headers)
    limit = "chat_upload_bytes_max" if path == "uploadImportFile" else "chat_body_bytes_max"
    bytes_max = getattr(sqlite_site.settings, limit)
    said = {"success": False, "error": f"The body is larger than {bytes_max} bytes. (setting {limit})"}
    assert (answer.status_code, answer.json()) == (413, said)


def test_a_form_is_not_decoded_beyond_what_memory_holds(sqlite_site: Site) -> None:
    client = administrator(sqlite_site)
    bytes_max = sqlite_site.settings.chat_body_bytes_max
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(bytes_max + 1)}
    answer = client.post(f"{API}/uploadImportFile", content=b"x=1", headers=headers)
    assert answer.status_code == 413
    assert answer.json()["error"].endswith("(setting chat_body_bytes_max)")


def test_who_is_not_signed_in_sends_little(site: Site) -> None:
    client = site.anyone()
    long = client.post(f"{API}/login", json={"user": "a", "password": "x" * (64 << 10)})
    assert (long.status_code, long.json()["success"]) == (413, False)
    assert client.post(f"{API}/login", json={"user": "a\0b", "password": "x"}).status_code == 401


def test_no_query_brings_a_text_that_no_database_takes(admin: TestClient) -> None:
    for path, name in [("users.info", "userId"), ("douane.ledger", "operationId"), ("douane.file", "fileId")]:
        answer = admin.get(f"{API}/{path}", params={name: "a\0b"})
        assert (answer.status_code, answer.json()["success"]) == (400, False)
