#!/usr/bin/env bash
# python-calamine 0.9.1 on .xls: a number format counts only under some numbers, so the dates of SheetJS 0.18.5 (custom
# format under number 60 or so, which the file defines) are plain numbers; and a day number that no calendar has becomes
# midnight: -5 and -18136 (LibreOffice and Gnumeric store 1850-05-05 so) under a date format are both 00:00:00, day 60 is
# 28 February. xlrd 2.0.2 reads all of them as dates with the number that the cell holds.
# Seen: calamine [45351.0] and [datetime.time(0, 0), datetime.time(0, 0), datetime.date(1900, 2, 28)].
set -euo pipefail
cd "$(mktemp -d)"
npm install --silent --no-audit --no-fund xlsx@0.18.5 >/dev/null
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check python-calamine==0.9.1 xlrd==2.0.2 xlwt==1.3.0
node -e '
const X = require("xlsx"), book = X.utils.book_new();
X.utils.book_append_sheet(book, {"!ref": "A1", A1: {t: "n", v: 45351, z: "yyyy-mm-dd"}}, "S");
X.writeFile(book, "own.xls", {bookType: "biff8"});'
venv/bin/python - <<'PY'
import datetime, python_calamine, xlrd, xlwt
book = xlwt.Workbook(); sheet = book.add_sheet("S")
for row, day in enumerate((-5, -18136, 60)):
    sheet.write(row, 0, day, xlwt.easyxf(num_format_str="yyyy-mm-dd"))
book.save("no.xls")
read = lambda name: [row[0] for row in python_calamine.load_workbook(name).get_sheet_by_index(0).to_python()]
own, no = read("own.xls"), read("no.xls")
print("calamine", own, no)
peer = [xlrd.open_workbook(name).sheet_by_index(0).col(0) for name in ("own.xls", "no.xls")]
print("xlrd", peer)
same = own == [45351.0] and no[:2] == [datetime.time(0, 0)] * 2 and no[2] == datetime.date(1900, 2, 28)
raise SystemExit(not (same and peer[0][0].ctype == xlrd.XL_CELL_DATE))
PY
