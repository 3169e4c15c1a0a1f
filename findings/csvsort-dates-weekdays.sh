#!/usr/bin/env bash
# csvkit 2.2.0 (agate 1.14.2, parsedatetime, pytimeparse): tools that only move rows write other cells. csvsort makes a column of
# weekdays one of days of the year 1 (Monday is 0001-01-08), "5 Mar" 0001-03-05, flats such as 3d "3 days, 0:00:00" and
# 12h 12:00:00, amounts such as 1,5 the number 15, and the numbers 1 and 0 True and False. Each only where the whole column can be
# read so, so that one more row changes all the others. The types are inferred from all rows; -I leaves the cells as they are.
# Seen: 0001-01-08, 0001-03-05, "3 days, 0:00:00", 12:00:00, 15, True; with a cell more that is no weekday: Monday.
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check csvkit==2.2.0 agate==1.14.2 parsedatetime==2.6 pytimeparse==1.1.8
sorted() { printf 'cell\n' > cells.csv; printf '"%s"\n' "$@" >> cells.csv; venv/bin/csvsort -y 0 -c cell cells.csv | tail -n +2 | xargs; }
seen=$(for cell in Monday "5 Mar" 3d 12h 1,5 1; do sorted "$cell"; done | paste -s -d ';')
more=$(sorted Monday unknown)
echo "$seen / $more"
[[ $seen == "0001-01-08;0001-03-05;3 days, 0:00:00;12:00:00;15;True" && $more == "Monday unknown" ]]
