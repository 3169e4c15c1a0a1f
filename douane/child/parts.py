"""Parts as the child writes them: by the kernel where it is loaded (`sheet/native`), else by Polars. Whoever reads them
sees the same."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from douane.sheet import native
from douane.staging import parts


def write_part(frame: pl.DataFrame, path: Path, batch_rows: int = parts.BATCH_ROWS) -> None:
    """As `staging/parts.write_part`."""
    kernel = native.kernel()
    if kernel is None or not kernel.write_part(frame, path, batch_rows):
        parts.write_part(frame, path, batch_rows)


def write_piece(frame: pl.DataFrame, path: Path, batch_rows: int) -> None:
    """The same of a part that becomes one with others, so all are by the kernel where it is loaded. MemoryError."""
    kernel = native.kernel()
    if kernel is None:
        parts.write_part(frame, path, batch_rows)
    elif not kernel.write_part(frame, path, batch_rows):
        raise MemoryError
