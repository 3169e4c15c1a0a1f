"""Every way a line can be wrong in one place: what the doors are fed."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, inspect

from douane import line

HERE, THERE = Path("/here"), Path("/there")
NAMES = ("../a", "a/b", "/etc/passwd", "", ".", "..", ".hidden", "a\nb", "a\0b", "a b", "ä", "~a", "x" * 251, 7, None)
FED_CHARS_MAX = 1 << 20  # a bound above this is only looked up: filling it would take the test's memory


def faults(sample: Struct) -> Iterator[tuple[str, bytes]]:
    """(what is wrong, the line) for every field of the message at any depth: missing (where it may not be), misspelt,
    of the wrong type, longer than it may be, and of files every name that is none."""
    document = msgspec.json.decode(line.encode(sample, HERE))
    for what, wrong in _of_struct(type(sample), document, ""):
        yield what, msgspec.json.encode(wrong)


def _of_struct(kind: Any, document: dict[str, Any], at: str) -> Iterator[tuple[str, Any]]:
    info = kind if isinstance(kind, inspect.StructType | inspect.DataclassType) else inspect.type_info(kind)
    for field in info.fields:
        name, place = field.encode_name, f"{at}.{field.encode_name}"
        if name not in document:
            continue  # a default that is left out
        if field.required:
            yield f"{place} is missing", {key: value for key, value in document.items() if key != name}
        if isinstance(info, inspect.StructType):
            yield f"{place} is misspelt", {f"{key}x" if key == name else key: v for key, v in document.items()}
        for what, value in _of_value(field.type, document[name], place):
            yield what, {**copy.deepcopy(document), name: value}


def _of_value(kind: Any, value: Any, at: str) -> Iterator[tuple[str, Any]]:
    """Values that `kind` must not take."""
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.AnyType | inspect.RawType):
        return
    yield f"{at} is a list of lists", [[[1]]]
    if not _takes(kind, inspect.FloatType):
        yield f"{at} is a fraction", 0.5
    kinds = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    for one in kinds:
        match one:
            case inspect.CustomType(cls=cls) if cls in (Path, line.FileName):
                for name in NAMES:
                    if name is not None or not _takes(kind, inspect.NoneType):
                        yield f"{at} is {name!r}", name
            case inspect.StrType(max_length=most) if most is not None and most <= FED_CHARS_MAX:
                yield f"{at} is too long", "x" * (most + 1)
            case inspect.IntType(le=most, ge=least) if most is not None and least is not None:
                yield f"{at} is too large", int(most) + 1
                yield f"{at} is too small", int(least) - 1
            case inspect.StructType() | inspect.DataclassType() if value is not None:
                yield from _of_struct(one, value, at)
            case inspect.VarTupleType(item_type=item) if value:
                for what, wrong in _of_value(item, value[0], f"{at}[0]"):
                    yield what, [wrong, *value[1:]]
            case inspect.DictType(value_type=item) if value:
                key = next(iter(value))
                for what, wrong in _of_value(item, value[key], f"{at}[{key}]"):
                    yield what, {**value, key: wrong}


def _takes(kind: Any, wanted: type) -> bool:
    return isinstance(kind, wanted) or (
        isinstance(kind, inspect.UnionType) and any(isinstance(one, wanted) for one in kind.types)
    )


def unbounded(kind: Any, seen: frozenset[Any] = frozenset()) -> Iterator[str]:
    """Texts and numbers of a message's own structs that have no bound."""
    info = inspect.type_info(kind) if isinstance(kind, type) else kind
    match info:
        case inspect.StructType(cls=cls) if cls not in seen:
            for field in info.fields:
                for what in unbounded(field.type, seen | {cls}):
                    yield f"{cls.__name__}.{field.name}: {what}"
        case inspect.Metadata(type=inner):
            yield from unbounded(inner, seen)
        case inspect.UnionType(types=kinds):
            for one in kinds:
                yield from unbounded(one, seen)
        case inspect.VarTupleType(item_type=inner) | inspect.ListType(item_type=inner):
            yield from unbounded(inner, seen)
        case inspect.TupleType(item_types=kinds):
            for one in kinds:
                yield from unbounded(one, seen)
        case inspect.DictType(key_type=key, value_type=inner):
            yield from unbounded(key, seen)
            yield from unbounded(inner, seen)
        case inspect.StrType(max_length=None):
            yield "a text"
        case inspect.IntType(le=None):
            yield "a number"
