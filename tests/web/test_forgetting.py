"""What is to be forgotten is gone from pages, exports, feeds, revisions, files and the database; and the ledger says
where every record went."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from douane.cli import forgetting as cli_forgetting
from douane.errors import BadRequest, Unavailable
from douane.flow import forgetting, forgettings, live
from douane.flow.house import House
from douane.jobs.queue import WorkItem
from douane.model.operation import Operation
from douane.settings import Settings
from douane.staging import pages
from douane.staging.parts import Batches
from douane.store import schema
from douane.store.database import read
from tests.conftest import MODES
from tests.web.conftest import UNKNOWN_ID, Site, message, site_of, working
from tests.web.test_feed import accepted, everything, lines, new_template, pull

COLUMNS: list[dict[str, Any]] = [
    {"name": "Email", "key": "email", "type": "String", "isUnique": True},
    {"name": "Note", "key": "note", "type": "String", "isRequired": True},
    {"name": "N", "key": "n", "type": "Number", "defaultValue": 1},
]
TEXT = "email,note\nada@x.org,ada-secret\nbob@x.org,b\ncarl@x.org,\n\n ADA@x.org ,ada-other\ndora@x.org,d\n"


@pytest.fixture(scope="module", params=MODES)
def site(request: pytest.FixtureRequest, new_storage: Callable[[str], Settings]) -> Iterator[Site]:
    yield from site_of(new_storage(request.param))


@pytest.fixture(scope="module", autouse=True)
def _worker(site: Site) -> Iterator[None]:
    with working(site.settings):
        yield


@pytest.fixture(autouse=True, scope="module")
def _nothing_of_others() -> Iterator[None]:
    """Tests before these have left what they looked at in the memory of this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "_batches", Batches(32 << 20))
        patch.setattr(live, "_tables", live._Tables())
        yield


def everywhere(site: Site) -> str:
    """All that is kept: every row of the database but the audit's, every object, every copy on the disk; and what this
    process has in memory of parts and live tables."""
    house = site.app.state.web.house
    found = [str(frame.to_dicts()) for frame, _ in pages._batches._kept.values()]
    found += [str(one.standing.live.added_frame.to_dicts()) for one in live._tables._kept.values() if one.standing]
    with read(house.engine) as connection:
        for table in schema.metadata.sorted_tables:
            if table.name != "audit":
                found += [str(tuple(row)) for row in connection.execute(sa.select(table))]
    for name in house.objects.list():
        data = house.objects.read_all(name)
        found.append(data.decode("latin-1"))
        if "/parts/" in name or "/revisions/" in name:
            found.append(str(pl.read_ipc(io.BytesIO(data)).to_dicts()))
    for path in [*(site.settings.data / "cache").rglob("*"), *site.settings.work_folder.rglob("*")]:
        if path.is_file():
            found.append(path.read_bytes().decode("latin-1"))
    return "\n".join(found)


def ledger(site: Site, upload: str) -> dict[str, Any]:
    found: dict[str, Any] = site.client.get(f"/v1/upload/{upload}/ledger").json()
    out = found["leftOut"]
    assert found["found"] == found["delivered"] + found["waiting"] + found["failed"] + sum(out.values()), found
    return found


def edits(site: Site) -> Callable[[str], None]:
    def edit(upload: str) -> None:
        cells = [
            {"index": 2, "column": "note", "value": "b ada-secret"},
            {"index": 1, "column": "note", "value": "ada-secret two"},
            {"index": 2, "column": "email", "value": "ada@x.org once"},
            {"index": 2, "column": "email", "value": "bob@x.org"},
        ]
        for cell in cells:
            assert site.client.post(f"/v1/review/{upload}/cells", json={"cells": [cell]}).status_code == 200
        body = [{"index": 60, "record": {"email": "ada@x.org", "note": "ada-third"}, "updated": {}}]
        assert site.client.put(f"/v1/review/{upload}/records", json=body).status_code == 200
        replaced = {"find": "ada-other", "replace": "ada-fourth", "column": "note"}
        assert site.client.put(f"/v1/review/{upload}/replace", json=replaced).status_code == 200

    return edit


