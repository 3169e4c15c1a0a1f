from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from douane.errors import OverLimit
from douane.sheet.formats import shared_texts
from douane.sheet.formats.shared_texts import SharedTexts


@pytest.mark.parametrize("run", [3, 4, 1000])
def test_any_text_can_be_taken_by_number(run: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_texts, "_RUN", run)
    texts = [f"text number {i}" * (i % 3) for i in range(100)]
    series = [pl.Series(texts[:7]), pl.Series([], dtype=pl.String), pl.Series(texts[7:50]), pl.Series(texts[50:])]
    shared = SharedTexts(series, 1 << 20)
    assert len(shared) == 100
    assert shared.sizes.tolist() == [len(t) for t in texts]
    for numbers in ([0], [99, 0, 50, 50, 1], list(range(100)), [5, 4, 5], list(range(40, 90)) * 3):
        assert shared.take(np.array(numbers, np.int64)).to_list() == [texts[n] for n in numbers]


def test_none_at_all() -> None:
    assert len(SharedTexts((), 0)) == 0


def test_the_limit() -> None:
    texts = [pl.Series(["12345"] * 10)]
    assert len(SharedTexts(texts, 210)) == 10
    with pytest.raises(OverLimit) as caught:
        SharedTexts(texts, 209)
    assert caught.value.setting == "entry_bytes"
