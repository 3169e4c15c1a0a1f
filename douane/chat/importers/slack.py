"""Slack exports: zips of workspaces and Enterprise Grid organisations, and what slackdump makes.

`slack_layout.py` knows where things stand, `slack_records.py` the JSON and what is done with damaged one,
`slack_messages.py` makes columns of messages. This module reads the lists first, then day file after day file in the
archive's order, and keeps the ledger. An entry that cannot be read at all counts as one failed record.

A file for 1,000,000 entries stays small in memory because only one piece of one entry is unpacked at a time (a
megabyte), and a batch ends at `batch_records` records or BATCH_BYTES of JSON.

Long on purpose: lists, days and counts are three passes over one archive, and share what stands where in it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.archive import Entry
from douane.archive_packed import Entries
from douane.chat.importers import Batch, Counts, Options, Overview, Position, json_records
from douane.chat.importers import slack_messages as columns
from douane.chat.importers import slack_records as records
from douane.chat.importers.json_records import Damage
from douane.chat.importers.slack_layout import (
    CHANNELS,
    KINDS,
    REASONS,
    USERS,
    Layout,
    Listed,
    owners,
    redecoded,
    survey,
)
from douane.chat.importers.upload import Upload
from douane.chat.sums import shown
from douane.chat.tables import TABLES, conversation_key, frame
from douane.errors import BadFile, OverLimit

PRODUCT = "slack"
BATCH_BYTES = 64 << 20
PILE_MESSAGES, PILE_BYTES = 16_384, 32 << 20  # what is turned into columns at once
SHARE_BYTES = 128 << 20  # of JSON, below which a reader of its own does not pay
SHARE_BATCHES = 1_000_000  # between the first batch numbers of two shares
ENTRIES_MAX = 65_536  # a batch's, so that a million empty day files are not one batch
TOLD_MAX = 10_000  # strangers whose ids a position carries, so that each is told of once; of more, once a batch
ISSUES_MAX = 50  # of one kind in one entry that are told one by one
_FIRST_NAMES = frozenset(name.encode() for name in (*USERS, *CHANNELS))
_USERS, _CHANNELS, _MESSAGES = (KINDS.index(kind) for kind in ("users", "channels", "messages"))


def open(upload: Upload, options: Options = Options()) -> Reader:
    """BadFile when these bytes are no archive, or no Slack export; OverLimit when it lists too many entries."""
    if not upload.packed:
        raise BadFile(
            "The Slack importer expects the zip file that Slack makes of a workspace, or a tar of its contents; this "
            "is no archive. Slack's members list as CSV goes to “slack-users”.",
            code="file_type",
        )
    archive = upload.entries
    layout = survey(archive)
    if not layout.recognised:
        if layout.texts:
            raise BadFile(
                "This is Slack's export of one person's conversations as text. Ask Slack for the export as JSON.",
                code="file_type",
            )
        raise BadFile("This is no export of Slack: it has no list of channels and no messages.", code="file_type")
    first = archive.entry(layout.lists[0] if layout.lists else int(np.flatnonzero(layout.kinds == _MESSAGES)[0]))
    archive.check(first)
    return Reader(archive, layout, options)


def recognise(upload: Upload, options: Options = Options()) -> bool:
    if not upload.packed:
        return False
    # A list as first entry, as nearly all have it, settles it: a long directory is then looked through once, not twice.
    if upload.zipped and upload.head[30 : 30 + int.from_bytes(upload.head[26:28], "little")] in _FIRST_NAMES:
        return True
    try:
        return survey(upload.entries).recognised
    except BadFile:
        return False


@dataclass(slots=True)
class _Index:
    """What the lists say that every message is read with."""

    team: str
    listed: list[Listed]
    users: frozenset[str]
    bots: dict[str, str]
    bot_users: frozenset[str]


@dataclass(slots=True)
class _Tally:
    """One entry's line in the ledger."""

    entry: int
    found: int = 0
    skipped: int = 0
    failed: int = 0
    reason: str | None = None

    @property
    def staged(self) -> int:
        return self.found - self.skipped - self.failed

    def count(self, severity: str) -> None:
        if severity == "failed":
            self.failed += 1
        elif severity == "skipped":
            self.skipped += 1


