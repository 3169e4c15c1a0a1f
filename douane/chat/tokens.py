"""The tokens that an export's addresses carry: with one of them whoever has the address has the file, and many more.

They are needed to fetch files and for nothing else, so they leave by no answer and no file.
"""

from __future__ import annotations

import re

import polars as pl

# `?t=xoxe-...` of Slack's exports, wherever an address stands: as it is, in JSON (`\\u0026`), or escaped in markup.
_AND = r"(?:&|\\u0026)(?:amp;)?"
_TOKEN = r"t=xox[a-z]-[A-Za-z0-9%._-]*"
_FIRST = rf"\?{_TOKEN}{_AND}"
_LONE = rf"\?{_TOKEN}"
_LATER = rf"{_AND}{_TOKEN}"
_MARK = "t=xox"
_ANY = re.compile(f"({_FIRST})|{_LONE}|{_LATER}")


def without(text: str) -> str:
    """The text with its addresses as they are without a token."""
    return _ANY.sub(lambda found: "?" if found[1] else "", text) if _MARK in text else text


def without_in(frame: pl.DataFrame) -> pl.DataFrame:
    """The same of every column of texts, in lists and records too where they are flat."""
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    held = [name for name in texts if frame[name].str.contains(_MARK, literal=True).any()]
    return frame.with_columns(_without(pl.col(name)) for name in held)


def _without(column: pl.Expr) -> pl.Expr:
    first = column.str.replace_all(_FIRST, "?")
    return first.str.replace_all(_LONE, "").str.replace_all(_LATER, "")
