"""Checking: parts in, masks and key hashes out; then what only the whole table knows (uniqueness, sparse rows).

The same steps serve a first check of staged parts, `douane check` (fused with reading, batch by batch) and the check of
what a review changed. Runs in the sandboxed child; writes to `folder` only and never changes a file it has announced.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.line.staged import Checked, Packed, Part, ViewName
from douane.model.problem import Rule
from douane.staging import masks, noting, uniqueness
from douane.staging.masks import GONE, INVALID, VALID, Mask, Words
from douane.staging.parts import Rows, read_part, read_rows, write_part
from douane.staging.revisions import Cells, deleted_in, edited_keys, laid_over, overlay
from douane.staging.turns import in_order
from douane.values import dataclass

SPARSE = 40  # a view that holds under 1 row in 40 gets its rows packed in list order
PACKED_ROWS = 512


class UniqueRule(Protocol):
    @property
    def number(self) -> int: ...
    @property
    def bits(self) -> tuple[int, ...]: ...


class Judgement(Protocol):
    @property
    def mask(self) -> Words: ...
    @property
    def hashes(self) -> Words: ...
    @property
    def reasons(self) -> Mapping[int, bool]:
        """Per note of the table, by its bit, whether these records give its reason, where that is known."""
        ...


class Share(Protocol):
    """What a change of some columns can alter of a verdict (`sheet/check.py`)."""

    @property
    def bits(self) -> Words: ...
    @property
    def unique(self) -> Any: ...
    @property
    def columns(self) -> Sequence[str]: ...
    @property
    def keys(self) -> Collection[str]: ...


class Checker(noting.Checker, Protocol):
    """What checking needs of a family's checker (`sheet/check.py` is one)."""

    rules: tuple[Rule, ...]
    unique: Any  # tuple[UniqueRule, ...]; Any because tuples of another protocol's members do not match
    words: int
    invalid_words: Words

    def share(self, keys: Set[str]) -> Any: ...
    def judge(self, frame: pl.DataFrame, share: Any = None) -> Any: ...
    def mendable(self, frame: pl.DataFrame) -> bool: ...
    def mended(self, frame: pl.DataFrame, edited: Sequence[Collection[str]]) -> pl.DataFrame: ...
    def unique_texts(self, frame: pl.DataFrame, rule: Any) -> pl.Series: ...
    def words_of_columns(self) -> dict[str, Words]: ...


def check_frame(
    checker: Checker,
    frame: pl.DataFrame,
    number: int,
    gone_rows: int,
    folder: Path,
    deleted: npt.NDArray[np.bool_] | None = None,
) -> Checked:
    """Judges one part's frame; its first `gone_rows` records are headings or preamble and get no verdict, nor do those
    that are `deleted`."""
    judgement: Judgement = checker.judge(frame)
    hashes = judgement.hashes
    gone = deleted
    if gone_rows > 0:
        first = np.arange(len(frame)) < gone_rows
        gone = first if gone is None else gone | first
    if gone is not None:
        hashes = hashes.copy()
        hashes[gone] = 0
    mask = masks.judge_state(judgement.mask, checker.invalid_words, gone)
    # Records without a verdict give no reason, and were judged with the others.
    reasons = dict(judgement.reasons) if gone is None else {}
    return _write(checker, mask, hashes, frame, number, folder, reasons)


def _write(
    checker: Checker,
    mask: Mask,
    hashes: Words,
    frame: pl.DataFrame,
    number: int,
    folder: Path,
    reasons: dict[int, bool],
) -> Checked:
    mask_path = folder / f"mask-{number:07}"
    masks.write_mask(mask, mask_path)
    hash_path = None
    if checker.unique:
        hash_path = folder / f"hash-{number:07}"
        masks.write_hashes(hashes, hash_path)
    valid, invalid = mask.valid, mask.invalid
    sparse: dict[ViewName, Path] = {}
    views: tuple[tuple[ViewName, int, int], ...] = (("valid", valid, VALID), ("invalid", invalid, INVALID))
    for view, count, state in views:
        if 0 < count * SPARSE < valid + invalid:
            offsets = np.flatnonzero(mask.state == state)
            sparse[view] = folder / f"sparse-{view}-{number:07}.arrow"
            write_part(frame[offsets].with_columns(pl.Series("_offset", offsets)), sparse[view])
    return Checked(number, len(mask.state), valid, invalid, mask_path, hash_path, sparse, reasons)


