"""What every body that comes in is read with, and judged by in the words of the peer's validation library."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from douane.web.spreadsheet.wire.errors import WireError


def number_or(text: str | None, default: int, least: int = 1) -> int:
    """Page arithmetic of the peer (2.4): nothing given → `default`; no number, or too small a one → `least`."""
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        return least
    return int(min(value, 2**31)) if math.isfinite(value) and value >= least else least


def clean(value: Any) -> Any:
    """Refuses the NUL character anywhere in a body: no database text can hold it."""
    if isinstance(value, str):
        if "\0" in value:
            raise WireError(400, "A text holds the NUL character, which cannot be kept.")
    elif isinstance(value, list):
        for item in value:
            clean(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            clean(name)
            clean(item)
    return value


@dataclass
class Body:
    """An object body being judged: each call reads one field and notes what is wrong with it, in the words of the
    peer's validation library. Unknown fields are ignored (2.1)."""

    fields: Mapping[str, Any]
    prefix: str = ""
    messages: list[str] = field(default_factory=list)

    def wrong(self, name: str, message: str) -> None:
        self.messages.append(f"{self.prefix}{name} {message}")

    def text(self, name: str, *, required: bool = False) -> str | None:
        value = self.fields.get(name)
        if value is None and not required:
            return None
        if required and (value is None or value == ""):
            self.wrong(name, "should not be empty")
        if not isinstance(value, str):
            self.wrong(name, "must be a string")
            return None
        return value

    def flag(self, name: str) -> bool | None:
        value = self.fields.get(name)
        if value is not None and not isinstance(value, bool):
            self.wrong(name, "must be a boolean value")
            return None
        return value

    def number(self, name: str, *, required: bool = False) -> int | float | None:
        value = self.fields.get(name)
        if value is None and not required:
            return None
        if not is_number(value):
            self.wrong(name, "must be a number conforming to the specified constraints")
            return None
        return value

    def index(self, name: str, value: Any) -> int:
        """A row's index: a whole number that a file can have."""
        if not is_number(value):
            self.wrong(name, "must be a number conforming to the specified constraints")
        elif value != int(value):
            self.wrong(name, "must be an integer number")
        elif value < 0:
            self.wrong(name, "must not be less than 0")
        elif value > INDEX_MAX:
            self.wrong(name, f"must not be greater than {INDEX_MAX}")
        else:
            return int(value)
        return 0

    def texts(self, name: str) -> list[str] | None:
        value = self.fields.get(name)
        if value is None:
            return None
        if not isinstance(value, list):
            self.wrong(name, "must be an array")
            return None
        if not all(isinstance(one, str) for one in value):
            self.messages.append(f"each value in {self.prefix}{name} must be a string")
            return None
        return value

    def mapping(self, name: str) -> dict[str, Any]:
        value = self.fields.get(name)
        if not isinstance(value, dict):
            self.wrong(name, "must be an object")
            return {}
        return value

    def choice(self, name: str, allowed: Sequence[str], *, required: bool = False) -> str | None:
        value = self.fields.get(name)
        if value is None and not required:
            return None
        if value not in allowed or not isinstance(value, str):
            self.wrong(name, f"must be one of {', '.join(allowed)}")
            return None
        return value

    def json(self, name: str) -> Any:
        """A field that holds JSON as text; None if it is absent or empty."""
        value = self.fields.get(name)
        if value is None or value == "":
            return None
        try:
            if not isinstance(value, str):
                raise TypeError
            return clean(msgspec.json.decode(value))
        except (TypeError, msgspec.DecodeError, RecursionError):
            self.wrong(name, "must be a json string")
            return None

    def done(self) -> None:
        if self.messages:
            raise WireError(400, self.messages)


# Beyond it no file has rows, and positions are 32-bit in the staged lists.
INDEX_MAX = 2**31 - 1
NUMBER_TEXT = re.compile(r"[+-]?\d*\.?\d+")


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def object_body(value: Any) -> Body:
    """Anything but an object is judged as an empty one: the messages say what is missing."""
    return Body(value if isinstance(value, dict) else {})


def array_body(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise WireError(400, "Validation failed (parsable array expected)")
    return [item if isinstance(item, dict) else {} for item in value]


def is_mongo_id(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[0-9a-fA-F]{24}", value) is not None
