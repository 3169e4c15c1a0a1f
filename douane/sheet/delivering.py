"""What leaves of an accepted record: its values, and defaults for columns that it has no cell of.

A default stands in only where the record has no field at all for the key (a column that nothing feeds, a short row); an
empty cell is `""` and stays so (contract 4.9). Special texts are the contract's.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from douane.model.template import Column

_SPECIAL: dict[str, Any] = {"<<null>>": None, "<<>>": "", "<<[]>>": [], "<<true>>": True, "<<false>>": False}


def delivered(record: Mapping[str, Any], columns: Sequence[Column], operation_id: str, row: int) -> dict[str, Any]:
    """The record with its defaults. `<<uuid>>` is the same each time this record leaves: who receives it twice must not
    take it for two."""
    whole = dict(record)
    for column in columns:
        if column.key in whole or column.default is None:
            continue
        value = column.default
        if value == "<<undefined>>":
            continue
        if value == "<<uuid>>":
            whole[column.key] = str(_uuid(operation_id, row, column.key))
        elif isinstance(value, str) and value in _SPECIAL:
            found = _SPECIAL[value]
            whole[column.key] = list(found) if isinstance(found, list) else found
        else:
            whole[column.key] = value
    return whole


def _uuid(operation_id: str, row: int, key: str) -> uuid.UUID:
    """Shaped like a random one (version 4)."""
    digest = hashlib.sha256(f"{operation_id}:{row}:{key}".encode()).digest()
    return uuid.UUID(bytes=digest[:16], version=4)
