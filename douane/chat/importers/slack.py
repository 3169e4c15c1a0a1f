"""Slack exports: zips of workspaces and Enterprise Grid organisations, and what slackdump makes.

`slack_layout.py` knows where things stand, `slack_records.py` the JSON and what is done with damaged one,
`slack_messages.py` makes columns of messages. This module reads the lists first, then day file after day file in the
archive's order, and keeps the ledger. An entry that cannot be read at all counts as one failed record.

A file for 1,000,000 entries stays small in memory because only one piece of one entry is unpacked at a time (a
megabyte), and a batch ends at `batch_records` records or BATCH_BYTES of JSON.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from douane.archive import Entry
from douane.archive_packed import Entries
from douane.chat.importers import Batch, Counts, Options, Overview, Position, json_records, unread
from douane.chat.importers import slack_messages as columns
from douane.chat.importers import slack_records as records
from douane.chat.importers.json_records import Damage
from douane.chat.importers.ledger import Ledger, Sheets, Where
from douane.chat.importers.slack_counting import CountingPile
from douane.chat.importers.slack_layout import (
    CHANNELS,
    KINDS,
    REASONS,
    USERS,
    Layout,
    Listed,
    Owners,
    list_of,
    owners,
    redecoded,
    survey,
)
from douane.chat.importers.slack_lists import WRONG_TYPE, Lists, listed, part, user_ids, wrong_type
from douane.chat.importers.upload import Upload
from douane.chat.sums import counts_of
from douane.chat.tables import conversation_key, frame
from douane.chat.tally import ENTRIES, Tally
from douane.errors import BadFile, OverLimit

PRODUCT = "slack"
BATCH_BYTES = 64 << 20
SHARE_BYTES = 128 << 20  # of JSON, below which a reader of its own does not pay
SHARE_BATCHES = 1_000_000  # between the first batch numbers of two shares
ENTRIES_MAX = 65_536  # a batch's, so that a million empty day files are not one batch
TOLD_MAX = 10_000  # strangers whose ids a position carries, so that each is told of once; of more, once a batch
NAMED = 50  # issues of one kind in one entry that are told one by one
_ISSUES_MAX = 1_000  # that counting keeps at once
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
    # One of users is HipChat's too.
    first = upload.head[30 : 30 + int.from_bytes(upload.head[26:28], "little")] if upload.zipped else b""
    try:
        if first in _FIRST_NAMES and (first != b"users.json" or any(map(upload.entries.find, CHANNELS))):
            return True
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
        found: list[Listed] = []
        for number in self._layout.lists:
            root, base = self._place(number)
            for _, item, _ in self._list_items(number):
                if isinstance(item, Damage):
                    continue
                if self._layout.kinds[number] == _CHANNELS:
                    if (one := listed(item, root, base)) is not None:
                        found.append(one)
                    continue
                for user in user_ids(item):
                    users.add(user)
                if not (ids := user_ids(item)):
                    continue
                enterprise, profile = part(item, "enterprise_user"), part(item, "profile")
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
        return _Index(team, found, frozenset(users), bots, frozenset(bot_users))

    @cached_property
    def _owners(self) -> Owners:
        return owners(self._layout.folders, self._index.listed)

    @cached_property
    def _conversations(self) -> list[str]:
        """The id of the conversation that each folder belongs to, listed or not."""
        return [
            known or _unlisted_id(one.root, one.called)
            for known, one in zip(self._owners.ids, self._layout.folders, strict=True)
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
        """A list's workspace and usual file name."""
        path = self._archive.names[number][len(self._layout.wrap) :]
        root, _, base = path.rpartition("/")
        return f"{root}/" if root else "", list_of(base) or base.lower()

    # --- reading entries --------------------------------------------------------------------------------------------

    def pieces(self, entry: Entry) -> Iterator[bytes | Damage]:
        """An entry's array, whole or in pieces; Damage where it cannot be read."""
        found: Iterable[bytes | Damage]
        try:
            if entry.unpacked_bytes <= json_records.PIECE_BYTES:
                found = (self._archive.read(entry, json_records.PIECE_BYTES),)
            else:
                found = json_records.pieces(self._archive.open(entry), self._options.limits.record_bytes)
            for piece in found:
                if isinstance(piece, Damage) or records.NESTED not in piece:
                    yield piece
                else:
                    yield records.unnested(piece)
        except OverLimit as error:
            if error.setting != "entry_bytes":
                raise
            yield Damage(error.code, error.message, "")
        except BadFile as error:
            yield Damage(error.code, error.message, "")

    def _list_items(self, number: int) -> Iterator[tuple[int, dict[str, Any] | Damage, frozenset[str]]]:
        """(position, record, what was mended) of every element of a list."""
        position = 0
        for piece in self.pieces(self._archive.entry(number)):
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
        sheets = Sheets(self._options.batch_records, NAMED)
        rows = Lists(sheets, self._index.team, self._options.members_max, folders)
        done = number = 0
        step, label = "users", ""

        def batch(state: dict[str, Any]) -> Batch:
            frames = sheets.frames()
            sheets.clear()
            return Batch(number, frames, Position(number + 1, state), step, label, done)

        for place in self._layout.lists:
            kind = int(self._layout.kinds[place])
            root, base = self._place(place)
            label, step = root + base, KINDS[kind]
            ledger = Ledger(sheets, place, step)
            reason = None
            for position, item, mended in self._list_items(place):
                for code in mended:
                    sheets.issue("warning", code, _MENDED[code], Where(place, step, position))
                if isinstance(item, Damage):
                    ledger.fail(position, item.code, item.message, item.excerpt)
                    reason = item.code if not position else reason
                    continue
                problem = (
                    rows.add_user(item, place, position)
                    if kind == _USERS
                    else rows.add_channel(item, root, base, place, position)
                )
                ledger.account(problem, position, item)
                if sheets.full:
                    yield batch({"lists": number + 1, **until})
                    number += 1
            ledger.close(
                self._archive.names[place],
                step,
                int(self._archive.unpacked_bytes[place]),
                reason if ledger.found == ledger.failed == 1 else None,
            )
            done += int(self._archive.packed_bytes[place])
        self._tell_of_folders(sheets, rows)
        yield batch({"at": 0, **until})

    def _tell_of_folders(self, sheets: Sheets, rows: Lists) -> None:
        """Of those that no list names, and those that several conversations of a list could have."""
        for place, (known, one, folder) in enumerate(
            zip(self._owners.ids, self._conversations, self._layout.folders, strict=True)
        ):
            shown = folder.path[:100] or folder.name
            if known is None:
                rows.add_unlisted(one, folder.called, folder.path)
                message = f"No list names the folder “{shown}”; it becomes a conversation of its own."
                sheets.issue("warning", "importer-channel-unlisted", message, Where(-1, "channels"))
            elif others := self._owners.doubtful.get(place):
                message = (
                    f"Several conversations are called like the folder “{shown}”: {', '.join([one, *others[:5]])}. Its "
                    f"messages are taken for those of {one}."
                )
                sheets.issue("warning", "importer-folder-ambiguous", message, Where(-1, "channels"))

    def _message_batches(self, number: int, state: Mapping[str, Any]) -> Iterator[Batch]:
        """Day files in the archive's order; with them, the lines of the ledger of every entry that is no list."""
        gathering = _Gathering(self, number, state)
        for entry_number in _each(gathering.todo):
            yield from gathering.take(entry_number)
        yield from gathering.rest()

    def taken(self, entry: Entry, ledger: Ledger, pile: columns.Pile) -> bool:
        """Takes an ordinary day file: short, whole and as typed. Nothing has happened where it answers False."""
        if entry.unpacked_bytes > json_records.PIECE_BYTES:
            return False
        conversation = self._layout.folder_of.item(entry.number)
        try:
            data = self._archive.read(entry, json_records.PIECE_BYTES)
            ledger.staged += pile.add(entry.number, conversation, 0, data)
        except (*json_records.UNFIT, BadFile):
            return False
        pile.flush_if_large()
        return True

    def take(self, piece: bytes | Damage, ledger: Ledger, pile: columns.Pile) -> str | None:
        """Puts a piece's messages on the pile, by the fast lane if they fit into it. Answers why, where the entry as a
        whole is none of messages."""
        entry, conversation = ledger.entry, self._layout.folder_of.item(ledger.entry)
        reason = None
        pile.catch_up()
        if isinstance(piece, Damage):
            reason = piece.code if not ledger.found else None
            ledger.fail(ledger.found, piece.code, piece.message, piece.excerpt)
            return reason
        try:
            ledger.staged += pile.add(entry, conversation, ledger.found, piece)
        except json_records.UNFIT:
            for item, mended, odd in records.messages(piece, self._options.limits.json_depth):
                position = ledger.found
                for code in mended:
                    ledger.sheets.issue("warning", code, _MENDED[code], Where(entry, "messages", position))
                if isinstance(item, Damage):
                    reason = item.code if not position else None
                    ledger.fail(position, item.code, item.message, item.excerpt)
                    continue
                if odd:
                    said = wrong_type(odd)
                    ledger.sheets.issue("warning", WRONG_TYPE, said, Where(entry, "messages", position))
                reason = None
                ledger.staged += 1
                pile.put(entry, conversation, position, [item])
        pile.flush_if_large()
        return reason

    # --- counts -----------------------------------------------------------------------------------------------------

    def counts(self) -> Counts:
        """What `batches` would stage, counted. The lists are short, so they are staged; of messages only what is
        counted is decoded."""
        tally = Tally()
        for one in self._list_batches():
            tally.add(one.tables)
        sheets = Sheets(named=NAMED)
        ledger = Ledger(sheets, -1, "messages")

        def report(
            entry: int, position: int | None, severity: str, code: str, message: str, excerpt: str, count: int = 1
        ) -> None:
            ledger.entry = entry
            ledger.report(severity, position, code, message, excerpt, count)

        pile = CountingPile(self._context, report)
        for number in _each(np.flatnonzero(self._layout.kinds == _MESSAGES)):
            entry = self._archive.entry(number)
            if not self.taken(entry, ledger, pile):
                account = Ledger(sheets, number, "messages")
                for piece in self.pieces(entry):
                    self.take(piece, account, pile)
                ledger.add(account)
            if sheets.count >= _ISSUES_MAX:
                tally.add(sheets.frames())
                sheets.clear()
        pile.flush()
        for number in self._layout.unread:
            self.unread(Ledger(sheets, number, "messages"))
        tally.add(sheets.frames())
        sums = tally.sums()
        for name in ENTRIES:
            sums.entries[name] += getattr(ledger, name) if name != "found" else ledger.found
        sums.tables = {table: sums.tables[table] + pile.tables[table] for table in sums.tables}
        sums.tables["users"] += len(pile.profiles)
        for place, count in pile.places.items():
            sums.messages[self._conversations[place]] = sums.messages.get(self._conversations[place], 0) + count
        sums.years = {str(year): count for year, count in pile.years.items()}
        sums.subtypes = dict(pile.subtypes)
        counts = counts_of([sums])
        return replace(counts, issues=[{**one, "name": self._named(one["entry"])} for one in counts.issues])

    def _named(self, entry: int) -> str:
        return self._archive.names[entry] if entry >= 0 else ""

    def unread(self, ledger: Ledger) -> None:
        """Accounts for an entry that seems to hold messages and is not read."""
        name = self._archive.names[ledger.entry]
        unread.fail(ledger, name)
        ledger.close(name, "document", int(self._archive.unpacked_bytes[ledger.entry]), unread.CODE)

    @cached_property
    def _packed_sums(self) -> npt.NDArray[np.int64]:
        """Packed bytes of the entries up to each, lists first because they are read first."""
        packed = self._archive.packed_bytes.copy()
        lists = packed[self._layout.lists].sum()
        packed[self._layout.lists] = 0
        sums: npt.NDArray[np.int64] = np.cumsum(packed) + lists
        return sums

    def label_of(self, number: int) -> str:
        """What to show for a day file."""
        return self._archive.names[number][len(self._layout.wrap) :].removesuffix(".json")

    def packed_before(self, number: int) -> int:
        return int(self._packed_sums[number - 1]) if number else 0

    def lines(
        self, numbers: npt.NDArray[np.int64], ledgers: Mapping[int, Ledger], reasons: Mapping[int, str | None]
    ) -> pl.DataFrame:
        """Lines of the ledger for these entries; those without an account hold no records. By whole columns: there may
        be a million."""
        layout, names = self._layout, self._archive.names
        found = [ledgers.get(number) for number in numbers.tolist()]
        whole = [REASONS[r] or None for r in layout.reasons[numbers]]
        return frame(
            "entries",
            {
                "entry": numbers.tolist(),
                "name": [names[number] for number in numbers.tolist()],
                "kind": [KINDS[k] for k in layout.kinds[numbers]],
                "bytes": self._archive.unpacked_bytes[numbers].tolist(),
                **{name: [getattr(ledger, name) if ledger else 0 for ledger in found] for name in ENTRIES},
                "reason": [reasons.get(one.entry) if one else reason for one, reason in zip(found, whole, strict=True)],
            },
        )


