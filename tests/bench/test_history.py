"""The bench's memory: a ratio is held against the last one of its name, processor and scale."""

from __future__ import annotations

import json
from pathlib import Path

from bench import history
from bench.files import Goal, Results

MACHINE = {"commit": "abc", "date": "2026-11-30", "processor": "2 x One"}


def results(parse: float, peer: float = 10.0) -> Results:
    goals = [Goal("csv: CPU", 1.5, 2.5, "x"), Goal("peer", peer, 4, "x", at_least=True), Goal("pages", 12, 15, "ms")]
    return Results(goals=goals, ratios={"csv: parse": parse})


def test_only_ratios_are_kept_and_less_is_better(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    history.keep(results(2.0), MACHINE, "full", path)
    history.keep(Results(), MACHINE, "full", path)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines == [{**MACHINE, "scale": "full", "ratios": {"csv: parse": 2.0, "csv: CPU": 1.5, "peer": 0.1}}]


def test_what_is_worse_by_more_than_eight_percent_is_said(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    assert history.worse(results(9.0), MACHINE, "full", path) == []
    history.keep(results(3.0), MACHINE, "full", path)
    history.keep(results(2.0), {**MACHINE, "commit": "def"}, "full", path)
    history.keep(Results(ratios={"else": 1.0}), MACHINE, "full", path)
    assert history.worse(results(2.16), MACHINE, "full", path) == []
    assert history.worse(results(2.17), MACHINE, "full", path) == [
        "csv: parse: 2.170 x, and 2.000 x with def on 2026-11-30"
    ]
    assert [said[:4] for said in history.worse(results(2.0, peer=9.0), MACHINE, "full", path)] == ["peer"]
    assert history.worse(results(9.0), {**MACHINE, "processor": "8 x Other"}, "full", path) == []
    assert history.worse(results(9.0), MACHINE, "small", path) == []


def test_the_history_that_is_kept_can_be_read() -> None:
    for line in history.HISTORY.read_text().splitlines():
        said = json.loads(line)
        assert {"commit", "date", "processor", "scale", "ratios"} <= said.keys()
        assert all(isinstance(value, float) and value > 0 for value in said["ratios"].values())
