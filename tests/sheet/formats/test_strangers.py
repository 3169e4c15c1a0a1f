"""Files that are no table: each is named and refused with the way out. Tables that look like one of them are read."""

from __future__ import annotations

import gzip
import lzma
import struct
from pathlib import Path

import pytest
from msgspec.structs import replace

from douane.errors import BadFile, OverLimit
from douane.sheet.formats import Limits, Options, html, open_file
from tests.sheet.formats.reading import MemorySource, batches, rows_of
from tests.sheet.formats.workbooks import book, zipped


def refusal(data: bytes) -> BadFile:
    with pytest.raises(BadFile) as caught:
        open_file(MemorySource(data), Options())
    assert caught.value.code == "file_type"
    return caught.value


def dbase() -> bytes:
    field = b"NAME\0\0\0\0\0\0\0C" + bytes(4) + bytes([10, 0]) + bytes(14)
    head = struct.pack("<BBBBIHH20x", 3, 124, 5, 17, 2, 32 + 32 + 1, 11)
    return head + field + b"\r" + b" Ann       " + b" Bob       " + b"\x1a"


XML = '<?xml version="1.0"?><rows><row a="1"/></rows>'


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'ID;PWXL;N;E\r\nC;Y1;X1;K"id"\r\nC;Y2;X1;K1\r\nE\r\n', "SYLK"),
        (b'ID;PSCALC3\nB;Y2;X1\nC;Y1;X1;K"a"\nE\n', "SYLK"),
        (b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ann\r\nEND:VCARD\r\n", "vCard"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 7\n", "not the file itself"),
        (gzip.compress(b"X\n\0\0\0\3" + bytes(40), mtime=0), "data of R"),
        (b'TABLE\r\n0,1\r\n"EXCEL"\r\nVECTORS\r\n0,2\r\n""\r\n', "DIF"),
        (b"socialcalc:version:1.5\nMIME-Version: 1.0\nContent-Type: multipart/mixed\n", "SocialCalc"),
        (dbase(), "dBase"),
        (b"{\\rtf1\\ansi Ann}", "RTF"),
        (b"!Type:Bank\nD11/28/26\nT-4.35\nPBakery\n^\n", "QIF"),
        (b"OFXHEADER:100\nDATA:OFXSGML\n\n<OFX>", "OFX"),
        (b":20:START\r\n:25:10020030/1234567\r\n:28C:0\r\n", "MT940"),
        (b"UNA:+.? 'UNB+UNOC:3+A+B+261130:1011+1'", "EDIFACT"),
        (b"ISA*00*          *00*          *ZZ*A              *ZZ*B", "X12"),
        (b"version: 1\n\n# people\ndn: cn=Ann,dc=x\ncn: Ann\n\ndn: cn=Bo,dc=x\n", "LDIF"),
        (b"From ann@example.org Mon Nov 30 10:11:12 2026\nFrom: ann@example.org\n", "mailbox"),
        (
            b"Received: from a\r\n by b\r\nFrom: ann@example.org\r\nSubject: x\r\nTo: b@example.org\r\n\r\nhello\r\n",
            "a mail",
        ),
        (b"-- a dump\nINSERT INTO t (id, name) VALUES (1, 'Ann');\n", "SQL"),
        (b'/* dump */;\nCREATE TABLE "t" (\n  id int\n);\n', "SQL"),
        (b"-----BEGIN PGP MESSAGE-----\n\nhQEMA\n", "encrypted"),
        (b"begin 644 a.csv\n#86)C\n`\nend\n", "uuencode"),
        (b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!000000", "SAS"),
        (b"ASCII SPSS PORT FILE".ljust(456, b" "), "SPSS"),
        (b"\0\0\0\x18ftypheic" + bytes(40), "picture"),
        (b"- id: 1\n  name: Ann\n- id: 2\n  name: Bo\n", "YAML"),
        (b'callback([{"id":1},{"id":2}]);', "script around JSON"),
        (lzma.compress(b"a,b\n1,2\n" * 50, format=lzma.FORMAT_ALONE), "LZMA"),
        (b"\x1f\x9d\x90" + bytes(range(60)), "compress"),
        (XML.encode(), "markup"),
        (XML.encode("utf-16"), "markup"),
        (XML.encode("utf-16-le"), "markup"),
        (XML.encode("utf-16-be"), "markup"),
        (b"<html><body><p>no table</p></body></html>", "markup"),
        (b'<?xml version="1.0"?>\n<gnm:Workbook xmlns:gnm="http://www.gnumeric.org/v10.dtd"/>', "Gnumeric"),
        (
            gzip.compress(
                b'<?xml version="1.0"?>\n<gnm:Workbook xmlns:gnm="http://www.gnumeric.org/v10.dtd"/>', mtime=0
            ),
            "Gnumeric",
        ),
        (b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x\r\n", "web archive"),
        (zipped({"Index/Document.iwa": b"x", "Index/Tables/DataList.iwa": b"x"}), "Numbers"),
        (zipped({"[Content_Types].xml": "<Types/>", "word/document.xml": "<w/>"}), "document"),
    ],
)
def test_each_stranger_is_named_with_the_way_out(data: bytes, said: str) -> None:
    message = refusal(data).message
    assert said in message
    assert any(word in message for word in ("Save", "Unpack", "Export", "Fetch", "Send", "Decrypt"))


