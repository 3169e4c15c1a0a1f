"""The contract's acceptance list (section 12), by its numbers, against a server with a worker in both storage modes.
1 and 2 are in `test_sign_in.py`, 12 in `tests/chat/importers`, 14 in `test_restart.py`."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.web.chat.conftest import EXAMPLE, done, file_data, step_when, upload, zipped
from tests.web.conftest import Site

API = "/api/v1"
ADA = {"emails": ["ada@example.com"], "importIds": ["A1"], "username": "ada", "name": "Ada"}
BOB = {"emails": ["bob@example.com"], "importIds": ["B1"], "username": "bob", "name": "Bob"}
NO_OPERATION = {
    "success": False,
    "error": "Import Operation Not Found [error-operation-not-found]",
    "errorType": "error-operation-not-found",
}


def test_3_a_fresh_service(admin: TestClient) -> None:
    assert admin.get(f"{API}/getCurrentImportOperation").json() == {"success": True}
    assert admin.get(f"{API}/import.status").json() == {"state": "none", "success": True}
    latest = admin.get(f"{API}/getLatestImportOperations")
    assert (latest.status_code, latest.json()) == (200, [])
    for path in ("getImportProgress", "getImportFileData"):
        answer = admin.get(f"{API}/{path}")
        assert answer.status_code == 400
        assert answer.json() == {**NO_OPERATION, "details": path}
    answer = admin.post(f"{API}/startImport", json={"input": {}})
    assert answer.json() == {**NO_OPERATION, "details": "startImport"}
    assert admin.post(f"{API}/import.run").json() == {"success": False, "error": "error-operation-not-found"}
    listed = admin.get(f"{API}/importers.list").json()
    assert [one["key"] for one in listed][:4] == ["csv", "slack", "slack-users", "omnichannel_contact"]
    assert {"key": "slack-users", "name": "Slack_Users"} in listed
    assert "api" not in [one["key"] for one in listed]


def test_4_nothing_is_pending(admin: TestClient) -> None:
    for path, key, name in (
        ("downloadPendingFiles", "pending-files", "Pending Files"),
        ("downloadPendingAvatars", "pending-avatars", "Pending Avatars"),
    ):
        assert admin.post(f"{API}/{path}").json() == {"count": 0, "success": True}
        progress = admin.get(f"{API}/getImportProgress").json()
        assert progress == {
            "key": key,
            "name": name,
            "step": "importer_done",
            "count": {"completed": 0, "total": 0, "error": 0},
            "success": True,
        }
        found = admin.get(f"{API}/getImportFileData").json()
        assert (found["users"], found["channels"], found["message_count"], found["success"]) == ([], [], 0, True)
        # Looking does not change what is done (11.1).
        assert admin.get(f"{API}/import.status").json()["state"] == "done"
    refused = admin.post(f"{API}/downloadPendingFiles", json={"x": 1})
    assert refused.json()["error"] == "must NOT have additional properties"


def test_5_an_unknown_importer(admin: TestClient) -> None:
    body = {"binaryContent": "", "contentType": "image/png", "fileName": "a.png", "importerKey": "png"}
    answer = admin.post(f"{API}/uploadImportFile", json=body)
    assert answer.status_code == 400
    assert answer.json() == {
        "success": False,
        "error": "The importer (png) has no import class defined. [error-importer-not-defined]",
        "errorType": "error-importer-not-defined",
        "details": "uploadImportFile",
    }
    answer = admin.post(f"{API}/downloadPublicImportFile", json={"fileUrl": "http://x/y", "importerKey": "png"})
    assert answer.json()["details"] == "downloadImportFile"
    assert admin.get(f"{API}/getLatestImportOperations").json() == []


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("uploadImportFile", {}, "must have required property 'binaryContent'"),
        ("uploadImportFile", {"binaryContent": "", "x": 1}, "must have required property 'contentType'"),
        (
            "uploadImportFile",
            {"binaryContent": "", "contentType": "", "fileName": "", "importerKey": "", "x": 1},
            "must NOT have additional properties",
        ),
        (
            "uploadImportFile",
            {"binaryContent": [], "contentType": "", "fileName": "", "importerKey": ""},
            "must be string",
        ),
        ("uploadImportFile", [], "must be object"),
        ("downloadPublicImportFile", {"importerKey": "csv"}, "must have required property 'fileUrl'"),
        ("startImport", {}, "must have required property 'input'"),
        ("startImport", {"input": []}, "must be object"),
        ("startImport", {"input": {"users": {"all": "maybe"}}}, "must be boolean"),
        ("startImport", {"input": {"users": {"list": "U1"}}}, "must be array"),
        ("import.addUsers", {"users": [{}]}, "must have required property 'emails'"),
        ("import.addUsers", {"users": [{"emails": [{}], "importIds": []}]}, "must be string"),
    ],
)
def test_6_bodies_are_judged(admin: TestClient, path: str, body: Any, message: str) -> None:
    answer = admin.post(f"{API}/{path}", json=body)
    assert answer.status_code == 400
    assert answer.json() == {"success": False, "errorType": "invalid-params", "error": message}


def test_6_broken_json_counts_as_an_empty_object(admin: TestClient) -> None:
    for data in (b"{", b"", b"\xff\xfe", b'{"binaryContent": "'):
        answer = admin.post(f"{API}/uploadImportFile", content=data, headers={"Content-Type": "application/json"})
        assert answer.json()["error"] == "must have required property 'binaryContent'"


def test_7_addresses_that_are_not_fetched(admin: TestClient) -> None:
    answer = admin.post(f"{API}/downloadPublicImportFile", json={"fileUrl": "htt://x/y", "importerKey": "csv"})
    assert answer.status_code == 400
    assert answer.json()["error"] == "htt://x/y [error-import-file-missing]"
    assert answer.json()["errorType"] == "error-import-file-missing"
    assert admin.get(f"{API}/getLatestImportOperations").json() == []
    missing = admin.post(f"{API}/downloadPublicImportFile", json={"fileUrl": "/etc/passwd", "importerKey": "csv"})
    assert missing.json()["errorType"] == "error-import-file-missing"
    for address in ("http://127.0.0.1:1/x.zip", "http://localhost/x.zip", "http://169.254.169.254/latest"):
        answer = admin.post(f"{API}/downloadPublicImportFile", json={"fileUrl": address, "importerKey": "csv"})
        assert answer.status_code == 400
        assert answer.json() == {"success": False, "error": "error-ssrf-validation-failed"}
        assert admin.get(f"{API}/getImportProgress").json()["step"] == "importer_import_failed"


def test_8_the_documentations_example(admin: TestClient) -> None:
    upload(admin, zipped(EXAMPLE), name="my export.zip")
    assert admin.get(f"{API}/getImportProgress").json()["step"] == "importer_file_loaded"
    operation = admin.get(f"{API}/getCurrentImportOperation").json()["operation"]
    assert operation["file"].endswith(f"_{admin.headers['X-User-Id']}_my export.zip")
    assert set(operation) == {
        "_id",
        "type",
        "importerKey",
        "ts",
        "status",
        "valid",
        "user",
        "_updatedAt",
        "file",
        "contentType",
    }
    found = file_data(admin)
    assert found["name"] == "CSV"
    assert [user["username"] for user in found["users"]] == ["ada", "bob", "eve"]
    assert found["users"][0] == {
        "user_id": "ada",
        "username": "ada",
        "email": "ada@example.com",
        "is_deleted": False,
        "is_bot": False,
        "do_import": True,
        "is_email_taken": False,
    }
    rooms = {channel["name"]: channel["is_private"] for channel in found["channels"] if not channel["is_direct"]}
    assert rooms == {"general": False, "business": True, "team": False, "secret": True}
    direct = [channel for channel in found["channels"] if channel["is_direct"]]
    assert [channel["channel_id"] for channel in direct] == ["__directMessages__"]
    assert found["channels"][-1]["is_private"] is True
    assert found["message_count"] == 5
    assert found["contacts"] == []
    status = admin.get(f"{API}/import.status").json()
    assert status["state"] == "ready"
    assert status["operation"]["count"]["users"] == 3
    assert status["operation"]["count"]["messages"] == 5


@pytest.mark.parametrize("generation", [6, 7])
def test_9_both_shapes_of_a_selection(admin: TestClient, generation: int) -> None:
    upload(admin, zipped(EXAMPLE))
    found = file_data(admin)
    chosen_users, chosen_rooms = {"ada", "bob"}, {"general", "__directMessages__"}
    rooms = {channel["channel_id"] for channel in found["channels"] if channel["name"] == "general"}
    if generation == 7:
        selection: dict[str, Any] = {
            "users": {"all": False, "list": sorted(chosen_users)},
            "channels": {"list": [*rooms, "__directMessages__"]},
            "contacts": {},
            "message_count": 5,
        }
    else:
        selection = {
            "users": [user | {"do_import": user["user_id"] in chosen_users} for user in found["users"]],
            "channels": [
                channel | {"do_import": channel["channel_id"] in rooms | chosen_rooms} for channel in found["channels"]
            ],
        }
    assert admin.post(f"{API}/startImport", json={"input": selection}).json() == {"success": True}
    assert done(admin)["step"] == "importer_done"
    for name, there in (("ada", True), ("bob", True), ("eve", False)):
        answer = admin.get(f"{API}/users.info", params={"importId": name})
        assert (answer.status_code == 200) is there, name
    names = {user["username"] for user in admin.get(f"{API}/users.list", params={"count": 100}).json()["users"]}
    assert {"ada", "bob"} <= names
    assert "eve" not in names
    messages = admin.get(f"{API}/douane.messages").json()
    assert sorted(one["msg"] for one in messages["messages"]) == ["hello", "hi there", "psst", "yes?"]
    # A second start finds nothing to start.
    again = admin.post(f"{API}/startImport", json={"input": selection})
    assert (again.status_code, again.json()["error"]) == (400, "error-invalid-operation-status")


def test_10_users_by_rest(admin: TestClient) -> None:
    operation = admin.post(f"{API}/import.new").json()["operation"]
    assert set(operation) == {"_id", "type", "importerKey", "ts", "status", "valid", "user", "_updatedAt"}
    assert (operation["type"], operation["importerKey"], operation["status"]) == ("api", "api", "importer_new")
    assert admin.get(f"{API}/import.status").json()["state"] == "new"
    assert admin.post(f"{API}/import.addUsers", json={"users": [ADA, BOB]}).json() == {"success": True}
    status = admin.get(f"{API}/import.status").json()
    assert status["state"] == "ready"
    assert status["operation"]["count"] == {"total": 2, "users": 2}
    assert admin.post(f"{API}/import.run").json() == {"success": True}
    assert done(admin)["count"] == {"completed": 2, "total": 2, "error": 0}
    status = admin.get(f"{API}/import.status").json()
    assert (status["state"], status["operation"]["count"]["completed"]) == ("done", 2)
    assert admin.get(f"{API}/users.info", params={"importId": "A1"}).json()["user"]["username"] == "ada"
    before = admin.get(f"{API}/users.list").json()["total"]

    admin.post(f"{API}/import.new")
    admin.post(f"{API}/import.addUsers", json={"users": [ADA, BOB]})
    admin.post(f"{API}/import.run")
    assert done(admin)["count"] == {"completed": 2, "total": 2, "error": 2}
    assert admin.get(f"{API}/import.status").json()["state"] == "done"
    assert admin.get(f"{API}/users.list").json()["total"] == before


def test_11_users_that_are_refused(admin: TestClient) -> None:
    def refused(users: list[dict[str, Any]]) -> str:
        answer = admin.post(f"{API}/import.addUsers", json={"users": users})
        assert answer.status_code == 400
        assert set(answer.json()) == {"success", "error"}
        return str(answer.json()["error"])

    assert refused([ADA]) == "Import operation not initialized."
    assert admin.post(f"{API}/import.addUsers", json={"users": []}).json() == {"success": True}
    upload(admin, zipped(EXAMPLE))
    assert refused([ADA]) == "The current import operation can not receive new data."
    admin.post(f"{API}/import.new")
    assert refused([ADA | {"emails": [""]}]) == "Users are missing required data."
    assert refused([BOB, ADA | {"importIds": []}]) == "Users are missing required data."
    assert refused([ADA | {"roles": ["emperor"]}]) == "One or more of the users have been assigned invalid roles."
    assert admin.get(f"{API}/import.status").json()["state"] == "new"
    assert admin.post(f"{API}/import.addUsers", json={"users": [ADA | {"roles": ["bot"]}]}).json()["success"]
    admin.post(f"{API}/import.run")
    done(admin)
    assert refused([BOB]) == "The current import operation is already finished."
    admin.post(f"{API}/import.clear")
    assert refused([BOB]) == "Import operation not initialized."


def test_13_a_second_upload_supersedes_the_first(admin: TestClient) -> None:
    upload(admin, zipped(EXAMPLE))
    file_data(admin)
    first = admin.get(f"{API}/getCurrentImportOperation").json()["operation"]
    upload(admin, zipped({"users.csv": "zoe,zoe@example.com,Zoe\n"}))
    operations = {one["_id"]: one for one in admin.get(f"{API}/getLatestImportOperations").json()}
    assert operations[first["_id"]]["valid"] is False
    current = admin.get(f"{API}/getCurrentImportOperation").json()["operation"]
    assert current["_id"] != first["_id"]
    assert current["valid"] is True
    assert [user["username"] for user in file_data(admin)["users"]] == ["zoe"]


def test_a_file_of_another_kind_is_said_to_be_one(admin: TestClient) -> None:
    """Issue 38499 of the original: it said `waiting` for ever."""
    upload(admin, b"%PDF-1.7 no zip at all", key="slack", name="x.pdf")
    answer = admin.get(f"{API}/getImportFileData")
    assert answer.status_code == 400
    assert answer.json()["success"] is False
    assert answer.json()["error"]
    assert admin.get(f"{API}/getImportProgress").json()["step"] == "importer_import_failed"
    assert admin.get(f"{API}/import.status").json()["state"] == "error"
    assert admin.get(f"{API}/getImportFileData").status_code == 400


def test_starting_before_the_file_was_read_is_refused(admin: TestClient) -> None:
    upload(admin, zipped(EXAMPLE))
    answer = admin.post(f"{API}/startImport", json={"input": {"users": {"all": True}}})
    assert (answer.status_code, answer.json()["error"]) == (400, "error-invalid-operation-status")
    assert admin.get(f"{API}/getImportProgress").json()["step"] == "importer_file_loaded"


def test_clearing(admin: TestClient) -> None:
    upload(admin, zipped(EXAMPLE))
    file_data(admin)
    assert admin.post(f"{API}/import.clear").json() == {"success": True}
    status = admin.get(f"{API}/import.status").json()
    assert (status["state"], status["operation"]["valid"]) == ("error", False)
    assert admin.post(f"{API}/import.run").json()["error"] == "error-invalid-operation-status"


def test_another_projects_imports_are_not_seen(site: Site, admin: TestClient) -> None:
    upload(admin, zipped(EXAMPLE))
    from tests.web.chat.conftest import chat_client

    other = chat_client(site, site.made.email, site.made.password)
    assert admin.get(f"{API}/import.status").json()["state"] == "loading"
    ids = [one["_id"] for one in other.get(f"{API}/getLatestImportOperations").json()]
    mine = admin.get(f"{API}/getCurrentImportOperation").json()["operation"]["_id"]
    assert mine not in ids


def test_the_raw_upload_is_the_same_import(admin: TestClient) -> None:
    answer = admin.post(
        f"{API}/douane.upload",
        params={"importerKey": "csv", "fileName": "x.zip"},
        content=zipped(EXAMPLE),
        headers={"Content-Type": "application/zip"},
    )
    assert answer.json()["operation"]["status"] == "importer_file_loaded"
    assert file_data(admin)["message_count"] == 5
    answer = admin.post(
        f"{API}/douane.upload", params={"importerKey": "csv"}, files={"file": ("y.zip", zipped(EXAMPLE))}
    )
    assert answer.json()["operation"]["file"].endswith("_y.zip")
    assert file_data(admin)["message_count"] == 5
    step_when(admin, lambda step: step == "importer_user_selection")
