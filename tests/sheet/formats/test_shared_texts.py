from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
import pytest

from douane.errors import OverLimit
from douane.sheet.formats import shared_texts
from douane.sheet.formats.shared_texts import SharedTexts


@pytest.mark.parametrize(("run", "unpacked_bytes"), [(3, 1 << 20), (4, 1 << 20), (4, 1), (1000, 1 << 20)])
def test_any_text_can_be_taken_by_number(run: int, unpacked_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_texts, "_RUN", run)
    monkeypatch.setattr(shared_texts, "_UNPACKED_BYTES", unpacked_bytes)
    texts = [f"text number {i}" * (i % 3) for i in range(100)]
    series = [pl.Series(texts[:7]), pl.Series([], dtype=pl.String), pl.Series(texts[7:50]), pl.Series(texts[50:])]
    shared = SharedTexts(series, 1 << 20)
    assert len(shared) == 100
    assert shared.sizes_of(np.arange(100)).tolist() == [len(t) for t in texts]
    for numbers in ([0], [99, 0, 50, 50, 1], list(range(100)), [5, 4, 5], list(range(40, 90)) * 3):
        assert shared.take(np.array(numbers, np.int64)).to_list() == [texts[n] for n in numbers]


@pytest.mark.parametrize("run", [3, 4, 1000])
def test_texts_are_read_as_far_as_they_are_asked_for(run: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_texts, "_RUN", run)
    texts = [f"text {i}" for i in range(40)]
    given: list[int] = []

    def series() -> Iterator[pl.Series]:
        for first in range(0, 40, 7):
            given.append(first)
            yield pl.Series(texts[first : first + 7], dtype=pl.String)

    shared = SharedTexts(series(), 1 << 20, lazily=True)
    assert given == []
    assert shared.known(np.array([3, 0])).tolist() == [True, True]
    assert given == [0]
    assert shared.take(np.array([6, 2, 6])).to_list() == [texts[6], texts[2], texts[6]]
    assert shared.sizes_of(np.array([8, 10])).tolist() == [6, 7]
    assert given == [0, 7]
    assert shared.take(np.array([13, 0, 8])).to_list() == [texts[13], texts[0], texts[8]]
    assert shared.known(np.array([39, 40, 99])).tolist() == [True, False, False]
    assert shared.sizes_of(np.array([40])).tolist() == [0]
    assert shared.take(np.arange(40)).to_list() == texts
    assert len(shared) == 40


def test_sizes_of_long_texts() -> None:
    shared = SharedTexts([pl.Series(["a"] * 2000), pl.Series(["b" * 70_000, "c"])], 1 << 20, lazily=True)
    assert shared.sizes_of(np.array([1999])).tolist() == [1]
    assert shared.sizes_of(np.array([0, 2000, 2001])).tolist() == [1, 70_000, 1]
    assert shared.sizes_of(np.arange(2002)).tolist() == [1] * 2000 + [70_000, 1]


def test_none_at_all() -> None:
    assert SharedTexts((), 0, lazily=True).known(np.array([0])).tolist() == [False]
    assert len(SharedTexts((), 0)) == 0


def test_the_limit() -> None:
    texts = [pl.Series(["12345"] * 10)]
    assert len(SharedTexts(texts, 210)) == 10
    with pytest.raises(OverLimit) as caught:
        SharedTexts(texts, 209)
    assert caught.value.setting == "entry_bytes"
