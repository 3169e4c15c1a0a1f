"""Exports of products that nobody on this shelf reads, told by their signs (chat-export-formats.md 13), so that whoever
brings one hears what it is instead of what it is not.

`product(upload)` looks at the names in an archive, and at the beginning of a few entries or of the file itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from douane.archive_packed import Entries
from douane.chat.importers.upload import Upload
from douane.errors import BadFile

_LOOKED_AT = 12  # entries whose beginning is read
_NAMES_MAX = 200_000
_HEAD_BYTES = 4096

# Of names in an archive, whatever folders are around everything.
_NAMES = (
    ("Discord", r"messages/(?:index\.json|c?\d{15,}/(?:channel|messages)\.(?:json|csv))"),
    ("Zulip", r"(?:realm\.json|messages-\d{6}\.json(?:\.partial)?)"),
    ("Microsoft Teams", r"(?:teams/teamsList\.json|users/usersList\.json|teams/[^/]+/messages_[^/]+\.json)"),
    ("Rocket.Chat database", r"rocketchat_[a-z_]+\.(?:bson|metadata\.json)(?:\.gz)?"),
    ("Google Chat", r"(?:Google Chat/(?:Groups|Users)/.+|Hangouts/Hangouts)\.json"),
    ("Mattermost", r"actiance_export\.xml"),
    ("Instagram", r"your_instagram_activity/messages/inbox/[^/]+/message_\d+\.(?:json|html)"),
    ("Facebook Messenger", r"messages/inbox/[^/]+/message_\d+\.(?:json|html)"),
    ("Matrix", r"matrix - [^/]+/messages\d*\.(?:html|json|txt)"),
    ("WhatsApp", r"(?:_chat\.txt|WhatsApp Chat[^/]*\.txt)"),
    ("Telegram", r"(?:export_results\.html|chats/chat_\d+/messages\d*\.html|lists/chats\.html|messages\d*\.html)"),
    ("Signal", r"signal-\d{4}-\d\d-\d\d[^/]*\.backup"),
    ("slackdump database", r"slackdump\.sqlite"),
    ("Webex", r"(?:webex_[a-z]+|spaces)/[^/]+/(?:messages|space)\.json"),
)
_FIND = [(name, re.compile(rf"(?:.*/)?{pattern}", re.IGNORECASE)) for name, pattern in _NAMES]

# Exports as text and as tables, by how they begin. A line of Android's WhatsApp has no seconds; one of Element's has.
_TEXTS = (
    ("Matrix", r"\d{1,4}[/.\-]\d{1,2}[/.\-]\d{1,4}, \d{1,2}:\d{2}:\d{2}(?:[\s\u202f\xa0]?[AaPp][Mm])? - [^\n]+"),
    ("Discord", r"={20,}\r?\nGuild: |AuthorID,Author,Date,Content,Attachments"),
    ("Mattermost", r"Post Creation Time,Team Id,"),
)
_READ = [(name, re.compile(pattern)) for name, pattern in _TEXTS]
_PAGE = re.compile(r"\s*(?:<!doctype html|<html)", re.IGNORECASE)
_PAGES = (("Matrix", "mx_"), ("Discord", "chatlog"), ("Discord", "preamble__"))
_WHATSAPP_LINE = re.compile(
    r"[\u200e\u200f\ufeff]*\[?\d{1,4}[/.\-]\d{1,2}[/.\-]\d{1,4}[,.]?\s[^:\]\n]{0,12}?\d{1,2}[:.]\d{2}(?:[:.]\d{2})?"
    r"(?:[\s\u202f\xa0]?[ap]\.?\s?m\.?)?(?:\]| -) [^\n]+",
    re.IGNORECASE,
)
_KEY = r'"{}"\s*:\s*'
# Of how a JSON file begins: all of its patterns are there.
_HEADS = (
    ("Mattermost", (r'\{\s*"type"\s*:\s*"version"',)),
    ("Discord", (_KEY.format("guild") + r"\{", _KEY.format("channel") + r"\{")),
    ("Telegram", (_KEY.format("about"), _KEY.format("(?:personal_information|chats|contacts)"))),
    ("Telegram", (_KEY.format("date_unixtime"), _KEY.format("(?:from|actor|text)"))),
    (
        "Telegram",
        (_KEY.format("type") + r'"(?:personal_chat|private_\w+|public_\w+|bot_chat|saved_messages)"', r'"messages"'),
    ),
    ("Skype or Teams", (_KEY.format("conversations") + r"\[", _KEY.format("(?:MessageList|userId|exportDate)"))),
    ("Microsoft Teams", (_KEY.format("[mM]essageType"), _KEY.format("[cC]reatedDateTime"))),
    ("Matrix", (_KEY.format("room_(?:id|name)"), _KEY.format("messages") + r"\[", r"m\.room\.")),
    ("Google Chat", (_KEY.format("messages") + r"\[", _KEY.format("creator"), _KEY.format("created_date"))),
    ("Facebook Messenger", (_KEY.format("participants") + r"\[", _KEY.format("(?:sender_name|timestamp_ms)"))),
    ("Facebook Messenger", (_KEY.format("threadName"), _KEY.format("senderName"))),
    ("Signal", (_KEY.format("version"), _KEY.format("backupTimeMs"))),
    ("Signal", (_KEY.format("sent_at") + r"\d{13}", _KEY.format("(?:conversationId|sourceUuid|sourceServiceId)"))),
    ("Rocket.Chat room", (r'^\s*\[?\s*\{\s*"msg"\s*:', _KEY.format("username"), _KEY.format("ts"))),
    ("Zulip", (_KEY.format("zerver_[a-z]+"),)),
)
_LOOK = [(name, [re.compile(pattern) for pattern in patterns]) for name, patterns in _HEADS]
_TEXT_NAMES = re.compile(r".+\.(?:jsonl?|ndjson|txt|html|csv)", re.IGNORECASE)


def product(upload: Upload) -> str | None:
    """Whose export this is, as a person would call it; None where nothing tells."""
    try:
        if not upload.packed:
            return _by_head(_text(upload.head[:_HEAD_BYTES]))
        return _by_names(upload.entries) or next(filter(None, map(_by_head, _heads(upload.entries))), None)
    except BadFile:
        return None


def _by_names(archive: Entries) -> str | None:
    for number in range(min(len(archive), _NAMES_MAX)):
        name = archive.names[number]
        for product_name, pattern in _FIND:
            if pattern.fullmatch(name):
                # Element's pages are called as Telegram's are.
                page = _by_page(_text(head_of(archive, number, _HEAD_BYTES))) if name.endswith(".html") else None
                return page or product_name
    return None


def _heads(archive: Entries) -> Iterator[str]:
    """How the first few texts of an archive begin."""
    looked = 0
    for number in range(min(len(archive), _NAMES_MAX)):
        name = archive.names[number]
        if looked < _LOOKED_AT and _TEXT_NAMES.fullmatch(name) and "__MACOSX" not in name:
            looked += 1
            yield _text(head_of(archive, number, _HEAD_BYTES))


def head_of(archive: Entries, number: int, bytes_max: int) -> bytes:
    """How an entry begins; nothing where it cannot be read."""
    entry = archive.entry(number)
    try:
        return next(iter(archive.open(entry)), b"")[:bytes_max] if entry.is_file else b""
    except BadFile:
        return b""


def _by_page(head: str) -> str | None:
    return next((name for name, sign in _PAGES if sign in head), None) if _PAGE.match(head) else None


def is_page(head: bytes) -> bool:
    """Whether it is a web page: mostly one to sign in, in place of what is behind."""
    return _PAGE.match(_text(head)) is not None


def _by_head(head: str) -> str | None:
    if found := next((name for name, pattern in _READ if pattern.match(head)), None) or _by_page(head):
        return found
    if _WHATSAPP_LINE.fullmatch(head.split("\n", 1)[0].rstrip("\r")):
        return "WhatsApp"
    if not head.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        return None
    return next((name for name, patterns in _LOOK if all(pattern.search(head) for pattern in patterns)), None)


def _text(head: bytes) -> str:
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return head[: len(head) & ~1].decode("utf-16", "replace")
    return head.decode("utf-8", "replace").removeprefix("\ufeff")
