"""What a run makes of each user, room and contact of an export: create, update, match, skip or fail.

Pure: it is given what the workspace holds under the same ids, addresses and names, and changes those objects in memory;
the flow writes down whatever was touched. The rules are those of the import contract 6.2, 6.3 and 6.5 with their DO
lines; messages are decided in bulk by `settle.py`.

What became of a record is a code of `check.OUTCOMES`.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from douane.chat.selection import Selection as Selection

PRIVILEGED = frozenset({"admin"})  # roles that an import neither gives nor takes unless it was asked to
DEFAULT_ROLES = ("user",)
NAMES_NOBODY_GETS = frozenset({"all", "here"})
USERNAME_CHARS = 300
IMPORT_ID_CHARS = 700
ADDRESS_CHARS = 320
ROOM_NAME_CHARS = 600

MISSING_EMAIL_AND_USERNAME = "importer-user-missing-email-and-username"
INVALID_USER = "importer-user-invalid"
MISSING_NAME = "importer-channel-missing-name"
MISSING_IMPORT_ID = "importer-channel-missing-import-id"
MISSING_USERS = "importer-channel-missing-users"
INVALID_CREATOR = "importer-channel-invalid-creator"
TAKEN = {
    "import_id": "importer-user-import-id-taken",
    "email": "importer-user-email-taken",
    "username": "importer-user-username-taken",
}


@dataclass(frozen=True, slots=True)
class Options:
    """`operation_id`: the run's. `users_only`: nobody who is there already is touched, they fail (contract 3.14).
    `update_existing` False: those who are there already are skipped. `admins`: the file may give the role `admin`.
    `starter_id`: the workspace user of who started the run."""

    operation_id: str
    users_only: bool = False
    update_existing: bool = True
    admins: bool = False
    starter_id: str | None = None


NewId = Callable[[], str]


# Users


@dataclass(slots=True)
class User:
    """A user of the workspace while a run looks at it. `emails`: address -> verified, in order."""

    id: str
    username: str
    name: str = ""
    type: str = "user"
    roles: list[str] = field(default_factory=list)
    emails: dict[str, bool] = field(default_factory=dict)
    active: bool = True
    placeholder: bool = False
    person_id: str | None = None
    operation_id: str | None = None
    pending_avatar: str | None = None
    document: dict[str, Any] = field(default_factory=dict)
    new: bool = False
    changed: bool = False
    addresses_changed: bool = False

    @property
    def protected(self) -> bool:
        """One of the project's own people, the built-in bot, or privileged: an import gives it import ids, no more."""
        return self.person_id is not None or bool(self.document.get("builtin")) or not PRIVILEGED.isdisjoint(self.roles)


class People:
    """The users that a batch of records may be about. `taken` asks the workspace whether a name is in use that nobody
    here has; `import_ids` collects what is to be written: import id -> user id."""

    def __init__(
        self,
        by_import_id: Mapping[str, User] = {},
        by_address: Mapping[str, User] = {},
        by_username: Mapping[str, User] = {},
        taken: Callable[[str], bool] = lambda key: False,
        numbers: dict[str, int] | None = None,
    ) -> None:
        self.by_import_id, self.by_address = dict(by_import_id), dict(by_address)
        self.by_username = dict(by_username)
        self.import_ids: dict[str, str] = {}
        self.touched: dict[str, User] = {}
        self._taken = taken
        self._numbers = {} if numbers is None else numbers

    def find(self, ids: Sequence[str], addresses: Sequence[str], key: str | None) -> tuple[User | None, str]:
        """(who it is, by what: import_id, email, username)."""
        for import_id in ids:
            if import_id in self.by_import_id:
                return self.by_import_id[import_id], "import_id"
        return self._find_known(addresses, key)

    def _find_known(self, addresses: Sequence[str], key: str | None) -> tuple[User | None, str]:
        for address in addresses:
            if address in self.by_address:
                return self.by_address[address], "email"
        if key and key in self.by_username:
            return self.by_username[key], "username"
        return None, ""

    def other_than_placeholder(
        self, placeholder: User, addresses: Sequence[str], key: str | None
    ) -> tuple[User | None, str]:
        found, by = self._find_known(addresses, key)
        return (None, "") if found is placeholder else (found, by)

    def is_free(self, key: str) -> bool:
        return key not in NAMES_NOBODY_GETS and key not in self.by_username and not self._taken(key)

    def first_free(self, candidates: Sequence[str]) -> str:
        for candidate in candidates:
            if self.is_free(candidate.lower()):
                return candidate
        base = candidates[0] if candidates else "user"
        number = self._numbers.get(base, 0)
        while True:
            number += 1
            name = f"{base}-{number}"
            if self.is_free(name.lower()):
                self._numbers[base] = number
                return name

    def give_ids(self, user: User, ids: Iterable[str]) -> bool:
        """Notes import ids that nobody has, or that a placeholder stood for; whether any was new."""
        given = False
        for import_id in ids:
            holder = self.by_import_id.get(import_id)
            if holder is None or (holder.placeholder and holder is not user):
                self.by_import_id[import_id] = user
                self.import_ids[import_id] = user.id
                given = True
        return given

    def note(self, user: User) -> None:
        self.touched[user.id] = user


