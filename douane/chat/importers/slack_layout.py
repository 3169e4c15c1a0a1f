"""Where things stand in a Slack export: what each entry is, and whose folder is whose. Judged by the list of entries;
of files whose name does not tell, the beginning is looked at.

Layouts (chat-export-formats.md 2.1): one workspace; Enterprise Grid with `org_users.json` and `teams/<workspace>/`;
slackdump's kinds with the files' bodies in `__uploads/<id>/` or `<folder>/attachments/`; and what people make of them:
any folders around everything, several exports side by side, one file of messages a conversation, one conversation
alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from douane.archive import reaches_outside
from douane.archive_packed import Entries
from douane.chat.importers.unread import Sniffing, holds_slack_messages

USERS = ("org_users.json", "users.json")
CHANNELS = ("channels.json", "groups.json", "mpims.json", "dms.json")

# What an entry is; the numbers stand in `Layout.kinds`.
KINDS = ("users", "channels", "messages", "body", "document", "ignored", "folder")
_USERS, _CHANNELS, _MESSAGES, _BODY, _DOCUMENT, _IGNORED, _FOLDER = range(len(KINDS))
REASONS = ("", "document-unparsed", "file-body", "folder", "system-rubbish", "name-unsafe", "importer-entry-unread")
_PARSED, _UNPARSED, _OF_FILE, _IS_FOLDER, _RUBBISH, _UNSAFE, UNREAD = range(len(REASONS))

# Files that Slack or a tool puts beside the messages (2.1); they are kept unparsed.
_DOCUMENTS = frozenset(
    (
        *("integration_logs.json", "canvases.json", "content_flags.json", "lists.json", "huddle_transcripts.json"),
        *("external_auth_errors.json", "canvas_in_the_conversation.json", "emoji.json", "file_conversations.json"),
    )
)
_RUBBISH_NAMES = frozenset({".DS_Store", "Thumbs.db", "desktop.ini", "ehthumbs.db"})
# Copies that file managers make beside a list: `users (1).json`, `channels - Copy.json`, `dms Kopie 2.json`.
_LIST = re.compile(
    r"(org_users|users|channels|groups|mpims|dms)(?:[ _-]*(?:copy|kopie|copie|copia|cópia))?(?:[ _-]*\(?\d+\)?)?\.json",
    re.ASCII,
)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}[^/]*\.json", re.ASCII | re.IGNORECASE)
_WHOLE = re.compile(r"(.+)\.(?:json|jsonl|ndjson)", re.IGNORECASE)
_TEAMS = re.compile(r"(.*?/|)teams/(?:[^/]+/)?")
_ALONE = "messages"  # the name of a conversation whose files stand in no folder
_ATTACHMENT = re.compile(r"([A-Z][A-Z0-9]{5,})-.")
_ID_BYTES = 24
_BLOCK = 8_192


@dataclass(slots=True)
class Folder:
    """One that holds day files, or a file that holds a conversation's messages whole. `path` as in the archive without
    the wrapping folders, `root` the folder of the lists it belongs to (`""`, `teams/<workspace>/` ...), `name` its own.
    `days`: how many message files. `whole`: it is a file in a folder, of which either may be the conversation."""

    path: str
    root: str
    name: str
    days: int = 0
    whole: bool = False

    def names(self) -> Iterator[str]:
        """What its conversation may be called, the likeliest first: a year or a month is no conversation's name if
        there is another one above."""
        parts, whole = self.name.split("/"), self.whole
        yield self.name
        yield parts[-1]
        while len(parts) > 1 and (whole or _DATED.fullmatch(parts[-1])):
            parts.pop()
            whole = False
            yield parts[-1]

    @property
    def called(self) -> str:
        """What it is called where no list names it."""
        parts = self.name.split("/")
        if self.whole and parts[-2].lower() not in _SHELVES:
            parts.pop()
        while len(parts) > 1 and _DATED.fullmatch(parts[-1]):
            parts.pop()
        return "/".join(parts)


_DATED = re.compile(r"\d{1,4}(?:[-_.]\d{1,2}){0,2}")
# Folders in which people put one file a conversation.
_SHELVES = frozenset(
    (
        *("channels", "groups", "mpims", "dms", "conversations", "messages", "data", "export", "json"),
        *("public_channels", "private_channels", "direct_messages", "public", "private"),
    )
)


@dataclass(slots=True)
class Layout:
    """`kinds` and `reasons` (places in KINDS, REASONS) and `folder_of` (place in `folders`, -1: none) have one element
    an entry. `lists`: the numbers of the entries that hold users and channels, in the order to read them."""

    kinds: npt.NDArray[np.uint8]
    reasons: npt.NDArray[np.uint8]
    folder_of: npt.NDArray[np.int32]
    folders: list[Folder]
    lists: list[int]
    wrap: str = ""
    grid: bool = False
    workspaces: int = 0
    corporate: bool = False
    dumped: bool = False
    texts: int = 0
    listed: bool = False  # by lists that no other product has: one of users alone is HipChat's too
    spoken: bool = False  # whether one of its message files, of the first few, holds a message
    unread: list[int] = field(default_factory=list)  # entries that seem to hold messages, and are not read
    body_ids: npt.NDArray[np.bytes_] = field(default_factory=lambda: np.empty(0, dtype=f"S{_ID_BYTES}"))
    body_entries: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    @property
    def recognised(self) -> bool:
        """Whether this is an export of Slack's at all."""
        return self.listed or self.spoken

    @property
    def title(self) -> str:
        if self.grid:
            count = (
                f" with {self.workspaces:,} workspace{'s' if self.workspaces > 1 else ''}" if self.workspaces else ""
            )
            title = f"Slack export of an Enterprise Grid organisation{count}"
        elif self.corporate:
            title = "Slack export of all conversations"
        else:
            title = "Slack export of public channels"
        return f"{title}, with files" if self.dumped else title

    def bodies(self, ids: Sequence[str | None]) -> list[int | None]:
        """The entry that holds the body of each of these files, None where the archive has none."""
        if not len(self.body_ids):
            return [None] * len(ids)
        wanted = np.array(
            [(i or "").encode("utf-8", "replace")[: _ID_BYTES + 1] for i in ids], dtype=f"S{_ID_BYTES + 1}"
        )
        places = np.searchsorted(self.body_ids, wanted).clip(max=len(self.body_ids) - 1)
        found = self.body_ids[places] == wanted
        return [int(e) if f else None for e, f in zip(self.body_entries[places], found, strict=True)]


