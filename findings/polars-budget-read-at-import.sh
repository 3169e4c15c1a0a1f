#!/usr/bin/env bash
# polars 2.1.0: of the variables that rule what a streaming query writes to disk, `POLARS_OOC_SPILL_DIR` is read when it first
# spills, `POLARS_OOC_MEMORY_BUDGET_MB` and `POLARS_OOC_SPILL_MIN_BYTES` when Polars is imported. Set after the import, before
# any query, the folder counts and the budget does not: a sort that should spill stays in memory, without a word. `Config.load`
# of nothing reads them again. It matters to a process that imports Polars early and learns its limits late: a server before it
# forks, a notebook, a worker of a pool.
# Seen with polars 2.1.0: budget before the import -> files in the late folder, none in the early one; after it -> none at all;
# after it and loaded again -> files in the late folder.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check "polars==2.1.0"
cat > measure.py <<'PY'
import os
import sys
import threading
import time
from pathlib import Path

BUDGET = {"POLARS_OOC_MEMORY_BUDGET_MB": "1", "POLARS_OOC_SPILL_MIN_BYTES": "1"}
when = sys.argv[1]
early, late = Path(f"{when}-early"), Path(f"{when}-late")
for folder in (early, late):
    folder.mkdir()
os.environ |= {"POLARS_OOC_SPILL_DIR": str(early.absolute()), **(BUDGET if when == "before" else {})}
import polars as pl

os.environ |= {"POLARS_OOC_SPILL_DIR": str(late.absolute()), **BUDGET}
if when == "loaded":
    pl.Config.load('{"environment": {}, "direct": {}}')
seen, done = set(), threading.Event()


def watch():
    while not done.is_set():
        seen.update(folder.name for folder in (early, late) for path in folder.rglob("*") if path.is_file())
        time.sleep(0.002)


watcher = threading.Thread(target=watch)
watcher.start()
pl.LazyFrame({"n": range(2_000_000)}).with_columns(text=pl.col("n").cast(pl.String)).sort("text").collect(engine="streaming")
done.set()
watcher.join()
print(f"polars {pl.__version__}, budget {when}: files in {sorted(seen) or 'no folder'}")
sys.exit(seen != (set() if when == "after" else {late.name}))
PY
venv/bin/python measure.py before
venv/bin/python measure.py after
venv/bin/python measure.py loaded
