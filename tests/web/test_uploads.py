"""Uploads at their edges: files that cannot be used, schemas of the host page, headings, ends (contract 2.4, 5)."""

from __future__ import annotations

import io
import json
import os
from typing import Any

import pytest
import xlsxwriter

from tests.web.conftest import PEOPLE, UNKNOWN_ID, Site, message
from tests.web.test_imports import upload

pytestmark = pytest.mark.usefixtures("worker")


@pytest.fixture(scope="module")
def site(sqlite_site: Site) -> Site:
    """Once: where the data is makes no difference here."""
    return sqlite_site


def test_a_runtime_schema_takes_the_template_s_place(site: Site) -> None:
    schema = [{"key": "full", "name": "Full name"}, {"key": "none", "isFrozen": True}]
    output = {"%data%": {"n": "{{full}}"}, "page": "{{page}}"}
    begun = upload(site, schema=json.dumps(schema), output=json.dumps(output)).json()
    assert begun["customRecordFormat"] == '{"n":"{{full}}"}'
    columns = site.client.get(f"/v1/mapping/{begun['_id']}").json()
    assert [(one["key"], one["columnHeading"], "_id" in one) for one in columns] == [
        ("full", "Full name", False),
        ("none", "", False),
    ]
    assert [one["key"] for one in site.client.get(f"/v1/upload/{begun['_id']}/columns").json()] == ["none", "full"]


def test_the_heading_row_can_be_chosen(site: Site) -> None:
    upload_id = upload(site, b"a report,\nCustomer ID,Full name\n1,x\n").json()["_id"]
    address = f"/v1/upload/{upload_id}/header"
    answer = site.client.put(address, json={"index": 1, "headings": ["Customer ID", "Full name"]})
    assert (answer.status_code, answer.content) == (200, b"")
    shown = site.client.get(f"/v1/upload/{upload_id}").json()
    assert (shown["headerRow"], shown["headings"]) == (1, ["Customer ID", "Full name"])
    assert site.client.put(address, json={"headings": ["A", "B"]}).status_code == 200
    assert site.client.get(f"/v1/upload/{upload_id}").json()["headerRow"] == -1
    for body, messages in (
        ({}, ["headings must be an array"]),
        ({"headings": "a"}, ["headings must be an array"]),
        ({"headings": [1]}, ["each value in headings must be a string"]),
        ({"index": "1", "headings": []}, ["index must be a number conforming to the specified constraints"]),
    ):
        assert message(site.client.put(address, json=body)) == (400, messages)


def test_the_line_of_the_headings_and_the_quote_can_be_sent(site: Site) -> None:
    body = b'x,y\nCustomer ID,Full name\n1,"x\n2,y\n'
    upload_id = upload(site, body, headerLine="2", quote="none").json()["_id"]
    shown = site.client.get(f"/v1/upload/{upload_id}").json()
    assert (shown["headerRow"], shown["headings"]) == (1, ["Customer ID", "Full name"])


@pytest.mark.parametrize(
    ("name", "data", "fields", "expected"),
    [
        ("x.csv", b"", {}, (400, "File is empty")),
        ("x.csv", b"a,b\n", {}, (400, "File is empty")),
        ("x.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", {}, (422, "File type is not supported.")),
        (
            "x.xlsx",
            b"PK\x03\x04 is no workbook",
            {},
            (400, "Uploaded file has some issues. Please check the file or upload new file."),
        ),
        ("x.csv", None, {"maxRecords": "18"}, (400, "You can not import more than 18 records.")),
        ("x.csv", None, {"importId": "x"}, (400, ["importId must be a mongodb id"])),
    ],
)
def test_a_file_that_cannot_be_used(
    site: Site, name: str, data: bytes | None, fields: dict[str, str], expected: Any
) -> None:
    assert message(upload(site, data, name, **fields)) == expected
    latest = site.client.get(f"/v1/template/{site.made.template_id}/uploads").json()
    if latest and latest[0].get("originalFileName", "").startswith("x-"):
        assert latest[0]["status"] == "Terminated", "nothing to go on with is left"


def test_a_limit_on_records_counts_data_rows(site: Site) -> None:
    assert upload(site, maxRecords="19").status_code == 201


def test_an_import_id_can_be_given_once(site: Site) -> None:
    import_id = "ABCDEF0123456789abcdef01"
    assert upload(site, importId=import_id).json()["_id"] == import_id.lower()
    original = site.client.get(f"/v1/upload/{import_id}/files/original")
    assert original.content == PEOPLE.read_bytes()
    # The sweeper knows objects by the import's id: also of a file that came before the field.
    assert list(site.app.state.web.house.objects.list(f"{import_id.lower()}/"))
    late = {"file": ("a.csv", PEOPLE.read_bytes()), "importId": (None, "1" * 24)}
    second = site.client.post(f"/v1/upload/{site.made.template_id}", files=late)
    assert second.json()["_id"] == "1" * 24
    assert any("/source-" in name for name in site.app.state.web.house.objects.list("1" * 24 + "/"))
    assert message(upload(site, importId=import_id)) == (400, ["importId is in use already"])