def clean(text: str | None) -> str:
    """No database takes a NUL in a text."""
    return "" if text is None else text.replace("\0", "\ufffd").strip()


def addresses_of(record: Mapping[str, Any]) -> list[str]:
    found = (clean(address).lower() for address in record.get("emails") or ())
    return list(dict.fromkeys(address for address in found if address and len(address) <= ADDRESS_CHARS))


def ids_of(record: Mapping[str, Any]) -> list[str]:
    ids = [record.get("id"), *(record.get("ids") or ())]
    return list(dict.fromkeys(text for text in (clean(one) for one in ids) if text and len(text) <= IMPORT_ID_CHARS))


def username_of(record: Mapping[str, Any]) -> str | None:
    """None: it has none, or one that nobody may have."""
    name = clean(record.get("username"))
    return name if name and name.lower() not in NAMES_NOBODY_GETS else None


def plan_user(record: Mapping[str, Any], people: People, options: Options, new_id: NewId) -> str:
    """Decides one staged user (a row of `tables.TABLES["users"]`) that was selected; the outcome's code."""
    ids, addresses, username = ids_of(record), addresses_of(record), username_of(record)
    if not addresses and not username:
        return MISSING_EMAIL_AND_USERNAME
    if username and len(username) > USERNAME_CHARS:
        return INVALID_USER
    key = username.lower() if username else None
    user, by = people.find(ids, addresses, key)
    placeholder = user if user is not None and user.placeholder else None
    if placeholder is not None:
        # What was only known as an author turns out to be this one; unless it is somebody who is there already.
        user, by = people.other_than_placeholder(placeholder, addresses, key)
    if user is None:
        _create(record, ids, addresses, username, placeholder, people, options, new_id)
        return "created"
    if options.users_only:
        return TAKEN[by]
    if placeholder is not None:
        # What it is said to have written is shown under that name from now on.
        placeholder.username, placeholder.name = user.username, user.name
        placeholder.document = {**placeholder.document, "merged_into": user.id}
        placeholder.changed = True
        people.note(placeholder)
    if by == "import_id" and user.operation_id == options.operation_id and not user.protected:
        people.give_ids(user, ids)
        return "duplicate"
    given = people.give_ids(user, ids)
    if user.protected:
        return "protected"
    if not options.update_existing:
        return "exists"
    return "updated" if _update(user, record, addresses, people, options) or given else "unchanged"


def plan_inferred(
    record: Mapping[str, Any], people: People, needed: bool, strict: bool, options: Options, new_id: NewId
) -> str:
    """Decides a user that only messages name."""
    ids = ids_of(record)
    if any(one in people.by_import_id for one in ids):
        return "unchanged"
    if strict:
        return "strict"
    if not needed or not ids:
        return "not_needed"
    name = clean(record.get("name")) or clean(record.get("display_name"))
    user = placeholder_of(ids[0], name, clean(record.get("username")), options, new_id)
    people.give_ids(user, ids)
    people.note(user)
    return "placeholder"


def _create(
    record: Mapping[str, Any],
    ids: list[str],
    addresses: list[str],
    username: str | None,
    placeholder: User | None,
    people: People,
    options: Options,
    new_id: NewId,
) -> None:
    name = clean(record.get("name")) or clean(record.get("display_name"))
    if username is None:
        username = people.first_free(username_candidates(name, addresses))
    user = placeholder or User(new_id(), username, new=True)
    user.username = username
    user.name = name or name_from_username(username)
    user.type = record.get("type") or "user"
    user.roles = _roles(record, options) or list(DEFAULT_ROLES)
    user.emails = {address: False for address in addresses if address not in people.by_address}
    user.active = not record.get("deleted")
    user.placeholder = False
    user.operation_id = options.operation_id
    user.document = _document(record)
    user.changed = user.addresses_changed = True
    _set_avatar(user, record)
    people.by_username[username.lower()] = user
    people.by_address.update(dict.fromkeys(user.emails, user))
    people.give_ids(user, ids)
    people.note(user)


