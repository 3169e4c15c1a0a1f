"""An import from upload to rows, with a real worker (contract 2.4, 2.9, 2.10, 4.7, 7)."""

from __future__ import annotations

import datetime
import io
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openpyxl
import polars as pl
import pytest

from douane.store import operations
from douane.store.database import write
from tests.web.conftest import PEOPLE, UNKNOWN_ID, Site, message

pytestmark = pytest.mark.usefixtures("worker")

LANDED = "You may landed to wrong place, "


def upload(site: Site, data: bytes | None = None, name: str = "people.csv", auto: bool = False, **fields: str) -> Any:
    return site.client.post(
        f"/v1/upload/{site.made.template_id}" + ("?auto=true" if auto else ""),
        files={"file": (name, PEOPLE.read_bytes() if data is None else data, "text/csv")},
        data=fields,
    )


@pytest.fixture(scope="module")
def checked(site: Site, worker: None) -> str:
    """An import in review that is read, and changed by one test."""
    answer = upload(site, auto=True)
    assert answer.status_code == 201, answer.text
    assert answer.json()["status"] == "Reviewing"
    return str(answer.json()["_id"])


def counts(site: Site, upload_id: str) -> tuple[int, int, int]:
    shown = site.client.get(f"/v1/upload/{upload_id}").json()
    return shown["totalRecords"], shown["validRecords"], shown["invalidRecords"]


