"""What the child does for spreadsheets; the verbs and their events are listed in `douane/child/__init__.py`."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import polars as pl
from msgspec.structs import asdict, replace

from douane import errors
from douane.child.wire import Wire, source_of
from douane.line.staged import Checked, Part
from douane.model.template import Template
from douane.sheet import formats, mapping, output, report, template_file
from douane.sheet.check import Checker
from douane.sheet.formats import Batch, Limits, Options, Piece, Position, Reader
from douane.staging import checking, masks, rechecking
from douane.staging.masks import GONE, INVALID, View
from douane.staging.parts import read_part, read_rows, write_part
from douane.staging.revisions import ADDED, RECORD, Cells, added_frame, overlay

PREVIEW_RECORDS = 15
# What is shown of a cell before the mapping: a heading must be told from the others, a record seen at a glance.
SHOWN_CHARS, SHOWN_CHARS_MIN, SHOWN_CHARS_ALL = 1000, 16, 1_000_000


# Opening the file


def _options(spec: dict[str, Any]) -> Options:
    given = dict(spec.get("options") or {})
    limits = Limits(**given.pop("limits", {}) or {})
    return Options(**given, limits=limits)


def _detected(reader: Reader) -> dict[str, Any]:
    found = reader.detected
    return {
        "format": found.format,
        "encoding": found.encoding,
        "delimiter": found.delimiter,
        "quote": found.quote,
        "headerRow": found.header_row,
        "sheets": list(found.sheets),
        "sheet": found.sheet,
        "width": found.width,
        "compression": found.compression,
        "notes": list(found.notes),
    }


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


def explain(spec: dict[str, Any], folder: Path, wire: Wire) -> None:
    source = source_of(spec)
    reader = formats.open_file(source, _options(spec))
    records = blank = 0
    preview: list[list[str]] = []
    for batch in checking.in_order(reader.pieces(), _parse):
        if len(preview) < PREVIEW_RECORDS:
            preview += _records(batch.frame.head(PREVIEW_RECORDS - len(preview)), reader.detected.width)
        records += len(batch.frame)
        blank += batch.blank
        wire.progress("reading", batch.bytes_done, source.size, "bytes", records)
    start = reader.detected.header_row
    rows = records if start is None else max(0, records - start - 1)
    wire.send("detected", **_detected(reader), rows=rows, blank=blank, records=_shown(preview))


def _shown(records: Sequence[list[str]]) -> list[list[str]]:
    """The first records, cut where their cells are so long or so many that nobody could look at them."""
    cells = sum(len(record) for record in records[:PREVIEW_RECORDS]) or 1
    most = max(SHOWN_CHARS_MIN, min(SHOWN_CHARS, SHOWN_CHARS_ALL // cells))
    return [
        [cell if len(cell) <= most else cell[: most - 1] + "…" for cell in record]
        for record in records[:PREVIEW_RECORDS]
    ]


def _parse(piece: Piece) -> Batch:
    return piece.parse()


def rows(spec: dict[str, Any], folder: Path, out: BinaryIO) -> None:
    reader = formats.open_file(source_of(spec), _options(spec))
    width = reader.detected.width
    encode = _csv_lines if spec.get("format") == "csv" else _json_lines
    for block in checking.in_order(reader.pieces(), lambda piece: encode(_records(piece.parse().frame, width))):
        out.write(block)


def _json_lines(records: Iterator[list[str]]) -> bytes:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def _csv_lines(records: Iterator[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(records)
    return text.getvalue().encode()


def sheets(spec: dict[str, Any], folder: Path, wire: Wire) -> None:
    wire.send("sheets", names=list(formats.sheet_names(source_of(spec), _options(spec))))


# Reading


def read(spec: dict[str, Any], folder: Path, wire: Wire) -> None:
    """Stages the whole file; goes on after the parts there are (`start`: a Position, and the next row)."""
    source = source_of(spec)
    reader = formats.open_file(source, _options(spec))
    start = Position(**spec.get("start") or {})
    row = int(spec.get("row", 0))
    announced = start.piece > 0

    def stage(piece: Piece) -> tuple[int, Batch, int, list[list[str]]]:
        batch = piece.parse()
        path = folder / f"part-{piece.number:07}"
        write_part(batch.frame, path)
        preview = [] if announced else list(_records(batch.frame.head(PREVIEW_RECORDS), reader.detected.width))
        return piece.number, Batch(pl.DataFrame(), batch.blank, batch.next, batch.bytes_done), len(batch.frame), preview

    header = reader.detected.header_row
    first: list[list[str]] = []
    for number, batch, count, preview in checking.in_order(reader.pieces(start), stage):
        wire.send_file(
            "part",
            number=number,
            first_row=row,
            rows=count,
            blank=batch.blank,
            file=f"part-{number:07}",
            next=asdict(batch.next),
            bytes_done=batch.bytes_done,
        )
        row += count
        if not announced:
            first += preview
            if header is None or len(first) > header or row > PREVIEW_RECORDS:
                wire.send("detected", **_detected(reader), records=_shown(first))
                announced = True
        wire.progress("reading", batch.bytes_done, source.size, "bytes", row)
    if not announced:
        wire.send("detected", **_detected(reader), records=_shown(first))
    wire.send("read", rows=row)


# Checking


def _template(document: dict[str, Any]) -> Template:
    return template_file.read_template(document)


def _checker(spec: dict[str, Any], template: Template) -> tuple[Checker, mapping.Layout]:
    layout = mapping.layout(template, tuple(spec["headings"]), tuple(spec["chosen"]))
    return Checker(template, layout, seed=int(spec.get("seed", 0))), layout


def _parts(spec: dict[str, Any]) -> list[Part]:
    return [Part(p["number"], p["first_row"], p["rows"], Path(p["path"])) for p in spec["parts"]]


def _held(verdict: dict[str, Any]) -> Checked:
    hashes = Path(verdict["hashes"]) if verdict["hashes"] else None
    return Checked(
        verdict["number"], verdict["rows"], verdict["valid"], verdict["invalid"], Path(verdict["mask"]), hashes
    )


def _send_mask(wire: Wire, verdict: Checked) -> None:
    wire.send_file(
        "mask",
        number=verdict.number,
        rows=verdict.rows,
        valid=verdict.valid,
        invalid=verdict.invalid,
        mask=verdict.mask.name,
        hashes=verdict.hashes.name if verdict.hashes else None,
    )


def check(spec: dict[str, Any], folder: Path, wire: Wire) -> None:
    """`done`: verdicts that an earlier attempt of the same check stored already, if they carry this `stamp`. With
    `cells`, the table as it stands under these revisions: a check of another Douane's verdicts from the ground."""
    template = _template(spec["template"])
    checker, layout = _checker(spec, template)
    wire.send("begun", stamp=checker.stamp, words=checker.words)
    cells = _cells(spec) if "cells" in spec else {}
    positions = _positions(layout)
    parts = [part for part in _parts(spec) if part.first_row >= 0]
    total = sum(part.rows for part in parts)
    held = {v["number"]: _held(v) for v in spec.get("done", []) if spec.get("stamp") == checker.stamp}
    checked: list[Checked] = [held[part.number] for part in parts if part.number in held]
    done = sum(verdict.rows for verdict in checked)
    rest = [part for part in parts if part.number not in held]
    for verdict in checking.check_parts(checker, rest, int(spec["data_start"]), folder, cells, positions):
        checked.append(verdict)
        _send_mask(wire, verdict)
        done += verdict.rows
        wire.progress("checking", done, total, "rows", done)
    wire.progress("comparing", done, total, "rows", done, now=True)
    checked.sort(key=lambda verdict: verdict.number)
    if added := [row for row, keys in cells.items() if keys.get(RECORD) == ADDED]:
        part, verdict = _added_part(spec, checker, added, cells, positions, folder)
        _send_added(wire, part)
        _send_mask(wire, verdict)
        parts.append(part)
        checked.append(verdict)
    changed = {v.number: v for v in checking.settle_uniqueness(checker, parts, checked, folder, cells, positions)}
    for verdict in changed.values():
        # Its hashes are stored already: uniqueness changes masks only.
        _send_mask(wire, replace(verdict, hashes=None))
    checked = [changed.get(v.number, v) for v in checked]
    for packed in checking.pack_sparse(parts, checked, folder):
        wire.send_file(
            "packed",
            view=packed.view,
            number=packed.number,
            first_row=packed.first_row,
            last_row=packed.last_row,
            rows=packed.rows,
            file=packed.path.name,
        )
    _send_checked(wire, checker, _tally(checker, parts, checked, cells, positions))


