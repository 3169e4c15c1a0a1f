"""Decoded Slack messages -> the frames of one batch: whole columns at a time, rare things only for the rows that have
them. Which kind of message a subtype is stands in `KINDS` (chat-export-formats.md 2.7)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain

import msgspec
import numpy as np
import polars as pl
from msgspec import Raw

from douane.chat import markup
from douane.chat.importers import slack_records as records
from douane.chat.importers.slack_records import Message, Reaction, Shared
from douane.chat.tables import TABLES, frame

FORMAT = "slack_mrkdwn"
INVALID_TIME, NO_MESSAGE = "importer-message-invalid-timestamp", "importer-message-invalid-type"
THREAD_LOST = "importer-message-invalid-thread"

KINDS = {
    "": "text",
    "me_message": "me",
    "me": "me",
    "bot_message": "bot",
    "slackbot_response": "bot",
    "thread_broadcast": "text",
    "file_share": "file",
    "file_mention": "file",
    "file_comment": "text",
    **dict.fromkeys(("channel_join", "group_join", "conversation_join", "app_conversation_join"), "join"),
    **dict.fromkeys(("channel_leave", "group_leave", "app_conversation_leave"), "leave"),
    **dict.fromkeys(("channel_topic", "group_topic"), "topic"),
    **dict.fromkeys(("channel_purpose", "group_purpose"), "purpose"),
    **dict.fromkeys(("channel_name", "group_name"), "rename"),
    **dict.fromkeys(("channel_archive", "group_archive"), "archive"),
    **dict.fromkeys(("channel_unarchive", "group_unarchive"), "unarchive"),
    "pinned_item": "pin",
    "huddle_thread": "huddle",
    **dict.fromkeys(("sh_room_created", "sh_room_shared"), "call"),
    **dict.fromkeys(("reminder_add", "reminder_delete"), "reminder"),
    "tombstone": "tombstone",
    **dict.fromkeys(
        (
            "unpinned_item",
            "bot_add",
            "bot_remove",
            "bot_enable",
            "bot_disable",
            "joiner_notification",
            "channel_convert_to_private",
            "channel_convert_to_public",
            "channel_posting_permissions",
            "channel_canvas_updated",
            "tabbed_canvas_updated",
            "document_mention",
            "document_comment_root",
            "share_shortcut",
            "ekm_access_denied",
            "message_changed",
            "message_deleted",
            "message_replied",
        ),
        "notice",
    ),
}
_NEW_VALUES = {"topic": "topic", "purpose": "purpose", "rename": "name"}
_BROADCASTS = ("thread_broadcast", "reply_broadcast")
_EDITS = {"message_changed": "edit", "message_deleted": "delete"}

_TIME = r"^[0-9]{1,11}\.[0-9]{6}$"
_TIME_PARTS = re.compile(r"\s*([0-9]{1,11})(?:\.([0-9]{0,9}))?\s*", re.ASCII)
_TONE = r"^(.+)::skin-tone-([2-6])$"
_LINKED = r"<[@#!]"


def time_us(ts: str | None) -> int | None:
    """Slack's `seconds.microseconds` in microseconds, by whole numbers only. None for what is no time, and for
    `0000000000.000000`, which stands for none."""
    match = _TIME_PARTS.fullmatch(ts or "")
    if not match:
        return None
    return int(match[1]) * 1_000_000 + int((match[2] or "").ljust(6, "0")[:6]) or None


def canonical(ts: str | None) -> str | None:
    """A time as Slack writes it, with six digits."""
    us = time_us(ts)
    return None if us is None else f"{us // 1_000_000}.{us % 1_000_000:06}"


@dataclass(frozen=True, slots=True)
class Context:
    """What messages are read against. `channels`, `keys`: id and `key_hi` of every conversation with a folder.
    `bots`: bot_id -> the user who is that bot. `bot_users`: their ids. `known`: ids that lists name. `bodies`: file ids
    -> the entries that hold them."""

    channels: pl.Series
    keys: pl.Series
    team: str
    bots: dict[str, str]
    bot_users: frozenset[str]
    known: frozenset[str]
    bodies: Callable[[Sequence[str | None]], list[int | None]]
    depth_max: int


# (entry, position in it or None, code, message, excerpt): something to report of a message
Report = Callable[[int, int | None, str, str, str, str], None]


@dataclass(slots=True)
class Pile:
    """Messages of one batch on their way into frames. `spans`: runs of neighbours as (entry, conversation's place in
    the context, position of the first, how many)."""

    context: Context
    drop: Report
    messages: list[Message] = field(default_factory=list)
    spans: list[tuple[int, int, int, int]] = field(default_factory=list)
    done: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    rows: int = 0
    bytes: int = 0  # of the JSON that the messages came from
    inferred: set[str] = field(default_factory=set)

    def add(self, entry: int, conversation: int, position: int, messages: list[Message]) -> None:
        self.spans.append((entry, conversation, position, len(messages)))
        self.messages += messages

    def flush(self) -> None:
        """Makes frames of what has piled up."""
        if self.messages:
            tables = _tables(self)
            self.rows += tables["messages"].height
            for name, rows in tables.items():
                if rows.height:
                    self.done.setdefault(name, []).append(rows)
        self.messages, self.spans, self.bytes = [], [], 0

    def frames(self) -> dict[str, pl.DataFrame]:
        self.flush()
        return {name: pl.concat(parts) for name, parts in self.done.items()}


def _tables(pile: Pile) -> dict[str, pl.DataFrame]:
    context, found = pile.context, pile.messages
    counts = [span[3] for span in pile.spans]
    entry = np.repeat(np.array([span[0] for span in pile.spans], dtype=np.int64), counts)
    place = np.repeat(np.array([span[1] for span in pile.spans], dtype=np.uint32), counts)
    starts = np.array([span[2] for span in pile.spans], dtype=np.int64) - (np.cumsum(counts) - counts)
    position = np.arange(len(found)) + np.repeat(starts, counts)

    ts = pl.Series("ts", [m.ts for m in found], dtype=pl.String)
    types = [m.type for m in found]
    timed = ts.str.contains(_TIME)
    if types.count("message") != len(types) or not timed.all() or (ts == "0000000000.000000").any():
        kept = [i for i, m in enumerate(found) if _fit(m, int(entry[i]), int(position[i]), pile.drop)]
        found = [found[i] for i in kept]
        entry, place, position = entry[kept], place[kept], position[kept]
        ts = pl.Series("ts", [m.ts for m in found], dtype=pl.String)
    if not found:
        return {"messages": frame("messages", {})}

    subtypes = [m.subtype for m in found]
    edits: list[tuple[int, str, int | None, str | None, str | None]] = []
    for i, (m, subtype) in enumerate(zip(found, subtypes, strict=True)):
        if subtype is not None or not m.text:
            _settle(m, i, context, edits)

    base = pl.DataFrame(
        {
            "ts": ts,
            "subtype": pl.Series(subtypes, dtype=pl.String),
            "user": pl.Series([m.user for m in found], dtype=pl.String),
            "text": pl.Series([m.text for m in found], dtype=pl.String),
            "thread_ts": pl.Series([m.thread_ts for m in found], dtype=pl.String),
            "replies": pl.Series([m.reply_count for m in found], dtype=pl.Int64),
            "place": pl.Series(place),
        }
    )
    length = len(found)

    # threads
    if not base["thread_ts"].str.contains(_TIME).all():  # null does not count
        base = base.with_columns(_thread_times(found, entry, position, pile.drop))

    def rare(name: str, values: list[object], kind: pl.DataType) -> pl.Series:
        """A column that is empty nearly always."""
        if values.count(None) == length:
            return pl.Series(name, dtype=kind).extend_constant(None, length)
        return pl.Series(name, values, dtype=kind)

    bot_ids = [m.bot_id for m in found]
    aliases: list[object] = [None] * length
    authors = base["user"]
    if bot_ids.count(None) != length or authors.null_count():
        names = [m.user or (context.bots.get(m.bot_id, m.bot_id) if m.bot_id else None) for m in found]
        authors = pl.Series(names, dtype=pl.String)
        aliases = [_alias(m) for m in found]
    kinds = [
        ("text" if b is None else "bot" if m.user is None or m.user in context.bot_users else "text")
        if s is None
        else KINDS.get(s) or ("text" if m.text else "notice")
        for s, b, m in zip(subtypes, bot_ids, found, strict=True)
    ]

    edited = [m.edited for m in found]
    if edited.count(None) == length:
        edited_us = edited_by = None
    else:
        edited_us = [None if e is None else time_us(e.ts) for e in edited]
        edited_by = [None if e is None else e.user for e in edited]
    latest = [m.latest_reply for m in found]
    cards = [m.attachments for m in found]
    icons = [m.icons for m in found]

    reactions, reacted = _reactions([m.reactions for m in found])
    files, filed = _files(found, context)
    made = {
        "entry": pl.Series(entry),
        "position": pl.Series(position),
        "author": authors,
        "alias": rare("alias", aliases, pl.String()),
        "kind": pl.Series(kinds, dtype=pl.String),
        "last_reply_us": rare("", [None if t is None else time_us(t) for t in latest], pl.Int64()),
        "edited_us": rare("", edited_us or [None] * length, pl.Int64()),
        "edited_by": rare("", edited_by or [None] * length, pl.String()),
        "pinned": pl.Series([bool(m.pinned_to or m.pinned_info is not None) for m in found], dtype=pl.Boolean),
        "hidden": pl.Series([m.hidden is True for m in found], dtype=pl.Boolean),
        "emoji": rare(
            "", [i.emoji if isinstance(i, records.Icons) else None for i in icons], pl.String()
        ),
        "attachments": rare("", [None if c is None else _cards(c, context.depth_max) for c in cards], pl.String()),
        "reactions": reacted,
        "files": filed,
    }
    channel = context.channels.gather(base["place"])
    table = base.with_columns(
        **made,
        channel=channel,
        key_hi=context.keys.gather(base["place"]),
        prefix=("slack-" + context.channels + "-").gather(base["place"]),
    ).select(
        "entry",
        "position",
        "key_hi",
        key_lo=pl.col("ts").str.replace(".", "", literal=True).cast(pl.Int64),
        id=pl.col("prefix") + pl.col("ts").str.replace(".", "-", literal=True),
        channel="channel",
        ts_us=pl.col("ts").str.replace(".", "", literal=True).cast(pl.Int64),
        author=_clean("author"),
        alias=_clean("alias"),
        kind="kind",
        subtype=_clean("subtype"),
        text=_clean("text"),
        format=pl.lit(FORMAT),
        thread=pl.col("prefix") + pl.col("thread_ts").str.replace(".", "-", literal=True),
        broadcast=pl.col("subtype").is_in(_BROADCASTS).fill_null(False),
        replies="replies",
        last_reply_us="last_reply_us",
        edited_us="edited_us",
        edited_by=_clean("edited_by"),
        pinned="pinned",
        hidden="hidden",
        emoji=_clean("emoji"),
        attachments="attachments",
        reactions="reactions",
        files="files",
    )
    return {
        "messages": table,
        "reactions": _moved(reactions, pile.rows),
        "files": _moved(files, pile.rows),
        "mentions": _moved(_mentions(table["text"]), pile.rows),
        "edits": _moved(
            frame("edits", dict(zip(TABLES["edits"], zip(*edits, strict=True), strict=True)) if edits else {}), pile.rows
        ),
        "users": _inferred(found, table["author"], pile),
    }


def _clean(name: str) -> pl.Expr:
    """PostgreSQL's texts hold no NUL."""
    return pl.col(name).str.replace_all("\0", "", literal=True)


