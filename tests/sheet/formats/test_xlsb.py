from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import polars as pl
import pytest

from douane.errors import BadFile, DouaneError, OverLimit
from douane.sheet.formats import (
    KIND_BOOLEAN,
    KIND_DATE,
    KIND_ERROR,
    KIND_NUMBER,
    KIND_TIME,
    Limits,
    Options,
    xlsb,
)
from tests.sheet.formats import binary
from tests.sheet.formats.binary import cell, row, shared_text, short_cell, short_record, wide
from tests.sheet.formats.reading import MemorySource, batches, rows_of
from tests.sheet.formats.workbooks import zipped
from tests.sheet.kernel import with_and_without  # noqa: F401

DATA = Path(__file__).parent / "data"  # from calamine, see the licence there


def real(value: float) -> bytes:
    return struct.pack("<d", value)


def long(value: int) -> bytes:
    return struct.pack("<I", value)


def kinds_of(data: bytes) -> list[list[tuple[str, int]]]:
    """Every cell with its kind."""
    reader = xlsb.open(MemorySource(data))
    width = reader.detected.width
    frame = pl.concat([b.frame for b in batches(reader)], how="diagonal")
    texts = frame.select(f"c{i}" for i in range(width)).rows()
    kinds = frame.select(f"k{i}" for i in range(width)).rows()
    return [[(t, k) for t, k in zip(*both, strict=True) if t is not None] for both in zip(texts, kinds, strict=True)]


def refusal(data: bytes, options: Options = Options()) -> DouaneError:
    memory = MemorySource(data)
    assert xlsb.recognise(data[:4096], memory)
    with pytest.raises(DouaneError) as caught:
        list(batches(xlsb.open(memory, options)))
    return caught.value


def test_a_workbook_of_the_1904_calendar() -> None:
    memory = MemorySource((DATA / "calamine/date_1904.xlsb").read_bytes())
    assert xlsb.recognise(memory.read(0, 4096), memory)
    assert xlsb.sheet_names(memory) == ("Sheet1",)
    reader = xlsb.open(memory)
    assert (reader.detected.format, reader.detected.sheet) == ("xlsb", "Sheet1")
    (batch,) = batches(reader)
    assert batch.frame.select("c0", "k0").rows() == [
        ("2021-01-01", KIND_DATE),
        ("2021-01-02", KIND_DATE),
        ("255:10:10", KIND_TIME),
    ]


def test_every_kind_of_cell() -> None:
    sheet = (
        row(0)
        + cell(5, 0, real(0.1 + 0.2))
        + cell(2, 1, long((12345 << 2) | 3))
        + cell(7, 2, long(1))
        + cell(6, 3, wide("é中"))
        + cell(62, 4, b"\1" + wide("rich") + long(1) + bytes(4))
        + row(1)
        + cell(4, 0, b"\1")
        + cell(3, 1, b"\x07")
        + cell(1, 2, b"")
        + cell(3, 3, b"\x99")
        + row(3)
        + cell(8, 0, wide("result") + bytes(8))
        + cell(9, 1, real(-2.5) + bytes(8))
        + cell(10, 2, b"\0" + bytes(8))
        + cell(11, 3, b"\x2a" + bytes(8))
        + row(4)
        + cell(7, 0, long(77))
        + cell(7, 1, long(0))
    )
    texts = shared_text("") + short_record(19, b"\1" + wide("one") + long(1) + bytes(4))
    data = binary.xlsb(sheet, texts=texts)
    assert kinds_of(data) == [
        [("0.30000000000000004", 1), ("123.45", 1), ("one", 0), ("é中", 0), ("rich", 0)],
        [("TRUE", KIND_BOOLEAN), ("#DIV/0!", KIND_ERROR), ("", 0), ("#N/A", KIND_ERROR)],
        [("result", 0), ("-2.5", KIND_NUMBER), ("FALSE", KIND_BOOLEAN), ("#N/A", KIND_ERROR)],
        [("#REF!", KIND_ERROR)],
    ]
    (batch,) = batches(xlsb.open(MemorySource(data)))
    assert (batch.frame["_line"].to_list(), batch.blank) == ([1, 2, 4, 5], 1)


def test_short_cells_stand_right_of_the_one_before() -> None:
    sheet = (
        row(0)
        + cell(7, 0, long(0))
        + short_cell(18, long(1))
        + short_cell(13, long((7 << 2) | 2))
        + short_cell(16, real(1.5))
        + short_cell(12, b"")
        + short_cell(15, b"\1")
        + short_cell(14, b"\x0f")
        + short_cell(17, wide("own"))
        + row(2)
        + short_cell(13, long((1 << 2) | 2))
        + cell(1, 3, b"")
        + short_record(50, bytes(4))  # what belongs to no cell does not count
        + short_cell(13, long((2 << 2) | 2), style=1)
    )
    data = binary.xlsb(sheet, texts=shared_text("a") + shared_text("b"), cell_formats=(0, 14))
    assert rows_of(data) == [
        ["a", "b", "7", "1.5", "", "TRUE", "#VALUE!", "own"],
        ["1", "", "", "", "1900-01-02"],
    ]


