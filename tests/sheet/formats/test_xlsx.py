from __future__ import annotations

import dataclasses
import io
import json
from datetime import date, datetime, time

import numpy as np
import openpyxl
import polars as pl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from douane.errors import BadFile, OverLimit
from douane.sheet.formats import (
    FLAG_OVERLONG,
    KIND_BOOLEAN,
    KIND_DATE,
    KIND_DATETIME,
    KIND_ERROR,
    KIND_NUMBER,
    KIND_TEXT,
    KIND_TIME,
    Fact,
    Limits,
    Options,
    sheet_names,
    sheet_xml,
    xlsx,
)
from douane.sheet.formats.merged_cells import covered, ranges_of
from douane.sheet.formats.sheet_xml import careful_cells, fast_cells
from douane.sheet.native import workbooks
from tests.sheet.formats.reading import MemorySource, batches
from tests.sheet.formats.workbooks import MAIN, book, parts, sheet, zipped
from tests.sheet.kernel import built, reading_with

Rows = list[list[str | None]]


def read(data: bytes, options: Options = Options()) -> pl.DataFrame:
    return pl.concat([b.frame for b in batches(xlsx.open(MemorySource(data), options))], how="diagonal")


def cells(data: bytes, options: Options = Options()) -> Rows:
    frame = read(data, options)
    return [list(r) for r in frame.select(pl.col("^c[0-9]+$")).rows()]


def kinds(data: bytes) -> list[list[int]]:
    return [list(r) for r in read(data).select(pl.col("^k[0-9]+$")).rows()]


def refusal(data: bytes, options: Options = Options()) -> BadFile:
    with pytest.raises(BadFile) as caught:
        read(data, options)
    return caught.value


# What cells become


def test_each_kind_of_cell_is_its_shortest_exact_text() -> None:
    data = book(
        '<row r="1"><c r="A1"><v>42</v></c><c r="B1" t="n"><v>1.1000000000000001</v></c>'
        '<c r="C1" t="s"><v>0</v></c><c r="D1" t="str"><f>A1&amp;"x"</f><v>42x</v></c>'
        '<c r="E1" t="inlineStr"><is><t>00123</t></is></c><c r="F1" t="b"><v>1</v></c><c r="G1" t="e"><v>#N/A</v></c>'
        '<c r="H1" s="1"><v>45351</v></c><c r="I1" s="2"><v>45351.354166666664</v></c>'
        '<c r="J1" s="3"><v>0.3541666667</v></c>'
        '<c r="K1" s="4"><v>1.25</v></c><c r="L1" s="5"><v>123</v></c><c r="M1" t="d">'
        "<v>2024-02-29T08:30:00</v></c></row>",
        shared="<si><t>shared</t></si>",
        formats=("dd/mm/yyyy", "yyyy\\-mm\\-dd hh:mm", "h:mm AM/PM", "[h]:mm:ss", "00000"),
    )
    assert cells(data) == [
        ["42", "1.1", "shared", "42x", "00123", "TRUE", "#N/A", "2024-02-29", "2024-02-29T08:30:00", "08:30:00"]
        + ["30:00:00", "00123", "2024-02-29T08:30:00"]
    ]
    text, number, moment = KIND_TEXT, KIND_NUMBER, KIND_DATETIME
    assert kinds(data) == [
        [number, number, text, text, text, KIND_BOOLEAN, KIND_ERROR, KIND_DATE, moment, KIND_TIME, KIND_TIME, number]
        + [moment]
    ]


def test_rich_text_is_joined_and_reading_aids_are_left_out() -> None:
    rich = (
        "<si><r><t>one </t></r><r><rPr><b/></rPr><t>two</t></r><rPh sb='0' eb='1'><t>ワン</t></rPh><phoneticPr/></si>"
    )
    data = book(
        '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="s"><v>2</v></c>'
        '<c r="D1" t="inlineStr"><is><r><t>in</t></r><r><t>line</t></r></is></c></row>',
        shared=rich + '<si><t xml:space="preserve"> kept </t></si><si><t>a &amp; b &lt;c&gt; &#233;</t></si>',
    )
    assert cells(data) == [["one two", " kept ", "a & b <c> é", "inline"]]


