"""How every CSV of this shelf is read: records by the physical line they begin on, bad ones named, good ones kept.

The dialect is RFC 4180 with what people send: `;` and tab where the first line shows them, a byte order mark, blank
lines, UTF-16 with its mark, lines that end in CR alone. Nothing is trimmed here. A line whose quotes do not match costs
that line and no other: reading goes on with the next one. Streamed; never more than one record (`record_bytes`) and the
block at hand are held.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from douane.chat.importers.ledger import EXCERPT_CHARS

DELIMITERS = ",\t;"

# A quote that is never closed runs to the end of the file, or to the limit of a record. Going back to the line after
# it is right, but a file made of such lines must not be read over and over again.
_REREAD_BYTES = 64 << 20
_LONG_KEPT = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_YEAR_10000_US = 253_402_300_800_000_000
_MARKS_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Record:
    """`line`: the physical line it begins on, from 1."""

    line: int
    fields: list[str]


@dataclass(frozen=True, slots=True)
class Fault:
    """A record that could not be read."""

    line: int
    code: str
    message: str
    excerpt: str


@dataclass(slots=True)
class Notes:
    """What reading found out: the delimiter, and what was mended on the way (code -> [first line, how many lines])."""

    delimiter: str = ","
    lines: dict[str, list[int]] = field(default_factory=dict)

    def add(self, code: str, line: int) -> None:
        self.lines.setdefault(code, [line, 0])[1] += 1


WARNINGS = {
    "importer-text-replaced": "Line {line} holds bytes that are not UTF-8; each stands as U+FFFD now.",
    "importer-text-nul-dropped": "Line {line} holds NUL characters, which were left out.",
    "importer-message-invalid-timestamp": "Line {line} has no time that can be read (milliseconds or ISO 8601).",
}

# `_Lines` bounds a record; the library's own bound is the process's, and the reader of tables sets the same.
csv.field_size_limit((1 << 31) - 1)

Plausible = Callable[[Sequence[str]], bool]


def read_records(
    blocks: Iterable[bytes],
    plausible: Plausible,
    *,
    record_bytes: int,
    notes: Notes,
    skip_spaces: bool = False,
) -> Iterator[Record | Fault]:
    """Every record that is not blank, in order. `plausible` judges whether the first record's fields make sense: the
    first of DELIMITERS with which they do is taken, else the first that splits it at all. `skip_spaces`: spaces after a
    delimiter are no part of the field, so that a quote may follow them. Errors of `blocks` pass through."""
    lines = _Lines(blocks, record_bytes, notes)
    delimiter = notes.delimiter = _delimiter(lines, plausible, skip_spaces)
    records = csv.reader(lines, delimiter=delimiter, skipinitialspace=skip_spaces, strict=True)
    reread = 0
    while True:
        lines.begin()
        try:
            fields = next(records)
        except StopIteration:
            return
        except (_TooLong, csv.Error) as error:
            first = lines.number - len(lines.taken) + 1
            reread += sum(map(len, lines.taken[1:]))
            yield _fault(first, error, lines.taken[0])
            if reread > _REREAD_BYTES:
                yield Fault(
                    first + 1, "importer-csv-quotes", f"From line {first + 1} on, quotes do not match; not read.", ""
                )
                return
            lines.go_back()
            continue
        if any(map(str.strip, fields)):
            yield Record(lines.number - len(lines.taken) + 1, fields)


def first_record(head: bytes, plausible: Plausible) -> list[str]:
    """The fields of the first record that is not blank in the first bytes of a file; [] where there is none."""
    cut = max(head.rfind(b"\n"), head.rfind(b"\r")) + 1
    for record in read_records(
        [head[:cut] if cut else head], plausible, record_bytes=len(head) + 1, notes=Notes(), skip_spaces=True
    ):
        return record.fields if isinstance(record, Record) else []
    return []


def moment_us(text: str) -> int | None:
    """Microseconds since 1970 of a time as CSV exports write it, null where it is none: whole milliseconds (10 digits:
    seconds, 16: microseconds), each with decimals or not, or ISO 8601 (without a zone: UTC)."""
    if len(text) == 13 and text.isascii() and text.isdigit():
        return int(text) * 1000
    text = text.strip()
    whole, _, decimals = text.partition(".")
    digits = whole.removeprefix("-")
    if digits.isascii() and digits.isdigit() and (not decimals or (decimals.isascii() and decimals.isdigit())):
        if len(digits) > 17:
            return None
        places = {10: 6, 16: 0}.get(len(digits), 3)
        value = int(digits) * 10**places + int((decimals[:places] or "0").ljust(places, "0") or "0")
        return None if value >= _YEAR_10000_US else -value if text[0] == "-" else value
    if not 8 <= len(text) <= 40:
        return None
    try:
        moment = datetime.fromisoformat(text.removesuffix(" UTC").replace(" Z", "Z"))
    except ValueError:
        return None
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - _EPOCH) // _MICROSECOND


def _fault(line: int, error: Exception, text: str) -> Fault:
    excerpt = text.rstrip("\r\n")[:EXCERPT_CHARS]
    if isinstance(error, _TooLong) and error.physical:
        return Fault(line, "importer-record-too-long", f"Line {line} is longer than a record may be.", excerpt)
    if isinstance(error, _TooLong) or "unexpected end" in str(error):
        return Fault(line, "importer-csv-quotes", f"Line {line} opens a quote that is never closed.", excerpt)
    return Fault(line, "importer-csv-quotes", f"Line {line} has quotes that do not match.", excerpt)


class _TooLong(Exception):
    """`physical`: the record's first line alone is longer than a record may be."""

    def __init__(self, physical: bool) -> None:
        super().__init__()
        self.physical = physical


