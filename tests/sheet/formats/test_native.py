"""The kernel reads what Python reads: every cell, line, flag and fact, whatever the bytes, dialect and limits."""

from __future__ import annotations

import gc
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from douane.errors import DouaneError
from douane.sheet import native
from douane.sheet.formats import Batch, Limits, Options, Position, Reader, open_file
from douane.sheet.formats import csv as csv_member
from douane.sheet.formats.facts import WIDER, Facts
from tests.sheet.formats.reading import MemorySource
from tests.sheet.kernel import ROOT, builder, built, reading_with

HEAD = b"h1,h2,h3\n"

hostile = st.lists(
    st.sampled_from(
        [b'"', b'"', b'"', b'""', b",", b",", b";", b"'", b"\n", b"\n", b"\r\n", b"\r", b"a", b"bc", b" ", b"\0", b"\t"]
        + [b"\xef\xbb\xbf", "ü".encode(), "日本".encode(), b"\xc2\xa0", b"\xff", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80"]
        + [b'"x"y', b'5" pipe', b'"p,q\nr"', b'"a\nb"c,', b"\n\n", b",,,", b"twelve bytes", b"thirteen bytes"]
        + [b'"a long cell with ""quotes"" within, and text"', b'"a long cell with ""quotes"" within" behind', b"x" * 64]
    ),
    min_size=1,
    max_size=120,
).map(b"".join)
limits = st.sampled_from(
    [
        Limits(),
        Limits(record_bytes=8, cell_bytes=4),
        Limits(record_bytes=40, cell_bytes=20),
        Limits(cell_bytes=13),
        Limits(columns=4),
    ]
)


@dataclass(frozen=True)
class Read:
    """`told`: facts but for wider records, which depend on where the first piece ends where pieces are tiny."""

    frame: pl.DataFrame | None
    blank: int
    told: list[object]
    refused: str = ""


def batches(reader: Reader, start: Position = Position()) -> list[Batch]:
    return [piece.parse() for piece in reader.pieces(start)]


def read(body: bytes, options: Options) -> Read:
    try:
        found = batches(open_file(MemorySource(body), options))
    except DouaneError as refusal:
        return Read(None, 0, [], str(refusal))
    return together(found)


def together(found: list[Batch]) -> Read:
    facts = Facts()
    for batch in found:
        facts.add(batch.facts)
    told = [fact for fact in facts.all() if fact.code != WIDER]
    frame = pl.concat([batch.frame for batch in found], how="diagonal") if found else None
    return Read(frame, sum(batch.blank for batch in found), list(told))


def same(one: Read, other: Read) -> None:
    assert (one.blank, one.told, one.refused) == (other.blank, other.told, other.refused)
    assert (one.frame is None) == (other.frame is None)
    if one.frame is not None and other.frame is not None:
        names = sorted(one.frame.columns)
        assert names == sorted(other.frame.columns)
        assert one.frame.select(names).rows() == other.frame.select(names).rows()


@settings(max_examples=250, deadline=None)
@given(
    body=hostile,
    delimiter=st.sampled_from([",", ",", ";", "\t", " ", "a"]),
    quote=st.sampled_from([None, None, '"', "'", ""]),
    encoding=st.sampled_from(["utf-8", "utf-8", "cp1252", "cp932", "utf-16-le"]),
    piece_bytes=st.sampled_from([3, 17, 64, 200, 1 << 20]),
    limits=limits,
)
@example(body=b'1,"a\nb"c', delimiter=",", quote=None, encoding="utf-8", piece_bytes=1 << 20, limits=Limits())
@example(body=b'"1', delimiter=",", quote=None, encoding="utf-8", piece_bytes=1 << 20, limits=Limits())
@example(body=b"1,2\r", delimiter=",", quote=None, encoding="utf-8", piece_bytes=3, limits=Limits())
@example(body=b',,,"p,q\nr"', delimiter=",", quote=None, encoding="utf-8", piece_bytes=64, limits=Limits(columns=4))
@example(body=b'""""""\n"p""",', delimiter=",", quote='"', encoding="utf-8", piece_bytes=17, limits=Limits())
def test_both_read_the_same(
    body: bytes, delimiter: str, quote: str | None, encoding: str, piece_bytes: int, limits: Limits
) -> None:
    options = Options(delimiter=delimiter, quote=quote, encoding=encoding, piece_bytes=piece_bytes, limits=limits)
    with reading_with(None):
        plain = read(HEAD + body, options)
    with reading_with(built()):
        same(read(HEAD + body, options), plain)


@settings(max_examples=25, deadline=None)
@given(body=hostile, piece_bytes=st.sampled_from([3, 17, 64]))
def test_either_goes_on_where_the_other_was_stopped(body: bytes, piece_bytes: int) -> None:
    options = Options(delimiter=",", encoding="utf-8", piece_bytes=piece_bytes)
    for first, second in ((built(), None), (None, built())):
        with reading_with(first):
            found = batches(open_file(MemorySource(HEAD + body), options))
        for done in range(1, len(found)):
            with reading_with(second):
                rest = batches(open_file(MemorySource(HEAD + body), options), found[done - 1].next)
            same(together([*found[:done], *rest]), together(found))


def test_pieces_end_with_the_last_whole_record() -> None:
    body = HEAD + b'1,"two\nlines",3\n' * 3 + b'4,"open\n'
    dialect = native.Dialect(ord(","), ord('"'), 1, 3, 3, 1 << 20, 1 << 20, 100)
    cut = built().cut(body, dialect, 100)
    assert (cut.size, cut.lines, cut.records) == (body.index(b"4,"), 7, 4)
    cut = built().cut(body, dialect, 2)
    assert (cut.lines, cut.records) == (3, 2)
    for most in (1, 63, 64, 65, 70):  # no more than so many, wherever the 64 bytes end that are looked at at once
        cut = built().cut(b"a\n" * 100, dialect, most)
        assert (cut.size, cut.lines, cut.records) == (2 * most, most, most)
        cut = built().cut(b'"\n",1\n' + b"a\n" * 100, dialect, most)
        assert (cut.size, cut.lines, cut.records) == (4 + 2 * most, most + 1, most)
    assert built().cut(b'"a\n', dialect, 9).size == 0
    assert built().cut(b"a\r", dialect, 9).size == 0  # an LF may follow
    assert built().cut(b"a\rb", dialect, 9).size == 2


@pytest.mark.parametrize("size", [0, 1, 12, 13, 63, 64, 65, 127, 128, 1000])
def test_cells_of_any_length_at_any_place(size: int) -> None:
    for before in range(1, 70, 3):
        body = b"a,b\n" + b"y" * before + b"," + b"x" * size + b"\n" + b'"' + b"z" * size + b'",1'
        with reading_with(built()):
            found = read(body, Options(delimiter=",", encoding="utf-8"))
        assert found.frame is not None
        assert found.frame.select("c0", "c1").rows()[1:] == [("y" * before, "x" * size), ("z" * size, "1")]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80) | st.text(max_size=30).map(str.encode), st.integers(0, 64))
