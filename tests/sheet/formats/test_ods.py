from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from douane.errors import BadFile, OverLimit
from douane.sheet.formats import (
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
    ods,
)
from tests.sheet.formats.reading import MemorySource, batches
from tests.sheet.formats.workbooks import zipped

DATA = Path(__file__).parent / "data"  # from calamine, see the licence there
SPACES = " ".join(
    f'xmlns:{p}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"'
    for p, n in (
        ("office", "office"),
        ("table", "table"),
        ("text", "text"),
        ("style", "style"),
        ("number", "datastyle"),
    )
)
SPACES += ' xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
TYPE = "application/vnd.oasis.opendocument.spreadsheet"


def book(tables: str, styles: str = "", body: str = "spreadsheet") -> bytes:
    content = (
        f"<office:document-content {SPACES}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:{body}>{tables}</office:{body}></office:body></office:document-content>"
    )
    return zipped({"mimetype": TYPE, "content.xml": content, "META-INF/manifest.xml": "<m/>"})


def flat_book(tables: str, styles: str = "") -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<office:document {SPACES} office:mimetype="{TYPE}">'
        f"<office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document>"
    ).encode()


def table(rows: str, name: str = "S") -> str:
    return f'<table:table table:name="{name}">{rows}</table:table>'


def row(*cells: str, attributes: str = "") -> str:
    return f"<table:table-row {attributes}>{''.join(cells)}</table:table-row>"


def cell(text: str = "", attributes: str = "") -> str:
    return f"<table:table-cell {attributes}>{f'<text:p>{text}</text:p>' if text else ''}</table:table-cell>"


def value(kind: str, name: str, said: str, shown: str = "shown") -> str:
    return cell(shown, f'office:value-type="{kind}" office:{name}="{said}"')


def read(data: bytes, options: Options = Options()) -> pl.DataFrame:
    return pl.concat([b.frame for b in batches(ods.open(MemorySource(data), options))], how="diagonal")


def cells(data: bytes, options: Options = Options()) -> list[list[str | None]]:
    return [list(r) for r in read(data, options).select(pl.col("^c[0-9]+$")).rows()]


def refusal(data: bytes, options: Options = Options()) -> BadFile:
    with pytest.raises(BadFile) as caught:
        read(data, options)
    return caught.value


def test_each_kind_of_cell() -> None:
    data = book(
        table(
            row(
                value("float", "value", "42.0"),
                value("percentage", "value", "0.125", "12.5 %"),
                value("currency", "value", "1234.5", "1.234,50 €"),
                value("date", "date-value", "2024-02-29"),
                value("date", "date-value", "2024-02-29T08:30:00.250000000"),
                value("time", "time-value", "PT08H30M00S"),
                value("time", "time-value", "PT30H00M01.5S"),
                value("time", "time-value", "PT-1H"),
                value("boolean", "boolean-value", "true", "WAHR"),
                cell("00123", 'office:value-type="string"'),
                cell("#N/A", 'office:value-type="string" office:string-value="" calcext:value-type="error"'),
                value("string", "string-value", "said"),
                cell("untyped"),
            )
        )
    )
    assert cells(data) == [
        ["42", "0.125", "1234.5", "2024-02-29", "2024-02-29T08:30:00.250", "08:30:00", "30:00:01.500", "-01:00:00"]
        + ["TRUE", "00123", "#N/A", "said", "untyped"]
    ]
    assert read(data).select(pl.col("^k[0-9]+$")).row(0) == (
        *(KIND_NUMBER, KIND_NUMBER, KIND_NUMBER, KIND_DATE, KIND_DATETIME, KIND_TIME, KIND_TIME, KIND_TIME),
        *(KIND_BOOLEAN, KIND_TEXT, KIND_ERROR, KIND_TEXT, KIND_TEXT),
    )


def test_text_is_what_a_person_reads() -> None:
    inside = "<table:table-cell>{}</table:table-cell>".format
    paragraphs = "<text:p>one <text:span>two</text:span></text:p><text:p>three</text:p>"
    spaces = "\n  a \n b <text:s text:c='2'/>c<text:tab/>d<text:line-break/>e\n "
    # LibreOffice writes the blanks of a cell of two lines as they are, and those of a single line as elements.
    lines = "<text:p> a  b </text:p><text:p>  c  d</text:p>"
    comment = "<office:annotation><text:p>not this</text:p></office:annotation><text:p>this</text:p>"
    data = book(
        table(
            row(
                *map(inside, (paragraphs, f"<text:p>{spaces}</text:p>", lines, comment)),
                cell(
                    "<text:ruby><text:ruby-base>base</text:ruby-base><text:ruby-text>aid</text:ruby-text></text:ruby>"
                ),
            )
        )
    )
    assert cells(data) == [["one two\nthree", "a b   c\td\ne", " a  b \n  c  d", "this", "base"]]


