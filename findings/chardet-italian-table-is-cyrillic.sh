#!/usr/bin/env bash
# chardet 7.7.0 takes Italian in Windows-1252 for Cyrillic: a table of 200 records (ten names and towns, each with one
# accented letter, between digits) is MacCyrillic, language "mk", confidence 0.03, and so is prose whose accented letters
# all end words (0.22). Albanian names in Windows-1252 are Windows-1257, "lt". The decoded text has Cyrillic letters
# within Latin words; right answers for tables of the DOS and Mac encodings are no surer than 0.02 to 0.04, so no
# threshold on the confidence tells them apart.
# Seen: MacCyrillic 0.0295; Windows-1257 0.0371; MacCyrillic 0.2169.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv venv && venv/bin/pip install --quiet --disable-pip-version-check chardet==7.7.0
venv/bin/python - <<'PY'
import chardet

def table(words: list[str]) -> bytes:
    rows = (f"{1000 + at};{words[at % len(words)]};{at * 7 % 900}\r\n" for at in range(200))
    return ("id;name;qty\r\n" + "".join(rows)).encode("cp1252")

italian = ["Nicolò Riva", "Mosè Conti", "Debora Cantù", "Carità Ferri", "Noemi Verità", "Forlì", "Cantù", "Cefalù", "Nardò", "Mondovì"]
albanian = ["Çlirim Hoxha", "Blerë Gjatë", "Përparim Këlliçi", "Tiranë", "Durrës", "Korçë"]
prose = "La città è più bella di così, perché già da ieri c'è il sole e non pioverà più. Andrò al caffè con papà. " * 10
seen = [chardet.detect(data) for data in (table(italian), table(albanian), prose.encode("cp1252"))]
for one in seen:
    print(one)
wanted = ["MacCyrillic", "Windows-1257", "MacCyrillic"]
raise SystemExit([one["encoding"] for one in seen] != wanted or seen[0]["confidence"] > 0.1)
PY
