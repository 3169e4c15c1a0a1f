"""For each note on a file the smallest file it is given of: none is a sentence that nobody ever hears."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from douane.sheet.formats import Options, open_file
from douane.sheet.formats.facts import sentence
from douane.sheet.noticed import KEYS, told
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
    "others_in_zip": lambda: zipped({"in.csv": BODY, "readme.md": b"x"}),
}
# Of many rows, of old workbooks, of what a server alone knows, of a better match: asked of in tests of their own.
ELSEWHERE = {
    *("rows_of_a_limit", "formulas_doubtful", "values_unknown", "bytes_uncertain"),
    *("sheet_matches_more", "sheet_instead"),
}


def test_each_note_has_a_file() -> None:
    assert set(KEYS) - ELSEWHERE <= set(FILES)


@pytest.mark.parametrize("key", FILES)
def test_a_file_is_told_what_is_odd_about_it(key: str) -> None:
    options = Options(
        sheet="One" if key == "no_sheets" else None, wanted=() if key == "sheet_without_table" else ("a", "b")
    )
    reader = open_file(MemorySource(FILES[key]()), options)
    said = [*reader.detected.notes, *(sentence(fact) for batch in batches(reader) for fact in batch.facts)]
    assert key in {found.key for note in said if (found := told(note))}, said
