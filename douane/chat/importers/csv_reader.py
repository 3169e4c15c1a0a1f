"""The reader that the CSV importers share: tasks, one per archive entry, whose records become numbered batches.

A task adds one record at a time to a `Sheets` and stops before each next one, so that a batch can end there and an
entry's row of the ledger comes with its last record. Where a killed read goes on, the entry at hand is read again from
its start and what was given already is dropped.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from douane.chat.importers import Batch, Counts, Limits, Options, Overview, Position, Source
from douane.chat.importers.csv_dialect import (
    WARNINGS,
    Fault,
    Notes,
    Plausible,
    Record,
    read_records,
)
from douane.chat.importers.ledger import EXCERPT_CHARS, Ledger, Sheets
from douane.chat.importers.upload import Upload
from douane.chat.tally import Tally
from douane.errors import BadFile, OverLimit

_BLOCK = 1 << 20


@dataclass(slots=True)
class CsvLedger(Ledger):
    """With what reading the lines found out."""

    notes: Notes = field(default_factory=Notes)


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
        if sheets.count:
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
    make: Callable[[Iterator[Record | Fault], CsvLedger], Iterator[None]]


def run_csv(
    sheets: Sheets, table: Table, entry: int, name: str, size: int, blocks: Iterable[bytes], limits: Limits
) -> Iterator[None]:
    """Reads one CSV and accounts for it. An entry that breaks off is a failed record of its own; limits of the whole
    archive end the import."""
    ledger = CsvLedger(sheets, entry, table.kind, WARNINGS)
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
    ledger.warned |= {code: (line, count) for code, (line, count) in ledger.notes.lines.items()}
    ledger.close(name, table.kind, size, reason)


def blocks_of(source: Source, sheets: Sheets) -> Iterator[bytes]:
    """The bytes of a file that is no archive."""
    at = 0
    while at < source.size and (block := source.read(at, _BLOCK)):
        at += len(block)
        sheets.read = at
        yield block


def text_file(upload: Upload, expected: str) -> bytes:
    """The first bytes of a file that should be CSV. BadFile: empty, an archive, or no text; `expected` begins the
    sentence."""
    head = upload.head
    if not head.strip():
        raise BadFile("The file is empty.", code="file_empty")
    if upload.packed:
        raise BadFile(f"{expected} itself; this is an archive.", code="file_type")
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
