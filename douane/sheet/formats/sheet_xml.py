"""The XML of one sheet, cut and taken apart: bytes -> cells in long form, one value per cell.

Three ways that give the same cells. The kernel, where it is (`sheet/native`), and else a fast one that reads whole
blocks with Polars, know cells of ordinary shape only, as the common writers make them; whatever they do not know for
certain they leave to the careful one, an expat parser that refuses document types and entities and knows everything
else. `tests` compares them.

Names of elements are compared without their prefix: the transitional and the strict form differ in namespace only, and
some writers prefix every element.

Long on purpose: the fast way and the careful one are two readings of the same cells, and are kept alike side by side.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any
from xml.parsers import expat

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.errors import BadFile, OverLimit
from douane.sheet import native
from douane.sheet.formats.cell_text import unescaped
from douane.sheet.native import workbooks
from douane.sheet.native.workbooks import Cells as Cells
from douane.values import dataclass

TYPES = ("n", "s", "str", "inlineStr", "b", "e", "d")
NUMBER, SHARED, FORMULA_TEXT, INLINE_TEXT, BOOLEAN, ERROR, ISO_DATE = range(7)

BLOCK_BYTES = 1 << 20
_DEPTH = 64
_BITE_BYTES = 4 << 10
_PROLOGUE_BYTES = 16 << 20  # what stands before the first row: views, column widths
_LINES_MAX = (1 << 32) - 1
_ORDINARY_CONTROLS = bytes(c for c in range(32) if c not in (9, 10))


@dataclass(frozen=True, slots=True)
class Prologue:
    """What stands before the rows: `prefix` of the elements ("" or "x:"), `hidden_columns` as ranges from 0 up to and
    not with the end."""

    prefix: str
    hidden_columns: tuple[tuple[int, int], ...]


def careful_parser(start: Callable[[str, dict[str, str]], Any], end: Callable[[str], Any]) -> expat.XMLParserType:
    """An expat parser for UTF-8 that refuses what a workbook never needs: document types, entities, deep nesting.
    Elements' names come without their prefixes."""
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    depth = 0

    def refuse(*_: Any) -> None:
        raise BadFile("The file holds a document type declaration, which no workbook needs; it is not read.")

    def start_element(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEPTH:
            raise BadFile(f"The file is damaged: elements are nested more than {_DEPTH} deep.")
        start(_local(name), attributes)

    def end_element(name: str) -> None:
        nonlocal depth
        depth -= 1
        end(_local(name))

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    parser.StartElementHandler = start_element
    parser.EndElementHandler = end_element
    return parser


def _local(name: str) -> str:
    return name if ":" not in name else name[name.index(":") + 1 :]


def feed(parser: expat.XMLParserType, blocks: Iterable[bytes], *, final: bool = True) -> None:
    """BadFile where the XML is not well formed."""
    try:
        for block in blocks:
            parser.Parse(block, False)
        if final:
            parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise BadFile(f"The file is damaged: its XML is broken ({error}).") from error


_ENCODING = re.compile(rb"""^<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_ENCODINGS = {"utf-8", "utf-16", "utf-16-le", "utf-16-be", "ascii", "iso8859-1", "cp1252", "iso8859-15"}


def as_utf8(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """A part's bytes in UTF-8 without a byte order mark, whatever of the encodings a workbook may have it is in.
    BadFile `encoding_unknown` for any other."""
    stream = iter(blocks)
    head = b""
    for block in stream:
        head += block
        if len(head) >= 256:
            break
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        name = "utf-16"
    elif head[:4] in (b"<\0?\0", b"\0<\0?"):
        name = "utf-16-le" if head[0] else "utf-16-be"
    else:
        head = head.removeprefix(codecs.BOM_UTF8)
        declared = _ENCODING.match(head.lstrip())
        try:
            name = codecs.lookup(declared[1].decode()).name if declared else "utf-8"
        except LookupError:
            name = "unknown"
        if name == "utf-16" or name not in _ENCODINGS:
            raise BadFile(
                "A part of the workbook is in an encoding that workbooks do not use.", code="encoding_unknown"
            )
    if name in ("utf-8", "ascii"):
        yield head
        yield from stream
        return
    decoder = codecs.getincrementaldecoder(name)()
    try:
        yield decoder.decode(head).encode()
        for block in stream:
            yield decoder.decode(block).encode()
        yield decoder.decode(b"", True).encode()
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        raise BadFile("The file is damaged: a part is not in the encoding it names.") from error


def read_prologue(blocks: Iterator[bytes]) -> tuple[Prologue, bytes]:
    """Takes blocks up to the first row: (prologue, the bytes after `<sheetData>`). The bytes are empty where the sheet
    has no rows. BadFile for what is no sheet."""
    found: list[tuple[str, int]] = []
    hidden: list[tuple[int, int]] = []
    names: list[str] = []
    taken = bytearray()

    def start(name: str, attributes: dict[str, str]) -> None:
        names.append(name) if len(names) < 2 else None
        if name == "col" and attributes.get("hidden") in ("1", "true"):
            hidden.append((_integer(attributes.get("min"), 1) - 1, _integer(attributes.get("max"), 0)))
        elif name == "sheetData" and not found:
            found.append((name, parser.CurrentByteIndex))

    parser = careful_parser(start, lambda name: None)
    rest = b""
    for block, at in _bites(blocks):
        bite = block[at : at + _BITE_BYTES]
        taken += bite
        if len(taken) > _PROLOGUE_BYTES:
            raise BadFile("The file is damaged: its first row does not come.")
        feed(parser, (bite,), final=False)
        if found:
            rest = block[at + _BITE_BYTES :]
            break
    else:
        feed(parser, (), final=True)
    if not names or names[0] != "worksheet":
        raise BadFile(
            "The chosen sheet holds no cells: it is a chart, a dialogue or a macro sheet.", code="sheet_unknown"
        )
    if not found:
        return Prologue("", tuple(hidden)), b""
    at = found[0][1]
    tag_end = taken.index(b">", at) + 1 if b">" in taken[at:] else len(taken)
    tag = bytes(taken[at:tag_end])
    name = re.split(rb"[\s/>]", tag[1:], maxsplit=1)[0].decode()
    rows = b"" if tag.endswith(b"/>") else bytes(taken[tag_end:]) + rest
    return Prologue(name[: name.find(":") + 1], tuple(hidden)), rows


def _bites(blocks: Iterator[bytes]) -> Iterator[tuple[bytes, int]]:
    """(block, where a bite of it begins): the careful parser is not to run into the rows for long."""
    for block in blocks:
        for at in range(0, len(block), _BITE_BYTES):
            yield block, at


def _integer(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else default


def row_blocks(head: bytes, blocks: Iterator[bytes], prefix: str, *, row_bytes_max: int) -> Iterator[bytes]:
    """The rows of a sheet in blocks of whole rows of about BLOCK_BYTES, cut at the same places for the same sheet.
    `head` is what `read_prologue` left over. Ends at `</sheetData>` and then reads the rest of the part, so that its
    checksum is compared. BadFile when the part ends before; OverLimit `record_bytes` when one row is longer."""
    rows_end = b"</" + prefix.encode() + b"row>"
    sheet_end = b"</" + prefix.encode() + b"sheetData"
    buffer = bytearray(head)
    enough = BLOCK_BYTES
    for block in blocks:
        buffer += block
        if len(buffer) < enough:
            continue
        cut, ended = _last_row_end(buffer, rows_end, sheet_end)
        if ended:
            break
        if cut:
            yield bytes(buffer[:cut])
            del buffer[:cut]
            enough = BLOCK_BYTES
        elif len(buffer) > 2 * row_bytes_max:
            raise OverLimit(f"A row is longer than {row_bytes_max:,} bytes.", setting="record_bytes")
        else:
            # Looking again only when it has doubled keeps a row without end from being searched over and over.
            enough = 2 * len(buffer)
    cut, ended = _last_row_end(buffer, rows_end, sheet_end)
    if not ended:
        raise BadFile("The file is damaged: the sheet ends in the middle.")
    if cut:
        yield bytes(buffer[:cut])
    for _ in blocks:
        pass


_MERGED = re.compile(
    rb"""<(?:[A-Za-z_][\w.-]*:)?mergeCell\s[^>]{0,200}?\bref\s*=\s*["']([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})["']"""
)


def merged_cells(blocks: Iterable[bytes]) -> Iterator[tuple[int, int, int, int]]:
    """(first row, last row, first column, last column), from 0, of the merged cells of a sheet, which stand behind its
    rows. Reads the part to its end."""
    rest = b""
    for block in blocks:
        buffer = rest + block
        done = 0
        if b"mergeCell" in buffer:
            for found in _MERGED.finditer(buffer):
                left, top, right, bottom = (text.decode() for text in found.groups())
                yield int(top) - 1, int(bottom) - 1, column_number(left), column_number(right)
                done = found.end()
        rest = buffer[max(done, len(buffer) - 256) :]


_NO_MARKUP = re.compile(rb"<!--|<!\[CDATA\[|<\?")
_NO_MARKUP_END = {b"<!--": b"-->", b"<![CDATA[": b"]]>", b"<?": b"?>"}


def _blanked(buffer: bytearray) -> bytearray:
    """The same bytes with comments, CDATA and instructions blanked out: an end tag in there is none."""
    blank = bytearray(buffer)
    at = 0
    while opening := _NO_MARKUP.search(buffer, at):
        closing = _NO_MARKUP_END[opening[0]]
        found = buffer.find(closing, opening.end())
        at = len(buffer) if found < 0 else found + len(closing)
        blank[opening.start() : at] = b" " * (at - opening.start())
    return blank


def _last_row_end(buffer: bytearray, rows_end: bytes, sheet_end: bytes) -> tuple[int, bool]:
    """(where the last whole row ends, whether the sheet's rows end here: then where they end)."""
    kernel = native.kernel()
    marked = b"<!" in buffer or b"<?" in buffer if kernel is None else workbooks.marked(kernel, buffer)
    view = _blanked(buffer) if marked else buffer
    at = view.rfind(rows_end)
    cut = at + len(rows_end) if at >= 0 else 0
    end = view.find(sheet_end, cut)
    return (end, True) if end >= 0 else (cut, False)


def cells_of(block: bytes, prefix: str, line: int) -> Cells:
    """The cells of a block of whole rows. `line` is the number of the row before it, for rows without one."""
    kernel = native.kernel()
    found = None if kernel is None else workbooks.cells(kernel, block, prefix, line)
    if found is not None:
        cells, escapes = found
        return replace(cells, text=unescaped(cells.text)) if escapes else cells
    fast = fast_cells(block, prefix, line)
    return careful_cells(block, line) if fast is None else fast


# Tags as the common writers make them. A block is of ordinary shape when each of its tags is one of these and each may
# follow the one before it (`_FOLLOWS`): rows are a local language, so no more memory than that is needed.
_NO_TAG, _ROW, _ROW_EMPTY, _ROW_END, _C, _C_EMPTY, _C_END, _V, _V_EMPTY, _V_END, _F, _F_EMPTY, _F_END = range(13)
_IS, _IS_END, _T, _T_EMPTY, _T_END = range(13, 18)

# first two bytes of a tag -> (tag, its length from "<" to ">" where that is fixed, else 0)
_TAGS: dict[bytes, tuple[int, int]] = {
    b"ro": (_ROW, 0),
    b"/r": (_ROW_END, 5),
    b"c ": (_C, 0),
    b"/c": (_C_END, 3),
    b"v>": (_V, 2),
    b"v/": (_V_EMPTY, 3),
    b"/v": (_V_END, 3),
    b"f>": (_F, 2),
    b"f ": (_F, 0),
    b"f/": (_F_EMPTY, 3),
    b"/f": (_F_END, 3),
    b"is": (_IS, 3),
    b"/i": (_IS_END, 4),
    b"t>": (_T, 2),
    b"t ": (_T, 0),
    b"t/": (_T_EMPTY, 3),
    b"/t": (_T_END, 3),
}
_FOLLOWS: dict[int, tuple[int, ...]] = {
    _ROW: (_C, _C_EMPTY, _ROW_END),
    _ROW_EMPTY: (_ROW, _ROW_EMPTY),
    _ROW_END: (_ROW, _ROW_EMPTY),
    _C: (_V, _V_EMPTY, _F, _F_EMPTY, _IS, _C_END),
    _C_EMPTY: (_C, _C_EMPTY, _ROW_END),
    _C_END: (_C, _C_EMPTY, _ROW_END),
    _V: (_V_END,),
    _V_EMPTY: (_C_END,),
    _V_END: (_C_END,),
    _F: (_F_END,),
    _F_EMPTY: (_V, _V_EMPTY, _C_END),
    _F_END: (_V, _V_EMPTY, _C_END),
    _IS: (_T, _T_EMPTY),
    _IS_END: (_C_END,),
    _T: (_T_END,),
    _T_EMPTY: (_IS_END,),
    _T_END: (_IS_END,),
}
_EMPTY_FORM = {_ROW: _ROW_EMPTY, _C: _C_EMPTY, _F: _F_EMPTY, _T: _T_EMPTY}
_HOLDS_TEXT = (_V, _F, _T)

_TAG_OF = np.zeros(1 << 16, np.uint8)
_LENGTH_OF = np.zeros(1 << 16, np.uint8)
for _start, (_tag, _length) in _TAGS.items():
    _TAG_OF[int.from_bytes(_start, "big")] = _tag
    _LENGTH_OF[int.from_bytes(_start, "big")] = _length
_MAY_FOLLOW = np.zeros((18, 18), np.bool_)
for _tag, _next in _FOLLOWS.items():
    _MAY_FOLLOW[_tag, list(_next)] = True
_AS_EMPTY = np.zeros(18, np.uint8)
_AS_EMPTY[list(_EMPTY_FORM)] = list(_EMPTY_FORM.values())
_MAY_HOLD_TEXT = np.zeros(18, np.bool_)
_MAY_HOLD_TEXT[list(_HOLDS_TEXT)] = True

_ENTITIES = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&amp;": "&"}
_OTHER_ENTITY = re.compile(rb"&(?!amp;|lt;|gt;|quot;|apos;)")
_ORDINARY_ROW = r'^row(?: [A-Za-z0-9:._-]+="[^"]*")* ?/?>$'


def fast_cells(block: bytes, prefix: str, line: int) -> Cells | None:
    """The cells of a block in which everything is of ordinary shape, else None.

    Finds all tags by position, checks that they follow each other as they may, and takes texts from between them; no
    Python runs per cell."""
    if prefix:
        block = block.replace(b"</" + prefix.encode(), b"</").replace(b"<" + prefix.encode(), b"<")
    entities = b"&" in block
    if len(block) != len(block.translate(None, _ORDINARY_CONTROLS)) or (entities and _OTHER_ENTITY.search(block)):
        return None
    data = np.frombuffer(block + b"    ", np.uint8)
    less, more = np.flatnonzero(data == 60), np.flatnonzero(data == 62)
    if len(less) != len(more) or not len(less) or less[0] or more[-1] != len(block) - 1:
        return None
    start = data[less + 1].astype(np.uint16) << 8 | data[less + 2]
    tags, length = _TAG_OF[start], more - less
    fixed = _LENGTH_OF[start]
    closed = data[more - 1] == 47
    tags = np.where(closed & (_AS_EMPTY[tags] > 0), _AS_EMPTY[tags], tags)
    texts_between = less[1:] - more[:-1] - 1
    if (
        not tags.all()
        or (fixed.astype(bool) & (fixed != length)).any()
        or not _MAY_FOLLOW[tags[:-1], tags[1:]].all()
        or (texts_between < 0).any()
        or (texts_between.astype(bool) & ~_MAY_HOLD_TEXT[tags[:-1]]).any()
        or tags[0] not in (_ROW, _ROW_EMPTY)
        or tags[-1] not in (_ROW_END, _ROW_EMPTY)
    ):
        return None
    rows_end, inline_end = less[tags == _ROW_END], less[tags == _IS_END]
    if (data[rows_end + 3] != 111).any() or (data[inline_end + 3] != 115).any():
        return None
    try:
        # One text per tag: its name, its attributes, ">" and what stands behind it.
        parts = pl.Series([block.decode()]).str.split("<").explode().slice(1)
    except UnicodeDecodeError:
        return None
    row_tags = parts.filter((tags == _ROW) | (tags == _ROW_EMPTY))
    if not row_tags.str.contains(_ORDINARY_ROW).all():
        return None
    lines = _lines(row_tags.str.extract(r' r="0*([1-9][0-9]{0,9})"'), line)
    hidden = row_tags.str.contains(r' hidden="(?:1|true)"').to_numpy()
    values = np.flatnonzero(((tags == _V) | (tags == _T)) & (np.append(texts_between, 0) > 0))
    is_cell = tags == _C
    cells = np.flatnonzero(is_cell)[np.cumsum(is_cell)[values] - 1]
    row = (np.cumsum((tags == _ROW) | (tags == _ROW_EMPTY))[values] - 1).astype(np.uint32)
    column = _columns(data, less[cells])
    known = _attributes(parts.gather(cells).str.splitn('"', 3).struct.field("field_2"))
    text = _after_tag(parts.gather(values), length[values])
    unresolved = _unresolved(tags, parts)
    if column is None or known is None or text is None or unresolved is None:
        return None
    if entities:
        text = _resolved(text)
    return Cells(lines, hidden, row, column, *known, unescaped(text), unresolved)


def _unresolved(tags: npt.NDArray[np.uint8], parts: pl.Series) -> npt.NDArray[np.uint32] | None:
    """The rows of formulas behind which no value stands, None where a cell is not of ordinary shape. An empty value of
    a cell of text is a result: no text."""
    formula = np.isin(tags[:-1], (_F_END, _F_EMPTY))
    without = np.flatnonzero(formula & (tags[1:] == _C_END)) + 1
    empty = np.flatnonzero(formula & (tags[1:] == _V_EMPTY)) + 1
    if len(tags) > 2:
        # `<v></v>` holds as little as `<v/>`.
        opened = np.flatnonzero(formula[:-1] & (tags[1:-1] == _V) & (tags[2:] == _V_END)) + 1
        empty = np.concatenate((empty, opened[(parts.gather(opened).str.len_chars() == 2).to_numpy()]))
    if not len(without) and not len(empty):
        return np.zeros(0, np.uint32)
    cells = np.flatnonzero(tags == _C)
    own = parts.gather(cells[np.searchsorted(cells, empty, side="right") - 1])
    known = _attributes(own.str.splitn('"', 3).struct.field("field_2"))
    if known is None or not own.str.starts_with('c r="').all():
        return None
    numbers = empty[known[0] != FORMULA_TEXT]
    found = np.sort(np.concatenate((without, numbers)))
    rows = np.cumsum((tags == _ROW) | (tags == _ROW_EMPTY))[found] - 1
    return np.asarray(rows, np.uint32)


def _columns(data: npt.NDArray[np.uint8], at: npt.NDArray[np.int64]) -> npt.NDArray[np.uint32] | None:
    """The column of each cell tag at `at`, from the one to three capital letters of its reference `<c r="AB12"`."""
    for i, byte in enumerate(b'<c r="'):
        if (data[at + i] != byte).any():
            return None
    column = np.zeros(len(at), np.uint32)
    lettered = np.ones(len(at), np.bool_)
    for i in range(6, 10):
        letter = data[at + i]
        lettered &= (letter >= 65) & (letter <= 90)
        if i == 6 and not lettered.all():
            return None
        if i == 9 and lettered.any():
            return None
        column = np.where(lettered, column * 26 + (letter - 64), column)
    return column - np.uint32(1)


def _after_tag(parts: pl.Series, length: npt.NDArray[np.int64]) -> pl.Series | None:
    """What stands behind the tag of each part; `length` is the tag's, without "<". Only `<t xml:space=...>` is longer
    than two characters."""
    texts = parts.str.slice(2)
    longer = np.flatnonzero(length != 2)
    if not len(longer):
        return texts
    spaced = parts.gather(longer)
    if not spaced.str.starts_with('t xml:space="preserve">').all():
        return None
    return texts.scatter(longer, spaced.str.slice(len('t xml:space="preserve">')))


def _resolved(text: pl.Series) -> pl.Series:
    found = text.str.contains("&", literal=True).arg_true()
    if not len(found):
        return text
    some = text.gather(found).str.replace_many(list(_ENTITIES), list(_ENTITIES.values()))
    return text.clone().scatter(found, some)


def _lines(numbers: pl.Series, line: int) -> npt.NDArray[np.uint32]:
    """Row numbers as texts, null where a row does not say it and follows the one before."""
    values = numbers.cast(pl.Int64, strict=False)
    if values.null_count():
        said = values.to_list()
        for i, value in enumerate(said):
            line = said[i] = line + 1 if value is None else value
        values = pl.Series(said, dtype=pl.Int64)
    if len(values) and int(values.max()) > _LINES_MAX:  # type: ignore[arg-type]
        raise BadFile("The file is damaged: a row number is impossible.")
    return values.to_numpy().astype(np.uint32)


_ATTRIBUTE = re.compile(r' ([A-Za-z0-9:._-]+)="([^"]*)"')


def _attributes(texts: pl.Series) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]] | None:
    """(types, styles) from what stands after a cell's reference up to and with ">", None where one is not of ordinary
    shape. Few texts are distinct."""
    if not len(texts):
        return np.zeros(0, np.uint8), np.zeros(0, np.int32)
    distinct = texts.unique()
    types, styles = [], []
    for text in distinct:
        pairs = _ATTRIBUTE.findall(text or "")
        if text is None or "".join(f' {k}="{v}"' for k, v in pairs) + ">" != text:
            return None
        known = dict(pairs)
        types.append(_type(known.get("t")))
        styles.append(_style(known.get("s")))
    number = texts.replace_strict(distinct, range(len(distinct)), return_dtype=pl.UInt32).to_numpy()
    return np.array(types, np.uint8)[number], np.array(styles, np.int32)[number]


