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

from douane.chat import markup
from douane.flow.chat.messages import (
    Document,
    Listed,
    Offsets,
    Page,
    documents,
    live_rows,
    names_for,
    parts_of,
    spans,
)
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
_TOKENS = "slack_mrkdwn"  # the one form of text that has ids where names are shown


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

    def matches(frame: pl.DataFrame, _: Connection) -> pl.Series:
        return frame["id"].is_in(wanted) & frame["ts_us"].is_between(least, most)

    return _matching(house, project_id, room_id, ("id",), matches, Shown(limit=len(ids) + 1, render=_RENDERED))


def search(house: House, project_id: str, room_id: str, text: str, *, offset: int = 0, limit: int = 20) -> Page:
    """The messages of a room that have this text in whatever case, or show it: who is mentioned has a name. Newest
    first."""

    def matches(frame: pl.DataFrame, connection: Connection) -> pl.Series:
        named = _with_names(connection, project_id, frame["text"])
        return frame.select(_has(text))["text"] | named.to_frame().select(_has(text))["text"]

    return _matching(house, project_id, room_id, ("text",), matches, Shown(offset, limit, _RENDERED))


def replies(house: House, project_id: str, room_id: str, root: str, *, offset: int = 0, limit: int = 50) -> Page:
    """The messages of a thread but the first, which is `root`; oldest first."""

    def matches(frame: pl.DataFrame, _: Connection) -> pl.Series:
        return frame.select((pl.col("thread") == root) & (pl.col("id") != root)).to_series()

    shown = Shown(offset, limit, _RENDERED)
    return _matching(house, project_id, room_id, ("id", "thread"), matches, shown, ascending=True)


def pinned(house: House, project_id: str, room_id: str, *, offset: int = 0, limit: int = 50) -> Page:
    """The messages of a room that somebody pinned, newest first."""
    shown = Shown(offset, limit, _RENDERED)
    return _matching(house, project_id, room_id, ("pinned",), lambda frame, _: frame["pinned"], shown)


def changed(house: House, project_id: str, room_id: str, since_us: int, *, limit: int = 50) -> Page:
    """The messages of a room that were written, or edited, after a time; newest first."""

    def matches(frame: pl.DataFrame, _: Connection) -> pl.Series:
        return frame.select(pl.max_horizontal("ts_us", "edited_us") > since_us).to_series()

    return _matching(house, project_id, room_id, ("edited_us",), matches, Shown(0, limit, _RENDERED))


def mentioning(
    house: House, project_id: str, room_id: str, import_ids: Sequence[str], *, offset: int = 0, limit: int = 50
) -> Page:
    """The messages of a room that mention a user, who has these foreign ids; newest first."""
    wanted = pl.Series(list(import_ids), dtype=pl.String).implode()

    def of_part(part: PartRow) -> pl.DataFrame:
        mentions = read_part(house.objects.local_path(part.objects["mentions"]), ("at", "kind", "target"))
        return mentions.filter((pl.col("kind") == "user") & pl.col("target").is_in(wanted))

    with read(house.engine) as connection:
        listed = parts_of(house, connection, project_id, None, room_id)
        found: list[_Found] = []
        for place, part in enumerate(listed.parts):
            if "mentions" in part.objects:
                named = of_part(part)["at"].to_numpy().astype(np.int64)
                rows = np.intersect1d(live_rows(house, listed, part, room_id), named)
                found.append(_at(house, listed, place, rows))
        whole = _joined(found).ordered(False)
        page = _documents(house, connection, project_id, listed, whole.cut(Shown(offset, limit)), _RENDERED)
        return Page(page, len(whole.rows))


