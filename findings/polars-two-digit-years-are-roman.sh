#!/usr/bin/env bash
# polars 2.1.0: `read_csv(..., try_parse_dates=True)` and `str.to_date()` without a format take a year of two digits as it
# stands: 31/12/99 is a day of the year 99, 01.02.24 one of the year 24. And 24-02-01, year first, is read from the other end:
# 24 February of the year 1. With a format, `%y` counts from 1970 to 2069. DuckDB 2.0.1's `read_csv` finds days of our time in the
# same files, and another order: 01.02.24 is 24 February 2001 there. Both columns are of a date's type, so nothing behind them
# notices but a range. Seen: polars 0099-12-31, 0024-02-01, 0001-02-24; with %d/%m/%y 1999-12-31; duckdb 1999-12-31, 2001-02-24,
# 2024-02-01.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check polars==2.1.0 duckdb==2.0.1
cat > read.py <<'PY'
import sys

import duckdb
import polars as pl


def by_polars(text):
    column = pl.read_csv(f"id,day\n1,{text}\n2,{text}\n".encode(), try_parse_dates=True)["day"]
    assert column.dtype == pl.Date and column.to_list() == pl.Series([text, text]).str.to_date().to_list()
    return column[0].isoformat()


def by_duckdb(text):
    with open("days.csv", "w") as file:
        file.write(f"id,day\n1,{text}\n2,{text}\n")
    return str(duckdb.sql("select day from read_csv('days.csv')").fetchall()[0][0])


texts = ["31/12/99", "01.02.24", "24-02-01"]
read = [by_polars(text) for text in texts]
named = pl.Series(["31/12/99"]).str.to_date("%d/%m/%y")[0].isoformat()
other = [by_duckdb(text) for text in texts]
print("polars", read, "named", named, "duckdb", other)
expected = ["0099-12-31", "0024-02-01", "0001-02-24"], "1999-12-31", ["1999-12-31", "2001-02-24", "2024-02-01"]
sys.exit((read, named, other) != expected)
PY
venv/bin/python read.py
