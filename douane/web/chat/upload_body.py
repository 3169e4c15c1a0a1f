"""The body of `uploadImportFile`: a JSON object whose `binaryContent` may hold gigabytes of base64.

The body is on disk when it is read here, and stays there: the object's members are found by their place in the file,
and the text of the file is decoded block by block. Base64 is taken as leniently as the original does (contract 3.1):
both alphabets, line breaks, no padding; what is no base64 is passed over.
"""

from __future__ import annotations

import base64
import binascii
import mmap
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

_SPACE = re.compile(rb"[ \t\r\n]*")
_NAME_BYTES_MAX = 1000
_VALUE_BYTES_MAX = 1 << 20  # of a member that is not the file
_BLOCK_BYTES = 3 << 20
_LITERAL = re.compile(rb"[-+.0-9a-zA-Z]{1,200}")
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_SAME = bytes.maketrans(b"-_", b"+/")
_OTHERS = bytes(sorted(set(range(256)) - set(_ALPHABET) - set(b"-_")))
_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Text:
    """A text of the body by its place: the bytes between its quotes."""

    start: int
    end: int


def members(data: mmap.mmap | bytes, large: str) -> dict[str, Any] | None:
    """The top-level object's members as plain data, the text `large` by its place; the last of equal names counts. None
    for what is no JSON object. Values may be anything, but only short ones are looked into."""
    try:
        return _members(data, large)
    except (ValueError, IndexError, RecursionError):
        return None


def _members(data: mmap.mmap | bytes, large: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    at = _skip(data, 3 if data[:3] == b"\xef\xbb\xbf" else 0)
    if data[at : at + 1] != b"{":
        raise ValueError("no object")
    at = _skip(data, at + 1)
    if data[at : at + 1] == b"}":
        _ended(data, at + 1)
        return found
    while True:
        end = _text_end(data, at)
        if end - at > _NAME_BYTES_MAX:
            raise ValueError("a name is too long")
        name = msgspec.json.decode(data[at:end], type=str)
        at = _skip(data, end)
        if data[at : at + 1] != b":":
            raise ValueError("no colon")
        at = _skip(data, at + 1)
        end = _value_end(data, at)
        if name == large and data[at : at + 1] == b'"':
            found[name] = Text(at + 1, end - 1)
        elif end - at > _VALUE_BYTES_MAX:
            raise ValueError("a value is too long")
        else:
            found[name] = msgspec.json.decode(data[at:end])
        at = _skip(data, end)
        mark = data[at : at + 1]
        if mark == b"}":
            _ended(data, at + 1)
            return found
        if mark != b",":
            raise ValueError("no comma")
        at = _skip(data, at + 1)


def _skip(data: mmap.mmap | bytes, at: int) -> int:
    found = _SPACE.match(data, at)
    assert found is not None
    return found.end()


def _ended(data: mmap.mmap | bytes, at: int) -> None:
    if _skip(data, at) != len(data):
        raise ValueError("something comes after the object")


def _text_end(data: mmap.mmap | bytes, at: int) -> int:
    """The place after the closing quote of the text that opens at `at`."""
    if data[at : at + 1] != b'"':
        raise ValueError("no text")
    from_ = at + 1
    while True:
        end = data.find(b'"', from_)
        if end < 0:
            raise ValueError("a text without an end")
        slashes = 0
        while data[end - slashes - 1 : end - slashes] == b"\\" and end - slashes - 1 > at:
            slashes += 1
        if slashes % 2 == 0:
            return end + 1
        from_ = end + 1


def _value_end(data: mmap.mmap | bytes, at: int) -> int:
    first = data[at : at + 1]
    if first == b'"':
        return _text_end(data, at)
    if first not in (b"{", b"["):
        literal = _LITERAL.match(data, at)
        if literal is None:
            raise ValueError("no value")
        return literal.end()
    depth = 0
    while True:
        mark = data[at : at + 1]
        if mark == b'"':
            at = _text_end(data, at)
            continue
        if mark == b"":
            raise ValueError("no end")
        depth += (mark in b"{[") - (mark in b"}]")
        at += 1
        if depth == 0:
            return at


def decoded(data: mmap.mmap | bytes, text: Text) -> Iterator[bytes]:
    """The bytes that a text of base64 stands for, block by block."""
    kept = b""
    at = text.start
    while at < text.end:
        stop = min(at + _BLOCK_BYTES, text.end)
        block = data[at:stop]
        # An escape is not cut in two.
        cut = block.rfind(b"\\", max(0, len(block) - 6))
        if cut >= 0 and stop < text.end:
            stop = min(stop + 12, text.end) if cut == 0 else at + cut
            # Of two slashes in a row the second belongs to the first.
            while stop > at + 1 and data[stop - 1 : stop] == b"\\":
                stop -= 1
            block = data[at:stop]
        at = stop
        if b"\\" in block:
            block = _ESCAPE.sub(_unescaped, block)
        clean = kept + block.translate(_SAME, _OTHERS)
        whole = len(clean) - len(clean) % 4
        kept = clean[whole:]
        if whole:
            yield binascii.a2b_base64(clean[:whole])
    if len(kept) > 1:
        yield base64.b64decode(kept + b"=" * (-len(kept) % 4))


def _unescaped(found: re.Match[bytes]) -> bytes:
    if found[1] is not None:
        code = int(found[1], 16)
        return bytes([code]) if code < 128 else b""
    return b"" if found[2] in b"nrtbf" else found[2]


def text_of(value: str) -> Iterator[bytes]:
    """The same for a text at hand (a number that was coerced, a form field)."""
    data = value.encode()
    return decoded(data.replace(b"\\", b""), Text(0, len(data.replace(b"\\", b""))))


def mapped(path: Path) -> mmap.mmap | bytes:
    """The file without reading it; bytes for an empty one."""
    if path.stat().st_size == 0:
        return b""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