def _moved(rows: pl.DataFrame, by: int) -> pl.DataFrame:
    return rows.with_columns(pl.col("at") + pl.lit(by, dtype=pl.UInt32)) if by and rows.height else rows


def _fit(message: Message, entry: int, position: int, drop: Report) -> bool:
    """Whether it is a message with a time; brings the time into Slack's form."""
    if message.type != "message" and message.type is not None:
        kind = message.type[:40]
        drop(entry, position, "skipped", NO_MESSAGE, f"A record of type “{kind}” is no message.", message.text or kind)
        return False
    ts = canonical(message.ts)
    if ts is None:
        text = f"“{(message.ts or '')[:40]}” is no time of a message." if message.ts else "The message has no time."
        drop(entry, position, "failed", INVALID_TIME, text, records.excerpt(message.text or message.ts or ""))
        return False
    message.ts = ts if not re.fullmatch(_TIME, message.ts or "") else message.ts
    return True


def _settle(m: Message, row: int, context: Context, edits: list[tuple[int, str, int | None, str | None, str | None]]) -> None:
    """Brings what stands elsewhere in some subtypes to where it is in ordinary messages."""
    subtype = m.subtype
    if subtype is not None:
        new_value = _NEW_VALUES.get(KINDS.get(subtype, ""))
        if new_value:
            value = getattr(m, new_value)
            m.text = value if value is not None else m.text
        elif subtype == "file_comment" and m.comment:
            m.user = m.comment.user or m.user
            m.text = m.comment.comment or m.text
        elif subtype in _EDITS:
            edits.append(_edit(m, row, context.depth_max))
            return
    if not m.text and m.blocks is not None:
        blocks = records.parse(m.blocks, context.depth_max)
        if isinstance(blocks, list):
            m.text = markup.slack_blocks_text(blocks) or m.text
    if not m.text and m.room is not None and subtype == "huddle_thread":
        m.text = _huddle(records.parse(m.room, context.depth_max))


