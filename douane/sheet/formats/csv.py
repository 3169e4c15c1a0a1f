"""Delimited text: cut at record boundaries, parsed piece by piece, every cell as Python's `csv` reads it.

The rule is that of `csv` with strict off: a quote opens a field only at a field start, a doubled quote inside is one
quote, text after the closing quote belongs to the field, and LF, CRLF and a lone CR all end a line.

Where the kernel is (`sheet/native`), it cuts and reads in one pass, and what it marks as odd is read by `csv`. It may
cut elsewhere where quotes are stray; what is read is the same.

Without it, most pieces are read by Polars, which agrees with `csv` on well-formed records only. So a piece is scanned
first (numpy, or a regular expression where stray quotes make parity lie), the records that Polars can't read exactly
are taken out and read by `csv`, and what Polars leaves open (a short row or empty cells?) is settled by counting
delimiters.

Cutting and parsing work on bytes in which line ends, quotes and delimiters are single ASCII bytes: the file's own bytes
for UTF-8 and for the encodings that extend ASCII, else its transcription to UTF-8 (`text_encoding`).

Long on purpose: the rule, the fast lane, and what the fast lane cannot be trusted with are one argument.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.errors import BadFile, OverLimit
from douane.model.reading import Note
from douane.sheet import native
from douane.sheet.formats import (
    FLAG_BROKEN,
    FLAG_OVERLONG,
    FLAG_SHORT,
    FLAG_UNDECODABLE,
    Batch,
    Detected,
    Fact,
    First,
    Limits,
    Options,
    Piece,
    Position,
    Reader,
    Source,
)
from douane.sheet.formats.dialect import (
    Dialect,
    Spelling,
    detect_dialect,
    detect_spelling,
    is_ascii_delimited,
    usual_width,
)
from douane.sheet.formats.facts import END_SIGN, JOINED_CELLS, JOINING_QUOTES, WIDER, fact, sentence
from douane.sheet.formats.loose_delimiters import Joining, joining_of, rejoined, wider
from douane.sheet.formats.respelled import Respelling, respelled, respelling
from douane.sheet.formats.rewritten import CELL, Trimmed, ascii_records, requoted, without_end_sign
from douane.sheet.formats.stream import UNKNOWN_SIZE, uploaded_bytes
from douane.sheet.formats.text_encoding import Encoding, detect_encoding, transcribed
from douane.sheet.white_space import WHITE, is_blank
from douane.values import dataclass

HEAD_BYTES = 1 << 20
HEAD_RECORDS = 1000
# A frame costs 16 bytes a cell before any text, a scan some 50 bytes a record and 8 a quote: pieces with more of them
# are cut smaller.
CELLS_MAX = 4_000_000
CELLS_A_RECORD = 5
QUOTES_MAX = 2_000_000
_SPELLINGS_MAX = 3  # one within the other
REREAD_BYTES = 64 << 10
LINE_MAX = (1 << 32) - 1

# `csv` refuses cells over 128 KiB by default; our own limits stand before it. The setting is the process's.
csv.field_size_limit((1 << 31) - 1)

Positions = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def recognise(head: bytes, source: Source) -> bool:
    """Anything that no other member claimed; `open` refuses what is no text."""
    return True


def open(source: Source, options: Options) -> Reader:
    """A reader for delimited text. BadFile `file_empty`, `file_type` or `encoding_unknown`; OverLimit for more columns
    than `limits.columns` in the first 1,000 records."""
    ending = source.size
    notes: tuple[Note, ...] = ()
    source = without_end_sign(source)
    encoding = detect_encoding(source, options.encoding)
    text, top = _text(source, encoding)
    head, whole = _head(text, top, options.limits)
    sample = encoding.to_utf8(head)
    if options.delimiter in (None, "\x1f") and options.quote is None and is_ascii_delimited(sample):
        text, top = ascii_records(text, top), 0
        head, whole = _head(text, top, options.limits)
        sample = encoding.to_utf8(head)
        dialect = Dialect("\x1f")
    else:
        dialect, notes = detect_dialect(sample, whole, options.delimiter, options.quote)
    if source.size < ending:
        notes = (*notes, *map(sentence, fact(END_SIGN, (), 1)))
    if not encoding.transcribe and encoding.may_hide(dialect.delimiter):
        encoding = dataclasses.replace(encoding, transcribe=True)
        text, top = _text(source, encoding)
    named = options.delimiter is not None or options.quote is not None or dialect.delimiter_byte == CELL
    changed = not named and respelling(sample, whole, dialect) is not None
    if changed:
        text, top, encoding, dialect, more = _respelled(source, encoding, dialect, options.limits)
        head, whole = _head(text, top, options.limits)
        sample = encoding.to_utf8(head)
        notes = (*notes, *more)
    spelling = Spelling() if options.quote is not None else detect_spelling(sample, dialect)
    if spelling.spaced or spelling.escapes:
        if encoding.may_hide("\\") and not encoding.transcribe:
            encoding = dataclasses.replace(encoding, transcribe=True)
            text, top = _text(source, encoding)
        sign, limit = dialect.delimiter_byte, options.limits.record_bytes
        top += dialect.skip_bytes
        text = requoted(text, top, sign, escapes=spelling.escapes, record_bytes=limit)
        dialect, top = dataclasses.replace(dialect, skip_bytes=0), 0
        head, whole = _head(text, top, options.limits)
        sample = encoding.to_utf8(head)
    notes = (*notes, *spelling.notes)
    rows = _sample_rows(sample[dialect.skip_bytes :], whole, dialect, options.limits)
    filled = [(line, row) for line, row in rows if not is_blank(row)]
    if not filled and (whole or _is_blank_file(text, top)):
        raise BadFile("File is empty", code="file_empty")
    filled = filled or [(1, [""])]
    first = First([row for _, row in filled], [line + dialect.skip_lines for line, _ in filled])
    joining = None
    if options.header in (None, first.lines[0]) and (joining := joining_of(first.rows, dialect.delimiter)):
        first = First([joining.joined(row) or row for row in first.rows], first.lines)
    top += dialect.skip_bytes
    detected = Detected(
        format="csv",
        width=usual_width([len(row) for row in first.rows]),
        header_row=None,
        encoding=encoding.name,
        # Where the cells are told otherwise, a sign of ours parts them.
        delimiter=None if changed and dialect.delimiter_byte == CELL else dialect.delimiter,
        quote=None if changed and dialect.delimiter_byte == CELL else dialect.quote,
        notes=tuple(encoding.notes) + notes,
    )
    start = Position(0, top, 1 + dialect.skip_lines)
    trimmed = source if isinstance(source, Trimmed) else None
    shape = _Shape(detected.width, detected.width, dialect, encoding, options.limits, joining)
    return CsvReader(text, start, detected, first, shape, options.piece_bytes, trimmed)


def _respelled(
    source: Source, encoding: Encoding, dialect: Dialect, limits: Limits
) -> tuple[Source, int, Encoding, Dialect, tuple[Note, ...]]:
    """The text of a file that is spelt otherwise, as `csv` knows it: the text, where it begins, its encoding and
    dialect, and what is told of it."""
    begin, changes = dialect.skip_bytes, list[Respelling]()
    text, top = _text(source, encoding)
    changed, at = text, top
    while len(changes) < _SPELLINGS_MAX:
        head, whole = _head(changed, at, limits)
        sample = encoding.to_utf8(head)
        if changes:
            known = changes[-1].delimiter or (dialect.delimiter if dialect.skip_lines else None)
            told, _ = detect_dialect(sample, whole, known)
            dialect = Dialect(told.delimiter, told.quote, 0, dialect.skip_lines)
        if dialect.delimiter_byte == CELL or (found := respelling(sample, whole, dialect)) is None:
            break
        if not encoding.is_utf8 and (not found.signs.isascii() or any(map(encoding.may_hide, found.signs))):
            encoding = dataclasses.replace(encoding, transcribe=True)
            text, top = _text(source, encoding)
        changes.append(found)
        changed, at = text, top + begin
        for each in changes:
            changed, at = respelled(changed, at, each.change, limits.record_bytes), 0
    return changed, at, encoding, dialect, tuple(each.note for each in changes)


class CsvReader:
    """An opened CSV file. Pieces are a pure function of the bytes from their first one on and of the options, so
    reading can start again at any piece's position. `top`: where the first record begins in `text`."""

    def __init__(
        self,
        text: Source,
        top: Position,
        detected: Detected,
        first: First,
        shape: _Shape,
        piece_bytes: int,
        trimmed: Trimmed | None,
    ) -> None:
        self.detected = detected
        self.first: First | None = first
        self._text, self._top, self._trimmed = text, top, trimmed
        self._shape = shape
        self._piece_bytes = piece_bytes

    def pieces(self, start: Position = Position()) -> Iterator[Piece]:
        header, width = self.detected.header_row, self.detected.width
        headings = width if header is None else len(self.detected.headings)
        self._shape = dataclasses.replace(self._shape, width=width, headings=headings, header=header)
        at = start if start.offset else self._top
        held = b""  # read already, from `at.offset` on
        while True:
            piece, held = self._cut(at, held)
            if piece is None:
                return
            yield piece
            at = piece.next

    def _cut(self, at: Position, held: bytes) -> tuple[CsvPiece | None, bytes]:
        shape, limits = self._shape, self._shape.limits
        window, ended = self._window(at.offset, held, self._piece_bytes)
        if not window:
            return None, b""
        cut = _record_end(window, ended, shape)
        if not cut.size:
            window, ended = self._window(at.offset, window, max(limits.record_bytes + 1, self._piece_bytes))
            cut = _record_end(window, ended, shape)
        by_lines = not cut.size
        if by_lines:
            # A record longer than the limit: from here on every physical line is a record of its own, for the length
            # of one piece, so that a stray quote costs its own record and a hostile file no time.
            cut = _Cut(_line_end(window[: self._piece_bytes], False) or _first_line_end(window))
        if not cut.size:
            return self._giant_line(at, window)
        cut, lines = _lighter(window, cut, by_lines, shape)
        after = Position(at.piece + 1, at.offset + cut.size, at.line + lines)
        piece = CsvPiece(
            number=at.piece,
            window=window,
            size=cut.size,
            line=at.line,
            next=after,
            bytes_done=uploaded_bytes(self._text, after.offset),
            shape=shape,
            quotes=cut.quotes,
            records=cut.records,
            by_lines=by_lines,
            facts=self._end_sign(after.offset) if cut.size == len(window) else (),
        )
        rest = len(window) - cut.size
        if rest < REREAD_BYTES and self._text.size != UNKNOWN_SIZE:
            return piece, b""  # reading a few bytes twice is cheaper than moving the whole window behind them
        return piece, window[cut.size :]

    def _end_sign(self, offset: int) -> tuple[Fact, ...]:
        """What is told with the piece that may be the last one of a file whose end was not seen before."""
        if self._trimmed is None or self._text.read(offset, 1):
            return ()
        return fact(END_SIGN, (), int(self._trimmed.trimmed))

    def _window(self, offset: int, held: bytes, wanted: int) -> tuple[bytes, bool]:
        """The `wanted` bytes from `offset` on, of which `held` are here already; True if the file ends in them."""
        missing = wanted - len(held)
        if missing > 0:
            more = self._text.read(offset + len(held), missing)
            held = held + more if held else more
        return held if len(held) <= wanted else held[:wanted], len(held) < wanted

    def _giant_line(self, at: Position, window: bytes) -> tuple[CsvPiece, bytes]:
        """One physical line that is longer than a record may be: its beginning is kept, its end is looked for."""
        kept = self._shape.encoding.whole_signs(window[: self._shape.limits.cell_bytes])
        offset = at.offset + len(window) - 1  # a CR may stand last in the window
        while True:
            block = self._text.read(offset, HEAD_BYTES)
            size = _first_line_end(block)
            if size or len(block) < HEAD_BYTES:
                offset += size or len(block)
                break
            offset += len(block) - 1
        after = Position(at.piece + 1, offset, at.line + 1)
        return (
            CsvPiece(
                number=at.piece,
                window=kept,
                size=len(kept),
                line=at.line,
                next=after,
                bytes_done=uploaded_bytes(self._text, offset),
                shape=self._shape,
                by_lines=True,
            ),
            b"",
        )


