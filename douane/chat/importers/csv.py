"""Rocket.Chat's CSV import: a zip with `users.csv`, `channels.csv`, `contacts.csv` and a folder of CSV a room.

Facts: shared contract 5 and 5.1 (columns, who is a direct message, what is ignored) and its DO lines. Ids are made from
what a record says, never drawn: a room's from its name, a message's from room, author, time, text and its number among
equal ones of its file, so that the same export imported again adds nothing.
"""

from __future__ import annotations

import unicodedata
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, islice
from typing import NamedTuple

from douane.archive import Entry
from douane.archive_packed import Entries
from douane.chat.importers import Limits, Options, Overview, unread
from douane.chat.importers.contacts import CONTACTS
from douane.chat.importers.csv_dialect import Fault, Notes, Record, moment_us, read_records
from douane.chat.importers.csv_reader import (
    CsvLedger,
    Table,
    excerpt,
    run_csv,
    split_list,
    surplus,
    wrong_width,
)
from douane.chat.importers.foreign import head_of
from douane.chat.importers.ledger import Ledger, Sheets, Where, no_records
from douane.chat.importers.seen import Recent
from douane.chat.importers.tasks import Task, TaskReader
from douane.chat.importers.upload import Upload
from douane.chat.tables import conversation_key, message_key
from douane.errors import BadFile

PRODUCT = "csv"
LISTS = ("users.csv", "channels.csv", "contacts.csv")
DIRECT = "directmessages"
RUBBISH = ("__macosx", ".ds_store", "thumbs.db", "desktop.ini")
MESSAGE_FILES = (".csv", ".tsv", ".txt")
_TRIED, _TRIED_BYTES = 20, 64 << 10
REASONS = ("folder", "system-rubbish", "name-unsafe", "document-unparsed")


def open(upload: Upload, options: Options = Options()) -> TaskReader:
    """BadFile `file_type` when this is no zip, or a zip that holds none of the files of a CSV export."""
    if not upload.packed:
        raise BadFile(
            "The CSV importer expects a zip file that holds users.csv, channels.csv and a folder of CSV files for each "
            "room; this is no archive. A single members list of Slack goes to “slack-users”, a single contacts file "
            "to “omnichannel_contact”.",
            code="file_type",
        )
    archive = upload.entries
    plan = _Plan(archive)
    if not plan.lists and not plan.messages:
        raise BadFile(
            "The archive holds no users.csv, channels.csv or contacts.csv and no folder with CSV files.",
            code="file_type",
        )
    return TaskReader(plan.overview(), plan.packed_bytes, lambda: _tasks(archive, plan, options), options)


def recognise(upload: Upload, options: Options = Options()) -> bool:
    """By the names: one of the lists, at the top or in folders around everything; or nothing but CSV with a message in
    it. Exports of other products are mostly JSON, and told by the first name already."""
    if not upload.packed:
        return False
    try:
        archive = upload.entries
    except BadFile:
        return False
    only = any_messages = False
    for path in map(_path, archive.names):
        if path.endswith("/") or _rubbish(path):
            continue
        if path.lower().endswith(".json"):
            return False
        if path.rsplit("/", 1)[-1].lower() in LISTS:
            return bool(_Plan(archive).lists)
        csv = "/" in path and path.lower().endswith(MESSAGE_FILES)
        only, any_messages = csv and (only or not any_messages), any_messages or csv
    return only and any_messages and _Plan(archive).any_message()


