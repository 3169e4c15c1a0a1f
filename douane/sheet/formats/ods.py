"""OpenDocument spreadsheets (.ods, and .fods: the same as one XML file), read as a stream in bounded memory.

Our own reader, because calamine refuses the files of some programs (whitespace between cells is enough) and trusts
repeat counts. Facts are from OpenDocument 1.3 part 3: 9.1 (tables), 6.1 (white space), 19.385 (values). Cells say their
values themselves, so styles matter for hidden sheets and for padded numbers (`00000`) alone. Hidden rows and columns
are left out, as in `xlsx.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.parsers import expat

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
from douane.sheet.formats.number_formats import (
    BY_VALUE,
    PADDED,
    Choice,
    NumberFormat,
    chosen,
    number_format,
    otherwise,
)
from douane.sheet.formats.sheet_frame import (
    CELL_BYTES,
    FORMATTED,
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
from douane.values import dataclass

_MEDIA_TYPE = b"application/vnd.oasis.opendocument.spreadsheet"
_LINES_MAX = (1 << 32) - 1
_BLOCK_BYTES = 1 << 18
# What formulas give that fail; Gnumeric says so in the text alone.
_ERRORS = frozenset({"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"})
_CONDITION = re.compile(r"\s*value\(\)\s*(<=|>=|!=|<|>|=)\s*(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*")
_MAPS_MAX = 8  # formats by the value, of one style
_NUMBERS = ("float", "percentage", "currency")
# Text in these parts of a cell is not its value: comments, drawings, reading aids, notes.
_ASIDE = frozenset(
    {"annotation", "frame", "g", "custom-shape", "ruby-text", "note", "tracked-changes", "forms", "shapes"}
)


def recognise(head: bytes, source: Source) -> bool:
    """A zip file that says it is an OpenDocument spreadsheet, or has OpenDocument's parts and says nothing; or one XML
    file whose root is an OpenDocument spreadsheet's."""
    if _is_flat(head):
        return True
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


_FLAT = re.compile(
    rb"^(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--.*?-->\s*)*<[A-Za-z]*:?document\b[^>]*"
    rb"application/vnd\.oasis\.opendocument\.spreadsheet",
    re.DOTALL,
)


def _is_flat(head: bytes) -> bool:
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") and _FLAT.match(head[:16384]) is not None


def sheet_names(source: Source, options: Options = Options()) -> tuple[str, ...]:
    """The sheets a person may choose from, as `xlsx.sheet_names`."""
    return _offered(_sheets(_open(source, options.limits), {}))


def open(source: Source, options: Options = Options()) -> Reader:
    """The reader of one sheet. BadFile: `file_type`, `file_broken`, `file_encrypted`, `sheet_unknown`, `file_empty`."""
    return _Reader(source, options)