def _type(text: str | None) -> int:
    """An unknown type is read as text: nothing is known about it but what is written."""
    if not text:
        return NUMBER
    return TYPES.index(text) if text in TYPES else FORMULA_TEXT


def _style(text: str | None) -> int:
    return _integer(text.strip(), 0) if text else 0


def column_number(letters: str) -> int:
    """A -> 0, XFD -> 16383."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


_REFERENCE = re.compile(r"\$?([A-Za-z]{1,6})\$?[0-9]*")


class _Collector:
    """The careful way: expat's events of a run of rows -> cells."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.lines: list[int] = []
        self.hidden: list[bool] = []
        self.cells: list[tuple[int, int, int, int, str]] = []
        self.column = -1
        self.open_cell = False
        self.type = self.style = 0
        self.texts: list[str] = []
        self.stack: list[str] = []
        self.formula = self.inline = self.valued = False
        self.unresolved: list[int] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.stack.append(name)
        if name == "c" and not self.open_cell:
            reference = _REFERENCE.fullmatch(attributes.get("r", ""))
            self.column = column_number(reference[1].upper()) if reference else self.column + 1
            self.type = _type(attributes.get("t"))
            self.style = _style(attributes.get("s"))
            self.open_cell = True
            self.formula = self.inline = self.valued = False
            self.texts = []
        elif self.open_cell and name == "f":
            self.formula = True
        elif self.open_cell and name == "v":
            self.valued = True
        elif self.open_cell and name == "is" and self.type == INLINE_TEXT:
            # The content of such a cell is its `is`, whatever value stands before it.
            self.inline = True
            self.texts = []
        elif name == "row":
            if self.open_cell:
                raise BadFile("The file is damaged: a row stands in a cell.")
            digits = attributes.get("r", "").lstrip("0")
            self.line = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 10 else self.line + 1
            if self.line > _LINES_MAX:
                raise BadFile("The file is damaged: a row number is impossible.")
            self.lines.append(self.line)
            self.hidden.append(attributes.get("hidden") in ("1", "true"))
            self.column = -1

    def end(self, name: str) -> None:
        self.stack.pop()
        if name == "c" and self.open_cell:
            text = "".join(self.texts)
            if text:
                if not self.lines:
                    raise BadFile("The file is damaged: a cell stands outside of any row.")
                self.cells.append((len(self.lines) - 1, self.column, self.type, self.style, text))
            elif self.formula and self.lines and not (self.valued and self.type == FORMULA_TEXT):
                self.unresolved.append(len(self.lines) - 1)
            self.open_cell = False

    def characters(self, data: str) -> None:
        """Text counts in a cell's value, and in inline text but for the reading aids of East Asian words."""
        if self.open_cell:
            stack = self.stack
            if (stack[-1] == "v" and not self.inline) or (stack[-1] == "t" and "rPh" not in stack):
                self.texts.append(data)


