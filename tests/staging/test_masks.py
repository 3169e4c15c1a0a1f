"""Masks that are remembered: those of the files, few of them, and none of a file that is no more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from douane.staging import masks
from douane.staging.masks import GONE, INVALID, VALID, Mask, Masks, read_mask, write_mask


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    found = [tmp_path / f"mask-{at}" for at in range(4)]
    for at, path in enumerate(found):
        state = np.array([VALID, INVALID, GONE, VALID, INVALID][: at + 1], np.uint8)
        write_mask(Mask(state, np.arange(2 * len(state), dtype=np.uint64).reshape(-1, 2)), path)
    return found


def test_a_remembered_mask_is_that_of_the_file_and_is_not_opened_again(
    paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    held, whole = Masks(4), [read_mask(path) for path in paths]
    first = [held.read(path) for path in paths]
    monkeypatch.delattr(masks, "read_mask")
    for path, mask, again in zip(paths, whole, first, strict=True):
        assert held.read(path) is again
        assert np.array_equal(again.state, mask.state)
        assert np.array_equal(again.words, mask.words)


def test_those_used_last_are_kept(paths: list[Path]) -> None:
    held = Masks(2)
    first, second = held.read(paths[0]), held.read(paths[1])
    assert held.read(paths[0]) is first
    held.read(paths[2])  # takes the place of the second
    assert held.read(paths[0]) is first
    assert held.read(paths[1]) is not second


def test_nothing_is_kept_of_a_file_that_is_no_more(paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    held = Masks(4)
    held.read(paths[0])
    paths[0].unlink()
    held.drop_deleted()
    with pytest.raises(FileNotFoundError):
        held.read(paths[0])
    # One that another process deleted goes with the next that is opened, some moment later.
    held.read(paths[1])
    paths[1].unlink()
    monkeypatch.setattr(masks, "_LOOK_S", -1.0)
    held.read(paths[2])
    with pytest.raises(FileNotFoundError):
        held.read(paths[1])
