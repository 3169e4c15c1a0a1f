"""Whether the parts a house stands on answer."""

from __future__ import annotations

from douane.errors import DouaneError
from douane.flow.house import House
from douane.store import installation
from douane.store.database import read


def check(house: House) -> dict[str, bool]:
    """`database` and `storage` by name; True = it answers."""
    return {"database": _database(house), "storage": _storage(house)}


def _database(house: House) -> bool:
    try:
        with read(house.engine) as connection:
            installation.value(connection, "")
    except DouaneError:
        return False
    return True


def _storage(house: House) -> bool:
    try:
        next(iter(house.objects.list("health/")), None)
    except DouaneError:
        return False
    return True
