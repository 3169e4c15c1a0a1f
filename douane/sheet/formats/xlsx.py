"""Workbooks in Office Open XML (.xlsx, .xlsm), transitional and strict, read as a stream in bounded memory.

Nothing is unpacked to disk, nothing outside the file is followed, macros are seen and never run. What a cell becomes is
decided by `cell_text.py`; the XML is `sheet_xml.py`'s, the parts and how they refer
to each other `package.py`'s. Facts are from ECMA-376 part 1.

Read are the results that the writing program stored: a formula without one is an empty cell. Hidden rows and columns
are left out, as the spreadsheet contract's 5.4 says; of merged cells the top left one has the value.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.archive import open_archive
from douane.errors import BadFile, DouaneError
from douane.model.reading import Note
from douane.sheet.formats import (
    KIND_BOOLEAN,
    KIND_ERROR,
    KIND_TEXT,
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
from douane.sheet.formats import sheet_xml as xml
from douane.sheet.formats.cell_text import formatted_texts, iso_text
from douane.sheet.formats.merged_cells import Ranges, covered, ranges_of, spans
from douane.sheet.formats.number_formats import BUILT_IN, NumberFormat, number_format
from douane.sheet.formats.package import Package, plain
from douane.sheet.formats.shared_texts import SharedTexts
from douane.sheet.formats.sheet_frame import (
    CELL_BYTES,
    PIECE_ROWS,
    Pool,
    Values,
    batch_of,
    check_handed_out,
    chosen_sheet,
    hidden_notes,
    merged_ranges,
    sample_of,
    without,
)
from douane.sheet.formats.sheet_xml import Cells
from douane.sheet.noticed import note
from douane.values import dataclass

_BAD_REFERENCE = "#REF!"


def recognise(head: bytes, source: Source) -> bool:
    """A zip file with a workbook inside; also one that is damaged, if its first entries look like one, so that the
    person is told what is wrong."""
    if not head.startswith(b"PK\x03\x04"):
        return False
    try:
        names = {plain(n) for n in open_archive(source, Limits()).names}
    except DouaneError:
        return b"xl/" in head and b"xl/workbook.bin" not in head
    if "xl/workbook.bin" in names:
        return False
    return "xl/workbook.xml" in names or any(n.startswith("xl/worksheets/") for n in names) or _main_is_workbook(source)


def _main_is_workbook(source: Source) -> bool:
    try:
        package = _Package(source, Limits())
        return package.types() is not None
    except DouaneError:
        return False


def sheet_names(source: Source, options: Options = Options()) -> tuple[str, ...]:
    """The worksheets a person may choose from: visible ones, then hidden ones, each in the workbook's order. Very
    hidden sheets and the helpers of our own samples (`imp_...`, contract 2.8 and 5.7) are left out."""
    return _offered(_Package(source, options.limits).sheets)


def open(source: Source, options: Options = Options()) -> Reader:
    """The reader of one sheet. BadFile: `file_broken`, `file_encrypted`, `sheet_unknown`, `file_empty`; OverLimit."""
    return _Reader(source, options)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet as the workbook lists it. `state` is visible, hidden or veryHidden; `part` "" where it has no cells."""

    name: str
    state: str
    part: str


def _offered(sheets: tuple[Sheet, ...]) -> tuple[str, ...]:
    usable = [s for s in sheets if s.part and s.state != "veryHidden" and not s.name.startswith("imp_")]
    return tuple(s.name for s in sorted(usable, key=lambda s: s.state != "visible"))


