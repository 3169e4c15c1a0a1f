"""Today's build beside that of a commit, in turns on the same files: is it slower, and where?"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from bench import chat, exports, server
from bench.builds import OURS, Build, of_commit
from bench.datasets import FOLDER, Dataset, dataset, export, template_yaml
from bench.files import Results, check, figure, in_turns, scratch
from bench.measure import Run, run, tree_cpu_s

TURNS_MIN = 5
PAGES = 60
SMALL_IMPORTS = 5


def against_subject(
    results: Results, commit: str, csv: tuple[str, ...], xlsx: str, name: str, runs: int, only: Collection[str]
) -> None:
    """Commands, each as a whole tree of processes; then a server of each build, for imports and pages. CPU seconds are
    compared, as medians of at least five turns. `only`: the subjects whose works are done."""
    old = of_commit(commit)
    builds, turns = (OURS, old), max(TURNS_MIN, runs)
    with scratch() as folder:
        for work, rows, way in _works(csv, xlsx, name, folder, only):
            print(f" {work}", flush=True)
            weighed = in_turns({build.name: partial(way, build) for build in builds}, turns)
            _compare(results, work, rows, turns, weighed[OURS.name], weighed[old.name], old.name)
    if "pages" in only:
        _served(results, old, csv[0], turns)
    if "exports" in only:
        exports.exports_against(results, old, csv[0], turns)


def _works(
    csv: tuple[str, ...], xlsx: str, name: str, folder: Path, only: Collection[str]
) -> Iterator[tuple[str, int, Callable[[Build], Run]]]:
    """(what is done, to how many rows or messages, the way a build does it)."""
    if "small" in only:
        ten = dataset("people-10.csv")
        yield "--help", 1, lambda build: _command(build, "--help")
        yield "check, 10 rows", 10, lambda build: check(ten, folder, build)
        yield "rows, 10 rows", 10, lambda build: _command(build, "rows", str(ten.path))
    if "csv" in only:
        for size in csv:
            data = dataset(f"people-{size}.csv")
            yield f"check, csv {size}", data.rows, partial(_check, data, folder)
    if "ndjson" in only:
        people = dataset(f"people-{csv[0]}.csv")
        for form, path in (("ndjson", _ndjson(people)), ("json", _array(people))):
            arguments = ("check", str(path), "--template", str(template_yaml()), "--json")
            yield f"check, {form} {csv[0]}", people.rows, partial(_check_as_is, arguments)
    if "xlsx" in only:
        book = dataset(f"people-{xlsx}-shared.xlsx")
        yield f"check, xlsx {xlsx}", book.rows, partial(_check, book, folder)
    if "chat" in only:
        slack = export(name)
        yield f"chat inspect, {name}", slack.messages, lambda build: chat.inspect(slack, build)
        yield f"chat inspect --stage, {name}", slack.messages, lambda build: chat.stage(slack, folder, build)


def _check(data: Dataset, folder: Path, build: Build) -> Run:
    return check(data, folder, build)


def _command(build: Build, *arguments: str) -> Run:
    result = run([*build.command, *arguments], cwd=build.tree, environment=build.environment)
    if result.status not in (0, 1):
        raise SystemExit(f"{build.name}: douane {arguments[0]} ended with {result.status}:\n{result.stderr[-2000:]}")
    return result


def _check_as_is(arguments: tuple[str, ...], build: Build) -> Run:
    return _command(build, *arguments)


def _array(data: Dataset) -> Path:
    """The same records as one array, an object a line."""
    path = FOLDER / f"{data.path.stem}.json"
    if not path.exists() or path.stat().st_mtime < data.path.stat().st_mtime:
        with _ndjson(data).open("rb") as lines, path.open("wb") as file:
            for number, line in enumerate(lines):
                file.write((b",\n" if number else b"[\n") + line.rstrip(b"\n"))
            file.write(b"\n]\n")
    return path


def _ndjson(data: Dataset) -> Path:
    path = FOLDER / f"{data.path.stem}.ndjson"
    if not path.exists() or path.stat().st_mtime < data.path.stat().st_mtime:
        pl.scan_csv(data.path, infer_schema=False).sink_ndjson(path)
    return path


def _served(results: Results, old: Build, size: str, turns: int) -> None:
    """A server of each build, started in turns: 100 rows from upload to page, then pages of a larger file."""
    found: dict[str, list[dict[str, float]]] = {OURS.name: [], old.name: []}
    for _ in range(turns):
        for build in (OURS, old):
            found[build.name].append(_turn(build, size))
            print(f"  {build.name} over HTTP: {json.dumps(found[build.name][-1])}", flush=True)
    for what in found[OURS.name][0]:
        mine, theirs = (statistics.median(one[what] for one in found[who]) for who in (OURS.name, old.name))
        results.notes.append(f"{what}: {mine:.3f} against {theirs:.3f} of {old.name}, {mine / theirs:.2f} x")


def _turn(build: Build, size: str) -> dict[str, float]:
    small, data = dataset("people-100.csv"), dataset(f"people-{size}.csv")
    with server.serving(build) as running:
        client, pid = running.client, running.process.pid
        server.small_import(client, small)
        before = tree_cpu_s(pid)
        took = [sum(server.small_import(client, small).values()) for _ in range(SMALL_IMPORTS)]
        import_cpu_s = (tree_cpu_s(pid) - before) / SMALL_IMPORTS
        upload_id = client.upload(data.path)["_id"]
        client.map(upload_id)
        client.review(upload_id)
        last = max(1, data.rows // server.PAGE_ROWS)
        before, pages = tree_cpu_s(pid), list[float]()
        for number in range(PAGES):
            started = time.perf_counter()
            found: dict[str, Any] = client.page(upload_id, "all", 1 + number * (last - 1) // PAGES)
            pages.append(time.perf_counter() - started)
            assert len(found["data"]) == min(server.PAGE_ROWS, data.rows)
        return {
            "100 rows over HTTP, s": statistics.median(took),
            "100 rows over HTTP, CPU s": import_cpu_s,
            f"page of 100 from {size}, ms": 1000 * statistics.median(pages),
            f"page of 100 from {size}, CPU ms": 1000 * (tree_cpu_s(pid) - before) / PAGES,
        }


def _compare(results: Results, work: str, rows: int, turns: int, mine: Run, theirs: Run, commit: str) -> None:
    ratio = f"{mine.cpu_s / theirs.cpu_s:.2f} x the CPU of {commit}, {_times(mine, theirs)} x its peak PSS"
    results.ratios[f"{work}: CPU against {commit}"] = mine.cpu_s / theirs.cpu_s
    results.figures += [
        figure(work, OURS.name, rows, turns, mine, ratio),
        figure(work, commit, rows, turns, theirs),
    ]


def _times(mine: Run, theirs: Run) -> str:
    return f"{mine.pss_peak_bytes / theirs.pss_peak_bytes:.2f}" if theirs.pss_peak_bytes else "-"