def test_repeats_covers_and_gaps() -> None:
    data = book(
        table(
            row(cell("a", 'table:number-columns-repeated="3"'), cell("", 'table:number-columns-repeated="16380"'))
            + row(cell(), attributes='table:number-rows-repeated="4"')
            + row(
                cell("", 'table:number-columns-repeated="2"'),
                cell("b", 'table:number-columns-spanned="2"'),
                "<table:covered-table-cell><text:p>under</text:p></table:covered-table-cell>",
                attributes='table:number-rows-repeated="2"',
            )
            + row(cell("", 'table:number-columns-repeated="16384"'), attributes='table:number-rows-repeated="1048568"')
        )
    )
    (batch,) = batches(ods.open(MemorySource(data)))
    assert batch.frame["_line"].to_list() == [1, 6, 7]
    assert batch.blank == 4
    assert cells(data) == [["a", "a", "a"], ["", "", "b"], ["", "", "b"]]


def test_hidden_rows_and_columns_are_left_out() -> None:
    columns = '<table:table-column/><table:table-column table:number-columns-repeated="2" table:visibility="collapse"/>'
    rows = row(cell("a"), cell("b"), cell("c"), cell("d")) + row(cell("hidden"), attributes='table:visibility="filter"')
    data = book(table(columns + rows + row(cell("e"))))
    assert cells(data) == [["a", "d"], ["e", None]]
    reader = ods.open(MemorySource(data))
    assert reader.detected.notes == ("2 hidden columns left out.",)
    [batch] = batches(reader)
    assert (batch.blank, batch.facts) == (0, (Fact("hidden_rows", 1, (2,)),))


def test_sheets_visible_ones_first() -> None:
    hidden = '<style:style style:name="ta2"><style:table-properties table:display="false"/></style:style>'
    tables = '<table:table table:name="H" table:style-name="ta2">' + row(cell("h")) + "</table:table>"
    data = book(tables + table(row(cell("v")), "V") + table(row(cell("i")), "imp_x"), hidden)
    assert ods.sheet_names(MemorySource(data)) == ("V", "H")
    assert cells(data) == [["v"]]
    assert cells(data, Options(sheet="H")) == [["h"]]
    assert cells(data, Options(sheet=1)) == [["h"]]
    assert refusal(data, Options(sheet="W")).code == "sheet_unknown"


def test_repeated_cells_beyond_what_the_file_can_be_worth_are_refused() -> None:
    repeated = cell("x" * 100, 'table:number-columns-repeated="100"')
    long = book(table(row(repeated, attributes='table:number-rows-repeated="100"')))
    error = refusal(long, Options(limits=Limits(unpacked_free_bytes=100_000, unpacked_ratio=20)))
    assert isinstance(error, OverLimit)
    assert error.setting == "unpacked_ratio"
    wide = book(table(row(cell("x", 'table:number-columns-repeated="20000"'))))
    assert refusal(wide).setting == "columns"  # type: ignore[attr-defined]
    some = book(table(row(cell("x"), attributes='table:number-rows-repeated="1000"')))
    assert len(cells(some)) == 1000
    assert refusal(some, Options(limits=Limits(unpacked_free_bytes=10_000, unpacked_ratio=1))).code == "over_limit"