@example(b"\xf4\x90\x80\x80", 0)
@example(b"\xe0\x80\x80", 1)
@example(b"x" * 15 + b"\xc3", 0)
@example(b"\xf0\x9f\x98\x80", 61)
@example(b"\xed\xa0\x80", 62)
@example(b"\xe6\x97", 62)
def test_utf_8_is_what_python_says_it_is(data: bytes, before: int) -> None:
    long = b"x" * before + data  # those of 64 bytes and more are looked at otherwise
    for text in (
        data,
        b"0123456789abcdef" + data,
        data + b"0123456789abcdefg",
        long,
        long + b"y" * 64,
        b"y" * 64 + long,
    ):
        try:
            text.decode()
        except UnicodeDecodeError:
            assert not built().library.douane_utf8(text, len(text))
        else:
            assert built().library.douane_utf8(text, len(text))


def test_a_text_is_held_while_cells_point_into_it() -> None:
    kernel = built()
    dialect = native.Dialect(ord(","), ord('"'), 1, 2, 2, 1 << 20, 1 << 20, 100)
    text = b"a cell beyond twelve bytes,b\n" * 10
    found = kernel.read(text, dialect, 10)
    assert found is not None
    one = found.frame["c0"]
    del found
    gc.collect()
    kernel.read(b"x,y\n", dialect, 1)
    assert text in kernel._held.values()
    assert one.to_list() == ["a cell beyond twelve bytes"] * 10
    del one
    gc.collect()
    kernel.read(b"x,y\n", dialect, 1)
    assert text not in kernel._held.values()


