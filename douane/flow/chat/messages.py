"""Messages of a workspace, as programs pull them: of all rooms, of one, or of one import; each as its newest state.

A page costs the same at any depth.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl
from sqlalchemy import Connection

from douane.chat import markup
from douane.chat.tables import fitted, handed_out
from douane.chat.tokens import without_in
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
    count = spans(house, part).get(room_id, (0, 0, 0))[0]
    if count and gone:
        column = read_part(house.objects.local_path(part.objects["messages"]), ("room",))["room"]
        count -= int((column.gather(_gone_rows(house, gone)) == room_id).sum())
    return count


def spans(house: House, part: PartRow) -> Mapping[str, tuple[int, int, int]]:
    """Room -> (rows, time of the first, of the last), of all rows that the part ever had."""

    def rooms() -> dict[str, tuple[int, int, int]]:
        frame = pl.read_ipc(house.objects.local_path(part.objects["rooms"]))
        return {room: tuple(rest) for room, *rest in frame.select("room", "rows", "first_us", "last_us").iter_rows()}

    found: Mapping[str, tuple[int, int, int]] = _kept.get(part.objects["rooms"], rooms)
    return found


def _gone_rows(house: House, objects: Sequence[str]) -> Offsets:
    def offsets(name: str) -> Offsets:
        found: Offsets = pl.read_ipc(house.objects.local_path(name))["at"].to_numpy().astype(np.int64)
        return found

    return np.concatenate([_NO_ROWS, *(_kept.get(name, partial(offsets, name)) for name in objects)])


def live_rows(house: House, listed: Listed, part: PartRow, room_id: str | None) -> Offsets:
    """The rows of a part that nobody replaced, of one room or of all."""
    live = np.ones(part.rows, np.bool_)
    live[_gone_rows(house, listed.gone.get(part.number, []))] = False
    if room_id is not None:
        path = house.objects.local_path(part.objects["messages"])
        live &= (read_part(path, ("room",))["room"] == room_id).to_numpy()
    return np.flatnonzero(live)


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
    """In the order they were imported. The columns of `tables.TABLES["messages"]` without keys and places, and
    `room_id`, `user_id`, `username`, `name`, `reactions`, `files`, `mentions` as lists of documents; `edits`: what
    edits and deletions that the export retains say of it; `repliers`: ids of the users who replied to it.
    `operation_id`: those that it brought and nobody replaced. `render`: a dialect of `markup.render` (rocketchat,
    markdown ...), in which `rendered` is given too."""
    with read(house.engine) as connection:
        listed = parts_of(house, connection, project_id, operation_id, room_id)
        places = [
            (part, live_rows(house, listed, part, room_id)[first : first + count])
            for part, first, count in _places(listed, (page - 1) * limit, limit)
        ]
        return Page(documents(house, connection, project_id, places, render), int(listed.before[-1]))


def documents(
    house: House,
    connection: Connection,
    project_id: str,
    places: Sequence[tuple[PartRow, Offsets]],
    render: str | None = None,
) -> list[Document]:
    """These rows of these parts, as `messages` gives them; rows of a part ascend."""
    found = [document for part, rows in places for document in _part_messages(house, part, rows)]
    names = chat.names(connection, [document["user_id"] for document in found])
    for document in found:
        document["username"], document["name"] = names.get(document["user_id"], ("", ""))
    _tell_of(house, connection, project_id, found)
    if render is not None:
        _render(connection, project_id, found, render)
    return found


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


def _part_messages(house: House, part: PartRow, rows: Offsets) -> list[Document]:
    frame = without_in(handed_out("messages", read_rows(house.objects.local_path(part.objects["messages"]), rows)))
    found = (
        frame.drop("key_hi", "key_lo", "entry", "position").rename({"room": "room_id", "user": "user_id"}).to_dicts()
    )
    for name in ("reactions", "files", "mentions"):
        lists: list[list[Document]] = [[] for _ in found]
        if name in part.objects:
            for record in _belonging(house.objects.local_path(part.objects[name]), rows):
                at = int(np.searchsorted(rows, record.pop("at")))
                lists[at].append(record)
        for document, own in zip(found, lists, strict=True):
            document[name] = own
    return found


def _belonging(path: Path, rows: Offsets) -> list[Document]:
    """The rows of a sub-table that belong to these messages."""
    at = read_part(path, ("at",))["at"].to_numpy().astype(np.int64)
    return without_in(read_rows(path, np.flatnonzero(np.isin(at, rows)))).to_dicts()


# What other messages say of one


def _tell_of(house: House, connection: Connection, project_id: str, found: Sequence[Document]) -> None:
    """`edits` and `repliers` of each message."""
    rooms = {document["room_id"] for document in found}
    roots = {document["id"]: document["ts_us"] or 0 for document in found if document["thread"] == document["id"]}
    edits: dict[str, list[Document]] = {}
    repliers: dict[str, dict[str, None]] = {}
    ids = pl.Series([document["id"] for document in found], dtype=pl.String).implode()
    for part in chat.parts(connection, project_id) if found else ():
        if rooms.isdisjoint(spans(house, part)):
            continue
        if "edits" in part.objects:
            frame = fitted("edits", read_part(house.objects.local_path(part.objects["edits"])))
            for record in frame.filter(pl.col("target").is_in(ids)).drop("at").to_dicts():
                edits.setdefault(record.pop("target"), []).append(record)
        if roots and part.last_us is not None and part.last_us >= min(roots.values()):
            index = _replies(house, part)
            for root in roots.keys() & index.keys():
                repliers.setdefault(root, {}).update(dict.fromkeys(index[root]))
    for document in found:
        own = edits.get(document["id"], [])
        document["edits"] = [one for at, one in enumerate(own) if one not in own[:at]]
        document["repliers"] = list(repliers.get(document["id"], ()))


def edits(house: House, project_id: str, operation_id: str | None, room_id: str | None) -> Iterator[pl.DataFrame]:
    """The retained edits, a part at a time, with the `room` of their message."""
    with read(house.engine) as connection:
        listed = parts_of(house, connection, project_id, operation_id, room_id)
    for part in listed.parts:
        if "edits" not in part.objects:
            continue
        rooms = read_part(house.objects.local_path(part.objects["messages"]), ("room",)).with_row_index("at")
        live = pl.Series(live_rows(house, listed, part, room_id)).implode()
        frame = fitted("edits", read_part(house.objects.local_path(part.objects["edits"])))
        found = frame.filter(pl.col("at").is_in(live)).join(rooms, on="at", how="left", maintain_order="left")
        yield without_in(found.drop("at").unique(maintain_order=True))


def _replies(house: House, part: PartRow) -> Mapping[str, tuple[str, ...]]:
    """Root of a thread -> who replied to it in this part."""

    def index() -> dict[str, tuple[str, ...]]:
        frame = read_part(house.objects.local_path(part.objects["messages"]), ("id", "thread", "user"))
        replies = frame.filter(pl.col("thread").is_not_null() & (pl.col("thread") != pl.col("id")))
        users = replies.group_by("thread", maintain_order=True).agg(pl.col("user").unique(maintain_order=True))
        return {root: tuple(found) for root, found in users.iter_rows()}

    found: Mapping[str, tuple[str, ...]] = _kept.get(part.objects["messages"] + " replies", index)
    return found


# Texts as a destination shows them

_SHOWN_OF_CARDS = ("pretext", "title", "text", "fallback", "footer")


def _render(connection: Connection, project_id: str, found: Sequence[Document], to: str) -> None:
    cards = [_cards(document["attachments"]) for document in found]
    texts = [
        (text or "", document["format"] or "plain")
        for document, own in zip(found, cards, strict=True)
        for text in (document["text"], *(text for card in own for text in _texts_of(card)))
    ]
    names = names_for(connection, project_id, texts)
    for document, own in zip(found, cards, strict=True):

        def rendered(text: str, format: str = document["format"] or "plain") -> str:
            return markup.render(text, format, to, names)

        with suppress(ValueError):  # a kind of text that this destination cannot be written from
            document["rendered"] = rendered(document["text"] or "")
            document["cards"] = [_rendered_card(card, rendered) for card in own]


def names_for(connection: Connection, project_id: str, texts: Iterable[tuple[str, str]]) -> markup.Names:
    """What the people and rooms are called that these (text, format) speak of."""
    users: set[str] = set()
    channels: set[str] = set()
    for text, format in texts:
        for kind, target in markup.mentions(text, format):
            (users if kind == "user" else channels).add(target)
    by_id = chat.targets(connection, project_id, "user", users)
    shown = chat.names(connection, by_id.values())
    rooms_by_id = chat.targets(connection, project_id, "room", channels)
    room_names = chat.room_names(connection, rooms_by_id.values())
    return markup.Names(
        {one: shown[id][0] for one, id in by_id.items() if id in shown},
        {one: room_names[id] for one, id in rooms_by_id.items() if room_names.get(id)},
    )


def _cards(attachments: str | None) -> list[Document]:
    """None where there are none that a program holds: numbers out of all bounds would keep a whole page from view."""
    with suppress(msgspec.DecodeError, RecursionError):
        found = msgspec.json.decode(attachments) if attachments else None
        if isinstance(found, list):
            return [card for card in found if isinstance(card, dict)]
    return []


def _texts_of(card: Document) -> Iterator[str]:
    yield from (card[name] for name in _SHOWN_OF_CARDS if isinstance(card.get(name), str))
    for field in card.get("fields") if isinstance(card.get("fields"), list) else ():  # type: ignore[union-attr]
        if isinstance(field, dict):
            yield from (field[name] for name in ("title", "value") if isinstance(field.get(name), str))


def _rendered_card(card: Document, rendered: Callable[[str], str]) -> Document:
    """The card with its texts as those of a message (contract 5.2, step 6)."""
    shown = {
        name: rendered(value) if name in _SHOWN_OF_CARDS and isinstance(value, str) else value
        for name, value in card.items()
    }
    if isinstance(card.get("fields"), list):
        shown["fields"] = [
            {
                name: rendered(value) if name in ("title", "value") and isinstance(value, str) else value
                for name, value in field.items()
            }
            if isinstance(field, dict)
            else field
            for field in card["fields"]
        ]
    return shown
