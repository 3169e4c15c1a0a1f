"""Cells of binary workbooks become the same batch with the kernel, which writes texts where they go, and without."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from douane.model.reading import Limits, Position
from douane.sheet import native
from douane.sheet.formats import Batch, binary_cells
from douane.sheet.formats.binary_cells import BOOLEAN, ERROR, NUMBER, SHARED, TEXT, UNRESOLVED, Book, Cells, SheetFacts
from douane.sheet.formats.number_formats import BUILT_IN, NumberFormat, number_format
from douane.sheet.formats.shared_texts import SharedTexts
from tests.sheet.kernel import built, reading_with

CODES = ("0.00", "yyyy-mm-dd", "yyyy-mm-dd hh:mm", "hh:mm", "[h]:mm", "00000", '"SKU-"000', "[<1]hh:mm;0", "@")
FORMATS = (NumberFormat(), BUILT_IN[14], *map(number_format, CODES))
NUMBERS = [0.0, -0.0, 1.0, -7.0, 0.1, 0.30000000000000004, 1e15, 1e21, 1e-7, 44986.0, 44986.25, 60.0, 1.5, 0.75, 3e6]
NUMBERS += [float("nan"), float("inf"), -0.001, 123456789012345.0, 99.99]
SHARES = ("", "a", "Ünïcödé, and longer than a view", "日本", "x" * 13, " ", "y" * 40)


def cells_of(chance: random.Random, rows: int, width: int) -> Cells:
    kinds = chance.choice([(NUMBER, SHARED), (NUMBER, SHARED, TEXT, BOOLEAN, ERROR, UNRESOLVED), (NUMBER,), (SHARED,)])
    found: list[tuple[int, int, int, int, float]] = []
    texts: list[str] = []
    for row in range(rows):
        for column in sorted(chance.sample(range(width), chance.randint(1, width))):
            kind = chance.choice(kinds)
            value: float = chance.choice(NUMBERS)
            if kind == SHARED:
                value = chance.randrange(len(SHARES) + (chance.random() < 0.05))
            elif kind == TEXT:
                value = len(texts)
                texts.append(chance.choice(SHARES))
            elif kind != NUMBER:
                value = chance.randrange(3)
            found.append((row, column, kind, chance.randrange(-1, len(FORMATS) + 1), value))
    at_row, at_column, types, style, values = zip(*found, strict=True)
    lines = np.cumsum([chance.choice((1, 1, 1, 3)) for _ in range(rows)]).astype(np.uint32)
    hidden = np.array([chance.random() < 0.01 for _ in range(rows)], np.bool_)
    return Cells(
        lines, hidden, np.array(at_row, np.uint32), np.array(at_column, np.uint32), np.array(types, np.uint8),
        np.array(style, np.int32), np.array(values), texts,
    )  # fmt: skip


def parsed(cells: Cells, width: int, facts: SheetFacts, limits: Limits, *, from_1904: bool) -> Batch:
    shared = SharedTexts([pl.Series(SHARES, dtype=pl.String)], 1 << 20)
    reader: Any = SimpleNamespace(
        book=Book(FORMATS, shared, from_1904), facts=facts, limits=limits, detected=SimpleNamespace(width=width)
    )
    return binary_cells._SheetPiece(0, [cells], 0, reader, Position(), 0).parse()


def compare(kernel: native.Kernel, chance: random.Random, rows: int, width: int) -> None:
    cells, wide = cells_of(chance, rows, width), max(1, width - (chance.random() < 0.1))
    facts = SheetFacts()
    if chance.random() < 0.2:
        facts = SheetFacts(((0, 1),), np.array([[1, 2, 0, 1]], np.int64))
    limits = Limits(cell_bytes=20, record_bytes=60) if chance.random() < 0.2 else Limits()
    from_1904 = chance.random() < 0.2
    with reading_with(kernel):
        mine = parsed(cells, wide, facts, limits, from_1904=from_1904)
    with reading_with(None):
        plain = parsed(cells, wide, facts, limits, from_1904=from_1904)
    assert mine.frame.equals(plain.frame)
    assert mine.frame.schema == plain.frame.schema
    assert (mine.blank, mine.facts, mine.next) == (plain.blank, plain.facts, plain.next)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 1 << 32), rows=st.integers(1, 30), width=st.integers(1, 5))
def test_values_become_the_same_texts_where_they_go(seed: int, rows: int, width: int) -> None:
    compare(built(), random.Random(seed), rows, width)


@pytest.mark.parametrize("wide", [False, True])
def test_ordinary_rows_are_taken_at_once(wide: bool) -> None:
    """It would be no use if it left them to others; and what rows take is counted alike."""
    cells = cells_of(random.Random(3), 20, 3)
    cells.hidden[:] = False
    cells.value[(cells.type == SHARED)] = 1
    with reading_with(built()):
        reader = SimpleNamespace(
            book=Book(FORMATS, SharedTexts([pl.Series(SHARES, dtype=pl.String)], 1 << 20), False),
            facts=SheetFacts(), limits=Limits(), detected=SimpleNamespace(width=2 if wide else 3),
        )  # fmt: skip
        piece = binary_cells._SheetPiece(0, [cells], 0, reader, Position(), 0)  # type: ignore[arg-type]
        kernel = native.kernel()
        assert kernel is not None
        assert (piece._typeset(kernel, cells) is None) is wide
        quick = binary_cells.BinaryReader._costs(reader, cells)  # type: ignore[arg-type]
    with reading_with(None):
        exact = binary_cells.BinaryReader._costs(reader, cells)  # type: ignore[arg-type]
    assert np.array_equal(quick[0], exact[0])
    assert quick[1] == exact[1]
