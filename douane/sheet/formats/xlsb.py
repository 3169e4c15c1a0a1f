"""Binary workbooks of Excel from 2007 on (.xlsb): parts in a zip file as those of .xlsx, but of records (BIFF12), read
as a stream in bounded memory.

A record says its kind and length in as few bytes as they need. Cells stand behind the record of their row; a short one
has no column and stands right of the one before it. Facts are from [MS-XLSB]. The records of a block are found one by
one and taken apart all at once, with numpy; what becomes of a value is `binary_cells.py`'s.
"""

from __future__ import annotations

import struct
from array import array
from collections import deque
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.archive import Entry, open_archive
from douane.errors import BadFile, DouaneError, OverLimit
from douane.sheet import native
from douane.sheet.formats import Detected, Limits, Options, Reader, Source
from douane.sheet.formats.biff import damaged, words
from douane.sheet.formats.binary_cells import (
    BOOLEAN,
    ERROR,
    NUMBER,
    SHARED,
    TEXT,
    BinaryReader,
    Book,
    Cells,
    SheetFacts,
    in_rows,
    rk_numbers,
)
from douane.sheet.formats.merged_cells import sorted_ranges
from douane.sheet.formats.number_formats import BUILT_IN, NumberFormat, number_format
from douane.sheet.formats.package import Package, plain
from douane.sheet.formats.shared_texts import SharedTexts
from douane.sheet.formats.sheet_frame import chosen_sheet, merged_ranges
from douane.sheet.native import cells as native_cells
from douane.sheet.native import records as native_records
from douane.sheet.noticed import note
from douane.values import dataclass

_ROWS, _COLUMNS = 1_048_576, 16_384
_PART_BYTES, _PART_RECORDS = 64 << 20, 1 << 20  # of a part that is read whole, and of what stands behind the cells
_ROW_RECORDS = 1 << 18  # a row has 16,384 cells, and a few records belong to each at most
_TAIL_BYTES = 32 << 20  # how far behind the cells merged ranges are looked for
_TRIES_MAX, _STEPS_MAX = 1000, 4_000_000
_UNDECODABLE = "backslashreplace"

_ROW, _SHARED_TEXT, _FORMAT, _CELL_FORMAT, _COLUMNS_RECORD = 0, 19, 44, 47, 60
_BEGIN_DATA, _END_DATA, _END_SHEET, _BEGIN_TEXTS, _END_TEXTS = 145, 146, 130, 159, 160
_BOOK_FACTS, _SHEET, _MERGED = 153, 156, 176
_BEGIN_CELL_FORMATS, _END_CELL_FORMATS = 617, 618
_END_DATA_BYTES = b"\x92\x01\x00"

# kind of record -> what its cell holds; _BLANK cells count only as neighbours of short ones.
_BLANK, _RK, _RICH = 5, 6, 7
_CELLS = {
    1: _BLANK,
    2: _RK,
    3: ERROR,
    4: BOOLEAN,
    5: NUMBER,
    6: TEXT,
    7: SHARED,
    8: TEXT,
    9: NUMBER,
    10: BOOLEAN,
    11: ERROR,
    62: _RICH,
}
_SHORT_CELLS = {12: _BLANK, 13: _RK, 14: ERROR, 15: BOOLEAN, 16: NUMBER, 17: TEXT, 18: SHARED}
_NO_CELL = 255
_VALUE_BYTES = np.array([8, 4, 4, 1, 1, 0, 4, 5])  # by what the cell holds


def recognise(head: bytes, source: Source) -> bool:
    """A zip file with a binary workbook inside; also one that is damaged, if its first entries look like one."""
    if not head.startswith(b"PK\x03\x04"):
        return False
    try:
        return "xl/workbook.bin" in {plain(n) for n in open_archive(source, Limits()).names}
    except DouaneError:
        return b"xl/workbook.bin" in head


def sheet_names(source: Source, options: Options = Options()) -> tuple[str, ...]:
    """The worksheets a person may choose from, as `xlsx.sheet_names`."""
    return _offered(_Package(source, options.limits).sheets)


def all_sheets(source: Source) -> list[str]:
    """The names of all sheets, charts and hidden ones too, in the workbook's order."""
    return [s.name for s in _Package(source, Limits()).sheets]


