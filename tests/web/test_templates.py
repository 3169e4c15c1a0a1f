"""Templates, columns and what the widget asks first (contract 2.5, 2.6, 2.8)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.web.conftest import UNKNOWN_ID, Site, message

COLUMN = {"name": "Mail", "key": "mail", "type": "Email"}


@pytest.fixture
def template_id(site: Site) -> str:
    body = {"name": "Contacts", "_projectId": site.made.project_id, "integration": "React", "chunkSize": 50}
    answer = site.client.post("/v1/template", json=body)
    assert answer.status_code == 201
    return str(answer.json()["_id"])


def columns(site: Site, template_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = site.client.get(f"/v1/template/{template_id}/columns").json()
    return found


def test_a_template_is_read_changed_and_deleted(site: Site, template_id: str) -> None:
    address = f"/v1/template/{template_id}"
    shown = site.client.get(address).json()
    assert shown == {
        "_id": template_id,
        "name": "Contacts",
        "_projectId": site.made.project_id,
        "sampleFileUrl": f"{template_id}/sample.xlsx",
        "totalUploads": 0,
        "totalInvalidRecords": 0,
        "totalRecords": 0,
        "imageColumns": [],
        "mode": "manual",
        "integration": "React",
        "createdAt": shown["createdAt"],
        "updatedAt": shown["updatedAt"],
        "__v": 0,
        "id": template_id,
    }
    changed = site.client.put(address, json={"mode": "automatic", "expectedDateFormat": "DD/MM/YYYY", "x": 1}).json()
    assert (changed["mode"], changed["expectedDateFormat"], changed["name"]) == ("automatic", "DD/MM/YYYY", "Contacts")
    assert message(site.client.put(address, json={"mode": "x"})) == (400, ["mode must be one of manual, automatic"])
    assert site.client.delete(address).json()["_id"] == template_id
    assert message(site.client.get(address)) == (404, f"Template with id {template_id} does not exist")
    assert message(site.client.delete(address)) == (404, f"Template with id {template_id} does not exist")


def test_a_type_of_ours_and_what_it_asks_for_go_there_and_back(site: Site) -> None:
    body = {"name": "T", "_projectId": site.made.project_id}
    template_id = site.client.post("/v1/template", json=body).json()["_id"]
    column = {"name": "Paid", "key": "paid", "type": "Boolean", "trueValues": ["ja"], "isRequired": True}
    made = site.client.post(f"/v1/column/{template_id}", json=column).json()
    assert (made["type"], made["trueValues"], made["says"]) == ("Boolean", ["ja"], "required; ja or false, no, n, 0")
    assert "falseValues" not in made
    (listed,) = columns(site, template_id)
    assert (listed["trueValues"], listed["says"]) == (["ja"], made["says"])
    hopeless = {**column, "key": "n", "type": "Number", "validations": [{"validate": "range", "min": 5, "max": 1}]}
    status, said = message(site.client.post(f"/v1/column/{template_id}", json=hopeless))
    assert (status, said) == (400, ["No value lies between min 5 and max 1: min must not be above max."])


def test_a_template_with_columns_can_be_made_by_cookie_and_by_key(site: Site) -> None:
    body = {"name": "T", "_projectId": site.made.project_id, "columns": [COLUMN, {**COLUMN, "key": "second"}]}
    for client in (site.client, site.signed_in()):
        made = client.post("/v1/template", json=body).json()
        assert [(one["key"], one["sequence"]) for one in columns(site, made["_id"])] == [("mail", 0), ("second", 1)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": None}, (400, ["name should not be empty", "name must be a string"])),
        ({"_projectId": "x"}, (400, ["_projectId must be a mongodb id"])),
        ({"_projectId": None}, (400, ["_projectId must be a mongodb id"])),
        ({"_projectId": UNKNOWN_ID}, (404, f"Project with id {UNKNOWN_ID} does not exist")),
        ({"integration": "Vue"}, (400, ["integration must be one of Javascript, React, Angular, Bubble"])),
        ({"columns": {}}, (400, ["columns must be an array"])),
        ({"columns": [{}]}, None),
        (
            {"columns": [COLUMN, COLUMN]},
            (422, 'Column with the same key already exists. Please provide a unique key from "Validations".'),
        ),
    ],
)
def test_a_template_s_body_is_judged(site: Site, changes: dict[str, Any], expected: Any) -> None:
    answer = site.client.post("/v1/template", json={"name": "T", "_projectId": site.made.project_id, **changes})
    if expected is None:
        assert answer.status_code == 400
        assert "key must be a string" in answer.json()["message"]
    else:
        assert message(answer) == expected


def test_a_duplicate_has_all_of_the_columns(site: Site, template_id: str) -> None:
    column = {
        **COLUMN,
        "isFrozen": True,
        "delimiter": ";",
        "validations": [{"validate": "unique_with", "uniqueKey": "g", "errorMessage": "Twice"}],
    }
    site.client.put(f"/v1/template/{template_id}/columns", json=[column])
    body = {"name": "Copy", "_projectId": site.made.project_id, "duplicateColumns": True}
    copy = site.client.post(f"/v1/template/{template_id}/duplicate", json=body).json()
    (before,), (after,) = columns(site, template_id), columns(site, copy["_id"])
    assert before.pop("_id") != after.pop("_id")
    assert before == after
    assert (after["isFrozen"], after["delimiter"], after["validations"]) == (True, ";", column["validations"])
    bare = site.client.post(f"/v1/template/{template_id}/duplicate", json={**body, "duplicateColumns": False}).json()
    assert columns(site, bare["_id"]) == []


def test_columns_are_replaced_as_they_are_given(site: Site, template_id: str) -> None:
    address = f"/v1/template/{template_id}/columns"
    first = [{**COLUMN, "isRequired": True, "isUnique": True}, {**COLUMN, "key": "b", "sequence": 9}]
    stored = site.client.put(address, json=first).json()
    assert [(one["key"], one["sequence"]) for one in stored] == [("mail", 0), ("b", 1)]
    # The peer could not clear these for a key that existed before (FAULT): the new values are taken.
    second = [{**COLUMN, "key": "b"}, {**COLUMN, "isRequired": False}]
    stored = site.client.put(address, json=second).json()
    assert [(one["key"], one["isRequired"], one["isUnique"]) for one in stored] == [
        ("b", False, False),
        ("mail", False, False),
    ]
    assert site.client.put(address, json=[]).json() == []


def test_frozen_columns_come_first(site: Site, template_id: str) -> None:
    wanted = [{**COLUMN, "key": key, "isFrozen": key in "bd"} for key in "abcd"]
    site.client.put(f"/v1/template/{template_id}/columns", json=wanted)
    assert [one["key"] for one in columns(site, template_id)] == ["b", "d", "a", "c"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (None, (400, "Validation failed (parsable array expected)")),
        ({}, (400, "Validation failed (parsable array expected)")),
        ([COLUMN, {**COLUMN, "type": "x"}], None),
        (
            [COLUMN, COLUMN],
            (422, 'Column with the same key already exists. Please provide a unique key from "Validations".'),
        ),
        ([{**COLUMN, "type": "Regex", "regex": "("}], (400, ["Text (() is not valid Regular expression!"])),
    ],
)
def test_wrong_columns_change_nothing(site: Site, template_id: str, body: Any, expected: Any) -> None:
    address = f"/v1/template/{template_id}/columns"
    site.client.put(address, json=[COLUMN])
    answer = site.client.put(address, json=body)
    assert answer.status_code in (400, 422)
    assert expected is None or message(answer) == expected
    assert [one["key"] for one in columns(site, template_id)] == ["mail"]


def test_a_column_is_added_changed_and_deleted(site: Site, template_id: str) -> None:
    made = site.client.post(f"/v1/column/{template_id}", json=COLUMN)
    assert made.status_code == 201
    shown = made.json()
    assert shown["_templateId"] == template_id
    assert shown["id"] == shown["_id"]
    assert shown["defaultValue"] == "<<null>>"
    assert (shown["dateFormats"], shown["delimiter"], shown["sequence"]) == (["DD/MM/YYYY"], ",", 0)
    other = site.client.post(f"/v1/column/{template_id}", json={**COLUMN, "key": "b", "defaultValue": 5}).json()
    assert (other["sequence"], other["defaultValue"]) == (1, 5)
    taken = (422, "Column with the same key already exists. Please use a unique key in column.")
    assert message(site.client.post(f"/v1/column/{template_id}", json=COLUMN)) == taken

    address = f"/v1/column/{other['_id']}"
    assert message(site.client.put(address, json=COLUMN)) == taken
    changed = site.client.put(address, json={**COLUMN, "key": "c", "type": "Select", "selectValues": ["x"]}).json()
    assert (changed["key"], changed["selectValues"], changed["defaultValue"]) == ("c", ["x"], 5)
    assert site.client.delete(address).json()["_id"] == other["_id"]
    for call in (site.client.put(address, json=COLUMN), site.client.delete(address)):
        assert message(call) == (404, f"Column with id {other['_id']} does not exist")
    assert [one["key"] for one in columns(site, template_id)] == ["mail"]
    assert message(site.client.post(f"/v1/column/{UNKNOWN_ID}", json=COLUMN))[0] == 404


def test_another_project_s_template_is_like_an_unknown_one(site: Site, template_id: str) -> None:
    stranger, elsewhere = site.stranger()
    column_id = site.client.post(f"/v1/column/{template_id}", json=COLUMN).json()["_id"]
    calls: list[tuple[str, str, Any]] = [
        ("GET", "/v1/template/{}", None),
        ("PUT", "/v1/template/{}", {"name": "Mine"}),
        ("DELETE", "/v1/template/{}", None),
        ("GET", "/v1/template/{}/columns", None),
        ("PUT", "/v1/template/{}/columns", []),
        ("GET", "/v1/template/{}/uploads", None),
        ("POST", "/v1/template/{}/duplicate", {"name": "x", "_projectId": elsewhere}),
        ("POST", "/v1/column/{}", COLUMN),
        ("POST", "/v1/upload/{}", {}),
        ("GET", "/v1/upload/{}", None),
    ]
    for method, path, body in calls:
        foreign = stranger.request(method, path.format(template_id), json=body)
        unknown = stranger.request(method, path.format(UNKNOWN_ID), json=body)
        assert foreign.text == unknown.text.replace(UNKNOWN_ID, template_id), path
        assert foreign.status_code == unknown.status_code
        assert foreign.status_code in (400, 404)
    for method, body in (("PUT", COLUMN), ("DELETE", None)):
        foreign = stranger.request(method, f"/v1/column/{column_id}", json=body)
        assert message(foreign) == (404, f"Column with id {column_id} does not exist")
    copied = {"name": "x", "_projectId": elsewhere}
    assert message(site.client.post(f"/v1/template/{template_id}/duplicate", json=copied))[0] == 404
    assert site.client.get(f"/v1/template/{template_id}").json()["name"] == "Contacts"
    assert [one["key"] for one in columns(site, template_id)] == ["mail"]


# What the widget asks first


def valid(site: Site, **body: Any) -> tuple[int, Any]:
    answer = site.client.post("/v1/common/valid", json=body)
    return answer.status_code, answer.json()


def test_keys_that_belong_together_are_valid(site: Site) -> None:
    made = site.made
    assert valid(site, projectId=made.project_id) == (201, {"success": True})
    schema = json.dumps([{"key": "a"}, {"key": "b", "type": "Date", "dateFormats": ["DD"]}])
    everything = valid(site, projectId=made.project_id, templateId=made.template_id, schema=schema)
    assert everything == (201, {"success": True})


def test_keys_that_don_t_say_why(site: Site) -> None:
    project_id = site.made.project_id
    invalid = {"message": "Invalid keys found! Please check and correct them from web", "errorCode": 404}
    assert valid(site) == (400, {"message": "Invalid project id", "errorCode": 400})
    assert valid(site, projectId={"a": 1}) == (400, {"message": "Invalid project id", "errorCode": 400})
    assert valid(site, projectId=UNKNOWN_ID) == (404, invalid)
    template_id = {"message": "Invalid template id", "errorCode": 400}
    assert valid(site, projectId=project_id, templateId="x") == (400, template_id)
    assert valid(site, projectId=project_id, templateId=UNKNOWN_ID) == (404, invalid)
    not_an_array = {
        "message": "Invalid schema input. An array of schema object columns is expected.",
        "errorCode": 404,
    }
    for schema in ("{}", "x", "[1]", "[[]]", 5, "null"):
        assert valid(site, projectId=project_id, schema=schema) == (404, not_an_array)
    twice = json.dumps([{"key": "a"}, {"key": "b"}, {"key": "a"}, {"key": "b"}])
    sentence = (
        "Column with the same key already exists. Please use a unique key in column. Duplicate Keys Found for a, b"
    )
    assert valid(site, projectId=project_id, schema=twice) == (422, {"message": sentence, "errorCode": 422})


@pytest.mark.parametrize(
    ("item", "fault"),
    [
        ({}, "'key' should not empty"),
        ({"key": 5}, "'key' must be a string"),
        ({"key": "a", "isRequired": "x"}, "'isRequired' must be boolean"),
        ({"key": "a", "isUnique": 1}, "'isUnique' must be boolean"),
        (
            {"key": "a", "type": "x"},
            "entered type must be one of String, Number, Date, Email, Regex, Select, Any, Double, Image",
        ),
        ({"key": "a", "type": "Regex"}, "'regex' should not empty, when type is Regex"),
        ({"key": "a", "type": "Regex", "regex": "("}, "Invalid regex pattern"),
        ({"key": "a", "type": "Date", "dateFormats": "DD"}, "'dateFormats' must be an array, when type is Date"),
        ({"key": "a", "type": "Date", "dateFormats": []}, "'dateFormats' must not be empty, when type is Date"),
    ],
)
def test_a_runtime_schema_s_faults(site: Site, item: dict[str, Any], fault: str) -> None:
    answer = valid(site, projectId=site.made.project_id, schema=json.dumps([{"key": "good"}, item]))
    assert answer[0] == 404
    assert answer[1]["errorCode"] == 404
    assert answer[1]["message"].startswith("Schema Error : ")
    assert fault in answer[1]["message"]


def test_the_widget_may_show_all_that_is_here(site: Site) -> None:
    params = {"projectId": site.made.project_id, "templateId": site.made.template_id}
    shown = site.client.get("/v1/common/import-config", params=params).json()
    assert shown.pop("showBranding") is False
    assert (shown.pop("mode"), shown.pop("title")) == ("manual", "People")
    assert len(shown) == 18
    assert shown["FIND_AND_REPLACE"] is shown["MANUAL_ENTRY"] is shown["DEFAULT_VALUES"] is True
    # Each of the others is promised just where its address answers.
    promised = {
        "TEAM_MEMBERS": ("GET", "/v1/team/members"),
        "AUTOMATIC_IMPORTS": ("POST", f"/v1/import-jobs/{site.made.template_id}"),
        "IMAGE_IMPORT": ("GET", f"/v1/upload/{UNKNOWN_ID}/asset/a.png"),
        "DOWNLOAD_SAMPLE_FILE": ("POST", f"/v1/template/{site.made.template_id}/sample"),
        "DATA_SEEDING": ("POST", f"/v1/template/{site.made.template_id}/sample"),
    }
    for flag, (method, path) in promised.items():
        answer = site.client.request(method, path)
        there = answer.status_code != 404 or "Cannot" not in answer.text
        assert shown[flag] is there, flag
    assert all(shown[flag] for flag in set(shown) - set(promised))
    assert message(site.client.get("/v1/common/import-config"))[0] == 400
    assert shown.keys() & {"confirmPolicy", "destination"} == set()
    said = {"name": "Clean only", "_projectId": site.made.project_id, "confirmPolicy": "clean"}
    clean = site.client.post("/v1/template", json=said).json()["_id"]
    assert site.client.put(f"/v1/template/{clean}/destination", json={"destination": "frontend"}).status_code == 200
    told = site.client.get("/v1/common/import-config", params={**params, "templateId": clean}).json()
    assert (told["confirmPolicy"], told["destination"]) == ("clean", "frontend")
    wrong = site.client.get("/v1/common/import-config", params={**params, "templateId": UNKNOWN_ID})
    assert message(wrong) == (400, "Template not found with specified templateId.")


def test_health_is_open_to_all(site: Site) -> None:
    shown = site.anyone().get("/v1/health-check").json()
    assert shown["status"] == "ok"
    assert {"database", "storage", "apiVersion"} <= set(shown["details"])


def test_columns_of_images_are_named_where_programs_look(site: Site) -> None:
    made = site.client.post("/v1/template", json={"_projectId": site.made.project_id, "name": "Goods"}).json()
    columns = [{"name": "Name", "key": "name", "type": "String"}, {"name": "Photo", "key": "photo", "type": "Image"}]
    assert site.client.put(f"/v1/template/{made['_id']}/columns", json=columns).status_code == 200
    listed = site.client.get(f"/v1/project/{site.made.project_id}/templates").json()
    assert [one["imageColumns"] for one in listed if one["_id"] == made["_id"]] == [["photo"]]
    assert site.client.get(f"/v1/template/{made['_id']}").json()["imageColumns"] == ["photo"]
    site.client.put(f"/v1/template/{made['_id']}/columns", json=columns[:1])
    assert site.client.get(f"/v1/template/{made['_id']}").json()["imageColumns"] == []
