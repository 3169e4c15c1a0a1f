"""The members list that Slack's admin pages give as CSV.

Facts: shared contract 5.3 and formats 3. Columns by their headings, by position where the headings are not known. The
first import id is the e-mail, the second Slack's own id, by which a later full export finds the same people.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from douane.chat.importers import Options, Overview
from douane.chat.importers.csv_dialect import Fault, Record, first_record
from douane.chat.importers.csv_reader import (
    CsvLedger,
    Table,
    excerpt,
    run_csv,
    surplus,
    text_file,
    wrong_width,
)
from douane.chat.importers.ledger import Sheets
from douane.chat.importers.tasks import Task, TaskReader, blocks_of
from douane.chat.importers.upload import Upload
from douane.chat.tables import message_key
from douane.errors import BadFile

# Slack's own order.
COLUMNS = (
    *("username", "email", "status", "billing-active", "has-2fa", "has-sso", "userid", "fullname", "displayname"),
    "expiration-timestamp",
)
ROLES = {
    "admin": "admin",
    "owner": "owner",
    "primary owner": "owner",
    "bot": "bot",
    "guest": "guest",
    "restricted": "guest",
    "multi-channel guest": "guest",
    "single-channel guest": "guest_single",
    "ultra restricted": "guest_single",
}
GIVEN = {"admin": ["admin"], "bot": ["bot"]}


def open(upload: Upload, options: Options = Options()) -> TaskReader:
    """BadFile when this is no CSV text of several columns."""
    head = text_file(upload, "The Slack users importer expects the CSV file of Slack's members page")
    if len(first_record(head, _like_members)) < 2:
        raise BadFile(
            "The members list of Slack is a CSV file whose first line is: " + ",".join(COLUMNS) + ".",
            code="file_type",
        )

    def run(sheets: Sheets) -> Iterator[None]:
        return run_csv(sheets, MEMBERS, 0, "", upload.size, blocks_of(upload, sheets), options.limits)

    overview = Overview("slack-users", "Slack's list of members (CSV)", {"entries": 1, "bytes": upload.size})
    return TaskReader(overview, upload.size, lambda: [Task("users", "", upload.size, run)], options)


def recognise(upload: Upload, options: Options = Options()) -> bool:
    try:
        fields = set(map(_heading, first_record(text_file(upload, ""), _like_members)))
    except BadFile:
        return False
    return {"username", "email", "status"} <= fields


def _members(records: Iterator[Record | Fault], ledger: CsvLedger) -> Iterator[None]:
    first = next(records, None)
    if first is None:
        return
    names = list(COLUMNS)
    width = len(COLUMNS)
    if isinstance(first, Record):
        width = len(first.fields)
        given = [_heading(field) for field in first.fields]
        if "email" in given:
            names = given
        elif "@" in "".join(first.fields[1:2]):  # no headings: it is a person
            records = chain([first], records)
    places = {name: at for at, name in reversed(list(enumerate(names)))}
    seen: set[int] = set()
    for record in records:
        yield
        if isinstance(record, Fault):
            ledger.fail(record.line, record.code, record.message, record.excerpt)
            continue
        if len(record.fields) < width or surplus(record, width):
            ledger.fail(*wrong_width(record, width))
            continue
        fields = {name: record.fields[at].strip() for name, at in places.items() if at < len(record.fields)}
        email = fields["email"]
        if not email:
            ledger.skip(
                record.line, "importer-user-missing-email", f"Line {record.line} has no e-mail.", excerpt(record)
            )
            continue
        if "@" not in email:
            # Any text with commas has columns; a list of people has addresses where Slack puts them.
            sentence = f"“{email[:100]}” in line {record.line} is no e-mail address."
            ledger.fail(record.line, "importer-user-invalid-email", sentence, excerpt(record))
            continue
        if (key := message_key(email)) in seen:
            ledger.skip(record.line, "duplicate", f"“{email[:100]}” stands in the list already.", excerpt(record))
            continue
        seen.add(key)
        _member(record.line, email, fields, ledger)


def _member(line: int, email: str, fields: dict[str, str], ledger: CsvLedger) -> None:
    username, user_id = fields.get("username", ""), fields.get("userid", "")
    full, display = fields.get("fullname", ""), fields.get("displayname", "")
    status = fields.get("status", "").lower()
    role = ROLES.get(status, "member")
    ledger.staged += 1
    ledger.sheets.add(
        "users",
        entry=ledger.entry,
        position=line,
        id=email,
        ids=[email, user_id] if user_id else [email],
        username=username or None,
        name=full or display or username or None,
        display_name=display or None,
        emails=[email],
        type="bot" if role == "bot" else "user",
        role=role,
        roles=GIVEN.get(role, []),
        deleted=status == "deactivated",
    )


def _heading(field: str) -> str:
    return field.strip().lower().replace("_", "-").replace(" ", "-")


def _like_members(fields: Sequence[str]) -> bool:
    return len(fields) > 1 and ("email" in map(_heading, fields) or "@" in fields[1])


MEMBERS = Table("users", _like_members, True, _members)
