from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import polars as pl
import pyarrow as pa
import pytest
from openpyxl.utils.escape import unescape

from douane import encodings, workbook
from douane.encodings import xlsx
from douane.errors import BadRequest
from douane.web.spreadsheet.rows import asked_type
from tests.package import install
from tests.sheet.formats.reading import rows_of

PAGE = (Path(__file__).parents[2] / "docs" / "encodings.md").read_text()


class Rows:
    """A table of text columns; those of `numbers` hold numbers."""

    def __init__(self, *frames: pl.DataFrame, numbers: frozenset[str] = frozenset()) -> None:
        self._frames, self.numbers = frames, numbers

    def frames(self) -> Iterator[pl.DataFrame]:
        yield from self._frames

    texts = cells = frames

    def delimited(self) -> Iterator[bytes]:
        return encodings.csv.blocks(self.frames())

    def records(self) -> Iterator[bytes]:
        for frame in self._frames:
            for row in frame.iter_rows(named=True):
                yield json.dumps(row).encode() + b"\n"


def frame(**columns: list[str | None]) -> pl.DataFrame:
    return pl.DataFrame({name: pl.Series(texts, dtype=pl.String) for name, texts in columns.items()})


EMPTY = frame(a=[], n=[])
TABLE = Rows(EMPTY, frame(a=["x", None], n=["1", "2.5"]), frame(a=["z"], n=["-3"]), numbers=frozenset({"n"}))


class Pipe(io.RawIOBase):
    """Takes bytes and cannot seek, as the line to the parent."""

    def __init__(self) -> None:
        self.taken = b""

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        self.taken += bytes(data)  # type: ignore[call-overload]
        return len(bytes(data))  # type: ignore[call-overload]


def encoded(name: str, table: Rows, folder: Path) -> bytes:
    out = Pipe()
    encodings.member(name).encode(table, folder, out)  # type: ignore[arg-type]
    return out.taken


def sheet(data: bytes) -> list[tuple[object, ...]]:
    return list(openpyxl.load_workbook(io.BytesIO(data)).worksheets[0].iter_rows(values_only=True))


def test_every_member_gives_the_same_table(tmp_path: Path) -> None:
    rows = [("x", "1"), (None, "2.5"), ("z", "-3")]
    assert encoded("csv", TABLE, tmp_path) == b"a,n\r\nx,1\r\n,2.5\r\nz,-3\r\n"
    assert [tuple(json.loads(line).values()) for line in encoded("ndjson", TABLE, tmp_path).splitlines()] == rows
    assert pl.from_arrow(pa.ipc.open_stream(encoded("arrow", TABLE, tmp_path)).read_all()).rows() == rows  # type: ignore[union-attr]
    assert pl.read_parquet(io.BytesIO(encoded("parquet", TABLE, tmp_path))).rows() == rows
    assert sheet(encoded("xlsx", TABLE, tmp_path)) == [("a", "n"), ("x", 1), (None, 2.5), ("z", -3)]


@pytest.mark.parametrize("name", list(encodings.MENU))
def test_a_table_without_rows_is_a_whole_one(name: str, tmp_path: Path) -> None:
    data = encoded(name, Rows(EMPTY), tmp_path)
    match name:
        case "csv":
            assert data == b"a,n\r\n"
        case "ndjson":
            assert data == b""
        case "arrow":
            assert pa.ipc.open_stream(data).read_all().num_rows == 0
        case "parquet":
            assert pl.read_parquet(io.BytesIO(data)).shape == (0, 2)
        case "xlsx":
            assert sheet(data) == [("a", "n")]


ODD = [
    "=1+1", "@SUM(A1)", "+49 30", "-x", "'", " lead and trail ", "a\nb", "a\r\nb", "tab\there", "<a & b>", "]]>", '"',
    "ä€𝄞", "\x01\x1f", "_x0041_", "_x0041", "__x000D_x", "\ufffe\uffff", "1e5", "007", "2024-01-31", "TRUE", "#N/A",
    "x" * 32_767,
]  # fmt: skip


