"""`Boolean`: one of the words that mean yes or one of those that mean no. Ours: the contract has no such type."""

from __future__ import annotations

import polars as pl

from douane.errors import BadTemplate
from douane.model.template import Column
from douane.sheet.columns.contract import FILLED, SPACE, TEXT, Judge
from douane.sheet.columns.member import Member
from douane.sheet.fields import TEXTS, Field
from douane.sheet.rule import LIST, Test

# The names of the fields are those of Frictionless Table Schema, for templates are made of such schemas too.
_YES = Field("trueValues", TEXTS, default=("true", "yes", "y", "1"), says="The words that mean yes, in any case.")
_NO = Field("falseValues", TEXTS, default=("false", "no", "n", "0"), says="The words that mean no, in any case.")


def judge(column: Column) -> Judge:
    """BadTemplate where a word means both."""
    yes, no = words(column)
    both = set(map(_plain, yes)) & set(map(_plain, no))
    if both:
        raise BadTemplate(f"These words mean both yes and no: {', '.join(sorted(both))}.", place="falseValues")
    known = sorted({_plain(word) for word in (*yes, *no)})
    says = f"must be one of {', '.join((*yes, *no))}"
    test = Test("boolean", LIST, FILLED & ~TEXT.str.to_lowercase().is_in(known), lambda text: f"{text} {says}")

    def clean(cell: pl.Expr, kind: pl.Expr | None) -> pl.Expr:
        return cell.str.to_lowercase().is_in([*known, ""])

    return Judge((test,), clean=clean, plain=None)


def words(column: Column) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(those that mean yes, those that mean no)."""
    return column.setting(_YES.name, _YES.default), column.setting(_NO.name, _NO.default)


def _plain(word: str) -> str:
    """As Polars' `to_lowercase`, which is Unicode's without a language."""
    return word.strip(SPACE).lower()


def _says(column: Column) -> str:
    yes, no = words(column)
    return f"{', '.join(yes)} or {', '.join(no)}"


def _hopeless(column: Column, strict: bool) -> str | None:
    yes, no = words(column)
    return None if any(map(_plain, (*yes, *no))) else "No word means yes or no: name some in trueValues or falseValues."


MEMBER = Member(judge, _says, (_YES, _NO), _hopeless)
