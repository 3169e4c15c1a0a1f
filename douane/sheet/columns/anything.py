"""`Any`: every text is right."""

from __future__ import annotations

from douane.model.template import Column
from douane.sheet.columns.contract import Judge
from douane.sheet.columns.member import Member


def judge(column: Column) -> Judge:
    return Judge()


MEMBER = Member(judge)