def open(source: Source, options: Options = Options()) -> Reader:
    """The reader of one sheet. BadFile: `file_broken`, `file_encrypted`, `sheet_unknown`, `file_empty`; OverLimit."""
    package = _Package(source, options.limits)
    offered = _offered(package.sheets)
    worksheets = [s for s in package.sheets if s.part]
    name = chosen_sheet(tuple(s.name for s in worksheets), offered, options.sheet)
    part = next(s.part for s in worksheets if s.name == name)
    entry = package.part(part)
    if entry is None:
        raise damaged(f"the part of sheet “{name}” is missing")
    walk = _Walk(package, entry, source.size, options.limits)
    shared = package.related("sharedStrings", "xl/sharedStrings.bin")
    texts = _shared_texts(package, shared, options.limits) if shared else ()
    book = Book(_formats(package), SharedTexts(texts, options.limits.entry_bytes, lazily=True), package.from_1904)
    macros = package.part("xl/vbaProject.bin") is not None
    notes = (note("macros"),) * macros
    named = Detected("xlsb", 0, None, sheets=offered, sheet=name, notes=notes)
    return BinaryReader(source, options, named, book, walk.facts, walk.runs)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet as the workbook lists it. `state` 0 visible, 1 hidden, 2 very hidden; `part` "" without cells."""

    name: str
    state: int
    part: str


def _offered(sheets: tuple[Sheet, ...]) -> tuple[str, ...]:
    usable = [s for s in sheets if s.part and s.state != 2 and not s.name.startswith("imp_")]
    return tuple(s.name for s in sorted(usable, key=lambda s: s.state != 0))


class _Package(Package):
    """A workbook's parts, and the sheets it lists."""

    usual_main = "xl/workbook.bin"

    def __init__(self, source: Source, limits: Limits) -> None:
        super().__init__(source, limits)
        self.from_1904 = False
        sheets: list[Sheet] = []
        for kind, body in self.records(self.part(self.main)):
            if kind == _BOOK_FACTS and body:
                self.from_1904 = bool(body[0] & 1)
            elif kind == _SHEET and len(body) >= 12:
                relation, at = _text(body, 8)
                sheets.append(Sheet(_text(body, at)[0], body[0] & 3, self._sheet_part(relation, len(sheets))))
        self.sheets = tuple(sheets)

    def records(self, entry: Entry | None) -> list[tuple[int, bytes]]:
        """(kind, body) of the records of a part that is read whole."""
        if entry is None:
            raise damaged("it has no workbook part")
        data = self.archive.read(entry, _PART_BYTES)
        found = _records(data, _PART_RECORDS)
        if found.stop != len(data):
            reason = "holds too many records" if len(found.kinds) == _PART_RECORDS else "ends in the middle"
            raise damaged(f"“{entry.name}” {reason}")
        places = zip(found.kinds.tolist(), found.bodies.tolist(), found.ends.tolist(), strict=True)
        return [(kind, data[body:end]) for kind, body, end in places]

    def _sheet_part(self, relation: str, number: int) -> str:
        usual = f"xl/worksheets/sheet{number + 1}.bin"
        kind, target = self.relations.get(relation, ("worksheet", usual))
        if kind != "worksheet":
            return ""
        return target if self.part(target) or not self.part(usual) else usual


def _text(body: bytes, at: int) -> tuple[str, int]:
    """(a text with its length before it, where it ends). A text that is null is empty."""
    count = int.from_bytes(body[at : at + 4], "little")
    at += 4
    if count == 0xFFFFFFFF:
        return "", at
    if at + 2 * count > len(body):
        raise damaged("a text is longer than its record")
    return body[at : at + 2 * count].decode("utf-16-le", _UNDECODABLE), at + 2 * count


def _formats(package: _Package) -> tuple[NumberFormat, ...]:
    """The number format of each cell format, by position."""
    entry = package.related("styles", "xl/styles.bin")
    codes = dict(BUILT_IN)
    formats: list[NumberFormat] = []
    inside = False
    for kind, body in package.records(entry) if entry else ():
        if kind == _FORMAT and len(body) >= 6:
            codes[struct.unpack_from("<H", body)[0]] = number_format(_text(body, 2)[0])
        elif kind in (_BEGIN_CELL_FORMATS, _END_CELL_FORMATS):
            inside = kind == _BEGIN_CELL_FORMATS
        elif kind == _CELL_FORMAT and inside and len(body) >= 4:
            formats.append(codes.get(struct.unpack_from("<H", body, 2)[0], NumberFormat()))
    return tuple(formats)


