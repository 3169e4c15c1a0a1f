"""White space in cells and records that hold nothing else: one rule for all formats, and for Polars and Python."""

from __future__ import annotations

from collections.abc import Sequence

# What counts as white space in a cell: Unicode's White_Space, so that Polars and Python agree.
WHITE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a" + (
    "\u2028\u2029\u202f\u205f\u3000"
)


def is_blank(row: Sequence[str]) -> bool:
    return all(not cell.strip(WHITE) for cell in row)
