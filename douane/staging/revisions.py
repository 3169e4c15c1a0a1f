"""Revisions laid over parts: what people changed, seen through; nothing staged is ever overwritten.

What a revision changed is a frame of `row`, `key`, `text`, one line a cell: few cells are rows in SQL, many are a
columnar part of their own. Revisions lie in layers, and per cell the topmost text stands. The key "" is the
record itself, with the text `deleted` or `added`, or none where it is neither any more.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, Protocol, Self

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.staging.parts import Rows, distinct, read_part, read_rows, sink_part, write_part

RECORD = ""  # the key that stands for the record itself
DELETED, ADDED = "deleted", "added"

SCHEMA = {"row": pl.Int64, "key": pl.String, "text": pl.String}

_HELD_MAX = 500_000  # cells of a heap in memory
_KEYS_AT_ONCE = 1_000_000
_RUNS_MAX = 4096  # of a layer; one with more is written row by row
_SLICES_MAX = 64

Changes = Mapping[int, Mapping[str, str | None]]  # row -> key -> text (None = the cell is absent)


def frame_of(cells: Iterable[tuple[int, str, str | None]]) -> pl.DataFrame:
    """Changed cells as a layer holds them: by row, each (row, key) once, the last one given."""
    frame = pl.DataFrame(list(cells), schema=SCHEMA, orient="row")
    return topmost([frame]).sort("row", maintain_order=True)


def topmost(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Of each cell the text in the last frame that has it."""
    return pl.concat(frames).unique(["row", "key"], keep="last", maintain_order=True)


def write_cells(frame: pl.DataFrame, path: Path) -> None:
    """Writes a layer as a columnar part: each cell once, in runs of ascending rows. A change of whole columns is best
    written a column after the other, part by part: then a look at some rows finds the cells of a column together."""
    write_part(frame.select(list(SCHEMA)), path)


class Heap:
    """The cells that a change collects, as `write_cells` takes them: in memory while they are few, else in files below
    `folder`, until it is closed. `keys`: of any of them."""

    def __init__(self, folder: Path) -> None:
        self._parent, self._folder = folder, ""
        self._files: list[Path] = []
        self._frames: list[pl.DataFrame] = []
        self._held = 0
        self._rows: list[Rows] = []
        self.keys: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def __len__(self) -> int:
        return sum(map(len, self._rows))

    def add(self, frame: pl.DataFrame) -> None:
        """Further cells, each once."""
        if len(frame) == 0:
            return
        self._rows.append(frame["row"].to_numpy())
        self.keys.update(frame["key"].unique().to_list())
        self._frames.append(frame.select(list(SCHEMA)))
        self._held += len(frame)
        if self._held > _HELD_MAX:
            if not self._folder:
                self._parent.mkdir(parents=True, exist_ok=True)
                self._folder = tempfile.mkdtemp(prefix="cells-", dir=self._parent)
            self._files.append(Path(self._folder) / f"{len(self._files):06}")
            write_cells(pl.concat(self._frames), self._files[-1])
            self._frames, self._held = [], 0

    @property
    def rows(self) -> Rows:
        """Of any of the cells, ascending, each once."""
        return distinct(np.concatenate(self._rows or [np.zeros(0, np.int64)]))

    def frame(self, columns: Sequence[str] = tuple(SCHEMA)) -> pl.DataFrame:
        """All of them."""
        return self._all().select(list(columns)).collect()

    def write(self, path: Path) -> None:
        if self._files:
            sink_part(self._all(), path)
        else:
            write_cells(self.frame(), path)

    def _all(self) -> pl.LazyFrame:
        held = [frame.lazy() for frame in self._frames]
        return pl.concat([*map(pl.scan_ipc, self._files), *held] or [pl.LazyFrame(schema=SCHEMA)])


class Run(NamedTuple):
    """Cells of a layer, from one place of it to another, whose rows ascend. `key`: whose all of them are; None = of
    several columns, and then a row may stand there again and again."""

    start: int
    stop: int
    key: str | None


