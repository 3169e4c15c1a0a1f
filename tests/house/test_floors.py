"""The tools that keep the house: they judge the whole tree, with the settings of pyproject.toml."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "--quiet"],
        ["ruff", "format", "--check", "--quiet"],
        ["mypy"],
        ["lint-imports", "--no-cache"],
    ],
    ids=["lint", "format", "types", "floors"],
)
def test_tree(command: list[str]) -> None:
    name, *arguments = command
    done = subprocess.run([PROGRAMS / name, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]


def test_the_command_line_starts_light() -> None:
    """`douane --help` must not pay for the engines."""
    program = "import sys, douane.cli; print(*sorted({'polars', 'dbos', 'sqlalchemy', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_web_process_starts_without_the_job_engine() -> None:
    """DBOS loads in the background, while the first requests are answered."""
    program = "import sys, douane.web.app; print(*sorted({'dbos'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