class _Plan:
    """What each entry is, judged by its name alone. `lists`: entries by list; `messages`: entries, `rooms`: the room of
    each as its number in `folders`; `folders`: room -> its first entry; `others`: entries that are not read, `reasons`:
    why, as numbers of REASONS. No object is kept for an entry: there may be a million."""

    def __init__(self, archive: Entries) -> None:
        self.archive = archive
        self.lists: dict[str, list[int]] = {}
        self.messages = array("q")
        self.rooms = array("q")
        self.folders: dict[str, int] = {}
        self.others = array("q")
        self.reasons = bytearray()
        self.unpacked_bytes = self.packed_bytes = 0
        numbers: dict[str, int] = {}
        self.wrapper = _wrapper(lambda: (path for _, path, reason in self._paths() if not reason))
        for entry, path, reason in self._paths():
            self.unpacked_bytes += entry.unpacked_bytes
            folder, slash, _ = path[len(self.wrapper) :].partition("/")
            if not reason and not slash and folder.lower() in LISTS:
                self.lists.setdefault(folder.lower(), []).append(entry.number)
            elif not reason and slash and path.lower().endswith(MESSAGE_FILES):
                room = DIRECT if folder.lower() == DIRECT else _room_name(folder)
                self.folders.setdefault(room, entry.number)
                self.messages.append(entry.number)
                self.rooms.append(numbers.setdefault(room, len(numbers)))
            else:
                self.others.append(entry.number)
                self.reasons.append(REASONS.index(reason or "document-unparsed"))
                continue
            self.packed_bytes += entry.packed_bytes

    def _paths(self) -> Iterator[tuple[Entry, str, str]]:
        for entry in self.archive:
            path = _path(entry.name)
            if entry.is_folder:
                yield entry, path, "folder"
            elif _rubbish(path):
                yield entry, path, "system-rubbish"
            else:
                yield entry, path, "name-unsafe" if entry.outside else ""

    def room_messages(self) -> Iterator[tuple[Entry, str, str]]:
        """(entry, room, what to show for it), in the order of the directory."""
        rooms = list(self.folders)
        for number, at in zip(self.messages, self.rooms, strict=True):
            entry = self.archive.entry(number)
            file = _path(entry.name)[len(self.wrapper) :].split("/")[1]
            yield entry, rooms[at], f"{rooms[at]}/{file.split('.')[0]}"

    def any_message(self) -> bool:
        """Whether one of the first files of messages holds one. Any folder of texts would do else."""
        for entry, room, _ in islice(self.room_messages(), _TRIED):
            width = 4 if room == DIRECT else 3
            plausible = _like_direct if room == DIRECT else _like_messages
            head = head_of(self.archive, entry.number, _TRIED_BYTES)
            records = read_records((head,), plausible, record_bytes=_TRIED_BYTES, notes=Notes())
            for record in islice(records, 20):
                if isinstance(record, Record) and len(record.fields) >= width and plausible(record.fields):
                    return True
        return False

    def overview(self) -> Overview:
        notes = []
        if self.wrapper:
            notes.append(f"All files stand in the folder “{self.wrapper.rstrip('/')}”, which was left out.")
        for reason, sentence in (
            ("document-unparsed", "that no CSV export has; they are not read"),
            ("name-unsafe", "whose names lead out of the archive; they are not read"),
        ):
            if count := self.reasons.count(REASONS.index(reason)):
                notes.append(f"Files {sentence}: {count:,}.")
        counts = {
            "entries": len(self.archive),
            "bytes": self.unpacked_bytes,
            "conversations": len(self.folders),
            "days": len(self.messages),
        }
        lists = ", ".join(name for name in LISTS if name in self.lists)
        layout = f"CSV files in a zip: {lists}" if lists else "CSV files in a zip: messages only"
        return Overview(PRODUCT, layout, counts, tuple(notes))


def _path(name: str) -> str:
    """With forward slashes, which some packers of Windows do not write, and without `./` before it."""
    path = name.replace("\\", "/") if "/" not in name else name
    while path.startswith("./"):
        path = path[2:]
    return path


def _rubbish(path: str) -> bool:
    last = path.rsplit("/", 1)[-1].lower()
    return "__macosx" in path.lower() or last in RUBBISH or last.startswith("._")


def _wrapper(paths: Callable[[], Iterator[str]]) -> str:
    """The folders around everything, with a slash at the end: those in which the lists stand, or in which there are
    folders only. A folder of messages alone is a room and stays."""
    wrapper = ""
    while True:
        root = ""
        lists, folders_only = False, True
        for path in paths():
            first, slash, rest = path[len(wrapper) :].partition("/")
            if not slash or (root and first != root):
                return wrapper
            root = first
            lists = lists or rest.lower() in LISTS
            folders_only = folders_only and "/" in rest
        if not root or root.lower() == DIRECT or not (lists or folders_only):
            return wrapper
        wrapper += root + "/"


def _room_name(name: str) -> str:
    """As rooms are compared: macOS packs names decomposed, and lists have them composed."""
    return unicodedata.normalize("NFC", name.strip())


