"""Every end of an import leaves one line in the outbox, in the transaction that ends it."""

from __future__ import annotations

import pytest

from douane.errors import WrongStage
from douane.flow import attempts, imports
from douane.flow.house import House
from douane.flow.imports import NewImport
from douane.jobs.queue import WorkItem
from douane.model.operation import ENDED, Operation
from douane.model.template import Column, Template
from douane.store import operations, outbox, people, projects
from douane.store.database import read, write
from douane.store.ids import new_id


def typed_in(house: House) -> Operation:
    with write(house.engine) as connection:
        person = people.add(
            connection, email=f"{new_id()}@b.co", username=new_id(), first_name="", last_name="", password_hash="x"
        )
        project_id = projects.add(connection, name="Project", owner_id=person.id).id
    template = Template("T", (Column(key="a", name="A"),))
    return imports.begin(house, NewImport(new_id(), project_id, new_id(), template, None))


def ends(house: House, operation: Operation) -> list[str]:
    with read(house.engine) as connection:
        return outbox.of_operation(connection, operation.id)


def test_each_way_to_end_leaves_one_line(house: House) -> None:
    confirmed, ended, broken = (typed_in(house) for _ in range(3))
    assert ends(house, confirmed) == []
    assert imports.confirm(house, confirmed).stage == "completed"
    imports.terminate(house, ended)
    imports.terminate(house, ended)  # what is ended does not end again
    with write(house.engine) as connection:
        operations.ask_work(connection, broken.id, "read")
    attempts.give_up(house, "read", WorkItem("operation", broken.id), ValueError("ours"))
    assert [ends(house, one) for one in (confirmed, ended, broken)] == [["completed"], ["terminated"], ["failed"]]


def test_an_end_that_is_rolled_back_is_not_told(house: House) -> None:
    operation = typed_in(house)

    def end_and_break() -> None:
        with write(house.engine) as connection:
            operations.finish(connection, operation.id, "completed")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        end_and_break()
    assert ends(house, operation) == []


def test_there_is_no_other_way_to_end(house: House) -> None:
    operation = typed_in(house)
    for stage in ENDED:
        with pytest.raises(ValueError, match="finish"), write(house.engine) as connection:
            operations.release(connection, operation.id, stage=stage)
    with pytest.raises(ValueError, match="no end"), write(house.engine) as connection:
        operations.finish(connection, operation.id, "processing")
    imports.terminate(house, operation)
    with pytest.raises(WrongStage), write(house.engine) as connection:
        operations.finish(connection, operation.id, "completed")
    assert ends(house, operation) == ["terminated"]


def test_a_line_is_taken_once(house: House) -> None:
    operation = typed_in(house)
    imports.terminate(house, operation)
    with write(house.engine) as connection:
        (line,) = [line for line in outbox.waiting(connection, 1000) if line.operation_id == operation.id]
        assert (line.project_id, line.stage, line.document["total"]) == (operation.project_id, "terminated", 0)
        outbox.take(connection, [line.id])
    with write(house.engine) as connection:
        assert line.id not in [other.id for other in outbox.waiting(connection, 1000)]
    assert ends(house, operation) == ["terminated"]
