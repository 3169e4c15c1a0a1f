#!/usr/bin/env bash
# fastparquet 2026.9.0 turns days (Parquet's DATE) into nanoseconds without looking whether they fit: 9999-12-31, the usual way
# to say "without end", is 29 March 1816, and 0001-01-01 is 30 August 1754. No error, no warning, and both are in order for any
# test of form. The same moments as timestamps come through (microseconds), and pyarrow 26.0.1 reads both. Who wrote the file
# makes no difference. Seen: 1816-03-29 and 1754-08-30 for days; 9999-12-31 and 0001-01-01 for timestamps.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check fastparquet==2026.9.0 polars==2.1.0 pyarrow==26.0.1
cat > read.py <<'PY'
import datetime
import sys

import fastparquet
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

DAYS = [datetime.date(9999, 12, 31), datetime.date(1, 1, 1)]
MOMENTS = [datetime.datetime.combine(day, datetime.time()) for day in DAYS]
found = {}
for name, values in (("days", DAYS), ("timestamps", MOMENTS)):
    pl.DataFrame({"c": values}).write_parquet("polars.parquet")
    pq.write_table(pa.table({"c": values}), "pyarrow.parquet")
    for writer in ("polars", "pyarrow"):
        assert pq.read_table(f"{writer}.parquet")["c"].to_pylist() == values
        read = fastparquet.ParquetFile(f"{writer}.parquet").to_pandas()["c"]
        found[name, writer] = [moment.date().isoformat() for moment in read]
        print(name, "by", writer, found[name, writer])
wrong, right = ["1816-03-29", "1754-08-30"], ["9999-12-31", "0001-01-01"]
sys.exit(list(found.values()) != [wrong, wrong, right, right])
PY
venv/bin/python read.py