@dataclass(frozen=True, slots=True)
class _Shape:
    """What all pieces of a file share. `headings` = cells of the heading record: fewer make a short row; `header` =
    which record it is."""

    width: int
    headings: int
    dialect: Dialect
    encoding: Encoding
    limits: Limits
    joining: Joining | None = None
    header: int | None = None


@dataclass(frozen=True, slots=True)
class CsvPiece:
    """`window[:size]` is a run of whole records. `quotes`: where its quotes are, if they pair up by parity. `records`:
    how many they are, if the kernel has counted them. `by_lines`: the first record is over-long and every physical line
    is a record."""

    number: int
    window: bytes
    size: int
    line: int
    next: Position
    bytes_done: int
    shape: _Shape
    quotes: Positions | None = None
    records: int | None = None
    by_lines: bool = False
    facts: tuple[Fact, ...] = ()

    def parse(self) -> Batch:
        frame, blank, joined = _parse(self)
        facts = (*self.facts, *fact(JOINING_QUOTES, joined))
        shape = self.shape
        if "_extra" in frame.columns or shape.headings < shape.width:
            if shape.joining is not None and shape.width == shape.joining.width:
                frame, lines = rejoined(frame, shape.joining)
                facts += fact(JOINED_CELLS, lines)
            if shape.header is not None:
                below = frame if self.number else frame.slice(shape.header + 1)
                facts += fact(WIDER, wider(below, shape.headings, shape.width))
        return Batch(frame=frame, blank=blank, next=self.next, bytes_done=self.bytes_done, facts=facts)