@pytest.mark.parametrize(
    "data",
    [
        b"ID;Preis;Name\n1;2,50;Ann\n2;3,00;Bob\n",  # begins like SYLK
        b"ID;P;E\nC;1;2\nE;3;4\n",
        b"TABLE\n1\n2\n",
        b"<b>,<i>\n1,2\n",
        b"<name>;<age>\nAnn;3\n",
        b"]\0\0x,y\n1,2\n",
        b"Begin;UN;ISA\n1;2;3\n",
        b"From;To;Subject\na@example.org;b@example.org;x\n",
        b"From: ,To: \n1,2\n",
        b"insert,create table (\n1,2\n",
        b"From: Berlin\nTo: Rome\n\nday,km\n1,2\n2,3\n",
        b"- item\n- id: 4\n",
    ],
)
def test_tables_that_begin_like_a_stranger_are_read(data: bytes) -> None:
    assert len(rows_of(data)) > 1


@pytest.mark.parametrize("name", ["in.csv", "data/in.csv", "notes", "in.xlsx"])
def test_a_zip_with_one_file_is_that_file(name: str) -> None:
    if name.endswith(".xlsx"):
        inside = book('<row r="1"><c r="A1"><v>1</v></c><c r="B1"><v>2</v></c></row>' * 1)
        expected = [["1", "2"]]
    else:
        inside, expected = b"id,name\n1,Ann\n", [["id", "name"], ["1", "Ann"]]
    data = zipped({name: inside, "__MACOSX/._in.csv": b"x", ".DS_Store": b"x"})
    assert rows_of(data) == expected
    found = open_file(MemorySource(data)).detected
    assert found.compression == "zip"
    assert any(name in note for note in found.notes)


def test_gzip_around_a_workbook_is_the_workbook() -> None:
    folder = Path(__file__).parent / "data" / "calamine"
    files = [(folder / name).read_bytes() for name in ("any_sheets.ods", "any_sheets.xls", "date_1904.xlsb")]
    for body in [book('<row r="1"><c r="A1"><v>1</v></c><c r="B1"><v>2</v></c></row>'), *files]:
        packed, plain = open_file(MemorySource(gzip.compress(body))), open_file(MemorySource(body))
        assert packed.detected == replace(plain.detected, compression="gzip")
        assert rows_of(gzip.compress(body)) == rows_of(body)
    with pytest.raises(OverLimit, match="Unpack it first"):
        open_file(MemorySource(gzip.compress(body)), Options(limits=Limits(entry_bytes=len(body) - 1)))


def test_gzip_around_a_web_page_or_an_xml_spreadsheet_is_read() -> None:
    assert rows_of(gzip.compress(page("<table><tr><td>a<td>b</table>"))) == [["a", "b"]]
    assert rows_of(gzip.compress(xml_book("<Row>" + data("String", "a") + "</Row>"))) == [["a"]]


def test_a_zip_with_a_table_and_a_licence_is_the_table() -> None:
    found = open_file(MemorySource(zipped({"LICENSE": "free", "a.csv": "x,y\n1,2\n"}))).detected
    assert found.notes[-1] == "1 other file in it is left out."


def test_a_zip_of_several_tables_names_them() -> None:
    message = refusal(zipped({"a.csv": "x\n1\n", "b.csv": "y\n2\n"})).message
    assert "“a.csv”, “b.csv”" in message
    assert "no spreadsheet file" in refusal(zipped({"a.png": b"\x89PNG", "b.png": b"\x89PNG"})).message


# Web pages


def page(rows: str, before: str = "") -> bytes:
    spaces = 'xmlns:x="urn:schemas-microsoft-com:office:excel"'
    return f"<html {spaces}><head>{before}</head><body>{rows}</body></html>".encode()


