"""Users, conversations and memberships of a Slack export's lists -> rows. Facts: chat-export-formats.md 2.2 to 2.4."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from douane.chat.importers import json_records
from douane.chat.importers.ledger import Sheets
from douane.chat.importers.slack_layout import Listed, redecoded

WRONG_TYPE = "importer-value-wrong-type"
Problem = tuple[str, str, str]  # severity, code, message


def wrong_type(names: Iterable[str]) -> str:
    """Of a message's members."""
    return f"Values of another kind than they should be are kept as they came, and not shown: {', '.join(names)}."


class Lists:
    """Puts users, conversations and memberships into the sheets; says of each record what is wrong with it."""

    def __init__(self, sheets: Sheets, team: str, members_max: int, folders: Mapping[str, str]) -> None:
        self._sheets = sheets
        self._team = team
        self._members_max = members_max
        self._folders = folders
        self._seen: dict[str, set[str]] = {"users": set(), "channels": set()}

    def add_user(self, record: dict[str, Any], entry: int, position: int) -> Problem | None:
        ids = user_ids(record)
        if not ids:
            return "failed", "importer-user-missing-id", "The user has no id."
        if ids[0] in self._seen["users"]:
            return "skipped", "importer-user-repeated", f"The user {ids[0]} is listed already."
        self._seen["users"].add(ids[0])
        self._sheets.add("users", entry=entry, position=position, ids=ids, **_user(record, self._team))
        return _odd(record, _USER_KINDS)

    def add_channel(self, record: dict[str, Any], root: str, base: str, entry: int, position: int) -> Problem | None:
        one = listed(record, root, base)
        if one is None:
            return "failed", "importer-channel-missing-id", "The conversation has neither id nor name."
        if one.id in self._seen["channels"]:
            return "skipped", "importer-channel-repeated", f"The conversation {one.id} is listed already."
        self._seen["channels"].add(one.id)
        members = _members(record)
        self._sheets.add(
            "channels",
            entry=entry,
            position=position,
            id=one.id,
            ids=[one.id],
            team=self._team,
            name=one.name or None,
            former_names=list(one.former),
            folder=self._folders.get(one.id),
            **_channel(record, base, members, self._members_max),
        )
        self._sheets.add_members(one.id, members)
        return _odd(record, _CHANNEL_KINDS)

    def add_unlisted(self, conversation: str, name: str, folder: str) -> None:
        if conversation in self._seen["channels"]:
            return
        self._seen["channels"].add(conversation)
        comments = name.startswith("FC:")
        direct = _DIRECT.fullmatch(name) is not None
        title = redecoded(name.split(":", 2)[2] if name.count(":") > 1 and comments else name)
        self._sheets.add(
            "channels",
            entry=-1,
            id=conversation,
            ids=[conversation],
            team=self._team,
            kind="file_comments" if comments else "unlisted",
            type="d" if direct else "p",
            name=None if direct else title,
            former_names=[],
            shared=False,
            folder=folder,
        )


# Members of which something is made, and what they should be. Others may be anything.
_TEXT, _NUMBER, _OBJECT, _LIST = "a text", "a number", "an object", "a list"
_USER_KINDS = {
    **dict.fromkeys(("id", "team_id", "name", "real_name", "tz"), _TEXT),
    **dict.fromkeys(("profile", "enterprise_user"), _OBJECT),
    "tz_offset": _NUMBER,
}
_CHANNEL_KINDS = {
    **dict.fromkeys(("id", "name", "creator"), _TEXT),
    **dict.fromkeys(("topic", "purpose"), _OBJECT),
    **dict.fromkeys(("members", "previous_names"), _LIST),
    "created": _NUMBER,
}
_FITS: dict[str, tuple[type, ...]] = {
    _TEXT: (str, int, float),
    _NUMBER: (int, float, str),
    _OBJECT: (dict,),
    _LIST: (list,),
}


def _fits(value: Any, kind: str) -> bool:
    return isinstance(value, _FITS[kind]) and not isinstance(value, bool)


def _odd(record: Mapping[str, Any], kinds: Mapping[str, str]) -> Problem | None:
    odd = [
        f"{name} is not {kind}"
        for name, kind in kinds.items()
        if (value := record.get(name)) is not None and not _fits(value, kind)
    ]
    return ("warning", WRONG_TYPE, f"Values of another kind were left out: {', '.join(odd)}.") if odd else None


_DIRECT = re.compile(r"D[A-Z0-9]{7,}", re.ASCII)


