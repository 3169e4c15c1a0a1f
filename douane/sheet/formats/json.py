"""JSON: an array of objects or of rows, objects one after the other, one value a line (NDJSON), or a sequence of values
behind record separators (RFC 7464, RFC 8142).

The file is read twice. The first reading checks all of it and collects the keys in the order they appear, so late keys
are columns like any other; the second gives the records. Record 0 of a file of objects is a heading record made of the
keys, with line 0. Cells are the source's own text: numbers as they are written, strings decoded, nested values as
compact JSON, null as an absent cell.

A value that is no JSON ends the reading where values can't be told apart any more (an array, objects without line
breaks); in a file of one value a line it is a broken record: its text stands in the first cell.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from douane.errors import BadFile, OverLimit
from douane.sheet.formats import (
    FLAG_BROKEN,
    FLAG_OVERLONG,
    FLAG_SHORT,
    FLAG_UNDECODABLE,
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
from douane.sheet.formats.dialect import usual_width
from douane.sheet.formats.stream import UNKNOWN_SIZE, uploaded_bytes
from douane.sheet.formats.text_encoding import Encoding, detect_unicode, transcribed
from douane.sheet.white_space import WHITE, is_blank

SPACE = b" \t\r\n"
MARK = b"\x1e"  # stands before each value of a sequence, and raw in none of them
FIRST_RECORDS = 1000
SLICE_CELLS = 500_000
# Pieces with more cells than this are cut smaller: a frame costs 16 bytes a cell before any text.
CELLS_MAX = 4_000_000
CELLS_A_RECORD = 5
LINE_MAX = (1 << 32) - 1

_BEGIN = re.compile(rb'\s*(?:\{\s*["}]|\[\s*(?:[\[\{"\-\d\]]|true\b|false\b|null\b|\Z)|\{\s*\Z)')
_TABLE = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ROW = msgspec.json.Decoder(list[msgspec.Raw])
_ANY = msgspec.json.Decoder(msgspec.Raw)
_STRING = msgspec.json.Decoder(str)
_SPACE_OUTSIDE = re.compile(rb'("(?:[^"\\]|\\.)*+")|[ \t\r\n]+', re.DOTALL)
_SPACED_COLON = re.compile(rb'"[ \t\r\n]+:')
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)

Places = npt.NDArray[np.int64]
_TURN = np.zeros(256, np.int8)
_TURN[[ord("{"), ord("[")]] = 1
_TURN[[ord("}"), ord("]")]] = -1


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
    if second and not any(map(_is_value, (first, second))) and all(map(_is_bracketed, (first, second))):
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
            for value in piece.values():
                trouble = trouble or value.error
                if isinstance(value.content, dict):
                    kinds.add(dict)
                    if not keys.keys() >= value.content.keys():
                        keys.update(dict.fromkeys(value.content))
                        if len(keys) > self._limits.columns:
                            raise OverLimit(f"The file has more than {self._limits.columns:,} keys", setting="columns")
                elif isinstance(value.content, list):
                    kinds.add(list)
                    if len(widths) < FIRST_RECORDS:
                        widths.append(len(value.content))
                    if len(first_rows) < FIRST_RECORDS:
                        row = [_cell(raw, self._limits)[0] or "" for raw in value.content]
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
            yield JsonPiece(piece, self._keys, width, headings)

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
        overlong = not size
        offset = at.offset + size
        if overlong:
            offset = self._next_line(at.offset + len(window))
            size = min(len(window), self._limits.cell_bytes)
        after = Position(at.piece + 1, offset, at.line + 1 if overlong else at.line + window.count(b"\n", 0, size))
        return self._run(at, window[:size], after, overlong)

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
            places, depths = _brackets(window, depth)
            if len(depths) and depths.max() > self._limits.json_depth + depth:
                raise OverLimit(f"Values are nested deeper than {self._limits.json_depth}", setting="json_depth")
            closing = np.flatnonzero(depths < depth)
            whole = np.flatnonzero((depths == depth) & (_TURN[np.frombuffer(window, np.uint8)[places]] < 0))
            if len(whole) > self._values_max:
                size = int(places[whole[self._values_max - 1]]) + 1
                return self._run(at, window[:size], self._after(at, window, size))
            if depth and len(closing):  # the array ends here
                size = int(places[closing[0]]) + 1
                if window[size - 1 : size] != b"]":
                    raise _no_json("brackets do not match", at.line + window.count(b"\n", 0, size))
                self._only_space(at.offset + size)
                return self._run(at, window[:size], self._after(at, window, size), last=True)
            if ended and not window.strip(SPACE) and (self._surveyed or not depth):
                return None
            if ended and (depth or not len(depths) or depths[-1] != 0):
                raise _no_json("it ends early", at.line + window.count(b"\n"))
            if ended:
                return self._run(at, window, self._after(at, window, len(window)))
            if len(whole):
                size = int(places[whole[-1]]) + 1
                return self._run(at, window[:size], self._after(at, window, size))
            if wanted > self._limits.record_bytes:
                if not len(places):
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

    def _run(self, at: Position, data: bytes, after: Position, overlong: bool = False, last: bool = False) -> _Run:
        return _Run(
            number=at.piece,
            data=data,
            line=at.line,
            next=after,
            bytes_done=uploaded_bytes(self._text, after.offset),
            layout=self._layout,
            limits=self._limits,
            first=at.offset == self._layout.top.offset,
            last=last,
            overlong=overlong,
        )


class _Value(NamedTuple):  # there may be millions
    """One value of the file. `content`: an object's or a row's values as JSON text; None if it is neither, then `text`
    stands for it and `error` is what the file is refused for if it has nothing better. `raw`: its bytes where `content`
    does not say all of them."""

    line: int
    content: dict[str, msgspec.Raw] | list[msgspec.Raw] | None
    flags: int = 0
    text: str = ""
    raw: bytes | None = None
    error: BadFile | None = None


@dataclass(frozen=True, slots=True)
class _Run:
    """A run of whole values. `first`: no comma stands before the first one; `last`: the array's end is in it;
    `overlong`: it is the beginning of a line that is too long."""

    number: int
    data: bytes
    line: int
    next: Position
    bytes_done: int
    layout: _Layout
    limits: Limits
    first: bool
    last: bool
    overlong: bool

    def values(self) -> Iterator[_Value]:
        if self.overlong:
            error = OverLimit(
                f"Line {self.line:,} has more than {self.limits.record_bytes:,} bytes", setting="record_bytes"
            )
            yield _unusable(self.data, self.line, FLAG_OVERLONG, error, self.limits)
        elif self.layout.lines:
            for number, text in enumerate(self.data.split(b"\n"), self.line):
                if text.strip(SPACE):
                    yield from _line_values(text, number, self.limits)
        else:
            yield from self._bracketed_values()

    def _bracketed_values(self) -> Iterator[_Value]:
        """Values cut apart by their brackets; what is between them must be commas, or values without brackets."""
        depth = self.layout.depth
        places, depths = _brackets(self.data, depth)
        turns = _TURN[np.frombuffer(self.data, np.uint8)[places]]
        begins = places[(depths == depth + 1) & (turns > 0)].tolist()
        ends = (places[(depths == depth) & (turns < 0)] + 1).tolist()
        line, counted, done = self.line, 0, 0
        for begin, end in zip(begins, ends, strict=True):
            yield from self._between(done, begin, line, False)
            line += self.data.count(b"\n", counted, begin)
            counted, done = begin, end
            value = _value(self.data[begin:end], line, self.limits)
            if value.error is not None:
                raise value.error
            yield value
        yield from self._between(done, len(self.data) - self.last, line, True)

    def _between(self, begin: int, end: int, line: int, last: bool) -> Iterator[_Value]:
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
                raise _no_json("a comma too many or too few", line)
            if not (comma_before and comma_after):
                raise _no_json("a comma is missing", line)
        if not inner:
            return
        try:
            scalars = _ROW.decode(b"[" + inner + b"]") if self.layout.depth else [_ANY.decode(inner)]
        except (msgspec.DecodeError, RecursionError) as fault:
            raise _no_json(str(fault), line) from None
        for scalar in scalars:
            yield _unusable(bytes(scalar), line, FLAG_BROKEN, _no_table(), self.limits)


@dataclass(frozen=True, slots=True)
class JsonPiece:
    """`keys`: where each key of an object stands; empty in a file of rows."""

    run: _Run
    keys: dict[str, int]
    width: int
    headings: int

    @property
    def number(self) -> int:
        return self.run.number

    def parse(self) -> Batch:
        table = _Table(self.width)
        most = 2 * (CELLS_MAX // (self.width + CELLS_A_RECORD) + 1)
        if self.run.number == 0 and self.keys:
            table.add([*self.keys], 0, 0, None, None)
        for number, value in enumerate(self.run.values()):
            if number > most:  # many on one line, or many that are no objects: nothing that a piece could be cut at
                raise _no_json("too many values without a line end between them", value.line)
            self._add(table, value)
        return Batch(table.frame(), table.blank, self.run.next, self.run.bytes_done)

    def _add(self, table: _Table, value: _Value) -> None:
        limits, flags = self.run.limits, value.flags
        cells: list[str | None] = [None] * self.width
        extra: list[str | None] = []
        if isinstance(value.content, dict):
            for key, raw in value.content.items():
                cells[self.keys[key]], flag = _cell(raw, limits)
                flags |= flag
        elif isinstance(value.content, list) and not self.keys:
            read = [_cell(raw, limits) for raw in value.content[: limits.columns]]
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
            cells[0] = _decoded(row[: limits.cell_bytes])[0] if row else value.text
            flags |= FLAG_BROKEN if row else 0
        if not flags and not extra and _is_blank(cells):
            table.blank += 1
            return
        surplus = json.dumps([text or "" for text in extra], ensure_ascii=False) if extra else None
        table.add(cells, value.line, flags, surplus, value.raw)


def _is_blank(cells: Sequence[str | None]) -> bool:
    return all(not (text and text.strip(WHITE)) for text in cells)


class _Table:
    """Records on their way into a frame. Lists of Python texts weigh many times what columns do: a slice at a time."""

    def __init__(self, width: int) -> None:
        self.blank = 0
        self._names = [f"c{i}" for i in range(width)]
        self._slice = max(1, SLICE_CELLS // width)
        self._frames: list[pl.DataFrame] = []
        self._rows: list[tuple[Any, ...]] = []

    def add(self, cells: Sequence[str | None], line: int, flags: int, extra: str | None, raw: bytes | None) -> None:
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


# ---- one value -------------------------------------------------------------------------------------------------------


def _line_values(text: bytes, line: int, limits: Limits) -> Iterator[_Value]:
    """Mostly one value; several objects may stand on a line."""
    value = _value(text, line, limits)
    if value.content is None and text.count(b"}") > 1:
        places, depths = _brackets(text, 0)
        ends = (places[depths == 0] + 1).tolist()
        if len(ends) > 1 and not text[ends[-1] :].strip(SPACE):
            several = [_value(text[begin:end], line, limits) for begin, end in zip([0, *ends[:-1]], ends, strict=True)]
            if all(part.content is not None for part in several):
                yield from several
                return
    yield value


def _value(data: bytes, line: int, limits: Limits) -> _Value:
    text, flags = data, 0
    if not data.isascii() and not _is_utf8(data):
        # A doubled backslash: within a string the byte then reads as \xNN, and elsewhere the value is no JSON anyway.
        shown = _ESCAPED_BYTE.sub(
            lambda byte: f"\\\\x{ord(byte[0]) - 0xDC00:02x}", data.decode("utf-8", "surrogateescape")
        )
        text, flags = shown.encode(), FLAG_UNDECODABLE
    try:
        _check_depth(text, line, limits)
        try:
            content = _content(text)
        except msgspec.DecodeError:
            if b"\\u" not in text:
                raise
            # Half a surrogate pair is no text: its escape is shown as it is written.
            text = _ESCAPE.sub(lambda escape: b"\\" + escape[0] if escape[1] else escape[0], text)
            content, flags = _content(text), flags | FLAG_UNDECODABLE
        _check_digits(text, line, limits)
    except OverLimit as limit:
        return _unusable(data, line, flags | FLAG_BROKEN, limit, limits)
    except (msgspec.DecodeError, RecursionError) as fault:
        return _unusable(data, line, flags | FLAG_BROKEN, _no_json(str(fault), line), limits)
    if content is None:
        return _unusable(data, line, flags | FLAG_BROKEN, _no_table(), limits)
    if isinstance(content, dict) and _has_double_keys(text, len(content)):
        flags |= FLAG_BROKEN
    return _Value(line, content, flags, raw=data.strip(SPACE) if flags else None)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _unusable(data: bytes, line: int, flags: int, error: BadFile, limits: Limits) -> _Value:
    data = data.strip(SPACE)
    text, undecodable = _decoded(data[: limits.cell_bytes])
    return _Value(
        line, None, flags | (FLAG_UNDECODABLE if undecodable else 0), text, data if undecodable else None, error
    )


def _content(text: bytes) -> dict[str, msgspec.Raw] | list[msgspec.Raw] | None:
    """The values of an object or of an array; None for any other JSON."""
    begin = text.lstrip(SPACE)[:1]
    if begin == b"{":
        return _TABLE.decode(text)
    if begin == b"[":
        return _ROW.decode(text)
    _ANY.decode(text)
    return None


def _check_depth(text: bytes, line: int, limits: Limits) -> None:
    most = limits.json_depth
    if text.count(b"[") + text.count(b"{") > most and _brackets(text, 0)[1].max(initial=0) > most:
        raise OverLimit(f"Line {line:,}: values are nested deeper than {most}", setting="json_depth")


def _check_digits(text: bytes, line: int, limits: Limits) -> None:
    if len(text) > limits.json_digits:
        for found in _long_number(limits.json_digits).finditer(text):
            if found[1]:
                raise OverLimit(
                    f"Line {line:,}: a number has more than {limits.json_digits:,} digits", setting="json_digits"
                )


@lru_cache(maxsize=4)
def _long_number(digits: int) -> re.Pattern[bytes]:
    return re.compile(rb'"(?:[^"\\]++|\\.)*+"|([-+.eE\d]{%d})' % (digits + 1), re.DOTALL)


def _has_double_keys(text: bytes, keys: int) -> bool:
    """True if an object names a key twice: all but the last value would be lost. Counting colons is mostly enough."""
    if text.count(b":") == keys or (text.count(b'":') == keys and not _SPACED_COLON.search(text)):
        return False
    return len(json.loads(text, object_pairs_hook=list, parse_int=str, parse_float=str)) != keys


def _cell(value: msgspec.Raw, limits: Limits) -> tuple[str | None, int]:
    """A value as a cell: its text, and flags."""
    raw = bytes(value)
    begin = raw[:1]
    if begin == b'"':
        text = _STRING.decode(raw) if b"\\" in raw else raw[1:-1].decode()
    elif raw == b"null":
        return None, 0
    elif begin in b"{[":
        text = _SPACE_OUTSIDE.sub(lambda found: found[1] or b"", raw).decode()
    else:
        text = raw.decode()
    if len(raw) > limits.cell_bytes and len(text.encode()) > limits.cell_bytes:
        return text.encode()[: limits.cell_bytes].decode("utf-8", "ignore"), FLAG_OVERLONG
    return text, 0


def _decoded(data: bytes) -> tuple[str, bool]:
    try:
        return data.decode(), False
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            return data[: error.start].decode(), False
        return data.decode("utf-8", "backslashreplace"), True


def _no_table() -> BadFile:
    return BadFile("The JSON file is no table: its values are not objects.", code="file_type")


def _no_json(reason: str, line: int) -> BadFile:
    return BadFile(f"The file is no JSON: {reason} (line {line:,}).", code="file_broken")


# ---- where values begin and end --------------------------------------------------------------------------------------


def _find_layout(text: Source, top: Position, options: Options) -> _Layout:
    """Whether the file has one value a line, told from its first lines; else whether it is one array."""
    head = text.read(top.offset, max(4 * options.limits.cell_bytes, 1 << 20))
    begin = len(head) - len(head.lstrip(SPACE))
    lines = [line for line in head[begin:].split(b"\n", 100) if line.strip(SPACE)][:100]
    whole = [_is_value(line) for line in lines[:2]]
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


def _is_value(text: bytes) -> bool:
    try:
        _ANY.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _brackets(text: bytes, depth: int) -> tuple[Places, npt.NDArray[np.int64]]:
    """The brackets of `text` outside of strings, and how many are open behind each; `depth` are before the first."""
    signs = np.frombuffer(text, np.uint8)
    quotes = np.flatnonzero(signs == ord('"'))
    if b"\\" in text:
        quotes = quotes[~_escaped(signs, quotes)]
    places = np.flatnonzero(_TURN[signs])
    places = places[np.searchsorted(quotes, places) % 2 == 0]
    return places, depth + np.cumsum(_TURN[signs[places]], dtype=np.int64)


def _escaped(signs: npt.NDArray[np.uint8], quotes: Places) -> npt.NDArray[np.bool_]:
    """Which quotes have an odd number of backslashes before them."""
    slashes = np.flatnonzero(signs == ord("\\"))
    first = np.concatenate(([True], np.diff(slashes) != 1))
    run_begins = slashes[first]
    number = np.searchsorted(run_begins, quotes) - 1
    before = quotes > 0
    before[before] = signs[quotes[before] - 1] == ord("\\")
    lengths = np.zeros(len(quotes), np.int64)
    lengths[before] = quotes[before] - run_begins[number[before]]
    odd: npt.NDArray[np.bool_] = lengths % 2 == 1
    return odd
