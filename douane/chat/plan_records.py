"""What the plans of users, rooms and contacts share: how a staged record is read, and who asks for a run."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

IMPORT_ID_CHARS = 700
ADDRESS_CHARS = 320
ROOM_NAME_CHARS = 600


@dataclass(frozen=True, slots=True)
class Options:
    """`operation_id`: the run's. `users_only`: nobody who is there already is touched, they fail (contract 3.14).
    `update_existing` False: those who are there already are skipped. `admins`: the file may give the role `admin`.
    `starter_id`: the workspace user of who started the run. `age_us`: the age of the export; one without messages has
    none, and is taken as it comes. `markup`: how its texts are marked up, where that is known."""

    operation_id: str
    users_only: bool = False
    update_existing: bool = True
    admins: bool = False
    starter_id: str | None = None
    age_us: int | None = None
    markup: str | None = None

    def older_than(self, as_of_us: int) -> bool:
        return self.age_us is not None and self.age_us < as_of_us

    def as_of(self, as_of_us: int = 0) -> int:
        """The age of what it says over facts of that age."""
        return as_of_us if self.age_us is None else self.age_us


NewId = Callable[[], str]
# Whether a foreign id is that of a record of this export.
Named = Callable[[str], bool]


def nobody(key: str) -> bool:
    return False


# First id -> the first record of this export that has it, of those that were met.
Said = dict[str, Mapping[str, Any]]
_PLACE = frozenset({"entry", "position", "row"})


def said_before(said: Said, ids: Sequence[str], record: Mapping[str, Any]) -> str | None:
    """What becomes of a record whose id an earlier one of the export has: it is a duplicate only if it says the same.
    None where it is the first."""
    first = said.get(ids[0]) if ids else None
    if first is None:
        return None
    same = all(first.get(name) == value for name, value in record.items() if name not in _PLACE)
    return "duplicate" if same else "differs"


def clean(text: str | None) -> str:
    """No database takes a NUL in a text."""
    return "" if text is None else text.replace("\0", "\ufffd").strip()


def addresses_of(record: Mapping[str, Any]) -> list[str]:
    found = (clean(address).lower() for address in record.get("emails") or ())
    return list(dict.fromkeys(address for address in found if address and len(address) <= ADDRESS_CHARS))


def ids_of(record: Mapping[str, Any]) -> list[str]:
    ids = [record.get("id"), *(record.get("ids") or ())]
    return list(dict.fromkeys(text for text in (clean(one) for one in ids) if text and len(text) <= IMPORT_ID_CHARS))


def json_object(text: str | None) -> dict[str, Any]:
    if not text:
        return {}
    try:
        found = json.loads(text.replace("\\u0000", "\\ufffd"), parse_constant=lambda name: None)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


_LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "œ": "oe", "đ": "d", "ł": "l", "Ł": "L"})


def slug(name: str, keep: str = "") -> str:
    """Contract 6.3.2: accents off, every run of other characters a dash, case kept. Letters of scripts that have no
    accents to take off stay: two Japanese names must not become one room."""
    plain = unicodedata.normalize("NFKD", name.translate(_LETTERS))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return re.sub(rf"[^\w{re.escape(keep)}]+", "-", unicodedata.normalize("NFC", plain)).strip("-")


def room_slug(name: str) -> str:
    """The slug, or a name of its own for one that has no letter at all."""
    found = slug(name)[:ROOM_NAME_CHARS]
    return found or "room-" + hashlib.sha256(name.encode()).hexdigest()[:8]