def test_more_records_than_there_is_room_for_are_not_for_the_kernel() -> None:
    dialect = native.Dialect(ord(","), ord('"'), 1, 2, 2, 1 << 20, 1 << 20, 100)
    assert built().read(b"a,b\n" * 3, dialect, 2) is None
    assert built().read(b"a,b\n" * 2 + b"c", dialect, 2) is None
    assert built().read(b"a,b\n" * 3, dialect, 3) is not None


def test_lines_beyond_four_bytes_stay_at_the_last() -> None:
    with reading_with(built()):
        piece = next(iter(open_file(MemorySource(b"a,b\n1,2\n3,4\n")).pieces()))
        moved = csv_member.CsvPiece(**{**{n: getattr(piece, n) for n in piece.__slots__}, "line": 2**32 - 2})
        assert moved.parse().frame["_line"].to_list() == [2**32 - 2, 2**32 - 1, 2**32 - 1]


def test_another_build_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built()
    assert native.source_stamp() == builder().stamp()
    monkeypatch.setattr(native, "LIBRARY", tmp_path / "kernel.so")
    with reading_with(None):
        assert native.load() is None
        (tmp_path / "kernel.so").write_bytes(b"\x7fELF nothing")
        assert native.load() is None
        (tmp_path / "kernel.so").write_bytes((native.FOLDER / "kernel.so").read_bytes())
        monkeypatch.setattr(native, "source_stamp", lambda: 1)
        assert native.load() is None


def test_without_a_compiler_the_build_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "false")
    assert "refused" in builder().build(tmp_path / "kernel.so")
    monkeypatch.setenv("CC", str(tmp_path / "no-compiler"))
    assert "could not be run" in builder().build(tmp_path / "kernel.so")
    monkeypatch.delenv("CC")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "no C compiler" in builder().build(tmp_path / "kernel.so")
    assert list(tmp_path.iterdir()) == []


def test_it_is_loaded_behind_the_walls_only() -> None:
    """Whoever serves or works imports all of the spreadsheet family, and has no kernel."""
    imports = "import douane.sheet.check, douane.flow.worker, douane.web.app"
    code = f"{imports}; from douane.sheet import native; print(native.kernel())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "None"
    users = [
        path
        for path in (ROOT / "douane").rglob("*.py")
        if "sheet.native" in (text := path.read_text()) and "load()" in text
    ]
    assert [path.relative_to(ROOT / "douane").as_posix() for path in users] == ["child/__main__.py"]


def test_stray_quotes_need_no_second_reader() -> None:
    """Records that Polars could not read are read at once: none is odd."""
    body = b'size,"note"\n' + b'5" pipe,"x"y\n"a""b",c"d\n' * 100
    dialect = native.Dialect(ord(","), ord('"'), 1, 2, 2, 1 << 20, 1 << 20, 100)
    found = built().read(body, dialect, 201)
    assert found is not None
    assert (found.odd, len(found.frame)) == (0, 201)
    assert found.frame.rows()[1:3] == [('5" pipe', "xy"), ('a"b', 'c"d')]
    assert np.array_equal(found.lines, np.arange(201))
    assert found.stops[:2].tolist() == [12, 25]
