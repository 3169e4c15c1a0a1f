"""JSON: an array of objects or of rows, objects one after the other, one value a line (NDJSON), or a sequence of values
behind record separators (RFC 7464, RFC 8142).

The file is read twice. The first reading checks all of it and collects the keys in the order they appear, so late keys
are columns like any other; the second gives the records. Record 0 of a file of objects is a heading record made of the
keys, with line 0. Cells are the source's own text: numbers as they are written, strings decoded, nested values as
compact JSON, null as an absent cell.

Where the kernel is (`sheet/native`), it cuts and reads; what it finds odd is read here, value by value.

A value that is no JSON ends the reading where values can't be told apart any more (an array, objects without line
breaks); in a file of one value a line it is a broken record: its text stands in the first cell.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import polars as pl

from douane.errors import BadFile, OverLimit
from douane.sheet import native
from douane.sheet.formats import (
    FLAG_BROKEN,
    FLAG_OVERLONG,
    FLAG_SHORT,
    Batch,
    Detected,
    First,
    Limits,
    Options,
    Piece,
    Position,
    Reader,
    Source,
)
from douane.sheet.formats.brackets import brackets, ends, turns
from douane.sheet.formats.dialect import usual_width
from douane.sheet.formats.json_value import (
    SPACE,
    Value,
    cell_of,
    decoded,
    is_value,
    line_values,
    no_json,
    no_table,
    scalars_of,
    unusable,
    value_of,
)
from douane.sheet.formats.stream import UNKNOWN_SIZE, uploaded_bytes
from douane.sheet.formats.text_encoding import Encoding, detect_unicode, transcribed
from douane.sheet.native import objects
from douane.sheet.white_space import WHITE, is_blank
from douane.values import dataclass

MARK = b"\x1e"  # stands before each value of a sequence, and raw in none of them
FIRST_RECORDS = 1000
SLICE_CELLS = 500_000
# Pieces with more cells than this are cut smaller: a frame costs 16 bytes a cell before any text.
CELLS_MAX = 4_000_000
CELLS_A_RECORD = 5
LINE_MAX = (1 << 32) - 1
ODD_AT_ONCE = 64  # keys that come late make objects odd until they are known

_BEGIN = re.compile(rb'\s*(?:\{\s*["}]|\[\s*(?:[\[\{"\-\d\]]|true\b|false\b|null\b|\Z)|\{\s*\Z)')


def recognise(head: bytes, source: Source) -> bool:
    """True for what begins as an array or an object does; also for what only means to be one (`[NaN]`), by its last
    sign, so that it is refused as no JSON and not read as text of one column."""
    encoding = detect_unicode(head)
    text = head[encoding.mark :]
    if text.startswith(MARK):
        return text.lstrip(SPACE + MARK).startswith((b"[", b"{"))
    if encoding.transcribe:
        text = text[: len(text) - len(text) % 4].decode(encoding.name, "ignore").encode("utf-8", "ignore")
    first, second = (text.lstrip(SPACE).split(b"\n", 2) + [b""])[:2]
    if second and not any(map(is_value, (first, second))) and all(map(_is_bracketed, (first, second))):
        return False  # a column of values in brackets, not an array
    if _BEGIN.match(text):
        return True
    if not text.lstrip(SPACE).startswith((b"[", b"{")) or source.size == UNKNOWN_SIZE:
        return False
    return source.read(max(source.size - 1024, 0), 1024).rstrip(SPACE).endswith((b"]", b"}"))


def open(source: Source, options: Options) -> Reader:
    """A reader for JSON. BadFile `file_broken` (no JSON; says the line), `file_type` (no table), `file_empty`;
    OverLimit for `columns`, `json_depth`, `json_digits` and `record_bytes`."""
    head = source.read(0, 64 << 10)
    encoding = detect_unicode(head, options.encoding)
    if head[encoding.mark :].startswith(MARK):
        source = _Unmarked(source)
    text = transcribed(source, encoding) if encoding.transcribe else source
    layout = _find_layout(text, Position(0, 0 if encoding.transcribe else encoding.mark), options)
    reader = JsonReader(text, layout, options)
    reader.survey(encoding)
    return reader


class _Unmarked:
    """A sequence's bytes with its marks as white space, so that nothing changes its place."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.size = source.size

    def read(self, offset: int, length: int) -> bytes:
        return self._source.read(offset, length).replace(MARK, b" ")


@dataclass(frozen=True, slots=True)
class _Layout:
    """`lines`: one value a line. `depth`: how many brackets are open around the values (an array's own: 1)."""

    lines: bool
    depth: int
    top: Position


