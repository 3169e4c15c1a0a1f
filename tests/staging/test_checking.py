"""Staging from frames to pages with a toy checker, against a plain Python oracle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from douane.line.staged import Checked, Part
from douane.staging import checking, masks, pages, rechecking, uniqueness
from douane.staging.pages import Directory, Entry, PackedEntry
from douane.staging.parts import read_part, write_part
from douane.staging.rechecking import Reviewed
from douane.staging.revisions import ADDED, DELETED, RECORD, Cells, added_frame
from tests.staging.toy import ToyChecker, frame_of

Rows = list[tuple[str | None, str | None]]


def stage(rows: Rows, sizes: list[int], folder: Path) -> list[Part]:
    parts, start = [], 0
    for number, size in enumerate(sizes):
        path = folder / f"part-{number}"
        write_part(frame_of(rows[start : start + size], start + 1), path)
        parts.append(Part(number, start, len(rows[start : start + size]), path))
        start += size
    return parts


def check(parts: list[Part], folder: Path, data_start: int = 0) -> list[Checked]:
    checker = ToyChecker()
    checked = list(checking.check_parts(checker, parts, data_start, folder))
    changed = {v.number: v for v in checking.settle(checker, parts, checked, folder)}
    return [changed.get(v.number, v) for v in checked]


def expected(rows: Rows, data_start: int = 0) -> list[int | None]:
    """Mask words by a plain reading of the rules; None for a heading row."""
    seen: set[str] = set()
    words: list[int | None] = []
    reason = any(not a and b == "z" for a, b in rows[data_start:])
    for at, (a, b) in enumerate(rows):
        if at < data_start:
            words.append(None)
            continue
        word = (1 if not a else 0) | (4 if reason and a == "y" else 0)
        if b:
            word |= 2 if b in seen else 0
            seen.add(b)
        words.append(word)
    return words


def verdicts(parts: list[Part], checked: list[Checked]) -> list[int | None]:
    words: list[int | None] = []
    for verdict in checked:
        mask = masks.read_mask(verdict.mask)
        words += [None if s == masks.GONE else int(w) for s, w in zip(mask.state, mask.words[:, 0], strict=True)]
    return words


def directory(parts: list[Part], checked: list[Checked], packed: list[checking.Packed] | None = None) -> Directory:
    entries = [
        Entry(p.number, p.first_row, p.rows, str(p.path), str(v.mask), v.valid, v.invalid, added=p.first_row < 0)
        for p, v in zip(parts, checked, strict=True)
    ]
    return Directory(
        entries, [PackedEntry(p.view, p.first_row, p.last_row, p.rows, str(p.path)) for p in packed or []], 1
    )


cells = st.sampled_from(["", "x", "y", "z", None])


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(cells, cells), min_size=1, max_size=40),
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=8),
    data_start=st.integers(0, 2),
)
def test_masks_agree_with_a_plain_reading(
    rows: Rows, sizes: list[int], data_start: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("stage")
    parts = stage(rows, [*sizes, len(rows)], folder)
    assert verdicts(parts, check(parts, folder, data_start)) == expected(rows, data_start)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(cells, cells), min_size=1, max_size=30),
    size=st.integers(1, 9),
    edits=st.dictionaries(st.integers(0, 29), st.tuples(cells, cells), max_size=6),
    deleted=st.sets(st.integers(0, 29), max_size=4),
    added=st.lists(st.tuples(cells, cells), max_size=4),
)
def test_a_recheck_agrees_with_a_whole_check_of_the_changed_table(
    rows: Rows,
    size: int,
    edits: dict[int, tuple[str | None, str | None]],
    deleted: set[int],
    added: Rows,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("before")
    parts = stage(rows, [size] * (len(rows) // size + 1), folder)
    checked = check(parts, folder)
    changes: dict[int, dict[str, str | None]] = {}
    now: list[tuple[str | None, str | None] | None] = list(rows)
    for at, pair in edits.items():
        if at < len(rows):
            changes[at] = {"a": pair[0], "b": pair[1]}
            now[at] = pair
    for at in deleted:
        if at < len(rows):
            changes.setdefault(at, {})[RECORD] = DELETED
            now[at] = None
    for at, pair in enumerate(added):
        changes[1000 + at] = {RECORD: ADDED, "a": pair[0], "b": pair[1]}
    checker, positions = ToyChecker(), {"a": 0, "b": 1}
    after = tmp_path_factory.mktemp("after")
    if added:
        frame = added_frame([1000 + at for at in range(len(added))], Cells.of(changes), positions)
        for name in ("c0", "c1"):
            assert name in frame.columns
        write_part(frame, after / "added")
        parts.append(Part(999, -1, len(added), after / "added"))
        checked.append(checking.check_frame(checker, frame, 999, 0, after))
    touched = np.array([row for row in changes if row < 1000], np.int64)
    cells = Cells.of(changes)
    with pytest.MonkeyPatch.context() as patch:
        if len(touched) % 2:  # as if so many were touched that all are compared anew
            patch.setattr(rechecking, "MANY", 0)
        judged = list(rechecking.recheck(checker, Reviewed(parts, checked, cells, positions), touched, after))
    again = {v.number: v for v in judged}
    found = verdicts(parts, [again.get(v.number, v) for v in checked])
    kept = [pair for pair in [*now, *added] if pair is not None]
    words = iter(expected(kept))
    wanted = [None if pair is None else next(words) for pair in [*now, *added]]
    assert found == wanted


def test_pages_show_every_row_of_a_view_once_and_in_order(tmp_path: Path) -> None:
    rows: Rows = [("" if at % 3 == 0 else "x", str(at)) for at in range(1000)]
    parts = stage(rows, [100, 300, 1, 599], tmp_path)
    checked = check(parts, tmp_path, data_start=1)
    found = directory(parts, checked)
    for view, wanted in (
        ("all", list(range(1, 1000))),
        ("invalid", [at for at in range(1, 1000) if at % 3 == 0]),
        ("valid", [at for at in range(1, 1000) if at % 3]),
    ):
        got: list[int] = []
        for offset in range(0, found.total(view) + 100, 70):  # type: ignore[arg-type]
            page = found.page(view, offset, 70, Path)  # type: ignore[arg-type]
            got += page.rows.tolist()
            if len(page.rows) == 0:
                continue
            assert page.frame["c1"].to_list() == [str(row) for row in page.rows]
            assert page.frame["_line"].to_list() == [row + 1 for row in page.rows]
        assert got == wanted


def test_sparse_rows_are_packed_and_read_from_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: Rows = [("" if at % 100 == 7 else "x", str(at if at != 4321 else 1)) for at in range(6000)]
    parts = stage(rows, [2000, 2000, 2000], tmp_path)
    checked = check(parts, tmp_path)
    packed = list(checking.pack_sparse(parts, checked, tmp_path))
    assert {p.view for p in packed} == {"invalid"}
    wanted = sorted([at for at in range(6000) if at % 100 == 7] + [4321])
    assert sum(p.rows for p in packed) == len(wanted)
    found = directory(parts, checked, packed)

    def no_part(path: Path, offsets: object) -> None:
        raise AssertionError(f"{path} was opened for rows that are packed")

    monkeypatch.setattr(pages, "read_rows", no_part)
    page = found.page("invalid", 0, 100, Path)
    assert page.rows.tolist() == wanted
    assert page.frame["c1"].to_list() == ["1" if row == 4321 else str(row) for row in wanted]


def test_a_row_that_joined_a_sparse_view_later_is_read_from_its_part(tmp_path: Path) -> None:
    rows: Rows = [("" if at % 100 == 7 else "x", str(at)) for at in range(6000)]
    parts = stage(rows, [2000, 2000, 2000], tmp_path)
    checked = check(parts, tmp_path)
    packed = list(checking.pack_sparse(parts, checked, tmp_path))
    after = tmp_path / "after"
    after.mkdir()
    changes, touched = Cells.of({3000: {"a": ""}}), np.array([3000])
    reviewed = Reviewed(parts, checked, changes, {"a": 0, "b": 1})
    again = {v.number: v for v in rechecking.recheck(ToyChecker(), reviewed, touched, after)}
    found = directory(parts, [again.get(v.number, v) for v in checked], packed)
    page = found.page("invalid", 25, 10, Path)
    assert page.rows.tolist() == sorted([at for at in range(6000) if at % 100 == 7] + [3000])[25:35]


def test_uniqueness_in_buckets_and_batches_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(5)
    values = [str(value) for value in random.integers(0, 700, 3000)]
    whole = pl.Series(values)
    hashes = whole.hash(3).to_numpy()
    parts = [hashes[:1000], hashes[1000:1500], hashes[1500:]]
    starts = [0, 1000, 1500]

    def texts(places: list[tuple[int, np.ndarray]]) -> pl.Series:  # type: ignore[type-arg]
        return pl.concat([whole[offsets + starts[number]] for number, offsets in places])

    def run() -> set[int]:
        later: set[int] = set()
        for part, offsets, flags in uniqueness.later_copies(parts, texts):
            later |= {starts[part] + int(offset) for offset in offsets[flags]}
        return later

    wanted = {at for at, text in enumerate(values) if text in values[:at]}
    assert run() == wanted
    monkeypatch.setattr(uniqueness, "BUCKET_ROWS", 256)
    monkeypatch.setattr(uniqueness, "CANDIDATE_VALUES", 50)
    monkeypatch.setattr(uniqueness, "CANDIDATE_ROWS", 20)
    assert run() == wanted


def test_equal_hashes_of_different_texts_blame_nobody() -> None:
    hashes = [np.array([9, 9, 9], np.uint64)]
    texts = pl.Series(["a", "b", "a"])
    found = list(uniqueness.later_copies(hashes, lambda places: texts[places[0][1]]))
    assert [(n, o.tolist(), later.tolist()) for n, o, later in found] == [(0, [0, 1, 2], [False, False, True])]


def test_masks_of_many_rules_keep_every_bit(tmp_path: Path) -> None:
    words = np.array([[0, 1], [1 << 63, 0], [0, 0]], np.uint64)
    mask = masks.judge_state(words, np.array([(1 << 64) - 1, 1], np.uint64))
    masks.write_mask(mask, tmp_path / "mask")
    again = masks.read_mask(tmp_path / "mask")
    assert again.state.tolist() == [masks.INVALID, masks.INVALID, masks.VALID]
    assert again.words.tolist() == words.tolist()


def test_a_part_without_rows_is_a_part(tmp_path: Path) -> None:
    parts = stage([], [0], tmp_path)
    checked = check(parts, tmp_path)
    assert (checked[0].valid, checked[0].invalid) == (0, 0)
    assert len(read_part(parts[0].path)) == 0
    assert directory(parts, checked).page("all", 0, 10, Path).rows.tolist() == []
