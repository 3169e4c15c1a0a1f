"""XML spreadsheets of Excel 2002 and 2003 (SpreadsheetML), mostly under the name .xls, read as a stream.

The schema is public (Microsoft, "XML Spreadsheet Reference"): a cell says its type, and where it stands if it is not
the one behind the last. Cells under merged ones have no elements of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from douane.errors import BadFile, OverLimit
from douane.sheet.formats import (
    KIND_BOOLEAN,
    KIND_ERROR,
    KIND_NUMBER,
    KIND_TEXT,
    Detected,
    Limits,
    Options,
    Reader,
    Source,
)
from douane.sheet.formats.cell_text import iso_text
from douane.sheet.formats.markup import opening
from douane.sheet.formats.number_formats import DATE, DATETIME, NUMBER, TIME, NumberFormat, number_format
from douane.sheet.formats.rows_reader import RowsReader
from douane.sheet.formats.sheet_frame import FORMATTED, Row, chosen_sheet
from douane.sheet.formats.sheet_xml import as_utf8, careful_parser, feed

_NAMESPACE = "urn:schemas-microsoft-com:office:spreadsheet"
_BLOCK_BYTES = 256 << 10
_BITE_BYTES = 32 << 10
_LINES_MAX = (1 << 32) - 1
_TIME_ONLY = re.compile(r"1899-12-3[01]T(\d\d:\d\d:\d\d(?:\.\d+)?)")
_MIDNIGHT = re.compile(r"T00:00:00(?:\.0+)?$")
_FORMATS_MAX = 200
# Formats that Excel names instead of writing their codes.
_NAMED = {
    **dict.fromkeys(("General Number", "Currency", "Euro Currency", "Fixed", "Standard", "Percent"), NumberFormat()),
    **dict.fromkeys(("Scientific", "Yes/No", "True/False", "On/Off"), NumberFormat()),
    **dict.fromkeys(("Long Date", "Medium Date", "Short Date"), NumberFormat(DATE)),
    **dict.fromkeys(("Long Time", "Medium Time", "Short Time"), NumberFormat(TIME)),
    "General Date": NumberFormat(DATETIME),
}


def recognise(head: bytes, source: Source) -> bool:
    text, _ = opening(head)
    return text.startswith("<") and re.search(rf"""<(?:\w+:)?Workbook\b[^>]*["']{_NAMESPACE}["']""", text) is not None


def sheet_names(source: Source, options: Options = Options()) -> tuple[str, ...]:
    """The sheets a person may choose from, as `xlsx.sheet_names`."""
    return _offered(_book(source, options.limits))


def open(source: Source, options: Options) -> Reader:
    """The reader of one sheet. BadFile: `file_broken`, `sheet_unknown`, `file_empty`."""
    book = _book(source, options.limits)
    offered = _offered(book)
    name = chosen_sheet(tuple(sheet.name for sheet in book.sheets), offered, options.sheet)
    at = next(number for number, sheet in enumerate(book.sheets) if sheet.name == name)
    return RowsReader(
        lambda: _rows(source, at, book, options.limits),
        options,
        source.size,
        Detected("xml", 0, None, sheets=offered, sheet=name),
        formats=book.formats,
        hidden_columns=book.sheets[at].hidden_columns,
    )


@dataclass(slots=True)
class _Sheet:
    name: str
    hidden: bool = False
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True)
class _Book:
    """`kinds`: id of a style -> the kind of its number cells."""

    sheets: list[_Sheet] = field(default_factory=list)
    formats: list[NumberFormat] = field(default_factory=list)
    kinds: dict[str, int] = field(default_factory=dict)


def _offered(book: _Book) -> tuple[str, ...]:
    some = [sheet for sheet in book.sheets if not sheet.name.startswith("imp_")]
    return tuple(sheet.name for sheet in sorted(some, key=lambda sheet: sheet.hidden))


def _blocks(source: Source) -> Iterator[bytes]:
    offset = 0
    while block := source.read(offset, _BLOCK_BYTES):
        offset += len(block)
        yield block


def _plain(attributes: dict[str, str]) -> dict[str, str]:
    """Attributes without their prefixes."""
    return {name.rsplit(":", 1)[-1]: value for name, value in attributes.items()}


