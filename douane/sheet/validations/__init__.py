"""SHELF of validations: an advanced validation of a column -> tests beside those of the column's type.

A member is one module with a `MEMBER` (`contract.py` says what that is) and one line of the menu below: the contract's
in its order, then ours. Third-party members come in by the entry point group `douane.validations`, when they are first
asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any

from douane.entries import entry_points
from douane.errors import BadTemplate
from douane.sheet.validations.contract import Member

SHELF = {
    "range": "range:MEMBER",
    "length": "length:MEMBER",
    "unique_with": "unique_with:MEMBER",
    "digits": "digits:MEMBER",
    "required_with": "beside:WITH",
    "required_without": "beside:WITHOUT",
    "compare": "beside:COMPARE",
    "among": "among:MEMBER",
}


def knows(name: str) -> bool:
    return name in SHELF or name in names()


@cache
def names() -> tuple[str, ...]:
    """What `validate` may say: ours, then those of other packages, which are looked up once. Loads none of
    them."""
    return tuple(dict.fromkeys([*SHELF, *(entry.name for entry in entry_points(group="douane.validations"))]))


@cache
def member(name: str) -> Member:
    """BadTemplate where there is none of that name. Our own names cannot be taken."""
    if name in SHELF:
        module, _, attribute = SHELF[name].partition(":")
        found: Member = getattr(import_module(f"{__name__}.{module}"), attribute)
        return found
    for entry in entry_points(group="douane.validations", name=name):
        loaded: Member = entry.load()
        return loaded
    raise BadTemplate(f"There is no validation {name}.", place="validate")


def fault(name: str, document: Mapping[Any, Any]) -> tuple[str, str] | None:
    """(field, sentence) of what is wrong with a validation's document; None = nothing."""
    ask = member(name).fault
    return None if ask is None else ask(document)
