"""SHELF of importers: a chat product's export -> batches of typed records, table by table.

`open_export` opens an upload with one importer and answers a reader. A reader streams: it reads one archive entry at a
time, never holds the archive nor unpacks it, and yields batches of about `Options.batch_records` records. Its batches
are the same every time for the same bytes and options, and begin again after any of them, so a killed read goes on
where it was. A record that cannot be read is a failed record with its entry and position in `issues`; it never ends the
run.

Accounting: each entry gets exactly one row in `entries`, in the batch that holds its last record (an entry may span
batches), and found = staged + skipped + failed in it. Entries that hold no records (folders, rubbish of other systems,
documents kept unparsed, bodies of files) are rows too, with 0 found and their reason.

A member is given the upload as an `upload.Upload`: a `Source`, whose archive is opened once for all who ask.

To add a product: one file with `open(upload, options) -> Reader`, one line in MENU, a sample with its expected tables,
a paragraph in docs/chat.md, and one line in a surface's wire.py if it has a name there. Third-party members come by
entry points.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from douane.entries import entry_points
from douane.errors import BadFile
from douane.model.source import Limits as Limits
from douane.model.source import Source as Source

if TYPE_CHECKING:  # the menu is read where Polars and NumPy are not loaded
    import polars as pl

    from douane.chat.importers.upload import Upload

BATCH_RECORDS = 32_768
ENTRY_POINTS = "douane.importers"


@dataclass(frozen=True, slots=True)
class Options:
    """`team`: what stands for the product's own team id where the export has none (a constant of the project).
    `members_max`: group conversations with more people become private rooms (contract 5.2). `batch_records`: where a
    batch ends."""

    team: str = ""
    members_max: int = 8
    batch_records: int = BATCH_RECORDS
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Overview:
    """What the directory alone tells, at once: before any entry is read. `counts`: entries, bytes (unpacked),
    conversations (folders), days (message files). `layout`: the kind of export as a person would say it. `notes`:
    sentences for a person (a wrapping folder was stripped, names were misdecoded ...)."""

    importer: str
    layout: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Position:
    """Where reading goes on: batches before number `batch` are done; `state` is the importer's own, plain JSON, small
    (entry number, offset in it ...)."""

    batch: int = 0
    state: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Batch:
    """`tables`: table name -> frame with exactly the columns of `tables.TABLES`; tables without rows are left out.
    `step` is what was read last: users, channels, contacts, messages. `label`: what to show for it, e.g.
    `general/2020-01-31`. `bytes_done` of `Reader.bytes_total` (packed bytes of entries done)."""

    number: int
    tables: Mapping[str, pl.DataFrame]
    next: Position
    step: str
    label: str
    bytes_done: int


class Reader(Protocol):
    """An opened export. One whose entries can be read apart may also offer `shares(most) -> list[Position]`: where each
    of at most so many readers begins, each of which reads up to where the next one does. What they yield, one share
    after the other, is what one reader alone would, but for the batches' numbers and where they end."""

    overview: Overview
    bytes_total: int

    def batches(self, start: Position = Position()) -> Iterator[Batch]: ...

    def counts(self) -> Counts:
        """Exact counts of the whole export without making tables; as cheap as the format allows."""
        ...


@dataclass(slots=True)
class Counts:
    """Exact numbers. `tables`: records per table, sub-tables included. `channels`: name as shown -> messages. `years`:
    year -> messages. `subtypes`: raw subtype ("" = none) -> messages. `entries`: the ledger's sums found, staged,
    skipped, failed; `reasons`: "severity:code" -> records. `people`: conversation -> whose it is, where it has no name.
    `issues`: the first of each kind, as rows of `tables.TABLES["issues"]` with the `name` of their entry."""

    tables: dict[str, int] = field(default_factory=dict)
    channels: dict[str, int] = field(default_factory=dict)
    years: dict[str, int] = field(default_factory=dict)
    subtypes: dict[str, int] = field(default_factory=dict)
    entries: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)
    issues: list[dict[str, Any]] = field(default_factory=list, compare=False)


@dataclass(frozen=True, slots=True)
class Importer:
    """One line of the menu. `name` is the public name (contract 1.2); `module` "" = it reads no file."""

    key: str
    name: str
    visible: bool
    module: str = ""