@dataclass(slots=True)
class _Issues:
    """Rows of `issues`; equal ones of an entry become one row with a count after the first ISSUES_MAX."""

    rows: list[list[Any]] = field(default_factory=list)
    seen: Counter[tuple[int, str]] = field(default_factory=Counter)
    last: dict[tuple[int, str], int] = field(default_factory=dict)

    def add(
        self, entry: int, position: int | None, severity: str, code: str, table: str, message: str, excerpt: str = ""
    ) -> None:
        key = (entry, code)
        self.seen[key] += 1
        if self.seen[key] > ISSUES_MAX:
            self.rows[self.last[key]][-1] += 1
            return
        self.last[key] = len(self.rows)
        self.rows.append([entry, position, severity, code, table, message, excerpt[: json_records.EXCERPT], 1])

    def reasons(self) -> Counter[str]:
        """ "severity:code" -> how many."""
        counted: Counter[str] = Counter()
        for _, _, severity, code, _, _, _, count in self.rows:
            counted[f"{severity}:{code}"] += count
        return counted

    def frame(self) -> pl.DataFrame:
        return frame("issues", dict(zip(TABLES["issues"], zip(*self.rows, strict=True), strict=True)))


class Reader:
    """An opened export."""

    def __init__(self, archive: Entries, layout: Layout, options: Options) -> None:
        self._archive = archive
        self._layout = layout
        self._options = options
        self.bytes_total = int(archive.packed_bytes.sum())
        self.overview = Overview(
            "slack",
            layout.title,
            {
                "entries": len(archive),
                "bytes": int(archive.unpacked_bytes.sum()),
                "conversations": len(layout.folders),
                "days": sum(one.days for one in layout.folders),
            },
            tuple(_notes(layout)),
        )

    # --- what every message is read with ---------------------------------------------------------------------------

    @cached_property
    def _index(self) -> _Index:
        """Read from the lists, once; only what is needed of them is kept."""
        teams: Counter[str] = Counter()
        orgs: Counter[str] = Counter()
        users: set[str] = set()
        bots: dict[str, str] = {}
        bot_users: set[str] = set()
        listed: list[Listed] = []
        for number in self._layout.lists:
            root, base = self._place(number)
            for _, item, _ in self._list_items(number):
                if isinstance(item, Damage):
                    continue
                if self._layout.kinds[number] == _CHANNELS:
                    if (one := _listed(item, root, base)) is not None:
                        listed.append(one)
                    continue
                for user in _user_ids(item):
                    users.add(user)
                if not (ids := _user_ids(item)):
                    continue
                enterprise, profile = _part(item, "enterprise_user"), _part(item, "profile")
                if (org := json_records.text(enterprise.get("enterprise_id"))) is not None:
                    orgs[org] += 1
                if not item.get("is_stranger") and (team := json_records.text(item.get("team_id"))):
                    teams[team] += 1
                if bot := json_records.text(profile.get("bot_id")):
                    bots.setdefault(bot, ids[0])
                if item.get("is_bot") is True:
                    bot_users.add(ids[0])
        ranked = orgs if self._layout.grid and orgs else teams
        team = min(ranked, key=lambda t: (-ranked[t], t)) if ranked else self._options.team
        return _Index(team, listed, frozenset(users), bots, frozenset(bot_users))

    @cached_property
    def _owners(self) -> list[str | None]:
        return owners(self._layout.folders, self._index.listed)

    @cached_property
    def _conversations(self) -> list[str]:
        """The id of the conversation that each folder belongs to, listed or not."""
        return [
            known or _unlisted_id(one.root, one.name)
            for known, one in zip(self._owners, self._layout.folders, strict=True)
        ]

    @cached_property
    def _context(self) -> columns.Context:
        index = self._index
        keys = [conversation_key(PRODUCT, index.team, one) for one in self._conversations]
        return columns.Context(
            pl.Series(self._conversations, dtype=pl.String),
            pl.Series(keys, dtype=pl.UInt64),
            pl.Series([f"slack-{one}-" for one in self._conversations], dtype=pl.String),
            index.team,
            index.bots,
            index.bot_users,
            index.users | {None},
            self._layout.bodies,
            self._options.limits.json_depth,
        )

    def _place(self, number: int) -> tuple[str, str]:
        """A list's workspace and file name."""
        path = self._archive.names[number][len(self._layout.wrap) :]
        root, _, base = path.rpartition("/")
        return f"{root}/" if root else "", base

    # --- reading entries --------------------------------------------------------------------------------------------

    def _pieces(self, entry: Entry) -> Iterator[bytes | Damage]:
        """An entry's array, whole or in pieces; Damage where it cannot be read."""
        try:
            if entry.unpacked_bytes <= json_records.PIECE_BYTES:
                yield self._archive.read(entry, json_records.PIECE_BYTES)
            else:
                yield from json_records.pieces(self._archive.open(entry), self._options.limits.record_bytes)
        except OverLimit as error:
            if error.setting != "entry_bytes":
                raise
            yield Damage(error.code, error.message, "")
        except BadFile as error:
            yield Damage(error.code, error.message, "")

    def _list_items(self, number: int) -> Iterator[tuple[int, dict[str, Any] | Damage, frozenset[str]]]:
        """(position, record, what was mended) of every element of a list."""
        position = 0
        for piece in self._pieces(self._archive.entry(number)):
            if isinstance(piece, Damage):
                yield position, piece, frozenset()
                position += 1
                continue
            for item, mended in json_records.objects(piece, self._options.limits.json_depth, records.is_listed):
                yield position, item, mended
                position += 1

    # --- batches ----------------------------------------------------------------------------------------------------

    def shares(self, most: int) -> list[Position]:
        """Where each of at most so many readers begins; each reads up to where the next one does."""
        days = np.flatnonzero(self._layout.kinds == _MESSAGES)
        sizes = np.cumsum(self._archive.unpacked_bytes[days])
        if not len(days) or (most := min(most, int(sizes[-1]) // SHARE_BYTES)) < 2:
            return [Position()]
        cuts = days[np.searchsorted(sizes, [sizes[-1] * n // most for n in range(1, most)])].tolist()
        ends = [*cuts, len(self._archive)]
        return [
            Position(0, {"until": ends[0]}),
            *(Position(n * SHARE_BATCHES, {"at": ends[n - 1], "until": ends[n]}) for n in range(1, most)),
        ]

    def batches(self, start: Position = Position()) -> Iterator[Batch]:
        if "at" in start.state:
            yield from self._message_batches(start.batch, start.state)
            return
        # The lists are short: going on in the middle of them is reading them again.
        until = {name: end for name, end in start.state.items() if name == "until"}
        for last in self._list_batches(until):
            if last.number >= start.batch:
                yield last
        yield from self._message_batches(last.next.batch, last.next.state)

    def _list_batches(self, until: Mapping[str, int] = {}) -> Iterator[Batch]:
        """Users, then conversations with their members, then the conversations that only have a folder."""
        folders: dict[str, str] = {}
        for one, folder in zip(self._conversations, self._layout.folders, strict=True):
            folders.setdefault(one, folder.path)
        tables = _Lists(self._index.team, self._options.members_max, folders)
        issues, done, number = _Issues(), 0, 0
        tallies: list[_Tally] = []
        step, label = "users", ""

        def batch(state: dict[str, Any]) -> Batch:
            frames = tables.taken() | {"entries": self._ledger(np.array([t.entry for t in tallies], np.int64), tallies)}
            if issues.rows:
                frames["issues"] = issues.frame()
            return Batch(number, _filled(frames), Position(number + 1, state), step, label, done)

        for place in self._layout.lists:
            kind, tally = int(self._layout.kinds[place]), _Tally(place)
            root, base = self._place(place)
            label, step = root + base, KINDS[kind]
            for position, item, mended in self._list_items(place):
                tally.found += 1
                for code in mended:
                    issues.add(place, position, "warning", code, step, _MENDED[code])
                if isinstance(item, Damage):
                    tally.count("failed")
                    issues.add(place, position, "failed", item.code, step, item.message, item.excerpt)
                    if not position:
                        tally.reason = item.code
                    continue
                problem = (
                    tables.add_user(item, place, position)
                    if kind == _USERS
                    else tables.add_channel(item, root, base, place, position)
                )
                if problem is not None:
                    tally.count(problem[0])
                    issues.add(place, position, problem[0], problem[1], step, problem[2], json_records.excerpt(item))
                if max(tables.rows, len(issues.rows)) >= self._options.batch_records:
                    yield batch({"lists": number + 1, **until})
                    number += 1
                    issues, tallies = _Issues(), []
            if tally.found > 1 or tally.failed == 0:
                tally.reason = None
            tallies.append(tally)
            done += int(self._archive.packed_bytes[place])
        for known, one, folder in zip(self._owners, self._conversations, self._layout.folders, strict=True):
            if known is None:
                tables.add_unlisted(one, folder.name, folder.path)
                message = f"No list names the folder “{folder.path[:100]}”; it becomes a conversation of its own."
                issues.add(-1, None, "warning", "importer-channel-unlisted", "channels", message)
        yield batch({"at": 0, **until})

    def _message_batches(self, number: int, state: Mapping[str, Any]) -> Iterator[Batch]:
        """Day files in the archive's order; with them, the lines of the ledger of every entry that is no list."""
        archive, layout, context = self._archive, self._layout, self._context
        begin = int(state["at"])  # entries before it are done
        skip = int(state.get("piece", 0))  # and so many pieces of it
        end = int(state.get("until", len(archive)))
        todo = np.flatnonzero(layout.kinds[:end] == _MESSAGES)
        todo = todo[np.searchsorted(todo, begin) :]
        tallies: dict[int, _Tally] = {}
        if skip:
            tallies[begin] = _Tally(begin, *state["tally"])
        issues, read, latest = _Issues(), 0, -1
        folder_of = layout.folder_of.item

        def drop(entry: int, position: int | None, severity: str, code: str, message: str, excerpt: str) -> None:
            tallies[entry].count(severity)
            issues.add(entry, position, severity, code, "messages", message, excerpt)

        told = list(state.get("told", ()))  # strangers that batches before have told of
        pile = columns.Pile(context, drop, told=told)

        def batch(upto: int, piece: int = 0) -> Batch:
            """What was gathered: entries before `upto` are done, and so many pieces of that one."""
            nonlocal begin, number, issues, read, pile
            frames = pile.frames()
            done = np.arange(begin, upto)
            done = done[(layout.kinds[begin:upto] != _USERS) & (layout.kinds[begin:upto] != _CHANNELS)]
            frames["entries"] = self._ledger(done, [tallies.pop(n) for n in sorted(tallies) if n < upto])
            if issues.rows:
                frames["issues"] = issues.frame()
            told.extend(list(pile.profiles)[: max(0, TOLD_MAX - len(told))])
            after: dict[str, Any] = {"at": upto} | ({"told": list(told)} if told else {})
            if end < len(archive):
                after["until"] = end
            if piece:
                tally = tallies[upto]
                after |= {"piece": piece, "tally": [tally.found, tally.skipped, tally.failed]}
            label = archive.names[latest][len(layout.wrap) :].removesuffix(".json") if latest >= begin else ""
            made = Batch(
                number, _filled(frames), Position(number + 1, after), "messages", label, self._packed_before(upto)
            )
            begin, number, issues, read, pile = upto, number + 1, _Issues(), 0, columns.Pile(context, drop, told=told)
            return made

        for entry_number in _each(todo):
            while entry_number - begin > ENTRIES_MAX:
                yield batch(begin + ENTRIES_MAX)
            entry, latest = archive.entry(entry_number), entry_number
            tally = tallies.setdefault(entry_number, _Tally(entry_number))
            if self._took(entry, tally, folder_of(entry_number), pile):
                read += entry.unpacked_bytes
            else:
                for piece_number, piece in enumerate(self._pieces(entry), 1):
                    if piece_number <= skip:
                        continue
                    if piece_number > skip + 1 and self._full(pile, read, issues):
                        yield batch(entry_number, piece_number - 1)
                    read += 0 if isinstance(piece, Damage) else len(piece)
                    self._take(piece, tally, folder_of(entry_number), pile, issues)
            skip = 0
            if self._full(pile, read, issues):
                yield batch(entry_number + 1)
        while end - begin > ENTRIES_MAX:
            yield batch(begin + ENTRIES_MAX)
        if begin < end:
            yield batch(end)

    def _took(self, entry: Entry, tally: _Tally, conversation: int, pile: columns.Pile) -> bool:
        """Takes an ordinary day file: short, whole and as typed. Nothing has happened where it answers False."""
        if entry.unpacked_bytes > json_records.PIECE_BYTES:
            return False
        try:
            tally.found += pile.add(entry.number, conversation, 0, self._archive.read(entry, json_records.PIECE_BYTES))
        except (*json_records.UNFIT, BadFile):
            return False
        if len(pile.messages) >= PILE_MESSAGES or pile.size_bytes >= PILE_BYTES:
            pile.flush()
        return True

    def _take(
        self, piece: bytes | Damage, tally: _Tally, conversation: int, pile: columns.Pile, issues: _Issues
    ) -> None:
        """Puts a piece's messages on the pile, by the fast lane if they fit into it."""
        entry = tally.entry
        if isinstance(piece, Damage):
            tally.reason = piece.code if not tally.found else None
            issues.add(entry, tally.found, "failed", piece.code, "messages", piece.message, piece.excerpt)
            tally.found += 1
            tally.failed += 1
            return
        try:
            tally.found += pile.add(entry, conversation, tally.found, piece)
        except json_records.UNFIT:
            for item, mended in records.messages(piece, self._options.limits.json_depth):
                for code in mended:
                    issues.add(entry, tally.found, "warning", code, "messages", _MENDED[code])
                if isinstance(item, Damage):
                    issues.add(entry, tally.found, "failed", item.code, "messages", item.message, item.excerpt)
                    tally.reason = item.code if not tally.found else None
                    tally.failed += 1
                else:
                    tally.reason = None
                    pile.put(entry, conversation, tally.found, [item])
                tally.found += 1
        if len(pile.messages) >= PILE_MESSAGES or pile.size_bytes >= PILE_BYTES:
            pile.flush()

    def _full(self, pile: columns.Pile, read: int, issues: _Issues) -> bool:
        records = max(pile.rows + len(pile.messages), len(issues.rows))
        return records >= self._options.batch_records or read >= BATCH_BYTES

    # --- counts -----------------------------------------------------------------------------------------------------

    def counts(self) -> Counts:
        """What `batches` would stage, counted. The lists are short, so they are staged; of messages only what is
        counted is decoded."""
        layout = self._layout
        tables, ledger, reasons = Counter[str](), Counter[str](), Counter[str]()
        names: dict[str, str] = {}
        for one in self._list_batches():
            for table in ("users", "channels", "members"):
                tables[table] += one.tables[table].height if table in one.tables else 0
            if "channels" in one.tables:
                rows = one.tables["channels"]
                names |= {i: n or i for i, n in zip(rows["id"].to_list(), rows["name"].to_list(), strict=True)}
            if "entries" in one.tables:
                for column in _LEDGER:
                    ledger[column] += int(one.tables["entries"][column].sum())
            if "issues" in one.tables:
                for severity, code, count in one.tables["issues"].select("severity", "code", "count").rows():
                    reasons[f"{severity}:{code}"] += count
        tally, issues = _Tally(-1), _Issues()

        def report(entry: int, position: int | None, severity: str, code: str, message: str, excerpt: str) -> None:
            tally.count(severity)
            reasons[f"{severity}:{code}"] += 1

        pile = columns.CountingPile(self._context, report)
        folder_of = layout.folder_of.item
        for number in _each(np.flatnonzero(layout.kinds == _MESSAGES)):
            entry = self._archive.entry(number)
            if self._took(entry, tally, folder_of(number), pile):
                continue
            for piece in self._pieces(entry):
                self._take(piece, tally, folder_of(number), pile, issues)
            if len(issues.rows) >= 1_000:
                reasons += issues.reasons()
                issues = _Issues()
        pile.flush()
        reasons += issues.reasons()
        tables.update(pile.tables)
        tables["users"] += len(pile.profiles)
        for column in _LEDGER:
            ledger[column] += getattr(tally, column)
        messages = Counter[str]()
        for place, count in pile.places.items():
            messages[self._conversations[place]] += count
        return Counts(
            {table: tables[table] for table in TABLES if table not in ("entries", "issues")},
            shown(messages, names),
            {str(year): pile.years[year] for year in sorted(pile.years)},
            dict(pile.subtypes),
            dict(ledger),
            dict(reasons),
        )

    @cached_property
    def _packed_sums(self) -> npt.NDArray[np.int64]:
        """Packed bytes of the entries up to each, lists first because they are read first."""
        packed = self._archive.packed_bytes.copy()
        lists = packed[self._layout.lists].sum()
        packed[self._layout.lists] = 0
        sums: npt.NDArray[np.int64] = np.cumsum(packed) + lists
        return sums

    def _packed_before(self, number: int) -> int:
        return int(self._packed_sums[number - 1]) if number else 0

    def _ledger(self, numbers: npt.NDArray[np.int64], tallies: Sequence[_Tally]) -> pl.DataFrame:
        """Lines of the ledger for these entries; those without a tally hold no records."""
        layout, names = self._layout, self._archive.names
        of = {tally.entry: tally for tally in tallies}
        lines = [of.get(number) for number in numbers.tolist()]
        reasons = [REASONS[r] or None for r in layout.reasons[numbers]]
        return frame(
            "entries",
            {
                "entry": numbers.tolist(),
                "name": [names[number] for number in numbers.tolist()],
                "kind": [KINDS[k] for k in layout.kinds[numbers]],
                "bytes": self._archive.unpacked_bytes[numbers].tolist(),
                "found": [t.found if t else 0 for t in lines],
                "staged": [t.staged if t else 0 for t in lines],
                "skipped": [t.skipped if t else 0 for t in lines],
                "failed": [t.failed if t else 0 for t in lines],
                "reason": [t.reason if t else reason for t, reason in zip(lines, reasons, strict=True)],
            },
        )


_LEDGER = ("found", "staged", "skipped", "failed")
_MENDED = {
    json_records.MENDED: "The file is no proper JSON; this record could be read all the same.",
    json_records.REPLACED: "Characters that no text can hold were replaced.",
}


def _each(numbers: npt.NDArray[np.int64]) -> Iterator[int]:
    """Python's own integers, a few at a time: of a million they are 36 MB."""
    for at in range(0, len(numbers), 4_096):
        yield from numbers[at : at + 4_096].tolist()


def _filled(frames: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    return {name: rows for name, rows in frames.items() if rows.height}


def _notes(layout: Layout) -> Iterator[str]:
    if layout.wrap:
        yield f"Everything stands in a folder “{layout.wrap[:-1][:100]}”, which is ignored."
    if any(redecoded(one.name) != one.name for one in layout.folders):
        yield "Names of folders were written in a wrong encoding and are read as they were meant."
    if rubbish := int((layout.reasons == REASONS.index("system-rubbish")).sum()):
        yield f"{rubbish:,} entries that operating systems put into archives are ignored."
    if unsafe := int((layout.reasons == REASONS.index("name-unsafe")).sum()):
        yield f"{unsafe:,} entries with names that lead out of the archive are ignored."


# --- users and conversations -----------------------------------------------------------------------------------------

Problem = tuple[str, str, str]  # severity, code, message


class _Lists:
    """Rows of users, channels and members on their way into a batch's frames."""

    def __init__(self, team: str, members_max: int, folders: Mapping[str, str]) -> None:
        self._team = team
        self._members_max = members_max
        self._folders = folders
        self._seen: dict[str, set[str]] = {"users": set(), "channels": set()}
        self._users: list[dict[str, Any]] = []
        self._channels: list[dict[str, Any]] = []
        self._members: list[tuple[str, str]] = []

    @property
    def rows(self) -> int:
        return len(self._users) + len(self._channels) + len(self._members) // 8

    def taken(self) -> dict[str, pl.DataFrame]:
        """The frames, which then begin anew."""
        frames = {
            "users": _of_rows("users", self._users),
            "channels": _of_rows("channels", self._channels),
            "members": frame(
                "members", {"channel": [c for c, _ in self._members], "user": [u for _, u in self._members]}
            ),
        }
        self._users, self._channels, self._members = [], [], []
        return frames

    def add_user(self, record: dict[str, Any], entry: int, position: int) -> Problem | None:
        ids = _user_ids(record)
        if not ids:
            return "failed", "importer-user-missing-id", "The user has no id."
        if ids[0] in self._seen["users"]:
            return "skipped", "importer-user-repeated", f"The user {ids[0]} is listed already."
        self._seen["users"].add(ids[0])
        self._users.append({"entry": entry, "position": position, "ids": ids} | _user(record, self._team))
        return None

    def add_channel(self, record: dict[str, Any], root: str, base: str, entry: int, position: int) -> Problem | None:
        one = _listed(record, root, base)
        if one is None:
            return "failed", "importer-channel-missing-id", "The conversation has neither id nor name."
        if one.id in self._seen["channels"]:
            return "skipped", "importer-channel-repeated", f"The conversation {one.id} is listed already."
        self._seen["channels"].add(one.id)
        members = _members(record)
        row = _channel(record, base, members, self._members_max)
        row |= {"entry": entry, "position": position, "id": one.id, "ids": [one.id], "team": self._team}
        row |= {"name": one.name or None, "former_names": list(one.former), "folder": self._folders.get(one.id)}
        self._channels.append(row)
        self._members += [(one.id, member) for member in members]
        return None

    def add_unlisted(self, conversation: str, name: str, folder: str) -> None:
        if conversation in self._seen["channels"]:
            return
        self._seen["channels"].add(conversation)
        comments = name.startswith("FC:")
        direct = _DIRECT.fullmatch(name) is not None
        self._channels.append(
            {
                "entry": -1,
                "id": conversation,
                "ids": [conversation],
                "team": self._team,
                "kind": "file_comments" if comments else "unlisted",
                "type": "d" if direct else "p",
                "name": None
                if direct
                else redecoded(name.split(":", 2)[2] if name.count(":") > 1 and comments else name),
                "former_names": [],
                "archived": False,
                "general": False,
                "shared": False,
                "folder": folder,
            }
        )


_DIRECT = re.compile(r"D[A-Z0-9]{7,}", re.ASCII)


def _of_rows(table: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    return frame(table, {name: [row.get(name) for row in rows] for name in TABLES[table]})


def _part(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    part = record.get(name)
    return part if isinstance(part, dict) else {}


def _user_ids(record: Mapping[str, Any]) -> list[str]:
    found = (json_records.text(record.get("id")), json_records.text(_part(record, "enterprise_user").get("id")))
    return list(dict.fromkeys(_plain(one) for one in found if one))


def _plain(value: str) -> str:
    return value.replace("\0", "")


def _told(record: Mapping[str, Any], *names: str) -> str | None:
    """The first of these members that says something."""
    return next((_plain(said) for name in names if (said := json_records.text(record.get(name)))), None)


def _user(record: Mapping[str, Any], team: str) -> dict[str, Any]:
    """Contract 5.2 and 2.2: what a row of `users` says of a person."""
    profile = _part(record, "profile")
    user = _told(record, "id")
    bot = record.get("is_bot") is True
    roles = (
        ("system", user == "USLACKBOT"),
        ("bot", bot),
        ("owner", record.get("is_owner") is True or record.get("is_primary_owner") is True),
        ("admin", record.get("is_admin") is True),
        ("guest_single", record.get("is_ultra_restricted") is True),
        ("guest", record.get("is_restricted") is True),
        ("external", record.get("is_stranger") is True),
    )
    email = _told(profile, "email")
    offset = record.get("tz_offset")
    fields = profile.get("fields")
    return {
        "id": user,
        "team": _told(record, "team_id") or team,
        "username": _told(record, "name"),
        "name": _told(profile, "real_name") or _told(record, "real_name", "name"),
        "display_name": _told(profile, "display_name"),
        "emails": [email] if email else [],
        "type": "bot" if bot else "user",
        "role": next((role for role, has in roles if has), "member"),
        "roles": ["bot"] if bot else [],
        "deleted": record.get("deleted") is True,
        "origin": "list",
        "utc_offset": offset / 3600 if isinstance(offset, int | float) and abs(offset) <= 86_400 else None,
        "zone": _told(record, "tz"),
        "title": _told(profile, "title"),
        "phone": _told(profile, "phone"),
        "status_text": _told(profile, "status_text"),
        "avatar": _told(profile, "image_original", "image_512", "image_192", "image_72"),
        "custom": json.dumps(fields, ensure_ascii=False) if isinstance(fields, dict) and fields else None,
    }


_KINDS = {"channels.json": "public", "groups.json": "private", "mpims.json": "group_dm", "dms.json": "dm"}


def _listed(record: Mapping[str, Any], root: str, base: str) -> Listed | None:
    """None where it can be neither named nor found."""
    name = _told(record, "name") if base != "dms.json" else None
    conversation = _told(record, "id") or name
    if conversation is None:
        return None
    former = record.get("previous_names")
    names = (json_records.text(one) for one in former) if isinstance(former, list) else ()
    return Listed(conversation, root, name or "", tuple(_plain(one) for one in names if one))


def _members(record: Mapping[str, Any]) -> list[str]:
    """Each once. slackdump names the other person of a direct conversation only, as `user` (2.4)."""
    given = record.get("members")
    if not isinstance(given, list):
        given = [record.get("user")]
    return list(dict.fromkeys(_plain(member) for one in given if (member := json_records.text(one))))


def _channel(record: Mapping[str, Any], base: str, members: list[str], members_max: int) -> dict[str, Any]:
    """Contract 5.2's table of rooms, and 2.3 and 2.4."""
    kind = _KINDS[base]
    if record.get("is_mpim") is True:
        kind = "group_dm"
    elif record.get("is_im") is True:
        kind = "dm"
    elif kind == "public" and record.get("is_private") is True:
        kind = "private"
    if kind == "dm" and len(members) == 1 and isinstance(record.get("members"), list):
        kind = "self_dm"
    types = {"public": "c", "private": "p", "group_dm": "p" if len(members) > members_max else "d"}
    created = json_records.whole(record.get("created"))
    return {
        "kind": kind,
        "type": types.get(kind, "d"),
        "topic": _told(_part(record, "topic"), "value"),
        "purpose": _told(_part(record, "purpose"), "value"),
        "creator": _told(record, "creator"),
        "created_us": created * 1_000_000 if created and 1 < created < 10**11 else None,
        "archived": record.get("is_archived") is True,
        "general": record.get("is_general") is True,
        "shared": any(record.get(f"is_{how}shared") is True for how in ("", "ext_", "org_")),
    }


def _unlisted_id(root: str, name: str) -> str:
    """An id for a folder that no list names: the same for every export of the workspace."""
    if name.startswith("FC:"):
        return ":".join(name.split(":", 2)[:2])
    return f"{root}{name}"
