"""Writes the people of `people.py`, as CSV or as a workbook, and the counts of their faults.

    python -m bench.maker --rows 1000000 --seed 7 --out people-1m.csv [--template t.yaml] [--truth t.json] [--sparse]

With `--sparse` exactly one row in 10,000 has one dirty cell. `.xlsx` as suffix makes a workbook (`bench/workbook.py`).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import yaml

from bench.people import TEMPLATE, truth_document, write_csv
from bench.workbook import write_workbook


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.maker", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, required=True, help=".csv or .xlsx")
    parser.add_argument("--template", type=Path, help="where to write the template (default: none)")
    parser.add_argument("--truth", type=Path, help="where to write the counts (default: beside the file)")
    parser.add_argument("--sparse", action="store_true", help="one invalid row in 10,000")
    parser.add_argument("--strings", choices=("shared", "inline"), default="shared", help="how a workbook keeps texts")
    given = parser.parse_args(arguments)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    if given.out.suffix == ".xlsx":
        truth = write_workbook(given.out, given.rows, given.seed, sparse=given.sparse, shared=given.strings == "shared")
    else:
        truth = write_csv(given.out, given.rows, given.seed, sparse=given.sparse)
    document = truth_document(truth, seed=given.seed, sparse=given.sparse)
    truth_path = given.truth or given.out.with_suffix(".truth.json")
    truth_path.write_text(json.dumps(document, indent=1) + "\n")
    if given.template:
        given.template.write_text(yaml.safe_dump(TEMPLATE, allow_unicode=True, sort_keys=False, width=110))


if __name__ == "__main__":
    main()
