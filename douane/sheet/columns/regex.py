"""`Regex`: text in which the column's ECMAScript pattern is found (contract 4.2). A search, not a full match.

The pattern runs in Polars' linear-time engine. What that engine refuses (look-around, back-references, giant repeats)
runs on the distinct cells in a child process with 50 ms for each; a cell it gives up on is a problem, never valid.
"""

from __future__ import annotations

import contextlib
import json
import re
import select
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import polars as pl

from douane.errors import BadTemplate
from douane.model.template import Column
from douane.sheet import pattern as patterns
from douane.sheet.columns.contract import FILLED, FORMAT, TEXT, Judge, Test, begins_graphic, edges_graphic

_ENGINE = Path(__file__).with_name("pattern_engine.py")
_CHUNK = 2_000
# Once so many cells of one batch were given up, the rest of the batch that is not plainly right is given up unread: at
# 50 ms each a hostile file could otherwise hold a worker for hours.
_GIVEN_UP_MAX = 40
# The engine ends every cell by itself; this is for an engine that does not answer at all.
_SILENCE_MAX_S = 10.0
_FOUND, _GIVEN_UP = ord("1"), ord("2")


def judge(column: Column) -> Judge:
    """BadTemplate where the pattern is no pattern, or neither engine can run it."""
    if not column.pattern:
        raise BadTemplate("'regex' should not empty, when type is Regex", place="regex")
    try:
        parsed = patterns.parse(column.pattern)
    except patterns.BadPattern as error:
        raise BadTemplate(f"Text ({column.pattern}) is not valid Regular expression!", place="regex") from error
    quick = _linear(patterns.rust_ascii, parsed)
    exact = _linear(patterns.rust, parsed)
    visible = patterns.ends_visible(parsed)

    def clean(cell: pl.Expr, kind: pl.Expr | None) -> pl.Expr:
        # The pattern could feed on white space that trimming takes away.
        assert quick is not None
        edges = begins_graphic(cell) if visible else edges_graphic(cell)
        return (edges & cell.str.contains(quick)) | (cell == "")

    def message(text: str) -> str:
        return f"{text} must match the pattern {parsed}"

    if exact is not None:
        test = Test("pattern", FORMAT, FILLED & ~TEXT.str.contains(exact), message)
        return Judge((test,), clean=clean if quick else None, plain=None if quick and visible else edges_graphic)
    engine = _Engine(_spelled(column, parsed))
    verdict = pl.col("verdict")
    return Judge(
        (
            Test("pattern", FORMAT, FILLED & (verdict != _FOUND) & (verdict != _GIVEN_UP), message),
            Test(
                "pattern_unfinished",
                FORMAT,
                FILLED & (verdict == _GIVEN_UP),
                lambda text: f"{text} could not be compared with the pattern {parsed} in time",
            ),
        ),
        clean=clean if quick else None,
        prepare=engine.prepare,
    )


def _linear(spell: patterns.Spell, parsed: patterns.Pattern) -> str | None:
    """The spelling, where Polars' engine takes it."""
    try:
        text = spell(parsed)
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


class _Engine:
    """The parent's end of one `pattern_engine`. Started at the first cell, shared by threads, ended with its owner."""

    def __init__(self, spelled: str) -> None:
        self._spelled = spelled
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def prepare(self, frame: pl.DataFrame) -> pl.DataFrame:
        distinct = frame.select(TEXT).filter(FILLED).unique(maintain_order=True)
        texts = distinct["text"].to_list()
        with self._lock:
            verdicts = self._verdicts(texts)
        known = distinct.with_columns(verdict=pl.Series(list(verdicts), dtype=pl.UInt8))
        return frame.join(known, on="text", how="left", maintain_order="left")

    def _verdicts(self, texts: list[str]) -> bytes:
        """One byte for each text. Ends soon, whatever the pattern and the texts are."""
        verdicts = bytearray()
        while len(verdicts) < len(texts) and verdicts.count(_GIVEN_UP) < _GIVEN_UP_MAX:
            chunk = texts[len(verdicts) : len(verdicts) + _CHUNK]
            answered = self._ask(chunk)
            verdicts += answered
            if len(answered) < len(chunk):  # it died or fell silent: the cell it stood at is given up
                self._end()
                verdicts.append(_GIVEN_UP)
        return bytes(verdicts) + bytes([_GIVEN_UP]) * (len(texts) - len(verdicts))

    def _ask(self, texts: list[str]) -> bytes:
        """The verdicts on the first of these texts; fewer than texts where the child failed or gave up too often."""
        answers = bytearray()
        try:
            child = self._child or self._start()
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(json.dumps(texts).encode() + b"\n")
            child.stdin.flush()
            while len(answers) < len(texts) and answers.count(_GIVEN_UP) < _GIVEN_UP_MAX:
                if not select.select([child.stdout], [], [], _SILENCE_MAX_S)[0]:
                    break
                part = child.stdout.read1(len(texts) - len(answers))  # type: ignore[attr-defined]
                if not part:
                    break
                answers += part
        except OSError:
            pass
        return bytes(answers)

    def _start(self) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_ENGINE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
        )
        self._child = child
        self._finalizer = weakref.finalize(self, _kill, child)
        assert child.stdin is not None
        child.stdin.write(json.dumps(self._spelled).encode() + b"\n")
        return child

    def _end(self) -> None:
        if self._child is not None:
            self._finalizer()
            self._child = None


def _kill(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):  # what was still to be written has no reader any more
                pipe.close()
