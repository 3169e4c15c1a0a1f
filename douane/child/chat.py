"""What the child does for chat exports.

chat_read    importer, source, options, start     -> overview, batch*, read {batches}
chat_check   parts, known                         -> mask*, part* (users that nobody listed, counts), checked
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from douane.chat import importers
from douane.chat.importers import Limits, Options, Position
from douane.child.wire import Wire, source_of
from douane.staging.parts import write_part


def _options(spec: dict[str, Any]) -> Options:
    given = dict(spec.get("options") or {})
    return Options(**{**given, "limits": Limits(**given.get("limits") or {})})


def read(spec: dict[str, Any], folder: Path, wire: Wire) -> None:
    """Stages an export batch by batch; goes on after `start` (a Position)."""
    source = source_of(spec)
    reader = importers.open_export(spec["importer"], source, _options(spec))
    overview = reader.overview
    wire.send(
        "overview",
        importer=overview.importer,
        layout=overview.layout,
        counts=dict(overview.counts),
        notes=list(overview.notes),
    )
    batches = 0
    for batch in reader.batches(Position(**spec.get("start") or {})):
        tables: dict[str, dict[str, Any]] = {}
        for table, frame in batch.tables.items():
            name = f"{table}-{batch.number:07}"
            write_part(frame, folder / name)
            tables[table] = {"file": name, "rows": len(frame)}
        wire.send_file(
            "batch",
            number=batch.number,
            tables=tables,
            next=asdict(batch.next),
            step=batch.step,
            label=batch.label,
            bytes_done=batch.bytes_done,
            bytes_total=reader.bytes_total,
        )
        batches = batch.number + 1
    wire.send("read", batches=batches)


VERBS: dict[str, Callable[[dict[str, Any], Path, Wire], None]] = {
    "chat_read": read,
}
STREAMING: dict[str, Callable[[dict[str, Any], Path, BinaryIO], None]] = {}