def _edit(m: Message, row: int, depth_max: int) -> tuple[int, str, int | None, str | None, str | None]:
    """A row of `edits`: what the message said before. Only exports of workspaces that retain edits have these."""
    before = records.parse(m.previous_message, depth_max) or records.parse(m.original, depth_max)
    after = records.parse(m.message, depth_max)
    before, after = before if isinstance(before, dict) else {}, after if isinstance(after, dict) else {}
    mark = after.get("edited") or before.get("edited")
    mark = mark if isinstance(mark, dict) else {}
    kind = _EDITS[m.subtype or ""]
    at = time_us(m.ts) if kind == "delete" else time_us(records.text(mark.get("ts"))) or time_us(m.ts)
    who = records.text(mark.get("user")) if kind == "edit" else m.user
    return row, kind, at, who or m.user, records.text(before.get("text"))


def _huddle(room: object) -> str | None:
    """A huddle in words, where the export has none: who was there and for how long."""
    if not isinstance(room, dict):
        return None
    history = room.get("participant_history")
    people = [f"<@{user}>" for item in (history if isinstance(history, list) else []) if (user := records.text(item))]
    start, end = records.whole(room.get("date_start")), records.whole(room.get("date_end"))
    minutes = f" for {max(1, round((end - start) / 60))} min" if start and end and end > start else ""
    return f"A huddle{minutes}{': ' if people else ''}{', '.join(people)}"


