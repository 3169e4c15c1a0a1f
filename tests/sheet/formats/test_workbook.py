from __future__ import annotations

from pathlib import Path

import pytest

from douane.errors import BadFile
from douane.sheet.formats import (
    KIND_DATE,
    KIND_NUMBER,
    KIND_TEXT,
    KIND_TIME,
    Options,
    workbook,
)
from tests.sheet.formats.reading import MemorySource, batches

DATA = Path(__file__).parent / "data"  # from calamine and tablib, see the licences there


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
