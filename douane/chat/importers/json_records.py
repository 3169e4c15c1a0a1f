"""Records in a stranger's JSON: the ladder down which damaged files are read. Every importer of JSON climbs it.

A file that does not decode as its importer wants it is read element by element (`items`), then by the standard
library's decoder on text with replacements (`load`), then as whatever objects the brackets still give; what remains is
a `Damage`. A file too long for memory is first cut between its elements (`pieces`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import msgspec
import numpy as np
from msgspec import Raw

EXCERPT = 200
PIECE_BYTES = 1 << 20  # what is decoded at a time: a megabyte of `{},` is 75 MB of structs
_TRIES, _RESCANS = 10_000, 8  # how many damaged places, and how many times its length, the last rung looks at

NOT_JSON, NOT_A_LIST, NOT_AN_OBJECT = "importer-file-not-json", "importer-file-not-a-list", "importer-record-no-object"
CUT_OFF, TOO_DEEP, TOO_LONG = "importer-record-damaged", "importer-record-too-deep", "importer-record-too-long"
MENDED, REPLACED = "importer-json-mended", "importer-text-replaced"


@dataclass(frozen=True, slots=True)
class Damage:
    """An element that is no record, or a stretch of a file that holds none."""

    code: str
    message: str
    excerpt: str


_decode_any: Callable[[bytes | Raw], Any] = msgspec.json.Decoder().decode
_decode_raws: Callable[[bytes | Raw], list[Raw]] = msgspec.json.Decoder(list[Raw]).decode
_decode_members: Callable[[bytes | Raw], dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw]).decode
UNFIT = (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError)


def objects(
    data: bytes, depth_max: int, is_record: Callable[[Any], bool]
) -> Iterator[tuple[dict[str, Any] | Damage, frozenset[str]]]:
    """Every element of a list of objects, with the codes of what was mended in it. `is_record` tells whether an object
    is one of them, where a damaged file is searched for the next."""
    for item, mended in items(data, depth_max, is_record):
        if isinstance(item, Raw):
            item, mended = load(bytes(item), depth_max)
        if isinstance(item, Damage | dict):
            yield item, mended
        else:
            yield Damage(NOT_AN_OBJECT, "An element of the file is no object.", excerpt(item)), mended


def items(data: bytes, depth_max: int, is_record: Callable[[Any], bool]) -> Iterator[tuple[Any, frozenset[str]]]:
    """The elements of the array in `data`, or its objects one a line: `Raw` where it is JSON, else what could be read
    of it, or `Damage`; with the codes of what was mended in each, and with the first what was of the file."""
    try:
        for raw in _decode_raws(data):
            yield raw, _NOTHING
        return
    except UNFIT:
        pass
    if (lines := as_array(data)) is not None:
        try:
            for raw in _decode_raws(lines):
                for one in _within(raw):
                    yield one, _NOTHING
            return
        except UNFIT:
            pass
    value, mended = load(data, depth_max=1 << 30)
    wrapped = _wrapping(value, is_record)
    if wrapped:
        value = value[wrapped]
    elif isinstance(value, dict) and value and not is_record(value) and all(map(is_record, value.values())):
        value = list(value.values())  # by their ids
    if isinstance(value, list):
        text = _text(data, "surrogateescape")[0]
        odd = {MENDED} if data[:1] not in (b"[", b"{") else set()  # a byte order mark, or another encoding
        marked = _marked(text, wrapped, value, odd) if mended else None
        for item, found in marked or ((item, mended) for item in value):
            if _depth(item, depth_max):
                yield _too_deep(excerpt(item)), found
            else:
                yield item, found
        return
    if not isinstance(value, Damage):
        if is_record(value):
            yield value, mended
        else:
            yield Damage(NOT_A_LIST, "The file holds no list of records.", excerpt(value)), _NOTHING
        return
    text = _text(data)[0]
    if text.lstrip().startswith("{"):
        yield from _concatenated(text, depth_max, is_record)
    else:
        yield from _recovered(text, depth_max, is_record)


_NOTHING: frozenset[str] = frozenset()
# What calls of an API have around a list.
_WRAPPING = ("messages", "channels", "members", "users", "ims", "groups")


def _wrapping(value: Any, is_record: Callable[[Any], bool]) -> str:
    """The member of an object that is the list of records; "" where it is none of that kind."""
    if not isinstance(value, dict):
        return ""
    if isinstance(value.get("messages"), list):
        return "messages"
    named = (name for name in _WRAPPING if isinstance(value.get(name), list))
    return "" if is_record(value) else next((n for n in named if all(isinstance(one, dict) for one in value[n])), "")


def _within(raw: Raw) -> Iterable[Raw]:
    """A record, or those of an answer that stands in a line."""
    if b'"messages"' not in bytes(raw):
        return (raw,)
    try:
        members = _decode_members(raw)
        found = bytes(members.get("messages", b""))
        return _decode_raws(found) if found.startswith(b"[") and "ts" not in members else (raw,)
    except UNFIT:
        return (raw,)


def as_array(data: bytes) -> bytes | None:
    """The array of objects that stand one a line; None where they do not."""
    if not data.startswith(b"{"):
        data = data.lstrip(b"\xef\xbb\xbf \t\r\n")
        if not data.startswith(b"{"):
            return None
    lines = [line.strip().rstrip(b",") for line in data.splitlines() if line.strip()]
    if len(lines) < 2 or not all(line.startswith(b"{") and line.endswith(b"}") for line in lines):
        return None
    return b"[" + b",\n".join(lines) + b"]"


def _marked(text: str, wrapped: str, values: list[Any], codes: set[str]) -> list[tuple[Any, frozenset[str]]] | None:
    """The elements with what was mended in each of them; None where they cannot be told apart."""
    opening = re.search(rf'"{wrapped}"\s*:\s*\[', text) if wrapped else _FIRST_ITEM.match(text)
    at = opening.end() if opening else -1
    found = []
    for _ in values:
        try:
            at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]  # it matches anything
            try:
                value, at = _strict.raw_decode(text, at)
            except ValueError:
                value, at = _decoder.raw_decode(text, at)
                codes.add(MENDED)
        except (ValueError, AttributeError, RecursionError):
            return None
        value, replaced = _clean(value)
        found.append((value, frozenset(codes | {REPLACED} if replaced else codes)))
        codes = set()
    return found


def _concatenated(text: str, depth_max: int, is_record: Callable[[Any], bool]) -> Iterator[tuple[Any, frozenset[str]]]:
    """Objects one after another, with or without commas or ends of lines between them; behind a damaged one it goes on
    with the next line that begins one."""
    at, tries, room = 0, 0, _RESCANS * len(text) + PIECE_BYTES
    while True:
        at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]  # it matches anything
        if at >= len(text):
            return
        try:
            value, end = _decoder.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError) as error:
            yield (_too_deep(text[at:]) if isinstance(error, RecursionError) else _damaged(text, at)), _NOTHING
            room -= getattr(error, "pos", at) - at
            tries += 1
            at = text.find("\n{", at) + 1
            if not at or tries > _TRIES or room < 0:
                return
            continue
        wrapped = _wrapping(value, is_record)
        for one in value[wrapped] if wrapped else (value,):
            if _depth(one, depth_max):
                yield _too_deep(text[at:]), _NOTHING
            else:
                cleaned, replaced = _clean(one)
                yield cleaned, frozenset({REPLACED}) if replaced else _NOTHING
        at = end


def load(data: bytes, depth_max: int) -> tuple[Any, frozenset[str]]:
    """Any JSON value, however sloppily written, with the codes of what was mended; `Damage` when it is none."""
    mended = set()
    try:
        value = _decode_any(data)
    except UNFIT:
        text, replaced = _text(data)
        try:
            try:
                if replaced or data[:1] not in (b"[", b"{"):
                    raise ValueError
                value = _strict.decode(text)  # JSON all the same: halves of a pair, endless numbers
            except ValueError:
                value = json.loads(text, strict=False, parse_int=_whole)
                mended.add(MENDED)
        except RecursionError:
            return _too_deep(text), frozenset()
        except ValueError:
            return Damage(NOT_JSON, "The file is no JSON.", text[:EXCERPT]), frozenset()
        try:
            value, cleaned = _clean(value)
        except RecursionError:
            return _too_deep(text), frozenset()
        if replaced or cleaned:
            mended.add(REPLACED)
    # What has fewer brackets cannot be nested deeper, and need not be walked through.
    if data.count(b"{") + data.count(b"[") > depth_max and _depth(value, depth_max):
        return _too_deep(bytes(data[: EXCERPT * 4]).decode("utf-8", "replace")), frozenset()
    return value, frozenset(mended)


def _text(data: bytes, errors: str = "replace") -> tuple[str, bool]:
    """The bytes as text, and whether some of them had to be replaced, as `errors` says."""
    data = bytes(data)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace"), False
    try:
        return data.decode("utf-8-sig"), False
    except UnicodeDecodeError:
        return data.decode("utf-8-sig", errors), True


_OTHER_ITEM = re.compile(r"\}\s{0,64},\s{0,64}\{")
_FIRST_ITEM = re.compile(r"\s{0,64}\[([\r\n]{1,2}[ \t]{0,32})?")
_ANOTHER = re.compile(r"[\s,]*\[(?=\s*[{\]])")  # files that were put one behind the other
_BETWEEN = re.compile(r"[\s,]*")


def _whole(digits: str) -> int | None:
    """Python reads no number of more than 4,300 digits, and none here has so many to say."""
    return int(digits) if len(digits) <= 1_000 else None


def _no_number(name: str) -> None:
    raise ValueError(name)


_decoder = json.JSONDecoder(strict=False, parse_int=_whole)
_strict = json.JSONDecoder(parse_int=_whole, parse_constant=_no_number)


def _recovered(text: str, depth_max: int, is_record: Callable[[Any], bool]) -> Iterator[tuple[Any, frozenset[str]]]:
    """Last rung: one object after another, and after each damaged place on from where the next one seems to begin:
    at the first one's indent, or, in a file without line ends, behind the next `},` that a record follows."""
    opening = _FIRST_ITEM.match(text)
    if not opening:
        yield Damage(NOT_JSON, "The file is no JSON.", text[:EXCERPT]), frozenset()
        return
    indent = opening[1]
    mended = frozenset({MENDED})
    at, searching, tries, room = opening.end(), False, 0, _RESCANS * len(text) + PIECE_BYTES
    while True:
        at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]  # it matches anything
        if at < len(text) and text[at] == "]" and not searching and (another := _ANOTHER.match(text, at + 1)):
            at = another.end()
            continue
        if at >= len(text) or (text[at] == "]" and not searching):
            if (at < len(text) and text[at + 1 :].strip()) or (at >= len(text) and not searching):
                yield _damaged(text, at), frozenset()
            return
        try:
            value, end = _decoder.raw_decode(text, at)
        except RecursionError:
            value, end = None, -1
            if not searching:
                yield _too_deep(text[at : at + EXCERPT]), frozenset()
        except json.JSONDecodeError as error:
            value, end = None, -1
            room -= error.pos - at
            if not searching:
                yield _damaged(text, at), frozenset()
        if end >= 0:
            room -= (end - at) if searching else 0
            if not searching or is_record(value):
                searching = False
                if _depth(value, depth_max):
                    yield _too_deep(text[at : at + EXCERPT]), frozenset()
                else:
                    cleaned, replaced = _clean(value)
                    yield cleaned, mended | {REPLACED} if replaced else mended
                at = end
                continue
        searching = True
        tries += 1
        if tries > _TRIES or room < 0:
            return
        if indent:
            start = text.find(f"{indent}{{", at)
            at = start + len(indent) if start >= 0 else len(text)
        else:
            match = _OTHER_ITEM.search(text, at)
            at = match.end() - 1 if match else len(text)


