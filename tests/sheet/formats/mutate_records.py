"""Random bytes as records and texts of binary workbooks, found by the kernel and one by one."""

from __future__ import annotations

import random

import numpy as np

from douane.sheet import native
from douane.sheet.formats import biff, xlsb
from douane.sheet.native import records

TEXTS = ("", "plain", "thirteen bytes", "Ü\u07ff", "\u0800日本語の長い文字列", "\U0001f600 of two units", "\uffff")


def seed(chance: random.Random) -> bytes:
    """Records of BIFF12, some of which are whole."""
    made = bytearray()
    for _ in range(chance.randint(0, 8)):
        kind, length = chance.choice((0, 7, 127, 128, 145, 16_383)), chance.choice((0, 1, 12, 127, 128, 300))
        made += bytes((kind,) if kind < 0x80 else (kind & 0x7F | 0x80, kind >> 7))
        made += bytes((length,) if length < 0x80 else (length & 0x7F | 0x80, length >> 7))
        made += chance.randbytes(length)
    return bytes(made)


def compare(kernel: native.Kernel, data: bytes, chance: random.Random) -> None:
    most = chance.choice((0, 1, 3, 1 << 40))
    found, plain = records.records_12(kernel, data, most), xlsb._one_by_one(data, most)
    for name in found._fields:
        assert np.array_equal(getattr(found, name), getattr(plain, name)), (data, most, name)
    starts, stop = records.records_8(kernel, data)
    places, end = biff._one_by_one(data, 0, len(data))
    assert (starts.tolist(), stop) == (places.tolist(), end), data
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