def test_the_main_flow(site: Site) -> None:
    client, template_id = site.client, site.made.template_id
    begun = upload(site, extra='{"userId":1}', authHeaderValue="secret")
    assert begun.status_code == 201
    shown = begun.json()
    upload_id = shown["_id"]
    assert (shown["status"], shown["headerRow"], shown["extra"]) == ("Uploaded", 0, '{"userId":1}')
    assert (shown["_templateId"], shown["authHeaderValue"], shown["id"]) == (template_id, "secret", upload_id)
    assert shown["originalFileName"].startswith("people-")
    assert (shown["originalFileType"], shown["totalRecords"]) == ("text/csv", 0)
    assert client.get(f"/v1/upload/{upload_id}").json()["_id"] == upload_id
    assert client.get(f"/v1/upload/{upload_id}/headings").json() == shown["headings"]
    assert shown["headings"][:3] == ["Customer ID", "Full name", "E-mail"]
    preview = client.get(f"/v1/upload/{upload_id}/preview").json()
    assert preview[1][:2] == ["C001", "Ada Lovelace"]
    assert len(preview) == 15

    # Not at this stage.
    finalize_first = (400, f"{LANDED}Please finalize mapping and proceed ahead.")
    assert message(client.get(f"/v1/upload/{upload_id}/rows/valid")) == finalize_first
    assert message(client.post(f"/v1/mapping/{upload_id}/finalize", json=[])) == finalize_first
    assert message(client.post(f"/v1/review/{upload_id}/confirm", json={})) == finalize_first
    change = {"index": 1, "record": {}, "updated": {}}
    assert message(client.put(f"/v1/review/{upload_id}/record", json=change)) == finalize_first
    assert (client.post(f"/v1/review/{upload_id}").status_code, counts(site, upload_id)) == (201, (0, 0, 0))

    columns = client.get(f"/v1/mapping/{upload_id}").json()
    headings = {one["key"]: one.get("columnHeading") for one in columns}
    assert headings["id"] == "Customer ID"
    assert headings["name"] == "Full name"
    assert client.get(f"/v1/mapping/{upload_id}").json() == columns, "asking again changes nothing"

    def finalize(*lines: Any) -> Any:
        return client.post(f"/v1/mapping/{upload_id}/finalize", json=list(lines))

    lines = [{"key": one["key"], "name": one["name"], "columnHeading": one["columnHeading"]} for one in columns]
    assert message(finalize(*lines, lines[0])) == (400, "Mapping data contains duplicates")
    invalid = (400, "Mapping data contains invalid columnHeading values")
    assert message(finalize({**lines[0], "columnHeading": "Nothing"}, *lines[1:])) == invalid
    assert message(finalize(*lines[1:])) == (400, "Customer ID is required")
    assert finalize({**lines[0], "columnHeading": lines[1]["columnHeading"]}, *lines[1:]).status_code == 400
    mapped = finalize(*lines)
    assert mapped.status_code == 201
    assert (mapped.json()["status"], mapped.json()["headings"][:2]) == ("Mapped", ["id", "name"])

    reviewed = client.post(f"/v1/review/{upload_id}")
    assert (reviewed.status_code, reviewed.content) == (201, b"")
    assert counts(site, upload_id) == (19, 9, 10)
    assert client.get(f"/v1/template/{template_id}").json()["totalUploads"] >= 1

    page = client.get(f"/v1/review/{upload_id}", params={"type": "invalid", "limit": "4"}).json()
    assert {name: page[name] for name in ("limit", "page", "totalRecords", "totalPages")} == {
        "limit": 4,
        "page": 1,
        "totalRecords": 10,
        "totalPages": 3,
    }
    first = page["data"][0]
    assert (first["index"], first["isValid"], first["updated"]) == (3, False, {})
    assert first["errors"] == {"name": "This field is required"}
    assert first["record"]["age"] == 29
    with_lines = client.get(f"/v1/review/{upload_id}", params={"type": "invalid", "limit": "1", "lines": "true"}).json()
    assert with_lines["data"] == [{**first, "line": 4}]
    indexes = [one["index"] for one in page["data"]]
    assert indexes == sorted(indexes)
    assert client.get(f"/v1/review/{upload_id}", params={"page": "99", "type": "valid"}).json()["data"] == []
    assert client.get(f"/v1/review/{upload_id}", params={"type": "x"}).json()["totalRecords"] == 10

    mended = {"index": 3, "record": {**first["record"], "name": "Anna"}, "updated": {"name": True}}
    stored = client.put(f"/v1/review/{upload_id}/record", json=mended)
    assert stored.status_code == 200
    assert (stored.json()["record"]["name"], stored.json()["updated"]) == ("Anna", {"name": True})
    assert (stored.json()["isValid"], stored.json()["_id"]) == (False, first["_id"]), "judged at the next review"
    assert counts(site, upload_id) == (19, 9, 10)
    assert client.post(f"/v1/review/{upload_id}").status_code == 201
    assert counts(site, upload_id) == (19, 10, 9)

    deleted = client.post(f"/v1/review/{upload_id}/delete-records", json={"indexes": [1], "valid": 1, "invalid": 0})
    assert (deleted.status_code, deleted.content) == (201, b"")
    assert counts(site, upload_id) == (18, 9, 9)

    done = client.post(f"/v1/review/{upload_id}/confirm", json={})
    assert done.status_code == 201
    assert set(done.json()) == {"uploadInfo"}
    assert done.json()["uploadInfo"]["status"] == "Completed"
    completed = (400, f"{LANDED}This uploaded file is already completed, no more steps left to perform.")
    for call in (
        client.post(f"/v1/review/{upload_id}/confirm", json={}),
        client.put(f"/v1/review/{upload_id}/record", json=mended),
        client.put(f"/v1/review/{upload_id}/records", json=[mended]),
        client.post(f"/v1/review/{upload_id}/delete-records", json={"indexes": [2], "valid": 0, "invalid": 0}),
        client.get(f"/v1/mapping/{upload_id}"),
        client.delete(f"/v1/upload/{upload_id}"),
    ):
        assert message(call) == completed
    assert client.post(f"/v1/review/{upload_id}").status_code == 201

    rows = client.get(f"/v1/upload/{upload_id}/rows/valid", params={"limit": "2", "page": "2"}).json()
    assert list(rows) == ["page", "data", "limit", "totalPages", "totalRecords"]
    assert (rows["page"], rows["limit"], rows["totalPages"], rows["totalRecords"]) == (2, 2, 5, 9)
    assert set(rows["data"][0]) >= {"id", "name", "email"}
    full = client.get(f"/v1/upload/{upload_id}/rows/valid", params={"format": "full"}).json()["data"]
    assert [one["record"]["name"] for one in full][:2] == ["José Álvarez", "Anna"]
    invalid_rows = client.get(f"/v1/upload/{upload_id}/rows/invalid").json()
    assert invalid_rows["totalRecords"] == 9
    assert all(one["errors"] for one in invalid_rows["data"])

    listed = client.get(f"/v1/upload/{template_id}").json()
    assert listed == client.get(f"/v1/template/{template_id}/uploads").json()
    assert listed[0]["_id"] == upload_id
    assert "id" not in listed[0]
    one = client.get(f"/v1/template/{template_id}/uploads", params={"limit": "1"}).json()
    assert (len(one["data"]), one["totalRecords"]) == (1, len(listed))

    original = client.get(f"/v1/upload/{upload_id}/files/original")
    assert original.content == PEOPLE.read_bytes()
    assert original.headers["content-type"] == "text/csv"
    assert original.headers["content-disposition"] == f"attachment; filename={shown['originalFileName']}"


