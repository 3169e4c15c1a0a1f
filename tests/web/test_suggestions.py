"""Suggestions over `/v1`: asked for a cell and a column, accepted as one revision, refused with a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.conftest import Site
from tests.web.test_imports import upload
from tests.web.test_live import Review

COLUMNS = (
    '[{"name":"Name","key":"name","type":"String"},{"name":"Land","key":"land","type":"Select",'
    '"selectValues":["Germany","United Kingdom"],"alternateValues":{"UK":"United Kingdom"}},'
    '{"name":"Sum","key":"sum","type":"Number"}]'
)
ROWS = ["Name;Land;Sum", "Ann;germany;1,5", "Bob;UK;2,5", "Cem;Germany;3", "Dan;UK;1,5"]


@pytest.fixture
def review(site: Site, worker: None) -> Review:
    answer = upload(site, "\n".join(ROWS).encode(), auto=True, schema=COLUMNS)
    assert answer.status_code == 201, answer.text
    return Review(site, str(answer.json()["_id"]))


def test_a_cell_and_a_column_are_asked_for_and_accepted(review: Review) -> None:
    cell = review.get("/suggestions", column="land", index=2)
    assert (cell["value"], cell["alike"]) == ("UK", 2)
    assert [(one["value"], one["code"], one["alike"]) for one in cell["suggestions"]] == [
        ("United Kingdom", "other_name", 2)
    ]
    column = review.get("/suggestions", column="land")
    assert {one["value"]: one["suggestions"][0]["value"] for one in column["data"]} == {
        "UK": "United Kingdom",
        "germany": "Germany",
    }
    assert (column["totalTexts"], column["totalCells"]) == (2, 3)
    body: dict[str, Any] = {"column": "land", "instead": {"UK": "United Kingdom", "germany": "Germany"}}
    seen = review.send("POST", "/suggestions", {**body, "dryRun": True}).json()
    assert (seen["cells"], len(seen["sample"])) == (3, 3)
    made = review.send("POST", "/suggestions", body).json()
    assert (made["cells"], made["revision"]) == (3, 1)
    assert review.indexes(problemColumn="land") == []
    review.send("POST", "/revisions/1/undo")
    assert review.indexes(problemColumn="land") == [1, 2, 4]


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"column": "land"},
        {"column": "land", "instead": {}},
        {"column": "land", "instead": {"a": 1}},
        {"column": "land", "instead": ["a"]},
        {"column": "nothing", "instead": {"a": "b"}},
        {"column": "land", "instead": {"UK": "x"}, "filter": {"type": "odd"}},
    ],
)
def test_what_cannot_be_accepted_is_refused_and_nothing_changes(review: Review, body: Any) -> None:
    assert review.send("POST", "/suggestions", body).status_code == 400
    assert review.get("/live/counts")["revision"] == 0


@pytest.mark.parametrize("query", ["column=nothing", "", "column=land&index=99", "column=land&index=x", "index=1"])
def test_what_is_not_there_has_no_suggestions(review: Review, query: str) -> None:
    assert review.client.get(f"{review.root}/suggestions?{query}").status_code == 400
