"""Loads no more of Polars and other packages than is used.

`polars.io` loads whatever reads Iceberg, Delta, databases and clouds, `numpy` loads linear algebra and writes its
documentation into its functions, `httpx` a command line with its colours. A child reads one file and is gone, so that a
fifth of what a small file costs went there; in what serves it is memory and a slower start. After `begin` these modules
are stand-ins: whoever uses a name of theirs after all loads the real module at that moment, and everything is as it
would have been.

Not for our own modules, which are imported where they are needed.
"""

from __future__ import annotations

import copyreg
import importlib
import inspect
import os
import re
import sys
import typing
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.abc import Loader

# Whole families: the module, and all below it.
LATER = (
    "httpx._main",
    "numpy.linalg",
    "numpy.ma",
    "numpy.typing",
    "polars.catalog",
    "polars.convert",
    "polars.dataframe._html",
    "polars.dataframe.group_by",
    "polars.dataframe.plotting",
    "polars.functions.business",
    "polars.functions.random",
    "polars.interchange",
    "polars.io.arrow_c_stream",
    "polars.io.avro",
    "polars.io.clipboard",
    "polars.io.cloud",
    "polars.io.csv",
    "polars.io.database",
    "polars.io.delta",
    "polars.io.external_reader",
    "polars.io.iceberg",
    "polars.io.json",
    "polars.io.lance",
    "polars.io.lines",
    "polars.io.ndjson",
    "polars.io.parquet",
    "polars.io.partition",
    "polars.io.plugins",
    "polars.io.pyarrow_dataset",
    "polars.io.spreadsheet",
    "polars.lazyframe.engine_remote",
    "polars.lazyframe.group_by",
    "polars.lazyframe.in_process",
    "polars.lazyframe.resolver",
    "polars.plugins",
    "polars.series.array",
    "polars.series.binary",
    "polars.series.categorical",
    "polars.series.datetime",
    "polars.series.ext",
    "polars.series.list",
    "polars.series.plotting",
    "polars.series.struct",
    "polars.sql",
)
# What many modules import, and a program that is gone after a small file asks for hardly anything.
SMALL = ("ipaddress", "locale", "platform", "shutil", "tempfile")
# What two functions for the nearest value of a list bring along.
BESIDE = ("rapidfuzz.distance",)
# Have no names: what they do is to write documentation into functions.
NEVER = ("numpy._core._add_newdocs", "numpy._core._add_newdocs_scalars")


def _mask(values: Any) -> Any:
    return sys.modules["numpy"].False_ if _is_plain(values) else NotImplemented


def _data(values: Any) -> Any:
    return values if _is_plain(values) else NotImplemented


def _is_plain(values: Any) -> bool:
    return type(values) is sys.modules["numpy"].ndarray


def _credentials(provider: Any, source: Any, _options: Any, _caller: str) -> Any:
    first = source[0] if isinstance(source, list) and source else source
    local = isinstance(first, Path) or (isinstance(first, str) and "://" not in first)
    return None if local and provider in (None, "auto") else NotImplemented


# What Polars asks whenever it takes an array or opens a file, and what these modules answer of plain arrays, which have
# no mask, and of files of this machine, which need no credentials; what Polars and uuid ask the system when they are
# loaded. NotImplemented: they are loaded after all.
ANSWERS: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy.ma", "getmask"): _mask,
    ("numpy.ma", "getdata"): _data,
    ("platform", "machine"): lambda: os.uname().machine,
    ("platform", "system"): lambda: os.uname().sysname,
    ("polars.io.cloud.credential_provider._builder", "_init_credential_provider_builder"): _credentials,
}


def begin(*more: str) -> None:
    """Called before Polars is imported; later it changes nothing. `more`: families beside `LATER`."""
    if "polars" not in sys.modules and not any(isinstance(one, _Finder) for one in sys.meta_path):
        sys.meta_path.insert(0, _Finder({*LATER, *more}))


def yaml() -> None:
    """Loads PyYAML, for a process of one thread. Its patterns are compiled when something is matched by them: the one
    of all characters that may be printed took longer than a template's reading; the parser in C does without."""
    compiled = re.compile
    re.compile = _Pattern  # type: ignore[assignment]
    try:
        importlib.import_module("yaml")
    finally:
        re.compile = compiled


_compiled = re.compile


def small() -> None:
    """For a program that is gone after a small file. From here on a pattern that a module or a class makes when it is
    loaded is compiled when something is matched by it: a hundred are made until such a file is checked, few are used,
    and all of them took a twentieth of the time. Who makes one within a function hears at once whether it is one.
    Annotations in quotes are compiled when somebody asks for what they say, which `eval` does with a text as well."""
    begin(*SMALL, *BESIDE)
    re.compile = _later
    typing.compile = lambda source, *_how: source  # type: ignore[attr-defined]


def _later(pattern: Any, flags: Any = 0) -> Any:
    within = sys._getframe(1).f_code.co_flags & inspect.CO_OPTIMIZED
    return _compiled(pattern, flags) if within else _Pattern(pattern, flags)


class _Pattern:
    """A pattern in all but what C asks of one."""

    def __init__(self, pattern: Any, flags: Any = 0) -> None:
        self._given = pattern, flags

    def __getattr__(self, name: str) -> Any:
        found = self.__dict__[name] = getattr(self._real, name)
        return found

    @property
    def _real(self) -> re.Pattern[Any]:
        return _compiled(*self._given)

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return re.Pattern

    def __eq__(self, other: object) -> bool:
        return self._real == (other._real if type(other) is _Pattern else other)

    def __hash__(self) -> int:
        return hash(self._real)

    def __repr__(self) -> str:
        return repr(self._real)

    def __reduce__(self) -> Any:
        return copyreg.dispatch_table[re.Pattern](self._real)


