"""The tools that keep the house: they judge the whole tree, with the settings of pyproject.toml."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import grimp
import pytest
from importlinter.application.use_cases import read_user_options
from importlinter.configuration import configure
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.independence import IndependenceContract
from importlinter.contracts.layers import LayersContract

pytestmark = pytest.mark.long

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


CONTRACTS = {
    contract["name"].split(":")[0]: contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
}
KINDS = {"layers": LayersContract, "forbidden": ForbiddenContract, "independence": IndependenceContract}
# One import that each wall is there for, as (who, what).
BREACHES = {
    "Floors": ("douane.store.people", "douane.flow.identity"),
    "Pure rooms take values and give values": ("douane.sheet.check", "sqlalchemy"),
    "Only the store holds SQL": ("douane.web.metrics", "sqlalchemy"),
    "The child sees its file and nothing else": ("douane.child.sheet", "douane.store.objects"),
    "Surfaces are strangers to each other": ("douane.web.chat.imports", "douane.web.spreadsheet.wire"),
    "What serves and what works are started, not imported": ("douane.web.app", "douane.flow.worker"),
}
MORE_BREACHES = [
    ("Pure rooms take values and give values", "douane.sheet.check", "douane.store.people"),
    ("Pure rooms take values and give values", "douane.sheet.columns.date", "time"),
    ("Pure rooms take values and give values", "douane.chat.plan", "douane.outbound"),
    ("Pure rooms take values and give values", "douane.chat.settle", "secrets"),
    ("Pure rooms take values and give values", "douane.model.operation", "httpx"),
    ("Only the store holds SQL", "douane.cli.house", "sqlalchemy"),
    ("Only the store holds SQL", "douane.web.chat.workspace", "psycopg"),
    ("The child sees its file and nothing else", "douane.child.chat_run", "httpx"),
    ("Floors", "douane.sheet.check", "douane.staging.masks"),
]


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    configure()
    return grimp.build_graph("douane", include_external_packages=True, cache_dir=None)


def kept(name: str, graph: grimp.ImportGraph) -> bool:
    options = read_user_options(str(ROOT / "pyproject.toml"))
    given = next(one for one in options.contracts_options if one["name"].startswith(name))
    contract: Any = KINDS[given["type"]](given["name"], options.session_options, given)
    return bool(contract.check(graph, verbose=False).kept)


def test_every_wall_has_a_breach_that_is_tried() -> None:
    assert BREACHES.keys() == CONTRACTS.keys()


@pytest.mark.parametrize(
    ("wall", "who", "what"), [*((wall, *breach) for wall, breach in BREACHES.items()), *MORE_BREACHES]
)
def test_a_breach_of_a_wall_is_noticed(wall: str, who: str, what: str, graph: grimp.ImportGraph) -> None:
    breached = graph.__deepcopy__({})
    if what not in breached.modules:
        breached.add_module(what, is_squashed=True)
    assert who in breached.modules
    breached.add_import(importer=who, imported=what)
    assert kept(wall, graph)
    assert not kept(wall, breached)


def test_the_command_line_starts_light() -> None:
    """`douane --help` must pay for no engine, and for nothing that only a verb needs."""
    program = (
        "import sys, douane.cli\n"
        "heavy = {'polars', 'dbos', 'sqlalchemy', 'numpy', 'pydantic', 'click', 'rich', 'msgspec', 'yaml', 'logging'}\n"
        "sys.argv[1:] = ['--help']\n"
        "try: douane.cli.answer()\n"
        "finally: print(*sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr.split() == []


def test_what_serves_loads_no_colours_and_no_clouds() -> None:
    program = (
        "import sys\n"
        "from douane import cli\n"
        "cli._serve_lean()\n"
        "import douane.web.app, douane.flow.worker\n"
        "heavy = {'pygments', 'rich.style', 'httpx._config', 'polars.io.iceberg._cache'}\n"
        "print(*sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["httpx._config"]


def test_the_web_process_starts_without_the_job_engine() -> None:
    """DBOS loads in the background, while the first requests are answered."""
    program = "import sys, douane.web.app; print(*sorted({'dbos'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
