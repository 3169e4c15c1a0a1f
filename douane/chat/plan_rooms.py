"""What a run makes of channels: which room each is, and what is taken over of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from douane.chat.plan_records import (
    Named,
    NewId,
    Options,
    Said,
    clean,
    ids_of,
    nobody,
    room_slug,
    said_before,
)

MISSING_NAME = "importer-channel-missing-name"
MISSING_IMPORT_ID = "importer-channel-missing-import-id"
MISSING_USERS = "importer-channel-missing-users"
INVALID_CREATOR = "importer-channel-invalid-creator"


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
    document |= _marked(one, options)
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


def _marked(one: _Channel, options: Options) -> dict[str, str]:
    """How topic and description are to be read, if there is any."""
    told = clean(one.record.get("topic")) or clean(one.record.get("purpose"))
    return {"markup": options.markup} if told and options.markup else {}


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
        room.document = room.document | _marked(one, options)
        if not room.general:
            room.archived = bool(record.get("archived")) if record.get("archived") is not None else room.archived
            room.created_us = room.created_us if record.get("created_us") is None else record["created_us"]
            if one.type == "p" and room.type == "c" and room.ids <= set(one.ids):
                room.type = "p"  # closed since
        _rename(room, one, rooms, newer=options.as_of() > room.as_of_us)
        room.as_of_us, room.account = options.as_of(room.as_of_us), one.ids[0]
    else:
        room.document = _marked(one, options) | room.document
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
