"""Polars' bare parse: every cell as text, streamed, its bytes added up; nothing kept, nothing judged, nothing written.

python -m bench.peers.polars_parse FILE
"""

from __future__ import annotations

import json
import sys

import polars as pl


def main() -> None:
    cells = pl.scan_csv(sys.argv[1], infer_schema=False)
    found = cells.select(pl.len().alias("rows"), pl.all().str.len_bytes().sum()).collect(engine="streaming").row(0)
    print(json.dumps({"rows": found[0], "cell_bytes": sum(found[1:])}))


if __name__ == "__main__":
    main()
