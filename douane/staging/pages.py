"""Any page of any view at any depth: two look-ups in the manifest's counts, one part's states, one slice.

A `Directory` is what a request knows of one version of a staged table: small arrays, immutable, cached by version.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.staging import masks
from douane.staging.masks import Mask, Masks, Placed, Words
from douane.staging.parts import Batches, Rows, read_part, read_rows

Locate = Callable[[str], Path]  # object name -> a local file (the store's own, or its cache's copy)
MaskOf = Callable[[str], Mask]

_batches = Batches(32 << 20)
_masks = Masks(64)


@dataclass(frozen=True, slots=True)
class Entry:
    """One part as the manifest names it at a version. `added`: its rows carry their own numbers in `_row` (rows that
    people added by hand), in ascending order. Without a mask all its rows are valid."""

    number: int
    first_row: int
    rows: int
    object: str
    mask_object: str | None = None
    valid: int = 0
    invalid: int = 0
    added: bool = False
    forgotten: int = 0


@dataclass(frozen=True, slots=True)
class PackedEntry:
    view: str
    first_row: int
    last_row: int
    rows: int
    object: str


@dataclass(frozen=True, slots=True)
class Page:
    """`rows` i64: the record's row in the table; `frame` one row each, `_line` included; `words` u64[rows, words]."""

    rows: Rows
    frame: pl.DataFrame
    words: Words
    states: npt.NDArray[np.uint8]