class _Package(Package):
    """A workbook's parts, and the sheets it lists."""

    def __init__(self, source: Source, limits: Limits) -> None:
        super().__init__(source, limits)
        self.from_1904 = False
        self.sheets = self._read_workbook()

    def _read_workbook(self) -> tuple[Sheet, ...]:
        entry = self.part(self.main)
        if entry is None:
            raise BadFile("The file is damaged: it has no workbook part.")
        sheets: list[Sheet] = []
        for element in self.elements(entry):
            a = element.attributes
            # Newer programs repeat this element, in a namespace of their own and without the attribute.
            if element.name == "workbookPr" and "date1904" in a:
                self.from_1904 = a["date1904"].lower() in ("1", "true", "on")
            elif element.name == "sheet":
                relation = next((v for k, v in a.items() if k.endswith(":id")), a.get("id", ""))
                sheets.append(
                    Sheet(a.get("name", ""), a.get("state", "visible"), self._sheet_part(relation, len(sheets)))
                )
        return tuple(sheets)

    def _sheet_part(self, relation: str, number: int) -> str:
        kind, target = self.relations.get(relation, ("worksheet", f"xl/worksheets/sheet{number + 1}.xml"))
        if kind != "worksheet":
            return ""
        usual = f"xl/worksheets/sheet{number + 1}.xml"
        return target if self.part(target) or not self.part(usual) else usual


@dataclass(frozen=True, slots=True)
class _Book:
    """What the cells of every sheet refer to. `formats`: per cell format its number format."""

    formats: tuple[NumberFormat, ...]
    shared: SharedTexts
    from_1904: bool


def _book(package: _Package, limits: Limits) -> _Book:
    entry = package.related("sharedStrings", "xl/sharedStrings.xml")
    texts = xml.shared_texts(package.stream(entry)[1]) if entry else ()
    return _Book(_formats(package), SharedTexts(texts, limits.entry_bytes), package.from_1904)


def _formats(package: _Package) -> tuple[NumberFormat, ...]:
    """The number format of each cell format (`cellXfs`), by position."""
    entry = package.related("styles", "xl/styles.xml")
    codes = dict(BUILT_IN)
    formats: list[NumberFormat] = []
    inside = False
    for element in package.elements(entry) if entry else ():
        a = element.attributes
        if element.name == "numFmt" and a.get("numFmtId", "").isdigit():
            codes[int(a["numFmtId"])] = number_format(a.get("formatCode", ""))
        elif element.name in ("cellXfs", "cellStyleXfs", "cellStyles", "dxfs"):
            inside = element.name == "cellXfs"
        elif element.name == "xf" and inside:
            number = a.get("numFmtId", "")
            formats.append(codes.get(int(number), NumberFormat()) if number.isdigit() else NumberFormat())
    return tuple(formats)


def _values(cells: Cells, book: _Book, hidden_columns: tuple[tuple[int, int], ...], merged: Ranges) -> Values:
    """Cells with their final texts and kinds; hidden columns, empty texts and what lies under merged cells left out."""
    pool = Pool(len(cells.row))
    add = pool.add

    # One number for the way a cell is read: its number format if it is a number, else its type.
    ways = [
        NumberFormat(),
        *sorted(set(book.formats) - {NumberFormat()}),
    ]
    way_of_style = np.array([ways.index(f) for f in book.formats] + [0], np.int64)
    style = np.where((cells.style >= 0) & (cells.style < len(book.formats)), cells.style, len(book.formats))
    way = np.where(cells.type == xml.NUMBER, way_of_style[style], len(ways) + cells.type)
    for this_way in np.flatnonzero(np.bincount(way, minlength=0)):
        at = np.flatnonzero(way == this_way)
        text = cells.text.gather(at) if len(at) < len(way) else cells.text
        if this_way < len(ways):
            form = ways[this_way]
            add(at, *formatted_texts(text, form, from_1904=book.from_1904))
            continue
        match this_way - len(ways):
            case xml.SHARED:
                number = text.str.strip_chars().cast(pl.Int64, strict=False).fill_null(-1).to_numpy()
                good = (number >= 0) & (number < len(book.shared))
                if good.any():
                    pool.add_some(at[good], *book.shared.among(number[good]), KIND_TEXT)
                if not good.all():
                    bad = at[~good]
                    add(bad, pl.Series([_BAD_REFERENCE] * len(bad), dtype=pl.String), KIND_ERROR)
            case xml.BOOLEAN:
                truth = text.str.strip_chars().str.to_uppercase().replace({"1": "TRUE", "0": "FALSE"})
                add(at, truth, KIND_BOOLEAN)
            case xml.ERROR:
                add(at, text, KIND_ERROR)
            case xml.ISO_DATE:
                pairs = [iso_text(t) for t in text]
                moments = pl.Series([t for t, _ in pairs], dtype=pl.String)
                add(at, moments, np.array([k for _, k in pairs], np.uint8))
            case _:
                add(at, text, KIND_TEXT)
    column = cells.column.astype(np.int64)
    texts = pool.texts()
    drop = texts.str.len_bytes().to_numpy()[pool.at] == 0
    for first, end in hidden_columns:
        drop |= (cells.column >= first) & (cells.column < end)
        column -= np.clip(cells.column.astype(np.int64) - first, 0, end - first)
    under = covered(cells.lines, cells.row, cells.column, merged)
    under_lines = cells.lines[cells.row[under & ~drop]]
    unresolved = cells.lines[cells.unresolved]
    shown = column.astype(np.uint32)
    values = Values(cells.lines, cells.hidden, cells.row, shown, pool.at, pool.kind, texts, under_lines, unresolved)
    return without(values, drop | under)