def test_formats_of_the_file_go_before_what_is_known_by_number() -> None:
    values = [cell(5, i, real(v), i) for i, v in enumerate((45351, 1067, 1.25, 45351, 45351))]
    data = binary.xlsb(
        row(0) + b"".join(values),
        formats=((50, "00000"), (14, "0.00"), (46, "[h]:mm:ss")),
        cell_formats=(14, 50, 46, 15, 999),
    )
    assert rows_of(data) == [["45351", "01067", "30:00:00", "2024-02-29", "45351"]]


def test_days_that_no_calendar_has() -> None:
    values = b"".join(cell(5, i, real(v)) for i, v in enumerate((-5, 60, 0.5)))
    assert rows_of(binary.xlsb(row(0) + values, cell_formats=(14,))) == [["-5", "1900-02-29", "12:00:00"]]
    data = binary.xlsb(row(0) + cell(5, 0, real(0)), cell_formats=(14,), from_1904=True)
    assert rows_of(data) == [["1904-01-01"]]


def test_hidden_rows_and_columns() -> None:
    cells = [cell(5, c, real(c)) for c in range(3)]
    columns = short_record(390) + short_record(60, struct.pack("<IIIIH", 1, 1, 9, 0, 1)) + short_record(391)
    sheet = row(0) + b"".join(cells) + row(1, hidden=True) + cells[0] + row(2) + b"".join(cells)
    reader = xlsb.open(MemorySource(binary.xlsb(sheet, before=columns)))
    (batch,) = batches(reader)
    assert batch.frame.select("c0", "c1", "_line").rows() == [("0", "2", 1), ("0", "2", 3)]
    assert reader.detected.notes == ("1 hidden column left out.",)
    assert [(fact.code, fact.lines) for fact in batch.facts] == [("hidden_rows", (2,))]


def test_of_merged_cells_the_top_left_one_has_the_value() -> None:
    # What ends the cells stands inside of one, too.
    trap = cell(6, 2, wide("\x92\x01\0") + b"\x92\x01\0\x82\x01\0")
    sheet = b"".join(row(r) + b"".join(cell(5, c, real(10 * r + c)) for c in range(2)) + trap for r in range(3))
    ranges = [(0, 1, 0, 1), (2, 2, 1, 2)]
    behind = short_record(177, long(2)) + b"".join(short_record(176, struct.pack("<4I", *r)) for r in ranges)
    assert rows_of(binary.xlsb(sheet, behind=behind + short_record(178))) == [
        ["0", "", "\x92\x01\0"],
        ["", "", "\x92\x01\0"],
        ["20", "21"],
    ]


def test_merged_cells_are_found_behind_thousands_of_places_that_look_like_the_end() -> None:
    # Every use of text 402 holds the very bytes.
    sheet = b"".join(row(r) + cell(7, 0, long(402)) + cell(2, 1, long(r << 2 | 2)) for r in range(1200))
    behind = short_record(177, long(1)) + short_record(176, struct.pack("<4I", 0x192, 0x193, 0, 1)) + short_record(178)
    rows = rows_of(binary.xlsb(sheet, behind=behind))
    assert len(rows) == 1199
    assert rows[401:404] == [["#REF!", "401"], ["#REF!"], ["#REF!", "404"]]


def test_rows_go_on_from_block_to_block() -> None:
    # Blocks of a part are as long as the archive makes them: enough rows for several.
    sheet = b"".join(
        row(r) + cell(6, 0, wide(f"row {r} " + "x" * (r % 300))) + short_cell(16, real(r)) for r in range(5000)
    )
    rows = rows_of(binary.xlsb(sheet))
    assert len(sheet) > 1 << 20
    assert [r[0].split()[1] for r in rows] == [r[1] for r in rows] == [str(r) for r in range(5000)]


def test_reading_goes_on_where_it_was() -> None:
    data = binary.xlsb(b"".join(row(r) + cell(5, 0, real(r)) for r in range(500)))
    reader = xlsb.open(MemorySource(data), Options(piece_bytes=2000))
    whole = list(batches(reader))
    assert len(whole) > 3
    rest = list(batches(reader, whole[1].next))
    assert [b.frame.rows() for b in rest] == [b.frame.rows() for b in whole[2:]]