def _tally(
    checker: Checker,
    parts: Sequence[Part],
    checked: Sequence[Checked],
    cells: Cells,
    positions: dict[str, int],
    blank: int = 0,
) -> dict[str, Any]:
    """The summary over all masks. Only parts that hold something wrong are opened, and only for the lines shown."""
    tally = report.Tally(checker.rules, checker.invalid_words)
    for part, verdict in zip(parts, checked, strict=True):
        mask = masks.read_mask(verdict.mask)
        kept = np.flatnonzero(mask.state != GONE)
        words = mask.words[kept]
        if not words.any():
            tally.add(words, np.zeros(len(kept), np.uint32), lambda at: ())
            continue
        lines = read_part(part.path, ["_line"])["_line"].to_numpy()[kept]

        def describe(at: int, part: Part = part, kept: Any = kept, words: Any = words) -> Sequence[Any]:
            frame = read_rows(part.path, kept[at : at + 1])
            if part.first_row >= 0:
                frame = overlay(frame, kept[at : at + 1] + part.first_row, cells, positions)
            return checker.problems(frame, words[at : at + 1])[0]

        tally.add(words, lines, describe)
    return {"summary": tally.summary(blank=blank)}


def recheck(spec: dict[str, Any], folder: Path, wire: Wire) -> None:
    """Judges again what a review changed. `previous`: per part {number, rows, valid, invalid, mask, hashes} of the last
    review; `cells`: a JSON file of [row, key, text] that stand; `changed`: rows touched since. Rows that people added
    become one new part."""
    template = _template(spec["template"])
    checker, layout = _checker(spec, template)
    positions = _positions(layout)
    cells = _cells(spec)
    previous = {v["number"]: v for v in spec["previous"]}
    parts: list[Part] = []
    checked: list[Checked] = []
    old_hashes: list[masks.Words] = []
    for part in _parts(spec):
        verdict = _held(previous[part.number])
        if part.first_row >= 0:
            parts.append(part)
            checked.append(verdict)
        elif verdict.hashes is not None:
            old_hashes.append(np.array(masks.read_hashes(verdict.hashes, len(checker.unique))))
    added = [row for row, keys in cells.items() if keys.get(RECORD) == ADDED]
    had_added = any(p["first_row"] < 0 for p in spec["parts"])
    if added or had_added:
        part, verdict = _added_part(spec, checker, added, cells, positions, folder)
        _send_added(wire, part)
        parts.append(part)
        checked.append(verdict)
    changed_rows = [row for row in spec["changed"] if cells.get(row, {}).get(RECORD) != ADDED]
    changed = {
        v.number: v
        for v in rechecking.recheck(checker, parts, checked, cells, changed_rows, positions, folder, old_hashes)
    }
    for verdict in changed.values():
        _send_mask(wire, verdict)
    checked = [changed.get(v.number, v) for v in checked]
    summary = _tally(checker, parts, checked, cells, positions)
    _send_checked(wire, checker, summary)