class JsonReader:
    """An opened JSON file."""

    detected: Detected

    def __init__(self, text: Source, layout: _Layout, options: Options) -> None:
        self._text = text
        self._layout = layout
        self._limits = options.limits
        self._piece_bytes = options.piece_bytes
        self._keys: dict[str, int] = {}
        kernel = native.kernel()
        self._known = None if kernel is None else objects.Keys(kernel)
        self._surveyed = False
        self._values_max = 1 << 62  # in a piece; until the width is known there are no frames
        self.first: First | None = None

    def survey(self, encoding: Encoding) -> None:
        """The first reading: checks everything, finds keys and width. Must be called once before `pieces`."""
        keys: dict[str, None] = {}
        first_rows: list[tuple[int, list[str]]] = []
        widths: list[int] = []
        kinds: set[type] = set()
        trouble: BadFile | None = None
        for piece in self._cut(self._layout.top):
            for value in piece.news(self._known):
                trouble = trouble or value.error
                if isinstance(value.content, dict):
                    kinds.add(dict)
                    late = [key for key in value.content if key not in keys]
                    keys.update(dict.fromkeys(late))
                    if len(keys) > self._limits.columns:
                        raise OverLimit(f"The file has more than {self._limits.columns:,} keys", setting="columns")
                    if self._known is not None:
                        self._known.add(late)
                elif isinstance(value.content, list):
                    kinds.add(list)
                    if len(widths) < FIRST_RECORDS:
                        widths.append(len(value.content))
                    if len(first_rows) < FIRST_RECORDS:
                        row = [cell_of(raw, self._limits)[0] or "" for raw in value.content]
                        first_rows.append((value.line, row))
        if not kinds:
            raise trouble or BadFile("File is empty", code="file_empty")
        if dict in kinds:
            self._keys = {key: i for i, key in enumerate(keys)}
            width = len(keys)
        else:
            if max(widths) > self._limits.columns:
                raise OverLimit(f"A record has more than {self._limits.columns:,} values", setting="columns")
            width = usual_width(widths)
            filled = [(line, row) for line, row in first_rows if not is_blank(row)]
            self.first = First([row for _, row in filled], [line for line, _ in filled]) if filled else None
        if not width:
            raise trouble or BadFile("File is empty", code="file_empty")
        self._surveyed = True
        self._values_max = CELLS_MAX // (width + CELLS_A_RECORD) + 1
        self.detected = Detected(
            format="ndjson" if self._layout.lines else "json",
            width=width,
            header_row=0 if dict in kinds else None,
            encoding=encoding.name,
            notes=encoding.notes,
            headings=tuple(keys),
        )

    def pieces(self, start: Position = Position()) -> Iterator[Piece]:
        header, width = self.detected.header_row, self.detected.width
        headings = 0 if self._keys else width if header is None else len(self.detected.headings)
        for piece in self._cut(start if start.piece else self._layout.top):
            yield JsonPiece(piece, self._keys, width, headings, self._known if self._keys else None)

    def _cut(self, at: Position) -> Iterator[_Run]:
        while True:
            run = self._line_run(at) if self._layout.lines else self._value_run(at)
            if run is None:
                return
            yield run
            if run.last:
                return
            at = run.next

    def _line_run(self, at: Position) -> _Run | None:
        window = self._text.read(at.offset, self._piece_bytes)
        if len(window) < self._piece_bytes:
            size = len(window)
        else:
            size = window.rfind(b"\n") + 1
            if not size and self._piece_bytes < self._limits.record_bytes:
                window = self._text.read(at.offset, self._limits.record_bytes)
                size = window.find(b"\n") + 1 or (len(window) if len(window) < self._limits.record_bytes else 0)
        if not window:
            return None
        if window.count(b"\n", 0, size) > self._values_max:
            ends = np.flatnonzero(np.frombuffer(window, np.uint8, size) == ord("\n"))
            size = int(ends[self._values_max - 1]) + 1
        if not size:
            after = Position(at.piece + 1, self._next_line(at.offset + len(window)), at.line + 1)
            return self._run(at, window[: self._limits.cell_bytes], after, 1, overlong=True)
        after = self._after(at, window, size)
        return self._run(at, window[:size], after, after.line - at.line + 1)

    def _next_line(self, offset: int) -> int:
        while block := self._text.read(offset, 1 << 20):
            found = block.find(b"\n") + 1
            if found:
                return offset + found
            offset += len(block)
        return offset

    def _value_run(self, at: Position) -> _Run | None:
        """The values up to the last one that ends in the window."""
        wanted = self._piece_bytes
        depth = self._layout.depth
        while True:
            window = self._text.read(at.offset, wanted)
            ended = len(window) < wanted
            found = ends(window, depth, self._values_max)
            most = min(found.values, self._values_max)
            if found.depth_max > self._limits.json_depth + depth:
                raise OverLimit(f"Values are nested deeper than {self._limits.json_depth}", setting="json_depth")
            if found.values > self._values_max:
                size = found.most_end
                return self._run(at, window[:size], self._after(at, window, size), most)
            if depth and found.closed:  # the array ends here
                size = found.closed
                if window[size - 1 : size] != b"]":
                    raise no_json("brackets do not match", at.line + window.count(b"\n", 0, size))
                self._only_space(at.offset + size)
                return self._run(at, window[:size], self._after(at, window, size), most, last=True)
            if ended and not window.strip(SPACE) and (self._surveyed or not depth):
                return None
            if ended and (depth or not found.brackets or found.depth != 0):
                raise no_json("it ends early", at.line + window.count(b"\n"))
            if ended:
                return self._run(at, window, self._after(at, window, len(window)), most)
            if found.values:
                size = found.end
                return self._run(at, window[:size], self._after(at, window, size), most)
            if wanted > self._limits.record_bytes:
                if not found.brackets:
                    raise BadFile("The JSON file is no table: its values are not objects.", code="file_type")
                raise OverLimit(
                    f"The value on line {at.line:,} has more than {self._limits.record_bytes:,} bytes",
                    setting="record_bytes",
                )
            wanted = min(2 * wanted, self._limits.record_bytes + 1)

    def _after(self, at: Position, window: bytes, size: int) -> Position:
        return Position(at.piece + 1, at.offset + size, at.line + window.count(b"\n", 0, size))

    def _only_space(self, offset: int) -> None:
        while block := self._text.read(offset, 1 << 20):
            if block.strip(SPACE):
                raise BadFile("The file is no JSON: something follows after its end.", code="file_broken")
            offset += len(block)

    def _run(
        self, at: Position, data: bytes, after: Position, most: int, overlong: bool = False, last: bool = False
    ) -> _Run:
        return _Run(
            number=at.piece,
            data=data,
            line=at.line,
            most=most,
            next=after,
            bytes_done=uploaded_bytes(self._text, after.offset),
            layout=self._layout,
            limits=self._limits,
            first=at.offset == self._layout.top.offset,
            last=last,
            overlong=overlong,
        )


