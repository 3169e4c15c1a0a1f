"""HipChat's export: the decrypted tar.gz of Server and Data Center, and the zip that HipChat Cloud gave before.

Facts: shared contract 5.4 and formats 4. One pass, one entry at a time, in the archive's own order: the lists may come
after the histories, so nothing here needs them first. A room that no list names is staged at the end, as a private one,
because its messages may not have been for everybody. Each private message is in both people's files and staged from the
file that comes first. A private conversation's id is its two ids with a hyphen between: joined without one, as the
original had it, the people 1 and 2 would talk in room 12.

Long on purpose: it is one pass, and what one entry leaves is what the next one is read with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Raw

from douane.archive import Entry, reaches_outside
from douane.archive_packed import Entries
from douane.chat import markup
from douane.chat.importers import Batch, Counts, Options, Overview, Position, unread
from douane.chat.importers.json_records import (
    MENDED,
    REPLACED,
    Damage,
    excerpt,
    items,
    load,
    pieces,
    text,
    whole,
)
from douane.chat.importers.ledger import Ledger, Sheets, Where, no_records
from douane.chat.importers.seen import Recent, Seen
from douane.chat.importers.upload import Upload
from douane.chat.tables import conversation_key, message_key
from douane.chat.tally import Tally
from douane.errors import BadFile, OverLimit

PRODUCT = "hipchat"
EXTRACT_ERROR = "error-import-file-extract-error"  # contract 2.6
INTEGRATION = "rocket.cat"  # whom the contract has all notifications written by
_LIST_BYTES = 256 << 20  # of the Cloud's lists, which are one object and so not read record by record

_OWN = r"(?!(?:users|rooms|emoticons|files)/)[^/]+/"
_MARKER = re.compile(
    rf"((?:{_OWN}){{0,3}})(?:users\.json|rooms\.json|(?:users|rooms)/(?:list\.json|[^/]+/history\.json))"
)
_HISTORY = re.compile(r"(users|rooms)/([^/]+)/history\.json")
_DAY = re.compile(r"rooms/([^/]+)/[0-9]{4}-[0-9]{2}-[0-9]{2}\.json")
_BODY = re.compile(r"(?:rooms/[^/]+/files|users/files|users/[^/]+/files|emoticons)/.+")
_RUBBISH = re.compile(r"(?:^|/)(?:__MACOSX/|\._|\.DS_Store$|Thumbs\.db$|desktop\.ini$)")
_LISTS = {
    "users.json": "users",
    "rooms.json": "channels",
    "users/list.json": "users",
    "rooms/list.json": "channels",
}
_CLOUD_LISTS = ("users/list.json", "rooms/list.json")
_SLACK_LISTS = ("channels.json", "groups.json", "mpims.json", "dms.json")
_SLACK_DAY = re.compile(r"(?:[^/]+/)+[0-9]{4}-[0-9]{2}-[0-9]{2}\.json")
_NOT_IMPORTED = ("emoticons.json", "metadata.json")

_STEPS = {"users": "users", "channels": "channels", "user": "messages", "room": "messages"}
_MESSAGES = {"UserMessage": "user", "NotificationMessage": "notif", "TopicRoomMessage": "topic"}
_ATTACHED = {"attachment", "attachment_path"}
_NOTICES = ("ArchiveRoomMessage", "GuestAccessMessage")
_ROLES = {"admin": "admin", "guest": "guest", "user": "member"}

_NOTHING: frozenset[str] = frozenset()
_decode_records = msgspec.json.Decoder(list[dict[str, Any]]).decode

Place = tuple[int, int]
"""(entries read, in reading order; records of the entry at hand)."""


def open(upload: Upload, options: Options = Options()) -> HipChatReader:
    """BadFile `error-import-file-extract-error` where the archive is damaged, `file_type` where it is none of
    HipChat's; OverLimit."""
    if not upload.size:
        raise BadFile("The file is empty.", code="file_empty")
    with _extracting():
        return HipChatReader(upload, upload.entries, options)


