"""What the kernel makes of records as they leave is what Polars makes of them, byte for byte."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from douane.encodings import parquet
from douane.sheet.mapping import layout
from douane.sheet.native import lines
from douane.sheet.output import Output
from douane.sheet.template_file import read_template
from tests.sheet.kernel import built, reading_with
from tests.sheet.mutate_lines import FORM

texts = st.none() | st.text(st.sampled_from("a,;\"\\\n\r\t\b\f\0\x1f\x7f ü日😀'=  \ufeff\u2003\x85"), max_size=20)
numbers = st.none() | st.sampled_from(
    [
        "",
        "0",
        "-0",
        "1",
        "12.50",
        "007",
        "-1.0",
        "0.10",
        ".5",
        "5.",
        "+1",
        " 2 ",
        "1e5",
        "0x10",
        "abc",
        "9007199254740993",
    ]
    + ["123456789012345.6", "123456789012345", "0.1234567890123456", "-", "00", "-00.00", "1.5.2", "1" * 40]
)
plain = st.none() | st.sampled_from(["", "0", "-0", "1", "12.50", "007", "-1.0", "0.10", "-0.00", "123456789012345"])
lists = st.none() | st.sampled_from(["", ";", "a", "a;b", "a;;b", ";a;", ";;;", " a;b ", "a; ;b", "ü;a;", "a;b;;"])


def frame(rows: list[tuple[str | None, ...]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={f"c{at}": pl.String for at in range(4)}, orient="row")


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.tuples(texts, numbers, lists, texts), min_size=1, max_size=6)
    | st.lists(st.tuples(texts, plain, lists, texts), min_size=1, max_size=6),
    kinds=st.booleans(),
)
@example(rows=[(None, None, None, None)], kinds=False)
def test_both_make_the_same(rows: list[tuple[str | None, ...]], kinds: bool) -> None:
    output, given_frame = FORM, frame(rows)
    if kinds:
        given_frame = given_frame.with_columns(pl.lit(2, pl.UInt8).alias("k3"), pl.lit(1, pl.UInt8).alias("k1"))
    exact = {}
    every_other = np.arange(0, len(rows), 2)
    for kernel in (None, built()):
        with reading_with(kernel):
            lossless = output.lossless_numbers(given_frame)
            keys = frozenset(key for key, one in lossless.items() if one)
            exact[kernel is None] = (
                output.csv(given_frame, header=False),
                output.ndjson(given_frame),
                b"".join(map(bytes, output.csv_blocks(given_frame, every_other))),
                b"".join(map(bytes, output.ndjson_blocks(given_frame, rows=every_other))),
                lossless,
                output.table(given_frame, keys).to_dict(as_series=False),
                output.cells(given_frame).rows(),
            )
    assert exact[True] == exact[False]


def made(
    how: Callable[..., Generator[memoryview, None, int]],
    columns: Sequence[lines.Column],
    rows: npt.NDArray[np.int64] | None = None,
) -> tuple[bytes, int]:
    """The lines that the kernel makes, and how many it says they are."""
    blocks, found = how(built(), columns, len(columns[-1].texts), rows), b""
    while True:
        try:
            found += next(blocks)
        except StopIteration as end:
            return found, int(end.value)


def test_a_column_may_have_any_name() -> None:
    """Polars ends the process over a zero byte in the name of a series that it hands over."""
    column = lines.Column("a\0", pl.Series("\0", ["1"]), lines.Kind.JSON, False)
    assert made(lines.ndjson, [column]) == (b'{"a\\u0000":1}\n', 1)


@pytest.mark.parametrize("cell", ["", "a", " ", None])
def test_a_record_of_one_cell(cell: str | None) -> None:
    template = read_template({"name": "t", "columns": [{"key": "text", "name": "Text", "type": "String"}]})
    output = Output(template, layout(template, ["text"], [0]))
    both = []
    for kernel in (None, built()):
        with reading_with(kernel):
            one = pl.DataFrame({"c0": [cell]}, schema={"c0": pl.String})
            both.append((output.csv(one, header=False), output.ndjson(one)))
    assert both[0] == both[1]


def test_the_kernel_makes_what_is_plain_and_gives_up_other_numbers() -> None:
    column = lines.Column("n", pl.Series(["1.50", "", None, "-0"]), lines.Kind.NUMBER, True)
    text = lines.Column("t", pl.Series([" a,b ", '"', None, ""]), lines.Kind.TEXT, True)
    assert made(lines.csv, [column, text]) == (b'1.50,"a,b"\r\n,""""\r\n,\r\n-0,\r\n', 4)
    objects = b'{"n":1.5,"t":"a,b"}\n{"n":"","t":"\\""}\n{}\n{"n":0,"t":""}\n'
    assert made(lines.ndjson, [column, text]) == (objects, 4)
    rows = np.array([0, 3])
    assert made(lines.csv, [column, text], rows) == (b'1.50,"a,b"\r\n-0,\r\n', 2)
    assert made(lines.ndjson, [column, text], rows) == (b'{"n":1.5,"t":"a,b"}\n{"n":0,"t":""}\n', 2)
    assert made(lines.csv, [column, text], rows[:0]) == (b"", 0)
    assert made(lines.csv, [column, text], rows + 1) == made(lines.csv, [column, text], rows - 1) == (b"", 0)
    odd = lines.Column("n", pl.Series(["1", "1e5", "2"]), lines.Kind.NUMBER, True)
    assert made(lines.ndjson, [odd]) == (b'{"n":1}\n', 1)
    places = lines.Column("", odd.texts, lines.Kind.PLACE, False, name=b'"at":', places=np.array([0, -7, 1 << 62]))
    assert made(lines.ndjson, [places]) == (b'{"at":0}\n{"at":-7}\n{"at":4611686018427387904}\n', 3)
    assert made(lines.ndjson, [places, odd], np.array([2])) == (b'{"at":0,"n":2}\n', 1)
    assert made(lines.csv, [places]) == (b"", 0)
    doubles = lines.doubles(built(), column.texts)
    assert doubles is not None
    assert doubles.to_list() == [1.5, None, None, 0.0]


