"""Batches of parts that are remembered: the same rows as read anew, and no more room than there is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from douane.staging import parts
from douane.staging.parts import BATCH_ROWS, Batches, read_rows, write_part

ROWS = 6 * BATCH_ROWS + 17


@pytest.fixture
def part(tmp_path: Path) -> Path:
    path = tmp_path / "part.arrow"
    write_part(pl.DataFrame({"c0": [f"text {row}" for row in range(ROWS)], "_line": range(ROWS)}), path)
    return path


@pytest.mark.parametrize(
    "offsets",
    [
        [],
        [0],
        [5, 6, 7],
        [5, 9, 4000],
        [BATCH_ROWS - 1, BATCH_ROWS],
        [7, BATCH_ROWS + 5, 4 * BATCH_ROWS - 1],
        [7, 4 * BATCH_ROWS],
        [1, ROWS - 1],
        [ROWS - 2, ROWS - 1],
    ],
    ids=["none", "one", "run", "gaps", "over an edge", "in four with gaps", "in five", "far", "last"],
)
def test_rows_are_those_of_the_part(part: Path, offsets: list[int]) -> None:
    batches, wanted = Batches(1 << 20), np.array(offsets, np.int64)
    for _ in range(2):
        assert batches.rows(part, wanted).equals(read_rows(part, wanted))


def test_what_is_remembered_is_not_read_again(part: Path) -> None:
    batches, wanted = Batches(1 << 20), np.arange(10, 20)
    before = batches.rows(part, wanted)
    part.unlink()
    assert batches.rows(part, wanted).equals(before)
    with pytest.raises(FileNotFoundError):
        batches.rows(part, wanted + BATCH_ROWS)


def test_both_batches_of_a_page_over_an_edge_are_remembered(part: Path) -> None:
    batches, wanted = Batches(1 << 20), np.array([BATCH_ROWS - 7, BATCH_ROWS - 1, BATCH_ROWS, BATCH_ROWS + 2])
    before = batches.rows(part, wanted)
    part.unlink()
    assert batches.rows(part, wanted).equals(before)
    assert before["_line"].to_list() == wanted.tolist()


def test_there_is_never_more_than_there_is_room_for(part: Path) -> None:
    one = int(read_rows(part, np.arange(BATCH_ROWS)).estimated_size())
    small, room = Batches(one), Batches(4 * one + one // 2)
    small.rows(part, np.arange(3))  # a quarter of the room is the most that one may take
    for _ in range(3):
        for path in (part.with_name(f"{name}.arrow") for name in "abcde"):
            if not path.exists():
                path.hardlink_to(part)
            room.rows(path, np.arange(3))
    for path in part.parent.iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError):
        small.rows(part, np.arange(3))
    with pytest.raises(FileNotFoundError):
        room.rows(part.with_name("a.arrow"), np.arange(3))
    for name in "bcde":
        assert len(room.rows(part.with_name(f"{name}.arrow"), np.arange(3))) == 3


def test_what_another_process_deleted_is_let_go_with_the_next_batch(
    part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches, other = Batches(1 << 20), part.with_name("other.arrow")
    other.hardlink_to(part)
    batches.rows(part, np.arange(3))
    part.unlink()
    batches.rows(other, np.arange(3))
    assert {path for path, _ in batches._kept} == {part, other}  # it was just looked
    monkeypatch.setattr(parts, "_LOOK_S", -1.0)
    batches.rows(other, np.arange(3) + BATCH_ROWS)
    assert {path for path, _ in batches._kept} == {other}
