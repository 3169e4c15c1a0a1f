"""What calamine does not tell about the sheets of .xls and .xlsb: error cells, hidden rows and hidden columns.

Walks the records of one sheet and looks at the few that say so. Facts are from [MS-XLS] 2.4 (BoolErr, Formula, Row,
ColInfo, BoundSheet8), [MS-CFB] (the compound file around it) and [MS-XLSB] 2.4. A file that cannot be walked has no
marks: what it holds is calamine's to judge.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from douane.archive import open_archive
from douane.errors import BadFile
from douane.sheet.formats import Limits, Source

_ERRORS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}


@dataclass(slots=True)
class Marks:
    """`errors`: row from 0 -> column from 0 -> text. `hidden_rows`: from 0. `hidden_columns`: ranges (first, end)."""

    errors: dict[int, dict[int, str]] = field(default_factory=dict)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: list[tuple[int, int]] = field(default_factory=list)

    def _error(self, row: int, column: int, code: int) -> None:
        self.errors.setdefault(row, {})[column] = _ERRORS.get(code, "#N/A")


def xls_marks(data: bytes, sheet: int) -> Marks:
    """The marks of sheet number `sheet`, as the workbook counts them, of an .xls file."""
    marks = Marks()
    try:
        book = _compound_stream(data, ("Workbook", "Book"))
        starts = [struct.unpack_from("<I", body)[0] for kind, body in _records(book, 0) if kind == 0x85]
        for kind, body in _records(book, starts[sheet]):
            if kind == 0x205 and body[7]:
                row, column = struct.unpack_from("<HH", body)
                marks._error(row, column, body[6])
            elif kind in (0x06, 0x206, 0x406) and body[12:14] == b"\xff\xff" and body[6] == 2:
                row, column = struct.unpack_from("<HH", body)
                marks._error(row, column, body[8])
            elif kind == 0x208 and body[12] & 0x20:
                marks.hidden_rows.add(struct.unpack_from("<H", body)[0])
            elif kind == 0x7D and body[8] & 1:
                first, last = struct.unpack_from("<HH", body)
                marks.hidden_columns.append((first, last + 1))
    except (struct.error, IndexError, ValueError):
        return Marks()
    return marks


def xls_encrypted(data: bytes) -> bool:
    """Whether an .xls file has a FilePass record: everything after it is encrypted."""
    try:
        return any(kind == 0x2F for kind, _ in _records(_compound_stream(data, ("Workbook", "Book")), 0))
    except (struct.error, IndexError, ValueError):
        return False


def _records(stream: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """(kind, body) of the records of one part of the stream; parts inside it, such as charts, are passed over."""
    depth = 0
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<HH", stream, at)
        if kind in (0x809, 0x409, 0x209, 0x09):
            depth += 1
        elif kind == 0x0A:
            depth -= 1
            if depth <= 0:
                return
        elif depth == 1:
            yield kind, stream[at + 4 : at + 4 + length]
        at += 4 + length


def _compound_stream(data: bytes, names: tuple[str, ...]) -> bytes:
    """The first stream of one of these names. ValueError where the file's chains are broken or run in circles."""
    sector, small = 1 << struct.unpack_from("<H", data, 30)[0], 1 << struct.unpack_from("<H", data, 32)[0]
    if sector not in (512, 4096) or small != 64:
        raise ValueError("no compound file")
    directory, _, cutoff, small_start, _, more = struct.unpack_from("<6I", data, 48)

    def block(number: int) -> bytes:
        return data[(number + 1) * sector : (number + 2) * sector]

    def words(body: bytes) -> list[int]:
        return [w[0] for w in struct.iter_unpack("<I", body[: len(body) // 4 * 4])]

    tables = [n for n in words(data[76:512]) if n < 0xFFFFFFFA]
    seen: set[int] = set()
    while more < 0xFFFFFFFA:
        if more in seen:
            raise ValueError("a chain runs in a circle")
        seen.add(more)
        *numbers, more = words(block(more))
        tables += [n for n in numbers if n < 0xFFFFFFFA]
    if len(tables) > len(data) // sector + 1:
        raise ValueError("more tables than the file has room for")
    after = [n for table in tables for n in words(block(table))]

    def chain(start: int, follow: list[int]) -> Iterator[int]:
        for _ in range(len(follow) + 1):
            if start >= 0xFFFFFFFA:
                return
            yield start
            start = follow[start]
        raise ValueError("a chain runs in a circle")

    entries = b"".join(block(n) for n in chain(directory, after))
    found: dict[str, tuple[int, int]] = {}
    for at in range(0, len(entries) - 127, 128):
        length = struct.unpack_from("<H", entries, at + 64)[0]
        name = entries[at : at + max(0, min(length, 64) - 2)].decode("utf-16-le", errors="replace").lower()
        start, size = struct.unpack_from("<II", entries, at + 116)
        found.setdefault("" if at == 0 else name, (start, size))
    wanted = [found[n.lower()] for n in names if n.lower() in found]
    if not wanted:
        raise ValueError("no such stream")
    start, size = wanted[0]
    if size >= cutoff:
        return b"".join(block(n) for n in chain(start, after))[:size]
    pool = b"".join(block(n) for n in chain(found[""][0], after))
    follow = [n for s in chain(small_start, after) for n in words(block(s))]
    return b"".join(pool[n * small : (n + 1) * small] for n in chain(start, follow))[:size]


def xlsb_marks(source: Source, limits: Limits, sheet: int) -> Marks:
    """The marks of sheet number `sheet` of an .xlsb file."""
    marks = Marks()
    row = 0
    try:
        for kind, body in _binary_records(_sheet_part(source, limits, sheet)):
            if kind == 0:
                row = struct.unpack_from("<I", body)[0]
                if body[11] & 0x10:
                    marks.hidden_rows.add(row)
            elif kind in (3, 11):
                marks._error(row, struct.unpack_from("<I", body)[0], body[8])
            elif kind == 60 and body[16] & 1:
                first, last = struct.unpack_from("<II", body)
                marks.hidden_columns.append((first, last + 1))
    except (struct.error, IndexError, ValueError, BadFile):
        return Marks()
    return marks


def _sheet_part(source: Source, limits: Limits, sheet: int) -> bytes:
    archive = open_archive(source, limits)
    entries = {e.name.lower(): e for e in archive}

    def part(name: str) -> bytes:
        if name.lower() not in entries:
            raise ValueError("a part is missing")
        return archive.read(entries[name.lower()], limits.entry_bytes)

    # A bundle record: state, number, then the relation's id as a counted text.
    relations = [
        body[12 : 12 + 2 * struct.unpack_from("<I", body, 8)[0]].decode("utf-16-le")
        for kind, body in _binary_records(part("xl/workbook.bin"))
        if kind == 156
    ]
    listed = part("xl/_rels/workbook.bin.rels").decode("utf-8", errors="replace")
    for tag in re.findall(r"<Relationship\b[^>]*>", listed):
        attributes = dict(re.findall(r'\b(Id|Target)="([^"]*)"', tag))
        if attributes.get("Id") == relations[sheet]:
            target = attributes.get("Target", "")
            return part(target.lstrip("/") if target.startswith("/") else "xl/" + target)
    raise ValueError("a relation is missing")


def _binary_records(stream: bytes) -> Iterator[tuple[int, bytes]]:
    """(kind, body); kind takes one or two bytes and length up to four, seven bits each."""
    at = 0
    while at < len(stream):
        kind = stream[at]
        at += 1
        if kind & 0x80:
            kind = kind & 0x7F | (stream[at] & 0x7F) << 7
            at += 1
        length = 0
        for shift in (0, 7, 14, 21):
            byte = stream[at]
            at += 1
            length |= (byte & 0x7F) << shift
            if not byte & 0x80:
                break
        yield kind, stream[at : at + length]
        at += length
