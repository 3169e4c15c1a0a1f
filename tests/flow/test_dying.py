"""What people do when an import is there already, killed at each of its moments: whole or not at all, and done again it
is whole. `make torture` tries every moment."""

from __future__ import annotations

import csv
import io
import itertools
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy as sa

from douane.errors import NotFound
from douane.flow import (
    changing,
    feeds,
    forgetting,
    forgettings,
    identity,
    images,
    imports,
    live,
    records,
    revisions,
    templates,
    workbooks,
)
from douane.flow.changing import How
from douane.flow.house import House, house_of
from douane.flow.live import Filter
from douane.model.operation import Operation
from douane.settings import Settings
from douane.store import feeds as stored_feeds
from douane.store import people, projects, schema
from douane.store.database import read, write
from douane.store.ids import new_id
from douane.store.objects import Objects
from tests.flow.dying import STEP, dying, each_moment
from tests.flow.staged import staged

COLUMNS = [{"key": "mail", "name": "Mail"}, {"key": "note", "name": "Note"}]
ROWS = [["zora@x", "zora-one"], ["bob@x", "b"], ["carl@x", "c"], ["ZORA@x", "zora-two"]]
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489")


@pytest.fixture
def house(storage: Settings, engine: sa.Engine) -> House:
    return house_of(storage.model_validate({**storage.model_dump(), "secret": "x" * 40}), engine, Objects(storage))


@pytest.fixture
def project_id(house: House) -> str:
    with write(house.engine) as connection:
        name = new_id()
        person = people.add(
            connection, email=f"{name}@b.co", username=name, first_name="", last_name="", password_hash="x"
        )
        return projects.add(connection, name="Project", owner_id=person.id).id


def reviewed(house: House, project_id: str, template_id: str | None = None) -> Operation:
    """With its file."""
    template = templates.definition("People", COLUMNS)
    made = staged(house, project_id, template, ROWS, template_id=template_id, part_rows=2)
    house.objects.put_bytes(str(made.source_object), b"mail,note\nzora@x,zora-one\n")
    return made


def standing(house: House, operation: Operation) -> set[str | None]:
    """Addresses; those that were deleted since the last review keep their places, and nothing in them."""
    return {mail for mail, _ in cells(house, operation)} - {None}


def cells(house: House, operation: Operation) -> list[tuple[str | None, ...]]:
    now = imports.get(house, operation.id)
    live.drop(operation.id)
    page = records.page(house, now, "all", 1, 100)
    return [(one.record.get("mail"), one.record.get("note")) for one in page.records]


def kept(house: House) -> str:
    """All that the database and the store hold."""
    found: list[str] = []
    with read(house.engine) as connection:
        for table in schema.metadata.sorted_tables:
            found += [str(tuple(row)) for row in connection.execute(sa.select(table))]
    for name in house.objects.list():
        data = house.objects.read_all(name)
        found.append(data.decode("latin-1"))
        if data[:6] == b"ARROW1":
            found.append(str(pl.read_ipc(io.BytesIO(data)).to_dicts()))
    return "\n".join(found).lower()


def mended(house: House, operation: Operation, path: Path, note: str) -> Path:
    """Its table as CSV with another note in the first row."""
    text = b"".join(workbooks.annotated(house, operation, Filter(), "csv")).decode("utf-8-sig")
    table = list(csv.reader(io.StringIO(text)))
    table[1][table[0].index("Note")] = note
    file = io.StringIO()
    csv.writer(file).writerows(table)
    path.write_text(file.getvalue())
    return path


def test_a_person_that_is_forgotten(
    house: House, project_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revisions, "CELLS_IN_SQL", 1)
    secrets = identity.unlock(house)
    template = templates.add(house, project_id, "People", {}, COLUMNS)
    made: list[tuple[Operation, str]] = []

    def begin() -> None:
        operation = reviewed(house, project_id, template.id)
        changing.set_cells(house, operation, [(0, "note", "zora-three"), (1, "note", "bob-two")], How())
        assert workbooks.compared(house, operation, mended(house, operation, tmp_path / "mended", "zora-four")).cells
        made.append((operation, forgettings.ask(house, secrets, project_id, template.id, "mail", "Zora@x")))

    begin()
    before = cells(house, made[-1][0])
    after = [before[1], before[2]]
    assert after == [("bob@x", "bob-two"), ("carl@x", "c")]
    for life in each_moment(house, lambda: forgettings.run(house, made[-1][1])):
        operation, asked = made[-1]
        forgetting.drop_remembered(operation.id)
        assert standing(house, operation) in ({row[0] for row in before}, {row[0] for row in after})
        # The worker that comes after it; who lived has nothing left to do.
        assert not forgettings.run(house, asked)
        forgetting.drop_remembered(operation.id)
        assert standing(house, operation) == {"bob@x", "carl@x"}
        assert forgettings.of(house, project_id, template.id, asked).state == "done"
        left = kept(house)
        assert "bob@x" in left
        assert "zora" not in left
        forgetting.upload(house, imports.get(house, operation.id))
        if life.died:
            begin()


