"""What a run makes of each user, room and contact of an export: create, update, match, skip or fail.

Pure: it is given what the workspace holds under the same ids, addresses and names, and changes those objects in memory;
the flow writes down whatever was touched. The rules are those of the import contract 6.2, 6.3 and 6.5 with their DO
lines, and nobody is merged: two ids of one export are two things, unless an id or an e-mail address says otherwise. A
name joins only what was there before the export, nobody whose addresses are others, none of the house's own people and
no private room; else it is numbered. Messages are decided in bulk by `settle.py`.

Facts have an age, that of the export which told them (the time of its newest message): an older export tells nothing
over a newer one, and fills what is empty. `account` is the foreign id whose record the facts of a user or room are, so
that two accounts of one person do not take turns.

What became of a record is a code of `check.OUTCOMES`.

Long on purpose: users, rooms and contacts are matched, named and numbered by one set of rules.
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
    `starter_id`: the workspace user of who started the run. `age_us`: the age of the export; one without messages has
    none, and is taken as it comes."""

    operation_id: str
    users_only: bool = False
    update_existing: bool = True
    admins: bool = False
    starter_id: str | None = None
    age_us: int | None = None

    def older_than(self, as_of_us: int) -> bool:
        return self.age_us is not None and self.age_us < as_of_us

    def as_of(self, as_of_us: int = 0) -> int:
        """The age of what it says over facts of that age."""
        return as_of_us if self.age_us is None else self.age_us


NewId = Callable[[], str]
Named = Callable[[str], bool]
"""Whether a foreign id is that of a record of this export."""


def nobody(key: str) -> bool:
    return False


Said = dict[str, Mapping[str, Any]]
"""First id -> the first record of this export that has it, of those that were met."""
_PLACE = frozenset({"entry", "position", "row"})


def said_before(said: Said, ids: Sequence[str], record: Mapping[str, Any]) -> str | None:
    """What becomes of a record whose id an earlier one of the export has: it is a duplicate only if it says the same.
    None where it is the first."""
    first = said.get(ids[0]) if ids else None
    if first is None:
        return None
    same = all(first.get(name) == value for name, value in record.items() if name not in _PLACE)
    return "duplicate" if same else "differs"


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
    as_of_us: int = 0
    account: str | None = None
    ids: set[str] = field(default_factory=set)  # its foreign ids, as far as they are known here
    new: bool = False
    changed: bool = False
    addresses_changed: bool = False

    @property
    def protected(self) -> bool:
        """One of the project's own people, the built-in bot, or privileged: an import gives it import ids, no more."""
        return self.person_id is not None or bool(self.document.get("builtin")) or not PRIVILEGED.isdisjoint(self.roles)


class People:
    """The users that a batch of records may be about. `taken` asks the workspace whether a name is in use that nobody
    here has; `named` whether a foreign id is one of this export; `import_ids` collects what is to be written: import
    id -> user id."""

    def __init__(
        self,
        by_import_id: Mapping[str, User] = {},
        by_address: Mapping[str, User] = {},
        by_username: Mapping[str, User] = {},
        taken: Callable[[str], bool] = nobody,
        numbers: dict[str, int] | None = None,
        named: Named = nobody,
        said: Said | None = None,
    ) -> None:
        self.by_import_id, self.by_address = dict(by_import_id), dict(by_address)
        self.by_username = dict(by_username)
        self.named = named
        self.said: Said = {} if said is None else said
        self.import_ids: dict[str, str] = {}
        self.touched: dict[str, User] = {}
        self._taken = taken
        self._numbers = {} if numbers is None else numbers

    def find(self, ids: Sequence[str], addresses: Sequence[str], key: str | None) -> tuple[User | None, str]:
        """(who it is, by what: import_id, email, username)."""
        for import_id in ids:
            if import_id in self.by_import_id:
                return self.by_import_id[import_id], "import_id"
        return self._find_known(ids, addresses, key)

    def _find_known(self, ids: Sequence[str], addresses: Sequence[str], key: str | None) -> tuple[User | None, str]:
        for address in addresses:
            if address in self.by_address:
                return self.by_address[address], "email"
        user = self.by_username.get(key) if key else None
        if user is not None and self._same_name_same_person(user, ids, addresses):
            return user, "username"
        return None, ""

    def _same_name_same_person(self, user: User, ids: Sequence[str], addresses: Sequence[str]) -> bool:
        if user.protected or any(self.named(one) for one in user.ids if one not in ids):
            return False
        return not addresses or not user.emails or any(address in user.emails for address in addresses)

    def other_than_placeholder(
        self, placeholder: User, ids: Sequence[str], addresses: Sequence[str], key: str | None
    ) -> tuple[User | None, str]:
        found, by = self._find_known(ids, addresses, key)
        return (None, "") if found is placeholder else (found, by)

    def has_name(self, username: str) -> bool:
        """Whether somebody has the name of a record. Whoever has one of theirs is here."""
        return username.lower() in self.by_username

    def is_free(self, key: str) -> bool:
        return key not in NAMES_NOBODY_GETS and key not in self.by_username and not self._taken(key)

    def first_free(self, candidates: Sequence[str], first_number: int = 1) -> str:
        for candidate in candidates:
            if self.is_free(candidate.lower()):
                return candidate
        base = candidates[0] if candidates else "user"
        number = self._numbers.get(base.lower(), first_number)
        while not self.is_free(f"{base}-{number}".lower()):
            number += 1
        self._numbers[base.lower()] = number + 1
        return f"{base}-{number}"

    def give_ids(self, user: User, ids: Iterable[str]) -> bool:
        """Notes import ids that nobody has, or that a placeholder stood for; whether any was new."""
        given = False
        for import_id in ids:
            holder = self.by_import_id.get(import_id)
            if holder is None or (holder.placeholder and holder is not user):
                self.by_import_id[import_id] = user
                self.import_ids[import_id] = user.id
                user.ids.add(import_id)
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