def _damaged(text: str, at: int) -> Damage:
    return Damage(CUT_OFF, "The file is damaged here; the record cannot be read.", text[max(at, 0) :][:EXCERPT])


def _too_deep(text: str) -> Damage:
    return Damage(TOO_DEEP, "The record is nested too deeply.", text[:EXCERPT])


def _depth(value: Any, depth_max: int) -> bool:
    """Whether a value is nested deeper than `depth_max`; level by level, so that no depth is too much."""
    level: list[Any] = [value]
    for _ in range(depth_max):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


_SURROGATE = re.compile("[\ud800-\udfff]")


def _clean(value: Any) -> tuple[Any, bool]:
    """The value with lone surrogates replaced, which no text column can hold; and whether there were any."""
    if isinstance(value, str):
        clean = _SURROGATE.sub("\ufffd", value)
        return clean, clean != value
    if isinstance(value, list):
        found = [_clean(item) for item in value]
        return [item for item, _ in found], any(replaced for _, replaced in found)
    if isinstance(value, dict):
        pairs = [(_clean(key), _clean(item)) for key, item in value.items()]
        return {key: item for (key, _), (item, _) in pairs}, any(a or b for (_, a), (_, b) in pairs)
    return value, False


def excerpt(value: Any) -> str:
    """The beginning of a value as JSON."""
    if isinstance(value, Raw | bytes):
        return bytes(value)[: EXCERPT * 4].decode("utf-8", "replace")[:EXCERPT]
    try:
        return json.dumps(value, ensure_ascii=False, default=str)[:EXCERPT]
    except (RecursionError, ValueError):
        return "…"


