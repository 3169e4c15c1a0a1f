"""Workbooks of Excel before 2007 (.xls), BIFF2 to BIFF8, read as a stream of records in bounded memory, and a clear
refusal for what only pretends to be one.

The records of a block are found one by one and taken apart all at once, with numpy. Many programs write cells in the
order in which they were set and say only behind them which rows are hidden and which cells merged: so a sheet is walked
twice, first for its facts (`scan`), then for its cells; one whose rows are out of order is walked once more for each
run of rows that fits into memory.

`biff.py` knows the records, `compound.py` the file around them, `binary_cells.py` what becomes of a value.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from douane.errors import BadFile
from douane.model.reading import Note
from douane.sheet import native
from douane.sheet.formats import Detected, Limits, Options, Reader, Source, biff
from douane.sheet.formats.biff import Block, Globals, Sheet, damaged
from douane.sheet.formats.binary_cells import (
    BOOLEAN,
    ERROR,
    NUMBER,
    SHARED,
    TEXT,
    UNRESOLVED,
    BinaryReader,
    Book,
    Cells,
    SheetFacts,
    in_rows,
    rk_numbers,
)
from douane.sheet.formats.compound import MAGIC, CompoundFile
from douane.sheet.formats.formula_tokens import OTHER as OTHER_RESULT
from douane.sheet.formats.formula_tokens import TEXT as TEXT_RESULT
from douane.sheet.formats.formula_tokens import UNKNOWN, result_of
from douane.sheet.formats.merged_cells import sorted_ranges
from douane.sheet.formats.shared_texts import SharedTexts
from douane.sheet.formats.sheet_frame import chosen_sheet, merged_ranges
from douane.sheet.native import cells as native_cells
from douane.sheet.noticed import note
from douane.values import dataclass

_STREAMS = ("workbook", "book")  # BIFF8, then BIFF5, for a file may hold both
_RUN_BYTES = 16 << 20  # of records whose rows are brought into order at once
_RUNS_MAX = 16
_OPEN_ROW_CELLS = 1 << 18
_MERGED_MAX = 1 << 21

Records = npt.NDArray[np.int64]  # positions among the records of a block


def recognise(head: bytes, source: Source) -> bool:
    """An OLE compound file, or a bare stream of records."""
    return head.startswith(MAGIC) or biff.begins(head)


def sheet_names(source: Source, options: Options = Options()) -> tuple[str, ...]:
    """The worksheets a person may choose from, as `xlsx.sheet_names`."""
    return _offered(_open(source)[1])


def open(source: Source, options: Options = Options()) -> Reader:
    """The reader of one sheet. BadFile: `file_type`, `file_broken`, `file_encrypted`, `sheet_unknown`, `file_empty`;
    OverLimit."""
    stream, found = _open(source)
    offered = _offered(found)
    worksheets = [s for s in found.sheets if s.kind == 0]
    name = chosen_sheet(tuple(s.name for s in worksheets), offered, options.sheet)
    sheet = next(s for s in worksheets if s.name == name)
    walk = _Walk(stream, source.size, found, sheet, options.limits)
    texts = biff.shared_texts(stream, found.shared_at) if found.shared_at is not None else ()
    book = Book(found.formats, SharedTexts(texts, options.limits.entry_bytes, lazily=True), found.from_1904)
    named = Detected("xls", 0, None, sheets=offered, sheet=name, notes=walk.notes)
    return BinaryReader(source, options, named, book, walk.facts, walk.runs)


def all_sheets(source: Source) -> list[str]:
    """The names of all sheets, charts and hidden ones too, in the workbook's order."""
    return [s.name for s in _open(source)[1].sheets]


def _open(source: Source) -> tuple[Source, Globals]:
    head = source.read(0, 64 << 10)
    stream: Source | None = source
    if head.startswith(MAGIC):
        compound = CompoundFile(source)
        stream = next((s for n in _STREAMS if (s := compound.stream(n)) and s.size), None)
        if stream is None and {"encryptedpackage", "encryptioninfo"} & compound.names:
            raise BadFile("The workbook is encrypted. Save it without a password.", code="file_encrypted")
        if stream is None:
            raise BadFile("The file is no workbook.", code="file_type")
    assert stream is not None
    return stream, biff.read_globals(stream)


