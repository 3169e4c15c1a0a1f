"""Parts that are joined and read by their record batches, against Polars and another reader of the same format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.ipc
import pytest

from douane.staging import blocks, parts
from douane.staging.blocks import Joined, read_run, read_scattered
from douane.staging.parts import BATCH_ROWS, read_rows, write_part


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> tuple[pl.DataFrame, Path]:
    """One part of five, some of several batches, the last of each short."""
    folder = tmp_path_factory.mktemp("blocks")
    joined, frames = Joined(folder / "joined"), []
    for number, rows in enumerate((BATCH_ROWS, 3 * BATCH_ROWS + 5, 1, BATCH_ROWS - 1, 7)):
        at = np.arange(rows) + number * 100_000
        texts = pl.Series(at, dtype=pl.Int64).cast(pl.String)
        texts = texts.set(pl.Series(at % 7 == 3), None).set(pl.Series(at % 11 == 5), "Zoë " * 40)
        frames.append(pl.DataFrame({"row": at, "text": texts, "kind": (at % 5).astype(np.uint8)}))
        write_part(frames[-1], folder / str(number))
        joined.add((folder / str(number)).read_bytes())
    joined.close()
    return pl.concat(frames), folder / "joined"


def test_what_was_joined_is_read_by_every_reader(table: tuple[pl.DataFrame, Path]) -> None:
    whole, path = table
    assert pl.scan_ipc(path).collect().equals(whole)
    assert pl.scan_ipc(path).slice(BATCH_ROWS - 3, 9000).collect().equals(whole.slice(BATCH_ROWS - 3, 9000))
    with pyarrow.memory_map(str(path)) as mapped:
        read = pyarrow.ipc.open_file(mapped).read_all()
        read.validate(full=True)
        assert pl.DataFrame(read).equals(whole)


def test_scattered_rows_are_those_that_stand_there(table: tuple[pl.DataFrame, Path]) -> None:
    whole, path = table
    chance = np.random.default_rng(20261130)
    for count in (1, 2, 5, 40):
        offsets = np.unique(chance.integers(0, len(whole), count))
        assert read_scattered(path, offsets).equals(whole[offsets])
        assert read_rows(path, offsets).equals(whole[offsets])
        assert read_rows(path, offsets, ["kind", "text", "none"]).equals(whole[offsets].select("kind", "text"))
    edges = np.array([0, BATCH_ROWS - 1, BATCH_ROWS, 4 * BATCH_ROWS + 5, 4 * BATCH_ROWS + 6, len(whole) - 1])
    assert read_scattered(path, edges).equals(whole[edges])
    assert read_rows(path, edges[:0], ["text"]).equals(whole.head(0).select("text"))


def test_far_rows_are_read_at_once_and_not_one_by_one(
    table: tuple[pl.DataFrame, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, path = table
    asked: list[int] = []
    monkeypatch.setattr(parts, "read_scattered", lambda *given: asked.append(1) or blocks.read_scattered(*given))
    far = np.array([0, 2 * BATCH_ROWS, 4 * BATCH_ROWS])
    assert read_rows(path, far).equals(whole[far])
    assert asked == [1]


def test_a_file_that_is_cut_is_no_part(table: tuple[pl.DataFrame, Path], tmp_path: Path) -> None:
    _, path = table
    cut = tmp_path / "cut"
    cut.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(ValueError, match="no part"):
        read_scattered(cut, np.array([0]))


def test_a_run_of_rows_is_what_stands_there(table: tuple[pl.DataFrame, Path]) -> None:
    whole, path = table
    edges = (0, 1, BATCH_ROWS - 1, BATCH_ROWS, 4 * BATCH_ROWS + 5, 4 * BATCH_ROWS + 6, len(whole) - 1, len(whole))
    for first in edges:
        for count in (0, 1, 2, BATCH_ROWS, 9000):
            assert read_run(path, first, count).equals(whole.slice(first, count)), (first, count)
    assert read_run(path, 5, 3, ["kind", "text"]).equals(whole.slice(5, 3).select("kind", "text"))
