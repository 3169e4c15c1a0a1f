"""Tables of web pages, as banks and old programs save them under .xls: what a browser or a spreadsheet program shows.

Excel, LibreOffice and SheetJS write a cell's own value beside the text it shows (`x:num`, `sdval` with `sdnum`,
`data-v` with `data-t`); where it stands, it counts. Nothing is loaded and no script is run.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from html.parser import HTMLParser

from douane.errors import BadFile, OverLimit
from douane.model.reading import Note
from douane.sheet.first_records import kind_of
from douane.sheet.formats import KIND_BOOLEAN, KIND_NUMBER, KIND_TEXT, Detected, Limits, Options, Reader, Source
from douane.sheet.formats.markup import opening
from douane.sheet.formats.number_formats import NUMBER, NumberFormat, number_format
from douane.sheet.formats.rows_reader import RowsReader
from douane.sheet.formats.sheet_frame import FORMATTED, Row, chosen_sheet
from douane.sheet.formats.stream import UNKNOWN_SIZE
from douane.sheet.noticed import note

_PAGE = re.compile(
    r"(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|table|meta|style|title|div|center|font|b)\b",
    re.IGNORECASE | re.DOTALL,
)
_CHARSET = re.compile(r"""<meta[^>]{0,300}?charset\s*=\s*["']?([A-Za-z0-9_.:-]+)""", re.IGNORECASE)
_XML_ENCODING = re.compile(r"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9_.:-]+)""", re.IGNORECASE)
_BLOCK_BYTES = 64 << 10
_SPAN_MAX = 1 << 16
_SPACES = re.compile(r"[ \t\r\n\f]+")
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_FORMATS_MAX = 200
_PLACES_FREE = 1 << 20
_PENDING_BYTES = 4 << 20
_KEPT_CHARACTERS = 4 << 20
_BREAKS = frozenset({"p", "div", "li", "tr", "h1", "h2", "h3", "h4"})
_ASIDE = frozenset({"script", "style", "title", "template", "textarea", "select", "noscript"})


def recognise(head: bytes, source: Source) -> bool:
    """A web page with a table among its first bytes. One without is a stranger."""
    text, _ = opening(head)
    return _PAGE.match(text) is not None and re.search(r"<table\b", _whole(head), re.IGNORECASE) is not None


def _whole(head: bytes) -> str:
    name = opening(head)[1]
    return head.decode(name or "latin-1", "ignore")


def sheet_names(source: Source, options: Options = Options()) -> tuple[str, ...]:
    """The tables, where there are several."""
    return _names(_survey(source, _encoding(source), options.limits).sizes)


def open(source: Source, options: Options) -> Reader:
    """The reader of one table: the one asked for, else the longest. BadFile `file_type`, `file_empty`."""
    encoding = _encoding(source)
    page = _survey(source, encoding, options.limits)
    sizes, kept = page.sizes, page.kept
    names = _names(sizes)
    at = max(range(len(sizes)), key=lambda number: sizes[number])
    notes: tuple[Note, ...] = ()
    if names and options.sheet is not None:
        at = names.index(chosen_sheet(names, names, options.sheet))
    elif names:
        notes = (note("tables_of_page", count=len(names), table=names[at]),)
    formats = page.formats if kept is not None else []
    done = source.size if source.size != UNKNOWN_SIZE else 0

    def rows() -> Iterator[tuple[Row, int]]:
        return _rows(source, encoding, at, formats, options.limits) if kept is None else ((row, done) for row in kept)

    sheet = names[at] if names else None
    named = Detected("html", 0, None, encoding=encoding, sheets=names, sheet=sheet, notes=notes)
    return RowsReader(rows, options, source.size, named, formats=formats)


def _names(sizes: list[int]) -> tuple[str, ...]:
    return tuple(f"Table {number}" for number in range(1, len(sizes) + 1)) if len(sizes) > 1 else ()


