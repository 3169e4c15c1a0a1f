"""The order of a feed: numbers become visible one after the other, whoever commits first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from douane.flow import imports
from douane.flow.house import House, house_of
from douane.flow.imports import NewImport
from douane.model.operation import Operation
from douane.model.template import Column, Template
from douane.settings import Settings
from douane.store import feeds, operations, people, projects, templates
from douane.store.database import open_database, read, write
from douane.store.ids import new_id
from douane.store.objects import Objects


@contextmanager
def opened(settings: Settings) -> Iterator[House]:
    engine = open_database(settings)
    yield house_of(settings, engine, Objects(settings))
    engine.dispose()


def template_of(house: House) -> tuple[str, str]:
    """(project, template)."""
    with write(house.engine) as connection:
        name = new_id()
        person = people.add(
            connection, email=f"{name}@b.co", username=name, first_name="", last_name="", password_hash="x"
        )
        project_id = projects.add(connection, name="Project", owner_id=person.id).id
        return project_id, templates.add(connection, project_id=project_id, name="T", document={}).id


def typed_in(house: House, project_id: str, template_id: str, valid: int = 0) -> Operation:
    made = imports.begin(
        house, NewImport(new_id(), project_id, template_id, Template("T", (Column(key="a", name="A"),)), None)
    )
    with write(house.engine) as connection:
        operations.change(connection, made.id, valid=valid)
        return operations.get(connection, made.id)


def test_imports_are_numbered_in_the_order_they_are_accepted(house: House) -> None:
    project_id, template_id = template_of(house)
    first, second, third = (typed_in(house, project_id, template_id, valid) for valid in (3, 0, 4))
    for one in (second, first, third, first):
        with write(house.engine) as connection:
            feeds.accept(connection, one)
    with read(house.engine) as connection:
        found = [feeds.entry(connection, template_id, number) for number in (1, 2, 3)]
        assert [(e.operation_id, e.rows, e.rows_before) for e in found if e] == [
            (second.id, 0, 0),
            (first.id, 3, 0),
            (third.id, 4, 3),
        ]
        following = feeds.following(connection, template_id, 0)
        assert following is not None
        assert following.number == 2
        assert feeds.last_numbers(connection, [template_id, new_id()]) == {template_id: 3}


def test_confirming_is_what_accepts(house: House) -> None:
    project_id, template_id = template_of(house)
    confirmed, ended = (typed_in(house, project_id, template_id) for _ in range(2))
    imports.terminate(house, ended)
    imports.confirm(house, confirmed)
    orphan = typed_in(house, project_id, new_id())
    assert imports.confirm(house, orphan).stage == "completed"
    with read(house.engine) as connection:
        assert feeds.of_operation(connection, confirmed.id) is not None
        assert feeds.of_operation(connection, ended.id) is None
        assert feeds.of_operation(connection, orphan.id) is None


def test_a_number_is_never_seen_before_a_lower_one(new_storage: Callable[[str], Settings]) -> None:
    """On PostgreSQL, where several write at once: the later one waits for the one that has taken a number, and takes
    the same one where that is rolled back."""
    with opened(new_storage("postgres")) as house:
        project_id, template_id = template_of(house)
        slow, quick = (typed_in(house, project_id, template_id, 1) for _ in range(2))
        taken: list[int | None] = []

        def accept_quickly() -> None:
            with write(house.engine) as connection:
                taken.append(feeds.accept(connection, quick))

        other = threading.Thread(target=accept_quickly)

        def accept_and_break() -> None:
            with write(house.engine) as connection:
                assert feeds.accept(connection, slow) == 1
                other.start()
                other.join(0.5)
                assert other.is_alive()  # it waits
                with read(house.engine) as reading:
                    assert feeds.newest(reading, template_id) is None
                raise RuntimeError

        with pytest.raises(RuntimeError):
            accept_and_break()
        other.join(20)
        assert taken == [1]
        with write(house.engine) as connection:
            assert feeds.accept(connection, slow) == 2


def test_how_far_behind_a_consumer_is(house: House) -> None:
    project_id, template_id = template_of(house)
    with write(house.engine) as connection:
        feeds.add_consumer(connection, template_id, "early", 0, 0)
        assert [(lag.name, lag.rows, lag.seconds) for lag in feeds.lags(connection, template_id)] == [("early", 0, 0.0)]
    for valid in (3, 0, 4):
        one = typed_in(house, project_id, template_id, valid)
        with write(house.engine) as connection:
            feeds.accept(connection, one)
    with write(house.engine) as connection:
        for name, number, position in (("within", 1, 2), ("between", 1, 3), ("through", 3, 4)):
            feeds.add_consumer(connection, template_id, name, number, position)
        lags = {lag.name: lag for lag in feeds.lags(connection, template_id)}
        assert {name: lag.rows for name, lag in lags.items()} == {"early": 7, "within": 5, "between": 4, "through": 0}
        assert [name for name, lag in lags.items() if lag.seconds > 0] == ["between", "early", "within"]
        assert [(lag.name, lag.rows) for lag in feeds.lags(connection, template_id, "within")] == [("within", 5)]
        assert {lag.template_id for lag in feeds.lags(connection)} >= {template_id}