def test_rows_in_every_format_whole_and_by_the_page(site: Site, checked: str) -> None:
    address = f"/v1/upload/{checked}/rows/valid"
    records = site.client.get(address).json()["data"]

    def get(kind: str, **params: str) -> bytes:
        answer = site.client.get(address, params=params, headers={"accept": kind})
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(kind)
        return answer.content

    lines = get("application/x-ndjson").splitlines()
    assert [json.loads(line) for line in lines] == records
    assert get("application/x-ndjson", limit="2", page="2").splitlines() == lines[2:4]
    csv = pl.read_csv(get("text/csv"), infer_schema=False)
    assert csv["name"].to_list() == [one["name"] for one in records]
    assert pl.read_csv(get("text/csv", limit="3"), infer_schema=False).equals(csv.head(3))
    arrow = pl.read_ipc_stream(get("application/vnd.apache.arrow.stream"))
    assert arrow["age"].to_list() == [one["age"] or None for one in records]
    assert pl.read_ipc_stream(get("application/vnd.apache.arrow.stream", limit="2"))["name"].len() == 2
    parquet = pl.read_parquet(io.BytesIO(get("application/vnd.apache.parquet")))
    assert parquet.equals(arrow)
    assert pl.read_parquet(io.BytesIO(get("application/vnd.apache.parquet", page="9")))["name"].len() == 0
    workbook = get("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", limit="3")
    book = openpyxl.load_workbook(io.BytesIO(workbook)).worksheets[0]
    assert [cell.value for cell in book["A"]][1:] == csv[csv.columns[0]].to_list()[:3]
    everything = site.client.get(address, params={"limit": "100000"}).json()
    assert (everything["data"], everything["limit"], everything["totalPages"]) == (records, 100000, 1)
    address = address.replace("valid", "invalid")
    rejected = site.client.get(address).json()["data"]
    lines = [json.loads(line) for line in get("application/x-ndjson").splitlines()]
    assert [{one["column"]: one["message"] for one in line["_errors"]} for line in lines] == [
        one["errors"] for one in rejected
    ]
    assert b"_errors" not in get("text/csv", errors="false")
    both = site.client.get(address, headers={"accept": "text/html, text/csv;q=0.5, application/json;q=0.9"})
    assert both.headers["content-type"] == "application/json"


def test_progress_is_followed_to_its_end(site: Site, checked: str) -> None:
    upload_id = checked
    first = site.client.get(f"/v1/review/{upload_id}", params={"type": "invalid", "limit": "1"}).json()["data"][0]
    changed = {"index": first["index"], "record": {**first["record"], "name": "New"}, "updated": {"name": True}}
    site.client.put(f"/v1/review/{upload_id}/record", json=changed)
    begun = site.client.post(f"/v1/review/{upload_id}", headers={"prefer": "respond-async"})
    assert begun.status_code == 202
    assert begun.headers["location"] == f"/v1/upload/{upload_id}/events"
    assert begun.json()["stage"] == "Reviewing"
    followed = site.client.get(begun.headers["location"], headers={"last-event-id": "nonsense"})
    assert followed.headers["content-type"].startswith("text/event-stream")
    blocks = [block for block in followed.text.split("\n\n") if block]
    events = [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]
    assert events[0] == {"retry": "3000"}
    assert events[-1]["event"] == "end"
    assert {one["event"] for one in events[1:-1]} == {"progress"}
    last = json.loads(events[-1]["data"])
    assert set(last) == {"stage", "step", "done", "total", "unit", "rows", "valid", "invalid"}
    assert (last["step"], last["valid"], last["invalid"]) == ("", 10, 9)
    again = site.client.get(begun.headers["location"], headers={"last-event-id": events[-1]["id"]})
    assert (again.status_code, again.content) == (204, b"")