def recognise(upload: Upload, options: Options = Options()) -> bool:
    """By a history where HipChat has it, or lists of people and rooms. `users.json` alone is anybody's."""
    if not upload.packed:
        return False
    try:
        return _Names(upload.entries).are_hipchats
    except BadFile:
        return False


class HipChatReader:
    def __init__(self, upload: Upload, archive: Entries, options: Options) -> None:
        self.bytes_total = upload.size
        self._archive = archive
        self._options = options
        names = _Names(archive)
        self._wrapper, counts = names.looked_over()
        self._bodies = _Bodies(archive, self._wrapper)
        layout = "HipChat Cloud" if names.clouds else "HipChat Server or Data Center"
        layout += " (zip)" if upload.zipped else " (tar.gz)"
        folder = self._wrapper.rstrip("/")
        notes = (f"All files stand in the folder “{folder}”, which was left out.",) if folder else ()
        self.overview = Overview("hipchatenterprise", layout, counts, notes)

    def batches(self, start: Position = Position()) -> Iterator[Batch]:
        first = (int(start.state.get("entries", 0)), int(start.state.get("records", 0)))
        reading = _Reading(self._archive, self._wrapper, self._options, self._bodies)
        rows, number, place = reading.rows, start.batch, first
        with _extracting():
            for place in reading.run(first):
                if place <= first:
                    rows.clear()
                elif rows.full:
                    yield self._batch(number, place, reading)
                    number += 1
                    rows.clear()
            if rows.count:
                yield self._batch(number, (place[0] + 1, 0), reading)

    def _batch(self, number: int, place: Place, reading: _Reading) -> Batch:
        position = Position(number + 1, {"entries": place[0], "records": place[1]})
        return Batch(number, reading.rows.frames(), position, reading.step, reading.label, reading.packed_done)

    def counts(self) -> Counts:
        tally = Tally()
        for batch in self.batches():
            tally.add(batch.tables)
        return tally.counts()


@contextmanager
def _extracting() -> Iterator[None]:
    """Damage of the archive under the contract's code; limits under their own."""
    try:
        yield
    except OverLimit:
        raise
    except BadFile as error:
        if error.code not in ("file_broken", "file_encrypted"):
            raise
        raise BadFile(error.message, code=EXTRACT_ERROR) from error


class _Names:
    """What the names of the entries tell."""

    def __init__(self, archive: Entries) -> None:
        self._archive = archive
        self._wrapper: str | None = None
        self._lists: set[str] = set()
        self._rooms: set[str] = set()
        self._histories = 0
        for name in archive.names:
            match = _MARKER.fullmatch(name)
            if match and self._wrapper is None:
                self._wrapper = match[1]
            inner = name[len(self._wrapper or "") :]
            if inner in _LISTS:
                self._lists.add(inner)
            elif match or _DAY.fullmatch(inner):
                self._histories += 1
                if inner.startswith("rooms/"):
                    self._rooms.add(inner.split("/")[1])

    @property
    def clouds(self) -> bool:
        return not self._lists.isdisjoint(_CLOUD_LISTS)

    @property
    def _slacks(self) -> bool:
        """Slack has a list of users of the same name, and none of rooms."""
        found = (self._archive.find(f"{self._wrapper}{name}") for name in _SLACK_LISTS)
        return "rooms.json" not in self._lists and any(found)

    @property
    def are_hipchats(self) -> bool:
        return self._wrapper is not None and not self._slacks and (self.clouds or bool(self._histories) or self._both)

    @property
    def _both(self) -> bool:
        return {"users.json", "rooms.json"} <= self._lists

    def looked_over(self) -> tuple[str, dict[str, int]]:
        """The folder around everything, and the counts of an `Overview`. BadFile where nothing is of HipChat."""
        if self._wrapper is None or (self._lists <= {"users.json"} and not self._histories and self._slack_days()):
            raise BadFile(
                "This is no HipChat export: the archive holds no users.json, no rooms.json and no history.json in a "
                "folder of rooms or users.",
                code="file_type",
            )
        if self._slacks:
            raise BadFile("This is no HipChat export: it lists channels, as one of Slack does.", code="file_type")
        unpacked = int(self._archive.unpacked_bytes.sum())
        return self._wrapper, {
            "entries": len(self._archive),
            "bytes": unpacked,
            "conversations": len(self._rooms),
            "days": self._histories,
        }

    def _slack_days(self) -> bool:
        return any(_SLACK_DAY.fullmatch(name) for name in self._archive.names)


