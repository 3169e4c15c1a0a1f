"""Subjects without a server: `douane check` as a whole tree of processes, beside the peers on the same file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from bench.builds import OURS, Build
from bench.datasets import FOLDER, Dataset, WrongCounts, dataset, hostile, template_json, template_yaml, verify, wide
from bench.measure import Run, median, run

BENCH = Path(__file__).parent
FRICTIONLESS = "frictionless>=5.18,<6"


@dataclass(slots=True)
class Figure:
    """One line of a subject's table. `ratio` is against the line it names."""

    subject: str
    who: str
    rows: int
    runs: int
    cpu_s: float
    wall_s: float
    pss_peak_mib: float
    ratio: str = ""


@dataclass(slots=True)
class Goal:
    """One thing that must be reached, as measured."""

    name: str
    measured: float
    limit: float
    unit: str
    at_least: bool = False

    @property
    def ok(self) -> bool:
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit


@dataclass(slots=True)
class Results:
    figures: list[Figure] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    # Those that are kept for the next run to be compared with, beside the goals that are ratios. Less is better.
    ratios: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def csv_subject(results: Results, sizes: Sequence[str], runs: int) -> None:
    """Douane against (a) and (a0) at each size, in turns; then how the larger compares with the smaller per row."""
    per_row: list[float] = []
    for size in sizes:
        data = dataset(f"people-{size}.csv")
        with scratch() as folder:
            weighed = in_turns(
                {
                    "Douane": partial(check, data, folder),
                    "(a) Polars bare read": partial(_polars, data, folder),
                    "(a0) Polars bare parse": partial(_polars_parse, data),
                },
                runs,
            )
        mine, polars, parse = (weighed[name] for name in weighed)
        ratio = mine.cpu_s / polars.cpu_s
        subject = f"csv {size} x 10"
        results.figures += [
            figure(subject, "Douane", data.rows, runs, mine, f"{ratio:.2f} x the CPU of (a)"),
            figure(subject, "(a) Polars bare read", data.rows, runs, polars),
            figure(
                subject, "(a0) Polars bare parse", data.rows, runs, parse,
                f"Douane: {mine.cpu_s / parse.cpu_s:.2f} x the CPU of (a0)",
            ),
        ]  # fmt: skip
        per_row.append(mine.cpu_s / data.rows)
        results.ratios[f"{subject}: CPU against (a0)"] = mine.cpu_s / parse.cpu_s
        if data.rows >= 10_000_000:
            results.goals.append(Goal(f"{subject}: CPU against (a)", ratio, 2.5, "x"))
            results.goals.append(Goal(f"{subject}: CPU against (a0)", mine.cpu_s / parse.cpu_s, 2.5, "x"))
            results.goals.append(Goal(f"{subject}: peak PSS of the tree", mine.pss_peak_bytes / 2**20, 350, "MiB"))
        else:
            results.notes.append(
                f"{subject}: {ratio:.2f} x the CPU of (a), peak PSS {mine.pss_peak_bytes / 2**20:.0f} MiB"
            )
    if len(per_row) > 1:
        # Start-up weighs on the small file only, so a linear program stays at or below 1.
        results.goals.append(Goal(f"CPU per row, {sizes[-1]} against {sizes[0]}", per_row[-1] / per_row[0], 1.15, "x"))


