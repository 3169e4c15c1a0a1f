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
"""

from __future__ import annotations

from douane.chat.plan_contacts import Contact, Contacts, plan_contact
from douane.chat.plan_records import NewId, Options, Said, addresses_of, clean, ids_of, room_slug, slug
from douane.chat.plan_rooms import Room, Rooms, plan_room, room_keys
from douane.chat.plan_users import (
    People,
    User,
    placeholder_of,
    plan_inferred,
    plan_user,
    username_candidates,
    username_of,
)

__all__ = [
    "Contact",
    "Contacts",
    "NewId",
    "Options",
    "People",
    "Room",
    "Rooms",
    "Said",
    "User",
    "addresses_of",
    "clean",
    "ids_of",
    "placeholder_of",
    "plan_contact",
    "plan_inferred",
    "plan_room",
    "plan_user",
    "room_keys",
    "room_slug",
    "slug",
    "username_candidates",
    "username_of",
]
