"""What every importer keeps while it reads: rows of the tables until a batch is made of them, and each entry's account.

`Sheets` takes rows by name (`add`) and reasons (`issue`); `Ledger` is the account of one entry, found = staged +
skipped + failed. A reader's batch is `Sheets.frames()` and then `Sheets.clear()`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from douane.chat import tables
from douane.chat.importers import BATCH_RECORDS
from douane.chat.importers.json_records import excerpt as excerpt_of

BATCH_BYTES = 16 << 20
EXCERPT_CHARS = 200
# Faults of one kind in one entry and batch: so many are named one by one, the rest in one line with its count.
NAMED = 1000

# What a row has where its importer says nothing of it; all other columns are null then.
USUAL: Mapping[str, Mapping[str, Any]] = {
    "users": {"type": "user", "emails": (), "roles": (), "deleted": False, "origin": "list"},
    "channels": {"archived": False, "general": False},
    "messages": {
        "kind": "text",
        "format": "plain",
        "broadcast": False,
        "pinned": False,
        "hidden": False,
        "reactions": 0,
        "files": 0,
    },
    "issues": {"count": 1},
}


@dataclass(frozen=True, slots=True)
class Where:
    """What an issue is about: an entry of the archive (-1: none), the table its records are of, and one of them."""

    entry: int
    table: str
    position: int | None = None


class Sheets:
    """Rows of the tables as they are found. `full`: a batch of them is due, by their number or by `bytes`, which
    whoever adds long texts counts. `read`: packed bytes of the entry at hand, for progress."""

    def __init__(self, full_at: int = BATCH_RECORDS, named: int = NAMED) -> None:
        self.full_at = full_at
        self._named_max = named
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in tables.TABLES}
        self._members: list[tuple[str, Sequence[str]]] = []
        self.count = 0
        self.bytes = 0
        self.read = 0
        self._named: Counter[tuple[int, str, str]] = Counter()
        self._last: dict[tuple[int, str, str], dict[str, Any]] = {}

    @property
    def full(self) -> bool:
        return self.count >= self.full_at or self.bytes >= BATCH_BYTES

    def add(self, table: str, /, **columns: Any) -> None:
        self.rows[table].append(columns)
        self.count += 1

    def add_members(self, channel: str, users: Sequence[str]) -> None:
        """Those of a conversation: rows of `members`, by the ten thousand where everybody is in all of them."""
        if users:
            self._members.append((channel, users))
            self.count += len(users)

    def issue(self, severity: str, code: str, message: str, where: Where, excerpt: str = "", count: int = 1) -> None:
        """Why a record was skipped or failed, or what should be known of it."""
        kind = (where.entry, severity, code)
        self._named[kind] += 1
        if self._named[kind] <= self._named_max:
            said = {"severity": severity, "code": code, "table": where.table, "message": message}
            shown = excerpt[:EXCERPT_CHARS] or None
            self.add("issues", entry=where.entry, position=where.position, **said, excerpt=shown, count=count)
            return
        if kind not in self._last:
            self.add("issues", entry=where.entry, severity=severity, code=code, table=where.table, count=0)
            self._last[kind] = self.rows["issues"][-1]
        last = self._last[kind]
        last["count"] += count
        last["message"] = f"{last['count']:,} further records like these."

    def clear(self) -> None:
        for rows in self.rows.values():
            rows.clear()
        self._members.clear()
        self.count = self.bytes = 0
        self._named.clear()
        self._last.clear()

    def frames(self) -> dict[str, pl.DataFrame]:
        """Tables with rows, each with all its columns."""
        frames = {name: _frame(name, rows) for name, rows in self.rows.items() if rows}
        if self._members:
            channels = [channel for channel, users in self._members for _ in users]
            users = [user for _, users in self._members for user in users]
            found = tables.frame("members", {"channel": channels, "user": users})
            frames["members"] = pl.concat([frames["members"], found]) if "members" in frames else found
        return frames


def _frame(table: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    usual = USUAL.get(table, {})
    names = dict.fromkeys((*usual, *(name for row in rows for name in row)))
    if unknown := names.keys() - tables.TABLES[table].keys():
        raise KeyError(f"{table} has no {', '.join(sorted(unknown))}")
    return tables.frame(table, {name: [row.get(name, usual.get(name)) for row in rows] for name in names})


@dataclass(slots=True)
class Ledger:
    """One entry's account while it is read. `table`: what its records are of. Warnings come when it is closed, one of a
    kind with its count and the place of the first; `says` has their sentences, with `{line}` for that place."""

    sheets: Sheets
    entry: int
    table: str
    says: Mapping[str, str] = field(default_factory=dict)
    staged: int = 0
    skipped: int = 0
    failed: int = 0
    warned: dict[str, tuple[int | None, int]] = field(default_factory=dict)

    @property
    def found(self) -> int:
        return self.staged + self.skipped + self.failed

    def skip(self, position: int | None, code: str, message: str, excerpt: str = "") -> None:
        self.skipped += 1
        self._issue("skipped", code, message, position, excerpt)

    def fail(self, position: int | None, code: str, message: str, excerpt: str = "") -> None:
        self.failed += 1
        self._issue("failed", code, message, position, excerpt)

    def account(self, problem: tuple[str, str, str] | None, position: int, record: Any) -> None:
        """A record that was looked at: staged, if perhaps with a warning, or left out for what is wrong with it.
        `problem`: severity, code, sentence."""
        if problem is None or problem[0] == "warning":
            self.staged += 1
        if problem:
            severity, code, message = problem
            self.skipped += severity == "skipped"
            self.failed += severity == "failed"
            self._issue(severity, code, message, position, excerpt_of(record))

    def report(
        self, severity: str, position: int | None, code: str, message: str, excerpt: str = "", count: int = 1
    ) -> None:
        """What was found of a record that was counted as staged already."""
        if severity != "warning":
            self.staged -= 1
            self.skipped += severity == "skipped"
            self.failed += severity == "failed"
        self._issue(severity, code, message, position, excerpt, count)

    def add(self, other: Ledger) -> None:
        """Takes another account's numbers into this one."""
        self.staged += other.staged
        self.skipped += other.skipped
        self.failed += other.failed

    def warn(self, codes: Iterable[str], position: int | None = None) -> None:
        for code in codes:
            first, count = self.warned.get(code, (position, 0))
            self.warned[code] = (first, count + 1)

    def close(self, name: str, kind: str, size: int, reason: str | None = None) -> None:
        for code, (position, count) in self.warned.items():
            sentence = self.says[code].format(line=position)
            if count > 1 and "{line}" in self.says[code]:
                sentence += f" So do {count - 1:,} more."
            self._issue("warning", code, sentence, position, count=count)
        counts = {"found": self.found, "staged": self.staged, "skipped": self.skipped, "failed": self.failed}
        self.sheets.add("entries", entry=self.entry, name=name, kind=kind, bytes=size, **counts, reason=reason)

    def _issue(
        self, severity: str, code: str, message: str, position: int | None, excerpt: str = "", count: int = 1
    ) -> None:
        self.sheets.issue(severity, code, message, Where(self.entry, self.table, position), excerpt, count)


def no_records(sheets: Sheets, entry: int, name: str, kind: str, size: int, reason: str) -> None:
    """The line of an entry that holds no records."""
    counts = dict.fromkeys(("found", "staged", "skipped", "failed"), 0)
    sheets.add("entries", entry=entry, name=name, kind=kind, bytes=size, **counts, reason=reason)
