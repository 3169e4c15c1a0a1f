from __future__ import annotations

from pathlib import Path

import pytest
import python_calamine as calamine

from douane.errors import BadFile
from douane.sheet.formats import (
    KIND_DATE,
    KIND_ERROR,
    KIND_NUMBER,
    KIND_TEXT,
    KIND_TIME,
    Options,
    binary_marks,
    workbook,
)
from tests.sheet.formats.reading import MemorySource, batches

DATA = Path(__file__).parent / "data"  # from calamine, tablib and POI, see the licences there


def source(name: str) -> MemorySource:
    return MemorySource((DATA / name).read_bytes())


def refusal(data: bytes) -> BadFile:
    memory = MemorySource(data)
    assert workbook.recognise(data[:4096], memory)
    with pytest.raises(BadFile) as caught:
        workbook.open(memory)
    return caught.value


def test_an_xls_workbook() -> None:
    memory = source("calamine/any_sheets.xls")
    assert workbook.recognise(memory.read(0, 4096), memory)
    assert workbook.sheet_names(memory) == ("Visible", "Hidden")
    reader = workbook.open(memory)
    assert (reader.detected.format, reader.detected.width, reader.detected.sheet) == ("xls", 2, "Visible")
    (batch,) = batches(reader)
    assert batch.blank == 1
    assert batch.frame.select("c0", "c1", "k0", "_line").rows() == [
        ("1", "2", KIND_NUMBER, 1),
        ("3", "4", KIND_NUMBER, 2),
        ("5", "6", KIND_NUMBER, 3),
        ("This workbook contains 4 sheets: Visible, Hidden, VeryHidden and Chart", None, KIND_TEXT, 5),
    ]


def test_an_xlsb_workbook_of_the_1904_calendar() -> None:
    memory = source("calamine/date_1904.xlsb")
    assert workbook.recognise(memory.read(0, 4096), memory)
    (batch,) = batches(workbook.open(memory))
    assert batch.frame.select("c0", "k0").rows() == [
        ("2021-01-01", KIND_DATE),
        ("2021-01-02", KIND_DATE),
        ("255:10:10", KIND_TIME),
    ]


def test_error_cells_keep_their_text() -> None:
    (batch,) = batches(workbook.open(source("tablib/errors.xls")))
    assert batch.frame.select("c0", "c1", "c2", "c3").row(1) == ("#DIV/0!", "#NAME?", "#N/A", "#N/A")
    assert batch.frame.select("k0", "k1", "k2", "k3").row(1) == (KIND_ERROR,) * 4


def test_hidden_rows_and_columns_are_left_out() -> None:
    reader = workbook.open(source("poi/50426.xls"))
    assert reader.detected.notes == ("1 hidden column left out.",)
    marks = binary_marks.xls_marks((DATA / "poi/50426.xls").read_bytes(), 0)
    assert marks.hidden_columns == [(7, 8)]
    widest = max(len(row) for row in calamine.load_workbook(DATA / "poi/50426.xls").get_sheet_by_index(0).iter_rows())
    assert reader.detected.width <= widest


def test_broken_chains_end() -> None:
    whole = (DATA / "tablib/errors.xls").read_bytes()
    assert binary_marks.xls_marks(whole, 0).errors == {1: {0: "#DIV/0!", 1: "#NAME?", 2: "#N/A", 3: "#N/A"}}
    nothing = binary_marks.Marks()
    for end in range(0, len(whole), 509):
        binary_marks.xls_marks(whole[:end], 0)
    # Every sector follows itself.
    circle = bytearray(whole)
    table = (int.from_bytes(whole[76:80], "little") + 1) * 512
    for number in range(128):
        circle[table + 4 * number : table + 4 * number + 4] = number.to_bytes(4, "little")
    assert binary_marks.xls_marks(bytes(circle), 0) == nothing
    assert binary_marks.xls_marks(whole, 9) == nothing


def test_an_unknown_sheet() -> None:
    with pytest.raises(BadFile) as caught:
        workbook.open(source("calamine/any_sheets.xls"), Options(sheet="Other"))
    assert caught.value.code == "sheet_unknown"


def test_encrypted_workbooks_are_refused_by_name() -> None:
    assert refusal((DATA / "calamine/pass_protected.xlsx").read_bytes()).code == "file_encrypted"


@pytest.mark.parametrize(
    "data",
    [
        b"<html><table><tr><td>1</td></tr></table></html>",
        b"\xef\xbb\xbf<!DOCTYPE html><html></html>",
        b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"></Workbook>',
        b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x\r\n",
        b"\x09\x04\x06\x00\x00\x00\x10\x00",
        "<table><tr></tr></table>".encode("utf-16"),
    ],
)
def test_pretenders_are_named(data: bytes) -> None:
    assert refusal(data).code == "file_type"


def test_damaged_workbooks_are_refused() -> None:
    whole = (DATA / "calamine/any_sheets.xls").read_bytes()
    for end in (8, 600, 5000):
        assert refusal(whole[:end]).code in ("file_broken", "file_type")


@pytest.mark.parametrize("data", [b"a,b\n1,2\n", b"<people><person/></people>", b"", b"PK\x03\x04"])
def test_other_files_are_not_ours(data: bytes) -> None:
    assert not workbook.recognise(data, MemorySource(data))