class _Flat:
    """The one XML file as a stream that can be begun anew. `packed_done`: how much of it was read."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.packed_done = 0

    def __iter__(self) -> Iterator[bytes]:
        while block := self._source.read(self.packed_done, _BLOCK_BYTES):
            self.packed_done += len(block)
            yield block


class _Document:
    """The parts of a document, wherever they stand. `packed_bytes`: of the content, for progress."""

    def __init__(self, source: Source, archive: Archive | None) -> None:
        self._source, self._archive = source, archive
        content = None if archive is None else archive.find("content.xml")
        if archive is not None and content is None:
            raise BadFile("The file is damaged: it has no content.")
        self._content = content
        self.packed_bytes = source.size if content is None else content.packed_bytes

    def content(self) -> _Flat | EntryStream:
        if self._archive is None or self._content is None:
            return _Flat(self._source)
        return self._archive.open(self._content)

    def styles(self) -> EntryStream | None:
        """The part with the styles that have names; those of a flat document stand in its content."""
        entry = None if self._archive is None else self._archive.find("styles.xml")
        return None if self._archive is None or entry is None else self._archive.open(entry)


def _open(source: Source, limits: Limits) -> _Document:
    if _is_flat(source.read(0, 1 << 14)):
        return _Document(source, None)
    archive = open_archive(source, limits)
    manifest = archive.find("META-INF/manifest.xml")
    if archive.find("encrypted-package") or (manifest and b"encryption-data" in archive.read(manifest, 16 << 20)):
        raise BadFile("The spreadsheet is encrypted. Save it without a password.", code="file_encrypted")
    return _Document(source, archive)


@dataclass(frozen=True, slots=True)
class _Sheet:
    name: str
    visible: bool


class _Styles:
    """Start tags of styles -> `padded`: name of a cell style -> its number format, where that pads numbers."""

    def __init__(self) -> None:
        self._codes: dict[str, list[str]] = {}
        self._maps: dict[str, list[tuple[str, str]]] = {}
        self._data_styles: dict[str, str] = {}
        self._parents: dict[str, str] = {}
        self._open: list[str] | None = None
        self._name = ""
        self._text = False
        # Of the number that is open: how many digits it has at least, and where texts stand among them, from its end.
        self._digits = 0
        self._within: list[tuple[int, str]] = []
        self._place: int | None = None

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name in ("number-style", "text-style"):
            self._name = attributes.get("style:name", "")
            self._open = self._codes[self._name] = []
        elif self._open is not None and name == "map":
            maps = self._maps.setdefault(self._name, [])
            if len(maps) < _MAPS_MAX:
                maps.append((attributes.get("style:condition", ""), attributes.get("style:apply-style-name", "")))
        elif self._open is not None and name == "number":
            if attributes.get("number:decimal-places", "0") != "0" or attributes.get("number:grouping") == "true":
                self._open.append("0.0")
            else:
                self._digits = min(_count(attributes.get("number:min-integer-digits")), 100)
        elif self._open is not None and name == "embedded-text":
            self._place = _count(attributes.get("number:position"))
        elif self._open is not None and name in ("scientific-number", "fraction"):
            self._open.append("0.0")  # nothing that pads
        elif self._open is not None and name == "text":
            self._text = True
        elif name == "style" and attributes.get("style:family") == "table-cell":
            own = attributes.get("style:name", "")
            if data := attributes.get("style:data-style-name"):
                self._data_styles[own] = data
            elif parent := attributes.get("style:parent-style-name"):
                self._parents[own] = parent

    def end(self, name: str) -> None:
        if name in ("number-style", "text-style"):
            self._open = None
        elif name == "text":
            self._text = False
        elif name == "embedded-text":
            self._place = None
        elif name == "number" and self._open is not None:
            self._open.append(_among(self._digits, self._within))
            self._digits, self._within = 0, []

    def characters(self, data: str) -> None:
        if self._open is None:
            return
        if self._place is not None:
            self._within.append((self._place, data.replace('"', "")))
        elif self._text:
            self._open.append('"' + data.replace('"', "") + '"')

    def padded(self) -> dict[str, NumberFormat]:
        forms = {name: self._form(name) for name in self._codes}
        found: dict[str, NumberFormat] = {}
        for style in (*self._data_styles, *self._parents):
            named = style
            for _ in range(8):
                if named in self._data_styles or named not in self._parents:
                    break
                named = self._parents[named]
            form = forms.get(self._data_styles.get(named, ""))
            if form is not None and form.meaning in (PADDED, BY_VALUE):
                found[style] = form
        return found

    def _form(self, name: str) -> NumberFormat:
        """The format that is shown by the value, if others are named for some. That for numbers from 0 on is the
        format of all, as `number_format` has it."""
        own = self._own(name)
        choices: list[Choice] = []
        for condition, other in self._maps.get(name, ()):
            if (match := _CONDITION.fullmatch(condition)) is None:
                continue
            sign, bound = match[1].replace("!=", "<>"), float(match[2])
            if sign in (">", ">=") and bound == 0 and not choices:
                return self._own(other)
            choices.append(Choice(sign, bound, self._own(other)))
        return chosen([*choices, otherwise(own)])

    def _own(self, name: str) -> NumberFormat:
        return number_format("".join(self._codes.get(name, ())))


def _among(digits: int, within: list[tuple[int, str]]) -> str:
    """A format of digits with texts among them (`000-00-0000`), each so many digits from the end."""
    if any(place > digits for place, _ in within):
        return "0.0"  # shown only where a number is long enough
    texts = {place: f'"{text}"' for place, text in within}
    return "".join(texts.get(left, "") + "0" for left in range(digits, 0, -1)) + texts.get(0, "")


def _sheets(document: _Document, padded: dict[str, NumberFormat]) -> list[_Sheet]:
    """All sheets in order; fills in `padded`, the cell styles that pad numbers. BadFile `file_type` where the document
    holds no spreadsheet."""
    styles = _Styles()
    if (named := document.styles()) is not None:
        feed(_style_parser(styles), as_utf8(named))
    survey = _Survey(styles)
    parser = careful_parser(survey.start, survey.end)
    parser.CharacterDataHandler = styles.characters
    feed(parser, as_utf8(document.content()))
    if not survey.spreadsheet:
        raise BadFile("The document is no spreadsheet.", code="file_type")
    padded |= styles.padded()
    return survey.sheets


class _Survey:
    """expat's events -> the sheets that a document has; what stands before them goes to its styles."""

    def __init__(self, styles: _Styles) -> None:
        self.sheets: list[_Sheet] = []
        self.spreadsheet = False
        self._styles = styles
        self._hidden: set[str] = set()
        self._style = ""
        self._depth = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if not self.spreadsheet:
            self._styles.start(name, attributes)
        if name == "style":
            self._style = attributes.get("style:name", "")
        elif name == "table-properties" and attributes.get("table:display") == "false":
            self._hidden.add(self._style)
        elif name == "spreadsheet":
            self.spreadsheet = True
        elif name == "table":
            self._depth += 1
            if self._depth == 1 and self.spreadsheet:
                visible = attributes.get("table:style-name") not in self._hidden
                self.sheets.append(_Sheet(attributes.get("table:name", f"Sheet{len(self.sheets) + 1}"), visible))

    def end(self, name: str) -> None:
        self._depth -= name == "table"
        if not self.spreadsheet:
            self._styles.end(name)


