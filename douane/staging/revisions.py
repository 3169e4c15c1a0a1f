"""Revisions laid over parts: what people changed, seen through; nothing staged is ever overwritten.

What a revision changed is a frame of `row`, `key`, `text`, one line a cell: few cells are rows in SQL, many are a
columnar part of their own. Revisions lie in layers, and per cell the topmost text stands. The key "" is the
record itself, with the text `deleted` or `added`, or none where it is neither any more.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple, Protocol, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.staging.blocks import Joined, taken
from douane.staging.parts import Rows, distinct, read_part, read_rows, write_part
from douane.staging.spread import MARK, keys_of, lines_of
from douane.values import dataclass

RECORD = ""  # the key that stands for the record itself
DELETED, ADDED = "deleted", "added"

SCHEMA = {"row": pl.Int64, "key": pl.String, "text": pl.String}

_FEW = 1000  # cells that are put in order here: an engine with threads takes longer to begin
_HELD_MAX = 500_000  # cells of a heap in memory
_KEYS_AT_ONCE = 1_000_000
_RUNS_MAX = 4096  # of a layer; one with more is written row by row
_SLICES_MAX = 64

Changes = Mapping[int, Mapping[str, str | None]]  # row -> key -> text (None = the cell is absent)


def frame_of(cells: Iterable[tuple[int, str, str | None]]) -> pl.DataFrame:
    """Changed cells as a layer holds them: by row, each (row, key) once, the last one given."""
    given = list(cells)
    if len(given) <= _FEW:
        last: dict[tuple[int, str], str | None] = {}
        for row, key, text in given:
            last.pop((row, key), None)  # it stands where it is given last
            last[row, key] = text
        given = sorted(((row, key, text) for (row, key), text in last.items()), key=itemgetter(0))
        return pl.DataFrame(given, schema=SCHEMA, orient="row")
    frame = pl.DataFrame(given, schema=SCHEMA, orient="row")
    return topmost([frame]).sort("row", maintain_order=True)


def topmost(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Of each cell the text in the last frame that has it."""
    return pl.concat(frames).unique(["row", "key"], keep="last", maintain_order=True)


def write_cells(frame: pl.DataFrame, path: Path) -> None:
    """Writes a layer as a columnar part: each cell once, in runs of ascending rows. A change of whole columns is best
    written a column after the other, part by part: then a look at some rows finds the cells of a column together."""
    write_part(frame.select(list(SCHEMA)), path)


