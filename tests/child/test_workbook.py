"""Workbooks that people mend, as the child makes and reads them: what survives, what differs, what is refused."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
from msgspec.structs import replace
from openpyxl.worksheet.worksheet import Worksheet

from douane import errors
from douane.child import sheet_workbook
from douane.line import Event
from douane.line.sheet import Annotate, Check, Compare, Compared, Identified, Judged, Opened, Read, Staged
from douane.model.reading import Options
from douane.model.sheet_import import TemplateDocument
from douane.sheet import annotated
from douane.sheet.template_file import read_template
from douane.staging.parts import read_part
from douane.staging.revisions import frame_of, write_cells
from tests.child.test_sheet import Seat

OPERATION = "0123456789abcdef01234567"
TEMPLATE = TemplateDocument(
    "people",
    (
        {"key": "name", "name": "Name", "type": "String", "isRequired": True},
        {"key": "age", "name": "Age", "type": "Number", "validations": [{"validate": "range", "min": 0, "max": 130}]},
        {"key": "day", "name": "Born", "type": "Date", "dateFormats": ["DD/MM/YYYY"]},
        {"key": "pick", "name": "Pick", "type": "Select", "selectValues": ["a, b", '5" x', "007"]},
        {"key": "new", "name": "New", "type": "String"},
    ),
)
# All that sheet programs like to change.
ROWS = (
    "Name,Age,Born,Pick,Other\n"
    '"=1+1",969,31/12/2020,007,00123\n'
    ',12.50,2020-01-01,"a, b",12345678901234567890\n'
    'Grace,1e3,01/02/2020,x," pad "\n'
    '"multi\n  line",0.1,,,+49 30\n'
    "TRUE,12345678901234567,,,-x\n"
    "1-2,1,,,@home\n"
)
IDENTITY, LINE, SAID, NAME, AGE, BORN, PICK, OTHER, NEW = range(1, 10)


class Import:
    """A checked table, the workbooks made of it, and what they change when they come back."""

    def __init__(self, seat: Seat, rows: str = ROWS) -> None:
        self.seat = seat
        events = seat.run(Read(options=Options(), source=seat.put("file", rows.encode())))
        (opened,) = (event for event in events if isinstance(event, Opened))
        headings = opened.records[0]
        wanted = [column["name"] for column in TEMPLATE.columns]
        self.table: dict[str, Any] = {
            "parts": tuple(
                replace(event.part, path=seat.hand_over(event.part.path))
                for event in events
                if isinstance(event, Staged)
            ),
            "template": TEMPLATE,
            "headings": headings,
            "chosen": tuple(headings.index(name) if name in headings else None for name in wanted),
        }
        found = seat.run(Check(**self.table, data_start=1, added_number=9))
        self.masks = tuple(seat.hand_over(event.verdict.mask) for event in found if isinstance(event, Judged))
        self.rows = sum(part.rows for part in self.table["parts"]) - 1

    def made(self, format: Any = "xlsx", **more: Any) -> bytes:
        about = {"total": self.rows, "operation": OPERATION, "revision": 0, "whole": True, "file_name": "people.csv"}
        spec = Annotate(**self.table, masks=self.masks, format=format, **{**about, **more})
        out = io.BytesIO()
        sheet_workbook.annotate(spec, self.seat.folder, out)
        return out.getvalue()

    def told(self, data: bytes, **more: Any) -> Event:
        about = {"operation": OPERATION, "revision": 0, "data_start": 1, **self.table, **more}
        (found,) = self.seat.run(Compare(options=Options(), source=self.seat.put("back", data), **about))
        return found

    def compared(self, data: bytes, **more: Any) -> Compared:
        found = self.told(data, **more)
        assert isinstance(found, Compared)
        return found

    def changes(self, data: bytes, **more: Any) -> list[tuple[int, str, str | None]]:
        return read_part(self.compared(data, **more).path).rows()

    def refused(self, data: bytes) -> tuple[str, str]:
        with pytest.raises(errors.BadFile) as error:
            self.compared(data)
        return error.value.code, error.value.message


@pytest.fixture
def people(tmp_path: Path) -> Import:
    return Import(Seat(tmp_path))


def mended(data: bytes, change: Callable[[Worksheet], object]) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(data))
    change(book["Data"])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def test_a_workbook_marks_what_is_wrong_and_says_it_beside_the_row_and_in_notes(people: Import) -> None:
    book = openpyxl.load_workbook(io.BytesIO(people.made()))
    sheet = book["Data"]
    assert book.sheetnames == ["Data", "imp_pick", "Summary"]
    assert [cell.value for cell in sheet[1]][1:] == [
        "Line", "What is wrong", "Name", "Age", "Born", "Pick", "Other", "New",
    ]  # fmt: skip
    assert (sheet.column_dimensions["A"].hidden, sheet.freeze_panes, sheet.auto_filter.ref) == (True, "D2", "A1:I7")
    assert [cell.value for cell in sheet[2]][1:] == [
        2, "Age: 969 must be less than or equal to 130", "=1+1", 969, "31/12/2020", "007", "00123", None,
    ]  # fmt: skip
    marked = {cell.coordinate for row in sheet.iter_rows(min_row=2) for cell in row if cell.fill.fill_type}
    noted = {cell.coordinate: cell.comment.text for row in sheet.iter_rows(min_row=2) for cell in row if cell.comment}
    assert marked == set(noted) == {"E2", "D3", "F3", "E4", "G4", "E6"}
    assert noted["D3"] == "This field is required"
    # An empty cell is marked, and text that is typed there stays text.
    assert (sheet["D3"].value, sheet["D3"].number_format, sheet["E2"].number_format) == (None, "@", "General")
    assert {one.name: one.value for one in book.custom_doc_props.props} == {
        "douane_import": OPERATION, "douane_revision": "0", "douane_rows": "all",
    }  # fmt: skip
    summary = list(book["Summary"].iter_rows(values_only=True))
    assert ("Rows with problems", "4", None) in summary
    assert ("Age", "range_max", 3) in summary
    (rule,) = sheet.data_validations.dataValidation
    assert (str(rule.sqref), rule.formula1, rule.showErrorMessage) == ("G2:G7", "'imp_pick'!$A$2:$A$4", False)


def test_notes_are_few_where_bad_cells_are_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annotated, "NOTES_MAX", 5)
    people = Import(Seat(tmp_path), "Name,Age\n" + ",x\n" * 20)
    sheet = openpyxl.load_workbook(io.BytesIO(people.made()))["Data"]
    assert sum(cell.comment is not None for row in sheet.iter_rows(min_row=2) for cell in row) == 5
    assert sum(cell.fill.fill_type is not None for row in sheet.iter_rows(min_row=2) for cell in row) == 40


@pytest.mark.parametrize("format", ["xlsx", "csv"])
def test_what_comes_back_as_it_was_changes_nothing(people: Import, format: str) -> None:
    data = people.made(format)
    found = people.compared(data)
    assert (found.rows, found.cells, found.missing, found.spoilt) == (6, 0, 0, 0)
    assert people.changes(data) == []


LINES = 'Name,Age,Born,Pick,Other\n"a\n  b\t c\n\n   d",1,,,\n"e\r\nf",2,,,\n'


def test_lines_that_a_program_wrote_in_another_way_change_nothing(tmp_path: Path) -> None:
    lines = Import(Seat(tmp_path), LINES)
    table = list(csv.reader(io.StringIO(lines.made("csv").decode("utf-8-sig"), newline="")))
    names = "".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0" ' for name in ("office", "table", "text")
    )

    def opendocument(name: str) -> bytes:
        """As LibreOffice writes it: of further lines white space stands as it is."""
        table[1][NAME - 1] = name
        rows = ""
        for row in table:
            cells = ("".join(f"<text:p>{line}</text:p>" for line in text.splitlines()) for text in row)
            cells = (f'<table:table-cell office:value-type="string">{cell}</table:table-cell>' for cell in cells)
            rows += f"<table:table-row>{''.join(cells)}</table:table-row>"
        return (
            f'<office:document {names}office:mimetype="application/vnd.oasis.opendocument.spreadsheet"><office:body>'
            f'<office:spreadsheet><table:table table:name="Data">{rows}</table:table></office:spreadsheet>'
            "</office:body></office:document>"
        ).encode()

    assert lines.changes(opendocument("a\n  b\t c\n\n   d")) == []
    assert lines.changes(opendocument("a\n  b\t c\n\n   e")) == [(1, "name", "a\n  b\t c\n\n   e")]
    # What openpyxl reads of another program's file, and writes.
    named = mended(lines.made(), lambda sheet: setattr(sheet.cell(3, NAME), "value", "e_x000D_\nf"))
    assert lines.changes(named) == []


def test_a_text_that_looks_like_the_name_of_a_sign_stays(tmp_path: Path) -> None:
    """SheetJS 0.18 writes it as it is, where it must say that it is no name."""
    signs = Import(Seat(tmp_path), "Name,Age\na_x0041_@b.example,5\n_x000D_ end,6\n_x00zz_,7\n")

    def write(*texts: str) -> bytes:
        return mended(
            signs.made(),
            lambda sheet: [setattr(sheet.cell(2 + at, NAME), "value", text) for at, text in enumerate(texts)],
        )

    assert signs.changes(write("aA@b.example", "end", "_x00zz_")) == []
    assert signs.changes(write("aB@b.example", "end", "_x00zz")) == [(1, "name", "aB@b.example"), (3, "name", "_x00zz")]


def test_exactly_the_cells_that_differ_are_changed(people: Import) -> None:
    def mend(sheet: Worksheet) -> None:
        sheet.cell(2, AGE).value = 96
        sheet.cell(3, NAME).value = " Ada "
        sheet.cell(3, BORN).value = "01/01/2020"
        sheet.cell(3, AGE).value = "12.5"  # the same number
        sheet.cell(4, PICK).value = None
        sheet.cell(4, OTHER).value = "00124"
        sheet.cell(5, NEW).value = "new"
        sheet.cell(5, SAID).value = "what stands here is nobody's data"
        sheet.row_dimensions[6].hidden = True  # a filter hides rows, and takes none away

    data = mended(people.made(), mend)
    assert people.changes(data) == [
        (1, "age", "96"), (2, "name", "Ada"), (2, "day", "01/01/2020"), (3, "pick", ""), (3, "Other", "00124"),
        (4, "new", "new"),
    ]  # fmt: skip
    found = people.compared(data)
    assert (found.cells, found.records, found.missing) == (6, 4, 0)
    assert found.columns == {"age": 1, "name": 1, "day": 1, "pick": 1, "Other": 1, "new": 1}
    assert [(one.row, one.line, one.column, one.before, one.after) for one in found.sample[:2]] == [
        (1, 2, "age", "969", "96"), (2, 3, "name", "", "Ada"),
    ]  # fmt: skip


def test_rows_and_columns_may_stand_anywhere(people: Import) -> None:
    def move(sheet: Worksheet) -> None:
        rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
        head, rest = rows[0], rows[1:][::-1]
        rest[0][OTHER - 1] = "+x"
        order = [NAME, SAID, NEW, OTHER, PICK, BORN, AGE, IDENTITY]
        sheet.delete_rows(1, 10)
        sheet.append(["A title that somebody put above"])
        for row in [head, *rest]:
            sheet.append([row[at - 1] for at in order])
            for cell in sheet[sheet.max_row]:
                cell.data_type = "s" if cell.data_type == "f" else cell.data_type

    data = mended(people.made(), move)
    assert people.changes(data) == [(6, "Other", "+x")]


def test_rows_that_are_missing_are_told_and_not_taken_for_deleted(people: Import) -> None:
    def delete(sheet: Worksheet) -> None:
        sheet.delete_rows(3, 2)
        for cell in sheet[4]:  # emptied, its identity too
            cell.value = None

    data = mended(people.made(), delete)
    found = people.compared(data)
    assert (found.rows, found.cells, found.missing, found.untold) == (3, 0, 3, 0)
    assert people.changes(data) == [(2, "", "deleted"), (3, "", "deleted"), (5, "", "deleted")]


def test_a_workbook_of_some_rows_knows_which_they_were(people: Import) -> None:
    def deleted(data: bytes) -> bytes:
        return mended(data, lambda sheet: sheet.delete_rows(3))

    data = people.made(total=6, whole=False)
    assert people.changes(data) == []
    assert people.changes(deleted(data)) == [(2, "", "deleted")]
    # Without the list nothing says which.
    book = openpyxl.load_workbook(io.BytesIO(deleted(data)))
    del book["imp_rows"]
    file = io.BytesIO()
    book.save(file)
    found = people.compared(file.getvalue())
    assert (found.missing, found.untold) == (0, 1)
    lines = people.made("csv", whole=False).split(b"\r\n")
    found = people.compared(b"\r\n".join([lines[0], *lines[2:]]))
    assert (found.missing, found.untold) == (0, 1)


def test_it_is_compared_with_what_stood_when_it_was_made(people: Import, tmp_path: Path) -> None:
    data = people.made()
    layer = people.seat.inputs / "cells"
    write_cells(frame_of([(1, "age", "5"), (6, "", "deleted"), (2_000, "", "added"), (2_000, "name", "Zoe")]), layer)
    # Had this stood then, the workbook would say otherwise.
    with pytest.raises(errors.BadFile, match="Row 7: a record that this import does not have"):
        people.compared(data, cells=(layer,))
    data = mended(data, lambda sheet: sheet.delete_rows(7))
    found = people.compared(data, cells=(layer,))
    assert read_part(found.path).rows() == [(1, "age", "969"), (2_000, "", "deleted")]


def test_csv_that_a_program_took_for_numbers_spoils_nothing(people: Import) -> None:
    text = people.made("csv").decode()
    spoilt = text.replace("00123", "123").replace("12345678901234567890", "1.23456789012346E+19")
    found = people.compared(spoilt.replace("12345678901234567,", "12345678901234600,").encode())
    assert (found.cells, found.spoilt) == (0, 3)
    # What stands before the mark where a program read it with another encoding.
    assert people.changes(b"\xc3\xaf\xc2\xbb\xc2\xbf" + people.made("csv")[3:]) == []
    assert people.changes(text.replace("'=1+1", "'=1+2").encode()) == [(1, "name", "'=1+2")]


def test_csv_that_breaks_off_empties_nothing(people: Import) -> None:
    text = people.made("csv")
    for left in (b"1-2", b"1-2,1"):
        cut = text[: text.rindex(b"1-2,1") + len(left)]
        code, message = people.refused(cut)
        assert (code, message) == (
            "workbook_changed",
            "Row 8, the last one, breaks off: the file was cut on its way. Nothing was changed.",
        )
    # Where programs leave separators of empty cells away they do so in more rows than one, or only of what was empty.
    lines = text.decode().rstrip("\r\n").split("\r\n")
    bare = [line.rstrip(",") for line in lines]
    assert people.changes("\r\n".join(bare).encode()) == []
    last = mended(people.made(), lambda sheet: setattr(sheet.cell(7, OTHER), "value", None))
    assert people.changes(last) == [(6, "Other", "")]
    bare[-1] = bare[-1].replace(",'@home", "").rstrip(",")
    assert people.changes("\r\n".join(bare).encode()) == [(6, "Other", "")]


def test_csv_that_was_saved_without_some_signs_spoils_nothing(tmp_path: Path) -> None:
    names = ["Łódź", "Zoë?", "😀 x", "日本", "Zoë 日", "plain"]
    people = Import(Seat(tmp_path), "Name\n" + "".join(f"{name}\n" for name in names))
    saved = people.made("csv").decode("utf-8-sig").encode("cp1252", "replace")
    found = people.compared(saved)
    assert (found.cells, found.spoilt) == (0, 4)
    assert people.compared(saved.replace(b"? x", b"?? x")).cells == 0  # of a sign that takes two units
    changes = people.changes(saved.replace(b"plain", b"plain?").replace(b"Zo\xeb?", b"Zoe?"))
    assert [text for _, _, text in changes] == ["Zoe?", "plain?"]
    assert found.sample == ()


def test_cells_that_a_program_took_for_numbers_spoil_nothing(people: Import) -> None:
    def spoil(sheet: Worksheet) -> None:
        sheet.cell(2, OTHER).value = 123
        sheet.cell(3, OTHER).value = 12345678901234600000
        sheet.cell(4, OTHER).value = 5

    found = people.compared(mended(people.made(), spoil))
    assert (found.cells, found.spoilt, found.columns) == (1, 2, {"Other": 1})
    # As text they were typed.
    assert people.changes(mended(people.made(), lambda sheet: sheet.cell(2, OTHER, "123"))) == [(1, "Other", "123")]


def _swapped(sheet: Worksheet) -> None:
    first, second = sheet.cell(2, IDENTITY).value, sheet.cell(4, IDENTITY).value
    sheet.cell(2, IDENTITY).value, sheet.cell(4, IDENTITY).value = second, first


def _with(row: int, column: int, value: object) -> Callable[[Worksheet], object]:
    def change(sheet: Worksheet) -> None:
        sheet.cell(row, column).value = value

    return change


def _error(sheet: Worksheet) -> None:
    sheet.cell(3, BORN).value = "#REF!"
    sheet.cell(3, BORN).data_type = "e"


def _formulas(sheet: Worksheet) -> None:
    for row in (3, 4):
        sheet.cell(row, AGE).value = "=1+1"


def test_rows_that_hold_what_several_held_are_not_taken_for_moved(tmp_path: Path) -> None:
    people = Import(Seat(tmp_path), "Name,Other\nAda,x\nAda,x\nBo,y\n")

    headings = [cell.value for cell in openpyxl.load_workbook(io.BytesIO(people.made()))["Data"][1]]

    def exchange(sheet: Worksheet) -> None:
        for row, name, other in ((2, "Bo", "y"), (4, "Ada", "x")):
            sheet.cell(row, headings.index("Name") + 1, name)
            sheet.cell(row, headings.index("Other") + 1, other)

    assert len(people.changes(mended(people.made(), exchange))) == 4


OTHERS = annotated.tokens("f" * 24, np.array([3]))[0]
HOSTILE: dict[str, tuple[Callable[[Worksheet], object], str]] = {
    "moved": (_swapped, "2 rows hold exactly what other rows held"),
    "doubled": (lambda sheet: sheet.append([cell.value for cell in sheet[4]]), "Rows 4 and 8 have the same identity"),
    "missing": (_with(3, IDENTITY, None), "Row 3: data without an identity"),
    "garbage": (_with(3, IDENTITY, "R2"), "Row 3: data without an identity"),
    "added": (lambda sheet: sheet.append([None, None, None, "Zoe"]), "Row 8: data without an identity"),
    "another import's row": (_with(3, IDENTITY, OTHERS), "Row 3 came from another import's workbook"),
    "no such record": (
        _with(3, IDENTITY, annotated.tokens(OPERATION, np.array([77]))[0]),
        "Row 3: a record that this import does not have",
    ),
    "the headings' record": (
        _with(3, IDENTITY, annotated.tokens(OPERATION, np.array([0]))[0]),
        "Row 3: a record that this import does not have",
    ),
    "another column": (_with(1, 12, "Wage"), "a column “Wage” (L)"),
    "a column gone": (lambda sheet: sheet.delete_cols(AGE), "The column “Age” is missing"),
    "a column twice": (_with(1, 12, "Age"), "two columns “Age”"),
    "data without a heading": (_with(5, 12, "x"), "Row 5: data beyond the columns"),
    "an error": (_error, "Row 3: an error, such as #REF! or #NAME?, in “Born”"),
    "a formula without a result": (_with(3, AGE, "=1+1"), "1 formula has no result (row 3)"),
    "formulas without results": (_formulas, "2 formulas have no result (rows 3, 4)"),
    "no identities": (lambda sheet: sheet.delete_cols(IDENTITY), "no workbook of an import"),
}


@pytest.mark.parametrize("name", list(HOSTILE))
def test_what_cannot_be_told_is_refused_with_a_sentence(people: Import, name: str) -> None:
    change, said = HOSTILE[name]
    code, message = people.refused(mended(people.made(), change))
    assert said in message
    assert code in ("workbook_changed", "workbook_foreign")


def test_what_it_was_made_of_is_said_where_that_is_something_else(people: Import) -> None:
    data = people.made(revision=7)
    assert people.told(data) == Identified(operation=OPERATION, revision=7)
    assert people.told(data, revision=7, operation="f" * 24) == Identified(operation=OPERATION, revision=7)
    assert people.changes(data, revision=7) == []


def test_a_million_blank_rows_are_no_rows(people: Import) -> None:
    def blank(sheet: Worksheet) -> None:
        for row in range(8, 3_000):
            for column in range(1, 9):
                sheet.cell(row, column).style = "Normal"
        sheet.cell(1_048_576, NAME).value = "  "
        sheet.cell(2, AGE).value = 5

    assert people.changes(mended(people.made(), blank)) == [(1, "age", "5")]


@pytest.mark.parametrize("data", [b"", b"a,b\n1,2\n", b"PK\x03\x04 broken", b'[{"a": 1}]', b"%PDF-1.4"])
def test_other_files_are_refused(people: Import, data: bytes) -> None:
    with pytest.raises(errors.BadFile):
        people.told(data)


def test_headings_are_told_apart() -> None:
    columns = [("a", "Line"), ("b", "x"), ("c", "X"), ("x", "Other"), ("d", "  two\nlines "), ("e", "")]
    document = {"name": "t", "columns": [{"key": key, "name": name} for key, name in columns]}
    template = read_template(document)
    found = annotated.headings(template, [key for key, _ in columns])
    assert found == ["a", "b", "c", "Other", "two lines", "e"]
    assert len({text.casefold() for text in found}) == len(found)


SOFFICE = shutil.which("soffice")


@pytest.mark.skipif("DOUANE_TORTURE_ROUNDS" not in os.environ, reason="one of the long tests: `make torture`")
@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not installed")
@pytest.mark.parametrize("format", ["xlsx", "ods", "xls"])
def test_what_libreoffice_saves_changes_nothing(people: Import, tmp_path: Path, format: str) -> None:
    path = tmp_path / "mend.xlsx"
    path.write_bytes(people.made())
    home = f"-env:UserInstallation=file://{tmp_path}/home"
    command = [str(SOFFICE), home, "--headless", "--convert-to", format, "--outdir", str(tmp_path / "saved"), str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    data = (tmp_path / "saved" / f"mend.{format}").read_bytes()
    found = people.compared(data)
    assert (found.rows, found.cells, found.missing, found.spoilt) == (6, 0, 0, 0)
