#!/usr/bin/env bash
# polars 2.1.0, `read_excel` (fastexcel 0.21.0): the type of a column is decided by its first 1,000 rows, and what does not fit
# further down is null or something else, without an error or a warning: "N/A-7" in row 1,501 of numbers is null, a day among
# numbers is null, a number among days is a day of 1900, a true among numbers is 1. The same text in row 11 makes the column a
# text's. `infer_schema_length=None` reads all of it as text. Polars' `read_csv` raises an error for the same column.
# Seen: null, null, 1900-01-05, 1; early 'N/A-7'; with None 'N/A-7'; CSV ComputeError.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check polars==2.1.0 fastexcel==0.21.0 xlsxwriter==3.3.1
cat > read.py <<'PY'
import datetime
import sys

import polars as pl
import xlsxwriter

DAY = datetime.datetime(2024, 1, 1)


def last(*cells, **options):
    with xlsxwriter.Workbook("a.xlsx", {"default_date_format": "yyyy-mm-dd"}) as book:
        sheet = book.add_worksheet()
        sheet.write_column(0, 0, ["id", *range(len(cells))])
        sheet.write_column(0, 1, ["c", *cells])
    cell = pl.read_excel("a.xlsx", **options)["c"][-1]
    return str(cell) if isinstance(cell, datetime.date) else cell


def by_csv(*cells):
    try:
        return pl.read_csv("\n".join(["c", *map(str, cells)]).encode())["c"][-1]
    except pl.exceptions.PolarsError as error:
        return type(error).__name__


found = [
    last(*[1] * 1500, "N/A-7"),
    last(*[1] * 1500, DAY),
    last(*[DAY] * 1500, 5),
    last(*[1] * 1500, True),
    last(*[1] * 10, "N/A-7"),
    last(*[1] * 1500, "N/A-7", infer_schema_length=None),
    by_csv(*[1] * 1500, "N/A-7"),
]
print(found)
sys.exit(found != [None, None, "1900-01-05", 1, "N/A-7", "N/A-7", "ComputeError"])
PY
venv/bin/python read.py
