"""The records of an old workbook (.xls), BIFF2 to BIFF8: how they are cut, what stands before the sheets, its texts.

A workbook is one stream of records; every sheet is a run of them from a BOF to its EOF. Facts are from [MS-XLS] and,
for what is older, from OpenOffice's documentation of the Excel file format. The cells themselves are `xls.py`'s.

Texts follow the version: those of BIFF8 are Unicode, whatever the code page record says (writers put 1252 there);
those before are bytes in that code page, the Macintosh ones included.
"""

from __future__ import annotations

import codecs
import struct
from array import array
from collections.abc import Iterator
from dataclasses import field
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.errors import BadFile, OverLimit
from douane.sheet import native
from douane.sheet.formats import Source
from douane.sheet.formats.number_formats import BUILT_IN, NumberFormat, number_format
from douane.sheet.native import cells as native_cells
from douane.sheet.native import records as native_records
from douane.values import dataclass

BLOCK_BYTES = 1 << 20
ROWS = 65_536

# The classes of records that a sheet's reading tells apart.
OTHER, REAL, RK, MANY_RK, SHARED_TEXT, LABEL, TRUTH, FORMULA, INTEGER = range(9)
ROW, COLUMNS, MERGED, RESULT_TEXT, FOLLOWING, BEGIN, END = range(9, 16)
CONTINUE = 0x3C

_BEGINS = {0x09: 2, 0x209: 3, 0x409: 4, 0x809: 5}
_CLASSES = {
    0x203: REAL,
    0x27E: RK,
    0xBD: MANY_RK,
    0xFD: SHARED_TEXT,
    0x204: LABEL,
    0xD6: LABEL,  # with runs of fonts behind its text
    0x205: TRUTH,
    0x06: FORMULA,
    0x206: FORMULA,
    0x406: FORMULA,
    0x208: ROW,
    0x7D: COLUMNS,
    0xE5: MERGED,
    0x207: RESULT_TEXT,
    # What may stand between a formula and its text: shared formulas, arrays, tables of results.
    0x4BC: FOLLOWING,
    0x221: FOLLOWING,
    0x21: FOLLOWING,
    0x236: FOLLOWING,
    0x37: FOLLOWING,
    CONTINUE: FOLLOWING,
    **dict.fromkeys(_BEGINS, BEGIN),
    0x0A: END,
}
# The records of BIFF2. Their cells are read in newer files as well: some programs (SheetJS) write no others.
_CLASSES_2 = {
    0x02: INTEGER,
    0x03: REAL,
    0x04: LABEL,
    0x05: TRUTH,
    0x06: FORMULA,
    0x07: RESULT_TEXT,
    0x21: FOLLOWING,
    0x37: FOLLOWING,
    0x09: BEGIN,
    0x0A: END,
}
# How long a record of each class must be at least, from BIFF3 on; a cell of BIFF2 is no shorter.
SHORTEST = np.array([0, 14, 10, 12, 10, 8, 8, 14, 9, 14, 10, 2, 1, 0, 0, 0])
SHORTEST_2 = np.array([0, 15, 0, 0, 0, 8, 9, 15, 9, 0, 0, 0, 1, 0, 0, 0])

_FILE_PASS, _SHEET, _SHARED_TEXTS, _CODE_PAGE, _DATE_MODE = 0x2F, 0x85, 0xFC, 0x42, 0x22
_FORMATS, _CELL_FORMATS = (0x1E, 0x41E), (0x43, 0x243, 0x443, 0xE0)
_FORMATS_MAX = 65_536  # they are numbered in two bytes
_SHEETS_MAX = 65_536
_UNIT_RECORDS = 10_000  # of one cell: a formula, what it shares, and its text with what continues it

