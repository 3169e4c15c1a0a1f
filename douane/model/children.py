"""How the children of one process do, or those of several together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field

from douane.values import dataclass


@dataclass(frozen=True, slots=True)
class ChildCounts:
    """`running` children, and how many have `ended` since their process began: `ok`, or by the code of the failure."""

    running: int = 0
    ended: Mapping[str, int] = field(default_factory=dict)


def together(counts: Iterable[ChildCounts]) -> ChildCounts:
    running, ended = 0, dict[str, int]()
    for one in counts:
        running += one.running
        for code, count in one.ended.items():
            ended[code] = ended.get(code, 0) + count
    return ChildCounts(running, ended)
