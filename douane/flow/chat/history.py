"""Messages of a workspace by what they are: by time, by id, by a word, by thread.

A list in the order of time is put together from the parts that may hold it, the likeliest first, and no more are looked
into than it takes; words and threads are looked for in the whole of a room.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from sqlalchemy import Connection

from douane.flow.chat.messages import Document, Listed, Offsets, Page, documents, live_rows, parts_of, spans
from douane.flow.house import House
from douane.staging.parts import read_part
from douane.store.chat import PartRow
from douane.store.database import read

_LEAST, _MOST = -(1 << 62), 1 << 62


@dataclass(frozen=True, slots=True)
class Window:
    """Which messages, and in which order: those between two times (both open, unless `inclusive`), newest first or
    oldest first. None: no such bound."""

    latest_us: int | None = None
    oldest_us: int | None = None
    inclusive: bool = False
    ascending: bool = False

    def bounds(self) -> tuple[int, int]:
        """The first and the last microsecond that are in it."""
        edge = 0 if self.inclusive else 1
        least = _LEAST if self.oldest_us is None else self.oldest_us + edge
        return least, _MOST if self.latest_us is None else self.latest_us - edge


@dataclass(frozen=True, slots=True)
class Shown:
    """A page of what is found; `render` as `messages.messages` takes it."""

    offset: int = 0
    limit: int = 50
    render: str | None = None


_RENDERED = "rocketchat"


@dataclass(frozen=True, slots=True)
class _Found:
    """Messages of some parts, by row: `at` is the part's place in the list."""

    at: Offsets
    rows: Offsets
    times: Offsets

    def ordered(self, ascending: bool) -> _Found:
        """Of equal times those imported first come first where the oldest do."""
        order = np.lexsort((self.rows, self.at, self.times))
        order = order if ascending else order[::-1]
        return _Found(self.at[order], self.rows[order], self.times[order])

    def cut(self, shown: Shown) -> _Found:
        page = slice(shown.offset, shown.offset + shown.limit)
        return _Found(self.at[page], self.rows[page], self.times[page])


def history(
    house: House,
    project_id: str,
    window: Window,
    *,
    room_id: str | None = None,
    operation_id: str | None = None,
    shown: Shown = Shown(),
) -> Page:
    """In the order of time; documents as `messages.messages` gives them."""
    with read(house.engine) as connection:
        listed = parts_of(house, connection, project_id, operation_id, room_id)
        found, total = _in_window(house, listed, room_id, window, shown.offset + shown.limit)
        return Page(_documents(house, connection, project_id, listed, found.cut(shown), shown.render), total)


def _in_window(house: House, listed: Listed, room_id: str | None, window: Window, wanted: int) -> tuple[_Found, int]:
    """The first so many of a window in its order, and how many it has."""
    least, most = window.bounds()
    ends: list[tuple[int, int, int]] = []  # (last or first time, place, messages)
    for place, part in enumerate(listed.parts):
        _, first, last = (0, part.first_us, part.last_us) if room_id is None else spans(house, part)[room_id]
        first, last = _LEAST if first is None else first, _MOST if last is None else last
        if first <= most and last >= least:
            whole = least <= first and last <= most
            count = int(listed.before[place + 1] - listed.before[place]) if whole else -1
            ends.append((first if window.ascending else -last, place, count))
    ends.sort()
    kept: list[_Found] = []
    total = gathered = 0
    for edge, place, count in ends:
        # Nothing of this part, nor of any behind it, comes before the ones that are wanted.
        if gathered >= wanted and count >= 0 and _before(kept, edge, window.ascending) >= wanted:
            total += count
            continue
        found = _rows_between(house, listed, place, room_id, least, most)
        kept.append(found)
        gathered += len(found.rows)
        total += len(found.rows)
    return _joined(kept).ordered(window.ascending), total


def _before(kept: Sequence[_Found], edge: int, ascending: bool) -> int:
    return sum(int(((found.times if ascending else -found.times) < edge).sum()) for found in kept)


def _rows_between(house: House, listed: Listed, place: int, room_id: str | None, least: int, most: int) -> _Found:
    part = listed.parts[place]
    rows = live_rows(house, listed, part, room_id)
    times = read_part(house.objects.local_path(part.objects["messages"]), ("ts_us",))["ts_us"]
    own = times.fill_null(0).to_numpy()[rows]
    inside = (own >= least) & (own <= most)
    return _Found(np.full(int(inside.sum()), place, np.int64), rows[inside], own[inside])


def _joined(found: Sequence[_Found]) -> _Found:
    none = np.zeros(0, np.int64)
    return _Found(
        np.concatenate([none, *(one.at for one in found)]),
        np.concatenate([none, *(one.rows for one in found)]),
        np.concatenate([none, *(one.times for one in found)]),
    )


def _documents(
    house: House,
    connection: Connection,
    project_id: str,
    listed: Listed,
    found: _Found,
    render: str | None,
) -> list[Document]:
    """What was found, in its order."""
    at, rows = found.at, found.rows
    places: list[tuple[PartRow, Offsets]] = []
    where: dict[tuple[int, int], int] = {}
    for place in np.unique(at):
        own = np.sort(rows[at == place])
        where |= {(int(place), int(row)): len(where) + number for number, row in enumerate(own)}
        places.append((listed.parts[int(place)], own))
    shown = documents(house, connection, project_id, places, render)
    return [shown[where[int(place), int(row)]] for place, row in zip(at, rows, strict=True)]