# ---- cutting ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Cut:
    """The piece is `window[:size]`, 0 = no record ends in the window. `quotes`: all quotes in it, if parity holds.
    `lines`, `records`: how many there are, where the kernel has counted them."""

    size: int
    quotes: Positions | None = None
    lines: int | None = None
    records: int | None = None


def _record_end(window: bytes, ended: bool, shape: _Shape) -> _Cut:
    """Where the last whole record of `window` ends, which begins with a record. `ended`: the file ends with it."""
    if (kernel := native.kernel()) is not None:
        return _counted(kernel, window, ended, shape)
    quote = shape.dialect.quote_byte
    if quote is None or quote not in window:
        return _Cut(len(window) if ended else _line_end(window, False))
    places = np.flatnonzero(np.frombuffer(window, np.uint8) == quote[0])
    size = len(window) if ended else _line_end_outside(window, places[0::2], places[1::2] + 1)
    places = places[: np.searchsorted(places, size)]
    if size and _pairs_up(window, places, size, shape.dialect):
        return _Cut(size, places)
    if ended:
        return _Cut(len(window))
    # Parity alone would cut in the wrong place after a stray quote: find the quoted stretches themselves.
    begins, ends, open_ = _quoted(window, shape.dialect)
    return _Cut(_line_end_outside(window, begins, ends[:-1] if open_ else ends))


def _counted(kernel: native.Kernel, window: bytes, ended: bool, shape: _Shape) -> _Cut:
    """The cut by the kernel, no larger than makes a frame of good size."""
    most = CELLS_MAX // (shape.width + CELLS_A_RECORD)
    found = kernel.cut(window, _native_dialect(shape), most)
    if not ended or found.records >= most or found.size == len(window):
        return _Cut(found.size, lines=found.lines, records=found.records)
    rest = window[found.size :]
    return _Cut(len(window), lines=found.lines + _line_count(rest, len(rest)), records=found.records + 1)


def _native_dialect(shape: _Shape) -> native.Dialect:
    dialect, limits = shape.dialect, shape.limits
    return native.Dialect(
        dialect.delimiter_byte[0],
        dialect.quote_byte_or_zero,
        dialect.quote is not None,
        shape.width,
        shape.headings,
        limits.cell_bytes,
        limits.record_bytes,
        limits.columns,
    )


def _line_end_outside(window: bytes, begins: Positions, ends: Positions) -> int:
    """The end of the last line end that is within no quoted stretch; 0 if none. The last stretch may lack its end."""
    if not _line_end(window, False):
        return 0
    to = len(window) if len(begins) == len(ends) else int(begins[-1])
    for number in range(len(ends), max(len(ends) - 50, -1), -1):
        begin = int(ends[number - 1]) if number else 0
        size = _line_end(window[begin:to], to < len(window))
        if size:
            return begin + size
        to = int(begins[number - 1]) if number else 0
    if not to:
        return 0
    text = np.frombuffer(window, np.uint8, to)
    line_ends = np.flatnonzero((text == 10) | (text == 13))
    outside = line_ends[~_inside(line_ends, begins[: len(ends)], ends)]
    return int(outside[-1]) + 1 if len(outside) else 0


def _line_end(text: bytes, ended: bool) -> int:
    """The end of the last line end in `text`. A CR in last place counts only if nothing can follow it (`ended`)."""
    found = text.rfind(b"\n")
    carriage = text.rfind(b"\r", found + 1, len(text) if ended else max(len(text) - 1, 0))
    return max(found, carriage) + 1


def _first_line_end(text: bytes) -> int:
    """The end of the first line end in `text`; 0 if none, or if it is a CR in last place."""
    feed = text.find(b"\n")
    carriage = text.find(b"\r", 0, len(text) - 1 if feed < 0 else feed)
    return feed + 1 if carriage < 0 or carriage + 1 == feed else carriage + 1


def _line_count(text: bytes, size: int) -> int:
    """How many line ends `text[:size]` has; it does not end between a CR and its LF."""
    count = int(np.count_nonzero(np.frombuffer(text, np.uint8, size) == 10))
    if text.find(b"\r", 0, size) >= 0:
        count += text.count(b"\r", 0, size) - text.count(b"\r\n", 0, size)
    return count


