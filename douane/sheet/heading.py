"""Which of a file's first records holds the headings. It judges records, whatever format they were read from."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from douane.sheet.white_space import WHITE

HEADING_AMONG = 15

_NUMBER = re.compile(r"[-+]?(?:\d+(?:[.,' ]\d{3})*|\d*)(?:[.,]\d+)?(?:[eE][-+]?\d+)?\s?%?")
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T]\d{1,2}:\d\d.*)?")
_ADDRESS = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+|\w+://\S+|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def heading_row(rows: Sequence[Sequence[str]]) -> int | None:
    """The index of the heading record among the first records (blank ones left out); None if the first one is data.

    Title lines above the table are passed over. A file without headings is assumed only on strong evidence, for a
    person corrects a wrong 0 more easily than a heading that was taken for data."""
    filled = [sum(1 for cell in row if cell.strip(WHITE)) for row in rows]
    commonest = usual(filled)
    first = 0
    if commonest > 1 and len(rows) > 2:
        for index, count in enumerate(filled[:HEADING_AMONG]):
            # A title stands alone; a lone heading above two columns is one if it has a place for the other.
            if count > max(1, commonest // 3) or (count == 1 and commonest == 2 and len(rows[index]) > 1):
                first = index
                break
    return None if _is_data(rows[first], rows[first + 1 : first + 200]) else first


def usual(counts: Sequence[int]) -> int:
    """The commonest count, the larger one of equals; 0 if there is none."""
    tally = Counter(counts)
    return max(tally, key=lambda count: (tally[count], count), default=0)


def _kind(cell: str) -> str:
    cell = cell.strip(WHITE)
    if not cell:
        return ""
    if _ADDRESS.fullmatch(cell):
        return "address"
    if any(sign.isdigit() for sign in cell):
        if _NUMBER.fullmatch(cell):
            return "number"
        if _DATE.fullmatch(cell):
            return "date"
    return "text"


def _is_data(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    kinds = [_kind(cell) for cell in first]
    below = [_usual_kind([row[i] for row in rows if i < len(row)]) for i in range(len(first))]
    if any(kind == "address" == under for kind, under in zip(kinds, below, strict=True)):
        return True
    if not kinds or any(kind in ("", "text") for kind in kinds):
        return False
    if rows and any(under and kind != under for kind, under in zip(kinds, below, strict=True)):
        return False
    return not (len(first) > 2 and rows and _is_series([cell.strip(WHITE) for cell in first]))


def _usual_kind(cells: Sequence[str]) -> str:
    tally = Counter(kind for kind in map(_kind, cells) if kind)
    return max(tally, key=lambda kind: tally[kind], default="")


def _is_series(cells: Sequence[str]) -> bool:
    """Years or running numbers across the top are headings."""
    if not all(cell.isascii() and cell.isdigit() and len(cell) < 6 for cell in cells):
        return False
    numbers = [int(cell) for cell in cells]
    return len({after - before for before, after in pairwise(numbers)}) == 1
