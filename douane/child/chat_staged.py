"""What the child does for the staged records of a chat export as a whole; the verbs are listed in `chat.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import polars as pl

from douane import encodings
from douane.chat import check
from douane.chat.tables import TABLES, handed_out
from douane.chat.tokens import without_in
from douane.child.chat_run import Whole
from douane.line.chat import ChatStaged
from douane.staging import masks
from douane.staging.parts import read_part

# The entry is shown by its name.
_HIDDEN = ("entry", "key_hi", "key_lo")


def encode_staged(spec: ChatStaged, folder: Path, out: BinaryIO) -> None:
    """Records have their place first and what was found and done last."""
    encodings.member(spec.format).encode(Whole(partial(_frames, spec)), folder, out)


def _frames(spec: ChatStaged) -> Iterator[pl.DataFrame]:
    table = spec.table
    yield _shown(table, handed_out(table, pl.DataFrame(schema=TABLES[table])), np.zeros(0, np.uint64), [])
    for part in spec.parts:
        frame = without_in(handed_out(table, read_part(part.path)))
        words = np.zeros(len(frame), np.uint64)
        if part.mask is not None:
            mask = masks.read_mask(part.mask)
            offsets = masks.view_offsets(mask.state, spec.view)
            frame, words = frame[offsets], mask.words[offsets, 0]
        elif spec.view == "invalid":
            continue
        if len(frame):
            yield _shown(table, frame, words, spec.entries)


def _shown(table: str, frame: pl.DataFrame, words: check.Words, entries: Sequence[Path]) -> pl.DataFrame:
    found = frame.select([name for name in frame.columns if name in TABLES[table] and name not in _HIDDEN])
    if "entry" in frame.columns:
        found.insert_column(0, _names(frame["entry"], entries))
    if table not in check.RULES:
        return found
    problems: list[list[str]] = [[] for _ in words]
    for rule in check.RULES[table]:
        for row in np.flatnonzero(words & np.uint64(1 << rule.bit)):
            problems[row].append(rule.name)
    outcome, reason = np.full(len(words), None), np.full(len(words), None)
    for one in check.OUTCOMES[table]:
        rows = words & np.uint64(1 << one.bit) != 0
        outcome[rows], reason[rows] = one.outcome, one.code
    return found.with_columns(
        pl.Series("problems", problems, pl.List(pl.String)),
        pl.Series("outcome", outcome, pl.String),
        pl.Series("reason", reason, pl.String),
    )


def _names(numbers: pl.Series, entries: Sequence[Path]) -> pl.Series:
    """The name of the entry that each record stands in; null where it stands in none."""
    if not entries or len(numbers) == 0:
        return pl.Series("entry", [None] * len(numbers), pl.String)
    wanted = numbers.unique().implode()
    named = pl.scan_ipc(list(entries)).select("entry", "name").filter(pl.col("entry").is_in(wanted)).collect()
    return numbers.to_frame("entry").join(named, on="entry", how="left", maintain_order="left")["name"].rename("entry")


STREAMING: dict[str, Callable[[Any, Path, BinaryIO], None]] = {"chat_staged": encode_staged}