def _lighter(window: bytes, cut: _Cut, by_lines: bool, shape: _Shape) -> tuple[_Cut, int]:
    """The cut and its number of line ends; a smaller one where the piece would make too large a frame: many short
    lines of a wide table."""
    while True:
        if cut.lines is not None:
            return cut, cut.lines
        lines = _line_count(window, cut.size)
        quotes = 0 if cut.quotes is None else len(cut.quotes)
        load = max(lines * (shape.width + CELLS_A_RECORD) / CELLS_MAX, quotes / QUOTES_MAX)
        if load <= 1 or cut.size < 4096:
            return cut, lines
        part = window[: max(int(cut.size / load * 0.9), 2048)]
        less = _Cut(_line_end(part, False)) if by_lines else _record_end(part, False, shape)
        if not less.size:
            return cut, lines
        cut = less


def _pairs_up(data: bytes, places: Positions, size: int, dialect: Dialect) -> bool:
    """True if every quote of `data[:size]` opens at a field start, closes at a field end, or is doubled: then quotes
    pair up by parity exactly as `csv` reads them."""
    if len(places) % 2:
        return False
    if not len(places):
        return True
    text = np.frombuffer(data, np.uint8)
    edge = np.zeros(256, np.bool_)
    edge[[dialect.delimiter_byte[0], 10, 13, dialect.quote_byte_or_zero]] = True
    opening, closing = places[0::2], places[1::2]
    if not edge[text[np.maximum(opening - 1, 0)][opening > 0]].all():
        return False
    return bool(edge[text[closing[closing + 1 < size] + 1]].all())


@lru_cache(maxsize=16)
def _quoted_pattern(delimiter: bytes, quote: bytes) -> re.Pattern[bytes]:
    d, q = re.escape(delimiter), re.escape(quote)
    # The quote comes first in the pattern, so that the search can jump from quote to quote.
    return re.compile(
        b"%(q)s(?<![^%(d)s\\r\\n]%(q)s)[^%(q)s]*+(?:%(q)s%(q)s[^%(q)s]*+)*+(?:%(q)s|(\\Z))" % {b"q": q, b"d": d}
    )


def _quoted(data: bytes, dialect: Dialect) -> tuple[Positions, Positions, bool]:
    """The quoted stretches of `data`, which begins with a record: first bytes, ends, and whether the last is open."""
    begins: list[int] = []
    ends: list[int] = []
    open_ = False
    for match in _quoted_pattern(dialect.delimiter_byte, dialect.quote_byte or b'"').finditer(data):
        begins.append(match.start())
        ends.append(match.end())
        open_ = match.group(1) is not None
    return np.array(begins, np.int64), np.array(ends, np.int64), open_


# ---- parsing ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Records:
    """Where the records of `data` are: `starts`, `stops` (behind their line ends), first physical `lines`, `flags` so
    far. `odd`: only `csv` reads them right. `quoted`: the quoted stretches, which may hold delimiters."""

    data: bytes
    starts: Positions
    stops: Positions
    lines: Positions
    flags: npt.NDArray[np.uint8]
    odd: Mask
    quoted: tuple[Positions, Positions] | None
    delimiter: bytes = b","


def _parse(piece: CsvPiece) -> tuple[pl.DataFrame, int, list[int]]:
    """(the frame, how many blank records are left out, the lines where a quoted cell over several lines begins that has
    text behind its closing quote)"""
    shape = piece.shape
    kernel = native.kernel()
    if kernel is not None and piece.records is not None and (done := _by_kernel(kernel, piece)) is not None:
        return done
    own = piece.window[: piece.size]
    data = shape.encoding.to_utf8(own)
    known = piece.quotes if data is own else None
    records = _physical_lines(data, piece.line, shape) if piece.by_lines else _records(data, known, piece.line, shape)
    too_long = np.flatnonzero(records.stops - records.starts > shape.limits.record_bytes)
    # Every line end counts as one byte.
    too_long = too_long[[_length(records, number) > shape.limits.record_bytes for number in too_long.tolist()]]
    if len(too_long) and not piece.by_lines:
        records = _split(records, too_long, shape)
    joined = _joining(records)
    return *_without_blank(_frame(records, shape), records, shape), joined


def _by_kernel(kernel: native.Kernel, piece: CsvPiece) -> tuple[pl.DataFrame, int, list[int]] | None:
    """As `_parse`; None where the kernel gives up: a record beyond the limit."""
    shape, data, size = piece.shape, piece.window, piece.size
    if not shape.encoding.is_utf8:
        data = shape.encoding.to_utf8(data[:size])
        size = len(data)
    found = kernel.read(data, _native_dialect(shape), piece.records or 0, size)
    if found is None:
        return None
    lines = piece.line + found.lines.astype(np.int64)
    broken = found.flags & np.uint8(FLAG_BROKEN)
    cells, flags = found.frame, found.flags
    extra: dict[int, str] = {}
    raw: dict[int, bytes] = {}
    if found.odd:
        odd = (found.marks & native.ODD) != 0
        starts = np.concatenate((np.zeros(1, np.int64), found.stops[:-1]))
        records = _Records(data, starts, found.stops, lines, broken, odd, None, shape.dialect.delimiter_byte)
        good = np.flatnonzero(~odd)
        cells = _with_exact(cells[good], records, good, shape, flags, extra, raw)
    frame = _with_facts(cells, lines, flags, extra, raw)
    blank = 0
    if found.maybe_blank:
        frame, blank = _without(frame, np.flatnonzero(found.marks & native.MAYBE_BLANK))
    return frame, blank, lines[found.joins[broken[found.joins] == 0]].tolist()


def _length(records: _Records, number: int) -> int:
    begin, end = int(records.starts[number]), int(records.stops[number])
    return end - begin - (records.data[max(begin, end - 2) : end] == b"\r\n" and not records.flags[number])


