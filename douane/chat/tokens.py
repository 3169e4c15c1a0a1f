"""The tokens that an export's addresses carry: with one of them whoever has the address has the file, and many more.

They are needed to fetch files and for nothing else, so they leave by no answer and no file.
"""

from __future__ import annotations

import re

import polars as pl

# `?t=xoxe-...` of Slack's exports, wherever an address stands: as it is, in JSON (`\\u0026`), or escaped in markup.
_AND = r"(?:&amp;|&|\\u0026(?:amp;)?)"
_TOKEN = r"t=xox[a-z][A-Za-z0-9%._-]*"
_FIRST = rf"\?{_TOKEN}{_AND}"
# The last one, one behind another parameter, and the key of an export without any address.
_OTHERS = rf"(?:\?|{_AND}){_TOKEN}|\bxoxe[.-][\w.-]{{6,}}"
_MARK = "xox"
_ANY = re.compile(f"({_FIRST})|{_OTHERS}")


def without(text: str) -> str:
    """The text with its addresses as they are without a token."""
    return _ANY.sub(lambda found: "?" if found[1] else "", text) if _MARK in text else text


def without_in(frame: pl.DataFrame) -> pl.DataFrame:
    """The same of every column of texts."""
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    found = frame.select(pl.col(texts).str.contains(_MARK, literal=True).any())
    held = [name for name, has in zip(texts, found.row(0), strict=True) if has] if len(frame) and texts else []
    return frame.with_columns(pl.col(held).str.replace_all(_FIRST, "?").str.replace_all(_OTHERS, "")) if held else frame
