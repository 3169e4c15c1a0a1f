"""One file of JSON objects a table, one a line."""

from __future__ import annotations

import polars as pl

from douane.chat.tables import TABLES
from douane.chat.writers import Export, Out, Report, Wanted
from douane.chat.writers.rows import parts


def write(export: Export, wanted: Wanted, out: Out) -> Report:
    report = Report()
    for number, table in enumerate(TABLES):
        report.kept[table] = 0
        with (out.folder / f"{table}.ndjson").open("wb") as file:
            for frame in parts(export, table, wanted.selection):
                report.kept[table] += len(frame)
                # More than a reader that takes numbers for floats can tell apart.
                keys = [name for name in ("key_hi", "key_lo") if name in frame.columns]
                if len(frame):
                    frame.with_columns(pl.col(keys).cast(pl.String)).write_ndjson(file)
        out.progress(number + 1, len(TABLES), "tables", 0)
    return report
