"""Reading and checking a chat export."""

from __future__ import annotations

from collections.abc import Callable

from douane.flow.chat import imports, work
from douane.flow.house import House
from douane.model.operation import Operation


def test_the_whole_way(house: House, begin: Callable[..., Operation]) -> None:
    operation = begin()
    assert (operation.stage, operation.work) == ("uploaded", "")
    asked = imports.ask_read(house, operation)
    assert (asked.work, imports.ask_read(house, operation).work) == ("chat_read", "chat_read")
    assert not work.read(house, operation.id)
    operation = imports.get(house, operation.id, operation.project_id)
    assert operation.work_error is None
    assert (operation.stage, operation.version) == ("reviewing", 1)
    print(operation.detail)