def forget(site: Site, template: str, value: str) -> dict[str, Any]:
    answer = site.client.post(f"/v1/template/{template}/forget", json={"column": "email", "value": value})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_what_takes_longer_than_a_request_is_a_job_that_says_how_far_it_is(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = new_template(site, COLUMNS)
    first, second = (accepted(site, template, TEXT) for _ in range(2))
    house = site.app.state.web.house
    monkeypatch.setattr(site.app.state.web, "house", replace(house, settings=quick(house.settings)))
    monkeypatch.setattr(house.jobs, "enqueue", lambda *given, **more: None)  # no worker takes it
    answer = site.client.post(f"/v1/template/{template}/forget", json={"column": "email", "value": "ada@x.org"})
    assert answer.status_code == 202, answer.text
    asked, at = answer.json(), answer.headers["Location"]
    assert (asked["state"], asked["looked"], asked["total"], asked["rows"]) == ("working", 0, 2, 0)
    # It is killed after the first upload, and goes on after it.
    with pytest.MonkeyPatch.context() as patch:
        done: list[str] = []
        look = forgetting.look_through

        def once(house: House, operation: Operation, *given: Any) -> None:
            if done:
                raise Unavailable("The power is gone.")
            done.append(operation.id)
            look(house, operation, *given)

        patch.setattr(forgetting, "look_through", once)
        with pytest.raises(Unavailable):
            forgettings.run(house, asked["id"])
    halfway = site.client.get(at).json()
    assert (halfway["state"], halfway["looked"], [one["upload"] for one in halfway["uploads"]]) == (
        "working",
        1,
        [first],
    )
    with read(house.engine) as connection:
        held = connection.execute(sa.select(schema.forgetting.c.value)).scalars().all()
    assert all(b"ada" not in value for value in held if value)
    assert forgettings.run(house, asked["id"]) is False
    found = site.client.get(at).json()
    assert (found["state"], found["looked"], found["rows"]) == ("done", 2, 4)
    assert {one["upload"] for one in found["uploads"]} == {first, second}
    assert found["remains"]
    with read(house.engine) as connection:
        gone = sa.select(schema.forgetting.c.value).where(schema.forgetting.c.id == asked["id"])
        assert connection.execute(gone).scalar_one() is None
    assert forgettings.run(house, asked["id"]) is False  # a job that comes twice
    other = new_template(site, COLUMNS)
    for wrong in (f"/v1/template/{other}/forget/{asked['id']}", f"/v1/template/{template}/forget/{UNKNOWN_ID}"):
        assert site.client.get(wrong).status_code == 404
    assert site.stranger()[0].get(at).status_code == 404


def test_what_cannot_be_forgotten_is_said(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    template, house = new_template(site, COLUMNS), site.app.state.web.house
    monkeypatch.setattr(house.jobs, "enqueue", lambda *given, **more: None)
    made = forgettings.ask(house, site.app.state.web.secrets, site.made.project_id, template, "email", "x")
    forgettings.give_up(house, "forget", WorkItem("forgetting", made), Unavailable("The disk is away."))
    found = forgettings.of(house, site.made.project_id, template, made)
    assert (found.state, found.error) == ("failed", "Not done: The disk is away.")
    assert forgettings.run(house, made) is False


def quick(settings: Settings) -> Settings:
    return settings.model_copy(update={"forget_wait_s": 0.0})


def test_a_person_is_forgotten_in_every_upload(site: Site) -> None:
    template = new_template(site, COLUMNS)
    first = accepted(site, template, TEXT, edits(site))
    second = accepted(site, template, "note,email\nada-fifth,Ada@x.org\nz,zoe@x.org\n")
    other = accepted(site, new_template(site, COLUMNS), "email,note\nhenry@x.org,h\n")
    before = lines(everything(site.client, template))
    cursor = pull(site.client, template, limit=1).headers["Douane-Cursor"]
    rest = lines([pull(site.client, template, cursor)])
    site.client.post(f"/v1/template/{template}/feed/ack", json={"consumer": "crm", "cursor": cursor})
    assert "ada" in everywhere(site)
    found = forget(site, template, " ada@X.ORG")
    gone = {(row["_upload"], row["_row"]) for row in before if row["email"].strip().lower() == "ada@x.org"}
    assert found["rows"] >= len(gone) >= 2
    assert {one["upload"] for one in found["uploads"]} == {first, second}
    assert found["waiting"] == []
    assert "by their acknowledgements: crm" in found["remains"][0]
    # In the feed each leaves its place, and the others stay as they were.
    kept = [
        {"_upload": row["_upload"], "_row": row["_row"], "_forgotten": True}
        if (row["_upload"], row["_row"]) in gone
        else {**row, "note": "b"}
        if row["note"] == "b ada-secret"
        else row
        for row in before
    ]
    bob = next(row for row in kept if row.get("email") == "bob@x.org")
    bob["note"] = "b ada-secret"  # a word in the row of somebody else
    assert lines(everything(site.client, template)) == kept
    assert len(lines([pull(site.client, template, cursor)])) == len(rest)
    for upload in (first, second):
        page = site.client.get(f"/v1/review/{upload}?limit=100").json()
        assert "ada@" not in json.dumps(page).lower()
        rows = site.client.get(f"/v1/upload/{upload}/rows/valid?limit=100").json()
        assert (
            rows["totalRecords"]
            == len(rows["data"])
            == sum(1 for row in kept if row["_upload"] == upload and "_forgotten" not in row)
        )
        for form in ("text/csv", "application/x-ndjson"):
            whole = site.client.get(f"/v1/upload/{upload}/rows/valid", headers={"Accept": form})
            assert "ada@" not in whole.text.lower()
        assert site.client.get(f"/v1/upload/{upload}/files/original").status_code == 404
        assert "ada@" not in json.dumps(site.client.get(f"/v1/upload/{upload}/preview").json()).lower()
        ledger(site, upload)
    left = everywhere(site).lower().replace("b ada-secret", "")
    assert "ada@x.org" not in left.replace("ada@x.org once", "")
    assert "ada-" not in left
    assert site.client.get(f"/v1/upload/{other}/files/original").status_code == 200
    again = forget(site, template, "ada@x.org")
    assert (again["rows"], again["uploads"]) == (0, [])


@pytest.mark.parametrize("columnar", [False, True])
def test_a_person_in_review_is_forgotten_and_the_review_goes_on(
    site: Site, columnar: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether changes are rows of the database or, as large ones are, objects."""
    if columnar:
        monkeypatch.setattr("douane.flow.revisions.CELLS_IN_SQL", 0)
    template = new_template(site, COLUMNS)
    files = {"file": ("in.csv", TEXT.encode(), "text/csv")}
    upload = site.client.post(f"/v1/upload/{template}?auto=true", files=files).json()["_id"]
    if columnar:  # what a former reading of the file left is there still
        anew = site.client.put(f"/v1/mapping/{upload}/reading", json={"encoding": "cp1252"})
        assert (anew.status_code, anew.json().get("pending")) == (200, None), anew.text
        assert site.client.post(f"/v1/review/{upload}", json={}).status_code == 201
    edits(site)(upload)
    assert site.client.get(f"/v1/review/{upload}/live").status_code == 200
    assert forget(site, template, "ada@x.org")["rows"] >= 2
    assert "ada@x.org" not in everywhere(site).lower().replace("ada@x.org once", "")
    assert "ada@x.org" not in json.dumps(site.client.get(f"/v1/review/{upload}?limit=100").json()).lower()
    assert site.client.post(f"/v1/review/{upload}", json={}).status_code == 201
    page = site.client.get(f"/v1/review/{upload}?limit=100").json()
    assert sorted(one["record"].get("email") for one in page["data"]) == ["bob@x.org", "carl@x.org", "dora@x.org"]
    shown = site.client.get(f"/v1/upload/{upload}").json()
    assert (shown["totalRecords"], shown["validRecords"], shown["invalidRecords"]) == (3, 2, 1)
    assert ledger(site, upload)["waiting"] == 2
    assert site.client.post(f"/v1/review/{upload}/confirm", json={}).status_code == 201
    assert [row["email"] for row in lines(everything(site.client, template))] == ["bob@x.org", "dora@x.org"]
    counts = ledger(site, upload)
    assert (counts["delivered"], counts["leftOut"]["invalid"], counts["leftOut"]["blank"]) == (2, 1, 1)
    assert "ada@x.org" not in everywhere(site).lower().replace("ada@x.org once", "")


def test_a_whole_upload_is_forgotten_whatever_became_of_it(site: Site) -> None:
    template = new_template(site, COLUMNS)
    first = accepted(site, template, "email,note\nwxyz@x.org,wxyz-1\nivo@x.org,wxyz-2\n")
    second = accepted(site, template, "email,note\nlast@x.org,l\n")
    one = pull(site.client, template, limit=1)
    cursor = one.headers["Douane-Cursor"]
    files = {"file": ("wxyz.csv", b"email,note\nwxyz@x.org,wxyz-3\n", "text/csv")}
    open_one = site.client.post(f"/v1/upload/{template}?auto=true", files=files).json()["_id"]
    assert ledger(site, first)["delivered"] == 2
    for upload, rows in ((first, 2), (open_one, 1)):
        answer = site.client.delete(f"/v1/upload/{upload}?forget=true")
        assert (answer.status_code, answer.json()["rows"]) == (200, rows), answer.text
        assert site.client.delete(f"/v1/upload/{upload}?forget=true").status_code == 200
        assert site.client.get(f"/v1/upload/{upload}").status_code == 200
        assert site.client.get(f"/v1/upload/{upload}/files/original").status_code == 404
        assert site.client.get(f"/v1/review/{upload}").json()["data"] == []
    assert site.client.get(f"/v1/upload/{first}").json()["status"] == "Completed"
    assert site.client.get(f"/v1/upload/{open_one}").json()["status"] == "Terminated"
    counts = ledger(site, first)
    assert (counts["found"], counts["delivered"], counts["leftOut"]["forgotten"]) == (2, 0, 2)
    ledger(site, open_one)
    assert "wxyz" not in everywhere(site)
    # One tombstone for all of it, also from its middle on; then the next upload.
    tomb = {"_upload": first, "_forgotten": True}
    found = lines(everything(site.client, template))
    assert (found[0], [row["_upload"] for row in found]) == (tomb, [first, second])
    after = pull(site.client, template, cursor)
    assert (lines([after]), after.headers["Douane-Rows"]) == ([tomb], "1")
    last = pull(site.client, template, after.headers["Douane-Cursor"])
    assert [row["email"] for row in lines([last])] == ["last@x.org"]
    arrow = pull(site.client, template, headers={"Accept": "application/vnd.apache.arrow.stream"})
    table = pl.read_ipc_stream(io.BytesIO(arrow.content))
    assert table.to_dicts() == [{"_upload": first, "_row": None, "_forgotten": True}]


def test_who_may_and_what_is_refused(site: Site) -> None:
    template = new_template(site, COLUMNS)
    upload = accepted(site, template, "email,note\na@x.org,a\n")
    address = f"/v1/template/{template}/forget"
    assert message(site.client.post(address, json={"column": "email"})) == (
        400,
        ["value should not be empty", "value must be a string"],
    )
    assert message(site.client.post(address, json={"column": "email", "value": " "})) == (
        400,
        ["value should not be empty"],
    )
    refused = site.client.post(address, json={"column": "nothing", "value": "x"})
    assert refused.status_code == 400
    assert "has a column nothing" in refused.json()["message"]
    body = {"column": "email", "value": "nobody@x.org"}
    assert site.client.post(address, json=body).json()["rows"] == 0
    assert site.client.post(f"/v1/template/{UNKNOWN_ID}/forget", json=body).status_code == 404
    stranger, _ = site.stranger()
    assert stranger.post(address, json=body).status_code == 404
    assert stranger.delete(f"/v1/upload/{upload}?forget=true").status_code == 400
    assert stranger.get(f"/v1/upload/{upload}/ledger").status_code == 400
    # The contract's own end leaves what is completed as it is.
    assert site.client.delete(f"/v1/upload/{upload}").status_code == 400
    assert len(lines(everything(site.client, template))) == 1


def test_the_command_line_forgets_and_shows_the_ledger(
    site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    template = new_template(site, COLUMNS)
    upload = accepted(site, template, "email,note\nkim@x.org,a\nlea@x.org,\nmax@x.org,c\n")
    capsys.readouterr()
    monkeypatch.setattr("sys.stdin", io.StringIO("Kim@x.org\n"))
    assert cli_forgetting.forget(site.settings, None, template, "email", None, as_json=True)
    said = json.loads(capsys.readouterr().out)
    assert (said["rows"], said["uploads"], said["waiting"]) == (1, [{"upload": upload, "rows": 1}], [])
    cli_forgetting.show_ledger(site.settings, upload, as_json=False)
    shown = capsys.readouterr().out
    found = {name.strip(): count for name, _, count in (line.rstrip().rpartition(" ") for line in shown.splitlines())}
    assert (found["found"], found["delivered"]) == ("3", "1")
    assert (found["left out: invalid"], found["left out: forgotten"]) == ("1", "1")
    assert cli_forgetting.forget(site.settings, upload, None, None, None, as_json=False)
    assert "2 rows of 1 upload are forgotten." in capsys.readouterr().out
    cli_forgetting.show_ledger(site.settings, upload, as_json=True)
    counts = json.loads(capsys.readouterr().out)
    assert (counts["found"], counts["delivered"], counts["leftOut"]["forgotten"]) == (3, 0, 3)
    for wrong in (
        (None, None, None, "x"),
        (upload, template, None, None),
        ("x", None, None, None),
        (None, "x", "a", "b"),
        (None, template, "Email", "x"),  # its name, not its key
    ):
        with pytest.raises(BadRequest):
            cli_forgetting.forget(site.settings, *wrong, as_json=False)


def test_a_column_that_nobody_has_is_no_person_of_whom_nothing_is_left(site: Site) -> None:
    template = new_template(site, COLUMNS)
    wrong = {"column": "e-mail", "value": "ada@x.org"}
    answer = site.client.post(f"/v1/template/{template}/forget", json=wrong)
    says = "Neither the template nor an upload has a column e-mail; there are: email, note, n."
    assert message(answer) == (400, says)