@dataclass(frozen=True, slots=True)
class _Person:
    """A staged user, cleaned."""

    record: Mapping[str, Any]
    ids: list[str]
    addresses: list[str]
    username: str | None

    @property
    def key(self) -> str | None:
        return self.username.lower() if self.username else None

    @property
    def name(self) -> str:
        return clean(self.record.get("name")) or clean(self.record.get("display_name"))


def plan_user(record: Mapping[str, Any], people: People, options: Options, new_id: NewId) -> str:
    """Decides one staged user (a row of `tables.TABLES["users"]`) that was selected; the outcome's code."""
    one = _Person(record, ids_of(record), addresses_of(record), username_of(record))
    if not one.addresses and not one.username:
        return MISSING_EMAIL_AND_USERNAME
    if one.username and len(one.username) > USERNAME_CHARS:
        return INVALID_USER
    user, by = people.find(one.ids, one.addresses, one.key)
    again = said_before(people.said, one.ids, record) if by == "import_id" and not options.users_only else None
    if again is not None:
        return again
    people.said.update(dict.fromkeys(one.ids[:1], record))
    placeholder = user if user is not None and user.placeholder else None
    if placeholder is not None:
        # What was only known as an author turns out to be this one; unless it is somebody who is there already.
        user, by = people.other_than_placeholder(placeholder, one.ids, one.addresses, one.key)
    if user is None:
        if options.users_only and one.username and people.has_name(one.username):
            return TAKEN["username"]
        _create(one, placeholder, people, options, new_id)
        return "created"
    if options.users_only:
        return TAKEN[by]
    if placeholder is not None:
        # What it is said to have written is shown under that name from now on.
        placeholder.username, placeholder.name = user.username, user.name
        placeholder.document = {**placeholder.document, "merged_into": user.id}
        placeholder.changed = True
        people.note(placeholder)
    given = people.give_ids(user, one.ids)
    if user.protected:
        return "protected"
    if not options.update_existing:
        return "exists"
    return "updated" if _update(user, one, people, options) or given else "unchanged"


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


def _create(one: _Person, placeholder: User | None, people: People, options: Options, new_id: NewId) -> None:
    username = one.username
    if username is None:
        username = people.first_free(username_candidates(one.name, one.addresses))
    elif people.has_name(username):
        username = people.first_free([username[: USERNAME_CHARS - 12]], 2)  # as the Mattermost writer numbers
    user = placeholder or User(new_id(), username, new=True)
    user.username = username
    user.name = one.name or name_from_username(one.username or username)
    user.type = one.record.get("type") or "user"
    user.roles = _roles(one.record, options) or list(DEFAULT_ROLES)
    user.emails = {address: False for address in one.addresses if address not in people.by_address}
    user.active = not one.record.get("deleted")
    user.placeholder = False
    user.operation_id = options.operation_id
    user.document = _document(one.record)
    user.as_of_us, user.account = options.as_of(), one.ids[0] if one.ids else None
    user.changed = user.addresses_changed = True
    _set_avatar(user, one.record)
    people.by_username[username.lower()] = user
    people.by_address.update(dict.fromkeys(user.emails, user))
    people.give_ids(user, one.ids)
    people.note(user)


