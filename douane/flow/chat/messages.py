"""Messages of a workspace, as programs pull them: of all rooms, of one, or of one import; each as its newest state.

A page costs the same at any depth.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from sqlalchemy import Connection

from douane.chat import markup
from douane.flow.house import House
from douane.staging.parts import read_part, read_rows
from douane.store import chat
from douane.store.chat import PartRow
from douane.store.database import read

_KEPT = 500_000  # counts and replaced rows that are remembered


_NO_ROWS = np.zeros(0, np.int64)


Offsets = npt.NDArray[np.int64]


Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """`total` is the size of the whole list."""

    items: list[Document]
    total: int


class _Kept:
    """What parts hold by room, and which of their rows were replaced: objects never change, so only how much is kept is
    bounded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: OrderedDict[str, Any] = OrderedDict()
        self._entries = 0

    def get(self, name: str, make: Callable[[], Any]) -> Any:
        with self._lock:
            if name in self._held:
                self._held.move_to_end(name)
                return self._held[name]
        made = make()
        with self._lock:
            if name not in self._held:
                self._held[name] = made
                self._entries += 1 + len(made)
            while self._entries > _KEPT:
                self._entries -= 1 + len(self._held.popitem(last=False)[1])
        return made


_kept = _Kept()


@dataclass(frozen=True, slots=True)
class Listed:
    """The parts that a list of messages is made of, and how many of its messages come before each."""

    parts: list[PartRow]
    gone: dict[int, list[str]]  # part -> objects
    before: Offsets


def parts_of(
    house: House, connection: Connection, project_id: str, operation_id: str | None, room_id: str | None
) -> Listed:
    parts = chat.parts(connection, project_id, operation_id)
    gone: dict[int, list[str]] = {}
    counts = {part.number: part.rows for part in parts}
    for row in chat.gone(connection, project_id):
        if row.number in counts:
            gone.setdefault(row.number, []).append(row.object)
            counts[row.number] -= row.rows
    if room_id is not None:
        counts = {part.number: _in_room(house, part, gone.get(part.number, []), room_id) for part in parts}
        parts = [part for part in parts if counts[part.number]]
    return Listed(parts, gone, np.cumsum([0, *(counts[part.number] for part in parts)], dtype=np.int64))


def _in_room(house: House, part: PartRow, gone: Sequence[str], room_id: str) -> int:
    def rooms() -> dict[str, int]:
        frame = pl.read_ipc(house.objects.local_path(part.objects["rooms"]))
        return dict(frame.select("room", "rows").iter_rows())

    count = int(_kept.get(part.objects["rooms"], rooms).get(room_id, 0))
    if count and gone:
        column = read_part(house.objects.local_path(part.objects["messages"]), ("room",))["room"]
        count -= int((column.gather(_gone_rows(house, gone)) == room_id).sum())
    return count


def _gone_rows(house: House, objects: Sequence[str]) -> Offsets:
    def offsets(name: str) -> Offsets:
        found: Offsets = pl.read_ipc(house.objects.local_path(name))["at"].to_numpy().astype(np.int64)
        return found

    return np.concatenate([_NO_ROWS, *(_kept.get(name, partial(offsets, name)) for name in objects)])


def messages(
    house: House,
    project_id: str,
    *,
    operation_id: str | None = None,
    room_id: str | None = None,
    page: int = 1,
    limit: int = 50,
    render: str | None = None,
) -> Page:
    """The columns of `tables.TABLES["messages"]` without keys and places, and `room_id`, `user_id`, `username`, `name`,
    `reactions`, `files`, `mentions` as lists of documents. `operation_id`: those that it brought and nobody replaced.
    `render`: a dialect of `markup.render` (rocketchat, markdown ...), in which `rendered` is given too."""
    with read(house.engine) as connection:
        listed = parts_of(house, connection, project_id, operation_id, room_id)
        total = int(listed.before[-1])
        documents: list[Document] = []
        for part, first, count in _places(listed, (page - 1) * limit, limit):
            documents += _part_messages(house, part, listed.gone.get(part.number, []), room_id, first, count)
        names = chat.names(connection, [document["user_id"] for document in documents])
        for document in documents:
            document["username"], document["name"] = names.get(document["user_id"], ("", ""))
        if render is not None:
            _render(connection, project_id, documents, render)
    return Page(documents, total)


def _places(listed: Listed, offset: int, limit: int) -> Iterator[tuple[PartRow, int, int]]:
    """(part, the first message of it that is wanted, how many)."""
    end = min(offset + limit, int(listed.before[-1]))
    at = int(np.searchsorted(listed.before, offset, side="right")) - 1
    while offset < end:
        count = min(end, int(listed.before[at + 1])) - offset
        if count > 0:
            yield listed.parts[at], offset - int(listed.before[at]), count
            offset += count
        at += 1


def _part_messages(
    house: House, part: PartRow, gone: Sequence[str], room_id: str | None, first: int, count: int
) -> list[Document]:
    path = house.objects.local_path(part.objects["messages"])
    live = np.ones(part.rows, np.bool_)
    live[_gone_rows(house, gone)] = False
    if room_id is not None:
        live &= (read_part(path, ("room",))["room"] == room_id).to_numpy()
    rows = np.flatnonzero(live)[first : first + count]
    frame = read_rows(path, rows)
    documents = frame.drop("key_hi", "key_lo", "entry", "position").rename({"room": "room_id", "user": "user_id"})
    found = documents.to_dicts()
    for name in ("reactions", "files", "mentions"):
        lists: list[list[Document]] = [[] for _ in found]
        if name in part.objects:
            for record in _belonging(house.objects.local_path(part.objects[name]), rows):
                at = int(np.searchsorted(rows, record.pop("at")))
                record.pop("original", None)
                lists[at].append(record)
        for document, own in zip(found, lists, strict=True):
            document[name] = own
    return found


def _belonging(path: Path, rows: Offsets) -> list[Document]:
    """The rows of a sub-table that belong to these messages."""
    at = read_part(path, ("at",))["at"].to_numpy().astype(np.int64)
    return read_rows(path, np.flatnonzero(np.isin(at, rows))).to_dicts()


def _render(connection: Connection, project_id: str, documents: Sequence[Document], to: str) -> None:
    users: set[str] = set()
    channels: set[str] = set()
    for document in documents:
        for kind, target in markup.mentions(document["text"] or "", document["format"] or "plain"):
            (users if kind == "user" else channels).add(target)
    by_id = chat.targets(connection, project_id, "user", users)
    shown = chat.names(connection, by_id.values())
    rooms_by_id = chat.targets(connection, project_id, "room", channels)
    room_names = chat.room_names(connection, rooms_by_id.values())
    names = markup.Names(
        {one: shown[id][0] for one, id in by_id.items() if id in shown},
        {one: room_names[id] for one, id in rooms_by_id.items() if room_names.get(id)},
    )
    for document in documents:
        with suppress(ValueError):  # a kind of text that this destination cannot be written from
            document["rendered"] = markup.render(document["text"] or "", document["format"] or "plain", to, names)
