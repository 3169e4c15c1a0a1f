"""The heading record, over files that were labelled by hand before the judge was written, and over made ones."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from douane.errors import BadFile, BadRequest
from douane.sheet.formats import Detected, Options, open_file
from douane.sheet.heading import heading_of
from tests.sheet.formats.reading import MemorySource, batches
from tests.sheet.formats.workbooks import parts, sheet, zipped
from tests.sheet.heading_files import made

ROOT = Path(__file__).parents[2]
CORPUS = Path(os.environ.get("DOUANE_SHARED") or ROOT.parent / "shared") / "corpus"
PROGRAMS = ROOT / "tests/data/headings-of-programs.txt"
LABELS = Path(__file__).parent / "heading_corpus.tsv"
SHARE = 0.97
MADE = list(made())


def detected(data: bytes, options: Options = Options()) -> Detected:
    return open_file(MemorySource(data), options).detected


def as_csv(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def as_workbook(rows: list[list[str]]) -> bytes:
    letters = "ABCDEFGHIJ"
    lines = []
    for number, row in enumerate(rows, 1):
        cells = "".join(
            f'<c r="{letters[at]}{number}" t="inlineStr"><is><t>{text.replace("&", "&amp;")}</t></is></c>'
            for at, text in enumerate(row)
            if text
        )
        lines.append(f'<row r="{number}">{cells}</row>')
    return zipped(parts(sheet("".join(lines))))


def line_of(data: bytes, options: Options) -> str:
    """The line of the heading record, as the labels have it."""
    reader = open_file(MemorySource(data), options)
    row = reader.detected.header_row
    if row is None:
        return "none"
    lines: list[int] = []
    for batch in batches(reader):
        lines += batch.frame["_line"].head(row + 1).to_list()
        if len(lines) > row:
            break
    return str(lines[row])


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.exists() and not os.environ.get("CI"), reason="the shared corpus is not here")
def test_the_shared_files_have_their_headings_where_people_see_them() -> None:
    with LABELS.open(newline="") as listing:
        labels = list(csv.DictReader(listing, delimiter="\t"))
    assert len(labels) >= 150
    wrong = []
    for label in labels:
        options = Options(sheet=int(label["sheet"]) if label["sheet"] else None)
        found = line_of((CORPUS / label["path"]).read_bytes(), options)
        if found != label["headings"]:
            wrong.append((label["path"], label["headings"], found))
    print(*wrong, sep="\n")
    assert len(wrong) <= (1 - SHARE) * len(labels)


def of_programs() -> Iterator[tuple[str, str, str, tuple[str, ...] | None]]:
    """(name, text, line of the headings, the headings where two rows are joined)"""
    blocks = re.split(r"(?m)^=== ", PROGRAMS.read_text())[1:]
    for block in blocks:
        title, _, text = block.partition("\n")
        name, _, joined = title.partition(": ")
        lines = text.split("\n")
        at = next((number for number, line in enumerate(lines, 1) if line.startswith(">>>")), "none")
        plain = "\n".join(line[3:] if line[:3] in (">>>", "+++") else line for line in lines)
        yield name, plain, str(at), tuple(joined.split(" | ")) if joined else None


def test_files_of_programs_have_their_headings_where_people_see_them() -> None:
    files = list(of_programs())
    assert len(files) >= 100
    wrong = []
    for name, text, line, joined in files:
        found = line_of(text.encode(), Options())
        if found != line or (joined and detected(text.encode()).headings != joined):
            wrong.append((name, line, found))
    print(*wrong, sep="\n")
    assert len(wrong) <= (1 - SHARE) * len(files)


def test_made_files_have_their_headings_where_they_were_put() -> None:
    assert len(MADE) >= 150
    wrong = []
    for one in MADE:
        found = heading_of(one.rows)
        if (found.row, found.texts) != (one.headings, one.texts):
            wrong.append((one.name, found))
    assert wrong == []


@pytest.mark.parametrize("write", [as_csv, as_workbook])
def test_every_format_is_judged_alike(write: object) -> None:
    assert callable(write)
    wrong = []
    for one in MADE:
        if one.name.startswith("row names") or one.name.startswith("row numbers"):
            continue  # in a workbook no record is a cell short
        found = detected(write(one.rows))
        if found.header_row != one.headings:
            wrong.append((one.name, found))
    assert wrong == []


@pytest.mark.parametrize(
    ("body", "shifted"),
    [
        (b'"name"\t"age"\t"note"\n"1"\t"Ann"\t30\t""\n"2"\t"Bob"\t41\t""\n', True),
        (b'"name" "age" "note"\n"1" "Ann" 30 ""\n"2" "Bob" 41 "x"\n"3" "Cid" 17 ""\n', True),
        (b"id\tname\n1\tbolt\t\n2\tnut\t\n", False),
        (b"code\tname\n7\tbolt\t\n8\tnut\t\n", False),
        (b"code,name\n1,bolt,\n2,nut,\n3,saw,\n", False),
    ],
)
def test_an_empty_last_column_behind_numbered_rows(body: bytes, shifted: bool) -> None:
    assert (detected(body).headings[0] == "") is shifted


def test_a_short_heading_line_leaves_the_row_names_without_one() -> None:
    found = detected(b'"name"\t"age"\n"1"\t"Ann"\t30\n"2"\t"Bob"\t41\n')
    assert (found.header_row, found.headings, found.width) == (0, ("", "name", "age"), 3)
    assert found.notes == ("The heading line is one cell short: the first column, of row names, has no heading.",)


@pytest.mark.parametrize("delimiter", [" ", "\t", ","])
def test_few_names_of_rows_are_believed_where_programs_write_them(delimiter: str) -> None:
    rows = [["mpg", "cyl"], ["Mazda RX4", "21", "6"], ["Datsun 710", "22.8", "4"], ["Valiant", "18.1", "6"]]
    body = "".join(delimiter.join(f'"{text}"' for text in row) + "\n" for row in rows)
    assert detected(body.encode()).headings == (("mpg", "cyl") if delimiter == "," else ("", "mpg", "cyl"))


@pytest.mark.parametrize(
    "body",
    [
        b"a,b\n1,2,\n3,4,\n",  # a delimiter at each line's end
        b"a,b\n1,2,3\n1,2,4\n",  # the first column names nothing
        b"a,b\n1,2,3\n4,5\n",
    ],
)
def test_headings_are_not_shifted_without_proof(body: bytes) -> None:
    assert detected(body).headings == ("a", "b")


def test_what_stands_above_is_said() -> None:
    found = detected(b"A report\n\nfoo,bar\n1,2\n3,4\n")
    assert found.header_row == 1
    assert found.notes == ("The table begins on line 3. The record above it is left out.",)


def test_two_rows_of_headings_are_joined() -> None:
    rows = [["", "Q1", "", "Q2", ""], ["Name", "plan", "real", "plan", "real"], ["a", "1", "2", "3", "4"], ["b", "5"]]
    found = detected(as_workbook(rows))
    assert (found.header_row, found.headings) == (1, ("Name", "Q1 plan", "Q1 real", "Q2 plan", "Q2 real"))
    assert found.notes == ("Two rows of headings, on lines 1 and 2, are joined.",)


def test_a_second_table_and_repeated_headings_are_said() -> None:
    again = detected(b"a,b\n1,2\n3,4\na,b\n5,6\n")
    assert again.notes == ("The headings stand again on line 4; there they are read as data.",)
    second = detected(b"name,qty\nAnn,2\nBob,4\n\nplace,total\nRome,6\nOslo,7\n")
    assert second.notes == (
        "From line 5 on, a second table seems to follow; its records are read as those of the first one.",
    )
    assert detected(b"name,qty\nAnn,2\nBob,n/a\nIda,4\n").notes == ()


@pytest.mark.parametrize("write", [as_csv, as_workbook])
def test_a_person_names_the_line_of_the_headings(write: object) -> None:
    assert callable(write)
    data = write([["x", "y"], ["a", "b"], ["1", "2"]])
    assert detected(data).header_row == 0
    named = detected(data, Options(header=2))
    assert (named.header_row, named.headings) == (1, ("a", "b"))
    assert detected(data, Options(header=0)).header_row is None
    with pytest.raises(BadFile, match="line 4"):
        detected(data, Options(header=4))


def test_objects_name_their_columns_themselves() -> None:
    assert detected(b'[{"a": 1}, {"b": 2}]').headings == ("a", "b")
    with pytest.raises(BadRequest):
        detected(b'[{"a": 1}]', Options(header=1))


def test_titles_apart_from_a_table_of_two_columns() -> None:
    bank = b"Umsatz;Girokonto\nZeitraum;01.02.2026\nKonto;DE12\n\nMonat;Betrag\nJan;100\nFeb;200\nApr;40\nMai;7\n"
    assert detected(bank).headings == ("Monat", "Betrag")
    two = detected(b"name,qty\nAnn,2\nBob,4\n\nplace,total\nRome,6\nOslo,7\nBern,8\nBonn,9\n")
    assert two.headings == ("name", "qty")


def test_the_templates_names_decide_where_the_records_do_not() -> None:
    data = b"Bearer list,exported by Ann\nBearer,Seat\nBob,Rome\nCid,Oslo\nDan,Bonn\n"
    assert detected(data).header_row == 0
    known = detected(data, Options(wanted=("bearer", "Seat", "zip")))
    assert (known.header_row, known.headings) == (1, ("Bearer", "Seat"))
    assert known.notes == ("The table begins on line 2. The record above it is left out.",)
    other = b"Name of list,exported by Ann\nName,City\nBob,Rome\nCid,Oslo\nDan,Bonn\n"
    abroad = detected(other, Options(wanted=("full_name", "Stadt")))
    assert abroad.headings == ("Name", "City")
    # One word alone is chance, and a record that feeds something stays.
    assert detected(data, Options(wanted=("rome", "zip"))).header_row == 0
    assert detected(b"Name,x\nName,City\nBob,Rome\n", Options(wanted=("name", "city"))).header_row == 0


def test_many_columns_are_judged_too() -> None:
    rows = [[f"column {at}" for at in range(16_384)], *([str(at) for at in range(16_384)] for _ in range(60))]
    assert heading_of(rows).row == 0


@pytest.mark.parametrize(
    ("body", "headings"),
    [
        # A bank's lines above a table in which nothing is measured, one of them as wide as it.
        (
            "Export;3.5.\n\nIBAN;DE\nSaldo;1.234,56;EUR\n\nName;Ort;Art\nA;x;p\nB;y;q\nC;z;p\nA;z;q\n",
            "Name Ort Art",
        ),
        ("Kunde;Blum;\nSaldo;1 204,10;\n;;\nName;Ort;Art\nA;x;p\nB;y;q\nC;z;p\nA;z;q\n", "Name Ort Art"),
        ("Firma;Blum\nStand:;05/2026\n\nCode;Wort\nA;x\nB;y\nC;z\nD;u\nE;v\nF;w\nG;t\n", "Code Wort"),
        ("Bericht; erstellt am Montag; Halle 2\nName;Ort;Art\nA;x;p\nB;y;q\nC;z;p\n", "Name Ort Art"),
        # One column, and letters or numbers over the columns.
        ("Verteiler Mai\nAdresse\na@example.org\nb@example.org\nc@example.org\n", "Adresse"),
        ("1;2;3\nName;Ort;Art\nA;x;p\nB;y;q\nC;z;p\n", "Name Ort Art"),
        ("A;B\nName;Alter\nAnn;31\nBob;42\nCid;17\n", "Name Alter"),
        ("Preisliste;Mai 2026\nArtikel;Preis\nHut;1,50\nTuch;2,50\nBand;3,75\n", "Artikel Preis"),
        # What looks like it and is not.
        ("x; y\n--;--\n1; Ann\n2; Bob\n", "x| y"),
        ("Name;Ort;Art\n\nA;x;p\nB;y;q\nC;z;p\nA;z;q\n", "Name Ort Art"),
        ("Name; Ort; Art\nA;x;p\nB;y;q\nC;z;p\n", "Name| Ort| Art"),
        ("Name;Ort\nA;x 1\n\nB;y 2\n\nC;z 3\n\nD;u 4\n\nE;v 5\n", "Name Ort"),
        ("Name;Test 2\nAnn;krank\nBob;42\nCid;17\nDan;5\n", "Name|Test 2"),
        ("Ort\nBonn\na@example.org\nb@example.org\n", "Ort"),
        ("Code;Ort\nP7;Rom\nP8;Bonn\nP9;Oslo\nP10;Rom\nP11;Bonn\n", "Code Ort"),
    ],
)
def test_what_stands_above_a_table_is_told_from_it(body: str, headings: str) -> None:
    assert detected(body.encode()).headings == tuple(headings.split("|" if "|" in headings else " "))


@pytest.mark.parametrize(
    ("body", "headings"),
    [
        # Many `name;value` lines over a short table of two columns.
        (
            "Model,M4\nFirmware,1.4\nType,ANALOG\nFormat,Y\nUnit,s\nScale,4e-8\nStep,4e-10\nLength,50\n,\n"
            "TIME,CH1\n-2,0.02\n-1,0.04\n0,0.02\n1,0.06\n",
            "TIME CH1",
        ),
        # Comments are prose: their blanks are no delimiters, and neither are the colons of clocks.
        (
            "#\n# Pages and screens: path\n# of all users\n# from 1 May on\n#\n#\npath,views\n/,4\n/a,3\n/b,9\n",
            "path views",
        ),
        ("#Fields: day time verb\n1 00:00:00 GET\n2 00:10:00 GET\n3 00:20:00 PUT\n", "day time verb"),
        ("#fields\tts\tport\n1.5\t80\n2.5\t81\n3.5\t82\n", "ts port"),
        # Days across the top, running numbers over numbers under a title of some cells.
        (
            "Name;01.11.2026;02.11.2026;03.11.2026\nKurz;F;S;S\nOst;S;F;x\nBerg;x;x;N\n",
            "Name 01.11.2026 02.11.2026 03.11.2026",
        ),
        ("Mode;Light\nWave;450;nm\nWell;1;2;3\nA1;0,1;0,2;0,3\nA2;0,2;0,4;0,9\nA3;0,3;0,8;0,7\n", "Well 1 2 3"),
        # Words of headings, where nothing is measured.
        ("Customers,as of May\nName,City\nBob,Rome\nCid,Oslo\nDan,Bonn\n", "Name City"),
        ("Adressen,Kreis Nord\nNachname,Ort\nBlum,Rom\nKurz,Oslo\nOst,Bonn\n", "Nachname Ort"),
        ("Bearer,Place\nBlum,Rom\nKurz,Oslo\nOst,Bonn\n", "Bearer Place"),
        # A line says that the data begins; a column is empty in the first records, the lines above are a table too.
        (
            "Kind\t2\nRate\t4\t4\nDay\t2026/03/11\t2026/03/11\nX0\t0.0\t0.0\nStep\t0.1\t0.1\n***End_of_Header***\n"
            "X\tU\tP\tComment\n0.0\t1.2\t3.1\n0.1\t1.3\t3.2\n0.2\t1.2\t3.1\n",
            "X U P Comment",
        ),
        ("Chip,7,9\nGain,1,2\n[Results]\nWell,Ct,Mean\nA1,18.2,18\nA2,18.4,18\nA3,19,19\n", "Well Ct Mean"),
        # Columns that come again and again have no names of their own.
        (
            "Ort;Zahl;Anteil;Name;Stimmen\nAu;645;501;Kurz;120;Ost;200;Berg;170\nEgg;1213;900;Kurz;300;Ost;280;Berg;30\n"
            "Rum;801;600;Kurz;190;Ost;200;Berg;20\n",
            "Ort Zahl Anteil Name Stimmen",
        ),
        # Answers under a question, where it alone leaves columns open.
        (
            "id,day,Which?,,,Other\n,,Bus,Tram,Car,open\n1,2026-05-01,Bus,,,\n2,2026-05-02,,Tram,Car,late\n"
            "3,2026-05-03,Bus,Tram,,\n",
            "id|day|Which? Bus|Which? Tram|Which? Car|Other open",
        ),
    ],
)
def test_what_programs_write_above_a_table(body: str, headings: str) -> None:
    assert detected(body.encode()).headings == tuple(headings.split("|" if "|" in headings else " "))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("time,roll,mode\nus,rad,\n1,0.5,A\n2,0.6,A\n3,0.7,B\n", "What line 2 says of the columns"),
        (
            "Q1,Q2,Q3\nHow old?,How often?,Why?\nX1,X2,X3\n31,2,so\n42,5,no\n17,1,x\n",
            "What lines 2 to 3 say of the columns",
        ),
        ("Name,Town\n-----,-----\nAnn,Rome\nBob,Oslo\nCid,Bonn\n", "What line 2 says of the columns"),
        ("Name;Kod;Liczba\n1;2;3\nAnn;kg;4\nBob;kg;5\nCid;l;6\n", "What line 2 says of the columns"),
    ],
)
def test_records_that_say_more_of_the_columns_are_told(body: str, said: str) -> None:
    found = detected(body.encode())
    assert found.header_row == 0
    assert [note.partition(" (")[0] for note in found.notes] == [said]


@pytest.mark.parametrize(
    "body",
    [
        "name,qty\nBob,n/a\nIda,4\nDan,5\n",
        "a,b\nx,y\n1,u\n2,v\n3,w\n",
        "a,b,c\n1,2,3\n4,5,6\n7,8,9\n",
        "a,b,c\n1,2,3\nx y,5,6\n7,8,9\n",
    ],
)
def test_a_record_is_no_description_without_proof(body: str) -> None:
    assert not any("says of" in note for note in detected(body.encode()).notes)


def test_a_series_of_numbers_has_no_headings() -> None:
    body = b"P-100;Ann;Rome\nP-101;Bob;Oslo\nP-102;Cid;Bonn\nP-103;Dan;Bern\nP-104;Eve;Riga\n"
    assert detected(body).header_row is None
    assert detected(b"Spectrum of May\n>>>>>Begin Data<<<<<\n1,2\n3,4\n5,6\n7,8\n").header_row is None
    title = b"Report;Berg;May\n" + b"1;2;3;4;5;6;7;8\n" * 4
    assert detected(title).header_row is None
