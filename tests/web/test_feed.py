"""The feed of a template: the same cursor gives the same bytes, whoever is asked; nothing is lost or comes twice."""

from __future__ import annotations

import io
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import polars as pl
import pytest

from douane.flow import feeds
from douane.flow.feeds import Place, cursor_of
from douane.settings import Settings
from douane.web.app import create_app
from tests.conftest import MODES
from tests.web.conftest import UNKNOWN_ID, Site, TestClient, message, site_of, working

COLUMNS: list[dict[str, Any]] = [
    {"name": "Name", "key": "name", "type": "String"},
    {"name": "N", "key": "n", "type": "Number"},
    {"name": "Tags", "key": "tags", "type": "Select", "selectValues": ["a", "b"], "allowMultiSelect": True},
    {"name": "Lang", "key": "lang", "type": "String", "defaultValue": 'e"n'},
    {"name": "Rank", "key": "rank", "type": "Number", "defaultValue": 5},
    {"name": "Id", "key": "id", "type": "String", "defaultValue": "<<uuid>>"},
    {"name": "None", "key": "none", "type": "String", "defaultValue": "<<null>>"},
]
ARROW = {"Accept": "application/vnd.apache.arrow.stream"}


@pytest.fixture(scope="module", params=MODES)
def site(request: pytest.FixtureRequest, new_storage: Callable[[str], Settings]) -> Iterator[Site]:
    """Pages of up to seven rows are made in the process, longer ones by a child."""
    settings = new_storage(request.param).model_copy(update={"page_rows_max": 7, "feed_consumers_max": 3})
    yield from site_of(settings)


@pytest.fixture(scope="module")
def worker(site: Site) -> Iterator[None]:
    with working(site.settings):
        yield


def new_template(site: Site, columns: list[dict[str, Any]] = COLUMNS) -> str:
    made = site.client.post("/v1/template", json={"_projectId": site.made.project_id, "name": "People"}).json()
    assert site.client.put(f"/v1/template/{made['_id']}/columns", json=columns).status_code == 200
    return str(made["_id"])


def accepted(site: Site, template: str, text: str, edit: Callable[[str], None] = lambda upload: None) -> str:
    files = {"file": ("in.csv", text.encode(), "text/csv")}
    answer = site.client.post(f"/v1/upload/{template}?auto=true", files=files)
    assert answer.status_code == 201, answer.text
    upload = str(answer.json()["_id"])
    edit(upload)
    answer = site.client.post(f"/v1/review/{upload}/confirm", json={})
    assert answer.status_code == 201, answer.text
    return upload


def pull(
    client: httpx.Client, template: str, cursor: str | None = None, headers: dict[str, str] | None = None, **query: Any
) -> httpx.Response:
    asked = {**({"cursor": cursor} if cursor else {}), **query}
    return client.get(f"/v1/template/{template}/feed", params=asked, headers=headers)


def everything(client: httpx.Client, template: str, **query: Any) -> list[httpx.Response]:
    """All answers from the beginning."""
    found, cursor = [], None
    while (answer := pull(client, template, cursor, **query)).status_code == 200:
        found.append(answer)
        cursor = answer.headers["Douane-Cursor"]
    assert answer.status_code == 204, answer.text
    assert answer.headers["Douane-Cursor"] == cursor or not found
    return found


def lines(answers: list[httpx.Response]) -> list[dict[str, Any]]:
    return [json.loads(line) for answer in answers for line in answer.text.splitlines()]


def delivered(site: Site, upload: str) -> list[dict[str, Any]]:
    answer = site.client.get(f"/v1/upload/{upload}/rows/valid?format=delivered&limit=1000")
    rows: list[dict[str, Any]] = answer.json()["data"]
    return rows


PEOPLE = "".join(f"p{at},{at}.50,a,{at}\n" for at in range(9))
FIRST = f'name,n,tags,rank\n{PEOPLE}bad,x,a,1\nAda\n"q,""u",,,\n'


