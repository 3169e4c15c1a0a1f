"""The staged records of a chat export by page, with what is wrong with them and what a run made of them; and the
ledger: found = staged + imported + skipped + failed, in all and for every entry of the archive.

An operation's version names its masks, so what is cached here only ages.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from sqlalchemy import Connection

from douane import encodings
from douane.chat import check, tables
from douane.chat.tokens import without_in
from douane.errors import NotFound
from douane.flow.chat.preview import dropped
from douane.flow.house import House
from douane.jobs.children import stream_child
from douane.line.chat import ChatStaged, StagedPart
from douane.model.chat_import import chat_detail
from douane.model.operation import Operation
from douane.model.problem import Problem
from douane.staging.masks import VALID, View, read_mask
from douane.staging.pages import Directories, Directory, Entry, Page
from douane.staging.parts import read_part
from douane.store import chat, manifest
from douane.store.chat import OutcomeRow
from douane.store.database import read
from douane.store.manifest import MaskRow, PartRow

# Not for people: where it stands is told apart, and the key is the machine's.
HIDDEN = ("entry", "position", "key_hi", "key_lo")


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
        directory = _directory_of(connection, operation, table)
        total = directory.total(view)
        offset = (page - 1) * limit
        if offset >= total:
            return RecordPage((), total)
        entries = manifest.parts(connection, operation.id, "entries")
    found = directory.page(view, offset, limit, house.objects.local_path)
    names = _entry_names(house, [row.object for row in entries], found.frame)
    return RecordPage(tuple(_records(operation, table, found, names)), total)


_kept = Directories()


def _directory_of(connection: Connection, operation: Operation, table: str) -> Directory:
    """That of the version that is shown."""
    if dropped(operation):
        return Directory([], [], 1)
    if operation.version == 0:
        return _directory(connection, operation, table)  # it still grows
    key = (operation.id, operation.version, table)
    return _kept.get(key, lambda: _directory(connection, operation, table))


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
        page.rows,
        without_in(tables.handed_out(table, page.frame)).iter_rows(named=True),
        page.words[:, 0].tolist(),
        page.states,
        strict=True,
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


def encoded(house: House, operation: Operation, table: str, view: View, format: str) -> Iterator[bytes]:
    """A whole view of a table as a form of the encodings shelf, encoded by a helper process and streamed; each
    record with the name of its entry, its problems and its outcome by code. If it fails midway the iterator raises: a
    result that was cut off must never look complete."""
    encodings.member(format)
    if table not in tables.TABLES:
        raise NotFound(f"There is no table {table}; there are {', '.join(tables.TABLES)}.")
    with read(house.engine) as connection:
        directory = _directory_of(connection, operation, table)
        entries = [] if dropped(operation) else manifest.parts(connection, operation.id, "entries")
    return _encoded(house, directory, [row.object for row in entries], table, view, format)


def _encoded(
    house: House, directory: Directory, entries: Sequence[str], table: str, view: View, format: str
) -> Iterator[bytes]:
    seat = house.seats.take()
    try:
        spec = ChatStaged(
            table=table,  # type: ignore[arg-type]
            view=view,
            format=format,
            entries=tuple(house.objects.link_into(name, seat.inputs) for name in entries),
            parts=tuple(
                StagedPart(
                    house.objects.link_into(part.object, seat.inputs),
                    house.objects.link_into(part.mask_object, seat.inputs) if part.mask_object else None,
                )
                for part in directory.entries
            ),
        )
        yield from stream_child(spec, seat)
    finally:
        seat.clear()


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
OUTCOMES = ("imported", "skipped", "failed")
# Rows of these tables may have been made by the reading itself (a room that only a folder names, an author that nobody
# listed). They have no position in any entry; a run deals with them, and they are no records of the export.
_WITH_DERIVED = ("users", "channels")


def ledger(house: House, operation: Operation) -> Ledger:
    """Of the whole import: what the reading counted, and what the run has done so far."""
    held = _held(house, operation)
    sums = _Sums()
    for frame in held.frames("entries", ("found", "staged", "skipped", "failed")):
        sums.read(*frame.sum().row(0))
    sent = chat_detail(operation).sent
    sums.read(sent, sent, 0, 0)
    for _, severity, code, count in _why(held, None).iter_rows():
        sums.reasons[severity][code] += count
    by_table = {table: Counter({"staged": sum(row.rows for row in held.parts[table])}) for table in check.RULES}
    for row in held.outcomes:
        for code, count in row.reasons.items():
            sums.run(row.table, code, count)
            _run(by_table[row.table], check.outcome(row.table, code).outcome, count)
    for table, _, code, count in _derived(held).iter_rows():
        by_table[table]["staged"] -= count
        if code:
            sums.run(table, code, -count)
            _run(by_table[table], check.outcome(table, code).outcome, -count)
    return Ledger(
        sums.found,
        sums.numbers["staged"],
        sums.numbers["imported"],
        sums.numbers["skipped"],
        sums.numbers["failed"],
        sums.reasons_shown(),
        {
            table: {name: numbers[name] for name in ("staged", *OUTCOMES)}
            for table, numbers in by_table.items()
            if held.parts[table]
        },
    )


def ledger_entries(house: House, operation: Operation, page: int, limit: int) -> list[EntryLine]:
    """The same for each entry of the archive, in the order they were read; `page` from 1."""
    with read(house.engine) as connection:
        directory = _directory_of(connection, operation, "entries")
    lines = directory.page("all", (page - 1) * limit, limit, house.objects.local_path).frame
    if len(lines) == 0:
        return []
    held = _held(house, operation)
    sums = {}
    for entry, found, *numbers in lines.select("entry", "found", "staged", "skipped", "failed").iter_rows():
        sums[entry] = _Sums()
        sums[entry].read(found, *numbers)
    entries = lines["entry"]
    for entry, severity, code, count in _why(held, entries).iter_rows():
        sums[entry].reasons[severity][code] += count
    for table, entry, code, count in _run_by_entry(held, entries).iter_rows():
        sums[entry].run(table, code, count)
    for table, entry, code, count in _derived(held).iter_rows():
        if code and entry in sums:
            sums[entry].run(table, code, -count)
    return [
        EntryLine(
            line["entry"],
            line["name"],
            line["kind"],
            line["bytes"],
            own.found,
            own.numbers["staged"],
            own.numbers["imported"],
            own.numbers["skipped"],
            own.numbers["failed"],
            line["reason"],
            own.reasons_shown(),
        )
        for line in lines.iter_rows(named=True)
        for own in (sums[line["entry"]],)
    ]


@dataclass(slots=True)
class _Sums:
    found: int = 0
    numbers: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in OUTCOMES})

    def read(self, found: int, staged: int, skipped: int, failed: int) -> None:
        self.found += found
        self.numbers.update({"staged": staged, "skipped": skipped, "failed": failed})

    def run(self, table: str, code: str, count: int) -> None:
        """Staged records that a run has dealt with."""
        outcome = check.outcome(table, code).outcome
        _run(self.numbers, outcome, count)
        self.reasons[outcome][code] += count

    def reasons_shown(self) -> dict[str, dict[str, int]]:
        return {
            outcome: {code: count for code, count in codes.items() if count}
            for outcome, codes in self.reasons.items()
            if any(codes.values())
        }


def _run(numbers: Counter[str], outcome: str, count: int) -> None:
    numbers["staged"] -= count
    numbers[outcome] += count


@dataclass(frozen=True, slots=True)
class _Held:
    """What a ledger is made of, as of a run that may still go on."""

    house: House
    parts: Mapping[str, Sequence[PartRow]]
    masks: Mapping[str, Mapping[int, MaskRow]]
    outcomes: Sequence[OutcomeRow]

    def frames(self, table: str, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        for row in self.parts[table]:
            yield read_part(self.house.objects.local_path(row.object), columns)


def _held(house: House, operation: Operation) -> _Held:
    """A run publishes its version when it ends; until then what it did is named under the next."""
    if dropped(operation):
        return _Held(house, {table: [] for table in (*check.RULES, "entries", "issues")}, {}, [])
    version = operation.version + 1
    with read(house.engine) as connection:
        return _Held(
            house,
            {table: manifest.parts(connection, operation.id, table) for table in (*check.RULES, "entries", "issues")},
            {table: manifest.masks(connection, operation.id, table, version) for table in check.RULES},
            chat.outcomes(connection, operation.id, version),
        )


def _why(held: _Held, entries: pl.Series | None) -> pl.DataFrame:
    """(entry, severity, code, count): why records were skipped or failed while reading, of some entries or all. What
    the reading counted without a word is OTHER; what it said more than it counted is left out, so that the reasons of
    an entry add up to its numbers."""
    chosen = pl.lit(True) if entries is None else pl.col("entry").is_in(entries.implode())
    empty = pl.DataFrame(schema=_WHY)
    counted = [
        frame.lazy()
        .filter(chosen)
        .unpivot(["skipped", "failed"], index="entry", variable_name="severity", value_name="number")
        .filter(pl.col("number") > 0)
        .collect()
        for frame in held.frames("entries", ("entry", "skipped", "failed"))
    ]
    said = [
        frame.filter(chosen & (pl.col("severity") != "warning")).select(
            "entry", "severity", "code", pl.col("count").fill_null(1)
        )
        for frame in held.frames("issues", ("entry", "severity", "code", "count"))
    ]
    if not counted:
        return empty
    numbers = pl.concat(counted)
    before = pl.col("count").cum_sum().over("entry", "severity") - pl.col("count")
    reasons = (
        pl.concat([empty, *said])
        .group_by("entry", "severity", "code", maintain_order=True)
        .agg(pl.col("count").sum())
        .join(numbers, on=["entry", "severity"])
        .with_columns(pl.min_horizontal("count", pl.max_horizontal(pl.col("number") - before, 0)).alias("count"))
    )
    rest = numbers.join(
        reasons.group_by("entry", "severity").agg(pl.col("count").sum().alias("said")),
        on=["entry", "severity"],
        how="left",
    ).with_columns(pl.lit(OTHER).alias("code"), (pl.col("number") - pl.col("said").fill_null(0)).alias("count"))
    columns = list(_WHY)
    return pl.concat([reasons.select(columns), rest.select(columns)]).filter(pl.col("count") > 0)


_WHY = pl.Schema({"entry": pl.Int64(), "severity": pl.String(), "code": pl.String(), "count": pl.Int64()})
_RUN = pl.Schema({"table": pl.String(), "entry": pl.Int64(), "code": pl.String(), "count": pl.Int64()})


def _derived(held: _Held) -> pl.DataFrame:
    """(table, entry, code, count) of the rows that the reading made itself; code "" where no run dealt with them."""
    run = {(row.table, row.number) for row in held.outcomes}
    found = [pl.DataFrame(schema=_RUN)]
    for table in _WITH_DERIVED:
        for row in held.parts[table]:
            frame = read_part(held.house.objects.local_path(row.object), ("entry", "position", "origin"))
            made = frame["position"].is_null()
            if "origin" in frame.columns:
                made &= frame["origin"] != "api"
            if made.any():
                codes = _codes(held, table, row) if (table, row.number) in run else [""] * len(frame)
                found.append(_counted(table, frame["entry"], codes, made))
    return pl.concat(found)


def _run_by_entry(held: _Held, entries: pl.Series) -> pl.DataFrame:
    """The same of all records that a run dealt with, for some entries."""
    numbers = {(row.table, row.number): row for row in held.outcomes}
    found = [pl.DataFrame(schema=_RUN)]
    for table in check.RULES:
        for row in held.parts[table]:
            outcome = numbers.get((table, row.number))
            if outcome is None:
                continue
            if outcome.entries_object is not None:
                frame = read_part(held.house.objects.local_path(outcome.entries_object))
                found.append(
                    frame.filter(pl.col("entry").is_in(entries.implode()))
                    .select(pl.lit(table).alias("table"), "entry", pl.col("reason").alias("code"), "count")
                    .cast(_RUN)
                )
                continue
            own = read_part(held.house.objects.local_path(row.object), ["entry"])["entry"]
            near = own.is_in(entries.implode()).fill_null(False)
            if near.any():
                found.append(_counted(table, own, _codes(held, table, row), near))
    return pl.concat(found)


def _codes(held: _Held, table: str, row: PartRow) -> list[str]:
    """What a run made of each row of a part, by its mask."""
    words = read_mask(held.house.objects.local_path(held.masks[table][row.number].object)).words[:, 0]
    codes = np.full(len(words), "", dtype=object)
    for outcome in check.OUTCOMES[table]:
        codes[(words >> np.uint64(outcome.bit)) & np.uint64(1) != 0] = outcome.code
    return list(codes)


def _counted(table: str, entry: pl.Series, codes: Sequence[str], which: pl.Series) -> pl.DataFrame:
    return (
        pl.DataFrame(
            {"table": table, "entry": entry, "code": codes}, schema={k: v for k, v in _RUN.items() if k != "count"}
        )
        .filter(which)
        .group_by("table", "entry", "code", maintain_order=True)
        .len("count")
        .cast(_RUN)
    )
