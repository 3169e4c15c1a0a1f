"""A toy checker: column 0 must not be empty, column 1 is unique, and "y" in column 0 is noted where any record lacks a
column 0 and has "z" in column 1. Staging needs no more to be tested whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.model.problem import Rule


@dataclass(frozen=True)
class Unique:
    number: int
    bits: tuple[int, ...]


@dataclass(frozen=True)
class Judgement:
    mask: npt.NDArray[np.uint64]
    hashes: npt.NDArray[np.uint64]
    reasons: Mapping[int, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Note:
    bit = 2
    columns = ("c0", "c1")
    seen_in = "c1"
    among = np.array([1], np.uint64)


class ToyChecker:
    rules = (Rule(0, "a", "required"), Rule(1, "b", "unique"), Rule(2, "a", "note", warning=True))
    table_notes = (Note(),)
    unique = (Unique(0, (1,)),)
    words = 1
    invalid_words = np.array([3], np.uint64)

    def judge(self, frame: pl.DataFrame) -> Judgement:
        empty = (frame["c0"].fill_null("") == "").to_numpy().astype(np.uint64)
        texts = self.unique_texts(frame, self.unique[0])
        hashes = texts.hash(7).to_numpy().copy()
        hashes[texts.is_null().to_numpy()] = 0
        if self.has_reason(frame, Note()):
            empty |= np.uint64(4) * self.suspects(frame, Note())
        return Judgement(empty.reshape(-1, 1), hashes.astype(np.uint64).reshape(-1, 1))

    def has_reason(self, frame: pl.DataFrame, note: Note) -> bool:
        return bool(frame.select(((pl.col("c0").fill_null("") == "") & (pl.col("c1") == "z")).any()).item())

    def suspects(self, frame: pl.DataFrame, note: Note) -> npt.NDArray[np.bool_]:
        return (frame["c0"] == "y").fill_null(False).to_numpy()

    def mendable(self, frame: pl.DataFrame) -> bool:
        return False

    def mended(self, frame: pl.DataFrame, edited: object) -> pl.DataFrame:
        return frame

    def unique_texts(self, frame: pl.DataFrame, rule: Unique) -> pl.Series:
        text = frame["c1"] if "c1" in frame.columns else pl.Series([None] * len(frame), dtype=pl.String)
        return text.set(text == "", None)


def frame_of(rows: list[tuple[str | None, str | None]], first_line: int = 1) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "c0": pl.Series([a for a, _ in rows], dtype=pl.String),
            "c1": pl.Series([b for _, b in rows], dtype=pl.String),
            "_line": pl.Series(range(first_line, first_line + len(rows)), dtype=pl.UInt32),
            "_flags": pl.Series([0] * len(rows), dtype=pl.UInt8),
        }
    )
