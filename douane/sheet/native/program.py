"""What a column's judge is sure of (`columns/contract.Sure`) -> the program by which the kernel clears cells."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from douane.sheet.columns.contract import Sure
from douane.sheet.native import COMMA, EXPONENT, Kernel, Program
from douane.sheet.native.automaton import TooLarge, automaton
from douane.values import dataclass

_ANY, _PATTERN, _NUMBER, _LIST = range(4)
_EMPTY, _BEGINS, _EDGES, _EXPONENTS, _COMMAS = 1, 2, 4, 8, 16
_UNBOUNDED = (1 << 64) - 1
_VACANT = (1 << 32) - 1


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
    """Open addressing, at most half full. A slot is a string view: a length, and up to 12 bytes or the first 4, the
    number of a buffer and where in it the text begins."""
    texts = [option.encode("utf-8", "surrogatepass") for option in options]
    slots = np.zeros((1 << max(2, (2 * len(texts)).bit_length()), 4), np.uint32)
    slots[:, 0] = _VACANT
    mask, begin = len(slots) - 1, 0
    for text in texts:
        slot = kernel.list_hash(text) & mask
        while slots[slot, 0] != _VACANT:
            slot = (slot + 1) & mask
        view = text.ljust(12, b"\0") if len(text) <= 12 else struct.pack("<4sII", text, 0, begin)
        slots[slot] = len(text), *struct.unpack("<III", view)
        begin += len(text)
    whole = np.frombuffer(b"".join(texts) + b"\0", np.uint8)
    program.slots, program.texts, program.slots_mask = slots.ctypes.data, whole.ctypes.data, mask
    return slots, whole
