"""Does the reading that an import waits for, until it is killed; `test_rereading.py` starts and kills it.

python -m tests.flow.rereading_program OPERATION        settings from DOUANE_*
"""

from __future__ import annotations

import sys

from douane.flow import rereading
from douane.flow.house import open_house
from douane.settings import Settings

if __name__ == "__main__":
    house = open_house(Settings())
    print("begun", flush=True)
    while rereading.reread(house, sys.argv[1]):
        pass