_WARNINGS = {
    MENDED: "Records are no valid JSON; they could be read all the same.",
    REPLACED: "Characters that no text can hold were replaced.",
    "no_time": "Messages have no time that can be read.",
}


@dataclass(slots=True)
class _Account(Ledger):
    """`records`: how many were read, and so the place of the one at hand."""

    records: int = 0

    def skip_record(self, code: str, message: str, record: Any) -> None:
        self.skip(self.records, code, message, excerpt(record))

    def fail_record(self, code: str, message: str, record: Any) -> None:
        self.fail(self.records, code, message, excerpt(record))


class _Reading:
    """One pass over the export. `rows` is what was found since it was last cleared; `step` and `label` say where the
    pass stands, `packed_done` how far."""

    def __init__(self, archive: Entries, wrapper: str, options: Options, bodies: _Bodies) -> None:
        self.rows = Sheets(options.batch_records)
        self.bodies = bodies
        self.step, self.label, self.packed_done = "users", "", 0
        self._packed_before = 0
        self._archive, self._wrapper, self._options = archive, wrapper, options
        self._users: set[int] = set()
        self._rooms: set[str] = set()
        self._names: dict[str, str] = {}  # the Cloud's folders have the rooms' names
        self._folders: dict[str, int] = {}  # rooms with messages: the first entry of each
        self._pairs: set[str] = set()
        self.private = Seen()
        self._sniffing = unread.Sniffing(archive)

    def run(self, first: Place) -> Iterator[Place]:
        """Stops before each record and after each entry. Of entries before `first` only those are read again that say
        what is known later."""
        ordinal = 0
        for ordinal, entry in enumerate(self._entries()):
            yield ordinal, 0
            name = entry.name.removeprefix(self._wrapper)
            kind, owner = _what(entry, name)
            self.label = name.removesuffix(".json")
            self.step = _STEPS.get(kind, self.step)
            if kind == "room" and owner:
                self._folders.setdefault(owner, entry.number)
            if ordinal < first[0] and kind not in ("users", "channels", "user"):
                continue
            if kind == "unknown_file" and self._sniffing.holds_messages(entry.number):
                account = _Account(self.rows, entry.number, "messages")
                unread.fail(account, entry.name)
                account.close(entry.name, "ignored", entry.unpacked_bytes, unread.CODE)
                continue
            if kind not in _STEPS:
                table = "folder" if kind == "folder" else "body" if kind == "body" else "ignored"
                no_records(self.rows, entry.number, entry.name, table, entry.unpacked_bytes, kind)
                continue
            for records in self._entry(entry, kind, owner):
                yield ordinal, records
        yield ordinal + 1, 0
        self.step, self.label = "channels", ""
        unlisted = [(room, at) for room, at in self._folders.items() if self._names.get(room, room) not in self._rooms]
        for records, (room, at) in enumerate(unlisted):
            yield ordinal + 1, records
            self._unlisted(room, at)
        yield ordinal + 1, len(unlisted)
        self.packed_done = self._packed_before

    def _entries(self) -> Iterator[Entry]:
        """In reading order: the Cloud's lists first, because there a room's folder has only its name."""
        archive = self._archive
        paths = (f"{self._wrapper}{name}" for name in _CLOUD_LISTS)
        lists = [found.number for path in paths if (found := archive.find(path))]
        for number in lists:
            yield archive.entry(number)
        for other in archive:
            if other.number not in lists:
                yield other
                self._packed_before += other.packed_bytes
                self.packed_done = self._packed_before

    def _entry(self, entry: Entry, kind: str, owner: str) -> Iterator[int]:
        """Reads one list or history and accounts for it; stops before each record. An entry that breaks off is a failed
        record of its own, save where the archive itself is damaged."""
        account = _Account(self.rows, entry.number, self.step, _WARNINGS)
        reason = None
        if kind == "room":
            history = _History(self, account, self._names.get(owner, owner))
        else:
            history = _History(self, account, "", owner)
        try:
            for record, mended in self._records(entry):
                yield account.records
                if mended:
                    account.warn(mended)
                if isinstance(record, Damage):
                    account.fail(account.records, record.code, record.message, record.excerpt)
                elif kind == "users":
                    self._user(account, record)
                elif kind == "channels":
                    self._room(account, record)
                else:
                    history.add(record)
                account.records += 1
        except BadFile as error:
            if isinstance(error, OverLimit) and error.setting != "entry_bytes":
                raise
            reason = error.code
            account.fail(account.records, error.code, error.message)
        yield account.records
        account.close(entry.name, account.table, entry.unpacked_bytes, reason)

    def _records(self, entry: Entry) -> Iterator[tuple[dict[str, Any] | Damage, frozenset[str]]]:
        """The objects of the entry's array; of the Cloud's lists, those of the array in its object."""
        limits = self._options.limits
        if entry.name.endswith("/list.json"):
            value, mended = load(self._archive.read(entry, min(limits.entry_bytes, _LIST_BYTES)), limits.json_depth)
            if isinstance(value, dict):
                value = next((inner for inner in value.values() if isinstance(inner, list)), value)
            for item in value if isinstance(value, list) else [value]:
                yield _object(item), mended
            return
        for piece in pieces(self._blocks(entry), limits.record_bytes):
            if isinstance(piece, Damage):
                yield piece, _NOTHING
                continue
            try:
                # What is nested deeper than `json_depth` here is nothing that is kept.
                yield from ((record, _NOTHING) for record in _decode_records(piece))
                continue
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                pass
            for item, mended in items(piece, limits.json_depth, _is_record):
                if isinstance(item, Raw):
                    item, mended = load(bytes(item), limits.json_depth)
                yield _object(item), mended

    def _blocks(self, entry: Entry) -> Iterator[bytes]:
        stream = self._archive.open(entry)
        for block in stream:
            self.packed_done = self._packed_before + stream.packed_done
            yield block

    # Lists

    def _user(self, account: _Account, record: dict[str, Any]) -> None:
        user = _inner(record, "User")
        user_id = text(user.get("id", user.get("user_id")))
        if not user_id:
            account.fail_record("no_id", "The user has no id.", record)
            return
        if (key := message_key(user_id)) in self._users:
            account.skip(
                account.records, "duplicate", f"The user {user_id[:100]} stands in the list already.", excerpt(record)
            )
            return
        self._users.add(key)
        email, picture = _line(user.get("email")), _line(user.get("avatar"))
        avatar = f"data:image/png;base64,{''.join(picture.split())}" if picture else _line(user.get("photo_url"))
        role = (
            "admin" if user.get("is_group_admin") else _ROLES.get(_line(user.get("account_type")) or "user", "member")
        )
        account.staged += 1
        self.rows.bytes += len(avatar or "")
        self.rows.add(
            "users",
            entry=account.entry,
            position=account.records,
            id=user_id,
            ids=[user_id],
            team=self._options.team or None,
            username=_line(user.get("mention_name")),
            name=_line(user.get("name")),
            emails=[email] if email else [],
            role=role,
            deleted=bool(user.get("is_deleted")),
            zone=_line(user.get("timezone")),
            title=_line(user.get("title")),
            avatar=avatar,
        )

    def _room(self, account: _Account, record: dict[str, Any]) -> None:
        room = _inner(record, "Room")
        room_id = text(room.get("id", room.get("room_id")))
        if not room_id:
            account.fail_record("no_id", "The room has no id.", record)
            return
        if room_id in self._rooms:
            account.skip(
                account.records, "duplicate", f"The room {room_id[:100]} stands in the list already.", excerpt(record)
            )
            return
        self._rooms.add(room_id)
        name = _line(room.get("name"))
        cloud = "room_id" in room
        if cloud and name:
            self._names.setdefault(name, room_id)
        private = room.get("privacy") == "private" or room.get("is_private") is True
        account.staged += 1
        self.rows.add(
            "channels",
            entry=account.entry,
            position=account.records,
            id=room_id,
            ids=[room_id],
            team=self._options.team or None,
            kind="private" if private else "public",
            type="p" if private else "c",
            name=name,
            topic=_line(room.get("topic")),
            creator=text(room.get("owner", room.get("owner_user_id"))) or None,
            created_us=time_us(room.get("created")),
            archived=bool(room.get("is_archived")),
            folder=f"rooms/{name if cloud else room_id}",
        )
        for member in _ids(room.get("members")):
            self.rows.add("members", channel=room_id, user=member)

    def _unlisted(self, folder: str, entry: int) -> None:
        room_id, team = self._names.get(folder, folder), self._options.team or None
        named = {"id": room_id, "ids": [room_id], "team": team, "name": folder, "folder": f"rooms/{folder}"}
        self.rows.add("channels", entry=entry, kind="unlisted", type="p", **named)
        sentence = f"No list names the room {folder[:100]}; it becomes a private room of whoever runs the import."
        self.rows.issue("warning", "unlisted_room", sentence, Where(entry, "channels"))

    def pair(self, account: _Account, one: str, other: str) -> str:
        """The id of two people's conversation, which is staged before its first message."""
        first, last = sorted((one, other))
        pair_id = f"{first}-{last}"
        if pair_id not in self._pairs:
            self._pairs.add(pair_id)
            self.rows.add(
                "channels",
                entry=account.entry,
                id=pair_id,
                ids=[pair_id],
                team=self._options.team or None,
                kind="self_dm" if one == other else "dm",
                type="d",
                creator=one,
            )
            for member in dict.fromkeys((first, last)):
                self.rows.add("members", channel=pair_id, user=member)
        return pair_id

    @property
    def team(self) -> str:
        return self._options.team


