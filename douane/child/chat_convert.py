"""What the child does for `douane chat convert`: an export -> files of other programs.

chat_convert  source_fd, importer or null, options, to (ndjson, parquet, mattermost), users, channels, team
              -> overview, progress*, converted {report}; the files and report.json in the folder

The export is staged first, in parts beside what is made of it: who wrote where must be known before the first line is
written, and a conversation's messages may stand anywhere in the archive.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from douane.archive import Archive, open_archive
from douane.chat import mattermost, tables
from douane.chat.importers import Reader
from douane.chat.mattermost import Selection
from douane.chat.tables import TABLES
from douane.chat.tally import Tally
from douane.child.chat_inspect import Watched, opened, options_of
from douane.child.wire import Wire, source_of
from douane.errors import BadFile, BadRequest
from douane.staging.parts import read_part, write_part

SMALL = ("users", "channels", "members")
OF_MESSAGES = ("reactions", "files", "mentions", "edits")
PARTS_HELD = 4
BODIES = "bulk-export-attachments"  # as Mattermost's own tools call it
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


@dataclass(frozen=True, slots=True)
class Staged:
    """An export on disk: the numbers of its parts, and those tables whole of which every part speaks."""

    folder: Path
    parts: dict[str, list[int]]
    whole: dict[str, pl.DataFrame]
    counts: dict[str, Any]

    def part(self, table: str, number: int) -> pl.DataFrame:
        if number not in self.parts.get(table, ()):
            return tables.frame(table, {})
        return read_part(self.folder / f"{table}-{number:07}")


def convert(spec: dict[str, Any], folder: Path, wire: Wire) -> None:
    source = Watched(source_of(spec), wire)
    reader = opened(spec, source, wire)
    work = folder / ".staged"
    work.mkdir()
    staged = _stage(reader, work, source)
    source.quiet = True
    selection = _selection(staged, spec.get("users"), spec.get("channels"))
    report: dict[str, Any] = {"importer": reader.overview.importer, "to": spec["to"], "found": staged.counts}
    if spec["to"] == "mattermost":
        archive = open_archive(source, options_of(spec).limits) if source.read(0, 4).startswith(_ZIP) else None
        team = spec.get("team") or "imported"
        report |= _to_mattermost(staged, selection, reader.overview.importer, team, archive, folder, wire)
    else:
        report |= {"kept": _to_tables(staged, selection, spec["to"], folder, wire), "changed": [], "lost": []}
    shutil.rmtree(work)
    (folder / "report.json").write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    wire.send("converted", report=report)


def _stage(reader: Reader, work: Path, source: Watched) -> Staged:
    tally = Tally()
    parts: dict[str, list[int]] = {}
    for batch in reader.batches():
        for table, frame in batch.tables.items():
            write_part(frame, work / f"{table}-{batch.number:07}")
            parts.setdefault(table, []).append(batch.number)
        tally.add(batch.tables)
        source.rows += len(batch.tables.get("messages", ()))
    counts = tally.counts()
    staged = Staged(
        work,
        parts,
        {},
        {"tables": counts.tables, "entries": counts.entries, "reasons": counts.reasons, "issues": counts.issues},
    )
    for table in SMALL:
        frames = [staged.part(table, number) for number in parts.get(table, ())]
        staged.whole[table] = pl.concat([tables.frame(table, {}), *frames])
    return staged


# Who and what was selected


def _selection(staged: Staged, users: Sequence[str] | None, channels: Sequence[str] | None) -> Selection:
    """Ids and names as a person types them -> ids. BadRequest names those that nobody has."""
    people = staged.whole["users"].select("id", "ids", "username", "name", "display_name", "emails").iter_rows()
    rooms = staged.whole["channels"].select("id", "ids", "name").iter_rows()
    return Selection(
        None if not users else _found("user", users, "@", _named(people)),
        None if not channels else _found("channel", channels, "#~", _named(rooms)),
    )


def _named(rows: Iterator[tuple[Any, ...]]) -> dict[str, set[str]]:
    """Lower-case name -> all import ids of those that bear it. The first two values of a row are the ids."""
    names: dict[str, set[str]] = {}
    for row in rows:
        ids = {row[0], *(row[1] or ())}
        for value in row:
            for name in value if isinstance(value, list) else [value]:
                if name:
                    names.setdefault(name.lower(), set()).update(ids)
    return names


def _found(kind: str, wanted: Sequence[str], signs: str, names: Mapping[str, set[str]]) -> frozenset[str]:
    def ids_of(name: str) -> set[str]:
        return names.get(name.lower()) or names.get(name.lstrip(signs).lower()) or set()

    found: set[str] = set()
    unknown = []
    for name in wanted:
        several = [ids_of(part.strip()) for part in name.split(",")]
        if ids := ids_of(name) or (set().union(*several) if all(several) else set()):
            found |= ids
        else:
            unknown.append(name)
    if unknown:
        raise BadRequest(f"The export has no {kind} {', '.join(repr(name[:100]) for name in unknown[:10])}.")
    return frozenset(found)


def _selected(messages: pl.DataFrame, selection: Selection) -> pl.DataFrame:
    if selection.channels is not None:
        messages = messages.filter(pl.col("channel").is_in(list(selection.channels)))
    if selection.users is not None:
        messages = messages.filter(pl.col("author").is_in(list(selection.users)))
    return messages


# Tables: NDJSON and Parquet


def _to_tables(staged: Staged, selection: Selection, form: str, folder: Path, wire: Wire) -> dict[str, int]:
    """One file per table; rows of messages' sub-tables name their message instead of its place. Answers rows per
    table."""
    kept: dict[str, int] = {}
    for number, table in enumerate(TABLES):
        frames = _selected_parts(staged, table, selection)
        path = folder / f"{table}.{form}"
        kept[table] = _write_ndjson(frames, path) if form == "ndjson" else _write_parquet(frames, path)
        wire.progress("writing", number + 1, len(TABLES), "tables", 0, now=True)
    return kept


def _selected_parts(staged: Staged, table: str, selection: Selection) -> Iterator[pl.DataFrame]:
    """The table's parts, at least an empty one."""
    for number in staged.parts.get(table) or [-1]:
        frame = staged.part(table, number)
        if table == "messages":
            frame = _selected(frame, selection)
        elif table in OF_MESSAGES:
            messages = staged.part("messages", number).select(pl.col("id").alias("message"), "channel", "author")
            chosen = _selected(messages.with_row_index("at"), selection).select("at", "message")
            frame = frame.join(chosen, on="at", how="inner", maintain_order="left")
            frame = frame.select("message", pl.exclude("at", "message"))
        elif table == "users" and selection.users is not None:
            frame = frame.filter(pl.col("id").is_in(list(selection.users)))
        elif table == "channels" and selection.channels is not None:
            frame = frame.filter(pl.col("id").is_in(list(selection.channels)))
        elif table == "members":
            if selection.channels is not None:
                frame = frame.filter(pl.col("channel").is_in(list(selection.channels)))
            if selection.users is not None:
                frame = frame.filter(pl.col("user").is_in(list(selection.users)))
        yield frame


