"""Small files of kinds that were once read wrong or in silence, each with what is right: its records, or what comes of
it with a template and what is said. What they show in the large stands beside each reader."""

from __future__ import annotations

import pytest

from douane.errors import BadFile, OverLimit
from douane.sheet.formats import Options, open_file
from tests.sheet.formats.reading import MemorySource, batches, rows_of
from tests.sheet.formats.small import SMALL, checked

# The first three records, as text.
READ: dict[str, list[list[str]]] = {
    "ascii-separators.txt": [["id", "name"], ["1", "Ann"], ["2", "Bob"]],
    "cp932-half-width.csv": [["ﾅﾏｴ", "ﾋﾝﾒｲ"], ["ﾔﾏﾀﾞ", "ﾎﾞﾙﾄ"], ["ｻﾄｳ", "ﾈｼﾞ"]],
    "cp932-kana-and-numbers.csv": [["ｺｰﾄﾞ", "品名"], ["0", "ﾈｼﾞ"], ["1", "ﾜｯｼｬｰ"]],
    "duration-fraction.xlsx": [["name", "took"], ["Ann", "00:12:34.560"], ["Bob", "00:12:34.980"]],
    "encoding-cp852.csv": [["Imię", "Miasto"], ["Łukasz", "Łódź"], ["Małgorzata", "Kraków"]],
    "encoding-iso-8859-5.csv": [["Имя", "Город"], ["Алексей", "Москва"], ["Ольга", "Казань"]],
    "encoding-seven-bit-jp.csv": [["名", "姓", "住所"], ["太郎", "佐藤", "千代田区丸の内"], ["花子", "鈴木", "港区"]],
    "encoding-seven-bit-seven.csv": [["Name", "Straße"], ["Jürgen", "Königsallee 7"], ["Günter", "Mühlweg 2"]],
    "html-table.xls": [["id", "name"], ["1", "Ann & Co"], ["2", "Bob"]],
    "inline-text-with-value.xlsx": [["a", "b"], ["x", "1."]],
    "instant-with-zone.xlsx": [["a", "b"], ["2026-03-17T13:45:30Z", "2026-03-17T13:45:30+02:00"]],
    "json-sequence.jsonseq": [["id", "name"], ["1", "Ann"], ["2", "Bob"]],
    "no-headings-ledger.csv": [
        ["2026-02-04", "B", "-1.204,10"],
        ["2026-02-05", "B", "-377,00"],
        ["2026-02-09", "B", "16.000,50"],
    ],
    "numbers-are-no-headings.csv": [["1", "2.5", "NaN"], ["1e10", "-Inf", "1e-05"], ["3", "4", "5"]],
    "ok-commas-in-semicolons.csv": [
        ["id", "shape", "geom"],
        ["1", "poly", "10 10, 20 20, 30 10"],
        ["2", "line", "1 1, 2 2"],
    ],
    "ok-cp1250.csv": [["imię", "miasto"], ["Łukasz", "Łódź"], ["Żaneta", "Kraków"]],
    "ok-instant.xlsx": [["at"], ["2014-03-24T09:50:00"]],
    "ok-utf16-named-xls.xls": [["id", "name"], ["1", "Zoë"]],
    "ok-zeros-xlsx.xlsx": [["zip"], ["02035"]],
    "space-before-quote.csv": [["id", "name", "city"], ["1", "Ann, Dr.", "Rome"], ["2", "Bob", "Oslo"]],
    "under-a-merge.xlsx": [["a", "b", "c"], ["top", "", "x"]],
    "xls-code-page.xls": [["name"], ["Ann"]],
    "xls-no-such-day.xls": [["day"], ["-5"], ["1900-02-29"]],
    "xls-own-date-format.xls": [["id", "name", "born"], ["1", "Ann", "2024-02-29"], ["2", "Bob", "2000-01-01"]],
    "xlsb-short-cells.xlsb": [["id", "name", "born"], ["1", "Ann", "2024-02-29"], ["2", "Bob", "2000-01-01"]],
    "xml-2003.xls": [["id", "name"], ["1", "Ann"]],
    "zeros-ods.ods": [["zip", "city"], ["02035", "Rome"]],
    "zeros-xls.xls": [["zip", "city"], ["02035", "Rome"], ["00501", "Oslo"]],
    "zip-with-one-csv.zip": [["id", "name"], ["1", "Ann"]],
}
# (what feeds the template's columns by itself, valid records, invalid ones, notes and rules)
CHECKED: dict[str, tuple[dict[str, str], int, int, set[str]]] = {
    "backslash-quote.csv": ({"id": "id", "quote": "quote", "n": "n"}, 3, 0, {"backslash_quotes"}),
    "both-date-orders.csv": ({"id": "ID", "joined": "Joined"}, 3, 0, {"ambiguous_day"}),
    "control-signs-for-quotes.csv": ({"item": "item", "note": "note"}, 3, 0, {"damaged_before"}),
    "cover-sheet-first.xlsx": ({"id": "ID", "joined": "Joined", "total": "Total"}, 2, 0, {"sheet_matches"}),
    "digits-lost-by-excel.csv": ({"id": "ID", "name": "Name"}, 3, 0, {"cut_digits"}),
    "dos-end-of-file.csv": ({"id": "ID", "joined": "Joined", "total": "Total"}, 2, 0, {"end_sign"}),
    "german-thousand.csv": ({"artikel": "Artikel", "preis": "Preis"}, 1, 2, {"mixed_decimal", "number"}),
    "headings-two-rows.xlsx": ({"name": "name"}, 2, 0, {"headings_joined"}),
    "headings-under-key-value.csv": (
        {"datum": "Datum", "partner": "Partner", "zweck": "Zweck", "betrag": "Betrag"},
        3,
        0,
        {"table_begins"},
    ),
    "headings-under-title-with-commas.csv": ({"cm": "cm", "t": "T"}, 4, 0, {"table_begins"}),
    "headings-under-title-xlsx.xlsx": (
        {"region": "Region", "rep": "Rep", "month": "Month", "amount": "Amount"},
        3,
        0,
        {"table_begins"},
    ),
    "headings-under-titles.csv": ({"id": "id", "name": "name", "qty": "qty"}, 4, 0, {"table_begins"}),
    "hidden-rows-told.xlsx": ({"id": "ID", "total": "Total"}, 2, 0, {"hidden_rows"}),
    "map-accents-left-out.csv": ({"p": "Prenom", "t": "TELEPHONE"}, 1, 0, set()),
    "map-decomposed.csv": ({"p": "Prénom", "c": "Catégorie"}, 1, 0, set()),
    "map-email-address.csv": (
        {"name": "Customer Name", "email": "Email Address", "address": "Mailing Address", "phone": "Phone Number"},
        1,
        0,
        set(),
    ),
    "map-full-width.csv": ({"id": "ＩＤ", "name": "Ｎａｍｅ"}, 1, 0, set()),
    "map-inside-a-word.csv": ({}, 1, 0, set()),
    "map-unit.csv": ({"item": "Item", "height": "Height"}, 1, 0, set()),
    "map-zero-width.csv": ({"email": "E\u200bmail", "name": "\u200eName"}, 1, 0, set()),
    "note-sheet-first.xlsx": ({"id": "ID", "name": "Name"}, 2, 0, {"sheet_matches"}),
    "nothing-matches.csv": ({}, 10, 0, set()),
    "ok-late-third-column.csv": ({"a": "a", "b": "b"}, 1500, 3, {"surplus", "wider_than_headings"}),
    "quote-joins-records.csv": ({"a": "a", "b": "b", "c": "c"}, 3, 0, {"quote_joins_lines"}),
    "row-names.tsv": ({"name": "name", "age": "age"}, 2, 0, {"headings_short"}),
    "sheet-option-on-csv.csv": ({"id": "id", "name": "name"}, 1, 0, set()),
    "time-of-day.csv": ({"id": "id", "at": "at"}, 2, 0, set()),
}
REFUSED = {
    "all-rows-hidden.xlsx": "The sheet “Liste” has hidden rows only, which are left out. ",
    "lzma-alone.csv.lzma": "File type is not supported: this is packed with LZMA. Unpack",
    "sylk.slk": "File type is not supported: this is a SYLK sheet. Save it as",
    "utf-16-markup.xml": "File type is not supported: this is a file of markup (XML or",
}
# Which record the headings are.
HEADINGS = {"headings-under-padded-title.csv": 1, "no-headings-ledger.csv": None, "numbers-are-no-headings.csv": None}
ELSEWHERE = {*HEADINGS, "one-text-many-times.xlsx", "README"}