class _History:
    """The messages of one entry: of the room `room`, or, without one, the private ones in the file of `owner`."""

    def __init__(self, reading: _Reading, account: _Account, room: str, owner: str = "") -> None:
        self._reading, self._account, self._room, self._owner = reading, account, room, owner
        self._seen = reading.private if owner else Seen()
        self._recent = Recent()
        self._keys: dict[str, int] = {}
        # Where its own files stand. A path that leads to another room's is nobody's.
        self._folders = (f"users/{owner}/files/", "users/files/") if owner else (f"rooms/{room}/files/",)

    def add(self, record: dict[str, Any]) -> None:
        account = self._account
        if "from" in record:  # the Cloud's have no name around them
            record = {"UserMessage": record | {"sender": record["from"], "timestamp": record.get("date")}}
        kind, body = next(((key, value) for key, value in record.items() if isinstance(value, dict)), ("", {}))
        if kind in _NOTICES:
            account.skip(
                account.records,
                "room_notice",
                "A notice that a room was archived or opened to guests.",
                excerpt(record),
            )
        elif self._room and kind in _MESSAGES:
            self._message(record, kind, body, self._room)
        elif self._owner and kind == "PrivateUserMessage":
            partner = self._partner(body)
            if partner is None:
                account.fail(
                    account.records,
                    "no_partner",
                    "The message does not say both who wrote and to whom.",
                    excerpt(record),
                )
            else:
                self._message(record, kind, body, "", partner)
        elif kind:
            account.skip(
                account.records,
                "unknown_record",
                f"Nothing is known of records called “{kind[:100]}”.",
                excerpt(record),
            )
        else:
            account.fail_record("no_message", "The record is no message.", record)

    def _partner(self, body: dict[str, Any]) -> tuple[str, str] | None:
        """(who wrote, to whom); the file's owner stands for the one that is not named."""
        one, other = _person(body.get("sender"))[0], _person(body.get("receiver"))[0]
        if one and not other and one != self._owner:
            other = self._owner
        if other and not one and other != self._owner:
            one = self._owner
        return (one, other) if one and other else None

    def _message(
        self, record: dict[str, Any], kind: str, body: dict[str, Any], room: str, pair: tuple[str, str] | None = None
    ) -> None:
        account, rows = self._account, self._reading.rows
        sender, shown = pair or _person(body.get("sender"))
        bot = not pair and (kind == "NotificationMessage" or (sender is None and bool(shown)))
        if pair:
            room = "-".join(sorted(pair))
        elif bot:
            sender = INTEGRATION
        alias = shown if bot else None
        said = _body(body.get("message"))
        ts_us = time_us(body.get("timestamp"))
        message_id = text(body.get("id"))
        key_hi = self._keys.get(room) or self._keys.setdefault(
            room, conversation_key(PRODUCT, self._reading.team, room)
        )
        if message_id:
            key_lo = message_key("id", message_id)
        else:
            parts = (sender or "", alias or "", str(ts_us), said)
            key_lo = message_key(*parts, str(self._recent.number(message_key(*parts))))
            message_id = f"{key_lo:016x}"
        if not self._seen.add(key_hi ^ key_lo):
            why = "The message stands in the other one's file as well." if pair else "The message stands there already."
            account.skip_record("duplicate", why, record)
            return
        if pair:
            self._reading.pair(account, *pair)
        if ts_us is None:
            account.warn(["no_time"])
        if kind == "TopicRoomMessage" and body.get("topic") is not None:
            said = _body(body.get("topic"))
        form = "html" if body.get("message_format") == "html" else "plain"
        shape = "topic" if kind == "TopicRoomMessage" else "bot" if bot else "text"
        if shape == "text" and said.startswith("/me "):
            shape, said = "me", said[4:]
        prefix = "private" if pair else f"{room}-{_MESSAGES[kind]}"
        full_id = f"hipchatenterprise-{prefix}-{message_id}"
        at = len(rows.rows["messages"])
        files = self._files(body, at, full_id, sender, ts_us) if _ATTACHED & body.keys() else 0
        for target in _ids(body["mentions"]) if body.get("mentions") else ():
            rows.add("mentions", at=at, kind="user", target=target)
        if shape != "topic" and "@" in said:
            for addressed, _ in markup.mentions(said, form):
                if addressed in ("here", "channel_all", "everyone"):
                    rows.add("mentions", at=at, kind=addressed, target="")
        account.staged += 1
        rows.bytes += len(said)
        rows.add(
            "messages",
            entry=account.entry,
            position=account.records,
            key_hi=key_hi,
            key_lo=key_lo,
            id=full_id,
            channel=room,
            ts_us=ts_us,
            author=sender,
            alias=alias,
            kind=shape,
            subtype=kind if shape in ("bot", "topic") else None,
            text=said,
            format=form,
            files=files,
        )

    def _files(self, body: dict[str, Any], at: int, message_id: str, author: str | None, ts_us: int | None) -> int:
        attachment = body.get("attachment")
        if not isinstance(attachment, dict):
            path = _line(body.get("attachment_path"))
            if not path:
                return 0
            attachment = {"path": path}
        name, url, stored = _line(attachment.get("name")), _line(attachment.get("url")), None
        if path := _line(attachment.get("path")):
            stored = self._reading.bodies.find(path, self._folders)
        rows = self._reading.rows
        # One level, as far as is known; what is nested in it is not the file's.
        attachment = {key: value for key, value in attachment.items() if not isinstance(value, dict | list)}
        original = msgspec.json.encode(attachment).decode()
        rows.bytes += len(original)
        rows.add(
            "files",
            at=at,
            number=1,
            id=f"{message_id}-{name or 'attachment'}",
            name=name,
            size=whole(attachment.get("size")),
            state="in_archive" if stored is not None else "hosted" if url else "denied",
            url=url,
            uploader=author,
            created_us=ts_us,
            body_entry=stored,
            original=original,
        )
        return 1


