"""What the child does for `douane chat inspect`: looks through an export that no server has. With `stage` its tables
are in the folder, a file a part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from msgspec import convert

from douane.chat import importers
from douane.chat.importers import Options, Position, Reader, Source
from douane.chat.tally import Tally
from douane.child.parts import write_part
from douane.child.wire import Wire, source_of
from douane.line.chat import Overview, StagedFile
from douane.line.chat_export import INSPECT, ChatConvert, ChatInspect, Counted, StagedExport, Sums
from douane.sheet import native

WATCHED_BYTES = 1 << 18


@dataclass(slots=True)
class Watched:
    """A source that reports how much of it was read: the only sign of life of a reader that merely counts. `rows`:
    messages so far, where they are known; `quiet`: something else reports now."""

    source: Source
    wire: Wire
    done: int = 0
    rows: int = 0
    quiet: bool = False
    next_said: int = 0

    @property
    def size(self) -> int:
        return self.source.size

    def read(self, offset: int, length: int) -> bytes:
        data = self.source.read(offset, length)
        # No lock: it would be taken for each of a million entries, and a few bytes that two threads lose do no harm.
        self.done += len(data)
        if self.done >= self.next_said:
            self.next_said = self.done + WATCHED_BYTES
            if not self.quiet:
                self.wire.progress("reading", min(self.done, self.size), self.size, "bytes", self.rows)
        return data


def opened(spec: ChatInspect | ChatConvert, source: Source, wire: Wire) -> Reader:
    """The export, with what its directory tells already sent. BadFile `export_unknown` where no importer knows it."""
    options = Options(limits=spec.limits)
    upload = importers.uploaded(source, options)
    key = spec.importer or importers.recognise(upload, options)
    if key is None:
        raise importers.unknown(upload)
    reader = importers.open_export(key, upload, options)
    found = reader.overview
    wire.send(
        Overview(importer=found.importer, layout=found.layout, counts=dict(found.counts), notes=tuple(found.notes))
    )
    return reader


def inspect(spec: ChatInspect, folder: Path, wire: Wire) -> None:
    source = Watched(source_of(spec), wire)
    reader = opened(spec, source, wire)
    if spec.stage:
        _stage(reader, spec.share, spec.of, folder, wire)
        return
    counts = asdict(reader.counts())
    wire.send(Counted(**{**counts, "issues": tuple(counts["issues"])}))


def _stage(reader: Reader, share: int, of: int, folder: Path, wire: Wire) -> None:
    """Writes every batch's tables, counting what is written. Readers that cannot be shared leave all to the first."""
    native.load()
    starts = reader.shares(of) if of > 1 and hasattr(reader, "shares") else [Position()]
    tally = Tally()
    tables: dict[str, list[StagedFile]] = {}
    rows = 0
    for batch in reader.batches(starts[share]) if share < len(starts) else ():
        for table, frame in batch.tables.items():
            path = folder / f"{table}~part-{batch.number:07}.arrow"
            write_part(frame, path)
            tables.setdefault(table, []).append(StagedFile(len(frame), path))
        tally.add(batch.tables)
        rows += len(batch.tables.get("messages", ()))
        wire.progress(batch.step, batch.bytes_done, reader.bytes_total, "bytes", rows)
    sums = convert(asdict(tally.sums()), Sums)
    wire.send(StagedExport(sums=sums, tables={table: tuple(parts) for table, parts in tables.items()}))


SPECS = INSPECT
VERBS: dict[str, Callable[[Any, Path, Wire], None]] = {"chat_inspect": inspect}
STREAMING: dict[str, Callable[[Any, Path, BinaryIO], None]] = {}
