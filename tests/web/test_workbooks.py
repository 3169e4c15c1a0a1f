"""Workbooks that people mend, over HTTP, with a real worker and children behind their walls."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import httpx
import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from tests.web.conftest import Site, message
from tests.web.test_imports import upload

ROWS = ["Name,City,Age", "Ann,Rome,31", "Bob,Oslo,x", ",rome,40", "Dan,007,9", "Ann,Bonn,"]
COLUMNS = (
    '[{"name":"Name","key":"name","type":"String","isRequired":true,"isUnique":true},'
    '{"name":"City","key":"city","type":"String"},{"name":"Age","key":"age","type":"Number"}]'
)
NAME, CITY, AGE = 4, 5, 6  # columns of the workbook


@pytest.fixture
def people(site: Site, worker: None) -> str:
    answer = upload(site, "\n".join(ROWS).encode(), auto=True, schema=COLUMNS)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["_id"])


def workbook(site: Site, upload_id: str, **query: Any) -> bytes:
    answer = site.client.get(f"/v1/upload/{upload_id}/workbook", params=query)
    assert answer.status_code == 200, answer.text
    return answer.content


def mended(data: bytes, change: Callable[[Worksheet], object]) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(data))
    change(book["Data"])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def send(site: Site, upload_id: str, data: bytes) -> httpx.Response:
    return site.client.post(f"/v1/upload/{upload_id}/workbook", files={"file": ("mended.xlsx", data)})


def apply(site: Site, upload_id: str, difference: str, **choices: str) -> httpx.Response:
    return site.client.post(f"/v1/upload/{upload_id}/workbook/{difference}", json=choices)


def table(site: Site, upload_id: str) -> list[list[Any]]:
    """(index, name, city, age, valid) of each record as it stands now."""
    data = site.client.get(f"/v1/review/{upload_id}/live").json()["data"]
    return [
        [one["index"], *(one["record"].get(key) for key in ("name", "city", "age")), one["isValid"]] for one in data
    ]


def change(site: Site, upload_id: str, index: int, column: str, value: object) -> None:
    cells = {"cells": [{"index": index, "column": column, "value": value}]}
    assert site.client.post(f"/v1/review/{upload_id}/cells", json=cells).status_code == 200


def test_a_mended_workbook_is_shown_then_put_in_place_and_taken_back(site: Site, people: str) -> None:
    answer = site.client.get(f"/v1/upload/{people}/workbook")
    assert "to mend.xlsx" in answer.headers["content-disposition"]

    def mend(sheet: Worksheet) -> None:
        sheet.cell(3, AGE).value = 12
        sheet.cell(4, NAME).value = "Eve"
        sheet.cell(6, NAME).value = "Zoe"
        sheet.delete_rows(5)

    found = send(site, people, mended(answer.content, mend))
    assert found.status_code == 201
    shown = found.json()
    assert [shown[key] for key in ("madeOf", "revision", "rows", "cells", "records", "missing", "spoilt")] == [
        0, 0, 4, 3, 3, 1, 0,
    ]  # fmt: skip
    assert shown["columns"] == {"age": 1, "name": 2}
    assert shown["sample"][0] == {"index": 2, "line": 3, "column": "age", "before": "x", "after": "12"}
    assert shown["conflicts"] == []
    before = table(site, people)
    # Nothing is changed yet, and what is missing has to be decided.
    assert [one[1] for one in before] == ["Ann", "Bob", "", "Dan", "Ann"]
    assert message(apply(site, people, shown["difference"])) == (
        409,
        "1 rows are missing in the workbook. Say whether they are to be deleted, or kept as they are.",
    )
    done = apply(site, people, shown["difference"], missing="delete").json()
    assert done == {"revision": 1, "cells": 3, "records": 3, "deleted": 1, "kept": 0}
    assert table(site, people) == [
        [1, "Ann", "Rome", 31, True], [2, "Bob", "Oslo", 12, True], [3, "Eve", "rome", 40, True],
        [5, "Zoe", "Bonn", "", True],
    ]  # fmt: skip
    listed = site.client.get(f"/v1/review/{people}/revisions").json()["data"]
    assert [(one["kind"], one["cells"], one["records"]) for one in listed] == [("workbook", 4, 4)]
    # Again there is nothing left of it.
    assert apply(site, people, shown["difference"], missing="keep").json()["cells"] == 0
    assert site.client.post(f"/v1/review/{people}/revisions/1/undo").status_code == 200
    assert table(site, people) == before


def test_missing_rows_may_be_kept(site: Site, people: str) -> None:
    shown = send(site, people, mended(workbook(site, people), lambda sheet: sheet.delete_rows(3, 2))).json()
    assert (shown["cells"], shown["missing"]) == (0, 2)
    assert apply(site, people, shown["difference"], missing="keep").json() == {
        "revision": 0, "cells": 0, "records": 0, "deleted": 0, "kept": 0,
    }  # fmt: skip
    assert len(table(site, people)) == 5


def test_a_workbook_of_those_with_problems(site: Site, people: str) -> None:
    change(site, people, 1, "city", "Paris")
    data = workbook(site, people, type="invalid")
    sheet = openpyxl.load_workbook(io.BytesIO(data))["Data"]
    assert [sheet.cell(row, NAME).value for row in range(2, sheet.max_row + 1)] == ["Bob", None, "Ann"]
    shown = send(site, people, mended(data, lambda sheet: sheet.delete_rows(2))).json()
    assert (shown["rows"], shown["missing"], shown["madeOf"]) == (2, 1, 1)
    assert apply(site, people, shown["difference"], missing="delete").json()["deleted"] == 1
    assert [one[0] for one in table(site, people)] == [1, 3, 4, 5]


def test_while_another_edits_the_same_upload(site: Site, people: str) -> None:
    data = workbook(site, people)
    change(site, people, 2, "age", 50)  # the same cell as below
    change(site, people, 4, "city", "Lima")  # one that nobody touches there
    change(site, people, 3, "name", "Eve")  # the same text as below

    def mend(sheet: Worksheet) -> None:
        sheet.cell(3, AGE).value = 12
        sheet.cell(4, NAME).value = "Eve"
        sheet.cell(6, CITY).value = "Köln"
        sheet.delete_rows(5)

    shown = send(site, people, mended(data, mend)).json()
    assert (shown["madeOf"], shown["revision"], shown["cells"], shown["missing"]) == (0, 3, 3, 1)
    assert ("age", 2, "50", 1) in [
        (one["column"], one["index"], one["value"], one["revision"]) for one in shown["conflicts"]
    ]
    refused = apply(site, people, shown["difference"], missing="delete")
    assert refused.status_code == 412
    assert [(one["index"], one["column"]) for one in refused.json()["conflicts"]] == [(2, "age"), (4, "city")]
    assert [one[3] for one in table(site, people)] == [31, 50, 40, 9, ""]
    kept = apply(site, people, shown["difference"], missing="delete", conflicts="keep").json()
    assert kept == {"revision": 4, "cells": 1, "records": 1, "deleted": 0, "kept": 2}
    assert table(site, people) == [
        [1, "Ann", "Rome", 31, True], [2, "Bob", "Oslo", 50, True], [3, "Eve", "rome", 40, True],
        [4, "Dan", "Lima", 9, True], [5, "Ann", "Köln", "", False],
    ]  # fmt: skip
    over = apply(site, people, shown["difference"], missing="delete", conflicts="overwrite").json()
    assert over == {"revision": 5, "cells": 1, "records": 1, "deleted": 1, "kept": 0}
    assert [(one[0], one[3]) for one in table(site, people)] == [(1, 31), (2, 12), (3, 40), (5, "")]


def test_rows_that_people_added_go_there_and_back(site: Site, people: str) -> None:
    record = {"index": 9_000, "record": {"name": "Ida", "city": "Bari", "age": "y"}, "updated": {}}
    assert site.client.put(f"/v1/review/{people}/record", json=record).status_code == 200
    data = mended(workbook(site, people), lambda sheet: sheet.cell(7, AGE, 60))
    shown = send(site, people, data).json()
    assert (shown["rows"], shown["cells"], shown["missing"]) == (6, 1, 0)
    assert apply(site, people, shown["difference"]).json()["cells"] == 1
    assert table(site, people)[-1] == [9_000, "Ida", "Bari", 60, True]


def test_the_same_as_csv(site: Site, people: str) -> None:
    answer = site.client.get(f"/v1/upload/{people}/workbook", params={"format": "csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0][1:] == ["Line", "What is wrong", "Name", "City", "Age"]
    rows[2][AGE - 1] = "12"
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    shown = send(site, people, file.getvalue().encode()).json()
    assert (shown["cells"], shown["missing"], shown["columns"]) == (1, 0, {"age": 1})
    assert apply(site, people, shown["difference"]).json()["revision"] == 1


def test_what_is_not_this_uploads_workbook_is_refused(site: Site, people: str) -> None:
    data = workbook(site, people)
    other = upload(site, "\n".join(ROWS).encode(), auto=True, schema=COLUMNS).json()["_id"]
    status, said = message(send(site, other, data))  # type: ignore[misc]
    assert status == 400
    assert said.startswith("This is the workbook of another import")
    status, said = message(send(site, people, b"a,b\n1,2\n"))  # type: ignore[misc]
    assert (status, said.startswith("This is no workbook of an import")) == (400, True)
    assert send(site, people, b"").status_code == 400
    future = mended(data, lambda sheet: sheet.cell(1, 1, sheet.cell(1, 1).value.replace(" 0 all", " 7 all")))
    assert message(send(site, people, future)) == (
        400,
        "This workbook was made after change 7, and this import has 0.",
    )
    stranger, _ = site.stranger()
    for answer in (
        stranger.get(f"/v1/upload/{people}/workbook"),
        stranger.post(f"/v1/upload/{people}/workbook", files={"file": ("x", data)}),
        stranger.post(f"/v1/upload/{people}/workbook/0-{'0' * 24}", json={}),
    ):
        assert answer.status_code == 400
    for name in ("0-" + "0" * 24, "x", "..%2fx"):
        assert apply(site, people, name).status_code == 404
    assert message(apply(site, people, "x", missing="perhaps")) == (400, ["missing must be one of delete, keep"])
    assert site.client.post(f"/v1/upload/{people}/workbook", json={}).status_code == 400
    answer = site.client.get(f"/v1/upload/{people}/workbook", params={"format": "pdf"})
    assert message(answer) == (400, ["format must be one of xlsx, csv"])


def test_only_an_import_in_review_takes_one(site: Site, people: str) -> None:
    data = workbook(site, people)
    shown = send(site, people, mended(data, lambda sheet: sheet.cell(3, AGE, 12))).json()
    assert site.client.post(f"/v1/review/{people}/confirm", json={}).status_code == 201
    assert workbook(site, people)  # it may still be read
    assert send(site, people, data).status_code == 400
    assert apply(site, people, shown["difference"]).status_code == 400
