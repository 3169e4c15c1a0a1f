"""What there is to choose from: the users, channels and contacts of an export, in staging order, read as they are asked
for (a hundred thousand users are one big reply, and never one big list here)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from douane.flow.house import House
from douane.model.operation import Operation
from douane.staging.parts import read_part
from douane.store import manifest
from douane.store.database import read
from douane.store.manifest import PartRow

# What a person sees of each; the first id stands for the record.
USER = ("id", "username", "name", "emails", "type", "role", "deleted", "origin")
CHANNEL = ("id", "name", "kind", "type", "topic", "purpose", "creator", "archived")
CONTACT = ("id", "name", "emails", "phones", "manager")


@dataclass(frozen=True, slots=True)
class Preview:
    """Each iterator gives dicts by the names above, once. `users`: without those whom only messages name. `channels`:
    without direct conversations (`has_direct` tells whether there are any), each with its `messages`. `message_count`:
    all staged messages."""

    users: Iterator[dict[str, Any]]
    channels: Iterator[dict[str, Any]]
    contacts: Iterator[dict[str, Any]]
    message_count: int
    has_direct: bool


def preview(house: House, operation: Operation) -> Preview:
    """Empty for an operation whose records are dropped."""
    with read(house.engine) as connection:
        parts = {
            table: [] if dropped(operation) else manifest.parts(connection, operation.id, table)
            for table in ("users", "channels", "contacts", "messages")
        }
    direct = any((frame["type"] == "d").any() for frame in _frames(house, parts["channels"], ("type",)))
    return Preview(
        users=_records(house, parts["users"], USER, pl.col("origin") != "inferred"),
        channels=_with_messages(house, operation, parts["channels"]),
        contacts=_records(house, parts["contacts"], CONTACT, pl.lit(True)),
        message_count=sum(row.rows for row in parts["messages"]),
        has_direct=direct,
    )


def dropped(operation: Operation) -> bool:
    """Whether its records count no more: whenever the sweeper comes, they are not shown. A run that failed can go on,
    so what it had is still there."""
    return operation.stage == "terminated" or (operation.stage == "failed" and "run" not in operation.detail)


def rooms_messages(house: House, operation: Operation) -> Mapping[str, int]:
    """Channel id -> its messages in the export, once it is checked."""
    found: Counter[str] = Counter()
    if dropped(operation):
        return found
    with read(house.engine) as connection:
        parts = manifest.parts(connection, operation.id, "pairs")
    for frame in _frames(house, parts, ("channel", "messages")):
        found.update(dict(frame.drop_nulls("channel").group_by("channel").agg(pl.col("messages").sum()).iter_rows()))
    return found


def _with_messages(house: House, operation: Operation, parts: Sequence[PartRow]) -> Iterator[dict[str, Any]]:
    messages = rooms_messages(house, operation)
    for channel in _records(house, parts, CHANNEL, pl.col("type").fill_null("c") != "d"):
        yield channel | {"messages": messages.get(channel["id"], 0)}


def _records(
    house: House, parts: Sequence[PartRow], columns: Sequence[str], which: pl.Expr
) -> Iterator[dict[str, Any]]:
    for frame in _frames(house, parts, columns):
        yield from frame.filter(which).iter_rows(named=True)


def _frames(house: House, parts: Sequence[PartRow], columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    for row in parts:
        yield read_part(house.objects.local_path(row.object), columns)