_CODE_PAGES = {
    367: "ascii",
    708: "iso8859-6",
    936: "gbk",
    1200: "utf-16-le",
    1201: "utf-16-be",
    1361: "johab",
    10000: "mac-roman",
    10001: "shift_jis",
    10002: "big5",
    10003: "euc_kr",
    10004: "mac-arabic",
    10006: "mac-greek",
    10007: "mac-cyrillic",
    10008: "gb2312",
    10010: "mac-romanian",
    10017: "mac-cyrillic",
    10029: "mac-latin2",
    10079: "mac-iceland",
    10081: "mac-turkish",
    10082: "mac-croatian",
    20127: "ascii",
    28591: "iso8859-1",
    32768: "mac-roman",
    32769: "cp1252",
    65001: "utf-8",
}
_USUAL_CODE_PAGE = "cp1252"
_UNDECODABLE = "backslashreplace"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet as the workbook lists it. `at`: where in the stream it begins; `state` 0 visible, 1 hidden, 2 very
    hidden; `kind` 0 for a worksheet."""

    name: str
    at: int
    state: int = 0
    kind: int = 0


@dataclass(slots=True)
class Globals:
    """What stands before the sheets. `version` 2, 3, 4, 5 (Excel 5 and 95) or 8; `shared_at`: where in the stream the
    shared texts begin."""

    version: int
    encoding: str = _USUAL_CODE_PAGE
    from_1904: bool = False
    sheets: list[Sheet] = field(default_factory=list)
    formats: tuple[NumberFormat, ...] = ()
    shared_at: int | None = None


def damaged(why: str) -> BadFile:
    return BadFile(f"The file is damaged: {why}.")


def records(stream: Source, at: int) -> Iterator[tuple[int, int, bytes]]:
    """(kind, where it begins, body) of each record from `at` on. BadFile where the stream ends inside of one."""
    window, base = b"", at
    while True:
        if at + 4 > base + len(window):
            window, base = stream.read(at, BLOCK_BYTES), at
            if len(window) < 4:
                raise damaged("it ends too early")
        kind, length = struct.unpack_from("<HH", window, at - base)
        if at + 4 + length > base + len(window):
            window, base = stream.read(at, BLOCK_BYTES), at
            if len(window) < 4 + length:
                raise damaged("it ends too early")
        yield kind, at, window[at - base + 4 : at - base + 4 + length]
        at += 4 + length


def begins(head: bytes) -> bool:
    """Whether these bytes begin with a BOF: a workbook without a compound file around it."""
    if len(head) < 8:
        return False
    kind, length, _, what = struct.unpack_from("<HHHH", head)
    return kind in _BEGINS and length in (4, 6, 8, 16) and what in (0x05, 0x06, 0x10, 0x20, 0x40, 0x100)


def read_globals(stream: Source) -> Globals:
    """BadFile `file_encrypted`, `file_type` where several old workbooks stand in one file, `file_broken`."""
    found: Globals | None = None
    codes: list[bytes] = []
    indices: list[int] = []
    depth = 0
    try:
        for kind, at, body in records(stream, 0):
            if found is None:
                found = _beginning(kind, body)
                depth = 1
            elif kind in _BEGINS:
                depth += 1
            elif kind == 0x0A:
                depth -= 1
                if depth == 0:
                    break
            elif depth > 1:
                continue
            elif kind == _FILE_PASS:
                raise BadFile("The workbook is encrypted. Save it without a password.", code="file_encrypted")
            elif kind == _SHEET:
                found.sheets.append(_sheet(body, found))
                if len(found.sheets) > _SHEETS_MAX:
                    raise damaged("it lists too many sheets")
            elif kind == _SHARED_TEXTS:
                found.shared_at = at
            elif kind == _CODE_PAGE and len(body) >= 2:
                found.encoding = _encoding(struct.unpack_from("<H", body)[0])
            elif kind == _DATE_MODE and len(body) >= 2:
                found.from_1904 = body[0] == 1
            elif kind in _FORMATS and len(codes) < _FORMATS_MAX:
                codes.append(body)
            elif kind in _CELL_FORMATS and len(indices) < _FORMATS_MAX:
                indices.append(_format_index(kind, body))
    except struct.error as error:
        raise damaged("a record is too short") from error
    if found is None:
        raise damaged("it holds no records")
    found.formats = _formats(found, codes, indices)
    return found


def _beginning(kind: int, body: bytes) -> Globals:
    if kind not in _BEGINS:
        raise damaged("it does not begin as a workbook")
    version, what = struct.unpack_from("<HH", body)
    found = Globals(_BEGINS[kind])
    if kind == 0x809 and version == 0x600:
        found.version = 8
    if what == 0x100:
        raise BadFile("The file holds several workbooks of Excel 4. Save it as .xlsx.", code="file_type")
    if what != 0x05:
        # A lone sheet without a list of sheets, as Excel had it up to version 4 and some programs still write it.
        found.sheets.append(Sheet("Sheet1", 0, 0, 0 if what == 0x10 else 2))
    return found


def _sheet(body: bytes, found: Globals) -> Sheet:
    at, state, kind = struct.unpack_from("<IBB", body)
    if found.version == 8:
        name = short_text(body, 6)
    else:
        name = body[7 : 7 + body[6]].decode(found.encoding, _UNDECODABLE) if len(body) > 6 else ""
    return Sheet(name, at, state & 3, kind)


def _encoding(code_page: int) -> str:
    name = _CODE_PAGES.get(code_page, f"cp{code_page}")
    try:
        return codecs.lookup(name).name
    except LookupError:
        return _USUAL_CODE_PAGE


def _format_index(kind: int, body: bytes) -> int:
    if kind == 0xE0:
        index: int = struct.unpack_from("<H", body, 2)[0]
        return index
    return body[2] & 0x3F if kind == 0x43 and len(body) > 2 else body[1] if len(body) > 1 else 0


def _formats(found: Globals, codes: list[bytes], indices: list[int]) -> tuple[NumberFormat, ...]:
    """The number format of each cell format. What the file defines goes before what programs know by number."""
    known = dict(BUILT_IN)
    for i, body in enumerate(codes):
        if found.version == 8:
            if len(body) >= 5:
                known[struct.unpack_from("<H", body)[0]] = number_format(long_text(body, 2))
        elif found.version == 5:
            if len(body) >= 3:
                code = body[3 : 3 + body[2]].decode(found.encoding, _UNDECODABLE)
                known[struct.unpack_from("<H", body)[0]] = number_format(code)
        else:
            at = 3 if found.version == 4 else 1  # numbered by their order
            known[i] = number_format(body[at:].decode(found.encoding, _UNDECODABLE))
    if found.version == 2:
        return tuple(known.get(i, NumberFormat()) for i in range(64))  # a cell names its number format itself
    return tuple(known.get(i, NumberFormat()) for i in indices)


def short_text(body: bytes, at: int) -> str:
    """A text of BIFF8 with its length in one byte."""
    return _plain_text(body, at + 2, body[at], body[at + 1]) if len(body) >= at + 2 else ""


def long_text(body: bytes, at: int) -> str:
    """A text of BIFF8 with its length in two bytes; what does not stand in this record is cut off."""
    return _plain_text(body, at + 3, body[at] | body[at + 1] << 8, body[at + 2]) if len(body) >= at + 3 else ""


def _plain_text(body: bytes, at: int, count: int, flags: int) -> str:
    if flags & 1:
        return body[at : at + 2 * count].decode("utf-16-le", _UNDECODABLE)
    return body[at : at + count].decode("latin-1")


class _NoMore(Exception):
    """The records of a text end before the text does."""


class TextCursor:
    """Reads texts of BIFF8 out of a record and the CONTINUE records behind it. Where letters go on in the next record,
    it says anew whether they take one byte or two."""

    def __init__(self, bodies: Iterator[bytes]) -> None:
        self._bodies = bodies
        self.data = b""
        self.at = 0

    def next_body(self) -> None:
        body = next(self._bodies, None)
        if body is None:
            raise _NoMore
        self.data, self.at = body, 0

    def taken(self, count: int) -> bytes:
        while len(self.data) - self.at < count:
            left = self.data[self.at :]
            self.next_body()
            self.data = left + self.data
        self.at += count
        return self.data[self.at - count : self.at]

    def skip(self, count: int) -> None:
        while len(self.data) - self.at < count:
            count -= len(self.data) - self.at
            self.next_body()
        self.at += count

    def letters(self, count: int, wide: bool) -> str:
        parts: list[bytes] = []
        while True:
            here = min(count, (len(self.data) - self.at) >> wide)
            end = self.at + (here << wide)
            part = self.data[self.at : end]
            parts.append(part if wide else part.decode("latin-1").encode("utf-16-le"))
            self.at = end
            count -= here
            if not count:
                # Halves of a letter pair may stand in two records.
                return b"".join(parts).decode("utf-16-le", _UNDECODABLE)
            self.next_body()
            if self.data:
                wide, self.at = bool(self.data[0] & 1), 1

    def text(self) -> str:
        """One text with what belongs to it: runs of fonts and reading aids are passed over."""
        count, flags = struct.unpack("<HB", self.taken(3))
        runs = struct.unpack("<H", self.taken(2))[0] if flags & 8 else 0
        more = struct.unpack("<I", self.taken(4))[0] if flags & 4 else 0
        letters = self.letters(count, bool(flags & 1))
        self.skip(4 * runs + more)
        return letters


def record_text(bodies: Iterator[bytes], first: int) -> str:
    """The text of a record of BIFF8 that begins at `first` of its body. BadFile where it is longer than its records."""
    cursor = TextCursor(bodies)
    try:
        cursor.next_body()
        cursor.at = min(first, len(cursor.data))
        count, flags = struct.unpack("<HB", cursor.taken(3))
        if flags & 8:
            cursor.taken(2)
        if flags & 4:
            cursor.taken(4)
        return cursor.letters(count, bool(flags & 1))
    except _NoMore as error:
        raise damaged("a text is longer than its record") from error


_TEXTS_AT_ONCE = 8192


class _Bodies(Iterator[bytes]):
    """The bodies of a record and of those that continue it. `end`: where in the stream the last one does."""

    def __init__(self, stream: Source, at: int, *, continued: bool = False) -> None:
        """`continued`: the first one at `at` continues another already."""
        self._records, self._continued, self.end = records(stream, at), continued, at

    def __next__(self) -> bytes:
        kind, at, body = next(self._records)
        if self._continued and kind != CONTINUE:
            raise StopIteration
        self._continued, self.end = True, at + 4 + len(body)
        return body


def shared_texts(stream: Source, at: int) -> Iterator[pl.Series]:
    """The shared texts of BIFF8 in runs. They end where their records do: what a damaged table lacks is not there."""
    bodies = _Bodies(stream, at)
    cursor = TextCursor(bodies)
    texts: list[str] = []
    try:
        cursor.taken(8)  # how many there are, which not every program knows
        while True:
            if (kernel := native.kernel()) is not None:
                place = bodies.end - len(cursor.data) + cursor.at
                found = native_records.texts_8(kernel, stream.read(place, BLOCK_BYTES), bodies.end - place)
                if found is not None and len(found[0]):
                    some, begin, end = found
                    bodies = _Bodies(stream, place + end, continued=True)
                    cursor = TextCursor(bodies)
                    cursor.data = stream.read(place + begin, end - begin)
                    if len(cursor.data) < end - begin:
                        raise damaged("it ends too early")
                    yield some
                    continue
            while len(texts) < _TEXTS_AT_ONCE:
                _next_texts(cursor, texts)
            yield pl.Series(texts, dtype=pl.String)
            texts = []
    except _NoMore:
        pass
    if texts:
        yield pl.Series(texts, dtype=pl.String)


def _next_texts(cursor: TextCursor, texts: list[str]) -> None:
    """The plain texts that stand in this record as a whole, and one more."""
    data, place, end = cursor.data, cursor.at, len(cursor.data)
    while place + 3 <= end:
        flags = data[place + 2]
        if flags == 0:
            stop = place + 3 + (data[place] | data[place + 1] << 8)
            if stop > end:
                break
            texts.append(data[place + 3 : stop].decode("latin-1"))
        elif flags == 1:
            stop = place + 3 + ((data[place] | data[place + 1] << 8) << 1)
            if stop > end:
                break
            texts.append(data[place + 3 : stop].decode("utf-16-le", _UNDECODABLE))
        else:
            break
        place = stop
    cursor.at = place
    texts.append(cursor.text())


@dataclass(frozen=True, slots=True)
class Block:
    """Whole records of one sheet, without those of charts inside it. Per record: `starts` int64, where it begins in
    `data`; `kinds` uint16; `classes` uint8; `lengths` int64 of the body. `end`: where in the stream they end."""

    data: bytes
    starts: npt.NDArray[np.int64]
    kinds: npt.NDArray[np.uint16]
    classes: npt.NDArray[np.uint8]
    lengths: npt.NDArray[np.int64]
    end: int


def blocks(stream: Source, at: int, version: int, unit_bytes_max: int) -> Iterator[Block]:
    """The records of the sheet that begins at `at`, up to its end. A formula and the text behind it are never in two
    blocks. What a block says of its records holds until the next block is asked for. BadFile where the sheet has no
    beginning or no end, or a record is too short for what it holds; OverLimit `record_bytes` where one cell's records
    are longer than `unit_bytes_max`."""
    table = np.zeros(1 << 16, np.uint8)
    for kind, meaning in (_CLASSES_2 if version == 2 else _CLASSES_2 | _CLASSES).items():
        table[kind] = meaning
    places = _Places(table)
    data, base, depth = b"", at, 0
    room = native_cells.Room8()
    while True:
        # What is left of the block before is read once more: it is short, and joining would copy all that follows.
        left = len(data)
        data = stream.read(base, left + BLOCK_BYTES)
        new = len(data) > left
        plain = False
        if (kernel := native.kernel()) is not None:
            found = native_cells.records_8(kernel, data, table, SHORTEST, room)
            starts, kinds, classes, lengths, stop, turns, odd = found
            plain = not turns and not odd and depth == 1 and version >= 5
        else:
            starts, stop = places.find(data)
            word = words(data, "<u2")
            kinds = word[starts]
            classes = table[kinds]
            lengths = word[starts + 2].astype(np.int64)
        if not new and not len(starts):
            raise damaged("it ends too early")
        if depth == 0 and len(starts) and classes[0] != BEGIN:
            raise damaged("a sheet has no beginning")
        if new and len(starts):
            stop = _whole_units(starts, classes, stop)
            count = int(np.searchsorted(starts, stop))
            if len(starts) - count > _UNIT_RECORDS:
                raise damaged("a cell goes on without end")
            starts, kinds, classes, lengths = starts[:count], kinds[:count], classes[:count], lengths[:count]
        ended = False
        if not plain:
            level = depth + np.cumsum((classes == BEGIN).astype(np.int64) - (classes == END))
            ends = np.flatnonzero(level <= 0)
            ended, last = bool(len(ends)), int(ends[0]) if len(ends) else len(level)
            depth = int(level[-1]) if len(level) else depth
            keep = np.flatnonzero(level[:last] == 1)
            starts, kinds, classes, lengths = starts[keep], kinds[keep], classes[keep], lengths[keep]
            shortest = np.where(is_old(kinds, version), SHORTEST_2[classes], SHORTEST[classes])
            if (lengths < shortest).any() or ((kinds == 0) & (lengths == 0)).any():
                raise damaged("a record is too short")
        yield Block(data, starts, kinds, classes, lengths, base + stop)
        if ended:
            return
        if not new:
            raise damaged("it ends too early")
        data, base = data[stop:], base + stop
        if len(data) > unit_bytes_max:
            raise OverLimit(f"A cell is longer than {unit_bytes_max:,} bytes.", setting="record_bytes")


def is_old(kinds: npt.NDArray[np.uint16], version: int) -> npt.NDArray[np.bool_]:
    """Which records are laid out as in BIFF2: a cell has three bytes for its looks, a text has one for its length."""
    old: npt.NDArray[np.bool_] = (kinds <= 0x07) & ((kinds != 0x06) | (version < 5))
    return old


class _Places:
    """Finds where records begin. One by one costs more than all that follows, so it learns how the records of a row
    follow each other, and tries whether the next rows are like it: their heads, which say kind and length, tell."""

    def __init__(self, classes: npt.NDArray[np.uint8]) -> None:
        self._classes = classes
        self._heads = np.zeros(0, np.uint32)
        self._offsets = np.zeros(0, np.int64)
        self._row_bytes = 0
        self._misses = 0

    def find(self, data: bytes) -> tuple[npt.NDArray[np.int64], int]:
        """(where the whole records begin, where the first one that is not whole does)"""
        heads = words(data, "<u4")
        found: list[npt.NDArray[np.int64]] = []
        at, rows = 0, 1
        while True:
            if self._row_bytes and self._row_bytes <= len(data) - at:
                rows = min(rows, (len(data) - at) // self._row_bytes)
                tried = at + self._row_bytes * np.arange(rows)[:, None] + self._offsets
                same = (heads[tried] == self._heads).all(axis=1)
                good = rows if same.all() else int(same.argmin())
                found.append(tried[:good].ravel())
                at += good * self._row_bytes
                self._misses = 0 if good else min(self._misses + 1, 6)
                if good == rows:
                    rows = min(2 * rows, 1024)
                    continue
                rows = 1
            stretch = max(64, 2 * len(self._heads)) << self._misses if self._row_bytes else _FIRST_STRETCH
            places, stop = _one_by_one(data, at, stretch)
            if len(places) < stretch:
                found.append(places)
                return np.concatenate(found), stop
            last = self._learn(heads, places)
            found.append(places[:last])
            at = int(places[last]) if last < len(places) else stop

    def _learn(self, heads: npt.NDArray[Any], places: npt.NDArray[np.int64]) -> int:
        """Takes the last whole row among these records for a pattern. Answers which record is the first behind it."""
        classes = self._classes[heads[places] & 0xFFFF]
        cells = np.flatnonzero((classes >= REAL) & (classes <= INTEGER))
        row = heads[places[cells] + 4] & 0xFFFF
        first = cells[np.flatnonzero(row[1:] != row[:-1]) + 1]
        if len(first) < 2:
            return len(places)
        begin, end = int(first[-2]), int(first[-1])
        self._heads = heads[places[begin:end]]
        self._offsets = places[begin:end] - places[begin]
        self._row_bytes = int(places[end] - places[begin])
        return end


_FIRST_STRETCH = 1024


def _one_by_one(data: bytes, at: int, count: int) -> tuple[npt.NDArray[np.int64], int]:
    """(where at most `count` whole records begin, where the one behind them does)"""
    places = array("q")
    append = places.append
    end = len(data) - 4
    for _ in range(count):
        if at > end:
            break
        append(at)
        at += 4 + data[at + 2] + (data[at + 3] << 8)
    if at > len(data):
        at = places.pop()
    return np.frombuffer(places, np.int64), at


def _whole_units(starts: npt.NDArray[np.int64], classes: npt.NDArray[np.uint8], stop: int) -> int:
    """Where to cut: before the last formula or text, if what stands behind it may go on in the next block. What
    belongs to neither (drawings are long) is cut anywhere."""
    leaders = np.flatnonzero((classes != FOLLOWING) & (classes != RESULT_TEXT))
    if len(leaders) and classes[leaders[-1]] in (FORMULA, LABEL):
        return int(starts[leaders[-1]])
    return stop


def words(data: bytes, dtype: str) -> npt.NDArray[Any]:
    """The numbers of type `dtype` at every byte of `data`, wherever they stand."""
    size = np.dtype(dtype).itemsize
    return np.ndarray((max(0, len(data) - size + 1),), dtype, data if len(data) >= size else bytes(size), 0, (1,))