def _cells(spec: dict[str, Any]) -> dict[int, dict[str, str | None]]:
    cells: dict[int, dict[str, str | None]] = {}
    for row, key, text in json.loads(Path(spec["cells"]).read_text()):
        cells.setdefault(row, {})[key] = text
    return cells


def _added_part(
    spec: dict[str, Any],
    checker: Checker,
    added: Sequence[int],
    cells: Cells,
    positions: dict[str, int],
    folder: Path,
) -> tuple[Part, Checked]:
    number = int(spec["added_number"])
    frame = added_frame(added, cells, positions)
    path = folder / f"part-{number:07}"
    write_part(frame, path)
    return Part(number, -1, len(frame), path), checking.check_frame(checker, frame, number, 0, folder)


def _send_added(wire: Wire, part: Part) -> None:
    wire.send_file(
        "part",
        number=part.number,
        first_row=-1,
        rows=part.rows,
        blank=0,
        file=part.path.name,
        next={},
        bytes_done=0,
    )


def _send_checked(wire: Wire, checker: Checker, summary: dict[str, Any]) -> None:
    """The end of a check; the rule table goes with it, so that the bits of its masks can always be read."""
    rules = [[rule.column, rule.name] for rule in checker.rules]
    wire.send("checked", **summary, stamp=checker.stamp, words=checker.words, rules=rules)


def _positions(layout: mapping.Layout) -> dict[str, int]:
    return {key: at for key in layout.fields if key and (at := layout.position(key)) is not None}


# `douane check`: reading and checking fused