class Heap:
    """The cells that a change collects, as `write_cells` takes them: in memory while they are few, else in a file below
    `folder`, until it is closed. `keys`: of any of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path: Path | None = None
        self._file: Joined | None = None
        self._frames: list[pl.DataFrame] = []
        self._held = self._count = 0
        self._runs: list[Run] = []
        self.keys: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def __len__(self) -> int:
        return self._count

    def add(self, frame: pl.DataFrame, key: str | None = None) -> None:
        """Further cells, each once. `key`: the one of all of them, where that is known."""
        if len(frame) == 0:
            return
        rows, keys = frame["row"].to_numpy(), frame["key"].unique().to_list() if key is None else [key]
        ascending = len(keys) == 1 and bool((rows[1:] > rows[:-1]).all())
        if self._runs and np.array_equal(rows, self._runs[-1].rows):
            rows = self._runs[-1].rows  # one array for all columns of a part
        self._runs.append(Run(self._count, rows, keys[0] if ascending else None))
        self._count += len(frame)
        self.keys.update(keys)
        self._frames.append(frame.select(list(SCHEMA)))
        self._held += len(frame)
        if self._held > _HELD_MAX:
            self._set_down()

    def _set_down(self) -> None:
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            descriptor, path = tempfile.mkstemp(prefix="cells-", dir=self._folder)
            os.close(descriptor)
            self._path = Path(path)
            self._file = Joined(self._path)
        piece = io.BytesIO()
        write_part(pl.concat(self._frames), piece)
        self._file.add(piece.getbuffer())
        self._frames, self._held = [], 0

    @property
    def rows(self) -> Rows:
        """Of any of the cells, ascending, each once."""
        return _distinct_of(self._runs)

    @property
    def runs(self) -> Sequence[Run] | None:
        """Those of the layer that these cells are, where they are known without a look at it."""
        known = len(self._runs) <= _RUNS_MAX and all(run.key is not None for run in self._runs)
        return list(self._runs) if known else None

    def frame(self, columns: Sequence[str] = tuple(SCHEMA)) -> pl.DataFrame:
        """All of them; none can be added then."""
        if self._file is not None:
            return pl.scan_ipc(self.file()).select(list(columns)).collect()
        return pl.concat(self._frames or [pl.DataFrame(schema=SCHEMA)]).select(list(columns))

    def file(self) -> Path:
        """The layer of all of them, at least one, as a file that is not written to any more; none can be added then."""
        if self._frames:
            self._set_down()
        assert self._file is not None
        assert self._path is not None
        self._file.close()
        return self._path


class Run(NamedTuple):
    """Cells of a layer that stand in it one after the other, from place `start`, whose rows ascend. `key`: whose all of
    them are; None = of several columns, and then a row may stand there again and again."""

    start: int
    rows: Rows
    key: str | None


class Piece(NamedTuple):
    """What a layer says of one column: `at` = where in the rows that were asked for, ascending, each once."""

    key: str
    at: Rows
    texts: pl.Series


class Layer(Protocol):
    """One revision, or several that lie on each other."""

    @property
    def runs(self) -> Sequence[Run]: ...
    @property
    def touched(self) -> Rows:
        """The rows of its cells, ascending, each once."""

    @property
    def edited(self) -> Rows:
        """Those of which it changes cells, and not the record alone."""

    def take(self, at: Rows) -> pl.DataFrame: ...
    def texts(self, at: Rows) -> pl.Series: ...
    def marks(self) -> pl.DataFrame: ...


class Held:
    """A layer in memory."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame
        self.runs = [Run(0, frame["row"].to_numpy(), None)] if len(frame) else []

    @cached_property
    def touched(self) -> Rows:
        return _distinct_of(self.runs)

    def take(self, at: Rows) -> pl.DataFrame:
        return taken(self._frame, at)

    def texts(self, at: Rows) -> pl.Series:
        return self._frame["text"].gather(at)

    def marks(self) -> pl.DataFrame:
        return self._frame.filter(pl.col("key") == RECORD)

    @cached_property
    def edited(self) -> Rows:
        found: Rows = self._frame.filter(pl.col("key") != RECORD)["row"].unique().sort().to_numpy()
        return found


class Stored:
    """A layer in its file: only the row numbers are kept, texts are read where they are needed. `path` may be asked for
    again and again; `marked`: whether any of its keys is the record itself; `runs`: where they are known."""

    def __init__(
        self,
        path: Path | Callable[[], Path],
        *,
        marked: bool = True,
        runs: Sequence[Run] | None = None,
        spread: Across | None = None,
    ) -> None:
        self._path = path
        self._marked = marked
        if spread is not None or runs is not None:
            self.__dict__["_across"] = spread
        if runs is not None:
            self.__dict__["runs"] = runs

    @property
    def path(self) -> Path:
        return self._path if isinstance(self._path, Path) else self._path()

    @cached_property
    def _across(self) -> Across | None:
        """None: the file has a line a cell."""
        keys = keys_of(pl.read_ipc_schema(self.path))
        if keys is None:
            return None
        frame = read_part(self.path, ["row", "hits"])
        return Across(keys, frame["row"].to_numpy(), frame["hits"].to_numpy())

    @cached_property
    def runs(self) -> Sequence[Run]:
        return _runs_of(self.path) if self._across is None else self._across.runs

    @cached_property
    def touched(self) -> Rows:
        return _distinct_of(self.runs) if self._across is None else self._across.rows

    def take(self, at: Rows) -> pl.DataFrame:
        return read_rows(self.path, at) if self._across is None else self._across.take(self.path, at)

    def texts(self, at: Rows) -> pl.Series:
        return read_rows(self.path, at, ["text"])["text"] if self._across is None else self._across.texts(self.path, at)

    def marks(self) -> pl.DataFrame:
        if not self._marked or self._across is not None:
            return pl.DataFrame(schema=SCHEMA)
        return pl.scan_ipc(self.path).filter(pl.col("key") == RECORD).collect()

    @cached_property
    def edited(self) -> Rows:
        if not self._marked or self._across is not None:
            return self.touched
        rows = pl.scan_ipc(self.path).filter(pl.col("key") != RECORD).select("row").collect()["row"]
        found: Rows = rows.unique().sort().to_numpy()
        return found