def _alias(m: Message) -> str | None:
    """The name an integration gave itself for this message."""
    if m.bot_id is None and m.bot_profile is None and m.subtype != "bot_message" and m.user is not None:
        return None
    return m.username or (m.bot_profile.name if m.bot_profile else None) or None


def _thread_times(found: list[Message], entry: np.ndarray, position: np.ndarray, drop: Report) -> pl.Series:
    times = []
    for i, m in enumerate(found):
        ts = canonical(m.thread_ts)
        if m.thread_ts and ts is None:
            message = f"“{m.thread_ts[:40]}” is no time of a thread's first message."
            drop(int(entry[i]), int(position[i]), "warning", THREAD_LOST, message, m.text or "")
        times.append(ts)
    return pl.Series("thread_ts", times, dtype=pl.String)


def _cards(raw: Raw, depth_max: int) -> str | None:
    text = records.raw_text(raw)
    if text == "null" or text == "[]":
        return None
    if text.count("[") + text.count("{") > depth_max and records.parse(raw, depth_max) is None:
        return None
    return text


def _reactions(given: list[list[Reaction] | None]) -> tuple[pl.DataFrame, pl.Series]:
    """One row a person and reaction, and for each message how many rows it has."""
    marked = [(at, r) for at, rs in enumerate(given) if rs for r in rs]
    if not marked:
        return frame("reactions", {}), pl.Series(dtype=pl.UInt32).extend_constant(0, len(given))
    users = [r.users or () for _, r in marked]
    sizes = np.array([len(u) for u in users], dtype=np.int64)
    stated = np.array([r.count or 0 for _, r in marked], dtype=np.float64)
    unnamed = (stated - sizes).clip(0, 2**31)
    names = pl.Series([r.name for _, r in marked], dtype=pl.String)
    if names.str.contains("::", literal=True).any():
        parts = names.str.extract_groups(_TONE).struct.unnest()
        tones = parts["2"].cast(pl.UInt8).fill_null(0)
        names = parts["1"].fill_null(names)
    else:
        tones = pl.Series(dtype=pl.UInt8).extend_constant(0, len(names))
    one_each = pl.DataFrame(
        {
            "at": pl.Series([at for at, _ in marked], dtype=pl.UInt32),
            "name": names.str.replace_all("\0", "", literal=True),
            "tone": tones,
        }
    )
    rows = one_each[np.repeat(np.arange(len(marked)), sizes)].with_columns(
        user=pl.Series(list(chain.from_iterable(users)), dtype=pl.String), count=pl.lit(1, dtype=pl.UInt32)
    )
    if (more := np.flatnonzero(unnamed > 0)).size:
        rest = one_each[more].with_columns(
            user=pl.lit(None, dtype=pl.String), count=pl.Series(unnamed[more].astype(np.uint32))
        )
        rows = pl.concat([rows, rest]).sort("at", maintain_order=True)
    if rows.select("at", "name", "tone", "user").is_duplicated().any():
        rows = rows.unique(["at", "name", "tone", "user"], keep="first", maintain_order=True)
    per_message = np.bincount(rows["at"].to_numpy(), minlength=len(given)).astype(np.uint32)
    return rows, pl.Series(per_message)


