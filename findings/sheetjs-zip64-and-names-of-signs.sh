#!/usr/bin/env bash
# SheetJS (npm xlsx 0.18.5, and 0.20.3 as @e965/xlsx):
# - 0.18.5 opens no workbook in which the head of an entry has its sizes set apart (ZIP64), as programs write it that do not
#   know the size before: "Bad compressed size". 0.20.3 opens it. Python's zipfile and openpyxl 3.1.5 do.
# - both write a text such as _x0041_ into an .xlsx as it is. In a cell's value that is an A (ECMA-376 part 1, 22.9.2.19,
#   ST_Xstring); it has to be written _x005F_x0041_. Seen: <v>_x0041_</v>, twice.
set -euo pipefail
cd "$(mktemp -d)"
npm install --silent --no-audit --no-fund xlsx@0.18.5 @e965/xlsx@0.20.3 >/dev/null
python3 -m venv venv && venv/bin/pip install --quiet --disable-pip-version-check openpyxl==3.1.5
venv/bin/python - <<'PY'
import io, zipfile, openpyxl
made = io.BytesIO()
book = openpyxl.Workbook()
book.active.append(["a"])
book.save(made)
with zipfile.ZipFile(made) as old, zipfile.ZipFile("zip64.xlsx", "w", zipfile.ZIP_DEFLATED) as new:
    for name in old.namelist():
        with new.open(name, "w", force_zip64=True) as file:
            file.write(old.read(name))
print("openpyxl reads", openpyxl.load_workbook("zip64.xlsx").active["A1"].value)
PY
cat > show.js <<'JS'
for (const [name, opens] of [["xlsx", false], ["@e965/xlsx", true]]) {
  const X = require(name);
  let said = "opened";
  try { X.readFile("zip64.xlsx"); } catch (error) { said = error.message; }
  console.log(X.version, said);
  if ((said === "opened") !== opens) process.exit(1);
  const book = X.utils.book_new();
  X.utils.book_append_sheet(book, X.utils.aoa_to_sheet([["_x0041_"]]), "S");
  X.writeFile(book, `${X.version}.xlsx`);
}
JS
node show.js
for version in 0.18.5 0.20.3; do
  unzip -p "$version.xlsx" xl/worksheets/sheet1.xml | grep -o '<v>_x[^<]*</v>'
done