@pytest.mark.usefixtures("worker")
def test_rows_leave_as_they_are_delivered_in_the_order_of_acceptance(site: Site) -> None:
    template = new_template(site)
    assert pull(site.client, template).status_code == 204

    def edit(upload: str) -> None:
        cells = [{"index": 2, "column": "name", "value": "changed"}, {"index": 3, "column": "n", "value": "12"}]
        assert site.client.post(f"/v1/review/{upload}/cells", json={"cells": cells}).status_code == 200
        body = [{"index": 50, "record": {"name": "added", "n": 1}, "updated": {"name": True, "n": True}}]
        assert site.client.put(f"/v1/review/{upload}/records", json=body).status_code == 200
        gone = {"indexes": [5], "valid": 1, "invalid": 0}
        assert site.client.post(f"/v1/review/{upload}/delete-records", json=gone).status_code == 201

    first = accepted(site, template, FIRST, edit)
    nobody = accepted(site, template, "name,n\nx,y\n")
    second = accepted(site, template, "n,name,other\n7,Bob,beside\n")
    for limit in (1, 3, 7, 1000):
        answers = everything(site.client, template, limit=limit)
        found = lines(answers)
        own = [{key: value for key, value in row.items() if key not in ("_upload", "_row")} for row in found]
        assert own == delivered(site, first) + delivered(site, second)
        assert [row["_upload"] for row in found] == [first] * (len(found) - 1) + [second]
        assert len({(row["_upload"], row["_row"]) for row in found}) == len(found) == 12
        behind = [int(answer.headers["Douane-Behind"]) for answer in answers]
        rows = [int(answer.headers["Douane-Rows"]) for answer in answers]
        assert behind[0] == 12 - rows[0]
        assert (behind[-1], sum(rows)) == (0, 12)
        assert max(rows) == min(limit, 11)
    assert nobody not in {row["_upload"] for row in found}
    # The numbers of the review's records, and exact ones.
    assert '"_row":3,"name":"p2","n":12,' in answers[0].text
    assert found[-2] == {
        "_upload": first,
        "_row": 50,
        "name": "added",
        "n": 1,
        "lang": 'e"n',
        "rank": 5,
        "none": None,
        "id": found[-2]["id"],
    }


@pytest.mark.usefixtures("worker")
def test_the_same_cursor_gives_the_same_bytes_for_ever(site: Site) -> None:
    template = new_template(site)
    accepted(site, template, FIRST)
    before = [everything(site.client, template, limit=limit, headers=how) for limit in (4, 9) for how in ({}, ARROW)]
    # What a template says later, and what is accepted later, changes nothing of it.
    assert site.client.put(f"/v1/template/{template}/columns", json=COLUMNS[:1]).status_code == 200
    accepted(site, template, "name\nlater\n")
    app = create_app(site.settings)
    with TestClient(app, headers={"accesskey": site.made.access_key}) as other:
        for answers in before:
            cursor = None
            for answer in answers:
                limit = answer.request.url.params["limit"]
                again = pull(other, template, cursor, {"Accept": answer.request.headers["accept"]}, limit=limit)
                assert again.content == answer.content
                cursor = answer.headers["Douane-Cursor"]
                assert again.headers["Douane-Cursor"] == cursor
    assert lines(everything(site.client, template))[-1]["name"] == "later"