def check_parts(
    checker: Checker,
    parts: Sequence[Part],
    data_start: int,
    folder: Path,
    cells: Cells | None = None,
    positions: Mapping[str, int] | None = None,
) -> Iterator[Checked]:
    """A check of a whole staged table; rows before `data_start` are headings or preamble. With `cells`, as the table
    stands under these revisions."""

    def one(part: Part) -> Checked:
        frame = read_part(part.path)
        gone_rows = max(0, data_start - part.first_row)
        if not cells:
            return check_frame(checker, frame, part.number, gone_rows, folder)
        rows = np.arange(part.first_row, part.first_row + part.rows)
        frame, deleted = as_it_stands(checker, frame, rows, cells, positions or {})
        return check_frame(checker, frame, part.number, gone_rows, folder, deleted)

    yield from in_order(parts, one)


def as_it_stands(
    checker: Checker, frame: pl.DataFrame, rows: Rows, cells: Cells, positions: Mapping[str, int]
) -> tuple[pl.DataFrame, npt.NDArray[np.bool_]]:
    """The frame under the revisions that stand, as a checker should see it, and per row whether it was deleted."""
    pieces = list(cells.pieces(rows))
    frame = laid_over(frame, pieces, positions)
    if pieces and checker.mendable(frame):
        frame = checker.mended(frame, edited_keys(pieces, len(rows)))
    return frame, deleted_in(pieces, len(rows))


