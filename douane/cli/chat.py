"""`douane chat`: look through a chat export, or turn it into other files, with no server.

As in `files.py`, this process opens the file and the sandboxed child alone parses it; Polars is never imported here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from msgspec import Struct
from msgspec.structs import replace

from douane.chat.sums import Sums, counts_of
from douane.cli import output
from douane.cli.folders import packed
from douane.cli.given import settings
from douane.cli.inputs import Events, opened
from douane.errors import BadFile, BadRequest, Cancelled
from douane.jobs.children import Place, child_limits, run_child
from douane.line import Event, Progress
from douane.line.chat import Overview
from douane.line.chat_export import ChatConvert, ChatInspect, Converted, Counted, StagedExport
from douane.model.source import Limits
from douane.settings import Settings

SHARES_MAX = 4
_TABLE = re.compile(r"[a-z_]{1,40}")
SHARED_FROM_BYTES = 64 << 20


def inspect(name: str, importer: str | None, stage: Path | None, as_json: bool) -> bool:
    """Prints what the directory tells as soon as it is known, then exact counts and the ledger; leaves the staged
    tables in `stage`. True if every record could be read."""
    config = settings()
    spec = ChatInspect(importer=importer, limits=_limits(config), stage=stage is not None)

    def overview(event: Overview) -> None:
        if not as_json:
            from rich.console import Console

            from douane.cli import chat_screen

            chat_screen.show_overview(Console(), name, _plain(event))

    with _opened(name, config) as source, _work(stage) as work:
        export = _Export(source, config, overview)
        if stage is not None:
            told, counts = export.staged(spec, work)
            _hand_over(work, stage)
        else:
            events = export.run(spec, work)
            told, counts = _plain(events.one(Overview)), _plain(events.one(Counted))
    if as_json:
        output.print_json({"overview": told, **counts})
    else:
        from rich.console import Console

        from douane.cli import chat_screen

        chat_screen.show_counts(Console(), counts)
    return not counts["entries"]["failed"]


@dataclass(frozen=True, slots=True)
class _Share:
    """Which part of an export a child reads. `cancelled`: whether another one has failed."""

    number: int = 0
    of: int = 1
    cancelled: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class _Export:
    """An export that is open, and who is shown its overview."""

    source: BinaryIO
    config: Settings
    overview: Callable[[Overview], None] = lambda event: None

    def run(self, spec: ChatInspect | ChatConvert, folder: Path, share: _Share = _Share()) -> Events:
        """Runs the child to its end; the last event of each kind. The overview is shown when it comes, and only then a
        bar begins: what is printed into one stays there in pieces. Of several children with a share each, the first one
        stands for all."""
        events = Events()
        bar: output.Bar = output.NoBar()
        with ExitStack() as shown:

            def take(event: Event) -> None:
                nonlocal bar
                if isinstance(event, Progress):
                    done = min(event.done * share.of, event.total)
                    bar.update(replace(event, done=done, rows=event.rows * share.of))
                    return
                events.keep(event)
                if isinstance(event, Overview) and share.number == 0:
                    self.overview(event)
                    bar = shown.enter_context(output.progress_bar(sys.stderr))

            place = Place(folder, (), child_limits(self.config), forked=True)
            run_child(spec, place, source=self.source.fileno(), on_event=take, cancelled=share.cancelled)
        return events

    def staged(self, spec: ChatInspect, work: Path) -> tuple[dict[str, Any], dict[str, Any]]:
        """All tables in `work`, with what is in which part; the overview and the counts. A large export is shared among
        as many children as there are cores, because one of them keeps only one core busy."""
        of = min(SHARES_MAX, len(os.sched_getaffinity(0)))
        if os.fstat(self.source.fileno()).st_size < SHARED_FROM_BYTES:
            of = 1
        runs = self._shared(spec, work, of)
        tables: dict[str, list[dict[str, Any]]] = {}
        for share, events in enumerate(runs):
            for table, parts in events.one(StagedExport).tables.items():
                if not _TABLE.fullmatch(table):
                    raise BadFile("The program that read the export gave no sensible answer.")
                (work / table).mkdir(exist_ok=True)
                for part in parts:
                    file = Path(table) / part.path.name.removeprefix(f"{table}~")
                    part.path.rename(work / file)
                    tables.setdefault(table, []).append({"file": str(file), "rows": part.rows})
            shutil.rmtree(work / f"share-{share}")
        counts = asdict(counts_of([Sums(**_plain(events.one(StagedExport).sums)) for events in runs]))
        told = _plain(runs[0].one(Overview))
        manifest = {"overview": told, "tables": tables, "counts": counts}
        (work / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False, indent=1), encoding="utf-8")
        return told, counts

    def _shared(self, spec: ChatInspect, work: Path, of: int) -> list[Events]:
        failed = threading.Event()

        def run(number: int) -> Events:
            folder = work / f"share-{number}"
            folder.mkdir()
            try:
                return self.run(replace(spec, share=number, of=of), folder, _Share(number, of, failed.is_set))
            except BaseException:
                failed.set()
                raise

        with ThreadPoolExecutor(of) as threads:
            others = [threads.submit(run, number) for number in range(1, of)]
            try:
                runs = [run(0)]
            except Cancelled:
                for other in others:
                    other.result()  # the one that failed first says why
                raise
            return runs + [other.result() for other in others]


def convert(name: str, importer: str | None, wanted: Mapping[str, Any], out: Path, as_json: bool) -> bool:
    """Writes the export's contents into `out` in another form, and prints what was kept, changed and lost. `wanted`:
    {to, users, channels, team}. True if every record could be read."""
    config = settings()
    spec = ChatConvert(importer=importer, limits=_limits(config), **wanted)
    with _opened(name, config) as source, _work(out) as work:
        events = _Export(source, config).run(spec, work)
        _hand_over(work, out)
    report = events.one(Converted).report
    if as_json:
        output.print_json(report)
    else:
        from rich.console import Console

        from douane.cli import chat_screen

        chat_screen.show_report(Console(), name, _plain(events.one(Overview)), report, out)
    return not report["found"]["entries"]["failed"]


@contextmanager
def _opened(name: str, config: Settings) -> Iterator[BinaryIO]:
    """The file; of a folder, its files as one."""
    if name != "-" and Path(name).is_dir():
        with packed(Path(name), _limits(config)) as source:
            yield source
        return
    with opened(name) as source:
        yield source


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


def _limits(config: Settings) -> Limits:
    return Limits(**{name: getattr(config, name) for name in Limits.__struct_fields__})


def _plain(said: Struct) -> dict[str, Any]:
    """As JSON has it."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name in said.__struct_fields__
        for value in (getattr(said, name),)
    }
