"""Delimited text: every cell as Python's `csv` reads it, wherever the pieces are cut."""

from __future__ import annotations

import csv
import io
import itertools
from dataclasses import dataclass

from hypothesis import example, given, settings
from hypothesis import strategies as st

from douane.sheet.formats import (
    Batch,
    Options,
    Position,
    Reader,
    open_file,
)
from douane.sheet.formats.dialect import WHITE
from tests.sheet.formats.reading import MemorySource, batches, cells


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
