"""`Email`: the shape of an address, not whether anyone reads it (contract 4.2)."""

from __future__ import annotations

import polars as pl

from douane.model.template import Column
from douane.sheet import pattern as patterns
from douane.sheet.columns.contract import FILLED, TEXT, Judge, Sure
from douane.sheet.columns.member import Member
from douane.sheet.rule import FORMAT, Test

# The `email` format of the ajv-formats package (its documented default mode), spelled for this engine: atoms joined by
# dots, then labels with at least one dot between them, ASCII only, case ignored.
_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_SHAPE = rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+{_LABEL}"
_EMAIL = rf"\A(?i-u:{_SHAPE})\z"
_SAID = f"/^{_SHAPE}$/i"


def judge(column: Column) -> Judge:
    test = Test("email", FORMAT, FILLED & ~TEXT.str.contains(_EMAIL), lambda text: f"{text} must be a valid email")
    return Judge((test,), clean=_clean, plain=None, sure=Sure(pattern=patterns.parse(_SAID), decides="email"))


def _clean(cell: pl.Expr, kind: pl.Expr | None) -> pl.Expr:
    # The shape holds no white space, so a cell that has it needs no trimming.
    return cell.str.contains(_EMAIL) | (cell == "")


MEMBER = Member(judge, lambda column: "an e-mail address")
