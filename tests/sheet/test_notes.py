"""Values that are no fault by themselves but may be one: said in their rows, never guessed in silence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest

from douane.errors import BadTemplate
from douane.sheet import mapping, template_file
from douane.sheet.check import Checker
from douane.sheet.formats import KIND_DATE, KIND_DATETIME, KIND_NUMBER, KIND_TEXT
from douane.sheet.output import Output


class Table:
    """One column's cells, judged and given out."""

    def __init__(self, document: dict[str, Any], cells: Sequence[str | None], kinds: Sequence[int] = ()) -> None:
        template = template_file.read_template({"columns": [{"key": "a", **document}]}, strict=True)
        layout = mapping.layout(template, ["a"], (0,))
        frame = pl.DataFrame({"c0": pl.Series(cells, dtype=pl.String)})
        if kinds:
            frame = frame.with_columns(k0=pl.Series(kinds, dtype=pl.UInt8))
        frame = frame.with_columns(_line=pl.Series(range(1, len(cells) + 1), dtype=pl.UInt32))
        checker = Checker(template, layout)
        found = checker.problems(frame, np.array(checker.judge(frame).mask))
        self.problems = [[each.rule for each in row if not each.warning] for row in found]
        self.warnings = [[each.rule for each in row if each.warning] for row in found]
        self.messages = [[each.message for each in row] for row in found]
        output = Output(template, layout)
        self.out = [record.get("a") for record in output.records(frame)]
        self.csv = output.csv(frame, header=False).decode().splitlines()


def test_a_day_of_two_formats_is_noted() -> None:
    both = {"type": "Date", "dateFormats": ["MM/DD/YYYY", "DD/MM/YYYY"]}
    cells = ["03/08/2026", "26/06/2026", "06/26/2026", "05/05/2026", " 03/08/2026 ", "", "x"]
    table = Table(both, cells)
    assert table.warnings == [["ambiguous_day"], [], [], [], ["ambiguous_day"], [], []]
    assert table.problems == [[], [], [], [], [], [], ["date_format"]]
    assert table.messages[0] == ["03/08/2026 may be a day of MM/DD/YYYY or DD/MM/YYYY"]
    # Said are the formats that take the text, not all that may take one text.
    four = {"type": "Date", "dateFormats": ["MM/DD/YY", "DD/MM/YY", "DD.MM.YY", "YY.MM.DD"]}
    assert Table(four, ["03/08/26"]).messages[0] == ["03/08/26 may be a day of MM/DD/YY or DD/MM/YY"]
    asked = Table({**both, "notes": {"ambiguous_day": "problem"}}, cells)
    assert (asked.problems[0], asked.warnings[0]) == (["ambiguous_day"], [])
    assert Table({**both, "notes": {"ambiguous_day": "off"}}, cells).messages[0] == []
    # One order alone leaves nothing open, nor do formats that no text can be of at once.
    assert Table({"type": "Date", "dateFormats": ["DD/MM/YYYY", "MM-DD-YYYY"]}, cells).warnings[0] == []
    years = Table({"type": "Date", "dateFormats": ["DD.MM.YY", "YY.MM.DD"]}, ["01.02.03", "31.12.99", "11.12.11"])
    assert years.warnings == [["ambiguous_day"], [], []]


def test_text_among_date_cells_is_noted() -> None:
    column = {"type": "Date", "dateFormats": ["YYYY-MM-DD", "DD/MM/YYYY"]}
    cells = ["2024-02-29", "03/08/2026", "2024-03-01T10:00:00", ""]
    table = Table(column, cells, [KIND_DATE, KIND_TEXT, KIND_DATETIME, KIND_TEXT])
    assert table.warnings == [[], ["mixed_date"], [], []]
    assert Table(column, cells[:2], [KIND_TEXT, KIND_TEXT]).warnings == [[], []]


def test_a_thousand_among_decimal_commas_is_noted() -> None:
    number = {"type": "Number"}
    table = Table(number, ["12,50", "1.000", "0,5", "7", "1.5", "1.000.000"])
    assert table.warnings == [[], ["mixed_decimal"], [], [], [], ["mixed_decimal"]]
    assert table.problems == [["number"], [], ["number"], [], [], ["number"]]
    assert Table(number, ["1.000", "1.499", "12.5"]).warnings == [[], [], []]
    # A comma that parts thousands says nothing of decimals.
    assert Table(number, ["1.000", "1,000"]).warnings == [[], []]
    assert Table(number, ["12,50", "1.5"], [KIND_TEXT, KIND_NUMBER]).warnings == [[], []]
    assert Table({**number, "notes": {"mixed_decimal": "problem"}}, ["1.000", "12,50"]).problems[0] == ["mixed_decimal"]


