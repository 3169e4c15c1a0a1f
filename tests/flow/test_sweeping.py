"""The sweeper deletes what nothing names any more, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from douane.flow import imports, revisions, sweeping
from douane.flow.house import House
from douane.flow.imports import NewImport, StoredSource
from douane.model.operation import Operation
from douane.model.template import Column, Template
from douane.staging.revisions import frame_of
from douane.store import manifest, operations, people, projects
from douane.store import revisions as stored_revisions
from douane.store.database import write
from douane.store.ids import new_id
from douane.store.manifest import PartRow
from douane.store.revisions import Deed
from douane.store.schema import operation as operation_table


def begun(house: House) -> Operation:
    """An import with a source, one part that is named and one object that is not."""
    with write(house.engine) as connection:
        person = people.add(
            connection, email=f"{new_id()}@b.co", username=new_id(), first_name="", last_name="", password_hash="x"
        )
        project_id = projects.add(connection, name="Project", owner_id=person.id).id
    operation_id = new_id()
    for name in ("source", "parts/part-0", "parts/part-0-of-a-lost-attempt"):
        house.objects.put_bytes(f"{operation_id}/{name}", b"bytes")
    source = StoredSource(f"{operation_id}/source", 5, "", "a.csv", "text/csv")
    template = Template("T", (Column(key="a", name="A"),))
    operation = imports.begin(house, NewImport(operation_id, project_id, new_id(), template, source))
    with write(house.engine) as connection:
        row = PartRow(0, 0, 1, 0, f"{operation_id}/parts/part-0", 5, {}, 1)
        manifest.add_part(connection, operation_id, "rows", row)
    return operation


def stands(house: House, operation: Operation) -> set[str]:
    return {name.split("/", 1)[1] for name in house.objects.list(f"{operation.id}/")}


def set_to(house: House, operation: Operation, **values: object) -> None:
    with write(house.engine) as connection:
        connection.execute(sa.update(operation_table).where(operation_table.c.id == operation.id).values(**values))


def at_once(house: House) -> House:
    settings = house.settings.model_copy(update={"sweep_grace_s": 0})
    return replace(house, settings=settings)


def test_an_ended_import_loses_everything_after_the_grace_period(house: House) -> None:
    ended, going = begun(house), begun(house)
    imports.terminate(house, ended)
    assert sweeping.sweep(house) == 0
    assert len(stands(house, ended)) == 3
    assert sweeping.sweep(at_once(house)) == 1
    assert stands(house, ended) == set()
    assert len(stands(house, going)) == 3
    assert imports.get(house, ended.id).source_object is None
    assert sweeping.sweep(at_once(house)) == 0


def test_a_completed_import_keeps_what_a_version_names(house: House) -> None:
    done = begun(house)
    set_to(house, done, stage="completed", work="")
    assert sweeping.sweep(at_once(house)) == 1
    assert stands(house, done) == {"source", "parts/part-0"}
    assert sweeping.sweep(at_once(house)) == 0


def test_an_import_that_somebody_goes_on_with_meanwhile_loses_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = begun(house)
    set_to(house, done, stage="completed", work="")
    listing = house.objects.list

    def list_and_go_on(prefix: str = "") -> list[str]:
        found = list(listing(prefix))
        house.objects.put_bytes(f"{done.id}/masks/of-the-next-run", b"bytes")
        set_to(house, done, stage="processing", work="chat_run")
        return found

    monkeypatch.setattr(house.objects, "list", list_and_go_on)
    sweeping.sweep(at_once(house))
    monkeypatch.undo()
    assert len(stands(house, done)) == 4
    # What it leaves behind in the end is swept then.
    set_to(house, done, stage="completed", work="")
    assert sweeping.sweep(at_once(house)) == 1
    assert stands(house, done) == {"source", "parts/part-0"}


def test_after_the_retention_time_the_document_stays_alone(house: House) -> None:
    old = begun(house)
    set_to(house, old, stage="completed", work="", swept=True)
    set_to(house, old, updated_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert sweeping.sweep(house) == 1
    assert stands(house, old) == set()
    assert imports.get(house, old.id).stage == "completed"


def test_objects_of_no_import_go_once_they_are_old(house: House) -> None:
    kept = begun(house)
    fresh, old = new_id(), f"{1_500_000_000_000:012x}{'0' * 12}"
    for prefix in (fresh, old):
        house.objects.put_bytes(f"{prefix}/source", b"bytes")
    assert sweeping.drop_orphans(house) == 1
    assert list(house.objects.list(f"{old}/")) == []
    assert list(house.objects.list(f"{fresh}/"))
    assert len(stands(house, kept)) == 3


def test_what_is_known_can_be_asked_for_none(house: House) -> None:
    with write(house.engine) as connection:
        assert operations.known(connection, []) == set()


def test_columnar_revisions_stay_as_long_as_their_import(house: House) -> None:
    operation = begun(house)
    frame = frame_of((row, "a", "x") for row in range(5))
    named = revisions.store(house, operation.id, frame, "named")
    revisions.store(house, operation.id, frame, "of-one-who-was-killed")
    with write(house.engine) as connection:
        assert stored_revisions.add(connection, operation.id, Deed("replace"), None, named) == 1
    set_to(house, operation, stage="completed", work="")
    sweeping.sweep(at_once(house))
    assert stands(house, operation) == {"source", "parts/part-0", "revisions/named"}
    set_to(house, operation, stage="terminated", swept=False)
    sweeping.sweep(at_once(house))
    assert stands(house, operation) == set()
    with write(house.engine) as connection:
        (entry,) = stored_revisions.listed(connection, operation.id, 0, 10)
        assert (entry.object, entry.cells, entry.rows) == (None, 5, 5), "who changed how much is still known"