@dataclass(frozen=True, slots=True)
class _Run:
    """A run of whole values, at most so many that begin with a bracket or on a line of their own. `first`: no comma
    stands before the first one; `last`: the array's end is in it; `overlong`: it is the beginning of a line that is too
    long."""

    number: int
    data: bytes
    line: int
    most: int
    next: Position
    bytes_done: int
    layout: _Layout
    limits: Limits
    first: bool
    last: bool
    overlong: bool

    @property
    def body(self) -> bytes:
        return self.data[:-1] if self.last else self.data

    @property
    def form(self) -> objects.Form:
        limits, layout = self.limits, self.layout
        return objects.Form(
            layout.lines, layout.depth, self.first, limits.json_depth, limits.json_digits, limits.cell_bytes
        )

    def news(self, known: objects.Keys | None) -> Iterator[Value]:
        """The values without those that are plain objects of `known` keys. These may become more on the way."""
        kernel = native.kernel()
        if known is None or kernel is None or self.overlong:
            yield from self.values()
            return
        body, form, at, line = self.body, self.form, 0, self.line
        last: tuple[int, int] | None = None
        while at < len(body):
            found = objects.survey(kernel, body, form, known, at, line, ODD_AT_ONCE)
            for begin, stop, begins_on, _ in found.odds.tolist():
                yield from self.exact(begin, stop, begins_on)
            at, line, last = found.stop, found.line, found.last or last
            if found.given_up:
                break
            form = form._replace(first=False)
        else:
            return
        if last is None:
            yield from self.values()
        else:  # the last value once more, for what is wrong behind it is said to be on its line
            rest = replace(self, data=self.data[last[0] :], line=last[1], first=True)
            yield from islice(rest.values(), 1, None)

    def exact(self, begin: int, stop: int, line: int) -> Iterator[Value]:
        """What stands there, a line or a value in brackets."""
        data = self.data[begin:stop]
        if self.layout.lines:
            yield from line_values(data, line, self.limits)
            return
        value = value_of(data, line, self.limits)
        if value.error is not None:
            raise value.error
        yield value

    def values(self) -> Iterator[Value]:
        if self.overlong:
            error = OverLimit(
                f"Line {self.line:,} has more than {self.limits.record_bytes:,} bytes", setting="record_bytes"
            )
            yield unusable(self.data, self.line, FLAG_OVERLONG, error, self.limits)
        elif self.layout.lines:
            for number, text in enumerate(self.data.split(b"\n"), self.line):
                if text.strip(SPACE):
                    yield from line_values(text, number, self.limits)
        else:
            yield from self._bracketed_values()

    def _bracketed_values(self) -> Iterator[Value]:
        """Values cut apart by their brackets; what is between them must be commas, or values without brackets."""
        depth = self.layout.depth
        places, depths = brackets(self.data, depth)
        turn = turns(self.data, places)
        begins = places[(depths == depth + 1) & (turn > 0)].tolist()
        stops = (places[(depths == depth) & (turn < 0)] + 1).tolist()
        line, counted, done = self.line, 0, 0
        for begin, stop in zip(begins, stops, strict=True):
            yield from self._between(done, begin, line, False)
            line += self.data.count(b"\n", counted, begin)
            counted, done = begin, stop
            yield from self.exact(begin, stop, line)
        yield from self._between(done, len(self.data) - self.last, line, True)

    def _between(self, begin: int, end: int, line: int, last: bool) -> Iterator[Value]:
        """The scalars between two bracketed values, each a record that can't be used."""
        text = self.data[begin:end].strip(SPACE)
        opening = begin == 0 and self.first
        inner = text
        if self.layout.depth:
            if not opening and inner.startswith(b","):
                inner = inner[1:]
                comma_before = True
            else:
                comma_before = opening
            comma_after = last or inner.endswith(b",") or (not inner and comma_before)
            if not last and inner.endswith(b","):
                inner = inner[:-1]
            if not inner.strip(SPACE):
                wanted = b"" if last or opening else b","
                if text == wanted:
                    return
                raise no_json("a comma too many or too few", line)
            if not (comma_before and comma_after):
                raise no_json("a comma is missing", line)
        if not inner:
            return
        for scalar in scalars_of(inner, self.layout.depth > 0, line):
            yield unusable(bytes(scalar), line, FLAG_BROKEN, no_table(), self.limits)


