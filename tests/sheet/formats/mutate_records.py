"""Random bytes as records, texts and numbers of binary workbooks, found by the kernel and one by one."""

from __future__ import annotations

import random
import struct
from itertools import pairwise

import numpy as np
import polars as pl

from douane.errors import BadFile
from douane.sheet import native
from douane.sheet.formats import biff, cell_text, sheet_frame, xlsb
from douane.sheet.formats.number_formats import DATE, DATETIME, NUMBER, TIME, NumberFormat
from douane.sheet.native import cells, frames, records
from tests.sheet.formats.reading import MemorySource
from tests.sheet.kernel import reading_with

TEXTS = ("", "plain", "thirteen bytes", "Ü\u07ff", "\u0800日本語の長い文字列", "\U0001f600 of two units", "\uffff")
TOKENS = (b"\0", b"\1", b"\x3c\0\4\0", b"\xff\xff", b"\x3c\0\0\0", b"\0\xd8", b"\4", b"\x0c", b"\5\0\0plain")
TOKENS_12 = (b"\0", b"\1", b"\0\x0c", b"\x91\1\0", b"\x92\1\0", b"\xff\xff\xff\x7f", b"\x0f\5", b"\xff", b"\2\x0c")


def seed(chance: random.Random) -> bytes:
    """Records of BIFF12, some of which are whole."""
    made = bytearray()
    for _ in range(chance.randint(0, 8)):
        kind, length = chance.choice((0, 7, 127, 128, 145, 16_383)), chance.choice((0, 1, 12, 127, 128, 300))
        made += bytes((kind,) if kind < 0x80 else (kind & 0x7F | 0x80, kind >> 7))
        made += bytes((length,) if length < 0x80 else (length & 0x7F | 0x80, length >> 7))
        made += chance.randbytes(length)
    return bytes(made)


def shared_texts(chance: random.Random) -> bytes:
    """Shared texts of BIFF8, cut into records anywhere, though mostly where a record may end."""
    pieces = [bytes(8)]
    for _ in range(chance.randint(0, 9)):
        text, runs, more = chance.choice(TEXTS), chance.choice((0, 0, 0, 1, 3)), chance.choice((0, 0, 0, 5))
        wide = not text.isascii() or chance.random() < 0.2
        body = text.encode("utf-16-le" if wide else "latin-1")
        head = struct.pack("<HB", len(body) >> wide, wide | 8 * (runs > 0) | 4 * (more > 0))
        head += struct.pack("<H", runs) * (runs > 0) + struct.pack("<I", more) * (more > 0)
        at = chance.randint(0, len(body))
        pieces += [head, body[:at], bytes([wide]) + body[at:]] if chance.random() < 0.1 else [head + body]
        pieces.append(bytes(4 * runs + more))
    made = bytearray()
    body = b""
    for number, piece in enumerate(pieces):
        body += piece
        if number == len(pieces) - 1 or (number and chance.random() < 0.2):
            made += struct.pack("<HH", 0x3C if made else 0xFC, len(body)) + body
            body = b""
    return bytes(made)


def told(stream: bytes, kernel: native.Kernel | None) -> tuple[list[str], str]:
    found: list[str] = []
    with reading_with(kernel):
        try:
            for some in biff.shared_texts(MemorySource(stream), 0):
                found += some.to_list()
        except BadFile as error:
            # How many were handed out before depends on how many are taken at once.
            return [], str(error)
    return found, ""


def record_12(kind: int, body: bytes) -> bytes:
    head = bytes((kind,) if kind < 0x80 else (kind & 0x7F | 0x80, kind >> 7))
    length = len(body)
    return head + bytes((length,) if length < 0x80 else (length & 0x7F | 0x80, length >> 7)) + body