def test_typed_in_records(site: Site) -> None:
    client = site.client
    for body in ({"json": {}}, {"data": {"extra": "x"}}, {"files": {"extra": (None, "x")}}):
        begun = client.post(f"/v1/upload/{site.made.template_id}", **body)
        assert begun.status_code == 201, begun.text
        assert begun.json()["status"] == "Reviewing"
        assert "originalFileName" not in begun.json()
    upload_id = begun.json()["_id"]
    good = {"name": "X", "country": "Peru"}
    rows = [
        {"index": at, "record": {**good, "id": f"T{at:03}", "email": f"t{at}@example.com"}, "updated": {}}
        for at in (1, 2, 3)
    ]
    rows[2]["record"]["email"] = "wrong"
    stored = client.put(f"/v1/review/{upload_id}/records", json=rows)
    assert (stored.status_code, stored.content) == (200, b"")
    assert counts(site, upload_id) == (3, 0, 3), "new rows count as invalid until they are reviewed"
    assert client.post(f"/v1/review/{upload_id}").status_code == 201
    assert counts(site, upload_id) == (3, 2, 1)
    too_many = (400, "You can not import more than 1 records.")
    assert message(client.post(f"/v1/review/{upload_id}/confirm", json={"maxRecords": 1})) == too_many
    assert message(client.get(f"/v1/upload/{upload_id}/files/original"))[0] == 404
    assert client.post(f"/v1/review/{upload_id}/confirm", json={"maxRecords": 2}).status_code == 201


def test_a_review_that_finds_a_check_under_way_covers_what_came_after_it(site: Site) -> None:
    upload_id = site.client.post(f"/v1/upload/{site.made.template_id}", json={}).json()["_id"]
    engine = site.app.state.web.house.engine
    with write(engine) as connection:
        operations.ask_work(connection, upload_id, "check")  # another client's, which has taken its revisions already
    record = {"id": "T001", "name": "X", "country": "Peru", "email": "x@example.com"}
    row = {"index": 1, "record": record, "updated": {"id": True}}
    assert site.client.put(f"/v1/review/{upload_id}/record", json=row).status_code == 200
    with ThreadPoolExecutor(1) as threads:
        reviewed = threads.submit(site.client.post, f"/v1/review/{upload_id}")
        time.sleep(0.5)
        with write(engine) as connection:
            operations.release(connection, upload_id)
        assert reviewed.result().status_code == 201
    assert counts(site, upload_id) == (1, 1, 0)


def test_another_project_s_upload_is_like_an_unknown_one(site: Site, checked: str) -> None:
    stranger, _ = site.stranger()
    upload_id, before = checked, counts(site, checked)
    record = {"index": 1, "record": {"name": "stolen"}, "updated": {"name": True}}
    calls: list[tuple[str, str, Any]] = [
        ("GET", "/v1/upload/{}", None),
        ("DELETE", "/v1/upload/{}", None),
        ("GET", "/v1/upload/{}/headings", None),
        ("GET", "/v1/upload/{}/columns", None),
        ("GET", "/v1/upload/{}/preview", None),
        ("PUT", "/v1/upload/{}/header", {"headings": []}),
        ("GET", "/v1/upload/{}/rows/valid", None),
        ("GET", "/v1/upload/{}/rows/invalid", None),
        ("GET", "/v1/upload/{}/files/original", None),
        ("GET", "/v1/upload/{}/events", None),
        ("GET", "/v1/mapping/{}", None),
        ("POST", "/v1/mapping/{}/finalize", []),
        ("GET", "/v1/review/{}", None),
        ("POST", "/v1/review/{}", None),
        ("POST", "/v1/review/{}/confirm", {}),
        ("PUT", "/v1/review/{}/record", record),
        ("PUT", "/v1/review/{}/records", [record]),
        ("POST", "/v1/review/{}/delete-records", {"indexes": [1], "valid": 1, "invalid": 0}),
    ]
    for method, path, body in calls:
        foreign = stranger.request(method, path.format(upload_id), json=body)
        unknown = stranger.request(method, path.format(UNKNOWN_ID), json=body)
        assert foreign.status_code == unknown.status_code, path
        assert foreign.text == unknown.text.replace(UNKNOWN_ID, upload_id), path
        open_to_all = site.anyone().request(method, path.format(upload_id), json=body)
        assert message(open_to_all) == (401, "Unauthorized"), path
    assert counts(site, upload_id) == before


