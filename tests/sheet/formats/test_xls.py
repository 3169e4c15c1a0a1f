from __future__ import annotations

import random
import struct
from pathlib import Path

import polars as pl
import pytest

from douane.errors import BadFile, DouaneError, OverLimit
from douane.sheet.formats import (
    KIND_BOOLEAN,
    KIND_DATE,
    KIND_ERROR,
    KIND_NUMBER,
    KIND_TEXT,
    Limits,
    Options,
    Position,
    biff,
    xls,
)
from tests.sheet.formats import binary
from tests.sheet.formats.binary import (
    bof,
    cell_format,
    eof,
    formula,
    label,
    label5,
    number,
    number_format,
    place,
    record,
    shared,
    text8,
)
from tests.sheet.formats.reading import MemorySource, batches, cells, rows_of
from tests.sheet.kernel import with_and_without  # noqa: F401

DATA = Path(__file__).parent / "data"  # from calamine, tablib, POI and xlrd, see the licences there


def source(name: str) -> MemorySource:
    return MemorySource((DATA / name).read_bytes())


def refusal(data: bytes, options: Options = Options()) -> DouaneError:
    memory = MemorySource(data)
    assert xls.recognise(data[:4096], memory)
    with pytest.raises(DouaneError) as caught:
        list(batches(xls.open(memory, options)))
    return caught.value


def kinds_of(data: bytes) -> list[list[tuple[str, int]]]:
    """Every cell with its kind."""
    reader = xls.open(MemorySource(data))
    width = reader.detected.width
    frame = pl.concat([b.frame for b in batches(reader)], how="diagonal")
    texts = frame.select(f"c{i}" for i in range(width)).rows()
    kinds = frame.select(f"k{i}" for i in range(width)).rows()
    return [[(t, k) for t, k in zip(*both, strict=True) if t is not None] for both in zip(texts, kinds, strict=True)]


def test_an_xls_workbook() -> None:
    memory = source("calamine/any_sheets.xls")
    assert xls.recognise(memory.read(0, 4096), memory)
    assert xls.sheet_names(memory) == ("Visible", "Hidden")
    assert xls.all_sheets(memory) == ["Visible", "Hidden", "VeryHidden", "Chart"]
    reader = xls.open(memory)
    assert (reader.detected.format, reader.detected.width, reader.detected.sheet) == ("xls", 2, "Visible")
    (batch,) = batches(reader)
    assert batch.blank == 1
    assert batch.frame.select("c0", "c1", "k0", "_line").rows() == [
        ("1", "2", KIND_NUMBER, 1),
        ("3", "4", KIND_NUMBER, 2),
        ("5", "6", KIND_NUMBER, 3),
        ("This workbook contains 4 sheets: Visible, Hidden, VeryHidden and Chart", None, KIND_TEXT, 5),
    ]


def test_error_cells_keep_their_text() -> None:
    (batch,) = batches(xls.open(source("tablib/errors.xls")))
    assert batch.frame.select("c0", "c1", "c2", "c3").row(1) == ("#DIV/0!", "#NAME?", "#N/A", "#N/A")
    assert batch.frame.select("k0", "k1", "k2", "k3").row(1) == (KIND_ERROR,) * 4


def test_hidden_columns_are_left_out() -> None:
    reader = xls.open(source("poi/50426.xls"))
    assert reader.detected.notes == ("1 hidden column left out.",)
    assert reader.facts.hidden_columns == ((7, 8),)  # type: ignore[attr-defined]


def test_an_unknown_sheet() -> None:
    with pytest.raises(BadFile) as caught:
        xls.open(source("calamine/any_sheets.xls"), Options(sheet="Other"))
    assert caught.value.code == "sheet_unknown"


def test_encrypted_workbooks_are_refused_by_name() -> None:
    assert refusal((DATA / "calamine/pass_protected.xlsx").read_bytes()).code == "file_encrypted"
    assert refusal(binary.xls(number(0, 0, 1), facts=record(0x2F, bytes(54)))).code == "file_encrypted"


@pytest.mark.parametrize(
    "data",
    [
        binary.compound(b"a document of another kind", "WordDocument"),
        bof(0x100, 4) + eof(),
    ],
)
def test_pretenders_are_named(data: bytes) -> None:
    assert refusal(data).code == "file_type"


