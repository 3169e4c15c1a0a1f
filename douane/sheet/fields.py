"""The fields of a document a person writes: one row each, with its kind and the attribute that keeps its value.

`sheet/template_file.py` holds the tables; it, the wire, OpenAPI and the JSON Schema loop over them, so that a field is
written down once. A member of the columns or validations shelf brings rows of its own for what only it understands.
Whoever reads with other sentences (`/v1` has its peer's) goes by the kind's name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

from douane.errors import BadTemplate
from douane.values import dataclass


@dataclass(frozen=True, slots=True)
class Given:
    """A value as it stands in a document. `place`: where that is, e.g. `columns[3].name`. `strict`: the document is a
    file that a person wrote by hand. `type`: of the column."""

    value: Any
    name: str
    place: str
    strict: bool = False
    column_type: str = ""

    def fault(self, reason: str, *, code: str = "", within: str = "") -> BadTemplate:
        return BadTemplate(reason, place=self.place + within, **({"code": code} if code else {}))


@dataclass(frozen=True, slots=True)
class Kind:
    """What the values of a field are. `read`: a value that is there -> as kept, or BadTemplate. `write`: the way back.
    `schema`: as JSON Schema says it. `blank`: values that mean that nothing was given."""

    name: str
    read: Callable[[Given], Any]
    schema: Mapping[str, Any]
    write: Callable[[Any], Any] = lambda value: value
    blank: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """`attribute`: of the value that is read; a member's own field has none and stands among its `settings`. `default`:
    as kept. A field that is not `always` is written only where it says something else than its default. `schema`: what
    is to be said beside the kind's own."""

    name: str
    kind: Kind
    attribute: str = ""
    default: Any = None
    always: bool = True
    says: str = ""
    schema: Mapping[str, Any] = field(default_factory=dict)

    def read(self, document: Mapping[Any, Any], place: str, *, strict: bool = False, column_type: str = "") -> Any:
        value = document.get(self.name)
        if value is None or value in self.kind.blank:
            return self.default
        return self.kind.read(Given(value, self.name, at(place, self.name), strict, column_type))

    def as_schema(self) -> dict[str, Any]:
        described = {"description": self.says} if self.says else {}
        return {**self.kind.schema, **self.schema, **described}


def at(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def number_or_none(value: object) -> int | float | None:
    """Only what is of number type and finite (contract 4.5)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def _text(given: Given) -> str:
    if not isinstance(given.value, str):
        raise given.fault(f"'{given.name}' must be a string")
    return given.value


def _flag(given: Given) -> bool:
    if not isinstance(given.value, bool):
        raise given.fault(f"'{given.name}' must be boolean")
    return given.value


def _texts(given: Given) -> tuple[str, ...]:
    if not isinstance(given.value, list):
        raise given.fault(f"'{given.name}' must be an array")
    texts: list[str] = []
    for number, item in enumerate(given.value):
        if isinstance(item, str):
            texts.append(item)
        elif isinstance(item, int | float) and not isinstance(item, bool) and not given.strict:
            texts.append(str(item))
        else:
            # YAML turns an unquoted `no` or `1.10` into something else than these letters.
            raise given.fault("This must be text: put it in quotes.", within=f"[{number}]")
    return tuple(texts)


def _pairs(given: Given) -> tuple[tuple[str, str], ...]:
    if not isinstance(given.value, Mapping):
        raise given.fault(f"'{given.name}' must be an object")
    for name, value in given.value.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise given.fault("This must be text: put it in quotes.", within=f".{name}")
    return tuple(given.value.items())


def _scalar(given: Given) -> str | int | float:
    if isinstance(given.value, str | int | float):
        return given.value
    raise given.fault(f"'{given.name}' must be a string or a number")


def choice(*allowed: str, says: str = "{name} must be one of {allowed}") -> Kind:
    """One of a few texts."""

    def read(given: Given) -> str:
        if not isinstance(given.value, str) or given.value not in allowed:
            raise given.fault(says.format(name=given.name, allowed=", ".join(allowed)))
        return given.value

    return Kind("choice", read, {"enum": list(allowed)}, blank=("",))


TEXT = Kind("text", _text, {"type": "string"}, blank=("",))
FLAG = Kind("flag", _flag, {"type": "boolean"})
TEXTS = Kind("texts", _texts, {"type": "array", "items": {"type": "string"}}, list)
PAIRS = Kind("pairs", _pairs, {"type": "object", "additionalProperties": {"type": "string"}}, dict)
SCALAR = Kind("scalar", _scalar, {"type": ["string", "number", "boolean", "null"]})
# Of another type than number: as if it were not there.
BOUND = Kind("bound", lambda given: number_or_none(given.value), {"type": "number"})