def by_ids(
    house: House, project_id: str, ids: Sequence[str], *, room_id: str | None = None, window: Window | None = None
) -> Page:
    """The messages with these ids, newest first."""
    wanted = pl.Series(list(ids), dtype=pl.String).implode()
    least, most = (window or Window()).bounds()

    def matches(frame: pl.DataFrame) -> pl.Series:
        return frame["id"].is_in(wanted) & frame["ts_us"].is_between(least, most)

    return _matching(house, project_id, room_id, ("id",), matches, Shown(limit=len(ids) + 1, render=_RENDERED))


def search(house: House, project_id: str, room_id: str, text: str, *, offset: int = 0, limit: int = 20) -> Page:
    """The messages of a room that have this text in whatever case, newest first."""

    def matches(frame: pl.DataFrame) -> pl.Series:
        return frame.select(_has(text))["text"]

    return _matching(house, project_id, room_id, ("text",), matches, Shown(offset, limit, _RENDERED))


def replies(house: House, project_id: str, room_id: str, root: str, *, offset: int = 0, limit: int = 50) -> Page:
    """The messages of a thread but the first, which is `root`; oldest first."""

    def matches(frame: pl.DataFrame) -> pl.Series:
        return frame.select((pl.col("thread") == root) & (pl.col("id") != root)).to_series()

    shown = Shown(offset, limit, _RENDERED)
    return _matching(house, project_id, room_id, ("id", "thread"), matches, shown, ascending=True)


def _has(text: str) -> pl.Expr:
    """Whether a message's text has this one, as it stands or as it is shown: an export writes `&amp;` for `&`."""
    own, wanted = pl.col("text").str.to_lowercase(), text.lower()
    plain = own.str.replace_many(["&lt;", "&gt;", "&amp;"], ["<", ">", "&"])
    return own.str.contains(wanted, literal=True) | plain.str.contains(wanted, literal=True)


def _matching(
    house: House,
    project_id: str,
    room_id: str | None,
    columns: Sequence[str],
    matches: Callable[[pl.DataFrame], pl.Series],
    shown: Shown,
    *,
    ascending: bool = False,
) -> Page:
    with read(house.engine) as connection:
        listed = parts_of(house, connection, project_id, None, room_id)
        found: list[_Found] = []
        for place, part in enumerate(listed.parts):
            rows = live_rows(house, listed, part, room_id)
            frame = read_part(house.objects.local_path(part.objects["messages"]), (*columns, "ts_us"))[rows]
            here = matches(frame).fill_null(False).to_numpy()
            times = frame["ts_us"].fill_null(0).to_numpy()[here]
            found.append(_Found(np.full(int(here.sum()), place, np.int64), rows[here], times))
        whole = _joined(found).ordered(ascending)
        page = _documents(house, connection, project_id, listed, whole.cut(shown), shown.render)
        return Page(page, len(whole.rows))


def threads(house: House, project_id: str, room_id: str, *, text: str = "", offset: int = 0, limit: int = 50) -> Page:
    """The messages of a room that others reply to, the thread with the newest reply first. `text`: what the first
    message of a thread has in it."""
    with read(house.engine) as connection:
        listed = parts_of(house, connection, project_id, None, room_id)
        frames = [pl.DataFrame(schema=_THREADS)]
        for place, part in enumerate(listed.parts):
            rows = live_rows(house, listed, part, room_id)
            frame = read_part(house.objects.local_path(part.objects["messages"]), _OF_THREADS)[rows]
            places = pl.lit(place, pl.Int64).alias("at"), pl.Series("row", rows, pl.Int64)
            frames.append(frame.with_columns(places).select(*_THREADS))
        whole = pl.concat(frames)
        replied = (
            whole.filter(pl.col("thread").is_not_null() & (pl.col("thread") != pl.col("id")))
            .group_by("thread")
            .agg(pl.col("ts_us").max().alias("newest"))
        )
        roots = whole.filter(pl.col("id").is_in(replied["thread"].implode()) | (pl.col("replies") > 0))
        roots = roots.filter(pl.col("thread").is_null() | (pl.col("thread") == pl.col("id")))
        if text:
            roots = roots.filter(_has(text))
        roots = roots.join(replied, left_on="id", right_on="thread", how="left")
        newest = pl.max_horizontal("newest", "last_reply_us", "ts_us").fill_null(0)
        roots = roots.with_columns(newest.alias("newest"))
        found = _Found(roots["at"].to_numpy(), roots["row"].to_numpy(), roots["newest"].to_numpy()).ordered(False)
        page = found.cut(Shown(offset, limit))
        return Page(_documents(house, connection, project_id, listed, page, _RENDERED), len(roots))


_OF_THREADS = ("id", "thread", "ts_us", "replies", "last_reply_us", "text")
_THREADS = {
    "id": pl.String(),
    "thread": pl.String(),
    "ts_us": pl.Int64(),
    "replies": pl.Int64(),
    "last_reply_us": pl.Int64(),
    "text": pl.String(),
    "at": pl.Int64(),
    "row": pl.Int64(),
}
