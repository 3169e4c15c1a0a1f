"""What there is to choose from: the users, channels and contacts of an export, in staging order, read as they are asked
for (a hundred thousand users are one big reply, and never one big list here).

What a finished run imported or skipped is there no more to be chosen, what failed is (chat contract 6.6).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from douane.flow.house import House
from douane.model.chat_import import chat_detail
from douane.model.operation import Operation
from douane.staging.masks import read_mask, view_offsets
from douane.staging.parts import read_part
from douane.store import manifest
from douane.store.database import read
from douane.store.manifest import MaskRow, PartRow

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


@dataclass(frozen=True, slots=True)
class _Part:
    """`mask`: of a part of which only what failed is left."""

    row: PartRow
    mask: MaskRow | None


def preview(house: House, operation: Operation) -> Preview:
    """Empty for an operation whose records are dropped."""
    parts = {table: _left(house, operation, table) for table in ("users", "channels", "contacts", "messages")}
    direct = any((frame["type"] == "d").any() for frame in _frames(house, parts["channels"], ("type",)))
    return Preview(
        users=_records(house, parts["users"], USER, pl.col("origin") != "inferred"),
        channels=_with_messages(house, operation, parts["channels"]),
        contacts=_records(house, parts["contacts"], CONTACT, pl.lit(True)),
        message_count=sum(part.row.rows if part.mask is None else part.mask.invalid for part in parts["messages"]),
        has_direct=direct,
    )


def _left(house: House, operation: Operation, table: str) -> list[_Part]:
    if dropped(operation) or chat_detail(operation).superseded:
        return []
    with read(house.engine) as connection:
        rows = manifest.parts(connection, operation.id, table)
        done = operation.stage == "completed"
        masks = manifest.masks(connection, operation.id, table, operation.version) if done else {}
    if not done:
        return [_Part(row, None) for row in rows]
    return [_Part(row, masks[row.number]) for row in rows if row.number in masks and masks[row.number].invalid]


def dropped(operation: Operation) -> bool:
    """Whether its records count no more: whenever the sweeper comes, they are not shown. A run that failed can go on,
    so what it had is still there."""
    return operation.stage == "terminated" or (operation.stage == "failed" and chat_detail(operation).run is None)


def rooms_messages(house: House, operation: Operation) -> Mapping[str, int]:
    """Channel id -> its messages in the export, once it is checked."""
    found: Counter[str] = Counter()
    if dropped(operation):
        return found
    with read(house.engine) as connection:
        parts = manifest.parts(connection, operation.id, "pairs")
    for frame in _frames(house, [_Part(row, None) for row in parts], ("channel", "messages")):
        found.update(dict(frame.drop_nulls("channel").group_by("channel").agg(pl.col("messages").sum()).iter_rows()))
    return found


def _with_messages(house: House, operation: Operation, parts: Sequence[_Part]) -> Iterator[dict[str, Any]]:
    messages = rooms_messages(house, operation)
    for channel in _records(house, parts, CHANNEL, pl.col("type").fill_null("c") != "d"):
        yield channel | {"messages": messages.get(channel["id"], 0)}


def _records(house: House, parts: Sequence[_Part], columns: Sequence[str], which: pl.Expr) -> Iterator[dict[str, Any]]:
    for frame in _frames(house, parts, columns):
        yield from frame.filter(which).iter_rows(named=True)


def _frames(house: House, parts: Sequence[_Part], columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    for part in parts:
        frame = read_part(house.objects.local_path(part.row.object), columns)
        if part.mask is None:
            yield frame
        else:
            yield frame[view_offsets(read_mask(house.objects.local_path(part.mask.object)).state, "invalid")]
