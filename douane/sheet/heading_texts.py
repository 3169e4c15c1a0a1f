"""Headings that are not simply a record's texts: names of fields behind a word, or names of rows without one. Which
record they stand in is told in `heading.py`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from unicodedata import normalize

from douane.sheet.first_records import BELOW, HEADING_AMONG, MEASURED, kind_of
from douane.sheet.white_space import WHITE

# Records whose first cells are taken for names of rows: of fewer, the last cells may be too much instead.
_NAMED_LEAST = 5
_COUNTED = frozenset({"id", "no", "nr", "num", "number", "nummer", "pos", "position", "row", "line", "lfdnr", "index"})
_LETTERS = re.compile(r"[\W_]+")


def plain(text: str) -> str:
    """What two spellings of one heading have in common at least: letters and digits, in any case."""
    return _LETTERS.sub("", normalize("NFKC", text)).casefold()


def log_fields(rows: Sequence[Sequence[str]], at: int) -> int:
    """Where a log names its fields, if that is one of the lines with `#` that it begins with."""
    for index in range(at, min(len(rows), HEADING_AMONG)):
        if rows[index][0][:1] != "#":
            break
        if rows[index][0].rstrip(":").lower() == "#fields":
            return index
    return at


def fields(rows: Sequence[Sequence[str]], at: int) -> tuple[str, ...] | None:
    """The headings where logs name them `#Fields: date time`: that word stands over none of the columns."""
    if not rows or rows[at][0].rstrip(":").lower() != "#fields" or len(rows) - at < 2:
        return None
    names = tuple(rows[at][1:])
    while names and not names[-1].strip(WHITE):
        names = names[:-1]
    return names if all(len(row) <= len(names) for row in rows[at + 1 : at + 1 + BELOW]) else None


def row_names(rows: Sequence[Sequence[str]], at: int, blanks: bool) -> tuple[str, ...] | None:
    """The headings where every record below has one cell more and begins with a name of its own: R writes row names
    without a heading."""
    heading, below = rows[at], rows[at + 1 : at + 1 + BELOW]
    if len(heading) < 1 or len(below) < 2 or any(len(row) != len(heading) + 1 for row in below):
        return None
    if not all(cell.strip(WHITE) for cell in heading):
        return None
    names = [row[0].strip(WHITE) for row in below]
    if len(set(names)) < len(names) or "" in names:
        return None
    if not all(row[-1].strip(WHITE) for row in below):
        # Delimiters at the ends of the records, or an empty last column behind R's numbers.
        numbered = blanks and names == [str(number) for number in range(1, len(names) + 1)]
        if not numbered or plain(heading[0]) in _COUNTED:
            return None
    kinds = [kind_of(name) for name in names]
    counted = all(name.isascii() and name.isdigit() for name in names)
    if counted and any(int(after) <= int(before) for before, after in pairwise(names)):
        return None
    if not counted and (any(kind in MEASURED for kind in kinds) or len(below) < (2 if blanks else _NAMED_LEAST)):
        return None
    if counted and all(kind_of(cell) == "number" for row in below for cell in row):
        return None  # numbers alone: the last heading may be missing just as well
    if counted and plain(heading[0]) in _COUNTED and any(kind_of(row[1]) != "number" for row in below):
        return None  # it is the heading of these numbers
    return ("", *heading)
