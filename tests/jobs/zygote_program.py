"""A fork of `test_zygote.py`: when it hears something it sorts more than it may hold, and says what it has."""

import json
import os
import sys

import polars as pl


def is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


sys.stdin.readline()
descriptors = [number for number in range(4096) if is_open(number)]
pl.LazyFrame({"n": range(200_000)}).with_columns(text=pl.col("n").cast(pl.String)).sort("text").collect(
    engine="streaming"
)
print(
    json.dumps(
        {
            "files": sum(len(files) for _, _, files in os.walk(".")),
            "environment": dict(os.environ),
            "descriptors": descriptors,
        }
    )
)
raise SystemExit(7)
