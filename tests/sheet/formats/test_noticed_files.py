"""For each note on a file the smallest file it is given of, and all the places where it is heard: what `check --json`
has, its summary in words, `/v1`, and the page and the widget in each language. None is a sentence that nobody hears."""

from __future__ import annotations

import io
import json
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import to_builtins
from rich.console import Console

from douane.cli import files, screen
from douane.sheet.formats import Detected, Fact, Options, open_file
from douane.sheet.formats.facts import LIMIT_ROWS, UNKNOWN_VALUES, fact, sentence
from douane.sheet.noticed import KEYS, told
from douane.web.spreadsheet.wire import documents
from tests.sheet.formats import binary
from tests.sheet.formats.reading import MemorySource, batches
from tests.sheet.formats.workbooks import book, parts, sheet, zipped


def row(number: int, *texts: str, more: str = "") -> str:
    cells = "".join(
        f'<c r="{letter}{number}" t="inlineStr"><is><t>{text}</t></is></c>'
        for letter, text in zip("ABC", texts, strict=False)
    )
    return f'<row r="{number}" {more}>{cells}</row>'


BODY = b"a,b\nx,1\ny,2\nz,3\n"
TABLE = row(1, "a", "b") + row(2, "x", "1") + row(3, "y", "2")
OTHER = row(1, "q", "r") + row(2, "x", "1")
PAGE = (
    "<html><body><table><tr><td>q</td></tr></table><table><tr><th>a</th></tr><tr><td>x</td></tr></table></body></html>"
)
MERGED = '</sheetData><mergeCells><mergeCell ref="A3:B3"/></mergeCells>'


def two(first: str, second: str) -> bytes:
    return zipped(parts(sheet(first), sheet(second), names=("One", "Two")))


REFERENCE = b"\x44\x00\x00\x00\xc0"
CALLS_UPPER = REFERENCE + b"\x41\x71\x00"  # UPPER gives a text, never the 0 that stands there


def calculated(row: int, tokens: bytes) -> bytes:
    """A formula in the first column, its result a 0."""
    return binary.record(0x06, binary.place(row, 0) + bytes(8) + struct.pack("<HIH", 0, 0, len(tokens)) + tokens)


FILES: dict[str, Callable[[], bytes]] = {
    "hidden_rows": lambda: book(TABLE + row(4, "z", "3", more='hidden="1"')),
    "under_merged": lambda: zipped(parts(sheet(TABLE).replace("</sheetData>", MERGED))),
    "formula_without_result": lambda: book(TABLE + '<row r="4"><c r="A4"><f>1+1</f></c></row>'),
    "quote_joins_lines": lambda: b'a,b\n"x,1\ny,"2\nz,3\nw,4\n',
    "end_sign": lambda: BODY + b"\x1a",
    "delimiter_in_cells": lambda: b"a,b,c\n" + b"".join(b"%d,Doe, John,5\n" % at for at in range(6)),
    "wider_than_headings": lambda: b"a,b\nx,1\ny,2,more\nz,3\n",
    "encoding_guessed": lambda: "a,b\nMüller Straße,1\nKöln grün,2\nJürgen Weiß,3\n".encode("cp1252"),
    "encoding_by_codes": lambda: "a,b\n太郎,1\n花子,2\n".encode("iso2022_jp"),
    "encoding_uncertain": lambda: "a,b\nJõgeva,1\nVõru,2\n".encode("cp775"),
    "encoding_ebcdic": lambda: "a,b\n1,due [now]\n2,a^b\n".encode("cp500"),
    "bytes_no_utf8": lambda: ("a,b\n" + "é,ü\n" * 50).encode() + b"\xe9,x\n",
    "damaged_before": lambda: "a,b\nKöln,1\nŁódź,2\n".encode().decode("latin-1").encode(),
    "delimiter_named": lambda: b"sep=;\na;b\nx;1\ny;2\n",
    "blanks_before_quotes": lambda: b'a, "b"\nx, "1, 2"\ny, "3"\n',
    "backslash_quotes": lambda: b'a,b\n1,"say \\"hi, you\\" now"\n2,"x"\n',
    "records_quoted": lambda: b'"a,""b"",c"\n"1,""x, y"",3"\n"2,z,4"\n',
    "formula_texts": lambda: b'a,b\n="001",1\n="002",2\n',
    "delimiters_escaped": lambda: b"a,b\nKay\\, Ann,1\nBob,2\n",
    "delimiter_long": lambda: b"a||b\nx||1\ny||2\n",
    "thorn_quotes": lambda: "þaþ\x14þbþ\nþ1þ\x14þx®yþ\nþ2þ\x14þzþ\n".encode(),
    "curly_quotes": lambda: "“a”,“b”\n“x, y”,“1”\n“z”,“2”\n".encode(),
    "drawn_lines": lambda: b"+---+---+\n| a | b |\n+---+---+\n| x | 1 |\n+---+---+\n",
    "fixed_width": lambda: b"a         b\n" + b"".join(b"x y       %d\n" % at for at in range(5)),
    "decimal_commas": lambda: b"a\n1,5\n7,25\n",
    "text_behind_quotes": lambda: b'a,b\n1,"5" pipe\n2,"7" pipe\n',
    "table_begins": lambda: b"A title\n\n" + BODY,
    "headings_joined": lambda: b",Q1,,Q2,\na,b,real,b,real\nx,1,2,3,4\ny,5,6,7,8\n",
    "headings_short": lambda: b'"a"\t"b"\n"1"\t"Ann"\t30\n"2"\t"Bob"\t41\n',
    "headings_again": lambda: b"a,b\nx,1\ny,2\na,b\nz,3\nw,4\n",
    "second_table": lambda: b"a,b\nAnn,2\nBob,4\n\nplace,total\nRome,6\nOslo,7\n",
    "line_of_columns": lambda: b"a,b,c\nus,rad,\n1,0.5,A\n2,0.6,A\n3,0.7,B\n",
    "lines_of_columns": lambda: b"a,b,c\nHow old?,How often?,Why?\nX1,X2,X3\n31,2,so\n42,5,no\n17,1,x\n",
    "sheet_matches": lambda: two(OTHER, TABLE),
    "sheet_without_table": lambda: two(row(1, "A note"), TABLE),
    "no_sheets": lambda: BODY,
    "hidden_columns": lambda: book(TABLE, before='<cols><col min="2" max="2" hidden="1"/></cols>'),
    "macros": lambda: zipped(parts(sheet(TABLE)) | {"xl/vbaProject.bin": b"x"}),
    "tables_of_page": PAGE.encode,
    "out_of_zip": lambda: zipped({"in.csv": BODY}),
    "bytes_uncertain": lambda: b"a,b\nx\x81,1\ny\x8d\xff\x90,2\n",
    "sheet_matches_more": lambda: two(row(1, "q", "r") + row(2, "x", "1"), TABLE),
    "sheet_instead": lambda: two("", TABLE),
    "formulas_doubtful": lambda: binary.xls(
        binary.label(0, 0, "a")
        + binary.label(0, 1, "b")
        + calculated(1, CALLS_UPPER)
        + binary.label(1, 1, "x")
        + calculated(2, REFERENCE)
        + binary.label(2, 1, "y")
    ),
    "others_in_zip": lambda: zipped({"in.csv": BODY, "readme.md": b"x"}),
}
# Met by whoever counts the records or checks them, not while the file is read.
OF_CHECKS = {"values_unknown": fact(UNKNOWN_VALUES, (), 2), "rows_of_a_limit": fact(LIMIT_ROWS, (), 65_536)}
WANTED = {"sheet_without_table": (), "sheet_matches_more": ("q", "a", "b", "c")}
TEXTS = Path(__file__).parents[3] / "douane/ui/widget/texts"


