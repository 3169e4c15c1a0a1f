"""Data that an older build left behind must open with today's and go on: `make.py` made it, `test_upgrade.py` opens it.
What both must do alike, the calls of a client, is here."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import obstore
import obstore.store

DATA = Path(__file__).parent / "data"
# Small batches, so that a run of a few messages can be met half-way; no limits on how often is asked.
SETTINGS = {"chat_batch_records": 2, "chat_rate_calls": 0, "lease_s": 2.0, "queue_poll_s": 0.05, "tick_s": 1.0}
SETTINGS |= {"argon2_memory_kib": 64, "argon2_passes": 1}
WAIT_S = 60
BUCKET = "old"


def bucket(settings: Mapping[str, Any], name: str = BUCKET) -> obstore.store.S3Store:
    return obstore.store.S3Store(
        name,
        endpoint=settings["s3_endpoint"],
        region=settings["s3_region"],
        access_key_id="test",
        secret_access_key="test",
        client_options={"allow_http": True},
    )


def upload(client: httpx.Client, template_id: str, data: bytes, *, name: str = "people.csv", **query: str) -> str:
    answer = client.post(f"/v1/upload/{template_id}", params=query, files={"file": (name, data, "text/csv")})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["_id"])


def stage(client: httpx.Client, upload_id: str) -> str:
    return str(client.get(f"/v1/upload/{upload_id}").json()["status"])


def mapping(client: httpx.Client, upload_id: str) -> list[dict[str, Any]]:
    """Asking for it once the file is read makes the import `Mapping`."""
    return [
        {"key": one["key"], "columnHeading": one.get("columnHeading")}
        for one in client.get(f"/v1/mapping/{upload_id}").json()
    ]


def finalize(client: httpx.Client, upload_id: str) -> None:
    answer = client.post(f"/v1/mapping/{upload_id}/finalize", json=mapping(client, upload_id))
    assert answer.status_code == 201, answer.text


def review(client: httpx.Client, upload_id: str) -> None:
    answer = client.post(f"/v1/review/{upload_id}")
    assert answer.status_code == 201, answer.text


def confirm(client: httpx.Client, upload_id: str) -> None:
    answer = client.post(f"/v1/review/{upload_id}/confirm", json={})
    assert answer.status_code == 201, answer.text


# Ids are made anew; explanations stand beside the contract's fields since then.
_NOT_KEPT = ("_id", "explanations")


def reviewed(client: httpx.Client, upload_id: str) -> list[dict[str, Any]]:
    """Every record as a person sees it in review, without the ids and what was added since."""
    page = client.get(f"/v1/review/{upload_id}", params={"limit": 1000}).json()
    return [{name: value for name, value in one.items() if name not in _NOT_KEPT} for one in page["data"]]


def delivered(client: httpx.Client, upload_id: str) -> dict[str, Any]:
    """What a program pulls when it is over."""
    rows = {view: client.get(f"/v1/upload/{upload_id}/rows/{view}").json() for view in ("valid", "invalid")}
    return {
        "valid": rows["valid"]["data"],
        "invalid": [
            {name: value for name, value in one.items() if name not in _NOT_KEPT} for one in rows["invalid"]["data"]
        ],
    }


def chat(client: httpx.Client, user: str, password: str) -> None:
    """Signs the client in."""
    answer = client.post("/api/v1/login", json={"user": user, "password": password})
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    client.headers.update({"X-User-Id": data["userId"], "X-Auth-Token": data["authToken"]})


def chat_upload(client: httpx.Client, data: bytes) -> None:
    body = {
        "binaryContent": base64.b64encode(data).decode(),
        "contentType": "application/zip",
        "fileName": "export.zip",
        "importerKey": "slack",
    }
    answer = client.post("/api/v1/uploadImportFile", json=body)
    assert answer.status_code == 200, answer.text


def preview(client: httpx.Client) -> dict[str, Any]:
    """Users and rooms of the export that was read, when it is."""
    found = _waited(client, "/api/v1/getImportFileData", lambda found: not found.get("waiting"))
    return {
        "users": [one["username"] for one in found["users"]],
        "channels": [one["name"] for one in found["channels"]],
        "messages": found["message_count"],
    }


def start(client: httpx.Client) -> None:
    selection = {"users": {"all": True}, "channels": {"all": True}, "contacts": {"all": True}}
    answer = client.post("/api/v1/startImport", json={"input": selection})
    assert answer.json() == {"success": True}, answer.text


def progress(client: httpx.Client) -> dict[str, Any]:
    return dict(client.get("/api/v1/getImportProgress").json())


def done(client: httpx.Client) -> dict[str, Any]:
    """The counts of a run that came to its end."""
    ends = ("importer_done", "importer_import_failed", "importer_import_cancelled")
    found = _waited(client, "/api/v1/getImportProgress", lambda found: found["step"] in ends)
    assert found["step"] == "importer_done", found
    return dict(found["count"])


def workspace(client: httpx.Client) -> dict[str, Any]:
    """Who and what is in the workspace, by the names a person knows."""

    def listed(name: str, path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            page = client.get(f"/api/v1/{path}", params={"offset": len(found), "count": 50}).json()
            found += page[name]
            if len(found) >= page["total"]:
                return found

    rooms = {one["_id"]: one.get("name") or "direct" for one in listed("rooms", "douane.rooms")}
    messages = [
        (one["ts"], rooms[one["rid"]], one["u"].get("username", ""), one["msg"], sorted(one.get("reactions", {})))
        for one in listed("messages", "douane.messages")
    ]
    return {
        # Not the administrator, whose name is each project's own.
        "users": sorted(
            one["username"] for one in listed("users", "users.list") if not one["username"].startswith("a-")
        ),
        "rooms": sorted(rooms.values()),
        "messages": sorted(map(list, messages), key=str),
    }


def _waited(client: httpx.Client, path: str, ready: Any) -> dict[str, Any]:
    until = time.monotonic() + WAIT_S
    while True:
        answer = client.get(path)
        assert answer.status_code == 200, answer.text
        found = dict(answer.json())
        if ready(found):
            return found
        assert time.monotonic() < until, found
        time.sleep(0.05)
