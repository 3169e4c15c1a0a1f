"""The records in a Slack export's JSON: their typed shape, and how one that does not fit is made into it.

Whole day files decode typed, with wide types and the parts nobody asks for left as bytes (`decode_messages`). A file
that does not fit goes down the ladder of `json_records.py`, which leaves single objects (`messages`). Facts about the
format are of chat-export-formats.md section 2.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Raw, Struct

from douane.chat.importers.json_records import NOT_AN_OBJECT, UNFIT, Damage, excerpt, items, load, parse, text, whole
from douane.chat.markup import escape


class Edited(Struct, gc=False):
    user: str | None = None
    ts: str | None = None


class Reaction(Struct, gc=False):
    name: str
    users: list[str] | None = None
    count: int | None = None


class Named(Struct, gc=False):
    name: str | None = None


class Icons(Struct, gc=False):
    emoji: str | None = None


class Comment(Struct, gc=False):
    user: str | None = None
    comment: str | None = None


class Message(Struct, gc=False):
    """A message as far as nearly all are staged. Names that are not here are skipped over, and the fewer there are and
    the nearer they come to Slack's own order, the faster that goes."""

    subtype: str | None = None
    user: str | None = None
    type: Literal["message"] | None = None
    ts: str | None = None
    bot_id: str | None = None
    bot_profile: Named | None = None
    username: str | None = None
    icons: Icons | list[None] | None = None
    text: str | None = None
    files: list[Raw] | None = None
    attachments: Raw = None  # type: ignore[assignment]  # msgspec allows no union with Raw
    thread_ts: str | None = None
    reply_count: int | None = None
    latest_reply: str | None = None
    reactions: list[Reaction] | None = None
    edited: Edited | None = None
    pinned_to: list[str] | None = None
    hidden: bool | None = None
    topic: str | None = None
    purpose: str | None = None
    name: str | None = None


class Lines(Struct, gc=False, forbid_unknown_fields=True):
    """What somebody typed without lists, quotes or code."""

    type: Literal["rich_text_section"]
    elements: Raw


class Typed(Struct, gc=False, forbid_unknown_fields=True):
    type: Literal["rich_text"]
    elements: tuple[Lines]
    block_id: Raw = None  # type: ignore[assignment]


class Passed(Struct, gc=False):
    """An object of which nothing is kept."""


class Ordinary(Message, gc=False, forbid_unknown_fields=True):
    """A message without anything that has to be looked at closely, but that its blocks may say more than its text."""

    blocks: Raw = None  # type: ignore[assignment]
    client_msg_id: str | None = None
    inviter: str | None = None
    root: Raw = None  # type: ignore[assignment]
    # What Slack writes into messages of every kind, of which nothing is shown. To pass these over by name takes no
    # longer than to pass over all that is unknown, of which nobody would hear.
    team: str | None = None
    user_team: str | None = None
    source_team: str | None = None
    user_profile: Raw = None  # type: ignore[assignment]
    parent_user_id: str | None = None
    reply_users: list[str] | None = None
    reply_users_count: int | None = None
    replies: list[Passed] | None = None
    subscribed: bool | None = None
    is_locked: bool | None = None
    last_read: str | None = None
    display_as_bot: bool | None = None
    upload: bool | None = None
    app_id: str | None = None
    event_ts: str | None = None
    channel: str | None = None
    channel_type: str | None = None
    no_notifications: bool | None = None
    permalink: str | None = None
    is_starred: bool | None = None
    unread_count: int | None = None
    # What a few notices of nearly every day have. A message that has one of these is no ordinary one, but for its sake
    # the others of its day need not be decoded one by one.
    file: Raw = None  # type: ignore[assignment]
    comment: Raw = None  # type: ignore[assignment]
    room: Raw = None  # type: ignore[assignment]
    item: Raw = None  # type: ignore[assignment]
    item_type: Raw = None  # type: ignore[assignment]
    metadata: Raw = None  # type: ignore[assignment]
    x_files: Raw = None  # type: ignore[assignment]
    old_name: Raw = None  # type: ignore[assignment]


