"""What the child does for spreadsheets: the verbs of `line/sheet.py`, by their names. `douane check`'s own is in
`sheet_inspect.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import msgspec
import numpy as np
import polars as pl
from msgspec.structs import replace

from douane import encodings
from douane.child import sheet_replace
from douane.child.parts import write_part
from douane.child.sheet_rows import parse, told
from douane.child.sheet_table import Table
from douane.child.wire import Wire, source_of
from douane.line import sheet as line
from douane.line.paged import Blocks
from douane.line.sheet import (
    Added,
    Begun,
    Judged,
    Names,
    Opened,
    PackedRows,
    Settled,
    Staged,
    Taught,
    Through,
)
from douane.line.staged import Part
from douane.model.sheet_import import Summary
from douane.model.source import Source
from douane.sheet import feeding, formats, formatting, mapping, output, report, schemas
from douane.sheet.check import Checker
from douane.sheet.formats import Batch, Piece
from douane.sheet.learning import Learner
from douane.sheet.record_texts import PREVIEW_RECORDS, shown, texts_of
from douane.staging import checking, masks, rechecking
from douane.staging.parts import Rows, read_part, read_rows
from douane.staging.rechecking import Reviewed
from douane.staging.revisions import overlay
from douane.staging.turns import in_order

SCHEMA_BYTES_MAX = 10 << 20  # a larger file is no schema but a table

# Opening the file


def sheets(spec: line.SheetNames, folder: Path, wire: Wire) -> None:
    wire.send(Names(names=formats.sheet_names(source_of(spec), spec.options)))


def learn(spec: line.Learn, folder: Path, wire: Wire) -> None:
    source = source_of(spec)
    if (described := schemas.columns_of(_json_document(source))) is not None:
        wire.send(Taught(described=tuple(described)))
        return
    reader = formats.open_file(source, spec.options)
    header, width = reader.detected.header_row, reader.detected.width
    learner: Learner | None = None
    if header is None:
        learner = Learner(mapping.headings(None, width))
    at = 0
    for batch in in_order(reader.pieces(), parse):
        for record in texts_of(batch.frame, width):
            if learner is not None:
                learner.add(record)
            elif at == header:
                learner = Learner(mapping.headings(reader.detected.headings or record, width))
            at += 1
            if learner is not None and learner.full:
                break
        wire.progress("reading", batch.bytes_done, source.size, "bytes", at)
        if learner is not None and learner.full:
            break
    whole = learner is None or not learner.full
    columns, unnamed = (learner.learned(), learner.unnamed) if learner else ((), ())
    wire.send(Taught(columns=tuple(columns), whole=whole, unnamed=tuple(unnamed)))


def _json_document(source: Source) -> Any:
    """The file's one JSON object; None for any other file, and for one that is larger than schemas are."""
    if source.size > SCHEMA_BYTES_MAX:
        return None
    data = source.read(0, source.size).removeprefix(b"\xef\xbb\xbf").strip()
    if not data.startswith(b"{"):
        return None
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return None


# Reading


def read(spec: line.Read, folder: Path, wire: Wire) -> None:
    source = source_of(spec)
    reader = formats.open_file(source, spec.options)
    row = spec.row
    announced = spec.start.piece > 0

    def stage(piece: Piece) -> tuple[Part, Batch, list[list[str]]]:
        batch = piece.parse()
        path = folder / f"part-{piece.number:07}"
        write_part(batch.frame, path)
        preview = [] if announced else list(texts_of(batch.frame.head(PREVIEW_RECORDS), reader.detected.width))
        without = Batch(pl.DataFrame(), batch.blank, batch.next, batch.bytes_done, batch.facts)
        return Part(piece.number, 0, len(batch.frame), path), without, preview

    header = reader.detected.header_row
    first: list[list[str]] = []
    for part, batch, preview in in_order(reader.pieces(spec.start), stage):
        wire.send(
            Staged(
                part=replace(part, first_row=row),
                blank=batch.blank,
                next=batch.next,
                bytes_done=batch.bytes_done,
                facts=batch.facts,
            )
        )
        row += part.rows
        if not announced:
            first += preview
            if header is None or len(first) > header or row > PREVIEW_RECORDS:
                wire.send(Opened(detected=told(reader), records=shown(first)))
                announced = True
        wire.progress("reading", batch.bytes_done, source.size, "bytes", row)
    if not announced:
        wire.send(Opened(detected=told(reader), records=shown(first)))
    wire.send(Through(rows=row))


# Checking


def check(spec: line.Check, folder: Path, wire: Wire) -> None:
    table = Table(spec)
    checker = table.checker()
    wire.send(Begun(stamp=checker.stamp, words=checker.words))
    parts = [part for part in spec.parts if part.first_row >= 0]
    total = sum(part.rows for part in parts)
    held = {verdict.number: verdict for verdict in spec.held if spec.stamp == checker.stamp}
    checked = [held[part.number] for part in parts if part.number in held]
    done = sum(verdict.rows for verdict in checked)
    rest = [part for part in parts if part.number not in held]
    for verdict in checking.check_parts(checker, rest, spec.data_start, folder, table.cells, table.positions):
        checked.append(verdict)
        wire.send(Judged(verdict=verdict))
        done += verdict.rows
        wire.progress("checking", done, total, "rows", done)
    wire.progress("comparing", done, total, "rows", done, now=True)
    checked.sort(key=lambda verdict: verdict.number)
    if len(table.added):
        part, verdict = table.judge_added(checker, spec.added_number, folder)
        wire.send(Added(part=part))
        wire.send(Judged(verdict=verdict))
        parts.append(part)
        checked.append(verdict)
    settled = checking.settle(checker, parts, checked, folder, table.cells, table.positions)
    changed = {verdict.number: verdict for verdict in settled}
    for verdict in changed.values():
        # Its hashes are stored already: uniqueness changes masks only.
        wire.send(Judged(verdict=replace(verdict, hashes=None, sparse={})))
    checked = [changed.get(verdict.number, verdict) for verdict in checked]
    for packed in checking.pack_sparse(parts, checked, folder):
        wire.send(PackedRows(packed=packed))
    wire.send(_settled(checker, table.summary(checker, parts, checked)))