def _update(user: User, one: _Person, people: People, options: Options) -> bool:
    """The rest of contract 6.2.5; never the username. A record that has no say only fills what is empty."""
    before = _facts(user)
    emails_before = list(user.emails)
    record, has_say = one.record, _has_say(user, one, people, options)
    found = _document(record)
    mine = {
        address: user.emails.get(address, False) for address in one.addresses if _is_free_for(address, user, people)
    }
    if has_say:
        user.name = clean(record.get("name")) or user.name
        user.type = record.get("type") or user.type
        user.roles = _roles(record, options) or user.roles
        if record.get("deleted") is not None or user.account not in (None, *one.ids):
            user.active = not record.get("deleted")
        # The addresses of another account of the same person stay.
        user.emails = (mine or user.emails) if user.ids <= set(one.ids) else {**user.emails, **mine}
        user.document = _merged(user.document, found)
        _set_avatar(user, record)
        user.as_of_us = options.as_of(user.as_of_us)
        user.account = one.ids[0] if one.ids else user.account
    else:
        user.name = user.name or one.name
        if not user.ids <= set(one.ids) or not user.emails:
            user.emails = {**mine, **user.emails}
        user.document = _merged(found, user.document)
    user.roles = user.roles or list(DEFAULT_ROLES)
    if before == _facts(user):
        return False
    if emails_before != list(user.emails):
        user.addresses_changed = True
        for address in emails_before:
            if address not in user.emails:
                people.by_address.pop(address, None)
        people.by_address.update(dict.fromkeys(user.emails, user))
    user.changed = True
    people.note(user)
    return before[:-2] != _facts(user)[:-2]


def _facts(user: User) -> tuple[Any, ...]:
    shown = (user.name, user.type, list(user.roles), dict(user.emails), user.active, user.pending_avatar)
    return (*shown, user.document, user.as_of_us, user.account)


def _has_say(user: User, one: _Person, people: People, options: Options) -> bool:
    """Whether the facts of a record replace those of the user it is."""
    if options.older_than(user.as_of_us):
        return False
    if user.account is None or user.account in one.ids:
        return True
    if bool(one.record.get("deleted")) == user.active:
        return not user.active  # of two accounts the one that is in use
    return not people.named(user.account)


def _is_free_for(address: str, user: User, people: People) -> bool:
    return people.by_address.get(address, user) is user


def _merged(older: dict[str, Any], newer: dict[str, Any]) -> dict[str, Any]:
    custom = {**(older.get("customFields") or {}), **(newer.get("customFields") or {})}
    return {**older, **newer} | ({"customFields": custom} if custom else {})


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
    """Keys under which a room may stand that this staged channel becomes; `members` are user ids."""
    if record.get("type") == "d":
        return [_direct_key(record, members, len(set(members)))]
    key = named_key(room_slug(clean(record.get("name"))))
    return [key, f"{key}-2"]


def _direct_key(record: Mapping[str, Any], known: Sequence[str], listed: int) -> str:
    """A conversation of some people is these people. A group of which the export does not have everybody is none but
    itself: the two who are left may have another conversation, which the others never saw."""
    group = record.get("kind") == "group_dm" and (len(set(known)) < 3 or len(set(known)) < listed)
    if not group and known:
        return direct_key(known)
    ids = ids_of(record)
    return "d:" + hashlib.sha256(f"group {ids[0] if ids else ''}".encode()).hexdigest()


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
    as_of_us: int = 0
    account: str | None = None
    ids: set[str] = field(default_factory=set)  # its foreign ids, as far as they are known here
    new: bool = False
    changed: bool = False


class Rooms:
    """The rooms that a batch of records may be about, `general` always among them. `taken` asks the workspace whether a
    key is in use that no room here has; `named` whether a foreign id is one of this export."""

    def __init__(
        self,
        by_import_id: Mapping[str, Room],
        by_key: Mapping[str, Room],
        general: Room,
        taken: Callable[[str], bool] = nobody,
        named: Named = nobody,
        said: Said | None = None,
    ) -> None:
        self.by_import_id, self.by_key, self.general = dict(by_import_id), dict(by_key), general
        self.said: Said = {} if said is None else said
        self.import_ids: dict[str, str] = {}
        self.touched: dict[str, Room] = {}
        # record's id -> the room it became, of this batch
        self.became: dict[str, Room] = {}
        self.named = named
        self._taken = taken

    def give_ids(self, room: Room, ids: Iterable[str]) -> bool:
        given = False
        for import_id in ids:
            if import_id not in self.by_import_id:
                self.by_import_id[import_id] = room
                self.import_ids[import_id] = room.id
                room.ids.add(import_id)
                given = True
        return given

    def joins(self, room: Room, ids: Sequence[str], type: str) -> bool:
        """Whether a channel of these ids becomes a room that only has its name: one that was there before the export,
        public like itself."""
        return type == room.type == "c" and not any(self.named(one) for one in room.ids if one not in ids)

    def is_free(self, key: str) -> bool:
        return key not in self.by_key and not self._taken(key)

    def free_key(self, key: str) -> str:
        """The key, or the first numbered one that no room has."""
        number, numbered = 1, key
        while not self.is_free(numbered):
            number += 1
            numbered = f"{key}-{number}"
        return numbered


