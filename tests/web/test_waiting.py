"""Whoever waits for the worker looks at the whole of an import where it changed, and hears of every change."""

from __future__ import annotations

import asyncio

import pytest

from douane.flow import imports
from douane.flow.house import House
from douane.model.operation import Operation, Progress
from douane.model.sheet_import import SheetDetail
from douane.store import operations, people, projects
from douane.store.database import write
from douane.web import waiting
from douane.web.waiting import _WHOLE_EVERY, _Looks

ID = "b" * 24


@pytest.fixture
def held(house: House) -> Operation:
    with write(house.engine) as connection:
        owner = people.add(
            connection, email="a@example.com", username="a", first_name="A", last_name="B", password_hash="-"
        )
        project = projects.add(connection, name="one", owner_id=owner.id)
        return operations.create(connection, Operation(ID, project.id, "sheet", "uploaded", work="read"))


def test_what_stands_as_before_is_not_looked_at_whole(house: House, held: Operation) -> None:
    looks = _Looks(house, ID)
    assert looks.next() == held
    with write(house.engine) as connection:
        operations.set_progress(connection, held, Progress("read", 5, 10))
    assert looks.next() is None
    with write(house.engine) as connection, operations.changing(connection, ID, SheetDetail) as detail:
        detail.headings = ["a"]
    changed = looks.next()
    assert changed is not None
    assert changed.detail["headings"] == ["a"]
    with write(house.engine) as connection:
        operations.release(connection, ID, work_error={"code": "bad_file", "message": "It cannot be read."})
    failed = looks.next()
    assert failed is not None
    assert failed.work_error == ("bad_file", "It cannot be read.")


def test_what_changed_without_a_trace_is_seen_a_little_later(house: House, held: Operation) -> None:
    looks = _Looks(house, ID)
    found = [looks.next() is not None for _ in range(2 * _WHOLE_EVERY + 1)]
    assert [at for at, whole in enumerate(found) if whole] == [0, _WHOLE_EVERY, 2 * _WHOLE_EVERY]


def test_a_rest_ends_when_something_was_changed(house: House, held: Operation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_TICKS", 1_000_000)

    async def rest(mark: int | None, pause_s: float) -> None:
        await asyncio.wait_for(waiting._rest(house, mark, pause_s), 60)

    mark = imports.mark(house)
    asyncio.run(rest(mark, 0.02))  # nothing changes: to its end
    with write(house.engine) as connection:
        operations.set_progress(connection, held, Progress("read", 5, 10))
    if mark is None:  # PostgreSQL does not tell
        asyncio.run(rest(mark, 0.02))
        return
    asyncio.run(rest(mark, 3600))
    assert imports.mark(house) != mark
