"""The summary of a check: literals in, literals out."""

from __future__ import annotations

import msgspec
import numpy as np

from douane.model.problem import Problem, Rule
from douane.sheet.report import Tally

REQUIRED = Rule(bit=0, column="name", name="required")
NUMBER = Rule(bit=1, column="age", name="number")
SHORT = Rule(bit=2, column=None, name="short", warning=True)
FAR = Rule(bit=70, column="tag", name="list")
RULES = (REQUIRED, NUMBER, SHORT) + tuple(Rule(bit=b, column=f"f{b}", name="list") for b in range(3, 70)) + (FAR,)


def words(*bits: int) -> list[int]:
    return [sum(1 << b for b in bits if b < 64), sum(1 << (b - 64) for b in bits if b >= 64)]


def masks(*rows: tuple[int, ...]) -> np.ndarray:
    return np.array([words(*row) for row in rows], dtype=np.uint64).reshape(len(rows), 2)


INVALID = np.array(words(*(r.bit for r in RULES if not r.warning)), dtype=np.uint64)


def describe(row: int) -> list[Problem]:
    return [
        Problem(column="name", rule="required", message=f"needed, row {row}"),
        Problem(column="age", rule="number", message="no number"),
        Problem(column=None, rule="short", message="short", warning=True),
        Problem(column="tag", rule="list", message="not listed"),
    ]


def test_counts_rows_and_problems_over_batches() -> None:
    tally = Tally(RULES, INVALID)
    tally.add(masks((), (0,), (0, 70)), np.array([2, 3, 5], dtype=np.uint32).__getitem__, describe)
    tally.add(masks((2,), (1,), ()), np.array([6, 7, 9], dtype=np.uint32).__getitem__, describe)
    assert msgspec.json.decode(msgspec.json.encode(tally.summary(blank=2, unreadable=1))) == {
        "rows": 6,
        "valid": 3,
        "invalid": 3,
        "blank": 2,
        "unreadable": 1,
        "found": 9,
        "problems": [
            {"column": "name", "rule": "required", "count": 2, "lines": [3, 5], "message": "needed, row 1"},
            {"column": "age", "rule": "number", "count": 1, "lines": [7], "message": "no number"},
            {"column": "tag", "rule": "list", "count": 1, "lines": [5], "message": "not listed"},
        ],
        "warnings": [{"column": None, "rule": "short", "count": 1, "lines": [6], "message": "short"}],
        "hidden": 0,
        "facts": [],
    }


def test_a_warning_alone_leaves_the_row_valid() -> None:
    tally = Tally(RULES, INVALID)
    tally.add(masks((2,)), np.array([2], dtype=np.uint32).__getitem__, describe)
    assert (tally.valid, tally.invalid) == (1, 0)


def test_keeps_the_first_lines_whatever_the_order_of_batches() -> None:
    tally = Tally(RULES, INVALID, lines_max=3)
    tally.add(masks(*[(0,)] * 5), np.arange(50, 55, dtype=np.uint32).__getitem__, describe)
    tally.add(masks(*[(0,)] * 2), np.arange(10, 12, dtype=np.uint32).__getitem__, describe)
    (entry,) = tally.summary(blank=0).problems
    assert (entry.count, entry.lines) == (7, (10, 11, 50))


def test_lines_that_cannot_be_among_the_first_are_not_asked_for() -> None:
    tally = Tally(RULES, INVALID, lines_max=3)
    asked: list[list[int]] = []

    def lines(rows: np.ndarray) -> np.ndarray:
        asked.append(rows.tolist())
        return 10 * len(asked) + rows.astype(np.uint32)

    for _ in range(3):
        tally.add(masks((0,), (), (0, 1)), lines, describe, behind=True)
    entries = {entry.rule: (entry.count, entry.lines) for entry in tally.summary(blank=0).problems}
    assert entries == {"required": (6, (10, 12, 20)), "number": (3, (12, 22, 32))}
    assert asked == [[0, 2], [0, 2], [2]]


def test_asks_for_a_message_once_per_rule() -> None:
    asked: list[int] = []

    def count(row: int) -> list[Problem]:
        asked.append(row)
        return describe(row)

    tally = Tally(RULES, INVALID)
    for _ in range(3):
        tally.add(masks((), (1,), (1,)), np.array([1, 2, 3], dtype=np.uint32).__getitem__, count)
    assert asked == [1]


def test_no_rows_is_a_summary_too() -> None:
    tally = Tally(RULES, INVALID)
    tally.add(masks(), np.array([], dtype=np.uint32).__getitem__, describe)
    assert tally.summary(blank=0).found == 0
