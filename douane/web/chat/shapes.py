"""The words of a workspace under `/api/v1`, in Rocket.Chat's shapes: people, rooms, messages and what hangs on them.

Source: section 5 of the contract (shared reference `chat-import-contract.md`) and Rocket.Chat's own answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from douane.chat.markup import emoji_name
from douane.chat.tokens import without
from douane.web.chat import wire

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What a kind of message is called there; ordinary ones have no such word (contract 5.2).
_SYSTEM = {
    "join": "uj",
    "leave": "ul",
    "topic": "room_changed_topic",
    "purpose": "room_changed_description",
    "rename": "r",
    "pin": "message_pinned",
    "archive": "room-archived",
    "unarchive": "room-unarchived",
}
_NOT_GROUPED = frozenset({"join", "leave", "topic", "purpose", "rename", "archive", "unarchive"})
# Kinds and subtypes that are talk; what is of another is told under its subtype's own name.
_TALK = frozenset({"text", "me", "bot", "file"})
_TALK_SUBTYPES = frozenset(
    {"", "me_message", "bot_message", "slackbot_response", "thread_broadcast", "file_share", "file_comment"}
)
ROLES = ("admin", "user", "bot", "guest", "moderator", "owner", "leader", "app", "livechat-agent", "livechat-manager")

People = Mapping[str, tuple[str, str, str]]
Rooms = Mapping[str, tuple[str, str]]


def user(found: Mapping[str, Any], address: str) -> dict[str, Any]:
    document = found["document"]
    shown: dict[str, Any] = {
        "_id": found["id"],
        "username": found["username"],
        "name": found["name"],
        "type": found["type"],
        "status": "offline",
        "active": found["active"],
        "roles": found["roles"],
        "emails": found["emails"],
        "importIds": found["import_ids"],
        "createdAt": wire.time(found["created_at"]),
        "_updatedAt": wire.time(found["updated_at"]),
        "avatarUrl": f"{address}/api/v1/users.getAvatar?userId={found['id']}" if found["has_avatar"] else "",
    }
    shown |= {name: value for name, value in document.items() if name not in shown}
    if found["placeholder"]:
        shown["placeholder"] = True
    return shown


def room(found: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "_id": found["id"],
        "t": found["type"],
        "msgs": found["messages"],
        "usersCount": found["members"],
        "importIds": found["import_ids"],
        "ts": wire.time(found["created_at"]),
        "_updatedAt": wire.time(found["updated_at"]),
        "archived": found["archived"],
        "ro": False,
    }
    if found["name"]:
        shown |= {"name": found["name"], "fname": (found["document"] or {}).get("displayName") or found["name"]}
    if found["creator_id"]:
        shown["u"] = {"_id": found["creator_id"]}
    for name in ("topic", "description"):
        if found[name]:
            shown[name] = (found.get("rendered") or {}).get(name, found[name])
    if found["general"]:
        shown["default"] = True
    if found["last_message_at"] is not None:
        shown["lm"] = wire.time(found["last_message_at"])
    if found["type"] == "d":
        shown["uids"] = [id for id, _ in found["people"]]
        shown["usernames"] = [username for _, username in found["people"]]
    return shown


def changed_after(found: Mapping[str, Any], since_us: int) -> bool:
    """Whether a room changed at that time or after it."""
    changed = (found["updated_at"] - _EPOCH) // timedelta(microseconds=1)  # an offset may put `since_us` before year 1
    return bool(changed >= since_us)


def subscription(found: Mapping[str, Any], user: Mapping[str, Any]) -> dict[str, Any]:
    """A room as one of its members has it: all of it was read."""
    own = room(found)
    name = own.get("name") or ", ".join(one for one in own.get("usernames", ()) if one != user["username"])
    return {
        "_id": f"{found['id']}{user['id']}",
        "rid": found["id"],
        "t": found["type"],
        "name": name,
        "fname": own.get("fname") or name,
        "u": {"_id": user["id"], "username": user["username"], "name": user["name"]},
        "open": True,
        "alert": False,
        "unread": 0,
        "userMentions": 0,
        "groupMentions": 0,
        "roles": ["owner"] if found["creator_id"] == user["id"] else [],
        "ts": own["ts"],
        "ls": own.get("lm") or own["ts"],
        "_updatedAt": own["_updatedAt"],
    }


def room_file(found: Mapping[str, Any]) -> dict[str, Any]:
    """A file with the message that it came with."""
    who = {"_id": found["user_id"], "username": found["username"], "name": found["name_of_user"]}
    return {
        **_file(found),
        "rid": found["room_id"],
        "userId": found["user_id"],
        "user": who,
        "messageId": found["message_id"],
        "uploadedAt": _moment(found["created_us"] or found["ts_us"]),
    }


def role(name: str) -> dict[str, Any]:
    scope = "Subscriptions" if name in ("moderator", "owner", "leader") else "Users"
    return {"_id": name, "name": name, "scope": scope, "description": "", "protected": True, "mandatory2fa": False}


def member(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "_id": found["user_id"],
        "username": found["username"],
        "name": found["name"],
        "status": "offline",
        "rid": found["room_id"],
    }


def contact(found: Mapping[str, Any]) -> dict[str, Any]:
    shown = {
        "_id": found["id"],
        "name": found["name"],
        "emails": [{"address": address} for address in found["emails"]],
        "phones": [{"phoneNumber": number} for number in found["phones"]],
        "customFields": found["custom"],
        "unknown": False,
        "importIds": found["import_ids"],
        "createdAt": wire.time(found["created_at"]),
        "_updatedAt": wire.time(found["updated_at"]),
    }
    if found["manager_id"]:
        shown["contactManager"] = found["manager_id"]
    return shown


@dataclass(frozen=True, slots=True)
class Named:
    """The import ids that messages speak of."""

    users: list[str]
    rooms: list[str]


def named_in(messages: Iterable[Mapping[str, Any]]) -> Named:
    users: dict[str, None] = {}
    rooms: dict[str, None] = {}
    for found in messages:
        users.update((one["user"], None) for one in found["reactions"] if one["user"])
        users.update((one["target"], None) for one in found["mentions"] if one["kind"] == "user" and one["target"])
        rooms.update((one["target"], None) for one in found["mentions"] if one["kind"] == "channel" and one["target"])
        if found["edited_by"]:
            users[found["edited_by"]] = None
        users.update((one["user"], None) for one in found.get("edits", ()) if one["user"])
    return Named(list(users), list(rooms))


def message(found: Mapping[str, Any], people: People, rooms: Rooms) -> dict[str, Any]:
    """One message. Its text is rendered; `importText` is what the export has."""
    kind = found["kind"]
    text = found.get("rendered")
    text = (found["text"] or "") if text is None else text
    moment = _moment(found["ts_us"])
    shown: dict[str, Any] = {
        "_id": found["id"],
        "rid": found["room_id"],
        "msg": f"_{text}_" if kind == "me" and text else text,
        "ts": moment,
        "u": {"_id": found["user_id"], "username": found["username"], "name": found["name"]},
        "_updatedAt": _moment(found["edited_us"]) if found["edited_us"] else moment,
        "importTs": found["ts_us"],
        "importText": found["text"],
    }
    if (type := _type(kind, found["subtype"] or "")) is not None:
        shown["t"] = type
    if kind in _NOT_GROUPED:
        shown["groupable"] = False
    for name in ("alias", "emoji"):
        if found[name]:
            shown[name] = found[name]
    if kind == "bot":
        shown["bot"] = True
    shown |= _thread(found)
    if found["edited_us"]:
        shown["editedAt"] = _moment(found["edited_us"])
        if found["edited_by"] in people:
            id, username, _ = people[found["edited_by"]]
            shown["editedBy"] = {"_id": id, "username": username}
    if found["pinned"]:
        shown["pinned"] = True
    if reactions := _reactions(found["reactions"], people):
        shown["reactions"] = reactions
    if unnamed := sum(one["count"] or 0 for one in found["reactions"] if not one["user"]):
        shown["importReactionsUnnamed"] = unnamed
    shown |= _mentions(found["mentions"], people, rooms)
    if found.get("cards"):
        shown["attachments"] = found["cards"]
    elif found["attachments"]:
        # As the export has them; numbers that no program holds would keep a whole page from being shown.
        with suppress(msgspec.DecodeError, RecursionError):
            shown["attachments"] = msgspec.json.decode(found["attachments"])
    if found["files"]:
        shown["files"] = [_file(one) for one in found["files"]]
    for name, key in (("blocks", "importBlocks"), ("original", "importOriginal")):
        if found.get(name):
            with suppress(msgspec.DecodeError, RecursionError):
                shown[key] = msgspec.json.decode(found[name])
    if found.get("edits"):
        shown["importEdits"] = [_edit(one, people) for one in found["edits"]]
    nothing = not (text or shown.get("attachments") or found["files"] or "importBlocks" in shown)
    if found["hidden"] or nothing:
        shown["_hidden"] = True
    return shown


def _type(kind: str, subtype: str) -> str | None:
    """What a message is called that is no talk: by Rocket.Chat's word where it has one, else by the export's."""
    if kind in _SYSTEM:
        return _SYSTEM[kind]
    if kind in _TALK and subtype in _TALK_SUBTYPES:
        return None
    return subtype or kind


def _edit(one: Mapping[str, Any], people: People) -> dict[str, Any]:
    """What an edit, or a deletion, says the message was before."""
    shown: dict[str, Any] = {"type": one["kind"], "at": _moment(one["at_us"]), "text": one["text"]}
    if one["user"] in people:
        id, username, _ = people[one["user"]]
        shown["by"] = {"_id": id, "username": username}
    return shown


def _thread(found: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if found["thread"] and found["thread"] != found["id"]:
        shown["tmid"] = found["thread"]
        if found["broadcast"]:
            shown["tshow"] = True
    elif found["thread"]:
        if found.get("repliers"):
            shown["replies"] = found["repliers"]
        if found["replies"] is not None:
            shown["tcount"] = found["replies"]
        if found["last_reply_us"]:
            shown["tlm"] = _moment(found["last_reply_us"])
    return shown


def _reactions(reactions: Iterable[Mapping[str, Any]], people: People) -> dict[str, Any]:
    """Each emoji under its own name, with the users that are known (6.4)."""
    shown: dict[str, dict[str, Any]] = {}
    for one in reactions:
        name = f":{emoji_name(one['name'], one['tone'] or 0, 'rocketchat')}:"
        entry = shown.setdefault(name, {"name": name, "usernames": []})
        if one["user"] in people and people[one["user"]][1] not in entry["usernames"]:
            entry["usernames"].append(people[one["user"]][1])
    return {name: entry for name, entry in shown.items() if entry["usernames"]}


def _mentions(mentions: Iterable[Mapping[str, Any]], people: People, rooms: Rooms) -> dict[str, Any]:
    users: list[dict[str, Any]] = []
    channels: list[dict[str, Any]] = []
    for one in mentions:
        match one["kind"]:
            case "user" if one["target"] in people:
                id, username, name = people[one["target"]]
                users.append({"_id": id, "username": username, "name": name, "type": "user"})
            case "here":
                users.append({"_id": "here", "username": "here"})
            case "channel_all" | "everyone":
                users.append({"_id": "all", "username": "all"})
            case "channel" if one["target"] in rooms:
                id, name = rooms[one["target"]]
                channels.append({"_id": id, "name": name})
    return {"mentions": users, "channels": channels}


def _file(found: Mapping[str, Any]) -> dict[str, Any]:
    shown = {
        "_id": found["id"],
        "name": found["name"],
        "title": found["title"],
        "type": found["media_type"],
        "size": found["size"],
        "state": found["state"],
    }
    if found["state"] == "external" and found["url"]:
        shown["url"] = without(found["url"])  # the file lies elsewhere: its link is all there is
    if found.get("original"):  # what a snippet, an e-mail or a canvas shows of itself stands nowhere else
        with suppress(msgspec.DecodeError, RecursionError):
            shown["importOriginal"] = msgspec.json.decode(found["original"])
    return shown


def _moment(microseconds: int | None) -> str | None:
    """ISO 8601 in milliseconds, without a detour over floats; `importTs` keeps the microseconds."""
    if microseconds is None:
        return None
    try:
        return wire.time(_EPOCH + timedelta(microseconds=microseconds))
    except OverflowError:  # no calendar has it
        return None
