#!/usr/bin/env bash
# openpyxl 3.1.5 and XlsxWriter 3.3.1 write a number with 16 digits, PyExcelerate 0.13.0 with 15, where 17 are needed:
# 0.1 + 0.2 is 0.3 in the file, 1/3 of PyExcelerate's is another double, and 2**53 - 1 is another integer.
# Excel itself writes 17 digits. Who compares what comes back with what was sent finds differences that nobody made.
# Seen in the XML: openpyxl 0.3, XlsxWriter 0.3, PyExcelerate 0.3, 0.333333333333333 and 9.00719925474099e+15.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check openpyxl==3.1.5 xlsxwriter==3.3.1 pyexcelerate==0.13.0
venv/bin/python - <<'PY'
import re, zipfile
import openpyxl, pyexcelerate, xlsxwriter
values = [0.1 + 0.2, 1 / 3, 2**53 - 1]
book = openpyxl.Workbook(); book.active.append(values); book.save("openpyxl.xlsx")
with xlsxwriter.Workbook("xlsxwriter.xlsx") as book:
    book.add_worksheet().write_row(0, 0, values)
book = pyexcelerate.Workbook(); book.new_sheet("S", data=[values]); book.save("pyexcelerate.xlsx")
changed = {}
for name in ("openpyxl", "xlsxwriter", "pyexcelerate"):
    archive = zipfile.ZipFile(f"{name}.xlsx")
    sheet = next(n for n in archive.namelist() if "worksheets/sheet" in n)
    texts = re.findall(r"<v>([^<]*)</v>", archive.read(sheet).decode())
    changed[name] = [float(t) != v for t, v in zip(texts, values, strict=True)]
    print(name, texts, "changed:", changed[name])
expected = {"openpyxl": [True, False, False], "xlsxwriter": [True, False, False], "pyexcelerate": [True, True, True]}
raise SystemExit(changed != expected)
PY
