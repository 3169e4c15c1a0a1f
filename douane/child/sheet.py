"""What the child does for spreadsheets: the verbs of `line/sheet.py`, by their names."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np
import polars as pl
from msgspec.structs import replace

from douane import encodings, errors
from douane.child.wire import Wire, source_of
from douane.line import sheet as line
from douane.line.sheet import (
    Added,
    Begun,
    Explained,
    Inspected,
    Judged,
    Mapped,
    Names,
    Opened,
    PackedRows,
    Records,
    Settled,
    Staged,
    Taught,
    Through,
)
from douane.line.staged import Checked, Part
from douane.model.reading import Detected
from douane.model.sheet_import import Summary, TemplateDocument
from douane.model.template import Template
from douane.sheet import columns, formats, mapping, output, report, template_file
from douane.sheet.check import Checker
from douane.sheet.formats import Batch, Piece, Reader
from douane.sheet.formats.facts import HIDDEN_ROWS, Facts, cut_off
from douane.sheet.learning import Learner
from douane.staging import checking, masks, rechecking
from douane.staging.masks import GONE, INVALID
from douane.staging.parts import read_part, read_rows, write_part
from douane.staging.revisions import Cells, added_frame, overlay

PREVIEW_RECORDS = 15
# What is shown of a cell before the mapping: a heading must be told from the others, a record seen at a glance.
SHOWN_CHARS, SHOWN_CHARS_MIN, SHOWN_CHARS_ALL = 1000, 16, 1_000_000


# Opening the file


def _records(frame: pl.DataFrame, width: int) -> Iterator[list[str]]:
    """The records of a frame as lists of text: absent cells at the end are left out, surplus ones added."""
    present = set(frame.columns)  # asked for once: a frame makes the list anew each time
    names = [f"c{at}" for at in range(width) if f"c{at}" in present]
    extra = frame["_extra"].to_list() if "_extra" in present else None
    for at, row in enumerate(frame.select(names).iter_rows()):
        cells = list(row)
        while cells and cells[-1] is None:
            cells.pop()
        texts = ["" if cell is None else cell for cell in cells]
        if extra is not None and extra[at] is not None:
            texts += [""] * (width - len(texts)) + json.loads(extra[at])
        yield texts


def explain(spec: line.Explain, folder: Path, wire: Wire) -> None:
    source = source_of(spec)
    reader = formats.open_file(source, spec.options)
    records = blank = 0
    facts = Facts()
    preview: list[list[str]] = []
    for batch in checking.in_order(reader.pieces(), _parse):
        if len(preview) < PREVIEW_RECORDS:
            preview += _records(batch.frame.head(PREVIEW_RECORDS - len(preview)), reader.detected.width)
        records += len(batch.frame)
        blank += batch.blank
        facts.add(batch.facts)
        wire.progress("reading", batch.bytes_done, source.size, "bytes", records)
    facts.add(cut_off(records, blank))
    start = reader.detected.header_row
    rows = records if start is None else max(0, records - start - 1)
    wire.send(Explained(detected=_told(reader), rows=rows, blank=blank, records=_shown(preview), facts=facts.all()))


def _told(reader: Reader) -> Detected:
    """What was detected, with headings as they are shown."""
    found = reader.detected
    return replace(found, headings=_shown([list(found.headings)])[0] if found.headings else ())


def _shown(records: Sequence[list[str]]) -> Records:
    """The first records, cut where their cells are so long or so many that nobody could look at them."""
    cells = sum(len(record) for record in records[:PREVIEW_RECORDS]) or 1
    most = max(SHOWN_CHARS_MIN, min(SHOWN_CHARS, SHOWN_CHARS_ALL // cells))
    return tuple(
        tuple(cell if len(cell) <= most else cell[: most - 1] + "…" for cell in record)
        for record in records[:PREVIEW_RECORDS]
    )


def _parse(piece: Piece) -> Batch:
    return piece.parse()


def rows(spec: line.Rows, folder: Path, out: BinaryIO) -> None:
    reader = formats.open_file(source_of(spec), spec.options)
    width = reader.detected.width
    encode = _csv_lines if spec.format == "csv" else _json_lines
    for block in checking.in_order(reader.pieces(), lambda piece: encode(_records(piece.parse().frame, width))):
        out.write(block)


def _json_lines(records: Iterator[list[str]]) -> bytes:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def _csv_lines(records: Iterator[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(records)
    return text.getvalue().encode()


def sheets(spec: line.SheetNames, folder: Path, wire: Wire) -> None:
    wire.send(Names(names=formats.sheet_names(source_of(spec), spec.options)))


def learn(spec: line.Learn, folder: Path, wire: Wire) -> None:
    source = source_of(spec)
    reader = formats.open_file(source, spec.options)
    header, width = reader.detected.header_row, reader.detected.width
    learner: Learner | None = None
    if header is None:
        learner = Learner(mapping.headings(None, width))
    at = 0
    for batch in checking.in_order(reader.pieces(), _parse):
        for record in _records(batch.frame, width):
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
    wire.send(Taught(columns=tuple(learner.learned()) if learner else (), whole=whole))


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
        preview = [] if announced else list(_records(batch.frame.head(PREVIEW_RECORDS), reader.detected.width))
        without = Batch(pl.DataFrame(), batch.blank, batch.next, batch.bytes_done, batch.facts)
        return Part(piece.number, 0, len(batch.frame), path), without, preview

    header = reader.detected.header_row
    first: list[list[str]] = []
    for part, batch, preview in checking.in_order(reader.pieces(spec.start), stage):
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
                wire.send(Opened(detected=_told(reader), records=_shown(first)))
                announced = True
        wire.progress("reading", batch.bytes_done, source.size, "bytes", row)
    if not announced:
        wire.send(Opened(detected=_told(reader), records=_shown(first)))
    wire.send(Through(rows=row))


# Checking


def template_of(document: TemplateDocument) -> Template:
    return template_file.read_template({"name": document.name, "columns": list(document.columns)})


class _Table:
    """A staged table as a verb sees it: its template laid out over its columns, and what people changed in it."""

    def __init__(self, spec: line.OfTable) -> None:
        self.template = template_of(spec.template)
        self.layout = mapping.layout(self.template, spec.headings, spec.chosen)
        self.positions = {
            key: at for key in self.layout.fields if key and (at := self.layout.position(key)) is not None
        }
        self.cells = Cells.open(spec.cells)
        self.added = self.cells.added()

    def judge_added(self, checker: Checker, number: int, folder: Path) -> tuple[Part, Checked]:
        frame = added_frame(self.added, self.cells, self.positions)
        path = folder / f"part-{number:07}"
        write_part(frame, path)
        return Part(number, -1, len(frame), path), checking.check_frame(checker, frame, number, 0, folder)

    def summary(self, checker: Checker, parts: Sequence[Part], checked: Sequence[Checked]) -> Summary:
        return tally(checker, parts, checked, self.cells, self.positions)


def check(spec: line.Check, folder: Path, wire: Wire) -> None:
    table = _Table(spec)
    checker = Checker(table.template, table.layout, seed=spec.seed)
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
    settled = checking.settle_uniqueness(checker, parts, checked, folder, table.cells, table.positions)
    changed = {verdict.number: verdict for verdict in settled}
    for verdict in changed.values():
        # Its hashes are stored already: uniqueness changes masks only.
        wire.send(Judged(verdict=replace(verdict, hashes=None, sparse={})))
    checked = [changed.get(verdict.number, verdict) for verdict in checked]
    for packed in checking.pack_sparse(parts, checked, folder):
        wire.send(PackedRows(packed=packed))
    wire.send(_settled(checker, table.summary(checker, parts, checked)))


def tally(
    checker: Checker,
    parts: Sequence[Part],
    checked: Sequence[Checked],
    cells: Cells,
    positions: dict[str, int],
    blank: int = 0,
) -> Summary:
    """The summary over all masks. Only parts that hold something wrong are opened, and only for the lines shown."""
    counted = report.Tally(checker.rules, checker.invalid_words)
    for part, verdict in zip(parts, checked, strict=True):
        mask = masks.read_mask(verdict.mask)
        kept = np.flatnonzero(mask.state != GONE)
        words = mask.words[kept]
        if not words.any():
            counted.add(words, np.zeros(len(kept), np.uint32), lambda at: ())
            continue
        lines = read_part(part.path, ["_line"])["_line"].to_numpy()[kept]

        def describe(at: int, part: Part = part, kept: Any = kept, words: Any = words) -> Sequence[Any]:
            frame = read_rows(part.path, kept[at : at + 1])
            if part.first_row >= 0:
                frame = overlay(frame, kept[at : at + 1] + part.first_row, cells, positions)
            return checker.problems(frame, words[at : at + 1])[0]

        counted.add(words, lines, describe)
    return counted.summary(blank=blank)


def recheck(spec: line.Recheck, folder: Path, wire: Wire) -> None:
    """Rows that people added become one new part."""
    table = _Table(spec)
    checker = Checker(table.template, table.layout, seed=spec.seed)
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
    judged = rechecking.recheck(checker, parts, checked, table.cells, rows, table.positions, folder, old_hashes)
    changed = {verdict.number: verdict for verdict in judged}
    for verdict in changed.values():
        wire.send(Judged(verdict=verdict))
    checked = [changed.get(verdict.number, verdict) for verdict in checked]
    wire.send(_settled(checker, table.summary(checker, parts, checked)))


def _nothing_mapped(template: Template, headings: Sequence[str]) -> str:
    def listed(names: Sequence[str]) -> str:
        shown = ", ".join(name if len(name) <= 60 else name[:59] + "…" for name in names[:8])
        return shown + (" …" if len(names) > 8 else "")

    return (
        "None of the file's headings is one of the template's columns, so nothing could be checked. The headings are: "
        f"{listed([text for text in headings if text])}. The columns are: "
        f"{listed([column.name for column in template.columns])}. A mapping (--mapping) can say which is which."
    )


def _settled(checker: Checker, summary: Summary) -> Settled:
    rules = tuple((rule.column, rule.name) for rule in checker.rules)
    return Settled(stamp=checker.stamp, words=checker.words, rules=rules, summary=summary)


# `douane check`: reading and checking fused


def inspect(spec: line.Inspect, folder: Path, wire: Wire) -> None:
    source, template = source_of(spec), template_of(spec.template)
    for number, column in enumerate(template.columns):
        columns.refuse_hopeless(column, f"columns[{number}]", strict=True)
    reader = formats.open_file(source, spec.options)
    header = reader.detected.header_row
    headings = mapping.headings(None if header is None else reader.detected.headings, reader.detected.width)
    chosen = _chosen(template, headings, spec.mapping or {})
    layout = mapping.layout(template, headings, chosen)
    used = {at for at in chosen if at is not None}
    if template.columns and not used:
        raise errors.BadFile(_nothing_mapped(template, headings), code="nothing_mapped")
    wire.send(
        Mapped(
            detected=reader.detected,
            headings=headings,
            mapping={
                column.key: None if at is None else headings[at]
                for column, at in zip(template.columns, chosen, strict=True)
            },
            unmapped=tuple(text for at, text in enumerate(headings) if at not in used),
            proposed=tuple(_proposed(template, headings, chosen)),
        )
    )
    checker = Checker(template, layout, seed=int.from_bytes(os.urandom(7)))
    data_start = 0 if header is None else header + 1
    kept: list[Part] = []
    checked: list[Checked] = []
    blank = row = 0
    facts = Facts()

    def judge(piece: Piece) -> tuple[Checked, Batch, Path]:
        number, batch = piece.number, piece.parse()
        path = folder / f"part-{number:07}"
        write_part(batch.frame, path)
        gone = data_start if number == 0 else 0
        verdict = checking.check_frame(checker, batch.frame, number, gone, folder)
        return verdict, Batch(pl.DataFrame(), batch.blank, batch.next, batch.bytes_done, batch.facts), path

    for verdict, batch, path in checking.in_order(reader.pieces(), judge):
        if 0 < row < data_start:
            # A preamble of giant records: the heading record stands in a later piece than the first.
            verdict = checking.check_frame(checker, read_part(path), verdict.number, data_start - row, folder)
        kept.append(Part(verdict.number, row, verdict.rows, path))
        checked.append(verdict)
        row += verdict.rows
        blank += batch.blank
        facts.add(batch.facts)
        wire.progress("checking", batch.bytes_done, source.size, "bytes", max(0, row - data_start))
    wire.progress("comparing", source.size, source.size, "bytes", max(0, row - data_start), now=True)
    changed = {v.number: v for v in checking.settle_uniqueness(checker, kept, checked, folder)}
    checked = [changed.get(v.number, v) for v in checked]
    if spec.stage:
        for _ in checking.pack_sparse(kept, checked, folder):
            pass
    summary = tally(checker, kept, checked, Cells(), {}, blank)
    facts.add(cut_off(row, blank))
    hidden = facts.count(HIDDEN_ROWS)
    summary = replace(summary, hidden=hidden, found=summary.found + hidden, facts=facts.all())
    if spec.report:
        wire.progress("reporting", source.size, source.size, "bytes", max(0, row - data_start), now=True)
        _write_reports(checker, output.Output(template, layout), layout, kept, checked, folder)
    if spec.stage:
        _write_manifest(folder, reader, template, headings, chosen, data_start, kept, checked, summary)
    wire.send(Inspected(summary=summary))


def _chosen(template: Template, headings: tuple[str, ...], given: Mapping[str, str | None]) -> tuple[int | None, ...]:
    chosen, faults = mapping.choose(template, headings, mapping.automatic(template, headings), given)
    for fault in faults:
        match fault.kind:
            case "unknown_column":
                raise errors.BadRequest(f"The mapping names a column the template does not have: {fault.key}.")
            case "unknown_heading":
                raise errors.BadRequest(
                    f"The mapping feeds {fault.key} from {fault.heading!r}, which the file does not have."
                )
            case "taken":
                raise errors.BadRequest(f"The mapping feeds both {fault.by} and {fault.key} from {fault.heading!r}.")
    return chosen


def _proposed(template: Template, headings: tuple[str, ...], chosen: tuple[int | None, ...]) -> Iterator[line.Proposed]:
    """What may feed the columns that nothing feeds."""
    used = {at for at in chosen if at is not None}
    for column, at, match in zip(template.columns, chosen, mapping.matches(template, headings), strict=True):
        if at is None and match is not None and match.at not in used:
            also = (match.at, *(other for other in match.also if other not in used))
            yield line.Proposed(column.key, tuple(headings[one] for one in also), round(match.certainty, 2))


def _write_reports(
    checker: Checker,
    form: output.Output,
    layout: mapping.Layout,
    parts: Sequence[Part],
    checked: Sequence[Checked],
    folder: Path,
) -> None:
    """valid.csv exact, for programs; invalid.csv with line and messages, formula cells escaped, for people;
    problems.ndjson, one object a problem."""
    with (
        (folder / "valid.csv").open("wb") as valid_file,
        (folder / "invalid.csv").open("wb") as invalid_file,
        (folder / "problems.ndjson").open("wb") as problem_file,
    ):
        fields = [(key, at) for at, key in enumerate(layout.fields) if key]
        invalid_csv = report.InvalidCsv(invalid_file, fields)
        header = True
        for part, verdict in zip(parts, checked, strict=True):
            mask = masks.read_mask(verdict.mask)
            frame = read_part(part.path)
            valid_file.write(form.csv(frame[masks.view_offsets(mask.state, "valid")], header=header))
            header = False
            offsets = np.flatnonzero((mask.state == INVALID) | ((mask.words != 0).any(axis=1) & (mask.state != GONE)))
            for start in range(0, len(offsets), 10_000):
                some = offsets[start : start + 10_000]
                rows = frame[some]
                problems = checker.problems(rows, mask.words[some])
                problem_file.write(
                    report.problem_lines(problems, rows["_line"].to_list(), (some + part.first_row).tolist())
                )
                wrong = np.flatnonzero(mask.state[some] == INVALID)
                invalid_csv.write(rows[wrong], [problems[at] for at in wrong])


def _write_manifest(
    folder: Path,
    reader: Reader,
    template: Template,
    headings: tuple[str, ...],
    chosen: tuple[int | None, ...],
    data_start: int,
    parts: Sequence[Part],
    checked: Sequence[Checked],
    summary: Summary,
) -> None:
    """What `--stage` leaves beside the parts, so that other programs can read them."""
    document = {
        "layout": 1,
        "detected": msgspec.to_builtins(reader.detected),
        "template": {
            "name": template.name,
            "columns": [template_file.column_to_document(column) for column in template.columns],
        },
        "headings": list(headings),
        "chosen": list(chosen),
        "dataStart": data_start,
        "parts": [
            {
                "number": part.number,
                "firstRow": part.first_row,
                "rows": part.rows,
                "valid": verdict.valid,
                "invalid": verdict.invalid,
                "records": part.path.name,
                "mask": verdict.mask.name,
            }
            for part, verdict in zip(parts, checked, strict=True)
        ],
        "summary": msgspec.to_builtins(summary),
    }
    (folder / "manifest.json").write_text(json.dumps(document, ensure_ascii=False, indent=1))


# A whole view, encoded


def encode(spec: line.Encode, folder: Path, out: BinaryIO) -> None:
    table = _Table(spec)
    form = output.Output(table.template, table.layout)
    checker = Checker(table.template, table.layout, seed=spec.seed) if spec.faults else None

    def frames() -> Iterator[pl.DataFrame]:
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
                frame = overlay(frame, frame["_row"].to_numpy(), table.cells, table.positions)
            else:
                frame = read_part(part.path)[here]
                frame = overlay(frame, here + part.first_row, table.cells, table.positions)
            if checker is not None:
                words = np.array(mask.words[here])
                if spec.made is not None:
                    words = report.todays_words(words, spec.made.rules, checker)
                frame = report.Faults.with_words(frame, words)
            yield frame

    beside = None if checker is None else report.Faults(checker, form.fields)
    encodings.member(spec.format).encode(output.Whole(form, frames, beside), folder, out)


SPECS = line.SPECS
VERBS: dict[str, Callable[[Any, Path, Wire], None]] = {
    "learn": learn,
    "explain": explain,
    "sheets": sheets,
    "read": read,
    "check": check,
    "recheck": recheck,
    "inspect": inspect,
}
STREAMING: dict[str, Callable[[Any, Path, BinaryIO], None]] = {"rows": rows, "encode": encode}
