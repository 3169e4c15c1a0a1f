"""The summary of a check: how many rows, what is wrong per column and rule, and where to look first.

Pure and small: it counts bits of masks and remembers a few lines, so ten million rows cost it a few kilobytes. It
writes no files and does not know where the rows are; the sandboxed child feeds it, `douane check` prints it.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from douane.model.problem import Problem, Rule
from douane.model.sheet_import import Finding, Summary
from douane.sheet.check import Checker
from douane.sheet.explaining import for_person
from douane.sheet.mapping import Layout
from douane.sheet.output import Output
from douane.values import dataclass

LINES_MAX = 10
ROWS_AT_ONCE = 10_000

# Row position within the batch -> the problems of that row, with their messages.
Describe = Callable[[int], Sequence[Problem]]
# Ascending row positions within the batch -> their lines.
Lines = Callable[[npt.NDArray[np.int64]], npt.NDArray[np.uint32]]


class Tally:
    """Counts batches whose masks are final (uniqueness included), in any order.

    `invalid_words`: uint64 (words,), a bit for every rule that makes a row invalid (`Checker.invalid_words`).
    """

    def __init__(
        self, rules: Sequence[Rule], invalid_words: npt.NDArray[np.uint64], *, lines_max: int = LINES_MAX
    ) -> None:
        self.rules = tuple(rules)
        self.rows = 0
        self.valid = 0
        self.invalid = 0
        self._invalid_words = invalid_words
        self._lines_max = lines_max
        self._counts = [0] * len(self.rules)
        self._lines: list[list[int]] = [[] for _ in self.rules]
        self._examples: list[Problem | None] = [None] * len(self.rules)

    def add(self, mask: npt.NDArray[np.uint64], lines: Lines, describe: Describe, *, behind: bool = False) -> None:
        """`mask`: uint64 (rows, words). `lines` says on which physical lines some rows begin, from 1. `describe` is
        asked once for each rule that was not seen before, for the example message, of a row whose line was asked.
        `behind`: all rows added so far stand on earlier lines, so that of rules with lines enough none are asked."""
        self.rows += len(mask)
        invalid = int(np.count_nonzero(_any(mask & self._invalid_words)))
        self.invalid += invalid
        self.valid += len(mask) - invalid
        # One pass over the words says which rules occur at all: most batches need none of the loops below.
        seen = np.bitwise_or.reduce(mask, axis=0) if len(mask) else np.zeros(mask.shape[1], dtype=np.uint64)
        told = np.flatnonzero(_any(mask)) if seen.any() else np.zeros(0, np.int64)
        words = mask[told]
        hits: list[tuple[Rule, npt.NDArray[np.int64]]] = []
        for rule in self.rules:
            word, bit = divmod(rule.bit, 64)
            if (int(seen[word]) >> bit) & 1:
                hits.append((rule, told[(words[:, word] & np.uint64(1 << bit)) != 0]))
        # One question for all rules: a look at some records costs what it costs, however few they are.
        open_ = {
            rule.bit: rows[: self._lines_max]
            for rule, rows in hits
            if not behind or len(self._lines[rule.bit]) < self._lines_max
        }
        # Few, and `np.unique` would load all of numpy's masked arrays.
        asked = np.array(sorted({row for rows in open_.values() for row in rows.tolist()}), np.int64)
        found = lines(asked) if open_ else np.zeros(0, np.uint32)
        for rule, rows in hits:
            self._counts[rule.bit] += len(rows)
            if rule.bit in open_:
                first: list[int] = found[np.searchsorted(asked, open_[rule.bit])].tolist()
                self._lines[rule.bit] = sorted(self._lines[rule.bit] + first)[: self._lines_max]
            if self._examples[rule.bit] is None:
                self._examples[rule.bit] = _example(rule, describe(int(rows[0])))

    def summary(self, *, blank: int, unreadable: int = 0) -> Summary:
        """`blank` and `unreadable` are the reader's: records that left no row. A record that could not be decoded is a
        row, and an invalid one."""
        return Summary(
            rows=self.rows,
            valid=self.valid,
            invalid=self.invalid,
            blank=blank,
            unreadable=unreadable,
            found=self.valid + self.invalid + blank + unreadable,
            problems=self._findings(warning=False),
            warnings=self._findings(warning=True),
        )

    def _findings(self, *, warning: bool) -> tuple[Finding, ...]:
        found = [
            Finding(
                rule.column,
                rule.name,
                self._counts[rule.bit],
                tuple(self._lines[rule.bit]),
                example.message,
                example.explanation,
            )
            for rule in self.rules
            if rule.warning is warning and (example := self._examples[rule.bit]) is not None
        ]
        # Stable: rules of the same frequency stay in the template's order.
        return tuple(sorted(found, key=lambda finding: -finding.count))


def _any(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """Per row whether a bit is set. Over one word, NumPy's own way costs ten times as much."""
    found: npt.NDArray[np.bool_] = words[:, 0] != 0 if words.shape[1] == 1 else (words != 0).any(axis=1)
    return found