def _tasks(archive: Entries, plan: _Plan, options: Options) -> Iterator[Task]:
    listed: set[str] = set()

    def of_entry(entry: Entry, table: Table, step: str, label: str, feeds: bool = False) -> Task:
        def run(sheets: Sheets) -> Iterator[None]:
            blocks = _read(archive, entry, sheets)
            return run_csv(sheets, table, entry.number, entry.name, entry.unpacked_bytes, blocks, options.limits)

        return Task(step, label, entry.packed_bytes, run, feeds)

    def of_lists(name: str, table: Table, feeds: bool = False) -> Iterator[Task]:
        for entry in map(archive.entry, plan.lists.get(name, ())):
            yield of_entry(entry, table, table.kind, name, feeds)

    def others(sheets: Sheets) -> Iterator[None]:
        sniffing = unread.Sniffing(archive)
        for entry, reason in zip(map(archive.entry, plan.others), plan.reasons, strict=True):
            yield
            kind = "folder" if REASONS[reason] == "folder" else "ignored"
            if REASONS[reason] == "document-unparsed" and sniffing.holds_messages(entry.number):
                ledger = Ledger(sheets, entry.number, "messages")
                unread.fail(ledger, entry.name)
                ledger.close(entry.name, kind, entry.unpacked_bytes, unread.CODE)
                continue
            no_records(sheets, entry.number, entry.name, kind, entry.unpacked_bytes, REASONS[reason])

    def unlisted(sheets: Sheets) -> Iterator[None]:
        for room, number in plan.folders.items():
            if room != DIRECT and room not in listed:
                yield
                _unlisted_room(sheets, number, room)

    def pairs(sheets: Sheets) -> Iterator[None]:
        direct = (entry for entry, room, _ in plan.room_messages() if room == DIRECT)
        return _pairs(sheets, direct if DIRECT in plan.folders else (), archive, options.limits)

    yield Task("users", "", 0, others)
    yield from of_lists("users.csv", USERS)
    yield from of_lists("channels.csv", _channels(listed), feeds=True)
    yield Task("channels", "", 0, unlisted)
    yield Task("channels", DIRECT, 0, pairs)
    yield from of_lists("contacts.csv", CONTACTS)
    for entry, room, label in plan.room_messages():
        table = _direct_messages(options.team) if room == DIRECT else _room_messages(options.team, room)
        yield of_entry(entry, table, "messages", label)


def _read(archive: Entries, entry: Entry, sheets: Sheets) -> Iterator[bytes]:
    stream = archive.open(entry)
    for block in stream:
        sheets.read = stream.packed_done
        yield block


# Users


def _users(records: Iterator[Record | Fault], ledger: CsvLedger) -> Iterator[None]:
    seen: set[int] = set()
    places: tuple[int, ...] = (0, 1, 2)
    first = True
    for record in records:
        if isinstance(record, Fault):
            yield
            ledger.fail(record.line, record.code, record.message, record.excerpt)
            continue
        fields = [field.strip() for field in record.fields]
        if first and fields[0].lower() == "username":
            first = False
            places = _places(fields, ("username", "email", "name"), places)
            continue
        first = False
        yield
        if len(fields) < 3:
            ledger.fail(*wrong_width(record, 3))
            continue
        username, email, name = (fields[place] if place < len(fields) else "" for place in places)
        if not username and not email:
            ledger.fail(
                record.line,
                "importer-user-missing-email-and-username",
                f"Line {record.line} has no username and no e-mail.",
                excerpt(record),
            )
            continue
        import_id = username or email
        if (key := message_key(import_id)) in seen:
            ledger.skip(record.line, "duplicate", f"“{import_id[:100]}” stands in the list already.", excerpt(record))
            continue
        seen.add(key)
        ledger.staged += 1
        ledger.sheets.add(
            "users",
            entry=ledger.entry,
            position=record.line,
            id=import_id,
            ids=[import_id],
            username=username or None,
            name=name or None,
            emails=[email] if email else [],
        )


def _places(heading: Sequence[str], names: Sequence[str], usual: tuple[int, ...]) -> tuple[int, ...]:
    """Where the columns stand: where the heading says so if it names them all, else as usual."""
    at = {name.lower(): place for place, name in reversed(list(enumerate(heading)))}
    return tuple(at[name] for name in names) if all(name in at for name in names) else usual