@pytest.mark.usefixtures("worker")
def test_pages_read_ahead_are_those_that_are_made_one_by_one(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    begin = feeds._apart
    monkeypatch.setattr(feeds, "_apart", lambda *asked: begun.append(asked[3].skip) or begin(*asked))
    template = new_template(site)
    rows = "".join(f'p{at},{at}.50,"a,b",{at}\n' for at in range(40))
    upload = accepted(site, template, f"name,n,tags,rank\n{rows}")
    ahead = everything(site.client, template, limit=5)
    assert begun == [5]

    def again(cursor: str | None) -> httpx.Response:
        return pull(site.client, template, cursor, limit=5)

    places = [None, *(answer.headers["Douane-Cursor"] for answer in ahead)]
    for cursor, answer in reversed(list(zip(places, ahead, strict=False))):
        one = again(cursor)
        assert (one.content, one.headers["Douane-Cursor"]) == (answer.content, answer.headers["Douane-Cursor"])
    assert begun == [5]
    # What is forgotten between two pages does not come of who reads ahead.
    assert [again(cursor).content for cursor in places[:2]] == [answer.content for answer in ahead[:2]]
    assert begun == [5, 5]
    body = {"column": "name", "value": "p11"}
    assert site.client.post(f"/v1/template/{template}/forget", json=body).json()["rows"] == 1
    assert json.loads(again(places[2]).text.splitlines()[1]) == {"_upload": upload, "_row": 12, "_forgotten": True}


@pytest.mark.parametrize("site", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("worker")
def test_arrow_has_one_schema_for_all_of_an_upload(site: Site) -> None:
    """A number that no double holds is one of its upload, wherever it stands."""
    template = new_template(site)
    text = "name,n,rank,tags\n" + "".join(f"p{at},{at},{at}.5,a\n" for at in range(8)) + "x,12345678901234567891,,b\n"
    accepted(site, template, text)
    frames = [
        pl.read_ipc_stream(io.BytesIO(answer.content))
        for answer in everything(site.client, template, limit=4, headers=ARROW)
    ]
    assert [len(frame) for frame in frames] == [4, 4, 1]
    assert len({tuple(frame.schema.items()) for frame in frames}) == 1
    whole = pl.concat(frames)
    assert whole.schema["n"] == pl.String
    assert whole.schema["rank"] == pl.Float64
    assert whole["n"][8] == "12345678901234567891"
    assert whole["rank"].to_list() == [at + 0.5 for at in range(8)] + [None]
    assert whole["_row"].to_list() == list(range(1, 10))
    assert whole["lang"].to_list() == ['e"n'] * 9
    assert not whole["_forgotten"].any()
    asked = lines(everything(site.client, template))
    assert whole["id"].to_list() == [row["id"] for row in asked]
    longer = everything(site.client, template, limit=1000, headers=ARROW)
    assert pl.read_ipc_stream(io.BytesIO(longer[0].content)).equals(whole)


@pytest.mark.parametrize("site", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("worker")
def test_cursors_that_lead_nowhere_are_refused_in_a_sentence(site: Site) -> None:
    template, other = new_template(site), new_template(site)
    for one in (template, other):
        accepted(site, one, "name\na\nb\n")
    cursor = pull(site.client, template).headers["Douane-Cursor"]
    broken = "That is no cursor of a feed, or part of it was lost on the way."
    swapped = cursor[:20] + ("A" if cursor[20] != "A" else "B") + cursor[21:]
    for wrong in (cursor[:-1], cursor + "A", swapped, "x", "é" * 48, "A" * 48, "end "):
        assert message(pull(site.client, template, wrong)) == (400, broken)
    foreign = "That cursor is of another template's feed."
    assert message(pull(site.client, other, cursor)) == (400, foreign)
    assert pull(site.client, template, "end").headers["Douane-Cursor"] == cursor
    # One that a database had before it was brought back from a backup.
    upload = site.client.get(f"/v1/template/{template}/uploads").json()[0]["_id"]
    for place, said in (
        (Place(1, 3, upload), "That cursor is ahead of this feed, which has 1 uploads with 2 rows"),
        (Place(2, 0, upload), "That cursor is ahead of this feed"),
        (Place(0, 1), "That cursor is ahead of this feed"),
        (Place(1, 1, UNKNOWN_ID), "That cursor stands in an upload that is not the feed's number 1"),
    ):
        status, sentence = message(pull(site.client, template, cursor_of(template, place)))
        assert (status, str(sentence).startswith(said)) == (400, True), sentence
    for query, said in (
        ({"limit": "0"}, ["limit must be a whole number of rows, 1 or more"]),
        ({"limit": "-1"}, ["limit must be a whole number of rows, 1 or more"]),
        ({"limit": "9" * 40}, ["limit must be a whole number of rows, 1 or more"]),
        ({"wait": "soon"}, ["wait must be a number of seconds"]),
        ({"wait": "nan"}, ["wait must be a number of seconds"]),
    ):
        assert message(pull(site.client, template, **query)) == (400, said)
    assert pull(site.client, template, consumer="a b").status_code == 400
    assert pull(site.client, template, headers={"Accept": "text/csv"}).status_code == 406
    assert pull(site.client, UNKNOWN_ID).status_code == 404
    assert pull(site.client, "x").status_code == 400
    stranger, _ = site.stranger()
    assert pull(stranger, template).status_code == 404
    assert site.anyone().get(f"/v1/template/{template}/feed").status_code == 401


def ack(site: Site, template: str, consumer: Any, cursor: Any) -> httpx.Response:
    return site.client.post(f"/v1/template/{template}/feed/ack", json={"consumer": consumer, "cursor": cursor})


@pytest.mark.usefixtures("worker")
def test_consumers_go_forward_each_for_itself(site: Site) -> None:
    template = new_template(site)
    accepted(site, template, "name\na\nb\nc\n")
    first = pull(site.client, template, consumer="crm", limit=2)
    cursor = first.headers["Douane-Cursor"]
    assert pull(site.client, template, consumer="crm", limit=2).content == first.content
    done = ack(site, template, "crm", cursor)
    assert (done.status_code, done.json()["behind"], done.json()["cursor"]) == (200, 1, cursor)
    assert ack(site, template, "crm", cursor).status_code == 200
    rest = pull(site.client, template, consumer="crm")
    assert [row["name"] for row in lines([rest])] == ["c"]
    assert [row["name"] for row in lines([pull(site.client, template, consumer="other")])] == ["a", "b", "c"]
    assert ack(site, template, "crm", rest.headers["Douane-Cursor"]).json()["behind"] == 0
    late = ack(site, template, "crm", cursor)
    assert (late.status_code, late.json()["cursor"]) == (409, rest.headers["Douane-Cursor"])
    assert "go forward only" in late.json()["message"]
    assert ack(site, template, "crm", cursor[:-2]).status_code == 400
    assert message(ack(site, template, None, 3)) == (
        400,
        ["consumer should not be empty", "consumer must be a string", "cursor must be a string"],
    )
    assert ack(site, template, "-", cursor).status_code == 400
    assert ack(site, UNKNOWN_ID, "crm", cursor).status_code == 404
    for name in ("b", "c"):
        assert ack(site, template, name, cursor).status_code == 200
    over = ack(site, template, "d", cursor)
    assert (over.status_code, "feed_consumers_max" in over.json()["message"]) == (413, True)
    listed = site.client.get(f"/v1/template/{template}/feed/consumers").json()
    assert [(one["consumer"], one["behind"]) for one in listed] == [("b", 1), ("c", 1), ("crm", 0)]
    metrics = site.client.get("/metrics").text
    assert f'douane_feed_lag_rows{{consumer="b",template="{template}"}} 1.0' in metrics
    waited = re.search(rf'douane_feed_lag_seconds{{consumer="b",template="{template}"}} (\S+)', metrics)
    assert waited is not None
    assert float(waited[1]) > 0
    gone = f"/v1/template/{template}/feed/consumers/b"
    assert [site.client.delete(gone).status_code for _ in range(2)] == [200, 404]
    assert len(lines([pull(site.client, template, consumer="b")])) == 3


@pytest.mark.parametrize("site", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("worker")
def test_who_waits_gets_the_rows_as_they_are_accepted(site: Site) -> None:
    template = new_template(site)
    began = time.monotonic()
    assert pull(site.client, template, wait=0.4).status_code == 204
    assert time.monotonic() - began >= 0.4
    answers: list[httpx.Response] = []
    waiting = threading.Thread(target=lambda: answers.append(pull(site.client, template, wait=60)))
    waiting.start()
    upload = accepted(site, template, "name\na\n")
    waiting.join(60)
    assert [(answer.status_code, answer.headers["Douane-Upload"]) for answer in answers] == [(200, upload)]


@pytest.mark.usefixtures("worker")
def test_a_column_may_be_among_the_rows_of_a_feed(site: Site) -> None:
    """By the values of when it was checked; accepted or forgotten ones count from the next review on."""
    codes = new_template(site, [{"name": "Code", "key": "code", "type": "String"}])
    among = {"validate": "among", "template": codes, "column": "code"}
    orders = new_template(site, [{"name": "Of", "key": "of", "type": "String", "validations": [among]}])
    files = {"file": ("in.csv", b"of\nc1\nc2\n c3 \n\nc9\n", "text/csv")}
    upload = site.client.post(f"/v1/upload/{orders}?auto=true", files=files).json()["_id"]

    def wrong(path: str = "") -> list[str]:
        page = site.client.get(f"/v1/review/{upload}{path}?type=invalid&limit=7").json()
        return [row["record"]["of"].strip() for row in page["data"]]

    assert wrong() == ["c1", "c2", "c3", "c9"]  # none is accepted yet
    accepted(site, codes, "code\nc1\nc2\n")
    second = accepted(site, codes, "code\nx\nc9\n", lambda upload: set_cell(site, upload, 1, "code", "c3"))
    assert wrong("/live") == ["c1", "c2", "c3", "c9"]
    assert site.client.post(f"/v1/review/{upload}", json={}).status_code == 201
    assert wrong() == wrong("/live") == []
    set_cell(site, upload, 1, "of", "c4")
    set_cell(site, upload, 2, "of", "c3")
    assert wrong("/live") == ["c4"]
    assert site.client.delete(f"/v1/upload/{second}?forget=true").status_code == 200
    assert site.client.post(f"/v1/review/{upload}", json={}).status_code == 201
    assert wrong() == wrong("/live") == ["c4", "c3", "c3", "c9"]
    assert site.client.post(f"/v1/review/{upload}/confirm", json={}).status_code == 201


def set_cell(site: Site, upload: str, index: int, column: str, value: str) -> None:
    cells = [{"index": index, "column": column, "value": value}]
    assert site.client.post(f"/v1/review/{upload}/cells", json={"cells": cells}).status_code == 200
