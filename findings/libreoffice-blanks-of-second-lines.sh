#!/usr/bin/env bash
# LibreOffice 7.4.7.2 writes an .ods cell of one line with its further blanks as `<text:s text:c="2"/>`, as OpenDocument 1.3 (part 3,
# 6.1.2) asks, for plain white space in a paragraph counts once. The same blanks in a cell of two lines stand in the file raw.
# LibreOffice itself, python-calamine 0.9.1 and pandas read them as they stand; SheetJS (npm xlsx 0.18.5) follows the specification
# and loses them, those at the beginning and the end of a line too. So an indented note keeps its form or not, by its reader.
# Seen: one line 'x   y' everywhere; two lines 'a  b\n  c' by calamine, 'a b\nc' by SheetJS.
set -euo pipefail
soffice=$(command -v soffice) || { echo "LibreOffice is not installed"; exit 0; }
cd "$(mktemp -d)"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check openpyxl==3.1.5 python-calamine==0.9.1
npm install --silent --no-audit --no-fund xlsx@0.18.5 > /dev/null
venv/bin/python -c '
import openpyxl
book = openpyxl.Workbook()
for text in ("x   y", "a  b\n  c"):
    book.active.append([text])
book.save("a.xlsx")'
"$soffice" "-env:UserInstallation=file://$PWD/home" --headless --convert-to ods --outdir out a.xlsx > /dev/null 2>&1
unzip -p out/a.ods content.xml | grep -o '<text:p>[^/]*</text:p><text:p>[^/]*</text:p>\|<text:p>x[^y]*y</text:p>'
by_calamine=$(venv/bin/python -c '
import json, python_calamine
print(json.dumps(python_calamine.CalamineWorkbook.from_path("out/a.ods").get_sheet_by_index(0).to_python()))')
by_sheetjs=$(node -p '
const X = require("xlsx"), book = X.readFile("out/a.ods");
JSON.stringify(X.utils.sheet_to_json(book.Sheets[book.SheetNames[0]], {header: 1}))')
echo "calamine: $by_calamine"; echo "SheetJS:  $by_sheetjs"
[[ $by_calamine == '[["x   y"], ["a  b\n  c"]]' && $by_sheetjs == '[["x   y"],["a b\nc"]]' ]]
