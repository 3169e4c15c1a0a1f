"""`Regex`: text in which the column's ECMAScript pattern is found (contract 4.2). A search, not a full match.

The pattern runs in Polars' linear-time engine. What that engine refuses (look-around, back-references, giant repeats)
runs on the distinct cells in a child process with 50 ms for each; a cell it gives up on is a problem, never valid.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import polars as pl

from douane.errors import BadTemplate
from douane.model.template import Column
from douane.sheet import pattern as patterns
from douane.sheet.columns.contract import FILLED, TEXT, Judge, Sure, edges_visible
from douane.sheet.columns.member import Member
from douane.sheet.columns.notes import with_cut_digits
from douane.sheet.columns.pattern_engine import GIVEN_UP, NOT_FOUND, Engine
from douane.sheet.rule import FORMAT, Test


def judge(column: Column) -> Judge:
    """Codes and numbers are what patterns ask for, so digits that are gone are noted. BadTemplate as `_judge`."""
    return with_cut_digits(column, _judge(column))


def _judge(column: Column) -> Judge:
    """BadTemplate where the pattern is no pattern, or neither engine can run it."""
    if not column.pattern:
        raise BadTemplate("'regex' should not empty, when type is Regex", place="regex")
    try:
        parsed = patterns.parse(column.pattern)
    except patterns.BadPattern as error:
        raise BadTemplate(f"Text ({column.pattern}) is not valid Regular expression!", place="regex") from error
    exact = _linear(parsed)
    visible = patterns.ends_visible(parsed)

    def clean(cell: pl.Expr, kind: pl.Expr | None) -> pl.Expr:
        # A pattern may feed on white space that trimming takes away.
        assert exact is not None
        found = cell.str.contains(exact)
        return (found if visible else found & edges_visible(cell)) | (cell == "")

    def message(text: str) -> str:
        return f"{text} must match the pattern {parsed}"

    if exact is not None:
        test = Test("pattern", FORMAT, FILLED & ~TEXT.str.contains(exact), message)
        return Judge((test,), clean=clean, plain=None, sure=Sure(pattern=parsed, edges=not visible, decides="pattern"))
    engine = Engine(_spelled(column, parsed))
    verdict = pl.col("verdict")
    return Judge(
        (
            Test("pattern", FORMAT, FILLED & (verdict == NOT_FOUND), message),
            Test(
                "pattern_unfinished",
                FORMAT,
                FILLED & (verdict == GIVEN_UP),
                lambda text: f"{text} could not be compared with the pattern {parsed} in time",
            ),
        ),
        prepare=_prepare(engine),
    )


def _linear(parsed: patterns.Pattern) -> str | None:
    """The spelling for Polars' engine, where it takes it."""
    try:
        text = patterns.rust(parsed)
        pl.Series([""]).str.contains(text)
    except (patterns.CannotSay, pl.exceptions.ComputeError):
        return None
    return text


def _spelled(column: Column, parsed: patterns.Pattern) -> str:
    try:
        text = patterns.python(parsed)
        re.compile(text, re.ASCII)
    except (patterns.CannotSay, re.error, OverflowError, RecursionError) as error:
        raise BadTemplate(
            f"Text ({column.pattern}) is a valid Regular expression, but one that cannot be run here: {error}",
            place="regex",
        ) from error
    return text


def _prepare(engine: Engine) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Adds the column `verdict` to the exact frame: the engine's on each distinct text."""

    def prepare(frame: pl.DataFrame) -> pl.DataFrame:
        distinct = frame.select(TEXT).filter(FILLED).unique(maintain_order=True)
        verdicts = engine.verdicts(distinct["text"].to_list())
        known = distinct.with_columns(verdict=pl.Series(list(verdicts), dtype=pl.UInt8))
        return frame.join(known, on="text", how="left", maintain_order="left")

    return prepare


def _says(column: Column) -> str:
    return column.pattern_description or f"matches {column.pattern}"


MEMBER = Member(judge, _says)