def _offered(found: Globals) -> tuple[str, ...]:
    usable = [s for s in found.sheets if s.kind == 0 and s.state != 2 and not s.name.startswith("imp_")]
    return tuple(s.name for s in sorted(usable, key=lambda s: s.state != 0))


@dataclass(frozen=True, slots=True)
class _Found:
    """The cells of some records in file order; `row` and `column` int64 from 0, the others as in `Cells`."""

    row: npt.NDArray[np.int64]
    column: npt.NDArray[np.int64]
    type: npt.NDArray[np.uint8]
    style: npt.NDArray[np.int32]
    value: npt.NDArray[np.float64]
    texts: list[str]

    def part(self, which: slice | npt.NDArray[np.bool_]) -> _Found:
        return _Found(
            self.row[which], self.column[which], self.type[which], self.style[which], self.value[which], self.texts
        )

    @staticmethod
    def joined(parts: list[_Found]) -> _Found:
        if len(parts) == 1:
            return parts[0]
        texts: list[str] = []
        values = [np.zeros(0)]
        for part in parts:
            values.append(np.where(part.type == TEXT, part.value + len(texts), part.value))
            texts += part.texts
        return _Found(
            np.concatenate([np.zeros(0, np.int64), *(p.row for p in parts)]),
            np.concatenate([np.zeros(0, np.int64), *(p.column for p in parts)]),
            np.concatenate([np.zeros(0, np.uint8), *(p.type for p in parts)]),
            np.concatenate([np.zeros(0, np.int32), *(p.style for p in parts)]),
            np.concatenate(values),
            texts,
        )


