"""Makes Slack exports whose contents are known because they were put there, never because something read them.

    python -m bench.chat_maker --messages 100000 --entries 11400 --out s.zip [--key s.key.json] [--layout corporate]

Every message is a pure function of (options, seed, conversation, day): the same seed gives the same bytes with any
number of processes, and two exports that differ in `start` and `end` only agree on every message of the days they
share. `messages` and `entries` are those of the whole history; `start` and `end` say which days of it are exported.
The archive is streamed: one day file at a time, the list of entries in a temporary file.

The key (`make`'s answer) counts what went in. With `damage`, records that no reader can take are counted apart.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import struct
import tempfile
import zlib
from bisect import bisect
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import cached_property, lru_cache
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from bench.people import below, mix

VERSION = 1  # raise it when the same seed gives other bytes or another key: older data is then made again
ZIP64_ENTRIES = 0xFFFF  # from so many on an archive counts them in a record of its own
LAYOUTS = ("standard", "corporate", "grid", "slackdump", "slackdump-attachments")
NAMES = ("utf-8-unflagged", "utf-8", "cp437")
CHUNK_MESSAGES = 3_000  # what a process makes at a time
CHUNK_ENTRIES = 400
MODERN = date(2018, 1, 1).toordinal()  # before, an upload was a message of its own with one `file`
BLOCKS = date(2019, 1, 1).toordinal()  # since then, what a person typed stands in `blocks` too
EPOCH = date(1970, 1, 1).toordinal()
LATE_S, FIRST_US = 86_390, 100  # when a reply to the day before is written; the microseconds of a day's first message
TEXTS = 6_000
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Options:
    """What to make. `damage`: the share of day files, and of records, that are broken. `names`: how names that are not
    ASCII stand in the archive. `folder`: one that wraps everything, with rubbish of other systems beside it."""

    messages: int = 2_000
    entries: int = 300
    users: int = 60
    public: int = 12
    private: int = 6
    groups: int = 4
    direct: int = 8
    seed: int = 7
    layout: str = "corporate"
    history_start: str = "2017-06-01"
    history_end: str = "2024-12-31"
    start: str = ""
    end: str = ""
    damage: float = 0.0
    names: str = "utf-8-unflagged"
    folder: str = ""
    level: int = 6


@dataclass(frozen=True, slots=True)
class Person:
    """A user. `listed`: users.json has them; the others are strangers of another company that only write."""

    number: int
    id: str
    handle: str
    kind: str
    team: str
    listed: bool
    record: dict[str, Any]
    opening: str  # the first members of a message of theirs
    profile: str  # what stands between the time and the text


@dataclass(frozen=True, slots=True)
class Conversation:
    """`days`: numbers of the days with messages, from the history's first; `counts`: how many on each."""

    number: int
    id: str
    name: str
    kind: str  # public, private, group, direct, unlisted
    root: str  # where its folder stands: "" or teams/x/
    folder: str
    members: tuple[int, ...]
    days: Whole
    counts: Whole


@dataclass(slots=True)
class Tally:
    """What is in a run of day files; `total` adds up by name, the others by what they are called."""

    total: Counter[str] = field(default_factory=Counter)
    subtypes: Counter[str] = field(default_factory=Counter)
    reactions: Counter[str] = field(default_factory=Counter)
    files: Counter[str] = field(default_factory=Counter)
    mentions: Counter[str] = field(default_factory=Counter)
    mentions_in_notices: Counter[str] = field(default_factory=Counter)
    years: Counter[int] = field(default_factory=Counter)
    conversations: Counter[str] = field(default_factory=Counter)
    broken_entries: Counter[str] = field(default_factory=Counter)
    broken_records: Counter[str] = field(default_factory=Counter)
    authors: set[str] = field(default_factory=set)
    bots: set[str] = field(default_factory=set)

    def add(self, other: Tally) -> None:
        for name in self.__slots__:
            getattr(self, name).update(getattr(other, name))


# ---------------------------------------------------------------------------------------------- numbers from nothing


def scramble(*numbers: int) -> int:
    """64 bits that look random and depend on every number (splitmix64)."""
    x = 0
    for number in numbers:
        x = (x ^ number) + 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & 0xFFFFFFFFFFFFFFFF
        x = (x ^ x >> 27) * 0x94D049BB133111EB & 0xFFFFFFFFFFFFFFFF
        x ^= x >> 31
    return x


_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def slack_id(letter: str, number: int, seed: int) -> str:
    """Eleven characters that differ for every number below 36**9 of one letter: a bijection modulo 36**9."""
    x = (number * 61_803_398_875 + seed * 1_000_003 + 31_415_926_535) % 36**9
    digits = []
    for _ in range(9):
        x, digit = divmod(x, 36)
        digits.append(_DIGITS[digit])
    return letter + "0" + "".join(digits)


def _numbers(seed: int, stream: str, count: int) -> npt.NDArray[np.uint64]:
    return mix(seed, np.arange(count, dtype=np.uint64), stream)


def _allot(total: int, weights: npt.NDArray[np.float64], least: Whole, most: Whole) -> Whole:
    """Whole numbers near to the weights' shares, within the bounds, that add up to the total if the bounds allow."""
    total = int(min(max(total, least.sum()), most.sum()))
    low, high = 0.0, float(total) / float(weights.min()) + 1
    for _ in range(80):
        middle = (low + high) / 2
        if np.clip(np.minimum(weights * middle, most).astype(np.int64), least, most).sum() <= total:
            low = middle
        else:
            high = middle
    shares = np.clip((weights * low).astype(np.int64), least, most)
    while rest := total - int(shares.sum()):
        room = np.flatnonzero(shares < most)[:rest]
        shares[room] += 1
    return shares


# ---------------------------------------------------------------------------------------------- words and fragments


def _split(text: str) -> list[str]:
    return text.split()


