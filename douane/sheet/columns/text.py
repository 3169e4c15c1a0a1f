"""`String`: any text (contract 4.2); how long it may be is said by a validation.

Ours: `normalize` says what becomes of a text on its way out. It is done because the template asks for it, and yet no
cell is changed unsaid: each that is gets the note `normalized`.
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from douane.model.template import Column
from douane.sheet.columns.contract import FILLED, TEXT, Judge, Sure, edges_visible
from douane.sheet.columns.member import Member
from douane.sheet.columns.notes import noted, with_cut_digits
from douane.sheet.fields import Field, Given, Kind

_WAYS = ("collapse", "lower", "upper")


def _read(given: Given) -> tuple[str, ...]:
    if not isinstance(given.value, list) or not all(one in _WAYS for one in given.value):
        raise given.fault(f"'{given.name}' must be an array of {', '.join(_WAYS)}")
    return tuple(dict.fromkeys(given.value))


_NORMALIZE = Field(
    "normalize",
    Kind("normalize", _read, {"type": "array", "items": {"enum": list(_WAYS)}}, list),
    default=(),
    says="collapse: white space inside becomes one blank; lower, upper: its letters.",
)


def judge(column: Column) -> Judge:
    ways = tuple(column.setting("normalize", ()))
    if not ways:
        return with_cut_digits(column, Judge(sure=Sure()))

    def stored(text: pl.Expr, kind: pl.Expr | None = None) -> pl.Expr:
        for way in ways:
            if way == "collapse":
                text = text.str.replace_all(r"[\s\x{FEFF}]+", " ")
            else:
                text = text.str.to_lowercase() if way == "lower" else text.str.to_uppercase()
        return text

    def unchanged(cell: pl.Expr) -> pl.Expr:
        return edges_visible(cell) & (stored(cell) == cell)

    note = noted(column, "normalized", lambda text: f"Written as {text}, as the template asks")
    tests = () if note is None else (replace(note, fails=FILLED & (pl.col("typed") != TEXT)),)
    return with_cut_digits(
        column, Judge(tests, clean=lambda cell, kind: unchanged(cell) | (cell == ""), plain=unchanged, stored=stored)
    )


def _hopeless(column: Column, strict: bool) -> str | None:
    both = {"lower", "upper"} <= set(column.setting("normalize", ()))
    return "normalize cannot make letters both lower and upper." if both else None


MEMBER = Member(judge, fields=(_NORMALIZE,), hopeless=_hopeless)