@dataclass(frozen=True, slots=True)
class Across:
    """A layer with a line a record (`staging/spread.py`). Its cells are counted as if they stood a column after the
    other, each with a place for every row."""

    keys: tuple[str, ...]
    rows: Rows
    hits: npt.NDArray[np.uint64]

    @property
    def runs(self) -> Sequence[Run]:
        return [
            Run(number * len(self.rows), self.rows if at is None else self.rows[at], key)
            for number, key in enumerate(self.keys)
            if (at := self._at(number)) is None or len(at)
        ]

    def _at(self, number: int) -> Rows | None:
        """Which lines have a cell of this column; None = all."""
        held = self.hits >> np.uint64(number) & np.uint64(1) != 0
        return None if held.all() else np.flatnonzero(held)

    def _lines(self, at: Rows) -> Iterator[tuple[str, Rows]]:
        """Of places, column by column: its key, and the lines."""
        of = at // len(self.rows)
        edges = [0, *(np.flatnonzero(np.diff(of)) + 1).tolist(), len(at)]
        for start, stop in pairwise(edges):
            number = int(of[start])
            within, held = at[start:stop] - number * len(self.rows), self._at(number)
            yield self.keys[number], within if held is None else held[within]

    def texts(self, path: Path, at: Rows) -> pl.Series:
        if len(at) == 0:
            return pl.Series("text", [], dtype=pl.String)
        asked = list(self._lines(at))
        same = all(np.array_equal(lines, asked[0][1]) for _, lines in asked[1:])
        lines = asked[0][1] if same else distinct(np.concatenate([lines for _, lines in asked]))
        frame = read_rows(path, lines, list(dict.fromkeys(MARK + key for key, _ in asked)))
        found = [
            frame[MARK + key].alias("text")
            if len(own) == len(lines)
            else frame[MARK + key].gather(np.searchsorted(lines, own)).alias("text")
            for key, own in asked
        ]
        return found[0] if len(found) == 1 else pl.concat(found)

    def take(self, path: Path, at: Rows) -> pl.DataFrame:
        asked = list(self._lines(at)) if len(at) else []
        rows = np.concatenate([self.rows[lines] for _, lines in asked] or [np.zeros(0, np.int64)])
        keys = [pl.repeat(key, len(lines), dtype=pl.String, eager=True) for key, lines in asked]
        return pl.DataFrame(
            [
                pl.Series("row", rows),
                pl.concat(keys).alias("key") if keys else pl.Series("key", [], dtype=pl.String),
                self.texts(path, at),
            ]
        )


def read_cells(path: Path) -> pl.DataFrame:
    """All cells of a layer's file, in whatever form: `row`, `key`, `text`."""
    frame = read_part(path)
    return frame if keys_of(frame.columns) is None else lines_of(frame)