def test_an_automatic_import_that_lacks_a_required_column_says_so(site: Site) -> None:
    answer = upload(site, b"Our customers\n\nFull name,Colour\nx,red\ny,blue\n", auto=True)
    said = answer.json()
    # What was noticed about the file is said here too: the headings may be others than were found.
    assert said["notes"] == ["The table begins on line 3. The record above it is left out."]
    assert said["noticed"] == [{"note": said["notes"][0], "key": "table_begins", "values": {"count": 1, "line": 3}}]
    assert (answer.status_code, said["message"]) == (400, "Customer ID is required")
    assert (said["headings"], said["ignoredHeadings"]) == (["Full name", "Colour"], ["Colour"])
    assert {"key": "id", "name": "Customer ID"} in said["missing"]
    # The upload is there, says so too, and can be mapped by hand.
    shown = site.client.get(f"/v1/upload/{said['uploadId']}").json()
    assert (shown["status"], shown["failure"]) == (
        "Uploaded",
        {"code": "bad_mapping", "message": "Customer ID is required"},
    )
    assert site.client.get(f"/v1/mapping/{said['uploadId']}").status_code == 200


def test_what_was_learned_meanwhile_does_not_take_an_unmapped_upload_away(
    site: Site, worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another import of the template may be mapped by a person between the worker's look at the headings and ours."""
    monkeypatch.setattr("douane.flow.imports.unmapped", lambda *_, **__: None)
    files = {"file": ("two.csv", b"Number of it,Full name\nC001,Ann\n", "text/csv")}
    answer = site.client.post(f"/v1/upload/{site.made.template_id}?auto=true", files=files)
    said = answer.json()
    assert (answer.status_code, said["message"]) == (400, "Customer ID is required")
    assert said["headings"] == ["Number of it", "Full name"]
    assert site.client.get(f"/v1/upload/{said['uploadId']}").json()["status"] == "Uploaded"


def test_an_automatic_import_none_of_whose_headings_is_a_column(site: Site) -> None:
    with_required = upload(site, b"Foo,Bar\n1,2\n", auto=True)
    assert with_required.status_code == 400
    columns = [{"key": "a", "name": "Alpha", "type": "String"}, {"key": "b", "name": "Beta", "type": "String"}]
    answer = upload(site, b"Foo,Bar\n1,2\n", auto=True, schema=json.dumps(columns))
    said = answer.json()
    assert answer.status_code == 400
    assert said["message"] == "None of the file's headings is one of the template's columns."
    assert (said["headings"], said["missing"], said["ignoredHeadings"]) == (["Foo", "Bar"], [], ["Foo", "Bar"])
    # One of them is enough; the others are listed.
    shown = upload(site, b"Alpha,Bar\n1,2\n", auto=True, schema=json.dumps(columns)).json()
    assert (shown["status"], shown["ignoredHeadings"]) == ("Reviewing", ["Bar"])


def test_a_document_says_what_was_noticed_and_why_a_file_was_refused(site: Site) -> None:
    shown = upload(site, b"id;name\nC001;x\n\nC002;y;z\n", name="Kunden März.csv").json()
    assert shown["fileName"] == "Kunden März.csv"
    assert shown["notes"] == site.client.get(f"/v1/upload/{shown['_id']}").json()["notes"]
    refused_id = os.urandom(12).hex()
    refused = upload(site, b"PK\x03\x04 no workbook", name="broken.xlsx", importId=refused_id)
    assert refused.status_code in (400, 422)
    told = site.client.get(f"/v1/upload/{refused_id}").json()
    assert told["fileName"] == "broken.xlsx"
    assert told["failure"]["code"] in ("file_broken", "file_type")
    assert told["failure"]["message"]


def test_a_template_s_uploads_come_newest_first_whatever_their_ids(site: Site) -> None:
    first = site.client.post(f"/v1/upload/{site.made.template_id}", json={"importId": f"ff{os.urandom(11).hex()}"})
    second = site.client.post(f"/v1/upload/{site.made.template_id}", json={})
    listed = [one["_id"] for one in site.client.get(f"/v1/upload/{site.made.template_id}").json()]
    assert listed[:2] == [second.json()["_id"], first.json()["_id"]]


def test_ending_an_import(site: Site) -> None:
    upload_id = upload(site).json()["_id"]
    ended = site.client.delete(f"/v1/upload/{upload_id}")
    assert ended.json() == {"_id": upload_id, "status": "Terminated", "id": upload_id}
    assert site.client.get(f"/v1/upload/{upload_id}").json()["status"] == "Terminated"
    assert site.client.delete(f"/v1/upload/{upload_id}").json()["status"] == "Terminated"
    # Silent passes of the guard end in an answer, too.
    assert site.client.get(f"/v1/upload/{upload_id}/rows/valid").json()["data"] == []
    for call in (
        site.client.get(f"/v1/mapping/{upload_id}"),
        site.client.get(f"/v1/review/{upload_id}"),
        site.client.post(f"/v1/review/{upload_id}"),
        site.client.post(f"/v1/mapping/{upload_id}/finalize", json=[]),
        site.client.post(f"/v1/review/{upload_id}/confirm", json={}),
        site.client.put(f"/v1/review/{upload_id}/record", json={"index": 1, "record": {}, "updated": {}}),
        site.client.put(f"/v1/upload/{upload_id}/header", json={"headings": []}),
    ):
        assert call.status_code in (200, 201, 400), call.request.url


def test_what_does_not_exist(site: Site) -> None:
    missing = (400, "Upload information not found with specified uploadId.")
    for path in ("headings", "columns", "preview", "rows/valid", "rows/invalid", "files/original", "events"):
        assert message(site.client.get(f"/v1/upload/{UNKNOWN_ID}/{path}")) == missing, path
    assert message(site.client.get(f"/v1/review/{UNKNOWN_ID}")) == missing
    assert message(site.client.post(f"/v1/review/{UNKNOWN_ID}")) == missing
    assert message(site.client.get(f"/v1/upload/{UNKNOWN_ID}")) == (404, f"Upload with id {UNKNOWN_ID} does not exist")
    ended = site.client.delete(f"/v1/upload/{UNKNOWN_ID}")
    assert (ended.status_code, ended.content) == (200, b"")
    unknown = site.client.post(f"/v1/upload/{UNKNOWN_ID}", json={})
    assert message(unknown) == (400, f"{UNKNOWN_ID} is not valid TemplateId or CODE.")


def test_the_sheets_of_a_workbook(site: Site) -> None:
    data = io.BytesIO()
    with xlsxwriter.Workbook(data) as book:
        for name in ("People", "imp_country", "Ünïcode"):
            book.add_worksheet(name).write(0, 0, "a")
    address = "/v1/common/sheet-names"
    answer = site.client.post(address, files={"file": ("x.xlsx", data.getvalue())})
    assert (answer.status_code, answer.json()) == (201, ["People", "Ünïcode"])
    assert site.client.post(address, files={"file": ("x.csv", b"a,b\n1,2\n")}).json() == []
    assert message(site.client.post(address, files={"file": ("x.xlsx", b"PK\x03\x04")}))[0] == 400
    assert message(site.client.post(address, json={})) == (400, "File is required")
    assert message(site.client.post(address, files={"other": (None, "x")})) == (400, "File is required")


def test_the_commonest_customer_list_is_imported_by_itself(site: Site) -> None:
    """`Email Address` is no address. As many rows as are asked for are handed out, or as many as there are."""
    columns = [{"key": key, "name": key, "type": "String"} for key in ("name", "email", "address", "phone")]
    rows = b"Full Name,Email Address,Address,Phone Number\nAnn,ann@example.com,1 Hill Road,1\nBob,bob@example.com,,2\n"
    made = upload(site, rows, auto=True, schema=json.dumps(columns)).json()
    page = site.client.get(f"/v1/upload/{made['_id']}/rows/valid?page=1&limit=100000")
    assert (page.status_code, len(page.json()["data"])) == (200, 2)
    first = page.json()["data"][0]
    assert (first["email"], first["address"], first["phone"]) == ("ann@example.com", "1 Hill Road", "1")


def test_a_workbook_s_title_is_passed_over_by_itself(site: Site) -> None:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        for at, row in enumerate((["Customers, January"], [], ["Customer ID", "City"], ["7", "Rome"], ["8", "Bonn"])):
            sheet.write_row(at, 0, row)
    columns = [{"key": "id", "name": "Customer ID", "isRequired": True}, {"key": "city", "name": "City"}]
    answer = upload(site, file.getvalue(), "in.xlsx", auto=True, schema=json.dumps(columns))
    assert answer.status_code == 201, answer.text
    rows = site.client.get(f"/v1/upload/{answer.json()['_id']}/rows/valid").json()["data"]
    assert [(row["id"], row["city"]) for row in rows] == [("7", "Rome"), ("8", "Bonn")]


@pytest.mark.parametrize(
    ("data", "key"),
    [
        (b"+------+-------+\n| Name | City  |\n+------+-------+\n| Ann  | Paris |\n+------+-------+\n", "drawn_lines"),
        (b"\xfeName\xfe\x14\xfeCity\xfe\r\n\xfeAnn\xfe\x14\xfeParis\xfe\r\n", "thorn_quotes"),
        ("Name;City\n“Ann”;“Paris; France”\n“Bob”;“Rome; Italy”\n".encode(), "curly_quotes"),
    ],
)
def test_what_was_left_out_around_cells_is_said_in_the_document(site: Site, data: bytes, key: str) -> None:
    columns = [{"key": "name", "name": "Name"}, {"key": "city", "name": "City"}]
    made = upload(site, data, auto=True, schema=json.dumps(columns)).json()
    said = site.client.get(f"/v1/upload/{made['_id']}").json()["noticed"]
    assert key in [one["key"] for one in said]
