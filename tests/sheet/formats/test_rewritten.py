"""Spellings of delimited text that `csv` does not know: read as they are meant where the file proves it."""

from __future__ import annotations

import csv
import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from douane.errors import BadFile
from douane.sheet.formats import Detected, Fact, Options, Reader, open_file, respelled, rewritten
from douane.sheet.formats.dialect import Dialect
from douane.sheet.noticed import told
from tests.sheet.formats.reading import MemorySource, batches, rows_of

CELL = st.text(st.sampled_from('ab ,;"\n\r\\é'), max_size=6)
TABLE = st.integers(2, 4).flatmap(
    lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=1, max_size=6)
)


def detected(data: bytes, options: Options = Options()) -> Detected:
    return open_file(MemorySource(data), options).detected


class Slow:
    """A source that answers a few bytes at a time, so that blocks end anywhere."""

    def __init__(self, data: bytes) -> None:
        self.data, self.size = data, len(data)

    def read(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + min(length, 7)]


def whole(source: rewritten.Forward) -> bytes:
    return source.read(0, 1 << 20)


def read_back(data: bytes, delimiter: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline=""), delimiter=delimiter))


# 0x1E and 0x1F


@pytest.mark.parametrize(
    "data",
    [
        b"id\x1fname\x1e1\x1fAnn\x1e2\x1fBob\x1e",
        b"id\x1fname\x1e\n1\x1fAnn\x1e\n2\x1fBob\x1e\n",
        b"id\x1fname\x1e1\x1fAnn\x1e2\x1fBob",
    ],
)
def test_records_and_cells_behind_their_own_signs(data: bytes) -> None:
    assert rows_of(data) == [["id", "name"], ["1", "Ann"], ["2", "Bob"]]
    assert rows_of(gzip.compress(data)) == [["id", "name"], ["1", "Ann"], ["2", "Bob"]]
    assert detected(data).delimiter == "\x1f"


def test_cells_behind_their_own_signs_hold_quotes_and_line_ends() -> None:
    data = b'id\x1fnote\x1e1\x1f"so", he\nsaid\x1e2\x1fx\x1e'
    assert rows_of(data) == [["id", "note"], ["1", '"so", he\nsaid'], ["2", "x"]]


@given(TABLE)
def test_any_table_behind_its_own_signs_comes_back(table: list[list[str]]) -> None:
    data = b"\x1e".join(b"\x1f".join(cell.encode() for cell in row) for row in table) + b"\x1e"
    if data.startswith(b"\n") or b"\x1e\n" in data or b"\x1e\r" in data or not any(any(row) for row in table):
        return  # there a line end belongs to the sign
    assert read_back(whole(rewritten.ascii_records(Slow(data), 0)), "\x1f") == table


# Blanks before quotes, escaped quotes


def test_a_blank_before_a_quote_is_no_cell() -> None:
    data = b'"id", "name", "city"\n"1", "Ann, Dr.", "Rome"\n"2", "Bob",  x\n'
    assert rows_of(data) == [["id", "name", "city"], ["1", "Ann, Dr.", "Rome"], ["2", "Bob", "  x"]]
    assert "Blanks" in detected(data).notes[0]


@pytest.mark.parametrize(
    "data",
    [
        b'a, "b" c, d\ne, "f" g, h\n',  # quotes within a text
        b'a, 5" pipe\nb, 6" pipe\n',
        b'a,b\n1, "x"\n',  # once is no proof
    ],
)
def test_blanks_stay_where_quotes_are_not_whole_cells(data: bytes) -> None:
    assert rows_of(data) == read_back(data, ",")


def test_escaped_quotes_are_quotes() -> None:
    data = b'id,quote,n\n1,"He said \\"now\\" twice",5\n2,"a \\"b\\", c \\\\ d",6\n3,"plain",7\n'
    assert rows_of(data)[1:] == [["1", 'He said "now" twice', "5"], ["2", 'a "b", c \\ d', "6"], ["3", "plain", "7"]]
    assert "backslash" in detected(data).notes[0]