def _update(user: User, record: Mapping[str, Any], addresses: list[str], people: People, options: Options) -> bool:
    """The rest of contract 6.2.5; never the username. Two records of one export that are the same person add up."""
    before = (user.name, user.type, list(user.roles), dict(user.emails), user.active, user.pending_avatar)
    document_before = user.document
    same_run = user.operation_id == options.operation_id
    user.name = clean(record.get("name")) or user.name
    if record.get("type"):
        user.type = record["type"]
    roles = _roles(record, options)
    if roles:
        user.roles = sorted({*user.roles, *roles}) if same_run else roles
    user.roles = user.roles or list(DEFAULT_ROLES)
    mine = [address for address in addresses if people.by_address.get(address, user) is user]
    if mine:
        kept = dict(user.emails) if same_run else {}
        user.emails = kept | {address: user.emails.get(address, False) for address in mine}
    if record.get("deleted") is not None:
        user.active = not record["deleted"] or (same_run and user.active)
    custom = {**(user.document.get("customFields") or {}), **(_document(record).get("customFields") or {})}
    user.document = {**user.document, **_document(record)} | ({"customFields": custom} if custom else {})
    _set_avatar(user, record)
    after = (user.name, user.type, list(user.roles), dict(user.emails), user.active, user.pending_avatar)
    if before == after and document_before == user.document:
        return False
    if list(before[3]) != list(user.emails):
        user.addresses_changed = True
        for address in before[3]:
            if address not in user.emails:
                people.by_address.pop(address, None)
        people.by_address.update(dict.fromkeys(user.emails, user))
    user.changed = True
    people.note(user)
    return True


def _roles(record: Mapping[str, Any], options: Options) -> list[str]:
    given = dict.fromkeys(clean(role) for role in record.get("roles") or ())
    return [role for role in given if role and (options.admins or role not in PRIVILEGED)]


def _set_avatar(user: User, record: Mapping[str, Any]) -> None:
    """Remembered, not fetched; an address that was fetched once is not asked for again."""
    address = clean(record.get("avatar"))
    known = hashlib.sha256(address.encode()).hexdigest()[:16] if address else None
    if known and user.document.get("avatarSource") != known:
        user.pending_avatar = address
        user.document = {**user.document, "avatarSource": known}


_DOCUMENT = {
    "zone": "zone",
    "title": "title",
    "phone": "phone",
    "status_text": "statusText",
    "display_name": "displayName",
    "team": "team",
    "role": "foreignRole",
}


