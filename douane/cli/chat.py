"""`douane chat`: look through a chat export, or turn it into other files, with no server.

As in `files.py`, this process opens the file and the sandboxed child alone parses it; Polars is never imported here.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from rich.console import Console

from douane.cli import chat_screen, screen
from douane.cli.files import opened
from douane.cli.given import settings
from douane.errors import BadRequest
from douane.jobs.children import child_limits, run_child
from douane.settings import Settings

LIMITS = (
    "record_bytes",
    "unpacked_bytes",
    "unpacked_ratio",
    "unpacked_free_bytes",
    "archive_entries",
    "entry_bytes",
    "json_depth",
)


def inspect(name: str, importer: str | None, stage: Path | None, as_json: bool) -> bool:
    """Prints what the directory tells as soon as it is known, then exact counts and the ledger; leaves the staged
    tables in `stage`. True if every record could be read."""
    config = settings()
    spec = {"do": "chat_inspect", "importer": importer, "options": _options(config), "stage": stage is not None}
    console = Console()

    def overview(event: Mapping[str, Any]) -> None:
        if not as_json:
            chat_screen.show_overview(console, name, event)

    with opened(name) as source, _work(stage) as work:
        events = _run(spec, source, work, config, overview)
        if stage is not None:
            _hand_over(work, stage)
    counts = events["inspected"]
    if as_json:
        screen.print_json({"overview": events["overview"], **counts})
    else:
        chat_screen.show_counts(console, counts)
    return not counts["entries"]["failed"]


def convert(
    name: str, importer: str | None, to: str, out: Path, users: Sequence[str], channels: Sequence[str], team: str | None
) -> bool:
    """Writes the export's contents into `out` in another form, and prints what was kept, changed and lost. True if
    every record could be read."""
    config = settings()
    chosen = {"users": list(users), "channels": list(channels)}
    spec = {"do": "chat_convert", "importer": importer, "options": _options(config), "to": to, "team": team, **chosen}
    console = Console()
    with opened(name) as source, _work(out) as work:
        events = _run(spec, source, work, config)
        _hand_over(work, out)
    report = events["converted"]["report"]
    chat_screen.show_report(console, name, events["overview"], report, out)
    return not report["found"]["entries"]["failed"]


@contextmanager
def _work(kept: Path | None) -> Iterator[Path]:
    """A folder for the child, gone at the end; beside what is kept of it, so that moving it there is renaming."""
    if kept is not None:
        if kept.exists() and any(kept.iterdir()):
            raise BadRequest(f"The folder {kept} is not empty; what is written needs one of its own.")
        kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".douane-", dir=kept) as folder:
        yield Path(folder)


def _hand_over(work: Path, kept: Path) -> None:
    for path in sorted(work.iterdir()):
        shutil.move(path, kept / path.name)


def _run(
    spec: Mapping[str, Any],
    source: BinaryIO,
    folder: Path,
    config: Settings,
    overview: Callable[[Mapping[str, Any]], None] = lambda event: None,
) -> dict[str, dict[str, Any]]:
    """Runs the child to its end; the last event of each kind. The `overview` is shown when it comes, and only then a
    bar begins: what is printed into one stays there in pieces."""
    events: dict[str, dict[str, Any]] = {}
    bar = screen.Bar(None)
    with ExitStack() as shown:

        def take(event: dict[str, Any]) -> None:
            nonlocal bar
            kind = event.pop("event")
            if kind == "progress":
                bar.update(event)
                return
            events[kind] = event
            if kind == "overview":
                overview(event)
                bar = shown.enter_context(screen.progress_bar(sys.stderr))

        run_child(dict(spec), source=source.fileno(), folder=folder, on_event=take, limits=child_limits(config))
    return events


def _options(config: Settings) -> dict[str, Any]:
    return {"limits": {limit: getattr(config, limit) for limit in LIMITS}}
