"""OpenDocument spreadsheets (.ods), read as a stream in bounded memory.

Our own reader, because calamine refuses the files of some programs (whitespace between cells is enough) and trusts
repeat counts. Facts are from OpenDocument 1.3 part 3: 9.1 (tables), 6.1 (white space), 19.385 (values). Cells say their
values themselves, so styles matter for hidden sheets alone. Hidden rows and columns are left out, as in `xlsx.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from douane.archive import Archive, EntryStream, open_archive
from douane.errors import BadFile, DouaneError, OverLimit
from douane.sheet.formats import (
    KIND_BOOLEAN,
    KIND_ERROR,
    KIND_NUMBER,
    KIND_TEXT,
    KIND_TIME,
    Detected,
    First,
    Limits,
    Options,
    Piece,
    Position,
    Reader,
    Source,
)
from douane.sheet.formats.cell_text import iso_text
from douane.sheet.formats.sheet_frame import (
    CELL_BYTES,
    RECORDS_SAMPLED,
    Row,
    RowsPiece,
    chosen_sheet,
    hidden_notes,
    merged_ranges,
    row_runs,
    sample_of,
    shown_cells,
    values_of,
)
from douane.sheet.formats.sheet_xml import as_utf8, careful_parser, feed

_MEDIA_TYPE = b"application/vnd.oasis.opendocument.spreadsheet"
_LINES_MAX = (1 << 32) - 1
_NUMBERS = ("float", "percentage", "currency")
# Text in these parts of a cell is not its value: comments, drawings, reading aids, notes.
_ASIDE = frozenset(
    {"annotation", "frame", "g", "custom-shape", "ruby-text", "note", "tracked-changes", "forms", "shapes"}
)


def recognise(head: bytes, source: Source) -> bool:
    """A zip file that says it is an OpenDocument spreadsheet, or has OpenDocument's parts and says nothing."""
    if not head.startswith(b"PK\x03\x04"):
        return False
    try:
        archive = open_archive(source, Limits())
        kind = archive.find("mimetype")
        if kind is not None:
            return archive.read(kind, 4096).strip().startswith(_MEDIA_TYPE)
        return archive.find("content.xml") is not None and archive.find("META-INF/manifest.xml") is not None
    except DouaneError:
        return _MEDIA_TYPE in head


def sheet_names(source: Source, options: Options = Options()) -> tuple[str, ...]:
    """The sheets a person may choose from, as `xlsx.sheet_names`."""
    return _offered(_sheets(_open(source, options.limits)))


def open(source: Source, options: Options = Options()) -> Reader:
    """The reader of one sheet. BadFile: `file_type`, `file_broken`, `file_encrypted`, `sheet_unknown`, `file_empty`."""
    return _Reader(source, options)


def _open(source: Source, limits: Limits) -> Archive:
    archive = open_archive(source, limits)
    manifest = archive.find("META-INF/manifest.xml")
    if archive.find("encrypted-package") or (manifest and b"encryption-data" in archive.read(manifest, 16 << 20)):
        raise BadFile("The spreadsheet is encrypted. Save it without a password.", code="file_encrypted")
    return archive


def _content(archive: Archive) -> EntryStream:
    entry = archive.find("content.xml")
    if entry is None:
        raise BadFile("The file is damaged: it has no content.")
    return archive.open(entry)


@dataclass(frozen=True, slots=True)
class _Sheet:
    name: str
    visible: bool


def _sheets(archive: Archive) -> list[_Sheet]:
    """All sheets in order. BadFile `file_type` where the document holds no spreadsheet."""
    hidden_styles: set[str] = set()
    sheets: list[_Sheet] = []
    style = ""
    depth = 0
    spreadsheet = False

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal style, depth, spreadsheet
        if name == "style":
            style = attributes.get("style:name", "")
        elif name == "table-properties" and attributes.get("table:display") == "false":
            hidden_styles.add(style)
        elif name == "spreadsheet":
            spreadsheet = True
        elif name == "table":
            depth += 1
            if depth == 1 and spreadsheet:
                visible = attributes.get("table:style-name") not in hidden_styles
                sheets.append(_Sheet(attributes.get("table:name", f"Sheet{len(sheets) + 1}"), visible))

    def end(name: str) -> None:
        nonlocal depth
        depth -= name == "table"

    feed(careful_parser(start, end), as_utf8(_content(archive)))
    if not spreadsheet:
        raise BadFile("The document is no spreadsheet.", code="file_type")
    return sheets


