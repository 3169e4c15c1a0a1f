"""Three readers of old and binary workbooks: every row of the first sheet made, nothing kept, nothing judged.

python -m bench.peers.binary_rows calamine|xlrd|pyxlsb FILE
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any


def rows_of(reader: str, path: str) -> Iterable[Any]:
    if reader == "calamine":
        from python_calamine import load_workbook

        return load_workbook(path).get_sheet_by_index(0).iter_rows()
    if reader == "xlrd":
        import xlrd

        return xlrd.open_workbook(path, ragged_rows=True).sheet_by_index(0).get_rows()
    import pyxlsb

    return pyxlsb.open_workbook(path).get_sheet(1).rows()


def main() -> None:
    print(json.dumps({"rows": sum(1 for _ in rows_of(sys.argv[1], sys.argv[2])) - 1}))


if __name__ == "__main__":
    main()
