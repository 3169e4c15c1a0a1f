"""Delimited text: every cell as Python's `csv` reads it, wherever the pieces are cut."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from douane.errors import BadFile, BadRequest, OverLimit
from douane.sheet.formats import (
    FLAG_BROKEN,
    FLAG_OVERLONG,
    FLAG_SHORT,
    FLAG_UNDECODABLE,
    Batch,
    Limits,
    Options,
    Position,
    Reader,
    open_file,
)
from douane.sheet.white_space import WHITE
from tests.sheet.formats.reading import MemorySource, batches, cells, frame_of, rows_of
from tests.sheet.kernel import built, reading_with

DATA = Path(__file__).parents[2] / "data" / "csv-spectrum"


@pytest.fixture(scope="module", params=["kernel", "python"], autouse=True)
def both_ways(request: pytest.FixtureRequest) -> Iterator[None]:
    """Everything here is so with the kernel and without it."""
    with reading_with(built() if request.param == "kernel" else None):
        yield


@dataclass(frozen=True)
class Record:
    cells: list[str]
    line: int


def by_csv(data: bytes, delimiter: str = ",", quote: str = '"') -> tuple[list[Record], int]:
    """What `csv` makes of the bytes: the records that are not blank, and how many are."""
    text = data.decode("utf-8", "backslashreplace")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quote)
    records: list[Record] = []
    blank = 0
    line = 1
    for row in reader:
        if all(not cell.strip(WHITE) for cell in row):
            blank += 1
        else:
            records.append(Record(row, line))
        line = reader.line_num + 1
    return records, blank


def read(reader: Reader, start: Position = Position()) -> tuple[list[Record], int, list[Batch]]:
    found = list(batches(reader, start))
    records = [
        Record(row, line)
        for batch in found
        for row, line in zip(cells(batch.frame, reader.detected.width), batch.frame["_line"].to_list(), strict=True)
    ]
    return records, sum(batch.blank for batch in found), found


hostile = st.lists(
    st.sampled_from(
        [b'"', b'"', b'""', b",", b",", b"\n", b"\n", b"\r\n", b"\r", b"a", b"bc", b" ", b"\0", b"#", b"\t", b"x\x01"]
        + [
            b"\xef\xbb\xbf",
            "ü".encode(),
            "日本".encode(),
            b"\xc2\xa0",
            b'"x"y',
            b'5" pipe',
            b'"p,q\nr"',
            b"\n\n",
            b",,,",
        ]
    ),
    min_size=1,
    max_size=120,
).map(b"".join)


@settings(max_examples=600, deadline=None)
@given(body=hostile, piece_bytes=st.sampled_from([3, 17, 64, 1 << 20]))
@example(body=b'a,b\n"x","y\n1",2\n', piece_bytes=3)
@example(body=b'x","y\n' * 20, piece_bytes=17)
@example(body=b"a\r\r\n\rb\r", piece_bytes=3)
def test_agrees_with_csv_on_hostile_bytes(body: bytes, piece_bytes: int) -> None:
    body = b"h1,h2,h3\n" + body
    reader = open_file(MemorySource(body), Options(delimiter=",", encoding="utf-8", piece_bytes=piece_bytes))
    assert reader.detected.quote == '"'
    expected, blank = by_csv(body)
    records, left_out, found = read(reader)
    assert records == expected
    assert left_out == blank
    for earlier, batch in itertools.pairwise(found):
        again, _, _ = read(reader, earlier.next)
        assert again == records[len(records) - len(again) :]
        assert earlier.next.line <= batch.next.line
    assert sum(b.frame.height for b in found) == len(expected)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.lists(st.sampled_from(["", "a", "ü,", "x\ny", 'q"', " ", "42", "日本"]), min_size=1, max_size=5)),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-16-le", "utf-16", "cp932", "gb18030", "utf-32-be"]),
    piece_bytes=st.sampled_from([5, 40, 1 << 20]),
)
def test_reads_back_what_csv_wrote_in_any_encoding(
    rows: list[list[str]], delimiter: str, encoding: str, piece_bytes: int
) -> None:
    if encoding == "cp932":
        rows = [[cell.replace("ü", "ソ") for cell in row] for row in rows]
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows([["head", "line"], *rows])
    options = Options(encoding=encoding, delimiter=delimiter, piece_bytes=piece_bytes)
    kept = [row for row in rows if any(cell.strip(WHITE) for cell in row)]
    assert rows_of(text.getvalue().encode(encoding), options) == [["head", "line"], *kept]


@settings(max_examples=200, deadline=None)
@given(body=hostile, piece_bytes=st.sampled_from([3, 64, 1 << 20]), record_bytes=st.sampled_from([8, 40]))
def test_small_limits_never_lose_a_line(body: bytes, piece_bytes: int, record_bytes: int) -> None:
    body = b"h1,h2\n" + body
    limits = Limits(record_bytes=record_bytes, cell_bytes=record_bytes // 2)
    options = Options(delimiter=",", encoding="utf-8", piece_bytes=piece_bytes, limits=limits)
    records, _, found = read(open_file(MemorySource(body), options))
    lines = [record.line for record in records]
    assert lines == sorted(set(lines))
    assert lines[-1] <= len(body.splitlines())
    for batch in found:
        whole = batch.frame.filter(pl.col("_flags") & FLAG_OVERLONG == 0)
        for row in cells(whole, open_file(MemorySource(body), options).detected.width):
            assert all(len(cell.encode()) <= record_bytes * 4 for cell in row)
    if not any(batch.frame["_flags"].to_numpy().any() for batch in found):
        assert records == by_csv(body)[0]


def test_absent_and_empty_cells_differ() -> None:
    frame = frame_of(b'a,b,c\n1\n2,\n3,,\n4,"",""\n5,,x\n')
    assert frame.rows() == [
        ("a", "b", "c", 1, 0),
        ("1", None, None, 2, FLAG_SHORT),
        ("2", "", None, 3, FLAG_SHORT),
        ("3", "", "", 4, 0),
        ("4", "", "", 5, 0),
        ("5", "", "x", 6, 0),
    ]


def test_surplus_cells_are_kept_beside_the_frame() -> None:
    rows = b"".join(b"%d,x\n" % i for i in range(1000))
    frame = frame_of(b"a,b\n" + rows + b'1,2,3,"f,o""ur"\n5,6,\n7,8\n')
    assert frame.columns == ["c0", "c1", "_line", "_flags", "_extra"]
    assert frame["_extra"].to_list()[-3:] == ['["3","f,o\\"ur"]', '[""]', None]


def test_the_width_covers_the_first_records_but_no_giant() -> None:
    assert open_file(MemorySource(b"a,b\n1,2,3\n4,5\n")).detected.width == 3
    giant = b"a,b\n" + b"1,2\n" * 900 + b"x" + b"," * 5000 + b"\n"
    assert open_file(MemorySource(giant)).detected.width == 2


def test_blank_records_are_left_out_and_counted() -> None:
    batch = next(batches(open_file(MemorySource('a,b\n\n , \n"",\u00a0\n1,2\n,,\n'.encode()))))
    assert batch.blank == 4
    assert batch.frame["_line"].to_list() == [1, 5]


def test_lines_count_line_ends_within_quotes() -> None:
    frame = frame_of(b'a,b\r\n"1\r\n2\n3\r4",x\r\n5,6\r7,8\n9,0')
    assert frame["_line"].to_list() == [1, 2, 6, 7, 8]
    assert frame["c0"].to_list() == ["a", "1\r\n2\n3\r4", "5", "7", "9"]


def test_stray_quotes_are_text() -> None:
    assert rows_of(b'size,note\n5" pipe,"x"y\n"a""b",\'c\'\n') == [["size", "note"], ['5" pipe', "xy"], ['a"b', "'c'"]]


def test_a_quote_open_at_the_end_is_one_flagged_record() -> None:
    frame = frame_of(b'id,name\n1,a\n2,"b\n3,c\n')
    assert frame.rows() == [("id", "name", 1, 0), ("1", "a", 2, 0), ("2", "b\n3,c\n", 3, FLAG_BROKEN)]


def test_an_overlong_record_costs_its_first_line_only() -> None:
    body = b"id,name\n" + b'1,"open\n' + b"2,fine\n" * 40
    frame = frame_of(body, Options(limits=Limits(record_bytes=100)))
    assert frame["_line"].to_list() == list(range(1, 43))
    assert frame["_flags"].to_list() == [0, FLAG_OVERLONG] + [0] * 40
    assert frame.row(1)[:2] == ("1", "open\n")


@pytest.mark.parametrize("piece_bytes", [50, 1 << 20])
def test_an_overlong_line_is_cut_off(piece_bytes: int) -> None:
    body = b"id,name\n1," + "é".encode() * 200 + b",end\n2,b\n"
    limits = Limits(record_bytes=200, cell_bytes=25)
    frame = frame_of(body, Options(piece_bytes=piece_bytes, limits=limits))
    assert frame["_line"].to_list() == [1, 2, 3]
    assert frame["c0"].to_list() == ["id", "1", "2"]
    assert frame["c1"].to_list()[1] in {"é" * 12, "é" * 11}
    assert frame["_flags"].to_list()[1] & FLAG_OVERLONG
    assert not frame["_flags"].to_list()[1] & FLAG_UNDECODABLE


def test_a_cell_at_the_limit_is_whole_and_one_past_it_is_cut() -> None:
    limits = Limits(cell_bytes=10)
    frame = frame_of(b"a,b\n1,0123456789\n2,0123456789x\n", Options(limits=limits))
    assert frame["c1"].to_list() == ["b", "0123456789", "0123456789"]
    assert frame["_flags"].to_list() == [0, 0, FLAG_OVERLONG]


def test_columns_at_the_limit_are_read_and_one_past_it_is_refused() -> None:
    options = Options(limits=Limits(columns=5))
    assert rows_of(b"a,b,c,d,e\n1,2,3,4,5\n", options)[1] == ["1", "2", "3", "4", "5"]
    with pytest.raises(OverLimit, match=r"5 columns.*setting columns"):
        open_file(MemorySource(b"a,b,c,d,e,f\n1,2,3,4,5,6\n"), options)


def test_a_further_cell_is_kept_however_late_it_comes() -> None:
    frame = frame_of(b"a,b\n" + b"1,2\n" * 1500 + b"1,2,late\n" * 3)
    assert frame["_extra"].drop_nulls().to_list() == ['["late"]'] * 3


def test_a_later_record_beyond_the_column_limit_is_cut_off() -> None:
    body = b"a,b\n" + b"1,2\n" * 1000 + b"3,4,5,6,7,8,9\n"
    frame = frame_of(body, Options(limits=Limits(columns=5)))
    assert frame.row(-1) == ("3", "4", 1002, FLAG_OVERLONG, '["5","6","7"]')


def test_undecodable_bytes_show_and_their_record_keeps_its_bytes() -> None:
    body = "id,näme\n1,ok\n".encode() + b'2,"\xff\xfe, x"\n3,\xc3\n4,fine \xef\xbf\xbd\n' + "5,é".encode() * 9
    frame = frame_of(body)
    assert frame["c1"].to_list()[:5] == ["näme", "ok", "\\xff\\xfe, x", "\\xc3", "fine \ufffd"]
    assert frame["_flags"].to_list()[:5] == [0, 0, FLAG_UNDECODABLE, FLAG_UNDECODABLE, 0]
    assert frame["_raw"].to_list()[:5] == [None, None, b'2,"\xff\xfe, x"', b"3,\xc3", None]


def test_undecodable_bytes_of_other_encodings() -> None:
    frame = frame_of("a,b\nü,x\n".encode("cp1252") + b"\x81,y\n", Options(encoding="cp1252"))
    assert frame["c0"].to_list() == ["a", "ü", "\\x81"]
    assert frame["_raw"].to_list() == [None, None, b"\x81,y"]
    lone = "a,b\nü,x\n".encode("utf-16-le") + b"\x00\xd8" + ",日\n".encode("utf-16-le")
    frame = frame_of(lone, Options(encoding="utf-16-le"))
    assert frame["c0"].to_list() == ["a", "ü", "\\x00\\xd8"]
    assert frame["_flags"].to_list() == [0, 0, FLAG_UNDECODABLE]
    assert frame["_raw"].to_list()[2] == b"\x00\xd8" + ",日".encode("utf-16-le")


@pytest.mark.parametrize("start", [b"\xef\xbb\xbf", b"x\x01", b"(\xb5/\xfd", b"x^"])
def test_a_piece_that_begins_like_another_kind_of_file_is_text(start: bytes) -> None:
    body = b"head,x\n" + start + b"a,1\n" + start + b",2\n"
    frame = frame_of(body, Options(piece_bytes=7, encoding="utf-8"))
    assert frame["c0"].to_list()[1] == (start + b"a").decode("utf-8", "backslashreplace")
    assert frame["c1"].to_list() == ["x", "1", "2"]


def test_pieces_are_small_where_frames_would_be_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("douane.sheet.formats.csv.CELLS_MAX", 20_000)
    body = b"a,b,c,d\n" + b"1\n" * 20_000
    heights = [batch.frame.height for batch in batches(open_file(MemorySource(body)))]
    assert sum(heights) == 20_001
    assert max(heights) * 4 <= 20_000


@pytest.mark.parametrize("body", [b"", b"\xef\xbb\xbf", b"\n\n \n", b",,\n,,\n", b"\xff\xfe"])
def test_an_empty_file_is_refused(body: bytes) -> None:
    with pytest.raises(BadFile, match=r"^File is empty$") as refused:
        open_file(MemorySource(body))
    assert refused.value.code == "file_empty"


@pytest.mark.parametrize(
    "body",
    [
        b"%PDF-1.7\n",
        b"\x89PNG\r\n\x1a\n",
        bytes(range(256)) * 20,
        b"<!DOCTYPE html><p>a,b</p>",
        b"BZh91AY",
        b"\x7fELF\2",
    ],
)
def test_what_is_no_text_is_refused(body: bytes) -> None:
    with pytest.raises(BadFile) as refused:
        open_file(MemorySource(body))
    assert refused.value.code == "file_type"


def test_a_person_may_fix_delimiter_and_encoding() -> None:
    assert rows_of(b"a|b,c\n1|2,3\n", Options(delimiter="|")) == [["a", "b,c"], ["1", "2,3"]]
    assert rows_of(b"a\tb\n", Options(delimiter="tab")) == [["a", "b"]]
    assert rows_of("é;x\n".encode("mac-roman"), Options(encoding="macintosh", delimiter=";")) == [["é", "x"]]
    with pytest.raises(BadRequest):
        open_file(MemorySource(b"a,b\n"), Options(delimiter="||"))
    with pytest.raises(BadFile) as refused:
        open_file(MemorySource(b"a,b\n"), Options(encoding="rot13"))
    assert refused.value.code == "encoding_unknown"


def test_a_trail_byte_is_no_delimiter() -> None:
    body = "名前|ソ\nポ|十|能\n".encode("cp932")
    assert b"|" in "ポ".encode("cp932")
    assert rows_of(body, Options(encoding="cp932", delimiter="|")) == [["名前", "ソ"], ["ポ", "十", "能"]]


@pytest.mark.parametrize(
    ("body", "delimiter"),
    [
        (b"a;b;c\n1,5;2,7;3\n2,5;3,7;4\n", ";"),
        (b"a\tb\n1,2\t3\n", "\t"),
        (b"a|b|c\nx y|z, w|1\nx|z|2\n", "|"),
        (b"name\nann@example.com\nbob@example.com\n", ","),
        (b"when\n2024-01-02 10:11:12\n2024-01-03 10:11:12\n", ","),
        (b"a b c\n1 2 3\n4 5 6\n", " "),
        (b"a:b:c\nx:1:2\ny:3:4\n", ":"),
        (b"a\x1fb\x1fc\n1\x1f2\x1f3\n", "\x1f"),
        (b"sep=;\na,b;c\n1,2;3\n", ";"),
        (b'"int", "number", "text"\n"1", "2.3", "x y"\n', ","),
        (b"a\n", ","),
    ],
)
def test_the_delimiter_is_told(body: bytes, delimiter: str) -> None:
    assert open_file(MemorySource(body)).detected.delimiter == delimiter


def test_a_sep_line_is_no_record() -> None:
    frame = frame_of(b"sep=;\r\na;b\r\n1;2\r\n")
    assert frame.rows() == [("a", "b", 2, 0), ("1", "2", 3, 0)]


def test_single_quotes_only_where_all_speaks_for_them() -> None:
    body = b"a,b\n'x,y',1\n'z',2\n"
    assert open_file(MemorySource(body)).detected.quote == "'"
    assert rows_of(body) == [["a", "b"], ["x,y", "1"], ["z", "2"]]
    assert open_file(MemorySource(b"a,b\n'tis,1\nrock 'n' roll,2\n")).detected.quote == '"'


@pytest.mark.parametrize(
    ("body", "header"),
    [
        (b"a,b\n1,2\n", 0),
        (b"1,2,3\n", None),
        (b"1,2,7\n4,5,6\n", None),
        (b"2019,2020,2021\n5,6,7\n8,9,10\n", 0),
        (b"Ann,ann@example.com\nBob,bob@example.com\n", None),
        (b'"A title",,\nFoo,Bar,Baz\n1,2,3\n', 1),
        (b"A report\n\nfoo,bar\n1,2\n3,4\n", 1),
        (b",name\n1,x\n2,y\n", 0),
        (b"name\nAnn\nBob\n", 0),
    ],
)
def test_the_heading_record_is_told(body: bytes, header: int | None) -> None:
    assert open_file(MemorySource(body)).detected.header_row == header


def test_gzip_members_are_read_as_one_file() -> None:
    body = gzip.compress(b"a,b\n1,2\n3,") + gzip.compress(b"4\n") + b"\0" * 20
    reader = open_file(MemorySource(body))
    assert reader.detected.compression == "gzip"
    assert [row for batch in batches(reader) for row in batch.frame.rows()] == [
        ("a", "b", 1, 0),
        ("1", "2", 2, 0),
        ("3", "4", 3, 0),
    ]


def test_gzip_that_ends_early_or_is_damaged_is_refused() -> None:
    body = gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (i, i * i) for i in range(5000)))
    for bad in (body[:-3], body[: len(body) // 2], body[:200] + b"\0\1\2" + body[203:], body + b"more"):
        with pytest.raises(BadFile) as refused:
            frame_of(bad)
        assert refused.value.code == "file_broken"


def test_gzip_bombs_are_refused_by_name() -> None:
    body = gzip.compress(b"a,b\n" + b"0,0\n" * 500_000)
    limits = Limits(unpacked_free_bytes=1 << 20)
    with pytest.raises(OverLimit) as refused:
        frame_of(body, Options(limits=limits))
    assert refused.value.setting == "unpacked_ratio"
    with pytest.raises(OverLimit) as refused:
        frame_of(body, Options(limits=Limits(unpacked_bytes=1 << 20)))
    assert refused.value.setting == "unpacked_bytes"


@pytest.mark.parametrize("name", [path.stem for path in sorted((DATA / "csvs").glob("*.csv"))])
def test_csv_spectrum(name: str) -> None:
    truth = json.loads((DATA / "json" / f"{name}.json").read_bytes().decode("utf-8", "replace"))
    heading, *rows = rows_of((DATA / "csvs" / f"{name}.csv").read_bytes())
    records = [dict(zip(heading, row, strict=True)) for row in rows]
    # Two of the published pairs disagree with themselves: this file lost its CRs and that number was made up.
    if name == "newlines_crlf":
        truth[1]["a"] = truth[1]["a"].replace("\r", "")
    if name == "location_coordinates":
        truth = [truth | {"Contact Phone Number": records[0]["Contact Phone Number"]}]
    assert records == truth


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b'id,size\n1,"5" pipe\n2,"7" pipe\n', 2),
        (b'id;size;x\r\n1;"a";b\r\n2;"Ann" Blum;c\r\n', 3),
        (b'id,size\n1,5" pipe\n2,"x ""y"" z"\n3,"a" ,b\n', None),
        (b'"id"\t"size"\n"1"\t"a" \n"2" \t"b"\n', None),
        (b'"id" "size"\n"1" "a"\n"2" "b"\n', None),
        (b'id,object\n1,"{""a"":""b"",""c"":""d""}"\n2,"x,""y"",z"\n', None),
    ],
)
def test_quotes_that_are_left_out_of_a_value_are_told(body: bytes, line: int | None) -> None:
    said = [note for note in open_file(MemorySource(body)).detected.notes if "closing quote" in note]
    assert [f"line {line})" in note for note in said] == ([True] if line else [])
