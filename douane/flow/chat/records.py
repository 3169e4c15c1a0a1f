"""The staged records of a chat export by page, with what is wrong with them and what a run made of them; and the
ledger: found = staged + imported + skipped + failed, in all and for every entry of the archive.

An operation's version names its masks, so what is cached here only ages.
"""

from __future__ import annotations

import hashlib
import threading
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from sqlalchemy import Connection

from douane.chat import check, tables
from douane.errors import NotFound
from douane.flow.chat.preview import dropped
from douane.flow.house import House
from douane.model.operation import Operation
from douane.model.problem import Problem
from douane.staging.masks import VALID, View
from douane.staging.pages import Directory, Entry, Page
from douane.staging.parts import read_part
from douane.store import chat, manifest, operations
from douane.store.chat import OutcomeRow
from douane.store.database import read

DIRECTORIES_KEPT = 64
INFERRED_NUMBER = 1_000_000_000  # see child/chat.py: authors that nobody listed are no records of the export
# Not for people: where it stands is told apart, the key is the machine's, and a password is nobody's business.
HIDDEN = ("entry", "position", "key_hi", "key_lo", "password")


@dataclass(frozen=True, slots=True)
class Record:
    """`index`: its row in the table, from 0. `entry`, `entry_name`, `position`: where it stands in the archive (-1 and
    "" for records that came by REST, or from no entry). `outcome`: what the last run made of it, None before."""

    id: str
    index: int
    entry: int
    entry_name: str
    position: int
    valid: bool
    record: dict[str, Any]
    problems: tuple[Problem, ...]
    outcome: check.Outcome | None


@dataclass(frozen=True, slots=True)
class RecordPage:
    records: tuple[Record, ...]
    total: int


def page(house: House, operation: Operation, table: str, view: View, page: int, limit: int) -> RecordPage:
    """Records of a table's view in staging order, `page` from 1. Invalid is what a run will fail; after the run, what
    it failed. Cost does not depend on depth. NotFound for a table that there is not."""
    if table not in tables.TABLES:
        raise NotFound(f"There is no table {table}; there are {', '.join(tables.TABLES)}.")
    with read(house.engine) as connection:
        directory = _directories.get(house, connection, operation, table)
        total = directory.total(view)
        offset = (page - 1) * limit
        if offset >= total:
            return RecordPage((), total)
        entries = manifest.parts(connection, operation.id, "entries")
    found = directory.page(view, offset, limit, house.objects.local_path)
    names = _entry_names(house, [row.object for row in entries], found.frame)
    return RecordPage(tuple(_records(operation, table, found, names)), total)


class _Directories:
    """The directories of published versions, newest used last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, int, str], Directory] = OrderedDict()

    def get(self, house: House, connection: Connection, operation: Operation, table: str) -> Directory:
        if dropped(operation):
            return Directory([], [], 1)
        if operation.version == 0:
            return _directory(connection, operation, table)  # it still grows
        key = (operation.id, operation.version, table)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = _directory(connection, operation, table)
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > DIRECTORIES_KEPT:
                self._kept.popitem(last=False)
        return made


_directories = _Directories()


def _directory(connection: Connection, operation: Operation, table: str) -> Directory:
    found = manifest.masks(connection, operation.id, table, operation.version)
    entries = []
    for row in manifest.parts(connection, operation.id, table):
        mask = found.get(row.number)
        valid, invalid = (mask.valid, mask.invalid) if mask else (row.rows, 0)
        name = mask.object if mask else None
        entries.append(Entry(row.number, row.first_row, row.rows, row.object, name, valid, invalid))
    return Directory(entries, [], 1)


def _records(operation: Operation, table: str, page: Page, names: Mapping[int, str]) -> Iterable[Record]:
    for row, record, words, state in zip(
        page.rows, page.frame.iter_rows(named=True), page.words[:, 0].tolist(), page.states, strict=True
    ):
        entry = record.get("entry", -1)
        position = record.get("position", -1)
        shown = {name: value for name, value in record.items() if name not in HIDDEN}
        yield Record(
            record_id(operation.id, table, int(row)),
            int(row),
            -1 if entry is None else entry,
            names.get(entry, ""),
            -1 if position is None else position,
            bool(state == VALID),
            shown,
            problems(table, shown, words),
            outcome(table, words),
        )


def record_id(operation_id: str, table: str, row: int) -> str:
    """24 hex characters, the same in every answer."""
    return hashlib.sha256(f"{operation_id}:{table}:{row}".encode()).hexdigest()[:24]


def problems(table: str, record: Mapping[str, Any], word: int) -> tuple[Problem, ...]:
    """What the bits of a record's word say, as a person reads it."""
    found = []
    for rule in check.RULES.get(table, ()):
        if word >> rule.bit & 1:
            sentence = check.SENTENCES[table][rule.name].format_map(_Shown(record))
            value = None if rule.column is None else _Shown(record)[rule.column]
            found.append(Problem(rule.column, rule.name, sentence, value, rule.warning))
    return tuple(found)


class _Shown(dict[str, str]):
    """A record's values as a sentence shows them: lists in a row, nothing for what is absent, none of them endless."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        super().__init__({name: _text(value) for name, value in record.items()})

    def __missing__(self, name: str) -> str:
        return ""


def _text(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
    return text if len(text) <= 200 else text[:199] + "…"


def outcome(table: str, word: int) -> check.Outcome | None:
    """What a run made of a record, by its word."""
    for found in check.OUTCOMES.get(table, ()):
        if word >> found.bit & 1:
            return found
    return None


def _entry_names(house: House, objects: Sequence[str], frame: pl.DataFrame) -> dict[int, str]:
    if "entry" not in frame.columns or not objects:
        return {}
    wanted = frame["entry"].drop_nulls().unique()
    wanted = wanted.filter(wanted >= 0)
    if len(wanted) == 0:
        return {}
    paths = [house.objects.local_path(name) for name in objects]
    found = pl.scan_ipc(paths).select("entry", "name").filter(pl.col("entry").is_in(wanted.implode())).collect()
    return dict(found.iter_rows())


# The ledger


@dataclass(frozen=True, slots=True)
class Ledger:
    """Records, in numbers. found = staged + imported + skipped + failed, always. `staged`: read and not run yet.
    `reasons`: outcome -> code -> records, which add up to the outcome's number; `tables`: the same four numbers of the
    staged records by table."""

    found: int
    staged: int
    imported: int
    skipped: int
    failed: int
    reasons: Mapping[str, Mapping[str, int]]
    tables: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class EntryLine:
    """One entry of the archive. `reason`: why the entry as a whole holds no records; else None. `reasons` as in the
    ledger."""

    entry: int
    name: str
    kind: str
    size_bytes: int
    found: int
    staged: int
    imported: int
    skipped: int
    failed: int
    reason: str | None
    reasons: Mapping[str, Mapping[str, int]]


OTHER = "other"  # the code of what the reading counted without saying why


@dataclass(slots=True)
class _Sums:
    found: int = 0
    numbers: Counter[str] = field(default_factory=Counter)  # staged, skipped, failed, imported
    reasons: dict[str, Counter[str]] = field(
        default_factory=lambda: {name: Counter() for name in ("imported", "skipped", "failed")}
    )

    def run(self, outcome: str, code: str, count: int) -> None:
        """Staged records that a run has dealt with."""
        self.numbers["staged"] -= count
        self.numbers[outcome] += count
        self.reasons[outcome][code] += count