def _style_parser(styles: _Styles) -> expat.XMLParserType:
    parser = careful_parser(styles.start, styles.end)
    parser.CharacterDataHandler = styles.characters
    return parser


def _offered(sheets: list[_Sheet]) -> tuple[str, ...]:
    return tuple(s.name for s in sorted(sheets, key=lambda s: not s.visible) if not s.name.startswith("imp_"))


class _Collector:
    """expat's events -> the rows of one sheet, each with how many times it stands there.

    `budget` is what repetition may still make of the file: a cell that says it stands there a million times costs as
    much as a million cells.
    """

    def __init__(self, sheet: int, budget: int, columns_max: int, padded: dict[str, int]) -> None:
        self.rows: list[tuple[Row, int]] = []
        self.done = False
        self.hidden_columns: list[tuple[int, int]] = []
        self._sheet = sheet
        self._budget = budget
        self._columns_max = columns_max
        self._padded = padded  # cell style -> FORMATTED + the number of its format
        self._column_styles: list[tuple[int, int]] = []  # behind the last column, kind
        self._under = self._unresolved = 0
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
            self._under = self._unresolved = 0
        elif name in ("table-cell", "covered-table-cell"):
            self._cell, self._paragraphs = attributes, []
        elif name == "table-column":
            count = _count(attributes.get("table:number-columns-repeated"))
            if attributes.get("table:visibility") in ("collapse", "filter"):
                self.hidden_columns.append((self._next_column, self._next_column + count))
            self._next_column += count
            if self._padded:
                kind = self._padded.get(attributes.get("table:default-cell-style-name", ""), KIND_NUMBER)
                self._column_styles.append((self._next_column, kind))

    def _number_kind(self) -> int:
        """The kind of a number cell, with the format of its style: its own, its row's, its column's."""
        assert self._cell is not None
        named = self._cell.get("table:style-name") or self._row.get("table:default-cell-style-name")
        if named:
            return self._padded.get(named, KIND_NUMBER)
        return next((kind for end, kind in self._column_styles if self._column < end), KIND_NUMBER)

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
        text, kind = _value(self._cell, "\n".join(self._paragraphs))
        if name == "covered-table-cell":
            self._under += bool(text) * min(count, self._columns_max)
            text = ""
        elif kind == KIND_NUMBER and self._padded:
            kind = self._number_kind()
        elif not text and "table:formula" in self._cell and "office:value-type" not in self._cell:
            self._unresolved += min(count, self._columns_max)
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
        if self._cells or self._under or self._unresolved:
            hidden = self._row.get("table:visibility") in ("collapse", "filter")
            if count > 1:
                self._spend(count * sum(CELL_BYTES + len(text) for _, text, _ in self._cells))
            row = Row(self._line + 1, hidden, self._cells, self._under, self._unresolved)
            self.rows.append((row, count if self._cells else 1))
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
    """A paragraph without its layout: white space with a line break in it counts once, and not at the paragraph's ends.

    The format wants all white space collapsed, for what must count has elements of its own. LibreOffice (7.4.7) does
    not write these in a cell of several lines, and reads every blank as it stands.
    """

    def as_meant(found: re.Match[str]) -> str:
        run = found[0]
        if "\n" not in run and "\r" not in run:
            return run
        return " " if found.start() > 0 and found.end() < len(text) else ""

    laid_out = "\n" in text or "\r" in text
    return (_SPACES.sub(as_meant, text) if laid_out else text).translate(_ELEMENTS)


