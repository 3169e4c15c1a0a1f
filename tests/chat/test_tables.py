from __future__ import annotations

import polars as pl

from douane.chat.tables import TABLES, fitted, frame


def test_rows_of_an_earlier_version_get_the_columns_that_came_since() -> None:
    old = frame("messages", {"id": ["a", "b"], "text": ["one", None]}).drop("blocks", "original")
    found = fitted("messages", old.with_columns(pl.lit("r").alias("room")))
    assert found.columns == [*TABLES["messages"], "room"]
    assert found.drop("room").schema == TABLES["messages"]
    assert found.select("id", "text", "blocks").rows() == [("a", "one", None), ("b", None, None)]


def test_rows_of_this_version_stay_as_they_are() -> None:
    rows = frame("edits", {"kind": ["edit"], "target": ["slack-C1-1-2"]})
    assert fitted("edits", rows) is rows
