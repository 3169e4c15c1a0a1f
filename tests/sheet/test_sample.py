"""Samples, as people's programs open them (contract 5.7)."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

import openpyxl
import pytest

from douane.errors import BadRequest
from douane.model.template import Template
from douane.sheet import mapping, sample
from douane.sheet.template_file import read_template
from tests.sheet.formats.reading import rows_of

COLUMNS: list[dict[str, Any]] = [
    {"key": "day", "name": "Born", "type": "Date", "dateFormats": ["DD.MM.YYYY", "YYYY-MM-DD"]},
    {"key": "age", "name": "Age", "type": "Number", "validations": [{"validate": "range", "min": 0, "max": 130}]},
    {"key": "tags", "name": "Tags", "type": "Select", "selectValues": ["a, b", '5" x', "007"], "allowMultiSelect": True}
    | {"delimiter": ";"},
    {"key": "Size (cm)!", "name": "Size", "type": "Select", "selectValues": ["S", "S", "M"], "isRequired": True},
    {"key": "size-cm", "name": "Size 2", "type": "Select", "selectValues": ["x" * 300]},
    {"key": "none", "name": "None", "type": "Select"},
    {"key": "name", "name": "Name", "description": "As in the passport", "isFrozen": True, "isUnique": True},
]


def template(*columns: dict[str, Any]) -> Template:
    return read_template({"name": "People", "columns": list(columns) or COLUMNS})


def made(of: Template, *rows: dict[str, Any]) -> bytes:
    file = io.BytesIO()
    sample.write(of, rows, file)
    return file.getvalue()


def opened(data: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(data))


def test_the_first_row_has_the_keys_and_notes_that_say_what_is_asked_for() -> None:
    book = opened(made(template()))
    assert book.sheetnames == ["Data", "imp_tags", "imp_sizecm", "imp_sizecm2"]
    sheet = book["Data"]
    assert [cell.value for cell in sheet[1]] == [
        "name", "day", "age", "tags#MULTI#;", "Size (cm)!", "size-cm", "none",
    ]  # fmt: skip
    assert sheet.freeze_panes == "B2"
    notes = [cell.comment.text for cell in sheet[1] if cell.comment]
    assert notes[:3] == [
        "Name\nAs in the passport\neach value once",
        "Born\nDD.MM.YYYY or YYYY-MM-DD",
        "Age\na number; 0 to 130",
    ]
    assert len(notes) == len(COLUMNS)
    assert [sheet.column_dimensions[name].number_format for name in "ABCD"] == ["@", "dd.mm.yyyy", "General", "@"]


def test_lists_are_cells_of_hidden_sheets_whatever_stands_in_them() -> None:
    book = opened(made(template()))
    assert [cell.value for cell in book["imp_tags"]["A"]] == ["tags", "a, b", '5" x', "007"]
    assert [cell.value for cell in book["imp_sizecm"]["A"]] == ["Size (cm)!", "S", "M"]
    assert {book[name].sheet_state for name in book.sheetnames[1:]} == {"hidden"}
    rules = {str(one.sqref): one for one in book["Data"].data_validations.dataValidation}
    assert {at: one.formula1 for at, one in rules.items()} == {
        "D2:D9999": "'imp_tags'!$A$2:$A$4",
        "E2:E9999": "'imp_sizecm'!$A$2:$A$3",
        "F2:F9999": "'imp_sizecm2'!$A$2:$A$2",
    }
    # One may type several where several are taken, and nothing where nothing is asked for.
    assert [(one.showErrorMessage, one.allow_blank) for one in rules.values()] == [
        (False, True), (True, False), (True, True),
    ]  # fmt: skip
    assert (rules["E2:E9999"].errorTitle, rules["E2:E9999"].error) == ("Invalid Value", "Please select from the list")


def test_seeds_are_typed_where_a_column_holds_numbers_or_days_and_text_elsewhere() -> None:
    data = made(
        template(),
        {"name": "=1+1", "day": "01.02.2020", "age": 12.5, "tags": ["a, b", "007"], "unknown": 1},
        {"name": "007", "day": "31.02.2020", "age": "12345678901234567890", "Size (cm)!": None},
        {"name": True, "day": "2020-02-01", "age": "1e5"},
        {"name": {"a": 1}, "day": "01.01.1900", "age": "007"},
    )
    rows = [[(cell.value, cell.number_format) for cell in row[:4]] for row in opened(data)["Data"].iter_rows(min_row=2)]
    assert rows[0] == [
        ("=1+1", "@"), (datetime(2020, 2, 1), "dd.mm.yyyy"), (12.5, "General"), ("a, b;007", "@"),
    ]  # fmt: skip
    assert [row[:3] for row in rows[1:]] == [
        [("007", "@"), ("31.02.2020", "dd.mm.yyyy"), ("12345678901234567890", "General")],
        [("true", "@"), ("2020-02-01", "dd.mm.yyyy"), ("1e5", "General")],
        [('{"a":1}', "@"), ("01.01.1900", "dd.mm.yyyy"), ("007", "General")],
    ]
    # Our own reader takes the data, and none of the lists.
    assert rows_of(data)[1] == ["=1+1", "2020-02-01", "12.5", "a, b;007"]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ("YYYY-MM-DD", "yyyy-mm-dd"), ("D/M/YY", "d/m/yy"), ("DD MMM YYYY", "dd mmm yyyy"), ("MM/YYYY", "@"),
        ("YYYY-MM-DD[T]HH:mm", "yyyy-mm-dd\\Thh:mm"), ("DD.MM.YYYY Z", "@"), ("YYYY,MM,DD", "yyyy\\,mm\\,dd"),
    ],
)  # fmt: skip
def test_days_show_in_the_columns_first_form(form: str, code: str) -> None:
    book = opened(made(template({"key": "d", "name": "d", "type": "Date", "dateFormats": [form]}), {"d": "x"}))
    assert book["Data"]["A2"].number_format == code


def test_the_headings_find_their_columns_again() -> None:
    of = template()
    headings = tuple(rows_of(made(of))[0])
    found = [headings[at] for at in mapping.automatic(of, headings) if at is not None]
    assert found == [sample.heading(column) for column in of.columns]


def test_what_no_workbook_can_hold_is_refused() -> None:
    with pytest.raises(BadRequest, match="32,767 characters"):
        made(template(), {"name": "x" * 32_768})
    assert made(template(), {"name": "x" * 32_767})
    # A list that no sheet can hold: the column goes without.
    long = template({"key": "s", "name": "s", "type": "Select", "selectValues": ["x" * 32_768]})
    assert opened(made(long)).sheetnames == ["Data"]
