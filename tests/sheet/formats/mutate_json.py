"""Random JSON, read by a kernel that was built to watch itself, and compared with what is read without it."""

from __future__ import annotations

import random

from douane.errors import DouaneError
from douane.sheet import native
from douane.sheet.formats import Limits, Options
from douane.sheet.formats import json as json_member
from tests.sheet.formats.reading import MemorySource
from tests.sheet.kernel import reading_with

TOKENS = (
    *(b"{", b"}", b"[", b"]", b'"', b'"', b",", b":", b"\\", b"\n", b"\n", b" ", b"\r", b"\0", b"\xff", b"-", b"1"),
    *(b'{"a":1,"b":"x"}\n', b'{"a":null,"b":[1, {"c" : "d"}]}\n', b'{"b":"more than sixteen bytes"},', b'"a":', b"e"),
    *(b'"\\ud83d\\ude00"', b'"\\ud800"', b'"\\u00fc"', b"true", b"null", b"1.5E+3", b'"\\"]}"', b"\xe2\x82"),
)  # fmt: skip
SEEDS = (
    b'[{"a":1,"b":"x"},\n {"a":null,"b":[1, {"c" : "d"}]},\n {"b":"a text of more than sixteen bytes"}]',
    b'{"a":1,"b":"x"}\n{"a":null,"b":[1, {"c" : "d"}]}\n{"\\u0061":"\\ud83d\\ude00 and more, so that it is long"}\n',
)
SMALL = Limits(cell_bytes=13, json_digits=4, json_depth=3)
LIMITS = (Limits(), Limits(), SMALL, Limits(record_bytes=40, cell_bytes=20))


def seed(chance: random.Random) -> bytes:
    return chance.choice(SEEDS) + b"".join(chance.choices(TOKENS, k=chance.randint(0, 20)))


def compare(kernel: native.Kernel, text: bytes, chance: random.Random) -> None:
    options = Options(piece_bytes=chance.choice((7, 64, 1 << 20)), limits=chance.choice(LIMITS))
    with reading_with(None):
        plain = _read(text, options)
    with reading_with(kernel):
        found = _read(text, options)
    assert found == plain, (text, options, found, plain)


def _read(text: bytes, options: Options) -> list[object]:
    found: list[object] = []
    try:
        for piece in json_member.open(MemorySource(text), options).pieces():
            batch = piece.parse()
            found += [batch.frame.to_dict(as_series=False), batch.blank, batch.next]
    except DouaneError as refusal:
        found.append(str(refusal))
    return found