def files(house: House, project_id: str, room_id: str, *, offset: int = 0, limit: int = 50) -> Page:
    """The files of a room's messages, those of the newest message first: columns of `tables.TABLES["files"]`, and
    {message_id, room_id, user_id, username, name_of_user, ts_us}."""
    with read(house.engine) as connection:
        listed = parts_of(house, connection, project_id, None, room_id)
        found: list[_Found] = []
        for place, part in enumerate(listed.parts):
            if "files" in part.objects:
                named = read_part(house.objects.local_path(part.objects["files"]), ("at",))["at"].to_numpy()
                live = live_rows(house, listed, part, room_id)
                found.append(_at(house, listed, place, named[np.isin(named, live)].astype(np.int64)))
        whole = _joined(found).ordered(False)
        # A message stands as often as it has files. Those of the page are one run of it.
        page = whole.cut(Shown(offset, limit))
        same = (whole.at[:offset] == page.at[:1]) & (whole.rows[:offset] == page.rows[:1])
        before = int(same.sum())
        each = np.unique(np.stack([page.at, page.rows]), axis=1)
        messages = _Found(each[0], each[1], np.zeros(each.shape[1], np.int64))
        shown = _documents(house, connection, project_id, listed, messages, None)
        by_place = {(int(at), int(row)): one for at, row, one in zip(*each, shown, strict=True)}
        taken: list[Document] = []
        for at, row in dict.fromkeys(zip(page.at.tolist(), page.rows.tolist(), strict=True)):
            message = by_place[at, row]
            about = {"message_id": message["id"], "name_of_user": message["name"]}
            about |= {name: message[name] for name in ("room_id", "user_id", "username", "ts_us")}
            taken += [{**one, **about} for one in message["files"]]
        return Page(taken[before : before + limit], len(whole.rows))


def _at(house: House, listed: Listed, place: int, rows: Offsets) -> _Found:
    part = listed.parts[place]
    times = read_part(house.objects.local_path(part.objects["messages"]), ("ts_us",))["ts_us"]
    return _Found(np.full(len(rows), place, np.int64), rows, times.fill_null(0).to_numpy()[rows])


def _has(text: str) -> pl.Expr:
    """Whether a message's text has this one, as it stands or as it is shown: an export writes `&amp;` for `&`."""
    own, wanted = pl.col("text").str.to_lowercase(), text.lower()
    plain = own.str.replace_many(["&lt;", "&gt;", "&amp;"], ["<", ">", "&"])
    return own.str.contains(wanted, literal=True) | plain.str.contains(wanted, literal=True)


def _with_names(connection: Connection, project_id: str, texts: pl.Series) -> pl.Series:
    """Texts with the names that mentions are shown by, in place of ids."""
    tokens = texts.str.extract_all(r"<[@#][^<>]+>").explode().drop_nulls().unique().to_list()
    names = names_for(connection, project_id, [(token, _TOKENS) for token in tokens])
    return texts.str.replace_many(tokens, [markup.render(token, _TOKENS, _RENDERED, names) for token in tokens])


def _matching(
    house: House,
    project_id: str,
    room_id: str | None,
    columns: Sequence[str],
    matches: Callable[[pl.DataFrame, Connection], pl.Series],
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
            here = matches(frame, connection).fill_null(False).to_numpy()
            times = frame["ts_us"].fill_null(0).to_numpy()[here]
            found.append(_Found(np.full(int(here.sum()), place, np.int64), rows[here], times))
        whole = _joined(found).ordered(ascending)
        page = _documents(house, connection, project_id, listed, whole.cut(shown), shown.render)
        return Page(page, len(whole.rows))


@dataclass(frozen=True, slots=True)
class Threads:
    """Which threads are meant: those whose first message has `text` in it; those in which something was written, or
    whose first message was edited, after a time."""

    text: str = ""
    since_us: int | None = None


def threads(
    house: House, project_id: str, room_id: str, which: Threads = Threads(), *, offset: int = 0, limit: int = 50
) -> Page:
    """The messages of a room that others reply to, the thread with the newest reply first."""
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
        if which.text:
            roots = roots.filter(_has(which.text))
        roots = roots.join(replied, left_on="id", right_on="thread", how="left")
        newest = pl.max_horizontal("newest", "last_reply_us", "ts_us").fill_null(0)
        roots = roots.with_columns(newest.alias("newest"))
        if which.since_us is not None:
            roots = roots.filter(pl.max_horizontal("newest", "edited_us") > which.since_us)
        found = _Found(roots["at"].to_numpy(), roots["row"].to_numpy(), roots["newest"].to_numpy()).ordered(False)
        page = found.cut(Shown(offset, limit))
        return Page(_documents(house, connection, project_id, listed, page, _RENDERED), len(roots))


_OF_THREADS = ("id", "thread", "ts_us", "edited_us", "replies", "last_reply_us", "text")
_THREADS = {
    "id": pl.String(),
    "thread": pl.String(),
    "ts_us": pl.Int64(),
    "edited_us": pl.Int64(),
    "replies": pl.Int64(),
    "last_reply_us": pl.Int64(),
    "text": pl.String(),
    "at": pl.Int64(),
    "row": pl.Int64(),
}
