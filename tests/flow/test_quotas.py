"""What a project may keep: at the limit, and one past it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from douane.errors import OverLimit
from douane.flow import imports
from douane.flow.house import House
from douane.flow.imports import NewImport, StoredSource
from douane.model.operation import Operation
from douane.model.template import Column, Template
from douane.store import operations, people, projects
from douane.store.database import write
from douane.store.ids import new_id

TEMPLATE = Template("T", (Column(key="a", name="A"),))


@pytest.fixture
def project_id(house: House) -> str:
    with write(house.engine) as connection:
        person = people.add(
            connection, email=f"{new_id()}@b.co", username=new_id(), first_name="", last_name="", password_hash="x"
        )
        return projects.add(connection, name="Project", owner_id=person.id).id


def limited(house: House, **settings: int) -> House:
    return replace(house, settings=house.settings.model_copy(update=settings))


def begin(house: House, project_id: str, size: int) -> Operation:
    operation_id = new_id()
    source = StoredSource(f"{operation_id}/source", size, "", "a.csv", "text/csv")
    return imports.begin(house, NewImport(operation_id, project_id, new_id(), TEMPLATE, source))


def test_bytes_are_counted_of_what_is_kept(house: House, project_id: str) -> None:
    house = limited(house, project_bytes_max=100)
    first = begin(house, project_id, 60)
    begin(house, project_id, 40)
    with pytest.raises(OverLimit, match="project_bytes_max") as refused:
        begin(house, project_id, 1)
    assert refused.value.setting == "project_bytes_max"
    imports.terminate(house, first)
    begin(house, project_id, 60)


def test_uploads_at_once_are_counted_one_after_the_other(house: House, project_id: str) -> None:
    house = limited(house, project_uploads_max=2)

    def try_one(_: int) -> bool:
        try:
            begin(house, project_id, 1)
        except OverLimit:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(try_one, range(4))) == [False, False, True, True]


def test_a_project_full_of_records_gets_no_more(house: House, project_id: str) -> None:
    house = limited(house, project_rows_max=10)
    held = begin(house, project_id, 1)
    with write(house.engine) as connection:
        operations.change(connection, held.id, total=9)
    begin(house, project_id, 1)
    with write(house.engine) as connection:
        operations.change(connection, held.id, total=10)
    with pytest.raises(OverLimit, match="may keep 10"):
        begin(house, project_id, 1)
    imports.begin(limited(house, project_rows_max=0), NewImport(new_id(), project_id, new_id(), TEMPLATE, None))
