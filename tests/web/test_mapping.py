"""The mapping as it can be seen and changed until confirm, over REST: what the widget's mapping step asks."""

from __future__ import annotations

import io
from typing import Any

import pytest
import xlsxwriter

from tests.web.conftest import UNKNOWN_ID, Site, message

SCHEMA = (
    '[{"key": "name", "name": "Name", "type": "String", "isRequired": true},'
    ' {"key": "mail", "name": "Mail", "type": "String", "isUnique": true},'
    ' {"key": "land", "name": "Land", "type": "String"}]'
)
DATA = b"Liste\nname;Adresse;land;extra\nAda;a@x;DE;1\nBob;b@x;AT;2\n"


def upload(site: Site, data: bytes = DATA, name: str = "a.csv", **fields: str) -> str:
    answer = site.client.post(
        f"/v1/upload/{site.made.template_id}", files={"file": (name, data)}, data={"schema": SCHEMA, **fields}
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["_id"])


def reviewed(site: Site, upload_id: str, mail: str | None = "Adresse") -> None:
    assert site.client.get(f"/v1/mapping/{upload_id}").status_code == 200
    choices = [{"key": "name", "columnHeading": "name"}, {"key": "mail", "columnHeading": mail}]
    choices.append({"key": "land", "columnHeading": "land"})
    answer = site.client.post(f"/v1/mapping/{upload_id}/finalize", json=choices)
    assert answer.status_code == 201, answer.text
    assert site.client.post(f"/v1/review/{upload_id}").status_code == 201


def state(site: Site, upload_id: str) -> dict[str, Any]:
    answer = site.client.get(f"/v1/mapping/{upload_id}/state")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def names(site: Site, upload_id: str, key: str = "name") -> list[str]:
    return [one["record"][key] for one in site.client.get(f"/v1/review/{upload_id}").json()["data"]]


def test_from_a_first_look_to_a_changed_mapping(site: Site, worker: None) -> None:
    upload_id = upload(site, DATA.replace(b"Liste\n", b"Liste\n\n"))
    first = state(site, upload_id)
    assert first["lines"] == [1, 3, 4, 5]
    assert (first["status"], first["headerRow"], first["reading"]["delimiter"], first["pending"]) == (
        "Uploaded",
        1,
        ";",
        None,
    )
    assert first["records"][0][0] == "Liste"
    assert [(one["heading"], one["values"], one["column"]) for one in first["headings"]] == [
        ("name", ["Ada", "Bob"], "name"),
        ("Adresse", ["a@x", "b@x"], None),
        ("land", ["DE", "AT"], "land"),
        ("extra", ["1", "2"], None),
    ]
    name = first["columns"][0]
    assert (name["heading"], name["columnHeading"], name["isRequired"]) == (0, "name", True)
    assert (name["proposal"]["certainty"], name["proposal"]["reason"], name["proposal"]["sure"]) == (1.0, "key", True)
    assert first["columns"][1]["proposal"] is None
    reviewed(site, upload_id)
    cell = {"cells": [{"index": 3, "column": "extra", "value": "two"}]}
    assert site.client.post(f"/v1/review/{upload_id}/cells", json=cell).status_code == 200
    address = f"/v1/mapping/{upload_id}/choices"
    wanted = {"columns": [{"key": "land", "heading": 3}, {"key": "mail", "heading": None}]}
    seen = site.client.put(address, json={**wanted, "dryRun": True}).json()
    assert seen["columns"] == [
        {"key": "mail", "before": "Adresse", "after": None},
        {"key": "land", "before": "land", "after": "extra"},
    ]
    assert (seen["applied"], seen["kept"], seen["lost"], seen["status"]) == (False, 1, 0, "Reviewing")
    done = site.client.put(address, json=wanted).json()
    assert (done["applied"], done["status"]) == (True, "Mapped")
    assert site.client.post(f"/v1/review/{upload_id}").status_code == 201
    assert names(site, upload_id, "land") == ["1", "two"]
    # Up to the title: what stands beyond the last heading is no field, so the changed cell would go.
    title = {"headerRow": 0, "columns": [{"key": "name", "heading": 0}, {"key": "land", "heading": None}]}
    refused = site.client.put(address, json=title)
    assert refused.status_code == 409
    lost = refused.json()
    assert (lost["statusCode"], lost["error"], lost["applied"], lost["lost"]) == (409, "Conflict", False, 1)
    assert lost["lostCells"] == [{"index": 3, "line": 5, "column": "land", "value": "two"}]
    assert site.client.get(f"/v1/upload/{upload_id}").json()["status"] == "Reviewing"
    assert site.client.put(address, json={**title, "agree": True}).json()["headerRow"] == {"before": 1, "after": 0}
    assert site.client.post(f"/v1/review/{upload_id}").status_code == 201
    assert names(site, upload_id) == ["name", "Ada", "Bob"]
    assert site.client.post(f"/v1/review/{upload_id}/confirm").status_code == 201
    assert site.client.put(address, json=title).status_code == 400
    assert site.client.get(f"/v1/mapping/{upload_id}/state").status_code == 400


