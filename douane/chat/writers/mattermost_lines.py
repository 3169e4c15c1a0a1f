"""Staged tables -> the lines of a Mattermost bulk import (JSONL).

Facts: shared chat-export-formats.md 5 (order, fields, limits). Pure: frames come in, lines go out, conversation after
conversation; no more than one conversation's frames is held. What Mattermost cannot take is changed or left out, and
counted in the report: nothing is lost in silence.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

import msgspec
import numpy as np
import polars as pl

from douane import __version__
from douane.chat import markup
from douane.chat.tokens import without
from douane.chat.writers import ALL, Selection
from douane.chat.writers.mattermost_text import (
    MESSAGE_RUNES as MESSAGE_RUNES,
)
from douane.chat.writers.mattermost_text import (
    NAME_RUNES,
    NO_CHANNEL,
    NO_TEAM,
    NO_USERNAME,
    Taken,
    split,
)
from douane.chat.writers.mattermost_text import slug as slug_of

PROPS_RUNES = 800_000
LINE_BYTES = 12 << 20  # of replies; Mattermost reads lines of at most 16 MiB
ATTACHMENTS = 5
HEADER_RUNES, PURPOSE_RUNES, POSITION_RUNES = 1024, 250, 128
DIRECT_MEMBERS = 8
BOT = "imported"
# No team's name may begin with one of these.
RESERVED_TEAMS = (
    *("admin", "api", "boards", "channel", "claim", "error", "files", "help", "landing", "login", "mfa", "oauth"),
    *("playbooks", "plug", "post", "signup"),
)
RESERVED_USERNAMES = frozenset({"all", "channel", "here", "matterbot", "system", BOT})
GUESTS = frozenset({"guest", "guest_single", "external"})

# What stands in the report for each code.
SAYS = {
    "kept": {
        "teams": "Teams",
        "channels": "Channels",
        "users": "Users",
        "memberships": "Channel memberships",
        "posts": "Posts, direct ones too",
        "replies": "Replies",
        "direct_channels": "Direct conversations",
        "reactions": "Reactions",
        "attachments": "Files attached from the export",
        "pins": "Pinned posts",
        "edited": "Posts that carry the time of their last edit",
    },
    "changed": {
        "username": "Usernames that Mattermost would refuse were rewritten or numbered.",
        "email": "Users without an e-mail of their own got one that does not exist (…@users.invalid).",
        "placeholder": "Authors that the export does not list became deactivated users.",
        "nameless_author": f"Posts without an author are by the user “{BOT}” and show the name they had.",
        "channel_name": "Channel names that Mattermost would refuse were rewritten or numbered.",
        "direct_merged": "Direct conversations of the same people were joined.",
        "direct_too_many": "Group conversations of more people than Mattermost allows became private channels.",
        "guest_without_channel": "Guests without a channel became members.",
        "admin": "Owners and administrators became ordinary members.",
        "message_split": "Long messages were split.",
        "attachments_split": "Messages with more than five files were split.",
        "time_moved": "Posts of the same millisecond were moved by one or more, so that they stay apart and in order.",
        "broadcast": "Replies that were also shown in the channel stand in their thread only.",
        "reply_without_root": "Replies whose thread is not here became posts.",
        "file_link": "Files whose content is not in the export became links.",
        "text_shortened": "Names, headers or purposes were shortened.",
        "bot": "Bots became ordinary users.",
    },
    "lost": {
        "emoji_images": "Custom emoji: the export does not hold their images.",
        "no_time": "Messages without a valid time.",
        "empty": "Messages with nothing to show.",
        "duplicate": "Messages that the export holds twice are there once.",
        "reaction_user": "Reactions of people whom the export does not name.",
        "reaction_name": "Reactions whose emoji Mattermost cannot name.",
        "page": "Files of which the export holds only a web page to sign in.",
        "file": "Files that the export neither holds nor links.",
        "props": "Attachments of integrations that are too large.",
        "edits": "Earlier versions of edited messages.",
        "details": "What else the export tells of messages, and no post can hold: who invited, calls, forms of apps.",
        "contacts": "Contacts: Mattermost has none.",
        "archived": "Channels that were archived are marked as such; Mattermost hides them.",
        "not_selected": "Messages of people who were not selected.",
        "empty_direct": "Direct conversations without people.",
    },
}

# What a message of each kind is for Mattermost: its type and the property that holds its text.
_SYSTEM = {
    "join": ("system_join_channel", "", "{who} joined the channel."),
    "leave": ("system_leave_channel", "", "{who} left the channel."),
    "topic": ("system_header_change", "new_header", "{who} updated the channel header to: {text}"),
    "purpose": ("system_purpose_change", "new_purpose", "{who} updated the channel purpose to: {text}"),
    "rename": ("system_displayname_change", "new_displayname", "{who} updated the channel display name to: {text}"),
    "archive": ("system_channel_deleted", "", "{who} archived the channel."),
    "unarchive": ("system_channel_restored", "", "{who} unarchived the channel."),
}
_EMAIL = re.compile(r"[^\s@<>\"(),:;\\\[\]]+@[^\s@<>\"(),:;\\\[\]]+", re.ASCII)
_EMOJI = re.compile(r"[a-zA-Z0-9_+-]{1,64}", re.ASCII)
_ATTACHMENT_TEXTS = (
    *("fallback", "color", "pretext", "author_name", "author_link", "author_icon", "title", "title_link", "text"),
    *("image_url", "thumb_url", "footer", "footer_icon", "ts"),
)
_WRITTEN = frozenset(("fallback", "pretext", "author_name", "title", "text", "footer", "value"))
_FIELD_TEXTS = ("title", "value", "short")
_COLUMNS = (
    *("id", "ts_us", "author", "alias", "kind", "text", "format", "broadcast", "edited_us", "pinned", "emoji"),
    "attachments",
)

Extract = Callable[[int, str, str | None], str | None]
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class _Channel:
    """`key`: channels of one key become one. `names`: of the members; `name` is of channels that are not direct."""

    key: str
    direct: bool
    name: str
    members: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Content:
    """What is to be written but for the messages: the staged tables whole. `authors`: columns channel, author, last_us,
    one row per pair, of the messages to be written (author null: none)."""

    users: pl.DataFrame
    channels: pl.DataFrame
    members: pl.DataFrame
    authors: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Manner:
    """How it is written. `team`: the team's title; `format`: the markup of topics; `extract`: the path of a file's body
    within the import's data/, given its archive entry, name and media type, or None where it cannot be had."""

    team: str
    format: str
    extract: Extract
    selection: Selection = ALL