def test_each_note_has_a_file() -> None:
    assert {*FILES, *OF_CHECKS} == set(KEYS)


def noticed(key: str) -> tuple[Detected, tuple[Fact, ...], str]:
    """What was detected of the note's file, what was met while reading it, and the note."""
    if key in OF_CHECKS:
        facts = OF_CHECKS[key]
        return Detected("csv", 2, 0), facts, sentence(facts[0])
    options = Options(sheet="One" if key == "no_sheets" else None, wanted=WANTED.get(key, ("a", "b")))
    reader = open_file(MemorySource(FILES[key]()), options)
    facts = tuple(met for batch in batches(reader) for met in batch.facts)
    said = [*reader.detected.notes, *map(sentence, facts)]
    found = [one for one in said if (which := told(one)) and which.key == key]
    assert found, said
    return reader.detected, facts, found[0]


@pytest.mark.parametrize("key", KEYS)
def test_a_note_is_heard_everywhere(key: str) -> None:
    detected, facts, said = noticed(key)
    # `check --json` and `rows --explain`, and the summary in words
    as_json = files._with_notes(detected, facts)
    assert said in as_json["notes"]
    printed = io.StringIO()
    summary: dict[str, Any] = {
        "detected": as_json,
        "mapping": {},
        "unmapped": [],
        "problems": [],
        "warnings": [],
        "rows": 0,
        "blank": 0,
        "invalid": 0,
        "unreadable": 0,
    }
    screen.show_check(Console(file=printed, width=1_000), "in.csv", summary, ())
    assert f"Note: {said}" in printed.getvalue()
    # `/v1`, beside the contract's fields
    [document] = to_builtins(documents.noticed([(said, told(said))], []).notes)
    assert (document["note"], document["key"]) == (said, key)
    # the page, which prints `note`, and the widget, which has the key and the values
    for catalogue in sorted(TEXTS.glob("*.json")):
        texts = json.loads(catalogue.read_text())["NOTES"][key.upper()]
        for text in texts.values() if isinstance(texts, dict) else [texts]:
            places = set(re.findall(r"\{(\w+)[,}]", text))
            assert places <= {*document["values"], "count"}, (catalogue.name, text)


def test_there_are_five_catalogues() -> None:
    assert len(list(TEXTS.glob("*.json"))) == 5