class Layer(Protocol):
    """One revision, or several that lie on each other. `rows`: of each cell."""

    @property
    def rows(self) -> Rows: ...
    @property
    def runs(self) -> Sequence[Run]: ...
    @property
    def edited(self) -> Rows:
        """The rows of which it changes cells, and not the record alone; ascending, each once."""

    def take(self, at: Rows) -> pl.DataFrame: ...
    def marks(self) -> pl.DataFrame: ...


class Held:
    """A layer in memory."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame
        self.rows: Rows = frame["row"].to_numpy()
        self.runs = [Run(0, len(frame), None)] if len(frame) else []

    def take(self, at: Rows) -> pl.DataFrame:
        return self._frame[at]

    def marks(self) -> pl.DataFrame:
        return self._frame.filter(pl.col("key") == RECORD)

    @cached_property
    def edited(self) -> Rows:
        found: Rows = self._frame.filter(pl.col("key") != RECORD)["row"].unique().sort().to_numpy()
        return found


class Stored:
    """A layer in its file: only the row numbers are kept, texts are read where they are needed. `path` may be asked for
    again and again; `marked`: whether any of its keys is the record itself."""

    def __init__(self, path: Path | Callable[[], Path], *, marked: bool = True) -> None:
        self._path = path
        self._marked = marked

    @property
    def path(self) -> Path:
        return self._path if isinstance(self._path, Path) else self._path()

    @cached_property
    def rows(self) -> Rows:
        rows: Rows = read_part(self.path, ["row"])["row"].to_numpy()
        return rows

    @cached_property
    def runs(self) -> Sequence[Run]:
        rows = self.rows
        descents = np.flatnonzero(rows[1:] <= rows[:-1]) + 1
        scan, last = pl.scan_ipc(self.path).select("key"), None
        starts: list[int] = []
        firsts: list[str] = []
        for start in range(0, len(rows), _KEYS_AT_ONCE):
            keys = scan.slice(start, _KEYS_AT_ONCE).collect()["key"]
            low, high = np.searchsorted(descents, [start, start + len(keys)])
            changed = (keys != keys.shift(1, fill_value=last)).fill_null(True).arg_true().to_numpy().astype(np.int64)
            cuts = distinct(np.concatenate([changed, descents[low:high] - start]))
            if len(starts) + len(cuts) > _RUNS_MAX:
                # Written row by row, each with cells of several columns.
                return [Run(0, len(rows), None)]
            starts += (cuts + start).tolist()
            firsts += keys.gather(cuts).to_list()
            last = keys[-1]
        return [Run(*edges, key) for edges, key in zip(pairwise([*starts, len(rows)]), firsts, strict=True)]

    def take(self, at: Rows) -> pl.DataFrame:
        return read_rows(self.path, at)

    def marks(self) -> pl.DataFrame:
        if not self._marked:
            return pl.DataFrame(schema=SCHEMA)
        return pl.scan_ipc(self.path).filter(pl.col("key") == RECORD).collect()

    @cached_property
    def edited(self) -> Rows:
        if not self._marked:
            return distinct(self.rows)
        rows = pl.scan_ipc(self.path).filter(pl.col("key") != RECORD).select("row").collect()["row"]
        found: Rows = rows.unique().sort().to_numpy()
        return found


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
        if len(rows) == 0 or (rows[1:] > rows[:-1]).all():
            found = [one for layer in self.layers if (one := _found(layer, rows, keys)) is not None]
            if not found:
                return pl.DataFrame(schema={**SCHEMA, "at": pl.Int64})
            return found[0] if len(found) == 1 else topmost(found)
        places = pl.DataFrame({"row": rows, "at": np.arange(len(rows))}, schema={"row": pl.Int64, "at": pl.Int64})
        return places.join(self.of_rows(rows, keys), on="row", how="inner", maintain_order="left")

    def changes(self, rows: Sequence[int] | Rows) -> dict[int, dict[str, str | None]]:
        """What stands of a page's rows, for Python."""
        found: dict[int, dict[str, str | None]] = {}
        for row, key, text in self.of_rows(np.array(rows, np.int64)).iter_rows():
            found.setdefault(row, {})[key] = text
        return found

    def touched(self) -> Rows:
        """Every row that any layer says something of, ascending."""
        return distinct(np.concatenate([layer.rows for layer in self.layers] or [np.zeros(0, np.int64)]))

    def edited(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Which of these rows had any cell changed."""
        found = np.zeros(len(rows), np.bool_)
        for layer in self.layers:
            held = layer.edited
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


def _found(layer: Layer, wanted: Rows, keys: Collection[str] | None) -> pl.DataFrame | None:
    """What a layer says of rows, ascending and each once, with `at`, their places in `wanted`; None = nothing."""
    cells: list[Rows] = []
    ats: list[Rows] = []
    for start, stop, key in layer.runs if len(wanted) else ():
        if keys is not None and key is not None and key not in keys:
            continue
        rows = layer.rows[start:stop]
        low, high = np.searchsorted(rows, wanted[0], "left"), np.searchsorted(rows, wanted[-1], "right")
        rows = rows[low:high]
        places = np.searchsorted(wanted, rows)
        held = wanted[places] == rows
        cells.append(np.flatnonzero(held) + (start + int(low)))
        ats.append(places[held])
    if not any(map(len, cells)):
        return None
    frame = layer.take(np.concatenate(cells)).with_columns(pl.Series("at", np.concatenate(ats), dtype=pl.Int64))
    if keys is not None and any(run.key is None for run in layer.runs):
        frame = frame.filter(pl.col("key").is_in(list(keys)))
    return frame if len(frame) else None


def _by_key(standing: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """The cells of each column."""
    keys = standing["key"]
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
    return laid_over(frame, cells.at(rows), positions) if cells else frame


def laid_over(frame: pl.DataFrame, standing: pl.DataFrame, positions: Mapping[str, int]) -> pl.DataFrame:
    """The same with what `Cells.at` found for the frame's rows."""
    if len(standing) == 0:
        return frame
    present = set(frame.columns)
    columns: list[pl.Series] = []
    for key, changed in _by_key(standing).items():
        if key == RECORD or key not in positions:
            continue
        name = f"c{positions[key]}"
        if len(changed) == len(frame) and (changed["at"].to_numpy() == np.arange(len(frame))).all():
            columns.append(changed["text"].alias(name))  # all of the column
        else:
            absent = pl.repeat(None, len(frame), dtype=pl.String, eager=True).alias(name)
            old = frame[name] if name in present else absent
            columns.append(old.scatter(changed["at"], changed["text"]))
        kind = "k" + name[1:]
        if kind in present:
            columns.append(frame[kind].scatter(changed["at"], 0))
    return frame.with_columns(columns) if columns else frame


def deleted_rows(rows: Rows, cells: Cells) -> npt.NDArray[np.bool_]:
    """Per row whether it was deleted."""
    return deleted_in(cells.at(rows), len(rows)) if cells else np.zeros(len(rows), np.bool_)


def deleted_in(standing: pl.DataFrame, count: int) -> npt.NDArray[np.bool_]:
    """The same with what `Cells.at` found for `count` rows."""
    gone = np.zeros(count, np.bool_)
    gone[standing.filter((pl.col("key") == RECORD) & (pl.col("text") == DELETED))["at"].to_numpy()] = True
    return gone


def edited_keys(standing: pl.DataFrame, count: int) -> list[list[str]]:
    """Per row the keys of the cells that were changed."""
    edited: list[list[str]] = [[] for _ in range(count)]
    for at, key in zip(standing["at"].to_list(), standing["key"].to_list(), strict=True):
        if key != RECORD:
            edited[at].append(key)
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
