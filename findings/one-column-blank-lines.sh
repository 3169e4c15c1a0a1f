#!/usr/bin/env bash
# A table of one column with nulls, as CSV: polars 2.1.0, DuckDB 2.0.1 and pyarrow 26.0.1 write a null as an empty line, and the
# last of them drops empty lines when it reads (`ignore_empty_lines` is on), so that pyarrow has fewer rows of its own file than it
# wrote; pandas 3.1.1 reads all three files so (`skip_blank_lines`). polars and DuckDB read every row. pandas writes "" instead,
# which all four read as a row. With a second column nothing of this happens, so a list of ids taken apart for a join is where it
# is met. Seen, of 4 rows: pandas and pyarrow 2, polars and DuckDB 4, for each of the three files; of pandas' file all 4.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check polars==2.1.0 pyarrow==26.0.1 duckdb==2.0.1 pandas==3.1.1
cat > rows.py <<'PY'
import sys

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
from pyarrow import csv

COLUMN = {"id": ["x", None, "y", None]}
pl.DataFrame(COLUMN).write_csv("polars.csv")
csv.write_csv(pa.table(COLUMN), "pyarrow.csv")
duckdb.sql("copy (select unnest(['x', null, 'y', null]) as id) to 'duckdb.csv'")
pd.DataFrame(COLUMN).to_csv("pandas.csv", index=False)
readers = {
    "pandas": lambda file: len(pd.read_csv(file)),
    "pyarrow": lambda file: csv.read_csv(file).num_rows,
    "polars": lambda file: pl.read_csv(file).height,
    "duckdb": lambda file: len(duckdb.sql(f"from '{file}'").fetchall()),
}
found = {writer: [rows(f"{writer}.csv") for rows in readers.values()] for writer in ("polars", "pyarrow", "duckdb", "pandas")}
print("read by", *readers)
for writer, rows in found.items():
    print("written by", writer, *rows)
sys.exit(found != {"polars": [2, 2, 4, 4], "pyarrow": [2, 2, 4, 4], "duckdb": [2, 2, 4, 4], "pandas": [4, 4, 4, 4]})
PY
venv/bin/python rows.py