def survey(archive: Entries) -> Layout:
    """What each entry is. One pass over the names, which are never all in memory: archives have a million."""
    names = archive.names
    kinds = np.empty(len(names), dtype=np.uint8)
    reasons = np.zeros(len(names), dtype=np.uint8)
    folder_of = np.full(len(names), -1, dtype=np.int32)
    folders: dict[str, int] = {}
    lists: dict[str, dict[str, list[int]]] = {}
    bodies: list[tuple[bytes, int]] = []
    doubtful: list[int] = []
    texts = 0

    def alone() -> Iterator[int]:
        """Entries to look at by name. Day files that follow one of their own folder are what that one is."""
        for begin in range(0, len(names), _BLOCK):
            leaders = _leaders(archive, begin, min(begin + _BLOCK, len(names)))
            numbers = np.arange(begin, begin + len(leaders))
            follows = leaders != numbers
            yield from numbers[~follows].tolist()
            followers, leaders = numbers[follows], leaders[follows]
            known = kinds[leaders] == _MESSAGES
            kinds[followers[known]], folder_of[followers[known]] = _MESSAGES, folder_of[leaders[known]]
            yield from followers[~known].tolist()

    for number in alone():
        full = names[number]
        path, _, base = full.rpartition("/")
        place = folders.get(path)
        if place is not None and _is_day(base):
            kinds[number], folder_of[number] = _MESSAGES, place
            continue
        kind, reason = _DOCUMENT, _UNPARSED
        if reaches_outside(full):
            kind, reason = _IGNORED, _UNSAFE
        elif base in _RUBBISH_NAMES or base.startswith("._") or "__MACOSX" in full:
            kind, reason = _IGNORED, _RUBBISH
        elif not base:
            kind, reason = _FOLDER, _IS_FOLDER
        elif (file_id := _body_of(path, base)) is not None:
            kind, reason = _BODY, _OF_FILE
            bodies.append((file_id, number))
        elif (list_name := list_of(base)) is not None:
            kind, reason = (_USERS if list_name in USERS else _CHANNELS), _PARSED
            lists.setdefault(path and f"{path}/", {}).setdefault(list_name, []).append(number)
        elif _is_day(base):
            kind, reason = _MESSAGES, _PARSED
            folder_of[number] = folders.setdefault(path, len(folders))
        elif base not in _DOCUMENTS:
            texts += base.endswith(".txt") and _is_ones(path)
            doubtful.append(number)
        kinds[number], reasons[number] = kind, reason

    sniffing = Sniffing(archive)
    wholes: set[str] = set()
    roots = _roots(lists, folders)
    for number in doubtful:
        full = names[number]
        match = _WHOLE.fullmatch(full)
        if match and holds_slack_messages(head := sniffing.head(number)) and head:
            path = full.rpartition("/")[0]
            if path and f"{path}/" not in roots:
                wholes.add(match[1])
            kinds[number], reasons[number] = _MESSAGES, _PARSED
            folder_of[number] = folders.setdefault(match[1], len(folders))
        elif sniffing.holds_messages(number):
            reasons[number] = UNREAD
    counted = np.bincount(folder_of[folder_of >= 0], minlength=len(folders)).tolist()
    wrap = _wrapping(roots, [path.rpartition("/")[0] if path in wholes else path for path in folders])
    found = [_folder(path, roots, wrap, days) for path, days in zip(folders, counted, strict=True)]
    for path in wholes:
        found[folders[path]].whole = "/" in found[folders[path]].name
    inner = {root[len(wrap) :]: lists.get(root, {}) for root in roots}
    first_days = np.flatnonzero(kinds == _MESSAGES)[:_TRIED].tolist()
    listed = any(base in bases for bases in lists.values() for base in ("org_users.json", *CHANNELS))
    ids, entries = _sorted_bodies(bodies)
    return Layout(
        kinds,
        reasons,
        folder_of,
        found,
        [
            number
            for base in (*USERS, *CHANNELS)
            for root in sorted(inner)
            # The list itself before its copies.
            for number in sorted(inner[root].get(base, ()), key=lambda one: (len(names[one]), one))
        ],
        wrap,
        grid=any("org_users.json" in bases for bases in lists.values()) or any(r.startswith("teams/") for r in inner),
        workspaces=sum(r.startswith("teams/") for r in inner),
        corporate=any(base in bases for bases in lists.values() for base in CHANNELS[1:]),
        dumped=bool(bodies),
        texts=texts,
        listed=listed,
        spoken=not listed and any(holds_slack_messages(sniffing.head(number)) for number in first_days),
        unread=np.flatnonzero(reasons == UNREAD).tolist(),
        body_ids=ids,
        body_entries=entries,
    )