def test_each_file_is_asked_for() -> None:
    files = {path.name for path in SMALL.iterdir() if path.suffix != ".yaml"}
    assert files == {*READ, *CHECKED, *REFUSED, *ELSEWHERE}


@pytest.mark.parametrize("name", READ)
def test_records_are_read_as_they_were_meant(name: str) -> None:
    assert rows_of((SMALL / name).read_bytes())[:3] == READ[name]


@pytest.mark.parametrize("name", CHECKED)
def test_a_template_gets_its_columns_and_what_is_odd_is_said(name: str) -> None:
    fed, valid, invalid, noted = CHECKED[name]
    assert checked(name) == {"fed": fed, "valid": valid, "invalid": invalid, "noted": noted}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_table_is_refused_in_words(name: str) -> None:
    with pytest.raises(BadFile) as refused:
        open_file(MemorySource((SMALL / name).read_bytes()))
    assert REFUSED[name] in refused.value.message


@pytest.mark.parametrize("name", HEADINGS)
def test_headings_are_where_a_person_sees_them(name: str) -> None:
    assert open_file(MemorySource((SMALL / name).read_bytes())).detected.header_row == HEADINGS[name]


def test_a_text_that_many_cells_share_counts_as_often() -> None:
    with pytest.raises(OverLimit):
        list(batches(open_file(MemorySource((SMALL / "one-text-many-times.xlsx").read_bytes()), Options())))
