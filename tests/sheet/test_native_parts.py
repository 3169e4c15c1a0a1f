"""Parts that the kernel writes are those that Polars writes, to all that read Arrow files."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from douane.child import parts
from douane.sheet import native
from douane.staging.parts import BATCH_ROWS, read_part, read_rows
from tests.sheet.kernel import built, reading_with

texts = st.none() | st.text(st.sampled_from('ab,"é日 \n\0'), max_size=40) | st.sampled_from(["", "a" * 300, "x" * 13])
KINDS = (pl.Int8, pl.UInt8, pl.Int16, pl.UInt16, pl.Int32, pl.UInt32, pl.Int64, pl.UInt64, pl.Float32, pl.Float64)


def written(frame: pl.DataFrame, path: Path, batch_rows: int = BATCH_ROWS) -> pl.DataFrame:
    """As Polars reads it, once Arrow's own library has read and judged it."""
    assert built().write_part(frame, path, batch_rows)
    with pa.ipc.open_file(path) as file:
        table = file.read_all()
        assert file.num_record_batches == -(-frame.height // batch_rows)
    table.validate(full=True)
    found = pl.from_arrow(table)
    assert isinstance(found, pl.DataFrame)
    assert found.equals(frame)
    return read_part(path)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("parts") / "part"


@settings(max_examples=60, deadline=None)
@given(
    cells=st.lists(texts, max_size=30),
    times=st.integers(1, 9),
    skipped=st.integers(0, 12),
    batch_rows=st.sampled_from([1, 7, 8, 64, BATCH_ROWS]),
)
def test_what_was_written_is_read(
    path: Path, cells: list[str | None], times: int, skipped: int, batch_rows: int
) -> None:
    raw = [None if cell is None else cell.encode() for cell in cells]
    frame = pl.DataFrame({"c0": pl.Series(cells, dtype=pl.String), "_raw": pl.Series(raw, dtype=pl.Binary)})
    frame = pl.concat([frame] * times).with_row_index("_line").with_columns(pl.lit("same").alias("c1"))
    frame = frame.slice(skipped)  # views and bits that begin somewhere
    found = written(frame, path, batch_rows)
    assert found.equals(frame)
    assert found.schema == frame.schema


def test_numbers_of_every_size_are_written(path: Path) -> None:
    columns = [pl.Series(str(kind), [0, None, 1, 100, *range(90)], dtype=kind) for kind in KINDS]
    frame = pl.DataFrame([*columns, pl.Series("text", ["longer than what stands in a view", "\ud7ff"] * 47)])
    found = written(frame, path, 10)
    assert found.equals(frame)
    assert found.schema == frame.schema


@settings(max_examples=60, deadline=None)
@given(
    truths=st.lists(st.sampled_from([True, False, None]) | st.booleans(), max_size=40),
    times=st.integers(1, 60),
    skipped=st.integers(0, 70),
    batch_rows=st.sampled_from([1, 7, 8, 64, BATCH_ROWS]),
)
def test_truths_are_written(path: Path, truths: list[bool | None], times: int, skipped: int, batch_rows: int) -> None:
    frame = pl.DataFrame({"yes": pl.Series(truths * times, dtype=pl.Boolean)}).with_row_index("_line")
    frame = frame.with_columns(pl.lit(value=True).alias("same"), pl.lit("a").alias("c0")).slice(skipped)
    found = written(frame, path, batch_rows)
    assert found.equals(frame)
    assert found.schema == frame.schema


@pytest.mark.parametrize("size", [(64 << 10) - 4, (64 << 10) - 3, 300_000, (4 << 20) + 1, 9_000_000])
@pytest.mark.parametrize("packs", [True, False])
def test_a_text_of_any_size_is_packed(path: Path, size: int, packs: bool) -> None:
    bits = np.random.default_rng(size).integers(32, 127, size, np.uint8)
    text = (b"over and over " * (size // 14 + 1))[:size] if packs else bits.tobytes()
    frame = pl.DataFrame({"c0": ["a", text.decode(), None, "b"]})
    assert written(frame, path).equals(frame)
    assert (path.stat().st_size < size / 10) is packs


def test_nothing_is_a_table_too(path: Path) -> None:
    for frame in (pl.DataFrame(), pl.DataFrame({"c0": ["a"]}).clear(), pl.DataFrame({"c0": ["", None]})):
        assert written(frame, path).equals(frame)


def test_rows_of_a_part_are_read_alone(path: Path) -> None:
    frame = pl.DataFrame({"c0": [f"cell {row}" for row in range(10_000)], "c1": [None, "x"] * 5_000})
    assert written(frame, path).equals(frame)
    assert read_part(path, ["c1"]).equals(frame.select("c1"))
    rows = np.array([0, 4095, 4096, 9_999])
    assert read_rows(path, rows).equals(frame[rows])


def test_other_kinds_of_columns_are_left_to_polars(path: Path) -> None:
    frame = pl.DataFrame({"c0": ["a"], "list": [[1, 2]]})
    assert not built().write_part(frame, path, BATCH_ROWS)
    kernels: list[native.Kernel | None] = [built(), None]
    for kernel in kernels:
        with reading_with(kernel):
            parts.write_part(frame, path)
        assert read_part(path).equals(frame)


def test_a_frame_in_several_chunks_makes_whole_batches(path: Path) -> None:
    frame = pl.concat([pl.DataFrame({"c0": ["a", "b", "c"]})] * 5, rechunk=False)
    assert written(frame, path, 4).equals(frame)


def test_a_full_disk_is_said() -> None:
    frame = pl.DataFrame({"c0": ["a"] * 100})
    with pytest.raises(OSError, match="/dev/full") as failed:
        built().write_part(frame, Path("/dev/full"), BATCH_ROWS)
    assert failed.value.errno == errno.ENOSPC