def _like_users(fields: Sequence[str]) -> bool:
    return len(fields) >= 3 and ("@" in fields[1] or fields[1].lower() in ("", "email"))


USERS = Table("users", _like_users, True, _users)


# Rooms


def room_id(name: str) -> str:
    return f"csv-{message_key('room', name):016x}"


def _channels(listed: set[str]) -> Table:
    """`listed` is filled with the names of the rooms."""

    def make(records: Iterator[Record | Fault], ledger: CsvLedger) -> Iterator[None]:
        places: tuple[int, ...] = (0, 1, 2, 3)
        first = True
        for record in records:
            if isinstance(record, Fault):
                yield
                ledger.fail(record.line, record.code, record.message, record.excerpt)
                continue
            fields = [field.strip() for field in record.fields]
            if first and fields[0].lower() == "name":
                first = False
                places = _places(fields, ("name", "creator", "type", "members"), places)
                continue
            first = False
            yield
            if len(fields) < 4:
                ledger.fail(*wrong_width(record, 4))
                continue
            name, creator, kind, members = (fields[place] if place < len(fields) else "" for place in places)
            if not name:
                ledger.fail(
                    record.line, "importer-channel-missing-name", f"Line {record.line} names no room.", excerpt(record)
                )
                continue
            room = _room_name(name)
            if room in listed:
                ledger.skip(record.line, "duplicate", f"“{name[:100]}” stands in the list already.", excerpt(record))
                continue
            listed.add(room)
            ledger.staged += 1
            if ledger.notes.delimiter == ";" and places[3] == 3:  # the same mark between columns and members
                members = ";".join(fields[3:])
            private = kind.lower() == "private"
            import_id = room_id(room)
            ledger.sheets.add(
                "channels",
                entry=ledger.entry,
                position=record.line,
                id=import_id,
                ids=[import_id],
                kind="private" if private else "public",
                type="p" if private else "c",
                name=name,
                creator=creator or None,
                folder=room,
            )
            for member in split_list(members):
                ledger.sheets.add("members", channel=import_id, user=member)

    return Table("channels", _like_channels, True, make)


def _like_channels(fields: Sequence[str]) -> bool:
    return len(fields) >= 4 and fields[2].lower() in ("private", "public", "type", "")


def _unlisted_room(sheets: Sheets, number: int, room: str) -> None:
    import_id = room_id(room)
    sheets.add(
        "channels", entry=number, id=import_id, ids=[import_id], kind="unlisted", type="p", name=room, folder=room
    )
    sentence = f"No channels.csv names the room “{room[:100]}”; it becomes a private room of whoever imports it."
    sheets.issue("warning", "importer-channel-unlisted", sentence, Where(number, "channels"))


def pair_id(one: str, other: str) -> str:
    """The import id of the conversation of two people (contract 5.1)."""
    return "/".join(sorted((one, other)))


def _pairs(sheets: Sheets, entries: Iterable[Entry], archive: Entries, limits: Limits) -> Iterator[None]:
    """The conversations of two people, each once, before any of their messages. What is wrong with a file is said when
    its messages are read."""
    seen: set[int] = set()
    for entry in entries:
        scratch = Sheets()
        found: list[tuple[str, str]] = []
        table = Table("messages", _like_direct, False, _partners(found))
        for _ in run_csv(scratch, table, entry.number, "", 0, _read(archive, entry, scratch), limits):
            one, other = found.pop()
            if (key := message_key(pair_id(one, other))) in seen:
                continue
            yield
            seen.add(key)
            import_id = pair_id(one, other)
            kind = "self_dm" if one == other else "dm"
            sheets.add(
                "channels",
                entry=entry.number,
                id=import_id,
                ids=[import_id],
                kind=kind,
                type="d",
                creator=one,
                folder=DIRECT,
            )
            for member in dict.fromkeys(sorted((one, other))):
                sheets.add("members", channel=import_id, user=member)


