"""What a run of a chat import knows throughout, and what was selected for it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from douane.chat.plan import Options, Said, clean
from douane.chat.selection import Selection
from douane.chat.tables import TABLES
from douane.flow.attempts import Attempt
from douane.flow.house import House
from douane.model.operation import Operation
from douane.staging.parts import read_part
from douane.store import manifest, operations
from douane.store.database import read as reading
from douane.store.database import write
from douane.store.manifest import PartRow

Record = dict[str, Any]
_SEED = 0x646F75616E65


@dataclass(slots=True)
class Job:
    """What a run knows throughout. `version` is the one it publishes at its end."""

    attempt: Attempt
    selection: Selection
    options: Options
    version: int
    retry: bool
    strict: bool
    numbers: dict[str, int] = field(default_factory=dict)  # of generated usernames
    _ids: dict[str, Ids] = field(default_factory=dict)

    @property
    def house(self) -> House:
        return self.attempt.house

    @property
    def held(self) -> Operation:
        return self.attempt.held

    @property
    def project_id(self) -> str:
        return self.attempt.held.project_id

    def over(self) -> bool:
        """Whether to let the next one have its turn. Superseded by whoever ended the run shows at the next commit."""
        if not self.attempt.kept or time.monotonic() < self.attempt.ends_at:
            return False
        with write(self.house.engine) as connection:
            operations.hold(connection, self.held)
            operations.change(connection, self.held.id, tries=0)
        return True

    def parts(self, table: str) -> list[PartRow]:
        with reading(self.house.engine) as connection:
            return manifest.parts(connection, self.held.id, table)

    def frame(self, part: PartRow, columns: Sequence[str] | None = None) -> pl.DataFrame:
        return read_part(self.house.objects.local_path(part.object), columns)

    def ids(self, table: str) -> Ids:
        """The foreign ids of a table of records."""
        if table not in self._ids:
            self._ids[table] = Ids(self, table)
        return self._ids[table]

    def column(self, table: str, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        for part in self.parts(table):
            yield self.frame(part, columns)


class Ids:
    """The foreign ids that the records of a staged table have: whether one is among them, and which stand more than
    once. Kept as 64-bit hashes, for there may be millions."""

    def __init__(self, job: Job, table: str) -> None:
        self._job, self._parts = job, job.parts(table)
        columns = ("id", "ids") if "ids" in TABLES[table] else ("id",)
        frames = [job.frame(part, columns) for part in self._parts]
        empty = pl.Series("id", [], pl.String)
        first = pl.concat([empty, *(frame["id"] for frame in frames)])
        others = [frame["ids"].explode().drop_nulls() for frame in frames if "ids" in frame.columns]
        self._all = np.sort(pl.concat([first.drop_nulls(), *others]).hash(_SEED).to_numpy())
        self._starts = np.cumsum([0, *(len(frame) for frame in frames)])
        again = first.is_duplicated() & first.is_not_null() & (first != "")
        rows = np.flatnonzero(again.to_numpy())
        hashes, at = np.unique(first.gather(rows).hash(_SEED).to_numpy(), return_index=True)
        self._first = dict(zip(hashes.tolist(), rows[at].tolist(), strict=True))

    def __contains__(self, id: str) -> bool:
        wanted = np.uint64(_hash(id))
        at = int(np.searchsorted(self._all, wanted))
        return at < len(self._all) and bool(self._all[at] == wanted)

    def said(self, records: Sequence[Record], part: PartRow) -> Said:
        """Of the ids of these records those that an earlier batch had, with what stood there."""
        if not self._first:
            return {}
        start = int(self._starts[next(at for at, one in enumerate(self._parts) if one.number == part.number)])
        found: Said = {}
        for record in records:
            first = self._first.get(_hash(record["id"])) if record["id"] else None
            if first is not None and first < start + records[0]["row"]:
                at = int(np.searchsorted(self._starts, first, "right")) - 1
                found[clean(record["id"])] = self._job.frame(self._parts[at])[first - int(self._starts[at])].to_dicts()[
                    0
                ]
        return found


def _hash(id: str) -> int:
    return int(pl.Series([id]).hash(_SEED)[0])


def selected_work(job: Job) -> int:
    """The selected work (contract 6.7, DO)."""
    total = 0
    for frame in job.column("users", ("id", "origin")):
        known = frame.filter(pl.col("origin") != "inferred")["id"].to_list()
        total += sum(job.selection.user(one) for one in known)
    if job.options.users_only:
        return total
    for frame in job.column("channels", ("id", "type", "position")):
        listed = frame.filter((pl.col("type") != "d") | pl.col("position").is_not_null())
        total += sum(job.selection.channel(one, kind) for one, kind in listed.select("id", "type").iter_rows())
    for frame in job.column("contacts", ("id",)):
        total += sum(job.selection.contact(one) for one in frame["id"].to_list())
    return total + sum(part.rows for part in job.parts("messages"))


def chosen_channels(job: Job) -> tuple[set[str], set[str]]:
    """First ids of the channels that were selected, and of those the direct ones."""
    chosen: set[str] = set()
    direct: set[str] = set()
    for frame in job.column("channels", ("id", "type")):
        for one, kind in frame.iter_rows():
            if one and job.selection.channel(one, kind):
                chosen.add(one)
                if kind == "d":
                    direct.add(one)
    return chosen, direct


def direct_members(job: Job) -> dict[str, list[str]]:
    """Of each direct conversation that was selected, who takes part."""
    _, direct = chosen_channels(job)
    wanted = pl.Series("id", list(direct), dtype=pl.String).implode()
    found: dict[str, list[str]] = {}
    for frame in job.column("members", ("channel", "user")):
        for channel, user in frame.filter(pl.col("channel").is_in(wanted)).iter_rows():
            if user:
                found.setdefault(channel, []).append(user)
    return {channel: list(dict.fromkeys(users)) for channel, users in found.items()}


def channel_chosen(job: Job, record: Record) -> bool:
    return not job.options.users_only and job.selection.channel(record["id"], record.get("type"))


def contact_chosen(job: Job, record: Record) -> bool:
    return not job.options.users_only and job.selection.contact(record["id"])
