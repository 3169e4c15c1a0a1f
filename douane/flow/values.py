"""The values of a column as the file has them, beside those that the template allows: a person says once which stands
for which, all cells follow as one revision, and the choice is remembered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from douane.errors import BadRequest
from douane.flow import changing, learned, live
from douane.flow.changing import Change, How
from douane.flow.house import House
from douane.flow.live import Filter, Standing
from douane.flow.suggestions import column_of
from douane.model.operation import Operation
from douane.model.template import Column
from douane.sheet import suggesting
from douane.sheet.columns.select import options_of
from douane.sheet.suggesting import Hints, Proposal
from douane.staging.live import Flags
from douane.store.revisions import Deed

TEXTS_MAX = 20_000  # different values that are listed, the most frequent first
HINT_TEXTS = 2_000
BLANK = r"\A\s*\z"


@dataclass(frozen=True, slots=True)
class FileValue:
    """A value of the file: how many cells hold it, in how many of them the column has a problem, and what is proposed
    for it (None: nothing, or nothing is wrong with it)."""

    text: str
    cells: int
    bad: int
    proposal: Proposal | None


@dataclass(frozen=True, slots=True)
class Values:
    """`allowed`: those of the template, none where the column has no list. `blank`: cells without a value; `texts`,
    `bad`: how many different values there are, and how many of them are wrong somewhere."""

    column: Column
    found: tuple[FileValue, ...]
    allowed: tuple[str, ...]
    texts: int
    bad: int
    blank: int
    revision: int


def of_column(house: House, operation: Operation, key: str) -> Values:
    """As they stand now, the wrong ones first, then the most frequent. Of a column with several choices a cell, each
    choice by itself. BadRequest where there is no such column."""
    known = learned.known_values(house, operation, key)
    with live.standing(house, operation) as now:
        column = column_of(now, key)
        counts, blank = _counted(now, column)
        revision = now.revision
    wrong = counts.filter(pl.col("bad") > 0)
    shown = pl.concat([wrong, counts.filter(pl.col("bad") == 0)]).head(TEXTS_MAX)
    hints = suggesting.hints_of(counts["text"].head(HINT_TEXTS).to_list())
    bad = [text for text, _, bad in shown.iter_rows() if bad]
    proposed = dict(zip(bad, _proposals(column, bad, hints, known), strict=True))
    found = tuple(FileValue(text, cells, wrong, proposed.get(text)) for text, cells, wrong in shown.iter_rows())
    return Values(column, found, tuple(options_of(column)), len(counts), len(wrong), blank, revision)


def _proposals(column: Column, texts: list[str], hints: Hints, known: Mapping[str, str]) -> list[Proposal | None]:
    return [ways[0] if ways else None for ways in suggesting.proposals(column, texts, hints, known)]


def _counted(now: Standing, column: Column) -> tuple[pl.DataFrame, int]:
    """(`text`, `cells`, `bad` of each different value, most frequent first; blank cells)."""
    name = f"c{now.form.keys[column.key]}"
    wrong = live.flags(now, Filter(problem_column=column.key))
    frames: list[pl.DataFrame] = []
    blank = 0
    for places, frame in now.live.stream(now.live.standing(), [name]):
        if name not in frame.columns:
            blank += len(frame)
            continue
        cells = pl.DataFrame({"text": frame[name], "bad": wrong[places]}, schema={"text": pl.String, "bad": pl.Boolean})
        filled = cells.filter(~(pl.col("text").is_null() | pl.col("text").str.contains(BLANK)))
        blank += len(cells) - len(filled)
        if column.multi:
            filled = filled.with_columns(pl.col("text").str.split(column.delimiter)).explode("text")
            filled = filled.with_columns(pl.col("text").str.strip_chars()).filter(pl.col("text") != "")
        frames.append(filled.group_by("text").agg(pl.len().alias("cells"), pl.col("bad").sum()))
    if not frames:
        return pl.DataFrame(schema={"text": pl.String, "cells": pl.Int64, "bad": pl.Int64}), blank
    counts = pl.concat(frames).group_by("text").agg(pl.col("cells").sum(), pl.col("bad").sum())
    if column.multi and column.options:
        # A cell is wrong for one of its choices: the others are not.
        good = pl.col("text").is_in(options_of(column))
        counts = counts.with_columns(pl.when(good).then(0).otherwise(pl.col("bad")).alias("bad"))
    counts = counts.select("text", pl.col("cells").cast(pl.Int64), pl.col("bad").cast(pl.Int64))
    return counts.sort(["cells", "text"], descending=[True, False]), blank


def apply(
    house: House,
    operation: Operation,
    key: str,
    instead: Mapping[str, str],
    chosen: Filter,
    how: How,
    *,
    remember: bool = True,
) -> Change:
    """Value of the file -> what is to stand for it ("" meets blank cells), in all cells of the column within a filter:
    one revision. BadRequest for what is none of the template's values where the column has a list."""
    with live.standing(house, operation) as now:
        column = column_of(now, key)
    allowed = frozenset(options_of(column))
    for value in instead.values():
        if allowed and value and value not in allowed:
            raise BadRequest(f"{value} is not one of the values of {column.title}.")
    blank = instead.get("")
    before = pl.Series("before", [text for text in instead if text], dtype=pl.String)
    after = pl.Series("after", [value for text, value in instead.items() if text], dtype=pl.String)

    def changed(frame: pl.DataFrame, name: str) -> tuple[pl.Series, pl.Series]:
        cells = frame[name] if name in frame.columns else pl.Series(name, [None] * len(frame), dtype=pl.String)
        if column.multi:
            return _elements_changed(cells, column, instead)
        hits = cells.is_in(before.implode()).fill_null(False)
        empty = (
            cells.is_null() | cells.str.contains(BLANK)
            if blank is not None
            else pl.repeat(False, len(cells), dtype=pl.Boolean, eager=True)
        )
        texts = cells.replace(before, after)
        if blank is not None:
            texts = texts.set(empty, blank)
        both = hits | empty
        return both, texts.filter(both)

    def picked(now: Standing) -> Flags:
        return live.flags_of(now, chosen)

    deed = Deed("values", {"values": len(instead)})
    made = changing.change_texts(house, operation, deed, key, picked, changed, how)
    if remember and not how.dry_run:
        learned.keep_values(
            house, operation, key, {text: value for text, value in instead.items() if text}, how.person_id
        )
    return made


def _elements_changed(cells: pl.Series, column: Column, instead: Mapping[str, str]) -> tuple[pl.Series, pl.Series]:
    """Of several choices in a cell each by itself; what is chosen twice then is there once."""
    different = cells.unique()
    texts: dict[str | None, str] = {}
    for text in different.to_list():
        parts = [part.strip() for part in (text or "").split(column.delimiter)]
        parts = [part for part in parts if part]
        if not parts:
            if "" in instead:
                texts[text] = instead[""]
        elif any(part in instead for part in parts):
            chosen = dict.fromkeys(instead.get(part, part) for part in parts)
            texts[text] = column.delimiter.join(part for part in chosen if part)
    found = [text in texts for text in cells.to_list()]
    hits = pl.Series("hits", np.array(found, np.bool_))
    return hits, pl.Series("text", [texts[text] for text in cells.filter(hits).to_list()], dtype=pl.String)