class Full(Message, gc=False):
    """The members besides that a few messages need: notices of some kinds, texts that stand elsewhere, strangers."""

    file: Raw = None  # type: ignore[assignment]
    blocks: Raw = None  # type: ignore[assignment]
    metadata: Raw = None  # type: ignore[assignment]
    x_files: Raw = None  # type: ignore[assignment]
    inviter: Raw = None  # type: ignore[assignment]
    item: Raw = None  # type: ignore[assignment]
    call: Raw = None  # type: ignore[assignment]
    root: Raw = None  # type: ignore[assignment]
    old_name: Raw = None  # type: ignore[assignment]
    members: Raw = None  # type: ignore[assignment]
    bot_link: Raw = None  # type: ignore[assignment]
    permalink: Raw = None  # type: ignore[assignment]
    deleted_ts: str | None = None
    client_msg_id: str | None = None
    # No members, so that a file has nothing under their names: the blocks as they are staged, what no other column
    # holds, and what of that is told as it is decoded.
    shown: None = None
    rest: None = None
    other: None = None
    user_profile: Raw = None  # type: ignore[assignment]
    comment: Comment | None = None
    room: Raw = None  # type: ignore[assignment]
    message: Raw = None  # type: ignore[assignment]
    previous_message: Raw = None  # type: ignore[assignment]
    original: Raw = None  # type: ignore[assignment]


class Counted(Struct, gc=False):
    """A message as far as it is counted."""

    subtype: str | None = None
    user: str | None = None
    type: Literal["message"] | None = None
    ts: str | None = None
    client_msg_id: str | None = None
    text: str | None = None
    blocks: Raw = None  # type: ignore[assignment]
    files: list[Raw] | None = None
    attachments: Raw = None  # type: ignore[assignment]
    thread_ts: str | None = None
    reactions: list[Reaction] | None = None
    topic: str | None = None
    purpose: str | None = None
    name: str | None = None
    metadata: None = None
    x_files: None = None
    edited: Edited | None = None
    file: None = None
    slackdump_thread_replies: None = None
    # Of another kind than they should be, they are told of: so whatever `Full` would not take is not taken here.
    bot_id: str | None = None
    bot_profile: Named | None = None
    username: str | None = None
    icons: Icons | list[None] | None = None
    reply_count: int | None = None
    latest_reply: str | None = None
    pinned_to: list[str] | None = None
    hidden: bool | None = None
    comment: Comment | None = None
    deleted_ts: str | None = None


class Shared(Struct, gc=False):
    """A file object as far as it is staged; the whole of it is kept beside."""

    id: str | None = None
    name: str | None = None
    title: str | None = None
    mimetype: str | None = None
    filetype: str | None = None
    mode: str | None = None
    size: int | float | None = None
    is_external: bool | None = None
    external_type: str | None = None
    url_private: str | None = None
    url_private_download: str | None = None
    permalink: str | None = None
    user: str | None = None
    created: int | float | None = None
    timestamp: int | float | None = None
    file_access: str | None = None


# Members that have a place of their own, or none.
_HELD = frozenset((*Full.__struct_fields__, *Ordinary.__struct_fields__)) - {"shown", "rest", "other", "item_type"}
_NOTHING: tuple[Any, ...] = (None, "", [])
decode_raws: Callable[[bytes], list[Raw]] = msgspec.json.Decoder(list[Raw]).decode
decode_messages: Callable[[bytes], list[Ordinary]] = msgspec.json.Decoder(list[Ordinary]).decode
decode_full: Callable[[bytes], list[Full]] = msgspec.json.Decoder(list[Full]).decode
decode_counted: Callable[[bytes], list[Counted]] = msgspec.json.Decoder(list[Counted]).decode
decode_ordinary: Callable[[Raw], Ordinary] = msgspec.json.Decoder(Ordinary).decode
decode_count: Callable[[Raw], Counted] = msgspec.json.Decoder(Counted).decode
_decode_file: Callable[[str], Shared] = msgspec.json.Decoder(Shared).decode
_decode_files: Callable[[str], list[Shared | None]] = msgspec.json.Decoder(list[Shared | None]).decode
decode_one: Callable[[bytes | Raw], Full] = msgspec.json.Decoder(Full).decode
_decode_members: Callable[[bytes | Raw], dict[str, Raw]] = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_typed: Callable[[str], tuple[Typed]] = msgspec.json.Decoder(tuple[Typed]).decode  # type: ignore[assignment]


# How Slack begins, goes on and ends the blocks of what somebody typed without lists, quotes or code. Between come the
# block's id, and the words.
_TYPED, _TYPED_LINES, _TYPED_END = (
    '[{"type":"rich_text","block_id":"',
    '","elements":[{"type":"rich_text_section","elements":[',
    "]}]}]",
)
_SAID = '"text":"'
_SAID_BYTES = len(_SAID)
# The same as it stands in a day file.
_BEGIN, _LINES, _END = (
    json.dumps([{"blocks": json.loads(f"{_TYPED}%{_TYPED_LINES}0{_TYPED_END}")}], indent=4)
    .removeprefix('[\n    {\n        "blocks": ')
    .removesuffix("\n    }\n]")
    .replace("0", "%")
    .encode()
    .split(b"%")
)
_TYPED_AT, _ID_AT, _END_BYTES = len(_TYPED), len(_BEGIN), len(_END.lstrip())
_SAID_APART = b'"text": "'


