"""The form in which a template wants its records and calls: JSON with `{{name}}` where values go (contract 8.3).

People edit one *combined* format, in which the member named `%data%` holds the form of a record. It is split into the
record format and the chunk format, whose member `data` is `"{{data}}"`. A format is compiled once and filled
many times.

A text that is one placeholder takes the value with its type; within a longer text the first occurrence of each name is
replaced by the value as text. Names are matched exactly, and a value is never looked at for further names. What is no
name stays as it is written, and so does a name that the values lack; keys are never replaced.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import msgspec

from douane.errors import BadTemplate

# What a chunk format may name (contract 8.3); `isInvalidRecords` is in its examples, and here it is a boolean.
CHUNK_VARIABLES = ("page", "chunkSize", "template", "uploadId", "fileName", "extra")
FURTHER_VARIABLES = ("data", "totalRecords", "totalPages", "isInvalidRecords")
DEFAULT_CHUNK: dict[str, Any] = {"data": "{{data}}", **{name: "{{" + name + "}}" for name in CHUNK_VARIABLES}}

DEPTH_MAX = 64  # levels of a format
PLACEHOLDERS_MAX = 20_000  # places of a format where a value goes; each is one more copy of a cell

_ENDS_MAX = 8  # `}}` that are tried as the end of one name: names may hold braces themselves
_END = re.compile(r"(?=\}\})")
_WRITTEN = re.compile(r"\{\{([^{}]{1,200})\}\}")

Values = Mapping[str, Any]
_Fill = Callable[[Values], Any]


class _LeftOut:
    """Instead of a value: the member of an object is left out, an item of an array is null, a text has nothing."""

    def __repr__(self) -> str:
        return "LEFT_OUT"


LEFT_OUT = _LeftOut()


class Format:
    """A compiled format. `names`: every name that values may have; `unknown`: what looks like a placeholder in it and
    is none of them, in order."""

    unknown: tuple[str, ...]

    def __init__(self, value: Any, names: Collection[str]) -> None:
        """`value`: decoded JSON, by `read`."""
        compiler = _Compiler(frozenset(names))
        self._fill = compiler.node(value)
        self.unknown = tuple(compiler.unknown)

    def fill(self, values: Values) -> Any:
        """The format with the values in it: texts, `msgspec.Raw`, numbers, booleans, None, lists, LEFT_OUT. Encode with
        msgspec.json, and don't change it: parts without placeholders are one object in all of them."""
        return self._fill(values)


def read(text: str | bytes, place: str, bytes_max: int) -> Any:
    """A format's JSON, its numbers spelled as they were. BadTemplate with a sentence for what cannot be one."""
    size = len(text.encode("utf-8", "surrogatepass")) if isinstance(text, str) else len(text)
    if size > bytes_max:
        raise _bad(place, f"may have at most {bytes_max} bytes (setting format_bytes_max); it has {size}.")
    try:
        value = _JSON.decode(text)
    except RecursionError as error:
        raise _too_deep(place) from error
    except (msgspec.DecodeError, UnicodeError) as error:
        raise _bad(place, f"must be a json string: {error}") from error
    depth = places = 0
    level = [value]
    while level:
        places += sum(one.count("{{") for one in level if isinstance(one, str))
        depth += any(isinstance(one, dict | list) for one in level)
        level = [item for one in level for item in _items(one)]
    if depth > DEPTH_MAX:
        raise _too_deep(place)
    if places > PLACEHOLDERS_MAX:
        raise _bad(place, f"may name values in at most {PLACEHOLDERS_MAX} places.")
    return value


def decoded(text: str) -> Any:
    """Of a format that was read before."""
    return _JSON.decode(text)


def split(combined: Any, place: str = "combinedFormat") -> tuple[dict[str, Any], Any]:
    """A combined format → (record format, chunk format), cut at the one member whose key stands between percent signs.
    BadTemplate where there is none, more than one, or none that a record can have the form of."""
    found: list[Any] = []

    def walk(value: Any) -> Any:
        if isinstance(value, list):
            return [walk(item) for item in value]
        if not isinstance(value, dict):
            return value
        shown: dict[str, Any] = {}
        for key, item in value.items():
            name = _marked(key)
            if name in shown or (name is not None and name in value):
                raise _bad(place, f'has both "{key}" and "{name}", which would be one member.')
            if name is not None:
                found.append(item)
            shown[key if name is None else name] = walk(item) if name is None else "{{data}}"
        return shown

    chunk = walk(combined)
    if not found:
        raise _bad(place, 'needs a member whose key is between percent signs, as "%data%": the form of a record.')
    if len(found) > 1:
        raise _bad(place, "has more than one member whose key is between percent signs.")
    if not isinstance(found[0], dict):
        raise _bad(place, "must have an object between percent signs: the form of a record.")
    return found[0], chunk


