"""Beside the contract: live pages, bulk revisions, undo and history over HTTP, with a real worker."""

from __future__ import annotations

import json
import os
import random
from typing import Any

import httpx
import pytest

from douane.flow import live
from tests.web.conftest import Site, message
from tests.web.test_imports import upload

ROWS = ["Name,City,Age", "Ann,Rome,31", "Bob,Oslo,x", ",rome,40", "Dan,Rome,9", "Ann,Bonn,"]


@pytest.fixture
def people(site: Site, worker: None) -> str:
    """An import in review, with the schema below and ROWS."""
    columns = (
        '[{"name":"Name","key":"name","type":"String","isRequired":true,"isUnique":true},'
        '{"name":"City","key":"city","type":"String"},{"name":"Age","key":"age","type":"Number"}]'
    )
    answer = upload(site, "\n".join(ROWS).encode(), auto=True, schema=columns)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["_id"])


class Review:
    """Calls under `/v1/review/{id}`."""

    def __init__(self, site: Site, upload_id: str) -> None:
        self.client, self.root = site.client, f"/v1/review/{upload_id}"

    def get(self, path: str, **query: Any) -> Any:
        answer = self.client.get(f"{self.root}{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def indexes(self, **query: Any) -> list[int]:
        return [one["index"] for one in self.get("/live", **query)["data"]]

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return self.client.request(method, f"{self.root}{path}", json=body, headers=headers)


@pytest.fixture
def review(site: Site, people: str) -> Review:
    return Review(site, people)


def test_the_live_view_follows_each_change(site: Site, review: Review) -> None:
    page = review.get("/live")
    assert [page[key] for key in ("page", "limit", "totalRecords", "totalPages", "revision")] == [1, 100, 5, 1, 0]
    second = page["data"][1]
    assert (second["index"], second["line"], second["isValid"], second["record"]["age"]) == (2, 3, False, "x")
    assert set(second["errors"]) == {"age"}
    counts = review.get("/live/counts")
    assert [counts[key] for key in ("totalRecords", "validRecords", "invalidRecords", "changedRecords")] == [5, 2, 3, 0]
    assert counts["columns"] == {"name": 2, "age": 1, "city": 0}
    assert {(one["column"], one["rule"], one["records"]) for one in counts["rules"]} >= {
        ("name", "required", 1),
        ("name", "unique", 1),
    }
    changed = review.send("POST", "/cells", {"cells": [{"index": 2, "column": "age", "value": 12}]})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"1"')
    body = changed.json()
    assert (body["revision"], body["cells"], body["records"][0]["isValid"]) == (1, 1, True)
    assert (body["records"][0]["record"]["age"], body["records"][0]["updated"]) == (12, {"age": True})
    assert (body["counts"]["invalidRecords"], body["counts"]["changedRecords"]) == (2, 1)
    # The contract's page stands at the last review; its cells are shown as they are.
    assert [one["isValid"] for one in review.get("")["data"]] == [True, False, False, True, False]
    assert review.indexes(type="invalid") == [3, 5]
    # Who shares a unique value is judged anew.
    review.send("POST", "/cells", {"cells": [{"index": 1, "column": "name", "value": "Zoe"}]})
    assert review.indexes(type="invalid") == [3]
    assert site.client.post(review.root).status_code == 201
    assert [one["isValid"] for one in review.get("")["data"]] == [True, True, False, True, True]
    assert review.indexes(type="invalid") == [3]


def test_a_note_comes_and_goes_with_its_reason(site: Site, worker: None) -> None:
    columns = '[{"name":"Name","key":"name"},{"name":"Sum","key":"sum","type":"Number"}]'
    rows = ["Name,Sum", *(f"N{at},{'1.000' if at == 3 else at}" for at in range(9))]
    review = Review(site, upload(site, "\n".join(rows).encode(), auto=True, schema=columns).json()["_id"])

    def noted() -> int:
        rules = review.get("/live/counts")["rules"]
        return sum(one["records"] for one in rules if one["rule"] == "mixed_decimal")

    def typed(index: int, value: str) -> None:
        assert review.send("POST", "/cells", {"cells": [{"index": index, "column": "sum", "value": value}]}).is_success

    assert noted() == 0
    typed(9, "12,50")
    assert noted() == 1
    typed(1, "2.000")
    assert noted() == 2
    typed(9, "12.50")
    assert noted() == 0
    typed(9, "0,5")
    assert site.client.post(review.root).status_code == 201
    assert noted() == 2
    typed(9, "0.5")
    assert noted() == 0


def test_pages_are_filtered_searched_and_sorted(review: Review) -> None:
    assert review.indexes(find="rome") == [1, 3, 4]
    assert review.indexes(find="Rome", caseSensitive="true") == [1, 4]
    assert review.indexes(find="o", findIn="city", type="valid") == [1, 4]
    assert review.indexes(find="Ann", matchEntireCell="true") == [1, 5]
    assert review.indexes(find="") == [3, 5]
    assert review.indexes(problemColumn="name") == [3, 5]
    assert review.indexes(problemColumn="name", rule="unique") == [5]
    assert review.indexes(rule="required") == [3]
    assert review.indexes(sort="age") == [4, 1, 3, 2, 5]
    assert review.indexes(sort="age", order="down") == [3, 1, 4, 2, 5]
    assert review.indexes(sort="city", find="o") == [5, 2, 1, 3, 4]
    assert review.indexes(order="down", type="invalid") == [5, 3, 2]
    assert review.indexes(limit=2, page=2) == [3, 4]
    assert review.indexes(limit=2, page=9) == []
    assert review.get("/live/counts", find="rome")["matchedRecords"] == 3
    first = review.get("/live", find="rome", limit=1)
    assert ([one["index"] for one in first["data"]], first["totalRecords"]) in (([1], None), ([1], 3))
    review.send("POST", "/cells", {"cells": [{"index": 4, "column": "city", "value": "Bern"}]})
    assert review.indexes(changed="true") == [4]
    assert review.indexes(changed="false") == [1, 2, 3, 5]
    assert review.indexes(find="rome") == [1, 3]
    assert review.indexes(sort="city") == [4, 5, 2, 1, 3]


def test_the_next_problem_in_either_direction(review: Review) -> None:
    found = review.get("/live/next")
    assert (found["index"], found["position"], found["columns"]) == (2, 0, ["age"])
    assert [review.get("/live/next", **{"from": at})["index"] for at in (1, 2, 3, 5, 99)] == [2, 3, 5, None, None]
    up = [review.get("/live/next", direction="up", **{"from": at})["index"] for at in (5, 3, 2, 99)]
    assert up == [3, 2, None, 5]
    assert review.get("/live/next", find="rome", **{"from": 1})["index"] == 3


def test_find_and_replace_is_one_revision_that_can_be_undone(review: Review) -> None:
    tried = review.send("PUT", "/replace", {"find": "rome", "replace": "Milan", "column": "city", "dryRun": True})
    assert tried.json()["sample"][0] == {"index": 1, "column": "city", "before": "Rome", "after": "Milan"}
    assert (tried.json()["modifiedCount"], tried.json()["revision"]) == (3, 0)
    done = review.send("PUT", "/replace", {"find": "rome", "replace": "Milan", "column": "city"})
    counters = {"acknowledged": True, "modifiedCount": 3, "upsertedId": None, "upsertedCount": 0, "matchedCount": 5}
    assert done.json() == {**counters, "revision": 1, "cells": 3}
    assert [one["record"]["city"] for one in review.get("")["data"]] == ["Milan", "Oslo", "Milan", "Milan", "Bonn"]
    assert review.get("")["data"][0]["updated"] == {"city": True}
    everywhere = review.send("PUT", "/replace", {"find": "", "replace": "-", "column": ""})
    assert (everywhere.json()["modifiedCount"], everywhere.json()["cells"]) == (2, 2)
    only = {"column": "age", "value": 7, "filter": {"type": "invalid", "problemColumn": "age"}}
    assert review.send("POST", "/change", only).json()["cells"] == 2
    review.send("POST", "/cells", {"cells": [{"index": 1, "column": "city", "value": "Bern"}]})
    undone = review.send("POST", "/revisions/1/undo")
    assert undone.json() == {"revision": 5, "cells": 2, "kept": 1}
    assert [one["record"]["city"] for one in review.get("/live")["data"]] == ["Bern", "Oslo", "rome", "Rome", "Bonn"]
    assert message(review.send("POST", "/revisions/1/undo")) == (400, "Revision 1 is undone already.")
    assert message(review.send("POST", "/revisions/2/redo")) == (400, "Revision 2 is not undone.")
    assert review.send("POST", "/revisions/99/undo").status_code == 404
    assert review.send("POST", "/revisions/x/undo").status_code == 404
    assert review.send("POST", "/revisions/5/undo").json()["revision"] == 6, "to undo an undo is to redo"
    listed = review.get("/revisions", limit=3)
    assert [(one["revision"], one["kind"], one["undoes"]) for one in listed["data"]] == [
        (6, "redo", 1),
        (5, "undo", 1),
        (4, "edit", None),
    ]
    assert (listed["totalRecords"], listed["totalPages"], listed["revision"]) == (6, 2, 6)
    history = review.get("/history", index=1, column="city")
    assert (history["line"], history["original"], history["value"]) == (2, "Rome", "Bern")
    assert [(one["kind"], one["value"], one["undone"]) for one in history["changes"]] == [
        ("replace", "Milan", False),
        ("edit", "Bern", False),
    ]


def test_records_of_a_filter_are_deleted_and_come_back(site: Site, review: Review) -> None:
    gone = review.send("POST", "/delete-records", {"filter": {"type": "invalid"}})
    assert (gone.status_code, gone.json()) == (201, {"revision": 1, "records": 3})
    assert review.indexes() == [1, 4]
    shown = site.client.get(review.root.replace("review", "upload")).json()
    assert (shown["totalRecords"], shown["validRecords"], shown["invalidRecords"]) == (2, 2, 0)
    back = review.send("POST", "/revisions/1/undo")
    assert back.json() == {"revision": 2, "cells": 3, "kept": 0}
    assert review.indexes() == [1, 2, 3, 4, 5]
    assert site.client.post(review.root).status_code == 201
    shown = site.client.get(review.root.replace("review", "upload")).json()
    assert (shown["totalRecords"], shown["validRecords"], shown["invalidRecords"]) == (5, 2, 3)
    assert review.send("POST", "/delete-records", {"indexes": [1], "valid": 1, "invalid": 0}).content == b""
    assert review.indexes(type="invalid") == [2, 3]


def test_two_people_on_one_cell_lose_nothing_unnoticed(site: Site, review: Review) -> None:
    tag = site.client.get(f"{review.root}/live").headers["etag"]
    mine = {"cells": [{"index": 1, "column": "city", "value": "Bern"}]}
    theirs = {"cells": [{"index": 1, "column": "city", "value": "Kyiv"}]}
    assert review.send("POST", "/cells", theirs, **{"If-Match": tag}).status_code == 200
    refused = review.send("POST", "/cells", mine, **{"If-Match": tag})
    assert (refused.status_code, refused.headers["etag"]) == (412, '"1"')
    (conflict,) = refused.json()["conflicts"]
    assert (conflict["index"], conflict["column"], conflict["value"], conflict["revision"]) == (1, "city", "Kyiv", 1)
    assert review.get("/live")["data"][0]["record"]["city"] == "Kyiv"
    # Another cell of the same record is nobody's loss; neither is a call that says what it knows.
    other = {"cells": [{"index": 1, "column": "age", "value": 5}]}
    assert review.send("POST", "/cells", other, **{"If-Match": tag}).status_code == 200
    for method, path, body in (
        ("PUT", "/record", {"index": 1, "record": {"city": "Bern"}, "updated": {"city": True}}),
        ("PUT", "/records", [{"index": 1, "record": {"city": "Bern"}, "updated": {"city": True}}]),
        ("PUT", "/replace", {"find": "Kyiv", "replace": "Bern", "column": ""}),
        ("POST", "/change", {"column": "city", "value": "Bern", "filter": {"type": "all"}}),
        ("POST", "/delete-records", {"filter": {"find": "Kyiv"}}),
        ("POST", "/delete-records", {"indexes": [1], "valid": 0, "invalid": 0}),
        ("POST", "/revisions/1/undo", None),
    ):
        assert review.send(method, path, body, **{"If-Match": '"0"'}).status_code == 412, path
    assert review.get("/live")["revision"] == 2
    assert review.send("POST", "/cells", mine, **{"If-Match": '"2"'}).status_code == 200
    assert review.send("POST", "/cells", theirs, **{"If-Match": "*"}).status_code == 200
    assert review.send("POST", "/cells", mine, **{"If-Match": "nonsense"}).status_code == 400


def test_downloads_hold_what_the_filter_finds(site: Site, review: Review) -> None:
    review.send("POST", "/cells", {"cells": [{"index": 4, "column": "city", "value": "Bern"}]})
    review.send("PUT", "/record", {"index": 40, "record": {"name": "New", "city": "Rome"}, "updated": {}})
    found = site.client.get(f"{review.root}/live/download", params={"find": "rome"})
    assert found.headers["content-type"].startswith("text/csv")
    assert found.text == "name,city,age\r\nAnn,Rome,31\r\n,rome,40\r\nNew,Rome,\r\n"
    lines = site.client.get(f"{review.root}/live/download", params={"format": "ndjson", "changed": "true"}).text
    assert lines.splitlines() == ['{"name":"Dan","city":"Bern","age":9}', '{"name":"New","city":"Rome"}']
    nothing = site.client.get(f"{review.root}/live/download", params={"find": "nowhere"})
    assert nothing.text == "name,city,age\r\n"
    for format in ("arrow", "parquet", "xlsx"):
        assert site.client.get(f"{review.root}/live/download", params={"format": format}).content[:1]
    assert site.client.get(f"{review.root}/live/download", params={"format": "pdf"}).status_code == 400


def test_downloads_are_sorted_if_asked_for(site: Site, review: Review, monkeypatch: pytest.MonkeyPatch) -> None:
    review.send("POST", "/cells", {"cells": [{"index": 4, "column": "city", "value": "Bern"}]})
    review.send("PUT", "/record", {"index": 40, "record": {"name": "New", "city": "Rome", "age": "35"}, "updated": {}})
    address = f"{review.root}/live/download"
    for held in (50_000, 2):
        monkeypatch.setattr(live, "SORTED_ROWS", held)
        by_age = site.client.get(address, params={"sort": "age"}).text.splitlines()[1:]
        assert by_age == ["Dan,Bern,9", "Ann,Rome,31", "New,Rome,35", ",rome,40", "Bob,Oslo,x", "Ann,Bonn,"]
        found = site.client.get(address, params={"sort": "name", "order": "down", "find": "rome"}).text.splitlines()[1:]
        assert found == ["New,Rome,35", "Ann,Rome,31", ",rome,40"]
    assert site.client.get(address, params={"order": "down"}).text.splitlines()[1] == "New,Rome,35"
    assert site.client.get(address, params={"sort": "no"}).status_code == 400


BAD_BODIES = [
    ("PUT", "/replace", None),
    ("PUT", "/replace", []),
    ("PUT", "/replace", {"find": 1, "column": "city"}),
    ("PUT", "/replace", {"find": "x", "column": None}),
    ("PUT", "/replace", {"find": "x", "column": "nowhere"}),
    ("PUT", "/replace", {"find": "x", "column": "city", "filter": {"tpye": "all"}}),
    ("PUT", "/replace", {"find": "x", "column": "city", "filter": {"problemColumn": "nowhere"}}),
    ("PUT", "/replace", {"find": "x", "column": "city", "caseSensitive": "yes"}),
    ("PUT", "/replace", {"find": "x" * (1 << 20), "column": "city"}),
    ("POST", "/change", {"column": "city", "value": "x"}),
    ("POST", "/change", {"column": "city", "filter": {"type": "all"}}),
    ("POST", "/change", {"column": "city", "value": {}, "filter": {"type": "all"}}),
    ("POST", "/change", {"column": "nowhere", "value": 1, "filter": {"type": "all"}}),
    ("POST", "/change", {"column": "city", "value": 1, "filter": {"rule": "nothing"}}),
    ("POST", "/cells", {}),
    ("POST", "/cells", {"cells": []}),
    ("POST", "/cells", {"cells": [1]}),
    ("POST", "/cells", {"cells": [{"index": -1, "column": "city", "value": ""}]}),
    ("POST", "/cells", {"cells": [{"index": 0, "column": "city", "value": ""}]}),
    ("POST", "/cells", {"cells": [{"index": 99, "column": "city", "value": ""}]}),
    ("POST", "/cells", {"cells": [{"index": 1, "column": "nowhere", "value": ""}]}),
    ("POST", "/cells", {"cells": [{"index": 1, "column": "city", "value": "\0"}]}),
    ("POST", "/delete-records", {"filter": {}}),
    ("POST", "/delete-records", {"filter": None}),
    ("POST", "/delete-records", {"filter": {"type": "all"}, "indexes": [1]}),
    ("POST", "/delete-records", {"filter": {"type": "most"}}),
    ("GET", "/live?type=x", None),
    ("GET", "/live?sort=nowhere", None),
    ("GET", "/live?order=sideways", None),
    ("GET", "/live?changed=maybe", None),
    ("GET", "/live?findIn=nowhere&find=x", None),
    ("GET", "/live/next?from=x", None),
    ("GET", "/live/next?direction=left", None),
    ("GET", "/history?index=1", None),
    ("GET", "/history?index=1&column=nowhere", None),
    ("GET", "/history?index=77&column=city", None),
]


def test_bad_input_is_refused_and_changes_nothing(site: Site, review: Review) -> None:
    for method, path, body in BAD_BODIES:
        answer = review.send(method, path, body)
        assert answer.status_code == 400, (method, path, str(body)[:100], answer.status_code, answer.text[:200])
        assert answer.json()["message"], path
    assert review.get("/live")["revision"] == 0
    stranger = "0" * 24
    for path in ("/live", "/live/counts", "/live/next", "/live/download", "/revisions", "/history?index=1&column=city"):
        assert site.client.get(f"/v1/review/{stranger}{path}").status_code == 400, path
        assert site.client.get(f"/v1/review/x{path}").status_code == 400, path
        assert site.anyone().get(f"{review.root}{path}").status_code == 401, path
    assert site.client.post(f"{review.root}/confirm", json={}).status_code == 201
    change = {"cells": [{"index": 1, "column": "city", "value": "late"}]}
    assert review.send("POST", "/cells", change).status_code == 400
    assert review.send("PUT", "/replace", {"find": "a", "column": ""}).status_code == 400
    assert review.send("POST", "/revisions/1/undo").status_code == 400
    assert review.indexes() == [1, 2, 3, 4, 5], "what is completed can still be looked at"


# Bodies that are good, of each way to change something; what is drawn beside them is any of JSON.
GOOD_BODIES: list[tuple[str, str, Any]] = [
    ("PUT", "/replace", {"find": "r", "replace": "R", "column": "", "filter": {"type": "all"}, "dryRun": False}),
    ("POST", "/change", {"column": "city", "value": "Rome", "filter": {"rule": "unique"}, "dryRun": False}),
    ("POST", "/cells", {"cells": [{"index": 2, "column": "age", "value": 12}]}),
    ("POST", "/delete-records", {"filter": {"type": "invalid", "problemColumn": "name"}}),
    ("POST", "/delete-records", {"indexes": [3]}),
    ("POST", "/suggestions", {"column": "city", "instead": {"rome": "Rome"}, "filter": {"find": "rome"}}),
    ("POST", "/values", {"column": "city", "instead": {"Oslo": "Rome"}, "remember": False}),
    ("POST", "/revisions/1/undo", None),
    ("POST", "/revisions/2/redo", None),
    ("PUT", "/records", [{"index": 2, "record": {"name": "Eve"}, "updated": {}}]),
    ("PUT", "/records", [{"index": 9, "record": {"name": "Eve", "age": 3}, "updated": {}}]),
]
ODD: list[Any] = [
    None,
    True,
    -1,
    0,
    7,
    1.5,
    10**30,
    "",
    "x",
    "\0",
    "\ud83d",
    "name",
    "$1",
    ".*",
    [],
    {},
    [[]],
    {"a": []},
]


@pytest.mark.parametrize("site", ["sqlite"], indirect=True)
def test_whatever_is_refused_changes_nothing(site: Site, review: Review) -> None:
    chance = random.Random(int(os.environ.get("DOUANE_TORTURE_SEED", "20261130")))

    def spoilt(value: Any) -> Any:
        """The body with one odd thing in it somewhere."""
        if isinstance(value, dict) and value and chance.random() < 0.8:
            key = chance.choice(list(value))
            if chance.random() < 0.1:
                return {name: one for name, one in value.items() if name != key} | {chance.choice(["", "odd"]): 1}
            return {**value, key: spoilt(value[key])}
        if isinstance(value, list) and value and chance.random() < 0.8:
            at = chance.randrange(len(value))
            return [*value[:at], spoilt(value[at]), *value[at + 1 :]]
        return chance.choice(ODD)

    def stands() -> list[Any]:
        upload_document = site.client.get(review.root.replace("/review/", "/upload/")).json()
        seen = [review.get(path) for path in ("", "/live", "/live/counts", "/revisions")]
        return [*seen, upload_document]

    before, refused = stands(), 0
    for _ in range(40 * int(os.environ.get("DOUANE_TORTURE_ROUNDS", "1"))):
        method, path, body = chance.choice(GOOD_BODIES)
        path = path.translate({ord("1"): chance.choice("0123x"), ord("2"): chance.choice("0124-")})
        content = json.dumps(spoilt(body) if body is None or chance.random() < 0.9 else body)
        match = {"If-Match": chance.choice(['"0"', "0", "*", "x"])} if chance.random() < 0.2 else {}
        answer = review.client.request(
            method, f"{review.root}{path}", content=content, headers={"Content-Type": "application/json", **match}
        )
        asked = method, path, content, match, answer.status_code, answer.text[:300]
        assert answer.status_code < 500, asked
        after = stands()
        if answer.status_code >= 400:
            assert answer.json()["message"], asked
            assert after == before, asked
            refused += 1
        elif after[3]["revision"] == before[3]["revision"]:
            assert after == before, asked
        before = after
    assert refused > 15
