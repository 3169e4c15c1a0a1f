"""Decoded Slack messages -> the frames of one batch: whole columns at a time, rare things only for the rows that have
them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import msgspec
import numpy as np
import polars as pl
from msgspec import Raw

from douane.chat import markup
from douane.chat.importers import json_records
from douane.chat.importers import slack_records as records
from douane.chat.importers.slack_details import (
    EDITS,
    Edit,
    Profile,
    cards,
    edit,
    file_rows,
    has_all,
    huddle,
    inferred,
    of_rows,
    profile,
    reaction_rows,
    root,
    shared_cards,
    with_blocks,
    without_nul,
)
from douane.chat.importers.slack_kinds import KINDS
from douane.chat.importers.slack_lists import WRONG_TYPE, wrong_type
from douane.chat.importers.slack_records import Full, Message, lines_said, saying, says_more, typed
from douane.chat.importers.slack_times import TIME, TIME_BYTES, Whole, canonical, time_us, times_us
from douane.chat.tables import frame

PILE_MESSAGES, PILE_BYTES = 16_384, 32 << 20  # what is turned into columns at once
WAITING_MESSAGES, WAITING_BYTES = 512, 1 << 20  # what is looked at at once
FORMAT = "slack_mrkdwn"
NUL_DROPPED = "importer-text-nul-dropped"
INVALID_TIME, NO_MESSAGE = "importer-message-invalid-timestamp", "importer-message-invalid-type"
BLOCKS_LOST = "importer-blocks-unread"
REACTIONS_CUT = "importer-reactions-cut"
THREAD_LOST = "importer-message-invalid-thread"

_NEW_VALUES = {"topic": "topic", "purpose": "purpose", "rename": "name"}
_BROADCASTS = ("thread_broadcast", "reply_broadcast")
# Subtypes of which more than `Message` has is needed, and those whose text is another member's.
_ROOMS = ("huddle_thread", "sh_room_created", "sh_room_shared")
FULL = frozenset(
    (
        *("file_share", "file_comment", "file_mention", "pinned_item", "unpinned_item", "reply_broadcast"),
        *("message_replied", "bot_add", "bot_remove", "channel_convert_to_private", *EDITS, *_ROOMS),
    )
)
_COMMON = records.PLAIN - FULL
# What a message was and is by an edit or a deletion, whole; and what other messages may have besides.
_STATES = ("message", "previous_message", "original")
_ALSO = tuple(name for name in records.RESTS if name not in ("root", "permalink"))
VALUED = {subtype: _NEW_VALUES[kind] for subtype, kind in KINDS.items() if kind in _NEW_VALUES}
_NAMES = ("text", "me", "bot", "join", "leave", "topic", "purpose", "rename", "archive", "unarchive", "pin", "huddle")
_ALL_KINDS = (*_NAMES, "call", "reminder", "tombstone", "file", "notice")
_KIND_SERIES = pl.Series(_ALL_KINDS, dtype=pl.String)
_CODES = {kind: code for code, kind in enumerate(_ALL_KINDS)}
_TEXT, _BOT, _NOTICE = _CODES["text"], _CODES["bot"], _CODES["notice"]


def _is_rich(raw: Raw) -> bool:
    """Whether attachments have blocks or files of their own, or are no list."""
    data = bytes(raw)
    # Two searches: an alternation has no beginning to look for, and takes fifty times as long.
    return b'blocks"' in data or b'"files"' in data or data[:1] not in (b"[", b"n")


def _is_noticed(m: records.Ordinary) -> bool:
    """Whether it has what only notices have."""
    return not (
        m.file is None
        and m.comment is None
        and m.room is None
        and m.item is None
        and m.item_type is None
        and m.old_name is None
        and m.metadata is None
        and m.x_files is None
    )


_BOT_TOKEN = re.compile(r"<@(B[A-Z0-9]+)(?:\|[^<>]*)?>")
TOKENS = re.compile(r"<([@#!][^<>|]*)(?:\|[^<>]*)?>").findall


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

# (entry, position in it, severity, code, message, excerpt): what is to be said of a message
Report = Callable[[int, int | None, str, str, str, str], None]


@dataclass(frozen=True, slots=True)
class _File:
    """A day file, or a piece of one. `position`: of its first message in the entry."""

    entry: int
    conversation: int
    position: int
    data: bytes
    found: list[records.Ordinary]


@dataclass(slots=True)
class Pile:
    """Messages of one batch on their way into frames. `spans`: runs of neighbours as (entry, conversation's place in
    the context, position of the first, how many)."""

    counts: ClassVar[bool] = False  # nothing is kept of what is only counted

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
    waiting: list[_File] = field(default_factory=list)  # day files whose messages were not looked at yet
    waiting_messages: int = 0
    waiting_bytes: int = 0

    def __post_init__(self) -> None:
        self.known = {*self.context.known, *self.told}

    def add(self, entry: int, conversation: int, position: int, data: bytes) -> int:
        """Takes a day file that decodes at once, and says how many messages that were. Raises json_records.UNFIT."""
        try:
            found = records.decode_messages(data)
        except msgspec.ValidationError:  # there is something that no ordinary message has
            found = None
        # Of a comment that is none the whole file is to be read otherwise, which is to be known now.
        if found is None or [m for m in found if m.comment is not None]:
            self.catch_up()
            taken, settled = self.decoded(data, records.decode_messages)
            for at in settled:
                self._settle(taken[at], entry, position + at)
            self._put(entry, conversation, position, taken)
            self.size_bytes += len(data)
            return len(taken)
        self.waiting.append(_File(entry, conversation, position, data, found))
        self.waiting_messages += len(found)
        self.waiting_bytes += len(data)
        if self.waiting_messages >= WAITING_MESSAGES or self.waiting_bytes >= WAITING_BYTES:
            self.catch_up()
        return len(found)

    def catch_up(self) -> None:
        """Takes the day files that wait, as `decoded` and `_settle` would one by one: most have so few messages that it
        is cheaper to look at those of many at once. What is to be said of them is said now."""
        files = self.waiting
        if not files:
            return
        self.size_bytes += self.waiting_bytes
        self.waiting, self.waiting_messages, self.waiting_bytes = [], 0, 0
        every = [m for file in files for m in file.found]
        spoken = [at for at, m in enumerate(every) if m.blocks is not None and m.client_msg_id is not None and m.text]
        same = lines_said([every[at].blocks for at in spoken], [every[at].text or "" for at in spoken])
        lines = {at: line for at, line in zip(spoken, same, strict=True) if line is not None}
        known = self.known
        rare = [
            at
            for at, m in enumerate(every)
            if not m.text
            or m.user not in known
            or (m.blocks is not None and at not in lines)
            or m.attachments is not None
            or (m.subtype is not None and m.subtype not in _COMMON)
            # `_is_noticed`, which to call for each of them takes as long again
            or m.file is not None
            or m.room is not None
            or m.item is not None
            or m.item_type is not None
            or m.old_name is not None
            or m.metadata is not None
            or m.x_files is not None
        ]
        odd = self._take_rare(files, rare, lines)
        for at, line in lines.items():
            if at not in odd:
                every[at].blocks = line  # type: ignore[assignment]  # as text: a Raw keeps the whole day file in memory
        for m in every:
            m.user_profile = None  # type: ignore[assignment]
        if odd:
            every = [m for file in files for m in file.found]
        self._keep(every)
        self.spans += [(file.entry, file.conversation, file.position, len(file.found)) for file in files]

    def _take_rare(self, files: Sequence[_File], rare: Sequence[int], lines: Mapping[int, str]) -> set[int]:
        """Of messages of day files, numbered through, those of which more may be needed: where that is so they are made
        Full. Answers which ones that were."""
        odd: set[int] = set()
        places = iter(rare)
        at, begin = next(places, None), 0
        for file in files:
            end, here = begin + len(file.found), list[int]()
            while at is not None and at < end:
                m = file.found[at - begin]
                if (m.blocks is not None and at not in lines) or _is_noticed(m) or self._is_odd(m):
                    here.append(at - begin)
                at = next(places, None)
            if here:
                self._take_odd(file, here)
                odd.update([begin + place for place in here])
            if at is None:
                break
            begin = end
        return odd

    def _take_odd(self, file: _File, odd: Sequence[int]) -> None:
        found: list[Any] = file.found
        raws: list[Raw] = []
        depth_max = self.context.depth_max
        for at in odd:
            m = records.full(found[at], depth_max)
            if m is None:
                raws = raws or records.decode_raws(file.data)
                m = records.with_other(records.decode_one(raws[at]), raws[at], depth_max)
            found[at] = m
        for at in odd:
            self._settle(found[at], file.entry, file.position + at)

    def decoded(self, data: bytes, decode: Callable[[bytes], list[Any]]) -> tuple[list[Any], Sequence[int]]:
        """(messages, where those stand of which more than their usual members is needed: they are Full). Raises
        json_records.UNFIT."""
        raws: list[Raw] = []
        try:
            found: list[Any] = decode(data)
        except msgspec.ValidationError:  # there is something that no ordinary message has
            if records.NESTED in data:
                raise
            raws = records.decode_raws(data)
            found = [self._ordinary(raw) for raw in raws]
        # All are gone through once, and of most files none is looked at again. What a person typed in a client has a
        # number of that client's, and its text is what Slack made of its blocks; the blocks of all others are looked
        # at. They become text, for a Raw keeps the whole day file in memory.
        known, counts, odd = self.known, self.counts, []
        for at, m in enumerate(found):
            if m is None or (not counts and _is_noticed(m)):
                odd.append(at)
                continue
            text, lines = m.text, None
            if m.blocks is not None:
                if not text or m.client_msg_id is None:
                    odd.append(at)
                    continue
                if counts:
                    same = saying(m.blocks, text)
                else:
                    same = (lines := typed(m.blocks)) is not None and not says_more(lines, text)
                if not same:
                    odd.append(at)
                    continue
            rare = not text or m.user not in known or m.attachments is not None
            if (rare or (m.subtype is not None and m.subtype not in _COMMON)) and self._is_odd(m):
                odd.append(at)
                continue
            m.blocks = lines
            if not counts:
                m.user_profile = None
        for at in odd:
            m = None if counts or found[at] is None else records.full(found[at], self.context.depth_max)
            if m is None:
                raws = raws or records.decode_raws(data)
                m = records.decode_one(raws[at])
                if not counts:
                    records.with_other(m, raws[at], self.context.depth_max)
            found[at] = m
        return found, odd

    def _ordinary(self, raw: Raw) -> records.Ordinary | records.Counted | None:
        """None where there is something in it that no ordinary message has."""
        try:
            return records.decode_count(raw) if self.counts else records.decode_ordinary(raw)
        except msgspec.ValidationError:
            return None

    def _is_odd(self, m: records.Ordinary | records.Counted) -> bool:
        """Whether more of a message than its usual members is needed, whatever its blocks are."""
        if m.user not in self.known or (m.subtype is not None and m.subtype not in _COMMON):
            return True
        if m.attachments is not None and _is_rich(m.attachments):
            return True
        return not (m.text or m.files)

    def put(self, entry: int, conversation: int, position: int, found: Sequence[Full]) -> None:
        """Takes messages that were decoded one by one."""
        self.catch_up()
        for at, m in enumerate(found):
            self._settle(m, entry, position + at)
        self._put(entry, conversation, position, found)

    def _put(self, entry: int, conversation: int, position: int, found: Sequence[Message]) -> None:
        self.spans.append((entry, conversation, position, len(found)))
        self._keep(found)

    def _keep(self, found: Sequence[Message]) -> None:
        for m in [m for m in found if m.attachments is not None or m.files]:
            if m.attachments is not None:
                m.attachments = cards(m.attachments, self.context.depth_max)  # type: ignore[assignment]
            if m.files:  # as text: a Raw keeps the whole day file in memory
                m.files = [str(raw, "utf-8", "replace") for raw in m.files]  # type: ignore[misc]
        self.messages += found

    def _settle(self, m: Full, entry: int = -1, position: int | None = None) -> None:
        """Brings what stands elsewhere in some messages to where it is in ordinary ones."""
        depth_max, subtype = self.context.depth_max, m.subtype
        rest: dict[str, Any] = m.other or {}
        if subtype in FULL:
            if subtype == "file_comment" and m.comment:
                m.user = m.comment.user or m.user
                if m.text and m.comment.comment and m.comment.comment not in m.text:
                    rest["text"] = m.text
                m.text = m.comment.comment or m.text
            elif subtype in EDITS:
                self.edits[id(m)] = edit(m, depth_max)
            rest |= {name: raw for name in records.RESTS if (raw := getattr(m, name)) is not None}
        else:
            rest |= {name: raw for name in _ALSO if (raw := getattr(m, name)) is not None}
            if m.root is not None:
                rest["root"] = root(m.root, depth_max)
        rest |= {name: raw for name in _STATES if (raw := getattr(m, name)) is not None}
        if m.comment and not m.text:
            m.text = m.comment.comment
        elif m.comment and m.comment.comment and m.comment.comment not in (m.text or ""):
            rest["comment"] = m.comment.comment
        if m.file is not None and not m.files:
            m.files = [m.file]
        elif m.file is not None:
            rest["file"] = m.file
        if m.attachments is not None and bytes(m.attachments)[:1] not in (b"[", b"n"):
            said = wrong_type(("attachments",))
            self.report(entry, position, "warning", WRONG_TYPE, said, "")
            rest["attachments"], m.attachments = m.attachments, None  # type: ignore[assignment]
        if m.attachments is not None and (rich := shared_cards(bytes(m.attachments), depth_max)):
            rest["attachments"] = m.attachments
            m.attachments = Raw(records.encode(rich[0]))
            m.files = [*(m.files or ()), *map(Raw, rich[1])] or None
        raw, m.blocks = m.blocks, None  # type: ignore[assignment]
        if raw is not None and bytes(raw) != b"null":
            came = str(raw, "utf-8", "replace")
            lines = typed(raw) if m.client_msg_id is not None and m.text else None
            if lines is not None and not (says_more(lines, m.text or "") and has_all(raw, m.text, depth_max)):
                m.blocks = lines  # type: ignore[assignment]
            elif not isinstance(blocks := json_records.parse(raw, depth_max), list):
                m.shown = came  # type: ignore[assignment]
                self.report(entry, position, "warning", BLOCKS_LOST, "Blocks that cannot be read.", came)
            else:
                m.shown = came  # type: ignore[assignment]
                m.text, untold, unshown = with_blocks(m.text, blocks)
                if untold:
                    rest["text"] = untold
                if unshown:
                    said = f"Of {unshown:,} of the message's {len(blocks):,} blocks nothing can be shown in words."
                    self.report(entry, position, "warning", BLOCKS_LOST, said, came)
        if m.room is not None:
            rest["room"] = m.room
        if m.room is not None and subtype in _ROOMS:
            m.text = m.text or huddle(json_records.parse(m.room, depth_max), subtype or "")
        if rest:
            m.rest = str(records.encode(rest), "utf-8", "replace")  # type: ignore[assignment]
        if m.user not in self.known and m.user_profile is not None:
            self.profiles[m.user or ""] = profile(m.user_profile)
            self.known.add(m.user)

    def mentions(self, text: str) -> Sequence[Mention]:
        """What `markup.mentions` finds, asked once for each token; only where there may be code, which hides tokens,
        is it given the whole text."""
        if "`" in text:
            return [(kind, target or None) for kind, target in markup.mentions(text, FORMAT)]
        found: list[Mention] = []
        for token in TOKENS(text):
            mention = self.memo.get(token, _UNASKED)
            if mention is _UNASKED:
                mention = self._asked(token)
            if mention is not None and mention not in found:
                found.append(mention)
        return found

    def by_users(self, text: str) -> str:
        """With bots that are mentioned by their own id named by that of their user, as everything else names them."""
        return _BOT_TOKEN.sub(self._by_user, text) if "<@B" in text and self.context.bots else text

    def _by_user(self, token: re.Match[str]) -> str:
        user = self.context.bots.get(token[1])
        return f"<@{user}>" if user else token[0]

    def report_cut(self, entry: int, position: int, unnamed: int) -> None:
        said = f"{unnamed:,} reactions are only counted: the export does not say whose they are."
        self.report(entry, position, "warning", REACTIONS_CUT, said, "")

    def _asked(self, token: str) -> Mention | None:
        if len(self.memo) > _MEMO_MAX:
            self.memo.clear()
        meant = markup.mentions(f"<{token}>", FORMAT)
        mention = self.memo[token] = (meant[0][0], meant[0][1] or None) if meant else None
        return mention

    def flush(self) -> None:
        """Makes frames of what has piled up."""
        self.catch_up()
        if self.messages:
            tables = _tables(self)
            self.rows += tables["messages"].height
            for name, rows in tables.items():
                if rows.height:
                    self.done.setdefault(name, []).append(rows)
        self.messages, self.spans, self.edits, self.size_bytes = [], [], {}, 0

    def flush_if_large(self) -> None:
        if (
            len(self.messages) + self.waiting_messages >= PILE_MESSAGES
            or self.size_bytes + self.waiting_bytes >= PILE_BYTES
        ):
            self.flush()

    @property
    def count(self) -> int:
        """Of messages since the beginning."""
        return self.rows + len(self.messages) + self.waiting_messages

    def frames(self) -> dict[str, pl.DataFrame]:
        """Of everything since the beginning."""
        self.flush()
        frames = {name: pl.concat(parts) for name, parts in self.done.items()}
        if self.profiles:
            frames["users"] = inferred(self.profiles, self.context.team)
        return frames


def fitting(pile: Pile) -> tuple[Sequence[Message], Whole, Whole, Whole, Whole]:
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
    found, entry, place, position, times = fitting(pile)
    if not found:
        return {"messages": frame("messages", {})}
    length = len(found)

    def rare(values: Sequence[object], kind: pl.DataType) -> pl.Series:
        """A column that is empty nearly always."""
        if values.count(None) == length:
            return pl.Series(dtype=kind).extend_constant(None, length)
        return pl.Series(values, dtype=kind)

    threads = [m.thread_ts for m in found]
    if not all(len(t) == TIME_BYTES and TIME.fullmatch(t) for t in threads if t is not None):
        threads = [thread(m, int(entry[i]), int(position[i]), pile.report) for i, m in enumerate(found)]

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
            m.text = said(m)
            kinds[i] = _CODES[KINDS[subtype]] if subtype in KINDS else _TEXT if m.text else _NOTICE
            if subtype == "bot_message":
                aliases[i] = aliases[i] or m.username

    texts = [m.text for m in found]
    linked = [(at, text) for at, text in enumerate(texts) if text and "<" in text]
    for place_of, (at, text) in enumerate(linked):
        if "<@B" in text:
            texts[at] = pile.by_users(text)
            linked[place_of] = (at, pile.by_users(text))
    edited = [m.edited for m in found]
    marked = edited.count(None) != length
    pinned = [m.pinned_to for m in found]
    hidden = [m.hidden for m in found]
    icons = [m.icons for m in found]
    reacted_rows, reacted, nobodys = reaction_rows([m.reactions for m in found])
    for at, unnamed in nobodys.items():
        pile.report_cut(int(entry[at]), int(position[at]), unnamed)
    filed_rows, filed = file_rows(found, context.bodies, context.depth_max)
    no_text: list[None] = [None] * length
    lines: list[str | None] = [m.blocks for m in found]  # type: ignore[attr-defined]  # text by now
    shown: list[str | None] = [None] * length
    rest: list[str | None] = [None] * length
    unlike = [
        (at, m)
        for at, m in enumerate(found)
        if type(m) is Full or m.inviter is not None or m.root is not None  # type: ignore[attr-defined]  # Ordinary
    ]
    for at, m in unlike:
        if type(m) is Full:
            shown[at], rest[at] = m.shown, m.rest
        else:
            told: dict[str, Any] = {"inviter": m.inviter} if m.inviter is not None else {}  # type: ignore[attr-defined]
            if m.root is not None:  # type: ignore[attr-defined]
                told["root"] = root(m.root, context.depth_max)  # type: ignore[attr-defined]
            rest[at] = str(records.encode(told), "utf-8", "replace")

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
                [None if (n := m.reply_count) is None else json_records.whole(n) for m in found], pl.Int64()
            ),
            "last_reply_us": rare([time_us(t) if (t := m.latest_reply) else None for m in found], pl.Int64()),
            "edited_us": rare([time_us(e.ts) if e else None for e in edited] if marked else no_text, pl.Int64()),
            "edited_by": rare([e.user if e else None for e in edited] if marked else no_text, pl.String()),
            "pinned": [bool(p) for p in pinned] if any(pinned) else np.zeros(length, dtype=bool),
            "hidden": [h is True for h in hidden] if any(hidden) else np.zeros(length, dtype=bool),
            "emoji": rare([i.emoji if isinstance(i, records.Icons) else None for i in icons], pl.String()),
            "attachments": rare([m.attachments for m in found], pl.String()),
            "blocks": rare(shown, pl.String()),
            "typed": rare(lines, pl.String()),
            "original": rare(rest, pl.String()),
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
        "blocks",
        "typed",
        "original",
        "reactions",
        "files",
    )
    clean = without_nul(table)
    if clean is not table:
        report_nul(found, entry, position, pile.report)
    mentions = [(at, kind, target) for at, text in linked for kind, target in pile.mentions(text)]
    edits = [(i, *pile.edits.pop(id(m))) for i, m in enumerate(found) if id(m) in pile.edits] if pile.edits else []
    edits = [(*row[:-1], row[-1] and f"{context.prefixes[place.item(row[0])]}{row[-1]}") for row in edits]
    return {
        "messages": clean,
        "reactions": _moved(reacted_rows, pile.rows),
        "files": _moved(filed_rows, pile.rows),
        "mentions": _moved(of_rows("mentions", mentions), pile.rows),
        "edits": _moved(of_rows("edits", edits), pile.rows),
    }


def said(m: Message | records.Counted) -> str | None:
    """The text of a message that has a subtype: the new value, where it tells of one."""
    member = VALUED.get(m.subtype or "")
    value: str | None = getattr(m, member) if member else None
    return m.text if value is None else value


def report_nul(found: Sequence[Message], entry: Whole, position: Whole, report: Report) -> None:
    for i, m in enumerate(found):
        if m.text and "\0" in m.text:
            report(int(entry[i]), int(position[i]), "warning", NUL_DROPPED, "NUL characters were left out.", m.text)


def _moved(rows: pl.DataFrame, by: int) -> pl.DataFrame:
    return rows.with_columns(pl.col("at") + pl.lit(by, dtype=pl.UInt32)) if by and rows.height else rows


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


def thread(m: Message, entry: int, position: int, report: Report) -> str | None:
    ts = canonical(m.thread_ts)
    if m.thread_ts and ts is None:
        said = f"“{m.thread_ts[:40]}” is no time of a thread's first message."
        report(entry, position, "warning", THREAD_LOST, said, m.text or "")
    return ts