def inspect(spec: dict[str, Any], folder: Path, wire: Wire) -> None:
    source = source_of(spec)
    reader = formats.open_file(source, _options(spec))
    template = _template(spec["template"])
    pieces = iter(reader.pieces())
    opening: list[tuple[int, Batch]] = []
    records: list[list[str]] = []
    header = reader.detected.header_row
    for piece in pieces:
        batch = piece.parse()
        opening.append((piece.number, batch))
        records += _records(batch.frame.head((header or 0) + 1 - len(records)), reader.detected.width)
        if header is None or len(records) > header:
            break
    headings = _headings(records, header, reader.detected.width)
    chosen = _chosen(template, headings, spec.get("mapping"))
    layout = mapping.layout(template, headings, chosen)
    wire.send("detected", **_detected(reader), headings=list(headings))
    used = {at for at in chosen if at is not None}
    wire.send(
        "mapping",
        mapping={
            column.key: None if at is None else headings[at]
            for column, at in zip(template.columns, chosen, strict=True)
        },
        unmapped=[text for at, text in enumerate(headings) if at not in used],
    )
    checker = Checker(template, layout, seed=int.from_bytes(os.urandom(7)))
    data_start = 0 if header is None else header + 1
    kept: list[Part] = []
    checked: list[Checked] = []
    blank = row = 0

    def judge(item: tuple[int, Batch] | Piece) -> tuple[Checked, Batch, Path]:
        number, batch = item if isinstance(item, tuple) else (item.number, item.parse())
        path = folder / f"part-{number:07}"
        write_part(batch.frame, path)
        gone = data_start if number == 0 else 0
        verdict = checking.check_frame(checker, batch.frame, number, gone, folder)
        return verdict, Batch(pl.DataFrame(), batch.blank, batch.next, batch.bytes_done), path

    def items() -> Iterator[tuple[int, Batch] | Piece]:
        while opening:
            yield opening.pop(0)
        yield from pieces

    for verdict, batch, path in checking.in_order(items(), judge):
        if 0 < row < data_start:
            # A preamble of giant records: the heading record stands in a later piece than the first.
            verdict = checking.check_frame(checker, read_part(path), verdict.number, data_start - row, folder)
        kept.append(Part(verdict.number, row, verdict.rows, path))
        checked.append(verdict)
        row += verdict.rows
        blank += batch.blank
        wire.progress("checking", batch.bytes_done, source.size, "bytes", max(0, row - data_start))
    wire.progress("comparing", source.size, source.size, "bytes", max(0, row - data_start), now=True)
    changed = {v.number: v for v in checking.settle_uniqueness(checker, kept, checked, folder)}
    checked = [changed.get(v.number, v) for v in checked]
    if spec.get("stage"):
        for _ in checking.pack_sparse(kept, checked, folder):
            pass
    summary = _tally(checker, kept, checked, {}, {}, blank)
    if spec.get("report"):
        wire.progress("reporting", source.size, source.size, "bytes", max(0, row - data_start), now=True)
        _write_reports(checker, output.Output(template, layout), layout, kept, checked, folder)
    if spec.get("stage"):
        _write_manifest(folder, reader, template, headings, chosen, data_start, kept, checked, summary)
    wire.send("inspected", **summary)


def _headings(records: Sequence[list[str]], header: int | None, width: int) -> tuple[str, ...]:
    """The heading texts by position; a file without headings gets `column 1`, `column 2` ..."""
    if header is None or header >= len(records):
        return tuple(f"column {at + 1}" for at in range(width))
    texts = records[header][:width]
    return tuple(texts + [""] * (width - len(texts)))


def _chosen(
    template: Template, headings: tuple[str, ...], given: dict[str, str | None] | None
) -> tuple[int | None, ...]:
    """The mapping a person gave (column key -> heading), the automatic one for columns it does not name."""
    proposed = mapping.propose(template, headings)
    if given is None:
        return proposed
    unknown = set(given) - {column.key for column in template.columns}
    if unknown:
        raise errors.BadRequest(f"The mapping names a column the template does not have: {', '.join(sorted(unknown))}.")
    taken: dict[int, str] = {}
    chosen: list[int | None] = []
    for column, automatic in zip(template.columns, proposed, strict=True):
        if column.key not in given:
            chosen.append(automatic)
            continue
        heading = given[column.key]
        if heading is None:
            chosen.append(None)
            continue
        if heading not in headings:
            raise errors.BadRequest(f"The mapping feeds {column.key} from {heading!r}, which the file does not have.")
        at = headings.index(heading)
        if at in taken:
            raise errors.BadRequest(f"The mapping feeds both {taken[at]} and {column.key} from {heading!r}.")
        taken[at] = column.key
        chosen.append(at)
    # An automatic choice gives way where a person gave its heading to another column.
    return tuple(
        None if at is not None and taken.get(at, column.key) != column.key else at
        for column, at in zip(template.columns, chosen, strict=True)
    )


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
    summary: dict[str, Any],
) -> None:
    """What `--stage` leaves beside the parts, so that other programs can read them."""
    document = {
        "layout": 1,
        "detected": _detected(reader),
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
        **summary,
    }
    (folder / "manifest.json").write_text(json.dumps(document, ensure_ascii=False, indent=1))