def text(value: Any) -> str | None:
    """A member that should be text; numbers are taken as they are written, other things are none."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, int):
        return str(value) if -(2**63) < value < 2**63 else None
    # 17 digits would show the noise of binary fractions; Slack's times have six.
    return f"{value:.6f}" if value == value and abs(value) < 1e15 else None


def whole(value: Any) -> int | None:
    """A member that should be a whole number within 64 bits; text of digits is one too."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        value = int(value)
    if isinstance(value, float) and value == value and abs(value) < 2**62:
        value = int(value)
    return value if isinstance(value, int) and -(2**63) <= value < 2**63 else None


def parse(raw: Raw | bytes | None, depth_max: int) -> Any:
    """A member that was left as bytes; None where it is missing or cannot be read."""
    if raw is None:
        return None
    value, _ = load(bytes(raw), depth_max)
    return None if isinstance(value, Damage) else value


# --- files too long for one piece ------------------------------------------------------------------------------------

_ARRAY = re.compile(rb"(?:\xef\xbb\xbf)?\s{0,64}\[([\r\n]{1,2}[ \t]{0,32})?")
_WRAPPED = re.compile(
    rb'(?:\xef\xbb\xbf)?\s{0,64}\{[^\[\]]{0,4096}"(?:messages|channels|members|users|ims|groups)"'
    rb"\s*:\s*\[([\r\n]{1,2}[ \t]{0,32})?"
)
_TOO_LONG = Damage(TOO_LONG, "A record is longer than the limit (setting record_bytes).", "")
_TOO_LONG_LAST = Damage(TOO_LONG, "A record is longer than the limit (setting record_bytes); the rest is not read.", "")


