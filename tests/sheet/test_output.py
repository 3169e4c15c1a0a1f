"""Records in the forms people ask for: exact numbers, absent fields, lists, CSV, NDJSON and tables."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from douane.model.template import Column, Template, Validation
from douane.sheet.check import Checker
from douane.sheet.columns.contract import SPACE
from douane.sheet.mapping import layout
from douane.sheet.output import Output


def output_of(*columns: Column, headings: tuple[str, ...] | None = None) -> Output:
    template = Template("t", columns)
    texts = headings or tuple(column.key for column in columns)
    chosen = tuple(texts.index(column.key) if column.key in texts else None for column in columns)
    return Output(template, layout(template, texts, chosen))


def frame_of(*rows: tuple[str | None, ...]) -> pl.DataFrame:
    return pl.DataFrame(
        {f"c{at}": pl.Series(cells, dtype=pl.String) for at, cells in enumerate(zip(*rows, strict=True))}
    )


def plain(records: list[dict[str, Any]]) -> Any:
    return json.loads(msgspec.json.encode(records))


PEOPLE = output_of(
    Column("id", "Id"),
    Column("n", "N", "Number"),
    Column("tags", "Tags", "Select", multi=True, delimiter=";"),
    Column("when", "When", "Date"),
    headings=("note", "id", "_", "n", "tags", "when"),
)
ROWS = frame_of(
    (' say "hi"\n', "\ufeffU1 ", "skipped", " 0x10 ", ";a;;b ;", "31/01/2024"),
    ("", "", "", "", "", ""),
    (None, "U2", "x", "12.50", None, None),
    ("\u2028\\", "=1+1", "x", "1,5", "a", "2024-01-31T00:00:00"),
)


def test_a_wide_record_asks_for_the_names_of_its_cells_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # A frame makes the list anew each time: at 16,384 columns asking per cell took twenty seconds a file.
    asked, names = [], pl.DataFrame.columns
    wide = tuple(f"h{at}" for at in range(200))
    form, frame = output_of(Column("h0", "H0"), headings=wide), frame_of(("x",) * 200)

    def count(frame: pl.DataFrame) -> list[str]:
        asked.append(frame)
        return names.__get__(frame)

    monkeypatch.setattr(pl.DataFrame, "columns", property(count, names.__set__))
    assert form.records(frame) == [dict.fromkeys(wide, "x")]
    assert len(asked) < 10


def test_a_record_is_trimmed_text_and_exact_numbers() -> None:
    assert msgspec.json.encode(PEOPLE.records(ROWS)).decode() == (
        '[{"note":"say \\"hi\\"","id":"U1","n":16,"tags":"a;b ","when":"31/01/2024"},'
        '{"note":"","id":"","n":"","tags":"","when":""},'
        '{"id":"U2","n":12.5},'
        '{"note":"\\\\","id":"=1+1","n":"1,5","tags":"a","when":"2024-01-31T00:00:00"}]'
    )


@pytest.mark.parametrize(
    ("cell", "printed"),
    [
        ("9007199254740993", "9007199254740993"),
        ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
        ("1e3", "1000"),
        ("007", "7"),
        ("12.50", "12.5"),
        ("-5.00", "-5"),
        ("100.0", "100"),
        ("-0.00", "0"),
        ("1.", "1"),
        (".0", "0"),
        ("1.2.30", '"1.2.30"'),
        ("5.501.0", '"5.501.0"'),
        ("0.00000010", "0.0000001"),
        ("1..0", '"1..0"'),
        ("1e5.0", '"1e5.0"'),
        ("1.5e10", "15000000000"),
        ("1234567890123456.50", "1234567890123456.5"),
        ("1e300", "1e+300"),
        ("1e400", '"1e400"'),
        ("Infinity", '"Infinity"'),
        ("   ", '""'),
    ],
)
def test_a_number_leaves_as_the_decimal_it_is(cell: str, printed: str) -> None:
    output = output_of(Column("n", "N", "Double"))
    assert msgspec.json.encode(output.records(frame_of((cell,)))).decode() == f'[{{"n":{printed}}}]'
    assert output.ndjson(frame_of((cell,))).decode() == f'{{"n":{printed}}}\n'


def test_ndjson_says_what_records_say() -> None:
    lines = PEOPLE.ndjson(ROWS).decode()
    assert lines.count("\n") == 4
    assert [json.loads(line) for line in lines.splitlines() if line] == plain(PEOPLE.records(ROWS))


hostile = st.sampled_from(
    ["", " 1.0", "-0", "12.50", "1e400", "\ufeff", "\u2028", '"', "\x00", "a;;b", "0x1f", "\U0001f600"]
)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(*[hostile | st.text(max_size=5)] * 3), min_size=1, max_size=8))
def test_a_record_is_the_same_beside_whole_ones_and_beside_one_that_lacks_cells(rows: list[tuple[str, ...]]) -> None:
    # Records that all have every field are made in another way than those of which one lacks some.
    output = output_of(
        Column("a", "A"), Column("n", "N", "Number"), Column("t", "T", "Select", multi=True, delimiter=";")
    )
    whole, among = output.records(frame_of(*rows)), output.records(frame_of(*rows, (None, "1", None)))
    assert msgspec.json.encode(among) == msgspec.json.encode([*whole, {"n": msgspec.Raw(b"1")}])
    assert [list(record) for record in whole] == [["a", "n", "t"]] * len(rows)


FIVE = st.tuples(*[st.none() | hostile | st.text(max_size=5)] * 5)


@settings(max_examples=100, deadline=None)
@given(st.lists(FIVE, max_size=8), st.booleans())
def test_what_is_shown_is_encoded_as_the_records_are(rows: list[tuple[str | None, ...]], cut: bool) -> None:
    output = output_of(
        Column("a", "A"),
        Column("n", "N", "Number"),
        Column("t", "T", "Select", multi=True, delimiter=";"),
        Column("ü /", "U", "Boolean"),
        headings=("a", "n", "note", "t", "ü /"),
    )
    frame = frame_of(*rows) if rows else output.empty()
    if cut:
        frame = frame.drop("c1")  # a part whose file had fewer columns
    records, shown = output.records(frame), output.shown(frame)
    assert not any(isinstance(one, dict) for one in shown)
    assert msgspec.json.encode(shown) == msgspec.json.encode(records)
    assert [list(one) for one in shown] == [list(one) for one in records]


@pytest.mark.parametrize(
    "keys", [('a"b',), ("a\\", "b"), ("line\nbreak",), tuple(f"k{at}" for at in range(300)), ("", "x")]
)
def test_whatever_the_keys_are_the_same_is_shown(keys: tuple[str, ...]) -> None:
    output, frame = output_of(Column("id", "Id"), headings=keys), frame_of(keys, (None,) * len(keys))
    assert msgspec.json.encode(output.shown(frame)) == msgspec.json.encode(output.records(frame))


texts = st.none() | st.sampled_from(["", " 1.0", "-0", "1e5", "x", "a;b", ";", "0x1f"]) | st.text(max_size=5)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=8))
def test_all_forms_hold_the_same_values(rows: list[tuple[str | None, ...]]) -> None:
    output = output_of(
        Column("a", "A"), Column("n", "N", "Number"), Column("t", "T", "Select", multi=True, delimiter=";")
    )
    frame = frame_of(*rows)
    encoded = msgspec.json.encode(output.records(frame)).decode()
    assert "[" + output.ndjson(frame).decode().rstrip("\n").replace("}\n{", "},{") + "]" == encoded
    values = [
        {key: bytes(value).decode() if isinstance(value, msgspec.Raw) else value for key, value in record.items()}
        for record in output.records(frame)
    ]
    printed = list(csv.reader(io.StringIO(output.csv(frame, header=True).decode(), newline="")))
    # In CSV a number keeps its spelling.
    spelled = [(row[1] or "").strip(SPACE) for row in rows]
    assert printed == [
        ["a", "n", "t"],
        *([value.get("a", ""), number, value.get("t", "")] for value, number in zip(values, spelled, strict=True)),
    ]
    table = output.table(frame).select("a", "n").rows()
    assert table == [(value.get("a"), value.get("n")) for value in values]


def test_csv_by_rfc_4180() -> None:
    output = output_of(Column("a", "A,x"), Column("b", "B"), headings=("a", "b", 'c"'))
    frame = frame_of(("1,2", 'q"', "l1\nl2"), ("", None, "c\rr"), (" x ", "", ""))
    assert output.csv(frame, header=True) == b'a,b,"c"""\r\n"1,2","q""","l1\nl2"\r\n,,"c\rr"\r\nx,,\r\n'
    assert output.csv(output.empty(), header=True) == b'a,b,"c"""\r\n'
    assert output.csv(output.empty(), header=False) == b""


