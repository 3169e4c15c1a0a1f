from __future__ import annotations

import pytest

from douane.errors import BadFile
from douane.sheet.formats import Detected, Options, open_file
from tests.sheet.formats.reading import MemorySource, rows_of
from tests.sheet.formats.workbooks import parts, sheet, zipped


def page(*rows: tuple[str, ...], hidden: bool = False) -> str:
    lines = []
    for number, row in enumerate(rows, 1):
        cells = "".join(
            f'<c r="{"ABCDEF"[at]}{number}" t="inlineStr"><is><t>{text}</t></is></c>'
            for at, text in enumerate(row)
            if text
        )
        lines.append(f'<row r="{number}"{" hidden=" + chr(34) + "1" + chr(34) if hidden else ""}>{cells}</row>')
    return sheet("".join(lines))


PEOPLE = page(("ID", "Full name"), ("1", "Ann"), ("2", "Bob"))
NOTE = page(("Please read the handbook first.",))
COVER = page(("Report of May",), ("by", "Ann"), ("for", "Bob"), ("on", "3 May"))
WANTED = Options(wanted=("id", "full_name", "born"))


def book(*sheets: str) -> bytes:
    return zipped(parts(*sheets, names=("Cover", "People", "Rest")[: len(sheets)]))


def detected(data: bytes, options: Options = Options()) -> Detected:
    return open_file(MemorySource(data), options).detected


@pytest.mark.parametrize("first", [NOTE, COVER, page()])
def test_the_sheet_whose_headings_are_the_templates_is_read(first: str) -> None:
    data = book(first, PEOPLE)
    found = detected(data, WANTED)
    assert found.sheet == "People"
    assert found.notes[-1].startswith("Read is the sheet “People”")
    assert rows_of(data, WANTED)[0] == ["ID", "Full name"]


def test_headings_in_another_language_are_the_templates_too() -> None:
    people = page(("Vorname", "Nachname", "Geburtsdatum"), ("Ann", "Blum", "3.5."), ("Bob", "Lee", "1.2."))
    found = detected(book(COVER, people), Options(wanted=("first", "First name", "born", "Date of birth")))
    assert found.sheet == "People"
    assert "“People”" in found.notes[-1]


def test_a_first_sheet_that_feeds_a_column_stays_and_the_better_one_is_named() -> None:
    some = page(("ID", "x", "y", "z"), ("1", "2", "3", "4"), ("5", "6", "7", "8"))
    full = page(("id", "full name", "born"), ("1", "Ann", "2001"), ("2", "Bob", "2002"))
    found = detected(book(some, full), WANTED)
    assert found.sheet == "Cover"
    assert "“People”" in found.notes[-1]
    assert detected(book(PEOPLE, full), WANTED).notes == ()


def test_a_sheet_that_somebody_named_is_read_whatever_it_holds() -> None:
    named = Options(sheet="Cover", wanted=WANTED.wanted)
    assert detected(book(NOTE, PEOPLE), named).sheet == "Cover"
    assert detected(book(NOTE, PEOPLE), Options(sheet=0, wanted=WANTED.wanted)).sheet == "Cover"


def test_without_a_template_a_sheet_that_holds_no_table_is_read_and_the_table_is_named() -> None:
    found = detected(book(NOTE, PEOPLE))
    assert (found.sheet, found.notes) == ("Cover", ("The sheet “Cover” holds no table; the sheet “People” does.",))


def test_an_empty_first_sheet_is_passed_over() -> None:
    found = detected(book(page(), PEOPLE))
    assert (found.sheet, found.notes) == ("People", ("Read is the sheet “People”: The sheet “Cover” is empty.",))
    with pytest.raises(BadFile, match="Cover"):
        detected(book(page(), page()))


def test_a_sheet_of_hidden_rows_says_so() -> None:
    with pytest.raises(BadFile, match="hidden rows only"):
        detected(book(page(("a", "b"), hidden=True)))


def test_a_sheet_asked_of_a_file_without_sheets_is_said() -> None:
    assert detected(b"a,b\n1,2\n", Options(sheet="Data")).notes == (
        "The file has no sheets; no sheet “Data” was looked for.",
    )