def pieces(blocks: Iterable[bytes], record_bytes: int) -> Iterator[bytes | Damage]:
    """A long array cut between its elements: each piece is an array of its own, of about PIECE_BYTES.

    In an indented file the cut is where an element's closing brace stands at the first one's indent (no string holds a
    raw line end, so this is exact in any file that one program indented); elsewhere brackets are counted. There reading
    also goes on behind an element that is too long; elsewhere it ends with it."""
    buffer = bytearray()
    indent: bytes | None = None
    started = passing = wrapped = False
    blocks = iter(blocks)
    for block in blocks:
        buffer += block
        if passing:
            mark = (indent or b"") + b"}," + (indent or b"") + b"{"
            at = buffer.find(mark)
            if at < 0:
                del buffer[: -len(mark)]
                continue
            del buffer[: at + len(mark) - 1]
            passing = False
        if not started:
            opening = _ARRAY.match(buffer) or _WRAPPED.match(buffer)
            wrapped = opening is not None and opening.re is _WRAPPED
            if not opening and buffer.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
                yield from _lines_of(chain((bytes(buffer),), blocks), record_bytes)
                return
            if not opening:
                yield Damage(NOT_A_LIST, "The file holds no list of records.", excerpt(bytes(buffer[:800])))
                return
            indent = opening[1]
            del buffer[: opening.end()]
            started = True
        if len(buffer) >= PIECE_BYTES:
            end, begin = _cut(buffer, indent)
            if end >= 0:
                yield b"[" + bytes(buffer[:end]) + b"]"
                del buffer[:begin]
            elif len(buffer) > record_bytes and not indent:
                yield _TOO_LONG_LAST
                return
            elif len(buffer) > record_bytes:
                yield _TOO_LONG
                passing = True
    if passing:
        return
    # The array's own closing bracket is still there, unless the file is cut off.
    yield b"[" + bytes(buffer[: buffer.rfind(b"]") + 1] if wrapped and b"]" in buffer else buffer)


def _lines_of(blocks: Iterable[bytes], record_bytes: int) -> Iterator[bytes | Damage]:
    """Objects one a line, in runs of about PIECE_BYTES."""
    buffer = bytearray()
    for block in blocks:
        buffer += block
        if len(buffer) >= PIECE_BYTES:
            end = buffer.rfind(b"\n{")
            if end > 0:
                run = bytes(buffer[:end])
                yield as_array(run) or run
                del buffer[: end + 1]
            elif len(buffer) > record_bytes:
                yield _TOO_LONG_LAST
                return
    yield as_array(bytes(buffer)) or bytes(buffer)


def _cut(buffer: bytearray, indent: bytes | None) -> tuple[int, int]:
    """Where the last whole element ends and the next one begins; (-1, -1) when none does."""
    if indent:
        mark = indent + b"}," + indent + b"{"
        at = buffer.rfind(mark)
        return (at + len(indent) + 1, at + len(mark) - 1) if at >= 0 else (-1, -1)
    return _counted_cut(bytes(buffer))


def _counted_cut(data: bytes) -> tuple[int, int]:
    """The same by counting brackets outside strings, for files without line ends."""
    masked = data.replace(b"\\\\", b"__").replace(b'\\"', b"__")
    signs = np.frombuffer(masked, dtype=np.uint8)
    quotes = np.cumsum(signs == 34, dtype=np.int32)
    places = np.flatnonzero(((quotes & 1) == 0) & np.isin(signs, _SIGNS))
    found = signs[places]
    depth = np.cumsum(np.where((found == 123) | (found == 91), 1, np.where((found == 125) | (found == 93), -1, 0)))
    commas = places[(found == 44) & (depth == 0)]
    return (int(commas[-1]), int(commas[-1]) + 1) if len(commas) else (-1, -1)


_SIGNS = tuple(b"[]{},")
