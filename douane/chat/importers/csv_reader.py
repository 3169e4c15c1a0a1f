"""The reader that the CSV importers share: tasks, one per archive entry, whose records become numbered batches.

A task adds one record at a time to a `Sheets` and stops before each next one, so that a batch can end there and an
entry's row of the ledger comes with its last record. Where a killed read goes on, the entry at hand is read again from
its start and what was given already is dropped.
"""

from __future__ import annotations

import codecs
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from douane.chat import tables
from douane.chat.importers import BATCH_RECORDS, Batch, Counts, Limits, Options, Overview, Position, Source
from douane.chat.importers.csv_dialect import (
    EXCERPT_CHARS,
    WARNINGS,
    Fault,
    Notes,
    Plausible,
    Record,
    read_records,
)
from douane.chat.tally import Tally
from douane.errors import BadFile, OverLimit

BATCH_BYTES = 16 << 20
# Faults of one kind in one entry: so many are named one by one, the rest in one line with its count.
_NAMED = 1000
_BLOCK = 1 << 20
_HEAD = 64 << 10

# What this family fills of each table; all other columns are null.
COLUMNS: dict[str, tuple[str, ...]] = {
    "entries": ("entry", "name", "kind", "bytes", "found", "staged", "skipped", "failed", "reason"),
    "issues": ("entry", "position", "severity", "code", "table", "message", "excerpt", "count"),
    "users": (
        *("entry", "position", "id", "ids", "username", "name", "display_name", "emails", "type", "role", "roles"),
        *("deleted", "origin"),
    ),
    "channels": ("entry", "position", "id", "ids", "kind", "type", "name", "creator", "archived", "general", "folder"),
    "members": ("channel", "user"),
    "messages": ("entry", "position", "key_hi", "key_lo", "id", "channel", "ts_us", "author", "text"),
    "contacts": ("entry", "position", "id", "name", "emails", "phones", "manager", "custom"),
}
_ALWAYS: dict[str, dict[str, Any]] = {
    "messages": {
        "kind": "text",
        "format": "plain",
        "broadcast": False,
        "pinned": False,
        "hidden": False,
        "reactions": 0,
        "files": 0,
    },
}


class Sheets:
    """Rows of the tables as they are found, until a batch is made of them."""

    def __init__(self, full_at: int = BATCH_RECORDS) -> None:
        self.full_at = full_at
        self.rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in COLUMNS}
        self.count = 0
        self.bytes = 0
        self.read = 0  # packed bytes of the task at hand, for progress

    @property
    def full(self) -> bool:
        return self.count >= self.full_at or self.bytes >= BATCH_BYTES

    def add(self, table: str, *row: Any) -> None:
        self.rows[table].append(row)
        self.count += 1

    def clear(self) -> None:
        for rows in self.rows.values():
            rows.clear()
        self.count = self.bytes = 0

    def frames(self) -> dict[str, pl.DataFrame]:
        found = {}
        for name, rows in self.rows.items():
            if rows:
                columns: dict[str, Sequence[Any]] = dict(zip(COLUMNS[name], zip(*rows, strict=True), strict=True))
                for constant, value in _ALWAYS.get(name, {}).items():
                    columns[constant] = [value] * len(rows)
                found[name] = tables.frame(name, columns)
        return found


@dataclass(slots=True)
class Ledger:
    """One entry's account while it is read, and what it says in `issues`."""

    sheets: Sheets
    entry: int
    table: str
    staged: int = 0
    skipped: int = 0
    failed: int = 0
    notes: Notes = field(default_factory=Notes)
    _folded: Counter[tuple[str, str]] = field(default_factory=Counter)

    def skip(self, line: int | None, code: str, message: str, excerpt: str = "") -> None:
        self.skipped += 1
        self._note(line, "skipped", code, message, excerpt)

    def fail(self, line: int | None, code: str, message: str, excerpt: str = "") -> None:
        self.failed += 1
        self._note(line, "failed", code, message, excerpt)

    def close(self, name: str, kind: str, size: int, reason: str | None = None) -> None:
        for (severity, code), count in self._folded.items():
            if count > _NAMED:
                sentence = f"{count - _NAMED:,} further records like these."
                self._issue(None, severity, code, sentence, "", count - _NAMED)
        for code, (line, count) in self.notes.lines.items():
            sentence = WARNINGS[code].format(line=line) + (f" So do {count - 1:,} more." if count > 1 else "")
            self._issue(line, "warning", code, sentence, "", count)
        found = self.staged + self.skipped + self.failed
        self.sheets.add("entries", self.entry, name, kind, size, found, self.staged, self.skipped, self.failed, reason)

    def _note(self, line: int | None, severity: str, code: str, message: str, excerpt: str) -> None:
        self._folded[severity, code] += 1
        if self._folded[severity, code] <= _NAMED:
            self._issue(line, severity, code, message, excerpt, 1)

    def _issue(self, line: int | None, severity: str, code: str, message: str, excerpt: str, count: int) -> None:
        self.sheets.add(
            "issues", self.entry, line, severity, code, self.table, message, excerpt[:EXCERPT_CHARS] or None, count
        )


@dataclass(frozen=True, slots=True)
class Task:
    """`run` adds the records to the sheets and yields before each of them. `packed`: its bytes for progress. A task
    that `feeds` others is run again, for its effects alone, where reading goes on after it."""

    step: str
    label: str
    packed: int
    run: Callable[[Sheets], Iterator[None]]
    feeds: bool = False


