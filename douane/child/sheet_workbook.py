"""What the child does for workbooks that people mend: makes one, says whose one is, and finds what one changes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import polars as pl
from msgspec.structs import replace

from douane.child.sheet_table import Table
from douane.child.wire import FileSource, Wire, source_of
from douane.errors import BadFile
from douane.line import sheet as line
from douane.line.sheet import Compared, Differing, Identified
from douane.model.reading import Options
from douane.sheet import annotated, formats, output, returned
from douane.sheet.annotated import Annotated, Chunk, Identity, Rows
from douane.sheet.check import Checker
from douane.sheet.formats import Piece, Reader
from douane.sheet.formats.facts import NO_RESULT, Facts
from douane.sheet.record_texts import texts_of
from douane.sheet.returned import CHANGED, FOREIGN, Difference, Returned
from douane.staging import masks
from douane.staging.live import Live, LivePart
from douane.staging.masks import GONE
from douane.staging.parts import distinct, read_rows
from douane.staging.revisions import DELETED, RECORD, deleted_rows, overlay, write_cells
from douane.staging.turns import in_order

CHUNK_ROWS = 8192  # of a part that becomes text at once: a row of XML is many times its cells
SAMPLE = 10
_COPY_BYTES = 1 << 20


def annotate(spec: line.Annotate, folder: Path, out: BinaryIO) -> None:
    table = Table(spec)
    checker = Checker(table.template, table.layout, seed=spec.seed)
    form = output.Output(table.template, table.layout)
    identity = Identity(spec.operation, spec.revision, spec.whole, spec.total)
    made = Annotated(table.template, form, checker, identity, spec.file_name)
    if spec.format == "csv":
        made.csv(_chunks(spec, table), out)
        return
    path = folder / "annotated.xlsx"
    with path.open("w+b") as file:
        made.write(_chunks(spec, table), file)
        file.seek(0)
        shutil.copyfileobj(file, out, _COPY_BYTES)


def _chunks(spec: line.Annotate, table: Table) -> Iterator[Chunk]:
    for part, mask_path in zip(spec.parts, spec.masks, strict=True):
        mask = masks.read_mask(mask_path)
        offsets = np.flatnonzero(mask.state != GONE)
        for start in range(0, len(offsets), CHUNK_ROWS):
            some = offsets[start : start + CHUNK_ROWS]
            frame = read_rows(part.path, some)
            if part.first_row < 0:
                rows: Rows = frame["_row"].to_numpy()
            else:
                rows = some + part.first_row
                frame = overlay(frame, rows, table.cells, table.positions)
            yield Chunk(rows, frame, np.array(mask.words[some]))


# What came back


def compare(spec: line.Compare, folder: Path, wire: Wire) -> None:
    source = source_of(spec)
    reader, identity, heading, column = _opened(source, spec.options)
    if (identity.operation, identity.revision) != (spec.operation, spec.revision):
        wire.send(Identified(operation=identity.operation, revision=identity.revision))
        return
    table = Table(spec)
    standing = _Standing(spec, table)
    form = output.Output(table.template, table.layout)
    assert reader.first is not None
    headings, read_as = reader.first.rows[heading], reader.detected.format
    taken = Returned(table.template, form, spec.operation, headings, column, format=read_as)
    facts, at = Facts(), 0
    for batch in in_order(reader.pieces(), lambda piece: piece.parse()):
        frame = batch.frame[max(0, heading + 1 - at) :] if at <= heading else batch.frame
        at += len(batch.frame)
        facts.add(tuple(fact for fact in batch.facts if fact.code == NO_RESULT))
        taken.take(frame, standing.known, standing.base)
        wire.progress("reading", batch.bytes_done, source.size, "bytes", at)
    for fact in facts.all():
        where = ", ".join(f"{number:,}" for number in fact.lines[:5])
        many = "1 formula has" if fact.count == 1 else f"{fact.count:,} formulas have"
        raise BadFile(
            f"{many} no result (row{'s' * (len(fact.lines) > 1)} {where}). Open the workbook in a sheet program, save "
            "it, and send it again. Nothing was changed.",
            code=CHANGED,
        )
    difference = taken.difference(standing.base)
    missing, untold = _missing(source, spec.options, identity, difference, standing)
    wire.send(_compared(difference, missing, untold, folder))


def _opened(source: FileSource, options: Options) -> tuple[Reader, Identity, int, int]:
    """(the sheet of the records; what it belongs to; the record of its headings; the column of its identities)."""
    options = replace(options, header=None, hidden=True)
    names = formats.sheet_names(source, options)
    # The records' own sheet first, wherever it stands now.
    for name in sorted(names, key=lambda name: name != annotated.SHEET) or (None,):
        try:
            reader = formats.open_file(source, replace(options, sheet=name))
        except BadFile as error:
            if error.code != "file_empty" or len(names) < 2:
                raise
            continue
        found = None if reader.first is None else returned.identity_of(reader.first.rows)
        if found is not None:
            return reader, *found
    raise BadFile(
        "This is no workbook of an import, or its hidden column A is gone: nothing says what it belongs to.",
        code=FOREIGN,
    )


class _Standing:
    """The records as they stood when the workbook was made."""

    def __init__(self, spec: line.Compare, table: Table) -> None:
        parts = [
            LivePart(part.first_row, part.rows, part.path.name, "", None) for part in spec.parts if part.first_row >= 0
        ]
        paths = {part.path.name: part.path for part in spec.parts}
        checker = Checker(table.template, table.layout, seed=spec.seed)
        self._live = Live(checker, parts, table.positions, spec.data_start, paths.__getitem__)
        self._live.lay(table.cells)

    def known(self, rows: Rows) -> np.typing.NDArray[np.bool_]:
        places = self._live.places(rows)
        of_file = (places >= 0) & (places < self._live.rows_of_file)
        return (places >= 0) & ~(of_file & deleted_rows(rows, self._live.cells))

    def base(self, rows: Rows) -> pl.DataFrame:
        return self._live.read(self._live.places(rows))

    def all(self) -> Rows:
        rows: Rows = np.arange(self._live.first_data_row, self._live.rows_of_file)
        rows = np.concatenate([rows, self._live.added])
        return np.sort(rows[self.known(rows)])


def _missing(
    source: FileSource, options: Options, identity: Identity, difference: Difference, standing: _Standing
) -> tuple[Rows, int]:
    """(the records that it had and has no more; how many more there are of which nothing says which)."""
    expected = standing.all() if identity.whole else _listed(source, options, identity)
    if expected is None:
        return np.zeros(0, np.int64), max(0, identity.rows - len(difference.seen))
    # Both have each once: to find that out would cost more than the rest of it.
    gone = np.setdiff1d(distinct(expected), difference.seen, assume_unique=True)
    return gone[standing.known(gone)], 0


def _listed(source: FileSource, options: Options, identity: Identity) -> Rows | None:
    """The records that a workbook of some says it had."""
    try:
        reader = formats.open_file(source, replace(options, sheet=annotated.ROWS, header=None, hidden=True))
    except BadFile:
        return None
    texts = [
        record[0]
        for batch in in_order(reader.pieces(), _parse)
        for record in texts_of(batch.frame, reader.detected.width)
        if record
    ]
    if not texts or Identity.read(texts[0]) != identity:
        return None
    rows = annotated.read_ranges(texts[1:], identity.rows)
    return rows if rows is not None and len(rows) == identity.rows else None


def _parse(piece: Piece) -> Any:
    return piece.parse()


def _compared(difference: Difference, missing: Rows, untold: int, folder: Path) -> Compared:
    cells = difference.cells
    gone = pl.DataFrame({"row": missing}, schema={"row": pl.Int64}).select(
        "row", pl.lit(RECORD).alias("key"), pl.lit(DELETED).alias("text")
    )
    layer = pl.concat([cells.select("row", "key", "text"), gone]).sort("row", maintain_order=True)
    path = folder / "changes"
    write_cells(layer, path)
    counted = cells.group_by("key", maintain_order=True).len()
    return Compared(
        path=path,
        rows=len(difference.seen),
        cells=len(cells),
        records=cells["row"].n_unique() if len(cells) else 0,
        missing=len(missing),
        untold=untold,
        spoilt=difference.spoilt,
        columns=dict(counted.iter_rows()),
        sample=tuple(
            Differing(row, line, key, before, text)
            for row, key, text, before, line in cells.head(SAMPLE)
            .select("row", "key", "text", "before", "line")
            .iter_rows()
        ),
    )


SPECS = line.WORKBOOKS
VERBS: dict[str, Callable[[Any, Path, Wire], None]] = {"compare": compare}
STREAMING: dict[str, Callable[[Any, Path, BinaryIO], None]] = {"annotate": annotate}