def part(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    part = record.get(name)
    return part if isinstance(part, dict) else {}


def user_ids(record: Mapping[str, Any]) -> list[str]:
    found = (json_records.text(record.get("id")), json_records.text(part(record, "enterprise_user").get("id")))
    return list(dict.fromkeys(plain(one) for one in found if one))


def plain(value: str) -> str:
    return value.replace("\0", "")


def _told(record: Mapping[str, Any], *names: str) -> str | None:
    """The first of these members that says something."""
    for name in names:
        value = record.get(name)
        if value is not None and (said := value if type(value) is str else json_records.text(value)):
            return plain(said)
    return None


def _user(record: Mapping[str, Any], team: str) -> dict[str, Any]:
    """Contract 5.2 and 2.2: what a row of `users` says of a person."""
    profile = part(record, "profile")
    user = _told(record, "id")
    bot = record.get("is_bot") is True
    roles = (
        ("system", user == "USLACKBOT"),
        ("bot", bot),
        ("owner", record.get("is_owner") is True or record.get("is_primary_owner") is True),
        ("admin", record.get("is_admin") is True),
        ("guest_single", record.get("is_ultra_restricted") is True),
        ("guest", record.get("is_restricted") is True),
        ("external", record.get("is_stranger") is True),
    )
    email = _told(profile, "email")
    offset = record.get("tz_offset")
    fields = profile.get("fields")
    return {
        "id": user,
        "team": _told(record, "team_id") or team,
        "username": _told(record, "name"),
        "name": _told(profile, "real_name") or _told(record, "real_name", "name"),
        "display_name": _told(profile, "display_name"),
        "emails": [email] if email else [],
        "type": "bot" if bot else "user",
        "role": next((role for role, has in roles if has), "member"),
        "roles": ["bot"] if bot else [],
        "deleted": record.get("deleted") is True,
        "origin": "list",
        "utc_offset": offset / 3600 if isinstance(offset, int | float) and abs(offset) <= 86_400 else None,
        "zone": _told(record, "tz"),
        "title": _told(profile, "title"),
        "phone": _told(profile, "phone"),
        "status_text": _told(profile, "status_text"),
        "avatar": _told(profile, "image_original", "image_512", "image_192", "image_72"),
        "custom": json.dumps(fields, ensure_ascii=False) if isinstance(fields, dict) and fields else None,
    }


_KINDS = {"channels.json": "public", "groups.json": "private", "mpims.json": "group_dm", "dms.json": "dm"}


def listed(record: Mapping[str, Any], root: str, base: str) -> Listed | None:
    """None where it can be neither named nor found."""
    name = _told(record, "name") if base != "dms.json" else None
    conversation = _told(record, "id") or name
    if conversation is None:
        return None
    former = record.get("previous_names")
    texts = (json_records.text(one) for one in former) if isinstance(former, list) else ()
    names = tuple(plain(one) for one in texts if one)
    public = base == "channels.json" and record.get("is_private") is not True
    return Listed(conversation, root, name or "", names, record.get("is_archived") is True, public)


def _members(record: Mapping[str, Any]) -> list[str]:
    """Each once. slackdump names the other person of a direct conversation only, as `user` (2.4)."""
    given = record.get("members")
    if not isinstance(given, list):
        given = [record.get("user")]
    try:
        plainly = "\0" not in "".join(given) and "" not in given
    except TypeError:  # one of them is no text
        plainly = False
    if plainly:
        return list(dict.fromkeys(given))
    return list(dict.fromkeys(plain(member) for one in given if (member := json_records.text(one))))


def _channel(record: Mapping[str, Any], base: str, members: list[str], members_max: int) -> dict[str, Any]:
    """Contract 5.2's table of rooms, and 2.3 and 2.4."""
    kind = _KINDS[base]
    if record.get("is_mpim") is True:
        kind = "group_dm"
    elif record.get("is_im") is True:
        kind = "dm"
    elif kind == "public" and record.get("is_private") is True:
        kind = "private"
    if kind == "dm" and len(members) == 1 and isinstance(record.get("members"), list):
        kind = "self_dm"
    types = {"public": "c", "private": "p", "group_dm": "p" if len(members) > members_max else "d"}
    created = json_records.whole(record.get("created"))
    return {
        "kind": kind,
        "type": types.get(kind, "d"),
        "topic": _told(part(record, "topic"), "value"),
        "purpose": _told(part(record, "purpose"), "value"),
        "creator": _told(record, "creator"),
        "created_us": created * 1_000_000 if created and 1 < created < 10**11 else None,
        "archived": record.get("is_archived") is True,
        "general": record.get("is_general") is True,
        "shared": any(record.get(f"is_{how}shared") is True for how in ("", "ext_", "org_")),
    }