def _offered(sheets: list[_Sheet]) -> tuple[str, ...]:
    return tuple(s.name for s in sorted(sheets, key=lambda s: not s.visible) if not s.name.startswith("imp_"))


class _Collector:
    """expat's events -> the rows of one sheet, each with how many times it stands there.

    `budget` is what repetition may still make of the file: a cell that says it stands there a million times costs as
    much as a million cells.
    """

    def __init__(self, sheet: int, budget: int, columns_max: int) -> None:
        self.rows: list[tuple[Row, int]] = []
        self.done = False
        self.hidden_columns: list[tuple[int, int]] = []
        self._sheet = sheet
        self._budget = budget
        self._columns_max = columns_max
        self._tables = -1
        self._depth = 0
        self._line = 0
        self._next_column = 0
        self._row: dict[str, str] = {}
        self._cells: list[tuple[int, str, int]] = []
        self._cell: dict[str, str] | None = None
        self._column = 0
        self._paragraphs: list[str] = []
        self._text: list[str] = []
        self._aside = 0
        self._in_paragraph = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "table" and self._cell is None:
            self._depth += 1
            self._tables += self._depth == 1
        elif self._depth != 1 or self._tables != self._sheet or self.done:
            return
        elif self._cell is not None:
            self._start_in_cell(name, attributes)
        elif name == "table-row":
            self._row, self._cells, self._column = attributes, [], 0
        elif name in ("table-cell", "covered-table-cell"):
            self._cell, self._paragraphs = attributes, []
        elif name == "table-column":
            count = _count(attributes.get("table:number-columns-repeated"))
            if attributes.get("table:visibility") in ("collapse", "filter"):
                self.hidden_columns.append((self._next_column, self._next_column + count))
            self._next_column += count

    def _start_in_cell(self, name: str, attributes: dict[str, str]) -> None:
        if name in _ASIDE:
            self._aside += 1
        elif self._aside:
            return
        elif name in ("p", "h"):
            self._in_paragraph += 1
            self._text = []
        elif name == "s":
            self._text.append("\x00" * min(_count(attributes.get("text:c")), 1 << 16))
        elif name == "tab":
            self._text.append("\x01")
        elif name == "line-break":
            self._text.append("\x02")

    def end(self, name: str) -> None:
        if name == "table" and self._cell is None:
            self.done = self.done or (self._depth == 1 and self._tables == self._sheet)
            self._depth -= 1
        elif self._depth != 1 or self._tables != self._sheet or self.done:
            return
        elif self._cell is not None:
            if name in _ASIDE:
                self._aside -= 1
            elif not self._aside and name in ("p", "h"):
                self._in_paragraph -= 1
                self._paragraphs.append(_collapsed("".join(self._text)))
            elif name in ("table-cell", "covered-table-cell") and not self._aside:
                self._end_cell(name)
        elif name == "table-row":
            self._end_row()

    def characters(self, data: str) -> None:
        if self._in_paragraph and not self._aside:
            self._text.append(data)

    def _end_cell(self, name: str) -> None:
        assert self._cell is not None
        count = _count(self._cell.get("table:number-columns-repeated"))
        text, kind = (
            ("", KIND_TEXT) if name == "covered-table-cell" else _value(self._cell, "\n".join(self._paragraphs))
        )
        if text:
            if self._column + count > self._columns_max:
                raise OverLimit(f"A cell stands beyond column {self._columns_max:,}.", setting="columns")
            if count > 1:
                self._spend(count * (CELL_BYTES + len(text)))
            self._cells += [(self._column + i, text, kind) for i in range(count)]
        self._column += count
        self._cell = None

    def _end_row(self) -> None:
        count = _count(self._row.get("table:number-rows-repeated"))
        if self._line + count > _LINES_MAX:
            raise BadFile("The file is damaged: a row number is impossible.")
        if self._cells:
            hidden = self._row.get("table:visibility") in ("collapse", "filter")
            if count > 1:
                self._spend(count * sum(CELL_BYTES + len(text) for _, text, _ in self._cells))
            self.rows.append((Row(self._line + 1, hidden, self._cells), count))
        self._line += count

    def _spend(self, size: int) -> None:
        self._budget -= size
        if self._budget < 0:
            raise OverLimit("Repeated cells make the sheet much longer than its file.", setting="unpacked_ratio")