def test_a_workbook_holds_texts_exactly(tmp_path: Path) -> None:
    data = encoded("xlsx", Rows(frame(t=ODD)), tmp_path)
    # The library that reads it here leaves signs that are written by their number as they stand.
    assert [unescape(str(text)) for (text,) in sheet(data)] == ["t", *ODD]
    book = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]
    assert {cell.data_type for row in book.iter_rows() for cell in row} == {"s"}
    # And so does our own reader, which knows them.
    assert [text for (text,) in rows_of(data)] == ["t", *ODD]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("0", 0), ("-0.5", -0.5), ("0.1", 0.1), ("123456789012345", 123456789012345),
        ("0.00000123456789012345", 1.23456789012345e-06),
        # More digits than such a program keeps, or spelled in a way of their own: as text, to the last sign.
        ("1234567890123456", "1234567890123456"), ("0.1234567890123456", "0.1234567890123456"), ("1e5", "1e5"),
        ("00", "00"), ("1,5", "1,5"), ("+1", "+1"), ("1.", "1."), (".5", ".5"), ("x", "x"), ("", None), (None, None),
    ],
)  # fmt: skip
def test_a_number_is_one_where_that_is_exact(text: str | None, cell: object, tmp_path: Path) -> None:
    table = Rows(frame(k=["k"], n=[text]), numbers=frozenset({"n"}))
    assert sheet(encoded("xlsx", table, tmp_path))[1] == ("k", cell)
    assert sheet(encoded("xlsx", Rows(*table.frames()), tmp_path))[1] == ("k", text or None)


def test_what_a_workbook_cannot_hold_is_refused_before_the_first_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(table: Rows) -> str:
        out = Pipe()
        with pytest.raises(BadRequest) as error:
            encodings.member("xlsx").encode(table, tmp_path, out)  # type: ignore[arg-type]
        assert out.taken == b""
        return error.value.message

    # At the limit and one past it: characters are counted as the program counts, an astral one twice.
    assert encoded("xlsx", Rows(frame(a=["ä" * 32_767, "𝄞" * 16_383])), tmp_path)
    assert "32,767 characters" in refused(Rows(frame(a=["x" * 32_768])))
    assert "32,767 characters" in refused(Rows(frame(a=["𝄞" * 16_384])))
    assert "32,767 characters" in refused(Rows(frame(**{"x" * 32_768: ["x"]})))
    monkeypatch.setattr(xlsx, "ROWS_MAX", 3)
    assert len(sheet(encoded("xlsx", TABLE, tmp_path))) == 4
    assert "at most 3 rows" in refused(Rows(*TABLE.frames(), frame(a=["y"], n=["1"])))
    monkeypatch.setattr(xlsx, "COLUMNS_MAX", 1)
    assert "at most 1 columns" in refused(TABLE)
    monkeypatch.setattr(workbook, "SHEET_BYTES_MAX", (1 << 20) + 500)
    assert "too much" in refused(Rows(frame(a=["x" * 500])))


def test_the_page_lists_the_menu() -> None:
    listed = re.findall(r"^\| `([a-z]+)` \| `([^`]+)` \|", PAGE, re.MULTILINE)
    assert dict(listed) == {name: one.MEDIA_TYPE for name, one in encodings.MENU.items()}


def test_a_member_of_another_package_goes_through_every_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = re.search(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert source is not None
    # As a package would: the module itself is the member. Our own names cannot be taken.
    module = install(tmp_path, monkeypatch, source[1], {})
    points = f"[douane.encodings]\ntsv = {module}\ncsv = {module}\n"
    (tmp_path / f"{module}-1.0.dist-info" / "entry_points.txt").write_text(points)
    encodings.shelf.cache_clear()
    try:
        assert encodings.media_types()["tsv"] == "text/tab-separated-values"
        assert encodings.media_types()["csv"] == "text/csv"
        assert encoded("tsv", TABLE, tmp_path) == b"a\tn\nx\t1\n\t2.5\nz\t-3\n"
        assert asked_type("text/tab-separated-values") == "text/tab-separated-values"
    finally:
        encodings.shelf.cache_clear()
    with pytest.raises(BadRequest, match="no format nothing"):
        encodings.member("nothing")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full is Linux'")
@pytest.mark.parametrize("name", ["parquet", "xlsx"])
def test_a_full_disk_stops_no_download(name: str, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    expected, found = Pipe(), Pipe()
    encodings.member(name).encode(TABLE, tmp_path / "there", expected)  # type: ignore[arg-type]
    (tmp_path / "whole").symlink_to("/dev/full")
    encodings.member(name).encode(TABLE, tmp_path, found)  # type: ignore[arg-type]
    assert found.taken == expected.taken