def peers_subject(results: Results, size: str, slow_size: str, runs: int) -> None:
    """Douane against (b) at `size`, and against (c) and (d) at `slow_size`: they are slow, and linear."""
    _install_node_peer()
    template = str(template_json())
    data, slow = dataset(f"people-{size}.csv"), dataset(f"people-{slow_size}.csv")
    frictionless = _frictionless_python()

    def node(folder: Path) -> Run:
        result = done(
            run(["node", str(BENCH / "peers/papaparse_ajv.mjs"), str(data.path), template, str(folder / "o")])
        )
        _verify_peer(result, data, "papaparse + ajv")
        return result

    def pydantic(folder: Path) -> Run:
        command = [sys.executable, "-m", "bench.peers.csv_pydantic", str(slow.path), str(folder / "o")]
        result = done(run(command, cwd=BENCH.parent))
        _verify_peer(result, slow, "csv + pydantic", rules=False)
        return result

    def frictionless_validate() -> Run:
        return done(run([frictionless, str(BENCH / "peers/frictionless_validate.py"), str(slow.path), template]))

    with scratch() as folder:
        weighed = in_turns({"Douane": partial(check, data, folder), "node": partial(node, folder)}, runs)
        mine, theirs = weighed["Douane"], weighed["node"]
        ratio = theirs.cpu_s / mine.cpu_s
        subject = f"peers {size} x 10"
        results.figures += [
            figure(subject, "Douane", data.rows, runs, mine, f"{ratio:.1f} x less CPU than (b)"),
            figure(subject, "(b) papaparse + ajv", data.rows, runs, theirs),
        ]
        if data.rows >= 1_000_000:
            results.goals.append(Goal(f"{subject}: CPU of (b) against Douane", ratio, 7, "x", at_least=True))

        weighed = in_turns(
            {
                "Douane": partial(check, slow, folder),
                "(c) frictionless": frictionless_validate,
                "(d) csv + pydantic": partial(pydantic, folder),
            },
            runs,
        )
    subject = f"peers {slow_size} x 10"
    for who, weight in weighed.items():
        ratio_text = "" if who == "Douane" else f"{weight.cpu_s / weighed['Douane'].cpu_s:.1f} x the CPU of Douane"
        results.figures.append(figure(subject, who, slow.rows, runs, weight, ratio_text))
    if slow.rows >= 100_000:
        ratio = weighed["(d) csv + pydantic"].cpu_s / weighed["Douane"].cpu_s
        results.goals.append(Goal(f"{subject}: CPU of (d) against Douane", ratio, 4, "x", at_least=True))


def hostile_subject(results: Results, runs: int) -> None:
    """Our reader of delimited text alone, on what careless readers are slow at, beside Python's `csv`."""
    for name in ("strays", "wide", "line"):
        path, rows = hostile(name)
        weighed = in_turns(
            {
                "Douane, reading alone": partial(_read, path, rows),
                "Python's csv": lambda path=path: done(
                    run([sys.executable, "-m", "bench.peers.csv_count", str(path)], cwd=BENCH.parent)
                ),
            },
            runs,
        )
        mine, theirs = weighed["Douane, reading alone"], weighed["Python's csv"]
        ratio = mine.cpu_s / theirs.cpu_s
        subject = f"hostile, {name}"
        results.figures += [
            figure(subject, "Douane, reading alone", rows, runs, mine, f"{ratio:.2f} x the CPU of csv"),
            figure(subject, "Python's csv", rows, runs, theirs),
        ]
        results.goals.append(Goal(f"{subject}: CPU against csv", ratio, 3, "x"))


def xlsx_subject(results: Results, size: str, large: str | None, runs: int) -> None:
    """Douane against calamine's bare rows, with the texts shared (as Excel writes) and inline (as streams do)."""
    for strings in ("shared", "inline"):
        data = dataset(f"people-{size}-{strings}.xlsx")
        with scratch() as folder:
            weighed = in_turns(
                {
                    "Douane": partial(check, data, folder),
                    "calamine iter_rows": partial(_calamine, data),
                },
                runs,
            )
        mine, bare = weighed["Douane"], weighed["calamine iter_rows"]
        ratio = mine.cpu_s / bare.cpu_s
        subject = f"xlsx {size} x 10, {strings}"
        results.figures += [
            figure(subject, "Douane", data.rows, runs, mine, f"{ratio:.2f} x the CPU of calamine"),
            figure(subject, "calamine iter_rows", data.rows, runs, bare),
        ]
        if data.rows >= 200_000:
            results.goals.append(Goal(f"{subject}: CPU against calamine", ratio, 1.8, "x"))
        if large:
            data = dataset(f"people-{large}-{strings}.xlsx")
            with scratch() as folder:
                mine = check(data, folder)
            subject = f"xlsx {large} x 10, {strings}"
            results.figures.append(figure(subject, "Douane", data.rows, 1, mine))
            results.goals.append(Goal(f"{subject}: peak PSS of the tree", mine.pss_peak_bytes / 2**20, 240, "MiB"))


