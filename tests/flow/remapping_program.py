"""Changes the mapping of an import over and over until it is killed; `test_remapping.py` starts and kills it.

python -m tests.flow.remapping_program OPERATION        settings from DOUANE_*
"""

from __future__ import annotations

import sys

from douane.flow import imports, remapping, revisions, work
from douane.flow.house import open_house
from douane.flow.remapping import Wanted
from douane.model.sheet_import import sheet_detail
from douane.settings import Settings

if __name__ == "__main__":
    revisions.CELLS_IN_SQL = 8
    house = open_house(Settings())
    while True:
        operation = imports.get(house, sys.argv[1])
        swapped = (sheet_detail(operation).chosen or ())[0] == 1
        remapping.change(house, operation, Wanted({"name": 0, "mail": 1} if swapped else {"name": 1, "mail": 0}))
        print("changed", flush=True)
        work.check(house, operation.id)