def test_what_people_chose_is_proposed_again_and_can_be_forgotten(site: Site, worker: None) -> None:
    upload_id = upload(site)
    reviewed(site, upload_id)
    again = state(site, upload(site, DATA.replace(b"Adresse", b"ADRESSE ")))["columns"][1]
    assert (again["columnHeading"], again["proposal"]["reason"], again["proposal"]["sure"]) == (
        "ADRESSE ",
        "learned",
        True,
    )
    address = f"/v1/template/{site.made.template_id}/learned"
    found = site.client.get(address).json()
    heading = next(one for one in found["headings"] if one["heading"] == "Adresse")
    assert (heading["column"], heading["by"]) == ("mail", None)
    stranger, _ = site.stranger()
    assert stranger.get(address).status_code == 404
    assert stranger.delete(f"{address}/{heading['_id']}").status_code == 404
    assert site.client.delete(f"{address}/{heading['_id']}").json() == {"forgotten": 1}
    assert message(site.client.delete(f"{address}/{heading['_id']}"))[0] == 404  # type: ignore[index]
    assert state(site, upload(site))["columns"][1]["proposal"] is None
    # What was chosen otherwise later is unlearned.
    reviewed(site, upload(site))
    reviewed(site, upload(site), None)
    assert state(site, upload(site))["columns"][1]["proposal"] is None
    reviewed(site, upload(site))
    left = site.client.get(address).json()["headings"]
    assert "Adresse" in [one["heading"] for one in left]
    assert site.client.delete(address).json() == {"forgotten": len(left)}
    assert site.client.get(address).json() == {"headings": [], "values": []}


def test_another_sheet_and_a_reading_that_waits(site: Site, worker: None) -> None:
    data = io.BytesIO()
    with xlsxwriter.Workbook(data) as book:
        for sheet_name, person in (("One", "Ada"), ("Two", "Bob")):
            sheet = book.add_worksheet(sheet_name)
            sheet.write_row(0, 0, ["name", "Adresse", "land"])
            sheet.write_row(1, 0, [person, "x@x", "DE"])
    upload_id = upload(site, data.getvalue(), "a.xlsx")
    assert state(site, upload_id)["reading"]["sheets"] == ["One", "Two"]
    address = f"/v1/mapping/{upload_id}/reading"
    found = site.client.put(address, json={"sheet": "Two"})
    assert found.status_code == 200, found.text
    assert (found.json()["status"], found.json()["reading"]["sheet"]) == ("Uploaded", "Two")
    reviewed(site, upload_id)
    assert names(site, upload_id) == ["Bob"]
    held = site.client.put(address, json={"sheet": "One", "dryRun": True}).json()
    assert (held["status"], held["reading"]["sheet"], held["pending"]["reading"]["sheet"]) == (
        "Reviewing",
        "Two",
        "One",
    )
    assert held["pending"]["change"]["lost"] == 0
    taken = site.client.post(f"{address}/take", json={})
    assert (taken.status_code, taken.json()["applied"], taken.json()["status"]) == (201, True, "Mapped")
    assert site.client.post(f"/v1/review/{upload_id}").status_code == 201
    assert names(site, upload_id) == ["Ada"]
    # Line 2 of the other sheet is another line.
    cell = {"cells": [{"index": 1, "column": "name", "value": "Adam"}]}
    assert site.client.post(f"/v1/review/{upload_id}/cells", json=cell).status_code == 200
    waits = site.client.put(address, json={"sheet": "Two"}).json()
    assert waits["pending"]["change"]["lostCells"] == [{"index": 1, "line": 2, "column": "name", "value": "Adam"}]
    assert site.client.post(f"{address}/take").status_code == 409
    assert site.client.delete(address).json()["pending"] is None
    assert names(site, upload_id) == ["Adam"]
    failed = site.client.put(address, json={"sheet": "Nine"})
    assert failed.status_code == 400
    assert names(site, upload_id) == ["Adam"]
    assert site.client.post(f"{address}/take", json={"agree": True}).status_code == 400
    assert site.client.post(f"/v1/review/{upload_id}").status_code == 201
    assert site.client.post(f"/v1/review/{upload_id}/confirm").status_code == 201