class _Gathering:
    """Day files on their way into batches. Entries before `begin` are done; `skip`: so many pieces of that one too;
    entries from `end` on are another reader's."""

    def __init__(self, reader: Reader, number: int, state: Mapping[str, Any]) -> None:
        self._reader = reader
        self._number = number
        self._begin, self._skip = int(state["at"]), int(state.get("piece", 0))
        self._all = len(reader._archive)
        self._end = int(state.get("until", self._all))
        todo = np.flatnonzero(reader._layout.kinds[: self._end] == _MESSAGES)
        self.todo = todo[np.searchsorted(todo, self._begin) :]
        self._unread = np.array(reader._layout.unread, np.int64)
        self._sheets = Sheets(reader._options.batch_records, NAMED)
        self._ledgers: dict[int, Ledger] = {}
        self._reasons: dict[int, str | None] = {}
        if self._skip:
            found, skipped, failed = state["tally"]
            ledger = self._ledger(self._begin)
            ledger.staged, ledger.skipped, ledger.failed = found - skipped - failed, skipped, failed
        self._read = 0  # bytes of JSON in the batch at hand
        self._latest = -1
        self._told = list(state.get("told", ()))  # strangers that batches before have told of
        self._pile = columns.Pile(reader._context, self._report, told=self._told)

    def take(self, number: int) -> Iterator[Batch]:
        """Reads a day file; yields the batches that are full by then."""
        while number - self._begin > ENTRIES_MAX:
            yield self._batch(self._begin + ENTRIES_MAX)
        reader = self._reader
        entry, self._latest = reader._archive.entry(number), number
        ledger = self._ledger(number)
        if reader.taken(entry, ledger, self._pile):
            self._read += entry.unpacked_bytes
        else:
            for at, piece in enumerate(reader.pieces(entry), 1):
                if at <= self._skip:
                    continue
                if at > self._skip + 1 and self._full:
                    yield self._batch(number, at - 1)
                self._read += 0 if isinstance(piece, Damage) else len(piece)
                self._reasons[number] = reader.take(piece, ledger, self._pile)
        self._skip = 0
        if self._full:
            yield self._batch(number + 1)

    def rest(self) -> Iterator[Batch]:
        """What is left when all day files were read."""
        while self._end - self._begin > ENTRIES_MAX:
            yield self._batch(self._begin + ENTRIES_MAX)
        if self._begin < self._end:
            yield self._batch(self._end)

    @property
    def _full(self) -> bool:
        most, pile = self._sheets.full_at, self._pile
        return self._read >= BATCH_BYTES or pile.count >= most or len(self._sheets.rows["issues"]) >= most

    def _ledger(self, number: int) -> Ledger:
        found = self._ledgers.get(number)
        if found is None:
            found = self._ledgers[number] = Ledger(self._sheets, number, "messages")
        return found

    def _report(
        self, entry: int, position: int | None, severity: str, code: str, message: str, excerpt: str, count: int = 1
    ) -> None:
        self._ledgers[entry].report(severity, position, code, message, excerpt, count)

    def _batch(self, upto: int, piece: int = 0) -> Batch:
        """What was gathered: entries before `upto` are done, and so many pieces of that one."""
        reader, layout, begin = self._reader, self._reader._layout, self._begin
        frames = self._pile.frames()
        done = np.arange(begin, upto)
        done = done[(layout.kinds[begin:upto] != _USERS) & (layout.kinds[begin:upto] != _CHANNELS)]
        for number in self._unread[(self._unread >= begin) & (self._unread < upto)].tolist():
            reader.unread(self._ledger(number))
            self._sheets.rows["entries"].clear()
            self._reasons[number] = unread.CODE
        frames["entries"] = reader.lines(done, self._ledgers, self._reasons)
        frames |= self._sheets.frames()
        self._sheets.clear()
        pile = self._pile
        self._told += list(pile.profiles)[: max(0, TOLD_MAX - len(self._told))]
        after: dict[str, Any] = {"at": upto} | ({"told": list(self._told)} if self._told else {})
        if self._end < self._all:
            after["until"] = self._end
        self._ledgers = {number: ledger for number, ledger in self._ledgers.items() if number >= upto}
        self._reasons = {number: reason for number, reason in self._reasons.items() if number >= upto}
        if piece:
            ledger = self._ledgers[upto]
            after |= {"piece": piece, "tally": [ledger.found, ledger.skipped, ledger.failed]}
        label = reader.label_of(self._latest) if self._latest >= begin else ""
        position, done_bytes = Position(self._number + 1, after), reader.packed_before(upto)
        made = Batch(self._number, _filled(frames), position, "messages", label, done_bytes)
        self._begin, self._number, self._read = upto, self._number + 1, 0
        self._pile = columns.Pile(reader._context, self._report, told=self._told)
        return made


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


def _unlisted_id(root: str, name: str) -> str:
    """An id for a folder that no list names: the same for every export of the workspace."""
    if name.startswith("FC:"):
        return ":".join(name.split(":", 2)[:2])
    return f"{root}{name}"