@dataclass(frozen=True, slots=True)
class _Channel:
    """A staged channel, cleaned. `known`: user ids of its members."""

    record: Mapping[str, Any]
    ids: list[str]
    type: str
    name: str
    known: list[str]


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
    known = [users[member] for member in members if member in users]
    one = _Channel(record, ids_of(record), record.get("type") or "c", clean(record.get("name")), known)
    if not one.ids:
        return MISSING_IMPORT_ID
    if one.type != "d" and not one.name:
        return MISSING_NAME
    room = next((rooms.by_import_id[id] for id in one.ids if id in rooms.by_import_id), None)
    if room is not None and (again := said_before(rooms.said, one.ids, record)) is not None:
        return again
    if one.type == "d" and room is None and len(known) < max(len(set(members)), record.get("kind") != "group_dm"):
        return MISSING_USERS
    key = _direct_key(record, known, len(set(members))) if one.type == "d" else named_key(room_slug(one.name))
    rooms.said[one.ids[0]] = record
    if room is None:
        room = _by_name(one, key, rooms)
    if room is None:
        creator = users.get(clean(record.get("creator"))) or (
            known[0] if known and one.type == "d" else options.starter_id
        )
        if creator is None:
            return INVALID_CREATOR
        _create_room(one, rooms, _new_room(one, rooms.free_key(key), creator, options, new_id))
        return "created"
    rooms.became[one.ids[0]] = room
    given = rooms.give_ids(room, one.ids)
    if not options.update_existing:
        return "matched"
    return "updated" if _update_room(room, one, rooms, options) or given else "unchanged"


def _by_name(one: _Channel, key: str, rooms: Rooms) -> Room | None:
    """The room that a channel without a known id becomes, if there is one."""
    if one.type == "d":
        return rooms.by_key.get(key)
    if one.record.get("general") and rooms.joins(rooms.general, one.ids, one.type):
        return rooms.general
    room = rooms.by_key.get(key)
    return room if room is not None and rooms.joins(room, one.ids, one.type) else None


def _new_room(one: _Channel, key: str, creator: str, options: Options, new_id: NewId) -> Room:
    slugged = "" if one.type == "d" else key.removeprefix("n:")
    document: dict[str, Any] = {"kind": one.record["kind"]} if one.record.get("kind") else {}
    if slugged and slugged != one.name:
        document["displayName"] = one.name
    return Room(
        new_id(),
        one.type,
        slugged,
        key,
        creator,
        clean(one.record.get("topic")),
        clean(one.record.get("purpose")),
        bool(one.record.get("archived")),
        operation_id=options.operation_id,
        created_us=one.record.get("created_us"),
        document=document,
        as_of_us=options.as_of(),
        account=one.ids[0],
        new=True,
        changed=True,
    )


def _create_room(one: _Channel, rooms: Rooms, room: Room) -> None:
    rooms.by_key[room.key] = room
    rooms.give_ids(room, one.ids)
    rooms.touched[room.id] = room
    rooms.became[one.ids[0]] = room


def _update_room(room: Room, one: _Channel, rooms: Rooms, options: Options) -> bool:
    before = _room_facts(room)
    record = one.record
    topic, purpose = clean(record.get("topic")), clean(record.get("purpose"))
    if _room_has_say(room, one, rooms, options):
        room.topic, room.description = topic or room.topic, purpose or room.description
        if not room.general:
            room.archived = bool(record.get("archived")) if record.get("archived") is not None else room.archived
            room.created_us = room.created_us if record.get("created_us") is None else record["created_us"]
            if one.type == "p" and room.type == "c" and room.ids <= set(one.ids):
                room.type = "p"  # closed since
        _rename(room, one, rooms, newer=options.as_of() > room.as_of_us)
        room.as_of_us, room.account = options.as_of(room.as_of_us), one.ids[0]
    else:
        room.topic, room.description = room.topic or topic, room.description or purpose
    if before == _room_facts(room):
        return False
    room.changed = True
    rooms.touched[room.id] = room
    return before[:-2] != _room_facts(room)[:-2]


