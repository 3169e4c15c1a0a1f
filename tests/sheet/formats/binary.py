"""Binary workbooks by hand, record by record: what no program at hand writes, and what none should."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from tests.sheet.formats.workbooks import zipped

FREE, END, TABLE, TABLE_LIST = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFC
_XLSB_KIND = "application/vnd.ms-excel"


def record(kind: int, body: bytes = b"") -> bytes:
    """One record of .xls."""
    return struct.pack("<HH", kind, len(body)) + body


def bof(what: int = 0x10, version: int = 8) -> bytes:
    """The beginning of a part: 5 a workbook, 0x10 a sheet."""
    kind = {2: 0x09, 3: 0x209, 4: 0x409}.get(version, 0x809)
    number = {5: 0x500, 8: 0x600}.get(version, 0)
    return record(kind, struct.pack("<HHHHII", number, what, 0, 0, 0, 0)[: 16 if version == 8 else 8])


def eof() -> bytes:
    return record(0x0A)


def place(row: int, column: int, style: int = 0) -> bytes:
    return struct.pack("<HHH", row, column, style)


def number(row: int, column: int, value: float, style: int = 0) -> bytes:
    return record(0x203, place(row, column, style) + struct.pack("<d", value))


def shared(row: int, column: int, index: int) -> bytes:
    return record(0xFD, place(row, column) + struct.pack("<I", index))


def text8(text: str) -> bytes:
    """A text of BIFF8: in one byte a letter where it can be."""
    try:
        letters = text.encode("latin-1")
        return struct.pack("<HB", len(letters), 0) + letters
    except UnicodeEncodeError:
        letters = text.encode("utf-16-le")
        return struct.pack("<HB", len(letters) // 2, 1) + letters


def label(row: int, column: int, text: str) -> bytes:
    return record(0x204, place(row, column) + text8(text))


def label5(row: int, column: int, text: bytes, kind: int = 0x204) -> bytes:
    return record(kind, place(row, column) + struct.pack("<H", len(text)) + text)


def formula(row: int, column: int, result: bytes, kind: int = 0x06) -> bytes:
    return record(kind, place(row, column) + result + struct.pack("<HIH", 0, 0, 3) + b"\x1e\x01\x00")


def number_format(index: int, code: str, version: int = 8) -> bytes:
    text = text8(code) if version == 8 else bytes([len(code)]) + code.encode("latin-1")
    return record(0x41E, struct.pack("<H", index) + text)


def cell_format(index: int) -> bytes:
    return record(0xE0, struct.pack("<HH", 0, index) + bytes(16))


def shared_texts(texts: Iterable[str]) -> bytes:
    """The body of the table of shared texts."""
    encoded = [text8(t) for t in texts]
    return struct.pack("<II", len(encoded), len(encoded)) + b"".join(encoded)


def book(
    *sheets: bytes, facts: bytes = b"", version: int = 8, names: tuple[str, ...] = (), states: tuple[int, ...] = ()
) -> bytes:
    """The stream of a workbook. `sheets`: the records between beginning and end of each; `facts`: records of the
    workbook's own part."""
    listed = [
        (names[i] if i < len(names) else f"Sheet{i + 1}", states[i] if i < len(states) else 0)
        for i in range(len(sheets))
    ]

    def head(starts: list[int]) -> bytes:
        entries = b""
        for (name, state), start in zip(listed, starts, strict=True):
            letters = name.encode("latin-1")
            flags = b"\0" if version == 8 else b""
            entries += record(0x85, struct.pack("<IBBB", start, state, 0, len(letters)) + flags + letters)
        return bof(5, version) + facts + entries + eof()

    parts = [bof(0x10, version) + sheet + eof() for sheet in sheets]
    start = len(head([0] * len(sheets)))
    starts = [start + sum(map(len, parts[:i])) for i in range(len(parts))]
    return head(starts) + b"".join(parts)


def xls(*sheets: bytes, facts: bytes = b"", version: int = 8) -> bytes:
    """A whole file of such a workbook."""
    return compound(book(*sheets, facts=facts, version=version), "Workbook" if version == 8 else "Book")


