#!/usr/bin/env bash
# LibreOffice 7.4.7.2: how many digits of a number are saved depends on the format. As .xls all 53 bits stand in the file. As .ods
# a fraction has 15 digits and an integer all of them up to 2**53; 2**53 itself and more have 15. As .xlsx every number has 15, so
# that a number of 16 digits (a card, an account, a parcel) ends in 0 after a round through .xlsx and not after one through .ods
# or .xls. Nothing is asked or said; the cell shows what it always showed until the file is opened again.
# Seen: xls 1234567890123456 and 0.30000000000000004; ods 1234567890123456 and 0.3; xlsx 1234567890123460 and 0.3;
# 9007199254740992 is 9.00719925474099E+015 in .ods.
set -euo pipefail
soffice=$(command -v soffice) || { echo "LibreOffice is not installed"; exit 0; }
cd "$(mktemp -d)"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check python-calamine==0.9.1
printf '1234567890123456\n0.30000000000000004\n9007199254740992\n' > n.csv
for format in xls ods xlsx; do
  "$soffice" "-env:UserInstallation=file://$PWD/home" --headless --convert-to $format --outdir out n.csv > /dev/null 2>&1
done
cat > digits.py <<'PY'
import re
import sys
import zipfile

from python_calamine import CalamineWorkbook


def written(file, entry, pattern):
    return re.findall(pattern, zipfile.ZipFile(file).read(entry).decode())


found = {
    "xls": [repr(row[0]) for row in CalamineWorkbook.from_path("out/n.xls").get_sheet_by_index(0).to_python()],
    "ods": written("out/n.ods", "content.xml", r'office:value="([^"]*)"'),
    "xlsx": written("out/n.xlsx", "xl/worksheets/sheet1.xml", r"<v>([^<]*)</v>"),
}
for format, numbers in found.items():
    print(format, *numbers)
sys.exit(
    found
    != {
        "xls": ["1234567890123456.0", "0.30000000000000004", "9007199254740992.0"],
        "ods": ["1234567890123456", "0.3", "9.00719925474099E+015"],
        "xlsx": ["1234567890123460", "0.3", "9007199254740990"],
    }
)
PY
venv/bin/python digits.py