@dataclass(frozen=True, slots=True)
class _Records:
    """The whole records of some bytes: of each its kind, and where its body begins and ends. `stop`: where the first
    one that is not whole begins."""

    kinds: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]
    bodies: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    stop: int


def _records(data: bytes, most: int = 1 << 62) -> _Records:
    """At most so many of them."""
    kernel = native.kernel()
    return _one_by_one(data, most) if kernel is None else _Records(*native_records.records_12(kernel, data, most))


def _one_by_one(data: bytes, most: int) -> _Records:
    bodies, ends = array("q"), array("q")
    begin, end = bodies.append, ends.append
    at = 0
    size = len(data)
    try:
        while at < size and len(ends) < most:
            at += 1 if data[at] < 0x80 else 2
            length = data[at]
            at += 1
            if length >= 0x80:
                length &= 0x7F
                for shift in (7, 14, 21):
                    more = data[at]
                    at += 1
                    length |= (more & 0x7F) << shift
                    if more < 0x80:
                        break
            if at + length > size:
                break
            begin(at)
            at += length
            end(at)
    except IndexError:
        pass
    stop = ends[-1] if ends else 0
    body, last = np.frombuffer(bodies, np.int64), np.frombuffer(ends, np.int64)
    starts = np.concatenate([np.zeros(1, np.int64), last[:-1]])[: len(last)]
    byte = np.frombuffer(data, np.uint8)
    kinds = byte[starts].astype(np.int64)
    long = np.flatnonzero(kinds >= 0x80)
    kinds[long] = kinds[long] & 0x7F | (byte[starts[long] + 1].astype(np.int64) & 0x7F) << 7
    return _Records(kinds, starts, body, last, stop)


def _shared_texts(package: _Package, entry: Entry, limits: Limits) -> Iterator[pl.Series]:
    data = b""
    ended = False
    for block in package.archive.open(entry):
        data += block
        found = _records(data)
        items = np.flatnonzero(found.kinds == _SHARED_TEXT)
        ended = ended or bool((found.kinds == _END_TEXTS).any())
        if len(items):
            yield _series(data, found.bodies[items] + 1, found.ends[items])
        data = data[found.stop :]
        if len(data) > limits.record_bytes:
            raise OverLimit("A shared text is too long.", setting="cell_bytes")
    if data or not ended:
        raise damaged("its shared texts end in the middle")


def _series(data: bytes, starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]) -> pl.Series:
    """As `_texts`."""
    kernel = native.kernel()
    if kernel is not None and (found := native_records.texts_16(kernel, data, *_spans(data, starts, ends))) is not None:
        return found
    return pl.Series(_texts(data, starts, ends), dtype=pl.String)


def _texts(data: bytes, starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]) -> list[str]:
    """Texts with their lengths before them, none of which may pass its end."""
    begins, stops = _spans(data, starts, ends)
    spans = zip(begins.tolist(), stops.tolist(), strict=True)
    return [data[start:stop].decode("utf-16-le", _UNDECODABLE) for start, stop in spans]