def binary_subject(results: Results, size: str, whole: str, large: bool, runs: int) -> None:
    """Our readers of .xls and .xlsb alone, beside that of .xlsx on the same rows and beside three peers; then whole
    checks beside calamine's bare rows, of an .xlsb with `whole` rows, which an .xls may not have."""
    old, binary, book = (dataset(f"people-{size}{ending}") for ending in ("-old.xls", "-binary.xlsb", "-shared.xlsx"))
    ways = {
        "Douane, .xlsx": partial(_read, book.path, book.rows),
        "Douane, .xls": partial(_read, old.path, old.rows),
        "Douane, .xlsb": partial(_read, binary.path, binary.rows),
        "calamine, .xls": partial(_binary_rows, "calamine", old),
        "xlrd, .xls": partial(_binary_rows, "xlrd", old),
        "calamine, .xlsb": partial(_binary_rows, "calamine", binary),
        "pyxlsb, .xlsb": partial(_binary_rows, "pyxlsb", binary),
    }
    weighed = in_turns(ways, runs)
    subject = f"binary {size} x 10"
    for who, weight in weighed.items():
        ratio = weight.cpu_s / weighed["Douane, .xlsx"].cpu_s
        results.figures.append(figure(subject, who, book.rows, runs, weight, f"{ratio:.2f} x the CPU of our .xlsx"))
        if who in ("Douane, .xls", "Douane, .xlsb"):
            results.goals.append(Goal(f"{subject}: CPU of {who[8:]} against .xlsx", ratio, 1, "x"))
    for ending, data in ((".xls", old), (".xlsb", dataset(f"people-{whole}-binary.xlsb"))):
        with scratch() as folder:
            checked = {
                "Douane, check": partial(check, data, folder),
                "calamine": partial(_binary_rows, "calamine", data),
            }
            weighed = in_turns(checked, runs)
        ratio = weighed["Douane, check"].cpu_s / weighed["calamine"].cpu_s
        subject = f"{ending[1:]} {data.rows:,} x 10"
        results.figures += [figure(subject, who, data.rows, runs, weight) for who, weight in weighed.items()]
        if data.rows >= 60_000:
            results.goals.append(Goal(f"{subject}: CPU of a check against calamine", ratio, 2, "x"))
    if not large:
        return
    data = dataset("people-1m-binary.xlsb")
    for name, path, rows in (("xls 65,536 x 256", wide(65_536, 256), 65_535), ("xlsb 1m x 10", data.path, data.rows)):
        weight = _read(path, rows)
        results.figures.append(figure(name, "Douane, reading alone", rows, 1, weight))
        results.goals.append(Goal(f"{name}: peak PSS", weight.pss_peak_bytes / 2**20, 250, "MiB"))
        results.goals.append(Goal(f"{name}: CPU to the first page", json.loads(weight.stdout)["first_s"], 2, "s"))


def workbooks_subject(results: Results, sizes: Sequence[str], runs: int) -> None:
    """Annotated workbooks of all rows, and what they change when they come back as they are, which is nothing."""
    for size in sizes:
        data = dataset(f"people-{size}.csv")
        with scratch() as folder:
            stage, book = folder / "stage", folder / "mend.xlsx"
            arguments = ["check", str(data.path), "--template", str(template_yaml()), "--json", "--stage", str(stage)]
            checked = run([*OURS.command, *arguments], makes=stage)
            verify(json.loads(checked.stdout), data, what="douane check")
            made = in_turns({"made": partial(_mended, "make", stage, book, {"rows": data.rows})}, runs)["made"]
            unchanged = {"rows": data.rows, "cells": 0, "missing": 0}
            ways = {
                "compared": partial(_mended, "compare", stage, book, unchanged),
                "read alone": partial(_read, book, data.rows),
            }
            weighed = in_turns(ways, runs)
        subject = f"workbook to mend {size} x 10"
        ratio = weighed["compared"].cpu_s / weighed["read alone"].cpu_s
        results.figures += [
            figure(subject, "made", data.rows, runs, made),
            figure(subject, "compared", data.rows, runs, weighed["compared"], f"{ratio:.2f} x the CPU of reading it"),
            figure(subject, "read alone", data.rows, runs, weighed["read alone"]),
        ]
        if data.rows < 100_000:  # most of which is the start
            continue
        results.goals += [
            Goal(f"{subject}: made in", made.wall_s, 180 if data.rows >= 1_000_000 else 20, "s"),
            Goal(f"{subject}: peak PSS", made.pss_peak_bytes / 2**20, 400, "MiB"),
            Goal(f"{subject}: its return against a plain reading", ratio, 1.5, "x"),
        ]


def _mended(what: str, stage: Path, book: Path, said: Mapping[str, int]) -> Run:
    result = done(run([sys.executable, "-m", "bench.mend_workbook", what, str(stage), str(book)], cwd=BENCH.parent))
    if json.loads(result.stdout) != said:
        raise WrongCounts(f"a workbook to mend: {result.stdout}")
    return result


def _read(path: Path, rows: int) -> Run:
    result = done(run([sys.executable, "-m", "bench.read_workbook", str(path)], cwd=BENCH.parent))
    if json.loads(result.stdout)["rows"] != rows:
        raise WrongCounts(f"our reader on {path.name} found {result.stdout}")
    return result


