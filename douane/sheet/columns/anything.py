"""`Any`: every text is right."""

from __future__ import annotations

from douane.model.template import Column
from douane.sheet.columns.contract import Judge
from douane.sheet.columns.member import Member
from douane.sheet.columns.notes import with_cut_digits


def judge(column: Column) -> Judge:
    return with_cut_digits(column, Judge())


MEMBER = Member(judge)