def _joining(records: _Records) -> list[int]:
    """The lines of records in which a quote that opens at a cell's start may be a stray one: it closes lines later, and
    not where a cell ends."""
    if records.quoted is None or not records.odd.any():
        return []
    begins, ends = records.quoted
    text = np.frombuffer(records.data, np.uint8)
    edge = np.zeros(256, np.bool_)
    edge[[records.delimiter[0], 10, 13, *text[begins[:1]]]] = True  # by parity a doubled quote ends one and begins one
    within = np.flatnonzero(ends < len(text))
    within = within[~edge[text[ends[within]]]]
    breaks = np.flatnonzero((text == 10) | (text == 13))
    within = within[np.searchsorted(breaks, ends[within]) > np.searchsorted(breaks, begins[within])]
    numbers = np.searchsorted(records.stops, begins[within], side="right")
    numbers = numbers[numbers < len(records.odd)]
    lines: list[int] = records.lines[numbers[records.flags[numbers] == 0]].tolist()
    return lines


def _records(data: bytes, quotes: Positions | None, line: int, shape: _Shape) -> _Records:
    quote = shape.dialect.quote_byte
    if quote is None or quote not in data:
        return _unquoted_records(data, line, shape)
    strays = np.empty(0, np.int64)
    open_ = False
    if quotes is None:
        places = np.flatnonzero(np.frombuffer(data, np.uint8) == quote[0])
        quotes = places if _pairs_up(data, places, len(data), shape.dialect) else None
    if quotes is not None:
        begins, ends = quotes[0::2], quotes[1::2] + 1
    else:
        begins, ends, open_ = _quoted(data, shape.dialect)
        strays = _strays(data, places, begins, ends, shape.dialect)
    if not open_ and not data.endswith((b"\n", b"\r")):
        data += b"\n"
    text = np.frombuffer(data, np.uint8)
    ending = text == 10
    if b"\r" in data:
        carriages = np.flatnonzero(text == 13)
        lone = carriages[text[np.minimum(carriages + 1, len(text) - 1)] != 10]
        if len(lone):  # Polars knows no lone CR as a line end
            text = text.copy()
            text[lone[~_inside(lone, begins, ends)]] = 10
            data = text.tobytes()
            ending[lone] = True
    line_ends = np.flatnonzero(ending)
    within = _inside(line_ends, begins, ends)
    closing = np.flatnonzero(~within)
    stops = line_ends[closing] + 1
    lines = line + np.concatenate((np.zeros(1, np.int64), closing + 1))
    if open_:
        stops = np.append(stops, len(data))
    else:
        lines = lines[:-1]
    starts = np.concatenate((np.zeros(1, np.int64), stops[:-1]))
    odd = stops - starts > shape.limits.cell_bytes
    flags = np.zeros(len(stops), np.uint8)
    if len(strays):
        odd[np.searchsorted(starts, strays, side="right") - 1] = True
    if open_:
        odd[-1] = True
        flags[-1] = FLAG_BROKEN
    return _Records(data, starts, stops, lines, flags, odd, (begins, ends), shape.dialect.delimiter_byte)


def _unquoted_records(data: bytes, line: int, shape: _Shape) -> _Records:
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if not data.endswith(b"\n"):
        data += b"\n"
    stops = np.flatnonzero(np.frombuffer(data, np.uint8) == 10) + 1
    starts = np.concatenate((np.zeros(1, np.int64), stops[:-1]))
    lines = line + np.arange(len(stops), dtype=np.int64)
    odd = stops - starts > shape.limits.cell_bytes
    return _Records(data, starts, stops, lines, np.zeros(len(stops), np.uint8), odd, None)


def _physical_lines(data: bytes, line: int, shape: _Shape) -> _Records:
    """Every physical line as a record, the first one flagged as over-long: what a record beyond the limit becomes."""
    records = _unquoted_records(data, line, shape)
    quote = shape.dialect.quote_byte
    records.flags[0] |= FLAG_OVERLONG
    records.odd[0] = True
    if quote is not None and quote in records.data:
        places = np.flatnonzero(np.frombuffer(records.data, np.uint8) == quote[0])
        quoted_lines = np.unique(np.searchsorted(records.starts, places, side="right") - 1)
        records.odd[quoted_lines] = True
        for number in quoted_lines[quoted_lines > 0]:
            segment = records.data[records.starts[number] : records.stops[number]]
            if _quoted(segment, shape.dialect)[2]:
                records.flags[number] |= FLAG_BROKEN
    return records


def _split(records: _Records, too_long: Positions, shape: _Shape) -> _Records:
    """The records with each over-long one replaced by its physical lines."""
    parts: list[_Records] = []
    done = 0
    for number in [*too_long.tolist(), len(records.stops)]:
        parts.append(_part(records, done, number))
        if number < len(records.stops):
            begin, end = int(records.starts[number]), int(records.stops[number])
            parts.append(_physical_lines(records.data[begin:end], int(records.lines[number]), shape))
        done = number + 1
    offsets = np.cumsum([0] + [len(part.data) for part in parts])[:-1]
    quoted = None
    if records.quoted is not None:
        pairs = [
            (part.quoted[0] + offset, part.quoted[1] + offset)
            for part, offset in zip(parts, offsets, strict=True)
            if part.quoted is not None
        ]
        quoted = (np.concatenate([pair[0] for pair in pairs]), np.concatenate([pair[1] for pair in pairs]))
    return _Records(
        data=b"".join(part.data for part in parts),
        starts=np.concatenate([part.starts + offset for part, offset in zip(parts, offsets, strict=True)]),
        stops=np.concatenate([part.stops + offset for part, offset in zip(parts, offsets, strict=True)]),
        lines=np.concatenate([part.lines for part in parts]),
        flags=np.concatenate([part.flags for part in parts]),
        odd=np.concatenate([part.odd for part in parts]),
        quoted=quoted,
        delimiter=records.delimiter,
    )


def _part(records: _Records, begin: int, end: int) -> _Records:
    """Records number `begin` to `end`, with positions counted from the first one's start."""
    offset = int(records.starts[begin]) if begin < len(records.starts) else len(records.data)
    stop = int(records.stops[end - 1]) if end > begin else offset
    quoted = records.quoted
    if quoted is not None:
        chosen = (quoted[0] >= offset) & (quoted[0] < stop)
        quoted = (quoted[0][chosen] - offset, quoted[1][chosen] - offset)
    return _Records(
        data=records.data[offset:stop],
        starts=records.starts[begin:end] - offset,
        stops=records.stops[begin:end] - offset,
        lines=records.lines[begin:end],
        flags=records.flags[begin:end],
        odd=records.odd[begin:end],
        quoted=quoted,
        delimiter=records.delimiter,
    )