def saying(blocks: Raw, text: str) -> bool:
    """Whether blocks are `typed` and say no more than `text` does.

    Both is seen by how they begin and end in the form that Slack writes, and that no list ends before theirs: to decode
    the blocks of each message takes longer than all else that is done for it."""
    raw = bytes(blocks)
    if (
        raw.startswith(_BEGIN)
        and raw.startswith(_LINES, raw.find(b'"', _ID_AT))
        and raw.endswith(_END)
        and raw.find(b"]") == len(raw) - _END_BYTES
    ):
        if (at := raw.rfind(_SAID_APART)) < 0:
            return True
        at += len(_SAID_APART)
        return not _other_words(str(raw[at : raw.find(b'"', at)], "utf-8", "replace"), text)
    lines = typed(raw)
    return lines is not None and not says_more(lines, text)


def typed(blocks: Raw | bytes) -> str | None:
    """Blocks that are one run of typed lines and nothing else, as they came but for spaces between; None for others."""
    try:
        lines = str(msgspec.json.format(blocks, indent=-1), "utf-8", "replace")
        if (
            lines.startswith(_TYPED)
            and lines.startswith(_TYPED_LINES, lines.find('"', _TYPED_AT))
            and lines.endswith(_TYPED_END)
            and (lines.find("]") == len(lines) - len(_TYPED_END) or ('],"' not in lines and "]},{" not in lines))
        ):
            return lines
        own = _decode_typed(lines)[0]
    except UNFIT:
        return None
    named = f'"block_id":{str(own.block_id, "utf-8", "replace")},' if own.block_id is not None else ""
    said = str(own.elements[0].elements, "utf-8", "replace")
    return f'[{{"type":"rich_text",{named}"elements":[{{"type":"rich_text_section","elements":{said}}}]}}]'


# Between the blocks of two messages, where those of many are brought into one form at once: a text of one sign that no
# text of a message is, or the pieces are more than they were.
_BETWEEN = ',"\\u001f",'
_END_AT = -len(_TYPED_END)


def lines_said(blocks: Sequence[Raw], texts: Sequence[str]) -> list[str | None]:
    """Of the blocks of each message: the lines, where they are `typed` and say no more than its text does; else None.

    As `typed` and `says_more` have it, which are asked where it is not plain to see."""
    if not blocks:
        return []
    try:
        joined = msgspec.json.format(b"[%b]" % _BETWEEN.encode().join(blocks), indent=-1)
        each = str(joined, "utf-8", "replace")[1:-1].split(_BETWEEN)
    except UNFIT:
        each = []
    if len(each) != len(blocks):
        each = [""] * len(blocks)
    found: list[str | None] = []
    for lines, beside, raw in zip(each, texts, blocks, strict=True):
        if (
            lines.startswith(_TYPED)
            and lines.startswith(_TYPED_LINES, lines.find('"', _TYPED_AT))
            and lines.endswith(_TYPED_END)
            and lines.find("]") == len(lines) + _END_AT
        ):
            at = lines.rfind(_SAID) + _SAID_BYTES
            words = lines[at : lines.find('"', at)]
            # Up to where it may be written in several ways.
            if at < _SAID_BYTES or (words if "\\" not in words else words[: words.find("\\")]).strip() in beside:
                found.append(lines)
                continue
        one = typed(raw)
        found.append(one if one is not None and not says_more(one, beside) else None)
    return found


def says_more(lines: str, text: str) -> bool:
    """Whether typed lines may say what the text of their message does not: whether they end in other words. A client
    makes the one of the other, so that they hardly ever do, and to compare all words of every message would take as
    long as to decode it."""
    if (at := lines.rfind(_SAID)) < 0:
        return False
    at += len(_SAID)
    return _other_words(lines[at : lines.find('"', at)], text)


def _other_words(said: str, text: str) -> bool:
    if (said := said.strip()) in text:
        return False
    if "\\" in said:  # from there on it may be written in several ways
        said = said[: said.find("\\")].strip()
    return said not in text and escape(said) not in text


