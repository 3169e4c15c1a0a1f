#!/usr/bin/env bash
# frictionless 5.21.0 and csvkit 2.2.0 (agate 1.14.2) hand a cell to Python's `int` and `Decimal`, which take an underscore between
# digits as Python's source does: a column of references such as 2024_001 is inferred as numbers, passes frictionless' validation
# as `integer` (Table Schema wants digits and a sign), and leaves as 2024001. csvkit's csvsort writes it so into a file that was
# only to be sorted; -I (no inference) leaves it. 1_1 and 11 are one key afterwards. Polars 2.1.0, pyarrow 26.0.1 and
# DuckDB 2.0.1 keep the column as text. Seen: integer, valid, 2024001; csvsort 2024001 and 2024002; the three others 2024_001.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check frictionless==5.21.0 csvkit==2.2.0 agate==1.14.2 polars==2.1.0 \
  pyarrow==26.0.1 duckdb==2.0.1
printf 'ref,town\n2024_002,Ulm\n2024_001,Bonn\n' > refs.csv
sorted=$(venv/bin/csvsort -c town refs.csv | tail -n 2 | cut -d , -f 1 | xargs)
left=$(venv/bin/csvsort -I -c town refs.csv | tail -n 2 | cut -d , -f 1 | xargs)
echo "csvsort: $sorted; with -I: $left"
[[ $sorted == "2024001 2024002" && $left == "2024_001 2024_002" ]]
cat > read.py <<'PY'
import sys

import duckdb
import polars as pl
from frictionless import Resource
from pyarrow import csv

with Resource("refs.csv") as resource:
    row = next(resource.row_stream)
    found = resource.schema.get_field("ref").type, resource.validate().valid, row["ref"]
print("frictionless:", *found)
others = (
    pl.read_csv("refs.csv")["ref"][0],
    csv.read_csv("refs.csv")["ref"][0].as_py(),
    duckdb.sql("select ref from 'refs.csv'").fetchall()[0][0],
)
print("polars, pyarrow, duckdb:", *others)
sys.exit(found != ("integer", True, 2024002) or set(others) != {"2024_002"})
PY
venv/bin/python read.py