def settle(
    checker: Checker,
    parts: Sequence[Part],
    checked: Sequence[Checked],
    folder: Path,
    cells: Cells | None = None,
    positions: Mapping[str, int] | None = None,
) -> Iterator[Checked]:
    """Sets the bits of what only the whole table knows: the uniqueness rules, and the notes whose reason stands
    elsewhere. Yields the parts whose verdict changed, with their new mask files."""
    flagged: dict[int, list[tuple[tuple[int, ...], Rows]]] = {}
    for rule in checker.unique:
        hashes = [masks.read_hashes(c.hashes, len(checker.unique))[rule.number] for c in checked if c.hashes]
        columns = _columns_for(checker, parts, rule)

        def texts(
            places: Sequence[tuple[int, Rows]], rule: Any = rule, columns: Sequence[str] | None = columns
        ) -> pl.Series:
            frames = []
            for number, offsets in places:
                frame, first = read_part(parts[number].path, columns)[offsets], parts[number].first_row
                if cells and first >= 0:
                    frame = overlay(frame, offsets + first, cells, positions or {})
                frames.append(frame)
            return checker.unique_texts(pl.concat(frames, how="diagonal"), rule)

        for number, offsets, later in uniqueness.later_copies(hashes, texts):
            if later.any():
                flagged.setdefault(number, []).append((rule.bits, offsets[later]))
    notes = noting.Notes(checker, _Judged(parts, checked, cells or Cells(), positions or {}))
    for number in range(len(parts)) if notes else sorted(flagged):
        noted = notes.marked(number)
        if noted is None and number not in flagged:
            continue
        old = masks.read_mask(checked[number].mask)
        words = np.array(old.words) if noted is None else noted
        for bits, offsets in flagged.get(number, ()):
            for bit in bits:
                words[offsets, bit // 64] |= np.uint64(1 << (bit % 64))
        mask = masks.judge_state(words, checker.invalid_words, np.asarray(old.state == GONE))
        path = folder / f"mask-{parts[number].number:07}-settled"
        masks.write_mask(mask, path)
        before = checked[number]
        yield Checked(before.number, before.rows, mask.valid, mask.invalid, path, before.hashes, before.sparse)


@dataclass(frozen=True, slots=True)
class _Judged:
    """A table whose parts were judged one by one (`noting.Table`)."""

    parts: Sequence[Part]
    checked: Sequence[Checked]
    cells: Cells
    positions: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.parts)

    def verdict(self, at: int) -> tuple[npt.NDArray[np.uint8], Words]:
        mask = masks.read_mask(self.checked[at].mask)
        return mask.state, mask.words

    def holds(self, bit: int) -> bool:
        return any(
            bool((self.verdict(at)[1][:, bit // 64] & np.uint64(1 << bit % 64)).any()) for at in range(len(self))
        )

    def reason(self, at: int, bit: int) -> bool | None:
        return self.checked[at].reasons.get(bit)

    def seen(self, at: int, bit: int) -> tuple[bool, bool] | None:
        return None

    def columns(self, at: int) -> Collection[str]:
        present = set(pl.read_ipc_schema(self.parts[at].path))
        return present if not self.cells else present | {f"c{position}" for position in self.positions.values()}

    def read(self, at: int, offsets: Rows, columns: Sequence[str]) -> pl.DataFrame:
        # `_line` is in every part: one that has none of the columns, of rows that people added, has rows all the same.
        frame, first = read_part(self.parts[at].path, ["_line", *columns])[offsets], self.parts[at].first_row
        return overlay(frame, offsets + first, self.cells, self.positions) if self.cells and first >= 0 else frame


def _columns_for(checker: Checker, parts: Sequence[Part], rule: Any) -> Sequence[str] | None:
    """The frame columns a uniqueness rule reads, if the checker can say (`columns_of`); else all."""
    columns_of: Callable[[Any], Sequence[str]] | None = getattr(checker, "columns_of", None)
    return columns_of(rule) if columns_of is not None else None


def pack_sparse(parts: Sequence[Part], checked: Sequence[Checked], folder: Path) -> Iterator[Packed]:
    """Packs the rows of a view that holds under 1 row in SPARSE: a page of it costs one read and not a hundred."""
    total = sum(c.valid + c.invalid for c in checked)
    counts: dict[ViewName, int] = {
        "valid": sum(c.valid for c in checked),
        "invalid": sum(c.invalid for c in checked),
    }
    for view, count in counts.items():
        if total <= PACKED_ROWS or count == 0 or count * SPARSE >= total:
            continue
        waiting: list[pl.DataFrame] = []
        size = number = 0
        for part, verdict in zip(parts, checked, strict=True):
            offsets = masks.view_offsets(masks.read_mask(verdict.mask).state, view)
            if len(offsets) == 0:
                continue
            frame = _rows_with_help(part, offsets, verdict.sparse.get(view))
            waiting.append(frame.with_columns(pl.Series("_row", offsets + part.first_row, dtype=pl.Int64)))
            size += len(frame)
            while size >= PACKED_ROWS:
                whole = pl.concat(waiting, how="diagonal")
                yield _pack(whole.head(PACKED_ROWS), view, number, folder)
                number += 1
                waiting = [whole.slice(PACKED_ROWS)]
                size -= PACKED_ROWS
        if size:
            yield _pack(pl.concat(waiting, how="diagonal"), view, number, folder)


def _rows_with_help(part: Part, offsets: Rows, sparse: Path | None) -> pl.DataFrame:
    """Rows of a part, from its small side file where that has them: no need to open the part again."""
    if sparse is None:
        return read_rows(part.path, offsets)
    side = read_part(sparse)
    held = side["_offset"].to_numpy()
    missing = np.setdiff1d(offsets, held)
    kept = side.filter(pl.Series(np.isin(held, offsets)))
    if len(missing) == 0:
        return kept.drop("_offset")
    fetched = read_rows(part.path, missing).with_columns(pl.Series("_offset", missing))
    return pl.concat([kept, fetched], how="diagonal").sort("_offset").drop("_offset")


def _pack(frame: pl.DataFrame, view: ViewName, number: int, folder: Path) -> Packed:
    path = folder / f"packed-{view}-{number:06}.arrow"
    write_part(frame, path)
    return Packed(view, number, int(frame["_row"][0]), int(frame["_row"][-1]), len(frame), path)
