"""The table that every writer of this folder was given: hard values, and what Douane must answer for each.

One value a row: its name in column A, the value in B, 1000 + the row's number in C (so that a short cell stands behind
another), in D the word "hidden" where the writer can hide a column. The row "hidden row" is hidden where the writer can
hide one. In "merged" the cells B and C are one, and what is kept below it shows nowhere.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from douane.sheet.formats import KIND_BOOLEAN, KIND_DATE, KIND_DATETIME, KIND_ERROR, KIND_NUMBER, KIND_TEXT, KIND_TIME


@dataclass(frozen=True, slots=True)
class Value:
    """`type`: text, number, boolean, error, formula (`value` is its text, `result` what is stored of it) or day (an ISO
    date, given as the writer's own dates are). `format`: a number format, "" for none."""

    name: str
    type: str
    value: str | float | bool
    text: str
    kind: int
    format: str = ""
    result: str | float | None = None


def _number(name: str, value: float, text: str, format: str = "", kind: int = KIND_NUMBER) -> Value:
    return Value(name, "number", value, text, kind, format)


def _text(name: str, value: str) -> Value:
    return Value(name, "text", value, value, KIND_TEXT)


LONG = "".join(f"Zeile {i} – ä中; " for i in range(290))  # longer than a record of .xls may be

TABLE = (
    _text("plain", "Ann"),
    _text("blanks", "  two before, two behind  "),
    _text("line", "one\ntwo"),
    _text("latin", "äöü ß é ÿ"),
    _text("euro", "€ – “x”"),
    _text("cyrillic", "Имя"),
    _text("han", "名前 中文"),
    _text("emoji", "a😀b"),
    _text("quotes", "say \"hi\", 'you' & <me>"),
    _text("zeros", "00123"),
    _text("digits", "1e5"),
    _text("word", "TRUE"),
    _text("error word", "#N/A"),
    _text("long", LONG),
    _text("long ascii", "0123456789" * 830),
    _text("same", "Ann"),
    _number("zero", 0, "0"),
    _number("one", 1, "1"),
    _number("minus", -17, "-17"),
    _number("tenth", 0.1, "0.1"),
    _number("sum", 0.1 + 0.2, "0.30000000000000004"),
    _number("third", 1 / 3, "0.3333333333333333"),
    _number("cents", 1234567.89, "1234567.89"),
    _number("minus cents", -0.07, "-0.07"),
    _number("thirty bits", 536870911, "536870911"),
    _number("more bits", 536870912, "536870912"),
    _number("least of thirty", -536870912, "-536870912"),
    _number("long number", 123456789012345, "123456789012345"),
    _number("fifty-three bits", 9007199254740991, "9007199254740991"),
    _number("great", 1e300, "1e+300"),
    _number("small", 1.5e-7, "1.5e-7"),
    _number("percent", 0.125, "0.125", "0.0%"),
    _number("code", 1067, "01067", "00000"),
    _number("rating", 0.75, "0.75", "0.000"),
    _number("price", 1234.5, "1234.5", '"EUR" #,##0.00'),
    _number("science", 1500000, "1500000", "0.00E+00"),
    _number("day", 45351, "2024-02-29", "yyyy-mm-dd", KIND_DATE),
    _number("german day", 45351, "2024-02-29", "dd/mm/yyyy", KIND_DATE),
    _number("short day", 45351, "2024-02-29", "m/d/yy", KIND_DATE),
    _number("month", 45323, "2024-02-01", "mmm yyyy", KIND_DATE),
    _number("moment", 45351.354166666664, "2024-02-29T08:30:00", "yyyy-mm-dd hh:mm:ss", KIND_DATETIME),
    _number("moment of ms", 45351.35434317129, "2024-02-29T08:30:15.250", "yyyy-mm-dd hh:mm:ss", KIND_DATETIME),
    _number("clock", 0.3541666666666667, "08:30:00", "hh:mm", KIND_TIME),
    _number("duration", 1.25, "30:00:00", "[h]:mm:ss", KIND_TIME),
    _number("lap", 754.56 / 86400, "00:12:34.560", "mm:ss.00", KIND_TIME),
    _number("march 1900", 61, "1900-03-01", "yyyy-mm-dd", KIND_DATE),
    _number("day sixty", 60, "1900-02-29", "yyyy-mm-dd", KIND_DATE),
    _number("before all days", -5, "-5", "yyyy-mm-dd"),
    _number("last day", 2958465, "9999-12-31", "yyyy-mm-dd", KIND_DATE),
    Value("own day", "day", "2024-02-29", "2024-02-29", KIND_DATE, "yyyy-mm-dd"),
    Value("true", "boolean", True, "TRUE", KIND_BOOLEAN),
    Value("false", "boolean", False, "FALSE", KIND_BOOLEAN),
    Value("not there", "error", "#N/A", "#N/A", KIND_ERROR),
    Value("divided", "error", "#DIV/0!", "#DIV/0!", KIND_ERROR),
    Value("formula", "formula", "1+1.5", "2.5", KIND_NUMBER, "", 2.5),
    Value("day formula", "formula", "45350+1", "2024-02-29", KIND_DATE, "yyyy-mm-dd", 45351),
    Value("text formula", "formula", '"a"&"ä中"', "aä中", KIND_TEXT, "", "aä中"),
    _text("hidden row", "not shown"),
    _text("merged", "over two"),
    _text("last", "end"),
)


def as_json() -> str:
    """The table as the programs of other languages read it."""
    return json.dumps([asdict(value) for value in TABLE], ensure_ascii=False)
