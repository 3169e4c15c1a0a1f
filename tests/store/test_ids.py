from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from douane.store import ids


def test_ids_sort_as_they_were_made() -> None:
    made = [ids.new_id() for _ in range(20_000)]
    assert made == sorted(set(made))
    assert all(ids.is_id(one) for one in made)


def test_threads_never_share_an_id() -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: [ids.new_id() for _ in range(2000)], range(8)))
    assert all(some == sorted(some) for some in made)
    assert len(set().union(*made)) == 16_000


def test_a_clock_set_back_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = ids.new_id()
    monkeypatch.setattr("time.time_ns", lambda: 0)
    assert ids.new_id() > before


def test_a_full_millisecond_borrows_from_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    ids.new_id()
    monkeypatch.setattr("time.time_ns", lambda: 0)
    monkeypatch.setattr(ids, "_last_random", (1 << 48) - 1)
    monkeypatch.setattr(ids, "_last_ms", ids._last_ms + 5)
    before = f"{ids._last_ms:012x}" + "f" * 12
    after = ids.new_id()
    assert after > before
    assert len(after) == 24


@pytest.mark.parametrize("text", ["", "x" * 24, "A" * 24, "0" * 23, "0" * 25, "0" * 24 + "\n", "٠" * 24])
def test_what_is_no_id(text: str) -> None:
    assert not ids.is_id(text)
