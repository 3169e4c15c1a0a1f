#!/usr/bin/env bash
# pyxlsbwriter 0.1.0 counts a text's letters where .xlsb counts halves of UTF-16 pairs ([MS-XLSB] 2.5.168): each letter
# beyond U+FFFF costs a letter at the text's end, for every reader. Seen with calamine and pyxlsb: 'a😀b' is 'a😀'.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pyxlsbwriter==0.1.0 python-calamine==0.9.1 pyxlsb==1.0.10
venv/bin/python - <<'PY'
import python_calamine, pyxlsb
from pyxlsbwriter import XlsbWriter
with XlsbWriter("emoji.xlsb") as book:
    book.add_sheet("S")
    book.write_sheet([["a😀b"], ["👍👍 two"]])
one = [row[0] for row in python_calamine.load_workbook("emoji.xlsb").get_sheet_by_index(0).to_python()]
with pyxlsb.open_workbook("emoji.xlsb") as book, book.get_sheet(1) as sheet:
    two = [row[0].v for row in sheet.rows()]
print("calamine", one, "pyxlsb", two)
raise SystemExit(not (one == two == ["a😀", "👍👍 t"]))
PY
