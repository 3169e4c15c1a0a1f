"""What belongs to some Slack messages only: blocks, reactions, files, attachments, edits, huddles, and people that no
list names. Facts: chat-export-formats.md 2.6 to 2.11."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import polars as pl
from msgspec import Raw

from douane.chat.importers import json_records
from douane.chat.importers import slack_records as records
from douane.chat.importers.slack_blocks import shown_of, slack_blocks_text
from douane.chat.importers.slack_records import Full, Message, Reaction, Shared
from douane.chat.importers.slack_times import canonical, time_us
from douane.chat.markup import escape
from douane.chat.tables import TABLES, frame

Bodies = Callable[[Sequence[str | None]], list[int | None]]
EDITS = {"message_changed": "edit", "message_deleted": "delete"}

_TONE = re.compile(r"(.+)::skin-tone-([2-6])", re.DOTALL)
_NUL_FREE = ("kind", "format", "attachments", "blocks", "typed", "original", "state", "type", "role", "origin")


def without_nul(rows: pl.DataFrame) -> pl.DataFrame:
    """PostgreSQL's texts hold no NUL."""
    texts = [name for name, kind in rows.schema.items() if kind == pl.String and name not in _NUL_FREE]
    if rows.select(pl.any_horizontal(pl.col(texts).str.contains("\0", literal=True).any())).item():
        return rows.with_columns(pl.col(texts).str.replace_all("\0", "", literal=True))
    return rows


def of_rows(table: str, rows: Sequence[tuple[object, ...]]) -> pl.DataFrame:
    return frame(table, dict(zip(TABLES[table], zip(*rows, strict=True), strict=True)) if rows else {})


# kind, time, user, what it said before, the time that names the message
Edit = tuple[str, int | None, str | None, str | None, str | None]


def edit(m: Full, depth_max: int) -> Edit:
    """A row of `edits` but for its place. Only exports of workspaces that retain edits have these."""
    before = json_records.parse(m.previous_message, depth_max) or json_records.parse(m.original, depth_max)
    after = json_records.parse(m.message, depth_max)
    before, after = before if isinstance(before, dict) else {}, after if isinstance(after, dict) else {}
    mark = after.get("edited") or before.get("edited")
    mark = mark if isinstance(mark, dict) else {}
    kind = EDITS[m.subtype or ""]
    edited = kind == "edit"
    at = (time_us(json_records.text(mark.get("ts"))) if edited else None) or time_us(m.ts)
    who = (json_records.text(mark.get("user")) if edited else None) or m.user
    named = (json_records.text(after.get("ts")), json_records.text(before.get("ts")), m.deleted_ts)
    changed = next((ts for one in named if (ts := canonical(one))), None)
    return kind, at, who, json_records.text(before.get("text")), changed and changed.replace(".", "-")


# Of a thread's first message, what the replies that come later change.
_COUNTERS = frozenset(
    (
        *("reply_count", "reply_users", "reply_users_count", "replies", "latest_reply"),
        *("last_read", "unread_count", "subscribed", "is_locked"),
    )
)


def root(raw: Raw, depth_max: int) -> Any:
    """The copy of a thread's first message that a reply to the whole channel carries, which may be all that an export
    of some days has of it; without what changes as the thread grows, for the reply does not change by that."""
    found = json_records.parse(raw, depth_max)
    if not isinstance(found, dict):
        return raw
    return {name: one for name, one in found.items() if name not in _COUNTERS}


def huddle(room: object, subtype: str) -> str | None:
    """A huddle or call in words, where the export has none: who was there and for how long."""
    if not isinstance(room, dict):
        return None
    if subtype != "huddle_thread":
        name = json_records.text(room.get("name"))
        return f"A call: {escape(name)}" if name else "A call"
    history = room.get("participant_history")
    people = [
        f"<@{user}>" for item in (history if isinstance(history, list) else []) if (user := json_records.text(item))
    ]
    start, end = json_records.whole(room.get("date_start")), json_records.whole(room.get("date_end"))
    minutes = f" for {max(1, round((end - start) / 60))} min" if start and end and end > start else ""
    return f"A huddle{minutes}{': ' if people else ''}{', '.join(people)}"


_WORDS = re.compile(r"[^\W_]+")


def words(text: str | None) -> set[str]:
    return set(_WORDS.findall((text or "").casefold()))


def with_blocks(text: str | None, blocks: list[Any]) -> tuple[str | None, str | None, int]:
    """(what a client shows of a message with these blocks, the text that it does not show, how many blocks could not be
    shown). Lines that somebody typed are more exact than the text that Slack made of them; of an app's message the
    text is only a notification."""
    shown, unshown = shown_of(blocks)
    if not shown:
        return text, None, unshown
    if not words(shown) - words(text) and not any(_is_laid_out(block) for block in blocks):
        return text or shown, None, unshown
    return shown, text if words(text) - words(shown) else None, unshown


def has_all(raw: Raw, text: str | None, depth_max: int) -> bool:
    """Whether blocks say all that the text says; where each says something else, a person's text is what counts."""
    blocks = json_records.parse(raw, depth_max)
    return isinstance(blocks, list) and words(text) <= words(shown_of(blocks)[0])


