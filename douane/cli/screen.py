"""What `douane` shows a person: the summary of a check, what was detected, and the progress bar. 80 columns are enough.

Everything that comes from a stranger's file goes through `plain` and into `Text`: no markup of ours is read in it, and
no control sequence of theirs reaches the terminal.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from douane import line

CELL_CHARACTERS = 200
PIPE_COLUMNS = 1000
DELIMITERS = {
    ",": "comma",
    ";": "semicolon",
    "\t": "tab",
    "|": "bar",
    "\x1e": "record separator",
    "\x1f": "unit separator",
}
FORMATS = {"csv": "CSV", "json": "JSON", "ndjson": "NDJSON", "html": "HTML", "xml": "XML spreadsheet"}


def plain(value: object) -> str:
    """A stranger's text on one line, cut to CELL_CHARACTERS, with control characters shown as escapes."""
    text = str(value)
    if len(text) > CELL_CHARACTERS:
        text = text[: CELL_CHARACTERS - 1] + "…"
    return "".join(letter if letter.isprintable() else _escape(letter) for letter in text)


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")


def show_check(console: Console, name: str, summary: Mapping[str, Any], reports: Sequence[Path]) -> None:
    """The summary of `douane check`, in the form that `--json` prints."""
    console.print(Text(plain(name), style="bold"))
    console.print(Text(in_words(summary["detected"]), style="dim"))
    for note in summary["detected"].get("notes") or ():
        console.print(Text(f"Note: {plain(note)}", style="yellow"))
    console.print()
    _show_mapping(console, summary["mapping"], summary["unmapped"], summary.get("proposed") or ())
    console.print(_verdict(summary))
    if summary["problems"]:
        console.print(_problem_table("Problems", summary["problems"]))
    if summary["warnings"]:
        console.print(_problem_table("Warnings (they make no row invalid)", summary["warnings"]))
    if reports:
        folder = reports[0].parent
        names = ", ".join(path.name for path in reports)
        console.print(Text.assemble("\nReports in ", (plain(folder), "bold"), f": {names}"))


def _show_mapping(
    console: Console,
    mapping: Mapping[str, str | None],
    unmapped: Sequence[str],
    proposed: Sequence[Mapping[str, Any]],
) -> None:
    likely = {one["column"]: " or ".join(plain(heading) for heading in one["headings"][:3]) for one in proposed}
    table = _table("Mapping")
    table.add_column("Column", ratio=1)
    table.add_column("Heading in the file", ratio=1)
    for key, heading in mapping.items():
        table.add_row(Text(plain(key)), _unfed(likely.get(key)) if heading is None else Text(plain(heading)))
    console.print(table)
    if unmapped:
        listed = ", ".join(plain(heading) or '""' for heading in unmapped[:20])
        more = f" and {len(unmapped) - 20:,} more" if len(unmapped) > 20 else ""
        console.print(Text(f"Carried along unchecked: {listed}{more}", style="dim"))
    console.print()


def _unfed(likely: str | None) -> Text:
    """A guess is said and never taken."""
    if likely is None:
        return Text("not in the file", style="dim")
    return Text(f"not sure, so not taken: {likely}? (--mapping says so)", style="yellow")


def _verdict(summary: Mapping[str, Any]) -> Text:
    """`found = valid + invalid + blank + hidden + unreadable` in one line, zeros left out."""
    parts = Text.assemble((f"{_many(summary['rows'], 'row')}: ", "bold"))
    if summary["rows"] == 0:
        parts = Text("No rows", style="bold")
    elif summary["invalid"] == 0:
        parts.append("all valid", style="bold green")
    else:
        parts.append(f"{summary['valid']:,} valid", style="green")
        parts.append(", ")
        parts.append(f"{summary['invalid']:,} invalid", style="bold red")
    if summary["blank"]:
        parts.append(f"; {_many(summary['blank'], 'blank record')} skipped")
    if summary.get("hidden"):
        parts.append(f"; {_many(summary['hidden'], 'hidden row')} left out")
    if summary["unreadable"]:
        parts.append(f"; {_many(summary['unreadable'], 'record')} could not be read", style="bold red")
    parts.append(".\n")
    return parts


