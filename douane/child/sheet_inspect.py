"""What the child does for `douane check`: reading and checking a file at once, with no server."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import polars as pl
from msgspec.structs import replace

from douane import errors
from douane.child.parts import write_part
from douane.child.sheet_table import tally
from douane.child.wire import Wire, source_of
from douane.line import sheet as line
from douane.line.sheet import Inspected, Mapped
from douane.line.staged import Checked, Part
from douane.model.reading import Fact
from douane.model.sheet_import import Summary
from douane.model.template import Template, heading_names
from douane.sheet import columns, formats, mapping, output, report, template_file
from douane.sheet.check import Checker, references_of
from douane.sheet.formats import Batch, Piece
from douane.sheet.formats.facts import HIDDEN_ROWS, UNKNOWN_VALUES, Facts, cut_off
from douane.staging import checking, masks
from douane.staging.masks import GONE, INVALID, VALID
from douane.staging.parts import read_part
from douane.staging.revisions import Cells
from douane.staging.turns import in_order


def inspect(spec: line.Inspect, folder: Path, wire: Wire) -> None:
    source, template = source_of(spec), _template(spec)
    for number, column in enumerate(template.columns):
        columns.refuse_hopeless(column, f"columns[{number}]", strict=True)
    reader = formats.open_file(source, replace(spec.options, wanted=heading_names(template)))
    header = reader.detected.header_row
    headings = mapping.headings(None if header is None else reader.detected.headings, reader.detected.width)
    chosen = _chosen(template, headings, spec.mapping or {}, spec.called[1])
    layout = mapping.layout(template, headings, chosen)
    used = {at for at in chosen if at is not None}
    if template.columns and not used:
        raise errors.BadFile(_nothing_mapped(template, headings, reader.detected.notes), code="nothing_mapped")
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

    for verdict, batch, path in in_order(reader.pieces(), judge):
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
    changed = {v.number: v for v in checking.settle(checker, kept, checked, folder)}
    checked = [changed.get(v.number, v) for v in checked]
    if spec.stage:
        for _ in checking.pack_sparse(kept, checked, folder):
            pass
    summary = tally(checker, kept, checked, Cells(), {}, blank)
    facts.add(cut_off(row, blank))
    unknown = sum(any(references_of(column)) for column in template.columns)
    facts.add([Fact(UNKNOWN_VALUES, unknown)] if unknown else [])
    hidden = facts.count(HIDDEN_ROWS)
    summary = replace(summary, hidden=hidden, found=summary.found + hidden, facts=facts.all())
    if spec.report:
        wire.progress("reporting", source.size, source.size, "bytes", max(0, row - data_start), now=True)
        written = output.Output(template, layout, checker.judges)
        report.write_reports(folder, checker, layout, written, map(_verdicts, kept, checked))
    if spec.stage:
        read = {
            "detected": msgspec.to_builtins(reader.detected),
            "headings": list(headings),
            "chosen": list(chosen),
            "dataStart": data_start,
        }
        _write_manifest(folder, template, read, kept, checked, summary)
    wire.send(Inspected(summary=summary))


def _template(spec: line.Inspect) -> Template:
    """BadTemplate names the file."""
    try:
        return template_file.read_template(spec.template, strict=True)
    except errors.BadTemplate as error:
        place = f"{spec.called[0]}: {error.place}".rstrip(": ")
        raise errors.BadTemplate(error.reason, place=place, code=error.code) from error


def _chosen(
    template: Template, headings: tuple[str, ...], given: Mapping[str, str | None], called: str
) -> tuple[int | None, ...]:
    chosen, faults = mapping.choose(template, headings, mapping.automatic(template, headings), given)
    for fault in faults:
        match fault.kind:
            case "unknown_column":
                raise errors.BadTemplate(f"The template has no column {fault.key!r}.", place=called)
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


def _nothing_mapped(template: Template, headings: Sequence[str], notes: Sequence[str]) -> str:
    def listed(names: Sequence[str]) -> str:
        shown = ", ".join(name if len(name) <= 60 else name[:59] + "…" for name in names[:8])
        return shown + (" …" if len(names) > 8 else "")

    return (
        "None of the file's headings is one of the template's columns, so nothing could be checked. The headings are: "
        f"{listed([text for text in headings if text])}. The columns are: "
        f"{listed([column.title for column in template.columns])}. A mapping (--mapping) can say which is which."
        + "".join(f" {note}" for note in notes)
    )


def _verdicts(part: Part, verdict: Checked) -> report.Verdicts:
    mask = masks.read_mask(verdict.mask)
    return report.Verdicts(
        read_part(part.path),
        part.first_row,
        mask.words,
        valid=mask.state == VALID,
        invalid=mask.state == INVALID,
        told=(mask.words != 0).any(axis=1) & (mask.state != GONE),
    )


def _write_manifest(
    folder: Path,
    template: Template,
    read: Mapping[str, Any],
    parts: Sequence[Part],
    checked: Sequence[Checked],
    summary: Summary,
) -> None:
    """What `--stage` leaves beside the parts, so that other programs can read them. `read`: how the file was."""
    document = {
        "layout": 1,
        "template": {
            "name": template.name,
            "columns": [template_file.column_to_document(column) for column in template.columns],
        },
        **read,
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
    (folder / "manifest.json").write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=1))


SPECS = (line.Inspect,)
VERBS: dict[str, Callable[[Any, Path, Wire], None]] = {"inspect": inspect}
STREAMING: dict[str, Callable[[Any, Path, BinaryIO], None]] = {}