class TaskReader:
    """A `Reader` over tasks that are the same every time; `tasks` makes them anew, because they keep state."""

    def __init__(
        self, overview: Overview, packed_bytes: int, tasks: Callable[[], Iterable[Task]], options: Options
    ) -> None:
        self.overview = overview
        self.bytes_total = packed_bytes
        self._tasks = tasks
        self._batch_records = options.batch_records

    def batches(self, start: Position = Position()) -> Iterator[Batch]:
        first, skip = int(start.state.get("task", 0)), int(start.state.get("records", 0))
        sheets = Sheets(self._batch_records)
        number, done, at = start.batch, 0, -1
        step = label = ""
        for at, task in enumerate(self._tasks()):
            if at < first:
                for _ in task.run(sheets) if task.feeds else ():
                    sheets.clear()
                sheets.clear()
                done += task.packed
                continue
            step, label, sheets.read = task.step, task.label, 0
            # `records` are complete whenever the task stops.
            for records, _ in enumerate(task.run(sheets)):
                if at == first and records <= skip:
                    if skip:
                        sheets.clear()
                elif sheets.full:
                    position = Position(number + 1, {"task": at, "records": records})
                    yield Batch(number, sheets.frames(), position, step, label, done + sheets.read)
                    sheets.clear()
                    number += 1
            done += task.packed
        if any(sheets.rows.values()):
            end = Position(number + 1, {"task": at + 1, "records": 0})
            yield Batch(number, sheets.frames(), end, step, label, done)

    def counts(self) -> Counts:
        tally = Tally()
        for batch in self.batches():
            tally.add(batch.tables)
        return tally.counts()


@dataclass(frozen=True, slots=True)
class Table:
    """How one kind of CSV is read: `plausible` judges the first record, for the delimiter; `trimmed` says that spaces
    around its fields mean nothing; `make` stops before each record and puts it in the sheets or the ledger."""

    kind: str
    plausible: Plausible
    trimmed: bool
    make: Callable[[Iterator[Record | Fault], Ledger], Iterator[None]]


def run_csv(
    sheets: Sheets, table: Table, entry: int, name: str, size: int, blocks: Iterable[bytes], limits: Limits
) -> Iterator[None]:
    """Reads one CSV and accounts for it. An entry that breaks off is a failed record of its own; limits of the whole
    archive end the import."""
    ledger = Ledger(sheets, entry, table.kind)
    reason = None
    try:
        records = read_records(
            blocks,
            table.plausible,
            record_bytes=limits.record_bytes,
            notes=ledger.notes,
            skip_spaces=table.trimmed,
        )
        yield from table.make(records, ledger)
    except BadFile as error:
        if isinstance(error, OverLimit) and error.setting != "entry_bytes":
            raise
        reason = error.code
        ledger.fail(None, error.code, error.message)
    ledger.close(name, table.kind, size, reason)


def blocks_of(source: Source, sheets: Sheets) -> Iterator[bytes]:
    """The bytes of a file that is no archive."""
    at = 0
    while at < source.size and (block := source.read(at, _BLOCK)):
        at += len(block)
        sheets.read = at
        yield block


def text_file(source: Source, expected: str) -> bytes:
    """The first bytes of a file that should be CSV. BadFile: empty, an archive, or no text; `expected` begins the
    sentence."""
    head = source.read(0, _HEAD)
    if not head.strip():
        raise BadFile("The file is empty.", code="file_empty")
    if head.startswith(b"PK"):
        raise BadFile(f"{expected} itself; this is a zip file.", code="file_type")
    if b"\0" in head and not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise BadFile(f"{expected}; this file is no text.", code="file_type")
    return head


def wrong_width(record: Record, expected: int) -> tuple[int, str, str, str]:
    """What `Ledger.fail` says of a record with too few or too many fields."""
    has = len(record.fields)
    sentence = f"Line {record.line} has {has} field{'' if has == 1 else 's'} where {expected} are expected."
    return record.line, "importer-csv-field-count", sentence, excerpt(record)


def excerpt(record: Record) -> str:
    return ",".join(record.fields)[:EXCERPT_CHARS]


def surplus(record: Record, width: int) -> bool:
    """Whether there is anything in the fields after the first `width`."""
    return any(field.strip() for field in record.fields[width:])


def split_list(text: str) -> list[str]:
    """The parts of a list joined by `;`, trimmed, without blanks, each once."""
    return list(dict.fromkeys(part for piece in text.split(";") if (part := piece.strip())))


def custom_fields(values: Iterable[tuple[str, str]]) -> str | None:
    """JSON object of the values that are not empty; null if none is."""
    given = {name: value for name, value in values if value}
    return json.dumps(given, ensure_ascii=False) if given else None


class Recent:
    """How often a key came before, for keys that come again soon: after some 100,000 others it may be forgotten."""

    def __init__(self, kept: int = 1 << 17) -> None:
        self._kept = kept
        self._new: dict[int, int] = {}
        self._old: dict[int, int] = {}

    def number(self, key: int) -> int:
        count = self._new.get(key)
        if count is None:
            count = self._old.get(key, 0)
            if len(self._new) >= self._kept:
                self._old, self._new = self._new, {}
        self._new[key] = count + 1
        return count
