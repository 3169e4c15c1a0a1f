"""`make bench`: measures Douane beside its peers, prints a table per subject and what must be reached, as ratios.

    python -m bench.run [--only csv,hostile,peers,xlsx,binary,workbooks,small,pages,upload,mend,feed,deliver,chat,
        widget] [--scale full|small|tiny] [--runs N]
    python -m bench.run --against COMMIT [--only ...] [--scale full|small|tiny] [--runs N]

Every run of Douane is compared with what the maker knows of the file; a difference ends the benchmark at once with
status 2. A goal that is missed is said, and ends it with status 1; so is a ratio that is worse than the last one of the
same kind of processor (`history.py`). Figures also go to `bench/results/` as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench import against, chat, deliver, fair, feed, files, history, mend, server, widget
from bench.datasets import WrongCounts
from bench.files import Results

SUBJECTS = (
    "csv",
    "hostile",
    "peers",
    "xlsx",
    "binary",
    "workbooks",
    "small",
    "pages",
    "upload",
    "fair",
    "mend",
    "feed",
    "deliver",
    "chat",
    "widget",
)
AGAINST = ("ndjson", "exports")  # subjects of that alone
RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Scale:
    """How large each subject's files are. `pages` also has a sparse twin."""

    csv: tuple[str, ...]
    peers: str
    slow_peers: str
    xlsx: str
    xlsx_large: str | None
    pages: str
    upload_bytes: int
    mend_rows: tuple[int, ...]  # the larger ones are held to the first
    chat: tuple[str, str, str | None]  # exports: the subject's, the slow peer's, and one of many entries
    widget: tuple[str, str]  # a file that a customer waits for, and a long one
    workbooks: tuple[str, ...]


SCALES = {
    "full": Scale(
        ("1m", "10m"),
        "1m",
        "100k",
        "200k",
        "1m",
        "10m",
        1 << 30,
        (1_000_000, 10_000_000),
        ("slack-l.zip", "slack-s.zip", "slack-many.zip"),
        ("100k", "1m"),
        ("100k", "1m"),
    ),
    "small": Scale(
        ("100k", "1m"),
        "100k",
        "100k",
        "200k",
        None,
        "1m",
        128 << 20,
        (100_000,),
        ("slack-s.zip", "slack-s.zip", None),
        ("100k", "1m"),
        ("100k",),
    ),
    "tiny": Scale(
        ("10k", "100k"),
        "10k",
        "10k",
        "10k",
        None,
        "100k",
        15 << 20,
        (10_000,),
        ("slack-tiny.zip", "slack-tiny.zip", None),
        ("10k", "100k"),
        ("10k",),
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.run", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--only", default=",".join(SUBJECTS), help=f"some of {','.join(SUBJECTS)}")
    parser.add_argument("--against", metavar="COMMIT", help="measure this build beside that commit's")
    parser.add_argument("--scale", choices=tuple(SCALES), default="full")
    parser.add_argument("--runs", type=int, default=3, help="how often each command is run; medians are shown")
    given = parser.parse_args(arguments)
    chosen = given.only.split(",")
    if unknown := set(chosen) - {*SUBJECTS, *(AGAINST if given.against else ())}:
        parser.error(f"no such subject: {', '.join(sorted(unknown))}")
    scale = SCALES[given.scale]
    results = Results()
    ways: dict[str, Callable[[], None]] = {
        "csv": lambda: files.csv_subject(results, scale.csv, given.runs),
        "hostile": lambda: files.hostile_subject(results, given.runs),
        "peers": lambda: files.peers_subject(results, scale.peers, scale.slow_peers, max(1, given.runs - 2)),
        "xlsx": lambda: files.xlsx_subject(results, scale.xlsx, scale.xlsx_large, given.runs),
        "binary": lambda: files.binary_subject(
            results, "10k" if given.scale == "tiny" else "60k", scale.xlsx, given.scale == "full", given.runs
        ),
        "workbooks": lambda: files.workbooks_subject(results, scale.workbooks, given.runs),
        "small": lambda: server.small_subject(results),
        "pages": lambda: server.pages_subject(results, scale.pages),
        "upload": lambda: server.upload_subject(results, scale.upload_bytes),
        "fair": lambda: fair.fair_subject(results),
        "feed": lambda: feed.feed_subject(results, scale.csv[0], given.runs),
        "mend": lambda: mend.mend_subject(results, scale.mend_rows),
        "deliver": lambda: deliver.deliver_subject(results, scale.csv[0], given.runs),
        "chat": lambda: chat.chat_subject(results, *scale.chat, given.runs),
        "widget": lambda: widget.widget_subject(results, *scale.widget, given.runs),
    }
    # As `make` leaves it: a child behind its walls cannot keep what it compiles, and would do so at every start.
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(Path(__file__).parent.parent / "douane")], check=True)
    load_before = os.getloadavg()[0]
    if given.against:
        works, chosen = [*chosen, *(AGAINST if given.only == ",".join(SUBJECTS) else ())], ["against"]
        size = ("10k",) if given.scale == "tiny" else scale.csv
        ways = {
            "against": lambda: against.against_subject(
                results, given.against, size, scale.xlsx, scale.chat[1], given.runs, works
            )
        }
    for subject in ways:
        if subject in chosen:
            print(f"\n== {subject} ==", flush=True)
            try:
                ways[subject]()
            except WrongCounts as error:
                print(f"\nWRONG COUNTS: {error}", file=sys.stderr)
                return 2
    machine = _machine() | {"load_before": round(load_before, 2), "load_after": round(os.getloadavg()[0], 2)}
    report = _report(results, machine)
    print("\n" + report)
    _keep(results, machine, given.scale, chosen, report)
    slower = history.worse(results, machine, given.scale)
    if slower:
        print("\nWORSE THAN BEFORE:\n" + "\n".join(f"- {sentence}" for sentence in slower))
    if given.scale != "tiny":
        history.keep(results, machine, given.scale)
    return 0 if all(goal.ok for goal in results.goals) and not slower else 1