@pytest.mark.parametrize("data", [b"a,b\n1,2\n", b"<people><person/></people>", b"", b"PK\x03\x04", b"\t\t\t\t\n1\t2"])
def test_other_files_are_not_ours(data: bytes) -> None:
    assert not xls.recognise(data, MemorySource(data))


def test_every_kind_of_cell() -> None:
    many = struct.pack("<HH", 2, 0) + b"".join(
        struct.pack("<HI", 0, packed) for packed in ((7 << 2) | 2, (12345 << 2) | 3, 0x3FF00000)
    )
    sheet = (
        number(0, 0, 0.1 + 0.2)
        + record(0x27E, place(0, 1) + struct.pack("<i", (-5 << 2) | 2))
        + shared(0, 2, 1)
        + label(0, 3, "é中")
        + record(0xD6, place(0, 4) + text8("rich") + struct.pack("<HHH", 1, 0, 5))
        + record(0x205, place(1, 0) + b"\1\0")
        + record(0x205, place(1, 1) + b"\x07\1")
        + record(0x205, place(1, 2) + b"\x99\1")
        + record(0xBD, many + struct.pack("<H", 2))
        + record(0xBE, struct.pack("<HHHHH", 3, 0, 0, 0, 1))
        + record(0x201, place(3, 2))
        + shared(4, 0, 99)
        + shared(4, 1, 0)
    )
    facts = record(0xFC, binary.shared_texts(["", "one"]))
    assert kinds_of(binary.xls(sheet, facts=facts)) == [
        [("0.30000000000000004", 1), ("-5", 1), ("one", 0), ("é中", 0), ("rich", 0)],
        [("TRUE", KIND_BOOLEAN), ("#DIV/0!", KIND_ERROR), ("#N/A", KIND_ERROR)],
        [("7", 1), ("123.45", 1), ("1", 1)],
        [("#REF!", KIND_ERROR)],
    ]


def test_results_of_formulas() -> None:
    special = b"%b\0%b\0\0\0\xff\xff"
    text = struct.pack("<HB", 3, 0) + b"abc"
    sheet = (
        formula(0, 0, struct.pack("<d", 2.5))
        + formula(0, 1, special % (b"\1", b"\1"))
        + formula(0, 2, special % (b"\2", b"\x2a"))
        + formula(0, 3, special % (b"\0", b"\0"), 0x406)
        + record(0x207, text)
        + formula(1, 0, special % (b"\0", b"\0"))
        + record(0x4BC, bytes(10))
        + record(0x207, text8("behind a shared one"))
        + formula(1, 1, special % (b"\3", b"\0"))
        + formula(1, 2, special % (b"\0", b"\0"), 0x206)
        + record(0x221, bytes(14))
        + record(0x207, text8("of an array"))
        + formula(1, 3, special % (b"\0", b"\0"))
        + number(1, 4, 1)
    )
    assert kinds_of(binary.xls(sheet)) == [
        [("2.5", 1), ("TRUE", KIND_BOOLEAN), ("#N/A", KIND_ERROR), ("abc", 0)],
        [("behind a shared one", 0), ("", 0), ("of an array", 0), ("", 0), ("1", 1)],
    ]


def calculated(tokens: bytes, result: bytes = bytes(8)) -> bytes:
    """A cell with this formula and result."""
    return record(0x06, place(0, 0) + result + struct.pack("<HIH", 0, 0, len(tokens)) + tokens)


EMPTY_TEXT = b"\x03\0\0\0\0\0\xff\xff"
A, B, ONE = b"\x17\x01\x00A", b"\x17\x01\x01B\x00", b"\x1e\x01\x00"
REFERENCE = b"\x44\x00\x00\x00\xc0"
UPPER, LEFT, LENGTH, SUM = b"\x41\x71\x00", b"\x42\x02\x73\x00", b"\x41\x20\x00", b"\x19\x10\x00\x00"


def chosen(*branches: bytes) -> bytes:
    """IF(1, ...)"""
    go_on = b"\x19\x08\x00\x00"
    return ONE + b"\x19\x02\x00\x00" + b"".join(b + go_on for b in branches) + bytes([0x42, 1 + len(branches), 1, 0])


