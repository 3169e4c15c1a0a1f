#!/usr/bin/env bash
# PyExcelerate 0.13.0 writes a number format into an attribute of styles.xml as it is: a format with quotes, which every
# format with a word in it has ("EUR" #,##0.00), makes XML that no reader opens; Excel offers to repair the file.
# Seen: not well-formed (invalid token).
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv venv && venv/bin/pip install --quiet --disable-pip-version-check pyexcelerate==0.13.0
venv/bin/python - <<'PY'
import zipfile
from xml.parsers import expat
from pyexcelerate import Format, Style, Workbook
book = Workbook()
sheet = book.new_sheet("S", data=[[1234.5]])
sheet.set_cell_style(1, 1, Style(format=Format('"EUR" #,##0.00')))
book.save("quoted.xlsx")
try:
    expat.ParserCreate().Parse(zipfile.ZipFile("quoted.xlsx").read("xl/styles.xml"), True)
except expat.ExpatError as error:
    print("styles.xml:", error)
else:
    raise SystemExit("styles.xml is well-formed now")
PY
