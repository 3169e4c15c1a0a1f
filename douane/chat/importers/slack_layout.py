"""Where things stand in a Slack export, by its list of entries alone: what each entry is, and whose folder is whose.

Layouts (chat-export-formats.md 2.1): one workspace at the root; Enterprise Grid with `org_users.json` and
`teams/<workspace>/`; slackdump's two kinds with the files' bodies in `__uploads/<id>/` or `<folder>/attachments/`; any
of them inside one wrapping folder. No entry is read here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
import numpy.typing as npt

from douane.archive import reaches_outside
from douane.archive_packed import Entries

USERS = ("org_users.json", "users.json")
CHANNELS = ("channels.json", "groups.json", "mpims.json", "dms.json")

# What an entry is; the numbers stand in `Layout.kinds`.
KINDS = ("users", "channels", "messages", "body", "document", "ignored", "folder")
_USERS, _CHANNELS, _MESSAGES, _BODY, _DOCUMENT, _IGNORED, _FOLDER = range(len(KINDS))
REASONS = ("", "document-unparsed", "file-body", "folder", "system-rubbish", "name-unsafe")
_PARSED, _UNPARSED, _OF_FILE, _IS_FOLDER, _RUBBISH, _UNSAFE = range(len(REASONS))

_RUBBISH_NAMES = frozenset({".DS_Store", "Thumbs.db", "desktop.ini", "ehthumbs.db"})
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}[^/]*\.json", re.ASCII | re.IGNORECASE)
_TEAM_LIST = re.compile(r"[^/]+/(?:users|channels|groups|mpims|dms)\.json")
_ATTACHMENT = re.compile(r"([A-Z][A-Z0-9]{5,})-.")
_ID_BYTES = 24
_BLOCK = 8_192


@dataclass(slots=True)
class Folder:
    """One that holds day files. `path` as in the archive without the wrapping folder, `root` the workspace it belongs
    to (`""` or `teams/<workspace>/`), `name` its own. `days`: how many day files."""

    path: str
    root: str
    name: str
    days: int = 0


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
    body_ids: npt.NDArray[np.bytes_] = field(default_factory=lambda: np.empty(0, dtype=f"S{_ID_BYTES}"))
    body_entries: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    @property
    def recognised(self) -> bool:
        """Whether this is an export of Slack's at all."""
        return self.listed or any(folder.days for folder in self.folders)

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
    wrap = _wrapping(archive)
    present = {base for base in (*USERS, *CHANNELS) if archive.find(wrap + base)}
    grid = "org_users.json" in present
    kinds = np.empty(len(names), dtype=np.uint8)
    reasons = np.zeros(len(names), dtype=np.uint8)
    folder_of = np.full(len(names), -1, dtype=np.int32)
    folders: dict[str, int] = {}
    found: list[Folder] = []
    roots: dict[str, dict[str, int]] = {}
    teams: dict[str, bool] = {}
    body_ids: list[bytes] = []
    body_entries: list[int] = []
    texts = 0
    start = len(wrap)
    dumped = False

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
        path, slash, base = full[start:].rpartition("/")
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
        elif not full.startswith(wrap):
            pass
        elif path.startswith("__uploads/"):
            kind, reason = _BODY, _OF_FILE
            body_ids.append(path.split("/", 2)[1].encode("utf-8", "replace"))
            body_entries.append(number)
            dumped = True
        elif (path.endswith("/attachments") or "/attachments/" in path) and (match := _ATTACHMENT.match(base)):
            kind, reason = _BODY, _OF_FILE
            body_ids.append(match[1].encode("ascii"))
            body_entries.append(number)
            dumped = True
        else:
            root = ""
            if path.startswith("teams/") and (team := path.split("/", 2)[1]):
                if team not in teams:
                    teams[team] = grid or any(archive.find(f"{wrap}teams/{team}/{b}") for b in (*USERS, *CHANNELS))
                root = f"teams/{team}/" if teams[team] else ""
            inner = f"{path}/"[len(root) :] if slash else ""
            if not inner and (base in USERS or base in CHANNELS):
                kind, reason = (_USERS if base in USERS else _CHANNELS), _PARSED
                roots.setdefault(root, {})[base] = number
            elif inner and _is_day(base):
                kind, reason = _MESSAGES, _PARSED
                folders[path] = folder_of[number] = len(found)
                found.append(Folder(path, root, inner[:-1]))
            elif base.endswith(".txt"):
                texts += 1
        kinds[number], reasons[number] = kind, reason
    for folder, days in zip(found, np.bincount(folder_of[folder_of >= 0], minlength=len(found)), strict=True):
        folder.days = int(days)
    lists = [roots[root][base] for base in (*USERS, *CHANNELS) for root in sorted(roots) if base in roots[root]]
    layout = Layout(
        kinds,
        reasons,
        folder_of,
        found,
        lists,
        wrap,
        grid or any(teams.values()),
        sum(bool(root) for root in roots),
        any(base in lists for lists in roots.values() for base in CHANNELS[1:]),
        dumped,
        texts,
        any(base in bases for bases in roots.values() for base in ("org_users.json", *CHANNELS)),
    )
    if body_ids:
        order = np.argsort(np.array(body_ids, dtype=f"S{_ID_BYTES}"), kind="stable")
        layout.body_ids = np.array(body_ids, dtype=f"S{_ID_BYTES}")[order]
        layout.body_entries = np.array(body_entries, dtype=np.int64)[order]
    return layout


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


