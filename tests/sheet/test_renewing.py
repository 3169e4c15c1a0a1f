"""What the kernel writes of a replacement over a part is what Polars makes of it."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import polars as pl

from douane.sheet.native.renew import renewed
from douane.staging.parts import read_part, write_part
from douane.staging.spread import MARK, piece_of
from tests.sheet.kernel import built

LETTERS = ["a", "b", "ab", "aba", "é", "€", "", "0", "a long text that stands in no view", "ba" * 9]


def frame_of(chance: random.Random, rows: int, absent: float) -> pl.DataFrame:
    def cell() -> str | None:
        return None if chance.random() < absent else "".join(chance.choices(LETTERS, k=chance.choice([0, 1, 2, 5])))

    texts = {f"c{at}": pl.Series([cell() for _ in range(rows)], dtype=pl.String) for at in range(3)}
    texts["c3"] = pl.Series([None] * rows, dtype=pl.String)
    lines = pl.Series("_line", range(rows), dtype=pl.UInt32)
    return pl.DataFrame(texts).with_columns(lines, pl.Series("k0", [0] * rows, dtype=pl.UInt8))


def expected(
    frame: pl.DataFrame,
    columns: dict[str, str],
    find: str,
    text: str,
    picked: np.ndarray[tuple[int], np.dtype[np.bool_]],
) -> tuple[pl.DataFrame, dict[str, list[str | None]]]:
    hits = np.zeros(len(frame), np.uint64)
    texts: dict[str, pl.Series | None] = {}
    after = {}
    for bit, (column, name) in enumerate(columns.items()):
        cells = frame[column] if column in frame.columns else pl.Series([None] * len(frame), dtype=pl.String)
        made = cells.str.replace_all(find, text, literal=True)
        hit = cells.str.contains(find, literal=True).fill_null(False).to_numpy() & picked
        hits |= hit.astype(np.uint64) << np.uint64(bit)
        texts[name[1:]] = made.set(pl.Series(~hit), None)
        after[column] = made.to_list()
    piece = piece_of(np.arange(1000, 1000 + len(frame)), hits, texts)
    return piece.filter(pl.Series(hits != 0)), after


def test_a_part_is_renewed_as_polars_would(tmp_path: Path) -> None:
    kernel = built()
    chance = random.Random(20261201)
    part, target, met = tmp_path / "part", tmp_path / "target", 0
    for _ in range(60):
        frame = frame_of(chance, chance.choice([1, 7, 100, 1030, 2048]), chance.choice([0.0, 0.2, 1.0]))
        assert kernel.write_part(frame, part, chance.choice([100, 1024]))
        names = chance.sample(["c0", "c1", "c2", "c3", "c7"], chance.randint(1, 5))
        columns = {name: MARK + name for name in names}
        find, text = (
            chance.choice(["a", "ab", "aba", "é", "bab", "stands in"]),
            chance.choice(["", "x", "b", "aa", "€€", "xy" * 20]),
        )
        picked = np.array([chance.random() < 0.8 for _ in range(len(frame))])
        every = chance.random() < 0.5
        made = renewed(kernel, (part, 1000, len(frame)), columns, (find, text), target, None if every else picked)
        assert made is not None
        picked = np.ones(len(frame), np.bool_) if every else picked
        piece, after = expected(frame, columns, find, text, picked)
        assert made.hits[made.hits != 0].tolist() == piece["hits"].to_list()
        looked_at = pl.Series(picked)
        for name in names:
            assert made.cells[name].filter(looked_at).to_list() == pl.Series(after[name]).filter(looked_at).to_list()
        if len(piece):
            met += 1
            assert read_part(target).equals(piece)
    assert met > 20


def test_what_is_not_for_the_kernel_is_left_to_others(tmp_path: Path) -> None:
    kernel, frame = built(), frame_of(random.Random(1), 50, 0.1)
    part, target = tmp_path / "part", tmp_path / "target"

    def made(rows: int = 50, columns: dict[str, str] | None = None, text: str = "b") -> object:
        return renewed(kernel, (part, 0, rows), columns or {"c0": "=c0"}, ("a", text), target)

    write_part(frame, part)  # by Polars: texts with other offsets
    assert made() is None
    assert kernel.write_part(frame, part, 1024)
    assert made() is not None
    assert made(rows=49) is None
    assert made(columns={"k0": "=k0"}) is None
    assert made(columns={f"c{at}": f"=c{at}" for at in range(65)}) is None
    assert made(text="b" * (300 << 20)) is None
    whole = part.read_bytes()
    for at in range(0, len(whole), 7):
        part.write_bytes(whole[:at] + bytes([whole[at] ^ 0x5A]) + whole[at + 1 :])
        try:
            schema = pl.read_ipc_schema(part)
        except Exception:  # what Polars cannot read either
            continue
        if "c0" in schema:
            made()  # whatever comes of it, it reads nothing that is not there