def test_a_table_of_a_web_page_is_read() -> None:
    table = (
        "<table><thead><tr><th>id</th><th>first<br>name</th></tr></thead><tbody>"
        "<tr><td>1</td><td> Ann &amp;\n Co&nbsp;</td></tr><tr><td>2<td>Bob</table>"
    )
    assert rows_of(page(table)) == [["id", "first\nname"], ["1", "Ann & Co"], ["2", "Bob"]]


def test_spans_leave_their_places_empty() -> None:
    table = (
        '<table><tr><td rowspan="2">a</td><td colspan=2>b</td></tr><tr><td>c</td><td>d</td></tr>'
        "<tr><td>e</td><td>f</td></tr></table>"
    )
    assert rows_of(page(table)) == [["a", "b"], ["", "c", "d"], ["e", "f"]]


def test_cells_give_their_own_values_where_the_program_wrote_them() -> None:
    table = (
        '<table><tr><td x:num="1234.5">1.234,50</td><td sdval="12.5" sdnum="1033;0;0.00">12,50</td>'
        '<td sdval="45351" sdnum="1033;1033;YYYY-MM-DD">29.02.24</td><td sdval="7" sdnum="1033;0;00000">00007</td>'
        '<td data-t="n" data-v="3.25">3.3</td><td data-t="s" data-v="x">shown</td></tr>'
        '<tr><td x:num="45351">29.02.2024</td><td x:num="7">00007</td><td x:num="0.125">12,5%</td>'
        '<td data-t="n" data-v="45351" data-z="mmm-yy">Feb-24</td><td data-t="n" data-v="7" data-z="000">007</td>'
        '<td data-t="n" data-v="7" data-z="00" kg"">07 kg</td></tr></table>'
    )
    assert rows_of(page(table)) == [
        ["1234.5", "12.5", "2024-02-29", "00007", "3.25", "shown"],
        ["29.02.2024", "00007", "0.125", "2024-02-29", "007", "7"],
    ]