_DURATION = re.compile(r"(-?)P(?:(\d+)D)?(?:T(?:(-?\d+)H)?(?:(\d+)M)?(?:(\d+)(?:[.,](\d+))?S)?)?")


def _value(cell: dict[str, str], shown: str) -> tuple[str, int]:
    """(text, kind) of a cell by the value it states, else by the text it shows."""
    kind = cell.get("office:value-type", "")
    if cell.get("calcext:value-type") == "error" or (shown in _ERRORS and "table:formula" in cell):
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
        self._document = _open(source, options.limits)
        padded: dict[str, NumberFormat] = {}
        sheets = _sheets(self._document, padded)
        self._formats = tuple(dict.fromkeys(padded.values()))[: 255 - FORMATTED]
        numbers = {form: FORMATTED + number for number, form in enumerate(self._formats)}
        self._padded = {style: numbers[form] for style, form in padded.items() if form in numbers}
        names, offered = tuple(s.name for s in sheets), _offered(sheets)
        name = chosen_sheet(names, offered, options.sheet)
        self._sheet = names.index(name)
        self._done = 0
        self._shows_all = options.hidden
        self._hidden_columns: tuple[tuple[int, int], ...] = ()
        runs = row_runs(self._rows(), 1 << 24, RECORDS_SAMPLED)
        sample = sample_of((values_of(run, self._formats) for run in runs), name)
        self.first: First | None = sample.first
        self.detected = Detected(
            format="ods",
            width=sample.width,
            header_row=None,
            sheets=offered,
            sheet=name,
            notes=hidden_notes(self._hidden_columns, options.limits.columns),
        )

    @property
    def hidden_columns(self) -> tuple[tuple[int, int], ...]:
        return self._hidden_columns

    def _rows(self) -> Iterator[Row]:
        limits = self._limits
        budget = max(limits.unpacked_free_bytes, limits.unpacked_ratio * self._size)
        collector = _Collector(self._sheet, budget, limits.columns, self._padded)
        parser = careful_parser(collector.start, collector.end)
        parser.CharacterDataHandler = collector.characters
        stream = self._document.content()
        for block in as_utf8(stream):
            # Small bites, for the rows of each are held in memory before they go on.
            for at in range(0, len(block), 1 << 16):
                feed(parser, (block[at : at + (1 << 16)],), final=False)
                self._hidden_columns = () if self._shows_all else merged_ranges(collector.hidden_columns)
                self._done = stream.packed_done
                rows, collector.rows = collector.rows, []
                for row, count in rows:
                    cells = shown_cells(row.cells, self._hidden_columns)
                    hidden = row.hidden and not self._shows_all
                    yield from (Row(row.line + i, hidden, cells, row.under, row.unresolved) for i in range(count))
        feed(parser, ())

    def pieces(self, start: Position = Position()) -> Iterator[Piece]:
        total = max(1, self._document.packed_bytes)
        line = 0
        for number, rows in enumerate(row_runs(self._rows(), self._piece_bytes)):
            after = Position(number + 1, 0, rows[-1].line + 1)
            if number >= start.piece:
                bytes_done = min(self._size, self._size * self._done // total)
                width = self.detected.width
                yield RowsPiece(number, rows, line, width, self._limits, after, bytes_done, self._formats)
            line = rows[-1].line
