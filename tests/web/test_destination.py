"""Where accepted records go: to whoever confirms, with their defaults; or nowhere, until they are pulled."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.web.conftest import UNKNOWN_ID, Site, message

COLUMNS: list[dict[str, Any]] = [
    {"name": "Name", "key": "name", "type": "String"},
    {"name": "N", "key": "n", "type": "Number"},
    {"name": "Lang", "key": "lang", "type": "String", "defaultValue": "en"},
    {"name": "Id", "key": "id", "type": "String", "defaultValue": "<<uuid>>"},
]


@pytest.fixture
def template(site: Site) -> str:
    made = site.client.post("/v1/template", json={"_projectId": site.made.project_id, "name": "People"}).json()
    assert site.client.put(f"/v1/template/{made['_id']}/columns", json=COLUMNS).status_code == 200
    return str(made["_id"])


def sent(site: Site, template: str, rows: str) -> str:
    files = {"file": ("in.csv", f"name,n\n{rows}".encode(), "text/csv")}
    answer = site.client.post(f"/v1/upload/{template}?auto=true", files=files)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["_id"])


def test_a_destination_is_set_read_and_cleared(site: Site, template: str) -> None:
    address = f"/v1/template/{template}/destination"
    assert site.client.get(address).json() == {}
    assert site.client.put(address, json={"destination": "frontend"}).json() == {"destination": "frontend"}
    assert site.client.get(address).json() == {"destination": "frontend"}
    assert site.client.get(f"/v1/template/{template}").json()["destination"] == "frontend"
    cleared = site.client.put(address, json={})
    assert (cleared.status_code, cleared.content) == (200, b"")
    assert site.client.get(address).json() == {}


@pytest.mark.parametrize("body", [{"destination": "webhook"}, {"destination": "bubbleIo"}, {"destination": "x"}, []])
def test_what_is_not_delivered_is_refused_and_not_stored(site: Site, template: str, body: Any) -> None:
    address = f"/v1/template/{template}/destination"
    assert site.client.put(address, json=body).status_code == 400
    assert site.client.get(address).json() == {}
    assert site.client.put(f"/v1/template/{UNKNOWN_ID}/destination", json={}).status_code == 404
    assert site.stranger()[0].get(address).status_code == 404


def test_who_confirms_gets_all_records_with_their_defaults(site: Site, worker: None, template: str) -> None:
    site.client.put(f"/v1/template/{template}/destination", json={"destination": "frontend"})
    upload = sent(site, template, "Ada,1\nBob,x\n")
    answer = site.client.post(f"/v1/review/{upload}/confirm", json={})
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body["uploadInfo"]["status"] == "Completed"
    assert [(one["name"], one["n"], one["lang"]) for one in body["importedData"]] == [
        ("Ada", 1, "en"),
        ("Bob", "x", "en"),
    ]
    pulled = site.client.get(f"/v1/upload/{upload}/rows/valid?format=delivered").json()["data"]
    assert pulled == body["importedData"][:1]
    plain = site.client.get(f"/v1/upload/{upload}/rows/valid").json()["data"]
    assert plain == [{"name": "Ada", "n": 1}]
    accept = {"Accept": "application/vnd.apache.parquet"}
    other = site.client.get(f"/v1/upload/{upload}/rows/valid?format=delivered", headers=accept)
    assert other.status_code == 400
    lines = site.client.get(
        f"/v1/upload/{upload}/rows/valid?format=delivered", headers={"Accept": "application/x-ndjson"}
    )
    assert [json.loads(line) for line in lines.text.splitlines()] == pulled


def test_without_a_destination_the_answer_holds_no_records(site: Site, worker: None, template: str) -> None:
    upload = sent(site, template, "Ada,1\n")
    assert "importedData" not in site.client.post(f"/v1/review/{upload}/confirm", json={}).json()


def test_only_valid_records_leave_where_the_template_says_so(site: Site, worker: None, template: str) -> None:
    site.client.put(f"/v1/template/{template}/destination", json={"destination": "frontend"})
    changed = site.client.put(f"/v1/template/{template}", json={"confirmPolicy": "valid"})
    assert changed.json()["confirmPolicy"] == "valid"
    upload = sent(site, template, "Ada,1\nBob,x\n")
    body = site.client.post(f"/v1/review/{upload}/confirm", json={}).json()
    assert (body["uploadInfo"]["status"], body["uploadInfo"]["confirmPolicy"]) == ("Completed", "valid")
    assert [one["name"] for one in body["importedData"]] == ["Ada"]


def test_nothing_is_confirmed_before_it_is_clean_where_the_template_says_so(
    site: Site, worker: None, template: str
) -> None:
    wrong = site.client.put(f"/v1/template/{template}", json={"confirmPolicy": "some"})
    assert message(wrong) == (400, ["confirmPolicy must be one of all, valid, clean"])
    site.client.put(f"/v1/template/{template}", json={"confirmPolicy": "clean"})
    upload = sent(site, template, "Ada,1\nBob,x\n")
    # An import that began keeps what was said then.
    site.client.put(f"/v1/template/{template}", json={"confirmPolicy": "all"})
    confirm = f"/v1/review/{upload}/confirm"
    hindered = "1 of 2 records have problems. This import can be confirmed when all of them are mended or deleted."
    assert message(site.client.post(confirm, json={})) == (400, hindered)
    # What was changed since is reviewed first, and is no better.
    site.client.put(f"/v1/review/{upload}/record", json={"index": 2, "record": {"name": "B", "n": "y"}, "updated": {}})
    assert message(site.client.post(confirm, json={})) == (400, hindered)
    assert site.client.get(f"/v1/upload/{upload}").json()["status"] == "Reviewing"
    site.client.put(f"/v1/review/{upload}/record", json={"index": 2, "record": {"name": "B", "n": 2}, "updated": {}})
    assert site.client.post(confirm, json={}).json()["uploadInfo"]["status"] == "Completed"
