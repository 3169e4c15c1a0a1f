"""Chat exports: `douane chat inspect` as a whole tree of processes, beside the standard library on the same archive.

Each run's counts are compared with the maker's key, to the last reaction, before its figures count for anything.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import time
import venv
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from bench.builds import OURS, Build
from bench.datasets import FOLDER, Export, WrongCounts, export
from bench.files import BENCH, Goal, Results, done, figure, in_turns, scratch
from bench.measure import Run, run

VIEWER = "slack-export-viewer>=3.5,<4"
LARGE = 1_000_000  # messages from which on the goals hold


def chat_subject(results: Results, name: str, peer: str, many: str | None, runs: int) -> None:
    """Douane and the standard library in turns on export `name`; slack-export-viewer on `peer`, which is small, because
    it takes sixteen times the archive in memory; then memory alone on `many` entries."""
    data = export(name)
    subject = f"chat {data.messages:,} messages"
    with scratch() as folder:
        weighed = in_turns(
            {
                "counts": partial(inspect, data),
                "staged": partial(stage, data, folder),
                "(a)": partial(standard_library, data),
            },
            runs,
        )
    with_json = standard_library(data, parse=True)
    first_s = statistics.median(first_numbers(data) for _ in range(runs + 2))
    bare = weighed["(a)"]
    for who, label in (("counts", "Douane, exact counts"), ("staged", "Douane, staged")):
        ratio = weighed[who].cpu_s / bare.cpu_s
        results.figures.append(
            figure(subject, label, data.messages, runs, weighed[who], f"{ratio:.2f} x the CPU of (a)")
        )
    results.figures.append(figure(subject, "(a) zipfile, every entry", data.messages, runs, bare))
    ratio = with_json.cpu_s / bare.cpu_s
    results.figures.append(figure(subject, "(b) zipfile and json", data.messages, 1, with_json, f"{ratio:.2f} x (a)"))
    results.notes.append(f"{subject}: first numbers after {first_s:.2f} s; counts equal the maker's key")
    _viewer(results, export(peer))
    largest = {who: weighed[who].rss_peak_bytes for who in ("counts", "staged")}
    if many:
        crowd = export(many)
        with scratch() as folder:
            for who, result in (("counts", inspect(crowd)), ("staged", stage(crowd, folder))):
                largest[who] = max(largest[who], result.rss_peak_bytes)
                label = f"chat {crowd.key['entries']:,} entries"
                results.figures.append(figure(label, f"Douane, {who}", crowd.messages, 1, result))
        results.notes.append(f"chat {crowd.key['entries']:,} entries: first numbers after {first_numbers(crowd):.2f} s")
    if data.messages < LARGE:
        return
    staged = weighed["staged"]
    results.goals += [
        Goal(f"{subject}: first numbers", first_s, 1, "s"),
        Goal(f"{subject}: CPU of exact counts against (a)", weighed["counts"].cpu_s / bare.cpu_s, 1.5, "x"),
        Goal(f"{subject}: CPU of staging against (a)", staged.cpu_s / bare.cpu_s, 3, "x"),
        Goal(f"{subject}: staged a second", data.messages / staged.wall_s / 1000, 100, "k", at_least=True),
        Goal("chat: largest process, RSS, counting", largest["counts"] / 2**20, 350, "MiB"),
        Goal("chat: largest process, RSS, staging", largest["staged"] / 2**20, 350, "MiB"),
    ]


def inspect(data: Export, build: Build = OURS) -> Run:
    """Exact counts."""
    result = _checked(
        run(
            [*build.command, "chat", "inspect", str(data.path), "--json"], cwd=build.tree, environment=build.environment
        )
    )
    verify_counts(json.loads(result.stdout), data)
    return result


def stage(data: Export, folder: Path, build: Build = OURS) -> Run:
    """All tables staged in a folder of their own, which is gone afterwards."""
    target = folder / "stage"
    shutil.rmtree(target, ignore_errors=True)
    command = [*build.command, "chat", "inspect", str(data.path), "--json", "--stage", str(target)]
    result = _checked(run(command, makes=target, cwd=build.tree, environment=build.environment))
    verify_counts(json.loads(result.stdout), data)
    verify_staged(target, data)
    shutil.rmtree(target)
    return result


def first_numbers(data: Export) -> float:
    """Seconds from the command's start to its first line with a number."""
    started = time.perf_counter()
    process = subprocess.Popen([*OURS.command, "chat", "inspect", str(data.path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if any(letter.isdigit() for letter in line.replace(data.path.name, "")):
                return time.perf_counter() - started
    finally:
        process.terminate()
        process.stdout.close()
        process.wait()
    raise SystemExit("douane chat inspect said no number")


def standard_library(data: Export, *, parse: bool = False) -> Run:
    command = [sys.executable, "-m", "bench.peers.zip_entries", str(data.path), *(["--json"] if parse else [])]
    result = done(run(command, cwd=BENCH.parent))
    said = json.loads(result.stdout)
    if parse and (said["messages"], said["reactions"]) != (data.messages, data.key["reactions"]):
        raise WrongCounts(f"zipfile and json found {result.stdout} in {data.path.name}")
    return result


def _viewer(results: Results, data: Export) -> None:
    """slack-export-viewer lives in an environment of its own. It is held to no count: it loses a channel whose name is
    not ASCII, which is said."""
    folder = FOLDER / "viewer-venv"
    python = folder / "bin/python"
    if not any(folder.glob("lib/python*/site-packages/slackviewer")):
        venv.create(folder, with_pip=True, clear=True)
        installed = subprocess.run([str(python), "-m", "pip", "install", "--quiet", VIEWER], check=False)
        if installed.returncode:
            shutil.rmtree(folder)
            results.notes.append("slack-export-viewer could not be installed here, so it is not compared")
            return
    subject = f"chat {data.messages:,} messages"
    with scratch() as work:
        temporary = work / "viewer"
        load = ["env", f"TMPDIR={temporary}", str(python), str(BENCH / "peers/slack_viewer_load.py"), str(data.path)]
        command = ["sh", "-c", 'mkdir -p "$1" && shift && exec "$@"', "sh", str(temporary), *load]
        theirs = done(run(command, makes=temporary))
        mine = inspect(data)
    found = json.loads(theirs.stdout)["messages"]
    ratio = f"{theirs.cpu_s / mine.cpu_s:.1f} x the CPU of Douane"
    results.figures.append(figure(subject, "Douane, exact counts", data.messages, 1, mine))
    results.figures.append(figure(subject, "slack-export-viewer", data.messages, 1, theirs, ratio))
    results.notes.append(f"slack-export-viewer loads {found:,} of {data.messages:,} messages")


def verify_counts(said: dict[str, Any], data: Export) -> None:
    """Compares `douane chat inspect --json` with the key."""
    key = data.key
    tables, conversations = said["tables"], key["per_conversation"].values()
    expected = {
        "messages": key["messages"],
        "reactions": reaction_rows(key),
        "files": sum(count for state, count in key["files"].items() if state != "null"),
        "mentions": sum(key["mentions"].values()) + sum(key["mentions_in_notices"].values()),
        "members": key["memberships"],
        "channels": sum(key["conversations"].values()) + len(key["unlisted"]),
    }
    differences = [
        f"{name}: {tables.get(name, 0)} instead of {count}"
        for name, count in expected.items()
        if tables.get(name, 0) != count
    ]
    shown = sorted(one["messages"] for one in conversations if one["messages"])
    if sorted(count for count in said["channels"].values() if count) != shown:
        differences.append("messages per channel differ")
    for mine, theirs in (("years", "per_year"), ("subtypes", "per_subtype")):
        if {name: count for name, count in said[mine].items() if count} != key[theirs]:
            differences.append(f"{mine}: {said[mine]} instead of {key[theirs]}")
    ledger = said["entries"]
    if ledger["found"] != ledger["staged"] + ledger["skipped"] + ledger["failed"]:
        differences.append(f"the ledger does not add up: {ledger}")
    if not key["options"]["damage"] and (ledger["skipped"] or ledger["failed"]):
        differences.append(f"nothing is broken in it, but {said['reasons']}")
    if differences:
        raise WrongCounts(f"{data.path.name}: " + "; ".join(differences))


def reaction_rows(key: dict[str, Any]) -> int:
    """Rows of the table of reactions: one a person, and one for each list that was cut."""
    return int(key["reactions"]) + int(key["reactions_cut"])


def verify_staged(folder: Path, data: Export) -> None:
    """Compares the staged tables themselves with the key: every reaction by name and tone, every file by its state,
    every mention by its kind."""
    key = data.key
    found: dict[str, Counter[str]] = {name: Counter() for name in ("reactions", "files", "mentions", "messages")}
    for frame in staged_frames(folder, "reactions"):
        named = frame.filter(pl.col("user").is_not_null()).with_columns(
            shown=pl.when(pl.col("tone") > 0)
            .then(pl.col("name") + "::skin-tone-" + pl.col("tone").cast(pl.String))
            .otherwise(pl.col("name"))
        )
        found["reactions"].update(dict(named["shown"].value_counts().iter_rows()))
    for table, column in (("files", "state"), ("mentions", "kind"), ("messages", "channel")):
        for frame in staged_frames(folder, table):
            found[table].update(dict(frame[column].value_counts().iter_rows()))
    expected = {
        "reactions": Counter(key["per_reaction"]),
        "files": Counter({state: count for state, count in key["files"].items() if state != "null"}),
        "mentions": Counter(key["mentions"]) + Counter(key["mentions_in_notices"]),
    }
    for table, counts in expected.items():
        if found[table] != counts:
            raise WrongCounts(f"{data.path.name}, staged {table}: {dict(found[table])} instead of {dict(counts)}")
    listed = {
        name: one["messages"]
        for name, one in key["per_conversation"].items()
        if one["messages"] and one["kind"] != "unlisted"
    }
    if {name: found["messages"][name] for name in listed} != listed:
        raise WrongCounts(f"{data.path.name}, staged messages: not as many per channel as the key has")
    if sum(found["messages"].values()) != key["messages"]:
        raise WrongCounts(f"{data.path.name}: {sum(found['messages'].values())} messages staged")


def staged_frames(folder: Path, table: str) -> Iterator[pl.DataFrame]:
    """Part after part of a staged table."""
    for path in sorted((folder / table).rglob("*.arrow")):
        yield pl.read_ipc(path)


def _checked(result: Run) -> Run:
    if result.status:
        raise SystemExit(f"douane chat inspect ended with status {result.status}:\n{result.stderr[-3000:]}")
    return result