def _inside(places: Positions, begins: Positions, ends: Positions) -> Mask:
    """Which of the ordered places lie within one of the stretches."""
    if len(begins) > len(places):
        number = np.searchsorted(begins, places, side="right") - 1
        return (number >= 0) & (places < ends[number])
    first, last = np.searchsorted(places, begins), np.searchsorted(places, ends)
    some = last > first
    depth = np.zeros(len(places) + 1, np.int8)
    depth[first[some]] += 1
    depth[last[some]] -= 1
    return np.cumsum(depth[:-1], dtype=np.int8) > 0


def _strays(data: bytes, places: Positions, begins: Positions, ends: Positions, dialect: Dialect) -> Positions:
    """Quotes that are plain text (`5" pipe`), and closing quotes with text behind them (`"x"y`)."""
    text = np.frombuffer(data, np.uint8)
    edge = np.zeros(256, np.bool_)
    edge[[dialect.delimiter_byte[0], 10, 13]] = True
    closed = ends[ends < len(data)]
    return np.concatenate((places[~_inside(places, begins, ends)], closed[~edge[text[closed]]] - 1))


def _frame(records: _Records, shape: _Shape) -> pl.DataFrame:
    width, count = shape.width, len(records.odd)
    fast = _fast_cells(records, shape)
    if fast is None:
        _mark_undecodable(records)
        fast = _fast_cells(records, shape)
    if fast is None:
        records.odd[:] = True
        fast = _empty_cells(width)
    flags = records.flags.copy()
    extra: dict[int, str] = {}
    raw: dict[int, bytes] = {}
    good = np.flatnonzero(~records.odd)
    cells = _cell_counts(records, fast, good, shape)
    if cells is not None:
        fast = _with_absent(fast, cells, width)
        flags[good[cells < shape.headings]] |= FLAG_SHORT
        wide = good[cells > width]
        if not _add_surplus(records, wide, cells[cells > width], shape, extra):
            for number in wide.tolist():
                exact = _exact(records, number, shape)
                extra[number] = _json(exact.cells[width:])
                flags[number] |= exact.flags
                if exact.raw is not None:
                    raw[number] = exact.raw
    fast = fast.drop("_x")
    if len(good) < count:
        fast = _with_exact(fast, records, good, shape, flags, extra, raw)
    return _with_facts(fast, records.lines, flags, extra, raw)


def _with_facts(
    cells: pl.DataFrame,
    lines: Positions,
    flags: npt.NDArray[np.uint8],
    extra: dict[int, str],
    raw: dict[int, bytes],
) -> pl.DataFrame:
    """The cells with what else is known of their records."""
    columns = [
        pl.Series("_line", np.minimum(lines, LINE_MAX).astype(np.uint32)),
        pl.Series("_flags", flags),
    ]
    if extra:
        columns.append(_sparse("_extra", len(flags), extra, pl.String))
    if raw:
        columns.append(_sparse("_raw", len(flags), raw, pl.Binary))
    return cells.with_columns(columns)


def _add_surplus(records: _Records, wide: Positions, cells: Positions, shape: _Shape, extra: dict[int, str]) -> bool:
    """The surplus cells of many records at once; False where they are few, far too many, or no text."""
    most = int(cells.max(initial=0))
    if len(wide) < 50 or most * len(wide) > CELLS_MAX or most > shape.limits.columns:
        return False
    chosen = np.zeros(len(records.odd), np.bool_)
    chosen[wide] = True
    frame = _polars(_body(records, chosen), len(wide), most, shape)
    if frame is None:
        return False
    rows = zip(*(frame[f"c{i}"].to_list() for i in range(shape.width, most)), strict=True)
    for number, count, row in zip(wide.tolist(), (cells - shape.width).tolist(), rows, strict=True):
        extra[number] = _json(row[:count])
    return True


def _fast_cells(records: _Records, shape: _Shape) -> pl.DataFrame | None:
    """The cells of the records that are not odd, read by Polars, with a spare column `_x`; None if Polars refuses."""
    return _polars(_body(records, ~records.odd), len(records.odd) - int(records.odd.sum()), shape.width, shape)


def _polars(body: bytes, count: int, width: int, shape: _Shape) -> pl.DataFrame | None:
    if not body:
        return _empty_cells(width)
    # Polars takes a mark of UTF-8 or of a compressed file for what it says; a blank line before it keeps it text.
    guard = body[0] in b"x\xef\x1f("
    if guard:
        body = b"\n" + body
    schema = dict.fromkeys([f"c{i}" for i in range(width)] + ["_x"], pl.String)
    try:
        frame = pl.read_csv(
            body,
            has_header=False,
            schema=schema,
            separator=shape.dialect.delimiter,
            quote_char=shape.dialect.quote,
            empty_string_is_null=False,
            missing_columns="insert",
            extra_columns="ignore",
            infer_schema=False,
            raise_if_empty=False,
        )
    except pl.exceptions.ComputeError:
        return None
    if guard:
        frame = frame.slice(1)
    return frame if frame.height == count else None


def _empty_cells(width: int) -> pl.DataFrame:
    return pl.DataFrame(schema=dict.fromkeys([f"c{i}" for i in range(width)] + ["_x"], pl.String))


def _body(records: _Records, chosen: Mask) -> bytes:
    """The bytes of the chosen records."""
    if chosen.all():
        return records.data
    change = np.flatnonzero(np.diff(np.concatenate(([False], chosen, [False])).astype(np.int8)))
    view = memoryview(records.data)
    return b"".join(
        view[records.starts[begin] : records.stops[end - 1]]
        for begin, end in zip(change[0::2].tolist(), change[1::2].tolist(), strict=True)
    )