def _runs_of(path: Path) -> Sequence[Run]:
    """Of a file with a line a cell."""
    rows: Rows = read_part(path, ["row"])["row"].to_numpy()
    descents = np.flatnonzero(rows[1:] <= rows[:-1]) + 1
    scan, last = pl.scan_ipc(path).select("key"), None
    starts: list[int] = []
    firsts: list[str] = []
    for start in range(0, len(rows), _KEYS_AT_ONCE):
        keys = scan.slice(start, _KEYS_AT_ONCE).collect()["key"]
        low, high = np.searchsorted(descents, [start, start + len(keys)])
        changed = (keys != keys.shift(1, fill_value=last)).fill_null(True).arg_true().to_numpy().astype(np.int64)
        cuts = distinct(np.concatenate([changed, descents[low:high] - start]))
        if len(starts) + len(cuts) > _RUNS_MAX:
            # Written row by row, each with cells of several columns.
            return [Run(0, rows, None)]
        starts += (cuts + start).tolist()
        firsts += keys.gather(cuts).to_list()
        last = keys[-1]
    found: list[Run] = []
    for (start, stop), key in zip(pairwise([*starts, len(rows)]), firsts, strict=True):
        own = rows[start:stop]
        same = bool(found) and np.array_equal(own, found[-1].rows)  # one array for all columns of a part
        found.append(Run(start, found[-1].rows if same else own.copy(), key))
    return found


def _distinct_of(runs: Sequence[Run]) -> Rows:
    """The rows of all of them, ascending, each once."""
    found: list[Rows] = []
    for run in runs:
        if not found or run.rows is not found[-1]:
            found.append(run.rows)
    return distinct(np.concatenate(found or [np.zeros(0, np.int64)]))


