"""What a child writes parts with, and what it says where it cannot."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from douane.child.parts import write_part, write_piece
from douane.staging.parts import read_part
from tests.sheet.kernel import built, reading_with

FRAME = pl.DataFrame({"row": [1, 2, 3], "=name": ["a", None, "c" * 20]})


def test_a_piece_is_the_same_with_the_kernel_and_without(tmp_path: Path) -> None:
    for kernel in (built(), None):
        with reading_with(kernel):
            write_piece(FRAME, tmp_path / "piece", 2)
            write_part(FRAME, tmp_path / "part", 2)
        assert read_part(tmp_path / "piece").equals(FRAME)
        assert read_part(tmp_path / "part").equals(FRAME)


def test_a_piece_that_the_kernel_cannot_write_is_not_written_by_others(tmp_path: Path) -> None:
    """Pieces become one file, and those of another writer have another head: a child without memory says so."""
    asked: list[Any] = []
    refusing: Any = SimpleNamespace(write_part=lambda *of: asked.append(of))
    with reading_with(refusing):
        with pytest.raises(MemoryError):
            write_piece(FRAME, tmp_path / "piece", 2)
        assert not (tmp_path / "piece").exists()
        write_part(FRAME, tmp_path / "part", 2)
    assert read_part(tmp_path / "part").equals(FRAME)
    assert len(asked) == 2