def _rename(room: Room, one: _Channel, rooms: Rooms, newer: bool) -> None:
    """The built-in room follows the name it has elsewhere (contract 6.3.3); any other that of a newer export, if it is
    that export's own and not one that only shares its name."""
    if one.type == "d" or not (one.record.get("general") if room.general else newer and room.account in one.ids):
        return
    key = named_key(room_slug(one.name))
    if key == room.key or room.document.get("displayName", room.name) == one.name:
        return
    if room.general and not rooms.is_free(key):
        return
    rooms.by_key.pop(room.key, None)
    room.key = rooms.free_key(key)
    room.name = room.key.removeprefix("n:")
    rooms.by_key[room.key] = room
    document = {name: value for name, value in room.document.items() if name != "displayName"}
    room.document = document if room.name == one.name else document | {"displayName": one.name}


def _room_facts(room: Room) -> tuple[Any, ...]:
    shown = (room.topic, room.description, room.archived, room.created_us, room.key, room.type, room.document)
    return (*shown, room.as_of_us, room.account)


def _room_has_say(room: Room, one: _Channel, rooms: Rooms, options: Options) -> bool:
    if options.older_than(room.as_of_us):
        return False
    if room.account is None or room.account in one.ids:
        return True
    return not rooms.named(room.account)


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
    as_of_us: int = 0
    new: bool = False
    changed: bool = False


class Contacts:
    def __init__(self, by_import_id: Mapping[str, Contact], said: Said | None = None) -> None:
        self.by_import_id = dict(by_import_id)
        self.import_ids: dict[str, str] = {}
        self.touched: dict[str, Contact] = {}
        self.said: Said = {} if said is None else said


def plan_contact(
    record: Mapping[str, Any], contacts: Contacts, users: Mapping[str, str], options: Options, new_id: NewId
) -> str:
    """Decides one staged contact that was selected; `users`: lower-case username, or import id -> user id."""
    ids = ids_of(record)
    if not any(record.get(name) for name in ("name", "emails", "phones")):
        return "empty"
    contact = next((contacts.by_import_id[one] for one in ids if one in contacts.by_import_id), None)
    if contact is not None and (again := said_before(contacts.said, ids, record)) is not None:
        return again
    contacts.said.update(dict.fromkeys(ids[:1], record))
    new = contact is None
    if contact is None:
        contact = Contact(new_id(), operation_id=options.operation_id, new=True)
    elif not options.update_existing:
        return "exists"
    shown, as_of_us = _contact_facts(contact), contact.as_of_us
    _update_contact(contact, record, users, options)
    updated = shown != _contact_facts(contact)
    contact.changed = updated or as_of_us != contact.as_of_us
    if contact.changed or new:
        contacts.touched[contact.id] = contact
    for import_id in ids:
        if import_id not in contacts.by_import_id:
            contacts.import_ids[import_id] = contact.id
            contacts.by_import_id[import_id] = contact
    return "created" if new else "updated" if updated else "unchanged"


def _update_contact(contact: Contact, record: Mapping[str, Any], users: Mapping[str, str], options: Options) -> None:
    emails = list(dict.fromkeys(clean(one) for one in record.get("emails") or () if clean(one)))
    phones = list(dict.fromkeys(clean(one) for one in record.get("phones") or () if clean(one)))
    manager = clean(record.get("manager"))
    name, manager_id = clean(record.get("name")), users.get(manager) or users.get(manager.lower())
    custom = json_object(record.get("custom"))
    if not options.older_than(contact.as_of_us):
        contact.name, contact.manager_id = name or contact.name, manager_id or contact.manager_id
        contact.emails, contact.phones = emails or contact.emails, phones or contact.phones
        contact.custom = {**contact.custom, **custom}
        contact.as_of_us = options.as_of(contact.as_of_us)
    else:
        contact.name, contact.manager_id = contact.name or name, contact.manager_id or manager_id
        contact.emails, contact.phones = contact.emails or emails, contact.phones or phones
        contact.custom = {**custom, **contact.custom}
    contact.name = contact.name or f"guest-{contact.id[-6:]}"


def _contact_facts(contact: Contact) -> tuple[Any, ...]:
    return (contact.name, contact.emails, contact.phones, contact.manager_id, contact.custom)
