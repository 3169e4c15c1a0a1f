"""JSON by the kernel is JSON as Python reads it: every cell, line, flag and refusal, whatever the bytes and limits."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from douane.sheet.formats import Limits, Options, open_file
from douane.sheet.formats.brackets import ends
from tests.sheet.formats.reading import MemorySource
from tests.sheet.formats.test_native import Read, batches, read, same, together
from tests.sheet.kernel import built, reading_with

# What stands where a value may stand, good and bad; and what stands between them.
scalars = st.sampled_from(
    [b"1", b"-0", b"1.50E+3", b"1e999", b"9007199254740993", b"0123", b"1.", b".5", b"-", b"+1", b"1e", b"NaN", b"tru"]
    + [b"null", b"null", b"true", b"false", b'""', b'" "', b'"\xc2\xa0"', b'"\\u00a0"', b'"a"', b'"twelve bytes"']
    + [b'"thirteen byte"', b'"a text of more than sixteen bytes"', b'"a\\"b"', b'"\\\\"', b'"\\\\\\""', b'"\\x"']
    + [b'"\\ud83d\\ude00"', b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\u00fc\\n\\/"', b'"\\u0000"', b'"\\u12"']
    + ['"日本"'.encode(), '"ü"'.encode(), b'"x\xffy"', b'"\xed\xa0\x80"', b'"\x7f"', b'"a\tb"', b'"a\nb"', b'"open']
    + [b"[]", b"{}", b'[1, "a  b"]', b'{ "k" : [1, {"z":null}] }', b'{"k":1,"k":2}', b"[1,]", b'{"k"}', b'{"k":1,}']
    + [b'["\\ud800"]', b'["\\\\", "\\"]"]', b"[[[[1]]]]", b"{", b"]", b"}", b"[", b"1" * 21]
    + [b'"{"', b'"]}"', b"\\", b'\\"', b"[1 2]"]
)
keys = st.sampled_from(
    [b'"a"', b'"a"', b'"b"', b'"c d"', b'"\\u0061"', '"é"'.encode(), b'"\\u00e9"', b'""', b"a", b'"\\ud800"']
)
spaces = st.sampled_from([b"", b"", b"", b"", b" ", b"\n", b"\r\n", b"\t", b"\x0b", b"\x1e"])
commas = st.sampled_from([b",", b",", b",", b",", b",", b",", b"", b",,", b";"])
colons = st.sampled_from([b":", b":", b":", b":", b":", b"", b"::"])
pairs = st.tuples(spaces, keys, spaces, colons, spaces, scalars, spaces)


@st.composite
def hostile_objects(draw: st.DrawFn) -> bytes:
    """Objects, most of them good, in any of the forms."""
    good = draw(st.booleans())
    drawn: list[bytes] = []
    for _ in range(draw(st.integers(1, 12))):
        if draw(st.integers(0, 9)) == 0:
            drawn.append(draw(scalars))
            continue
        inner = b"".join(b"".join(pair) + draw(commas) for pair in draw(st.lists(pairs, max_size=4)))
        drawn.append(b"{" + (inner.strip(b",") if good else inner) + b"}")
    form = draw(st.sampled_from(["lines", "lines", "array", "objects"]))
    if form == "lines":
        return b"\n".join(value.replace(b"\n", b"") if good else value for value in drawn)
    if form == "objects":
        return b"\n".join(drawn)
    between = b", " if good else draw(st.sampled_from([b",", b",\n", b" ,", b"\n", b",,", b", 3 ,"]))
    return b"[" + between.join(drawn) + draw(st.sampled_from([b"]", b"]", b"]", b"", b",]", b"]]", b"]\n", b"}"]))


limits = st.sampled_from(
    [Limits(), Limits(), Limits(cell_bytes=13), Limits(json_digits=4, json_depth=3), Limits(json_depth=1)]
    + [Limits(record_bytes=40, cell_bytes=20), Limits(columns=2)]
)
pieces = st.sampled_from([1, 30, 64, 200, 1 << 20])


@settings(max_examples=200, deadline=None)
@given(body=hostile_objects(), piece_bytes=pieces, limits=limits)
@example(body=b'{"a":1}\n{"a":"\\ud800","b":2}\n{"b":3}', piece_bytes=1 << 20, limits=Limits())
@example(body=b'[{"a":1},\n {"b":2,"b":3} , 4, {"a":5}]', piece_bytes=30, limits=Limits())
@example(body=b'{"a":"\xff"}{"a":1}\n\n{"a":"\xe2\x82\xac"}', piece_bytes=1 << 20, limits=Limits())
def test_both_read_the_same(body: bytes, piece_bytes: int, limits: Limits) -> None:
    options = Options(piece_bytes=piece_bytes, limits=limits)
    with reading_with(None):
        plain = _read(body, options)
    with reading_with(built()):
        same(_read(body, options), plain)


def _read(body: bytes, options: Options) -> Read:
    return read(b'{"a":0}\n' + body if body[:1] not in b"[{" else body, options)


@settings(max_examples=20, deadline=None)
@given(body=hostile_objects(), piece_bytes=st.sampled_from([1, 30]))
def test_either_goes_on_where_the_other_was_stopped(body: bytes, piece_bytes: int) -> None:
    options = Options(piece_bytes=piece_bytes)
    with reading_with(None):
        if read(body, options).frame is None:
            return
    for first, second in ((built(), None), (None, built())):
        with reading_with(first):
            found = batches(open_file(MemorySource(body), options))
        for done in range(1, len(found)):
            with reading_with(second):
                rest = batches(open_file(MemorySource(body), options), found[done - 1].next)
            same(together([*found[:done], *rest]), together(found))


signs = st.lists(
    st.sampled_from(
        [b"{", b"}", b"[", b"]", b'"', b'"', b"\\", b"a", b'{"a":1}', b"x" * 63] + [b"\\" * 64, b'"' + b"]" * 70 + b'"']
    )
).map(b"".join)


@settings(max_examples=200, deadline=None)
@given(text=signs, depth=st.sampled_from([0, 1]), most=st.sampled_from([1, 2, 1 << 62]))
@example(text=b"", depth=1, most=1)
@example(text=b'\\"{', depth=0, most=1)
def test_values_end_in_the_same_places(text: bytes, depth: int, most: int) -> None:
    with reading_with(None):
        plain = ends(text, depth, most)
    with reading_with(built()):
        assert ends(text, depth, most) == plain


def test_many_odd_ones_and_late_keys_keep_their_places() -> None:
    """More than are told at once, so that the first reading begins again, with more keys each time."""
    chance = np.random.default_rng(3)
    records: list[str] = []
    for number in range(1500):
        record: dict[str, object] = {f"k{key}": number for key in chance.integers(0, 5 + number // 20, 3)}
        records.append(json.dumps(record) if number % 5 else '{"k0": 1, "k0": 2}')
    for body in ("\n".join(records), "[" + ",\n".join(records) + "]"):
        with reading_with(None):
            plain = read(body.encode(), Options())
        with reading_with(built()):
            same(read(body.encode(), Options()), plain)


@pytest.mark.parametrize("count", [1, 16, 17, 3000])
def test_keys_of_any_number_are_found_again(count: int) -> None:
    names = [f"key {number}" for number in range(count)]
    body = json.dumps([dict.fromkeys(names, 1), dict.fromkeys(reversed(names), 2)]).encode()
    with reading_with(built()):
        found = read(body, Options())
    assert found.frame is not None
    assert found.frame.select(f"c{number}" for number in range(count)).rows() == [
        tuple(names),
        ("1",) * count,
        ("2",) * count,
    ]