@pytest.mark.parametrize("more", ["", "</table><table><tr><td>z</table>", "</table>"])
def test_a_page_that_is_held_and_one_that_is_read_again_give_the_same(
    more: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = (
        '<table><tr><th rowspan=2>a<th colspan=2>b<tr style="display:none"><td>c<tr><td>d<td>e'
        '<tr><td sdval="45351" sdnum="1033;1033;YYYY-MM-DD">x<td> 1 <br> 2 <p>3</p>&nbsp;<td x:num>7<tr><td>last'
    )
    body = page("", "") + (table + more).encode()
    frames = []
    for most in (html._KEPT_CHARACTERS, 0):
        monkeypatch.setattr(html, "_KEPT_CHARACTERS", most)
        reader = open_file(MemorySource(body), Options(piece_bytes=10))
        twice = [[batch.frame.rows() for batch in batches(reader)] for _ in range(2)]
        assert twice[0] == twice[1]
        frames.append((twice[0], reader.detected))
    assert frames[0] == frames[1]
    assert rows_of(body)[-1] == ["last"]


def test_the_longest_of_several_tables_is_read_unless_one_is_named() -> None:
    tables = "<table><tr><td>menu</td></tr></table><table><tr><td>a</td></tr><tr><td>1</td></tr></table>"
    found = open_file(MemorySource(page(tables))).detected
    assert (found.sheet, found.sheets) == ("Table 2", ("Table 1", "Table 2"))
    assert found.notes == ("The page has 2 tables; read is “Table 2”, the longest.",)
    assert rows_of(page(tables), Options(sheet="Table 1")) == [["menu"]]


def test_scripts_styles_and_hidden_rows_are_left_out() -> None:
    table = (
        "<table><tr><td>a<script>var x = '<td>no</td>';</script><style>td{}</style></td></tr>"
        '<tr style="DISPLAY: none"><td>hidden</td></tr></table>'
    )
    assert rows_of(page(table)) == [["a"]]


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-16", "iso-8859-2", "shift_jis"])
def test_a_page_is_read_in_the_encoding_it_names(encoding: str) -> None:
    word = {"iso-8859-2": "Łódź", "shift_jis": "東京"}.get(encoding, "Zoë")
    text = f'<html><head><meta charset="{encoding}"></head><table><tr><td>{word}</td></tr></table></html>'
    assert rows_of(text.encode(encoding)) == [[word]]


def test_cells_over_many_places_count_like_unpacking() -> None:
    table = '<table><tr><td colspan="16000" rowspan="60000">x</td></tr>' + "<tr><td>y</td></tr>" * 400 + "</table>"
    with pytest.raises(OverLimit) as refused:
        rows_of(page(table), Options(limits=Limits(unpacked_ratio=1)))
    assert refused.value.setting == "unpacked_ratio"


def test_a_page_that_never_closes_what_it_opens_ends_in_a_result() -> None:
    for rest in ("<tr><td>a<td>b", "<table><tr><td>a", "<!-- never", "<td " + "x" * 5000, "<script>var a = '<td>'"):
        assert rows_of(page("<table><tr><td>1</td><td>2</td></tr>" + rest).replace(b"</body></html>", b""))[0][0] == "1"


# XML spreadsheets of Excel 2003


def xml_book(rows: str, styles: str = "", more: str = "", name: str = "People") -> bytes:
    return (
        '<?xml version="1.0"?>\n<?mso-application progid="Excel.Sheet"?>\n'
        '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"'
        ' xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">'
        f'<Styles>{styles}</Styles><Worksheet ss:Name="{name}"><Table>{rows}</Table></Worksheet>{more}</Workbook>'
    ).encode()


def data(kind: str, text: str, attributes: str = "") -> str:
    return f'<Cell {attributes}><Data ss:Type="{kind}">{text}</Data></Cell>'


def test_an_xml_spreadsheet_is_read_by_the_types_it_names() -> None:
    styles = '<Style ss:ID="zip"><NumberFormat ss:Format="00000"/></Style><Style ss:ID="child" ss:Parent="zip"/>'
    rows = (
        "<Row>" + "".join(data("String", text) for text in ("id", "name", "born", "at", "ok")) + "</Row>"
        "<Row>"
        + data("Number", "1.50")
        + data("String", "Ann &amp; Co")
        + data("DateTime", "2024-02-29T00:00:00.000")
        + data("DateTime", "1899-12-31T08:30:00.000")
        + data("Boolean", "1")
        + "</Row>"
        '<Row ss:Index="5">'
        + data("Number", "2035", 'ss:StyleID="zip"')
        + data("Error", "#N/A", 'ss:Index="3"')
        + "</Row>"
        "<Row>" + data("String", "wide", 'ss:MergeAcross="1"') + data("Number", "7", 'ss:StyleID="child"') + "</Row>"
    )
    assert rows_of(xml_book(rows, styles)) == [
        ["id", "name", "born", "at", "ok"],
        ["1.5", "Ann & Co", "2024-02-29", "08:30:00", "TRUE"],
        ["02035", "", "#N/A"],
        ["wide", "", "00007"],
    ]
    assert rows_of(xml_book(rows, styles).decode().encode("utf-16")) == rows_of(xml_book(rows, styles))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *((name, "45351.5") for name in ("Percent", "Fixed", "Currency", "Scientific", "Standard", "General Number")),
        *((name, "2024-02-29T12:00:00") for name in ("Short Date", "General Date", "Medium Time")),
    ],
)
def test_formats_that_an_xml_spreadsheet_names(name: str, text: str) -> None:
    style = f'<Style ss:ID="s"><NumberFormat ss:Format="{name}"/></Style>'
    assert rows_of(xml_book("<Row>" + data("Number", "45351.5", 'ss:StyleID="s"') + "</Row>", style)) == [[text]]


def test_sheets_and_hidden_rows_of_an_xml_spreadsheet() -> None:
    hidden = (
        '<Worksheet ss:Name="Old"><Table><Row>' + data("String", "x") + "</Row></Table>"
        "<WorksheetOptions><Visible>SheetHidden</Visible></WorksheetOptions></Worksheet>"
    )
    rows = (
        '<Column ss:Index="2" ss:Hidden="1"/>'
        "<Row>" + data("String", "a") + data("String", "b") + data("String", "c") + "</Row>"
        '<Row ss:Hidden="1">' + data("String", "no") + "</Row>"
    )
    body = xml_book(rows, more=hidden)
    reader = open_file(MemorySource(body))
    assert reader.detected.sheets == ("People", "Old")
    assert reader.detected.notes == ("1 hidden column left out.",)
    assert rows_of(body) == [["a", "c"]]
    assert rows_of(body, Options(sheet="Old")) == [["x"]]


# JSON text sequences


@pytest.mark.parametrize(
    "body",
    [
        b'\x1e{"id":1,"name":"Ann"}\n\x1e{"id":2,"name":"Bob"}\n',
        b'\x1e{\n "id": 1,\n "name": "Ann"\n}\n\x1e{\n "id": 2,\n "name": "Bob"\n}\n',
        b'\x1e{"id":1,"name":"Ann"}\x1e{"id":2,"name":"Bob"}',
    ],
)
def test_a_json_text_sequence_is_its_values(body: bytes) -> None:
    assert rows_of(body) == [["id", "name"], ["1", "Ann"], ["2", "Bob"]]
    assert rows_of(gzip.compress(body)) == [["id", "name"], ["1", "Ann"], ["2", "Bob"]]
