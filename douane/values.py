"""`dataclass(frozen=True, slots=True)`, made in a sixth of the time.

The standard library writes and compiles six functions for each such class, and makes up a docstring out of its own
signature where there is none. A child that opens a small file loads some ninety of them, which took longer than its
reading and checking. Here one function is compiled, the others are the same for all, and who has no docstring goes
without. Everything else is the standard library's: fields, `replace`, `asdict`, and classes of any other kind.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls=None, /, **options):
        if cls is not None or options != {"frozen": True, "slots": True}:
            return dataclasses.dataclass(cls, **options)
        return _value


def _value(cls: type) -> type:
    documented, cls.__doc__ = cls.__doc__, cls.__doc__ or cls.__name__
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
    cls.__doc__ = documented
    fields = dataclasses.fields(made)
    names = tuple(field.name for field in fields)
    held = {name for base in cls.__mro__[1:] for name in getattr(base, "__slots__", ())}
    body = {name: one for name, one in vars(cls).items() if name not in {*names, "__dict__", "__weakref__"}}
    body["__slots__"] = tuple(name for name in names if name not in held)
    body["__init__"] = _init(cls, fields)
    for name, method in _methods(names).items():
        body.setdefault(name, method)
    body |= {"__setattr__": _set, "__delattr__": _delete, "__getstate__": _state, "__setstate__": _restore}
    whole: type = type(cls)(cls.__name__, cls.__bases__, body)
    whole.__qualname__ = cls.__qualname__
    return whole


def _init(cls: type, fields: tuple[dataclasses.Field[Any], ...]) -> Callable[..., None]:
    known: dict[str, Any] = {"_set": object.__setattr__, "_none": dataclasses.MISSING}
    given, lines = ["self"], []
    for field in fields:
        name, value = field.name, field.name
        if field.default is not dataclasses.MISSING:
            known[f"_of_{name}"] = field.default
            given.append(f"{name}=_of_{name}")
        elif field.default_factory is not dataclasses.MISSING:
            known[f"_of_{name}"] = field.default_factory
            given.append(f"{name}=_none")
            value = f"_of_{name}() if {name} is _none else {name}"
        else:
            given.append(name)
        lines.append(f" _set(self, {name!r}, {value})")
    if hasattr(cls, "__post_init__"):
        lines.append(" self.__post_init__()")
    exec(f"def __init__({', '.join(given)}):\n" + ("\n".join(lines) or " pass"), known)
    init: Callable[..., None] = known["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init


def _methods(names: tuple[str, ...]) -> dict[str, Any]:
    def all_of(self: object) -> tuple[Any, ...]:
        return tuple([getattr(self, name) for name in names])

    values: Callable[[object], Any] = attrgetter(*names) if len(names) > 1 else all_of

    def equal(self: object, other: object) -> bool:
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    def digest(self: object) -> int:
        return hash(values(self))

    def shown(self: object) -> str:
        return f"{self.__class__.__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    return {"__eq__": equal, "__hash__": digest, "__repr__": shown}


def _set(self: object, name: str, _value: object) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _delete(self: object, name: str) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _restore(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)