def test_reading_aids_of_shared_texts_are_left_out() -> None:
    aided = short_record(19, b"\2" + wide("漢字") + wide("かんじ") + long(0))
    assert rows_of(binary.xlsb(row(0) + cell(7, 0, long(0)), texts=aided)) == [["漢字"]]


@pytest.mark.parametrize("data", [b"a,b\n1,2\n", b"PK\x03\x04", zipped({"xl/workbook.xml": "<workbook/>"})])
def test_other_files_are_not_ours(data: bytes) -> None:
    assert not xlsb.recognise(data, MemorySource(data))


# ---------------------------------------------------------------- bad input


def test_a_part_cut_anywhere_is_damaged() -> None:
    sheet = row(0) + cell(6, 0, wide("text")) + short_cell(13, long(6)) + row(1) + cell(5, 0, real(1))
    whole = short_record(129) + short_record(145) + sheet + short_record(146) + short_record(130)
    assert len(rows_of(binary.xlsb(b"", whole_sheet=whole))) == 2
    for end in range(len(whole) - 6):
        error = refusal(binary.xlsb(b"", whole_sheet=whole[:end]))
        assert error.code in ("file_broken", "sheet_unknown"), end


@pytest.mark.parametrize(
    "cells",
    [
        cell(5, 0, b"\0"),
        cell(2, 0, b""),
        cell(7, 0, b"\0\0"),
        cell(3, 0, b""),
        short_cell(16, b"\0"),
        short_record(13, b"\0"),
        cell(6, 0, long(0x3FFFFFFF) + b"abc"),
        cell(6, 0, long(0xFFFFFFFF)),
        cell(6, 0, b"\0"),
        cell(62, 0, b"\0" + long(9) + b"abc"),
        cell(5, 16_384, real(1)),
        cell(5, 0xFFFFFFFF, real(1)),
        row(0),
        row(1_048_576),
        short_record(0, b"\1\0"),
    ],
)
def test_records_that_lie_are_damaged(cells: bytes) -> None:
    error = refusal(binary.xlsb(row(0) + cell(5, 0, real(1)) + cells + row(3) + cell(5, 0, real(1))))
    assert (error.code, "damaged" in str(error)) == ("file_broken", True)


def test_a_cell_outside_of_any_row_is_damaged() -> None:
    assert "outside of any row" in str(refusal(binary.xlsb(cell(5, 0, real(1)))))


def test_shared_texts_cut_short_are_damaged() -> None:
    sheet = row(0) + cell(7, 0, long(0))
    for texts in (shared_text("abc")[:-1] + b"", short_record(19, b"\0" + long(99) + b"a"), b"\x13\xff\xff\xff\x7f"):
        assert refusal(binary.xlsb(sheet, texts=texts)).code == "file_broken"


def test_a_record_that_claims_a_gigabyte() -> None:
    whole = short_record(129) + short_record(145) + row(0) + b"\x06\x80\x80\x80\x7f" + bytes(2 << 20)
    assert refusal(binary.xlsb(b"", whole_sheet=whole)).code == "file_broken"
    error = refusal(binary.xlsb(b"", whole_sheet=whole), Options(limits=Limits(record_bytes=1 << 20)))
    assert isinstance(error, OverLimit)


def test_records_without_end_are_damaged() -> None:
    nothing = short_record(100) * 300_000
    assert "more than a sheet is wide" in str(refusal(binary.xlsb(row(0) + 3 * nothing)))
    assert rows_of(binary.xlsb(row(0) + cell(5, 0, real(1)), behind=nothing)) == [["1"]]
    sheets = binary.xlsb(row(0) + cell(5, 0, real(1)))
    with zipfile.ZipFile(io.BytesIO(sheets)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/styles.bin"] = short_record(100) * (1 << 20) + parts["xl/styles.bin"]
    assert "too many records" in str(refusal(zipped(parts)))


def test_a_missing_part_is_damaged() -> None:
    data = binary.xlsb(row(0) + cell(5, 0, real(1)))
    renamed = data.replace(b"xl/worksheets/sheet1.bin", b"xl/worksheets/sheet9.bin")
    assert refusal(renamed).code == "file_broken"
    assert isinstance(refusal(data[:-30]), BadFile)


def test_damaged_shared_texts_are_told_of_though_no_row_needs_them() -> None:
    sheet = row(0) + cell(7, 0, long(0))
    texts = shared_text("needed") + b"".join(shared_text(f"text {i} " + "x" * 1000) for i in range(2000))
    data = binary.xlsb(sheet, texts=texts + short_record(19, b"\0" + long(99) + b"a"))
    pieces = xlsb.open(MemorySource(data)).pieces()
    assert next(pieces).parse().frame["c0"].to_list() == ["needed"]
    with pytest.raises(BadFile, match="longer than its record"):
        next(pieces)
