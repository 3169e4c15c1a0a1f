"""A replacement over a staged table, part by part: what it changes, and the verdicts then (`line/sheet.Replace`)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl

from douane.child.parts import write_piece
from douane.child.sheet_table import Table
from douane.child.wire import Wire
from douane.line import sheet as line
from douane.line.sheet import Met, Replaced
from douane.line.staged import Part
from douane.sheet import native
from douane.sheet.native.renew import Renewed, renewed
from douane.sheet.searching import Search
from douane.staging import masks
from douane.staging.live import Flags, Foretold, foreseen, judged
from douane.staging.parts import Rows, read_part, read_rows
from douane.staging.revisions import Piece, overlay
from douane.staging.spread import MARK, batch_rows, piece_of
from douane.staging.turns import in_order

# Larger batches than of a part: more is written than is looked at, and a page still unpacks one in a few milliseconds.
_BATCH_ROWS = 4096
# Fewer where cells become long: who looks at one unpacks its batch, and none can hold over 2 GiB of a column.
_BATCH_BYTES = 8 << 20


def replace(spec: line.Replace, folder: Path, wire: Wire) -> None:
    work = _Work(spec, folder)
    done, total = 0, sum(part.rows for part in spec.parts)
    for part, said in in_order(range(len(spec.parts)), work.of_part):
        if said is not None:
            wire.send(said)
        done += spec.parts[part].rows
        wire.progress("replacing", done, total, "rows", done)


class _Work:
    def __init__(self, spec: line.Replace, folder: Path) -> None:
        self._spec, self._folder = spec, folder
        self._table = Table(spec)
        self._checker = self._table.checker()
        self._search = Search(spec.find, spec.case_sensitive, spec.whole)
        share = self._checker.share(set(spec.keys))
        positions = self._table.positions
        self._positions = {key: positions[key] for key in {*spec.keys, *share.keys}}
        self._columns = list(dict.fromkeys([*(f"c{positions[key]}" for key in spec.keys), *share.columns]))

    def of_part(self, number: int) -> tuple[int, Replaced | None]:
        """On any thread."""
        renewed = self._renewed(number)
        if renewed is not None:
            return number, self._said_of(number, *renewed)
        rows, frame = self._records(number)
        hits = np.zeros(len(rows), np.uint64)
        texts: dict[str, pl.Series | None] = dict.fromkeys(self._spec.keys)
        pieces: list[Piece] = []
        everywhere = np.arange(len(rows))
        for bit, key in enumerate(self._spec.keys):
            before = self._cells(frame, key)
            hit, after = self._search.changed(before, self._spec.replace)
            if len(after) == 0:
                continue
            if len(after) == len(rows):
                at = everywhere
                texts[key] = after
                hits |= np.uint64(1 << bit)
            else:
                at = hit.arg_true().to_numpy().astype(np.int64)
                texts[key] = before.new_from_index(0, 0).extend_constant(None, len(rows)).scatter(at, after)
                hits[at] |= np.uint64(1 << bit)
            pieces.append(Piece(key, at, after))
        if not pieces:
            return number, None
        return number, self._said(number, rows, frame, hits, texts, pieces)

    def _said(
        self,
        number: int,
        rows: Rows,
        frame: pl.DataFrame,
        hits: masks.Words,
        texts: dict[str, pl.Series | None],
        pieces: list[Piece],
    ) -> Replaced:
        sample = tuple(self._sample(rows, frame, pieces))
        seen = foreseen(self._checker, self._table.positions, frame, pieces)
        foretold = None if seen is None else seen[1:]
        piece, touched = piece_of(rows, hits, texts), hits != 0
        if not touched.all():
            piece, rows, hits = piece.filter(pl.Series(touched)), rows[touched], hits[touched]
        write_piece(piece, self._cells_path(number), batch_rows(piece, _BATCH_ROWS, _BATCH_BYTES))
        return self._told(number, rows, hits, foretold, sample)

    def _cells_path(self, number: int) -> Path:
        return self._folder / f"cells-{number:07}"

    def _told(
        self,
        number: int,
        rows: Rows,
        hits: masks.Words,
        seen: Foretold | None,
        sample: tuple[Met, ...],
    ) -> Replaced:
        """`rows` and `hits` of those that are changed, whose cells are written."""
        found = self._folder / f"found-{number:07}"
        with found.open("wb") as out:
            rows.tofile(out)
            hits.tofile(out)
            if seen is not None:
                _, judgement, _ = seen
                judgement.mask.tofile(out)
                judgement.hashes.tofile(out)
        return Replaced(
            at=number,
            rows=len(rows),
            cells=self._cells_path(number),
            found=found,
            judged=seen is not None,
            seen={} if seen is None else seen[2],
            sample=sample,
        )

    # By the kernel, where nobody changed the part before and most of its records are looked at

    def _renewed(self, number: int) -> tuple[Renewed, Flags | None] | None:
        """And which records are looked at; None = all."""
        spec, part, kernel = self._spec, self._spec.parts[number], native.kernel()
        plain = spec.case_sensitive and not spec.whole and spec.find not in ("", spec.replace)
        if kernel is None or not plain or self._is_changed(part):
            return None
        mask = spec.picked[number]
        picked = None if mask is None else np.array(masks.read_mask(mask).state < masks.GONE)
        if picked is not None and 2 * np.count_nonzero(picked) < part.rows:
            return None
        columns = {f"c{self._table.positions[key]}": MARK + key for key in spec.keys}
        if len(columns) < len(spec.keys):
            return None
        at = part.path, part.first_row, part.rows
        made = renewed(kernel, at, columns, (spec.find, spec.replace), self._cells_path(number), picked)
        return None if made is None else (made, picked)

    def _is_changed(self, part: Part) -> bool:
        edges = [part.first_row, part.first_row + part.rows]
        return any(np.diff(np.searchsorted(layer.touched, edges))[0] for layer in self._table.cells.layers)

    def _said_of(self, number: int, renewed: Renewed, picked: Flags | None) -> Replaced | None:
        part, hits, after = self._spec.parts[number], renewed.hits, renewed.cells
        touched = hits != 0
        rows = np.flatnonzero(touched)
        if len(rows) == 0:
            return None
        frame = self._laid(part, renewed)
        seen = None
        if not self._checker.mendable(frame if picked is None else frame.filter(pl.Series(picked))):
            met = int(np.bitwise_or.reduce(hits))
            keys = {key for bit, key in enumerate(self._spec.keys) if met >> bit & 1}
            whole = len(rows) == part.rows
            seen = judged(self._checker, frame if whole else frame.filter(pl.Series(touched)), keys)
        if len(rows) < part.rows:
            hits = hits[touched]
        first = rows[: self._spec.sample]
        sample = self._sample_of(first + part.first_row, hits, read_rows(part.path, first), after[first])
        return self._told(number, rows + part.first_row, hits, seen, sample)

    def _laid(self, part: Part, renewed: Renewed) -> pl.DataFrame:
        """The part's records as they are afterwards, in the columns that are looked at."""
        present = set(pl.read_ipc_schema(part.path))
        columns = [cells for cells in renewed.cells.get_columns() if cells.name in present]
        made = {cells.name for cells in columns}
        frame = read_part(part.path, [name for name in self._columns if name not in made])
        for bit, key in enumerate(self._spec.keys):
            kind = f"k{self._table.positions[key]}"
            if kind in frame.columns:  # a changed cell is text, whatever kind the file's cell had
                columns.append(frame[kind].scatter(np.flatnonzero(renewed.hits >> np.uint64(bit) & np.uint64(1)), 0))
        return frame.with_columns(columns)

    def _sample_of(self, rows: Rows, hits: masks.Words, before: pl.DataFrame, after: pl.DataFrame) -> tuple[Met, ...]:
        """The first cells, row by row; frames of these rows."""
        found = (
            Met(int(row), key, self._cells(before, key)[at], after[f"c{self._table.positions[key]}"][at])
            for at, (row, of_row) in enumerate(zip(rows.tolist(), hits.tolist(), strict=False))
            for bit, key in enumerate(self._spec.keys)
            if of_row >> bit & 1
        )
        return tuple(islice(found, self._spec.sample))

    def _records(self, number: int) -> tuple[Rows, pl.DataFrame]:
        """Those looked at, as they stand."""
        part: Part = self._spec.parts[number]
        picked = self._spec.picked[number]
        frame = read_part(part.path, self._columns)
        rows = np.arange(part.first_row, part.first_row + part.rows)
        if picked is not None:
            at = masks.view_offsets(masks.read_mask(picked).state, "all")
            if len(at) < part.rows:
                frame, rows = frame[at], rows[at]
        return rows, overlay(frame, rows, self._table.cells, self._positions)

    def _cells(self, frame: pl.DataFrame, key: str) -> pl.Series:
        name = f"c{self._table.positions[key]}"
        if name in frame.columns:
            return frame[name]
        return pl.repeat(None, len(frame), dtype=pl.String, eager=True)

    def _sample(self, rows: Rows, frame: pl.DataFrame, pieces: list[Piece]) -> Iterator[Met]:
        """The first cells, row by row."""
        first = []
        for order, piece in enumerate(pieces):
            before = self._cells(frame, piece.key)
            shown = piece.texts.head(self._spec.sample).to_list()
            for at, after in zip(piece.at[: len(shown)].tolist(), shown, strict=True):
                first.append((at, order, Met(int(rows[at]), piece.key, before[at], after)))
        for _, _, met in sorted(first, key=lambda one: one[:2])[: self._spec.sample]:
            yield met
