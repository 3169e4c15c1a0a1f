"""The live table: every record's verdict as it stands after each change, long before a review publishes it.

One flat array a fact, in the order of the table: the file's rows stand at their own numbers, rows that people added
come after them. A change judges the rows it touched and whoever shares a key with them, as a review does; the counts
follow. Lives in memory, made from masks that were published and the revisions since, and thrown away at will.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.staging import masks, noting, uniqueness
from douane.staging.blocks import read_run
from douane.staging.checking import Checker, Judgement, Share, UniqueRule, as_it_stands
from douane.staging.masks import GONE, INVALID, VALID, Words
from douane.staging.pages import Locate
from douane.staging.parts import Rows, distinct, read_part, read_rows
from douane.staging.rechecking import MANY
from douane.staging.revisions import RECORD, Cells, Piece, added_frame, deleted_in, laid_over, overlay
from douane.staging.turns import in_order

JUDGED_ROWS = 50_000  # judged at once

Flags = npt.NDArray[np.bool_]
# A share of the verdicts of some records, what it will be, and what `Foreseen.seen` is.
Foretold = tuple[Share, Judgement, dict[int, tuple[bool, bool]]]

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Remembered:
    """Every verdict of a table, as it stood once."""

    state: npt.NDArray[np.uint8]
    words: Words
    changed: Flags
    hashes: list[Words] | None
    rule_counts: Rows
    column_counts: Rows


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a change makes of the verdicts of some records of one part: of `places`, what a `share` of their verdicts
    will be. `seen`: per note, by its bit, whether these records give its reason, and whether it could be about any."""

    places: Rows
    share: Share
    mask: Words
    hashes: Words
    seen: Mapping[int, tuple[bool, bool]]


@dataclass(frozen=True, slots=True)
class LivePart:
    """A part of the file and the verdict it begins with: object names."""

    first_row: int
    rows: int
    object: str
    mask: str
    hashes: str | None


