"""Changes an import over and over until it is killed; `test_changing.py` starts and kills it.

    python -m tests.flow.changing_program OPERATION        settings from DOUANE_*

Each change gives every record of the column `name` the same text, so that one that was cut in two would show.
"""

from __future__ import annotations

import itertools
import sys

from douane.flow import changing, imports, revisions
from douane.flow.changing import How
from douane.flow.house import open_house
from douane.flow.live import Filter
from douane.settings import Settings

if __name__ == "__main__":
    revisions.CELLS_IN_SQL = 8
    house = open_house(Settings())
    operation = imports.get(house, sys.argv[1])
    for number in itertools.count():
        changing.change(house, operation, "name", f"text {number}", Filter(), How())
        last = changing.listed(house, operation, 1, 1)[2]
        changing.undo(house, operation, last, How())
        changing.redo(house, operation, last, How())
        print("changed", flush=True)
