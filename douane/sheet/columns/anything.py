"""`Any`: every text is right."""

from __future__ import annotations

from douane.model.template import Column
from douane.sheet.columns.contract import Judge


def judge(column: Column) -> Judge:
    return Judge()
