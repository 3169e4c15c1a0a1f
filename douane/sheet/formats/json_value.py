"""One value of a JSON file: its parts as the source's own text, and what is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import msgspec

from douane.errors import BadFile, OverLimit
from douane.sheet.formats import FLAG_BROKEN, FLAG_OVERLONG, FLAG_UNDECODABLE, Limits
from douane.sheet.formats.brackets import brackets

SPACE = b" \t\r\n"

_TABLE = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ROW = msgspec.json.Decoder(list[msgspec.Raw])
_ANY = msgspec.json.Decoder(msgspec.Raw)
_STRING = msgspec.json.Decoder(str)
_SPACE_OUTSIDE = re.compile(rb'("(?:[^"\\]|\\.)*+")|[ \t\r\n]+', re.DOTALL)
_SPACED_COLON = re.compile(rb'"[ \t\r\n]+:')
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)


class Value(NamedTuple):  # there may be millions
    """One value of the file. `content`: an object's or a row's values as JSON text; None if it is neither, then `text`
    stands for it and `error` is what the file is refused for if it has nothing better. `raw`: its bytes where `content`
    does not say all of them."""

    line: int
    content: dict[str, msgspec.Raw] | list[msgspec.Raw] | None
    flags: int = 0
    text: str = ""
    raw: bytes | None = None
    error: BadFile | None = None


def line_values(text: bytes, line: int, limits: Limits) -> Iterator[Value]:
    """Mostly one value; several objects may stand on a line."""
    value = value_of(text, line, limits)
    if value.content is None and text.count(b"}") > 1:
        places, depths = brackets(text, 0)
        stops = (places[depths == 0] + 1).tolist()
        if len(stops) > 1 and not text[stops[-1] :].strip(SPACE):
            begins = [0, *stops[:-1]]
            several = [value_of(text[begin:stop], line, limits) for begin, stop in zip(begins, stops, strict=True)]
            if all(part.content is not None for part in several):
                yield from several
                return
    yield value


def value_of(data: bytes, line: int, limits: Limits) -> Value:
    text, flags = data, 0
    if not data.isascii() and not _is_utf8(data):
        # A doubled backslash: within a string the byte then reads as \xNN, and elsewhere the value is no JSON anyway.
        shown = _ESCAPED_BYTE.sub(
            lambda byte: f"\\\\x{ord(byte[0]) - 0xDC00:02x}", data.decode("utf-8", "surrogateescape")
        )
        text, flags = shown.encode(), FLAG_UNDECODABLE
    try:
        _check_depth(text, line, limits)
        try:
            content = _content(text)
        except msgspec.DecodeError:
            if b"\\u" not in text:
                raise
            # Half a surrogate pair is no text: its escape is shown as it is written.
            text = _ESCAPE.sub(lambda escape: b"\\" + escape[0] if escape[1] else escape[0], text)
            content, flags = _content(text), flags | FLAG_UNDECODABLE
        _check_digits(text, line, limits)
    except OverLimit as limit:
        return unusable(data, line, flags | FLAG_BROKEN, limit, limits)
    except (msgspec.DecodeError, RecursionError) as fault:
        return unusable(data, line, flags | FLAG_BROKEN, no_json(str(fault), line), limits)
    if content is None:
        return unusable(data, line, flags | FLAG_BROKEN, no_table(), limits)
    if isinstance(content, dict) and _has_double_keys(text, len(content)):
        flags |= FLAG_BROKEN
    return Value(line, content, flags, raw=data.strip(SPACE) if flags else None)


def scalars_of(text: bytes, commas: bool, line: int) -> list[msgspec.Raw]:
    """What stands there, one value or values with commas between them. BadFile where it is no JSON."""
    try:
        return _ROW.decode(b"[" + text + b"]") if commas else [_ANY.decode(text)]
    except (msgspec.DecodeError, RecursionError) as fault:
        raise no_json(str(fault), line) from None


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def unusable(data: bytes, line: int, flags: int, error: BadFile, limits: Limits) -> Value:
    data = data.strip(SPACE)
    text, undecodable = decoded(data[: limits.cell_bytes])
    return Value(
        line, None, flags | (FLAG_UNDECODABLE if undecodable else 0), text, data if undecodable else None, error
    )


def _content(text: bytes) -> dict[str, msgspec.Raw] | list[msgspec.Raw] | None:
    """The values of an object or of an array; None for any other JSON."""
    begin = text.lstrip(SPACE)[:1]
    if begin == b"{":
        return _TABLE.decode(text)
    if begin == b"[":
        return _ROW.decode(text)
    _ANY.decode(text)
    return None


def _check_depth(text: bytes, line: int, limits: Limits) -> None:
    most = limits.json_depth
    if text.count(b"[") + text.count(b"{") > most and brackets(text, 0)[1].max(initial=0) > most:
        raise OverLimit(f"Line {line:,}: values are nested deeper than {most}", setting="json_depth")


def _check_digits(text: bytes, line: int, limits: Limits) -> None:
    if len(text) > limits.json_digits:
        for found in _long_number(limits.json_digits).finditer(text):
            if found[1]:
                raise OverLimit(
                    f"Line {line:,}: a number has more than {limits.json_digits:,} digits", setting="json_digits"
                )


@lru_cache(maxsize=4)
def _long_number(digits: int) -> re.Pattern[bytes]:
    return re.compile(rb'"(?:[^"\\]++|\\.)*+"|([-+.eE\d]{%d})' % (digits + 1), re.DOTALL)


def _has_double_keys(text: bytes, keys: int) -> bool:
    """True if an object names a key twice: all but the last value would be lost. Counting colons is mostly enough."""
    if text.count(b":") == keys or (text.count(b'":') == keys and not _SPACED_COLON.search(text)):
        return False
    return len(json.loads(text, object_pairs_hook=list, parse_int=str, parse_float=str)) != keys


def cell_of(value: msgspec.Raw, limits: Limits) -> tuple[str | None, int]:
    """A value as a cell: its text, and flags."""
    raw = bytes(value)
    begin = raw[:1]
    if begin == b'"':
        text = _STRING.decode(raw) if b"\\" in raw else raw[1:-1].decode()
    elif raw == b"null":
        return None, 0
    elif begin in b"{[":
        text = _SPACE_OUTSIDE.sub(lambda found: found[1] or b"", raw).decode()
    else:
        text = raw.decode()
    if len(raw) > limits.cell_bytes and len(text.encode()) > limits.cell_bytes:
        return text.encode()[: limits.cell_bytes].decode("utf-8", "ignore"), FLAG_OVERLONG
    return text, 0


def decoded(data: bytes) -> tuple[str, bool]:
    try:
        return data.decode(), False
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            return data[: error.start].decode(), False
        return data.decode("utf-8", "backslashreplace"), True


def no_table() -> BadFile:
    return BadFile("The JSON file is no table: its values are not objects.", code="file_type")


def no_json(reason: str, line: int) -> BadFile:
    return BadFile(f"The file is no JSON: {reason} (line {line:,}).", code="file_broken")


def is_value(text: bytes) -> bool:
    try:
        _ANY.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True