def _spans(
    data: bytes, starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    if not len(starts):
        return starts, ends
    if (starts + 4 > ends).any():
        raise damaged("a record is too short")
    count = words(data, "<u4")[starts].astype(np.int64)
    stops = starts + 4 + 2 * count
    if (stops > ends).any():
        raise damaged("a text is longer than its record")
    return starts + 4, stops


class _Walk:
    """The walks over one sheet's records. `facts`: what stands before and behind the cells."""

    def __init__(self, package: _Package, entry: Entry, source_bytes: int, limits: Limits) -> None:
        self._package, self._entry, self._source_bytes = package, entry, source_bytes
        self._row_bytes_max = limits.record_bytes
        self.facts = self._scan()

    def _scan(self) -> SheetFacts:
        """Hidden columns stand before the cells, merged ranges behind them: what lies between is only unpacked."""
        columns: list[tuple[int, int]] = []
        head, held = b"", 0
        tail: deque[bytes] = deque()
        begun = False
        for block in self._package.archive.open(self._entry):
            if not begun:
                head += block
                found = _records(head)
                data = np.flatnonzero(found.kinds == _BEGIN_DATA)
                before = int(data[0]) if len(data) else len(found.kinds)
                for record in np.flatnonzero(found.kinds[:before] == _COLUMNS_RECORD).tolist():
                    body = head[int(found.bodies[record]) : int(found.ends[record])]
                    if len(body) >= 18 and body[16] & 1:
                        first, last = struct.unpack_from("<II", body)
                        columns.append((min(first, _COLUMNS), min(last + 1, _COLUMNS)))
                begun = bool(len(data))
                block = head[int(found.bodies[before]) :] if begun else b""
                head = b"" if begun else head[found.stop :]
                if len(head) > self._row_bytes_max:
                    raise damaged("its first row does not come")
            tail.append(block)
            held += len(block)
            while held - len(tail[0]) >= _TAIL_BYTES:
                held -= len(tail.popleft())
        if not begun:
            raise BadFile("The chosen sheet holds no cells: it is a chart or a macro sheet.", code="sheet_unknown")
        return SheetFacts(merged_ranges(columns), _merged(b"".join(tail)))

    def runs(self) -> Iterator[tuple[Cells, int]]:
        """The sheet's rows from the top: (cells, bytes of the source used so far)."""
        stream = self._package.archive.open(self._entry)
        rows = _Rows(self._row_bytes_max)
        for block in stream:
            # Behind the last cells too, so that the part's checksum is compared.
            cells = None if rows.ended else rows.cells(block)
            if cells is not None and len(cells.row):
                yield cells, self._source_bytes * stream.packed_done // max(1, self._entry.packed_bytes)
        if not rows.ended:
            raise damaged("the sheet ends in the middle")


class _Rows:
    """Takes a sheet's records block by block, and gives the cells of whole rows."""

    def __init__(self, row_bytes_max: int) -> None:
        self._row_bytes_max = row_bytes_max
        self._data = b""
        self._begun = self.ended = False
        self._hidden = np.zeros(_ROWS, np.bool_)
        self._last = -1

    def cells(self, block: bytes) -> Cells | None:
        self._data += block
        kernel = native.kernel()
        cells = None if kernel is None else self._by_kernel(kernel)
        if cells is None:
            cells = self._by_records()
        if self._begun and not self.ended and len(self._data) > self._row_bytes_max:
            raise OverLimit(f"A row is longer than {self._row_bytes_max:,} bytes.", setting="record_bytes")
        return cells

    def _by_kernel(self, kernel: native.Kernel) -> Cells | None:
        found = native_cells.cells_12(kernel, self._data, self._last, begun=self._begun)
        if found is None:
            return None
        texts = _texts(self._data, found.begins, found.ends)
        self._data, self._last, self._begun, self.ended = self._data[found.stop :], found.last, found.begun, found.ended
        return Cells(*found[:7], texts)

    def _by_records(self) -> Cells | None:
        data, found, first = self._data, _records(self._data), 0
        if not self._begun:
            begin = np.flatnonzero(found.kinds == _BEGIN_DATA)
            if not len(begin):
                self._data = data[found.stop :]
                return None
            self._begun, first = True, int(begin[0]) + 1
        end = np.flatnonzero(found.kinds[first:] == _END_DATA)
        if len(end):
            self.ended, cut = True, first + int(end[0])
        else:
            rows = np.flatnonzero(found.kinds[first:] == _ROW)
            cut = first + int(rows[-1]) if len(rows) else first
            if len(found.kinds) - cut > _ROW_RECORDS:
                raise damaged("a row holds more than a sheet is wide")
        self._data = data[int(found.starts[cut]) if cut < len(found.starts) else found.stop :]
        if cut == first:
            return None
        cells, self._last = _cells(data, _part(found, first, cut), self._hidden, self._last)
        return cells


def _part(found: _Records, first: int, end: int) -> _Records:
    which = slice(first, end)
    return _Records(found.kinds[which], found.starts[which], found.bodies[which], found.ends[which], found.stop)


def _merged(tail: bytes) -> npt.NDArray[np.int64]:
    """The merged ranges behind the cells. Where the cells end is looked for by its bytes, from the end of the sheet on:
    they may stand in a cell by chance, and do in every use of some shared texts. Then what follows is no run of records
    up to the end of the sheet."""
    at, steps = len(tail), 0
    none = np.zeros((0, 4), np.int64)
    for _ in range(_TRIES_MAX):
        at = tail.rfind(_END_DATA_BYTES, 0, max(0, at + len(_END_DATA_BYTES) - 1))
        if at < 0 or steps > _STEPS_MAX:
            return none
        # Chance does not go far: a few records tell, before all of them are read.
        for length in (256, len(tail)):
            rest = tail[at : at + length]
            found = _records(rest, _PART_RECORDS)
            steps += len(found.kinds)
            good = len(found.kinds) > 0 and not (found.kinds[1:] <= 18).any()
            if not good:
                break
        if good and found.stop == len(rest) and found.kinds[-1] == _END_SHEET:
            which = np.flatnonzero((found.kinds == _MERGED) & (found.ends - found.bodies >= 16))
            bodies = found.bodies[which]
            ranges = np.stack([words(rest, "<u4")[bodies + 4 * i].astype(np.int64) for i in range(4)], axis=1)
            return sorted_ranges(np.minimum(ranges, _ROWS))
    return none


def _cells(data: bytes, found: _Records, hidden: npt.NDArray[np.bool_], last: int) -> tuple[Cells, int]:
    """(the cells of the records of whole rows, the last of their rows). `hidden` learns which rows are."""
    byte, long, real = np.frombuffer(data, np.uint8), words(data, "<u4"), words(data, "<f8")
    holds = np.full(256, _NO_CELL, np.uint8)
    is_short = np.zeros(256, np.bool_)
    for kind, held in (_CELLS | _SHORT_CELLS).items():
        holds[kind], is_short[kind] = held, kind in _SHORT_CELLS
    known = np.minimum(found.kinds, 255)
    chosen = np.flatnonzero((known == _ROW) | (holds[known] != _NO_CELL))
    kinds, bodies, lengths = known[chosen], found.bodies[chosen], (found.ends - found.bodies)[chosen]
    is_row, short, what = kinds == _ROW, is_short[kinds], holds[kinds]
    if len(kinds) and not is_row[0]:
        raise damaged("a cell stands outside of any row")
    behind = np.where(short, 4, 8)
    needed = np.where(is_row, 4, behind + _VALUE_BYTES[np.where(is_row, _BLANK, what)])
    if (lengths < needed).any():
        raise damaged("a record is too short")

    headers = np.flatnonzero(is_row)
    rows = long[bodies[headers]].astype(np.int64)
    if len(rows) and (rows.max() >= _ROWS or rows[0] <= last or (rows[1:] <= rows[:-1]).any()):
        raise damaged("a row number is impossible")
    flags = np.where(lengths[headers] >= 12, byte[np.minimum(bodies[headers] + 11, len(byte) - 1)], 0)
    hidden[rows] = (flags & 0x10) > 0
    # A short cell stands as many columns right of the last place that is known as there are records in between.
    order = np.arange(len(kinds))
    anchor = np.maximum.accumulate(np.where(short, 0, order)) if len(order) else order
    column = np.where(is_row, -1, long[np.where(is_row, 0, bodies)].astype(np.int64))[anchor] + order - anchor
    row = rows[np.cumsum(is_row) - 1] if len(rows) else np.zeros(0, np.int64)

    full = np.flatnonzero(~is_row & (what != _BLANK))
    row, column, what = row[full], column[full], what[full]
    bodies, behind, ends = bodies[full], behind[full], bodies[full] + lengths[full]
    if len(column) and column.max() >= _COLUMNS:
        raise damaged("a column number is impossible")
    style = (long[bodies + behind - 4] & 0xFFFFFF).astype(np.int32)
    at = bodies + behind
    value = np.zeros(len(full), np.float64)
    for held, numbers in ((NUMBER, real), (SHARED, long), (ERROR, byte), (BOOLEAN, byte)):
        these = what == held
        value[these] = numbers[at[these]]
    these = what == _RK
    value[these] = rk_numbers(long[at[these]])
    of_text = np.flatnonzero((what == TEXT) | (what == _RICH))
    texts = _texts(data, at[of_text] + (what[of_text] == _RICH), ends[of_text])
    value[of_text] = np.arange(len(of_text))
    type = np.where(what == _RK, NUMBER, np.where(what == _RICH, TEXT, what)).astype(np.uint8)
    return in_rows(row, column, type, style, value, texts, hidden), int(rows[-1]) if len(rows) else last