def test_escapes_stand_for_the_characters_that_xml_cannot_hold() -> None:
    data = book(
        '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="str"><v>a_x000D_b_x005F_x000D_</v></c>'
        '<c r="C1" t="str"><v>_xD83D__xDE00_ _xD83D_</v></c></row>',
        shared="<si><t>line_x000D_\nend</t></si>",
    )
    assert cells(data) == [["line\r\nend", "a\rb_x000D_", "\U0001f600 _xD83D_"]]


def test_formulas_without_a_result_are_empty() -> None:
    data = book(
        '<row r="1"><c r="A1"><f>1+1</f></c><c r="B1"><f>1+1</f><v></v></c><c r="C1">'
        '<f t="shared" si="0"/><v>2</v></c></row>'
    )
    assert cells(data) == [["", "", "2"]]


def test_trailing_empty_cells_are_absent_and_inner_ones_empty() -> None:
    data = book(
        '<row r="1"><c r="A1"><v>1</v></c><c r="C1"><v>3</v></c></row>'
        '<row r="2"><c r="A2"><v>1</v></c><c r="B2" s="0"/><c r="C2" t="str"><v></v></c></row>'
        '<row r="3"><c r="B3"><v>2</v></c></row>'
    )
    assert cells(data) == [["1", "", "3"], ["1", None, None], ["", "2", None]]


def test_a_shared_text_that_is_not_there_is_an_error_cell() -> None:
    data = book(
        '<row r="1"><c r="A1" t="s"><v>4294967295</v></c><c r="B1" t="s"><v>-1</v></c>'
        '<c r="C1" t="s"><v>0</v></c></row>',
        shared="<si><t>ok</t></si>",
    )
    assert cells(data) == [["#REF!", "#REF!", "ok"]]
    assert kinds(data) == [[KIND_ERROR, KIND_ERROR, KIND_TEXT]]


def test_the_1904_calendar() -> None:
    rows = '<row r="1"><c r="A1" s="1"><v>0</v></c><c r="B1" s="1"><v>43889</v></c></row>'
    later = '<ext><x15:workbookPr xmlns:x15="urn:x" chartTrackingRefBase="1"/></ext>'
    data = book(rows, formats=("yyyy-mm-dd",), properties='<workbookPr date1904="1"/>' + later)
    assert cells(data) == [["1904-01-01", "2024-02-29"]]


# Rows and columns


def test_lines_are_the_sheets_rows_and_blank_ones_are_counted() -> None:
    data = book(
        '<row r="2"><c r="A2"><v>1</v></c></row><row r="3"/><row r="4"><c r="A4" s="0"/></row>'
        '<row r="7"><c r="A7"><v>2</v></c></row><row><c><v>3</v></c><c><v>4</v></c></row>'
    )
    found = list(batches(xlsx.open(MemorySource(data))))
    assert [b.frame["_line"].to_list() for b in found] == [[2, 7, 8]]
    assert [b.blank for b in found] == [5]
    assert cells(data) == [["1", None], ["2", None], ["3", "4"]]


def test_hidden_rows_and_columns_are_left_out_and_said_so() -> None:
    rows = "".join(
        f'<row r="{r}"{" hidden=" + chr(34) + "1" + chr(34) if r == 2 else ""}>'
        + "".join(f'<c r="{c}{r}"><v>{r}{i}</v></c>' for i, c in enumerate("ABCD"))
        + "</row>"
        for r in (1, 2, 3)
    )
    data = book(rows, before='<cols><col min="2" max="3" hidden="1"/><col min="3" max="3" hidden="true"/></cols>')
    assert cells(data) == [["10", "13"], ["30", "33"]]
    reader = xlsx.open(MemorySource(data))
    assert reader.detected.notes == ("2 hidden columns left out.",)
    [batch] = batches(reader)
    assert (batch.blank, batch.facts) == (0, (Fact("hidden_rows", 1, (2,)),))


