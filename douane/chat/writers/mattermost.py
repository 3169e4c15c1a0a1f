"""Mattermost's bulk import: `import.jsonl`, and bodies of files under `data/`. `mattermost_lines.py` makes lines.

Who wrote where must be known before the first line is written, and a conversation's messages may stand in any part; so
the parts are gone through twice, the second time conversation by conversation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from douane.chat.bodies import HEAD_BYTES, is_page
from douane.chat.tables import frame as frame_of
from douane.chat.writers import Export, Out, Report, Selection, Wanted
from douane.chat.writers.mattermost_lines import SAYS, Content, Manner, Writer
from douane.chat.writers.rows import selected

PARTS_HELD = 4
BODIES = "bulk-export-attachments"  # as Mattermost's own tools call it
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")


def write(export: Export, wanted: Wanted, out: Out) -> Report:
    """`import.jsonl`, and the bodies of files under `data/`."""
    selection = wanted.selection
    authors, where = _authors(export, selection)
    members = export.whole["members"]
    if selection.channels is not None:
        members = members.filter(pl.col("channel").is_in(list(selection.channels)))
    bodies = _Bodies(out)
    format = "slack_mrkdwn" if export.importer == "slack" else "plain"
    writer = Writer(
        Content(export.whole["users"], export.whole["channels"], members, authors),
        Manner(wanted.team, format, bodies.path, selection),
    )
    tables = export.counts["tables"]
    done = 0
    held = _Held(export)
    with (out.folder / "import.jsonl").open("wb") as file:
        file.writelines(line + b"\n" for line in writer.head())
        direct = False
        for conversation in writer.conversations:
            if writer.is_direct(conversation) and not direct:
                direct = True
                file.writelines(line + b"\n" for line in writer.direct())
            frames = held.conversation(conversation, where)
            file.writelines(line + b"\n" for line in writer.posts(conversation, *frames))
            done += len(frames[0])
            out.progress(done, tables.get("messages", 0), "rows", done)
    writer.lost["page"] += bodies.pages
    for code, table in (("contacts", "contacts"), ("emoji_images", "emoji"), ("edits", "edits")):
        writer.lost[code] += tables.get(table, 0)
    return Report(dict(+writer.kept), _said("changed", writer.changed), _said("lost", writer.lost))


def _said(kind: str, counts: Mapping[str, int]) -> list[dict[str, Any]]:
    return [
        {"code": code, "count": counts[code], "says": says} for code, says in SAYS[kind].items() if counts.get(code)
    ]


def _authors(export: Export, selection: Selection) -> tuple[pl.DataFrame, dict[str, list[int]]]:
    """Who wrote where and when last; and in which parts each conversation stands."""
    pairs: list[pl.DataFrame] = []
    where: dict[str, list[int]] = {}
    for number in export.parts("messages"):
        frame = export.part("messages", number, ("channel", "author", "ts_us"))
        found = selected(frame, selection).group_by("channel", "author", maintain_order=True)
        pairs.append(found.agg(pl.col("ts_us").max().alias("last_us")))
        for channel in frame["channel"].unique().to_list():
            where.setdefault(channel, []).append(number)
    empty = pl.DataFrame(schema={"channel": pl.String, "author": pl.String, "last_us": pl.Int64})
    whole = pl.concat([empty, *pairs]).group_by("channel", "author", maintain_order=True)
    return whole.agg(pl.col("last_us").max()), where


class _Held:
    """The parts at hand, split by conversation: neighbours in the archive stand in the same few parts."""

    def __init__(self, export: Export) -> None:
        self._export = export
        self._parts: dict[int, dict[str, dict[Any, pl.DataFrame]]] = {}

    def conversation(
        self, channels: Sequence[str], where: Mapping[str, Sequence[int]]
    ) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        """(messages with `row`, reactions, files), whose `at` means that row."""
        found: dict[str, list[pl.DataFrame]] = {"messages": [], "reactions": [], "files": []}
        start = 0
        for channel in channels:
            for number in where.get(channel, ()):
                split = self._part(number)
                for table, frames in found.items():
                    frame = split[table].get((channel,))
                    if frame is not None:
                        at = "row" if table == "messages" else "at"
                        frames.append(frame.with_columns((pl.col(at) + start).cast(pl.UInt32)))
                start += self._rows(number)
        row = pl.Series("row", [], dtype=pl.UInt32)
        return (
            pl.concat([frame_of("messages", {}).with_columns(row), *found["messages"]]),
            pl.concat([frame_of("reactions", {}), *found["reactions"]]),
            pl.concat([frame_of("files", {}), *found["files"]]),
        )

    def _rows(self, number: int) -> int:
        return sum(len(frame) for frame in self._part(number)["messages"].values())

    def _part(self, number: int) -> dict[str, dict[Any, pl.DataFrame]]:
        if number not in self._parts:
            if len(self._parts) >= PARTS_HELD:
                del self._parts[next(iter(self._parts))]
            messages = self._export.part("messages", number)
            channels = messages["channel"]
            split = {"messages": messages.with_columns(pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"))}
            for table in ("reactions", "files"):
                frame = self._export.part(table, number)
                split[table] = frame.with_columns(channels.gather(frame["at"]).alias("channel"))
            self._parts[number] = {
                table: {
                    key: part if table == "messages" else part.drop("channel")
                    for key, part in frame.partition_by("channel", as_dict=True, maintain_order=True).items()
                }
                for table, frame in split.items()
            }
        return self._parts[number]


class _Bodies:
    """Writes files' bodies under data/, each once, and answers their paths within that folder, where Mattermost looks
    for them. The name in the archive is no part of any path. `pages`: how many were a web page in their place."""

    def __init__(self, out: Out) -> None:
        self._out = out
        self._made: dict[int, str | None] = {}
        self.pages = 0

    def path(self, entry: int, name: str, media_type: str | None) -> str | None:
        if entry not in self._made:
            self._made[entry] = self._written(entry, name, media_type)
        return self._made[entry]

    def _written(self, entry: int, name: str, media_type: str | None) -> str | None:
        fit = _UNFIT.sub("_", name).strip("._")[-100:] or "file"
        path = self._out.folder / "data" / BODIES / f"{entry:07}-{fit}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if self._out.body(entry, path) is not None:
            return None
        if is_page(_head(path), media_type, name):
            path.unlink()
            self.pages += 1
            return None
        return f"{BODIES}/{path.name}"


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)