class _Long(bytes):
    """The beginning of a line that is longer than a record may be."""


class _Lines:
    """The physical lines as text, with the way back to the one after a record's first."""

    def __init__(self, blocks: Iterable[bytes], record_bytes: int, notes: Notes) -> None:
        self._raw = _split(_as_utf8(blocks), record_bytes)
        self._limit = record_bytes
        self._notes = notes
        self._again: list[tuple[str, bool]] = []  # the next line last; whether it is too long by itself
        self._held = 0
        self._long = False  # the last of `taken` is
        self.taken: list[str] = []
        self.number = 0

    def begin(self) -> None:
        """A record begins with the next line."""
        self.taken = []
        self._held = 0

    def go_back(self, keep: int = 1) -> None:
        """Lines after the first `keep` of the record are to come again."""
        back = [(text, False) for text in self.taken[keep:]]
        if back:
            back[-1] = (back[-1][0], self._long)
        self._again += reversed(back)
        self.number -= len(back)
        self.begin()

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if self._again:
            text, self._long = self._again.pop()
            self.number += 1
        else:
            raw = next(self._raw)
            self.number += 1
            self._long = isinstance(raw, _Long)
            text = self._text(raw)
        self.taken.append(text)
        self._held += len(text)
        if self._long or self._held > self._limit:
            raise _TooLong(physical=len(self.taken) == 1)
        return text

    def _text(self, raw: bytes) -> str:
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            text = raw.decode(errors="replace")
            self._notes.add("importer-text-replaced", self.number)
        if "\0" in text:
            text = text.replace("\0", "")
            self._notes.add("importer-text-nul-dropped", self.number)
        return text


def _delimiter(lines: _Lines, plausible: Plausible, skip_spaces: bool) -> str:
    """Judged by the first line that is not blank; blank ones before it hold no record."""
    try:
        while True:
            lines.begin()
            line = next(lines)
            if line.strip():
                break
    except StopIteration:
        return ","
    except _TooLong:
        line = ""
    lines.go_back(keep=0)
    splits = []
    for delimiter in DELIMITERS:
        try:
            fields = next(csv.reader([line], delimiter=delimiter, skipinitialspace=skip_spaces), [])
        except csv.Error:
            continue
        if plausible([field.strip() for field in fields]):
            return delimiter
        if len(fields) > 1:
            splits.append(delimiter)
    return splits[0] if splits else ","


def _as_utf8(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Without a byte order mark; UTF-16 only where its mark says so."""
    stream = iter(blocks)
    head = b""
    for block in stream:
        head += block
        if len(head) >= 3:
            break
    if head.startswith(_MARKS_16):
        decoder = codecs.getincrementaldecoder("utf-16")(errors="replace")
        yield decoder.decode(head).encode("utf-8", "replace")
        for block in stream:
            yield decoder.decode(block).encode("utf-8", "replace")
        yield decoder.decode(b"", True).encode("utf-8", "replace")
        return
    yield head.removeprefix(codecs.BOM_UTF8)
    yield from stream


def _split(blocks: Iterable[bytes], limit: int) -> Iterator[bytes]:
    """Lines with their ends. One longer than `limit` is a `_Long`: its beginning, the rest is dropped."""
    end = b""
    rest = b""
    dropping = False
    for block in blocks:
        if not block:
            continue
        if not end:
            end = b"\r" if b"\r" in block[:-1] and b"\n" not in block else b"\n"
        pieces = block.split(end)
        for piece in pieces[:-1]:
            if not dropping:
                yield rest + piece + end if len(rest) + len(piece) <= limit else _Long((rest + piece)[:_LONG_KEPT])
            rest, dropping = b"", False
        if not dropping:
            rest += pieces[-1]
            if len(rest) > limit:
                yield _Long(rest[:_LONG_KEPT])
                rest, dropping = b"", True
    if rest:
        yield rest