def test_decimal_and_group_signs() -> None:
    german = Table({"type": "Number", "decimal": ",", "group": "."}, ["12,50", "1.000", "1.234.567,8", "-0,5", "7", ""])
    assert german.problems == [[]] * 6
    assert [bytes(out) if not isinstance(out, str) else out for out in german.out] == [
        *(b"12.5", b"1000", b"1234567.8", b"-0.5", b"7", "")
    ]
    assert german.csv[:3] == ["12.50", "1000", "1234567.8"]
    # What would be read wrongly is a problem: nobody guesses.
    wrong = Table({"type": "Number", "decimal": ",", "group": "."}, ["1.5", "12.34,5", "1,5,6", "1.0000", "x"])
    assert wrong.problems == [["number"]] * 5
    assert wrong.messages[0] == ["1.5 must be a number or empty"]
    assert wrong.csv == ["1.5", '"12.34,5"', '"1,5,6"', "1.0000", "x"]
    assert Table({"type": "Number", "decimal": ","}, ["1.000", "1,5"]).problems == [["number"], []]
    spaced = Table({"type": "Double", "decimal": ",", "group": " "}, ["1 234,5", "1\u00a0234", "1\u202f234", "12 34"])
    assert spaced.problems == [[], [], [], ["number"]]
    assert Table({"type": "Number", "group": "'"}, ["1'234.5", "1’234", "1'23"]).problems == [[], [], ["number"]]
    assert Table({"type": "Number", "group": ","}, ["1,234", "1,23", "1,234.5"]).problems == [[], ["number"], []]
    lakhs = Table({"type": "Number", "group": ","}, ["12,34,567.5", "1,00,000", "1,2,345", "12,34", "123,45,678"])
    assert lakhs.problems == [[], [], ["number"], ["number"], ["number"]]
    assert [bytes(out) for out in lakhs.out[:2]] == [b"1234567.5", b"100000"]
    # A number cell of a workbook is one whatever the signs.
    cells = Table({"type": "Number", "decimal": ",", "group": "."}, ["1.234", "1.234"], [KIND_NUMBER, KIND_TEXT])
    assert (cells.problems, [bytes(out) for out in cells.out]) == ([[], []], [b"1.234", b"1234"])
    # Validations and uniqueness go by the value.
    bounded = {"type": "Number", "decimal": ",", "group": ".", "validations": [{"validate": "range", "max": 1000}]}
    assert Table(bounded, ["1.000", "1.000,5"]).problems == [[], ["range_max"]]


def test_signs_and_notes_of_a_whole_template() -> None:
    document = {
        "decimal": ",",
        "notes": {"cut_digits": "problem"},
        "expectedDateFormat": "DD.MM.YYYY",
        "columns": [
            {"key": "n", "type": "Number"},
            {"key": "m", "type": "Number", "decimal": ".", "notes": {"cut_digits": "off"}},
            {"key": "d", "type": "Date"},
            {"key": "s"},
        ],
    }
    n, m, d, s = template_file.read_template(document, strict=True).columns
    assert (n.setting("decimal"), m.setting("decimal"), d.setting("cellFormat")) == (",", None, "DD.MM.YYYY")
    assert (n.notes, m.notes, s.notes) == ((("cut_digits", "problem"),), (("cut_digits", "off"),), n.notes)
    with pytest.raises(BadTemplate, match="There is no note cut_digit"):
        template_file.read_template({"columns": [{"key": "a", "notes": {"cut_digit": "off"}}]})
    with pytest.raises(BadTemplate, match="A note is one of warning, problem, off"):
        template_file.read_template({"columns": [{"key": "a", "notes": {"cut_digits": "loud"}}]})


@pytest.mark.parametrize("text", ["5.51E+12", "5,51E+12", "1E+15", "-1.23457E+100", " 5.51E+12 ", "########", " ### "])
def test_cut_off_digits_are_noted(text: str) -> None:
    assert Table({}, [text, "x"]).warnings == [["cut_digits"], []]
    assert Table({"type": "Any"}, [text]).warnings == [["cut_digits"]]
    assert Table({"notes": {"cut_digits": "problem"}}, [text]).problems == [["cut_digits"]]