_FIRST = _split(
    "Anna Ben Chloé Dmitri Élodie Femi Günther Hana Ingrid José Kaito Léa Mehmet Nadia Oğuz Priya Quentin Raúl "
    "Søren Tomasz Ursula Víctor Wei Ximena Yara Zoë Łukasz 美咲 Алексей Ελένη राम سارة Ana-María Jean-Luc Zsófia"
)
_LAST = _split(
    "Müller Nguyễn Smith García Kowalski Østergård Yılmaz Svensson Rossi Dubois Okafor Novák O'Brien Papadopoulos "
    "Ivanova Sato Fernández Horváth MacDonald Çelik Lindqvist Kim Haddad Peña 田中 Петров Weiß Ångström Ó'Sé"
)
_WORDS = _split(
    "the a to of and in is we it for on that this with be are have can will not but you they from at or by was if "
    "so just about what there when one all out up more time now then please thanks could would should may let "
    "make need deploy release build branch merge review ticket customer invoice meeting agenda budget draft "
    "report design team server database cluster latency memory timeout failure alert backup restore schema column "
    "index query cache tomorrow today yesterday monday friday morning week month quarter sprint standup lunch "
    "coffee holiday office naïve café résumé über straße größe mañana señor garçon Привет мир данные Здравствуйте "
    "会議 資料 ありがとう 部署 确认 발표 회의 مرحبا שלום θέμα ação índice forêt żółw håll smörgås ok yes no maybe "
    "great broken fixed done pending"
)
_EMOJI = (
    "thumbsup", "heart", "tada", "eyes", "rocket", "joy", "pray", "fire", "clap", "raised_hands", "white_check_mark",
    "wave", "thinking_face", "100", "sob", "party_parrot", "shipit", "+1", "flag-de", "man-shrugging",
)  # fmt: skip
_TONED = frozenset({"thumbsup", "clap", "raised_hands", "wave", "pray", "+1", "man-shrugging"})
_CHANNELS = _split("general random dev ops design sales support hiring news release infra data legal team-berlin music")
_SPACES = ("", "alpha", "beta")  # where a Grid export's conversations stand
_KINDS = {"public": "C", "private": "G", "group": "G", "direct": "D", "unlisted": "F"}
_LISTS = {"public": "channels", "private": "groups", "group": "mpims", "direct": "dms"}

_FILE_TYPES = (
    ("png", "image/png", "PNG"), ("jpg", "image/jpeg", "JPEG"), ("pdf", "application/pdf", "PDF"),
    ("csv", "text/csv", "CSV"), ("mp4", "video/mp4", "MPEG 4 Video"), ("text", "text/plain", "Plain Text"),
    ("zip", "application/zip", "Zip"), ("docx", "application/vnd.openxmlformats", "Word Document"),
)  # fmt: skip
_FILE_NAMES = ("report", "Bildschirmfoto", "résumé", "会議資料", "budget 2020", "a/b")
_FILE_STATES = ("hosted", "external", "document", "deleted", "hidden", "denied", "null")
_FILE_ODDS = list(accumulate((0.84, 0.06, 0.03, 0.035, 0.015, 0.01, 0.01)))

# What a message is, by its chance in a channel. In direct messages all but the first four become "plain".
_ROLES = (
    "plain", "me_message", "file_share", "file_comment", "bot_message", "nameless_bot", "join", "leave", "topic",
    "purpose", "name", "archive", "unarchive", "pinned_item", "huddle_thread", "bot_add", "reminder_add",
    "unknown_text", "unknown_bare",
)  # fmt: skip
_ROLE_ODDS = list(
    accumulate(
        (0.8605, 0.004, 0.004, 0.001, 0.08, 0.0005, 0.02, 0.008, 0.004, 0.002, 0.001, 0.0005, 0.0005, 0.003, 0.003,
         0.001, 0.001, 0.0015, 0.0005)
    )
)  # fmt: skip
_TEXTUAL = frozenset({"plain", "me_message", "bot_message", "nameless_bot"})


def _json(value: Any, indent: int = 0) -> str:
    """As Slack writes it: 4 spaces, `\\/`, ASCII; further lines indented by so many more."""
    return json.dumps(value, indent=4).replace("/", "\\/").replace("\n", "\n" + " " * indent)


@dataclass(frozen=True, slots=True)
class Words:
    """What somebody says, ready to stand in a message: `text` and `blocks` are JSON members."""

    text: str
    blocks: str
    mentions: tuple[str, ...]


# ---------------------------------------------------------------------------------------------- the workspace


