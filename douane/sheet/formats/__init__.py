"""SHELF of file formats: a stranger's bytes -> batches of text cells with their source line numbers.

`open_file` decides the format by content and answers a reader. A reader cuts the file into pieces, in order and always
at the same places for the same bytes and options; a piece parses itself into a batch and may be parsed on any thread.
Nothing here runs outside the sandboxed child; the plain values `Options`, `Limits`, `Detected` and `Position` are those
of `model/reading.py`.

A batch's frame has one row per record that is not blank, in file order, and these columns:

    c0 .. c{W-1}   String   the cells by position; null = the record has no such cell, "" = an empty cell
    k0 .. k{W-1}   UInt8    only where a format knows kinds (workbooks): KIND_* of the cell; absent column = all text
    _line          UInt32   physical line where the record begins, from 1 (workbooks: the sheet's row number)
    _flags         UInt8    bits FLAG_*
    _extra         String   only if any record is wider than W: JSON array of its surplus cells, else null
    _raw           Binary   only if any record did not decode: its bytes as they were, else null

W (`Detected.width`) is fixed when the file is opened, from its first 1,000 records, so that one giant record cannot
make a giant frame. Records count from 0 at the top of the file, blank ones left out, heading records counted in: that
is the contract's `index`, and the position of the record in staging.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Sequence, Set
from functools import cache
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from douane.entries import entry_points
from douane.errors import BadFile, BadRequest
from douane.model.reading import Detected as Detected
from douane.model.reading import Fact as Fact
from douane.model.reading import Limits as Limits
from douane.model.reading import Options as Options
from douane.model.reading import Position as Position
from douane.model.source import Source as Source
from douane.sheet.formats.sheet_choice import best_sheet
from douane.sheet.heading import Heading, heading_of
from douane.sheet.noticed import note
from douane.values import dataclass

if TYPE_CHECKING:  # the plain values here are used where Polars is not loaded
    import polars as pl

KIND_TEXT, KIND_NUMBER, KIND_DATE, KIND_DATETIME, KIND_TIME, KIND_BOOLEAN, KIND_ERROR = range(7)

FLAG_SHORT = 1  # fewer cells than the heading record of the file: absent cells, a warning
FLAG_UNDECODABLE = 2  # bytes that are no text in the file's encoding; they show as \xNN, `_raw` keeps them
FLAG_OVERLONG = 4  # a cell or the record passed its size limit; what is staged is cut off, reading went on after it
FLAG_BROKEN = 8  # the record could not be read as written (a JSON line that does not parse, an open quote at the end)


@dataclass(frozen=True, slots=True)
class Batch:
    """The records of one piece. `blank` = blank records left out; `next` = where the following piece begins;
    `bytes_done` = how much of the source (as uploaded) is consumed, for progress; `facts` = what a person is to be told
    of it, hidden rows that were left out among it."""

    frame: pl.DataFrame
    blank: int
    next: Position
    bytes_done: int
    facts: tuple[Fact, ...] = ()


class Piece(Protocol):
    """A run of whole records, cut but not parsed yet. `parse` is pure and may run on any thread. Its records' rows are
    known only when all pieces before it are parsed: staging numbers them."""

    @property
    def number(self) -> int: ...

    def parse(self) -> Batch: ...


@dataclass(frozen=True, slots=True)
class First:
    """The first records of a file, at most 1,000, blank ones left out: their texts, the line each begins on, and merged
    cells among them as (index of the record, first column, column behind the last)."""

    rows: Sequence[Sequence[str]]
    lines: Sequence[int]
    spans: Sequence[tuple[int, int, int]] = ()


class Reader(Protocol):
    """An opened file. `pieces` cuts the same pieces every time, so a killed read goes on where it was.

    `first`: the first records, for the heading record to be judged by; None where the format itself says which one it
    is (the keys of JSON objects). What is found is put into `detected` before `pieces` is called."""

    detected: Detected
    first: First | None

    def pieces(self, start: Position = Position()) -> Iterator[Piece]: ...


# The menu: format -> module, in the order of recognition. A member module has
#   recognise(head, source) -> bool     is this file mine, by its first HEAD_BYTES (and, if need be, more of it)?
#   open(source, options) -> Reader     BadFile if it can't be read after all
# and, where a file has sheets to choose from,
#   sheet_names(source, options) -> tuple[str, ...]
# Modules are imported when a file is opened, so that the others live on when the library below one of them does not.
MENU: dict[str, str] = {
    "xlsx": "douane.sheet.formats.xlsx",
    "ods": "douane.sheet.formats.ods",
    "xls": "douane.sheet.formats.xls",
    "xlsb": "douane.sheet.formats.xlsb",
    "xml_spreadsheet": "douane.sheet.formats.xml_spreadsheet",
    "html": "douane.sheet.formats.html",
    "strangers": "douane.sheet.formats.strangers",
    "zip": "douane.sheet.formats.zipped",
    "gzip": "douane.sheet.formats.gzip",
    "json": "douane.sheet.formats.json",
    "csv": "douane.sheet.formats.csv",
}
# Those whose files begin with a sign of their own: they are not even loaded for a file that begins as text does, with a
# letter, a digit or a quote.
SIGNED = frozenset(MENU) - {"strangers", "csv"}
# Signs that only these of them have.
_ALONE = {b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": {"xls"}, b"PK\x03\x04": {"xlsx", "ods", "xlsb", "zip"}}
_TEXT = re.compile(rb'(?!PK)["0-9A-Za-z]')
HEAD_BYTES = 64 << 10
ENTRY_POINTS = "douane.formats"


def open_file(source: Source, options: Options = Options()) -> Reader:
    """The reader for these bytes, chosen by their content alone. BadFile / OverLimit when there is nothing that can be
    read as a table. Third-party members (entry points `douane.formats`) are asked before our own."""
    found: Reader | BadFile
    try:
        found = _opened(source, options)
        names = found.detected.sheets
    except BadFile as error:
        if error.code != "file_empty" or options.sheet is not None:
            raise
        found, names = error, sheet_names(source, options)
    if options.sheet is None and len(names) > 1:
        return best_sheet(found, names, options.wanted, lambda name: _opened(source, replace(options, sheet=name)))
    if isinstance(found, BadFile):
        raise found
    if options.sheet is not None and not names:
        missing = note("no_sheets", sheet=str(options.sheet))
        found.detected = replace(found.detected, notes=(*found.detected.notes, missing))
    return found


def _opened(source: Source, options: Options) -> Reader:
    reader = open_as(source, options, menu())
    _judge_headings(reader, options)
    return reader


def _judge_headings(reader: Reader, options: Options) -> None:
    """Puts the heading record into `detected`: the one that `options` names, else the one the records tell."""
    first, detected = reader.first, reader.detected
    if first is None:
        if options.header is not None:
            raise BadRequest("The file names its columns itself; no other line can hold the headings.")
        return
    if options.header is None:
        found = heading_of(first.rows, first.lines, first.spans, options.wanted, detected.delimiter)
    elif options.header == 0:
        found = Heading(None)
    else:
        row = next((index for index, line in enumerate(first.lines) if line == options.header), None)
        if row is None:
            raise BadFile(
                f"No record among the first {len(first.rows):,} begins on line {options.header:,}.",
                code="header_unknown",
            )
        found = Heading(row)
    headings: tuple[str, ...] = ()
    if found.row is not None:
        headings = found.texts or tuple(first.rows[found.row])
    reader.detected = replace(
        detected,
        header_row=found.row,
        headings=headings,
        width=max(detected.width, len(headings)),
        notes=(*detected.notes, *found.notes),
    )


def open_as(source: Source, options: Options, members: dict[str, str]) -> Reader:
    """`open_file` among some members only and without a heading record: what a wrapper like gzip does inside."""
    head = source.read(0, HEAD_BYTES)
    if not head:
        raise BadFile("File is empty", code="file_empty")
    missing: list[str] = []
    for name, path in _asked(members, head):
        try:
            member = importlib.import_module(path)
        except ImportError:
            missing.append(name)
            continue
        if member.recognise(head, source):
            try:
                reader: Reader = member.open(source, options)
            except BadFile as error:
                if error.code == "file_type" and missing and path.endswith(".csv"):
                    break
                raise
            return reader
    if missing:
        raise BadFile(f"File type is not supported; not to be had here: {', '.join(missing)}.", code="file_type")
    raise BadFile("File type is not supported.", code="file_type")


def sheet_names(source: Source, options: Options = Options()) -> tuple[str, ...]:
    """The sheets a person may choose from, in the order that `Options.sheet` as a number counts in; none where the
    format has no sheets. Reads no rows, so it answers too where the first sheet is empty and `open_file` refuses."""
    return names_among(source, options, menu())


def names_among(source: Source, options: Options, members: dict[str, str]) -> tuple[str, ...]:
    """`sheet_names` among some members only, as `open_as`."""
    head = source.read(0, HEAD_BYTES)
    for _, path in _asked(members, head):
        try:
            member = importlib.import_module(path)
        except ImportError:
            continue
        if hasattr(member, "sheet_names") and member.recognise(head, source):
            names: tuple[str, ...] = member.sheet_names(source, options)
            return names
    return open_as(source, options, members).detected.sheets


def _asked(members: dict[str, str], head: bytes) -> Iterator[tuple[str, str]]:
    """(name, module) of the members that a file with this beginning may belong to."""
    out: Set[str] = SIGNED if _TEXT.match(head) else set()
    for sign, owners in _ALONE.items():
        if head.startswith(sign):
            out = SIGNED - owners
    return ((name, path) for name, path in members.items() if not (name in out and MENU.get(name) == path))


@cache
def menu() -> dict[str, str]:
    """All members: third-party ones, then ours."""
    return {point.name: point.module for point in entry_points(group=ENTRY_POINTS)} | MENU