TEXTS = [
    A + B + b"\x08",
    REFERENCE + A + b"\x08\x15",
    REFERENCE + UPPER,
    REFERENCE + b"\x61\x71\x00",
    REFERENCE + ONE + LEFT,
    A,
    chosen(A, B),
    chosen(A, chosen(B, REFERENCE + UPPER)),
]
NUMBERS = [REFERENCE + ONE + b"\x03", REFERENCE + SUM, A + LENGTH, A + B + b"\x0b", ONE + b"\x13\x15", chosen(ONE, ONE)]
UNKNOWN = [
    REFERENCE,
    chosen(A, ONE),
    chosen(REFERENCE, A),
    REFERENCE + b"\x99" + A,
    A[:-1],
    b"\x17",
    b"\x19\x08",
    b"",
    A + b"\x1f",
    b"\x01\x00\x00\x00\x00",
]


def facts_of(data: bytes) -> dict[str, int]:
    return {fact.code: fact.count for batch in batches(xls.open(MemorySource(data))) for fact in batch.facts}


@pytest.mark.parametrize(
    ("tokens", "result"), [*((tokens, bytes(8)) for tokens in TEXTS), *((tokens, EMPTY_TEXT) for tokens in NUMBERS)]
)
def test_what_a_formula_cannot_give_is_no_result(tokens: bytes, result: bytes) -> None:
    # LibreOffice writes a text that it did not calculate itself as the number 0, xlwt all results as empty texts.
    data = binary.xls(calculated(tokens, result) + label(0, 1, "behind"))
    assert rows_of(data) == [["", "behind"]]
    assert facts_of(data) == {"formula_without_result": 1}
    assert rows_of(binary.xls(calculated(tokens, struct.pack("<d", 2)))) == [["2"]]


@pytest.mark.parametrize(
    ("tokens", "result"),
    [*((t, bytes(8)) for t in [*NUMBERS, *UNKNOWN]), *((t, EMPTY_TEXT) for t in [*TEXTS, *UNKNOWN])],
)
def test_what_a_formula_may_give_stays(tokens: bytes, result: bytes) -> None:
    data = binary.xls(calculated(tokens, result) + label(0, 1, "behind"))
    assert rows_of(data) == [["" if result == EMPTY_TEXT else "0", "behind"]]
    assert facts_of(data) == {}
    assert xls.open(MemorySource(data)).detected.notes == ()


def test_where_results_are_missing_other_zeros_are_told_of() -> None:
    sheet = calculated(TEXTS[0]) + label(1, 0, "x") + record(0x06, b"\2\0" + calculated(REFERENCE)[6:])
    reader = xls.open(MemorySource(binary.xls(sheet)))
    assert reader.detected.notes == ("1 more formula holds a 0 or an empty text that may be no result either.",)


def formatted(code: str, *values: float, from_1904: bool = False, index: int = 164) -> list[str]:
    sheet = b"".join(number(i, 0, v, 1) for i, v in enumerate(values))
    facts = number_format(index, code) + cell_format(0) + cell_format(index)
    facts += record(0x22, struct.pack("<H", int(from_1904)))
    return [row[0] for row in rows_of(binary.xls(sheet, facts=facts))]


def test_formats_of_the_file_go_before_what_is_known_by_number() -> None:
    # Numbers below 164, as SheetJS and Gnumeric give them to their own formats.
    assert formatted("yyyy-mm-dd", 45351, index=60) == ["2024-02-29"]
    assert formatted("0.0%", 0.125, index=14) == ["0.125"]
    assert formatted("00000", 1067, 12345, index=50) == ["01067", "12345"]
    assert formatted("[h]:mm:ss", 1.25, index=51) == ["30:00:00"]


def test_days_that_no_calendar_has() -> None:
    assert formatted("yyyy-mm-dd", -5, 60, 59, 61, -1.5, 0.5) == [
        "-5",
        "1900-02-29",
        "1900-02-28",
        "1900-03-01",
        "-1.5",
        "12:00:00",
    ]
    assert formatted("yyyy-mm-dd", 0, 1462, from_1904=True) == ["1904-01-01", "1908-01-02"]
    assert formatted("mm:ss.00", 754.56 / 86400) == ["00:12:34.560"]


def test_formats_known_by_number_and_those_missing() -> None:
    sheet = number(0, 0, 45351, 0) + number(0, 1, 45351, 1) + number(0, 2, 45351, 2) + number(0, 3, 45351, 9)
    facts = cell_format(14) + cell_format(999) + cell_format(0)
    assert kinds_of(binary.xls(sheet, facts=facts)) == [
        [("2024-02-29", KIND_DATE), ("45351", 1), ("45351", 1), ("45351", 1)]
    ]