# A whole view, encoded


def encode(spec: dict[str, Any], folder: Path, out: BinaryIO) -> None:
    """`parts`: {number, first_row, rows, path, mask}; `cells` as in `recheck` (every revision that stands)."""
    template = _template(spec["template"])
    layout = mapping.layout(template, tuple(spec["headings"]), tuple(spec["chosen"]))
    form = output.Output(template, layout)
    positions = _positions(layout)
    cells = _cells(spec)

    def frames() -> Iterator[pl.DataFrame]:
        for part in spec["parts"]:
            offsets = masks.view_offsets(masks.read_mask(Path(part["mask"])).state, _view(spec["view"]))
            if part["first_row"] < 0:
                frame = read_rows(Path(part["path"]), offsets)
                yield overlay(frame, frame["_row"].to_numpy(), cells, positions)
            elif len(offsets):
                frame = read_part(Path(part["path"]))[offsets]
                yield overlay(frame, offsets + part["first_row"], cells, positions)

    ENCODERS[spec["format"]](form, frames, folder, out)


def _view(name: str) -> View:
    return "all" if name == "all" else "valid" if name == "valid" else "invalid"


Frames = Callable[[], Iterator[pl.DataFrame]]


def _encode_csv(form: output.Output, frames: Frames, folder: Path, out: BinaryIO) -> None:
    out.write(form.csv(form.empty(), header=True))
    for frame in frames():
        out.write(form.csv(frame, header=False))


def _encode_ndjson(form: output.Output, frames: Frames, folder: Path, out: BinaryIO) -> None:
    for frame in frames():
        out.write(form.ndjson(frame))


def _tables(form: output.Output, frames: Frames) -> Iterator[pl.DataFrame]:
    """Tables with one schema: a number column is float64 only if every one of its values is exact as that."""
    lossless: dict[str, bool] = {}
    for frame in frames():
        for key, exact in form.lossless_numbers(frame).items():
            lossless[key] = lossless.get(key, True) and exact
    exact_keys = frozenset(key for key, exact in lossless.items() if exact)
    yield form.table(form.empty(), lossless=exact_keys)
    for frame in frames():
        yield form.table(frame, lossless=exact_keys)


def _encode_arrow(form: output.Output, frames: Frames, folder: Path, out: BinaryIO) -> None:
    """One Arrow IPC stream out of many: each table is written as a stream of its own, of which the schema message (all
    but the first time) and the end mark (8 bytes) are left out."""
    first = True
    for table in _tables(form, frames):
        block = io.BytesIO()
        table.write_ipc_stream(block, compat_level=pl.CompatLevel.oldest())
        data = block.getbuffer()[:-8]
        if not first:
            data = data[8 + int.from_bytes(data[4:8], "little") :]
        first = False
        out.write(data)
    out.write(b"\xff\xff\xff\xff\0\0\0\0")


def _encode_parquet(form: output.Output, frames: Frames, folder: Path, out: BinaryIO) -> None:
    paths: list[Path] = []
    for number, table in enumerate(_tables(form, frames)):
        paths.append(folder / f"table-{number:06}.arrow")
        table.write_ipc(paths[-1], compression="lz4")
    whole = folder / "table.parquet"
    pl.scan_ipc(paths).sink_parquet(whole)
    with whole.open("rb") as file:
        while block := file.read(1 << 20):
            out.write(block)


ENCODERS: dict[str, Callable[[output.Output, Frames, Path, BinaryIO], None]] = {
    "csv": _encode_csv,
    "ndjson": _encode_ndjson,
    "arrow": _encode_arrow,
    "parquet": _encode_parquet,
}
VERBS: dict[str, Callable[[dict[str, Any], Path, Wire], None]] = {
    "explain": explain,
    "sheets": sheets,
    "read": read,
    "check": check,
    "recheck": recheck,
    "inspect": inspect,
}
STREAMING: dict[str, Callable[[dict[str, Any], Path, BinaryIO], None]] = {"rows": rows, "encode": encode}
