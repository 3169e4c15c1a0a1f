"""What a run makes of users: who each is, what is taken over of them, and what they are called."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from douane.chat.plan_records import (
    Named,
    NewId,
    Options,
    Said,
    addresses_of,
    clean,
    ids_of,
    json_object,
    nobody,
    said_before,
    slug,
)

PRIVILEGED = frozenset({"admin"})  # roles that an import neither gives nor takes unless it was asked to
DEFAULT_ROLES = ("user",)
NAMES_NOBODY_GETS = frozenset({"all", "here"})
USERNAME_CHARS = 300
MISSING_EMAIL_AND_USERNAME = "importer-user-missing-email-and-username"
INVALID_USER = "importer-user-invalid"
TAKEN = {
    "import_id": "importer-user-import-id-taken",
    "email": "importer-user-email-taken",
    "username": "importer-user-username-taken",
}


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