_uploads: dict[int, str] = {}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("choices", {}),
        ("choices", {"columns": {}}),
        ("choices", {"columns": [{}]}),
        ("choices", {"columns": [{"key": "name"}]}),
        ("choices", {"columns": [{"key": 1, "heading": 0}]}),
        ("choices", {"columns": [{"key": "name", "heading": "name"}]}),
        ("choices", {"columns": [{"key": "name", "heading": 1e300}]}),
        ("choices", {"columns": [{"key": "name", "heading": 0}, {"key": "name", "heading": 1}]}),
        ("choices", {"columns": [{"key": "x" * 1_000_000, "heading": 0}]}),
        ("choices", {"columns": [{"key": "name", "heading": 999}]}),
        ("choices", {"headerRow": "1"}),
        ("choices", {"headerRow": -1}),
        ("choices", {"headerRow": 5000}),
        ("choices", {"headerRow": None, "headings": [1]}),
        ("choices", {"headerRow": 0, "dryRun": "yes"}),
        ("reading", {}),
        ("reading", {"sheet": 1}),
        ("reading", {"quote": "ab"}),
        ("reading", {"headerLine": "x"}),
        ("reading", {"encoding": "x" * 1_000_000}),
        ("reading", {"delimiter": []}),
        ("reading/take", {"agree": 1}),
    ],
    ids=lambda value: str(value)[:60],
)
def test_bad_bodies_change_nothing(site: Site, worker: None, path: str, body: Any) -> None:
    upload_id = _uploads.setdefault(id(site), "") or upload(site)
    _uploads[id(site)] = upload_id
    address = f"/v1/mapping/{upload_id}"
    before = state(site, upload_id)
    method = "POST" if path.endswith("take") else "PUT"
    answer = site.client.request(method, f"{address}/{path}", json=body)
    assert answer.status_code == 400, answer.text
    assert state(site, upload_id) == before
    stranger, _ = site.stranger()
    for id_ in (upload_id, UNKNOWN_ID):
        assert stranger.request(method, f"/v1/mapping/{id_}/{path}", json=body).status_code == 400


def test_values_are_mapped_over_rest(site: Site, worker: None) -> None:
    schema = '[{"key": "land", "name": "Land", "type": "Select", "selectValues": ["DE", "AT"]}]'
    data = b"land\n" + b"Deutschland\nDE\nde\n" * 3
    upload_id = upload(site, data, schema=schema)
    site.client.get(f"/v1/mapping/{upload_id}")
    choices = [{"key": "land", "columnHeading": "land"}]
    assert site.client.post(f"/v1/mapping/{upload_id}/finalize", json=choices).status_code == 201
    assert site.client.post(f"/v1/review/{upload_id}").status_code == 201
    address = f"/v1/review/{upload_id}/values"
    found = site.client.get(address, params={"column": "land"})
    assert found.headers["etag"] == '"0"'
    assert found.json() == {
        "column": "land",
        "data": [
            {"value": "Deutschland", "cells": 3, "problems": 3, "proposal": None},
            {
                "value": "de",
                "cells": 3,
                "problems": 3,
                "proposal": {"value": "DE", "code": "case", "reason": "in upper or lower case"},
            },
            {"value": "DE", "cells": 3, "problems": 0, "proposal": None},
        ],
        "allowed": ["DE", "AT"],
        "totalValues": 3,
        "problemValues": 2,
        "blankCells": 0,
        "revision": 0,
    }
    assert len(site.client.get(address, params={"column": "land", "limit": "1"}).json()["data"]) == 1
    for body in (
        {},
        {"column": "land"},
        {"column": "land", "instead": {}},
        {"column": "land", "instead": {"x": 1}},
        {"column": "land", "instead": ["x"]},
        {"column": "nothing", "instead": {"x": "DE"}},
        {"column": "land", "instead": {"x": "Elbonia"}},
        {"column": "land", "instead": {"x" * 1_000_000: 5}},
        {"column": "land", "instead": {"de": "DE"}, "remember": "no"},
        {"column": "land", "instead": {"de": "DE"}, "filter": {"problemColumn": "nothing"}},
    ):
        assert site.client.post(address, json=body).status_code == 400, body
    assert site.client.get(address, params={"column": "nothing"}).status_code == 400
    done = site.client.post(address, json={"column": "land", "instead": {"Deutschland": "DE", "de": "DE"}})
    assert (done.status_code, done.json()["cells"], done.json()["revision"]) == (200, 6, 1)
    stale = {"If-Match": '"0"'}
    again = site.client.post(address, json={"column": "land", "instead": {"DE": "AT"}}, headers=stale)
    assert again.status_code == 412
    learned = site.client.get(f"/v1/template/{site.made.template_id}/learned").json()["values"]
    assert {(one["column"], one["value"], one["instead"]) for one in learned} >= {("land", "Deutschland", "DE")}