class Cells:
    """The cells that people changed, as they stand: `layers`, the first one lowest. Costs what is asked of it, not what
    was changed."""

    def __init__(self, layers: Sequence[Layer] = ()) -> None:
        self.layers = tuple(layers)

    @classmethod
    def of(cls, changes: Changes) -> Cells:
        cells = ((row, key, text) for row, keys in changes.items() for key, text in keys.items())
        return cls([Held(frame_of(cells))] if changes else [])

    @classmethod
    def open(cls, paths: Sequence[Path]) -> Cells:
        """Of files that `write_cells` made."""
        return cls([Stored(path) for path in paths])

    def __bool__(self) -> bool:
        return bool(self.layers)

    def every(self, rows: Rows) -> list[pl.DataFrame]:
        """All that any layer says of these rows, a frame a layer, the lowest first."""
        wanted = distinct(rows)
        return [frame.drop("at") for layer in self.layers if (frame := _found(layer, wanted, None)) is not None]

    def of_rows(self, rows: Rows, keys: Collection[str] | None = None) -> pl.DataFrame:
        """What stands of these rows (and `keys`): `row`, `key`, `text`."""
        found = self.every(rows)
        if keys is not None:
            found = [frame.filter(pl.col("key").is_in(list(keys))) for frame in found]
        if not found:
            return pl.DataFrame(schema=SCHEMA)
        return found[0] if len(found) == 1 else topmost(found)

    def at(self, rows: Rows, keys: Collection[str] | None = None) -> pl.DataFrame:
        """The same with `at`, where in `rows` the cell's row stands (every place, where a number stands twice); of
        these `keys` only."""
        if _ascending(rows):
            found = [one for layer in self.layers if (one := _found(layer, rows, keys)) is not None]
            if not found:
                return pl.DataFrame(schema={**SCHEMA, "at": pl.Int64})
            return found[0] if len(found) == 1 else topmost(found)
        places = pl.DataFrame({"row": rows, "at": np.arange(len(rows))}, schema={"row": pl.Int64, "at": pl.Int64})
        return places.join(self.of_rows(rows, keys), on="row", how="inner", maintain_order="left")

    def pieces(self, rows: Rows, keys: Collection[str] | None = None) -> Iterator[Piece]:
        """What each layer says of these rows (and `keys`), the lowest first: of a cell, the last piece holds."""
        if not _ascending(rows):
            yield from _pieces_of(self.at(rows, keys))
            return
        for layer in self.layers:
            places = list(_places(layer, rows, keys))
            if not places:
                continue
            if any(key is None for key, _, _ in places):
                yield from _pieces_of(_taken(layer, places, keys))
                continue
            texts, start = layer.texts(np.concatenate([cells for _, cells, _ in places])), 0
            for key, cells, at in places:
                assert key is not None
                yield Piece(key, at, texts.slice(start, len(cells)))
                start += len(cells)

    def changes(self, rows: Sequence[int] | Rows) -> dict[int, dict[str, str | None]]:
        """What stands of a page's rows, for Python."""
        found: dict[int, dict[str, str | None]] = {}
        for row, key, text in self.of_rows(np.array(rows, np.int64)).iter_rows():
            found.setdefault(row, {})[key] = text
        return found

    def touched(self) -> Rows:
        """Every row that any layer says something of, ascending."""
        return distinct(np.concatenate([layer.touched for layer in self.layers] or [np.zeros(0, np.int64)]))

    def edited(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Which of these rows had any cell changed."""
        found = np.zeros(len(rows), np.bool_)
        for layer in self.layers:
            held = layer.edited
            if np.array_equal(held, rows):  # a change of all of them, which need not be looked for one by one
                return np.ones(len(rows), np.bool_)
            if len(held):
                at = np.minimum(np.searchsorted(held, rows), len(held) - 1)
                found |= held[at] == rows
        return found

    def added(self) -> Rows:
        """The rows that people added and that stand, ascending."""
        marks = [marks for layer in self.layers if len(marks := layer.marks())]
        if not marks:
            return np.zeros(0, np.int64)
        rows: Rows = topmost(marks).filter(pl.col("text") == ADDED)["row"].sort().to_numpy()
        return rows


def _ascending(rows: Rows) -> bool:
    return bool((rows[1:] > rows[:-1]).all())


def _places(layer: Layer, wanted: Rows, keys: Collection[str] | None) -> Iterator[tuple[str | None, Rows, Rows]]:
    """Where a layer says something of rows, ascending and each once, run by run: (whose cells, their places in the
    layer, those of their rows in `wanted`)."""
    for start, rows, key in layer.runs if len(wanted) else ():
        if keys is not None and key is not None and key not in keys:
            continue
        low, high = np.searchsorted(rows, [wanted[0], wanted[-1] + 1])
        rows = rows[low:high]
        if len(rows) == 0:
            continue
        if key is not None and np.array_equal(rows, wanted):  # a change of whole columns
            yield key, np.arange(start + low, start + high), np.arange(len(wanted))
            continue
        places = np.searchsorted(wanted, rows)
        held = wanted[places] == rows
        if held.any():
            yield key, np.flatnonzero(held) + (start + int(low)), places[held]


def _found(layer: Layer, wanted: Rows, keys: Collection[str] | None) -> pl.DataFrame | None:
    """What a layer says of rows, ascending and each once, with `at`, their places in `wanted`; None = nothing."""
    places = list(_places(layer, wanted, keys))
    frame = _taken(layer, places, keys) if places else None
    return frame if frame is not None and len(frame) else None


def _taken(layer: Layer, places: Sequence[tuple[str | None, Rows, Rows]], keys: Collection[str] | None) -> pl.DataFrame:
    frame = layer.take(np.concatenate([cells for _, cells, _ in places]))
    frame = frame.with_columns(pl.Series("at", np.concatenate([at for _, _, at in places]), dtype=pl.Int64))
    mixed = keys is not None and any(key is None for key, _, _ in places)
    return frame.filter(pl.col("key").is_in(list(keys or ()))) if mixed else frame


def _pieces_of(standing: pl.DataFrame) -> Iterator[Piece]:
    """The same of what `Cells.at` found."""
    for key, cells in _by_key(standing).items() if len(standing) else ():
        order = cells.sort("at") if not cells["at"].is_sorted() else cells
        yield Piece(key, order["at"].to_numpy(), order["text"])


def _by_key(standing: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The cells of each column."""
    keys = standing["key"]
    if len(standing) <= _FEW:
        known = keys.to_list()
        starts = [at for at, key in enumerate(known) if at == 0 or key != known[at - 1]]
    else:
        starts = (keys != keys.shift(1)).fill_null(True).arg_true().to_list()
    if len(starts) > _SLICES_MAX:
        return {str(key): cells for (key,), cells in standing.partition_by("key", as_dict=True).items()}
    slices: dict[str, list[pl.DataFrame]] = {}
    for start, end in pairwise([*starts, len(standing)]):
        slices.setdefault(keys[start], []).append(standing.slice(start, end - start))
    return {key: cells[0] if len(cells) == 1 else pl.concat(cells) for key, cells in slices.items()}


def overlay(frame: pl.DataFrame, rows: Rows, cells: Cells, positions: Mapping[str, int]) -> pl.DataFrame:
    """The frame with the changed cells in place; `positions` says which `c` column a key is. A changed cell is text,
    whatever kind the file's cell had. Costs what was changed, not what the frame holds."""
    return laid_over(frame, cells.pieces(rows, positions), positions) if cells else frame


def laid_over(frame: pl.DataFrame, pieces: Iterable[Piece], positions: Mapping[str, int]) -> pl.DataFrame:
    """The same with what `Cells.pieces` found for the frame's rows."""
    columns: dict[str, pl.Series] = {}
    present = set(frame.columns)
    for key, at, texts in pieces:
        if key == RECORD or key not in positions:
            continue
        name = f"c{positions[key]}"
        if len(at) == len(frame):
            columns[name] = texts.alias(name)  # all of the column
        else:
            if name not in columns and name in present:
                columns[name] = frame[name]
            elif name not in columns:
                columns[name] = pl.repeat(None, len(frame), dtype=pl.String, eager=True).alias(name)
            columns[name] = columns[name].scatter(at, texts)
        kind = "k" + name[1:]
        if kind in present:
            columns[kind] = columns.get(kind, frame[kind]).scatter(at, 0)
    return frame.with_columns(columns.values()) if columns else frame


def deleted_rows(rows: Rows, cells: Cells) -> npt.NDArray[np.bool_]:
    """Per row whether it was deleted."""
    return deleted_in(cells.pieces(rows, [RECORD]), len(rows)) if cells else np.zeros(len(rows), np.bool_)


def deleted_in(pieces: Iterable[Piece], count: int) -> npt.NDArray[np.bool_]:
    """The same with what `Cells.pieces` found for `count` rows."""
    gone = np.zeros(count, np.bool_)
    for key, at, texts in pieces:
        if key == RECORD:
            gone[at] = (texts == DELETED).fill_null(False).to_numpy()
    return gone


def edited_keys(pieces: Iterable[Piece], count: int) -> list[set[str]]:
    """Per row the keys of the cells that were changed."""
    edited: list[set[str]] = [set() for _ in range(count)]
    for key, at, _ in pieces:
        for row in at.tolist() if key != RECORD else ():
            edited[row].add(key)
    return edited


def added_frame(rows: Sequence[int] | Rows, cells: Cells, positions: Mapping[str, int]) -> pl.DataFrame:
    """A frame of rows that people added, ascending by row number in `_row`; they have no line in any file (0)."""
    numbers = np.sort(np.array(rows, np.int64))
    base = pl.DataFrame(
        {
            "_row": numbers,
            "_line": np.zeros(len(numbers), np.uint32),
            "_flags": np.zeros(len(numbers), np.uint8),
        }
    )
    return overlay(base, numbers, cells, positions)
