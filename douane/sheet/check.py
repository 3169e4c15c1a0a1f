"""Columns + rules -> one checker: the same code for the first pass, for edits and for `douane check`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.model.problem import Problem, Rule
from douane.model.template import Template
from douane.sheet.mapping import Layout

CHECK_VERSION = 1  # raise it when a verdict can change for the same text: masks of another version are rebuilt


@dataclass(frozen=True, slots=True)
class UniqueRule:
    """A rule that needs the whole table. `bits` are set on every row but the first holder of a key (contract 4.4)."""

    number: int
    bits: tuple[int, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Judgement:
    """`mask`: uint64 (rows, words), one bit per failed rule, unique bits not set yet. `hashes`: uint64
    (rows, unique rules), 0 = the row takes no part in that rule (empty, null, 0)."""

    mask: npt.NDArray[np.uint64]
    hashes: npt.NDArray[np.uint64]


class Checker:
    """Judges batches in the frame form of `sheet/formats` whose data rows are meant for `template` by `layout`.

    `rules[i].bit == i`; `words` = 64-bit words per mask row; `invalid_words` has a bit set for every rule that makes a
    row invalid (warnings do not). `stamp` names everything a mask depends on but the cells (template, layout,
    CHECK_VERSION, Polars version)."""

    rules: tuple[Rule, ...]
    unique: tuple[UniqueRule, ...]
    words: int
    invalid_words: npt.NDArray[np.uint64]
    stamp: str

    def __init__(self, template: Template, layout: Layout, *, seed: int = 0) -> None:
        raise NotImplementedError

    def judge(self, frame: pl.DataFrame) -> Judgement:
        """All rules but uniqueness over every row of the frame, on any thread. No Python per cell."""
        raise NotImplementedError

    def unique_texts(self, frame: pl.DataFrame, rule: UniqueRule) -> pl.Series:
        """String, one per row: what the rule compares, null where the row takes no part."""
        raise NotImplementedError

    def problems(self, frame: pl.DataFrame, mask: npt.NDArray[np.uint64]) -> list[list[Problem]]:
        """Per row of a page its problems, in the contract's order: the last one of a column is the one `/v1` shows."""
        raise NotImplementedError


def check_summary(rules: Sequence[Rule]) -> list[dict[str, Any]]:
    """Rule table as plain data, for the manifest and for reports."""
    return [{"bit": r.bit, "column": r.column, "rule": r.name, "warning": r.warning} for r in rules]
