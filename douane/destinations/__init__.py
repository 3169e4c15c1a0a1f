"""SHELF of destinations: where accepted records go, once an import is confirmed.

A member is one module with `TAKES`, `SECRETS`, `check`, `rows` and `open` (`contract.py` says what each is) and one
line of the menu below. Third-party members come in by the entry point group `douane.destinations`, under the name of
their entry; our own names cannot be taken. When and how often a member is called, and what is kept of it, is not theirs
(`flow/deliveries.py`).
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from douane.destinations.contract import Member
from douane.entries import entry_points
from douane.errors import BadRequest

ENTRY_POINTS = "douane.destinations"
MENU = {"webhook": "webhook", "frontend": "frontend", "bucket": "bucket"}


@cache
def names() -> tuple[str, ...]:
    """Ours, then those of other packages. Loads none of them."""
    return tuple(dict.fromkeys([*MENU, *(point.name for point in entry_points(group=ENTRY_POINTS))]))


@cache
def member(name: str) -> Member:
    """BadRequest for a name that is not on the menu."""
    if name in MENU:
        ours: Member = import_module(f"{__name__}.{MENU[name]}")
        return ours
    for point in entry_points(group=ENTRY_POINTS, name=name):
        loaded: Member = point.load()
        return loaded
    raise BadRequest(f"There is no destination {name}; there are {', '.join(names())}.")


def knows(name: str) -> bool:
    return name in names()


def takes(name: str | None) -> str:
    """What the destination takes; "" where there is none, or its package is not installed any more."""
    return member(name).TAKES if name is not None and knows(name) else ""