def _count(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else default


class _Survey:
    """What a first reading of the whole file tells: styles, sheets and what is hidden."""

    def __init__(self, columns_max: int) -> None:
        self.book = _Book()
        self.parents: dict[str, str] = {}
        self.codes: dict[str, str] = {}
        self._columns_max = columns_max
        self._style = ""
        self._column = 0
        self._visible: list[str] | None = None

    def start(self, name: str, raw: dict[str, str]) -> None:
        sheets = self.book.sheets
        if name == "Worksheet":
            sheets.append(_Sheet(_plain(raw).get("Name", f"Sheet{len(sheets) + 1}")))
            self._column = 0
        elif name == "Style":
            a = _plain(raw)
            self._style = a.get("ID", "")
            self.parents[self._style] = a.get("Parent", "")
        elif name == "NumberFormat":
            self.codes[self._style] = _plain(raw).get("Format", "")
        elif name == "Column" and sheets:
            a = _plain(raw)
            column = _count(a.get("Index"), self._column + 1)
            end = min(column + _count(a.get("Span"), 0), self._columns_max)
            if a.get("Hidden") == "1":
                sheets[-1].hidden_columns.append((column - 1, end))
            self._column = end
        elif name == "Visible":
            self._visible = []

    def end(self, name: str) -> None:
        if name == "Visible" and self._visible is not None:
            if self.book.sheets and "".join(self._visible).strip() in ("SheetHidden", "SheetVeryHidden"):
                self.book.sheets[-1].hidden = True
            self._visible = None

    def characters(self, data: str) -> None:
        if self._visible is not None:
            self._visible.append(data)


def _book(source: Source, limits: Limits) -> _Book:
    """Styles, sheets and what is hidden."""
    survey = _Survey(limits.columns)
    parser = careful_parser(survey.start, survey.end)
    parser.CharacterDataHandler = survey.characters
    feed(parser, as_utf8(_blocks(source)))
    book, codes, parents = survey.book, survey.codes, survey.parents
    for own in {**parents, **codes}:
        code = codes.get(own) or codes.get(parents.get(own, ""), "")
        form = _NAMED.get(code) or number_format(code)
        if form.meaning == NUMBER:
            continue
        if form not in book.formats and len(book.formats) < _FORMATS_MAX:
            book.formats.append(form)
        if form in book.formats:
            book.kinds[own] = FORMATTED + book.formats.index(form)
    if not book.sheets:
        raise BadFile("The workbook has no sheet with cells.", code="sheet_unknown")
    return book


def _rows(source: Source, sheet: int, book: _Book, limits: Limits) -> Iterator[tuple[Row, int]]:
    collector = _Collector(sheet, book, limits)
    parser = careful_parser(collector.start, collector.end)
    parser.CharacterDataHandler = collector.characters
    done = 0
    for block in as_utf8(_blocks(source)):
        for at in range(0, len(block), _BITE_BYTES):
            feed(parser, (block[at : at + _BITE_BYTES],), final=False)
            done += len(block[at : at + _BITE_BYTES])
            rows, collector.rows = collector.rows, []
            yield from ((row, done) for row in rows)
    feed(parser, ())


class _Collector:
    """expat's events -> the rows of one sheet."""

    def __init__(self, sheet: int, book: _Book, limits: Limits) -> None:
        self.rows: list[Row] = []
        self._wanted, self._book, self._limits = sheet, book, limits
        self._sheet = -1
        self._line = self._column = 0
        self._span = 0
        self._hidden = False
        self._cells: list[tuple[int, str, int]] = []
        self._unresolved = 0
        self._cell: dict[str, str] | None = None
        self._across = 0
        self._type = ""
        self._row_style = ""
        self._data: list[str] | None = None
        self._text = ""
        self._has_data = False

    def start(self, name: str, raw: dict[str, str]) -> None:
        if name == "Worksheet":
            self._sheet += 1
            self._line = 0
        elif self._sheet != self._wanted:
            return
        elif name == "Row":
            a = _plain(raw)
            self._line = _count(a.get("Index"), self._line + 1)
            if self._line > _LINES_MAX:
                raise BadFile("The file is damaged: a row number is impossible.")
            self._span = _count(a.get("Span"), 0)
            self._hidden = a.get("Hidden") == "1"
            self._row_style = a.get("StyleID", "")
            self._cells, self._column, self._unresolved = [], 0, 0
        elif name == "Cell":
            self._cell = _plain(raw)
            self._column = _count(self._cell.get("Index"), self._column + 1)
            if self._column > self._limits.columns:
                raise OverLimit(f"A cell stands beyond column {self._limits.columns:,}.", setting="columns")
            self._text, self._type, self._has_data = "", "", False
        elif name == "Data" and self._cell is not None:
            self._type = _plain(raw).get("Type", "String")
            self._data = []
            self._has_data = True

    def characters(self, data: str) -> None:
        if self._data is not None:
            self._data.append(data)

    def end(self, name: str) -> None:
        if self._sheet != self._wanted:
            return
        if name == "Data" and self._data is not None:
            self._text, self._data = "".join(self._data), None
        elif name == "Cell" and self._cell is not None:
            text, kind = self._value()
            if text:
                self._cells.append((self._column - 1, text, kind))
            elif "Formula" in self._cell and not self._has_data:
                self._unresolved += 1
            self._column += min(_count(self._cell.get("MergeAcross"), 0), self._limits.columns)
            self._cell = None
        elif name == "Row":
            if self._cells or self._unresolved:
                self.rows.append(Row(self._line, self._hidden, self._cells, 0, self._unresolved))
            self._line += self._span

    def _value(self) -> tuple[str, int]:
        assert self._cell is not None
        text = self._text
        match self._type:
            case "Number":
                style = self._cell.get("StyleID") or self._row_style
                return text.strip(), self._book.kinds.get(style, KIND_NUMBER)
            case "DateTime":
                if found := _TIME_ONLY.fullmatch(text.strip()):
                    return iso_text(found[1])
                return iso_text(_MIDNIGHT.sub("", text.strip()))
            case "Boolean":
                return {"1": "TRUE", "0": "FALSE"}.get(text.strip(), text.strip().upper()), KIND_BOOLEAN
            case "Error":
                return text.strip(), KIND_ERROR
            case _:
                return text, KIND_TEXT