def sheet_12(chance: random.Random) -> bytes:
    """A sheet of BIFF12 in order, mostly."""
    made = record_12(129, b"") + record_12(148, bytes(16)) + record_12(145, b"")
    row = -1
    for _ in range(chance.randint(0, 6)):
        row += chance.choice((1, 1, 1, 5, 0))
        flags = chance.choice((0, 0, 0x10))
        made += record_12(0, struct.pack("<i7xB", row, flags) + bytes(5) * chance.randint(0, 1))
        column = -1
        for _ in range(chance.randint(0, 5)):
            kind = chance.choice((*range(1, 19), 62, 50))
            column += 1 if 12 <= kind <= 18 else chance.choice((1, 1, 2, 0, 20_000) if chance.random() < 0.1 else (1,))
            head = b"" if 12 <= kind <= 18 else struct.pack("<i", column)
            text = chance.choice(TEXTS).encode("utf-16-le")
            value = {
                **dict.fromkeys((2, 13), struct.pack("<I", chance.choice((6, 7, 0x40590001, 0xFFFFFFFE)))),
                **dict.fromkeys((5, 9, 16), struct.pack("<d", chance.choice((1.5, -2.0, float("nan"))))),
                **dict.fromkeys((6, 8, 17), struct.pack("<I", len(text) // 2) + text),
                **dict.fromkeys((7, 18), struct.pack("<I", chance.choice((0, 9, 0xFFFFFFFF)))),
                62: b"\1" + struct.pack("<I", len(text) // 2) + text + bytes(8),
            }.get(kind, b"\1")
            made += record_12(kind, head + struct.pack("<I", chance.randint(0, 3) | 1 << 24) + value)
    return made + record_12(146, b"") + record_12(130, b"")


def cells_told(blocks: list[bytes], kernel: native.Kernel | None) -> list[object]:
    rows, found = xlsb._Rows(1 << 20), list[object]()
    with reading_with(kernel):
        try:
            for block in blocks:
                cells = None if rows.ended else rows.cells(block)
                if cells is not None:
                    per_row = cells.lines.tolist(), cells.hidden.tolist()
                    per_cell = cells.row.tolist(), cells.column.tolist(), cells.type.tolist(), cells.style.tolist()
                    found += [per_row, per_cell, cells.value.tobytes(), cells.texts] if len(cells.row) else []
        except BadFile as error:
            return [*found, str(error)]
    return [found, rows.ended, rows._begun, rows._last, rows._data]


def compare_cells(kernel: native.Kernel, sheet: bytes, chance: random.Random) -> None:
    cuts = sorted(chance.randint(0, len(sheet)) for _ in range(chance.randint(0, 3)))
    blocks = [sheet[a:b] for a, b in zip([0, *cuts], [*cuts, len(sheet)], strict=True)]
    assert cells_told(blocks, kernel) == cells_told(blocks, None), blocks


def compare_frames(kernel: native.Kernel, chance: random.Random) -> None:
    pool = pl.concat(pl.Series(chance.choices(TEXTS, k=chance.randint(0, 5)), dtype=pl.String) for _ in range(4))
    rows, width = chance.randint(1, 6), chance.randint(1, 4)
    count = chance.randint(0, 20) if len(pool) else 0
    draws = [np.array([chance.randrange(most) for _ in range(count)], np.uint32) for most in (rows, width, len(pool))]
    cells = (draws[0], draws[1], draws[2], np.array(chance.choices(range(7), k=count), np.uint8))
    extent = np.array([max(draws[1][draws[0] == row] + 1, default=0) + chance.randint(0, 2) for row in range(rows)])
    plain = sheet_frame._gathered(pool, cells, extent, width)
    size = int(pool.str.len_bytes().to_numpy()[cells[2]].sum())
    found = frames.columns(kernel, pool, cells, extent, width, size)
    assert found is not None
    assert found[0].equals(plain.select(f"c{i}" for i in range(width))), (pool, cells)
    assert found[1].tolist() == [plain[f"k{i}"].to_list() for i in range(width)]
    assert found[0].drop_nulls().equals(plain.select(found[0].columns).drop_nulls())
    beyond = cells[0], cells[1], cells[2] + np.uint32(len(pool)), cells[3]
    assert not count or frames.columns(kernel, pool, beyond, extent, width, 1000) is None


def numbers(chance: random.Random) -> list[float]:
    one: list[float] = [
        0.0,
        -0.0,
        1e15,
        999999999999999.0,
        59.0,
        60.0,
        61.0,
        2958465.9999999999,
        2957003.5,
        0.9999999999,
    ]
    one += [chance.uniform(-10, 3e6) for _ in range(4)] + [chance.randint(0, 10**8) / 10 ** chance.randint(0, 8)]
    one += [float(chance.randint(-(10**6), 3 * 10**6)), chance.randint(0, 86_400_000 * 100) / 86_400_000]
    return [*one, struct.unpack("<d", chance.randbytes(8))[0]]


def compare_numbers(kernel: native.Kernel, values: list[float], chance: random.Random) -> None:
    form = NumberFormat(chance.choice((NUMBER, DATE, DATETIME, TIME)))
    from_1904 = chance.random() < 0.3
    answers = []
    for way in (kernel, None):
        with reading_with(way):
            series = pl.Series(values, dtype=pl.Float64)
            texts, kinds = cell_text.formatted_floats(series, form, from_1904=from_1904)
            answers.append((texts.to_list(), kinds.tolist()))
    assert answers[0] == answers[1], (values, form, from_1904)


def compare_rows(kernel: native.Kernel, chance: random.Random) -> None:
    places = [(chance.randrange(6), chance.randrange(6)) for _ in range(chance.randrange(8))]
    if chance.random() < 0.7:
        places = sorted(set(places))
    row, column = (np.array([place[at] for place in places], np.int64) for at in (0, 1))
    found = cells.in_rows(kernel, row, column)
    if any(one >= other for one, other in pairwise(places)):
        assert found is None, places
        return
    assert found is not None, places
    lines = sorted({place[0] + 1 for place in places})
    assert found.lines.tolist() == lines, places
    assert found.row.tolist() == [lines.index(place[0] + 1) for place in places]
    assert found.column.tolist() == column.tolist()


def compare(kernel: native.Kernel, data: bytes, chance: random.Random) -> None:
    compare_numbers(kernel, numbers(chance), chance)
    compare_frames(kernel, chance)
    compare_rows(kernel, chance)
    most = chance.choice((0, 1, 3, 1 << 40))
    found, plain = records.records_12(kernel, data, most), xlsb._one_by_one(data, most)
    for name in found._fields:
        assert np.array_equal(getattr(found, name), getattr(plain, name)), (data, most, name)
    table = np.arange(1 << 16, dtype=np.uint32).astype(np.uint8) & np.uint8(15)
    eight = cells.records_8(kernel, data, table, biff.SHORTEST, cells.Room8())
    places, end = biff._one_by_one(data, 0, len(data))
    assert (eight.starts.tolist(), eight.stop) == (places.tolist(), end), data
    word = biff.words(data, "<u2")
    assert eight.kinds.tolist() == word[places].tolist()
    assert eight.lengths.tolist() == word[places + 2].tolist()
    assert eight.classes.tolist() == table[word[places]].tolist()
    texts = chance.choices(TEXTS, k=chance.randint(0, 5))
    units = [text.encode("utf-16-le") for text in texts]
    if data and chance.random() < 0.3:
        units.append(data[: len(data) // 2 * 2])
    ends = np.cumsum([len(one) for one in units], dtype=np.int64)
    series = records.texts_16(kernel, b"".join(units), ends - [len(one) for one in units], ends)
    try:
        wanted = [one.decode("utf-16-le") for one in units]
    except UnicodeDecodeError:
        assert series is None, units
    else:
        assert series is not None, units
        assert series.to_list() == wanted, units