def test_texts_of_biff8_are_unicode_whatever_the_code_page_says() -> None:
    sheet = label(0, 0, "name") + label(0, 1, "ä中")
    for page in (1252, 1200, 932, 10000, 0, 65535):
        assert rows_of(binary.xls(sheet, facts=record(0x42, struct.pack("<H", page)))) == [["name", "ä中"]]


@pytest.mark.parametrize(
    ("page", "text"),
    [
        (1252, "é€"),
        (1251, "Имя"),
        (10000, "é†"),
        (32768, "é†"),
        (10029, "Łódź"),
        (10007, "Имя"),
        (932, "名前"),
        (950, "名"),
        (437, "é"),
        (64999, "é"),
    ],
)
def test_texts_of_excel_5_are_in_its_code_page(page: int, text: str) -> None:
    encoding = {10000: "mac-roman", 32768: "mac-roman", 10029: "mac-latin2", 10007: "mac-cyrillic", 64999: "cp1252"}
    letters = text.encode(encoding.get(page, f"cp{page}"))
    sheet = label5(0, 0, letters) + label5(0, 1, letters, 0xD6)
    sheet += formula(0, 2, b"\0\0\0\0\0\0\xff\xff") + record(0x207, struct.pack("<H", len(letters)) + letters)
    data = binary.xls(sheet, facts=record(0x42, struct.pack("<H", page)), version=5)
    assert rows_of(data) == [[text] * 3]


def test_bytes_that_are_no_text_are_shown() -> None:
    data = binary.xls(label5(0, 0, b"a\x81"), facts=record(0x42, struct.pack("<H", 1252)), version=5)
    assert rows_of(data) == [["a\\x81"]]


def test_formats_of_excel_5() -> None:
    facts = number_format(40, "yyyy-mm-dd", 5) + cell_format(0) + cell_format(40)
    assert rows_of(binary.xls(number(0, 0, 45351, 1), facts=facts, version=5)) == [["2024-02-29"]]


def split(body: bytes, at: int, flag: bytes = b"") -> bytes:
    return record(0xFC, body[:at]) + record(0x3C, flag + body[at:])


def test_shared_texts_go_on_in_the_next_record_anywhere() -> None:
    texts = ["plain", "wide 中文", "end"]
    body = binary.shared_texts(texts)
    sheet = b"".join(shared(i, 0, i) for i in range(3))
    at = 8
    for text in texts:
        wide = len(text8(text)) > 3 + len(text)
        end = at + len(text8(text))
        # Between texts and inside of what says how long one is, nothing is said anew; between letters it is.
        for cut in (at, at + 1, at + 2):
            assert rows_of(binary.xls(sheet, facts=split(body, cut))) == [[t] for t in texts], cut
        for cut in range(at + 3, end, 1 + wide):
            assert rows_of(binary.xls(sheet, facts=split(body, cut, bytes([wide])))) == [[t] for t in texts], cut
        at = end


def test_a_text_may_become_wide_in_the_next_record() -> None:
    body = struct.pack("<IIHB", 1, 1, 5, 0) + b"ab"
    facts = record(0xFC, body) + record(0x3C, b"\1" + "中文字".encode("utf-16-le"))
    assert rows_of(binary.xls(shared(0, 0, 0), facts=facts)) == [["ab中文字"]]
    sheet = record(0x204, place(0, 0) + struct.pack("<HB", 4, 1) + "中".encode("utf-16-le"))
    sheet += record(0x3C, b"\0xyz") + number(1, 0, 3)
    assert rows_of(binary.xls(sheet)) == [["中xyz"], ["3"]]


def test_fonts_and_reading_aids_of_shared_texts_are_passed_over() -> None:
    rich = struct.pack("<HBH", 4, 8, 2) + b"rich" + bytes(8)
    aided = struct.pack("<HBI", 2, 5, 10) + "漢字".encode("utf-16-le") + b"x" * 10
    both = struct.pack("<HBHI", 4, 12, 1, 6) + b"both" + bytes(4) + b"y" * 6
    body = bytes(8) + rich + aided + both + text8("last")
    sheet = b"".join(shared(i, 0, i) for i in range(4))
    for at in range(8, len(body)):
        # Between texts and in what is passed over a record may end without a word about the letters.
        if at in (8, 24, 25, 30, 43, 44, 50, 63, 68, 71):
            assert rows_of(binary.xls(sheet, facts=split(body, at)))[-1] == ["last"], at
    assert rows_of(binary.xls(sheet, facts=record(0xFC, body))) == [["rich"], ["漢字"], ["both"], ["last"]]


