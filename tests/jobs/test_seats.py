"""Seats: places where children work, each behind walls of its own."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from douane import errors
from douane.jobs import children
from douane.jobs.children import ChildLimits, Seats, run_child
from douane.line import Event
from douane.line.sheet import Explain, Explained
from douane.model.reading import Options


@pytest.fixture
def seats(tmp_path: Path) -> Seats:
    seats = Seats(tmp_path / "work", ChildLimits(), most=2)
    seats.prepare()
    return seats


def explained(seats: Seats, text: bytes = b"a,b\n1,2\n") -> list[Event]:
    """What a child says of a file."""
    seat = seats.take()
    try:
        (seat.inputs / "file").write_bytes(text)
        seen: list[Event] = []
        spec = Explain(options=Options(), source=seat.inputs / "file")
        run_child(spec, seat, on_event=seen.append)
        return seen
    finally:
        seat.clear()


def test_nothing_is_left_of_a_seat(seats: Seats, tmp_path: Path) -> None:
    for _ in range(2):
        assert [event.rows for event in explained(seats) if isinstance(event, Explained)] == [1]
    assert list((tmp_path / "work").iterdir()) == []


def test_a_child_reads_only_what_lies_in_its_own_seat(seats: Seats, tmp_path: Path) -> None:
    one, other = seats.take(), seats.take()
    try:
        (other.inputs / "file").write_bytes(b"a,b\n1,2\n")
        with pytest.raises(ValueError, match="folder"):
            run_child(Explain(options=Options(), source=other.inputs / "file"), one, on_event=lambda event: None)
        # Nor does a name of its own lead it out.
        (one.inputs / "file").symlink_to(other.inputs / "file")
        with pytest.raises(errors.DouaneError):
            run_child(Explain(options=Options(), source=one.inputs / "file"), one, on_event=lambda event: None)
    finally:
        one.clear()
        other.clear()


def test_more_than_there_are_places_for_are_told_to_come_again(seats: Seats) -> None:
    one, other = seats.take(), seats.take()
    with pytest.raises(errors.Unavailable):
        seats.take(wait_s=0.05)
    one.clear()
    one.clear()
    seats.take().clear()
    other.clear()


def test_abandoned_seats_are_cleared_and_those_in_use_are_not(seats: Seats, tmp_path: Path) -> None:
    work = tmp_path / "work"
    taken = seats.take()
    abandoned, young = work / "seat-1-abandoned", work / "seat-1-young"
    for root in (abandoned, young):
        (root / "in").mkdir(parents=True)
        (root / "in" / "part").write_bytes(b"linked")
    for root in work.iterdir():
        if root != young:
            os.utime(root, (0, 0))
    children.clear_abandoned(work)
    assert not abandoned.exists()
    assert young.exists()
    assert taken.inputs.exists()
    taken.clear()
    assert not taken.root.exists()


def test_a_full_disk_takes_no_place_for_good(seats: Seats, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "mkdir", no_room)
        for _ in range(3):
            with pytest.raises(errors.StorageFull):
                seats.take()
    seats.take().clear()