def _partners(found: list[tuple[str, str]]) -> Callable[[Iterator[Record | Fault], CsvLedger], Iterator[None]]:
    def make(records: Iterator[Record | Fault], _: CsvLedger) -> Iterator[None]:
        for record, whole in _of_width(records, 4):
            if whole and isinstance(record, Record) and record.fields[0] and record.fields[1]:
                found.append((record.fields[0], record.fields[1]))
                yield

    return make


# Messages


def _room_messages(team: str, room: str) -> Table:
    channel = room_id(room)
    key_hi = conversation_key(PRODUCT, team, channel)

    def make(records: Iterator[Record | Fault], ledger: CsvLedger) -> Iterator[None]:
        recent = Recent()
        for record, whole in _of_width(records, 3):
            yield
            if isinstance(record, Fault):
                ledger.fail(record.line, record.code, record.message, record.excerpt)
            elif not whole:
                ledger.fail(*wrong_width(record, 3))
            else:
                author, time, text = record.fields[:3]
                _message(ledger, recent, channel, key_hi, _Said(record.line, author, time, text))

    return Table("messages", _like_messages, False, make)


def _direct_messages(team: str) -> Table:
    @lru_cache(4096)
    def key_of(channel: str) -> int:
        return conversation_key(PRODUCT, team, channel)

    def make(records: Iterator[Record | Fault], ledger: CsvLedger) -> Iterator[None]:
        recent = Recent()
        for record, whole in _of_width(records, 4):
            yield
            if isinstance(record, Fault):
                ledger.fail(record.line, record.code, record.message, record.excerpt)
            elif not whole:
                ledger.fail(*wrong_width(record, 4))
            elif not (record.fields[0] and record.fields[1]):
                sentence = f"Line {record.line} does not say both who wrote and to whom."
                ledger.skip(record.line, "importer-message-missing-recipient", sentence, excerpt(record))
            else:
                author, to, time, text = record.fields[:4]
                channel = pair_id(author, to)
                _message(ledger, recent, channel, key_of(channel), _Said(record.line, author, time, text))

    return Table("messages", _like_direct, False, make)


class _Said(NamedTuple):
    """A line of a conversation."""

    line: int
    author: str
    time: str
    text: str


def _message(ledger: CsvLedger, recent: Recent, channel: str, key_hi: int, one: _Said) -> None:
    ts_us = moment_us(one.time)
    if ts_us is None:
        ledger.warn(["importer-message-invalid-timestamp"], one.line)
    said = (channel, one.author, one.time if ts_us is None else str(ts_us), one.text)
    key_lo = message_key(*said)
    if number := recent.number(key_lo):
        key_lo = message_key(*said, str(number))
    ledger.staged += 1
    ledger.sheets.bytes += len(one.text)
    ledger.sheets.add(
        "messages",
        entry=ledger.entry,
        position=one.line,
        key_hi=key_hi,
        key_lo=key_lo,
        id=f"csv-{key_hi:016x}-{key_lo:016x}",
        channel=channel,
        ts_us=ts_us,
        author=one.author or None,
        text=one.text,
    )


def _of_width(records: Iterator[Record | Fault], width: int) -> Iterator[tuple[Record | Fault, bool]]:
    """Each record but a heading, with whether it has as many fields as it should. More than `width` are right where the
    first two records agree on them, or where there is nothing in them."""
    first = list(islice(records, 2))
    if first and isinstance(first[0], Record) and _heading(first[0].fields, width):
        first = first[1:] + list(islice(records, 1))
    widths = {len(record.fields) for record in first if isinstance(record, Record)}
    usual = widths.pop() if len(first) == 2 and len(widths) == 1 else width
    for record in chain(first, records):
        if isinstance(record, Fault):
            yield record, False
        else:
            has = len(record.fields)
            yield record, has == width or (has > width and (has == usual or not surplus(record, width)))


def _heading(fields: Sequence[str], width: int) -> bool:
    return (
        len(fields) >= width
        and fields[0].strip().lower() in ("username", "user", "from")
        and moment_us(fields[width - 2]) is None
    )


def _like_messages(fields: Sequence[str]) -> bool:
    return len(fields) >= 3 and (moment_us(fields[1]) is not None or _heading(fields, 3))


def _like_direct(fields: Sequence[str]) -> bool:
    return len(fields) >= 4 and (moment_us(fields[2]) is not None or _heading(fields, 4))