def _many(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _problem_table(title: str, problems: Sequence[Mapping[str, Any]]) -> Table:
    table = _table(title)
    table.add_column("Column", max_width=20, overflow="fold")
    table.add_column("Rule", max_width=14, overflow="fold")
    table.add_column("Rows", justify="right", no_wrap=True)
    table.add_column("First lines", max_width=18)
    table.add_column("For example", ratio=1, overflow="fold")
    for problem in problems:
        table.add_row(
            Text("whole row", style="dim") if problem["column"] is None else Text(plain(problem["column"])),
            Text(plain(problem["rule"])),
            f"{problem['count']:,}",
            _lines(problem["lines"], problem["count"]),
            Text(plain(_reason(problem))),
        )
    return table


def _reason(problem: Mapping[str, Any]) -> str:
    """The message with what there is to be explained; of patterns and lists only that and the value, for those messages
    are written for programs."""
    message, explanation = str(problem["message"]), problem.get("explanation")
    if not explanation:
        return message
    value, is_for_programs, _ = message.partition(" must be from list [")
    if not is_for_programs:
        value, is_for_programs, _ = message.partition(" must match the pattern ")
    return f"{value}: {explanation}" if is_for_programs else f"{message}. {explanation}"


def _lines(lines: Sequence[int], count: int) -> str:
    shown = ", ".join(str(line) for line in lines[:3])
    return f"{shown} …" if count > min(len(lines), 3) else shown


def show_detected(console: Console, name: str, detected: Mapping[str, Any]) -> None:
    """What `douane rows --explain` prints without `--json`."""
    console.print(Text(plain(name), style="bold"))
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for label, value in _facts(detected):
        table.add_row(label, Text(value))
    console.print(table)
    records = detected.get("records") or []
    if records:
        console.print()
        console.print(_record_table(records, detected.get("headerRow")))


def in_words(detected: Mapping[str, Any]) -> str:
    """One line, such as `CSV, utf-8, comma, quoted with ", headings in record 1`."""
    name = detected["format"]
    words = [FORMATS.get(name, plain(name).upper())]
    if detected.get("compression"):
        words.append(plain(detected["compression"]))
    if detected.get("encoding"):
        words.append(plain(detected["encoding"]))
    if detected.get("delimiter"):
        words.append(_delimiter(detected["delimiter"]))
    if detected.get("quote"):
        words.append(f"quoted with {plain(detected['quote'])}")
    if detected.get("sheet") is not None:
        words.append(f"sheet “{plain(detected['sheet'])}”")
    words.append(_heading(detected.get("headerRow")))
    return ", ".join(words)


def _facts(detected: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    name = detected["format"]
    yield "Format", FORMATS.get(name, plain(name).upper())
    if detected.get("compression"):
        yield "Compression", plain(detected["compression"])
    if detected.get("encoding"):
        yield "Encoding", plain(detected["encoding"])
    if detected.get("delimiter"):
        yield "Delimiter", _delimiter(detected["delimiter"])
    if detected.get("quote"):
        yield "Quote", plain(detected["quote"])
    if detected.get("sheets"):
        yield "Sheets", ", ".join(plain(sheet) for sheet in detected["sheets"])
    if detected.get("sheet") is not None:
        yield "Read", plain(detected["sheet"])
    yield "Headings", _heading(detected.get("headerRow")).removeprefix("headings in ")
    if detected.get("width") is not None:
        yield "Columns", f"{detected['width']:,}"
    if detected.get("rows") is not None:
        yield "Rows", f"{detected['rows']:,}"
    if detected.get("blank"):
        yield "Blank", f"{_many(detected['blank'], 'record')} skipped"
    for note in detected.get("notes") or ():
        yield "Note", plain(note)


def _delimiter(delimiter: str) -> str:
    return DELIMITERS.get(delimiter, plain(delimiter))


def _heading(header_row: int | None) -> str:
    return "no headings" if header_row is None else f"headings in record {header_row + 1}"


def _record_table(records: Sequence[Sequence[str | None]], header_row: int | None) -> Table:
    """The first records, as many columns as fit with ten characters each."""
    width = min(max(len(record) for record in records), 6)
    table = _table("First records")
    for _ in range(width):
        table.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    table.show_header = False
    for number, record in enumerate(records):
        cells = [Text("" if cell is None else plain(cell)) for cell in record[:width]]
        table.add_row(*cells, style="bold" if number == header_row else "")
    return table


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=None, expand=True, padding=(0, 2, 0, 1))


# Progress


class _RowsPerSecond(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.fields["speed"]
        return Text(f"{speed:,.0f} rows/s" if speed else "", style="dim")


class Bar:
    """Takes the child's progress events; does nothing where there is no terminal."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._task = progress.add_task("Opening", total=None, speed=0.0) if progress else None
        self._began = time.monotonic()
        self._rows = 0

    def update(self, event: line.Progress) -> None:
        if self._progress is None or self._task is None:
            return
        self._progress.update(
            self._task,
            description=plain(event.step).capitalize(),
            completed=event.done,
            total=event.total or None,
        )
        # Steps that read no more rows (comparing, reporting) leave the speed as it was.
        if event.rows > self._rows:
            self._rows = event.rows
            self._progress.update(self._task, speed=self._rows / max(time.monotonic() - self._began, 0.1))


@contextmanager
def progress_bar(stream: TextIO) -> Iterator[Bar]:
    """A bar with rows/s and time left on `stream` if it is a terminal, gone at the end; nothing in a pipe."""
    if not stream.isatty():
        yield Bar(None)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        _RowsPerSecond(),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=Console(file=stream), transient=True) as progress:
        yield Bar(progress)


def table_console() -> Console:
    """For tables of names and ids: a pipe has no width, and an id that is broken in two is found by nobody."""
    return Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPE_COLUMNS)
