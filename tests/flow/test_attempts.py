"""Attempts take of a worker's places what they need, and leave nothing behind."""

from __future__ import annotations

from douane.flow.attempts import attempting
from douane.flow.house import House
from douane.store import operations
from douane.store.database import write
from tests.store.test_outbox import typed_in


def test_work_that_opens_no_file_takes_no_seat(house: House) -> None:
    operation = typed_in(house)
    with write(house.engine) as connection:
        operations.ask_work(connection, operation.id, "check")
    root = house.settings.work_folder
    with attempting(house, operation.id, "check") as attempt:
        assert attempt is not None
        (attempt.scratch / "fetched").write_bytes(b"x")
        assert attempt.scratch.is_dir()
        assert [path.name for path in root.iterdir() if path.name.startswith("seat-")] == []
        first = attempt.seat
        assert attempt.seat is first
        attempt.leave_seat()
        assert attempt.folder != first.folder
    assert list(root.iterdir()) == []