def _binary_rows(reader: str, data: Dataset) -> Run:
    result = done(run([sys.executable, "-m", "bench.peers.binary_rows", reader, str(data.path)], cwd=BENCH.parent))
    if json.loads(result.stdout)["rows"] != data.rows:
        raise WrongCounts(f"{reader} on {data.path.name} found {result.stdout}")
    return result


def check(data: Dataset, scratch: Path, build: Build = OURS) -> Run:
    """`douane check` to staged, unique-checked and pageable, in a folder of its own that is gone afterwards."""
    stage = scratch / "stage"
    shutil.rmtree(stage, ignore_errors=True)
    arguments = ["check", str(data.path), "--template", str(template_yaml()), "--json", "--stage", str(stage)]
    result = run([*build.command, *arguments], makes=stage, cwd=build.tree, environment=build.environment)
    if result.status not in (0, 1):
        raise SystemExit(f"douane check ended with status {result.status}:\n{result.stderr[-3000:]}")
    verify(json.loads(result.stdout), data, what="douane check")
    if not any(path.is_file() and path.stat().st_size for path in stage.rglob("*")):
        raise WrongCounts(f"douane check staged nothing for {data.path.name}")
    shutil.rmtree(stage)
    return result


def _polars(data: Dataset, scratch: Path) -> Run:
    target = scratch / "all.parquet"
    result = done(run([sys.executable, "-m", "bench.peers.polars_read", str(data.path), str(target)], cwd=BENCH.parent))
    target.unlink()
    return result


def _polars_parse(data: Dataset) -> Run:
    """Its count of bytes is one that no reading can leave out: that of the cells themselves."""
    result = done(run([sys.executable, "-m", "bench.peers.polars_parse", str(data.path)], cwd=BENCH.parent))
    said = json.loads(result.stdout)
    if said["rows"] != data.rows or not 0 < said["cell_bytes"] < data.path.stat().st_size:
        raise WrongCounts(f"Polars on {data.path.name} found {result.stdout}")
    return result


def _calamine(data: Dataset) -> Run:
    return done(run([sys.executable, "-m", "bench.peers.calamine_rows", str(data.path)], cwd=BENCH.parent))


def in_turns(ways: Mapping[str, Callable[[], Run]], runs: int) -> dict[str, Run]:
    """Medians of each way, run in turns (A B A B), so that a busy machine is busy for all of them."""
    weighed: dict[str, list[Run]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, way in ways.items():
            result = way()
            print(
                f"  {name}: {result.cpu_s:.2f} CPU s, {result.wall_s:.2f} s, {result.pss_peak_bytes >> 20} MiB",
                flush=True,
            )
            weighed[name].append(result)
    return {name: median(results) for name, results in weighed.items()}


def figure(subject: str, who: str, rows: int, runs: int, weight: Run, ratio: str = "") -> Figure:
    return Figure(
        subject, who, rows, runs, round(weight.cpu_s, 3), round(weight.wall_s, 3),
        round(weight.pss_peak_bytes / 2**20, 1), ratio,
    )  # fmt: skip


def done(result: Run) -> Run:
    if result.status:
        raise SystemExit(f"a peer ended with status {result.status}:\n{result.stderr[-3000:]}")
    return result


def _verify_peer(result: Run, data: Dataset, who: str, *, rules: bool = True) -> None:
    """A peer that finds something else than the truth would be compared unfairly."""
    said: dict[str, Any] = json.loads(result.stdout)
    expected = data.truth["columns"]
    columns = expected if rules else {key: sum(of_column.values()) for key, of_column in expected.items()}
    if (said["rows"], said["invalid"], said["columns"]) != (data.rows, data.truth["invalid"], columns):
        raise WrongCounts(f"{who} on {data.path.name} found {result.stdout}")


def _install_node_peer() -> None:
    if not (BENCH / "node_modules/ajv/package.json").exists():
        # No lock file: it would name the hosts the packages came from. The versions are pinned in package.json.
        subprocess.run(["npm", "install", "--no-package-lock", "--no-audit", "--no-fund"], cwd=BENCH, check=True)


def _frictionless_python() -> str:
    """Frictionless lives in an environment of its own: its dependencies are none of ours."""
    folder = BENCH / ".venv"
    python = folder / "bin/python"
    if not any(folder.glob("lib/python*/site-packages/frictionless")):
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", FRICTIONLESS], check=True)
    return str(python)


@contextmanager
def scratch() -> Iterator[Path]:
    """Beside the data, not in /tmp, which may be memory."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix=f"run-{os.getpid()}-") as folder:
        yield Path(folder)