@pytest.mark.parametrize(
    "data",
    [
        b'path,n\n"C:\\",1\n"D:\\",2\n',  # a path, not an escape
        b'a,b\n"x\\"y"",1\n',
    ],
)
def test_a_backslash_stays_where_it_escapes_nothing(data: bytes) -> None:
    assert rows_of(data) == read_back(data, ",")


@given(TABLE, st.sampled_from(["", " ", " \t"]), st.booleans())
def test_any_quoted_table_comes_back(table: list[list[str]], blanks: str, escapes: bool) -> None:
    def quoted(cell: str) -> str:
        inner = cell.replace("\\", "\\\\").replace('"', '\\"') if escapes else cell.replace('"', '""')
        return f'"{inner}"'

    data = "".join(f",{blanks}".join(map(quoted, row)) + "\n" for row in table).encode()
    source = rewritten.requoted(Slow(data), 0, b",", escapes=escapes, record_bytes=1 << 20)
    assert read_back(whole(source), ",") == table


def test_reading_goes_on_in_a_rewritten_file() -> None:
    data = b'"a", "b"\n' + b'"1", "x, y"\n' * 5000
    reader = open_file(MemorySource(data), Options(piece_bytes=10_000))
    all_batches = list(batches(reader))
    assert len(all_batches) > 3
    again = list(batches(reader, all_batches[1].next))
    assert [batch.frame.rows() for batch in again] == [batch.frame.rows() for batch in all_batches[2:]]


# Records quoted as a whole, texts as formulas, delimiters of several signs and rare ones

REF = [["Ref", "Name"], ["007", "Ann, Dr."], ["008", 'Bob "B"'], ["009", "Cem"]]


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        ('"id,""name"",n"\n"1,""Kay, Ann"",5"\n"2,""B"",6"\n', [["id", "name", "n"], ["1", "Kay, Ann", "5"]]),
        ('"id;n"\r\n"1;""a;b"""\r\n"2;6"\r\n', [["id", "n"], ["1", "a;b"], ["2", "6"]]),
        ('Ref,Name\n="007","Ann, Dr."\n="008","Bob ""B"""\n="009",Cem\n', REF),
        ('Ref,Name\n"=""007""","Ann, Dr."\n"=""008""","Bob ""B"""\n"=""009""",Cem\n', REF),
        (
            '"Ref;Name;x"\n"=""007"";""Ann, Dr."";x"\n"=""008"";Bob;x"\n',
            [["Ref", "Name", "x"], ["007", "Ann, Dr.", "x"]],
        ),
        (
            "id,name\n1,Kay\\, Ann\n2,C:\\\\x\\, y\n3,D:\\a\n",
            [["id", "name"], ["1", "Kay, Ann"], ["2", "C:\\x, y"], ["3", "D:\\a"]],
        ),
        ('sep=;\nRef;n\n="007";1\n="008";2\n', [["Ref", "n"], ["007", "1"], ["008", "2"]]),
        *(
            (
                sign.join(["id", "name"]) + "\n" + sign.join(["1", '5" pipe']) + "\n" + sign.join(["", "x, y"]) + "\n",
                [["id", "name"], ["1", '5" pipe'], ["", "x, y"]],
            )
            for sign in ("||", "~|~", "^|", "::", ";;")
        ),
        *(
            ("\n".join(sign.join([str(at), "é", "x"]) for at in range(4)), [["0", "é", "x"], ["1", "é", "x"]])
            for sign in ("\x01", "!", "#", "¦", "§", "，")
        ),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8-sig"])
def test_other_spellings_are_read_as_they_are_meant(data: str, rows: list[list[str]], encoding: str) -> None:
    read = rows_of(data.encode(encoding))
    assert read[: len(rows)] == rows