_members_of = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
# Members of a message's original that are posts themselves, are shown in this one, or are counted as edits.
_ELSEWHERE = frozenset(("root", "text", "attachments", "message", "previous_message", "original"))


class Writer:
    """Lines of the bulk import, conversation after conversation; `kept`, `changed` and `lost` count by the codes of
    SAYS."""

    def __init__(self, content: Content, manner: Manner) -> None:
        self.kept: Counter[str] = Counter()
        self.changed: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        self._manner = manner
        self._selection = manner.selection
        slug = slug_of(manner.team, NO_TEAM, "team")
        self._team = f"team-{slug}"[:NAME_RUNES].rstrip("-") if slug.startswith(RESERVED_TEAMS) else slug
        authors = content.authors
        self._end_ms = max(1, int(authors.select(pl.col("last_us").max().fill_null(0)).item()) // 1000)
        self._nameless = authors["author"].null_count() > 0
        self._authors: dict[str, list[str]] = {}
        for channel, author in authors.select("channel", "author").unique(maintain_order=True).iter_rows():
            if author is not None:
                self._authors.setdefault(channel, []).append(author)
        self._members: dict[str, list[str]] = {}
        for channel, user in content.members.select("channel", "user").iter_rows():
            if channel is not None and user is not None:
                self._members.setdefault(channel, []).append(user)
        self._usernames: dict[str, str] = {}
        self._people = self._name_users(content.users)
        self._channels: dict[str, _Channel] = {}
        self._rooms = self._name_channels(content.channels)
        self._names = markup.Names(
            self._usernames, {key: one.name for key, one in self._channels.items() if not one.direct}
        )

    @property
    def conversations(self) -> list[list[str]]:
        """Channel ids, those that become one conversation together; direct ones last."""
        groups: dict[str, list[str]] = {}
        for direct in (False, True):
            for channel_id, one in self._channels.items():
                if one.direct is direct:
                    groups.setdefault(one.key, []).append(channel_id)
        return list(groups.values())

    def is_direct(self, conversation: Sequence[str]) -> bool:
        return self._channels[conversation[0]].direct

    # People and rooms

    def _name_users(self, users: pl.DataFrame) -> list[dict[str, Any]]:
        taken = Taken(*RESERVED_USERNAMES)
        emails: set[str] = set()
        people = []
        columns = (
            "id",
            "ids",
            "username",
            "name",
            "display_name",
            "emails",
            "type",
            "role",
            "deleted",
            "title",
            "origin",
        )
        for person in users.select(columns).iter_rows(named=True):
            if person["id"] in self._usernames:
                continue
            if person["origin"] == "inferred":  # whom only messages name is no member of the workspace
                person |= {"deleted": True, "placeholder": True}
            people.append(self._name_user(person, taken, emails))
        strangers = dict.fromkeys(chain(*self._authors.values(), *self._members.values()))
        for stranger in strangers:
            if stranger not in self._usernames:
                person = {"id": stranger, "ids": [stranger], "username": None, "name": stranger, "deleted": True}
                person["placeholder"] = True
                people.append(self._name_user(person, taken, emails))
        return people

    def _name_user(self, person: Mapping[str, Any], taken: Taken, emails: set[str]) -> dict[str, Any]:
        wished = person["username"] or person["name"] or person["id"]
        username = taken.unique(slug_of(wished, NO_USERNAME, "user"))
        changes = Counter({"username": int(bool(person["username"]) and username != person["username"])})
        for import_id in dict.fromkeys([person["id"], *(person["ids"] or [])]):
            self._usernames.setdefault(import_id, username)
        given = [email.lower() for email in person.get("emails") or [] if _EMAIL.fullmatch(email)]
        email = next((email for email in given if len(email) <= 128 and email not in emails), None)
        if email is None:
            email = f"{username}@users.invalid"
            changes["email"] += 1
        emails.add(email)
        first, _, last = (person["name"] or "").strip().partition(" ")
        role = person.get("role") or "member"
        changes["bot"] += person.get("type") == "bot"
        changes["admin"] += role in ("owner", "admin")
        changes["placeholder"] += person.get("placeholder", False)
        user = {
            "username": username,
            "email": email,
            "nickname": self._short(person.get("display_name") or "", NAME_RUNES),
            "first_name": self._short(first, NAME_RUNES),
            "last_name": self._short(last.strip(), NAME_RUNES),
            "position": self._short(person.get("title") or "", POSITION_RUNES),
        }
        if person["deleted"]:
            user["delete_at"] = self._end_ms
        return {"guest": role in GUESTS, "user": user, "changes": changes}

    def _name_channels(self, channels: pl.DataFrame) -> list[dict[str, Any]]:
        taken = Taken()
        direct: set[str] = set()
        rooms = []
        columns = ("id", "ids", "kind", "type", "name", "topic", "purpose", "archived", "creator")
        rows = {row["id"]: row for row in channels.select(columns).iter_rows(named=True) if row["id"] is not None}
        unlisted = {"kind": "unlisted", "type": "c", "topic": None, "purpose": None, "archived": False, "creator": None}
        for channel in self._authors:  # a conversation that no table names has no line, and its messages no place
            rows.setdefault(channel, {"id": channel, "ids": [channel], "name": channel, **unlisted})
        for row in rows.values():
            channel_id = row["id"]
            if self._selection.channels is not None and channel_id not in self._selection.channels:
                continue
            people = self._members.get(channel_id, [])
            if row["type"] == "d" or row["kind"] == "unlisted" or not people:
                people = [*people, *self._authors.get(channel_id, [])]
            if row["type"] != "d" and row["creator"] in self._usernames:
                people = [row["creator"], *people]
            usernames = list(dict.fromkeys(self._usernames[person] for person in people))
            if row["type"] == "d" and len(usernames) <= DIRECT_MEMBERS:
                if not usernames:
                    self.lost["empty_direct"] += 1
                    continue
                usernames = sorted(usernames) if len(usernames) > 1 else usernames * 2
                key = "direct:" + ",".join(usernames)
                self.changed["direct_merged"] += key in direct
                direct.add(key)
                self._channels[channel_id] = _Channel(key, True, "", usernames)
                continue
            self.changed["direct_too_many"] += row["type"] == "d"
            title = row["name"] or ", ".join(usernames)
            name = taken.unique(slug_of(title, NO_CHANNEL, "channel"))
            self.changed["channel_name"] += bool(row["name"]) and name != row["name"]
            self._channels[channel_id] = _Channel(channel_id, False, name, usernames)
            rooms.append({**row, "title": title, "slug": name})
        return rooms

    def head(self) -> Iterator[bytes]:
        """The lines before the posts: version, team, channels, users."""
        yield _encode({"type": "version", "version": 1, "info": {"generator": "douane", "version": __version__}})
        title = self._short(self._manner.team, NAME_RUNES)
        yield _line("team", {"name": self._team, "display_name": title, "type": "I", "allow_open_invite": False})
        self.kept["teams"] += 1
        for row in self._rooms:
            header, purpose = (
                markup.render(row[name] or "", self._manner.format, "mattermost", self._names)
                for name in ("topic", "purpose")
            )
            channel: dict[str, Any] = {
                "team": self._team,
                "name": row["slug"],
                "display_name": self._short(row["title"], NAME_RUNES),
                "type": "P" if row["type"] in ("p", "d") else "O",
                "header": self._short(header, HEADER_RUNES),
                "purpose": self._short(purpose, PURPOSE_RUNES),
            }
            if row["archived"]:
                channel["deleted_at"] = self._end_ms
            yield _line("channel", channel)
            self.kept["channels"] += 1
        yield from self._user_lines()

    def _user_lines(self) -> Iterator[bytes]:
        rooms: dict[str, list[str]] = {}
        needed: set[str] = set()
        for one in self._channels.values():
            for username in one.members:
                if one.direct:
                    needed.add(username)
                else:
                    rooms.setdefault(username, []).append(one.name)
        chosen = self._selection.users
        if chosen is not None:
            needed |= {self._usernames[user] for user in chosen if user in self._usernames}
        for person in self._people:
            user = person["user"]
            if chosen is not None and user["username"] not in needed:
                continue
            self.changed.update(person["changes"])
            names = list(dict.fromkeys(rooms.get(user["username"], [])))
            guest = person["guest"] and bool(names)
            self.changed["guest_without_channel"] += person["guest"] and not names
            kind = "guest" if guest else "user"
            channels = [{"name": name, "roles": f"channel_{kind}"} for name in names]
            teams = [{"name": self._team, "roles": f"team_{kind}", "channels": channels}]
            yield _line("user", {**user, "roles": f"system_{kind}", "teams": teams})
            self.kept["users"] += 1
            self.kept["memberships"] += len(names)
        if not self._nameless:
            return
        bot = {"username": BOT, "email": f"{BOT}@users.invalid", "nickname": "Imported", "roles": "system_user"}
        yield _line("user", {**bot, "teams": [{"name": self._team, "roles": "team_user", "channels": []}]})

    def direct(self) -> Iterator[bytes]:
        """The lines that make the direct conversations, each set of people once."""
        for group in self.conversations:
            one = self._channels[group[0]]
            if one.direct:
                self.kept["direct_channels"] += 1
                yield _line("direct_channel", {"members": one.members, "header": ""})

    # Posts

    def posts(
        self, conversation: Sequence[str], messages: pl.DataFrame, reactions: pl.DataFrame, files: pl.DataFrame
    ) -> Iterator[bytes]:
        """A conversation's posts in the order of time, each with its replies. `messages`: all its rows, with `row`
        (u32) that `at` of the others means."""
        one = self._channels[conversation[0]]
        messages = self._wanted(messages)
        if not len(messages):
            return
        messages = _threaded(messages)
        order = messages.select("row", pl.int_range(pl.len()).alias("place"))
        marks = _Rows(reactions, order, ("name", "tone", "user", "count"))
        bodies = _Rows(files, order, ("name", "title", "media_type", "state", "url", "body_entry"))
        moments = _Moments()
        place: dict[str, Any]
        place = {"channel_members": one.members} if one.direct else {"team": self._team, "channel": one.name}
        kind = "direct_post" if one.direct else "post"
        thread: list[dict[str, Any]] = []
        rows = messages.select("root", "row", "lone", *_COLUMNS).iter_rows(named=True)
        for number, row in enumerate(rows):
            reply = row["root"] != row["row"] and bool(thread) and thread[0]["row"] == row["root"]
            made = list(self._post(row, marks.of(number), bodies.of(number), partial(moments.free, reply=reply)))
            if not made:
                continue
            self.changed["reply_without_root"] += row["lone"]
            self.changed["broadcast"] += bool(row["broadcast"]) and not row["lone"]
            if not reply:
                yield from self._thread_lines(kind, place, thread)
                thread = []
            thread += [{"row": row["root"], "post": post, "reply": reply} for post in made]
        yield from self._thread_lines(kind, place, thread)

    def _wanted(self, messages: pl.DataFrame) -> pl.DataFrame:
        chosen = self._selection.users
        if chosen is not None:
            before = len(messages)
            messages = messages.filter(pl.col("author").is_in(list(chosen)))
            self.lost["not_selected"] += before - len(messages)
        before = len(messages)
        messages = messages.filter(pl.col("ts_us") >= 1000)
        self.lost["no_time"] += before - len(messages)
        before = len(messages)
        messages = messages.unique(["key_hi", "key_lo"], keep="last", maintain_order=True)
        self.lost["duplicate"] += before - len(messages)
        told = map(_members_of, messages["original"].drop_nulls())
        self.lost["details"] += sum(not _ELSEWHERE.issuperset(names) for names in told)
        return messages

    def _thread_lines(
        self, kind: str, place: Mapping[str, Any], thread: Sequence[Mapping[str, Any]]
    ) -> Iterator[bytes]:
        """A root with its replies is one line; what a long root was split into are lines of their own."""
        roots = [part["post"] for part in thread if not part["reply"]]
        replies = [part["post"] for part in thread if part["reply"]]
        for number, root in enumerate(roots):
            post = {**place, **root}
            self.kept["posts"] += 1
            if number or not replies:
                yield _line(kind, post)
                continue
            for some in _in_lines(replies):
                yield _line(kind, {**post, "replies": some})
                # The same root again: Mattermost knows it, and adds the further replies.
                post = {**place, **{key: root[key] for key in ("user", "type", "message", "create_at") if key in root}}
        self.kept["replies"] += len(replies)

    def _post(
        self,
        row: Mapping[str, Any],
        reactions: Sequence[tuple[Any, ...]],
        files: Sequence[tuple[Any, ...]],
        free: Callable[[int], int],
    ) -> Iterator[dict[str, Any]]:
        """The post of a message, and those that what does not fit went into."""
        user = self._usernames.get(row["author"] or "", BOT)
        props: dict[str, Any] = {}
        if row["alias"] or user == BOT:
            props |= {"from_webhook": "true", "override_username": row["alias"] or "unknown"}
            self.changed["nameless_author"] += user == BOT
        text, kind = self._text(row, user, props)
        paths, links = self._files(files)
        text = "\n".join(part for part in (text, *links) if part)
        if attachments := self._attachments(row["attachments"], row["format"]):
            props["attachments"] = attachments
        if not text and not paths and "attachments" not in props:
            self.lost["empty"] += 1
            return
        if "attachments" in props and len(_encode(props).decode()) > PROPS_RUNES:
            del props["attachments"]
            self.lost["props"] += 1
        texts = split(text)
        self.changed["message_split"] += len(texts) > 1
        self.changed["attachments_split"] += len(paths) > ATTACHMENTS
        for number in range(max(len(texts), -(-len(paths) // ATTACHMENTS))):
            said = texts[number] if number < len(texts) else ""
            at_ms = row["ts_us"] // 1000 + number
            created = free(at_ms)
            self.changed["time_moved"] += created != at_ms
            post: dict[str, Any] = {"user": user, "message": said, "create_at": created}
            if kind:
                post["type"] = kind
            if props and (number == 0 or "override_username" in props):
                post["props"] = props if number == 0 else {k: v for k, v in props.items() if k != "attachments"}
            if some := paths[number * ATTACHMENTS : (number + 1) * ATTACHMENTS]:
                post["attachments"] = [{"path": path} for path in some]
            if number == 0:
                if row["edited_us"] is not None:
                    post["edit_at"] = max(row["edited_us"] // 1000, created)
                    self.kept["edited"] += 1
                if row["pinned"]:
                    post["is_pinned"] = True
                    self.kept["pins"] += 1
                if marks := self._reactions(reactions, created):
                    post["reactions"] = marks
            yield post

    def _text(self, row: Mapping[str, Any], user: str, props: dict[str, Any]) -> tuple[str, str]:
        """(text, type of post)."""
        text = self._rendered(row["text"] or "", row["format"])
        if row["kind"] in _SYSTEM:
            kind, prop, sentence = _SYSTEM[row["kind"]]
            props["username"] = user
            if prop:
                props[prop] = text[: PROPS_RUNES // 2]
            return sentence.format(who=user, text=text), kind
        if row["kind"] == "me" and text:
            props["message"] = text[: PROPS_RUNES // 2]
            return f"*{text}*", "me"
        return text, ""

    def _rendered(self, text: str, form: str | None) -> str:
        return markup.render(without(text), form or "plain", "mattermost", self._names).replace("\0", "")

    def _files(self, files: Sequence[tuple[Any, ...]]) -> tuple[list[str], list[str]]:
        """Paths of the bodies that are there; lines of text for the other files."""
        paths, links = [], []
        for name, title, media_type, state, url, entry in files:
            shown = (title or name or "file").replace("\n", " ")[:200]
            path = self._manner.extract(entry, name or title or "file", media_type) if entry is not None else None
            if path is not None:
                paths.append(path)
                self.kept["attachments"] += 1
            elif url and not markup.is_unsafe(url) and _is_web(url):
                links.append(f"[{shown.replace('[', '(').replace(']', ')')}]({_linkable(url)})")
                self.changed["file_link"] += 1
            else:
                links.append(f"({shown}: {'deleted' if state == 'deleted' else 'not in the export'})")
                self.lost["file"] += 1
        return paths, links

    def _attachments(self, given: str | None, form: str | None) -> list[dict[str, Any]]:
        """What integrations added, in the fields that Mattermost shares with Slack."""
        if not given:
            return []
        try:
            cards = json.loads(given)
        except ValueError:  # a number of more digits than Python reads
            return []
        made = []
        for one in _list(cards):
            if not isinstance(one, dict):
                continue
            kept: dict[str, Any] = {}
            for name in _ATTACHMENT_TEXTS:
                value = _plain_value(one.get(name))
                if value not in (None, ""):
                    kept[name] = self._of_card(name, value, form)
            if not kept.get("title_link") and (source := _plain_value(one.get("from_url") or one.get("original_url"))):
                kept["title_link"] = without(str(source))
            fields = [
                {key: self._of_card(key, _plain_value(field.get(key)), form) for key in _FIELD_TEXTS if key in field}
                for field in _list(one.get("fields"))
                if isinstance(field, dict)
            ]
            if fields:
                kept["fields"] = fields
            if kept:
                made.append(kept)
        return made

    def _of_card(self, name: str, value: Any, form: str | None) -> Any:
        """A member of an attachment as Mattermost shows it: all that is read is text with marks or entities."""
        if not isinstance(value, str):
            return value
        return self._rendered(value, form) if name in _WRITTEN else without(value)

    def _reactions(self, reactions: Sequence[tuple[Any, ...]], created: int) -> list[dict[str, Any]]:
        made: dict[tuple[str, str], dict[str, Any]] = {}
        for name, tone, user, count in reactions:
            username = self._usernames.get(user) if user is not None else None
            emoji = markup.emoji_name(name or "", tone or 0, "mattermost")
            if username is None:
                self.lost["reaction_user"] += count or 1
            elif not _EMOJI.fullmatch(emoji):
                self.lost["reaction_name"] += 1
            else:
                made[username, emoji] = {"user": username, "emoji_name": emoji, "create_at": created}
        self.kept["reactions"] += len(made)
        return list(made.values())

    def _short(self, text: str, runes: int) -> str:
        text = text.replace("\0", "")
        self.changed["text_shortened"] += len(text) > runes
        return text if len(text) <= runes else text[: runes - 1] + "…"


class _Rows:
    """Rows of a sub-table by the place of their message, asked for in ascending order."""

    def __init__(self, frame: pl.DataFrame, order: pl.DataFrame, columns: Sequence[str]) -> None:
        joined = frame.join(order, left_on="at", right_on="row", how="inner").sort("place", maintain_order=True)
        self._rows = joined.select("place", *columns).iter_rows()
        self._next = next(self._rows, None)

    def of(self, place: int) -> list[tuple[Any, ...]]:
        found = []
        while self._next is not None and self._next[0] <= place:
            if self._next[0] == place:
                found.append(self._next[1:])
            self._next = next(self._rows, None)
        return found


class _Moments:
    """Mattermost knows milliseconds, and takes equal posts of one author and moment for one: each post of a channel,
    and each reply of a thread, comes later than the one before, as it did where it was written."""

    def __init__(self) -> None:
        self._post = self._reply = 0

    def free(self, at_ms: int, reply: bool) -> int:
        at_ms = max(at_ms, (self._reply if reply else self._post) + 1)
        self._reply = at_ms
        if not reply:
            self._post = at_ms
        return at_ms


def _threaded(messages: pl.DataFrame) -> pl.DataFrame:
    """In the order of their threads' roots, replies after their root, each in the order of time. `root`: the row of the
    root; `lone`: a reply whose root is not here."""
    ids = messages.select(pl.col("id").alias("thread"), pl.col("row").alias("of")).unique("thread", keep="first")
    messages = messages.join(ids, on="thread", how="left", maintain_order="left").with_columns(
        pl.col("of").fill_null(pl.col("row"))
    )
    rows = messages["row"].to_numpy()
    places = np.full(int(rows.max()) + 1, -1, dtype=np.int64)
    places[rows] = np.arange(len(rows))
    root = places[messages["of"].to_numpy()]
    for _ in range(3):  # a reply to a reply belongs to the first root
        root = root[root]
    itself = np.arange(len(rows))
    root = np.where(root[root] == root, root, itself)
    is_reply = (messages["thread"].is_not_null() & (messages["thread"] != messages["id"])).fill_null(False)
    return (
        messages.with_columns(
            pl.Series("root", rows[root], dtype=pl.UInt32),
            pl.Series("root_us", messages["ts_us"].to_numpy()[root]),
            pl.Series("lone", is_reply.to_numpy() & (root == itself)),
        )
        .with_columns((pl.col("root") != pl.col("row")).alias("reply"))
        .sort("root_us", "root", "reply", "ts_us", "row")
    )


def _in_lines(replies: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Replies in runs that a line can hold."""
    run: list[dict[str, Any]] = []
    size = 0
    for reply in replies:
        length = len(_encode(reply))
        if run and size + length > LINE_BYTES:
            yield run
            run, size = [], 0
        run.append(reply)
        size += length
    yield run


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _plain_value(value: Any) -> str | int | float | bool | None:
    """What stands in JSON that a stranger wrote, if it is one value that any reader takes."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\0", "")
    if isinstance(value, bool) or (isinstance(value, int | float) and abs(value) < 2**53):
        return value
    return None if value is None or isinstance(value, dict | list) else str(value)


def _line(kind: str, content: Mapping[str, Any]) -> bytes:
    return _encode({"type": kind, kind: content})


def _is_web(url: str) -> bool:
    try:
        return urlsplit(url).scheme in ("http", "https")
    except ValueError:
        return False


def _linkable(url: str) -> str:
    return without(url).replace("(", "%28").replace(")", "%29").replace(" ", "%20")
