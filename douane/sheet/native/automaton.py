"""A pattern as a table of states: which byte leads from which to which. Not every pattern has one of a good size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from douane.sheet.pattern import Chars, Edge, Either, Group, Node, Pattern, Ranges, Repeat, Sequence

# A table has 256 bytes a state, so this many are 63 KB; and one byte names a state.
STATES_MAX = 250
PADDING = 0xFF  # no UTF-8 has it
_PARTS_MAX = 3_000
_RANGES_KEPT = 64
_TOP = 0x10FFFF
_BEGINNING = -1


class TooLarge(ValueError):
    """No table of at most STATES_MAX states, or a pattern that looks around itself."""


class Automaton(NamedTuple):
    """State 0 is that of no way back, 1 the first. `next`: uint8 (states, 256). `accepts`: uint8 (states,), whether a
    text that ends there is one that the pattern is found in. The byte PADDING leads from each state to itself."""

    next: npt.NDArray[np.uint8]
    accepts: npt.NDArray[np.uint8]


def automaton(pattern: Pattern) -> Automaton:
    """Of all UTF-8 texts in which the pattern is found. TooLarge."""
    nfa = _Nfa()
    start = nfa.state()
    end = nfa.add(pattern.root, start)
    return _Subsets(nfa, start, end).table()


# One character as bytes


def byte_ranges(ranges: Ranges) -> Iterator[tuple[tuple[int, int], ...]]:
    """The characters of these ranges as sequences of ranges of bytes: UTF-8, surrogates left out."""
    for low, high in ranges:
        for first, last in ((0, 0x7F), (0x80, 0x7FF), (0x800, 0xD7FF), (0xE000, 0xFFFF), (0x10000, _TOP)):
            if max(low, first) <= min(high, last):
                yield from _split(max(low, first), min(high, last))


@lru_cache(64)
def _sequences(ranges: Ranges) -> tuple[tuple[tuple[int, int], ...], ...]:
    """A pattern says `[0-9]` and `[^ ]` again and again, and what is repeated is said anew each time."""
    return tuple(byte_ranges(ranges))


def _split(low: int, high: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """Of characters whose encodings are equally long: until each byte's range does not depend on the others."""
    size = 1 if low < 0x80 else 2 if low < 0x800 else 3 if low < 0x10000 else 4
    for back in range(1, size):
        mask = (1 << 6 * back) - 1
        if low & ~mask != high & ~mask:
            if low & mask:
                yield from _split(low, low | mask)
                yield from _split((low | mask) + 1, high)
                return
            if high & mask != mask:
                yield from _split(low, (high & ~mask) - 1)
                yield from _split(high & ~mask, high)
                return
    yield tuple(zip(chr(low).encode(), chr(high).encode(), strict=True))


# Thompson's construction


class _Nfa:
    """Per state: free steps, free steps at the text's beginning, at its end; and steps over a range of bytes."""

    def __init__(self) -> None:
        self.free: list[list[int]] = []
        self.at_start: list[list[int]] = []
        self.at_end: list[list[int]] = []
        self.bytes: list[list[tuple[int, int, int]]] = []

    def state(self) -> int:
        if len(self.free) >= _PARTS_MAX:
            raise TooLarge("the pattern")
        for steps in (self.free, self.at_start, self.at_end):
            steps.append([])
        self.bytes.append([])
        return len(self.free) - 1

    def add(self, node: Node, at: int) -> int:
        """The state behind `node`, which begins in state `at`."""
        match node:
            case Chars(ranges=ranges, properties=(), negated=False):
                return self._chars(ranges, at)
            case Edge(kind="start" | "end" as kind, lines=False):
                behind = self.state()
                (self.at_start if kind == "start" else self.at_end)[at].append(behind)
                return behind
            case Sequence(parts=parts):
                for part in parts:
                    at = self.add(part, at)
                return at
            case Either(parts=parts):
                behind = self.state()
                for part in parts:
                    begin = self.state()
                    self.free[at].append(begin)
                    self.free[self.add(part, begin)].append(behind)
                return behind
            case Group(inner=inner):
                return self.add(inner, at)
            case Repeat():
                return self._repeat(node, at)
            case _:
                raise TooLarge("it looks around itself, or asks for properties")

    def _chars(self, ranges: Ranges, at: int) -> int:
        behind = self.state()
        for sequence in _sequences(ranges) if len(ranges) <= _RANGES_KEPT else byte_ranges(ranges):
            here = at
            for low, high in sequence[:-1]:
                step = self.state()
                self.bytes[here].append((low, high, step))
                here = step
            low, high = sequence[-1]
            self.bytes[here].append((low, high, behind))
        return behind

    def _repeat(self, node: Repeat, at: int) -> int:
        for _ in range(node.least):
            at = self.add(node.inner, at)
        if node.most is None:
            loop = self.state()
            self.free[at].append(loop)
            self.free[self.add(node.inner, loop)].append(loop)
            behind = self.state()
            self.free[loop].append(behind)
            return behind
        behind = self.state()
        self.free[at].append(behind)
        for _ in range(node.most - node.least):
            at = self.add(node.inner, at)
            self.free[at].append(behind)
        return behind


# Sets of states as states


@dataclass(slots=True)
class _Subsets:
    nfa: _Nfa
    start: int
    end: int

    def table(self) -> Automaton:
        # Where the text begins, more may be reached than from the same states later: a state of its own.
        first = self._closed({self.start}, at_start=True) | {_BEGINNING}
        again = self._closed({self.start}, at_start=False)
        numbers: dict[frozenset[int], int] = {frozenset(): 0}
        rows = [bytes(256)]
        accepts = [0]
        waiting: list[frozenset[int]] = []
        known: dict[frozenset[int], int] = {}

        def number(found: frozenset[int]) -> int:
            if self.end in found:
                found = frozenset({self.end})  # found, whatever follows
            if found not in numbers:
                if len(numbers) > STATES_MAX:
                    raise TooLarge("its table")
                numbers[found] = len(numbers)
                waiting.append(found)
            return numbers[found]

        number(first)
        for states in waiting:
            own = numbers[states]
            inside = states - {_BEGINNING}
            accepts.append(int(self.end in self._closed(set(inside), at_end=True, at_start=_BEGINNING in states)))
            if self.end in states:
                rows.append(bytes((own,)) * 256)
                continue
            steps = [step for state in inside for step in self.nfa.bytes[state]]
            # Between two of these bytes all lead the same way.
            edges = sorted({0, 256, *(low for low, _, _ in steps), *(high + 1 for _, high, _ in steps)})
            row = bytearray()
            for low, end in pairwise(edges):
                key = frozenset(to for first, last, to in steps if first <= low <= last)
                if key not in known:
                    # The pattern may begin anywhere: behind each byte it begins again.
                    known[key] = number(self._closed(set(key), at_start=False) | again)
                row += bytes((known[key],)) * (end - low)
            rows.append(bytes(row))
        table = np.frombuffer(bytearray().join(rows), np.uint8).reshape(-1, 256)
        table[:, PADDING] = np.arange(len(rows))
        return Automaton(table, np.array(accepts, np.uint8))

    def _closed(self, states: set[int], *, at_start: bool = False, at_end: bool = False) -> frozenset[int]:
        found, waiting = set(states), list(states)
        while waiting:
            state = waiting.pop()
            steps = self.nfa.free[state]
            if at_start:
                steps = steps + self.nfa.at_start[state]
            if at_end:
                steps = steps + self.nfa.at_end[state]
            for step in steps:
                if step not in found:
                    found.add(step)
                    waiting.append(step)
        return frozenset(found)
