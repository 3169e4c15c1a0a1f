"""What the CSV importers share: how a CSV becomes records, and what is said of those that are none."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from douane.chat.importers import Limits
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
from douane.errors import BadFile, OverLimit


@dataclass(slots=True)
class CsvLedger(Ledger):
    """With what reading the lines found out."""

    notes: Notes = field(default_factory=Notes)


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