def test_an_upload_that_is_forgotten(house: House, project_id: str) -> None:
    made = [reviewed(house, project_id)]
    for life in each_moment(house, lambda: forgetting.upload(house, imports.get(house, made[-1].id))):
        now = imports.get(house, made[-1].id)
        assert standing(house, now) == (set() if now.stage == "terminated" else {"zora@x", "bob@x", "carl@x", "ZORA@x"})
        forgetting.upload(house, now)
        assert list(house.objects.list(f"{now.id}/")) == []
        assert "carl@x" not in kept(house)
        if life.died:
            made.append(reviewed(house, project_id))


def test_a_mended_workbook(house: House, project_id: str, tmp_path: Path) -> None:
    operation = reviewed(house, project_id)
    sent = mended(house, operation, tmp_path / "mended", "better")
    for _ in each_moment(house, lambda: workbooks.compared(house, operation, sent)):
        assert cells(house, operation)[0] == ("zora@x", "zora-one")
        for name in house.objects.list(f"{operation.id}/workbooks/"):
            assert pl.read_ipc(io.BytesIO(house.objects.read_all(name)))["text"].to_list() == ["better"]

    found: list[str] = []

    def put() -> None:
        workbooks.apply(house, operation, found[-1], missing=None, overtaken="refuse")

    for number in itertools.count(step=STEP):
        text = f"better {number}"
        again = mended(house, operation, tmp_path / "again", text)
        found.append(workbooks.compared(house, operation, again).id)
        was = cells(house, operation)[0][1]
        with dying(house, number + 1) as life:
            put()
        last = imports.get(house, operation.id).revision_last
        assert cells(house, operation)[0][1] in (was, text)
        put()
        assert cells(house, operation) == [("zora@x", text), *map(tuple, ROWS[1:])]
        # What stood already is no change of its own.
        assert imports.get(house, operation.id).revision_last == max(last, number // STEP + 1)
        if not life.died:
            break


def test_images(house: House, project_id: str, tmp_path: Path) -> None:
    archive = tmp_path / "images.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for name in ("a.png", "b.png", "c.png"):
            file.writestr(name, PNG + name.encode())
    made = [new_id()]

    def held() -> list[str]:
        found = []
        for name in ("a.png", "b.png", "c.png"):
            try:
                _, _, data = images.stream(house, made[-1], project_id, name)
                assert b"".join(data) == PNG + name.encode()
                found.append(name)
            except NotFound:
                pass
        return found

    for _ in each_moment(house, lambda: images.store(house, made[-1], project_id, archive)):
        assert held() in ([], ["a.png", "b.png", "c.png"])
        images.store(house, made[-1], project_id, archive)
        assert held() == ["a.png", "b.png", "c.png"]
        made.append(new_id())


def test_an_acknowledgement(house: House, project_id: str) -> None:
    template = templates.add(house, project_id, "People", {}, COLUMNS)
    operation = reviewed(house, project_id, template.id)
    imports.confirm(house, operation)
    first = feeds.fetch(house, project_id, template.id, None, None, 1, "ndjson").cursor
    second = feeds.fetch(house, project_id, template.id, first, None, 2, "ndjson").cursor
    for number, cursor in enumerate((first, second)):
        for _ in each_moment(house, lambda: feeds.acknowledge(house, project_id, template.id, "crm", cursor)):  # noqa: B023
            held = [one.rows for one in feeds.consumers(house, project_id, template.id)]
            assert held in ([], [3], [1])
        assert feeds.acknowledge(house, project_id, template.id, "crm", cursor).rows == 3 - 2 * number


def test_a_consumer_that_is_removed_right_after_its_acknowledgement(
    house: House, project_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = templates.add(house, project_id, "People", {}, COLUMNS)
    imports.confirm(house, reviewed(house, project_id, template.id))
    cursor = feeds.fetch(house, project_id, template.id, None, None, 1, "ndjson").cursor

    @contextmanager
    def and_removed(engine: sa.Engine) -> Iterator[sa.Connection]:
        with write(engine) as connection:
            yield connection
        with write(engine) as connection:
            assert stored_feeds.remove_consumer(connection, template.id, "crm")

    monkeypatch.setattr(feeds, "write", and_removed)
    found = feeds.acknowledge(house, project_id, template.id, "crm", cursor)
    assert (found.name, found.cursor, found.rows) == ("crm", cursor, 3)
    assert feeds.consumers(house, project_id, template.id) == []
