"""`DateTime` and `Time`: a day with its time, and a time of day. Ours: the contract has no such types.

Both are judged as `Date` is, by `dateFormats`; without any, by the forms of ISO 8601 that people and programs write.
"""

from __future__ import annotations

from dataclasses import replace

from douane.model.template import Column
from douane.sheet.columns import date
from douane.sheet.columns.contract import Judge
from douane.sheet.columns.member import Member

_UNSAID = ("DD/MM/YYYY",)  # what a column has that names no formats (contract 5.6)
_MOMENTS = (
    *("YYYY-MM-DD HH:mm:ss", "YYYY-MM-DD HH:mm", "YYYY-MM-DDTHH:mm:ss", "YYYY-MM-DDTHH:mm:ssZ"),
    *("YYYY-MM-DDTHH:mm:ss.SSS", "YYYY-MM-DDTHH:mm:ss.SSSZ", "YYYY-MM-DDTHH:mm"),
)
_TIMES = ("HH:mm:ss", "HH:mm", "HH:mm:ss.SSS")


def judge(column: Column) -> Judge:
    return date.judge(with_formats(column))


def with_formats(column: Column) -> Column:
    """The column with the formats it is judged by."""
    if column.date_formats not in (_UNSAID, ()):
        return column
    return replace(column, date_formats=_TIMES if column.type == "Time" else _MOMENTS)


def _says(column: Column) -> str:
    return " or ".join(with_formats(column).date_formats[:2])


MEMBER = Member(judge, _says, date.MEMBER.fields, date.MEMBER.hopeless)