def test_shared_texts_that_are_not_there_are_references_that_lead_nowhere() -> None:
    sheet = shared(0, 0, 0) + shared(0, 1, 1) + shared(0, 2, 2)
    claims = bytes(8) + text8("one") + struct.pack("<HBI", 3, 4, 0xFFFFFFF0) + b"two" + text8("three")
    assert rows_of(binary.xls(sheet, facts=record(0xFC, claims))) == [["one", "#REF!", "#REF!"]]
    assert rows_of(binary.xls(sheet, facts=record(0xFC, b""))) == [["#REF!"] * 3]
    assert rows_of(binary.xls(sheet)) == [["#REF!"] * 3]


def test_rows_out_of_order_come_in_order() -> None:
    order = [(r, c) for c in range(3) for r in range(50)]  # column by column, as a person fills a sheet
    random.Random(1).shuffle(order)
    sheet = b"".join(number(r, c, 100 * r + c) for r, c in order)
    expected = [[str(100 * r + c) for c in range(3)] for r in range(50)]
    assert rows_of(binary.xls(sheet)) == expected
    (batch,) = batches(xls.open(MemorySource(binary.xls(sheet))))
    assert batch.frame["_line"].to_list() == list(range(1, 51))


def test_many_rows_out_of_order_are_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xls, "_RUN_BYTES", 4000)
    sheet = b"".join(number(r, c, r) if c else label(r, c, f"t{r}") for c in range(2) for r in range(2000))
    assert rows_of(binary.xls(sheet)) == [[f"t{r}", str(r)] for r in range(2000)]


def test_of_two_cells_for_one_place_the_later_one_stays() -> None:
    sheet = number(0, 0, 1) + number(0, 1, 2) + label(0, 0, "later") + number(1, 0, 3) + number(0, 1, 4)
    assert rows_of(binary.xls(sheet)) == [["later", "4"], ["3"]]
    assert rows_of(binary.xls(number(0, 0, 1) + number(0, 0, 2))) == [["2"]]