def careful_cells(block: bytes, line: int) -> Cells:
    """The cells of a block of whole rows, by expat. BadFile where it is not well formed."""
    collector = _Collector(line)
    parser = careful_parser(collector.start, collector.end)
    parser.CharacterDataHandler = collector.characters
    feed(parser, (b"<rows>", block, b"</rows>"))
    row, column, types, styles, text = zip(*collector.cells, strict=True) if collector.cells else ((), (), (), (), ())
    return Cells(
        np.array(collector.lines, np.uint32),
        np.array(collector.hidden, np.bool_),
        np.array(row, np.uint32),
        np.array(column, np.uint32),
        np.array(types, np.uint8),
        np.array(styles, np.int32),
        unescaped(pl.Series("", text, dtype=pl.String)),
        np.array(collector.unresolved, np.uint32),
    )


def shared_texts(blocks: Iterator[bytes]) -> Iterator[pl.Series]:
    """The shared strings of a workbook in order, as runs of texts. Formatted runs are joined, reading aids left out."""
    buffer = bytearray()
    prefix = b""
    begun = False
    for block in blocks:
        buffer += block
        if not begun:
            opening = re.search(rb"<((?:[A-Za-z_][\w.-]*:)?)sst\b[^>]*>", buffer)
            if not opening:
                if len(buffer) > _PROLOGUE_BYTES:
                    raise BadFile("The file is damaged: its shared texts do not begin.")
                continue
            # What stands before goes through expat, which refuses document types.
            parser = careful_parser(lambda name, attributes: None, lambda name: None)
            feed(parser, (bytes(buffer[: opening.end()]),), final=False)
            prefix, begun = opening[1], True
            if opening[0].endswith(b"/>"):
                buffer.clear()
                break
            del buffer[: opening.end()]
        if len(buffer) < BLOCK_BYTES:
            continue
        cut, ended = _last_row_end(buffer, b"</" + prefix + b"si>", b"</" + prefix + b"sst")
        if ended:
            break
        if cut:
            yield _texts(bytes(buffer[:cut]), prefix.decode())
            del buffer[:cut]
        elif len(buffer) > 2 * _PROLOGUE_BYTES:
            raise OverLimit("A shared text is too long.", setting="cell_bytes")
    if not begun:
        raise BadFile("The file is damaged: its shared texts do not begin.")
    cut, ended = _last_row_end(buffer, b"</" + prefix + b"si>", b"</" + prefix + b"sst")
    if not ended and buffer:
        raise BadFile("The file is damaged: its shared texts end in the middle.")
    yield _texts(bytes(buffer[:cut]), prefix.decode())
    for _ in blocks:
        pass


