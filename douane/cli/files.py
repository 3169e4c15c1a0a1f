"""`douane rows` and `douane check`: a file, a template and no server.

This process opens the file and hands its descriptor to the sandboxed child, which alone parses it; what comes back are
small events and finished files. So no parser and no column work runs here, and Polars is never imported.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from msgspec import to_builtins
from msgspec.structs import replace

from douane.cli import output
from douane.cli.given import settings
from douane.cli.inputs import Events, opened
from douane.errors import BadRequest, BadTemplate
from douane.jobs.children import Place, child_limits, run_child, stream_child
from douane.line import Event, Progress, Spec
from douane.line import sheet as line
from douane.model.reading import Detected, Fact, Limits, Options
from douane.settings import Settings

REPORTS = ("valid.csv", "invalid.csv", "problems.ndjson")
STEPS, PIECE_BYTES_MIN = 24, 1 << 20
_NUMBER_MAX = 1 << 63


def reading_options(
    sheet: str | None,
    encoding: str | None,
    delimiter: str | None,
    header: str | None = None,
    quote: str | None = None,
) -> dict[str, Any]:
    """What a person may fix of `sheet/formats.Options`, as plain data. A sheet that is a number counts from 0, the line
    of the headings from 1; `tab` and `\\t` mean a tab; `none`: no headings, no quotes."""
    if delimiter in ("\\t", "tab"):
        delimiter = "\t"
    if delimiter is not None and len(delimiter) != 1:
        raise BadRequest(f"A delimiter is one character (or the word tab), not {delimiter!r}.")
    number = int(sheet) if sheet is not None and re.fullmatch(r"0|[1-9][0-9]{0,8}", sheet) else None
    if header is not None and header.lower() != "none" and not re.fullmatch(r"[1-9][0-9]{0,8}", header):
        raise BadRequest(f"The headings stand on a line, such as 3, or on none, not on {header!r}.")
    if quote is not None and quote.lower() == "none":
        quote = ""
    if quote is not None and (len(quote) > 1 or not quote.isascii()):
        raise BadRequest(f"A quote is one character (or the word none), not {quote!r}.")
    return {
        "sheet": sheet if number is None else number,
        "encoding": encoding,
        "delimiter": delimiter,
        "header": None if header is None else 0 if header.lower() == "none" else int(header),
        "quote": quote,
    }


# rows


def rows(name: str, options: Mapping[str, Any], form: str) -> None:
    """Every record of the file on standard output, as NDJSON arrays or CSV."""
    config = settings()
    spec = line.Rows(options=_whole(options, config), format="csv" if form == "csv" else "ndjson")
    with opened(name) as source, _folder(None) as folder:
        payload = stream_child(spec, Place(folder, (), child_limits(config), forked=True), source=source.fileno())
        try:
            for piece in payload:
                sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            # Whoever reads has enough, as in `douane rows big.csv | head`.
            sys.exit(128 + signal.SIGPIPE)


def explain(name: str, options: Mapping[str, Any], as_json: bool) -> None:
    """What was detected, in words or (`as_json`) as the event has it, without the first records."""
    config = settings()
    spec = line.Explain(options=_whole(options, config))
    with opened(name) as source, _folder(None) as folder:
        found = _run(spec, source, folder, config).one(line.Explained)
    detected = {
        **_with_notes(found.detected, found.facts),
        "rows": found.rows,
        "blank": found.blank,
        "facts": to_builtins(found.facts),
    }
    if as_json:
        output.print_json(detected)
    else:
        from rich.console import Console

        from douane.cli import screen

        screen.show_detected(Console(), name, {**detected, "records": found.records})


# check


def check(
    name: str,
    options: Mapping[str, Any],
    template_path: Path,
    mapping_path: Path | None,
    out: Path | None,
    stage: Path | None,
    as_json: bool,
) -> bool:
    """Prints the summary, leaves the reports in `out` and the staged table in `stage`. True if all rows are valid."""
    from douane.cli.documents import read_document

    config = settings()
    whole = _whole(options, config)
    spec = line.Inspect(
        options=whole,
        template=_plain(read_document(template_path)),
        mapping=None if mapping_path is None else _mapping(mapping_path),
        called=(template_path.name, "" if mapping_path is None else mapping_path.name),
        stage=stage is not None,
        report=out is not None,
    )
    if stage is not None and stage.exists() and any(stage.iterdir()):
        raise BadRequest(f"The folder {stage} is not empty; a staged table needs one of its own.")
    for folder in (out, stage):
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    # Beside what is kept of it, so that moving it there is renaming and cannot run out of room half-way.
    with opened(name) as source, _folder(stage or out) as work:
        if sys.stderr.isatty():
            spec = replace(spec, options=_in_steps(whole, os.fstat(source.fileno()).st_size))
        events = _run(spec, source, work, config)
        reports = [] if out is None else [_moved(work / report, out / report) for report in REPORTS]
        if stage is not None:
            for path in sorted(work.iterdir()):
                _moved(path, stage / path.name)
    mapped = events.one(line.Mapped)
    inspected = events.one(line.Inspected).summary
    summary = {
        **to_builtins(inspected),
        "detected": _with_notes(mapped.detected, inspected.facts),
        "mapping": mapped.mapping,
        "unmapped": [heading for heading in mapped.unmapped if heading],
        "proposed": to_builtins(mapped.proposed),
    }
    if as_json:
        output.print_json(summary)
    else:
        from rich.console import Console

        from douane.cli import screen

        screen.show_check(Console(), name, summary, reports)
    return not summary["invalid"]


def _in_steps(options: Options, size: int) -> Options:
    """Pieces small enough that the bar moves; a file that is read once may be cut anywhere. Only for whoever sees a
    bar: many small pieces take a tenth more time than a few large ones."""
    return replace(options, piece_bytes=min(options.piece_bytes, max(PIECE_BYTES_MIN, size // STEPS)))


def _with_notes(detected: Detected, facts: Sequence[Fact]) -> dict[str, Any]:
    """What was detected as the event has it; among its notes also what was met while reading."""
    told = replace(detected, headings=())
    if facts:
        from douane.sheet.formats.facts import sentence

        told = replace(told, notes=(*told.notes, *map(sentence, facts)))
    return {key: value for key, value in to_builtins(told).items() if key != "headings"}


def _plain(document: Any) -> Any:
    """The document as JSON can carry it: keys are words, and numbers that it has no form for are told by their text."""
    if isinstance(document, dict):
        return {str(key): _plain(value) for key, value in document.items()}
    if isinstance(document, list):
        return [_plain(value) for value in document]
    if isinstance(document, int | float) and not -_NUMBER_MAX < document < _NUMBER_MAX:
        return str(document)
    return document


def _mapping(path: Path) -> dict[str, str | None]:
    """{column key: heading or null}. BadTemplate says what is wrong with it."""
    from douane.cli.documents import read_document

    document = read_document(path)
    if not isinstance(document, dict):
        raise BadTemplate("A mapping holds column keys with their headings, such as `email: E-mail`.", place=path.name)
    for key, heading in document.items():
        if heading is not None and not isinstance(heading, str):
            raise BadTemplate(f"A heading is text (put {heading!r} in quotes) or null.", place=f"{path.name}: {key}")
    return {str(key): heading for key, heading in document.items()}


def learn(name: str, options: Mapping[str, Any], title: str | None) -> None:
    """Prints a template file for files like this one; what spoke against it stands in comments."""
    import yaml

    from douane.sheet import learning

    config = settings()
    with opened(name) as source, _folder(None) as folder:
        taught = _run(line.Learn(options=_whole(options, config)), source, folder, config).one(line.Taught)
    if taught.described is not None:
        columns = [{field: value for field, value in column.items() if field != "notes"} for column in taught.described]
        for column in taught.described:
            for note in column["notes"]:
                print(f"# {column['key']!r}: {note}")
        whole = {"name": title or Path(name).stem, "columns": columns}
        sys.stdout.write(yaml.safe_dump(whole, allow_unicode=True, sort_keys=False))
        return
    document = learning.document(title or Path(name).stem, taught.columns)
    if not taught.whole:
        print(f"# Learned from the first {learning.RECORDS_MAX:,} records.")
    if taught.unnamed:
        places = ", ".join(map(str, taught.unnamed))
        print(f"# Without a heading, and left out for nothing can be matched with it: column {places} of the file.")
    for one in taught.columns:
        seen = one.evidence.get("type") or one.evidence.get("dateFormats")
        if seen is not None and seen.spoke_against:
            cells = seen.spoke_for + seen.spoke_against
            print(
                f"# {one.name!r}: {seen.spoke_against:,} of {cells:,} cells are no {one.type}, so it is taken as text."
            )
        if one.surplus:
            print(
                f"# {one.evidence['notes'].spoke_for:,} of {one.records:,} records have cells beyond the last heading; "
                "they pass with a warning."
            )
    sys.stdout.write(yaml.safe_dump(document, allow_unicode=True, sort_keys=False))


def template_schema() -> str:
    from douane.sheet.template_file import json_schema

    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


# The child


def _run(spec: Spec, source: BinaryIO, folder: Path, config: Settings) -> Events:
    """Runs the child to its end with a progress bar. Its error is raised as ours."""
    events = Events()
    with output.progress_bar(sys.stderr) as bar:

        def take(event: Event) -> None:
            if isinstance(event, Progress):
                bar.update(event)
            else:
                events.keep(event)

        run_child(spec, Place(folder, (), child_limits(config), forked=True), source=source.fileno(), on_event=take)
    return events


def _whole(options: Mapping[str, Any], config: Settings) -> Options:
    limits = Limits(**{name: getattr(config, name) for name in Limits.__struct_fields__})
    return Options(**options, piece_bytes=config.piece_bytes, limits=limits)


@contextmanager
def _folder(beside: Path | None) -> Iterator[Path]:
    """A folder for the child, gone at the end. What can do the same for any folder is loaded where this does not."""
    if beside is None:
        folder = Path(tempfile.mkdtemp(prefix=".douane-"))
    else:
        folder = beside / f".douane-{os.urandom(8).hex()}"
        folder.mkdir(0o700)
    try:
        yield folder
    finally:
        try:
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()
        except OSError:
            shutil.rmtree(folder)


def _moved(path: Path, target: Path) -> Path:
    try:
        return path.rename(target)
    except OSError:
        return Path(shutil.move(path, target))
