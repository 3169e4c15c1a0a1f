"""One Parquet file a table. Through parts on disk, which Polars then streams into one file."""

from __future__ import annotations

import polars as pl

from douane.chat.tables import TABLES
from douane.chat.writers import Export, Out, Report, Wanted
from douane.chat.writers.rows import parts


def write(export: Export, wanted: Wanted, out: Out) -> Report:
    report = Report()
    for number, table in enumerate(TABLES):
        path = out.folder / f"{table}.parquet"
        pieces = []
        report.kept[table] = 0
        for at, frame in enumerate(parts(export, table, wanted.selection)):
            pieces.append(path.with_suffix(f".{at:07}"))
            frame.write_ipc(pieces[-1], compression="lz4")
            report.kept[table] += len(frame)
        pl.scan_ipc(pieces).sink_parquet(path, compression="zstd", maintain_order=True)
        for piece in pieces:
            piece.unlink()
        out.progress(number + 1, len(TABLES), "tables", 0)
    return report