def test_a_far_cell_standing_alone_is_surplus_and_makes_nothing_wide() -> None:
    data = book(
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="B1048576"><v>2</v></c>'
        '<c r="XFD1048576"><v>3</v></c></row>',
        before='<dimension ref="A1:XFD1048576"/>',
    )
    frame = read(data)
    assert frame.columns == ["c0", "k0", "_line", "_flags", "_extra"]
    assert frame["c0"].to_list() == ["1", ""]
    assert [json.loads(e) if e else None for e in frame["_extra"]] == [None, ["2", "3"]]


def test_a_row_wider_than_the_sample_has_surplus_cells() -> None:
    rows = "".join(f'<row r="{r}"><c r="A{r}"><v>{r}</v></c></row>' for r in range(1, 1001))
    data = book(
        rows + '<row r="1001"><c r="A1001"><v>1</v></c><c r="B1001"><v>2</v></c><c r="D1001"><v>4</v></c></row>'
    )
    frame = read(data)
    assert frame["_extra"].drop_nulls().to_list() == ['["2", "4"]']


def test_pieces_are_the_same_every_time_and_can_be_resumed() -> None:
    rows = "".join(
        f'<row r="{2 * r}"><c r="A{2 * r}" t="str"><v>{"x" * (r % 50)}{r}</v></c><c r="B{2 * r}"><v>{r}</v></c></row>'
        for r in range(1, 3001)
    )
    reader = xlsx.open(MemorySource(book(rows)), Options(piece_bytes=20_000))
    whole = list(batches(reader))
    assert len(whole) > 5
    assert sum(b.frame.height for b in whole) == 3000
    assert sum(b.blank for b in whole) == 3000
    assert whole[-1].bytes_done == len(book(rows))
    for number in (1, 3, len(whole) - 1):
        again = list(batches(reader, whole[number - 1].next))
        assert all(
            a.frame.equals(b.frame) and a.next == b.next and a.blank == b.blank
            for a, b in zip(again, whole[number:], strict=True)
        )


def test_shared_texts_count_each_time_they_are_used() -> None:
    rows = "".join(f'<row r="{r}"><c r="A{r}" t="s"><v>0</v></c></row>' for r in range(1, 2001))
    data = book(rows, shared=f"<si><t>{'long ' * 2000}</t></si>")
    sizes = [
        b.frame["c0"].str.len_bytes().sum()
        for b in batches(xlsx.open(MemorySource(data), Options(piece_bytes=1 << 20)))
    ]
    assert sum(sizes) == 2000 * 10_000
    assert max(sizes) <= 1 << 20


# Sheets


def three_sheets() -> bytes:
    one = sheet('<row r="1"><c r="A1" t="str"><v>%s</v></c></row>')
    return zipped(
        parts(
            *(one % n for n in ("very", "secret", "first", "helper", "second")),
            names=("Very", "Secret", "First", "imp_colour", "Second"),
            states=("veryHidden", "hidden", "visible", "visible", "visible"),
        )
    )


def test_sheets_are_offered_visible_ones_first() -> None:
    data = three_sheets()
    assert xlsx.sheet_names(MemorySource(data)) == ("First", "Second", "Secret")
    assert cells(data) == [["first"]]
    assert cells(data, Options(sheet=1)) == [["second"]]
    assert cells(data, Options(sheet="Secret")) == [["secret"]]
    assert cells(data, Options(sheet="imp_colour")) == [["helper"]]
    assert cells(data, Options(sheet=" second ")) == [["second"]]


@pytest.mark.parametrize("wanted", ["Third", 3, -1])
def test_an_unknown_sheet_is_refused_with_the_names_there_are(wanted: str | int) -> None:
    error = refusal(three_sheets(), Options(sheet=wanted))
    assert error.code == "sheet_unknown"
    assert "“First”, “Second”, “Secret”" in str(error)


def test_sheets_can_be_chosen_where_the_first_one_is_empty() -> None:
    data = zipped(parts(sheet(""), sheet('<row r="1"><c r="A1"><v>1</v></c></row>'), names=("None", "Some")))
    assert sheet_names(MemorySource(data)) == ("None", "Some")
    assert sheet_names(MemorySource(b"a,b\n1,2\n")) == ()
    assert cells(data, Options(sheet="Some")) == [["1"]]


