"""`dataclass(frozen=True, slots=True)`, made in a tenth of the time.

The standard library writes and compiles six functions for each such class, and makes up a docstring out of its own
signature where there is none. A child that opens a small file loads some ninety of them, which took longer than its
reading and checking. Here one function is compiled, when a value is first made, the others are the same for all, and
who has no docstring goes without. Everything else is the standard library's: fields, found out when somebody asks for
them, `replace`, `asdict`, and classes of any other kind.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, get_origin

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:

    def dataclass(cls=None, /, **options):
        if cls is not None or options != {"frozen": True, "slots": True}:
            return dataclasses.dataclass(cls, **options)
        return _value


def _value(cls: type) -> type:
    defaults = _defaults(cls)
    names = tuple(defaults)
    held = {name for base in cls.__mro__[1:] for name in getattr(base, "__slots__", ())}
    body = {name: one for name, one in vars(cls).items() if name not in {*names, "__dict__", "__weakref__"}}
    body["__slots__"] = tuple(name for name in names if name not in held)
    body["__match_args__"] = names
    for name, method in _methods(names).items():
        body.setdefault(name, method)
    body |= {"__setattr__": _set, "__delattr__": _delete, "__getstate__": _state, "__setstate__": _restore}
    fields = _Fields(cls, defaults)
    init = _Init(cls, defaults)
    body |= {"__init__": init, "__dataclass_fields__": fields, "__dataclass_params__": _Params(fields)}
    init.whole = whole = type(cls)(cls.__name__, cls.__bases__, body)
    whole.__qualname__ = cls.__qualname__
    return whole


def _defaults(cls: type) -> dict[str, Any]:
    """Its fields in order, those of its bases first, each with its default: a value, what `dataclasses.field` made, or
    MISSING."""
    found: dict[str, Any] = {}
    for base in cls.__mro__[:0:-1]:
        known = vars(base).get("__dataclass_fields__")
        found |= known.defaults if isinstance(known, _Fields) else known or {}
    for name, kind in vars(cls).get("__annotations__", {}).items():
        if not _is_of_class(kind):
            found[name] = vars(cls).get(name, dataclasses.MISSING)
    return found


def _is_of_class(kind: Any) -> bool:
    return kind.startswith(("ClassVar", "typing.ClassVar")) if isinstance(kind, str) else _bare(kind) is ClassVar


def _bare(kind: Any) -> Any:
    return get_origin(kind) or kind


class _Fields:
    """The fields as the standard library has them, made when somebody asks for them: few are asked."""

    def __init__(self, cls: type, defaults: dict[str, Any]) -> None:
        self._cls, self.defaults = cls, defaults
        self._made: Any = None

    def made(self) -> Any:
        if self._made is None:
            cls = self._cls
            documented, cls.__doc__ = cls.__doc__, cls.__doc__ or cls.__name__
            self._made = dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
            cls.__doc__ = documented
        return self._made

    def __get__(self, _value: object, _kind: type) -> Any:
        return self.made().__dataclass_fields__


class _Params:
    def __init__(self, fields: _Fields) -> None:
        self._fields = fields

    def __get__(self, _value: object, _kind: type) -> Any:
        return self._fields.made().__dataclass_params__


class _Init:
    """Compiled when the first value is made, and of many classes none is."""

    whole: type

    def __init__(self, cls: type, defaults: dict[str, Any]) -> None:
        self._cls, self._defaults = cls, defaults

    def __get__(self, value: object, kind: type) -> Any:
        init = _init(self._cls, self._defaults)
        self.whole.__init__ = init  # type: ignore[misc]
        return init.__get__(value, kind)


def _init(cls: type, defaults: dict[str, Any]) -> Callable[..., None]:
    known: dict[str, Any] = {"_set": object.__setattr__, "_none": dataclasses.MISSING}
    given, lines = ["self"], []
    for name, default in defaults.items():
        known_as, value = f"_of_{name}", name
        one = default if isinstance(default, dataclasses.Field) else dataclasses.field(default=default)
        if one.default is not dataclasses.MISSING:
            known[known_as] = one.default
            given.append(f"{name}={known_as}")
        elif one.default_factory is not dataclasses.MISSING:
            known[known_as] = one.default_factory
            given.append(f"{name}=_none")
            value = f"{known_as}() if {name} is _none else {name}"
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