def _files(found: list[Message], context: Context) -> tuple[pl.DataFrame, pl.Series]:
    """One row a file, and for each message how many it has. A hole in the list keeps its number and gives no row."""
    raws = [
        (at, number, raw)
        for at, m in enumerate(found)
        if m.files or m.file is not None
        for number, raw in enumerate(m.files or ([m.file] if m.file is not None else []), 1)
    ]
    shared = [(*r, f) for r in raws if (f := records.shared_file(r[2], context.depth_max)) is not None]
    if not shared:
        return frame("files", {}), pl.Series(dtype=pl.UInt32).extend_constant(0, len(found))
    each = [s[3] for s in shared]
    bodies = context.bodies([f.id for f in each])
    rows = pl.DataFrame(
        {
            "at": [s[0] for s in shared],
            "number": [s[1] for s in shared],
            "id": [f.id for f in each],
            "name": [f.name or f.title or f.id or f"file-{s[1]}" for f, s in zip(each, shared, strict=True)],
            "title": [f.title for f in each],
            "media_type": [f.mimetype for f in each],
            "size": [records.whole(f.size) for f in each],
            "state": [_state(f, body) for f, body in zip(each, bodies, strict=True)],
            "url": [f.url_private_download or f.url_private or f.permalink for f in each],
            "uploader": [f.user for f in each],
            "created_us": [_seconds_us(f.created or f.timestamp) for f in each],
            "body_entry": bodies,
            "original": [records.raw_text(s[2]) for s in shared],
        },
        schema=TABLES["files"],
    ).with_columns(_clean(name) for name in ("id", "name", "title", "media_type", "url", "uploader"))
    per_message = np.bincount(rows["at"].to_numpy(), minlength=len(found)).astype(np.uint32)
    return rows, pl.Series(per_message)


