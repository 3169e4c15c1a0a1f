"""SHELF of encodings: the forms in which a whole table leaves, for both families. Pure: frames in, bytes out.

A member is one module with `MEDIA_TYPE` and `encode(table, folder, out)` (`contract.py` says what it is given) and one
line of the menu below. Third-party members come in by the entry point group `douane.encodings`, under the name of their
entry; our own names cannot be taken. Every list of forms there is (`Accept`, `format=`, the page, the docs of the
surfaces) is made from this menu.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from douane.encodings import arrow, csv, ndjson, parquet, xlsx
from douane.encodings.contract import Member
from douane.encodings.contract import Table as Table
from douane.entries import entry_points
from douane.errors import BadRequest

ENTRY_POINTS = "douane.encodings"
MENU: dict[str, Member] = {
    "csv": csv,
    "ndjson": ndjson,
    "arrow": arrow,
    "parquet": parquet,
    "xlsx": xlsx,
}


def member(name: str) -> Member:
    """BadRequest for a name that is not on the menu."""
    found = shelf().get(name)
    if found is None:
        raise BadRequest(f"There is no format {name}; there are {', '.join(shelf())}.")
    return found


def media_types() -> dict[str, str]:
    """name -> media type, in the order of the menu."""
    return {name: one.MEDIA_TYPE for name, one in shelf().items()}


@cache
def shelf() -> Mapping[str, Member]:
    """The menu with those that came in by entry point, loaded once."""
    return {**{point.name: point.load() for point in entry_points(group=ENTRY_POINTS)}, **MENU}