@pytest.mark.parametrize(
    "data",
    [
        b'"Name"\n"Doe, John"\n"Kay, Ann"\n',  # a list of names
        b'"1,5"\n"2,5"\n"3,7"\n',  # of decimals
        b'"a;b"\n"c;d"\n"e;f"\n',
        b'"Doe, J, Dr"\n"Kay, A, Dr"\n"Lee, B, Dr"\n',
        b'a,b\n=1+1,2\n="5"&"6",3\n="7",4\n',  # formulas that reckon
        b'a,b\n"x,=""1""",2\n"y",3\n',
        b"a|b||d\n1|2||4\n1|2||4\n",  # an empty column
        b"path,n\nC:\\,1\nD:\\,2\n",
        b"path,n\nC:\\,1\nD,2\n",
        b"a!!b,c\nd!!e,f\ng!!h,i\n",
        b"a::b\n10:20::c\n11:20::d\n",
        b"Item #1 # x\nItem #2 # y\nItem #3 # z\n",
        b"Hello!\nWow!\nOh!\n",
    ],
)
def test_what_is_no_other_spelling_is_read_as_it_stands(data: bytes) -> None:
    read = detected(data)
    assert rows_of(data) == read_back(data, read.delimiter or ",")
    assert not {"records_quoted", "formula_texts", "delimiter_long"} & {
        note.key for note in map(told, read.notes) if note
    }


def test_lines_of_another_spelling_are_undone_wherever_blocks_end() -> None:
    data = b'"id,""name"",n"\n' + b'"1,""Kay, Ann"",5"\n' * 3000
    found = respelled.respelling(data, whole=True, dialect=Dialect(","))
    assert found is not None
    source = respelled.respelled(Slow(data), 0, found.change, 1 << 20)
    assert whole(source) == b'id,"name",n\n' + b'1,"Kay, Ann",5\n' * 3000
    reader = open_file(MemorySource(data), Options(piece_bytes=10_000))
    all_batches = list(batches(reader))
    again = list(batches(reader, all_batches[1].next))
    assert [batch.frame.rows() for batch in again] == [batch.frame.rows() for batch in all_batches[2:]]


# The end-of-file sign, stray quotes


@pytest.mark.parametrize("end", [b"\x1a", b"\r\n\x1a", b"\x1a\x1a\x1a"])
def test_the_end_of_file_sign_of_dos_is_no_record(end: bytes) -> None:
    data = b"a,b\r\n1,2\r\n3,4" + end
    assert rows_of(data) == [["a", "b"], ["1", "2"], ["3", "4"]]
    assert "0x1A" in detected(data).notes[0]
    assert rows_of(gzip.compress(data)) == rows_of(data)
    told = (Fact("end_sign", 1),)
    for size in (5, 12, 1 << 20):  # of the pieces: the file ends within one, with one, and with the only one
        of_pieces = [batch.facts for batch in batches(opened(gzip.compress(data), piece_bytes=size))]
        assert of_pieces == [*[()] * (len(of_pieces) - 1), told]
        assert all(not batch.facts for batch in batches(opened(gzip.compress(data + b"\n5,6"), piece_bytes=size)))
    with pytest.raises(BadFile, match="empty"):
        detected(b"\x1a")
    assert rows_of(b"a,b\n1,\x1a\n3,4\n")[1] == ["1", "\x1a"]


def opened(data: bytes, piece_bytes: int) -> Reader:
    return open_file(MemorySource(data), Options(piece_bytes=piece_bytes))


def test_a_quote_that_joins_lines_and_ends_in_a_text_is_told() -> None:
    [batch] = batches(open_file(MemorySource(b'a,b,c\n1,x,ok\n2,y,"bad\n3,z,"fine"\n4,w,ok\n')))
    assert batch.facts == (Fact("quote_joins_lines", 1, (3,)),)
    [clean] = batches(open_file(MemorySource(b'a,b\n1,"x\ny"\n2,"z" w\n')))
    assert clean.facts == ()
