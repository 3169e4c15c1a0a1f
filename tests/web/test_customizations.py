"""The form in which a template's records leave: stored, read back, refused, and around what leaves (contract 8.3)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.web.conftest import UNKNOWN_ID, Site, message

COLUMNS: list[dict[str, Any]] = [
    {"name": "First", "key": "first", "type": "String"},
    {"name": "N", "key": "n", "type": "Number"},
    {"name": "Tags", "key": "tags", "type": "Select", "selectValues": ["a", "b"], "allowMultiSelect": True},
    {"name": "Lang", "key": "lang", "type": "String", "defaultValue": "en"},
    {"name": "City", "key": "city", "type": "String"},
]
FILE = b'first,n,tags,other\nAda,1.50,"a,b",x\n"{{n}}",2,,y\n'
COMBINED = {"%rows%": {"who": "{{first}} ({{n}})", "n": "{{n}}", "t": "{{tags}}", "l": "{{lang}}"}, "page": "{{page}}"}


@pytest.fixture
def template(site: Site) -> str:
    made = site.client.post("/v1/template", json={"_projectId": site.made.project_id, "name": "People"}).json()
    assert site.client.put(f"/v1/template/{made['_id']}/columns", json=COLUMNS).status_code == 200
    return str(made["_id"])


def sent(site: Site, template: str, **fields: str) -> dict[str, Any]:
    files = {"file": ("in.csv", FILE, "text/csv")}
    answer = site.client.post(f"/v1/upload/{template}?auto=true", files=files, data=fields)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_template_has_none_until_it_is_given_one_or_a_destination(site: Site, template: str) -> None:
    address = f"/v1/template/{template}/customizations"
    assert site.client.get(address).json() == {"recordVariables": [], "chunkVariables": []}
    assert site.client.put(address, json={}).json() == {"recordVariables": [], "chunkVariables": []}
    site.client.put(f"/v1/template/{template}/destination", json={"destination": "frontend"})
    found = site.client.get(address).json()
    assert found["recordVariables"] == ["{{first}}", "{{n}}", "{{tags}}", "{{lang}}", "{{city}}"]
    assert found["chunkVariables"] == [
        "{{" + name + "}}" for name in ("page", "chunkSize", "template", "uploadId", "fileName", "extra")
    ]
    assert json.loads(found["recordFormat"]) == {one["key"]: "{{" + one["key"] + "}}" for one in COLUMNS}
    assert json.loads(found["chunkFormat"])["data"] == "{{data}}"
    assert json.loads(found["combinedFormat"])["%data%"] == json.loads(found["recordFormat"])
    assert [found[f"is{name}FormatUpdated"] for name in ("Record", "Chunk", "Combined")] == [False] * 3
    assert (found["_templateId"], found["notes"]) == (template, [])


def test_a_combined_format_is_stored_split_and_taken_back(site: Site, template: str) -> None:
    address = f"/v1/template/{template}/customizations"
    put = site.client.put(address, json={"combinedFormat": json.dumps(COMBINED)})
    assert put.status_code == 200, put.text
    assert site.client.get(address).json() == put.json()
    found = put.json()
    assert json.loads(found["recordFormat"]) == COMBINED["%rows%"]
    assert json.loads(found["chunkFormat"]) == {"rows": "{{data}}", "page": "{{page}}"}
    assert found["combinedFormat"] == json.dumps(COMBINED)
    assert [found[f"is{name}FormatUpdated"] for name in ("Record", "Chunk", "Combined")] == [True] * 3
    # Columns that change do not change what people wrote; sync does.
    site.client.put(f"/v1/template/{template}/columns", json=[*COLUMNS, {"name": "X", "key": "x", "type": "String"}])
    assert site.client.get(address).json()["recordFormat"] == found["recordFormat"]
    synced = site.client.put(f"{address}/sync").json()
    assert json.loads(synced["recordFormat"])["x"] == "{{x}}"
    assert [synced[f"is{name}FormatUpdated"] for name in ("Record", "Chunk", "Combined")] == [False] * 3
    assert synced["_id"] == found["_id"]
    # What nobody wrote follows the columns.
    site.client.put(f"/v1/template/{template}/columns", json=COLUMNS[:1])
    assert json.loads(site.client.get(address).json()["recordFormat"]) == {"first": "{{first}}"}


def test_the_two_halves_may_be_set_by_themselves(site: Site, template: str) -> None:
    address = f"/v1/template/{template}/customizations"
    record = site.client.put(address, json={"recordFormat": '{ "a": "{{first}}" }'}).json()
    assert record["recordFormat"] == '{ "a": "{{first}}" }'
    assert (record["isRecordFormatUpdated"], record["isChunkFormatUpdated"]) == (True, False)
    assert json.loads(record["combinedFormat"])["%data%"] == {"a": "{{first}}"}
    both = site.client.put(address, json={"chunkFormat": '{"in":[{"items":"{{data}}"}]}'}).json()
    assert json.loads(both["combinedFormat"]) == {"in": [{"%items%": {"a": "{{first}}"}}]}


def test_what_is_no_name_is_kept_and_told(site: Site, template: str) -> None:
    combined = {"%data%": {"a": "{{frist}}", "b": "{{ n }}"}, "p": "{{pageSize}}", "i": "{{isInvalidRecords}}"}
    found = site.client.put(
        f"/v1/template/{template}/customizations", json={"combinedFormat": json.dumps(combined)}
    ).json()
    assert found["notes"] == [
        "recordFormat: {{frist}} is no column of this template; it stays as it is written.",
        "recordFormat: {{ n }} is no column of this template; it stays as it is written.",
        "chunkFormat: {{pageSize}} is nothing that a call has; it stays as it is written.",
    ]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"combinedFormat": "{"}, "combinedFormat must be a json string: Input data was truncated"),
        ({"combinedFormat": {}}, "combinedFormat must be a json string"),
        ({"recordFormat": 5, "chunkFormat": "{}"}, "recordFormat must be a json string"),
        ({"recordFormat": "[]"}, "recordFormat must be an object: the form of a record."),
        ({"chunkFormat": "{}"}, 'chunkFormat needs one member that is "{{data}}", where the records go.'),
        ({"combinedFormat": "{}"}, "combinedFormat needs a member whose key is between percent signs"),
        ({"combinedFormat": '{"%a%":{},"%b%":{}}'}, "combinedFormat has more than one member"),
        ({"combinedFormat": "[" * 60_000}, "combinedFormat may be nested at most 64 levels deep."),
        (
            {"combinedFormat": json.dumps({"%a%": {"x": "y" * (1 << 20)}})},
            "combinedFormat may have at most 65536 bytes (setting format_bytes_max); it has 1048594.",
        ),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_what_can_be_no_format_is_refused_and_changes_nothing(
    sqlite_site: Site, body: dict[str, Any], says: str
) -> None:
    site = sqlite_site
    made = site.client.post("/v1/template", json={"_projectId": site.made.project_id, "name": "People"}).json()
    address = f"/v1/template/{made['_id']}/customizations"
    status, messages = message(site.client.put(address, json=body))  # type: ignore[misc]
    assert (status, len(messages)) == (400, 1)
    assert messages[0].startswith(says)
    assert "_id" not in site.client.get(address).json()


def test_of_whom_it_is(site: Site, template: str) -> None:
    stranger = site.stranger()[0]
    for path in (f"{template}/customizations", f"{UNKNOWN_ID}/customizations"):
        who = stranger if path.startswith(template) else site.client
        assert who.get(f"/v1/template/{path}").status_code == 404
        assert who.put(f"/v1/template/{path}", json={"recordFormat": "{}"}).status_code == 404
        assert who.put(f"/v1/template/{path}/sync").status_code == 404
    assert site.client.get("/v1/template/x/customizations").status_code == 400
    assert site.client.put(f"/v1/template/{template}/customizations", json=[1]).json()["recordVariables"] == []


def test_another_destination_has_another_form(site: Site, template: str) -> None:
    """What people wrote before there was a destination stays; it was for no other one."""
    address = f"/v1/template/{template}"
    site.client.put(f"{address}/customizations", json={"recordFormat": '{"a":1}'})
    for _ in range(2):
        site.client.put(f"{address}/destination", json={"destination": "frontend"})
        assert site.client.get(f"{address}/customizations").json()["recordFormat"] == '{"a":1}'


def test_a_copy_has_it_if_asked_for(site: Site, template: str) -> None:
    address = f"/v1/template/{template}"
    mine = site.client.put(f"{address}/customizations", json={"recordFormat": '{"a":1}'}).json()
    for output, record in ((True, '{"a":1}'), (False, "{}")):
        body = {"name": "Copy", "_projectId": site.made.project_id, "duplicateOutput": output}
        copy = site.client.post(f"{address}/duplicate", json=body).json()["_id"]
        found = site.client.get(f"/v1/template/{copy}/customizations").json()
        assert (found["recordFormat"], found["_id"] != mine["_id"]) == (record, True)


# What leaves


def test_records_leave_in_it(site: Site, worker: None, template: str) -> None:
    site.client.put(f"/v1/template/{template}/customizations", json={"combinedFormat": json.dumps(COMBINED)})
    upload = sent(site, template)
    assert json.loads(upload["customRecordFormat"]) == COMBINED["%rows%"]
    assert json.loads(upload["customChunkFormat"]) == {"rows": "{{data}}", "page": "{{page}}"}
    # An import that began goes on in the form that it began with.
    site.client.put(f"/v1/template/{template}/customizations/sync")
    address = f"/v1/upload/{upload['_id']}/rows/valid"
    rows = site.client.get(f"{address}?format=delivered").json()
    assert rows["data"] == [
        {"who": "Ada (1.5)", "n": 1.5, "t": ["a", "b"], "l": "en"},
        {"who": "{{n}} (2)", "n": 2, "t": [], "l": "en"},
    ]
    table = site.client.get(f"{address}?format=delivered", headers={"Accept": "text/csv"})
    assert table.text == 'who,n,t,l\r\nAda (1.5),1.5,"[""a"",""b""]",en\r\n{{n}} (2),2,[],en\r\n'
    assert site.client.get(address).json()["data"][0] == {"first": "Ada", "n": 1.5, "tags": "a,b", "other": "x"}


def test_the_form_that_nobody_wrote_leaves_out_what_is_not_there(site: Site, worker: None, template: str) -> None:
    """Without any form all fields leave; with the default one the template's, as many as the record has."""
    plain = sent(site, template)
    assert "customRecordFormat" not in plain
    rows = site.client.get(f"/v1/upload/{plain['_id']}/rows/valid?format=delivered").json()["data"]
    assert rows[0] == {"first": "Ada", "n": 1.5, "tags": ["a", "b"], "other": "x", "lang": "en"}
    address = f"/v1/upload/{plain['_id']}/rows/valid?format=delivered"
    first, second, *_ = site.client.get(address, headers={"Accept": "text/csv"}).text.splitlines()
    assert set(first.split(",")) >= rows[0].keys()
    assert second.startswith('Ada,1.5,"[""a"",""b""]"')
    site.client.put(f"/v1/template/{template}/destination", json={"destination": "frontend"})
    formed = sent(site, template)
    assert json.loads(formed["customRecordFormat"])["city"] == "{{city}}"
    answer = site.client.post(f"/v1/review/{formed['_id']}/confirm", json={})
    assert answer.json()["importedData"][0] == {"first": "Ada", "n": 1.5, "tags": ["a", "b"], "lang": "en"}


