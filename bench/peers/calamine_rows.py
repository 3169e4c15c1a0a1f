"""calamine's bare `iter_rows`: every row of the first sheet made, nothing kept, nothing judged.

python -m bench.peers.calamine_rows FILE.xlsx
"""

from __future__ import annotations

import json
import sys

from python_calamine import load_workbook


def main() -> None:
    rows = 0
    for _ in load_workbook(sys.argv[1]).get_sheet_by_index(0).iter_rows():
        rows += 1
    print(json.dumps({"rows": rows - 1}))


if __name__ == "__main__":
    main()
