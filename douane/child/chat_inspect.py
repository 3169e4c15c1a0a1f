"""What the child does for `douane chat`: looks through an export that no server has.

chat_inspect  source_fd, importer or null, options, stage, share [n, of how many] or none
              -> overview, progress*, inspected {tables, channels, years, subtypes, entries, reasons}; with `stage`,
              <table>/part-NNNNNNN.arrow in the folder and, instead of inspected, staged {sums, tables}
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from douane.chat import importers
from douane.chat.importers import Limits, Options, Position, Reader, Source
from douane.chat.tally import Tally
from douane.child.wire import Wire, source_of
from douane.staging.parts import write_part

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


def options_of(spec: dict[str, Any]) -> Options:
    given = dict(spec.get("options") or {})
    return Options(**{**given, "limits": Limits(**given.get("limits") or {})})


def opened(spec: dict[str, Any], source: Source, wire: Wire) -> Reader:
    """The export, with what its directory tells already sent. BadFile `export_unknown` where no importer knows it."""
    options = options_of(spec)
    upload = importers.uploaded(source, options)
    key = spec.get("importer") or importers.recognise(upload, options)
    if key is None:
        raise importers.unknown(upload)
    reader = importers.open_export(key, upload, options)
    wire.send("overview", **_plain(asdict(reader.overview)))
    return reader


def _plain(overview: dict[str, Any]) -> dict[str, Any]:
    return {**overview, "notes": list(overview["notes"])}


def inspect(spec: dict[str, Any], folder: Path, wire: Wire) -> None:
    source = Watched(source_of(spec), wire)
    reader = opened(spec, source, wire)
    if spec.get("stage"):
        share, of = spec.get("share") or (0, 1)
        _stage(reader, share, of, folder, wire)
    else:
        wire.send("inspected", **asdict(reader.counts()))


def _stage(reader: Reader, share: int, of: int, folder: Path, wire: Wire) -> None:
    """Writes every batch's tables, counting what is written. Readers that cannot be shared leave all to the first."""
    starts = reader.shares(of) if of > 1 and hasattr(reader, "shares") else [Position()]
    tally = Tally()
    tables: dict[str, list[dict[str, Any]]] = {}
    rows = 0
    for batch in reader.batches(starts[share]) if share < len(starts) else ():
        for table, frame in batch.tables.items():
            (folder / table).mkdir(exist_ok=True)
            name = f"{table}/part-{batch.number:07}.arrow"
            write_part(frame, folder / name)
            tables.setdefault(table, []).append({"file": name, "rows": len(frame)})
        tally.add(batch.tables)
        rows += len(batch.tables.get("messages", ()))
        wire.progress(batch.step, batch.bytes_done, reader.bytes_total, "bytes", rows)
    wire.send("staged", sums=asdict(tally.sums()), tables=tables)


VERBS: dict[str, Callable[[dict[str, Any], Path, Wire], None]] = {"chat_inspect": inspect}
STREAMING: dict[str, Callable[[dict[str, Any], Path, BinaryIO], None]] = {}
