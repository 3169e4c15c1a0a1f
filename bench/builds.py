"""Builds of Douane to be measured: this tree, and that of any commit, set up from git in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = Path(os.environ.get("BENCH_DATA") or ROOT / "bench" / "data").absolute() / "builds"
# What decides which packages a build runs with.
_PACKAGES = ("requirements/run.txt",)


@dataclass(frozen=True, slots=True)
class Build:
    """A tree and the Python that runs it. `command` begins every call, in `tree` and with `environment`: Python looks
    where it stands first."""

    name: str
    tree: Path
    python: str = sys.executable
    environment: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        # Before whatever the environment has of Douane; the children of a build find theirs by its own place.
        object.__setattr__(self, "environment", {**os.environ, "PYTHONPATH": str(self.tree)})

    @property
    def command(self) -> list[str]:
        return [self.python, "-m", "douane"]


OURS = Build("today", ROOT)


def of_commit(commit: str) -> Build:
    """Ready to be run. With the packages of this environment where that commit names the same ones, else with its own,
    in an environment made as its `make run` makes it."""
    sha = _git("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}").decode().strip()
    if not sha:
        raise SystemExit(f"git knows no commit {commit}")
    tree = FOLDER / sha[:12]
    if not (tree / "ready").exists():
        tree.mkdir(parents=True, exist_ok=True)
        subprocess.run(["tar", "-x", "-C", str(tree)], input=_git("archive", sha), check=True)
    build = Build(commit, tree, _python(tree))
    if not (tree / "ready").exists():
        if (tree / "hatch_build.py").exists():
            # Where it runs in this environment nothing has installed it; without its kernel it would be far slower.
            program = "import hatch_build; print(hatch_build.build(), end='')"
            subprocess.run([build.python, "-c", program], cwd=tree, check=True)
        subprocess.run([build.python, "-m", "compileall", "-q", str(tree / "douane")], check=True)
        (tree / "ready").touch()
    return build


def _python(tree: Path) -> str:
    if all((tree / name).read_bytes() == (ROOT / name).read_bytes() for name in _PACKAGES):
        return sys.executable
    subprocess.run(["make", "-C", str(tree), ".venv/run.stamp", f"PYTHON={sys.executable}"], check=True)
    return str(tree / ".venv" / "bin" / "python")


def _git(*arguments: str) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    if done.returncode and arguments[0] != "rev-parse":
        raise SystemExit(done.stderr.decode(errors="replace"))
    return done.stdout