def test_what_is_recognised() -> None:
    data = book(table(row(cell("x"))))
    assert ods.recognise(data[:4096], MemorySource(data))
    for other in (zipped({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": "<x/>"}), b"a,b"):
        assert not ods.recognise(other[:4096], MemorySource(other))
    text = book("", body="text")
    assert refusal(text).code == "file_type"


def test_refusals() -> None:
    assert refusal((DATA / "calamine/pass_protected.ods").read_bytes()).code == "file_encrypted"
    assert refusal(book(table(""))).code == "file_empty"
    doctype = '<!DOCTYPE x [<!ENTITY a "b">]><x/>'
    assert "document type" in str(refusal(zipped({"mimetype": TYPE, "content.xml": doctype})))
    assert refusal(zipped({"mimetype": TYPE})).code == "file_broken"
    whole = book(table(row(cell("x"))))
    assert refusal(whole[: len(whole) // 2]).code == "file_broken"


def test_pieces_can_be_resumed() -> None:
    rows = "".join(row(cell(f"{'y' * (i % 40)}{i}"), cell(str(i))) for i in range(2000))
    reader = ods.open(MemorySource(book(table(rows))), Options(piece_bytes=20_000))
    whole = list(batches(reader))
    assert sum(b.frame.height for b in whole) == 2000
    assert len(whole) > 4
    again = list(batches(reader, whole[2].next))
    assert all(a.frame.equals(b.frame) and a.next == b.next for a, b in zip(again, whole[3:], strict=True))


def test_a_workbook_of_libreoffice() -> None:
    data = (DATA / "calamine/any_sheets.ods").read_bytes()
    assert ods.sheet_names(MemorySource(data))[0] == "Visible"
    assert cells(data)[:3] == [["1", "2"], ["3", "4"], ["5", "6"]]


PADDED = (
    '<number:number-style style:name="N1"><number:text>SKU-</number:text>'
    '<number:number number:decimal-places="0" number:min-integer-digits="5"/></number:number-style>'
    '<number:number-style style:name="N2"><number:number number:decimal-places="0" number:min-integer-digits="5"/>'
    "</number:number-style>"
    '<number:number-style style:name="N3"><number:number number:decimal-places="2" number:min-integer-digits="5"/>'
    "</number:number-style>"
    + "".join(
        f'<style:style style:name="ce{n}" style:family="table-cell" style:data-style-name="N{n}"/>' for n in (1, 2, 3)
    )
    + '<style:style style:name="child" style:family="table-cell" style:parent-style-name="ce2"/>'
)


def test_padded_numbers_keep_their_zeros() -> None:
    columns = '<table:table-column table:number-columns-repeated="3"/>'
    columns += '<table:table-column table:default-cell-style-name="ce2"/>'
    number = 'office:value-type="float" office:value="{}" {}'
    named = [cell("", number.format("2035", f'table:style-name="{style}"')) for style in ("ce1", "child", "ce3")]
    data = book(table(columns + row(*named, cell("", number.format("7", "")))), PADDED)
    assert cells(data) == [["SKU-02035", "02035", "2035", "00007"]]
    flat = flat_book(table(columns + row(*named, cell("", number.format("7", "")))), PADDED)
    assert cells(flat) == [["SKU-02035", "02035", "2035", "00007"]]
    assert ods.sheet_names(MemorySource(flat)) == ods.sheet_names(MemorySource(data))


@pytest.mark.parametrize(
    ("digits", "within", "shown"),
    [
        (9, [(6, "-"), (4, "-")], "012-34-5678"),
        (9, [(4, " / ")], "01234 / 5678"),
        (11, [(8, "."), (5, "."), (2, "-")], "000.123.456-78"),
        (5, [(9, "-")], "12345678"),  # shown in longer numbers alone: nothing pads
    ],
)
def test_signs_among_padded_digits_are_kept(digits: int, within: list[tuple[int, str]], shown: str) -> None:
    signs = "".join(
        f'<number:embedded-text number:position="{at}">{sign}</number:embedded-text>' for at, sign in within
    )
    styles = (
        '<number:number-style style:name="N1"><number:number number:decimal-places="0" '
        f'number:min-integer-digits="{digits}">{signs}</number:number></number:number-style>'
        '<style:style style:name="ce1" style:family="table-cell" style:data-style-name="N1"/>'
    )
    one = cell("", 'table:style-name="ce1" office:value-type="float" office:value="12345678"')
    assert cells(book(table(row(one)), styles)) == [[shown]]


def styled(name: str, digits: int, inside: str = "", kind: str = "number-style") -> str:
    number = f'<number:number number:decimal-places="0" number:min-integer-digits="{digits}"/>' if digits else ""
    return f'<number:{kind} style:name="{name}">{number}{inside}</number:{kind}>'


@pytest.mark.parametrize(
    ("style", "texts"),
    [
        (
            styled("N", 9, '<style:map style:condition="value()&lt;=99999" style:apply-style-name="P"/>'),
            "00007 000123456",
        ),
        # `00000;"-"`, `00000;@`: what is for numbers from 0 on is for all
        (styled("N", 0, '<style:map style:condition="value()&gt;=0" style:apply-style-name="P"/>'), "00007 123456"),
        (
            styled(
                "N", 0, '<style:map style:condition="value()&lt;=1.7E+308" style:apply-style-name="P"/>', "text-style"
            ),
            "00007 123456",
        ),
        (styled("N", 1, '<style:map style:condition="cell()&lt;=9" style:apply-style-name="P"/>'), "7 123456"),
    ],
)
def test_styles_that_go_by_the_value(style: str, texts: str) -> None:
    named = '<style:style style:name="c" style:family="table-cell" style:data-style-name="N"/>'
    number = 'table:style-name="c" office:value-type="float" office:value="{}"'
    both = row(cell("", number.format("7")), cell("", number.format("123456")))
    assert cells(book(table(both), styled("P", 5) + style + named)) == [texts.split()]


def test_what_lies_under_merged_cells_is_counted() -> None:
    covered = cell("under").replace("table:table-cell", "table:covered-table-cell")
    [batch] = batches(ods.open(MemorySource(book(table(row(cell("top") + covered, cell("x")))))))
    assert batch.frame.row(0)[:3] == ("top", "", "x")
    assert batch.facts == (Fact("under_merged", 1, (1,)),)


def test_a_failed_formula_is_an_error_also_where_only_its_text_says_so() -> None:
    failed = cell("#DIV/0!", 'office:value-type="string" table:formula="of:=1/0"')
    typed = cell("#DIV/0!", 'office:value-type="string"')
    assert read(book(table(row(failed, typed)))).select("k0", "k1").rows() == [(KIND_ERROR, KIND_TEXT)]
