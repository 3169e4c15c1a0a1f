"""Notes whose reason may stand in another row: text is noted among date cells, a point among decimal commas, wherever
in the table they stand. A part is judged by itself; what only the whole table knows is settled here, from the masks and
the records that are there anyway, so that no state has to outlive a process."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.staging.masks import GONE, Words
from douane.staging.parts import Rows

State = npt.NDArray[np.uint8]


class Checker(Protocol):
    """What settling notes needs of a checker (`sheet/check.py` says what a note of the table is)."""

    table_notes: Any  # tuple[TableNote, ...]; Any because tuples of another protocol's members do not match

    def has_reason(self, frame: pl.DataFrame, note: Any) -> bool: ...
    def may_suspect(self, frame: pl.DataFrame, note: Any) -> bool: ...
    def suspects(self, frame: pl.DataFrame, note: Any) -> npt.NDArray[np.bool_]: ...


class Table(Protocol):
    """The parts of a table with their verdicts, as it stands."""

    def __len__(self) -> int: ...
    def verdict(self, at: int) -> tuple[State, Words]: ...
    def reason(self, at: int, bit: int) -> bool | None:
        """Whether the part's records give the reason of a note; None where that is not known yet."""
        ...

    def seen(self, at: int, bit: int) -> tuple[bool, bool] | None:
        """Of the records of a part that changed: whether any gives the reason of a note, and whether the note could be
        about any; None where that is not known yet."""
        ...

    def columns(self, at: int) -> Collection[str]:
        """Those that the part has."""
        ...

    def read(self, at: int, offsets: Rows, columns: Sequence[str]) -> pl.DataFrame:
        """These records of a part, in at least these of its columns."""
        ...

    def holds(self, bit: int) -> bool:
        """Whether any record has this bit."""
        ...


def seen_in(checker: Checker, frame: pl.DataFrame, words: Words, bits: Words) -> dict[int, tuple[bool, bool]]:
    """Of the notes that read what was judged, by their bits: whether these records give the reason, and whether the
    note could be about any of them. `words`: their verdicts, of which `bits` were judged."""
    found: dict[int, tuple[bool, bool]] = {}
    for note in checker.table_notes:
        if note.among is not None and (note.among & ~bits).any():
            continue
        givers = frame
        if note.among is not None:
            rows = np.flatnonzero(((words & note.among) != 0).any(axis=1))
            givers = frame[rows] if len(rows) else frame.clear()
        gives = len(givers) > 0 and note.seen_in in frame.columns and checker.has_reason(givers, note)
        found[note.bit] = gives, checker.may_suspect(frame, note)
    return found


class Notes:
    """The notes of a table, and which of them a row gives reason for. Of a clean text file no part's records are opened
    for that. False where the checker has none."""

    def __init__(
        self,
        checker: Checker,
        table: Table,
        touched: Sequence[Rows] | None = None,
        columns: Collection[str] | None = None,
    ) -> None:
        """`touched`: per part the offsets of the records that changed since the table was settled, ascending; None
        where each part was just judged whole. `columns`: of the frame, the only ones that changed."""
        self._checker, self._table, self._touched = checker, table, touched
        self._notes = [
            note for note in checker.table_notes if columns is None or not set(columns).isdisjoint(note.columns)
        ]
        self._given: dict[tuple[int, int], bool] = {}
        self._reasons = {note.bit: self._has_reason(note) for note in self._notes}

    def __bool__(self) -> bool:
        return bool(self._notes)

    def marked(self, at: int) -> Words | None:
        """The words of a part with the bits of the notes as they must be; None where they are so already."""
        state, words = self._table.verdict(at)
        changed: Words | None = None
        for note in self._notes:
            reason = self._reasons[note.bit]
            if reason is None:
                continue
            word, flag = note.bit // 64, np.uint64(1 << note.bit % 64)
            held = (words[:, word] & flag) != 0
            wanted = held.copy() if reason else np.zeros(len(held), np.bool_)
            if reason and len(offsets := self._asked(at, note, state, held)):
                wanted[offsets] = self._checker.suspects(self._table.read(at, offsets, note.columns), note)
            if not np.array_equal(wanted, held):
                changed = np.array(words) if changed is None else changed
                changed[:, word] = np.where(wanted, changed[:, word] | flag, changed[:, word] & ~flag)
        return changed

    def _asked(self, at: int, note: Any, state: State, held: npt.NDArray[np.bool_]) -> Rows:
        """The records whose bit is not known to be right: none of a part that gave the reason itself as it was judged;
        only those touched of one whose others have the bit."""
        standing = state != GONE
        if self._touched is None:
            standing &= not self._gives(at, note)
        elif np.delete(held, self._touched[at]).any():
            return _those(self._touched[at], standing)
        found: Rows = np.flatnonzero(standing)
        return found

    def _has_reason(self, note: Any) -> bool | None:
        """None: there is no telling without a look at all records, and nobody asks."""
        parts = range(len(self._table))
        if not any(note.seen_in in self._table.columns(at) for at in parts):
            return False
        if self._touched is not None:
            if any(self._gives(at, note, self._touched[at]) for at in parts if len(self._touched[at])):
                return True
            if not self._table.holds(note.bit) and not any(self._suspects(at, note) for at in parts):
                return None
        return any(self._gives(at, note) for at in parts)

    def _gives(self, at: int, note: Any, offsets: Rows | None = None) -> bool:
        if offsets is not None:
            seen = self._table.seen(at, note.bit)
            return self._found(at, note, offsets) if seen is None else seen[0]
        if (at, note.bit) not in self._given:
            known = self._table.reason(at, note.bit)
            self._given[at, note.bit] = self._found(at, note, None) if known is None else known
        return self._given[at, note.bit]

    def _found(self, at: int, note: Any, offsets: Rows | None) -> bool:
        state, words = self._table.verdict(at)
        wanted = state != GONE
        if note.among is not None:
            wanted &= ((words & note.among) != 0).any(axis=1)
        rows = np.flatnonzero(wanted) if offsets is None else _those(offsets, wanted)
        if len(rows) == 0 or note.seen_in not in self._table.columns(at):
            return False
        return self._checker.has_reason(self._table.read(at, rows, note.columns), note)

    def _suspects(self, at: int, note: Any) -> bool:
        assert self._touched is not None
        seen = self._table.seen(at, note.bit)
        if seen is not None:
            return seen[1]
        rows = _those(self._touched[at], self._table.verdict(at)[0] != GONE)
        return len(rows) > 0 and bool(self._checker.suspects(self._table.read(at, rows, note.columns), note).any())


def _those(offsets: Rows, wanted: npt.NDArray[np.bool_]) -> Rows:
    found: Rows = offsets[wanted[offsets]]
    return found