def test_an_empty_sheet_is_refused_as_empty() -> None:
    assert refusal(book("")).code == "file_empty"
    assert refusal(zipped(parts(f'<worksheet xmlns="{MAIN}"><sheetData/></worksheet>'))).code == "file_empty"
    assert refusal(zipped(parts(f'<worksheet xmlns="{MAIN}"/>'))).code == "file_empty"


# The package


def test_odd_but_legal_packages_are_read() -> None:
    plain = parts(sheet('<row r="1"><c r="A1" t="s"><v>0</v></c></row>'), shared="<si><t>here</t></si>")
    capital = {k.replace("sharedStrings.xml", "SharedStrings.xml"): v for k, v in plain.items()}
    absolute = {k: str(v).replace('Target="worksheets', 'Target="/xl/worksheets') for k, v in plain.items()}
    windows = {k: str(v).replace('Target="worksheets/', 'Target="worksheets\\') for k, v in plain.items()}
    lost = {k: v for k, v in plain.items() if k != "xl/_rels/workbook.xml.rels" and k != "_rels/.rels"}
    strict = {k: str(v).replace("schemas.openxmlformats.org", "purl.oclc.org/ooxml") for k, v in plain.items()}
    utf16 = plain | {"xl/worksheets/sheet1.xml": str(plain["xl/worksheets/sheet1.xml"]).encode("utf-16")}
    latin = plain | {
        "xl/sharedStrings.xml": "<?xml version='1.0' encoding='ISO-8859-1'?><sst><si><t>here</t></si></sst>".encode(
            "latin-1"
        )
    }
    for odd in (capital, absolute, windows, lost, strict, utf16, latin):
        data = zipped(odd)
        assert xlsx.recognise(data[:4096], MemorySource(data))
        assert cells(data) == [["here"]]


def test_prefixed_elements_are_read_by_both_ways() -> None:
    text = (
        f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData><x:row r="1"><x:c r="A1" t="inlineStr"><x:is>'
        f"<x:t>a</x:t></x:is></x:c>"
        '<x:c r="B1"><x:v>2</x:v></x:c></x:row></x:sheetData></x:worksheet>'
    )
    assert cells(zipped(parts(text))) == [["a", "2"]]
    assert cells(zipped(parts(text.replace("<x:v>2", "<x:v><!-- two -->2")))) == [["a", "2"]]


def test_other_zip_files_are_not_ours() -> None:
    for other in (
        zipped({"a.txt": "x"}),
        zipped({"word/document.xml": "<x/>"}),
        zipped({"xl/workbook.bin": b""}),
        b"PK",
    ):
        assert not xlsx.recognise(other[:4096], MemorySource(other))


def test_a_cut_workbook_is_recognised_and_refused() -> None:
    data = book('<row r="1"><c r="A1"><v>1</v></c></row>')
    for end in range(40, len(data), 37):
        cut = data[:end]
        assert refusal(cut).code in ("file_broken", "file_encrypted")
        if b"xl/" in cut:
            assert xlsx.recognise(cut, MemorySource(cut))


def test_a_sheet_that_ends_in_the_middle_is_refused() -> None:
    whole = sheet('<row r="1"><c r="A1"><v>1</v></c></row><row r="2"><c r="A2"><v>1</v></c></row>')
    assert refusal(zipped(parts(whole[: whole.index('<row r="2"') + 12]))).code == "file_broken"
    assert refusal(zipped(parts(whole.replace("</row><row", "</wrong><row")))).code == "file_broken"


# Hostile files


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/workbook.xml", "_rels/.rels"])
def test_document_types_are_refused_in_every_part(part: str) -> None:
    made = parts(sheet('<row r="1"><c r="A1" t="s"><v>0</v></c></row>'), shared="<si><t>x</t></si>")
    doctype = '<!DOCTYPE x [<!ENTITY a "b"><!ENTITY e SYSTEM "file:///etc/hostname">]>'
    text = str(made[part])
    text = text.replace("?>", "?>" + doctype, 1) if "?>" in text else doctype + text
    for evil in (text, text.encode("utf-16")):
        error = refusal(zipped(made | {part: evil}))
        assert error.code == "file_broken"
        assert "document type" in str(error)


