"""What a feed gives out, line by line, is what `Delivery` makes of each record by itself."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest

from douane import encodings
from douane.model.template import Column, Template
from douane.sheet import feeding, formatting, mapping
from douane.sheet.delivering import Delivery
from douane.sheet.output import Output, Some
from tests.sheet.kernel import built, reading_with

TEXTS = ["", "a", 'q"uote', "back\\slash", "line\nbreak", "tab\t", "é 漢", None, None, " trimmed ", "a,b,,c", 'n,\\,"']
NUMBERS = ["1", "1.50", "-0.0", "12345678901234567891", "1e3", "", None, "no number"]
ROWS = [7, 8, 9, 1_000_000_007]


def template_of(delimiter: str) -> Template:
    return Template(
        "T",
        (
            Column("text", "text", default="none"),
            Column("n", "n", type="Number", default=5),
            Column("list", "list", type="Select", options=("a", "b"), multi=True, delimiter=delimiter),
            Column("id", "id", default="<<uuid>>"),
            Column("unfed", "unfed", default="<<true>>"),
            Column("several", "several", type="Select", options=("a",), multi=True, default="<<[]>>"),
            Column("nothing", "nothing", default="<<undefined>>"),
            Column("null", "null", default="<<null>>"),
        ),
    )


def frame_of(chosen: random.Random, numbers: list[str | None]) -> pl.DataFrame:
    cells = {"c0": TEXTS, "c1": numbers, "c2": TEXTS, "c3": [None, None, "x"], "c4": TEXTS}
    picked = {name: [chosen.choice(values) for _ in ROWS] for name, values in cells.items()}
    lines = {"_line": [0] * len(ROWS), "_flags": [0] * len(ROWS)}
    return pl.DataFrame(lines | picked, schema_overrides=dict.fromkeys(cells, pl.String))


def encoded(fed: feeding.Fed, form: str) -> bytes:
    data = io.BytesIO()
    encodings.member(form).encode(fed, Path(), data)
    return data.getvalue()


def placed_of(frame: pl.DataFrame, rows: list[int], forgotten: list[bool]) -> feeding.Placed:
    return feeding.placed(Some(frame), np.array(rows), np.array(forgotten))


@pytest.mark.parametrize("delimiter", [",", '"', "\\", "n", ", "])
@pytest.mark.parametrize("how", ["plain", "only", "form"])
@pytest.mark.parametrize("by_kernel", [False, True], ids=["python", "kernel"])
def test_each_line_is_the_record_as_it_is_delivered(delimiter: str, how: str, by_kernel: bool) -> None:
    template = template_of(delimiter)
    keys = [column.key for column in template.columns]
    output = Output(template, mapping.layout(template, ("a", "b", "c", "d", "beside"), (0, 1, 2, 3, *[None] * 4)))
    form = {"own": {"t": "{{text}}", "many": ["{{list}}", "{{id}}"]}, "n": "{{n}}"} if how == "form" else None
    only = {"record_format": formatting.default_record(keys), "lenient": True} if how == "only" else {}
    delivery = Delivery(template, "0123", fields=output.fields, **(only or {"record_format": form}))
    fed_with: dict[str, Any] = {"record_format": form} if how == "form" else {"only": keys if only else None}
    chosen = random.Random(5)
    for _ in range(20):
        # What the kernel does not know as a number it leaves to Python, line by line.
        frame = frame_of(chosen, ["1", "1.50", "-0.0", "", None] if by_kernel else NUMBERS)
        forgotten = [chosen.random() < 0.2 for _ in ROWS]
        placed = placed_of(frame, ROWS, forgotten)
        fed = feeding.Fed(output, template, "0123", lambda placed=placed: iter([placed]), **fed_with)
        with reading_with(built() if by_kernel else None):
            lines = encoded(fed, "ndjson").splitlines()
        assert len(lines) == len(ROWS)
        for line, record, row, gone in zip(lines, output.records(frame), ROWS, forgotten, strict=True):
            wanted: Any = {"_forgotten": True} if gone else delivery.of(record, row)
            assert json.loads(line) == json.loads(msgspec.json.encode({"_upload": "0123", "_row": row, **wanted}))


def test_typed_columns_hold_the_same() -> None:
    template = template_of(",")
    output = Output(template, mapping.layout(template, ("a", "b", "c", "d", "beside"), (0, 1, 2, 3, *[None] * 4)))
    frame = frame_of(random.Random(7), ["1.5", "", None])
    placed = placed_of(frame, ROWS, [False, False, False, True])
    for exact in ((), ("n",)):
        fed = feeding.Fed(output, template, "0123", lambda: iter([placed, placed]), exact=exact)
        table = pl.read_ipc_stream(io.BytesIO(encoded(fed, "arrow")))
        assert table["_row"].to_list() == ROWS * 2
        assert table["_forgotten"].to_list() == [False, False, False, True] * 2
        assert table.schema["n"] == (pl.Float64 if exact else pl.String)
        lines = [json.loads(line) for line in encoded(fed, "ndjson").splitlines()]
        for line, row in zip(lines, table.iter_rows(named=True), strict=True):
            for key in ("text", "n", "list", "id", "several", "null"):
                value = line.get(key)
                if key == "n" and value is not None:
                    value = (None if value == "" else value) if exact else (value if value == "" else str(value))
                assert row[key] == value, key
            assert row["unfed"] == (None if "_forgotten" in line else "true")


def test_names_of_ours_hide_no_field() -> None:
    template = Template("T", (Column("_row", "r"), Column("_upload", "u")))
    output = Output(template, mapping.layout(template, ("a", "b"), (0, 1)))
    frame = pl.DataFrame({"_line": [1], "_flags": [0], "c0": ["x"], "c1": ["y"]})
    placed = placed_of(frame, [1], [False])
    fed = feeding.Fed(output, template, "0123", lambda: iter([placed]))
    assert json.loads(encoded(fed, "ndjson")) == {"__upload": "0123", "__row": 1, "_row": "x", "_upload": "y"}
    shaped = feeding.Fed(output, template, "0123", lambda: iter([placed]), record_format={"___upload": "{{_row}}"})
    assert json.loads(encoded(shaped, "ndjson")) == {"__upload": "0123", "__row": 1, "___upload": "x"}
    bare = feeding.Fed(output, template, "0123", lambda: iter([placed]), record_format="{{_row}}")
    assert json.loads(encoded(bare, "ndjson")) == {"__upload": "0123", "__row": 1, "_record": "x"}


@pytest.mark.parametrize("form", ["ndjson", "arrow"])
@pytest.mark.parametrize("forgotten", [False, True])
def test_the_same_rows_give_the_same_bytes_in_whatever_pieces_they_come(form: str, forgotten: bool) -> None:
    """A page is made of a frame of its rows by one process, and of the rows of whole parts by another."""
    template = template_of(",")
    output = Output(template, mapping.layout(template, ("a", "b", "c", "d", "beside"), (0, 1, 2, 3, *[None] * 4)))
    chosen = random.Random(11)
    numbers: list[str | None] = ["1", "1.50", "-0.0", "", "2000"]
    for turn in range(8):  # with and without the kernel, of each way to fill; and the seventh
        parts = [frame_of(chosen, numbers if turn % 2 else [*numbers, None]) for _ in range(5)]
        for column in ("c0", "c3") if turn % 3 else ():
            parts[turn % 5] = parts[turn % 5].with_columns(pl.col(column).fill_null("x"))
        if turn == 7:  # a file whose records became longer
            parts[0] = parts[0].drop("c4")
        pieces = []
        for number, part in enumerate(parts):
            at = np.flatnonzero([chosen.random() < 0.7 for _ in range(len(part))])
            gone = np.array([forgotten and chosen.random() < 0.2 for _ in at], np.bool_)
            some = Some(part, at) if number % 2 else Some(part[at])
            if len(at):
                pieces.append(feeding.placed(some, at + 4 * number, gone))
        rows = sum(len(piece.indexes) for piece in pieces)
        frame = pl.concat([piece.some.rows() for piece in pieces], how="diagonal")
        indexes = np.concatenate([piece.indexes for piece in pieces])
        gone = np.concatenate([piece.gone for piece in pieces])
        fed = feeding.Fed(output, template, "0123", lambda pieces=pieces: iter(pieces), exact=("n",))
        for size in (1, 3, rows):
            with reading_with(built() if turn % 2 else None):
                pages = [encoded(fed.page(page), form) for page in feeding.in_pages(iter(pieces), size)]
            made = []
            for start in range(0, rows, size):
                those = slice(start, start + size)
                one = feeding.placed(Some(frame[those]), indexes[those], gone[those])
                with reading_with(None):
                    made.append(encoded(fed.page([one]), form))
            assert pages == made
        with reading_with(built()):
            assert form == "arrow" or encoded(fed, form) == b"".join(made)


def test_what_only_python_knows_in_a_line_does_not_change_the_others() -> None:
    template = Template("T", (Column("n", "n", type="Number"), Column("d", "d", default="none")))
    output = Output(template, mapping.layout(template, ("a", "b"), (0, 1)))
    numbers = ["1", "2.50", "1e3", "4", "12345678901234567890.10"]
    frame = pl.DataFrame({"_line": [1] * 5, "_flags": [0] * 5, "c0": numbers, "c1": ["x", None, "y", None, ""]})
    made = []
    for kernel in (None, built()):
        fed = feeding.Fed(output, template, "0123", lambda: iter([placed_of(frame, [3, 5, 9, 10, 400], [False] * 5)]))
        with reading_with(kernel):
            made.append(encoded(fed, "ndjson"))
    assert made[0] == made[1]
    wanted = ["1", "2.5", "1000", "4", "12345678901234567890.1"]
    assert [line.split(b'"n":')[1].split(b",")[0].decode() for line in made[1].splitlines()] == wanted