_TRIED = 20  # message files, of which one must hold a message where there are no lists


def _body_of(path: str, base: str) -> bytes | None:
    """The id of the file whose body this entry is."""
    if path.startswith("__uploads/") or "/__uploads/" in path:
        return path.rsplit("__uploads/", 1)[1].split("/", 1)[0].encode("utf-8", "replace")
    if (path.endswith("/attachments") or "/attachments/" in path) and (match := _ATTACHMENT.match(base)):
        return match[1].encode("ascii")
    return None


def _is_ones(path: str) -> bool:
    """Whether texts in this folder are those of an export of one person's conversations."""
    return any(f"/{path}/".find(f"/{name}/") >= 0 for name in ("channels", "dms"))


def _sorted_bodies(bodies: list[tuple[bytes, int]]) -> tuple[npt.NDArray[np.bytes_], npt.NDArray[np.int64]]:
    ids = np.array([file_id for file_id, _ in bodies], dtype=f"S{_ID_BYTES}")
    order = np.argsort(ids, kind="stable")
    return ids[order], np.array([number for _, number in bodies], dtype=np.int64)[order]


def list_of(base: str) -> str | None:
    """The list that a file of this name is, under that list's usual name; None where it is none."""
    found = _LIST.fullmatch(base.lower())
    return f"{found[1]}.json" if found else None


def _roots(lists: dict[str, dict[str, list[int]]], folders: dict[str, int]) -> set[str]:
    """The folders of workspaces: those with lists, and on a Grid those in `teams/` below them."""
    roots = set(lists)
    for root, bases in lists.items():
        if "org_users.json" in bases:
            below = (path[len(root) :].split("/") for path in folders if path.startswith(f"{root}teams/"))
            roots |= {f"{root}teams/{parts[1]}/" for parts in below if len(parts) > 2}
    return roots