def _report(results: Results, machine: dict[str, Any]) -> str:
    """Markdown, so that it can be pasted into `docs/bench.md`."""
    out = [f"{key}: {value}" for key, value in machine.items()]
    if results.figures:
        out += ["", *_table(
            ("subject", "who", "runs", "CPU s", "wall s", "peak PSS MiB", "rows/s", "ratio"),
            [
                (f.subject, f.who, str(f.runs), f"{f.cpu_s:.2f}", f"{f.wall_s:.2f}", f"{f.pss_peak_mib:.0f}",
                 f"{f.rows / f.wall_s:,.0f}", f.ratio)
                for f in results.figures
            ],
        )]  # fmt: skip
    if results.goals:
        out += ["", *_table(
            ("it must reach", "measured", "asked", ""),
            [
                (g.name, f"{g.measured:.2f} {g.unit}", f"{'≥' if g.at_least else '≤'} {g.limit:g} {g.unit}",
                 "yes" if g.ok else "NO")
                for g in results.goals
            ],
        )]  # fmt: skip
    if results.notes:
        out += ["", *(f"- {note}" for note in results.notes)]
    return "\n".join(out) + "\n"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in [heads, *rows]
    ]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]


def _keep(results: Results, machine: dict[str, Any], scale: str, chosen: Sequence[str], report: str) -> None:
    RESULTS.mkdir(exist_ok=True)
    name = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    document = {"machine": machine, "scale": scale, "only": list(chosen), **asdict(results)}
    (RESULTS / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")
    (RESULTS / f"{name}.md").write_text(report)
    print(f"kept in {RESULTS.relative_to(Path(__file__).parent.parent)}/{name}.json")


def _machine() -> dict[str, Any]:
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent,
        check=False,
    )
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": commit.stdout.strip(),
        "processor": f"{os.cpu_count()} x {model}",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "python": platform.python_version(),
        "polars": version("polars"),
    }


if __name__ == "__main__":
    sys.exit(main())