class Workspace:
    """Everything that messages refer to, from the options alone; each process makes its own."""

    def __init__(self, options: Options) -> None:
        if options.layout not in LAYOUTS or options.names not in NAMES:
            raise ValueError(f"layout is one of {LAYOUTS}, names one of {NAMES}")
        self.options = options
        self.seed = options.seed
        self.grid = options.layout == "grid"
        self.team = slack_id("T", 1, self.seed)
        self.other_team = slack_id("T", 2, self.seed)
        self.first = date.fromisoformat(options.history_start).toordinal()
        self.history = date.fromisoformat(options.history_end).toordinal() - self.first + 1
        start = date.fromisoformat(options.start or options.history_start).toordinal()
        end = date.fromisoformat(options.end or options.history_end).toordinal()
        self.day_from, self.day_to = start - self.first, end - self.first  # both are exported
        self.bots = tuple((slack_id("B", n, self.seed), f"integration-{n}") for n in range(8))
        self.usergroups = tuple(slack_id("S", n, self.seed) for n in range(5))
        self.strangers = max(2, options.users // 50)
        kinds = ["public"] * options.public
        if options.layout != "standard":
            kinds += ["private"] * options.private + ["group"] * options.groups + ["direct"] * options.direct
        self.kinds = [*kinds, "unlisted"]

    @cached_property
    def people(self) -> list[Person]:
        """The listed ones first, then the strangers."""
        return [self._person(number) for number in range(self.options.users + self.strangers)]

    def _person(self, number: int) -> Person:
        rng = Random(scramble(self.seed, 101, number))
        listed = number < self.options.users
        first, last = _FIRST[int(rng.random() * len(_FIRST))], _LAST[int(rng.random() * len(_LAST))]
        name, handle = f"{first} {last}", f"user.{number}"
        roll = rng.random()
        kind = (
            "stranger" if not listed else "owner" if number == 0 else "admin" if number in (1, 2)
            else "bot" if roll < 0.04 else "deleted" if roll < 0.13 else "guest" if roll < 0.16
            else "single-channel guest" if roll < 0.18 else "member"
        )  # fmt: skip
        user_id = slack_id("W" if self.grid and number % 3 == 0 else "U", number, self.seed)
        team = self.team if listed else self.other_team
        picture = f"https://avatars.example.com/{scramble(self.seed, 7, number):016x}_72.png"
        profile: dict[str, Any] = {
            "title": "Engineer / “Lead”" if number % 5 == 0 else "", "phone": f"+49 30 {number:06}", "skype": "",
            "real_name": name, "real_name_normalized": name, "display_name": "" if number % 4 == 0 else handle,
            "display_name_normalized": "" if number % 4 == 0 else handle, "fields": [], "status_text": "",
            "status_emoji": "", "status_expiration": 0, "avatar_hash": f"{number:012x}",
            "first_name": first, "last_name": last, "image_24": picture, "image_72": picture, "image_512": picture,
            "team": team,
        }  # fmt: skip
        record: dict[str, Any] = {"id": user_id, "team_id": team, "name": handle, "deleted": kind == "deleted"}
        if kind == "bot":
            profile |= {"bot_id": slack_id("B", 1000 + number, self.seed), "api_app_id": slack_id("A", number, 0)}
        elif kind != "deleted" and number % 50 != 49:  # some people's address is not in the export
            profile["email"] = f"User.{number}@example.com" if number % 9 == 0 else f"user.{number}@example.com"
        if kind != "deleted":
            record |= {
                "color": f"{number * 7919 % 0xFFFFFF:06x}", "real_name": name, "tz": "Europe/Berlin",
                "tz_label": "Central European Time", "tz_offset": 3600,
            }  # fmt: skip
        record["profile"] = profile
        if kind != "deleted":
            record |= {
                "is_admin": kind in ("owner", "admin"), "is_owner": kind == "owner",
                "is_primary_owner": kind == "owner", "is_restricted": "guest" in kind,
                "is_ultra_restricted": kind == "single-channel guest",
            }  # fmt: skip
        record |= {"is_bot": kind == "bot", "is_app_user": False, "updated": 1_600_000_000 + number}
        if self.grid:
            record["enterprise_user"] = {"id": user_id, "enterprise_id": slack_id("E", 1, self.seed), "teams": [team]}
        shown = {
            "avatar_hash": f"{number:012x}", "image_72": picture, "first_name": first, "real_name": name,
            "display_name": "" if number % 4 == 0 else handle, "team": team, "name": handle,
            "is_restricted": "guest" in kind, "is_ultra_restricted": kind == "single-channel guest",
        }  # fmt: skip
        members = f'"team": "{team}",\n        '
        if kind == "bot":
            app = {"id": profile["bot_id"], "deleted": False, "name": name, "updated": 1, "team_id": team}
            members += f'"bot_id": "{profile["bot_id"]}",\n        "bot_profile": {_json(app, 8)},\n        '
        else:
            members += f'"user_profile": {_json(shown, 8)},\n        '
        opening = f'    {{\n        "user": "{user_id}",\n        "type": "message",\n        "ts": "'
        return Person(number, user_id, handle, kind, team, listed, record, opening, members)

    @cached_property
    def words(self) -> list[Words]:
        return [self._words(number) for number in range(TEXTS)]

    def _words(self, number: int) -> Words:
        rng = Random(scramble(self.seed, 202, number))
        text, elements, mentions = [], [], []

        def say(words: int) -> None:
            plain = " ".join(_WORDS[int(rng.random() ** 1.3 * len(_WORDS))] for _ in range(words))
            if rng.random() < 0.1:
                plain += rng.choice(("?", "!", " & more", " <5 min", " (a > b)", ' "quoted"', " 50/50", "\nnext", "…"))
            text.append(plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
            elements.append({"type": "text", "text": plain + " "})

        say(1 + int(rng.random() ** 2 * 18))
        styles = (("bold", "*"), ("italic", "_"), ("strike", "~"), ("code", "`"))
        for _ in range(int(rng.random() ** 2 * 3)):
            kind = int(rng.random() * 12)
            user = self.people[int(rng.random() * len(self.people))].id
            channel = int(rng.random() * self.options.public)
            match kind:
                case 0 | 1 | 2 if "user" not in mentions:
                    text.append(f"<@{user}>" if kind else f"<@{user}|somebody>")
                    elements.append({"type": "user", "user_id": user})
                    mentions.append("user")
                case 3 if "channel" not in mentions:
                    name = self.names[channel]
                    text.append(f"<#{self.id_of(channel)}|{rng.choice((name, ''))}>")
                    elements.append({"type": "channel", "channel_id": self.id_of(channel)})
                    mentions.append("channel")
                case 4 if "group" not in mentions:
                    group = rng.choice(self.usergroups)
                    text.append(f"<!subteam^{group}|@handle>")
                    elements.append({"type": "usergroup", "usergroup_id": group})
                    mentions.append("group")
                case 5 if not {"here", "channel_all", "everyone"} & set(mentions):
                    said = rng.choice(("here", "channel", "everyone"))
                    text.append(rng.choice((f"<!{said}>", f"<!{said}|@{said}>")))
                    elements.append({"type": "broadcast", "range": said})
                    mentions.append({"channel": "channel_all"}.get(said, said))
                case 6 | 7:
                    url = f"https://example.com/a?b={number}&c=d"
                    text.append(f"<{url.replace('&', '&amp;')}|the page>")
                    elements.append({"type": "link", "url": url, "text": "the page"})
                case 8:
                    emoji = rng.choice(_EMOJI)
                    text.append(f":{emoji}:")
                    elements.append({"type": "emoji", "name": emoji, "unicode": "1f600"})
                case _:
                    style, mark = styles[kind % 4]
                    text.append(f"{mark}important{mark}")
                    elements.append({"type": "text", "text": "important", "style": {style: True}})
            say(1 + int(rng.random() * 8))
        said = " ".join(text)
        if rng.random() < 0.02:
            said += "\n```for (;;) {\n  /* 1 < 2 */\n}```".replace("<", "&lt;")
        section = {"type": "rich_text_section", "elements": elements}
        block = {"type": "rich_text", "block_id": f"{number:05x}", "elements": [section]}
        return Words(f'"text": {_json(said)}', f',\n        "blocks": {_json([block], 8)}', tuple(mentions))

    @cached_property
    def names(self) -> list[str]:
        """Of every conversation, the unlisted one last."""
        names: list[str] = []
        strange = "café-größe" if self.options.names == "cp437" else "café-日本語"
        for number, kind in enumerate(self.kinds):
            people = self.members(number)
            if kind == "public" and number == 3:
                names.append(strange)
            elif kind in ("public", "private"):
                # In a Grid export a name occurs in several workspaces; elsewhere each name is one channel's.
                place = number // 3 if self.grid else number
                name = _CHANNELS[place] if place < len(_CHANNELS) else f"project-{place}"
                names.append(name if kind == "public" else f"{name}-private")
            elif kind == "group":
                handles = "--".join(self.people[person].handle for person in people)
                names.append(f"mpdm-{handles}-{number}")
            else:
                names.append("" if kind == "direct" else f"FC:{slack_id('F', 1, self.seed)}:Roadmap")
        return names

    @cached_property
    def unfurls(self) -> list[str]:
        """Previews of pages that were linked to, as a member of a message."""
        return [
            ',\n        "attachments": '
            + _json(
                [{"from_url": f"https://example.com/{number}", "id": 1, "original_url": f"https://example.com/{number}",
                  "fallback": "A page", "title": f"Page {number}", "title_link": f"https://example.com/{number}",
                  "text": self.words[number].text[9:49], "service_name": "Example", "image_width": 800}],
                8,
            )
            for number in range(100)
        ]  # fmt: skip

    @property
    def bodies(self) -> bool:
        """Whether the archive holds the files' bodies."""
        return self.options.layout.startswith("slackdump")

    def id_of(self, number: int) -> str:
        return slack_id(_KINDS[self.kinds[number]], 5_000_000 + number, self.seed)

    @lru_cache(maxsize=4096)  # noqa: B019  one workspace a process
    def members(self, number: int) -> tuple[int, ...]:
        """Numbers of people. Everybody listed is in the first channel; strangers are in some."""
        rng = Random(scramble(self.seed, 303, number))
        listed, kind = self.options.users, self.kinds[number]
        if number == 0:
            return tuple(range(listed + self.strangers))
        if kind == "direct":
            one = int(rng.random() * listed)
            if rng.random() < 0.1 or number == len(self.kinds) - 2:
                return (one,)  # notes to oneself
            return one, (one + 1 + int(rng.random() * (listed - 1))) % listed
        size = 3 + int(rng.random() * 5) if kind == "group" else 3 + int(rng.random() ** 2 * min(listed, 400))
        first, step = int(rng.random() * listed), 1 + int(rng.random() * 3)
        people = dict.fromkeys((first + step * n) % listed for n in range(min(size, listed // 2)))
        if kind in ("public", "unlisted") and number % 5 == 2:
            people |= {listed + int(rng.random() * self.strangers): None}
        return tuple(people)

    @cached_property
    def shares(self) -> tuple[Whole, Whole]:
        """Messages and days of every conversation in the whole history."""
        count = len(self.kinds)
        ranks = np.argsort(_numbers(self.seed, "rank", count)).astype(np.float64)
        public = np.array([{"public": 3.0, "private": 1.5}.get(kind, 0.5) for kind in self.kinds])
        weights = public / (ranks + 8.0)
        days_wanted = max(self.options.entries, count)
        one, most = np.ones(count, dtype=np.int64), np.full(count, self.history, dtype=np.int64)
        days = _allot(days_wanted, weights**0.6, one, most)
        messages = _allot(
            max(self.options.messages, int(days.sum())), weights, days, np.full(count, 2**40, dtype=np.int64)
        )
        return messages, days

    @lru_cache(maxsize=64)  # noqa: B019  one workspace a process
    def conversation(self, number: int) -> Conversation:
        messages, days = (int(share[number]) for share in self.shares)
        order = np.argsort(_numbers(self.seed, f"days/{number}", self.history), kind="stable")
        active = np.sort(order[:days]).astype(np.int64)
        spread = below(_numbers(self.seed, f"spread/{number}", messages - days), days)
        counts = 1 + np.bincount(spread, minlength=days).astype(np.int64)
        kind, name, conversation_id = self.kinds[number], self.names[number], self.id_of(number)
        root = ""
        if self.grid and kind in ("public", "private") and _SPACES[number % 3]:
            root = f"teams/{_SPACES[number % 3]}/"
        folder = name or conversation_id
        return Conversation(
            number, conversation_id, name, kind, root, folder, self.members(number), active, counts
        )  # fmt: skip

    def exported(self, conversation: Conversation) -> range:
        """Which of the conversation's days are in this export."""
        low, high = np.searchsorted(conversation.days, (self.day_from, self.day_to + 1))
        return range(int(low), int(high))

    def opening(self, conversation: Conversation, at: int) -> tuple[Person, bool, int]:
        """Of a day's first message: its author, whether it is pinned, how many reply on the next day with messages.
        It must be known without making that day, because the channel's pins and the next day's replies refer to it."""
        dice = scramble(self.seed, 404, conversation.number, int(conversation.days[at]))
        author = self.people[conversation.members[(dice >> 40) % len(conversation.members)]]
        late = 0
        if at + 1 < len(conversation.days) and conversation.counts[at + 1] >= 4 and dice % 5 == 0:
            late = 1 + (dice >> 8) % 2
        return author, (dice >> 16) % 64 == 0, late

    def seconds(self, conversation: Conversation, at: int) -> int:
        return (self.first + int(conversation.days[at]) - EPOCH) * 86_400

    def broken(self, conversation: Conversation, at: int) -> str:
        """How a whole day file is damaged; "" if it is not."""
        if not self.options.damage:
            return ""
        dice = scramble(self.seed, 505, conversation.number, int(conversation.days[at]))
        if (dice >> 16) % 1_000_000 >= self.options.damage * 1_000_000:
            return ""
        return ("empty", "no array", "no JSON", "cut off")[dice % 4]


# ---------------------------------------------------------------------------------------------- one day


def day_file(space: Workspace, conversation: Conversation, at: int, tally: Tally) -> tuple[bytes, list[Upload]]:
    """A day's messages as JSON, and the hosted files in them."""
    broken = space.broken(conversation, at)
    if broken in ("empty", "no array", "no JSON"):
        tally.broken_entries[broken] += 1
        return {"empty": b"", "no array": b'{"ok": false}', "no JSON": b"<html>gateway timeout</html>"}[broken], []
    rng = Random(scramble(space.seed, 606, conversation.number, int(conversation.days[at])))
    day = _Day(space, conversation, at, rng, tally)
    if broken == "cut off":
        # The first message ends whole, the next one not; the rest is gone, as after a full disk.
        tally.broken_entries[broken] += 1
        day.count = 1
    records = [day.record(number) for number in range(day.count)]
    tally.total["messages"] += day.count
    tally.years[day.year] += day.count
    tally.conversations[conversation.id] += day.count
    if broken:
        return ("[\n" + records[0] + ",\n" + _CUT).encode("ascii"), day.uploads
    if len(records) > 1 and rng.random() < 0.02:
        records.reverse()  # usually in order, not surely so
    if space.options.damage:
        records = _break(records, rng, space.options.damage, tally)
    return ("[\n" + ",\n".join(records) + "\n]").encode("ascii"), day.uploads


_CUT = '    {\n        "user": "U0CUT",\n        "type": "message",\n        "ts": "1500000000.0001'
_BROKEN = {
    "null": "null", "number": "42", "text": '"text"', "array": "[]",
    "no time": '{"type": "message", "user": "U0LOST", "text": "when?"}',
    "bad time": '{"type": "message", "user": "U0LOST", "text": "when?", "ts": "yesterday"}',
}  # fmt: skip


def _break(records: list[str], rng: Random, share: float, tally: Tally) -> list[str]:
    """Puts records among the others that are none."""
    mixed = []
    for record in records:
        if rng.random() < share:
            kind = list(_BROKEN)[int(rng.random() * len(_BROKEN))]
            tally.broken_records[kind] += 1
            mixed.append("    " + _BROKEN[kind])
        mixed.append(record)
    return mixed


class _Day:
    """Decides first who answers whom, then writes one record after the other."""

    def __init__(self, space: Workspace, conversation: Conversation, at: int, rng: Random, tally: Tally) -> None:
        self.space, self.conversation, self.rng, self.tally = space, conversation, rng, tally
        self.count = count = int(conversation.counts[at])
        self.base = space.seconds(conversation, at)
        ordinal = space.first + int(conversation.days[at])
        self.year = date.fromordinal(ordinal).year
        self.blocks = ordinal >= BLOCKS
        self.old_files = ordinal < MODERN
        self.uploads: list[Upload] = []
        people, members = space.people, conversation.members
        author, self.pinned, late = space.opening(conversation, at)
        self.authors = [author] * count
        self.roles = ["plain"] * count
        self.times = [f"{self.base}.{FIRST_US:06}"] * count
        self.parents: list[tuple[str, str] | None] = [None] * count  # the root's time and author
        self.replies: dict[int, list[tuple[str, str]]] = {}  # of roots: author and time, in order
        self.arrived, self.orphaned = 0, False
        before: tuple[str, str] | None = None
        if at > 0:
            writer, _, self.arrived = space.opening(conversation, at - 1)
            before = (f"{space.seconds(conversation, at - 1)}.{FIRST_US:06}", writer.id)
            self.orphaned = at - 1 not in space.exported(conversation) or (
                space.broken(conversation, at - 1) not in ("", "cut off")
            )
        random = rng.random
        channel = conversation.kind in ("public", "private")
        roots: list[int] = []
        for number in range(1, count):
            person = people[members[int(random() ** 2 * len(members))]]
            self.authors[number] = person
            late_number = number - (count - self.arrived)
            if late_number >= 0:
                self.times[number] = f"{self.base + LATE_S + late_number}.{FIRST_US + number:06}"
                self.parents[number] = before
                continue
            second = self.base + 1 + int((LATE_S - 10) * (number - 1 + random()) / count)
            self.times[number] = time = f"{second}.{int(random() * 1000) * 1000 + number % 1000:06}"
            roll = random()
            if roots and roll < 0.24:
                root = roots[int(roll / 0.24 * len(roots))]
                self.parents[number] = (self.times[root], self.authors[root].id)
                self.replies.setdefault(root, []).append((person.id, time))
                continue
            role = _ROLES[bisect(_ROLE_ODDS, random() * 0.995)]
            if role in ("file_share", "file_comment") and not self.old_files:
                role = "plain"
            self.roles[number] = role if channel or role in _ROLES[:4] else "plain"
            if role == "plain" and roll > 0.94:
                roots = [*roots[-3:], number]
        if late:
            # Who answers tomorrow is tomorrow's affair; the root names somebody, as its counts are not to be trusted.
            following = space.seconds(conversation, at + 1) + LATE_S
            last = int(conversation.counts[at + 1]) - late
            self.replies.setdefault(0, []).extend(
                (author.id, f"{following + number}.{FIRST_US + last + number:06}") for number in range(late)
            )

    def record(self, number: int) -> str:
        """One message, indented as an element of the file's array."""
        rng, total = self.rng, self.tally.total
        author, time, role = self.authors[number], self.times[number], self.roles[number]
        parent, replies = self.parents[number], self.replies.get(number)
        if role not in ("plain", "me_message"):
            return self._notice(role, author, time)
        if replies and number and rng.random() < 0.02:
            return self._tombstone(time, replies)
        random = rng.random
        words = self.space.words[int(random() * TEXTS)]
        said, more = words.text, words.blocks if self.blocks else ""
        mentions = words.mentions
        subtype = "" if role == "plain" else role
        roll = random()
        if roll < 0.066:
            if random() < 0.05:  # nothing but the files
                said, more, mentions = '"text": ""' if random() < 0.5 else '"text": null', "", ()
            files = [self._file(author, time) for _ in range(1 + (random() < 0.15))]
            more += f',\n        "files": {_json(files, 8)},\n        "upload": true'
        elif roll > 0.965:
            more += self.space.unfurls[int(random() * len(self.space.unfurls))]
        for kind in mentions:
            self.tally.mentions[kind] += 1
        if parent:
            root_time, root_author = parent
            more += f',\n        "thread_ts": "{root_time}",\n        "parent_user_id": "{root_author}"'
            total["replies"] += 1
            if number >= self.count - self.arrived and self.orphaned:
                total["orphan_replies"] += 1
            if random() < 0.06:
                subtype = "thread_broadcast"
                root = {"user": root_author, "type": "message", "ts": root_time, "text": "As it was", "reply_count": 1}
                more += f',\n        "root": {_json(root, 8)}'
        elif replies:
            more += _thread(time, replies, old=self.year < 2020)
            total["threads"] += 1
        if random() < 0.17:
            more += self._reactions()
        if random() < 0.03:
            edited = f'"user": "{author.id}",\n            "ts": "{time[:-6]}000000"'
            more += f',\n        "edited": {{\n            {edited}\n        }}'
            total["edits"] += 1
        if number == 0 and self.pinned:
            more += f',\n        "pinned_to": [\n            "{self.conversation.id}"\n        ]'
            total["pinned"] += 1
        if subtype:
            more = f',\n        "subtype": "{subtype}"' + more
        self.tally.subtypes[subtype] += 1
        self.tally.authors.add(author.id)
        client = f"{rng.getrandbits(128):032x}"
        return (
            f'{author.opening}{time}",\n        "client_msg_id": "{client[:8]}-{client[8:12]}-{client[12:16]}-'
            f'{client[16:20]}-{client[20:]}",\n        {author.profile}{said}{more}\n    }}'
        )

    def _tombstone(self, time: str, replies: list[tuple[str, str]]) -> str:
        """A deleted root whose replies live on."""
        self.tally.subtypes["tombstone"] += 1
        self.tally.total["threads"] += 1
        self.tally.authors.add("USLACKBOT")
        return (
            f'    {{\n        "type": "message",\n        "subtype": "tombstone",\n        "text": "This message was '
            f'deleted.",\n        "user": "USLACKBOT",\n        "hidden": true,\n        "ts": "{time}"'
            f"{_thread(time, replies, old=False)}\n    }}"
        )

    def _reactions(self) -> str:
        """Each of a message's reactions is by other people, so that nobody clapped in two skin tones."""
        random, members, people = self.rng.random, self.conversation.members, self.space.people
        first, emoji = int(random() * len(members)), int(random() ** 2 * len(_EMOJI))
        entries, used = [], 0
        for number in range(1 + int(random() ** 2 * 3)):
            size = min(1 + int(random() ** 3 * 6), len(members) - used)
            if size < 1:
                break
            name = _EMOJI[(emoji + number * 7) % len(_EMOJI)]
            if name in _TONED and random() < 0.3:
                name += f"::skin-tone-{2 + int(random() * 5)}"
            users = [people[members[(first + used + n) % len(members)]].id for n in range(size)]
            used += size
            unnamed = 5 if random() < 0.005 else 0  # long lists are cut
            listed = '",\n                    "'.join(users)
            entries.append(
                f'{{\n                "name": "{name}",\n                "users": [\n                    "{listed}"'
                f'\n                ],\n                "count": {size + unnamed}\n            }}'
            )
            self.tally.reactions[name] += size
            self.tally.total["reactions"] += size
            if unnamed:
                self.tally.total["reactions_cut"] += 1
                self.tally.total["reactions_unnamed"] += unnamed
        return ',\n        "reactions": [\n            ' + ",\n            ".join(entries) + "\n        ]"

    def _file(self, author: Person, time: str, state: str = "") -> dict[str, Any] | None:
        random, space = self.rng.random, self.space
        state = state or _FILE_STATES[bisect(_FILE_ODDS, random() * 0.999)]
        number = scramble(space.seed, self.conversation.number, int(time[:-7]), int(random() * 2**40)) % 36**9
        file_id = slack_id("F", number, space.seed)
        suffix, media, pretty = _FILE_TYPES[int(random() * len(_FILE_TYPES))]
        name = f"{_FILE_NAMES[int(random() * len(_FILE_NAMES))]} {number % 1000}.{suffix}"
        if state == "hosted" and space.bodies:
            state = "in_archive"
            self.uploads.append(Upload(file_id, name, 100 + number % 400))
        self.tally.files[state] += 1
        if state == "null":
            return None
        created = int(time[:-7])
        if state == "deleted":
            return {"id": file_id, "mode": "tombstone"}
        if state == "hidden":
            return {"id": file_id, "created": created, "name": name, "mode": "hidden_by_limit"}
        if state == "denied":
            return {"id": file_id, "mode": "file_access", "file_access": "access_denied", "created": created}
        place = f"{space.team}-{file_id}"
        value: dict[str, Any] = {
            "id": file_id, "created": created, "timestamp": created, "name": name, "title": name[:-4],
            "mimetype": media, "filetype": suffix, "pretty_type": pretty, "user": author.id, "user_team": author.team,
            "editable": False, "size": 100 + number % 400 if space.bodies else number % 9_000_000, "mode": "hosted",
            "is_external": False, "external_type": "", "is_public": True, "public_url_shared": False,
            "display_as_bot": False, "username": "",
            "url_private": f"https://files.slack.com/files-pri/{place}/file.{suffix}?t=xoxe-1-{number:x}",
            "url_private_download": f"https://files.slack.com/files-pri/{place}/download/file.{suffix}?t=xoxe-1-{number:x}",
            "permalink": f"https://example.slack.com/files/{author.id}/{file_id}/file.{suffix}",
            "permalink_public": f"https://slack-files.com/{place}-{number % 0xFFFFFF:06x}",
            "is_starred": False, "has_rich_preview": False, "file_access": "visible",
        }  # fmt: skip
        if state == "external":
            address = f"https://docs.example.com/d/{number:x}"
            value |= {"mode": "external", "is_external": True, "external_type": "gdrive", "url_private": address}
            del value["url_private_download"]
        elif state == "document":
            value |= {"mode": "quip", "filetype": "quip", "mimetype": "application/vnd.slack-docs"}
        return value

    def _notice(self, role: str, author: Person, time: str) -> str:
        """What is not a person's ordinary message. It may mention people, which is counted apart."""
        space, tally, random = self.space, self.tally, self.rng.random
        words = space.words[int(random() * TEXTS)]
        said = json.loads("{" + words.text + "}")["text"]
        mentions = words.mentions
        prefix = "group" if self.conversation.kind == "private" else "channel"
        value: dict[str, Any] = {"type": "message", "ts": time}
        person: Person | None = author
        match role:
            case "bot_message" | "nameless_bot":
                bot, name = space.bots[int(random() * len(space.bots))]
                value |= {"subtype": "bot_message", "text": said, "username": name, "icons": {"emoji": ":robot_face:"}}
                if role == "bot_message":
                    value["bot_id"] = bot
                    tally.bots.add(bot)
                field_values = [{"title": "Branch", "value": f"main/{number}", "short": True} for number in range(2)]
                value["attachments"] = [
                    {"id": 1, "color": "36a64f", "fallback": "Build done", "title": f"Build {int(random() * 1e6)}",
                     "title_link": "https://ci.example.com/build", "text": "All <https://ci.example.com|green>",
                     "fields": field_values, "footer": "CI", "ts": int(time[:-7]), "mrkdwn_in": ["text"]}
                ]  # fmt: skip
                person = None
            case "file_share":
                sent = self._file(author, time, "hosted")
                text = f"<@{author.id}> uploaded a file: <https://example.slack.com/files/x|file>"
                value |= {"subtype": role, "text": text, "file": sent, "upload": True}
                mentions = ("user",)
            case "file_comment":
                sent = self._file(author, time, "hosted")
                remark = {"id": "Fc0000001", "created": int(time[:-7]), "user": author.id, "comment": said}
                value |= {"subtype": role, "text": f"commented: {said}", "file": sent, "comment": remark}
                person = None
            case "join" | "leave":
                text = f"<@{author.id}> has {'joined' if role == 'join' else 'left'} the {prefix}"
                value |= {"subtype": f"{prefix}_{role}", "text": text}
                mentions = ("user",)
            case "topic" | "purpose":
                topic = f"About {int(random() * 1000)} & more"
                text = f"set the channel {role}: {topic.replace('&', '&amp;')}"
                value |= {"subtype": f"{prefix}_{role}", "text": text, role: topic.replace("&", "&amp;")}
                mentions = ()
            case "name":
                names = {"old_name": f"old-{int(random() * 1000)}", "name": self.conversation.name}
                value |= {"subtype": f"{prefix}_name", "text": f'has renamed the channel from "{names["old_name"]}"'}
                value |= names
                mentions = ()
            case "archive" | "unarchive":
                value |= {"subtype": f"{prefix}_{role}", "text": f"{role}d the channel"}
                mentions = ()
            case "pinned_item":
                value |= {"subtype": role, "text": "pinned a message", "item_type": "C"}
                value["item"] = {"type": "message", "channel": self.conversation.id, "ts": self.times[0]}
                mentions = ()
            case "huddle_thread":
                room = {
                    "id": slack_id("R", self.base, 0), "name": "", "created_by": author.id, "date_start": self.base,
                    "date_end": self.base + 600, "participants": [], "participant_history": [author.id],
                    "thread_root_ts": time, "channels": [self.conversation.id], "is_dm_call": False, "has_ended": True,
                }  # fmt: skip
                value |= {"subtype": role, "user": "USLACKBOT", "text": "A huddle happened", "room": room}
                mentions, person = (), None
                tally.authors.add("USLACKBOT")
            case "bot_add":
                value |= {"subtype": role, "text": "added an integration to this channel", "bot_id": space.bots[0][0]}
                mentions = ()
            case "reminder_add":
                value |= {"subtype": role, "text": f"set up a reminder “{int(random() * 1000)}”"}
                mentions = ()
            case "unknown_text":
                value |= {"subtype": "quantum_remark", "text": said}
            case "unknown_bare":
                value |= {"subtype": "aurora_card", "text": "", "aurora": {"colour": "green"}}
                mentions = ()
        if person:
            value["user"] = person.id
            tally.authors.add(person.id)
        tally.subtypes[value["subtype"]] += 1
        counted = tally.mentions if role in _TEXTUAL else tally.mentions_in_notices
        for kind in mentions:
            counted[kind] += 1
        return "    " + _json(value, 4)


def _thread(time: str, replies: list[tuple[str, str]], *, old: bool) -> str:
    """What a root says of its thread. Older exports list every reply."""
    users = list(dict.fromkeys(user for user, _ in replies))[:5]
    listed = '",\n            "'.join(users)
    said = (
        f',\n        "thread_ts": "{time}",\n        "reply_count": {len(replies)},\n        "reply_users_count": '
        f'{len(users)},\n        "latest_reply": "{replies[-1][1]}",\n        "reply_users": [\n            "{listed}"'
        f'\n        ],\n        "is_locked": false,\n        "subscribed": false'
    )
    if old:
        said += f',\n        "replies": {_json([{"user": user, "ts": at} for user, at in replies], 8)}'
    return said


# ---------------------------------------------------------------------------------------------- lists


def lists(space: Workspace) -> Iterator[tuple[str, bytes]]:
    """Every entry that holds no messages: its name and its bytes. Folders too, as a zip made of folders has them."""
    options = space.options
    broken: list[Any] = [None] if options.damage else []

    def document(value: Any) -> bytes:
        return _json(value).encode("ascii")

    people = [person for person in space.people if person.listed]
    slackbot = {"id": "USLACKBOT", "team_id": space.team, "name": "slackbot", "deleted": False, "is_bot": False,
                "profile": {"real_name": "slackbot", "display_name": "Slackbot"}}  # fmt: skip
    users = "org_users.json" if space.grid else "users.json"
    yield users, document([slackbot, *(person.record for person in people), *broken])
    roots = {"": range(len(people))}
    if space.grid:
        roots |= {f"teams/{name}/": range(place, len(people), 2) for place, name in enumerate(_SPACES[1:])}
    conversations = [space.conversation(number) for number in range(len(space.kinds))]
    for root, members in roots.items():
        if root:
            yield f"{root}users.json", document([slackbot, *(people[number].record for number in members)])
        for kind, name in _LISTS.items():
            here = [one for one in conversations if one.kind == kind and one.root == root]
            if kind == "public" or (options.layout != "standard" and (not root or kind == "private")):
                records = [channel_record(space, one) for one in here]
                yield f"{root}{name}.json", document([*records, *(broken if kind == "public" and not root else ())])
        log = {"user_id": people[0].id, "user_name": people[0].handle, "date": "1500000000", "change_type": "added"}
        yield f"{root}integration_logs.json", document([log])
    yield "canvases.json", b"[]"
    for one in conversations:
        if space.exported(one):
            yield f"{one.root}{one.folder}/", b""
    first = conversations[0]
    yield f"{first.root}{first.folder}/canvas_in_the_conversation.json", document([{"id": "F0CANVAS", "title": "Plan"}])


def pins(space: Workspace, conversation: Conversation) -> list[dict[str, Any]]:
    found = []
    for at in space.exported(conversation):
        author, pinned, _ = space.opening(conversation, at)
        if pinned:
            seconds = space.seconds(conversation, at)
            found.append(
                {"id": f"{seconds}.{FIRST_US:06}", "type": "C", "created": seconds + 60, "user": author.id,
                 "owner": author.id}
            )  # fmt: skip
    return found


def channel_record(space: Workspace, one: Conversation) -> dict[str, Any]:
    """An element of channels.json, groups.json, mpims.json or dms.json, with what real ones lack now and then."""
    number, people = one.number, space.people
    members = [people[member].id for member in one.members]
    created = 1_490_000_000 + number
    if one.kind == "direct":
        direct: dict[str, Any] = {"id": one.id, "created": created if number % 4 else 0}
        if space.options.layout == "slackdump-attachments":
            return direct | {"user": members[-1]}
        return direct | {"members": [members[0], members[-1]]}
    nothing = {"value": "", "creator": "", "last_set": 0}
    topic = {"value": f"Topic &amp; goals {number}", "creator": members[0], "last_set": created}
    record: dict[str, Any] = {
        "id": one.id, "name": one.name, "created": created, "creator": members[0], "is_archived": number % 11 == 10,
        "is_general": number == 0, "members": members, "topic": topic if number % 2 else nothing,
        "purpose": {"value": "Für alles", "creator": members[0], "last_set": created} if number % 3 else nothing,
        "updated": created * 1000,
    }  # fmt: skip
    if found := pins(space, one):
        record["pins"] = found
    if one.kind == "public":
        match number:
            case 4:
                record["creator"] = None
            case 5:
                del record["creator"]
            case 6:
                record["creator"] = "U0GONE"
            case 7:
                del record["members"]
            case 8:
                record["previous_names"] = ["before-the-rename"]
            case _ if number % 5 == 2:
                record |= {"is_shared": True, "is_ext_shared": True, "shared_team_ids": [space.team, space.other_team]}
    return record


# ---------------------------------------------------------------------------------------------- the archive


@dataclass(frozen=True, slots=True)
class Upload:
    """A file whose body the archive holds."""

    id: str
    name: str
    size: int


class Archive:
    """A zip as it is written: entries go out at once, what the directory says of them to a temporary file."""

    def __init__(self, out: IO[bytes], names: str, level: int) -> None:
        self.out, self.names, self.level = out, names, level
        self.offset = self.entries = 0
        self.directory = tempfile.TemporaryFile()  # noqa: SIM115  closed by `finish`

    def add(self, name: str, data: bytes) -> None:
        self.write(*packed([(name, data)], self.names, self.level))

    def write(self, blob: bytes, entries: Sequence[tuple[bytes, bytes]]) -> None:
        """`blob`: local headers with data, one after another; `entries`: each one's directory record in two halves,
        between which its offset goes, preceded by its length in `blob`."""
        at = self.offset
        self.out.write(blob)
        for length_and_head, tail in entries:
            (length,) = struct.unpack_from("<I", length_and_head)
            head = length_and_head[4:]
            if at >= 0xFFFFFFFF:
                # The extra field's length is the last of the fields before the offset's but six bytes.
                extra = struct.pack("<HHQ", 1, 8, at)
                head = head[:30] + struct.pack("<H", len(extra)) + head[32:]
                self.directory.write(head + struct.pack("<I", 0xFFFFFFFF) + tail + extra)
            else:
                self.directory.write(head + struct.pack("<I", at) + tail)
            at += length
            self.entries += 1
        self.offset = at

    def finish(self) -> None:
        size = self.directory.tell()
        self.directory.seek(0)
        while block := self.directory.read(1 << 20):
            self.out.write(block)
        self.directory.close()
        start, many = self.offset, min(self.entries, 0xFFFF)
        if self.entries >= ZIP64_ENTRIES or start + size >= 0xFFFFFFFF:
            record = struct.pack("<HHIIQQQQ", 45, 45, 0, 0, self.entries, self.entries, size, start)
            self.out.write(b"PK\x06\x06" + struct.pack("<Q", len(record)) + record)
            self.out.write(b"PK\x06\x07" + struct.pack("<IQI", 0, start + size, 1))
        self.out.write(
            b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, many, many, min(size, 0xFFFFFFFF), min(start, 0xFFFFFFFF), 0)
        )


def packed(files: Sequence[tuple[str, bytes]], names: str, level: int) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """What `Archive.write` takes."""
    blob, entries = bytearray(), []
    for name, data in files:
        raw = name.encode("cp437" if names == "cp437" else "utf-8")
        flags = 0x800 if names == "utf-8" and not name.isascii() else 0
        compressor = zlib.compressobj(level, zlib.DEFLATED, -15)
        body = compressor.compress(data) + compressor.flush() if data else b""
        method = 8 if data else 0
        common = struct.pack(
            "<HHHHHIIIHH", 20, flags, method, 0, 0x2821, zlib.crc32(data), len(body), len(data), len(raw), 0
        )
        local = b"PK\x03\x04" + common + raw
        length = len(local) + len(body)
        # version made by; the common fields; comment length, disk, internal and external attributes
        head = struct.pack("<I", length) + b"PK\x01\x02" + b"\x14\0" + common + bytes(10)
        entries.append((head, raw))
        blob += local
        blob += body
    return bytes(blob), entries


Chunk = tuple[int, int, int]  # a conversation's number, and which of its days
_space: Workspace | None = None


def _begin(options: Options) -> None:
    global _space
    _space = Workspace(options)


def _chunk(chunk: Chunk) -> tuple[bytes, list[tuple[bytes, bytes]], int, Tally]:
    """Some day files of a conversation, packed; how many entries hold messages; what is in them."""
    assert _space is not None
    space, (number, first, last) = _space, chunk
    options, one, tally = space.options, space.conversation(number), Tally()
    folder = f"{options.folder}{one.root}{one.folder}"
    files: list[tuple[str, bytes]] = []
    for at in range(first, last):
        data, uploads = day_file(space, one, at, tally)
        day = date.fromordinal(space.first + int(one.days[at]))
        files.append((f"{folder}/{day.isoformat()}.json", data))
        for upload in uploads:
            body = f"{upload.id} ".encode() * (upload.size // 12 + 1)
            name = upload.name.replace("/", "_")
            place = f"{options.folder}__uploads/{upload.id}/{name}"
            if options.layout == "slackdump-attachments":
                place = f"{folder}/attachments/{upload.id}-{name}"
            files.append((place, body[: upload.size]))
    return *packed(files, options.names, options.level), last - first, tally


def _chunks(space: Workspace) -> Iterator[Chunk]:
    for number in range(len(space.kinds)):
        one = space.conversation(number)
        days = space.exported(one)
        first, messages = days.start, 0
        for at in days:
            messages += int(one.counts[at])
            if messages >= CHUNK_MESSAGES or at - first >= CHUNK_ENTRIES or at == days[-1]:
                yield number, first, at + 1
                first, messages = at + 1, 0


def make(path: Path, options: Options, *, processes: int = 0) -> dict[str, Any]:
    """Writes the export and answers its key. `processes` 0: one for little, two for much."""
    _begin(options)
    assert _space is not None
    space, tally, day_files = _space, Tally(), 0
    with path.open("wb", buffering=1 << 20) as out:
        archive = Archive(out, options.names, options.level)
        if options.folder:
            archive.add(options.folder, b"")
            archive.add("__MACOSX/._users.json", b"\0\5\x16\7")
            archive.add(f"{options.folder}.DS_Store", b"\0\0\0\1Bud1")
        for name, data in lists(space):
            archive.add(options.folder + name, data)
        if (processes or (2 if options.messages > 20_000 else 1)) > 1:
            with multiprocessing.get_context("spawn").Pool(processes or 2, _begin, (options,)) as pool:
                for blob, entries, days, counts in pool.imap(_chunk, _chunks(space)):
                    archive.write(blob, entries)
                    tally.add(counts)
                    day_files += days
        else:
            for blob, entries, days, counts in map(_chunk, _chunks(space)):
                archive.write(blob, entries)
                tally.add(counts)
                day_files += days
        archive.finish()
    return key_document(space, tally, day_files, archive.entries)


def key_document(space: Workspace, tally: Tally, day_files: int, entries: int) -> dict[str, Any]:
    """What is in the export. Files by what becomes of them (`null`: entries of a list that are none); reactions as
    pairs of a person and a name with its tone, beside them the lists that were cut and how many people that left out;
    `threads`: messages that say they have replies."""
    people = [person for person in space.people if person.listed]
    kinds = Counter(person.kind for person in people)
    conversations = [space.conversation(number) for number in range(len(space.kinds))]
    listed = [one for one in conversations if one.kind != "unlisted"]
    ids = {person.id for person in people} | {"USLACKBOT"}
    known = (
        "messages", "threads", "replies", "orphan_replies", "edits", "pinned", "reactions", "reactions_cut",
        "reactions_unnamed",
    )  # fmt: skip
    records = [channel_record(space, one) for one in listed]
    return {
        "version": VERSION,
        "options": asdict(space.options),
        "team": space.team,
        "users": {
            "all": len(people) + 1,
            "bots": kinds["bot"],
            "deleted": kinds["deleted"],
            "with_email": sum("email" in person.record["profile"] for person in people),
        },
        "conversations": dict(Counter(one.kind for one in listed)),
        "unlisted": [one.id for one in conversations if one.kind == "unlisted" and space.exported(one)],
        "memberships": sum(len(set(record.get("members") or ()) | {record.get("user")} - {None}) for record in records),
        "entries": entries,
        "day_files": day_files,
        **{name: tally.total[name] for name in known},
        "broadcasts": tally.subtypes["thread_broadcast"],
        "pins_listed": sum(len(record.get("pins") or ()) for record in records),
        "per_conversation": {
            one.id: {"name": one.name, "kind": one.kind, "folder": one.root + one.folder,
                     "messages": tally.conversations[one.id]}
            for one in conversations
        },
        "per_year": {str(year): count for year, count in sorted(tally.years.items())},
        "per_subtype": dict(sorted(tally.subtypes.items())),
        "per_reaction": dict(sorted(tally.reactions.items())),
        "files": dict(sorted(tally.files.items())),
        "mentions": dict(sorted(tally.mentions.items())),
        "mentions_in_notices": dict(sorted(tally.mentions_in_notices.items())),
        "authors": len(tally.authors),
        "unlisted_authors": sorted(tally.authors - ids),
        "bot_authors": sorted(tally.bots),
        "broken_entries": dict(tally.broken_entries),
        "broken_records": dict(tally.broken_records),
        "broken_list_records": 2 if space.options.damage else 0,
    }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.chat_maker", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--key", type=Path, help="where to write the counts (default: beside the file)")
    parser.add_argument("--processes", type=int, default=0)
    for name, value in asdict(Options()).items():
        parser.add_argument("--" + name.replace("_", "-"), type=type(value), default=value)
    given = vars(parser.parse_args(arguments))
    out, key, processes = given.pop("out"), given.pop("key"), given.pop("processes")
    out.parent.mkdir(parents=True, exist_ok=True)
    document = make(out, Options(**given), processes=processes)
    (key or out.with_suffix(".key.json")).write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