@dataclass(frozen=True, slots=True)
class JsonPiece:
    """`keys`: where each key of an object stands; empty in a file of rows. `known`: the same for the kernel."""

    run: _Run
    keys: dict[str, int]
    width: int
    headings: int
    known: objects.Keys | None = None

    @property
    def number(self) -> int:
        return self.run.number

    @property
    def _most(self) -> int:
        return 2 * (CELLS_MAX // (self.width + CELLS_A_RECORD) + 1)

    def parse(self) -> Batch:
        kernel = native.kernel()
        if kernel is not None and self.known is not None and not self.run.overlong:
            batch = self._by_kernel(kernel, self.known)
            if batch is not None:
                return batch
        table = self._table()
        for number, value in enumerate(self.run.values()):
            if number > self._most:  # many on a line, or many that are no objects: nothing that a piece could be cut at
                raise no_json("too many values without a line end between them", value.line)
            self._add(table, value)
        return Batch(table.frame(), table.blank, self.run.next, self.run.bytes_done)

    def _table(self) -> _Table:
        table = _Table(self.width)
        if self.run.number == 0 and self.keys:
            table.add([*self.keys], 0, 0, None, None)
        return table

    def _by_kernel(self, kernel: native.Kernel, known: objects.Keys) -> Batch | None:
        """As `parse`; None where the kernel gives up, or there are too many values."""
        run, most = self.run, self._most
        found = objects.read(kernel, run.body, run.form, known, run.line, run.most)
        if found is None or found.frame is None:
            return None
        table = self._table()
        before, odd = [0] * table.rows, 0
        for begin, stop, line, records in found.odds.tolist():
            for value in run.exact(begin, stop, line):
                if records + odd > most:
                    return None
                odd += 1
                self._add(table, value)
                before += [records] * (table.rows - len(before))
        if found.records + odd > most + 1:
            return None
        flags = pl.Series("_flags", np.zeros(found.records, np.uint8))
        frame = found.frame.with_columns(pl.Series("_line", found.lines), flags)
        if before:
            frame = _between_others(table.frame(), frame, before)
        return Batch(frame, table.blank, run.next, run.bytes_done)

    def _add(self, table: _Table, value: Value) -> None:
        limits, flags = self.run.limits, value.flags
        cells: list[str | None] = [None] * self.width
        extra: list[str | None] = []
        if isinstance(value.content, dict):
            for key, raw in value.content.items():
                cells[self.keys[key]], flag = cell_of(raw, limits)
                flags |= flag
        elif isinstance(value.content, list) and not self.keys:
            read = [cell_of(raw, limits) for raw in value.content[: limits.columns]]
            for _, flag in read:
                flags |= flag
            if len(value.content) > limits.columns:
                flags |= FLAG_OVERLONG
            if len(read) < self.headings:
                flags |= FLAG_SHORT
            texts = [text for text, _ in read]
            cells[: len(texts)] = texts[: self.width]
            extra = texts[self.width :]
        else:
            row = b"[" + b",".join(map(bytes, value.content)) + b"]" if isinstance(value.content, list) else b""
            cells[0] = decoded(row[: limits.cell_bytes])[0] if row else value.text
            flags |= FLAG_BROKEN if row else 0
        if not flags and not extra and _is_blank(cells):
            table.blank += 1
            return
        surplus = json.dumps([text or "" for text in extra], ensure_ascii=False) if extra else None
        table.add(cells, value.line, flags, surplus, value.raw)


def _is_blank(cells: Sequence[str | None]) -> bool:
    return all(not (text and text.strip(WHITE)) for text in cells)


def _between_others(some: pl.DataFrame, others: pl.DataFrame, before: Sequence[int]) -> pl.DataFrame:
    """Both in one frame; `before`: how many of the others come before each of some."""
    places = np.asarray(before, np.int64) + np.arange(len(before))
    at_others = np.ones(len(some) + len(others), np.bool_)
    at_others[places] = False
    order = np.empty(len(at_others), np.int64)
    order[~at_others] = np.arange(len(some))
    order[at_others] = len(some) + np.arange(len(others))
    return pl.concat([some, others], how="diagonal", rechunk=True)[order]


class _Table:
    """Records on their way into a frame. Lists of Python texts weigh many times what columns do: a slice at a time."""

    def __init__(self, width: int) -> None:
        self.blank = self.rows = 0
        self._names = [f"c{i}" for i in range(width)]
        self._slice = max(1, SLICE_CELLS // width)
        self._frames: list[pl.DataFrame] = []
        self._rows: list[tuple[Any, ...]] = []

    def add(self, cells: Sequence[str | None], line: int, flags: int, extra: str | None, raw: bytes | None) -> None:
        self.rows += 1
        self._rows.append((*cells, min(line, LINE_MAX), flags, extra, raw))
        if len(self._rows) >= self._slice:
            self._turn()

    def frame(self) -> pl.DataFrame:
        self._turn()
        frame = pl.concat(self._frames)
        return frame.drop(name for name in ("_extra", "_raw") if frame[name].null_count() == frame.height)

    def _turn(self) -> None:
        schema: dict[str, pl.DataType | type[pl.DataType]] = dict.fromkeys(self._names, pl.String)
        schema |= {"_line": pl.UInt32, "_flags": pl.UInt8, "_extra": pl.String, "_raw": pl.Binary}
        columns = zip(*self._rows, strict=True) if self._rows else [()] * len(schema)
        self._frames.append(pl.DataFrame(dict(zip(schema, columns, strict=True)), schema=schema))
        self._rows = []


# ---- where values begin and end --------------------------------------------------------------------------------------


def _find_layout(text: Source, top: Position, options: Options) -> _Layout:
    """Whether the file has one value a line, told from its first lines; else whether it is one array."""
    head = text.read(top.offset, max(4 * options.limits.cell_bytes, 1 << 20))
    begin = len(head) - len(head.lstrip(SPACE))
    lines = [line for line in head[begin:].split(b"\n", 100) if line.strip(SPACE)][:100]
    whole = [is_value(line) for line in lines[:2]]
    is_array = head[begin : begin + 1] == b"["
    indented = any(line.strip(SPACE) in (b"{", b"[") for line in lines)
    by_line = whole[0] and (not is_array or len(lines) > 1)
    bad_first = not is_array and len(lines) > 1 and lines[1].lstrip(SPACE).startswith(b"{") and whole[1]
    if (by_line or bad_first) and not indented:
        return _Layout(True, 0, top)
    if is_array:
        return _Layout(False, 1, Position(0, top.offset + begin + 1, top.line + head.count(b"\n", 0, begin)))
    return _Layout(False, 0, top)


def _is_bracketed(line: bytes) -> bool:
    line = line.strip(SPACE)
    return line[:1] + line[-1:] == b"[]"
