"""The maker's rows as a workbook: row XML straight from column expressions, many times faster than a cell at a time.

Ages and amounts are number cells where they look like plain numbers, ISO dates are real date cells, all else is text.
Texts stand in the shared strings, as Excel writes them, or inline, as most programs that stream do.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from bench.people import KEYS, Truth, chunks

ROWS_MAX = 1_048_575  # a sheet has 1,048,576 rows, and one of them holds the headings
SLICE_ROWS = 50_000
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE_REL = "http://schemas.openxmlformats.org/package/2006/relationships"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"

_FIXED = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_KIND}.worksheet+xml"/>'
    f'<Override PartName="/xl/sharedStrings.xml" ContentType="{_KIND}.sharedStrings+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_KIND}.styles+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE_REL}">'
    f'<Relationship Id="rId1" Type="{_REL}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_REL}"><sheets>'
    '<sheet name="People" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE_REL}">'
    f'<Relationship Id="rId1" Type="{_REL}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_REL}/styles" Target="styles.xml"/>'
    f'<Relationship Id="rId3" Type="{_REL}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
    # Format 14 is the short date of whoever opens the file.
    "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}"><fonts count="1"><font/></fonts>'
    '<fills count="1"><fill><patternFill patternType="none"/></fill></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="2"><xf/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
}


def write_workbook(path: Path, rows: int, seed: int, *, sparse: bool = False, shared: bool = True) -> Truth:
    """One sheet, headings in row 1, so that the row's number in the sheet is its index and one more."""
    if rows > ROWS_MAX:
        raise SystemExit(f"a sheet holds at most {ROWS_MAX} rows of data")
    truth = Truth()
    headings = pl.DataFrame({key: [key] for key in KEYS})
    frame = pl.concat([headings, *(chunk.frame for chunk in chunks(rows, seed, sparse=sparse, truth=truth))])
    truth.physical_lines = rows + 1
    values, texts = values_and_texts(frame)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _FIXED.items():
            _write(archive, name, iter([content]))
        numbers = _write_shared_strings(archive, texts) if shared else None
        sheet = _sheet(values, texts, numbers, rows + 1)
        _write(archive, "xl/worksheets/sheet1.xml", sheet)
        if not shared:
            _write(archive, "xl/sharedStrings.xml", iter([f'<sst xmlns="{_MAIN}" count="0" uniqueCount="0"/>']))
    return truth


def _value(key: str) -> pl.Expr:
    """What a number or date cell of the column holds; null where the cell is a text."""
    cell = pl.col(key)
    if key in ("age", "amount"):
        return pl.when(cell.str.contains(r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$")).then(cell)
    if key == "signup":
        iso = pl.when(cell.str.contains(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")).then(cell)
        day = iso.str.to_date("%Y-%m-%d", strict=False)
        return (day - pl.date(1899, 12, 30)).dt.total_days().cast(pl.String)
    return pl.lit(None, dtype=pl.String).alias(key)


def values_and_texts(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(what the number and date cells hold, what the text cells do); each null where the other is not."""
    values = frame.select(_value(key) for key in KEYS)
    return values, frame.select(pl.when(values[key].is_null()).then(frame[key]).alias(key) for key in KEYS)


def _write_shared_strings(archive: zipfile.ZipFile, texts: pl.DataFrame) -> pl.DataFrame:
    """Each column's distinct texts in order of appearance; answers every text cell's number."""
    numbers: dict[str, pl.Series] = {}
    distinct: list[pl.Series] = []
    start = 0
    for key in KEYS:
        unique = texts[key].drop_nulls().unique(maintain_order=True)
        index = pl.DataFrame({key: unique, "number": pl.Series(range(start, start + len(unique)), dtype=pl.UInt32)})
        numbers[key] = texts.select(key).join(index, on=key, how="left", maintain_order="left")["number"]
        distinct.append(unique)
        start += len(unique)
    count = texts.height * len(KEYS) - sum(texts.null_count().row(0))

    def content() -> Iterator[str]:
        yield f'<sst xmlns="{_MAIN}" count="{count}" uniqueCount="{start}">'
        for unique in distinct:
            for part in unique.to_frame("text").iter_slices(SLICE_ROWS):
                yield part.select("<si>" + _text_element(pl.col("text")) + "</si>").to_series().str.join("").item()
        yield "</sst>"

    _write(archive, "xl/sharedStrings.xml", content())
    return pl.DataFrame(numbers)


def _sheet(values: pl.DataFrame, texts: pl.DataFrame, numbers: pl.DataFrame | None, rows: int) -> Iterator[str]:
    yield f'<worksheet xmlns="{_MAIN}"><dimension ref="A1:{chr(64 + len(KEYS))}{rows}"/><sheetData>'
    for start in range(0, rows, SLICE_ROWS):
        part = values.slice(start, SLICE_ROWS)
        text = (texts if numbers is None else numbers).slice(start, SLICE_ROWS)
        row = pl.int_range(start + 1, start + 1 + part.height, eager=True).cast(pl.String).alias("row")
        cells = []
        for position, key in enumerate(KEYS):
            open_cell = f'<c r="{chr(65 + position)}' + row + '"'
            style = ' s="1"><v>' if key == "signup" else "><v>"
            if numbers is None:
                as_text = (
                    open_cell
                    + ' t="inlineStr"><is>'
                    + text.select(_text_element(pl.col(key))).to_series()
                    + "</is></c>"
                )
            else:
                as_text = open_cell + ' t="s"><v>' + text[key].cast(pl.String) + "</v></c>"
            as_value = open_cell + style + part[key] + "</v></c>"
            cells.append(pl.select(pl.coalesce(as_value, as_text).fill_null("")).to_series())
        body = '<row r="' + row + '">' + cells[0]
        for cell in cells[1:]:
            body += cell
        yield (body + "</row>").str.join("").item()
    yield "</sheetData></worksheet>"


def _text_element(text: pl.Expr) -> pl.Expr:
    escaped = text.str.replace_many({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
    return pl.lit('<t xml:space="preserve">') + escaped + "</t>"


def _write(archive: zipfile.ZipFile, name: str, content: Iterator[str]) -> None:
    # A fixed date, so that the same seed gives the same bytes.
    info = zipfile.ZipInfo(name, date_time=(2024, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(info, "w", force_zip64=True) as out:
        out.write(_HEAD.encode())
        for text in content:
            out.write(text.encode())
