"""A command line made of functions: what their parameters are annotated with says how they are given.

`Annotated[int, Option(help="...")]` is an option `--name`, `Annotated[str, Argument()]` stands by its place. The
annotations of a verb are looked at when it is called and no sooner, and nothing else is loaded: a help page or a small
file costs little more than Python's start. Not for prompts, colours or completion.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NoReturn, TypeVar, Union, get_args, get_origin, get_type_hints

WIDTH = 80
_SHOWN = 24  # of a line of help, for the name; a longer one stands alone

F = TypeVar("F", bound=Callable[..., None])


class Exit(Exception):
    """Ends a verb with a status."""

    def __init__(self, status: int = 0) -> None:
        super().__init__(status)
        self.status = status


class Misused(Exception):
    """What was typed is not how the verb is called; the text says why."""


class Option:
    """`names`: `--long` and `-s`; none = made of the parameter's name. `min`: the least number."""

    def __init__(self, *names: str, metavar: str = "", help: str = "", min: int | None = None) -> None:
        self.names, self.metavar, self.help, self.min = names, metavar, help, min


class Argument:
    def __init__(self, *, metavar: str = "", help: str = "") -> None:
        self.metavar, self.help = metavar, help


class Group:
    """Verbs and groups of verbs under a name; without one of them it shows what there is."""

    def __init__(self, help: str, version: str = "") -> None:
        self.help, self.version = help, version
        self.verbs: dict[str, Callable[..., None]] = {}
        self.groups: dict[str, Group] = {}

    def command(self, name: str = "") -> Callable[[F], F]:
        def keep(function: F) -> F:
            self.verbs[name or function.__name__.replace("_", "-")] = function
            return function

        return keep

    def add(self, group: Group, name: str) -> None:
        self.groups[name] = group

    def call(self, path: str, words: Sequence[str]) -> None:
        """Runs what `words` name; `path` is what was typed before. Raises `Exit` with 2 where that is nothing."""
        first = words[0] if words else "--help"
        if first == "--help":
            print(self._page(path))
            raise Exit(0 if words else 2)
        if first == "--version" and self.version:
            print(self.version)
            raise Exit
        if first in self.groups:
            self.groups[first].call(f"{path} {first}", words[1:])
        elif first in self.verbs:
            _call(self.verbs[first], f"{path} {first}", words[1:])
        else:
            kind = "option" if first.startswith("-") else "command"
            _refuse(path, f"{path} [OPTIONS] COMMAND [ARGS]...", f"No such {kind} '{first}'.")

    def _page(self, path: str) -> str:
        options = [("--version", "Print the version and end.")] if self.version else []
        below = {name: _first(verb.__doc__ or "") for name, verb in self.verbs.items()}
        below |= {name: _first(group.help) for name, group in self.groups.items()}
        return "\n".join(
            (
                f"Usage: {path} [OPTIONS] COMMAND [ARGS]...",
                "",
                *_wrapped(self.help, 2),
                "",
                "Options:",
                *_table([*options, ("--help", "Show this message and end.")]),
                "",
                "Commands:",
                *_table(below.items()),
            )
        )


class _Parameter:
    """One parameter of a verb."""

    def __init__(self, name: str, annotation: Any, defaults: Mapping[str, Any]) -> None:
        self.name, self.needed, self.default = name, name not in defaults, defaults.get(name)
        kind, self.how = annotation, Option()
        if get_origin(annotation) is Annotated:
            kind, self.how = get_args(annotation)
        self.many = False
        if get_origin(kind) in (Union, UnionType):
            (kind,) = (one for one in get_args(kind) if one is not NoneType)
        if get_origin(kind) is list:
            (kind,), self.many = get_args(kind), True
        self.choices = get_args(kind) if get_origin(kind) is Literal else ()
        self.kind = str if self.choices else kind
        self.names = self.how.names or (f"--{name.replace('_', '-')}",) if isinstance(self.how, Option) else ()

    @property
    def shown(self) -> str:
        """What stands for the value."""
        if self.choices:
            return f"[{'|'.join(self.choices)}]"
        if isinstance(self.how, Argument):
            return self.how.metavar or self.name.upper()
        return self.how.metavar or {int: "INTEGER", float: "FLOAT", Path: "PATH"}.get(self.kind, "TEXT")

    @property
    def title(self) -> str:
        return f"'{' / '.join(sorted(self.names, key=len))}'" if self.names else f"'{self.shown}'"

    def read(self, text: str) -> Any:
        if self.choices and text not in self.choices:
            raise Misused(
                f"Invalid value for {self.title}: {text!r} is not one of {', '.join(map(repr, self.choices))}."
            )
        try:
            value: Any = self.kind(text)
        except ValueError:
            what = "integer" if self.kind is int else "number"
            raise Misused(f"Invalid value for {self.title}: {text!r} is not a valid {what}.") from None
        least = self.how.min if isinstance(self.how, Option) else None
        if least is not None and value < least:
            raise Misused(f"Invalid value for {self.title}: {value} is not in the range x>={least}.")
        return value