def test_a_record_of_one_empty_cell_is_still_a_record() -> None:
    output = output_of(Column("a", "A"))
    printed = output.csv(frame_of(("",), (None,), ("x",)), header=False)
    assert list(csv.reader(io.StringIO(printed.decode(), newline=""))) == [[""], [""], ["x"]]


def test_formulas_are_escaped_only_when_asked() -> None:
    output = output_of(Column("a", "A"), Column("n", "N", "Number"))
    frame = frame_of(("=1+1", "-5"), ("@x", "-a"), ("+49 1", "+5"), ("a=b", ""))
    assert output.csv(frame, header=False).decode() == "=1+1,-5\r\n@x,-a\r\n+49 1,+5\r\na=b,\r\n"
    escaped = output.csv(frame, header=False, escape_formulas=True).decode()
    assert escaped == "'=1+1,-5\r\n'@x,'-a\r\n'+49 1,+5\r\na=b,\r\n"


# Tables


def test_a_table_has_lists_and_exact_numbers() -> None:
    table = PEOPLE.table(ROWS)
    assert table.columns == ["note", "id", "n", "tags", "when"]
    assert table["n"].to_list() == ["16", "", "12.5", "1,5"]
    assert table["tags"].to_list() == [["a", "b "], [], None, ["a"]]
    assert table["id"].to_list() == ["U1", "", "U2", "=1+1"]