def _rows(cells: Cells, first: int, end: int) -> Cells:
    """Rows `first` up to and not with `end`."""
    a, b = np.searchsorted(cells.row, (first, end))
    rows, at = slice(first, end), slice(int(a), int(b))
    return Cells(
        cells.lines[rows],
        cells.hidden[rows],
        cells.row[at] - np.uint32(first),
        cells.column[at],
        cells.type[at],
        cells.style[at],
        cells.text.slice(int(a), int(b - a)),
        _within(cells.unresolved, first, end),
    )


def _within(rows: npt.NDArray[np.uint32], first: int, end: int) -> npt.NDArray[np.uint32]:
    return rows[(rows >= first) & (rows < end)] - np.uint32(first)


def _joined(runs: list[Cells]) -> Cells:
    if len(runs) == 1:
        return runs[0]
    offsets = np.cumsum([0, *(len(r.lines) for r in runs[:-1])]).astype(np.uint32)
    return Cells(
        np.concatenate([r.lines for r in runs]),
        np.concatenate([r.hidden for r in runs]),
        np.concatenate([r.row + o for r, o in zip(runs, offsets, strict=True)]),
        np.concatenate([r.column for r in runs]),
        np.concatenate([r.type for r in runs]),
        np.concatenate([r.style for r in runs]),
        pl.concat([r.text for r in runs]),
        np.concatenate([r.unresolved + o for r, o in zip(runs, offsets, strict=True)]),
    )


@dataclass(frozen=True, slots=True)
class _SheetPiece:
    """A run of whole rows as cells in long form; `line` is the row before it."""

    number: int
    runs: list[Cells]
    line: int
    reader: _Reader
    next: Position
    bytes_done: int

    def parse(self) -> Batch:
        reader = self.reader
        values = _values(_joined(self.runs), reader.book, reader.hidden_columns, reader.merged)
        return batch_of(values, reader.detected.width, self.line, reader.limits, self.next, self.bytes_done)


@dataclass(slots=True)
class _Pending:
    """Rows gathered for the next piece."""

    runs: list[Cells] = field(default_factory=list)
    rows: int = 0
    cost: int = 0
    line: int = 0


