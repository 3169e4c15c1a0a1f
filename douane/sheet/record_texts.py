"""Records as texts alone: what is shown of a file before its mapping, and what `douane rows` prints."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence

import polars as pl

PREVIEW_RECORDS = 15
# What is shown of a cell before the mapping: a heading must be told from the others, a record seen at a glance.
SHOWN_CHARS, SHOWN_CHARS_MIN, SHOWN_CHARS_ALL = 1000, 16, 1_000_000


def texts_of(frame: pl.DataFrame, width: int) -> Iterator[list[str]]:
    """The records of a frame as lists of text: absent cells at the end are left out, surplus ones added."""
    present = set(frame.columns)  # asked for once: a frame makes the list anew each time
    names = [f"c{at}" for at in range(width) if f"c{at}" in present]
    extra = frame["_extra"].to_list() if "_extra" in present else None
    for at, row in enumerate(frame.select(names).iter_rows()):
        cells = list(row)
        while cells and cells[-1] is None:
            cells.pop()
        texts = ["" if cell is None else cell for cell in cells]
        if extra is not None and extra[at] is not None:
            texts += [""] * (width - len(texts)) + json.loads(extra[at])
        yield texts


def shown(records: Sequence[list[str]]) -> tuple[tuple[str, ...], ...]:
    """The first records, cut where their cells are so long or so many that nobody could look at them."""
    cells = sum(len(record) for record in records[:PREVIEW_RECORDS]) or 1
    most = max(SHOWN_CHARS_MIN, min(SHOWN_CHARS, SHOWN_CHARS_ALL // cells))
    return tuple(
        tuple(cell if len(cell) <= most else cell[: most - 1] + "…" for cell in record)
        for record in records[:PREVIEW_RECORDS]
    )


def json_lines(records: Iterator[list[str]]) -> bytes:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def csv_lines(records: Iterator[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(records)
    return text.getvalue().encode()