def _example(rule: Rule, problems: Sequence[Problem]) -> Problem:
    for problem in problems:
        if problem.column == rule.column and problem.rule == rule.name:
            return problem
    return Problem(rule.column, rule.name, "")


def problem_lines(problems: Sequence[Sequence[Problem]], lines: Sequence[int], rows: Sequence[int]) -> bytes:
    """NDJSON, one object a problem (warnings are none): `line`, `row`, `column`, `rule`, `message`, `value`, and
    `explanation` where there is one; a problem of the whole record has `column` null. One entry of each argument per
    record."""
    out: list[str] = []
    for found, line, row in zip(problems, lines, rows, strict=True):
        for problem in found:
            if problem.warning:
                continue
            document = {
                "line": line,
                "row": int(row),
                "column": problem.column,
                "rule": problem.rule,
                "message": problem.message,
                "value": problem.value,
            }
            if problem.explanation:
                document["explanation"] = problem.explanation
            out.append(json.dumps(document, ensure_ascii=False) + "\n")
    return "".join(out).encode()


@dataclass(frozen=True, slots=True)
class Verdicts:
    """A part of a checked table: its frame, the row of its first record, the masks, and which rows are `valid`,
    `invalid`, and have something to be `told` of."""

    frame: pl.DataFrame
    first_row: int
    words: npt.NDArray[np.uint64]
    valid: npt.NDArray[np.bool_]
    invalid: npt.NDArray[np.bool_]
    told: npt.NDArray[np.bool_]


def write_reports(folder: Path, checker: Checker, layout: Layout, form: Output, parts: Iterable[Verdicts]) -> None:
    """valid.csv exact, for programs; invalid.csv with line and messages, formula cells escaped, for people;
    problems.ndjson, one object a problem."""
    with (
        (folder / "valid.csv").open("wb") as valid_file,
        (folder / "invalid.csv").open("wb") as invalid_file,
        (folder / "problems.ndjson").open("wb") as problem_file,
    ):
        invalid_csv = InvalidCsv(invalid_file, [(key, at) for at, key in enumerate(layout.fields) if key])
        header = True
        for part in parts:
            valid_file.write(form.csv(part.frame[np.flatnonzero(part.valid)], header=header))
            header = False
            offsets = np.flatnonzero(part.invalid | part.told)
            for start in range(0, len(offsets), ROWS_AT_ONCE):
                some = offsets[start : start + ROWS_AT_ONCE]
                rows = part.frame[some]
                problems = checker.problems(rows, part.words[some])
                problem_file.write(problem_lines(problems, rows["_line"].to_list(), (some + part.first_row).tolist()))
                wrong = np.flatnonzero(part.invalid[some])
                invalid_csv.write(rows[wrong], [problems[at] for at in wrong])