def messages(data: bytes, depth_max: int) -> Iterator[tuple[Full | Damage, frozenset[str], Sequence[str]]]:
    """Every element of a day file that did not decode at once, with the codes of what was mended in it, and the members
    that are of another kind than they should be."""
    for item, mended in items(data, depth_max, _is_message):
        if isinstance(item, Damage):
            yield item, mended, ()
            continue
        if isinstance(item, Raw):
            try:
                message = decode_one(item)
                yield with_other(message, item, depth_max), mended, ()
                continue
            except UNFIT:
                item, mended = load(bytes(item), depth_max)
                if isinstance(item, Damage):
                    yield item, mended, ()
                    continue
        if not isinstance(item, dict):
            yield Damage(NOT_AN_OBJECT, "An element of the file is no message.", excerpt(item)), mended, ()
        else:
            wrong = odd(item)
            message = coerced(item)
            told = {name: item[name] for name in wrong} | others(item)
            message.other = _raws(told) if told else None  # type: ignore[assignment]
            yield message, mended, wrong


# Subtypes whose messages are like those without one.
PLAIN = frozenset(
    (
        *(
            None,
            "",
            "me_message",
            "me",
            "bot_message",
            "slackbot_response",
            "thread_broadcast",
            "file_share",
            "tombstone",
        ),
        *("channel_join", "group_join", "channel_leave", "group_leave", "channel_topic", "group_topic", "channel_name"),
        *("channel_purpose", "group_purpose", "group_name", "channel_archive", "group_archive", "channel_unarchive"),
        *("group_unarchive", "file_comment", "file_mention", "pinned_item", "huddle_thread", "message_changed"),
        *("message_deleted", "message_replied", "reply_broadcast"),
    )
)
# slackdump keeps the replies of a thread within its first message.
_REPLIES = "slackdump_thread_replies"
NESTED = f'"{_REPLIES}"'.encode()


def unnested(data: bytes) -> bytes:
    """A list of messages, or what has one as its `messages`, with the messages in messages behind the one they are in;
    as it came where it cannot be read so."""
    try:
        if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
            data = bytes(_decode_members(data)["messages"])
        return b"[" + b",".join(_each(decode_raws(data))) + b"]"
    except (*UNFIT, KeyError):
        return data


def _each(raws: list[Raw]) -> Iterator[bytes]:
    todo = [bytes(raw) for raw in reversed(raws)]
    while todo:
        raw = todo.pop()
        if NESTED in raw and _REPLIES in (members := _decode_members(raw)):
            replies = bytes(members.pop(_REPLIES))
            raw = encode(members)
            if replies != b"null":
                todo += [bytes(one) for one in reversed(decode_raws(replies))]
        yield raw


def with_other(message: Full, raw: Raw, depth_max: int) -> Full:
    """With the members that no message is known to have."""
    try:
        members = _decode_members(raw)
    except UNFIT:
        found, _ = load(bytes(raw), depth_max)
        told = others(found) if isinstance(found, dict) else {}
    else:
        told = {name: parse(one, depth_max) for name, one in members.items() if name not in _HELD}
        told = {name: one for name, one in told.items() if one not in _NOTHING}
    if told:
        message.other = _raws(told)  # type: ignore[assignment]
    return message


def _raws(told: dict[str, Any]) -> dict[str, Raw]:
    """Each encoded by itself: one that only the slow encoder takes is no matter of the others."""
    return {name.encode("utf-8", "replace").decode(): Raw(encode(value)) for name, value in told.items()}


# What `Ordinary` has just as `Full` has it.
_ALIKE = tuple(
    name
    for name in Full.__struct_fields__
    if name in Ordinary.__struct_fields__ and name not in ("inviter", "permalink", "comment")
)


def full(m: Ordinary, depth_max: int) -> Full | None:
    """The same message, without decoding it again; None where more has to be known of it than this one holds."""
    if m.inviter is not None or m.permalink is not None or m.comment is not None:
        return None
    other = None
    if m.item_type is not None and (told := parse(m.item_type, depth_max)) not in _NOTHING:
        other = _raws({"item_type": told})
    return Full(other=other, **{name: getattr(m, name) for name in _ALIKE})


def others(value: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in value.items() if name not in _HELD and one not in _NOTHING}


def _is_message(value: Any) -> bool:
    return isinstance(value, dict) and "ts" in value and ("type" in value or "text" in value)


def is_listed(value: Any) -> bool:
    return isinstance(value, dict) and "id" in value and bool({"name", "members", "profile", "created"} & value.keys())