def _encoding(source: Source) -> str:
    """What its mark, its declaration or, without any, its bytes say."""
    head = source.read(0, 64 << 10)
    text, named = opening(head)
    if not named:
        found = _CHARSET.search(text) or _XML_ENCODING.match(text)
        try:
            named = codecs.lookup(found[1]).name if found else ""
        except LookupError:
            named = ""
    if not named or named.startswith("utf-16"):
        named = named if opening(head)[1] else _guessed(head)
    return {"iso8859-1": "cp1252", "ascii": "cp1252"}.get(named, named)


def _guessed(head: bytes) -> str:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _blocks(source: Source, encoding: str) -> Iterator[tuple[str, int]]:
    decoder = codecs.getincrementaldecoder(encoding)("backslashreplace")
    offset = 0
    while True:
        block = source.read(offset, _BLOCK_BYTES)
        offset += len(block)
        text = decoder.decode(block, not block)
        yield text.removeprefix("\ufeff") if offset == len(block) else text, offset
        if not block:
            return


def _survey(source: Source, encoding: str, limits: Limits) -> _Page:
    """A page that knows how many filled rows each of its tables has; a small one keeps those of its only table."""
    page = _Page(None, [], limits)
    for text, _ in _blocks(source, encoding):
        page.take(text)
    page.end()
    if not any(page.sizes):
        raise BadFile("The web page has no table with cells. Save the table as .xlsx or .csv.", code="file_type")
    return page


def _rows(
    source: Source, encoding: str, table: int, formats: list[NumberFormat], limits: Limits
) -> Iterator[tuple[Row, int]]:
    page = _Page(table, formats, limits)
    for text, offset in _blocks(source, encoding):
        page.take(text)
        rows, page.rows = page.rows, []
        done = offset if source.size != UNKNOWN_SIZE else 0
        yield from ((row, done) for row in rows)
    page.end()
    yield from ((row, offset) for row in page.rows)


