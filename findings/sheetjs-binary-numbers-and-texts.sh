#!/usr/bin/env bash
# SheetJS (npm xlsx 0.18.5, and 0.20.3 as @e965/xlsx) changes values without a word when it writes binary workbooks:
# - in .xlsb and .xls the integer 2**53 - 1 becomes 2**53: its doubles are made with 52 bits (.xlsx keeps it);
# - in .xls of BIFF8 a text of more than 255 letters is cut to 255, though that format holds 32,767.
# Read back by SheetJS itself, xlrd 2.0.2 and pyxlsb 1.0.10. Seen: 9007199254740992 and 255.
set -euo pipefail
cd "$(mktemp -d)"
npm install --silent --no-audit --no-fund xlsx@0.18.5 @e965/xlsx@0.20.3 >/dev/null
python3 -m venv venv && venv/bin/pip install --quiet --disable-pip-version-check xlrd==2.0.2 pyxlsb==1.0.10
cat > write.js <<'JS'
for (const name of ["xlsx", "@e965/xlsx"]) {
  const X = require(name);
  for (const type of ["biff8", "xlsb", "xlsx"]) {
    const book = X.utils.book_new();
    X.utils.book_append_sheet(book, X.utils.aoa_to_sheet([[Number.MAX_SAFE_INTEGER], ["x".repeat(300)]]), "S");
    const file = `${X.version}-${type}.${type === "biff8" ? "xls" : type}`;
    X.writeFile(book, file, {bookType: type});
    const back = X.readFile(file).Sheets.S;
    console.log(file, "SheetJS reads", back.A1.v, back.A2.v.length);
    const changed = back.A1.v !== Number.MAX_SAFE_INTEGER, cut = back.A2.v.length === 255;
    if (changed !== (type !== "xlsx") || cut !== (type === "biff8")) process.exit(1);
  }
}
JS
node write.js
venv/bin/python - <<'PY'
import glob, pyxlsb, xlrd
for name in sorted(glob.glob("*.xls")):
    sheet = xlrd.open_workbook(name).sheet_by_index(0)
    print(name, "xlrd reads", int(sheet.cell_value(0, 0)), len(sheet.cell_value(1, 0)))
    assert int(sheet.cell_value(0, 0)) == 2**53 and len(sheet.cell_value(1, 0)) == 255
for name in sorted(glob.glob("*.xlsb")):
    with pyxlsb.open_workbook(name) as book, book.get_sheet(1) as sheet:
        number = next(iter(sheet.rows()))[0].v
    print(name, "pyxlsb reads", int(number))
    assert number == 2.0**53
PY
