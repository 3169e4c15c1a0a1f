"""What was measured before, a line a run: `bench/history.jsonl`, with the machine and the commit beside the figures.

A run is compared with the last line of the same kind of processor and the same scale: by its ratios alone, for seconds
depend on what else the machine does. All of them are less the better.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.files import Results

HISTORY = Path(__file__).parent / "history.jsonl"
WORSE = 1.08  # single runs differ by some percent


def ratios(results: Results) -> dict[str, float]:
    """By name. Of a goal that is to be large, the other way round."""
    of_goals = {
        goal.name: 1 / goal.measured if goal.at_least else goal.measured
        for goal in results.goals
        if goal.unit == "x" and goal.measured
    }
    return {name: round(value, 4) for name, value in (results.ratios | of_goals).items()}


def worse(results: Results, machine: Mapping[str, Any], scale: str, path: Path = HISTORY) -> list[str]:
    """A sentence for each ratio that is worse by more than WORSE than the last one of its name."""
    said = []
    for name, value in ratios(results).items():
        before = _last(name, machine, scale, path)
        if before is not None and value > before["ratios"][name] * WORSE:
            was, when = before["ratios"][name], f"{before['commit']} on {before['date']}"
            said.append(f"{name}: {value:.3f} x, and {was:.3f} x with {when}")
    return said


def keep(results: Results, machine: Mapping[str, Any], scale: str, path: Path = HISTORY) -> None:
    """Appends this run, if it has any ratio."""
    if found := ratios(results):
        line = {**machine, "scale": scale, "ratios": found}
        with path.open("a") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _last(name: str, machine: Mapping[str, Any], scale: str, path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    lines: list[dict[str, Any]] = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    for line in reversed(lines):
        if (line["processor"], line["scale"]) == (machine["processor"], scale) and name in line["ratios"]:
            return line
    return None
