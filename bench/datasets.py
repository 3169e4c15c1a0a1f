"""The benchmark's files by name; what is not there yet is made.

A name says everything: `people-10m.csv`, `people-sparse-1m.csv`, `people-200k-shared.xlsx`, `people-60k-old.xls`, or
one of `EXPORTS` for a chat workspace. They stand in `bench/data`, or in the folder that `BENCH_DATA` names.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from bench import chat_maker
from bench.binary_workbook import write_binary, write_old, write_wide
from bench.people import TEMPLATE, VERSION, truth_document, write_csv
from bench.workbook import write_workbook

SEED = 7
FOLDER = Path(os.environ.get("BENCH_DATA") or Path(__file__).parent / "data").absolute()
_NAME = re.compile(
    r"people-(?P<sparse>sparse-)?(?P<count>\d+)(?P<unit>k|m)?(?P<strings>-shared|-inline|-old|-binary)?\.(csv|xlsx|xlsb|xls)"
)

EXPORTS = {
    "slack-tiny.zip": chat_maker.Options(seed=SEED),
    "slack-s.zip": chat_maker.Options(
        messages=100_000, entries=11_400, users=2_000, public=180, private=50, groups=15, direct=15, seed=SEED
    ),
    "slack-l.zip": chat_maker.Options(
        messages=2_000_000, entries=200_000, users=5_000, public=1_200, private=500, groups=150, direct=150, seed=SEED
    ),
    # Day files of a message or two; with the folders and lists exactly a million entries.
    "slack-many.zip": chat_maker.Options(
        messages=1_200_000, entries=997_991, users=5_000, public=1_200, private=500, groups=150, direct=150, seed=SEED
    ),
}


@dataclass(frozen=True, slots=True)
class Dataset:
    """A file and what is in it (`maker.truth_document`)."""

    path: Path
    truth: dict[str, Any]

    @property
    def rows(self) -> int:
        return int(self.truth["rows"])


def dataset(name: str) -> Dataset:
    """Raises ValueError for a name of another form."""
    said = _NAME.fullmatch(name)
    if not said:
        raise ValueError(f"no data set is called {name}")
    path = FOLDER / name
    truth_path = path.with_suffix(".truth.json")
    if path.exists() and truth_path.exists():
        truth = json.loads(truth_path.read_text())
        if truth.get("version") == VERSION:
            return Dataset(path, truth)
    FOLDER.mkdir(parents=True, exist_ok=True)
    print(f"making {name} ...", flush=True)
    rows = int(said["count"]) * {None: 1, "k": 1_000, "m": 1_000_000}[said["unit"]]
    sparse = bool(said["sparse"])
    if name.endswith(".xlsx"):
        made = write_workbook(path, rows, SEED, sparse=sparse, shared=said["strings"] != "-inline")
    elif name.endswith(".xlsb"):
        made = write_binary(path, rows, SEED)
    elif name.endswith(".xls"):
        made = write_old(path, rows, SEED)
    else:
        made = write_csv(path, rows, SEED, sparse=sparse)
    truth = truth_document(made, seed=SEED, sparse=sparse)
    truth_path.write_text(json.dumps(truth, indent=1) + "\n")
    return Dataset(path, truth)


def wide(rows: int, columns: int) -> Path:
    """An old workbook of so many numbers."""
    path = FOLDER / f"wide-{rows}-{columns}.xls"
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        write_wide(path, rows, columns)
    return path


def hostile(name: str) -> tuple[Path, int]:
    """Delimited text that careless readers are slow at, and how many rows it has: `strays`, two million lines with
    quotes that open nothing; `wide`, 16,000 columns; `line`, one line of 50 MB among others."""
    path = FOLDER / f"hostile-{name}.csv"
    rows = {"strays": 2_000_000, "wide": 1_000, "line": 3}[name]
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        made = path.with_suffix(".part")
        with made.open("w") as file:
            if name == "strays":
                file.write("id,size,note,price\n")
                file.writelines(f'{i},{i % 60}" pipe,"x{i % 7}"y,{i % 1000}.5\n' for i in range(rows))
            elif name == "wide":
                file.write(",".join(f"h{j}" for j in range(16_000)) + "\n")
                file.writelines(",".join(str(i * j % 1000) for j in range(16_000)) + "\n" for i in range(rows))
            else:
                file.write("a,b\n1,2\n" + "x" * (50 << 20) + "\n3,4\n")
        made.replace(path)
    return path, rows


@dataclass(frozen=True, slots=True)
class Export:
    """A chat export and what is in it (`chat_maker.key_document`)."""

    path: Path
    key: dict[str, Any]

    @property
    def messages(self) -> int:
        return int(self.key["messages"])


def export(name: str) -> Export:
    """Raises ValueError for a name that is none of EXPORTS."""
    options = EXPORTS.get(name)
    if options is None:
        raise ValueError(f"no export is called {name}")
    path = FOLDER / name
    key_path = path.with_suffix(".key.json")
    if path.exists() and key_path.exists():
        key = json.loads(key_path.read_text())
        if key["version"] == chat_maker.VERSION and key["options"] == asdict(options):
            return Export(path, key)
    FOLDER.mkdir(parents=True, exist_ok=True)
    print(f"making {name} ...", flush=True)
    key = chat_maker.make(path, options)
    key_path.write_text(json.dumps(key, indent=1) + "\n")
    return Export(path, key)


def template_yaml() -> Path:
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / "people.yaml"
    path.write_text(yaml.safe_dump(TEMPLATE, allow_unicode=True, sort_keys=False, width=110))
    return path


def template_json() -> Path:
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / "people.json"
    path.write_text(json.dumps(TEMPLATE, ensure_ascii=False))
    return path


class WrongCounts(AssertionError):
    """Douane found something else than what the maker put there. No figure means anything then."""


def verify(summary: dict[str, Any], data: Dataset, *, what: str) -> None:
    """Compares `douane check --json` with the truth: rows, valid, invalid, and bad cells per column and rule."""
    found: dict[str, dict[str, int]] = {}
    for entry in summary["problems"]:
        of_column = found.setdefault(str(entry["column"]), {})
        of_column[entry["rule"]] = of_column.get(entry["rule"], 0) + int(entry["count"])
    expected = {
        key: {rule: count for rule, count in rules.items() if count} for key, rules in data.truth["columns"].items()
    }
    differences = [
        f"{name}: {summary[name]} instead of {data.truth[name]}"
        for name in ("rows", "valid", "invalid")
        if summary[name] != data.truth[name]
    ]
    for key in sorted(found.keys() | expected.keys()):
        mine, true = found.get(key, {}), expected.get(key, {})
        differences += [
            f"{key}.{rule}: {mine.get(rule, 0)} instead of {true.get(rule, 0)}"
            for rule in sorted(mine.keys() | true.keys())
            if mine.get(rule, 0) != true.get(rule, 0)
        ]
    if differences:
        raise WrongCounts(f"{what}, {data.path.name}: " + "; ".join(differences))