def compound(stream: bytes, name: str = "Workbook", others: dict[str, bytes] | None = None) -> bytes:
    """A compound file with these streams; small ones are made as long as the format wants it."""
    streams = {name: stream, **(others or {})}
    bodies = [s + bytes(max(0, 4096 - len(s))) for s in streams.values()]
    counts = [-(-len(b) // 512) for b in bodies]
    directory = -(-(len(bodies) + 1) // 4)
    data = directory + sum(counts)
    tables = lists = 0
    while tables * 128 < data + tables + lists or 109 + lists * 127 < tables:
        tables += tables * 128 < data + tables + lists
        lists = max(0, -(-(tables - 109) // 127))
    after: list[int] = []

    def chain(count: int) -> int:
        first = len(after)
        after.extend(range(first + 1, first + count))
        after.append(END)
        return first

    chain(directory)
    starts = [chain(c) for c in counts]
    first_table = len(after)
    after.extend([TABLE] * tables + [TABLE_LIST] * lists)
    after.extend([FREE] * (tables * 128 - len(after)))

    numbers = list(range(first_table, first_table + tables))
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    first_list = first_table + tables if lists else END
    head += struct.pack("<9I", 0, tables, 0, 0, 4096, END, 0, first_list, lists)
    head += struct.pack("<109I", *(numbers[:109] + [FREE] * 109)[:109])
    entries = _entry("Root Entry", 5, FREE, 1, END, 0)
    for i, (label, start, body) in enumerate(zip(streams, starts, bodies, strict=True)):
        right = i + 2 if i + 1 < len(bodies) else FREE
        entries += _entry(label, 2, right, FREE, start, len(body))
    entries += bytes(directory * 512 - len(entries))
    rest = numbers[109:]
    more = b""
    for i in range(lists):
        some = (rest[i * 127 : (i + 1) * 127] + [FREE] * 127)[:127]
        more += struct.pack("<128I", *some, first_table + tables + i + 1 if i + 1 < lists else END)
    padded = b"".join(b + bytes(-len(b) % 512) for b in bodies)
    return head + entries + padded + struct.pack(f"<{len(after)}I", *after) + more


def _entry(name: str, kind: int, right: int, child: int, start: int, size: int) -> bytes:
    letters = name.encode("utf-16-le") + b"\0\0"
    links = struct.pack("<HBBIII", len(letters), kind, 1, FREE, right, child)
    return letters.ljust(64, b"\0") + links + bytes(36) + struct.pack("<IQ", start, size)


def short_record(kind: int, body: bytes = b"") -> bytes:
    """One record of .xlsb: kind and length in as few bytes as they need."""
    head = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
    length = len(body)
    while length >= 0x80:
        head += bytes([length & 0x7F | 0x80])
        length >>= 7
    return head + bytes([length]) + body


def wide(text: str) -> bytes:
    letters = text.encode("utf-16-le")
    return struct.pack("<I", len(letters) // 2) + letters


def row(index: int, *, hidden: bool = False) -> bytes:
    """The beginning of a row of .xlsb."""
    return short_record(0, struct.pack("<IIHBBBI", index, 0, 300, 0, 0x10 if hidden else 0, 0, 0))


def cell(kind: int, column: int, value: bytes, style: int = 0) -> bytes:
    return short_record(kind, struct.pack("<II", column, style) + value)


def short_cell(kind: int, value: bytes, style: int = 0) -> bytes:
    return short_record(kind, struct.pack("<I", style) + value)


def xlsb(
    sheet: bytes,
    *,
    before: bytes = b"",
    behind: bytes = b"",
    texts: bytes | None = None,
    formats: tuple[tuple[int, str], ...] = (),
    cell_formats: tuple[int, ...] = (),
    from_1904: bool = False,
    whole_sheet: bytes | None = None,
) -> bytes:
    """A file with one sheet. `sheet`: the records of its rows; `whole_sheet` instead: all of its part."""
    if whole_sheet is None:
        data = short_record(145) + sheet + short_record(146)
        whole_sheet = short_record(129) + before + data + behind + short_record(130)
    workbook = short_record(131) + short_record(153, struct.pack("<II", int(from_1904), 0))
    workbook += short_record(156, struct.pack("<II", 0, 1) + wide("rId1") + wide("Sheet1")) + short_record(132)
    styles = b"".join(short_record(44, struct.pack("<H", index) + wide(code)) for index, code in formats)
    styles += short_record(617, struct.pack("<I", len(cell_formats)))
    styles += b"".join(short_record(47, struct.pack("<HH", 0, index) + bytes(12)) for index in cell_formats)
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    relations = [
        ("worksheet", "worksheets/sheet1.bin"),
        ("styles", "styles.bin"),
        ("sharedStrings", "sharedStrings.bin"),
    ]
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": f'<Types><Default Extension="bin" ContentType="{_XLSB_KIND}"/></Types>',
        "_rels/.rels": f'<Relationships><Relationship Id="rId1" Type="{relation}/officeDocument" '
        'Target="xl/workbook.bin"/></Relationships>',
        "xl/_rels/workbook.bin.rels": "<Relationships>"
        + "".join(
            f'<Relationship Id="rId{i}" Type="{relation}/{kind}" Target="{target}"/>'
            for i, (kind, target) in enumerate(relations, 1)
        )
        + "</Relationships>",
        "xl/workbook.bin": workbook,
        "xl/styles.bin": styles + short_record(618),
        "xl/worksheets/sheet1.bin": whole_sheet,
    }
    if texts is not None:
        parts["xl/sharedStrings.bin"] = short_record(159, bytes(8)) + texts + short_record(160)
    return zipped(parts)


def shared_text(text: str) -> bytes:
    return short_record(19, b"\0" + wide(text))