def test_date_cells_leave_in_the_template_s_format(site: Site, worker: None) -> None:
    """Contract 5.4; mixed with typed text, which leaves as it was typed and is noted."""
    columns = [
        {"key": "n", "name": "N", "type": "String"},
        {"key": "d", "name": "D", "type": "Date", "dateFormats": ["D/M/YYYY"]},
    ]
    body = {"name": "Dates", "_projectId": site.made.project_id, "columns": columns}
    template_id = site.client.post("/v1/template", json=body).json()["_id"]
    site.client.put(f"/v1/template/{template_id}", json={"expectedDateFormat": "DD.MM.YYYY"})
    book = openpyxl.Workbook()
    for row in (["N", "D"], ["a", datetime.date(2020, 1, 5)], ["b", "6/1/2020"]):
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    answer = site.client.post(f"/v1/upload/{template_id}?auto=true", files={"file": ("d.xlsx", file.getvalue())})
    found = site.client.get(f"/v1/review/{answer.json()['_id']}").json()["data"]
    assert [(one["record"]["d"], one["isValid"], one.get("warnings")) for one in found] == [
        ("05.01.2020", True, None),
        ("6/1/2020", True, {"d": "6/1/2020 is text, and other cells of this column are dates"}),
    ]


def test_a_template_says_how_its_numbers_are_written_and_what_notes_count(site: Site, worker: None) -> None:
    columns = [
        {"key": "net", "name": "Net", "type": "Number"},
        {"key": "rate", "name": "Rate", "type": "Double", "decimal": "."},
        {"key": "id", "name": "Id", "type": "String", "isUnique": True},
    ]
    body = {"name": "T", "_projectId": site.made.project_id, "columns": columns, "decimal": ","}
    made = site.client.post("/v1/template", json=body).json()
    address = f"/v1/template/{made['_id']}"
    assert made["decimal"] == ","
    changed = site.client.put(address, json={"group": ".", "notes": {"cut_digits": "problem"}}).json()
    assert (changed["decimal"], changed["group"], changed["notes"]) == (",", ".", {"cut_digits": "problem"})
    for wrong, said in (
        ({"decimal": "x"}, "decimal must be one of ., ,"),
        ({"group": ","}, "The same sign ',' cannot part decimals and groups."),
        ({"notes": ["x"]}, "'notes' must be an object of notes and their levels"),
        ({"notes": {"nothing": "off"}}, "There is no note nothing."),
        ({"notes": {"cut_digits": 7}}, "A note is one of warning, problem, off"),
    ):
        status, (found,) = message(site.client.put(address, json=wrong))
        assert (status, found[: len(said)]) == (400, said)
        assert site.client.post("/v1/template", json={**body, **wrong}).status_code == 400
    assert site.client.get(address).json()["notes"] == {"cut_digits": "problem"}
    file = b"Net;Rate;Id\n1.234,5;0.5;A1\n7;0,5;5.51E+12\n"
    answer = site.client.post(f"/v1/upload/{made['_id']}?auto=true", files={"file": ("t.csv", file)})
    found = site.client.get(f"/v1/review/{answer.json()['_id']}").json()["data"]
    assert [(one["record"]["net"], sorted(one["errors"])) for one in found] == [(1234.5, []), (7, ["id", "rate"])]
