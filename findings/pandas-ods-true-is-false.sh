#!/usr/bin/env bash
# pandas 3.1.1, `read_excel` of .ods (odfpy 1.4.1): a truth value is true only where the cell's *shown* text is "TRUE"; the value
# that stands in the file (`office:boolean-value`) is not asked. A workbook saved by a German, French or Spanish LibreOffice
# shows WAHR, VRAI, VERDADERO: every true becomes False, without a warning, in a column of bools. Times go by the shown text
# too: a sum of hours shown as 36:30 stops the reading of the whole workbook, and seconds that a format hides are lost.
# python-calamine 0.9.1 reads the values. Seen: pandas [True, False, False, False], 12:30:00, DateParseError; calamine four
# times True, 12:30:45, and a duration of 36 hours and a half.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pandas==3.1.1 odfpy==1.4.1 python-calamine==0.9.1
cat > read.py <<'PY'
import sys

import pandas as pd
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P
from python_calamine import CalamineWorkbook


def workbook(name, cells):
    book = OpenDocumentSpreadsheet()
    table = Table(name="S")
    for shown, attributes in cells:
        row, cell = TableRow(), TableCell(**attributes)
        cell.addElement(P(text=shown))
        row.addElement(cell)
        table.addElement(row)
    book.spreadsheet.addElement(table)
    book.save(name)
    return name


def by_pandas(name):
    return pd.read_excel(name, engine="odf", header=None)[0].tolist()


def by_calamine(name):
    return [row[0] for row in CalamineWorkbook.from_path(name).get_sheet_by_index(0).to_python()]


true = {"valuetype": "boolean", "booleanvalue": "true"}
truths = workbook("truths.ods", [(word, true) for word in ("TRUE", "WAHR", "VRAI", "VERDADERO")])
time = workbook("time.ods", [("12:30", {"valuetype": "time", "timevalue": "PT12H30M45S"})])
hours = workbook("hours.ods", [("36:30", {"valuetype": "time", "timevalue": "PT36H30M00S"})])
try:
    failed = str(by_pandas(hours))
except ValueError as error:
    failed = type(error).__name__
found = by_pandas(truths), str(by_pandas(time)[0]), failed
print("pandas  ", *found)
other = by_calamine(truths), str(by_calamine(time)[0]), str(by_calamine(hours)[0])
print("calamine", *other)
sys.exit(found != ([True, False, False, False], "12:30:00", "DateParseError") or other[:2] != ([True] * 4, "12:30:45"))
PY
venv/bin/python read.py
