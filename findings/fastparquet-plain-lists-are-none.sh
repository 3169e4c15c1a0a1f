#!/usr/bin/env bash
# fastparquet 2026.9.0 reads a column of lists of texts as None in every row, without an error, where the texts are stored as
# they are (PLAIN) and not by a dictionary. Polars 2.1.0 and DuckDB 2.0.1 write short columns of lists so, and pyarrow 26.0.1 does
# when asked to (`use_dictionary=False`); lists of numbers come through. pyarrow and DuckDB read all of these files right.
# It matters to who keeps several choices of a form in one cell: the table has all its rows, and no tags.
# Seen: polars, duckdb and pyarrow without a dictionary [None, None, None]; pyarrow with one and polars' numbers are right.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check fastparquet==2026.9.0 polars==2.1.0 duckdb==2.0.1 pyarrow==26.0.1
cat > read.py <<'PY'
import sys

import duckdb
import fastparquet
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

TEXTS = [["a", "b"], None, ["c"]]
pl.DataFrame({"c": TEXTS}).write_parquet("polars.parquet")
pl.DataFrame({"c": [[1, 2], None, [3]]}).write_parquet("numbers.parquet")
duckdb.sql("copy (select unnest([['a', 'b'], null, ['c']]) as c) to 'duckdb.parquet'")
pq.write_table(pa.table({"c": TEXTS}), "plain.parquet", use_dictionary=False)
pq.write_table(pa.table({"c": TEXTS}), "dictionary.parquet")
whole = {}
for name in ("polars", "duckdb", "plain", "dictionary", "numbers"):
    file = f"{name}.parquet"
    truth = pq.read_table(file)["c"].to_pylist()
    assert truth == [row[0] for row in duckdb.sql(f"select c from '{file}'").fetchall()]
    read = fastparquet.ParquetFile(file).to_pandas()["c"].tolist()
    print(name, read)
    whole[name] = [None if row is None else list(row) for row in read] == truth
    assert whole[name] or read == [None, None, None]
sys.exit([name for name in whole if not whole[name]] != ["polars", "duckdb", "plain"])
PY
venv/bin/python read.py
