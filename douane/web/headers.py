"""Headers as the server hands them over: pairs of bytes, names in small letters. To look through them is a twentieth of
making an object for it, and each layer of the application asks for one or two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.types import Message, Scope

Raw = Sequence[tuple[bytes, bytes]]


def first(scope: Scope, name: bytes) -> str | None:
    """The first header of a request with this name; None where there is none."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return None


def encoded(headers: Mapping[str, str]) -> Raw:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def add_missing(message: Message, headers: Raw) -> None:
    """To an answer's beginning those that it does not have."""
    given = message["headers"] = list(message.get("headers", ()))
    names = {name for name, _ in given}
    given += [header for header in headers if header[0] not in names]
