#!/usr/bin/env bash
# python-calamine 0.9.1 (calamine 0.37) and pyxlsb 1.0.10 lose all but the first cell of a row where a .xlsb holds short
# cell records ([MS-XLSB] 2.4: BrtShortRk ... BrtShortIsst; they have no column and stand right of the cell before).
# SheetJS 0.18.5, the newest on npm, writes them for every row; Excel and LibreOffice read all cells.
# Seen: calamine [['id'], [1]]; pyxlsb [(None, None, None), (1.0, None, None)].
set -euo pipefail
cd "$(mktemp -d)"
npm install --silent --no-audit --no-fund xlsx@0.18.5 >/dev/null
python3 -m venv venv && venv/bin/pip install --quiet --disable-pip-version-check python-calamine==0.9.1 pyxlsb==1.0.10
node -e '
const X = require("xlsx"), book = X.utils.book_new();
X.utils.book_append_sheet(book, X.utils.aoa_to_sheet([["id", "name", "age"], [1, "Ann", 30]]), "S");
X.writeFile(book, "short.xlsb");
console.log("SheetJS", X.version, "reads", JSON.stringify(X.utils.sheet_to_json(X.readFile("short.xlsb").Sheets.S, {header: 1})));'
venv/bin/python - <<'PY'
import python_calamine, pyxlsb
calamine = python_calamine.load_workbook("short.xlsb").get_sheet_by_index(0).to_python()
with pyxlsb.open_workbook("short.xlsb") as book, book.get_sheet(1) as sheet:
    other = [tuple(cell.v for cell in row) for row in sheet.rows()]
print("calamine", calamine)
print("pyxlsb", other)
lost = lambda rows: all(not any(v not in (None, "") for v in row[1:]) for row in rows)
raise SystemExit(not (lost(calamine) and lost(other)))
PY