def _document(record: Mapping[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for name, key in _DOCUMENT.items():
        if text := clean(record.get(name)):
            document[key] = text
    if record.get("utc_offset") and math.isfinite(record["utc_offset"]):
        document["utcOffset"] = record["utc_offset"]
    custom = json_object(record.get("custom"))
    bio = custom.pop("bio", None)
    if isinstance(bio, str) and bio:
        document["bio"] = bio
    if custom:
        document["customFields"] = custom
    return document


def json_object(text: str | None) -> dict[str, Any]:
    if not text:
        return {}
    try:
        found = json.loads(text.replace("\\u0000", "\\ufffd"), parse_constant=lambda name: None)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def name_from_username(username: str) -> str:
    """`john.doe` -> `John Doe` (contract 6.2.6)."""
    return re.sub(r"[\W_]+", " ", username).strip().title()


def username_candidates(name: str, addresses: Sequence[str]) -> list[str]:
    """Contract 6.2.4: full name with dots, initial and last, first and initial; then the addresses' local parts."""
    words = [word for word in (slug(part).lower() for part in name.split()) if word]
    found: list[str] = []
    if words:
        found.append(".".join(words))
    if len(words) > 1:
        found += [words[0][0] + words[-1], words[0] + words[-1][0]]
    found += [part for part in (slug(address.split("@")[0], keep=".").lower() for address in addresses) if part]
    return list(dict.fromkeys(one[: USERNAME_CHARS - 12] for one in found))


def placeholder_of(import_id: str, name: str, username: str, options: Options, new_id: NewId) -> User:
    """A deactivated account for an author nobody imported (contract 6.4.2, DO)."""
    shown = clean(username) or clean(import_id)
    return User(
        new_id(),
        shown[:USERNAME_CHARS],
        clean(name) or shown,
        active=False,
        placeholder=True,
        operation_id=options.operation_id,
        new=True,
        changed=True,
    )


# Rooms

_LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o", "Ø": "O", "œ": "oe", "đ": "d", "ł": "l", "Ł": "L"})


def slug(name: str, keep: str = "") -> str:
    """Contract 6.3.2: accents off, every run of other characters a dash, case kept. Letters of scripts that have no
    accents to take off stay: two Japanese names must not become one room."""
    plain = unicodedata.normalize("NFKD", name.translate(_LETTERS))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return re.sub(rf"[^\w{re.escape(keep)}]+", "-", unicodedata.normalize("NFC", plain)).strip("-")


def room_slug(name: str) -> str:
    """The slug, or a name of its own for one that has no letter at all."""
    found = slug(name)[:ROOM_NAME_CHARS]
    return found or "room-" + hashlib.sha256(name.encode()).hexdigest()[:8]


def named_key(slugged: str) -> str:
    return "n:" + slugged


def direct_key(user_ids: Iterable[str]) -> str:
    return "d:" + hashlib.sha256(",".join(sorted(set(user_ids))).encode()).hexdigest()


def room_keys(record: Mapping[str, Any], members: Sequence[str]) -> list[str]:
    """Every key under which a room may stand that this staged channel becomes; `members` are user ids."""
    if record.get("type") == "d":
        return [direct_key(members)] if members else []
    key = named_key(room_slug(clean(record.get("name"))))
    return [key, *(_private_key(key, one) for one in ids_of(record)[:1])]


def _private_key(key: str, import_id: str) -> str:
    return key + "-" + hashlib.sha256(import_id.encode()).hexdigest()[:6]


@dataclass(slots=True)
class Room:
    id: str
    type: str
    name: str
    key: str
    creator_id: str | None = None
    topic: str = ""
    description: str = ""
    archived: bool = False
    general: bool = False
    operation_id: str | None = None
    created_us: int | None = None
    document: dict[str, Any] = field(default_factory=dict)
    new: bool = False
    changed: bool = False


class Rooms:
    """The rooms that a batch of records may be about, `general` always among them."""

    def __init__(self, by_import_id: Mapping[str, Room], by_key: Mapping[str, Room], general: Room) -> None:
        self.by_import_id, self.by_key, self.general = dict(by_import_id), dict(by_key), general
        self.import_ids: dict[str, str] = {}
        self.touched: dict[str, Room] = {}
        # record's id -> the room it became, of this batch
        self.became: dict[str, Room] = {}

    def give_ids(self, room: Room, ids: Iterable[str]) -> bool:
        given = False
        for import_id in ids:
            if import_id not in self.by_import_id:
                self.by_import_id[import_id] = room
                self.import_ids[import_id] = room.id
                given = True
        return given


def plan_room(
    record: Mapping[str, Any],
    rooms: Rooms,
    users: Mapping[str, str],
    members: Sequence[str],
    options: Options,
    new_id: NewId,
) -> str:
    """Decides one staged channel that was selected. `users`: import id -> user id, of everybody it names that is known;
    `members`: import ids, of a direct room at least. The outcome's code."""
    ids, type = ids_of(record), record.get("type") or "c"
    if not ids:
        return MISSING_IMPORT_ID
    name = clean(record.get("name"))
    if type != "d" and not name:
        return MISSING_NAME
    known = [users[member] for member in members if member in users]
    room = next((rooms.by_import_id[one] for one in ids if one in rooms.by_import_id), None)
    if room is not None and room.operation_id == options.operation_id:
        rooms.give_ids(room, ids)
        return "duplicate"
    if type == "d" and room is None and (len(known) < len(set(members)) or not known):
        return MISSING_USERS
    key = direct_key(known) if type == "d" else named_key(room_slug(name))
    if room is None:
        room = rooms.general if record.get("general") else rooms.by_key.get(key)
    if room is not None and type == "p" and room.type == "c" and ids[0] not in rooms.by_import_id and not room.general:
        # What was private must not come to stand in a public room that happens to have its name.
        key = _private_key(key, ids[0])
        room = rooms.by_key.get(key)
    if room is None:
        creator = users.get(clean(record.get("creator"))) or (known[0] if type == "d" and known else None)
        creator = creator or (options.starter_id if type != "d" else None)
        if creator is None:
            return INVALID_CREATOR
        _create_room(record, ids, type, name, key, creator, rooms, options, new_id)
        return "created"
    rooms.became[ids[0]] = room
    given = rooms.give_ids(room, ids)
    if not options.update_existing:
        return "matched"
    return "updated" if _update_room(room, record, name, rooms) or given else "unchanged"


def _create_room(
    record: Mapping[str, Any],
    ids: list[str],
    type: str,
    name: str,
    key: str,
    creator: str,
    rooms: Rooms,
    options: Options,
    new_id: NewId,
) -> None:
    slugged = "" if type == "d" else key.removeprefix("n:")
    document: dict[str, Any] = {"kind": record["kind"]} if record.get("kind") else {}
    if slugged and slugged != name:
        document["displayName"] = name
    room = Room(
        new_id(),
        type,
        slugged,
        key,
        creator,
        clean(record.get("topic")),
        clean(record.get("purpose")),
        bool(record.get("archived")),
        operation_id=options.operation_id,
        created_us=record.get("created_us"),
        document=document,
        new=True,
        changed=True,
    )
    rooms.by_key[key] = room
    rooms.give_ids(room, ids)
    rooms.touched[room.id] = room
    rooms.became[ids[0]] = room


def _update_room(room: Room, record: Mapping[str, Any], name: str, rooms: Rooms) -> bool:
    before = (room.topic, room.description, room.archived, room.created_us, room.key)
    room.topic = clean(record.get("topic")) or room.topic
    room.description = clean(record.get("purpose")) or room.description
    room.archived = room.archived or (bool(record.get("archived")) and not room.general)
    if record.get("created_us") is not None and not room.general:
        room.created_us = record["created_us"]
    if room.general and record.get("general"):
        # Only the built-in room follows the name it has elsewhere (contract 6.3.3).
        key = named_key(room_slug(name))
        if key != room.key and key not in rooms.by_key:
            rooms.by_key.pop(room.key, None)
            room.key, room.name = key, key.removeprefix("n:")
            rooms.by_key[key] = room
    if before == (room.topic, room.description, room.archived, room.created_us, room.key):
        return False
    room.changed = True
    rooms.touched[room.id] = room
    return True


# Contacts


@dataclass(slots=True)
class Contact:
    id: str
    name: str = ""
    emails: list[str] = field(default_factory=list)
    phones: list[str] = field(default_factory=list)
    manager_id: str | None = None
    custom: dict[str, Any] = field(default_factory=dict)
    operation_id: str | None = None
    new: bool = False
    changed: bool = False


class Contacts:
    def __init__(self, by_import_id: Mapping[str, Contact]) -> None:
        self.by_import_id = dict(by_import_id)
        self.import_ids: dict[str, str] = {}
        self.touched: dict[str, Contact] = {}


def plan_contact(
    record: Mapping[str, Any], contacts: Contacts, users: Mapping[str, str], options: Options, new_id: NewId
) -> str:
    """Decides one staged contact that was selected; `users`: lower-case username, or import id -> user id."""
    ids = ids_of(record)
    if not any(record.get(name) for name in ("name", "emails", "phones")):
        return "empty"
    contact = next((contacts.by_import_id[one] for one in ids if one in contacts.by_import_id), None)
    new = contact is None
    if contact is None:
        contact = Contact(new_id(), operation_id=options.operation_id, new=True)
    elif contact.operation_id == options.operation_id:
        return "duplicate"
    elif not options.update_existing:
        return "exists"
    before = (contact.name, contact.emails, contact.phones, contact.manager_id, contact.custom)
    emails = [clean(one) for one in record.get("emails") or () if clean(one)]
    phones = [clean(one) for one in record.get("phones") or () if clean(one)]
    manager = clean(record.get("manager"))
    contact.name = clean(record.get("name")) or contact.name or f"guest-{contact.id[-6:]}"
    contact.emails = list(dict.fromkeys(emails)) or contact.emails
    contact.phones = list(dict.fromkeys(phones)) or contact.phones
    contact.manager_id = users.get(manager) or users.get(manager.lower()) or contact.manager_id
    contact.custom = {**contact.custom, **json_object(record.get("custom"))}
    contact.changed = before != (contact.name, contact.emails, contact.phones, contact.manager_id, contact.custom)
    if contact.changed:
        contacts.touched[contact.id] = contact
    for import_id in ids:
        if import_id not in contacts.by_import_id:
            contacts.import_ids[import_id] = contact.id
            contacts.by_import_id[import_id] = contact
    return "created" if new else "updated" if contact.changed else "unchanged"