class Directory:
    """The parts of one table at one version, in row order, added rows last."""

    def __init__(self, entries: Sequence[Entry], packed: Sequence[PackedEntry], words: int) -> None:
        self.entries = tuple(entries)
        self.words = words
        self.packed = {view: tuple(p for p in packed if p.view == view) for view in ("valid", "invalid")}
        self._before: dict[Placed, npt.NDArray[np.int64]] = {
            "all": _before([e.valid + e.invalid for e in entries]),
            "valid": _before([e.valid for e in entries]),
            "invalid": _before([e.invalid for e in entries]),
            "accepted": _before([e.valid + e.forgotten for e in entries]),
            "placed": _before([e.valid + e.invalid + e.forgotten for e in entries]),
        }
        self._first = np.array([e.first_row for e in entries if not e.added], np.int64)

    def total(self, view: Placed) -> int:
        return int(self._before[view][-1])

    def places(self, view: Placed, offset: int, count: int, mask_of: MaskOf) -> list[tuple[Entry, Rows]]:
        """The page of a view as (part, ascending offsets within it)."""
        before = self._before[view]
        end = min(offset + count, int(before[-1]))
        found: list[tuple[Entry, Rows]] = []
        at = int(np.searchsorted(before, offset, side="right")) - 1
        while offset < end:
            entry = self.entries[at]
            take = min(end, int(before[at + 1])) - offset
            if take > 0:
                state = mask_of(entry.mask_object).state if entry.mask_object else np.zeros(entry.rows, np.uint8)
                inside = offset - int(before[at])
                found.append((entry, masks.view_offsets(state, view)[inside : inside + take]))
                offset += take
            at += 1
        return found

    def page(self, view: Placed, offset: int, count: int, locate: Locate) -> Page:
        mask_of = _opened_once(locate)
        return self._gather(self.places(view, offset, count, mask_of), locate, view, mask_of)

    def rows(self, wanted: Sequence[int], locate: Locate) -> Page:
        """The rows with these numbers (ascending); those that are not in the table are left out."""
        return self._gather(self.find(wanted, locate), locate, "all", _opened_once(locate))

    def numbers(self, entry: Entry, offsets: Rows, locate: Locate) -> Rows:
        """The row numbers of offsets within a part."""
        if not entry.added:
            return offsets + entry.first_row
        own: Rows = read_part(locate(entry.object), ["_row"])["_row"].to_numpy()[offsets]
        return own

    def find(self, numbers: Sequence[int], locate: Locate) -> list[tuple[Entry, Rows]]:
        """The rows with these numbers as (part, ascending offsets within it)."""
        wanted = np.array(sorted(numbers), np.int64)
        found: list[tuple[Entry, Rows]] = []
        plain = [e for e in self.entries if not e.added]
        at = np.searchsorted(self._first, wanted, side="right") - 1
        for index in np.unique(at):
            if index < 0:
                continue
            entry = plain[index]
            offsets = wanted[at == index] - entry.first_row
            offsets = offsets[offsets < entry.rows]
            if len(offsets):
                found.append((entry, offsets))
        for entry in self.entries:
            if entry.added:
                own = read_part(locate(entry.object), ["_row"])["_row"].to_numpy()
                offsets = np.flatnonzero(np.isin(own, wanted))
                if len(offsets):
                    found.append((entry, offsets))
        return found

    def _gather(self, places: Sequence[tuple[Entry, Rows]], locate: Locate, view: Placed, mask_of: MaskOf) -> Page:
        rows: list[Rows] = []
        words: list[Words] = []
        states: list[npt.NDArray[np.uint8]] = []
        frames: list[pl.DataFrame] = []
        for entry, offsets in places:
            if entry.mask_object is not None:
                mask = mask_of(entry.mask_object)
                words.append(np.array(mask.words[offsets]))
                states.append(np.array(mask.state[offsets]))
            else:
                words.append(np.zeros((len(offsets), self.words), np.uint64))
                states.append(np.zeros(len(offsets), np.uint8))
            if entry.added:
                frame = read_rows(locate(entry.object), offsets)
                rows.append(frame["_row"].to_numpy())
                frames.append(frame.drop("_row"))
            else:
                rows.append(offsets + entry.first_row)
                frames.append(pl.DataFrame())
        self._fill(places, rows, frames, locate, view)
        numbers = np.concatenate([*rows, np.zeros(0, np.int64)])
        return Page(
            numbers,
            frames[0] if len(frames) == 1 else pl.concat(frames, how="diagonal") if frames else pl.DataFrame(),
            np.concatenate([*words, np.zeros((0, self.words), np.uint64)]),
            np.concatenate([*states, np.zeros(0, np.uint8)]),
        )

    def _fill(
        self,
        places: Sequence[tuple[Entry, Rows]],
        rows: Sequence[Rows],
        frames: list[pl.DataFrame],
        locate: Locate,
        view: Placed,
    ) -> None:
        """Frames of the plain parts: from the packed rows where they hold the whole page, else part by part."""
        plain = [at for at, (entry, _) in enumerate(places) if not entry.added]
        if len(plain) > 1 and self.packed.get(view):
            wanted = np.concatenate([rows[at] for at in plain])
            held = self._packed_rows(view, wanted, locate)
            if held is not None:
                start = 0
                for at in plain:
                    frames[at] = held.slice(start, len(rows[at]))
                    start += len(rows[at])
                return
        for at in plain:
            entry, offsets = places[at]
            frames[at] = _batches.rows(locate(entry.object), offsets)

    def _packed_rows(self, view: str, wanted: Rows, locate: Locate) -> pl.DataFrame | None:
        """The rows from the packed files, or None unless every one is there (a row edited into the view is not)."""
        first, last = int(wanted[0]), int(wanted[-1])
        near = [p for p in self.packed[view] if p.last_row >= first and p.first_row <= last]
        if not near or len(near) > 1 + len(wanted) // 16:
            return None
        frame = pl.concat([read_part(locate(p.object)) for p in near], how="diagonal")
        own = frame["_row"].to_numpy()
        at = np.searchsorted(own, wanted)
        at[at == len(own)] = 0
        if not np.array_equal(own[at], wanted):
            return None
        return frame[at].drop("_row")


def _opened_once(locate: Locate) -> MaskOf:
    """Masks by object name: a page of a sparse view looks twice into those of many parts."""
    held: dict[str, Mask] = {}

    def mask_of(name: str) -> Mask:
        if name not in held:
            held[name] = _masks.read(locate(name))
        return held[name]

    return mask_of


def _before(counts: Sequence[int]) -> npt.NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(np.array(counts, np.int64), dtype=np.int64)])


def drop_deleted() -> None:
    """Nothing is remembered of parts that are no more; to be called where they are deleted for what they hold."""
    _batches.drop_deleted()
    _masks.drop_deleted()


class Directories:
    """The directories of published versions, the one used last kept longest; they are immutable, so only their number
    is bounded. A version that still grows is none to be kept."""

    def __init__(self, kept: int = 64) -> None:
        self._lock = threading.Lock()
        self._most = kept
        self._kept: OrderedDict[Hashable, Directory] = OrderedDict()

    def held(self, key: Hashable) -> Directory | None:
        """The one under this key, if it is remembered."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def get(self, key: Hashable, make: Callable[[], Directory]) -> Directory:
        """The same; made, by two at once perhaps, where there is none yet."""
        if (held := self.held(key)) is not None:
            return held
        made = make()
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return made