class InvalidCsv:
    """invalid.csv: for people who open it in a spreadsheet program. `line` and `messages` first, then the fields as the
    file had them; a cell that a spreadsheet program would take for a formula gets an apostrophe in front, and only
    here: valid.csv is exact."""

    def __init__(self, file: BinaryIO, fields: Sequence[tuple[str, int]]) -> None:
        """`fields`: (key, position of its cell in the frame), in the order they are written."""
        self._file = file
        self._positions = [position for _, position in fields]
        self._write([["line", "messages", *(key for key, _ in fields)]])

    def write(self, frame: pl.DataFrame, problems: Sequence[Sequence[Problem]]) -> None:
        """One row of the frame and one list of problems per invalid record."""
        lines = frame["_line"].to_list()
        present = set(frame.columns)
        columns = [
            frame[f"c{position}"].to_list() if f"c{position}" in present else [None] * len(frame)
            for position in self._positions
        ]
        rows = []
        for at, found in enumerate(problems):
            messages = "; ".join(_place(problem) + for_person(problem) for problem in found if not problem.warning)
            rows.append([str(lines[at]), messages, *(column[at] or "" for column in columns)])
        self._write(rows)

    def _write(self, rows: Sequence[Sequence[str]]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\r\n").writerows([[escape_formula(cell) for cell in row] for row in rows])
        self._file.write(text.getvalue().encode())


def todays_words(
    words: npt.NDArray[np.uint64], rules: Sequence[tuple[str | None, str]], checker: Checker
) -> npt.NDArray[np.uint64]:
    """Masks that were made with other rules (`rules`: the column and name of each of their bits) with today's bits. A
    rule that is no more has nothing to say."""
    bits = {(rule.column, rule.name): rule.bit for rule in checker.rules}
    made = np.zeros((len(words), checker.words), np.uint64)
    for old, (column, name) in enumerate(rules):
        bit = bits.get((column, name))
        if bit is not None:
            set_rows = (words[:, old // 64] >> np.uint64(old % 64)) & np.uint64(1)
            made[:, bit // 64] |= set_rows << np.uint64(bit % 64)
    return made


class Faults:
    """What stands beside the cells of rejected rows (`output.Beside`): `_line` in the file, nothing for a row that a
    person added, and `_errors`: objects of column (null = the whole row), rule and message, or, where all is text, the
    messages of invalid.csv. Frames bring their masks along (`with_words`)."""

    def __init__(self, checker: Checker, taken: Collection[str]) -> None:
        """`taken`: the keys of the fields, which no column of ours may hide."""
        self._checker = checker
        self._line, self._errors = free_name("_line", taken), free_name("_errors", taken)
        self.numbers = frozenset({self._line})

    @staticmethod
    def with_words(frame: pl.DataFrame, words: npt.NDArray[np.uint64]) -> pl.DataFrame:
        return frame.with_columns(pl.Series(f"{_WORD}{at}", words[:, at], pl.UInt64) for at in range(words.shape[1]))

    def typed(self, frame: pl.DataFrame) -> pl.DataFrame:
        found = [
            [{"column": one.column, "rule": one.rule, "message": one.message} for one in problems]
            for problems in self._problems(frame)
        ]
        objects = pl.Struct({"column": pl.String, "rule": pl.String, "message": pl.String})
        return pl.DataFrame(
            [
                pl.Series(self._line, self._lines(frame), pl.UInt32),
                pl.Series(self._errors, found, pl.List(objects)),
            ]
        )

    def texts(self, frame: pl.DataFrame) -> pl.DataFrame:
        said = ["; ".join(_place(one) + one.message for one in problems) for problems in self._problems(frame)]
        lines = [None if line is None else str(line) for line in self._lines(frame)]
        return pl.DataFrame([pl.Series(self._line, lines, pl.String), pl.Series(self._errors, said, pl.String)])

    def json(self, frame: pl.DataFrame) -> list[bytes]:
        typed = self.typed(frame)
        return [msgspec.json.encode(row)[1:-1] for row in typed.iter_rows(named=True)]

    def _lines(self, frame: pl.DataFrame) -> list[int | None]:
        return [line or None for line in frame["_line"].to_list()] if "_line" in frame.columns else []

    def _problems(self, frame: pl.DataFrame) -> list[list[Problem]]:
        names = [f"{_WORD}{at}" for at in range(self._checker.words)]
        if len(frame) == 0 or names[0] not in frame.columns:
            return [[] for _ in range(len(frame))]
        words = frame.select(names).to_numpy().astype(np.uint64, copy=False)
        found = self._checker.problems(frame.drop(names), np.ascontiguousarray(words))
        return [[one for one in problems if not one.warning] for problems in found]


def free_name(name: str, taken: Collection[str]) -> str:
    """A name of ours that hides no field."""
    while name in taken:
        name = "_" + name
    return name


def _place(problem: Problem) -> str:
    return f"{problem.column}: " if problem.column is not None else ""


def escape_formula(cell: str) -> str:
    """The cell as text for a spreadsheet program (ASVS 1.2.10); a plain number with a sign stays one."""
    if not cell or cell[0] not in "=+-@\t\r\n\0\uff1d\uff0b\uff0d\uff20":
        return cell
    if cell[0] in "+-" and _PLAIN_NUMBER.fullmatch(cell):
        return cell
    return "'" + cell


_WORD = "\0word"  # a name that no column of a file has
_PLAIN_NUMBER = re.compile(r"[+-][0-9]+([.,][0-9]+)?")