class _Bodies:
    """Where the bytes of attached files stand."""

    def __init__(self, archive: Entries, wrapper: str) -> None:
        self._archive, self._wrapper = archive, wrapper

    def find(self, path: str, folders: Sequence[str]) -> int | None:
        """The number of the entry that holds what a message calls `path`, in one of the folders or named with it."""
        path = path.removeprefix("./").removeprefix("/")
        if reaches_outside(path):
            return None
        named = [path] if path.startswith(tuple(folders)) else []
        return next((at for name in (*(f + path for f in folders), *named) if (at := self._at(name)) is not None), None)

    def _at(self, name: str) -> int | None:
        entry = self._archive.find(self._wrapper + name)
        return entry.number if entry and entry.is_file else None


def _what(entry: Entry, name: str) -> tuple[str, str]:
    """(users, channels, user, room: its kind, or why it is not read; the room or person whose history it is)."""
    if entry.is_folder:
        return "folder", ""
    if not entry.is_file or entry.outside:
        return "unsafe_name", ""
    if _RUBBISH.search(entry.name):
        return "rubbish", ""
    if name in _LISTS:
        return _LISTS[name], ""
    if match := _HISTORY.fullmatch(name):
        return "user" if match[1] == "users" else "room", match[2]
    if match := _DAY.fullmatch(name):
        return "room", match[1]
    if _BODY.fullmatch(name):
        return "body", ""
    return "not_imported" if name in _NOT_IMPORTED else "unknown_file", ""