def _call(verb: Callable[..., None], path: str, words: Sequence[str]) -> None:
    code = verb.__code__
    names = code.co_varnames[: code.co_argcount]
    values: tuple[Any, ...] = verb.__defaults__ or ()
    defaults = dict(zip(names[len(names) - len(values) :], values, strict=True))
    hints = get_type_hints(verb, include_extras=True)
    parameters = [_Parameter(name, hints[name], defaults) for name in names]
    if "--help" in words[: words.index("--") if "--" in words else len(words)]:
        print(_verb_page(path, verb.__doc__ or "", parameters))
        raise Exit
    try:
        given = _given(parameters, words)
    except Misused as error:
        _refuse(path, _usage(path, parameters), str(error))
    verb(**given)


def _given(parameters: Sequence[_Parameter], words: Sequence[str]) -> dict[str, Any]:
    """The value of each parameter. `Misused` where one cannot be told."""
    options = {name: one for one in parameters for name in one.names}
    places = [one for one in parameters if not one.names]
    given: dict[str, Any] = {}
    rest = list(words)
    plain: list[str] = []
    while rest:
        word = rest.pop(0)
        if word == "--":
            plain += rest
            break
        if not word.startswith("-") or word == "-":
            plain.append(word)
            continue
        name, equals, value = word.partition("=") if word.startswith("--") else (word[:2], word[2:], word[2:])
        option = options.get(name)
        if option is None:
            raise Misused(f"No such option: {name}")
        if option.kind is bool:
            if equals:
                raise Misused(f"Option {name!r} does not take a value.")
            given[option.name] = True
            continue
        if not equals:
            if not rest:
                raise Misused(f"Option {name!r} requires an argument.")
            value = rest.pop(0)
        found = option.read(value)
        given[option.name] = [*given.get(option.name, ()), found] if option.many else found
    for place, text in zip(places, plain, strict=False):
        given[place.name] = place.read(text)
    if surplus := plain[len(places) :]:
        raise Misused(f"Got unexpected extra argument{'s' * (len(surplus) > 1)} ({' '.join(surplus)})")
    for one in parameters:
        if one.name not in given:
            if one.needed:
                raise Misused(f"Missing {'option' if one.names else 'argument'} {one.title}.")
            given[one.name] = one.default
    return given


def _usage(path: str, parameters: Sequence[_Parameter]) -> str:
    places = (one.shown if one.needed else f"[{one.shown}]" for one in parameters if not one.names)
    return " ".join((path, "[OPTIONS]", *places))


def _verb_page(path: str, told: str, parameters: Sequence[_Parameter]) -> str:
    lines = [f"Usage: {_usage(path, parameters)}", "", *_wrapped(told, 2)]
    if places := [one for one in parameters if not one.names]:
        lines += ["", "Arguments:", *_table((one.shown, _told(one)) for one in places)]
    options = [(_option(one), _told(one)) for one in parameters if one.names]
    return "\n".join((*lines, "", "Options:", *_table([*options, ("--help", "Show this message and end.")])))


def _option(one: _Parameter) -> str:
    names = ", ".join(sorted(one.names, key=len))
    return names if one.kind is bool else f"{names} {one.shown}"


def _told(one: _Parameter) -> str:
    usual = one.default if not isinstance(one.default, bool) and one.default not in (None, "") else None
    notes = ["required"] * one.needed + ([] if usual is None else [f"default: {usual}"])
    return f"{one.how.help}  [{'; '.join(notes)}]" if notes else str(one.how.help)


def _refuse(path: str, usage: str, why: str) -> NoReturn:
    print(f"Usage: {usage}\nTry '{path} --help' for help.\n\nError: {why}", file=sys.stderr)
    raise Exit(2)


def _first(text: str) -> str:
    """The first sentence."""
    whole = " ".join(text.split())
    end = whole.find(". ")
    return whole if end < 0 else whole[: end + 1]


def _table(rows: Iterable[tuple[str, str]]) -> list[str]:
    rows = list(rows)
    wide = min(max(len(name) for name, _ in rows), _SHOWN) + 4
    lines: list[str] = []
    for name, text in rows:
        first, *more = _wrapped(text, wide) or [""]
        if len(name) + 4 > wide:
            lines += [f"  {name}", first]
        else:
            lines.append(f"  {name:<{wide - 2}}{first.strip()}".rstrip())
        lines += more
    return lines


def _wrapped(text: str, margin: int) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= WIDTH:
            lines[-1] += f" {word}"
        else:
            lines.append(" " * margin + word)
    return lines