def test_undeclared_entities_and_deep_nesting_are_refused() -> None:
    assert refusal(book('<row r="1"><c r="A1" t="str"><v>&x;</v></c></row>')).code == "file_broken"
    deep = "<a>" * 1000 + "</a>" * 1000
    assert "deep" in str(refusal(book(f'<row r="1"><c r="A1">{deep}</c></row>')))


def test_a_column_beyond_the_limit_is_refused_and_the_last_one_is_read() -> None:
    limits = Limits(columns=26)
    assert cells(book('<row r="1"><c r="Z1"><v>1</v></c></row>'), Options(limits=limits)) == [[""] * 25 + ["1"]]
    error = refusal(book('<row r="1"><c r="AA1"><v>1</v></c></row>'), Options(limits=limits))
    assert isinstance(error, OverLimit)
    assert error.setting == "columns"


def test_long_cells_and_records_are_cut_and_flagged() -> None:
    rows = (
        '<row r="1"><c r="A1" t="str"><v>0123456789</v></c></row><row r="2"><c r="A2" t="str">'
        "<v>0123456789é</v></c></row>"
        '<row r="3">' + "".join(f'<c r="{c}3" t="str"><v>12345678</v></c>' for c in "ABCDE") + "</row>"
    )
    frame = read(book(rows), Options(limits=Limits(cell_bytes=10, record_bytes=32)))
    assert frame["_flags"].to_list() == [0, FLAG_OVERLONG, FLAG_OVERLONG]
    assert frame["c0"].to_list() == ["0123456789", "0123456789", "12345678"]
    assert frame.select("c3", "c4").row(2) == ("12345678", None)


def test_unpacking_stops_at_the_limits() -> None:
    data = book('<row r="1"><c r="A1"><v>1</v></c></row>' + "<row/>" * 200_000)
    small = Limits(unpacked_free_bytes=1000, unpacked_ratio=3)
    assert refusal(data, Options(limits=small)).setting == "unpacked_ratio"  # type: ignore[attr-defined]
    assert refusal(data, Options(limits=Limits(entry_bytes=100_000))).setting == "entry_bytes"  # type: ignore[attr-defined]
    assert refusal(data, Options(limits=Limits(unpacked_bytes=100_000))).setting == "unpacked_bytes"  # type: ignore[attr-defined]


def test_a_row_without_end_is_refused() -> None:
    endless = sheet('<row r="1"><c r="A1" t="str"><v>' + "x" * 9_000_000 + "</v></c></row>")
    error = refusal(zipped(parts(endless)), Options(limits=Limits(record_bytes=1 << 20)))
    assert error.code == "over_limit"


# What other programs write


def test_a_workbook_of_xlsxwriter() -> None:
    for memory in (False, True):
        out = io.BytesIO()
        with xlsxwriter.Workbook(out, {"constant_memory": memory, "in_memory": True}) as made:
            page = made.add_worksheet("Data")
            page.write_row(0, 0, ["name", " padded ", "a\nb", "x & y", "naïve"])
            page.write_row(1, 0, [1.5, 1e21, -0.000001234, 123456789012345678, True])
            page.write_datetime(
                2, 0, datetime(2024, 2, 29, 8, 30, 15, 250_000), made.add_format({"num_format": "d.m.yy h:mm"})
            )
            page.write_formula(2, 1, "=1+1", None, 2)
        assert cells(out.getvalue()) == [
            ["name", " padded ", "a\nb", "x & y", "naïve"],
            ["1.5", "1e+21", "-0.000001234", "123456789012345700", "TRUE"],
            ["2024-02-29T08:30:15.250", "2", None, None, None],
        ]


def test_a_workbook_of_openpyxl() -> None:
    made = openpyxl.Workbook()
    page = made.active
    assert page is not None
    page.append(["when", date(2024, 2, 29), datetime(1999, 12, 31, 23, 59, 59), time(8, 30)])
    page.append(["merged", "x", None, 0.1 + 0.2])
    page.merge_cells("A2:C2")
    page.row_dimensions[3].hidden = True
    page.append(["hidden"])
    out = io.BytesIO()
    made.save(out)
    assert cells(out.getvalue()) == [
        ["when", "2024-02-29", "1999-12-31T23:59:59", "08:30:00"],
        ["merged", "", "", "0.3"],
    ]