def _is_record(value: Any) -> bool:
    return isinstance(value, dict) and any(isinstance(inner, dict) for inner in value.values())


def _object(item: Any) -> dict[str, Any] | Damage:
    if isinstance(item, Damage | dict):
        return item
    return Damage("importer-record-no-object", "An element of the file is no object.", excerpt(item))


def _inner(record: dict[str, Any], key: str) -> dict[str, Any]:
    inner = record.get(key)
    return inner if isinstance(inner, dict) else record


def _body(value: Any) -> str:
    """No text column of any database holds a NUL."""
    said = value if isinstance(value, str) else text(value) or ""
    return said.replace("\0", "") if "\0" in said else said


def _line(value: Any) -> str | None:
    return _body(value).strip() or None


def _person(value: Any) -> tuple[str | None, str | None]:
    """(id, name shown). Integrations are a bare text, or have the id 0, or in the Cloud `api`."""
    if not isinstance(value, dict):
        return (None, _line(value)) if isinstance(value, str) else (text(value) or None, None)
    person = text(value.get("id", value.get("user_id")))
    return (person if person not in ("", "0", "api") else None), _line(value.get("name"))


def _ids(value: Any) -> list[str]:
    found = (text(item.get("id", item.get("user_id")) if isinstance(item, dict) else item) for item in _list(value))
    return list(dict.fromkeys(one for one in found if one))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR_1_S, _YEAR_10000_S = -62_135_596_800, 253_402_300_800


_USUAL_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])Z ([0-9]{1,6})")


@lru_cache(4096)
def _day_s(day: str) -> int:
    return (date.fromisoformat(day) - _EPOCH.date()).days * 86400


def time_us(value: Any) -> int | None:
    """`2018-08-08T14:23:54Z 626267` (an instant, and its microseconds after a space), any ISO instant (UTC where it
    names no zone), or seconds since 1970; None where it is none of them."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value * 1_000_000) if _YEAR_1_S <= value < _YEAR_10000_S else None
    if not isinstance(value, str):
        return None
    try:
        if usual := _USUAL_TIME.fullmatch(value):
            day, hour, minute, second, micros = usual.groups()
            seconds = _day_s(day) + int(hour) * 3600 + int(minute) * 60 + int(second)
            return seconds * 1_000_000 + int(micros)
        instant, _, fraction = value.strip().partition("Z ")
        moment = datetime.fromisoformat(instant)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        if fraction.isdecimal() and len(fraction) <= 6:
            moment = moment.replace(microsecond=int(fraction))
        return (moment - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        return None