def _count(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and 0 < len(text) < 10 and int(text) else 1


_SPACES = re.compile(r"[ \t\r\n]+")
_ELEMENTS = str.maketrans("\x00\x01\x02", " \t\n")


def _collapsed(text: str) -> str:
    """White space in a paragraph counts once, and not at its ends; what must count has elements of its own."""
    return _SPACES.sub(" ", text).strip(" ").translate(_ELEMENTS)


_DURATION = re.compile(r"(-?)P(?:(\d+)D)?(?:T(?:(-?\d+)H)?(?:(\d+)M)?(?:(\d+)(?:[.,](\d+))?S)?)?")


def _value(cell: dict[str, str], shown: str) -> tuple[str, int]:
    """(text, kind) of a cell by the value it states, else by the text it shows."""
    kind = cell.get("office:value-type", "")
    if cell.get("calcext:value-type") == "error":
        return shown, KIND_ERROR
    if kind in _NUMBERS and "office:value" in cell:
        return cell["office:value"], KIND_NUMBER
    if kind == "date" and "office:date-value" in cell:
        return iso_text(cell["office:date-value"])
    if kind == "time" and (duration := _DURATION.fullmatch(cell.get("office:time-value", ""))):
        return _duration_text(duration), KIND_TIME
    if kind == "boolean" and "office:boolean-value" in cell:
        return cell["office:boolean-value"].upper(), KIND_BOOLEAN
    if kind == "string" and "office:string-value" in cell:
        return cell["office:string-value"], KIND_TEXT
    return shown, KIND_TEXT


def _duration_text(duration: re.Match[str]) -> str:
    sign, days, hours, minutes, seconds, fraction = duration.groups()
    ms = round(float("0." + fraction) * 1000) if fraction else 0
    whole_hours = int(hours or 0)
    if whole_hours < 0:
        sign, whole_hours = "-", -whole_hours
    total = int(days or 0) * 86_400 + whole_hours * 3600 + int(minutes or 0) * 60 + int(seconds or 0) + ms // 1000
    text = f"{sign}{total // 3600:02}:{total // 60 % 60:02}:{total % 60:02}"
    return text if not ms % 1000 else f"{text}.{ms % 1000:03}"


class _Reader:
    def __init__(self, source: Source, options: Options) -> None:
        self._limits, self._piece_bytes, self._size = options.limits, options.piece_bytes, source.size
        self._archive = _open(source, options.limits)
        sheets = _sheets(self._archive)
        names, offered = tuple(s.name for s in sheets), _offered(sheets)
        name = chosen_sheet(names, offered, options.sheet)
        self._sheet = names.index(name)
        self._done = 0
        self._hidden_columns: tuple[tuple[int, int], ...] = ()
        sample = sample_of(map(values_of, row_runs(self._rows(), 1 << 24, RECORDS_SAMPLED)), name)
        self.first: First | None = sample.first
        self.detected = Detected(
            format="ods",
            width=sample.width,
            header_row=None,
            sheets=offered,
            sheet=name,
            notes=hidden_notes(self._hidden_columns, options.limits.columns, sample.hidden),
        )

    @property
    def hidden_columns(self) -> tuple[tuple[int, int], ...]:
        return self._hidden_columns

    def _rows(self) -> Iterator[Row]:
        limits = self._limits
        budget = max(limits.unpacked_free_bytes, limits.unpacked_ratio * self._size)
        collector = _Collector(self._sheet, budget, limits.columns)
        parser = careful_parser(collector.start, collector.end)
        parser.CharacterDataHandler = collector.characters
        stream = _content(self._archive)
        for block in as_utf8(stream):
            # Small bites, for the rows of each are held in memory before they go on.
            for at in range(0, len(block), 1 << 16):
                feed(parser, (block[at : at + (1 << 16)],), final=False)
                self._hidden_columns = merged_ranges(collector.hidden_columns)
                self._done = stream.packed_done
                rows, collector.rows = collector.rows, []
                for row, count in rows:
                    cells = shown_cells(row.cells, self._hidden_columns)
                    yield from (Row(row.line + i, row.hidden, cells) for i in range(count))
        feed(parser, ())

    def pieces(self, start: Position = Position()) -> Iterator[Piece]:
        total = max(1, _content(self._archive).entry.packed_bytes)
        line = 0
        for number, rows in enumerate(row_runs(self._rows(), self._piece_bytes)):
            after = Position(number + 1, 0, rows[-1].line + 1)
            if number >= start.piece:
                bytes_done = min(self._size, self._size * self._done // total)
                yield RowsPiece(number, rows, line, self.detected.width, self._limits, after, bytes_done)
            line = rows[-1].line