def _wrapping(archive: Entries) -> str:
    """`export/` when everything but rubbish stands in that one folder, and an export begins in it."""
    if any(archive.find(base) for base in (*USERS, *CHANNELS)):
        return ""
    names, wrap, inside = archive.names, "", False
    for name in chain.from_iterable(names[i : i + _BLOCK] for i in range(0, len(names), _BLOCK)):
        if not wrap or not name.startswith(wrap):
            if "__MACOSX" in name or name.rpartition("/")[2] in _RUBBISH_NAMES or reaches_outside(name):
                continue
            first, slash, _ = name.partition("/")
            if wrap or not slash:
                return ""
            wrap = f"{first}/"
        inner = name[len(wrap) :]
        if _is_day(inner) or (wrap == "teams/" and _TEAM_LIST.fullmatch(inner)):
            return ""  # the folder of a conversation, or that of a Grid export's workspaces
        inside = inside or inner in USERS or inner in CHANNELS or "/" in inner
    return wrap if inside else ""


# --- whose folder is whose -------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Listed:
    """A conversation as some list names it, as much of it as finding its folder needs."""

    id: str
    root: str
    name: str
    former: tuple[str, ...]


def owners(folders: Sequence[Folder], listed: Sequence[Listed]) -> list[str | None]:
    """The id of the conversation that each folder belongs to: by id, else by name within the same workspace, else by a
    former name there; None where no list names it. Of two with one name the first listed has the folder."""
    ids: dict[str, str] = {}
    names: dict[tuple[str, str], str] = {}
    former: dict[tuple[str, str], str] = {}
    for one in listed:
        ids.setdefault(one.id, one.id)
        if one.name:
            names.setdefault((one.root, _plain(one.name)), one.id)
        for name in one.former:
            former.setdefault((one.root, _plain(name)), one.id)

    def owner(folder: Folder) -> str | None:
        if folder.name in ids:
            return folder.name
        for name in dict.fromkeys((folder.name, redecoded(folder.name))):
            key = (folder.root, _plain(name))
            if (known := names.get(key) or former.get(key)) is not None:
                return known
        return None

    return [owner(folder) for folder in folders]


def redecoded(name: str) -> str:
    """A name that some tool read as code page 437 and wrote down so, as it was before; other names as they are."""
    if name.isascii():
        return name
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return name


def _plain(name: str) -> str:
    """macOS decomposes letters when it packs a folder; Slack does not."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)