def _mark_undecodable(records: _Records) -> None:
    """Mark the records as odd that are not UTF-8 throughout."""
    high = np.flatnonzero(np.frombuffer(records.data, np.uint8) >= 0x80)
    for number in np.unique(np.searchsorted(records.starts, high, side="right") - 1).tolist():
        try:
            records.data[records.starts[number] : records.stops[number]].decode()
        except UnicodeDecodeError:
            records.odd[number] = True


def _cell_counts(records: _Records, fast: pl.DataFrame, good: Positions, shape: _Shape) -> Positions | None:
    """How many cells each good record has; None if all have exactly `width`."""
    width, quoted = shape.width, records.quoted
    delimiters = np.frombuffer(records.data, np.uint8) == shape.dialect.delimiter_byte[0]
    within_quotes = _count_inside(delimiters, quoted)
    if within_quotes is not None and len(good) == len(records.odd):
        total = int(np.count_nonzero(delimiters)) - within_quotes
        if total == len(good) * (width - 1) and not _may_be_short(records, fast, delimiters, width):
            return None  # no record is short, so by the sum none is too long
    places = np.flatnonzero(delimiters)
    counts = np.diff(np.searchsorted(places, records.stops), prepend=0) + 1
    if quoted is not None:
        within = np.searchsorted(places, quoted[1]) - np.searchsorted(places, quoted[0])
        holders = np.flatnonzero(within)
        numbers = np.searchsorted(records.stops, quoted[0][holders], side="right")
        np.subtract.at(counts, numbers, within[holders])
    counts = counts[good]
    return None if (counts == width).all() else counts


def _count_inside(delimiters: Mask, quoted: tuple[Positions, Positions] | None) -> int | None:
    """How many delimiters are within quotes; None if so much is quoted that counting all of them costs no more."""
    if quoted is None or not len(quoted[0]):
        return 0
    begins, lengths = quoted[0], quoted[1] - quoted[0]
    total = int(lengths.sum())
    if total * 8 > len(delimiters):
        return None
    shift = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths)[:-1]))
    return int(np.count_nonzero(delimiters[np.repeat(begins - shift, lengths) + np.arange(total)]))


def _may_be_short(records: _Records, fast: pl.DataFrame, delimiters: Mask, width: int) -> bool:
    """False if no record can have fewer than `width` cells. Polars shows absent cells as "": a short record has an
    empty last column, and either its own last cell is empty too or it does not end with a delimiter."""
    empty = fast[f"c{width - 1}"] == ""
    if width == 1 or not empty.any():
        return False
    if (empty & (fast[f"c{width - 2}"] == "")).any():
        return True
    stops = records.stops[empty.to_numpy()]
    carriage = np.frombuffer(records.data, np.uint8)[stops - 2] == 13
    return not bool(delimiters[stops - 2 - carriage].all())


def _with_absent(fast: pl.DataFrame, cells: Positions, width: int) -> pl.DataFrame:
    """Null instead of the "" that Polars gives for cells a record does not have."""
    least = int(cells.min()) if len(cells) else width
    if least >= width:
        return fast
    count = pl.Series("_cells", cells)
    return (
        fast.with_columns(count)
        .with_columns(pl.when(pl.col("_cells") > i).then(pl.col(f"c{i}")).alias(f"c{i}") for i in range(least, width))
        .drop("_cells")
    )


class _Exact(NamedTuple):  # there may be millions
    cells: list[str]
    flags: int = 0
    raw: bytes | None = None


def _exact(records: _Records, number: int, shape: _Shape) -> _Exact:
    """One record as `csv` reads it, cut off at the limits of cells and columns."""
    segment = records.data[records.starts[number] : records.stops[number]]
    limits, flags = shape.limits, 0
    row = segment
    if row.count(shape.dialect.delimiter_byte) >= limits.columns:
        places = np.flatnonzero(np.frombuffer(row, np.uint8) == shape.dialect.delimiter_byte[0])
        # With that delimiter, for it may stand within quotes.
        if len(_row(row[: places[limits.columns - 1] + 1], shape.dialect)) == limits.columns + 1:
            row = row[: places[limits.columns - 1]]
            flags |= FLAG_OVERLONG
    read = _finished(_row(row, shape.dialect), segment, shape)
    return _Exact(read.cells, flags | read.flags, read.raw)


def _exact_many(records: _Records, numbers: list[int], shape: _Shape) -> list[_Exact]:
    """`_exact` for many records: those of one short line go through one reader."""
    data, starts, stops = records.data, records.starts, records.stops
    segments = [data[starts[number] : stops[number]] for number in numbers]
    short = min(shape.limits.cell_bytes, shape.limits.columns)
    plain = [
        len(segment) < short and segment.find(b"\n", 0, -1) < 0 and segment.find(b"\r", 0, -2) < 0 and not flags
        for segment, flags in zip(segments, records.flags[numbers].tolist(), strict=True)
    ]
    lines = (segment.decode("latin-1") for segment, is_plain in zip(segments, plain, strict=True) if is_plain)
    reader = _reader(lines, shape.dialect)
    found: list[_Exact] = []
    for number, segment, is_plain in zip(numbers, segments, plain, strict=True):
        if is_plain:
            row = next(reader) or [""]
            found.append(_Exact(row) if segment.isascii() else _finished(row, segment, shape))
        else:
            found.append(_exact(records, number, shape))
    return found


def _finished(row: list[str], segment: bytes, shape: _Shape) -> _Exact:
    """The cells of a record, bytes as Latin-1, as text within the limit."""
    cells: list[str] = []
    flags, undecodable = 0, False
    for cell in row:
        if len(cell) > shape.limits.cell_bytes:
            flags |= FLAG_OVERLONG
            cell = _whole_signs(cell[: shape.limits.cell_bytes])
        if not cell.isascii():
            cell, bad = shape.encoding.readable(cell.encode("latin-1"))
            undecodable |= bad
        cells.append(cell)
    if not undecodable:
        return _Exact(cells, flags)
    raw = shape.encoding.original(segment.rstrip(b"\r\n"))[: shape.limits.cell_bytes]
    return _Exact(cells, flags | FLAG_UNDECODABLE, raw)


