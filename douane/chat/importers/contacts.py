"""Omnichannel contacts: a CSV with headings, alone or as `contacts.csv` of a CSV export.

Facts: shared contract 5.5. `emails` and `phones` are lists joined by `;`, `manager` is a username, `id` the import id;
every other column is a custom field. Without an id it is made from what the contact says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from douane.chat.importers import Options, Overview
from douane.chat.importers.csv_dialect import Fault, Record, first_record
from douane.chat.importers.csv_reader import (
    CsvLedger,
    Table,
    custom_fields,
    excerpt,
    run_csv,
    split_list,
    surplus,
    text_file,
    wrong_width,
)
from douane.chat.importers.ledger import Sheets
from douane.chat.importers.seen import Recent
from douane.chat.importers.tasks import Task, TaskReader, blocks_of
from douane.chat.importers.upload import Upload
from douane.chat.tables import message_key
from douane.errors import BadFile

KNOWN = ("emails", "phones", "name", "manager", "id")


def open(upload: Upload, options: Options = Options()) -> TaskReader:
    """BadFile when this is no CSV text, or its first line names none of emails, phones and name."""
    head = text_file(upload, "The contacts importer expects a CSV file")
    if not _like_contacts(first_record(head, _like_contacts)):
        raise _no_heading()

    def run(sheets: Sheets) -> Iterator[None]:
        return run_csv(sheets, CONTACTS, 0, "", upload.size, blocks_of(upload, sheets), options.limits)

    overview = Overview("omnichannel_contact", "Contacts (CSV)", {"entries": 1, "bytes": upload.size})
    return TaskReader(overview, upload.size, lambda: [Task("contacts", "", upload.size, run)], options)


def recognise(upload: Upload, options: Options = Options()) -> bool:
    try:
        fields = {field.strip() for field in first_record(text_file(upload, ""), _like_contacts)}
    except BadFile:
        return False
    return {"emails", "phones"} <= fields


def _contacts(records: Iterator[Record | Fault], ledger: CsvLedger) -> Iterator[None]:
    heading = next(records, None)
    if heading is None:
        return
    if isinstance(heading, Fault) or not _like_contacts(heading.fields):
        raise _no_heading()
    names = [name.strip() for name in heading.fields]
    known = {name: _place(names, name) for name in KNOWN}
    others = [(at, name or f"column{at}") for at, name in enumerate(names) if at not in known.values()]
    recent = Recent()
    for record in records:
        yield
        if isinstance(record, Fault):
            ledger.fail(record.line, record.code, record.message, record.excerpt)
            continue
        if len(record.fields) < len(names) or surplus(record, len(names)):
            ledger.fail(*wrong_width(record, len(names)))
            continue
        fields = [field.strip() for field in record.fields]
        emails, phones, name, manager, import_id = ("" if at is None else fields[at] for at in known.values())
        if not (split_list(emails) or split_list(phones) or name):
            sentence = f"Line {record.line} has no e-mail, no phone and no name."
            ledger.skip(record.line, "importer-contact-empty", sentence, excerpt(record))
            continue
        if not import_id:
            number = recent.number(message_key("contact", *fields))
            import_id = f"contact-{message_key('contact', *fields, str(number)):016x}"
        ledger.staged += 1
        ledger.sheets.bytes += sum(map(len, fields))
        ledger.sheets.add(
            "contacts",
            entry=ledger.entry,
            position=record.line,
            id=import_id,
            name=name or None,
            emails=split_list(emails),
            phones=split_list(phones),
            manager=manager or None,
            custom=custom_fields((name, fields[at]) for at, name in others),
        )


def _place(names: Sequence[str], name: str) -> int | None:
    """The column's place: exactly so named (as the contract has it), else in other letters."""
    if name in names:
        return names.index(name)
    lowered = [other.lower() for other in names]
    return lowered.index(name) if name in lowered else None


def _like_contacts(fields: Sequence[str]) -> bool:
    return any(_place([field.strip() for field in fields], name) is not None for name in KNOWN[:3])


def _no_heading() -> BadFile:
    return BadFile(
        "The first line of a contacts file names its columns, such as: name,emails,phones,manager,id. "
        "This one names none of name, emails and phones.",
        code="importer-csv-heading",
    )


CONTACTS = Table("contacts", _like_contacts, True, _contacts)
