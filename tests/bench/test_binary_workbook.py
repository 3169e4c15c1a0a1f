"""The bench's old and binary workbooks hold the same people as its .xlsx."""

from __future__ import annotations

from pathlib import Path

from bench.binary_workbook import write_binary, write_old, write_wide
from bench.workbook import write_workbook
from tests.sheet.formats.reading import frame_of


def test_the_same_people_in_every_workbook(tmp_path: Path) -> None:
    made = {}
    for name, write in (("a.xlsx", write_workbook), ("a.xls", write_old), ("a.xlsb", write_binary)):
        truth = write(tmp_path / name, 300, 7)
        made[name] = frame_of((tmp_path / name).read_bytes()), truth.physical_lines
    assert made["a.xls"][0].equals(made["a.xlsx"][0])
    assert made["a.xlsb"][0].equals(made["a.xlsx"][0])
    assert {lines for _, lines in made.values()} == {301}


def test_a_wide_workbook(tmp_path: Path) -> None:
    write_wide(tmp_path / "wide.xls", 5, 40)
    frame = frame_of((tmp_path / "wide.xls").read_bytes())
    assert (frame.height, frame["_line"].to_list()) == (5, [1, 2, 3, 4, 5])
    assert all(float(cell) < 1000 for cell in frame.select(f"c{i}" for i in range(40)).row(3))
