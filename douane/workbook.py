"""Workbooks as spreadsheet programs open them (ECMA-376, transitional), written as a stream, whole columns at a time.

What a person opens must be what the program would pull: a cell is text exactly as it is, never a formula and never
taken for a date, and a number only where its decimal has at most 15 significant digits, which such programs keep and
show. Beside cells there is what samples and annotated workbooks need: styles, notes on cells, lists to choose from
(always the cells of another sheet: written into the rule itself, a list breaks at commas, at quotes and at 255
characters), frozen panes, filters, hidden columns and sheets, and custom properties.

Limits are those of Microsoft's "Excel specifications and limits". Here is no reading: `sheet/formats/xlsx.py` reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field
from io import SEEK_END
from struct import pack
from typing import IO, BinaryIO, Self
from zipfile import ZIP64_LIMIT, ZIP_DEFLATED, ZipFile, ZipInfo

import polars as pl

from douane.errors import BadRequest
from douane.values import dataclass

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

ROWS_MAX = 1_048_575  # below the heading line
COLUMNS_MAX = 16_384
CELL_CHARS_MAX = 32_767  # UTF-16 code units, as the program counts
SHEET_NAME_MAX = 31
# The package's entries are no larger, for beyond 4 GiB some programs take the file for damaged.
SHEET_BYTES_MAX = (1 << 32) - 1
NOTE_CHARS_MAX = 8_000  # a longer one is cut: nobody reads it in a box beside a cell
OTHERWISE = "ask for csv, ndjson, arrow or parquet"

_ZIP_VERSION = 20  # what reads a deflated entry without ZIP64 (APPNOTE 4.4.3)
_GROWTH_HINT, _GROWTH_SIGN = 0xA220, 0xA028

TEXT_FORMAT = "@"  # what is typed into such a cell stays as it was typed

_NUMBER = r"\A-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?\z"
_DIGITS_MAX = 15
# What XML cannot hold is written by its number (ECMA-376 part 1, 22.9.2.19), and so is text that looks like that.
_ODD = r"[\x00-\x08\x0b-\x1f\x{fffe}\x{ffff}]|_x[0-9A-Fa-f]{4}_"
_ODD_SIGN = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPES = "application/vnd.openxmlformats-officedocument"
_DECLARED = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
# The family of properties that people and programs may add (ECMA-376 part 1, 22.3).
_CUSTOM = "{D5CDD505-2E9C-101B-9397-08002B2CF9AE}"


# Cells


def escaped(text: str) -> str:
    text = _ODD_SIGN.sub(lambda sign: f"_x{ord(sign[0]):04X}_", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _attribute(text: str) -> str:
    return escaped(text).replace('"', "&quot;").replace("\n", "&#10;")


def column_name(at: int) -> str:
    """`A` for 0, `AA` for 26."""
    name = ""
    at += 1
    while at:
        at, letter = divmod(at - 1, 26)
        name = chr(65 + letter) + name
    return name


def refuse_long(frame: pl.DataFrame) -> None:
    """BadRequest where a text is longer than a cell."""
    for name in frame.columns:
        long = frame[name].filter((frame[name].str.len_bytes() > CELL_CHARS_MAX).fill_null(False))
        if any(len(text.encode("utf-16-le")) // 2 > CELL_CHARS_MAX for text in long.to_list()):
            raise BadRequest(
                f"A cell of a workbook holds at most {CELL_CHARS_MAX:,} characters, and one of {name[:100]!r} has more:"
                f" {OTHERWISE}."
            )


@dataclass(frozen=True, slots=True)
class Styled:
    """How the cells of a column look: `usual`, or where `marked` holds (one flag a row) `mark`; both are numbers that
    `Book.style` gave. A marked cell shows also where it is empty."""

    usual: int
    mark: int = 0
    marked: pl.Series | None = None


def lines(
    frame: pl.DataFrame, first: int, numbers: frozenset[str] = frozenset(), styles: Mapping[str, Styled] | None = None
) -> bytes:
    """The rows of text columns as XML; `first` is the number of the first, from 1. Those of `numbers` hold
    numbers, where that is exact."""
    at = pl.lit(pl.int_range(first, first + len(frame), eager=True).cast(pl.String))
    pieces: list[pl.Expr] = [pl.lit('<row r="'), at, pl.lit('">')]
    for number, name in enumerate(frame.columns):
        text = _escaped_column(frame[name])
        place = pl.lit(f'<c r="{column_name(number)}')
        styled = None if styles is None else styles.get(name)
        look, empty = _looks(styled)
        cell = pl.concat_str(
            [place, at, look, pl.lit(' t="inlineStr"><is><t xml:space="preserve">'), pl.lit(text), pl.lit(_CELL_END)]
        )
        if name in numbers:
            plain = frame[name].str.contains(_NUMBER) & (
                frame[name].str.replace_all(r"\A-?0?\.?0*|[-.]", "").str.len_bytes() <= _DIGITS_MAX
            )
            value = pl.concat_str([place, at, look, pl.lit("><v>"), pl.lit(text), pl.lit("</v></c>")])
            cell = pl.when(pl.lit(plain)).then(value).otherwise(cell)
        there = (frame[name] != "").fill_null(False)
        nothing = pl.lit("")
        if empty is not None:
            nothing = pl.when(empty).then(pl.concat_str([place, at, look, pl.lit("/>")])).otherwise(nothing)
        pieces.append(pl.when(pl.lit(there)).then(cell).otherwise(nothing))
    pieces.append(pl.lit("</row>"))
    made = pl.select(pl.concat_str(pieces)).to_series()
    return "".join(made.to_list()).encode()


_CELL_END = "</t></is></c>"


def _looks(styled: Styled | None) -> tuple[pl.Expr, pl.Expr | None]:
    """(the end of a cell's place with its style, where an empty cell is written because of it)."""
    if styled is None:
        return pl.lit('"'), None
    usual = pl.lit(f'" s="{styled.usual}"')
    if styled.marked is None or not styled.marked.any():
        return usual, None
    marked = pl.lit(styled.marked)
    return pl.when(marked).then(pl.lit(f'" s="{styled.mark}"')).otherwise(usual), marked


def _escaped_column(texts: pl.Series) -> pl.Series:
    rows = texts.str.contains(_ODD).fill_null(False).arg_true()
    plain = texts.str.replace_many(["&", "<", ">"], ["&amp;", "&lt;", "&gt;"])
    if len(rows) == 0:
        return plain
    return plain.scatter(rows, [escaped(text) for text in texts.gather(rows).to_list()])


def cell(row: int, column: int, text: str, style: int | None = None, *, number: bool = False) -> str:
    """One cell as XML, `row` and `column` from 0; of a `number`, `text` is its decimal."""
    look = "" if style is None else f' s="{style}"'
    place = f'<c r="{column_name(column)}{row + 1}"{look}'
    if text == "":
        return f"{place}/>" if style is not None else ""
    if number:
        return f"{place}><v>{text}</v></c>"
    return f'{place} t="inlineStr"><is><t xml:space="preserve">{escaped(text)}{_CELL_END}'


# What stands beside cells


@dataclass(frozen=True, slots=True)
class Note:
    """A text that shows beside a cell; `row` and `column` from 0."""

    row: int
    column: int
    text: str


@dataclass(frozen=True, slots=True)
class Choices:
    """The cells of a column from row `first` to `last` (from 0) are chosen from the cells of `sheet` in its column A,
    from its row `top` to `bottom` (from 0). `strict`: nothing else may be typed; `blank`: but nothing at all may."""

    column: int
    first: int
    last: int
    sheet: str
    top: int
    bottom: int
    strict: bool = True
    blank: bool = True


@dataclass(frozen=True, slots=True)
class Width:
    """How a column shows: in characters, with the style that its empty cells have."""

    characters: float
    style: int = 0
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """`frozen`: the rows and columns that stay in sight. `filtered`: the first row has buttons to filter and sort by,
    which need to know the last row (from 0) and how many columns there are."""

    widths: Sequence[Width] = ()
    frozen: tuple[int, int] = (0, 0)
    hidden: bool = False
    filtered: tuple[int, int] | None = None


class Sheet:
    """A sheet while it is written: `write` its rows, in order; notes and choices may be given at any time."""

    def __init__(self, name: str, file: IO[bytes]) -> None:
        self.name = name
        self.notes: list[Note] = []
        self.choices: list[Choices] = []
        self._file = file
        self._size = 0

    def write(self, block: bytes) -> None:
        """BadRequest where the sheet grows beyond what programs open."""
        self._size += len(block)
        if self._size > SHEET_BYTES_MAX - (1 << 20):
            raise BadRequest(f"This is too much for one workbook: {OTHERWISE}.")
        self._file.write(block)

    def row(self, number: int, cells: Iterable[str]) -> None:
        """A row of cells that `cell` made; `number` from 0."""
        self.write(f'<row r="{number + 1}">{"".join(cells)}</row>'.encode())


@dataclass(frozen=True, slots=True)
class _Look:
    code: str = "General"
    bold: bool = False
    fill: str = ""
    color: str = ""
    wrap: bool = False


@dataclass(slots=True)
class _Made:
    name: str
    hidden: bool
    notes: bool
    filtered: tuple[int, int] | None


@dataclass(slots=True)
class Book:
    """A workbook that is being written to `file`, which can seek; a context, at whose end it is whole. Its sheets are
    written one after the other."""

    file: BinaryIO
    properties: Mapping[str, str | int] = field(default_factory=dict)
    title: str = ""
    compression: int = 4
    _looks: list[_Look] = field(default_factory=lambda: [_Look()])
    _sheets: list[_Made] = field(default_factory=list)
    _package: ZipFile = field(init=False)

    def __post_init__(self) -> None:
        self._package = ZipFile(self.file, "w", ZIP_DEFLATED, compresslevel=self.compression)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._write_parts()
        finally:
            self._package.close()

    def style(
        self, code: str = "General", *, bold: bool = False, fill: str = "", color: str = "", wrap: bool = False
    ) -> int:
        """The number of a look. `code`: the number format; `fill`, `color`: RRGGBB of the ground and the letters."""
        look = _Look(code, bold, fill, color, wrap)
        if look not in self._looks:
            self._looks.append(look)
        return self._looks.index(look)

    @contextmanager
    def sheet(self, name: str, view: View = View()) -> Iterator[Sheet]:
        entry = self._entry(f"xl/worksheets/sheet{len(self._sheets) + 1}.xml")
        with self._package.open(entry, "w", force_zip64=True) as file:
            sheet = Sheet(name, file)
            selected = not self._sheets
            sheet.write(f"{_DECLARED}<worksheet {_NAMESPACES}>{_view(view, selected=selected)}<sheetData>".encode())
            yield sheet
            sheet.write(f"</sheetData>{_after(view, sheet)}</worksheet>".encode())
        self._declare_size(entry)
        self._sheets.append(_Made(name, view.hidden, bool(sheet.notes), view.filtered))
        if sheet.notes:
            self._write_notes(len(self._sheets), sheet.notes)

    def _entry(self, name: str) -> ZipInfo:
        entry = ZipInfo(name)
        entry.compress_type = ZIP_DEFLATED
        entry._compresslevel = self.compression  # type: ignore[attr-defined]
        return entry

    def _declare_size(self, entry: ZipInfo) -> None:
        """The size of a sheet in the head of its entry, now that it is known. While it is written it may become larger
        than the head has room for, so it begins with the sizes set apart (ZIP64), and SheetJS 0.18 opens no workbook
        with those. Their place becomes what packages have as padding (ECMA-376 part 2, "growth hint")."""
        if max(entry.file_size, entry.compress_size) > ZIP64_LIMIT:
            return
        entry.extract_version = entry.create_version = _ZIP_VERSION
        for at, head in (
            (4, pack("<H", _ZIP_VERSION)),
            (18, pack("<LL", entry.compress_size, entry.file_size)),
            (30 + len(entry.filename.encode()), pack("<HHHH12x", _GROWTH_HINT, 16, _GROWTH_SIGN, 12)),
        ):
            self.file.seek(entry.header_offset + at)
            self.file.write(head)
        self.file.seek(0, SEEK_END)

    def _write_parts(self) -> None:
        custom = {"docProps/custom.xml": _properties(self.properties)} if self.properties else {}
        parts = {
            "xl/styles.xml": _styles(self._looks),
            "xl/workbook.xml": _workbook(self._sheets),
            "xl/_rels/workbook.xml.rels": _relationships(
                [
                    *((f"{_OFFICE}/relationships/worksheet", f"worksheets/sheet{at}.xml") for at in self._numbers()),
                    (f"{_OFFICE}/relationships/styles", "styles.xml"),
                ]
            ),
            "docProps/core.xml": _core(self.title),
            **custom,
            "_rels/.rels": _relationships(
                [
                    (f"{_OFFICE}/relationships/officeDocument", "xl/workbook.xml"),
                    (f"{_PACKAGE}/relationships/metadata/core-properties", "docProps/core.xml"),
                    *((f"{_OFFICE}/relationships/custom-properties", name) for name in custom),
                ]
            ),
            "[Content_Types].xml": _content_types(self._sheets, custom=bool(custom)),
        }
        for name, text in parts.items():
            self._package.writestr(name, _DECLARED + text)

    def _numbers(self) -> range:
        return range(1, len(self._sheets) + 1)

    def _write_notes(self, number: int, notes: Sequence[Note]) -> None:
        ordered = sorted(notes, key=lambda note: (note.row, note.column))
        self._package.writestr(f"xl/comments{number}.xml", _DECLARED + _comments(ordered))
        self._package.writestr(f"xl/drawings/vmlDrawing{number}.vml", _boxes(ordered))
        related = [
            (f"{_OFFICE}/relationships/vmlDrawing", f"../drawings/vmlDrawing{number}.vml"),
            (f"{_OFFICE}/relationships/comments", f"../comments{number}.xml"),
        ]
        self._package.writestr(f"xl/worksheets/_rels/sheet{number}.xml.rels", _DECLARED + _relationships(related))


_NAMESPACES = f'xmlns="{_MAIN}" xmlns:r="{_OFFICE}/relationships"'


def sheet_name(wanted: str, taken: Iterable[str]) -> str:
    """A name that programs take for a sheet, and that no sheet has yet, in any case."""
    plain = re.sub(r"[\[\]:*?/\\\x00-\x1f\ufffe\uffff]", " ", wanted).strip(" '")[:SHEET_NAME_MAX] or "Sheet"
    names = {name.casefold() for name in taken}
    name, number = plain, 1
    while name.casefold() in names:
        number += 1
        name = f"{plain[: SHEET_NAME_MAX - len(str(number))]}{number}"
    return name


def _view(view: View, *, selected: bool) -> str:
    rows, columns = view.frozen
    pane = ""
    if rows or columns:
        where = "bottomRight" if rows and columns else "bottomLeft" if rows else "topRight"
        split = (f' xSplit="{columns}"' if columns else "") + (f' ySplit="{rows}"' if rows else "")
        top = f"{column_name(columns)}{rows + 1}"
        pane = f'<pane{split} topLeftCell="{top}" activePane="{where}" state="frozen"/><selection pane="{where}"/>'
    tab = ' tabSelected="1"' if selected else ""
    text = f'<sheetViews><sheetView{tab} workbookViewId="0">{pane}</sheetView></sheetViews>'
    columns_said = "".join(
        f'<col min="{at}" max="{at}" width="{one.characters:g}" style="{one.style}" customWidth="1"'
        + (' hidden="1"/>' if one.hidden else "/>")
        for at, one in enumerate(view.widths, 1)
    )
    return text + (f"<cols>{columns_said}</cols>" if columns_said else "")


def _after(view: View, sheet: Sheet) -> str:
    """What the standard wants behind the rows, in its order."""
    text = ""
    if view.filtered is not None:
        text += f'<autoFilter ref="{_filtered(view.filtered)}"/>'
    if sheet.choices:
        rules = "".join(_choice(one) for one in sheet.choices)
        text += f'<dataValidations count="{len(sheet.choices)}">{rules}</dataValidations>'
    return text + ('<legacyDrawing r:id="rId1"/>' if sheet.notes else "")


def _filtered(filtered: tuple[int, int]) -> str:
    last, columns = filtered
    return f"A1:{column_name(columns - 1)}{last + 1}"


def _choice(one: Choices) -> str:
    name = column_name(one.column)
    strict = (
        ' showErrorMessage="1" errorTitle="Invalid Value" error="Please select from the list"' if one.strict else ""
    )
    blank = ' allowBlank="1"' if one.blank else ""
    sheet = escaped(one.sheet.replace("'", "''"))
    return (
        f'<dataValidation type="list"{blank}{strict} sqref="{name}{one.first + 1}:{name}{one.last + 1}">'
        f"<formula1>'{sheet}'!$A${one.top + 1}:$A${one.bottom + 1}</formula1></dataValidation>"
    )


# Notes


def _comments(notes: Sequence[Note]) -> str:
    listed = "".join(
        f'<comment ref="{column_name(note.column)}{note.row + 1}" authorId="0"><text><t xml:space="preserve">'
        f"{escaped(_cut(note.text))}</t></text></comment>"
        for note in notes
    )
    return f'<comments xmlns="{_MAIN}"><authors><author/></authors><commentList>{listed}</commentList></comments>'


def _cut(text: str) -> str:
    return text if len(text) <= NOTE_CHARS_MAX else text[: NOTE_CHARS_MAX - 1] + "…"


def _boxes(notes: Sequence[Note]) -> str:
    """The boxes that notes show in: an older form of drawing, without which programs show none."""
    shapes = "".join(
        f'<v:shape id="_x0000_s{1025 + number}" type="#_x0000_t202" fillcolor="#ffffe1" o:insetmode="auto" '
        'style="position:absolute;visibility:hidden"><v:fill color2="#ffffe1"/><v:textbox/>'
        '<x:ClientData ObjectType="Note"><x:MoveWithCells/><x:SizeWithCells/>'
        f"<x:Anchor>{note.column + 1}, 12, {note.row}, 4, {note.column + 4}, 12, {note.row + _height(note)}, 4"
        "</x:Anchor>"
        f"<x:AutoFill>False</x:AutoFill><x:Row>{note.row}</x:Row><x:Column>{note.column}</x:Column>"
        "</x:ClientData></v:shape>"
        for number, note in enumerate(notes)
    )
    return (
        '<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
        'xmlns:x="urn:schemas-microsoft-com:office:excel"><o:shapelayout v:ext="edit">'
        '<o:idmap v:ext="edit" data="1"/></o:shapelayout><v:shapetype id="_x0000_t202" coordsize="21600,21600" '
        'o:spt="202" path="m,l,21600r21600,l21600,xe"><v:stroke joinstyle="miter"/>'
        f'<v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>{shapes}</xml>'
    )


def _height(note: Note) -> int:
    """In rows; a line of the box holds some 34 characters."""
    return min(20, 2 + sum(1 + len(line) // 34 for line in note.text.splitlines()))


# The parts of the package


def _workbook(sheets: Sequence[_Made]) -> str:
    listed = "".join(
        f'<sheet name="{_attribute(one.name)}" sheetId="{at}"{_state(one)} r:id="rId{at}"/>'
        for at, one in enumerate(sheets, 1)
    )
    names = "".join(
        f'<definedName name="_xlnm._FilterDatabase" localSheetId="{at}" hidden="1">'
        f"'{escaped(one.name.replace(chr(39), chr(39) * 2))}'!{_absolute(one.filtered)}</definedName>"
        for at, one in enumerate(sheets)
        if one.filtered is not None
    )
    names = f"<definedNames>{names}</definedNames>" if names else ""
    views = '<bookViews><workbookView activeTab="0"/></bookViews>'
    return f"<workbook {_NAMESPACES}>{views}<sheets>{listed}</sheets>{names}</workbook>"


def _state(sheet: _Made) -> str:
    return ' state="hidden"' if sheet.hidden else ""


def _absolute(filtered: tuple[int, int]) -> str:
    last, columns = filtered
    return f"$A$1:${column_name(columns - 1)}${last + 1}"


def _styles(looks: Sequence[_Look]) -> str:
    codes = list(dict.fromkeys(look.code for look in looks if look.code not in _BUILT_IN))
    numbers = {**_BUILT_IN, **{code: 164 + at for at, code in enumerate(codes)}}
    fonts = list(dict.fromkeys([(False, ""), *((look.bold, look.color) for look in looks)]))
    fills = list(dict.fromkeys(look.fill for look in looks if look.fill))
    formats = "".join(f'<numFmt numFmtId="{numbers[code]}" formatCode="{_attribute(code)}"/>' for code in codes)
    formats = f'<numFmts count="{len(codes)}">{formats}</numFmts>' if codes else ""
    font = "".join(
        "<font>"
        + ("<b/>" if bold else "")
        + '<sz val="11"/>'
        + (f'<color rgb="FF{color}"/>' if color else "")
        + '<name val="Calibri"/><family val="2"/></font>'
        for bold, color in fonts
    )
    fill = "".join(
        f'<fill><patternFill patternType="solid"><fgColor rgb="FF{one}"/><bgColor indexed="64"/></patternFill></fill>'
        for one in fills
    )
    cells = "".join(
        f'<xf numFmtId="{numbers[look.code]}" fontId="{fonts.index((look.bold, look.color))}"'
        f' fillId="{fills.index(look.fill) + 2 if look.fill else 0}" borderId="0" xfId="0" applyNumberFormat="1"'
        f' applyFont="1" applyFill="1"'
        + (' applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf>' if look.wrap else "/>")
        for look in looks
    )
    return (
        f'<styleSheet xmlns="{_MAIN}">{formats}<fonts count="{len(fonts)}">{font}</fonts>'
        f'<fills count="{len(fills) + 2}"><fill><patternFill patternType="none"/></fill>'
        f'<fill><patternFill patternType="gray125"/></fill>{fill}</fills>'
        '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
        '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
        f'<cellXfs count="{len(looks)}">{cells}</cellXfs>'
        '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
    )


_BUILT_IN = {"General": 0, TEXT_FORMAT: 49}


def _properties(properties: Mapping[str, str | int]) -> str:
    listed = "".join(
        f'<property fmtid="{_CUSTOM}" pid="{at}" name="{_attribute(name)}">'
        + (f"<vt:i4>{value}</vt:i4>" if isinstance(value, int) else f"<vt:lpwstr>{escaped(value)}</vt:lpwstr>")
        + "</property>"
        for at, (name, value) in enumerate(properties.items(), 2)
    )
    return f'<Properties xmlns="{_OFFICE}/custom-properties" xmlns:vt="{_OFFICE}/docPropsVTypes">{listed}</Properties>'


def _core(title: str) -> str:
    return (
        f'<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{escaped(title)}</dc:title></cp:coreProperties>'
    )


def _relationships(related: Iterable[tuple[str, str]]) -> str:
    listed = "".join(
        f'<Relationship Id="rId{at}" Type="{kind}" Target="{target}"/>' for at, (kind, target) in enumerate(related, 1)
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{listed}</Relationships>'


def _content_types(sheets: Sequence[_Made], *, custom: bool) -> str:
    spreadsheet = f"{_TYPES}.spreadsheetml"
    parts = [("/xl/workbook.xml", f"{spreadsheet}.sheet.main+xml"), ("/xl/styles.xml", f"{spreadsheet}.styles+xml")]
    for at, one in enumerate(sheets, 1):
        parts.append((f"/xl/worksheets/sheet{at}.xml", f"{spreadsheet}.worksheet+xml"))
        if one.notes:
            parts.append((f"/xl/comments{at}.xml", f"{spreadsheet}.comments+xml"))
    parts.append(("/docProps/core.xml", "application/vnd.openxmlformats-package.core-properties+xml"))
    if custom:
        parts.append(("/docProps/custom.xml", f"{_TYPES}.custom-properties+xml"))
    listed = "".join(f'<Override PartName="{name}" ContentType="{kind}"/>' for name, kind in parts)
    return (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Default Extension="vml" ContentType="{_TYPES}.vmlDrawing"/>{listed}</Types>'
    )
