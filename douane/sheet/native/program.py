"""What a column's judge is sure of (`columns/contract.Sure`) -> the program by which the kernel clears cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from douane.sheet.columns.contract import Sure
from douane.sheet.native import COMMA, EXPONENT, Kernel, Program
from douane.sheet.native.automaton import TooLarge, automaton

_ANY, _PATTERN, _NUMBER, _LIST = range(4)
_EMPTY, _BEGINS, _EDGES, _EXPONENTS, _COMMAS = 1, 2, 4, 8, 16
_UNBOUNDED = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Ready:
    """A program, and what it points to."""

    program: Program
    held: tuple[Any, ...]


def compiled(kernel: Kernel, sure: Sure, traces: int) -> Ready | None:
    """`traces`: those to be looked for. None where a pattern has no table of a good size."""
    asked = (
        _EMPTY * sure.empty
        | _BEGINS * sure.begins
        | _EDGES * sure.edges
        | (_EXPONENTS if traces & EXPONENT else 0)
        | (_COMMAS if traces & COMMA else 0)
    )
    most = _UNBOUNDED if sure.bytes_max is None else min(sure.bytes_max, _UNBOUNDED)
    program = Program(_ANY, asked, most, min(sure.signs_min, _UNBOUNDED), sure.low, sure.high)
    held: tuple[Any, ...] = ()
    if sure.pattern is not None:
        try:
            table = automaton(sure.pattern)
        except TooLarge:
            return None
        program.kind = _PATTERN
        program.next, program.accepts = table.next.ctypes.data, table.accepts.ctypes.data
        held = (table,)
    elif sure.options is not None:
        program.kind = _LIST
        held = _listed(kernel, program, sure.options)
    elif sure.number:
        program.kind = _NUMBER
    return Ready(program, held)


def _listed(kernel: Kernel, program: Program, options: Sequence[str]) -> tuple[Any, ...]:
    """Open addressing, at most half full."""
    texts = [option.encode("utf-8", "surrogatepass") for option in options]
    slots = np.zeros(1 << max(2, (2 * len(texts)).bit_length()), np.uint32)
    mask = len(slots) - 1
    for number, text in enumerate(texts, 1):
        slot = kernel.list_hash(text) & mask
        while slots[slot]:
            slot = (slot + 1) & mask
        slots[slot] = number
    stops = np.cumsum([0] + [len(text) for text in texts])[1:].astype(np.uint32)
    whole = np.frombuffer(b"".join(texts) + b"\0", np.uint8)
    program.slots, program.stops, program.texts = slots.ctypes.data, stops.ctypes.data, whole.ctypes.data
    program.slots_mask = mask
    return slots, stops, whole
