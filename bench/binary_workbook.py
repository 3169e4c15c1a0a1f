"""The maker's rows as old and binary workbooks (.xls, .xlsb), and a wide old one of numbers alone.

Cells as `workbook.py` has them: numbers and days are numbers, all else is a shared text. Both forms are put together by
hand, as no program at hand writes a million rows of either.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from bench.people import KEYS, Truth, chunks
from bench.workbook import values_and_texts

XLS_ROWS_MAX = 65_535
_FREE, _END, _TABLE, _LIST = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFC
_SHORT_DATE = 14
_RECORD_BYTES = 8224
_KIND = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def write_old(path: Path, rows: int, seed: int) -> Truth:
    """One sheet of .xls, headings in row 1."""
    if rows > XLS_ROWS_MAX:
        raise SystemExit(f"a sheet of .xls holds at most {XLS_ROWS_MAX} rows of data")
    truth, values, texts = _rows(rows, seed)
    distinct, numbers = _numbered(texts)
    styles = [int(key == "signup") for key in KEYS]
    cells = bytearray()
    for row, (held, shared) in enumerate(zip(values.iter_rows(), numbers.iter_rows(), strict=True)):
        for column, style in enumerate(styles):
            value = held[column]
            if value is not None:
                cells += struct.pack("<HHHHHd", 0x203, 14, row, column, style, float(value))
            elif shared[column] is not None:
                cells += struct.pack("<HHHHHI", 0xFD, 10, row, column, 0, shared[column])
    facts = _record(0xE0, struct.pack("<HH16x", 0, 0)) + _record(0xE0, struct.pack("<HH16x", 0, _SHORT_DATE))
    _write_compound(path, _book(facts + _old_texts(distinct), bytes(cells)))
    return truth


def write_wide(path: Path, rows: int, columns: int) -> None:
    """A sheet of .xls full of numbers, as large as one may be."""
    cell = np.dtype(
        [("kind", "<u2"), ("size", "<u2"), ("row", "<u2"), ("column", "<u2"), ("style", "<u2"), ("value", "<f8")]
    )
    cells = np.zeros((rows, columns), cell)
    cells["kind"], cells["size"] = 0x203, 14
    cells["row"], cells["column"] = np.arange(rows)[:, None], np.arange(columns)[None, :]
    cells["value"] = np.random.default_rng(7).random((rows, columns)) * 1000
    _write_compound(path, _book(_record(0xE0, bytes(20)), cells.tobytes()))


def write_binary(path: Path, rows: int, seed: int) -> Truth:
    """One sheet of .xlsb, headings in row 1."""
    truth, values, texts = _rows(rows, seed)
    distinct, numbers = _numbered(texts)
    styles = [int(key == "signup") for key in KEYS]

    def sheet() -> Iterator[bytes]:
        extent = struct.pack("<IIII", 0, values.height - 1, 0, len(KEYS) - 1)
        yield _short(129) + _short(148, extent) + _short(145)
        part = bytearray()
        for row, (held, shared) in enumerate(zip(values.iter_rows(), numbers.iter_rows(), strict=True)):
            part += struct.pack("<BBI13x", 0, 17, row)
            for column, style in enumerate(styles):
                value = held[column]
                if value is not None:
                    part += struct.pack("<BBIId", 5, 16, column, style, float(value))
                elif shared[column] is not None:
                    part += struct.pack("<BBIII", 7, 12, column, 0, shared[column])
            if len(part) > 1 << 20:
                yield bytes(part)
                part.clear()
        yield bytes(part) + _short(146) + _short(130)

    def shared_texts() -> Iterator[bytes]:
        yield _short(159, struct.pack("<II", values.height * len(KEYS), len(distinct)))
        for text in distinct:
            yield _short(19, b"\0" + _wide(text))
        yield _short(160)

    related = (("worksheet", "worksheets/sheet1"), ("styles", "styles"), ("sharedStrings", "sharedStrings"))
    listed = "".join(
        f'<Relationship Id="rId{i}" Type="{_KIND}/{kind}" Target="{part}.bin"/>'
        for i, (kind, part) in enumerate(related, 1)
    )
    main = f'<Relationship Id="rId1" Type="{_KIND}/officeDocument" Target="xl/workbook.bin"/>'
    sheets = _short(156, struct.pack("<II", 0, 1) + _wide("rId1") + _wide("People"))
    formats = b"".join(_short(47, struct.pack("<HH12x", 0, index)) for index in (0, _SHORT_DATE))
    parts = {
        "[Content_Types].xml": [b'<Types><Default Extension="bin" ContentType="application/vnd.ms-excel"/></Types>'],
        "_rels/.rels": [f"<Relationships>{main}</Relationships>".encode()],
        "xl/_rels/workbook.bin.rels": [f"<Relationships>{listed}</Relationships>".encode()],
        "xl/workbook.bin": [_short(131) + _short(153, bytes(12)) + _short(143) + sheets + _short(144) + _short(132)],
        "xl/styles.bin": [_short(617, struct.pack("<I", 2)) + formats + _short(618)],
        "xl/worksheets/sheet1.bin": sheet(),
        "xl/sharedStrings.bin": shared_texts(),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            with archive.open(name, "w", force_zip64=True) as out:
                for block in content:
                    out.write(block)
    return truth


def _rows(rows: int, seed: int) -> tuple[Truth, pl.DataFrame, pl.DataFrame]:
    truth = Truth()
    headings = pl.DataFrame({key: [key] for key in KEYS})
    frame = pl.concat([headings, *(chunk.frame for chunk in chunks(rows, seed, sparse=False, truth=truth))])
    truth.physical_lines = rows + 1
    return truth, *values_and_texts(frame)


def _numbered(texts: pl.DataFrame) -> tuple[list[str], pl.DataFrame]:
    """(the distinct texts in the order of rows, as programs number them; every text cell's number)"""
    cells = pl.concat(
        texts.select(pl.int_range(pl.len()).alias("row"), pl.lit(i).alias("column"), pl.col(key).alias("text"))
        for i, key in enumerate(KEYS)
    )
    distinct = cells.drop_nulls("text").sort("row", "column")["text"].unique(maintain_order=True)
    known = pl.DataFrame({"text": distinct, "number": pl.int_range(len(distinct), eager=True)})
    number = cells.select("text").join(known, on="text", how="left", maintain_order="left")["number"]
    rows = texts.height
    numbers = pl.DataFrame({key: number.slice(i * rows, rows) for i, key in enumerate(KEYS)})
    return distinct.to_list(), numbers


def _record(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def _book(facts: bytes, cells: bytes) -> bytes:
    begin = struct.pack("<HHHH8x", 0x600, 5, 0, 0)
    sheet = struct.pack("<HHHH8x", 0x600, 0x10, 0, 0)

    def head(start: int) -> bytes:
        listed = _record(0x85, struct.pack("<IBBBB", start, 0, 0, 6, 0) + b"People")
        return _record(0x809, begin) + facts + listed + _record(0x0A, b"")

    return head(len(head(0))) + _record(0x809, sheet) + cells + _record(0x0A, b"")


def _old_texts(texts: list[str]) -> bytes:
    out, kind = bytearray(), 0xFC
    body = bytearray(struct.pack("<II", len(texts), len(texts)))
    for text in texts:
        try:
            letters, wide = text.encode("latin-1"), 0
        except UnicodeEncodeError:
            letters, wide = text.encode("utf-16-le"), 1
        if len(body) + 3 + len(letters) > _RECORD_BYTES:
            out += _record(kind, bytes(body))
            body, kind = bytearray(), 0x3C
        body += struct.pack("<HB", len(letters) >> wide, wide) + letters
    return bytes(out) + _record(kind, bytes(body))


def _write_compound(path: Path, stream: bytes) -> None:
    """The stream as the one of a compound file: directory, stream, the table of sectors and the list of its parts."""
    stream = stream.ljust(4096, b"\0")  # shorter ones would be kept in another way
    data = 1 + -(-len(stream) // 512)
    tables = lists = 0
    while tables * 128 < data + tables + lists or 109 + lists * 127 < tables:
        tables += tables * 128 < data + tables + lists
        lists = max(0, -(-(tables - 109) // 127))
    after = np.arange(1, tables * 128 + 1, dtype="<u4")
    after[[0, data - 1]] = _END
    after[data : data + tables], after[data + tables : data + tables + lists] = _TABLE, _LIST
    after[data + tables + lists :] = _FREE
    numbers = np.full(109 + lists * 127, _FREE, "<u4")
    numbers[:tables] = np.arange(data, data + tables)
    more = b"".join(
        numbers[109 + i * 127 :][:127].tobytes() + struct.pack("<I", data + tables + i + 1 if i + 1 < lists else _END)
        for i in range(lists)
    )
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + struct.pack("<16xHHHHH6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<9I", 0, tables, 0, 0, 4096, _END, 0, data + tables if lists else _END, lists)
    entries = _entry("Root Entry", 5, 1, _END, 0) + _entry("Workbook", 2, _FREE, 1, len(stream))
    with path.open("wb") as out:
        out.write(head + numbers[:109].tobytes() + entries.ljust(512, b"\0"))
        out.write(stream + bytes(-len(stream) % 512))
        out.write(after.tobytes() + more)


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    letters = name.encode("utf-16-le") + b"\0\0"
    links = struct.pack("<HBBIII36x", len(letters), kind, 1, _FREE, _FREE, child)
    return letters.ljust(64, b"\0") + links + struct.pack("<IQ", start, size)


def _short(kind: int, body: bytes = b"") -> bytes:
    head = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
    length = len(body)
    while length >= 0x80:
        head += bytes([length & 0x7F | 0x80])
        length >>= 7
    return head + bytes([length]) + body


def _wide(text: str) -> bytes:
    letters = text.encode("utf-16-le")
    return struct.pack("<I", len(letters) // 2) + letters