def test_numbers_are_floats_only_where_all_of_them_survive() -> None:
    output = output_of(Column("n", "N", "Number"), Column("m", "M", "Double"))
    frame = frame_of(("1.50", "9007199254740993"), ("", "1"), ("0.1", "2"), (None, ""))
    lossless = output.lossless_numbers(frame)
    assert lossless == {"n": True, "m": False}
    table = output.table(frame, frozenset(key for key, exact in lossless.items() if exact))
    assert table.schema == {"n": pl.Float64, "m": pl.String}
    assert table["n"].to_list() == [1.5, None, 0.1, None]
    assert table["m"].to_list() == ["9007199254740993", "1", "2", ""]
    assert output.table(output.empty(), frozenset({"n"})).schema == table.schema


@pytest.mark.parametrize(
    ("cell", "exact"),
    [
        ("9007199254740992", True),
        ("9007199254740993", False),
        ("0.1", True),
        ("0.30000000000000004", True),
        ("0.123456789012345678", False),
        ("1e300", True),
        ("1e-400", False),
        ("123456789012345", True),
        ("x", False),
        ("", True),
    ],
)
def test_what_a_double_holds(cell: str, exact: bool) -> None:
    assert output_of(Column("n", "N", "Number")).lossless_numbers(frame_of((cell,))) == {"n": exact}


def test_a_checker_lends_its_judges() -> None:
    columns = (
        Column("id", "Id", required=True, validations=(Validation("length", max=3),)),
        Column("n", "N", "Number"),
        Column("tags", "Tags", "Select", multi=True, delimiter=";", options=("a", "b")),
        Column("when", "When", "Date", settings=(("output", "iso"),)),
    )
    template = Template("t", columns)
    where = layout(template, ("note", "id", "_", "n", "tags", "when"), (1, 3, 4, 5))
    lent = Output(template, where, Checker(template, where).judges)
    assert lent.records(ROWS) == Output(template, where).records(ROWS)
    assert lent.records(ROWS)[0]["when"] == "2024-01-31"