def test_a_runtime_schema_brings_its_own(site: Site, worker: None, template: str) -> None:
    site.client.put(f"/v1/template/{template}/customizations", json={"combinedFormat": json.dumps(COMBINED)})
    schema = json.dumps([{"key": "first", "name": "First"}, {"key": "n", "name": "N", "type": "Number"}])
    output = json.dumps({"%data%": {"v": "{{n}}", "o": "{{other}}", "u": "{{unknown}}"}})
    upload = sent(site, template, schema=schema, output=output)
    rows = site.client.get(f"/v1/upload/{upload['_id']}/rows/valid?format=delivered").json()["data"]
    assert rows[0] == {"v": 1.5, "o": "x", "u": "{{unknown}}"}
    without = sent(site, template, schema=schema)
    assert "customRecordFormat" not in without
    unmarked = sent(site, template, schema=schema, output='{"a":1}')
    assert "customRecordFormat" not in unmarked
    files = {"file": ("in.csv", FILE, "text/csv")}
    for output, says in (("{", "output must be a json string"), ('{"%a%":1}', "output must have an object")):
        answer = site.client.post(f"/v1/upload/{template}", files=files, data={"schema": schema, "output": output})
        assert answer.status_code == 400
        assert answer.json()["message"][0].startswith(says)