def test_cells_in_slices_and_in_many_pieces() -> None:
    whole = pl.Series([f"text number {at} of many" for at in range(20)])
    for texts in (whole[3:9], pl.concat([whole[:5], whole[11:]], rechunk=False)):
        column = lines.Column("t", texts, lines.Kind.TEXT, True)
        assert made(lines.csv, [column]) == ("".join(f"{text}\r\n" for text in texts).encode(), len(texts))


def test_lines_come_in_blocks_that_are_whole_lines() -> None:
    texts = pl.Series([f"{at} " + "x" * 1000 for at in range(5000)])
    blocks = list(map(bytes, lines.ndjson(built(), [lines.Column("t", texts, lines.Kind.TEXT, True)], len(texts))))
    assert len(blocks) > 1
    assert all(block.endswith(b"\n") for block in blocks)
    assert b"".join(blocks) == "".join(f'{{"t":"{text}"}}\n' for text in texts).encode()


def test_what_fails_in_a_frame_of_parquet_is_raised_as_it_is(tmp_path: Path) -> None:
    def frames() -> Iterator[pl.DataFrame]:
        yield pl.DataFrame({"a": [1]})
        raise native_fault

    native_fault = OSError(28, "No space left on device")
    with pytest.raises(OSError, match="No space left") as raised:
        parquet._sink(frames(), tmp_path / "table.parquet")
    assert raised.value is native_fault


def test_nothing_is_made_outside_the_child() -> None:
    # In a program of its own: tests that do what a child does load the kernel into this one.
    program = "import douane.web.app; from douane.sheet import native; print(native.kernel())"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout == b"None\n"