def _row(segment: bytes, dialect: Dialect) -> list[str]:
    """One record read by `csv`, its bytes shown as Latin-1: structure does not depend on the encoding."""
    lines = io.TextIOWrapper(io.BytesIO(segment), "latin-1", newline="")
    return next(_reader(lines, dialect), []) or [""]


def _reader(lines: Iterable[str], dialect: Dialect) -> Any:
    if dialect.quote is None:
        return csv.reader(lines, delimiter=dialect.delimiter, quoting=csv.QUOTE_NONE)
    return csv.reader(lines, delimiter=dialect.delimiter, quotechar=dialect.quote)


def _whole_signs(cell: str) -> str:
    """The cell (bytes as Latin-1) without the first bytes of a UTF-8 sign that was cut through at its end."""
    for back in range(1, min(4, len(cell)) + 1):
        byte = ord(cell[-back])
        if byte < 0x80:
            break
        if byte >= 0xC0:
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return cell[:-back] if needed > back else cell
    return cell


def _with_exact(
    fast: pl.DataFrame,
    records: _Records,
    good: Positions,
    shape: _Shape,
    flags: npt.NDArray[np.uint8],
    extra: dict[int, str],
    raw: dict[int, bytes],
) -> pl.DataFrame:
    """`fast` with the odd records read by `csv` put in their places; fills in what else is known about them."""
    width = shape.width
    odd = np.flatnonzero(records.odd)
    frames = [fast]
    # Python's lists of cells are many times as large as the frame's columns: a slice at a time.
    step = max(1, 100_000 // width)
    for begin in range(0, len(odd), step):
        rows: list[tuple[str | None, ...]] = []
        numbers = odd[begin : begin + step].tolist()
        for number, exact in zip(numbers, _exact_many(records, numbers, shape), strict=True):
            have = len(exact.cells)
            flags[number] |= exact.flags | (FLAG_SHORT if have < shape.headings else 0)
            if have > width:
                extra[number] = _json(exact.cells[width:])
            if exact.raw is not None:
                raw[number] = exact.raw
            rows.append((*exact.cells[:width], *([None] * (width - have))))
        columns = zip(*rows, strict=True)
        frames.append(pl.DataFrame({f"c{i}": column for i, column in enumerate(columns)}, schema=fast.schema))
    order = np.empty(len(records.odd), np.int64)
    order[np.concatenate((good, odd))] = np.arange(len(records.odd))
    return pl.concat(frames)[order]


def _json(cells: Sequence[str]) -> str:
    return json.dumps(cells, ensure_ascii=False, separators=(",", ":"))


def _sparse(name: str, count: int, values: dict[int, Any], kind: type[pl.DataType]) -> pl.Series:
    column: list[Any] = [None] * count
    for number, value in values.items():
        column[number] = value
    return pl.Series(name, column, kind)


def _without_blank(frame: pl.DataFrame, records: _Records, shape: _Shape) -> tuple[pl.DataFrame, int]:
    """The frame without blank records, and how many they were."""
    text = np.frombuffer(records.data, np.uint8)
    may = np.zeros(256, np.bool_)
    may[:0x21] = may[0x80:] = True
    may[[shape.dialect.delimiter_byte[0], shape.dialect.quote_byte_or_zero]] = True
    numbers = np.flatnonzero(may[text[records.starts]])
    numbers = numbers[may[text[np.maximum(records.stops[numbers] - 2, records.starts[numbers])]]]
    return _without(frame, numbers)


def _without(frame: pl.DataFrame, numbers: Positions) -> tuple[pl.DataFrame, int]:
    """The frame without those of these records that are blank, and how many they were."""
    numbers = numbers[frame["_flags"].to_numpy()[numbers] & FLAG_OVERLONG == 0]
    for name in frame.columns if len(numbers) else ():
        if not name.startswith("c"):
            continue
        column = frame[name][numbers].str.strip_chars(WHITE)
        numbers = numbers[(column.is_null() | (column == "")).fill_null(True).to_numpy()]
        if not len(numbers):
            break
    if "_extra" in frame.columns and len(numbers):
        texts = frame["_extra"][numbers].to_list()
        kept = [text is None or is_blank(json.loads(text)) for text in texts]
        numbers = numbers[np.array(kept, np.bool_)]
    if not len(numbers):
        return frame, 0
    stay = np.ones(frame.height, np.bool_)
    stay[numbers] = False
    return frame.filter(stay), len(numbers)


# ---- the sample ------------------------------------------------------------------------------------------------------


def _text(source: Source, encoding: Encoding) -> tuple[Source, int]:
    """What is cut into pieces, and where it begins."""
    return (transcribed(source, encoding), 0) if encoding.transcribe else (source, encoding.mark)


def _head(text: Source, top: int, limits: Limits) -> tuple[bytes, bool]:
    """The first bytes, with at least one line end in them where the limits allow; True if this is the whole file."""
    size = HEAD_BYTES
    head = text.read(top, size)
    while len(head) == size and not _first_line_end(head) and size <= limits.record_bytes:
        size *= 4
        head = text.read(top, size)
    return head, len(head) < size


def _sample_rows(sample: bytes, whole: bool, dialect: Dialect, limits: Limits) -> list[tuple[int, list[str]]]:
    """The first records, at most HEAD_RECORDS, with the lines they begin on; one that the sample's end cuts through
    only if it is the only one."""
    rows: list[tuple[int, list[str]]] = []
    lines = io.TextIOWrapper(io.BytesIO(sample), "utf-8", "replace", newline="")
    reader = _reader(lines, dialect)
    line = 1
    for row in reader:
        if len(row) > limits.columns:
            raise OverLimit(f"A record has more than {limits.columns:,} columns", setting="columns")
        rows.append((line, row))
        line = reader.line_num + 1
        if len(rows) > HEAD_RECORDS:
            break
    else:
        if not whole and len(rows) > 1:
            rows.pop()
    return rows[:HEAD_RECORDS]


def _is_blank_file(text: Source, top: int) -> bool:
    """True if there is nothing but white space to the end; stops at the first other byte."""
    offset = top
    while block := text.read(offset, HEAD_BYTES):
        if block.strip(b"\t\n\v\f\r "):
            return False
        offset += len(block)
    return True
