"""`Url`: an address of the web, `http` or `https`, with a host. Ours: the contract has no such type. Nobody is asked
whether there is anything at it."""

from __future__ import annotations

import polars as pl

from douane.model.template import Column
from douane.sheet.columns.contract import FILLED, TEXT, Judge
from douane.sheet.columns.member import Member
from douane.sheet.rule import FORMAT, Test

# RFC 3986, as far as people meet it: host by labels of any script, IPv4 or a bracketed IPv6 address; then what is no
# white space.
_LABEL = r"[\p{L}\p{N}](?:[\p{L}\p{N}\p{M}_-]*[\p{L}\p{N}\p{M}])?"
_HOST = rf"(?:{_LABEL}(?:\.{_LABEL})+\.?|localhost|\[[0-9a-fA-F:.]+\])"
_URL = rf"\A(?i:https?)://(?:[^\s/?#@]+@)?{_HOST}(?::[0-9]{{1,5}})?(?:[/?#][^\s]*)?\z"


def judge(column: Column) -> Judge:
    fails = FILLED & ~TEXT.str.contains(_URL)
    test = Test("url", FORMAT, fails, lambda text: f"{text} must be a web address such as https://example.com")

    def clean(cell: pl.Expr, kind: pl.Expr | None) -> pl.Expr:
        # The shape holds no white space, so a cell that has it needs no trimming.
        return cell.str.contains(_URL) | (cell == "")

    return Judge((test,), clean=clean, plain=None)


MEMBER = Member(judge, lambda column: "a web address")
