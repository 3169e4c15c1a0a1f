"""The summary of a check: how many rows, what is wrong per column and rule, and where to look first.

Pure and small: it counts bits of masks and remembers a few lines, so ten million rows cost it a few kilobytes. It
writes no files and does not know where the rows are; the sandboxed child feeds it, `douane check` prints it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from douane.model.problem import Problem, Rule

LINES_MAX = 10

# Row position within the batch -> the problems of that row, with their messages.
Describe = Callable[[int], Sequence[Problem]]


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
        self._messages: list[str] = [""] * len(self.rules)

    def add(self, mask: npt.NDArray[np.uint64], lines: npt.NDArray[np.uint32], describe: Describe) -> None:
        """`mask`: uint64 (rows, words). `lines`: the physical line of each row, from 1. `describe` is asked once for
        each rule that was not seen before, for the example message."""
        self.rows += len(mask)
        wrong = ((mask & self._invalid_words) != 0).any(axis=1)
        invalid = int(np.count_nonzero(wrong))
        self.invalid += invalid
        self.valid += len(mask) - invalid
        # One pass over the words says which rules occur at all: most batches need none of the loops below.
        seen = np.bitwise_or.reduce(mask, axis=0) if len(mask) else np.zeros(mask.shape[1], dtype=np.uint64)
        for rule in self.rules:
            word, bit = divmod(rule.bit, 64)
            if not (int(seen[word]) >> bit) & 1:
                continue
            rows = np.flatnonzero(mask[:, word] & np.uint64(1 << bit))
            first = [int(line) for line in lines[rows[: self._lines_max]]]
            self._counts[rule.bit] += len(rows)
            self._lines[rule.bit] = sorted(self._lines[rule.bit] + first)[: self._lines_max]
            if not self._messages[rule.bit]:
                self._messages[rule.bit] = _message(rule, describe(int(rows[0])))

    def summary(self, *, blank: int, unreadable: int = 0) -> dict[str, Any]:
        """`rows`, `valid`, `invalid`, `blank`, `unreadable`, `found` (their sum: every record is accounted
        for, house.md invariant 1), `problems` and `warnings`: one entry per column and rule that occurs, most frequent
        first, as {column, rule, count, lines, message}. `unreadable` counts records that left no row at all; a record
        that could not be decoded is a row, and an invalid one."""
        return {
            "rows": self.rows,
            "valid": self.valid,
            "invalid": self.invalid,
            "blank": blank,
            "unreadable": unreadable,
            "found": self.valid + self.invalid + blank + unreadable,
            "problems": self._entries(warning=False),
            "warnings": self._entries(warning=True),
        }

    def _entries(self, *, warning: bool) -> list[dict[str, Any]]:
        entries = [
            {
                "column": rule.column,
                "rule": rule.name,
                "count": self._counts[rule.bit],
                "lines": self._lines[rule.bit],
                "message": self._messages[rule.bit],
            }
            for rule in self.rules
            if self._counts[rule.bit] and rule.warning is warning
        ]
        # Stable: rules of the same frequency stay in the template's order.
        return sorted(entries, key=lambda entry: -int(entry["count"]))


def _message(rule: Rule, problems: Sequence[Problem]) -> str:
    for problem in problems:
        if problem.column == rule.column and problem.rule == rule.name:
            return problem.message
    return ""
