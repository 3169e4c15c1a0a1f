"""Random records, made lines of by a kernel that was built to watch itself, and compared with what others make."""

from __future__ import annotations

import polars as pl

from douane.model.template import Column, Template
from douane.sheet import native
from douane.sheet.mapping import layout
from douane.sheet.output import Output
from tests.sheet.kernel import reading_with

TEMPLATE = Template(
    "t",
    (
        Column("text", "Text"),
        Column('n"1', "Number", "Number"),
        Column("tags", "Tags", "Select", multi=True, delimiter=";"),
        Column("date", "Date", "Date"),
    ),
)
FORM = Output(TEMPLATE, layout(TEMPLATE, ["text", 'n"1', "tags", "date"], [0, 1, 2, 3]))
FIGURES = str.maketrans({'"': "1", "\n": ".", "\r": "0", "a": "-", "b": "2", "c": "0"})


def compare(kernel: native.Kernel, text: bytes) -> None:
    """The text's pieces are the cells; those of the number column are made figures of."""
    pieces: list[str | None] = [piece or None for piece in text.decode(errors="replace").split(",")]
    pieces += [None] * (-len(pieces) % 4)
    columns = {f"c{at}": pl.Series(pieces[at::4], dtype=pl.String) for at in range(4)}
    figures = [cell if cell is None else cell.translate(FIGURES) for cell in pieces[1::4]]
    columns["c1"] = pl.Series(figures, dtype=pl.String)
    frame, made = pl.DataFrame(columns), []
    for one in (None, kernel):
        with reading_with(one):
            lossless = FORM.lossless_numbers(frame)
            exact = frozenset(key for key, holds in lossless.items() if holds)
            table = FORM.table(frame, exact).to_dict(as_series=False)
            made.append((FORM.csv(frame, header=False), FORM.ndjson(frame), lossless, table, FORM.cells(frame).rows()))
    assert made[0] == made[1], (text, made)