class _Reader:
    def __init__(self, source: Source, options: Options) -> None:
        self.limits = options.limits
        self._source_size = source.size
        self._piece_bytes = options.piece_bytes
        self._shows_all = options.hidden
        self._package = package = _Package(source, options.limits)
        offered = _offered(package.sheets)
        usable = tuple(s.name for s in package.sheets if s.part)
        name = chosen_sheet(usable, offered, options.sheet)
        sheet = next(s for s in package.sheets if s.name == name and s.part)
        entry = package.part(sheet.part)
        if entry is None:
            raise BadFile(f"The file is damaged: the part of sheet “{name}” is missing.")
        self._entry = entry
        self.book = _book(package, options.limits)
        self.hidden_columns: tuple[tuple[int, int], ...] = ()
        self.merged = ranges_of(xml.merged_cells(package.stream(entry)[1]))
        sample = sample_of((_values(c, self.book, self.hidden_columns, self.merged) for c, _, _ in self._runs()), name)
        self.first: First | None = replace(
            sample.first, spans=spans(self.merged, sample.first.lines, self.hidden_columns)
        )
        self.detected = Detected(
            format="xlsx",
            width=sample.width,
            header_row=None,
            sheets=offered,
            sheet=name,
            notes=self._notes(),
        )

    def _notes(self) -> tuple[Note, ...]:
        macros = self._package.part("xl/vbaProject.bin") is not None
        return (
            *hidden_notes(self.hidden_columns, self.limits.columns),
            *[note("macros")] * macros,
        )

    def _runs(self) -> Iterator[tuple[Cells, int, int]]:
        """(cells, unpacked bytes so far, packed bytes so far) of the sheet, block by block."""
        stream, blocks = self._package.stream(self._entry)
        prologue, head = xml.read_prologue(blocks)
        self.hidden_columns = () if self._shows_all else merged_ranges(prologue.hidden_columns)
        if not head:
            return
        line = done = 0
        for block in xml.row_blocks(head, blocks, prologue.prefix, row_bytes_max=self.limits.record_bytes):
            cells = xml.cells_of(block, prologue.prefix, line)
            if self._shows_all:
                cells = replace(cells, hidden=np.zeros(len(cells.lines), np.bool_))
            done += len(block)
            if len(cells.lines):
                line = int(cells.lines[-1])
                yield cells, done, stream.packed_done

    def pieces(self, start: Position = Position()) -> Iterator[Piece]:
        """Pieces of at most 20,480 rows and about `piece_bytes` of texts and cells: a shared text counts each time it
        is used, for that is what its batch becomes."""
        pending, number = _Pending(), 0
        done = packed = handed_out = 0
        for cells, done, packed in self._runs():
            costs = np.cumsum(self._costs(cells))
            handed_out += int(costs[-1]) - CELL_BYTES * self.detected.width * len(costs)
            check_handed_out(handed_out, self._source_size, self.limits)
            first = 0
            while first < len(cells.lines):
                before = int(costs[first - 1]) if first else 0
                fits = int(np.searchsorted(costs, before + self._piece_bytes - pending.cost, side="right"))
                end = min(max(fits, first + (not pending.rows)), first + PIECE_ROWS - pending.rows, len(cells.lines))
                if end > first:
                    pending.runs.append(_rows(cells, first, end))
                    pending.rows += end - first
                    pending.cost += int(costs[end - 1]) - before
                    first = end
                if first < len(cells.lines) or pending.rows >= PIECE_ROWS:
                    piece = self._piece(pending, number, done, packed)
                    if number >= start.piece:
                        yield piece
                    number, pending = number + 1, _Pending(line=piece.next.line - 1)
        if pending.rows:
            piece = self._piece(pending, number, done, self._entry.packed_bytes)
            if number >= start.piece:
                yield piece

    def _piece(self, pending: _Pending, number: int, done: int, packed: int) -> _SheetPiece:
        after = Position(number + 1, done, int(pending.runs[-1].lines[-1]) + 1)
        bytes_done = self._source_size * packed // max(1, self._entry.packed_bytes)
        return _SheetPiece(number, pending.runs, pending.line, self, after, bytes_done)

    def _costs(self, cells: Cells) -> npt.NDArray[np.int64]:
        """What each row will take in a frame, in bytes."""
        size = cells.text.str.len_bytes().to_numpy().astype(np.int64)
        shared = np.flatnonzero(cells.type == xml.SHARED)
        if len(shared) and len(self.book.shared):
            index = cells.text.gather(shared).cast(pl.Int64, strict=False).fill_null(0).to_numpy()
            size[shared] = self.book.shared.sizes_of(np.clip(index, 0, len(self.book.shared) - 1))
        total = np.bincount(cells.row, weights=size, minlength=len(cells.lines)).astype(np.int64)
        return total + CELL_BYTES * self.detected.width
