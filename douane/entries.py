"""The entry points of installed packages, by which others add members to our shelves.

The standard library's own list first loads a parser of mail and then reads what every package says; a child that opens
a small file would spend a tenth of its time there, to find nothing. So the files are first looked through for the name
of the group.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


def entry_points(*, group: str, name: str | None = None) -> tuple[EntryPoint, ...]:
    """Those of a group, of this name only where one is given. Loads none of them."""
    if not _may_have(f"[{group}]".encode()):
        return ()
    from importlib import metadata

    return tuple(one for one in metadata.entry_points(group=group) if name is None or one.name == name)


def _may_have(heading: bytes) -> bool:
    """True also where packages are kept in a way that is not looked into here."""
    others = (one for one in sys.meta_path if one is not PathFinder)
    return any(hasattr(one, "find_distributions") for one in others) or any(
        _folder_has(folder or ".", heading) for folder in sys.path
    )


def _folder_has(folder: str, heading: bytes) -> bool:
    try:
        names = os.listdir(folder)
    except NotADirectoryError:
        return True  # an archive
    except OSError:
        return False
    for name in names:
        if name.endswith((".dist-info", ".egg-info")):
            with suppress(OSError), open(f"{folder}/{name}/entry_points.txt", "rb") as file:
                if heading in file.read():
                    return True
        elif name.endswith(".egg"):
            return True
    return False
