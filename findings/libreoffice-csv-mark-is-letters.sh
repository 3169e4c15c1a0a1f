#!/usr/bin/env bash
# LibreOffice 7.4.7.2, headless: `--convert-to xlsx` reads a CSV that begins with the UTF-8 mark as Windows-1252 all the
# same. The mark becomes the letters ï»¿ of the first heading, and every letter beyond ASCII becomes two.
# Named in the filter's options (token 3, 76 = UTF-8), the encoding is right. Seen: ï»¿name, ZoÃ«; then name, Zoë.
set -euo pipefail
soffice=$(command -v soffice) || { echo "LibreOffice is not installed"; exit 0; }
cd "$(mktemp -d)"
printf '\xef\xbb\xbfname,n\nZo\xc3\xab,1\n' > a.csv
cells() {
  "$soffice" "-env:UserInstallation=file://$PWD/home" --headless "$@" --convert-to xlsx --outdir out a.csv > /dev/null 2>&1
  python3 - <<'PY'
import re, zipfile
archive = zipfile.ZipFile("out/a.xlsx")
print(re.findall(r"<t[^>]*>([^<]*)</t>", archive.read("xl/sharedStrings.xml").decode("utf-8")))
PY
}
plain=$(cells); named=$(cells --infilter="CSV:44,34,76")
echo "without a filter: $plain"; echo "named as UTF-8:   $named"
[[ $plain == *"ï»¿name"* && $named != *"ï»¿"* ]]
