"""`Image`: the name of one of the images uploaded with the file, judged like a single select (contract 4.2)."""

from __future__ import annotations

from douane.model.template import Column
from douane.sheet.columns.contract import Judge
from douane.sheet.columns.member import Member
from douane.sheet.columns.select import choices, one_of


def judge(column: Column) -> Judge:
    return one_of(column)


MEMBER = Member(judge, choices)