def _write_ndjson(frames: Iterator[pl.DataFrame], path: Path) -> int:
    rows = 0
    with path.open("wb") as file:
        for frame in frames:
            rows += len(frame)
            # More than a reader that takes numbers for floats can tell apart.
            keys = [name for name in ("key_hi", "key_lo") if name in frame.columns]
            if len(frame):
                frame.with_columns(pl.col(keys).cast(pl.String)).write_ndjson(file)
    return rows


def _write_parquet(frames: Iterator[pl.DataFrame], path: Path) -> int:
    """Through parts on disk, which Polars then streams into one file."""
    parts = []
    rows = 0
    for number, frame in enumerate(frames):
        parts.append(path.with_suffix(f".{number:07}"))
        write_part(frame, parts[-1])
        rows += len(frame)
    pl.scan_ipc(parts).sink_parquet(path, compression="zstd", maintain_order=True)
    for part in parts:
        part.unlink()
    return rows


# Mattermost


def _to_mattermost(
    staged: Staged,
    selection: Selection,
    importer: str,
    team: str,
    archive: Archive | None,
    folder: Path,
    wire: Wire,
) -> dict[str, Any]:
    authors, where = _authors(staged, selection)
    members = staged.whole["members"]
    if selection.channels is not None:
        members = members.filter(pl.col("channel").is_in(list(selection.channels)))
    writer = mattermost.Writer(
        staged.whole["users"],
        staged.whole["channels"],
        members,
        authors,
        team=team,
        format="slack_mrkdwn" if importer == "slack" else "plain",
        extract=_extractor(archive, folder),
        selection=selection,
    )
    total = staged.counts["tables"].get("messages", 0)
    done = 0
    held = _Held(staged)
    with (folder / "import.jsonl").open("wb") as file:
        file.writelines(line + b"\n" for line in writer.head())
        direct = False
        for conversation in writer.conversations:
            if writer.is_direct(conversation) and not direct:
                direct = True
                file.writelines(line + b"\n" for line in writer.direct())
            frames = held.conversation(conversation, where)
            file.writelines(line + b"\n" for line in writer.posts(conversation, *frames))
            done += len(frames[0])
            wire.progress("writing", done, total, "rows", done)
    writer.lost["contacts"] += staged.counts["tables"].get("contacts", 0)
    writer.lost["emoji_images"] += staged.counts["tables"].get("emoji", 0)
    writer.lost["edits"] += staged.counts["tables"].get("edits", 0)
    return {"kept": dict(+writer.kept), **{kind: _said(kind, getattr(writer, kind)) for kind in ("changed", "lost")}}


