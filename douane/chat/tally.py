"""What `Reader.counts` says of an export, gathered from its staged tables while they are made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from douane.chat.importers import Counts
from douane.chat.sums import Sums, counts_of, first_issues
from douane.chat.tables import TABLES

ENTRIES = ("found", "staged", "skipped", "failed")
_PEOPLE_SHOWN = 4
COUNTED = tuple(table for table in TABLES if table not in ("entries", "issues"))


class Tally:
    """Fed with batch after batch; keeps a number per conversation and per year, no records."""

    def __init__(self) -> None:
        self._tables: Counter[str] = Counter()
        self._messages: Counter[str] = Counter()
        self._names: dict[str, str] = {}
        self._years: Counter[str] = Counter()
        self._subtypes: Counter[str] = Counter()
        self._entries: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._strangers: set[str] = set()
        self._called: dict[str, str] = {}  # users by what they are called
        self._members: dict[str, list[str]] = {}  # of conversations without a name
        self._issues: list[dict[str, Any]] = []
        self._entry_names: dict[int, str] = {}  # of those that `issues` speaks of

    def add(self, tables: Mapping[str, pl.DataFrame]) -> None:
        for name, frame in tables.items():
            self._tables[name] += len(frame)
        if "channels" in tables:
            for channel, name in tables["channels"].select("id", "name").rows():
                self._names[channel] = name or channel
                if not name:
                    self._members.setdefault(channel, [])
        if self._members and "members" in tables:
            for channel, user in tables["members"].select("channel", "user").rows():
                if channel in self._members:
                    self._members[channel].append(user)
        if "users" in tables:
            users = tables["users"]
            called = users.select("id", pl.coalesce("display_name", "name", "username", "id"))
            self._called.update(called.rows())
            self._strangers.update(users.filter(users["origin"] == "inferred")["id"].drop_nulls().to_list())
        if "messages" in tables:
            frame = tables["messages"]
            _count(self._messages, frame["channel"].fill_null(""))
            _count(self._years, _years(frame["ts_us"]))
            _count(self._subtypes, frame["subtype"].fill_null(""))
        if "entries" in tables:
            for name in ENTRIES:
                self._entries[name] += int(tables["entries"][name].sum())
        if "issues" in tables:
            for severity, code, count in tables["issues"].select("severity", "code", "count").rows():
                self._reasons[f"{severity}:{code}"] += count
            self._issues = first_issues([*self._issues, *tables["issues"].to_dicts()])
        wanted = {one["entry"] for one in self._issues} - self._entry_names.keys()
        if wanted and "entries" in tables:
            entries = tables["entries"].select("entry", "name")
            self._entry_names.update(entries.filter(pl.col("entry").is_in(list(wanted))).rows())

    def sums(self) -> Sums:
        return Sums(
            {table: self._tables[table] for table in COUNTED},
            dict(self._messages),
            self._names,
            dict(self._years),
            dict(self._subtypes),
            {name: self._entries[name] for name in ENTRIES},
            dict(self._reasons),
            sorted(self._strangers),
            {channel: self._whose(users) for channel, users in self._members.items() if users},
            [{**one, "name": self._entry_names.get(one["entry"], "")} for one in self._issues],
        )

    def _whose(self, users: Sequence[str]) -> str:
        shown = [self._called.get(user, user) for user in users[:_PEOPLE_SHOWN]]
        return ", ".join(shown) + (f" and {len(users) - len(shown):,} more" if len(users) > len(shown) else "")

    def counts(self) -> Counts:
        return counts_of([self.sums()])


def _years(ts_us: pl.Series) -> pl.Series:
    """The year of each time as text, "" where there is none."""
    years: pl.Series = ts_us.cast(pl.Datetime("us")).dt.year().cast(pl.String).fill_null("")
    return years


def _count(into: Counter[str], values: pl.Series) -> None:
    for value, count in values.value_counts().iter_rows():
        into[value] += count