class Live:
    """`state` u8 and `words` u64[n, words], `changed` bool: one a record, by its place in the table. `rule_counts`: per
    bit the records that have it; `column_counts`: per column those with a problem in it (warnings do not count)."""

    def __init__(
        self,
        checker: Checker,
        parts: Sequence[LivePart],
        positions: Mapping[str, int],
        first_data_row: int,
        locate: Locate,
    ) -> None:
        """`positions`: key -> `c` column. Rows before `first_data_row` are headings or preamble."""
        self.checker, self.positions, self.locate = checker, positions, locate
        self.parts = tuple(parts)
        self.first_data_row = first_data_row
        self.cells = Cells()
        self.rows_of_file = self.parts[-1].first_row + self.parts[-1].rows if self.parts else 0
        self._starts = np.array([part.first_row for part in self.parts], np.int64)
        self.state = np.full(self.rows_of_file, GONE, np.uint8)
        self.words = np.zeros((self.rows_of_file, checker.words), np.uint64)
        self.changed = np.zeros(self.rows_of_file, np.bool_)
        self.added: Rows = np.zeros(0, np.int64)
        self.added_frame = pl.DataFrame()
        self._hashes: list[Words] | None = None
        self._columns_of_parts: dict[int, frozenset[str]] = {}
        self._column_words = checker.words_of_columns()
        self.rule_counts = np.zeros(checker.words * 64, np.int64)
        self.column_counts = np.zeros(len(self._column_words), np.int64)

    @property
    def columns(self) -> list[str]:
        """The columns of `column_counts`."""
        return list(self._column_words)

    @property
    def numbers(self) -> Rows:
        """The row number of each place."""
        return np.concatenate([np.arange(self.rows_of_file), self.added])

    def numbers_at(self, places: Rows) -> Rows:
        numbers = np.array(places, np.int64)
        of_people = places >= self.rows_of_file
        if of_people.any():
            numbers[of_people] = self.added[places[of_people] - self.rows_of_file]
        return numbers

    def places(self, rows: Rows) -> Rows:
        """Where rows stand; -1 = nowhere."""
        found = np.full(len(rows), -1, np.int64)
        at = np.searchsorted(self.added, rows)
        at[at == len(self.added)] = 0
        if len(self.added):
            hit = self.added[at] == rows
            found[hit] = self.rows_of_file + at[hit]
        of_file = (found < 0) & (rows >= self.first_data_row) & (rows < self.rows_of_file)
        found[of_file] = rows[of_file]
        return found

    def load(self, cells: Cells, touched: Rows, keys: Set[str]) -> None:
        """The verdicts that were published, and what changed since (see `advance`)."""
        for part in self.parts:
            mask = masks.read_mask(self.locate(part.mask))
            span = slice(part.first_row, part.first_row + part.rows)
            self.state[span], self.words[span] = np.minimum(mask.state, GONE), mask.words
        self._count_all()
        self.cells = cells
        self._mark_changed(cells.touched())
        self._follow(touched, keys, bool(len(cells.added())))

    def judge_all(self, cells: Cells) -> None:
        """From the ground: where verdicts are another Douane's."""
        self.cells = cells
        self._hashes = [np.zeros(self.rows_of_file, np.uint64) for _ in self.checker.unique]
        self._judge(np.arange(self.first_data_row, self.rows_of_file), [], None)
        self._take_added([])
        self._compare_all()
        self._settle_notes(None, None)
        self.changed[:] = False
        self._mark_changed(cells.touched())
        self._count_all()

    def lay(self, cells: Cells) -> None:
        """To be read from only, as it stands under these cells: nothing is judged."""
        self.cells = cells
        self.added = cells.added()
        self.added_frame = added_frame(self.added, cells, self.positions)

    def advance(self, cells: Cells, touched: Rows, keys: Set[str], foreseen: Sequence[Foreseen] | None = None) -> None:
        """To what stands now; `touched`: the rows that changed since, `keys`: the columns of their cells; `foreseen`:
        what `foresee` said of all of them."""
        self.cells = cells
        self._mark_changed(touched)
        self._follow(touched, keys, False, foreseen)

    def foresee(self, places: Rows, frame: pl.DataFrame, pieces: Sequence[Piece]) -> Foreseen | None:
        """The verdicts of records under a change that is being worked out, while they are at hand: `frame` has what
        `share_columns` of its columns names, as it stands; `pieces`: what is changed, `at` in the frame. None = they
        must be judged as a whole. To be called on any thread."""
        if len(places) and places[-1] >= self.rows_of_file:
            return None
        found = foreseen(self.checker, self.positions, frame, pieces)
        if found is None:
            return None
        changed, share, judgement, seen = found
        return Foreseen(places[changed], share, judgement.mask, judgement.hashes, seen)

    def share_columns(self, keys: Set[str]) -> Sequence[str]:
        """The columns of a frame by which records are judged when cells of columns `keys` change."""
        columns: Sequence[str] = self.checker.share(keys).columns
        return columns

    def remembered(self) -> Remembered:
        return Remembered(
            self.state.copy(),
            self.words.copy(),
            self.changed.copy(),
            None if self._hashes is None else [rule.copy() for rule in self._hashes],
            self.rule_counts.copy(),
            self.column_counts.copy(),
        )

    def turn(self, cells: Cells, to: Remembered) -> Remembered:
        """To what stood once, of which `cells` are the changes; what stood now. No record may have come or gone."""
        now = Remembered(self.state, self.words, self.changed, self._hashes, self.rule_counts, self.column_counts)
        self.cells = cells
        self.state, self.words, self.changed, self._hashes = to.state, to.words, to.changed, to.hashes
        self.rule_counts, self.column_counts = to.rule_counts, to.column_counts
        return now

    def _follow(
        self, touched: Rows, changed: Set[str], has_added: bool, foreseen: Sequence[Foreseen] | None = None
    ) -> None:
        rows = touched[(touched >= self.first_data_row) & (touched < self.rows_of_file)]
        keys: list[Words] = []
        # A record that came or went has another verdict in all of its columns.
        alone = RECORD not in changed and not has_added and len(rows) == len(touched)
        share = self.checker.share(changed) if alone else None
        if foreseen is not None and share is not None:
            self._take(foreseen, keys)
        else:
            foreseen = None
            share = self._judge(rows, keys, share)
        if has_added or len(rows) < len(touched):
            self._take_added(keys)
        if len(touched) or has_added:
            self._settle_notes(rows, None if share is None else share.columns, foreseen)
        if not keys:
            return
        for rule in self.checker.unique if share is None else share.unique:
            if sum(held.shape[1] for held in keys) > max(MANY, len(self.state)):
                # As many as of a change of half the table: to look which of them differ costs more than all else.
                self._compare_anew(rule)
                continue
            wanted = distinct(np.concatenate([held[rule.number] for held in keys]))
            wanted = wanted[wanted != 0]
            if len(wanted) > MANY:
                self._compare_anew(rule)
            elif len(wanted):
                self._compare(rule, iter([wanted]))

    # Reading

    def read(self, places: Rows, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """The records at these places (in any order) as they stand; `columns`: only these `c` columns."""
        if len(places) == 0:
            return pl.DataFrame({"_line": pl.Series([], dtype=pl.UInt32), "_flags": pl.Series([], dtype=pl.UInt8)})
        order = np.argsort(places, kind="stable")
        ascending = places[order]
        frames = _each(
            list(self._spans(ascending)), lambda span: self._part_frame(span[0], ascending[span[1] : span[2]], columns)
        )
        frame = pl.concat(list(frames), how="diagonal")
        if np.array_equal(ascending, places):
            return frame
        back = np.empty(len(order), np.int64)
        back[order] = np.arange(len(order))
        return frame[back]

    def stream(self, chosen: Flags, columns: Sequence[str] | None = None) -> Iterator[tuple[Rows, pl.DataFrame]]:
        """All places where `chosen` holds, a part at a time: (places, records as they stand)."""
        places = np.flatnonzero(chosen)
        for at, low, high in self._spans(places):
            yield places[low:high], self._part_frame(at, places[low:high], columns)

    def line_of(self, place: int) -> int:
        return int(self.read(np.array([place]), [])["_line"][0])

    def original(self, row: int, key: str) -> str | None:
        """What the file says in a cell; None where it has none."""
        if not self.first_data_row <= row < self.rows_of_file:
            return None
        part = self.parts[int(np.searchsorted(self._starts, row, side="right")) - 1]
        frame = read_rows(self.locate(part.object), np.array([row - part.first_row]))
        name = f"c{self.positions[key]}"
        text: str | None = frame[name][0] if name in frame.columns else None
        return text

    def _spans(self, places: Rows) -> Iterator[tuple[int, int, int]]:
        """(part, from, to) of ascending places; part -1 = the added rows."""
        edges = [*self._starts.tolist(), self.rows_of_file]
        cuts = np.searchsorted(places, edges)
        for at in range(len(self.parts)):
            if cuts[at] < cuts[at + 1]:
                yield at, int(cuts[at]), int(cuts[at + 1])
        if cuts[-1] < len(places):
            yield -1, int(cuts[-1]), len(places)

    def _part_frame(self, at: int, places: Rows, columns: Sequence[str] | None) -> pl.DataFrame:
        if at < 0:
            frame = self.added_frame[places - self.rows_of_file].drop("_row")
            return frame if columns is None else frame.select(_present(frame, columns))
        part = self.parts[at]
        offsets = places - part.first_row
        path = self.locate(part.object)
        if columns is None and 0 < len(offsets) < part.rows and (np.diff(offsets) == 1).all():
            # As a workbook brings them back, some at a time: of the part only the batches that hold them.
            frame = read_run(path, int(offsets[0]), len(offsets))
        elif len(offsets) * 4 > part.rows:
            frame = read_part(path, None if columns is None else list(dict.fromkeys([*columns, "_line", "_flags"])))
            frame = frame if len(offsets) == part.rows else frame[offsets]
        else:
            frame = read_rows(path, offsets)
            frame = frame if columns is None else frame.select(_present(frame, columns))
        positions = self._positions(columns)
        return overlay(frame, places, self.cells, positions)

    def _positions(self, columns: Sequence[str] | None) -> Mapping[str, int]:
        if columns is None:
            return self.positions
        wanted = set(columns)
        return {key: at for key, at in self.positions.items() if f"c{at}" in wanted}

    # Judging

    def _judge(self, rows: Rows, keys: list[Words], share: Share | None) -> Share | None:
        """`keys` gets the key hashes that the rows had and have. Of a `share` only what it decides is judged, unless a
        record is among them that a change anywhere may mend; then it is None that is returned."""
        unique = self.checker.unique if share is None else share.unique
        held = self.hashes if unique and len(rows) else []
        wanted = [
            (self.parts[at], rows[start : min(high, start + JUDGED_ROWS)], share)
            for at, low, high in self._spans(rows)
            for start in range(low, high, JUDGED_ROWS)
        ]
        whole = share is None
        for some, judgement, deleted, judged in _each(wanted, self._judgement_of):
            if judged is None and not whole:
                return self._judge(rows, keys, None)
            words = judgement.mask if judged is None else self.words[some] & ~judged.bits | judgement.mask
            words = np.where(deleted[:, None], np.uint64(0), words)
            state = masks.judge_state(words, self.checker.invalid_words, deleted).state
            self._set(some, state, words)
            if unique:
                hashes = np.where(deleted[:, None], np.uint64(0), judgement.hashes).T
                keys += [np.array([h[some] for h in held]), hashes]
                for rule in unique:
                    held[rule.number][some] = hashes[rule.number]
        return share

    def _take(self, foreseen: Sequence[Foreseen], keys: list[Words]) -> None:
        """The verdicts that were judged before; `keys` as `_judge` has them."""
        for one in foreseen:
            words = self.words[one.places] & ~one.share.bits | one.mask
            self._set(one.places, masks.judge_state(words, self.checker.invalid_words).state, words)
            if one.share.unique:
                held, hashes = self.hashes, one.hashes.T
                keys += [np.array([h[one.places] for h in held]), hashes]
                for rule in one.share.unique:
                    held[rule.number][one.places] = hashes[rule.number]

    def _judgement_of(self, asked: tuple[LivePart, Rows, Share | None]) -> tuple[Rows, Judgement, Flags, Share | None]:
        """Of some rows of a part: these, what the checker says of them as they stand, which are deleted, and what the
        verdict is of."""
        part, some, share = asked
        path, offsets = self.locate(part.object), some - part.first_row
        if share is not None:
            pieces = list(self.cells.pieces(some, {*share.keys, RECORD}))
            # What lies over all of a column need not be looked under.
            whole = {
                f"c{self.positions[key]}" for key, at, _ in pieces if key in self.positions and len(at) == len(some)
            }
            frame = read_rows(path, offsets, [name for name in share.columns if name not in whole])
            if not self.checker.mendable(frame):
                frame = laid_over(frame, pieces, self.positions)
                return some, self.checker.judge(frame, share), deleted_in(pieces, len(some)), share
        frame, deleted = as_it_stands(self.checker, read_rows(path, offsets), some, self.cells, self.positions)
        return some, self.checker.judge(frame), deleted, None

    def _take_added(self, keys: list[Words]) -> None:
        """The rows that people added, all anew: they are what somebody typed."""
        count = self.rows_of_file
        self._count(slice(count, None), -1)
        self.added = self.cells.added()
        frame = added_frame(self.added, self.cells, self.positions)
        judgement = self.checker.judge(frame)
        state = masks.judge_state(judgement.mask, self.checker.invalid_words).state
        self.added_frame = frame
        self.state = np.concatenate([self.state[:count], state])
        self.words = np.concatenate([self.words[:count], judgement.mask])
        self.changed = np.concatenate([self.changed[:count], np.ones(len(frame), np.bool_)])
        self._count(slice(count, None), 1)
        if self.checker.unique:
            held = self.hashes
            keys += [np.array([h[count:] for h in held]), judgement.hashes.T]
            self._hashes = [np.concatenate([h[:count], own]) for h, own in zip(held, judgement.hashes.T, strict=True)]

    @property
    def hashes(self) -> list[Words]:
        """Per rule the key hash of each place. Of a row that was deleted since its hash was written it is still the
        old one, for whoever shares it must be judged anew; `_judge` takes it away."""
        if self._hashes is None:
            rules = len(self.checker.unique)
            made = [np.zeros(self.rows_of_file, np.uint64) for _ in range(rules)]
            for part in self.parts:
                if part.hashes is not None:
                    span = slice(part.first_row, part.first_row + part.rows)
                    for rule, held in zip(made, masks.read_hashes(self.locate(part.hashes), rules), strict=True):
                        rule[span] = held
            self._hashes = [np.concatenate([rule, np.zeros(len(self.added), np.uint64)]) for rule in made]
        return self._hashes

    def _compare(self, rule: UniqueRule, batches: Iterator[Words] | None) -> None:
        columns = self._columns_of(rule)

        def texts(places: Sequence[tuple[int, Rows]]) -> pl.Series:
            ((_, offsets),) = places
            return self.checker.unique_texts(self.read(offsets, columns), rule)

        for _, offsets, later in uniqueness.later_copies([self.hashes[rule.number]], texts, batches):
            for start in range(0, len(offsets), JUDGED_ROWS):
                some, copies = offsets[start : start + JUDGED_ROWS], later[start : start + JUDGED_ROWS]
                words = np.array(self.words[some])
                for bit in rule.bits:
                    flag = np.uint64(1 << (bit % 64))
                    words[:, bit // 64] &= ~flag
                    words[copies, bit // 64] |= flag
                gone = np.array(self.state[some] == GONE)
                self._set(some, masks.judge_state(words, self.checker.invalid_words, gone).state, words)

    def _compare_anew(self, rule: UniqueRule) -> None:
        words = np.array(self.words)
        for bit in rule.bits:
            words[:, bit // 64] &= ~np.uint64(1 << (bit % 64))
        gone = np.array(self.state == GONE)
        self.state, self.words = masks.judge_state(words, self.checker.invalid_words, gone).state, words
        self._compare(rule, None)
        self._count_all()

    def _compare_all(self) -> None:
        for rule in self.checker.unique:
            self._compare(rule, None)

    def _columns_of(self, rule: UniqueRule) -> Sequence[str] | None:
        columns_of: Callable[[object], Sequence[str]] | None = getattr(self.checker, "columns_of", None)
        return None if columns_of is None else columns_of(rule)

    def _mark_changed(self, rows: Rows) -> None:
        rows = rows[(rows >= self.first_data_row) & (rows < self.rows_of_file)]
        self.changed[rows] = self.cells.edited(rows)

    def _settle_notes(
        self, rows: Rows | None, columns: Collection[str] | None, foreseen: Sequence[Foreseen] | None = None
    ) -> None:
        """The notes whose reason may stand in another row. `rows`: of the file, that changed; None = all were judged;
        `columns`: of the frame, in which they did (None = any); `foreseen`: of these rows, what is known already. Rows
        that people added are few, and asked each time."""
        if not self.checker.table_notes:
            return
        seen: dict[int, Mapping[int, tuple[bool, bool]]] | None = None
        if foreseen is not None:
            own = np.searchsorted(self._starts, [one.places[0] for one in foreseen], side="right") - 1
            seen = dict(zip(own.tolist(), (one.seen for one in foreseen), strict=True))
        table = _Noted(self, seen)
        touched = None if rows is None else table.touched(distinct(rows))
        notes = noting.Notes(self.checker, table, touched, columns)
        for at in range(len(table)):
            words = notes.marked(at)
            if words is not None:
                span = table.span(at)
                gone = np.array(self.state[span] == GONE)
                self._set(span, masks.judge_state(words, self.checker.invalid_words, gone).state, words)

    def columns_of(self, at: int) -> Collection[str]:
        """The columns of a part of the file; -1: of the rows that people added."""
        if at < 0:
            return self.added_frame.columns
        if at not in self._columns_of_parts:
            self._columns_of_parts[at] = frozenset(pl.read_ipc_schema(self.locate(self.parts[at].object)))
        return self._columns_of_parts[at]

    # Counting

    def _set(self, places: Rows | slice, state: npt.NDArray[np.uint8], words: Words) -> None:
        self._count(places, -1)
        self.state[places], self.words[places] = state, words
        self._count(places, 1)

    def _count_all(self) -> None:
        self.rule_counts[:] = 0
        self.column_counts[:] = 0
        for start in range(0, len(self.state), JUDGED_ROWS):
            self._count(slice(start, start + JUDGED_ROWS), 1)

    def _count(self, places: Rows | slice, sign: int) -> None:
        words = self.words[places]
        words = words[words.any(axis=1)]
        if len(words) == 0:
            return
        bits = np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=1, bitorder="little")
        self.rule_counts += sign * bits.sum(axis=0, dtype=np.int64)
        for number, of_column in enumerate(self._column_words.values()):
            self.column_counts[number] += sign * int(np.count_nonzero((words & of_column).any(axis=1)))

    # Choosing

    def standing(self) -> Flags:
        found: Flags = self.state != GONE
        return found

    def counts(self) -> tuple[int, int, int]:
        """Valid, invalid, and of both those that people changed or added."""
        valid, invalid = int(np.count_nonzero(self.state == VALID)), int(np.count_nonzero(self.state == INVALID))
        return valid, invalid, int(np.count_nonzero(self.changed & self.standing()))

    def with_bits(self, bits: Sequence[int]) -> Flags:
        """Where any of the rules has found something."""
        wanted = np.zeros(self.words.shape[1], np.uint64)
        for bit in bits:
            wanted[bit // 64] |= np.uint64(1 << (bit % 64))
        found: Flags = ((self.words & wanted) != 0).any(axis=1)
        return found


@dataclass(frozen=True, slots=True)
class _Noted:
    """The live table as `noting` sees it; its last part are the rows that people added."""

    live: Live
    known: Mapping[int, Mapping[int, tuple[bool, bool]]] | None = None  # by part and note

    def __len__(self) -> int:
        return len(self.live.parts) + 1

    def span(self, at: int) -> slice:
        if at == len(self.live.parts):
            return slice(self.live.rows_of_file, len(self.live.state))
        part = self.live.parts[at]
        return slice(part.first_row, part.first_row + part.rows)

    def touched(self, rows: Rows) -> list[Rows]:
        """Per part the offsets of these, ascending. A look at all of them for each part would cost parts times rows."""
        spans = [self.span(at) for at in range(len(self))]
        of_file = spans[:-1]
        edges = np.searchsorted(rows, [edge for span in of_file for edge in (span.start, span.stop)]).tolist()
        inside = [rows[low:high] - span.start for span, low, high in zip(of_file, edges[::2], edges[1::2], strict=True)]
        return [*inside, np.arange(spans[-1].stop - spans[-1].start)]

    def verdict(self, at: int) -> tuple[npt.NDArray[np.uint8], Words]:
        span = self.span(at)
        return self.live.state[span], self.live.words[span]

    def holds(self, bit: int) -> bool:
        return bool(self.live.rule_counts[bit])

    def reason(self, at: int, bit: int) -> bool | None:
        return None

    def seen(self, at: int, bit: int) -> tuple[bool, bool] | None:
        return None if self.known is None else self.known.get(at, {}).get(bit)

    def columns(self, at: int) -> Collection[str]:
        present = self.live.columns_of(-1 if at == len(self.live.parts) else at)
        return {*present, *(f"c{position}" for position in self.live.positions.values())}

    def read(self, at: int, offsets: Rows, columns: Sequence[str]) -> pl.DataFrame:
        return self.live.read(offsets + self.span(at).start, columns)


def foreseen(
    checker: Checker, positions: Mapping[str, int], frame: pl.DataFrame, pieces: Sequence[Piece]
) -> tuple[Flags, *Foretold] | None:
    """What becomes of records, as they stand, by these changes: which of them are changed; of these a share of their
    verdicts, and what `Foreseen.seen` is. None = they must be judged as a whole."""
    if checker.mendable(frame):
        return None
    changed = np.zeros(len(frame), np.bool_)
    for piece in pieces:
        changed[slice(None) if len(piece.at) == len(frame) else piece.at] = True
    frame = laid_over(frame, pieces, positions)
    if not changed.all():
        frame = frame.filter(pl.Series(changed))
    return changed, *judged(checker, frame, {piece.key for piece in pieces})


def judged(checker: Checker, frame: pl.DataFrame, keys: Set[str]) -> Foretold:
    """Of records that are not mendable, as they are with other cells in the columns `keys`."""
    share: Share = checker.share(keys)
    judgement: Judgement = checker.judge(frame, share)
    return share, judgement, noting.seen_in(checker, frame, judgement.mask, share.bits)


def _each(items: Sequence[T], work: Callable[[T], R]) -> Iterator[R]:
    """`work` over all of them in order: of one, as of most edits, without threads."""
    return map(work, items) if len(items) == 1 else in_order(items, work, ahead=0)


def _present(frame: pl.DataFrame, columns: Sequence[str]) -> list[str]:
    wanted = {*columns, "_line", "_flags"}
    return [name for name in frame.columns if name in wanted]