def coerced(value: dict[str, Any]) -> Full:
    """A message from an object whose members may have any type: numbers become text, what makes no sense is left
    out."""
    files = value.get("files")
    reactions = value.get("reactions")
    edited, icons, comment, profile = (value.get(k) for k in ("edited", "icons", "comment", "bot_profile"))
    pinned = value.get("pinned_to")
    message = Full(
        files=[Raw(encode(file)) for file in files] if isinstance(files, list) else None,
        reactions=[reaction for item in reactions if (reaction := _reaction(item))]
        if isinstance(reactions, list)
        else None,
        edited=Edited(text(edited.get("user")), text(edited.get("ts"))) if isinstance(edited, dict) else None,
        icons=Icons(text(icons.get("emoji"))) if isinstance(icons, dict) else None,
        comment=Comment(text(comment.get("user")), text(comment.get("comment"))) if isinstance(comment, dict) else None,
        bot_profile=Named(text(profile.get("name"))) if isinstance(profile, dict) else None,
        reply_count=whole(value.get("reply_count")),
        hidden=_TRUTH.get(text(value.get("hidden")) or value.get("hidden") is True),
        pinned_to=[str(p) for p in pinned]
        if isinstance(pinned, list)
        else [pinned]
        if isinstance(pinned, str)
        else None,
    )
    for name in _TEXTS:
        given = value.get(name)
        # As it is written: only times have six digits.
        given = repr(given) if isinstance(given, float) and name in _WORDS and math.isfinite(given) else given
        setattr(message, name, text(given))
    wrong = odd(value)
    for name in _RAWS:
        if value.get(name) is not None and name not in wrong:
            setattr(message, name, Raw(encode(value[name])))
    return message


_TEXTS = (
    *("type", "subtype", "user", "text", "thread_ts", "bot_id", "username", "latest_reply", "topic", "purpose", "name"),
    *("ts", "deleted_ts", "client_msg_id"),
)
_WORDS = ("text", "username", "topic", "purpose", "name")
RESTS = ("metadata", "x_files", "inviter", "item", "call", "root", "old_name", "members", "bot_link", "permalink")
_RAWS = ("file", "attachments", "blocks", "user_profile", "room", "message", "previous_message", "original", *RESTS)
_LISTS = ("files", "reactions", "attachments", "blocks")
_TRUTH: dict[Any, bool] = {True: True, "true": True, "1": True, False: False, "false": False, "0": False, "": False}
_OBJECTS = ("edited", "comment", "bot_profile", "file", "user_profile", "room")


_OTHERS: tuple[tuple[str, Callable[[Any], bool]], ...] = (
    ("icons", lambda one: isinstance(one, dict) or one == []),
    ("reply_count", lambda one: whole(one) is not None),
    ("pinned_to", lambda one: isinstance(one, list | str)),
    ("hidden", lambda one: isinstance(one, bool) or text(one) in _TRUTH),
)


def odd(value: dict[str, Any]) -> list[str]:
    """The members that are of another kind than they should be, and so say nothing."""
    # A time that is none fails the message by itself.
    wrong = [name for name in _TEXTS if name != "ts" and value.get(name) is not None and text(value[name]) is None]
    wrong += [name for name in _LISTS if value.get(name) is not None and not isinstance(value[name], list)]
    if isinstance(reactions := value.get("reactions"), list) and not all(map(_reaction, reactions)):
        wrong.append("reactions")
    wrong += [name for name, fits in _OTHERS if value.get(name) is not None and not fits(value[name])]
    return wrong + [name for name in _OBJECTS if value.get(name) is not None and not isinstance(value[name], dict)]


def encode(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value)
    except (OverflowError, UnicodeEncodeError):  # a whole number beyond 64 bits
        return json.dumps(value).encode("ascii")


def _reaction(value: Any) -> Reaction | None:
    name = text(value.get("name")) if isinstance(value, dict) else None
    if not name:
        return None
    users = value.get("users")
    listed = [user for item in users if (user := text(item))] if isinstance(users, list) else None
    return Reaction(name, listed, whole(value.get("count")))


def shared_files(raws: Sequence[str], depth_max: int) -> list[Shared | None]:
    """`shared_file` of each; at once where all are as they should be."""
    try:
        if max(map(_brackets, raws), default=0) <= depth_max:
            return _decode_files(f"[{','.join(raws)}]")
    except UNFIT:
        pass
    return [shared_file(raw, depth_max) for raw in raws]


def _brackets(raw: str) -> int:
    return raw.count("{") + raw.count("[")


def shared_file(raw: str, depth_max: int) -> Shared | None:
    """A file object; None where the list has a hole (2.9)."""
    try:
        return _decode_file(raw)
    except UNFIT:
        value, _ = load(raw.encode("utf-8", "replace"), depth_max)
    if not isinstance(value, dict):
        return None
    file = Shared()
    for name in file.__struct_fields__:
        if name in ("size", "created", "timestamp"):
            setattr(file, name, whole(value.get(name)))
        elif name == "is_external":
            file.is_external = bool(value.get(name))
        else:
            setattr(file, name, text(value.get(name)))
    return file
