"""What the child does for `douane rows`: a file as it is read, with no template."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from msgspec.structs import replace

from douane.child.wire import Wire, source_of
from douane.line import sheet as line
from douane.line.sheet import Explained
from douane.model.reading import Detected
from douane.sheet import formats
from douane.sheet.formats import Batch, Piece, Reader
from douane.sheet.formats.facts import Facts, cut_off
from douane.sheet.record_texts import PREVIEW_RECORDS, csv_lines, json_lines, shown, texts_of
from douane.staging.turns import in_order


def explain(spec: line.Explain, folder: Path, wire: Wire) -> None:
    source = source_of(spec)
    reader = formats.open_file(source, spec.options)
    records = blank = 0
    facts = Facts()
    preview: list[list[str]] = []
    for batch in in_order(reader.pieces(), parse):
        if len(preview) < PREVIEW_RECORDS:
            preview += texts_of(batch.frame.head(PREVIEW_RECORDS - len(preview)), reader.detected.width)
        records += len(batch.frame)
        blank += batch.blank
        facts.add(batch.facts)
        wire.progress("reading", batch.bytes_done, source.size, "bytes", records)
    facts.add(cut_off(records, blank))
    start = reader.detected.header_row
    rows = records if start is None else max(0, records - start - 1)
    wire.send(Explained(detected=told(reader), rows=rows, blank=blank, records=shown(preview), facts=facts.all()))


def told(reader: Reader) -> Detected:
    """What was detected, with headings as they are shown."""
    found = reader.detected
    return replace(found, headings=shown([list(found.headings)])[0] if found.headings else ())


def parse(piece: Piece) -> Batch:
    return piece.parse()


def rows(spec: line.Rows, folder: Path, out: BinaryIO) -> None:
    reader = formats.open_file(source_of(spec), spec.options)
    width = reader.detected.width
    encode = csv_lines if spec.format == "csv" else json_lines
    for block in in_order(reader.pieces(), lambda piece: encode(texts_of(piece.parse().frame, width))):
        out.write(block)


SPECS = (line.Rows, line.Explain)
VERBS: dict[str, Callable[[Any, Path, Wire], None]] = {"explain": explain}
STREAMING: dict[str, Callable[[Any, Path, BinaryIO], None]] = {"rows": rows}