def test_rows_go_on_from_block_to_block(monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = b""
    for r in range(40):
        sheet += number(r, 0, r) + label(r, 1, f"text {r}") + formula(r, 2, b"\0\0\0\0\0\0\xff\xff")
        sheet += (
            record(0x4BC, bytes(30))
            + record(0x207, text8(f"result {r}")[:6])
            + record(0x3C, b"\0" + text8(f"result {r}")[6:])
        )
    data = binary.xls(sheet)
    expected = [[str(r), f"text {r}", f"result {r}"] for r in range(40)]
    for size in (64, 100, 333, 1000, 4096):
        monkeypatch.setattr(biff, "BLOCK_BYTES", size)
        assert rows_of(data) == expected, size


def test_rows_alike_are_found_as_those_that_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    random_ = random.Random(7)
    sheet, expected = b"", []
    for r in range(3000):
        sheet += number(r, 0, r) + shared(r, 1, 0)
        row = [str(r), "t"]
        if r % 500 > 480 or random_.random() < 0.01:
            sheet += record(0x27E, place(r, 2) + struct.pack("<i", (r << 2) | 2)) + record(0x3FF, bytes(r % 7))
            row.append(str(r))
        sheet += record(0xD7, bytes(8)) if r % 32 == 31 else b""
        expected.append(row)
    data = binary.xls(sheet, facts=record(0xFC, binary.shared_texts(["t"])))
    assert rows_of(data) == expected
    monkeypatch.setattr(biff, "BLOCK_BYTES", 5000)
    assert rows_of(data) == expected


def test_hidden_rows_and_columns_wherever_the_sheet_says_so() -> None:
    rows = b"".join(
        record(0x208, struct.pack("<HHHHHHHH", r, 0, 3, 255, 0, 0, 0x20 if r == 1 else 0, 0)) for r in range(3)
    )
    columns = record(0x7D, struct.pack("<HHHHHH", 1, 1, 2000, 0, 1, 0)) + record(
        0x7D, struct.pack("<HHHHHH", 2, 2, 9, 0, 0, 0)
    )
    cells = b"".join(number(r, c, 10 * r + c) for r in range(3) for c in range(3))
    for sheet in (rows + columns + cells, cells + columns + rows):
        reader = xls.open(MemorySource(binary.xls(sheet)))
        (batch,) = batches(reader)
        assert batch.frame.select("c0", "c1", "_line").rows() == [("0", "2", 1), ("20", "22", 3)]
        assert reader.detected.notes == ("1 hidden column left out.",)
        assert [fact.code for batch in batches(reader) for fact in batch.facts] == ["hidden_rows"]


def merged(*ranges: tuple[int, int, int, int]) -> bytes:
    return record(0xE5, struct.pack("<H", len(ranges)) + b"".join(struct.pack("<HHHH", *r) for r in ranges))


def test_of_merged_cells_the_top_left_one_has_the_value() -> None:
    cells = b"".join(number(r, c, 10 * r + c) for r in range(6) for c in range(4))
    sheet = cells + merged((0, 2, 0, 1), (3, 3, 1, 3)) + merged((5, 9, 3, 3), (4, 4, 0, 0))
    assert rows_of(binary.xls(sheet)) == [
        ["0", "", "2", "3"],
        ["", "", "12", "13"],
        ["", "", "22", "23"],
        ["30", "31"],
        ["40", "41", "42", "43"],
        ["50", "51", "52", "53"],
    ]


def test_charts_inside_a_sheet_are_passed_over() -> None:
    chart = bof(0x20) + number(0, 0, 99) + bof(0x20) + eof() + number(7, 7, 99) + eof()
    assert rows_of(binary.xls(number(0, 0, 1) + chart + number(1, 0, 2) + chart)) == [["1"], ["2"]]


def test_drawings_between_cells_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    drawing = record(0xEC, bytes(8000)) + record(0x3C, bytes(8000)) * 20
    data = binary.xls(number(0, 0, 1) + drawing + number(1, 0, 2) + drawing)
    assert rows_of(data, Options(limits=Limits(record_bytes=30_000))) == [["1"], ["2"]]
    monkeypatch.setattr(biff, "BLOCK_BYTES", 10_000)
    assert rows_of(data, Options(limits=Limits(record_bytes=30_000))) == [["1"], ["2"]]


def test_sheets_are_offered_visible_ones_first() -> None:
    stream = binary.book(
        number(0, 0, 1), number(0, 0, 2), number(0, 0, 3), names=("Hid", "Seen", "imp_x"), states=(1, 0, 0)
    )
    memory = MemorySource(binary.compound(stream))
    assert xls.sheet_names(memory) == ("Seen", "Hid")
    assert rows_of(memory.data) == [["2"]]
    assert rows_of(memory.data, Options(sheet="imp_x")) == [["3"]]


def test_a_file_of_two_versions_is_read_as_the_newer_one() -> None:
    data = binary.compound(
        binary.book(label5(0, 0, b"old"), version=5), "Book", {"Workbook": binary.book(label(0, 0, "new"))}
    )
    assert rows_of(data) == [["new"]]


def test_a_stream_without_a_file_around_it() -> None:
    # As small scripts write it to this day: one sheet, no workbook, no version.
    sheet = record(0x809, struct.pack("<HHHH", 0, 0x10, 0, 0)) + label5(0, 0, b"name") + number(1, 0, 2.5) + eof()
    assert rows_of(sheet) == [["name"], ["2.5"]]
    assert xls.sheet_names(MemorySource(sheet)) == ("Sheet1",)
    assert rows_of(binary.book(label(0, 0, "whole"))) == [["whole"]]


def test_workbooks_from_before_excel_5() -> None:
    assert rows_of((DATA / "xlrd/biff4_no_format_no_window2.xls").read_bytes())
    facts3 = record(0x1E, b"\x07General") + record(0x1E, b"\x0ayyyy-mm-dd") + record(0x243, bytes([0, 0]) + bytes(10))
    facts3 += record(0x243, bytes([0, 1]) + bytes(10))
    cells = label5(0, 0, b"born") + number(1, 0, 45351, 1) + formula(1, 1, b"\0\0\0\0\0\0\xff\xff", 0x206)
    cells += record(0x207, struct.pack("<H", 3) + b"abc")
    assert rows_of(bof(0x10, 3) + facts3 + cells + eof()) == [["born"], ["2024-02-29", "abc"]]
    place2 = struct.pack("<HH3B", 0, 0, 0, 1, 0)
    cells2 = record(0x03, place2 + struct.pack("<d", 45351)) + record(0x02, b"\0\0\1\0\0\0\0" + struct.pack("<H", 7))
    cells2 += record(0x04, b"\0\0\2\0\0\0\0\3abc") + record(0x05, b"\0\0\3\0\0\0\0\1\0")
    cells2 += record(0x06, b"\0\0\4\0\0\0\0" + b"\0\0\0\0\0\0\xff\xff" + bytes(4)) + record(0x07, b"\2hi")
    facts2 = record(0x1E, b"\x07General") + record(0x1E, b"\x0ayyyy-mm-dd")
    assert rows_of(bof(0x10, 2) + facts2 + cells2 + eof()) == [["2024-02-29", "7", "abc", "TRUE", "hi"]]


def test_cells_of_the_oldest_kind_in_a_newer_file() -> None:
    # As SheetJS writes its BIFF3 and BIFF4.
    def old(kind: int, column: int, value: bytes) -> bytes:
        return record(kind, struct.pack("<HH", 0, column) + b"\x01\0\0" + value)

    cells = old(0x02, 0, struct.pack("<H", 7)) + old(0x03, 1, struct.pack("<d", 45351)) + old(0x04, 2, b"\3abc")
    cells += old(0x05, 3, b"\1\0") + label5(0, 4, b"new") + old(0x06, 5, b"\0\0\0\0\0\0\xff\xff" + bytes(4))
    cells += record(0x07, b"\2hi")
    looks = record(0x1E, b"\x07General") + record(0x1E, b"\x0ayyyy-mm-dd") + record(0x443, bytes(12))
    looks += record(0x443, bytes([0, 1]) + bytes(10))
    expected = [["1900-01-07", "2024-02-29", "abc", "TRUE", "new", "hi"]]
    assert rows_of(bof(0x10, 4) + looks + cells + eof()) == expected


def test_a_text_of_excel_5_may_go_on_in_the_next_record() -> None:
    text = bytes(i % 64 + 48 for i in range(5000))
    sheet = record(0x204, place(0, 0) + struct.pack("<H", 5000) + text[:2000]) + record(0x3C, text[2000:4000])
    sheet += record(0x3C, text[4000:]) + number(1, 0, 1)
    assert rows_of(binary.xls(sheet, version=5)) == [[text.decode()], ["1"]]


def test_reading_goes_on_where_it_was() -> None:
    sheet = b"".join(number(r, c, r) for r in range(500) for c in range(4))
    reader = xls.open(MemorySource(binary.xls(sheet)), Options(piece_bytes=5000))
    whole = list(batches(reader))
    assert len(whole) > 3
    assert whole[-1].bytes_done == len(binary.xls(sheet))
    rest = list(batches(reader, whole[1].next))
    assert [b.frame.rows() for b in rest] == [b.frame.rows() for b in whole[2:]]
    assert [row for b in whole for row in cells(b.frame, 4)] == [[str(r)] * 4 for r in range(500)]
    assert whole[0].next == Position(1, whole[0].next.offset, whole[0].frame["_line"][-1] + 1)


# ---------------------------------------------------------------- bad input


def test_damaged_workbooks_are_refused_wherever_they_are_cut() -> None:
    whole = (DATA / "calamine/any_sheets.xls").read_bytes()
    for end in (8, 600, 5000):
        assert refusal(whole[:end]).code in ("file_broken", "file_type")
    stream = binary.book(number(0, 0, 1) + label(0, 1, "text"), facts=record(0xFC, binary.shared_texts(["a"])))
    for end in range(8, len(stream)):
        assert refusal(stream[:end]).code == "file_broken", end


def test_a_sheet_must_begin_where_the_workbook_says() -> None:
    stream = bytearray(binary.book(number(0, 0, 1)))
    at = stream.index(b"\x85\0") + 4
    for start in (0x7FFFFFFF, len(stream), len(stream) - 4, at):
        struct.pack_into("<I", stream, at, start)
        error = refusal(bytes(stream))
        assert (error.code, "damaged" in str(error)) == ("file_broken", True)


def test_a_sheet_that_does_not_end_is_damaged() -> None:
    stream = binary.book(number(0, 0, 1))[:-4]
    assert "ends too early" in str(refusal(stream))


@pytest.mark.parametrize(
    "cell",
    [
        record(0x203, place(0, 0) + b"\0\0"),
        record(0x27E, place(0, 0)),
        record(0xBD, place(0, 0)),
        record(0xFD, place(0, 0)),
        record(0x204, place(0, 0)),
        record(0x204, place(0, 0) + struct.pack("<HB", 9, 0) + b"short"),
        record(0x204, place(0, 0) + struct.pack("<HB", 0xFFFF, 1)),
        record(0x204, place(0, 0) + struct.pack("<HB", 3, 0)) + number(1, 0, 1),
        record(0x205, place(0, 0)),
        record(0x06, place(0, 0)),
        formula(0, 0, b"\0\0\0\0\0\0\xff\xff") + record(0x207, struct.pack("<HB", 999, 0) + b"abc"),
        record(0x7D),
        record(0x208, bytes(4)),
        bytes(4) * 1000,
    ],
)
def test_records_too_short_for_what_they_hold_are_damaged(cell: bytes) -> None:
    error = refusal(binary.xls(number(0, 0, 1) + cell + number(2, 0, 1)))
    assert (error.code, "damaged" in str(error)) == ("file_broken", True)


def test_texts_of_excel_5_longer_than_their_record_are_damaged() -> None:
    for cell in (
        record(0x204, place(0, 0) + b"\xff\xffabc"),
        formula(0, 0, b"\0\0\0\0\0\0\xff\xff") + record(0x207, b"\x09\0a"),
    ):
        assert "longer than its record" in str(refusal(binary.xls(cell, version=5)))


def test_a_count_of_merged_cells_may_lie() -> None:
    sheet = (
        number(0, 0, 1) + number(0, 1, 2) + record(0xE5, struct.pack("<HHHHH", 0xFFFF, 0, 0, 0, 1)) + number(1, 0, 3)
    )
    assert rows_of(binary.xls(sheet)) == [["1"], ["3"]]


def test_merged_cells_that_overlap_are_damaged() -> None:
    cells = b"".join(number(r, 0, 1) for r in range(20_000))
    sheet = cells + merged(*[(0, 65_535, 0, 1)] * 1000)
    assert "overlap" in str(refusal(binary.xls(sheet)))


def test_what_a_workbook_lists_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(biff, "_SHEETS_MAX", 3)
    listed = record(0x85, struct.pack("<IBBBB", 0, 0, 0, 1, 0) + b"S") * 4
    assert "too many sheets" in str(refusal(binary.xls(number(0, 0, 1), facts=listed)))
    monkeypatch.setattr(xls, "_MERGED_MAX", 10)
    assert "overlap" in str(refusal(binary.xls(number(0, 0, 1) + merged(*[(0, 0, 0, 1)] * 11))))
    monkeypatch.setattr(biff, "_FORMATS_MAX", 2)
    facts = number_format(14, "0.00") + number_format(15, "0") + number_format(16, "0") + cell_format(16)
    assert rows_of(binary.xls(number(0, 0, 45351), facts=facts)) == [["2024-02-29"]]


def test_cells_without_end_in_one_row_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xls, "_OPEN_ROW_CELLS", 100)
    monkeypatch.setattr(biff, "BLOCK_BYTES", 2000)
    sheet = b"".join(number(0, i % 7, i) for i in range(5000)) + label(0, 3, "last") + number(1, 0, 1)
    assert rows_of(binary.xls(sheet)) == [["4998", "4999", "4993", "last", "4995", "4996", "4997"], ["1"]]


def test_a_cell_without_end_passes_a_limit() -> None:
    sheet = formula(0, 0, b"\0\0\0\0\0\0\xff\xff") + record(0x3C, bytes(8000)) * 300
    error = refusal(binary.xls(sheet), Options(limits=Limits(record_bytes=1 << 20)))
    assert isinstance(error, OverLimit)


def test_a_cell_of_records_without_end_is_damaged() -> None:
    sheet = formula(0, 0, b"\0\0\0\0\0\0\xff\xff") + record(0x3C) * 300_000
    assert "goes on without end" in str(refusal(binary.xls(sheet)))


def test_more_columns_than_the_limit() -> None:
    error = refusal(binary.xls(number(0, 0, 1) + number(0, 40_000, 1)))
    assert isinstance(error, OverLimit)