def _texts(block: bytes, prefix: str) -> pl.Series:
    """One text per `<si>` of a block of whole ones."""
    kernel = native.kernel()
    found = None if kernel is None else workbooks.texts(kernel, block, prefix)
    if found is not None:
        return unescaped(found[0]) if found[1] else found[0]
    careful = b"<!" in block or b"<?" in block or len(block) != len(block.translate(None, _ORDINARY_CONTROLS))
    entities = b"&" in block
    careful = careful or (entities and _OTHER_ENTITY.search(block) is not None)
    try:
        whole = block.decode()
    except UnicodeDecodeError:
        careful = True
    if careful:
        return unescaped(pl.Series("", _careful_texts(block), dtype=pl.String))
    unformatted = _plain_texts(whole, prefix)
    if unformatted is not None:
        return unescaped(_resolved(unformatted) if entities else unformatted)
    parts = pl.Series([whole]).str.split(f"<{prefix}si>").explode()
    items = parts.slice(1).str.strip_chars_end(" \t\n")
    plain, spaced = f"<{prefix}t>", f'<{prefix}t xml:space="preserve">'
    texts = items.str.strip_suffix(f"</{prefix}t></{prefix}si>").str.strip_prefix(plain).str.strip_prefix(spaced)
    ordinary = ~texts.str.contains("<", literal=True) & (items.str.starts_with(plain) | items.str.starts_with(spaced))
    odd = (~ordinary).arg_true()
    if parts[0].strip() or items.gather(odd).str.contains(f"<{prefix}si", literal=True).any():
        return unescaped(pl.Series("", _careful_texts(block), dtype=pl.String))
    if entities:
        texts = _resolved(texts)
    if len(odd):
        some = _careful_texts("".join(f"<{prefix}si>{t}" for t in items.gather(odd)).encode())
        if len(some) != len(odd):
            raise BadFile("The file is damaged: its shared texts are broken.")
        texts = texts.clone().scatter(odd, some)
    return unescaped(texts)


def _plain_texts(block: str, prefix: str) -> pl.Series | None:
    """The texts, entities unresolved, of a block that holds nothing but unformatted ones, as most programs write them;
    else None. With four tags a text and no other, none of them is within a text."""
    opening, closing = f"<{prefix}si><{prefix}t>", f"</{prefix}t></{prefix}si>"
    block = block.replace(f'<{prefix}t xml:space="preserve">', f"<{prefix}t>")
    if not block.startswith(opening) or not block.endswith(closing):
        return None
    texts = pl.Series([block[len(opening) : -len(closing)]]).str.split(closing + opening).explode()
    return texts if block.count("<") == 4 * len(texts) else None


def _careful_texts(block: bytes) -> list[str]:
    texts: list[str] = []
    pieces: list[str] = []
    stack: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        stack.append(name)
        if name == "si":
            pieces.clear()

    def end(name: str) -> None:
        stack.pop()
        if name == "si":
            texts.append("".join(pieces))

    def characters(data: str) -> None:
        if stack[-1] == "t" and "rPh" not in stack:
            pieces.append(data)

    parser = careful_parser(start, end)
    parser.CharacterDataHandler = characters
    feed(parser, (b"<sst>", block, b"</sst>"))
    return texts