# The two ways of reading agree


def same(a: sheet_xml.Cells, b: sheet_xml.Cells) -> None:
    for field in dataclasses.fields(sheet_xml.Cells):
        left, right = getattr(a, field.name), getattr(b, field.name)
        assert list(left) == list(right), field.name


TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")) | st.sampled_from("<>&\"'\t\n _x000D_"), max_size=8
)


def escaped(text: str) -> str:
    for raw, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        text = text.replace(raw, entity)
    return text


@st.composite
def any_cell(draw: st.DrawFn, column: int, row: int) -> str:
    letters = "".join(chr(65 + n) for n in ([column] if column < 26 else [column // 26 - 1, column % 26]))
    attributes = draw(
        st.sampled_from(["", ' s="1"', ' s="12" t="n"', ' t="s"', ' t="str"', ' cm="1" t="b"', ' t="odd"'])
    )
    formula = draw(
        st.sampled_from(["", "", "<f>A1</f>", '<f t="shared" si="0"/>', '<f t="array" ref="A1">1&gt;0</f>', "<f/>"])
    )
    text = escaped(draw(TEXT))
    body = draw(
        st.sampled_from(
            [
                f">{formula}<v>{text}</v></c>",
                f">{formula}<v/></c>",
                f">{formula}</c>",
                "/>",
                f"><is><t>{text}</t></is></c>",
                f'><is><t xml:space="preserve">{text}</t></is></c>',
                "><is><t/></is></c>",
                f"><is><r><t>{text}</t></r><r><t>b</t></r></is></c>",
                f"><v><![CDATA[{text.replace(']]>', '')}]]></v></c>",
                f">{formula}<v>{text}</v><extLst/></c>",
            ]
        )
    )
    reference = draw(st.sampled_from([f' r="{letters}{row}"'] * 9 + [""]))
    return f"<c{reference}{attributes}{body}"


@st.composite
def any_rows(draw: st.DrawFn) -> str:
    out = []
    for row in range(1, draw(st.integers(1, 6)) + 1):
        reference = draw(
            st.sampled_from([f' r="{row}"'] * 5 + ["", f' r="{row + 3}" hidden="1"', f' spans="1:3" r="{row}"'])
        )
        columns = draw(st.lists(st.integers(0, 700), max_size=5, unique=True))
        inner = "".join(draw(any_cell(c, row)) for c in sorted(columns))
        out.append(f"<row{reference}>{inner}</row>" if inner or draw(st.booleans()) else f"<row{reference}/>")
    return "".join(out)


@given(any_rows(), st.sampled_from(["", "x:"]))
@settings(max_examples=300, deadline=None)
def test_all_ways_give_the_same_cells(rows: str, prefix: str) -> None:
    block = rows.encode()
    if prefix:
        block = (
            block.replace(b"</", b"</x:").replace(b"<", b"<x:").replace(b"<x:/x:", b"</x:").replace(b"<x:![", b"<![")
        )
    careful = sheet_xml.careful_cells(block, 4)
    fast = sheet_xml.fast_cells(block, prefix, 4)
    if fast is not None:
        same(fast, careful)
    with reading_with(built()):
        same(sheet_xml.cells_of(block, prefix, 4), careful)


def test_the_fast_way_reads_what_common_writers_make() -> None:
    ordinary = (
        b'<row r="1" spans="1:4" x14ac:dyDescent="0.25"><c r="A1" s="1" t="s"><v>0</v></c><c r="B1">'
        b"<f>SUM(A1)</f><v>2</v></c>"
        b'<c r="C1" s="3"/><c r="AB1" t="str"><f t="shared" ref="C1:C9" si="0">"a"&amp;A1</f>'
        b'<v>&lt;b&gt;</v></c></row><row r="2"/>'
        b'<row r="3"><c r="A3" t="inlineStr"><is><t xml:space="preserve"> a </t></is></c></row>'
    )
    fast = sheet_xml.fast_cells(ordinary, "", 0)
    assert fast is not None
    same(fast, sheet_xml.careful_cells(ordinary, 0))
    assert fast.text.to_list() == ["0", "2", "<b>", " a "]
    assert fast.column.tolist() == [0, 1, 27, 0]
    for block in (ordinary, ordinary.replace(b"><", b">\n <")):
        assert workbooks.cells(built(), block, "", 0) is not None
        with reading_with(built()):
            same(sheet_xml.cells_of(block, "", 0), fast)


@pytest.mark.parametrize(
    "odd",
    [
        "<row r='1'><c r='A1'><v>1</v></c></row>",
        '<row r="1"><c><v>1</v></c></row>',
        '<row r="1"><c r="a1"><v>1</v></c></row>',
        '<row r="1"><c r="A1"><v>&#49;</v></c></row>',
        '<row r="1"> <c r="A1"><v>1</v></c></row>',
        '<row r="1"><c r="A1" t="str"><v>1>0</v></c></row>',
        '<row r="1"><c r="A1"><v>1</v></c><!-- </row> --></row>',
        '<row r="1"><c r="A1" t="str"><v>a\rb</v></c></row>',
    ],
)
def test_odd_shapes_go_the_careful_way(odd: str) -> None:
    assert sheet_xml.fast_cells(odd.encode(), "", 0) is None
    assert len(cells(book(odd))) == 1
    with reading_with(built()):
        same(sheet_xml.cells_of(odd.encode(), "", 0), sheet_xml.careful_cells(odd.encode(), 0))


def test_a_row_in_a_cell_is_damage() -> None:
    with pytest.raises(BadFile, match="a row stands in a cell"):
        sheet_xml.careful_cells(b'<row r="1"><c r="A1"><v>1</v><row r="2"></row></c></row>', 0)


def shared(block: str, prefix: str) -> list[str]:
    if prefix:
        block = block.replace("</", f"</{prefix}").replace("<", f"<{prefix}").replace(f"<{prefix}/", "</")
        block = block.replace(f"<{prefix}!", "<!")
    part = f"<{prefix}sst>{block}</{prefix}sst>".encode()
    return [text for run in sheet_xml.shared_texts(iter([part])) for text in run]


PLAIN_ITEM = st.sampled_from(["<si><t>{}</t></si>"] * 4 + ['<si><t xml:space="preserve">{}</t></si>'])
ITEM = PLAIN_ITEM | st.sampled_from(
    [
        "<si><t>{}</t></si>\n",
        "<si><r><t>{0}</t></r><r><t>{0}</t></r></si>",
        "<si><t>{0}</t><rPh><t>{0}</t></rPh></si>",
        "<si><t/></si>",
        "<si/>",
        "<si></si>",
        "<si><t>{}</t><extLst/></si>",
    ]
)


@given(st.lists(PLAIN_ITEM) | st.lists(ITEM), st.lists(TEXT, min_size=1), st.sampled_from(["", "x:"]))
@settings(max_examples=300, deadline=None)
def test_every_way_gives_the_same_shared_texts(items: list[str], texts: list[str], prefix: str) -> None:
    block = "".join(item.format(escaped(texts[i % len(texts)])) for i, item in enumerate(items))
    # With a comment in it a block goes the careful way.
    careful = shared("<!-- -->" + block, prefix)
    assert shared(block, prefix) == careful
    with reading_with(built()):
        assert shared(block, prefix) == careful


def test_rows_are_not_cut_inside_comments_or_cdata() -> None:
    row = (
        '<row r="%d"><c r="A%d" t="str"><v><![CDATA[</row></sheetData>]]>'
        + "y" * 2000
        + "</v></c><!-- </row> --></row>"
    )
    data = book("".join(row % (r, r) for r in range(1, 2501)))
    for kernel in (None, built()):
        with reading_with(kernel):
            frame = read(data)
        assert frame.height == 2500
        assert frame["c0"].str.starts_with("</row></sheetData>y").all()


def test_what_lies_under_merged_cells_is_left_out_and_counted() -> None:
    rows = (
        '<row r="1"><c r="A1"><v>1</v></c><c r="B1"><v>2</v></c><c r="C1"><v>3</v></c></row>'
        '<row r="2"><c r="A2"><v>4</v></c><c r="B2"><v>5</v></c><c r="C2"><v>6</v></c></row>'
        '<row r="3"><c r="A3"><v>7</v></c><c r="B3"><v>8</v></c></row>'
    )
    merged = '<mergeCells count="2"><mergeCell ref="A1:A2"/><mergeCell ref="B3:C3"/></mergeCells>'
    made = parts(sheet(rows).replace("</sheetData>", "</sheetData>" + merged))
    [batch] = batches(xlsx.open(MemorySource(zipped(made))))
    assert batch.frame["c0"].to_list() == ["1", "", "7"]
    assert batch.frame["c1"].to_list() == ["2", "5", "8"]
    assert batch.facts == (Fact("under_merged", 1, (2,)),)


@given(
    cells_at=st.sets(st.tuples(st.integers(0, 6), st.integers(0, 5))),
    ranges=st.lists(st.tuples(*[st.integers(0, 6)] * 4), max_size=5),
)
def test_merged_cells_cover_as_one_by_one(
    cells_at: set[tuple[int, int]], ranges: list[tuple[int, int, int, int]]
) -> None:
    ordered = sorted(cells_at)
    lines = np.array(sorted({r + 1 for r, _ in ordered}), np.uint32)
    row = np.array([np.searchsorted(lines, r + 1) for r, _ in ordered], np.uint32)
    column = np.array([c for _, c in ordered], np.uint32)
    merged = ranges_of(ranges)
    corners = {(top, left) for top, _, left, _ in merged.tolist()}
    expected = [
        (r, c) not in corners and any(t <= r <= b and le <= c <= ri for t, b, le, ri in merged.tolist())
        for r, c in ordered
    ]
    assert covered(lines, row, column, merged).tolist() == expected


@pytest.mark.parametrize(
    ("cell", "count"),
    [
        ('<c r="A2"><f>B1</f></c>', 1),
        ('<c r="A2"><f>B1</f><v></v></c>', 1),
        ('<c r="A2"><f>B1</f><v/></c>', 1),
        ('<c r="A2" t="str"><f>B1</f></c>', 1),
        ('<c r="A2" t="str"><f>B1</f><v></v></c>', 0),  # an empty text is a result
        ('<c r="A2"><f t="shared" si="0"/><v>4</v></c>', 0),
        ('<c r="A2"><f>B1</f><v>0</v></c>', 0),
        ('<c r="A2"/>', 0),
    ],
)
def test_formulas_without_a_stored_result_are_counted(cell: str, count: int) -> None:
    block = f'<row r="1"><c r="A1"><v>1</v></c></row><row r="2">{cell}</row>'.encode()
    fast, careful = fast_cells(block, "", 0), careful_cells(block, 0)
    assert fast is not None
    assert fast.unresolved.tolist() == careful.unresolved.tolist() == [1] * count
    with reading_with(built()):
        assert sheet_xml.cells_of(block, "", 0).unresolved.tolist() == [1] * count


def test_the_content_of_an_inline_text_is_its_text() -> None:
    rows = '<row r="1"><c r="A1" t="inlineStr"><v>1</v><is><t>one</t></is></c></row>'
    assert cells(book(rows)) == [["one"]]
    assert cells(book(rows.replace("<v>1</v><is><t>one</t></is>", "<is><t>one</t></is><v>1</v>"))) == [["one"]]


def test_texts_handed_out_count_like_unpacking() -> None:
    rows = "".join(f'<row r="{r}"><c r="A{r}" t="s"><v>0</v></c></row>' for r in range(1, 200))
    data = book(rows, shared="<si><t>" + "x" * 1000 + "</t></si>")
    limits = Limits(unpacked_free_bytes=150_000, unpacked_ratio=10)
    reader = xlsx.open(MemorySource(data), Options(limits=limits))
    with pytest.raises(OverLimit) as refusal:
        list(batches(reader))
    assert refusal.value.setting == "unpacked_ratio"
    roomy = Limits(unpacked_free_bytes=250_000, unpacked_ratio=10)
    assert len(list(batches(xlsx.open(MemorySource(data), Options(limits=roomy))))) == 1
