"""JSON and NDJSON: the source's own text in the cells, late keys as columns, nothing lost in silence."""

from __future__ import annotations

import gzip
import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from douane.errors import BadFile, OverLimit
from douane.sheet.formats import (
    FLAG_BROKEN,
    FLAG_OVERLONG,
    FLAG_SHORT,
    FLAG_UNDECODABLE,
    Limits,
    Options,
    open_file,
)
from tests.sheet.formats.reading import MemorySource, batches, frame_of, rows_of


def test_late_keys_are_columns_and_null_is_absent() -> None:
    frame = frame_of(b'[{"a": 1, "b": null},\n {"b": "", "c": true}]')
    assert frame.rows() == [("a", "b", "c", 0, 0), ("1", None, None, 1, 0), (None, "", "true", 2, 0)]


def test_numbers_and_nested_values_keep_their_text() -> None:
    body = b'{"n":9007199254740993,"x":1e999,"z":-0,"e":1.50E+3,"o":{ "k" : [1, "a  b"] },"t":"\\u00fc\\n"}\n'
    assert rows_of(body)[1] == ["9007199254740993", "1e999", "-0", "1.50E+3", '{"k":[1,"a  b"]}', "ü\n"]


def test_a_bad_line_is_a_broken_record() -> None:
    frame = frame_of(b'{"a":1,"b":2}\n{"a":\n\n[3]\n"text"\n{"a":4}')
    assert frame.rows() == [
        ("a", "b", 0, 0),
        ("1", "2", 1, 0),
        ('{"a":', None, 2, FLAG_BROKEN),
        ("[3]", None, 4, FLAG_BROKEN),
        ('"text"', None, 5, FLAG_BROKEN),
        ("4", None, 6, 0),
    ]


def test_several_objects_on_a_line_and_objects_over_several_lines() -> None:
    assert rows_of(b'{"a":1}{"a":2}\n{"a":3} {"a":4}\n') == [["a"], ["1"], ["2"], ["3"], ["4"]]
    frame = frame_of(b'{\n "a": 1\n}\n{\n "a": 2\n}\n')
    assert frame.rows() == [("a", 0, 0), ("1", 1, 0), ("2", 4, 0)]


def test_rows_as_arrays() -> None:
    body = b'[["id","name"],[1,"x"],[2],[3,"y","z"],[null,"w"]]'
    frame = frame_of(body)
    assert frame.columns == ["c0", "c1", "c2", "_line", "_flags"]
    assert [row[:3] for row in frame.rows()] == [
        ("id", "name", None),
        ("1", "x", None),
        ("2", None, None),
        ("3", "y", "z"),
        (None, "w", None),
    ]
    assert frame["_flags"].to_list() == [0, 0, FLAG_SHORT, 0, 0]
    assert open_file(MemorySource(body)).detected.header_row == 0


def test_a_key_named_twice_is_flagged_and_its_bytes_are_kept() -> None:
    frame = frame_of(b'[{"a":1,"a":2,"t":"10:20"},{"a":3,"t":"a\\":b"}]')
    assert frame.rows() == [
        ("a", "t", 0, 0, None),
        ("2", "10:20", 1, FLAG_BROKEN, b'{"a":1,"a":2,"t":"10:20"}'),
        ("3", 'a":b', 1, 0, None),
    ]


def test_half_surrogates_and_bad_bytes_show_and_are_flagged() -> None:
    body = b'[{"s":"\\ud800"},{"s":"x\xffy"},{"s":"\\ud83d\\ude00"}]'
    frame = frame_of(body)
    assert frame["c0"].to_list() == ["s", "\\ud800", "x\\xffy", "😀"]
    assert frame["_flags"].to_list() == [0, FLAG_UNDECODABLE, FLAG_UNDECODABLE, 0]
    assert frame["_raw"].to_list() == [None, b'{"s":"\\ud800"}', b'{"s":"x\xffy"}', None]


