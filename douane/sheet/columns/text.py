"""`String`: any text (contract 4.2); how long it may be is said by a validation."""

from __future__ import annotations

from douane.model.template import Column
from douane.sheet.columns.contract import Judge
from douane.sheet.columns.member import Member


def judge(column: Column) -> Judge:
    return Judge()


MEMBER = Member(judge)