def _wrapping(roots: set[str], folders: Sequence[str]) -> str:
    """The folders around everything: around all lists, or, where there are none, around the conversations."""
    around = [root.split("/")[:-1] for root in roots]
    around = around or [path.split("/")[:-1] for path in folders]
    if not around:
        return ""
    shared = []
    for parts in zip(*around, strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    wrap = "".join(f"{part}/" for part in shared)
    teams = _TEAMS.fullmatch(wrap) if roots else None
    return teams[1] if teams else wrap


def _folder(path: str, roots: set[str], wrap: str, days: int) -> Folder:
    parts = path.split("/")
    roots_above = ("".join(f"{part}/" for part in parts[:depth]) for depth in range(len(parts) - 1, -1, -1))
    root = next((root for root in roots_above if root in roots), wrap if path.startswith(wrap) else "")
    name = path[len(root) :] or parts[-1] or _ALONE
    outside = not path.startswith(wrap)
    return Folder(path if outside else path[len(wrap) :], root if outside else root[len(wrap) :], name, days)


_DAY_FILE = np.frombuffer(b"/0000-00-00.json", np.uint8)
_DIGITS = [place for place, sign in enumerate(bytes(_DAY_FILE)) if sign == ord("0")]


def _leaders(archive: Entries, first: int, last: int) -> npt.NDArray[np.int64]:
    """For each of these entries the first of the run of day files of one folder that it is in; itself where it is in
    none. By whole arrays: looking at each of a million names takes seconds."""
    text, ends = archive.names.run(first, last)
    lengths = np.diff(ends, prepend=0)
    numbers = np.arange(first, last)
    day = lengths > len(_DAY_FILE)
    tails = text[(ends[:, None] + np.arange(-len(_DAY_FILE), 0)).clip(0)]
    tails[:, _DIGITS] = np.where((tails[:, _DIGITS] - ord("0")) < 10, ord("0"), 0)
    day &= (tails == _DAY_FILE).all(axis=1)
    # Names of one length stand next to each other: where one begins as the one before it, they are of one folder.
    ours = np.repeat(lengths, lengths)
    places = np.arange(len(text))
    differs = text != text[(places - ours).clip(0)]
    differs &= places < np.repeat(ends - len(_DAY_FILE), lengths)
    other = np.add.reduceat(differs, ends - lengths) > 0 if lengths.all() else np.ones(len(ends), dtype=bool)
    follows = day & ~other
    follows[1:] &= day[:-1] & (lengths[1:] == lengths[:-1])
    follows[:1] = False
    return np.maximum.accumulate(np.where(follows, first, numbers))


def _is_day(base: str) -> bool:
    """`2020-01-31.json`, and what people make of it: `2020-01-31 (1).json`."""
    if len(base) == 15 and base[4] == base[7] == "-" and base.endswith(".json"):
        return base[:4].isdigit() and base[5:7].isdigit() and base[8:10].isdigit()
    return _DAY.fullmatch(base) is not None


# --- whose folder is whose -------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Listed:
    """A conversation as some list names it, as much of it as finding its folder needs."""

    id: str
    root: str
    name: str
    former: tuple[str, ...]
    archived: bool = False
    public: bool = True


@dataclass(slots=True)
class Owners:
    """`ids`: of the conversation that each folder belongs to; None where no list names it. `doubtful`: folder -> the
    ids of the other conversations of its name."""

    ids: list[str | None]
    doubtful: dict[int, list[str]]


def owners(folders: Sequence[Folder], listed: Sequence[Listed]) -> Owners:
    """By id, else by name within the same workspace, else by a former name there; for a folder of a workspace without
    lists, by a name that only one conversation of the whole export has. Of several of one name the one that is spelt so
    has the folder; then a private one, for what was said there is shown to nobody else; then one that is not archived;
    else the first."""
    ids: dict[str, str] = {}
    names: dict[tuple[str, str], list[Listed]] = {}
    former: dict[tuple[str, str], list[Listed]] = {}
    anywhere: dict[str, list[Listed]] = {}
    with_lists = {one.root for one in listed}
    for one in listed:
        ids.setdefault(one.id, one.id)
        if one.name:
            names.setdefault((one.root, _plain(one.name)), []).append(one)
            anywhere.setdefault(_plain(one.name), []).append(one)
        for name in one.former:
            former.setdefault((one.root, _plain(name)), []).append(one)

    def bearers(folder: Folder) -> list[Listed]:
        last = folder.name.rpartition("/")[2]
        for given in folder.names():
            for name in dict.fromkeys((given, redecoded(given))):
                key = (folder.root, _plain(name))
                if known := names.get(key) or former.get(key):
                    return known
        elsewhere = (
            () if folder.root in with_lists else {one.id: one for one in anywhere.get(_plain(last), ())}.values()
        )
        return list(elsewhere) if len(elsewhere) == 1 else []

    found = Owners([], {})
    for place, folder in enumerate(folders):
        own = next((name for name in folder.names() if name in ids), None)
        if own is not None:
            found.ids.append(own)
            continue
        known = list({one.id: one for one in bearers(folder)}.values())
        spelt = {*folder.names(), *map(redecoded, folder.names())}
        known = [one for one in known if one.name in spelt] or known
        chosen = min(known, key=lambda one: (one.public, one.archived), default=None)
        found.ids.append(chosen.id if chosen else None)
        if chosen and len(known) > 1:
            found.doubtful[place] = [one.id for one in known if one.id != chosen.id]
    return found


def redecoded(name: str) -> str:
    """A name that some tool read as code page 437 and wrote down so, as it was before; other names as they are."""
    if name.isascii():
        return name
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return name


def _plain(name: str) -> str:
    """macOS decomposes letters when it packs a folder, old systems have capitals alone; Slack has neither."""
    return name.lower() if name.isascii() else unicodedata.normalize("NFC", name.lower())