_DOCUMENTS = frozenset({"quip", "canvas", "list", "post"})
_REFUSED = frozenset({"access_denied", "file_not_found", "check_file_info"})


def _state(file: Shared, body: int | None) -> str:
    """2.9's table, and whether the archive holds the body."""
    if body is not None:
        return "in_archive"
    if file.mode == "tombstone":
        return "deleted"
    if file.mode == "hidden_by_limit":
        return "hidden"
    if file.file_access in _REFUSED and not (file.url_private_download or file.url_private):
        return "denied"
    if file.is_external or file.mode == "external":
        return "external"
    if file.mode in _DOCUMENTS or file.filetype in _DOCUMENTS:
        return "document"
    return "hosted"


def _seconds_us(seconds: int | float | None) -> int | None:
    whole = records.whole(seconds)
    return whole * 1_000_000 if whole and 0 < whole < 10**11 else None


def _mentions(text: pl.Series) -> pl.DataFrame:
    rows = text.str.contains(_LINKED).fill_null(False).arg_true()
    found = [
        (at, kind, target or None)
        for at, said in zip(rows.to_list(), text.gather(rows).to_list(), strict=True)
        for kind, target in markup.mentions(said, FORMAT)
    ]
    return frame("mentions", dict(zip(TABLES["mentions"], zip(*found, strict=True), strict=True)) if found else {})


class _Profile(msgspec.Struct, gc=False):
    real_name: str | None = None
    display_name: str | None = None
    name: str | None = None
    team: str | None = None
    image_72: str | None = None
    is_restricted: bool | None = None
    is_ultra_restricted: bool | None = None


_decode_profile = msgspec.json.Decoder(_Profile).decode


def _inferred(found: list[Message], author: pl.Series, pile: Pile) -> pl.DataFrame:
    """Users that no list names, from what their messages say of them; each once a batch."""
    strangers = set(author.unique().to_list()) - pile.context.known - pile.inferred - {None}
    if not strangers:
        return frame("users", {})
    profiles: dict[str, _Profile] = {}
    for m in found:
        if m.user in strangers and m.user not in profiles and m.user_profile is not None:
            try:
                profiles[m.user] = _decode_profile(m.user_profile)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                profiles[m.user] = _Profile()
    pile.inferred |= profiles.keys()
    people = list(profiles.items())
    size = len(people)
    return frame(
        "users",
        {
            "entry": [-1] * size,
            "id": [user for user, _ in people],
            "ids": [[user] for user, _ in people],
            "team": [p.team for _, p in people],
            "username": [p.name or None for _, p in people],
            "name": [p.real_name or p.display_name or p.name for _, p in people],
            "display_name": [p.display_name or None for _, p in people],
            "emails": [[] for _ in people],
            "type": ["user"] * size,
            "role": [
                "guest_single" if p.is_ultra_restricted
                else "guest" if p.is_restricted
                else "external" if p.team and p.team != pile.context.team
                else "member"
                for _, p in people
            ],
            "roles": [[] for _ in people],
            "deleted": [False] * size,
            "origin": ["inferred"] * size,
            "avatar": [p.image_72 for _, p in people],
        },
    )
