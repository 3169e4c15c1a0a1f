"""The workbooks of `writers/`, each by another program: the table they were given is the truth, whatever the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from douane.sheet.formats import open_file
from tests.sheet.formats.reading import MemorySource, batches
from tests.sheet.formats.writers.lost import hides_rows, merges, shown
from tests.sheet.formats.writers.table import TABLE
from tests.sheet.kernel import with_and_without  # noqa: F401

WRITERS = Path(__file__).parent / "writers"
MADE = json.loads((WRITERS / "made.json").read_text())
VALUES = {value.name: value for value in TABLE}


def read(data: bytes) -> list[tuple[str, tuple[str | None, int], str | None, int]]:
    """(name, the value with its kind, what stands behind it, how wide the sheet is) of every record."""
    reader = open_file(MemorySource(data))
    width = reader.detected.width
    return [
        (name, (text, kind), behind, width)
        for batch in batches(reader)
        for name, text, kind, behind in batch.frame.select("c0", "c1", "k1", "c2").rows()
    ]


@pytest.mark.parametrize("file", sorted(MADE))
def test_every_value_of_every_writer(file: str) -> None:
    made = MADE[file]
    found = read((WRITERS / "files" / file).read_bytes())
    names = [name for name in made["names"] if name != "hidden row" or not hides_rows(file)]
    assert [name for name, _, _, _ in found] == names
    wrong = []
    for name, cell, behind, _ in found:
        expected = shown(file, made["writer"], VALUES[name])
        if cell != expected:
            wrong.append((name, cell, expected))
        number = None if name == "merged" and merges(file) else str(1000 + made["names"].index(name))
        if behind != number:
            wrong.append((name, behind, number))
    assert not wrong


def test_every_writer_wrote_most_of_the_table() -> None:
    assert len({made["writer"].split()[0] for made in MADE.values()}) >= 12
    assert all(len(made["names"]) > len(TABLE) // 2 for made in MADE.values())
