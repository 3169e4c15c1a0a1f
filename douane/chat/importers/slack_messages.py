"""Decoded Slack messages -> the frames of one batch: whole columns at a time, rare things only for the rows that have
them. Which kind of message a subtype is stands in `KINDS` (chat-export-formats.md 2.7).

Long on purpose: many small rules fill the columns of one batch together, and are read best beside each other.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl
from msgspec import Raw

from douane.chat import markup
from douane.chat.importers import json_records
from douane.chat.importers import slack_records as records
from douane.chat.importers.slack_blocks import slack_blocks_text
from douane.chat.importers.slack_records import Full, Message, Reaction, Shared
from douane.chat.tables import TABLES, frame

PILE_MESSAGES, PILE_BYTES = 16_384, 32 << 20  # what is turned into columns at once
FORMAT = "slack_mrkdwn"
NUL_DROPPED = "importer-text-nul-dropped"
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
Whole = npt.NDArray[np.int64]

_NEW_VALUES = {"topic": "topic", "purpose": "purpose", "rename": "name"}
_BROADCASTS = ("thread_broadcast", "reply_broadcast")
_EDITS = {"message_changed": "edit", "message_deleted": "delete"}
# Subtypes of which more than `Message` has is needed, and those whose text is another member's.
FULL = frozenset({"file_share", "file_comment", "file_mention", *_EDITS})
_VALUED = {subtype: _NEW_VALUES[kind] for subtype, kind in KINDS.items() if kind in _NEW_VALUES}
_NAMES = ("text", "me", "bot", "join", "leave", "topic", "purpose", "rename", "archive", "unarchive", "pin", "huddle")
_ALL_KINDS = (*_NAMES, "call", "reminder", "tombstone", "file", "notice")
_KIND_SERIES = pl.Series(_ALL_KINDS, dtype=pl.String)
_CODES = {kind: code for code, kind in enumerate(_ALL_KINDS)}
_TEXT, _BOT, _NOTICE = _CODES["text"], _CODES["bot"], _CODES["notice"]

_TIME = re.compile(r"[0-9]{1,11}\.[0-9]{6}", re.ASCII)
_TIME_PARTS = re.compile(r"\s*([0-9]{1,11})(?:\.([0-9]{0,9}))?\s*", re.ASCII)
_TONE = re.compile(r"(.+)::skin-tone-([2-6])", re.DOTALL)
_TOKENS = re.compile(r"<([@#!][^<>|]*)(?:\|[^<>]*)?>").findall
_NO_TIME = "0000000000.000000"
_TIME_BYTES = 17  # of a time since September 2001
_POWERS = np.array([0 if i == 10 else 10 ** (15 - i if i < 10 else 16 - i) for i in range(_TIME_BYTES)], dtype=np.int64)


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
    if us is None or ts is None:
        return None
    return ts if _TIME.fullmatch(ts) else f"{us // 1_000_000}.{us % 1_000_000:06}"


def times_us(texts: Sequence[str | None]) -> Whole | None:
    """`time_us` of all at once; None when one of them needs a closer look."""
    try:
        joined = "".join(texts)  # type: ignore[arg-type]  # TypeError where one is None
    except TypeError:
        return None
    return _joined_us(joined) if len(joined) == _TIME_BYTES * len(texts) else None


def _joined_us(times: str) -> Whole | None:
    """The same for times of seventeen characters each, one after the other."""
    if not times.isascii():
        return None
    signs = np.frombuffer(times.encode("ascii"), dtype=np.uint8).reshape(-1, _TIME_BYTES)
    if not (signs[:, 10] == ord(".")).all():
        return None
    digits = signs - np.uint8(ord("0"))
    if (digits[:, :10] > 9).any() or (digits[:, 11:] > 9).any():
        return None
    found: Whole = digits @ _POWERS
    return found if (found > 0).all() else None


@dataclass(frozen=True, slots=True)
class Context:
    """What messages are read against. `channels`: the id of every conversation with a folder, `keys` their `key_hi`.
    `bots`: bot_id -> the user who is that bot; `bot_users`: who is one. `known`: ids that lists name, and None.
    `bodies`: file ids -> the entries that hold them."""

    channels: pl.Series
    keys: pl.Series
    prefixes: pl.Series  # of message ids
    team: str
    bots: Mapping[str, str]
    bot_users: frozenset[str]
    known: frozenset[str | None]
    bodies: Callable[[Sequence[str | None]], list[int | None]]
    depth_max: int


Mention = tuple[str, str | None]  # kind, target
_UNASKED: Mention = ("", None)
_MEMO_MAX = 50_000
_TIMES_MAX = 2_000

# (entry, position in it, severity, code, message, excerpt): what is to be said of a message
Report = Callable[[int, int | None, str, str, str, str], None]


@dataclass(slots=True)
class Pile:
    """Messages of one batch on their way into frames. `spans`: runs of neighbours as (entry, conversation's place in
    the context, position of the first, how many)."""

    context: Context
    report: Report
    messages: list[Message] = field(default_factory=list)
    spans: list[tuple[int, int, int, int]] = field(default_factory=list)
    told: Iterable[str] = ()  # strangers that earlier batches have told of
    profiles: dict[str, Profile] = field(default_factory=dict)  # of strangers
    known: set[str | None] = field(init=False)  # whose profile is not looked for
    edits: dict[int, Edit] = field(default_factory=dict)  # by id() of their message, which the pile holds
    memo: dict[str, Mention | None] = field(default_factory=dict)  # what tokens in texts mean
    done: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    rows: int = 0
    size_bytes: int = 0  # of the JSON that the messages came from

    def __post_init__(self) -> None:
        self.known = {*self.context.known, *self.told}

    def add(self, entry: int, conversation: int, position: int, data: bytes) -> int:
        """Takes a day file that decodes at once, and says how many messages that were. Raises json_records.UNFIT."""
        found: Sequence[Message] = records.decode_messages(data)
        known = self.known
        for m in found:
            if not m.text or m.subtype in FULL or m.user not in known:
                found = records.decode_full(data)
                break
        self.put(entry, conversation, position, found)
        self.size_bytes += len(data)
        return len(found)

    def put(self, entry: int, conversation: int, position: int, found: Sequence[Message]) -> None:
        if found and isinstance(found[0], Full):
            for m in found:
                self._settle(m)  # type: ignore[arg-type]  # all are, or none
        for m in found:
            if m.attachments is not None:
                m.attachments = _cards(m.attachments, self.context.depth_max)  # type: ignore[assignment]
            if m.files:  # as text: a Raw keeps the whole day file in memory
                m.files = [str(raw, "utf-8", "replace") for raw in m.files]  # type: ignore[misc]
        self.spans.append((entry, conversation, position, len(found)))
        self.messages += found

    def _settle(self, m: Full) -> None:
        """Brings what stands elsewhere in some messages to where it is in ordinary ones."""
        depth_max, subtype = self.context.depth_max, m.subtype
        if subtype in FULL:
            if subtype == "file_comment" and m.comment:
                m.user = m.comment.user or m.user
                m.text = m.comment.comment or m.text
            elif subtype in _EDITS:
                self.edits[id(m)] = _edit(m, depth_max)
        if m.file is not None and not m.files:
            m.files = [m.file]
        if not m.text and m.blocks is not None:
            blocks = json_records.parse(m.blocks, depth_max)
            if isinstance(blocks, list):
                m.text = slack_blocks_text(blocks)[0] or m.text
        if not m.text and m.room is not None and subtype == "huddle_thread":
            m.text = _huddle(json_records.parse(m.room, depth_max))
        if m.user not in self.known and m.user_profile is not None:
            self.profiles[m.user or ""] = profile(m.user_profile)
            self.known.add(m.user)

    def mentions(self, text: str) -> Sequence[Mention]:
        """What `markup.mentions` finds, asked once for each token; only where there may be code, which hides tokens,
        is it given the whole text."""
        if "`" in text:
            return [(kind, target or None) for kind, target in markup.mentions(text, FORMAT)]
        found: list[Mention] = []
        for token in _TOKENS(text):
            mention = self.memo.get(token, _UNASKED)
            if mention is _UNASKED:
                mention = self._asked(token)
            if mention is not None and mention not in found:
                found.append(mention)
        return found

    def _asked(self, token: str) -> Mention | None:
        if len(self.memo) > _MEMO_MAX:
            self.memo.clear()
        meant = markup.mentions(f"<{token}>", FORMAT)
        mention = self.memo[token] = (meant[0][0], meant[0][1] or None) if meant else None
        return mention

    def flush(self) -> None:
        """Makes frames of what has piled up."""
        if self.messages:
            tables = _tables(self)
            self.rows += tables["messages"].height
            for name, rows in tables.items():
                if rows.height:
                    self.done.setdefault(name, []).append(rows)
        self.messages, self.spans, self.edits, self.size_bytes = [], [], {}, 0

    def flush_if_large(self) -> None:
        if len(self.messages) >= PILE_MESSAGES or self.size_bytes >= PILE_BYTES:
            self.flush()

    def frames(self) -> dict[str, pl.DataFrame]:
        """Of everything since the beginning."""
        self.flush()
        frames = {name: pl.concat(parts) for name, parts in self.done.items()}
        if self.profiles:
            frames["users"] = _inferred(self.profiles, self.context.team)
        return frames


@dataclass(slots=True)
class CountingPile(Pile):
    """The same messages, only counted: a day file of ordinary ones at once, the others as `_tables` would take them."""

    tables: Counter[str] = field(default_factory=Counter)
    years: Counter[int] = field(default_factory=Counter)
    subtypes: Counter[str] = field(default_factory=Counter)
    places: Counter[int] = field(default_factory=Counter)
    times: list[str] = field(default_factory=list)
    seen: list[str | None] = field(default_factory=list)

    def add(self, entry: int, conversation: int, position: int, data: bytes) -> int:
        found = records.decode_counted(data)
        if not self._counted(found, conversation, ordinary=True):
            full = records.decode_full(data)
            for m in full:
                self._settle(m)
            if self.edits or not self._counted(full, conversation, ordinary=False):
                self.put(entry, conversation, position, full)
        return len(found)

    def _counted(self, found: Sequence[records.Counted | Full], conversation: int, *, ordinary: bool) -> bool:
        """Counts them if all have a time in Slack's form and, where they must be `ordinary`, none needs more than
        `Counted` has."""
        try:
            times = "".join([m.ts for m in found])  # type: ignore[misc]  # TypeError where one is None
        except TypeError:
            return False
        size = len(found)
        if len(times) != _TIME_BYTES * size or times[10::_TIME_BYTES] != "." * size or _NO_TIME in times:
            return False
        # One thing of all messages at a time: that is how lists are gone through fastest. Most files hold nothing but
        # ordinary messages with text, and of their texts most can be judged as one.
        subtypes = [m.subtype for m in found]
        rare = set(subtypes)
        rare.discard(None)
        if rare.isdisjoint(_VALUED):
            texts = [m.text for m in found]
        else:
            texts = [_said(m) for m in found]
        if ordinary and not (
            FULL.isdisjoint(rare)
            and self.known.issuperset([m.user for m in found])
            and (all(texts) or not _hidden_text(found, texts))
        ):
            return False
        said = "".join([text for text in texts if text]) if None in texts else "".join(texts)  # type: ignore[arg-type]
        if "\0" in said or [s for s in rare if s and "\0" in s]:
            return False
        threads = [m.thread_ts for m in found if m.thread_ts]
        if threads and not all(map(_TIME.fullmatch, threads)):
            return False
        linked = [text for text in texts if text and "<" in text] if "<" in said else ()
        reactions = sum([_count_reactions(m.reactions) for m in found if m.reactions])
        files = sum([_count_files(m.files, self.context.depth_max) for m in found if m.files])
        if not (digits := times.replace(".", "")).isascii() or not digits.isdigit():
            return False
        tables = self.tables
        tables["messages"] += size
        tables["reactions"] += reactions
        tables["files"] += files
        for text in linked:
            tokens = _TOKENS(text)
            if len(tokens) == 1 and tokens[0] in self.memo and "`" not in text:
                tables["mentions"] += self.memo[tokens[0]] is not None
            elif tokens:
                tables["mentions"] += len(self.mentions(text))
        self.places[conversation] += size
        self.seen += subtypes
        self.times.append(times)
        if len(self.times) >= _TIMES_MAX:
            self._sum_up()
        return True

    def _sum_up(self) -> None:
        """Of the day files that were counted at once: years and subtypes."""
        self._add_years(_joined_us("".join(self.times)))
        self.subtypes.update([subtype or "" for subtype in self.seen])
        self.times, self.seen = [], []

    def flush(self) -> None:
        if self.times:
            self._sum_up()
        if not self.messages:
            return
        found, entry, place, position, times = _fitting(self)
        for m in found:
            m.text = _said(m)
        _report_nul(found, entry, position, self.report)
        depth_max, edits = self.context.depth_max, self.edits
        self.tables["messages"] += len(found)
        self.tables["reactions"] += sum(_count_reactions(m.reactions) for m in found if m.reactions)
        self.tables["files"] += sum(_count_files(m.files, depth_max) for m in found if m.files)
        self.tables["mentions"] += sum(len(self.mentions(m.text)) for m in found if m.text and "<" in m.text)
        for i, m in enumerate(found):
            if m.thread_ts:
                _thread(m, int(entry[i]), int(position[i]), self.report)
        self.tables["edits"] += sum(id(m) in edits for m in found) if edits else 0
        self._add_years(times)
        self.subtypes.update([(m.subtype or "").replace("\0", "") for m in found])
        self.places.update(place.tolist())
        self.messages, self.spans, self.edits, self.size_bytes = [], [], {}, 0

    def _add_years(self, times: Whole | None) -> None:
        if times is not None:
            years = times.astype("datetime64[us]").astype("datetime64[Y]").astype(np.int64) + 1970
            self.years.update(dict(zip(*(u.tolist() for u in np.unique(years, return_counts=True)), strict=True)))


def _hidden_text(found: Sequence[records.Counted | Full], texts: Sequence[str | None]) -> bool:
    """Whether a message without text may have one elsewhere: in its blocks, or in what a huddle was."""
    silent = (m for m, text in zip(found, texts, strict=True) if not text)
    return any(m.blocks is not None or m.subtype == "huddle_thread" for m in silent)


def _count_reactions(reactions: Sequence[Reaction]) -> int:
    """How many rows `_reactions` makes of them."""
    if len(reactions) > 1 and len({r.name for r in reactions}) < len(reactions):
        return _reactions([reactions])[0].height
    return sum(len(set(users := r.users or ())) + ((r.count or 0) > len(users)) for r in reactions)


def _count_files(files: Sequence[Raw | str], depth_max: int) -> int:
    """How many rows `_files` makes of them."""
    count = 0
    for file in files:
        data = file.encode() if isinstance(file, str) else bytes(file)
        if data.startswith(b"{"):
            deep = data.count(b"{") + data.count(b"[") > depth_max
            count += not deep or records.shared_file(data.decode("utf-8", "replace"), depth_max) is not None
    return count


def _fitting(pile: Pile) -> tuple[Sequence[Message], Whole, Whole, Whole, Whole]:
    """(messages, entry, conversation's place, position, time) of what is a message and has a time."""
    found: Sequence[Message] = pile.messages
    counts = [span[3] for span in pile.spans]
    entry, place = (np.repeat(np.array([span[i] for span in pile.spans], dtype=np.int64), counts) for i in (0, 1))
    starts = np.array([span[2] for span in pile.spans], dtype=np.int64) - (np.cumsum(counts) - counts)
    position = np.arange(len(found)) + np.repeat(starts, counts)
    times = times_us([m.ts for m in found])
    types = [m.type for m in found]
    if times is None or types.count("message") != len(types):
        kept = [i for i, m in enumerate(found) if _fit(m, int(entry[i]), int(position[i]), pile.report)]
        found = [found[i] for i in kept]
        entry, place, position = entry[kept], place[kept], position[kept]
        times = np.array([time_us(m.ts) for m in found], dtype=np.int64)
    return found, entry, place, position, times


def _tables(pile: Pile) -> dict[str, pl.DataFrame]:
    context = pile.context
    found, entry, place, position, times = _fitting(pile)
    if not found:
        return {"messages": frame("messages", {})}
    length = len(found)

    def rare(values: Sequence[object], kind: pl.DataType) -> pl.Series:
        """A column that is empty nearly always."""
        if values.count(None) == length:
            return pl.Series(dtype=kind).extend_constant(None, length)
        return pl.Series(values, dtype=kind)

    threads = [m.thread_ts for m in found]
    if not all(t is None or (len(t) == _TIME_BYTES and _TIME.fullmatch(t)) for t in threads):
        threads = [_thread(m, int(entry[i]), int(position[i]), pile.report) for i, m in enumerate(found)]

    # authors, the names they go by, and kinds: most messages are a person's without any subtype
    subtypes = [m.subtype for m in found]
    authors: list[str | None] = [m.user for m in found]
    aliases: list[str | None] = [None] * length
    kinds = np.zeros(length, dtype=np.uint8)
    for i, bot_id in enumerate([m.bot_id for m in found]):
        if bot_id is not None or not authors[i]:
            m = found[i]
            aliases[i] = m.username or (m.bot_profile.name if m.bot_profile else None)
            authors[i] = m.user or context.bots.get(bot_id or "", bot_id) or None
            if not m.user or m.user in context.bot_users:
                kinds[i] = _BOT
    for i, subtype in enumerate(subtypes):
        if subtype is not None:
            m = found[i]
            m.text = _said(m)
            kinds[i] = _CODES[KINDS[subtype]] if subtype in KINDS else _TEXT if m.text else _NOTICE
            if subtype == "bot_message":
                aliases[i] = aliases[i] or m.username

    texts = [m.text for m in found]
    edited = [m.edited for m in found]
    marked = edited.count(None) != length
    pinned = [m.pinned_to for m in found]
    hidden = [m.hidden for m in found]
    icons = [m.icons for m in found]
    reactions, reacted = _reactions([m.reactions for m in found])
    files, filed = _files(found, context)
    no_text: list[None] = [None] * length

    table = pl.DataFrame(
        {
            "entry": entry,
            "position": position,
            "key_lo": times,
            "ts": pl.Series([m.ts for m in found], dtype=pl.String),
            "author": pl.Series(authors, dtype=pl.String),
            "alias": rare(aliases, pl.String()),
            "kind": kinds,
            "subtype": rare(subtypes, pl.String()),
            "text": pl.Series(texts, dtype=pl.String),
            "thread": rare(threads, pl.String()),
            "replies": rare(
                [n if n is None else json_records.whole(n) for n in (m.reply_count for m in found)], pl.Int64()
            ),
            "last_reply_us": rare([time_us(t) if t else None for t in (m.latest_reply for m in found)], pl.Int64()),
            "edited_us": rare([time_us(e.ts) if e else None for e in edited] if marked else no_text, pl.Int64()),
            "edited_by": rare([e.user if e else None for e in edited] if marked else no_text, pl.String()),
            "pinned": [bool(p) for p in pinned] if any(pinned) else np.zeros(length, dtype=bool),
            "hidden": [h is True for h in hidden] if any(hidden) else np.zeros(length, dtype=bool),
            "emoji": rare([i.emoji if isinstance(i, records.Icons) else None for i in icons], pl.String()),
            "attachments": rare([m.attachments for m in found], pl.String()),
            "reactions": reacted,
            "files": filed,
            "place": place,
        }
    ).select(
        "entry",
        "position",
        pl.lit(context.keys).gather("place").alias("key_hi"),
        "key_lo",
        (pl.lit(context.prefixes).gather("place") + pl.col("ts").str.replace(".", "-", literal=True)).alias("id"),
        pl.lit(context.channels).gather("place").alias("channel"),
        pl.col("key_lo").alias("ts_us"),
        "author",
        "alias",
        pl.lit(_KIND_SERIES).gather("kind").alias("kind"),
        "subtype",
        "text",
        pl.lit(FORMAT).alias("format"),
        (pl.lit(context.prefixes).gather("place") + pl.col("thread").str.replace(".", "-", literal=True)).alias(
            "thread"
        ),
        pl.col("subtype").is_in(_BROADCASTS).fill_null(False).alias("broadcast"),
        "replies",
        "last_reply_us",
        "edited_us",
        "edited_by",
        "pinned",
        "hidden",
        "emoji",
        "attachments",
        pl.lit(None, pl.String).alias("blocks"),
        pl.lit(None, pl.String).alias("original"),
        "reactions",
        "files",
    )
    clean = _without_nul(table)
    if clean is not table:
        _report_nul(found, entry, position, pile.report)
    mentions = [
        (at, kind, target)
        for at, text in enumerate(texts)
        if text and "<" in text
        for kind, target in pile.mentions(text)
    ]
    edits = [(i, *pile.edits.pop(id(m))) for i, m in enumerate(found) if id(m) in pile.edits] if pile.edits else []
    edits = [(*row[:-1], row[-1] and f"{context.prefixes[place.item(row[0])]}{row[-1]}") for row in edits]
    return {
        "messages": clean,
        "reactions": _moved(reactions, pile.rows),
        "files": _moved(files, pile.rows),
        "mentions": _moved(_of_rows("mentions", mentions), pile.rows),
        "edits": _moved(_of_rows("edits", edits), pile.rows),
    }


def _said(m: Message | records.Counted) -> str | None:
    """The text of a message that has a subtype: the new value, where it tells of one."""
    member = _VALUED.get(m.subtype or "")
    value: str | None = getattr(m, member) if member else None
    return m.text if value is None else value


def _report_nul(found: Sequence[Message], entry: Whole, position: Whole, report: Report) -> None:
    for i, m in enumerate(found):
        if m.text and "\0" in m.text:
            report(int(entry[i]), int(position[i]), "warning", NUL_DROPPED, "NUL characters were left out.", m.text)


_NUL_FREE = ("kind", "format", "attachments", "original", "state", "type", "role", "origin")


def _without_nul(rows: pl.DataFrame) -> pl.DataFrame:
    """PostgreSQL's texts hold no NUL."""
    texts = [name for name, kind in rows.schema.items() if kind == pl.String and name not in _NUL_FREE]
    if rows.select(pl.any_horizontal(pl.col(texts).str.contains("\0", literal=True).any())).item():
        return rows.with_columns(pl.col(texts).str.replace_all("\0", "", literal=True))
    return rows


def _moved(rows: pl.DataFrame, by: int) -> pl.DataFrame:
    return rows.with_columns(pl.col("at") + pl.lit(by, dtype=pl.UInt32)) if by and rows.height else rows


def _of_rows(table: str, rows: Sequence[tuple[object, ...]]) -> pl.DataFrame:
    return frame(table, dict(zip(TABLES[table], zip(*rows, strict=True), strict=True)) if rows else {})


def _fit(message: Message, entry: int, position: int, report: Report) -> bool:
    """Whether it is a message with a time; brings the time into Slack's form."""
    if message.type != "message" and message.type is not None:
        kind = str(message.type)[:40]
        report(entry, position, "skipped", NO_MESSAGE, f"A record of type “{kind}” is no message.", message.text or "")
        return False
    ts = canonical(message.ts)
    if ts is None:
        said = f"“{message.ts[:40]}” is no time of a message." if message.ts else "The message has no time."
        report(entry, position, "failed", INVALID_TIME, said, message.text or "")
        return False
    message.ts = ts
    return True


def _thread(m: Message, entry: int, position: int, report: Report) -> str | None:
    ts = canonical(m.thread_ts)
    if m.thread_ts and ts is None:
        said = f"“{m.thread_ts[:40]}” is no time of a thread's first message."
        report(entry, position, "warning", THREAD_LOST, said, m.text or "")
    return ts


# kind, time, user, what it said before, the time that names the message
Edit = tuple[str, int | None, str | None, str | None, str | None]


def _edit(m: Full, depth_max: int) -> Edit:
    """A row of `edits` but for its place. Only exports of workspaces that retain edits have these."""
    before = json_records.parse(m.previous_message, depth_max) or json_records.parse(m.original, depth_max)
    after = json_records.parse(m.message, depth_max)
    before, after = before if isinstance(before, dict) else {}, after if isinstance(after, dict) else {}
    mark = after.get("edited") or before.get("edited")
    mark = mark if isinstance(mark, dict) else {}
    kind = _EDITS[m.subtype or ""]
    edited = kind == "edit"
    at = (time_us(json_records.text(mark.get("ts"))) if edited else None) or time_us(m.ts)
    who = (json_records.text(mark.get("user")) if edited else None) or m.user
    changed = next((ts for one in (after, before) if (ts := canonical(json_records.text(one.get("ts"))))), None)
    return kind, at, who, json_records.text(before.get("text")), changed and changed.replace(".", "-")


def _huddle(room: object) -> str | None:
    """A huddle in words, where the export has none: who was there and for how long."""
    if not isinstance(room, dict):
        return None
    history = room.get("participant_history")
    people = [
        f"<@{user}>" for item in (history if isinstance(history, list) else []) if (user := json_records.text(item))
    ]
    start, end = json_records.whole(room.get("date_start")), json_records.whole(room.get("date_end"))
    minutes = f" for {max(1, round((end - start) / 60))} min" if start and end and end > start else ""
    return f"A huddle{minutes}{': ' if people else ''}{', '.join(people)}"


def _cards(raw: Raw, depth_max: int) -> str | None:
    """Attachments as they came; None where there are none, or nested too deeply to be read again."""
    text = str(raw, "utf-8", "replace")
    if text in ("null", "[]"):
        return None
    if text.count("[") + text.count("{") > depth_max and json_records.parse(raw, depth_max) is None:
        return None
    return text


def _reactions(given: Sequence[Sequence[Reaction] | None]) -> tuple[pl.DataFrame, pl.Series]:
    """One row a person and reaction, and for each message how many rows it has."""
    ats: list[int] = []
    names: list[str] = []
    tones: list[int] = []
    sizes: list[int] = []
    users: list[str | None] = []
    unnamed: dict[int, int] = {}  # place in `users` -> how many more there were
    repeated = False
    for at, reactions in enumerate(given):
        if not reactions:
            continue
        repeated = repeated or (len(reactions) > 1 and len({r.name for r in reactions}) < len(reactions))
        for r in reactions:
            named, name, tone = r.users or (), r.name, 0
            size = len(named)
            repeated = repeated or (size > 1 and len(set(named)) < size)
            users += named
            if r.count is not None and r.count > size:
                unnamed[len(users)] = min(r.count - size, _UINT32_MAX)
                users.append(None)
                size += 1
            if "::" in name and (match := _TONE.fullmatch(name)):
                name, tone = match[1], int(match[2])
            ats.append(at)
            names.append(name)
            tones.append(tone)
            sizes.append(size)
    if not users:
        return frame("reactions", {}), pl.Series(dtype=pl.UInt32).extend_constant(0, len(given))
    each = np.repeat(np.arange(len(names)), sizes)
    counts = np.ones(len(users), dtype=np.uint32)
    counts[list(unnamed)] = list(unnamed.values())
    rows = pl.DataFrame(
        {
            "at": np.array(ats, dtype=np.uint32)[each],
            "name": pl.Series(names, dtype=pl.String).gather(each),
            "tone": np.array(tones, dtype=np.uint8)[each],
            "user": pl.Series(users, dtype=pl.String),
            "count": counts,
        }
    )
    if repeated:
        rows = rows.unique(["at", "name", "tone", "user"], keep="first", maintain_order=True)
    per_message = np.bincount(rows["at"].to_numpy(), minlength=len(given)).astype(np.uint32)
    return _without_nul(rows), pl.Series(per_message)


_UINT32_MAX = 2**32 - 1


def _files(found: Sequence[Message], context: Context) -> tuple[pl.DataFrame, pl.Series]:
    """One row a file, and for each message how many it has. A hole in the list keeps its number and gives no row."""
    texts = [
        (at, number, str(text))  # `Pile.put` has made it text
        for at, m in enumerate(found)
        if m.files
        for number, text in enumerate(m.files, 1)
    ]
    decoded = records.shared_files([text for _, _, text in texts], context.depth_max)
    shared = [(*place, file) for place, file in zip(texts, decoded, strict=True) if file is not None]
    if not shared:
        return frame("files", {}), pl.Series(dtype=pl.UInt32).extend_constant(0, len(found))
    each = [file for _, _, _, file in shared]
    bodies = context.bodies([f.id for f in each])
    rows = pl.DataFrame(
        {
            "at": [at for at, _, _, _ in shared],
            "number": [number for _, number, _, _ in shared],
            "id": [f.id for f in each],
            "name": [f.name or f.title or f.id or f"file-{number}" for _, number, _, f in shared],
            "title": [f.title for f in each],
            "media_type": [f.mimetype for f in each],
            "size": [json_records.whole(f.size) for f in each],
            "state": [_state(f, body) for f, body in zip(each, bodies, strict=True)],
            "url": [f.url_private_download or f.url_private or f.permalink for f in each],
            "uploader": [f.user for f in each],
            "created_us": [_seconds_us(f.created or f.timestamp) for f in each],
            "body_entry": bodies,
            "original": [text for _, _, text, _ in shared],
        },
        schema=TABLES["files"],
    )
    per_message = np.bincount(rows["at"].to_numpy(), minlength=len(found)).astype(np.uint32)
    return _without_nul(rows), pl.Series(per_message)


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
    whole = json_records.whole(seconds)
    return whole * 1_000_000 if whole and 0 < whole < 10**11 else None


class Profile(msgspec.Struct, gc=False):
    """What a message says of its author: all that is known of people of other companies."""

    real_name: str | None = None
    display_name: str | None = None
    name: str | None = None
    team: str | None = None
    image_72: str | None = None
    is_restricted: bool | None = None
    is_ultra_restricted: bool | None = None


_decode_profile = msgspec.json.Decoder(Profile).decode


def profile(raw: Raw) -> Profile:
    try:
        return _decode_profile(raw)
    except json_records.UNFIT:
        return Profile()


def _inferred(profiles: Mapping[str, Profile], team: str) -> pl.DataFrame:
    """Users that no list names, from what their messages say of them."""
    people = list(profiles.items())
    size = len(people)
    rows: dict[str, Sequence[object]] = {
        "entry": [-1] * size,
        "id": [user for user, _ in people],
        "ids": [[user] for user, _ in people],
        "team": [p.team for _, p in people],
        "username": [p.name or None for _, p in people],
        "name": [p.real_name or p.display_name or p.name for _, p in people],
        "display_name": [p.display_name or None for _, p in people],
        "emails": [[] for _ in people],
        "type": ["user"] * size,
        "role": [_role(p, team) for _, p in people],
        "roles": [[] for _ in people],
        "deleted": [False] * size,
        "origin": ["inferred"] * size,
        "avatar": [p.image_72 for _, p in people],
    }
    return _without_nul(frame("users", rows))


def _role(person: Profile, team: str) -> str:
    if person.is_ultra_restricted:
        return "guest_single"
    if person.is_restricted:
        return "guest"
    return "external" if person.team and person.team != team else "member"
