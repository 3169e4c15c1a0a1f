"""A workbook of one sheet for spreadsheet programs (ECMA-376, transitional), by expressions over whole columns.

What a person opens must be what the program would pull: every cell is text exactly as it is, never a formula and never
taken for a date; it is a number only where its decimal has at most 15 significant digits, which such a program keeps
and shows. The file is written whole before the first byte leaves, so that a table the form cannot hold is refused in a
sentence (limits: Microsoft's "Excel specifications and limits").
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import IO, BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile

import polars as pl

from douane.encodings.contract import Table
from douane.errors import BadRequest

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

ROWS_MAX = 1_048_575  # below the heading line
COLUMNS_MAX = 16_384
CELL_CHARS_MAX = 32_767  # UTF-16 code units, as the program counts
# The package's entries are no larger, for beyond 4 GiB some programs take the file for damaged.
SHEET_BYTES_MAX = (1 << 32) - 1
COMPRESSION = 4
_COPY_BYTES = 1 << 20
_OTHERWISE = "ask for csv, ndjson, arrow or parquet"

_NUMBER = r"\A-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?\z"
_DIGITS_MAX = 15
# What XML cannot hold is written by its number (ECMA-376 part 1, 22.9.2.19), and so is text that looks like that.
_ODD = r"[\x00-\x08\x0b-\x1f\x{fffe}\x{ffff}]|_x[0-9A-Fa-f]{4}_"
_ODD_SIGN = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_DECLARED = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPES}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
    '<sheets><sheet name="rows" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}


def encode(table: Table, folder: Path, out: BinaryIO) -> None:
    whole = folder / "table.xlsx"
    with ZipFile(whole, "w", ZIP_DEFLATED, compresslevel=COMPRESSION) as package:
        for name, text in _PARTS.items():
            package.writestr(name, _DECLARED + text)
        with package.open("xl/worksheets/sheet1.xml", "w") as sheet:
            _write_sheet(table, sheet)
    with whole.open("rb") as file:
        shutil.copyfileobj(file, out, _COPY_BYTES)


def _write_sheet(table: Table, sheet: IO[bytes]) -> None:
    size = sheet.write(f'{_DECLARED}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
    rows = 0
    for number, frame in enumerate(table.cells()):
        if number == 0:
            size += sheet.write(_heading(frame.columns))
        rows += len(frame)
        if rows > ROWS_MAX:
            raise BadRequest(f"A workbook holds at most {ROWS_MAX:,} rows, and these are more: {_OTHERWISE}.")
        if len(frame) == 0:
            continue
        _refuse_long(frame)
        block = _lines(frame, rows - len(frame) + 2, table.numbers)
        size += len(block)
        if size > SHEET_BYTES_MAX - 100:
            raise BadRequest(f"This is too much for one workbook: {_OTHERWISE}.")
        sheet.write(block)
    sheet.write(b"</sheetData></worksheet>")


def _heading(names: list[str]) -> bytes:
    if len(names) > COLUMNS_MAX:
        raise BadRequest(f"A workbook holds at most {COLUMNS_MAX:,} columns, and these are {len(names):,}.")
    _refuse_long(pl.DataFrame({"heading": names}))
    cells = (
        f'<c r="{column_name(at)}1" t="inlineStr"><is><t xml:space="preserve">{_escaped(name)}</t></is></c>'
        for at, name in enumerate(names)
    )
    return f'<row r="1">{"".join(cells)}</row>\n'.encode()


def _refuse_long(frame: pl.DataFrame) -> None:
    for name in frame.columns:
        long = frame[name].filter((frame[name].str.len_bytes() > CELL_CHARS_MAX).fill_null(False))
        if any(len(text.encode("utf-16-le")) // 2 > CELL_CHARS_MAX for text in long.to_list()):
            raise BadRequest(
                f"A cell of a workbook holds at most {CELL_CHARS_MAX:,} characters, and one of {name[:100]!r} has more:"
                f" {_OTHERWISE}."
            )


def _lines(frame: pl.DataFrame, first: int, numbers: frozenset[str]) -> bytes:
    """The rows as XML, one a line; `first` is the number of the first."""
    at = pl.lit(pl.int_range(first, first + len(frame), eager=True).cast(pl.String))
    pieces: list[pl.Expr] = [pl.lit('<row r="'), at, pl.lit('">')]
    for number, name in enumerate(frame.columns):
        text = _escaped_column(frame[name])
        place = f'<c r="{column_name(number)}'
        begin, end = pl.lit('" t="inlineStr"><is><t xml:space="preserve">'), pl.lit("</t></is></c>")
        cell = pl.concat_str([pl.lit(place), at, begin, pl.lit(text), end])
        if name in numbers:
            plain = frame[name].str.contains(_NUMBER) & (
                frame[name].str.replace_all(r"\A-?0?\.?0*|[-.]", "").str.len_bytes() <= _DIGITS_MAX
            )
            value = pl.concat_str([pl.lit(place), at, pl.lit('"><v>'), pl.lit(text), pl.lit("</v></c>")])
            cell = pl.when(pl.lit(plain)).then(value).otherwise(cell)
        there = (frame[name] != "").fill_null(False)
        pieces.append(pl.when(pl.lit(there)).then(cell).otherwise(pl.lit("")))
    pieces.append(pl.lit("</row>\n"))
    lines = pl.select(pl.concat_str(pieces)).to_series()
    return "".join(lines.to_list()).encode()


def _escaped_column(texts: pl.Series) -> pl.Series:
    rows = texts.str.contains(_ODD).fill_null(False).arg_true()
    plain = texts.str.replace_many(["&", "<", ">"], ["&amp;", "&lt;", "&gt;"])
    if len(rows) == 0:
        return plain
    return plain.scatter(rows, [_escaped(text) for text in texts.gather(rows).to_list()])


def _escaped(text: str) -> str:
    text = _ODD_SIGN.sub(lambda sign: f"_x{ord(sign[0]):04X}_", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def column_name(at: int) -> str:
    """`A` for 0, `AA` for 26."""
    name = ""
    at += 1
    while at:
        at, letter = divmod(at - 1, 26)
        name = chr(65 + letter) + name
    return name
