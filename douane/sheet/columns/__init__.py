"""SHELF of column types: a column definition -> expressions that parse and judge a whole column of cells.

A member is one module with one function `judge(column) -> Judge` (`contract.py` says what it gives) and one line of the
menu below. Third-party members come in by the entry point group `douane.columns`, into the same menu, when they are
first asked for. What all types have in common (required, unique, error cells) is the checker's, not theirs.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from douane.errors import BadTemplate
from douane.model.template import Column
from douane.sheet.columns import anything, date, email, image, number, regex, select, text
from douane.sheet.columns.contract import Judge, Member

SHELF: dict[str, Member] = {
    "String": text.judge,
    "Number": number.judge,
    "Double": number.judge,
    "Date": date.judge,
    "Email": email.judge,
    "Regex": regex.judge,
    "Select": select.judge,
    "Any": anything.judge,
    "Image": image.judge,
}


def judge(column: Column) -> Judge:
    """How `column` is judged. BadTemplate where its type is unknown or its definition cannot be run."""
    member = SHELF.get(column.type) or _third_party().get(column.type)
    if member is None:
        raise BadTemplate(f"There is no column type {column.type}.", place="type")
    return member(column)


@cache
def _third_party() -> dict[str, Member]:
    """Loaded once, into the menu. Our own names cannot be taken."""
    for entry in entry_points(group="douane.columns"):
        if entry.name not in SHELF:
            SHELF[entry.name] = entry.load()
    return SHELF
