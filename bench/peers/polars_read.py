"""Polars' bare streaming read: every cell as text, nothing judged, to Parquet with Polars' default compression.

python -m bench.peers.polars_read FILE OUT.parquet
"""

from __future__ import annotations

import json
import sys

import polars as pl


def main() -> None:
    source, target = sys.argv[1:3]
    pl.scan_csv(source, infer_schema=False).sink_parquet(target)
    print(json.dumps({"rows": pl.scan_parquet(target).select(pl.len()).collect().item()}))


if __name__ == "__main__":
    main()