class _Walk:
    """The walks over one sheet's records. `facts`, `notes`: what the first of them found."""

    def __init__(self, stream: Source, source_bytes: int, found: Globals, sheet: Sheet, limits: Limits) -> None:
        self._stream, self._source_bytes, self._found, self._sheet = stream, source_bytes, found, sheet
        self._unit_bytes_max = limits.record_bytes
        self._hidden = np.zeros(biff.ROWS, np.bool_)
        self._bytes_of_row = np.zeros(biff.ROWS, np.int64)
        self._ordered = True
        self.notes: tuple[Note, ...] = ()
        self.facts = self._scan()

    def _blocks(self) -> Iterator[Block]:
        return biff.blocks(self._stream, self._sheet.at, self._found.version, self._unit_bytes_max)

    def _scan(self) -> SheetFacts:
        columns: list[tuple[int, int]] = []
        proven = doubtful = ranges_seen = 0
        merged = [np.zeros((0, 4), np.int64)]
        last = 0
        for block in self._blocks():
            word = biff.words(block.data, "<u2")
            last = self._scan_rows(block, last)
            if self._found.version == 8:
                without, others = _without_result(block)
                proven, doubtful = proven + len(without), doubtful + others
            for at in block.starts[block.classes == biff.COLUMNS].tolist():
                if word[at + 12] & 1:
                    columns.append((int(word[at + 4]), int(word[at + 6]) + 1))
                    if len(columns) > 1 << 17:
                        columns = list(merged_ranges(columns))
            of = block.classes == biff.MERGED
            for at, length in zip(block.starts[of].tolist(), block.lengths[of].tolist(), strict=True):
                count = min(int(word[at + 4]), (length - 2) // 8)
                ranges_seen += count
                if ranges_seen > _MERGED_MAX:
                    raise damaged("its merged cells overlap")
                ranges = np.frombuffer(block.data, "<u2", 4 * count, at + 6).reshape(-1, 4)
                merged.append(ranges.astype(np.int64))
        if proven and doubtful:
            self.notes = (note("formulas_doubtful", count=doubtful),)
        return SheetFacts(merged_ranges(columns), sorted_ranges(np.concatenate(merged)))

    def _scan_rows(self, block: Block, last: int) -> int:
        """Whether rows are in order and which are hidden; `last` is the row of the cell before, and of the last one."""
        kernel = native.kernel()
        if kernel is not None:
            records = block.starts, block.lengths, block.classes
            rows = self._bytes_of_row, self._hidden
            ordered, last = native_cells.scan_8(kernel, block.data, records, last, *rows)
            self._ordered = self._ordered and ordered
            return last
        word = biff.words(block.data, "<u2")
        cells = (block.classes >= biff.REAL) & (block.classes <= biff.INTEGER)
        rows_of = word[block.starts[cells] + 4].astype(np.int64)
        if len(rows_of):
            self._ordered = self._ordered and rows_of[0] >= last and bool((rows_of[1:] >= rows_of[:-1]).all())
            last = int(rows_of[-1])
            self._bytes_of_row += np.bincount(rows_of, block.lengths[cells] + 4, biff.ROWS).astype(np.int64)
        at = block.starts[block.classes == biff.ROW]
        self._hidden[word[at + 4]] = (word[at + 16] & 0x20) > 0
        return last

    def runs(self) -> Iterator[tuple[Cells, int]]:
        """The sheet's rows from the top: (cells, bytes of the source used so far)."""
        return self._in_order() if self._ordered else self._by_row_ranges()

    def _in_order(self) -> Iterator[tuple[Cells, int]]:
        waiting: list[_Found] = []  # of the last row, whose cells may go on in the next block
        for block in self._blocks():
            cells = _cells(block, self._found)
            if not len(cells.row):
                continue
            cut = int(np.searchsorted(cells.row, cells.row[-1]))
            if (waiting and cells.row[0] > waiting[-1].row[-1]) or cut:
                yield self._rows([*waiting, cells.part(slice(cut))]), self._done(block.end)
                waiting = []
            waiting.append(cells.part(slice(cut, None)))
            if sum(len(part.row) for part in waiting) > _OPEN_ROW_CELLS:
                waiting = [_latest(_Found.joined(waiting))]
        if waiting:
            yield self._rows(waiting), self._source_bytes

    def _by_row_ranges(self) -> Iterator[tuple[Cells, int]]:
        total = np.cumsum(self._bytes_of_row)
        size = max(_RUN_BYTES, int(total[-1]) // _RUNS_MAX)
        first = 0
        while first < biff.ROWS and (done := int(total[first - 1]) if first else 0) < total[-1]:
            end = max(first + 1, int(np.searchsorted(total, done + size, side="right")))
            parts: list[_Found] = []
            for block in self._blocks():
                cells = _cells(block, self._found, first, end)
                if len(cells.row):
                    parts.append(cells)
            if parts:
                yield self._rows(parts), self._source_bytes * int(total[min(end, biff.ROWS) - 1]) // int(total[-1])
            first = end

    def _rows(self, parts: list[_Found]) -> Cells:
        cells = _Found.joined(parts)
        return in_rows(cells.row, cells.column, cells.type, cells.style, cells.value, cells.texts, self._hidden)

    def _done(self, at: int) -> int:
        return self._source_bytes * at // max(1, self._stream.size)


def _latest(cells: _Found) -> _Found:
    """Of several cells for one place the last one, all being of one row."""
    _, first = np.unique(cells.column[::-1], return_index=True)
    return cells.part(np.isin(np.arange(len(cells.row)), len(cells.row) - 1 - first))


def _cells(block: Block, found: Globals, first_row: int = 0, end_row: int = biff.ROWS) -> _Found:
    """The cells of a block's records that stand in these rows, in file order."""
    kernel = native.kernel()
    if kernel is not None and found.version >= 5:
        room = len(block.starts) + int(block.lengths[block.classes == biff.MANY_RK].sum()) // 6
        records = block.starts, block.lengths, block.classes
        plain = native_cells.cells_8(kernel, block.data, records, room, (first_row, end_row))
        if plain is not None:
            return _Found(*plain, [])
    data, starts, classes = block.data, block.starts, block.classes
    byte, word = np.frombuffer(data, np.uint8), biff.words(data, "<u2")
    long, real = biff.words(data, "<u4"), biff.words(data, "<f8")
    is_cell = (classes >= biff.REAL) & (classes <= biff.INTEGER)
    if first_row or end_row < biff.ROWS:
        row = word[np.where(is_cell, starts + 4, 0)]
        is_cell &= (row >= first_row) & (row < end_row)
    # Where the value begins: behind header, row, column and looks.
    old = biff.is_old(block.kinds, found.version)
    behind = np.where(old, 11, 10)
    count = is_cell.astype(np.int64)
    of = [np.flatnonzero(is_cell & (classes == c)) for c in range(biff.INTEGER + 1)]
    many, formulas = of[biff.MANY_RK], of[biff.FORMULA]
    count[many] = (block.lengths[many] - 6) // 6
    values = starts + behind
    result = word[values[formulas] + 6] == 0xFFFF
    special = byte[values[formulas]]
    unresolved = _without_result(block)[0] if found.version == 8 else np.zeros(0, np.int64)
    unresolved = unresolved[is_cell[unresolved]]
    empty = formulas[result & (special >= 3)]
    count[np.setdiff1d(empty, unresolved)] = 0
    place = np.cumsum(count) - count
    total = int(count.sum())

    # What all but the runs of RK numbers have in common.
    single = np.flatnonzero(count * (classes != biff.MANY_RK))
    row, column = np.zeros(total, np.int64), np.zeros(total, np.int64)
    style, value = np.zeros(total, np.int32), np.zeros(total, np.float64)
    type = np.full(total, NUMBER, np.uint8)
    at, to = starts[single], place[single]
    row[to], column[to] = word[at + 4], word[at + 6]
    # A cell of BIFF2 names its number format itself; in newer files its looks are numbered as all others.
    style[to] = byte[at + 9] & 0x3F if found.version == 2 else np.where(old[single], byte[at + 8] & 0x3F, word[at + 8])

    value[place[of[biff.REAL]]] = real[values[of[biff.REAL]]]
    value[place[of[biff.INTEGER]]] = word[values[of[biff.INTEGER]]]
    value[place[of[biff.RK]]] = rk_numbers(long[starts[of[biff.RK]] + 10])
    if len(many):
        counts = count[many]
        inner = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        at, to = np.repeat(starts[many], counts), np.repeat(place[many], counts) + inner
        row[to], column[to] = word[at + 4], word[at + 6] + inner
        style[to], value[to] = word[at + 8 + 6 * inner], rk_numbers(long[at + 10 + 6 * inner])
    shared = of[biff.SHARED_TEXT]
    type[place[shared]], value[place[shared]] = SHARED, long[starts[shared] + 10]
    truths = of[biff.TRUTH]
    value[place[truths]] = byte[values[truths]]
    type[place[truths]] = np.where(byte[values[truths] + 1] > 0, ERROR, BOOLEAN)

    texts: list[str] = []
    labels = of[biff.LABEL]
    if len(labels):
        type[place[labels]] = TEXT
        value[place[labels]] = np.arange(len(labels))
        texts = _texts(block, labels, values[labels], found)
    if len(formulas):
        plain = formulas[~result]
        value[place[plain]] = real[values[plain]]
        for code, kind in ((1, BOOLEAN), (2, ERROR)):
            these = formulas[result & (special == code)]
            type[place[these]], value[place[these]] = kind, byte[values[these] + 2]
        told = formulas[result & (special == 0)]
        results = _result_texts(block, told, found)
        type[place[told]], value[place[told]] = TEXT, len(texts) + np.arange(len(told))
        texts += [text or "" for text in results]
        type[place[told[[text is None for text in results]]]] = UNRESOLVED
        type[place[unresolved]] = UNRESOLVED
    return _Found(row, column, type, style, value, texts)


def _texts(block: Block, records: Records, begins: Records, found: Globals) -> list[str]:
    """The texts of these records; `begins`: where each begins in the block, with its length before it."""
    data = block.data
    ends = (block.starts + 4 + block.lengths)[records]
    old = biff.is_old(block.kinds[records], found.version)
    if found.version == 8 and not old.any():
        texts: list[str] = []
        for record, at, end in zip(records.tolist(), begins.tolist(), ends.tolist(), strict=True):
            if at + 3 <= end:
                size = data[at] | data[at + 1] << 8
                if data[at + 2] == 0 and at + 3 + size <= end:
                    texts.append(data[at + 3 : at + 3 + size].decode("latin-1"))
                    continue
                if data[at + 2] == 1 and at + 3 + 2 * size <= end:
                    texts.append(data[at + 3 : at + 3 + 2 * size].decode("utf-16-le", "backslashreplace"))
                    continue
            texts.append(_text(block, record, at - int(block.starts[record]) - 4, found))
        return texts
    word = biff.words(data, "<u2")
    size = word[np.minimum(begins, len(word) - 1)].astype(np.int64)
    first = np.where(old, begins + 1, begins + 2)
    stops = first + np.where(old, size & 0xFF, size)
    spans = list(zip(records.tolist(), first.tolist(), stops.tolist(), (stops <= ends).tolist(), strict=True))
    if found.version == 8 or not all(whole for _, _, _, whole in spans):
        bodies = (begins - block.starts[records] - 4).tolist()
        return [_text(block, record, body, found) for record, body in zip(records.tolist(), bodies, strict=True)]
    return [data[at:stop].decode(found.encoding, "backslashreplace") for _, at, stop, _ in spans]


def _result_texts(block: Block, formulas: Records, found: Globals) -> list[str | None]:
    """The texts that formulas gave, each in a record behind it; None where it is missing."""
    last = len(block.classes) - 1
    behind = np.minimum(formulas + 1, last)
    # Nearly always it is the next one.
    for place in np.flatnonzero((block.classes[behind] == biff.FOLLOWING) & (behind > formulas)).tolist():
        record = int(behind[place])
        while record < last and block.classes[record] == biff.FOLLOWING:
            record += 1
        behind[place] = record
    there = np.flatnonzero((block.classes[behind] == biff.RESULT_TEXT) & (behind > formulas))
    texts: list[str | None] = [None] * len(formulas)
    records = behind[there]
    for place, text in zip(there.tolist(), _texts(block, records, block.starts[records] + 4, found), strict=True):
        texts[place] = text
    return texts


def _text(block: Block, record: int, first: int, found: Globals) -> str:
    """The text that begins at `first` of a record's body and may go on in those that continue it."""
    if found.version == 8 and not biff.is_old(block.kinds[record : record + 1], 8)[0]:
        return biff.record_text(_bodies(block, record), first)
    whole = b"".join(_bodies(block, record))[first:]
    size_bytes = 1 if biff.is_old(block.kinds[record : record + 1], found.version)[0] else 2
    size = int.from_bytes(whole[:size_bytes], "little")
    if size_bytes + size > len(whole):
        raise damaged("a text is longer than its record")
    return whole[size_bytes : size_bytes + size].decode(found.encoding, "backslashreplace")


def _without_result(block: Block) -> tuple[Records, int]:
    """(the formulas of BIFF8 that hold a 0 or an empty text but cannot give it, how many others hold one)"""
    formulas = np.flatnonzero(block.classes == biff.FORMULA)
    held = biff.words(block.data, "<u8")[block.starts[formulas] + 10]
    zero, empty = held == 0, held & np.uint64(0xFFFF0000000000FF) == np.uint64(0xFFFF000000000003)
    some = np.flatnonzero(zero | empty)
    records, found, others = formulas[some], [], 0
    bounds = zip(records.tolist(), block.starts[records].tolist(), block.lengths[records].tolist(), strict=True)
    for (record, start, length), is_zero in zip(bounds, zero[some].tolist(), strict=True):
        size = int.from_bytes(block.data[start + 24 : start + 26], "little") if length >= 22 else 1 << 16
        result = result_of(block.data[start + 26 : start + 26 + size]) if 22 + size <= length else UNKNOWN
        if result == (TEXT_RESULT if is_zero else OTHER_RESULT):
            found.append(record)
        others += result == UNKNOWN
    return np.array(found, np.int64), others


def _bodies(block: Block, record: int) -> Iterator[bytes]:
    """The body of a record and of those that continue it."""
    while True:
        start = int(block.starts[record]) + 4
        yield block.data[start : start + int(block.lengths[record])]
        record += 1
        if record == len(block.kinds) or block.kinds[record] != biff.CONTINUE:
            return