def combine(record: Any, chunk: Any, place: str = "chunkFormat") -> Any:
    """The combined format that `split` takes apart into these. BadTemplate where the chunk has no place for records, or
    several."""
    places = 0

    def walk(value: Any) -> Any:
        nonlocal places
        if isinstance(value, list):
            return [walk(item) for item in value]
        if not isinstance(value, dict):
            return value
        made: dict[str, Any] = {}
        for key, item in value.items():
            if item == "{{data}}":
                places += 1
                made[f"%{key}%"] = record
            else:
                made[key] = walk(item)
        return made

    combined = walk(chunk)
    if places != 1:
        raise _bad(place, 'needs one member that is "{{data}}", where the records go.')
    split(combined, place)
    return combined


def default_record(keys: Iterable[str]) -> dict[str, Any]:
    """Each column under its own key."""
    return {key: "{{" + key + "}}" for key in keys}


def written(value: Any) -> str:
    """A format as JSON text."""
    return msgspec.json.encode(value).decode()


def marked(combined: Any) -> bool:
    """Whether any member's key stands between percent signs."""
    if isinstance(combined, dict) and any(map(_marked, combined)):
        return True
    return any(map(marked, _items(combined)))


def _marked(key: str) -> str | None:
    """`data` of `%data%`; None for another key."""
    if len(key) > 2 and key.startswith("%") and key.endswith("%"):
        return key.strip("%") or None
    return None


def _items(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _bad(place: str, message: str) -> BadTemplate:
    return BadTemplate(message, place=place, code="format")


def _too_deep(place: str) -> BadTemplate:
    return _bad(place, f"may be nested at most {DEPTH_MAX} levels deep.")


# Numbers stay as they are spelled: by way of a double `1.50` and `1e400` would not.
_JSON = msgspec.json.Decoder(float_hook=lambda digits: msgspec.Raw(digits.encode()))


class _Compiler:
    """Makes of each part of a format a function of the values. One without placeholders gives itself."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names
        self._lengths = {len(name) for name in names}
        self.unknown: dict[str, None] = {}

    def node(self, value: Any) -> _Fill:
        made = self._node(value)
        return (lambda _: value) if made is None else made

    def _node(self, value: Any) -> _Fill | None:
        """None where nothing in it is replaced."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            return self._object(value)
        return self._array(value) if isinstance(value, list) else None

    def _object(self, value: dict[str, Any]) -> _Fill | None:
        made = {key: self._node(item) for key, item in value.items()}
        if not any(made.values()):
            return None
        members = [(key, fill or _constant(value[key])) for key, fill in made.items()]

        def filled(values: Values) -> Any:
            return {key: item for key, fill in members if (item := fill(values)) is not LEFT_OUT}

        return filled

    def _array(self, value: list[Any]) -> _Fill | None:
        made = [self._node(item) for item in value]
        if not any(made):
            return None
        items = [fill or _constant(item) for fill, item in zip(made, value, strict=True)]

        def filled(values: Values) -> Any:
            return [None if (item := fill(values)) is LEFT_OUT else item for fill in items]

        return filled

    def _text(self, text: str) -> _Fill | None:
        if len(text) > 4 and text.startswith("{{") and text.endswith("}}") and text[2:-2] in self._names:
            name = text[2:-2]
            return lambda values: values.get(name, text)
        pieces = self._pieces(text)
        if not any(name for _, name in pieces):
            return None

        def filled(values: Values) -> str:
            return "".join(
                plain if name is None or name not in values else _as_text(values[name]) for plain, name in pieces
            )

        return filled

    def _pieces(self, text: str) -> list[tuple[str, str | None]]:
        """The text in pieces: (as it is written, the name that it stands for)."""
        pieces: list[tuple[str, str | None]] = []
        seen: set[str] = set()
        ends = [found.start() for found in _END.finditer(text)]
        done = at = 0
        while (at := text.find("{{", at)) >= 0:
            end = self._end(text, at + 2, ends)
            if end is None or (name := text[at + 2 : end]) in seen:
                at += 1 if end is None else len(text[at : end + 2])
                continue
            seen.add(name)
            self._note(text[done:at])
            pieces += [(text[done:at], None), (text[at : end + 2], name)]
            done = at = end + 2
        self._note(text[done:])
        return [*pieces, (text[done:], None)]

    def _end(self, text: str, start: int, ends: list[int]) -> int | None:
        """Where the shortest known name that starts here ends. Lengths are compared before any text is."""
        first = bisect_left(ends, start)
        for end in ends[first : first + _ENDS_MAX]:
            if end - start in self._lengths and text[start:end] in self._names:
                return end
        return None

    def _note(self, text: str) -> None:
        for found in _WRITTEN.finditer(text):
            if found[1] not in self._names:
                self.unknown[found[0]] = None


def _constant(value: Any) -> _Fill:
    return lambda _: value


def _as_text(value: Any) -> str:
    """A value within a longer text."""
    if isinstance(value, str):
        return value
    if value is None or value is LEFT_OUT:
        return ""
    if isinstance(value, list):
        return ",".join(map(_as_text, value))
    return msgspec.json.encode(value).decode()