def test_a_number_that_is_no_id_is_not_cut_off() -> None:
    assert Table({}, ["1e12", "E+12", "a5.51E+12", "0E+12", "5.51E-12", "##", "### x"]).warnings == [[]] * 7
    assert Table({"type": "Double"}, ["5.51E+12"]).warnings == [[]]
    assert Table({"type": "Number", "isUnique": True}, ["5.51E+12"]).warnings == [["cut_digits"]]
    # Thirteen digits of a bar code are asked for, and these are thirteen, but not those of the article.
    asked = {"type": "Number", "validations": [{"validate": "digits", "min": 13, "max": 13}]}
    assert Table(asked, ["4.00638E+12", "4006381333931"]).warnings == [["cut_digits"], []]
    for pattern in ("^[0-9.E+]+$", "(?=4)^[0-9.E+]+$"):
        assert Table({"type": "Regex", "regex": pattern}, ["4.00638E+12", "4006"]).warnings == [["cut_digits"], []]


def test_how_dates_leave() -> None:
    cells = ["2024-02-29", "2024-02-29T13:05:10", "29/02/2024", "1/3/24", None]
    kinds = [KIND_DATE, KIND_DATETIME, KIND_TEXT, KIND_TEXT, KIND_TEXT]
    formats = ["DD/MM/YYYY", "D/M/YY"]
    quiet = {"notes": {"mixed_date": "off"}}
    # A cell in the first format, but not where its time of day would be lost; typed text as it was typed.
    out = Table({"type": "Date", "dateFormats": formats, **quiet}, cells, kinds).out
    assert out == ["29/02/2024", "2024-02-29T13:05:10", "29/02/2024", "1/3/24", None]
    out = Table({"type": "Date", "dateFormats": formats, "output": "first", **quiet}, cells, kinds).out
    assert out[2:4] == ["29/02/2024", "01/03/2024"]
    out = Table({"type": "Date", "dateFormats": formats, "output": "iso", **quiet}, cells, kinds).out
    assert out == ["29/02/2024", "2024-02-29T13:05:10", "2024-02-29", "2024-03-01", None]
    out = Table({"type": "Date", "cellFormat": "D MMM YYYY HH:mm", **quiet}, cells, kinds).out
    assert out[:2] == ["29 Feb 2024 00:00", "2024-02-29T13:05:10"]
    # A day as SheetJS writes it: no time of day is lost with its zone, where the format has no place for either.
    zoned = ["2024-02-29T00:00:00Z", "2024-02-29T13:05:00Z"]
    out = Table({"type": "Date", "dateFormats": formats, **quiet}, zoned, [KIND_DATETIME] * 2).out
    assert out == ["29/02/2024", "2024-02-29T13:05:00Z"]
    out = Table({"type": "Date", "cellFormat": "D MMM YYYY HH:mm", **quiet}, zoned, [KIND_DATETIME] * 2).out
    assert out == zoned
    # A format that leaves out the day or the year would drop it: then ISO.
    assert Table({"type": "Date", "dateFormats": ["MM/YYYY"], **quiet}, cells, kinds).out[0] == "2024-02-29"
    # What is wrong stays as it came.
    wrong = Table({"type": "Date", "output": "iso"}, ["31/02/2024", "soon"])
    assert (wrong.out, wrong.messages[0]) == (
        ["31/02/2024", "soon"],
        ["31/02/2024 must match date format from [DD/MM/YYYY]"],
    )


def test_normalized_texts_are_noted() -> None:
    table = Table({"normalize": ["collapse", "lower"]}, ["Ann  Lee", "ann lee", " Bob ", "", "A\u00a0\nB"])
    assert table.out == ["ann lee", "ann lee", "bob", "", "a b"]
    assert table.warnings == [["normalized"], [], ["normalized"], [], ["normalized"]]
    assert table.problems == [[]] * 5
    assert table.messages[0] == ["Written as ann lee, as the template asks"]
    assert Table({"normalize": ["upper"], "notes": {"normalized": "off"}}, ["a"]).messages == [[]]
    # Lengths and uniqueness go by what leaves.
    short = {
        "normalize": ["collapse"],
        "notes": {"normalized": "off"},
        "validations": [{"validate": "length", "max": 3}],
    }
    assert Table(short, ["a  b", "a  bc"]).problems == [[], ["length_max"]]
    with pytest.raises(BadTemplate, match="must be an array of collapse, lower, upper"):
        Table({"normalize": "lower"}, [])