def recheck(spec: line.Recheck, folder: Path, wire: Wire) -> None:
    """Rows that people added become one new part."""
    table = Table(spec)
    checker = table.checker()
    previous = {verdict.number: verdict for verdict in spec.previous}
    parts = [part for part in spec.parts if part.first_row >= 0]
    checked = [previous[part.number] for part in parts]
    added_before = [previous[part.number] for part in spec.parts if part.first_row < 0]
    old_hashes = [
        np.array(masks.read_hashes(verdict.hashes, len(checker.unique)))
        for verdict in added_before
        if verdict.hashes is not None
    ]
    if len(table.added) or added_before:
        part, verdict = table.judge_added(checker, spec.added_number, folder)
        wire.send(Added(part=part))
        parts.append(part)
        checked.append(verdict)
    rows = np.setdiff1d(read_part(spec.changed)["row"].to_numpy(), table.added)
    reviewed = Reviewed(parts, checked, table.cells, table.positions)
    judged = rechecking.recheck(checker, reviewed, rows, folder, old_hashes)
    changed = {verdict.number: verdict for verdict in judged}
    for verdict in changed.values():
        wire.send(Judged(verdict=verdict))
    checked = [changed.get(verdict.number, verdict) for verdict in checked]
    wire.send(_settled(checker, table.summary(checker, parts, checked)))


def _settled(checker: Checker, summary: Summary) -> Settled:
    rules = tuple((rule.column, rule.name) for rule in checker.rules)
    return Settled(stamp=checker.stamp, words=checker.words, rules=rules, summary=summary)


# A whole view, encoded


def encode(spec: line.Encode, folder: Path, out: BinaryIO) -> None:
    table = Table(spec)
    form = output.Output(table.template, table.layout)
    if spec.feeding is not None:
        _feed(spec, spec.feeding, table, form, folder, out)
        return
    checker = Checker(table.template, table.layout, seed=spec.seed) if spec.faults else None

    def some(only: Sequence[str] | None = None) -> Iterator[output.Some]:
        for one in _taken(spec, table, only):
            if checker is None:
                yield one.some
                continue
            words = np.array(one.mask.words[one.at])
            if spec.made is not None:
                words = report.todays_words(words, spec.made.rules, checker)
            yield output.Some(report.Faults.with_words(one.some.rows(), words))

    beside = None if checker is None else report.Faults(checker, form.fields)
    encodings.member(spec.format).encode(output.Whole(form, some, beside), folder, out)


def _feed(
    spec: line.Encode, asked: line.Feeding, table: Table, form: output.Output, folder: Path, out: BinaryIO
) -> None:
    def pieces() -> Iterator[feeding.Placed]:
        for one in _taken(spec, table):
            yield feeding.placed(one.some, one.rows, one.mask.state[one.at] == masks.FORGOTTEN)

    fed = feeding.Fed(
        form,
        table.template,
        asked.operation_id,
        pieces,
        record_format=None if asked.record_format is None else formatting.decoded(asked.record_format),
        only=asked.only,
        exact=asked.exact,
    )
    encode = encodings.member(spec.format).encode
    if spec.page is None:
        encode(fed, folder, out)
        return
    blocks = Blocks(out)
    for page in feeding.in_pages(pieces(), spec.page):
        encode(fed.page(page), folder, cast(BinaryIO, blocks))
        blocks.end()


class _Taken(NamedTuple):
    """Rows of one part: where they stand in it, and their numbers."""

    some: output.Some
    mask: masks.Mask
    at: Rows
    rows: Rows


def _taken(spec: line.Encode, table: Table, only: Sequence[str] | None = None) -> Iterator[_Taken]:
    """The rows that leave, part by part, with what people changed; of their columns those of `only`, if any."""
    before, left = 0, spec.count
    for part, mask_path in zip(spec.parts, spec.masks, strict=True):
        mask = masks.read_mask(mask_path)
        offsets = masks.view_offsets(mask.state, spec.view)
        here, before = offsets[max(0, spec.offset - before) :], before + len(offsets)
        if left is not None:
            here = here[:left]
            left -= len(here)
        if len(here) == 0:
            continue
        if part.first_row < 0:
            frame = read_rows(part.path, here)
            rows = frame["_row"].to_numpy()
        else:
            frame = read_part(part.path, only and ["_line", *only])
            rows = here + part.first_row
            if not table.cells:
                yield _Taken(output.Some(frame, here), mask, here, rows)  # who makes lines need not take them out
                continue
            frame = frame[here]
        yield _Taken(output.Some(overlay(frame, rows, table.cells, table.positions)), mask, here, rows)


SPECS = tuple(kind for kind in line.SPECS if kind not in (line.Inspect, line.Rows, line.Explain, *line.WORKBOOKS))
VERBS: dict[str, Callable[[Any, Path, Wire], None]] = {
    "learn": learn,
    "sheets": sheets,
    "read": read,
    "check": check,
    "recheck": recheck,
    "replace": sheet_replace.replace,
}
STREAMING: dict[str, Callable[[Any, Path, BinaryIO], None]] = {"encode": encode}