MENU: dict[str, Importer] = {
    member.key: member
    for member in (
        Importer("csv", "CSV", True, "douane.chat.importers.csv"),
        Importer("slack", "Slack", True, "douane.chat.importers.slack"),
        Importer("slack-users", "Slack_Users", True, "douane.chat.importers.slack_users"),
        Importer("omnichannel_contact", "omnichannel_contacts_importer", True, "douane.chat.importers.contacts"),
        Importer("hipchatenterprise", "HipChat (tar.gz)", True, "douane.chat.importers.hipchatenterprise"),
        Importer("pending-files", "Pending Files", False),
        Importer("pending-avatars", "Pending Avatars", False),
        Importer("api", "API", False),
    )
}


@cache
def menu() -> dict[str, Importer]:
    """All members, ours first: in the order that `importers.list` shows them."""
    theirs = {
        point.name: Importer(point.name, point.name, True, point.module) for point in entry_points(group=ENTRY_POINTS)
    }
    return MENU | {key: member for key, member in theirs.items() if key not in MENU}


def open_export(key: str, source: Source, options: Options = Options()) -> Reader:
    """The reader of importer `key`. BadFile / OverLimit when this is no export of that product at all; what it is then
    is said where it can be told."""
    member = MENU.get(key) or menu().get(key)
    if member is None or not member.module:
        raise BadFile(f"There is no importer “{key}” that reads a file.", code="no_importer")
    upload = uploaded(source, options)
    if not upload.packed and (name := foreign_product(upload)):
        raise refused(name)
    try:
        reader: Reader = importlib.import_module(member.module).open(upload, options)
    except BadFile as error:
        if error.code not in _ANOTHERS and not upload.head.startswith(_GZIP):
            raise
        raise _said_what(upload, options, key, error) from error
    return reader


def recognise(source: Source, options: Options = Options()) -> str | None:
    """The key of the importer that these bytes are for, judged by the list of entries or the first line; None: none.
    Each member with a function `recognise(upload, options) -> bool` is asked."""
    upload = uploaded(source, options)
    for member in _in_turn():
        if not member.module:
            continue
        module = importlib.import_module(member.module)
        if hasattr(module, "recognise") and module.recognise(upload, options):
            return member.key
    return None


def _in_turn() -> Iterator[Importer]:
    yield from MENU.values()
    yield from (member for key, member in menu().items() if key not in MENU)


def uploaded(source: Source, options: Options) -> Upload:
    """The upload as members are given it. Whoever recognises an export and then opens it hands the same one to both."""
    # Not at the top, as no member is: the command line reads the menu, and must not load NumPy.
    from douane.chat.importers.upload import Upload

    return source if isinstance(source, Upload) else Upload(source, options.limits)


def unknown(upload: Upload) -> BadFile:
    """What to say of an upload that no member recognises."""
    if name := foreign_product(upload):
        return refused(name)
    if (other := _nested(upload) or _no_export(upload)) is not None:
        return other
    return BadFile(
        "This is no export that Douane recognises. Name its importer if you know it; there are: "
        + ", ".join(member.key for member in menu().values() if member.module)
        + ".",
        code="export_unknown",
    )


_GZIP = b"\x1f\x8b"  # around a tar, or, by people, around a zip
# Codes with which a member says that a file is none of its own.
_ANOTHERS = ("file_type", "importer-csv-heading")


def _said_what(upload: Upload, options: Options, key: str, error: BadFile) -> BadFile:
    if (other := recognise(upload, options)) and other != key:
        return BadFile(f"This is an export for the importer “{other}”, not for “{key}”.", code=error.code)
    if name := foreign_product(upload):
        return refused(name)
    return _nested(upload) or _no_export(upload) or error


def _no_export(upload: Upload) -> BadFile | None:
    """What is nobody's export, if that is plain."""
    from douane.archive_packed import other_packing, packed_with
    from douane.chat.importers import foreign

    if name := other_packing(upload.head):
        return packed_with(name)
    if foreign.is_page(upload.head):
        said = "This is a web page, not an export: perhaps one to sign in, in place of the file behind it."
        return BadFile(said, code="export_unknown")
    return None


def _nested(upload: Upload) -> BadFile | None:
    from douane.chat.importers import unread

    if (name := unread.inside(upload)) is None:
        return None
    return BadFile(
        f"This is an archive around another one, {name}. Unpack it, and give the one that is inside.",
        code="export_unknown",
    )


def foreign_product(upload: Upload) -> str | None:
    """Whose export it is, where it is one that no member reads and bears the signs of its product."""
    from douane.chat.importers import foreign

    return foreign.product(upload)


def refused(name: str) -> BadFile:
    return BadFile(
        f"This is {'an' if name[0] in 'AEIOU' else 'a'} {name} export; Douane cannot read those yet.",
        code="export_unknown",
    )
