"""A chat site: the web site of `tests/web`, a worker, and clients that speak `/api/v1`."""

from __future__ import annotations

import base64
import io
import time
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from starlette.testclient import TestClient

from douane.flow import identity
from tests.web.conftest import Site

EXAMPLE = {
    "users.csv": "ada,ada@example.com,Ada Lovelace\nbob,bob@example.com,Bob Stone\neve,eve@example.com,Eve Moss\n",
    "channels.csv": "general,ada,public,ada;bob;eve\nbusiness,bob,private,ada;bob\n"
    "team,eve,public,eve\nsecret,ada,private,ada;eve\n",
    "general/01.csv": "ada,1577836800000,hello\nbob,1577836801000,hi there\n",
    "business/01.csv": "bob,1577836802000,money\n",
    "directmessages/ada-bob.csv": "ada,bob,1577836803000,psst\nbob,ada,1577836804000,yes?\n",
}


def zipped(entries: Mapping[str, str | bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return data.getvalue()


def chat_client(site: Site, login: str, password: str) -> TestClient:
    client = site.anyone()
    answer = client.post("/api/v1/login", json={"user": login, "password": password})
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    client.headers.update({"X-User-Id": data["userId"], "X-Auth-Token": data["authToken"]})
    return client


def upload(client: TestClient, data: bytes, key: str = "csv", name: str = "export.zip") -> None:
    body = {
        "binaryContent": base64.b64encode(data).decode(),
        "contentType": "application/zip",
        "fileName": name,
        "importerKey": key,
    }
    answer = client.post("/api/v1/uploadImportFile", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"success": True}


def file_data(client: TestClient) -> dict[str, Any]:
    for _ in range(100):
        answer = client.get("/api/v1/getImportFileData")
        assert answer.status_code == 200, answer.text
        if not answer.json().get("waiting"):
            return dict(answer.json())
        time.sleep(0.1)
    raise AssertionError("still waiting")


def step_when(client: TestClient, ready: Callable[[str], bool]) -> dict[str, Any]:
    """Polls progress until its step is `ready`."""
    for _ in range(600):
        found = client.get("/api/v1/getImportProgress").json()
        if ready(found["step"]):
            return dict(found)
        time.sleep(0.05)
    raise AssertionError(found)


def done(client: TestClient) -> dict[str, Any]:
    ends = ("importer_done", "importer_import_failed", "importer_import_cancelled")
    return step_when(client, lambda step: step in ends)


@pytest.fixture
def admin(site: Site, worker: None) -> TestClient:
    return administrator(site)


def administrator(site: Site) -> TestClient:
    """The administrator of a project of its own, so that each test begins with an empty workspace."""
    house, secrets = site.app.state.web.house, site.app.state.web.secrets
    name = f"admin{time.monotonic_ns()}"
    person = identity.add_person(house, email=f"{name}@example.com", username=name, password="pass word")
    identity.add_project(house, secrets, person.id, name)
    return chat_client(site, name, "pass word")