def _said(kind: str, counts: Mapping[str, int]) -> list[dict[str, Any]]:
    return [
        {"code": code, "count": counts[code], "says": says}
        for code, says in mattermost.SAYS[kind].items()
        if counts.get(code)
    ]


def _authors(staged: Staged, selection: Selection) -> tuple[pl.DataFrame, dict[str, list[int]]]:
    """Who wrote where and when last; and in which parts each conversation stands."""
    pairs: list[pl.DataFrame] = []
    where: dict[str, list[int]] = {}
    for number in staged.parts.get("messages", ()):
        path = staged.folder / f"messages-{number:07}"
        frame = read_part(path, ("channel", "author", "ts_us"))
        found = _selected(frame, selection).group_by("channel", "author", maintain_order=True)
        pairs.append(found.agg(pl.col("ts_us").max().alias("last_us")))
        for channel in frame["channel"].unique().to_list():
            where.setdefault(channel, []).append(number)
    empty = pl.DataFrame(schema={"channel": pl.String, "author": pl.String, "last_us": pl.Int64})
    whole = pl.concat([empty, *pairs]).group_by("channel", "author", maintain_order=True)
    return whole.agg(pl.col("last_us").max()), where


class _Held:
    """The parts at hand, split by conversation: neighbours in the archive stand in the same few parts."""

    def __init__(self, staged: Staged) -> None:
        self._staged = staged
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
            pl.concat([tables.frame("messages", {}).with_columns(row), *found["messages"]]),
            pl.concat([tables.frame("reactions", {}), *found["reactions"]]),
            pl.concat([tables.frame("files", {}), *found["files"]]),
        )

    def _rows(self, number: int) -> int:
        return sum(len(frame) for frame in self._part(number)["messages"].values())

    def _part(self, number: int) -> dict[str, dict[Any, pl.DataFrame]]:
        if number not in self._parts:
            if len(self._parts) >= PARTS_HELD:
                del self._parts[next(iter(self._parts))]
            messages = self._staged.part("messages", number)
            channels = messages["channel"]
            split = {"messages": messages.with_columns(pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"))}
            for table in ("reactions", "files"):
                frame = self._staged.part(table, number)
                split[table] = frame.with_columns(channels.gather(frame["at"]).alias("channel"))
            self._parts[number] = {
                table: {
                    key: part if table == "messages" else part.drop("channel")
                    for key, part in frame.partition_by("channel", as_dict=True, maintain_order=True).items()
                }
                for table, frame in split.items()
            }
        return self._parts[number]


def _extractor(archive: Archive | None, folder: Path) -> Callable[[int, str], str | None]:
    """Writes a file's body under data/, once, and answers its path within that folder, where Mattermost looks for it.
    The name in the archive is no part of any path."""
    made: dict[int, str | None] = {}

    def extract(number: int, name: str) -> str | None:
        if number not in made:
            made[number] = _extract(archive, number, name, folder)
        return made[number]

    return extract


def _extract(archive: Archive | None, number: int, name: str, folder: Path) -> str | None:
    if archive is None or not 0 <= number < len(archive):
        return None
    fit = _UNFIT.sub("_", name).strip("._")[-100:] or "file"
    path = folder / "data" / BODIES / f"{number:07}-{fit}"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("wb") as file:
            for block in archive.open(archive.entry(number)):
                file.write(block)
    except BadFile:
        path.unlink(missing_ok=True)
        return None
    return f"{BODIES}/{path.name}"


VERBS: dict[str, Callable[[dict[str, Any], Path, Wire], None]] = {"chat_convert": convert}
STREAMING: dict[str, Callable[[dict[str, Any], Path, BinaryIO], None]] = {}
