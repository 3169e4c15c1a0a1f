"""What sheet programs open: read back by the library that people's programs use, and by our own reader."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable

import openpyxl
import polars as pl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from douane import workbook
from douane.workbook import Book, Choices, Note, Sheet, Styled, View, Width
from tests.sheet.formats.reading import rows_of


def made(write: Callable[[Book], None], **about: object) -> bytes:
    file = io.BytesIO()
    with Book(file, **about) as book:  # type: ignore[arg-type]
        write(book)
    return file.getvalue()


def one_sheet(fill: Callable[[Sheet, Book], None], view: View = View()) -> tuple[bytes, Worksheet]:
    def write(book: Book) -> None:
        with book.sheet("Data", view) as sheet:
            fill(sheet, book)

    data = made(write)
    return data, openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]


def test_the_limits_are_those_of_the_program() -> None:
    assert (workbook.ROWS_MAX, workbook.CELL_CHARS_MAX, workbook.COLUMNS_MAX) == (1_048_575, 32_767, 16_384)


def test_sheets_have_their_sizes_where_every_program_looks() -> None:
    """Not set apart, as for entries beyond 4 GiB: SheetJS 0.18 then takes the workbook for damaged."""
    data, _ = one_sheet(lambda sheet, _: sheet.row(0, [workbook.cell(0, 0, "x" * 1000)]))
    for entry in zipfile.ZipFile(io.BytesIO(data)).infolist():
        version, *_, packed, size, name, extra = struct.unpack_from("<4xHHHHHLLLHH", data, entry.header_offset)
        assert (version, packed, size) == (20, entry.compress_size, entry.file_size)
        hint = data[entry.header_offset + 30 + name :][:extra]
        assert not extra or hint == struct.pack("<HHHH12x", 0xA220, 16, 0xA028, 12)


def test_columns_are_named_as_in_the_program() -> None:
    assert [workbook.column_name(at) for at in (0, 25, 26, 701, 702, 16_383)] == ["A", "Z", "AA", "ZZ", "AAA", "XFD"]


def test_cells_keep_their_looks_and_a_marked_one_shows_where_it_is_empty() -> None:
    def fill(sheet: Sheet, book: Book) -> None:
        plain, bad = book.style("@"), book.style("@", fill="FFC7CE", bold=True)
        frame = pl.DataFrame({"a": ["007", None, "=1+1"], "n": ["1.5", "x", None]})
        marked = pl.Series([False, True, True])
        sheet.write(workbook.lines(frame, 1, frozenset({"n"}), {"a": Styled(plain, bad, marked), "n": Styled(plain)}))

    data, sheet = one_sheet(fill)
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [["007", 1.5], [None, "x"], ["=1+1", None]]
    assert [(cell.number_format, cell.fill.fgColor.rgb, cell.font.b, cell.data_type) for cell in sheet["A"]] == [
        ("@", "00000000", False, "s"), ("@", "FFFFC7CE", True, "n"), ("@", "FFFFC7CE", True, "s"),
    ]  # fmt: skip
    assert rows_of(data) == [["007", "1.5"], ["", "x"], ["=1+1"]]


def test_notes_stand_on_their_cells() -> None:
    notes = [Note(1, 2, "second\nline <&> \x01"), Note(0, 0, "first"), Note(1, 0, "x" * 9_000)]

    def fill(sheet: Sheet, book: Book) -> None:
        sheet.row(0, [workbook.cell(0, at, "h") for at in range(3)])
        sheet.row(1, [workbook.cell(1, at, "c") for at in range(3)])
        sheet.notes += notes

    _, sheet = one_sheet(fill)
    found = {cell.coordinate: cell.comment.text for row in sheet.iter_rows() for cell in row if cell.comment}
    assert found == {"A1": "first", "C2": "second\nline <&> _x0001_", "A2": "x" * 7_999 + "…"}


def test_choices_are_the_cells_of_another_sheet() -> None:
    listed = ['5" x', "a, b", "<&>", "c" * 300]

    def write(book: Book) -> None:
        with book.sheet("Data", View((Width(12, book.style("@")),), (1, 1), filtered=(2, 2))) as sheet:
            sheet.row(0, [workbook.cell(0, 0, "k")])
            sheet.choices += [
                Choices(0, 1, 9_998, "imp_'k", 1, 4, blank=False),
                Choices(1, 1, 9_998, "imp_'k", 1, 4, strict=False),
            ]
        with book.sheet("imp_'k", View(hidden=True)) as sheet:
            for at, text in enumerate(["k", *listed]):
                sheet.row(at, [workbook.cell(at, 0, text)])

    data = made(write, properties={"operation": "ab<c", "revision": 7}, title="T & U")
    book = openpyxl.load_workbook(io.BytesIO(data))
    strict, free = book["Data"].data_validations.dataValidation
    assert (str(strict.sqref), strict.formula1, strict.showErrorMessage) == ("A2:A9999", "'imp_''k'!$A$2:$A$5", True)
    assert (strict.allow_blank, free.allow_blank, free.showErrorMessage) == (False, True, False)
    assert (book["Data"].freeze_panes, book["Data"].auto_filter.ref) == ("B2", "A1:B3")
    assert book["Data"].column_dimensions["A"].width == 12
    assert [cell.value for cell in book["imp_'k"]["A"]] == ["k", *listed]
    assert book["imp_'k"].sheet_state == "hidden"
    assert {one.name: one.value for one in book.custom_doc_props.props} == {"operation": "ab<c", "revision": 7}
    assert book.properties.title == "T & U"


@pytest.mark.parametrize(
    ("wanted", "taken", "name"),
    [
        ("plain", [], "plain"), ("a/b:c", [], "a b c"), ("'", [], "Sheet"), ("x" * 40, [], "x" * 31),
        ("Name", ["name"], "Name2"), ("x" * 40, ["X" * 31], "x" * 30 + "2"), ("n", ["n", "n2"], "n3"),
    ],
)  # fmt: skip
def test_a_sheet_gets_a_name_that_programs_take(wanted: str, taken: list[str], name: str) -> None:
    assert workbook.sheet_name(wanted, taken) == name