class _Table:
    """A table that is open. `spans`: column -> how many rows below a cell still stands there."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.line = 0
        self.open_row = False
        self.hidden = False
        self.cells: list[tuple[int, str, int]] = []
        self.column = 0
        self.spans: dict[int, int] = {}
        self.cell: dict[str, str] | None = None
        self.text: list[str] = []


class _Page(HTMLParser):
    """The rows of the table number `wanted`; of all of them only how many rows they have (None), and the rows of the
    only table of a small page in `kept`, so that it is read once."""

    def __init__(self, wanted: int | None, formats: list[NumberFormat], limits: Limits) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[Row] = []
        self.sizes: list[int] = []
        self.kept: list[Row] | None = [] if wanted is None else None
        self.formats = formats
        self._wanted, self._limits = wanted, limits
        self._open: list[_Table] = []
        self._aside = 0
        self._read = self._places = 0

    def take(self, text: str) -> None:
        self._read += len(text)
        if self._read > _KEPT_CHARACTERS:
            self.kept = None
        self.feed(text)
        # What is not whole yet is looked at again with each block.
        most = min(self._limits.record_bytes, _PENDING_BYTES)
        if len(self.rawdata) > most:
            raise OverLimit(f"A tag or comment of the page is longer than {most:,} bytes.", setting="record_bytes")

    def updatepos(self, i: int, j: int) -> int:
        """Nobody asks for the line of a tag, and counting them takes a tenth of the time."""
        return j

    def _spend(self, places: int) -> None:
        """Cells that stand over many places cost as if each place had one."""
        self._places += places
        if self._places > _PLACES_FREE + self._limits.unpacked_ratio * self._read:
            raise OverLimit(
                "Cells over many places make the table much larger than its page.", setting="unpacked_ratio"
            )

    def end(self) -> None:
        self.close()
        while self._open:
            self._end_table()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _ASIDE:
            self._aside += 1
        elif tag == "table":
            self._open.append(_Table(len(self.sizes)))
            self.sizes.append(0)
            if len(self.sizes) > 1:
                self.kept = None
        elif not self._open:
            return
        elif tag == "tr":
            self._end_row()
            table = self._open[-1]
            table.open_row = True
            table.hidden = any(name == "style" and _HIDDEN.search(value or "") for name, value in attrs)
        elif tag in ("td", "th"):
            self._end_cell()
            table = self._open[-1]
            table.open_row = True
            table.cell = {name: value or "" for name, value in attrs}
            table.text = []
        elif tag == "br" or tag in _BREAKS:
            self._open[-1].text.append("\x00")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag in _ASIDE:
            self._aside -= 1

    def handle_endtag(self, tag: str) -> None:
        if tag in _ASIDE:
            self._aside = max(0, self._aside - 1)
        elif not self._open:
            return
        elif tag == "table":
            self._end_table()
        elif tag in ("tr", "tbody", "thead", "tfoot"):
            self._end_row()
        elif tag in ("td", "th"):
            self._end_cell()
        elif tag in _BREAKS:
            self._open[-1].text.append("\x00")

    def handle_data(self, data: str) -> None:
        if self._open and not self._aside and self._open[-1].cell is not None:
            self._open[-1].text.append(data)

    def _end_table(self) -> None:
        self._end_row()
        self._open.pop()

    def _end_cell(self) -> None:
        table = self._open[-1]
        if table.cell is None:
            return
        cell, table.cell = table.cell, None
        shown = _SPACES.sub(" ", "".join(table.text))
        if "\x00" in shown:
            shown = "\n".join([line.strip(" \xa0") for line in shown.split("\x00")]).strip("\n")
        else:
            shown = shown.strip(" \xa0")
        text, kind = self._value(cell, shown) if cell else (shown, KIND_TEXT)
        while table.spans and table.spans.get(table.column, 0) > 0:
            table.column += 1
        wide, high = (_span(cell.get("colspan")), _span(cell.get("rowspan"))) if cell else (1, 1)
        if table.column + wide > self._limits.columns:
            raise OverLimit(f"A cell stands beyond column {self._limits.columns:,}.", setting="columns")
        if text:
            table.cells.append((table.column, text, kind))
        if high > 1:
            self._spend(wide)
            for column in range(table.column, table.column + wide):
                table.spans[column] = high
        table.column += wide

    def _end_row(self) -> None:
        self._end_cell()
        table = self._open[-1]
        if not table.open_row:
            return
        table.open_row = False
        table.line += 1
        if table.spans:
            self._spend(len(table.spans))
            table.spans = {column: left - 1 for column, left in table.spans.items() if left > 1}
        if table.cells:
            self.sizes[table.number] += 1
            if self.kept is not None:
                self.kept.append(Row(table.line, table.hidden, table.cells))
            elif table.number == self._wanted:
                self.rows.append(Row(table.line, table.hidden, table.cells))
        table.cells, table.column = [], 0

    def _value(self, cell: dict[str, str], shown: str) -> tuple[str, int]:
        """(text, kind): a cell's own value where the program that wrote the page put it, else what is shown."""
        if cell.get("data-t") == "b" and "data-v" in cell:
            return cell["data-v"].upper(), KIND_BOOLEAN
        own = cell.get("data-v") if cell.get("data-t") == "n" else None
        number = own or cell.get("sdval") or cell.get("x:num") or (shown if "x:num" in cell else "")
        if not number or not _is_number(number):
            return shown, KIND_TEXT
        code = cell.get("data-z", "") if own else "".join(cell.get("sdnum", "").split(";", 2)[2:])
        cut = "data-z" in cell and any('"' in name for name in cell)  # SheetJS writes quotes of a format as they are
        if cut or (not code and "x:num" in cell):
            return (shown, KIND_TEXT) if _says_more(shown) else (number, KIND_NUMBER)
        form = number_format(code)
        if form.meaning == NUMBER:
            return number, KIND_NUMBER
        if form not in self.formats:
            if len(self.formats) >= _FORMATS_MAX:
                return shown, KIND_TEXT
            self.formats.append(form)
        return number, FORMATTED + self.formats.index(form)


def _span(text: str | None) -> int:
    digits = (text or "").strip()
    return max(1, min(int(digits), _SPAN_MAX)) if digits.isascii() and digits.isdigit() and len(digits) < 9 else 1


def _says_more(shown: str) -> bool:
    """Whether a number is shown as a day, as a time or with leading zeros, its format being told in a style sheet."""
    return kind_of(shown) in ("date", "time") or (len(shown) > 1 and shown.isdecimal() and shown.startswith("0"))


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", text.strip()) is not None
