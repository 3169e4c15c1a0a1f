"""What `/api/v1/douane.*` says of staged records, by a chat client."""

from __future__ import annotations

from starlette.testclient import TestClient

from tests.web.chat.conftest import EXAMPLE, file_data, upload, zipped

API = "/api/v1"
BROKEN = {
    **EXAMPLE,
    "general/02.csv": "ada,1577836900000,fine\nno line at all\nghost,1577836901000,who wrote this?\n",
    "nowhere/01.csv": "ada,1577836902000,lost\n",
    "readme.txt": "not a record",
}


def test_records_have_their_place_and_their_problems(admin: TestClient) -> None:
    upload(admin, zipped(BROKEN))
    file_data(admin)
    found = admin.get(f"{API}/douane.records", params={"table": "messages"}).json()
    assert found["total"] == 8
    ghost = next(one for one in found["records"] if one["record"]["author"] == "ghost")
    assert ghost["entry"] == "general/02.csv"
    assert ghost["position"] == 3
    assert [problem["code"] for problem in ghost["problems"]] == ["unknown_author"]
    assert ghost["outcome"] is None
    page = admin.get(f"{API}/douane.records", params={"table": "messages", "page": 2, "limit": 3}).json()
    assert [one["_id"] for one in page["records"]] == [one["_id"] for one in found["records"][3:6]]
    issues = admin.get(f"{API}/douane.records", params={"table": "issues"}).json()
    assert any(one["position"] == 2 and one["record"]["severity"] == "failed" for one in issues["records"])
    assert admin.get(f"{API}/douane.records", params={"table": "nothing"}).status_code == 404
    assert admin.get(f"{API}/douane.records", params={"table": "users", "limit": "x"}).status_code == 400


def test_the_ledger_adds_up(admin: TestClient) -> None:
    upload(admin, zipped(BROKEN))
    file_data(admin)
    ledger = admin.get(f"{API}/douane.ledger").json()
    assert ledger["found"] == ledger["staged"] + ledger["imported"] + ledger["skipped"] + ledger["failed"]
    assert ledger["failed"] == 1
    entries = admin.get(f"{API}/douane.ledgerEntries").json()["entries"]
    assert {line["name"] for line in entries} == set(BROKEN)
    for line in entries:
        assert line["found"] == line["staged"] + line["imported"] + line["skipped"] + line["failed"]
    assert sum(line["found"] for line in entries) == ledger["found"]


def test_whole_views_as_a_stream(admin: TestClient) -> None:
    upload(admin, zipped(BROKEN))
    file_data(admin)
    asked = {"table": "messages", "format": "csv"}
    answer = admin.get(f"{API}/douane.recordsExport", params=asked)
    assert answer.headers["content-type"].startswith("text/csv")
    assert "messages-all.csv" in answer.headers["content-disposition"]
    assert len(answer.text.splitlines()) == 9
    assert '"[""unknown_author""]"' in answer.text
    nothing = admin.get(f"{API}/douane.recordsExport", params={**asked, "view": "invalid", "format": "ndjson"})
    assert (nothing.status_code, nothing.content) == (200, b"")
    assert admin.get(f"{API}/douane.recordsExport", params={**asked, "view": "some"}).status_code == 400
    assert admin.get(f"{API}/douane.recordsExport", params={**asked, "format": "docx"}).status_code == 400
    assert admin.get(f"{API}/douane.recordsExport", params={"table": "nothing"}).status_code == 404
