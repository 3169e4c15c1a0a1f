"""A layer with a line a record says what one with a line a cell says."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from douane.errors import BadRequest
from douane.staging import spread as spreading
from douane.staging.blocks import Joined
from douane.staging.parts import write_part
from douane.staging.revisions import Cells, Stored, read_cells, write_cells
from douane.staging.spread import Spread, batch_rows, lines_of, piece_of

KEYS = ("name", "=", "n", "key")


def piece(chance: random.Random, numbers: list[int], share: float) -> pl.DataFrame:
    rows = np.array(numbers, np.int64)
    hits = np.zeros(len(rows), np.uint64)
    texts: dict[str, pl.Series | None] = {}
    for bit, key in enumerate(KEYS):
        held = [chance.random() < share for _ in rows]
        hits |= np.array(held, np.uint64) << np.uint64(bit)
        texts[key] = pl.Series([f"{key} {row}" if there else None for row, there in zip(numbers, held, strict=True)])
        if not any(held):
            texts[key] = None
    return piece_of(rows, hits, texts).filter(pl.Series(hits != 0))


@pytest.mark.parametrize("share", [1.0, 0.6, 0.1])
def test_both_forms_of_a_layer_say_the_same(tmp_path: Path, share: float) -> None:
    chance = random.Random(int(share * 10))
    numbers = sorted(chance.sample(range(3000), 900))
    pieces = [piece(chance, numbers[:500], share), piece(chance, numbers[500:], share)]
    with Spread(tmp_path, KEYS) as spread:
        for at, one in enumerate(pieces):
            write_part(one, tmp_path / f"{at}")
            spread.add(tmp_path / f"{at}", one["row"].to_numpy(), one["hits"].to_numpy())
        lines = pl.concat([lines_of(one) for one in pieces])
        write_cells(lines, tmp_path / "lines")
        assert len(spread) == len(lines)
        assert spread.keys == set(lines["key"])
        assert spread.rows.tolist() == sorted(set(lines["row"]))
        whole = spread.frame()
        assert whole.sort("row", "key").equals(lines.sort("row", "key"))
        assert spread.frame(("row", "key")).columns == ["row", "key"]
        other, one = Cells.open([tmp_path / "lines"]), Cells.open([spread.file()])
        assert read_cells(spread.file()).equals(whole)
        assert read_cells(tmp_path / "lines").equals(lines)
        for _ in range(40):
            rows = np.array(sorted(chance.sample(range(3100), chance.choice([1, 7, 100, 3000]))))
            keys = chance.choice([None, ["n"], ["key", "name", "none"]])
            assert said(one, rows, keys) == said(other, rows, keys)
            assert one.edited(rows).tolist() == other.edited(rows).tolist()
            some = chance.choices(rows.tolist(), k=5)
            assert one.changes(some) == other.changes(some)
            laid = Cells([Stored(tmp_path / "lines"), Stored(spread.file())])
            assert said(laid, rows, keys) == said(other, rows, keys)
        assert one.touched().tolist() == other.touched().tolist()
        assert one.added().tolist() == []
    assert not spread.file().exists()


def said(cells: Cells, rows: np.ndarray[tuple[int], np.dtype[np.int64]], keys: list[str] | None) -> object:
    found: dict[tuple[str, int], str | None] = {}
    for key, at, texts in cells.pieces(rows, keys):
        assert np.all(at[1:] > at[:-1])
        found.update({(key, place): text for place, text in zip(at.tolist(), texts, strict=True)})
    held = cells.of_rows(rows, keys)
    again = {(key, int(np.searchsorted(rows, row))): text for row, key, text in held.iter_rows()}
    assert again == found
    return found


def test_nothing_collected_is_no_file(tmp_path: Path) -> None:
    with Spread(tmp_path, KEYS) as spread:
        assert (len(spread), len(spread.rows), spread.keys, len(spread.frame())) == (0, 0, set(), 0)
    assert list(tmp_path.iterdir()) == []


def test_parts_of_other_columns_are_not_joined(tmp_path: Path) -> None:
    write_part(pl.DataFrame({"a": ["x"]}), tmp_path / "a")
    write_part(pl.DataFrame({"b": ["x"]}), tmp_path / "b")
    joined = Joined(tmp_path / "joined")
    joined.add_file(tmp_path / "a")
    with pytest.raises(ValueError, match="other columns"):
        joined.add_file(tmp_path / "b")
    joined.add_file(tmp_path / "a")
    joined.close()
    assert pl.read_ipc(tmp_path / "joined")["a"].to_list() == ["x", "x"]


def test_batches_of_long_cells_have_fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    def rows_of(texts: list[str | None], bytes_max: int) -> int:
        count = len(texts)
        made = {"a": pl.Series(texts, dtype=pl.String), "b": pl.Series(["y"] * count), "c": None}
        return batch_rows(piece_of(np.arange(count), np.ones(count, np.uint64), made), 64, bytes_max)

    assert rows_of(["é" * 4] * 200, 1000) == 64
    assert rows_of(["é" * 4] * 200, 64 * 9) == 64
    assert rows_of(["é" * 4] * 200, 64 * 9 - 1) == 32
    assert rows_of([None] * 130 + ["x" * 99] * 10, 400) == 4  # where they stand, and not on average
    assert rows_of(["x" * 99], 10) == 1
    monkeypatch.setattr(spreading, "CELL_MAX", 98)
    with pytest.raises(BadRequest, match="A cell would hold more than the 98 bytes"):
        rows_of([None, "x" * 99], 1000)