def test_blank_records_are_counted() -> None:
    batch = next(batches(open_file(MemorySource(b'[{"a":null},{"a":" "},{"a":1}]'))))
    assert batch.blank == 2
    assert batch.frame["c0"].to_list() == ["a", "1"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32-be"])
def test_other_forms_of_unicode(encoding: str) -> None:
    body = '[{"name":"Jürgen","n":1},{"name":"日本","n":2}]\n'.encode(encoding)
    assert rows_of(body) == [["name", "n"], ["Jürgen", "1"], ["日本", "2"]]


def test_gzip_around_json() -> None:
    assert rows_of(gzip.compress(b'{"a":1}\n{"a":2}\n')) == [["a"], ["1"], ["2"]]


@pytest.mark.parametrize(
    "body",
    [
        b'[{"n":NaN}]',
        b'[{"a":1},]',
        b'[,{"a":1}]',
        b'[{"a":1} {"a":2}]',
        b'[{"a":1},,{"a":2}]',
        b'[{"a":1}',
        b'[{"a":1}],',
        b'[{"a":01}]',
        b"[{'a':1}]",
        b'[{"a":1}]]',
        b'{"a":tru}',
        b"{a:1}",
        b"[+1]",
        b'[{"a":"x\ty"}]',
        b'[{"a":1}}',
    ],
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises(BadFile) as refused:
        open_file(MemorySource(body))
    assert refused.value.code == "file_broken"


@pytest.mark.parametrize(("body", "code"), [(b"[1,2]", "file_type"), (b"[]", "file_empty"), (b"{}", "file_empty")])
def test_what_is_no_table_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(BadFile) as refused:
        open_file(MemorySource(body))
    assert refused.value.code == code


@pytest.mark.parametrize("nest", [lambda n: b"[" * n + b"]" * n, lambda n: b'{"a":' * n + b"1" + b"}" * n])
@pytest.mark.parametrize("depth", [200, 300_000])
def test_depth_is_refused_without_recursion(nest: object, depth: int) -> None:
    assert callable(nest)
    with pytest.raises(OverLimit) as refused:
        open_file(MemorySource(nest(depth)))
    assert refused.value.setting == "json_depth"


def test_limits_at_the_edge_and_one_past_it() -> None:
    limits = Limits(json_digits=20, json_depth=3, columns=2, cell_bytes=8)
    assert rows_of(b'[{"n":12345678}]', Options(limits=limits))[1] == ["12345678"]
    for body, setting in (
        (b'[{"n":%s}]' % (b"1" * 21), "json_digits"),
        (b'[{"n":[[[1]]]}]', "json_depth"),
        (b'[{"a":1,"b":2,"c":3}]', "columns"),
    ):
        with pytest.raises(OverLimit) as refused:
            open_file(MemorySource(body), Options(limits=limits))
        assert refused.value.setting == setting
    assert len(rows_of(b'[{"n":%s}]' % (b"1" * 20), Options(limits=Limits(json_digits=20)))[1][0]) == 20
    assert rows_of(b'[{"n":[[1]]}]', Options(limits=limits))[1] == ["[[1]]"]
    frame = frame_of(b'[{"s":"123456789"},{"s":"12345678"}]', Options(limits=limits))
    assert frame.rows()[1:] == [("12345678", 1, FLAG_OVERLONG), ("12345678", 1, 0)]


def test_an_overlong_line_is_flagged_and_an_overlong_value_refused() -> None:
    long = b'{"s":"' + b"z" * 500 + b'"}'
    options = Options(piece_bytes=64, limits=Limits(record_bytes=100, cell_bytes=30))
    frame = frame_of(b'{"s":1}\n' + long + b'\n{"s":2}\n', options)
    assert frame["_line"].to_list() == [0, 1, 2, 3]
    assert frame["_flags"].to_list() == [0, 0, FLAG_OVERLONG, 0]
    assert frame["c0"].to_list() == ["s", "1", long[:30].decode(), "2"]
    with pytest.raises(OverLimit) as refused:
        open_file(MemorySource(b'[{"s":1},' + long + b"]"), options)
    assert refused.value.setting == "record_bytes"


@pytest.mark.parametrize("form", ["lines", "array"])
def test_pieces_are_small_where_frames_would_be_large(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setattr("douane.sheet.formats.json.CELLS_MAX", 3_000)
    keys = b"{" + b",".join(b'"k%d":1' % i for i in range(50)) + b"}"
    values = [keys, *[b'{"k1":2}'] * 2000]
    body = b"\n".join(values) if form == "lines" else b"[" + b",".join(values) + b"]"
    heights = [batch.frame.height for batch in batches(open_file(MemorySource(body)))]
    assert sum(heights) == 2002
    assert max(heights) * 50 <= 3_100


def test_a_line_of_too_many_objects_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("douane.sheet.formats.json.CELLS_MAX", 3_000)
    with pytest.raises(BadFile, match="too many values"):
        frame_of(b'{"a":1}\n' + b'{"a":1}' * 2000 + b"\n")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
objects = st.dictionaries(st.sampled_from(["a", "b", 'c"', "d:", "é", "{", ""]), values, max_size=5)


@settings(max_examples=250, deadline=None)
@given(
    records=st.lists(objects, min_size=1, max_size=12),
    form=st.sampled_from(["array", "indented", "lines", "objects"]),
    escape=st.booleans(),
    piece_bytes=st.sampled_from([1, 30, 1 << 20]),
)
def test_reads_back_what_was_written(
    records: list[dict[str, object]], form: str, escape: bool, piece_bytes: int
) -> None:
    if form == "array":
        text = json.dumps(records, ensure_ascii=escape)
    elif form == "indented":
        text = json.dumps(records, ensure_ascii=escape, indent=2)
    else:
        indent = 1 if form == "objects" else None
        text = "\n".join(json.dumps(record, ensure_ascii=escape, indent=indent) for record in records)
    keys = list(dict.fromkeys(key for record in records for key in record))
    if not keys:
        return
    body = text.encode("utf-8", "surrogatepass")
    reader = open_file(MemorySource(body), Options(piece_bytes=piece_bytes))
    found = list(batches(reader))
    frame = pl.concat([batch.frame for batch in found], how="diagonal")
    expected = [[shown(record.get(key), escape) for key in keys] for record in records]
    expected = [row for row in expected if any(cell and cell.strip() for cell in row)]
    assert frame.select(f"c{i}" for i in range(len(keys))).rows() == [tuple(keys), *map(tuple, expected)]
    again = [batch.frame for batch in batches(reader, found[0].next)]
    assert sum(part.height for part in again) == frame.height - found[0].frame.height


def shown(value: object, escape: bool) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=escape, separators=(",", ":"))