def _is_laid_out(block: Any) -> bool:
    """Whether a block has an order of its own: a list, a quote, code, or anything but typed lines."""
    if not isinstance(block, dict) or block.get("type") != "rich_text":
        return True
    elements = block.get("elements")
    return not isinstance(elements, list) or any(
        not isinstance(one, dict) or one.get("type") != "rich_text_section" for one in elements
    )


def shared_cards(raw: bytes, depth_max: int) -> tuple[list[dict[str, Any]], list[bytes]] | None:
    """(attachments with the words of their own blocks as text, the files of shared messages); None where attachments
    have neither."""
    if b'blocks"' not in raw and b'"files"' not in raw:
        return None
    found = json_records.parse(raw, depth_max)
    if not isinstance(found, list):
        return None
    shared: list[bytes] = []
    for card in found:
        if not isinstance(card, dict):
            continue
        blocks = [*_list(card.get("blocks")), *_blocks_of_messages(card.get("message_blocks"))]
        said = slack_blocks_text(blocks)[0] if blocks else ""
        told = " ".join(str(card.get(name) or "") for name in ("pretext", "title", "text", "fallback"))
        if said and words(said) - words(told):
            card["text"] = said
        shared += [records.encode(file) for file in _list(card.get("files")) if isinstance(file, dict)]
    return found, shared


def _blocks_of_messages(given: Any) -> list[Any]:
    """Blocks of the messages that an attachment shares."""
    found: list[Any] = []
    for one in _list(given):
        message = one.get("message") if isinstance(one, dict) else None
        found += _list(message.get("blocks")) if isinstance(message, dict) else []
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def cards(raw: Raw, depth_max: int) -> str | None:
    """Attachments as they came; None where there are none, or nested too deeply to be read again."""
    text = str(raw, "utf-8", "replace")
    if text in ("null", "[]"):
        return None
    if text.count("[") + text.count("{") > depth_max and json_records.parse(raw, depth_max) is None:
        return None
    return text


def reaction_rows(given: Sequence[Sequence[Reaction] | None]) -> tuple[pl.DataFrame, pl.Series, dict[int, int]]:
    """One row a person and reaction; for each message how many rows it has; and, by its place, how many reactions of a
    message are nobody's."""
    ats: list[int] = []
    names: list[str] = []
    tones: list[int] = []
    sizes: list[int] = []
    users: list[str | None] = []
    unnamed: dict[int, int] = {}  # place in `users` -> how many more there were
    nobodys: dict[int, int] = {}
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
                nobodys[at] = nobodys.get(at, 0) + r.count - size
                users.append(None)
                size += 1
            if "::" in name and (match := _TONE.fullmatch(name)):
                name, tone = match[1], int(match[2])
            ats.append(at)
            names.append(name)
            tones.append(tone)
            sizes.append(size)
    if not users:
        return frame("reactions", {}), pl.Series(dtype=pl.UInt32).extend_constant(0, len(given)), {}
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
    return without_nul(rows), pl.Series(per_message), nobodys


_UINT32_MAX = 2**32 - 1


def file_rows(found: Sequence[Message], bodies_of: Bodies, depth_max: int) -> tuple[pl.DataFrame, pl.Series]:
    """One row a file, and for each message how many it has. A hole in the list keeps its number and gives no row."""
    texts = [
        (at, number, str(text))  # `Pile.put` has made it text
        for at, m in enumerate(found)
        if m.files
        for number, text in enumerate(m.files, 1)
    ]
    decoded = records.shared_files([text for _, _, text in texts], depth_max)
    shared = [(*place, file) for place, file in zip(texts, decoded, strict=True) if file is not None]
    if not shared:
        return frame("files", {}), pl.Series(dtype=pl.UInt32).extend_constant(0, len(found))
    each = [file for _, _, _, file in shared]
    bodies = bodies_of([f.id for f in each])
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
    return without_nul(rows), pl.Series(per_message)


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


def inferred(profiles: Mapping[str, Profile], team: str) -> pl.DataFrame:
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
    return without_nul(frame("users", rows))


def _role(person: Profile, team: str) -> str:
    if person.is_ultra_restricted:
        return "guest_single"
    if person.is_restricted:
        return "guest"
    return "external" if person.team and person.team != team else "member"


def count_reactions(given: Sequence[Reaction]) -> tuple[int, int]:
    """How many rows `reaction_rows` makes of them, and how many reactions are nobody's."""
    rows = unnamed = 0
    for r in given:
        users = r.users or ()
        size = len(users)
        rows += len(set(users)) if size > 1 else size
        if r.count is not None and r.count > size:
            rows += 1
            unnamed += r.count - size
    if len(given) > 1 and len({r.name for r in given}) < len(given):
        rows = reaction_rows([given])[0].height
    return rows, unnamed


def count_files(files: Sequence[Raw | str], depth_max: int) -> int:
    """How many rows `_files` makes of them."""
    count = 0
    for file in files:
        data = file.encode() if isinstance(file, str) else bytes(file)
        if data.startswith(b"{"):
            deep = data.count(b"{") + data.count(b"[") > depth_max
            count += not deep or records.shared_file(data.decode("utf-8", "replace"), depth_max) is not None
    return count
