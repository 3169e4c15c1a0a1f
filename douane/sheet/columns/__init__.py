"""SHELF of column types: a column definition -> expressions that parse and judge a whole column of cells.

A member is one module with a `MEMBER` (`member.py`, `contract.py`) and one line of the menu below, the one list of the
types there are: the contract's in its order, then ours. Third-party members come in by the entry point group
`douane.columns`, when they are first asked for. What all types have in common (required, unique, error cells) is the
checker's, not theirs; a column's validations come from their own shelf.

Members are loaded when they are asked for, and nothing here loads Polars: the command line reads templates without it.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from douane.entries import entry_points
from douane.errors import BadTemplate
from douane.model.template import Column
from douane.sheet import validations
from douane.sheet.columns.member import Member
from douane.sheet.fields import at

if TYPE_CHECKING:
    from douane.sheet.columns.contract import Judge

SHELF = {
    "String": "text",
    "Number": "number",
    "Date": "date",
    "Email": "email",
    "Regex": "regex",
    "Select": "select",
    "Any": "anything",
    "Double": "number",
    "Image": "image",
    "Boolean": "boolean",
    "DateTime": "moment",
    "Time": "moment",
    "Url": "url",
    "Iban": "iban",
    "Phone": "phone",
}


HOPELESS = "hopeless"  # the code of a BadTemplate about a definition that no cell could ever meet


def knows(name: str) -> bool:
    return name in SHELF or name in names()


@cache
def names() -> tuple[str, ...]:
    """What a column's `type` may say: ours, then those of other packages, which are looked up once. Loads none of
    them."""
    return tuple(dict.fromkeys([*SHELF, *(entry.name for entry in entry_points(group="douane.columns"))]))


@cache
def member(name: str) -> Member:
    """BadTemplate where there is none of that name. Our own names cannot be taken. What another package registers may
    be a `Member` or just its function `judge(column)`."""
    if name in SHELF:
        found: Member = import_module(f"{__name__}.{SHELF[name]}").MEMBER
        return found
    for entry in entry_points(group="douane.columns", name=name):
        loaded = entry.load()
        return loaded if isinstance(loaded, Member) else Member(loaded)
    raise BadTemplate(f"There is no column type {name}.", place="type")


def judge(column: Column) -> Judge:
    """How `column` is judged, its validations included. BadTemplate where its type is unknown or its definition cannot
    be run. Loads what it needs."""
    judged: Judge = import_module(f"{__name__}.judging").judge(column)
    return judged


def says(column: Column) -> str:
    """What a column asks for, in words for a person; "" = nothing."""
    words = ["required"] if column.required else []
    words += ["each value once"] if column.unique else []
    words.append(member(column.type).says(column))
    words += [validations.member(one.validate).says(one) for one in column.validations]
    return "; ".join(word for word in words if word)


def refuse_hopeless(column: Column, place: str = "", *, strict: bool = False) -> None:
    """BadTemplate, with a hint, for a definition that no cell could ever meet. Asked where a definition comes in, never
    of one that is kept already: an import that was begun with it goes on."""
    ask = member(column.type).hopeless
    if ask is not None and (reason := ask(column, strict)) is not None:
        raise BadTemplate(reason, place=place, code=HOPELESS)
    for number, one in enumerate(column.validations):
        refuse = validations.member(one.validate).hopeless
        if refuse is not None and (reason := refuse(one)) is not None:
            raise BadTemplate(reason, place=at(place, f"validations[{number}]"), code=HOPELESS)
