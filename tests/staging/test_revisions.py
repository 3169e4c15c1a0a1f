"""Layers of changed cells against a plain dictionary: in memory and in files, whatever is asked of them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from douane.staging import revisions
from douane.staging.revisions import (
    ADDED,
    DELETED,
    RECORD,
    Cells,
    Held,
    Stored,
    added_frame,
    deleted_rows,
    frame_of,
    overlay,
    write_cells,
)

POSITIONS = {"a": 0, "b": 3}
ONE_CELL = st.one_of(
    st.tuples(st.integers(0, 30), st.sampled_from(["a", "b", "unknown"]), st.one_of(st.none(), st.text(max_size=3))),
    st.tuples(st.integers(0, 30), st.just(RECORD), st.sampled_from([ADDED, DELETED, None])),
)
LAYERS = st.lists(st.tuples(st.booleans(), st.lists(ONE_CELL, min_size=1, max_size=20)), max_size=5)


@settings(max_examples=60, deadline=None)
@given(layers=LAYERS, rows=st.lists(st.integers(0, 40), max_size=30))
def test_what_stands_is_what_was_said_last(
    tmp_path_factory: pytest.TempPathFactory,
    layers: list[tuple[bool, list[tuple[int, str, str | None]]]],
    rows: list[int],
) -> None:
    folder = tmp_path_factory.mktemp("layers")
    model: dict[int, dict[str, str | None]] = {}
    made: list[Held | Stored] = []
    for number, (in_a_file, cells) in enumerate(layers):
        for row, key, text in cells:
            model.setdefault(row, {})[key] = text
        frame = frame_of(cells)
        if in_a_file:
            write_cells(frame, folder / str(number))
            made.append(Stored(folder / str(number)))
        else:
            made.append(Held(frame))
    cells = Cells(made)
    assert bool(cells) == bool(model)
    assert cells.changes(rows) == {row: model[row] for row in set(rows) if row in model}
    assert cells.touched().tolist() == sorted(model)
    assert cells.added().tolist() == sorted(row for row, keys in model.items() if keys.get(RECORD) == ADDED)
    numbers = np.array(rows, np.int64)
    assert deleted_rows(numbers, cells).tolist() == [model.get(row, {}).get(RECORD) == DELETED for row in rows]
    before = pl.DataFrame(
        {"c0": [f"old{row}" for row in rows], "k0": pl.Series([7] * len(rows), dtype=pl.UInt8)},
        schema_overrides={"c0": pl.String},
    )
    after = overlay(before, numbers, cells, POSITIONS)
    assert after["c0"].to_list() == [model.get(row, {}).get("a", f"old{row}") for row in rows]
    assert after["k0"].to_list() == [0 if "a" in model.get(row, {}) else 7 for row in rows]
    if "c3" in after.columns:
        assert after["c3"].to_list() == [model.get(row, {}).get("b") for row in rows]
    else:
        assert not any("b" in model.get(row, {}) for row in rows)


@given(cells=st.lists(ONE_CELL, max_size=40))
@settings(deadline=None, max_examples=50)
def test_few_cells_are_put_in_order_as_many_are(cells: list[tuple[int, str, str | None]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(revisions, "_FEW", -1)
        many = frame_of(cells)
    assert frame_of(cells).equals(many)
    assert frame_of(cells).schema == many.schema


def test_rows_that_people_added_stand_in_order() -> None:
    cells = Cells.of({9: {RECORD: ADDED, "a": "x"}, 4: {RECORD: ADDED, "b": "y"}, 5: {RECORD: DELETED}})
    frame = added_frame(cells.added(), cells, POSITIONS)
    assert frame["_row"].to_list() == [4, 9]
    assert (frame["c0"].to_list(), frame["c3"].to_list()) == ([None, "x"], ["y", None])
    assert not Cells()
    assert Cells().changes([1]) == {}
