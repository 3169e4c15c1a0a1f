"""What the child does for `douane chat convert`: an export -> files of other programs.

The export is staged first, in parts beside what is made of it; a writer of the shelf makes the files.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from douane.archive_packed import Entries
from douane.chat import importers, tables
from douane.chat.importers import Options, Reader
from douane.chat.tally import Tally
from douane.chat.writers import Out, Selection, Wanted, writer
from douane.child.chat_inspect import Watched, opened
from douane.child.wire import Wire, source_of
from douane.errors import BadFile, BadRequest
from douane.line.chat_export import CONVERT, ChatConvert, Converted
from douane.staging.parts import read_part, write_part

SMALL = ("users", "channels", "members")


@dataclass(frozen=True, slots=True)
class Staged:
    """An export on disk, as `chat.writers.Export` has it."""

    importer: str
    folder: Path
    numbers: dict[str, list[int]]
    whole: dict[str, pl.DataFrame]
    counts: dict[str, Any]

    def parts(self, table: str) -> Sequence[int]:
        return self.numbers.get(table, ())

    def part(self, table: str, number: int, columns: Sequence[str] | None = None) -> pl.DataFrame:
        if number not in self.parts(table):
            empty = tables.frame(table, {})
            return empty if columns is None else empty.select(columns)
        return read_part(self.folder / f"{table}-{number:07}", columns)


def convert(spec: ChatConvert, folder: Path, wire: Wire) -> None:
    write = writer(spec.to)
    source = Watched(source_of(spec), wire)
    upload = importers.uploaded(source, Options(limits=spec.limits))
    reader = opened(spec, upload, wire)
    work = folder / ".staged"
    work.mkdir()
    staged = _stage(reader, work, source)
    source.quiet = True
    wanted = Wanted(_selection(staged, spec.users, spec.channels), spec.team or "imported")

    def progress(done: int, total: int, unit: str, rows: int) -> None:
        wire.progress("writing", done, total, unit, rows, now=unit == "tables")

    out = Out(folder, _bodies(upload.entries if upload.packed else None, work, staged), progress)
    written = write(staged, wanted, out)
    report = {"importer": staged.importer, "to": spec.to, "found": staged.counts, **asdict(written)}
    shutil.rmtree(work)
    (folder / "report.json").write_text(json.dumps(report, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    wire.send(Converted(report=report))


def _stage(reader: Reader, work: Path, source: Watched) -> Staged:
    tally = Tally()
    parts: dict[str, list[int]] = {}
    for batch in reader.batches():
        for table, frame in batch.tables.items():
            write_part(frame, work / f"{table}-{batch.number:07}")
            parts.setdefault(table, []).append(batch.number)
        tally.add(batch.tables)
        source.rows += len(batch.tables.get("messages", ()))
    counts = asdict(tally.counts())
    found = {name: counts[name] for name in ("tables", "entries", "reasons", "issues")}
    staged = Staged(reader.overview.importer, work, parts, {}, found)
    for table in SMALL:
        frames = [staged.part(table, number) for number in parts.get(table, ())]
        staged.whole[table] = pl.concat([tables.frame(table, {}), *frames])
    return staged


def _bodies(archive: Entries | None, work: Path, staged: Staged) -> Callable[[int, Path], str | None]:
    """What writes the bytes of an archive's entry to a path, or answers why it cannot. A compressed tar is read
    forwards only, so all bodies that the export speaks of are laid out first, in its order."""
    ahead: set[int] = set()
    if archive is not None and archive.forwards:
        for number in staged.parts("files"):
            ahead.update(staged.part("files", number, ("body_entry",))["body_entry"].drop_nulls().to_list())
        for entry in sorted(ahead):
            _write(archive, entry, work / f"body-{entry}")

    def written(entry: int, path: Path) -> str | None:
        laid = work / f"body-{entry}"
        if entry in ahead and laid.exists():
            laid.rename(path)
            return None
        return _write(archive, entry, path)

    return written


def _write(archive: Entries | None, entry: int, path: Path) -> str | None:
    if archive is None or not 0 <= entry < len(archive):
        return "It is not in the archive."
    try:
        with path.open("wb") as file:
            for block in archive.open(archive.entry(entry)):
                file.write(block)
    except BadFile as error:
        path.unlink(missing_ok=True)
        return error.message
    return None


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


SPECS = CONVERT
VERBS: dict[str, Callable[[Any, Path, Wire], None]] = {"chat_convert": convert}
STREAMING: dict[str, Callable[[Any, Path, BinaryIO], None]] = {}