@contextmanager
def _polars_quickly(_polars: ModuleType) -> Iterator[None]:
    with _signatures_later(), _without("typing_extensions"):
        yield


@contextmanager
def _without(package: str) -> Iterator[None]:
    """Where it is not loaded yet it is as if it were not installed; whoever asks for it later finds it."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]


@contextmanager
def _signatures_later() -> Iterator[None]:
    """Polars gives each function that it wraps the signature of the one within, for those who write programs: five
    hundred, a twentieth of what a small file costs, and that of one class, for which a tokeniser is made. Here each is
    found out when it is looked at."""
    signature = inspect.signature

    def later(function: Any, **how: Any) -> inspect.Signature:
        if how or not (inspect.isfunction(function) or inspect.isclass(function)):
            return signature(function, **how)
        made = _Signature.__new__(_Signature)
        made.found = lambda: signature(function)
        return made

    inspect.signature = later  # type: ignore[assignment]
    try:
        yield
    finally:
        inspect.signature = signature


class _Signature(inspect.Signature):
    __slots__ = ("found",)

    found: Callable[[], inspect.Signature]

    def __getattr__(self, name: str) -> Any:
        # A slot that nothing was put into.
        if name not in inspect.Signature.__slots__:
            raise AttributeError(name)
        found = self.found()
        for slot in inspect.Signature.__slots__:
            setattr(self, slot, getattr(found, slot))
        return getattr(self, name)


def msgspec() -> None:
    """Loads msgspec without typing_extensions, of which it takes, where it is installed, what typing has as well from
    Python 3.11 on: a hundredth of what a small file costs. Whoever asks for the package later finds it."""
    if "msgspec" not in sys.modules:
        with _without("typing_extensions"):
            importlib.import_module("msgspec")


@contextmanager
def _unverified(overrides: ModuleType) -> Iterator[None]:
    """NumPy compares two hundred functions with those that dispatch them, as a test of itself."""
    yield
    overrides.verify_matching_signatures = lambda _implementation, _dispatcher: None  # type: ignore[attr-defined]


# Modules, and what stands around their loading.
_AROUND: dict[str, Callable[[ModuleType], AbstractContextManager[None]]] = {
    "polars": _polars_quickly,
    "numpy._core.overrides": _unverified,
}


class _Finder:
    def __init__(self, later: set[str]) -> None:
        self._later = later
        self._packages = {one.partition(".")[0] for one in later}

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name in _AROUND:
            spec = PathFinder.find_spec(name, path)
            if spec is not None and spec.loader is not None:
                spec.loader = _Within(spec.loader)  # type: ignore[assignment]
            return spec
        if name in NEVER or self._family(name):
            # A loader in all but its base, whose module would load readers of archives and mail.
            return ModuleSpec(name, self, is_package=name not in NEVER)  # type: ignore[arg-type]
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return ModuleType(spec.name) if spec.name in NEVER else _StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to run."""

    def real(self, name: str) -> ModuleType:
        """The module itself, in the place of its stand-in and of those of its family."""
        family = self._family(name)
        self._later.discard(family)
        for known in [one for one, module in list(sys.modules.items()) if isinstance(module, _StandIn)]:
            if known == family or known.startswith(f"{family}."):
                sys.modules.pop(known, None)
        return importlib.import_module(name)

    def _family(self, name: str) -> str:
        """Asked of every module that is loaded, so that most are told by their first word."""
        first, *more = name.split(".")
        if first not in self._packages:
            return ""
        for word in ("", *more):
            first += f".{word}" if word else ""
            if first in self._later:
                return first
        return ""


class _Within:
    """Loads a module within what stands around it, and leaves it to its own loader."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self._loader
        with _AROUND[module.__name__](module):
            self._loader.exec_module(module)


class _StandIn(ModuleType):
    def __getattr__(self, name: str) -> Any:
        # What the import system asks a module for.
        if name.startswith("__"):
            raise AttributeError(name)
        if (self.__name__, name) == ("numpy.ma", "nomask"):
            return sys.modules["numpy"].False_
        return _Name(self, name)


class _Name:
    """A function or class that is loaded when something is done with it."""

    def __init__(self, module: ModuleType, name: str) -> None:
        self._module, self._name = module, name

    @property
    def _real(self) -> Any:
        # No lock but the import system's: threads that come together load the same module.
        if "_found" not in self.__dict__:
            loader = self._module.__spec__ and self._module.__spec__.loader
            assert isinstance(loader, _Finder)
            self.__dict__["_found"] = getattr(loader.real(self._module.__name__), self._name)
        return self.__dict__["_found"]

    def __call__(self, *given: Any, **named: Any) -> Any:
        known = ANSWERS.get((self._module.__name__, self._name))
        if known is not None and not named and (answer := known(*given)) is not NotImplemented:
            return answer
        return self._real(*given, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def __instancecheck__(self, value: object) -> bool:
        return isinstance(value, self._real)

    def __subclasscheck__(self, kind: type) -> bool:
        return issubclass(kind, self._real)

    def __mro_entries__(self, _bases: tuple[object, ...]) -> tuple[type, ...]:
        return (self._real,)

    def __or__(self, other: Any) -> Any:
        return self._real | other

    def __ror__(self, other: Any) -> Any:
        return other | self._real

    def __getitem__(self, key: Any) -> Any:
        return _Item(self, key)


class _Item(_Name):
    """`NDArray[uint64]`, which stands in annotations that nobody reads."""

    def __init__(self, of: _Name, key: Any) -> None:
        self._of, self._key = of, key

    @property
    def _real(self) -> Any:
        return self._of._real[self._key]
